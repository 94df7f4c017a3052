"""What `check`, `rule` and `targets` print: the grid, lines, JSON, SARIF, annotations; exit codes."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ftdata.cli import main
from ftdata.findings import lines, place, short
from ftdata.findings.explained import explained
from ftdata.findings.github import commands
from ftdata.findings.grid import grid
from ftdata.findings.sarif import sarif
from ftdata.targets import load, names, parse
from ftdata.targets.lines import LineFinding

NINE = "openai,azure,claude,nova,gemini,mistral,together,fireworks,llama-factory"


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Run a command in this process; give exit code, stdout, stderr."""
    sys.argv = ["ftdata", *map(str, args)]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def finding(target: str = "a", name: str = "x", level: Any = "error", line: int | None = 1, **more: Any) -> LineFinding:
    values: dict[str, Any] = {"column": None, "path": "messages[0]", "cause": "c", "fix": "f", "evidence": "spec"}
    values |= {"source": "s", "file": "t.jsonl", **more}
    return LineFinding(target=target, code=f"{target}-{name}", level=level, line=line, **values)


def rows(folder: Path, *given: Any, plain: int = 60) -> Path:
    talk = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]}
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in [*given, *[talk] * plain]))
    return path


BAD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "User: x"}]}


# --- pure functions ---------------------------------------------------------------------------------------------------


def test_the_grid_has_a_row_a_rule_and_a_column_a_target() -> None:
    found = [finding(), finding(), finding("b", "x", "warn"), finding("b", "y", "warn")]
    drawn = grid(found, {"a": ["a-z", "a-x"], "b": ["b-x", "b-y"], "c": ["c-z"]})
    assert [line.split() for line in drawn if "-" not in line[:2]] == [
        ["rule", "a", "b", "c"],
        ["x", "E", "2", "w", "1", "."],
        ["y", ".", "w", "1", "."],
        ["verdict", "NO", "warned", "ok"],
    ]


def test_a_kept_rule_and_no_rule_are_told_apart_without_colour() -> None:
    drawn = grid([finding()], {"a": ["a-x"], "b": ["b-x"], "c": []})
    assert drawn[2].split() == ["x", "E", "1", "ok", "."] and "\x1b" not in "".join(drawn)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_grid_fits_the_terminal(width: int) -> None:
    rules = {name: [rule.code for rule in load(name).rules] for name in names()}
    found = [finding(name, "last-message") for name in names()]
    drawn = grid(found, rules, width)
    assert max(map(len, drawn)) <= width
    assert next(line for line in drawn if line.startswith("rule")).split()[1] == names()[0]
    told = " ".join(line for line in drawn if line.startswith("rule")).split()
    assert [word for word in told if word != "rule"] == list(names())


def test_a_grid_without_findings_is_the_verdict() -> None:
    assert grid([], {"a": ["a-x"]})[-1].split() == ["verdict", "ok"]


def test_lines_name_place_level_code_path_cause_and_fix() -> None:
    assert lines([finding(fixable="yes")]) == ["t.jsonl:1  error  a-x  messages[0]  c; f [--fix]"]
    assert lines([finding(fixable="lossy")])[0].endswith("[--fix --allow-lossy]")
    assert place(finding(line=None)) == "t.jsonl" and place(finding(line=3, column=7)) == "t.jsonl:3:7"
    assert short("llama-factory-positions", "llama-factory") == "positions"


def test_annotations_escape_what_would_end_them() -> None:
    (one,) = commands([finding(file="a,b:c%.jsonl", line=3, column=2, cause="100 %\nof", path="")])
    assert one == "::error file=a%2Cb%3Ac%25.jsonl,line=3,col=2,title=a-x::100 %25%0Aof; f"
    assert commands([finding(level="warn", line=None)])[0].startswith("::warning file=t.jsonl,title=a-x::messages[0]: ")


