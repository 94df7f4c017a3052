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

_HEAD = re.compile(r"^[^\W\d_][^:.!?\n]{0,30}:")
_ITEM = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Behaviour(Signal):
    """Form: JSON with the same keys, the same order of headed lines and lists; tools; the system text of all rows."""

    name: ClassVar[str] = "behaviour"

    def look(self, view: View) -> pl.DataFrame:
        """Give hashes of the form and of the system text, whether a tool is called, and the system text's tokens."""
        system = spoken(view.batch, ("system", "developer"))
        called = view.messages.filter(pl.col("calls").is_not_null())["row"].unique()
        calls = pl.Series("calls", [False]).new_from_index(0, view.height)
        return pl.DataFrame(
            {
                "form": pl.Series([_form(text) for text in view.reply.to_list()], dtype=pl.UInt64),
                "calls": calls.scatter(called, True) if len(called) else calls,
                "system": pl.Series(
                    [xxhash.xxh3_64_intdigest(text.encode()) for text in system.to_list()], dtype=pl.UInt64
                ),
                "system_tokens": _sizes(system, view),
            }
        )

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `form_share` (answers in the most frequent form of several lines or JSON), `tool_calls`, and the
        `system_tokens` of the most frequent system text."""
        frame = evidence.frames[self.name]
        forms = frame["form"].drop_nulls().value_counts(sort=True)
        systems = frame.filter(pl.col("system_tokens") > 0).group_by("system").agg(pl.len(), pl.first("system_tokens"))
        systems = systems.sort("len", "system", descending=True)
        return {
            "form_share": share(int(forms["count"][0]) if forms.height else 0, frame.height),
            "tool_calls": share(int(frame["calls"].sum()), frame.height),
            "system_tokens": int(systems["system_tokens"][0]) if systems.height else 0,
        }


def _sizes(texts: pl.Series, view: View) -> pl.Series:
    """Count the tokens of texts of which few differ: each once."""
    different = texts.unique()
    counted = pl.DataFrame({"text": different, "tokens": view.count.counts(different)})
    return pl.DataFrame({"text": texts}).join(counted, on="text", how="left", maintain_order="left")["tokens"]


def _form(text: str | None) -> int | None:
    """Hash the form of an answer: the keys of JSON, else the kinds of its lines, repeats as one; none for one line."""
    if not text:
        return None
    if text.lstrip()[:1] == "{":
        try:
            keys = sorted(_OBJECT.decode(text))
        except msgspec.MsgspecError:
            pass
        else:
            return xxhash.xxh3_64_intdigest(("json " + " ".join(keys)).encode())
    kinds: list[str] = []
    for line in text.splitlines():
        if line.strip():
            kind = "item" if _ITEM.match(line) else "head" if _HEAD.match(line) else "text"
            if not kinds or kinds[-1] != kind:
                kinds.append(kind)
    if len(kinds) < 2:
        return None
    return xxhash.xxh3_64_intdigest((" ".join(kinds)).encode())
