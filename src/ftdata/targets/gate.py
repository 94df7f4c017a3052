"""Judge one line for one target: a fast gate accepts the plain ones, the explainer says what is wrong with the others.

The gate is a strict decoder of chat rows, asked once per line, whatever the number of targets: it tells what a row is
known to be. A row is *plain* if it is `messages` and nothing else, each message a system's, a user's or an assistant's,
with a text that is not blank (and a weight, the assistant's), with a turn of the user, one of the assistant that is
trained on, and the assistant at the end. It is *alternating* if, after at most one system message, user and assistant
take turns, the user first. A target whose every rule spares such rows passes it; everything else goes to the explainer,
which is the sole judge of what is wrong.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import orjson

from ftdata.targets import Profile, Rule
from ftdata.targets.example import Example, Form, Hit
from ftdata.targets.on_images import images
from ftdata.targets.rules import ALTERNATING, KINDS, NEVER, ONE_EXCHANGE, PLAIN, WEIGHTLESS, WITHOUT_SYSTEM
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


# --- what the gate knows ----------------------------------------------------------------------------------------------

_SPEAKERS = ("system", "user", "assistant")


def _of_messages(message: Any) -> msgspec.json.Decoder[Any]:
    """Make a decoder of rows that are `messages` of this type and nothing else."""
    fields = [("messages", types.GenericAlias(list, (message,)))]
    return msgspec.json.Decoder(msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False))


def _spoken(role: str, *more: tuple[str, Any, Any]) -> Any:
    """Make the type of a message of one role; msgspec tells them apart by the role."""
    content = ("content", Annotated[str, msgspec.Meta(min_length=1)])
    return msgspec.defstruct(
        role.title(), [content, *more], tag=role, tag_field="role", forbid_unknown_fields=True, gc=False
    )


_System, _User, _Assistant = (_spoken(role) for role in _SPEAKERS)
_Weighted = _spoken("assistant", ("weight", Literal[0, 1] | msgspec.UnsetType, msgspec.UNSET))
_weightless = _of_messages(_System | _User | _Assistant)
_weighted = _of_messages(_System | _User | _Weighted)
_ROLE = {_System: "system", _User: "user", _Assistant: "assistant", _Weighted: "assistant"}
_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_KEPT = 64  # of rows with more turns nothing is kept: what they are is worked out anew


@lru_cache(maxsize=4096)
def _of_speakers(speakers: tuple[type, ...]) -> int:
    """Tell what a row is by who speaks in it; 0 if it is not plain."""
    roles = [_ROLE[speaker] for speaker in speakers]
    if not roles or roles[-1] != "assistant" or "user" not in roles:
        return 0
    talk = roles[roles[0] == "system" :]
    traits = PLAIN
    if "system" not in roles:
        traits |= WITHOUT_SYSTEM
    if len(talk) % 2 == 0 and all(role == ("user", "assistant")[at % 2] for at, role in enumerate(talk)):
        traits |= ALTERNATING
    if talk == ["user", "assistant"]:
        traits |= ONE_EXCHANGE
    return traits


def _known(messages: list[Any]) -> int:
    speakers = tuple(map(type, messages))
    return _of_speakers(speakers) if len(speakers) <= _KEPT else _of_speakers.__wrapped__(speakers)


def _of_row(messages: list[Any]) -> int:
    """Tell what the messages of a decoded row are, but for their weights."""
    return 0 if any(message.content.isspace() for message in messages) else _known(messages)


def traits(line: bytes | str) -> int:
    """Tell what a line is known to be: a sum of the words of `ftdata.targets.rules`, 0 if it is not plain."""
    try:
        known = _of_row(_weightless.decode(line).messages)
    except _REFUSED:
        try:
            messages: list[Any] = _weighted.decode(line).messages
        except _REFUSED:
            return 0
        taught = any(type(message) is _Weighted and message.weight != 0 for message in messages)
        return _of_row(messages) if taught else 0
    return known | WEIGHTLESS if known else 0


def traits_of(block: bytes, count: int) -> list[int] | None:
    """Tell the same of `count` lines at once, in less time; None if they are to be asked one by one.

    Every line must end a row, and there must be as many rows as lines: then each line is one row.
    """
    if not block.endswith(b"]}") or block.count(b"]}\n") != count - 1:
        return None
    try:
        rows: list[Any] = _weightless.decode_lines(block)
    except _REFUSED:
        return None
    if len(rows) != count or any(map(str.isspace, [one.content for row in rows for one in row.messages])):
        return None
    found: dict[tuple[type, ...], int] = {}
    known = []
    for row in rows:
        speakers = tuple(map(type, row.messages))
        told = found.get(speakers)
        if told is None:
            told = _known(row.messages)
            found[speakers] = told = told | WEIGHTLESS if told else 0
        known.append(told)
    return known


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
        if self.layout != _CHAT or not self._roles.issuperset(_SPEAKERS):
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
        return self.takes(traits(line), line)

    def takes(self, known: int, line: bytes | str) -> bool:
        """Say whether a line of which the gate knows so much (see `traits`) needs no explanation."""
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
