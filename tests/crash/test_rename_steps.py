"""Death before every single call of publishing: the set of outputs is old, new, or completed by the next start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from old_or_new import hashes, judge
from scene import RECIPE, record, strays, write_input

from ftdata import flow, runs
from ftdata.errors import OutputError
from ftdata.files import Move, Record, remove

CALLS = ("replace", "fsync", "unlink", "rmdir", "chmod", "mkdir", "open")


class Killed(BaseException):
    """Stands for SIGKILL: nothing in ftdata catches it, so no cleanup of ours runs."""


@contextmanager
def dying(at: int, error: Callable[[], BaseException] = Killed, during: str = "publish") -> Iterator[list[str]]:
    """Raise before the system call number `at` that is made from the beginning of `during` on; list the calls made."""
    made: list[str] = []
    on = False
    begin = getattr(Record, during)

    def begun(*given: Any) -> Any:
        nonlocal on
        on = True
        return begin(*given)

    def wrapped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def call_or_die(*given: Any, **named: Any) -> Any:
            writes = name != "open" or (len(given) > 1 and given[1] & os.O_CREAT)
            if on and writes:
                if len(made) == at:
                    raise error()
                made.append(f"{name} {given[0]}")
            return call(*given, **named)

        return call_or_die

    patches = [mock.patch.object(os, name, wrapped(name, getattr(os, name))) for name in CALLS]
    with mock.patch.object(Record, during, begun):
        for patch in patches:
            patch.start()
        try:
            yield made
        finally:
            for patch in patches:
                patch.stop()


NO_TEST = RECIPE.replace("test = 0.2\n", "")
ONLY_JSONL = RECIPE[: RECIPE.rindex("[[write]]")]
ONLY_FOLDER = RECIPE.replace('[[write]]\nuse = "openai-chat"\npath = "out/jsonl/{split}.jsonl"\n', "")
SCENES = {
    "first": (None, RECIPE),
    "replace": (RECIPE, RECIPE),
    "a-split-goes": (RECIPE, NO_TEST),
    "a-split-comes": (NO_TEST, RECIPE),
    "a-folder-goes": (RECIPE, ONLY_JSONL),
    "a-folder-comes": (ONLY_JSONL, RECIPE),
}


class Reached(BaseException):
    """Ends a run where it would begin to publish."""


@dataclass
class Start:
    """A folder in which a run is about to publish, and the hashes of the old and of the new set."""

    folder: Path
    old: dict[str, str]
    new: dict[str, str]
    moves: list[Move]
    manifest: dict[str, Any]

    def publish(self, folder: Path) -> None:
        """Publish in a copy of the folder, to the end of the run."""
        record(folder).publish(self.moves, self.manifest)
        remove(record(folder).work)


def begin(place: Path, old: str | None, new: str) -> Start:
    """Run the old recipe, and the new one up to its publishing; and the new one to its end elsewhere."""
    held: list[Any] = []

    def reached(_: Record, moves: list[Move], manifest: dict[str, Any]) -> None:
        held.extend([moves, manifest])
        raise Reached()

    start, clean = place / "start", place / "clean"
    start.mkdir()
    write_input(start / "in.jsonl", 40, seed=1)
    if old is not None:
        (start / "recipe.toml").write_text(old)
        flow.run(start / "recipe.toml")
    before = hashes(start / "out")
    write_input(start / "in.jsonl", 50, seed=2)
    (start / "recipe.toml").write_text(new)
    shutil.copytree(start, clean)
    flow.run(clean / "recipe.toml")
    with mock.patch.object(Record, "publish", reached), pytest.raises(Reached):
        flow.run(start / "recipe.toml")
    assert hashes(start / "out") == before
    return Start(start, before, hashes(clean / "out"), *held)


def until_it_succeeds(start: Start, place: Path) -> Iterator[tuple[int, Path, str]]:
    """Publish in a fresh copy for each n, dying before call n, until the publishing makes fewer calls."""
    for n in range(1000):
        folder = place / f"n{n}"
        shutil.copytree(start.folder, folder)
        try:
            with dying(n) as made:
                start.publish(folder)
        except Killed:
            yield n, folder, f"death before call {n}, after {made[-2:]}"
            shutil.rmtree(folder)
        else:
            assert n > 20, "publishing makes more calls than that: the failpoints are not where they should be"
            return
    raise AssertionError("publishing never ends")


@pytest.mark.parametrize("scene", SCENES)
def test_the_set_is_old_or_new_or_completed(scene: str, memory_path: Path) -> None:
    start = begin(memory_path, *SCENES[scene])
    old, new = start.old, start.new
    assert old != new
    seen = set()
    for n, folder, told in until_it_succeeds(start, memory_path):
        state = judge(folder / "out", old, new)
        assert state in ("old", "new", "unfinished"), f"{told}: {state}"
        seen.add(state)
        if state == "unfinished":
            assert "unfinished" in {problem.code for problem in runs.verify(record(folder))}, told
        with record(folder).locked():
            finished = record(folder).recover()
        assert finished == (state == "unfinished"), told
        after = judge(folder / "out", old, new)
        assert after == ("old" if state == "old" else "new"), f"{told}: {after} after the next start"
        if after == "new":
            assert runs.verify(record(folder)) == [], told
        if n % 7 == 0 or state == "new":
            # A whole run from there: nothing is in its way, and nothing of the dead one stays.
            flow.run(folder / "recipe.toml")
            assert judge(folder / "out", old, new) == "new", told
            assert strays(folder) == [], told
    assert seen == {"old", "new", "unfinished"}


def test_death_while_the_next_start_completes(memory_path: Path) -> None:
    start = begin(memory_path, *SCENES["a-split-goes"])
    deaths = 0
    for n, folder, told in until_it_succeeds(start, memory_path):
        if n % 4 or judge(folder / "out", start.old, start.new) != "unfinished":
            continue
        for m in range(100):
            again = memory_path / "again"
            shutil.copytree(folder, again)
            try:
                with dying(m, during="recover"):
                    record(again).recover()
            except Killed:
                deaths += 1
                assert judge(again / "out", start.old, start.new) in ("unfinished", "new"), (told, m)
                record(again).recover()
                assert judge(again / "out", start.old, start.new) == "new", (told, m)
                assert runs.verify(record(again)) == [], (told, m)
                shutil.rmtree(again)
            else:
                shutil.rmtree(again)
                break
    assert deaths > 20


def test_a_call_that_fails_leaves_old_or_new_or_is_completed(memory_path: Path) -> None:
    """The disk fails in the midst of publishing: our own cleanup runs, and must not take the new outputs with it."""
    start = begin(memory_path, *SCENES["replace"])
    seen = set()
    for n in range(0, 1000, 3):
        folder = memory_path / f"n{n}"
        shutil.copytree(start.folder, folder)
        try:
            with dying(n, lambda: OSError(5, "Input/output error")):
                flow.run(folder / "recipe.toml")
        except OutputError:
            state = judge(folder / "out", start.old, start.new)
            assert state in ("old", "new", "unfinished"), f"call {n}: {state}"
            seen.add(state)
            record(folder).recover()
            after = judge(folder / "out", start.old, start.new)
            assert after == ("old" if state == "old" else "new"), f"call {n}: {state}, then {after}"
            if n % 9 == 0:
                flow.run(folder / "recipe.toml")
                assert judge(folder / "out", start.old, start.new) == "new"
                assert strays(folder) == [], n
            shutil.rmtree(folder)
        else:
            break
    assert seen == {"old", "new", "unfinished"}


def test_all_is_on_disk_before_the_step_that_relies_on_it(memory_path: Path) -> None:
    """A power cut keeps only what was fsynced: outputs before the intent, the intent before the first rename."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to tell which file a handle is")
    start = begin(memory_path, *SCENES["replace"])
    synced: list[str] = []
    renames: list[tuple[str, set[str]]] = []
    fsync, replace = os.fsync, os.replace

    def syncing(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    def replacing(old: Path, new: Path) -> None:
        renames.append((str(new), set(synced)))
        replace(old, new)

    with mock.patch.object(os, "fsync", syncing), mock.patch.object(os, "replace", replacing):
        start.publish(start.folder)
    home = record(start.folder)
    finals = {str(home.absolute(move.final)) for move in start.moves}
    places = [new for new, _ in renames]
    intended = places.index(str(home.intent))
    assert all(places.index(final) > intended for final in finals), "the intent comes before every rename"
    for move in start.moves:
        scratch = home.absolute(move.scratch or "")
        for name in move.files:
            assert str(scratch / name if name else scratch) in renames[intended][1], name
    for new, done in renames:
        if new in finals:
            assert str(home.folder) in done, "the intent's own entry lasts before the first rename"
    last = renames[places.index(str(home.manifest))][1]
    assert {str(start.folder / "out"), str(start.folder / "out" / "jsonl")} <= last
    assert synced[-1] == str(home.folder)


def test_a_lost_scratch_folder_gives_the_old_one_back(memory_path: Path) -> None:
    """Someone cleaned up hidden files while the old folder waited aside: it takes its place again."""
    start = begin(memory_path, *SCENES["replace"])
    for _, folder, _ in until_it_succeeds(start, memory_path):
        aside = folder / "out" / ".hf.ftdata-old"
        if aside.exists() and not (folder / "out" / "hf").exists():
            shutil.rmtree(next((folder / "out").glob(".k-1.ftdata-scratch")))
            assert not record(folder).recover()
            back = {name: digest for name, digest in hashes(folder / "out").items() if name.startswith("hf/")}
            assert back == {name: digest for name, digest in start.old.items() if name.startswith("hf/")}
            assert "changed" in {problem.code for problem in runs.verify(record(folder))}
            return
    pytest.fail("the old folder never stood aside")


def test_a_changed_recipe_does_not_lose_what_was_being_published(memory_path: Path) -> None:
    start = begin(memory_path, *SCENES["replace"])
    for _, folder, _ in until_it_succeeds(start, memory_path):
        if judge(folder / "out", start.old, start.new) == "unfinished":
            (folder / "recipe.toml").write_text(NO_TEST)
            manifest = flow.run(folder / "recipe.toml")
            assert {out.split for out in manifest.outputs if out.split} == {"train", "validation"}
            assert not (folder / "out" / "jsonl" / "test.jsonl").exists()
            assert runs.verify(record(folder)) == []
            return
    pytest.fail("publishing was never interrupted")
