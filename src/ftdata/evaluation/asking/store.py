"""Answers that were given, kept as they come: one file for each model and setting, private, in a folder of the user's.

A line holds the digest of the exact prompt (`key`), the answer and what it took. While a model is asked, new answers go
to a second file, each written out at once; it is joined to the first at the end, or by the next start after a crash.
A line that is broken counts as none. The lock is the system's own (flock): who asks holds the model's file alone.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftdata import files
from ftdata.errors import LockedError, OutputError

EMPTY = ("filtered", "refused", "called")
"""Why an answer is empty: the vendor's filter, the model's refusal field, a call of a tool where a text is wanted."""


@dataclass(frozen=True)
class Answer:
    """What one prompt was answered: the text, how it ended (`stop`, `length`, or one of `EMPTY`), what it took."""

    key: str
    text: str
    finish: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None

    def line(self) -> bytes:
        """Write it as a line; ASCII only, so that any text of a model can be kept."""
        held = {"key": self.key, "prediction": self.text, "finish": self.finish}
        counts = {name: getattr(self, name) for name in ("prompt_tokens", "completion_tokens", "seconds")}
        return json.dumps(held | {name: value for name, value in counts.items() if value is not None}).encode() + b"\n"


def answer(value: Any) -> Answer | None:
    """Read an answer from a JSON value; None if it is none. What is no Unicode text in it is replaced."""
    if not isinstance(value, dict):
        return None
    key, text, finish = (value.get(name) for name in ("key", "prediction", "finish"))
    if not (isinstance(key, str) and isinstance(text, str) and isinstance(finish, str)):
        return None
    text = text.encode("utf-8", "replace").decode()
    read, wrote = (count(value.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    seconds = value.get("seconds")
    known = isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds >= 0
    return Answer(key, text, finish, read, wrote, seconds if known else None)


def count(value: Any) -> int | None:
    """Give a whole number of tokens; None for whatever is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class Store:
    """The answers of one model, asked with one setting."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.jsonl"
        self.part = folder / f".{name}.part"
        self.lock = folder / f".{name}.lock"
        self.sent = folder / f"{name}.sent.json"

    def read(self) -> dict[str, Answer]:
        """Give every answer that is kept, by its key."""
        return {one.key: one for path in (self.path, self.part) for one in _read(path)}

    @contextmanager
    def adding(self) -> Iterator[Callable[[Answer], None]]:
        """Hold the file alone, and give what adds an answer to it; on the way out, whatever happened, all are joined.

        Raises `LockedError` if another process asks the same model.
        """
        if not self.lock.exists():
            try:
                files.create(self.lock).close()
            except OutputError:
                if not self.lock.exists():  # else another process was first
                    raise
        handle = os.open(self.lock, os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(f"{self.path}: another process asks this model now; wait for it") from None
            self._join()
            with files.create(self.part) as stream:

                def add(one: Answer) -> None:
                    stream.write(one.line())
                    stream.flush()

                try:
                    yield add
                finally:
                    self._join()
        finally:
            os.close(handle)

    def note(self, sent: Mapping[str, Any]) -> None:
        """Keep what was sent to whom, and what was accepted for it: numbers, names and reasons."""
        try:
            held = json.loads(self.sent.read_bytes())
        except (OSError, ValueError, RecursionError):
            held = []
        told = [*(held if isinstance(held, list) else []), dict(sent)]
        files.save(self.sent, json.dumps(told, ensure_ascii=False, indent=1) + "\n")

    def _join(self) -> None:
        if self.part.exists():
            held = self.read()
            files.save(self.path, b"".join(one.line() for one in held.values()).decode())
            files.remove(self.part)


def _read(path: Path) -> Iterator[Answer]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for line in lines:
        try:
            found = answer(json.loads(line))
        except (ValueError, RecursionError):  # cut, or not ours
            continue
        if found is not None:
            yield found
