# SPDX-License-Identifier: MIT
"""Reports: what is drawn, what is tapped, which node differs, what a terminal shows."""
import io
import os
import sys
import xml.etree.ElementTree

import numpy as np
import pytest
import sardonyx as sx
from sardonyx import _model, _progress
from sardonyx.capi import onnxruntime_pybind11_state as state

X = np.linspace(-1, 1, 12).astype(np.float32).reshape(3, 4)
pytestmark = pytest.mark.skipif(not sx._native.has_extension(), reason="not Sardonyx's library")


def chain(scale=2.0, kind=1):
    """h = x * scale; r = relu(h); y = x @ w + r, its nodes named m, r, g, a."""
    onnx = pytest.importorskip("onnx")
    h, f = onnx.helper, kind
    numpy_type = onnx.helper.tensor_dtype_to_np_dtype(kind)
    nodes = [h.make_node("Mul", ["x", "s"], ["h"], name="m"), h.make_node("Relu", ["h"], ["r"], name="r"), h.make_node("MatMul", ["x", "w"], ["g"], name="g"),
             h.make_node("Add", ["g", "r"], ["y"], name="a")]
    weights = [onnx.numpy_helper.from_array(np.array(scale, numpy_type), "s"), onnx.numpy_helper.from_array(np.eye(4).astype(numpy_type), "w")]
    graph = h.make_graph(nodes, "chain", [h.make_tensor_value_info("x", f, ["n", 4])], [h.make_tensor_value_info("y", f, ["n", 4])], weights)
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10).SerializeToString()


def test_tap(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(chain())
    for source in (path, chain()):
        session = sx.InferenceSession(source)
        assert session.tensors() == ["h", "r", "g", "y"]
        [r, h] = session.tap("r", "h").run(["r", "h"], {"x": X})
        assert np.array_equal(h, X * 2) and np.array_equal(r, np.maximum(h, 0))
        assert [arg.name for arg in session.tap("h").get_outputs()] == ["y", "h"] and session.tap("h").get_outputs()[1].shape == ["n", 4]
    with pytest.raises(state.InvalidArgument, match="no node computes hh; is it h"):
        session.tap("hh")


def test_tap_of_a_model_with_external_data(tmp_path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(chain())
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        assert np.array_equal(sx.InferenceSession("m.onnx").tap("h").run(["h"], {"x": X})[0], X * 2)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x3a\x7f", b"\x07\x07", b"ORTM" * 4])
def test_bytes_that_are_no_model(data):
    with pytest.raises(state.InvalidProtobuf):
        _model.Model(data)


def test_verify_names_the_node():
    feed = {"x": X}
    same = sx.verify(chain(), feed)
    assert same and same.first is None and same.data[0]["largest_difference"] is not None
    other = sx.verify(chain(), feed, against=chain(2.5))
    assert not other and other.first["node"] == "m" and other.first["tensor"] == "h" and "first at node Mul m" in str(other)
    assert sx.verify(chain(), feed, against=sx.GraphOptimizationLevel.ORT_ENABLE_BASIC)
    assert sx.verify(chain(), feed, against=sx.InferenceSession(chain()))
    assert not sx.verify(chain(), feed, against=lambda f: [f["x"]]) and sx.verify(chain(), feed, against=lambda f: [f["x"] + np.maximum(2 * f["x"], 0)])


def test_verify_against_another_library():
    from sardonyx import _library
    assert sx.verify(chain(), {"x": X}, against=_library.path)
    with pytest.raises(state.Fail, match="cannot be run"):
        sx.verify(chain(), {"x": X}, against="/no/such/library.so")


def test_verify_against_torch():
    torch = pytest.importorskip("torch")

    class Chain(torch.nn.Module):
        def forward(self, x):
            return x + torch.relu(2 * x)
    assert sx.verify(chain(), {"x": X}, against=Chain())


def test_drawing(tmp_path):
    report = sx.InferenceSession(chain()).explain()
    page = report._repr_html_()
    drawn = xml.etree.ElementTree.fromstring(page[page.index("<svg"):page.index("</svg>") + 6])
    boxes = [item for item in drawn.iter() if item.tag.endswith("rect")]
    assert len(boxes) == len(report.data["steps"]) and any(item.tag.endswith("path") for item in drawn.iter())
    report.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert "&lt;" in sx.Report("<b>", {}).html()


def test_profile_by_node():
    with sx.InferenceSession(chain()).profile() as p:
        p.run(None, {"x": X})
        p.run(None, {"x": X})
    assert sum(calls for _, calls, _ in p.rows()) == sum(calls for _, calls, _ in p.rows("node")) >= 2
    assert str(p).startswith("operator") and p.table("node").startswith("node") and "<pre>" in p._repr_html_()
    assert all(event["ph"] == "X" for event in p.trace)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = _progress.Bar("working", 10, soon=0)
    bar.step(5)
    bar.end()
    assert "50%" in sys.stderr.getvalue() and sys.stderr.getvalue().endswith("\r")
    monkeypatch.setattr(_progress, "LARGE", 0)
    monkeypatch.setattr(_progress, "SOON", 0)
    (tmp_path / "m.onnx").write_bytes(chain())
    assert sx.InferenceSession(tmp_path / "m.onnx").run(None, {"x": X})
    monkeypatch.setenv("SARDONYX_PROGRESS", "0")
    assert not _progress.wanted()


def test_verify_names_shapes_and_takes_an_array(add):
    ones = np.ones((2, 3), np.float32)
    assert sx.verify(add, {"a": ones, "b": ones}, against=lambda feed: feed["a"] + feed["b"], nodes=False)
    assert "shape [2, 3] against [3]" in str(sx.verify(add, {"a": ones, "b": ones}, against=lambda feed: [np.ones(3)], nodes=False))


def test_check_and_verify_with_options(add):
    options = sx.SessionOptions()
    options.add_session_config_entry("session.disable_prepacking", "1")
    assert sx.check(add, options) and sx.verify(add, sess_options=options)
    with pytest.raises(TypeError):
        sx.check(add, "level 0")
