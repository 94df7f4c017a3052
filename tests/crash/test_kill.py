"""kill -9 at any moment: the outputs are old, new, or completed by the next start; a rerun gives the same bytes."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from old_or_new import judge
from scene import ADDRESS, DROPPED, Scene, prepare, record, strays, strike

from ftdata import flow, runs
from ftdata.files import sha256

SEED = 20260


def kill_and_rerun(scene: Scene, place: Path, kills: int, seed: int) -> Counter[str]:
    """Strike that many runs; after each blow judge what stands, then let the next start finish."""
    chance = random.Random(seed)
    count: Counter[str] = Counter()
    number = 0
    while count["kills"] < kills:
        number += 1
        folder = scene.copy(place / f"run{number}", with_old=number % 2 == 0)
        old = scene.old if number % 2 == 0 else {}
        told = f"seed {seed}, run {number}"
        for blow in range(chance.choice((1, 1, 1, 2))):
            # Half of the blows by the clock, half by progress, which a busy machine does not shift; some at the end.
            ticks, delay = 0, chance.uniform(0, 0.97) * scene.seconds * (1 if blow == 0 else 0.5)
            if chance.random() < 0.5:
                last = scene.ticks - 1
                ticks = chance.randint(1, last if blow == 0 else last // 2) if chance.random() < 0.8 else last
                delay = chance.uniform(0, 0.02)
            told += f", blow {delay:.3f} s after {f'tick {ticks}' if ticks else 'the first read'}"
            count["kills"] += 1
            count["inside"] += strike(scene, folder, delay, ticks=ticks, clock=blow == 0).inside
            state = judge(folder / "out", old, scene.new)
            assert state in ("old", "new", "unfinished"), f"{told}: {state}"
            count[state] += 1
            for path in folder.rglob("*"):
                if path.is_file() and path.name != "in.jsonl":
                    text = path.read_bytes()
                    assert ADDRESS.encode() not in text and DROPPED.encode() not in text, f"{told}: text in {path}"
            if state != "old":
                # Something was published, or was about to be: the next start completes it, whatever comes then.
                with record(folder).locked():
                    assert record(folder).recover() == (state == "unfinished"), told
                assert judge(folder / "out", old, scene.new) == "new", told
                assert runs.verify(record(folder)) == [], told
        manifest = flow.run(folder / "recipe.toml")
        count["resumed"] += bool(manifest.resumed)
        assert judge(folder / "out", old, scene.new) == "new", told
        assert sha256(record(folder).ledger) == scene.ledger, told
        assert runs.verify(record(folder)) == [], told
        assert strays(folder) == [], told
        shutil.rmtree(folder)
    return count


def check(count: Counter[str]) -> None:
    print(f"\n{dict(count)}")
    assert count["inside"] >= 0.9 * count["kills"], count
    assert count["resumed"] >= 0.25 * count["kills"], count


def test_forty_kills(tmp_path: Path) -> None:
    check(kill_and_rerun(prepare(tmp_path, 8_000), tmp_path, 40, SEED))


@pytest.mark.long
def test_two_hundred_kills(tmp_path: Path) -> None:
    """`pytest -m long -s tests/crash/test_kill.py` prints the counts."""
    check(kill_and_rerun(prepare(tmp_path, 15_000), tmp_path, 200, SEED + 1))
