"""The language of short texts: accuracy with and without the second pass, rare languages, repeatability, speed.

    python benchmarks/language.py [DATA]

DATA is the folder of third-party data that holds `bench/langid` (18 languages, 60 sentences each); what needs it is
skipped without it. The other texts are our own: short support requests in six languages, kept with the tests. Each text
is the user's turn of a row; accuracies are macro, in per cent, and `unknown` counts as wrong. Speeds are CPU
time, best of three on both sides, taken in turns in one process.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, user
from ftdata.selectors.language import Language, detectors
from ftdata.selectors.language.codes import plain

Pairs = list[tuple[str, str]]
OWN = Path(__file__).parents[1] / "tests/selectors/support_texts.tsv"
# The many and the few of three corpora: mixed, two close neighbours, neighbours on the side of the few.
CORPORA = (
    ("en es pt fr de ru zh ar", "ca it nl sv pl uk tr hi ja ko"),
    ("en pt", "ca it nl sv es fr de uk tr hi"),
    ("ru zh de fr", "uk nl sv en ca it es pt ja ko"),
)
verdicts: list[tuple[str, bool]] = []


def pairs(file: Path) -> Pairs:
    lines = file.read_text("utf-8").splitlines()
    return [(code, text) for code, _, text in (line.partition("\t") for line in lines)]


def rows_of(texts: Sequence[str]) -> Batch:
    rows = [
        Conversation(row=number, id=f"t#{number}", origin=(number,), messages=(user(text),))
        for number, text in enumerate(texts, 1)
    ]
    return pl.concat(to_batches(rows))


def decide(stage: Language, batch: Batch, size: int = 4096) -> pl.DataFrame:
    sketches = pl.concat(stage.sketch(batch.slice(at, size)) for at in range(0, batch.height, size))
    return stage.select(sketches.lazy(), None).collect().sort("row")  # type: ignore[arg-type]


def tell(stage: Language, texts: Sequence[str]) -> list[str]:
    return [json.loads(tag)["code"] for tag in decide(stage, rows_of(texts))["tags"]]


def macro(truth: Sequence[str], got: Sequence[str]) -> float:
    every, good = Counter(truth), Counter(a for a, b in zip(truth, got, strict=True) if a == b)
    return 100 * sum(good[code] / count for code, count in every.items()) / len(every)


def cpu(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def verdict(good: bool, text: str) -> None:
    verdicts.append((text, good))


def accuracy(name: str, rows: Pairs, floor: float | None = None) -> None:
    truth, texts = [code for code, _ in rows], [text for _, text in rows]
    found = {
        "guarded": tell(Language(), texts),
        "guard off": tell(Language(guarded=False), texts),
        "langdetect": tell(Language(backend="langdetect"), texts),
    }
    line = "".join(f"{macro(truth, got):>10.2f} ({got.count('unknown'):>3} unknown)" for got in found.values())
    print(f"{name:34}{len(rows):>6}{line}")
    if floor is not None:
        reached = macro(truth, found["guarded"])
        verdict(reached >= floor, f"{name}: {reached:.2f} (at least {floor})")


def corpus(rows: Pairs, many: str, few: str, words: int | None) -> list[tuple[str, str, bool]]:
    """Make 10,000 rows: cuts of 2 to 9 words in the many languages, 10 rows in each of the few."""
    rng = random.Random(0)
    by_code: dict[str, list[str]] = {}
    for code, text in rows:
        by_code.setdefault(code, []).append(text)
    made = [(code, " ".join(text.split()[:words]), True) for code in few.split() for text in by_code[code][:10]]
    while len(made) < 10_000:
        code, count = rng.choice(many.split()), rng.choice((2, 3, 4, 6, 9))
        parts = rng.choice(by_code[code]).split()
        start = rng.randrange(max(1, len(parts) - count + 1))
        made.append((code, " ".join(parts[start : start + count]), False))
    rng.shuffle(made)
    return made


def rare(rows: Pairs) -> None:
    print("\n10 rows of each of 10 rare languages among 10,000 rows; the others are cuts of 2 to 9 words")
    print(
        f"{'the many':26}{'rare rows are':>16}{'keep label':>12}{'right':>7}{'guard off':>11}{'the many':>10}{'off':>7}"
    )
    kept = 0
    for many, few in CORPORA:
        for words, what in ((None, "sentences"), (3, "three words")):
            made = corpus(rows, many, few, words)
            texts = [text for _, text, _ in made]
            on, off = tell(Language(), texts), tell(Language(guarded=False), texts)
            seen = [(code, a, b) for (code, _, is_rare), a, b in zip(made, on, off, strict=True) if is_rare]
            same = sum(a == b for _, a, b in seen)
            right = [sum(code == got[at] for code, *got in seen) for at in (0, 1)]
            most = [
                100
                * sum(code == a for (code, _, r), a in zip(made, got, strict=True) if not r)
                / (len(made) - len(seen))
                for got in (on, off)
            ]
            print(
                f"{many:26}{what:>16}{same:>8} %{right[0]:>9} %{right[1]:>9} %{most[0]:>10.2f}{most[1]:>7.2f}"
            )  # fmt: skip
            kept += same if words is None else 0
    verdict(kept / 3 >= 99, f"rare sentences keep their label: {kept / 3:.1f} % over three corpora (at least 99)")


def repeatable(texts: Sequence[str]) -> None:
    batch = rows_of(texts)
    for backend in ("eldc", "langdetect"):
        stage = Language(backend=backend)  # type: ignore[arg-type]
        whole = decide(stage, batch)
        shuffled = batch.sample(fraction=1, shuffle=True, seed=1)
        equal = all(decide(stage, batch, size).equals(whole) for size in (1, 7))
        equal &= all(decide(stage, shuffled, size).equals(whole) for size in (7, 4096))
        verdict(equal, f"{backend}: {batch.height:,} rows in batches of 1, 7 and 4,096 and shuffled: equal decisions")


def steady(own: Pairs) -> None:
    rng = random.Random(1)
    tickets = [" ".join(rng.choice(own)[1].split()[: rng.randrange(1, 6)]) for _ in range(1000)]
    for backend in ("eldc", "langdetect"):
        stage = Language(backend=backend)  # type: ignore[arg-type]
        first = tell(stage, tickets)
        changed = sum(a != b for _ in range(29) for a, b in zip(first, tell(stage, tickets), strict=True))
        verdict(changed == 0, f"{backend}: 1,000 short tickets, 30 runs: {changed} labels changed (none)")


def speed(texts: Sequence[str]) -> None:
    import langdetect

    langdetect.DetectorFactory.seed = 0
    batch = rows_of(texts)
    shown = detectors.texts(batch).to_list()
    labels: list[str | None] = []

    def bare() -> None:
        labels.clear()
        for text in shown:
            try:
                labels.append(plain(langdetect.detect(text)))
            except langdetect.LangDetectException:
                labels.append(None)

    langdetect.detect(shown[0])  # loads the profiles
    stages = [Language(backend=backend) for backend in ("langdetect", "eldc")]
    sketches = [stage.sketch(batch) for stage in stages]
    slow, took = 1e9, [1e9, 1e9]
    for _ in range(3):  # in turns: what else the machine does then falls on all
        slow = min(slow, cpu(bare))
        took = [min(best, cpu(partial(stage.sketch, batch))) for best, stage in zip(took, stages, strict=True)]
    print(f"\n{'':40}{'texts/s':>10}{'x langdetect':>14}")
    print(f"{'langdetect, seeded':40}{len(texts) / slow:>10,.0f}{1:>14.1f}")
    for seconds, stage, sketch in zip(took, stages, sketches, strict=True):
        assert stage.backend is not None
        name = detectors.named(stage.backend)
        print(f"{f'language, backend {name}':40}{len(texts) / seconds:>10,.0f}{slow / seconds:>14.1f}")
        if "rs" in name:
            told = [(a, b) for a, b in zip(sketch["code"].to_list(), labels, strict=True) if a is not None]
            equal = sum(a == b for a, b in told)
            verdict(slow / seconds >= 30, f"backend {name}: {slow / seconds:.1f} x langdetect (at least 30)")
            verdict(
                equal == len(told),
                f"backend {name}: {equal:,} of {len(told):,} labels are langdetect's; {len(shown) - len(told)} unknown",
            )


def same_answers(texts: Sequence[str]) -> None:
    """Let both langdetects tell the same texts through the stage: every column of the sketch must be equal."""
    if not detectors.installed("langdetect-rs"):
        return
    batch, stage = rows_of(texts), Language(backend="langdetect")
    fast = stage.sketch(batch)
    held = sys.modules["langdetect_rs"]
    sys.modules["langdetect_rs"] = None  # type: ignore[assignment]
    detectors._langdetect.cache_clear()
    slow = stage.sketch(batch)
    sys.modules["langdetect_rs"] = held
    detectors._langdetect.cache_clear()
    verdict(fast.equals(slow), f"langdetect with and without langdetect-rs: equal sketches of {len(texts):,} texts")


def main() -> int:
    libraries = ("ftdata", *detectors.installed("eldc", "langdetect", "langdetect-rs"), "polars")
    print(", ".join(f"{name} {version(name)}" for name in libraries) + f", Python {sys.version.split()[0]}")
    if not detectors.loads():
        print("eldc has no wheel for this machine; there is nothing to compare")
        return 2
    own = pairs(OWN)
    file = Path(sys.argv[1] if len(sys.argv) > 1 else ".", "bench/langid/lingua_sentences_18x60.tsv")
    print(f"\n{'macro accuracy, %':34}{'texts':>6}{'guarded':>10}{'':14}{'guard off':>10}{'':14}{'langdetect':>10}")
    sets: Pairs = own
    if file.exists():
        rows = pairs(file)
        accuracy("sentences, 18 languages", rows, 98.4)
        three = [(code, " ".join(text.split()[:3])) for code, text in rows]
        accuracy("their first three words", three, 93.5)
        accuracy("their first two words", [(code, " ".join(text.split()[:2])) for code, text in rows])
        sets = [*rows, *three, *own]
    else:
        print(f"skipped: {file} is not there; give the folder that holds bench/langid")
    accuracy("own support texts, 6 languages", own, 98)
    accuracy("of these Portuguese and Spanish", [pair for pair in own if pair[0] in ("pt", "es")], 98)
    accuracy("own texts, first three words", [(code, " ".join(text.split()[:3])) for code, text in own])
    if file.exists():
        rare(rows)
        repeatable([text for _, text, _ in corpus(rows, *CORPORA[0], None)])
    else:
        repeatable([text for _, text in own * 10])
    steady(own)
    texts = [text for _, text in sets]
    speed(texts)
    same_answers([*texts, *(" ".join(text.split()[1:6]) for text in texts)])
    print()
    for text, good in verdicts:
        print("ok  " if good else "MISS", text)
    return 0 if all(good for _, good in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
