"""How evenly rows are spread over classes."""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar, Literal

import orjson
import polars as pl
import xxhash
from pydantic import Field

from ftdata.batch import Batch
from ftdata.errors import RunError
from ftdata.stages import Check, Finding

_SHOWN = 20
_WIDTH = 40
_LABEL = 64
_PRIVATE = re.compile(r"@|\d{6}")


class Balance(Check):
    """Judge how evenly the rows are spread over the values of a `meta` field, or over the assistant's labels.

    Without `by` (or with `by = "label"`) the class of a row is its last assistant text, if that is label-like: one line
    of at most 64 characters. Answers count as labels if at least three rows share a text on average (openai-python's
    `prepare_data` told classification by that rule). The findings give the rows, the classes, the share of the largest,
    the size of the smallest and the effective number of classes, exp(H) with H the Shannon entropy of the shares: as
    many classes of equal size would be as diverse. `max_share` and `min_count` are rules of thumb.

    Labels of a meta field are shown if there are few of them and they look like no personal data; the assistant's texts
    never are. Columns read: `meta` (the field `by`) or `messages`.

    Raises:
        RunError: no row has the field `by`; the message lists the keys seen.
    """

    name: ClassVar[str] = "balance"

    by: str | None = Field(None, description='meta field that holds the class; "label": the last text of the assistant')
    max_share: float = Field(0.8, gt=0, le=1, description="largest share of the rows that one class may have")
    min_count: int = Field(10, ge=1, description="rows that each class should have")
    level: Literal["warn", "error"] = Field("warn", description="level of the findings")

    @property
    def _by_label(self) -> bool:
        return self.by is None or self.by == "label"

    def reads_meta(self) -> frozenset[str]:
        """Read the field `by`."""
        return frozenset() if self._by_label else frozenset({str(self.by)})

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give the class of each row: the value of the field, or a hash of the assistant's last text."""
        if self._by_label:
            return batch.select("row", label=_answers(batch), keys=pl.lit(None, pl.String))
        labels: list[str | None] = []
        keys: list[str | None] = []
        for text in batch["meta"]:
            meta = orjson.loads(text) if text is not None else {}
            label = _label(meta.get(self.by))
            labels.append(label)
            keys.append(None if label is not None else orjson.dumps(sorted(meta)).decode())
        return pl.DataFrame(
            {"row": batch["row"], "label": labels, "keys": keys},
            schema={"row": pl.UInt64, "label": pl.String, "keys": pl.String},
        )

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give a finding on the spread, and one for each limit that is passed."""
        counted = sketches.group_by("label").agg(pl.len(), pl.col("row").sort().head(_SHOWN)).collect()
        rows = int(counted["len"].sum())
        classes = counted.drop_nulls("label").sort(["len", "label"], descending=[True, False])
        if rows and classes.is_empty() and not self._by_label:
            seen = sketches.select(pl.col("keys").drop_nulls().unique()).collect()["keys"]
            names = sorted({key for text in seen for key in orjson.loads(text)})
            listed = ", ".join(name[:_WIDTH] for name in names[:50]) or "none"
            raise RunError(f"balance: by: no row has the meta key '{self.by}'; keys seen: {listed}")
        known = int(classes["len"].sum())
        if self._by_label and (not known or known < rows / 2 or classes.height > known / 3):
            numbers = {"rows": rows, "label_like": known, "different": classes.height}
            message = "the answers of the assistant are not labels; name a meta field with by = …"
            return [Finding("balance-no-labels", "info" if self.by is None else self.level, message, numbers)]
        return self._spread(rows, known, classes) if known else []

    def _spread(self, rows: int, known: int, classes: pl.DataFrame) -> list[Finding]:
        counts = classes["len"].to_list()
        shares = [count / known for count in counts]
        effective = math.exp(-sum(share * math.log(share) for share in shares))
        numbers: dict[str, Any] = {
            "rows": rows,
            "without": rows - known,
            "classes": len(counts),
            "effective": round(effective, 2),
            "largest_share": round(shares[0], 4),
            "smallest": counts[-1],
        }
        if not self._by_label and len(counts) <= max(_SHOWN, known // 10):
            shown = zip(classes["label"].head(_SHOWN), shares, strict=False)
            numbers["shares"] = {_safe(label, i): round(share, 4) for i, (label, share) in enumerate(shown, start=1)}
        field = "the assistant's labels" if self._by_label else f"'{self.by}'"
        message = (
            f"{len(counts):,} classes by {field}, as even as {effective:.1f} equal ones; "
            f"the largest has {shares[0]:.0%}, the smallest {counts[-1]:,} of {known:,} rows"
        )
        findings = [Finding("balance-spread", "info", message, numbers)]
        if shares[0] > self.max_share:
            said = f"one class has {shares[0]:.1%} of the rows; max_share is {self.max_share:.1%}"
            limits = {"share": round(shares[0], 4), "max_share": self.max_share, "rows": counts[0]}
            findings.append(Finding("balance-max-share", self.level, said, limits, _where(classes, 0)))
        small = sum(count < self.min_count for count in counts)
        if small:
            said = f"{small:,} of {len(counts):,} classes have fewer than {self.min_count:,} rows"
            limits = {"classes": small, "min_count": self.min_count, "smallest": counts[-1]}
            findings.append(Finding("balance-min-count", self.level, said, limits, _where(classes, -1)))
        if known < rows:
            said = f"{rows - known:,} of {rows:,} rows have no class"
            findings.append(Finding("balance-no-class", "info", said, {"rows": rows - known}))
        return findings


def _answers(batch: Batch) -> pl.Series:
    """Hash the last assistant text of each row where it is label-like: a class needs no name, and no text is kept."""
    element = pl.element().struct
    said = element.field("content").filter(element.field("role") == "assistant").last()
    texts = batch.select(pl.col("messages").list.eval(said).list.first().str.strip_chars().alias("text"))["text"]
    long = (texts.str.len_chars() > _LABEL) | texts.str.contains("\n", literal=True) | (texts == "")
    labels = texts.set(long.fill_null(True), None).to_list()
    hashed = [None if text is None else xxhash.xxh3_64_hexdigest(text.encode()) for text in labels]
    return pl.Series("label", hashed, pl.String)


def _label(value: Any) -> str | None:
    """Give a value of meta as a class: null and the empty text are none."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _safe(label: str, rank: int) -> str:
    """Give a label as it may be shown: cut, and by its rank only if it might be personal data."""
    if _PRIVATE.search(label) or "\n" in label or len(label) > _LABEL:
        return f"(class {rank})"
    return label if len(label) <= _WIDTH else label[: _WIDTH - 1] + "…"


def _where(classes: pl.DataFrame, at: int) -> tuple[int, ...]:
    return tuple(int(row) for row in classes["row"][at])
