# SPDX-License-Identifier: MIT
"""python -m sardonyx.compat enable | disable | status: `import onnxruntime` gives Sardonyx.

It writes a package `onnxruntime` of one file, and the metadata of a distribution of that name, into the folder where sardonyx is
installed; a real onnxruntime is never touched. install() does the same for one process, without writing anything.
"""
import importlib
import importlib.abc
import importlib.util
import pathlib
import shutil
import sys

MARK = "written by sardonyx.compat"
STUB = f'''# SPDX-License-Identifier: MIT
"""Sardonyx under the name onnxruntime; {MARK}. `python -m sardonyx.compat disable` takes it away."""
from sardonyx import compat
compat.install(__name__)
'''


def _ours(name):
    """The module that a name below onnxruntime stands for."""
    rest = name.partition(".")[2]
    return f"sardonyx.{rest}" if rest.split(".")[0] != "tools" else f"sardonyx.tools.modules{rest[len('tools'):]}"


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """onnxruntime.X is sardonyx.X, the same module under both names."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("onnxruntime."):
            return None
        try:
            found = importlib.util.find_spec(_ours(name))
        except ModuleNotFoundError:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=found.submodule_search_locations is not None) if found else None

    def create_module(self, spec):
        module = importlib.import_module(_ours(spec.name))
        self._kept = getattr(self, "_kept", {})
        self._kept[spec.name] = module, module.__spec__, module.__loader__, module.__package__, getattr(module, "__path__", None)
        return module

    def get_code(self, name):
        """For `python -m onnxruntime.tools.X`."""
        return importlib.util.find_spec(_ours(name)).loader.get_code(_ours(name))

    def exec_module(self, module):
        for kept, spec, loader, package, path in self._kept.values():
            kept.__spec__, kept.__loader__, kept.__package__ = spec, loader, package
            if path is not None:
                kept.__path__ = path


def install(name="onnxruntime"):
    """Makes the module of that name Sardonyx's, in this process."""
    import types

    import sardonyx
    from .capi import onnxruntime_inference_collection, onnxruntime_pybind11_state  # noqa: F401
    module = sys.modules.setdefault(name, types.ModuleType(name))
    for key, value in vars(sardonyx).items():
        if not key.startswith("_") and not isinstance(value, types.ModuleType):
            setattr(module, key, value)
    module.InferenceSession = onnxruntime_inference_collection.InferenceSession
    module.__version__, module.version, module.package_name, module.cuda_version = sardonyx.__version__, sardonyx.__version__, name, ""
    module.__path__ = getattr(module, "__path__", [])
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    module.capi = importlib.import_module(name + ".capi")
    module.datasets = importlib.import_module(name + ".datasets")
    module.capi.onnxruntime_pybind11_state = importlib.import_module(name + ".capi.onnxruntime_pybind11_state")
    return module


def _folder():
    return pathlib.Path(__file__).resolve().parent.parent


def _info(folder):
    from . import __version__
    return folder / f"onnxruntime-{__version__}.dist-info"


def state():
    """A line: whether `import onnxruntime` gives Sardonyx."""
    ours = _folder() / "onnxruntime/__init__.py"
    if ours.exists() and MARK in ours.read_text(errors="replace"):
        return f"onnxruntime is Sardonyx ({ours.parent}); undo: python -m sardonyx.compat disable"
    try:
        found = importlib.util.find_spec("onnxruntime")
    except (ValueError, ImportError):
        found = None
    return f"onnxruntime is a package of its own, {found.origin}" if found and found.origin else "no package onnxruntime"


def _write():
    """The alias's files, whatever else there is."""
    from . import __version__
    folder = _folder()
    info = _info(folder)
    (folder / "onnxruntime").mkdir(exist_ok=True)
    (folder / "onnxruntime/__init__.py").write_text(STUB)
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: onnxruntime\nVersion: {__version__}\nSummary: Sardonyx, {MARK}\n")
    (info / "INSTALLER").write_text("sardonyx\n")
    (info / "RECORD").write_text("onnxruntime/__init__.py,,\n")


def enable():
    """Writes the alias.

    :raises SystemExit: when a real onnxruntime is installed
    """
    text = state()
    if "of its own" in text:
        sys.exit(f"{text}: it is left alone. `pip uninstall onnxruntime` first, or make another environment.")
    _write()
    print(state())


def disable():
    """Takes the alias away."""
    folder = _folder()
    if "is Sardonyx" not in state():
        print(f"nothing to undo: {state()}")
        return
    shutil.rmtree(folder / "onnxruntime")
    for info in folder.glob("onnxruntime-*.dist-info"):
        if MARK in (info / "METADATA").read_text(errors="replace"):
            shutil.rmtree(info)
    print("import onnxruntime no longer gives Sardonyx")


def main():
    """The command."""
    action = {"enable": enable, "disable": disable, "status": lambda: print(state())}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if not action:
        sys.exit(__doc__)
    action()


if __name__ == "__main__":
    main()
