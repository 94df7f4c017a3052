"""Edit rows so that a target takes them."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import ConfigDict, Field, field_validator

from ftdata.batch import Batch, Rows, dumps, flat, mark, owners, paired
from ftdata.errors import RecipeError
from ftdata.readers.openai_chat import parse_line
from ftdata.stages import Example, Transform
from ftdata.targets import load
from ftdata.transforms.fit.aim import Aim, aim
from ftdata.transforms.fit.cure import Cured, cure
from ftdata.transforms.fit.draft import ASIDE
from ftdata.writers.json_lines import NOT_CARRIED
from ftdata.writers.openai_chat import render

OTHER_FORM = "other-form"
"""The reason of a row with one answer where pairs are wanted, or the other way round."""
NO_ANSWER = "no-answer"
"""The reason of a row that teaches nothing, where the target has a layout of its own: its reader refuses it, too."""
_CHAT = "openai-chat"
_EDITED = ("messages", "rejected", "answer_at", "tools", "extra")


class Fit(Transform):
    """Edit rows so that a training target takes them; drop those that cannot be cured, with the code of the rule.

    Each row is judged by the rules of the target's dated profile and by what the layout of the target can carry; what
    is wrong is cured by small fixes in one fixed order, until nothing more can be done. Fixing twice changes nothing.

    What a fix costs is one of three. *Free*: the row says the same (a role spelt otherwise, arguments as text, ids of
    calls of nine characters). *Changed*: every word stays, but in another form or place; the row gets the flag
    `changed-<what>`. *Lost*: something cannot be carried; it is done only with `allow_lossy`, and the row gets the flag
    `lost-<what>`; without it the row is dropped, and the note says what would be lost. Flags are counted in the
    summary: that is the report of losses.

    | changed | how |
    |---|---|
    | `turns` | turns of one role that follow each other are joined by a blank line |
    | `system` | a system message behind others becomes a turn of the user where it stands; all do where none is taken |
    | `last-turns` | what follows the last answer is taken out, and kept beside the row |
    | `row-extra`, `message-extra`, `parallel-tool-calls`, `name` | taken out, and kept beside the row |
    | `tool-text` | a tool's result that is no JSON object is wrapped in one |
    | `refusal` | a refusal becomes the plain text of the answer |
    | `reserved-words` | a space before the last character: `User :` |

    | lost | how |
    |---|---|
    | `tools` | calls and results are told in words, definitions are left out |
    | `images`, `parts` | taken out, if the message still says something; of too many images, those behind the first |
    | `history` | all before the last answer is told in one turn of the user: earlier answers are not learnt |
    | `name`, `weight` | taken out; a weight only costs something where an answer was not to be learnt |
    | `turns` | two turns of which only one was to be learnt, or with two names, become one that is not learnt |
    | `first-turns` | answers before the first question are taken out |
    | `preference` | the answer that was not preferred is left out |

    Some targets take preference rows in another layout, so in another file: `form` keeps the rows of one form, and
    drops the others as `other-form`. Where the target has a layout of its own, a row of which no answer says anything
    is dropped as `no-answer`: readers of that layout refuse it, too.

    Kept beside the row means in its meta, under `fit`: a writer with `sidecar = ["fit"]` writes it beside the data. A
    row that breaks a rule which is only a warning, and stays as it is, gets the code of the rule as a flag.
    """

    name: ClassVar[str] = "fit"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A row that ends with a question, one without an answer, and one that is right.",
            (
                ("Onde está o pedido?", "Sai hoje.", "Obrigada!"),
                (("user", "¿Hay alguien?"),),
                ("Hi", "Hello!"),
            ),
            {"for": "openai"},
        ),
    )
    model_config = ConfigDict(populate_by_name=True)

    target: str = Field(alias="for", description="target that is to take the rows, such as `openai`, or a profile.toml")
    form: Literal["any", "single", "pair"] = Field(
        "any", description="rows to keep: any, single (one answer) or pair (a preferred and a rejected one)"
    )
    allow_lossy: bool = Field(False, description="apply fixes that lose something of a row, rather than drop the row")

    @field_validator("target")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            load(value)
        except RecipeError as error:
            raise ValueError(str(error).removeprefix("for: ")) from None
        return value

    def reads_meta(self) -> frozenset[str]:
        """Read what was put beside the row before."""
        return frozenset({ASIDE})

    def apply(self, batch: Batch) -> Batch:
        """Fit the rows."""
        goal = aim(self.target)
        cured: dict[int, Cured] = {}
        pairs = paired(batch)
        if self.form != "any" and (other := pairs != (self.form == "pair")).any():
            cured = {int(at): Cured("", drop=OTHER_FORM) for at in np.flatnonzero(other)}
        refused, looked = goal.unfit(batch), []
        for at, line in enumerate(render(batch)):
            if at in cured or (at not in refused and goal.gate.passes(line)):
                continue
            looked.append(at)
            result = cure(line, goal.gate, goal.carries, goal.kept, self.allow_lossy)
            if result.fixes or result.flags or result.drop:
                cured[at] = result
        fitted = _laid(batch, cured) if cured else batch
        if goal.gate.profile.layout != _CHAT and (silent := _unanswered(fitted)).any():
            fitted = mark(fitted, silent, drop=NO_ANSWER, note="no answer says anything")
        gone = fitted["drop"].is_not_null()
        live = [at for at in looked if not gone[at]]
        return _judged_as_written(fitted, live, goal) if live else fitted


def _unanswered(batch: Batch) -> pl.Series:
    """Give the rows of which no answer, or one of the two answers of a pair, says anything: a text, a call, a part."""
    silent = pl.repeat(False, batch.height, dtype=pl.Boolean, eager=True)
    for column in ("messages", "rejected"):
        turns = flat(batch, column)
        said = turns["content"].str.contains(r"[^\s\x1c-\x1f]").fill_null(False)
        for other in ("parts", "tool_calls", "extra"):
            said |= turns[other].is_not_null()
        owner = owners(batch, column).to_numpy()
        at = np.arange(len(owner)) - np.searchsorted(owner, owner)
        start = batch["answer_at"].fill_null(0).to_numpy() if column == "messages" else np.zeros(batch.height, int)
        speaks = (turns["role"] == "assistant").fill_null(False).to_numpy() & said.to_numpy() & (at >= start[owner])
        without = np.bincount(owner[speaks], minlength=batch.height) == 0
        silent |= pl.Series(without) & batch[column].is_not_null()
    return silent & batch["drop"].is_null()


def _judged_as_written(batch: Batch, places: list[int], goal: Aim) -> Batch:
    """Judge these rows once more, as the writer of the target would write them: what it still refuses is dropped."""
    size = batch.height
    drops: list[str | None] = [None] * size
    notes: list[str | None] = [None] * size
    flags: dict[str, list[int]] = {}
    rows = batch[places]
    unfit = goal.unfit(rows)
    for i, line, gate, _ in goal.written(rows):
        unheld = unfit.get(i, ())
        at, rules = places[i], {rule.code: rule for rule, _ in gate.explain(line).breaches}
        errors = [rule.code for rule in rules.values() if rule.level == "error"]
        if unheld:
            drops[at], notes[at] = NOT_CARRIED, f"not carried: {', '.join(unheld)}"
        elif errors:
            drops[at], notes[at] = errors[0], f"rules broken: {len(errors)}"
        else:
            for code in rules:
                flags.setdefault(code, []).append(at)
    for code in sorted(flags):
        mask = np.zeros(size, dtype=bool)
        mask[flags[code]] = True
        batch = mark(batch, mask, flag=code)
    reasons = pl.Series(drops, dtype=pl.String)
    return mark(batch, reasons.is_not_null(), drop=reasons, note=pl.Series(notes, dtype=pl.String))


def _laid(batch: Batch, cured: dict[int, Cured]) -> Batch:
    """Lay edited rows on a batch, with their flags, reasons and notes."""
    edited = {at: result for at, result in cured.items() if result.fixes and result.drop is None}
    if edited:
        rows = Rows()
        for result in edited.values():
            row = parse_line(result.line.encode())
            rows.add((), row.messages, rejected=row.rejected, answer_at=row.answer_at, tools=row.tools, extra=row.extra)
        new = rows.batch()
        index = np.arange(batch.height)
        index[list(edited)] = np.arange(batch.height, batch.height + len(edited))
        columns = {name: pl.concat([batch[name], new[name]]).gather(index) for name in _EDITED}
        aside = {at: result.aside for at, result in edited.items() if result.aside}
        if aside:
            places = list(aside)
            held = batch["meta"].gather(places)
            texts = [_beside(text, aside[at]) for at, text in zip(places, held, strict=True)]
            columns["meta"] = batch["meta"].scatter(places, pl.Series(texts, dtype=pl.String))
        batch = batch.with_columns(**columns)
    for flag in sorted({flag for result in cured.values() if not result.drop for flag in result.flags}):
        mask = np.zeros(batch.height, dtype=bool)
        mask[[at for at, result in cured.items() if flag in result.flags and not result.drop]] = True
        batch = mark(batch, mask, flag=flag)
    drops: list[str | None] = [None] * batch.height
    notes: list[str | None] = [None] * batch.height
    for at, result in cured.items():
        drops[at], notes[at] = result.drop, result.note
    mask = np.zeros(batch.height, dtype=bool)
    mask[list(cured)] = True
    return mark(batch, mask, drop=pl.Series(drops, dtype=pl.String), note=pl.Series(notes, dtype=pl.String))


def _beside(meta: str | None, aside: dict[str, Any]) -> str:
    """Put what is kept beside a row into its meta; what an earlier step put there stays."""
    found: dict[str, Any] = {} if meta is None else json.loads(meta)
    held = found.get(ASIDE)
    key = ASIDE if held is None or isinstance(held, dict) else f"{ASIDE}.kept"
    mine = dict(found.get(key) or {})
    for shelf, values in aside.items():
        mine[shelf] = {**values, **(mine.get(shelf) or {})}
    return dumps({**found, key: mine})
