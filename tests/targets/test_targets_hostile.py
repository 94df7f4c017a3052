"""Profiles of anybody's: whatever is wrong with one is told in a line, and no pattern in it keeps a text busy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftdata.errors import RecipeError
from ftdata.targets import load, names, params, parse
from ftdata.targets.rules import KINDS

HEAD = (
    'name = "acme"\ntitle = "Acme"\nlayout = "openai-chat"\nchecked = 2026-11-21\n'
    '[source.a]\ntitle = "A"\nchecked = 2026-11-21\n'
)
LIKE = 'name = "acme"\ntitle = "Acme"\nlike = "openai"\nchecked = 2026-11-21\n'


def rule(kind: str, given: str) -> str:
    return (
        f'[[rule]]\ncode = "acme-{kind}"\nkind = "{kind}"\nlevel = "error"\nevidence = "guide"\nwhat = "w"\nfix = "f"\n'
        f'source = "a"\nparams = {given}\n'
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("x = " + "9" * 5000, "too many digits"),
        (LIKE.replace("acme", "../../x"), "small letters"),
        (LIKE.replace("acme", "a\\nb\\u001b[31m"), "small letters"),
        (LIKE + 'layout = "nope"\n', "there is no such layout"),
        ('source = "x"\n' + LIKE, "begin each with a line [source.NAME]"),
        ("rule = [1]\n" + LIKE, "begin each with a line [[rule]]"),
        (LIKE + "[limit]\nx = 1\n", "begin each with a line [[limit]]"),
        ("without = 5\n" + LIKE, "must be a list of kinds"),
        ("without = [[1]]\n" + LIKE, "must be a list of kinds"),
        (HEAD + '[[rule]]\ncode = "acme-x"\nsource = ["a"]\n', "is not a complete, dated entry"),
        (LIKE.replace('"openai"', '"/etc/passwd"'), "is not a target"),
    ],
)
def test_a_faulty_profile_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=r"acme.toml: ") as error:
        parse(text, "acme.toml")
    assert told in str(error.value)


def test_every_parameter_of_every_kind_has_a_type() -> None:
    for kind, known in KINDS.items():
        for value in ("-1", "1.5", "nan", "[[1]]", "[-1]", "{ a = 1 }"):
            if known.params:
                given = "{ " + ", ".join(f"{name} = {value}" for name in known.params) + " }"
                with pytest.raises(RecipeError, match="must be"):
                    parse(HEAD + rule(kind, given), "acme.toml")


def test_the_profiles_that_ship_keep_to_the_types() -> None:
    told = [params.faults(rule.kind, rule.params) for name in names() for rule in load(name).rules]
    assert not any(told)


@pytest.mark.parametrize("pattern", ["(a+)+$", "a*a*", "(a|a)*", "[a", "a{2,}b+", "\\\\1", "a**"])
def test_a_pattern_that_could_run_for_ever_does_not_load(pattern: str) -> None:
    with pytest.raises(RecipeError, match="pattern"):
        parse(HEAD + rule("tool-id-shape", f'{{ pattern = "{pattern}" }}'), "acme.toml")


@pytest.mark.parametrize("pattern", ["[A-Za-z0-9]{9}", "call_[a-z0-9-]+", "x?[0-9]{1,8}", r"[A-Za-z0-9_\-/.]+"])
def test_a_plain_pattern_loads(pattern: str) -> None:
    assert parse(HEAD + rule("tool-id-shape", f"{{ pattern = '{pattern}' }}"), "acme.toml").rules


def test_a_circle_of_profiles_is_told_and_like_is_found_beside_the_file(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one"), ("self", "self")):
        (tmp_path / f"{name}.toml").write_text(LIKE.replace('"openai"', f'"{other}.toml"'))
    for name in ("one", "self"):
        with pytest.raises(RecipeError, match="a circle"):
            load(str(tmp_path / f"{name}.toml"))
    (tmp_path / "base.toml").write_text(LIKE)
    (tmp_path / "child.toml").write_text(LIKE.replace("acme", "child").replace('"openai"', '"base.toml"'))
    assert load(str(tmp_path / "child.toml")).rules
