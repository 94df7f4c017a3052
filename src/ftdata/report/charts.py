"""Charts as inline SVG: bars, kept beside dropped, a histogram. No script, no style attribute, no outside reference.

Positions across are shares of the width, heights are pixels: a chart grows and shrinks with the page, and its texts
keep their size. What is drawn stands in a table too; colours never stand alone (dropped is hatched).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ftdata.report.values import Bin

_HEIGHT = 150
_BASE = 22
"""Pixels below the bars of a histogram, for the numbers of its axis."""
_HEAD = 18
"""Pixels above them, for the number of the highest."""


@dataclass(frozen=True)
class _Box:
    """A rectangle: left edge and width as shares of the whole, in percent."""

    left: float
    width: float

    def __str__(self) -> str:
        return f'x="{_short(self.left)}%" width="{_short(self.width)}%"'


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def defs() -> Markup:
    """Give the hatching that the charts of a page share; put it there once."""
    return Markup(
        '<svg class="defs" width="0" height="0" aria-hidden="true" focusable="false"><defs>'
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="hatch-ground" width="6" height="6"/><rect class="hatch-line" width="2.5" height="6"/>'
        "</pattern></defs></svg>"
    )


def bar(count: int, most: int) -> Markup:
    """Draw one bar of a list, as wide as its share of the largest; the number beside it says what it shows."""
    box = _Box(0, 100 * count / most if most else 0)
    return Markup(
        '<svg class="bar" height="12" width="100%" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100%" height="12" rx="3"/>'
        '<rect class="fill" {} height="12" rx="3"/></svg>'
    ).format(Markup(str(box)))


def flow(rows: int, dropped: int, whole: int, title: str, tall: int = 18) -> Markup:
    """Draw what one step kept and, hatched, what it dropped, both as shares of all rows read."""
    kept = _Box(0, 100 * (rows - dropped) / whole if whole else 0)
    lost = _Box(kept.width, max(100 * dropped / whole, 0.8) if whole and dropped else 0)
    drawn = (
        Markup('<rect class="lost" {} height="{}" rx="2"/>').format(Markup(str(lost)), tall) if dropped else Markup("")
    )
    return Markup(
        '<svg class="flow" height="{0}" width="100%" role="img"><title>{1}</title>'
        '<rect class="track" width="100%" height="{0}" rx="3"/>'
        '<rect class="fill" {2} height="{0}" rx="3"/>{3}</svg>'
    ).format(tall, title, Markup(str(kept)), drawn)


def histogram(bins: Sequence[Bin], title: str, telling: Callable[[Bin], str], number: Callable[[float], str]) -> Markup:
    """Draw a bar for each bin, with the edges of some below, and the number of the highest above it."""
    if not bins:
        return Markup("")
    highest = max(one.rows for one in bins)
    wide = 100 / len(bins)
    every = max(1, -(-len(bins) // 5))
    drawn: list[Markup] = []
    for at, one in enumerate(bins):
        tall = max(1, round((_HEIGHT - _HEAD) * one.rows / highest)) if one.rows else 0
        box = _Box(at * wide + 0.08 * wide, 0.84 * wide)
        kind = "fill" if one.high is not None else "fill tail"
        drawn.append(
            Markup('<rect class="{}" {} y="{}" height="{}" rx="2"><title>{}</title></rect>').format(
                kind, Markup(str(box)), _HEIGHT - tall, tall, telling(one)
            )
        )
        if one.rows == highest and not any("peak" in part for part in drawn):
            middle = min(max(_Box(0, at * wide + wide / 2).width, 4), 96)
            drawn.append(
                Markup('<text class="peak" x="{}%" y="{}" text-anchor="middle">{}</text>').format(
                    _short(middle), _HEAD - 5, number(one.rows)
                )
            )
        if at % every == 0 or one.high is None:
            anchor = "start" if at == 0 else "middle" if one.high is not None else "end"
            x = at * wide if one.high is not None else 100
            label = number(one.low) + ("+" if one.high is None else "")
            if one.high is None and at % every and at - at // every * every < every - 1 and len(bins) > 6:
                continue  # too near the last edge that was written
            drawn.append(
                Markup('<text class="axis" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
                    _short(x), _HEIGHT + _BASE - 5, anchor, label
                )
            )
    return Markup(
        '<svg class="histogram" height="{}" width="100%" role="img"><title>{}</title>{}'
        '<line class="base" x1="0" x2="100%" y1="{}" y2="{}"/></svg>'
    ).format(_HEIGHT + _BASE, title, Markup("").join(drawn), _HEIGHT, _HEIGHT)
