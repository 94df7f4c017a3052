"""Judge one line for one target: a fast gate accepts the plain ones, the explainer says what is wrong with the others.

The gate is a strict decoder: it accepts a row only if it is `messages` and nothing else, each message a known role and
a text that is not blank (and a weight, the assistant's), with a turn of the user, one of the assistant that is trained
on, and the assistant at the end. Everything else goes to the explainer, which is the sole judge of what is wrong.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import orjson

from ftdata.targets import Profile, Rule
from ftdata.targets.example import BLANK, Example, Form, Hit
from ftdata.targets.on_images import images
from ftdata.targets.rules import KINDS


class Verdict(NamedTuple):
    """What is known of one line: its form, whether it shows images, and the breaches with their rules.

    `column` is set for a line that is no JSON: where it stops being JSON, counted in characters from 1.
    """

    form: Form
    images: bool = False
    breaches: tuple[tuple[Rule, Hit], ...] = ()
    column: int | None = None


_SPEAKERS = ("system", "user", "assistant")


class Gate:
    """Judge the lines of a file or a batch for one target."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._judges = [(rule, judge) for rule in profile.rules if (judge := KINDS[rule.kind].judge) is not None]
        role = profile.rule("role")
        self._roles = frozenset(role.params["roles"] if role is not None else _SPEAKERS)
        # A kind of rule that may fire on a plain row shuts the gate: every row is explained.
        self._open = all(KINDS[rule.kind].gated for rule in profile.rules)
        speakers = tuple(name for name in _SPEAKERS if name in self._roles)
        text = Annotated[str, msgspec.Meta(pattern=f"[^{BLANK}]")]
        message = msgspec.defstruct(
            "Plain",
            [
                ("role", Literal[speakers]),
                ("content", text),
                ("weight", Literal[0, 1] | msgspec.UnsetType, msgspec.UNSET),
            ],
            forbid_unknown_fields=True,
            gc=False,
        )
        row = msgspec.defstruct(
            "Row", [("messages", types.GenericAlias(list, (message,)))], forbid_unknown_fields=True, gc=False
        )
        self._decode: Callable[[bytes | str], Any] = msgspec.json.Decoder(row).decode

    def passes(self, line: bytes | str) -> bool:
        """Say whether a line needs no explanation: it is plain, and plain rows break no rule of this target."""
        return self._open and self.plain(line)

    def plain(self, line: bytes | str) -> bool:
        """Say whether a line is a plain row, which no rule of the profile can refuse."""
        try:
            messages: list[Any] = self._decode(line).messages
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if not messages or messages[-1].role != "assistant":
            return False
        asked = taught = False
        for message in messages:
            if message.role == "assistant":
                taught = taught or message.weight != 0
            elif message.weight is not msgspec.UNSET:
                return False
            elif message.role == "user":
                asked = True
        return asked and taught

    def explain(self, line: bytes | str) -> Verdict:
        """Say everything that is wrong with a line."""
        try:
            row = orjson.loads(line)
        except ValueError:
            kind, cause, column = _why(line)
            rule = self.profile.rule(kind)
            return Verdict("none", breaches=((rule, Hit("", cause)),) if rule is not None else (), column=column)
        example = Example(row, self._roles)
        return Verdict(example.form, bool(images(example)), tuple(self._breaches(example)))

    def _breaches(self, example: Example) -> Iterator[tuple[Rule, Hit]]:
        for rule, judge in self._judges:
            for hit in judge(example, rule.params):
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
