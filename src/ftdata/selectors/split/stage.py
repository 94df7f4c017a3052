"""The stage `split`. A row's side follows from a hash, not from chance or order: it can be repeated."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import msgspec
import numpy as np
import polars as pl
from pydantic import BeforeValidator, Field, model_validator

from ftdata.batch import Batch, dumps
from ftdata.errors import RunError
from ftdata.readers.times import instant
from ftdata.selectors.exact_dedup import digests
from ftdata.selectors.guard import Ons, Threshold
from ftdata.selectors.split import curve, keys, leaks, sides
from ftdata.selectors.split.sides import SIDES, Shares
from ftdata.stages import Example, Rows, Selector, heads
from ftdata.wording import counted, hint

EXACT = 200
"""Below so many rows the sizes of the sides are exact, because chance alone could leave a side of 5 % empty."""

_DECISIONS = {"row": pl.UInt64(), "split": pl.String(), "drop": pl.String(), "note": pl.String()}
_NOT_TIMED = "no-time"
_KEPT = "side of an earlier run"
_Array = np.ndarray[Any, Any]

Key = Annotated[str, Field(min_length=1)]
Moment = Annotated[str, BeforeValidator(lambda given: given.isoformat() if isinstance(given, date) else given)]


class Split(Selector):
    """Split the rows into train, validation and test, so that nothing of one side is known on another.

    ```toml
    [[step]]
    use = "split"
    validation = 0.1
    test = 0.1
    group = "customer"
    ```

    **Sides.** The side of a row is decided by a hash of the seed and its key: the value of the meta key `group`, else
    what the user says, with case, spaces and punctuation levelled; never its id or place. Rows of one key stand on one
    side. With several keys in `group`, rows that share a value of any of them belong together. A row without them goes
    by what its user says, a row without a user's text by the whole row. `stratify` keeps the labels of a meta key in
    proportion: of each label a side holds its share within one row, as far as groups allow (a group counts under the
    label of its first row until its others come). A label of fewer than 1 / share rows may be missing on a side. With
    `time` the newest rows are the evaluation instead, test the newest of all; a row without a time goes to train and is
    flagged `no-time`.

    **Leaks.** Test is guarded before validation, validation before train. A row is dropped, reason `leak`, if on a more
    guarded side stands a row of its group (note `group of row 17`), one whose user says the same (`twin row 17`), or
    one that is near it (`twin row 17, J 0.9310`): by the Jaccard similarity of runs of `ngram` words, as in
    `near-dedup`, of any of what `on` names. After that no such pair is left.

    **An old row never changes side** when rows are added, wherever they stand; with several keys in `group` or with
    `stratify`: when they are appended. So a new row that links groups on different sides is dropped itself, and groups
    that straddle a cut in time stay where each row's own time puts it: their train rows leak. But a row of train may
    become a leak of a new row, one of validation of a new row of test. Cuts by share move as newer rows come;
    `validation_from` and `test_from` do not. Under 200 rows the sizes are exact, lowest hashes first, as far as groups
    allow, and a row may change sides.

    What `earlier` names was split before: rows whose user says the same keep their side whatever the settings, their
    groups go with them, and what is near its validation or test goes, be it new rows of test.

    **Curve.** `curve = [25, 50]` chooses nested subsets of the training rows, to train on each and see whether more
    rows would help: whole groups in the order of their hashes, of each label its percent with `stratify`. Every row
    stays in the training rows, and read = written + dropped as without; a row of a subset is flagged `curve-25` by the
    smallest that holds it, and `ftdata curve RUN` copies the lines of each into a file of its own.

    Errors: a side that ends empty; a meta key that no row has (the keys seen are listed); days and months that cannot
    be told apart; an earlier file whose name tells no side.
    """

    name: ClassVar[str] = "split"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A row of train that is nearly one of validation goes; its note names that row.",
            (
                (
                    "My parcel was due on Monday and the tracking page has not moved since, what now?",
                    "We ask the carrier.",
                ),
                ("Can I pay by card?", "Yes."),
                (
                    "My parcel was due on Monday and the tracking page has not moved since. What now, please?",
                    "We ask them.",
                ),
                ("Onde fica a loja?", "Na rua das Flores."),
            ),
            {"validation": 0.25, "seed": 5},
        ),
        Example(
            "What one customer asks stands on one side.",
            (
                ("Where is my order?", "On its way."),
                ("Cadê o meu pedido?", "Está a caminho."),
                ("Can I pay by card?", "Yes."),
                ("¿Puedo devolverlo?", "Sí, en 30 días."),
            ),
            {"validation": 0.5, "group": "customer"},
            ({"customer": 7}, {"customer": 7}, {"customer": 8}, {"customer": 8}),
        ),
        Example(
            "Of each label a side holds its share.",
            tuple((f"Question {number}?", "Answer.") for number in range(8)),
            {"validation": 0.25, "stratify": "category"},
            tuple({"category": "refund" if number < 4 else "delivery"} for number in range(8)),
        ),
        Example(
            "The newest rows are the evaluation; the old question of a customer who wrote again is dropped from train.",
            (("How do I sign in?", "So."), ("How do I pay?", "So."), ("How do I log out?", "So.")),
            {"time": "created_at", "validation_from": "2025-03-01", "group": "customer"},
            (
                {"customer": 7, "created_at": "2025-01-02"},
                {"customer": 8, "created_at": "2025-01-03"},
                {"customer": 7, "created_at": "2025-03-04"},
            ),
        ),
    )

    validation: float = Field(0.1, ge=0, lt=1, description="share of the rows for validation, 0 to 1")
    test: float = Field(0.0, ge=0, lt=1, description="share of the rows for test, 0 to 1")
    seed: int = Field(0, ge=0, lt=2**64, description="another seed gives another split")
    group: Key | Annotated[tuple[Key, ...], Field(min_length=1)] | None = Field(
        None,
        description="meta key whose rows stay together, such as customer; a dotted path for inner keys; several keys: "
        "rows that share one of them",
    )
    stratify: Key | None = Field(None, description="meta key whose values keep their proportion on every side")
    time: Key | None = Field(None, description="meta key of a time: the newest rows become validation and test")
    validation_from: Moment | None = Field(
        None, description="with time: rows from this date on are validation; the shares are then not used"
    )
    test_from: Moment | None = Field(None, description="with time: rows from this date on are test")
    day_first: bool | None = Field(None, description="whether 03/04 is 3 April; told by the whole column if it can be")
    threshold: Threshold = Field(
        0.8, description='J from which a row is known on another side, 0.5 to 1; "off": only equal questions and groups'
    )
    ngram: int = Field(5, ge=1, le=20, description="words in a run, 1 to 20")
    on: Ons = Field(
        ("conversation", "question"),
        description="what is compared, each by itself: conversation, question, answer; one or several",
    )
    curve: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        (),
        description="percents of the training rows that nested subsets hold, such as [25, 50]; `ftdata curve` writes "
        "them",
    )
    earlier: tuple[Path, ...] = Field(
        (),
        description="what an earlier run wrote, whose rows keep their side: files or folders named after it, such as "
        "train.jsonl",
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        dated = self.validation_from is not None or self.test_from is not None
        if not self.validation and not self.test and not dated:
            raise ValueError("nothing is split off; set validation or test, such as validation = 0.1")
        if list(self.curve) != sorted(set(self.curve)):
            raise ValueError(f"curve: {list(self.curve)} does not rise; write the percents as [25, 50]")
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} leave nothing for train; lower one")
        if dated and self.time is None:
            raise ValueError('time: is missing; name the meta key of the date, such as time = "created_at"')
        if self.day_first is not None and self.time is None:
            raise ValueError("day_first: says how to read a time, and none is named; leave it out")
        if self.time is not None and self.stratify is not None:
            raise ValueError("stratify: cannot be kept when time decides the sides; leave one of them out")
        cuts = self._cuts()
        if cuts is not None and None not in cuts and cuts[0] >= cuts[1]:  # type: ignore[operator]
            told = f"validation_from: {self.validation_from!r}: must be before test_from, {self.test_from!r}"
            raise ValueError(f"{told}; test holds the newest rows")
        return self

    def _cuts(self) -> tuple[int | None, int | None] | None:
        """Give the first moments of validation and test; None if no date is given."""
        if self.validation_from is None and self.test_from is None:
            return None
        cuts = []
        for field in ("validation_from", "test_from"):
            text = getattr(self, field)
            moment = None if text is None else instant(text)
            if text is not None and (moment is None or moment[0] != moment[1]):
                remedy = "write it as 2026-01-31 or 2026-01-31T12:00:00Z"
                raise ValueError(f"{field}: {text!r} is no date that can be read in one way only; {remedy}")
            cuts.append(None if moment is None else moment[0])
        return cuts[0], cuts[1]

    @property
    def against(self) -> tuple[Path, ...]:
        """What earlier runs wrote that decides here, by the name under which a run asks any selector for it."""
        return self.earlier

    @property
    def _groups(self) -> tuple[str, ...]:
        return (self.group,) if isinstance(self.group, str) else self.group or ()

    @property
    def _wanted(self) -> list[str]:
        """The sides that must not end empty."""
        dated = self.validation_from is not None or self.test_from is not None
        asked = [getattr(self, f"{side}_from" if dated else side) for side in SIDES[1:]]
        return ["train"] + [side for side, given in zip(SIDES[1:], asked, strict=True) if given]

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys of groups, labels and times."""
        return heads((*self._groups, self.stratify, self.time))

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's key as a hash (`hi`, `lo`), and what the settings ask for.

        That is: a hash of what its user says (`text`), of each group value (`group0` …) and of its label (`label`), its
        time (`by_day`, `by_month`, `hint`); `keys` holds the meta keys seen, once a batch, where rows lack one. Without
        any of it 24 bytes a row.
        """
        named = [key for key in (*self._groups, self.stratify, self.time) if key is not None]
        found, seen = keys.values(batch["meta"], named) if named else ({}, [])
        own = keys.tagged(batch)
        columns = [batch["row"], *digests(keys.whose(own, [found[key] for key in self._groups]), self.seed)]
        if self._groups or self.time or self.earlier:
            columns.append(digests(own)[0].rename("text"))
        columns += [digests(found[key])[0].rename(f"group{number}") for number, key in enumerate(self._groups)]
        if self.stratify is not None:
            columns.append(digests(found[self.stratify])[0].rename("label"))
        if self.time is not None:
            columns += keys.times(found[self.time]).get_columns()
        if named:
            listed = [dumps(seen)] if seen else []
            columns.append(pl.Series("keys", listed + [None] * (batch.height - len(listed)), pl.String))
        return pl.DataFrame(columns)

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Decide the side of every row, then who leaks; raise `RunError` if a side ends empty or no row has a key."""
        frame = sketches.collect().sort("row")
        if not frame.height:
            return pl.LazyFrame(schema=_DECISIONS)
        self._no_key(frame)
        pinned = keys.pinned(frame, rows, self.earlier)
        chosen, numbers = self._sides(frame, pinned), frame["row"].to_numpy()
        looks: list[tuple[int, leaks.Look]] = []
        if "text" in frame.columns:  # else equal questions have one key, and so one side
            looks.append((leaks.QUESTION, leaks.equal(frame["text"])))
            looks += [(leaks.GROUP, leaks.equal(frame[f"group{number}"])) for number in range(len(self._groups))]
        if self.threshold != "off":
            looks.append((leaks.NEAR, leaks.near(numbers, rows, self.on, self.threshold, self.ngram)))
        found = leaks.leaks(chosen, pinned, looks)
        self._not_empty(frame, chosen[found.kind == 0])
        side = pl.Series("split", SIDES, pl.String).gather(chosen)
        note = leaks.notes(found, numbers)
        kept = pl.Series(pinned >= 0) & note.is_null()
        columns = [
            frame["row"],
            side,
            pl.select(pl.when(pl.Series(found.kind > 0)).then(pl.lit("leak")).alias("drop")).to_series(),
            note.set(kept, _KEPT),
        ]
        flags = self._flags(frame, (chosen == sides.TRAIN) & (found.kind == 0))
        if flags is not None:
            columns.append(flags)
        return pl.LazyFrame(columns)

    def _flags(self, frame: pl.DataFrame, trained: _Array) -> pl.Series | None:
        """Flag the rows without a time, and those of a subset of the training rows; None: nothing was asked for."""
        if self.time is None and not self._percents:
            return None
        untimed = frame["by_day"].is_null() if self.time is not None else pl.repeat(False, frame.height, eager=True)
        inside = np.full(frame.height, 100)
        if self._percents:
            inside[trained] = self._subsets(frame.filter(pl.Series(trained)))
        named = {percent: curve.flag(percent) for percent in self._percents}
        listed = [
            [*([_NOT_TIMED] if late else []), *([named[part]] if part in named else [])] or None
            for late, part in zip(untimed.to_list(), inside.tolist(), strict=True)
        ]
        return pl.Series("flags", listed, pl.List(pl.String))

    @property
    def _percents(self) -> tuple[int, ...]:
        return tuple(percent for percent in self.curve if percent < 100)

    def _subsets(self, rows: pl.DataFrame) -> _Array:
        labels = rows["label"].fill_null(0).to_numpy() if self.stratify is not None else np.zeros(rows.height)
        values = keys.linked(rows, len(self._groups))()
        made = curve.subsets(rows["hi"].to_numpy(), values, labels, self._percents)
        if not (made == self._percents[0]).any():
            raise RunError(
                f"split: curve: {self._percents[0]} % of {counted(rows.height, 'training row')} would be empty; raise "
                "it, or add rows"
            )
        return made

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: rows on each side, leaks before and after, and whether the sizes are exact."""
        decided = decisions.filter(pl.col("split").is_not_null())  # not the rows that could not be sketched
        if not decided.height:
            return {}
        counts = dict(decided.filter(pl.col("drop").is_null())["split"].value_counts().rows())
        gone = decided.filter(pl.col("drop") == "leak")["note"].to_list()
        kept = int((decided["note"] == _KEPT).sum() or 0)
        told: dict[str, Any] = {
            "rows": {side: counts[side] for side in SIDES if side in counts},
            "leaks": {"before": len(gone), "after": 0},
        }
        if gone:
            told["leak rate"] = f"{len(gone) / decided.height:.2%} before, 0 % after".replace("%", " %", 1)
            told["leaks by kind"] = leaks.counted(gone)
        if self.threshold == "off":
            told["near-duplicates"] = "not looked for"
        if kept:
            told["sides of an earlier run"] = kept
        exactly = "exact" if decided.height < EXACT else "by hash"
        return {**told, "sizes": exactly if self.time is None else "by time"}

    def _sides(self, frame: pl.DataFrame, pinned: _Array) -> _Array:
        shares: Shares = (1 - self.validation - self.test, self.validation, self.test)
        if self.time is not None:
            return np.where(pinned >= 0, pinned, self._timed(frame, shares))
        values = keys.linked(frame, len(self._groups))
        labels = None if self.stratify is None else frame["label"].fill_null(0).to_list()
        if frame.height < EXACT:
            pairs = list(zip(frame["hi"].to_list(), frame["lo"].to_list(), strict=True))
            return sides.exactly(pairs, values(), labels or [0] * frame.height, pinned, shares)
        hashes = frame["hi"].to_numpy()
        wished = sides.by_hash(hashes, shares)
        if labels is None and len(self._groups) < 2:
            return sides.bound_by_hash(wished, hashes, pinned)
        return sides.in_order(wished, values(), labels, pinned, shares)

    def _timed(self, frame: pl.DataFrame, shares: Shares) -> _Array:
        """Give the sides by time; rows without one are train."""
        known = frame.filter(pl.col("by_day").is_not_null())
        told = ((known["hint"] > 0).any(), (known["hint"] < 0).any())
        day = {(True, False): True, (False, True): False}.get(told) if self.day_first is None else self.day_first
        if day is None and (known["by_day"] != known["by_month"]).any():
            raise RunError(
                f"split: dates such as 03/04 under {self.time!r} (time) can be read in two ways; "
                "say which: day_first = true (03/04 is 3 April) or false"
            )
        moments = known["by_month" if day is False else "by_day"].to_numpy()
        chosen = np.zeros(frame.height, dtype=np.int8)
        chosen[frame["by_day"].is_not_null().to_numpy()] = sides.by_time(moments, shares, self._cuts())
        return chosen

    def _not_empty(self, frame: pl.DataFrame, live: _Array) -> None:
        there = {SIDES[side] for side in np.unique(live).tolist()}
        empty = [side for side in self._wanted if side not in there]
        if empty:
            count = frame.select("hi", "lo").n_unique()
            what = f"different value of {', '.join(map(repr, self._groups))}" if self._groups else "different question"
            ways = ["set other dates"] if self._cuts() else ["raise the share"]
            if count < len(self._wanted):
                ways = ["split more of them, or leave the split out"]
            elif self.time is None:
                ways.append("take another seed")
            elif not self._cuts():
                ways.append("set dates with validation_from and test_from")
            if self._groups:
                ways.append("group by another key")
            given = f"{counted(frame.height, 'row')} with {counted(count, what)}"
            raise RunError(f"split: {' and '.join(empty)} would be empty: {given}; {', or '.join(ways)}")

    def _no_key(self, frame: pl.DataFrame) -> None:
        """Raise if no row has a value under a key that is named."""
        asked = [(key, f"group{number}", "group") for number, key in enumerate(self._groups)]
        asked += [
            (key, column, field)
            for key, column, field in ((self.stratify, "label", "stratify"), (self.time, "by_day", "time"))
            if key is not None
        ]
        for key, column, field in asked:
            if frame[column].null_count() < frame.height:
                continue
            if field == "time" and frame["hint"].null_count() < frame.height:
                raise RunError(
                    f"split: no value of the meta key {key!r} (time) can be read as a time; write them as ISO 8601, "
                    "such as 2026-01-31T12:00:00Z"
                )
            seen = sorted({key for text in frame["keys"].drop_nulls() for key in msgspec.json.decode(text)})
            # A spool holds only the meta that a later stage reads: there may be no other key left to show.
            told = f"Keys seen: {', '.join(seen)}" if seen else "`ftdata sniff` lists the columns of a source"
            raise RunError(f"split: no row has the meta key {key!r} ({field}){hint(key, seen, '.')} {told}")
