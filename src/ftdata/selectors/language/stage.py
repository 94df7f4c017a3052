"""The stage `language`. A detector that is unsure is asked once more, among the languages that the corpus holds: those
are known only when all rows were seen, which makes it a selector."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import BeforeValidator, Field, model_validator

from ftdata.batch import Batch, nest
from ftdata.selectors.language import detectors
from ftdata.selectors.language.codes import CODES, NUMBER, Asked, problem
from ftdata.selectors.language.detectors import Backend
from ftdata.selectors.language.scripts import SCRIPTS
from ftdata.selectors.language.tags import named, tags, without_turns
from ftdata.selectors.language.turns import ASSISTANT, ROW, look, settle
from ftdata.selectors.language.variants import VARIANTS
from ftdata.stages import Example, Rows, Selector

SHARE = 0.005
"""Share of the texts with a sure language from which on that language is one of the corpus's own."""
FEW = 3
"""Texts that a language of the corpus has at least: in a small file one slip would be a share."""
TOP = 20
"""Languages that the summary counts one by one."""

Codes = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]

_CLAIM = "Comprei uma geladeira no site e vocês entregaram no endereço errado. Me diga o que eu faço, estou esperando."
_REPLY = "Lamento. Já contactei a transportadora e a sua encomenda está a caminho; envio-lhe o comprovativo por e-mail."


