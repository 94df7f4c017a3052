"""Names of a conversation's people: who they are, by its columns, greetings and signatures; and where they stand.

Nobody is looked for in a list of first names: a name is one because the source says so (a column, a key, the `name` of
a message), or because of how it is used (`Hi Anna,`, `Att, Carlos Souza`, `me llamo …`). Whoever is known is then found
everywhere in the same conversation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from ftdata.transforms.pii import salutations
from ftdata.transforms.pii.disguise import DISGUISED, undisguise
from ftdata.transforms.pii.find import Found
from ftdata.transforms.pii.name_words import FIRMS, FOLLOWED, NOBODY, PARTICLES, TITLES, WORDS, fold, folded

_Rows = np.ndarray[Any, Any]
_WORD = re.compile(r"[^\W\d_]+")
_BESIDE = re.compile(
    r"\([^()]*\)|<[^<>]*>|\[[^\[\]]*\]|\S*@\S*| [-|/–] .*|,? (?:jr|sr|filho|neto|junior|júnior)\.?$", re.I
)
_LEAST = 3  # letters of a part that stands alone
_MOST = 6  # words of a name
_LONGEST = 80  # characters of what a column holds: longer it is a text
_SENTENCE = re.compile(r"[:\n?!]|(?:\w{4}|[\])])\.$|,.*,")


def _words_of(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split())


_HEAD = re.compile(r"(?:^|[.!?:\n…])[\s\"'“”«»(>*\-]*$")


@dataclass
class Person:
    """Somebody: the words of the name, folded; the key under which the name is numbered and hashed."""

    key: str
    words: list[str]

    @property
    def first(self) -> str:
        """The first word."""
        return self.words[0]


@dataclass
class People:
    """The people of one conversation."""

    persons: list[Person] = field(default_factory=list)
    by_word: dict[str, list[Person]] = field(default_factory=dict)

    def add(self, words: Sequence[str]) -> bool:
        """Add somebody, or words to somebody; say whether this is new."""
        own = [low for word in words if (low := fold(word)) not in PARTICLES]
        if not own:
            return False
        for person in self.persons:
            if set(own) <= set(person.words):
                return False
            if set(person.words) <= set(own) and (len(person.words) > 1 or person.first in (own[0], own[-1])):
                person.words = own
                break
        else:
            person = Person(" ".join(own), own)
            self.persons.append(person)
        for word in own:
            known = self.by_word.setdefault(word, [])
            if person not in known:
                known.append(person)
        return True


@lru_cache(65_536)
def parse(value: str) -> tuple[tuple[str, ...], ...]:
    """Give the names that a column or key holds, as lists of words; none if it is no person's.

    Cut off are what stands in brackets, addresses and titles; `Souza, Ana` is turned round. A single word must be
    capitalised; what names a firm, a role or nobody is no name, nor is anything with a digit in it.
    """
    found: list[tuple[str, ...]] = []
    value = value.strip()
    if len(value) > _LONGEST or _SENTENCE.search(value) or any(fold(word) in FIRMS for word in _WORD.findall(value)):
        return ()
    for piece in re.split(r"[;&]|,(?=[^,]*,)", value):
        plain = _BESIDE.sub(" ", piece).strip()
        last, comma, rest = plain.partition(",")
        if comma:
            plain = f"{rest.strip()} {last.strip()}"
        if any(char.isdigit() or char in "_@#/\\=:" for char in plain):
            continue
        words = [word for word in re.findall(r"[^\W\d_]+(?:['’`\-][^\W\d_]+)*", plain) if fold(word) not in TITLES]
        if person(words):
            found.append(tuple(part for word in words for part in _WORD.findall(word)))
    return tuple(found)


def person(words: Sequence[str]) -> bool:
    """Say whether some words can be somebody's name."""
    plain = [fold(word) for word in words]
    own = [word for word in plain if word not in PARTICLES]
    if not own or plain[-1] in PARTICLES or len(words) > _MOST or any(word in NOBODY or word in FIRMS for word in own):
        return False
    if len(own) == 1:
        word = words[plain.index(own[0])]
        return len(word) >= _LEAST and word[0].isupper() and not (word.isupper() and len(word) < 5)
    given = [word for word, folded in zip(words, plain, strict=True) if folded not in PARTICLES]
    capital = sum(word[0].isupper() for word in given)
    if capital != len(given) and (capital or len(given) > 3):
        return False  # a sentence
    return 2 <= max(map(len, own)) <= 25


