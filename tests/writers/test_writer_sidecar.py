"""The sidecar of `openai-chat`: meta beside the data, published with it, hidden from who loads the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ftdata import flow, runs
from ftdata.errors import OutputError, RecipeError
from ftdata.recipe import Recipe

CSV = "id;question;answer;category\n7;how are you;fine;a\n8;where is it;here;\n9;how many;ten;b\n"


def recipe(folder: Path, path: str = "out/all.jsonl", steps: tuple[dict[str, Any], ...] = (), **writer: Any) -> Recipe:
    (folder / "in.csv").write_text(CSV)
    tables = {
        "read": [{"use": "tickets", "path": "in.csv", "question": "question", "answer": "answer"}],
        "step": list(steps),
        "write": [{"use": "openai-chat", "path": path, **writer}],
    }
    return Recipe.parse(tables, folder, "job")


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_named_meta_stands_beside_the_data(tmp_path: Path) -> None:
    manifest = flow.run(recipe(tmp_path, sidecar=["category", "nothing"]))
    assert lines(tmp_path / "out/.meta/all.jsonl") == [
        {"line": 1, "meta": {"category": "a"}},
        {"line": 2, "meta": {"category": ""}},
        {"line": 3, "meta": {"category": "b"}},
    ]
    assert [(out.path, out.lines) for out in manifest.outputs] == [(".meta/all.jsonl", 0), ("all.jsonl", 3)]
    assert set(lines(tmp_path / "out/all.jsonl")[0]) == {"messages"}
    record = flow.record_of(recipe(tmp_path))
    assert runs.verify(record) == []
    (tmp_path / "out/.meta/all.jsonl").write_text("{}\n")
    assert [problem.code for problem in runs.verify(record)] == ["changed"]


def test_all_meta_by_split_and_none_where_there_is_none(tmp_path: Path) -> None:
    split = {"use": "split", "validation": 0.4}
    flow.run(recipe(tmp_path, "out/{split}.jsonl", (split,), sidecar=["*"]))
    for side in ("train", "validation"):
        beside, data = lines(tmp_path / f"out/.meta/{side}.jsonl"), lines(tmp_path / f"out/{side}.jsonl")
        assert [entry["line"] for entry in beside] == list(range(1, len(data) + 1))
        assert all(entry["meta"]["id"] in ("7", "8", "9") for entry in beside)
    flow.run(recipe(tmp_path, "bare/all.jsonl", sidecar=["nothing"]))
    assert not (tmp_path / "bare/.meta").exists()


def test_a_run_without_it_takes_the_old_one_away(tmp_path: Path) -> None:
    flow.run(recipe(tmp_path, sidecar=["*"]))
    flow.run(recipe(tmp_path))
    assert not (tmp_path / "out/.meta/all.jsonl").exists() and (tmp_path / "out/all.jsonl").exists()


def test_a_file_of_someone_else_stays(tmp_path: Path) -> None:
    (tmp_path / "out/.meta").mkdir(parents=True)
    (tmp_path / "out/.meta/all.jsonl").write_text("mine")
    with pytest.raises(OutputError, match="was not written by an earlier run"):
        flow.run(recipe(tmp_path, sidecar=["*"]))
    with pytest.raises(RecipeError, match="choose another"):
        recipe(tmp_path, "out/.meta/all.jsonl")


def test_scrubbing_reaches_what_the_sidecar_holds(tmp_path: Path) -> None:
    made = recipe(tmp_path, steps=({"use": "pii"}, {"use": "split", "group": "id"}), path="out/{split}.jsonl")
    assert made.steps[0].spare == ("id",), "a key that only groups is spared"  # type: ignore[union-attr]
    made = recipe(
        tmp_path, steps=({"use": "pii"}, {"use": "split", "group": "id"}), path="out/{split}.jsonl", sidecar=["*"]
    )
    assert made.steps[0].spare == (), "what is written is scrubbed"  # type: ignore[union-attr]


def test_a_group_that_is_scrubbed_because_it_is_written_is_warned_of(tmp_path: Path) -> None:
    steps = ({"use": "pii"}, {"use": "split", "group": "id"})
    made = recipe(tmp_path, "out/{split}.jsonl", steps, sidecar=["*"])
    assert any("group: 'id' is written by a writer, and so step 1 scrubs it" in line for line in made.warnings)
    for quiet in (recipe(tmp_path, "out/{split}.jsonl", steps), recipe(tmp_path, "out/{split}.jsonl", steps[1:])):
        assert not any("scrubs it" in line for line in quiet.warnings)


@pytest.mark.parametrize("writer", [{"meta": ["note"]}, {"sidecar": ["note"]}, {"sidecar": ["*"]}, {}])
def test_private_data_is_counted_in_meta_that_is_written(tmp_path: Path, writer: dict[str, Any]) -> None:
    made = recipe(tmp_path, steps=({"use": "private-data"},), **writer)
    (tmp_path / "in.csv").write_text("id;question;answer;note\n7;how;so;ana@example.com\n8;why;thus;b@example.com\n")
    found = [finding.message for finding in flow.run(made).findings]
    assert found == (["not scrubbed: 2 email in 2 rows; add --pii, or a pii step"] if writer else [])


def test_no_other_writer_may_fill_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(CSV)
    tables = {
        "read": [{"use": "tickets", "path": "in.csv"}],
        "write": [
            {"use": "openai-chat", "path": "out/all.jsonl", "sidecar": ["*"]},
            {"use": "hf-dataset", "path": "out/.meta"},
        ],
    }
    with pytest.raises(RecipeError, match="overlaps what write 1 writes"):
        Recipe.parse(tables, tmp_path, "job")


def test_load_dataset_sees_the_data_only(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    flow.run(recipe(tmp_path, sidecar=["*"]))
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == 3 and loaded["train"].column_names == ["messages"]
