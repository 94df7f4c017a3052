"""Read a file of prices: everything wrong with it at once, each fault with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ftdata import tomltext
from ftdata.errors import RecipeError
from ftdata.wording import hint

FACTORS: dict[str, Decimal] = {
    "1M tokens": Decimal(1_000_000),
    "1K tokens": Decimal(1_000),
    "hour": Decimal(1),
    "month": Decimal(1),
    "job": Decimal(1),
    "kWh": Decimal(1),
}
"""Units of a price, and how many single tokens, hours, months, jobs or kilowatt hours one is."""

_TOKENS = ("1M tokens", "1K tokens")
WHAT: dict[str, tuple[str, ...]] = {
    "training": _TOKENS,
    "training-dpo": _TOKENS,
    "input": _TOKENS,
    "cached-input": _TOKENS,
    "output": _TOKENS,
    "base-input": _TOKENS,
    "base-cached-input": _TOKENS,
    "base-output": _TOKENS,
    "hosting": ("hour",),
    "gpu": ("hour",),
    "storage": ("month",),
    "minimum": ("job",),
    "power": ("kWh",),
}
"""What can have a price, and the units it may be given in; `input` and `output` are the tuned model's."""

_DIGITS = 15  # before the point, and behind it: an exponent of millions makes every later sum overflow

EVIDENCE: dict[str, str] = {
    "page": "the vendor's own page or price list",
    "copy": "a copy of the vendor's page, kept by others",
    "example": "a worked example of the vendor, not its price list",
    "second": "another party's page",
    "none": "no page with a number was found; the address is where one should stand",
    "own": "the user's own file",
}
"""How well a price is known."""

_ABOUT = ("vendor", "model", "currency", "unit", "url", "date", "evidence", "note", "source", "above", "up_to")
_SOURCE = ("url", "date", "evidence", "note")


@dataclass(frozen=True)
class Block:
    """The prices of one model in one unit, from one source; an amount that is None is unknown.

    With `up_to` it holds for models of more than `above` and at most so many billions of parameters.
    """

    vendor: str
    model: str
    currency: str
    unit: str
    url: str
    date: date
    evidence: str
    note: str
    above: Decimal
    up_to: Decimal | None
    amounts: Mapping[str, Decimal | None]


