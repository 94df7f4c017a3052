"""Nested subsets of the training rows: the smaller in the larger, whole groups, and no row lost or counted twice."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata import Recipe, run, runs
from ftdata.batch import to_batches
from ftdata.cli import cli
from ftdata.conversation import Conversation, assistant, user
from ftdata.errors import InputError, OutputError, RunError
from ftdata.selectors.split import Split


class Held:
    """Nothing is read again where near-duplicates are not looked for."""

    def tick(self) -> None:
        """Nobody stops a test."""


def decided(stage: Split, owners: list[int], labels: list[str] | None = None) -> pl.DataFrame:
    rows = [
        Conversation(
            row=n,
            id=f"f#{n}",
            origin=(n,),
            messages=(user(f"question {chr(97 + n % 26) * (1 + n // 26)}"), assistant("r")),
            meta={"customer": owner, "kind": labels[n - 1] if labels else "k"},
        )
        for n, owner in enumerate(owners, 1)
    ]
    sketches = pl.concat(stage.sketch(batch) for batch in to_batches(rows))
    made = stage.select(sketches.lazy(), Held()).collect().sort("row")  # type: ignore[arg-type]
    return made.with_columns(owner=pl.Series(owners))


def subset(frame: pl.DataFrame, *percents: int) -> set[int]:
    wanted = [f"curve-{percent}" for percent in percents]
    return set(frame.filter(pl.col("flags").list.eval(pl.element().is_in(wanted)).list.any())["row"])


def test_subsets_are_nested_of_their_sizes_and_another_seed_gives_others():
    told = decided(Split(curve=(25, 50, 100), threshold="off", validation=0.2), list(range(500)))
    train = set(told.filter(pl.col("split") == "train")["row"])
    quarter, half = subset(told, 25), subset(told, 25, 50)
    assert quarter < half < train
    assert abs(len(quarter) - 0.25 * len(train)) <= 1 and abs(len(half) - 0.5 * len(train)) <= 1
    flags = told["flags"].drop_nulls().list.len()
    assert flags.max() == 1, "a row is flagged by the smallest subset alone"
    assert subset(decided(Split(curve=(25,), threshold="off", seed=1), list(range(500))), 25) != quarter
    plain = decided(Split(threshold="off", validation=0.2), list(range(500)))
    assert plain["split"].equals(told["split"]), "who asks for a curve gets the same sides"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=40, max_size=120))
def test_groups_stand_together(owners: list[int]):
    try:
        told = decided(Split(curve=(30, 60), threshold="off", group="customer"), owners)
    except RunError:  # a side or a subset would be empty
        return
    train = told.filter((pl.col("split") == "train") & pl.col("drop").is_null())
    small, large = subset(told, 30), subset(told, 30, 60)
    for rows in (small, large):
        inside = set(train.filter(pl.col("row").is_in(list(rows)))["owner"])
        outside = set(train.filter(~pl.col("row").is_in(list(rows)))["owner"])
        assert not inside & outside
    assert small <= large and small


def test_labels_keep_their_proportion():
    labels = ["rare" if n % 5 == 0 else "often" for n in range(1000)]
    told = decided(Split(curve=(20,), threshold="off", stratify="kind"), list(range(1000)), labels)
    train = told.with_columns(kind=pl.Series(labels)).filter(pl.col("split") == "train")
    for kind in ("rare", "often"):
        of = train.filter(pl.col("kind") == kind)
        assert abs(len(subset(of, 20)) - 0.2 * of.height) <= 1


@pytest.mark.parametrize("percents", [(50, 25), (25, 25), (0,), (101,)])
def test_percents_that_make_no_curve_are_refused(percents: tuple[int, ...]):
    with pytest.raises(ValidationError):
        Split(curve=percents)


def test_a_subset_without_a_row_stops_the_run():
    with pytest.raises(RunError, match=r"curve: 1 % of .* would be empty"):
        decided(Split(curve=(1,), threshold="off"), list(range(12)))


RECIPE = """
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[step]]
use = "split"
threshold = "off"
curve = [25, 50]
[[write]]
use = "openai-chat"
path = "out/{split}.jsonl"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [
        {"messages": [{"role": "user", "content": f"ask {'x' * n}"}, {"role": "assistant", "content": "yes"}]}
        for n in range(60)
    ]
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("r.toml").write_text(RECIPE)
    return tmp_path


CURVE = ["curve", "r.toml", "--into", "subsets"]


@pytest.mark.parametrize("more", ["", "bom = true\n", 'turns = "expand"\n'])
def test_the_command_copies_lines_and_the_law_holds(folder: Path, more: str):
    Path("r.toml").write_text(RECIPE + more)
    run(Recipe.load(Path("r.toml")))
    done = CliRunner().invoke(cli, [*CURVE, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [one["percent"] for one in told] == [25, 50, 100]
    train = Path("out/train.jsonl").read_bytes()
    texts = [Path(one["path"]).read_bytes() for one in told]
    assert texts[2] == train and [len(text.splitlines()) for text in texts] == [one["lines"] for one in told]
    lines = [text.removeprefix(b"\xef\xbb\xbf").splitlines() for text in texts]
    assert set(lines[0]) < set(lines[1]) < set(lines[2]) and lines[1] == [ln for ln in lines[2] if ln in lines[1]]
    assert all(text.startswith(b"\xef\xbb\xbf") == ("bom" in more) for text in texts)
    found = runs.latest(runs.find("r.toml"))
    assert found.rows == found.written + found.dropped_rows and not runs.verify(runs.find("r.toml"))
    with pytest.raises(OutputError, match="exists already"):
        raise _error(CURVE)
    assert CliRunner().invoke(cli, [*CURVE, "--overwrite"]).exit_code == 0


def test_a_run_without_subsets_or_with_another_file_is_refused(folder: Path):
    Path("r.toml").write_text(RECIPE.replace("curve = [25, 50]\n", ""))
    run(Recipe.load(Path("r.toml")))
    assert isinstance(error := _error(CURVE), InputError) and "curve = [25, 50]" in str(error)
    Path("r.toml").write_text(RECIPE)
    run(Recipe.load(Path("r.toml")))
    Path("out/train.jsonl").write_text("{}\n")
    assert isinstance(error := _error(CURVE), InputError) and "has changed" in str(error)


def _error(words: list[str]) -> BaseException:
    done = CliRunner().invoke(cli, words)
    assert done.exception is not None
    return done.exception
