# SPDX-License-Identifier: MIT
"""Models written anew: optimised, in 16 bits, with fixed shapes, in ORT's format; and what they need."""
import numpy as np
import pytest
import sardonyx as sx
from sardonyx import tools
from sardonyx.capi import onnxruntime_pybind11_state as state
from sardonyx.tools.__main__ import main
from test_reports import X, chain

pytestmark = pytest.mark.skipif(not sx._native.has_extension(), reason="not Sardonyx's library")


@pytest.fixture
def model(tmp_path):
    (tmp_path / "m.onnx").write_bytes(chain())
    return tmp_path / "m.onnx"


def wide(tmp_path, most=2.0):
    """y = x @ w + b with a weight that is worth 16 bits."""
    onnx = pytest.importorskip("onnx")
    h, w = onnx.helper, np.random.default_rng(0).standard_normal((4, 64)).astype(np.float32)
    w[0, 0] = most
    graph = h.make_graph([h.make_node("MatMul", ["x", "w"], ["g"]), h.make_node("Relu", ["g"], ["y"])], "wide", [h.make_tensor_value_info("x", 1, ["n", 4])],
                         [h.make_tensor_value_info("y", 1, ["n", 64])], [onnx.numpy_helper.from_array(w, "w")])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10), tmp_path / "wide.onnx")
    return tmp_path / "wide.onnx"


def test_optimize(model, tmp_path):
    for level in (0, 1, sx.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, None):
        report = sx.optimize(model, tmp_path / "o.onnx", level)
        assert sx.verify(model, {"x": X}, against=tmp_path / "o.onnx") and report.data["nodes"][0] == 4
    sx.optimize(chain(), tmp_path / "b.onnx")
    with pytest.raises(state.NoSuchFile):
        sx.optimize(tmp_path / "none.onnx", tmp_path / "o.onnx")
    with pytest.raises(ValueError):
        sx.optimize(model, tmp_path / "o.onnx", 7)


def test_weights_of_16_bits(tmp_path):
    model = wide(tmp_path)
    report = sx.optimize(model, tmp_path / "h.onnx", float16=True)
    assert report.data["tensors in 16 bits"] == 1 and report.data["bytes"][1] < report.data["bytes"][0] * 0.8
    assert sx.verify(model, {"x": X}, against=tmp_path / "h.onnx", rtol=1e-2, atol=1e-3)
    assert sx.optimize(wide(tmp_path, 1e6), tmp_path / "h.onnx", float16=True).data["tensors in 16 bits"] == 0
    with pytest.raises(state.InvalidArgument):
        sx.optimize(model, tmp_path / "h.ort", float16=True)


def test_fixed_shapes(model, tmp_path):
    for arguments in ({"dims": {"n": 3}}, {"inputs": {"x": [3, 4]}}):
        tools.make_dynamic_shape_fixed(model, tmp_path / "f.onnx", **arguments)
        session = sx.InferenceSession(tmp_path / "f.onnx")
        assert session.get_inputs()[0].shape == [3, 4] == session.get_outputs()[0].shape
        assert session.run(None, {"x": X})[0].shape == (3, 4)
    for arguments in ({"dims": {"m": 3}}, {"inputs": {"z": [3, 4]}}, {"inputs": {"x": [3, 5]}}, {"inputs": {"x": [3]}}):
        with pytest.raises(state.InvalidArgument):
            tools.make_dynamic_shape_fixed(model, tmp_path / "f.onnx", **arguments)


def test_ort_format(model, tmp_path):
    [made] = tools.convert_to_ort(tmp_path)
    assert made.endswith("m.ort") and sx.verify(model, {"x": X}, against=made, nodes=False)
    tools.convert_from_ort(made, tmp_path / "back.onnx")
    assert sx.verify(model, {"x": X}, against=tmp_path / "back.onnx")


def test_operators_that_models_need(model, tmp_path):
    lines = tools.create_reduced_build_config(tmp_path, tmp_path / "ops.config")
    assert any(line.startswith("ai.onnx;") or line.startswith(";") for line in lines) and "MatMul" in (tmp_path / "ops.config").read_text()
    with pytest.raises(state.NoSuchFile):
        tools.create_reduced_build_config(tmp_path / "none", tmp_path / "ops.config")


def test_opset(model, tmp_path):
    pytest.importorskip("onnx")
    tools.update_onnx_opset(model, 22, tmp_path / "u.onnx")
    assert sx.verify(model, {"x": X}, against=tmp_path / "u.onnx")


def test_command(model, tmp_path, capsys):
    main(["fix-shapes", str(model), str(tmp_path / "f.onnx"), "--dim", "n=3"])
    main(["optimize", str(model), str(tmp_path / "o.onnx"), "--level", "1"])
    main(["operators", str(model), str(tmp_path / "ops.config")])
    assert "bytes" in capsys.readouterr().out and sx.InferenceSession(tmp_path / "f.onnx").get_inputs()[0].shape == [3, 4]
    with pytest.raises(SystemExit):
        main(["nothing"])
