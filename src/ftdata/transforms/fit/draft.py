"""A row while it is fitted: the training row in OpenAI's layout as parsed JSON, and what is kept beside it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ftdata.targets.example import calls

Params = Mapping[str, Any]
"""The parameters of the rule that a fix cures; empty where it sheds what the layout cannot carry."""

Turn = dict[str, Any]
Talk = list[Turn]

Cost = Literal["free", "changed", "lost"]
"""What a fix costs: nothing; the form of something whose every word stays; or something of the row for good."""

GAP = "\n\n"
"""What stands between two texts that become one: a blank line."""
ASIDE = "fit"
"""The meta key under which is kept what the dialect has no place for: `row` (keys of the row), `turns` (of turns)."""

PREFERRED, REJECTED = "preferred_output", "non_preferred_output"


@dataclass
class Draft:
    """One row: `row` as its JSON would be written for OpenAI, `aside` what was taken out and is kept in its meta."""

    row: dict[str, Any]
    aside: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> Draft:
        """Give a copy to try a fix on."""
        return Draft(copy.deepcopy(self.row), copy.deepcopy(self.aside))

    @property
    def pair(self) -> bool:
        """Whether the row is a preference row."""
        return "messages" not in self.row and (PREFERRED in self.row or REJECTED in self.row)

    @property
    def holder(self) -> dict[str, Any]:
        """The object that holds `messages` and `tools`: the row, or `input` of a preference row."""
        given = self.row.get("input")
        return given if self.pair and isinstance(given, dict) else self.row

    @property
    def talk(self) -> Talk:
        """The conversation, up to the answers that are compared; a list of its own where it cannot be edited."""
        found = self.holder.get("messages")
        return found if isinstance(found, list) and all(isinstance(turn, dict) for turn in found) else []

    @property
    def taught(self) -> bool:
        """Whether the answer is part of the conversation: supervised rows, whose order can be judged as a whole."""
        return not self.pair and any(turn.get("role") == "assistant" for turn in self.talk)

    def turns(self) -> Iterator[tuple[str, Turn]]:
        """Give every turn that is an object, with a name for its place: `0`, `1` …, `preferred.0`, `rejected.0`."""
        sides = ((PREFERRED, "preferred."), (REJECTED, "rejected.")) if self.pair else ()
        for found, prefix in ((self.holder.get("messages"), ""), *((self.row.get(key), name) for key, name in sides)):
            for at, turn in enumerate(found if isinstance(found, list) else ()):
                if isinstance(turn, dict):
                    yield f"{prefix}{at}", turn

    def keep(self, shelf: str, values: Mapping[str, Any]) -> None:
        """Keep values beside the row; one that is there already stays."""
        held = self.aside.setdefault(shelf, {})
        for key, value in values.items():
            held.setdefault(key, value)


def texts(turn: Turn) -> list[str]:
    """Give the texts of a turn, one for each text part."""
    content = turn.get("content")
    if isinstance(content, str):
        return [content]
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return [part["text"] for part in parts if part.get("type") == "text" and isinstance(part.get("text"), str)]


def blank(turn: Turn) -> bool:
    """Say whether a turn holds nothing: no text but blanks, no part of another kind, no call, no refusal."""
    content = turn.get("content")
    if calls(turn) or turn.get("refusal") or turn.get("audio"):
        return False
    if isinstance(content, list):
        return all(
            isinstance(part, dict) and part.get("type") == "text" and not str(part.get("text") or "").strip()
            for part in content
        )
    return content is None or (isinstance(content, str) and not content.strip())


def joined(one: Any, two: Any) -> Any:
    """Join two contents by a blank line: strings to a string; where one has parts, to parts."""
    if one in (None, "") or two in (None, ""):
        return two if one in (None, "") else one
    if isinstance(one, str) and isinstance(two, str):
        return one + GAP + two
    return [part for content in (one, two) for part in (_parts(content))]


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]
