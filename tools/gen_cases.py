#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes ONNX's own backend test cases out of the pinned `onnx` package, as folders that `sardonyx test` runs.

    gen_cases.py OUT        OUT/<kind>/<case>/{model.onnx, test_data_set_N/{input,output}_K.pb}

Kinds are node, simple, pytorch-converted, pytorch-operator and real (the nine light models with the outputs the package keeps
for them); tolerances are tests/suite/tolerances.txt. Nothing is written when OUT is up to date.
"""
import hashlib
import pathlib
import shutil
import sys
import warnings

ONNX_VERSION = "1.23.2"
KINDS = {"node": 1884, "simple": 23, "pytorch-converted": 82, "pytorch-operator": 35, "real": 9}

def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def proto_bytes(value, info, numpy_helper, tensor_proto):
    """An input or output in the wire form of its declared type."""
    kind = info.type.WhichOneof("value")
    if isinstance(value, tensor_proto):
        return value.SerializeToString()
    make = {"map_type": numpy_helper.from_dict, "sequence_type": numpy_helper.from_list,
            "optional_type": numpy_helper.from_optional}.get(kind, numpy_helper.from_array)
    return make(value, info.name).SerializeToString()


def write_built(case, folder, onnx):
    """A case that exists in memory only."""
    write(folder / "model.onnx", case.model.SerializeToString())
    for n, (inputs, outputs) in enumerate(case.data_sets):
        for word, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for i, value in enumerate(values):
                write(folder / f"test_data_set_{n}" / f"{word}_{i}.pb",
                      proto_bytes(value, infos[i], onnx.numpy_helper, onnx.TensorProto))


def write_light(case, folder, onnx, root):
    """One of the light models: its input is the suite's ramp from 0 to 1."""
    import numpy as np
    path = root.parent / case.url
    model = onnx.load(path)
    initializers = {i.name for i in model.graph.initializer}
    write(folder / "model.onnx", path.read_bytes())
    data = folder / "test_data_set_0"
    for i, info in enumerate(x for x in model.graph.input if x.name not in initializers):
        shape = tuple(d.dim_value if d.HasField("dim_value") else 1 for d in info.type.tensor_type.shape.dim)
        count = int(np.prod(shape))
        value = (np.arange(count).reshape(shape) / count).astype(np.float32)
        write(data / f"input_{i}.pb", onnx.numpy_helper.from_array(value, info.name).SerializeToString())
    for i, _ in enumerate(model.graph.output):
        expected = path.with_name(f"{path.stem}_output_{i}.pb")
        write(data / f"output_{i}.pb", expected.read_bytes())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    stamp = out / "stamp.txt"
    identity = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest() + " " + ONNX_VERSION
    if stamp.exists() and stamp.read_text() == identity:
        return
    try:
        import onnx
        from onnx.backend.test.loader import load_model_tests
    except ImportError:
        sys.exit(f"gen_cases: needs the Python package onnx=={ONNX_VERSION} (tools/setup.sh test makes build/venv)")
    if onnx.__version__ != ONNX_VERSION:
        sys.exit(f"gen_cases: needs onnx {ONNX_VERSION}, found {onnx.__version__}")
    warnings.simplefilter("ignore")
    root = pathlib.Path(onnx.__file__).parent
    for kind, expected in KINDS.items():
        shutil.rmtree(out / kind, ignore_errors=True)
        cases = load_model_tests(kind=kind)
        for case in cases:
            folder = out / kind / case.name
            if case.model is not None:
                write_built(case, folder, onnx)
            elif case.model_dir:
                shutil.copytree(case.model_dir, folder)
            else:
                write_light(case, folder, onnx, root)
        if len(cases) != expected:
            sys.exit(f"gen_cases: {len(cases)} cases of kind {kind}, expected {expected}")
    stamp.write_text(identity)


if __name__ == "__main__":
    main()
