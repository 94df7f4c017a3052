"""How many tokens the rows have, what a limit leaves of them, and how many are learnt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from pydantic import ConfigDict, Field, model_validator

from ftdata.batch import Batch, lengths
from ftdata.checks.spread import quantile
from ftdata.errors import RecipeError
from ftdata.stages import Check, Example, Finding
from ftdata.targets import load
from ftdata.tokens.counters import Counter, Folder, chosen, unknown
from ftdata.tokens.learning import as_learnt
from ftdata.tokens.rows import ROLES
from ftdata.tokens.rows import counted as tokens_of
from ftdata.wording import counted
from ftdata.writers.learned import DESCRIPTION, Turns, unfold

SHOWN = 20
"""Rows named for one finding at most."""

_QUANTILES = {"min": 0.0, "p5": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


class Tokens(Check):
    """Count the tokens of the rows, and tell which rows a limit cuts and of which nothing would be learnt.

    The finding `tokens-spread` gives min, p5, p50, p95, p99 and max of a row's tokens, of those that are learnt, and of
    what each role says, for all rows and for each split; and the share of all tokens that is learnt. Quantiles are
    values that occur: the least value that at least that share of the rows does not exceed.

    | code | level | when |
    |---|---|---|
    | `tokens-spread` | info | always |
    | `tokens-truncated` | warn | a row has more tokens than `max_length`: its end is cut off |
    | `tokens-not-rendered` | error | the tokenizer's chat template does not take a row |
    | `tokens-nothing-learnt` | error | no token is learnt of a row, or none that `max_length` leaves |

    Exact for OpenAI's encodings (`cl100k`, `o200k`; named by `tokenizer`, or found from `model`) with what the service
    adds, 3 tokens a message, 1 a name, 3 a reply (OpenAI cookbook, checked 2026-11-21), and for a tokenizer in a local
    folder, rendered by its chat template. Without either, four characters are taken for a token and the finding says
    `estimated`. Learnt is what the assistant says with a weight that is not 0, its calls too; of a preference row both
    answers; by a chat template with generation marks what these hold, whatever the weights. What `for` is known to do
    otherwise counts: TRL looks at no weights, Mistral learns of a row with tools the last answer only. Tool definitions
    and images are not counted, of a tool call its name and arguments: the finding says in how many rows. A row for
    reinforcement (grader fields, no answer at the end) has nothing to learn and is no error. Columns read: `messages,
    rejected, answer_at, tools, extra, split`.
    """

    name: ClassVar[str] = "tokens"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two rows are over the limit; nothing is left to learn of the one whose question is too long.",
            (
                ("Where is my order?", "It left us on Monday."),
                ("My parcel is late. " * 12, "Sorry to hear that."),
                ("Which papers do I need?", "Your passport, please, " + "and a copy of it, " * 12 + "in colour."),
            ),
            {"max_length": 50},
        ),
    )
    model_config = ConfigDict(populate_by_name=True)

    tokenizer: str | None = Field(
        None,
        description="`cl100k`, `o200k`, or a folder with `tokenizer.json`, relative to where ftdata runs; default: by "
        "`model`, else an estimate",
    )
    model: str | None = Field(None, description="model to be trained, such as `gpt-4o-mini-2024-07-18`")
    target: str | None = Field(
        None,
        alias="for",
        description="target that decides what is learnt, and whose limit for `model` is the `max_length`: `openai`",
    )
    max_length: int | None = Field(None, ge=1, description="tokens after which a row is cut; default: the target's")
    turns: Turns = Field("whole", description=DESCRIPTION)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.tokenizer is not None and (fault := unknown(self.tokenizer)) is not None:
            raise ValueError(f"tokenizer: {fault}")
        if self.target is not None:
            try:
                load(self.target)
            except RecipeError as error:
                raise ValueError(str(error)) from None
        return self

    def reads_meta(self) -> frozenset[str]:
        """Read none."""
        return frozenset()

    def counter(self) -> Counter:
        """Give what counts: the tokenizer that is named, else the model's, else an estimate."""
        return chosen(self.tokenizer, self.model)

    def limit(self) -> tuple[int | None, str]:
        """Give the tokens after which a row is cut, and where that number stands; None: no limit is known."""
        if self.max_length is not None:
            return self.max_length, "max_length"
        if self.target is None or self.model is None:
            return None, ""
        base = self.model.removeprefix("ft:").partition(":")[0]
        profile = load(self.target)
        found = [
            limit
            for limit in profile.limits
            if limit.unit == "tokens" and (base == limit.name or base.startswith(f"{limit.name}-"))
        ]
        if not found:
            return None, ""
        best = max(found, key=lambda limit: len(limit.name))
        return best.value, f"{best.name} at {profile.name}, {best.evidence}: {best.source}"

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give the tokens of each row (with `turns`, of each line): all, learnt, within the limit, by role."""
        rows = as_learnt(unfold(batch, self.turns), self.target)
        found = tokens_of(rows, self.counter(), limit=self.limit()[0])
        columns: dict[str, Any] = {
            "row": rows["row"],
            "split": rows["split"],
            "all": found.all,
            "trained": found.trained,
            "longest": found.longest,
            "kept": found.kept,
            "graded": _graded(rows),
            "tools": found.tools,
            "images": found.images,
            "calls": found.calls,
            "refused": found.refused,
            "unmarked": np.full(rows.height, found.unmarked),
        }
        return pl.DataFrame(columns | {role: found.roles[role] for role in (*ROLES, "other")})

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give a finding on the spread, and one for rows that are cut and for rows that teach nothing."""
        rows = sketches.collect().sort("row", maintain_order=True)
        return [self._spread(rows), *self._breaches(rows)] if rows.height else []

    def _spread(self, rows: pl.DataFrame) -> Finding:
        count = self.counter()
        limit, _ = self.limit()
        numbers: dict[str, Any] = {
            "tokenizer": "folder" if isinstance(count, Folder) else count.name,
            "counted_by": count.how,
            "estimated": not count.exact,
            "max_length": limit,
            **_numbers(rows),
        }
        if rows["split"].null_count() < rows.height:
            splits = rows.with_columns(pl.col("split").fill_null("train")).partition_by("split", as_dict=True)
            numbers["splits"] = {str(split): _numbers(part) for (split,), part in sorted(splits.items())}
        apart = {name: int(rows[name].sum()) for name in ("tools", "images", "calls")}
        numbers["not_counted"] = {"tool_definitions": apart["tools"], "images": apart["images"]}
        numbers["partly_counted"] = {"tool_calls": apart["calls"]}
        told = numbers["all"]
        line = "line" if self.turns == "expand" else "row"
        message = (
            f"half of {counted(rows.height, line)} have at most {told['p50']:,} tokens, 95 % at most {told['p95']:,}, "
            f"the longest {told['max']:,}; {numbers['trained_share']:.0%} of {numbers['tokens']:,} tokens are learnt "
            f"({count.name}{'' if count.exact else ', estimated'}: {count.how})"
        )
        left_out = [
            f"{what} of {counted(apart[name], line)}"
            for name, what in (("tools", "tool definitions"), ("images", "images"))
            if apart[name]
        ]
        if left_out:
            message += f"; not counted: {', '.join(left_out)}"
        if apart["calls"]:
            message += f"; of the tool calls of {counted(apart['calls'], line)} names and arguments only"
        if isinstance(count, Folder) and rows["unmarked"].any():
            numbers["generation_marks"] = False
            message += (
                "; the chat template has no generation marks: with assistant-only loss a trainer learns nothing of it, "
                "or refuses it (TRL raises), so give the trainer one that has"
            )
        return Finding("tokens-spread", "info", message, numbers)

    def _breaches(self, rows: pl.DataFrame) -> Iterator[Finding]:
        limit, source = self.limit()
        where = f" ({source})" if source and self.max_length is None else ""
        line = "line" if self.turns == "expand" else "row"
        if limit is not None:
            over = rows.filter(pl.col("longest") > limit).sort("longest", "row", descending=[True, False])
            if over.height:
                lost = int((over["trained"].cast(pl.Int64) - over["kept"].cast(pl.Int64)).sum())
                numbers = {"rows": over.height, "max_length": limit, "max": int(over["longest"][0]), "lost": lost}
                message = (
                    f"{counted(over.height, line)} over {limit:,} tokens{where}, the longest {numbers['max']:,}: the "
                    f"end is cut off, {lost:,} tokens to learn with it; shorten them, or drop them with a length step"
                )
                yield Finding("tokens-truncated", "warn", message, numbers, _numbers_of(over))
        refused = rows.filter("refused")
        if refused.height:
            message = (
                f"the chat template does not take {counted(refused.height, line)}; a trainer will stop there: see "
                "`ftdata tokens FILE --row N`, and bring the turns into the order that it wants"
            )
            yield Finding("tokens-not-rendered", "error", message, {"rows": refused.height}, _numbers_of(refused))
        void = rows.filter((pl.col("kept") == 0) & ~pl.col("graded") & ~pl.col("refused"))
        if void.height:
            cut = void.filter(pl.col("trained") > 0).height
            found = {"rows": void.height, "cut": cut, "max_length": limit}
            why = f", {cut:,} of them because what is to be learnt stands after {limit:,} tokens{where}" if cut else ""
            message = (
                f"of {counted(void.height, line)} no token is learnt{why}; a row needs an answer with a weight that is "
                "not 0 within the limit: drop or shorten them"
            )
            yield Finding("tokens-nothing-learnt", "error", message, found, _numbers_of(void))


