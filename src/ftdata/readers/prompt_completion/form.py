"""The form of an old file: what the manifest keeps of it, and the way from a chat row back to the record.

The reader proves with this very code, record by record, that the way back gives the bytes that it read; what a row has
of its own stands in its meta (`legacy`).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec

from ftdata.readers.prompt_completion import styles
from ftdata.readers.prompt_completion.styles import JsonStyle, Style

PROMPT, COMPLETION = "prompt", "completion"
KEY = "legacy"
"""Meta key of what a row has of its own; `legacy_` where the source has a key of that name."""

Turns = Sequence[tuple[str, str]]
Own = Mapping[str, Any]

_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
opened = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
"""Opens a JSON object one level deep: its values stay the text they are."""


@dataclass
class Form:
    """How the records of one file are written, and what was taken off their texts.

    `head` stands before the first record, `between` before each other one, `tail` after the last. `prompt` and
    `completion`: what the value is (`text`; `json`: a number or boolean; `empty` or `null`: a prompt that is not
    there). `prefix`: the white space between a prefix that became the system message and the rest of the prompt.
    `headers`: for prompts split into turns, what stands before a turn, by the roles before and after it (`user>`).
    """

    layout: str = "jsonl"
    encoding: str = "utf-8"
    bom: bool = False
    size: int = 0
    sha256: str = ""
    head: str = ""
    between: str = "\n"
    tail: str = ""
    keys: tuple[str, ...] = (PROMPT, COMPLETION)
    style: Style = JsonStyle()  # noqa: RUF009 - frozen
    separator: str = ""
    space: bool = False
    stop: str = ""
    prompt: str = "text"
    completion: str = "text"
    prefix: str | None = None
    split: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    key: str = KEY

    def dump(self) -> dict[str, Any]:
        """Give the form as the manifest keeps it."""
        return {**self.__dict__, "keys": list(self.keys), "style": self.style.dump(), "headers": dict(self.headers)}

    @classmethod
    def load(cls, given: Mapping[str, Any]) -> Form:
        """Read what `dump` gave; other keys are counts."""
        known = {name: given[name] for name in cls.__dataclass_fields__ if name in given}
        return cls(**{**known, "keys": tuple(given["keys"]), "style": styles.load(given["style"])})

    def encoded(self, text: str) -> bytes:
        """Encode a piece of the file."""
        return text.encode(self.encoding)

    @property
    def mark(self) -> bytes:
        """The byte order mark."""
        return _MARKS.get(self.encoding, b"") if self.bom else b""

    # --- from a chat row back -----------------------------------------------------------------------------------------

    def back(self, turns: Turns, meta: str | None) -> Iterator[tuple[str | None, str]]:
        """Give the records of a chat row: for each what stands before it (None: what stands between any two), its text.

        `meta` is the row's own, as JSON text. Raises `ValueError` if the row cannot be one of this file.
        """
        given = opened(meta) if meta else {}
        own: dict[str, Any] = json.loads(bytes(given.pop(self.key, b"{}")))
        if "merged" not in own:
            yield own.get("before"), self.record(turns, own, given)
            return
        for part, prompt, completion in self.parted(turns, own["merged"]):
            extra = opened(part["extra"]) if "extra" in part else given
            yield part.get("before"), self.written(prompt, completion, part, extra)

    def parted(self, turns: Turns, merged: Iterable[Own]) -> Iterator[tuple[Own, str, str]]:
        """Part a conversation that grew from record to record: what each record has of its own, and its two texts."""
        at, joined = 0, ""
        for own in merged:
            end = at + int(own.get("turns", 1))
            prompt, answer = joined + self.bare(turns[at:end], own), turns[end][1]
            yield own, prompt + own.get("separator", self.separator), self.completed(answer, own)
            joined = self.joined(prompt, answer, own)
            at = end + 1

    def record(self, turns: Turns, own: Own, extra: Mapping[str, Any]) -> str:
        """Write the record of a row that owns one."""
        if "verbatim" in own:
            return str(own["verbatim"])
        prompt = self.bare(turns[:-1], own) + str(own.get("separator", self.separator))
        return self.written(prompt, self.completed(turns[-1][1], own), own, extra)

    def bare(self, turns: Turns, own: Own) -> str:
        """Put the turns of a prompt together again."""
        if own.get(PROMPT, self.prompt) in ("empty", "null"):
            return ""
        lead = ""
        if self.prefix is not None and own.get("prefix", True):
            lead, turns = turns[0][1] + self.prefix, turns[1:]
        if not own.get("split", self.split):
            return lead + turns[0][1]
        headers: list[str] = own.get("headers") or [self.headers[name] for name in headings(turns)]
        return lead + "".join(h + text for h, (_, text) in zip(headers, turns, strict=False)) + headers[len(turns)]

    def completed(self, answer: str, own: Own) -> str:
        """Give a completion its marks back."""
        if own.get(COMPLETION, self.completion) != "text":
            return answer
        lead = " " if own.get("space", self.space) else ""
        return lead + answer + str(own.get("stop", self.stop))

    def joined(self, prompt: str, answer: str, own: Own) -> str:
        """Give the beginning of the next prompt of a conversation that grows from record to record."""
        how = own.get("joined", "text")
        if how == "whole":
            prompt += str(own.get("separator", self.separator))
        return prompt + self.completed(answer, {**own, "stop": ""} if how == "text" else own)

    def written(self, prompt: str, completion: str, own: Own, extra: Mapping[str, Any]) -> str:
        """Write a record of its two texts and its other values (JSON text)."""
        if "verbatim" in own:
            return str(own["verbatim"])
        keys = tuple(own.get("keys", self.keys))
        style = styles.load(own["style"]) if "style" in own else self.style
        first, second = places(keys)
        kind = own.get(PROMPT, self.prompt)
        values: list[str | bytes] = []
        for at, key in enumerate(keys):
            if at == first:
                values.append(b"null" if kind == "null" else prompt.encode() if kind == "json" else prompt)
            elif at == second:
                values.append(completion if own.get(COMPLETION, self.completion) == "text" else completion.encode())
            else:
                text = bytes(extra[key])
                values.append(json.loads(text) if text[:1] == b'"' else text)
        return style.render(keys, values)


def headings(turns: Turns) -> list[str]:
    """Name what stands before each turn of a prompt, and after the last, by the roles on both sides."""
    return [f"{before}>{after}" for before, after in pairwise(["", *(role for role, _ in turns), ""])]


@lru_cache(1024)
def places(keys: tuple[str, ...]) -> tuple[int, int]:
    """Find the columns of prompt and completion, in any case; the exact name goes before others. -1: it is not there.

    >>> places(("Completion", "PROMPT", "id"))
    (1, 0)
    """
    folded = [key.strip().casefold() for key in keys]
    first, second = (
        keys.index(name) if name in keys else folded.index(name) if name in folded else -1
        for name in (PROMPT, COMPLETION)
    )
    return first, second
