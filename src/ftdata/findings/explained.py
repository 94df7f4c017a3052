"""One rule of a target, explained: with its source, and a row that breaks it before and after it is fitted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ftdata.errors import RecipeError
from ftdata.targets import Profile, Rule, load, names
from ftdata.targets.gate import Gate
from ftdata.targets.rules import KINDS
from ftdata.transforms.fit.cure import cure
from ftdata.transforms.fit.fixes import fixable
from ftdata.wording import hint

_EVIDENCE = {
    "spec": "stands in the vendor's specification",
    "guide": "stands in the vendor's guides or published code",
    "observed": "is reported by users, not stated by the vendor",
    "unverified": "is not confirmed for this vendor, so it is a warning at most",
}
_FIXABLE = {
    "no": "no: it takes a person",
    "yes": "yes: ftdata check FILE --for {target} --fix",
    "lossy": "yes, with a loss: ftdata check FILE --for {target} --fix --allow-lossy",
}


@dataclass(frozen=True)
class Explained:
    """A rule with all that is known of it; `wrong` breaks it and `right` is what the step `fit` makes of that."""

    target: str
    rule: Rule
    wrong: str | None = None
    right: str | None = None

    @property
    def code(self) -> str:
        """The code of the rule."""
        return self.rule.code

    @property
    def level(self) -> str:
        """What a breach is: an error or a warning."""
        return self.rule.level

    @property
    def fixable(self) -> str:
        """Whether the step `fit` cures a breach: no, yes, or lossy."""
        return fixable(self.rule)

    @property
    def file_only(self) -> bool:
        """Whether the rule is about a whole file."""
        return KINDS[self.rule.kind].of == "file"

    def told(self) -> list[tuple[str, str]]:
        """Give what there is to say, title and text."""
        rule = self.rule
        lines = [
            ("what", rule.what),
            ("fix", rule.fix),
            ("--fix", _FIXABLE[self.fixable].format(target=self.target)),
            ("known", f"it {_EVIDENCE[rule.evidence]}"),
            ("source", str(rule.source)),
        ]
        if rule.source.url:
            lines.append(("link", rule.source.url))
        if rule.params:
            lines += [(name, json.dumps(value, ensure_ascii=False)) for name, value in rule.params.items()]
        return lines

    def as_json(self) -> dict[str, Any]:
        """Give the rule as values for JSON."""
        return {
            "target": self.target,
            **self.rule.model_dump(mode="json"),
            "fixable": self.fixable,
            "known": _EVIDENCE[self.rule.evidence],
            "example": {"wrong": self.wrong, "right": self.right},
        }


def explained(code: str) -> Explained:
    """Explain the rule of a code; that of a profile of the user's own is `FILE.toml:CODE`.

    Raises:
        RecipeError: there is no such rule; the message names the nearest one.
    """
    given, _, own = code.rpartition(":")
    targets = (given,) if given else names()
    known = {}
    for target in targets:
        profile = load(target)
        for rule in profile.rules:
            if rule.code == own:
                return _with_example(profile, rule)
            known[rule.code] = target
    meant = hint(own, known, "; `ftdata targets NAME` lists the rules of a target")
    raise RecipeError(f"rule: '{own}' is no code of a rule{meant}")


def _with_example(profile: Profile, rule: Rule) -> Explained:
    chat = Gate(profile, "openai-chat")
    for row in _rows():
        if all(broken.kind != rule.kind for broken, _ in chat.explain(row).breaches):
            continue
        if not _is_object(row):
            return Explained(profile.name, rule, row)
        done = cure(row, chat, allow_lossy=fixable(rule) == "lossy")
        fixed = done.drop is None and all(broken.kind != rule.kind for broken, _ in chat.explain(done.line).breaches)
        return Explained(profile.name, rule, row, done.line if fixed else None)
    return Explained(profile.name, rule)


@cache
def _rows() -> tuple[str, ...]:
    """Give rows, each of which breaks a rule or two of some target: the plainest first."""
    text = (resources.files(__name__.rpartition(".")[0]) / "rows.jsonl").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def _is_object(row: str) -> bool:
    try:
        return isinstance(json.loads(row), dict)
    except ValueError:
        return False
