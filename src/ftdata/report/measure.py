"""Measure rows: how many, who says how much, how long they are; all in counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import xxhash

from ftdata.batch import Batch, flat, owners, said
from ftdata.checks.lengths import Lengths as LengthsCheck
from ftdata.manifest import Manifest
from ftdata.report.values import Bin, Count, Languages, Lengths
from ftdata.rows import every, live, place
from ftdata.tokens import Counter as Tokenizer
from ftdata.tokens import chosen, per_row

_BINS = 16
_TAIL = 0.99
"""Share of the rows that the bins of one width reach; the last bin holds the others."""
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Statistics:
    """What a set of rows holds. Counts of rows, but `messages`, `characters` and those of `roles`.

    `unread`: records that are no rows, by reason. `copies`: rows that say, role by role, what an earlier one says.
    `tokens` are those of `ftdata tokens`, and `counted` says how they were counted.
    """

    rows: int
    unread: tuple[Count, ...]
    messages: int
    characters: int
    tokens: int
    counted: str
    roles: tuple[Count, ...]
    spoken: tuple[Count, ...]
    splits: tuple[Count, ...]
    languages: tuple[Count, ...]
    holding: tuple[Count, ...]
    copies: int
    systems: int
    lengths: Lengths | None


@dataclass
class Measures:
    """Add batch after batch; memory grows by 100 bytes a row. Tokens are counted only if something is to count them."""

    count: Tokenizer | None = None
    rows: int = 0
    tokens: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    spoken: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    holding: Counter[str] = field(default_factory=Counter)
    _seen: set[int] = field(default_factory=set)
    _systems: set[int] = field(default_factory=set)
    _sketches: list[pl.DataFrame] = field(default_factory=list)

    def add(self, whole: Batch) -> None:
        """Count the rows of a batch."""
        self.unread.update(whole["drop"].drop_nulls().to_list())
        batch = live(whole)
        if not batch.height:
            return
        self.rows += batch.height
        if self.count is not None:
            self.tokens += int(per_row(batch, self.count).all.sum())
        self._sketches.append(LengthsCheck().sketch(batch))
        messages = flat(batch)
        texts = said(messages).fill_null("")
        by_role = pl.DataFrame(
            {"role": messages["role"].fill_null(_UNKNOWN), "characters": texts.str.len_chars()}
        ).group_by("role")
        for role, count, characters in by_role.agg(pl.len(), pl.col("characters").sum()).iter_rows():
            self.roles[role] += count
            self.spoken[role] += characters
        self.splits.update(batch["split"].drop_nulls().to_list())
        tags = batch["meta"].str.extract(r'"language\.code": ?"([^"\\]*)"').drop_nulls()
        self.languages.update(tags.to_list())
        owner = owners(batch).to_numpy()

        def with_any(mask: pl.Series) -> int:
            return len(np.unique(owner[mask.fill_null(False).to_numpy()]))

        counts = {
            "system": with_any(messages["role"].is_in(["system", "developer"])),
            "tools": int(batch["tools"].is_not_null().sum()),
            "tool calls": with_any(messages["tool_calls"].is_not_null()),
            "images or other parts": with_any(messages["parts"].is_not_null()),
            "weight 0": with_any(messages["weight"] == 0),
            "preference": int(batch["rejected"].is_not_null().sum()),
            "several answers": _several(owner, (messages["role"] == "assistant").fill_null(False).to_numpy()),
        }
        self.holding.update({name: count for name, count in counts.items() if count})
        told = pl.select(messages["role"].fill_null("") + "\0" + texts).to_series()
        digests = np.fromiter((xxhash.xxh3_64_intdigest(text.encode()) for text in told), np.uint64, len(told))
        starts = np.searchsorted(owner, np.arange(batch.height))
        for begin, end in zip(starts.tolist(), [*starts.tolist()[1:], len(owner)], strict=True):
            self._seen.add(xxhash.xxh3_64_intdigest(digests[begin:end].tobytes()))
        self._systems.update(digests[(messages["role"] == "system").fill_null(False).to_numpy()].tolist())

    def told(self) -> Statistics:
        """Give what was counted."""
        characters = sum(self.spoken.values())
        return Statistics(
            rows=self.rows,
            unread=ranked(self.unread),
            messages=sum(self.roles.values()),
            characters=characters,
            tokens=self.tokens,
            counted="" if self.count is None else self.count.told,
            roles=ranked(self.roles),
            spoken=ranked(self.spoken),
            splits=ranked(self.splits, self.rows),
            languages=ranked(self.languages, self.rows),
            holding=ranked(self.holding, self.rows),
            copies=self.rows - len(self._seen),
            systems=len(self._systems),
            lengths=self.lengths(),
        )

    def lengths(self, source: str = "outputs") -> Lengths | None:
        """Give the spread of the rows' characters; None without rows."""
        if not self._sketches:
            return None
        sketch = pl.concat(self._sketches)
        told = LengthsCheck().judge(sketch.lazy())[0].numbers
        measures = {name: value for name, value in told.items() if isinstance(value, Mapping)}
        return Lengths(self.rows, "characters", measures, bins(sketch["all_characters"].to_numpy()), source)


