"""The diversity check counts clusters, copies, openings and runs of words; it is held to slow exact counts."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.batch import Batch, make_batch, to_batches
from ftdata.checks.diversity import Diversity
from ftdata.checks.grams import LOWEST, different, lowest
from ftdata.conversation import Conversation, assistant, user
from ftdata.similarity import sketch
from ftdata.similarity.clusters import clusters, join
from ftdata.stages import Finding


def asked(*texts: str) -> Batch:
    rows = [Conversation(row=at, messages=(user(text), assistant("yes"))) for at, text in enumerate(texts)]
    return pl.concat(to_batches(rows))


def judged(check: Diversity, *texts: str) -> dict[str, Finding]:
    found = check.judge(check.sketch(asked(*texts)).lazy())
    assert len({finding.code for finding in found}) == len(found)
    return {finding.code: finding for finding in found}


def text(chance: random.Random, words: int = 40) -> str:
    return " ".join(f"w{chance.randrange(10**6)}" for _ in range(words))


def corpus(seed: int, strangers: int, templates: Sequence[int]) -> list[str]:
    """Make strangers, and templates of 40 words so often each, of which a few words change (J about 0.6 to 0.95)."""
    chance = random.Random(seed)
    made = [text(chance) for _ in range(strangers)]
    for count in templates:
        base = text(chance).split()
        for _ in range(count):
            words = list(base)
            for place in chance.sample(range(40), chance.randint(0, 3)):
                words[place] = f"x{chance.randrange(10**9)}"
            made.append(" ".join(words))
    chance.shuffle(made)
    return made


def exact(texts: Sequence[str], ngram: int, threshold: float) -> tuple[int, float]:
    """Count the clusters of a pass by exact Jaccard, rows like the most others first, and their effective number."""
    sets = [{tuple(words[at : at + ngram]) for at in range(len(words) - ngram + 1)} for words in map(str.split, texts)]
    near = [[at for at, other in enumerate(sets) if len(one & other) >= threshold * len(one | other)] for one in sets]
    leader: dict[int, int] = {}
    for at in sorted(range(len(sets)), key=lambda at: -len(near[at])):
        leader[at] = next((other for other in near[at] if leader.get(other) == other), at)
    sizes = Counter(leader.values())
    shares = [size / len(texts) for size in sizes.values()]
    return len(sizes), math.exp(-sum(share * math.log(share) for share in shares))


# --- clusters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clusters_as_an_exact_pass_counts_them(seed: int):
    texts = corpus(seed, 120, [60, 30, 15, *[8] * 8, *[3] * 8])
    numbers = judged(Diversity(), *texts)["diversity-clusters"].numbers
    count, effective = exact(texts, 3, 0.5)
    assert numbers["rows"] == len(texts) and numbers["silent"] == 0
    assert abs(numbers["clusters"] - count) <= 0.06 * count
    assert abs(numbers["effective"] - effective) <= 0.15 * effective


def test_strangers_stand_alone():
    chance = random.Random(4)
    numbers = judged(Diversity(), *(text(chance) for _ in range(400)))["diversity-clusters"].numbers
    assert (numbers["clusters"], numbers["effective"], numbers["singletons"]) == (400, 400.0, 1.0)
    assert (numbers["different"], numbers["effective_rows"], numbers["effective_simpson"]) == (400, 400, 400.0)


def test_pairs_are_found():
    texts = corpus(14, 0, [2] * 150)
    found = judged(Diversity(), *texts)["diversity-clusters"].numbers
    assert abs(found["clusters"] - exact(texts, 3, 0.5)[0]) <= 8


def test_copies_are_one():
    numbers = judged(Diversity(), *["Where is my order, please?"] * 30, *["where IS my order please"] * 10, "", " ")
    found = numbers["diversity-clusters"].numbers
    assert (found["rows"], found["silent"], found["different"], found["clusters"]) == (40, 2, 1, 1)
    assert (found["effective"], found["largest"], found["top_10"], found["singletons"]) == (1.0, 1.0, 1.0, 0.0)


def test_two_even_clusters_count_as_two():
    chance = random.Random(5)
    one, other = text(chance), text(chance)
    found = judged(Diversity(), *[one] * 20, *[other] * 20)["diversity-clusters"].numbers
    assert found["effective"] == found["effective_simpson"] == 2.0


def test_a_chain_is_cut():
    # Each text shares three quarters of its words with the next, the ends share nothing.
    chance = random.Random(6)
    words = [f"w{chance.randrange(10**6)}" for _ in range(600)]
    chain = [" ".join(words[at : at + 80]) for at in range(0, 520, 15)]
    found = judged(Diversity(), *chain)["diversity-clusters"].numbers
    assert found["clusters"] >= 7 and found["largest"] <= 0.25


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_parts_that_pairs_join(pairs: list[tuple[int, int]]):
    parent = np.arange(31)
    for some in (pairs[::2], pairs[1::2]):
        join(parent, np.array([a for a, _ in some], dtype=np.int64), np.array([b for _, b in some], dtype=np.int64))
    expected = list(range(31))
    for _ in range(31):
        for a, b in pairs:
            expected[a] = expected[b] = min(expected[a], expected[b])
    assert parent.tolist() == expected


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([0.3, 0.5, 0.8]), st.lists(st.integers(1, 40), max_size=4))
def test_a_row_is_like_the_one_that_stands_for_it(seed: int, threshold: float, templates: list[int]):
    texts = corpus(seed, 20, templates)
    values = sketch(pl.Series(texts), 3)["sketch"].to_numpy()
    found = clusters(values, threshold)
    assert (found[found] == found).all()
    assert ((values == values[found]).mean(axis=1) >= threshold).all()


# --- the same in any order --------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=8)
@given(st.integers(1, 50), st.randoms(use_true_random=False))
def test_any_order_and_any_batches(size: int, chance: random.Random):
    texts = [*corpus(7, 60, [60, 20]), "", "Hi there you", "Hi there you all"]
    check = Diversity(max_opening=0.01, max_copies=0)
    batch = asked(*texts)
    whole = check.judge(check.sketch(batch).lazy())
    parts = [check.sketch(batch.slice(at, size)) for at in range(0, batch.height, size)]
    chance.shuffle(parts)
    assert check.judge(pl.concat(parts).lazy()) == whole
    chance.shuffle(texts)
    other = check.judge(check.sketch(asked(*texts)).lazy())
    assert [(f.code, f.message, f.numbers) for f in other] == [(f.code, f.message, f.numbers) for f in whole]


# --- words ------------------------------------------------------------------------------------------------------------


def grams(texts: Sequence[str]) -> dict[str, float]:
    """Count runs of words the slow way."""
    made: dict[str, float] = {}
    for length in (1, 2, 3):
        found = [
            tuple(words[at : at + length])
            for words in (re.findall(r"\w+", text.lower()) for text in texts)
            for at in range(len(words) - length + 1)
        ]
        made[f"distinct_{length}"] = len(set(found)) / len(found)
    return made


def test_runs_of_words_few_exactly():
    texts = ["a b c a b", "A b d", "x", "", "b c a"]
    numbers = judged(Diversity(), *texts)["diversity-words"].numbers
    assert (numbers["words"], numbers["vocabulary"]) == (12, 5)
    assert {key: numbers[key] for key in grams(texts)} == {key: round(value, 4) for key, value in grams(texts).items()}


def test_runs_of_words_many_nearly():
    chance = random.Random(8)
    texts = [" ".join(f"w{int(chance.paretovariate(0.5))}" for _ in range(60)) for _ in range(900)]
    numbers = judged(Diversity(), *texts)["diversity-words"].numbers
    for key, value in grams(texts).items():
        assert abs(numbers[key] - value) <= 0.12 * value  # four standard errors of 3 %


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40_000), st.integers(0, 2**32 - 1))
def test_the_lowest_hashes_tell_how_many(count: int, seed: int):
    values = np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)
    doubled = np.concatenate((values, values[::2]))
    assert lowest([doubled]).tolist() == sorted(set(values.tolist()))[:LOWEST]
    assert abs(different(lowest([doubled])) - count) <= (0.2 * count if count >= LOWEST else 0)


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_low():
    texts = corpus(9, 2, [100, 100])
    found = judged(Diversity(max_copies=1, max_opening=1), *texts)
    assert set(found) == {"diversity-clusters", "diversity-words", "diversity-low"}
    low = found["diversity-low"]
    assert low.level == "warn" and low.numbers["effective"] < 5 and len(low.where) == 20
    assert "diversity-low" not in judged(Diversity(min_effective=0), *texts)
    assert "diversity-low" not in judged(Diversity(), *texts[:99])
    assert "diversity-low" not in judged(Diversity(min_effective=1, max_opening=1), *corpus(9, 134, []))


def test_top():
    texts = corpus(10, 40, [12] * 10)
    found = judged(Diversity(max_copies=1, level="error"), *texts)
    assert found["diversity-top"].level == "error" and found["diversity-top"].numbers["share"] > 0.7
    assert "diversity-top" not in judged(Diversity(max_copies=1, max_top=0.8), *texts)


def test_copies():
    chance = random.Random(11)
    texts = [text(chance) for _ in range(80)]
    found = judged(Diversity(), *texts, *texts[:20], *["Where is it?"] * 3)
    assert found["diversity-copies"].numbers["copies"] == 22
    assert found["diversity-copies"].where == (100,)  # one row of each text
    assert "diversity-copies" not in judged(Diversity(), *texts, *texts[:20])


def test_openings():
    chance = random.Random(12)
    texts = [f"Hello, dear team! {text(chance)}" for _ in range(40)] + [text(chance) for _ in range(60)]
    found = judged(Diversity(), *texts)["diversity-openings"]
    assert found.numbers == {"rows": 40, "share": 0.4, "max_opening": 0.3} and found.where == tuple(range(20))
    assert "diversity-openings" not in judged(Diversity(max_opening=0.4), *texts)


def test_what_is_compared():
    rows = [Conversation(row=at, messages=(user("same question"), assistant(f"n{at} " * 9))) for at in range(20)]
    batch = pl.concat(to_batches(rows))

    def count(**fields: Any) -> int:
        check = Diversity(**fields)
        return int(check.judge(check.sketch(batch).lazy())[0].numbers["clusters"])

    assert (count(), count(on="answer"), count(on="conversation")) == (1, 20, 20)


def test_nothing_to_say():
    check = Diversity()
    assert check.judge(check.sketch(make_batch(0, {})).lazy()) == []
    assert judged(check, "", " ") == {} and check.reads_meta() == frozenset()


def test_sketches_are_small():
    chance = random.Random(13)
    made = Diversity().sketch(asked(*(text(chance, 60) for _ in range(4096))))
    assert made.estimated_size() / made.height <= 300
