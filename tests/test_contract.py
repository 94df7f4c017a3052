"""Every built-in stage keeps the contract that plugins are held to; one that is missing here fails the last test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ftdata import hooks
from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.stages import Reader, Stage
from ftdata.testing import check_check, check_reader, check_selector, check_transform, check_writer

SAMPLES = Path(__file__).parents[1] / "samples"

MESSAGES = """ticket,author,body,time,visibility
7,customer,Qxzv where is it,2025-01-01 10:00,public
7,agent,<p>Qxzv here</p>,2025-01-01 11:00,public
7,agent,Qxzv a difficult one,2025-01-01 10:30,private
8,agent,Qxzv a greeting first,2025-01-02 10:00,public
8,customer,Qxzv and a question,2025-01-02 11:00,public
9,customer,"Qxzv two
lines",2025-01-03 10:00,public
7,customer,Qxzv thanks,2025-01-01 12:00,public
9,agent,,2025-01-03 11:00,public
,agent,Qxzv whose ticket,2025-01-03 12:00,public
"""
PAIRS = """id;question;answer;tag
1;Qxzv how;Qxzv so;a
2;Qxzv when;;b
3;;Qxzv now;c
4;"Qxzv; who";"Qxzv ""you"" ";d
"""
CHATS = """{"messages": [{"role": "user", "content": "Qxzv hi"}, {"role": "assistant", "content": "Qxzv ho"}]}

{"messages": [{"role": "user", "content": "Qxzv hi", "content": "Qxzv"}]}
{"input": {"messages": []}, "preferred_output": [{"role": "assistant"}], "non_preferred_output": []}
"""

CHAT_TABLE = """conversation;time;author;text;interno;setor
7;01/02/2025 10:00;Ana;Qxzv bom dia;não;vendas
7;01/02/2025 10:01;Suporte;Qxzv pois não;não;vendas
7;01/02/2025 10:02;Suporte;Qxzv cliente difícil;sim;vendas
8;31/02/2025;Bia;Qxzv sem hora;não;
;25/02/2025 10:00;Bia;Qxzv sem conversa;não;
8;25/02/2025 10:00;Bot;Qxzv automático;não;
"""
CHAT_OBJECTS = """{"from": {"name": "Ana", "role": "user"}, "text": "Qxzv oi", "ts": 1700000000, "room": "a"}
{"from": {"name": "Sol", "role": "agent"}, "text": "Qxzv olá", "ts": 1700000060, "room": "a", "private": false}
{"from": {"name": "Sol", "role": "agent"}, "text": "Qxzv nota", "ts": 1700000070, "room": "a", "private": true}

{"from": {"name": "Ana", "role": "user"}, "text": ["Qxzv"], "ts": 1700090000, "room": "a"}
[7]
"""
CHAT_LINES = """Qxzv exportado
[2024-05-01 23:58] Cliente: Qxzv olá: tudo bem?
segunda linha

[2024-05-01 23:59] Atendente: Qxzv tudo
[2024-05-02 00:03] Qxzv entrou
[2024-05-02 09:00] Cliente: Qxzv outra coisa
[2024-05-02 09:01] Atendente: Qxzv pois não
"""

OLD_LINES = """{"prompt": "Qxzv how ->", "completion": " Qxzv so END"}
{"Completion": " Qxzv é END", "PROMPT": "Qxzv \\u00e9 ->", "id": 1e5}

