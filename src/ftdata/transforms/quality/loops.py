"""Answers that loop: a unit said over and over, back to back, or lines that come again and again."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

# Words; scripts written without blanks give a word for each character.
_WORD = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
    "|[^\\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
)
_CODE = re.compile(r"(?s:```.*?(?:```|\Z))|`[^`\n]*`|https?://\S+")
_LETTERS = re.compile(r"([^\W\d_]{1,4}?)\1{23,}")
_SHARE = 0.3
_COPIES = 4
_WORDS = 12
_PIECE = 16
_LINES = 6


def suspects(texts: pl.Series) -> pl.Series:
    """Say which texts may loop: two of nine pieces of sixteen characters, spread evenly, come again behind.

    What is said four times back to back and is three tenths of a text covers two of the places at least.
    """
    size = texts.str.len_chars()
    long = np.flatnonzero((size >= 2 * _PIECE).to_numpy())
    some, count = texts.gather(long), size.gather(long)
    hits = np.zeros(len(long), dtype=np.int8)
    frame = pl.DataFrame({"text": some, "size": count.cast(pl.Int64)})
    for place in range(9):
        start = (pl.col("size") * place) // 10
        rest = pl.col("text").str.slice(start)
        again = rest.str.slice(1).str.contains(rest.str.slice(0, _PIECE), literal=True)
        hits += frame.select(again.fill_null(False)).to_series().to_numpy()
    found = np.zeros(len(texts), dtype=bool)
    found[long[hits >= 2]] = True
    return pl.Series(found)


def loops(text: str) -> bool:
    """Say whether a text loops, code and links aside.

    It does where a unit stands four times or more back to back (a unit of one or two words: eight or six times), in
    twelve words at least and three tenths of the text; where one to four letters do so 24 times; or where of six or
    more lines (of three words at least) more than half have stood there before.
    """
    text = _CODE.sub(" ", text)
    total = len(text.strip())
    if not total:
        return False
    if sum(len(match[0]) for match in _LETTERS.finditer(text)) >= _SHARE * total:
        return True
    return _repeats(text) or _lines(text)


def _repeats(text: str) -> bool:
    words = _WORD.findall(text.lower())
    covered = lag = run = 0
    last: dict[str, int] = {}
    for at, word in enumerate(words):
        if lag and words[at - lag] == word:
            run += 1
        else:
            covered += _letters(words, at, lag, run)
            lag = at - last[word] if word in last else 0
            run = 1 if lag else 0
        last[word] = at
    covered += _letters(words, len(words), lag, run)
    return covered > 0 and covered >= _SHARE * sum(map(len, words))


def _letters(words: list[str], end: int, lag: int, run: int) -> int:
    """Count the letters of a run of words each of which equals the one `lag` words before; 0: no loop."""
    if not lag or run + lag < _WORDS:
        return 0
    copies = 8 if lag == 1 else 6 if lag == 2 else _COPIES
    if run < (copies - 1) * lag:
        return 0
    first = end - run - lag
    if not any(word.isalpha() for word in words[first : first + lag]):
        return 0
    return sum(map(len, words[first:end]))


def _lines(text: str) -> bool:
    lines = [
        line for line in (" ".join(_WORD.findall(line.lower())) for line in text.split("\n")) if line.count(" ") > 1
    ]
    return len(lines) >= _LINES and len(lines) - len(set(lines)) > len(lines) / 2
