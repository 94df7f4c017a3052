"""The checkers of others judged the same rows: ftdata says the same, or the difference is listed with its reason."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from agreed import KEPT, TAKEN, Difference, answers, differences, judged, reasons, rows, unexplained

CHECKERS = ("together", "mistral", "nova", "trl", "axolotl", "llama_factory")
LOADERS = {"datasets": ("trl",), "datasets_4_8": ("axolotl", "unsloth"), "datasets_4": ("llama-factory",)}
"""Versions of the loader of files, and the targets that load by them: some want an old one."""


@cache
def found(checker: str) -> tuple[list[str], list[Difference]]:
    """Give the verdicts of a checker, and the differences with ours."""
    head, told = answers(checker)
    return told, differences(head["target"], rows(), told)


def test_the_rows_are_many_and_of_every_kind():
    layouts = Counter(layout for layout, _ in rows())
    assert len(rows()) >= 1000
    assert layouts.keys() >= {"openai-chat", "nova", "sharegpt", "preference", "prompt-completion", "claude", "cohere"}


def test_every_answer_says_where_it_comes_from():
    assert {path.stem for path in KEPT.glob("*.json")} == {*CHECKERS, *LOADERS}
    for checker in (*CHECKERS, *LOADERS):
        head, told = answers(checker)
        assert head.keys() == {"target", "package", "source", "asked"} and "==" in head["package"]
        assert len(told) == len(rows())


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_row_is_judged_alike_or_the_difference_is_listed(checker: str):
    told, others = found(checker)
    assert unexplained(others, reasons(checker)) == []
    # Both verdicts are given, and given often enough for the agreement to say something.
    assert 40 <= told.count(TAKEN) <= len(told) - 300


def test_a_difference_that_is_not_listed_is_one(monkeypatch: pytest.MonkeyPatch):
    told, others = found("llama_factory")
    assert others == []
    turned = ["skipped" if verdict == TAKEN else verdict for verdict in told]
    fresh = differences("llama-factory", rows(), turned)
    assert len(fresh) == told.count(TAKEN) == len(unexplained(fresh, []))


def test_a_listed_difference_that_is_gone_is_one():
    _, others = found("together")
    assert unexplained(others[1:], reasons("together")) != []


@pytest.mark.parametrize(("loader", "target"), [(name, one) for name, targets in LOADERS.items() for one in targets])
def test_what_is_sound_loads_as_it_stands(loader: str, target: str):
    """A row without an error, in a file behind another of its layout, comes back from `load_dataset` as it is."""
    _, told = answers(loader)
    sound = [number for number, errors in enumerate(judged(target, rows())) if not errors]
    assert len(sound) > 40
    assert {told[number] for number in sound} == {TAKEN}


def test_the_loader_still_does_so():
    """Ask the installed loader about some of the rows; all are asked by benchmarks/agree.py."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    told = judged("trl", rows(), levels=("error", "warn"))
    sound = [row for row, findings in zip(rows(), told, strict=True) if not findings]
    for layout, count in (("openai-chat", 60), ("preference", 10), ("prompt-completion", 10)):
        lines = [line for one, line in sound if one == layout][:count]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.jsonl")
            path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            loaded = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=folder + "/cache")
            assert [_bare(row) for row in loaded] == [_bare(json.loads(line)) for line in lines]


def _bare(value: object) -> object:
    """Give a value without the keys that are null."""
    if isinstance(value, dict):
        return {key: _bare(one) for key, one in value.items() if one is not None}
    return [_bare(one) for one in value] if isinstance(value, list) else value