def test_sarif_has_what_the_standard_requires() -> None:
    found = [
        finding("openai", "last-message", line=3),
        finding("openai", "json", line=4, column=2, path=""),
        finding("openai", "min-rows", line=None, path="", file="a b.jsonl"),
    ]
    log = sarif(found, load("openai").rules, "0.1.0")
    (run,) = log["runs"]
    assert log["version"] == "2.1.0" and run["tool"]["driver"]["name"] == "ftdata"
    used = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in used} == {one.code for one in found}
    for one, result in zip(found, run["results"], strict=True):
        assert result["ruleId"] == one.code == used[result["ruleIndex"]]["id"]
        assert result["level"] in ("error", "warning") and result["message"]["text"]
        (location,) = result["locations"]
        region = location["physicalLocation"].get("region", {})
        assert (region.get("startLine"), region.get("startColumn")) == (one.line, one.column)
    assert run["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.jsonl"


# --- the commands -----------------------------------------------------------------------------------------------------


def test_check_prints_the_grid_then_the_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rows(tmp_path, BAD)
    code, out, err = call(capsys, "check", path, "--for", NINE)
    head, _, rest = out.partition("\n\n")
    assert code == 1 and head.startswith("rule") and "reserved-words" in head and "verdict" in head
    assert f"{path}:1  error  nova-reserved-words  messages[1].content" in rest
    assert "no such rule" in err and "errors" in err


def test_one_target_needs_no_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "check", rows(tmp_path), "--for", "openai")
    assert (code, out) == (0, "")


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_machines_get_every_finding(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rows(tmp_path, *[BAD] * 70)
    code, out, _ = call(capsys, "check", path, "--for", "openai", "--format", form)
    assert code == 1
    if form == "github":
        assert len(out.splitlines()) == 70
    else:
        told = json.loads(out)
        assert len(told if form == "json" else told["runs"][0]["results"]) == 70


def test_json_says_what_can_be_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = {"type": "function", "function": {"name": "f"}}
    path = rows(
        tmp_path, {**BAD, "messages": [*BAD["messages"], {"role": "assistant", "content": "x"}], "tools": [tools]}
    )
    _, out, _ = call(capsys, "check", path, "--for", "claude", "--json")
    assert {one["code"]: one["fixable"] for one in json.loads(out)} == {
        "claude-alternation": "yes",
        "claude-no-tools": "lossy",
    }


def test_statistics_and_exit_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rows(tmp_path, BAD, BAD)
    code, out, _ = call(capsys, "check", path, "--for", "openai", "--statistics", "--exit-zero")
    assert code == 0 and out.split() == ["2", "error", "openai-no-assistant"]


@pytest.mark.parametrize(
    "args", [["--into", "x"], ["--allow-lossy"], ["--overwrite"], ["--fix", "--format", "sarif"]], ids=" ".join
)
def test_options_that_do_not_go_together(args: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "check", rows(tmp_path), "--for", "openai", *args)
    assert code == 2 and "Error" in err


def test_rule_tells_what_is_known_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "rule", "openai-last-message")
    assert code == 0 and "checked 2026-11-21" in out and "breaks it:" in out and "after --fix:" in out
    code, out, _ = call(capsys, "rule", "nova-reserved-words", "--json")
    told = json.loads(out)
    assert "User:" in told["example"]["wrong"] and "User :" in told["example"]["right"] and told["fixable"] == "yes"
    code, _, err = call(capsys, "rule", "openai-last-mesage")
    assert code == 2 and "did you mean 'openai-last-message'?" in err


@pytest.mark.parametrize("target", names())
def test_every_rule_about_a_row_has_an_example(target: str) -> None:
    without = {
        rule.kind for rule in load(target).rules for one in [explained(rule.code)] if not (one.wrong or one.file_only)
    }
    assert without <= UNSHOWN, without - UNSHOWN


# Rules about the shape of a layout of its own, and one that takes a row of ten megabytes.
UNSHOWN = {"image-size", "key-names", "schema-version", "shape", "videos-max"}
UNSHOWN |= {"media-bucket", "media-format", "one-medium", "reasoning-where"}  # blocks of Nova
UNSHOWN |= {"both-answers", "tools-text", "uniform-sides"}  # rows of ShareGPT, pairs of texts


def test_targets_lists_all_and_tells_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "targets", "--on", "2026-11-22")
    assert code == 0 and [line.split()[0] for line in out.splitlines()[1:]] == list(names())
    assert "open until 2027-01-06 (restricted)" in out
    code, out, _ = call(capsys, "targets", "openai", "--on", "2027-01-07")
    assert "closed since 2027-01-06" in out and "openai-last-message" in out
    code, out, _ = call(capsys, "targets", "--json")
    assert {one["name"] for one in json.loads(out)} == set(names())
    assert call(capsys, "targets", "opnai")[0] == 2


PROFILE = """
name = "acme"
title = "Acme"
layout = "openai-chat"
checked = 2026-11-21
[source.a]
title = "A"
checked = 2026-11-21
"""


@pytest.mark.parametrize(
    ("events", "day", "told"),
    [
        ("", date(2026, 1, 1), "open"),
        ("opens 2026-05-01", date(2026, 4, 30), "opens 2026-05-01"),
        ("opens 2026-05-01", date(2026, 5, 1), "open"),
        ("closes 2026-05-01", date(2026, 5, 1), "open until 2026-05-01"),
        ("closes 2026-05-01", date(2026, 5, 2), "closed since 2026-05-01"),
        ("ends 2026-05-01", date(2026, 5, 1), "closed since 2026-05-01"),
        ("restricts 2026-05-01 deprecates 2026-05-02", date(2026, 5, 2), "open (restricted, deprecated)"),
    ],
)
def test_standing(events: str, day: date, told: str) -> None:
    words = events.split()
    listed = "".join(
        f'[[event]]\ndate = {on}\nkind = "{kind}"\nwhat = "w"\nsource = "a"\n'
        for kind, on in zip(words[::2], words[1::2], strict=True)
    )
    assert parse(PROFILE + listed, "acme.toml").standing(day) == told
