"""Bytes leave in the one allowed case of 512, and with what was accepted in just that many more."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ftdata import flow
from ftdata.cost import Estimate, estimate, load
from ftdata.cost.amounts import money
from ftdata.cost.counting import of as counted
from ftdata.cost.plan import Plan
from ftdata.errors import InputError, RecipeError, RefusedError
from ftdata.handoff.gate import CONDITIONS, Handoff, Passed, accepts, let_through, refusals
from ftdata.recipe import Recipe
from ftdata.targets import Profile
from ftdata.targets import load as target

TODAY = date(2026, 11, 22)
CODES = [one.code for one in CONDITIONS]
ACME = """
name = "acme"
title = "Acme"
layout = "openai-chat"
checked = 2026-11-21
[source.page]
title = "its page"
checked = 2026-11-21
[[event]]
date = {closes}
kind = "closes"
what = "the last day"
source = "page"
[[rule]]
code = "acme-max-rows"
kind = "max-rows"
level = "error"
evidence = "guide"
what = "few rows"
fix = "write fewer"
source = "page"
params = {{ maximum = {most} }}
"""
PRICES = """
[[price]]
vendor = "openai"
model = "gpt-4o-mini"
currency = "USD"
unit = "1M tokens"
url = "https://example.com/contract"
date = {today}
training = 3.0
"""


class Vendor:
    """Takes files, and keeps what it was sent."""

    def __init__(self) -> None:
        self.got: dict[str, bytes] = {}

    def send(self, passed: Passed) -> None:
        for split, path in passed.handoff.files.items():
            self.got[split] = path.read_bytes()


def run(
    folder: Path, *, private: bool = False, unsplit: bool = False, dropped: bool = False, unstated: bool = False
) -> Path:
    """Run a small recipe that keeps, or does not, what four of the conditions ask for; give its recipe."""
    folder.mkdir()
    mail = "write to ana.souza@correio-teste.com" if private else "write to us"
    rows: list[dict[str, Any]] = [
        {
            "messages": [
                {"role": "user", "content": f"{word}, where is it?"},
                {"role": "assistant", "content": f"{word}: {mail}"},
            ]
        }
        for word in (
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
        )
    ]
    many = rows[:9] * (4 if dropped else 1) + rows[9:]
    source = folder / "in"
    source.mkdir()
    cut = len(many) - 3
    for name, part in (("train", many[:cut]), ("validation", many[cut:])) if unsplit else (("train", many),):
        pl.DataFrame(part).write_parquet(source / f"{name}-00000-of-00001.parquet")
    steps: list[dict[str, Any]] = [{"use": "exact-dedup"}] if dropped else []
    steps += [] if unsplit else [{"use": "split", "validation": 0.25}]
    table = {
        "read": [{"use": "openai-chat", "path": "in"}],
        "step": steps,
        "write": [{"use": "openai-chat", "path": "out/{split}.jsonl"}],
    }
    if not unstated:
        table["provenance"] = {"source": "made up", "lawful_basis": "none needed", "destinations": ["acme"]}
    recipe = Recipe.parse(table, folder, "job")
    flow.run(recipe)
    (folder / "job.toml").write_text("")
    return folder


def profile(folder: Path, *, strict: bool, closed: bool) -> Profile:
    path = folder / f"acme-{strict}-{closed}.toml"
    path.write_text(ACME.format(most=1 if strict else 1000, closes="2026-01-01" if closed else "2028-01-01"))
    return target(str(path))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[bool, ...], Path]:
    """A run for each of the sixteen cases of what runs leave behind."""
    place = tmp_path_factory.mktemp("runs")
    return {
        bits: run(
            place / "".join(map(str, map(int, bits))),
            private=bits[0],
            unsplit=bits[1],
            dropped=bits[2],
            unstated=bits[3],
        )
        for bits in itertools.product((False, True), repeat=4)
    }


@functools.cache
def estimated(file: Path, content: bytes) -> Estimate:
    """Estimate what training on a file costs, once for each content that it has."""
    assert file.read_bytes() == content
    own = file.parent / "prices.toml"
    own.write_text(PRICES.format(today=date.today().isoformat()))
    prices = load(date.today(), own)
    own.unlink()
    return estimate(counted(str(file)), Plan(vendor="openai", model="gpt-4o-mini"), prices)


def handoff(folder: Path, place: Path, bits: dict[str, bool]) -> Handoff:
    file = folder / "out/train.jsonl"
    return Handoff.of(
        str(file),
        profile(place, strict=bits["target"], closed=bits["open"]),
        "acme",
        estimate=estimated(file, file.read_bytes()),
        max_cost=money("0.0000001USD" if bits["cost"] else "5USD"),
        today=TODAY,
        preflight=("no end token",) if bits["preflight"] else (),
    )


def test_bytes_leave_in_one_case_of_512_and_with_what_is_accepted_in_just_that(
    runs: dict[tuple[bool, ...], Path], tmp_path: Path
):
    left = 0
    for own, folder in runs.items():
        whole = (folder / "out/train.jsonl").read_bytes()
        for rest in itertools.product((False, True), repeat=5):
            of_run = dict(zip(("private-data", "leaks", "drops", "provenance"), own, strict=True))
            bits = of_run | dict(zip(("bytes", "target", "cost", "open", "preflight"), rest, strict=True))
            (folder / "out/train.jsonl").write_bytes(whole + b"\n" if bits["bytes"] else whole)
            given = handoff(folder, tmp_path, bits)
            broken = {code for code in CODES if bits[code]}
            assert {one.code for one in refusals(given)} == broken
            vendor = Vendor()
            if broken:
                with pytest.raises(RefusedError) as told:
                    vendor.send(let_through(given, {}))
                assert told.value.exit_code == 6 and all(f"refused ({code})" in str(told.value) for code in broken)
            else:
                vendor.send(let_through(given, {}))
            assert bool(vendor.got) == (not broken)
            left += bool(vendor.got)
            if len(broken) in (1, 9):
                passed = let_through(given, dict.fromkeys(broken, "tried on purpose"))
                assert {one.code for one in passed.accepted} == broken and passed.by and passed.at
                for missing in broken:
                    with pytest.raises(RefusedError, match=rf"refused \({missing}\)"):
                        let_through(given, dict.fromkeys(broken - {missing}, "tried on purpose"))
        (folder / "out/train.jsonl").write_bytes(whole)
    assert left == 1


def test_what_passed_is_what_the_manifest_says(runs: dict[tuple[bool, ...], Path], tmp_path: Path):
    folder = runs[False, False, False, False]
    given = handoff(folder, tmp_path, dict.fromkeys(CODES, False))
    vendor, passed = Vendor(), let_through(given, {"cost": "never needed"})
    vendor.send(passed)
    written = {Path(out.path).name: out.sha256 for out in given.manifest.outputs}
    assert set(vendor.got) == {"train", "validation"} and passed.accepted == ()
    for split, data in vendor.got.items():
        assert hashlib.sha256(data).hexdigest() == passed.hashes[split] == written[f"{split}.jsonl"]


def test_a_file_that_changes_while_it_is_judged_does_not_leave(
    runs: dict[tuple[bool, ...], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = runs[False, False, False, False]
    path = folder / "out/train.jsonl"
    whole = path.read_bytes()
    given = handoff(folder, tmp_path, dict.fromkeys(CODES, False))
    monkeypatch.setattr("ftdata.handoff.gate.refusals", lambda _: path.write_bytes(whole + b" ") and [])
    with pytest.raises(RefusedError, match="changed while it was judged"):
        let_through(given, {})
    path.write_bytes(whole)


def test_the_reasons_name_place_and_remedy_and_no_text(runs: dict[tuple[bool, ...], Path], tmp_path: Path):
    given = handoff(runs[True, True, True, True], tmp_path, dict.fromkeys(CODES, True))
    told = {one.code: one.why for one in refusals(replace(given, max_cost=None))}
    assert "3 emails" in told["private-data"] and "line 1" in told["private-data"] and "pii" in told["private-data"]
    assert "ana.souza" not in str(told) and "[provenance]" in told["provenance"] and "--max-cost" in told["cost"]
    assert "acme-max-rows" in told["target"] and "closed since 2026-01-01" in told["open"] and "split" in told["leaks"]


def test_the_model_must_live_as_long_as_it_is_to_be_used(runs: dict[tuple[bool, ...], Path], tmp_path: Path):
    given = handoff(runs[False, False, False, False], tmp_path, dict.fromkeys(CODES, False))
    given = replace(given, profile=target("openai"), destination="acme", today=date(2026, 12, 1))
    assert any("2027-01-14" in one.why for one in refusals(replace(given, lives=60)) if one.code == "open")
    assert not any(one.code == "open" for one in refusals(replace(given, lives=30)))


def test_only_named_conditions_are_accepted_each_with_a_reason():
    assert accepts(["leaks = two shops, one owner", "cost=a gift"]) == {
        "leaks": "two shops, one owner",
        "cost": "a gift",
    }
    with pytest.raises(RecipeError) as told:
        accepts(["leak=x", "cost", "open= ", "drops=a", "drops=b", "all=yes"])
    text = str(told.value)
    assert "did you mean 'leaks'" in text and text.count("wants a reason") == 2 and "drops: is given twice" in text
    assert "--accept all: there is no such condition" in text


def test_a_run_in_another_layout_is_no_run_for_this_target(runs: dict[tuple[bool, ...], Path]):
    with pytest.raises(InputError, match="no training rows that gemini takes"):
        Handoff.of(str(runs[False, False, False, False] / "out/train.jsonl"), target("gemini"), "gemini")


def test_the_files_of_one_writer_go_together_wherever_its_path_names_the_split(tmp_path: Path):
    rows = [
        {"messages": [{"role": "user", "content": f"{i} apples?"}, {"role": "assistant", "content": f"{i * i} pears."}]}
        for i in range(20)
    ]
    (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    paths = ("training/{split}.jsonl", "other/{split}/train.jsonl")
    table = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "step": [{"use": "split", "validation": 0.2, "test": 0.2}],
        "write": [{"use": "openai-chat", "path": path} for path in paths],
    }
    flow.run(Recipe.parse(table, tmp_path, "job"))
    given = Handoff.of(str(tmp_path / "training/train.jsonl"), target("openai"), "openai")
    assert {split: str(path.relative_to(tmp_path)) for split, path in given.files.items()} == {
        "train": "training/train.jsonl",
        "validation": "training/validation.jsonl",
    }
