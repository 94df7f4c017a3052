"""Several processes share the work: the same bytes, the same ledger, the same first error as from one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet
import pytest

from ftdata import flow, pool
from ftdata.batch import Batch
from ftdata.errors import FtdataError, PluginError, RowError, RunError
from ftdata.recipe import Recipe
from ftdata.stages import Transform

ROWS = 9_000  # three batches
STEPS: list[dict[str, Any]] = [
    {"use": "pii"},
    {"use": "length", "min_chars": 40},
    {"use": "size"},
    {"use": "exact-dedup"},
    {"use": "balance"},
    {"use": "split", "validation": 0.2},
    {"use": "turns", "consecutive_user": "drop"},
]


class Faulty(Transform):
    """Fail on a row of the second batch and on one of the third."""

    name: ClassVar[str] = "faulty"
    fault: str = "raises"

    def apply(self, batch: Batch) -> Batch:
        bad = batch["row"].is_in([5_000, 8_500]).any()
        if bad and self.fault == "ends":
            os._exit(3)
        if bad and self.fault == "raises":
            raise ValueError("canary-5d1e")
        if bad and self.fault == "rows":
            raise RowError("odd", f"rows {batch.height}")
        if bad and self.fault == "times-out":
            raise TimeoutError("canary-5d1e")
        if bad and self.fault == "sleeps":
            print("R", flush=True)
            time.sleep(60)
        return batch


@pytest.fixture(autouse=True)
def _away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send all batches but the first away, however little there is to do."""
    monkeypatch.setattr(pool, "_WORTH", 0.0)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jobs") / "chat.jsonl"
    with path.open("w") as out:
        for number in range(ROWS):
            order = number % 4000
            told = f"my order {order} has not come, write to a{order}@example.com"
            answer = "ok" if order % 7 == 0 else f"it left on day {order % 28}"
            turns = [{"role": "user", "content": told}, {"role": "assistant", "content": answer}]
            out.write(json.dumps({"messages": turns}) + "\n")
        out.write("not JSON\n")
    return path


def recipe(chat: Path, out: Path, jobs: int, steps: list[dict[str, Any]] | None = None, **options: Any) -> Recipe:
    out.mkdir()
    tables = {
        "run": {"jobs": jobs, **options},
        "read": [{"use": "openai-chat", "path": str(chat)}],
        "step": STEPS if steps is None else steps,
        "write": [
            {"use": "openai-chat", "path": str(out / "{split}.jsonl")},
            {"use": "openai-chat", "path": str(out / "again" / "{split}.jsonl")},
        ],
    }
    return Recipe.parse(tables, out, "jobs")


def told(out: Path) -> dict[str, Any]:
    """Give all that a run wrote, but for what names its folder, its time, its number of processes."""
    found: dict[str, Any] = {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if (path.is_file() and path.suffix in (".jsonl", ".md")) or (path.suffix == ".parquet" and "hf" in path.parts)
    }
    for name in ("ledger", "texts"):
        for path in out.rglob(f"{name}.parquet"):
            found[name] = pyarrow.parquet.read_table(path).to_pylist()
    manifest = json.loads(next(out.rglob("run.json")).read_bytes())
    keys = ("records", "rows", "written", "dropped", "flags", "stages", "findings")
    return {**found, **{key: manifest[key] for key in keys}}


def test_what_comes_out_does_not_depend_on_the_number_of_processes(tmp_path: Path, chat: Path) -> None:
    runs = {}
    for jobs in (1, 2, 3):
        flow.run(recipe(chat, tmp_path / str(jobs), jobs, keep_text=jobs != 2))
        runs[jobs] = told(tmp_path / str(jobs))
    assert runs[1]["rows"] == ROWS + 1
    assert runs[1]["dropped"]["exact-dedup"]
    assert runs[1]["texts"]
    assert runs[3] == runs[1]
    assert runs[2] == {name: held for name, held in runs[1].items() if name != "texts"}


