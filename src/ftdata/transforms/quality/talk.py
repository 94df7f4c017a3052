"""Answers that say nothing of substance: refusals, thanks, notices of a program, pointers to elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from ftdata.transforms.quality.rule import NOTHING, Found, View, among, rows_of
from ftdata.transforms.quality.words import courtesies, fold, matcher, phrases

_COURTESY = 160  # bytes of a message that can be a mere courtesy
_HEAD = 300


def _told(view: View, name: str, check: Callable[[str], bool]) -> Found:
    """Give the rows of the short answers that hold one of a rule's stems and are confirmed."""
    frame, most = view.short, phrases(name)["most"]
    likely = frame["said"].str.contains_any(phrases(name)["stems"], ascii_case_insensitive=True).fill_null(False)
    return among(frame, likely, lambda text: len(text) <= most and check(text))


def _unasked(view: View, name: str, rows: Found) -> Found:
    """Leave out the rows whose other messages ask for such a text."""
    asked = phrases(name)["asked"]
    return np.array(
        [row for row in rows.tolist() if not any(word in view.others[row] for word in asked)], dtype=np.int64
    )


def refusal(view: View) -> Found:
    """Find the canned refusals of language models."""
    name = "refusal"
    frame = view.answers
    head = frame["said"].str.slice(0, _HEAD)
    likely = head.str.contains_any(phrases(name)["stems"], ascii_case_insensitive=True).fill_null(False)
    return among(frame, likely, _refuses)


def refuses_somehow(texts: pl.Series) -> pl.Series:
    """Say which texts refuse in any of the wider wordings; null does not."""
    low = texts.fill_null("").str.to_lowercase()
    likely = low.str.contains_any(phrases("refusal")["wider_stems"])
    found = np.zeros(len(texts), dtype=bool)
    at = likely.arg_true().to_numpy()
    wider = matcher("refusal", "wider")
    for place, text in zip(at.tolist(), texts.gather(at).to_list(), strict=True):
        found[place] = wider.anywhere(fold(text))
    return pl.Series("refuses", found)


def _refuses(text: str) -> bool:
    words = fold(text[:_HEAD])
    if matcher("refusal", "self").anywhere(words):
        return '"' not in text[:_HEAD] and "“" not in text[:_HEAD]
    if len(text) > phrases("refusal")["most"]:
        return False
    end = matcher("refusal", "canned").end(words)
    # More than a few words after it are an answer, or a way that is left open.
    return end is not None and len(words[end:].split()) <= 8 and " but " not in f" {words[end:]} "


def auto_closed(view: View) -> Found:
    """Find notices that a ticket was closed because nobody answered."""
    name = "auto-closed"
    rows = _told(view, name, lambda text: matcher(name, "any").anywhere(fold(text)))
    return _unasked(view, name, rows)


def auto_reply(view: View) -> Found:
    """Find replies of a program: out of office, do not reply, "we have received your request"."""
    name = "auto-reply"

    def check(text: str) -> bool:
        words = fold(text)
        if matcher(name, "start").end(words) is not None:
            return True
        end = matcher(name, "whole").end(words)
        return end is not None and courtesies().rest(words, end)

    return _unasked(view, name, _told(view, name, check))


def deferral(view: View) -> Found:
    """Find answers that only point elsewhere: "see above", "check your DM"."""
    frame = view.short
    most = phrases("deferral")["most"]

    def check(text: str) -> bool:
        words = fold(text)
        end = matcher("deferral", "whole").end(words)
        return end is not None and courtesies().rest(words, end)

    return among(frame, frame["size"] <= most, check)


def only_thanks(view: View) -> Found:
    """Find conversations in which the assistant says nothing but courtesies."""
    answers = view.answers
    if not answers.height:
        return NOTHING
    # Rows all of whose answers are short are few: only their words are looked at.
    long = answers.filter(answers["size"] > _COURTESY)["row"]
    some = answers.filter(~answers["row"].is_in(long.implode()) & (answers["size"] > 0))
    silent = set(
        view.messages.filter(view.messages["role"].is_in(["tool", "function"]).fill_null(False))["row"].to_list()
    )
    found: dict[int, bool] = {}
    known = courtesies()
    for text, row in zip(some["said"].to_list(), some["row"].to_list(), strict=True):
        if found.get(row, True):
            found[row] = row not in silent and known.wholly(fold(text))
    return np.array([row for row, courtesy in found.items() if courtesy and not _asked(view, row)], dtype=np.int64)


def _asked(view: View, row: int) -> bool:
    return courtesies().asked_for(view.others[row])


def thanks_ending(view: View) -> Found:
    """Find conversations that end with the user's thanks and a courtesy, after something was said."""
    messages = view.messages.with_columns(
        turn=pl.int_range(pl.len()).over("row"),
        before=pl.col("said").shift(1),
        role_before=pl.col("role").shift(1),
    )
    ends = messages.filter(
        (
            pl.col("last")
            & (pl.col("role") == "assistant")
            & (pl.col("role_before") == "user")
            & (pl.col("turn") >= 3)
            & (pl.col("size") <= _COURTESY)
            & (pl.col("before").str.len_bytes() <= _COURTESY)
        ).fill_null(False)
    )
    known = courtesies()
    found = []
    for text, before in zip(ends["said"].to_list(), ends["before"].to_list(), strict=True):
        words, thanked = fold(text), fold(before)
        found.append(known.wholly(words) and known.wholly(thanked) and known.thanks(thanked))
    return rows_of(ends, found)
