"""What is known of plain rows without an explanation, in each layout, by lines and by blocks, is never an error."""

from __future__ import annotations

import copy
import functools
import json
import operator
import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.targets import load, names
from ftdata.targets.gate import Gate
from ftdata.targets.plain import LAYOUTS, traits
from ftdata.targets.skim import skim
from ftdata.targets.words import WORDS


@functools.cache
def gates(layout: str) -> list[Gate]:
    return [Gate(load(name), layout) for name in names()]


ROLES = ("system", "user", "assistant")


def written(layout: str, turns: list[tuple[str, Any]], beside: bool = True) -> dict[str, Any]:
    """Write turns as a row of the layout; the system's text stands `beside` the messages where the layout has that."""
    words = {role: word for word, role in WORDS[layout].items()}
    told = [text for role, text in turns if role == "system"]
    if layout in ("nova", "claude", "gemini") or (layout == "sharegpt" and beside):
        turns = [turn for turn in turns if turn[0] != "system"]
    if layout == "prompt-completion":
        return {"prompt": turns[0][1], "completion": turns[-1][1]}
    if layout == "nova":
        said = [{"role": words[role], "content": [{"text": text}]} for role, text in turns]
        row: dict[str, Any] = {"schemaVersion": "bedrock-conversation-2024", "messages": said}
        return {**row, "system": [{"text": text} for text in told]} if told else row
    if layout == "gemini":
        row = {"contents": [{"role": words[role], "parts": [{"text": text}]} for role, text in turns]}
        return {**row, "systemInstruction": {"role": "system", "parts": [{"text": told[0]}]}} if told else row
    if layout == "sharegpt":
        row = {"conversations": [{"from": words[role], "value": text} for role, text in turns]}
        return {**row, "system": told[0]} if told and beside else row
    row = {"messages": [{"role": words[role], "content": text} for role, text in turns]}
    return {**row, "system": told[0]} if told and layout == "claude" else row


GOOD = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Really?"), ("assistant", "Yes")]
PAIR = [("user", "Hi"), ("assistant", "Hello")]


@pytest.mark.parametrize("name", names())
def test_plain_rows_of_the_target_itself_pass(name: str):
    gate = Gate(load(name))
    keys = gate.profile.rule("key-names")
    row: dict[str, Any] = written(gate.layout, PAIR)
    if keys is not None and gate.layout == "prompt-completion":
        row = dict(zip(keys.params["keys"], row.values(), strict=True))
    assert gate.passes(json.dumps(row)), row
    assert gate.explain(json.dumps(row)).breaches == ()
    if name in ("openai", "nova", "gemini", "cohere", "llama-factory"):
        assert gate.passes(json.dumps(written(gate.layout, GOOD)))


TEXTS = st.sampled_from(["hi", "a \n b", "", " ", "\n", "\u00a0", "User: x", "\\", 'say "x"', "é"])
ODD = st.sampled_from([None, 1, [], {}, "", "x", ["x"], [{"text": ""}], [{"text": "x", "more": 1}], True])


@st.composite
def near_plain(draw: st.DrawFn, layout: str) -> str:
    """Give a row of the layout with at most a few odd values, as text."""
    turns = draw(st.sampled_from([GOOD, GOOD[1:], PAIR, [("system", "S"), *PAIR]]))
    turns = [(role, draw(TEXTS) if draw(st.integers(0, 9)) == 9 else text) for role, text in turns]
    turns += draw(st.sampled_from([[], [], [("user", "more")], [("system", "S")], [("assistant", "more")]]))
    row = written(layout, draw(st.sampled_from([turns, turns, turns[:-1], turns[1:]])) or turns)
    if layout == "prompt-completion" and draw(st.booleans()):
        row = dict(zip(("input", "output"), row.values(), strict=True))
    holders = [row]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        holder: Any = draw(st.sampled_from(holders))
        inner = [one for value in holder.values() if isinstance(value, list) for one in value if isinstance(one, dict)]
        if inner and draw(st.booleans()):
            holder = draw(st.sampled_from(inner))
        key = draw(st.sampled_from([*holder, "x", "weight", "system", "tools", "role", "messages"]))
        if draw(st.booleans()):
            holder.pop(key, None)
        else:
            holder[key] = copy.deepcopy(draw(ODD))
    return json.dumps(row, ensure_ascii=draw(st.booleans()))


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_the_gate_never_accepts_what_the_explainer_refuses(layout: str):
    passed = 0

    @settings(max_examples=150, deadline=None)
    @given(near_plain(layout))
    def holds(line: str) -> None:
        nonlocal passed
        known = traits(line, layout)
        for gate in gates(layout):
            if gate.takes(known, line):
                passed += 1
                assert gate.explain(line).breaches == (), gate.profile.name

    holds()
    assert passed


