"""Help must come at once: what `ftdata --help` may cost, and what it may not import."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from ftdata import hooks
from ftdata.stages import KINDS

HEAVY = ("polars", "pydantic", "pluggy", "datasets", "rich", "pyarrow", "numpy", "orjson", "msgspec", "selectolax")
SCRIPT = Path(sys.executable).with_name("ftdata")


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_takes_no_more_than_150_ms_of_cpu() -> None:
    command = [str(SCRIPT), "--help"] if SCRIPT.exists() else [sys.executable, "-m", "ftdata", "--help"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV_", "PYTHON"))}
    best = 9.0
    for _ in range(7):
        before = children()
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        best = min(best, children() - before)
    assert done.stdout.startswith("Usage: ftdata")
    assert best <= 0.15, f"{best:.3f} s of CPU"


@pytest.mark.parametrize(
    "line", ["--help", "--version", "run --help", "convert --help", "explain -h", "train --help", "eval --help"]
)
def test_help_imports_nothing_heavy(line: str) -> None:
    code = (
        "import sys, ftdata.cli\n"
        f"sys.argv = ['ftdata', *{line.split()!r}]\n"
        "try:\n    ftdata.cli.main()\n"
        "except SystemExit as leave:\n    assert not leave.code, leave.code\n"
        f"print('HEAVY', sorted({{m.split('.')[0] for m in sys.modules}} & set({HEAVY!r})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("HEAVY []"), done.stdout[-200:]


RECIPE = """
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[step]]
use = "exact-dedup"
[[step]]
use = "turns"
[[step]]
use = "size"
minimum = 1
[[write]]
use = "openai-chat"
path = "out.jsonl"
"""
USED = (
    "readers.openai_chat",
    "writers.cargo",
    "writers.encoding",
    "writers.json_lines",
    "writers.learned",
    "writers.meta",
    "writers.openai_chat",
)
STEPS = ("checks.size", "selectors.exact_dedup", "transforms.turns")


@pytest.mark.parametrize(
    ("line", "rows", "used"),
    [("convert --no-pii -q in.jsonl out.jsonl", 3, USED), ("run -q r.toml", 1, (*USED, *STEPS))],
    ids=["convert", "run"],
)
def test_a_run_imports_what_it_uses(line: str, rows: int, used: tuple[str, ...], tmp_path: Path) -> None:
    row = '{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}\n'
    (tmp_path / "in.jsonl").write_text(row * 3)
    (tmp_path / "r.toml").write_text(RECIPE)
    code = (
        "import sys, ftdata.cli\n"
        f"sys.argv = ['ftdata', *{line.split()!r}]\n"
        "try:\n    ftdata.cli.main()\n"
        "except SystemExit as leave:\n    assert not leave.code, leave.code\n"
        "folders = ('transforms', 'selectors', 'checks', 'readers', 'writers')\n"
        "found = [m for m in sys.modules if m.startswith(tuple(f'ftdata.{f}.' for f in folders))]\n"
        "print(*sorted(found), 'pyarrow.compute' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == [*sorted(f"ftdata.{name}" for name in used), "False"]
    assert (tmp_path / "out.jsonl").read_text() == row * rows


TRAIN = "train r.toml --with openai --set preset=local --set base_url=http://127.0.0.1:9/v1 --set model=m --dry-run"
LATER = {"openai", "httpx2", "torch", "trl", "transformers", "peft", "accelerate", "datasets"}


def test_nothing_of_a_trainer_is_imported_before_it_is_used(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": "Hi"}]} for i in "ab"]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "a.jsonl").write_text('{"row": 1, "prediction": "Hi"}\n{"row": 2, "prediction": "Ho"}\n')
    (tmp_path / "r.toml").write_text(RECIPE)
    lines = ["run -q r.toml", TRAIN, "eval in.jsonl --base a.jsonl --json"]
    code = (
        "import sys, ftdata.cli\n"
        f"for line in {lines!r}:\n"
        "    sys.argv = ['ftdata', *line.split()]\n"
        "    try:\n        ftdata.cli.main()\n"
        "    except SystemExit as leave:\n        assert leave.code in (0, 6), (line, leave.code)\n"
        f"print('LATER', sorted({{m.split('.')[0] for m in sys.modules}} & {LATER!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.rstrip().endswith("LATER []"), done.stdout[-300:] + done.stderr[-600:]
    assert "POST http://127.0.0.1:9/v1/fine_tuning/jobs" in done.stdout


@pytest.mark.parametrize("kind", [base.kind for base in KINDS])
def test_a_folder_names_its_stages_as_they_name_themselves(kind: str) -> None:
    named = import_module(f"ftdata.{kind}s").STAGES
    assert [(entry.stage.kind, entry.stage.name) for entry in hooks.builtin((kind,))] == [(kind, n) for n in named]
