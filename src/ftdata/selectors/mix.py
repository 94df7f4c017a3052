"""Several sources in a given proportion: the largest mix that repeats no row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import lcm
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import polars as pl
from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from ftdata.batch import Batch, dumps
from ftdata.checks.classes import label_of, of_people, shown
from ftdata.checks.spread import characters
from ftdata.errors import RunError
from ftdata.selectors.apportion import dealt
from ftdata.selectors.exact_dedup import canonical, digests
from ftdata.selectors.telling import heard, tell
from ftdata.stages import Example, Rows, Selector, heads
from ftdata.texts import PER_TOKEN
from ftdata.transforms.filter import look_up
from ftdata.wording import hint

_NAMED = 50


def _pairs(given: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Give the pairs of a table; `tickets.csv = 0.7` without quotes is an inner table in TOML."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", weight) for inner, weight in _pairs(value))
        else:
            yield str(key), value


def _weights(given: Any) -> tuple[tuple[str, float], ...]:
    if isinstance(given, Mapping):
        pairs = list(_pairs(given))
    elif isinstance(given, (tuple, list)) and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in given):
        pairs = [(str(key), value) for key, value in given]
    else:
        raise ValueError('must be a table of sources and weights, such as { "tickets.csv" = 0.7, "chat.jsonl" = 0.3 }')
    for key, weight in pairs:
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < float("inf"):
            raise ValueError(f"{key}: {weight!r} is no weight; give a number above 0, or leave the source out")
    if len(pairs) < 2:
        raise ValueError("a mix has two sources or more; for fewer rows of one use downsample")
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("names a source twice")
    if not sum(weight for _, weight in pairs) < float("inf"):
        raise ValueError("the weights are too large to be added up; give shares, such as 0.7 and 0.3")
    return tuple(pairs)


class Mix(Selector):
    """Mix several sources in given proportions, as large as can be without repeating a row.

    A source is an input, by the name that stands before `#` in the ids of its rows (`tickets.csv`; of a folder or an
    archive its own name or that of a file in it), or with `by` a value of that meta field. Weights are shares of the
    `rows` or of the `tokens` (a token taken for 4 characters of all messages: about right for English, and alike for
    all sources of one language); they need not add up to 1.

    The source that is too small for its weight is taken whole, the others as far as fits. By rows, each source has its
    exact share of the result rounded up or down; by tokens it is the nearest that whole rows come to. Which rows of a
    source stay follows from a hash of the seed and of all that a row holds: order and batches change nothing, and a
    kept row stays when `rows` grows.

    The reason is `mixed-out`; the note tells what is kept of each source, in the order of `weights`, such as
    `rows 700 of 700 + 300 of 1,200, tokens 70,000 of 70,000 + 29,970 of 120,000`. Columns read: `id` or `meta` (the
    field `by`), and all that belongs to a training row.

    Errors: a source from which no row comes, and, unless `others = "drop"`, rows of a source that has no weight; the
    sources seen are listed, values of meta but those of people (`by = "customer"`).
    """

    name: ClassVar[str] = "mix"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "three rows of chat to one of mail: the mails are more than that",
            tuple((f"Question {number}?", f"Answer {number}.") for number in range(1, 8)),
            {"by": "channel", "weights": {"chat": 3, "mail": 1}},
            ({"channel": "chat"},) * 3 + ({"channel": "mail"},) * 4,
        ),
        Example(
            "the same by tokens: of the mails the short one comes nearest to a quarter",
            (
                *((f"Question {number}?", f"Answer {number}.") for number in range(1, 4)),
                ("Long mail?", "Word " * 20),
                ("Mail?", "Yes."),
            ),
            {"by": "channel", "weights": {"chat": 3, "mail": 1}, "unit": "tokens"},
            ({"channel": "chat"},) * 3 + ({"channel": "mail"},) * 2,
        ),
    )

    weights: Annotated[
        tuple[tuple[str, float], ...],
        PlainValidator(_weights),
        PlainSerializer(dict),
        WithJsonSchema({"type": "object"}),
    ] = Field(description='weight of each source, such as { "tickets.csv" = 0.7, "chat.jsonl" = 0.3 }')
    by: str | None = Field(
        None, min_length=1, description="meta field whose value names the source; by default sources are inputs"
    )
    unit: Literal["rows", "tokens"] = Field("rows", description="what the weights are shares of: rows or tokens")
    rows: int | None = Field(None, ge=1, description="rows of the mix at most; as many as fit if not given")
    others: Literal["error", "drop"] = Field(
        "error", description="what becomes of rows of sources without a weight: error, or drop"
    )
    seed: int = Field(0, ge=0, lt=2**64, description="another seed keeps other rows")

    def reads_meta(self) -> frozenset[str] | None:
        """Read the field `by`."""
        return heads((self.by,))

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give the place of each row's source among the weights, a hash of all it holds, and its tokens: 22 bytes.

        `told` holds the name of each source that the batch meets first, null for most rows.
        """
        places: list[int | None] = []
        told: list[str | None] = []
        known: dict[str | None, int | None] = {}
        for name in self._sources(batch):
            first = name not in known
            if first:
                known[name] = None if name is None else self._place(name)
            places.append(known[name])
            # The names of inputs are scrubbed already; values of meta are not.
            safe = name if name is None or self.by is None or name in self._named else self._shown(name)
            told.append(dumps([safe]) if first and safe is not None else None)
        tokens = np.maximum(1, -(-characters(batch).to_numpy().astype(np.int64) // PER_TOKEN))
        return pl.DataFrame(
            [
                batch["row"],
                digests(canonical(batch), self.seed)[0].rename("key"),
                pl.Series("source", places, pl.UInt16),
                pl.Series("tokens", tokens.astype(np.uint32)),
                pl.Series("told", told, pl.String),
            ]
        )

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Keep the first rows of each source, by their hashes; raise `RunError` where sources and weights differ."""
        frame = sketches.select("row", "key", "source", "tokens").collect()
        if not frame.height:
            return _decisions(frame.select("row"), "").lazy()
        self._complete(frame, sketches)
        ordered = frame.filter(pl.col("source").is_not_null()).sort("source", "key", "row")
        sums = [part["tokens"].cast(pl.Int64).cum_sum().to_numpy() for part in ordered.partition_by("source")]
        kept = self._by_rows(sums) if self.unit == "rows" else self._by_tokens(sums)
        counts = [len(part) for part in sums]
        tokens = [int(part[count - 1]) if count else 0 for part, count in zip(sums, kept, strict=True)]
        note = f"rows {_of(kept, counts)}, tokens {_of(tokens, [int(part[-1]) for part in sums])}"
        stays = np.concatenate([np.arange(size) < count for size, count in zip(counts, kept, strict=True)])
        gone = pl.concat([ordered.filter(pl.Series(~stays)), frame.filter(pl.col("source").is_null())])
        first = int(frame["row"].to_numpy().min())
        return tell(_decisions(gone.select("row"), note), first, self._told(kept, tokens)).lazy()

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: each source's weight, wanted and reached, its rows and tokens."""
        return heard(decisions)

    @property
    def _named(self) -> list[str]:
        return [name for name, _ in self.weights]

    def _shown(self, value: str) -> str | None:
        return None if self.by is None or of_people(self.by) else shown(value)

    def _told(self, rows: list[int], tokens: list[int]) -> dict[str, Any]:
        names = self._named
        whole = sum(weight for _, weight in self.weights)
        reached = rows if self.unit == "rows" else tokens
        all_of_them = max(1, sum(reached))  # a bound below the first row of each source keeps none
        return {
            "wanted": {name: round(weight / whole, 4) for name, (_, weight) in zip(names, self.weights, strict=True)},
            "reached": {name: round(count / all_of_them, 4) for name, count in zip(names, reached, strict=True)},
            "rows": dict(zip(names, rows, strict=True)),
            "tokens": dict(zip(names, tokens, strict=True)),
        }

    def _sources(self, batch: Batch) -> list[str | None]:
        if self.by is None:
            return [name.rpartition("#")[0] or name for name in batch["id"].to_list()]
        decode = msgspec.json.Decoder().decode
        return [None if text is None else label_of(look_up(decode(text), self.by)) for text in batch["meta"].to_list()]

    def _place(self, name: str) -> int | None:
        """Find the weight of a source: its own, else that of the folder, archive or path that it is named after."""
        names = self._named
        if name in names or self.by is not None:
            return names.index(name) if name in names else None
        fits = [key for key in names if key.endswith(f"/{name}") or name.startswith((f"{key}/", f"{key}:", f"{key}~"))]
        return names.index(max(fits, key=len)) if fits else None

    def _complete(self, frame: pl.DataFrame, sketches: pl.LazyFrame) -> None:
        """Raise where a weight has no rows, or rows have no weight."""
        found = set(frame["source"].drop_nulls().unique().to_list())
        lacking = [name for place, (name, _) in enumerate(self.weights) if place not in found]
        bare = frame["source"].null_count()
        if not lacking and (not bare or self.others == "drop"):
            return
        told = sketches.select(pl.col("told").drop_nulls().unique()).collect()["told"]
        seen = sorted({name for text in told for name in msgspec.json.decode(text)})
        listed = ", ".join(seen[:_NAMED]) or "none"
        if lacking:
            if self.by is not None and bare == frame.height and not seen:
                listed = f"none that can be shown; has any row the meta key {self.by!r}?"
            meant = hint(lacking[0], [name for name in seen if self._place(name) is None])
            raise RunError(f"mix: weights: no row comes from {lacking[0]!r}; sources seen: {listed}{meant}")
        raise RunError(
            f"mix: weights: {bare:,} rows come from sources without a weight; sources seen: {listed}; give each a "
            'weight, or write others = "drop"'
        )

    def _shares(self) -> list[int]:
        """Give the weights as whole numbers."""
        parts = [Fraction(str(weight)) for _, weight in self.weights]
        common = lcm(*(part.denominator for part in parts))
        return [int(part * common) for part in parts]

    def _by_rows(self, sums: list[Any]) -> list[int]:
        shares = self._shares()
        most = min(len(part) * sum(shares) // share for part, share in zip(sums, shares, strict=True))
        return dealt(shares, most if self.rows is None else min(most, self.rows))

    def _by_tokens(self, sums: list[Any]) -> list[int]:
        """Take of each source the rows that come nearest to its share of the most tokens that all can fill."""
        shares = self._shares()
        whole = sum(shares)

        def kept(tokens: int) -> list[int]:
            return [_nearest(part, Fraction(tokens * share, whole)) for part, share in zip(sums, shares, strict=True)]

        low, high = 0, min(int(part[-1]) * whole // share for part, share in zip(sums, shares, strict=True))
        if self.rows is None:
            return kept(high)
        while low < high:
            tokens = (low + high + 1) // 2
            low, high = (tokens, high) if sum(kept(tokens)) <= self.rows else (low, tokens - 1)
        return kept(low)


def _nearest(sums: Any, target: Fraction) -> int:
    """Give how many rows come nearest to a number of tokens; the fewer of two."""
    at = int(np.searchsorted(sums, float(target)))
    around = [count for count in range(at - 1, at + 3) if 0 <= count <= len(sums)]
    return min(around, key=lambda count: (abs((int(sums[count - 1]) if count else 0) - target), count))


def _of(kept: list[int], of: list[int]) -> str:
    return " + ".join(f"{count:,} of {size:,}" for count, size in zip(kept, of, strict=True))


def _decisions(gone: pl.DataFrame, note: str) -> pl.DataFrame:
    return gone.select("row", drop=pl.lit("mixed-out"), note=pl.lit(note))
