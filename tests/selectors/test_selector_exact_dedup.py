from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.selectors.exact_dedup import ExactDedup, canonical, digests


def whole(rows: Sequence[Conversation]) -> Batch:
    named = [row.model_copy(update={"row": i, "id": f"f#{i}", "origin": (i,)}) for i, row in enumerate(rows, 1)]
    return pl.concat(to_batches(named))


def decide(stage: ExactDedup, batch: Batch, size: int = 4096) -> dict[int, tuple[str, str]]:
    sketches = pl.concat(stage.sketch(batch.slice(at, size)) for at in range(0, batch.height, size))
    made = stage.select(sketches.lazy(), None).collect()  # type: ignore[arg-type]
    assert made.schema == {"row": pl.UInt64, "drop": pl.String, "note": pl.String}
    return {row: (drop, note) for row, drop, note in made.rows()}


def dropped(stage: ExactDedup, rows: Sequence[Conversation]) -> dict[int, int]:
    made = decide(stage, whole(rows))
    assert {drop for drop, _ in made.values()} <= {"duplicate"}
    return {row: int(note.removeprefix("twin row ")) for row, (_, note) in made.items()}


def talk(question: str, answer: str, **fields: Any) -> Conversation:
    return Conversation(messages=(user(question), assistant(answer)), **fields)


def test_keeps_one_of_each() -> None:
    rows = [talk("a", "b"), talk("c", "d"), talk("a", "b"), talk("a", "b"), talk("a", "x")]
    assert dropped(ExactDedup(), rows) == {3: 1, 4: 1}
    assert dropped(ExactDedup(keep="last"), rows) == {1: 4, 3: 4}
    assert dropped(ExactDedup(keep="longest"), rows) == {3: 1, 4: 1}


def test_on_question_and_answer() -> None:
    rows = [talk("a", "b"), talk("a", "longer"), talk("c", "b"), Conversation(messages=(system("s"), user("a")))]
    assert dropped(ExactDedup(on="question"), rows) == {2: 1, 4: 1}
    assert dropped(ExactDedup(on="question", keep="longest"), rows) == {1: 2, 4: 2}
    assert dropped(ExactDedup(on="answer"), rows) == {3: 1}


def test_rows_that_say_nothing_are_nobodys_duplicates() -> None:
    silent = [
        Conversation(messages=None),
        Conversation(messages=()),
        Conversation(messages=(assistant("x"),)),
        Conversation(messages=(user(""), assistant("y"))),
        Conversation(messages=(user("  "), assistant("z"))),
    ]
    assert dropped(ExactDedup(on="question"), silent) == {}
    assert dropped(ExactDedup(on="conversation"), [*silent, silent[0], silent[1]]) == {6: 1, 7: 2}


def test_normalise() -> None:
    rows = [talk("Hello  World\n", "b"), talk("hello world", "B"), talk("hello, world", "b")]
    assert dropped(ExactDedup(), rows) == {}
    assert dropped(ExactDedup(normalise="space-case"), rows) == {2: 1}


PICTURES = [[{"type": "image_url", "image_url": {"url": url}}] for url in ("a", "b")]
CALLS = [[{"id": "1", "type": "function", "function": {"name": name, "arguments": "{}"}}] for name in ("f", "g")]
BASE = Conversation(messages=(user("q"), assistant("r")))


@pytest.mark.parametrize(
    "other",
    [
        Conversation(messages=(user("q"), assistant("R"))),
        Conversation(messages=(system("q"), assistant("r"))),
        Conversation(messages=(user("q"), assistant("r"), user("r"))),
        Conversation(messages=(user("q", name="n"), assistant("r"))),
        Conversation(messages=(user("q"), assistant("r", weight=0))),
        Conversation(messages=(user("q"), assistant("r", tool_calls=CALLS[0]))),
        Conversation(messages=(user("q"), assistant("r", extra={"refusal": "x"}))),
        Conversation(messages=(user("q"), assistant("r")), rejected=(assistant("x"),), answer_at=1),
        Conversation(messages=(user("q"), assistant("r")), tools=[{"type": "function"}]),
        Conversation(messages=(user("q"), assistant("r")), extra={"label": "x"}),
        Conversation(messages=(user("q"), Message(role="assistant"))),
        Conversation(messages=(user("q"), assistant(""))),
        Conversation(messages=(Message(role="user", parts=PICTURES[0]), assistant("r"))),
    ],
)
def test_any_difference_keeps_both(other: Conversation) -> None:
    assert dropped(ExactDedup(), [BASE, other, other]) == {3: 2}
    again = BASE.model_copy(update={"meta": {"ticket": 1}, "flags": ("x",), "split": "train"})
    assert dropped(ExactDedup(), [BASE, other, again]) == {3: 1}


