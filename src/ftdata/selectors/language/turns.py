"""The evidence of a batch: the language of each conversation, and of each turn with the conversation behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from ftdata.batch import Batch, nest
from ftdata.selectors.language.codes import NUMBER
from ftdata.selectors.language.detectors import LEAST, SHORT, TIE, Backend, Seen, detect
from ftdata.selectors.language.scripts import scripts
from ftdata.selectors.language.shown import Turns, cleaned, joined, letters, turns
from ftdata.selectors.language.variants import variants

CLEAR = 15
"""Letters from which a sure turn counts against others: below, one turn in 50 is told wrongly, above one in 100."""
SILENT = 255
"""In `turns`: nobody but user and assistant is looked at."""
ROW, ASSISTANT = 0xFFFF, 0xFFFE
"""In `open`: in place of a turn's number, the conversation itself, and all that the assistant says."""
_PT = NUMBER["pt"]
_Array = np.ndarray[Any, Any]


def look(batch: Batch, backend: Backend, by_turn: bool) -> pl.DataFrame:
    """Give each row's `code`, `sure`, `script`, `variant`, `open`; by turn also what `_by_turn` gives.

    Codes are numbers in `CODES`, scripts in `SCRIPTS`, variants in `VARIANTS`; 0 is none. `open` holds what only the
    corpus can settle: for each candidate turn × 65,536 + 32,768 if the text is short + code × 256 + its distance from
    the best (0 to 250). About 30 bytes a row, by turn 50.
    """
    given = turns(batch)
    if by_turn:
        clean = cleaned(given.text)
        asked, answered = joined(given, "user", clean), joined(given, "assistant", clean)
    else:
        asked = joined(given, "user", cleaned(_only(given, "user")))
    words = letters(asked)
    silent = np.flatnonzero((words < LEAST).to_numpy())
    shown = asked
    if len(silent):
        if not by_turn:
            quiet = np.zeros(batch.height, bool)
            quiet[silent] = True
            theirs = _only(given, "assistant").set(pl.Series(~quiet[given.owner], dtype=pl.Boolean), None)
            answered = joined(given, "assistant", cleaned(theirs))
        shown = asked.scatter(silent, answered.gather(silent))
        words = words.scatter(silent, letters(shown.gather(silent)))
    seen = detect(shown.to_list(), words.to_list(), backend)
    brief = (words < SHORT).to_numpy()
    told = _codes(seen)
    wanted = np.flatnonzero([one.code == _PT or any(code == _PT for code, _ in one.near or ()) for one in seen])
    variant = np.zeros(batch.height, np.uint8)
    if len(wanted):
        variant[wanted] = variants(asked, given, wanted)
    open_: list[tuple[int, int]] = []
    for at, one in enumerate(seen):
        if one.near:
            open_ += _open(at, ROW, one, bool(brief[at]))
    columns = [
        batch["row"],
        pl.Series("code", told, pl.UInt8),
        pl.Series("sure", [one.sure for one in seen], pl.Boolean),
        scripts(shown).rename("script"),
        pl.Series("variant", variant, pl.UInt8),
    ]
    if by_turn:
        columns.append(pl.Series("user", ~np.isin(np.arange(batch.height), silent), dtype=pl.Boolean))
        columns += _by_turn(given, clean, answered, seen, backend, open_)
    return pl.DataFrame([*columns, _listed(open_, batch.height)])


def _only(given: Turns, role: str) -> pl.Series:
    return pl.select(pl.when((given.role == role).fill_null(False)).then(given.text).alias("text")).to_series()


def _codes(seen: Sequence[Seen]) -> _Array:
    return np.fromiter((one.code for one in seen), np.uint8, len(seen))


def _open(row: int, turn: int, seen: Seen, short: bool) -> list[tuple[int, int]]:
    head = turn << 16 | short << 15
    return [(row, head | code << 8 | round(min(distance, 1) * 250)) for code, distance in seen.near or ()]


def _listed(entries: list[tuple[int, int]], height: int) -> pl.Series:
    """Give the entries of each row as a list, in the order in which they were made."""
    pairs = np.array(entries, np.int64).reshape(-1, 2)
    order = pairs[:, 0].argsort(kind="stable")
    ends = np.concatenate(([0], np.cumsum(np.bincount(pairs[:, 0], minlength=height))))
    return nest(pl.Series(pairs[order, 1], dtype=pl.UInt32), ends).rename("open")


