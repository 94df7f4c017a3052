"""`downsample` keeps fewer rows: which ones follows from their content, how many from the classes."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import ftdata
from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.errors import RecipeError, RunError
from ftdata.selectors.apportion import dealt
from ftdata.selectors.downsample import Downsample

SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=6)


def talks(sizes: Sequence[int], bare: int = 0) -> list[Conversation]:
    """Make rows of classes "0", "1" … with so many rows each, and some without a class; no two say the same."""
    names = [str(place) for place, size in enumerate(sizes) for _ in range(size)] + [None] * bare
    return [
        Conversation(messages=(user(f"question {at}"), assistant(f"answer {at} {name}")), meta={"kind": name, "n": at})
        for at, name in enumerate(names)
    ]


def whole(rows: Sequence[Conversation]) -> Batch:
    named = [row.model_copy(update={"row": i, "id": f"f#{i}", "origin": (i,)}) for i, row in enumerate(rows, 1)]
    return pl.concat(to_batches(named))


def decide(stage: Downsample, rows: Sequence[Conversation]) -> tuple[list[Conversation], pl.DataFrame]:
    """Give the rows that are kept, and the decisions."""
    batch = whole(rows)
    made = stage.select(stage.sketch(batch).lazy(), None).collect()  # type: ignore[arg-type]
    assert made.schema == {"row": pl.UInt64, "drop": pl.String, "note": pl.String, "told": pl.String}
    dropped = made.filter(pl.col("drop").is_not_null())  # a row that is kept may carry what is told
    assert set(dropped["drop"]) <= {"downsampled"}
    gone = set(dropped["row"].to_list())
    return [row for at, row in enumerate(rows, 1) if at not in gone], made


def kept(stage: Downsample, rows: Sequence[Conversation]) -> list[int]:
    return sorted(row.meta["n"] for row in decide(stage, rows)[0] if row.meta)


def counts(stage: Downsample, sizes: Sequence[int], bare: int = 0) -> list[int]:
    """Give how many rows of each class stay, and how many without one."""
    found = Counter(row.meta["kind"] for row in decide(stage, talks(sizes, bare))[0] if row.meta)
    return [found[str(place)] for place in range(len(sizes))] + ([found[None]] if bare else [])


# --- how many ---------------------------------------------------------------------------------------------------------


def test_caps():
    assert counts(Downsample(by="kind", most=10), [25, 10, 3], 7) == [10, 10, 3, 7]
    assert counts(Downsample(by="kind", to="smallest"), [25, 10, 3], 7) == [3, 3, 3, 7]
    assert counts(Downsample(by="kind", to="median"), [25, 10, 3]) == [10, 10, 3]
    assert counts(Downsample(by="kind", to="median"), [25, 12, 10, 3]) == [10, 10, 10, 3]
    assert counts(Downsample(by="kind", most_share=0.5), [90, 10, 20]) == [30, 10, 20]
    assert counts(Downsample(by="kind", most_share=0.8), [70, 30]) == [70, 30]
    assert counts(Downsample(rows=7), [5, 5]) in ([a, 7 - a] for a in range(6))
    assert counts(Downsample(by="kind", rows=500), [25, 10], 3) == [25, 10, 3]


@given(SIZES, st.integers(1, 99))
def test_the_share_holds_and_one_row_more_would_break_it(sizes: list[int], percent: int):
    share, stage = Fraction(percent, 100), Downsample(by="kind", most_share=percent / 100, diverse=False)
    if share * len(sizes) < 1:
        with pytest.raises(RunError, match=r"cannot each have at most|there is one class only"):
            counts(stage, sizes)
        return
    left = counts(stage, sizes)
    cap = max(left)
    assert left == [min(size, cap) for size in sizes] and cap <= share * sum(left)
    assert cap == max(sizes) or cap + 1 > share * sum(min(size, cap + 1) for size in sizes)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8).filter(any), st.data())
def test_dealt_in_proportion_and_nested(weights: list[int], data: st.DataObject):
    total = data.draw(st.integers(0, 3 * sum(weights)))
    now, more = dealt(weights, total), dealt(weights, total + 1)
    assert sum(now) == total
    assert all(
        abs(count - Fraction(total * weight, sum(weights))) < 1 for count, weight in zip(now, weights, strict=True)
    )
    assert all(a <= b for a, b in zip(now, more, strict=True))


def test_dealt_where_largest_remainders_take_a_seat_away():
    # Of 10 seats the third has 2 by largest remainders (4.29, 4.29, 1.43), of 11 only 1 (4.71, 4.71, 1.57).
    ten, eleven = (dealt([6, 6, 2], seats) for seats in (10, 11))
    assert all(a <= b for a, b in zip(ten, eleven, strict=True)) and sum(eleven) == 11


@settings(deadline=None, max_examples=30)
@given(SIZES, st.integers(0, 9), st.integers(1, 60))
def test_rows_in_proportion(sizes: list[int], bare: int, rows: int):
    left, total = counts(Downsample(by="kind", rows=rows, diverse=False), sizes, bare), sum(sizes) + bare
    assert sum(left) == min(rows, total)
    for count, size in zip(left, [*sizes, bare], strict=False):
        assert abs(count - Fraction(min(rows, total) * size, total)) < 1


# --- which ones -------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(SIZES, st.integers(1, 20), st.booleans(), st.randoms(use_true_random=False))
def test_nested_and_the_same_in_any_order(sizes: list[int], most: int, diverse: bool, chance: random.Random):
    rows = talks(sizes, 3)
    few = kept(Downsample(by="kind", most=most, diverse=diverse), rows)
    more = kept(Downsample(by="kind", most=most + 3, diverse=diverse), rows)
    assert set(few) <= set(more)
    total = min(most, len(rows) - 1)
    assert set(kept(Downsample(by="kind", rows=total), rows)) <= set(kept(Downsample(by="kind", rows=total + 1), rows))
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert kept(Downsample(by="kind", most=most, diverse=diverse), shuffled) == few


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 40), st.integers(1, 20), st.integers(1, 10))
def test_new_rows_only_push_old_ones_out(old: int, new: int, most: int):
    rows = talks([old + new])
    stage = Downsample(by="kind", most=most, diverse=False)
    assert set(kept(stage, rows)) & set(range(old)) <= set(kept(stage, rows[:old]))


def test_seeds_differ():
    rows = talks([60])
    made = {tuple(kept(Downsample(by="kind", most=20, seed=seed), rows)) for seed in range(5)}
    assert len(made) == 5


def test_every_row_has_the_same_chance():
    rows = talks([20])
    found = Counter(
        n for seed in range(300) for n in kept(Downsample(by="kind", most=5, diverse=False, seed=seed), rows)
    )
    # 300 draws at 1/4: mean 75, standard deviation 7.5.
    assert len(found) == 20 and all(40 < count < 110 for count in found.values())


def near(cluster: int, number: int) -> Conversation:
    words = [f"w{cluster}x{at}" for at in range(120)]
    words[3] = f"n{number}"
    return Conversation(
        messages=(user(" ".join(words)), assistant("ok")), meta={"kind": "a", "n": 100 * cluster + number}
    )


def test_clusters_of_near_duplicates_take_turns():
    rows = [near(0, n) for n in range(30)] + [near(1, n) for n in range(5)] + [near(2, n) for n in range(2)]
    for most, expected in ((3, {0: 1, 1: 1, 2: 1}), (6, {0: 2, 1: 2, 2: 2}), (10, {0: 4, 1: 4, 2: 2})):
        left = Counter(n // 100 for n in kept(Downsample(by="kind", most=most), rows))
        assert left == expected
    alone = Counter(n // 100 for n in kept(Downsample(by="kind", most=10, diverse=False), rows))
    assert alone[0] >= 7


def test_clusters_of_near_dedup_take_turns():
    rows = [
        row.model_copy(update={"meta": {**(row.meta or {}), "near-dedup": {"cluster": at % 3, "similarity": 1.0}}})
        for at, row in enumerate(talks([30]))
    ]
    assert Counter(n % 3 for n in kept(Downsample(by="kind", most=6), rows)) == {0: 2, 1: 2, 2: 2}


def test_equal_rows_are_one_cluster():
    same = Conversation(messages=(user("a"), assistant("b")), meta={"kind": "a", "n": 0})
    rows = [same] * 20 + talks([3])[:3]
    left = decide(Downsample(rows=4), rows)[0]
    assert sum(row.messages == same.messages for row in left) == 1


def test_labels():
    rows = [
        Conversation(messages=(user(f"q {at}"), assistant(label)), meta={"n": at}) for at, label in enumerate("aaabbc")
    ]
    assert len(kept(Downsample(by="label", most=1), rows)) == 3


def test_inner_keys_and_numbers_are_classes():
    rows = [
        Conversation(messages=(user(f"q {at}"),), meta={"n": at, "a": {"b": kind}})
        for at, kind in enumerate([7, "7", " 7", None, ""])
    ]
    assert (
        set(kept(Downsample(by="a.b", most=1), rows)) >= {3, 4} and len(kept(Downsample(by="a.b", most=1), rows)) == 3
    )


# --- what is told -----------------------------------------------------------------------------------------------------


def test_notes_and_summary_count_and_name_nothing():
    stage = Downsample(by="kind", most=1000)
    _, made = decide(stage.model_copy(update={"most": 10}), talks([1200, 30, 4], 2))
    assert made["note"].value_counts(sort=True).rows() == [
        ("class rank 1: 10 of 1,200 kept", 1190),
        ("class rank 2: 10 of 30 kept", 20),
    ]
    told = {"classes": 3, "cut": 2, "kept": {"class 1 of 1,200 rows:": 10, "class 2 of 30 rows:": 10}}
    assert stage.summary(made) == told
    _, made = decide(Downsample(rows=3), talks([5]))
    assert set(made["note"]) == {"3 of 5 kept"} and Downsample(rows=3).summary(made) == {"kept": "3 of 5"}
    _, made = decide(Downsample(by="kind", rows=5), talks([5], 5))
    assert "no class: " in "".join(made["note"]) and stage.summary(made.clear()) == {}


def test_what_cuts_nothing_says_so():
    for stage, told in (
        (Downsample(by="kind", most=1000), {"classes": 2, "cut": 0}),
        (Downsample(rows=1000), {"kept": "9 of 9"}),
    ):
        rows, made = decide(stage, talks([5, 3], 1))
        assert len(rows) == 9 and stage.summary(made) == told


def test_long_answers_are_no_labels():
    rows = [Conversation(messages=(user(f"q{n}"), assistant("word " * 20))) for n in range(3)]
    with pytest.raises(RunError, match="by: the answers of the assistant are not labels; name a meta field"):
        decide(Downsample(by="label", most=1), rows)


def test_a_share_that_cannot_be_reached():
    with pytest.raises(RunError, match=r"3 classes cannot each have at most 0\.3 of the rows; write 0\.3334 or more"):
        decide(Downsample(by="kind", most_share=0.3), talks([5, 3, 9]))
    assert counts(Downsample(by="kind", most_share=0.3334), [5000, 3000, 9000]) == [3001, 3000, 3001]
    with pytest.raises(RunError, match=r"there is one class only.*; use most or rows, or another field `by`"):
        decide(Downsample(by="kind", most_share=0.3), talks([5]))


def test_a_field_that_no_row_has():
    with pytest.raises(RunError, match=r"no row has the meta key 'kin'; keys seen: kind, n; did you mean 'kind'\?"):
        decide(Downsample(by="kin", most=3), talks([5]))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "nothing says how many rows to keep; give one of most, most_share, to and rows"),
        ({"by": "a", "most": 3, "to": "median"}, "most and to are given; give one of"),
        ({"most": 3}, "most caps classes, and none are named"),
        ({"by": "a", "most_share": 1.0}, "most_share"),
        ({"by": "a", "to": "largest"}, "to"),
    ],
)
def test_settings(fields: dict[str, Any], told: str):
    with pytest.raises(ValidationError, match=told):
        Downsample(**fields)


def test_reads_only_the_field_and_the_tags():
    assert Downsample(by="a.b", most=3).reads_meta() == {"a", "a.b", "near-dedup"}
    assert Downsample(rows=3, diverse=False).reads_meta() == frozenset()


def test_sketches_are_small():
    stage = Downsample(by="kind", most=3)
    sketch = stage.sketch(whole(talks([3000])))
    assert sketch.drop("told").estimated_size() / sketch.height <= 48.5
    assert sketch.estimated_size() / sketch.height <= 66  # of which 16 for `told` in memory, 8 on disk


def test_a_recipe(tmp_path: Path):
    lines = [
        {"messages": [{"role": "user", "content": f"q {n}"}, {"role": "assistant", "content": "xyz"[n % 7 % 3]}]}
        for n in range(70)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = """
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[step]]
use = "downsample"
by = "label"
most_share = 0.34
[[write]]
use = "openai-chat"
path = "out.jsonl"
"""
    (tmp_path / "r.toml").write_text(text)
    manifest = ftdata.run(tmp_path / "r.toml")
    made = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    found = Counter(row["messages"][1]["content"] for row in made)
    assert set(found.values()) == {20} and manifest.dropped == {"downsample": {"downsampled": 10}}
    assert manifest.rows == 70 == manifest.written + manifest.dropped_rows
    (tmp_path / "r.toml").write_text(text.replace("most_share = 0.34", "most = 3\nrows = 4"))
    with pytest.raises(RecipeError, match=r"r.toml: step 1 \(downsample\): most and rows are given; give one of"):
        ftdata.run(tmp_path / "r.toml")
