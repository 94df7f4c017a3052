"""How many tokens the rows have, and which of them are learnt; the one place that counts."""

from __future__ import annotations

from ftdata.tokens.counters import ENCODINGS, Counter, chosen, counter, encoding_of
from ftdata.tokens.rows import OPENAI, Counted, Overhead, RowTokens, counted, per_row
from ftdata.tokens.template import Rendered, Template, rendered

__all__ = [
    "ENCODINGS",
    "OPENAI",
    "Counted",
    "Counter",
    "Overhead",
    "Rendered",
    "RowTokens",
    "Template",
    "chosen",
    "counted",
    "counter",
    "encoding_of",
    "per_row",
    "rendered",
]
