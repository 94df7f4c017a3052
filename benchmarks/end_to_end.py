"""Measure whole runs beside a bare `orjson.loads` pass over the same file: CPU, wall time, peak memory.

    python benchmarks/end_to_end.py                  # one million conversations (785 MB), and 1 GB of ticket messages
    python benchmarks/end_to_end.py --rows 100000 --megabytes 100

Every line is a fresh process; CPU is user + system time of that process, its start-up and imports included; peak is its
largest resident size (VmHWM). The inputs are generated with a fixed seed (see `generate.py`) into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import generate

# Read inside the process: what wait4 tells of a child counts the memory of the parent that spawned it, too.
PEAK = """
status = open("/proc/self/status").read()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""
PASS = (
    """
import sys, orjson
count = 0
for line in open(sys.argv[1], "rb"):
    orjson.loads(line)
    count += 1
print(count, count)
"""
    + PEAK
)
RUN = (
    """
import json, sys
from pathlib import Path
from ftdata.flow import run
from ftdata.recipe import Recipe
source, folder, steps = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
reader = "tickets" if source.endswith(".csv") else "openai-chat"
tables = {"read": [{"use": reader, "path": source}], "step": steps,
          "write": [{"use": "openai-chat", "path": str(folder / "{split}.jsonl")}]}
manifest = run(Recipe.parse(tables, folder, "bench"))
print(manifest.records, manifest.written)
"""
    + PEAK
)
PII_LENGTH = [{"use": "pii"}, {"use": "length", "max_chars": 100_000}]
SELECT = [{"use": "exact-dedup"}, {"use": "split", "validation": 0.1}]


def measure(code: str, *args: str) -> dict[str, float | str]:
    """Run Python code in a fresh process; give its CPU and wall seconds, peak MiB, and what it printed."""
    read, write = os.pipe()
    began = time.perf_counter()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", code, *args],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)],
    )
    os.close(write)
    with os.fdopen(read) as stream:
        output = stream.read().strip()
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"a measured run failed: {output}")
    printed, _, peak = output.rpartition("\n")
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.perf_counter() - began,
        "peak": int(peak) / 1024,
        "printed": printed,
    }


def main() -> None:
    """Generate, measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--megabytes", type=int, default=1_000)
    given = options.parse_args()
    print(", ".join(f"{name} {version(name)}" for name in ("ftdata", "polars", "pyarrow", "msgspec", "orjson")))
    with tempfile.TemporaryDirectory(prefix="ftdata-bench-") as place:
        folder = Path(place)
        chat, messages = folder / "chat.jsonl", folder / "messages.csv"
        generate.chat(given.rows, chat)
        print(f"{chat.name}: {chat.stat().st_size / 1e6:,.0f} MB, {given.rows:,} conversations of three messages\n")
        print(f"{'run':<46}{'CPU s':>8}{'wall s':>8}{'peak MiB':>10}{'x orjson':>10}  records, written")
        bare = measure(PASS, str(chat))
        lines = [("bare orjson.loads pass", bare)]
        for name, steps in (
            ("read, write", []),
            ("read, pii, length, write", PII_LENGTH),
            ("read, pii, length, exact-dedup, split, write", PII_LENGTH + SELECT),
        ):
            out = folder / f"out-{len(lines)}"
            out.mkdir()
            lines.append((name, measure(RUN, str(chat), str(out), json.dumps(steps))))
        for name, took in lines:
            show(name, took, float(took["cpu"]) / float(bare["cpu"]))
        chat.unlink()
        generate.messages(given.megabytes, messages)
        out = folder / "out-messages"
        out.mkdir()
        print(f"\n{messages.name}: {messages.stat().st_size / 1e6:,.0f} MB, one row per message, sorted by time")
        show("tickets, write", measure(RUN, str(messages), str(out), "[]"), None)


def show(name: str, took: dict[str, float | str], ratio: float | None) -> None:
    """Print one line."""
    beside = f"{ratio:>10.1f}" if ratio is not None else " " * 10
    figures = f"{took['cpu']:>8.1f}{took['wall']:>8.1f}{took['peak']:>10.0f}"
    print(f"{name:<46}{figures}{beside}  {took['printed']}", flush=True)


if __name__ == "__main__":
    main()
