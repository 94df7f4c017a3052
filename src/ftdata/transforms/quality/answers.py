"""Answers that are none: empty, cut off, or what somebody else said already."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import polars as pl

from ftdata.transforms.quality.rule import NOTHING, Found, View, rows_of
from ftdata.transforms.quality.words import courtesies, fold, phrases

# --- empty ------------------------------------------------------------------------------------------------------------

_EMPTY = 40  # bytes of an answer that can be empty
_SIGNS = r"^[\s\p{Cf}]*[-.…?!_*—–~=•·][-.…?!_*—–~=•·\s\p{Cf}]*$"
_BRACKETS = re.compile(r"[\[(<{\"'](.*)[\])>}\"']\.?", re.DOTALL)


def empty(view: View) -> Found:
    """Find answers of punctuation only, and what stands for nothing in a table."""
    some = view.answers.filter(view.answers["size"] <= _EMPTY)
    if not some.height:
        return NOTHING
    # Words that say nothing begin and end with few letters: most short answers are passed over here.
    likely = some["said"].str.contains(rf"{_SIGNS}|(?i)[nutesvkld#\[(<][^\n]*").fill_null(False)
    some = some.filter(likely)
    found = [
        (not any(map(str.isalnum, text)) and _signs().fullmatch(text) is not None) or _nothing(text, view, row)
        for text, row in zip(some["said"].to_list(), some["row"].to_list(), strict=True)
    ]
    return rows_of(some, found)


@cache
def _signs() -> re.Pattern[str]:
    return re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*[-.…?!_*—–~=•·][-.…?!_*—–~=•·\s\u200b-\u200f\u2060\ufeff]*")


@cache
def _words() -> tuple[frozenset[str], frozenset[str], frozenset[str], re.Pattern[str]]:
    table = phrases("empty-answer")
    exact, plain, bracketed = (frozenset(table[key]) for key in ("exact", "any", "bracketed"))
    return exact, plain, bracketed, re.compile("|".join(table["spare"]))


def _nothing(text: str, view: View, row: int) -> bool:
    exact, plain, bracketed, spare = _words()
    bare = text.strip()
    inner = _BRACKETS.fullmatch(bare)
    word = (inner[1] if inner else bare).strip()
    low = word.rstrip(".").lower()
    if not (word in exact or low in plain or word.lower() in plain or (inner and low in bracketed)):
        return False
    others = view.others[row]
    return low not in others and not (word in exact and spare.search(others))


# --- cut off ----------------------------------------------------------------------------------------------------------

_TAIL = 240
_LISTED = 24
_CLIPPED = re.compile(
    r"(?i)[\[(]\s*(?:message clipped|truncated|cut off"
    r"|mensagem (?:cortada|truncada)|mensaje (?:recortado|truncado))\s*[\])]"
)
_FENCE = re.compile(r"(?m)^[ \t]{0,3}(?:>[ \t]?)*(`{3,}|~{3,})([^\n]*)$")
# The words after which no sentence of a language ends. Left out is what may end one (en: of, to, for, with; pt: a, no,
# que, sua; es: a, no, mi) and what is a word of another kind elsewhere.
_OPEN = {
    "en": frozenset("the an and or but because my your our their whose than although whether every".split()),
    "pt": frozenset(
        "os as um uma e ou da das do dos de ao aos na nas pela pelo pelas pelos com em mas porque o".split()
    ),
    "es": frozenset("el los las un una y o del de al la en con su sus pero porque sin".split()),
}
_FREQUENT = {
    "en": frozenset(
        "the to you your is of and for it that this we be are can in on will have not with please i".split()
    ),
    "pt": frozenset(
        "que não nao o a os as de do da em para por com você voce seu sua se é um uma no na e foi está".split()
    ),
    "es": frozenset("que no el la los las de del en para por con usted su sus se es un una y al fue está".split()),
}
_NAMED = frozenset("letra opção opcion opción alternativa item option letter plan plano grade vitamin vitamina".split())
_OPENS_LIST = re.compile(
    r"\b(?:follow|below|these steps|here (?:is|are)|segu|abaixo|siguient|continuaci|estos pasos|estes passos|a seguir)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:(\d{1,2})([.)])|([-*•]))(?:\s+(\S.*))?")
_LAST_CHANCE = (
    r"(?i)(?:[,:]|[^\S\n]\p{Ll}{1,9}|\n[^\S\n]*(?:\d{1,2}[.)]|[-*•])|\([^()\n]*[\p{L}\d])[^\S\n]*$"
    r"|clipped|trunc|cortad|cut off|recort"
)


def cut(view: View) -> Found:
    """Find answers that stop in the middle: in a code block, or, as the last message, in a list or a sentence."""
    frame = view.answers
    fenced = frame["said"].str.contains_any(["```", "~~~"]).fill_null(False)
    tail = frame["said"].str.slice(-_TAIL).str.strip_chars_end()
    open_end = frame["last"] & tail.str.contains(_LAST_CHANCE).fill_null(False)
    some = frame.filter(fenced | open_end)
    if not some.height:
        return NOTHING
    told = [
        _open_fence(text) or (last and _open_end(text))
        for text, last in zip(some["said"].to_list(), some["last"].to_list(), strict=True)
    ]
    return rows_of(some, told)


def _open_fence(text: str) -> bool:
    """Say whether a fenced block is left open (CommonMark 0.31, 4.5: closed by as many of the same sign, alone)."""
    sign, at = "", 0
    for match in _FENCE.finditer(text):
        fence, rest = match.groups()
        if not sign:
            if not (fence[0] == "`" and "`" in rest):
                sign, at = fence, match.end()
        elif fence[0] == sign[0] and len(fence) >= len(sign) and not rest.strip():
            sign = ""
    return bool(sign) and not text[at:].isspace() and at < len(text)  # a fence too many at the end opens nothing


def _open_end(text: str) -> bool:
    text = text.rstrip()
    if text.endswith(("```", "~~~")):
        return False
    lines = text[-4 * _TAIL :].split("\n")
    last, before = lines[-1], next((line for line in reversed(lines[:-1]) if line.strip()), "")
    words = last.split()
    if _CLIPPED.search(last):
        return True
    if text[-1] == ",":
        # A closing formula, a stanza and an enumeration end so, too.
        prose = len(words) >= 8 and last.count(",") * 4 <= len(words) and not before.rstrip().endswith(",")
        return prose and sum(map(str.isalpha, last)) >= 0.7 * len(last)
    if text[-1] == ":":
        return len(words) >= 4 and _OPENS_LIST.search(last) is not None
    item = _ITEM.fullmatch(last)
    if item and item[4] is None:
        earlier = _ITEM.fullmatch(before)
        if earlier is None or earlier[4] is None:
            return False
        return item[3] == earlier[3] if item[3] else earlier[1] is not None and int(item[1]) == int(earlier[1]) + 1
    return _open_word(text, words) or _open_bracket(text, last)


def _open_word(text: str, words: list[str]) -> bool:
    """Say whether the last word is one that a sentence of the text's language goes on after."""
    near = re.findall(r"[^\W\d_]+", text[-_TAIL:])
    if len(words) < 2 or len(near) < 8 or words[-1] != near[-1] or near[-2].lower() in _NAMED:
        return False
    if text[-_LISTED:].count(",") >= 2:
        return False  # a list of words
    word, others = near[-1], [other.lower() for other in near[-16:-1]]
    for language, listed in _OPEN.items():
        if word in listed and len(_FREQUENT[language].intersection(others)) >= 2:
            rivals = (len(_FREQUENT[other].intersection(others)) for other in _OPEN if other != language)
            return len(_FREQUENT[language].intersection(others)) >= max(rivals)
    return False


