"""The page of advice: 30 lines of 100 columns at most."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ftdata.advice.measure import Group, Signals
from ftdata.advice.rules import Line, Rules
from ftdata.advice.verdict import Advice, filled, shown

WIDTH = 100
LINES = 30
_GROUPS = 8
_LABEL = 12
_SAID = 62


def page(signals: Signals, advice: Advice, rules: Rules) -> list[str]:
    """Give the lines: what was measured, the verdict, why, what would change it, what to do next."""
    numbers = signals.numbers
    lines = [f"advise  {signals.name}  {shown(numbers['rows'], '')} rows  ·  rules of {rules.version}"]
    measured = [_measured(line, numbers) for line in rules.line if line.needs is None or numbers.get(line.needs)]
    head = f"Verdict  {advice.said} ({advice.confidence} confidence)."
    tail = [*_hung("Change", f"{advice.change}."), *_hung("Next", advice.next), *_sources(advice)]
    because = [f"{reason.sentence} ({reason.strength})" for reason in advice.because]
    also = [f"{reason.sentence} ({reason.strength})" for reason in advice.remarks]
    groups = list(_grouped(signals.groups))
    room = LINES - len(lines) - len(measured) - len(groups) - 1 - len(tail)
    body: list[str] = []
    left = [reason.code for reason in (*advice.because, *advice.remarks)]
    for name, sentences in (("Because", because), ("Also", also)):
        for at, sentence in enumerate(sentences):
            part = _hung(name if at == 0 else "", sentence)
            if len(body) + len(part) > room - (len(left) > 1):
                break
            body += part
            left.pop(0)
        if len(left) > len(also):
            break
    if left:
        body.append(_cut(f"{'':9}… and {', '.join(left)}; --json has the sentences", WIDTH))
    return [*lines, *measured, *groups, head, *body, *tail]


def as_data(signals: Signals, advice: Advice, rules: Rules) -> dict[str, Any]:
    """Give signals and advice for machines: numbers, codes and sentences, no text of a row."""
    from dataclasses import asdict

    told = asdict(advice)
    told["sources"] = {name: source.model_dump(mode="json") for name, source in advice.sources.items()}
    groups = [{"name": group.name, **group.numbers} for group in signals.groups]
    return {"name": signals.name, "rules": rules.version, "signals": signals.numbers, **told, "groups": groups}


def _measured(line: Line, numbers: Mapping[str, Any]) -> str:
    value = numbers.get(line.fine.signal)
    said = filled(line.otherwise if value is None and line.otherwise else line.say, numbers)
    if line.bare:
        return _cut(f" {line.label:<{_LABEL - 1}} {said}", WIDTH)
    few = value is None or (line.enough is not None and not line.enough.holds(numbers))
    mark = "?" if few else "OK" if line.fine.holds(numbers) else line.mark
    limit = line.fine.limit
    bound = f"{line.fine.sign} {shown(limit, '%' if 0 < limit < 1 else '')}"
    return f" {line.label:<{_LABEL - 1}} {_cut(said, _SAID):<{_SAID}} {bound:>6} {mark:<5} [{line.source}]"


def _grouped(groups: list[Group]) -> Iterator[str]:
    if not groups:
        return
    for rank, group in enumerate(groups[: _GROUPS - 3], 1):
        told = dict(group.numbers)
        text = filled(
            "{rows} rows, {effective_rows} effective · knowledge {knowledge_load:%} · refusals {refusals:%}", told
        )
        yield f"  {_cut(group.name or f'(class {rank})', 28):<29}{text}"
    if len(groups) > _GROUPS - 3:
        yield f"  … and {len(groups) - _GROUPS + 3:,} classes more; --json has them all"


def _sources(advice: Advice) -> list[str]:
    """Give where the sentences shown have their sources, in two lines at most."""
    named = [f"[{name}] {_short(source.url)}" for name, source in advice.sources.items()]
    lines = _hung("Sources", "  ".join(named).replace("] ", "]\N{NO-BREAK SPACE}"))
    kept = [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines[:2]]
    if len(lines) > 2:
        kept[1] = _cut(kept[1] + " …", WIDTH)
    return kept


def _short(url: str) -> str:
    return url.removeprefix("https://").removeprefix("www.").replace("arxiv.org/abs/", "arXiv:")


def _hung(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        f"{name:<8} {text}", WIDTH, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
