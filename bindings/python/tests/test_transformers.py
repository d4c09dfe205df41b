# SPDX-License-Identifier: MIT
"""What programs ask onnxruntime.transformers and onnxruntime.tools for."""
import subprocess
import sys

import numpy as np
import pytest
import sardonyx as sx
from test_reports import X, chain

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.skipif(not sx._native.has_extension(), reason="not Sardonyx's library")
ALIAS = "from sardonyx import compat; compat.install()\n"


def alias(code, *arguments):
    done = subprocess.run([sys.executable, "-c", ALIAS + code, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(model):
    return sx.InferenceSession(model if isinstance(model, (str, bytes)) else str(model)).run(None, {"x": X})[0]


def test_optimize_model(tmp_path):
    from sardonyx.transformers import fusion_options, optimizer
    (tmp_path / "m.onnx").write_bytes(chain())
    options = fusion_options.FusionOptions("bert")
    options.enable_gelu = False
    for source in (str(tmp_path / "m.onnx"), chain(), onnx.load_from_string(chain())):
        made = optimizer.optimize_model(source, "bert", num_heads=12, hidden_size=768, optimization_options=options, opt_level=1)
        made.save_model_to_file(tmp_path / "fast.onnx")
        assert np.allclose(run(tmp_path / "fast.onnx"), run(chain()))
    assert made.get_opset_version() and made.nodes() and made.get_operator_statistics() and "bytes" in str(made.report)
    made.get_fused_operator_statistics()
    made.save_model_to_file(tmp_path / "apart.onnx", use_external_data_format=True)
    assert np.allclose(run(tmp_path / "apart.onnx"), run(chain()))
    made.convert_float_to_float16()
    assert any(tensor.data_type == 10 for tensor in made.model.graph.initializer) or made.get_nodes_by_op_type("Cast")
    assert optimizer.optimize_by_onnxruntime(str(tmp_path / "m.onnx")) == str(tmp_path / "m_o99_cpu.onnx")
    for bad in ({"model_type": "abacus"}, {"opt_level": 7}):
        with pytest.raises(ValueError):
            optimizer.optimize_model(chain(), **bad)
    done = subprocess.run([sys.executable, "-m", "sardonyx.transformers.optimizer", "--input", tmp_path / "m.onnx", "--output", tmp_path / "o.onnx"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "o.onnx").exists(), done.stderr


def test_float16():
    from sardonyx.transformers.float16 import convert_float_to_float16
    made = convert_float_to_float16(onnx.load_from_string(chain()))
    assert made.graph.input[0].type.tensor_type.elem_type == 10


def test_shapes():
    from sardonyx.tools.modules.symbolic_shape_infer import SymbolicShapeInference
    found = SymbolicShapeInference.infer_shapes(onnx.load_from_string(chain()))
    known = {info.name: [dim.dim_param or dim.dim_value for dim in info.type.tensor_type.shape.dim] for info in found.graph.value_info}
    assert known == {"h": ["n", 4], "r": ["n", 4], "g": ["n", 4]}


def test_fixed_shapes(tmp_path):
    from sardonyx.tools.modules import onnx_model_utils as utils
    model = onnx.load_from_string(chain())
    assert not utils.is_fixed_size_tensor(model.graph.input[0])
    utils.make_input_shape_fixed(model.graph, "x", [3, 4])
    assert utils.is_fixed_size_tensor(model.graph.input[0])
    utils.fix_output_shapes(model)
    assert utils.is_fixed_size_tensor(model.graph.output[0]) and utils.get_opsets_imported(model)["ai.onnx"] == 21
    for name, shape in (("q", [3, 4]), ("x", [3]), ("x", [3, 5])):
        with pytest.raises(ValueError):
            utils.make_input_shape_fixed(onnx.load_from_string(chain()).graph, name, shape)


def test_modules_of_tools(tmp_path):
    (tmp_path / "m.onnx").write_bytes(chain())
    alias("""
import sys, onnxruntime.tools.make_dynamic_shape_fixed as fix, onnxruntime.tools.convert_onnx_models_to_ort as convert
from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference
from onnxruntime.tools.remove_initializer_from_input import remove_initializer_from_input
from onnxruntime.transformers.optimizer import optimize_model
from onnxruntime.transformers.fusion_options import FusionOptions
import sardonyx.tools
assert callable(sardonyx.tools.make_dynamic_shape_fixed)
fix.make_dynamic_shape_fixed_helper(["--dim_param", "n", "--dim_value", "3", *sys.argv[1:3]])
convert.convert_onnx_models_to_ort(sys.argv[1], sys.argv[3])
import runpy
sys.argv = ["x", "--opt_level", "basic", sys.argv[1], sys.argv[2] + ".basic.onnx"]
runpy.run_module("onnxruntime.tools.optimize_onnx_model", run_name="__main__")
""", tmp_path / "m.onnx", tmp_path / "fixed.onnx", tmp_path / "out")
    assert sx.InferenceSession(tmp_path / "fixed.onnx").get_inputs()[0].shape == [3, 4]
    assert np.allclose(run(tmp_path / "out/m.ort"), run(chain())) and (tmp_path / "out/m.required_operators.config").exists()
    assert (tmp_path / "fixed.onnx.basic.onnx").exists()
