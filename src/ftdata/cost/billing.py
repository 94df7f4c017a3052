"""The rules by which tokens are billed: small functions of numbers, each with its source in `vendors.toml`."""

from __future__ import annotations

from decimal import Decimal
from math import ceil

from ftdata.cost.amounts import Range
from ftdata.cost.plan import Counts

HOURS_A_MONTH = Decimal(730)
"""A year of 8,760 hours in twelve."""

_TARGET, _LEAST, _MOST = 3, 100, 25_000
_MOST_EPOCHS = 25


def cookbook_epochs(rows: int) -> int:
    """Give the epochs that OpenAI takes by default (cookbook): 3, so that 100 to 25,000 examples are seen in all.

    >>> [cookbook_epochs(rows) for rows in (3, 10, 33, 34, 8_333, 8_334, 30_000)]
    [25, 10, 3, 3, 3, 2, 1]
    """
    if rows and rows * _TARGET < _LEAST:
        return min(_MOST_EPOCHS, _LEAST // rows)
    if rows * _TARGET > _MOST:
        return max(1, _MOST // rows)
    return _TARGET


def capped(tokens: Counts, epochs: int, context: int | None) -> int:
    """OpenAI: each row counts up to the context, every epoch anew."""
    counted = tokens if context is None else tokens.clip(max=context)
    return epochs * int(counted.sum())


def cut(tokens: Counts, context: int | None) -> int:
    """Count the rows that are longer than the context."""
    return 0 if context is None else int((tokens > context).sum())


def plain(tokens: Counts, epochs: int) -> int:
    """Azure, Fireworks, Gemini, Bedrock, Mistral: every token of the file, every epoch anew."""
    return epochs * int(tokens.sum())


def packed(train: Counts, validation: Counts, epochs: int, evals: int) -> int:
    """Together: epochs x training tokens + evaluations x validation tokens."""
    return epochs * int(train.sum()) + evals * int(validation.sum())


def unpacked(rows: int, max_seq_length: int, validation: Counts, epochs: int, evals: int) -> int:
    """Together without packing: a row counts as a whole sequence, however short it is."""
    return epochs * rows * max_seq_length + evals * int(validation.sum())


def gpu_hours(tokens: Range, tokens_per_second: Decimal) -> Range:
    """Local: hours that the job takes at a measured speed."""
    return tokens.times(1 / (tokens_per_second * 3600))


def energy(hours: Range, watts: Decimal) -> Range:
    """Local: kilowatt hours that the job draws."""
    return hours.times(watts / 1000)


def trainings(months: Decimal, every: Decimal | None) -> int:
    """Count the trainings within so many months, the first included, when one is due every so many."""
    return 1 if every is None else max(1, ceil(months / every))
