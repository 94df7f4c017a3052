"""Count the tokens of a file's or a run's rows, for the bill."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ftdata import rows
from ftdata.batch import Batch
from ftdata.cost.plan import Counts, JobTokens
from ftdata.errors import InputError
from ftdata.sniff import spooled
from ftdata.tokens import chosen, per_row


def of(what: str, encoding: str | None = None, tokenizer: str | None = None, model: str = "") -> JobTokens:
    """Count the rows of a FILE in any layout that a reader knows, or those that the first writer of a RUN wrote.

    Rows without a split are training rows. `tokenizer` names one; else the one of the model is taken, if that is known;
    else four characters are a token.

    Raises:
        InputError: it is not there, no reader knows it, or it has no rows.
    """
    with spooled(what) as path:
        return _counted(map(rows.live, rows.every(rows.place(path), encoding)), what, tokenizer, model)


def _counted(batches: Iterable[Batch], name: str, tokenizer: str | None, model: str) -> JobTokens:
    count = chosen(tokenizer, model)
    counted = count.told + ("" if count.exact else "; --tokenizer counts exactly")
    everything: list[Counts] = []
    learnt: list[Counts] = []
    sides = []
    tools: int = 0
    for batch in batches:
        found = per_row(batch, count)
        everything.append(np.asarray(found.all, np.int64))
        learnt.append(np.asarray(found.trained, np.int64))
        sides.append(batch["split"].fill_null("train").to_numpy().astype(np.str_))
        tools += batch.height - batch["tools"].null_count()
    if not sum(len(one) for one in everything):
        raise InputError(f"{name}: has no rows that could be trained; name a file of conversations, or a run")
    if tools:
        counted += f"; without the tool definitions of {tools:,} rows, whose rule is not public"
    return JobTokens(
        np.concatenate(everything), np.concatenate(learnt), np.concatenate(sides), counted, estimated=not count.exact
    )
