"""Chat JSONL to chat JSONL, and the same without exact copies, beside cleanllm: whole programs, from file to file.

    python benchmarks/convert.py PEER_PYTHON [ROWS] [REPEATS]

`PEER_PYTHON` is the interpreter of an environment that holds cleanllm; this one must hold ftdata. Makes `ROWS` (default
100,000) chat rows of three messages, about 800 bytes each and all different, and runs in turn, `REPEATS` (default 7)
times: `ftdata convert --no-pii -q` beside `cleanllm convert --from chatml --to chatml`, and `ftdata run` of a recipe of
openai-chat, exact-dedup, openai-chat beside `cleanllm dedup --by record`. ftdata also hashes input and output, and
writes the ledger and the manifest. Prints the CPU seconds (user and system, imports included) as medians with least and
most, the ratio of the medians, the lines written, and the versions.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

WORDS = (
    "the your order invoice account please thank you refund card payment password reset hello delivery tomorrow "
    "pedido não você também está cuenta devolución todavía tarjeta mañana boleto entregue será gracias settings ticket"
).split()
RECIPE = """
[[read]]
use = "openai-chat"
path = "chat.jsonl"
[[step]]
use = "exact-dedup"
[[write]]
use = "openai-chat"
path = "dedup/train.jsonl"
"""


def make(path: Path, rows: int) -> None:
    """Write the input."""
    chosen = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            asked, answered = (" ".join(chosen.choices(WORDS, k=count)) for count in (40, 50))
            messages = [
                {"role": "system", "content": "You are the support of Example Shop. Answer briefly and politely."},
                {"role": "user", "content": f"#{number} {asked}?"},
                {"role": "assistant", "content": f"{answered}."},
            ]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def cpu(command: list[str], place: Path) -> float:
    """Run a command; give the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    peer = Path(sys.argv[1])
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    own = [sys.executable, "-m", "ftdata"]
    other = [str(peer.with_name("cleanllm"))]
    pairs = {
        "convert": (
            ([*own, "convert", "--no-pii", "-q", "chat.jsonl", "convert/train.jsonl"], "convert/train.jsonl"),
            ([*other, "convert", "chat.jsonl", "peer-1.jsonl", "--from", "chatml", "--to", "chatml"], "peer-1.jsonl"),
        ),
        "exact dedup": (
            ([*own, "run", "-q", "dedup.toml"], "dedup/train.jsonl"),
            ([*other, "dedup", "chat.jsonl", "-o", "peer-2.jsonl", "--by", "record"], "peer-2.jsonl"),
        ),
    }
    told = "from importlib.metadata import version; print(version('cleanllm'))"
    its = subprocess.run([str(peer), "-c", told], check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Path(name)
        make(place / "chat.jsonl", rows)
        (place / "dedup.toml").write_text(RECIPE)
        own_versions = ", ".join(f"{name} {version(name)}" for name in ("ftdata", "polars", "pyarrow"))
        print(f"{own_versions}, cleanllm {its}, Python {sys.version.split()[0]}")
        print(f"{rows:,} rows, {(place / 'chat.jsonl').stat().st_size:,} bytes, {repeats} repeats in turn; CPU seconds")
        for what, commands in pairs.items():
            taken: list[list[float]] = [[], []]
            lines = [0, 0]
            for _ in range(repeats):
                for which, (command, out) in enumerate(commands):
                    for folder in ("convert", "dedup"):
                        shutil.rmtree(place / folder, ignore_errors=True)
                    taken[which].append(cpu(command, place))
                    lines[which] = (place / out).read_bytes().count(b"\n")
            for program, seconds, count in zip(("ftdata", "cleanllm"), taken, lines, strict=True):
                middle = statistics.median(seconds)
                spread = f"{min(seconds):.2f}–{max(seconds):.2f}"
                print(f"{what:12} {program:9} {middle:6.2f}  ({spread})  {count:,} lines")
            print(f"{what:12} ratio     {statistics.median(taken[0]) / statistics.median(taken[1]):6.2f}")


if __name__ == "__main__":
    main()
