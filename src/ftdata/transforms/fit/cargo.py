"""What a row carries that not every layout has a place for, in the words of `ftdata.writers.cargo.CARGO`.

This tells a fix what to try; whether a layout holds the row in the end, only its writer says.
"""

from __future__ import annotations

from typing import Any

from ftdata.batch import Rows, dumps
from ftdata.readers.openai_chat import parse_line
from ftdata.transforms.fit.content import MESSAGE, ROW
from ftdata.transforms.fit.draft import PREFERRED, REJECTED, Draft, Turn
from ftdata.writers import cargo as of_writers
from ftdata.writers.cargo import is_inline

_TOOLING = frozenset({"odd-call", "call-order", "odd-tool", "tool-text", "name"})
"""Words about how calls and their answers must stand, of which only the writers know when they hold."""


def cargo(draft: Draft, asked: frozenset[str]) -> frozenset[str]:
    """Say which of the words that are asked for hold for a row."""
    found = {"preference"} if draft.pair else {"single-answer"}
    holder = draft.holder
    for key, word in (
        ("tools", "tools"),
        ("functions", "function-call"),
        ("parallel_tool_calls", "parallel-tool-calls"),
    ):
        if holder.get(key) is not None:
            found.add(word)
    own = ROW | {"input", PREFERRED, REJECTED} if draft.pair else ROW
    if draft.row.keys() - own or (holder is not draft.row and holder.keys() - ROW):
        found.add("row-extra")
    for _, turn in draft.turns():
        found |= _of_turn(turn)
    for at, turn in enumerate(draft.talk):
        if turn.get("role") == "system":
            found.add("later-system" if at else "system")
    roles = [turn.get("role") for turn in draft.talk]
    if draft.pair and any(len(draft.row.get(key) or ()) > 1 for key in (PREFERRED, REJECTED)):
        found.add("many-answers")
    if not draft.pair and roles.count("assistant") > 1:
        found.add("many-answers")
    if not draft.pair and roles[roles[:1] == ["system"] :] != ["user", "assistant"]:
        found.add("talk")
    if asked & _TOOLING and found & {"tools", "tool-turns"}:
        found |= _as_written(draft, asked & _TOOLING)
    return frozenset(found) & asked


def _as_written(draft: Draft, words: frozenset[str]) -> set[str]:
    """Ask the writers."""
    rows, row = Rows(), parse_line(dumps(draft.row).encode())
    rows.add((), row.messages, rejected=row.rejected, answer_at=row.answer_at, tools=row.tools, extra=row.extra)
    return set(of_writers.cargo(rows.batch(), words))


def _of_turn(turn: Turn) -> set[str]:
    found = set[str]()
    role, content = turn.get("role"), turn.get("content")
    if turn.get("name") is not None and role != "tool":
        found.add("name")
    if turn.get("weight") is not None and not (role == "assistant" and turn["weight"] == 1):
        found.add("weight")
    if role == "developer":
        found.add("developer")
    if role == "tool" or turn.get("tool_calls") or turn.get("tool_call_id") is not None:
        found.add("tool-turns")
    if turn.get("function_call") is not None or role == "function":
        found.add("function-call")
    if content is None and not turn.get("tool_calls"):
        found.add("null-content")
    if turn.get("refusal") is not None:
        found.add("refusal")
    if turn.keys() - MESSAGE:
        found.add("message-extra")
    return found | (_of_parts(content) if isinstance(content, list) else set())


def _of_parts(content: list[Any]) -> set[str]:
    found = set[str]()
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "image_url":
            found.add("images")
            holder = part.get("image_url")
            url = holder.get("url") if isinstance(holder, dict) else None
            if not isinstance(url, str) or not is_inline(url):
                found.add("image-links")
            if part.keys() != {"type", "image_url"} or not isinstance(holder, dict) or holder.keys() != {"url"}:
                found.add("odd-parts")
        elif kind == "refusal":
            found.add("refusal")
        elif kind != "text" or part.keys() != {"type", "text"}:
            found.add("odd-parts")
    return found if "images" in found else found | {"parts"}
