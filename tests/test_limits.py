"""Limits stop a bad run: one below the limit and the limit itself pass, one above fails and keeps the old output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftdata import cli, flow
from ftdata.errors import RecipeError, RunError
from ftdata.manifest import Manifest, load
from ftdata.recipe import Recipe

STEPS = [{"use": "length", "max_turns": 3}, {"use": "length", "min_turns": 2}]


def lay(folder: Path, *, good: int = 0, bad: int = 0, long: int = 0, short: int = 0) -> None:
    """Write an input with so many good rows, lines that are no JSON, rows too long and rows too short."""
    rows = [2] * good + [5] * long + [1] * short
    turns = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"})
    lines = [json.dumps({"messages": [turns[n % 2] for n in range(count)]}) for count in rows]
    (folder / "in.jsonl").write_text("\n".join(['{"messages": ['] * bad + lines) + "\n")


def recipe(folder: Path, **limits: Any) -> Recipe:
    read = {"use": "openai-chat", "path": "in.jsonl"}
    write = {"use": "openai-chat", "path": "out/all.jsonl"}
    return Recipe.parse({"run": limits, "read": [read], "step": STEPS, "write": [write]}, folder, "recipe")


def over_an_older_output(folder: Path, **limits: Any) -> Callable[..., Manifest | str]:
    """Run once; give a function that runs again on other rows and gives the manifest, or what stopped the run, having
    seen that the older output stands.
    """
    lay(folder, good=1)
    flow.run(recipe(folder))
    out = folder / "out/all.jsonl"
    old, record = out.read_bytes(), folder / "out/.ftdata/recipe"
    made = (record / "run.json").read_bytes()

    def now(**rows: int) -> Manifest | str:
        lay(folder, **rows)
        failed: RunError | None = None
        try:
            return flow.run(recipe(folder, **limits))
        except RunError as error:
            failed = error
        assert failed.exit_code == 1
        assert out.read_bytes() == old and (record / "run.json").read_bytes() == made
        assert sorted(path.name for path in (folder / "out").iterdir()) == [".ftdata", "all.jsonl"]
        tried = load(record / "attempt.json")
        assert tried.status == "failed" and tried.error == str(failed) and tried.limits == limits
        return str(failed)

    return now


def test_a_limit_for_a_mistyped_reason_is_warned_of(tmp_path: Path) -> None:
    lay(tmp_path, good=3, long=2)
    manifest = flow.run(recipe(tmp_path, max_drop={"length: too-many-turn": 1, "length: too-short": 1}))
    assert manifest.dropped == {"length": {"too-many-turns": 2}}
    assert [(f.stage, f.code, f.level) for f in manifest.findings] == [("length", "unknown-reason", "warn")]
    assert "did you mean 'too-many-turns'?" in manifest.findings[0].message


# limits, the rows of an input at the limit, the rows of one above, words of the message
CASES: list[tuple[dict[str, Any], dict[str, int], dict[str, int], str]] = [
    ({"max_bad": 0}, {"good": 4}, {"good": 4, "bad": 1}, "max_bad: unreadable records: 1 of 5, the limit is 0"),
    ({"max_bad": 3}, {"good": 4, "bad": 3, "long": 9}, {"good": 4, "bad": 4}, "4 of 8, the limit is 3"),
    ({"max_bad": 1}, {"good": 4, "bad": 1}, {"good": 4, "bad": 2}, "2 of 6, the limit is 1"),
    ({"max_bad": 1.0}, {"good": 4, "bad": 1}, {"good": 4, "bad": 2}, "2 of 6, the limit is 1"),
    ({"max_bad": 0.25}, {"good": 6, "bad": 2}, {"good": 5, "bad": 3}, "3 of 8, the limit is 0.25"),
    ({"max_bad": 0.29}, {"good": 71, "bad": 29}, {"good": 70, "bad": 30}, "30 of 100, the limit is 0.29"),
    ({"max_bad": 0.0}, {"good": 71}, {"good": 70, "bad": 1}, "1 of 71, the limit is 0"),
    ({"max_drop": 0}, {"good": 4}, {"good": 4, "long": 1}, "max_drop: dropped rows: 1 of 5, the limit is 0"),
    ({"max_drop": 3}, {"good": 4, "long": 1, "short": 1, "bad": 1}, {"good": 4, "long": 2, "short": 2}, "4 of 8"),
    ({"max_drop": 0.07}, {"good": 93, "long": 7}, {"good": 92, "long": 8}, "8 of 100, the limit is 0.07"),
    ({"max_drop": 0.57}, {"good": 43, "long": 57}, {"good": 42, "long": 58}, "58 of 100, the limit is 0.57"),
    (
        {"max_drop": {"length: too-many-turns": 2}},
        {"good": 2, "long": 2, "short": 9},
        {"good": 2, "long": 3},
        "max_drop: length: too-many-turns: 3 of 5, the limit is 2",
    ),
    (
        {"max_drop": {"length": 2}},
        {"good": 2, "long": 2, "short": 9},
        {"good": 2, "long": 3},
        "max_drop: length: 3 of 5",
    ),
    ({"max_drop": {"length#2": 2}}, {"good": 2, "long": 9, "short": 2}, {"good": 2, "short": 3}, "length#2: 3 of 5"),
    (
        {"max_drop": {"length": 0.29, "length#2": 5}},
        {"good": 66, "long": 29, "short": 5},
        {"good": 65, "long": 30, "short": 5},
        "max_drop: length: 30 of 100, the limit is 0.29",
    ),
    ({"max_drop": {"openai-chat: bad-json": 1}}, {"good": 2, "bad": 1}, {"good": 2, "bad": 2}, "bad-json: 2 of 4"),
    ({"max_bad": 2, "max_drop": 5}, {"good": 1, "bad": 2, "long": 3}, {"good": 1, "bad": 3, "long": 2}, "max_bad"),
]


@pytest.mark.parametrize(("limits", "at", "above", "told"), CASES, ids=[str(case[0]) for case in CASES])
def test_a_limit_is_exact(
    limits: dict[str, Any], at: dict[str, int], above: dict[str, int], told: str, tmp_path: Path
) -> None:
    now = over_an_older_output(tmp_path, **limits)
    message = now(**above)
    assert isinstance(message, str) and told in message
    assert message.endswith("nothing was published") and message.count("\n") == 0
    for rows in (at, {**at, "good": at["good"] + 1, **_less(at)}):
        manifest = now(**rows)
        assert isinstance(manifest, Manifest) and manifest.written == rows["good"]


def _less(rows: dict[str, int]) -> dict[str, int]:
    """Give one fewer of each kind that limits count."""
    return {kind: count - 1 for kind, count in rows.items() if kind != "good"}


def test_two_limits_passed_are_both_told(tmp_path: Path) -> None:
    message = over_an_older_output(tmp_path, max_bad=0, max_drop=1)(good=2, bad=1, long=1)
    assert [line.partition(":")[0] for line in str(message).splitlines()] == ["max_bad", "max_drop"]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"max_drop": -1}, "-1"),
        ({"max_drop": {"length": -0.5}}, "-0.5"),
        ({"max_bad": float("nan")}, "nan"),
        ({"max_drop": float("nan")}, "nan"),
        ({"max_drop": {"lenght: too-long": 1}}, "there is no stage 'lenght'; did you mean 'length'?"),
        ({"max_drop": {"length#3": 1}}, "there is no stage 'length#3'"),
        ({"max_drop": "many"}, "many"),
    ],
)
def test_a_limit_that_could_never_hold_is_a_mistake(limits: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as found:
        recipe(tmp_path, **limits)
    assert all(line.startswith("recipe: run: max_") for line in found.value.problems) and told in str(found.value)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--max-bad", "2"], 0),
        (["--max-bad", "1"], 1),
        (["--max-bad", "0.5"], 0),
        (["--max-bad", "0.4"], 1),
        (["--max-drop", "2"], 0),
        (["--max-drop", "1"], 1),
        (["--max-drop", "0"], 1),
    ],
)
def test_the_command_line_leaves_with_1(
    arguments: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lay(tmp_path, good=2, bad=2)
    out = tmp_path / "out.jsonl"
    monkeypatch.setattr(
        sys,
        "argv",
        ["ftdata", "convert", "-q", "--from", "openai-chat", *arguments, str(tmp_path / "in.jsonl"), str(out)],
    )
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == code and out.exists() == (code == 0)
    assert capsys.readouterr().err.count("\n") == code
