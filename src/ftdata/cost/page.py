"""An estimate as people read it: one page, every figure with its source; and as values for JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from ftdata.cost.amounts import Range, spoken, told
from ftdata.cost.break_even import BreakEven
from ftdata.cost.estimate import Cite, Estimate
from ftdata.cost.plan import Usage

LINES = 40
"""A page has at most so many lines."""

_WIDTH = 118
_LABEL = 12
_EFFECTS = 3


def page(found: Estimate, name: str, usage: Usage | None = None) -> list[str]:
    """Give an estimate as lines; `name` is what was counted. Figures in brackets name the sources at the end."""
    cites = found.cites
    lines = [f"cost  {name}  {found.rows:,} rows · {found.vendor.title}{' · ' if found.model else ''}{found.model}"]
    tokens = " · ".join(f"{count:,} {side}" for side, count in found.tokens.items())
    lines += _line("tokens", f"{tokens}  ({found.counted})")
    lines += _line("epochs", f"{found.epochs}  ({found.epochs_why})")
    billed = "unknown" if found.billed is None else _count(found.billed)
    lines += _line("billed", f"{billed} = {found.billed_how} {_refer((found.rule,), cites)}")
    for item in found.items:
        amount = "unknown" if item.amount is None else spoken(item.amount, item.currency)
        stale = " (stale)" if item.amount is not None and any(cite.stale for cite in item.cites) else ""
        lines += _line(item.name, f"{amount}{stale}  {item.how} {_refer(item.cites, cites)}")
    over = f"{found.months:,} {'month' if found.months == 1 else 'months'}"
    lines += _line("total", f"{_total(found)}{' (stale)' if found.stale else ''}  over {over}")
    for against in found.alternatives:
        lines += _against(against, usage)
    if found.alternatives:
        old = " (stale)" if any(cite.stale for cite in found.usage_cites) else ""
        refer = _refer(found.usage_cites, cites)
        lines += _line(
            "", f"prices of use{old} {refer}; in brackets: least and most when one input is 30 % less or more"
        )
    if found.left_out:
        lines += _line("not counted", ", ".join(found.left_out))
    tail = [*(line for note in found.notes for line in _line("note", f"{note.text} ({note.url})"))]
    sources = [line for at, cite in enumerate(cites, 1) for line in _line(f"[{at}]", str(cite))]
    return _fitted([*lines, *tail], sources)


def _fitted(lines: list[str], sources: list[str]) -> list[str]:
    """Keep to the length of a page: the sources stay whole, what stands before them is cut, and that is said."""
    room = LINES - len(sources)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"… {len(lines) - room + 1} more lines; --json has all of it"]
    return [*lines, *sources]


def _line(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text.strip(),
        _WIDTH,
        initial_indent=f"{label:<{_LABEL}}",
        subsequent_indent=" " * _LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _refer(some: Sequence[Cite], cites: Sequence[Cite]) -> str:
    return "".join(f"[{cites.index(cite) + 1}]" for cite in dict.fromkeys(some))


def _count(tokens: Range) -> str:
    text = f"{tokens.base:,.0f} tokens"
    return f"{text} ({tokens.low:,.0f}-{tokens.high:,.0f})" if tokens.spread else text


def _total(found: Estimate) -> str:
    known = " + ".join(spoken(amount, currency) for currency, amount in found.known.items())
    if not found.unknown:
        return known or "nothing"
    names = ", ".join(item.name for item in found.items if item.amount is None)
    return f"unknown, for want of {names}{f'; known so far {known}' if known else ''}"


def _against(one: BreakEven, usage: Usage | None) -> Iterator[str]:
    label = "pays"
    if one.requests is None or one.saving is None:
        yield from _line(label, f"against {one.against}: unknown; {one.unknown}")
        return
    more = f"{told(abs(one.saving))} {one.currency} {'less' if one.saving > 0 else 'more'} a request"
    if one.saving == 0:
        more = "the same price a request"
    low, base, high = (_requests(value) for value in one.requests)
    if one.never:
        best = "" if one.requests[0] is None else f"; {low} requests at best"
        yield from _line(label, f"against {one.against}: never; the tuned model costs {more}{best}")
    else:
        text = f"against {one.against}: after {base} requests ({low}-{high}); {more}"
        if one.months is not None and usage is not None and usage.requests is not None:
            text += f"; at {usage.requests:,.0f} a month after {' / '.join(map(_months, one.months))} months"
        yield from _line(label, text)
    effects = [effect for effect in one.effects if effect.spread][:_EFFECTS]
    told_of = "; ".join(f"{e.input} {_requests(e.less)}-{_requests(e.more)}" for e in effects)
    if told_of:
        yield from _line("", f"matters most (30 % less - 30 % more): {told_of}")


def _requests(value: int | None) -> str:
    return "never" if value is None else f"{value:,}"


def _months(value: Decimal | None) -> str:
    return "never" if value is None else f"{value:,.1f}"


def as_json(found: Estimate) -> dict[str, Any]:
    """Give an estimate as values for JSON: amounts as numbers, null for unknown, "never" for a break-even never met."""
    cites = found.cites
    return {
        "vendor": found.vendor.name,
        "model": found.model or None,
        "rows": found.rows,
        "tokens": found.tokens,
        "counted": found.counted,
        "epochs": found.epochs,
        "epochs_why": found.epochs_why,
        "billed_tokens": _range(found.billed),
        "billed_how": found.billed_how,
        "months": float(found.months),
        "items": [
            {
                "name": item.name,
                "amount": _range(item.amount),
                "currency": item.currency or None,
                "how": item.how,
                "sources": [cites.index(cite) for cite in dict.fromkeys(item.cites)],
            }
            for item in found.items
        ],
        "total": [{"currency": key or None, "amount": _range(amount)} for key, amount in found.totals.items()],
        "unknown": list(found.unknown),
        "not_counted": list(found.left_out),
        "break_even": [_compared(one) for one in found.alternatives],
        "notes": [note.model_dump() for note in found.notes],
        "sources": [
            {
                "url": cite.url,
                "date": cite.date.isoformat() if cite.date else None,
                "evidence": cite.evidence,
                "note": cite.note or None,
                "stale": cite.stale,
            }
            for cite in cites
        ],
    }


def _range(amount: Range | None) -> dict[str, float] | None:
    return None if amount is None else {name: float(getattr(amount, name)) for name in ("low", "base", "high")}


def _compared(one: BreakEven) -> dict[str, Any]:
    def three(values: Sequence[Decimal | int | None] | None) -> dict[str, Any] | None:
        return None if values is None else dict(zip(("low", "base", "high"), map(_number, values), strict=True))

    return {
        "against": one.against,
        "currency": one.currency or None,
        "saving_a_request": None if one.saving is None else float(one.saving),
        "requests": three(one.requests),
        "months": three(one.months),
        "unknown": one.unknown or None,
        "sensitivity": [{"input": e.input, "less": _number(e.less), "more": _number(e.more)} for e in one.effects],
    }


def _number(value: Decimal | int | None) -> float | int | str:
    return "never" if value is None else value if isinstance(value, int) else float(value)
