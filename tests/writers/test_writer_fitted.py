"""The step `fit` before the folder of a local trainer: rows that the folder refuses go in cured, or stay out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ftdata import flow
from ftdata.recipe import Recipe
from ftdata.writers.json_lines import NotCarried

USER, ANSWER, SYSTEM = (
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Yes"},
    {"role": "system", "content": "Be brief."},
)
CALL = {"id": "call_1", "type": "function", "function": {"name": "status", "arguments": '{"id": 1}'}}
TOOL = {"type": "function", "function": {"name": "status", "description": "d", "parameters": {"type": "object"}}}
GOOD = {"messages": [USER, ANSWER]}
ODD: dict[str, dict[str, Any]] = {
    "key of the row": {"messages": [USER, ANSWER], "ticket": 7},
    "key of a message": {"messages": [{**USER, "time": 3}, ANSWER]},
    "a developer": {"messages": [{"role": "developer", "content": "d"}, USER, ANSWER]},
    "a role spelt otherwise": {"messages": [{"role": "Human", "content": "Hi"}, ANSWER]},
    "a later system": {"messages": [USER, ANSWER, SYSTEM, USER, ANSWER]},
    "a question at the end": {"messages": [USER, ANSWER, USER]},
    "two users": {"messages": [USER, USER, ANSWER]},
    "text parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, ANSWER]},
    "a weight": {"messages": [USER, {**ANSWER, "weight": 0}, USER, ANSWER]},
    "a name": {"messages": [{**USER, "name": "ann"}, ANSWER]},
    "a picture": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                ],
            },
            ANSWER,
        ]
    },
    "tools": {
        "messages": [
            USER,
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sent"},
            ANSWER,
        ],
        "tools": [TOOL],
    },
    "the old functions": {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "status", "arguments": "{}"}},
            {"role": "function", "name": "status", "content": "sent"},
            ANSWER,
        ],
        "functions": [TOOL["function"]],
    },
    "a pair": {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "No"}],
    },
}
FOLDERS: list[tuple[str, dict[str, Any]]] = [
    ("trl", {}),
    ("axolotl", {}),
    ("llama-factory", {"template": "qwen"}),
    ("mlx-lm", {}),
]


def run(folder: Path, writer: str, fields: dict[str, Any], row: dict[str, Any], lossy: bool | None) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (GOOD, row, GOOD)))
    tables: dict[str, Any] = {
        "read": [{"use": "openai-chat", "path": "rows.jsonl"}],
        "write": [{"use": writer, "path": "set", **fields}],
    }
    if lossy is not None:
        tables["step"] = [{"use": "fit", "for": writer, "allow_lossy": lossy, "form": "single"}]
    return flow.run(Recipe.parse(tables, folder, "fitted"), fresh=True)


@pytest.mark.parametrize(("writer", "fields"), FOLDERS, ids=[name for name, _ in FOLDERS])
def test_a_folder_takes_every_row_that_was_fitted(writer: str, fields: dict[str, Any], tmp_path: Path) -> None:
    for at, (what, row) in enumerate(ODD.items()):
        for lossy in (False, True):
            manifest = run(tmp_path / f"{at}{lossy}", writer, fields, row, lossy)
            dropped = sum(sum(reasons.values()) for reasons in manifest.dropped.values())
            assert manifest.written + dropped == 3, (what, lossy)
            flags = manifest.flags.get("fit", {})
            assert lossy or not [flag for flag in flags if flag.startswith("lost-")], what


@pytest.mark.parametrize(("writer", "fields"), FOLDERS, ids=[name for name, _ in FOLDERS])
def test_without_the_step_some_are_refused(writer: str, fields: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NotCarried, match="add the step fit"):
        run(tmp_path / "bare", writer, fields, ODD["key of the row"], None)
