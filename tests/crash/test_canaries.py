"""Texts that must not get out: planted in inputs and file names, sought in every byte that a run leaves or says."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

# What must never reach the disk, not even a scratch file.
NOTE, BOT, RAGGED, NUL = "zqnote81", "zqbot82", "zqragged83", "zqnul84"
BAD_JSON, RAISED, DROPPED, UNREAD = "zqjson85", "zqraised86", "zqdropped87", "zqunread88"
# Addresses, which `pii` takes out of whatever it is given: there before the first spool.
PARTS, ARGUMENTS, EXTRA, NAME, TOOL, ANSWER = (f"zq{n}@example.com" for n in ("pt", "ag", "ex", "nm", "tl", "an"))
FILE_A, FILE_B, FOLDER = "zqfilea@example.com", "zqfileb@example.com", "zqdir@example.com"
NEVER = (NOTE, BOT, RAGGED, NUL, BAD_JSON, RAISED, DROPPED, UNREAD)
NEVER += (PARTS, ARGUMENTS, EXTRA, NAME, TOOL, ANSWER, FILE_A, FILE_B, FOLDER)
# What the customer and the agent said in public: stitching may have it in a private scratch file, nothing else may.
BODY, AUTHOR, SUBJECT = "zqbody@example.com", "zqauthor@example.com", "zqsubject@example.com"
PUBLIC = (BODY, AUTHOR, SUBJECT)

RECIPE = f"""
[run]
name = "k"
on_error = "drop"
[[read]]
use = "tickets"
path = "{FOLDER}/{FILE_A}.csv"
[[read]]
use = "openai-chat"
path = "{FOLDER}/{FILE_B}.jsonl"
[[step]]
use = "length"
max_chars = 5000
[[step]]
use = "pii"
[[step]]
use = "exact-dedup"
[[step]]
use = "turns"
[[step]]
use = "split"
validation = 0.2
test = 0.2
[[write]]
use = "openai-chat"
path = "out/jsonl/{{split}}.jsonl"
meta = ["customer", "subject", "labels"]
[[write]]
use = "hf-dataset"
path = "out/hf"
meta = ["customer", "subject"]
"""

# The stage raises on the row with the text in the message, as int() and others do; stitching goes to disk at once; the
# process kills itself at a tick.
DRIVER = """
import os, signal, sys
from ftdata.batch import conversations
from ftdata.cli import main
from ftdata.cli.terminal import Bar
from ftdata.readers import stitch
from ftdata.transforms.length import Length
stitch.MEMORY, stitch._FLUSH_ROWS = 0, 10
apply, at, seen = Length.apply, int(sys.argv[1]), 0
def raising(self, batch):
    for row in conversations(batch):
        if row.messages and "zqraised86" in (row.messages[0].content or ""):
            raise ValueError(f"bad row: {row.messages[0].content}")
    return apply(self, batch)
def tick(self, progress):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)
    if not at:
        print(progress.doing)
