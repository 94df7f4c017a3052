"""`check --fix`: for each target a file that it takes, a report of what was lost, and nothing lost in silence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from seeded import GOOD, SEEDED

from ftdata.cli import main
from ftdata.targets import load, names
from ftdata.targets.rules import KINDS
from ftdata.transforms.fit.running import Fitted, fit_file

TARGETS = names()
U, A = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}
TOOL = {"type": "function", "function": {"name": "status", "description": "d", "parameters": {"type": "object"}}}


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Run a command in this process; give exit code, stdout, stderr."""
    sys.argv = ["ftdata", *map(str, args)]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def fit(path: Path, target: str, into: Path, lossy: bool = True) -> Fitted:
    (outcome,) = fit_file(str(path), [target], into, path.stem, allow_lossy=lossy)
    return outcome


def of_rows(outcome: Fitted) -> dict[str, str]:
    """Give the findings about rows that are left: code and level."""
    kinds = {rule.code: rule.kind for rule in load(outcome.target).rules}
    return {f.code: f.level for f in outcome.findings if KINDS[kinds[f.code]].of == "row"}


CASES = [("openai-chat", target, lossy) for target in TARGETS for lossy in (True, False)]
CASES += [
    (layout, target, True) for layout in GOOD if layout != "openai-chat" for target in ("nova", "together", "gemini")
]


@pytest.mark.parametrize(("layout", "target", "lossy"), CASES)
def test_seeded_faults_are_gone_and_twice_is_once(layout: str, target: str, lossy: bool, tmp_path: Path) -> None:
    seeded = [one.line for one in SEEDED if one.layout == layout]
    rows = [GOOD[layout]] * 12 + seeded
    first = fit(written(tmp_path / "rows.jsonl", rows), target, tmp_path / "one", lossy)
    if first.file is None:  # a target that takes none of them, such as pairs alone
        assert first.error is not None and "0 rows" in first.error
        return
    left = of_rows(first)
    assert set(left.values()) <= {"warn"} and left.keys() <= first.warned.keys()
    assert lossy or not first.lost
    assert first.manifest is not None and first.manifest.rows == first.manifest.written + sum(first.dropped.values())
    again = fit(first.file, target, tmp_path / "two", lossy)
    assert again.file is not None and again.file.read_bytes() == first.file.read_bytes()
    assert not (again.lost or again.changed or again.dropped)


def test_azure_gets_its_byte_order_mark_and_watsonx_its_keys(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", [{"messages": [U, A]}] * 60)
    azure, watsonx = (fit(path, target, tmp_path / "out") for target in ("azure", "watsonx"))
    assert azure.file is not None and azure.file.read_bytes().startswith(b"\xef\xbb\xbf{") and not azure.findings
    assert watsonx.file is not None
    assert json.loads(watsonx.file.read_text().splitlines()[0]) == {"input": "Hi", "output": "Yes"}


def test_preference_rows_go_to_the_layout_that_the_target_takes_them_in(tmp_path: Path) -> None:
    pair = {"input": {"messages": [U]}, "preferred_output": [A], "non_preferred_output": [{**A, "content": "No"}]}
    made = fit(written(tmp_path / "t.jsonl", [pair] * 12 + [{"messages": [U, A]}]), "trl", tmp_path / "out")
    assert made.dropped == {"other-form": 1}
    assert made.file is not None and not of_rows(made) and not made.lost
    assert json.loads(made.file.read_text().splitlines()[0]).keys() == {"prompt", "chosen", "rejected"}


def test_the_report_names_losses_changes_drops_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"messages": [U, A]}] * 40 + [{"messages": [U, A], "tools": [TOOL]}, {"messages": [U]}]
    rows += [{"messages": [U, U, A], "ticket_id": 9}]
    path, out_dir = written(tmp_path / "my rows.jsonl", rows), tmp_path / "out"
    code, out, err = call(capsys, "check", path, "--for", "claude,nova", "--fix", "--into", out_dir)
    assert code == 0 and "--allow-lossy" in err
    claude, nova = out.split("nova: ")
    for told in (
        "43 rows read, 41 written",
        "dropped: claude-no-tools, 1 row",
        "changed, every word kept: turns, 1 row",
    ):
        assert told in claude
    assert "lost:" not in out and "dropped: nova-no-tools, 1 row" in nova
    assert (out_dir / "my_rows.nova.jsonl").exists() and "my_rows.claude.jsonl" in claude
    beside = json.loads((out_dir / ".meta/my_rows.claude.jsonl").read_text())
    assert beside == {"line": 41, "meta": {"fit": {"row": {"ticket_id": 9}}}}
    code, out, _ = call(capsys, "check", path, "--for", "claude", "--fix", "--allow-lossy", "--into", out_dir, "--json")
    (told,) = json.loads(out)
    assert code == 0 and told["lost"] == {"tools": 1} and told["rows"] == {"read": 43, "written": 42}
    assert told["dropped"] == {"claude-last-assistant": 1}


def test_nothing_left_to_write_is_told_and_ends_in_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "t.jsonl", [{"messages": [U]}] * 3)
    code, out, err = call(capsys, "check", path, "--for", "openai,together", "--fix")
    assert code == 1 and out.count("nothing written") == 2 and "Traceback" not in out + err
    assert "dropped: openai-no-assistant, 3 rows" in out and not list(tmp_path.glob("*.openai.jsonl"))


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "t.jsonl", [{"messages": [U, A]}] * 12)
    (tmp_path / "t.openai.jsonl").write_text("mine\n")
    assert call(capsys, "check", path, "--for", "openai", "--fix")[0] == 4
    assert (tmp_path / "t.openai.jsonl").read_text() == "mine\n"
    assert call(capsys, "check", path, "--for", "openai", "--fix", "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [("question;answer\na;b\nc;d\n", 3, "ftdata convert"), ("just a text\n", 3, "no reader knows")],
)
def test_what_is_no_training_data_is_refused_in_one_line(
    content: str, code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    left, _, err = call(capsys, "check", path, "--for", "openai", "--fix")
    assert left == code and told in err and "Traceback" not in err


def test_a_profile_of_ones_own_is_a_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "acme.toml"
    own.write_text(
        'name = "acme"\ntitle = "Acme"\nlike = "together"\nchecked = 2026-11-21\n'
        '[source.a]\ntitle = "A"\nchecked = 2026-11-21\n'
    )
    path = written(tmp_path / "t.jsonl", [{"messages": [U, U, A]}] * 12)
    assert "acme-alternation" in call(capsys, "check", path, "--for", own)[1]
    code, out, _ = call(capsys, "check", path, "--for", own, "--fix", "--into", tmp_path / "out")
    assert code == 0 and "changed, every word kept: turns, 12 rows" in out
    assert (tmp_path / "out/t.acme.jsonl").exists()