def _several(
    owner: np.ndarray[tuple[int], np.dtype[np.uint32]], mask: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> int:
    return int((np.bincount(owner[mask]) > 1).sum()) if mask.any() else 0


def statistics(what: str, encoding: str | None = None, tokenizer: str | None = None, model: str = "") -> Statistics:
    """Count what stands in a RUN or FILE; the languages of a run are those that its step `language` found.

    Tokens are counted as `ftdata.tokens.chosen` says. Raises `InputError` if nothing is there, or no reader is sure of
    it, `RecipeError` if there is no such tokenizer.
    """
    where = place(what)
    found = measured(every(where, encoding), chosen(tokenizer, model)).told()
    if where.manifest is not None and not found.languages:
        told = languages(where.manifest)
        found = replace(found, languages=told.rows) if told is not None else found
    return found


def measured(batches: Iterable[Batch], count: Tokenizer | None = None) -> Measures:
    """Count the rows of batches, and with `count` their tokens."""
    measures = Measures(count)
    for batch in batches:
        measures.add(batch)
    return measures


def ranked(counts: Mapping[str, int], whole: int | None = None) -> tuple[Count, ...]:
    """Give counts as values, the largest first, equal ones by name; shares of `whole`, by default of their sum."""
    of = sum(counts.values()) if whole is None else whole
    pairs = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Count(name, count, round(count / of, 4) if of else None) for name, count in pairs)


def bins(values: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> tuple[Bin, ...]:
    """Cut whole numbers into at most 17 bins of one round width (1, 2, 5 times a power of ten).

    They reach to the 99th percentile at least; where more than one width lies beyond it, one last bin holds the rest.
    """
    if not len(values):
        return ()
    ordered = np.sort(values.astype(np.int64))
    low, most = int(ordered[0]), int(ordered[-1])
    reach = int(ordered[math.ceil(_TAIL * len(ordered)) - 1])
    step = _round_up(max(1, (reach - low + 1) / _BINS))
    first = low // step * step
    edges = list(range(first, reach + step + 1, step))
    if edges[-1] <= reach:
        edges.append(edges[-1] + step)
    counts = np.diff(np.searchsorted(ordered, edges, side="left")).tolist()
    found = [Bin(a, b, n) for a, b, n in zip(edges, edges[1:], counts, strict=False)]
    while len(found) > 1 and not found[-1].rows:
        found.pop()
    end = found[-1].high or 0
    rest = len(ordered) - sum(one.rows for one in found)
    if rest:
        found.append(Bin(end, end + step if most < end + step else None, rest))
    return tuple(found)


def _round_up(width: float) -> int:
    power = 10 ** math.floor(math.log10(width))
    return next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= width)


def languages(manifest: Manifest) -> Languages | None:
    """Give the languages that the last step `language` found; None without one."""
    for stage in reversed(manifest.stages):
        told = stage.summary
        if stage.use == "language" and told:
            counts, unknown = numbers(told.get("languages", {})), int(told.get("unknown", 0))
            whole = sum(counts.values()) + unknown
            variants = ranked(numbers(told.get("variants", {})), whole)
            return Languages(ranked(counts, whole), unknown, variants, told.get("backend"), stage.label)
    return None


def numbers(value: object) -> dict[str, int]:
    """Give the whole numbers of a mapping; nothing of any other value."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): n for key, n in value.items() if isinstance(n, int) and not isinstance(n, bool)}
