"""Exact duplicates, by a 128-bit hash of each row. At a thousand million rows the chance that any two different rows
share one is below 2e-21 (birthday bound, n²/2¹²⁹), so equal hashes are taken for equal rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import polars as pl
import xxhash
from pydantic import Field

from ftdata.batch import FIELDS, Batch, flat, lengths, nest
from ftdata.jsontext import compact
from ftdata.stages import Example, Rows, Selector

_JSON = ("tool_calls", "parts", "extra")
_ROLES = {"question": ("user",), "answer": ("assistant",)}
_Spelt: TypeAlias = Sequence[pl.Expr | str]


class ExactDedup(Selector):
    """Drop conversations that stand in the data more than once, and keep one of each.

    `on` says what must be equal: the whole `conversation` (every field of every message, tool definitions, the rejected
    answer, other keys of the row; meta does not count), the `question` (all that the user says) or the `answer` (all
    that the assistant says or calls). A row without any question or answer is nobody's duplicate. `normalise =
    "space-case"` takes texts for equal that differ in upper and lower case or in white space only.

    The reason is `duplicate`, the note names the row that was kept: `twin row 17`. A row that stands already in what
    `against` names is dropped whatever `keep` says: reason `duplicate-earlier`, note `earlier train.jsonl#17`, its file
    and row.
    """

    name: ClassVar[str] = "exact-dedup"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The first of equal rows stays.",
            (("Where is it?", "On its way."), ("Where is it?", "On its way."), ("where is  it?", "On its way.")),
        ),
        Example(
            "Case and white space do not count, and only the question is compared.",
            (("Where is it?", "On its way."), ("where is  it?", "It left on Monday, you get it tomorrow.")),
            {"on": "question", "normalise": "space-case", "keep": "longest"},
        ),
        Example(
            "What an earlier run wrote stands already.",
            (("Where is it?", "On its way."), ("Cadê meu pedido?", "Já saiu.")),
            {"against": ["train.jsonl"]},
            earlier=(("Where is it?", "On its way."),),
        ),
    )

    on: Literal["conversation", "question", "answer"] = Field(
        "conversation", description="what must be equal: conversation, question or answer"
    )
    keep: Literal["first", "last", "longest"] = Field(
        "first", description="which one to keep: first, last or longest (by characters of all messages; then the first)"
    )
    normalise: Literal["none", "space-case"] = Field(
        "none", description="none, or space-case: differences in case and white space do not count"
    )

    against: tuple[Path, ...] = Field(
        (), description="what earlier runs wrote: chat JSONL files, or folders of them or of a Hugging Face dataset"
    )

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's hash as two numbers, `hi` and `lo` (null: nobody's duplicate), and its `size`: 28 bytes."""
        whole = self.on == "conversation"
        texts = canonical(batch, None if whole else _ROLES[self.on], self.normalise == "space-case")
        hi, lo = digests(texts)
        size = _sizes(batch) if self.keep == "longest" else pl.zeros(batch.height, pl.UInt32, eager=True)
        return pl.DataFrame({"row": batch["row"], "hi": hi, "lo": lo, "size": size})

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Drop all rows of a group but the one to keep."""
        if self.keep == "longest":
            best = pl.col("row").sort_by(pl.col("size"), pl.col("row"), descending=[True, False]).first()
        else:
            best = pl.col("row").min() if self.keep == "first" else pl.col("row").max()
        known = sketches.filter(pl.col("hi").is_not_null())
        before = self._written(known, rows)
        known = known.join(before.lazy(), on="row", how="anti")
        groups = (
            known.group_by("hi", "lo").agg(best.alias("kept"), pl.len().alias("copies")).filter(pl.col("copies") > 1)
        )
        copies = (
            known.join(groups, on=["hi", "lo"])
            .filter(pl.col("row") != pl.col("kept"))
            .select(
                "row",
                pl.lit("duplicate").alias("drop"),
                pl.format("twin row {}", pl.col("kept")).alias("note"),
            )
        )
        return pl.concat([before.lazy(), copies])

    def _written(self, known: pl.LazyFrame, rows: Rows) -> pl.DataFrame:
        """Decide upon the rows that stand in what earlier runs wrote; the first such place is named.

        The hashes of all that they wrote stand in memory, about 50 bytes a row.
        """
        theirs = [pl.DataFrame(schema={"hi": pl.UInt64, "lo": pl.UInt64, "id": pl.String})]
        for path in self.against:
            for batch in rows.earlier(path):
                theirs.append(self.sketch(batch).select("hi", "lo", batch["id"]))
        places = pl.concat(theirs).unique(["hi", "lo"], keep="first", maintain_order=True).lazy()
        return (
            known.join(places, on=["hi", "lo"], how="inner")
            .select("row", drop=pl.lit("duplicate-earlier"), note=pl.format("earlier {}", "id"))
            .collect()
        )


def canonical(batch: Batch, roles: tuple[str, ...] | None = None, loose: bool = False) -> pl.Series:
    """Give each row as one text that is equal for equal rows only: of all it holds, or of what some roles say.

    White space between the tokens of open-ended JSON does not count: writers leave it out. Each field stands with its
    length before it, so that no text can imitate a boundary. With `roles`, names, weights and ids are left out
    and a row in which they say nothing is null. `loose` levels case and white space of contents.
    """
    if roles is not None:
        turns = _turns(batch, "messages", ("content", "parts", "tool_calls"), loose, roles)
        return turns.rename("canonical")
    pieces = [_turns(batch, column, FIELDS, loose, None) for column in ("messages", "rejected")]
    fields = [batch["answer_at"], compact(batch["tools"]), compact(batch["extra"])]
    spelt = [_or_null(piece, [pl.col(piece.name)]) for piece in pieces] + [_field(values) for values in fields]
    return _joined([*pieces, *fields], spelt).rename("canonical")


def _turns(batch: Batch, column: str, fields: tuple[str, ...], loose: bool, roles: tuple[str, ...] | None) -> pl.Series:
    if batch[column].null_count() == batch.height:
        return pl.Series(column, [None], pl.String).new_from_index(0, batch.height)
    messages = flat(batch, column)
    values = [compact(messages[f]) if f in _JSON else messages[f] for f in fields]
    if loose:
        at = fields.index("content")
        values[at] = values[at].str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    turns = _joined(values, [_field(value) for value in values])
    if roles is not None:
        # A turn that says nothing is left out, so that rows of blanks are not each other's copies.
        content, parts, calls = values
        spoken = messages["role"].is_in(roles).fill_null(False)
        spoken &= (content.fill_null("").str.strip_chars() != "") | parts.is_not_null() | calls.is_not_null()
        turns = pl.select(pl.when(spoken).then(turns)).to_series()
    offsets = np.concatenate(([0], np.cumsum(lengths(batch, column).to_numpy(), dtype=np.int64)))
    listed = nest(turns, offsets, batch[column].is_null().to_numpy() if batch[column].null_count() else None)
    rows, said = listed.to_frame(column), pl.col(column).list
    if roles is not None:
        rows = rows.select(said.drop_nulls())
        return rows.select(pl.when(said.len() > 0).then(said.join(""))).to_series()
    counted = pl.format("{}[{}]", said.len(), said.join(""))
    return rows.select(pl.when(said.len().is_not_null()).then(counted) if listed.null_count() else counted).to_series()


def _field(values: pl.Series) -> _Spelt:
    """Spell `length:text` for each value of a column, `~` for null; what it is for one value depends on no other."""
    text = pl.col(values.name).cast(pl.String)
    return _or_null(values, [text.str.len_bytes(), ":", text])


def _or_null(values: pl.Series, spelt: _Spelt) -> _Spelt:
    if values.null_count() == len(values):
        return ["~"]
    return [pl.concat_str(_terms(spelt)).fill_null("~")] if values.null_count() else spelt


def _joined(columns: Sequence[pl.Series], spelt: Iterable[_Spelt]) -> pl.Series:
    """Join what is spelt of some columns: texts that are the same for all rows, and such as each has of its own."""
    terms: list[pl.Expr | str] = []
    for term in chain.from_iterable(spelt):  # most columns hold nothing: what is said of them is one text
        if isinstance(term, str) and terms and isinstance(terms[-1], str):
            terms[-1] += term
        else:
            terms.append(term)
    if len(terms) == 1 and isinstance(terms[0], str):
        return pl.Series([terms[0]]).new_from_index(0, len(columns[0]))
    return pl.DataFrame(columns).select(pl.concat_str(_terms(terms))).to_series()


def _terms(spelt: _Spelt) -> list[pl.Expr]:
    return [pl.lit(term) if isinstance(term, str) else term for term in spelt]


def digests(texts: pl.Series, seed: int = 0) -> tuple[pl.Series, pl.Series]:
    """Hash texts with XXH3 (128 bits, big-endian halves `hi` and `lo`); null stays null."""
    nulls = texts.is_null()
    digest = xxhash.xxh3_128_digest
    joined = b"".join([digest(text, seed) for text in texts.fill_null("").cast(pl.Binary).to_list()])
    halves = np.frombuffer(joined, dtype=">u8").astype(np.uint64).reshape(-1, 2)
    frame = pl.DataFrame({"hi": halves[:, 0], "lo": halves[:, 1]}, schema={"hi": pl.UInt64, "lo": pl.UInt64})
    if nulls.any():
        frame = frame.select(pl.when(~nulls).then(pl.all()))
    return frame["hi"], frame["lo"]


def _sizes(batch: Batch) -> pl.Series:
    messages = flat(batch)
    chars = messages["content"].str.len_chars().fill_null(0).to_numpy().astype(np.int64)
    chars += messages["parts"].str.len_chars().fill_null(0).to_numpy()
    running = np.concatenate(([0], np.cumsum(chars)))
    ends: np.ndarray[Any, Any] = np.cumsum(lengths(batch).to_numpy(), dtype=np.int64)
    starts = ends - lengths(batch).to_numpy()
    return pl.Series("size", running[ends] - running[starts]).cast(pl.UInt32)
