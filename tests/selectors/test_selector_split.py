from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.errors import RunError
from ftdata.selectors.split import Split


def whole(rows: Sequence[Conversation]) -> Batch:
    named = [row.model_copy(update={"row": i, "id": f"f#{i}", "origin": (i,)}) for i, row in enumerate(rows, 1)]
    return pl.concat(to_batches(named))


class Held(NamedTuple):
    """The rows of a test, and what earlier runs wrote, by file name."""

    rows: Batch
    written: dict[str, Batch] = {}

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        yield from self.rows.filter(pl.col("row").is_in(list(numbers))).sort("row").iter_slices(10)

    def tick(self) -> None:
        """Nobody stops a test."""

    def earlier(self, path: Path) -> Iterator[Batch]:
        for name, batch in self.written.items():
            yield from batch.with_columns(id=pl.format("{}#{}", pl.lit(name), "row")).iter_slices(3)


def decide(
    stage: Split, batch: Batch, size: int = 4096, written: dict[str, Sequence[Conversation]] | None = None
) -> pl.DataFrame:
    sketches = pl.concat(stage.sketch(batch.slice(at, size)) for at in range(0, batch.height, size))
    held = Held(batch, {name: whole(rows) for name, rows in (written or {}).items()})
    made = stage.select(sketches.lazy(), held).collect().sort("row")
    flags = {"flags": pl.List(pl.String)} if stage.time is not None else {}
    assert made.schema == {"row": pl.UInt64, "split": pl.String, "drop": pl.String, "note": pl.String, **flags}
    assert made["row"].to_list() == batch["row"].sort().to_list()
    return made


def sides(stage: Split, rows: Sequence[Conversation]) -> list[str]:
    return decide(stage, whole(rows))["split"].to_list()


def talk(question: str | None, **meta: Any) -> Conversation:
    return Conversation(messages=(user(question or ""), assistant("r")), meta=meta or None)


def many(count: int) -> list[Conversation]:
    return [talk(f"question {number}") for number in range(count)]


def test_shares_are_kept_by_chance_of_the_hash_from_200_rows_on() -> None:
    counts = Counter(sides(Split(validation=0.2, test=0.1), many(5000)))
    # Four standard deviations of a binomial of 5,000.
    assert abs(counts["validation"] - 1000) < 113
    assert abs(counts["test"] - 500) < 85
    assert counts.total() == 5000


def test_an_old_row_keeps_its_side_when_rows_come_and_go() -> None:
    rows = many(1200)
    stage = Split(validation=0.2, test=0.1)
    every = dict(zip((row.messages[0].content for row in rows if row.messages), sides(stage, rows), strict=True))
    some = [row for number, row in enumerate(rows) if number % 3]
    random.Random(1).shuffle(some)
    for row, side in zip(some, sides(stage, some), strict=True):
        assert row.messages is not None and every[row.messages[0].content] == side


def test_changing_one_share_moves_no_row_between_validation_and_test() -> None:
    for rows in (many(1000), many(100)):
        small = sides(Split(validation=0.1, test=0.1), rows)
        for stage in (Split(validation=0.3, test=0.1), Split(validation=0.1, test=0.3)):
            moved = {(old, new) for old, new in zip(small, sides(stage, rows), strict=True) if old != new}
            assert len(moved) == 1 and {old for old, _ in moved} == {"train"}


def test_the_seed_decides() -> None:
    rows = many(400)
    assert sides(Split(seed=1), rows) == sides(Split(seed=1), rows)
    assert sides(Split(seed=1), rows) != sides(Split(seed=2), rows)


@pytest.mark.parametrize(
    ("count", "validation", "test", "expected"),
    [
        (199, 0.1, 0.0, (20, 0)),
        (176, 0.1, 0.1, (18, 18)),
        (10, 0.1, 0.1, (1, 1)),
        (10, 0.25, 0.0, (3, 0)),
        (3, 0.1, 0.1, (1, 1)),
        (2, 0.1, 0.0, (1, 0)),
        (50, 0.0, 0.5, (0, 25)),
    ],
)
def test_sizes_are_exact_under_200_rows(count: int, validation: float, test: float, expected: tuple[int, int]) -> None:
    stage = Split(validation=validation, test=test)
    made = decide(stage, whole(many(count)))
    counts = Counter(made["split"].to_list())
    assert (counts["validation"], counts["test"]) == expected
    told = stage.summary(made)
    assert told["sizes"] == "exact"
    assert told["rows"] == {side: n for side in ("train", "validation", "test") if (n := counts[side])}
    assert stage.summary(decide(Split(), whole(many(200))))["sizes"] == "by hash"


