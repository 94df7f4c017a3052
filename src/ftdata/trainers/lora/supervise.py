"""Run a trainer, turn what it prints into numbers, and note how it ended. Run by path; nothing but Python itself.

It outlives the ftdata that started it: the exit code and the peak of memory of a trainer are kept even if nobody waits.
Takes the numbers of two open files and of a lock (which it and the trainer hold as long as they live), `whole` or
`safe`, and the command. Into the events go lines of JSON: `began`, `numbers`, `ended`. Into the log go frames of
tracebacks and the classes of errors, but no message that may quote a row; with `whole`, all that was printed.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from datetime import datetime
from types import FrameType
from typing import Any

NUMBER = r"'?(-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|nan|inf))'?"
PAIR = re.compile(rf"'([\w/.-]+)': {NUMBER}")
NUMBERS = re.compile(rf"^\{{{PAIR.pattern}(?:, {PAIR.pattern})*\}}$")
NAMED = {"loss", "eval_loss", "train_runtime", "epoch"}
"""Of a line that tells how the training goes it has one: a row may be printed as a table, too."""
FRAME = re.compile(rb'^\s*File "[^"\n]+", line \d+, in [\w<>.]+\s*$')
ERROR = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit))\b(:.*)?$")
TELLING = ("ImportError", "ModuleNotFoundError", "OutOfMemoryError")
"""Classes of errors whose message speaks of the machine, never of a row."""


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


class Supervisor:
    """One trainer, watched."""

    def __init__(self, log: int, events: int, whole: bool) -> None:
        self.log, self.events, self.whole = log, events, whole
        self.error = ""
        self.left_out = 0
        self.stopped = False
        self.trace = False

    def tell(self, what: str, **more: Any) -> None:
        """Add an event."""
        os.write(self.events, json.dumps({"at": _now(), "what": what, **more}).encode() + b"\n")

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Hear that all is to end: the trainer hears it as well, being of the same group."""
        self.stopped = True

    def line(self, line: bytes) -> None:
        """Take one line of what the trainer printed."""
        text = line.decode(errors="replace").strip()
        if NUMBERS.match(text):
            found = {name: float(value) for name, value in PAIR.findall(text)}
            if found.keys() & NAMED:
                self.tell("numbers", numbers=found)
                os.write(self.log, line)
                return
        error = ERROR.match(text)
        if error:
            self.error = error[1].rpartition(".")[2]
        if self.whole or (self.trace and FRAME.match(line)):
            os.write(self.log, line)
        elif error:
            told = error[2] if error[2] and self.trace and self.error in TELLING else ""
            os.write(self.log, f"{error[1]}{told}\n".encode())
        else:
            self.left_out += 1
        # Rows may hold tracebacks, too: one of Python's begins with this line, and ends where nothing is indented.
        self.trace = text == "Traceback (most recent call last):" or (self.trace and line.startswith(b" "))

    def run(self, command: list[str], lock: int) -> None:
        """Run it to its end."""
        signal.signal(signal.SIGTERM, self.stop)
        self.tell("began", pid=os.getpid())
        began = time.monotonic()
        code = 127
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
            ) as child:
                assert child.stdout is not None
                for line in child.stdout:
                    self.line(line)
            code = child.returncode
        except OSError as error:
            self.error = type(error).__name__
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if self.left_out:
            os.write(self.log, f"[{self.left_out} lines are not kept: they may quote rows]\n".encode())
        seconds = round(time.monotonic() - began, 3)
        self.tell("ended", code=code, seconds=seconds, peak=peak, stopped=self.stopped, error=self.error)


if __name__ == "__main__":
    log, events, lock, how, *command = sys.argv[1:]
    Supervisor(int(log), int(events), how == "whole").run(command, int(lock))
