"""The one write path: one run at a time on a record, private files, outputs refused before anything is read."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ftdata import files, flow
from ftdata.errors import Interrupted, LockedError, OutputError
from ftdata.files import Record
from ftdata.recipe import Recipe

RECIPE = """
[run]
name = "k"
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[step]]
use = "pii"
[[step]]
use = "exact-dedup"
[[step]]
use = "split"
validation = 0.2
[[write]]
use = "openai-chat"
path = "out/{split}.jsonl"
[[write]]
use = "hf-dataset"
path = "out/hf"
"""

HOLDER = """
import sys, time
from pathlib import Path
from ftdata.files import Record
with Record(Path(sys.argv[1]), "k").locked():
    print("held", flush=True)
    time.sleep(60)
"""


def rows(path: Path, count: int = 40, word: str = "word") -> None:
    turns = [[("user", f"question {word} {n}"), ("assistant", f"answer {word} {n}")] for n in range(count)]
    path.write_text("".join(json.dumps({"messages": [{"role": r, "content": c} for r, c in t]}) + "\n" for t in turns))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    rows(tmp_path / "in.jsonl")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path / "recipe.toml"


# --- one run at a time ------------------------------------------------------------------------------------------------


@contextmanager
def held(base: Path) -> Iterator[subprocess.Popen[bytes]]:
    base.mkdir(exist_ok=True)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(base)], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None and child.stdout.readline() == b"held\n"
            yield child
        finally:
            child.kill()


def ftdata(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ftdata", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_second_run_is_told_who_holds_the_record(recipe: Path) -> None:
    with held(recipe.parent / "out") as holder:
        told = ftdata("run", "-q", "recipe.toml", folder=recipe.parent)
        assert told.returncode == 7
        assert told.stderr.count("\n") == 1
        assert f"pid {holder.pid} on {socket.gethostname()} since {time.strftime('%Y-%m-%dT')}" in told.stderr
        assert "[run] name" in told.stderr
        assert not list((recipe.parent / "out").glob("*.jsonl"))


def test_a_killed_holder_holds_nothing(recipe: Path) -> None:
    with held(recipe.parent / "out") as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert flow.run(recipe).status == "done"


def test_other_names_are_not_held(recipe: Path) -> None:
    with held(recipe.parent / "out"):
        (recipe.parent / "other.toml").write_text(RECIPE.replace('"k"', '"other"').replace("out/", "out/other/"))
        assert flow.run(recipe.parent / "other.toml").status == "done"


def test_a_race_ends_in_one_clean_run(recipe: Path) -> None:
    """Four at once: whoever does not get the record says so and touches nothing."""
    flow.run(recipe)
    clean = {path.name: path.read_bytes() for path in (recipe.parent / "out").glob("*.jsonl")}
    command = [sys.executable, "-m", "ftdata", "run", "-q", "--fresh", str(recipe)]
    racers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    ends = [(racer.communicate(timeout=60), racer.returncode) for racer in racers]
    codes = [code for _, code in ends]
    assert 0 in codes and set(codes) <= {0, 7}, ends
    assert {path.name: path.read_bytes() for path in (recipe.parent / "out").glob("*.jsonl")} == clean
    assert not [path for path in (recipe.parent / "out").iterdir() if path.name.endswith("ftdata-scratch")]


def test_a_failing_run_lets_the_record_go(recipe: Path) -> None:
    record = Record(recipe.parent, "k")
    with pytest.raises(ZeroDivisionError), record.locked():
        raise ZeroDivisionError
    with record.locked(), pytest.raises(LockedError), record.locked():
        pass


# --- private ----------------------------------------------------------------------------------------------------------


def open_to_others(base: Path) -> list[str]:
    """List what others may read or enter of all that is a run's own; a folder inside a closed one is closed."""
    own = [p for p in base.rglob("*") if any(part.startswith(".") for part in p.relative_to(base).parts)]
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in own}
    return [
        f"{path.relative_to(base)} {mode:o}"
        for path, mode in modes.items()
        if mode & 0o077 and not (path.is_dir() and any(modes.get(above, 0o777) & 0o077 == 0 for above in path.parents))
    ]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_all_that_is_not_an_output_is_private(recipe: Path, mask: int) -> None:
    base = recipe.parent / "out"
    seen: list[str] = []
    kinds: set[str] = set()

    def look(progress: flow.Progress) -> None:
        seen.extend(open_to_others(base))
        kinds.update(path.suffix for path in base.rglob("*") if path.is_file())

    old = os.umask(mask)
    try:
        flow.run(recipe, watch=look)
    finally:
        os.umask(old)
    assert seen == []
    assert {".arrow", ".json", ".jsonl", ".parquet"} <= kinds
    assert open_to_others(base) == []
    assert stat.S_IMODE((base / ".ftdata").stat().st_mode) == 0o700
    assert (base / ".ftdata" / ".gitignore").read_text() == "*\n"
    for path in (base / "train.jsonl", base / "hf" / "README.md"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((base / "hf").stat().st_mode) == 0o777 & ~mask


DIES = """
import os, sys
from ftdata import flow
def die(progress):
    if progress.doing.startswith(sys.argv[2]):
        os._exit(9)
flow.run(sys.argv[1], watch=die)
"""


@pytest.mark.parametrize("place", ["read", "select", "write", "publish"])
def test_what_a_dead_run_leaves_is_private(recipe: Path, place: str) -> None:
    child = subprocess.run([sys.executable, "-c", DIES, str(recipe), place], check=False)
    assert child.returncode == 9
    base = recipe.parent / "out"
    assert [path for path in (base / ".ftdata" / "k" / "work").rglob("*") if path.is_file()]
    assert open_to_others(base) == []


def test_a_folder_that_others_could_read_is_closed(recipe: Path) -> None:
    home = recipe.parent / "out" / ".ftdata"
    (home / "k").mkdir(parents=True)
    home.chmod(0o755)
    flow.run(recipe)
    assert open_to_others(recipe.parent / "out") == []


# --- what is taken over -----------------------------------------------------------------------------------------------


def interrupted(recipe: Path) -> Record:
    """Stop a run while it writes."""

    def stop(progress: flow.Progress) -> None:
        if progress.doing.startswith("write"):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        flow.run(recipe, watch=stop)
    return Record(recipe.parent / "out", "k")


def test_a_finished_section_is_taken_over(recipe: Path) -> None:
    record = interrupted(recipe)
    assert [path.name for path in record.work.glob("spool-*.json")] == ["spool-1.json"]
    assert flow.run(recipe).resumed == ["section 1", "section 2"]
    assert not record.work.exists()


def change_input(recipe: Path) -> None:
    text = (recipe.parent / "in.jsonl").read_text()
    (recipe.parent / "in.jsonl").write_text(text.replace("question", "Question", 1))


def change_recipe(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("validation = 0.2", "validation = 0.3"))


def change_seed(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace('name = "k"', 'name = "k"\nseed = 7'))


def lose_a_part(recipe: Path) -> None:
    next((recipe.parent / "out" / ".ftdata" / "k" / "work").glob("events-0*")).unlink()


@pytest.mark.parametrize("change", [change_input, change_recipe, change_seed, lose_a_part])
def test_nothing_stale_is_taken_over(recipe: Path, change: object) -> None:
    interrupted(recipe)
    change(recipe)  # type: ignore[operator]
    assert flow.run(recipe).resumed == []


def test_another_version_takes_nothing_over(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(recipe)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "9")
    assert flow.run(recipe).resumed == []


def test_fresh_takes_nothing_over(recipe: Path) -> None:
    interrupted(recipe)
    assert flow.run(recipe, fresh=True).resumed == []


def test_a_change_of_the_writers_alone_keeps_the_sections(recipe: Path) -> None:
    interrupted(recipe)
    recipe.write_text(RECIPE.replace("out/{split}.jsonl", "out/new-{split}.jsonl"))
    assert flow.run(recipe).resumed == ["section 1", "section 2"]


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_foreign_file_is_not_replaced_unasked(recipe: Path) -> None:
    out = recipe.parent / "out"
    out.mkdir()
    (out / "train.jsonl").write_text("mine\n")
    with pytest.raises(OutputError, match=r"train\.jsonl: exists and was not written by an earlier run.*--overwrite"):
        flow.run(recipe)
    assert (out / "train.jsonl").read_text() == "mine\n"
    assert flow.run(recipe, overwrite=True).status == "done"


def test_an_output_changed_by_hand_is_not_replaced_unasked(recipe: Path) -> None:
    flow.run(recipe)
    train = recipe.parent / "out" / "train.jsonl"
    train.write_text(train.read_text() + "{}\n")
    with pytest.raises(OutputError, match="changed since"):
        flow.run(recipe)
    (recipe.parent / "out" / "hf" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError):
        flow.run(recipe)
    assert (recipe.parent / "out" / "hf" / "mine.txt").read_text() == "mine"


def test_a_file_that_appears_while_the_run_works_is_not_replaced(recipe: Path) -> None:
    flow.run(recipe)
    rows(recipe.parent / "in.jsonl", 50)
    stranger = recipe.parent / "out" / "hf" / "stranger.txt"

    def appear(progress: flow.Progress) -> None:
        stranger.write_text("mine")

    with pytest.raises(OutputError, match=r"stranger\.txt"):
        flow.run(recipe, watch=appear)
    assert stranger.read_text() == "mine"


TARGETS = {
    "a folder": lambda path: path.mkdir(),
    "a link": lambda path: path.symlink_to("elsewhere"),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_that_cannot_be_published_are_refused_before_reading(recipe: Path, kind: str) -> None:
    (recipe.parent / "out").mkdir()
    TARGETS[kind](recipe.parent / "out" / "train.jsonl")
    (recipe.parent / "in.jsonl").unlink()
    with pytest.raises(OutputError, match=r"train\.jsonl"):
        flow.run(recipe, overwrite=True)


def test_a_folder_that_is_a_file_or_a_name_too_long(recipe: Path) -> None:
    (recipe.parent / "out").write_text("")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        flow.run(recipe)
    (recipe.parent / "out").unlink()
    recipe.write_text(RECIPE.replace("out/{split}.jsonl", f"out/{'x' * 250}-{{split}}.jsonl"))
    with pytest.raises(OutputError, match="too long"):
        flow.run(recipe)


# --- small things -----------------------------------------------------------------------------------------------------


def test_create_never_follows_or_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new"
    with files.create(path) as stream:
        stream.write(b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for taken in (path, tmp_path / "link"):
        with pytest.raises(OutputError, match="stands there already"):
            files.create(taken)
    assert not (tmp_path / "target").exists()


def test_save_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "small.json"
    files.save(path, "old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="free some space"):
        files.save(path, "new")
    assert path.read_text() == "old"
    monkeypatch.undo()
    files.save(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["small.json"]


def test_a_run_in_a_thread_needs_no_signals(recipe: Path) -> None:
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.append(flow.run(Recipe.load(recipe)).status))
    thread.start()
    thread.join(60)
    assert done == ["done"]
