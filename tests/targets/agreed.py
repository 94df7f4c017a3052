"""What the checkers of others say of rows, kept beside the rows, and what ftdata says of the same rows.

`agreement/rows.jsonl` has one row a line with its layout; `agreement/<checker>.json` the verdicts of a checker, by row
number from 1; `agreement/reasons.toml` the differences that are right, each with its reason and the number of rows.
`benchmarks/agree.py` makes the first two and asks the checkers again.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from seeded import GOOD

from ftdata.targets import load
from ftdata.targets.lines import check_file

KEPT = Path(__file__).parent / "agreement"
TAKEN = "taken"
OF_MANY = frozenset({"min-rows", "few-rows", "few-pairs"})
"""Kinds of rule that say how many rows a file needs: a row by itself has no part in it."""


class Difference(NamedTuple):
    """A row that is judged otherwise: its number, their verdict, and our errors (none: the row is sound)."""

    number: int
    theirs: str
    ours: tuple[str, ...]


def rows() -> list[tuple[str, str]]:
    """Give the rows with their layouts."""
    with (KEPT / "rows.jsonl").open(encoding="utf-8") as file:
        return [(layout, line) for layout, line in map(json.loads, file)]


def answers(checker: str) -> tuple[dict[str, str], list[str]]:
    """Give what is known of a checker, and its verdicts in the order of the rows."""
    kept = json.loads((KEPT / f"{checker}.json").read_text(encoding="utf-8"))
    told = {number: verdict for verdict, numbers in kept.pop("verdicts").items() for number in numbers}
    return kept, [told[number] for number in range(1, len(told) + 1)]


def reasons(checker: str) -> list[dict[str, Any]]:
    """Give the differences with a checker that are right: their verdicts, our errors, how many rows, and why."""
    found: list[dict[str, Any]] = tomllib.loads((KEPT / "reasons.toml").read_text(encoding="utf-8")).get(checker, [])
    return found


def judged(
    target: str, asked: Iterable[tuple[str, str]], levels: tuple[str, ...] = ("error",)
) -> list[tuple[str, ...]]:
    """Say which errors (or findings of other levels) ftdata has of each row, in a file of rows of its layout."""
    profile = load(target)
    silent = {rule.code for rule in profile.rules if rule.kind in OF_MANY}
    taken = (profile.layout, *profile.also)
    asked = list(asked)
    found: dict[int, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for layout in {layout for layout, _ in asked}:
            at = [number for number, (one, _) in enumerate(asked) if one == layout]
            path = Path(folder, "rows.jsonl")
            # A sound row first: what stands on the first line may make the file another.
            text = [json.dumps(GOOD[layout]), *(asked[number][1] for number in at)]
            path.write_text("".join(line + "\n" for line in text), encoding="utf-8")
            for finding in check_file(path, [target], layout=layout):
                if finding.level in levels and finding.code not in silent and finding.line not in (None, 1):
                    found.setdefault(at[finding.line - 2], set()).add(finding.code)
            if layout not in taken:
                for number in at:
                    found.setdefault(number, set()).add(f"{target}-layout")
    return [tuple(sorted(found.get(number, ()))) for number in range(len(asked))]


def differences(target: str, asked: list[tuple[str, str]], told: list[str]) -> list[Difference]:
    """Give the rows that a checker and ftdata judge otherwise."""
    both = zip(told, judged(target, asked), strict=True)
    return [
        Difference(number, theirs, ours)
        for number, (theirs, ours) in enumerate(both, start=1)
        if (theirs == TAKEN) == bool(ours)
    ]


def unexplained(found: list[Difference], listed: list[dict[str, Any]]) -> list[str]:
    """Say which differences no reason explains, and which reasons no longer have the rows that they say."""
    counts: Counter[int] = Counter()
    told = []
    for one in found:
        at = next((i for i, reason in enumerate(listed) if _explains(reason, one)), None)
        if at is None:
            told.append(f"row {one.number}: theirs {one.theirs}, ours {', '.join(one.ours) or 'sound'}")
        else:
            counts[at] += 1
    for at, reason in enumerate(listed):
        if counts[at] != reason["rows"]:
            told.append(f"reason {at + 1}: {counts[at]} rows, {reason['rows']} are listed: {reason['why']}")
    return told


def _explains(reason: dict[str, Any], one: Difference) -> bool:
    if one.theirs not in reason["theirs"] or bool(one.ours) != bool(reason["ours"]):
        return False
    return set(one.ours) <= set(reason["ours"])