def test_equal_questions_stand_on_one_side() -> None:
    asked = [("Where is my order?", "WHERE  is my order", "where is\nmy order…"), ("a-b", "A b."), ("???", " ??? ")]
    noise = many(150)
    for seed in range(10):
        rows = [talk(text) for group in asked for text in group]
        got = iter(sides(Split(validation=0.4, seed=seed), rows + noise))
        for group in asked:
            assert len({next(got) for _ in group}) == 1


def test_rows_without_a_users_text_are_split_too() -> None:
    rows = [Conversation(messages=(assistant(f"a{n}"),)) for n in range(300)]
    rows += [Conversation(messages=None, extra={"n": n}) for n in range(20)]
    rows += [
        Conversation(messages=(Message(role="user", parts=[{"type": "image_url", "image_url": {"url": f"u{n}"}}]),))
        for n in range(300)
    ]
    assert set(sides(Split(validation=0.4), rows)) == {"train", "validation"}
    assert 50 < sides(Split(validation=0.4), rows)[:300].count("validation") < 250


def test_groups_are_never_torn() -> None:
    for count in (120, 900):
        rows = [talk(f"question {n}", customer=f"c{n % 31}") for n in range(count)]
        made = sides(Split(validation=0.3, test=0.2, group="customer"), rows)
        by_group: dict[int, set[str]] = {}
        for number, side in enumerate(made):
            by_group.setdefault(number % 31, set()).add(side)
        assert all(len(found) == 1 for found in by_group.values())
        assert set(made) == {"train", "validation", "test"}


def test_group_values_are_one_as_number_and_text_and_paths_lead_inside() -> None:
    rows = [talk(f"question {n}", who={"id": n % 20 if n % 2 else str(n % 20)}) for n in range(100)]
    rows += [talk(f"other {n}", who={"id": f" {n % 20} "}) for n in range(100)]
    made = sides(Split(validation=0.3, group="who.id"), rows)
    assert all(len({side for n, side in enumerate(made) if n % 20 == who}) == 1 for who in range(20))
    assert Split(group="who.id").reads_meta() == {"who", "who.id"}
    assert Split().reads_meta() == frozenset()


def test_a_row_without_the_group_key_goes_by_its_question() -> None:
    rows = [talk(f"question {n}", customer=n % 40) if n % 2 else talk(f"question {n}") for n in range(400)]
    made = sides(Split(validation=0.3, group="customer"), rows)
    plain = sides(Split(validation=0.3), rows)
    assert all(made[n] == plain[n] for n in range(0, 400, 2))


def test_a_question_known_on_a_guarded_side_is_dropped_from_the_other() -> None:
    rows = [talk("The same question!" if n % 5 == 0 else f"question {n}", customer=n) for n in range(600)]
    made = decide(Split(validation=0.2, test=0.1, group="customer"), whole(rows))
    same = made[::5]
    guarded = same.filter(pl.col("split") == "test")
    assert guarded["drop"].null_count() == guarded.height > 0
    others = same.filter(pl.col("split") != "test")
    assert set(others["split"]) == {"train", "validation"}
    assert others["drop"].to_list() == ["leak"] * others.height
    assert set(others["note"]) == {f"twin row {guarded['row'].min()}"}
    assert made.filter(pl.col("row") % 5 != 1)["drop"].null_count() == 480
    told = Split(group="customer").summary(made)
    assert told["leaks"] == {"before": others.height, "after": 0}
    assert told["leaks by kind"] == {"same question": others.height}
    assert told["leak rate"] == f"{others.height / 6:.2f} % before, 0 % after"
    assert sum(told["rows"].values()) == 600 - others.height


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (many(1), "validation would be empty: 1 row with 1 different question; split more of them, or leave"),
        ([talk("same")] * 50, "validation would be empty: 50 rows with 1 different question; split more"),
        ([talk("same")] * 500, "would be empty: 500 rows with 1 different question; split more"),
    ],
)
def test_an_empty_side_is_an_error(rows: list[Conversation], told: str) -> None:
    with pytest.raises(RunError) as caught:
        decide(Split(), whole(rows))
    assert told in str(caught.value)


