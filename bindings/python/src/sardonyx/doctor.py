# SPDX-License-Identifier: MIT
"""python -m sardonyx.doctor: what is installed, what it found, and whether it runs."""
import importlib.metadata
import os
import platform
import sys


def lines():
    """The report, line by line."""
    from . import __version__, _library, _native, get_available_providers, get_ep_devices
    yield f"sardonyx {__version__}, {os.path.dirname(__file__)}"
    yield f"library  {_library.path} (version {_native.version()}{'' if _native.has_extension() else ', not Sardonyx'})"
    yield f"python   {platform.python_version()}, {sys.executable}; {platform.platform()}, {os.cpu_count()} cores"
    yield f"runs on  {', '.join(get_available_providers())}; devices: {', '.join(map(repr, get_ep_devices()))}"
    for package in ("numpy", "ml_dtypes", "onnx", "onnxruntime"):
        try:
            yield f"         {package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"         {package} is not installed" + ("; bfloat16, float8 and int4 need it" if package == "ml_dtypes" else "")
    from . import compat
    yield f"alias    {compat.state()}"
    for name in ("SARDONYX_LIBRARY", "SX_ISA", "OMP_NUM_THREADS"):
        if name in os.environ:
            yield f"         {name}={os.environ[name]}"
    from . import InferenceSession, datasets
    import numpy as np
    session = InferenceSession(datasets.get_example("sigmoid.onnx"))
    x = np.zeros(session.get_inputs()[0].shape, np.float32)
    right = bool(np.allclose(session.run(None, {session.get_inputs()[0].name: x})[0], 0.5))
    yield "runs     a small model: " + ("right" if right else "WRONG")


def main(args=None):
    """Prints the report; 0 when a model could be run."""
    found = list(lines())
    print(*found, sep="\n")
    return 0 if found[-1].endswith("right") else 1


if __name__ == "__main__":
    sys.exit(main())
