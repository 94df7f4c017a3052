"""The styles in which a value is replaced: numbered placeholder, keyed hash, surrogate."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import polars as pl

from ftdata.errors import RecipeError
from ftdata.transforms.pii import surrogates
from ftdata.transforms.pii.find import Found
from ftdata.transforms.pii.rules import TYPES, label

Style = Literal["placeholder", "hash", "surrogate"]
STYLES: tuple[Style, ...] = ("placeholder", "hash", "surrogate")

KEY = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,63})")
LEAST = 16
"""Characters that a key must have: a shorter one can be tried out."""
HEX = 10
"""Hexadecimal digits of a token: among a million values of a type two share one with a chance of a third (2^40)."""

_LABELS = "|".join(label(type) for type in TYPES)
TOKEN = rf"\[(?:{_LABELS})_[0-9a-f]{{{HEX}}}\]"
_TOKEN = re.compile(rf"\[({_LABELS})_([0-9a-f]{{{HEX}}})\]")
_TYPES = {label(type): type for type in TYPES}
_TRIES = 50
_WORDS: dict[str, frozenset[str]] = {
    "en": frozenset("the and you your is for with have please thanks hi my".split()),
    "pt": frozenset("que não de para com você meu minha obrigado olá uma por".split()),
    "es": frozenset("que el los para con usted gracias hola una por mi es".split()),
    "de": frozenset("der die das und ich ist nicht mit bitte danke für ein".split()),
    "fr": frozenset("le les et vous pour avec merci bonjour est une mon je".split()),
    "it": frozenset("il che per con grazie ciao una sono mio non della è".split()),
}


def secret_of(key: str) -> bytes:
    """Give the key that an environment variable holds, as 32 bytes; raise `RecipeError` naming the variable if none."""
    named = KEY.fullmatch(key)
    variable = named[1] if named else ""
    value = os.environ.get(variable, "")
    if len(value) < LEAST:
        told = f"holds fewer than {LEAST} characters" if value else "is not set"
        raise RecipeError(
            f"pii: the environment variable {variable} {told}; set it to a random text of {LEAST} characters or more "
            "that you keep, such as the output of: openssl rand -hex 32"
        )
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()


def is_token(text: str) -> bool:
    """Say whether a text is a hash token."""
    return _TOKEN.fullmatch(text) is not None


class Styles:
    """The styles of the types, with the key and the seed that they need: how values are rendered and known again."""

    def __init__(self, of: Mapping[str, Style], key: bytes | None, seed: int) -> None:
        self._of = dict(of)
        self._key = key
        self._seed = seed
        self._fakes = frozenset(type for type, style in of.items() if style == "surrogate")
        self._hint = f"{TOKEN}|{surrogates.HINT}" if self._fakes else TOKEN

    def known(self, texts: pl.Series) -> dict[int, list[Found]]:
        """Find what an earlier run put in place: tokens, and surrogates of the types that have this style."""
        where = texts.str.contains(self._hint).arg_true().to_list()
        held = texts.gather(pl.Series(where, dtype=pl.UInt32)).to_list()
        found = {at: self._known(text) for at, text in zip(where, held, strict=True)}
        return {at: hits for at, hits in found.items() if hits}

    def _known(self, text: str) -> list[Found]:
        hits = [Found(*found.span(), _TYPES[found[1]], found.group()) for found in _TOKEN.finditer(text)]
        if self._fakes:
            hits += [Found(hit.start, hit.end, type, hit.value) for type, hit in surrogates.known(text, self._fakes)]
        return sorted(hits)

    def masked(self, text: str) -> str:
        """Give a text with what is known in it as placeholders."""
        pieces, at = list[str](), 0
        for hit in self._known(text):
            pieces += text[at : hit.start], f"[{label(hit.type)}_0]"
            at = hit.end
        return "".join([*pieces, text[at:]])

    def render(self, values: Sequence[tuple[str, str, str, str]], taken: set[str], around: str) -> list[str]:
        """Give what stands for the values of one conversation: type, value, how it was written, the words around it.

        Empty where a numbered placeholder stays: in that style, of a type without surrogates, or if no free one is
        left.
        """
        rendered, tongue, said = list[str](), "", set[str]()
        people: dict[str, str] = {}
        for place, (type, value, surface, skeleton) in enumerate(values):
            style = self._of.get(type, "placeholder")
            text = ""
            if style == "hash":
                text = self._token(type, value)
            elif style == "surrogate":
                if not tongue:
                    # A name that somebody has said already would be taken for theirs.
                    tongue, said = _tongue(around), set(re.findall(r"[^\W\d_]+", around.casefold()))
                text = self._surrogate(type, value, surface, f"{place} {skeleton}", taken | said, tongue, people)
            taken.add(text.casefold())
            rendered.append(text)
        return rendered

    def _token(self, type: str, value: str) -> str:
        assert self._key is not None
        digest = hashlib.blake2b(
            f"{type}\0{value}".encode("utf-8", "surrogatepass"), key=self._key, digest_size=HEX // 2
        )
        return f"[{label(type)}_{digest.hexdigest()}]"

    def _surrogate(
        self, type: str, value: str, surface: str, place: str, taken: set[str], tongue: str, people: dict[str, str]
    ) -> str:
        known = {name.casefold() for name in taken}
        if type == "name":
            whole, _, form = value.partition("\x1f")
            if whole not in people:
                people[whole] = self._free(lambda draw: surrogates.person(draw, tongue), type, place, known)
            first, _, last = people[whole].partition(" ")
            return {"first": first, "last": last}.get(form, people[whole])
        make = surrogates.MAKERS.get(type)
        return self._free(lambda draw: make(surface, value, draw, tongue), type, place, known) if make else ""

    def _free(self, make: Callable[[surrogates.Draw], str], type: str, place: str, known: set[str]) -> str:
        """Draw until what comes is new in the conversation, and known again as a surrogate of its type."""
        for again in range(_TRIES):
            text = make(surrogates.Draw(self._seed, type, place, again))
            hits = list(surrogates.known(text, self._fakes))
            whole = len(hits) == 1 and hits[0][0] == type and hits[0][1].end - hits[0][1].start == len(text)
            if whole and text.casefold() not in known and not (type == "name" and set(text.casefold().split()) & known):
                return text
        return ""


def _tongue(text: str) -> str:
    """Guess the language of a conversation by its small words, for names that fit; English if nothing tells."""
    words = set(re.findall(r"[^\W\d_]+", text[:4000].casefold()))
    return max(_WORDS, key=lambda code: (len(_WORDS[code] & words), code == "en"))
