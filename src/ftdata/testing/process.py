"""The second process, with another hash seed: what a stage gives must not hang on the process it runs in."""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import IO, Any, NamedTuple

from ftdata.hooks import raised_at
from ftdata.stages import Stage


class Answer(NamedTuple):
    """What the second process says: the CPU seconds that importing the stage's module took there, and the result.

    `raised` tells of an exception (its class and place), or that the process ended; then there is no result.
    """

    seconds: float
    result: Any = None
    raised: str | None = None


def elsewhere(function: Callable[..., Any], stage: Stage, *arguments: Any) -> Answer:
    """Call `function(stage, *arguments)` in the second process; all of it must pickle."""
    request = (sys.path, type(stage).__module__, pickle.dumps((function, stage, arguments)))
    process = _started()
    assert process.stdin is not None and process.stdout is not None
    try:
        pickle.dump(request, process.stdin)
        process.stdin.flush()
        answer: Answer = pickle.load(process.stdout)
    except (EOFError, OSError, pickle.UnpicklingError):
        _started.cache_clear()
        process.kill()
        return Answer(0.0, None, "the process ended")
    return answer


@cache
def _started() -> subprocess.Popen[bytes]:
    """Start the process; it serves all checks, since starting one for each would cost most of their time."""
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", "from ftdata.testing.process import serve; serve()"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    atexit.register(process.kill)
    return process


def serve() -> None:
    """Answer requests until the asking process has gone."""
    import ftdata.testing  # noqa: F401 - what ftdata itself imports is no stage's fault

    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # a stage that prints must not spoil the answer
        while True:
            try:
                path, module, packed = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            sys.path[:] = path
            _answer(out, module, packed)


def _answer(out: IO[bytes], module: str, packed: bytes) -> None:
    seconds = 0.0
    try:
        started = time.process_time()
        import_module(module)
        seconds = time.process_time() - started
        function, stage, arguments = pickle.loads(packed)
        answer = pickle.dumps(Answer(seconds, function(stage, *arguments)))
    except Exception as error:
        answer = pickle.dumps(Answer(seconds, None, f"{type(error).__name__} at {raised_at(error)}"))
    out.write(answer)
    out.flush()