class Language(Selector):
    """Tell the language of each conversation and turn, the variant and the script, and keep or drop by them.

    ```toml
    [[step]]
    use = "language"
    keep = ["en", "pt-BR"]
    ```

    The language goes into meta: `language.code` (ISO 639-1; `unknown` if it cannot be told) and `language.confidence`:
    `high`, `low`, or `corpus` where the second pass decided; `language.script` (ISO 15924: `Latn`, `Cyrl`, `Hans`, …),
    that of most letters; for Portuguese `language.variant`, `pt-BR` or `pt-PT`, where what is said shows it. Without
    `keep`, `drop` and `answer_language` that is all.

    `keep` and `drop` name languages (`pt`), variants (`pt-BR`), scripts (`Latn`) or a language in a script (`zh-Hant`).
    `pt` means all of that language. What cannot be told follows `unknown`: a row without a language, and, where a
    variant is named, a row of that language that shows none (most of less than 50 words): `keep = ["pt-BR"]` with
    `unknown = "drop"` keeps only rows that are surely Brazilian.

    What the user says is looked at, or what the assistant says where the user's words tell nothing; without links,
    addresses, mentions, placeholders, tags, numbers and code; of long texts the beginning (eldc: 1,000 bytes).
    `unknown` are texts without words, with less than three letters, or with less than ten where two languages are
    equally likely.

    With `turns` each turn is told too: `language.turns` (a list beside the messages; null for other speakers),
    `language.shares` (of the turns that could be told), `language.user` and `language.assistant`. A turn that is not
    sure alone has the language of its conversation, if that is one of those it may be. The flag `mixed-language` is set
    where two turns of 15 letters or more are surely in different languages.

    The second pass (`guarded`): where the detector is not sure and names a language that the corpus does not hold, the
    best of the corpus's own languages takes its place, if its score is within 0.12 of the top (lingua: if its
    confidence is 0.3 of the top's). Without that guard rare languages disappear. The corpus's own are those that 0.5 %
    of the sure texts have, and three texts at least.

    `langdetect` stands in where eldc has no wheel (the summary says so); it has no second pass, and is right less often
    on short texts. `lingua` (the extra of that name) takes over 100 times as long as eldc.

    | reason or flag | when |
    |---|---|
    | `not-kept` | another language, variant or script than those of `keep`; the note is its code |
    | `unwanted` | one of `drop`; the note is its code |
    | `unknown` | it cannot be told, and `unknown = "drop"` |
    | `answer-language` | an answer is surely not in the language of the question before it (15 letters each) |
    | `mixed-language` | only a flag: turns are in different languages (with `turns`) |
    """

    name: ClassVar[str] = "language"
    decides_with: ClassVar[tuple[str, ...]] = detectors.installed(
        "eldc", "langdetect", "langdetect-rs", "lingua-language-detector"
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Brazilian and European Portuguese are told apart by words, spelling and grammar.",
            ((_CLAIM, "Vou verificar."), ("A minha encomenda não chegou.", _REPLY)),
            {"keep": ("pt-BR",)},
        ),
        Example(
            "Turns in another language are seen, and short ones have the language of their conversation.",
            (
                (
                    "Onde está o meu pedido? Já faz duas semanas.",
                    "Your order has left our warehouse today.",
                    "ok valeu",
                ),
                ("¿Dónde está mi pedido? Ya pasaron dos semanas.", "Su pedido llegará mañana.", "perfecto"),
            ),
            {"turns": True},
        ),
        Example(
            "Answers that are not in the language of the question go.",
            (
                ("¿Cómo cambio la contraseña de mi cuenta?", "Open the settings and choose a new password."),
                ("¿Cómo cambio la contraseña de mi cuenta?", "Abra los ajustes y elija una contraseña nueva."),
            ),
            {"answer_language": "drop"},
        ),
        Example(
            "Numbers, signs and words of no language are unknown.",
            (("12345", "👍"), ("ok", "ok"), ("where is my order", "It arrives tomorrow.")),
            {"unknown": "drop"},
        ),
    )

    keep: Codes | None = Field(
        None, description='languages, variants or scripts to keep, such as ["en", "pt-BR"]; others are dropped'
    )
    drop: Codes | None = Field(None, description="languages, variants or scripts to drop; others are kept")
    unknown: Literal["keep", "drop"] = Field(
        "keep",
        description="what happens to rows whose language, or the variant asked for, cannot be told: keep or drop",
    )
    turns: bool = Field(False, description="tell the language of each turn too, of user and assistant apart")
    answer_language: Literal["off", "warn", "drop"] = Field(
        "off", description="rows with an answer in another language than its question: off, warn (a flag) or drop"
    )
    backend: Backend | None = Field(
        None, description="detector: eldc, langdetect or lingua; by default eldc where it is installed, else langdetect"
    )
    guarded: bool = Field(
        True, description="judge unsure texts again among the languages of the whole corpus (eldc, lingua)"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.keep is not None and self.drop is not None:
            raise ValueError("keep and drop: only one can be given; keep alone drops all other languages")
        if self.backend == "eldc" and not detectors.present("eldc"):
            raise ValueError("backend: 'eldc' is not installed here; install it, or write backend = \"langdetect\"")
        if self.backend == "lingua" and not detectors.present("lingua"):
            raise ValueError("backend: 'lingua' is not installed here; install it with: pip install 'ftdata[lingua]'")
        for field, codes in (("keep", self.keep), ("drop", self.drop)):
            if codes is None:
                continue
            if not codes:
                effect = "every row would be dropped" if field == "keep" else "nothing would be dropped"
                raise ValueError(f'{field}: is empty: {effect}; name languages, such as ["en"], or leave it out')
            backend = detectors.choose(self.backend)
            every: tuple[Backend, ...] = ("eldc", "langdetect", "lingua")
            others = {str(one): detectors.told(one) for one in every if one != backend and detectors.present(one)}
            told = detectors.told(backend)
            problems = [found for code in codes if (found := problem(code, told, backend, others))]
            if problems:
                raise ValueError(f"{field}: {'; '.join(problems)}")
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's language as its text alone tells it, and the other candidates where that is not sure.

        Numbers only, no text: about 30 bytes a row, by turn 50 (see `turns.look`).
        """
        return look(batch, detectors.choose(self.backend), self._by_turn)

    @property
    def _by_turn(self) -> bool:
        return self.turns or self.answer_language != "off"

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Settle what is not sure, from the languages of all rows; tag each row, and drop by language."""
        frame = sketches.collect()
        corpus = self._corpus(frame)
        codes = frame["code"].to_numpy().copy()
        columns = [frame["code"].rename("first")]
        if self._by_turn:
            assistant, listed = frame["assistant"].to_numpy().copy(), frame["turns"]
            flat = listed.explode(empty_as_null=False, keep_nulls=False).to_numpy().copy()
            begins = np.concatenate(([0], np.cumsum(listed.list.len().to_numpy(), dtype=np.int64)))
        at = np.flatnonzero((frame["open"].list.len() > 0).to_numpy())
        sure = frame["sure"].to_numpy()
        for row, entries in zip(at.tolist(), frame["open"].gather(at).to_list(), strict=True):
            for turn, code in settle(entries, corpus, int(codes[row]) if sure[row] else 0).items():
                if turn == ROW:
                    codes[row] = code
                elif turn == ASSISTANT:
                    assistant[row] = code
                else:
                    flat[begins[row] + turn] = code
        columns.append(pl.Series("code", codes))
        if self._by_turn:
            columns += [pl.Series("assistant", assistant), nest(pl.Series(flat), begins).rename("turns")]
        judged = frame.drop("open").with_columns(columns)
        return self._decisions(judged).lazy()

    def _corpus(self, frame: pl.DataFrame) -> set[int]:
        """Give the languages that the corpus holds."""
        if not self.guarded:
            return set()
        sure = frame.filter("sure")["code"].value_counts().rows()
        total = sum(count for _, count in sure)
        return {code for code, count in sure if count >= max(FEW, SHARE * total)}

    def _decisions(self, judged: pl.DataFrame) -> pl.DataFrame:
        none, moved = pl.col("code") == 0, (pl.col("first") != pl.col("code")) & (pl.col("code") > 0)
        judged = judged.with_columns(
            pl.when(pl.col("code") == NUMBER["pt"]).then("variant").otherwise(0).alias("variant"),
            named("code", CODES).alias("last"),
            pl.when(moved).then(pl.lit("corpus")).when("sure").then(pl.lit("high")).otherwise(pl.lit("low"))
            .alias("confidence"),
            pl.when(moved).then(pl.format("{} by its text alone", named("first", CODES))).alias("told"),
        )  # fmt: skip
        label = pl.when(none).then(named("script", ("", *SCRIPTS))).otherwise("last")
        rules: list[tuple[pl.Expr, str]] = [(none & pl.lit(self.unknown == "drop"), "unknown")]
        if (codes := self.keep or self.drop) is not None:
            asked = [one for code in codes if (one := Asked.of(code)) is not None]
            if any(one.variant for one in asked):
                label = pl.when(pl.col("variant") > 0).then(named("variant", ("", *VARIANTS))).otherwise(label)
            met, maybe = zip(*(one.met() for one in asked), strict=True)
            is_it, may_be = pl.any_horizontal(met), pl.any_horizontal(maybe)
            rules.append((~is_it & may_be & pl.lit(self.unknown == "drop"), "unknown"))
            rules.append((~is_it & ~may_be, "not-kept") if self.keep is not None else (is_it, "unwanted"))
        flags, answered = [], pl.lit(None, pl.String)
        if self.answer_language == "drop":
            rules.append((pl.col("other"), "answer-language"))
            apart = (pl.col("assistant") > 0) & ~none & (pl.col("assistant") != pl.col("code"))
            answered = pl.when(apart).then(pl.format("{} to {}", named("assistant", CODES), named("code", CODES)))
        elif self.answer_language == "warn":
            flags.append(pl.when("other").then(pl.lit("answer-language")))
        if self.turns:
            flags.append(pl.when("mixed").then(pl.lit("mixed-language")))
        drop = pl.coalesce([pl.when(rule).then(pl.lit(reason)) for rule, reason in rules])
        whole = judged.with_columns(drop.alias("drop"), tags(judged, self.turns).alias("tags")).with_columns(
            pl.when(pl.col("drop").is_null())
            .then("told")
            .when(pl.col("drop") == "answer-language")
            .then(answered)
            .when((label != "") & ~(none & (pl.col("drop") == "unknown")))
            .then(pl.concat_str(label, pl.concat_str(pl.lit(", "), "told"), separator="", ignore_nulls=True))
            .alias("note")
        )
        if not flags:
            return whole.select("row", "drop", "note", "tags")
        return whole.select("row", "drop", "note", pl.concat_list(flags).list.drop_nulls().alias("flags"), "tags")

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: the backend, rows by language, without one, and moved by the second pass."""
        backend = detectors.choose(self.backend)
        using = detectors.named(backend)
        if self.backend is None and backend == "langdetect":
            using += f" (eldc {'cannot be loaded' if detectors.present('eldc') else 'is not installed'} here)"
        by_code, by_confidence, by_variant = Counter[str](), Counter[str](), Counter[str]()
        for text, count in without_turns(decisions["tags"].drop_nulls()).value_counts().rows():
            tag = json.loads(text)
            by_code[tag["code"]] += count
            by_confidence[tag.get("confidence", "")] += count
            by_variant[tag.get("variant", "")] += count
        unknown = by_code.pop("unknown", 0)
        ranked = sorted(by_code.items(), key=lambda pair: (-pair[1], pair[0]))
        languages = dict(ranked[:TOP])
        if len(ranked) > TOP:
            languages["other"] = sum(count for _, count in ranked[TOP:])
        variants = {"variants": {code: by_variant[code] for code in VARIANTS if by_variant[code]}}
        unsure = {
            "unknown": unknown,
            "low confidence": by_confidence["low"],
            "moved by the corpus": by_confidence["corpus"],
        }
        told = {**variants, **unsure}
        return {"backend": using, "languages": languages, **{what: count for what, count in told.items() if count}}