def _graded(batch: Batch) -> np.ndarray[Any, Any]:
    """Say which rows are for reinforcement: grader fields beside the messages, and no answer at the end."""
    if batch["extra"].null_count() == batch.height or batch["messages"].null_count() == batch.height:
        return np.zeros(batch.height, bool)
    last = batch["messages"].list.last().struct.field("role").fill_null("").to_numpy()
    plain = batch["rejected"].is_null() & batch["answer_at"].is_null() & batch["extra"].is_not_null()
    return np.asarray(plain.to_numpy() & (last != "assistant") & (lengths(batch) > 0).to_numpy())


def _numbers(rows: pl.DataFrame) -> dict[str, Any]:
    numbers: dict[str, Any] = {"rows": rows.height, "tokens": int(rows["all"].sum())}
    trained = int(rows["trained"].sum())
    numbers["trained_share"] = round(trained / max(numbers["tokens"], 1), 4)
    for name in ("all", "trained", *ROLES, "other"):
        values = rows[name]
        if name in ("all", "trained") or values.max():
            numbers[name] = {key: quantile(values, share) for key, share in _QUANTILES.items()}
            numbers[name]["sum"] = int(values.sum())
    return numbers


def _numbers_of(rows: pl.DataFrame) -> tuple[int, ...]:
    return tuple(int(row) for row in rows["row"].unique(maintain_order=True).head(SHOWN))
