"""In which layout a file is written is told by its rows, and what is judged follows from that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ftdata.targets.layouts import layout_of, most_common
from ftdata.targets.lines import check_file

CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
CLAUDE = {"system": "Be brief.", **CHAT}
PAIR = {"input": "Hi", "output": "Hello"}


@pytest.mark.parametrize(
    ("row", "layout"),
    [
        (CHAT, "openai-chat"),
        (CLAUDE, "claude"),
        (PAIR, "prompt-completion"),
        ({"id": 7, **PAIR, "source": "desk"}, "prompt-completion"),
        ({"instruction": "Translate.", **PAIR}, None),
        ({"input": {"messages": []}, "output": "x"}, "openai-chat"),
        ({"input": "Hi", "output": None}, None),
    ],
)
def test_the_layout_of_a_row(row: dict[str, Any], layout: str | None):
    assert layout_of(row) == layout


def test_rows_of_claude_without_a_system_message_are_claudes_beside_those_with_one():
    assert most_common([CHAT, CHAT, CLAUDE]) == "claude"
    assert most_common([CHAT, CHAT]) == "openai-chat"
    assert most_common([CHAT, CLAUDE, PAIR, PAIR, PAIR]) == "prompt-completion"


def test_a_pair_with_an_id_is_judged_as_a_pair(tmp_path: Path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"id": n, **PAIR}) + "\n" for n in range(100)))
    codes = {finding.code for finding in check_file(file, ["watsonx"])}
    assert not codes & {"watsonx-layout", "watsonx-shape", "watsonx-row-object"}
