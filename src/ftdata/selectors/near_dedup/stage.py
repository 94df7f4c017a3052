"""Near-duplicates: candidates share a band of their sketches, exact Jaccard decides, kept rows stand for the rest.

`similarity/shingles.py` says what is compared, `similarity/twins.py` how twins are found and what it costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch
from ftdata.checks.spread import even
from ftdata.selectors.near_dedup.asked import asked
from ftdata.selectors.near_dedup.line import Line, answers_of
from ftdata.selectors.near_dedup.order import Keep, fits, lacking, ordered, scores
from ftdata.selectors.telling import heard, tell
from ftdata.similarity import sketch, spoken
from ftdata.similarity.answers import masked
from ftdata.stages import Example, Rows, Selector, heads

_ROLES = {"conversation": ("user", "assistant"), "question": ("user",), "answer": ("assistant",)}
_Threshold = Annotated[float, Field(ge=0.5, le=1)]


class NearDedup(Selector):
    """Drop conversations that say nearly the same as one that is kept.

    What user and assistant say is compared as the set of all runs of `ngram` words, by the Jaccard similarity J (shared
    runs / all runs of both); upper and lower case, punctuation and white space do not count, nor do system messages.
    In scripts without spaces, such as Chinese or Thai, each letter is a word. A text of `ngram` words or fewer is like
    its equal only; one that says nothing is nobody's duplicate.

    The rows are gone through in the order that `keep` says. A row goes only if one kept before it is at or above the
    threshold, so every dropped row has a kept twin: reason `near-duplicate`, note `twin row 17, J 0.9310`. Twins and
    the row that stands for them have the tags `near-dedup.cluster` (number of that row) and `near-dedup.similarity`.

    A row that is like a kept one but **gives another answer** is a conflict, not a duplicate: it stays, with the flag
    `conflict`, the note `conflict row 17, J 0.9310, 3 words differ` and the tag `near-dedup.conflict`. Answers are the
    same if they are equal but for numbers, ids, e-mail addresses and placeholders such as [ORDER_1], or if they are at
    the threshold themselves and no word that turns the meaning (`not`, `nunca`, `sin`) differs. A row is dropped if any
    kept row that it is like gives the same answer.

    A conflict is also a row that **asks the very same** as a kept one but for numbers, ids, addresses and placeholders,
    and gives another answer, however unlike the two are as a whole: `conflict row 17, same question, J 0.4615, 3 words
    differ`. All that the user says must be the same, three words at least, 512 bytes at most, and not only greetings or
    thanks; and so must be all that system and tools say. The row named is the first that asks it and has an answer.

    What `against` names comes before all rows and is never dropped itself: a row like one of it goes for the reason
    `near-duplicate-earlier`, note `earlier train.jsonl#17, J 0.9310` (file and row), tags `near-dedup.earlier` and
    `near-dedup.similarity`.
    """

    name: ClassVar[str] = "near-dedup"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The third row says the same as the first in other letters and signs; the second is another question.",
            (
                (
                    "Hello, my order LM-20418 has not arrived yet, can you tell me where it is now? Thank you so much",
                    "It left our warehouse this morning and will be with you within two days.",
                ),
                ("How do I return a pair of shoes?", "Print the label in your account and hand the parcel in."),
                (
                    "hello! My order LM-20418 has not arrived yet: can you tell me where it is now?? thank you so much",
                    "It left our warehouse this morning and will be with you within two days.",
                ),
            ),
        ),
        Example(
            "The same question with another answer is a conflict: both rows stay, and the second is flagged.",
            (
                ("Posso cancelar o meu pedido depois do envio?", "Sim, em até 7 dias."),
                ("Posso cancelar o meu pedido depois do envio?", "Não, depois do envio não é possível."),
                ("Posso cancelar o meu pedido depois do envio?", "Sim, em até 10 dias."),
            ),
            {"on": "question"},
        ),
        Example(
            "Tickets of one template are too short to be near-duplicates; the one with another answer is flagged.",
            (
                ("Hi, where is my order LM-20418?", "It is on its way."),
                ("Hi, where is my order LM-20977?", "It was lost; we have sent it again."),
                ("Hi, where is my order LM-3?", "It is on its way."),
            ),
        ),
        Example(
            "Where numbers do not count, tickets of one template that differ in the order alone are one.",
            (
                ("Where is order LM-20418? It was due on 3 May.", "It is on its way."),
                ("Where is order LM-20977? It was due on 17 May.", "It is on its way."),
            ),
            {"mask": True},
        ),
        Example(
            "The row with the best rating stays, whatever its place.",
            (
                ("¿Dónde está mi pedido? Todavía no ha llegado a casa", "Llega mañana por la tarde."),
                ("¿Dónde está mi pedido? ¡Todavía no ha llegado a casa!", "Llega mañana por la tarde."),
            ),
            {"keep": "best", "by": "csat"},
            ({"csat": 2}, {"csat": 5}),
        ),
    )

    threshold: float = Field(
        0.8, ge=0.5, le=1, description="J from which a row is a duplicate, 0.5 to 1; below, nearly all rows are alike"
    )
    also: tuple[_Threshold, ...] = Field(
        (),
        description="other thresholds, 0.5 to 1: the summary says how many rows would go, stay and conflict at each; "
        "nothing else changes",
    )
    ngram: int = Field(5, ge=1, le=20, description="words in a run, 1 to 20")
    on: Literal["conversation", "question", "answer"] = Field(
        "conversation", description="what is compared: conversation, question or answer"
    )
    mask: bool = Field(
        False, description="whether numbers, ids, e-mail addresses and placeholders such as [ORDER_1] are all alike"
    )
    keep: Keep = Field(
        "first",
        description="which rows come first and stay: first, last, longest (by what is compared), newest or best (by "
        "the meta key `by`); of equal ones the first, rows without the key last",
    )
    by: str | None = Field(
        None,
        min_length=1,
        description="meta key of the time (newest; of 03/04/2024 the day comes first) or of the number (best)",
    )
    order: Literal["high", "low"] = Field("high", description="whether high or low numbers are best")
    conflict: Literal["keep", "drop"] = Field(
        "keep",
        description="what becomes of a row like a kept one that gives another answer; drop: answers do not count",
    )
    against: tuple[Path, ...] = Field(
        (), description="what earlier runs wrote: chat JSONL files, or folders of them or of a Hugging Face dataset"
    )
    backend: Literal["native", "datasketch"] = Field(
        "native", description="how candidates are found: native, or datasketch (for comparison; many times slower)"
    )

    @model_validator(mode="after")
    def _ordered_by(self) -> Self:
        fits(self.keep, self.by)
        return self

    @model_validator(mode="after")
    def _searched_again(self) -> Self:
        if self.also and self.backend != "native":
            raise ValueError(f'also: backend = "{self.backend}" cannot search again; leave one of them out')
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read the key that the rows are ordered by."""
        return heads((self.by,))

    def outside(self) -> str:
        """Name the version of datasketch where that is what decides."""
        return f"datasketch {version('datasketch')}" if self.backend == "datasketch" else ""

    @property
    def heeds_answers(self) -> bool:
        """Whether rows with different answers are kept apart."""
        return self.conflict == "keep" and self.on != "answer"

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's sketch (280 bytes) and, where needed, 8 bytes each: a key of its question (`asked`), the
        length of its answer (`said`), its place (`score`); and `told` of rows without one, null for most."""
        texts = self.texts(batch)
        if self.backend == "native":
            made = sketch(texts, self.ngram)
        else:
            from ftdata.selectors.near_dedup import by_datasketch

            made = by_datasketch.sketch(texts, self.ngram)
        more = scores(batch, self.keep, self.by) if self.by is not None else []
        if self.heeds_answers:
            more.append(asked(batch))
            if self.on == "question":
                more.append(answers_of(batch).str.len_chars().rename("said"))
        return made.select(batch["row"], pl.all(), *more)

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Go through the rows in keep order, after those of earlier runs; drop each that is like one kept before.

        Raises `RunError` if no row has what `by` names.
        """
        frame = sketches.collect()
        if self.by is not None:
            frame = lacking(frame, self.name, self.keep, self.by)
        line = Line(ordered(frame, self.keep, self.order == "low"), self, rows)
        decided = line.decisions()
        if self.also and frame.height:
            told = {f"at {threshold:g}": line.counts(threshold) for threshold in self.also}
            decided = tell(decided, int(frame["row"].to_numpy().min()), told)
        return decided.lazy()

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: how many rows have near-duplicates, how many those are, how they spread; and
        what would become of the rows at other thresholds."""
        cluster = decisions["tags"].str.extract(r'"cluster": (\d+)').drop_nulls()
        sizes = cluster.value_counts()["count"].to_numpy()
        conflicts = int(decisions["flags"].list.contains("conflict").sum())
        told: dict[str, Any] = {"clusters": len(sizes)}
        if len(sizes):
            told |= {"largest cluster": int(sizes.max()), "effective clusters": round(even(sizes), 1)}
        return told | ({"conflicts": conflicts} if conflicts else {}) | heard(decisions)

    def texts(self, batch: Batch) -> pl.Series:
        """Give what is compared of each row."""
        texts = spoken(batch, _ROLES[self.on], rejected=self.on == "conversation")
        return masked(texts) if self.mask else texts

    def written(self, rows: Rows) -> Iterator[tuple[int, Batch]]:
        """Read the earlier rows, each batch with the number of rows before it."""
        count = 0
        for path in self.against:
            for batch in rows.earlier(path):
                yield count, batch
                count += batch.height
