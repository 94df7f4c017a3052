"""A comparison as lines of text, and as values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from ftdata.cost.estimate import Cite
from ftdata.evaluation.comparison import Comparison, Confusion
from ftdata.evaluation.worth import Worth

Table = list[list[str]]
"""Rows of cells, the first row its head; all columns but the first hold numbers."""

_SLICES = 8
_LABELS = 12


def as_json(found: Comparison, worth: Worth | None = None) -> dict[str, Any]:
    """Give all of it as values for JSON; of `worth` amounts are numbers, null for unknown, and "never" for never."""
    values = asdict(found)
    if found.confusion is not None:
        counts = [[wanted, given, count] for (wanted, given), count in found.confusion.counts.items()]
        values["confusion"] = {"labels": list(found.confusion.labels), "counts": counts}
    return values if worth is None else {**values, "worth": _worth(worth)}


def _worth(worth: Worth) -> dict[str, Any]:
    def number(value: Decimal | None) -> float | None:
        return None if value is None else float(value)

    even = worth.break_even
    requests = None if even is None or even.requests is None else even.requests
    return {
        "word": worth.word,
        "paragraph": worth.paragraph,
        "sentences": [one._asdict() for one in worth.sentences],
        "costs": {
            name: {
                "model": cost.model or None,
                "answers": cost.answers,
                "prompt_tokens": number(cost.read),
                "completion_tokens": number(cost.written),
                "seconds": number(cost.seconds),
                "counted": cost.counted or None,
                "amount": number(cost.amount),
                "currency": cost.currency or None,
                "how": cost.how,
                "sources": [_cited(cite) for cite in cost.cites],
            }
            for name, cost in worth.costs.items()
        },
        "spent": None
        if worth.spent is None
        else {
            "amount": float(worth.spent.money.amount),
            "currency": worth.spent.money.currency or None,
            "how": worth.spent.how,
        },
        "saving_a_request": None if even is None else number(even.saving),
        "requests": None
        if requests is None
        else dict(zip(("low", "base", "high"), ("never" if one is None else one for one in requests), strict=True)),
        "more_rows": worth.more_rows,
    }


def _cited(cite: Cite) -> dict[str, Any]:
    dated = cite.date.isoformat() if cite.date else None
    return {"url": cite.url, "date": dated, "evidence": cite.evidence, "stale": cite.stale}


def page(found: Comparison, worth: Worth | None = None) -> Iterator[str | Table]:
    """Give the lines and tables that people read: measures with intervals, comparisons, slices, labels, the verdict.

    With `worth` the table says what an answer costs, and the paragraph ends the page, with the sources of the prices.
    """
    left = "".join(f", {count:,} {reason}" for reason, count in found.left_out.items())
    yield f"{found.rows:,} rows compared, of {found.questions:,} questions{left}; the right answers are {found.task}"
    for system, count in found.answered.items():
        if count < found.questions:
            yield f"{system} answered {count:,} of {found.questions:,}"
    yield ""
    systems = list(found.characters)
    names = list(dict.fromkeys(one.name for one in found.measures))
    values = {(one.name, one.system): one.value for one in found.measures}
    cells = [["", *systems]]
    cells += [[name, *(_share(values[name, system]) for system in systems)] for name in names]
    cells.append(["characters", *(f"{found.characters[system]:,.0f}" for system in systems)])
    if any(found.refusals.values()):
        cells.append(["refusals", *(f"{found.refusals[system]:.1%}" for system in systems)])
    if worth is not None and any(cost.model for cost in worth.costs.values()):
        cells.append(["an answer costs", *(worth.costs[one].said if one in worth.costs else "" for one in systems)])
    yield cells
    yield ""
    yield from (one.said for one in found.verdict.against)
    if found.slices:
        yield ""
        shown = found.slices[:_SLICES]
        head = ["by", "rows", *systems]
        yield [
            head,
            *([f"{s.field} {s.value}", f"{s.rows:,}", *(f"{s.means[one]:.3f}" for one in systems)] for s in shown),
        ]
        if len(found.slices) > len(shown):
            yield f"and {len(found.slices) - len(shown):,} more (--json has all)"
    if found.confusion is not None:
        yield ""
        yield from _confused(found.confusion)
    yield ""
    yield f"{found.verdict.word}: {found.verdict.said}"
    for name in found.verdict.missing:
        yield f"not compared: {name}"
    if worth is not None:
        yield ""
        yield worth.paragraph
        yield from dict.fromkeys(f"prices: {cite}" for cost in worth.costs.values() for cite in cost.cites if cite.date)


def _share(value: Any) -> str:
    return f"{value.mean:.3f} ({value.low:.3f}-{value.high:.3f})"


def _confused(confusion: Confusion) -> Iterator[str | Table]:
    """Give rows of right labels and columns of given ones, as a table where they are few; else the worst pairs."""
    if len(confusion.labels) <= _LABELS:
        columns: list[str | None] = [*confusion.labels, None]
        head = ["right \\ given", *confusion.labels, "other"]
        body = [
            [label, *(f"{confusion.counts.get((label, given), 0) or '·'}" for given in columns)]
            for label in confusion.labels
        ]
        yield [head, *body]
        return
    wrong = {pair: count for pair, count in confusion.counts.items() if pair[0] != pair[1]}
    yield f"{len(confusion.labels):,} labels; most frequent mistakes:"
    for (wanted, given), count in sorted(wrong.items(), key=lambda one: (-one[1], str(one[0])))[:_LABELS]:
        yield f"  {count:,} x {wanted} answered as {given if given is not None else 'no label that there is'}"
