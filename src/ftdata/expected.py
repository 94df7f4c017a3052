"""The steps one would expect in a recipe, by what its reader gives: exports of talks, or training data already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ftdata import hooks
from ftdata.conversation import Conversation
from ftdata.readers import words as w

MANY = 50
"""Below so many rows no validation side is taken off: gains are seen from 50 rows on (see the check `size`)."""

_SIDE = frozenset({"train", "training", "test", "valid", "validation", "val", "dev", "eval"})
_STATE = w.word_set("status state estado situacao situacion")
_TOPIC = w.word_set(
    "category categoria type tipo queue fila cola topic topico tema product produto producto department departamento "
    "setor reason motivo class classe clase label"
)


@dataclass
class Step:
    """One step of the draft. `off` says why it is commented out; None: it is on."""

    use: str
    remark: str
    fields: dict[str, Any] = field(default_factory=dict)
    more: dict[str, tuple[Any, str]] = field(default_factory=dict)
    """Settings that are commented out, each with its remark."""
    off: str | None = None
    leaves: float = 0.0
    """Share of the rows that it must leave to be on."""


@dataclass(frozen=True)
class _Column:
    """A key of meta, as the rows of the trial fill it."""

    name: str
    filled: int
    distinct: int

    def says(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(w.words(self.name))


def expected(rows: Sequence[Conversation], ready: bool, source: str) -> list[Step]:
    """Give the steps for rows as a reader gave them, with their meta; only such as are built in.

    `ready`: whether they are training data already; `source` is the name of the input.
    """
    columns = _columns(rows)
    planned = _for_training_data() if ready else _for_exports(columns)
    planned += [*_judging(columns), _split(len(rows), columns, source), *_closing()]
    offered = {entry.stage.name for entry in hooks.builtin() if entry.stage.kind in ("transform", "selector", "check")}
    return [step for step in planned if step.use in offered]


def _for_exports(columns: Sequence[_Column]) -> list[Step]:
    """What turns an export of tickets or chats into rows to train on."""
    state = next((column for column in _classes(columns) if column.says(_STATE)), None)
    steps = []
    if state is not None:
        kept = {"where": {state.name: ["VALUE", "ANOTHER VALUE"]}}
        steps = [Step("filter", "keeps only rows with these values, such as tickets that are closed", kept, off="")]
    return [
        *steps,
        Step("pii", "replaces e-mail addresses, cards, keys ... by [EMAIL_1], [CARD_1] ..."),
        Step(
            "placeholders",
            "flags rows with a {name} that nobody filled in",
            more={"level": ("drop", "drop them instead")},
        ),
        Step("turns", "drops what is no conversation: no answer, an empty turn, the user last ..."),
        Step(
            "length",
            "drops rows that are too short or too long; the check lengths below tells what there is",
            {"min_chars": 20, "max_chars": 20_000},
            off="",
        ),
        Step("language", "drops rows in other languages than these", {"keep": ["en"]}, off=""),
        Step("exact-dedup", "drops rows that say the same as another"),
        Step("near-dedup", "drops rows that say nearly the same as another, such as answers by template", leaves=0.5),
    ]


def _for_training_data() -> list[Step]:
    """What leaves training data as it is, but for copies."""
    return [
        Step("private-data", "counts e-mail addresses, cards, keys ..., and leaves them as they are"),
        Step("pii", "replaces them, by [EMAIL_1], [CARD_1] ...", off=""),
        Step("turns", "drops what is no conversation; the check format below only counts that", off=""),
        Step("language", "drops rows in other languages than these", {"keep": ["en"]}, off=""),
        Step("exact-dedup", "drops rows that say the same as another"),
        Step("near-dedup", "drops rows that say nearly the same as another", off=""),
    ]


def _judging(columns: Sequence[_Column]) -> list[Step]:
    topic = next((column for column in _classes(columns) if column.says(_TOPIC)), None)
    steps = [Step("lengths", "measures the rows, and warns of outliers and of very short answers")]
    if topic is not None:
        steps.append(
            Step("balance", "counts the rows by this column, and warns if one value rules", {"by": topic.name})
        )
    return steps


def _split(rows: int, columns: Sequence[_Column], source: str) -> Step:
    sides = sorted(_SIDE.intersection(w.words(source)))
    off = None
    if sides:
        off = f"the name of the input says {sides[0]}: it is one side already"
    elif rows < MANY:
        off = f"{rows} row{' is' if rows == 1 else 's are'} few: all of them are wanted for training"
    split = Step(
        "split", "takes a tenth of the rows off, to measure on what was not trained on", {"validation": 0.1}, off=off
    )
    person = _person(columns)
    if person is not None:
        split.more["group"] = (person.name, "all rows with one value here stand on one side")
    return split


def _closing() -> list[Step]:
    return [
        Step("format", "holds each row against the rules of the service", {"for": "openai"}),
        Step("size", "says whether there are rows enough: under 10 is an error, under 50 a warning"),
    ]


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns(rows: Sequence[Conversation]) -> list[_Column]:
    """Count what each key of meta holds; the values themselves are not kept."""
    filled: dict[str, int] = {}
    values: dict[str, set[Any]] = {}
    for row in rows:
        for key, value in (row.meta or {}).items():
            if isinstance(value, str | int | float) and str(value).strip():
                filled[key] = filled.get(key, 0) + 1
                values.setdefault(key, set()).add(value)
    return [_Column(key, count, len(values[key])) for key, count in filled.items() if count * 2 > len(rows)]


def _classes(columns: Sequence[_Column]) -> list[_Column]:
    """Give the columns that sort rows into a few classes, and are about no person."""
    people = w.CUSTOMER | w.STAFF | w.PERSON
    return [c for c in columns if 2 <= c.distinct <= min(20, c.filled // 3) and not c.says(people)]


def _person(columns: Sequence[_Column]) -> _Column | None:
    """Give the column that tells customers apart best, if some come again."""
    known = [c for c in columns if c.says(w.CUSTOMER) and 10 <= c.distinct < c.filled]
    return max(known, key=lambda column: column.distinct, default=None)
