"""The base of readers of training layouts: one record is one row, and a layout says how an object becomes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import orjson
from pydantic import Field, field_validator

from ftdata.batch import Batch, dumps
from ftdata.errors import InputError, RowError
from ftdata.jsontext import BadJson
from ftdata.readers.layouts.gather import Gathered, Value, values, whole
from ftdata.records import Limits
from ftdata.source import Source
from ftdata.stages import Reader, Sniff

SAMPLE = 500
"""Records that are looked at before a file is read."""
_LEAST = 0.5

Turn = tuple[Any, ...]
"""A message in the order of `ftdata.batch.FIELDS`, cut where the rest is null; JSON as text."""


class Row(NamedTuple):
    """What an object is as a row. `rest` are the keys that became no part of it: they go to `meta`."""

    messages: list[Turn]
    rest: Mapping[str, Any] | None = None
    rejected: list[Turn] | None = None
    answer_at: int | None = None
    tools: str | None = None
    extra: Mapping[str, Any] | None = None
    flags: tuple[str, ...] = ()


class TrainingRows(Reader):
    """Base of readers of training layouts: write `row`, and `knows` for `sniff`.

    `row` raises `RowError` with the reason where an object holds no row of this layout.
    """

    ready: ClassVar[bool] = True
    problems: ClassVar[frozenset[str]] = frozenset(
        {"not-an-object", "not-text", "no-messages", "unknown-role", "bad-tool-call", "bad-tools"}
    )
    evidence: ClassVar[str] = "F"
    """What is known of the layout: `F` real files, `C` the source of what writes it, `D` documents, `K` hearsay."""
    keys: ClassVar[tuple[str, ...]] = ()
    """Keys of the layout: one of them stands in the beginning of a file; a table's columns are known by them."""
    shape: ClassVar[str] = ""
    """What a row has, for the evidence: "10 of 10 rows have `instruction` and `output`"."""
    surely: ClassVar[float] = 0.97
    """The confidence where all rows are known."""

    def reads_meta(self) -> frozenset[str]:
        """A reader reads no meta."""
        return frozenset()

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of an object."""
        raise NotImplementedError

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Say whether an object is a row of this layout."""
        raise NotImplementedError

    def values(self, source: Source) -> Iterator[Value]:
        """Give the records of the source."""
        return values(source, table=False)

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the source."""
        return gathered(self.values(source), self.row)

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know the layout by the keys of the first rows."""
        rows = first(source, cls.keys, table=issubclass(cls, Columns))
        known = sum(cls._knows(row) for row in rows)
        if not known or known < _LEAST * len(rows):
            return None
        confidence = round(0.3 + (cls.surely - 0.3) * known / len(rows), 3)
        return cls.known(source, f"{known} of {len(rows)} rows have {cls.shape}", confidence=confidence)

    @classmethod
    def _knows(cls, value: dict[str, Any]) -> bool:
        try:
            return cls.knows(value)
        except RowError:
            return False

    @classmethod
    def known(
        cls, source: Source, *evidence: str, confidence: float | None = None, fields: Mapping[str, Any] | None = None
    ) -> Sniff:
        """Make the verdict on a source that was recognised: `evidence`, and what its first 500 records hold."""
        stated, found = dict(fields or {}), list(evidence)
        counts: Counter[str] = Counter()
        for batch in cls.model_validate({"path": "-", **stated}).read(source.again(SAMPLE)):
            for role, number in (
                batch["messages"].explode().struct.field("role").drop_nulls().value_counts().iter_rows()
            ):
                counts[role] += number
            for reason, number in batch["drop"].drop_nulls().value_counts().iter_rows():
                counts[reason] += number
        shown = ", ".join(
            f"{count} {what}" for what, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        )
        found.append(f"in the first records: {shown or 'nothing'}")
        if cls.evidence == "K":
            found.append("experimental: written without a real file of this format")
        force = " ".join([f"--from {cls.name}", *(f"--set {key}={value}" for key, value in stated.items())])
        return Sniff(cls.surely if confidence is None else confidence, tuple(found), stated, force, None, counts)


class Columns(TrainingRows):
    """Base of layouts that are tables as well: columns of text, as JSON, CSV or TSV."""

    delimiter: str | None = Field(None, description="character between cells; guessed", min_length=1, max_length=1)
    quotechar: str | None = Field('"', description="character around cells; an empty text turns quoting off")

    @field_validator("quotechar")
    @classmethod
    def _quote(cls, value: str | None) -> str | None:
        if value is not None and len(value) > 1:
            raise ValueError('must be one character, or "" for none')
        return value

    def values(self, source: Source) -> Iterator[Value]:
        """Give the records of the source."""
        return values(source, columns=frozenset(self.keys), delimiter=self.delimiter, quotechar=self.quotechar or None)


def gathered(found: Iterator[Value], row: Callable[[dict[str, Any]], Row]) -> Iterator[Batch]:
    """Give the rows of records, each in its place, the refused ones with their reason."""
    out = Gathered()
    for number, value, problem, note, flags in found:
        if problem is not None:
            out.add(number, (), drop=problem, note=note, flags=flags)
        else:
            try:
                made = row(value)
            except RowError as error:
                out.add(number, (), drop=error.reason, note=error.note, flags=flags)
            else:
                messages, rest, rejected, answer_at, tools, extra, own = made
                out.add(
                    number,
                    messages,
                    rejected,
                    answer_at,
                    tools,
                    json_text(extra) if extra else None,
                    json_text(rest) if rest else None,
                    flags + own if flags or own else (),
                )
        if out.full:
            yield out.batch()
    if len(out):
        yield out.batch()


def json_text(value: Any) -> str:
    """Write JSON; orjson where it can (it takes whole numbers of 64 bits at most)."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return dumps(value)


def first(source: Source, keys: tuple[str, ...], *, table: bool = True) -> list[dict[str, Any]]:
    """Give the first 200 objects of a source in whose beginning one of these keys stands; else none.

    Rows of delimited text are such objects only with `table`.
    """
    if len(source.members()) > 1:
        return []
    opening = source.opening().lstrip()
    if opening[:1] in (b"{", b"["):
        opening = opening.lower()
        if not any(b'"%b"' % key.lower().encode() in opening for key in keys):
            return []
    elif not table:
        return []
    else:
        header = opening.split(b"\n", 1)[0].lower()
        if not any(key.encode() in header for key in keys):
            return []
    try:
        found = [one.value for one in values(source.again(200), columns=frozenset(keys)) if one.problem is None]
    except InputError:
        return []
    return found


# --- texts ------------------------------------------------------------------------------------------------------------


def text_of(value: Any) -> str:
    """Give what a field says: a text as it is, a number or a truth value as JSON writes it, nothing as ""."""
    if value.__class__ is str:
        return str(value)
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return dumps(value)
    raise RowError("not-text")


def joined(*texts: str, by: str = "\n\n") -> str:
    """Join the texts that say something."""
    return by.join(text for text in texts if text.strip())


def pair(question: str, answer: str) -> None:
    """Refuse a row of which one side says nothing."""
    asked, said = bool(question.strip()), bool(answer.strip())
    if not asked or not said:
        raise RowError("no-answer" if asked else "no-question" if said else "empty-text")


def opened(value: Any, reason: str = "bad-json") -> Any:
    """Open a field that holds JSON as text (as in a CSV, or in Parquet); anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        return from_json(value, reason)
    return value


def from_json(text: str, reason: str) -> Any:
    """Parse JSON inside a field by the book, or refuse the row."""
    try:
        return whole(text.encode(), _LIMITS)
    except BadJson:
        raise RowError(reason) from None


_LIMITS = Limits()
