"""The transform `pii`, and its two small sisters for single strings and for counting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from ftdata.batch import Batch
from ftdata.stages import Transform
from ftdata.texts import Texts
from ftdata.transforms.pii.echoes import echoes
from ftdata.transforms.pii.find import Found, find, telling_keys
from ftdata.transforms.pii.plans import REGIONS, unknown_region
from ftdata.transforms.pii.rule import Rule
from ftdata.transforms.pii.rules import TYPES, label, placeholder, rules

_ROUNDS = 8
_LABELS = "|".join(label(type) for type in TYPES)
_PLACEHOLDER = rf"\[(?:{_LABELS})_[0-9]{{1,9}}\]"
_NUMBERED = re.compile(rf"\[({_LABELS})_([0-9]{{1,9}})\]")


class Pii(Transform):
    """Replace personal data and secrets by numbered placeholders, such as [EMAIL_1].

    One value has one number throughout its conversation: in contents, names, parts, tool calls, rejected answers, tool
    definitions, extra keys and meta. What is found is proved by check digits, a fixed shape, a number plan or a word
    beside it: e-mail addresses, user and password in URLs, phone numbers, IP addresses, payment cards, IBANs, US
    social security numbers, CPF, CNPJ, RG and CEP of Brazil, DNI, NIE and NIF of Spain, NIF of Portugal, keys, tokens
    and passwords. A number that others look like (a CPF or CNPJ without its punctuation, bare digits of a phone, RG,
    CEP, NIF) counts only where a word names it, or where it repeats the digits of a phone, card, CPF or CNPJ that the
    conversation proves elsewhere. Where two overlap, the more certain type wins, then the longer. The
    note counts replacements by type.
    """

    name: ClassVar[str] = "pii"
    decides_with: ClassVar[tuple[str, ...]] = ("phonenumbers",)
    scrubs: ClassVar[bool] = True
    """Read by the recipe: a chain that holds such a stage is scrubbed."""

    types: tuple[str, ...] = Field(TYPES, description=f"what to replace: {', '.join(TYPES)}; all by default")
    regions: tuple[str, ...] = Field(
        REGIONS,
        description="country codes (ISO 3166, two letters) whose phone numbers are known in their national form; "
        "of those that a number fits the first counts; numbers with + are known of any country",
    )
    spare: tuple[str, ...] | None = Field(
        None,
        description="meta keys left as they are because a later step reads them; worked out from the recipe",
    )

    @field_validator("types")
    @classmethod
    def _known(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(type.strip().lower().replace("_", "-") for type in types)
        for given, type in zip(types, plain, strict=True):
            if type not in TYPES:
                raise ValueError(f"{given!r} is not a type; use some of {', '.join(TYPES)}")
        if not plain:
            raise ValueError(f"no type is named; use some of {', '.join(TYPES)}, or leave the step out")
        return tuple(type for type in TYPES if type in plain)

    @field_validator("regions")
    @classmethod
    def _regions(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(dict.fromkeys(region.strip().upper() for region in regions))
        for region in plain:
            if problem := unknown_region(region):
                raise ValueError(problem)
        return plain

    def reads_meta(self) -> frozenset[str]:
        """Nothing is decided by meta; its texts are scrubbed where they are kept."""
        return frozenset()

    def apply(self, batch: Batch) -> Batch:
        """Scrub all texts of a batch."""
        texts = _texts(batch, self.spare or ())
        if not len(texts.text):
            return batch
        scrubbed, counts = _scrub(texts.text, texts.row.to_numpy(), rules(self.types, self.regions), _keys(texts))
        if not counts:
            return batch
        notes = np.full(batch.height, None, dtype=object)
        for row, count in counts.items():
            notes[row] = ", ".join(f"{label(type)} {count[type]}" for type in TYPES if type in count)
        note = pl.Series("note", notes.tolist(), pl.String)
        return texts.replace(scrubbed).with_columns(pl.coalesce(note, batch["note"]).alias("note"))


_OF_NAMES: tuple[str, ...] = tuple(type for type in TYPES if type not in ("ip", "cep"))


def scrub(text: str) -> str:
    """Give a string with personal data and secrets replaced by numbered placeholders: file names, logs, messages.

    IP addresses and CEPs stay: four numbers with points are a version as often as not where names are given, and
    neither leads to a person without more. Phones need a `+` or a word beside them: dates and counters fill file names.
    """
    types = rules(_OF_NAMES, ())
    scrubbed, counts = _scrub(pl.Series("text", [text]), np.zeros(1, dtype=np.uint32), types, None)
    return str(scrubbed[0]) if counts else text


def count(batch: Batch, types: Sequence[str] = TYPES, spare: Sequence[str] = ()) -> dict[str, tuple[int, int]]:
    """Count what `Pii` would replace in a batch: type -> (replacements, rows that hold one); only types found."""
    texts = _texts(batch, spare)
    if not len(texts.text):
        return {}
    _, counts = _scrub(texts.text, texts.row.to_numpy(), rules(tuple(types)), _keys(texts))
    found = {type: [count[type] for count in counts.values() if type in count] for type in TYPES}
    return {type: (sum(some), len(some)) for type, some in found.items() if some}


def _texts(batch: Batch, spare: Sequence[str]) -> Texts:
    return Texts(batch, tools=True, extra=True, meta=True, deep=True, spare=spare)


def _keys(texts: Texts) -> list[str | None] | None:
    keys = texts.keys()
    return keys if keys and telling_keys(texts.text) else None


class _Numbers:
    """The numbers given in one conversation: by type and value; those that its source already used are passed over."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], int] = {}
        self._last: dict[str, int] = {}
        self.used: set[tuple[str, int]] = set()

    def values(self) -> Iterable[tuple[str, str]]:
        return self._given.keys()

    def number(self, type: str, value: str) -> int:
        known = self._given.get((type, value))
        if known is not None:
            return known
        number = self._last.get(type, 0) + 1
        while (type, number) in self.used:
            number += 1
        self._given[type, value] = self._last[type] = number
        return number


