"""The rules of `quality`: speed of each and of all, the slowest input of a megabyte, and what they find in real files.

    python benchmarks/quality.py                                    # generated tickets, 10,000 rows, 5 repeats
    python benchmarks/quality.py --peer PYTHON_WITH_DATATROVE       # beside datatrove's Gopher filter and its ftfy step
    python benchmarks/quality.py --attack                           # a megabyte made to be slow, for every rule
    python benchmarks/quality.py --real ../shared/data/{tickets,chats,legacy,sft}    # rows flagged, by rule and file

CPU seconds of one process, one thread (POLARS_MAX_THREADS=1); median of the repeats with least and most, all and each
in turn. The peers see the same answers only (no questions), with their loops in Python left as they are.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import generate

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.transforms.quality import RULES, Quality

OFF = {rule.field: "off" for rule in RULES}

PEER = """
import json, sys, time
from importlib.metadata import version
from datatrove.data import Document
from datatrove.pipeline.filters import GopherRepetitionFilter
texts = json.load(sys.stdin)
ways = {"datatrove GopherRepetitionFilter": GopherRepetitionFilter().filter}
try:
    from datatrove.pipeline.formatters import FTFYFormatter
    ways["datatrove FTFYFormatter"] = lambda doc, do=FTFYFormatter(): do.format(doc.text)
except Exception:
    pass
out = {}
for name, way in ways.items():
    docs = [Document(text=text, id=str(n)) for n, text in enumerate(texts)]
    try:
        way(docs[0])
    except Exception as error:
        print(name, type(error).__name__, file=sys.stderr)
        continue
    began = time.process_time()
    for doc in docs:
        way(doc)
    out[name + " " + version("datatrove")] = time.process_time() - began
json.dump(out, sys.stdout)
"""

ATTACKS: dict[str, str] = {
    "letters": "a",
    "words": "no ",
    "words of two": "the of ",
    "sentence": "Please check your inbox. ",
    "mangled": "Ã©",
    "mangled twice": "ÃƒÂ© ",
    "mangled, not all": "NÃO Ã© ",
    "mac": "√©",
    "russian": "РџСЂ",
    "joiners": "\u200d",
    "persian": "می\u200c",
    "overrides": "\u202e\u2066",
    "isolates": "\u2066a\u2069",
    "tags": "\U0001f3f4\U000e0067",
    "variants": "\ufe0f\ufe0e",
    "escapes": "\x1b[",
    "titles": "\x1b]",
    "controls": "\x00\x01",
    "tokens": "<|",
    "thoughts": "<think>",
    "struck": "<s>",
    "heads": "### Response:\n",
    "base64": "aB3+",
    "blocks": "aGVsbG8gd29ybGQhIFRoaXMgaXMgYSB0ZXN0IG9mIGJhc2U\n",
    "links": "https://",
    "links and blocks": "https://example.com/aGVsbG8gd29ybGQhIFRoaXMgaXMgYSB0ZXN0IG9mIGJhc2UaB3 ",
    "tags of HTML": "<p ",
    "entities": "&lt;p ",
    "fences": "```\n",
    "ticks": "`",
    "braces": "{a ",
    "brackets": "(a ",
    "marks": "... ",
    "items": "1.\n",
    "commas": "a, ",
    "thanks": "thanks ",
    "thanks, too": "thank you so much ",
    "sorry": "I'm sorry ",
    "as an AI": "as an ai ",
    "closed": "this ticket ",
    "out": "hello hi dear ",
    "lines": "Open the settings now.\n",
    "capitals": "ABC DEF ",
    "han": "您好",
}


def tickets(rows: int) -> Iterator[Batch]:
    """Make the generated chats as batches."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.jsonl"
        generate.chat(rows, path)
        yield from to_batches(
            Conversation(messages=tuple(Message(**message) for message in json.loads(line)["messages"]))
            for line in path.open(encoding="utf-8")
        )


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def speed(rows: int, times: int, peer: str | None) -> None:
    batches = list(tickets(rows))
    size = sum(batch["messages"].explode().struct.field("content").str.len_bytes().sum() for batch in batches) / 1e6
    ways: dict[str, Quality] = {"all, as by default": Quality()}
    ways["all"] = Quality(**{rule.field: "warn" for rule in RULES})
    ways["all, repairing"] = Quality(mojibake="repair", control_character="repair", invisible="repair", bidi="repair")
    ways |= {rule.code: Quality(**{**OFF, rule.field: "warn"}) for rule in RULES}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(times + 1):
        for name, stage in ways.items():
            spent = seconds(lambda stage=stage: [stage.apply(batch) for batch in batches])
            if turn:  # the first loads tables and libraries
                taken[name].append(spent)
    print(f"{rows} rows, {size:.1f} MB of text; polars {version('polars')}, ftfy {version('ftfy')}")
    for name, spent in taken.items():
        low, middle, high = min(spent), statistics.median(spent), max(spent)
        print(f"  {name:24} {size / middle:7.0f} MB/s  ({middle:.3f} s, {low:.3f} to {high:.3f})")
    if peer:
        texts = [row[-1]["content"] for batch in batches for row in batch["messages"].to_list()]
        told = subprocess.run([peer, "-c", PEER], input=json.dumps(texts), capture_output=True, text=True, check=True)
        size = sum(len(text.encode()) for text in texts) / 1e6
        for name, spent in json.loads(told.stdout).items():
            print(f"  {name:40} {size / spent:7.2f} MB/s  ({spent:.3f} s)")


