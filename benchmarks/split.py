"""The leak-proof split beside a random one: what of the training side is known from the evaluation, and what it costs.

    python benchmarks/split.py                  # 10,000 generated tickets, 5 repeats
    python benchmarks/split.py --rows 100000 --times 5

The tickets: a third are strangers, the others come in families of up to eight, whose members differ in one word, a
number, case or punctuation; every customer wrote three on average. The peer is `train_test_split` of Hugging Face
`datasets`, which draws rows at random, as most scripts do; a second line gives it without exact copies of the question.

    known      training rows that are at J 0.8 or above to an evaluation row (word 5-grams of question and answer or of
               the question), or whose customer or question stands there
    cost       CPU time of one process a row, median and range of `--times` alternated tries: sketch and select

What is known is told by an inverted index over Python sets that shares no code with ftdata.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.selectors.split import Split

THRESHOLD, NGRAM, SHARE = 0.8, 5, 0.1


class Ticket(NamedTuple):
    """A question, its answer, its customer and category."""

    question: str
    answer: str
    customer: int
    category: str


def tickets(rows: int, seed: int = 1) -> list[Ticket]:
    """Make tickets: strangers and families."""
    rng = random.Random(seed)
    vocabulary = [f"{a}{b}{c}" for a in "bcdfglmnprst" for b in ("a", "e", "io") for c in ("ra", "n", "sto", "vel")]
    weights = np.cumsum(1 / np.arange(1, len(vocabulary) + 1)).tolist()

    def words(count: int) -> list[str]:
        drawn = rng.choices(vocabulary, cum_weights=weights, k=count)
        return [f"{word}{rng.randrange(50)}" if rng.random() < 0.3 else word for word in drawn]

    def like(text: list[str]) -> list[str]:
        made = list(text)
        made[rng.randrange(len(made))] = rng.choice((*words(1), str(rng.randrange(10**6))))
        return [word.upper() for word in made] if rng.random() < 0.1 else made

    made: list[Ticket] = []
    while len(made) < rows:
        asked, said = words(max(6, int(rng.lognormvariate(4.2, 0.5)))), words(rng.randint(10, 90))
        size = 1 if rng.random() < 0.5 else rng.randint(2, 8)
        for _ in range(size):
            customer, category = rng.randrange(rows // 3), rng.choice(("bill", "ship", "ship", "return"))
            made.append(Ticket(" ".join(asked) + rng.choice("?.!"), " ".join(said), customer, category))
            asked, said = like(asked), like(said) if rng.random() < 0.5 else said
    rng.shuffle(made)
    return made[:rows]


def grams(text: str) -> frozenset[str]:
    """Give the word 5-grams of an ASCII text, or the whole of a shorter one."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return frozenset(" ".join(words[at : at + NGRAM]) for at in range(max(1, len(words) - NGRAM + 1)))


def known(data: Sequence[Ticket], sides: Sequence[str | None]) -> Counter[str]:
    """Count the training rows that an evaluation row gives away, by the first rule that does."""
    train = [at for at, side in enumerate(sides) if side == "train"]
    held = [at for at, side in enumerate(sides) if side not in ("train", None)]
    customers = {data[at].customer for at in held}
    asked = {" ".join(re.findall(r"[a-z0-9]+", data[at].question.lower())) for at in held}
    near: set[int] = set()
    for text in (lambda one: f"{one.question}\n{one.answer}", lambda one: one.question):
        sets = {at: grams(text(data[at])) for at in (*train, *held)}
        index: dict[str, list[int]] = {}
        for at in held:
            for gram in sets[at]:
                index.setdefault(gram, []).append(at)
        for at in train:
            shared = Counter(other for gram in sets[at] for other in index.get(gram, ()))
            if any(n / (len(sets[at]) + len(sets[other]) - n) >= THRESHOLD for other, n in shared.items()):
                near.add(at)
    counts: Counter[str] = Counter()
    for at in train:
        if " ".join(re.findall(r"[a-z0-9]+", data[at].question.lower())) in asked:
            counts["same question"] += 1
        elif data[at].customer in customers:
            counts["customer"] += 1
        elif at in near:
            counts["near"] += 1
    return counts


