"""Hand out the records of a recognised file: JSON tickets with the messages inside them, or rows of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ftdata.readers.help_desk.dialect import Entries
from ftdata.readers.help_desk.fields import Cells, Fields, Objects
from ftdata.readers.help_desk.outline import File
from ftdata.source import Record, Source


class Piece(NamedTuple):
    """A record, and the messages inside it that are records too."""

    number: int
    value: Any
    problem: str | None
    parts: list[Record]


def fields_of(file: File) -> Fields:
    """Give what finds the values in a file's records."""
    return Cells(file.header) if file.table else Objects()


def pieces(source: Source, file: File) -> Iterator[Piece]:
    """Give the records of a file, each once."""
    if file.table:
        for record in source.csv_records(member=file.member):
            yield Piece(record.number, record.value, record.problem, [])
        return
    inner = tuple(f"{file.wrap}.{path}" if file.wrap else path for path in file.shape.messages)
    for whole in source.json_parts(*inner, inside=file.inside, member=file.member):
        value, problem = whole.record.value, whole.record.problem
        if problem is None and file.wrap is not None:
            value = value.get(file.wrap)
            if not isinstance(value, dict):
                value, problem = None, "not-an-object"
        yield Piece(whole.record.number, value, problem, whole.parts)


def looked_up(source: Source, file: File) -> Iterator[Any]:
    """Give the records of a file that is only looked up: outside the equation."""
    side = source if file.member is None else source.lookup(file.member)
    if file.member is not None:
        file = File(**{**file.__dict__, "member": None})
    for piece in pieces(side, file):
        if piece.problem is None:
            yield piece.value


def entries(spec: Entries, fields: Fields) -> Callable[[Any], Iterator[dict[str, str]]]:
    """Make the function that gives the messages in the cells of a ticket: time, author, kind and body of each."""
    columns, pattern = [fields.every((path,)) for path in spec.path], re.compile(spec.pattern, re.MULTILINE)

    def cells(record: Any) -> list[str]:
        for gets in columns:
            filled = [cell for get in gets if isinstance(cell := get(record), str) and cell.strip()]
            if filled:
                return filled
        return []

    def found(record: Any) -> Iterator[dict[str, str]]:
        for cell in cells(record):
            heads = list(pattern.finditer(cell))
            if not heads or cell[: heads[0].start()].strip():
                # What stands before the first is nobody's.
                yield {"body": cell[: heads[0].start()] if heads else cell}
            for at, head in enumerate(heads):
                end = heads[at + 1].start() if at + 1 < len(heads) else len(cell)
                yield {
                    **{key: told or "" for key, told in head.groupdict().items()},
                    "body": cell[head.end() : end].strip(),
                }

    return found
