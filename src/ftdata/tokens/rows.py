"""The tokens of rows: all that is read, what is learnt of it, and what is left of both after a limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ftdata.batch import MESSAGE, Batch, flat, owners, said
from ftdata.tokens.counters import Counter, Counts, Folder, counter
from ftdata.tokens.template import Refused, Talk, Template, talks

ROLES = ("system", "user", "assistant", "tool")
"""Roles whose tokens are told apart; `developer` counts as system, `function` as tool, all others as `other`."""
_ALIKE = {"developer": "system", "function": "tool"}


class Overhead(NamedTuple):
    """Tokens that a service adds to what is said: for each message, each name, and each answer that is to be begun.

    `role`: whether the word for the role counts too.
    """

    message: int = 3
    name: int = 1
    priming: int = 3
    role: bool = True


OPENAI = Overhead()
"""As OpenAI bills gpt-3.5-turbo and later: 3 a message, 1 a name, 3 a reply, the role a text of its own. Source: OpenAI
cookbook, `num_tokens_from_messages` (commit b774cbf1), checked 2026-11-21. What it adds for tool definitions, tool
calls and images is not published: see `counted`."""
NOTHING = Overhead(0, 0, 0, False)
"""The texts alone."""


class RowTokens(NamedTuple):
    """The tokens of each row (UInt32 arrays): `all` that are read in training, and those `trained`, that is learnt."""

    all: Counts
    trained: Counts


@dataclass(frozen=True)
class Counted:
    """What was counted of each row of a batch (arrays as long as the batch, but the dicts' keys are roles).

    `all` and `trained` are the row's tokens without a limit; `longest` the tokens of its longest sequence, which a
    limit cuts (a preference row is two sequences: the question with each answer); `kept_all` and `kept` what the limit
    leaves of `all` and of `trained`; `roles` the tokens of what each role says, overhead left out. `tools`, `images`
    and `calls` say which rows hold tool definitions and images, which are not counted, and tool calls, of which only
    names and arguments are; `refused` those that the tokenizer's chat template does not take, counted as texts alone.
    `unmarked`: that template has no generation marks.
    """

    all: Counts
    trained: Counts
    longest: Counts
    kept_all: Counts
    kept: Counts
    roles: dict[str, Counts]
    tools: np.ndarray[Any, Any]
    images: np.ndarray[Any, Any]
    calls: np.ndarray[Any, Any]
    refused: np.ndarray[Any, Any]
    unmarked: bool = False


def per_row(
    batch: Batch,
    tokenizer: str | Path | Counter | None = None,
    overhead: Overhead | None = None,
    limit: int | None = None,
) -> RowTokens:
    """Count all tokens of each row and those that are learnt of it; `limit` cuts a longer row at its end.

    `tokenizer` is `cl100k`, `o200k`, a folder with `tokenizer.json`, or None to estimate at four characters a token.
    Learnt are the assistant's texts and calls whose weight is not 0; of a preference row both answers, and its question
    is counted once. To count what a writer's field `turns` makes of the rows, `unfold` them first. The rest: `counted`.

    >>> tokens = per_row(batch, "o200k")
    >>> tokens.all.sum(), tokens.trained.sum()
    """
    found = counted(batch, tokenizer, overhead, limit)
    return RowTokens(found.kept_all, found.kept)


def counted(
    batch: Batch,
    tokenizer: str | Path | Counter | None = None,
    overhead: Overhead | None = None,
    limit: int | None = None,
) -> Counted:
    """Count the tokens of each row, by role, with and without a limit.

    `overhead` is OpenAI's by default; for a folder that of its chat template, in which every row is then rendered, or
    nothing where it has none. Text parts of one message are joined by a line break. Tool definitions and images are not
    counted; of a tool call its name and arguments are, not what a service puts around them: such rows cost more than is
    said here. A limit cuts at the end of a row, as trainers do.
    """
    count = tokenizer if isinstance(tokenizer, Counter) else counter(tokenizer)
    template = Template.of(count.folder) if isinstance(count, Folder) and overhead is None else None
    if overhead is None:
        overhead = NOTHING if isinstance(count, Folder) else OPENAI
    most = np.int64(limit) if limit is not None else np.int64(2**62)
    rows = batch.height
    main, other = (_Side(batch, column, count, overhead) for column in ("messages", "rejected"))
    # The question of a preference row stands before its preferred answer; both answers go on from there.
    paired = batch["rejected"].is_not_null().to_numpy()
    given = batch["answer_at"].cast(pl.Int64).fill_null(-1).to_numpy()
    start = np.where(given >= 0, given, np.where(paired, main.count, 0))
    question = main.upto(start)
    main.learn(start)
    other.learn(np.zeros(rows, np.int64))
    primed = np.int64(overhead.priming)
    first = main.total + primed * (main.count > 0)
    second = np.where(paired & (other.count > 0), question + other.total + primed, 0)
    longest = np.maximum(first, second)
    kept_question = np.minimum(question, most)
    whole = first + np.maximum(second - question, 0)
    cut = np.minimum(first, most) + np.maximum(np.minimum(second, most) - kept_question, 0)
    trained = main.learnt(np.zeros(rows, np.int64), None) + other.learnt(question, None)
    kept = main.learnt(np.zeros(rows, np.int64), most) + other.learnt(question, most)
    unmarked, refused = False, np.zeros(rows, bool)
    if template is not None and isinstance(count, Folder):
        unmarked = not template.marked
        shown, refused = _rendered(batch, count, template, most)
        whole, longest, cut = (
            np.where(refused, old, new) for old, new in zip((whole, longest, cut), shown, strict=False)
        )
        if not unmarked:
            trained, kept = (np.where(refused, 0, new) for new in shown[3:])
    return Counted(
        all=_small(whole),
        trained=_small(trained),
        longest=_small(longest),
        kept_all=_small(cut),
        kept=_small(kept),
        roles={role: _small(main.by_role(role) + other.by_role(role)) for role in (*ROLES, "other")},
        tools=(batch["tools"].is_not_null() & (batch["tools"] != "[]").fill_null(False)).to_numpy(),
        images=main.images | other.images,
        calls=main.calls | other.calls,
        refused=refused,
        unmarked=unmarked,
    )


def _small(values: np.ndarray[Any, Any]) -> Counts:
    return values.astype(np.uint32)


class _Side:
    """The messages of one column, flat: the tokens of each, where it begins in its row, and whether it is learnt."""

    def __init__(self, batch: Batch, column: str, count: Counter, overhead: Overhead) -> None:
        missing = batch[column].null_count() == batch.height  # such a column may have no type to take apart
        messages = pl.DataFrame(schema=MESSAGE.to_schema()) if missing else flat(batch, column)
        self.rows = batch.height
        self.owner = owners(batch, column).to_numpy().astype(np.int64)
        self.count = np.bincount(self.owner, minlength=self.rows)
        texts, called = said(messages), _called(messages)
        at = np.array([place for place, _ in called], np.int64)
        # ONE call for all texts.
        found = count.counts(pl.concat([texts.cast(pl.String), pl.Series("said", [t for _, t in called], pl.String)]))
        self.spoken = found[: len(texts)].astype(np.int64)
        np.add.at(self.spoken, at, found[len(texts) :].astype(np.int64))
        before = np.full(len(texts), overhead.message, np.int64)
        if overhead.role:
            before += _few(messages["role"], count)
        if overhead.name:
            before += np.where(
                messages["name"].is_not_null().to_numpy(), _few(messages["name"], count) + overhead.name, 0
            )
        tokens = before + self.spoken
        ends = np.cumsum(tokens)
        firsts = np.cumsum(self.count) - self.count
        sums = np.concatenate((ends - tokens, ends[-1:], [0]))
        self._sums, self._firsts = sums, firsts
        start = sums[np.minimum(firsts, len(texts))] if len(texts) else np.zeros(self.rows, np.int64)
        self._start = start
        self.place = np.arange(len(texts)) - firsts[self.owner]
        self.at = ends - self.spoken - start[self.owner]
        self.total = np.bincount(self.owner, tokens, self.rows).astype(np.int64)
        self.role = messages["role"].fill_null("other").replace(_ALIKE).to_numpy()
        self._weighed = (messages["weight"].fill_null(1) != 0).to_numpy()
        self._learn = np.zeros(len(texts), bool)
        self.images = self._rows_of(_images(messages))
        self.calls = self._rows_of(at)

    def _rows_of(self, messages: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        found = np.zeros(self.rows, bool)
        found[self.owner[messages]] = True
        return found

    def upto(self, message: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Count the tokens before a message of each row; the row's number of messages means its end."""
        ends = self._firsts + np.minimum(message, self.count)
        return np.asarray(self._sums[ends] - self._start) if len(self.owner) else np.zeros(self.rows, np.int64)

    def learn(self, start: np.ndarray[Any, Any]) -> None:
        """Learn what the assistant says from a message of each row on, where its weight is not 0."""
        self._learn = (self.role == "assistant") & self._weighed & (self.place >= start[self.owner])

    def learnt(self, before: np.ndarray[Any, Any], most: np.int64 | None) -> np.ndarray[Any, Any]:
        """Count what is learnt of each row within `most` tokens, `before` of which stand before these messages."""
        kept = self.spoken
        if most is not None:
            kept = np.clip(most - before[self.owner] - self.at, 0, self.spoken)
        return np.bincount(self.owner, kept * self._learn, self.rows).astype(np.int64)

    def by_role(self, role: str) -> np.ndarray[Any, Any]:
        """Count what a role says in each row."""
        mine = ~np.isin(self.role, ROLES) if role == "other" else self.role == role
        return np.bincount(self.owner, self.spoken * mine, self.rows).astype(np.int64)


def _few(values: pl.Series, count: Counter) -> np.ndarray[Any, Any]:
    """Count texts of which few differ: each once."""
    codes = values.rank("dense").fill_null(0).to_numpy()
    different = values.drop_nulls().unique().sort()
    sizes = np.concatenate(([0], count.counts(different) if len(different) else []))
    return np.asarray(sizes[codes]).astype(np.int64)


def _images(messages: pl.DataFrame) -> np.ndarray[Any, Any]:
    """Give the places of the messages that hold an image (or a sound, a file)."""
    parts = messages["parts"]
    if parts.null_count() == len(parts):
        return np.array([], np.int64)
    at = np.flatnonzero(parts.is_not_null().to_numpy())
    return at[[_other_than_text(source) for source in parts.gather(at).to_list()]]


def _other_than_text(source: str) -> bool:
    parts = json.loads(source)
    parts = parts if isinstance(parts, list) else [parts]
    return any(isinstance(part, dict) and part.get("type") not in ("text", "refusal", None) for part in parts)


def _called(messages: pl.DataFrame) -> list[tuple[int, str]]:
    """Give the names and arguments of all calls, and refusals that stand beside the content, each with its message."""
    found: list[tuple[int, str]] = []
    for field in ("tool_calls", "extra"):
        column = messages[field]
        if column.null_count() == len(column):
            continue
        for place in np.flatnonzero(column.is_not_null().to_numpy()).tolist():
            value = json.loads(column[place])
            if field == "extra":
                refusal = value.get("refusal") if isinstance(value, dict) else None
                found += [(place, refusal)] if isinstance(refusal, str) else []
                value = [value.get("function_call")] if isinstance(value, dict) else []
            found += [(place, text) for call in value if isinstance(value, list) for text in _call(call)]
    return found


def _call(call: Any) -> Iterator[str]:
    call = call.get("function", call) if isinstance(call, dict) else None
    for key in ("name", "arguments"):
        value = call.get(key) if isinstance(call, dict) else None
        if value is not None:
            yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _rendered(
    batch: Batch, count: Folder, template: Template, most: np.int64
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Count each row as its chat template renders it; and say which rows it does not take.

    The lines of the first: all, longest, kept of all, trained, kept of what is trained.
    """
    made, refused = np.zeros((5, batch.height), np.int64), np.zeros(batch.height, bool)
    for i, talk in enumerate(talks(batch)):
        if not talk.sequences[0]:
            continue
        try:
            made[:, i] = _of_talk(talk, count, template, int(most))
        except Refused:
            refused[i] = True
    return made, refused


def _of_talk(talk: Talk, count: Folder, template: Template, most: int) -> tuple[int, ...]:
    asked = len(count.offsets(template.render(talk.question, talk.tools).text)) if talk.question else 0
    whole = longest = cut = trained = kept = 0
    for number, messages in enumerate(talk.sequences):
        shown = template.render(messages, talk.tools)
        ends = count.offsets(shown.text)
        learnt = shown.learnt(ends)
        if talk.question is not None:
            learnt[:asked] = False
        again = asked if number else 0  # the question of a preference row is counted once
        whole += len(ends) - again
        longest = max(longest, len(ends))
        cut += min(len(ends), most) - min(again, most)
        trained += int(learnt.sum())
        kept += int(learnt[:most].sum())
    return whole, longest, cut, trained, kept