class Names:
    """Finds the names of each conversation's people; keeps who was found, for the next look.

    `told` has by row what columns and the `name` of messages hold, in a fixed order; with `phrases` greetings,
    signatures and the like are read too; `model` gives the names that it finds in a text.
    """

    def __init__(
        self,
        told: dict[int, list[str]],
        phrases: bool = True,
        forms: bool = False,
        model: Callable[[Sequence[str]], list[list[str]]] | None = None,
    ) -> None:
        self._told = told
        self._phrases = phrases
        self._forms = forms
        self._model = model
        self._people: dict[int, People] = {}
        self._seen: pl.Series | None = None

    def find(self, texts: pl.Series, rows: _Rows, keys: Sequence[str | None] | None) -> dict[int, list[Found]]:
        """Find names by position of the text, in order of place, without overlaps; learns people as it goes.

        Called again, with the texts as they have become, it looks only at what was changed, and at the conversations
        in which it learns of somebody new.
        """
        fresh = np.arange(len(texts)) if self._seen is None else (texts != self._seen).arg_true().to_numpy()
        grown = self._learn(texts, rows, keys, fresh)
        self._seen = texts
        where = np.zeros(len(texts), dtype=bool)
        where[fresh] = True
        if grown:
            where |= np.isin(rows, list(grown))
        if not self._people:
            return {}
        where &= np.isin(rows, list(self._people))
        return self._mentions(texts, rows, np.flatnonzero(where))

    def _learn(self, texts: pl.Series, rows: _Rows, keys: Sequence[str | None] | None, fresh: _Rows) -> set[int]:
        """Learn who is named; give the rows that have somebody new."""
        told: list[tuple[int, Sequence[str]]] = []
        if self._seen is None:
            told += ((row, words) for row, values in self._told.items() for value in values for words in parse(value))
            if keys is not None:
                told += ((int(rows[at]), words) for at in salutations.under_keys(keys) for words in parse(texts[at]))
        some = texts if len(fresh) == len(texts) else texts.gather(fresh)
        if self._phrases:
            for at, names in salutations.found(some):
                row = int(rows[fresh[at]])
                told += ((row, _WORD.findall(" ".join(words))) for words in names if person(words))
        if self._model is not None and self._seen is None:
            where = texts.str.contains(salutations.CAPITAL).arg_true().to_list()
            for at, found in zip(where, self._model(texts.gather(where).to_list()), strict=True):
                told += ((int(rows[at]), words) for name in found for words in parse(name))
        return {row for row, words in told if self._people.setdefault(row, People()).add(words)}

    def _mentions(self, texts: pl.Series, rows: _Rows, where: _Rows) -> dict[int, list[Found]]:
        held = texts.gather(pl.Series(where, dtype=pl.UInt32))
        odd = held.str.contains(DISGUISED).arg_true()
        plain, shadows = undisguise(held, odd) if len(odd) else (held, {})
        found = {}
        held_and_low = zip(where.tolist(), plain.to_list(), folded(plain).to_list(), strict=True)
        for place, (at, text, low) in enumerate(held_and_low):
            if len(low) != len(text):
                low = fold(text)
            hits = [
                Found(start, end, "name", self._value(who, said))
                for start, end, who, said in mentions(text, low, self._people[int(rows[at])])
            ]
            if shadow := shadows.get(place):
                hits = [Found(*shadow.span(hit.start, hit.end), hit.type, hit.value) for hit in hits]
            if hits:
                found[at] = hits
        return found

    def _value(self, who: Person, said: list[str]) -> str:
        if not self._forms or len(said) > 1:
            return who.key
        return f"{who.key}\x1f{'first' if said[0] == who.first else 'last'}"


