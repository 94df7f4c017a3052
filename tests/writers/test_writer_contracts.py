"""The contract of writers, on those of the kit's rows that each holds, and on rows made for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from layout_talks import talks

from ftdata import hooks
from ftdata.batch import Batch, to_batches
from ftdata.stages import Stage, Writer
from ftdata.testing import check_writer, ends
from ftdata.testing.rows import hard_rows

BUILTIN: dict[str, type[Stage]] = {e.stage.name: e.stage for e in hooks.builtin() if e.stage.kind == "writer"}
SHOWN: list[tuple[str, dict[str, Any]]] = [
    ("nova", {"path": "out/{split}.jsonl"}),
    ("claude", {"path": "out/{split}.jsonl", "meta": ("status",)}),
    ("gemini", {"path": "out/all.jsonl"}),
    ("cohere", {"path": "out/all.jsonl"}),
    ("sharegpt", {"path": "out/{split}.jsonl"}),
    ("preference", {"path": "out/{split}.jsonl"}),
    ("prompt-completion", {"path": "out/all.jsonl", "separator": " ->", "stop": " END", "legacy": True}),
    ("trl-completion", {"path": "out/all.jsonl", "turns": "expand"}),
    ("trl", {"path": "out/trl"}),
    ("trl", {"path": "out/trl", "rows": "preference"}),
    ("axolotl", {"path": "out/axolotl"}),
    ("llama-factory", {"path": "out/lf", "template": "qwen"}),
    ("mlx-lm", {"path": "out/mlx"}),
]


def held(writer: Any) -> Batch:
    """The kit's rows that the writer takes, and rows made for it, one after the other."""
    hard = hard_rows()
    refused = np.zeros(hard.height, bool)
    for mask in writer.unheld(hard).values():
        refused |= mask
    made = pl.concat(to_batches(talks(30, writer.carries))).with_columns(row=pl.col("row") + 10_000)
    return pl.concat([hard.filter(pl.Series(~refused)), made])


@pytest.mark.parametrize(("name", "fields"), SHOWN, ids=[name for name, _ in SHOWN])
def test_the_contract(name: str, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    writer = BUILTIN[name](**fields)
    assert isinstance(writer, Writer)
    rows = held(writer)
    monkeypatch.setattr(ends, "hard_rows", rows.clone)
    check_writer(writer)


def test_each_of_them_is_shown() -> None:
    assert {name for name, _ in SHOWN} == set(BUILTIN) - {"openai-chat", "hf-dataset"}