def _by_turn(
    given: Turns,
    clean: pl.Series,
    answered: pl.Series,
    rows: Sequence[Seen],
    backend: Backend,
    open_: list[tuple[int, int]],
) -> list[pl.Series]:
    """Give `assistant`, `turns`, `mixed`, `other`; what only the corpus can settle is added to `open_`.

    Where a turn is not sure, a language that its speaker, or else the other one, surely speaks decides.
    """
    height = len(rows)
    counts = letters(answered)
    replies = detect(answered.to_list(), counts.to_list(), backend)
    assistant = _codes(replies)
    for at, reply in enumerate(replies):
        if reply.near:
            home = rows[at].code if rows[at].sure else 0
            if any(code == home for code, _ in reply.near):
                assistant[at] = home
            else:
                open_ += _open(at, ASSISTANT, reply, bool(counts[at] < SHORT))
    speaks = np.flatnonzero(clean.is_not_null().to_numpy())
    said, owner = clean.gather(speaks), given.owner[speaks]
    words = letters(said).to_numpy()
    asks = (given.role.gather(speaks) == "user").to_numpy()
    seen = detect(said.to_list(), words.tolist(), backend)
    codes, sure = _codes(seen), np.fromiter((one.sure for one in seen), bool, len(seen))
    if len(seen):
        row_home = np.where([one.sure for one in rows], _codes(rows), 0)
        reply_home = np.where([one.sure for one in replies], assistant, 0)
        own = np.where(asks, row_home[owner], reply_home[owner])
        homes = np.where(own > 0, own, np.where(asks, reply_home[owner], row_home[owner]))
        place = speaks - given.offsets[owner]
        for at in np.flatnonzero(~sure & (codes > 0)).tolist():
            one = seen[at]
            if any(code == homes[at] for code, _ in one.near or ()):
                codes[at] = homes[at]
            elif one.near and place[at] < ASSISTANT:
                open_ += _open(int(owner[at]), int(place[at]), one, bool(words[at] < SHORT))
    every = np.full(len(clean), SILENT, np.uint8)
    every[speaks] = codes
    clear = sure & (words >= CLEAR)
    return [
        pl.Series("assistant", assistant, pl.UInt8),
        nest(pl.Series(every), given.offsets).rename("turns"),
        pl.Series("mixed", _mixed(owner[clear], codes[clear], height), pl.Boolean),
        pl.Series("other", _other(owner[clear], codes[clear], asks[clear], height), pl.Boolean),
    ]


def _mixed(owner: _Array, codes: _Array, height: int) -> _Array:
    """Say which rows have clear turns in two languages."""
    low, high = np.full(height, SILENT, np.uint8), np.zeros(height, np.uint8)
    np.minimum.at(low, owner, codes)
    np.maximum.at(high, owner, codes)
    return high > low  # where there is none, 0 and 255


def _other(owner: _Array, codes: _Array, asks: _Array, height: int) -> _Array:
    """Say which rows have a clear answer in another language than the last clear question before it."""
    found = np.zeros(height, bool)
    asked = np.maximum.accumulate(np.where(asks, np.arange(len(codes)), -1)) if len(codes) else codes.astype(np.int64)
    judged = ~asks & (asked >= 0)
    judged &= owner[asked] == owner
    found[owner[judged & (codes[asked] != codes)]] = True
    return found


def settle(entries: Sequence[int], corpus: set[int], home: int = 0) -> dict[int, int]:
    """Settle what is open in one row: the code of each turn, of the row and of the assistant; 0: it cannot be told.

    Of the languages that are thought of, the best of the corpus's own is taken, else the best; of a turn, the language
    of the conversation comes first. A short text of which two of these are equally likely cannot be told. `home` is the
    language of a row that is not open itself.
    """
    by_turn: dict[int, list[tuple[int, float]]] = {}
    short: dict[int, bool] = {}
    for entry in entries:
        turn = entry >> 16
        by_turn.setdefault(turn, []).append((entry >> 8 & 0x7F, (entry & 0xFF) / 250))
        short[turn] = bool(entry & 0x8000)
    settled: dict[int, int] = {}
    for turn in sorted(by_turn, reverse=True):  # the row first
        near = by_turn[turn]
        if turn != ROW and any(code == home for code, _ in near):
            settled[turn] = home
            continue
        own = [pair for pair in near if pair[0] in corpus] or near
        tied = short[turn] and len(own) > 1 and own[1][1] - own[0][1] <= TIE + 0.004
        settled[turn] = 0 if tied else own[0][0]
        if turn == ROW:
            home = settled[turn]
    return settled
