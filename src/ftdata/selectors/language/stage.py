"""The stage `language`. A detector that is unsure is asked once more, among the languages that the corpus holds: those
are known only when all rows were seen, which makes it a selector."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any, ClassVar, Literal, Self

import polars as pl
from pydantic import BeforeValidator, Field, model_validator

from ftdata.batch import Batch
from ftdata.selectors.language import detectors
from ftdata.selectors.language.codes import problem
from ftdata.selectors.language.detectors import TIE, Backend
from ftdata.stages import Rows, Selector

SHARE = 0.005
"""Share of the texts with a sure language from which on that language is one of the corpus's own."""
FEW = 3
"""Texts that a language of the corpus has at least: in a small file one slip would be a share."""
TOP = 20
"""Languages that the summary counts one by one."""

Codes = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class Language(Selector):
    """Tell the language of each conversation, and keep or drop by it.

    ```toml
    [[step]]
    use = "language"
    keep = ["en", "pt"]
    ```

    The language goes into meta: `language.code` (ISO 639-1; `unknown` if it cannot be told) and `language.confidence`:
    `high`, `low`, or `corpus` where the second pass decided. Without `keep` and `drop` that is all.

    What the user says is looked at, else what the assistant says, without links, addresses, mentions, placeholders,
    tags, numbers and code; of long texts the beginning (eldc: 1,000 bytes). `unknown` are texts without words, with
    less than three letters, or with less than ten where two languages are equally likely.

    The second pass (`guarded`): where eldc is not sure and names a language that the corpus does not hold, the best of
    the corpus's own languages takes its place, if its score is within 0.12 of the top. Without that guard rare
    languages disappear. The corpus's own are those that 0.5 % of the sure texts have, and three texts at least.

    `langdetect` stands in where eldc has no wheel (the summary says so); it has no second pass, and is right less often
    on short texts.

    | reason | when |
    |---|---|
    | `not-kept` | another language than those of `keep`; the note is its code |
    | `unwanted` | a language of `drop`; the note is its code |
    | `unknown` | no language can be told, and `unknown = "drop"` |
    """

    name: ClassVar[str] = "language"
    decides_with: ClassVar[tuple[str, ...]] = detectors.installed("eldc", "langdetect", "langdetect-rs")

    keep: Codes | None = Field(None, description='languages to keep, such as ["en", "pt"]; others are dropped')
    drop: Codes | None = Field(None, description="languages to drop; others are kept")
    unknown: Literal["keep", "drop"] = Field(
        "keep", description="what happens to rows whose language cannot be told: keep or drop"
    )
    backend: Backend | None = Field(
        None, description="detector: eldc or langdetect; by default eldc where it is installed, else langdetect"
    )
    guarded: bool = Field(True, description="judge unsure texts again among the languages of the whole corpus (eldc)")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.keep is not None and self.drop is not None:
            raise ValueError("keep and drop: only one can be given; keep alone drops all other languages")
        if self.backend == "eldc" and not detectors.present():
            raise ValueError("backend: 'eldc' is not installed here; install it, or write backend = \"langdetect\"")
        for field, codes in (("keep", self.keep), ("drop", self.drop)):
            if codes is None:
                continue
            if not codes:
                effect = "every row would be dropped" if field == "keep" else "nothing would be dropped"
                raise ValueError(f'{field}: is empty: {effect}; name languages, such as ["en"], or leave it out')
            backend = detectors.choose(self.backend)
            other: Backend = "eldc" if backend == "langdetect" else "langdetect"
            asked = (detectors.told(backend), backend, other, detectors.told(other))
            problems = [found for code in codes if (found := problem(code, *asked))]
            if problems:
                raise ValueError(f"{field}: {'; '.join(problems)}")
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's language as its text alone tells it, and the other candidates where that is not sure.

        `code`, `sure`, `short`, and `near` with `scores` (null where it is sure): about 30 bytes a row, no text.
        """
        seen = detectors.look(batch, detectors.choose(self.backend))
        return seen.insert_column(0, batch["row"])

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Settle what is not sure, from the languages of all rows; tag each row, and drop by language."""
        frame = sketches.collect()
        sure = frame.filter(pl.col("sure"))["code"].value_counts().rows()
        total = sum(count for _, count in sure)
        corpus = {code for code, count in sure if count >= max(FEW, SHARE * total)} if self.guarded else set[str]()
        open_ = frame.filter(pl.col("near").is_not_null())
        settled = [
            _settle(near, scores, short, corpus)
            for near, scores, short in open_.select("near", "scores", "short").iter_rows()
        ]
        decided = open_.select("row").with_columns(pl.Series("settled", settled, pl.String), is_open=pl.lit(True))
        code, settled_code = pl.col("code"), pl.col("settled")
        moved = settled_code != code
        judged = (
            frame.lazy()
            .select("row", "code", "sure")
            .join(decided.lazy(), on="row", how="left")
            .with_columns(
                pl.when("is_open").then(settled_code).otherwise(code).fill_null("unknown").alias("last"),
                pl.when(moved).then(pl.lit("corpus")).when("sure").then(pl.lit("high")).otherwise(pl.lit("low"))
                .alias("confidence"),
                pl.when(moved).then(pl.format("{} by its text alone", code)).alias("told"),
            )
        )  # fmt: skip
        return self._decisions(judged)

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: the backend, rows by language, without one, and moved by the second pass."""
        backend = detectors.choose(self.backend)
        using = detectors.named(backend)
        if self.backend is None and backend == "langdetect":
            using += f" (eldc {'cannot be loaded' if detectors.present() else 'is not installed'} here)"
        by_code, by_confidence = Counter[str](), Counter[str]()
        for tags, count in decisions["tags"].drop_nulls().value_counts().rows():
            tag = json.loads(tags)
            by_code[tag["code"]] += count
            by_confidence[tag.get("confidence", "")] += count
        unknown = by_code.pop("unknown", 0)
        ranked = sorted(by_code.items(), key=lambda pair: (-pair[1], pair[0]))
        languages = dict(ranked[:TOP])
        if len(ranked) > TOP:
            languages["other"] = sum(count for _, count in ranked[TOP:])
        unsure = {
            "unknown": unknown,
            "low confidence": by_confidence["low"],
            "moved by the corpus": by_confidence["corpus"],
        }
        return {"backend": using, "languages": languages, **{what: count for what, count in unsure.items() if count}}

    def _decisions(self, judged: pl.LazyFrame) -> pl.LazyFrame:
        last, none = pl.col("last"), pl.col("last") == "unknown"
        rules = [(none & pl.lit(self.unknown == "drop"), "unknown")]
        if self.keep is not None:
            rules.append((~none & ~last.is_in(self.keep), "not-kept"))
        if self.drop is not None:
            rules.append((last.is_in(self.drop), "unwanted"))
        drop = pl.coalesce([pl.when(rule).then(pl.lit(reason)) for rule, reason in rules])
        tags = pl.when(none).then(pl.lit('{"code":"unknown"}')).otherwise(
            pl.concat_str(
                pl.lit('{"code":"'), last, pl.lit('","confidence":"'), pl.col("confidence"), pl.lit('"}')
            )
        )  # fmt: skip
        return (
            judged.with_columns(drop.alias("drop"), tags.alias("tags"))
            .with_columns(
                pl.when(pl.col("drop").is_null())
                .then(pl.col("told"))
                .when(~none)
                .then(pl.concat_str(last, pl.concat_str(pl.lit(", "), "told"), separator="", ignore_nulls=True))
                .alias("note")
            )
            .select("row", "drop", "note", "tags")
        )


def _settle(near: list[str], scores: list[float], short: bool, corpus: set[str]) -> str | None:
    """Give the language of a text that the detector is not sure of; None: it cannot be told.

    `near` are the languages within the margin, best first. Those of the corpus stand, if there are any.
    """
    own = [at for at, code in enumerate(near) if code in corpus] or range(len(near))
    if short and len(own) > 1 and scores[own[0]] - scores[own[1]] <= TIE:
        return None
    return near[own[0]]
