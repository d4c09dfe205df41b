# SPDX-License-Identifier: MIT
"""A line on the terminal while something takes long. Nothing is said where nobody looks (no terminal), within the first second, or where
SARDONYX_PROGRESS is 0."""
import contextlib
import os
import sys
import time

SOON, TICK, LARGE = 1.0, 0.2, 100 << 20  # seconds, seconds, bytes


def wanted():
    """Whether somebody would see it."""
    return os.environ.get("SARDONYX_PROGRESS", "1") != "0" and sys.stderr is not None and sys.stderr.isatty()


class Bar:
    """`bar.step(done)` moves it; `total` may be None, then it counts."""

    def __init__(self, text, total=None, stream=None, soon=SOON):
        self.text, self.total, self.stream = text, total, stream or sys.stderr
        self.began, self.shown, self.soon, self.width = time.monotonic(), 0.0, soon, 0

    def step(self, done):
        """Draws how far it is, a few times a second."""
        now = time.monotonic()
        if now - self.began < self.soon or now - self.shown < TICK:
            return
        self.shown = now
        if self.total:
            part = min(1.0, done / self.total)
            text = f"{self.text} [{'#' * int(24 * part):<24}] {100 * part:3.0f}% {now - self.began:.0f} s"
        else:
            text = f"{self.text} {done} {now - self.began:.0f} s"
        self.stream.write("\r" + text.ljust(self.width))
        self.stream.flush()
        self.width = len(text)

    def end(self):
        """Takes the line away."""
        if self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()


def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def loading(name, size):
    """A bar for the `with` block that loads a model of `size` bytes: memory grows by about as much, as weights are read and packed."""
    if size < LARGE or not wanted() or not os.path.exists("/proc/self/statm"):
        yield
        return
    import threading
    bar, before, ended = Bar(f"loading {name}", size), _resident(), threading.Event()

    def watch():
        while not ended.wait(TICK):
            bar.step(max(0, _resident() - before))
        bar.end()
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
