"""Reader to writer and back: chat JSONL comes out equal to what went in, value by value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftdata.source import Source
from ftdata.writers.openai_chat import OpenAIChat

reader = pytest.importorskip("ftdata.readers.openai_chat")
SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def through(source: Path, folder: Path) -> list[dict[str, Any]]:
    """Read a file, write it, and parse what was written; no row may be dropped on the way."""

    def live() -> Any:
        with Source(source) as opened:
            for batch in reader.OpenAIChat(path=source).read(opened):
                assert batch["drop"].null_count() == batch.height, batch["drop"].unique().to_list()
                yield batch

    folder.mkdir()
    OpenAIChat(path=folder / "out.jsonl").write(live(), folder)
    return [json.loads(line) for line in (folder / "out.jsonl").read_bytes().split(b"\n")[:-1]]


EXAMPLES = r"""
{"messages":[{"role":"system","content":"Você é o suporte da Loja X."},{"role":"user","content":"Meu pedido não chegou."},{"role":"assistant","content":"Qual é o número?","weight":0},{"role":"user","content":"1001"},{"role":"assistant","content":"Sai hoje.","weight":1}]}
{"messages":[{"role":"user","content":"What is the weather in San Francisco?"},{"role":"assistant","tool_calls":[{"id":"call_id","type":"function","function":{"name":"get_current_weather","arguments":"{\"location\": \"San Francisco, USA\", \"format\": \"celsius\"}"}}]}],"tools":[{"type":"function","function":{"name":"get_current_weather","description":"Get the current weather","parameters":{"type":"object","properties":{"location":{"type":"string"},"format":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["location","format"]}}}],"parallel_tool_calls":false}
{"messages":[{"role":"user","content":[{"type":"text","text":"What is broken?"},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]},{"role":"assistant","content":"The left hinge."}]}
{"input":{"messages":[{"role":"user","content":"How cold is SF today?"}],"tools":[],"parallel_tool_calls":true},"preferred_output":[{"role":"assistant","content":"About 10 °C."}],"non_preferred_output":[{"role":"assistant","content":"Not cold."}]}
{"messages":[{"role":"user","content":"Classify: card charged twice"}],"reference_label":"billing"}
{"messages":[{"role":"system","content":"Seja breve."},{"role":"user","content":"Oi"},{"role":"assistant","content":"Olá! Como ajudo?"}]}
{"messages":[{"role":"user","content":"Oi"},{"role":"assistant","content":"Olá! Como ajudo?"}],"system":"Seja breve."}
{"messages":[{"role":"user","content":[{"text":"Oi"}]},{"role":"assistant","content":[{"text":"Olá! Como ajudo?"}]}],"schemaVersion":"bedrock-conversation-2024","system":[{"text":"Seja breve."}]}
{"messages":[{"role":"user","content":[{"text":"Oi"}]},{"role":"assistant","candidates":[{"content":[{"text":"Olá! Como ajudo?"}],"preferenceLabel":"preferred"},{"content":[{"text":"Fala."}],"preferenceLabel":"non-preferred"}]}],"schemaVersion":"bedrock-conversation-2024"}
{"messages":[{"role":"user","content":"Qual o status do 1001?"},{"role":"assistant","content":"","tool_calls":[{"id":"TX92Jm8Zi","type":"function","function":{"name":"status","arguments":"{\"id\": \"1001\"}"}}]},{"role":"tool","content":"{\"s\":\"enviado\"}","tool_call_id":"TX92Jm8Zi"},{"role":"assistant","content":"Foi enviado."}],"tools":[{"type":"function","function":{"name":"status","description":"Status do pedido","parameters":{"type":"object","properties":{"id":{"type":"string"}}}}}]}
{"messages":[{"role":"user","content":"Oi"},{"role":"assistant","content":"Olá! Como ajudo?","weight":1}]}
{"input":{"messages":[{"role":"user","content":"Oi"}]},"preferred_output":[{"role":"assistant","content":"Olá! Como ajudo?"}],"non_preferred_output":[{"role":"assistant","content":"Fala."}]}
{"messages":[{"role":"System","content":"Seja breve."},{"role":"User","content":"Oi"},{"role":"Chatbot","content":"Olá! Como ajudo?"}]}
""".strip().split("\n")  # noqa: E501 - rows as vendors print them


@pytest.mark.parametrize("step", [1, -1])
def test_rows_as_vendors_print_them_come_back_in_canonical_order(tmp_path: Path, step: int) -> None:
    """The keys of a row may come in any order; `messages` or `input` goes out first, all in the order above."""
    rows = [json.loads(line) for line in EXAMPLES]
    shuffled = [{key: row[key] for key in list(row)[::step]} for row in rows]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in shuffled))
    found = through(tmp_path / "in.jsonl", tmp_path / "out")
    assert found == rows
    assert [next(iter(row)) for row in found] == [next(iter(row)) for row in rows]
    if step == 1:
        assert json.dumps(found) == json.dumps(rows)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(strategies.rows(), min_size=20, max_size=25), escaped=st.booleans())
def test_generated_rows_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], escaped: bool
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    (folder / "in.jsonl").write_bytes(b"".join(json.dumps(row, ensure_ascii=escaped).encode() + b"\n" for row in rows))
    found = through(folder / "in.jsonl", folder / "once")
    assert [strategies.canonical(row) for row in found] == [strategies.canonical(row) for row in rows]
    # What is canonical already comes out as the same bytes.
    through(folder / "once/out.jsonl", folder / "twice")
    assert (folder / "twice/out.jsonl").read_bytes() == (folder / "once/out.jsonl").read_bytes()


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data not here")
@pytest.mark.parametrize("name", ["sft/openai_toy_chat_fine_tuning.jsonl"])
def test_real_files_come_back(tmp_path: Path, name: str) -> None:
    rows = [json.loads(line) for line in (SHARED / name).read_bytes().split(b"\n") if line.strip()]
    assert through(SHARED / name, tmp_path / "out") == rows


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data not here")
def test_naughty_strings_come_back(tmp_path: Path) -> None:
    naughty = json.loads((SHARED / "broken/blns/blns.json").read_bytes())
    rows = [{"messages": [{"role": "user", "content": text, "name": text}], "x": {text: text}} for text in naughty]
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
    assert through(file, tmp_path / "out") == rows
