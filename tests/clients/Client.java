// SPDX-License-Identifier: MIT
// A program on the Java binding: files and bytes, metadata, types, strings, sequences, run options, errors.
import ai.onnxruntime.*;
import java.nio.FloatBuffer;
import java.nio.file.*;
import java.util.*;

public class Client {
  static void equal(Object got, Object want) {
    if (!Objects.deepEquals(got, want)) throw new RuntimeException("got " + got + ", expected " + want);
  }

  public static void main(String[] args) throws Exception {
    OrtEnvironment env = OrtEnvironment.getEnvironment("client");
    String dense = args[0] + "/dense.onnx";
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      options.addCPU(true);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      for (OrtSession s : new OrtSession[] {env.createSession(dense, options), env.createSession(Files.readAllBytes(Path.of(dense)), options)})
        try (s; OnnxTensor x = OnnxTensor.createTensor(env, FloatBuffer.wrap(new float[] {1, 0, -1, 1, 1, 1}), new long[] {2, 3});
             OrtSession.RunOptions run = new OrtSession.RunOptions()) {
          run.setRunTag("a run");
          TensorInfo info = (TensorInfo) s.getInputInfo().get("X").getInfo();
          equal(info.getShape(), new long[] {-1, 3});
          equal(info.type, OnnxJavaType.FLOAT);
          OnnxModelMetadata metadata = s.getMetadata();
          equal(metadata.getProducerName(), "clients");
          equal(metadata.getCustomMetadata(), Map.of("colour", "green"));
          try (OrtSession.Result r = s.run(Map.of("X", x), s.getOutputNames(), run)) {
            equal(r.get(0).getValue(), new float[][] {{0, 0}, {9, 12}});
          }
          try (OnnxTensor wrong = OnnxTensor.createTensor(env, new float[][] {{1, 2}}); OrtSession.Result r = s.run(Map.of("X", wrong))) {
            throw new RuntimeException("a wrong shape was taken");
          } catch (OrtException e) {
            equal(e.getCode(), OrtException.OrtErrorCode.ORT_INVALID_ARGUMENT);
          }
        }
    }
    try (OrtSession s = env.createSession(args[0] + "/types.onnx");
         OnnxTensor i = OnnxTensor.createTensor(env, new long[] {1, -2}); OnnxTensor b = OnnxTensor.createTensor(env, new boolean[] {true, false});
         OnnxTensor d = OnnxTensor.createTensor(env, new double[] {1.5, -2});
         OnnxTensor u = OnnxTensor.createTensor(env, java.nio.ByteBuffer.allocateDirect(2).put(0, (byte) 0).put(1, (byte) 255), new long[] {2}, OnnxJavaType.UINT8);
         OrtSession.Result r = s.run(Map.of("i", i, "b", b, "d", d, "u", u))) {
      equal(r.get("i2").get().getValue(), new long[] {2, -4});
      equal(r.get("nb").get().getValue(), new boolean[] {false, true});
      equal(r.get("d2").get().getValue(), new double[] {2.25, 4});
      equal(r.get("uf").get().getValue(), new float[] {0, 255});
    }
    String[] words = {"one", "", "zwölf"};
    try (OrtSession s = env.createSession(args[0] + "/strings.onnx"); OnnxTensor t = OnnxTensor.createTensor(env, words);
         OrtSession.Result r = s.run(Map.of("S", t))) {
      equal(r.get("T").get().getValue(), words);
    }
    try (OrtSession s = env.createSession(args[0] + "/sequence.onnx"); OnnxTensor a = OnnxTensor.createTensor(env, new float[] {1, 2});
         OnnxTensor b = OnnxTensor.createTensor(env, new float[] {3}); OrtSession.Result r = s.run(Map.of("A", a, "B", b))) {
      List<?> values = ((OnnxSequence) r.get(0)).getValue();
      equal(values.size(), 2);
      equal(((OnnxTensor) values.get(0)).getValue(), new float[] {1, 2});
    }
    try {
      env.createSession(args[0] + "/none.onnx");
      throw new RuntimeException("a model that is not there was opened");
    } catch (OrtException e) {
      equal(e.getCode(), OrtException.OrtErrorCode.ORT_NO_SUCHFILE);
    }
  }
}
