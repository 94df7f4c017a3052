"""Whole programs that drop near-duplicates, from file to file, beside `ftdata run`: CPU time of all their processes.

    python benchmarks/near_dedup_programs.py --venvs DIR                      # the two sizes, all peers found in DIR
    python benchmarks/near_dedup_programs.py --venvs DIR --small 2000 --large 2000 --times 1

DIR holds a virtual environment for each peer: textdedup, datajuicer, datatrove, daft, convmerge[quality]. The first
three are run on `--small` rows (10,000), the others on `--large` rows (100,000), as their documentation shows: word
5-grams, J 0.8, 128 permutations (datatrove: its own default of 14 buckets of 8), one process, punctuation left out
where that is a setting. Each reads JSONL and writes JSONL: `{"text": …}`, for ftdata and convmerge the same texts as
chat rows, two thirds of each the question. ftdata writes its manifest and ledger besides. Seconds are CPU time of the
whole process tree with all imports (`wait4`), alternated, median (least-most); `kept` is the number of rows written.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

ONE = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

RECIPE = """
[[read]]
use = "openai-chat"
path = "chat.jsonl"
[[step]]
use = "near-dedup"
conflict = "drop"
[[write]]
use = "openai-chat"
path = "out/kept.jsonl"
"""

TEXTDEDUP = """
[input]
input_type = "local_files"
file_type = "json"
[input.read_arguments]
path = "json"
data_files = "text.jsonl"
split = "train"
[algorithm]
algorithm_name = "minhash"
text_column = "text"
num_perm = 128
ngram_size = 5
threshold = 0.8
num_proc = 1
check_false_positive = true
[output]
output_dir = "out"
clean_cache = true
[debug]
enable_profiling = false
"""

DATAJUICER = r"""
project_name: near
dataset_path: text.jsonl
export_path: out/kept.jsonl
np: 1
use_cache: false
process:
  - document_minhash_deduplicator:
      tokenization: space
      window_size: 5
      lowercase: true
      ignore_pattern: '[^a-z0-9\s]'
      num_permutations: 128
      jaccard_threshold: 0.8
"""

DATATROVE = """
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

if __name__ == "__main__":
    config = MinhashConfig(n_grams=5)

    def run(name, pipeline, tasks=1):
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=1, logging_dir="logs/" + name).run()

    read = lambda: JsonlReader("in", glob_pattern="text.jsonl")
    run("1", [read(), MinhashDedupSignature(output_folder="sig", config=config)])
    run("2", [MinhashDedupBuckets(input_folder="sig", output_folder="buckets", config=config)], config.num_buckets)
    run("3", [MinhashDedupCluster(input_folder="buckets", output_folder="remove", config=config)])
    write = JsonlWriter("out", output_filename="kept.jsonl", compression=None)
    run("4", [read(), MinhashDedupFilter(input_folder="remove"), write])
"""

DAFT = """
import daft
from daft import col
from daft.functions import minhash

# As in its guide to deduplication: signatures, bands, pairs of each band, labels until nothing changes.
frame = daft.read_json("text.jsonl").with_column("id", daft.functions.monotonically_increasing_id()).collect()
plain = daft.functions.normalize(col("text"), remove_punct=True, lowercase=True, white_space=True)
signed = frame.select("id", minhash(plain, num_hashes=128, ngram_size=5, seed=1).alias("signature"))
held = signed.to_pydict()
BANDS, WIDTH = 9, 13  # for 0.8, by the curve of its guide
owners = {}
parent = list(range(len(held["id"])))

def find(at):
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at

for at, signature in enumerate(held["signature"]):
    for band in range(BANDS):
        key = (band, tuple(signature[band * WIDTH : (band + 1) * WIDTH]))
        first = owners.setdefault(key, at)
        left, right = find(first), find(at)
        parent[max(left, right)] = min(left, right)
