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

# What runs in polars is Rust: linear in the text whatever it holds.
_NO_FACT = (
    r"(?m)^[ \t>*#-]*\d{1,3}[.)]\s|(?i:\b(?:step|passo|paso|etapa|schritt|étape) \d{1,3}\b)"
    r"|\[[A-Z][A-Z_]*\d*\]|\{\{?[^{}\n]{1,40}\}?\}|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
)
_CODE = r"(?s)```.*?(?:```|$)|`[^`\n]*`"
_PAGE = r"""(?:https?://|www\.)[^\s<>()\[\]"'`]*[\w/]"""
_NUMBER = r"\b(?:[\w--[\d_]]{1,6}-?)?\d\w*(?:[-.,:/]\d\w*)*"
_SIGN = r"\p{Nd}|https?://|www\."
_LINE = rf"[^\n]*(?:{_SIGN})[^\n]*"
_SUM = re.compile(r"[-\d \t.,+*/×÷^()$€£%<>x=]{1,80}")
_DIGITS = re.compile(r"\d+")


def stated(answers: pl.Series, messages: pl.DataFrame) -> Iterator[list[int]]:
    """Give for each row the hashes of the facts that it states; `messages` as `View` has them."""
    likely = answers.str.contains(_SIGN).fill_null(False).to_numpy()
    rows = messages["row"].to_numpy()
    part = _prepared(messages[np.flatnonzero(likely[rows]) if len(rows) else np.zeros(0, dtype=np.int64)])
    starts = np.searchsorted(part["row"].to_numpy(), np.arange(len(answers) + 1))
    columns = [part[name].to_list() for name in ("said", "told", "pages", "facts", "runs")]
    for row in range(len(answers)):
        begin, end = int(starts[row]), int(starts[row + 1])
        yield _of_row(list(zip(*(column[begin:end] for column in columns), strict=True))) if end > begin else []


def _prepared(messages: pl.DataFrame) -> pl.DataFrame:
    """Give what each message says, its runs of digits; of the assistant's the pages and other facts, and `told`.

    `told` are the lines with a digit or address and a sign of equality: calculations.
    """
    said = pl.col("said").fill_null("")
    mine = pl.when((pl.col("role") == "assistant").fill_null(False))
    lines = messages.select(
        "row",
        "calls",
        said=said,
        told=mine.then(said.str.replace_all(_CODE, " ").str.extract_all(_LINE).list.join("\n")).otherwise(pl.lit("")),
    )
    digits = pl.concat_str("said", pl.col("calls").fill_null(""), separator="\n").str.extract_all(r"\d+")
    return lines.select(
        "row",
        "said",
        *_facts(pl.col("told")),
        told=pl.col("told").str.replace_all(_PAGE, " "),
        runs=digits.list.eval(pl.element().str.strip_chars_start("0")),
    )


def _facts(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Give the addresses of pages in texts (`pages`), and the numbers, dates, times and codes beside them (`facts`)."""
    bare = text.str.replace_all(_NO_FACT, " ")
    others = bare.str.replace_all(_PAGE, " ").str.extract_all(_NUMBER)
    return bare.str.extract_all(_PAGE).alias("pages"), others.alias("facts")


def _of_row(turns: list[tuple[str, str, list[str], list[str], list[str]]]) -> list[int]:
    digits, before = set[str](), list[str]()
    found: dict[str, None] = {}
    for said, told, pages, facts, runs in turns:
        if "=" in told:
            digits.update(_worked(told))
        for page in pages:
            if not any(page.lower() in text.lower() for text in before):
                found[page.lower()] = None
        for fact in facts:
            if not digits.issuperset(_runs(fact)):
                found[fact.lower()] = None
        before.append(said)
        digits.update(runs)
    return [xxhash.xxh3_64_intdigest(fact.encode()) for fact in found]


def _worked(text: str) -> Iterator[str]:
    """Give the runs of digits in calculations: pieces of numbers and signs, one of them `=`."""
    return (run for piece in _SUM.findall(text) if "=" in piece for run in _runs(piece))


def _runs(text: str) -> list[str]:
    """List the runs of digits in a text, without leading zeros."""
    return [run.lstrip("0") for run in _DIGITS.findall(text)]


def facts_of(text: str) -> list[str]:
    """List the facts in a text: addresses of pages first, then numbers, dates, times and codes."""
    pages, facts = pl.DataFrame({"text": [text]}).select(*_facts(pl.col("text"))).row(0)
    return [*pages, *facts]