{"prompt": "Qxzv", "prompt": "Qxzv ->", "completion": 7}
["Qxzv"]
{"prompt": "", "completion": " Qxzv END"}
"""
OLD_TABLE = 'prompt\tcompletion\tQxzv\nQxzv a ->\t Qxzv b\tN/A\n"Qxzv\nc ->"\t Qxzv d\t\nQxzv\te\n'
OLD_TALKS = """[{"prompt": "A: Qxzv one\\nB:", "completion": " Qxzv two\\n"},
 {"prompt": "A: Qxzv one\\nB: Qxzv two\\nA: Qxzv\\nB:", "completion": " Qxzv three\\n"},
 {"prompt": "Qxzv", "completion": " Qxzv"}]"""

TABLE: list[tuple[str, str, dict[str, Any]]] = [
    ("reader", "chat-log", {"path": ("chat.csv", CHAT_TABLE), "assistants": ("Suporte",), "gap": "45m"}),
    ("reader", "chat-log", {"path": ("chat.jsonl", CHAT_OBJECTS), "assume_public": True, "merge": False}),
    ("reader", "chat-log", {"path": ("chat.txt", CHAT_LINES)}),
    ("reader", "openai-chat", {"path": SAMPLES / "chat.jsonl"}),
    ("reader", "openai-chat", {"path": ("chats.jsonl", CHATS)}),
    ("reader", "openai-chat", {"path": ("array.json", '[{"messages": [{"role": "user", "content": "a"}]}, 7]')}),
    ("reader", "prompt-completion", {"path": ("old.jsonl", OLD_LINES)}),
    (
        "reader",
        "prompt-completion",
        {"path": ("old.tsv", OLD_TABLE), "separator": (" ->", "##"), "when_empty": "Go on."},
    ),
    (
        "reader",
        "prompt-completion",
        {
            "path": ("old.json", OLD_TALKS),
            "merge": True,
            "prefix": "system",
            "roles": (("A", "user"), ("B", "assistant")),
        },
    ),
    ("reader", "tickets", {"path": SAMPLES / "tickets.csv"}),
    ("reader", "tickets", {"path": SAMPLES / "chamados.csv"}),
    ("reader", "tickets", {"path": ("pairs.csv", PAIRS), "question": "question", "answer": "answer"}),
    ("reader", "tickets", {"path": ("messages.csv", MESSAGES), "with_subject": False, "merge": False}),
    (
        "transform",
        "filter",
        {
            "where": {"status": ["solved", 4, True]},
            "contains": {"tags": "vip"},
            "min": {"n": 3},
            "max": {"n": 70.5},
            "after": {"when": "2025-02-01"},
            "before": {"when": "2026-01-01"},
        },
    ),
    ("transform", "length", {"min_chars": 4, "max_chars": 2000, "min_turns": 1, "max_turns": 30}),
    ("transform", "length", {"min_chars": 60, "level": "warn"}),
    ("transform", "pii", {}),
    ("transform", "pii", {"types": ("email",), "spare": ("customer",)}),
    ("transform", "placeholders", {}),
    ("transform", "placeholders", {"level": "drop"}),
    ("transform", "system", {"text": "Seja breve."}),
    ("transform", "system", {"text": 'Be "brief".\n', "mode": "add"}),
    ("transform", "system", {"text": "Be brief.", "mode": "replace"}),
    ("transform", "turns", {}),
    ("transform", "turns", {"first_not_user": "drop", "no_user": "warn", "last_not_assistant": "off"}),
    ("selector", "exact-dedup", {}),
    ("selector", "exact-dedup", {"on": "question", "keep": "longest", "normalise": "space-case"}),
    ("selector", "exact-dedup", {"on": "answer", "keep": "last"}),
    ("selector", "near-dedup", {}),
    ("selector", "near-dedup", {"threshold": 0.6, "ngram": 2, "on": "question", "keep": "longest"}),
    ("selector", "near-dedup", {"on": "answer", "keep": "last"}),
    ("selector", "language", {}),
    ("selector", "language", {"keep": ("en", "pt"), "unknown": "drop"}),
    ("selector", "language", {"drop": ("ar",), "backend": "langdetect", "guarded": False}),
    ("selector", "split", {}),
    ("selector", "split", {"validation": 0.2, "test": 0.1, "group": "customer", "seed": 7}),
    ("check", "balance", {}),
    ("check", "balance", {"by": "category", "max_share": 0.3}),
    ("check", "balance", {"by": "customer"}),
    ("check", "format", {"for": "openai"}),
    ("check", "lengths", {}),
    ("check", "lengths", {"short_words": 9, "max_short": 0.0, "times_median": 1.5, "max_chars": 40, "max_tail": 0.01}),
    ("check", "private-data", {}),
    ("check", "size", {}),
    ("writer", "openai-chat", {"path": "out/{split}.jsonl"}),
    ("writer", "openai-chat", {"path": "out/all.jsonl", "meta": ("status", "customer")}),
    ("writer", "hf-dataset", {"path": "out/hf"}),
    ("writer", "hf-dataset", {"path": "out/hf", "nested": "text", "meta": ("subject",)}),
]
CHECKS: dict[str, Callable[..., None]] = {
    "reader": check_reader,
    "transform": check_transform,
    "selector": check_selector,
    "check": check_check,
    "writer": check_writer,
}
BUILTIN: dict[tuple[str, str], type[Stage]] = {(e.stage.kind, e.stage.name): e.stage for e in hooks.builtin()}


def many_rows() -> Batch:
    """Make rows enough for the rule of `split` that differs from the one for a few."""
    rows = [
        Conversation(
            row=number,
            id=f"many.jsonl#{number}",
            origin=(number,),
            messages=(user(f"question {number % 230}"), assistant(f"answer {number % 7}")),
            meta={"customer": f"c{number % 90}", "category": "ab"[number % 2], "status": "solved", "n": number},
        )
        for number in range(1, 261)
    ]
    return pl.concat(to_batches(rows))


@pytest.mark.parametrize(("kind", "name", "fields"), TABLE, ids=[f"{kind}-{name}" for kind, name, _ in TABLE])
def test_contract(kind: str, name: str, fields: dict[str, Any], tmp_path: Path) -> None:
    given = dict(fields)
    if isinstance(given.get("path"), tuple):
        file, content = given["path"]
        given["path"] = tmp_path / file
        given["path"].write_text(content)
    stage = BUILTIN[kind, name](**given)
    if isinstance(stage, Reader):
        check_reader(stage)
    elif name == "split":
        check_selector(stage, many_rows())
    else:
        CHECKS[kind](stage)
    assert stage.reads_meta() is not None, "a built-in stage names the meta that it reads"


def test_no_builtin_stage_is_missing() -> None:
    listed = {(kind, name) for kind, name, _ in TABLE}
    assert set(BUILTIN) - listed == set(), "add these to the table"
    assert listed - set(BUILTIN) == set()
