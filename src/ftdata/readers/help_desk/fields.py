"""Where a value stands in a record, made into a function once: of JSON objects, and of rows of cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from ftdata.readers.help_desk.dialect import NO, YES, Rule, label
from ftdata.readers.words import FALSE, TRUE, words

Get = Callable[[Any], Any]
_MET = 10_000  # values whose meaning is remembered


def _nothing(record: Any) -> None:
    return None


class Objects:
    """Records that are JSON objects: a path is keys joined by dots, `2` an item, `[]` all items of a list."""

    def get(self, paths: Sequence[str]) -> Get:
        """Make the function that gives the first of these that holds something, else None."""
        return _first([_walker(path) for path in paths])

    def every(self, paths: Sequence[str]) -> list[Get]:
        """Make one function for each of these paths."""
        return [_walker(path) for path in paths]


class Cells:
    """Records that are rows of cells: a path is a column's name; what follows a dot is inside the JSON of its cells."""

    def __init__(self, header: Sequence[str]) -> None:
        self._exact: dict[str, list[int]] = {}
        self._folded: dict[tuple[str, ...], list[int]] = {}
        for index, name in enumerate(header):
            self._exact.setdefault(name.strip(), []).append(index)
            self._folded.setdefault(words(name), []).append(index)

    def columns(self, path: str) -> list[int]:
        """Give the numbers (from 0) of all columns of a name."""
        return self._exact.get(path) or self._folded.get(words(path), [])

    def get(self, paths: Sequence[str]) -> Get:
        """Make the function that gives the first of these that holds something, else None."""
        return _first([get for path in paths for get in self._cells(path)])

    def every(self, paths: Sequence[str]) -> list[Get]:
        """Make one function for each column of these names, one that repeats included."""
        return [get for path in paths for get in self._cells(path)]

    def _cells(self, path: str) -> list[Get]:
        places = self.columns(path)
        if places:
            return [_cell(index) for index in places]
        column, dot, rest = path.partition(".")
        return [_inside(index, _walker(rest)) for index in self.columns(column)] if dot else []


Fields = Objects | Cells


def _first(gets: list[Get]) -> Get:
    if not gets:
        return _nothing
    if len(gets) == 1:
        return gets[0]

    def first(record: Any) -> Any:
        for get in gets:
            value = get(record)
            if value is not None and value != "":
                return value
        return None

    return first


def _walker(path: str) -> Get:
    if path.isidentifier() or ("." not in path and "[" not in path):

        def plain(record: Any) -> Any:
            return record.get(path)

        return plain
    first, dot, rest = path.partition(".")
    if dot and rest.isidentifier() and not first.endswith("]"):

        def pair(record: Any) -> Any:
            inner = record.get(first)
            return inner.get(rest) if inner.__class__ is dict else None

        return pair
    steps: list[str | int] = [
        int(step) if step.isdecimal() else step for step in path.replace("[]", ".[]").strip(".").split(".")
    ]
    return lambda record: _walk(record, steps)


def _walk(value: Any, steps: Sequence[str | int]) -> Any:
    for at, step in enumerate(steps):
        if step == "[]":
            if not isinstance(value, list):
                return None
            rest = steps[at + 1 :]
            return [found for item in value if (found := _walk(item, rest)) is not None]
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(step, int) and isinstance(value, list):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def _cell(index: int) -> Get:
    def cell(record: Any) -> Any:
        return record[index] or None

    return cell


def _inside(index: int, get: Get) -> Get:
    def inside(record: Any) -> Any:
        text = record[index]
        if text[:1] != "{":
            return None
        try:
            return get(orjson.loads(text))
        except ValueError:
            return None

    return inside


# --- values -----------------------------------------------------------------------------------------------------------


class Meanings:
    """What the values of a field mean: exact ones, and patterns with `*` at an end."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._known: dict[str, str | None] = {key: told for key, told in values.items() if "*" not in key}
        self._known.setdefault("", None)
        self._patterns = [(key, told) for key, told in values.items() if "*" in key]
        self._met: dict[str, str | None] = {}

    def of(self, value: Any) -> str | None:
        """Give what a value means; None if nobody knows."""
        if value is None:
            return self._known[""]
        if value.__class__ is not str:
            return self._of(label(value))
        try:
            return self._met[value]
        except KeyError:
            told = self._of(label(value))
            if len(self._met) < _MET:
                self._met[value] = told
            return told

    def _of(self, key: str) -> str | None:
        if key in self._known or not self._patterns:
            return self._known.get(key)
        return next((told for pattern, told in self._patterns if _fits(key, pattern)), None)


def _fits(value: str, pattern: str) -> bool:
    if pattern == "*":
        return bool(value)
    if pattern[0] == "*":
        return value.endswith(pattern[1:]) if pattern[-1] != "*" else pattern[1:-1] in value
    return value.startswith(pattern[:-1])


def among(values: Sequence[str]) -> Callable[[Any], bool]:
    """Make the function that says whether a value, or one in a list, is one of these; objects count as some value."""
    if not values:
        return lambda value: False
    meanings: dict[str, str] = dict.fromkeys(values, "yes")
    for told, opposite in ((YES, FALSE), (NO, TRUE)):
        if meanings.pop(told, None):
            meanings = dict.fromkeys(opposite, "no") | {"*": "yes"} | meanings
    of = Meanings(meanings).of

    def fits(value: Any) -> bool:
        return any(map(fits, value)) if value.__class__ is list else of(value) == "yes"

    return fits


def rules(listed: Sequence[Rule], fields: Fields) -> Callable[[Any], str | None]:
    """Make the function that gives the reason of the first rule which holds, else None."""
    made = [
        ([(fields.get((path,)), among(values)) for path, values in rule.when.items()], rule.reason) for rule in listed
    ]
    # A column that is not there fits nothing.
    made = [(tests, reason) for tests, reason in made if all(get is not _nothing for get, _ in tests)]
    if not made:
        return _nothing
    if all(len(tests) == 1 for tests, _ in made):
        single = [(tests[0][0], tests[0][1], reason) for tests, reason in made]

        def one(record: Any) -> str | None:
            for get, fits, reason in single:
                if fits(get(record)):
                    return reason
            return None

        return one

    def several(record: Any) -> str | None:
        for tests, reason in made:
            if all(fits(get(record)) for get, fits in tests):
                return reason
        return None

    return several
