"""The shingle rule of near-duplicate removal: what a row says, its words, and the runs of words that are compared.

Every engine must give exactly these shingles:

1. **What counts**: what user and assistant say, turn by turn, a line break between; never system, developer or tool
   messages (one long system prompt makes strangers alike: 600 shared words, J = 0.83). Of a tool call its name and
   arguments; of a picture or sound one word that stands for its bytes.
2. **Level**: characters that are not seen (joiners, marks of direction, soft hyphens, variation selectors) are left
   out, then NFKC, case folding, NFKC.
3. **Words**: a letter, digit or underscore (Python's `\\w`) begins a word, which goes on over these and over combining
   marks, so that vowel signs and accents stay with their letters. All else separates. In scripts that leave no space
   between words each letter is a word, with the marks that follow it.
4. **Shingles**: the set of all runs of n words, one space between. A text of n words or fewer is one shingle. A text of
   signs alone (`???`, an emoji) is one shingle, of its signs; a text without even these has none.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import xxhash

from ftdata.batch import Batch, dumps, flat, lengths, nest

_ASCII = re.compile(r"\w+", re.ASCII)
_WESTERN = re.compile(r"\w+")

# Unicode's property Default_Ignorable_Code_Point, beside the category Cf (DerivedCoreProperties.txt).
_UNSEEN = [(0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065), (0x3164, 0x3164)]
_UNSEEN += [(0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)]

# Blocks of the scripts written without spaces: Han, kana, Bopomofo and Yi (UAX #14, line breaking class ID), those that
# need a dictionary to find words (class SA), and Javanese and Balinese (AK, AS). Their digits form words as elsewhere.
_UNSPACED = [(0x0E01, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF)]
_UNSPACED += [(0x1B00, 0x1B7F), (0x3005, 0x3007), (0x3021, 0x312F), (0x31A0, 0x31FF), (0x3400, 0x4DBF)]
_UNSPACED += [(0x4E00, 0xA4CF), (0xA980, 0xA9FF), (0xAA60, 0xAADF), (0xF900, 0xFAFF), (0x11700, 0x1174F)]
_UNSPACED += [(0x16FE0, 0x18DFF), (0x1AFF0, 0x1B2FF)]
_FAR_HAN = (0x20000, 0x3FFFF)
SCANNED = 0x20000
"""Beyond stand Han characters only, and characters that are not seen."""


def spoken(batch: Batch, roles: tuple[str, ...], rejected: bool = False) -> pl.Series:
    """Give what `roles` say in each row as one text, empty if nothing; with `rejected` also in the rejected answer."""
    columns = ["messages", "rejected"] if rejected and batch["rejected"].null_count() < batch.height else ["messages"]
    texts = []
    for column in columns:
        messages = flat(batch, column)
        mine = _of(messages["role"], roles)
        said = _said(messages, mine)
        offsets = np.concatenate(([0], np.cumsum(lengths(batch, column).to_numpy(), dtype=np.int64)))
        keep = mine & said.is_not_null() if said.null_count() else mine
        if not keep.all():
            said = said.filter(keep)
            offsets = np.concatenate(([0], np.cumsum(keep.to_numpy(), dtype=np.int64)))[offsets]
        if not len(said):  # polars hands a slice of nothing over without its buffers, which pyarrow refuses
            said = pl.Series("said", [], pl.String)
        texts.append(nest(said, offsets).list.join("\n"))
    told = texts[0] if len(texts) == 1 else pl.select(pl.concat_str(texts, separator="\n")).to_series()
    return told.rename("spoken")


def _of(role: pl.Series, roles: tuple[str, ...]) -> pl.Series:
    # Rows are read again in small numbers: operators of polars cost 6 microseconds, its methods up to 60.
    mine = role == roles[0]
    for other in roles[1:]:
        mine |= role == other
    return mine.fill_null(False) if mine.null_count() else mine


def _said(messages: pl.DataFrame, mine: pl.Series) -> pl.Series:
    fields = ("parts", "tool_calls", "extra")
    if all(messages[field].null_count() == messages.height for field in fields):
        return messages["content"]
    coded = mine & pl.select(pl.any_horizontal([messages[field].is_not_null() for field in fields])).to_series()
    if not coded.any():
        return messages["content"]
    at = coded.arg_true()
    found = ["\n".join(_coded(*row)) for row in messages.select("content", *fields).gather(at).iter_rows()]
    return messages["content"].scatter(at, pl.Series(found, dtype=pl.String))


def _coded(content: str | None, parts: str | None, calls: str | None, extra: str | None) -> Iterator[str]:
    """Give the texts of a message that has parts of JSON."""
    yield content or ""
    for part in _listed(json.loads(parts or "[]")):
        said = [part] if isinstance(part, str) else _values(part, "text", "refusal")
        yield said[0] if said else xxhash.xxh3_64_hexdigest(json.dumps(part, sort_keys=True).encode())
    made = [call for call in _listed(json.loads(calls or "[]")) if isinstance(call, dict)]
    called = [function for call in made for function in _values(call, "function", "custom", kind=dict)]
    for function in called + _values(json.loads(extra or "{}"), "function_call", kind=dict):
        yield from _values(function, "name")
        given = function.get("arguments", function.get("input"))
        yield given if isinstance(given, str) else dumps(given or "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _values(holder: Any, *keys: str, kind: type = str) -> list[Any]:
    return [holder[key] for key in keys if isinstance(holder.get(key), kind)] if isinstance(holder, dict) else []


def level(text: str) -> str:
    """Level a text: nothing unseen, NFKC, case folded."""
    if text.isascii():
        return text.lower()  # without the patterns, whose making takes 0.1 s
    return _folded(_patterns()[0].sub("", text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def words(text: str) -> list[str]:
    """Give the words of a text in order."""
    if text.isascii():
        return _ASCII.findall(text.lower())
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return _patterns()[1].findall(level(text))
    # Western European texts hold no combining mark and nothing unseen but the soft hyphen: three times as fast.
    return _WESTERN.findall(_folded(text.replace("\xad", "")))


def shingles(text: str, ngram: int) -> set[str]:
    """Give the set of shingles of a text; none if nothing is in it."""
    return set(_runs(text, ngram))


def hashes(text: str, ngram: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Give the shingles of a text as their XXH3 hashes of 64 bits, each once, in ascending order."""
    digest = xxhash.xxh3_64_intdigest
    return np.unique(np.fromiter(map(digest, map(str.encode, _runs(text, ngram))), dtype=np.uint64))


