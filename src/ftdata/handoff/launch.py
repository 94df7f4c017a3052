"""From a run to a job: find the files, ask the trainer what it would do, judge, ask the person once, start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ftdata import __version__, manifest, runs
from ftdata.cost.amounts import Money
from ftdata.errors import InputError, RecipeError, RefusedError
from ftdata.handoff.gate import Handoff, Passed, Refusal, let_through, refusals
from ftdata.handoff.state import State
from ftdata.manifest import HandoffPart
from ftdata.recipe import Recipe, table, trainer
from ftdata.stages import Job, Order, Trainer
from ftdata.targets import load

HERE = "local"
"""The destination of a job that runs on this machine: no byte leaves."""


@dataclass(frozen=True)
class Launch:
    """A job that could be started: what goes where, what the trainer would do with it, and where that is kept."""

    trainer: Trainer
    handoff: Handoff
    order: Order
    state: State

    @property
    def leaves(self) -> bool:
        """Whether bytes leave this machine."""
        return self.trainer.destination != HERE

    @property
    def refusals(self) -> list[Refusal]:
        """Every reason of the gate against it."""
        return refusals(self.handoff)

    @property
    def rows(self) -> dict[str, int]:
        """The rows of each split that would go."""
        given = self.handoff
        return {
            split: next(out.lines for out in given.manifest.outputs if given.record.absolute(out.path) == path)
            for split, path in given.files.items()
        }


def prepare(
    run: str,
    use: str | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    max_cost: Money | None = None,
    lives: int = 90,
    again: bool = False,
) -> Launch:
    """Find what of a run a trainer would get, and what it would do with it. Sends nothing, starts nothing.

    The trainer is the recipe's table `[train]`, or the one named by `use`, with `settings` laid over its own.
    `max_cost` and `lives` (days for which the tuned model is to be used) are what the gate asks for. With `again` a
    further job is prepared, even though the run has one.

    Raises:
        InputError: there is no such run, it wrote nothing that the trainer takes, or a file of it is gone.
        RecipeError: no trainer is named, or a setting does not fit.
    """
    made = _trainer(run, use, settings or {})
    given = Handoff.of(run, load(made.target), made.destination, made.takes, max_cost=max_cost, lives=lives)
    _there(given)
    state = State.latest(given.record, made.destination)
    if again and state.begun:
        state = state.following()
    order = made.order(given.files, state)
    given = replace(given, estimate=order.estimate, preflight=order.problems)
    return Launch(made, given, order, state)


def start(launch: Launch, accepted: Mapping[str, str] | None = None, *, send_to: str | None = None) -> Job:
    """Judge at the gate, and start; a job of the same bytes and settings is found again instead.

    `accepted` are conditions that need not hold, each with a reason; `send_to` must name the destination, unless the
    job runs on this machine.

    Raises:
        RefusedError: a condition does not hold and was not accepted, nobody agreed, or the run has another job there.
        LockedError: another process has this job in hand.
    """
    made, state = launch.trainer, launch.state
    passed = let_through(launch.handoff, accepted or {})
    if launch.leaves and send_to != made.destination:
        raise RefusedError(
            f"refused: nobody agreed that the files are sent to {made.destination}; say --yes-send-to "
            f"{made.destination}, or answer the question on a terminal"
        )
    with state.locked():
        if state.exists:
            state.read()
            _same(launch, passed)
        else:
            state.begin(table(made), passed.hashes, _noted(launch, passed))
            manifest.note(launch.handoff.record, _part(launch, passed))
        return made.start(passed, state)


def found(run: str, destination: str | None = None) -> tuple[Trainer, State]:
    """Find the latest job of a run, and the trainer that started it, with its settings of then.

    Raises `InputError` if there is none, one at several destinations and none was named, or its state cannot be read.
    """
    state = State.only(runs.find(run), destination)
    try:
        return trainer(state.trainer, state.trainer["use"]), state
    except RecipeError as error:
        raise InputError(
            f"{state.path}: was written with a trainer or settings that are not known here ({'; '.join(error.problems)}"
            "); use the version of ftdata, and the plugin, that wrote it"
        ) from None


def _trainer(run: str, use: str | None, settings: Mapping[str, Any]) -> Trainer:
    stated, folder = _stated(run)
    if use is None and not stated:
        raise RecipeError(f"{run}: names no trainer; add a table [train] to its recipe, or say --with lora")
    kept = stated if use in (None, stated.get("use")) else {}
    made = trainer({**kept, **settings, "use": stated["use"] if use is None else use})
    from_recipe, from_here = made.placed(folder), made.placed(Path())
    own = {key: getattr(from_here, key) for key in settings}
    return from_recipe.model_copy(update=own)


def _there(given: Handoff) -> None:
    """Raise `InputError` for a file that the trainer would have to read and cannot."""
    for path in given.files.values():
        if not path.is_file():
            said = "is no file" if os.path.lexists(path) else "was written by the run and is gone"
            raise InputError(f"{path}: {said}; run the recipe again")
        if not os.access(path, os.R_OK):
            raise InputError(f"{path}: cannot be read: permission denied; give yourself permission")


def _stated(run: str) -> tuple[Mapping[str, Any], Path]:
    """Give the table `[train]` of a recipe as it stands now, or of the recipe of a run's record, and its folder."""
    if Path(run).suffix == ".toml" and Path(run).is_file():
        recipe = Recipe.load(run)
        return {} if recipe.trainer is None else table(recipe.trainer), recipe.folder
    record = runs.find(run)
    told = runs.latest(record)
    return told.recipe.get("train", {}), record.absolute(told.folder)


def _same(launch: Launch, passed: Passed) -> None:
    state = launch.state
    if state.tag != state.tagged(table(launch.trainer), passed.hashes):
        raise RefusedError(
            f"refused: this run was given to {state.destination} already, with other settings or bytes; --again starts "
            "another job, ftdata train status tells of that one"
        )


def _noted(launch: Launch, passed: Passed) -> dict[str, Any]:
    record = launch.handoff.record
    return {
        "ftdata": __version__,
        "run": record.name,
        "destination": launch.state.destination,
        "number": launch.state.number,
        "files": {split: record.relative(path) for split, path in launch.handoff.files.items()},
        "rows": launch.rows,
        "accepted": {one.code: one.reason for one in passed.accepted},
        "by": passed.by,
        "at": passed.at,
    }


def _part(launch: Launch, passed: Passed) -> HandoffPart:
    return HandoffPart(
        trainer=launch.trainer.name,
        destination=launch.state.destination,
        number=launch.state.number,
        tag=launch.state.tag,
        hashes=dict(passed.hashes),
        accepted={one.code: one.reason for one in passed.accepted},
        by=passed.by,
        at=passed.at,
    )


def told(launch: Launch) -> Iterable[str]:
    """Tell in a few words what would go where, for the question before it goes: rows, tokens, money."""
    rows = " + ".join(f"{count:,} {split}" for split, count in launch.rows.items())
    yield f"{rows} rows of {launch.handoff.record.name}"
    estimate = launch.order.estimate
    if estimate is None:
        yield "no cost"
        return
    yield f"{sum(estimate.tokens.values()):,} tokens, {estimate.epochs} epochs"
    amounts = [f"at most {Money(value.high, currency)}" for currency, value in estimate.totals.items() if value]
    yield ", ".join(amounts) if amounts else "cost unknown"
