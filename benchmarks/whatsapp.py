"""Reading a WhatsApp chat from file to conversations, beside the parsers people use and bare passes over its lines.

    python benchmarks/whatsapp.py [MEGABYTES] [--with PYTHON] [--slice MEGABYTES]
    python benchmarks/whatsapp.py --said FILE --with PYTHON

Makes a chat of two people (Android headers, day first; 100 bytes a message, one in 20 on two lines) and
reads it, each way in a process of its own, best of three: `for line in file`, `csv.reader`, the reader `whatsapp` (two
passes: day or month is decided over the whole file; every line counted, the file hashed, conversations cut by pauses),
chat-miner and whatstk. The last two need a PYTHON that has them, and read a slice of the same file (they hold all of it
in memory as objects); MB/s makes them comparable. The file is in the page cache; imports are not counted.

With `--said`, writes what the two parsers make of the texts in FILE (the oracle of tests/readers) back into it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

WORDS = (
    "the of to and your order invoice account please thank you for we have is not can will be that this with delivery "
    "não você pedido entrega obrigado também está senha amanhã olá cliente número fatura 👍"
).split()

BARE = {
    "for line in file": """
def read(path):
    with open(path, encoding="utf-8") as file:
        return sum(1 for line in file)
""",
    "csv.reader": """
import csv
def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return sum(1 for row in csv.reader(file, quoting=csv.QUOTE_NONE))
""",
}
OURS = """
import tempfile
from pathlib import Path
from ftdata.readers.whatsapp import WhatsApp
from ftdata.source import Source
def read(path):
    owned = 0
    with tempfile.TemporaryDirectory() as scratch, Source(path, scratch=Path(scratch)) as source:
        for batch in WhatsApp(path=Path(path), assistants=("Bia",)).read(source):
            owned += batch["origin"].list.len().sum()
        assert source.handed == owned and len(source.inputs[0].sha256) == 64
    return owned
"""
THEIRS = {
    "chat-miner": """
import logging
logging.disable(logging.CRITICAL)
from chatminer.chatparsers import SignalParser, WhatsAppParser
def read(path):
    parser = WhatsAppParser(path)
    parser.parse_file()
    return len(parser.parsed_messages.get_df())
def said(path, signal):
    parser = (SignalParser if signal else WhatsAppParser)(path)
    parser.parse_file()
    return [[m.timestamp.isoformat(), m.author, m.message] for m in reversed(parser.parsed_messages._parsed_messages)]
""",
    "whatstk": """
from whatstk.whatsapp.parser import df_from_whatsapp
def read(path):
    return len(df_from_whatsapp(path, max_size=None))
def said(path, signal):
    if signal:
        return None
    return [[row.date.isoformat(), row.username, row.message] for row in df_from_whatsapp(path).itertuples()]
""",
}
TIMED = """
import json, resource, sys, time
open(sys.argv[1], "rb").read(1 << 20)
def cpu():
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
before, start = cpu(), time.perf_counter()
rows = read(sys.argv[1])
print(json.dumps([int(rows), cpu() - before, time.perf_counter() - start,
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
SAID = """
import json, sys
from importlib.metadata import version
print(json.dumps([version(sys.argv[3]), said(sys.argv[1], "signal" in sys.argv[1].rsplit("/", 1)[-1])]))
"""


def generate(path: Path, size: int) -> tuple[int, int]:
    """Write a chat; give its messages and its lines."""
    rng = random.Random(0)
    pool = [" ".join(rng.choices(WORDS, k=n)) for n in (2, 5, 8, 11, 14, 20) for _ in range(500)]
    at, messages, lines = datetime(2019, 3, 2, 8), 0, 0
    with path.open("wb") as out:
        while out.tell() < size:
            at += timedelta(minutes=rng.choice((0, 0, 1, 1, 2, 5, 90)))
            said = rng.choice(pool)
            if rng.random() < 0.05:
                said += f"\n{rng.choice(pool)}"
            elif rng.random() < 0.03:
                said = "<Media omitted>"
            out.write(f"{at:%d/%m/%Y, %H:%M} - {rng.choice(('Ana Lima', 'Bia'))}: {said}\n".encode())
            messages, lines = messages + 1, lines + 1 + said.count("\n")
    return messages, lines


def run(python: str, code: str, *arguments: str) -> str:
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def measured(python: str, code: str, path: Path) -> tuple[int, float, float, float]:
    runs = [json.loads(run(python, code + TIMED, str(path))) for _ in range(3)]
    return runs[0][0], min(r[1] for r in runs), min(r[2] for r in runs), max(r[3] for r in runs)


def oracle(file: Path, python: str) -> None:
    """Write what the outside parsers make of the texts in a file back into it."""
    told = json.loads(file.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        for name, entry in told["files"].items():
            path = Path(folder, name)
            path.write_text(entry["text"], "utf-8")
            for parser, code in THEIRS.items():
                told[parser], messages = json.loads(run(python, code + SAID, str(path), name, parser))
                if messages is not None:
                    entry[parser] = messages
    file.write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("megabytes", nargs="?", type=float, default=100)
    parser.add_argument("--with", dest="python", help="a Python that has chat-miner and whatstk")
    parser.add_argument("--slice", type=float, default=20, help="megabytes that these two read")
    parser.add_argument("--said", type=Path)
    options = parser.parse_args()
    if options.said is not None:
        oracle(options.said, options.python)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path, part = Path(folder, "WhatsApp Chat with Ana.txt"), Path(folder, "slice.txt")
        messages, lines = generate(path, int(options.megabytes * 1e6))
        size = path.stat().st_size
        generate(part, int(min(options.slice, options.megabytes) * 1e6))
        print(f"{size / 1e6:.0f} MB, {messages:,} messages on {lines:,} lines, {os.cpu_count()} cores, Python", end=" ")
        print(sys.version.split()[0], "ftdata", version("ftdata"))
        print(f"{'':22}{'MB':>6}{'rows':>12}{'CPU s':>9}{'wall s':>9}{'MB/s CPU':>10}{'MB/s wall':>11}{'peak MiB':>10}")
        speed = {}
        ways = [(name, code, sys.executable, path) for name, code in (*BARE.items(), ("ftdata whatsapp", OURS))]
        if options.python:
            told = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
            names = [f"{n} {v}" for n, v in zip(THEIRS, run(options.python, told, *THEIRS).split(), strict=True)]
            ways += [(name, code, options.python, part) for name, code in zip(names, THEIRS.values(), strict=True)]
        for name, code, python, file in ways:
            rows, cpu, wall, peak = measured(python, code, file)
            held = file.stat().st_size / 1e6
            speed[name] = held / cpu
            told = f"{name:22}{held:>6.0f}{rows:>12,}{cpu:>9.2f}{wall:>9.2f}"
            print(f"{told}{held / cpu:>10.1f}{held / wall:>11.1f}{peak:>10.0f}")
    good = True
    for name in list(speed)[3:]:
        ahead = speed["ftdata whatsapp"] / speed[name]
        good &= ahead > 1
        print("ok  " if ahead > 1 else "MISS", f"{ahead:.1f} times as fast as {name}, by CPU (ahead of it)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
