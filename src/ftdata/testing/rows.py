"""Rows that are hard on purpose, with a canary in every text, and the inputs that no reader should choke on."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user

CANARY = "Qxzv"
"""Stands in every text of the kit's rows; what a stage tells (reasons, notes, flags, findings) must not hold it."""
META_CANARY = f"{CANARY}meta"
"""Stands in the texts of `meta`."""

_VOLUMES = 3
_IMAGE = {"type": "image_url", "image_url": {"url": f"https://example.com/{CANARY}.png", "detail": "low"}}
_INLINE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + CANARY * 8}}


class _Words:
    """Texts that differ from one another, each with the canary at its beginning and its end."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: str = "how do I return it", mark: str = CANARY) -> str:
        self.count += 1
        return f"{mark}{self.count} {text} {mark}"


def _call(words: _Words, key: str) -> dict[str, Any]:
    arguments = f'{{"order": "{words()}", "deep": {{"list": [1, "{words()}"]}}}}'
    function = {"name": f"{CANARY}look_up", "arguments": arguments}
    return {"id": f"{CANARY}{key}", "type": "function", "function": function}


def _tools(words: _Words) -> list[Any]:
    schema = {"type": "object", "properties": {"order": {"type": "string", "description": words()}}}
    function = {"name": f"{CANARY}look_up", "description": words(), "parameters": schema}
    return [{"type": "function", "function": function}]


def _kinds(w: _Words, volume: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give one row of each kind: its name and the fields of a `Conversation`."""
    plain = (system(w("be kind")), user(w()), assistant(w("send it back to us")))
    yield "plain", {"messages": plain}
    yield "copy", {"messages": plain}
    yield "one-turn", {"messages": (user(w()),)}
    yield "no-messages", {"messages": ()}
    yield "null-messages", {"messages": None}
    yield "null-content", {"messages": (user(w()), Message(role="assistant"))}
    yield "empty-content", {"messages": (user(""), assistant(" \n\t "))}
    yield "null-role", {"messages": (Message(content=w()), Message(role=w("moderator"), content=w()))}
    yield "emoji", {"messages": (user(w("👩‍👩‍👧 🇧🇷 ☕️ e\u0301")), assistant(w("😀")))}
    yield "right-to-left", {"messages": (user(w("أين طلبي\u200f ١٢٣٤٥")), assistant(w("\u202eהזמנה\u202c")))}
    yield "controls", {"messages": (user(w("a\x00b\x1b[31m\r\n\u2028\u0085\ufeff\x7f")), assistant(w('\\" {"a": 1}')))}
    yield "html", {"messages": (user(w("<p>Dear {name},<br>a<b &amp; <script>x</script>")), assistant(w("%s {{y}}")))}
    yield "long", {"messages": (user(w("one two three " * 700 * (volume + 1))), assistant(w("ok")))}
    yield "many-turns", {"messages": tuple(turn for _ in range(20 + volume) for turn in (user(w()), assistant(w())))}
    yield "unordered", {"messages": (assistant(w()), assistant(w()), system(w()), user(w()), user(w()))}
    yield "parts", {"messages": (Message(role="user", parts=[{"type": "text", "text": w()}, _IMAGE]), assistant(w()))}
    odd = [w(), _INLINE, 7, None]
    yield "odd-parts", {"messages": (Message(role="user", parts=[]), Message(role="user", parts=odd))}
    yield (
        "tools",
        {
            "messages": (
                user(w()),
                Message(role="assistant", tool_calls=[_call(w, "a"), _call(w, "b")]),
                Message(role="tool", content=w('{"state": 1}'), tool_call_id=f"{CANARY}a"),
                Message(role="tool", parts=[{"type": "text", "text": w()}], tool_call_id=f"{CANARY}b"),
                assistant(w(), weight=1),
            ),
            "tools": _tools(w),
            "extra": {"parallel_tool_calls": False},
        },
    )
    yield (
        "extra",
        {
            "messages": (
                Message(role="user", content=w(), name=f"{CANARY}name", extra={"unknown": [w(), {"deep": w()}]}),
                Message(role="assistant", extra={"function_call": {"name": f"{CANARY}f", "arguments": w("not JSON")}}),
                Message(role="assistant", content=w(), weight=0, extra={"refusal": w(), "number": 1.10, "big": 10**30}),
            ),
            "extra": {"reference_label": w(), "weight": 0.5, "nothing": None, "": [w()]},
        },
    )
    yield (
        "preference",
        {
            "messages": (system(w()), user(w()), assistant(w("yes"))),
            "rejected": (assistant(w("no"), name=f"{CANARY}b"),),
            "answer_at": 2,
        },
    )
    yield (
        "preference-parts",
        {
            "messages": (Message(role="user", parts=[{"type": "text", "text": w()}]), Message(role="assistant")),
            "rejected": (Message(role="assistant", parts=[{"type": "refusal", "refusal": w()}]), assistant("")),
            "answer_at": 1,
            "tools": _tools(w),
        },
    )
    private = w("write to jane.q@example.com, card 4111 1111 1111 1111, CPF 529.982.247-25, order LM-20418")
    yield "private", {"messages": (user(private), assistant(w("https://joe:s3cret@example.com/ is closed")))}
    yield "label", {"messages": (user(w()), assistant(f"{CANARY} {('billing', 'shipping', 'returns')[volume]}"))}
    yield "null-meta", {"messages": (user(w()), assistant(w())), "meta": None}
    yield "empty-meta", {"messages": (user(w()), assistant(w())), "meta": {}}
    yield (
        "odd-meta",
        {
            "messages": (user(w()), assistant(w())),
            "meta": {"status": None, "n": "many", "when": "soon", "tags": w(mark=META_CANARY), "inner": {"a": [None]}},
        },
    )
    yield "flagged", {"messages": (user(w()), assistant(w())), "flags": ("kit-flag",)}
    yield "shared", {"messages": (user(w()), assistant(w())), "shares": (1, 2)}


