"""Near-duplicate removal beside datasketch as its documentation uses it: accuracy against exact Jaccard, and speed.

    python benchmarks/near_dedup.py                # 20,000 generated tickets, thresholds 0.8 and 0.7
    python benchmarks/near_dedup.py --rows 100000 --threshold 0.8

The corpus is made to be hard: half of it is template-like, so that hundreds of thousands of pairs stand at J 0.3-0.5;
there are hot templates near the threshold, clusters planted at known J, copies, short texts and empty ones. The truth
comes from a product of sparse matrices (word 5-grams, greedy in reading order) that shares no code with ftdata.

    residual   pairs at or above the threshold of which both rows were kept, as a share of all such pairs
    wrong      dropped rows without a kept row at or above the threshold
    agree      rows kept or dropped as by the exact greedy pass

The peer: `MinHashLSH(threshold=…, num_perm=128)` with MinHash in bulk on the same 5-grams, a row dropped on any hit.
Seconds are CPU time of one process, best of `--times` alternated tries; shingling is counted for both.
"""

from __future__ import annotations

import argparse
import random
import re
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
    """Give the word 5-grams of an ASCII text, or the whole of a shorter one."""
    words = re.findall(r"[a-z0-9]+", text.lower())
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


def ours(texts: Sequence[str], threshold: float) -> tuple[set[int], dict[str, Any]]:
    """Drop with the stage `near-dedup`, batches in memory; give the positions dropped, and its summary."""
    import polars as pl

    from ftdata.batch import Batch, to_batches
    from ftdata.conversation import Conversation, assistant, user
    from ftdata.selectors.near_dedup import NearDedup

    class Held:
        """The batches, read again."""

        def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
            wanted = np.sort(np.fromiter(numbers, dtype=np.uint64))
            for batch in batches:
                lo, hi = np.searchsorted(wanted, [int(batch["row"][0]), int(batch["row"][-1]) + 1])
                if lo < hi:
                    yield batch.filter(pl.col("row").is_in(wanted[lo:hi].tolist()))

        def tick(self) -> None:
            pass

        def earlier(self, path: Path) -> Iterator[Batch]:
            return iter(())

    def talk(number: int, text: str) -> Conversation:
        cut = text.find(" ", len(text) * 2 // 3) + 1
        return Conversation(row=number, origin=(number,), messages=(user(text[:cut]), assistant(text[cut:])))

    batches = list(to_batches(talk(number, text) for number, text in enumerate(texts)))
    stage = NearDedup(threshold=threshold)
    began = time.process_time()
    sketches = pl.concat([stage.sketch(batch) for batch in batches])
    middle = time.process_time()
    decided = stage.select(sketches.lazy(), Held()).collect()
    ended = time.process_time()
    gone = set(decided.filter(pl.col("drop").is_not_null())["row"].to_list())
    return gone, {**stage.summary(decided), "sketch": middle - began, "select": ended - middle, "cpu": ended - began}


def peer(texts: Sequence[str], threshold: float) -> tuple[set[int], dict[str, Any]]:
    """Drop with datasketch's defaults, on any bucket hit."""
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


def main() -> None:
    """Generate, measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--threshold", type=float, nargs="*", default=[0.8, 0.7], help="below 1: datasketch refuses 1")
    options.add_argument("--times", type=int, default=2)
    given = options.parse_args()
    texts = corpus(given.rows)
    pairs = list(exact_pairs([grams(text) for text in texts], 0.3))
    counts = np.histogram([alike for *_, alike in pairs], bins=[0.3, 0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 1.01])[0].tolist()
    print(f"{len(texts)} texts, {sum(map(len, texts)) / len(texts):.0f} characters on average")
    print(f"pairs by J (0.3, 0.5, 0.7, 0.75, 0.8, 0.85, 0.9): {counts}")
    ways: dict[str, Callable[[Sequence[str], float], tuple[set[int], dict[str, Any]]]]
    ways = {"near-dedup": ours, "datasketch": peer}
    for threshold in given.threshold:
        best: dict[str, float] = {}
        for _ in range(given.times):
            for name, way in ways.items():
                gone, told = way(texts, threshold)
                best[name] = min(best.get(name, float("inf")), told["cpu"])
        for name, way in ways.items():
            gone, told = way(texts, threshold)
            seen = judged(len(texts), pairs, threshold, gone)
            print(
                f"{threshold} {name}: "
                f"residual {seen['residual']} of {seen['pairs']} pairs ({seen['residual_share']:.2%}), "
                f"dropped {seen['dropped']}, wrong {seen['wrong']}, agree {seen['agree']:.3%}, "
                f"{len(texts) / best[name]:.0f} texts/s ({best[name]:.1f} s) {told}"
            )
        print(f"{threshold} CPU time of datasketch / near-dedup: {best['datasketch'] / best['near-dedup']:.2f}")


if __name__ == "__main__":
    main()
