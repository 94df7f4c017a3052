"""Names, records and tables of prices that somebody made to break commands: one line, and the documented code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ftdata.cli import main

ROW = json.dumps({"messages": [{"role": "user", "content": "SECRET"}, {"role": "assistant", "content": "Yes"}]})


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Run a command in this process; give exit code, stdout, stderr."""
    sys.argv = ["ftdata", *map(str, args)]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err and "SECRET" not in out + err and "\x1b" not in out + err
    return int(left.value.code or 0), out, err


@pytest.mark.parametrize("name", [b"new\n::error::x.jsonl", b"\x1b[31m.jsonl", b"pct%,:x.jsonl", b"no\xff\xfe.jsonl"])
def test_any_name_of_a_file_is_one_line_and_valid_sarif(
    name: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_text((ROW + "\n") * 12)
    code, out, err = call(capsys, "check", path, "--for", "openai")
    assert code == 0 and len(out.splitlines()) == 1 and len(err.splitlines()) == 1
    log = json.loads(call(capsys, "check", path, "--for", "openai", "--format", "sarif")[1])
    schema = pytest.importorskip("fluidattacks_core.sarif")  # models made of the official schema, no other key allowed
    schema.SarifLog.model_validate(log)


def test_sarif_names_the_bytes_of_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / os.fsdecode(b"no\xff,.jsonl")
    path.write_text((ROW + "\n") * 12)
    out = call(capsys, "check", path, "--for", "openai", "--format", "sarif")[1]
    assert "/no%FF%2C.jsonl" in out


def test_nothing_to_check_for_is_no_all_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text((ROW + "\n") * 12)
    code, _, err = call(capsys, "check", path, "--for", " , ")
    assert code == 2 and "names no target" in err
    assert call(capsys, "check", path, "--for", "openai", "--fix", "--layout", "nova")[0] == 2


def test_a_text_that_is_no_json_at_all_is_sent_to_sniff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("question,answer\n" * 5)
    assert "ftdata sniff" in call(capsys, "check", path, "--for", "openai")[2]


def test_a_file_named_like_an_option_is_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "-dash.jsonl"
    path.write_text((ROW + "\n") * 12)
    assert call(capsys, "check", path, "--for", "openai", "--fix", "--into", tmp_path / "out")[0] == 0
    assert (tmp_path / "out/dash.openai.jsonl").exists()


def price(value: str, more: str = "", unit: str = '"1M tokens"') -> str:
    return (
        f'[[price]]\nvendor = "openai"\nmodel = "gpt-4o-mini"\ncurrency = "USD"\nunit = {unit}\nurl = "u"\n'
        f"date = 2026-01-01\ntraining = {value}\n{more}"
    )


@pytest.mark.parametrize(
    "text",
    [
        price("-3"),
        price("nan"),
        price("1e99999999"),
        price("1e-99999999"),
        price("9" * 5000),
        price("1", "source = ['a']"),
        price("1", "evidence = {}"),
        price("1", unit='["x"]'),
        price("1", "above = nan"),
        "source = 'x'\n",
        "x = " + "[" * 100_000,
    ],
)
def test_a_hostile_table_of_prices_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, own = tmp_path / "t.jsonl", tmp_path / "own.toml"
    path.write_text((ROW + "\n") * 12)
    own.write_text(text)
    code, out, err = call(capsys, "cost", path, "--for", "openai:gpt-4o-mini", "--prices", own)
    assert code == 2 and not out and "own.toml" in err


@pytest.mark.parametrize("number", ["1e999", "1e9999999999999999999", "nan", "-1"])
def test_a_number_of_months_is_bounded(number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "cost", tmp_path, "--for", "openai", "--months", number)[0] == 2


@pytest.fixture
def record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "t.jsonl"
    path.write_text((ROW + "\n") * 12)
    assert call(capsys, "check", path, "--for", "openai", "--fix", "--into", tmp_path / "out")[0] == 0
    return tmp_path / "out/.ftdata/t.openai.jsonl"


def changed(record: Path, **values: Any) -> bytes:
    return json.dumps(json.loads((record / "run.json").read_text()) | values).encode()


@pytest.mark.parametrize("command", ["report", "stats", "head", "show", "cost"])
def test_a_damaged_manifest_is_told(command: str, record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--for", "openai") if command == "cost" else ()
    for data in (b"", b"[]", b"{}", b"[" * 100_000, b"\xff", changed(record, recipe={"step": [1]})):
        (record / "run.json").write_bytes(data)
        code, out, err = call(capsys, command, record, *more)
        assert code == 1 and not out and "run the recipe again" in err


@pytest.mark.parametrize("data", [b"", b"PAR1" * 100, None])
def test_a_damaged_ledger_is_told(data: bytes | None, record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = record / "ledger.parquet"
    ledger.unlink()
    if data is not None:
        ledger.write_bytes(data)
        for command in ("report", "stats", "head"):
            code, _, err = call(capsys, command, record)
            assert code == 1 and "is not a ledger" in err
    code, _, err = call(capsys, "explain", record, "t.jsonl#1")
    assert code == 1 and "is not a ledger" in err


def test_numbers_of_another_version_are_told(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads((record / "run.json").read_text())["stages"]
    told += [{"label": "split", "use": "split", "kind": "selector", "rows": 5, "summary": {"leaks": {"before": "x"}}}]
    (record / "run.json").write_bytes(changed(record, stages=told))
    assert call(capsys, "report", record)[0] == 1


def test_a_manifest_that_names_other_files_does_not_verify(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = json.loads((record / "run.json").read_text())["outputs"]
    for path in ("gone.jsonl", ".", "a\0b"):
        (record / "run.json").write_bytes(changed(record, outputs=[{**one, "path": path} for one in outputs]))
        code, out, err = call(capsys, "verify", record)
        assert code == 1 and "lost" in out + err
