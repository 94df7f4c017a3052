"""A blind sheet for people: two answers to each question, in an order that the sheet does not tell, and the votes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import xxhash

from ftdata import files
from ftdata.batch import dumps
from ftdata.errors import InputError, OutputError
from ftdata.evaluation.answers import Answers
from ftdata.evaluation.held_out import HeldOut
from ftdata.evaluation.statistics import mcnemar
from ftdata.source import Source

VOTES = ("A", "B", "=")
"""What may stand in the column `better`: one of the two, or both alike. Empty: not looked at."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Votes:
    """What people said: for the one system, for the other, for neither; and the p-value of the sign test."""

    one: str
    other: str
    for_one: int
    for_other: int
    alike: int
    p: float


def write(held: HeldOut, one: Answers, other: Answers, path: Path, seed: int = 0) -> int:
    """Write a sheet (CSV: `row`, `question`, `right`, `A`, `B`, `better`) and its key beside it; give its rows.

    Which of the two is A is decided row by row by a seeded hash, and stands only in the key. Rows that one of the two
    did not answer, or both in the same words, are left out. A cell that a spreadsheet would run as a formula begins
    with an apostrophe.

    Raises `OutputError` if the sheet or its key exists already.
    """
    key = _key(path)
    for file in (path, key):
        if file.exists():
            raise OutputError(f"{file}: exists already; name a new file")
    shown: list[tuple[str, ...]] = []
    first: dict[str, str] = {}
    for question, mine, theirs in zip(held.questions, one.texts, other.texts, strict=True):
        if mine is None or theirs is None or mine == theirs:
            continue
        swapped = xxhash.xxh3_64_intdigest(f"{seed} {question.id}".encode()) & 1
        asked = "\n".join(f"{message.role}: {message.content or ''}" for message in question.messages)
        texts = (theirs, mine) if swapped else (mine, theirs)
        shown.append((str(question.row), *map(_cell, (asked, question.wanted, *texts)), ""))
        first[str(question.row)] = other.system if swapped else one.system
    frame = pl.DataFrame(shown, schema=["row", "question", "right", "A", "B", "better"], orient="row")
    files.save(path, frame.write_csv())
    files.save(key, dumps({"systems": [one.system, other.system], "A": first}) + "\n")
    return len(shown)


def votes(path: Path) -> Votes:
    """Read a sheet that people filled in, with the key beside it.

    Raises `InputError` if sheet or key is missing, or a vote is none.
    """
    key = _key(path)
    try:
        held = json.loads(key.read_bytes())
        (one, other), first = held["systems"], held["A"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{key}: is not the key of this sheet ({type(error).__name__})") from None
    counts: Counter[str] = Counter()
    with Source(path) as source:
        for record in source.objects():
            where, value = source.place(record.number), record.value or {}
            row, vote = str(value.get("row") or ""), str(value.get("better") or "").strip().upper()
            if not vote:
                continue
            if vote not in VOTES or row not in first:
                known = "no row of the key" if row not in first else "A, B, = or empty is wanted in the column better"
                raise InputError(f"{where}: {known}")
            counts["=" if vote == "=" else first[row] if vote == "A" else other if first[row] == one else one] += 1
    return Votes(one, other, counts[one], counts[other], counts["="], mcnemar(counts[one], counts[other]))


def _key(path: Path) -> Path:
    return path.with_name(f"{path.name}.key.json")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
