"""The search for twins against brute force on Python sets, which shares no code with it but the shingle rule."""

from __future__ import annotations

import importlib.util
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.similarity import sketch, twins
from ftdata.similarity.bands import bands, least_agreeing, least_shared
from ftdata.similarity.leaders import components, kept
from ftdata.similarity.shingles import shingles
from ftdata.similarity.twins import Twins, search
from ftdata.similarity.verify import Shingles

ROOT = Path(__file__).parents[2]
NGRAM = 3


def _benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("bench_near_dedup_twins", ROOT / "benchmarks/near_dedup.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = _benchmark()
TEXTS = [" ".join(text.split()[:60]) for text in bench.corpus(600, seed=3)]


class Held:
    """Texts by number, read again some at a time; the numbers have gaps, and `asked` counts what was read."""

    def __init__(self, texts: list[str], size: int = 1000) -> None:
        self.texts, self.size = texts, size
        self.numbers = np.arange(len(texts), dtype=np.uint64) * np.uint64(3) + np.uint64(5)
        self.asked = 0

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[Any, pl.Series]]:
        wanted = sorted(set(numbers))
        self.asked += len(wanted)
        for start in range(0, len(wanted), self.size):
            part = wanted[start : start + self.size]
            yield np.array(part, dtype=np.uint64), pl.Series([self.texts[(n - 5) // 3] for n in part], dtype=pl.String)

    def frame(self, ngram: int) -> pl.DataFrame:
        return sketch(pl.Series(self.texts, dtype=pl.String), ngram).with_columns(row=pl.Series(self.numbers))


def found(texts: list[str], threshold: float, ngram: int = NGRAM, size: int = 1000, **more: Any) -> Twins:
    held = Held(texts, size)
    return search(held.frame(ngram), held.read, threshold, ngram, **more)


def greedy(
    texts: list[str],
    threshold: float,
    group: list[int] | None = None,
    stands: Callable[[int, int], bool] = lambda one, other: True,
) -> list[int]:
    """Give the first kept row before each that it is like, in a smaller group; -1: it is kept. All pairs are tried."""
    group = group or list(range(len(texts)))
    sets = [shingles(text, NGRAM) for text in texts]
    twin: list[int] = []
    for at, mine in enumerate(sets):
        like = (
            other
            for other in range(at)
            if twin[other] < 0
            and group[other] < group[at]
            and mine
            and stands(other, at)
            and len(mine & sets[other]) / len(mine | sets[other]) >= threshold
        )
        twin.append(next(like, -1))
    return twin


@st.composite
def clusters(draw: Any) -> list[str]:
    """Give texts in clusters: of each base some variants with a few words replaced, and a few that say nothing."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    words = [f"w{number}" for number in range(draw(st.sampled_from([3, 40, 4000])))]
    texts: list[str] = draw(st.lists(st.sampled_from(["", "?", "!!", "w1", "w1 w2"]), max_size=4))
    for _ in range(draw(st.integers(1, 6))):
        base = chance.choices(words, k=draw(st.integers(1, 60)))
        for _ in range(draw(st.integers(1, 9))):
            made = list(base)
            for _ in range(chance.randint(0, max(1, len(made) // 12))):
                made[chance.randrange(len(made))] = chance.choice(words)
            texts.append(" ".join(made))
    chance.shuffle(texts)
    return texts


THRESHOLDS = st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


@settings(max_examples=100, deadline=None)
@given(clusters(), THRESHOLDS)
def test_every_dropped_row_has_a_kept_twin_at_its_exact_similarity(texts: list[str], threshold: float) -> None:
    sets = [shingles(text, NGRAM) for text in texts]
    made = found(texts, threshold)
    assert (made.rival == -1).all()
    for at, (twin, alike) in enumerate(zip(made.twin.tolist(), made.similarity.tolist(), strict=True)):
        if twin >= 0:
            assert twin < at and made.twin[twin] == -1
            exact = len(sets[at] & sets[twin]) / len(sets[at] | sets[twin])
            assert exact == alike >= threshold
        else:
            assert alike == 1.0
    # Rows of the very same shingles are never missed, and those that say nothing are nobody's twins.
    stay = [frozenset(one) for one, twin in zip(sets, made.twin.tolist(), strict=True) if twin < 0 and one]
    assert len(stay) == len(set(stay))
    assert all(twin < 0 for one, twin in zip(sets, made.twin.tolist(), strict=True) if not one)


def test_finds_what_brute_force_finds() -> None:
    differ = total = 0
    chance = random.Random(7)
    for _ in range(40):
        threshold = chance.choice([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
        texts = chance.sample(TEXTS, 200)
        exact = greedy(texts, threshold)
        differ += sum(one != other for one, other in zip(found(texts, threshold).twin, exact, strict=True))
        total += sum(twin >= 0 for twin in exact)
    # A band that is shared is a matter of chance: 999 of 1,000 pairs at the threshold.
    assert total > 500 and differ <= total // 200


@settings(max_examples=60, deadline=None)
@given(clusters(), THRESHOLDS, st.integers(1, 7), st.sampled_from([1, 40, 400]))
def test_nothing_depends_on_how_rows_are_read_again_nor_on_the_budget(
    texts: list[str], threshold: float, size: int, budget: int
) -> None:
    whole = found(texts, threshold)
    parts = found(texts, threshold, size=size, budget=budget)
    for one, other in zip(vars(whole).values(), vars(parts).values(), strict=True):
        assert (one == other).all()


@settings(max_examples=100, deadline=None)
@given(clusters(), THRESHOLDS, st.data())
def test_rows_of_one_group_never_stand_for_each_other(texts: list[str], threshold: float, data: st.DataObject) -> None:
    group = sorted(data.draw(st.lists(st.integers(0, 2), min_size=len(texts), max_size=len(texts))))
    held = Held(texts)
    made = twins(held.frame(NGRAM), held.read, threshold, NGRAM, np.array(group, dtype=np.int64))
    exact = greedy(texts, threshold, group)
    sets = [shingles(text, NGRAM) for text in texts]
    for at, twin in enumerate(made.twin.tolist()):
        if twin >= 0:
            assert group[twin] < group[at] and made.twin[twin] == -1
            assert len(sets[at] & sets[twin]) / len(sets[at] | sets[twin]) == made.similarity[at] >= threshold
    # Of rows with equal shingles none is left beside one of a smaller group.
    for at, other in enumerate(exact):
        if other >= 0 and sets[at] == sets[other]:
            assert made.twin[at] >= 0


def test_groups_find_what_brute_force_finds() -> None:
    differ = total = 0
    chance = random.Random(8)
    for _ in range(15):
        texts = chance.sample(TEXTS, 250)
        group = [0] * 50 + [1] * 50 + [2] * 150
        held = Held(texts)
        made = twins(held.frame(NGRAM), held.read, 0.7, NGRAM, np.array(group))
        exact = greedy(texts, 0.7, group)
        differ += sum((one < 0) != (other < 0) for one, other in zip(made.twin, exact, strict=True))
        total += sum(twin >= 0 for twin in exact)
    assert total > 100 and differ <= 1


@settings(max_examples=60, deadline=None)
@given(clusters(), st.sampled_from([0.5, 0.7, 0.8, 1.0]), st.integers(1, 4))
def test_a_row_goes_only_for_one_that_may_stand_for_it(texts: list[str], threshold: float, kinds: int) -> None:
    kind = np.arange(len(texts), dtype=np.uint64) % np.uint64(kinds)
    made = found(texts, threshold, apart=kind, agree=lambda one, other: kind[one] == kind[other])
    sets = [shingles(text, NGRAM) for text in texts]
    for at, (twin, rival) in enumerate(zip(made.twin.tolist(), made.rival.tolist(), strict=True)):
        if twin >= 0:
            assert kind[twin] == kind[at] and made.twin[twin] == -1 and rival == -1
        if rival >= 0:
            assert kind[rival] != kind[at] and made.twin[rival] == -1 and rival < at
            exact = len(sets[at] & sets[rival]) / len(sets[at] | sets[rival])
            assert exact == made.nearness[at] >= threshold


def test_rivals_are_those_of_brute_force() -> None:
    texts = TEXTS
    kind = np.arange(len(texts), dtype=np.uint64) % np.uint64(3)
    made = found(texts, 0.7, apart=kind, agree=lambda one, other: kind[one] == kind[other])
    exact = greedy(texts, 0.7, stands=lambda one, other: bool(kind[one] == kind[other]))
    assert sum(twin >= 0 for twin in exact) > 20
    assert sum((one < 0) != (other < 0) for one, other in zip(made.twin, exact, strict=True)) <= 1
    assert (made.rival >= 0).sum() > 20


def test_a_hot_template_is_linear() -> None:
    """One template whose rows lie around the threshold: linear, no wrong drop, few pairs left over."""
    seconds = []
    for rows in (1500, 6000):
        maker = bench.Maker(5)
        fixed = maker.words(160)
        texts = []
        for _ in range(rows):
            made = list(fixed)
            for place in maker.rng.sample(range(32), 2):
                made[place * 5] = maker.rare(1)[0]
            texts.append(" ".join(made))
        held = Held(texts)
        frame = held.frame(5)
        began = time.process_time()
        made = twins(frame, held.read, 0.8, 5)
        seconds.append(time.process_time() - began)
        assert (made.twin >= 0).sum() > 0.95 * rows
        assert (made.twin[made.twin[made.twin >= 0]] == -1).all() and made.similarity.min() >= 0.8
        assert held.asked <= 3 * rows
    assert seconds[1] <= 12 * seconds[0] + 0.5, "four times the rows, a quarter of the square"


def test_can_be_stopped_at_any_time() -> None:
    held = Held(bench.corpus(3000, seed=4))
    frame = held.frame(5)
    times = [time.monotonic()]
    twins(frame, held.read, 0.7, 5, tick=lambda: times.append(time.monotonic()))
    assert len(times) > 50

    class Stop(Exception):
        pass

    for after in (0, 3, 40):
        left = [after]

        def tick(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stop

        with pytest.raises(Stop):
            twins(frame, held.read, 0.7, 5, tick=tick)


def test_nobody_and_one() -> None:
    for texts in ([], ["a"], ["", ""], ["?", ""]):
        assert found(texts, 0.8).twin.tolist() == [-1] * len(texts)
    assert found(["a", "a", "", "a"], 1.0).twin.tolist() == [-1, 0, -1, 0]


def test_a_row_that_is_not_read_again_is_no_silent_miss() -> None:
    texts = ["a b c d e f", "a b c d e f g", "a b c d e f g h"]
    with pytest.raises(ValueError, match="did not give"):
        twins(Held(texts).frame(2), lambda numbers: iter(()), 0.5, 2)


# --- the parts --------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=80))
def test_the_greedy_pass_and_the_components_are_those_of_plain_loops(pairs: list[tuple[int, int]]) -> None:
    later = [max(pair) for pair in pairs if pair[0] != pair[1]]
    earlier = [min(pair) for pair in pairs if pair[0] != pair[1]]
    stays = [True] * 41
    for row in range(41):
        stays[row] = not any(stays[e] for one, e in zip(later, earlier, strict=True) if one == row)
    arrays = np.array(later, dtype=np.int64), np.array(earlier, dtype=np.int64)
    assert kept(*arrays, 41, lambda: None).tolist() == stays
    label = list(range(41))
    for _ in range(41):
        for one, other in zip(later, earlier, strict=True):
            label[one] = label[other] = min(label[one], label[other])
    assert components(*arrays, 41, lambda: None).tolist() == label


def test_a_long_chain_is_gone_through_in_order() -> None:
    later = np.arange(1, 5000)
    stays = kept(later, later - 1, 5000, lambda: None)
    assert stays.tolist() == [row % 2 == 0 for row in range(5000)]


@settings(max_examples=60, deadline=None)
@given(clusters(), st.integers(1, 500), st.data())
def test_similarity_is_exact_within_any_budget(texts: list[str], budget: int, data: st.DataObject) -> None:
    place = st.integers(0, len(texts) - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(place, place), min_size=1, max_size=40)))
    held = Held(texts, 3)
    sizes = np.array([len(shingles(text, NGRAM)) for text in texts])
    sets = Shingles(held.numbers, sizes, held.read, NGRAM, lambda: None, budget)
    for (one, other), alike in zip(pairs.tolist(), sets.jaccard(pairs[:, 0], pairs[:, 1]).tolist(), strict=True):
        left, right = shingles(texts[one], NGRAM), shingles(texts[other], NGRAM)
        assert alike == (len(left & right) / len(left | right) if left | right else 0)


def test_connected_rows_are_read_once_though_all_are_more_than_the_budget() -> None:
    texts = [f"{' '.join(f'w{number}x{word}' for word in range(50))} {end}" for number in range(40) for end in "abc"]
    held = Held(texts)
    sets = Shingles(held.numbers, np.full(120, 49), held.read, NGRAM, lambda: None, 1500)
    first = np.arange(0, 120, 3)
    alike = sets.jaccard(np.concatenate((first, first + 1)), np.concatenate((first + 1, first + 2)))
    assert held.asked == 120
    assert np.allclose(alike, 48 / 50)


def test_no_pair_is_missed_by_chance() -> None:
    for threshold in (0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 0.99, 1.0):
        number, width = bands(threshold)
        assert number * width <= 128
        assert 1 - (1 - threshold**width) ** number >= 0.999
        assert 1 <= least_shared(threshold) <= number
        assert (least_agreeing(np.array([5, 50, 5000]), threshold) <= 128 * threshold).all()
    assert bands(0.7) == bands(0.8) == (32, 4)
    assert least_agreeing(np.array([300]), 1.0) == 128


@pytest.mark.parametrize("length", [6, 9, 15, 40, 160, 1500])
def test_the_screen_lets_pairs_at_the_threshold_pass(length: int) -> None:
    """Pairs at the threshold of short and long texts: nearly all are found, whatever their length."""
    maker = bench.Maker(length)
    missed = total = 0
    for threshold in (0.5, 0.7, 0.8):
        texts = []
        for _ in range(150 if length < 1000 else 20):
            base = maker.rare(length)
            shared = length - 2
            # Words put at the end: J = shared / (shared + added).
            added = int(shared / threshold - shared)
            texts += [" ".join(base), " ".join(base + maker.rare(added))]
        made = found(texts, threshold)
        missed += int((made.twin[1::2] < 0).sum())
        total += len(texts) // 2
    assert missed <= max(1, total // 300)


def test_rows_are_read_in_few_goes() -> None:
    class Counted(Held):
        goes = 0

        def read(self, numbers: Iterable[int]) -> Iterator[tuple[Any, pl.Series]]:
            self.goes += 1
            return super().read(numbers)

    held = Counted(TEXTS)
    found = twins(held.frame(NGRAM), held.read, 0.8, NGRAM)
    assert (found.twin >= 0).any()
    assert held.goes <= 2  # three without reading ahead
    assert held.asked <= len(TEXTS)
