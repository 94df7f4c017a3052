"""The law: read = written + dropped, by stage and reason, in rows and in records; else the run publishes nothing."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import recount
from hypothesis import HealthCheck, given, settings
from law_plans import Plan, examine, lay_inputs, plans, quick
from law_stages import LawReader, LawStep, LawWriter

from ftdata import flow

PARTS, RUNS = 8, 260


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder in memory, where there is one: a run syncs a dozen files."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(prefix="ftdata-law-", dir=memory if memory.is_dir() else None))
    with quick():
        yield place
    shutil.rmtree(place)


def _examine_many(number: int, runs: int, folder: Path) -> Counter[str]:
    came: Counter[str] = Counter()

    @hypothesis.seed(number)
    @settings(
        max_examples=runs,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    @given(plans())
    def law(plan: Plan) -> None:
        came[examine(plan, folder / "run")] += 1

    law()
    return came


@pytest.mark.parametrize("part", range(PARTS))
def test_the_equation_holds_or_nothing_is_published(part: int, folder: Path) -> None:
    came = _examine_many(part, RUNS, folder)
    print(f"part {part}: {dict(came)}")
    assert came.total() >= RUNS - 5  # a plan is never tried twice
    assert min(came["published"], came["failed"]) > RUNS // 4, came


@pytest.mark.long
@pytest.mark.parametrize("part", range(100))
def test_the_equation_holds_in_100_000_pipelines(part: int, folder: Path) -> None:
    assert _examine_many(1_000 + part, 1_000, folder).total() > 990


PLAIN = Plan(
    ((LawReader(path=Path("in/0/data.csv"), drop=1), "x" * 9),),
    (LawStep(act="drop"),),
    (LawWriter(path=Path("out/all.jsonl")),),
    "fail",
)


def test_the_witness_is_independent() -> None:
    tree = ast.parse(Path(recount.__file__).read_text())
    nodes = list(ast.walk(tree))
    names = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {(node.module or "").split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names) | {"pyarrow"}


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("nothing", "adds up: 9 records, 5 lines"),
        ("a line of the output", "all.jsonl"),
        ("a record of the input", "data.csv"),
        ("a count of the manifest", "dropped"),
    ],
)
def test_the_witness_as_a_script_tells_what_was_changed(tmp_path: Path, what: str, told: str) -> None:
    lay_inputs(PLAIN, tmp_path)
    recipe = PLAIN.recipe(tmp_path)
    flow.run(recipe)
    record = flow.record_of(recipe).folder
    output, source, run = tmp_path / "out/all.jsonl", tmp_path / "in/0/data.csv", record / "run.json"
    if what == "a line of the output":
        output.write_bytes(b"".join(output.read_bytes().splitlines(True)[1:]))
    elif what == "a record of the input":
        source.write_bytes(source.read_bytes() + b"10,more\r\n")
    elif what == "a count of the manifest":
        run.write_text(run.read_text().replace('"law-drop": 2', '"law-drop": 3'))
    script = subprocess.run([sys.executable, recount.__file__, str(record)], capture_output=True, text=True)
    assert script.returncode == (0 if what == "nothing" else 1), script
    assert told in script.stdout and script.stderr == ""
