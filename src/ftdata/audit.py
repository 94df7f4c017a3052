"""The audit: how many rows of a run's output still hold personal data, by a look at a random sample of them.

Sampling without replacement, exact at every size. If `K` of `N` rows hold something and `n` are looked at, the number
found is hypergeometric. The sample is the smallest `n` for which to find nothing has a chance of 5 % at most when more
than the claimed share is bad; for large `N` that is ceil(ln 0.05 / ln(1 - share)), the "rule of three" (Hanley and
Lippman-Hand, JAMA 1983). The bound after a look is the largest share that the finding does not refute at 95 %
(one-sided): Buonaccorsi's exact limit for finite populations (The American Statistician 1987), which for large `N` is
that of Clopper and Pearson (Biometrika 1934).

Rows are drawn in a fixed order that grows: whoever stops early, or wants a smaller share later, goes on from there, and
what was looked at is a random sample at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from math import exp, floor, lgamma
from pathlib import Path
from typing import Any

from ftdata import files, runs
from ftdata.errors import RunError
from ftdata.files import Record
from ftdata.manifest import OutputPart

CONFIDENCE = 0.95


def size(population: int, at_most: float, confidence: float = CONFIDENCE) -> int:
    """Give how many rows to look at so that, if none is bad, at most this share of all is (with this confidence)."""
    bad = floor(at_most * population + 1e-9) + 1
    if bad > population:
        return 0
    low, high = 1, population - bad + 1
    while low < high:
        middle = (low + high) // 2
        if _at_most(0, population, bad, middle) <= 1 - confidence:
            high = middle
        else:
            low = middle + 1
    return low


def bound(population: int, looked: int, marked: int, confidence: float = CONFIDENCE) -> float:
    """Give the share of bad rows that cannot be excluded when so many of those looked at were marked."""
    low, high = marked, population - (looked - marked)
    while low < high:
        middle = (low + high + 1) // 2
        if _at_most(marked, population, middle, looked) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low / population if population else 0.0


def _at_most(found: int, population: int, bad: int, looked: int) -> float:
    """Give the chance to find at most so many bad rows (hypergeometric)."""

    def ways(of: int, some: int) -> float:
        return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)

    whole = ways(population, looked)
    least = max(0, looked - (population - bad))
    return sum(
        exp(ways(bad, k) + ways(population - bad, looked - k) - whole)
        for k in range(least, min(found, bad, looked) + 1)
    )


def draw(population: int, count: int, seed: int) -> list[int]:
    """Draw rows (from 0) in the order of the seed, without repeats; more are the same ones and others behind them."""
    order: dict[int, None] = {}
    number = 0
    while len(order) < min(count, population):
        digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=16, person=b"ftdata-audit").digest()
        order[int.from_bytes(digest, "big") % population] = None
        number += 1
    return list(order)


@dataclass(frozen=True)
class Place:
    """A row of an output: its number in the audit, the file as the record names it, the line in it (from 1)."""

    number: int
    file: str
    line: int


@dataclass
class Audit:
    """An audit of the outputs of a run: what is to be looked at, and what was said of it, by row number only."""

    record: Record
    outputs: list[OutputPart]
    at_most: float
    seed: int
    manifest: str
    ok: set[int] = field(default_factory=set)
    marked: set[int] = field(default_factory=set)

    @property
    def population(self) -> int:
        """How many rows there are."""
        return sum(out.lines for out in self.outputs)

    @property
    def looked(self) -> int:
        """How many rows were looked at."""
        return len(self.ok) + len(self.marked)

    def sample(self) -> list[Place]:
        """Give the rows to look at, in the order in which they were drawn."""
        numbers = draw(self.population, size(self.population, self.at_most), self.seed)
        return [self.place(number) for number in numbers]

    def place(self, number: int) -> Place:
        """Say where a row stands."""
        left = number
        for out in self.outputs:
            if left < out.lines:
                return Place(number, out.path, left + 1)
            left -= out.lines
        raise IndexError(number)

    def open_places(self) -> list[Place]:
        """Give the rows of the sample that nobody has judged."""
        return [place for place in self.sample() if place.number not in self.ok | self.marked]

    def bound(self) -> float:
        """Give the share of rows that may still hold personal data, at 95 %; 1 before anything was looked at."""
        return bound(self.population, self.looked, len(self.marked)) if self.looked else 1.0

    def answer(self, place: Place, marked: bool | None) -> None:
        """Note what somebody said of a row, and keep it on disk; None takes it back."""
        self.ok.discard(place.number)
        self.marked.discard(place.number)
        if marked is not None:
            (self.marked if marked else self.ok).add(place.number)
        self.save()

    def save(self) -> None:
        """Write the answers into the record; raise `RunError` if the run was repeated meanwhile."""
        if files.sha256(self.record.manifest) != self.manifest:
            raise RunError(f"{self.record.folder}: the run was repeated meanwhile; start the audit again")
        files.save(path_of(self.record), json.dumps(self.told(), indent=1) + "\n")

    def told(self) -> dict[str, Any]:
        """Give the audit as the record keeps it: no text of any row."""
        return {
            "ftdata": version("ftdata"),
            "seed": self.seed,
            "confidence": CONFIDENCE,
            "at_most": self.at_most,
            "population": self.population,
            "sample": size(self.population, self.at_most),
            "looked": self.looked,
            "bound": self.bound(),
            "outputs": [{"path": out.path, "lines": out.lines, "sha256": out.sha256} for out in self.outputs],
            "ok": sorted(self.ok),
            "marked": sorted(self.marked),
        }

    def sentence(self) -> str:
        """Say what was found, in one line."""
        share = self.bound() * 100
        told = f"{self.looked:,} rows looked at, {len(self.marked):,} marked: "
        if not self.looked:
            return f"{told}nothing can be said of {self.population:,} rows"
        return f"{told}at most {_rounded_up(share)} % of {self.population:,} rows hold personal data (95 %)"

    def proved(self) -> bool:
        """Say whether the claim holds."""
        return self.looked > 0 and self.bound() <= self.at_most + 1e-12


def _rounded_up(share: float) -> str:
    """Give a share with one digit behind the point, or two below one; never less than it is."""
    places = 1 if share >= 0.95 else 2
    shown = round(share, places)
    if shown < share - 1e-9:
        shown += 10**-places
    return f"{shown:.{places}f}"


def path_of(record: Record) -> Path:
    """Give the file that holds a run's audit."""
    return record.folder / "audit.json"