def hard_rows() -> Batch:
    """Give rows that are hard on purpose, as one batch: some thirty kinds, three of each, `id` says which.

    All are live; row numbers have gaps; `meta` holds the keys `status`, `category`, `customer`, `subject`, `n`, `when`
    and `tags`; `split` is null or one of three; every text holds `CANARY`.
    """
    # Made anew each time: a stage that writes into its batch must not spoil the rows of the next.
    return pl.concat(to_batches(_conversations()))


@cache
def _conversations() -> list[Conversation]:
    words = _Words()
    rows: list[Conversation] = []
    record = 1
    for volume in range(_VOLUMES):
        for kind, fields in _kinds(words, volume):
            number = len(rows)
            meta = {
                "status": ("solved", "open")[number % 2],
                "category": ("billing", "shipping", "returns")[number % 3],
                "customer": f"{META_CANARY}{number % 17}@example.com",
                "subject": words(mark=META_CANARY),
                "n": number,
                "when": f"2025-{number % 12 + 1:02}-28T09:00:00Z",
                "tags": ["vip", words(mark=META_CANARY)],
            }
            origin = tuple(range(record, record + 1 + number % 3))
            record += len(origin)
            split = (None, "train", "validation", "test")[number % 4]
            given = {"row": 2 * number + 3, "id": f"{kind}#{origin[0]}", "origin": origin, "meta": meta, "split": split}
            rows.append(Conversation(**{**given, **fields}))
    return rows


def hostile_inputs() -> dict[str, bytes]:
    """Give the contents of files that a reader may be shown: none, damaged, binary, of another format."""
    noise = random.Random(0).randbytes(5000)
    broken = f'{{"messages": [{{"role": "user", "content": "{CANARY}'
    table = "".join(f"{n};{CANARY} hello;2025-01-{n:02}\r\n" for n in range(1, 20))
    return {
        "empty": b"",
        "one line feed": b"\n",
        "blank lines": b"\n\r\n  \n\n",
        "a byte order mark alone": b"\xef\xbb\xbf",
        "one byte": b"\xff",
        "NUL bytes": b"\x00" * 4096,
        "noise": noise,
        "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + noise,
        "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + noise,
        "a cut gzip file": gzip.compress(noise, mtime=0)[:1000],
        "a false gzip file": b"\x1f\x8b\x08\x00" + CANARY.encode() * 20,
        "a false zip archive": b"PK\x03\x04" + CANARY.encode() * 20,
        "text": f"{CANARY} once upon a time\nthere was {CANARY}\n".encode() * 40,
        "one long line": CANARY.encode() * 50_000,
        "a table": f"id;text;day\r\n{table}".encode(),
        "a table without names": table.encode(),
        "a table in UTF-16": ("\ufeff" + f"id;text;day\r\n{table}").encode("utf-16-le"),
        "a table in Latin-1": f"id,texto,répósta\n1,{CANARY} não é,\xe7\xe3o\n".encode("latin-1"),
        "a table with an open quote": f'id,question,answer\n1,"{CANARY} open,{CANARY}\n2,b,c\n'.encode(),
        "a table with ragged rows": f"id,question,answer\n1\n2,{CANARY}\n3,{CANARY},c,{CANARY}\n".encode(),
        "JSON lines of another kind": f'{{"{CANARY}": 1, "x": "{CANARY}"}}\n'.encode() * 20,
        "JSON lines of numbers": b"1\n2\n3\n",
        "broken JSON lines": f'{broken}\n{{"messages": "{CANARY}"}}\n'.encode(),
        "odd messages": b'{"messages": [1, null, [], {"role": {}, "content": 7}]}\n{"messages": {}}\n{"messages": 0}\n',
        "a JSON array": f'[1, "{CANARY}", {{"messages": []}}, null]'.encode(),
        "a JSON object": f'{{\n  "a": "{CANARY}",\n  "b": []\n}}\n'.encode(),
        "deep JSON": b"[" * 5000,
        "HTML": f"<!doctype html>\n<html><body><p>{CANARY}</p></body></html>\n".encode(),
    }
