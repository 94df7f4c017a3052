"""What the step `fit` aims at: the rules of a target, and the writers that say what its layouts hold."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ftdata import hooks, writers
from ftdata.batch import Batch, paired
from ftdata.stages import Writer
from ftdata.targets import Profile, load
from ftdata.targets.gate import Gate
from ftdata.writers.cargo import CARGO
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.openai_chat import render
from ftdata.writers.trainer_folder import TrainerFolder

_CHAT = "openai-chat"
KEPT = frozenset({"layout", "schema-version", "key-names"})
"""Kinds of rule that the writer keeps by itself, whatever the row."""


class Aim(NamedTuple):
    """The gate that judges rows in OpenAI's layout, and the writers of plain and of preference rows.

    A writer that is null does not say what it holds; with `pairs` false the target takes no preference rows. `folder`
    writes the folder of a trainer, which may hold less of a row with one answer than the layout that the trainer reads.
    """

    gate: Gate
    own: tuple[Gate, Gate]  # the gates of the layouts of plain and of preference rows
    single: JsonLines | None
    pair: JsonLines | None
    pairs: bool = True
    folder: TrainerFolder | None = None

    def carries(self, pair: bool) -> frozenset[str]:
        """Give what the layout holds, and the folder."""
        writer = self.pair if pair and self.pairs else self.single
        held = frozenset(CARGO) if writer is None else writer.carries
        if self.folder is not None and not pair:
            held &= self.folder.carries
        return held if self.pairs else held - {"preference"}

    def written(self, batch: Batch) -> Iterator[tuple[int, str, Gate, tuple[str, ...]]]:
        """Give each row as it would be written, with its place, the gate that judges it so, and what is not held.

        A row that is not held stands as in OpenAI's layout.
        """
        refused = self.refused(batch)
        pairs = paired(batch)
        odd = np.zeros(batch.height, dtype=bool)
        odd[list(refused)] = True
        made: dict[int, tuple[int, str, Gate, tuple[str, ...]]] = {}
        for writer, gate, mine in (
            (self.single, self.own[0], ~pairs & ~odd),
            (self.pair, self.own[1], pairs & ~odd),
            (None, self.gate, odd),
        ):
            at = np.flatnonzero(mine)
            if len(at):
                rows = batch if len(at) == batch.height else batch[at]
                lines = render(rows) if writer is None else writer.render(rows)
                judge = gate if writer is not None else self.gate
                made |= {
                    int(i): (int(i), line, judge, refused.get(int(i), ())) for i, line in zip(at, lines, strict=True)
                }
        return (made[i] for i in range(batch.height))

    @property
    def kept(self) -> frozenset[str]:
        """Kinds of rule that the writers keep by themselves."""
        return KEPT | {"pair-layout"} if self.pairs else KEPT

    def unfit(self, batch: Batch) -> dict[int, tuple[str, ...]]:
        """Give the rows that hold what the layout cannot, or the folder, with the words for it."""
        found = self.refused(batch)
        if self.folder is not None:
            single = ~paired(batch)
            for word, mask in self.folder.unheld(batch).items():
                for at in np.flatnonzero(mask & single):
                    if word not in (held := found.get(int(at), ())):
                        found[int(at)] = (*held, word)
        return found

    def refused(self, batch: Batch) -> dict[int, tuple[str, ...]]:
        """Give the rows that hold what the layout cannot, with the words for it."""
        pairs = paired(batch)
        found: dict[int, list[str]] = {}
        if not self.pairs:
            found = {int(at): ["preference"] for at in np.flatnonzero(pairs)}
        for writer, mine in ((self.single, ~pairs), (self.pair, pairs)):
            if writer is None or not mine.any():
                continue
            for word, mask in writer.unheld(batch).items():
                for at in np.flatnonzero(mask & mine):
                    found.setdefault(int(at), []).append(word)
        return {at: tuple(words) for at, words in found.items()}


def fields_for(profile: Profile) -> dict[str, Any]:
    """Give the settings that the writer of a target needs: a byte order mark, the keys of a prompt and its answer."""
    fields: dict[str, Any] = {} if profile.rule("bom-required") is None else {"bom": True}
    keys = profile.rule("key-names")
    if keys is not None and profile.layout == "prompt-completion":
        fields["prompt"], fields["completion"] = keys.params["keys"]
    return fields


def pair_layout(profile: Profile) -> str | None:
    """Give the layout in which a target takes preference rows; None if it takes none."""
    rule = profile.rule("pair-layout")
    if rule is None or profile.layout in rule.params["layouts"]:
        return profile.layout
    return next(iter(rule.params["layouts"]), None)


@cache
def aim(target: str) -> Aim:
    """Make ready for a target; raises `RecipeError` if it is not known."""
    profile = load(target)
    pair = pair_layout(profile)
    single = _writer(profile.layout, fields_for(profile))
    own = (Gate(profile), Gate(profile, pair))
    if pair is None:
        return Aim(Gate(profile, _CHAT), own, single, None, False, _folder(profile))
    both = single if pair == profile.layout else _writer(pair, {})
    return Aim(Gate(profile, _CHAT), own, single, both, folder=_folder(profile))


def _folder(profile: Profile) -> TrainerFolder | None:
    """Give the writer of a trainer's folder that has the name of the target, where that holds rows as chat rows."""
    if profile.layout != _CHAT or profile.name not in writers.STAGES:
        return None
    stage = hooks.find(("writer",), profile.name).stage
    return stage(path=Path("set")) if issubclass(stage, TrainerFolder) else None


def _writer(layout: str, fields: dict[str, Any]) -> JsonLines | None:
    stage = hooks.find(("writer",), layout).stage
    assert issubclass(stage, Writer)
    made = stage(path=Path("rows.jsonl"), **fields)
    return made if isinstance(made, JsonLines) else None
