// SPDX-License-Identifier: MIT
// A client in C++ with ONNX Runtime's own wrapper, onnxruntime_cxx_api.h: what a model is, a run with named inputs, and a run
// whose inputs and outputs are bound once. Errors are exceptions. It is the same program over either library; see README.md.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <onnxruntime_cxx_api.h>

// A PGM file in its readable form (P2) as grey levels 0..1.
static std::vector<float> picture(const std::string& path) {
  std::ifstream file(path);
  std::string magic;
  int width = 0, height = 0, most = 0;
  file >> magic >> width >> height >> most;
  std::vector<float> points(64);
  for (float& point : points) file >> point, point /= static_cast<float>(most);
  if (!file || magic != "P2" || width != 8 || height != 8) throw std::runtime_error(path + " is no picture of 8 by 8");
  return points;
}

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: " << argv[0] << " digits.onnx PICTURE.pgm...\n";
    return 2;
  }
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "cpp_client");
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1).SetGraphOptimizationLevel(ORT_ENABLE_ALL);
  Ort::Session session(env, argv[1], options);

  Ort::AllocatorWithDefaultOptions allocator;
  const auto input = session.GetInputNameAllocated(0, allocator), output = session.GetOutputNameAllocated(0, allocator);
  const auto type = session.GetInputTypeInfo(0);
  std::cout << input.get() << " has " << type.GetTensorTypeAndShapeInfo().GetShape().size() << " dimensions, made by "
            << session.GetModelMetadata().GetProducerNameAllocated(allocator).get() << "\n";

  // One run for each picture, bound once: the memory stays, its content changes.
  std::vector<float> points(64), answer(10);
  const std::vector<int64_t> in_shape{1, 1, 8, 8}, out_shape{1, 10};
  const auto cpu = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
  const auto x = Ort::Value::CreateTensor<float>(cpu, points.data(), points.size(), in_shape.data(), in_shape.size());
  const auto y = Ort::Value::CreateTensor<float>(cpu, answer.data(), answer.size(), out_shape.data(), out_shape.size());
  Ort::IoBinding binding(session);
  binding.BindInput(input.get(), x);
  binding.BindOutput(output.get(), y);
  for (int i = 2; i < argc; i++) {
    const auto now = picture(argv[i]);
    std::copy(now.begin(), now.end(), points.begin());
    session.Run(Ort::RunOptions{nullptr}, binding);
    std::cout << argv[i] << ": " << std::max_element(answer.begin(), answer.end()) - answer.begin() << "\n";
  }

  // The same by names, with an output that the run makes.
  const char* const ins[] = {input.get()};
  const char* const outs[] = {output.get()};
  const auto made = session.Run(Ort::RunOptions{nullptr}, ins, &x, 1, outs, 1);
  const float* p = made.at(0).GetTensorData<float>();
  if (!std::equal(answer.begin(), answer.end(), p)) throw std::runtime_error("the two ways to run differ");

  // What fails throws, with the status' code and text.
  try {
    Ort::Session nothing(env, "no such file", options);
  } catch (const Ort::Exception& e) {
    std::cout << "error " << e.GetOrtErrorCode() << " as it should be\n";
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