def begin(record: Record, at_most: float, seed: int = 0) -> Audit:
    """Begin the audit of a run's outputs, or go on with it: answers of the same seed and the same bytes count.

    Several writers hold the same rows: those of the first are looked at. Raises `RunError` if nothing was published, or
    if an output no longer holds the bytes that the run wrote.
    """
    if not record.manifest.exists():
        raise RunError(f"{record.folder}: holds no finished run to look at; run the recipe first")
    manifest = runs.latest(record)
    outputs, rows = list[OutputPart](), 0
    for out in manifest.outputs:
        if out.lines and rows < manifest.written:
            outputs.append(out)
            rows += out.rows
    for out in outputs:
        place = record.absolute(out.path)
        if not place.is_file() or files.sha256(place) != out.sha256:
            raise RunError(f"{place}: does not hold the bytes that the run wrote; see `ftdata verify`, or run it again")
    if not outputs:
        raise RunError(f"{record.folder}: the run wrote no rows that could be looked at")
    audit = Audit(record, outputs, at_most, seed, files.sha256(record.manifest))
    audit.ok, audit.marked = _earlier(audit)
    return audit


def _earlier(audit: Audit) -> tuple[set[int], set[int]]:
    """Give the answers of an earlier look at the same bytes with the same seed."""
    path = path_of(audit.record)
    if not path.exists():
        return set(), set()
    try:
        held = json.loads(path.read_bytes())
        same = held["seed"] == audit.seed and held["outputs"] == audit.told()["outputs"]
        return (set(held["ok"]), set(held["marked"])) if same else (set(), set())
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path}: is no audit that this version reads; remove it and start again") from None


def read(audit: Audit, places: list[Place]) -> Iterator[tuple[Place, str]]:
    """Read rows of the outputs, as the JSON text that stands there (of a table: made of its row), in file order."""
    by_file: dict[str, dict[int, Place]] = {}
    for place in places:
        by_file.setdefault(place.file, {})[place.line] = place
    for out in audit.outputs:
        wanted = by_file.get(out.path, {})
        if not wanted:
            continue
        path = audit.record.absolute(out.path)
        if path.suffix == ".parquet":
            import polars as pl

            frame = pl.scan_parquet(path)
            for line in sorted(wanted):
                yield wanted[line], frame.slice(line - 1, 1).collect().write_ndjson().strip()
            continue
        last = max(wanted)
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                if number in wanted:
                    yield wanted[number], raw.decode(errors="backslashreplace").rstrip("\n")
                if number >= last:
                    break
