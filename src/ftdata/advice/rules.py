"""The rules of advice, as data: `rules.toml`, changed by a file of the user's; none loads without number and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ftdata import tomltext
from ftdata.errors import InputError, RecipeError

VERDICTS: Mapping[str, str] = {
    "safety-first": "Safety first: the answers are not fit to be learnt from",
    "private-first": "Privacy first: scrub before anything leaves the house",
    "few-shot": "Prompt with these rows as examples (few-shot)",
    "rag": "Look facts up (RAG) first",
    "fix-first": "Fix the data first",
    "classifier": "Train a small classifier",
    "prompt": "Prompt with examples, and collect rows",
    "fine-tune": "Fine-tune: a pilot, then the curve",
    "more-variety": "More variety first",
}
"""Every verdict, and how it is said."""
_FORMS = ("", "%", "pp")
_LIMITS = ("limit", "limit2", "limit3")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Source(_Entry):
    """Where a claim comes from; `date`: published, or for pages that change, looked at."""

    title: str = Field(min_length=8)
    url: str = Field(pattern=r"^https://\S+$")
    date: date


class When(_Entry):
    """A condition on one signal; one of the three bounds. A signal that is unknown fulfils none."""

    signal: str
    at_least: float | None = None
    below: float | None = None
    above: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> When:
        if sum(bound is not None for bound in (self.at_least, self.below, self.above)) != 1:
            raise ValueError("needs one of at_least, below, above")
        return self

    @property
    def limit(self) -> float:
        """The bound."""
        return next(bound for bound in (self.at_least, self.below, self.above) if bound is not None)

    @property
    def sign(self) -> str:
        """The bound's sign."""
        return "≥" if self.at_least is not None else "<" if self.below is not None else ">"

    def holds(self, numbers: Mapping[str, Any]) -> bool:
        """Say whether the signals fulfil it."""
        value = numbers.get(self.signal)
        if not isinstance(value, (int, float)):
            return False
        if self.at_least is not None:
            return value >= self.at_least
        return value < self.limit if self.below is not None else value > self.limit


class Rule(_Entry):
    """A rule: when it fires, what it says, what would turn it; without `verdict` it is a remark and never leads."""

    code: str = Field(pattern=r"^[a-z0-9-]+$")
    verdict: (
        Literal[
            "safety-first",
            "private-first",
            "few-shot",
            "rag",
            "fix-first",
            "classifier",
            "prompt",
            "fine-tune",
            "more-variety",
        ]
        | None
    ) = None
    when: tuple[When, ...] = Field(min_length=1)
    say: str
    change: str
    next: str
    source: str
    strength: Literal["vendor", "study", "rule of thumb of ours"]
    why: str = ""
    before: str | None = None

    @model_validator(mode="after")
    def _honest(self) -> Rule:
        signals = {condition.signal for condition in self.when}
        for what in ("say", "change"):
            _sentence(what, getattr(self, what), signals, len(self.when))
        _slots("next", self.next)
        if self.strength == "rule of thumb of ours" and not self.why:
            raise ValueError("a threshold of our own needs its reason: why")
        return self


class Line(_Entry):
    """A row of the page. `bare`: it tells a number that is judged nowhere, so no threshold is shown.

    `needs` names a signal without which the row is left out; `enough` says when there is enough to judge by, and
    `otherwise` stands where the number is unknown.
    """

    label: str = Field(min_length=3, max_length=12)
    say: str
    fine: When
    mark: str = Field(max_length=5)
    source: str
    needs: str | None = None
    enough: When | None = None
    otherwise: str = ""
    bare: bool = False

    @model_validator(mode="after")
    def _honest(self) -> Line:
        _slots("otherwise", self.otherwise)
        if not _slots("say", self.say) - set(_LIMITS):
            raise ValueError("say: names no signal; every sentence tells a number, such as {rows}")
        return self


