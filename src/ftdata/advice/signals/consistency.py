"""One question, several answers: told at the same time it is a contradiction, once and for all a change.

Rows that ask nearly the same (numbers, ids, addresses hidden; Jaccard 0.8, as in `contradictions`) and are given the
same beside it (system text, what tools say) are one question. Its answers fall into versions: those that `same` of
`similarity.answers` calls the same, or that state the same figures; other figures make another version. Of figures only
those count that two answers to the question state: others (a parcel's number) are a customer's own.

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

from ftdata.advice.signals.signal import Array, Evidence, Signal, Value, share
from ftdata.advice.view import View, answer, question
from ftdata.similarity import sketch, twins
from ftdata.similarity.answers import Answers, identity

NGRAM = 5
NEAR = 0.8
MOST = 40
"""Rows of one question that are compared: the most asked one does not decide alone."""
_ROUNDS = 8
"""Versions told apart; any further answer counts as the last of them."""
_DAY = 86_400 * 10**6


class Consistency(Signal):
    """Contradictions and volatility."""

    name: ClassVar[str] = "consistency"

    def look(self, view: View) -> pl.DataFrame:
        """Give each question's sketch, its time, the length of the answer, hashes of what is given and of figures."""
        made = sketch(question(view.batch), NGRAM)
        more = [
            view.answered.str.len_chars().cast(pl.Int64).rename("said"),
            _identity(view.given),
            view.times,
            view.stated.rename("figures"),
        ]
        return made.insert_column(0, view.batch["row"]).with_columns(more)

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `repeated` (questions asked twice or more), `pairs`, `contradictions`, `disputed`, `volatility`."""
        frame = evidence.frames[self.name].rechunk()
        found = twins(frame, evidence.held.reader(question), NEAR, NGRAM)
        asks = np.flatnonzero(frame["count"].to_numpy() > 0)
        lead = np.where(found.twin >= 0, found.twin, np.arange(frame.height))
        groups = (
            pl.DataFrame({"at": asks, "lead": lead[asks], "given": frame["given"].gather(asks)})
            .with_columns(when=frame["at"].gather(asks), hash=frame["hi"].gather(asks))
            .sort("lead", "given", "when", "hash")
            .with_columns(turn=pl.int_range(pl.len()).over("lead", "given"), size=pl.len().over("lead", "given"))
            .filter((pl.col("size") > 1) & (pl.col("turn") < MOST))
        )
        evidence.marks["disputed"] = np.zeros(frame.height, dtype=bool)
        if not groups.height:
            return _none()
        number = groups.select(pl.struct("lead", "given").rle_id()).to_series().to_numpy()
        places = groups["at"].to_numpy()
        version = self._versions(evidence, frame, places, number)
        return self._judged(evidence, frame, places, number, version, groups["when"])

    def _versions(self, evidence: Evidence, frame: pl.DataFrame, places: Array, number: Array) -> Array:
        """Give the version of each answer, numbered within its question."""
        rows, chars = frame["row"].to_numpy(), frame["said"].to_numpy()
        answers = Answers(rows, chars, evidence.held.reader(answer), NEAR, NGRAM, lambda: None)
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
            "contradicting_pairs": unlike,
            "disputed": int(disputed.sum()),
            "changed": int(changed.sum()),
            "volatility": share(int(changed.sum()), per.height) if bool(timed.fill_null(False).any()) else None,
        }


def _none() -> Mapping[str, Value]:
    """Give the numbers where no question is asked twice: what they share is unknown."""
    return {"contradictions": None, "volatility": None} | dict.fromkeys(
        ("repeated", "pairs", "contradicting_pairs", "disputed", "changed"), 0
    )


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
