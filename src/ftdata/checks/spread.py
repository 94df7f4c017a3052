"""The rows by one field: how even its classes are, what each holds, how often they repeat; and two fields together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, lengths, said
from ftdata.checks.classes import LABEL, Told
from ftdata.stages import Finding
from ftdata.texts import PER_TOKEN
from ftdata.wording import counted

if TYPE_CHECKING:
    from ftdata.checks.balance import Balance

SHOWN = 20
"""Rows named for one finding at most, and classes whose numbers are given."""
FEW = 30
"""Below so many answers or rows of a class nothing is said of repeats: shares would say little."""

_VERBS = {"question": "ask", "answer": "answer"}


def even(sizes: Sequence[float] | np.ndarray[Any, Any]) -> float:
    """Say how many groups of one size would be as uneven as groups of these: exp of Shannon's entropy (Hill 1973)."""
    shares = np.asarray(sizes, dtype=np.float64)
    shares = shares / shares.sum()
    return math.exp(-math.fsum((shares * np.log(shares)).tolist()))


def characters(batch: Batch) -> pl.Series:
    """Count the characters of all messages of each row (UInt32)."""
    sizes = said(flat(batch)).str.len_chars().fill_null(0).to_numpy().astype(np.int64)
    sums = np.concatenate(([0], np.cumsum(sizes)))
    counts = lengths(batch).to_numpy().astype(np.int64)
    ends = np.cumsum(counts)
    return pl.Series("characters", sums[ends] - sums[ends - counts]).cast(pl.UInt32)


