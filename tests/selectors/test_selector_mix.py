"""`mix` takes sources in given proportions, as many rows as fit, and makes none."""

from __future__ import annotations

import json
import random
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
from ftdata.selectors.mix import Mix

SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=4)
WEIGHTS = st.sampled_from([1, 2, 3, 0.5, 0.25, 0.7, 0.1, 10, 0.333])


def talks(sizes: Sequence[int], chars: int = 0) -> list[Conversation]:
    """Make rows of the inputs `s0`, `s1` …; with `chars`, row n has n % chars more characters than the least."""
    return [
        Conversation(
            id=f"s{place}#{at + 1}",
            messages=(user(f"{place} {at:05}"), assistant("x" * (at % chars if chars else 1))),
            meta={"source": f"s{place}", "n": [place, at]},
        )
        for place, size in enumerate(sizes)
        for at in range(size)
    ]


def whole(rows: Sequence[Conversation]) -> Batch:
    return pl.concat(to_batches(row.model_copy(update={"row": i, "origin": (i,)}) for i, row in enumerate(rows, 1)))


def decide(stage: Mix, rows: Sequence[Conversation]) -> tuple[list[Conversation], pl.DataFrame]:
    batch = whole(rows)
    made = stage.select(stage.sketch(batch).lazy(), None).collect()  # type: ignore[arg-type]
    assert made.schema == {"row": pl.UInt64, "drop": pl.String, "note": pl.String, "told": pl.String}
    dropped = made.filter(pl.col("drop").is_not_null())  # a row that is kept may carry what is told
    assert set(dropped["drop"]) <= {"mixed-out"}
    gone = set(dropped["row"].to_list())
    return [row for at, row in enumerate(rows, 1) if at not in gone], made


def kept(stage: Mix, rows: Sequence[Conversation]) -> list[tuple[int, int]]:
    return sorted(tuple(row.meta["n"]) for row in decide(stage, rows)[0] if row.meta)


def counts(stage: Mix, rows: Sequence[Conversation], sources: int) -> list[int]:
    found = [place for place, _ in kept(stage, rows)]
    return [found.count(place) for place in range(sources)]


