from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.errors import FtdataError
from ftdata.similarity.shingles import level, shingles
from ftdata.similarity.sketch import BINS, SKETCH, sets, sketch

SCRIPTS = [
    "abcXYZ_09 .-'\n",
    "aB_é ÀßǰŉİıfiﬁªⅣ½７ 9-.'\n\t\xad´¨¸˜€“’–\u200b\u200d\ufe0f\u0301\u0345ΣςДй한국가 हिन्दीमुंबईসুবাংলা",
    "عربيمُحَמּَשלוםสวัสดีน้ำ๑ລາວខ្មែរမြန်မာ日本語ガｶﾞー々〇ㄅ㐀𠀀༄བཀྲ་ՀայքართულიአማርኛΕλ⁄①👍🏽👩❤🇧🇷\x00\x1b\x85\u2028 ",
    "中文，。 ＿日本語カタカナひらがな漢﹏",
    "हिन्दी में नमस्ते क़",
    "مُحَمَّد طلب اً",
    "Gru\u0308ßeé ẞßºª1º ²³™ abc é",
    "각가각 힣",
    "\u0301\u0300\u0323\u05b0\u0651\u064e\u0e48\u0e38 aé中",
    "ÁÉÍçãõâê nº 1ª “olá” – não… €",
]
TEXT = st.one_of(
    *(st.text(st.sampled_from(script), max_size=40) for script in SCRIPTS),
    st.text(max_size=20),
    st.text(st.characters(codec="cp1252"), max_size=30),
    st.builds(
        "{}{}".format, st.builds(str.__mul__, st.sampled_from("aÉ中\u0e34"), st.integers(0, 90)), st.sampled_from("b ")
    ),
)


def series(texts: Sequence[str | None]) -> pl.Series:
    return pl.Series("texts", texts, dtype=pl.String)


def each(texts: Sequence[str | None] | pl.Series, ngram: int) -> list[list[int]]:
    flat, bounds = sets(texts if isinstance(texts, pl.Series) else series(texts), ngram)
    assert flat.dtype == np.uint64 and bounds[0] == 0 and bounds[-1] == len(flat)
    return [flat[start:end].tolist() for start, end in pairwise(bounds)]


# --- the sets -----------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, max_size=9), st.integers(1, 7))
def test_sets_are_those_of_the_rule(texts: list[str], ngram: int) -> None:
    texts = [*texts, " ".join(texts)]
    found, rule = each(texts, ngram), [shingles(text, ngram) for text in texts]
    for one, other in zip(found, rule, strict=True):
        assert one == sorted(set(one)) and len(one) == len(other)
        for third, fourth in zip(found, rule, strict=True):
            assert len({*one} & {*third}) == len(other & fourth)
            assert len({*one} | {*third}) == len(other | fourth)
    made = sketch(series(texts), ngram)
    assert made.schema == SKETCH and made.height == len(texts)
    assert made["count"].to_list() == list(map(len, rule))
    assert made["size"].to_list() == list(map(len, texts))
    # Equal sets, and no others, have equal hashes; equal sets have equal values.
    hashes = list(zip(made["hi"], made["lo"], strict=True))
    assert len(set(zip(hashes, map(frozenset, rule), strict=True))) == len(set(hashes)) == len({*map(frozenset, rule)})
    assert len(set(zip(hashes, map(tuple, made["sketch"].to_list()), strict=True))) == len(set(hashes))


@pytest.mark.parametrize("around", ["a{}b", "中{}ก {}", " {}\u0e34{}é"])
def test_every_character_is_levelled_as_the_rule_says(around: str) -> None:
    codes = [*range(1, 0xD800), *range(0xE000, 0x20100), 0x2F800, 0x2FA1D, 0x30000, *range(0xE0000, 0xE0200), 0x10FFFF]
    texts = [around.replace("{}", chr(code)) for code in codes]
    # Levelled before, they give the same, though by another way.
    assert [ascii(text) for text, one, other in zip(texts, each(texts, 1), each([*map(level, texts)], 1), strict=True)
            if one != other] == []  # fmt: skip
    assert [len(one) for one in each(texts, 1)] == [len(shingles(text, 1)) for text in texts]


def test_marks_in_any_order() -> None:
    rng = random.Random(3)
    marks = [
        chr(code) for code in range(0x300, 0x1100) if chr(code).isprintable() and not level("x" + chr(code)).isalnum()
    ]
    some = [*marks, *("\xad\u200d\ufe0f\xba\u1100\u1161\u11a8가a中กé ßक़" * 30)]
    texts = ["".join(rng.choices(some, k=rng.randrange(2, 7))) for _ in range(5000)]
    found = each(texts, 1)
    assert [len(one) for one in found] == [len(shingles(text, 1)) for text in texts]
    assert found == each([*map(level, texts)], 1)


