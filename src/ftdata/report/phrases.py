"""What the report says, in the reader's language: phrases from a table, numbers and shares as written there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from ftdata.errors import RecipeError
from ftdata.wording import nearest

LANGUAGES = ("en", "es", "pt-BR")
# Thousands, decimals, least digits to group, what stands before %: as in Unicode's CLDR for each language.
_MARKS = {"en": (",", ".", 4, ""), "es": (".", ",", 5, "\u00a0"), "pt-BR": (".", ",", 4, "")}


@dataclass(frozen=True)
class Words:
    """The phrases of one language, and how it writes numbers."""

    lang: str
    phrases: dict[str, str]

    def __call__(self, key: str, **filled: Any) -> str:
        """Give a phrase; numbers among what fills it are written as this language does."""
        told = {name: self.number(value) if _is_number(value) else value for name, value in filled.items()}
        return self.phrases[key].format(**told)

    def number(self, value: float | None, digits: int = 1) -> str:
        """Write a number; None is a dash, and a whole number has no decimals."""
        if value is None:
            return "–"
        thousands, point, least, _ = _MARKS[self.lang]
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"
        whole, dot, rest = text.partition(".")
        whole = whole.replace(",", thousands if len(whole.replace(",", "").lstrip("-")) >= least else "")
        return f"{whole}{point}{rest}" if dot else whole

    def share(self, value: float | None) -> str:
        """Write a share (0 to 1) in percent; what is above 0 is never written as 0."""
        if value is None:
            return "–"
        if 0 < value < 0.0005:
            return f"< {self.number(0.1)}{_MARKS[self.lang][3]}%"
        text = self.number(100 * value, 1)
        return f"{text.removesuffix(f'{_MARKS[self.lang][1]}0')}{_MARKS[self.lang][3]}%"

    def when(self, moment: str) -> str:
        """Write a moment of the record, to the minute, with its distance from UTC; what is none as it is."""
        try:
            told = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S%z")
        except ValueError:
            return moment
        return f"{told:%Y-%m-%d %H:%M} {'UTC' if not told.utcoffset() else told.strftime('UTC%z')}"

    def known(self, prefix: str, name: str) -> str:
        """Give the phrase of a name that the tool made up, such as a measure; the name itself where there is none."""
        return self.phrases.get(f"{prefix}{name}", name.replace("_", " "))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@cache
def words(lang: str = "en") -> Words:
    """Give the phrases of a language; raise `RecipeError` that lists those there are."""
    names = {name.lower(): name for name in LANGUAGES} | {"pt": "pt-BR"}
    name = names.get(lang.lower().replace("_", "-"))
    if name is None:
        near = nearest(lang, names)
        meant = f"; did you mean '{names[near]}'?" if near else ""
        raise RecipeError(f"--lang: '{lang}' is no language of the report{meant} (there are: {', '.join(LANGUAGES)})")
    table = tomllib.loads((resources.files(__package__) / "phrases.toml").read_text(encoding="utf-8"))
    return Words(name, table[name])
