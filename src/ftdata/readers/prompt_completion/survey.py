"""A first look through the whole file: what all of its rows say about marks, style, labels and contradictions."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xxhash

from ftdata.readers.prompt_completion.form import COMPLETION, KEY, PROMPT, Form, opened, places
from ftdata.readers.prompt_completion.layouts import Found, Layout
from ftdata.readers.prompt_completion.markers import SEPARATORS, STOPS, Endings, cut
from ftdata.readers.prompt_completion.styles import Votes
from ftdata.readers.prompt_completion.turns import Labels, word_prefix

PREFIX = 12
"""Characters that a constant beginning of all prompts must exceed (openai 0.28.1, `common_prompt_prefix_validator`)."""
LEAD = 5
"""Characters of a constant beginning of all completions that is reported (`common_completion_prefix_validator`)."""
_LABELS = 100
"""Labels that a classification set has at most, to be told one by one."""
_LABEL = 40
"""Characters of a label at most."""
_FIRST = 1000
"""Records from which is told what stands between two; sets of keys that are counted."""


class Sides(NamedTuple):
    """The two values of a record as text, each with what it is: `text`, `json`, `empty` or `null`."""

    prompt: str
    prompt_is: str
    completion: str
    completion_is: str


def sides(found: Found) -> Sides | str:
    """Find prompt and completion in a record, or give the reason why it has none."""
    value = found.value
    if len(value) == 2:  # the usual record, quickly
        prompt, completion = value.get(PROMPT), value.get(COMPLETION)
        if prompt and completion and prompt.__class__ is completion.__class__ is str:
            return Sides(prompt, "text", completion, "text")
    first, second = places(tuple(value))
    if first < 0 or second < 0:
        return "no-prompt" if first < 0 else "no-completion"
    keys = list(value)
    prompt, prompt_is = _text(found, keys[first])
    completion, completion_is = _text(found, keys[second])
    if prompt is None or completion is None:
        return "not-text"
    return Sides(prompt, prompt_is, completion, completion_is)


def _text(found: Found, key: str) -> tuple[str | None, str]:
    value = found.value[key]
    if value.__class__ is str:
        return value, "text" if value else "empty"
    if value is None:
        return "", "null"
    if isinstance(value, (bool, int, float)):
        return str(opened(found.raw)[key], "utf-8"), "json"  # as it is written
    return None, ""


class Survey:
    """What all rows of a file say. `separators`, `stops`: the marks that the user named."""

    def __init__(
        self,
        layout: Layout,
        separators: Sequence[str] | None = None,
        stops: Sequence[str] | None = None,
        *,
        empties: bool = False,
        transcripts: bool = False,
    ) -> None:
        self._layout, self._empties, self._transcripts = layout, empties, transcripts
        self.prompts, self.completions = Endings(SEPARATORS, separators), Endings(STOPS, stops)
        self.votes, self.transcripts = Votes(), Labels()
        self.rows = self.empty = self.spaced = 0
        self._hashes = array("Q"), array("Q")
        self._kinds: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._keys: Counter[tuple[str, ...]] = Counter()
        self._gaps: Counter[str] = Counter()
        self._taken: set[str] = set()
        self._labels: Counter[str] | None = Counter()

    def see(self, found: Found) -> None:
        """Look at one record."""
        told = found.problem or sides(found)
        asked = answered = 0
        if not isinstance(told, str):
            asked, answered = self._see(found, told)
        self._hashes[0].append(asked)
        self._hashes[1].append(answered)

    def _see(self, found: Found, told: Sides) -> tuple[int, int]:
        keys = tuple(found.value)
        if keys in self._keys or len(self._keys) < _FIRST:
            self._keys[keys] += 1
        if len(keys) > 2:
            self._taken.update(key for key in keys if key.startswith(KEY) and not key[len(KEY) :].strip("_"))
        if 0 < self.rows < _FIRST:
            self._gaps[found.before] += 1
        if self._layout.style is not None:
            self.votes.see_csv(self._layout.style, found.raw, list(found.value.values()))
        else:
            self.votes.see_json(found.raw, told.prompt.isascii() and told.completion.isascii())
        self.rows += 1
        self._kinds[0][told.prompt_is] += 1
        self._kinds[1][told.completion_is] += 1
        self.empty += not told.prompt
        if (not told.prompt and not self._empties) or not told.completion or told.completion.isspace():
            return 0, 0
        if told.prompt_is == "text":
            bare = self.prompts.see(told.prompt)
            if self._transcripts:
                self.transcripts.see(bare)
        if told.completion_is == "text":
            self.completions.see(told.completion)
            self.spaced += told.completion[0] == " "
        if self._labels is not None:
            self._labels[told.completion] += 1
            if len(self._labels) > _LABELS * 4 or len(told.completion) > _LABEL + 20:
                self._labels = None
        asked = xxhash.xxh3_64_intdigest(told.prompt.encode()) if told.prompt else 0
        return asked, xxhash.xxh3_64_intdigest(told.completion.strip().encode())

    # --- what follows from it -----------------------------------------------------------------------------------------

    @property
    def task(self) -> str:
        """The task, as the old tool told it (openai 0.28.1, `infer_task_type`)."""
        if not self.rows or self.empty == self.rows:
            return "open-ended"
        answers = np.frombuffer(self._hashes[1], np.uint64)
        return "classification" if 3 * len(np.unique(answers[answers != 0])) < self.rows else "conditional"

    def conflicts(self) -> np.ndarray[Any, Any]:
        """Say for each record whether another one gives the same prompt another completion."""
        asked, answered = (np.frombuffer(hashes, np.uint64) for hashes in self._hashes)
        order = np.lexsort((answered, asked))
        one, other = asked[order], answered[order]
        clash = (one[1:] == one[:-1]) & (other[1:] != other[:-1]) & (one[1:] != 0)
        return np.isin(asked, np.unique(one[1:][clash])) if clash.any() else np.zeros(len(asked), bool)

    def prefix(self, least: int = PREFIX) -> str:
        """Give the words with which all prompts begin, if they are longer than `least` characters."""
        found = word_prefix(self.prompts.prefix or "", least) if self.prompts.rows > 1 else ""
        return found if len(found) > least else ""

    def everywhere(self, moved: bool) -> tuple[str, ...]:
        """Give the flags that all rows have; `moved`: the prompts' prefix became the system message."""
        lead = (self.completions.prefix or "").strip() if self.completions.rows > 1 else ""
        return tuple(
            flag
            for flag, holds in (
                ("common-prompt-suffix", self.prompts.common),
                ("common-completion-suffix", self.task == "conditional" and self.completions.common),
                ("constant-prompt-prefix", not moved and self.prefix()),
                ("constant-completion-prefix", len(lead) >= LEAD),
            )
            if holds
        )

    def counts(self) -> dict[str, Any]:
        """Give what was counted, for the manifest; the lengths are in characters."""
        return {
            "records": self.rows,
            "separators": self.prompts.told(),
            "leading_space": self.spaced,
            "stops": self.completions.told(),
            "common_prompt_suffix": self.prompts.common,
            "common_completion_suffix": self.completions.common,
            "constant_prompt_prefix": len(self.prefix()),
        }

    def labels(self, form: Form) -> dict[str, int]:
        """Give the labels of a classification set, bare, with their counts, the most frequent first."""
        if self.task != "classification" or self._labels is None:
            return {}
        stops = self.completions.cutter()
        counted: Counter[str] = Counter()
        for text, count in self._labels.items():
            bare = text[: len(text) - len(cut(text, stops))]
            counted[bare.removeprefix(" ") if form.space else bare] += count
        if len(counted) > _LABELS or any(len(label) > _LABEL or "\n" in label for label in counted):
            return {}
        return dict(counted.most_common())

    def form(self, roles: Mapping[str, str], prefix: str) -> Form:
        """Settle the form of the file. `prefix`: the beginning that becomes the system message."""
        content, layout = self._layout.content, self._layout
        key = KEY
        while key in self._taken:
            key += "_"
        kinds = [counter.most_common(1)[0][0] if counter else "text" for counter in self._kinds]
        return Form(
            layout=layout.name,
            encoding=content.encoding,
            bom=content.bom,
            size=content.bytes,
            sha256=content.sha256,
            between=self._gaps.most_common(1)[0][0] if self._gaps else "\n",
            keys=self._keys.most_common(1)[0][0] if self._keys else ("prompt", "completion"),
            style=self.votes.json() if layout.style is None else self.votes.csv(layout.style),
            separator=self.prompts.chosen,
            space=2 * self.spaced > self.completions.rows,
            stop=self.completions.chosen,
            prompt=kinds[0] if self._empties or kinds[0] in ("text", "json") else "text",
            completion="json" if kinds[1] == "json" else "text",
            prefix=prefix[len(prefix.rstrip()) :] if prefix else None,
            split=bool(roles),
            key=key,
        )


def variants(labels: Mapping[str, int]) -> frozenset[str]:
    """Give the labels that differ from a more frequent one in case or white space only."""
    best: dict[str, str] = {}
    for label in labels:
        best.setdefault(label.strip().casefold(), label)
    return frozenset(label for label in labels if best[label.strip().casefold()] != label)
