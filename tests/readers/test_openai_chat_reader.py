"""The openai-chat reader: nothing repaired, nothing inferred, nothing lost, every record owned once."""

from __future__ import annotations

import itertools
import json
import random
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.batch import ROWS, SCHEMA, TEXT, conversations
from ftdata.errors import InputError
from ftdata.readers.openai_chat import OpenAIChat, parse_line
from ftdata.source import Source

SHARED = Path(__file__).resolve().parents[3] / "shared"


def read(path: Path, data: bytes | str, first: int = 1) -> pl.DataFrame:
    """All rows as one frame; that every record is owned by exactly one row is checked on the way."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with Source(path, first=first) as source:
        batches = list(OpenAIChat(path=path).read(source))
        owned = [n for batch in batches for origin in batch["origin"].to_list() for n in origin]
        assert owned == list(range(first, first + source.handed))
    for batch in batches:
        assert batch.schema == SCHEMA
        assert batch.height <= ROWS
        assert batch.estimated_size() < 4 * TEXT
    return pl.concat(batches) if batches else pl.DataFrame(schema=SCHEMA)


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (b'{"messages":[]}{"messages":[]}\n', "bad-json"),
        (b'{"messages":[],\n"x":1}', "bad-json"),
        (b"", "blank-line"),
        (b'\xef\xbb\xbf{"messages":[]}', "bad-json"),
        (b'{"messages":[{"role":"user","content":"\xff"}]}', "not-utf8"),
        (b'{"messages":[{"role":"user","content":"\\udc00"}]}', "lone-surrogate"),
        (b'{"messages":[{"role":"user","content":"a\x01b"}]}', "bad-json"),
        (b'{"messages":null}', "no-messages"),
        (b"{}", "no-messages"),
    ],
)
def test_an_odd_line_among_plain_ones_is_found(tmp_path: Path, odd: bytes, reason: str) -> None:
    """Over several blocks of a batch: two objects on a line and a blank line make as many rows as lines."""
    lines = [f'{{"messages":[{{"role":"user","content":"{n} {"x" * 300}"}}]}}'.encode() for n in range(3000)]
    data = b"\n".join([*lines[:1500], odd, *lines[1500:]])
    rows = read(tmp_path / "a.jsonl", data)
    parts = data.split(b"\n")
    expected = [parse_line(line).drop for line in parts]
    assert rows["drop"].to_list() == expected
    assert reason in expected
    said = rows["messages"].list.first().struct.field("content").drop_nulls()
    assert said.str.split(" ").list.first().drop_nulls().cast(pl.Int64, strict=False).drop_nulls().len() >= 3000


@pytest.mark.parametrize(
    "more", ['"weight":1', '"weight":-128,"name":"Ana"', '"name":null', '"weight":300', '"weight":1.0']
)
def test_plain_rows_in_bulk_are_those_read_alone(tmp_path: Path, more: str) -> None:
    line = (
        f'{{"messages":[{{"role":"user","content":"é \\u00e9 \\ud83d\\ude00"}},{{"role":"x","content":"a",{more}}}]}}'
    )
    rows = read(tmp_path / "a.jsonl", "\n".join([line] * 5))
    alone = parse_line(line.encode())
    assert alone.messages is not None
    expected = [tuple(turn) + (None,) * (8 - len(turn)) for turn in alone.messages]
    assert [[tuple(m.values()) for m in row] for row in rows["messages"].to_list()] == [expected] * 5


def back(row: dict[str, Any]) -> dict[str, Any]:
    """The row as parsed JSON: an independent writer, in the fewest words."""

    def text(value: str | None) -> Any:
        return None if value is None else json.loads(value)

    def turns(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        made = []
        for m in messages:
            plain = {k: m[k] for k in ("role", "content", "name", "weight", "tool_call_id") if m[k] is not None}
            if m["tool_calls"] is not None:
                plain["tool_calls"] = text(m["tool_calls"])
            if m["parts"] is not None:
                assert m["content"] is None
                plain["content"] = text(m["parts"])
            made.append({**plain, **(text(m["extra"]) or {})})
        return made

    extra = text(row["extra"]) or {}
    tools = {} if row["tools"] is None else {"tools": text(row["tools"])}
    if row["rejected"] is not None:
        at = row["answer_at"]
        asked = {"messages": turns(row["messages"][:at]), **tools, **extra.pop("input", {})}
        answers = {"preferred_output": turns(row["messages"][at:]), "non_preferred_output": turns(row["rejected"])}
        return {"input": asked, **answers, **extra}
    if row["messages"] is not None:
        extra["messages"] = turns(row["messages"])
    return {**extra, **tools}


def without_nulls(row: Any, depth: int = 0) -> Any:
    """A null key of a row or message equals an absent one, but for `content` beside a call."""
    if not isinstance(row, dict):
        return row
    kept = {}
    for key, value in row.items():
        if value is None:
            called = row.get("tool_calls") is not None or row.get("function_call") is not None
            if not (key == "content" and called and depth):
                continue
        listed = key == "messages" or key.endswith("preferred_output")
        if listed and isinstance(value, list) and all(isinstance(m, dict) for m in value):
            value = [without_nulls(m, 1) for m in value]
        elif key == "input" and isinstance(value, dict):
            value = without_nulls(value)
        kept[key] = value
    return kept


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"n": 12345678901234567890123}'}}
ROWS_KEPT: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    {"messages": [{"role": "system", "content": ""}, {"role": "developer", "content": "x", "name": "d"}]},
    {"messages": [{"role": "assistant", "content": "b", "weight": w} for w in (0, 1, -128, 127)]},
    {"messages": [{"role": "assistant", "content": "b", "weight": w} for w in (0.5, 128, 10**30, True, "1", [0], 1.0)]},
    {"messages": [{"role": "assistant", "content": None, "tool_calls": [CALL]}]},
    {"messages": [{"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "c", "content": "{}"}]},
    {"messages": [{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}]},
    {"messages": [{"role": "assistant", "content": None, "function_call": None, "tool_calls": None}]},
    {"messages": [{"role": "function", "name": "f", "content": "{}"}], "functions": [{"name": "f"}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "é", "n": 10**40, "z": None}]}]},
    {
        "messages": [
            {"role": "user", "content": []},
            {"role": "user", "content": {"a": 1}},
            {"role": "user", "content": 5},
        ]
    },
    {"messages": [{"role": 1, "content": "a"}, {"role": "alien", "content": "b"}, {}, {"content": "c"}]},
    {
        "messages": [
            {"role": "user", "content": "a", "parts": 1, "extra": {"extra": 2}, "tool_calls": "no", "x": [None]}
        ]
    },
    {"messages": [{"role": "assistant", "refusal": "no", "content": None, "audio": None}]},
    {"messages": []},
    {"messages": "x"},
    {"messages": {"role": "user"}},
    {"messages": [{"role": "user", "content": "a"}, "b"]},
    {"messages": [None]},
    {"messages": [{"role": "user", "content": "q"}], "reference_label": "billing", "n": 2**70, "f": 1e-7, "nul": None},
    {"messages": [{"role": "user", "content": "q"}], "tools": [], "parallel_tool_calls": False, "meta": {"a": 1}},
    {"messages": [{"role": "user", "content": "q"}], "tools": {"not": "a list"}, "extra": 1, "drop": "x", "row": 9},
    {
        "input": {"messages": [{"role": "user", "content": "q"}], "tools": [CALL], "parallel_tool_calls": True},
        "preferred_output": [{"role": "assistant", "content": "a", "weight": 1}],
        "non_preferred_output": [{"role": "assistant", "content": [{"type": "text", "text": "b"}]}],
    },
    {
        "input": {"messages": []},
        "preferred_output": [],
        "non_preferred_output": [],
        "note": "x",
    },
    {"input": {"messages": "x"}, "preferred_output": [], "non_preferred_output": []},
    {"input": [1], "preferred_output": [{"role": "assistant", "content": "a"}], "non_preferred_output": "b"},
    {"preferred_output": [{"role": "assistant", "content": "a"}]},
]


@pytest.mark.parametrize("row", ROWS_KEPT, ids=range(len(ROWS_KEPT)))
def test_nothing_is_lost(row: dict[str, Any], tmp_path: Path) -> None:
    for text in (json.dumps(row), json.dumps(row, ensure_ascii=False, indent=None, separators=(",", ":"))):
        got = read(tmp_path / "in.jsonl", text + "\n")
        assert got["drop"].to_list() == [None]
        assert got["flags"].to_list() == [[]]
        assert back(got.row(0, named=True)) == without_nulls(row)
    assert len(list(conversations(got))) == 1


def test_both_spellings_of_a_preference(tmp_path: Path) -> None:
    row = {"input": {"messages": [{"role": "user", "content": "q"}]}}
    yes, no = [{"role": "assistant", "content": "a"}], [{"role": "assistant", "content": "b"}]
    one = json.dumps({**row, "preferred_output": yes, "non_preferred_output": no})
    two = json.dumps({**row, "preferred_completion": yes, "non_preferred_completion": no})
    got = read(tmp_path / "in.jsonl", f"{one}\n{two}\n")
    assert got["answer_at"].to_list() == [1, 1]
    assert got["rejected"].list.len().to_list() == [1, 1]
    assert got["messages"].list.len().to_list() == [2, 2]


NUMBERS = "12345678901234567890123, 0.1000000000000000055511151231257827, 1E5, -0.0"


def test_numbers_in_open_parts_stay_as_they_are_written(tmp_path: Path) -> None:
    line = '{"messages":[{"role":"user","content":[{"n":[N]}],"x":[N]}],"tools":[N],"y":[N]}'.replace(
        "[N]", f"[{NUMBERS}]"
    )
    got = read(tmp_path / "in.jsonl", line).row(0, named=True)
    message = got["messages"][0]
    for text in (message["parts"], message["extra"], got["tools"], got["extra"]):
        assert NUMBERS in text


OK = '{"messages":[{"role":"user","content":"a"}]}'
DROPPED: list[tuple[str, bytes, str, str | None]] = [
    ("blank", b"", "blank-line", None),
    ("spaces", b" \t ", "blank-line", None),
    ("number", b"5", "not-an-object", None),
    ("array", b"[]", "not-an-object", None),
    ("empty object", b"{}", "no-messages", None),
    ("null messages", b'{"messages":null}', "no-messages", None),
    ("legacy", b'{"prompt":"a","completion":"b"}', "no-messages", None),
    ("another input", b'{"input":"a","output":"b"}', "no-messages", None),
    ("single quotes", b"{'messages':[]}", "bad-json", "column 2"),
    ("trailing comma", b'{"messages":[],}', "bad-json", "column 16"),
    ("NaN", b'{"messages":[],"x":NaN}', "bad-json", None),
    ("minus infinity", b'{"messages":[],"x":-Infinity}', "bad-json", None),
    ("two values", OK.encode() + b" {}", "bad-json", "column 46"),
    ("cut", OK.encode()[:-1], "bad-json", "column 44"),
    ("not utf-8", OK.encode().replace(b'"a"', b'"\xe9"'), "not-utf8", "column 40"),
    ("surrogate in bytes", OK.encode().replace(b'"a"', b'"\xed\xa0\x80"'), "not-utf8", "column 40"),
    ("lone surrogate", OK.encode().replace(b'"a"', rb'"\ud800"'), "lone-surrogate", None),
    ("lone surrogate in a key", b'{"messages":[],"\\udc00":1}', "lone-surrogate", None),
    ("too deep", b'{"messages":[],"x":' + b"[" * 64 + b"]" * 64 + b"}", "too-deep", None),
    ("far too deep", b'{"messages":[],"x":' + b"[" * 99999 + b"]" * 99999 + b"}", "too-deep", None),
    ("huge number", b'{"messages":[],"x":' + b"9" * 401 + b"}", "huge-number", None),
    ("beyond a double", b'{"messages":[],"x":1e400}', "huge-number", None),
    ("a mark inside", b"\xef\xbb\xbf" + OK.encode(), "bad-json", "column 1"),
]


@pytest.mark.parametrize(("line", "drop", "note"), [c[1:] for c in DROPPED], ids=[c[0] for c in DROPPED])
def test_a_bad_record_is_one_row_with_a_reason_and_no_text(
    line: bytes, drop: str, note: str | None, tmp_path: Path
) -> None:
    got = read(tmp_path / "in.jsonl", b"\n".join([OK.encode(), line, OK.encode()]), first=5)
    assert got["drop"].to_list() == [None, drop, None]
    assert got["note"].to_list() == [None, note, None]
    bad = got.row(1, named=True)
    assert bad["origin"] == [6]
    assert all(bad[key] is None for key in ("messages", "rejected", "tools", "extra", "meta"))


@pytest.mark.parametrize(
    "line",
    [
        '{"messages":[{"role":"user","role":"assistant","content":"b"}]}',
        '{"messages":[{"role":"user","content":"a","content":"b"}]}',
        '{"messages":[{"role" : "user","content":"a","content":"b"}]}',
        '{"messages":[{"role":"user","content":"a\\":","content"  :"b"}]}',
        '{"messages":[],"messages":[{"role":"user","content":"b"}]}',
        '{"messages":[{"role":"user","content":"b"}],"x":{"a":1,"a":2}}',
        '{"messages":[{"role":"user","content":"b","n\\u0061me":"a","name":"b"}]}',
    ],
)
def test_a_key_given_twice_is_flagged_and_the_last_one_wins(line: str, tmp_path: Path) -> None:
    plain = '{"messages":[{"role":"user","content":"say \\": or \\" : or  : and \\\\"}]}'
    got = read(tmp_path / "in.jsonl", "\n".join([plain, line, plain]))
    assert got["flags"].to_list() == [[], ["duplicate-key"], []]
    assert back(got.row(1, named=True)) == json.loads(line)
    assert back(got.row(0, named=True)) == json.loads(plain)


def test_an_array_and_a_pretty_printed_object_are_read_with_a_note(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": f"{n}"}], "x": {"a": [1, {"b": " c "}]}} for n in range(5)]
    for indent in (None, 2):
        got = read(tmp_path / "in.json", json.dumps(rows, indent=indent))
        assert [back(row) for row in got.iter_rows(named=True)] == rows
        assert got["flags"].to_list() == [["json-array"]] * 5
        assert not any("\n" in text for text in got["extra"])
    got = read(tmp_path / "in.json", json.dumps(rows[0], indent=2))
    assert got["flags"].to_list() == [["json-object"]]
    assert back(got.row(0, named=True)) == rows[0]
    broken = json.dumps(rows, indent=2).replace('"content": "2"', '"content": "2')
    got = read(tmp_path / "in.json", broken)
    assert got["drop"].to_list() == [None, None, "bad-json", None, None]


def test_utf16_and_marks(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        got = read(tmp_path / "in.jsonl", (OK.replace('"a"', '"ação 𝄞"') + "\r\n" + OK).encode(encoding))
        assert got["messages"].to_list()[0][0]["content"] == "ação 𝄞"
        assert got["drop"].to_list() == [None, None]


def test_many_rows_make_full_batches_in_order(tmp_path: Path) -> None:
    lines = [json.dumps({"messages": [{"role": "user", "content": f"{n}"}]}) for n in range(10_000)]
    lines[5_000] = "{"
    lines[7_000] = json.dumps({"messages": [{"role": "user", "content": "7000", "weight": 0}], "tools": []})
    got = read(tmp_path / "in.jsonl", "\n".join(lines), first=11)
    assert got.height == 10_000
    assert got["drop"].to_list()[5_000] == "bad-json"
    kept = got.filter(pl.col("drop").is_null())
    assert [m[0]["content"] for m in kept["messages"].to_list()] == [str(n) for n in range(10_000) if n != 5_000]


def test_a_batch_holds_no_more_than_8_mb_of_text(tmp_path: Path) -> None:
    row = json.dumps({"messages": [{"role": "user", "content": "x" * 3_000_000}]})
    assert read(tmp_path / "in.jsonl", "\n".join([row] * 6)).height == 6
    with Source(tmp_path / "in.jsonl") as source:
        sizes = [batch.height for batch in OpenAIChat(path=Path("x")).read(source)]
    assert max(sizes) <= 2


# --- against the standard library -------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
roles = st.sampled_from(["system", "user", "assistant", "tool", "alien"])
message = st.fixed_dictionaries(
    {"role": roles | values},
    optional={
        "name": st.text(max_size=3) | values,
        "weight": st.sampled_from([0, 1]) | values,
        "tool_calls": values,
        "tool_call_id": st.text(max_size=3) | values,
        "content": st.text(max_size=5) | values,
        "x": values,
    },
)
chat = st.fixed_dictionaries(
    {"messages": st.lists(message, max_size=4) | values}, optional={"tools": values, "k": values, "a:": values}
)
plain_chat = st.fixed_dictionaries(
    {"messages": st.lists(st.fixed_dictionaries({"role": roles, "content": st.text(max_size=12)}), max_size=4)}
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(chat | plain_chat | values, max_size=6),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
)
def test_every_row_equals_what_the_standard_library_reads(
    rows: list[Any], ascii_: bool, marks: tuple[str, str]
) -> None:
    for row in rows:
        line = json.dumps(row, ensure_ascii=ascii_, separators=marks).encode()
        got = parse_line(line)
        if not isinstance(row, dict):
            assert got.drop == "not-an-object"
        elif row.get("messages") is None:
            assert got.drop == "no-messages"
        else:
            assert got.drop is None
            assert got.flags == ()


@settings(max_examples=150, deadline=None)
@given(st.lists(chat | plain_chat, min_size=1, max_size=6), st.booleans())
def test_files_are_lossless(tmp_path_factory: pytest.TempPathFactory, rows: list[Any], ascii_: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    got = read(path, b"\n".join(json.dumps(row, ensure_ascii=ascii_).encode() for row in rows))
    for row, made in zip(rows, got.iter_rows(named=True), strict=True):
        if row["messages"] is None:
            assert made["drop"] == "no-messages"
        else:
            assert back(made) == without_nulls(row)


@settings(max_examples=150, deadline=None)
@given(st.lists(plain_chat, min_size=1, max_size=5))
def test_the_fast_way_and_the_exact_way_agree(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.jsonl"
    lines = [json.dumps(row).encode() for row in rows]
    fast = read(path, b"\n".join(lines))
    slow = read(path, b"\n".join([*lines, b"{"]))
    assert fast.equals(slow.head(len(rows)))


# --- third-party data -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (SHARED / "data/broken/blns").is_dir(), reason="the third-party files are not here")
def test_naughty_strings_come_through(tmp_path: Path) -> None:
    strings = json.loads((SHARED / "data/broken/blns/blns.json").read_text())
    rows = [{"messages": [{"role": "user", "content": s, "name": s}], s or "k": [s]} for s in strings]
    got = read(tmp_path / "in.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    assert [back(row) for row in got.iter_rows(named=True)] == rows


# --- sniffing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (OK, True),
        (f"[{OK},\n{OK}]", True),
        (json.dumps(ROWS_KEPT[22]), True),
        (f"{OK}\nnot json\n{OK}", True),
        ('{"prompt":"a","completion":"b"}', False),
        ('{"conversations":[{"from":"human","value":"a"}]}', False),
        ('{"instruction":"a","input":"","output":"b"}', False),
        ('{"messages":[{"user":"U1","text":"a"}]}', False),
        ("a,b\n1,2\n", False),
        ("", False),
    ],
)
def test_sniff(text: str, known: bool, tmp_path: Path) -> None:
    (tmp_path / "in").write_text(text)
    with Source(tmp_path / "in") as source:
        told = OpenAIChat.sniff(source)
        assert source.handed == 0
    assert (told is not None) == known
    if told:
        assert told.confidence > 0.5
        assert told.evidence


# --- fuzz -------------------------------------------------------------------------------------------------------------


def test_fuzz(tmp_path: Path) -> None:
    seeds = [
        "\n".join(json.dumps(row) for row in ROWS_KEPT[:6]).encode(),
        "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS_KEPT[20:25]).encode(),
        json.dumps(ROWS_KEPT[:3], indent=1).encode(),
        json.dumps(ROWS_KEPT[20], indent=1).encode(),
        (OK + "\r\n" + OK).encode("utf-16"),
    ]
    tokens = [
        b'"',
        b",",
        b"\n",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\\",
        b"\\ud800",
        b"\0",
        b"\xff",
        b"null",
        b"1e999",
        b'"messages":',
    ]
    rng, start, refused = random.Random(7), time.process_time(), 0
    for _ in range(2_000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(data) + 1)
            match rng.randrange(4):
                case 0:
                    data[at:at] = rng.choice(tokens)
                case 1:
                    del data[at : at + rng.randint(1, 9)]
                case 2 if at < len(data):
                    data[at] = rng.randrange(256)
                case 3:
                    data[at:at] = data[at : at + rng.randint(1, 60)]
        try:
            got = read(tmp_path / "in.jsonl", bytes(data))
        except InputError:
            refused += 1
            continue
        for drop, messages in itertools.islice(zip(got["drop"], got["messages"], strict=True), 50):
            assert drop is None or messages is None
    assert refused < 600
    assert time.process_time() - start < 60


def test_named_keys_go_to_meta(tmp_path: Path) -> None:
    talk = '"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]'
    lines = [
        f'{{{talk},"csat":1.50,"customer":{{"id":12345678901234567890}},"lang":"pt"}}',
        f'{{{talk},"lang":"es"}}',
        f'{{{talk},"csat":null}}',
        f"{{{talk}}}",
    ]
    (tmp_path / "chat.jsonl").write_text("\n".join(lines) + "\n")
    stage = OpenAIChat(path=tmp_path / "chat.jsonl", meta=("csat", "customer"))
    (batch,) = stage.read(Source(tmp_path / "chat.jsonl"))
    assert batch["meta"].to_list() == [
        '{"csat":1.50,"customer":{"id":12345678901234567890}}',
        None,
        None,  # a null equals an absent key
        None,
    ]
    assert batch["extra"].to_list() == ['{"lang":"pt"}', '{"lang":"es"}', None, None]
