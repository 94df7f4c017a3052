"""`turns`: which answers are learnt, from one line or from several; every line leads back to its row."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftdata
from ftdata.batch import conversations, to_batches
from ftdata.cli import main
from ftdata.conversation import Conversation, Message
from ftdata.recipe import Recipe
from ftdata.writers import learned

ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
TALKS = st.lists(st.tuples(ROLES, st.sampled_from([None, 0, 1])), max_size=7)


def batch(talks: list[list[tuple[str, int | None]]]) -> pl.DataFrame:
    rows = [
        Conversation(
            row=n,
            id=f"x#{n}",
            origin=(n,),
            messages=tuple(
                Message(role=role, content=f"{n}.{i}", weight=weight if role == "assistant" else None)
                for i, (role, weight) in enumerate(talk)
            ),
        )
        for n, talk in enumerate(talks, 1)
    ]
    return pl.concat(to_batches(rows))


@settings(max_examples=200, deadline=None)
@given(st.lists(TALKS, min_size=1, max_size=6))
def test_each_answer_is_learnt_once(talks: list[list[tuple[str, int | None]]]) -> None:
    rows = batch(talks)
    expanded, counts = learned.unfold(rows, "expand"), learned.spread(rows, "expand")
    assert counts is not None and expanded.height == counts.sum()
    taught: dict[int, list[str]] = {}
    for row in conversations(expanded):
        turns = list(row.messages or ())
        whole = talks[row.row - 1]
        assert [m.content for m in turns] == [f"{row.row}.{i}" for i in range(len(turns))]
        assert [m.role for m in turns] == [role for role, _ in whole[: len(turns)]]
        learnt = [m.content for m in turns if m.role == "assistant" and m.weight != 0]
        assert len(learnt) <= 1 and (not learnt or learnt[0] == turns[-1].content)
        taught.setdefault(row.row, []).extend(str(text) for text in learnt)
    due = {
        n: [f"{n}.{i}" for i, (role, weight) in enumerate(talk) if role == "assistant" and weight != 0]
        for n, talk in enumerate(talks, 1)
    }
    assert taught == due
    last = learned.unfold(rows, "last")
    for row in conversations(last):
        learnt = [str(m.content) for m in row.messages or () if m.role == "assistant" and m.weight != 0]
        assert learnt == due[row.row][-1:]
        assert len(row.messages or ()) == len(talks[row.row - 1])
    assert learned.unfold(rows, "whole") is rows


CHAT = [
    {"messages": [{"role": r, "content": f"{n} {i}"} for i, r in enumerate(["user", "assistant"] * n)]}
    for n in (1, 3, 2)
]


def run(folder: Path, writer: dict[str, Any]) -> tuple[Any, list[Any]]:
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in CHAT))
    recipe = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "write": [writer],
    }
    manifest = ftdata.run(Recipe.parse(recipe, folder, "r", "r"))
    out = folder / "out/a.jsonl"
    return manifest, [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def test_the_record_leads_from_each_line_to_its_row(tmp_path: Path) -> None:
    manifest, lines = run(tmp_path, {"use": "openai-chat", "path": "out/a.jsonl", "turns": "expand"})
    assert (manifest.rows, manifest.written, manifest.written_records) == (3, 3, 3)
    assert [(out.rows, out.lines) for out in manifest.outputs] == [(3, 6)]
    assert [len(line["messages"]) for line in lines] == [2, 2, 4, 6, 2, 4]
    assert [m.get("weight") for m in lines[3]["messages"]] == [None, 0, None, 0, None, None]
    writes = pl.read_parquet(next(tmp_path.glob("out/.ftdata/*/ledger.parquet"))).filter(pl.col("event") == "write")
    assert list(writes.select("row", "line", "reason").iter_rows()) == [
        (1, 1, None),
        (2, 2, None),
        (2, 3, "further-line"),
        (2, 4, "further-line"),
        (3, 5, None),
        (3, 6, "further-line"),
    ]


def call(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    sys.argv = ["ftdata", *args]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out + err


def test_verify_and_explain_know_lines_beyond_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, {"use": "openai-chat", "path": "out/a.jsonl", "turns": "expand"})
    out = str(tmp_path / "out/a.jsonl")
    assert call(capsys, "verify", out)[0] == 0
    code, told = call(capsys, "explain", out, f"{out}:4")
    assert code == 0 and "in.jsonl:2" in told, told
    assert "3 rows in 6 lines" in call(capsys, "show", out)[1]
    text = Path(out).read_text().splitlines(keepends=True)
    Path(out).write_text("".join(text[:-1]))
    assert call(capsys, "verify", out)[0] != 0


@pytest.mark.parametrize(("turns", "lines"), [("whole", 3), ("last", 3), ("expand", 6)])
def test_a_dataset_holds_the_same_lines(tmp_path: Path, turns: str, lines: int) -> None:
    manifest, _ = run(tmp_path, {"use": "hf-dataset", "path": "out/hf", "turns": turns})
    found = pl.concat(pl.read_parquet(path) for path in tmp_path.glob("out/hf/data/*.parquet"))
    assert found.height == lines
    assert sum(out.rows for out in manifest.outputs) == 3 and sum(out.lines for out in manifest.outputs) == lines
