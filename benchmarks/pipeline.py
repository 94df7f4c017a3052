"""Measure a whole curation pipeline beside datatrove and data-juicer doing the nearest that they can, in CPU seconds.

    python benchmarks/pipeline.py --datatrove /path/to/its/python --data-juicer /path/to/its/python
    python benchmarks/pipeline.py --rows 1000000 --jobs 1 2    # ftdata alone, at full size, with one and two jobs

ftdata: read chat JSONL, `pii`, `language`, `near-dedup`, `balance`, `split`, write, with manifest and ledger.
The peers do less: data-juicer replaces e-mail and IP addresses and drops by `document_minhash_deduplicator`; datatrove
replaces e-mail and IP addresses and runs its four MinHash steps. Neither tells languages here (their models have to be
downloaded), proves a document or card number, looks at balance, splits, or accounts for its rows. Word 5-grams,
threshold 0.8; datatrove 14 x 8 hashes, as by default. One row in ten is an earlier one with another number in it.

Every figure is a fresh process and its children: CPU is user + system time, imports included; peak is the largest
resident size of the one process that has most (with jobs, of ftdata's main process).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import generate

STEPS = [
    {"use": "pii"},
    {"use": "language"},
    {"use": "near-dedup"},
    {"use": "balance"},
    {"use": "split", "validation": 0.05},
]
OURS = """
import json, sys
from pathlib import Path
from ftdata.flow import run
from ftdata.recipe import Recipe
if __name__ == "__main__":
    source, out, jobs, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
    tables = {"run": {"jobs": jobs}, "read": [{"use": "openai-chat", "path": source}], "step": steps,
              "write": [{"use": "openai-chat", "path": str(out / "{split}.jsonl")}]}
    manifest = run(Recipe.parse(tables, out, "bench"))
    status = open("/proc/self/status").read()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps([manifest.records, manifest.written, peak]))
"""
DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter)
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
source, out = sys.argv[1:3]
if __name__ == "__main__":
    config = MinhashConfig(n_grams=5)
    folder = lambda name: f"{out}/{name}"
    steps = [
        [JsonlReader(source), PIIFormatter(), JsonlWriter(folder("clean"), compression=None)],
        [JsonlReader(folder("clean")), MinhashDedupSignature(folder("signatures"), config=config)],
        [MinhashDedupBuckets(folder("signatures"), folder("buckets"), config=config)],
        [MinhashDedupCluster(folder("buckets"), folder("removed"), config=config)],
        [JsonlReader(folder("clean")), MinhashDedupFilter(folder("removed")),
         JsonlWriter(folder("kept"), compression=None)],
    ]
    for number, step in enumerate(steps):
        tasks = config.num_buckets if number == 2 else 1
        LocalPipelineExecutor(step, tasks=tasks, workers=1, logging_dir=folder(f"logs{number}")).run()
"""
DATA_JUICER = """
project_name: bench
dataset_path: {source}
export_path: {out}/kept.jsonl
np: 1
open_tracer: false
text_keys: text
process:
  - clean_email_mapper:
  - clean_ip_mapper:
  - document_minhash_deduplicator:
      tokenization: space
      window_size: 5
      num_permutations: 128
      jaccard_threshold: 0.8
      lowercase: true
"""


def corpus(rows: int, chat: Path, plain: Path | None) -> None:
    """Write the rows as chat, and as texts for the peers."""
    made = chat.with_name("made.jsonl")
    generate.chat(rows * 9 // 10, made)
    rng = random.Random(2)
    recent: list[str] = []
    number = rows * 9 // 10
    with made.open() as lines, chat.open("w") as out:
        for line in lines:
            out.write(line)
            recent.append(line)
            if len(recent) > 9:
                copied = json.loads(recent[rng.randrange(9)])
                asked = copied["messages"][1]["content"].split(" ", 1)[1]
                copied["messages"][1]["content"] = f"#{number} {asked}"
                out.write(json.dumps(copied, ensure_ascii=False) + "\n")
                number += 1
                recent.clear()
    made.unlink()
    if plain is not None:
        plain.parent.mkdir()
        with chat.open() as lines, plain.open("w") as out:
            for place, line in enumerate(lines):
                told = "\n".join(turn["content"] for turn in json.loads(line)["messages"][1:])
                out.write(json.dumps({"id": str(place), "text": told}, ensure_ascii=False) + "\n")


def measure(command: list[str], folder: Path) -> dict[str, float | str]:
    """Run a command; give the CPU and wall seconds of it and its children, and the last line it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": wall, "printed": (done.stdout.strip().splitlines() or [""])[-1]}


def spread(values: list[float]) -> str:
    """Give median, least and most."""
    return f"{median(values):8.1f} ({min(values):.1f}-{max(values):.1f})"


def main() -> None:
    """Generate, measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--jobs", type=int, nargs="*", default=[1])
    options.add_argument("--datatrove")
    options.add_argument("--data-juicer")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ftdata-bench-") as place:
        folder = Path(place)
        chat, plain = folder / "chat.jsonl", folder / "plain" / "plain.jsonl"
        peers = bool(given.datatrove or given.data_juicer)
        corpus(given.rows, chat, plain if peers else None)
        print(f"{given.rows:,} rows, {chat.stat().st_size / 1e6:,.0f} MB; {given.times} alternated times")
        took: dict[str, list[dict[str, float | str]]] = {}
        for time_ in range(given.times):
            for jobs in given.jobs:
                out = folder / f"ours-{jobs}-{time_}"
                out.mkdir()
                script = folder / "ours.py"
                script.write_text(OURS)
                command = [sys.executable, str(script), str(chat), str(out), str(jobs), json.dumps(STEPS)]
                took.setdefault(f"ftdata, jobs = {jobs}", []).append(measure(command, folder))
            if given.datatrove:
                out = folder / f"datatrove-{time_}"
                script = folder / "trove.py"
                script.write_text(DATATROVE)
                command = [given.datatrove, str(script), str(plain.parent), str(out)]
                took.setdefault("datatrove", []).append(measure(command, folder))
            if given.data_juicer:
                out = folder / f"juicer-{time_}"
                out.mkdir()
                config = folder / "juicer.yaml"
                config.write_text(DATA_JUICER.format(source=plain, out=out))
                program = Path(given.data_juicer).with_name("dj-process")
                command = [str(program), "--config", str(config)]
                took.setdefault("data-juicer", []).append(measure(command, folder))
        first = median([float(one["cpu"]) for one in next(iter(took.values()))])
        print(f"{'':<18}{'CPU s':>22}{'wall s':>24}{'CPU / ftdata':>14}")
        for name, runs in took.items():
            cpu, wall = [float(one["cpu"]) for one in runs], [float(one["wall"]) for one in runs]
            beside = median(cpu) / first
            print(f"{name:<18}{spread(cpu):>22}{spread(wall):>24}{beside:>14.2f}  {runs[-1]['printed'][-80:]}")


if __name__ == "__main__":
    main()
