"""What a run does with the outputs of the run before: its own are replaced or taken away, all else stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ftdata.errors import OutputError
from ftdata.flow import run
from ftdata.recipe import Recipe

ROWS = [
    {"messages": [{"role": "user", "content": f"Q{n}?"}, {"role": "assistant", "content": "A."}]} for n in range(40)
]


def go(at: Path, path: str, *steps: str, **writer: object) -> None:
    (at / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    tables = "".join(f"[[step]]\nuse = {json.dumps(step)}\n" for step in steps)
    more = "".join(f"{key} = {json.dumps(value)}\n" for key, value in writer.items())
    (at / "recipe.toml").write_text(
        f'[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n{tables}'
        f'[[write]]\nuse = "openai-chat"\npath = {json.dumps(path)}\n{more}'
    )
    run(Recipe.load(at / "recipe.toml"), overwrite=False)


def written(at: Path) -> set[str]:
    found = (path.relative_to(at / "out") for path in (at / "out").rglob("*.jsonl"))
    return {str(path) for path in found if not path.parts[0].startswith(".ftdata")}


def test_a_split_that_is_not_made_any_more_goes_with_its_sidecar(tmp_path: Path) -> None:
    go(tmp_path, "out/{split}.jsonl", "split", sidecar=["*"])
    before = written(tmp_path)
    assert {"train.jsonl", "validation.jsonl"} <= before
    go(tmp_path, "out/{split}.jsonl")
    assert written(tmp_path) == {"train.jsonl"}


def test_an_output_that_the_recipe_does_not_name_any_more_stays(tmp_path: Path) -> None:
    go(tmp_path, "out/first.jsonl")
    go(tmp_path, "out/second.jsonl")
    assert written(tmp_path) == {"first.jsonl", "second.jsonl"}
    go(tmp_path, "out/{split}.jsonl")
    assert written(tmp_path) == {"first.jsonl", "second.jsonl", "train.jsonl"}


def test_splits_beside_one_file_of_all_rows_go(tmp_path: Path) -> None:
    go(tmp_path, "out/{split}.jsonl", "split")
    go(tmp_path, "out/train.jsonl")
    assert written(tmp_path) == {"train.jsonl"}


def test_a_sidecar_that_is_not_written_any_more_goes(tmp_path: Path) -> None:
    go(tmp_path, "out/all.jsonl", sidecar=["source.line"])
    go(tmp_path, "out/all.jsonl")
    assert written(tmp_path) == {"all.jsonl"}


def test_what_somebody_changed_since_is_not_replaced(tmp_path: Path) -> None:
    go(tmp_path, "out/{split}.jsonl", "split")
    (tmp_path / "out/validation.jsonl").write_text("mine\n")
    with pytest.raises(OutputError, match="changed since"):
        go(tmp_path, "out/{split}.jsonl")
    assert (tmp_path / "out/validation.jsonl").read_text() == "mine\n"