# --- blocks -----------------------------------------------------------------------------------------------------------

BLOCKS = ("openai-chat", "cohere", "sharegpt")
PIECES = ["a", '"', "\\", "{", "}", "{{", ' {"role": "', "\n", "\t", "é", "😀", " ", "\\u0041", "[", "]}", ", ", "\x7f"]


def talk(rng: random.Random) -> list[tuple[str, str]]:
    """Make a conversation whose texts are full of what JSON is written with."""
    turns = [("system", "S")] if rng.random() < 0.3 else []
    for _ in range(rng.choice((1, 1, 2))):
        turns += [(role, rng.choice(("x", " x", "\nx")) + said(rng)) for role in ("user", "assistant")]
    if rng.random() < 0.05:
        turns.insert(rng.randrange(len(turns)), (rng.choice(ROLES), "more"))
    return turns


def said(rng: random.Random) -> str:
    return "".join(rng.choices(PIECES, k=rng.randint(0, 6)))


def block_of(rng: random.Random, layout: str) -> bytes:
    rows = [written(layout, talk(rng), beside=False) for _ in range(rng.randint(3, 6))]
    compact, ascii_only = rng.random() < 0.5, rng.random() < 0.5
    separators = (",", ":") if compact else (", ", ": ")
    return "\n".join(json.dumps(row, separators=separators, ensure_ascii=ascii_only) for row in rows).encode()


def known_by_lines(block: bytes, layout: str) -> tuple[int, int]:
    lines = block.split(b"\n")
    return len(lines), functools.reduce(operator.and_, (traits(line, layout) for line in lines))


@pytest.mark.parametrize("layout", BLOCKS)
def test_a_sound_block_is_known_as_its_lines_are(layout: str):
    rng = random.Random(layout)
    told = 0
    for _ in range(400):
        block = block_of(rng, layout)
        known = skim(block, layout)
        told += known is not None
        assert known is None or known == known_by_lines(block, layout), block
    assert told > 100  # of blocks so small, with braces so near, many are left to the decoders


CHANGES = [*b'"{}[]\\,:\n \tu0dD8x\x00', *"é".encode(), 0xED, 0xA0]


@pytest.mark.parametrize("layout", BLOCKS)
def test_a_damaged_block_is_never_taken_for_more_than_it_is(layout: str):
    rng = random.Random(layout)
    seen = 0
    for _ in range(6000):
        damaged = bytearray(block_of(rng, layout))
        for _ in range(rng.choice((1, 1, 2, 3))):
            at = rng.randrange(len(damaged))
            change = rng.randrange(4)
            if change == 0:
                del damaged[at : at + rng.choice((1, 1, 2, 8))]
            elif change == 1:
                damaged[at : at + rng.choice((0, 1))] = bytes([rng.choice(CHANGES)])
            elif change == 2:
                damaged[at:at] = damaged[(start := rng.randrange(len(damaged))) : start + rng.randint(1, 40)]
            else:
                damaged[at : at + 1] = b"\\" + bytes([rng.choice(CHANGES)])
        block = bytes(damaged)
        known = skim(block, layout)
        if known is not None:
            seen += 1
            for line in block.split(b"\n"):
                orjson.loads(line)
            assert known == known_by_lines(block, layout), block
    assert seen > 100


def test_marks_one_next_to_the_other_make_up_for_nothing():
    """Count what one fault takes away and another adds: the sums are right, the rows are not."""
    good = b'{"messages": [{"role": "user", "content": "abc"}, {"role": "assistant", "content": "de"}]}'
    assert skim(b"\n".join([good] * 3), "openai-chat") is not None
    for bad in (
        good.replace(b'abc"', b'abc\\"').replace(b"de", b'd"e'),  # one quote escaped, one too many
        good.replace(b"abc", b'a"b\\"c').replace(b'"de"', b'"de'),
        good.replace(b"abc", b"a\\ud800c"),
        good.replace(b"abc", b"a\\udc00\\ud800c"),
        good.replace(b"abc", b"a\\xc"),
        good.replace(b"abc", b"a\xff"),
        good.replace(b"abc", b"  "),
        good.replace(b"abc", b"\\u0020"),
        good.replace(b"abc", b""),
        good.replace(b"]}", b"]"),
        good + b" " + good,
    ):
        for rows in ([bad, good, good], [good, bad, good], [good, good, bad]):
            assert skim(b"\n".join(rows), "openai-chat") is None, bad
