"""Filter by meta. A row is judged by itself; what only the whole run can tell (a key that no row has) is `verify`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from math import isfinite
from operator import ge, gt, le
from typing import Annotated, Any, ClassVar, Self, TypeAlias

import msgspec
import polars as pl
from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from ftdata.batch import Batch, mark
from ftdata.stages import Example, Transform, heads
from ftdata.wording import hint

Value: TypeAlias = str | int | float | bool
Test: TypeAlias = Callable[[Any], str | None]


# --- settings: tables in TOML, tuples of pairs in the frozen stage ----------------------------------------------------


def _pairs(given: Any) -> Iterable[tuple[str, Any]]:
    """Give the pairs of a table; an inner table (`address.city = …` in TOML) becomes a dotted key."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            if isinstance(value, Mapping):
                yield from ((f"{key}.{inner}", deep) for inner, deep in _pairs(value))
            else:
                yield str(key), value
    elif isinstance(given, (tuple, list)) and all(isinstance(p, (tuple, list)) and len(p) == 2 for p in given):
        yield from ((str(key), value) for key, value in given)
    else:
        raise ValueError("must be a table of meta keys, such as { status = ... }")


def _texts(given: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((key, _listed(key, value, (str,), "texts")) for key, value in _pairs(given))


def _values(given: Any) -> tuple[tuple[str, tuple[Value, ...]], ...]:
    kinds = (str, int, float, bool)
    return tuple((key, _listed(key, value, kinds, "texts, numbers or booleans")) for key, value in _pairs(given))


def _listed(key: str, given: Any, kinds: tuple[type, ...], what: str) -> tuple[Any, ...]:
    values = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if not values or not all(isinstance(value, kinds) for value in values):
        raise ValueError(f"{key}: must be one or several {what}")
    if any(isinstance(value, str) and not value.strip() for value in values):
        raise ValueError(f"{key}: a blank value counts as missing; give a text that rows hold")
    return values


def _numbers(given: Any) -> tuple[tuple[str, float], ...]:
    pairs = tuple(_pairs(given))
    for key, value in pairs:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise ValueError(f"{key}: {value!r} is not a number; write it without quotes")
    return pairs


def _dates(given: Any) -> tuple[tuple[str, str], ...]:
    pairs = []
    for key, value in _pairs(given):
        text = value.isoformat() if isinstance(value, date) else value
        if not isinstance(text, str) or _moment(text) is None:
            raise ValueError(f"{key}: {value!r} is not a date; write it as 2026-01-31 or 2026-01-31T12:00:00Z")
        pairs.append((key, text))
    return tuple(pairs)


def _table(validate: Callable[[Any], Any]) -> Any:
    dump = PlainSerializer(lambda pairs: {key: list(v) if isinstance(v, tuple) else v for key, v in pairs})
    return (PlainValidator(validate), dump, WithJsonSchema({"type": "object"}))


# --- reading a value --------------------------------------------------------------------------------------------------


def _number(value: Any) -> float | None:
    """Read a number or numeric text; booleans and everything else are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        try:
            # float() also takes "1_000", "nan" and "inf", which no export means.
            return float(value) if "_" not in value and value.strip()[-1:].isdigit() else None
        except ValueError:
            return None
    return None


def _moment(value: Any) -> float | None:
    """Read a date as seconds since 1970: ISO 8601, `… UTC`, mail dates, or an epoch in s, ms, µs or ns.

    A time without zone is taken as UTC. Numbers below 100,000,000 (March 1973) are no epoch.
    """
    if isinstance(value, str):
        text = value.strip()
        number = None if len(text) == 8 else _number(text)
        if number is None:
            try:
                moment = datetime.fromisoformat(text.removesuffix(" UTC").removesuffix(" GMT"))
            except ValueError:
                try:
                    moment = parsedate_to_datetime(text)
                except (ValueError, TypeError, IndexError, OverflowError):
                    return None
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    else:
        number = _number(value)
    if number is None or not 1e8 <= number < 1e20:
        return None
    while number >= 1e11:
        number /= 1000
    return number


def _equals(wanted: Sequence[Value], value: Any) -> bool:
    return any(_same(one, value) for one in wanted)


def _same(wanted: Value, value: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return str(wanted).lower() == str(value).strip().lower() if isinstance(value, (bool, str)) else False
    if isinstance(wanted, str) and isinstance(value, str):
        return wanted == value.strip() or wanted == value
    left, right = _number(wanted), _number(value)
    return left is not None and left == right


def _holds(words: Sequence[str], value: Any) -> bool:
    text = str(value).casefold()
    return any(word.casefold() in text for word in words)


def _blank(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _any(test: Callable[[Any], bool], value: Any) -> bool:
    """Test a value, or each item of a list (tags)."""
    if isinstance(value, list):
        return any(test(item) for item in value if not isinstance(item, (dict, list)))
    return not isinstance(value, dict) and test(value)


def _plain(rule: str, test: Callable[[Any], bool]) -> Test:
    """Make a test of a value that names its rule where the value fails."""
    return lambda value: None if _any(test, value) else rule


def _compared(rule: str, read: Callable[[Any], float | None], fits: Callable[[float], bool]) -> Test:
    """Make a test of a number or date; what cannot be read as one fails under a name of its own."""
    unread = "not a number" if read is _number else "not a date"

    def test(value: Any) -> str | None:
        numbers = [read(item) for item in (value if isinstance(value, list) else [value])]
        known = [number for number in numbers if number is not None]
        return None if any(map(fits, known)) else rule if known else unread

    return test


def _judge(meta: Any, keys: Sequence[str], tests: Sequence[tuple[str, Test]]) -> str | None:
    """Give the reason to drop a row, or None."""
    found = {key: look_up(meta, key) for key in keys}
    for key, value in found.items():
        if _blank(value):
            return _reason("missing", key)
    for key, test in tests:
        verdict = test(found[key])
        if verdict is not None:
            return _reason(verdict, key)
    return None


def look_up(meta: Any, key: str) -> Any:
    """Find a key of meta: as it is, else as a dotted path through inner objects; None where there is none."""
    if not isinstance(meta, dict):
        return None
    if key in meta:
        return meta[key]
    head, dot, rest = key.partition(".")
    while dot:
        if isinstance(meta.get(head), dict):
            found = look_up(meta[head], rest)
            if found is not None:
                return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def _reason(rule: str, key: str) -> str:
    """Name a reason; a long key (a survey's question as a column name) is cut, for a reason is a short code."""
    return f"{rule}: {key if len(key) <= 60 else key[:59] + '…'}"


# --- the stage --------------------------------------------------------------------------------------------------------


class Filter(Transform):
    """Keep the conversations whose meta (status, rating, date, category …) fits; drop the others by reason.

    ```toml
    [[step]]
    use = "filter"
    where = { status = ["solved", "closed"] }    # equals one of these
    min = { csat = 4 }                           # at least; max: at most
    after = { created_at = 2026-01-01 }          # on or after; before: earlier than
    contains = { subject = ["refund"] }          # holds one of these words, in any case
    ```

    A row must pass every test. Where a value is a list (tags), one of its items is enough. Texts are compared exactly
    (blanks at the ends aside); a number and a numeric text by value, so 4 equals `"4.0"`; true and false with `"True"`
    and `"false"`. Inner keys are dotted: `address.city`. Dates: ISO 8601, mail dates, or seconds (milli-, micro-,
    nanoseconds) since 1970; without a zone they are UTC.

    | reason | when |
    |---|---|
    | `missing: KEY` | the row lacks the key, or its value is null or blank |
    | `where: KEY`, `min: KEY`, `max: KEY`, `after: KEY`, `before: KEY`, `contains: KEY` | the value does not fit |
    | `not a number: KEY`, `not a date: KEY` | the value cannot be compared |

    A key that no row has stops the run and lists the keys that were seen.
    """

    name: ClassVar[str] = "filter"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Rows are kept by their meta; the note says which key spoke against a row.",
            (("Refund please", "Done."), ("Is anyone there?", "We look into it."), ("Thanks", "Welcome!")),
            {"where": {"status": ["solved", "closed"]}},
            ({"status": "Solved"}, {"status": "open"}, {}),
        ),
    )

    where: Annotated[tuple[tuple[str, tuple[Value, ...]], ...], *_table(_values)] = Field(
        (), description='values to keep, by meta key: { status = ["solved", "closed"] }'
    )
    min: Annotated[tuple[tuple[str, float], ...], *_table(_numbers)] = Field(
        (), description="lowest number to keep, by meta key: { csat = 4 }"
    )
    max: Annotated[tuple[tuple[str, float], ...], *_table(_numbers)] = Field(
        (), description="highest number to keep, by meta key"
    )
    after: Annotated[tuple[tuple[str, str], ...], *_table(_dates)] = Field(
        (), description="first date to keep, by meta key: { created_at = 2026-01-01 }"
    )
    before: Annotated[tuple[tuple[str, str], ...], *_table(_dates)] = Field(
        (), description="date from which on rows are dropped, by meta key"
    )
    contains: Annotated[tuple[tuple[str, tuple[str, ...]], ...], *_table(_texts)] = Field(
        (), description="words of which a value must hold one, upper or lower case, by meta key"
    )

    @model_validator(mode="after")
    def _not_idle(self) -> Self:
        if not self._keys():
            raise ValueError("tests nothing; give where, min, max, after, before or contains")
        return self

    def _keys(self) -> tuple[str, ...]:
        tables: tuple[tuple[tuple[str, Any], ...], ...] = (
            self.where,
            self.min,
            self.max,
            self.after,
            self.before,
            self.contains,
        )
        return tuple(dict.fromkeys(key for table in tables for key, _ in table))

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys that are tested; for a dotted path its first part too."""
        return heads(self._keys())

    def apply(self, batch: Batch) -> Batch:
        """Set the reason of the rows that do not fit."""
        keys, tests = self._keys(), self._tests()
        decode = msgspec.json.Decoder().decode
        reasons = [_judge(None if text is None else decode(text), keys, tests) for text in batch["meta"].to_list()]
        drop = pl.Series("drop", reasons, pl.String)
        return mark(batch, drop.is_not_null(), drop=drop)

    def _tests(self) -> list[tuple[str, Test]]:
        tests: list[tuple[str, Test]] = []
        tests += [(key, _plain("where", partial(_equals, wanted))) for key, wanted in self.where]
        for rule, table, read, fits in (
            ("min", self.min, _number, le),
            ("max", self.max, _number, ge),
            ("after", self.after, _moment, le),
            ("before", self.before, _moment, gt),
        ):
            for key, bound in table:
                edge: Any = read(bound)
                tests.append((key, _compared(rule, read, partial(fits, edge))))
        tests += [(key, _plain("contains", partial(_holds, words))) for key, words in self.contains]
        return tests

    def verify(self, dropped: Mapping[str, int], rows: int, keys: Sequence[str]) -> str | None:
        """Say, at the end of a run, which tested key no row has (the engine names the step); None if all is well.

        `dropped` counts this stage's reasons, `rows` the rows it saw, `keys` are meta keys of those rows (a sample will
        do). A row is dropped as `missing` before any other test, so a row that was not had all the keys.
        """
        missing = {key: dropped.get(_reason("missing", key), 0) for key in self._keys()}
        if not rows or sum(missing.values()) < rows:
            return None
        for key, count in missing.items():
            if key in keys and count == rows:
                return f"the meta key {key!r} is blank in every row; test another key"
            if count == rows or not any(key == seen or key.startswith(f"{seen}.") for seen in keys):
                seen = ", ".join(sorted(keys)) or "none"
                return f"no row has the meta key {key!r}{hint(key, keys, '.')} Keys seen: {seen}"
        return None
