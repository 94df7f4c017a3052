"""Rows of any file that a reader knows, their tokens, and what of one row a model would learn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ftdata.batch import Batch, conversations, flat, said
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.stages import Check, Finding
from ftdata.tokens.counters import Counter, Folder
from ftdata.tokens.learning import as_learnt, learning
from ftdata.tokens.rows import counted
from ftdata.tokens.template import Rendered, Template, rendered
from ftdata.writers.learned import Turns, unfold


@dataclass(frozen=True)
class Preview:
    """A row as it is trained on: the text, the spans of it that are learnt, how many tokens there are of each.

    `id` is that of the row, `by` what rendered it, `notes` is what a reader of the numbers must know, a sentence each.
    """

    id: str
    by: str
    text: str
    spans: tuple[tuple[int, int], ...]
    tokens: int
    trained: int
    kept: int
    notes: tuple[str, ...]


def preview(
    row: Batch,
    count: Counter,
    template: Template | None = None,
    limit: int | None = None,
    turns: Turns = "whole",
    target: str | None = None,
) -> Preview:
    """Show what of a row (a batch of one) a target learns: by a chat template's marks, else by message.

    A folder's own chat template is taken where none is given; `target` decides which answers count by message. Of the
    lines that `turns = "expand"` makes of a row the last is shown. Raises `Refused` where a template does not take it.
    """
    if template is None and isinstance(count, Folder):
        template = Template.of(count.folder)
    how = learning(target)
    row = unfold(row, turns)[-1:]
    talk = next(conversations(row))
    row = as_learnt(row, target)
    found = counted(row, count, None, limit)
    tokens, trained, kept = int(found.all[0]), int(found.trained[0]), int(found.kept[0])
    notes = []
    if template is None:
        by = "the messages"
        shown = _by_message(row)
        if target is not None:
            notes.append(
                f"{target}: {how.source or 'how it learns is not known here; taken is every answer of weight 1'}"
            )
        if talk.rejected is not None:
            notes.append("the rejected answer is learnt from too, and is not shown")
    else:
        by = f"template {template.name}"
        shown = rendered(talk, template, datetime.now())
        if talk.rejected is not None:
            notes.append("shown is the question with the preferred answer; the rejected one is learnt from too")
        if isinstance(count, Folder):
            ends = count.offsets(shown.text)
            learnt = shown.learnt(ends)
            tokens, trained, kept = len(ends), int(learnt.sum()), int(learnt[:limit].sum())
        else:
            inside = [shown.text[first:last] for first, last in shown.spans]
            sizes = count.counts(pl.Series([shown.text, *inside], dtype=pl.String))
            tokens, trained = int(sizes[0]), int(sizes[1:].sum())
            kept = trained
            notes.append(f"{count.name} is not the tokenizer of such a template: the numbers are a rough guide")
        if not template.marked:
            notes.append(
                "the template has no {% generation %} marks: with assistant-only loss nothing is learnt, or the "
                "trainer refuses it (TRL raises); without that loss every token is learnt, the user's too"
            )
        if found.calls[0] and not all(name in shown.text for name in _called(talk)):
            notes.append("the template leaves out tool calls: the model will not learn them")
        off = sum(1 for message in talk.messages or () if message.role == "assistant" and message.weight == 0)
        if off and template.marked:
            told = f"{off} answer{' has' if off == 1 else 's have'} weight 0"
            notes.append(f"{told}: assistant-only loss goes by the marks and learns such answers all the same")
    if found.tools[0] and template is None:
        notes.append("tool definitions are not counted")
    if found.images[0]:
        notes.append("images are not counted")
    if found.calls[0] and template is None:
        notes.append("of tool calls the names and arguments are counted, not what stands around them")
    if limit is not None and tokens > limit:
        notes.append(
            f"{tokens - limit:,} tokens stand after {limit:,} and are cut off, {trained - kept:,} of them learnt"
        )
    if not count.exact:
        notes.append(f"the numbers are estimated: {count.how}")
    return Preview(talk.id, by, shown.text, shown.spans, tokens, trained, kept, tuple(notes))


def _by_message(row: Batch) -> Rendered:
    """Write a row's messages one under the other; learnt is what the assistant says with a weight that is not 0."""
    messages = flat(row)
    at = row["answer_at"][0] or 0
    text, spans = "", []
    for place, (role, said_, calls, weight) in enumerate(
        zip(messages["role"], said(messages), messages["tool_calls"], messages["weight"], strict=True)
    ):
        text += f"{role}: "
        start = len(text)
        text += "\n".join(part for part in (said_, calls) if part)
        if role == "assistant" and weight != 0 and place >= at and len(text) > start:
            spans.append((start, len(text)))
        text += "\n"
    return Rendered(text, tuple(spans))


def _called(talk: Conversation) -> Iterator[str]:
    for message in talk.messages or ():
        for call in message.tool_calls or ():
            name = call.get("function", {}).get("name") if isinstance(call, dict) else None
            if isinstance(name, str):
                yield name


def row_of(batches: Iterator[Batch], number: int, file: str) -> Batch:
    """Give one row by its number; raise `InputError` if there is no such row, or it could not be read."""
    last = 0
    for batch in batches:
        found = batch.filter((pl.col("row") == number) & pl.col("drop").is_null())
        if found.height:
            return found
        if batch.height:
            last = int(batch["row"][-1])
            if last > number:
                break
    told = f"the last one is {last:,}" if last < number else "that record could not be read"
    raise InputError(f"{file}: there is no row {number:,}; {told}")


def judged(batches: Iterator[Batch], check: Check) -> list[Finding]:
    """Let a check look at all rows."""
    sketches = [check.sketch(batch) for batch in batches if batch.height]
    return check.judge(pl.concat(sketches).lazy()) if sketches else []
