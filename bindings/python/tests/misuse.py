# SPDX-License-Identifier: MIT
"""misuse.py PACKAGE: makes each mistake of misuse.txt with a package (sardonyx, onnxruntime) and prints a line of JSON: the names of the
classes that each raised, its own and its bases'. It is a program, since two of these packages do not share a process."""
import importlib
import json
import os
import pathlib
import sys
import tempfile

import numpy as np

LINES = [line.split(" | ", 1) for line in (pathlib.Path(__file__).resolve().parent / "misuse.txt").read_text().splitlines() if " | " in line]


def names(package):
    """What the expressions may use."""
    import onnx
    from conftest import model_of
    ort, state = importlib.import_module(package), importlib.import_module(f"{package}.capi.onnxruntime_pybind11_state")
    ADD = model_of("Add", [("a", np.float32, ["n", 3]), ("b", np.float32, ["n", 3])], [("y", np.float32, ["n", 3])])
    TEXT = model_of("Identity", [("x", 8, [None])], [("y", 8, [None])])
    seq = onnx.helper.make_tensor_sequence_value_info
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["s"], ["t"])], "g", [seq("s", 1, None)], [seq("t", 1, None)])
    SEQ = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    ONE = np.ones((2, 3), np.float32)
    FEED, CPU, DEV = {"a": ONE, "b": ONE}, ["CPUExecutionProvider"], ort.OrtDevice.make("cpu", 0)
    MEM = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)

    def S():
        return ort.InferenceSession(ADD, providers=CPU)

    def V(array=ONE):
        return ort.OrtValue.ortvalue_from_numpy(array.copy())

    def options(**settings):
        made = ort.SessionOptions()
        for key, value in settings.items():
            setattr(made, key, value)
        return made

    def after(thing, *calls):
        for name, *args in calls:
            getattr(thing, name)(*args)
        return thing

    def bound(*calls):
        session = S()
        session.run_with_iobinding(after(session.io_binding(), *calls))

    def ended():
        made = ort.RunOptions()
        made.terminate = True
        return made

    def compiler(**settings):
        return ort.ModelCompiler(ort.SessionOptions(), ADD, **settings)

    def sparse(shape=(2, 3), values=ONE[0, :2], indices=np.array([0, 4]), device=DEV):
        return ort.SparseTensor.sparse_coo_from_numpy(shape, values, indices, device)
    datasets, backend = (importlib.import_module(f"{package}.{name}") for name in ("datasets", "backend"))
    return {**locals(), "np": np, "os": os, "Object": type("Object", (), {})}


def main(package):
    known, found = names(package), []
    known["ort"].set_default_logger_severity(4)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("folder")
        for name, data in (("garbage.onnx", b"garbage"), ("empty.onnx", b""), ("add.onnx", known["ADD"]), ("there.onnx", b"x")):
            pathlib.Path(name).write_bytes(data)
        for _, expression in LINES:
            try:
                eval(expression, known)
                found.append([])
            except Exception as error:
                found.append([kind.__name__ for kind in type(error).__mro__])
    sys.__stdout__.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