def test_signs_and_silence() -> None:
    texts = ["", None, " \n\u200b\ufeff", "???", " ? ? ?", "👍", "?? ?", "a", "A!", "\u0301"]
    found = each(texts, 5)
    assert [len(one) for one in found] == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    assert found[3] == found[4] == found[6] and found[7] == found[8]
    assert len({one[0] for one in found if one}) == 4
    made = sketch(series(texts), 5)
    assert made["count"].to_list() == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    assert made["size"].to_list() == [0, 0, 4, 3, 6, 1, 4, 1, 2, 1]
    assert made["sketch"].to_list()[:3] == [[0] * BINS] * 3
    for nothing in ([], [None, "", None]):
        assert sketch(series(nothing), 5).schema == SKETCH
        assert sketch(series(nothing), 5)["count"].sum() == 0
        assert each(nothing, 5) == [[] for _ in nothing]


# --- whatever stands beside ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT | st.none(), min_size=1, max_size=20), st.integers(1, 7), st.integers(1, 6))
def test_a_text_is_sketched_alone(texts: list[str | None], size: int, ngram: int) -> None:
    whole = series(texts)
    made, found = sketch(whole, ngram), each(whole, ngram)
    cut = [whole.slice(at, size) for at in range(0, len(whole), size)]
    assert pl.concat([sketch(part, ngram) for part in cut]).equals(made)
    assert [one for part in cut for one in each(part, ngram)] == found
    pieces = pl.concat([series(texts[at : at + size]) for at in range(0, len(texts), size)], rechunk=False)
    assert sketch(pieces, ngram).equals(made)
    assert sketch(whole.reverse(), ngram).reverse().equals(made)
    arrow = pl.Series(whole.to_arrow().slice(0))
    assert sketch(arrow, ngram).equals(made)


def test_blocks_of_every_kind() -> None:
    rng = random.Random(7)
    spelled = [f"{rng.choice('aéß中ก')}{rng.randrange(10 ** rng.randint(1, 12))}" for _ in range(3000)]
    sizes = [*(rng.randrange(300) for _ in range(900)), *range(7), *([1] * 1500), 20_000, 0, 60_000, 3, 3, 90_000]
    rng.shuffle(sizes)
    texts = [" ".join(rng.choices(spelled, k=size)) for size in sizes]
    found, made = each(texts, 3), sketch(series(texts), 3)
    assert list(map(len, found)) == made["count"].to_list() == [len(shingles(text, 3)) for text in texts]
    for at in (*range(0, len(texts), 60), *(place for place, size in enumerate(sizes) if size > 10_000)):
        assert each([texts[at]], 3) == [found[at]]
        assert sketch(series([texts[at]]), 3).equals(made[at])


