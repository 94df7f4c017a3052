"""The grid: a row for each rule that some target finds broken, a column for each target, counts in the cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from ftdata.findings import short
from ftdata.targets.lines import LineFinding

OK, NONE = "ok", "."
"""The cell of a rule that is kept, and of a target that has no such rule."""
Standing = Literal["error", "warn", "ok", "none"]
LEVELS: tuple[Literal["error", "warn"], ...] = ("error", "warn")
_MARKS = {"error": "E", "warn": "w"}
_GAP = 2

LEGEND = f"{_MARKS['error']} errors, {_MARKS['warn']} warnings, {OK} kept, {NONE} no such rule"
"""What the marks mean; they need no colour to be told apart."""


class Tally:
    """How the rules stand with the targets. `rules` names the targets, each with the codes of all of its rules.

    `broken` are the rules that some target finds broken, by their names without a target, in the order in which the
    first target that has them lists them.
    """

    def __init__(self, findings: Sequence[LineFinding], rules: Mapping[str, Collection[str]]) -> None:
        self.counts: Counter[tuple[str, str, str]] = Counter(
            (f.target, short(f.code, f.target), f.level) for f in findings
        )
        broken = {name for _, name, _ in self.counts}
        order = dict.fromkeys(short(code, target) for target, codes in rules.items() for code in codes)
        self.broken = [name for name in order if name in broken] + sorted(broken - order.keys())
        self._has = {target: {short(code, target) for code in codes} for target, codes in rules.items()}

    def mark(self, target: str, rule: str) -> Standing:
        """Say how a rule stands with a target: broken (`error`, `warn`), `ok`, or `none`: it has no such rule."""
        for level in LEVELS:
            if self.counts[target, rule, level]:
                return level
        return "ok" if rule in self._has[target] else "none"


def grid(findings: Sequence[LineFinding], rules: Mapping[str, Collection[str]], width: int = 100) -> list[str]:
    """Draw the grid for a terminal of `width` columns.

    `rules` names the targets, in the order of the columns, with the codes of all of their rules. The rules stand in the
    order in which the first target that has them lists them. More targets than fit side by side go on in a further
    block below. A cell counts breaches, not rows; the last line of a block gives the verdict for each target.
    """
    tally = Tally(findings, rules)
    table = [["rule", *rules], *([name, *(_cell(tally, target, name) for target in rules)] for name in tally.broken)]
    table.append(["verdict", *(_verdict(findings, target) for target in rules)])
    return _blocks(table, width)


def _cell(tally: Tally, target: str, name: str) -> str:
    mark = tally.mark(target, name)
    if mark in ("ok", "none"):
        return OK if mark == "ok" else NONE
    told = ((sign, tally.counts[target, name, level]) for level, sign in _MARKS.items())
    return " ".join(f"{sign} {count:,}" for sign, count in told if count)


def _verdict(findings: Sequence[LineFinding], target: str) -> str:
    levels = {f.level for f in findings if f.target == target}
    return "NO" if "error" in levels else "warned" if "warn" in levels else OK


def _blocks(table: Sequence[Sequence[str]], width: int) -> list[str]:
    """Lay a table out in blocks of columns that fit the width; the first column is repeated in each."""
    widths = [max(len(row[c]) for row in table) for c in range(len(table[0]))]
    blocks, start = list[list[str]](), 1
    while start < len(widths):
        end, used = start, widths[0]
        while end < len(widths) and (end == start or used + _GAP + widths[end] <= width):
            used += _GAP + widths[end]
            end += 1
        rule = "-" * min(used, width)
        drawn = ["  ".join(row[c].ljust(widths[c]) for c in (0, *range(start, end))).rstrip() for row in table]
        blocks.append([drawn[0], rule, *drawn[1:-1], *([rule] if len(drawn) > 2 else []), drawn[-1]])
        start = end
    return [line for at, block in enumerate(blocks) for line in ([""] if at else []) + block]
