# SPDX-License-Identifier: MIT
"""OrtValue, DLPack, sparse tensors, bindings."""
import gc
import pickle

import numpy as np
import pytest
import sardonyx as sx
from conftest import model_of
from sardonyx import _native

ONE = np.ones((2, 3), np.float32)


def test_value_over_an_array():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    v = sx.OrtValue.ortvalue_from_numpy(x)
    assert isinstance(v, sx.OrtValue) and v.data_ptr() == x.ctypes.data and v.shape() == [2, 3]
    assert (v.data_type(), v.element_type(), v.device_name(), v.tensor_size_in_bytes()) == ("tensor(float)", 1, "cpu", 24)
    assert v.is_tensor() and v.has_value() and not v.is_sparse_tensor() and not v.is_tensor_sequence()
    y = v.numpy()
    del v, x
    gc.collect()
    assert np.array_equal(y, np.arange(6).reshape(2, 3)) and np.asarray(sx.OrtValue.ortvalue_from_numpy(y)).shape == (2, 3)


def test_value_of_a_shape():
    v = sx.OrtValue.ortvalue_from_shape_and_type([4, 2], np.int32)
    v.update_inplace(np.arange(8, dtype=np.int32).reshape(4, 2))
    assert v.numpy().tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    with pytest.raises(Exception, match="bytes"):
        v.update_inplace(np.arange(3, dtype=np.int32))
    assert sx.OrtValue.ortvalue_from_shape_and_type([2], 16).data_type() == "tensor(bfloat16)"
    bits = sx.OrtValue.ortvalue_from_numpy_with_onnx_type(np.array([0x3F80], np.uint16), 16)
    assert bits.data_type() == "tensor(bfloat16)"
    for bad in ([-1], ["a"], [2**62, 2**62]):
        with pytest.raises(Exception):
            sx.OrtValue.ortvalue_from_shape_and_type(bad, np.float32)
    with pytest.raises(RuntimeError):
        sx.OrtValue.ortvalue_from_shape_and_type([1], np.float32, "cuda")
    assert pickle.loads(pickle.dumps(v)).numpy().shape == (4, 2)


def test_dlpack():
    x = np.arange(6, dtype=np.float64).reshape(2, 3)
    v = sx.OrtValue.from_dlpack(x)
    assert v.data_ptr() == x.ctypes.data and v.data_type() == "tensor(double)"
    y = np.from_dlpack(v)
    assert y.ctypes.data == x.ctypes.data and np.array_equal(x, y)
    del v
    gc.collect()
    assert np.array_equal(x, y)
    v.to_dlpack() if "v" in locals() else None
    with pytest.raises(Exception, match="contiguous"):
        sx.OrtValue.from_dlpack(x.T)
    assert sx.OrtValue.from_dlpack(np.array([True, False])).data_type() == "tensor(bool)"
    sx.OrtValue.ortvalue_from_numpy(x).to_dlpack()  # a capsule that nobody takes


def test_torch(add):
    torch = pytest.importorskip("torch")
    [y] = sx.InferenceSession(add).run(None, {"a": torch.ones(2, 3), "b": torch.ones(2, 3)})
    assert np.array_equal(y, ONE * 2)
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool):
        x = torch.ones(2, 3, dtype=dtype)
        v = sx.OrtValue.from_dlpack(x)
        assert v.data_ptr() == x.data_ptr() and v.shape() == [2, 3]
        back = torch.from_dlpack(v)
        assert back.data_ptr() == x.data_ptr() and back.dtype == dtype and torch.equal(back, x)
        del v, x
        gc.collect()
        assert torch.all(back == 1)


def test_run_with_values(add):
    session = sx.InferenceSession(add)
    v = sx.OrtValue.ortvalue_from_numpy(ONE)
    [out] = session.run_with_ort_values(["y"], {"a": v, "b": v})
    assert isinstance(out, sx.OrtValue) and np.array_equal(out.numpy(), ONE * 2)
    assert np.array_equal(session.run(None, {"a": v, "b": out})[0], ONE * 3)
    room = sx.OrtValue.ortvalue_from_shape_and_type([2, 3], np.float32)
    fetches = [room]
    session.run_with_ortvaluevector(None, ["a", "b"], [v, v], ["y"], fetches, [])
    assert fetches[0] is room and np.array_equal(room.numpy(), ONE * 2)


def test_binding(add):
    session = sx.InferenceSession(add)
    binding = session.io_binding()
    binding.bind_cpu_input("a", ONE)
    binding.bind_input("b", "cpu", 0, np.float32, [2, 3], ONE.ctypes.data)
    binding.bind_output("y")
    session.run_with_iobinding(binding)
    [y] = binding.copy_outputs_to_cpu()
    assert np.array_equal(y, ONE * 2)
    target = np.zeros((2, 3), np.float32)
    binding.bind_output("y", "cpu", 0, np.float32, target.shape, target.ctypes.data)
    session.run_with_iobinding(binding, sx.RunOptions())
    assert np.array_equal(target, ONE * 2)
    value = sx.OrtValue.ortvalue_from_shape_and_type([2, 3], np.float32)
    binding.bind_ortvalue_output("y", value)
    binding.bind_ortvalue_input("a", sx.OrtValue.ortvalue_from_numpy(ONE * 4))
    session.run_with_iobinding(binding)
    assert np.array_equal(value.numpy(), ONE * 5) and len(binding.get_outputs()) == 1
    binding.clear_binding_outputs()
    binding.clear_binding_inputs()
    with pytest.raises(Exception):
        binding.bind_cpu_input("nope", ONE)
    del session
    gc.collect()
    binding.synchronize_inputs()


