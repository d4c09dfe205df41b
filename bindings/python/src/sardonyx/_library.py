# SPDX-License-Identifier: MIT
"""Finds the library and opens it, once per process: the file that SARDONYX_LIBRARY names, or the one beside this package."""
import os
import sys

from . import _native

LOG_LEVEL = 2
FOLDER = os.path.dirname(os.path.abspath(__file__))
NAMES = {"win32": ["sardonyx.dll"], "darwin": ["libsardonyx.dylib"]}.get(sys.platform, ["libsardonyx.so"])


def find():
    """The file to open; a relative SARDONYX_LIBRARY is relative to the working folder."""
    named = os.environ.get("SARDONYX_LIBRARY")
    if named:
        return os.path.abspath(named)
    for name in NAMES:
        path = os.path.join(FOLDER, name)
        if os.path.exists(path):
            return path
    raise ImportError(f"{NAMES[0]} is not beside the package {FOLDER}; "
                      "install the package again, or let SARDONYX_LIBRARY name a library")


path = find()
_native.open(path, LOG_LEVEL)
