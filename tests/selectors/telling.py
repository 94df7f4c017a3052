"""What the tests of languages share: rows made of texts, the stage run on them in batches, what it told of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, user
from ftdata.selectors.language import Language

OWN = Path(__file__).parent / "support_texts.tsv"
DECISIONS = {"row": pl.UInt64, "drop": pl.String, "note": pl.String, "tags": pl.String}


def pairs(file: Path) -> list[tuple[str, str]]:
    lines = file.read_text("utf-8").splitlines()
    return [(code, text) for code, _, text in (line.partition("\t") for line in lines)]


def whole(rows: Sequence[Conversation | str]) -> Batch:
    made = [Conversation(messages=(user(row),)) if isinstance(row, str) else row for row in rows]
    named = [row.model_copy(update={"row": i, "id": f"f#{i}", "origin": (i,)}) for i, row in enumerate(made, 1)]
    return pl.concat(to_batches(named))


def decide(stage: Language, batch: Batch, size: int = 4096) -> pl.DataFrame:
    sketches = pl.concat(stage.sketch(batch.slice(at, size)) for at in range(0, batch.height, size))
    made = stage.select(sketches.lazy(), None).collect().sort("row")  # type: ignore[arg-type]
    flagged = stage.turns or stage.answer_language == "warn"
    assert dict(made.schema) == {**DECISIONS, **({"flags": pl.List(pl.String)} if flagged else {})}
    assert made["row"].to_list() == batch["row"].sort().to_list()
    return made


def codes(made: pl.DataFrame) -> list[str]:
    return [json.loads(tag)["code"] for tag in made["tags"]]


def tell(stage: Language, *rows: Conversation | str) -> list[str]:
    return codes(decide(stage, whole(rows)))


def right(truth: Sequence[str], got: Sequence[str]) -> float:
    """Give the macro accuracy: the mean over the languages."""
    all_, good = Counter(truth), Counter(a for a, b in zip(truth, got, strict=True) if a == b)
    return sum(good[code] / count for code, count in all_.items()) / len(all_)
