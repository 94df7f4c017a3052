"""What stands in the evaluation goes: held against an oracle of Python sets that shares only the shingle rule."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from pydantic import ValidationError

from ftdata import flow
from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.errors import InputError
from ftdata.recipe import Recipe
from ftdata.selectors.decontaminate import Decontaminate
from ftdata.similarity.shingles import shingles, words

WORDS = [f"word{number}" for number in range(40)]
EVAL = ("eval.jsonl",)


class Held(NamedTuple):
    """The rows of a test, and the evaluation."""

    rows: Batch
    evaluation: Batch

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        yield from self.rows.filter(pl.col("row").is_in(list(numbers))).sort("row").iter_slices(10)

    def tick(self) -> None:
        """Nobody stops a test."""

    def earlier(self, path: Path) -> Iterator[Batch]:
        yield from self.evaluation.iter_slices(3)


def whole(rows: Sequence[Conversation], name: str = "f") -> Batch:
    fields = [{"row": i, "id": f"{name}#{i}", "origin": (i,)} for i in range(1, len(rows) + 1)]
    return pl.concat(to_batches(r.model_copy(update=f) for r, f in zip(rows, fields, strict=True)))


def decide(
    made: Decontaminate, rows: Sequence[Conversation], evaluation: Sequence[Conversation], size: int = 4096
) -> pl.DataFrame:
    batch = whole(rows)
    sketches = pl.concat(made.sketch(batch.slice(at, size)) for at in range(0, batch.height, size))
    found = made.select(sketches.lazy(), Held(batch, whole(evaluation, "eval.jsonl"))).collect().sort("row")
    assert found.schema == {"row": pl.UInt64, "drop": pl.String, "note": pl.String, "told": pl.String}
    return found


def say(question: str, answer: str = "") -> Conversation:
    return Conversation(messages=(user(question), assistant(answer)))


def sentence(number: int, count: int = 30) -> str:
    chance = random.Random(number)
    return " ".join(f"{chance.choice(WORDS)}{chance.randrange(1000)}" for _ in range(count))


def dropped(made: Decontaminate, rows: Sequence[Conversation], evaluation: Sequence[Conversation]) -> dict[int, str]:
    found = decide(made, rows, evaluation).filter(pl.col("drop").is_not_null())
    assert set(found["drop"].to_list()) <= {"contaminated"}
    return dict(found.select("row", "note").rows())


# --- the oracle -------------------------------------------------------------------------------------------------------


def said(row: Conversation, on: str) -> str:
    roles = {"conversation": ("user", "assistant"), "question": ("user",), "answer": ("assistant",)}[on]
    return "\n".join(message.content or "" for message in row.messages or () if message.role in roles)


def alike(one: str, other: str, ngram: int) -> float:
    a, b = shingles(one, ngram), shingles(other, ngram)
    return len(a & b) / (len(a | b) or 1)


def runs(text: str, size: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + size]) for at in range(len(found) - size + 1)}


def expected(
    made: Decontaminate, rows: Sequence[Conversation], evaluation: Sequence[Conversation]
) -> tuple[set[int], set[int]]:
    """Give the rows that go, and the evaluation rows that were found."""
    near = {
        (row, other)
        for row, mine in enumerate(rows, 1)
        for other, theirs in enumerate(evaluation, 1)
        for on in (made.on if made.threshold != "off" else ())
        if alike(said(mine, on), said(theirs, on), made.ngram) >= made.threshold
    }
    gone, hit = {row for row, _ in near}, {other for _, other in near}
    if made.overlap == "off":
        return gone, hit
    asked = {}
    for other, theirs in enumerate(evaluation, 1):
        question = said(theirs, "question")
        size = min(len(words(question)), made.overlap)
        asked[other] = runs(question, size) if size >= 8 else set()
    told = {
        row: set().union(*(runs(said(mine, "conversation"), size) for size in range(8, made.overlap + 1)))
        for row, mine in enumerate(rows, 1)
        if row not in gone
    }
    often = Counter(run for own in asked.values() for run in own)
    data = Counter(run for own in told.values() for run in own)
    rare = {run for run in often if often[run] <= made.common and data[run] <= made.common}
    shared = {(row, other) for row, own in told.items() for other, theirs in asked.items() if own & theirs & rare}
    return gone | {row for row, _ in shared}, hit | {other for _, other in shared}


def talk(chance: random.Random, pool: list[list[str]]) -> Conversation:
    def text() -> str:
        if pool and chance.random() < 0.6:
            base = list(chance.choice(pool))
            at = chance.randrange(len(base))
            base = base[: chance.choice((at + 1, len(base), len(base)))]
            if chance.random() < 0.5:
                base[at % len(base)] = chance.choice(WORDS)
            return " ".join([*chance.choices(WORDS, k=chance.choice((0, 0, 4))), *base])
        pool.append(chance.choices(WORDS, k=chance.choice((2, 8, 10, 14, 30))))
        return " ".join(pool[-1])

    return say(text(), text() if chance.random() < 0.7 else "")


def test_random_data_lose_what_the_oracle_says_and_nothing_else() -> None:
    counts: Counter[str] = Counter()
    for seed in range(150):
        chance = random.Random(seed)
        pool: list[list[str]] = []
        evaluation = [talk(chance, pool) for _ in range(chance.randint(1, 8))]
        rows = [talk(chance, pool) for _ in range(chance.randint(1, 14))]
        threshold = chance.choice((0.5, 0.8, 1.0, "off"))
        made = Decontaminate(
            against=EVAL,
            threshold=threshold,
            ngram=chance.choice((1, 3, 5)),
            on=chance.choice(("conversation", "question", "answer", ("conversation", "question"))),
            overlap=chance.choice((8, 13, 13, 13 if threshold == "off" else "off")),
            common=chance.choice((1, 2, 10)),
        )
        found = decide(made, rows, evaluation, chance.choice((1, 3, 4096)))
        gone, hit = expected(made, rows, evaluation)
        assert set(found.filter(pl.col("drop").is_not_null())["row"].to_list()) == gone
        told = made.summary(found)
        assert told["evaluation rows found"] == f"{len(hit)} of {len(evaluation)}"
        counts["gone"] += len(gone)
        counts["kept"] += len(rows) - len(gone)
        counts["runs"] += told.get("by", {}).get("runs", 0)
    assert counts["gone"] > 150 and counts["kept"] > 300 and counts["runs"] > 30


def test_what_finds_nothing_says_among_how_many():
    made = Decontaminate(against=EVAL)
    told = made.summary(decide(made, [say(sentence(1))], [say(sentence(2)), say(sentence(3))]))
    assert told == {"evaluation rows found": "0 of 2", "by": {"near": 0, "runs": 0}}


def test_an_evaluation_without_rows_is_an_error():
    made, batch = Decontaminate(against=EVAL), whole([say(sentence(1))])
    with pytest.raises(InputError, match=r"against: .*: holds no rows; name the files of the evaluation"):
        made.select(made.sketch(batch).lazy(), Held(batch, batch.clear()))


# --- by hand ----------------------------------------------------------------------------------------------------------

CHANGES = {
    "copy": lambda text: text,
    "case": str.upper,
    "space": lambda text: text.replace(" ", " \n "),
    "punctuation": lambda text: text.replace(" ", ", ") + "!?",
    "a word added": lambda text: "well " + text,
    "a word changed": lambda text: text.rsplit(" ", 1)[0] + " other",
    "quoted": lambda text: f"somebody asked me this: {text} and i do not know what to say to that, {sentence(99, 60)}",
    "half of it": lambda text: " ".join(text.split()[10:24]) + " " + sentence(98, 60),
}


@pytest.mark.parametrize("change", CHANGES)
def test_planted_questions_are_found_every_one(change: str) -> None:
    evaluation = [say(sentence(n), sentence(-n)) for n in range(1, 40)]
    rows = [say(sentence(1000 + n), sentence(2000 + n)) for n in range(200)]
    rows += [say(CHANGES[change](sentence(n)), sentence(3000 + n)) for n in range(1, 40)]
    # Quoted as half of it the same tail stands behind all; each run of a question stands in one row all the same.
    notes = dropped(Decontaminate(against=EVAL), rows, evaluation)
    assert sorted(notes) == list(range(201, 240))
    for row, note in notes.items():
        assert note.startswith(f"earlier eval.jsonl#{row - 200}, ")
        assert ("words" in note) == (change in ("quoted", "half of it"))


def test_notes_tell_the_row_and_the_evidence() -> None:
    evaluation = [say(sentence(1)), say("how do i get a new key for the front door")]
    rows = [
        say(sentence(1), "a"),
        say("x " + sentence(1) + " " + sentence(2)),
        say("no"),
        say("Hi! How do I get a new key for the front-door? Thank you so much for all of your help, dear shop, bye"),
        say("how do i get a new key for the back door, please tell me all that you know about it"),
    ]
    assert dropped(Decontaminate(against=EVAL), rows, evaluation) == {
        1: "earlier eval.jsonl#1, J 0.9630",
        2: "earlier eval.jsonl#1, 18 runs of 13 words",
        4: "earlier eval.jsonl#2, 1 run of 11 words",
    }


def test_phrases_are_no_contamination_but_copies_are() -> None:
    greeting = "hello and thank you very much for taking the time to read my message today"
    evaluation = [say(f"{greeting} {sentence(n, 20)}") for n in range(3)]
    rows = [say(f"{greeting} {sentence(100 + n, 40)}") for n in range(11)]
    assert dropped(Decontaminate(against=EVAL), rows, evaluation) == {}
    assert len(dropped(Decontaminate(against=EVAL), rows[:10], evaluation)) == 10
    assert len(dropped(Decontaminate(against=EVAL, common=11), rows, evaluation)) == 11
    copies = [say(f"{greeting} {sentence(1, 20)}", "so")] * 20
    notes = dropped(Decontaminate(against=EVAL), [*rows, *copies], evaluation)
    assert notes == dict.fromkeys(range(12, 32), "earlier eval.jsonl#2, J 0.9688")
    many = [say(f"{greeting} {sentence(n, 20)}") for n in range(11)]
    assert dropped(Decontaminate(against=EVAL), rows[:3], many) == {}, "a phrase of the evaluation"


def test_short_questions_are_held_as_wholes_only() -> None:
    evaluation = [say("where is my order now"), say("")]
    rows = [say("Where is my order, now?", "on its way"), say("where is my order now or is it lost", "no"), say("", "")]
    assert dropped(Decontaminate(against=EVAL), rows, evaluation) == {1: "earlier eval.jsonl#1, J 1.0000"}
    assert dropped(Decontaminate(against=EVAL, threshold="off"), rows, evaluation) == {}


def test_sketches_are_small() -> None:
    batch = whole([say(f"question {n}") for n in range(100)])
    for made in (Decontaminate(against=EVAL), Decontaminate(against=EVAL, threshold="off")):
        sketch = made.sketch(batch)
        assert sketch.columns == ["row"]
        assert made.sketch(batch.clear()).schema == sketch.schema
        assert made.select(made.sketch(batch.clear()).lazy(), Held(batch, batch)).collect().height == 0
        assert made.reads_meta() == frozenset()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"against": ()}, "at least 1 item"),
        ({"against": EVAL, "overlap": 7}, "greater than or equal to 8"),
        ({"against": EVAL, "threshold": 0.4}, "greater than or equal to 0.5"),
        ({"against": EVAL, "threshold": "off", "overlap": "off"}, "nothing is left to look for"),
    ],
)
def test_mistakes_are_told(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Decontaminate(**fields)
    assert told in str(caught.value)


def test_a_run_tells_how_much_of_the_evaluation_was_found(tmp_path: Path) -> None:
    def line(question: str) -> str:
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "so"}]
        return json.dumps({"messages": turns}) + "\n"

    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/a.jsonl").write_text("".join(line(sentence(n)) for n in range(20)))
    (tmp_path / "bench/b.jsonl").write_text(line(sentence(50)))
    rows = [*(line(sentence(n)) for n in range(5, 40)), line("so " + sentence(50)), line("so " + sentence(50))]
    (tmp_path / "in.jsonl").write_text("".join(rows))
    tables = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "step": [{"use": "decontaminate", "against": ["bench"]}],
        "write": [{"use": "openai-chat", "path": "out/all.jsonl"}],
    }
    manifest = flow.run(Recipe.parse(tables, tmp_path, "job"))
    assert manifest.dropped == {"decontaminate": {"contaminated": 17}}
    [told] = [part.summary for part in manifest.stages if part.label == "decontaminate"]
    assert told == {"evaluation rows found": "16 of 21", "by": {"near": 17, "runs": 0}}
    assert [part.name for part in manifest.inputs if part.lookup] == ["a.jsonl", "b.jsonl"]
    ledger = pl.read_parquet(tmp_path / "out/.ftdata/job/ledger.parquet").filter(pl.col("event") == "drop")
    assert ledger["note"].to_list()[:2] == ["earlier a.jsonl#6, J 1.0000", "earlier a.jsonl#7, J 1.0000"]