def _runs(text: str, ngram: int) -> Iterable[str]:
    found = words(text)
    if len(found) > ngram:
        return map(" ".join, zip(*(found[at:] for at in range(ngram)), strict=False))
    whole = " ".join(found) or "".join(level(text).split())
    return [whole] if whole else []


def jaccard(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Give the Jaccard similarity |A ∩ B| / |A ∪ B| of two sets of hashes (sorted, each once); 0 if both are empty."""
    both = np.concatenate((one, other))
    both.sort(kind="stable")  # merges the two runs: twice as fast as np.intersect1d
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared or 1)


@cache
def kinds() -> str:
    """Tell for each code point below `SCANNED` whether it is a letter of a word (`w`), a word by itself (`1`), a mark
    (`m`) or a separator (space)."""
    told = []
    for code in range(SCANNED):
        kind = unicodedata.category(chr(code))
        if kind in ("Mn", "Mc", "Me"):
            told.append("m")
        else:
            told.append("w" if chr(code).isalnum() or code == ord("_") else " ")
    for lo, hi in _UNSPACED:
        for code in range(lo, hi + 1):
            if unicodedata.category(chr(code)) in ("Lo", "Lm", "Nl"):
                told[code] = "1"
    return "".join(told)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compile the patterns for what is not seen, and for a word."""
    of = {kind: {code for code, told in enumerate(kinds()) if told == kind} for kind in "1mw"}
    unseen = {code for code in range(SCANNED) if unicodedata.category(chr(code)) == "Cf"}
    alone = _ranges(of["1"]) + _range(*_FAR_HAN)
    word = f"[{alone}][{_ranges(of['m'])}]*|[{_ranges(of['w'])}][{_ranges(of['w'] | of['m'])}]*"
    return re.compile(f"[{_ranges(unseen)}{''.join(_range(*pair) for pair in _UNSEEN)}]+"), re.compile(word)


def _ranges(codes: set[int]) -> str:
    """Write a set of code points as the inside of a character class."""
    told, ordered = [], sorted(codes)
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at] != ordered[at - 1] + 1:
            told.append(_range(ordered[start], ordered[at - 1]))
            start = at
    return "".join(told)


def _range(lo: int, hi: int) -> str:
    return f"\\U{lo:08x}-\\U{hi:08x}"
