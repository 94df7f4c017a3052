"""A rule: how one kind of personal data is found, as one small declarative entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Hit(NamedTuple):
    """A span of a text and its normalised value: spans of one type and one value get one number in a conversation."""

    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Rule:
    """One way to find one type.

    `pattern` is a regular expression for Rust's linear-time engine, without assertions (`\\b`, `^`, `$`): its matches
    come back as strings and are located again from left to right, which is exact only then. `check` sees the text and
    the bounds of one match, looks no further than a bounded piece around it, and gives the hits in it.

    The cheap test that comes first is one of two: `literals`, one of which every match contains (for keys and tokens: a
    match must also hold what `find.TOKEN_LIKE` asks for), or `hint`, a regular expression. Before a hint stands a
    `gate`, where several rules can share a cheaper one: it lets through every text that holds what the rule looks for.
    With `window` (a regular expression) hint and pattern look only at what it matches in the texts behind the gate: at
    the few characters around digits, not at the prose.
    With `context` (a regular expression) a rule looks only at rows of which some text matches it.
    """

    type: str
    pattern: str
    check: Callable[[str, int, int], Iterator[Hit]]
    literals: tuple[str, ...] = ()
    hint: str = ""
    gate: str = ""
    window: str = ""
    context: str = ""
