from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from pydantic import ValidationError

from ftdata import flow
from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, assistant, system, user
from ftdata.errors import RunError
from ftdata.recipe import Recipe
from ftdata.selectors.contradictions import Contradictions


class Held(NamedTuple):
    """The rows of a test."""

    rows: Batch

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        yield from self.rows.filter(pl.col("row").is_in(list(numbers))).sort("row").iter_slices(3)

    def tick(self) -> None:
        """Nobody stops a test."""

    def earlier(self, path: Path) -> Iterator[Batch]:
        return iter(())


def say(question: str, answer: str, **meta: Any) -> Conversation:
    return Conversation(messages=(system("Be brief."), user(question), assistant(answer)), meta=meta)


def decide(stage: Contradictions, rows: list[Conversation], size: int = 4096) -> pl.DataFrame:
    numbered = [row.model_copy(update={"row": at, "id": f"f#{at}", "origin": (at,)}) for at, row in enumerate(rows, 1)]
    batch = pl.concat([pl.DataFrame(schema=next(to_batches([Conversation()])).schema), *to_batches(numbered)])
    parts = [stage.sketch(batch.slice(at, size)) for at in range(0, batch.height, size)]
    made = stage.select(pl.concat(parts or [stage.sketch(batch)]).lazy(), Held(batch)).collect()
    assert decide(stage, rows, 2).equals(made) if size == 4096 else True
    return made


ROWS = [
    say("Can I still cancel order LM-20418 after I have paid for it?", "Yes, as long as it is not sent."),
    say("Where do I find my invoice?", "In your account."),
    say("Can I still cancel order LM-1 after I have paid for it?", "No, orders are final."),
    say("can I still cancel order [ORDER_1] after I have paid for it", "Yes! As long as it is not sent…"),
    say("Where do I find my invoice?", "In your account."),
    say("Where do I find my invoice?", ""),
    say("", "No, orders are final."),
    say("", "Yes, as long as it is not sent."),
]


def test_a_question_with_two_answers_is_flagged_on_all_its_rows() -> None:
    made = decide(Contradictions(), ROWS)
    assert made.rows() == [
        (1, None, "contradicts row 3, 7 words differ, 3 rows ask", ["contradiction"], '{"group": 1, "with": 3}'),
        (3, None, "contradicts row 1, 7 words differ, 3 rows ask", ["contradiction"], '{"group": 1, "with": 1}'),
        (4, None, "contradicts row 3, 7 words differ, 3 rows ask", ["contradiction"], '{"group": 1, "with": 3}'),
    ]
    assert Contradictions().summary(made) == {"questions": 1, "rows": 3, "dropped": 0}


def test_one_answer_stays_when_others_are_dropped_or_none() -> None:
    made = decide(Contradictions(level="drop"), ROWS)
    assert made.filter(pl.col("drop") == "contradiction")["row"].to_list() == [3]
    assert not made["flags"].explode().drop_nulls().len()
    made = decide(Contradictions(level="drop", keep="none"), ROWS)
    assert made.filter(pl.col("drop") == "contradiction")["row"].to_list() == [1, 3, 4]
    assert decide(Contradictions(level="off"), ROWS).height == 0
    assert decide(Contradictions(), []).height == 0
    assert Contradictions().summary(decide(Contradictions(), [])) == {"questions": 0, "rows": 0, "dropped": 0}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"keep": "first"}, 1),
        ({"keep": "last"}, 4),
        ({"keep": "newest", "by": "created_at"}, 2),
        ({"keep": "best", "by": "csat"}, 3),
        ({"keep": "best", "by": "csat", "order": "low"}, 4),
    ],
)
def test_whose_answer_stays(fields: dict[str, Any], kept: int) -> None:
    question = "What is the time limit for sending things back?"
    rows = [
        say(question, "A week.", created_at="2024-01-01", csat=3),
        say(question, "A fortnight.", created_at="2025-06-01"),
        say(question, "A month.", created_at="2023-01-01", csat=5),
        say(question, "Any time.", csat=1),
    ]
    made = decide(Contradictions(level="drop", **fields), rows)
    assert set(made.filter(pl.col("drop").is_not_null())["row"].to_list()) == {1, 2, 3, 4} - {kept}
    notes = [re.fullmatch(r"contradicts row (\d+), \d words? differs?, 4 rows ask", note) for note in made["note"]]
    assert all(notes)
    # Each of those that go names the row that stays.
    assert {note[1] for row, note in zip(made["row"], notes, strict=True) if note and row != kept} == {str(kept)}


def test_a_key_that_no_row_has_does_not_mean_first() -> None:
    rows = [say("What is the time limit?", answer, created_at="soon") for answer in ("A week.", "A month.")]
    with pytest.raises(
        RunError, match="contradictions: by: no row has the meta key 'created'; keys seen: created_at; did"
    ):
        decide(Contradictions(keep="newest", by="created"), rows)
    with pytest.raises(RunError, match="no value of the meta key 'created_at' can be read as a time"):
        decide(Contradictions(keep="newest", by="created_at"), rows)
    assert decide(Contradictions(keep="newest", by="created"), []).height == 0
    assert decide(Contradictions(level="off", keep="newest", by="created"), rows).height == 0


def test_numbers_and_repeats_contradict_nothing() -> None:
    rows = [say(f"How much is the fare to zone {zone}, please?", f"It costs {zone * 3} euros.") for zone in range(9)]
    assert decide(Contradictions(), rows).height == 0
    rows = [say(f"a question of its own, number {'x' * at}", f"answer {'y' * at}") for at in range(50)]
    assert decide(Contradictions(), rows).height == 0


@pytest.mark.parametrize("fields", [{"keep": "newest"}, {"by": "x"}, {"keep": "never"}, {"threshold": 0.1}])
def test_refuses_what_it_cannot_do(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Contradictions(**fields)


def test_a_run_finds_them_between_unlike_conversations(tmp_path: Path) -> None:
    """Conversations that are unlike as a whole, for their answers are long, are held against each other."""
    question = "Is it possible to change the delivery address?"
    long = [
        " ".join(f"{word}{at}" for at in "abcdefghijklm" for word in words.split()) for words in ("so we", "no one")
    ]
    lines = [{"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": t}]} for t in long]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    tables: dict[str, Any] = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "step": [{"use": "near-dedup"}, {"use": "contradictions"}],
        "write": [{"use": "openai-chat", "path": "out/all.jsonl"}],
    }
    manifest = flow.run(Recipe.parse(tables, tmp_path, "recipe"))
    assert manifest.written_records == 2 and manifest.flags["contradictions"] == {"contradiction": 2}
