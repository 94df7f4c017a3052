"""Dated target profiles: what a provider's fine-tuning job accepts, rule by rule, with a source and a date for each.

A profile is a TOML file in this folder; the kinds of rule that it may use stand in `rules.py`. A limit is never a
constant in code: it is a parameter of a rule, and a rule (or limit, or event) whose source is missing or undated does
not load.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftdata.errors import RecipeError
from ftdata.targets.rules import KINDS

Evidence = Literal["spec", "guide", "observed", "unverified"]
"""How well a rule is known: in the vendor's specification, in its guides, seen by users only, or not verified."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Reference(_Value):
    """Where a rule stands written, and when that was last looked at."""

    title: str = Field(min_length=1)
    url: str | None = None
    checked: date

    def __str__(self) -> str:
        return f"{self.title}, checked {self.checked.isoformat()}"


class Rule(_Value):
    """One rule of a target: its stable code, level, meaning, remedy, evidence, and the parameters of its predicate."""

    code: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)+$")
    kind: str
    level: Literal["error", "warn"]
    evidence: Evidence
    what: str = Field(min_length=1)
    fix: str = Field(min_length=1)
    source: Reference
    params: Mapping[str, Any] = Field(default_factory=dict)


class Limit(_Value):
    """A number that no rule enforces here but that other commands need (tokens per example of a model)."""

    name: str
    value: int
    unit: str
    evidence: Evidence
    source: Reference


class Event(_Value):
    """A date on which the target opens, closes or ends, and what happens then."""

    date: date
    what: str
    source: Reference


class Profile(_Value):
    """What one target accepts, as of one day."""

    name: str
    title: str
    layout: str = Field(description="name of the writer whose rows the target takes")
    checked: date
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...] = ()
    events: tuple[Event, ...] = ()

    def rule(self, kind: str) -> Rule | None:
        """Give the rule of a kind; None where the target has none."""
        return next((rule for rule in self.rules if rule.kind == kind), None)

    def standing(self, today: date) -> tuple[str, ...]:
        """Say what has happened to the target by `today` and what is announced, one sentence each."""
        return tuple(
            f"{'since' if event.date <= today else 'from'} {event.date.isoformat()}: {event.what}"
            for event in self.events
        )


def names() -> tuple[str, ...]:
    """List the targets that have a profile."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


@cache
def load(name: str) -> Profile:
    """Load the profile of a target.

    Raises:
        RecipeError: no such target; the message lists those there are.
    """
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise RecipeError(f"for: '{name}' is not a target{hint} (there are: {', '.join(known)})")
    file = resources.files(__name__) / f"{name}.toml"
    return parse(file.read_text(encoding="utf-8"), f"{name}.toml")


def parse(text: str, place: str) -> Profile:
    """Read a profile from TOML text; `place` names it in errors.

    Raises:
        RecipeError: every fault at once: a rule, limit or event without a dated source, an unknown kind of rule, a
            parameter missing or not known, an unverified rule with the level `error`, a code used twice.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{place}: {error}") from None
    faults: list[str] = []
    sources = {}
    for key, value in raw.pop("source", {}).items():
        try:
            sources[key] = Reference.model_validate(value)
        except ValidationError as error:
            faults += _faults(f"{place}: source {key}", error)

    def resolve(table: str, label: str, model: type[_Value]) -> list[Any]:
        made = []
        for at, entry in enumerate(raw.pop(table, []), start=1):
            where = f"{place}: {table} {entry.get(label, at)}"
            if "source" not in entry:
                faults.append(f"{where}: has no source; name one of [source]")
                continue
            if entry["source"] not in sources:
                faults.append(f"{where}: source '{entry['source']}' is not a complete, dated entry of [source]")
                continue
            try:
                made.append(model.model_validate({**entry, "source": sources[entry["source"]]}))
            except ValidationError as error:
                faults.extend(_faults(where, error))
        return made

    rules: list[Rule] = resolve("rule", "code", Rule)
    limits, events = resolve("limit", "name", Limit), resolve("event", "date", Event)
    seen: set[str] = set()
    for rule in rules:
        where = f"{place}: rule {rule.code}"
        faults += [f"{where}: {fault}" for fault in _rule_faults(rule, str(raw.get("name")))]
        for key in (rule.code, rule.kind):
            if key in seen:
                faults.append(f"{where}: '{key}' is used by two rules")
            seen.add(key)
    profile = None
    try:
        profile = Profile.model_validate({**raw, "rules": rules, "limits": limits, "events": events})
    except ValidationError as error:
        faults += _faults(place, error)
    if faults or profile is None:
        raise RecipeError(*faults)
    return profile


def _rule_faults(rule: Rule, profile: str) -> list[str]:
    faults = []
    if not rule.code.startswith(f"{profile}-"):
        faults.append(f"a code starts with the name of its profile: {profile}-")
    if rule.evidence == "unverified" and rule.level == "error":
        faults.append("an unverified rule is at most a warning")
    kind = KINDS.get(rule.kind)
    if kind is None:
        near = difflib.get_close_matches(rule.kind, KINDS, n=1)
        return [*faults, f"kind '{rule.kind}' is not known" + (f"; did you mean '{near[0]}'?" if near else "")]
    wanted = frozenset(kind.params)
    faults += [f"parameter '{name}' is missing" for name in sorted(wanted - rule.params.keys())]
    faults += [f"parameter '{name}' is not known to kind '{rule.kind}'" for name in sorted(rule.params.keys() - wanted)]
    return faults


def _faults(where: str, error: ValidationError) -> list[str]:
    return [f"{where}: {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()]