def test_a_group_that_no_row_has_is_an_error_with_the_keys_seen() -> None:
    rows = [talk("q", Customer="secret-1", status="open"), talk("r", csat=4), talk("s", customer="")]
    with pytest.raises(RunError) as caught:
        decide(Split(group="custmer"), whole(rows), size=2)
    told = str(caught.value)
    assert "'custmer'" in told and "did you mean 'customer'?" in told
    assert "Keys seen: Customer, csat, customer, status" in told and "secret" not in told
    with pytest.raises(RunError, match="no row has the meta key 'x'"):
        decide(Split(group="x"), whole(many(5)))


ROWS = st.lists(
    st.builds(talk, st.none() | st.sampled_from(["", "a", "A!", "b", "c", "😀", "مرحبا"]), customer=st.integers(0, 4)),
    min_size=8,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 7), st.randoms(use_true_random=False), st.sampled_from([None, "customer"]))
def test_decisions_do_not_depend_on_batches_or_their_order(
    rows: list[Conversation], size: int, chance: random.Random, group: str | None
) -> None:
    batch, stage = whole(rows), Split(validation=0.3, test=0.2, group=group)
    order = list(range(batch.height))
    chance.shuffle(order)

    def tell(part: Batch, size: int = 4096) -> list[Any] | str:
        try:
            return decide(stage, part, size).rows()
        except RunError as error:
            return str(error)

    assert tell(batch[order], size) == tell(batch)


def test_sketches_are_small_and_say_nothing() -> None:
    batch = whole([talk(f"question {n}", customer=n) for n in range(100)])
    for stage, bound in [
        (Split(threshold="off"), 24),
        (Split(threshold="off", group="customer"), 48),
        (Split(), 24),
        (Split(threshold="off", group=("customer", "x"), stratify="y", earlier=(Path("x"),)), 75),
        (Split(threshold="off", time="z"), 70),
    ]:
        sketch = stage.sketch(batch)
        assert sketch.estimated_size() <= bound * 100
        assert "question" not in str(sketch.rows())
        assert stage.sketch(batch.clear()).schema == sketch.schema
        assert stage.select(stage.sketch(batch.clear()).lazy(), None).collect().height == 0  # type: ignore[arg-type]


def test_the_side_is_the_same_tomorrow() -> None:
    # Pinned: another value would move every user's rows between sides with an upgrade.
    made = sides(Split(validation=0.4, test=0.3, seed=7), [talk(f"q{n}") for n in range(12)] * 20)
    assert [n for n, side in enumerate(made[:12]) if side == "validation"] == [1, 2, 3, 8, 9, 10]
    assert [n for n, side in enumerate(made[:12]) if side == "test"] == [0, 5, 6, 7, 11]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"validation": 0}, "nothing is split off"),
        ({"validation": 0.6, "test": 0.4}, "leave nothing for train"),
        ({"validation": 1}, "less than 1"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"group": ""}, "at least 1 character"),
        ({"group": ()}, "at least 1 item"),
        ({"on": ()}, "at least 1 item"),
        ({"on": "system"}, "conversation"),
        ({"threshold": 0.2}, "greater than or equal to 0.5"),
        ({"threshold": "no"}, "'off'"),
        ({"test_from": "2025-01-01"}, "time: is missing"),
        ({"time": "t", "stratify": "s"}, "stratify: cannot be kept"),
        ({"time": "t", "test_from": "soon"}, "test_from: 'soon' is no date"),
        ({"day_first": True}, "day_first: says how to read a time"),
        ({"time": "t", "test_from": "2025-01-01", "validation_from": "2025-02-01"}, "must be before test_from"),
    ],
)
def test_mistakes_are_told(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Split(**fields)
    assert told in str(caught.value)


def test_the_summary_takes_a_row_that_could_not_be_sketched_for_no_leak() -> None:
    made = decide(Split(validation=0.2), whole(many(199)))
    lost = pl.DataFrame({"row": pl.Series([200, 201], dtype=pl.UInt64), "drop": ["ValueError"] * 2})
    told = Split(validation=0.2).summary(pl.concat([made, lost], how="diagonal"))
    assert told == {"rows": {"train": 159, "validation": 40}, "leaks": {"before": 0, "after": 0}, "sizes": "exact"}
