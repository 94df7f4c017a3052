"""The script of a text by ISO 15924, and the two ways of writing Chinese."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

_Array = np.ndarray[Any, Any]

_READ = 120
"""Characters that are looked at."""

# Code, and what it is made of; `Latn` first: most texts need no other. Japanese and Korean are scripts of several.
_LETTERS = {
    "Latn": r"\p{Latin}",
    "Cyrl": r"\p{Cyrillic}",
    "Arab": r"\p{Arabic}",
    "Hani": r"\p{Han}",
    "Jpan": r"[\p{Hiragana}\p{Katakana}]",
    "Kore": r"\p{Hangul}",
    "Grek": r"\p{Greek}",
    "Hebr": r"\p{Hebrew}",
    "Deva": r"\p{Devanagari}",
    "Beng": r"\p{Bengali}",
    "Gujr": r"\p{Gujarati}",
    "Guru": r"\p{Gurmukhi}",
    "Orya": r"\p{Oriya}",
    "Taml": r"\p{Tamil}",
    "Telu": r"\p{Telugu}",
    "Knda": r"\p{Kannada}",
    "Mlym": r"\p{Malayalam}",
    "Sinh": r"\p{Sinhala}",
    "Thai": r"\p{Thai}",
    "Laoo": r"\p{Lao}",
    "Khmr": r"\p{Khmer}",
    "Mymr": r"\p{Myanmar}",
    "Tibt": r"\p{Tibetan}",
    "Geor": r"\p{Georgian}",
    "Armn": r"\p{Armenian}",
    "Ethi": r"\p{Ethiopic}",
}
_COMMON = 6
"""Of these the first: a text that holds letters of no other is not searched for the rest."""
_RARE = r"[\p{L}&&[^\p{Latin}\p{Cyrillic}\p{Arabic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ªºー]]"
_NOT_LATIN = r"[\p{L}&&[^\p{Latin}ªº]]"
# Frequent signs that are written in one of the two ways only, pair by pair.
_SIMPLE = (
    "们这国来时为说会对过没还发经现动东关门见问间话谢请订单货钱买卖电脑账号码网页邮件连续发错误题办处实际"
    "给让从后点边进远运车费帮产资讯应该开启么样种类简体汉语声长头义书记录个几万与两业严丰临丽举乐习乡亲仅"
    "仓仪价众优伟传伤"
)
_TRADITIONAL = (
    "們這國來時為說會對過沒還發經現動東關門見問間話謝請訂單貨錢買賣電腦賬號碼網頁郵件連續發錯誤題辦處實際"
    "給讓從後點邊進遠運車費幫產資訊應該開啟麼樣種類簡體漢語聲長頭義書記錄個幾萬與兩業嚴豐臨麗舉樂習鄉親僅"
    "倉儀價眾優偉傳傷"
)
_HANS = "".join(sorted(set(_SIMPLE) - set(_TRADITIONAL)))
_HANT = "".join(sorted(set(_TRADITIONAL) - set(_SIMPLE)))

SCRIPTS: tuple[str, ...] = (*_LETTERS, "Hans", "Hant")
"""The scripts that are told, in the order of their numbers from 1 on; 0 is none. `Hani`: no sign tells which way."""
_NUMBER = {code: number for number, code in enumerate(SCRIPTS, 1)}


def scripts(texts: pl.Series) -> pl.Series:
    """Give the number in `SCRIPTS` of the script that most letters of each text are of; 0: there is no letter.

    Chinese signs in a text with kana or Hangul count for these.
    """
    shown = texts.str.head(_READ)
    found = shown.str.contains(_LETTERS["Latn"]).cast(pl.UInt8).to_numpy().copy()
    strange = np.flatnonzero(shown.str.contains(_NOT_LATIN).to_numpy())
    if len(strange):
        found[strange] = _among_all(shown.gather(strange))
    return pl.Series("script", found, pl.UInt8)


def _among_all(texts: pl.Series) -> _Array:
    counts = np.zeros((len(_LETTERS), len(texts)), np.int64)
    rare = texts.str.contains(_RARE).to_numpy()
    for at in range(_COMMON):  # to look for a letter costs a tenth of counting them
        counts[at] = texts.str.contains(_LETTERS[SCRIPTS[at]]).to_numpy()
    mixed = np.flatnonzero(rare | (counts.sum(axis=0) > 1))
    for at in range(_COMMON if len(mixed) else 0):
        counts[at, mixed] = texts.gather(mixed).str.count_matches(_LETTERS[SCRIPTS[at]]).to_numpy()
    rest = np.flatnonzero(rare)
    for at in range(_COMMON, len(_LETTERS) if len(rest) else 0):
        counts[at, rest] = texts.gather(rest).str.count_matches(_LETTERS[SCRIPTS[at]]).to_numpy()
    han, kana, hangul = (_NUMBER[code] - 1 for code in ("Hani", "Jpan", "Kore"))
    for other in (kana, hangul):
        takes = (counts[other] > 0) & (counts[other] * 8 >= counts[han])
        counts[other] += np.where(takes, counts[han], 0)
        counts[han] = np.where(takes, 0, counts[han])
    best = counts.argmax(axis=0)
    found = np.where(counts.max(axis=0) > 0, best + 1, 0)
    chinese = np.flatnonzero(found == han + 1)
    if len(chinese):
        part = texts.gather(chinese)
        simple, old = (part.str.count_matches(f"[{signs}]").to_numpy() for signs in (_HANS, _HANT))
        found[chinese[simple > old]] = _NUMBER["Hans"]
        found[chinese[old > simple]] = _NUMBER["Hant"]
    return found.astype(np.uint8)
