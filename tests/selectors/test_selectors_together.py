"""Selectors that share a spool: each sees what those before it decided, also when it reads single rows again."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from ftdata import flow
from ftdata.recipe import Recipe

SAID = "the parcel that I ordered on monday has not come yet and the shop says it is on its way to my house"
WORDS = " ".join(f"{word} {number}" for number, word in enumerate(SAID.split() * 4))
STEPS: dict[str, dict[str, Any]] = {
    "exact-dedup": {"use": "exact-dedup"},
    "near-dedup": {"use": "near-dedup"},
    "language": {"use": "language", "drop": ["es"]},
    "split": {"use": "split", "validation": 0.3},
}


def line(question: str, answer: str = "it will be there tomorrow") -> str:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns}) + "\n"


@pytest.mark.parametrize("order", [*itertools.permutations(STEPS, 2), tuple(STEPS)], ids=" ".join)
def test_any_order_gives_an_account_that_adds_up(tmp_path: Path, order: tuple[str, ...]) -> None:
    # Between two rows that resemble each other stands one that an earlier selector may drop, tag or leave alone.
    rows = [line(WORDS), line("¿Dónde está mi pedido del lunes?"), line("where is it"), line("where is it")]
    rows += [line(f"how do I change number {n} of my order", f"tell us {n}") for n in range(6)]
    rows += [line(f"{WORDS}, please"), line(WORDS)]
    (tmp_path / "in.jsonl").write_text("".join(rows))
    path = "out/{split}.jsonl" if "split" in order else "out/all.jsonl"
    tables = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "step": [STEPS[name] for name in order],
        "write": [{"use": "openai-chat", "path": path}],
    }
    manifest = flow.run(Recipe.parse(tables, tmp_path, "job"))
    assert manifest.rows == 12 == manifest.written + manifest.dropped_rows
    dropped = {stage: sum(reasons.values()) for stage, reasons in manifest.dropped.items()}
    if "language" in order:
        assert dropped["language"] == 1
    if "near-dedup" in order:
        assert dropped["near-dedup"] + dropped.get("exact-dedup", 0) == 3
