"""One training row as the rules of a target profile see it.

A predicate (`on_messages.py`, `on_tools.py`, `on_images.py`, `on_order.py`) gets an `Example` (a parsed JSON row, cut
into its sequences of messages) and the parameters that the profile gives, and yields a hit for each breach: the path
inside the row and the cause. Paths and causes never hold a value of the row; a key of the row is shown only if it looks
like a name. Predicates do not overlap: a value that one refuses is passed over by those that would look inside it, so
that each mistake has one code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

Form = Literal["sft", "dpo", "rft", "legacy", "none"]
Params = Mapping[str, Any]


class Hit(NamedTuple):
    """One breach: where in the row (`messages[2].weight`, empty for the row itself) and what is wrong there."""

    path: str
    cause: str


class Turn(NamedTuple):
    """A message that is a JSON object; `role` is null if it is no known role.

    `answers`: whether its `tool_call_id` is the id of a call that the assistant made earlier in the conversation.
    """

    path: str
    message: dict[str, Any]
    role: str | None
    answers: bool


BLANK = " \t\r\n"
"""What counts as blank in a text, here and in the gates: an ASCII set, because engines differ on the rest."""

PREFERRED = ("preferred_output", "preferred_completion")
REJECTED = ("non_preferred_output", "non_preferred_completion")
_ROW_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


def key_path(parent: str, key: str) -> str:
    """Join a key to a path; a key that does not look like a name is not shown."""
    shown = key if _NAME.fullmatch(key) else "*"
    return f"{parent}.{shown}" if parent else shown


def kind_of(value: Any) -> str:
    """Name the JSON type of a value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a number with a fraction"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def items_of(value: Any) -> list[Any]:
    """Give the items of a value that should be an array; none if it is something else."""
    return value if isinstance(value, list) else []


def calls(message: Mapping[str, Any]) -> bool:
    """Say whether a message calls a tool or a function."""
    return bool(message.get("tool_calls")) or message.get("function_call") is not None


def list_fault(holder: Mapping[str, Any], key: str) -> str | None:
    """Say what is wrong with a key that must hold an array with at least one element; None if nothing."""
    if key not in holder:
        return f"the key {key} is missing"
    if not isinstance(holder[key], list):
        return f"{key} is {kind_of(holder[key])}, not an array"
    return None if holder[key] else f"{key} is empty"


class Example:
    """One training row, cut into what the predicates look at; built once per row.

    The form is read off the keys: a preference row has one of the preference keys, or an `input` object and no
    `messages`; a reinforcement row, for a target that is `graded`, has grader fields beside `messages` and does not end
    with the assistant; everything else with `messages` is supervised.
    """

    def __init__(self, row: Any, roles: frozenset[str], graded: bool = True) -> None:
        self.row: dict[str, Any] = row if isinstance(row, dict) else {}
        self.found = row
        self.roles = roles
        self.form: Form = self._form(row, graded)
        self.sequences: list[tuple[str, list[Any]]] = []
        self.turns: list[Turn] = []
        self.holder, self.at = self.row, ""  # the object that carries `tools`: the row, or `input` of a preference row
        if self.form == "dpo":
            given = self.row.get("input")
            self.holder, self.at = (given if isinstance(given, dict) else {}), "input"
            made = self._walk("input.messages", self.holder.get("messages"), frozenset())
            for names in (PREFERRED, REJECTED):
                name = self.side(names)
                if name is not None:
                    self._walk(name, self.row[name], made)
        elif self.form in ("sft", "rft"):
            self._walk("messages", self.row.get("messages"), frozenset())

    @staticmethod
    def _form(row: Any, graded: bool) -> Form:
        if not isinstance(row, dict):
            return "none"
        if any(name in row for name in PREFERRED + REJECTED):
            return "dpo"
        if "messages" not in row:
            if isinstance(row.get("input"), dict):
                return "dpo"
            return "legacy" if "prompt" in row and "completion" in row else "sft"
        turns = row["messages"]
        if graded and isinstance(turns, list) and turns and isinstance(turns[-1], dict) and row.keys() - _ROW_KEYS:
            return "sft" if turns[-1].get("role") == "assistant" else "rft"
        return "sft"

    def side(self, names: tuple[str, ...]) -> str | None:
        """Give the key under which one side of a preference row stands."""
        return next((name for name in names if name in self.row), None)

    def _walk(self, path: str, messages: Any, calls: frozenset[str]) -> frozenset[str]:
        if not isinstance(messages, list):
            return calls
        self.sequences.append((path, messages))
        made = set(calls)
        for i, message in enumerate(messages):
            if not isinstance(message, dict):
                continue
            role = message.get("role")
            known = role if isinstance(role, str) and role in self.roles else None
            asked = message.get("tool_call_id")
            self.turns.append(Turn(f"{path}[{i}]", message, known, isinstance(asked, str) and asked in made))
            if known == "assistant":
                ids = [call.get("id") for call in items_of(message.get("tool_calls")) if isinstance(call, dict)]
                made.update(id_ for id_ in ids if isinstance(id_, str))
        return frozenset(made)

    def sound(self, messages: list[Any]) -> bool:
        """Say whether every message is an object with a known role: only then is its order worth judging."""
        return all(isinstance(m, dict) and isinstance(m.get("role"), str) and m["role"] in self.roles for m in messages)

    def parts(self) -> Iterator[tuple[Turn, str, dict[str, Any]]]:
        """Give every content part that is an object with a type: its turn, its path and itself."""
        for turn in self.turns:
            content = turn.message.get("content")
            if isinstance(content, list):
                for i, part in enumerate(content):
                    if isinstance(part, dict) and isinstance(part.get("type"), str):
                        yield turn, f"{turn.path}.content[{i}]", part