def test_sparse():
    s = sx.SparseTensor.sparse_coo_from_numpy([3, 3], np.array([1, 2], np.float32), np.array([0, 4]), sx.OrtDevice.make("cpu", 0))
    assert s.dense_shape() == [3, 3] and s.values().tolist() == [1, 2] and s.as_coo_view().indices().tolist() == [0, 4]
    assert s.format() == sx.OrtSparseFormat.ORT_SPARSE_COO and s.data_type() == "sparse_tensor(float)"
    assert sx.OrtValue.ort_value_from_sparse_tensor(s).is_sparse_tensor()
    c = sx.SparseTensor.sparse_csr_from_numpy([3, 3], np.array([1, 2], np.float32), np.array([1, 1]), np.array([0, 1, 1, 2]), None)
    assert c.as_csrc_view().inner().tolist() == [1, 1] and c.as_csrc_view().outer().tolist() == [0, 1, 1, 2]
    with pytest.raises(RuntimeError):
        c.as_coo_view()


def test_devices():
    assert "CPUExecutionProvider" in sx.get_available_providers() and sx.get_device() == "CPU"
    device = sx.get_ep_devices()[0]
    assert device.ep_name == "CPUExecutionProvider" and device.device.type == sx.OrtHardwareDeviceType.CPU
    assert sx.OrtDevice.make("cuda", 1).device_id() == 1
    with pytest.raises(ValueError):
        sx.OrtDevice.make("toaster", 0)
    with pytest.raises(RuntimeError):
        sx.set_default_logger_severity(9)
    with pytest.raises(Exception):
        sx.register_execution_provider_library("x", "/no/such.so")


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("symmetric", [False, True])
def test_blocks(bits, symmetric):
    """What comes back out of the codes is within half a step."""
    from sardonyx.capi import onnxruntime_pybind11_state as state
    k, n, block, per = 70, 5, 16, 8 // bits
    blocks = -(-k // block)
    w = np.random.default_rng(bits).standard_normal((k, n)).astype(np.float32)
    codes, scale = np.zeros((n, blocks, block // per), np.uint8), np.zeros(n * blocks, np.float32)
    zeros = np.zeros(n * -(-blocks // per), np.uint8)
    getattr(state, f"quantize_matmul_{bits}bits")(codes, w, scale, zeros, block, n, k, symmetric)
    shifts = np.arange(per, dtype=np.uint8) * bits
    plain = (codes[..., None] >> shifts & (2**bits - 1)).reshape(n, blocks, block).astype(np.float32)
    zero = (zeros.reshape(n, -1)[..., None] >> shifts & (2**bits - 1)).reshape(n, -1)[:, :blocks, None] if not symmetric else 2**(bits - 1)
    back = ((plain - zero) * scale.reshape(n, blocks, 1)).reshape(n, -1)[:, :k].T
    step = np.repeat(np.abs(scale).reshape(n, blocks), block, 1)[:, :k].T
    assert np.all(np.abs(back - w) <= step * (1.01 if symmetric else 0.76))
    with pytest.raises(ValueError):
        state.quantize_matmul_4bits(codes, w.T, scale, zeros, block, n, k, symmetric)


def test_garbage(add):
    """Nothing that Python lets one say ends the process."""
    session = sx.InferenceSession(add)
    things = [None, 0, -1, 2**70, 1.5, "x", b"x", [], [1], {}, {"a": 1}, object(), ONE, np.array("x"), np.zeros(3, "V5"), sx.OrtValue, session]
    native = _native
    calls = [native.value_from_object, native.value_from_dlpack, native.sparse_format, native.sparse_values, native.is_dlpack_uint8_tensor,
             native.load_adapter, native.Binding, native.RunOptions, sx.OrtValue, sx.InferenceSession, sx.check, session.io_binding().bind_cpu_input,
             lambda x: session.run(None, {"a": x, "b": x}), lambda x: session.run(x, {"a": ONE, "b": ONE}), lambda x: session.run(None, x),
             lambda x: sx.OrtValue.ortvalue_from_numpy_with_onnx_type(ONE, x), lambda x: sx.OrtValue.ortvalue_from_shape_and_type(x, 1),
             lambda x: sx.OrtValue.ortvalue_from_shape_and_type([1], x), lambda x: native.value_from_pointer(ONE.ctypes.data, x, 1, ONE),
             lambda x: sx.SessionOptions().add_session_config_entry(x, x), lambda x: sx.SessionOptions().add_provider("x", x),
             lambda x: sx.SessionOptions().add_initializer("x", x), lambda x: sx.RunOptions().add_active_adapter(x)]
    for call in calls:
        for thing in things:
            try:
                call(thing)
            except Exception as error:
                assert str(error) or True
    for bad in ((), (ONE,), (None,)):
        with pytest.raises((TypeError, ValueError)):
            sx.OrtValue(*bad)
    value = sx.OrtValue.ortvalue_from_numpy(ONE)
    assert sx.OrtValue(value) is value


@pytest.mark.parametrize("labels", [["b", "ä", "a"], [7, -1, 3]])
def test_maps_of_a_classifier(labels):
    import onnx
    kind = {"classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s": labels}
    model = onnx.load_from_string(model_of("ZipMap", [("x", np.float32, ["n", 3])], [("y", np.float32, None)], domain="ai.onnx.ml", **kind))
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    model.graph.output[0].ClearField("type")
    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    session = sx.InferenceSession(model.SerializeToString())
    assert session.run(None, {"x": x})[0] == [dict(zip(labels, row)) for row in x.tolist()]
    assert session.run(None, {"x": x[:0]})[0] == []
