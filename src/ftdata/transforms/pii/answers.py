"""Short answers, read together with what the message before asks for: `Qual o seu telefone?`, then `11987654321`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from ftdata.transforms.pii.find import Found, find
from ftdata.transforms.pii.nearby import asks
from ftdata.transforms.pii.rule import Rule
from ftdata.transforms.pii.secrets import PASSWORD_HINT

_LONGEST = 60  # bytes of an answer that is little more than a number
_WORDS = re.compile(r"[^\W\d_]{2,}")
_MOST_WORDS = 3
_ASKED = 160  # characters of a question
_BEHIND = re.compile(r"\?[^\w?]*(?:\w+[^\w?]+){0,6}$|:\s*$")  # a thank-you, a name, an emoji behind the question
_ASKS = re.compile(
    r"(?i)\b(?:please|favor|inform|confirm|provid|send|share|give|tell|pass[ea]|mand[ae]|envi[ea]|indi[qc]|dig[ai]"
    r"|need|precis|necesit|qual|what|which|cu[áa]l|quel|welche|bitte|qual è)"
)
_PASSWORD = re.compile(PASSWORD_HINT)
_Rows = np.ndarray[Any, Any]


def answers(
    texts: pl.Series, rows: _Rows, contents: int, rules: Sequence[Rule], seen: set[tuple[int, str]]
) -> dict[int, list[Found]]:
    """Find what stands in short answers, by position of the text, as if the question were the label before it.

    The first `contents` texts are what is said, in order. A question that names two numbers (order or phone) tells
    nothing of the answer. `seen` keeps what was looked at, so that the next look is at what has changed.
    """
    said = texts.head(contents)
    short = ((said.str.len_bytes() <= _LONGEST) & said.str.contains("[0-9]")).arg_true().to_numpy()
    short = short[short > 0]
    short = short[rows[short] == rows[short - 1]]
    before, own = (said.gather(pl.Series(where, dtype=pl.UInt32)).to_list() for where in (short - 1, short))
    asked: list[tuple[int, int, str]] = []
    for at, text, answer in zip(short.tolist(), before, own, strict=True):
        if len(_WORDS.findall(answer)) <= _MOST_WORDS and (question := _question(text)):
            joined = f"{question}: {answer}"
            if (at, joined) not in seen:
                seen.add((at, joined))
                asked.append((at, len(question) + 2, joined))
    found: dict[int, list[Found]] = {}
    if not asked:
        return found
    where = np.array([at for at, _, _ in asked], dtype=np.uint32)
    looked = pl.Series("text", [text for _, _, text in asked], pl.String)
    for place, hits in find(looked, rows[where], rules, around=(texts, rows)).items():
        at, cut, _ = asked[place]
        if inside := [Found(hit.start - cut, hit.end - cut, hit.type, hit.value) for hit in hits if hit.start >= cut]:
            found[at] = inside
    return found


def _question(text: str) -> str:
    """Give the last sentence of a text if it asks for something; else an empty string."""
    text = text[-2 * _ASKED :].rstrip()
    behind = _BEHIND.search(text)
    if behind is not None:
        text = text[: behind.start()]
    sentence = re.split(r"[?!\n]|\.(?= |$)", text.rstrip(" .!"))[-1].strip()
    if len(sentence) > _ASKED or (behind is None and not _ASKS.search(sentence)):
        return ""
    return sentence if asks(sentence) or _PASSWORD.search(sentence) else ""
