"""Phrases and how they are compared: without case, accents and punctuation. The lists stand in `phrases/*.toml`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_APOSTROPHE = re.compile(r"(?<=\w)['’ʼ`´](?=\w)")
_COMBINING = re.compile("[\u0300-\u036f]")
_BETWEEN = re.compile(r"[\W_]+")
_LANGUAGES = ("en", "pt", "es", "de", "fr", "it")
_PIECE = 12  # words of a courtesy at most


def fold(text: str) -> str:
    """Give the words of a text: lower case, no accents, apostrophes dropped, one space between them."""
    text = _APOSTROPHE.sub("", text)
    if not text.isascii():
        text = _COMBINING.sub("", unicodedata.normalize("NFKD", text)).replace("ß", "ss")
    return _BETWEEN.sub(" ", text.lower()).strip()


@cache
def phrases(name: str) -> dict[str, Any]:
    """Load the phrases of a rule, once per process."""
    found: dict[str, Any] = tomllib.loads(
        files("ftdata.transforms.quality").joinpath("phrases", f"{name}.toml").read_text("utf-8")
    )
    return found


@dataclass(frozen=True)
class Matcher:
    """The phrases of one list as one pattern over folded words."""

    pattern: re.Pattern[str]

    def anywhere(self, words: str) -> bool:
        """Say whether a phrase stands anywhere in the words."""
        return self.pattern.search(words) is not None

    def end(self, words: str) -> int | None:
        """Say where a phrase ends that the words begin with; None: they begin with none."""
        found = self.pattern.match(words)
        return None if found is None else found.end()


@cache
def matcher(name: str, key: str) -> Matcher:
    """Compile a list of phrases: `(a|b)` is a choice, `~n` up to n words, `{word}` stands for a list of its own."""
    table = phrases(name)
    listed: Sequence[str] = table.get("lists", table)[key]
    compiled = []
    for phrase in listed:
        for word, meaning in table.get("words", {}).items():
            phrase = phrase.replace(f"{{{word}}}", meaning)
        phrase = re.sub(r"~(\d+) ?", lambda n: rf"(?:\\w+ ?){{0,{n[1]}}}".replace("\\\\", "\\"), phrase)
        compiled.append(re.sub(r"\((?!\?)", "(?:", phrase))
    return Matcher(re.compile("|".join(rf"(?:(?<!\w){phrase}(?!\w))" for phrase in compiled)))


class Courtesies:
    """Texts that say nothing but courtesies: thanks, greetings, "you're welcome", "ok"."""

    def __init__(self) -> None:
        table = phrases("courtesy")
        listed = {fold(phrase) for language in _LANGUAGES for phrase in table[language]}
        self._joins = {tuple(fold(phrase).split()) for phrase in table["joins"]}
        self._known = {tuple(phrase.split()) for phrase in listed} | self._joins
        self._first: dict[str, tuple[int, ...]] = {}
        for words in self._known:
            self._first[words[0]] = tuple(sorted({len(words), *self._first.get(words[0], ())}))
        self._thanks = re.compile(r"(?<!\w)(?:" + "|".join(table["thanks"]) + ")")
        self._asked = re.compile("|".join(re.escape(word) for word in table["asked"]))

    def wholly(self, words: str) -> bool:
        """Say whether the words (folded) fall into courtesies, with nothing left over."""
        given = words.split()
        return 0 < len(given) <= 4 * _PIECE and self._reach(given, 0)

    def without(self, words: str) -> str:
        """Give what stays of the words (folded) without the courtesies at their beginning and end."""
        given = words.split()
        while given and (size := self._piece(given)):
            given = given[size:]
        while given and (size := max((n for n in range(1, _PIECE + 1) if tuple(given[-n:]) in self._known), default=0)):
            given = given[:-size]
        return " ".join(given)

    def _piece(self, given: list[str]) -> int:
        """Give the words of the longest courtesy that others begin with; 0 for none."""
        sizes = (size for size in self._first.get(given[0], ()) if tuple(given[:size]) in self._known)
        return max(sizes, default=0)

    def rest(self, words: str, start: int) -> bool:
        """Say whether nothing but courtesies, or nothing at all, follows from a place on."""
        given = words[start:].split()
        return not given or (len(given) <= 4 * _PIECE and self._reach(given, 0, alone=True))

    def thanks(self, words: str) -> bool:
        """Say whether a courtesy thanks, agrees or takes leave, rather than greets."""
        return self._thanks.search(words) is not None

    def asked_for(self, others: str) -> bool:
        """Say whether the other messages may ask for such words as an answer ("How do I say thanks?")."""
        return self._asked.search(fold(others)) is not None

    def _reach(self, given: list[str], start: int, alone: bool = False) -> bool:
        reached, full = {start}, set[int]()  # where pieces end; where one of them is more than a join
        for at in range(start, len(given)):
            if at in reached:
                for size in self._first.get(given[at], ()):
                    piece = tuple(given[at : at + size])
                    if piece in self._known:
                        reached.add(at + size)
                        if at in full or piece not in self._joins:
                            full.add(at + size)
        return len(given) in (reached if alone else full)


@cache
def courtesies() -> Courtesies:
    """Load the courtesies, once per process."""
    return Courtesies()
