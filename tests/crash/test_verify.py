"""`verify` finds whatever was changed after the run: a bit, a row, a file, a mixed set, a doctored ledger."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from scene import RECIPE, record, write_input

from ftdata import flow, runs
from ftdata.cli.verify import command
from ftdata.errors import InputError, RunError
from ftdata.files import sha256


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    (folder / "recipe.toml").write_text(RECIPE)
    write_input(folder / "in.jsonl", 60, seed=3)
    flow.run(folder / "recipe.toml")
    assert runs.verify(record(folder)) == []
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def codes(folder: Path) -> set[tuple[str, str]]:
    return {(problem.code, Path(problem.path).name) for problem in runs.verify(record(folder))}


def outputs(folder: Path) -> list[Path]:
    """List every file that the run answers for: outputs of each kind, and the ledger."""
    seen = sorted(p for p in (folder / "out").rglob("*") if p.is_file() and ".ftdata" not in p.parts)
    assert {path.suffix for path in seen} == {".jsonl", ".parquet", ".md"}
    return [*seen, record(folder).ledger]


def test_a_thousand_flipped_bits(run: Path) -> None:
    chance = random.Random(7)
    files = outputs(run)
    found = 0
    for number in range(1000):
        path = files[number % len(files)]
        with path.open("r+b") as stream:
            size = path.stat().st_size
            # The end of a Parquet file holds its schema: half of the flips fall there.
            at = chance.randrange(size) if number % 2 else chance.randrange(max(0, size - 600), size)
            stream.seek(at)
            byte = stream.read(1)[0]
            stream.seek(at)
            stream.write(bytes([byte ^ 1 << chance.randrange(8)]))
        found += ("changed", path.name) in codes(run)
        with path.open("r+b") as stream:
            stream.seek(at)
            stream.write(bytes([byte]))
    assert found == 1000
    assert runs.verify(record(run)) == []


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


ROWS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "swapped": swapped,
    "dropped": lambda lines: lines[:3] + lines[4:],
    "duplicated": lambda lines: [*lines[:3], lines[2], *lines[3:]],
    "appended": lambda lines: [*lines, lines[0]],
    "truncated": lambda lines: lines[:-1],
    "emptied": lambda lines: [],
}


@pytest.mark.parametrize("change", ROWS)
def test_rows(run: Path, change: str) -> None:
    path = run / "out" / "jsonl" / "train.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(ROWS[change](lines)))
    assert codes(run) == {("changed", "train.jsonl")}


def test_two_rows_of_equal_length_swapped(run: Path) -> None:
    path = run / "out" / "jsonl" / "train.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    size = path.stat().st_size
    lines[0], lines[1] = (line.replace(b"word", b"wxrd", 1) for line in (lines[0], lines[1]))
    path.write_bytes(b"".join(lines))
    assert path.stat().st_size == size
    assert codes(run) == {("changed", "train.jsonl")}


def test_rows_of_parquet(run: Path) -> None:
    path = next((run / "out" / "hf" / "data").glob("train-*"))
    frame = pl.read_parquet(path)
    for changed in (frame.reverse(), frame.head(frame.height - 1), pl.concat([frame, frame.head(1)])):
        path.unlink()
        changed.write_parquet(path)
        assert codes(run) == {("changed", path.name)}


def test_lost_and_added_files(run: Path) -> None:
    (run / "out" / "jsonl" / "test.jsonl").unlink()
    data = run / "out" / "hf" / "data"
    lost = next(data.glob("validation-*"))
    lost.unlink()
    shutil.copy(next(data.glob("train-*")), data / "train-00001-of-00002.parquet")
    assert codes(run) == {
        ("lost", "test.jsonl"),
        ("lost", lost.name),
        ("added", "train-00001-of-00002.parquet"),
    }


def test_the_whole_folder_is_lost(run: Path) -> None:
    shutil.rmtree(run / "out" / "hf")
    assert {code for code, _ in codes(run)} == {"lost"}


def test_a_mixed_set(run: Path) -> None:
    """One file of an older run among the new ones, each of them whole."""
    older = (run / "out" / "jsonl" / "train.jsonl").read_bytes()
    write_input(run / "in.jsonl", 70, seed=4)
    flow.run(run / "recipe.toml")
    assert runs.verify(record(run)) == []
    (run / "out" / "jsonl" / "train.jsonl").write_bytes(older)
    assert codes(run) == {("changed", "train.jsonl")}


def test_the_ledger_lost_or_of_another_run(run: Path) -> None:
    ledger = record(run).ledger
    kept = ledger.read_bytes()
    ledger.unlink()
    assert codes(run) == {("lost", "ledger.parquet")}
    ledger.write_bytes(kept[:-1])
    assert codes(run) == {("changed", "ledger.parquet")}


def first(frame: pl.DataFrame, event: str) -> pl.Expr:
    place = frame["event"].to_list().index(event)
    return pl.int_range(pl.len()) == place


DOCTORED: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "a written line gone": (lambda f: f.filter(~first(f, "write")), "miscounted"),
    "a written line twice": (lambda f: pl.concat([f, f.filter(first(f, "write"))]), "miscounted"),
    "a line number named twice": (
        lambda f: f.with_columns(line=pl.when(first(f, "write")).then(pl.col("line") + 1).otherwise("line")),
        "miscounted",
    ),
    "lines of another file": (
        lambda f: f.with_columns(output=pl.when(first(f, "write")).then(pl.lit("x.jsonl")).otherwise("output")),
        "miscounted",
    ),
    "a drop gone": (lambda f: f.filter(~first(f, "drop")), "unbalanced"),
    "a drop twice": (lambda f: pl.concat([f, f.filter(first(f, "drop"))]), "unbalanced"),
    "another reason": (
        lambda f: f.with_columns(reason=pl.when(first(f, "drop")).then(pl.lit("x")).otherwise("reason")),
        "unbalanced",
    ),
    "a row under another's number": (
        lambda f: f.with_columns(row=pl.when(first(f, "drop")).then(pl.lit(1, pl.UInt64)).otherwise("row")),
        "unbalanced",
    ),
    "another record": (
        lambda f: f.with_columns(
            origin=pl.when(first(f, "drop")).then(pl.lit([1], pl.List(pl.UInt64))).otherwise("origin")
        ),
        "unbalanced",
    ),
}


@pytest.mark.parametrize("change", DOCTORED)
def test_a_ledger_doctored_with_its_hash(run: Path, change: str) -> None:
    """Whoever edits the ledger and writes its new hash into the manifest is found by counting."""
    home = record(run)
    doctor, code = DOCTORED[change]
    frame = doctor(pl.read_parquet(home.ledger))
    home.ledger.unlink()
    frame.write_parquet(home.ledger)
    rehash(run, home.ledger)
    assert code in {problem.code for problem in runs.verify(home)}


def rehash(run: Path, *paths: Path) -> None:
    """Write the hashes of changed files into the manifest, as a forger would."""
    home = record(run)
    manifest: dict[str, Any] = json.loads(home.manifest.read_text())
    for path in paths:
        for move in manifest["publish"]:
            final = home.absolute(move["final"])
            for name in move["files"]:
                if (final / name if name else final) == path:
                    move["files"][name] = sha256(path)
        for out in manifest["outputs"]:
            if home.absolute(out["path"]) == path:
                out["sha256"] = sha256(path)
        if path == home.ledger:
            manifest["ledger_sha256"] = sha256(path)
    home.manifest.write_text(json.dumps(manifest))


def jsonl_and_parquet(run: Path) -> Iterator[Path]:
    yield run / "out" / "jsonl" / "train.jsonl"
    yield next((run / "out" / "hf" / "data").glob("train-*"))


@pytest.mark.parametrize("kind", [0, 1])
def test_an_output_doctored_with_its_hash(run: Path, kind: int) -> None:
    """A lost row is found by counting the file's own rows, though every hash fits."""
    path = list(jsonl_and_parquet(run))[kind]
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        path.unlink()
        frame.head(frame.height - 1).write_parquet(path)
    else:
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    rehash(run, path)
    assert codes(run) == {("miscounted", path.name)}


