"""Recipes: every mistake is told at once, with its place, its value and the remedy; what is valid replays."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ftdata import cli
from ftdata.errors import InputError, RecipeError
from ftdata.recipe import Recipe, labels

GOOD = """
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[write]]
use = "openai-chat"
path = "out.jsonl"
"""


def problems(text: str, folder: Path) -> list[str]:
    """Give the mistakes that a recipe is told to have, without its file name; none if it is valid."""
    path = folder / "recipe.toml"
    path.write_text(text)
    found: tuple[str, ...] = ()
    try:
        Recipe.load(path)
    except RecipeError as error:
        found = error.problems
    assert all(problem.startswith("recipe.toml: ") for problem in found)
    return [problem.removeprefix("recipe.toml: ") for problem in found]


def parse(folder: Path, steps: list[dict[str, Any]], **tables: Any) -> Recipe:
    data = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "step": steps,
        "write": [{"use": "openai-chat", "path": "{split}.jsonl"}],
        **tables,
    }
    return Recipe.parse(data, folder, "recipe")


FIVE = """
[run]
on_error = "ignore"
[[read]]
use = "openai-chat"
[[step]]
use = "lenght"
max_turns = 9
[[step]]
use = "length"
max_turn = 9
[[step]]
use = "split"
validation = 1.5
[[write]]
use = "openai-chat"
path = "out/{split}.jsonl"
"""
FIVE_TOLD = (  # table, field, value, remedy
    ("run: on_error:", "'ignore'", "'fail' or 'drop'"),
    ("read 1 (openai-chat): path:", "is missing", "add it"),
    ("step 1: use:", "'lenght'", "did you mean 'length'?"),
    ("step 2 (length): max_turn:", "no such field", "did you mean 'max_turns'?"),
    ("step 3 (split): validation:", "1.5", "less than 1"),
)


def test_five_mistakes_are_all_told_and_the_exit_code_is_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(FIVE)
    monkeypatch.setattr(sys, "argv", ["ftdata", "run", str(path)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert len(lines) == len(FIVE_TOLD) and shown.out == "" and "Traceback" not in shown.err
    for line, (place, value, remedy) in zip(lines, FIVE_TOLD, strict=True):
        assert f"recipe.toml: {place}" in line and value in line and remedy in line, line
    assert [each.name for each in tmp_path.iterdir()] == ["recipe.toml"]


SPLIT = '\n[[step]]\nuse = "split"\nvalidation = 0.1\n'
MISTAKES = {
    "unknown table": (GOOD + "[[steps]]\n", ["steps: there is no such table; did you mean 'step'?"]),
    "unknown table, no guess": (
        GOOD + "[model]\n",
        ["model: there is no such table; tables are run, provenance, read, step, write"],
    ),
    "table, not tables": (GOOD + '[step]\nuse = "length"\n', ["step: must be a list of tables; write [[step]]"]),
    "tables, not table": (GOOD + "[[run]]\n", ["run: must be a table, [run]"]),
    "values, not tables": ('step = ["length"]\n' + GOOD, ["step: must be a list of tables; write [[step]]"]),
    "unknown field": (GOOD + 'delimiter = ","\n', ["write 1 (openai-chat): delimiter: there is no such field"]),
    "unknown option": (GOOD + "[run]\nsed = 1\n", ["run: sed: there is no such field; did you mean 'seed'?"]),
    "bad type of an option": (GOOD + '[run]\nseed = "x"\n', ["run: seed: 'x': ", "integer"]),
    "bad name": (GOOD + '[run]\nname = "../up"\n', ["run: name: '../up': "]),
    "a name that leaves its folder": (GOOD + '[run]\nname = ".."\n', ["run: name: '..': "]),
    "negative limit": (GOOD + "[run]\nmax_bad = -1\n", ["run: max_bad: -1 is neither a count, from 0 on"]),
    "bad type of a field": (
        GOOD + '[[step]]\nuse = "length"\nmax_turns = "many"\n',
        ["step 1 (length): max_turns: 'many': "],
    ),
    "no settings at all": (GOOD + '[[step]]\nuse = "length"\n', ["step 1 (length): no limit is given; set min_chars"]),
    "missing use": (GOOD + "[[step]]\nmax_turns = 9\n", ["step 1: use: is missing; name a stage"]),
    "use is no text": (GOOD + "[[step]]\nuse = 3\n", ["step 1: use: is missing; name a stage"]),
    "missing path": (
        '[[read]]\nuse = "openai-chat"\n' + GOOD[GOOD.index("[[write") :],
        ["read 1 (openai-chat): path: is missing"],
    ),
    "a step's name for a reader": (
        GOOD.replace('"openai-chat"', '"length"', 1),
        ["read 1: use: there is no reader 'length'"],
    ),
    "no reader": (GOOD[GOOD.index("[[write") :], ["read: there is no reader; add a [[read]] table"]),
    "no writer": (GOOD[: GOOD.index("[[write")], ["write: there is no writer; add a [[write]] table"]),
    "nothing": ("", ["read: there is no reader", "write: there is no writer"]),
    "split into one file": (
        GOOD + SPLIT,
        ["write 1 (openai-chat): path: 'out.jsonl' would put all splits into one file"],
    ),
    "two writers, one file": (
        GOOD + '[[write]]\nuse = "openai-chat"\npath = "./out.jsonl"\n',
        ["write 2 (openai-chat): path: 'out.jsonl' is what write 1 writes; choose another"],
    ),
    "a file in the folder of a writer": (
        GOOD.replace("out.jsonl", "out/a.jsonl") + '[[write]]\nuse = "hf-dataset"\npath = "out"\n',
        ["write 2 (hf-dataset): path: 'out'", "write 1"],
    ),
    "a writer over a reader": (
        GOOD.replace("out.jsonl", "sub/../in.jsonl"),
        ["write 1 (openai-chat): path: 'sub/../in.jsonl' is what read 1 reads; choose another"],
    ),
    "a folder over a reader": (
        GOOD.replace("in.jsonl", "hf/in.jsonl") + '[[write]]\nuse = "hf-dataset"\npath = "hf"\n',
        ["write 2 (hf-dataset): path: 'hf'", "read 1"],
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_remedy(case: str, tmp_path: Path) -> None:
    text, told = MISTAKES[case]
    found = problems(text, tmp_path)
    if case == "nothing":
        assert [line.startswith(words) for line, words in zip(found, told, strict=True)] == [True, True]
        return
    assert len(found) == 1
    assert found[0].startswith(told[0]) and all(words in found[0] for words in told), found


def test_a_valid_recipe_has_no_mistakes(tmp_path: Path) -> None:
    assert problems(GOOD, tmp_path) == []
    assert problems("\ufeff" + GOOD, tmp_path) == []
    split = GOOD.replace("out.jsonl", "out/{split}.jsonl") + SPLIT + '[[write]]\nuse = "hf-dataset"\npath = "hf"\n'
    assert problems(split, tmp_path) == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[[read]\n", "recipe.toml: is not TOML: "),
        (b"\xff\xfe[\x00", "is not UTF-8 text; a recipe is a TOML file"),
        (b'name = "caf\xe9"\n', "is not UTF-8 text"),
        (b"a = 1\na = 2\n", "recipe.toml: is not TOML: "),
    ],
)
def test_a_file_that_is_no_toml(data: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(data)
    with pytest.raises(RecipeError, match=told.replace(".", r"\.")):
        Recipe.load(path)


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / ("n" * 300)):
        with pytest.raises(InputError, match="cannot be read"):
            Recipe.load(path)


def test_no_value_of_a_secret_looking_field_is_told_for_another_field(tmp_path: Path) -> None:
    found = problems(GOOD.replace('use = "openai-chat"', 'use = "openai-chat"\nkey = "sk-secret"', 1), tmp_path)
    assert len(found) == 1 and "sk-secret" not in found[0]


# --- what is warned of ------------------------------------------------------------------------------------------------

DEDUP, PII, SIDES = {"use": "exact-dedup"}, {"use": "pii"}, {"use": "split", "validation": 0.1}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([PII, DEDUP, SIDES], []),
        ([], ["no pii step"]),
        ([DEDUP, SIDES], ["no pii step"]),
        ([DEDUP, PII], ["step 1 (exact-dedup) stands before pii"]),
        ([PII, SIDES, DEDUP], ["step 2 (split) stands before exact-dedup"]),
        *(
            ([PII, SIDES, {"use": use, **fields}], [f"step 2 (split) stands before {use}"])
            for use, fields in (
                ("near-dedup", {}),
                ("downsample", {"rows": 9}),
                ("mix", {"weights": {"a": 1, "b": 1}}),
                ("decontaminate", {"against": ["eval.jsonl"]}),
            )
        ),
        ([SIDES, DEDUP, PII], ["step 1 (split) stands before exact-dedup", "step 2 (exact-dedup) stands before pii"]),
    ],
)
def test_a_bad_order_is_warned_of(steps: list[dict[str, Any]], told: list[str], tmp_path: Path) -> None:
    warnings = parse(tmp_path, steps).warnings
    assert len(warnings) == len(told)
    for warning, words in zip(warnings, told, strict=True):
        assert warning.startswith("recipe: warning: ") and words in warning


@pytest.mark.parametrize(
    ("step", "keys"),
    [
        ({**SIDES, "group": "customer"}, ["group: 'customer'"]),
        ({**SIDES, "group": ["site", "customer"]}, ["group: 'customer'"]),
        ({**SIDES, "group": ["site", "shop"]}, []),
        ({**SIDES, "group": "customer.email"}, ["group: 'customer.email'"]),
        ({**SIDES, "stratify": "customer"}, ["stratify: 'customer'"]),
        ({"use": "balance", "by": ["customer", "site"]}, ["by: 'customer'"]),
        ({"use": "downsample", "by": "label", "rows": 3}, []),
    ],
)
def test_keys_that_are_scrubbed_because_they_are_written(step: dict[str, Any], keys: list[str], tmp_path: Path) -> None:
    write = [{"use": "openai-chat", "path": "{split}.jsonl", "meta": ["customer", "label"]}]
    warnings = parse(tmp_path, [PII, step], write=write).warnings
    assert len(warnings) == len(keys)
    assert all(f"step 2 ({step['use']}): {key} is written" in line for key, line in zip(keys, warnings, strict=True))


def test_tags_of_a_step_are_not_scrubbed(tmp_path: Path) -> None:
    write = [{"use": "openai-chat", "path": "out.jsonl", "meta": ["language"]}]
    steps = [PII, {"use": "language"}, {"use": "balance", "by": "language.code"}]
    assert parse(tmp_path, steps, write=write).warnings == ()


@pytest.mark.parametrize(
    ("step", "setting"),
    [
        ({**SIDES, "earlier": ["out/train.jsonl"]}, "earlier"),
        ({"use": "decontaminate", "against": ["out"]}, "against"),
    ],
)
def test_a_step_that_would_look_at_what_the_recipe_writes(step: dict[str, Any], setting: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=rf"step 1 \({step['use']}\): {setting}: 'out.*' is what write 1 writes"):
        parse(tmp_path, [step], write=[{"use": "openai-chat", "path": "out/{split}.jsonl"}])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"threshold": "on"}, "threshold: 'on': input should be a valid number"),
        ({"threshold": 0.3}, "threshold: 0.3: input should be greater than or equal to 0.5, or input should be 'off'"),
        ({"group": 3}, "group: 3: must be text, in quotes, or must be a list"),
        ({"group": []}, "group: []: must be text, in quotes, or must name one or more"),
        ({"on": []}, "on: []: must name one or more"),
    ],
)
def test_a_field_of_several_types_is_told_once(fields: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(tmp_path, [{**SIDES, **fields}], write=[{"use": "openai-chat", "path": "{split}.jsonl"}])
    assert str(caught.value).count("\n") == 0 and f"step 1 (split): {told}" in str(caught.value)


# --- what a recipe is resolved to -------------------------------------------------------------------------------------


def test_the_seed_of_the_run_is_that_of_every_stage_without_its_own(tmp_path: Path) -> None:
    recipe = parse(tmp_path, [SIDES, {**SIDES, "seed": 3}], run={"seed": 7})
    assert [step.seed for step in recipe.steps] == [7, 3]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("later", "written", "spared"),
    [
        ([], (), ()),
        ([{**SIDES, "group": "customer"}], (), ("customer",)),
        ([{**SIDES, "group": "customer"}], ("customer",), ()),
        ([{**SIDES, "group": ["customer", "site"]}], ("site",), ("customer",)),
        ([{"use": "balance", "by": "category"}, {**SIDES, "group": "customer"}], ("category",), ("customer",)),
    ],
)
def test_scrubbing_spares_what_a_later_step_groups_by_and_no_one_writes(
    later: list[dict[str, Any]], written: tuple[str, ...], spared: tuple[str, ...], tmp_path: Path
) -> None:
    write = [{"use": "openai-chat", "path": "{split}.jsonl", "meta": list(written)}]
    recipe = parse(tmp_path, [PII, *later], write=write)
    assert recipe.steps[0].spare == spared  # type: ignore[union-attr]


def test_stages_used_twice_are_numbered(tmp_path: Path) -> None:
    turns = {"use": "length", "max_turns": 9}
    assert labels(parse(tmp_path, [turns, PII, turns, turns]).steps) == ["length", "pii", "length#2", "length#3"]


def test_a_dumped_recipe_is_the_recipe(tmp_path: Path) -> None:
    steps = [
        {"use": "filter", "where": {"status": ["solved", "closed"]}},
        {"use": "system", "text": "Be kind."},
        PII,
        {"use": "length", "max_turns": 9},
        DEDUP,
        {"use": "balance", "by": "category", "max_share": 0.6},
        {**SIDES, "group": "customer"},
    ]
    run = {"name": "tickets", "seed": 5, "on_error": "drop", "max_bad": 0.01, "max_drop": {"length: too-long": 3}}
    recipe = parse(tmp_path, steps, run=run)
    again = Recipe.parse(recipe.dump(), tmp_path, "recipe")
    assert again == recipe and again.dump() == recipe.dump()
    assert hash(again.steps) == hash(recipe.steps)


def test_a_limit_of_1_is_a_count_and_one_of_1_0_too(tmp_path: Path) -> None:
    for text, value in (("1", 1), ("1.0", 1.0), ("0.5", 0.5)):
        options = parse(tmp_path, [], run=tomllib.loads(f"max_drop = {text}")).options
        assert options.max_drop == value and type(options.max_drop) is type(value)
