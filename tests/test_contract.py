"""Every built-in stage keeps the contract that plugins are held to; one that is missing here fails the last test."""

from __future__ import annotations

import json
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

WHATSAPP = """Qxzv above
13/06/24, 10:00 - Messages and calls are end-to-end encrypted. Qxzv
13/06/24, 10:01 - ~ Ana: Qxzv olá: tudo bem?
na segunda linha
13/06/24, 10:02 - Sol: Qxzv olá <This message was edited>
13/06/24, 10:03 - Ana: Qxzv.jpg (file attached)
13/06/24, 10:04 - Ana: This message was deleted
[6/14/24, 9:00:00 AM] Sol: Qxzv
"""
SIGNAL = """[2024-06-13, 10:01] Ana: Qxzv olá: tudo bem?
na segunda linha
[2024-06-13, 10:02] Sol: Qxzv olá
[2024-06-13, 10:03] Ana: (This message was deleted)
"""
IRC = """--- Log opened Thu Jun 13 09:59:00 2024
10:00 -!- ana [Qxzv@x] has joined #a
10:01 <@ana> Qxzv ol\x02\u00e1\x02
10:01 -!- ana is now known as eva
10:02 < sol> Qxzv ol\u00e1
10:03 < eva> Qxzv
"""
LAYOUTS: dict[str, list[Any]] = {
    "alpaca": [
        {"instruction": "Qxzv one", "input": "", "output": "Qxzv two", "id": 7},
        {"instruction": "Qxzv", "input": "Qxzv more", "output": "", "history": [["Qxzv a", "Qxzv b"]]},
        {"instruction": ["Qxzv"], "output": "Qxzv", "images": ["Qxzv.png"]},
    ],
    "anthropic-hh": [
        {"chosen": "\n\nHuman: Qxzv a\n\nAssistant: Qxzv b", "rejected": "\n\nHuman: Qxzv a\n\nAssistant: Qxzv c"},
        {"chosen": "\n\nHuman: Qxzv a\n\nAssistant: Qxzv b", "rejected": "\n\nHuman: Qxzv z\n\nAssistant:"},
        {"chosen": "Qxzv", "rejected": None},
    ],
    "bedrock": [
        {"system": [{"text": "Qxzv s"}], "messages": [{"role": "user", "content": [{"text": "Qxzv"}]}]},
        {
            "system": "Qxzv",
            "messages": [{"role": "user", "content": "Qxzv"}, {"role": "assistant", "content": "Qxzv b"}],
        },
    ],
    "cohere": [{"messages": [{"role": "User", "content": "Qxzv"}, {"role": "Chatbot", "content": "Qxzv b"}]}],
    "dolly": [{"instruction": "Qxzv", "context": "Qxzv c", "response": "Qxzv r", "category": "Qxzv open"}],
    "gemini": [
        {"contents": [{"role": "user", "parts": [{"text": "Qxzv"}]}, {"role": "model", "parts": [{"text": "Qxzv b"}]}]},
        {"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "gs://Qxzv"}}]}]},
    ],
    "glaive": [
        {
            "system": "SYSTEM: Qxzv",
            "chat": 'USER: Qxzv\n\n\nASSISTANT: <functioncall> {"name": "f", "arguments": \'{}\'} <|endoftext|>',
        },
        {"chat": "Qxzv"},
    ],
    "hermes": [
        {
            "conversations": [
                {"from": "human", "value": "Qxzv"},
                {"from": "gpt", "value": "<tool_call>{'name': 'Qxzv', 'arguments': {}}</tool_call>"},
                {"from": "tool", "value": "<tool_response>Qxzv</tool_response>"},
            ]
        },
        {"conversations": [{"from": "gpt", "value": "<tool_call>Qxzv</tool_call>"}]},
    ],
    "kto": [{"prompt": "Qxzv", "completion": "Qxzv b", "label": label} for label in (True, False, "Qxzv")],
    "preference": [
        {"prompt": "Qxzv", "chosen": "Qxzv b", "rejected": "Qxzv c", "n": 10**30},
        {"chosen": [{"role": "user", "content": "Qxzv"}], "rejected": []},
    ],
    "question-answer": [{"question": "Qxzv", "answer": 7}, {"question": "Qxzv", "answer": None}, 7],
    "rendered-text": [
        {"text": "<|im_start|>user\nQxzv<|im_end|>\n<|im_start|>assistant\nQxzv b<|im_end|>\n"},
        {"text": "Qxzv <|Qxzv|>"},
    ],
    "sharegpt": [
        {
            "conversations": [{"from": "human", "value": "Qxzv"}, {"from": "gpt", "value": "Qxzv b", "id": "Qxzv"}],
            "tools": '[{"name": "Qxzv"}]',
        },
        {"conversations": [{"from": "Qxzv", "value": "Qxzv"}]},
        {"conversations": []},
    ],
    "trl-completion": [
        {"prompt": [{"role": "user", "content": "Qxzv"}], "completion": [{"role": "assistant", "content": "Qxzv b"}]}
    ],
}
DESCRIBED = {"dataset_info.json": '{"one": {"file_name": "one.json"}}', "one.json": json.dumps(LAYOUTS["alpaca"])}

TELEGRAM = """{"name": "Qxzv", "type": "private_group", "id": 1, "messages": [
 {"id": 1, "type": "service", "date": "2024-03-01T10:00:00", "actor": "Qxzv", "actor_id": "user1", "text": ""},
 {"id": 2, "type": "message", "date_unixtime": "1709287200", "from": "Ana", "from_id": "user1", "text": "Qxzv hi"},
 {"id": 3, "type": "message", "date_unixtime": "1709287260", "from": "Sol", "from_id": "user2",
  "text": ["Qxzv ", {"type": "text_link", "text": "here", "href": "https://example.com/Qxzv"}]},
 {"id": 4, "type": "message", "date": "2024-03-01T10:02:00", "from": "Ana", "from_id": "user1", "text": "",
  "photo": "Qxzv"}, "Qxzv",
 {"id": 5, "type": "message", "date": "2024-03-01T10:02:00", "from": "Sol", "text": "Qxzv", "forwarded_from": "E"}]}"""
MESSENGER = """{"participants": [{"name": "Qxzv"}, {"name": "Jo\\u00c3\\u00a3o"}], "messages": [
 {"sender_name": "Jo\\u00c3\\u00a3o", "timestamp_ms": 1709287260000, "content": "Qxzv \\u00c3\\u00a9"},
 {"sender_name": "Ana", "timestamp_ms": 1709287230000, "content": "Qxzv", "is_unsent": true}, 7,
 {"sender_name": "Ana", "timestamp_ms": 1709287200000, "content": "Qxzv hi", "photos": [{"uri": "x"}]},
 {"sender_name": "Ana", "timestamp_ms": 1709287100000, "photos": [{"uri": "Qxzv"}]}], "title": "Qxzv"}"""
CHATGPT = """[{"title": "Qxzv", "create_time": 1704067200.5, "current_node": "b", "mapping": {
 "r": {"id": "r", "parent": null, "children": ["a"], "message": null},
 "a": {"id": "a", "parent": "r", "children": ["b", "c"], "message": {"author": {"role": "user"},
  "content": {"content_type": "text", "parts": ["Qxzv hi"]}}},
 "b": {"id": "b", "parent": "a", "children": [], "message": {"author": {"role": "assistant"},
  "content": {"content_type": "text", "parts": ["Qxzv ho\\ue200cite\\ue202turn0search0\\ue201"]}}},
 "c": {"id": "c", "parent": "a", "children": [], "message": {"author": {"role": "assistant"},
  "content": {"content_type": "text", "parts": ["Qxzv he"]}}}}}, 7, {"mapping": {"x": "Qxzv"}}]"""
CLAUDE = """[{"uuid": "c", "name": "Qxzv", "chat_messages": [{"uuid": "1", "sender": "human", "text": "Qxzv hi",
 "created_at": "2024-11-02T10:00:00Z", "attachments": [{"extracted_content": "Qxzv"}]}, null,
 {"uuid": "2", "sender": "assistant", "text": "Qxzv", "created_at": "2024-11-02T10:01:00Z", "content":
 [{"type": "thinking", "thinking": "Qxzv"}, {"type": "text", "text": "Qxzv ho"}]}]}]"""

SLACK = """[
 {"type": "message", "user": "U1", "text": "Qxzv <@U2> &lt;hi&gt;", "ts": "1709287200.000100", "reply_count": 1},
 {"type": "message", "user": "U2", "text": "Qxzv ho", "ts": "1709387260.000200", "thread_ts": "1709287200.000100"},
 {"type": "message", "user": "U1", "text": "Qxzv in", "ts": "1709287261.000300", "subtype": "channel_join"},
 {"type": "message", "text": "Qxzv", "ts": "1709287262.000400", "subtype": "bot_message", "bot_id": "B1"}, 7,
 {"type": "message", "user": "U1", "text": "", "ts": "1709287263.000500", "blocks": [{"type": "header",
  "text": {"type": "plain_text", "text": "Qxzv"}}]}]"""
DISCORD = """{"guild": {"id": "1"}, "channel": {"id": "7", "type": "GuildTextChat", "name": "Qxzv"}, "messages": [
 {"id": "1", "type": "Default", "timestamp": "2025-01-01T10:00:00+00:00", "content": "Qxzv <:a:1>",
  "author": {"id": "1", "name": "ana", "isBot": false}},
 {"id": "2", "type": "Reply", "timestamp": "2025-01-01T10:01:00+00:00", "content": "Qxzv",
  "author": {"id": "2", "name": "sol", "isBot": false}},
 {"id": "3", "type": "Call", "timestamp": "2025-01-01T10:02:00+00:00", "content": "Qxzv",
  "author": {"id": "2", "name": "sol", "isBot": false}}, null]}"""
DISCORD_TABLE = """AuthorID,Author,Date,Content,Attachments,Reactions
"1","ana#0001","01-Mar-25 09:00 AM","Qxzv","",""
"2","sol#0002","01-Mar-25 09:01 AM","Qxzv
ho","",""
"1","ana#0001","01-Mar-25 09:02 AM","","https://example.com/Qxzv",""
"""
TEAMS = """[
 {"Id": "2", "Body": {"ContentType": "html", "Content": "<p>Qxzv <at id=\\"0\\">Ana</at></p>"}, "ReplyToId": "1",
  "CreatedDateTime": "2025-08-06T06:20:34.16+00:00", "From": {"User": {"Id": "b", "DisplayName": "Sol"}},
  "MessageType": "message", "ChannelIdentity": {"ChannelId": "19:x"}, "ChatId": null},
 {"Id": "1", "Body": {"ContentType": "text", "Content": "Qxzv?"}, "ReplyToId": null, "MessageType": "message",
  "CreatedDateTime": "2025-08-06T06:19:34.16+00:00", "From": {"User": {"Id": "a", "DisplayName": "Ana"}},
  "ChannelIdentity": {"ChannelId": "19:x"}}, 7,
 {"Id": "3", "Body": {"ContentType": "html", "Content": "Qxzv"}, "MessageType": "message", "ChatId": "19:y",
  "CreatedDateTime": "2025-08-06T06:19:34.16+00:00", "From": null}]"""

DESK = """{"id": 1, "subject": "Qxzv", "requester_id": 7, "assignee_id": 3, "comments": [
  {"author_id": 3, "body": "Qxzv olá", "public": true, "created_at": "2024-01-01T09:00:00Z"},
  {"author_id": 7, "body": "Qxzv como", "public": true, "created_at": "2024-01-01T10:00:00Z"},
  {"author_id": 3, "body": "Qxzv nota", "public": false, "created_at": "2024-01-01T10:30:00Z"},
  {"author_id": 3, "body": "Qxzv assim", "public": true, "created_at": "2024-01-01T11:00:00Z"}]}
{"id": 2, "subject": "Qxzv", "requester_id": 7, "comments": []}
[7]
"""
DESK_TABLE = """Summary,Issue key,Issue id,Issue Type,Status,Project key,Reporter,Assignee,Description,Comment,Comment
Qxzv,A-1,1,Bug,Done,A,ana,sol,Qxzv como,01/02/2024 10:00;sol;Qxzv assim; ou não,02/01/2024 10:00;ana;Qxzv obrigada
Qxzv,A-2,2,Bug,Done,A,ana,sol,Qxzv,,
"""

MAILBOX = """From ana@example.org Thu May  2 09:00:00 2024
From: Ana <ana@example.org>
To: loja@example.com
Date: Thu, 2 May 2024 09:00:00 +0000
Message-ID: <1@example.org>
Subject: Pedido

Qxzv onde?

From loja@example.com Thu May  2 10:00:00 2024
From: Loja <loja@example.com>
Date: Thu, 2 May 2024 10:00:00 +0000
Message-ID: <2@example.com>
In-Reply-To: <1@example.org>
Subject: Re: Pedido

Qxzv saiu.

Em qui., 2 de mai. de 2024, Ana <ana@example.org> escreveu:
> Qxzv onde?

From loja@example.com Thu May  2 11:00:00 2024
From: Loja <loja@example.com>
Auto-Submitted: auto-replied

Qxzv
"""
ABCD = json.dumps(
    [
        {"convo_id": 1, "original": [["agent", "Qxzv hi"], ["customer", "Qxzv size"], ["agent", "Qxzv ok"]]},
        {"convo_id": 2, "original": [["customer", "Qxzv"], ["action", "Qxzv"], 7], "scenario": {"flow": "Qxzv"}},
        "Qxzv",
    ]
)
TABLE: list[tuple[str, str, dict[str, Any]]] = [
    ("reader", "abcd", {"path": ("abcd.json", ABCD)}),
    ("reader", "email", {"path": ("box.mbox", MAILBOX), "assistants": ("@example.com",)}),
    ("reader", "email", {"path": ("box.mbox", MAILBOX), "me": "loja@example.com", "quotes": "keep"}),
    ("reader", "help-desk", {"path": ("tickets.ndjson", DESK)}),
    ("reader", "help-desk", {"path": ("tickets.ndjson", DESK), "greeting": True, "merge": False, "quotes": "cut"}),
    ("reader", "help-desk", {"path": ("issues.csv", DESK_TABLE), "assume_public": True, "dialect": "jira"}),
    ("reader", "chatgpt", {"path": ("conversations.json", CHATGPT)}),
    ("reader", "chatgpt", {"path": ("conversations.json", CHATGPT), "branches": "all", "greeting": True}),
    ("reader", "claude", {"path": ("conversations.json", CLAUDE)}),
    ("reader", "claude", {"path": ("conversations.json", CLAUDE), "attachments": True, "merge": False}),
    ("reader", "messenger", {"path": ("message_1.json", MESSENGER), "me": "João"}),
    ("reader", "discord", {"path": ("help.json", DISCORD), "assistants": ("2",)}),
    ("reader", "discord", {"path": ("help.csv", DISCORD_TABLE), "me": "sol", "gap": "1m", "merge": False}),
    ("reader", "slack", {"path": ("2024-03-01.json", SLACK), "assistants": ("U2",), "assume_public": True}),
    ("reader", "slack", {"path": ("2024-03-01.json", SLACK), "private": True, "with_bots": True, "me": "U2"}),
    ("reader", "teams", {"path": ("messages.json", TEAMS), "assistants": ("b",)}),
    ("reader", "teams", {"path": ("messages.json", TEAMS), "me": "Sol", "private": True}),
    ("reader", "telegram", {"path": ("result.json", TELEGRAM), "assistants": ("user2",)}),
    ("reader", "telegram", {"path": ("result.json", TELEGRAM), "me": "Sol", "with_forwarded": True, "gap": "1m"}),
    ("reader", "irc", {"path": ("a.log", IRC), "assistants": ("sol",)}),
    ("reader", "irc", {"path": ("2024-06-13.log", IRC), "me": "sol", "greeting": True, "gap": False}),
    ("reader", "signal", {"path": ("signal.txt", SIGNAL), "assistants": ("Sol",)}),
    ("reader", "signal", {"path": ("chat.md", SIGNAL.replace(",", "")), "me": "Sol", "merge": False}),
    ("reader", "whatsapp", {"path": ("_chat.txt", WHATSAPP), "assistants": ("Sol",)}),
    ("reader", "whatsapp", {"path": ("_chat.txt", WHATSAPP), "me": "Sol", "day_first": False, "gap": "1m"}),
    ("reader", "chat-log", {"path": ("chat.csv", CHAT_TABLE), "assistants": ("Suporte",), "gap": "45m"}),
    ("reader", "chat-log", {"path": ("chat.jsonl", CHAT_OBJECTS), "assume_public": True, "merge": False}),
    ("reader", "chat-log", {"path": ("chat.txt", CHAT_LINES)}),
    *(
        ("reader", name, {"path": (f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))})
        for name, rows in LAYOUTS.items()
    ),
    ("reader", "kto", {"path": ("kto.json", json.dumps(LAYOUTS["kto"])), "undesired": "keep"}),
    ("reader", "question-answer", {"path": ("pairs.csv", PAIRS), "question": "question", "answer": "tag"}),
    ("reader", "llama-factory", {"path": ("set", DESCRIBED), "dataset": "one"}),
    ("reader", "openai-chat", {"path": SAMPLES / "chat.jsonl"}),
    ("reader", "openai-chat", {"path": ("chats.jsonl", CHATS)}),
    ("reader", "openai-chat", {"path": ("chats.jsonl", CHATS), "meta": ("csat",)}),
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
    ("transform", "pii", {"style": "surrogate", "seed": 7, "names": "columns"}),
    ("transform", "pii", {"styles": {"card": "surrogate"}, "names": "off"}),
    ("transform", "placeholders", {}),
    ("transform", "placeholders", {"level": "drop"}),
    ("transform", "quality", {}),
    (
        "transform",
        "quality",
        {"mojibake": "repair", "control_character": "repair", "invisible": "repair", "bidi": "repair", "loop": "drop"},
    ),
    ("transform", "quality", {"markup": "drop", "thanks_ending": "warn", "deferral": "drop", "shouting": "warn"}),
    ("transform", "system", {"text": "Seja breve."}),
    ("transform", "system", {"text": 'Be "brief".\n', "mode": "add"}),
    ("transform", "system", {"text": "Be brief.", "mode": "replace"}),
    ("transform", "turns", {}),
    ("transform", "fit", {"for": "openai"}),
    ("transform", "fit", {"for": "nova", "allow_lossy": True}),
    ("transform", "turns", {"first_not_user": "drop", "no_user": "warn", "last_not_assistant": "off"}),
    ("selector", "downsample", {"by": "category", "most": 9}),
    ("selector", "downsample", {"by": "status", "most_share": 0.5, "diverse": False, "seed": 7}),
    ("selector", "downsample", {"by": "label", "to": "smallest"}),
    ("selector", "downsample", {"rows": 20}),
    ("selector", "mix", {"weights": {"plain": 1, "copy": 0.5}, "others": "drop"}),
    ("selector", "mix", {"by": "status", "weights": {"solved": 7, "open": 3}, "unit": "tokens", "others": "drop"}),
    ("selector", "decontaminate", {"against": (SAMPLES / "chat.jsonl",)}),
    ("selector", "decontaminate", {"against": (SAMPLES / "chat.jsonl",), "on": "answer", "threshold": 0.5, "ngram": 1}),
    ("selector", "decontaminate", {"against": (SAMPLES / "chat.jsonl",), "threshold": "off", "overlap": 8}),
    ("selector", "exact-dedup", {}),
    ("selector", "exact-dedup", {"on": "question", "keep": "longest", "normalise": "space-case"}),
    ("selector", "exact-dedup", {"on": "answer", "keep": "last"}),
    ("selector", "near-dedup", {}),
    ("selector", "near-dedup", {"threshold": 0.6, "ngram": 2, "on": "question", "keep": "longest"}),
    ("selector", "near-dedup", {"on": "answer", "keep": "last"}),
    ("selector", "near-dedup", {"on": "question", "keep": "newest", "by": "when", "threshold": 0.5, "ngram": 1}),
    ("selector", "near-dedup", {"keep": "best", "by": "n", "order": "low", "conflict": "drop", "threshold": 0.7}),
    ("selector", "near-dedup", {"backend": "datasketch", "on": "question", "threshold": 0.5, "ngram": 2}),
    ("selector", "contradictions", {}),
    ("selector", "contradictions", {"level": "drop", "keep": "best", "by": "n", "threshold": 0.5, "ngram": 1}),
    ("selector", "contradictions", {"level": "off"}),
    ("selector", "language", {}),
    ("selector", "language", {"keep": ("en", "pt"), "unknown": "drop"}),
    ("selector", "language", {"drop": ("ar",), "backend": "langdetect", "guarded": False}),
    ("selector", "language", {"turns": True}),
    ("selector", "language", {"keep": ("pt-BR", "es", "Latn"), "turns": True, "answer_language": "warn"}),
    ("selector", "language", {"answer_language": "drop", "backend": "langdetect"}),
    ("selector", "split", {}),
    ("selector", "split", {"validation": 0.2, "test": 0.1, "group": "customer", "seed": 7}),
    ("selector", "split", {"validation": 0.2, "test": 0.2, "group": ("customer", "n"), "threshold": "off"}),
    ("selector", "split", {"validation": 0.2, "stratify": "category", "on": "question", "ngram": 1, "threshold": 0.5}),
    ("selector", "split", {"time": "when", "test_from": "2025-11-01", "group": "customer"}),
    ("selector", "split", {"curve": (25, 50), "group": ("customer", "n")}),
    ("check", "balance", {}),
    ("check", "balance", {"by": "category", "max_share": 0.3}),
    ("check", "balance", {"by": "customer"}),
    ("check", "balance", {"by": ("category", "status", "label"), "times": 2, "max_canned": 0.0, "max_repeats": 0.0}),
    ("check", "diversity", {}),
    ("check", "diversity", {"on": "answer", "threshold": 0.3, "ngram": 1, "max_copies": 0.0, "max_opening": 0.01}),
    ("check", "format", {"for": "openai"}),
    ("check", "format", {"for": ("nova",)}),
    ("check", "lengths", {}),
    ("check", "lengths", {"short_words": 9, "max_short": 0.0, "times_median": 1.5, "max_chars": 40, "max_tail": 0.01}),
    ("check", "private-data", {}),
    ("check", "private-data", {"scanner": "both", "written": ("customer",)}),
    ("check", "size", {}),
    ("check", "tokens", {}),
    ("check", "tokens", {"max_length": 12, "turns": "expand"}),
    ("writer", "openai-chat", {"path": "out/{split}.jsonl"}),
    ("writer", "openai-chat", {"path": "out/all.jsonl", "meta": ("status", "customer")}),
    ("writer", "openai-chat", {"path": "out/all.jsonl", "turns": "expand"}),
    ("writer", "openai-chat", {"path": "out/all.jsonl", "turns": "last"}),
    ("writer", "openai-chat", {"path": "out/all.jsonl", "bom": True}),
    ("writer", "nova", {"path": "out/{split}.jsonl"}),
    ("writer", "claude", {"path": "out/{split}.jsonl", "meta": ("status",)}),
    ("writer", "gemini", {"path": "out/all.jsonl"}),
    ("writer", "cohere", {"path": "out/all.jsonl"}),
    ("writer", "sharegpt", {"path": "out/{split}.jsonl"}),
    ("writer", "preference", {"path": "out/all.jsonl"}),
    ("writer", "prompt-completion", {"path": "out/all.jsonl", "separator": " ->", "stop": " END", "legacy": True}),
    ("writer", "trl-completion", {"path": "out/all.jsonl", "turns": "expand"}),
    ("writer", "trl", {"path": "out/trl"}),
    ("writer", "trl", {"path": "out/trl", "rows": "completion", "turns": "expand"}),
    ("writer", "axolotl", {"path": "out/axolotl"}),
    ("writer", "llama-factory", {"path": "out/lf", "template": "qwen"}),
    ("writer", "mlx-lm", {"path": "out/mlx"}),
    ("writer", "hf-dataset", {"path": "out/hf"}),
    ("writer", "hf-dataset", {"path": "out/hf", "turns": "expand"}),
    ("writer", "hf-dataset", {"path": "out/hf", "nested": "text", "meta": ("subject",)}),
]
CHECKS: dict[str, Callable[..., None]] = {
    "reader": check_reader,
    "transform": check_transform,
    "selector": check_selector,
    "check": check_check,
    "writer": check_writer,
}
# Trainers speak to somebody: their kit runs in tests/trainers, where there is a stand-in for each.
BUILTIN: dict[tuple[str, str], type[Stage]] = {(e.stage.kind, e.stage.name): e.stage for e in hooks.builtin(CHECKS)}


def many_rows() -> Batch:
    """Make rows enough for the rule of `split` that differs from the one for a few."""
    rows = [
        Conversation(
            row=number,
            id=f"many.jsonl#{number}",
            origin=(number,),
            messages=(user(f"question {number % 230}"), assistant(f"answer {number % 7}")),
            meta={
                "customer": f"c{number % 90}",
                "category": "ab"[number % 2],
                "status": "solved",
                "n": number,
                "when": f"2025-{number // 22 + 1:02}-28",
            },
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
        if isinstance(content, dict):
            given["path"].mkdir()
            for inner, text in content.items():
                (given["path"] / inner).write_text(text)
        else:
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
