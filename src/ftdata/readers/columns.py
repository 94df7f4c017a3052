"""Look at the columns of a table: what they are called, and what their values look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ftdata.readers import words as w
from ftdata.readers.html import is_html
from ftdata.readers.times import instant

_CELLS = 200_000  # cells looked at, over all columns
_FEW = 20  # values at most, for a column of labels
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w{2,}")
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")


@dataclass(frozen=True)
class Column:
    """One column: its place, its name, and what its values look like (shares of the non-empty cells, 0 to 1)."""

    index: int
    name: str
    words: tuple[str, ...]
    filled: int = 0
    cells: int = 0
    distinct: int = 0
    mean_words: float = 0.0
    free: float = 0.0
    times: float = 0.0
    numbers: float = 0.0
    emails: float = 0.0
    yes_no: float = 0.0
    speakers: float = 0.0
    visibilities: float = 0.0
    private: bool = False
    public: bool = False
    both_sides: bool = False
    spaced: float = 0.0
    labels: frozenset[str] = frozenset()
    """The values, folded, where there are few and short ones; empty otherwise."""

    @property
    def prose(self) -> bool:
        """Whether most cells are free text."""
        return self.free >= 0.5 and self.times < 0.5 and self.emails < 0.5

    @property
    def coded(self) -> bool:
        """Whether the values may be ids: neither free text nor dates, addresses, or yes and no."""
        if self.prose or self.emails > 0.5:
            return False
        return self.numbers >= 0.5 or (self.times <= 0.5 and self.yes_no <= 0.9)

    def has(self, *sets: frozenset[str]) -> bool:
        """Whether the name holds a word of each of these sets."""
        return all(not chosen.isdisjoint(self.words) for chosen in sets)


def quoted(name: str) -> str:
    """Give a column's name for a message: quoted, cut at 60 characters, scrubbed (it may be a cell of data)."""
    from ftdata.transforms.pii import scrub

    name = scrub(name)
    return f'"{name if len(name) <= 60 else name[:57] + "..."}"'


def names(header: Sequence[str]) -> tuple[str, ...]:
    """Give each column a name of its own: `Labels, Labels` -> `Labels, Labels#2`; a nameless one is `#<number>`."""
    seen: dict[str, int] = {}
    taken = set(header)
    result = []
    for number, cell in enumerate(header, 1):
        name = cell.strip() or f"#{number}"
        seen[name] = seen.get(name, 0) + 1
        unique = name
        while seen[name] > 1 and (unique := f"{name}#{seen[name]}") in taken:
            seen[name] += 1
        taken.add(unique)
        result.append(unique)
    return tuple(result)


def find(reference: str, named: Sequence[str]) -> int | None:
    """Find a column by its name, by `#<number>` (from 1), or by its name in other case, accents or punctuation."""
    if reference in named:
        return named.index(reference)
    if re.fullmatch(r"#\d{1,6}", reference) and 1 <= int(reference[1:]) <= len(named):
        return int(reference[1:]) - 1
    for form in (lambda text: text.strip().lower(), w.words):
        alike = [i for i, name in enumerate(named) if form(name) == form(reference)]
        if len(alike) == 1:
            return alike[0]
    return None


def study(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Column]:
    """Look at the names and at the values of all columns."""
    named = names(header)
    rows = rows[: max(20, min(500, _CELLS // max(1, len(named))))]
    return [_column(i, name, [row[i] for row in rows if i < len(row)]) for i, name in enumerate(named)]


def _column(index: int, name: str, cells: list[str]) -> Column:
    filled = [
        cell.strip()[:2000] for cell in cells if cell.strip() and cell.strip() not in ("-", "NULL", "null", "nan")
    ]
    title = w.words(re.sub(r"#\d+$", "", name))
    if not filled:
        return Column(index, name, title, cells=len(cells))
    n = len(filled)

    def share(hits: Sequence[object]) -> float:
        return sum(map(bool, hits)) / n

    spoken = [w.speaker(cell) if len(cell) < 40 else None for cell in filled]
    seen = [w.visible(cell) if len(cell) < 40 else None for cell in filled]
    times = [len(cell) <= 64 and instant(cell) is not None for cell in filled]
    numbers = [_NUMBER.fullmatch(cell) for cell in filled]
    counts = [len(cell.split()) for cell in filled]
    free = [
        count >= 4
        or (count >= 2 and cell[-1] in ".!?…")
        or "\n" in cell
        or (len(cell) > 60 and count > 1)
        or is_html(cell)
        for cell, count in zip(filled, counts, strict=True)
    ]
    return Column(
        index,
        name,
        title,
        filled=n,
        cells=len(cells),
        distinct=len(set(filled)),
        mean_words=sum(counts) / n,
        free=share([f and not t for f, t in zip(free, times, strict=True)]),
        times=share(times),
        numbers=share(numbers),
        emails=share([_EMAIL.fullmatch(cell) for cell in filled]),
        yes_no=share([w.truth(cell) is not None for cell in filled]),
        speakers=share(spoken),
        visibilities=share([value is not None for value in seen]),
        public=True in seen,
        private=False in seen or "private" in spoken,
        both_sides={"user", "assistant"} <= set(spoken),
        spaced=share([count > 1 for count in counts]),
        labels=_labels(filled),
    )


def _labels(filled: Sequence[str]) -> frozenset[str]:
    values = set(filled)
    short = len(values) <= _FEW and all(len(value) < 40 for value in values)
    return frozenset(" ".join(w.words(value)) for value in values) if short else frozenset()


def looks_like_data(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the first row is data rather than names: dates, numbers, addresses or sentences stand in it."""
    cells = [cell.strip() for cell in header]
    filled = [cell for cell in cells if cell]
    if not filled or not rows:
        return False
    odd = 0
    for cell in filled:
        digits = bool(_NUMBER.fullmatch(cell)) or (len(cell) <= 64 and instant(cell) is not None)
        sentence = len(cell) > 80 or "\n\n" in cell or (len(cell.split()) >= 4 and cell[-1] in ".!?")
        odd += digits or sentence or bool(_EMAIL.fullmatch(cell))
    known = sum(not _KNOWN.isdisjoint(w.words(cell)) and len(w.words(cell)) <= 6 for cell in filled)
    return odd > 0 and odd >= known


_KNOWN = w.CASE | w.ID | w.TEXT | w.ASK | w.REPLY | w.ROLE | w.VISIBILITY | w.TIME | w.SUBJECT | w.NOT_TEXT | w.PERSON
