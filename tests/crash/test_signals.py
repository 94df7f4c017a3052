"""Ctrl-C, SIGTERM, a reader that leaves: the run ends soon and quietly, and keeps what can be resumed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from old_or_new import hashes, judge
from scene import RECIPE, prepare, record, strays, strike, write_input

from ftdata import flow, runs

SEED = 4711
FTDATA = [sys.executable, "-m", "ftdata"]


def interrupt(place: Path, rows: int, times: int) -> Counter[str]:
    scene = prepare(place, rows)
    chance = random.Random(SEED)
    count: Counter[str] = Counter()
    for number in range(times):
        folder = scene.copy(place / f"run{number}", with_old=True)
        by = (signal.SIGINT, signal.SIGTERM)[number % 2]
        delay = chance.uniform(0, 0.95 * scene.seconds)
        told = f"seed {SEED}, number {number}, {by.name} after {delay:.3f} s"
        blow = strike(scene, folder, delay, by)
        count["inside"] += blow.inside
        assert blow.took <= 2, f"{told}: took {blow.took:.1f} s"
        state = judge(folder / "out", scene.old, scene.new)
        if blow.status == 0:
            # The signal came when publishing had begun: what is begun is done, whole.
            assert state == "new", told
            assert blow.stderr == "", told
        else:
            count["interrupted"] += 1
            assert blow.status == 128 + by, f"{told}: {blow.stderr}"
            assert state == "old", told
            assert blow.stderr.startswith("Error: interrupted;"), told
            assert blow.stderr.count("\n") == 1, told
            attempt = runs.attempt(record(folder))
            assert attempt is not None and attempt.status == "interrupted", told
            spooled = sorted(path.name for path in record(folder).work.glob("spool-*.json"))
            manifest = flow.run(folder / "recipe.toml")
            assert bool(manifest.resumed) == bool(spooled), told
            count["resumed"] += bool(spooled)
            assert judge(folder / "out", scene.old, scene.new) == "new", told
            assert strays(folder) == [], told
        shutil.rmtree(folder)
    print(f"\n{dict(count)}")
    return count


def test_twenty_signals(tmp_path: Path) -> None:
    count = interrupt(tmp_path, 5_000, 20)
    assert count["inside"] >= 18
    assert count["interrupted"] >= 14
    assert count["resumed"] >= 3


@pytest.mark.long
def test_two_hundred_signals(tmp_path: Path) -> None:
    count = interrupt(tmp_path, 100_000, 200)
    assert count["inside"] >= 180


SLEEPY = """
import sys, time
from ftdata.cli import main
from ftdata.transforms.length import Length
def apply(self, batch):
    print("R", flush=True)
    time.sleep(30)
Length.apply = apply
sys.argv = ["ftdata", "run", "-q", sys.argv[1]]
main()
"""


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_at_once(tmp_path: Path, second: signal.Signals) -> None:
    """In the midst of a batch that takes half a minute."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    write_input(tmp_path / "in.jsonl", 50, seed=1)
    flow.run(tmp_path / "recipe.toml")
    old = hashes(tmp_path / "out")
    write_input(tmp_path / "in.jsonl", 60, seed=2)
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEPY, str(tmp_path / "recipe.toml")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == b"R\n"
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert child.poll() is None, "the first signal lets the batch in hand end"
        began = time.monotonic()
        child.send_signal(second)
        _, told = child.communicate(timeout=10)
        assert time.monotonic() - began < 1
    finally:
        child.kill()
    assert child.returncode == -second  # a shell shows 130 and 143
    assert told == b""
    assert judge(tmp_path / "out", old, {}) == "old"
    manifest = flow.run(tmp_path / "recipe.toml")
    assert manifest.status == "done"
    assert runs.verify(record(tmp_path)) == []
    assert strays(tmp_path) == []


def leave_early(folder: Path, times: int) -> None:
    """`ftdata convert in.jsonl - | head -1`, with a reader that takes one line of many and leaves."""
    write_input(folder / "in.jsonl", 2_000, seed=1)
    scratch = folder / "tmp"
    scratch.mkdir()
    for _ in range(times):
        with subprocess.Popen(
            [*FTDATA, "convert", "-q", "--no-pii", "in.jsonl", "-"],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None and child.stderr is not None
            assert child.stdout.read(10) == b'{"messages'
            child.stdout.close()
            assert child.stderr.read() == b""
            assert child.wait(30) == 0
        assert list(scratch.iterdir()) == []
        assert sorted(path.name for path in folder.iterdir()) == ["in.jsonl", "tmp"]


def test_a_broken_pipe_is_quiet(tmp_path: Path) -> None:
    leave_early(tmp_path, 5)


@pytest.mark.long
def test_a_hundred_broken_pipes_are_quiet(tmp_path: Path) -> None:
    leave_early(tmp_path, 100)


def test_every_command_is_quiet_when_its_reader_leaves(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    write_input(tmp_path / "in.jsonl", 60, seed=1)
    flow.run(tmp_path / "recipe.toml")
    for words in (["stages"], ["show", "--json"], ["explain"], ["verify", "--json"], ["run", "--json"]):
        arguments = {"show": ["recipe.toml"], "verify": ["recipe.toml"], "run": ["-q", "recipe.toml"]}.get(words[0], [])
        arguments = ["recipe.toml", "in.jsonl#1"] if words[0] == "explain" else arguments
        with subprocess.Popen(
            [*FTDATA, *words, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            assert child.stdout is not None and child.stderr is not None
            child.stdout.close()
            told = child.stderr.read().decode()
            assert child.wait(30) == 0, (words, told)
            assert "Error" not in told and "Traceback" not in told and "Broken" not in told, (words, told)