def _scrub(
    texts: pl.Series, rows: np.ndarray[Any, Any], rules: Sequence[Rule], keys: Sequence[str | None] | None
) -> tuple[pl.Series, dict[int, dict[str, int]]]:
    """Give the texts scrubbed, and the replacements by row and type.

    What was edited is looked at again until nothing more is found: a replacement can part what stood glued together,
    and scrubbing twice must give what scrubbing once gave.
    """
    counts: dict[int, dict[str, int]] = {}
    numbers: dict[int, _Numbers] = {}
    where = np.arange(len(texts), dtype=np.uint32)
    for _ in range(_ROUNDS):
        looked = texts.gather(pl.Series(where)) if len(where) < len(texts) else texts
        under = None if keys is None else [keys[at] for at in where.tolist()]
        found = find(looked, rows[where], rules, under, around=(texts, rows))
        if not found and numbers:
            # Only now are all values known: those that stand bare elsewhere.
            where = np.flatnonzero(np.isin(rows, list(numbers))).astype(np.uint32)
            looked = texts.gather(pl.Series(where))
            found = echoes(looked, rows[where], {row: given.values() for row, given in numbers.items()})
        if not found:
            break
        _note_used(texts, rows, {int(rows[where[at]]) for at in found} - numbers.keys(), numbers)
        edited = []
        for at, hits in found.items():
            row = int(rows[where[at]])
            edited.append(_edit(looked[at], hits, numbers[row], counts.setdefault(row, {})))
        where = where[list(found)]
        index = np.arange(len(texts), dtype=np.uint32)
        index[where] = np.arange(len(texts), len(texts) + len(where), dtype=np.uint32)
        texts = pl.concat([texts, pl.Series(texts.name, edited, pl.String)]).gather(pl.Series(index))
    return texts, counts


def _edit(text: str, hits: list[Found], numbers: _Numbers, counts: dict[str, int]) -> str:
    pieces, at = list[str](), 0
    for hit in hits:
        pieces += text[at : hit.start], placeholder(hit.type, numbers.number(hit.type, hit.value))
        counts[hit.type] = counts.get(hit.type, 0) + 1
        at = hit.end
    pieces.append(text[at:])
    return "".join(pieces)


def _note_used(texts: pl.Series, rows: np.ndarray[Any, Any], fresh: set[int], numbers: dict[int, _Numbers]) -> None:
    """Start the numbering of rows, noting which placeholders their texts already hold."""
    for row in fresh:
        numbers[row] = _Numbers()
    concerned = np.flatnonzero(np.isin(rows, list(fresh)))
    some = texts.gather(pl.Series(concerned, dtype=pl.UInt32)).str.extract_all(_PLACEHOLDER)
    holders = (some.list.len() > 0).to_numpy()
    types = {label(type): type for type in TYPES}
    for at, strings in zip(concerned[holders], some.filter(pl.Series(holders)).to_list(), strict=True):
        for string in strings:
            name, number = _NUMBERED.fullmatch(string).groups()  # type: ignore[union-attr]
            numbers[int(rows[at])].used.add((types[name], int(number)))
