"""Find personal data in a Series of texts, in three tiers, each dearer and seeing less than the one before.

First a cheap test of every text (one pass for all rules with literals, one for each gate or hint without one); then,
on the texts that pass, Rust's linear-time regular expressions; then Python, on the short matches only: check digits,
number plans and neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ftdata.transforms.pii import documents
from ftdata.transforms.pii.disguise import DISGUISED, undisguise
from ftdata.transforms.pii.phones import NAMED, under_key
from ftdata.transforms.pii.rule import Hit, Rule
from ftdata.transforms.pii.secrets import KEYED, keyed


class Found(NamedTuple):
    """Personal data in one text."""

    start: int
    end: int
    type: str
    value: str


TOKEN_LIKE = r"[A-Za-z0-9._~+/=\-]{16}"
"""What a text holds that holds a key or token: every shape with `literals` has such a run; prose seldom has one."""

_NOWHERE = pl.Series([], dtype=pl.UInt32)
_Rows = np.ndarray[Any, Any]
_Ranked = tuple[int, int, int, str]  # rank, start, end, value


class _Windows(NamedTuple):
    """What a rule's `window` matches in the texts that hold any of it: a small text in place of each."""

    where: _Rows
    """Positions of the texts, ascending."""
    pieces: pl.Series

    def at(self, where: pl.Series) -> pl.Series:
        return self.pieces.gather(pl.Series(np.searchsorted(self.where, where.to_numpy()), dtype=pl.UInt32))


def _hits(
    rule: Rule, rank: int, texts: pl.Series, where: pl.Series, windows: dict[str, _Windows]
) -> dict[int, list[_Ranked]]:
    """Give the hits of one rule among the texts at the positions `where`, by position."""
    looked = windows[rule.window].at(where) if rule.window else texts.gather(where)
    matches = looked.str.extract_all(rule.pattern)
    candidates = texts.gather(where)
    some = matches.list.len() > 0
    result: dict[int, list[_Ranked]] = {}
    for position, text, strings in zip(
        where.filter(some).to_list(), candidates.filter(some).to_list(), matches.filter(some).to_list(), strict=True
    ):
        hits, at = list[Hit](), 0
        for string in strings:
            # Exact, because no rule asserts anything about what stands around its match.
            start = text.find(string, at)
            at = start + len(string)
            hits.extend(rule.check(text, start, at))
        if hits:
            result[position] = [(rank, hit.start, hit.end, hit.value) for hit in hits]
    return result


def _candidates(
    rules: Sequence[Rule], texts: pl.Series, odd: pl.Series, rows: _Rows, around: tuple[pl.Series, _Rows]
) -> tuple[list[pl.Series], dict[str, _Windows]]:
    """Give for each rule the positions of the texts worth its pattern; `odd` are those that may hold a token."""
    literals = sorted({literal for rule in rules for literal in rule.literals})
    holders: dict[str, list[int]] = {literal: [] for literal in literals}
    tokens = odd if literals else _NOWHERE
    if len(tokens):
        tokens = tokens.filter(texts.gather(tokens).str.contains(TOKEN_LIKE))
    if len(tokens):
        tokens = tokens.filter(texts.gather(tokens).str.contains_any(literals))
    if len(tokens):
        held = texts.gather(tokens).str.extract_many(literals, overlapping=True).list.unique()
        for position, some in zip(tokens.to_list(), held.to_list(), strict=True):
            for literal in some:
                holders[literal].append(position)
    hinted, windows = _behind_gates(rules, texts)
    fewer = len(texts) < len(around[0])
    # One call for all that are asked in any case: on a small batch it is the calls that take the time.
    asked = dict.fromkeys(rule.hint for rule in rules if not rule.literals and (fewer or not rule.context))
    hinted.update(_holders(texts, [hint for hint in asked if hint not in hinted]))
    told = _holders(around[0], [rule.context for rule in rules if rule.context and rule.hint not in hinted])
    result = []
    for rule in rules:
        if rule.literals:
            held_by = {position for literal in rule.literals for position in holders[literal]}
            result.append(pl.Series(sorted(held_by), dtype=pl.UInt32) if held_by else _NOWHERE)
            continue
        where = _NOWHERE
        if rule.context and rule.hint in hinted:
            # The hint is cheap or known already: only what surrounds its texts is asked for the context.
            where = hinted[rule.hint]
            if not len(where):
                result.append(where)
                continue
            near = pl.Series(np.flatnonzero(np.isin(around[1], rows[where.to_numpy()])), dtype=pl.UInt32)
            named = around[0].gather(near).str.contains(rule.context).to_numpy()
            where = where.filter(pl.Series(np.isin(rows[where.to_numpy()], around[1][near.to_numpy()][named])))
        elif rule.context:
            tellers = told[rule.context]
            if len(tellers):
                where = pl.Series(np.flatnonzero(np.isin(rows, around[1][tellers.to_numpy()])), dtype=pl.UInt32)
                where = where.filter(texts.gather(where).str.contains(rule.hint))
        else:
            where = hinted[rule.hint]
        result.append(where)
    return result, windows


