"""Facts that an answer states and nothing before it in the row holds.

What counts: numbers, dates, times, addresses of pages, codes with a digit. A number is known if all its runs of digits
stand in an earlier message, be it of the system, the user, a tool or the assistant itself. Marks of lists ("1.",
"Step 2"), placeholders and code count for nothing, nor does what an answer works out: a number in a calculation, one
with `=` in it, is known from there on. Numbers in words ("seven days") and names are not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl
import xxhash

_NO_FACT = re.compile(
    r"(?m)^[ \t>*#-]*\d{1,3}[.)](?=\s)|(?i:\b(?:step|passo|paso|etapa|schritt|étape) \d{1,3}\b)"
    r"|\[[A-Z][A-Z_]*\d*\]|\{\{?[^{}\n]{1,40}\}?\}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
)
_CODE = re.compile(r"(?s)```.*?(?:```|$)|`[^`\n]*`")
_SUM = re.compile(r"[-\d \t.,+*/×÷^()$€£%<>x=]{1,80}")
_PAGE = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"'`]*[\w/]")
_NUMBER = re.compile(r"(?<!\w)(?:[^\W\d_]{1,6}-?)?\d\w*(?:[-.,:/]\d\w*)*")
_DIGITS = re.compile(r"\d+")
_SIGN = r"\p{Nd}|https?://|www\."


def stated(answers: pl.Series, messages: pl.DataFrame) -> Iterator[list[int]]:
    """Give for each row the hashes of the facts that it states; `messages` as `View` has them."""
    likely = answers.str.contains(_SIGN).fill_null(False).to_numpy()
    rows = messages["row"].to_numpy()
    keep = np.flatnonzero(likely[rows]) if len(rows) else np.zeros(0, dtype=np.int64)
    part = messages[keep]
    starts = np.searchsorted(part["row"].to_numpy(), np.arange(len(answers) + 1))
    roles, texts, calls = (part[name].to_list() for name in ("role", "said", "calls"))
    for row in range(len(answers)):
        begin, end = int(starts[row]), int(starts[row + 1])
        if begin == end:
            yield []
            continue
        yield _of_row(list(zip(roles[begin:end], texts[begin:end], calls[begin:end], strict=True)))


def _of_row(turns: list[tuple[str | None, str | None, str | None]]) -> list[int]:
    digits, pages = set[str](), ""
    found: dict[str, None] = {}
    for role, text, calls in turns:
        said = text or ""
        if role == "assistant" and said:
            said = _CODE.sub(" ", said) if "`" in said else said
            if "=" in said:
                digits.update(_worked(_PAGE.sub(" ", said)))
            for fact in facts_of(said):
                page = "/" in fact and not fact[0].isdigit() and _PAGE.match(fact)
                known = fact.lower() in pages if page else digits.issuperset(_runs(fact))
                if not known:
                    found[fact.lower()] = None
        pages += f" {said.lower()}"
        digits.update(_runs(text or ""))
        if calls:
            digits.update(_runs(calls))
    return [xxhash.xxh3_64_intdigest(fact.encode()) for fact in found]


def _worked(text: str) -> Iterator[str]:
    """Give the runs of digits in calculations: pieces of numbers and signs, one of them `=`."""
    return (run for piece in _SUM.findall(text) if "=" in piece for run in _runs(piece))


def _runs(text: str) -> list[str]:
    """List the runs of digits in a text, without leading zeros."""
    return [run.lstrip("0") for run in _DIGITS.findall(text)]


def facts_of(text: str) -> list[str]:
    """List the facts in a text: addresses of pages first, then numbers, dates, times and codes."""
    bare = _NO_FACT.sub(" ", text)
    pages = _PAGE.findall(bare)
    return [*pages, *_NUMBER.findall(_PAGE.sub(" ", bare) if pages else bare)]
