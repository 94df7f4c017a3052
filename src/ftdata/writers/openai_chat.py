"""Chat JSONL in OpenAI's fine-tuning layout, in one canonical form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
import polars as pl

from ftdata.batch import FIELDS, Batch, flat, relist
from ftdata.writers.encoding import PLAIN, array, by_mask, copied, encoded, inside, objects, turns_of, unclashed
from ftdata.writers.json_lines import CARGO, JsonLines
from ftdata.writers.json_lines import SIDE as SIDE
from ftdata.writers.meta import OBJECT, pick


class OpenAIChat(JsonLines):
    r"""Write chat JSONL as OpenAI's fine-tuning takes it, one file per split.

    One object per line, UTF-8 without a byte order mark (unless `bom`, which Azure's guide asks for), each line ended
    by a bare line feed. The keys of a message stand in the order `role, content, name, weight, tool_calls,
    tool_call_id`, then all others; those of a row in the order `messages, tools`, then all others. No key is written
    twice; a null field is left out, but for `content` where the source said `null`. Open-ended JSON (tools, tool
    calls, parts, unknown keys) is copied without its white space, not computed: numbers keep all their digits.
    Preference rows are written as `input`, `preferred_output`, `non_preferred_output`, the keys of OpenAI's guide to
    direct preference optimization, however the source spelt them. With `meta`, the named keys stand in an object
    `meta` at the end of the row, joined to an object of that name which the row has already.

    `turns` says which answers are learnt: where a service learns every answer of a line, `expand` makes a line of each
    (with all that was said before, so that long conversations cost several times their size; the check `lengths` says
    how many times), and `last` keeps one line and learns its last answer. What is not to be learnt gets `weight: 0`.

    `sidecar` keeps meta beside the data instead of in it (ids, dates, what a migration needs to be reversed): for
    `out/train.jsonl` in `out/.meta/train.jsonl`, an object `{"line": 12, "meta": {…}}` for each row that has any of the
    named keys. The folder is hidden, so that `datasets.load_dataset("out")` does not take it for data.

    `path` may hold `{split}`; rows without a split then go to `train`. Columns read: `messages, rejected, answer_at,
    tools, extra, split`, and `meta` for the keys that are named.
    """

    name: ClassVar[str] = "openai-chat"
    carries: ClassVar[frozenset[str]] = frozenset(CARGO)

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line; the named meta with it."""
        return render(batch, self.meta)

    def rendered(self, batch: Batch) -> pl.Series:
        """Give the lines: the named meta stands in them, joined to what the row has under that name."""
        return self.render(batch)


def render(batch: Batch, meta: Sequence[str] = ()) -> pl.Series:
    """Give each row of a batch as one line of JSON, without the line feed; `meta` names the meta keys to add."""
    if not meta and (lines := _plainest(batch)) is not None:
        return lines
    rows = pl.DataFrame(
        [
            turns_of(batch, "messages"),
            turns_of(batch, "rejected"),
            batch["answer_at"],
            batch["tools"],
            batch["extra"],
            _meta(batch, meta) if meta else pl.repeat(None, batch.height, dtype=pl.String, eager=True).alias("meta"),
        ]
    )
    preference = rows["rejected"].is_not_null() | rows["answer_at"].is_not_null()
    if not preference.any():
        return _plain_rows(rows)
    return by_mask(rows, preference, _preference_rows, _plain_rows)


def _plainest(batch: Batch) -> pl.Series | None:
    """Encode a batch of which all rows are messages of role and content in one native step; None: some are more."""
    columns = ("rejected", "answer_at", "tools", "extra")
    if batch["messages"].null_count() or any(batch[name].null_count() < batch.height for name in columns):
        return None
    turns = flat(batch)
    if any(turns[name].null_count() != (0 if name in PLAIN else turns.height) for name in FIELDS):
        return None
    messages = relist(batch["messages"], turns.select(PLAIN))
    return messages.to_frame().to_struct("line").struct.json_encode()


# --- rows -------------------------------------------------------------------------------------------------------------


def _plain_rows(rows: pl.DataFrame) -> pl.Series:
    pieces = []
    if rows["messages"].null_count() < rows.height:
        pieces.append(array("messages", pl.col("messages")))
    if rows["tools"].null_count() < rows.height:
        pieces.append(copied("tools"))
    if rows["extra"].null_count() < rows.height:
        pieces.append(inside(unclashed(rows, {"messages": ("messages",), "tools": ("tools",), "meta": ("meta",)})))
    if rows["meta"].null_count() < rows.height:
        pieces.append(copied("meta"))
    return objects(rows, pieces)


def _preference_rows(rows: pl.DataFrame) -> pl.Series:
    given, rest = _opened(rows["extra"])
    rows = rows.with_columns(given, rest)
    turns, at = pl.col("messages"), pl.col("answer_at")
    asked = turns.list.slice(0, pl.coalesce(at, turns.list.len()))
    extra = unclashed(rows.with_columns(extra="given"), {"messages": ("messages",), "tools": ("tools",)})
    inner = objects(rows, [array("messages", asked), copied("tools"), inside(extra)])
    present = rows["messages"].is_not_null() | rows["tools"].is_not_null() | rows["given"].is_not_null()
    owned = {
        "input": ("input",),
        "preferred_output": ("answer_at",),
        "non_preferred_output": ("rejected",),
        "meta": ("meta",),
    }
    rows = rows.with_columns(input=pl.select(pl.when(present).then(inner)).to_series())
    return objects(
        rows,
        [
            pl.concat_str(pl.lit('"input":'), "input"),
            array("preferred_output", pl.when(at.is_not_null()).then(turns.list.slice(at))),
            array("non_preferred_output", pl.col("rejected")),
            inside(unclashed(rows, owned)),
            copied("meta"),
        ],
    )


def _opened(extra: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Take the object `input` out of each text: as columns `given` (the keys of the input) and `extra` (the others)."""
    given: list[str | None] = []
    rest: list[str | None] = []
    for text in extra:
        fields = OBJECT.decode(text) if text is not None else {}
        inner = bytes(fields.get("input", b"")).strip()
        given.append(inner.decode() if inner.startswith(b"{") else None)
        rest.append(encoded({key: value for key, value in fields.items() if key != "input" or given[-1] is None}))
    return pl.Series("given", given, pl.String), pl.Series("extra", rest, pl.String)


def _meta(batch: Batch, keys: Sequence[str]) -> pl.Series:
    """Give the named meta as one object a row, laid over an object `meta` that the row has of its own."""
    named = pick(batch, keys)
    own = batch["extra"].str.contains('"meta"', literal=True) & named.is_not_null()
    if not own.any():
        return named
    texts = named.to_list()
    for at in own.arg_true():
        kept = OBJECT.decode(batch["extra"][at]).get("meta", msgspec.Raw(b""))
        if bytes(kept).strip().startswith(b"{"):
            texts[at] = encoded({**OBJECT.decode(kept), **OBJECT.decode(texts[at])})
    return pl.Series("meta", texts, pl.String)