class Held:
    """The batches, read again."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        wanted = np.sort(np.fromiter(numbers, dtype=np.uint64))
        for batch in self.batches:
            lo, hi = np.searchsorted(wanted, [int(batch["row"][0]), int(batch["row"][-1]) + 1])
            if lo < hi:
                yield batch.filter(pl.col("row").is_in(wanted[lo:hi].tolist()))

    def tick(self) -> None:
        """Nobody stops a benchmark."""

    def earlier(self, path: Path) -> Iterator[Batch]:
        return iter(())


def ours(batches: Sequence[Batch], **fields: Any) -> list[str | None]:
    """Split with the stage; give the side of each row, None where it went."""
    stage = Split(validation=SHARE, **fields)
    sketches = pl.concat([stage.sketch(batch) for batch in batches])
    made = stage.select(sketches.lazy(), Held(batches)).collect().sort("row")
    return made.select(pl.when(pl.col("drop").is_null()).then("split")).to_series().to_list()


def peer(data: Sequence[Ticket], unique: bool = False) -> list[str | None]:
    """Split at random with `datasets`, with `unique` after dropping rows whose question stands there already."""
    from datasets import Dataset

    seen: set[str] = set()
    rows = []
    for at, ticket in enumerate(data):
        if not unique or ticket.question not in seen:
            seen.add(ticket.question)
            rows.append({"at": at, "question": ticket.question, "answer": ticket.answer})
    parts = Dataset.from_list(rows).train_test_split(SHARE, seed=0)
    sides: list[str | None] = [None] * len(data)
    for side, part in (("train", parts["train"]), ("validation", parts["test"])):
        for at in part["at"]:
            sides[at] = side
    return sides


def main() -> None:
    """Generate, split, judge, time."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--times", type=int, default=5)
    given = options.parse_args()
    data = tickets(given.rows)
    rows = (
        Conversation(
            row=at,
            origin=(at,),
            messages=(user(one.question), assistant(one.answer)),
            meta={"customer": one.customer, "category": one.category},
        )
        for at, one in enumerate(data, 1)
    )
    batches = list(to_batches(rows))
    grouped: dict[str, Any] = {"group": "customer"}
    ways: dict[str, Callable[[], list[str | None]]] = {
        "datasets, random": lambda: peer(data),
        "datasets, random, no copies": lambda: peer(data, unique=True),
        "split, threshold off": lambda: ours(batches, threshold="off"),
        "split": lambda: ours(batches),
        "split, conversation only": lambda: ours(batches, on="conversation"),
        "split by customer": lambda: ours(batches, **grouped),
        "split by customer, stratified": lambda: ours(batches, stratify="category", **grouped),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, list[str | None]] = {}
    for _ in range(given.times):
        for name, way in ways.items():
            began = time.process_time()
            found[name] = way()
            spent[name].append((time.process_time() - began) / len(data) * 1e6)
    print(
        f"{len(data)} tickets; ftdata {version('ftdata')}, datasets {version('datasets')}, polars {version('polars')}"
    )
    for name, sides in found.items():
        train, gone = sides.count("train"), sides.count(None)
        told = known(data, sides)
        middle, low, high = statistics.median(spent[name]), min(spent[name]), max(spent[name])
        print(
            f"{name:30} train {train:6}, evaluation {len(data) - train - gone:6}, dropped {gone:5} | known: "
            f"{sum(told.values()) / train:6.2%} {dict(sorted(told.items()))} | "
            f"{middle:.1f} us a row ({low:.1f}-{high:.1f})"
        )


if __name__ == "__main__":
    main()
