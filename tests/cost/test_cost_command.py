"""`ftdata cost` as a user calls it: one page, sources for every figure, limits, and errors of one line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ftdata import flow
from ftdata.cli.cost import command
from ftdata.cost import counting
from ftdata.cost.vendors import vendors
from ftdata.errors import InputError, RecipeError, RefusedError
from ftdata.recipe import Recipe
from ftdata.tokens import counter

FRESH = f"""
[[price]]
vendor = "openai"
model = "gpt-4o-mini"
currency = "EUR"
unit = "1M tokens"
url = "https://example.com/contract"
date = {date.today().isoformat()}
training = 3.00
input = 0.30
output = 1.20
base-input = 0.15
base-cached-input = 0.075
base-output = 0.60
"""
USE = ("--prompt-tokens", "300", "--answer-tokens", "80", "--few-shot-tokens", "1500", "--rag-tokens", "900")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "train.jsonl"
    talk = [
        {"role": "user", "content": "Where is my order? " * 10},
        {"role": "assistant", "content": "It leaves today."},
    ]
    file.write_text("".join(json.dumps({"messages": [*talk[:1], *talk]}) + "\n" for _ in range(120)))
    return file


def cost(*options: object) -> Result:
    return CliRunner().invoke(command, [str(option) for option in options])


def refusal(done: Result) -> str:
    """What the command says as it refuses: the program leaves with the code of the error, 6."""
    assert isinstance(done.exception, RefusedError) and done.exception.exit_code == 6, done.output
    return str(done.exception)


@pytest.mark.parametrize("vendor", [name for one in vendors() for name in (one.name, *one.also)])
def test_a_page_for_every_vendor_has_at_most_40_lines_and_names_its_sources(rows: Path, vendor: str) -> None:
    more = [
        "--hosting-hours",
        "9",
        "--months",
        "6",
        "--retrain-months",
        "2",
        "--labelling-hours",
        "3",
        "--watts",
        "300",
    ]
    done = cost(
        rows, "--for", vendor, "--model", "gpt-4o-mini", *USE, *more, "--evaluation-runs", "2", "--requests", "9"
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert 8 <= len(lines) <= 40 and all(len(line) <= 160 for line in lines)
    cited = set(re.findall(r"\[(\d+)\]", "\n".join(line for line in lines if not line.startswith("["))))
    listed = [re.match(r"\[(\d+)\]", line) for line in lines if line.startswith("[")]
    assert cited == {found[1] for found in listed if found}
    assert "$" not in done.stdout


def test_figures_of_the_page_and_of_the_json_are_the_same(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(FRESH)
    options = (rows, "--for", "openai:gpt-4o-mini", "--prices", tmp_path / "p.toml", *USE, "--requests", "20000/mo")
    page, values = cost(*options).stdout, json.loads(cost(*options, "--json").stdout)
    assert values["rows"] == 120 and values["epochs"] == 3
    assert f"{values['billed_tokens']['base']:,.0f} tokens" in page
    item = values["items"][0]
    assert item["amount"]["base"] == pytest.approx(values["billed_tokens"]["base"] * 3e-6)
    assert values["sources"][item["sources"][0]] == {
        "url": "https://example.com/contract",
        "date": date.today().isoformat(),
        "evidence": "own",
        "note": None,
        "stale": False,
    }
    for one in values["break_even"]:
        assert f"after {one['requests']['base']:,} requests" in page
        assert one["sensitivity"] and one["months"]["base"] > 0
    assert values["total"] == [{"currency": "EUR", "amount": item["amount"]}]


def test_an_old_price_is_said_to_be_stale_wherever_it_is_used(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(FRESH.replace(date.today().isoformat(), "2026-08-02"))
    done = cost(rows, "--for", "openai:gpt-4o-mini", "--prices", tmp_path / "p.toml", *USE, "--max-cost", "1000")
    assert "(table 2026-08-02, stale)" in done.stdout
    assert re.search(r"training +0\.\d+ EUR .*\(stale\)", done.stdout) and "prices of use (stale)" in done.stdout
    assert "refused: the price is stale" in refusal(done)


def test_a_limit(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(FRESH)
    options = (rows, "--for", "openai:gpt-4o-mini", "--prices", tmp_path / "p.toml")
    kept = cost(*options, "--max-cost", "5EUR")
    assert kept.exit_code == 0 and "within the limit of 5.00 EUR" in kept.stderr
    for limit, why in (("0.0001EUR", "above the limit"), ("5USD", "nothing is converted")):
        refused = cost(*options, "--max-cost", limit, "--json")
        assert why in refusal(refused)
        assert any(why in text for text in json.loads(refused.stdout)["refused"])
    unknown = cost(rows, "--for", "gemini:gemini-3.5-flash", "--max-cost", "5")
    assert "unknown keeps no limit" in refusal(unknown)
    assert "unknown" in unknown.stdout and " 0.00" not in unknown.stdout


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--for", "opneai"], "did you mean 'openai'"),
        (["--for", "openai", "--few-shot-tokens", "9"], "--prompt-tokens and --answer-tokens: missing"),
        (["--for", "openai", "--prompt-tokens", "9"], "--answer-tokens: missing"),
        (["--for", "openai", "--months", "0"], "--months: Input should be greater than 0"),
        (["--for", "openai", "--prompt-tokens", "9", "--answer-tokens", "9", "--cache-share", "3"], "--cache-share"),
        (["--for", "openai", "--tier", "global"], "has no 'global' training"),
        (["--for", "openai", "--tokenizer", "o300k"], "no encoding"),
    ],
)
def test_wrong_options_are_told_in_one_line(rows: Path, options: list[str], error: str) -> None:
    done = cost(rows, *options)
    assert isinstance(done.exception, RecipeError)
    assert error in str(done.exception) and done.stdout == ""


@pytest.mark.parametrize(
    "options", [["--gpu-rate", "3"], ["--max-cost", "3 euro"], ["--requests", "many"], ["--epochs", "0"]]
)
def test_values_that_do_not_fit_are_told_by_click(rows: Path, options: list[str]) -> None:
    done = cost(rows, "--for", "openai", *options)
    assert done.exit_code == 2 and "Invalid value" in done.stderr


def test_no_such_file_and_no_rows(tmp_path: Path) -> None:
    missing = cost(tmp_path / "none.jsonl", "--for", "openai")
    assert isinstance(missing.exception, InputError) and "there is no such file" in str(missing.exception)
    (tmp_path / "bad.jsonl").write_text('{"messages": 3}\n' * 20)
    assert isinstance(cost(tmp_path / "bad.jsonl", "--for", "openai").exception, InputError)


def test_a_run_is_counted_by_split(tmp_path: Path) -> None:
    with open(tmp_path / "in.jsonl", "w") as file:
        for i in range(300):
            talk = [
                {"role": "user", "content": f"Question {i}?"},
                {"role": "assistant", "content": f"Answer {i}. " * 4},
            ]
            file.write(json.dumps({"messages": talk}) + "\n")
    (tmp_path / "r.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "split"\nvalidation = 0.2\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n'
    )
    flow.run(Recipe.load(tmp_path / "r.toml"))
    whole = counting.of(str(tmp_path / "in.jsonl"))
    for name in ("r.toml", "out", "out/.ftdata/r/run.json"):
        found = counting.of(str(tmp_path / name))
        assert set(found.split) == {"train", "validation"}
        assert int(found.all.sum()) == int(whole.all.sum()) and len(found.all) == 300
        assert 40 <= len(found.side("validation")) <= 80
        assert 0 < int(found.learnt("validation").sum()) < int(found.side("validation").sum())
    only = counting.of(str(tmp_path / "out" / "train.jsonl"))
    assert set(only.split) == {"train"} and len(only.all) == len(found.side("train"))


def test_validation_rows_may_lie_in_a_file_of_their_own(rows: Path) -> None:
    alone = json.loads(cost(rows, "--for", "together:x-8b", "--json").stdout)
    # 1 x training, and 2 x the same rows as validation
    both = json.loads(cost(rows, "--for", "together:x-8b", "--validation", rows, "--evals", "2", "--json").stdout)
    assert both["tokens"] == {"train": alone["tokens"]["train"], "validation": alone["tokens"]["train"]}
    assert both["billed_tokens"]["base"] == 3 * alone["billed_tokens"]["base"]


def test_exact_counts_are_used_where_they_can_be_had(rows: Path) -> None:
    try:
        counter("o200k")
    except RecipeError:
        pytest.skip("no library for exact counts is installed")
    values = json.loads(cost(rows, "--for", "openai:gpt-4o-mini", "--json").stdout)
    assert values["counted"] == "exact, o200k"
    assert values["billed_tokens"]["low"] == values["billed_tokens"]["high"]


def test_tool_definitions_are_said_not_to_be_counted(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "status", "parameters": {"type": "object"}}}
    talk = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}]
    (tmp_path / "t.jsonl").write_text((json.dumps({"messages": talk, "tools": [tool]}) + "\n") * 12)
    values = json.loads(cost(tmp_path / "t.jsonl", "--for", "openai", "--json").stdout)
    assert "without the tool definitions of 12 rows" in values["counted"]


def test_the_command_is_there_and_help_is_cheap() -> None:
    code = "import sys, ftdata.cli\nsys.argv = ['ftdata', 'cost', '--help']\n"
    code += "try: ftdata.cli.main()\nexcept SystemExit: pass\n"
    code += "print(sorted({'polars', 'pydantic', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]" and "--max-cost" in done.stdout