def mentions(text: str, low: str, people: People) -> Iterator[tuple[int, int, Person, list[str]]]:
    """Find where people are named: full name, first or last name, initials beside them; with the words said.

    `low` is the text folded. Words count whole, whatever their case and accents. A word that is also a common one
    (`will`, `rosa`) counts only with a capital, and at the head of a sentence only if what follows does not show it to
    be the word (`Will you`). In small letters one word counts only where somebody is spoken to or signs.
    """
    places = []
    for word in people.by_word:
        at = low.find(word)
        while at >= 0:
            end = at + len(word)
            if not (at and low[at - 1].isalpha()) and not low[end : end + 1].isalpha() and not _inside(text, at, end):
                places.append((at, end, word))
            at = low.find(word, end)
    done = 0
    for at, end, word in sorted(places):
        if at < done:
            continue
        who, stop, said = max((_run(text, low, at, end, one) for one in people.by_word[word]), key=_length)
        if len(said) > 1 or _alone(text, low, at, end, stop):
            yield at, stop, who, said
            done = stop


def _length(run: tuple[Person, int, list[str]]) -> int:
    return len(run[2])


_NEXT = re.compile(r"([ \u00a0]{1,2}|[-'’`]|\. ?)([^\W\d_]+)")


def _run(text: str, low: str, at: int, end: int, who: Person) -> tuple[Person, int, list[str]]:
    """Follow a name from its first word on: where it ends, and the words said of it."""
    said, stop = [low[at:end]], end
    for _ in range(2 * _MOST):
        more = _NEXT.match(low, end)
        if more is None or (more[1][:1] == "." and end - at > 2 and len(said[-1]) > 2):
            break
        word, end = more[2], more.end()
        if word in who.words:
            said.append(word)
            stop = end
        elif len(word) == 1 and text[end - 1].isupper() and any(own[0] == word for own in who.words):
            if text[end : end + 1] == ".":
                stop = end
        elif word not in PARTICLES:
            break
    return who, stop, said


def _inside(text: str, start: int, end: int) -> bool:
    """Say whether a word is a piece of something longer: of an identifier, a placeholder, a host, a file."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:].isdigit() or before[-1:] == "_" or after[:1].isdigit() or after[:1] == "_":
        return True
    if before[-1:] == "." and before[:1].isalnum() and len(before) > 1 and text[start].islower():
        return True
    return after[:1] == "." and after[1:].islower() and text[start].islower()


def _alone(text: str, low: str, at: int, end: int, stop: int) -> bool:
    word, plain = text[at:end], low[at:end]
    if len(plain) < _LEAST or plain in NOBODY:
        return False
    if word.islower():  # a firm's name in a column is made of words; who is spoken to is a person all the same
        return plain not in WORDS and _spoken_to(text, at, stop)
    if plain not in WORDS:
        return True
    more = _NEXT.match(low, stop)
    if more and more[1] == " " and more[2] in FOLLOWED:
        return _HEAD.search(text[max(0, at - 8) : at]) is None
    return True


_CALLED = _words_of(
    "hi hello hey dear thanks thx thank you cheers regards best oi olá hola obrigado obrigada valeu gracias merci "
    "danke "
    "hallo ciao bonjour name nome nombre is am im sou soy chamo llamo bin heisse heiße appelle chiamo sr sra mr mrs ms "
    "dona senhor senhora bom boa dia tarde noite morning afternoon evening"
)


_TOLD = re.compile(r"(?i)\b(?:nome|name|nombre|nom) (?:[ée]|eh|is|es|est|ist) $")


def _spoken_to(text: str, start: int, end: int) -> bool:
    """Say whether a word in small letters stands where a name does: behind a greeting, or alone on its line."""
    before, after = text[max(0, start - 24) : start], text[end : end + 4]
    head = before.rpartition("\n")[2].strip(" \t-–—*") if "\n" in before or start < 24 else "…"
    if not head and re.match(r"[ \t]*(?:[,.!]|\r?\n|$)", after):
        return True
    if _TOLD.search(before):
        return True
    called = re.search(r"([^\W\d_]+)['’m]{0,2},? $", before)
    return called is not None and fold(called[1]) in _CALLED


def told_by(values: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    """Gather what is told of people, by row, each value once."""
    told: dict[int, list[str]] = {}
    for row, value in values:
        mine = told.setdefault(row, [])
        if value not in mine:
            mine.append(value)
    return told
