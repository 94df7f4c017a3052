"""A profile loads only if every rule, limit and event has a dated source."""

from __future__ import annotations

from datetime import date

import pytest

from ftdata.errors import RecipeError
from ftdata.targets import load, names, parse
from ftdata.targets.rules import KINDS

GOOD = """
name = "acme"
title = "Acme"
layout = "openai-chat"
checked = 2026-01-01
[source.spec]
title = "Specification"
checked = 2026-01-01
[[rule]]
code = "acme-min-rows"
kind = "min-rows"
level = "error"
evidence = "spec"
what = "a file needs rows"
fix = "add rows"
source = "spec"
params = { minimum = 3 }
[[limit]]
name = "model"
value = 100
unit = "tokens"
evidence = "spec"
source = "spec"
[[event]]
date = 2026-06-01
what = "it closes"
source = "spec"
"""


def test_the_good_one_loads():
    profile = parse(GOOD, "acme.toml")
    assert profile.rules[0].params == {"minimum": 3}
    assert profile.rules[0].source.checked == date(2026, 1, 1)
    assert profile.standing(date(2026, 5, 31)) == ("from 2026-06-01: it closes",)
    assert profile.standing(date(2026, 6, 1)) == ("since 2026-06-01: it closes",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Specification"\nchecked = 2026-01-01', 'title = "Specification"', "source spec: checked"),
        ('title = "Specification"\n', "", "source spec: title"),
        ('fix = "add rows"\nsource = "spec"', 'fix = "add rows"', "rule acme-min-rows: has no source"),
        ('fix = "add rows"\nsource = "spec"', 'fix = "add rows"\nsource = "x"', "source 'x' is not a complete, dated"),
        ('evidence = "spec"\nsource = "spec"\n[[event]]', 'evidence = "spec"\n[[event]]', "limit model: has no source"),
        ('what = "it closes"\nsource = "spec"', 'what = "it closes"', "event 2026-06-01: has no source"),
        ('level = "error"\nevidence = "spec"', 'level = "error"\nevidence = "unverified"', "at most a warning"),
        ('level = "error"', 'level = "fatal"', "level"),
        ("params = { minimum = 3 }", "", "parameter 'minimum' is missing"),
        ("minimum = 3", "minimum = 3, size = 1", "parameter 'size' is not known to kind 'min-rows'"),
        ('kind = "min-rows"', 'kind = "min-row"', "did you mean 'min-rows'"),
        ('code = "acme-min-rows"', 'code = "other-min-rows"', "acme-"),
        ('fix = "add rows"', "", "fix"),
        ("checked = 2026-01-01\n[source", "[source", "checked"),
        ('name = "acme"', "name = ", "acme.toml"),
    ],
)
def test_a_faulty_one_does_not(old: str, new: str, said: str):
    assert GOOD.count(old) == 1
    with pytest.raises(RecipeError, match=said):
        parse(GOOD.replace(old, new), "acme.toml")


def test_all_faults_are_told_at_once():
    with pytest.raises(RecipeError) as caught:
        parse(GOOD.replace('source = "spec"', ""), "acme.toml")
    assert len(caught.value.problems) == 3


def test_a_code_or_kind_stands_once():
    rule = GOOD[GOOD.index("[[rule]]") : GOOD.index("[[limit]]")]
    with pytest.raises(RecipeError, match="used by two rules"):
        parse(GOOD + rule, "acme.toml")


def test_an_unknown_target_names_the_near_one():
    with pytest.raises(RecipeError, match="did you mean 'openai'"):
        load("opnai")


@pytest.mark.parametrize("name", names())
def test_what_is_shipped_loads(name: str):
    profile = load(name)
    assert profile.name == name
    assert all(rule.kind in KINDS for rule in profile.rules)


def test_openai_says_when_it_closes():
    said = load("openai").standing(date(2026, 11, 21))
    assert [line[:16] for line in said] == [
        "since 2026-05-07",
        "since 2026-07-02",
        "from 2027-01-06:",
        "from 2027-01-14:",
    ]
