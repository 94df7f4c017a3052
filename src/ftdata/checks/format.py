"""Whether a training target accepts the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import polars as pl
import xxhash
from pydantic import ConfigDict, Field, field_validator

from ftdata.batch import Batch
from ftdata.errors import RecipeError
from ftdata.stages import Check, Example, Finding
from ftdata.targets import Profile, Rule, load
from ftdata.targets.lines import FORMS, file_faults
from ftdata.targets.plain import traits, traits_of
from ftdata.transforms.fit.aim import aim
from ftdata.wording import counted
from ftdata.writers.cargo import CARGO
from ftdata.writers.json_lines import NOT_CARRIED
from ftdata.writers.openai_chat import render

SHOWN = 20
"""Rows or lines named for one code at most."""

_SKETCH = {
    "row": pl.UInt64,
    "split": pl.String,
    "target": pl.String,
    "form": pl.String,  # set on the one line that stands for the row itself
    "images": pl.Boolean,
    "bytes": pl.UInt64,
    "hash": pl.UInt64,
    "code": pl.String,  # set on the lines that stand for a breach
    "at": pl.String,
}


class Format(Check):
    """Judge whether training targets accept the rows as they would be written for them.

    For each target (`for = "openai"`, or several: `["openai", "nova"]`), each row is rendered as the writer of its
    layout renders it (without `meta` keys) and judged by the rules of the target's dated profile; what the layout
    cannot hold is a finding `not-carried` (the step `fit` edits or drops such rows). A finding for each rule that is
    broken has the rule's code and level, the number of rows, and the first 20 of them. Rules about the whole file
    (size, least number of rows, one training method, no row in training and validation both) are judged for each
    split. Columns read: `messages, rejected, answer_at, tools, extra, split`.
    """

    name: ClassVar[str] = "format"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Rows that a target refuses, and too few of them.",
            (("Where is it?", "On its way."), (("user", "Hi"), ("moderator", "Be kind.")), (("user", "Anyone?"),)),
            {"for": "openai"},
        ),
    )
    model_config = ConfigDict(populate_by_name=True)

    target: str | tuple[str, ...] = Field(
        alias="for", min_length=1, description="targets whose rules apply, such as `openai`, or profile.toml files"
    )

    @field_validator("target")
    @classmethod
    def _known(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        try:
            for name in _each(value):
                load(name)
        except RecipeError as error:
            raise ValueError(str(error).removeprefix("for: ")) from None
        return value

    def reads_meta(self) -> frozenset[str]:
        """Read none."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give, for each target, a line for each row (form, size, hash) and one for each breach (code, path)."""
        chat = list(render(batch))
        known = traits_of("\n".join(chat).encode(), len(chat)) or [traits(line) for line in chat]
        return pl.concat([_sketch(target, batch, chat, known) for target in _each(self.target)])

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give a finding for each rule that is broken, target by target, errors first; of several, it is named."""
        everything, targets, found = sketches.collect(), _each(self.target), list[Finding]()
        for target in targets:
            profile = load(target)
            told = _judged(profile, everything.filter(pl.col("target") == target))
            named = f"{profile.name}: " if len(targets) > 1 else ""
            found += [replace(finding, message=named + finding.message) for finding in told]
        return found


def _each(targets: str | tuple[str, ...]) -> tuple[str, ...]:
    names = targets.split(",") if isinstance(targets, str) else targets
    return tuple(dict.fromkeys(name.strip() for name in names))


def _sketch(target: str, batch: Batch, chat: list[str], known: list[int]) -> pl.DataFrame:
    """Judge the rows for one target; `chat` has them as chat rows, `known` what these are known to be.

    What a row says is the same in every layout: one that passes as a chat row is not judged again as it is written.
    """
    goal = aim(target)
    forms, images = ["sft"] * batch.height, [False] * batch.height
    lines: list[str] = []
    rows: list[int] = []
    codes: list[str] = []
    paths: list[str] = []
    for i, line, gate, unheld in goal.written(batch):
        lines.append(line)
        for word in unheld:
            rows.append(i)
            codes.append(NOT_CARRIED)
            paths.append(word)
        if not unheld and goal.gate.takes(known[i], chat[i]):
            continue
        verdict = gate.explain(line)
        forms[i], images[i] = verdict.form, verdict.images
        for rule, hit in verdict.breaches:
            rows.append(i)
            codes.append(rule.code)
            paths.append(hit.path)
    hashes: list[int] | None = None
    if batch["split"].null_count() < batch.height:  # else there is nothing to compare across
        hashes = [xxhash.xxh3_64_intdigest(line.encode()) for line in lines]
    whole = pl.DataFrame(
        {
            "row": batch["row"],
            "split": batch["split"],
            "target": [target] * batch.height,
            "form": forms,
            "images": images,
            "bytes": pl.Series(lines, dtype=pl.String).str.len_bytes() + 1,
            "hash": pl.Series(hashes if hashes is not None else [None] * batch.height, dtype=pl.UInt64),
        }
    )
    breaches = pl.DataFrame(
        {
            "row": batch["row"].gather(rows),
            "split": batch["split"].gather(rows),
            "target": [target] * len(rows),
            "code": codes,
            "at": paths,
        }
    )
    return pl.concat([_shaped(whole), _shaped(breaches)])


def _judged(profile: Profile, everything: pl.DataFrame) -> list[Finding]:
    breaches = everything.filter(pl.col("code").is_not_null()).sort("row", maintain_order=True)
    found = {rule.code: rule for rule in profile.rules}
    findings = []
    for (code,), hits in breaches.group_by("code", maintain_order=True):
        rows = hits["row"].unique().sort()
        places = Counter(_place(path) for path in hits["at"].head(1000)).most_common(5)
        numbers = {"rows": rows.len(), "breaches": hits.height, "at": [place for place, _ in places]}
        if code == NOT_CARRIED:
            findings.append(_unheld(profile, numbers, rows))
        else:
            findings.append(_finding(found[str(code)], counted(rows.len(), "row"), numbers, rows))
    findings += _dataset(profile, everything.filter(pl.col("code").is_null()))
    order = [NOT_CARRIED, *(rule.code for rule in profile.rules)]
    return sorted(findings, key=lambda finding: (finding.level != "error", order.index(finding.code)))


def _unheld(profile: Profile, numbers: Mapping[str, Any], rows: pl.Series) -> Finding:
    words = ", ".join(f"{word} ({CARGO[word]})" if word in CARGO else word for word in numbers["at"])
    whose = f"the layout {profile.layout} of {profile.name}"
    said = f"{counted(rows.len(), 'row')}: {whose} cannot hold {words}; add the step fit"
    where = tuple(int(row) for row in rows[:SHOWN])
    return Finding(NOT_CARRIED, "error", said, {**numbers, "target": profile.name}, where)


def _shaped(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in _SKETCH.items()
    )


def _place(path: str) -> str:
    """Give a path without the numbers in it, so that equal places of many rows count as one."""
    return "".join(piece if i % 2 == 0 else "[]" for i, piece in enumerate(path.replace("]", "[").split("[")))


def _finding(rule: Rule, count: str, numbers: Mapping[str, Any], rows: Sequence[int] | pl.Series = ()) -> Finding:
    message = f"{count}: {rule.what}; {rule.fix} ({rule.evidence}: {rule.source})"
    where = tuple(int(row) for row in rows[:SHOWN])
    return Finding(rule.code, rule.level, message, {**numbers, "evidence": rule.evidence}, where)


def _dataset(profile: Profile, rows: pl.DataFrame) -> list[Finding]:
    """Judge what concerns a file as a whole, for each split as a file of its own."""
    findings = []
    rows = rows.with_columns(pl.col("split").fill_null("train"))
    forms = rows.filter(pl.col("form").is_in(list(FORMS)))
    for split in sorted({"train", *rows["split"].unique()}):
        part = rows.filter(pl.col("split") == split)
        for rule, said, numbers in file_faults(
            profile,
            part.height,
            int(part["bytes"].sum()),
            int(part["images"].sum()),
            int((part["form"] == "dpo").sum()),
        ):
            if split == "train" or rule.kind not in (
                "min-rows",
                "few-rows",
            ):  # no vendor says how small a validation is
                findings.append(_finding(rule, f"split {split}: {said}", {"split": split, **numbers}))
        kinds = forms.filter(pl.col("split") == split)["form"].value_counts().sort("count", "form", descending=True)
        if kinds.height > 1 and (rule_mixed := profile.rule("mixed-forms")) is not None:
            least = kinds["form"][-1]
            numbers = {
                "split": split,
                **dict(zip((FORMS[form] for form in kinds["form"]), kinds["count"], strict=True)),
            }
            odd = forms.filter((pl.col("split") == split) & (pl.col("form") == least))["row"].sort()
            findings.append(_finding(rule_mixed, f"split {split}", numbers, odd))
    rule_overlap = profile.rule("split-overlap")
    if rule_overlap is not None:
        seen = rows.filter((pl.col("split") == "train") & pl.col("hash").is_not_null()).select("hash").unique()
        both = rows.filter(pl.col("split") == "validation").join(seen, on="hash", how="semi")["row"].sort()
        if both.len():
            findings.append(_finding(rule_overlap, counted(both.len(), "row"), {"rows": both.len()}, both))
    return findings
