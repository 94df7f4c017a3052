"""The phrases of `phrases.toml`, folded and ready to compare with."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_COMBINING = re.compile("[\u0300-\u036f]")
_KNOWN = 1 << 16  # beginnings of lines that are remembered
_MARKS = "*_—– \t"
_CLOSE = " :,.;!*"  # what may follow a phrase of one or two letters
_PROMPTS = (
    "please reply",
    "reply above",
    "please type",
    "type your",
    "responda",
    "escriba",
    "digite",
    "bitte antworten",
)


def fold(text: str) -> str:
    """Give a text in lower case, without accents, `ß` as `ss`, with straight apostrophes and plain spaces."""
    if text.isascii():
        return text.lower()
    folded = _COMBINING.sub("", unicodedata.normalize("NFKD", text)).lower()  # NFKD makes a space of U+00A0
    return folded.replace("ß", "ss").replace("’", "'")


class Gate(dict[str, bool]):
    """Say by the first `size` characters of a line whether it is worth a look: a phrase may begin so, or a mark."""

    def __init__(self, phrases: Iterable[str], marks: str, size: int = 3) -> None:
        super().__init__()
        self._marks, self._size = marks, size
        self._beginnings = {phrase[:size] for phrase in phrases}
        short = {phrase for phrase in phrases if len(phrase) < size}
        self._short = tuple(phrase + close for phrase in short for close in _CLOSE)

    def __missing__(self, key: str) -> bool:
        if len(self) >= _KNOWN:
            self.clear()
        known = False
        if key:
            folded = fold(key)
            known = key[0] in self._marks or key[:2] == "--" or folded in self._beginnings
            known = known or folded.startswith(self._short)
        self[key] = known
        return known


@dataclass(frozen=True)
class Phrases:
    """The phrases of all languages together: a mail in one language is often answered in a program of another.

    `verb` finds a verb of `wrote`, `verbs` are their last words, `verb_colon` finds one with its colon as it stands in
    a text; `longer` are the phrases that only begin a line. `above` and, more closely, `heads` say which lines may be
    markers, `below` and `ends` which may end a mail.
    """

    on: tuple[str, ...]
    verb: re.Pattern[str]
    verbs: frozenset[str]
    verb_colon: re.Pattern[str]
    labels: dict[str, str]
    original: frozenset[str]
    forwarded: frozenset[str]
    reply: re.Pattern[str]
    device: tuple[str, ...]
    devices: tuple[str, ...]
    closing: frozenset[str]
    thanks: frozenset[str]
    notice: tuple[str, ...]
    about: tuple[str, ...]
    longer: tuple[str, ...]
    stems: tuple[str, ...]
    above: Gate
    heads: Gate
    below: Gate
    ends: Gate


@cache
def phrases() -> Phrases:
    """Load the phrases, once per process."""
    tables: dict[str, dict[str, list[str]]] = tomllib.loads(
        files("ftdata.readers.mail_body").joinpath("phrases.toml").read_text("utf-8")
    )
    stems = tables.pop("stems")

    def every(*names: str) -> list[str]:
        return list(
            dict.fromkeys(fold(phrase) for table in tables.values() for name in names for phrase in table[name])
        )

    labels: dict[str, str] = {}
    for kind in ("cc", "to", "sent", "subject", "from"):  # the last wins: `de` begins a block, wherever else it stands
        labels.update(dict.fromkeys(every(kind), kind))
    verbs = "|".join(re.escape(verb) for verb in sorted(every("wrote"), key=len, reverse=True))
    heading = [*labels, *every("forwarded"), *_PROMPTS]
    ending = every("device", "closing", "thanks", "notice", "about")
    raw = "|".join(re.escape(verb) for table in tables.values() for verb in table["wrote"]) + "|escribió|a écrit"
    return Phrases(
        on=tuple(f"{word}{close}" for word in every("on") for close in (" ", "., ")),
        verb=re.compile(rf"(?:^|(?<=[ >]))(?:{verbs})(?=[ (]|$)"),
        verbs=frozenset(verb.split()[-1] for verb in every("wrote")),
        verb_colon=re.compile(rf"(?:{raw})\s?:"),
        labels=labels,
        original=frozenset(every("original")),
        forwarded=frozenset(every("forwarded")),
        reply=re.compile("|".join(map(re.escape, every("reply")))),
        device=tuple(every("device")),
        devices=tuple(stems["devices"]),
        closing=frozenset(every("closing")),
        thanks=frozenset(every("thanks")),
        notice=tuple(every("notice")),
        about=tuple(every("about")),
        longer=tuple(every("notice", "about", "device")),
        stems=tuple(dict.fromkeys(stems["words"])),
        above=Gate(heading, f">#=|―{_MARKS}"),
        heads=Gate(heading, f">#=|―{_MARKS}", 7),
        below=Gate(ending, _MARKS),
        ends=Gate(ending, _MARKS, 7),
    )
