"""The kit for trainers: what is promised of a job, whoever runs it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ftdata import files, flow, hooks
from ftdata.errors import FtdataError
from ftdata.handoff.gate import Handoff, Passed, let_through
from ftdata.handoff.state import State
from ftdata.recipe import Recipe, table
from ftdata.stages import Event, Job, Order, Trainer
from ftdata.targets import load
from ftdata.testing.clauses import fail, sound
from ftdata.testing.rows import CANARY

STATUSES = ("starting", "queued", "running", "paused", "succeeded", "failed", "cancelled")
"""What a job may be."""
_ROWS = 40


def check_trainer(stage: Trainer, writer: str | None = None) -> None:
    """Assert that a trainer keeps its contract, against whatever it is set up to speak to: a server of your tests.

    A small run is made whose rows the trainer takes (by `writer`, default the first it takes), let through the gate,
    and started. Clauses: `destination`, `target` and `takes` (a name, a profile that loads, writers that there are),
    `order` (the same twice, touches neither state nor files, no text of rows in it), `start` (a `Job` with an id and a
    known status; a second start, also with the state as it lies on the disk, gives the same job), `look`, `events`
    (`Event` objects, oldest first), `cancel` (the job has ended), `text` (no text of the rows in the state or in what
    is told), and those of every stage.
    """
    sound(stage, Trainer)
    _named(stage)
    with _passed(stage, writer or stage.takes[0]) as (given, state):
        _ordered(stage, given.handoff, state)
        state.begin(table(stage), given.hashes, {})
        job = _job(stage, "start", stage.start(given, state))
        again = _job(stage, "start", stage.start(given, state))
        back = State.latest(state.record, state.destination)
        after = _job(stage, "start", stage.start(given, back))
        if not job.id == again.id == after.id:
            remedy = (
                "keep the job's id with state.keep before and after it is made, and look for state.tag at the vendor"
            )
            fail(stage, "start", "a second start makes another job", remedy)
        if _job(stage, "look", stage.look(back)).id != job.id:
            fail(stage, "look", "tells of another job", "look up the id that start kept")
        told = [*_events(stage, back)]
        ended = _job(stage, "cancel", stage.cancel(back))
        if not ended.ended:
            fail(stage, "cancel", f"leaves the job {ended.status}", "wait until it has stopped, or say cancelled")
        for what in (state.path.read_text(), *(event.message for event in told), job.detail, ended.detail):
            if CANARY in what:
                fail(stage, "text", "text of the rows stands in the state, an event or a job", "keep counts and names")


def _named(stage: Trainer) -> None:
    if not hooks.NAME.fullmatch(stage.destination.replace(".", "-")):
        fail(stage, "destination", f"{stage.destination!r} is no name", 'give a vendor\'s name, or "local"')
    try:
        load(stage.target)
    except FtdataError as error:
        fail(stage, "target", f"there is no target {stage.target!r}", "name one of `ftdata targets`", error)
    for name in stage.takes:
        try:
            hooks.find(("writer",), name)
        except LookupError as error:
            fail(stage, "takes", f"there is no writer {name!r}", "name writers, the best one first", error)
    if not stage.takes:
        fail(stage, "takes", "names no writer", "name the writers whose files it takes, the best one first")


@contextmanager
def _passed(stage: Trainer, writer: str) -> Iterator[tuple[Passed, State]]:
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        folder = Path(place)
        rows = [
            {"messages": [{"role": role, "content": f"{CANARY} {number} {role}"} for role in ("user", "assistant")]}
            for number in range(_ROWS)
        ]
        files.save(folder / "in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        filled = getattr(hooks.find(("writer",), writer).stage, "folder", False)
        stated = {"source": "made up", "lawful_basis": "none needed", "destinations": [stage.destination]}
        recipe = Recipe.parse(
            {
                "provenance": stated,
                "read": [{"use": "openai-chat", "path": "in.jsonl"}],
                "step": [{"use": "split", "validation": 0.25}],
                "write": [{"use": writer, "path": "out" if filled else "out/{split}.jsonl"}],
            },
            folder,
            "trained",
        )
        flow.run(recipe)
        record = flow.record_of(recipe)
        given = Handoff.of(str(record.manifest), load(stage.target), stage.destination, stage.takes)
        codes = ("target", "leaks", "cost", "open", "preflight")
        yield (
            let_through(given, dict.fromkeys(codes, "rows of a test")),
            State.latest(record, stage.destination),
        )


def _ordered(stage: Trainer, given: Handoff, state: State) -> None:
    before = {path: files.sha256(path) for path in given.files.values()}
    first, second = stage.order(given.files, state), stage.order(given.files, state)
    if not isinstance(first, Order) or not first.texts:
        fail(
            stage, "order", f"gave {type(first).__name__} without texts", "give an Order that shows what would be done"
        )
    if first.texts != second.texts:
        fail(stage, "order", "is another one a second time", "leave times and random names out of it")
    if state.begun or state.path.exists() or before != {path: files.sha256(path) for path in given.files.values()}:
        fail(stage, "order", "changes the state or a file", "only look; `start` acts")
    shown = (*(text for part in first.texts for text in part), *first.notes, *first.problems)
    if any(CANARY in text for text in shown):
        fail(stage, "order", "text of the rows stands in it", "show names, counts and settings")


def _job(stage: Trainer, method: str, job: Job) -> Job:
    if not isinstance(job, Job) or job.status not in STATUSES:
        told = job.status if isinstance(job, Job) else type(job).__name__
        fail(stage, method, f"gave {told}", f"give a Job whose status is one of {', '.join(STATUSES)}")
    if not job.id and job.status != "starting":
        fail(stage, method, "gave a job without an id", "give the vendor's id, or the folder of a job on this machine")
    return job


def _events(stage: Trainer, state: State) -> Iterator[Event]:
    last = ""
    for event in stage.events(state):
        if not isinstance(event, Event):
            fail(stage, "events", f"gave {type(event).__name__}", "give Event objects")
        if event.at < last:
            fail(stage, "events", "does not tell the oldest first", "turn the vendor's order round")
        last = event.at
        yield event
