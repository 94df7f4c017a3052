"""The check `format` of several targets inside a run: what its summary says, and its record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ftdata import flow
from ftdata.cli import main as cli
from ftdata.recipe import Recipe

USER, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}
GOOD = {"messages": [USER, ANSWER]}
TWO_USERS = {"messages": [USER, USER, ANSWER]}  # Nova wants turns to alternate; OpenAI does not
UNANSWERED = {"messages": [USER, ANSWER, USER]}  # nobody takes it
NAMED = {"messages": [{**USER, "name": "ann"}, ANSWER]}  # Nova's layout has no names


def laid(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def recipe(folder: Path, rows: list[dict[str, Any]], **check: Any) -> Recipe:
    laid(folder, rows)
    tables = {
        "read": [{"use": "openai-chat", "path": "rows.jsonl"}],
        "step": [{"use": "format", **check}],
        "write": [{"use": "openai-chat", "path": "out.jsonl"}],
    }
    return Recipe.parse(tables, folder, "several")


ROWS = [GOOD] * 8 + [TWO_USERS, UNANSWERED, NAMED] + [GOOD] * 50


def found_in(folder: Path) -> dict[str, tuple[str, list[str]]]:
    record = json.loads((folder / ".ftdata" / "several" / "run.json").read_text())
    return {one["code"]: (one["level"], one["where"]) for one in record["findings"]}


@pytest.mark.parametrize("targets", [["openai", "nova"], "openai,nova"])
def test_each_target_has_its_findings_in_the_record(targets: Any, tmp_path: Path):
    flow.run(recipe(tmp_path, ROWS, **{"for": targets}))
    found = found_in(tmp_path)
    assert found["openai-last-message"] == ("error", ["rows.jsonl#10"])
    assert found["nova-alternation"] == ("error", ["rows.jsonl#9"])
    assert found["not-carried"] == ("error", ["rows.jsonl#11"])
    assert not [code for code in found if code.startswith("openai-") and "rows.jsonl#9" in found[code][1]]
    assert not [code for code in found if not code.startswith(("openai-", "nova-", "not-carried"))]


def test_one_target_alone_says_what_it_says_among_others(tmp_path: Path):
    told = {}
    for name, targets in (("both", ["openai", "nova"]), ("one", "openai"), ("other", ["nova"])):
        folder = tmp_path / name
        folder.mkdir()
        flow.run(recipe(folder, ROWS, **{"for": targets}))
        told[name] = found_in(folder)
    assert told["both"] == {**told["one"], **told["other"]}


def test_the_summary_names_the_target_of_each_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    laid(tmp_path, ROWS)
    (tmp_path / "several.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "rows.jsonl"\n[[step]]\nuse = "format"\nfor = ["openai", "nova"]\n'
        '[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\n'
    )
    monkeypatch.setattr("sys.argv", ["ftdata", "run", str(tmp_path / "several.toml")])
    with pytest.raises(SystemExit):
        cli()
    printed = "".join(capsys.readouterr())
    assert "format: openai: 1 row: a row must end" in printed and "format: nova: 1 row: user and assistant" in printed
    assert printed.count("format: nova: 1 row: the layout nova of nova cannot hold name") == 1
