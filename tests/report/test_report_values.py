"""The values of a report: equal to a count by hand of manifest, ledger and outputs; no text unless asked for."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftdata
from ftdata import runs
from ftdata.files import Record
from ftdata.report import Report, as_html, as_json, as_markdown, report
from ftdata.report.measure import Measures, bins, ranked, statistics
from ftdata.rows import place

SAMPLES = Path(__file__).parents[2] / "samples"
TOKEN = "zqtoken91"
"""Stands in every text of every row."""
FORMS = (as_html, as_markdown, as_json)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    place = tmp_path_factory.mktemp("values") / "samples"
    shutil.copytree(SAMPLES, place, ignore=shutil.ignore_patterns("out"))
    ftdata.run(place / "tickets.toml")
    return runs.find(str(place / "tickets.toml"))


@pytest.fixture(scope="module")
def found(record: Record) -> Report:
    return report(record)


def written(record: Record) -> list[dict[str, object]]:
    folder = record.folder.parents[1]
    paths = [folder / f"{side}.jsonl" for side in ("train", "validation", "test")]
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def test_the_funnel_is_the_ledger_counted_another_way(record: Record, found: Report) -> None:
    lines = pl.read_parquet(record.ledger)
    drops = Counter(zip(*lines.filter(event="drop").select("stage", "reason").get_columns(), strict=True))
    told = {(step.label, one.name): one.count for step in found.funnel.steps for one in step.reasons}
    assert told == dict(drops)
    assert (found.funnel.records, found.funnel.rows, found.funnel.written, found.funnel.dropped) == (173, 97, 49, 48)
    assert found.funnel.records == found.funnel.written_records + found.funnel.dropped_records
    left = found.funnel.rows
    for step in found.funnel.steps:
        assert step.rows == left
        left -= step.dropped
    assert left == found.funnel.written == len(written(record))


def test_privacy_counts_what_the_notes_of_the_ledger_say(record: Record, found: Report) -> None:
    notes = pl.read_parquet(record.ledger).filter(pl.col("stage") == "pii", pl.col("note").is_not_null())["note"]
    counts: Counter[str] = Counter()
    for note in notes:
        for part in note.split(", "):
            kind, number = part.split(" ")
            counts[kind] += int(number)
    assert found.privacy is not None
    assert {one.name: one.count for one in found.privacy.replaced} == dict(counts)
    assert found.privacy.rows == len(notes)
    assert found.privacy.left is None  # no check looked, which is not zero


def test_lengths_are_those_of_the_written_rows(record: Record, found: Report) -> None:
    sizes = sorted(sum(len(m["content"]) for m in row["messages"]) for row in written(record))  # type: ignore[attr-defined]
    assert found.lengths is not None
    told = found.lengths.measures["all_characters"]
    assert (told["min"], told["max"], told["mean"]) == (sizes[0], sizes[-1], round(sum(sizes) / len(sizes), 1))
    assert told["median"] == sizes[(len(sizes) - 1) // 2]
    for one in found.lengths.bins:
        assert one.rows == sum(one.low <= size and (one.high is None or size < one.high) for size in sizes)
    assert sum(one.rows for one in found.lengths.bins) == len(sizes)


def test_balance_split_languages_and_targets_come_from_their_steps(found: Report) -> None:
    (balance,) = found.balance
    assert balance.by == "category" and sum(one.count for one in balance.shares) == 49
    assert found.splits is not None and found.languages is not None
    assert {one.name: one.count for one in found.splits.rows} == {"train": 39, "validation": 5, "test": 5}
    assert (found.splits.before, found.splits.after, found.splits.rate) == (0, 0, 0.0)
    assert [(one.name, one.count) for one in found.languages.rows] == [("en", 51)]
    assert [(one.name, one.errors, one.warnings) for one in found.targets] == [("openai", 0, 1)]
    assert [one.section for one in found.unmeasured] == ["tokens"]


def test_outputs_that_changed_are_not_measured(record: Record, tmp_path: Path) -> None:
    root = record.folder.parents[3]
    copy = tmp_path / "out"
    shutil.copytree(root, copy)
    changed = copy / record.folder.relative_to(root).parents[1] / "train.jsonl"
    changed.write_bytes(changed.read_bytes().replace(b"a", b"b", 1))
    told = report(runs.find(str(changed)), show_values=True)
    assert told.lengths is not None and not told.lengths.bins  # as the step measured it when the run was made
    assert told.lengths.source == "lengths" and told.examples == ()


# --- nothing of the rows ----------------------------------------------------------------------------------------------

RECIPE = """
[run]
name = "secret"
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[step]]
use = "turns"
[[step]]
use = "pii"
[[step]]
use = "exact-dedup"
[[step]]
use = "near-dedup"
[[step]]
use = "balance"
by = "label"
[[step]]
use = "tokens"
[[step]]
use = "private-data"
[[step]]
use = "lengths"
[[step]]
use = "format"
for = "openai"
[[write]]
use = "openai-chat"
path = "out.jsonl"
"""


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("secret")
    rows = [
        [("system", f"{TOKEN} rules"), ("user", f"{TOKEN} ask {n}"), ("assistant", f"{TOKEN} a{n % 3}")]
        for n in range(30)
    ]
    rows += [[("user", f"{TOKEN} no answer")], [(f"{TOKEN}-role", "x"), ("assistant", f"{TOKEN} mail a@example.com")]]
    text = "".join(
        json.dumps({"messages": [{"role": role, "content": said} for role, said in row]}) + "\n" for row in rows
    )
    (folder / "in.jsonl").write_text(text + f'{{"{TOKEN}": broken\n')
    (folder / "r.toml").write_text(RECIPE)
    ftdata.run(folder / "r.toml")
    return runs.find(str(folder / "r.toml"))


@pytest.mark.parametrize("form", FORMS)
def test_no_text_of_a_row_unless_it_is_asked_for(form: object, secret: Record) -> None:
    assert callable(form)
    assert TOKEN not in form(report(secret))
    shown = report(secret, show_values=True)
    assert TOKEN in form(shown)
    assert len(shown.examples) == 3


def test_tokens_are_those_of_the_step(secret: Record) -> None:
    told = report(secret)
    assert told.tokens is not None and told.tokens.estimated
    finding = next(one for one in runs.latest(secret).findings if one.code == "tokens-spread")
    assert told.tokens.measures["all"] == finding.numbers["all"]
    assert told.privacy is not None and told.privacy.left == ()


def test_json_keys_are_stable(secret: Record, record: Record) -> None:
    plain, other = (json.loads(as_json(report(one))) for one in (secret, record))
    assert list(plain) == list(other) == ["format", *(name for name in Report.__dataclass_fields__)]
    assert plain["format"] == "ftdata report 1"


def test_a_run_that_failed_has_a_report_too(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("nothing\n")
    (tmp_path / "r.toml").write_text(RECIPE.replace('[[step]]\nuse = "balance"\nby = "label"\n', ""))
    with pytest.raises(ftdata.FtdataError):
        ftdata.run(tmp_path / "r.toml")
    told = report(runs.find(str(tmp_path / "r.toml")))
    assert told.status == "failed" and told.error and told.outputs == ()
    for form in FORMS:
        assert "failed" in form(told)


# --- measures ---------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 10**7) | st.integers(0, 60), max_size=60))
def test_bins_hold_every_value_once(values: list[int]) -> None:
    found = bins(np.array(values, dtype=np.uint64))
    assert len(found) <= 20
    assert sum(one.rows for one in found) == len(values)
    for one, after in itertools.pairwise(found):
        assert one.high == after.low
    for one in found:
        assert one.rows == sum(one.low <= value and (one.high is None or value < one.high) for value in values)
    if found:
        assert found[0].rows and found[-1].rows
        assert len({(one.high or 0) - one.low for one in found if one.high is not None}) <= 1


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=3), st.integers(0, 9)))
def test_ranked_counts_are_the_counts(counts: dict[str, int]) -> None:
    found = ranked(counts)
    assert {one.name: one.count for one in found} == counts
    assert list(found) == sorted(found, key=lambda one: (-one.count, one.name))


def test_statistics_of_a_file_are_those_of_its_lines(record: Record) -> None:
    rows = written(record)
    turns = [m for row in rows for m in row["messages"]]  # type: ignore[attr-defined]
    for what in (str(record.folder.parents[1]), str(record.folder / "run.json")):
        told = statistics(what)
        assert (told.rows, told.messages) == (len(rows), len(turns))
        assert {one.name: one.count for one in told.roles} == Counter(m["role"] for m in turns)
        assert told.characters == sum(len(m["content"]) for m in turns) == sum(one.count for one in told.spoken)
        assert told.copies == len(rows) - len({json.dumps(row["messages"]) for row in rows})
    assert {one.name: one.count for one in told.splits} == {"train": 39, "validation": 5, "test": 5}
    assert [(one.name, one.count) for one in told.languages] == [("en", 51)]


def test_what_is_counted_does_not_depend_on_the_batches(secret: Record) -> None:
    from ftdata.rows import every

    whole, parts = Measures(), Measures()
    for batch in every(place(str(secret.folder / "run.json"))):
        whole.add(batch)
        for start in range(0, batch.height, 7):
            parts.add(batch.slice(start, 7))
    assert whole.told() == parts.told()
    assert whole.told().systems == 1 and whole.told().unread == ()


def test_replacing_nothing_changes_nothing(found: Report) -> None:
    assert as_html(replace(found)) == as_html(found)
