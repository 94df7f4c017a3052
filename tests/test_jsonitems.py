"""JSON is cut into the same items whatever the pieces, sound or damaged, by the fast way and by the slow one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftdata import jsonitems, nested
from ftdata.jsonitems import Items, items_of
from ftdata.jsontext import STRING, BadJson, parse, value_of
from ftdata.nested import Inside
from ftdata.records import Limits

PATHS = ("messages", "chats.list[].messages")
KEYS = st.sampled_from(["a", "messages", "chats", "list", 'k"'])
VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1.5, 10**22, "", "x", 'say "hi"', "[", "{\\", "a\nb", "\\", "é🙂", "]}"]),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)
CHATS = st.lists(st.fixed_dictionaries({"id": VALUES, "messages": st.lists(VALUES, max_size=4)}), max_size=3)
DOCUMENTS = st.one_of(
    st.lists(VALUES, max_size=5),
    VALUES,
    st.fixed_dictionaries({"a": VALUES, "messages": st.lists(VALUES, max_size=5), "z": VALUES}),
    st.fixed_dictionaries({"chats": st.fixed_dictionaries({"list": CHATS}), "z": VALUES}),
)
PUTS = st.sampled_from([b'"', b"\\", b"\n", b"[", b"]", b"{", b"}", b",", b":", b'\\"', b" ", b"x", b'"\n', b"[" * 12])
WOUNDS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), st.one_of(st.just(b""), PUTS)), max_size=4)
CUTS = st.lists(st.integers(1, 60), min_size=1, max_size=5)


def written(document: Any, indent: int | None, around: int, wounds: list[tuple[float, int, bytes]]) -> bytes:
    """Write a document, inside so many brackets, and damage it: at some places take bytes out and put others in."""
    text = bytearray(json.dumps(document, indent=indent, ensure_ascii=False).encode())
    text[:0], text[len(text) :] = b"[" * around, b"]" * around
    for place, length, put in wounds:
        at = int(place * len(text))
        text[at : at + length] = put
    return bytes(text)


def pieces(text: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = number = 0
    while at < len(text):
        size = cuts[number % len(cuts)]
        yield text[at : at + size]
        at, number = at + size, number + 1


def cut(cutter: Any, parts: Iterator[bytes]) -> list[Any]:
    found = [one for part in parts for one in cutter.feed(part)]
    found += cutter.feed(b"", final=True)
    return [(one[0], *one[1][:3]) if isinstance(one[0], bool) else one[:3] for one in found]


@contextmanager
def slowly() -> Iterator[None]:
    """Cut bracket by bracket: nothing is jumped over, nothing is waited for."""
    deep = re.compile(STRING + rb'|[\[{\]}"]')
    with (
        patch.object(jsonitems, "_TOP", re.compile(STRING + rb'|[\[{\]}",]')),
        patch.object(jsonitems, "DEEP", deep),
        patch.object(nested, "DEEP", deep),
        patch.object(nested, "_GROUP", re.compile(rb"(?!)")),
        patch.object(jsonitems, "_HOLD", 0),
    ):
        yield


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS, st.sampled_from([None, 1]), st.sampled_from([0, 0, 1, 10]), WOUNDS, CUTS, st.sampled_from([0, 40]))
@example([{"a": 1}], None, 0, [(1.0, 0, b"\n\n x")], [2], 0)  # what follows the array, on another line
@example({"messages": [1], "z": "x\ny"}, 1, 0, [(0.9, 1, b"")], [3], 0)
def test_the_same_items_in_any_pieces_fast_or_slow(
    document: Any, indent: int | None, around: int, wounds: list[Any], cuts: list[int], hold: int
) -> None:
    text = written(document, indent, around, wounds)
    for new in (lambda: Items(Limits()), lambda: Inside(Limits(), PATHS)):
        with slowly():
            want = cut(new(), iter([text]))
            assert cut(new(), pieces(text, cuts)) == want
        assert cut(new(), iter([text])) == want
        with patch.object(jsonitems, "_HOLD", hold or jsonitems._HOLD):
            assert cut(new(), pieces(text, cuts)) == want
    whole = items_of(text)
    if whole is not None:
        assert [one[1] for one in cut(Items(Limits()), iter([text]))] == whole


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=6), CUTS, st.sampled_from([None, 1]))
def test_an_item_larger_than_a_row_is_one_record_where_it_starts(
    lengths: list[int], cuts: list[int], indent: int | None
) -> None:
    text = json.dumps([{"text": "x" * length, "more": [[]]} for length in lengths], indent=indent).encode()
    whole = cut(Items(Limits()), iter([text]))
    want = [(line, None, "row-too-large") if len(one) > 100 else (line, one, None) for line, one, _ in whole]
    assert cut(Items(Limits(row=100)), pieces(text, cuts)) == want


def test_what_follows_the_text_of_a_large_item_is_not_an_item_of_its_own() -> None:
    text = b'["' + b"x" * 200 + b'" [1], 2]'
    for size in (1, 150, 1000):
        found = cut(Items(Limits(row=100)), pieces(text, [size]))
        assert found == [(1, None, "row-too-large"), (1, b"2", None)]


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 1_000_000,
        b'{"' * 500_000,
        b'["' + b"\\" * 1_000_000,
        b'"\\\\' * 300_000,
        b'[{"a":' * 160_000,
        b"[[]" * 330_000,
        b"[" + b" " * 1_000_000,
        b'{"messages":[' * 80_000,
        b'["x\n' * 250_000,
        b'[{"k":[' + (b"{}," * 99 + b'[{"k":[') * 3_000,
        b"[" + (b"[" * 12 + b'"' + b"x" * 200 + b'"' + b"]" * 12 + b",") * 4_000,
        b'{"a":"' + b"x" * 1_000_000,
    ],
    ids=lambda text: text[:12].decode(),
)
def test_hostile_text_takes_linear_time(text: bytes) -> None:
    def seconds(part: bytes) -> float:
        start = time.process_time()
        for new in (Items(Limits()), Inside(Limits(), PATHS)):
            cut(new, pieces(part, [4096]))
        return time.process_time() - start

    few = min(seconds(text[: len(text) // 8]) for _ in range(2))
    assert seconds(text) < 24 * few + 0.3  # eight times the bytes; a square would be 64 times the time


def test_what_lies_around_lists_is_let_go() -> None:
    inside = Inside(Limits(row=10_000), PATHS)
    for part in (b'{"big": "', *[b"x" * 1000] * 100, b'", "messages": [1', b"], ", *[b'"k": [[2]], '] * 9_000):
        list(inside.feed(part))
        assert len(inside._held) < 21_000
    list(inside.feed(b"9}"))
    for part in [b"after " * 100] * 100:
        list(inside.feed(part))
        assert len(inside._held) < 1_000


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 30),
    st.integers(1, 45),
    st.sampled_from(["", "-", '"', "0.", "1e"]),
    st.integers(0, 15),
    st.text(alphabet='[]{}"\\\\é1', max_size=12),
)
def test_a_quick_value_is_the_exact_one(before: int, digits: int, sign: str, depth: int, text: str) -> None:
    limits = Limits(digits=20, depth=8)
    number = sign + "7" * digits + ('"' if sign == '"' else "")
    lead = json.dumps("a" * before + text, ensure_ascii=bool(before % 2))
    row = ("[" * depth + f"{lead}, {number}" + "]" * depth).encode()
    try:
        want: Any = (parse(row, limits).value, None)
    except BadJson as error:
        want = (None, error.problem)
    assert value_of(row, limits) == want
    for line, one, problem, levels in (*Items(limits).feed(row), *Items(limits).feed(b"[" + row + b",1]")):
        assert line == 1
        if one is not None and problem is None:
            assert value_of(one, limits, levels) == value_of(one, limits)


def test_a_long_text_with_many_numbers_is_parsed_quickly() -> None:
    row = json.dumps({"text": "2024-01-01 1234567890 " * 5_000}).encode()
    with patch("ftdata.jsontext.parse", side_effect=AssertionError("the slow parser was asked")):
        assert value_of(row, Limits())[1] is None
