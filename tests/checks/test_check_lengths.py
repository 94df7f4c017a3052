"""The lengths check measures rows, and warns of short answers, outliers and a heavy tail."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata.batch import SCHEMA, Batch, to_batches
from ftdata.checks.lengths import Lengths
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.stages import Finding

QUANTILES = {"min": 0, "p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1}
TEXTS = st.one_of(st.none(), st.text("ab é🙂\n\u3000", max_size=12))


def batch(*talks: tuple[Message, ...]) -> Batch:
    return next(to_batches([Conversation(row=i, messages=talk) for i, talk in enumerate(talks)]))


def answers(*texts: str) -> Batch:
    return batch(*((user("q"), assistant(text)) for text in texts))


def judged(check: Lengths, rows: Batch) -> dict[str, Finding]:
    return {finding.code: finding for finding in check.judge(check.sketch(rows).lazy())}


def test_what_is_measured():
    parts = [{"type": "text", "text": "two words"}, {"type": "image_url", "image_url": {"url": "http://a.b/c"}}]
    call = [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]
    found = judged(
        Lengths(),
        batch(
            (
                system("be brief"),
                Message(role="user", parts=parts),
                Message(role="assistant", tool_calls=call),
                Message(role="tool", content="42", tool_call_id="1"),
                assistant("naïve 🙂  so"),
            )
        ),
    )
    numbers = found["lengths-spread"].numbers
    assert {key: value["max"] for key, value in numbers.items() if key != "rows"} == {
        "turns": 3,
        "user_characters": 9,
        "assistant_characters": 11,
        "all_characters": 8 + 9 + 2 + 11,
        "user_words": 2,
        "assistant_words": 3,
        "all_words": 2 + 2 + 1 + 3,
    }
    assert list(found) == ["lengths-spread", "lengths-turns"]  # a call is an answer too


@given(st.lists(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), TEXTS), max_size=4), min_size=1))
def test_numbers_are_those_of_numpy(talks: list[list[tuple[str, str | None]]]):
    rows = batch(*(tuple(Message(role=role, content=text) for role, text in talk) for talk in talks))
    numbers = judged(Lengths(), rows)["lengths-spread"].numbers
    assert numbers["rows"] == len(talks)
    for side in ("user", "assistant", "all"):
        spoken = [[text or "" for role, text in talk if side in (role, "all")] for talk in talks]
        for unit, measure in (("characters", len), ("words", lambda text: len(text.split()))):
            sums = [sum(measure(text) for text in texts) for texts in spoken]  # type: ignore[no-untyped-call]
            found = numbers[f"{side}_{unit}"]
            assert found == {
                **{name: np.quantile(sums, share, method="inverted_cdf") for name, share in QUANTILES.items()},
                "mean": round(sum(sums) / len(sums), 1),
            }


def test_short_answers():
    found = judged(Lengths(), answers(*["yes", "yes sir"] * 2, *["three words then"] * 16))["lengths-short-answers"]
    assert found.numbers == {"short": 4, "answers": 20, "share": 0.2, "short_words": 3, "max_short": 0.1}
    assert (found.level, found.where) == ("warn", (0, 1, 2, 3))


@pytest.mark.parametrize(
    "check", [Lengths(max_short=0.2), Lengths(max_short=1), Lengths(short_words=1), Lengths(short_words=2)]
)
def test_short_answers_within_the_bound(check: Lengths):
    rows = answers(*["yes", "yes sir"] * 2, *["three words then"] * 16)
    assert "lengths-short-answers" not in judged(check, rows)


def test_messages_without_text_are_no_answers():
    rows = batch((user("q"), Message(role="assistant"), assistant(" \n"), assistant("three words then")))
    assert "lengths-short-answers" not in judged(Lengths(), rows)


def test_outliers_are_named_longest_first():
    rows = answers(*["one two three"] * 30, "x " * 200, "x " * 300, *["one two three"] * 30)
    found = judged(Lengths(), rows)
    assert found["lengths-outlier"].where == (31, 30)
    assert found["lengths-outlier"].numbers == {"rows": 2, "median": 14, "max": 601, "times": 20}
    assert "lengths-outlier" not in judged(Lengths(times_median=43), rows)
    assert "lengths-outlier" not in judged(Lengths(times_median=0), rows)
    assert "lengths-too-long" not in found


def test_rows_beyond_the_bound():
    rows = answers("one two three", "one two three four")
    found = judged(Lengths(max_chars=18), rows)["lengths-too-long"]
    assert (found.where, found.numbers) == ((1,), {"rows": 1, "max": 19, "max_chars": 18})
    assert "lengths-too-long" not in judged(Lengths(max_chars=19), rows)
    assert "lengths-too-long" not in judged(Lengths(max_chars=0), rows)
    assert "lengths-too-long" in judged(Lengths(), answers("one two " * 33_000))


def test_a_heavy_tail():
    texts = ["one two three"] * 198 + ["one two three " * 40] * 2
    found = judged(Lengths(), answers(*texts))["lengths-heavy-tail"]
    assert (found.where, found.numbers["rows"]) == ((198, 199), 2)
    share = 2 * (1 + 560) / (198 * 14 + 2 * 561)
    assert found.numbers["share"] == round(share, 4) and share > 0.25
    assert "lengths-heavy-tail" not in judged(Lengths(max_tail=0.3), answers(*texts))
    few = answers(*texts[:97], *texts[-2:])
    assert "lengths-heavy-tail" not in judged(Lengths(max_tail=0.2), few), "99 rows have no tail"


def test_level_and_few_named_rows():
    found = judged(Lengths(level="error"), answers(*["yes"] * 50))
    assert {code: finding.level for code, finding in found.items()} == {
        "lengths-spread": "info",
        "lengths-short-answers": "error",
    }
    assert found["lengths-short-answers"].where == tuple(range(20))


def test_no_text_is_told():
    found = judged(Lengths(max_chars=1), answers(*["Qxzv"] * 150, "Qxzv " * 900))
    assert len(found) == 5
    assert "Qxzv" not in json.dumps([[f.message, dict(f.numbers)] for f in found.values()])


def test_no_rows_and_rows_of_nothing():
    assert Lengths().judge(Lengths().sketch(pl.DataFrame(schema=SCHEMA)).lazy()) == []
    assert list(judged(Lengths(), batch((), (user(""),)))) == ["lengths-spread"]


@given(st.lists(st.text("ab ", max_size=30), min_size=1, max_size=150), st.integers(1, 50))
def test_batches_of_any_size_give_the_same(texts: list[str], size: int):
    check, rows = Lengths(times_median=2, max_chars=20, max_tail=0.02), answers(*texts)
    parts = [check.sketch(rows.slice(i, size)) for i in range(0, rows.height, size)]
    assert check.judge(pl.concat(parts[::-1]).lazy()) == check.judge(check.sketch(rows).lazy())


@pytest.mark.parametrize("wrong", [{"short_words": 0}, {"max_short": 1.1}, {"max_tail": 0}, {"times_median": -1}])
def test_settings(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        Lengths(**wrong)
    assert Lengths().reads_meta() == frozenset()