Length.apply, Bar.__call__ = raising, tick
sys.argv = ["ftdata", *sys.argv[2:]]
main()
"""


def plant(folder: Path) -> None:
    """Write the two inputs and the recipe."""
    inputs = folder / FOLDER
    inputs.mkdir(parents=True)
    with (inputs / f"{FILE_A}.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["ticket_id", "author_role", "body", "created_at", "public", "customer", "subject"])
        for n in range(60):
            who, about = f"{AUTHOR}" if n % 3 == 0 else f"c{n}", f"About {SUBJECT}" if n % 4 == 0 else f"About {n}"

            def say(role: str, text: str, minute: int, public: str = "true", n: int = n, *rest: str) -> None:
                time = f"2024-03-{1 + n % 28:02d} 10:{minute:02d}:00"
                table.writerow([n, role, text, time, public, *rest])

            say("customer", f"Where is order {n}? Write to {BODY}", 1, "true", n, who, about)
            say("agent", f"{NOTE} he is a bad payer {n}", 2, "false", n, who, about)
            say("bot", f"{BOT} your number in the queue is {n}", 3, "true", n, who, about)
            say("agent", f"Order {n} is on its way, says {BODY}", 4, "true", n, who, about)
            if n % 10 == 5:
                say("customer", f"{RAGGED} thanks", 5, "true", n, who, about, "one cell", "too many")
                say("customer", f"{NUL} th\0anks", 6, "true", n, who, about)
    chat: list[dict[str, Any]] = []
    for n in range(60):
        question: dict[str, Any] = {"role": "user", "content": f"Question {n}", "name": f"u {NAME}"}
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"to": ARGUMENTS})}}
        if n % 5 == 1:
            question["content"] = [{"type": "text", "text": f"part {n} {PARTS}"}]
        if n == 22:
            question["content"] = f"{RAISED} {n}"
        if n == 33:
            question["content"] = f"{DROPPED} " * 800
        turns = [
            question,
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": f"sent to {TOOL}"},
            {"role": "assistant", "content": f"Done {n}, {ANSWER}"},
        ]
        tool = {"type": "function", "function": {"name": "f", "description": f"mail {TOOL}", "parameters": {}}}
        chat.append({"messages": turns, "tools": [tool], "x-owner": EXTRA})
    lines = [json.dumps(row) for row in chat]
    lines[10:10] = [f'{{"messages": [{{"role": "user", "content": "{BAD_JSON}"}}', f'["{UNREAD}"]']
    (inputs / f"{FILE_B}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "recipe.toml").write_text(RECIPE)


def everything(path: Path) -> bytes:
    """Give a file's bytes, and those of its columns where they are compressed or coded."""
    raw = path.read_bytes()
    try:
        if raw[:4] == b"PAR1":
            return raw + str(pa.parquet.read_table(path).to_pylist()).encode()
        if raw[:6] == b"ARROW1":
            return raw + str(pa.ipc.open_file(path).read_all().to_pylist()).encode()
    except (pa.ArrowInvalid, OSError):
        pass  # half-written: its raw bytes are all there is
    return raw


def leaks(folder: Path, *more: str) -> list[str]:
    """List every canary in every file but inputs and recipe, in every file's name, and in what was said."""
    found = [f"{token} said: {text[:200]}" for text in more for token in (*NEVER, *PUBLIC) if token in text]
    for path in folder.rglob("*"):
        if path.name == "recipe.toml" or FOLDER in path.parts:
            continue
        stitching = any(part.startswith("stitch-") for part in path.parts)
        content = str(path.relative_to(folder)).encode() + (everything(path) if path.is_file() else b"")
        hits = [token for token in (NEVER if stitching else (*NEVER, *PUBLIC)) if token.encode() in content]
        found += [f"{token} in {path.relative_to(folder)}" for token in hits]
    return found


