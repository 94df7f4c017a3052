"""`against`: what an earlier run wrote is read again, whatever its form, listed, hashed, and never this run's own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ftdata import flow
from ftdata.errors import InputError, RecipeError
from ftdata.recipe import Recipe

CALL = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"n": 1.50}'}}]
ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "1"}]},
    {"messages": [{"role": "user", "content": "two"}, {"role": "assistant", "content": "2", "weight": 0}]},
    {"messages": [{"role": "user", "content": "call"}, {"role": "assistant", "tool_calls": CALL}], "tools": [{"a": 1}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "parts"}]}], "label": "x"},
    {
        "input": {"messages": [{"role": "user", "content": "which"}]},
        "preferred_output": [{"role": "assistant", "content": "good"}],
        "non_preferred_output": [{"role": "assistant", "content": "bad"}],
    },
]
NEW = {"messages": [{"role": "user", "content": "new"}, {"role": "assistant", "content": "3"}]}


def write(path: Path, rows: list[dict[str, Any]], **style: Any) -> None:
    path.write_text("".join(json.dumps(row, **style) + "\n" for row in rows))


def recipe(folder: Path, source: str, out: str, step: dict[str, Any], **more: Any) -> Recipe:
    tables = {
        "read": [{"use": "openai-chat", "path": source}],
        "step": [{"use": "exact-dedup", **step}],
        "write": [{"use": "openai-chat", "path": f"{out}/all.jsonl"}, {"use": "hf-dataset", "path": f"{out}/hf"}],
        **more,
    }
    return Recipe.parse(tables, folder, out)


@pytest.mark.parametrize("against", ["old/all.jsonl", "old/hf", "old", "old/hf/data/train-00000-of-00001.parquet"])
def test_rows_written_before_are_dropped_and_named(tmp_path: Path, against: str) -> None:
    write(tmp_path / "first.jsonl", ROWS)
    flow.run(recipe(tmp_path, "first.jsonl", "old", {}))
    # Other white space, the same rows; one of them twice.
    write(tmp_path / "second.jsonl", [NEW, *ROWS, ROWS[1], NEW], separators=(" ,", " : "))
    manifest = flow.run(recipe(tmp_path, "second.jsonl", "new", {"against": [against]}))
    assert manifest.dropped == {"exact-dedup": {"duplicate-earlier": 6, "duplicate": 1}}
    assert [json.loads(line) for line in (tmp_path / "new/all.jsonl").read_text().splitlines()] == [NEW]
    ledger = pl.read_parquet(tmp_path / "new/.ftdata/new/ledger.parquet").filter(pl.col("event") == "drop")
    name = "all.jsonl" if against != "old/hf" else "data/train-00000-of-00001.parquet"
    name = "train-00000-of-00001.parquet" if against.endswith(".parquet") else name
    assert ledger["note"].to_list() == [*(f"earlier {name}#{n}" for n in (1, 2, 3, 4, 5, 2)), "twin row 1"]
    looked = [part for part in manifest.inputs if part.lookup]
    assert [part.use for part in looked] == ["earlier"] * len(looked) and looked
    assert all(len(part.sha256) == 64 and part.first == 0 and part.records == 5 for part in looked)


def test_a_changed_earlier_output_is_seen_by_a_resumed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "first.jsonl", ROWS[:1])
    write(tmp_path / "second.jsonl", [NEW, *ROWS])
    mine = recipe(tmp_path, "second.jsonl", "new", {"against": ["first.jsonl"]})

    def die(*_: object) -> None:
        raise OSError(28, "no space")

    for rows, resumed in ((1, ["section 1", "section 2"]), (2, [])):
        with monkeypatch.context() as patch:
            patch.setattr(flow._Flow, "_publish", die)
            with pytest.raises(Exception, match="no space"):
                flow.run(mine)
        write(tmp_path / "first.jsonl", ROWS[:rows])
        manifest = flow.run(mine)
        assert manifest.dropped == {"exact-dedup": {"duplicate-earlier": rows}}
        assert manifest.resumed == resumed
        assert [part.name for part in manifest.inputs if part.lookup] == ["first.jsonl"]


def test_packed_files_of_a_folder_count_and_unreadable_lines_are_told(tmp_path: Path) -> None:
    (tmp_path / "old/deep").mkdir(parents=True)
    write(tmp_path / "old/deep/b.jsonl", ROWS[1:2])
    lines = "".join(json.dumps(row) + "\n" for row in ROWS[:1]) + "{broken\n"
    (tmp_path / "old/a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    write(tmp_path / "second.jsonl", [NEW, *ROWS[:2]])
    manifest = flow.run(recipe(tmp_path, "second.jsonl", "new", {"against": ["old"]}))
    assert manifest.dropped == {"exact-dedup": {"duplicate-earlier": 2}}
    assert [(part.name, part.records, part.notes) for part in manifest.inputs if part.lookup] == [
        ("a.jsonl.gz", 1, ["1 lines are no chat rows"]),
        ("deep/b.jsonl", 1, []),
    ]


def test_mistakes_are_told(tmp_path: Path) -> None:
    write(tmp_path / "second.jsonl", ROWS)
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.parquet").write_bytes(b"PAR1 no")
    pl.DataFrame({"text": ["a"]}).write_parquet(tmp_path / "other.parquet")
    pl.DataFrame({"prompt": ["a"], "completion": ["b"]}).write_parquet(tmp_path / "pairs.parquet")
    pl.DataFrame({"messages": ["a"]}).write_parquet(tmp_path / "texts.parquet")
    pl.DataFrame({"messages": [[{"role": 1, "content": "a"}]]}).write_parquet(tmp_path / "roles.parquet")
    write(tmp_path / "pairs.jsonl", [{"prompt": "a", "completion": "b"}])
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for against, told in [
        ("nowhere.jsonl", "is not there"),
        ("empty", r"holds no \.jsonl or \.parquet file"),
        ("odd.parquet", "is no Parquet file"),
        ("other.parquet", "has no column of messages"),
        ("pairs.jsonl", "holds no chat rows"),
        ("table.csv", "holds no chat rows"),
        ("pairs.parquet", "has no column of messages"),
        ("texts.parquet", "has no column of messages"),
        ("roles.parquet", "is no Parquet file of an earlier run"),
    ]:
        with pytest.raises(InputError, match=told):
            flow.run(recipe(tmp_path, "second.jsonl", "new", {"against": [against]}))
    for against in ("new/all.jsonl", "new/hf", "new", "new/hf/data"):
        with pytest.raises(RecipeError, match=r"is what write \d writes; name what an earlier run wrote"):
            recipe(tmp_path, "second.jsonl", "new", {"against": [against]})