def tokens(row: Conversation) -> int:
    return max(1, -(-sum(len(m.content or "") for m in row.messages or ()) // 4))


def weighted(weights: Sequence[float]) -> dict[str, float]:
    return {f"s{place}": weight for place, weight in enumerate(weights)}


# --- how many ---------------------------------------------------------------------------------------------------------


def test_the_small_source_is_taken_whole():
    rows = talks([70, 120])
    assert counts(Mix(weights=weighted([0.7, 0.3])), rows, 2) == [70, 30]
    assert counts(Mix(weights=weighted([70, 30])), rows, 2) == [70, 30]
    assert counts(Mix(weights=weighted([0.1, 0.9])), rows, 2) == [13, 120]
    assert counts(Mix(weights=weighted([0.5, 0.5]), rows=50), rows, 2) == [25, 25]
    assert counts(Mix(weights=weighted([0.5, 0.5]), rows=5000), rows, 2) == [70, 70]


@settings(deadline=None, max_examples=60)
@given(SIZES, st.data())
def test_each_source_within_one_row_and_no_larger_mix_fits(sizes: list[int], data: st.DataObject):
    weights = [data.draw(WEIGHTS) for _ in sizes]
    left = counts(Mix(weights=weighted(weights)), talks(sizes), len(sizes))
    shares = [Fraction(str(weight)) for weight in weights]
    shares = [share / sum(shares) for share in shares]
    assert all(abs(count - share * sum(left)) < 1 for count, share in zip(left, shares, strict=True))
    assert any((sum(left) + 1) * share > size for share, size in zip(shares, sizes, strict=True))


@settings(deadline=None, max_examples=60)
@given(SIZES, st.integers(1, 90), st.data())
def test_tokens_as_near_as_whole_rows_come(sizes: list[int], chars: int, data: st.DataObject):
    weights = [data.draw(WEIGHTS) for _ in sizes]
    rows = talks(sizes, chars)
    left, _ = decide(Mix(weights=weighted(weights), unit="tokens"), rows)
    largest = max(map(tokens, rows))
    reached = [sum(tokens(row) for row in left if row.id.startswith(f"s{place}#")) for place in range(len(sizes))]
    there = [sum(tokens(row) for row in rows if row.id.startswith(f"s{place}#")) for place in range(len(sizes))]
    ideal = min(size / weight for size, weight in zip(there, weights, strict=True))
    for count, weight in zip(reached, weights, strict=True):
        assert abs(count - ideal * weight) <= largest / 2 + max(weights) / min(weights)


# --- which ones -------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(SIZES, st.integers(1, 60), st.sampled_from(["rows", "tokens"]), st.randoms(use_true_random=False))
def test_nested_and_the_same_in_any_order(sizes: list[int], most: int, unit: Any, chance: random.Random):
    rows, weights = talks(sizes, 30), weighted([1, 2.5, 0.4, 3][: len(sizes)])
    few = kept(Mix(weights=weights, rows=most, unit=unit), rows)
    more = kept(Mix(weights=weights, rows=most + 1, unit=unit), rows)
    assert set(few) <= set(more) and len(few) <= most
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert kept(Mix(weights=weights, rows=most, unit=unit), shuffled) == few


def test_seeds_differ():
    rows = talks([40, 40])
    assert len({tuple(kept(Mix(weights=weighted([1, 1]), rows=20, seed=seed), rows)) for seed in range(5)}) == 5


# --- sources ----------------------------------------------------------------------------------------------------------


def test_sources_by_meta():
    rows = talks([10, 10, 4])
    stage = Mix(by="source", weights={"s0": 1, "s1": 1}, others="drop", rows=6)
    assert counts(stage, rows, 3) == [3, 3, 0]
    bare = [row.model_copy(update={"meta": {"n": [9, at]}}) for at, row in enumerate(rows[:2])]
    with pytest.raises(RunError, match="2 rows come from sources without a weight"):
        decide(Mix(by="source", weights={"s0": 1, "s1": 1}), [*rows[:20], *bare])


@pytest.mark.parametrize("key", ["2025/box.zip", "box.zip", "in/2025/box.zip:a.csv", "2025/box.zip:a.csv"])
def test_a_folder_or_archive_is_named_for_all_its_files(key: str):
    name = "box.zip:a.csv" if key == "box.zip" else "2025/box.zip:a.csv"
    rows = [row.model_copy(update={"id": row.id.replace("s0", name)}) for row in talks([5, 5])]
    assert counts(Mix(weights={key: 1, "s1": 1}, rows=4), rows, 2) == [2, 2]


def test_unknown_sources_are_errors_that_list_what_was_seen():
    rows = talks([5, 5, 5])
    with pytest.raises(RunError, match=r"no row comes from 's'; sources seen: s0, s1, s2"):
        decide(Mix(weights={"s": 1, "s1": 1}), rows)
    with pytest.raises(RunError, match=r"did you mean 'tickets.csv'\?"):
        decide(Mix(weights={"ticket.csv": 1, "s1": 1}), [*rows, rows[0].model_copy(update={"id": "tickets.csv#1"})])
    with pytest.raises(RunError, match=r'5 rows come from .*; sources seen: s0, s1, s2; .* others = "drop"'):
        decide(Mix(weights={"s0": 1, "s1": 1}), rows)
    private = [row.model_copy(update={"meta": {"source": "ann@example.com", "n": [0, 0]}}) for row in rows]
    with pytest.raises(RunError, match="sources seen: none"):
        decide(Mix(by="source", weights={"s0": 1, "s1": 1}), private)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"a": 1}, "two sources or more"),
        ({"a": 1, "b": 0}, "b: 0 is no weight; give a number above 0"),
        ({"a": 1, "b": "2"}, "b: '2' is no weight"),
        ({"a": 1, "b": True}, "b: True is no weight"),
        ({"a": 1, "b": float("nan")}, "is no weight"),
        (["a", "b"], "must be a table of sources and weights"),
        ([("a", 1), ("a", 2)], "names a source twice"),
    ],
)
def test_settings(weights: Any, told: str):
    with pytest.raises(ValidationError, match=told):
        Mix(weights=weights)


def test_names_with_dots_need_no_quotes():
    assert Mix(weights={"tickets": {"csv": 0.7}, "b": 1}).weights == (("tickets.csv", 0.7), ("b", 1))
    assert Mix(weights={"a": 1, "b": 2}).reads_meta() == frozenset()
    assert Mix(by="x.y", weights={"a": 1, "b": 2}).reads_meta() == {"x", "x.y"}


# --- what is told -----------------------------------------------------------------------------------------------------