def drive(folder: Path, at: int, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", DRIVER, str(at), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_no_canary_gets_out(tmp_path: Path) -> None:
    plant(tmp_path)
    told = drive(tmp_path, 0, "run", "recipe.toml")
    assert told.returncode == 0, told.stderr
    assert leaks(tmp_path, told.stdout, told.stderr) == []
    manifest = json.loads((tmp_path / "out" / "jsonl" / ".ftdata" / "k" / "run.json").read_text())
    # Every trap was sprung: else finding nothing proves nothing.
    assert manifest["dropped"]["length"] == {"ValueError": 1, "too-long": 1}
    reasons = manifest["dropped"]["tickets"]
    assert reasons["private-note"] == 60 and reasons["bot"] == 60 and reasons["ragged-row"] == 6
    assert sum(manifest["dropped"]["openai-chat"].values()) == 2
    written = "".join(path.read_text() for path in (tmp_path / "out" / "jsonl").glob("*.jsonl"))
    assert written.count("Order") == 60 and "[EMAIL_1]" in written
    said = []
    for words in (
        ["show", "recipe.toml"],
        ["show", "recipe.toml", "--json"],
        ["verify", "recipe.toml"],
        ["explain", "recipe.toml", f"{manifest['inputs'][0]['name']}#2"],
        ["explain", "recipe.toml", "out/jsonl/train.jsonl:1", "--json"],
        ["explain", "k", "out/hf/README.md:1"],
        ["explain", "recipe.toml", "nothing#1"],
    ):
        told = drive(tmp_path, 0, *words)
        said += [told.stdout, told.stderr.replace(f"{tmp_path}", "")]
    assert leaks(tmp_path, *said) == []


def moments(folder: Path) -> list[int]:
    """Choose the ticks to die at: the first of each kind, and the last of all."""
    doing = drive(folder, 0, "run", "recipe.toml").stdout.splitlines()
    kinds = [text.split()[0] for text in doing]
    edges = {n for n in range(len(kinds)) if n in (0, len(kinds) - 1) or kinds[n - 1] != kinds[n]}
    assert set(kinds) >= {"read", "select", "write", "publish"}
    return [n + 1 for n in sorted(edges)]


def test_no_canary_is_left_by_a_kill(tmp_path: Path) -> None:
    plant(tmp_path / "count")
    stitched = spooled = 0
    for turn, at in enumerate(moments(tmp_path / "count")):
        folder = tmp_path / f"at{at}"
        plant(folder)
        told = drive(folder, at, "run", "recipe.toml")
        assert told.returncode == -signal.SIGKILL
        files = [path for path in folder.rglob("*") if path.is_file()]
        stitched += any("stitch-" in str(path) for path in files)
        spooled += any(path.name.startswith("spool-") for path in files)
        assert leaks(folder, told.stdout, told.stderr) == [], at
        if turn % 4:
            continue
        told = drive(folder, 0, "run", "-q", "recipe.toml")
        assert told.returncode == 0, told.stderr
        assert not list(folder.rglob("stitch-*")) and not list(folder.rglob("spool-*"))
        assert leaks(folder, told.stdout, told.stderr) == [], at
    assert stitched and spooled


FAULTS = {
    "a stage that raises": ('on_error = "drop"', 'on_error = "fail"'),
    "a limit": ('on_error = "drop"', 'on_error = "drop"\nmax_drop = 1'),
    "no row left": ("max_chars = 5000", "max_chars = 1"),
    "an input that is gone": (f"{FILE_B}.jsonl", f"{FILE_B}.gone"),
    "a reader that does not fit": ('use = "openai-chat"\npath = "zqdir', 'use = "tickets"\npath = "zqdir'),
    "a group that no row has": ("validation = 0.2", 'validation = 0.2\ngroup = "nobody"'),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_canary_in_an_error(tmp_path: Path, fault: str) -> None:
    plant(tmp_path)
    old, new = FAULTS[fault]
    assert old in RECIPE
    (tmp_path / "recipe.toml").write_text(RECIPE.replace(old, new, 1))
    told = drive(tmp_path, 0, "run", "recipe.toml")
    assert told.returncode in (1, 3, 5), told.stderr
    assert "Traceback" not in told.stderr
    assert leaks(tmp_path, told.stdout, told.stderr) == [], told.stderr


def test_stdin_leaves_nothing(tmp_path: Path) -> None:
    """Piped data is spooled to be read twice: in a file that has no name."""
    plant(tmp_path / "data")
    text = (tmp_path / "data" / FOLDER / f"{FILE_A}.csv").read_bytes()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for at in (0, 1, 2, 3):
        child = subprocess.run(
            [sys.executable, "-c", DRIVER, str(at), "convert", "-", "out.jsonl", "--overwrite", "--max-bad", "50"],
            cwd=scratch,
            input=text,
            capture_output=True,
            env={"TMPDIR": str(scratch), "HOME": str(scratch)},
            timeout=60,
            check=False,
        )
        assert child.returncode in (0, -signal.SIGKILL), child.stderr
        assert leaks(scratch, child.stdout.decode(), child.stderr.decode()) == [], at
        assert (scratch / "out.jsonl").exists() or child.returncode
    assert "[EMAIL_1]" in (scratch / "out.jsonl").read_text()