def attack() -> None:
    worst: dict[str, tuple[float, float, str]] = {}
    for name, unit in ATTACKS.items():
        whole = unit * (1_000_000 // len(unit.encode()))
        rows = [
            next(to_batches([Conversation(messages=(user("Hi"), assistant(text + " Ã NÃO")))]))
            for text in (whole[: len(whole) // 2], whole)
        ]
        for rule in RULES:
            level = "repair" if rule.mend else "warn"
            stage = Quality(**{**OFF, rule.field: level})
            half, full = (min(seconds(partial(stage.apply, row)) for _ in range(2)) for row in rows)
            if full > worst.get(rule.code, (0, 0, ""))[0]:
                worst[rule.code] = (full, full / max(half, 1e-4), name)
    for code, (full, ratio, name) in worst.items():
        print(f"  {code:24} {full:6.3f} s  t(2n)/t(n) {ratio:4.2f}  {name}")


def real(roots: list[Path]) -> None:
    import shared_data

    from ftdata import sniff
    from ftdata.errors import FtdataError
    from ftdata.source import Source

    stage = Quality(**{rule.field: "warn" for rule in RULES})
    codes = {rule.code for rule in RULES}
    rows, found = 0, Counter[tuple[str, str]]()
    for path in shared_data.inputs(roots):
        stated = shared_data.STATED.get(path.name, {})
        try:
            guesses = sniff.sniff(path)
            if not guesses or (guesses[0].sniff.refusal and not stated):
                continue
            with Source(path) as source:
                for batch in guesses[0].reader.model_validate({"path": path, **stated}).read(source):
                    live = batch.filter(batch["drop"].is_null())
                    rows += live.height
                    for flags in stage.apply(live)["flags"].to_list():
                        found.update((flag, path.name) for flag in flags if flag in codes)
        except FtdataError:
            continue
    print(f"{rows} conversations")
    for (code, name), count in sorted(found.items()):
        print(f"  {code:24} {count:5}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--peer")
    parser.add_argument("--attack", action="store_true")
    parser.add_argument("--real", nargs="+", type=Path)
    given = parser.parse_args()
    if given.attack:
        attack()
    elif given.real:
        real(given.real)
    else:
        speed(given.rows, given.times, given.peer)


if __name__ == "__main__":
    sys.exit(main())
