# SPDX-License-Identifier: MIT
"""python -m sardonyx: the program, which is in the package; arguments are passed on."""
import os
import pathlib
import subprocess
import sys


def main():
    """Runs the program on the package's library."""
    program = pathlib.Path(__file__).parent / "bin" / ("sardonyx.exe" if os.name == "nt" else "sardonyx")
    if not program.exists():
        sys.exit(f"the program is not in this build of the package: {program}")
    from ._library import find
    env = {**os.environ, "SARDONYX_LIBRARY": find()}
    if os.name == "nt":
        sys.exit(subprocess.call([str(program), *sys.argv[1:]], env=env))
    os.execve(program, [str(program), *sys.argv[1:]], env)


if __name__ == "__main__":
    main()
