"""A plugin that crashes loses at most its row; a fault of the system is no bad row; same input, same bytes."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law.recount import recount

import ftdata
from ftdata import cli, engine, flow, hooks
from ftdata.account import scrubbed
from ftdata.batch import Batch
from ftdata.errors import FtdataError
from ftdata.readers.openai_chat import OpenAIChat as OpenAIReader
from ftdata.recipe import Recipe
from ftdata.spool import Frames, Spool
from ftdata.stages import Check, Finding, Reader, Rows, Selector, Transform
from ftdata.transforms.pii import scrub
from ftdata.writers.openai_chat import OpenAIChat

CANARY = "canary-91c4"


class PanicException(BaseException):
    """Stand in for that of polars."""


def _boom(fault: str) -> None:
    """Fail in one of the ways in which a plugin may."""
    if fault == "MemoryError":
        raise MemoryError(CANARY)
    if fault == "OSError":
        raise OSError(errno.ENOSPC, f"No space left on device {CANARY}")
    if fault == "KeyError":
        raise KeyError(CANARY)
    if fault == "ComputeError":
        raise pl.exceptions.ComputeError(CANARY)
    if fault == "RecursionError":
        _boom(fault)
    if fault == "AssertionError":
        raise AssertionError(CANARY)
    if fault == "SystemExit":
        raise SystemExit(CANARY)
    if fault == "PanicException":  # what polars raises when its core panics is no Exception
        raise PanicException(CANARY)
    if fault == "ValueError":
        int(CANARY)
    if fault == "exit":
        os._exit(3)
    raise ValueError(CANARY)


ROW_FAULTS = (
    "PanicException",
    "KeyError",
    "ComputeError",
    "RecursionError",
    "AssertionError",
    "SystemExit",
    "ValueError",
)


def _bad(batch: Batch, every: int) -> bool:
    return bool((batch["row"] % every == 1).any())


class Faulty(Transform):
    """Fail on every third row."""

    name: ClassVar[str] = "faulty"
    fault: str = "ValueError"
    every: int = 3

    def apply(self, batch: Batch) -> Any:
        if self.fault == "sleeps":
            time.sleep(0.02)
        elif self.fault == "none":
            return None
        elif self.fault == "mutates":
            batch[0, "note"] = "1 mutated"
            batch[0, "drop"] = "mutated" if _bad(batch.head(1), self.every) else None
        elif self.fault == "row-error" and _bad(batch, self.every):
            raise ftdata.RowError("too-odd", "1 odd")
        elif self.fault != "row-error" and _bad(batch, self.every):
            _boom(self.fault)
        return batch


class FaultySelector(Selector):
    """Fail while sketching, or while selecting."""

    name: ClassVar[str] = "faulty-selector"
    fault: str = "ValueError"
    late: bool = False

    def sketch(self, batch: Batch) -> pl.DataFrame:
        if not self.late and _bad(batch, 3):
            _boom(self.fault)
        return batch.select("row")

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        if self.late:
            _boom(self.fault)
        return sketches.head(0)


class FaultyCheck(Check):
    """Fail while sketching, or while judging."""

    name: ClassVar[str] = "faulty-check"
    fault: str = "ValueError"
    late: bool = False

    def sketch(self, batch: Batch) -> pl.DataFrame:
        if not self.late and _bad(batch, 3):
            _boom(self.fault)
        return batch.select("row")

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        if self.late:
            _boom(self.fault)
        return []


class FaultyReader(Reader):
    """Fail while reading."""

    name: ClassVar[str] = "faulty-reader"
    fault: str = "ValueError"

    def read(self, source: ftdata.Source) -> Iterator[Batch]:
        for block in source.lines():
            rows = ftdata.Rows()
            rows.add([block.number], [("user", "Hi")])
            yield rows.batch()
            _boom(self.fault)


class FaultyWriter(OpenAIChat):
    """Fail while writing."""

    name: ClassVar[str] = "faulty-writer"
    fault: str = "ValueError"

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        super().write(batches, into)
        _boom(self.fault)


def recipe(folder: Path, *steps: Any, on_error: str = "drop", rows: int = 10) -> Recipe:
    """Make a recipe over a few rows; the canary stands in exceptions only."""
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    (folder / "in.jsonl").write_text((json.dumps({"messages": turns}) + "\n") * rows)
    made = Recipe.parse(
        {
            "run": {"on_error": on_error},
            "read": [{"use": "openai-chat", "path": "in.jsonl"}],
            "write": [{"use": "openai-chat", "path": "out/all.jsonl"}],
        },
        folder,
        "recipe",
    )
    return replace(made, steps=steps)


def canaries(folder: Path) -> list[str]:
    """List the files of a record, and the scratch files, in which the canary stands; in parquet too."""
    found = []
    for path in folder.rglob("*"):
        if not path.is_file() or path in (folder / "in.jsonl", folder / "out/all.jsonl"):
            continue
        text = path.read_bytes()
        if path.suffix == ".parquet":
            text = json.dumps(pyarrow.parquet.read_table(path).to_pylist()).encode()
        if CANARY.encode() in text:
            found.append(str(path.relative_to(folder)))
    return found


# --- a bad row --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 10, 100])
@pytest.mark.parametrize("stage", [Faulty, FaultySelector])
@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_a_row_on_which_a_stage_raises_is_dropped_with_class_and_line_only(
    fault: str, stage: Any, rows: int, tmp_path: Path
) -> None:
    made = recipe(tmp_path, stage(fault=fault), rows=rows)
    if rows == 1:  # every row is bad: nothing is left
        with pytest.raises(FtdataError, match="no row is left"):
            flow.run(made)
        assert canaries(tmp_path) == []
        return
    manifest = flow.run(made)
    bad = len(range(1, rows + 1, 3))
    assert manifest.dropped == {stage.name: {fault: bad}} and manifest.written == rows - bad
    record = tmp_path / "out/.ftdata/recipe"
    assert recount(record).problems == []
    lines = pl.read_parquet(record / "ledger.parquet").filter(pl.col("event") == "drop")
    assert lines["row"].to_list() == list(range(1, rows + 1, 3))
    assert all(re.fullmatch(r"[\w.-]+\.(py|pyx|rs):\d+", note) for note in lines["note"])
    assert canaries(tmp_path) == []


@pytest.mark.parametrize("stage", [Faulty, FaultySelector, FaultyCheck])
@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_such_a_row_fails_the_run_by_default_and_is_named(fault: str, stage: Any, tmp_path: Path) -> None:
    with pytest.raises(FtdataError) as found:
        flow.run(recipe(tmp_path, stage(fault=fault), on_error="fail"))
    assert found.value.exit_code == 5
    told = str(found.value)
    assert "in.jsonl#1" in told and fault in told and CANARY not in told and 'on_error = "drop"' in told
    assert canaries(tmp_path) == [] and not (tmp_path / "out/all.jsonl").exists()


def test_a_row_error_gives_its_own_reason_and_note(tmp_path: Path) -> None:
    assert flow.run(recipe(tmp_path, Faulty(fault="row-error"))).dropped == {"faulty": {"too-odd": 4}}
    lines = pl.read_parquet(tmp_path / "out/.ftdata/recipe/ledger.parquet").filter(pl.col("event") == "drop")
    assert lines["note"].unique().to_list() == ["1 odd"]


@pytest.mark.parametrize("fault", ROW_FAULTS)
@pytest.mark.parametrize(
    "stage", [FaultyCheck(), FaultyCheck(late=True), FaultySelector(late=True)], ids=["sketch", "judge", "select"]
)
def test_what_judges_the_whole_must_not_fail_open(stage: Any, fault: str, tmp_path: Path) -> None:
    with pytest.raises(FtdataError) as found:
        flow.run(recipe(tmp_path, stage.model_copy(update={"fault": fault})))
    assert found.value.exit_code == 5 and CANARY not in str(found.value)
    assert canaries(tmp_path) == [] and not (tmp_path / "out/all.jsonl").exists()


@pytest.mark.parametrize("fault", ROW_FAULTS)
@pytest.mark.parametrize("kind", ["reader", "writer"])
def test_a_reader_or_writer_that_raises_fails_the_run(kind: str, fault: str, tmp_path: Path) -> None:
    made = recipe(tmp_path)
    if kind == "reader":
        made = replace(made, readers=(FaultyReader(path=Path("in.jsonl"), fault=fault),))
    else:
        made = replace(made, writers=(FaultyWriter(path=Path("out/all.jsonl"), fault=fault),))
    with pytest.raises(FtdataError) as found:
        flow.run(made)
    assert found.value.exit_code == 5 and CANARY not in str(found.value) and fault in str(found.value)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".ftdata"]


# --- a fault of the system --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "code"), [("MemoryError", 1), ("OSError", 4)])
@pytest.mark.parametrize(
    "make",
    [
        lambda made, fault: replace(made, steps=(Faulty(fault=fault),)),
        lambda made, fault: replace(made, steps=(FaultySelector(fault=fault),)),
        lambda made, fault: replace(made, steps=(FaultySelector(fault=fault, late=True),)),
        lambda made, fault: replace(made, steps=(FaultyCheck(fault=fault),)),
        lambda made, fault: replace(made, steps=(FaultyCheck(fault=fault, late=True),)),
        lambda made, fault: replace(made, readers=(FaultyReader(path=Path("in.jsonl"), fault=fault),)),
        lambda made, fault: replace(made, writers=(FaultyWriter(path=Path("out/all.jsonl"), fault=fault),)),
    ],
    ids=["transform", "sketch", "select", "check", "judge", "reader", "writer"],
)
def test_a_fault_of_the_system_is_never_taken_for_a_bad_row(
    make: Callable[[Recipe, str], Recipe], fault: str, code: int, tmp_path: Path
) -> None:
    flow.run(recipe(tmp_path))
    out, record = tmp_path / "out/all.jsonl", tmp_path / "out/.ftdata/recipe"
    old = out.read_bytes()
    with pytest.raises(FtdataError) as found:
        flow.run(make(recipe(tmp_path), fault))
    assert found.value.exit_code == code and CANARY not in str(found.value)
    assert out.read_bytes() == old and json.loads((record / "attempt.json").read_text())["dropped"] == {}
    assert recount(record).problems == [] and canaries(tmp_path) == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".ftdata", "all.jsonl"]


def test_a_plugin_that_ends_the_process_publishes_nothing_and_the_next_run_does(tmp_path: Path) -> None:
    flow.run(recipe(tmp_path))
    out = tmp_path / "out/all.jsonl"
    old = out.read_bytes()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from test_engine import Faulty, recipe; from ftdata import flow\n"
        "flow.run(recipe(Path(sys.argv[2]), Faulty(fault='exit'), rows=20))"
    )
    died = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)], capture_output=True)
    assert died.returncode == 3 and out.read_bytes() == old
    flow.run(recipe(tmp_path, rows=20))
    assert out.read_bytes() == old * 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".ftdata", "all.jsonl"]
    assert recount(tmp_path / "out/.ftdata/recipe").problems == []


@pytest.mark.parametrize("fault", ["sleeps", "mutates"])
def test_a_stage_that_sleeps_or_edits_in_place_keeps_to_the_contract(fault: str, tmp_path: Path) -> None:
    manifest = flow.run(recipe(tmp_path, Faulty(fault=fault)))
    assert (manifest.dropped == {}) == (fault == "sleeps")
    assert recount(tmp_path / "out/.ftdata/recipe").problems == []


def test_a_stage_that_returns_nothing_breaks_the_contract_whatever_on_error_says(tmp_path: Path) -> None:
    with pytest.raises(FtdataError, match="gave NoneType instead of a batch") as found:
        flow.run(recipe(tmp_path, Faulty(fault="none")))
    assert found.value.exit_code == 5


@pytest.mark.parametrize("on_error", ["fail", "drop"])
@pytest.mark.parametrize("fault", [*ROW_FAULTS, "MemoryError", "OSError", "none"])
def test_nothing_of_the_message_reaches_the_terminal(
    fault: str, on_error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe(tmp_path)
    find = hooks.find

    def found(kinds: Any, name: str) -> hooks.Entry:
        return hooks.Entry(Faulty, "ftdata", "0") if name == "faulty" else find(kinds, name)

    monkeypatch.setattr(hooks, "find", found)
    path = tmp_path / "recipe.toml"
    path.write_text(
        f'[run]\non_error = "{on_error}"\n[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "faulty"\n'
        f'fault = "{fault}"\n[[write]]\nuse = "openai-chat"\npath = "out/all.jsonl"\n'
    )
    monkeypatch.setattr(sys, "argv", ["ftdata", "run", str(path)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    system = {"MemoryError": 1, "OSError": 4, "none": 5}
    assert left.value.code == system.get(fault, 0 if on_error == "drop" else 5)
    shown = capsys.readouterr()
    assert CANARY not in shown.out + shown.err and "Traceback" not in shown.err
    assert canaries(tmp_path) == []


def test_a_bug_of_our_own_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("ftdata.outputs.Output._log", broken)
    with pytest.raises(ZeroDivisionError):
        flow.run(recipe(tmp_path))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".ftdata"]
    tried = json.loads((tmp_path / "out/.ftdata/recipe/attempt.json").read_text())
    assert tried["status"] == "failed" and "ZeroDivisionError" in tried["error"]


# --- several readers, splits and writers ------------------------------------------------------------------------------


def _row(number: int) -> str:
    turns = [{"role": "user", "content": f"Question {number}?"}, {"role": "assistant", "content": f"Answer {number}."}]
    return json.dumps({"messages": turns})


def test_inputs_of_one_name_three_splits_two_writers(tmp_path: Path) -> None:
    counts = {"2024": 40, "2025": 25}
    number = 0
    for folder, count in counts.items():
        (tmp_path / folder).mkdir()
        lines = [_row(number + n) for n in range(count)] + ["{"]
        (tmp_path / folder / "chat.jsonl").write_text("\n".join(lines) + "\n")
        number += count
    made = Recipe.parse(
        {
            "read": [{"use": "openai-chat", "path": f"{folder}/chat.jsonl"} for folder in counts],
            "step": [{"use": "split", "validation": 0.2, "test": 0.1}],
            "write": [
                {"use": "openai-chat", "path": "out/{split}.jsonl"},
                {"use": "hf-dataset", "path": "out/hf"},
            ],
        },
        tmp_path,
        "recipe",
    )
    manifest = flow.run(made)
    record = tmp_path / "out/.ftdata/recipe"
    assert recount(record).problems == []
    assert [(part.name, part.records) for part in manifest.inputs] == [("2024/chat.jsonl", 41), ("2025/chat.jsonl", 26)]
    assert [(s.label, s.rows) for s in manifest.stages[:2]] == [("openai-chat", 41), ("openai-chat#2", 26)]
    assert manifest.dropped == {"openai-chat": {"bad-json": 1}, "openai-chat#2": {"bad-json": 1}}
    ledger = pl.read_parquet(record / "ledger.parquet").filter(pl.col("stage") != "split")
    named = {f"{folder}/chat.jsonl#{n + 1}" for folder, count in counts.items() for n in range(count + 1)}
    assert set(ledger["id"]) == named and manifest.rows == len(named) == 67
    rows = {part.path: part.rows for part in manifest.outputs if part.rows}
    assert sorted(rows) == [
        *(f"hf/data/{split}-00000-of-00001.parquet" for split in ("test", "train", "validation")),
        *(f"{split}.jsonl" for split in ("test", "train", "validation")),
    ]
    asked: dict[str, list[str]] = {}
    for split in ("train", "validation", "test"):
        lines = (tmp_path / f"out/{split}.jsonl").read_text().splitlines()
        asked[split] = [json.loads(line)["messages"][0]["content"] for line in lines]
        table = pyarrow.parquet.read_table(tmp_path / f"out/hf/data/{split}-00000-of-00001.parquet").to_pylist()
        assert [row["messages"][0]["content"] for row in table] == asked[split]
        assert len(lines) == rows[f"{split}.jsonl"] == rows[f"hf/data/{split}-00000-of-00001.parquet"]
    assert sorted(question for questions in asked.values() for question in questions) == sorted(
        f"Question {n}?" for n in range(65)
    )
    import datasets

    loaded = datasets.load_dataset(str(tmp_path / "out/hf"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(loaded[split]) for split in loaded} == {split: len(rows_) for split, rows_ in asked.items()}


def test_a_reader_that_stops_early_is_found_out_and_a_sample_is_not(tmp_path: Path) -> None:
    class Hasty(Reader):
        """Read the first record only."""

        name: ClassVar[str] = "hasty"

        def read(self, source: ftdata.Source) -> Iterator[Batch]:
            rows = ftdata.Rows()
            rows.add([next(iter(source.csv_records())).number], [("user", "Hi")])
            yield rows.batch()

    made = recipe(tmp_path)
    (tmp_path / "in.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(FtdataError, match=r"did not read in.csv to its end"):
        flow.run(replace(made, readers=(Hasty(path=Path("in.csv")),)))
    manifest, rows = flow.sample(made, 3)
    assert manifest.records == 3 == len(rows)


def test_a_readers_reason_is_a_short_code_too(tmp_path: Path) -> None:
    class Chatty(Reader):
        """Drop each record for a sentence."""

        name: ClassVar[str] = "chatty"

        def read(self, source: ftdata.Source) -> Iterator[Batch]:
            rows = ftdata.Rows()
            for block in source.lines():
                for number in range(block.number, block.number + block.count):
                    rows.add([number], drop="x" * 81)
            yield rows.batch()

    made = replace(recipe(tmp_path), readers=(Chatty(path=Path("in.jsonl")),))
    with pytest.raises(FtdataError, match="reader chatty: gave a reason of over 80 characters"):
        flow.run(made)


def test_a_step_called_like_a_reader_has_a_name_of_its_own(tmp_path: Path) -> None:
    class Twin(Transform):
        """Drop every third row."""

        name: ClassVar[str] = "openai-chat"

        def apply(self, batch: Batch) -> Batch:
            return ftdata.batch.mark(batch, batch["row"] % 3 == 1, drop="third")

    made = recipe(tmp_path, Twin())
    (tmp_path / "in.jsonl").write_text((tmp_path / "in.jsonl").read_text() + "no JSON\n")
    manifest = flow.run(made)
    assert manifest.dropped == {"openai-chat": {"bad-json": 1}, "openai-chat#2": {"third": 4}}
    assert [(part.label, part.rows, part.dropped) for part in manifest.stages] == [
        ("openai-chat", 11, 1),
        ("openai-chat#2", 10, 4),
        ("openai-chat", 6, 0),
    ]


class Numbers(Transform):
    """Put numbers into meta that a float would change."""

    name: ClassVar[str] = "numbers"

    def apply(self, batch: Batch) -> Batch:
        text = '{"z":0.10,"long":0.1234567890123456789012,"a":12345678901234567890123}'
        return batch.with_columns(pl.lit(text).alias("meta"))


class Tagger(Selector):
    """Tag each row with a number that a float would change."""

    name: ClassVar[str] = "tagger"

    def reads_meta(self) -> frozenset[str]:
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return batch.select("row")

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        return sketches.with_columns(tags=pl.lit('{"score":1.50}'))


def test_a_spool_and_a_tag_change_no_number_of_meta(tmp_path: Path) -> None:
    made = recipe(tmp_path, Numbers(), Tagger())
    writer = made.writers[0].model_copy(update={"meta": ("z", "long", "a", "tagger.score")})
    flow.run(replace(made, writers=(writer,)))
    line = (tmp_path / "out/all.jsonl").read_text().splitlines()[0]
    numbers = '"z":0.10,"long":0.1234567890123456789012,"a":12345678901234567890123,"tagger.score":1.50'
    assert line.endswith(f'"meta":{{{numbers}}}}}')


@pytest.mark.parametrize("own", ['"pt-BR"', "7", '["a"]', '{"own":1}', "null"])
def test_tags_do_not_overwrite_a_column_of_the_stages_name(tmp_path: Path, own: str) -> None:
    class Named(OpenAIReader):
        """Read rows that have such a column."""

        name: ClassVar[str] = "named"

        def read(self, source: ftdata.Source) -> Iterator[Batch]:
            for batch in super().read(source):
                yield batch.with_columns(meta=pl.lit(f'{{"tagger":{own}}}'))

    made = recipe(tmp_path, Tagger(), Tagger())
    writer = made.writers[0].model_copy(update={"meta": ("tagger", "tagger.score", "tagger.own")})
    flow.run(replace(made, readers=(Named(path=Path("in.jsonl")),), writers=(writer,)))
    meta = json.loads((tmp_path / "out/all.jsonl").read_text().splitlines()[0])["meta"]
    assert meta["tagger.score"] == 1.5
    source = json.loads(own)
    if isinstance(source, dict):
        assert meta["tagger"] == {"own": 1, "score": 1.5}
    else:
        assert meta["tagger"] == (source if source is not None else {"score": 1.5})


def test_what_is_left_of_meta_on_disk_has_the_order_of_its_source() -> None:
    names = [f"k{n}" for n in range(30, 0, -1)]
    batch = ftdata.batch.make_batch(1, {"meta": [json.dumps(dict.fromkeys(names, "x"))]})
    kept = json.loads(engine.without_meta(batch, frozenset({"k7", "not there"}))["meta"][0])
    assert list(kept.items()) == [(name, "x" if name == "k7" else None) for name in names]


def test_a_table_that_is_looked_up_is_said_to_be_one_and_no_spool_outlives_it(tmp_path: Path) -> None:
    class Joined(OpenAIReader):
        """Read with a table beside."""

        name: ClassVar[str] = "joined"

        def read(self, source: ftdata.Source) -> Iterator[Batch]:
            side = source.lookup("users.csv")
            assert list(side.csv_records())
            yield from super().read(source)

    (tmp_path / "users.csv").write_text("id,name\n1,x\n")
    made = recipe(tmp_path, Tagger(), FaultyCheck(late=True))
    made = replace(made, readers=(Joined(path=Path("in.jsonl")),))
    with pytest.raises(FtdataError):
        flow.run(made)
    (tmp_path / "users.csv").write_text("id,name\n1,y\n")
    manifest = flow.run(replace(made, steps=made.steps[:1]))
    assert not manifest.resumed
    assert [(part.name, part.lookup, part.records) for part in manifest.inputs] == [
        ("in.jsonl", False, 10),
        ("users.csv", True, 0),
    ]


def test_an_error_in_the_record_names_no_person(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    (tmp_path / "jane.doe@example.com.jsonl").write_bytes(b"PK\x03\x04")
    with pytest.raises(FtdataError):
        flow.run(replace(made, readers=(OpenAIReader(path=Path("jane.doe@example.com.jsonl")),)))
    told = (tmp_path / "out/.ftdata/recipe/attempt.json").read_text()
    assert "damaged" in told
    assert "jane.doe" not in told


# --- the same bytes ---------------------------------------------------------------------------------------------------

MIXED = {
    "run": {"seed": 3, "on_error": "drop"},
    "read": [{"use": "openai-chat", "path": "a.jsonl"}, {"use": "openai-chat", "path": "b.jsonl"}],
    "step": [
        {"use": "pii"},
        {"use": "length", "max_turns": 3},
        {"use": "exact-dedup"},
        {"use": "system", "text": "Be kind."},
        {"use": "size", "minimum": 5},
        {"use": "split", "validation": 0.2, "test": 0.1},
    ],
    "write": [{"use": "openai-chat", "path": "out/{split}.jsonl"}, {"use": "hf-dataset", "path": "out/hf"}],
}


def fingerprint(folder: Path) -> dict[str, Any]:
    """Run the mixed recipe in a folder; give the bytes of all it publishes, and its manifest but for the times."""
    for name, first in (("a", 0), ("b", 30)):
        rows = [_row(n % 50) for n in range(first, first + 40)]
        rows[3] = rows[3].replace("Question", "I am ann@example.org, İstanbul ß")
        rows[5], rows[9] = "{", json.dumps({"messages": [{"role": "user", "content": "one"}] * 5})
        (folder / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
    flow.run(Recipe.parse(MIXED, folder, "recipe"))
    out = folder / "out"
    found: dict[str, Any] = {
        str(path.relative_to(out)): path.read_bytes().hex()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in ("run.json", "lock")
    }
    run = json.loads((out / ".ftdata/recipe/run.json").read_text())
    found["run.json"] = {key: value for key, value in run.items() if key not in ("started", "finished", "inputs")}
    return found


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return fingerprint(tmp_path_factory.mktemp("ordinary"))


@pytest.mark.parametrize("rows", [1, 7, 40, 100])
def test_the_size_of_batches_changes_nothing(
    rows: int, ordinary: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in list(sys.modules.values()):
        if module.__name__.startswith("ftdata") and getattr(module, "ROWS", None) == 4096:
            monkeypatch.setattr(module, "ROWS", rows)
    assert fingerprint(tmp_path) == ordinary


@pytest.mark.parametrize(
    "setting",
    [
        {"PYTHONHASHSEED": "0", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "1", "TZ": "America/Sao_Paulo", "LC_ALL": "tr_TR.UTF-8", "POLARS_MAX_THREADS": "1"},
        {"PYTHONHASHSEED": "4242", "TZ": "UTC", "LC_ALL": "C.UTF-8", "POLARS_MAX_THREADS": "5", "PYTHONUTF8": "0"},
    ],
    ids=lambda setting: setting["TZ"],
)
def test_the_surroundings_change_nothing(setting: dict[str, str], ordinary: dict[str, Any], tmp_path: Path) -> None:
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from test_engine import fingerprint\n"
        "print(json.dumps(fingerprint(Path(sys.argv[2]))))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, **setting},
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == ordinary


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["secret", "token", "key", "password", "pin", "cvv", "code", "iban", "cpf", "phone", "sk"]),
            st.from_regex(r"[a-z]{1,16}|[0-9]{1,3}", fullmatch=True),
            st.sampled_from(["-", "_", ".", "/", "{", "}"]),
        ),
        max_size=10,
    ).map("".join)
)
def test_what_is_not_looked_at_has_nothing_to_scrub(name: str) -> None:
    assert scrubbed(name) == scrub(name)


@pytest.mark.parametrize("memory", [0, 1, 400, 1 << 20])
def test_frames_are_the_same_held_or_on_disk(tmp_path: Path, memory: int) -> None:
    frames = Frames(tmp_path / "a.arrow", memory)
    frames.append(pl.DataFrame(schema={"row": pl.UInt64}))
    parts = [pl.DataFrame({"row": pl.Series(range(n, n + 20), dtype=pl.UInt64)}) for n in range(0, 100, 20)]
    for part in parts:
        frames.append(part)
    frames.close()
    assert frames.rows == 100
    assert [frame["row"].to_list() for frame in frames if frame.height] == [part["row"].to_list() for part in parts]
    assert frames.scan().collect()["row"].to_list() == list(range(100))
    assert frames.path.exists() == (memory < 1 << 20)


def test_rows_are_taken_from_a_spool_whole_or_in_part(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a.arrow")
    for rows in ([3, 5, 7], [8, 11], [12]):
        spool.append(pl.DataFrame({"row": pl.Series(rows, dtype=pl.UInt64)}))
    spool.close()

    def taken(*numbers: int) -> list[list[int]]:
        return [frame["row"].to_list() for frame in spool.take(numbers)]

    assert taken(3, 5, 7, 12) == [[3, 5, 7], [12]]
    assert taken(3, 4, 7, 11) == [[3, 7], [11]]
    assert taken(1, 2, 8) == [[8]]
