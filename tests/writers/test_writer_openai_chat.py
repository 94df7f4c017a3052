"""The openai-chat writer: canonical lines, equal to the rows that went in, the same to three parsers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftdata.batch import make_batch, messages_column, to_batches
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.writers.openai_chat import OpenAIChat, render

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def lines_of(conversations: Iterable[Conversation], named: Sequence[str] = ()) -> list[str]:
    return [line for batch in to_batches(conversations) for line in render(batch, named)]


def one_line(*messages: Message, named: Sequence[str] = (), **fields: Any) -> str:
    (line,) = lines_of([Conversation(messages=messages, **fields)], named)
    return line


# --- lossless ---------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(strategies.rows(), min_size=20, max_size=25))
def test_generated_rows_come_out_equal(rows: list[dict[str, Any]]) -> None:
    lines = lines_of(strategies.conversation(row) for row in rows)
    assert [strategies.canonical(json.loads(line)) for line in lines] == [strategies.canonical(row) for row in rows]
    for line in lines:
        assert "\n" not in line and "\r" not in line
        # orjson makes a float of a whole number beyond 64 bits; in all else the parsers must agree.
        assert orjson.loads(line) == json.loads(line, object_pairs_hook=_without_repeats, parse_int=_of_64_bits)


def _of_64_bits(digits: str) -> int | float:
    return int(digits) if -(2**63) <= int(digits) < 2**64 else float(digits)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_numbers_keep_their_digits_and_spelling() -> None:
    number = "[1E400, 0.10000000000000000000000001, 123456789012345678901234567890, -0, 1.0e5]"
    batch = make_batch(
        1,
        {
            "messages": messages_column(
                {"role": ["assistant"], "tool_calls": [number], "extra": ['{"x":' + number + ', "name":1, "y":null}']},
                [0, 1],
            ),
            "tools": [number],
            "extra": ['{"z": ' + number + ', "tools": 5}'],
        },
    )
    (line,) = render(batch)
    assert line.count(number.replace(" ", "")) == 4


def test_line_breaks_between_tokens_go_and_those_in_texts_stay() -> None:
    spread = '[\n  {"a":\t"x\\ny",\r\n "b": 1}\n]\n'
    batch = make_batch(
        1, {"messages": messages_column({"role": ["user"], "parts": [spread]}, [0, 1]), "tools": [spread]}
    )
    (line,) = render(batch)
    assert json.loads(line) == {
        "messages": [{"role": "user", "content": [{"a": "x\ny", "b": 1}]}],
        "tools": [{"a": "x\ny", "b": 1}],
    }
    assert "\n" not in line and "\r" not in line


# --- canonical form ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Message(), "{}"),
        (Message(role="user"), '{"role":"user"}'),
        (Message(content="x"), '{"content":"x"}'),
        (Message(role="user", content="", name="n", weight=0), '{"role":"user","content":"","name":"n","weight":0}'),
        (
            Message(role="assistant", tool_calls=[], extra={"content": None}),
            '{"role":"assistant","tool_calls":[],"content":null}',
        ),
        (Message(role="assistant", content="x", extra={"refusal": None}), '{"role":"assistant","content":"x"}'),
        (Message(role="assistant", content="x", extra={"content": None}), '{"role":"assistant","content":"x"}'),
        (Message(role="user", parts=[], extra={"content": 5, "x": 1}), '{"role":"user","content":[],"x":1}'),
        (
            Message(role="user", content="x", weight=1, extra={"weight": 0.5}),
            '{"role":"user","content":"x","weight":1}',
        ),
        (Message(role="user", content="x", extra={"weight": 0.5}), '{"role":"user","content":"x","weight":0.5}'),
        (
            Message(role="tool", content="x", tool_call_id="c", extra={"a": {"name": None}}),
            '{"role":"tool","content":"x","tool_call_id":"c","a":{"name":null}}',
        ),
        (Message(role="user", content="x", extra={}), '{"role":"user","content":"x"}'),
    ],
)
def test_a_message_has_each_key_once_in_order_and_no_nulls(message: Message, expected: str) -> None:
    assert one_line(message) == '{"messages":[' + expected + "]}"


def test_a_key_spelt_with_escapes_is_not_written_twice() -> None:
    fields = {"role": ["user"], "content": ["x"], "extra": ['{"\\u0063ontent":"y","z":1}']}
    (line,) = render(make_batch(1, {"messages": messages_column(fields, [0, 1])}))
    assert line == '{"messages":[{"role":"user","content":"x","z":1}]}'


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"messages": None}, "{}"),
        ({"messages": None, "extra": {"x": 1}}, '{"x": 1}'),
        ({"messages": ()}, '{"messages":[]}'),
        ({"messages": (), "tools": []}, '{"messages":[],"tools":[]}'),
        ({"messages": (), "tools": [], "extra": {"tools": 5, "b": None}}, '{"messages":[],"tools":[]}'),
        ({"messages": (), "extra": {"tools": 5}}, '{"messages":[],"tools": 5}'),
        (
            {"messages": (user("a"),), "answer_at": 1, "rejected": ()},
            '{"input":{"messages":[{"role":"user","content":"a"}]},"preferred_output":[],"non_preferred_output":[]}',
        ),
        (
            {"messages": (user("a"),), "rejected": (assistant("b"),)},
            '{"input":{"messages":[{"role":"user","content":"a"}]},'
            '"non_preferred_output":[{"role":"assistant","content":"b"}]}',
        ),
        (
            {"messages": (assistant("b"),), "answer_at": 0, "extra": {"input": {"n": 2**70}, "t": "x"}},
            '{"input":{"messages":[],"n": 1180591620717411303424},'
            '"preferred_output":[{"role":"assistant","content":"b"}],"t":"x"}',
        ),
    ],
)
def test_a_row_has_each_key_once_in_order(fields: dict[str, Any], expected: str) -> None:
    (line,) = lines_of([Conversation(**{"messages": (), **fields})])
    assert line == expected or json.dumps(json.loads(line)) == json.dumps(json.loads(expected))
    assert len(line) <= len(expected)


def test_rows_of_all_kinds_keep_their_order() -> None:
    kinds = [
        Conversation(messages=(user("0"),)),
        Conversation(messages=(user("1"), assistant("x")), answer_at=1, rejected=(assistant("y"),)),
        Conversation(messages=(user("2", name="n"), assistant("x"))),
        Conversation(messages=None, extra={"k": "3"}),
    ] * 5
    lines = lines_of(kinds)
    for at, line in enumerate(lines):
        assert f'"{at % 4}"' in line


# --- meta -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "extra", "named", "expected"),
    [
        ({"a": 1, "b": "x"}, None, (), None),
        ({"a": 1, "b": "x"}, None, ("b",), {"b": "x"}),
        ({"a": 1, "b": "x"}, None, ("b", "a", "c"), {"b": "x", "a": 1}),
        ({"a": None}, None, ("a",), None),
        (None, None, ("a",), None),
        ({"language": {"code": "pt"}}, None, ("language.code", "language.no", "no.no"), {"language.code": "pt"}),
        ({"l.c": 1, "l": {"c": 2}}, None, ("l.c",), {"l.c": 1}),
        ({"l": 5}, None, ("l.c",), None),
        ({"a": 2**70}, {"meta": {"own": 0.5, "a": 2}}, ("a",), {"own": 0.5, "a": 2**70}),
        ({"a": 1}, {"meta": "mine"}, ("b",), "mine"),
    ],
)
@pytest.mark.parametrize("answer_at", [None, 0])
def test_only_named_meta_is_written(
    meta: dict[str, Any] | None,
    extra: dict[str, Any] | None,
    named: tuple[str, ...],
    expected: Any,
    answer_at: int | None,
) -> None:
    line = one_line(user("x"), extra=extra, meta=meta, answer_at=answer_at)
    assert json.loads(line).get("meta") == (extra or {}).get("meta")
    line = one_line(user("x"), extra=extra, meta=meta, answer_at=answer_at, named=named)
    assert json.loads(line).get("meta") == expected


def test_a_dotted_key_reads_what_it_stands_in() -> None:
    writer = OpenAIChat(path=Path("x.jsonl"), meta=("language.code", "status"))
    assert writer.reads_meta() == {"language.code", "language", "status"}


# --- files ------------------------------------------------------------------------------------------------------------


def written(conversations: Iterable[Conversation], folder: Path, name: str = "{split}.jsonl") -> dict[str, bytes]:
    writer = OpenAIChat(path=folder / name)
    writer.write(to_batches(conversations), folder)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_one_file_for_each_split_in_reading_order(tmp_path: Path) -> None:
    splits = ["train", None, "test", "validation", "test", "train"]
    found = written((Conversation(messages=(user(str(n)),), split=s) for n, s in enumerate(splits)), tmp_path)
    texts = {
        name: [json.loads(line)["messages"][0]["content"] for line in data.split(b"\n")[:-1]]
        for name, data in found.items()
    }
    assert texts == {"train.jsonl": ["0", "1", "5"], "test.jsonl": ["2", "4"], "validation.jsonl": ["3"]}


def test_a_path_without_split_takes_all_rows(tmp_path: Path) -> None:
    found = written(
        (Conversation(messages=(user(str(n)),), split=s) for n, s in enumerate(("a", "b"))), tmp_path, "x.jsonl"
    )
    assert list(found) == ["x.jsonl"] and found["x.jsonl"].count(b"\n") == 2
    assert OpenAIChat(path=tmp_path / "x.jsonl").lines(tmp_path / "x.jsonl") == 2


def test_folders_named_by_split(tmp_path: Path) -> None:
    assert set(written([Conversation(messages=(user("x"),), split="test")], tmp_path, "{split}/rows.jsonl")) == {
        "test/rows.jsonl"
    }


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(strategies.texts(60), min_size=1, max_size=60))
def test_three_parsers_agree_on_the_bytes(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("parsers")
    data = written((Conversation(messages=(user(text, name=text), assistant(text))) for text in texts), folder)
    raw = data["train.jsonl"]
    assert raw.endswith(b"}\n") and not raw.startswith(b"\xef\xbb\xbf")
    lines = raw.split(b"\n")[:-1]
    expected = [
        {
            "messages": [
                {"role": "user", "content": text, "name": text},
                {"role": "assistant", "content": text},
            ]
        }
        for text in texts
    ]
    assert [json.loads(line) for line in lines] == expected
    assert [orjson.loads(line) for line in lines] == expected
    frame = pl.read_ndjson(
        raw, schema={"messages": pl.List(pl.Struct(dict.fromkeys(("role", "content", "name"), pl.String)))}
    )
    for row in expected:
        row["messages"][1]["name"] = None  # type: ignore[assignment]
    assert frame.to_dicts() == expected


# --- real files -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data not here")
def test_the_openai_toy_file_is_equal() -> None:
    text = (SHARED / "sft/openai_toy_chat_fine_tuning.jsonl").read_bytes()
    rows = [json.loads(line) for line in text.split(b"\n") if line.strip()]
    assert [json.loads(line) for line in lines_of(strategies.conversation(row) for row in rows)] == rows


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data not here")
def test_naughty_strings_are_equal() -> None:
    naughty = json.loads((SHARED / "broken/blns/blns.json").read_bytes())
    lines = lines_of(Conversation(messages=(user(text, name=text),), extra={text: text}) for text in naughty)
    for text, line in zip(naughty, lines, strict=True):
        for loads in (json.loads, orjson.loads):
            row = loads(line.encode())
            assert row["messages"] == [{"role": "user", "content": text, "name": text}]
            assert text == "messages" or row[text] == text
