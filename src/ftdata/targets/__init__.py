"""Dated target profiles: what a provider's fine-tuning job accepts, rule by rule, with a source and a date for each.

A profile is a TOML file: one in this folder, one of the user's (wherever a target is named, a path ending in `.toml` is
one), or one that a plugin offers by an entry point of the group `ftdata.targets` (`acme = "acme_package:acme.toml"`).
The kinds of rule that it may use stand in `rules.py`. A limit is never a constant in code: it is a parameter of a rule,
and a rule (or limit, or event) whose source is missing or undated does not load.

A profile may be `like` another: it has the rules of that one under codes of its own, their sources marked "as …", but
for the kinds that stand in `without` and those for which it has a rule itself. With `inherited = "unverified"` they are
warnings, because the vendor at hand has not stated them; but those by which a row is a row of the layout at all stay.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ftdata import tomltext
from ftdata.errors import RecipeError
from ftdata.targets import params
from ftdata.targets.rules import KINDS, OF_THE_LAYOUT
from ftdata.wording import hint

Evidence = Literal["spec", "guide", "observed", "unverified"]
"""How well a rule is known: in the vendor's specification, in its guides, seen by users only, or not verified."""

GROUP = "ftdata.targets"
"""The entry-point group under which plugins offer profiles."""


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
    like: str | None = Field(default=None, description="the profile from which the rule is taken over")
    params: Mapping[str, Any] = Field(default_factory=dict)


class Limit(_Value):
    """A number that no rule enforces here but that other commands need (tokens per example of a model)."""

    name: str
    value: int
    unit: str
    evidence: Evidence
    source: Reference


class Event(_Value):
    """A date on which something happens to a target, and what.

    `opens`: the first day on which jobs can be started; `closes`: the last; `restricts`: some can start none from then
    on; `deprecates`: the vendor calls it deprecated from then on; `ends`: what was trained stops.
    """

    date: date
    kind: Literal["opens", "restricts", "deprecates", "closes", "ends"]
    what: str
    source: Reference


class Profile(_Value):
    """What one target accepts, as of one day."""

    name: str
    title: str
    layout: str = Field(description="name of the writer whose rows the target takes")
    also: tuple[str, ...] = Field(default=(), description="other layouts that it takes as they are")
    like: str | None = None
    checked: date
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...] = ()
    events: tuple[Event, ...] = ()

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"_?[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 64:
            raise ValueError("files are named after it: use small letters, digits and hyphens, such as acme-chat")
        return name

    @field_validator("layout")
    @classmethod
    def _known(cls, layout: str) -> str:
        from ftdata.targets.views import LAYOUTS

        if layout not in LAYOUTS:
            raise ValueError(f"there is no such layout{hint(layout, LAYOUTS)}; layouts are {', '.join(LAYOUTS)}")
        return layout

    def rule(self, kind: str) -> Rule | None:
        """Give the rule of a kind; None where the target has none."""
        return next((rule for rule in self.rules if rule.kind == kind), None)

    def history(self, today: date) -> tuple[str, ...]:
        """Say what has happened to the target by `today` and what is announced, one sentence each."""
        return tuple(
            f"{'since' if event.date <= today else 'from'} {event.date.isoformat()}: {event.what}"
            for event in self.events
        )

    def standing(self, today: date) -> str:
        """Say in a few words whether jobs can be started on a day, and until when."""
        if not self.open_on(today):
            opens = [event.date for event in self.events if event.kind == "opens" and event.date > today]
            if opens:
                return f"opens {max(opens).isoformat()}"
            closed = [e.date for e in self.events if e.kind in ("closes", "ends") and e.date <= today]
            return f"closed since {min(closed).isoformat()}" if closed else "closed"
        past = {event.kind for event in self.events if event.date <= today}
        told = "open" if self.last_day is None else f"open until {self.last_day.isoformat()}"
        notes = [word for word, kind in (("restricted", "restricts"), ("deprecated", "deprecates")) if kind in past]
        return f"{told} ({', '.join(notes)})" if notes else told

    def open_on(self, today: date) -> bool:
        """Say whether, as far as is known, a job can be started on a day: nothing has closed, what opens has opened."""
        if any(event.date < today for event in self.events if event.kind == "closes"):
            return False
        if any(event.date <= today for event in self.events if event.kind == "ends") and self.last_day is None:
            return False
        return all(event.date <= today for event in self.events if event.kind == "opens")

    @property
    def last_day(self) -> date | None:
        """The last day on which a job can be started; None where none is announced."""
        return min((event.date for event in self.events if event.kind == "closes"), default=None)


