"""The marked texts in `blocks/*.toml`: for each rule what it must find (`flag`) and must leave alone (`fine`).

An entry is an answer, or a list of texts, user and assistant in turn (`s: ` before a system message). `⟦x⟧*7` is x
seven times.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, Message

FOLDER = Path(__file__).with_name("blocks")
_TIMES = re.compile(r"⟦(.*?)⟧\*(\d+)", re.DOTALL)


def expand(text: str) -> str:
    return _TIMES.sub(lambda match: match[1] * int(match[2]), text)


def conversation(entry: str | list[str]) -> Conversation:
    texts = ["How do I change my plan?", entry] if isinstance(entry, str) else list(entry)
    messages = []
    if texts[0].startswith("s: "):
        messages.append(Message(role="system", content=expand(texts.pop(0)[3:])))
    for place, text in enumerate(texts):
        messages.append(Message(role=("user", "assistant")[place % 2], content=expand(text)))
    return Conversation(messages=tuple(messages))


def load(name: str) -> dict[str, list[str | list[str]]]:
    found: dict[str, list[str | list[str]]] = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return found


def batch(entries: list[str | list[str]]) -> Batch:
    (one,) = to_batches(map(conversation, entries))
    return one
