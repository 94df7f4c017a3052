"""One question, several answers: told at the same time it is a contradiction, once and for all a change.

Rows that ask the same in the same words (numbers, ids, addresses hidden; without case, accents, signs, and greetings
and thanks around it) and are given the same beside it (system text, what tools say) are one question. What is asked in
other words is another one, however near: with other words something else may be meant. Its answers fall into versions:
those that `same` of `similarity.answers` calls the same, or that state the same figures; other figures make another
version. Of figures only those count that two answers to the question state: others (a parcel's number) are a customer's
own.

    no two answers are of one version                      left out: told freely, they cannot be compared
    all one version                                        consistent
    one version up to a day, another one since, and the
    rows lie further apart than a month                    changed once: volatile, no contradiction
    anything else                                          disputed: pairs of unlike answers are contradictions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import polars as pl
import xxhash

from ftdata.advice.signals.signal import Array, Evidence, Signal, Value, share
from ftdata.advice.view import View, answer
from ftdata.similarity.answers import Answers, identity, questions, reading
from ftdata.transforms.quality.words import courtesies, fold

NGRAM = 5
NEAR = 0.8
FEWEST = 3
"""Words that a question has at least: "Hi Maria" asks nothing."""
MOST = 40
"""Rows of one question that are compared: the most asked one does not decide alone."""
_ROUNDS = 8
"""Versions told apart; any further answer counts as the last of them."""
_DAY = 86_400 * 10**6


class Consistency(Signal):
    """Contradictions and volatility."""

    name: ClassVar[str] = "consistency"
    of: ClassVar[Mapping[str, str]] = {"contradictions": "pairs", "volatility": "repeated"}

    def look(self, view: View) -> pl.DataFrame:
        """Give hashes of each question, of the row, of what is given and of figures; its time, the answer's length."""
        return pl.DataFrame(
            [
                view.batch["row"],
                _words(questions(view.batch, FEWEST)),
                pl.Series("hash", view.digest),
                view.answered.str.len_chars().cast(pl.Int64).rename("said"),
                _identity(view.given),
                view.times,
                view.stated.rename("figures"),
            ]
        )

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `repeated` (questions asked twice or more), `pairs`, `contradictions`, `disputed`, `volatility`."""
        frame = evidence.frames[self.name].rechunk()
        groups = (
            frame.select("words", "given", "hash", when="at", at=pl.int_range(pl.len()))
            .drop_nulls("words")
            .sort("words", "given", "when", "hash")
            .with_columns(turn=pl.int_range(pl.len()).over("words", "given"), size=pl.len().over("words", "given"))
            .filter((pl.col("size") > 1) & (pl.col("turn") < MOST))
        )
        evidence.marks["disputed"] = np.zeros(frame.height, dtype=bool)
        if not groups.height:
            return _none()
        number = groups.select(pl.struct("words", "given").rle_id()).to_series().to_numpy()
        places = groups["at"].to_numpy()
        version = self._versions(evidence, frame, places, number)
        return self._judged(evidence, frame, places, number, version, groups["when"])

    def _versions(self, evidence: Evidence, frame: pl.DataFrame, places: Array, number: Array) -> Array:
        """Give the version of each answer, numbered within its question."""
        rows, chars = frame["row"].to_numpy(), frame["said"].to_numpy()
        answers = Answers(rows, chars, reading(evidence.held.spool.take, answer), NEAR, NGRAM, lambda: None)
        figure = _recurring(frame["figures"].gather(places), number)
        version = np.full(len(places), -1)
        for turn in range(_ROUNDS):
            rest = np.flatnonzero(version < 0)
            if not len(rest):
                break
            _, first = np.unique(number[rest], return_index=True)
            head = np.full(number.max() + 1, -1)
            head[number[rest[first]]] = rest[first]
            heads = head[number[rest]]
            same = (heads == rest) | (turn == _ROUNDS - 1) | ((figure[rest] > 0) & (figure[rest] == figure[heads]))
            other = np.flatnonzero(~same & (figure[rest] == figure[heads]))
            if len(other):
                same[other] = answers.same(places[rest[other]], places[heads[other]])
            version[rest[same]] = turn
        return version

    def _judged(
        self, evidence: Evidence, frame: pl.DataFrame, places: Array, number: Array, version: Array, when: pl.Series
    ) -> Mapping[str, Value]:
        apart = evidence.limits["drift_days"] * _DAY
        per = (
            pl.DataFrame({"number": number, "version": version, "when": when, "at": places})
            .with_columns(switch=(pl.col("version") != pl.col("version").shift(1)).over("number").fill_null(False))
            .group_by("number", maintain_order=True)
            .agg(
                size=pl.len().cast(pl.Int64),
                versions=pl.col("version").n_unique(),
                switches=pl.col("switch").sum(),
                known=pl.col("when").is_not_null().all(),
                span=pl.col("when").max() - pl.col("when").min(),
                alike=pl.col("version").value_counts().struct.field("count").cast(pl.Int64).pow(2).sum(),
            )
        )
        per = per.filter(pl.col("versions") < pl.col("size"))
        if not per.height:
            return _none()
        changed = (per["versions"] == 2) & (per["switches"] == 1) & per["known"] & (per["span"] >= apart)
        changed = changed.fill_null(False)
        disputed = (per["versions"] > 1) & ~changed
        pairs = int((per["size"] * (per["size"] - 1) // 2).sum())
        unlike = int(((per["size"] ** 2 - per["alike"]) // 2).filter(disputed).sum())
        told = per["number"].filter(disputed | changed).to_numpy()
        evidence.marks["disputed"][places[np.isin(number, told)]] = True
        timed = per["known"] & (per["span"] > 0)
        return {
            "repeated": per.height,
            "pairs": pairs,
            "contradictions": share(unlike, pairs),
            "disputed": int(disputed.sum()),
            "volatility": share(int(changed.sum()), per.height) if bool(timed.fill_null(False).any()) else None,
        }


def _none() -> Mapping[str, Value]:
    """Give the numbers where no question is asked twice: what they share is unknown."""
    return {"contradictions": None, "volatility": None} | dict.fromkeys(("repeated", "pairs", "disputed"), 0)


def _words(asked: pl.Series) -> pl.Series:
    """Hash the words of each question; null where nothing is asked, or nothing but courtesies."""
    kept = courtesies()
    bare = (kept.without(fold(text)) for text in asked.to_list())
    return pl.Series("words", [xxhash.xxh3_64_intdigest(text.encode()) if text else None for text in bare], pl.UInt64)


def _identity(given: pl.Series) -> pl.Series:
    """Give a number for what is given beside each question; most rows have one and the same."""
    texts = given.unique()
    numbers = pl.DataFrame({"text": texts, "given": identity(texts, NGRAM)})
    return pl.DataFrame({"text": given}).join(numbers, on="text", how="left", maintain_order="left")["given"]


def _recurring(figures: pl.Series, number: Array) -> Array:
    """Hash the figures of each answer that occur in two answers or more to the question: others are a customer's."""
    listed = (
        pl.DataFrame({"place": np.arange(len(number)), "number": number, "figures": figures})
        .explode("figures")
        .drop_nulls("figures")
    )
    if not listed.height:
        return np.zeros(len(number), dtype=np.uint64)
    often = listed.filter(pl.col("place").n_unique().over("number", "figures") > 1)
    sums = often.group_by("place").agg(pl.col("figures").unique().sum().alias("sum"))
    made = np.zeros(len(number), dtype=np.uint64)
    made[sums["place"].to_numpy()] = sums["sum"].to_numpy()
    return made