def test_a_damaged_manifest_is_one_line(run: Path) -> None:
    home = record(run)
    home.manifest.write_bytes(home.manifest.read_bytes()[:-40])
    with pytest.raises(runs.FtdataError, match=r"run\.json: is not a manifest"):
        runs.verify(home)


def test_a_damaged_manifest_of_another_run_hides_no_record(run: Path) -> None:
    path = run / "out" / "jsonl" / "train.jsonl"
    for home in (record(run).folder.with_name("a"), run / ".ftdata" / "b", run / "out" / "beside" / ".ftdata" / "c"):
        home.mkdir(parents=True)
        (home / "run.json").write_text("{")
        found = runs.find(str(path))
        assert found.folder == record(run).folder, home
    # Of a file that no other record lists it may be the run that wrote it.
    stranger = path.with_name("stranger.jsonl")
    stranger.write_text("")
    with pytest.raises(RunError, match=r"run\.json: is not a manifest"):
        runs.find(str(stranger))


def test_a_damaged_manifest_below_is_not_that_of_a_file(tmp_path: Path) -> None:
    home = tmp_path / "below" / ".ftdata" / "a"
    home.mkdir(parents=True)
    (home / "run.json").write_text("{")
    (tmp_path / "stranger.jsonl").write_text("")
    with pytest.raises(InputError, match="no run's record lists this output"):
        runs.find(str(tmp_path / "stranger.jsonl"))


def test_the_command(run: Path) -> None:
    told = CliRunner().invoke(command, [str(run / "recipe.toml")])
    assert told.exit_code == 0
    assert "all as the run wrote them" in told.stderr
    path = run / "out" / "jsonl" / "train.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    told = CliRunner().invoke(command, [str(path)])
    assert told.exit_code == 1
    assert told.stdout == "train.jsonl  changed  holds other bytes than the run wrote\n"
    listed = json.loads(CliRunner().invoke(command, [str(path), "--json"]).stdout)
    assert [problem["code"] for problem in listed] == ["changed"]
