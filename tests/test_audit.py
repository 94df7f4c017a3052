from __future__ import annotations

import json
from math import ceil, log
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata import audit, flow, runs
from ftdata.cli.audit import command
from ftdata.errors import RunError
from ftdata.files import Record
from ftdata.recipe import Recipe

scipy_stats = pytest.importorskip("scipy.stats")


# --- the arithmetic, beside scipy -------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 30_000), st.sampled_from([0.001, 0.005, 0.01, 0.02, 0.05, 0.2, 0.5]))
def test_the_sample_is_the_smallest_that_proves_the_claim(population: int, share: float) -> None:
    bad = int(share * population + 1e-9) + 1
    need = audit.size(population, share)
    assert 1 <= need <= min(population, ceil(log(0.05) / log(1 - share)) + 1)
    chance = scipy_stats.hypergeom(population, bad, need).pmf(0)
    assert chance <= 0.05 + 1e-9
    if need > 1:
        assert scipy_stats.hypergeom(population, bad, need - 1).pmf(0) > 0.05 - 1e-9
    assert audit.bound(population, need, 0) <= share + 1e-12


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5_000), st.data())
def test_the_bound_is_the_largest_share_that_is_not_refuted(population: int, data: st.DataObject) -> None:
    looked = data.draw(st.integers(1, population))
    marked = data.draw(st.integers(0, min(looked, 20)))
    bad = round(audit.bound(population, looked, marked) * population)
    assert marked <= bad <= population - (looked - marked)
    assert bad == marked or scipy_stats.hypergeom(population, bad, looked).cdf(marked) > 0.05 - 1e-9
    if bad < population - (looked - marked):
        assert scipy_stats.hypergeom(population, bad + 1, looked).cdf(marked) <= 0.05 + 1e-9


@pytest.mark.parametrize(("looked", "marked"), [(299, 0), (300, 0), (300, 1), (300, 5), (59, 0), (1000, 12)])
def test_of_a_large_population_it_is_the_limit_of_clopper_and_pearson(looked: int, marked: int) -> None:
    limit = scipy_stats.beta.ppf(0.95, marked + 1, looked - marked)
    assert audit.bound(10_000_000, looked, marked) == pytest.approx(limit, abs=2e-5)


def test_sizes_that_people_know() -> None:
    assert [audit.size(10**9, share) for share in (0.01, 0.05, 0.001)] == [299, 59, 2995]
    assert audit.size(10, 0.01) == 10 and audit.size(100, 0.05) < 45
    assert audit.bound(50, 50, 3) == 3 / 50


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(0, 500), st.integers(0, 2**32))
def test_drawing_grows_and_never_repeats(population: int, count: int, seed: int) -> None:
    rows = audit.draw(population, count, seed)
    assert len(rows) == len(set(rows)) == min(population, count) and all(0 <= row < population for row in rows)
    assert audit.draw(population, count + 7, seed)[: len(rows)] == rows


def test_each_row_is_drawn_as_often_as_any_other() -> None:
    counts = [0] * 20
    for seed in range(2000):
        for row in audit.draw(20, 5, seed):
            counts[row] += 1
    assert scipy_stats.chisquare(counts).pvalue > 1e-4


# --- of a run ---------------------------------------------------------------------------------------------------------


def made(folder: Path, rows: int = 120) -> Record:
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"Zqxv question {n}"},
                {"role": "assistant", "content": f"a {n}\x1b[2J"},
            ]
        }
        for n in range(rows)
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "r.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "split"\nvalidation = 0.2\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n[[write]]\nuse = "hf-dataset"\npath = "out/hf"\n'
    )
    recipe = Recipe.load(folder / "r.toml")
    flow.run(recipe)
    return flow.record_of(recipe)