@pytest.mark.parametrize("fault", ["raises", "rows", "times-out"])
@pytest.mark.parametrize("on_error", ["fail", "drop"])
def test_a_stage_that_fails_is_told_alike(tmp_path: Path, chat: Path, fault: str, on_error: str) -> None:
    said: list[Any] = []
    for jobs in (1, 2):
        made = recipe(chat, tmp_path / str(jobs), jobs, [], on_error=on_error)
        made = replace(made, steps=(Faulty(fault=fault),))
        try:
            flow.run(made)
            said.append(told(tmp_path / str(jobs)))
        except FtdataError as error:
            said.append((type(error), str(error)))
    assert said[0] == said[1]
    if on_error == "fail" and fault != "times-out":
        assert said[0][0] is PluginError
        assert "chat.jsonl#5000" in said[0][1]
    assert "canary-5d1e" not in str(said)


def test_a_worker_that_dies_ends_the_run(tmp_path: Path, chat: Path) -> None:
    made = replace(recipe(chat, tmp_path / "out", 2, []), steps=(Faulty(fault="ends"),))
    with pytest.raises(RunError, match=r"^a worker process died.*run with fewer jobs$"):
        flow.run(made)
    assert not list((tmp_path / "out").glob("*.jsonl"))


def test_an_interrupted_run_is_taken_up_by_another_number_of_processes(tmp_path: Path, chat: Path) -> None:
    def once(jobs: int, stop: bool) -> Any:
        def watch(progress: flow.Progress) -> None:
            if stop and progress.doing.startswith("select"):
                raise KeyboardInterrupt

        return flow.run(made[jobs], watch=watch)

    one = recipe(chat, tmp_path / "out", 2)
    made = {jobs: replace(one, options=one.options.model_copy(update={"jobs": jobs})) for jobs in (1, 2)}
    with pytest.raises(FtdataError):
        once(2, stop=True)
    assert once(1, stop=False).resumed == ["section 1"]


def test_few_rows_start_no_process(tmp_path: Path, chat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(futures, "ProcessPoolExecutor", none)
    small = tmp_path / "chat.jsonl"
    small.write_text("".join(chat.read_text().splitlines(keepends=True)[:4_000]))
    assert flow.run(recipe(small, tmp_path / "out", 2)).rows == 4_000


ALONE = """
import sys
from dataclasses import replace
from pathlib import Path
from ftdata import flow, pool
from ftdata.errors import Interrupted
if __name__ == "__main__":
    import test_jobs
    pool._WORTH = 0.0
    made = test_jobs.recipe(Path(sys.argv[1]), Path(sys.argv[2]), 2, [])
    try:
        flow.run(replace(made, steps=(test_jobs.Faulty(fault="sleeps"),)))
    except Interrupted as error:
        sys.exit(error.exit_code)
"""


def _descendants(pid: int) -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            child = int(status.parent.name)
            found |= {child} | _descendants(child)
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_run(tmp_path: Path, chat: Path, by: signal.Signals) -> None:
    """In the midst of a batch that takes a minute; Ctrl-C reaches all processes of the terminal."""
    program = tmp_path / "alone.py"
    program.write_text(ALONE)
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    child = subprocess.Popen(
        [sys.executable, str(program), str(chat), str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == b"R\n"
        workers = _descendants(child.pid)
        assert workers
        began = time.monotonic()
        if by == signal.SIGINT:
            os.killpg(child.pid, by)
        else:
            child.send_signal(by)
        _, told = child.communicate(timeout=10)
        assert time.monotonic() - began < 2
        assert child.returncode == (-by if by == signal.SIGKILL else 128 + by), told.decode()
        while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() - began < 5:
            time.sleep(0.05)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        if by != signal.SIGKILL:  # then multiprocessing's own tracker tells what it cleared away
            assert told == b""
    finally:
        child.kill()
