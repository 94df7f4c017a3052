"""One row, nine verdicts: the targets disagree on the same rows as their vendors do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rule_rows import ANSWER, CALL, RESULT, TOOL, USER, said

from ftdata.targets import load
from ftdata.targets.lines import check_file

TARGETS = "openai azure claude nova gemini mistral together fireworks llama-factory".split()
PLAIN = {"messages": [USER, ANSWER]}
CALLING = {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": "TX92Jm8Zi"}]}
WITH_TOOLS: dict[str, Any] = {
    "messages": [USER, CALLING, {**RESULT, "tool_call_id": "TX92Jm8Zi"}, ANSWER],
    "tools": [TOOL],
    "parallel_tool_calls": False,
}
ROWS: dict[str, dict[str, Any]] = {
    "two user turns": {"messages": [USER, said("user", "Hello?"), ANSWER]},
    "ends with user": {"messages": [USER, ANSWER, USER]},
    "extra key": {**PLAIN, "ticket_id": 7},
    "tools": WITH_TOOLS,
    "bom": PLAIN,
    "reserved word": {"messages": [said("user", "It says User: twice"), ANSWER]},
    "9 rows": PLAIN,
}
# How each target takes it: no = an error, ? = a warning that is not verified, ok = neither.
GRID: dict[str, str] = {
    #                  openai azure claude nova gemini mistral together fireworks llama-factory
    "two user turns": "ok     ok    no     no   ?      ?       no       ?         no",
    "ends with user": "no     no    no     no   no     no      ok       ?         no",
    "extra key": "     ?      ?     no     no   ?      ?       no       ?         ok",
    "tools": "         ok     ok    no     no   ok     ok      no       ?         ok",
    "bom": "           ?      ok    ?      ?    ?      ?       no       ?         ?",
    "reserved word": " ok     ok    ok     no   ok     ok      ok       ok        ok",
    "9 rows": "        no     no    ?      ok   ok     no      ok       ok        ok",
}
# Which kinds of rule say it. The layout of a file is judged apart: that rows must be written otherwise is no refusal.
KINDS = {
    "two user turns": {"alternation", "positions"},
    "ends with user": {"last-message", "last-assistant", "positions"},
    "extra key": {"top-level-keys", "no-other-keys"},
    "tools": {"no-tools", "tools-last-only", "role"},
    "bom": {"bom", "bom-required"},
    "reserved word": {"reserved-words"},
    "9 rows": {"min-rows", "few-rows"},
}


def verdicts(folder: Path, name: str) -> dict[str, str]:
    """Say how each target takes a file of this row, of enough others, and nothing else wrong."""
    count = 9 if name == "9 rows" else 200
    others = [json.dumps({"messages": [said("user", f"q{i}"), ANSWER]}) for i in range(count - 1)]
    text = "\n".join([json.dumps(ROWS[name]), *others]) + "\n"
    path = folder / "rows.jsonl"
    path.write_text(text, encoding="utf-8-sig" if name == "bom" else "utf-8")
    found = dict.fromkeys(TARGETS, "ok")
    for finding in check_file(path, TARGETS):
        kind = next(rule.kind for rule in load(finding.target).rules if rule.code == finding.code)
        if kind in ("layout", "bom-required"):
            continue
        assert kind in KINDS[name], finding
        assert finding.line == (None if name in ("bom", "9 rows") else 1)
        if finding.level == "error":
            found[finding.target] = "no"
        elif kind not in ("few-rows", "tools-last-only") and found[finding.target] == "ok":  # advice is no doubt
            found[finding.target] = "?"
    return found


@pytest.mark.parametrize("name", ROWS)
def test_the_grid(name: str, tmp_path: Path):
    assert verdicts(tmp_path, name) == dict(zip(TARGETS, GRID[name].split(), strict=True))


def test_only_what_is_written_otherwise_is_named_so(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text((json.dumps(PLAIN) + "\n") * 60)
    named = {f.target for f in check_file(path, TARGETS) if f.code.endswith("-layout")}
    assert named == {"nova", "gemini", "llama-factory"}
    path.write_text((json.dumps({"messages": [said("system", "s"), USER, ANSWER]}) + "\n") * 60)
    named = {f.target for f in check_file(path, TARGETS) if f.code.endswith("-layout")}
    assert named == {"nova", "gemini", "llama-factory", "claude"}