class Spread:
    """The rows by one field: its classes, the largest first."""

    def __init__(self, check: Balance, place: int, field: str, rows: pl.DataFrame, told: Told) -> None:
        self.check, self.by_label = check, field == LABEL
        self.field = "the assistant's labels" if self.by_label else f"'{field}'"
        self.remedy = field
        self.rows = rows.height
        self.frame = rows.rename({f"class_{place}": "class"}).filter(pl.col("class").is_not_null())
        self.classes = (
            self.frame.group_by("class")
            .agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("row").bottom_k(SHOWN))
            .sort(["rows", "class"], descending=[True, False])
        )
        self.counts = self.classes["rows"].to_list()
        self.known = self.frame.height
        # A field of nearly as many values as rows (a customer) has no classes to name.
        self.listed = len(self.counts) <= max(SHOWN, self.known // 10)
        names: dict[str, int] = {}
        for rank, value in enumerate(self.classes["class"].head(SHOWN), 1):
            name = None if self.by_label else told.names.get((place, value))
            names[name if name is not None and name not in names else f"(class {rank})"] = value
        self.names = {value: name for name, value in names.items()}

    def spread(self) -> Iterator[Finding]:
        """Tell how even the classes are, and which bounds that passes."""
        check, counts, known = self.check, self.counts, self.known
        shares = [count / known for count in counts]
        effective = even(counts)
        numbers: dict[str, Any] = {
            "by": self.remedy,
            "rows": self.rows,
            "without": self.rows - known,
            "classes": len(counts),
            "effective": round(effective, 2),
            "largest_share": round(shares[0], 4),
            "smallest": counts[-1],
        }
        if not self.by_label and self.listed:
            numbers["shares"] = {
                self.names[value]: round(share, 4)
                for value, share in zip(self.classes["class"].head(SHOWN), shares, strict=False)
            }
        message = (
            f"{len(counts):,} classes by {self.field}, as even as {effective:.1f} equal ones; "
            f"the largest has {shares[0]:.0%}, the smallest {counts[-1]:,} of {known:,} rows"
        )
        if len(counts) == 1:
            message = f"one class by {self.field}, of {counted(known, 'row')}"
        yield Finding("balance-spread", "info", message, numbers)
        if shares[0] > check.max_share:
            told = (
                f"one class by {self.field} has {shares[0]:.1%} of the rows; max_share is {check.max_share:.1%}; "
                + self._cap(check.max_share)
            )
            limits = {"share": round(shares[0], 4), "max_share": check.max_share, "rows": counts[0]}
            yield found("balance-max-share", check.level, told, limits, self.classes["row"][0])
        small = sum(count < check.min_count for count in counts)
        if small:
            told = (
                f"{small:,} of {len(counts):,} classes by {self.field} have fewer than {check.min_count:,} rows; add "
                "rows, or put them under a wider class"
            )
            limits = {"classes": small, "min_count": check.min_count, "smallest": counts[-1]}
            yield found("balance-min-count", check.level, told, limits, self.classes["row"][-1])
        if known < self.rows:
            told = f"{self.rows - known:,} of {self.rows:,} rows have no class by {self.field}"
            yield Finding("balance-no-class", "info", told, {"rows": self.rows - known})

    def _cap(self, most: float) -> str:
        """Say how to come below a share: few classes cannot all have less than it."""
        if len(self.counts) * most >= 1 and most > 0:
            return f'cap it with downsample: by = "{self.remedy}", most_share = {most:g}'
        have = f"{len(self.counts)} classes" if len(self.counts) > 1 else "one class"
        return f"{have} cannot have less: add rows of others, or raise max_share"

    def lengths(self) -> Iterator[Finding]:
        """Tell how long the rows of each class are."""
        total = int(self.frame["characters"].cast(pl.Int64).sum())
        if not total or not self.listed:
            return
        quantiles = {name: least(pl.col("characters"), share) for name, share in (("median", 0.5), ("p90", 0.9))}
        counted = self.frame.group_by("class").agg(pl.col("characters").cast(pl.Int64).sum().alias("all"), **quantiles)
        by_class = {row["class"]: row for row in counted.iter_rows(named=True)}
        numbers: dict[str, Any] = {"by": self.remedy}
        heaviest = (0.0, 0.0)
        for value, rows in zip(self.classes["class"], self.counts, strict=True):
            one = by_class[value]
            heaviest = max(heaviest, (one["all"] / total, rows / self.known))
            if value in self.names:
                numbers[self.names[value]] = {
                    "share_of_characters": round(one["all"] / total, 4),
                    **{name: one[name] for name in quantiles},
                    **{f"{name}_tokens": -(-one[name] // PER_TOKEN) for name in quantiles},
                }
        told = (
            f"the class by {self.field} with most text holds {heaviest[0]:.0%} of all characters in "
            f"{heaviest[1]:.0%} of the rows"
        )
        yield Finding("balance-lengths", "info", told, numbers)

    def repeats(self) -> Iterator[Finding]:
        """Tell how many rows of each class say what another of it says."""
        kinds = ["question"] if self.by_label else ["question", "answer"]
        repeats = {f"same_{kind}": _repeats(pl.col(kind).drop_nulls()) for kind in kinds}
        counted = (
            self.frame.group_by("class")
            .agg(pl.len().cast(pl.Int64).alias("rows"), **repeats)
            .sort(["rows", "class"], descending=[True, False])
        )
        if not self.listed or not sum(int(counted[name].sum()) for name in repeats):
            return
        numbers: dict[str, Any] = {"by": self.remedy}
        for row in counted.head(SHOWN).iter_rows(named=True):
            numbers[self.names[row["class"]]] = {"rows": row["rows"], **{name: row[name] for name in repeats}}
        said = [f"{int(counted[f'same_{kind}'].sum()):,} {_VERBS[kind]}" for kind in kinds]
        told = f"of {self.known:,} rows {' and '.join(said)} what another of their class by {self.field} does already"
        yield Finding("balance-repeats", "info", told, numbers)
        over = counted.filter(
            (pl.col("rows") >= FEW) & (pl.col("same_question") > self.check.max_repeats * pl.col("rows"))
        ).sort(pl.col("same_question") / pl.col("rows"), pl.col("class"), descending=[True, False])
        if over.height:
            worst = over.row(0, named=True)
            share = worst["same_question"] / worst["rows"]
            told = (
                f"in {over.height:,} class{'es' * (over.height > 1)} by {self.field} most questions are repeats, "
                f'{share:.0%} of {worst["rows"]:,} rows in one; put an exact-dedup step before: on = "question"'
            )
            limits = {"classes": over.height, "share": round(share, 4), "max_repeats": self.check.max_repeats}
            where = self.classes.filter(pl.col("class") == worst["class"])["row"][0]
            yield found("balance-repeated", self.check.level, told, limits, where)


def cross(rows: pl.DataFrame, pair: tuple[int, int], fields: tuple[str, ...]) -> Iterator[Finding]:
    """Tell how two fields go together, by Cramér's V with Bergsma's correction: without it few rows look dependent.

    φ² = χ² / n; φ²' = max(0, φ² - (r - 1)(c - 1) / (n - 1)); k' = k - (k - 1)² / (n - 1); V' = √(φ²' / (least k' - 1))
    (Bergsma 2013, A bias-correction for Cramér's V and Tschuprow's T).
    """
    one, other = (f"class_{place}" for place in pair)
    cells = rows.filter(pl.col(one).is_not_null() & pl.col(other).is_not_null()).group_by(one, other).len("rows")
    total = int(cells["rows"].sum())
    if not total:
        return
    sums = [cells.group_by(name).agg(pl.col("rows").sum().alias(f"{name}_rows")) for name in (one, other)]
    table = cells.join(sums[0], on=one).join(sums[1], on=other).sort(one, other)
    names = ("rows", f"{one}_rows", f"{other}_rows")
    observed, across, down = (table[name].cast(pl.Float64).to_numpy() for name in names)
    left = max(1, total - 1)
    sizes = [part.height for part in sums]
    square = math.fsum((observed**2 / (across * down)).tolist()) - 1
    square = max(0.0, square - (sizes[0] - 1) * (sizes[1] - 1) / left)
    least = min(size - 1 - (size - 1) ** 2 / left for size in sizes)
    shares = np.sort(observed / total)
    numbers = {
        "by": [fields[place] for place in pair],
        "rows": total,
        "combinations": table.height,
        "possible": sizes[0] * sizes[1],
        "effective": round(even(observed), 2),
        "largest_share": round(float(shares[-1]), 4),
        "cramers_v": round(min(1.0, math.sqrt(square / least)), 4) if least > 0 else 0.0,
    }
    told = (
        f"'{fields[pair[0]]}' and '{fields[pair[1]]}' stand together in {table.height:,} of {numbers['possible']:,} "
        f"combinations, Cramér's V {numbers['cramers_v']:.2f}; the largest has {shares[-1]:.0%} of the rows"
    )
    yield Finding("balance-cross", "info", told, numbers)


def found(code: str, level: Any, message: str, numbers: dict[str, Any], rows: pl.Series) -> Finding:
    """Make a finding that names some of the rows."""
    return Finding(code, level, message, numbers, tuple(int(row) for row in rows.sort().head(SHOWN)))


def _repeats(values: pl.Expr) -> pl.Expr:
    return values.len().cast(pl.Int64) - values.n_unique().cast(pl.Int64)


def least(values: pl.Expr, share: float) -> pl.Expr:
    """Give the least value that at least this share of the values does not exceed (Hyndman and Fan's first kind)."""
    return values.quantile(share, interpolation="equiprobable").cast(pl.Int64)


def quantile(values: pl.Series, share: float) -> int:
    """Give the `least` value of a column; 0 of none."""
    return int(values.to_frame().select(least(pl.first(), share)).item() or 0)
