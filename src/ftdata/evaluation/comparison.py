"""Systems side by side: each measure with its interval, by slices, and the verdict on the tuned one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ftdata.checks.replies import refuses
from ftdata.errors import InputError
from ftdata.evaluation import scores
from ftdata.evaluation.answers import Answers
from ftdata.evaluation.held_out import HeldOut, Task
from ftdata.evaluation.statistics import Interval, interval, share
from ftdata.evaluation.verdict import Verdict, against, verdict

TUNED, BASE, FEW_SHOT, MAJORITY = "tuned", "base", "base with examples", "most common answer"
"""The systems, by the names that they have in what is told."""

_Array = np.ndarray[Any, np.dtype[np.float64]]
Score = Callable[[str, str], float]

MEASURES: Mapping[Task, tuple[tuple[str, Score, bool], ...]] = {
    "labels": (("accuracy", scores.exact, True),),
    "json": (
        ("same object", scores.same_value, True),
        ("valid JSON", lambda answer, _: scores.valid(answer), True),
        ("fields", scores.fields, False),
    ),
    "text": (("rouge-l", scores.rouge_l, False), ("f1", scores.f1, False), ("exact", scores.exact, True)),
}
"""The measures of each task, the one that decides first; whether each is yes or no."""


@dataclass(frozen=True)
class Measure:
    """One measure of one system."""

    name: str
    system: str
    value: Interval


@dataclass(frozen=True)
class Slice:
    """The measure that decides, for the rows with one value of a field."""

    field: str
    value: str
    rows: int
    means: Mapping[str, float]


@dataclass(frozen=True)
class Confusion:
    """Which label was given for which, most frequent first: `counts[wanted, given]`; null: no label that there is."""

    labels: tuple[str, ...]
    counts: Mapping[tuple[str, str | None], int]


@dataclass(frozen=True)
class Comparison:
    """All of it. `rows`: those that every system answered, on which all measures are taken."""

    task: Task
    rows: int
    questions: int
    left_out: Mapping[str, int]
    answered: Mapping[str, int]
    measures: tuple[Measure, ...]
    verdict: Verdict
    slices: tuple[Slice, ...] = ()
    confusion: Confusion | None = None
    characters: Mapping[str, float] = field(default_factory=dict)
    refusals: Mapping[str, float] = field(default_factory=dict)


def compare(held: HeldOut, systems: list[Answers], common: str | None = None, more: bool = False) -> Comparison:
    """Compare systems on the rows that all of them answered, and judge the tuned one.

    `common` is the most common answer of the training rows, a system that needs no model (default for labels: that of
    the held-out rows themselves, which is a little too good). With `more` chrF is measured too (extra `eval`).

    Raises `InputError` if no row was answered by all.
    """
    answered = {one.system: one.given for one in systems}
    if held.task == "labels":
        best = common if common is not None else Counter(text.strip() for text in held.wanted).most_common(1)[0][0]
        systems = [*systems, Answers(MAJORITY, (best,) * len(held.questions))]
    at = [i for i in range(len(held.questions)) if all(one.texts[i] is not None for one in systems)]
    if not at:
        raise InputError("no question was answered by every system; give each the same rows (--questions writes them)")
    wanted = [held.questions[i].wanted for i in at]
    texts = {one.system: [one.texts[i] or "" for i in at] for one in systems}
    chosen = MEASURES[held.task] + ((("chrf", scores.chrf, False),) if more else ())
    values: dict[tuple[str, str], _Array] = {
        (name, system): np.array([score(answer, right) for answer, right in zip(said, wanted, strict=True)])
        for name, score, _ in chosen
        for system, said in texts.items()
    }
    measures = tuple(
        Measure(name, system, _interval(values[name, system], binary)) for name, _, binary in chosen for system in texts
    )
    decides, _, binary = chosen[0]
    found = tuple(
        against(system, values[decides, TUNED], values[decides, system], binary)
        for system in texts
        if system != TUNED and TUNED in texts
    )
    missing = tuple(name for name in (BASE, FEW_SHOT) if name not in texts)
    return Comparison(
        held.task,
        len(at),
        len(held.questions),
        held.left_out,
        answered,
        measures,
        verdict(found, len(at), missing),
        _slices(held, at, {system: values[decides, system] for system in texts}),
        _confusion(wanted, texts[TUNED]) if held.task == "labels" and TUNED in texts else None,
        {system: round(float(np.mean([len(text) for text in said])), 1) for system, said in texts.items()},
        {
            system: round(float(refuses(pl.Series(said, dtype=pl.String)).sum()) / len(at), 4)
            for system, said in texts.items()
        },
    )


def _interval(values: _Array, binary: bool) -> Interval:
    return share(int(values.sum()), len(values)) if binary else interval(values)


def _slices(held: HeldOut, at: list[int], values: Mapping[str, _Array]) -> tuple[Slice, ...]:
    places: dict[tuple[str, str], list[int]] = {}
    for place, i in enumerate(at):
        for name, value in held.questions[i].slices.items():
            places.setdefault((name, value), []).append(place)
    ordered = sorted(places.items(), key=lambda one: (one[0][0], -len(one[1]), one[0][1]))
    return tuple(
        Slice(name, value, len(mine), {system: float(found[mine].mean()) for system, found in values.items()})
        for (name, value), mine in ordered
    )


def _confusion(wanted: list[str], given: list[str]) -> Confusion:
    right = [text.strip() for text in wanted]
    labels = tuple(label for label, _ in Counter(right).most_common())
    known = frozenset(labels)
    counts = Counter(
        (label, answer.strip() if answer.strip() in known else None) for label, answer in zip(right, given, strict=True)
    )
    return Confusion(labels, counts)
