"""The second scanner: looks for personal data and secrets in bytes that were written, by rules of its own.

It shares no code, no pattern and no table with the `pii` transform, and works another way: on bytes, from an anchor (an
`@`, a run of digits, a long token) outwards, with check digits and the words just before. What one of the two gets
wrong the other does not repeat. A finding has a type, a confidence and a line; never the value.

`high`: proved by check digits, a vendor's prefix, an address's form, or a word that names it. `low`: looks like it, and
other things do too. Placeholders, hash tokens and surrogates of `pii` are passed over, as are names: what a name is
needs the conversation's own columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ftdata.scanner import addresses, blocks, digits, tokens

Confidence = Literal["high", "low"]
MOST = 1000
"""Hits kept with their line; all are counted."""


@dataclass(frozen=True)
class Hit:
    """Something found: on which line (from 1), of which type, how sure."""

    line: int
    type: str
    confidence: Confidence


@dataclass
class Report:
    """What a scan found: counts by type and confidence, and the first hits with their lines."""

    lines: int = 0
    bytes: int = 0
    counts: dict[str, dict[Confidence, int]] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)

    def add(self, line: int, type: str, confidence: Confidence) -> None:
        """Count a hit."""
        by = self.counts.setdefault(type, {"high": 0, "low": 0})
        by[confidence] += 1
        if len(self.hits) < MOST:
            self.hits.append(Hit(line, type, confidence))

    def of(self, confidence: Confidence) -> dict[str, int]:
        """Give the counts of one confidence by type, without zeros."""
        return {type: n for type, by in sorted(self.counts.items()) if (n := by[confidence])}


def scan_file(path: Path) -> Report:
    """Scan a file of lines (JSONL, text), or the texts of a Parquet file, a row as a line.

    Raises `OSError` if it cannot be read. Memory is a few times the longest line, at least 8 MB.
    """
    return _scan(blocks.of_parquet(path) if path.suffix == ".parquet" else blocks.of_file(path))


def scan(texts: Iterable[str]) -> Report:
    """Scan texts; the line of a hit is the number of its text, from 1."""
    return _scan(blocks.of_texts(texts))


def hits(texts: Iterable[str]) -> Iterator[Hit]:
    """Give every hit in texts, in order; the line of a hit is the number of its text, from 1."""
    number = 0
    for raw, lines in blocks.of_texts(texts):
        for at, type, confidence in _hits(blocks.plain(raw)):
            yield Hit(number + at, type, confidence)
        number += lines


def _scan(pieces: Iterator[tuple[bytes, int]]) -> Report:
    report = Report()
    for raw, lines in pieces:
        report.bytes += len(raw)
        for at, type, confidence in _hits(blocks.plain(raw)):
            report.add(report.lines + at, type, confidence)
        report.lines += lines
    return report


def _hits(block: bytes) -> list[tuple[int, str, Confidence]]:
    """Give the hits of a block in order of place: line in it (from 1), type, confidence."""
    spans: list[tuple[int, int, str, Confidence]] = []
    taken: list[tuple[int, int]] = []
    for rule in (tokens.find, addresses.find, digits.find):
        own = sorted(rule(block))
        spans += (span for span in own if not blocks.touches(taken, span[0], span[1]))
        taken = sorted([*taken, *((start, end) for start, end, _, _ in own)])
    found, line, last = list[tuple[int, str, Confidence]](), 1, 0
    for start, _, type, confidence in sorted(spans):
        line += block.count(b"\n", last, start)
        last = start
        found.append((line, type, confidence))
    return found
