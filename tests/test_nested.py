"""Messages inside JSON documents are records: numbered by the source, cut from a stream, the same in any pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.jsonitems import Item
from ftdata.nested import Holder, Inside
from ftdata.records import Limits
from ftdata.source import Source

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=8), st.just('"[{\\'))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
MESSAGES = st.lists(VALUES, max_size=4)
OTHER = st.dictionaries(st.sampled_from(["name", "id", "x"]), VALUES, max_size=3)


def cut(text: bytes, paths: tuple[str, ...], size: int) -> list[tuple[bool, Item]]:
    inside = Inside(Limits(), paths)
    found: list[tuple[bool, Item]] = []
    for start in range(0, len(text), size):
        found += inside.feed(text[start : start + size])
    return found + list(inside.feed(b"", final=True))


@settings(max_examples=300, deadline=None)
@given(OTHER, st.lists(st.tuples(OTHER, MESSAGES, OTHER), max_size=3), MESSAGES, st.integers(1, 40), st.booleans())
def test_lists_inside_a_document_are_cut_as_json_reads_them(
    top: dict[str, Any], chats: list[Any], lone: list[Any], size: int, pretty: bool
) -> None:
    document = {
        **top,
        "messages": lone,
        "chats": {
            "about": "x",
            "list": [{**a, "messages": m, **{f"z{k}": v for k, v in b.items()}} for a, m, b in chats],
        },
    }
    text = json.dumps(document, indent=1 if pretty else None, ensure_ascii=False)
    expected: list[Any] = [("holder", {**top, "messages": None}), *lone]
    for before, messages, _ in chats:
        expected += [("holder", {**before, "messages": None}), *messages]
    found = []
    for holds, item in cut(text.encode(), ("messages", "chats.list[].messages"), size):
        assert item.problem is None and item.text is not None
        value = json.loads(item.text)
        found.append(("holder", value) if holds else value)
        if pretty and isinstance(value, str) and not holds:
            assert text.split("\n")[item.line - 1].strip(" ,") == json.dumps(value, ensure_ascii=False)
    assert found == expected


def write(folder: Path, text: str) -> Path:
    path = folder / "export.json"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "values", "problems"),
    [
        ('{"messages": [{"a": 1}, {"a":', [{"a": 1}], ["bad-json"]),
        ('{"messages": [{"a": 1}', [], ["bad-json"]),
        ('{"messages": [{"a": 1}]', [{"a": 1}], ["bad-json"]),
        ('{"messages": [{"a": 1}, nope, 3], "b": 1}', [{"a": 1}, 3], ["bad-json"]),
        ('{"messages": {"a": 1}}', [], ["not-an-object"]),
        ("[1, 2]", [], ["not-an-object"]),
        ("", [], []),
        ("  \n", [], []),
    ],
)
def test_damage_is_one_record(tmp_path: Path, text: str, values: list[Any], problems: list[str]) -> None:
    with Source(write(tmp_path, text)) as source:
        records = list(source.json_within("messages"))
        assert source.handed == len(records)
    assert [r.number for r in records] == list(range(1, len(records) + 1))
    assert [r.value for r in records if r.problem is None and not isinstance(r.value, Holder)] == values
    assert [r.problem for r in records if r.problem] == problems


def test_what_stands_around_a_list_is_bounded(tmp_path: Path) -> None:
    text = json.dumps({"big": "x" * 5000, "messages": [1, 2]})
    with Source(write(tmp_path, text), limits=Limits(row=1000)) as source:
        assert [r.value or r.problem for r in source.json_within("messages")] == ["row-too-large", 1, 2]


@pytest.mark.parametrize("form", ["array", "lines", "wrapped", "single"])
def test_objects_and_their_messages_are_records(tmp_path: Path, form: str) -> None:
    tickets: list[Any] = [
        {"id": 1, "parts": {"list": [{"p": 1}, {"p": 2}]}},
        5,
        {"id": 2},
        {"id": 3, "parts": {"list": [None]}},
    ]
    tickets = tickets[:1] if form == "single" else tickets
    text = {
        "array": json.dumps(tickets, indent=2),
        "lines": "\n".join(json.dumps(ticket) for ticket in tickets),
        "wrapped": json.dumps({"count": 4, "tickets": tickets}),
        "single": json.dumps(tickets[0], indent=1),
    }[form]
    with Source(write(tmp_path, text), first=11) as source:
        wholes = list(source.json_parts("parts.list", inside="tickets" if form == "wrapped" else None))
        assert source.handed == sum(1 + len(whole.parts) for whole in wholes)
    numbers = [r.number for whole in wholes for r in (whole.record, *whole.parts)]
    assert numbers == list(range(11, 11 + len(numbers)))
    assert [r.value for r in wholes[0].parts] == [{"p": 1}, {"p": 2}]
    assert wholes[0].record.value == {"id": 1, "parts": {}}
    if form != "single":
        assert wholes[1].record.problem == "not-an-object"
        assert [len(whole.parts) for whole in wholes] == [2, 0, 0, 1]


def test_a_sample_ends_inside_an_object(tmp_path: Path) -> None:
    with Source(write(tmp_path, json.dumps([{"m": [1, 2, 3]}, {"m": [4]}])), records=3) as source:
        wholes = list(source.json_parts("m"))
        assert source.handed == 3
    assert [r.value for r in wholes[0].parts] == [1, 2]


def test_the_values_of_an_object_can_be_the_messages(tmp_path: Path) -> None:
    with Source(write(tmp_path, '[{"mapping": {"a": {"n": 1}, "b": {"n": 2}}, "title": "t"}]')) as source:
        (whole,) = source.json_parts("mapping{}")
    assert [r.value for r in whole.parts] == [{"n": 1}, {"n": 2}] and whole.record.value == {"title": "t"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"a": "1", "b": "x"}\n{"a": "2", "b": "y"}\n'),
        ("a.json", '[{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]'),
        ("a.csv", "a,b\n1,x\n2,y\n"),
        ("a.tsv", "a\tb\n1\tx\n2\ty\n"),
    ],
)
def test_objects_come_from_whatever_holds_rows(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with Source(path) as source:
        records = list(source.objects())
    assert [record.value for record in records] == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


def test_long_numbers_and_odd_values_are_settled_exactly(tmp_path: Path) -> None:
    lines = [
        '{"n": 12345678901234567890123}',
        '{"n": NaN}',
        '{"n": 1e400}',
        "[1]",
        "",
        '{"n": "\\ud800"}',
        '{"n": 1.5e3}',
    ]
    with Source(write(tmp_path, "\n".join(lines))) as source:
        records = list(source.objects())
    assert [record.value or record.problem for record in records] == [
        {"n": 12345678901234567890123},
        "bad-json",
        "huge-number",
        "not-an-object",
        "blank-line",
        "lone-surrogate",
        {"n": 1500.0},
    ]