def test_notes_and_summary():
    stage = Mix(weights=weighted([0.7, 0.3]))
    _, made = decide(stage, talks([700, 1200]))
    assert set(made["note"]) == {"rows 700 of 700 + 300 of 1,200, tokens 1,400 of 1,400 + 600 of 2,400"}
    assert stage.summary(made) == {
        "wanted": {"s0": 0.7, "s1": 0.3},
        "reached": {"s0": 0.7, "s1": 0.3},
        "rows": {"s0": 700, "s1": 300},
        "tokens": {"s0": 1400, "s1": 600},
    }
    assert stage.summary(made.clear()) == {}


def test_a_mix_that_leaves_no_row_out_says_so():
    stage = Mix(weights=weighted([1, 3]))
    rows, made = decide(stage, talks([10, 30]))
    assert len(rows) == 40 and stage.summary(made)["rows"] == {"s0": 10, "s1": 30}
    assert stage.summary(made)["reached"] == {"s0": 0.25, "s1": 0.75}


def test_weights_that_cannot_be_added_up():
    with pytest.raises(ValidationError, match=r"too large to be added up; give shares"):
        Mix(weights={"a": 1e308, "b": 1e308})


def test_a_source_is_meant_that_has_no_weight_yet():
    with pytest.raises(RunError, match=r"no row comes from 's'; sources seen: s0, s1; did you mean 's1'\?"):
        decide(Mix(weights={"s0": 1, "s": 1}), talks([5, 5]))


def test_people_are_no_sources_to_be_listed():
    people = ("Ana Lima", "Rui Costa")
    rows = [row.model_copy(update={"meta": {"customer": people[n % 2]}}) for n, row in enumerate(talks([4]))]
    for weights in ({"Ana Lima": 1, "Eva": 1}, {"Eva": 1, "Zoe": 1}):
        with pytest.raises(RunError) as caught:
            decide(Mix(by="customer", weights=weights), rows)
        assert "Rui" not in str(caught.value) and "no row comes from '" in str(caught.value)


def test_a_field_that_no_row_has():
    with pytest.raises(RunError, match=r"no row comes from 'a'; .*; has any row the meta key 'sauce'\?"):
        decide(Mix(by="sauce", weights={"a": 1, "b": 1}), talks([5, 5]))


def test_sketches_are_small():
    sketch = Mix(weights=weighted([1, 1])).sketch(whole(talks([3000, 1000])))
    assert sketch.estimated_size() / sketch.height <= 40


def test_a_recipe(tmp_path: Path):
    for name, count in (("a.jsonl", 30), ("b.jsonl", 90)):
        lines = [
            {"messages": [{"role": "user", "content": f"{name} {n}"}, {"role": "assistant", "content": "ok"}]}
            for n in range(count)
        ]
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = """
[[read]]
use = "openai-chat"
path = "a.jsonl"
[[read]]
use = "openai-chat"
path = "b.jsonl"
[[step]]
use = "mix"
weights = { "a.jsonl" = 0.6, "b.jsonl" = 0.4 }
[[write]]
use = "openai-chat"
path = "out.jsonl"
"""
    (tmp_path / "r.toml").write_text(text)
    manifest = ftdata.run(tmp_path / "r.toml")
    made = [json.loads(line)["messages"][0]["content"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [sum(text.startswith(name) for text in made) for name in "ab"] == [30, 20]
    assert manifest.dropped == {"mix": {"mixed-out": 70}} and manifest.rows == manifest.written + manifest.dropped_rows
    (tmp_path / "r.toml").write_text(text.replace('"b.jsonl" = 0.4', '"c.jsonl" = 0.4'))
    with pytest.raises(RunError, match=r"no row comes from 'c.jsonl'; sources seen: a.jsonl, b.jsonl"):
        ftdata.run(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text(text.replace('"b.jsonl" = 0.4', '"b.jsonl" = -1'))
    with pytest.raises(RecipeError, match=r"r.toml: step 1 \(mix\): weights: .*b.jsonl: -1 is no weight"):
        ftdata.run(tmp_path / "r.toml")


def test_fewer_rows_than_a_share_of_tokens_needs_keep_none():
    rows, made = decide(Mix(weights=weighted([1, 1, 1, 1]), rows=1, unit="tokens"), talks([1, 3, 1, 9]))
    assert rows == []
    assert set(Mix(weights=weighted([1, 1, 1, 1])).summary(made)["reached"].values()) == {0}
