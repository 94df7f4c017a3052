"""From signals to advice: the rules in order, all reasons that fire, how sure that is, and what would change it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ftdata.advice.rules import VERDICTS, Rule, Rules, Source, When
from ftdata.advice.signals import SIGNALS
from ftdata.errors import RecipeError
from ftdata.wording import hint

_OF = {share: of for signal in SIGNALS for share, of in signal.of.items()}
"""Of which number a share is one, where that is not the rows: of a sample, of pairs, of questions."""
ERROR = 0.05
"""What the estimators of shares may be wrong by, as their tests hold them to."""


@dataclass(frozen=True)
class Reason:
    """A rule that fired: its sentence, where its threshold comes from, how strong that is."""

    code: str
    verdict: str | None
    sentence: str
    source: str
    strength: str
    change: str
    next: str


@dataclass(frozen=True)
class Advice:
    """The advice. `confidence`: high, medium or low, by how far the numbers lie from the thresholds."""

    verdict: str
    said: str
    reason: str
    confidence: str
    because: tuple[Reason, ...]
    remarks: tuple[Reason, ...]
    change: str
    next: str
    sources: Mapping[str, Source] = field(default_factory=dict)


def verdict(numbers: Mapping[str, Any], rules: Rules, file: str = "FILE") -> Advice:
    """Go through the rules in order: the first that fires leads; remarks never do."""
    fired = [rule for rule in rules.rule if all(condition.holds(numbers) for condition in rule.when)]
    reasons = [_reason(rule, numbers, file) for rule in fired if rule.verdict]
    remarks = [_reason(rule, numbers, file) for rule in fired if not rule.verdict]
    if not reasons:
        said = f"no rule of {len(rules.rule)} fires on these {shown(numbers.get('rows'), '')} rows"
        return Advice("prompt", f"Undecided: {said}", "none", "low", (), tuple(remarks), "another rule", "ftdata stats")
    leading = next(rule for rule in fired if rule.verdict)
    first = reasons[0]
    change = first.change
    follower = next((reason for reason in reasons[1:] if reason.verdict != first.verdict), None)
    if follower is not None and follower.verdict is not None:
        change += f"; next would then be `{follower.verdict}` ({follower.code})"
    named = {name: rules.source[name] for reason in (*reasons, *remarks) for name in (reason.source,)}
    said = VERDICTS[leading.verdict or "prompt"]
    sure = confidence(leading, numbers)
    return Advice(
        leading.verdict or "prompt", said, leading.code, sure, tuple(reasons), tuple(remarks), change, first.next, named
    )


def understood(rules: Rules, numbers: Mapping[str, Any]) -> None:
    """Raise `RecipeError` if a rule names a signal that nobody measures: it would never fire, and nobody would know."""
    for rule in rules.rule:
        for condition in rule.when:
            if condition.signal not in numbers:
                meant = hint(condition.signal, numbers, f"; signals: {', '.join(sorted(numbers))}")
                raise RecipeError(f"rules: {rule.code}: no signal is called {condition.signal!r}{meant}")


def confidence(rule: Rule, numbers: Mapping[str, Any]) -> str:
    """Say how sure it is that the rule fires: how far its numbers lie from the bounds, in errors of measurement.

    The error of a share: 5 points for the estimator, and 1.96 √(p (1 - p) / n) for the n at hand (rows, or of a sampled
    signal those looked at, or pairs); of a number 10 %.
    high: all two errors off; medium: all one; low: else, or fewer than 10 rows.
    """
    least = min(_distance(condition, numbers) for condition in rule.when)
    return "high" if least >= 2 else "medium" if least >= 1 else "low"


def _distance(when: When, numbers: Mapping[str, Any]) -> float:
    value, rows = float(numbers[when.signal]), float(numbers.get("rows") or 1)
    if 0 < when.limit < 1:
        count = float(numbers.get(_OF[when.signal]) or 1) if when.signal in _OF else rows
        # A small threshold is known better than a large one: its estimator errs by a part of what there is.
        error = min(ERROR, when.limit / 4) + 1.96 * math.sqrt(max(value * (1 - value), 0) / max(count, 1))
        return abs(value - when.limit) / error
    return abs(value - when.limit) / max(0.1 * when.limit, 0.5)


def _reason(rule: Rule, numbers: Mapping[str, Any], file: str) -> Reason:
    limits = dict(zip(("limit", "limit2", "limit3"), (condition.limit for condition in rule.when), strict=False))
    known = {**numbers, **limits, "file": file}
    sentence = f"{filled(rule.say, known)} [{rule.source}]"
    command = filled(rule.next, known)
    return Reason(rule.code, rule.verdict, sentence, rule.source, rule.strength, filled(rule.change, known), command)


class _Number:
    """A number as sentences show it: `{x}` 1,234, `{x:%}` 58 %, `{x:pp}` 4.5 (points)."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __format__(self, form: str) -> str:
        return shown(self.value, form)


def filled(template: str, numbers: Mapping[str, Any]) -> str:
    """Put numbers into a sentence; one that is not known is `unknown`, never 0."""
    return template.format_map(_Known(numbers))


class _Known(dict[str, Any]):
    def __getitem__(self, name: str) -> _Number:
        return _Number(self.get(name))


def shown(value: Any, form: str) -> str:
    """Show one number."""
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if form == "%":
        points = value * 100
        return f"{points:.1f} %" if 0 < points < 10 and round(points, 1) != round(points) else f"{points:.0f} %"
    if form == "pp":
        return f"{value * 100:.1f}"
    return f"{value:,.0f}" if float(value).is_integer() or value >= 100 else f"{value:,.1f}"
