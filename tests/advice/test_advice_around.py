"""What the user says of target, use and licence counts in the advice, and nothing of it is guessed."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from advised import signals_of, talk, written
from click.testing import CliRunner
from golden import make

from ftdata import Recipe, run
from ftdata.advice.around import EXAMPLES, Intent, around
from ftdata.advice.rules import rules
from ftdata.advice.verdict import confidence, verdict
from ftdata.cli.advise import command
from ftdata.cli.cost import command as cost
from ftdata.errors import RecipeError
from ftdata.targets import load

TODAY = date(2026, 11, 22)


def signals(intent: Intent, today: date = TODAY) -> dict[str, object]:
    found = signals_of("style-only")
    return {**found.numbers, **around(found, intent, today)}


def test_nothing_is_known_of_what_nobody_said():
    found = signals(Intent())
    assert found["target"] is None and found["paid_back"] is None and found["months_short"] is None
    assert verdict(found, rules()).reason == "style-format"


def test_a_target_that_closes_within_the_planned_life_is_said_with_its_day():
    last = load("openai").last_day
    assert last is not None
    long, short = (signals(Intent("openai", months=Decimal(months))) for months in (24, 1))
    told = verdict(long, rules())
    reason = next(one for one in told.remarks if one.code == "target-closes")
    assert last.isoformat() in reason.sentence and told.reason == "style-format"
    left = (last - TODAY).days / 30.44
    assert long["months_short"] == pytest.approx(24 - left, abs=0.06)
    assert "target-closes" not in {one.code for one in verdict(short, rules()).remarks}


@pytest.mark.parametrize(("requests", "pays"), [(10, False), (10_000_000, True)])
def test_tuning_that_does_not_pay_gives_way_to_the_prompt(requests: int, pays: bool, tmp_path: Path):
    found = signals(Intent("openai", "gpt-4o-mini", Decimal(12), Decimal(requests)))
    told = verdict(found, rules())
    assert (told.reason == "does-not-pay") != pays and (told.verdict == "prompt") != pays
    file = written(make("style-only").rows, tmp_path / "train.jsonl")
    frame = json.loads(
        CliRunner().invoke(cost, [str(file), "--for", "openai:gpt-4o-mini", "--tokenizer", "o200k", "--json"]).stdout
    )
    assert str(found["tuning_cost"]).split()[1] == frame["total"][0]["currency"]


def test_what_comes_back_is_requests_over_those_of_the_break_even(tmp_path: Path):
    file = written(make("style-only").rows, tmp_path / "train.jsonl")
    options = ["--for", "openai:gpt-4o-mini", "--requests", "2000", "--months", "6", "--json"]
    told = json.loads(CliRunner().invoke(command, [str(file), *options]).stdout)["signals"]
    row = told["tokens"] / told["rows"]
    learnt = round(row * told["trained_share"])
    use = ["--prompt-tokens", int(row - learnt), "--answer-tokens", learnt, "--few-shot-tokens", int(EXAMPLES * row)]
    bill = json.loads(CliRunner().invoke(cost, [str(file), *options, *map(str, use)]).stdout)
    needed = bill["break_even"][0]["requests"]["base"]
    assert told["paid_back"] == pytest.approx(2000 * 6 / needed, rel=0.03)
    assert told["tokens_by"] == "exact, o200k" and told["tokens"] == bill["tokens"]["train"]


def test_a_name_that_is_no_target_is_refused():
    with pytest.raises(RecipeError, match=r"did you mean 'openai'"):
        signals(Intent("openia"))


def test_a_run_that_could_state_its_licence_and_does_not_is_told_so(tmp_path: Path):
    written(make("style-only").rows[:60], tmp_path / "in.jsonl")
    recipe = tmp_path / "recipe.toml"
    whole = (
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\n'
        '[[write]]\nuse = "hf-dataset"\npath = "set"\nlicence = "cc-by-4.0"\n'
    )
    for more, stated in (("", 1), ('provenance = "our desk"\nlawful_basis = "consent"\n', 3)):
        recipe.write_text(whole + more)
        run(Recipe.load(recipe))
        told = json.loads(CliRunner().invoke(command, [str(recipe), "--json"]).stdout)
        assert told["signals"]["stated"] == stated
        assert ("provenance-unstated" in {one["code"] for one in told["remarks"]}) == (stated < 3)
    alone = json.loads(CliRunner().invoke(command, [str(tmp_path / "in.jsonl"), "--json"]).stdout)
    assert alone["signals"]["stated"] is None


def test_rows_that_say_nothing_are_no_examples(tmp_path: Path):
    file = written([talk("", "")] * 12, tmp_path / "train.jsonl")
    told = json.loads(CliRunner().invoke(command, [str(file), "--json"]).stdout)
    assert (told["reason"], told["signals"]["effective_rows"]) == ("nothing-said", 0)
    assert "--few-shot" not in told["next"]


def test_a_share_of_a_sample_is_as_sure_as_the_sample_is_large():
    rule = next(rule for rule in rules().rule if rule.code == "private-data")
    seen = {"rows": 1_000_000, "pii_rows": 0.16}
    assert confidence(rule, {**seen, "looked_at": 1_000_000}) == "high"
    assert confidence(rule, {**seen, "looked_at": 40}) == "low"
