"""Languages of conversations and turns: accuracy by length, short turns, variants, rare languages, speed.

    python benchmarks/language.py [DATA] [--peer PYTHON] [--variants TSV]

DATA is the folder of third-party data that holds `bench/langid` (18 languages, 60 sentences each); what needs it is
skipped without it. PYTHON is an interpreter that has lingua-language-detector; without it lingua is left out. TSV has
lines of `pt-BR` or `pt-PT`, a tab, and a text in which `\\n` stands for a line break: a set of your own.

The other texts are our own, kept with the tests: support requests in six languages, short turns in eleven, Portuguese
conversations of both sides; whoever wrote these also wrote the cues, after them. Accuracies are micro, in per cent, of
all texts; `unknown` is wrong but where it is said that it counts as no error, up to a quarter of the texts. Times are
CPU, of five runs taken in turns: median (least to most). lingua is in its high-accuracy mode, models loaded before.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from ftdata.conversation import Conversation, Message, user
from ftdata.selectors.language import Language, detectors
from ftdata.selectors.language.codes import plain

TESTS = Path(__file__).parents[1] / "tests/selectors"
sys.path.insert(0, str(TESTS))
from support_dialogues import PORTUGUESE, portuguese, short_turns  # noqa: E402
from telling import OWN, decide, pairs, whole  # noqa: E402

Pairs = list[tuple[str, str]]
Talk = tuple[str, list[tuple[str, str]]]
"""A language, and turns (role, text)."""
REPEATS = 5
# The many and the few of three corpora: mixed, two close neighbours, neighbours on the side of the few.
CORPORA = (
    ("en es pt fr de ru zh ar", "ca it nl sv pl uk tr hi ja ko"),
    ("en pt", "ca it nl sv es fr de uk tr hi"),
    ("ru zh de fr", "uk nl sv en ca it es pt ja ko"),
)
PEER = """
import json, sys, time
from lingua import LanguageDetectorBuilder
from importlib.metadata import version
detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()
print(json.dumps("lingua " + version("lingua-language-detector")), flush=True)
for line in sys.stdin:
    texts = json.loads(line)
    start = time.process_time()
    told = [detector.detect_language_of(text) for text in texts]
    took = time.process_time() - start
    codes = [None if one is None else one.iso_code_639_1.name.lower() for one in told]
    print(json.dumps([took, codes]), flush=True)
