"""How evenly rows are spread over classes, what each class holds, and how many answers are one and the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field, field_validator

from ftdata.batch import Batch
from ftdata.checks.classes import LABEL, Told, are_labels, classes
from ftdata.checks.replies import masked, refuses, replies
from ftdata.checks.spread import FEW, SHOWN, Spread, characters, cross, found
from ftdata.selectors.exact_dedup import canonical, digests
from ftdata.stages import Check, Example, Finding, heads

TOP = 10
"""The most frequent replies whose share is told."""

_CANNED = "Thanks for your patience! Your order {} left our warehouse and arrives on {}."


class Balance(Check):
    """Judge how evenly the rows are spread over the values of a `meta` field, or over the assistant's labels.

    Without `by` (or with `by = "label"`) the class of a row is its last assistant text, if that is label-like: one line
    of at most 64 characters. Answers count as labels if at least three rows share a text on average (openai-python's
    `prepare_data` told classification by that rule). With several fields each is judged, and each pair of them.

    | code | tells |
    |---|---|
    | `balance-spread` | rows, classes, share of the largest, size of the smallest, effective number of classes |
    | `balance-cross` | of two fields: combinations that occur, their effective number, Cramér's V |
    | `balance-lengths` | of each class: share of all characters, median and p90 of a row's characters and tokens |
    | `balance-repeats` | of each class: rows whose question, or whose answer, stands in it already |
    | `balance-answers` | different answers, share of the 10 most frequent, of those that are canned, of refusals |
    | `balance-no-class`, `balance-no-labels` | rows without a class; answers that are no labels |

    A bound that is passed makes a finding at `level`: `balance-max-share`, `balance-min-count`, `balance-repeated`,
    `balance-canned`, `balance-refusals`; so does `balance-no-labels` where `by` asks for labels. The last three bounds
    hold from 30 rows on.

    The effective number of classes is exp(H), H the Shannon entropy of the shares: as many classes of equal size would
    be as diverse. Cramér's V is 0 if two fields have nothing to do with one another, 1 if one follows from the other. A
    token is taken for 4 characters; repeats are equal to the letter, as in exact-dedup.

    The answer of a row is the longest text of the assistant. Answers are compared without greeting, signature, names,
    numbers, addresses and placeholders, for a reply from a macro differs in these alone. A refusal says in its first
    250 characters that it cannot help (English, Portuguese, Spanish, French, German, Italian): a person's too, which
    the rule `refusal` of `quality` leaves alone. Labels are not canned.

    Why: a model gives classes, canned replies and refusals as often as its data do: of 60 % refusals in training come
    too many (OpenAI, fine-tuning best practices, "consider the balance and diversity of data", checked 2026-11-22). The
    bounds are rules of thumb. Names of classes are shown if they look like no personal data, and the field does not
    hold people by its name (`customer`); the assistant's texts never are. Columns read: `messages`, `meta` (the fields
    `by`).

    Raises:
        RunError: no row has the field `by`; the message lists the keys seen.
    """

    name: ClassVar[str] = "balance"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "one class holds most of the rows, another hardly any",
            tuple((f"{what} {at}?", "…") for what, count in (("Invoice", 6), ("Parcel", 1)) for at in range(count)),
            {"by": "category", "min_count": 2},
            ({"category": "billing"},) * 6 + ({"category": "shipping"},),
        ),
        Example(
            "replies from one macro, which differ in numbers and days only, count as canned",
            tuple((f"Where is order {at}?", _CANNED.format(5500 + at, "Monday")) for at in range(30)),
            {"times": 5},
        ),
    )

    by: str | tuple[str, ...] | None = Field(
        None,
        description='meta field that holds the class, dotted for inner keys, or a list of them; "label": the last text '
        "of the assistant",
    )
    max_share: float = Field(0.8, gt=0, le=1, description="largest share of the rows that one class may have")
    min_count: int = Field(10, ge=1, description="rows that each class should have")
    times: int = Field(5, ge=2, description="times that an answer stands in the data to count as canned")
    max_canned: float = Field(0.6, ge=0, le=1, description="share of the answers that may be canned; 1 turns this off")
    max_refusals: float = Field(0.1, ge=0, le=1, description="share of the answers that may refuse; 1 turns this off")
    max_repeats: float = Field(
        0.5, ge=0, le=1, description="share of a class's rows whose question may stand in it already; 1 turns this off"
    )
    level: Literal["warn", "error"] = Field("warn", description="level of the findings")

    @field_validator("by", mode="before")
    @classmethod
    def _named(cls, by: Any) -> str | tuple[str, ...] | None:
        if by is None:
            return None
        fields = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, (list, tuple)) else (by,)
        if not all(isinstance(field, str) for field in fields):
            raise ValueError('must be a field of meta, such as "category", or a list of them')
        if not all(fields) or not fields:
            raise ValueError('names no field; write by = "category", or leave it out')
        if len(set(fields)) < len(fields):
            raise ValueError("names a field twice; leave one out")
        return by if isinstance(by, str) else fields

    @property
    def _fields(self) -> tuple[str, ...]:
        return (LABEL,) if self.by is None else (self.by,) if isinstance(self.by, str) else self.by

    def reads_meta(self) -> frozenset[str]:
        """Read the fields `by`."""
        return heads(field for field in self._fields if field != LABEL)

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give hashes of each row's classes, question, answer and masked answer, its size, and whether it refuses."""
        answers = replies(batch)
        found = classes(batch, self._fields)
        columns = {
            "question": digests(canonical(batch, ("user",)))[0],
            "answer": digests(canonical(batch, ("assistant",)))[0],
            "reply": digests(masked(answers))[0],
            "refusal": refuses(answers),
            "characters": characters(batch),
        }
        named = [values.rename(name) for name, values in columns.items()]
        return pl.DataFrame([batch["row"], *found, *named])

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give what was measured, and a finding for each bound that is passed."""
        told = Told(sketches.select("told").collect()["told"])
        rows = sketches.select(pl.exclude("told")).collect()
        if not rows.height:
            return []
        findings: list[Finding] = []
        labels = False
        for place, field in enumerate(self._fields):
            known = int(rows.height - rows[f"class_{place}"].null_count())
            if field != LABEL and not known:
                raise told.missing(self.name, "by", field)
            if field == LABEL:
                different = rows[f"class_{place}"].drop_nulls().n_unique()
                if not are_labels(rows.height, known, different):
                    numbers = {"rows": rows.height, "label_like": known, "different": different}
                    message = "the answers of the assistant are not labels; name a meta field with by = …"
                    level = "info" if self.by is None else self.level
                    findings.append(Finding("balance-no-labels", level, message, numbers))
                    continue
                labels = True
            view = Spread(self, place, field, rows, told)
            findings += [*view.spread(), *view.lengths(), *view.repeats()]
        for one, other in combinations(range(len(self._fields)), 2):
            findings += cross(rows, (one, other), self._fields)
        return [*findings, *self._answers(rows, labels)]

    def _answers(self, rows: pl.DataFrame, labels: bool) -> Iterator[Finding]:
        counted = (
            rows.filter(pl.col("reply").is_not_null())
            .group_by("reply")
            .agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("row").bottom_k(SHOWN))
            .sort(["rows", "reply"], descending=[True, False])
        )
        known = int(counted["rows"].sum())
        if not known:
            return
        refusing = rows.filter("refusal")["row"].sort()
        canned = int(counted.filter(pl.col("rows") >= self.times)["rows"].sum())
        numbers = {
            "answers": known,
            "different": counted.height,
            "largest": round(int(counted["rows"][0]) / known, 4),
            "top_10": round(int(counted["rows"].head(TOP).sum()) / known, 4),
            "times": self.times,
            "canned": round(canned / known, 4),
            "refusals": round(len(refusing) / known, 4),
        }
        told = (
            f"{known:,} answers, {counted.height:,} different but for names and numbers; {numbers['canned']:.0%} stand "
            f"{self.times} times or more, {numbers['refusals']:.1%} refuse"
        )
        if not labels:
            yield Finding("balance-answers", "info", told, numbers)
        if not labels and known >= FEW and canned > self.max_canned * known:
            told = (
                f"{canned:,} of {known:,} answers are canned, {numbers['top_10']:.0%} are one of {TOP}; drop "
                'copies with near-dedup: on = "answer", or leave these to macros'
            )
            limits = {"share": numbers["canned"], "max_canned": self.max_canned, "times": self.times}
            yield found("balance-canned", self.level, told, limits, counted["row"][0])
        if known >= FEW and len(refusing) > self.max_refusals * known:
            told = f"{len(refusing):,} of {known:,} answers refuse; drop such rows until the share is as it should be"
            limits = {"share": numbers["refusals"], "max_refusals": self.max_refusals}
            yield found("balance-refusals", self.level, told, limits, refusing)
