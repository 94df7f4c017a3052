"""Two runs side by side: the rows that only one wrote, those both wrote unlike, and the setting that did it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ftdata
from ftdata import runs
from ftdata.cli.diff import command
from ftdata.comparison import Comparison, compare
from ftdata.errors import InputError, RecipeError

TOKEN = "zqtoken91"


def run(folder: Path, name: str, steps: str, source: str = "in.jsonl", write: str = "") -> None:
    (folder / f"{name}.toml").write_text(
        f"[run]\nname = '{name}'\n[[read]]\nuse = 'openai-chat'\npath = '{source}'\n{steps}\n[[write]]\n"
        + (write or f"use = 'openai-chat'\npath = 'out-{name}/{{split}}.jsonl'\n")
    )
    ftdata.run(folder / f"{name}.toml")


def diff(folder: Path, one: str = "a", other: str = "b") -> Comparison:
    return compare(runs.find(str(folder / f"{one}.toml")), runs.find(str(folder / f"{other}.toml")))


def write(path: Path, texts: list[tuple[str, str]]) -> None:
    rows = [{"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]} for q, a in texts]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def ids(found: Comparison, what: str) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(one.stage, one.reason): one.ids for one in found.groups if one.what == what}


def causes(found: Comparison, stage: str) -> set[str]:
    return {cause for one in found.groups if one.stage == stage for cause in one.causes}


ROWS = [
    (f"{TOKEN} short", "ok"),
    (f"{TOKEN} a question of some length, that stands here", "and its answer, which is longer"),
    (f"{TOKEN} write to ana@example.com please, she knows", "I shall write to her today"),
    (f"{TOKEN} the same", "the same answer as the other one"),
    (f"{TOKEN} the same", "the same answer as the other one"),
    (f"{TOKEN} call +1 202 555 0143 or not at all", "we call you in the afternoon"),
]
LENGTH = "[[step]]\nuse = 'length'\nmin_chars = {}\n"


def test_every_way_in_which_rows_differ_is_told_with_its_setting(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    run(tmp_path, "a", LENGTH.format(1) + "[[step]]\nuse = 'exact-dedup'\n")
    run(tmp_path, "b", "[[step]]\nuse = 'pii'\n" + LENGTH.format(30))
    found = diff(tmp_path)
    assert (found.rows, found.written, found.texts) == ((6, 6), (5, 5), True)
    assert ids(found, "removed") == {("length", "too-short"): ("in.jsonl#1",)}
    assert ids(found, "added") == {("exact-dedup", "duplicate"): ("in.jsonl#5",)}
    assert ids(found, "changed") == {("pii", "other text"): ("in.jsonl#3", "in.jsonl#6")}
    assert found.same == 2 and found.inputs == () and found.versions == ()
    assert causes(found, "length") == {"length: min_chars: 1 → 30"}
    assert causes(found, "exact-dedup") == {"exact-dedup: only in A"}
    assert causes(found, "pii") == {"pii: only in B"}
    assert [str(change) for change in found.changes] == [
        "length: min_chars: 1 → 30",
        "exact-dedup: only in A",
        "pii: only in B",
    ]


def test_the_other_way_round_what_was_added_was_removed(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    run(tmp_path, "a", LENGTH.format(1) + "[[step]]\nuse = 'exact-dedup'\n")
    run(tmp_path, "b", "[[step]]\nuse = 'pii'\n" + LENGTH.format(30))
    one, other = diff(tmp_path), diff(tmp_path, "b", "a")
    assert ids(one, "added") == ids(other, "removed") and ids(one, "removed") == ids(other, "added")
    assert ids(one, "changed") == ids(other, "changed") and one.same == other.same


def test_a_row_that_changes_sides_did_so_by_the_split(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", [(f"question number {n}, all by itself {n * 7919}", f"answer {n}") for n in range(40)])
    for name, seed in (("a", 0), ("b", 1)):
        run(tmp_path, name, f"[[step]]\nuse = 'split'\nvalidation = 0.2\nthreshold = 'off'\nseed = {seed}\n")
    found = diff(tmp_path)
    sides = {}
    for name in "ab":
        for side in ("train", "validation"):
            for line in (tmp_path / f"out-{name}" / f"{side}.jsonl").read_text().splitlines():
                sides.setdefault(line, []).append(side)
    moved = sum(one != other for one, other in sides.values())
    assert moved and found.count("changed") == moved and found.same == 40 - moved
    assert set(ids(found, "changed")) <= {("split", "train → validation"), ("split", "validation → train")}
    assert causes(found, "split") == {"split: seed: 0 → 1"}


def test_runs_that_are_alike_differ_in_nothing(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    for name in "ab":
        run(tmp_path, name, "[[step]]\nuse = 'pii'\n[[step]]\nuse = 'near-dedup'\n")
    found = diff(tmp_path)
    assert found.groups == found.changes == found.inputs == () and found.same == found.written[0]


def test_another_input_is_the_cause_where_no_setting_is(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    run(tmp_path, "a", "[[step]]\nuse = 'exact-dedup'\n")
    write(tmp_path / "in.jsonl", [*ROWS[:3], ("another", "question"), *ROWS[4:], ("one more", "row")])
    run(tmp_path, "b", "[[step]]\nuse = 'exact-dedup'\n")
    found = diff(tmp_path)
    assert found.inputs == ("in.jsonl: holds other bytes",)
    assert ids(found, "added") == {
        ("exact-dedup", "duplicate"): ("in.jsonl#5",),
        ("", "not read by A"): ("in.jsonl#7",),
    }
    assert ids(found, "changed") == {("", "other text"): ("in.jsonl#4",)}
    assert {cause for one in found.groups for cause in one.causes} == {"in.jsonl: holds other bytes"}


def test_a_cause_before_the_stage_is_named_as_such(tmp_path: Path) -> None:
    write(
        tmp_path / "in.jsonl",
        [("mail ana@example.com now", "done at once"), ("mail bea@example.org now", "done at once")],
    )
    run(tmp_path, "a", "[[step]]\nuse = 'exact-dedup'\n")
    run(tmp_path, "b", "[[step]]\nuse = 'pii'\n[[step]]\nuse = 'exact-dedup'\n")
    found = diff(tmp_path)
    assert ids(found, "removed") == {("exact-dedup", "duplicate"): ("in.jsonl#2",)}
    assert causes(found, "exact-dedup") == {"before it, pii: only in B"}


def test_a_row_made_of_other_records_is_another(tmp_path: Path) -> None:
    lines = ["ticket,role,author,body"]
    lines += [
        "1,customer,Ana,Where is it?",
        "1,agent,Bea,On its way.",
        "1,agent,Robo,Rate us.",
        "2,customer,Cy,And mine?",
    ]
    (tmp_path / "in.csv").write_text("\n".join([*lines, "2,agent,Bea,Here it is."]) + "\n")
    for name, bots in (("a", ""), ("b", "bots = ['Robo']\n")):
        (tmp_path / f"{name}.toml").write_text(
            f"[run]\nname = '{name}'\n[[read]]\nuse = 'tickets'\npath = 'in.csv'\n{bots}"
            f"[[write]]\nuse = 'openai-chat'\npath = 'out-{name}/train.jsonl'\n"
        )
        ftdata.run(tmp_path / f"{name}.toml")
    found = diff(tmp_path)
    assert ids(found, "changed") == {("", "made of other records"): ("in.csv#1",)}
    assert causes(found, "") == {"before it, tickets: bots: [] → ['Robo']"}
    assert (found.same, found.count("added"), found.count("removed")) == (1, 0, 0)


def test_every_line_of_a_row_is_compared(tmp_path: Path) -> None:
    turns = [("user", "one?"), ("assistant", "two"), ("user", "three?"), ("assistant", "write to ana@example.com")]
    row = {"messages": [{"role": role, "content": said} for role, said in turns]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    for name, steps in (("a", ""), ("b", "[[step]]\nuse = 'pii'\n")):
        run(tmp_path, name, steps, write=f"use = 'openai-chat'\npath = 'x-{name}.jsonl'\nturns = 'expand'\n")
    found = diff(tmp_path)
    assert ids(found, "changed") == {("pii", "other text"): ("in.jsonl#1",)} and found.same == 0


def test_parquet_is_compared_too(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    for name, steps in (("a", ""), ("b", "[[step]]\nuse = 'pii'\n")):
        run(tmp_path, name, steps, write=f"use = 'hf-dataset'\npath = 'hf-{name}'\n")
    found = diff(tmp_path)
    assert found.texts and ids(found, "changed") == {("pii", "other text"): ("in.jsonl#3", "in.jsonl#6")}
    assert found.same == 4


def test_without_the_outputs_the_ledgers_are_compared(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    for name, steps in (("a", ""), ("b", "[[step]]\nuse = 'pii'\n")):
        run(tmp_path, name, steps)
    (tmp_path / "out-a" / "train.jsonl").write_text("other\n")
    found = diff(tmp_path)
    assert not found.texts and ids(found, "changed") == {("pii", "other text"): ("in.jsonl#3", "in.jsonl#6")}


def test_runs_that_cannot_be_compared_say_why(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    run(tmp_path, "a", "")
    with pytest.raises(RecipeError, match="give one of the two runs another name"):
        diff(tmp_path, "a", "a")
    with pytest.raises(FtdataErrors):
        run(tmp_path, "b", LENGTH.format(10_000))
    with pytest.raises(InputError, match="holds no finished run to compare"):
        diff(tmp_path)


FtdataErrors = ftdata.FtdataError

LINES = st.lists(
    st.tuples(
        st.sampled_from(["red", "blue sky", "a@example.com", "some longer words here"]), st.text("xy ", max_size=9)
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_the_counts_are_those_of_the_files(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], low: int, high: int, dedup: bool
) -> None:
    """An oracle of sets: every row says its own number, so the files alone tell which rows were written."""
    folder = tmp_path_factory.mktemp("law")
    write(folder / "in.jsonl", [("kept always, whatever the length is", "n0"), *((q, f"{a}.") for q, a in rows)])
    steps = "[[step]]\nuse = 'exact-dedup'\n" if dedup else ""
    run(folder, "a", LENGTH.format(low))
    run(folder, "b", "[[step]]\nuse = 'pii'\n" + LENGTH.format(high) + steps)
    import polars as pl

    written = []
    for name in "ab":
        record = runs.find(str(folder / f"{name}.toml"))
        lines = (folder / f"out-{name}" / "train.jsonl").read_text().splitlines()
        events = pl.read_parquet(record.ledger).filter(event="write").sort("line")
        written.append(dict(zip(events["id"], lines, strict=True)))
    found = diff(folder)
    one, other = written
    assert found.count("removed") == len(one.keys() - other.keys())
    assert found.count("added") == len(other.keys() - one.keys())
    assert found.count("changed") == sum(one[key] != other[key] for key in one.keys() & other.keys())
    assert found.same == sum(one[key] == other[key] for key in one.keys() & other.keys())


def test_the_command_counts_first_and_shows_no_text(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", ROWS)
    run(tmp_path, "a", LENGTH.format(1))
    run(tmp_path, "b", "[[step]]\nuse = 'pii'\n" + LENGTH.format(30))
    line = [str(tmp_path / f"{name}.toml") for name in "ab"]
    told = CliRunner().invoke(command, line)
    assert told.exit_code == 0 and TOKEN not in told.output and "in.jsonl#1" not in told.stdout
    assert told.stdout.splitlines()[:3] == [
        "rows read     6 → 6",
        "rows written  6 → 5",
        "              1 removed, 0 added, 2 changed, 3 the same",
    ]
    assert "1 removed  dropped by B at length: too-short" in told.stdout
    listed = CliRunner().invoke(command, [*line, "--most", "1"]).stdout
    assert "    in.jsonl#3\n    and 1 more" in listed
    told = json.loads(CliRunner().invoke(command, [*line, "--json"]).stdout)
    assert [(one["what"], one["ids"]) for one in told["groups"]] == [
        ("removed", ["in.jsonl#1"]),
        ("changed", ["in.jsonl#3", "in.jsonl#6"]),
    ]
