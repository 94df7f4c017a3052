"""Judge one line for one target: a fast gate accepts the plain ones, the explainer says what is wrong with the others.

What a row is known to be is asked once, whatever the number of targets: of a line (`ftdata.targets.plain`) or a whole
block of lines (`ftdata.targets.skim`). A target whose every rule spares such rows passes it; everything else goes to
the explainer, which is the sole judge of what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from ftdata.targets import Profile, Rule
from ftdata.targets.example import Example, Form, Hit
from ftdata.targets.on_images import images
from ftdata.targets.plain import LAYOUTS, traits
from ftdata.targets.rules import KINDS, NEVER, PLAIN
from ftdata.targets.speech import Speech
from ftdata.targets.views import view


class Verdict(NamedTuple):
    """What is known of one line: its form, whether it shows images, and the breaches with their rules.

    `column` is set for a line that is no JSON: where it stops being JSON, counted in characters from 1.
    """

    form: Form
    images: bool = False
    breaches: tuple[tuple[Rule, Hit], ...] = ()
    column: int | None = None


# --- a line, and what a target says of it -----------------------------------------------------------------------------


class Line:
    """One line, parsed at most once and cut at most once for each view, whatever the number of targets."""

    def __init__(self, text: bytes | str, layout: str) -> None:
        self.layout = layout
        self._examples: dict[tuple[frozenset[str], bool], Example] = {}
        self._speech: Speech | None = None
        self.row: Any = None
        self.fault: tuple[str, str, int | None] | None = None
        try:
            self.row = orjson.loads(text)
        except ValueError:
            self.fault = _why(text)

    def example(self, roles: frozenset[str], graded: bool) -> Example:
        """Give the line as a row of OpenAI's, of a target that takes these roles and grades answers or not."""
        found = self._examples.get((roles, graded))
        if found is None:
            found = self._examples[roles, graded] = Example(self.row, roles, graded)
        return found

    @property
    def speech(self) -> Speech:
        """Give the line as who says what."""
        if self._speech is None:
            self._speech = view(self.row, self.layout)
        return self._speech


_SPEAKERS = ("system", "user", "assistant")
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_CHAT = "openai-chat"


class Gate:
    """Judge the lines of a file or a batch for one target. `layout`: that of the lines; null for the target's own."""

    def __init__(self, profile: Profile, layout: str | None = None) -> None:
        self.profile = profile
        self.layout = layout or profile.layout
        self._own = self.layout == profile.layout == _CHAT
        role = profile.rule("role")
        self._roles = frozenset(role.params["roles"]) if role is not None else _ROLES
        self._graded = profile.rule("rft-last-message") is not None
        self._judges = [(rule, KINDS[rule.kind]) for rule in profile.rules if self._concerns(rule)]
        self.needs = PLAIN
        for rule, kind in self._judges:
            self.needs |= kind.spares(rule.params) if callable(kind.spares) else kind.spares
        if self.layout not in LAYOUTS or (self._own and not self._roles.issuperset(_SPEAKERS)):
            self.needs |= NEVER
        reserved = profile.rule("reserved-words")
        words = [re.escape(word.encode()) for word in reserved.params["words"]] if reserved is not None else []
        # An escaped letter may hide a word.
        self._words = re.compile(b"|".join([*words, rb"\\u"])).search if words else None

    def _concerns(self, rule: Rule) -> bool:
        """Say whether a rule judges rows of the layout at hand."""
        kind = KINDS[rule.kind]
        if kind.judge is not None:
            return self._own or rule.kind == "row-object"
        # In OpenAI's own layout, rules of their own name what shape would.
        return kind.hears is not None and not (rule.kind == "shape" and self._own)

    def passes(self, line: bytes | str) -> bool:
        """Say whether a line needs no explanation: plain rows like it break no rule of this target."""
        return self.takes(traits(line, self.layout), line)

    def takes(self, known: int, line: bytes | str) -> bool:
        """Say whether a line of which the gate knows so much (see `ftdata.targets.plain`) needs no explanation."""
        if known & self.needs != self.needs:
            return False
        return self._words is None or self._words(line if isinstance(line, bytes) else line.encode()) is None

    def explain(self, line: bytes | str | Line) -> Verdict:
        """Say everything that is wrong with a line."""
        if not isinstance(line, Line):
            line = Line(line, self.layout)
        if line.fault is not None:
            kind, cause, column = line.fault
            rule = self.profile.rule(kind)
            return Verdict("none", breaches=((rule, Hit("", cause)),) if rule is not None else (), column=column)
        if self.layout == _CHAT:
            example = line.example(self._roles, self._graded)
            return Verdict(example.form, bool(images(example)), tuple(self._breaches(line)))
        form: Form = "none" if not isinstance(line.row, dict) else "dpo" if line.speech.preference else "sft"
        pictured = any(turn.images for turn in line.speech.all())
        return Verdict(form, pictured, tuple(self._breaches(line)))

    def _breaches(self, line: Line) -> Iterator[tuple[Rule, Hit]]:
        for rule, kind in self._judges:
            if kind.judge is not None:
                hits = kind.judge(line.example(self._roles, self._graded), rule.params)
            elif kind.hears is not None:
                hits = kind.hears(line.speech, rule.params)
            for hit in hits:
                yield rule, hit


def _why(line: bytes | str) -> tuple[str, str, int | None]:
    """Say why a line is no JSON: the kind of rule, the cause, and at which character.

    The messages of the json module hold no text of the line.
    """
    try:
        text = line if isinstance(line, str) else line.decode()
    except UnicodeDecodeError as error:
        return "encoding", "the line is not valid UTF-8", len(error.object[: error.start].decode()) + 1
    try:
        json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        cause = error.msg.removesuffix(" at").removeprefix("Unexpected ")
        return "json", f"the line is no JSON: {cause[:1].lower()}{cause[1:]}", error.colno
    except RecursionError:
        return "json", "the line is nested too deeply", None
    except ValueError:
        return "json", "the line is no JSON: NaN, Infinity, or a number of thousands of digits", None
    if "\\ud" in text.lower():
        return "json", "half of a surrogate pair (a lone \\ud800 to \\udfff) is no character", None
    return "json", "the line is nested too deeply", None


def _no_constant(_: str) -> None:
    raise ValueError
