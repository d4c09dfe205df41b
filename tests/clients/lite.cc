// SPDX-License-Identifier: MIT
// Custom operators by onnxruntime_lite_custom_op.h: a function and a struct, each as the operator Twice, which a model calls.
#include <iostream>
#include <memory>

#include <onnxruntime_lite_custom_op.h>

static void twice(const Ort::Custom::Tensor<float>& x, Ort::Custom::Tensor<float>& y) {
  float* to = y.Allocate(x.Shape());
  for (int64_t i = 0; i < x.NumberOfElement(); i++) to[i] = 2 * x.Data()[i];
}

struct Twice {
  Twice(const OrtApi*, const OrtKernelInfo*) {}
  Ort::Status Compute(const Ort::Custom::Tensor<float>& x, Ort::Custom::Tensor<float>& y) {
    if (x.NumberOfElement() == 0) return Ort::Status("nothing to do", ORT_INVALID_ARGUMENT);
    twice(x, y);
    return Ort::Status{nullptr};
  }
};

int main(int, char** argv) try {
  Ort::Env env;
  std::unique_ptr<Ort::Custom::OrtLiteCustomOp> ops[] = {
      std::unique_ptr<Ort::Custom::OrtLiteCustomOp>(Ort::Custom::CreateLiteCustomOp("Twice", "CPUExecutionProvider", twice)),
      std::unique_ptr<Ort::Custom::OrtLiteCustomOp>(Ort::Custom::CreateLiteCustomOp<Twice>("Twice", "CPUExecutionProvider"))};
  for (auto& op : ops) {
    Ort::CustomOpDomain domain("lite.ops");
    domain.Add(op.get());
    Ort::SessionOptions options;
    options.Add(domain);
    Ort::Session session(env, argv[1], options);
    float data[] = {1, -2, 3.5f};
    int64_t size = 3;
    const char *in = "X", *out = "Y";
    const auto cpu = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
    const auto x = Ort::Value::CreateTensor<float>(cpu, data, 3, &size, 1);
    const auto y = session.Run(Ort::RunOptions{nullptr}, &in, &x, 1, &out, 1);
    for (int i = 0; i < 3; i++)
      if (y[0].GetTensorData<float>()[i] != 2 * data[i]) throw std::runtime_error("wrong numbers");
    if (&op == &ops[1]) {
      size = 0;
      const auto none = Ort::Value::CreateTensor<float>(cpu, data, 0, &size, 1);
      try {
        session.Run(Ort::RunOptions{nullptr}, &in, &none, 1, &out, 1);
        throw std::runtime_error("an operator's own error was lost");
      } catch (const Ort::Exception& e) {
        if (std::string(e.what()).find("nothing to do") == std::string::npos) throw;
      }
    }
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
