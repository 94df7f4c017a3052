"""What the rows teach beside facts: a form of answer, calls of tools, and what every prompt repeats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import msgspec
import polars as pl
import xxhash

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.similarity import spoken
from ftdata.texts import PER_TOKEN

_HEAD = re.compile(r"^[^\W\d_][^:.!?\n]{0,30}:")
_ITEM = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Behaviour(Signal):
    """Form: JSON with the same keys, the same order of headed lines and lists; tools; the system text of all rows."""

    name: ClassVar[str] = "behaviour"

    def look(self, view: View) -> pl.DataFrame:
        """Give hashes of the form and of the system text, whether a tool is called, whether the answer is JSON."""
        system = spoken(view.batch, ("system", "developer"))
        forms = [_form(text) for text in view.reply.to_list()]
        called = view.messages.filter(pl.col("calls").is_not_null())["row"].unique()
        calls = pl.Series("calls", [False]).new_from_index(0, view.height)
        return pl.DataFrame(
            {
                "form": pl.Series([form for form, _ in forms], dtype=pl.UInt64),
                "json": pl.Series([json for _, json in forms], dtype=pl.Boolean),
                "calls": calls.scatter(called, True) if len(called) else calls,
                "system": pl.Series(
                    [xxhash.xxh3_64_intdigest(text.encode()) for text in system.to_list()], dtype=pl.UInt64
                ),
                "system_chars": system.str.len_chars().cast(pl.Int64),
            }
        )

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `form_share` (answers in the most frequent form of several lines or JSON), `json_share`, `tool_calls`,
        `same_system` (rows with the most frequent system text) and its estimated `system_tokens`."""
        frame = evidence.frames[self.name]
        forms = frame["form"].drop_nulls().value_counts(sort=True)
        systems = frame.filter(pl.col("system_chars") > 0).group_by("system").agg(pl.len(), pl.first("system_chars"))
        systems = systems.sort("len", "system", descending=True)
        return {
            "form_share": share(int(forms["count"][0]) if forms.height else 0, frame.height),
            "json_share": share(int(frame["json"].sum()), frame.height),
            "tool_calls": share(int(frame["calls"].sum()), frame.height),
            "same_system": share(int(systems["len"][0]) if systems.height else 0, frame.height),
            "system_tokens": -(-int(systems["system_chars"][0]) // PER_TOKEN) if systems.height else 0,
        }


def _form(text: str | None) -> tuple[int | None, bool]:
    """Hash the form of an answer: the keys of JSON, else the kinds of its lines, repeats as one; none for one line."""
    if not text:
        return None, False
    if text.lstrip()[:1] == "{":
        try:
            keys = sorted(_OBJECT.decode(text))
        except msgspec.MsgspecError:
            pass
        else:
            return xxhash.xxh3_64_intdigest(("json " + " ".join(keys)).encode()), True
    kinds: list[str] = []
    for line in text.splitlines():
        if line.strip():
            kind = "item" if _ITEM.match(line) else "head" if _HEAD.match(line) else "text"
            if not kinds or kinds[-1] != kind:
                kinds.append(kind)
    if len(kinds) < 2:
        return None, False
    return xxhash.xxh3_64_intdigest((" ".join(kinds)).encode()), False