@pytest.mark.parametrize("word", ["x", "é", "中", "e\u0301", "?", "x" * 70])
@pytest.mark.parametrize("gap", ["", " ", "。"])
def test_long_texts_are_cut_without_a_trace(word: str, gap: str) -> None:
    text = gap.join([word] * (400_000 // len((word + gap).encode()) // 2)) + gap
    numbered = gap.join(f"{word}{number:07}" for number in range(40_000))
    for long in (text, numbered, "a " + text, text + numbered[:99]):
        rule = shingles(long, 5)
        found = each([long, "a", "a b " + long], 5)
        assert len(found[0]) == len(rule)
        assert sketch(series([long]), 5)["count"].item() == len(rule)
        assert len(rule) < 2 or {*found[0]} <= {*found[2]}
        some = sorted(rule)[:: max(1, len(rule) // 40)]
        assert {one for part in each(some, 5) for one in part} <= {*found[0]}


def test_what_memory_held_before_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["\u0301 a", "\u0e34中 b", "a b c d e f", "é" * 9, "?"]
    expected, empty = each(texts, 2), np.empty

    def used(*args: Any, **more: Any) -> Any:
        made = empty(*args, **more)
        made.view(np.uint8).fill(77)
        return made

    found = list[list[list[int]]]()
    monkeypatch.setattr(np, "empty", used)
    # Each thread has room of its own, made anew.
    fresh = threading.Thread(target=lambda: found.extend(each([text], 2) for text in texts))
    fresh.start()
    fresh.join()
    assert [one for part in found for one in part] == expected


def test_equal_sets_hash_equally_and_no_others() -> None:
    rng = random.Random(1)
    texts = [" ".join(rng.choices("abcdefgh", k=rng.randrange(1, 9))) for _ in range(20_000)]
    made = sketch(series(texts), 2)
    of = {frozenset(shingles(text, 2)) for text in texts}
    assert len(of) > 10_000
    assert made.select("hi", "lo").unique().height == made["hi"].n_unique() == made["lo"].n_unique() == len(of)
    # An order of words is no order of runs, and what is said twice is said once.
    one, other, again = (
        sketch(series(["a b c a b d a", "a b d a b c a", "a b c a b c a b d a"]), 2).select("hi", "lo").rows()
    )
    assert one == other == again


# --- how well they estimate -----------------------------------------------------------------------------------------


def pair(rng: random.Random, size: int, alike: float) -> tuple[str, str, float]:
    drawn = [f"{rng.getrandbits(60):x}" for _ in range(size)]
    both = round(size * alike)
    half = both + (size - both) // 2
    return " ".join(drawn[:half]), " ".join(drawn[:both] + drawn[half:]), both / size


@pytest.mark.parametrize("size", [3, 5, 10, 30, 60, 128, 300, 1000, 3000])
def test_the_share_of_equal_values_estimates_the_similarity(size: int) -> None:
    rng = random.Random(size)
    for alike in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        tries = max(40, min(800, 20_000 // size))
        pairs = [pair(rng, size, alike) for _ in range(tries)]
        true = pairs[0][2]
        values = sketch(series([text for one in pairs for text in one[:2]]), 1)["sketch"].to_numpy()
        shares = (values[::2] == values[1::2]).mean(axis=1)
        spread = float((true * (1 - true) / BINS) ** 0.5)
        assert abs(shares.mean() - true) <= 3 * 1.3 * spread / tries**0.5 + 2**-15
        assert shares.std() <= 1.3 * spread * (1 + 3 / (2 * tries) ** 0.5) + 1e-3


def test_beside_datasketch() -> None:
    rng = random.Random(11)
    ours, theirs = list[float](), list[float]()
    for size in (20, 100, 300):
        pairs = [pair(rng, size, alike) for alike in (0.2, 0.5, 0.8, 0.9) for _ in range(25)]
        values = sketch(series([text for one in pairs for text in one[:2]]), 1)["sketch"].to_numpy()
        ours += ((values[::2] == values[1::2]).mean(axis=1) - [true for *_, true in pairs]).tolist()
        for one, other, true in pairs:
            made = MinHash.bulk([[word.encode() for word in text.split()] for text in (one, other)], num_perm=BINS)
            theirs.append(made[0].jaccard(made[1]) - true)
    assert np.std(ours) <= 1.15 * np.std(theirs)
    assert abs(np.mean(ours)) <= 3 * np.std(theirs) / len(theirs) ** 0.5


def test_values_of_single_shingles_seldom_meet() -> None:
    values = sketch(series([f"word {number}" for number in range(20_000)]), 5)["sketch"].to_numpy()
    bands = np.ascontiguousarray(values).view(np.uint64)
    assert len(bands) - min(len(np.unique(bands[:, band])) for band in range(bands.shape[1])) <= 40  # 12 by chance
    share = (values[:10_000] == values[10_000:]).mean()
    assert share < 10 * 2**-16


# --- what is bad for it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda size: ["abcdefgh" * (size * 10_000)],
        lambda size: ["a " * (size * 40_000)],
        lambda size: [""] * (size * 40_000),
        lambda size: ["\u0301" * (size * 6_000)] * 4,
        lambda size: ["\u0e34" * (size * 30_000)],
        lambda size: ["👍🏽👩\u200d❤\ufe0f" * (size * 2_000)] * 4,
        lambda size: ["中文" * (size * 15_000)],
        lambda size: [" ".join(map(str, range(size * 10_000)))],
        lambda size: [f"order {number}" for number in range(size * 1_500)],
        lambda size: ["a\xad" * (size * 20_000)],
        lambda size: [("x" * 70 + " ") * (size * 1_000)],
        lambda size: ["?"] * (size * 1_500),
    ],
)
def test_nothing_takes_more_than_its_share(make: Callable[[int], list[str]]) -> None:
    sketch(series(["é"]), 5)
    taken = []
    for size in (1, 4, 16):
        texts = series(make(size))
        began = time.process_time()
        sketch(texts, 5)
        taken.append(time.process_time() - began)
    assert taken[2] <= max(0.05, 8 * taken[1], 40 * taken[0])  # 4 and 16 were it in proportion; 16 and 256 by squares
    assert taken[2] < 2


def test_another_byte_order_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "byteorder", "big")
    with pytest.raises(FtdataError, match="big"):
        sketch(series(["a"]), 5)
