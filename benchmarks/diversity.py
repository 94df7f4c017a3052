"""What the clusters of the check `diversity` cost, and how near they come to exact ones.

    python benchmarks/diversity.py                     # accuracy on 2,000 generated texts; 100,000 made-up sketches
    python benchmarks/diversity.py --rows 1000000

Accuracy: the corpus of `near_dedup.py`; the truth takes all pairs by a product of sparse matrices (word 3-grams), and
goes through the rows like the most others first. Cost: sketches made up directly, half of them strangers, half variants
of 2,000 templates drawn by Zipf's law (J 0.5 to 1); CPU seconds and growth of the peak of one process over `judge`, the
sketches read from a file as in a run. `POLARS_MAX_THREADS=1` keeps it to one thread.
"""

from __future__ import annotations

import argparse
import math
import re
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from near_dedup import corpus, exact_pairs

import ftdata
from ftdata.batch import to_batches
from ftdata.checks.diversity import Diversity
from ftdata.conversation import Conversation, user
from ftdata.spool import Frames

NGRAM = 3


def grams(text: str) -> set[str]:
    """Give the word 3-grams of an ASCII text, or the whole of a shorter one."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {" ".join(words[at : at + NGRAM]) for at in range(max(1, len(words) - NGRAM + 1))} if words else set()


def exact(texts: list[str], threshold: float) -> tuple[int, float]:
    """Count clusters by exact Jaccard, and their effective number."""
    near: dict[int, list[int]] = {at: [] for at in range(len(texts))}
    for i, j, _ in exact_pairs([grams(text) for text in texts], threshold):
        near[i].append(j)
        near[j].append(i)
    leader: dict[int, int] = {}
    for at in sorted(near, key=lambda at: -len(near[at])):
        leader[at] = next((other for other in near[at] if leader.get(other) == other), at)
    shares = [size / len(texts) for size in Counter(leader.values()).values()]
    return len(shares), math.exp(-sum(share * math.log(share) for share in shares))


def made_up(rows: int, path: Path) -> Frames:
    """Write sketches as the check makes them."""
    rng = np.random.default_rng(1)
    templates = rng.integers(0, 2**16, (2000, 128), dtype=np.uint16)
    frames = Frames(path)
    for start in range(0, rows, 4096):
        size = min(4096, rows - start)
        values = rng.integers(0, 2**16, (size, 128), dtype=np.uint16)
        chosen = templates[(rng.zipf(1.3, size) - 1) % 2000]
        alike = (rng.random(size) < 0.5)[:, None] & (rng.random((size, 128)) < rng.uniform(0.5, 1, (size, 1)))
        frames.append(
            pl.DataFrame(
                [
                    pl.Series("row", np.arange(start, start + size, dtype=np.uint64)),
                    pl.Series("count", np.full(size, 60, np.uint32)),
                    pl.Series("hi", rng.integers(0, 2**64, size, dtype=np.uint64)),
                    pl.Series("sketch", np.where(alike, chosen, values), pl.Array(pl.UInt16, 128)),
                    pl.Series("opening", rng.integers(0, 5000, size, dtype=np.uint64)),
                    pl.Series("grams", [None] * size, pl.List(pl.UInt64)),
                ]
            )
        )
    return frames.close()


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--texts", type=int, default=2_000)
    given = options.parse_args()
    print(f"ftdata {ftdata.__version__}, polars {pl.__version__}, numpy {np.__version__}")
    texts = [text for text in corpus(given.texts) if grams(text)]
    batch = pl.concat(to_batches(Conversation(row=at, messages=(user(text),)) for at, text in enumerate(texts)))
    check = Diversity()
    numbers = check.judge(check.sketch(batch).lazy())[0].numbers
    count, effective = exact(texts, check.threshold)
    print(f"{len(texts)} texts: clusters {numbers['clusters']} (exact {count}), ", end="")
    print(f"effective {numbers['effective']:.1f} (exact {effective:.1f})")
    with tempfile.TemporaryDirectory() as place:
        frames = made_up(given.rows, Path(place) / "sketches.arrow")
        size = frames.path.stat().st_size / given.rows
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        check.judge(frames.scan())
        cpu = time.process_time() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / given.rows
    print(
        f"{given.rows:,} rows: sketches {size:.0f} bytes a row, judge {cpu:.1f} s CPU, peak + {grown:.0f} bytes a row"
    )


if __name__ == "__main__":
    main()