keep = [held["id"][at] for at in range(len(parent)) if find(at) == at]
kept = frame.join(daft.from_pydict({"id": keep}), on="id").select("text")
kept.write_json("out")
"""


def _rows(file: Path) -> int:
    with file.open("rb") as stream:
        return sum(1 for _ in stream)


def _kept(place: Path) -> int | None:
    out = place / "out"
    if list(out.rglob("*.arrow")):
        import pyarrow as pa
        import pyarrow.ipc

        total = 0
        for file in out.rglob("*.arrow"):
            with pa.OSFile(str(file)) as source:
                total += pa.ipc.open_stream(source).read_all().num_rows
        return total
    found = [file for file in out.rglob("*.json*") if file.is_file()]
    names = [
        file for file in found if not str(file.relative_to(out)).startswith((".", "log")) and "stats" not in file.name
    ]
    return sum(map(_rows, names)) if names else None


def _ftdata(place: Path, venv: Path) -> list[str]:
    (place / "recipe.toml").write_text(RECIPE)
    return [sys.executable, "-m", "ftdata", "run", "recipe.toml"]


def _textdedup(place: Path, venv: Path) -> list[str]:
    (place / "config.toml").write_text(TEXTDEDUP)
    return [str(venv / "bin/python"), "-m", "text_dedup.minhash"]


def _datajuicer(place: Path, venv: Path) -> list[str]:
    (place / "config.yaml").write_text(DATAJUICER)
    return [str(venv / "bin/dj-process"), "--config", "config.yaml"]


def _datatrove(place: Path, venv: Path) -> list[str]:
    (place / "in").mkdir(exist_ok=True)
    shutil.copy(place / "text.jsonl", place / "in/text.jsonl")
    (place / "program.py").write_text(DATATROVE)
    return [str(venv / "bin/python"), "program.py"]


def _daft(place: Path, venv: Path) -> list[str]:
    (place / "program.py").write_text(DAFT)
    return [str(venv / "bin/python"), "program.py"]


def _convmerge(place: Path, venv: Path) -> list[str]:
    (place / "out").mkdir(exist_ok=True)
    flags = ["--near", "--threshold", "0.8", "--num-perm", "128"]
    return [str(venv / "bin/convmerge"), "dedupe", "--input", "chat.jsonl", "--output", "out/kept.jsonl", *flags]


Program = Callable[[Path, Path], list[str]]
SMALL: dict[str, Program] = {"textdedup": _textdedup, "datajuicer": _datajuicer, "datatrove": _datatrove}
LARGE: dict[str, Program] = {"daft": _daft, "convmerge": _convmerge}


def spent(program: Program, source: Path, venv: Path) -> tuple[float, int | None]:
    """Run a program on a copy of the inputs; give its CPU seconds and the rows that it wrote."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for file in source.iterdir():
            shutil.copy(file, place / file.name)
        command = program(place, venv)
        env = {**os.environ, **ONE, "HOME": scratch, "HF_HOME": f"{scratch}/hf", "HF_HUB_OFFLINE": "1"}
        with (place / "told").open("wb") as told:
            made = subprocess.Popen(command, cwd=place, env=env, stdout=told, stderr=told)
            _, status, usage = os.wait4(made.pid, 0)
            made.returncode = os.waitstatus_to_exitcode(status)
        if made.returncode:
            raise SystemExit(f"{command}: failed\n{(place / 'told').read_text(errors='replace')[-3000:]}")
        return usage.ru_utime + usage.ru_stime, _kept(place)


def _written(rows: int, place: Path) -> None:
    spec = spec_from_file_location("near_dedup_corpus", Path(__file__).with_name("near_dedup.py"))
    assert spec is not None and spec.loader is not None
    module: Any = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    texts = module.corpus(rows, 1)
    with (place / "text.jsonl").open("w") as plain, (place / "chat.jsonl").open("w") as chat:
        for text in texts:
            plain.write(json.dumps({"text": text}) + "\n")
            cut = text.find(" ", len(text) * 2 // 3) + 1
            turns = [{"role": "user", "content": text[:cut]}, {"role": "assistant", "content": text[cut:]}]
            chat.write(json.dumps({"messages": turns}) + "\n")


def main() -> None:
    """Generate, run, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--venvs", type=Path, required=True, help="folder with a virtual environment for each peer")
    options.add_argument("--small", type=int, default=10_000)
    options.add_argument("--large", type=int, default=100_000)
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--only", nargs="*", help="peers to run")
    given = options.parse_args()
    for rows, peers in ((given.small, SMALL), (given.large, LARGE)):
        chosen = {
            name: program
            for name, program in peers.items()
            if (given.venvs / name / "bin").is_dir() and (given.only is None or name in given.only)
        }
        if not chosen:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            source = Path(scratch)
            _written(rows, source)
            ways: dict[str, Program] = {"ftdata": _ftdata, **chosen}
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            kept: dict[str, int | None] = {}
            for _ in range(given.times):
                for name, program in ways.items():
                    cpu, kept[name] = spent(program, source, given.venvs / name)
                    seconds[name].append(cpu)
            base = statistics.median(seconds["ftdata"])
            print(f"{rows} rows, {(source / 'text.jsonl').stat().st_size / 1e6:.0f} MB")
            for name, times in seconds.items():
                middle = statistics.median(times)
                told = f"{middle:8.2f} s ({min(times):.2f}-{max(times):.2f})  {middle / base:6.1f} times ftdata's"
                print(f"  {name:11} {told}  kept {kept[name]}")


if __name__ == "__main__":
    main()
