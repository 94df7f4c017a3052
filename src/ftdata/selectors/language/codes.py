"""Codes of languages (ISO 639-1), variants (`pt-BR`) and scripts (ISO 15924), and what people write instead."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import NamedTuple

import polars as pl

from ftdata.selectors.language.scripts import SCRIPTS
from ftdata.selectors.language.variants import VARIANTS

# Code, then what is taken for it: ISO 639-2 and 639-3, the English name and the language's own, countries, old codes.
_TABLE = """
af afr afrikaans
am amh amharic et-am
ar ara arabic عربي العربية
az aze azerbaijani
be bel belarusian by
bg bul bulgarian
bn ben bengali bangla
ca cat catalan català
cs ces cze czech cz
cy cym wel welsh
da dan danish dk
de deu ger german deutsch at ch
el ell gre greek gr
en eng english us gb usa
eo epo esperanto
es spa spanish español espanol castellano mx
et est estonian ee
eu eus baq basque
fa fas per persian farsi ir
fi fin finnish
fr fra fre french français francais
ga gle irish gaeilge
gu guj gujarati
he heb hebrew iw il
hi hin hindi
hr hrv croatian bosnian bs sh
hu hun hungarian
hy hye arm armenian
id ind indonesian in
is isl ice icelandic
it ita italian italiano
ja jpn japanese jp
ka kat geo georgian
kk kaz kazakh kz
kn kan kannada
ko kor korean kr
ku kur kurdish ckb
la lat latina
lg lug ganda luganda
lo lao
lt lit lithuanian
lv lav latvian
mi mri mao maori
mk mkd mac macedonian
ml mal malayalam
mn mon mongolian
mr mar marathi
ms msa may malay zsm my
ne nep nepali np
nl nld dut dutch flemish
no nor norwegian nb nn nob nno
or ori oriya odia
pa pan punjabi
pl pol polish polski
pt por portuguese português portugues
ro ron rum romanian mo
ru rus russian
sk slk slo slovak
sl slv slovene slovenian si
sn sna shona
so som somali
sq sqi alb albanian al
sr srp serbian rs
st sot sotho sesotho
sv swe swedish svenska se
sw swa swahili
ta tam tamil
te tel telugu
th tha thai
tl tgl tagalog fil filipino
tn tsn tswana
tr tur turkish
ts tso tsonga
uk ukr ukrainian ua
ur urd urdu pk
vi vie vietnamese vn
xh xho xhosa
yo yor yoruba
zh zho chi chinese cn cmn mandarin tw
zu zul zulu
"""
_MEANT = {word: line.split()[0] for line in _TABLE.strip().splitlines() for word in line.split()}

CODES: tuple[str, ...] = ("unknown", *(line.split()[0] for line in _TABLE.strip().splitlines()))
"""The languages that any backend tells, in the order of their numbers in sketches; 0 is none."""
NUMBER = {code: number for number, code in enumerate(CODES)}
_SAME = {"nb": "no", "nn": "no", "bs": "hr"}
"""What lingua tells apart and others do not."""


def plain(code: str) -> str:
    """Give a detector's label as one code per language: `zh-cn` and `zh-tw` are `zh`, `nb` and `nn` are `no`."""
    head = code.partition("-")[0]
    return _SAME.get(head, head)


def problem(given: str, told: Collection[str], backend: str, others: Mapping[str, Collection[str]]) -> str | None:
    """Say what is wrong with a code that a recipe names, with its remedy; None if it can be told with that backend.

    `others` are what the backends that could be taken instead tell.
    """
    asked = Asked.of(given)
    if asked is not None and asked.language in (None, *told):
        return None
    word = given.strip().casefold()
    if word in ("unknown", "und", "un"):
        return f"{given!r} is not a language code; what happens to rows without a language is set by `unknown`"
    head, mark, tail = word.replace("_", "-").partition("-")
    for spelling in (head.title(), f"{head}-{tail.upper()}", f"{head}-{tail.title()}"):
        meant = Asked.of(spelling)
        if meant is not None and meant.language in (None, *told):
            return f"{given!r} is not a language code; did you mean {spelling!r}?"
    if mark and head in told:
        return f"{given!r} names a region or script that is not told; write {head!r} for all of that language"
    code = _MEANT.get(word)
    if code is None and len(word) > 3:
        close = difflib.get_close_matches(word, [name for name in _MEANT if len(name) > 3], 1, 0.8)
        code = _MEANT[close[0]] if close else None
    if code is not None and code in told:
        return f"{given!r} is not a language code; did you mean {code!r}?"
    for other, its in others.items():
        if code is not None and code in its:
            return f'{given!r} is no language that {backend} tells; set backend = "{other}", which tells {code!r}'
    return f"{given!r} is not a language code; {backend} tells {', '.join(sorted(told))}"


class Asked(NamedTuple):
    """What a code asks for: a language (`pt`), a variant (`pt-BR`), a script (`Latn`), a language in it (`zh-Hant`)."""

    language: str | None = None
    variant: str | None = None
    script: str | None = None

    @classmethod
    def of(cls, code: str) -> Asked | None:
        """Read a code; None: it names nothing that is known."""
        if code in SCRIPTS:
            return cls(script=code)
        head, mark, tail = code.partition("-")
        if head not in NUMBER or head == CODES[0]:
            return None
        if code in VARIANTS:
            return cls(head, variant=code)
        if mark:
            return cls(head, script=tail) if tail in SCRIPTS else None
        return cls(head)

    def met(self) -> tuple[pl.Expr, pl.Expr]:
        """Say of each row (by its numbers `code`, `variant`, `script`) whether it is what is asked for, and may be it.

        A row may be it where something is not told: the language, the variant, which way its Chinese is written.
        """
        is_it, may_be = pl.lit(True), pl.lit(True)
        if self.language is not None:
            is_it &= pl.col("code") == NUMBER[self.language]
            may_be &= pl.col("code").is_in([0, NUMBER[self.language]])
        if self.variant is not None:
            number = VARIANTS.index(self.variant) + 1
            is_it &= pl.col("variant") == number
            may_be &= pl.col("variant").is_in([0, number])
        if self.script is not None:
            ways = [SCRIPTS.index(code) + 1 for code in ("Hani", "Hans", "Hant")]
            number = SCRIPTS.index(self.script) + 1
            is_it &= pl.col("script").is_in(ways if number == ways[0] else [number])
            may_be &= pl.col("script").is_in([0, number, *(ways[:1] if number in ways else [])])
        return is_it, may_be
