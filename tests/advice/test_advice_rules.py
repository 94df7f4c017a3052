"""No sentence without number, threshold and source; a user's file changes rules; what is unknown decides nothing."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from advised import signals_of
from golden import DATASETS

from ftdata.advice.page import LINES, WIDTH, page
from ftdata.advice.rules import Rule, Rules, load, rules
from ftdata.advice.verdict import confidence, filled, shown, verdict
from ftdata.errors import InputError, RecipeError

NUMBERS = {name: 0.5 for rule in rules().rule for name in (condition.signal for condition in rule.when)}


@pytest.mark.parametrize("name", DATASETS)
def test_every_sentence_tells_a_number_a_threshold_and_a_source(name: str):
    advice = verdict(signals_of(name).numbers, rules())
    assert advice.because
    for reason in (*advice.because, *advice.remarks):
        rule = next(rule for rule in rules().rule if rule.code == reason.code)
        assert reason.sentence.endswith(f"[{reason.source}]")
        assert len(re.findall(r"\d[\d,.]*", reason.sentence)) >= 2, reason.sentence
        limits = {shown(condition.limit, form) for condition in rule.when for form in ("", "%")}
        assert any(limit in reason.sentence for limit in limits)
        assert "unknown" not in reason.sentence
        source = rules().source[reason.source]
        assert source.url.startswith("https://") and source.date.year > 2000 and source.title
        assert reason.strength in ("vendor", "study", "rule of thumb of ours")


@pytest.mark.parametrize("name", DATASETS)
def test_the_page_is_short_and_holds_the_verdict(name: str):
    advice = verdict(signals_of(name).numbers, rules())
    lines = page(signals_of(name), advice, rules())
    assert len(lines) <= LINES and max(map(len, lines)) <= WIDTH
    text = "\n".join(lines)
    assert advice.said in text and "\nChange " in text and "\nNext " in text and "\nSources" in text
    for reason in (*advice.because, *advice.remarks):
        assert reason.sentence[:40] in text or reason.code in text


@pytest.mark.parametrize(
    ("say", "problem"),
    [
        ("Tune it.", "tells no number"),
        ("{rows} rows, so tune.", "tells no number of its own signals"),
        ("{knowledge_load:%} of the answers state facts.", "tells no threshold"),
        ("{knowledge_load:>900000000} of {limit}", "cannot be filled"),
        ("{knowledge_load.__class__} of {limit}", "cannot be filled"),
        ("{knowledge_load} of {limit} {", "brace alone"),
    ],
)
@pytest.mark.parametrize("what", ["say", "change"])
def test_a_sentence_without_number_or_threshold_does_not_load(tmp_path: Path, say: str, problem: str, what: str):
    own = tmp_path / "my.toml"
    own.write_text(f'[[rule]]\ncode = "knowledge-load"\n{what} = "{say}"\n')
    with pytest.raises(RecipeError, match=problem) as raised:
        load(own)
    assert "knowledge-load" in str(raised.value)


def test_a_rule_without_source_or_reason_does_not_load(tmp_path: Path):
    own = tmp_path / "my.toml"
    own.write_text('[[rule]]\ncode = "knowledge-load"\nsource = "hearsay"\n')
    with pytest.raises(RecipeError, match="hearsay"):
        load(own)
    own.write_text('[[rule]]\ncode = "knowledge-load"\nwhy = ""\n')
    with pytest.raises(RecipeError, match="why"):
        load(own)
    own.write_text('[source.rumour]\ntitle = "Somebody said"\nurl = "a page"\ndate = 2020-01-01\n')
    with pytest.raises(RecipeError, match="url"):
        load(own)
    own.write_text('[source.rumour]\ntitle = "Somebody said"\nurl = "https://example.com"\n')
    with pytest.raises(RecipeError, match="date"):
        load(own)


def test_a_file_of_rules_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "absent.toml")
    own = tmp_path / "my.toml"
    own.write_text("[[rule")
    with pytest.raises(RecipeError, match="no TOML"):
        load(own)
    own.write_text("[thresholds]\nfacts = 0.3\n")
    with pytest.raises(RecipeError, match="no part of a file of rules"):
        load(own)


def test_own_rules_change_the_verdict(tmp_path: Path):
    own = tmp_path / "my.toml"
    own.write_text('[[rule]]\ncode = "knowledge-load"\nwhen = [{ signal = "knowledge_load", at_least = 0.95 }]\n')
    numbers = signals_of("facts-only").numbers
    assert verdict(numbers, rules()).reason == "knowledge-load"
    assert numbers["knowledge_load"] < 0.95 and verdict(numbers, load(own)).reason == "none"
    own.write_text('off = ["contradictions"]\n')
    assert verdict(signals_of("contradictory").numbers, load(own)).reason == "style-format"
    own.write_text(
        '[[rule]]\ncode = "mine"\nbefore = "toxic-answers"\nverdict = "prompt"\n'
        'when = [{ signal = "rows", above = 1 }]\n'
        'say = "{rows} rows, more than {limit}."\nchange = "{rows} falls to {limit}"\nnext = "rest"\nsource = "lima"\n'
        'strength = "vendor"\n'
    )
    assert verdict(signals_of("toxic").numbers, load(own)).reason == "mine"


def test_what_is_unknown_fires_nothing_and_is_never_zero():
    unknown = dict.fromkeys(NUMBERS)
    advice = verdict(unknown, rules())
    assert advice.because == () and advice.confidence == "low"
    assert filled("{knowledge_load:%} of {rows}", unknown) == "unknown of unknown"


def test_the_order_of_the_rules_is_that_of_the_table():
    assert [rule.code for rule in rules().rule if rule.verdict][:12] == [
        "toxic-answers",
        "private-data",
        "nothing-said",
        "few-effective-rows",
        "knowledge-load",
        "volatility",
        "contradictions",
        "mostly-flawed",
        "refusal-share",
        "label-imbalance",
        "template-share",
        "few-rows",
    ]
    codes = [rule.code for rule in rules().rule]
    assert len(codes) == len(set(codes))


def test_thresholds_of_our_own_say_why():
    raw = tomllib.loads(files("ftdata.advice").joinpath("rules.toml").read_text("utf-8"))
    assert all(len(rule["why"]) > 30 for rule in raw["rule"] if rule["strength"].startswith("rule of thumb"))
    assert Rules.model_validate(raw) == rules()


def test_confidence_falls_towards_the_threshold():
    rule: Rule = next(rule for rule in rules().rule if rule.code == "knowledge-load")
    told = [confidence(rule, {"rows": 1000, "knowledge_load": share}) for share in (0.52, 0.62, 0.9)]
    assert told == ["low", "medium", "high"]
    assert confidence(rule, {"rows": 12, "knowledge_load": 0.75}) == "low"


def test_numbers_are_shown_as_people_read_them():
    assert [shown(0.608, "%"), shown(0.0123, "%"), shown(1.0, "%"), shown(0.0, "%")] == [
        "61 %",
        "1.2 %",
        "100 %",
        "0 %",
    ]
    assert [shown(12345, ""), shown(21.94, ""), shown(0.045, "pp"), shown(None, "%")] == [
        "12,345",
        "21.9",
        "4.5",
        "unknown",
    ]
