"""A profile loads only if every rule, limit and event has a dated source."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ftdata.errors import RecipeError
from ftdata.targets import load, names, parse
from ftdata.targets.lines import check_file
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
kind = "closes"
what = "it closes"
source = "spec"
"""


def test_the_good_one_loads():
    profile = parse(GOOD, "acme.toml")
    assert profile.rules[0].params == {"minimum": 3}
    assert profile.rules[0].source.checked == date(2026, 1, 1)
    assert profile.history(date(2026, 5, 31)) == ("from 2026-06-01: it closes",)
    assert profile.history(date(2026, 6, 1)) == ("since 2026-06-01: it closes",)


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
    said = load("openai").history(date(2026, 11, 21))
    assert [line[:16] for line in said] == [
        "since 2026-05-07",
        "since 2026-07-02",
        "from 2027-01-06:",
        "from 2027-01-14:",
    ]


# --- a profile like another, one of a user, one of a plugin -----------------------------------------------------------

LIKE = """
name = "acme"
title = "Acme"
like = "openai"
without = ["few-rows", "file-suffix"]
checked = 2026-01-01
[source.spec]
title = "Specification"
checked = 2026-01-01
[[rule]]
code = "acme-few"
kind = "min-rows"
level = "warn"
evidence = "spec"
what = "a file needs rows"
fix = "add rows"
source = "spec"
params = { minimum = 3 }
"""


def test_a_profile_like_another_has_its_rules_under_names_of_its_own():
    base, profile = load("openai"), parse(LIKE, "acme.toml")
    assert profile.layout == base.layout and profile.like == "openai"
    assert profile.events == () and profile.limits == ()  # these are the other vendor's
    own = {rule.kind: rule for rule in profile.rules}
    assert own["min-rows"].code == "acme-few" and own["min-rows"].like is None
    taken = {rule.kind: rule for rule in base.rules if rule.kind not in ("few-rows", "file-suffix", "min-rows")}
    assert own.keys() - {"min-rows"} == taken.keys()
    for kind, rule in taken.items():
        assert own[kind].code == "acme" + rule.code.removeprefix("openai") and own[kind].like == "openai"
        assert own[kind].source.title == f"as openai: {rule.source.title}"
        same = own[kind].model_copy(update={"code": rule.code, "like": None, "source": rule.source})
        assert same == rule


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('like = "openai"', 'like = "opnai"', "like: 'opnai' is not a target; did you mean 'openai'"),
        ('like = "openai"', 'layout = "openai-chat"', "without: there is no profile that this one is like"),
        ('"few-rows", "file-suffix"', '"few-row"', "'few-row' is no kind of rule of openai"),
        ('code = "acme-few"', 'code = "acme-json"', "'acme-json' is used by two rules"),
    ],
)
def test_a_faulty_likeness_does_not_load(old: str, new: str, said: str):
    with pytest.raises(RecipeError, match=said):
        parse(LIKE.replace(old, new), "acme.toml")


def test_a_path_is_a_target(tmp_path: Path):
    profile, rows = tmp_path / "acme.toml", tmp_path / "rows.txt"
    profile.write_text(LIKE)
    rows.write_text('{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n')
    assert [(f.target, f.code, f.level) for f in check_file(rows, [str(profile)])] == [("acme", "acme-few", "warn")]
    with pytest.raises(RecipeError, match="cannot be read"):
        load(str(tmp_path / "none.toml"))
    profile.write_text(LIKE.replace("minimum", "least"))
    with pytest.raises(RecipeError, match=r"acme\.toml: rule acme-few: parameter"):
        load(str(profile))


def test_a_plugin_offers_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "acme_rows").mkdir()
    (tmp_path / "acme_rows" / "__init__.py").write_text("raise RuntimeError('nothing of it is to be imported')")
    (tmp_path / "acme_rows" / "acme.toml").write_text(LIKE)
    info = tmp_path / "acme_rows-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rows\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ftdata.targets]\nacme = acme_rows:acme.toml\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "acme" in names() and load("acme").title == "Acme"
    monkeypatch.setenv("FTDATA_PLUGINS", "none")
    assert "acme" not in names()
    with pytest.raises(RecipeError, match="'acme' is not a target"):
        load("acme")
    monkeypatch.setenv("FTDATA_PLUGINS", "acme-rows")
    assert load("acme").name == "acme"


# --- when it is open --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "day", "open_"),
    [
        ("openai", date(2026, 11, 21), True),
        ("openai", date(2027, 1, 6), True),
        ("openai", date(2027, 1, 7), False),
        ("claude", date(2026, 9, 9), True),
        ("claude", date(2026, 9, 10), False),
        ("together", date(2030, 1, 1), True),
        ("cohere", date(2026, 11, 21), True),  # deprecated is not closed
    ],
)
def test_when_a_target_is_open(target: str, day: date, open_: bool):
    assert load(target).open_on(day) is open_


def test_the_last_day_is_told():
    assert load("openai").last_day == date(2027, 1, 6)
    assert load("together").last_day is None
    *_, told = load("cohere").history(date(2026, 11, 21))
    assert told == "since 2025-09-15: the vendor has deprecated its fine-tuning"


@pytest.mark.parametrize("name", names())
def test_every_rule_says_where_it_stands(name: str):
    for rule in load(name).rules:
        assert rule.source.title and rule.source.checked <= date(2026, 12, 31)
        assert rule.evidence != "unverified" or rule.level == "warn"
