# SPDX-License-Identifier: MIT
"""What is asked for is done or refused: wishes for nothing, readers that use their arrays again, options, providers, calibrations that failed."""
import os
import stat

import numpy as np
import pytest
import sardonyx as sx
from sardonyx import _native, quantization as q
from sardonyx.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from sardonyx.transformers import optimizer

WORDS = {"mode": "nbits", "method": "gptq", "bits": "8", "block_size": "32"}


@pytest.fixture
def product(tmp_path):
    """Two products, without names but for the first, and a Softmax: a path."""
    h = pytest.importorskip("onnx").helper
    draw = np.random.default_rng(0)
    nodes = [h.make_node("MatMul", ["x", "w"], ["a"], "mm"), h.make_node("MatMul", ["a", "v"], ["b"]), h.make_node("Softmax", ["b"], ["y"])]
    made = [h.make_tensor(name, 1, [64, 64], draw.standard_normal(4096).astype("f")) for name in ("w", "v")]
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", 1, ["n", 64])], [h.make_tensor_value_info("y", 1, ["n", 64])], made)
    path = tmp_path / "product.onnx"
    path.write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10).SerializeToString())
    return path


def rows(count=3):
    return [{"x": np.random.default_rng(seed).standard_normal((96, 64)).astype("f")} for seed in range(count)]


def test_wish_for_nothing(product):
    for wish, done in ((["not there"], [False, False]), ([], [False, False]), (["mm"], [True, False]), (None, [True, True])):
        made = MatMulNBitsQuantizer(os.fspath(product), 4, 32, nodes_to_include=wish)
        made.process()
        assert [node["quantized"] for node in made.report.nodes] == done


@pytest.mark.parametrize("memory", [0, 1024])
def test_reader_that_uses_its_array_again(product, tmp_path, memory):
    def again():
        x = np.empty((96, 64), "f")
        for sample in rows():
            x[:] = sample["x"]
            yield {"x": x}
    outs = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for out, samples in zip(outs, (again(), rows())):
        report = q.quantize_weights(product, out, method="gptq", samples=samples, memory=memory, compare=False)
        assert [node["rounding"] for node in report.nodes] == ["gptq", "gptq"] and "(gptq)" in str(report)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_rounding_waits_for_samples(product, tmp_path):
    made = _native.weight_calibration(os.fspath(product), sx.SessionOptions()._native, WORDS)
    for _ in range(2):
        with pytest.raises(_native.Fail, match="not finished"):
            _native.quantize_calibrated(made, os.fspath(tmp_path / "o.onnx"), None)
        _native.calibrate(made, rows()[0])
    assert not _native.calibration_pass(made)
    assert "gptq" in _native.quantize_calibrated(made, os.fspath(tmp_path / "o.onnx"), None)


def test_failed_pass(product, tmp_path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(product)
    model.graph.initializer[1].float_data[5] = float("nan")
    model.graph.node[1].input[0] = "x"  # what the first one gives stays finite
    model.graph.node[2].input[0] = "a"
    model.graph.output.append(onnx.helper.make_tensor_value_info("b", 1, ["n", 64]))
    onnx.save(model, product)
    made = _native.weight_calibration(os.fspath(product), sx.SessionOptions()._native, WORDS)
    _native.calibrate(made, rows()[0])
    with pytest.raises(_native.InvalidArgument, match="'v'.*NaN"):
        _native.calibration_pass(made)
    for call in (lambda: _native.calibrate(made, rows()[0]), lambda: _native.calibration_pass(made),
                 lambda: _native.quantize_calibrated(made, os.fspath(tmp_path / "o.onnx"), None)):
        with pytest.raises(_native.Fail, match="failed before"):
            call()


def test_refused_sample_leaves_nothing(product):
    made = _native.calibration(os.fspath(product), sx.SessionOptions()._native)
    _native.calibrate(made, rows()[0])
    before = _native.ranges(made, "minmax", 99.9)
    with pytest.raises(_native.InvalidArgument, match="infinite or NaN"):
        _native.calibrate(made, {"x": np.full((4, 64), 3e38, "f")})
    assert _native.ranges(made, "minmax", 99.9) == before


@pytest.mark.parametrize("option", [{"QuantizeBias": False}, {"WeightSymmetric": False}, {"SmoothQuant": True}, {"AddQDQPairToWeight": True},
                                    {"CalibMovingAverage": True}])
def test_other_results_are_refused(product, tmp_path, option):
    with pytest.raises(NotImplementedError, match=next(iter(option))):
        q.quantize_static(product, tmp_path / "s.onnx", rows(), extra_options=option, compare=False)


def test_options_of_both(product, tmp_path, recwarn):
    q.quantize_dynamic(product, tmp_path / "d.onnx", extra_options={"MatMulConstBOnly": True, "WeightSymmetric": True}, compare=False)
    assert not recwarn.list
    q.quantize_dynamic(product, tmp_path / "d.onnx", extra_options={"MatMulConstBOnly": False}, compare=False)
    assert "MatMulConstBOnly" in str(recwarn.list[0].message)
    with pytest.raises(ValueError, match="Guess"):
        q.quantize_dynamic(product, tmp_path / "d.onnx", extra_options={"Guess": 1}, compare=False)


def test_providers_of_calibration(product, tmp_path):
    made = q.create_calibrator(os.fspath(product), providers=["CPUExecutionProvider"])
    with pytest.raises(NotImplementedError, match="NoSuchProvider"):
        made.set_execution_providers(["NoSuchProvider"])
    with pytest.raises(NotImplementedError, match="NoSuchProvider"):
        q.quantize_static(product, tmp_path / "s.onnx", rows(), calibration_providers=["NoSuchProvider"], compare=False)


def test_nodes_without_names(product):
    model = optimizer.optimize_model(os.fspath(product), opt_level=0)
    model.convert_float_to_float16(op_block_list=["Softmax"])
    kinds = [node.op_type for node in model.nodes()]
    assert kinds.index("Cast", 1) < kinds.index("Softmax")  # in 32 bits
    with pytest.raises(ValueError, match="2 of those"):
        q.get_qdq_config(os.fspath(product), rows(), nodes_to_exclude=lambda model, node: True)


def test_files_and_models(product, tmp_path):
    modes = []
    for float16 in (False, True):
        out = tmp_path / f"{float16}.onnx"
        sx.optimize(product, out, level=0, float16=float16)
        modes.append(stat.S_IMODE(out.stat().st_mode))
    assert modes[0] == modes[1] and len(os.listdir(tmp_path)) == 3
    other = tmp_path / "net.so.v2.onnx"
    other.write_bytes(product.read_bytes())
    assert sx.verify(product, rows()[0], against=other)
    fewer = sx.verify(product, rows()[0], against=lambda feed: [])
    assert not fewer and str(fewer) == "DIFFERENT  1 outputs, and 0 of what they are compared with"
