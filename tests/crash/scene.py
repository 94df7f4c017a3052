"""What the crash tests share: an input with canaries, the recipe, and a start that another process strikes down."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from old_or_new import hashes

from ftdata.files import Record

DRIVER = Path(__file__).with_name("struck_run.py")
ADDRESS = "canary.zq7kx@example.com"
"""Stands in every tenth row that is kept; `pii` takes it out before anything is spooled."""
DROPPED = "zq7kx-text-of-a-dropped-row"
"""Stands in rows that `length` drops before anything is spooled."""

RECIPE = """
[run]
name = "k"
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[step]]
use = "pii"
[[step]]
use = "length"
max_chars = 3000
[[step]]
use = "exact-dedup"
[[step]]
use = "split"
validation = 0.2
test = 0.2
[[write]]
use = "openai-chat"
path = "out/jsonl/{split}.jsonl"
[[write]]
use = "hf-dataset"
path = "out/hf"
"""


def write_input(path: Path, rows: int, seed: int) -> None:
    """Write chat rows: every tenth holds an address, every fiftieth is dropped for its length, some are copies."""
    chance = random.Random(seed)
    words = [f"word{n}" for n in range(500)]
    lines = []
    for number in range(rows):
        question = " ".join(chance.choices(words, k=20))
        answer = " ".join(chance.choices(words, k=40))
        if number % 10 == 3:
            answer += f" write to {ADDRESS}"
        if number % 50 == 7:
            answer = f"{DROPPED} " * 200
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        lines.append(json.dumps({"messages": turns}))
        if number % 20 == 11:
            lines.append(lines[-3])
    path.write_text("\n".join(lines) + "\n")


def record(folder: Path) -> Record:
    return Record(folder / "out" / "jsonl", "k")


def strays(folder: Path) -> list[str]:
    """List what a finished run must not leave: every hidden file or folder but the record's four files."""
    home = record(folder).folder
    kept = {home.parent, home, home.parent / ".gitignore", *(home / n for n in ("run.json", "ledger.parquet", "lock"))}
    hidden = [p for p in folder.rglob("*") if any(part.startswith(".") for part in p.relative_to(folder).parts)]
    return sorted(str(path.relative_to(folder)) for path in hidden if path not in kept)


@dataclass
class Scene:
    """A folder in which an old set stands and a new input waits; what the new set will be; how long a run takes."""

    start: Path
    old: dict[str, str]
    new: dict[str, str]
    ledger: str
    seconds: float = 60.0
    ticks: int = 0

    def copy(self, place: Path, with_old: bool) -> Path:
        """Make a folder to crash in; the big input is the same file."""
        place.mkdir(parents=True)
        os.link(self.start / "in.jsonl", place / "in.jsonl")
        shutil.copy(self.start / "recipe.toml", place)
        if with_old:
            shutil.copytree(self.start / "out", place / "out")
        return place


def prepare(place: Path, rows: int) -> Scene:
    """Make the old set, the new input, and the new set by one clean run."""
    from ftdata import flow
    from ftdata.files import sha256

    start, clean = place / "start", place / "clean"
    start.mkdir()
    (start / "recipe.toml").write_text(RECIPE)
    write_input(start / "in.jsonl", 400, seed=1)
    flow.run(start / "recipe.toml")
    old = hashes(start / "out")
    (start / "in.jsonl").unlink()
    write_input(start / "in.jsonl", rows, seed=2)
    scene = Scene(start, old, {}, "")
    scene.copy(clean, with_old=False)
    flow.run(clean / "recipe.toml")
    scene.new, scene.ledger = hashes(clean / "out"), sha256(record(clean).ledger)
    shutil.rmtree(clean)
    for number in range(2):
        strike(scene, scene.copy(place / f"clock{number}", with_old=False), 600)
        shutil.rmtree(place / f"clock{number}")
    return scene


@dataclass
class Blow:
    """How a struck run ended: whether the signal came between first read and last rename, and its exit status."""

    inside: bool
    status: int
    took: float
    stderr: str


def strike(
    scene: Scene, folder: Path, delay: float, by: int = signal.SIGKILL, ticks: int = 0, clock: bool = True
) -> Blow:
    """Start the run in a process group of its own; signal it `delay` seconds after its first read, or its nth tick.

    `clock`: this run begins at its beginning, so it tells how long a run takes.
    """
    ours, theirs = os.pipe()
    command = [sys.executable, str(DRIVER), str(folder / "recipe.toml"), str(theirs)]
    child = subprocess.Popen(command, pass_fds=[theirs], start_new_session=True, stderr=subprocess.PIPE)
    os.close(theirs)
    try:
        assert os.read(ours, 1) == b"R", child.stderr and child.stderr.read()
        began = time.monotonic()
        seen, ended = 0, False
        until = began + delay if not ticks else None
        while not ended and (until is None or time.monotonic() < until):
            if select.select([ours], [], [], None if until is None else until - time.monotonic())[0]:
                byte = os.read(ours, 1)
                seen += byte == b"t"
                ended = byte in (b"E", b"")
                if until is None and seen == ticks:
                    until = time.monotonic() + delay
        if ended and clock:
            # The run was faster than the clock says: later blows come sooner.
            scene.seconds, scene.ticks = min(scene.seconds, time.monotonic() - began), max(scene.ticks, seen)
        if not ended:
            os.killpg(child.pid, by)
        struck = time.monotonic()
        _, told = child.communicate(timeout=120)
        # An end that was written just before the blow is an end.
        ended = ended or (by == signal.SIGKILL and b"E" in os.read(ours, 1 << 16))
        return Blow(not ended, child.returncode, time.monotonic() - struck, told.decode())
    finally:
        os.close(ours)
        if child.poll() is None:
            child.kill()