def test_answers_are_kept_by_row_number_and_gone_on_with(tmp_path: Path) -> None:
    record = made(tmp_path)
    first = audit.begin(record, 0.05)
    assert first.population == 120 and first.bound() == 1.0 and not first.proved()
    sample = first.sample()
    assert len(sample) == audit.size(120, 0.05)
    assert {Path(place.file).name for place in sample} == {"train.jsonl", "validation.jsonl"}
    for place in sample[:10]:
        first.answer(place, False)
    first.answer(sample[10], True)
    first.answer(sample[10], None)
    again = audit.begin(record, 0.05)
    assert again.ok == {place.number for place in sample[:10]} and not again.marked
    assert [place.number for place in again.open_places()] == [place.number for place in sample[10:]]
    assert audit.begin(record, 0.05, seed=1).ok == set()
    finer = audit.begin(record, 0.02)
    assert finer.ok == again.ok and finer.sample()[: len(sample)] == sample
    for place in again.open_places():
        again.answer(place, False)
    assert again.proved()
    assert (
        again.sentence()
        == f"{len(sample)} rows looked at, 0 marked: at most 5.0 % of 120 rows hold personal data (95 %)"
    )
    again.answer(sample[0], True)
    assert not again.proved() and again.bound() > 0.05
    text = audit.path_of(record).read_text()
    assert "Zqxv" not in text and json.loads(text)["marked"] == [sample[0].number]
    assert audit.path_of(record).stat().st_mode & 0o777 == 0o600
    assert runs.verify(record) == []


def test_rows_are_those_of_their_line(tmp_path: Path) -> None:
    record = made(tmp_path)
    mine = audit.begin(record, 0.2)
    for place, text in audit.read(mine, mine.sample()):
        assert text == record.absolute(place.file).read_text().split("\n")[place.line - 1]


def test_changed_bytes_are_refused_and_a_new_run_voids_the_answers(tmp_path: Path) -> None:
    record = made(tmp_path)
    mine = audit.begin(record, 0.2)
    mine.answer(mine.sample()[0], False)
    train = tmp_path / "out/train.jsonl"
    old = train.read_bytes()
    train.write_bytes(old.replace(b"question 1", b"question 2", 1))
    with pytest.raises(RunError, match=r"train\.jsonl: does not hold the bytes that the run wrote"):
        audit.begin(record, 0.2)
    train.write_bytes(old)
    assert audit.begin(record, 0.2).looked == 1
    made(tmp_path, rows=121)
    with pytest.raises(RunError, match="the run was repeated meanwhile"):
        mine.answer(mine.sample()[1], False)
    assert audit.begin(record, 0.2).looked == 0
    audit.path_of(record).write_text("{")
    with pytest.raises(RunError, match="is no audit that this version reads"):
        audit.begin(record, 0.2)


def test_a_run_without_outputs(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no finished run"):
        audit.begin(Record(tmp_path, "none"), 0.01)


# --- the command ------------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_lists(tmp_path: Path) -> None:
    record = made(tmp_path)
    for options in (["--list"], []):
        result = CliRunner().invoke(command, [str(tmp_path / "r.toml"), "--at-most", "5%", *options])
        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert len(lines) == audit.size(120, 0.05)
        assert all(Path(line.rpartition(":")[0]).is_file() for line in lines)
    result = CliRunner().invoke(command, [str(tmp_path / "r.toml"), "--json"])
    told = json.loads(result.stdout)
    assert told["population"] == 120 and told["sample"] == len(told["places"]) and told["proved"] is False
    assert not audit.path_of(record).exists()


@pytest.mark.parametrize("share", ["0", "100%", "x", "-1%", "2"])
def test_what_is_no_share(share: str) -> None:
    result = CliRunner().invoke(command, ["run", "--at-most", share])
    assert result.exit_code == 2 and "is no share; write 1% or 0.01" in result.output


def test_paging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = made(tmp_path, rows=12)
    keys = iter("oxbomoq")
    monkeypatch.setattr("click.getchar", lambda: next(keys))

    class Terminal:
        def isatty(self) -> bool:
            return True

    from ftdata.cli import audit as cli

    monkeypatch.setattr(cli, "sys", type("Sys", (), {"stdin": Terminal(), "stdout": Terminal()}))
    result = CliRunner().invoke(command, [str(tmp_path / "r.toml"), "--at-most", "10%"])
    assert result.exit_code == 1, result.output
    sample = audit.begin(record, 0.1).sample()
    held = json.loads(audit.path_of(record).read_text())
    assert (held["ok"], held["marked"]) == (sorted([sample[0].number, sample[2].number]), [sample[1].number])
    assert "3 rows looked at, 1 marked" in result.output
    assert "user: Zqxv question" in result.output and "\x1b[2J" not in result.output
