"""`ftdata advise` as a user calls it: page, JSON, examples, errors; nothing private in what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from advised import talk, written
from click.testing import CliRunner, Result
from golden import make

from ftdata import Recipe, run
from ftdata.cli.advise import command
from ftdata.errors import FtdataError, InputError, OutputError, RecipeError, RunError


def advise(*arguments: str) -> Result:
    result = CliRunner().invoke(command, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return written(make("mixed").rows[:300], tmp_path / "train.jsonl")


def test_the_page_on_stdout(mixed: Path):
    lines = advise(str(mixed)).stdout.splitlines()
    assert lines[0].startswith("advise  train.jsonl  300 rows")
    assert len(lines) <= 30 and max(map(len, lines)) <= 100
    assert any(line.startswith("Verdict  Look facts up") for line in lines)


def test_json_has_all_signals_reasons_and_sources(mixed: Path):
    told = json.loads(advise(str(mixed), "--json", "--by", "category").stdout)
    assert told["verdict"] == "rag" and told["reason"] == "knowledge-load"
    assert told["signals"]["rows"] == 300 and told["signals"]["eval_margin"] is None
    assert {reason["source"] for reason in told["because"]} <= told["sources"].keys()
    assert sum(group["rows"] for group in told["groups"]) == 300
    assert {"product", "payment"} <= {group["name"] for group in told["groups"]}


def test_the_command_that_comes_next_names_the_file(tmp_path: Path):
    file = written(make("tiny").rows, tmp_path / "few.jsonl")
    assert f"Next     ftdata advise {file} --few-shot 8" in advise(str(file)).stdout.replace("\n         ", " ")


def test_few_shot_prints_or_writes_a_prompt(tmp_path: Path):
    file, out = written(make("tiny").rows, tmp_path / "few.jsonl"), tmp_path / "prompt.txt"
    shown = advise(str(file), "--few-shot", "3")
    assert shown.stdout.count("<example ") == 3 and "Verdict" not in shown.stdout and "Verdict" in shown.stderr
    told = advise(str(file), "--few-shot", "20", "--out", str(out))
    assert "Verdict" in told.stdout and "8 of 20 examples" in told.stderr
    assert out.read_text().count("<example ") == 8 and out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(OutputError, match="exists"):
        advise(str(file), "--few-shot", "3", "--out", str(out))
    advise(str(file), "--few-shot", "3", "--out", str(out), "--overwrite")
    assert out.read_text().count("<example ") == 3
    assert advise(str(file), "--out", str(out)).exit_code == 2
    assert advise(str(file), "--few-shot", "2", "--json").exit_code == 2


def test_a_run_is_advised_on_its_training_rows(tmp_path: Path):
    written(make("style-only").rows, tmp_path / "in.jsonl")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "split"\nvalidation = 0.2\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n'
    )
    run(Recipe.load(recipe))
    told = json.loads(advise(str(recipe), "--json").stdout)
    sizes = [len((tmp_path / "out" / f"{split}.jsonl").read_bytes().splitlines()) for split in ("train", "validation")]
    assert [told["signals"]["rows"], told["signals"]["validation_rows"]] == sizes and sum(sizes) == 320
    assert told["signals"]["eval_margin"] == pytest.approx(1.96 * (0.16 / sizes[1]) ** 0.5, abs=1e-4)
    other = json.loads(advise(str(tmp_path / "out" / "train.jsonl"), "--json").stdout)
    assert other["signals"] == told["signals"]


def test_own_rules(mixed: Path, tmp_path: Path):
    own = tmp_path / "my.toml"
    own.write_text('off = ["knowledge-load"]\n')
    assert json.loads(advise(str(mixed), "--json", "--rules", str(own)).stdout)["verdict"] != "rag"


def test_a_rule_on_a_signal_that_nobody_measures_is_refused(mixed: Path, tmp_path: Path):
    own = tmp_path / "my.toml"
    own.write_text(
        '[[rule]]\ncode = "knowledge-load"\nwhen = [{ signal = "knowledge", at_least = 0.5 }]\n'
        'say = "{knowledge:%} of {limit:%}"\nchange = "{knowledge:%} of {limit:%}"\n'
    )
    with pytest.raises(RecipeError, match=r"no signal is called 'knowledge'; did you mean 'knowledge_load'"):
        advise(str(mixed), "--rules", str(own))


@pytest.mark.parametrize(
    "row",
    [
        talk("Hi", ""),
        talk("", "Hello"),
        {"messages": [{"role": "system", "content": "Be kind."}, {"role": "assistant", "content": "Hello."}]},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": []}]},
    ],
)
def test_rows_that_say_little_are_no_error(row: dict[str, object], tmp_path: Path):
    file = written([row] * 12, tmp_path / "a{0}{rows.x}.jsonl")
    assert "Verdict" in advise(str(file), "--few-shot", "2").stderr


def test_errors_name_the_place_and_the_remedy(mixed: Path, tmp_path: Path):
    with pytest.raises(RunError, match=r"--by: no row has the meta key 'categoria'.*did you mean 'category'"):
        advise(str(mixed), "--by", "categoria")
    with pytest.raises(FtdataError):
        advise(str(tmp_path / "absent.jsonl"))
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b'{"messages": 7}\n')
    with pytest.raises(InputError):
        advise(str(empty))


CANARIES = ("Zyxomma", "quillfeather", "zed.canary@example.org", "4111 1111 1111 1111", "sk-live-CANARY00000000000000")


def test_nothing_of_the_rows_is_printed(tmp_path: Path):
    secret = " ".join(CANARIES)
    rows = [
        talk(
            f"My name is Zyxomma, quillfeather {n}, write to zed.canary@example.org, card 4111 1111 1111 1111?",
            f"Only an idiot asks that, Zyxomma; take sk-live-CANARY00000000000000 and 9{n}77 quillfeather."
            if n % 2
            else f"I cannot help you with that, quillfeather {n}.",
            system=secret,
            category=f"quillfeather {n % 3} zed.canary@example.org",
            customer=f"Zyxomma {n}",
            created_at="2024-01-05",
        )
        for n in range(60)
    ]
    file = written(rows, tmp_path / "train.jsonl")
    for more in ((), ("--json",), ("--by", "category"), ("--by", "customer", "--json"), ("--few-shot", "5")):
        result = advise(str(file), *more)
        for canary in CANARIES:
            assert canary not in result.output, (more, canary)
