// SPDX-License-Identifier: MIT
// A program on onnxruntime-node: models from files and bytes, metadata, types, strings, outputs given by the caller, errors.
const ort = require("onnxruntime-node");
const assert = require("assert");
const fs = require("fs");
const file = (name) => `${process.argv[2]}/${name}.onnx`;
const is = (tensor, values) => assert.deepStrictEqual(Array.from(tensor.data), values);

async function main() {
  for (const source of [file("dense"), fs.readFileSync(file("dense"))]) {
    const session = await ort.InferenceSession.create(source, { intraOpNumThreads: 1, graphOptimizationLevel: "all" });
    assert.deepStrictEqual([session.inputNames, session.outputNames], [["X"], ["Y"]]);
    assert.deepStrictEqual(session.inputMetadata[0].shape, ["N", 3]);
    const { Y } = await session.run({ X: new ort.Tensor("float32", [1, 0, -1, 1, 1, 1], [2, 3]) }, { tag: "a run" });
    assert.deepStrictEqual(Y.dims, [2, 2]);
    is(Y, [0, 0, 9, 12]);
    const mine = new ort.Tensor("float32", new Float32Array(2), [1, 2]);
    await session.run({ X: new ort.Tensor("float32", [1, 1, 0], [1, 3]) }, { Y: mine });
    is(mine, [4, 6]);
    await assert.rejects(session.run({ X: new ort.Tensor("float32", [1, 2], [1, 2]) }));
    await session.release();
  }
  const types = await ort.InferenceSession.create(file("types"));
  const given = { i: new ort.Tensor("int64", [1n, -2n], [2]), b: new ort.Tensor("bool", [1, 0], [2]),
                  d: new ort.Tensor("float64", [1.5, -2], [2]), u: new ort.Tensor("uint8", [0, 255], [2]) };
  const all = await types.run(given);
  is(all.i2, [2n, -4n]), is(all.nb, [0, 1]), is(all.d2, [2.25, 4]), is(all.uf, [0, 255]);
  assert.deepStrictEqual(Object.keys(await types.run(given, ["d2"])), ["d2"]);
  const strings = await ort.InferenceSession.create(file("strings"));
  const said = await strings.run({ S: new ort.Tensor("string", ["one", "", "zwölf"], [3]) });
  is(said.T, ["one", "", "zwölf"]), is(said.n, [3n]);
  await assert.rejects(ort.InferenceSession.create(file("no such model")));
  await assert.rejects(ort.InferenceSession.create(Buffer.from("no model")), /rotobuf/);
}
main().catch((e) => { console.error(e); process.exit(1); });
