"""Cure one row: judge it, try the fixes of what is wrong, judge it again, until nothing more can be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ftdata.batch import dumps
from ftdata.targets import Rule
from ftdata.targets.gate import Gate
from ftdata.transforms.fit.aim import KEPT
from ftdata.transforms.fit.cargo import cargo
from ftdata.transforms.fit.draft import Draft
from ftdata.transforms.fit.fixes import FIXES
from ftdata.writers.cargo import CARGO

_ROUNDS = 8


@dataclass
class Cured:
    """What became of a row: its line of JSON, what is kept beside it, what was done, and why it must go if it must."""

    line: str
    aside: dict[str, Any] = field(default_factory=dict)
    fixes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    drop: str | None = None
    note: str | None = None


def cure(
    line: str,
    gate: Gate,
    carries: Callable[[bool], frozenset[str]] = lambda _: frozenset(CARGO),
    kept: frozenset[str] = KEPT,
    allow_lossy: bool = False,
) -> Cured:
    """Fit one row, given as its line in OpenAI's layout, to the target that `gate` judges for.

    `carries` says what the layout of the target holds, in preference rows or in others; `kept` are kinds of rule that
    its writer keeps by itself. The fixes are tried in their one order: the first that can cure something is applied,
    and the row is judged anew. A fix that would lose something is not applied unless `allow_lossy`. An error that
    remains is the reason to drop the row; a warning that remains, a flag.
    """
    draft = Draft(json.loads(line))
    used, flags, barred = dict[str, int](), set[str](), dict[str, str]()
    text = line
    while True:
        breaches = _breaches(gate, text, kept if isinstance(draft.row.get("input", {}), dict) else KEPT)
        held = carries(draft.pair)
        wanting = cargo(draft, frozenset(CARGO) - held)
        applied = False
        for fix in FIXES:
            if used.get(fix.name, 0) >= _ROUNDS or fix.name in barred:
                continue
            rule = next((rule for rule in breaches if rule.kind in fix.kinds), None)
            if rule is None and not fix.sheds & wanting:
                continue
            for params in [rule.params for rule in breaches if rule.kind in fix.kinds] + (
                [{}] if fix.sheds & wanting else []
            ):
                trial = draft.copy()
                cost = fix.run(trial, params)
                if cost == "lost" and not allow_lossy:
                    barred[fix.name] = fix.what
                elif cost is not None:
                    draft, applied = trial, True
                    used[fix.name] = used.get(fix.name, 0) + 1
                    if cost != "free":
                        flags.add(f"{cost}-{fix.what}")
                    break
            if applied:
                text = dumps(draft.row)
                break
        if not applied:
            break
    done = Cured(text, draft.aside, tuple(used), tuple(sorted(flags)))
    return _settled(done, breaches, sorted(set(barred.values())))


def _breaches(gate: Gate, line: str, kept: frozenset[str]) -> list[Rule]:
    """Give the rules that a row breaks, each once, errors first."""
    rules = {rule.code: rule for rule, _ in gate.explain(line).breaches if rule.kind not in kept}
    return sorted(rules.values(), key=lambda rule: rule.level != "error")


def _settled(done: Cured, breaches: list[Rule], barred: list[str]) -> Cured:
    """Say what remains: a reason to drop the row, or flags."""
    told = [f"with allow_lossy would be lost: {', '.join(barred)}"] if barred else []
    errors = [rule.code for rule in breaches if rule.level == "error"]
    if errors:
        done.drop, done.note = errors[0], "; ".join(told) or f"rules broken: {len(errors)}"
        return done
    done.flags = tuple(sorted({*done.flags, *(rule.code for rule in breaches)}))
    done.note = "; ".join([*([f"fixed: {', '.join(done.fixes)}"] if done.fixes else []), *told]) or None
    return done
