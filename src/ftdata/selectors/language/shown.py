"""What the detectors are shown: what is said, without what is no language. Each text is treated by itself alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, lengths, nest, said

READ = 2_000
"""Characters of a text that are looked at (eldc reads 1,000 bytes); `_MORE` of one that is mostly no language."""
_MORE = 20_000
_POOR = 200

# What is no language. Nothing here swallows a neighbouring word of a script that is written without spaces.
# One after the other: as one pattern they take five times as long.
_NOISE = (
    r"(?s:```.*?(?:```|\z))",  # fenced code
    r"`[^`\n]*`",
    r"(?i:(?:https?|ftp)://|www\.)[!-~]+",
    r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",  # e-mail
    r"@[\p{Latin}\p{Cyrillic}\p{Greek}0-9_.-]+",  # mention
    r"\{\{[^{}\n]{0,80}\}\}|\{[A-Za-z_][^{}\n]{0,60}\}|%\([A-Za-z0-9_]+\)s",  # {{name}}, {name}
    r"\[[A-Z][A-Z0-9]*(?:[_ ][A-Z0-9]+)*\]",  # [EMAIL_1], [ORDER ID]
    r"</?[A-Za-z][^<>\n]{0,200}>|&#?[A-Za-z0-9]{1,10};",  # tags, <name>, &nbsp;
    r"[\p{Latin}0-9_]*[0-9_][\p{Latin}0-9_]*",  # order numbers, versions, identifiers
    r"\p{Cc}",  # eldc stops reading at a NUL
)
# A text without any of these holds nothing of the above (but line breaks, which do not matter).
_SUSPECT = r"[`@{%\[<&0-9_\x00-\x09\x0b-\x1f\x7f\x{80}-\x{9f}]|://|(?i:www\.)"
_LETTER = r"[\p{L}\p{M}]"
# A sign of these scripts says about as much as a short word.
_SIGN = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
_FIFTEEN = r"(?:[A-Za-z][^A-Za-z]*?){15}"


class Turns(NamedTuple):
    """What is said in a batch, a value for each message: the row's place in the batch, the speaker, the words.

    `text` is null where neither user nor assistant speaks, and where nothing is said.
    """

    owner: np.ndarray[tuple[int], np.dtype[np.uint32]]
    offsets: np.ndarray[tuple[int], np.dtype[np.int64]]
    role: pl.Series
    text: pl.Series


def turns(batch: Batch) -> Turns:
    """Give what user and assistant say, as it stands."""
    messages = flat(batch)
    counts = lengths(batch).to_numpy()
    role = messages["role"]
    spoken = pl.select(pl.when(role.is_in(["user", "assistant"])).then(said(messages)).alias("text")).to_series()
    owner = np.repeat(np.arange(batch.height, dtype=np.uint32), counts)
    return Turns(owner, np.concatenate(([0], np.cumsum(counts, dtype=np.int64))), role, spoken)


def joined(given: Turns, role: str, text: pl.Series) -> pl.Series:
    """Give what one speaker says in each row as one text, empty where that is nothing."""
    mine = pl.select(pl.when((given.role == role).fill_null(False)).then(text).alias("text")).to_series()
    return nest(mine, given.offsets).list.drop_nulls().list.join(" ").str.head(READ).fill_null("")


def cleaned(texts: pl.Series) -> pl.Series:
    """Give texts without what is no language, at most `READ` characters of each; null stays null."""
    short = _without_noise(texts.str.head(READ))
    long = np.flatnonzero((texts.str.len_bytes() > READ).fill_null(False).to_numpy())
    if len(long):
        poor = long[(_count(short.gather(long)) < _POOR).to_numpy()]
        if len(poor):
            more = _without_noise(texts.gather(poor).str.head(_MORE)).str.head(READ)
            short = short.scatter(poor, more)
    return short


def _without_noise(texts: pl.Series) -> pl.Series:
    at = np.flatnonzero(texts.str.contains(_SUSPECT).fill_null(False).to_numpy())
    if not len(at):
        return texts
    part = texts.gather(at)
    for noise in _NOISE:
        part = part.str.replace_all(noise, " ")
    return part if len(at) == len(texts) else texts.scatter(at, part)


def letters(texts: pl.Series) -> pl.Series:
    """Count letters, a sign of Chinese, Japanese or Korean as four; from 15 of A to Z on it is not counted further."""
    many = texts.str.contains(_FIFTEEN).fill_null(False)
    counts = pl.select(pl.when(many).then(15).otherwise(0).cast(pl.UInt32).alias("letters")).to_series()
    few = np.flatnonzero(~many.to_numpy())
    return counts.scatter(few, _count(texts.gather(few))) if len(few) else counts


def _count(texts: pl.Series) -> pl.Series:
    return (texts.str.count_matches(_LETTER) + 3 * texts.str.count_matches(_SIGN)).fill_null(0)