class Rules(_Entry):
    """All rules, in order."""

    version: str
    limits: Mapping[str, float]
    source: Mapping[str, Source]
    rule: tuple[Rule, ...]
    line: tuple[Line, ...]

    @model_validator(mode="after")
    def _sourced(self) -> Rules:
        named = {rule.source for rule in self.rule} | {line.source for line in self.line}
        missing = sorted(named - self.source.keys())
        if missing:
            raise ValueError(f"no [source.{missing[0]}] with title, url and date")
        return self


def _slots(what: str, text: str) -> set[str]:
    """Give the names in the braces of a sentence; refuse what could not be filled."""
    try:
        found = [(name, form or "") for _, name, form, _ in Formatter().parse(text) if name is not None]
    except ValueError:
        raise ValueError(f"{what}: has a brace alone; write {{name}}, or {{{{ for a brace") from None
    for name, form in found:
        if not name.isidentifier() or form not in _FORMS:
            raise ValueError(
                f"{what}: {{{name}:{form}}} cannot be filled; write {{signal}}, {{signal:%}}, {{signal:pp}}"
            )
    return {name for name, _ in found}


def _sentence(what: str, text: str, signals: set[str], count: int) -> None:
    """Refuse a sentence without a number of a signal, or without its threshold."""
    slots = _slots(what, text)
    if not slots & signals:
        raise ValueError(f"{what}: tells no number of its own signals; write one, such as {{{sorted(signals)[0]}}}")
    if not slots & set(_LIMITS[:count]):
        raise ValueError(f"{what}: tells no threshold; write {{limit}}")


@cache
def rules() -> Rules:
    """Load the rules that ship with ftdata."""
    return _made(tomltext.loads(files("ftdata.advice").joinpath("rules.toml").read_text("utf-8")), "rules.toml")


def load(path: Path | None) -> Rules:
    """Load the rules, changed by a file of the user's; raise `InputError` or `RecipeError` naming the entry."""
    if path is None:
        return rules()
    try:
        own = tomltext.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a file of rules") from None
    except (tomltext.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: is no TOML: {error}") from None
    ours = tomltext.loads(files("ftdata.advice").joinpath("rules.toml").read_text("utf-8"))
    odd = sorted(own.keys() - {*ours, "off"})
    if odd:
        raise RecipeError(f"{path}: {odd[0]!r} is no part of a file of rules; parts: {', '.join([*ours, 'off'])}")
    merged = {
        "version": own.get("version", f"{ours['version']}, changed by {path.name}"),
        "limits": {**ours["limits"], **own.get("limits", {})},
        "source": {**ours["source"], **own.get("source", {})},
        "rule": _replaced(ours["rule"], own.get("rule", []), "code", own.get("off", [])),
        "line": _replaced(ours["line"], own.get("line", []), "label", own.get("off", [])),
    }
    return _made(merged, str(path))


def _replaced(ours: Sequence[Any], own: Sequence[Any], key: str, off: Sequence[str]) -> list[Any]:
    """Put the user's entries in the place of ours of the same name; new ones where they say, else at the end.

    An entry that replaces one of ours need state only what it changes.
    """
    given = {entry.get(key): entry for entry in own}
    made = [{**entry, **given.pop(entry[key], {})} for entry in ours if entry[key] not in off]
    for name, entry in given.items():
        if name in off:
            continue
        at = next((place for place, other in enumerate(made) if other[key] == entry.get("before")), len(made))
        made.insert(at, entry)
    return made


def _made(data: Mapping[str, Any], place: str) -> Rules:
    try:
        return Rules.model_validate(data)
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_input=False, include_url=False):
            parts = list(problem["loc"])
            if len(parts) > 1 and isinstance(parts[1], int) and isinstance(data.get(str(parts[0])), list):
                entry = data[str(parts[0])][parts[1]]
                parts[1] = entry.get("code") or entry.get("label") or parts[1]
            problems.append(f"{place}: {'.'.join(map(str, parts))}: {problem['msg']}")
        raise RecipeError(*problems) from None
