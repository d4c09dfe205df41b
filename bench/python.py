#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the Python package costs: importing, a run of a model that does next to nothing, a session, and a million runs; where onnxruntime
is installed, that too, by turns, a process each. The least of all rounds counts.

    python.py [--rounds N] [--runs N] [--program build/sardonyx]

Needs the package (`pip install bindings/python`); with --program, the table says what a run costs in C.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

PACKAGES = ("sardonyx", "onnxruntime")
SESSIONS, BURST = 100, 20000
ROWS = (("import beyond NumPy's, ms", "import"), ("a run, us", "run"), ("a run with a binding, us", "bound"), ("a session, KB", "session"),
        ("grown in the runs, KB", "grown"))


def resident():
    """Bytes that are in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def burst(step):
    """Processor seconds of a call."""
    begin = time.process_time()
    for _ in range(BURST):
        step()
    return (time.process_time() - begin) / BURST


def measure(package, model, runs):
    import numpy as np
    begin = time.process_time()
    module = __import__(package)
    found = {"import": (time.process_time() - begin) * 1e3}
    options = module.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1

    def make():
        return module.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session, feed = make(), {"X": np.ones((3, 2), np.float32)}
    binding, room = session.io_binding(), np.empty((3, 2), np.float32)
    binding.bind_cpu_input("X", feed["X"])
    binding.bind_output("Y", "cpu", 0, np.float32, [3, 2], room.ctypes.data)
    for _ in range(3):
        found["run"] = min(burst(lambda: session.run(None, feed)) * 1e6, found.get("run", 1e9))
        found["bound"] = min(burst(lambda: session.run_with_iobinding(binding)) * 1e6, found.get("bound", 1e9))
    before = resident()
    kept = [make() for _ in range(SESSIONS)]
    found["session"] = (resident() - before) / 1024 / len(kept)
    del kept
    before = resident()
    for _ in range(runs):
        session.run(None, feed)
    found["grown"] = (resident() - before) / 1024
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=1000000)
    parser.add_argument("--program")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return print(json.dumps(measure(*args.child, args.runs)))
    from sardonyx import datasets
    model, best = datasets.get_example("mul_1.onnx"), {}
    for i in range(args.rounds):
        for package in PACKAGES:
            runs = args.runs if package == PACKAGES[0] and not i else BURST
            done = subprocess.run([sys.executable, __file__, "--runs", str(runs), "--child", package, model], capture_output=True, text=True,
                                  env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})  # the first round compiles the modules
            if done.returncode:
                print(f"{package}: {done.stderr.strip().splitlines()[-1]}") if not i else None
                continue
            for key, value in json.loads(done.stdout).items():
                rule = max if key == "grown" else min
                best.setdefault(package, {})[key] = rule(value, best.get(package, {}).get(key, value))
    print("| | " + " | ".join(best) + " |\n| --- |" + " --- |" * len(best))
    for label, key in ROWS:
        print(f"| {label} | " + " | ".join(f"{found[key]:.3g}" for found in best.values()) + " |")
    if args.program:
        text = subprocess.run([args.program, "bench", model, "--threads", "1", "--duration", "2", "--json", "-"], capture_output=True, text=True).stdout
        print(f"in C: {json.loads(text)['results'][0]['processor_seconds_per_run'] * 1e6:.3g} us")


if __name__ == "__main__":
    main()
