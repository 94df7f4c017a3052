"""The kernel of near-duplicate search: microseconds per text, and of which stage.

    python benchmarks/sketch.py                # 4,096 generated tickets as a batch, warm; then other kinds of text
    python benchmarks/sketch.py --rows 20000 --times 15

Batches of 4,096 texts, as a run has them; word 5-grams. CPU time of one process, medians of alternated tries with least
and most. Under "by stage" the CPU time within each stage, the stages inside it taken off, from tries of their own:
looking at the clock costs a little. `words` is the number of words of a text on average.
"""

from __future__ import annotations

import argparse
import importlib
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parent))
from near_dedup import corpus

NGRAM = 5
BATCH = 4096
STAGES = {
    "join the bytes of the texts": ("tokens", "joined"),
    "level and class ASCII": ("tokens", "_ascii"),
    "level and class the rest": ("levels", "write"),
    "find words": ("tokens", "_edges"),
    "hash words": ("tokens", "_hashed"),
    "hash long words": ("tokens", "_long"),
    "hash runs of words": ("hashing", "_shingles"),
    "sort, each once": ("hashing", "_each_once"),
    "texts of signs": ("hashing", "_signs"),
    "bins, hash of the set": ("sketch", "_binned"),
    "fill empty bins": ("sketch", "_values"),
}
SENTENCES = {
    "Portuguese": "Olá, não consigo acessar a minha conta desde ontem à noite; o código de verificação não chega.",
    "Russian": "Здравствуйте, мой заказ так и не пришёл, хотя прошло уже две недели. Когда его доставят?",
    "Arabic": "مرحبا، لم يصل طلبي حتى الآن رغم مرور أسبوعين على الشراء. متى سيتم التوصيل؟",
    "Hindi": "नमस्ते, मेरा ऑर्डर अभी तक नहीं आया है जबकि दो सप्ताह हो चुके हैं। यह कब मिलेगा?",
    "Chinese": "您好，我的订单已经过了两个星期还没有送到，请问什么时候可以收到？谢谢您的帮助。",
    "Japanese": "こんにちは、二週間経っても注文した商品がまだ届きません。いつ届きますか？",
    "Thai": "สวัสดีครับ ผมยังไม่ได้รับสินค้าที่สั่งไปเมื่อสองสัปดาห์ก่อน จะได้รับเมื่อไหร่ครับ",
    "Korean": "안녕하세요, 주문한 상품이 이 주가 지나도 아직 도착하지 않았습니다. 언제 받을 수 있나요?",
    "slow: e\u0301 in two": "Não consigo acessar a conta desde ontem a\u0300 noite; o co\u0301digo na\u0303o chega.",
}


def spoken_in(sentence: str, rows: int) -> list[str]:
    """Make texts of about 1,000 characters by shuffling the words, or characters, of a sentence."""
    rng = random.Random(1)
    parts = sentence.split() if " " in sentence else list(sentence)
    gap = " " if " " in sentence else ""
    return [gap.join(rng.choices(parts, k=1000 * len(parts) // len(sentence))) for _ in range(rows)]


def timed(ways: dict[str, Callable[[], Any]], texts: int, times: int) -> dict[str, list[float]]:
    """Give the microseconds of CPU time per text of each way, alternated."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(times):
        for name, way in ways.items():
            began = time.process_time()
            way()
            taken[name].append((time.process_time() - began) / texts * 1e6)
    return taken


def by_stage(way: Callable[[], Any], texts: int, times: int) -> dict[str, float]:
    """Give the microseconds per text of each stage."""
    modules = {
        name: importlib.import_module(f"ftdata.similarity.{name}") for name in ("tokens", "levels", "hashing", "sketch")
    }
    now: dict[str, float] = defaultdict(float)
    inner: list[float] = []

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            inner.append(0.0)
            began = time.thread_time()
            made = function(*args)
            taken = time.thread_time() - began
            now[name] += taken - inner.pop()
            if inner:
                inner[-1] += taken
            return made

        return run

    held = []
    for name, (place, attribute) in STAGES.items():
        function = getattr(modules[place], attribute)
        for module in modules.values():
            if getattr(module, attribute, None) is function:
                held.append((module, attribute, function))
                setattr(module, attribute, watched(name, function))
    tries = []
    whole = watched("all else", way)
    for _ in range(times):
        now.clear()
        whole()
        tries.append(dict(now))
    for module, attribute, function in held:
        setattr(module, attribute, function)
    return {
        name: statistics.median(one.get(name, 0.0) for one in tries) / texts * 1e6 for name in (*STAGES, "all else")
    }


def main() -> None:
    """Measure and print."""
    from ftdata.similarity.sketch import sets, sketch

    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=BATCH)
    options.add_argument("--times", type=int, default=9)
    given = options.parse_args()
    print(f"Python {sys.version.split()[0]}, numpy {np.__version__}, polars {version('polars')}")
    tickets = corpus(given.rows)
    print(f"{'microseconds per text':30}{'words':>7}{'bytes':>7}{'sketch':>24}{'sets':>24}{'ns/byte':>9}")
    kinds = {"tickets": tickets, "tickets cut at 1,000": [text[:1000] for text in tickets if len(text) >= 1000]}
    kinds |= {name: spoken_in(sentence, 1000) for name, sentence in SENTENCES.items()}
    kinds["short: order and number"] = [f"Where is order {number}?" for number in range(given.rows)]
    for kind, texts in kinds.items():
        batches = [pl.Series(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        ways: dict[str, Callable[[], Any]] = {
            "sketch": lambda batches=batches: [sketch(batch, NGRAM) for batch in batches],
            "sets": lambda batches=batches: [sets(batch, NGRAM) for batch in batches],
        }
        taken = timed(ways, len(texts), given.times)
        told = [f"{statistics.median(one):.2f} ({min(one):.2f}-{max(one):.2f})" for one in taken.values()]
        words = sum(len(text.split()) for text in texts) / len(texts)
        size = sum(len(text.encode()) for text in texts) / len(texts)
        rate = statistics.median(taken["sketch"]) / size * 1e3
        print(f"{kind:30}{words:7.0f}{size:7.0f}{told[0]:>24}{told[1]:>24}{rate:9.1f}")
    first = pl.Series(tickets[:BATCH])
    print("\nsketch of tickets, by stage")
    for name, one in by_stage(lambda: sketch(first, NGRAM), len(first), given.times).items():
        print(f"{name:30}{one:7.2f}")


if __name__ == "__main__":
    main()
