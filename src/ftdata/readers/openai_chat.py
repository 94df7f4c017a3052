"""The `openai-chat` reader: chat, preference and reinforcement rows as OpenAI's fine-tuning takes them, one per line.

Three ways, the fast one first. A block of plain rows (`messages` of role, content, name, weight) becomes columns by
Arrow's JSON parser, without an object for each value. A row with anything else is parsed by orjson, and its
open-ended parts are kept as the text they have in the file, so that no number changes. What either refuses is settled
by the standard library's parser, which names what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.json as pj
from pydantic import Field

from ftdata.batch import ROWS, TEXT, Batch, Rows, dumps, handed, make_batch, messages_column, nest
from ftdata.jsontext import BadJson, parse, too_deep
from ftdata.source import Limits, Lines, Source, is_one_value
from ftdata.stages import Reader, Sniff

_ANSWERS = (("preferred_output", "non_preferred_output"), ("preferred_completion", "non_preferred_completion"))
_SPACED = re.compile(rb'"[ \t\r\n]+:')


# Texts are taken as bytes: polars then looks whether they are UTF-8, in a quarter of the time that Arrow takes.
_FIELDS = {"role": pa.large_binary(), "content": pa.large_binary(), "name": pa.large_binary(), "weight": pa.int64()}


def _only(*names: str) -> pj.ParseOptions:
    """Take rows of `messages` that have these fields and no others."""
    message = pa.struct([(name, _FIELDS[name]) for name in names])
    return pj.ParseOptions(
        explicit_schema=pa.schema({"messages": pa.list_(message)}), unexpected_field_behavior="error"
    )


_PLAINEST = _only("role", "content")
_PLAIN = _only(*_FIELDS)
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class ParsedRow(NamedTuple):
    """One line of the file as a row of a batch: the arguments of `ftdata.batch.Rows.add` but for `origin`."""

    messages: list[tuple[Any, ...]] | None = None
    rejected: list[tuple[Any, ...]] | None = None
    answer_at: int | None = None
    tools: str | None = None
    extra: str | None = None
    flags: tuple[str, ...] = ()
    drop: str | None = None
    note: str | None = None


class OpenAIChat(Reader):
    """Read chat JSONL as OpenAI's fine-tuning takes it: `messages` rows, preference rows, reinforcement rows.

    Columns: role, content, name, weight, tool_calls, tool_call_id; content parts as JSON text in `parts`; every other
    key of a message in its `extra`, every other key of the row in the row's `extra`. A value that does not fit its
    column stays in `extra` under its own key; a null equals an absent key, but for `content` beside a call, which is
    kept. A preference row (`input`, `preferred_output`, `non_preferred_output`) has the preferred answer at the end of
    `messages`, from `answer_at` on, and the other in `rejected`. A file that is one JSON array or one pretty-printed
    object is read too, with the flag `json-array` or `json-object`.

    A record is dropped as `not-an-object`, `no-messages`, `blank-line`, or with the problem of its JSON: `bad-json`
    (the note gives the column), `not-utf8`, `too-deep` (64 levels), `huge-number` (a whole number over 400 digits, or
    a number beyond a double), `lone-surrogate`, `row-too-large` (64 MiB). A key given twice in one object: the last
    wins, as in every vendor's parser, and the row gets the flag `duplicate-key`.

    A key named in `meta` goes there instead of to the row's `extra`.

    Source of the layout: OpenAI's API specification, `FineTuneChatRequestInput`, `FineTunePreferenceRequestInput`,
    `FineTuneReinforcementRequestInput`.
    """

    name: ClassVar[str] = "openai-chat"
    ready: ClassVar[bool] = True
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object", "no-messages"})

    meta: tuple[str, ...] = Field(
        (),
        description="keys of the row that go to `meta`, such as category or customer: steps can use them, and a writer "
        "writes them only where it is told to",
    )

    def reads_meta(self) -> frozenset[str]:
        """A reader reads no meta."""
        return frozenset()

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the source."""
        batches = _from_items(source) if is_one_value(source.opening()) else _from_lines(source)
        return map(self._aside, batches) if self.meta else batches

    def _aside(self, batch: Batch) -> Batch:
        """Move the keys that are named from `extra` to `meta`."""
        metas: list[str | None] = []
        extras: list[str | None] = []
        for text in batch["extra"]:
            fields = _raw_object(text) if text is not None else {}
            taken = {key: fields.pop(key) for key in self.meta if key in fields}
            metas.append(msgspec.json.encode(taken).decode() if taken else None)
            extras.append(text if not taken else msgspec.json.encode(fields).decode() if fields else None)
        return batch.with_columns(pl.Series("meta", metas, pl.String), pl.Series("extra", extras, pl.String))

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know chat rows by their keys: `messages` with roles, or a preferred and a rejected answer."""
        if len(source.members()) > 1 or source.opening(4096).lstrip()[:1] not in (b"{", b"["):
            return None
        rows = [row for row in source.sample(200) if isinstance(row, dict)]
        if not rows:
            return None
        chats = sum(_is_chat(row.get("messages")) for row in rows)
        pairs = sum(any(a in row and b in row for a, b in _ANSWERS) and "input" in row for row in rows)
        share = (chats + pairs) / len(rows)
        if share == 0:
            return None
        evidence = [
            f"{count} of {len(rows)} rows have {what}"
            for count, what in ((chats, "`messages` with a role each"), (pairs, "`input` and two answers"))
            if count
        ]
        return Sniff(
            round(min(0.98, 0.3 + 0.68 * share), 2),
            tuple(evidence),
            {},
            "--from openai-chat",
            certain=chats == len(rows) and all(map(_is_plainest, rows)),
        )


def _is_plainest(row: dict[str, Any]) -> bool:
    """Whether a row is plain talk, with no key, role or tag that another layout could know it by."""
    return row.keys() == {"messages"} and all(
        message.keys() == {"role", "content"}
        and message["role"] in ("system", "user", "assistant")
        and isinstance(message["content"], str)
        and "<tool" not in message["content"]
        for message in row["messages"]
    )


def _is_chat(messages: Any) -> bool:
    return isinstance(messages, list) and all(isinstance(m, dict) and "role" in m for m in messages) and bool(messages)


# --- batches ----------------------------------------------------------------------------------------------------------


def _from_items(source: Source) -> Iterator[Batch]:
    """Read a file that is one JSON value; every row says so by a flag."""
    flag = "json-array" if source.opening(4096).lstrip()[:1] == b"[" else "json-object"
    rows = Rows()
    for record in source.json_texts():
        row = ParsedRow(drop=record.problem) if record.problem else parse_line(record.value, source.limits)
        _add(rows, record.number, row, (flag,))
        if rows.full:
            yield rows.batch()
    if len(rows):
        yield rows.batch()


def _from_lines(source: Source) -> Iterator[Batch]:
    """Read lines: blocks are gathered to full batches, always in order."""
    held: list[Lines] = []
    count = size = 0
    plain = _Plain()
    for block in source.lines():
        for part in _parts(block):
            if held and (part.problem or count + part.count > ROWS or size + len(part.block) > TEXT):
                yield from _batches(held, plain, source.limits)
                held, count, size = [], 0, 0
            held.append(part)
            count, size = count + part.count, size + len(part.block)
    if held:
        yield from _batches(held, plain, source.limits)


def _batches(blocks: list[Lines], plain: _Plain, limits: Limits) -> Iterator[Batch]:
    """Make one batch of plain rows; if some row is more, look for its block by halves: only that goes row by row."""
    batch = plain.batch(blocks)
    if batch is not None:
        yield batch
    elif len(blocks) == 1:
        yield from _mixed(blocks[0], limits)
    else:
        half = len(blocks) // 2
        yield from _batches(blocks[:half], plain, limits)
        yield from _batches(blocks[half:], plain, limits)


def _parts(block: Lines) -> Iterator[Lines]:
    """Cut a block with more lines than a batch may hold; keep a record that is too large on its own."""
    if block.count <= ROWS:
        yield block
        return
    for start in range(0, block.count, ROWS):
        some = block.lines[start : start + ROWS]
        yield Lines(block.number + start, block.line + start, b"\n".join(some), len(some), block.problem)


class _Plain:
    """Decodes lines that are all plain rows.

    Arrow's parser takes no key twice, no other key, no other kind of value and no broken string. Most files name role
    and content alone, and are read a sixth faster as such: until a row has more.
    """

    def __init__(self) -> None:
        self._options = _PLAINEST

    def batch(self, blocks: list[Lines]) -> Batch | None:
        """Decode blocks that follow one another; None: some line is no plain row, or may be none."""
        if not all(map(_is_one_a_line, blocks)):
            return None
        text = b"\n".join(block.block for block in blocks)
        rows = sum(block.count for block in blocks)
        listed = self._parsed(text)
        if listed is None and self._options is _PLAINEST:
            self._options = _PLAIN
            listed = self._parsed(text)
        if listed is None or len(listed) != rows or listed.null_count:
            return None
        messages = listed.values  # all of them: nothing is cut, and no list is null
        if messages.null_count:
            return None
        fields = {field.name: handed(column) for field, column in zip(messages.type, messages.flatten(), strict=True)}
        try:
            for name, column in fields.items():
                fields[name] = column.cast(pl.Int8 if name == "weight" else pl.String)
        except pl.exceptions.PolarsError:  # not UTF-8, or a weight beyond 8 bits
            return None
        first = blocks[0].number
        return make_batch(
            rows,
            {
                "row": pl.Series("row", [0], pl.UInt64).new_from_index(0, rows),
                "id": pl.Series("id", [""], pl.String).new_from_index(0, rows),
                "origin": nest(pl.int_range(first, first + rows, dtype=pl.UInt64, eager=True), np.arange(rows + 1)),
                "messages": messages_column(fields, np.frombuffer(listed.offsets.buffers()[1], np.int32)[: rows + 1]),
            },
        )

    def _parsed(self, text: bytes) -> Any:
        options = pj.ReadOptions(use_threads=False, block_size=len(text) + 1)
        try:
            table = pj.read_json(pa.BufferReader(text), read_options=options, parse_options=self._options)
            table.validate()
        except pa.ArrowException:
            return None
        (listed,) = table["messages"].chunks
        return listed


def _is_one_a_line(block: Lines) -> bool:
    """Whether these are as many objects as lines: Arrow's parser would take two on a line, or one on two lines.

    Inside an object a line cannot end with `}` and the next begin with `{`: there would be a comma.
    """
    if block.problem or block.block[:1] != b"{" or block.block[-1:] != b"}":
        return False
    data, ends = np.frombuffer(block.block, np.uint8), block.ends
    return bool((data[ends - 1] == 125).all() and (data[ends + 1] == 123).all())


def _mixed(block: Lines, limits: Limits) -> Iterator[Batch]:
    """Read lines one by one."""
    rows = Rows()
    for number, line in enumerate(block.lines, block.number):
        _add(rows, number, ParsedRow(drop=block.problem) if block.problem else parse_line(line, limits))
        if rows.full:
            yield rows.batch()
    if len(rows):
        yield rows.batch()


def _add(rows: Rows, number: int, row: ParsedRow, flags: tuple[str, ...] = ()) -> None:
    rows.add(
        (number,),
        row.messages,
        rejected=row.rejected,
        answer_at=row.answer_at,
        tools=row.tools,
        extra=row.extra,
        flags=flags + row.flags,
        drop=row.drop,
        note=row.note,
    )


# --- one row ----------------------------------------------------------------------------------------------------------


def parse_line(line: bytes, limits: Limits | None = None) -> ParsedRow:
    """Read one line exactly: a row, or the reason why it is none (`drop`, with a column number as note at most)."""
    limits = limits or Limits()
    if not line.strip(b" \t\r\n"):
        return ParsedRow(drop="blank-line")
    if len(line) > limits.row:
        return ParsedRow(drop="row-too-large")
    try:
        value, duplicate = _value(line, limits)
    except BadJson as error:
        note = f"column {error.column}" if error.column else None
        return ParsedRow(drop=error.problem, note=note)
    if not isinstance(value, dict):
        return ParsedRow(drop="not-an-object")
    if duplicate:
        # The last of the two wins, as in vendors' parsers; the text must not carry the other one on.
        return _row(value, dumps(value).encode())._replace(flags=("duplicate-key",))
    return _row(value, line)


def _value(line: bytes, limits: Limits) -> tuple[Any, bool]:
    """Parse a line; say whether a key is given twice in some object."""
    try:
        value = orjson.loads(line)
    except ValueError:
        return parse(line, limits)
    if line.count(b"[") + line.count(b"{") > limits.depth and too_deep(line, limits.depth):
        raise BadJson("too-deep")
    # Written again without duplicates, a row has fewer keys; where the count is not certain, look closely.
    if _SPACED.search(line) or _colons(line) != _colons(orjson.dumps(value)):
        return parse(line, limits)
    return value, False


def _colons(line: bytes) -> int:
    return line.count(b'":') - line.count(b'\\":')


def _row(value: dict[str, Any], line: bytes) -> ParsedRow:
    """Sort the keys of a row into columns; what does not fit stays in `extra`, as the text it has in the file."""
    raw: dict[str, msgspec.Raw] | None = None

    def text(key: str) -> str:
        nonlocal raw
        if raw is None:
            raw = _raw_object(line)
        return str(raw[key], "utf-8")

    if value.get("messages") is None:
        return _preference(value, line) or ParsedRow(drop="no-messages")
    messages = _turns(value["messages"], lambda: text("messages"))
    tools = None
    extra = []
    for key, item in value.items():
        if item is None or (key == "messages" and messages is not None):
            continue
        if key == "tools" and isinstance(item, list):
            tools = text(key)
        else:
            extra.append((key, text(key)))
    return ParsedRow(messages, tools=tools, extra=_object(extra))


def _preference(value: dict[str, Any], line: bytes) -> ParsedRow | None:
    """Read a preference row; one that is not whole is kept as it is, in `extra`; None: no preference row at all."""
    if not any(key in value for key in ("input", *chain(*_ANSWERS))):
        return None
    raw = _raw_object(line)
    rest = {key: str(raw[key], "utf-8") for key, item in value.items() if item is not None}
    names = next((pair for pair in _ANSWERS if all(isinstance(value.get(key), list) for key in pair)), None)
    given = value.get("input")
    if names is None:
        # `input` alone is a key that other layouts use as well.
        known = any(value.get(key) is not None for pair in _ANSWERS for key in pair)
        return ParsedRow(extra=_object(rest.items())) if known else None
    asked = _turns(given.get("messages"), lambda: _inner(raw["input"], "messages")) if isinstance(given, dict) else None
    preferred = _turns(value[names[0]], lambda: rest[names[0]])
    rejected = _turns(value[names[1]], lambda: rest[names[1]])
    if asked is None or preferred is None or rejected is None or len(asked) > 65535:
        return ParsedRow(extra=_object(rest.items()))
    assert isinstance(given, dict)
    inner = {
        key: str(slice_, "utf-8")
        for key, slice_ in _raw_object(raw["input"]).items()
        if given[key] is not None and key != "messages"
    }
    tools = inner.pop("tools") if isinstance(given.get("tools"), list) else None
    rest = {key: item for key, item in rest.items() if key not in names}
    rest["input"] = _object(inner.items()) or "{}"
    if not inner:
        del rest["input"]
    return ParsedRow(asked + preferred, rejected, len(asked), tools, _object(rest.items()))


def _inner(text: msgspec.Raw, key: str) -> str:
    return str(_raw_object(text)[key], "utf-8")


def _object(items: Iterable[tuple[str, str]]) -> str | None:
    """Put keys and the texts of their values together to the text of an object; none: null."""
    inside = ",".join(f"{json.dumps(key, ensure_ascii=False)}:{text}" for key, text in items)
    return f"{{{inside}}}" if inside else None


def _turns(messages: Any, text: Any) -> list[tuple[Any, ...]] | None:
    """Turn a list of messages into tuples in the order of `ftdata.batch.FIELDS`; None: it is no list of objects."""
    if not isinstance(messages, list):
        return None
    raws: list[msgspec.Raw] | None = None
    turns: list[tuple[Any, ...]] = []
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            return None
        if message.keys() <= _SIMPLE and isinstance(message.get("content", ""), str):
            role, content, name = message.get("role"), message.get("content"), message.get("name")
            if (role is None or isinstance(role, str)) and (name is None or isinstance(name, str)):
                turns.append((role, content, name))
                continue
        if raws is None:
            raws = _raw_list(text())
        turns.append(_message(message, _raw_object(raws[number])))
    return turns


_SIMPLE = frozenset({"role", "content", "name"})
_TEXTS = {"role": 0, "content": 1, "name": 2, "tool_call_id": 5}


def _message(message: dict[str, Any], raw: dict[str, msgspec.Raw]) -> tuple[Any, ...]:
    turn: list[Any] = [None] * 8
    extra: list[tuple[str, str]] = []
    for key, value in message.items():
        if value is None:
            called = message.get("tool_calls") is not None or message.get("function_call") is not None
            if key == "content" and called:
                extra.append((key, "null"))
        elif key in _TEXTS and isinstance(value, str):
            turn[_TEXTS[key]] = value
        elif key == "weight" and _is_weight(value):
            turn[3] = int(value)
        elif key == "tool_calls" and isinstance(value, list):
            turn[4] = str(raw[key], "utf-8")
        elif key == "content" and isinstance(value, list):
            turn[6] = str(raw[key], "utf-8")
        else:
            extra.append((key, str(raw[key], "utf-8")))
    turn[7] = _object(extra)
    return tuple(turn)


def _is_weight(value: Any) -> bool:
    """Whether a value fits the column: a whole number of eight bits; 1.0 is one, as in JSON Schema."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and -128 <= value <= 127 and value == int(value)
