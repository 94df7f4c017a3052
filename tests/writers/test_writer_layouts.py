"""Writers of layouts: each the inverse of its reader; there and back through every two of them; the vendors' rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layout_talks import canonical, talks

from ftdata.batch import Batch, conversations, to_batches
from ftdata.conversation import Conversation
from ftdata.readers.layouts.bedrock import Bedrock
from ftdata.readers.layouts.cohere import Cohere as CohereReader
from ftdata.readers.layouts.gemini import Gemini as GeminiReader
from ftdata.readers.layouts.preference import Preference as PreferenceReader
from ftdata.readers.layouts.sharegpt import ShareGPT as ShareGPTReader
from ftdata.readers.layouts.trl_completion import TrlCompletion as TrlCompletionReader
from ftdata.readers.openai_chat import OpenAIChat as OpenAIReader
from ftdata.readers.prompt_completion import PromptCompletion as PromptCompletionReader
from ftdata.source import Source
from ftdata.stages import Reader
from ftdata.writers.axolotl import TrainedRows
from ftdata.writers.claude import Claude
from ftdata.writers.cohere import Cohere
from ftdata.writers.dialect import Dialect
from ftdata.writers.gemini import Gemini
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.nova import Nova
from ftdata.writers.openai_chat import OpenAIChat
from ftdata.writers.preference import Preference
from ftdata.writers.prompt_completion import PromptCompletion
from ftdata.writers.sharegpt import ShareGPT
from ftdata.writers.trl_completion import TrlCompletion

WAYS: dict[str, tuple[type[JsonLines], type[Reader]]] = {
    "openai-chat": (OpenAIChat, OpenAIReader),
    "nova": (Nova, Bedrock),
    "claude": (Claude, Bedrock),
    "gemini": (Gemini, GeminiReader),
    "cohere": (Cohere, CohereReader),
    "sharegpt": (ShareGPT, ShareGPTReader),
    "preference": (Preference, PreferenceReader),
    "trl-completion": (TrlCompletion, TrlCompletionReader),
    "prompt-completion": (PromptCompletion, PromptCompletionReader),
    "axolotl": (TrainedRows, ShareGPTReader),
}
PAIRS = [
    (one, other)
    for one, other in product(WAYS, WAYS)
    if (WAYS[one][0].carries & WAYS[other][0].carries) & {"preference", "single-answer"}
]


def write(writer: type[JsonLines], batches: Iterable[Batch], folder: Path, **fields: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    writer(path=folder / "out.jsonl", **fields).write(iter(batches), folder)
    return folder / "out.jsonl"


def read(reader: type[Reader], file: Path) -> list[Batch]:
    with Source(file) as source:
        batches = list(reader(path=file).read(source))
    dropped = [(reason, note) for batch in batches for reason, note in batch.select("drop", "note").rows() if reason]
    assert not dropped, dropped[:3]
    return [batch for batch in batches if batch.height]


def there_and_back(one: str, other: str, given: list[Conversation], folder: Path) -> list[Conversation]:
    """Write and read in one layout, then what was read in the other."""
    batches = list(to_batches(given))
    for number, name in enumerate((one, other)):
        writer, reader = WAYS[name]
        batches = read(reader, write(writer, batches, folder / str(number)))
    return [talk for batch in batches for talk in conversations(batch)]


def compare(one: str, other: str, count: int, folder: Path, seed: int = 0) -> None:
    held = WAYS[one][0].carries & WAYS[other][0].carries
    made = talks(count, held, seed)
    found = there_and_back(one, other, made, folder)
    assert len(found) == len(made)
    for old, new in zip(made, found, strict=True):
        assert canonical(new) == canonical(old), (one, other)


@pytest.mark.parametrize("one", WAYS)
def test_conversations_come_back_through_two_layouts(one: str, tmp_path: Path) -> None:
    for seed, other in enumerate(other for first, other in PAIRS if first == one):
        compare(one, other, 60, tmp_path / other, seed)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(pair=st.sampled_from(PAIRS), seed=st.integers(0, 10**6))
def test_any_of_them(tmp_path_factory: pytest.TempPathFactory, pair: tuple[str, str], seed: int) -> None:
    compare(*pair, 20, tmp_path_factory.mktemp("way"), seed)


@pytest.mark.long
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=map(" to ".join, PAIRS))
def test_ten_thousand_conversations_come_back(one: str, other: str, tmp_path: Path) -> None:
    """Run with: pytest -m long tests/writers/test_writer_layouts.py."""
    compare(one, other, 10_000, tmp_path)


# --- rows as vendors print them ---------------------------------------------------------------------------------------

U, A, S = (
    {"role": role, "content": text}
    for role, text in (("user", "Oi"), ("assistant", "Olá! Como ajudo?"), ("system", "Seja breve."))
)
CALL = {"id": "TX92Jm8Zi", "type": "function", "function": {"name": "status", "arguments": '{"id": "1001"}'}}
STATUS = {
    "name": "status",
    "description": "Status do pedido",
    "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
}
TOLD = [
    {"role": "user", "content": "Qual o status do 1001?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": '{"s":"enviado"}', "tool_call_id": "TX92Jm8Zi"},
    {"role": "assistant", "content": "Foi enviado."},
]
PAIR: dict[str, Any] = {"messages": [U, A], "answer_at": 1, "rejected": [{"role": "assistant", "content": "Fala."}]}
PRINTED = r"""
{"messages":[{"role":"system","content":"Seja breve."},{"role":"user","content":"Oi"},{"role":"assistant","content":"Olá! Como ajudo?"}]}
{"system":"Seja breve.","messages":[{"role":"user","content":"Oi"},{"role":"assistant","content":"Olá! Como ajudo?"}]}
{"schemaVersion":"bedrock-conversation-2024","system":[{"text":"Seja breve."}],"messages":[{"role":"user","content":[{"text":"Oi"}]},{"role":"assistant","content":[{"text":"Olá! Como ajudo?"}]}]}
{"schemaVersion":"bedrock-conversation-2024","messages":[{"role":"user","content":[{"text":"Oi"}]},{"role":"assistant","candidates":[{"content":[{"text":"Olá! Como ajudo?"}],"preferenceLabel":"preferred"},{"content":[{"text":"Fala."}],"preferenceLabel":"non-preferred"}]}]}
{"prompt":"Oi","completion":"Olá! Como ajudo?"}
{"systemInstruction":{"role":"system","parts":[{"text":"Seja breve."}]},"contents":[{"role":"user","parts":[{"text":"Oi"}]},{"role":"model","parts":[{"text":"Olá! Como ajudo?"}]}]}
{"messages":[{"role":"user","content":"Qual o status do 1001?"},{"role":"assistant","content":"","tool_calls":[{"id":"TX92Jm8Zi","type":"function","function":{"name":"status","arguments":"{\"id\": \"1001\"}"}}]},{"role":"tool","content":"{\"s\":\"enviado\"}","tool_call_id":"TX92Jm8Zi"},{"role":"assistant","content":"Foi enviado."}],"tools":[{"type":"function","function":{"name":"status","description":"Status do pedido","parameters":{"type":"object","properties":{"id":{"type":"string"}}}}}]}
{"messages":[{"role":"user","content":"Oi"},{"role":"assistant","content":"Olá! Como ajudo?","weight":1}]}
{"input":{"messages":[{"role":"user","content":"Oi"}]},"preferred_output":[{"role":"assistant","content":"Olá! Como ajudo?"}],"non_preferred_output":[{"role":"assistant","content":"Fala."}]}
{"messages":[{"role":"System","content":"Seja breve."},{"role":"User","content":"Oi"},{"role":"Chatbot","content":"Olá! Como ajudo?"}]}
{"prompt":[{"role":"user","content":"Oi"}],"chosen":[{"role":"assistant","content":"Olá! Como ajudo?"}],"rejected":[{"role":"assistant","content":"Fala."}]}
{"conversations":[{"from":"human","value":"Oi"},{"from":"gpt","value":"Olá! Como ajudo?"}],"system":"Seja breve."}
""".strip().split("\n")  # noqa: E501 - rows as vendors print them
HELD: list[tuple[str, dict[str, Any]]] = [
    ("openai-chat", {"messages": [S, U, A]}),
    ("claude", {"messages": [S, U, A]}),
    ("nova", {"messages": [S, U, A]}),
    ("nova", PAIR),
    ("prompt-completion", {"messages": [U, A]}),
    ("gemini", {"messages": [S, U, A]}),
    ("openai-chat", {"messages": TOLD, "tools": [{"type": "function", "function": STATUS}]}),
    ("openai-chat", {"messages": [U, {**A, "weight": 1}]}),
    ("openai-chat", PAIR),
    ("cohere", {"messages": [S, U, A]}),
    ("preference", PAIR),
    ("sharegpt", {"messages": [S, U, A]}),
]


@pytest.mark.parametrize(("held", "line"), list(zip(HELD, PRINTED, strict=True)), ids=[name for name, _ in HELD])
def test_a_row_as_its_vendor_prints_it(held: tuple[str, dict[str, Any]], line: str, tmp_path: Path) -> None:
    name, talk = held
    file = write(WAYS[name][0], to_batches([Conversation.model_validate({"origin": (1,), **talk})]), tmp_path)
    assert file.read_text() == line + "\n"


def test_calls_and_tools_in_each_layout(tmp_path: Path) -> None:
    talk = Conversation.model_validate({"messages": TOLD, "tools": [{"type": "function", "function": STATUS}]})
    made = {
        name: json.loads(write(WAYS[name][0], to_batches([talk]), tmp_path / name).read_text())
        for name in ("nova", "gemini", "sharegpt")
    }
    nova, gemini, sharegpt = made["nova"], made["gemini"], made["sharegpt"]
    assert nova["messages"][1]["content"][1] == {
        "toolUse": {"toolUseId": "TX92Jm8Zi", "name": "status", "input": {"id": "1001"}}
    }
    assert nova["messages"][2] == {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": "TX92Jm8Zi", "content": [{"text": '{"s":"enviado"}'}]}}],
    }
    assert nova["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"] == STATUS["parameters"]
    assert gemini["contents"][1]["parts"][1] == {"functionCall": {"name": "status", "args": {"id": "1001"}}}
    assert gemini["contents"][2]["parts"] == [{"functionResponse": {"name": "status", "response": {"s": "enviado"}}}]
    (declared,) = gemini["tools"][0]["functionDeclarations"]
    assert declared["parameters"] == {"type": "OBJECT", "properties": {"id": {"type": "STRING"}}}
    assert [one["from"] for one in sharegpt["conversations"]] == ["human", "gpt", "function_call", "observation", "gpt"]
    assert json.loads(sharegpt["conversations"][2]["value"]) == {"name": "status", "arguments": {"id": "1001"}}
    assert json.loads(sharegpt["tools"]) == [STATUS]


# --- one form, whichever way a row goes -------------------------------------------------------------------------------

DIALECTS = [writer for writer, _ in WAYS.values() if issubclass(writer, Dialect)]


@pytest.mark.parametrize("writer", DIALECTS, ids=[writer.name for writer in DIALECTS])
def test_the_native_way_and_the_other_give_the_same_bytes(writer: type[Dialect], tmp_path: Path) -> None:
    made = writer(path=tmp_path / "x.jsonl")
    batch = pl.concat(to_batches(talks(400, frozenset({"system", "single-answer", "many-answers", "talk"}))))
    rows = batch.select("messages", "rejected", "answer_at", "tools")
    assert made._natively(rows).to_list() == made._by_row(rows).to_list()


@pytest.mark.parametrize("name", WAYS)
def test_the_bytes_do_not_depend_on_the_batches(name: str, tmp_path: Path) -> None:
    writer = WAYS[name][0]
    batch = pl.concat(to_batches(talks(60, writer.carries)))
    sizes = (1, 7, 60)
    made = [write(writer, [batch[at : at + size] for at in range(0, 60, size)], tmp_path / str(size)) for size in sizes]
    assert len({file.read_bytes() for file in made}) == 1


def test_a_byte_order_mark_stands_once_at_the_beginning(tmp_path: Path) -> None:
    batch = pl.concat(to_batches(talks(4, OpenAIChat.carries)))
    with_it = write(OpenAIChat, [batch[:2], batch[2:]], tmp_path / "a", bom=True).read_bytes()
    without = write(OpenAIChat, [batch], tmp_path / "b").read_bytes()
    assert with_it == b"\xef\xbb\xbf" + without and without[:1] == b"{"
    assert len(read(OpenAIReader, tmp_path / "a/out.jsonl")[0]) == 4


def test_named_meta_ends_the_line(tmp_path: Path) -> None:
    rows = [Conversation.model_validate({"messages": [U, A], "meta": {"id": at} if at else None}) for at in range(2)]
    lines = write(Claude, to_batches(rows), tmp_path, meta=("id",)).read_text().splitlines()
    assert [json.loads(line).get("meta") for line in lines] == [None, {"id": 1}]


def test_marks_of_old_rows(tmp_path: Path) -> None:
    rows = [
        Conversation.model_validate({"messages": [U, A], "meta": meta})
        for meta in (None, {"legacy": {"separator": " ->", "space": False}}, {"legacy": {"stop": ""}}, {"legacy": 7})
    ]
    fields = {"separator": "\n###", "stop": " END", "space": True, "prompt": "input", "completion": "output"}
    lines = write(PromptCompletion, to_batches(rows), tmp_path, legacy=True, **fields).read_text().splitlines()
    assert [tuple(json.loads(line).values()) for line in lines] == [
        ("Oi\n###", " Olá! Como ajudo? END"),
        ("Oi ->", "Olá! Como ajudo? END"),
        ("Oi\n###", " Olá! Como ajudo?"),
        ("Oi\n###", " Olá! Como ajudo? END"),
    ]
    assert json.loads(lines[0]).keys() == {"input", "output"}
    common = write(PromptCompletion, to_batches(rows), tmp_path / "b", **fields).read_text().splitlines()
    assert set(common) == {lines[0]}


def test_expand_makes_a_completion_of_each_answer(tmp_path: Path) -> None:
    talk = Conversation.model_validate({"messages": [U, A, U, {"role": "assistant", "content": "2"}]})
    lines = write(TrlCompletion, to_batches([talk]), tmp_path, turns="expand").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"prompt": [U], "completion": [A]},
        {"prompt": [U, A, U], "completion": [{"role": "assistant", "content": "2"}]},
    ]
    with pytest.raises(ValueError, match="has no weights"):
        Claude(path=tmp_path / "x.jsonl", turns="expand")


@pytest.mark.parametrize("name", WAYS)
def test_datasets_reads_the_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line arrives, each with the keys that it has in the file, and the texts that it has."""
    datasets = pytest.importorskip("datasets")
    writer = WAYS[name][0]
    held = writer.carries - {"row-extra", "message-extra"}
    if "single-answer" in held:
        held -= {"preference"}  # as a user would: one kind of row in a file
    file = write(writer, to_batches(talks(40, held)), tmp_path)
    found = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    lines = [json.loads(line) for line in file.read_text().split("\n")[:-1]]
    assert len(found) == len(lines) == 40
    for got, line in zip(found, lines, strict=True):
        assert {key for key, value in got.items() if value is not None} == set(line)
        first = next(key for key in line if isinstance(line[key], list | str) and key != "schemaVersion")
        assert len(got[first]) == len(line[first])
