"""The compiled loops against the NumPy code, number by number; and what they do with arrays that do not fit."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sketch import TEXT, series

from ftdata.similarity import sketch, twins
from ftdata.similarity.bands import Bands
from ftdata.similarity.compiled import kernel
from ftdata.similarity.hashing import BITS, blocks
from ftdata.similarity.sketch import BINS, sets
from ftdata.similarity.verify import Shingles


@contextmanager
def with_kernel(way: str) -> Iterator[Any]:
    """Let the compiled loops do the work (`on`) or NumPy (`off`)."""
    with mock.patch.dict(os.environ, {"FTDATA_KERNEL": way}):
        kernel.cache_clear()
        try:
            yield kernel()
        finally:
            kernel.cache_clear()


with with_kernel("on") as LOOPS:
    pass
if LOOPS is None and shutil.which("cc") is None:
    pytest.skip("the kernel is not built, and there is no compiler", allow_module_level=True)


def test_it_is_built_where_it_can_be() -> None:
    assert LOOPS is not None, "there is a compiler, but no kernel: pip install -e ."
    with with_kernel("off") as loops:
        assert loops is None


def both(make: Callable[[], Any]) -> tuple[Any, Any]:
    with with_kernel("on") as loops:
        assert loops is not None
        one = make()
    with with_kernel("off"):
        return one, make()


def all_of(texts: pl.Series, ngram: int) -> tuple[Any, ...]:
    """Everything that is made of texts."""
    found = [
        (block.texts.tolist(), block.sizes.tolist(), block.counts.tolist(), block.keys.tobytes())
        for block in blocks(texts, ngram)
    ]
    flat, bounds = sets(texts, ngram)
    return found, flat.tobytes(), bounds.tolist(), sketch(texts, ngram).rows()


WORDS = st.builds("".join, st.lists(st.sampled_from(["a", "Bc", "é", "7_", "中", "x" * 9, "y" * 40]), max_size=12))
LINES = st.lists(st.one_of(WORDS, st.sampled_from(["?", "\n", ""])), max_size=70).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(st.lists(TEXT | LINES | st.none(), max_size=12), st.integers(1, 8))
def test_the_same_numbers(texts: list[str | None], ngram: int) -> None:
    one, other = both(lambda: all_of(series(texts), ngram))
    assert one == other


@pytest.mark.parametrize("ngram", range(1, 21))
def test_the_same_numbers_by_size_of_run_and_of_text(ngram: int) -> None:
    rng = random.Random(ngram)
    texts = [" ".join(rng.choices("abcdefghij", k=size)) for size in [*range(45), 100, 300, 1000]]
    texts += [" ".join(f"{rng.getrandbits(4 * size)}" for size in range(1, 70)) for _ in range(5)]
    one, other = both(lambda: all_of(series(texts), ngram))
    assert one == other


@pytest.mark.parametrize("size", range(60, 70))
def test_the_same_numbers_where_texts_end(size: int) -> None:
    texts = [letter * size + tail for letter in ("a", "é", "中", " ") for tail in ("", " ", "b", " b", "é")]
    assert len(set(map(str, both(lambda: [all_of(series([text]), 1) for text in texts])))) == 1


@pytest.mark.parametrize("word", ["x", "é", "中", "ab cd", "x" * 70, "?", "a\xad", "e\u0301 "])
def test_the_same_numbers_of_long_texts(word: str) -> None:
    rng = random.Random(5)
    long = word * (300_000 // len(word.encode()))
    mixed = " ".join(f"{word}{rng.randrange(3000)}" for _ in range(60_000))
    assert len(long.encode()) > 1 << 18 < len(mixed.encode())
    one, other = both(lambda: all_of(series([long, "a b", mixed, mixed[:200_000]]), 3))
    assert one == other


TALK = [
    " ".join(words)
    for rng in [random.Random(9)]
    for base in [[f"w{rng.randrange(400)}" for _ in range(40)] for _ in range(40)]
    for words in [base, *([rng.choice(["x", "y", word]) if rng.random() < 0.04 else word for word in base],) * 4]
]


def test_the_same_twins() -> None:
    texts = series(TALK)

    def read(numbers: Iterable[int]) -> Iterator[tuple[Any, pl.Series]]:
        at = np.array(sorted(numbers), dtype=np.uint64)
        yield at, texts.gather(at)

    def found() -> tuple[Any, ...]:
        frame = sketch(texts, 3).with_columns(row=pl.int_range(len(texts), dtype=pl.UInt64, eager=True))
        places = np.arange(len(texts))
        one, other = (part.ravel() for part in np.meshgrid(places, places[::7]))
        sized = Shingles(frame["row"].to_numpy(), frame["count"].to_numpy(), read, 3, lambda: None, budget=4000)
        seen = twins(frame, read, 0.7, 3)
        hot = np.zeros(len(texts), dtype=np.uint8)
        counts = frame["count"].to_numpy()
        near = Bands(frame["sketch"].to_numpy(), places, counts, 0.5, lambda: None).pairs(places, places, 8, 2, 0, hot)
        jaccard = sized.jaccard(one, other)
        return seen.twin.tolist(), seen.similarity.tolist(), jaccard.tobytes(), [part.tobytes() for part in near]

    mine, numpys = both(found)
    assert mine == numpys
    assert len(set(mine[0])) > 10


# --- hashes that no text has --------------------------------------------------------------------------------------


def shingled(hashes: Any, offsets: list[int], ngram: int) -> tuple[int, list[int], list[int]]:
    hashes, offsets_ = np.array(hashes, dtype=np.uint64), np.array(offsets, dtype=np.int64)
    spare, keys = np.empty(len(hashes), dtype=np.uint64), np.empty(len(hashes), dtype=np.uint64)
    counts = np.empty(len(offsets) - 1, dtype=np.int64)
    size = LOOPS.shingles(hashes, offsets_, spare, keys, counts, ngram)
    return size, keys[: max(size, 0)].tolist(), counts.tolist()


def unmixed(key: int) -> int:
    """Give a hash that becomes this key of 55 bits as a run of one."""
    made = (key << 9) * pow(0xE7037ED1A0B428DB, -1, 2**64) % 2**64
    return made ^ made >> 32


def test_hashes_that_begin_alike() -> None:
    rng = random.Random(2)
    few = [rng.getrandbits(40) for _ in range(60)]
    assert shingled([*map(unmixed, few)], [0, 60], 1)[1] == sorted(few)
    equal = [rng.getrandbits(55)] * 100_000
    assert shingled([*map(unmixed, equal)], [0, len(equal)], 1) == (1, equal[:1], [1])
    # It gives up before it would take long.
    assert shingled([*map(unmixed, range(100_000, 0, -1))], [0, 100_000], 1)[0] == -1
    hashes = np.array([*map(unmixed, range(5000, 0, -1))], dtype=np.uint64)
    with with_kernel("on"), mock.patch("ftdata.similarity.hashing.tokens") as tokens:
        tokens.side_effect = lambda *_: mock.Mock(hashes=hashes, bounds=np.array([0, 5000]), ascii=True)
        (block,) = blocks(series(["a"]), 1)
    assert block.keys.tolist() == [*range(1, 5001)] and block.counts.tolist() == [5000]


@pytest.mark.parametrize("size", [1, 63, 64, 65, 128])
def test_a_word_that_ends_with_the_text(size: int) -> None:
    low, kind, edges = np.full(size + 32, ord("a"), dtype=np.uint8), np.ones(size, dtype=np.uint8), np.zeros(140, "u4")
    none, hashes, offsets = np.zeros(0, dtype=bool), np.zeros(2, dtype=np.uint64), np.zeros(2, dtype=np.int64)
    told = LOOPS.words(low, kind, none, np.array([0, size]), edges, hashes, offsets)
    assert told == (1, size > 64)
    assert edges[:3].tolist() == [0, size, 0] and offsets.tolist() == [0, 0]  # and no line break: of no text yet


# --- arrays that do not fit ---------------------------------------------------------------------------------------

KINDS = {"b": np.uint8, "h": np.uint16, "i": np.uint32, "l": np.int64, "q": np.uint64}


def good() -> dict[str, tuple[str, list[Any]]]:
    """Give for each loop the types of its arrays, which of them are written to, and arrays that fit."""
    text = b"one two three\n"
    low, kind = np.zeros(64, dtype=np.uint8), np.zeros(32, dtype=np.uint8)
    LOOPS.level(text, low, kind)
    big, places = np.arange(4, dtype=np.uint64), np.array([0, 2, 4])
    table = np.tile(np.arange(BINS, dtype=np.uint8), BINS)

    def room(kind: str, size: int) -> Any:
        return np.zeros(size, dtype=KINDS[kind])

    values = np.zeros(3 * BINS, dtype=np.uint16)
    return {
        "level": ("brbwbw", [np.frombuffer(text, dtype=np.uint8), room("b", 14), room("b", 14)]),
        "words": (
            "brbrbrlriwqwlw",
            [low, kind, room("b", 0), np.array([0, 14]), room("i", 150), room("q", 9), room("l", 2)],
        ),
        "shingles": ("qrlrqwqwlw", [big, places, room("q", 4), room("q", 4), room("l", 2), 2]),
        "sketch": (
            "qrlrbrbrirqwqwhw",
            [
                *(big, np.array([1, 3]), table, table.copy(), np.ones(BINS, dtype=np.uint32)),
                *(room("q", 2), room("q", 2), room("h", 2 * BINS)),
            ],
        ),
        "shared": ("qrlrlrlw", [big, np.array([0, 2, 1, 1]), np.array([2, 4, 3, 2]), room("l", 2)]),
        "agreeing": ("hrlrlrbw", [values, np.array([0, 1]), np.array([2, 0]), room("b", 2)]),
    }


@pytest.mark.parametrize("name", [*good()] if LOOPS else [])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    spec, fits = good()[name]
    loop = getattr(LOOPS, name)
    loop(*fits)
    for wrong in ([], fits[:-1], [*fits, fits[0]]):
        with pytest.raises(ValueError, match="arguments"):
            loop(*wrong)
    for nth in range(len(spec) // 2):
        array, kind = fits[nth], spec[2 * nth]
        item = array.dtype.itemsize
        bad = [array.astype(other) for letter, other in KINDS.items() if letter != kind]
        bad += [array.astype(f">{array.dtype.str[1:]}") if item > 1 else array.view(np.int8), array.astype(np.float64)]
        if len(array):
            bad += [np.zeros(2 * len(array), dtype=array.dtype)[::2], np.zeros((4, 4), dtype=array.dtype)[1:, 1:]]
        if item > 1:
            bad.append(np.zeros(array.nbytes + 1, dtype=np.uint8)[1:].view(array.dtype))
        if spec[2 * nth + 1] == "w":
            still = array.copy()
            still.setflags(write=False)
            bad += [still, array[:1], bytes(array.nbytes)]
            bad += [other for at, other in enumerate(fits[: len(spec) // 2]) if at != nth and len(other)]
        for one in bad:
            with pytest.raises(ValueError, match=f"^an array that|^an array of another type|^{name}: "):
                loop(*fits[:nth], one, *fits[nth + 1 :])
        with pytest.raises(TypeError):
            loop(*fits[:nth], None, *fits[nth + 1 :])


HOSTILE = st.one_of(
    st.integers(-3, 20), st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**31, 2**32, -(2**63), 2**63 - 1])
)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_what_stands_in_them_breaks_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*good()]))
    spec, given_ = good()[name]
    for nth in range(len(spec) // 2):
        if data.draw(st.booleans()):
            kind, array = spec[2 * nth], given_[nth]
            most = np.iinfo(KINDS[kind]).max
            size = data.draw(st.sampled_from([len(array)] * 5 + [0, 1, len(array) + 1, len(array) // 2]))
            drawn = data.draw(st.lists(HOSTILE, min_size=size, max_size=size) if size < 20 else st.just([most] * size))
            given_[nth] = np.array([one if kind == "l" else abs(one) % (most + 1) for one in drawn], dtype=KINDS[kind])
    if name == "shingles":
        given_[-1] = data.draw(st.integers(-1, 66))
    try:
        result = getattr(LOOPS, name)(*given_)
    except ValueError:
        return
    made = [given_[nth] for nth in range(len(spec) // 2) if spec[2 * nth + 1] == "w"]
    if name == "shingles":
        assert (made[2] >= 0).all() and made[2].sum() <= len(given_[0])
    if name == "words":
        assert (made[2] >= 0).all() and (made[0][: 2 * result[0]] <= len(given_[1])).all()


def test_numbers_of_runs_that_are_none() -> None:
    for ngram in (0, -1, 65):
        with pytest.raises(ValueError, match="words in a run"):
            shingled([1, 2], [0, 2], ngram)
    with pytest.raises((TypeError, OverflowError)):
        shingled([1, 2], [0, 2], 2**70)
    with pytest.raises(ValueError, match="texts"):
        shingled([], [0] * (2 ** (64 - BITS) + 2), 1)


def test_loops_of_another_version_are_not_used(monkeypatch: pytest.MonkeyPatch):
    if LOOPS is None:
        pytest.skip("the loops are not built")
    monkeypatch.setattr(LOOPS, "VERSION", 0)
    with with_kernel("on") as found:
        assert found is None