def read(text: str, place: str, today: date) -> list[Block]:
    """Read the blocks of a file of prices; `place` names it in errors, no price can have been read after `today`.

    Raises:
        RecipeError: every fault at once, as `my.toml:12: price openai gpt-4o-mini: training: '-3' is below 0; …`.
    """
    try:
        raw = tomltext.loads(text, parse_float=Decimal)
    except tomltext.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = f":{found[1]}" if found else ""
        raise RecipeError(f"{place}{line}: is no TOML: {error}; mend this line") from None
    file = _File(place, text.splitlines(), today)
    for key in raw.keys() - {"price", "source"}:
        file.fault(
            file.line(re.escape(key)), "", f"'{key}' is not known; a file of prices holds [source.NAME] and [[price]]"
        )
    sources = _sources(raw.get("source", {}), file)
    entries = raw.get("price", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        file.fault(None, "price", "must be a list of tables; begin each with a line [[price]]")
        entries = []
    blocks = list(_blocks(entries, sources, file))
    if file.faults:
        raise RecipeError(*file.told())
    return blocks


class _File:
    """A file that is being read: where its tables begin, and what is wrong with it."""

    def __init__(self, place: str, lines: list[str], today: date) -> None:
        self.place, self.lines, self.today = place, lines, today
        self.faults: list[tuple[int, str]] = []
        self.starts = [at for at, line in enumerate(lines) if re.match(r"\s*\[\[\s*price\s*\]\]", line)]

    def fault(self, line: int | None, where: str, why: str) -> None:
        """Note a fault; `line` counts from 0."""
        at = "" if line is None else f":{line + 1}"
        self.faults.append(
            (len(self.lines) if line is None else line, f"{self.place}{at}: {where}{': ' * bool(where)}{why}")
        )

    def line(self, key: str, start: int | None = 0) -> int | None:
        """Find the line of a key in the table that begins at a line, or that line itself, or None."""
        if start is None:
            return None
        for at in range(start, len(self.lines)):
            if at > start and re.match(r"\s*\[", self.lines[at]):
                break
            if re.match(rf"""\s*\[*\s*["']?{key}["']?\s*[=\].]""", self.lines[at]):
                return at
        return start

    def told(self) -> list[str]:
        """Give the faults in the order of their lines."""
        return [text for _, text in sorted(self.faults, key=lambda fault: fault[0])]


def _sources(raw: Any, file: _File) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if not isinstance(raw, dict):
        file.fault(None, "source", "must be tables; begin each with a line [source.NAME]")
        return found
    for name, given in raw.items():
        start = next(
            (
                at
                for at, line in enumerate(file.lines)
                if re.match(rf"\s*\[\s*source\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*\]", line)
            ),
            None,
        )
        where = f"source {name}"
        if not isinstance(given, dict):
            file.fault(start, where, "must be a table with url, date and evidence")
            continue
        found[name] = given
        for key in given.keys() - set(_SOURCE):
            file.fault(file.line(re.escape(key), start), where, f"'{key}' is not known{_meant(key, _SOURCE)}")
        _provenance(given, where, start, file)
    return found


def _provenance(given: Mapping[str, Any], where: str, start: int | None, file: _File) -> None:
    """Check where a price stands written, and since when that is known."""
    for key in ("url", "note"):
        if not isinstance(given.get(key, "" if key == "note" else None), str) or (key == "url" and not given["url"]):
            what = (
                "say where it stands written: an address, or the name of a contract" if key == "url" else "must be text"
            )
            file.fault(
                file.line(key, start), where, f"{key}: {'is missing' if key not in given else 'is no text'}; {what}"
            )
    day = given.get("date")
    if not isinstance(day, date) or isinstance(day, datetime):
        missing = "is missing" if day is None else f"'{day}' is no day"
        file.fault(file.line("date", start), where, f"date: {missing}; write the day it was read as 2026-11-22")
    elif day > file.today:
        file.fault(file.line("date", start), where, f"date: {day} lies in the future; write the day it was read")
    if str(given.get("evidence", "own")) not in EVIDENCE:
        file.fault(
            file.line("evidence", start),
            where,
            f"evidence: '{given['evidence']}' is not known; one of {', '.join(EVIDENCE)}",
        )


def _blocks(entries: list[dict[str, Any]], sources: dict[str, dict[str, Any]], file: _File) -> Iterator[Block]:
    seen: dict[tuple[str, str, str], int] = {}
    placed = len(file.starts) == len(entries)
    for number, entry in enumerate(entries):
        start = file.starts[number] if placed else None
        names = [str(entry[key]) for key in ("vendor", "model") if key in entry]
        where = " ".join(["price", *names] if names else ["price", str(number + 1)])
        before = len(file.faults)
        given = _resolved(entry, sources, where, start, file)
        amounts = {
            key: _amount(key, value, given, where, start, file) for key, value in entry.items() if key not in _ABOUT
        }
        if not amounts:
            file.fault(start, where, f"has no value; name one of {', '.join(WHAT)}")
        for what in amounts:
            key = (str(entry.get("vendor")).lower(), str(entry.get("model")).lower(), what)
            if key in seen:
                file.fault(
                    file.line(what, start), where, f"{what}: is priced twice; the first is price {seen[key] + 1}"
                )
            seen.setdefault(key, number)
        if len(file.faults) == before:
            up_to = given.get("up_to")
            yield Block(
                vendor=given["vendor"].lower(),
                model=given["model"].lower(),
                currency=given["currency"],
                unit=given["unit"],
                url=given["url"],
                date=given["date"],
                evidence=given.get("evidence", "own"),
                note=given.get("note", ""),
                above=Decimal(given.get("above", 0)),
                up_to=None if up_to is None else Decimal(up_to),
                amounts=amounts,
            )


def _resolved(
    entry: dict[str, Any], sources: dict[str, dict[str, Any]], where: str, start: int | None, file: _File
) -> dict[str, Any]:
    """Give what an entry says of its values, with what its source says; note what is missing or of a wrong kind."""
    given = {key: value for key, value in entry.items() if key in _ABOUT}
    for key in ("vendor", "model"):
        if not isinstance(given.get(key), str) or not given[key]:
            file.fault(file.line(key, start), where, f"{key}: is missing; name it, as the vendor writes it")
    if not re.fullmatch("[A-Z]{3}", str(given.get("currency"))):
        told = f"'{given['currency']}' is no currency" if "currency" in given else "is missing"
        file.fault(file.line("currency", start), where, f"currency: {told}; write three capital letters, such as EUR")
    if str(given.get("unit")) not in FACTORS:
        told = f"'{given['unit']}' is not known" if "unit" in given else "is missing"
        file.fault(file.line("unit", start), where, f"unit: {told}; one of {', '.join(FACTORS)}")
    for key in ("above", "up_to"):
        if key in given and not _billions(given[key]):
            file.fault(file.line(key, start), where, f"{key}: '{given[key]}' is no number of billions of parameters")
    source = given.pop("source", None)
    if source is not None and str(source) not in sources:
        file.fault(
            file.line("source", start), where, f"source: there is no [source.{source}]{_meant(str(source), sources)}"
        )
    elif source is not None:
        given = {**sources[str(source)], **given}
    else:
        _provenance(given, where, start, file)
    return given


def _amount(
    what: str, value: Any, given: Mapping[str, Any], where: str, start: int | None, file: _File
) -> Decimal | None:
    line = file.line(re.escape(what), start)
    if what not in WHAT:
        file.fault(line, where, f"'{what}' is not known{_meant(what, (*WHAT, *_ABOUT))}")
    elif str(given.get("unit")) in FACTORS and given["unit"] not in WHAT[what]:
        file.fault(line, where, f"{what}: is not priced per {given['unit']}; its unit is {' or '.join(WHAT[what])}")
    if value == "unknown":
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        file.fault(line, where, f"{what}: '{value}' is no number; write the amount, or \"unknown\"")
    elif value < 0:
        file.fault(line, where, f"{what}: '{value}' is below 0; write the amount, or \"unknown\"")
    elif value and not -_DIGITS <= Decimal(value).adjusted() < _DIGITS:
        file.fault(
            line, where, f'{what}: has more than 15 digits before or behind the point; write the amount, or "unknown"'
        )
    else:
        return Decimal(value)
    return None


def _billions(value: Any) -> bool:
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return number and Decimal(value).is_finite() and 0 <= value < 10**_DIGITS


def _meant(word: str, known: Any) -> str:
    return hint(word, known, f" (there are: {', '.join(known) or 'none'})")
