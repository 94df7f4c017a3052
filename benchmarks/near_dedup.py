r"""Near-duplicate removal beside datasketch, rensa and gaoya in memory: accuracy against exact Jaccard, and speed.

    python benchmarks/near_dedup.py                                # near-dedup alone, 20,000 texts of each corpus
    python benchmarks/near_dedup.py --rows 100000 --peers PYTHON   # beside the peers, in an interpreter that has them
    python benchmarks/near_dedup.py --growth 10000 100000 1000000 --threshold 0.8

Two corpora, made to be hard. `tickets`: half of it is template-like, so that hundreds of thousands of pairs stand at J
0.3-0.5; there are hot templates near the threshold, clusters planted at known J, copies, short texts and empty ones.
`phrases`: short instructions and answers in three languages, put together from phrases that many share. The truth comes
from a product of sparse matrices (word 5-grams, greedy in reading order) that shares no code with ftdata.

    residual   pairs at or above the threshold of which both rows were kept, as a share of all such pairs
    wrong      dropped rows without a kept row at or above the threshold
    agree      rows kept or dropped as by the exact greedy pass

Each way runs in a process of its own, from texts in memory to the rows dropped, `--times` times, alternated: median
(least-most) of CPU seconds, without imports and reading. Peers have 128 permutations and their defaults, and get the
same 5-grams, made in Python; gaoya makes its own in Rust, from texts levelled beforehand. Words are `\w+`, lower case.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

NGRAM = 5
_VOCABULARY = 30_000


class Maker:
    """Make texts of words drawn by Zipf's law from a made-up vocabulary."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        syllables = [c + v + e for c in "bcdfghjklmnpqrstvwz" for v in "aeiou" for e in ("", "n", "r", "s", "t")]
        spelled: dict[str, None] = {}
        while len(spelled) < _VOCABULARY:
            spelled["".join(self.rng.choices(syllables, k=self.rng.randint(1, 4)))] = None
        self.vocabulary = list(spelled)
        self.weights = np.cumsum(1 / np.arange(1, _VOCABULARY + 1)).tolist()

    def words(self, count: int) -> list[str]:
        """Draw words."""
        return self.rng.choices(self.vocabulary, cum_weights=self.weights, k=count)

    def rare(self, count: int) -> list[str]:
        """Draw words that hardly stand anywhere else."""
        return [f"{self.rng.choice(self.vocabulary)}{self.rng.randrange(10**9)}" for _ in range(count)]

    def ticket(self) -> list[str]:
        """Make a text of some 160 words, as tickets are: log-normal."""
        return self.words(max(8, int(self.rng.lognormvariate(5.08, 0.5))))

    def template(self, fixed: tuple[int, int], length: int) -> list[list[str]]:
        """Make a template: stretches of fixed words, a slot after each."""
        stretches: list[list[str]] = []
        while sum(map(len, stretches)) < length:
            stretches.append(self.words(self.rng.randint(*fixed)))
        return stretches

    def filled(self, template: list[list[str]], slot: tuple[int, int]) -> list[str]:
        """Fill the slots of a template."""
        return [word for part in template for word in [*part, *self.words(self.rng.randint(*slot))]]

    def variant(self, words: list[str], similarity: float) -> list[str]:
        """Replace words, five or more apart, until about J: each takes five 5-grams away and adds five others."""
        made = list(words)
        count = round(len(words) * (1 - similarity) / (NGRAM * (1 + similarity)))
        places = self.rng.sample(range(2, max(3, len(words) // NGRAM)), k=min(count, max(1, len(words) // NGRAM - 2)))
        for place, word in zip(places, self.rare(len(places)), strict=True):
            made[place * NGRAM] = word
        return made

    def written(self, words: list[str]) -> str:
        """Write words as a text with sentences; case and signs say nothing."""
        told = [word.capitalize() if self.rng.random() < 0.1 else word for word in words]
        return " ".join(
            word + self.rng.choice((".", ",", "!", "\n")) if self.rng.random() < 0.1 else word for word in told
        )


def corpus(rows: int, seed: int = 1) -> list[str]:
    """Make texts: 35 % strangers, 37 % template-like, 10 % of hot templates, 15 % planted, 3 % copies, short, empty."""
    maker = Maker(seed)
    rng = maker.rng
    made = [maker.ticket() for _ in range(rows * 35 // 100)]
    loose = [(maker.template((10, 22), rng.randint(60, 220)), (2, 6)) for _ in range(max(2, rows // 250))]
    made += [maker.filled(*rng.choice(loose)) for _ in range(rows * 37 // 100)]
    hot = [(maker.template((15, 100), rng.randint(60, 260)), (1, 3)) for _ in range(max(8, rows // 500))]
    often = [1 / place for place in range(1, len(hot) + 1)]
    made += [maker.filled(*rng.choices(hot, often)[0]) for _ in range(rows * 10 // 100)]
    full = rows * 97 // 100
    while len(made) < full:
        base = maker.ticket()
        made += [base, *(maker.variant(base, rng.uniform(0.6, 0.99)) for _ in range(rng.randint(1, 6)))]
    del made[full:]
    while len(made) < rows:
        kind = rng.random()
        made.append(made[rng.randrange(len(made))] if kind < 0.4 else maker.words(rng.randint(0, 5)))
    rng.shuffle(made)
    return [maker.written(words) for words in made]


def grams(text: str) -> set[str]:
    """Give the word 5-grams of a text, or the whole of a shorter one."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[at : at + NGRAM]) for at in range(max(1, len(words) - NGRAM + 1))} if words else set()


def exact_pairs(sets: Sequence[set[str]], floor: float) -> Iterator[tuple[int, int, float]]:
    """Give all pairs (i < j) of sets at Jaccard `floor` or above, by a product of sparse matrices, in no order."""
    numbers: dict[str, int] = {}
    columns = [[numbers.setdefault(gram, len(numbers)) for gram in grams_] for grams_ in sets]
    sizes = np.array([len(column) for column in columns], dtype=np.int64)
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    flat = np.array([number for column in columns for number in column], dtype=np.int64)
    shape = (len(sets), len(numbers))
    table = scipy.sparse.csr_matrix((np.ones(len(flat), dtype=np.int32), flat, bounds), shape=shape)
    other = table.T.tocsr()
    for start in range(0, len(sets), 500):
        shared = (table[start : start + 500] @ other).tocoo()
        i, j, both = shared.row + start, shared.col, shared.data
        i, j, both = (part[i < j] for part in (i, j, both))
        alike = both / (sizes[i] + sizes[j] - both)
        near = alike >= floor
        yield from zip(i[near].tolist(), j[near].tolist(), alike[near].tolist(), strict=True)


def greedy(rows: int, pairs: Iterable[tuple[int, int, float]], threshold: float) -> set[int]:
    """Give the rows that an exact pass in reading order drops: those like a row kept before."""
    before: dict[int, list[int]] = {}
    for i, j, alike in pairs:
        if alike >= threshold:
            before.setdefault(j, []).append(i)
    gone: set[int] = set()
    for row in range(rows):
        if any(other not in gone for other in before.get(row, ())):
            gone.add(row)
    return gone


def judged(rows: int, pairs: Sequence[tuple[int, int, float]], threshold: float, gone: set[int]) -> dict[str, float]:
    """Measure what was dropped against the exact pairs."""
    near = [(i, j) for i, j, alike in pairs if alike >= threshold]
    held = {row for pair in near for row, other in (pair, pair[::-1]) if row in gone and other not in gone}
    residual = sum(i not in gone and j not in gone for i, j in near)
    differ = len(greedy(rows, pairs, threshold) ^ gone)
    return {
        "pairs": len(near),
        "residual": residual,
        "residual_share": residual / max(1, len(near)),
        "dropped": len(gone),
        "wrong": len(gone - held),
        "agree": 1 - differ / rows,
    }


def phrased(rows: int, seed: int = 1) -> list[str]:
    """Make short instructions with their answers, in three languages, put together from phrases that many texts share.

    So most texts have a few runs of words in common with hundreds of others; 30 % are variants planted at known J, 8 %
    fill the slots of 40 templates, 2 % are copies or very short.
    """
    maker = Maker(seed + 1)
    rng = maker.rng
    banks = []
    for marks in ("", "ãçéõ", "ñíóá"):
        own = maker.vocabulary[: _VOCABULARY // 3]
        rng.shuffle(own)
        words = [word[:-1] + rng.choice(marks) if marks and rng.random() < 0.3 else word for word in own[:2500]]
        weights = np.cumsum(1 / np.arange(1, len(words) + 1)).tolist()
        phrases = [rng.choices(words, cum_weights=weights, k=rng.randint(4, 12)) for _ in range(1200)]
        banks.append((words, weights, phrases, np.cumsum(1 / np.arange(4, len(phrases) + 4)).tolist()))

    def text() -> list[str]:
        words, weights, phrases, often = rng.choice(banks)
        made: list[str] = []
        for _ in range(rng.randint(3, 14)):
            fresh = rng.random() < 0.55
            made += (
                rng.choices(words, cum_weights=weights, k=rng.randint(3, 12))
                if fresh
                else rng.choices(phrases, cum_weights=often)[0]
            )
        return made

    made = [text() for _ in range(rows * 60 // 100)]
    forms = [(maker.template((12, 40), rng.randint(40, 120)), (1, 3)) for _ in range(40)]
    made += [maker.filled(*rng.choice(forms)) for _ in range(rows * 8 // 100)]
    while len(made) < rows * 98 // 100:
        base = text()
        made += [base, *(maker.variant(base, rng.uniform(0.6, 0.99)) for _ in range(rng.randint(1, 4)))]
    del made[rows * 98 // 100 :]
    while len(made) < rows:
        made.append(made[rng.randrange(len(made))] if rng.random() < 0.5 else text()[: rng.randint(0, 6)])
    rng.shuffle(made)
    return [maker.written(words) for words in made]


CORPORA: dict[str, Callable[[int, int], list[str]]] = {"tickets": corpus, "phrases": phrased}


# --- the ways, each from texts in memory to the positions dropped -----------------------------------------------------

Dropped = tuple[set[int], dict[str, Any]]


def ours(texts: Sequence[str], threshold: float) -> Dropped:
    """Drop with the stage `near-dedup` (answers do not count), batches in memory."""
    import polars as pl

    from ftdata.batch import Batch, to_batches
    from ftdata.conversation import Conversation, assistant, user
    from ftdata.selectors.near_dedup import NearDedup

    class Held:
        """The batches, read again."""

        def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
            wanted = np.sort(np.fromiter(numbers, dtype=np.uint64))
            for batch in batches:
                first = int(batch["row"][0])
                lo, hi = np.searchsorted(wanted, [first, int(batch["row"][-1]) + 1])
                if lo < hi:
                    yield batch[(wanted[lo:hi] - np.uint64(first)).astype(np.int64)]

        def tick(self) -> None:
            pass

        def earlier(self, path: Path) -> Iterator[Batch]:
            return iter(())

    def talk(number: int, text: str) -> Conversation:
        cut = text.find(" ", len(text) * 2 // 3) + 1
        return Conversation(row=number, origin=(number,), messages=(user(text[:cut]), assistant(text[cut:])))

    batches = list(to_batches(talk(number, text) for number, text in enumerate(texts)))
    stage = NearDedup(threshold=threshold, conflict="drop")
    stage.select(stage.sketch(batches[0]).lazy(), Held()).collect()  # tables are built once in a process
    began = time.process_time()
    sketches = pl.concat([stage.sketch(batch) for batch in batches])
    middle = time.process_time()
    decided = stage.select(sketches.lazy(), Held()).collect()
    ended = time.process_time()
    gone = set(decided.filter(pl.col("drop").is_not_null())["row"].to_list())
    return gone, {"sketch": middle - began, "select": ended - middle, "cpu": ended - began}


def datasketch(texts: Sequence[str], threshold: float) -> Dropped:
    """Drop with datasketch's defaults, MinHash in bulk, on any bucket hit: as its documentation shows."""
    from datasketch import MinHash, MinHashLSH

    began = time.process_time()
    lsh = MinHashLSH(threshold=threshold, num_perm=128)
    gone: set[int] = set()
    sets = ([gram.encode() for gram in grams(text)] for text in texts)
    for row, sketch in enumerate(MinHash.generator(sets, num_perm=128)):
        if sketch.is_empty():
            continue
        if lsh.query(sketch):
            gone.add(row)
        else:
            lsh.insert(row, sketch)
    return gone, {"bands": f"{lsh.b} x {lsh.r}", "cpu": time.process_time() - began}


def rensa_r(texts: Sequence[str], threshold: float) -> Dropped:
    """Drop with RMinHashDeduplicator, all in one call, as its README shows."""
    from rensa import RMinHashDeduplicator

    return _rensa(RMinHashDeduplicator(threshold=threshold, num_perm=128, use_lsh=True), texts)


def rensa_c(texts: Sequence[str], threshold: float) -> Dropped:
    """Drop with CMinHashDeduplicator, all in one call."""
    from rensa import CMinHashDeduplicator

    return _rensa(CMinHashDeduplicator(threshold=threshold, num_perm=128), texts)


def _rensa(made: Any, texts: Sequence[str]) -> Dropped:
    began = time.process_time()
    numbers: list[int] = []

    def entries() -> Iterator[tuple[str, list[str]]]:
        for number, text in enumerate(texts):
            if found := grams(text):
                numbers.append(number)
                yield str(number), list(found)

    keep = made.add_pairs(entries())
    ended = time.process_time()
    gone = {number for number, kept in zip(numbers, keep, strict=True) if not kept}
    return gone, {"cpu": ended - began}


def gaoya(texts: Sequence[str], threshold: float) -> Dropped:
    """Drop with MinHashStringIndex, its own analyzer in Rust; the texts are levelled before, at no cost to it."""
    from gaoya.minhash import MinHashStringIndex

    levelled = [" ".join(re.findall(r"\w+", text.lower())) for text in texts]
    began = time.process_time()
    index = MinHashStringIndex(32, threshold, None, None, 128, "word", False, (NGRAM, NGRAM), "smallvec")
    gone = set()
    for number, text in enumerate(levelled):
        if not text:
            continue
        if index.query(text):
            gone.add(number)
        else:
            index.insert_document(number, text)
    return gone, {"cpu": time.process_time() - began}


WAYS: dict[str, Callable[[Sequence[str], float], Dropped]] = {
    "near-dedup": ours,
    "datasketch": datasketch,
    "rensa-r": rensa_r,
    "rensa-c": rensa_c,
    "gaoya": gaoya,
}


# --- measuring --------------------------------------------------------------------------------------------------------


def _child(given: argparse.Namespace) -> None:
    """Run one way on the texts of a file: what the parent asks of a peer's interpreter."""
    texts = json.loads(given.texts.read_text())
    gone, told = WAYS[given.way](texts, given.threshold[0])
    print(json.dumps({"gone": sorted(gone), **told}))


def _asked(python: str, way: str, texts: Path, threshold: float) -> dict[str, Any]:
    command = [python, __file__, "--as", way, "--texts", str(texts), "--threshold", str(threshold)]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{way}: {ran.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def _compare(given: argparse.Namespace, name: str, place: Path) -> None:
    texts = CORPORA[name](given.rows, 1)
    file = place / f"{name}.json"
    file.write_text(json.dumps(texts))
    pairs = list(exact_pairs([grams(text) for text in texts], min(0.5, *given.threshold)))
    counts = np.histogram([alike for *_, alike in pairs], bins=[0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 1.01])[0].tolist()
    print(f"\n{name}: {len(texts)} texts, {sum(map(len, texts)) / len(texts):.0f} characters on average")
    print(f"pairs by J (0.5, 0.7, 0.75, 0.8, 0.85, 0.9): {counts}")
    ways = [way for way in given.ways if way == "near-dedup" or given.peers]
    for threshold in given.threshold:
        spent: dict[str, list[float]] = {way: [] for way in ways}
        last: dict[str, dict[str, Any]] = {}
        for _ in range(given.times):
            for way in ways:
                last[way] = _asked(sys.executable if way == "near-dedup" else given.peers, way, file, threshold)
                spent[way].append(last[way]["cpu"])
        base = statistics.median(spent["near-dedup"])
        for way in ways:
            seen = judged(len(texts), pairs, threshold, set(last[way]["gone"]))
            middle = statistics.median(spent[way])
            print(
                f"{threshold} {way:11} residual {seen['residual_share']:7.2%} of {seen['pairs']} pairs  "
                f"dropped {seen['dropped']:6}  wrong {seen['wrong']:5}  agree {seen['agree']:.3%}  "
                f"{len(texts) / middle:8.0f} texts/s  {middle:.2f} s ({min(spent[way]):.2f}-{max(spent[way]):.2f})  "
                f"{middle / base:.1f} times near-dedup's"
            )


def _growth(given: argparse.Namespace, place: Path) -> None:
    """Measure how the time grows with the rows: the exponent between each size and the next."""
    before = None
    for rows in given.growth:
        file = place / "growth.json"
        file.write_text(json.dumps(corpus(rows, 1)))
        cpu = statistics.median(
            _asked(sys.executable, "near-dedup", file, given.threshold[0])["cpu"] for _ in range(given.times)
        )
        told = f", exponent {np.log(cpu / before[1]) / np.log(rows / before[0]):.2f}" if before else ""
        print(f"{rows} texts: {cpu:.2f} s, {cpu / rows * 1e6:.1f} µs a text{told}")
        before = rows, cpu


def main() -> None:
    """Generate, measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--threshold", type=float, nargs="*", default=[0.8, 0.7], help="below 1: datasketch refuses 1")
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--corpus", nargs="*", default=list(CORPORA), choices=list(CORPORA))
    options.add_argument("--peers", help="an interpreter that has datasketch, rensa, gaoya, numpy, scipy")
    options.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    options.add_argument("--growth", type=int, nargs="*", default=[], help="sizes at which to time near-dedup alone")
    options.add_argument("--as", dest="way", help=argparse.SUPPRESS)
    options.add_argument("--texts", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.way:
        _child(given)
        return
    names = "polars numpy", "datasketch rensa gaoya numpy"
    for python, wanted in zip((sys.executable, given.peers), names, strict=True):
        if python:
            code = (
                "import sys; from importlib.metadata import version as v; print(*(f'{n} {v(n)}' for n in sys.argv[1:]))"
            )
            told = subprocess.run([python, "-c", code, *wanted.split()], capture_output=True, text=True).stdout.strip()
            print(f"versions: {told}")
    with tempfile.TemporaryDirectory() as place:
        if given.growth:
            _growth(given, Path(place))
            return
        for name in given.corpus:
            _compare(given, name, Path(place))


if __name__ == "__main__":
    main()