def names() -> tuple[str, ...]:
    """List the targets that have a profile, those of plugins too."""
    return tuple(sorted({*(name for name in _shipped() if name[0] != "_"), *_plugged()}))


@cache
def _shipped() -> frozenset[str]:
    files = resources.files(__name__).iterdir()
    return frozenset(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def _plugged() -> dict[str, Path]:
    """Give the files of the profiles that plugins offer, by name; `FTDATA_PLUGINS` says which plugins are let in."""
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    from ftdata.hooks import let_in

    allowed, found = let_in(), {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if allowed is None or point.name in allowed or (point.dist is not None and point.dist.name in allowed):
            spec = find_spec(point.module)
            for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
                found[point.name] = Path(folder, point.attr)
    return found


def load(name: str) -> Profile:
    """Load the profile of a target: by its name, or the path of a TOML file.

    Raises:
        RecipeError: no such target (the message lists those there are), or its file is faulty.
    """
    return _loaded(name, ())


def _loaded(name: str, trail: tuple[Path, ...]) -> Profile:
    """Load a profile; `trail` holds the files that led to it, each by being like the next."""
    if name.endswith(".toml"):
        return _read(Path(name), trail)
    if name in _shipped():
        return _load(name)
    plugged = _plugged()
    if name in plugged:
        return _read(plugged[name], trail)
    known = names()
    there = f"{', '.join(known)}, or a path ending in .toml"
    raise RecipeError(f"for: '{name}' is not a target{hint(name, known)} (there are: {there})")


@cache
def _load(name: str) -> Profile:
    file = resources.files(__name__) / f"{name}.toml"
    return parse(file.read_text(encoding="utf-8"), f"{name}.toml")


def _read(path: Path, trail: tuple[Path, ...]) -> Profile:
    place = Path(os.path.abspath(path))
    if place in trail:
        told = " is like ".join(one.name for one in (*trail[trail.index(place) :], place))
        raise RecipeError(f"for: {told}: a circle; let one of them have its own rules")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise RecipeError(f"for: {path}: the profile cannot be read: {why}") from None
    return parse(text, path.name, (*trail, place))


def parse(text: str, place: str, trail: tuple[Path, ...] = ()) -> Profile:
    """Read a profile from TOML text; `place` names it in errors, `trail` ends in the file that it comes from.

    Raises:
        RecipeError: every fault at once: a rule, limit or event without a dated source, an unknown kind of rule, a
            parameter missing or not known, an unverified rule with the level `error`, a code used twice.
    """
    try:
        raw = tomltext.loads(text)
    except tomltext.TOMLDecodeError as error:
        raise RecipeError(f"{place}: {error}") from None
    faults: list[str] = []
    sources = {}
    given = raw.pop("source", {})
    if not isinstance(given, dict):
        faults.append(f"{place}: source: must be tables; begin each with a line [source.NAME]")
        given = {}
    for key, value in given.items():
        try:
            sources[key] = Reference.model_validate(value)
        except ValidationError as error:
            faults += _faults(f"{place}: source {key}", error)

    def resolve(table: str, label: str, model: type[_Value]) -> list[Any]:
        made = []
        entries = raw.pop(table, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            faults.append(f"{place}: {table}: must be a list of tables; begin each with a line [[{table}]]")
            return []
        for at, entry in enumerate(entries, start=1):
            where = f"{place}: {table} {entry.get(label, at)}"
            if "source" not in entry:
                faults.append(f"{where}: has no source; name one of [source]")
                continue
            if not isinstance(entry["source"], str) or entry["source"] not in sources:
                faults.append(f"{where}: source '{entry['source']}' is not a complete, dated entry of [source]")
                continue
            try:
                made.append(model.model_validate({**entry, "source": sources[entry["source"]]}))
            except ValidationError as error:
                faults.extend(_faults(where, error))
        return made

    rules: list[Rule] = resolve("rule", "code", Rule)
    limits, events = resolve("limit", "name", Limit), resolve("event", "date", Event)
    rules = [*_inherited(raw, rules, place, faults, trail), *rules]
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


def _inherited(
    raw: dict[str, Any], own: list[Rule], place: str, faults: list[str], trail: tuple[Path, ...]
) -> list[Rule]:
    """Give the rules that a profile takes over from the one that it is `like`; set its layout if it names none."""
    without, inherited = raw.pop("without", []), raw.pop("inherited", None)
    like = raw.get("like")
    if like is None:
        given = (("without", without), ("inherited", inherited))
        faults += [f"{place}: {key}: there is no profile that this one is like" for key, value in given if value]
        return []
    if inherited not in (None, "unverified"):
        faults.append(f'{place}: inherited: the one value is "unverified"')
    try:
        base = _loaded(_beside(str(like), trail), trail)
    except RecipeError as error:
        faults.append(f"{place}: like: {str(error).removeprefix('for: ')}")
        return []
    raw.setdefault("layout", base.layout)
    if not isinstance(without, list) or not all(isinstance(kind, str) for kind in without):
        faults.append(f"{place}: without: must be a list of kinds of rules")
        without = []
    kinds = {rule.kind for rule in base.rules}
    faults += [f"{place}: without: '{kind}' is no kind of rule of {like}" for kind in without if kind not in kinds]
    left = {rule.kind for rule in own} | set(without)
    name = str(raw.get("name"))
    taken = []
    for rule in base.rules:
        if rule.kind not in left:
            update: dict[str, Any] = {"code": name + rule.code.removeprefix(base.name)}
            if not str(like).startswith("_"):  # what is common to many is nobody's in particular
                told = rule.source.model_copy(update={"title": f"as {base.name}: {rule.source.title}"})
                update |= {"like": base.name, "source": told}
            if inherited and rule.kind not in OF_THE_LAYOUT:
                update |= {"level": "warn", "evidence": "unverified"}
            taken.append(rule.model_copy(update=update))
    return taken


def _beside(like: str, trail: tuple[Path, ...]) -> str:
    """Give the path of a profile that another names: relative to the folder of that one."""
    return str(trail[-1].parent / like) if trail and like.endswith(".toml") else like


def _rule_faults(rule: Rule, profile: str) -> list[str]:
    faults = []
    if not rule.code.startswith(f"{profile}-"):
        faults.append(f"a code starts with the name of its profile: {profile}-")
    if rule.evidence == "unverified" and rule.level == "error":
        faults.append("an unverified rule is at most a warning")
    kind = KINDS.get(rule.kind)
    if kind is None:
        return [*faults, f"kind '{rule.kind}' is not known{hint(rule.kind, KINDS)}"]
    wanted = frozenset(kind.params)
    faults += params.faults(rule.kind, {name: value for name, value in rule.params.items() if name in wanted})
    faults += [f"parameter '{name}' is missing" for name in sorted(wanted - rule.params.keys())]
    faults += [f"parameter '{name}' is not known to kind '{rule.kind}'" for name in sorted(rule.params.keys() - wanted)]
    return faults


def _faults(where: str, error: ValidationError) -> list[str]:
    return [
        f"{where}: {'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]