def _open_bracket(text: str, last: str) -> bool:
    at = last.rfind("(")
    if len(text) < 200 or at < 1 or ")" in last[at:] or not last[at - 1].isspace() or not last[-1].isalnum():
        return False
    inner = last[at + 1 :]
    return inner[:1].isalpha() and len(inner.split()) >= 3


# --- said already -----------------------------------------------------------------------------------------------------

_APART = 12  # bytes by which two texts that say the same may differ: accents, a sign at the end
_START, _SAME = 24, 3  # a cheap look at the beginnings first
_LETTERS = 15  # letters at least: "Hello there!" may be answered with the same


def echo(view: View) -> Found:
    """Find answers that repeat the user's message before them, and nothing else."""
    messages = view.messages
    size, row = messages["size"].fill_null(0).to_numpy().astype(np.int64), messages["row"].to_numpy()
    speaks, asks = ((messages["role"] == role).fill_null(False).to_numpy() for role in ("assistant", "user"))
    near = speaks[1:] & asks[:-1] & (row[1:] == row[:-1]) & (np.abs(size[1:] - size[:-1]) <= _APART)
    at = 1 + np.flatnonzero(near & (size[1:] > _LETTERS))
    return _same(messages[at].with_columns(other=messages["said"].gather(at - 1)))


def as_system(view: View) -> Found:
    """Find answers that are the system message."""
    messages = view.messages
    system = messages.filter(messages["role"].is_in(["system", "developer"]).fill_null(False))
    if not system.height:
        return NOTHING
    first = system.unique("row", keep="first", maintain_order=True).select("row", other="said", other_size="size")
    found = view.answers.join(first, on="row", how="inner", maintain_order="left")
    apart = (found["size"].cast(pl.Int64) - found["other_size"].cast(pl.Int64)).abs()
    return _same(found.filter((apart <= _APART).fill_null(False)))


def _same(frame: pl.DataFrame) -> Found:
    """Give the rows whose `said` says the same as `other`, if it counts and is more than a few letters."""
    some = frame.filter(frame["weight"].fill_null(1) != 0)
    found = []
    for text, other in zip(some["said"].to_list(), some["other"].to_list(), strict=True):
        if fold(text[:_START])[:_SAME] != fold(other[:_START])[:_SAME]:
            found.append(False)
            continue
        words = fold(text)
        # Han, kana and hangul say in a few signs what takes a dozen letters.
        weight = sum(1 if sign < "\u3000" else 2 for sign in words if sign.isalpha())
        found.append(weight >= _LETTERS and words == fold(other) and not courtesies().wholly(words))
    return rows_of(some, found)


# --- capitals ---------------------------------------------------------------------------------------------------------


def shouts(text: str) -> bool:
    """Say whether a text is written in capitals: five words and thirty letters at least, seven tenths of them."""
    bare = re.sub(r"(?s:```.*?(?:```|\Z))|`[^`\n]*`", " ", text)
    letters = sum(map(str.isalpha, bare))
    return (
        letters >= 30 and sum(map(str.isupper, bare)) >= 0.7 * letters and len(re.findall(r"[^\W\d_]{2,}", bare)) >= 5
    )