def test_pictures_and_calls_count_as_question_and_answer() -> None:
    asked = [Conversation(messages=(Message(role="user", parts=parts), assistant("r"))) for parts in PICTURES]
    assert dropped(ExactDedup(on="question"), [*asked, asked[1]]) == {3: 2}
    made = [Conversation(messages=(user("q"), Message(role="assistant", tool_calls=calls))) for calls in CALLS]
    assert dropped(ExactDedup(on="answer"), [*made, made[0]]) == {3: 1}


def test_no_text_can_imitate_a_boundary() -> None:
    one = Conversation(messages=(user("a"), user("b")))
    whole_text = canonical(whole([one]))[0]
    tries = ["a~~~~~~~4:user1:b", "a1:b", "~", "1:a", str(whole_text)]
    rows = [one, *(Conversation(messages=(user(text),)) for text in tries), Conversation(messages=(user("ab"),))]
    for on in ("conversation", "question"):
        assert dropped(ExactDedup(on=on), rows) == {}


TEXTS = st.sampled_from(["", "a", "A ", "b", "😀", "مرحبا"]) | st.none()
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant"]),
    content=TEXTS,
    weight=st.sampled_from([None, 1]),
    parts=st.sampled_from([None, None, PICTURES[0]]),
)
ROWS = st.lists(
    st.builds(
        Conversation,
        messages=st.none() | st.lists(MESSAGES, max_size=2).map(tuple),
        rejected=st.none() | st.just((assistant("x"),)),
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_agrees_with_a_dictionary_whatever_the_batches_and_their_order(
    rows: list[Conversation], size: int, chance: random.Random
) -> None:
    first: dict[str, int] = {}
    expected = {}
    for number, row in enumerate(rows, 1):
        kept = first.setdefault(row.model_dump_json(), number)
        if kept != number:
            expected[number] = ("duplicate", f"twin row {kept}")
    batch = whole(rows)
    assert decide(ExactDedup(), batch, size) == expected
    order = list(range(batch.height))
    chance.shuffle(order)
    for stage in (ExactDedup(), ExactDedup(on="question", keep="longest"), ExactDedup(on="answer", keep="last")):
        assert decide(stage, batch[order], size) == decide(stage, batch)


def test_sketches_are_small_and_say_nothing() -> None:
    batch = whole([talk(f"secret {n}", "b") for n in range(100)])
    sketch = ExactDedup(keep="longest").sketch(batch)
    assert sketch.estimated_size() <= 40 * 100
    assert all(kind.is_integer() for kind in sketch.dtypes)


def test_the_hash_is_xxh3() -> None:
    # The value of the empty input, as in xxHash's own documentation and tests.
    hi, lo = digests(pl.Series(["", None], dtype=pl.String))
    assert f"{hi[0]:016x}{lo[0]:016x}" == "99aa06d3014798d86001c324468d497f"
    assert hi[1] is None and lo[1] is None


def test_an_empty_batch_and_no_rows() -> None:
    empty = whole([BASE]).clear()
    for stage in (ExactDedup(), ExactDedup(on="answer", normalise="space-case", keep="longest")):
        assert stage.sketch(empty).schema == stage.sketch(whole([BASE])).schema
        assert decide_none(stage, empty) == 0
        assert stage.reads_meta() == frozenset()


def decide_none(stage: ExactDedup, empty: Batch) -> int:
    return stage.select(stage.sketch(empty).lazy(), None).collect().height  # type: ignore[arg-type]
