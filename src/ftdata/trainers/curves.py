"""Losses over the steps of a training, drawn as an SVG that stands alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BELOW, _TOP = 640, 320, 60, 20, 40, 28
_LOOKS = (("#1f5fa8", ""), ("#b3541e", ' stroke-dasharray="5 4"'))
"""Colour and dashes of the first curve and of the second; colours never stand alone."""
_MOST = 1_000
_DOTTED = 30
"""Points up to which each is marked: of a measurement now and then one wants to see when it was."""


class Curve(NamedTuple):
    """One line: its label, and its points, each a step and a finite number."""

    label: str
    points: Sequence[tuple[float, float]]


def plot(curves: Iterable[Curve], what: str) -> str | None:
    """Draw at most two curves; `what` is the name of the numbers. None where there are no points."""
    drawn = [(curve.label, sorted(curve.points)) for curve in curves if curve.points]
    if not drawn:
        return None
    xs, ys = zip(*(point for _, line in drawn for point in line), strict=True)
    left, right, low, high = min(xs), max(xs), min(0.0, *ys), max(ys)
    across, up = (right - left) or 1.0, (high - low) or 1.0

    def place(point: tuple[float, float]) -> tuple[str, str]:
        x = _LEFT + (point[0] - left) / across * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BELOW - (point[1] - low) / up * (_HEIGHT - _BELOW - _TOP)
        return f"{x:.1f}", f"{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="12"><title>{escape(f"{what} over {len(set(xs)):,} steps")}</title>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        *_axes(left, right, low, high, what),
    ]
    for at, ((label, line), (colour, dashes)) in enumerate(zip(drawn, _LOOKS, strict=False)):
        shown = [place(point) for point in _thinned(line)]
        path = " ".join(f"{x},{y}" for x, y in shown)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5"{dashes} points="{path}"/>')
        if len(shown) <= (_DOTTED if at else 1):
            parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in shown]
        parts.append(f'<text x="{_LEFT + 220 * at}" y="16" fill="{colour}">{escape(label)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(left: float, right: float, low: float, high: float, what: str) -> Iterable[str]:
    floor, end = _HEIGHT - _BELOW, _WIDTH - _RIGHT
    yield f'<path d="M{_LEFT} {_TOP}V{floor}H{end}" fill="none" stroke="#888"/>'
    yield f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{high:.3g}</text>'
    yield f'<text x="{_LEFT - 6}" y="{floor}" text-anchor="end">{low:.3g}</text>'
    yield f'<text x="{_LEFT}" y="{floor + 18}">{left:g}</text>'
    yield f'<text x="{end}" y="{floor + 18}" text-anchor="end">{right:g}</text>'
    yield f'<text x="{(_LEFT + end) / 2:g}" y="{floor + 32}" text-anchor="middle">step</text>'
    yield f'<text x="14" y="{(_TOP + floor) / 2:g}" transform="rotate(-90 14 {(_TOP + floor) / 2:g})">{what}</text>'


def _thinned(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Give at most about a thousand points, evenly chosen, the last one among them."""
    step = -(-len(line) // _MOST)
    return [*line[::step], line[-1]] if step > 1 else line