"""
verdicts: list[tuple[str, bool]] = []


class Lingua:
    """The peer, in a process and an interpreter of its own; it tells its CPU time itself."""

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.name = self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def tell(self, texts: Sequence[str]) -> tuple[float, list[str | None]]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(list(texts)) + "\n")
        self.process.stdin.flush()
        took, codes = self._answer()
        return took, [None if code is None else plain(code) for code in codes]


def bare(texts: Sequence[str]) -> list[str | None]:
    """Ask langdetect as most do: seeded, text by text."""
    import langdetect  # type: ignore[import-untyped]

    langdetect.DetectorFactory.seed = 0
    told: list[str | None] = []
    for text in texts:
        try:
            told.append(plain(langdetect.detect(text)))
        except langdetect.LangDetectException:
            told.append(None)
    return told


def rows_of(talks: Sequence[Talk]) -> list[Conversation]:
    return [Conversation(messages=tuple(Message(role=r, content=t) for r, t in turns)) for _, turns in talks]


def tags(stage: Language, rows: Sequence[Conversation | str]) -> list[dict[str, Any]]:
    return [json.loads(tag) for tag in decide(stage, whole(rows))["tags"]]


def tell(stage: Language, texts: Sequence[str]) -> list[str]:
    return [tag["code"] for tag in tags(stage, texts)]


def cpu(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def verdict(good: bool, text: str) -> None:
    verdicts.append((text, good))


# --- accuracy ---------------------------------------------------------------------------------------------------------

BUCKETS = ((0, 9), (10, 20), (21, 40), (41, 100), (101, 10**9))


def cut(rng: random.Random, text: str) -> str:
    words = text.split()
    if len(words) < 3:  # a script without spaces
        return text[: rng.randrange(3, 20)]
    count = rng.choice((1, 2, 3, 3, 5, 9, 20))
    start = rng.randrange(max(1, len(words) - count + 1))
    return " ".join(words[start : start + count])


def talks_of(rng: random.Random, rows: Pairs, count: int) -> list[Talk]:
    """Make conversations of six turns in one language each, every turn a cut of a sentence."""
    by_code: dict[str, list[str]] = {}
    for code, text in rows:
        by_code.setdefault(code, []).append(text)
    made: list[Talk] = []
    for _ in range(count):
        code = rng.choice(sorted(by_code))
        turns = [(("user", "assistant")[at % 2], cut(rng, rng.choice(by_code[code]))) for at in range(6)]
        made.append((code, turns))
    return made


def short_talks(rng: random.Random) -> list[Talk]:
    """Put our short turns into conversations, four beside one longer turn of each speaker."""
    made: list[Talk] = []
    for code, turns in short_turns().items():
        for at in range(0, len(turns["short"]) if code != "none" else 0, 4):
            talk = [("user", rng.choice(turns["user"])), ("assistant", rng.choice(turns["agent"]))]
            talk += [(("user", "assistant")[i % 2], text) for i, text in enumerate(turns["short"][at : at + 4])]
            made.append((code, talk))
    return made


def by_length(name: str, talks: list[Talk], lingua: Lingua | None) -> None:
    truth = [code for code, turns in talks for _ in turns]
    texts = [text for _, turns in talks for _, text in turns]
    told: dict[str, list[Any]] = {
        "in conversation": [code for tag in tags(Language(turns=True), rows_of(talks)) for code in tag["turns"]],
        "alone": tell(Language(), texts),
        "langdetect": bare(texts),
    }
    if lingua is not None:
        told["lingua"] = lingua.tell(texts)[1]
    print(f"\n{name}: right, % (unknown, %)\n{'characters':>12}{'turns':>7}" + "".join(f"{k:>19}" for k in told))
    for low, high in BUCKETS:
        at = [i for i, text in enumerate(texts) if low <= len(text) <= high]
        if not at:
            continue
        cells = []
        for got in told.values():
            right = 100 * sum(got[i] == truth[i] for i in at) / len(at)
            unknown = 100 * sum(got[i] in ("unknown", None) for i in at) / len(at)
            cells.append(f"{right:>11.1f} ({unknown:>4.1f})")
        print(f"{low:>6}–{high if high < 10**6 else '':<5}{len(at):>7}" + "".join(f"{cell:>19}" for cell in cells))
    short = [i for i, text in enumerate(texts) if len(text) <= 20]

    def errors(got: Sequence[str | None]) -> float:
        unknown = sum(got[i] in ("unknown", None) for i in short)
        wrong = sum(got[i] not in ("unknown", None, truth[i]) for i in short)
        return wrong + unknown - min(unknown, len(short) / 4)

    raw = errors(told["langdetect"])
    for way in ("in conversation", "alone"):
        fewer = 100 * (1 - errors(told[way]) / raw)
        verdict(
            fewer >= 80, f"{name}, {len(short)} turns of 20 characters or less, {way}: {fewer:.1f} % fewer errors (80)"
        )


def conversations(name: str, talks: list[Talk], lingua: Lingua | None, floor: float) -> None:
    truth = [code for code, _ in talks]
    texts = [" ".join(text for role, text in turns if role == "user") for _, turns in talks]
    told: dict[str, list[Any]] = {
        "ours": [tag["code"] for tag in tags(Language(), rows_of(talks))],
        "langdetect": bare(texts),
    }
    if lingua is not None:
        told["lingua"] = lingua.tell(texts)[1]
    right = {who: 100 * sum(a == b for a, b in zip(truth, got, strict=True)) / len(truth) for who, got in told.items()}
    print(
        f"{name}: {len(talks)} conversations, right: "
        + ", ".join(f"{who} {share:.1f} %" for who, share in right.items())
    )
    verdict(right["ours"] >= floor, f"{name}: {right['ours']:.1f} % of conversations (at least {floor})")


def variants(extra: Path | None) -> None:
    sets: dict[str, list[tuple[str, Conversation]]] = {}
    for variant in PORTUGUESE:
        for _, turns in (("", turns) for turns in portuguese(variant)):
            for what, said in (
                ("own, whole (100 words and more)", turns),
                ("own, the user's turns", [turn for turn in turns if turn[0] == "user"]),
                ("own, the first six turns", turns[:6]),
            ):
                sets.setdefault(what, []).append((variant, rows_of([("", said)])[0]))
    if extra is not None:
        for variant, text in pairs(extra):
            sets.setdefault(extra.name, []).append((variant, Conversation(messages=(user(text.replace("\\n", "\n")),))))
    print(
        f"\n{'Portuguese of Brazil and Portugal':34}{'':9}{'rows':>6}{'pt-BR':>8}{'pt-PT':>8}{'null':>8}{'not pt':>8}"
    )
    for what, rows in sets.items():
        found = tags(Language(guarded=False), [row for _, row in rows])
        for variant in PORTUGUESE:
            got = Counter(
                tag.get("variant", "null") if tag["code"] == "pt" else "not pt"
                for (truth, _), tag in zip(rows, found, strict=True)
                if truth == variant
            )
            cells = "".join(f"{got[name]:>8}" for name in ("pt-BR", "pt-PT", "null", "not pt"))
            print(f"{what:34}{variant:9}{got.total():>6}{cells}")
            if "100 words" in what:
                verdict(got[variant] >= 0.9 * got.total(), f"{variant}: {got[variant]} of {got.total()} told (90 %)")


def rare(rows: Pairs) -> None:
    kept = 0.0
    for many, few in CORPORA:
        rng = random.Random(0)
        by_code: dict[str, list[str]] = {}
        for code, text in rows:
            by_code.setdefault(code, []).append(text)
        made = [(code, text) for code in few.split() for text in by_code[code][:10]]
        while len(made) < 10_000:
            code = rng.choice(many.split())
            made.append((code, cut(rng, rng.choice(by_code[code]))))
        texts = [text for _, text in made]
        on, off = tell(Language(), texts)[:100], tell(Language(guarded=False), texts)[:100]
        kept += sum(a == b for a, b in zip(on, off, strict=True)) / 3
    verdict(kept >= 99, f"10 sentences of 10 rare languages among 10,000 rows keep their label: {kept:.1f} % (99)")


# --- the same answers each time ---------------------------------------------------------------------------------------


def repeatable(talks: list[Talk]) -> None:
    batch = whole(rows_of(talks))
    for backend in ("eldc", "langdetect"):
        stage = Language(backend=backend, turns=True, answer_language="warn")  # type: ignore[arg-type]
        first = decide(stage, batch)
        shuffled = batch.sample(fraction=1, shuffle=True, seed=1)
        equal = all(decide(stage, rows, size).equals(first) for rows in (batch, shuffled) for size in (1, 7, 4096))
        verdict(equal, f"{backend}: {batch.height} rows in batches of 1, 7 and 4,096 and shuffled: equal decisions")


# --- speed ------------------------------------------------------------------------------------------------------------


def speed(name: str, talks: list[Talk], lingua: Lingua | None) -> None:
    """Time sketch and select together, for all rows at once as a run does, beside the peers text by text."""
    rows = rows_of(talks)
    batches = list(whole(rows).iter_slices(4096))
    shown = {
        "conversation": [" ".join(text for role, text in turns if role == "user") for _, turns in talks],
        "turn": [text for _, turns in talks for _, text in turns],
    }
    part = {what: texts[: 400 if what == "conversation" else 1200] for what, texts in shown.items()}
    stages = {"conversation": Language(), "turn": Language(turns=True)}
    took: dict[tuple[str, str], list[float]] = {}

    def ours(stage: Language) -> None:
        sketches = pl.concat([stage.sketch(batch) for batch in batches])
        stage.select(sketches.lazy(), None).collect()  # type: ignore[arg-type]

    for _ in range(REPEATS):
        for what, stage in stages.items():
            took.setdefault((what, "ours"), []).append(cpu(lambda stage=stage: ours(stage)) / len(shown[what]))  # type: ignore[misc]
            few = part[what][:200]
            took.setdefault((what, "langdetect"), []).append(cpu(lambda few=few: bare(few)) / len(few))  # type: ignore[misc]
            if lingua is not None:
                seconds, _ = lingua.tell(part[what])
                took.setdefault((what, lingua.name), []).append(seconds / len(part[what]))
    print(f"\n{name}: {len(talks):,} conversations; peers on the first 400 (langdetect 200) conversations, 1,200 turns")
    for (what, who), times in took.items():
        each = sorted(1e6 * one for one in times)
        mine = took[what, "ours"]
        ratios = sorted(theirs / own for theirs, own in zip(times, mine, strict=True))
        print(
            f"  per {what:13}{who:16}{median(each):>9,.1f} µs ({each[0]:,.1f} to {each[-1]:,.1f})"
            f"{median(ratios):>9,.1f} x ({ratios[0]:,.1f} to {ratios[-1]:,.1f})"
        )
        if lingua is not None and who == lingua.name:
            verdict(median(ratios) >= 100, f"{name}, per {what}: {median(ratios):.0f} x lingua (at least 100)")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", type=Path, default=Path())
    parser.add_argument("--peer")
    parser.add_argument("--variants", type=Path)
    given = parser.parse_args()
    lingua = Lingua(given.peer) if given.peer else None
    libraries = ("ftdata", *detectors.installed("eldc", "langdetect", "langdetect-rs"), "polars")
    print(", ".join(f"{name} {version(name)}" for name in libraries) + f", Python {sys.version.split()[0]}")
    print(lingua.name if lingua else "no --peer: lingua is left out")
    if not detectors.loads():
        print("eldc has no wheel for this machine; there is nothing to compare")
        return 2
    rng = random.Random(0)
    own = pairs(OWN)
    by_length("own short turns, 11 languages", short_talks(rng), lingua)
    file = given.data / "bench/langid/lingua_sentences_18x60.tsv"
    talks = talks_of(rng, own, 200)
    if file.exists():
        talks = talks_of(rng, pairs(file), 400)
        by_length("cuts of sentences, 18 languages", talks, lingua)
        conversations("the same", talks, lingua, 98)
        rare(pairs(file))
    else:
        print(f"skipped: {file} is not there; give the folder that holds bench/langid")
    conversations("own support texts, 6 languages", [(code, [("user", text)]) for code, text in own], lingua, 98)
    variants(given.variants)
    repeatable(talks[:200])
    speed("many languages", talks_of(rng, pairs(file) if file.exists() else own, 4096), lingua)
    speed("Portuguese", [("pt", turns) for variant in PORTUGUESE for turns in portuguese(variant, 2048)], lingua)
    print()
    for text, good in verdicts:
        print("ok  " if good else "MISS", text)
    return 0 if all(good for _, good in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
