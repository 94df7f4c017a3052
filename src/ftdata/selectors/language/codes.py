"""Language codes: ISO 639-1, one code for a language whatever its region or script, and what people write instead."""

from __future__ import annotations

import difflib
from collections.abc import Collection

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
es spa spanish español espanol castellano mx
et est estonian ee
eu eus baq basque
fa fas per persian farsi ir
fi fin finnish
fr fra fre french français francais
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
kn kan kannada
ko kor korean kr
ku kur kurdish ckb
lo lao
lt lit lithuanian
lv lav latvian
mk mkd mac macedonian
ml mal malayalam
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
so som somali
sq sqi alb albanian al
sr srp serbian rs
sv swe swedish svenska se
sw swa swahili
ta tam tamil
te tel telugu
th tha thai
tl tgl tagalog fil filipino
tr tur turkish
uk ukr ukrainian ua
ur urd urdu pk
vi vie vietnamese vn
yo yor yoruba
zh zho chi chinese cn cmn mandarin tw
"""
_MEANT = {word: line.split()[0] for line in _TABLE.strip().splitlines() for word in line.split()}


def plain(code: str) -> str:
    """Give a detector's label as one code per language: `zh-cn` and `zh-tw` are `zh`."""
    return code.partition("-")[0]


def problem(given: str, told: Collection[str], backend: str, other: str, other_told: Collection[str]) -> str | None:
    """Say what is wrong with a code that a recipe names, with its remedy; None if the backend tells that language.

    `other` is a backend that could be taken instead.
    """
    if given in told:
        return None
    word = given.strip().casefold()
    if word in ("unknown", "und", "un"):
        return f"{given!r} is not a language code; what happens to rows without a language is set by `unknown`"
    head = word.replace("_", "-").partition("-")[0]
    if head != word and head in told:
        return f"{given!r} names a region or script, which no detector tells; write {head!r} for all of that language"
    meant = _MEANT.get(word)
    if meant is None and len(word) > 3:
        close = difflib.get_close_matches(word, [name for name in _MEANT if len(name) > 3], 1, 0.8)
        meant = _MEANT[close[0]] if close else None
    if meant is not None and meant in told:
        return f"{given!r} is not a language code; did you mean {meant!r}?"
    if meant is not None and meant in other_told:
        return f'{given!r} is no language that {backend} tells; set backend = "{other}", which tells {meant!r}'
    return f"{given!r} is not a language code; {backend} tells {', '.join(sorted(told))}"