def _holders(texts: pl.Series, patterns: Iterable[str]) -> dict[str, pl.Series]:
    """Give for each pattern the positions of the texts that hold it, by one call."""
    text, asked = pl.col("text"), dict.fromkeys(patterns)
    marks = texts.rename("text").to_frame().select(text.str.contains(pattern).alias(pattern) for pattern in asked)
    return {mark.name: mark.arg_true() if mark.any() else _NOWHERE for mark in marks}


def _behind_gates(rules: Sequence[Rule], texts: pl.Series) -> tuple[dict[str, pl.Series], dict[str, _Windows]]:
    """Give for each hint behind a gate the positions of the texts that pass both; all hints of a gate are one call."""
    gates: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        if rule.gate and rule.hint not in gates.setdefault((rule.gate, rule.window), []):
            gates[rule.gate, rule.window].append(rule.hint)
    result: dict[str, pl.Series] = {}
    windows: dict[str, _Windows] = {}
    passed: dict[str, pl.Series] = {}
    for (gate, window), hints in gates.items():
        if not passed:
            passed = _holders(texts, (gate for gate, _ in gates))
        through = passed[gate]
        if not len(through):
            result.update(dict.fromkeys(hints, _NOWHERE))
            continue
        looked = texts.gather(through)
        if window:
            looked = looked.str.extract_all(window).list.join("\n")
            windows[window] = _Windows(through.to_numpy(), looked)
        held = _holders(looked, hints)
        result.update({hint: through.gather(where) if len(where) else where for hint, where in held.items()})
    return result, windows


def _resolve(hits: list[_Ranked], rules: Sequence[Rule]) -> list[Found]:
    """Order hits by place; where they overlap keep the first rule's, then the longest, then the earliest."""
    hits.sort(key=lambda hit: hit[1])
    if any(hit[1] < last[2] for last, hit in pairwise(hits)):
        taken = bytearray(max(hit[2] for hit in hits))
        kept = []
        for hit in sorted(hits, key=lambda hit: (hit[0], hit[1] - hit[2], hit[1])):
            _, start, end, _ = hit
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\x01" * (end - start)
                kept.append(hit)
        hits = sorted(kept, key=lambda hit: hit[1])
    return [Found(start, end, rules[rank].type, value) for rank, start, end, value in hits]


def find(
    texts: pl.Series,
    rows: _Rows,
    rules: Sequence[Rule],
    keys: Sequence[str | None] | None = None,
    around: tuple[pl.Series, _Rows] | None = None,
) -> dict[int, list[Found]]:
    """Find what the rules find: by position of the text, in order of place, without overlaps.

    `rows` says which texts belong to one conversation (rules with a `context` ask for it: it may stand in any of
    `around`, texts and rows, by default the same ones); `keys` the key of a JSON object that a text is the value of.
    """
    # One pass for the two tests that are dear because they look at every character.
    odd = texts.str.contains(f"{TOKEN_LIKE}|{DISGUISED}").arg_true()
    scanned, shadows = undisguise(texts, odd)
    found: dict[int, list[_Ranked]] = {}
    candidates, windows = _candidates(rules, scanned, odd, rows, around or (texts, rows))
    for rank, (rule, where) in enumerate(zip(rules, candidates, strict=True)):
        if not len(where):
            continue
        hits = _hits(rule, rank, scanned, where, windows)
        for position, some in hits.items():
            found.setdefault(position, []).extend(some)
    if keys is not None and (under := telling(keys)):
        for type, says in _UNDER.items():
            for rank in [rank for rank, rule in enumerate(rules) if rule.type == type][:1]:
                for position, length, value in _under_keys(scanned, keys, under, says):
                    found.setdefault(position, []).append((rank, 0, length, value))
    result = {}
    for position in sorted(found):
        kept = _resolve(found[position], rules)
        if shadow := shadows.get(position):
            kept = [Found(*shadow.span(hit.start, hit.end), hit.type, hit.value) for hit in kept]
        result[position] = kept
    return result


def _whole(says: Callable[[str, str], bool], key: str, value: str) -> str:
    return value if says(key, value) else ""


_UNDER: dict[str, Callable[[str, str], str]] = {
    "secret": partial(_whole, keyed),
    "phone": partial(_whole, under_key),
    **{type: partial(documents.under_key, type) for type in ("cep", "rg", "nif", "ssn")},
}
"""Types that are told by the key of a JSON object under which a text stands alone: what gives its value, or nothing."""


def _under_keys(
    texts: pl.Series, keys: Sequence[str | None], under: list[int], says: Callable[[str, str], str]
) -> Iterable[tuple[int, int, str]]:
    for position, text in zip(under, texts.gather(under).to_list(), strict=True):
        if value := says(keys[position] or "", text):
            yield position, len(text), value


_TELLING = tuple(re.compile(names) for names in (KEYED, NAMED, documents.NAMED))


def telling(keys: Sequence[str | None]) -> list[int]:
    """Give the positions of the keys that name what stands under them: `password`, `phone`, `cep`."""
    # By Python: the library behind a Series keeps 32 expressions, and to compile this one anew takes 25 ms.
    named = {key for key in set(keys) if key is not None and any(names.match(key) for names in _TELLING)}
    return [at for at, key in enumerate(keys) if key in named] if named else []
