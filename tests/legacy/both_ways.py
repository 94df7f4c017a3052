"""Call the command line in this process; convert a legacy file, read the chat, turn it back."""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftdata.cli import main


@contextmanager
def new_folder() -> Iterator[Path]:
    """Give an empty folder, in memory where there is one: a run syncs a dozen files."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(prefix="ftdata-legacy-", dir=memory if memory.is_dir() else None))
    try:
        yield place
    finally:
        shutil.rmtree(place)


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


def ftdata(*args: object) -> Done:
    """Run a command; a traceback or an exception that gets out is a failed test."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", newline=""), io.StringIO()
    before = sys.argv
    sys.argv = ["ftdata", *map(str, args)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.argv = before
    out.flush()
    done = Done(code, out.buffer.getvalue().decode(), err.getvalue())
    assert "Traceback" not in done.err and done.code != 70, done.err
    return done


def convert(source: Path, chat: Path, *args: object) -> dict[str, Any]:
    """Convert a file that must convert; give the manifest."""
    done = ftdata("convert", source, chat, "--json", "-q", *args)
    assert done.code == 0, done.err
    return dict(json.loads(done.out)["manifest"])


def said(chat: Path) -> list[tuple[tuple[str, str], ...]]:
    """Give role and content of all messages of each line; nothing else may stand in a line."""
    found = []
    for line in chat.read_bytes().split(b"\n")[:-1]:
        row = json.loads(line)
        assert set(row) == {"messages"}, sorted(row)
        assert all(set(message) == {"role", "content"} for message in row["messages"])
        found.append(tuple((message["role"], message["content"]) for message in row["messages"]))
    return found


def reverse(chat: Path, legacy: Path, *args: object) -> Done:
    """Turn a chat file back."""
    return ftdata("convert", "--reverse", chat, legacy, *args)


def refused(chat: Path, legacy: Path) -> str:
    """Turn back a chat file that must be refused; nothing may be written. Give the message."""
    before = sorted(legacy.parent.iterdir())
    done = reverse(chat, legacy)
    assert done.code != 0 and done.err.startswith("Error: "), (done.code, done.err)
    assert sorted(legacy.parent.iterdir()) == before
    return done.err


def strings(value: Any) -> set[str]:
    """Give all texts in a JSON value, keys too."""
    if isinstance(value, dict):
        return {text for pair in value.items() for part in pair for text in strings(part)}
    if isinstance(value, list):
        return {text for item in value for text in strings(item)}
    return {value} if isinstance(value, str) else set()
