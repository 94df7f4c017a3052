"""Chat JSONL in OpenAI's fine-tuning layout, in one canonical form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, ClassVar, TypeAlias

import msgspec
import numpy as np
import polars as pl
from pydantic import Field, field_validator

from ftdata import files
from ftdata.batch import FIELDS, Batch, flat, lengths, nest, relist
from ftdata.jsontext import compact
from ftdata.stages import Writer
from ftdata.writers import learned
from ftdata.writers.meta import OBJECT, pick, reads

_Encode: TypeAlias = Callable[[pl.DataFrame], pl.Series]
_PLAIN = ("role", "content")
SIDE = ".meta"
"""The folder, beside the data, of the files that hold meta."""


class OpenAIChat(Writer):
    r"""Write chat JSONL as OpenAI's fine-tuning takes it, one file per split.

    One object per line, UTF-8 without a byte order mark, each line ended by a bare line feed. The keys of a message
    stand in the order `role, content, name, weight, tool_calls, tool_call_id`, then all others; those of a row in the
    order `messages, tools`, then all others. No key is written twice; a null field is left out, but for `content` where
    the source said `null`. Open-ended JSON (tools, tool calls, parts, unknown keys) is copied without its white space,
    not computed: numbers keep all their digits. Preference rows are written as `input`, `preferred_output`,
    `non_preferred_output`, the keys of OpenAI's guide to direct preference optimization, however the source spelt them.
    With `meta`, the named keys stand in an object `meta` at the end of the row, joined to an object of that name which
    the row has already.

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

    turns: learned.Turns = Field("whole", description=learned.DESCRIPTION)
    sidecar: tuple[str, ...] = Field((), description='meta keys to keep in a file beside the data; "*": all')

    @field_validator("path")
    @classmethod
    def _not_aside(cls, path: Path) -> Path:
        if path.parent.name == SIDE:
            raise ValueError(f"the folder {SIDE} is for what stands beside the data; choose another")
        return path

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys that are written; for `language.code` also `language`; with the sidecar `*` all there are."""
        return None if "*" in self.sidecar else reads((*self.meta, *self.sidecar))

    def sidecar_for(self, file: Path) -> Path | None:
        """Give the name of the file that the sidecar of a data file has; it is there only if some row has such meta."""
        return file.parent / SIDE / file.name if self.sidecar else None

    def spread(self, batch: Batch) -> pl.Series | None:
        """Count the lines of each row, if `turns` is `expand`."""
        return learned.spread(batch, self.turns)

    def split_of(self, file: Path) -> str | None:
        """Give the split whose rows a finished file holds."""
        return super().split_of(file.parent.parent / file.name if file.parent.name == SIDE else file)

    def lines(self, file: Path) -> int | None:
        """Count the rows in a finished file; None for a sidecar."""
        return None if file.parent.name == SIDE else super().lines(file)

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        """Write the rows of each split to its file, in reading order."""
        with ExitStack() as stack:
            streams: dict[Path, IO[bytes]] = {}
            written: Counter[Path] = Counter()

            def stream(file: Path) -> IO[bytes]:
                if file not in streams:
                    (into / file).parent.mkdir(parents=True, exist_ok=True)
                    streams[file] = stack.enter_context(files.create(into / file))
                return streams[file]

            for rows_in in batches:
                batch = learned.unfold(rows_in, self.turns)
                lines = render(batch, self.meta)
                for file, chosen in self._by_file(batch["split"]):
                    stream(file).write(_ended(lines if chosen is None else lines.filter(chosen)))
                    rows = batch if chosen is None else batch.filter(chosen)
                    beside = self.sidecar_for(file)
                    if beside is not None and len(aside := _aside(rows, self.sidecar, written[file])):
                        stream(beside).write(_ended(aside))
                    written[file] += rows.height

    def _by_file(self, split: pl.Series) -> Iterator[tuple[Path, pl.Series | None]]:
        """Give each file with the mask of the rows that go to it; None: all."""
        held: dict[Path, list[str | None]] = {}
        for side in split.unique(maintain_order=True):
            held.setdefault(self.file_for(side), []).append(side)
        for file, sides in held.items():
            yield file, None if len(held) == 1 else split.is_in(sides, nulls_equal=True)


def _aside(batch: Batch, keys: Sequence[str], before: int) -> pl.Series:
    """Give the sidecar's lines for rows that have any of these meta keys; `before` rows stand in the file already."""
    meta = compact(batch["meta"]) if "*" in keys else pick(batch, keys)
    frame = pl.DataFrame({"line": np.arange(before + 1, before + 1 + batch.height), "meta": meta})
    return (
        frame.filter(pl.col("meta").is_not_null() & (pl.col("meta") != "{}"))
        .select(pl.concat_str(pl.lit('{"line":'), "line", pl.lit(',"meta":'), "meta", pl.lit("}")).alias("line"))
        .to_series()
    )


def render(batch: Batch, meta: Sequence[str] = ()) -> pl.Series:
    """Give each row of a batch as one line of JSON, without the line feed; `meta` names the meta keys to add."""
    if not meta and (lines := _plainest(batch)) is not None:
        return lines
    rows = pl.DataFrame(
        [
            _turns(batch, "messages"),
            _turns(batch, "rejected"),
            batch["answer_at"],
            batch["tools"],
            batch["extra"],
            _meta(batch, meta) if meta else pl.repeat(None, batch.height, dtype=pl.String, eager=True).alias("meta"),
        ]
    )
    preference = rows["rejected"].is_not_null() | rows["answer_at"].is_not_null()
    if not preference.any():
        return _plain_rows(rows)
    return _by_mask(rows, preference, _preference_rows, _plain_rows)


def _plainest(batch: Batch) -> pl.Series | None:
    """Encode a batch of which all rows are messages of role and content in one native step; None: some are more."""
    columns = ("rejected", "answer_at", "tools", "extra")
    if batch["messages"].null_count() or any(batch[name].null_count() < batch.height for name in columns):
        return None
    turns = flat(batch)
    if any(turns[name].null_count() != (0 if name in _PLAIN else turns.height) for name in FIELDS):
        return None
    messages = relist(batch["messages"], turns.select(_PLAIN))
    return messages.to_frame().to_struct("line").struct.json_encode()


def _ended(lines: pl.Series) -> memoryview:
    """Give the lines with a line feed after each, as the one buffer in which Arrow holds them (20× a join)."""
    array = (lines + "\n").to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, values = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)
    return memoryview(values)[bounds[array.offset] : bounds[array.offset + len(array)]]


# --- rows -------------------------------------------------------------------------------------------------------------


def _plain_rows(rows: pl.DataFrame) -> pl.Series:
    pieces = []
    if rows["messages"].null_count() < rows.height:
        pieces.append(_array("messages", pl.col("messages")))
    if rows["tools"].null_count() < rows.height:
        pieces.append(_copied("tools"))
    if rows["extra"].null_count() < rows.height:
        pieces.append(_inside(_unclashed(rows, {"messages": ("messages",), "tools": ("tools",), "meta": ("meta",)})))
    if rows["meta"].null_count() < rows.height:
        pieces.append(_copied("meta"))
    return _objects(rows, pieces)


def _preference_rows(rows: pl.DataFrame) -> pl.Series:
    given, rest = _opened(rows["extra"])
    rows = rows.with_columns(given, rest)
    turns, at = pl.col("messages"), pl.col("answer_at")
    asked = turns.list.slice(0, pl.coalesce(at, turns.list.len()))
    extra = _unclashed(rows.with_columns(extra="given"), {"messages": ("messages",), "tools": ("tools",)})
    inner = _objects(rows, [_array("messages", asked), _copied("tools"), _inside(extra)])
    present = rows["messages"].is_not_null() | rows["tools"].is_not_null() | rows["given"].is_not_null()
    owned = {
        "input": ("input",),
        "preferred_output": ("answer_at",),
        "non_preferred_output": ("rejected",),
        "meta": ("meta",),
    }
    rows = rows.with_columns(input=pl.select(pl.when(present).then(inner)).to_series())
    return _objects(
        rows,
        [
            pl.concat_str(pl.lit('"input":'), "input"),
            _array("preferred_output", pl.when(at.is_not_null()).then(turns.list.slice(at))),
            _array("non_preferred_output", pl.col("rejected")),
            _inside(_unclashed(rows, owned)),
            _copied("meta"),
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
        rest.append(_encoded({key: value for key, value in fields.items() if key != "input" or given[-1] is None}))
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
            texts[at] = _encoded({**OBJECT.decode(kept), **OBJECT.decode(texts[at])})
    return pl.Series("meta", texts, pl.String)


# --- messages ---------------------------------------------------------------------------------------------------------

_OWNED = {field: (field,) for field in FIELDS if field not in ("parts", "extra")} | {"content": ("content", "parts")}


def _turns(batch: Batch, column: str) -> pl.Series:
    """Give the messages of a column as lists of JSON objects."""
    if batch[column].null_count() == batch.height:
        return pl.repeat(None, batch.height, dtype=pl.List(pl.String), eager=True).alias(column)
    offsets = np.concatenate(([0], np.cumsum(lengths(batch, column).to_numpy(), dtype=np.int64)))
    nulls = batch[column].is_null().to_numpy() if batch[column].null_count() else None
    return nest(_messages(flat(batch, column)), offsets, nulls).alias(column)


def _messages(turns: pl.DataFrame) -> pl.Series:
    """Encode flat messages: those of role and content alone, which most are, in one native step."""
    others = [field for field in FIELDS if field not in _PLAIN]
    special = turns.select(
        pl.any_horizontal(pl.col(_PLAIN).is_null(), *(pl.col(field).is_not_null() for field in others))
    ).to_series()
    return _by_mask(turns, special, _full_messages, _plain_messages) if special.any() else _plain_messages(turns)


def _plain_messages(turns: pl.DataFrame) -> pl.Series:
    return turns.select(line=pl.struct(_PLAIN).struct.json_encode()).to_series()


def _full_messages(turns: pl.DataFrame) -> pl.Series:
    has = {field for field in FIELDS if turns[field].null_count() < turns.height}
    pieces = []
    if "role" in has:
        pieces.append(_text("role"))
    if "parts" in has:
        pieces.append(pl.coalesce(pl.concat_str(pl.lit('"content":'), _compact("parts")), _text("content")))
    elif "content" in has:
        pieces.append(_text("content"))
    if "name" in has:
        pieces.append(_text("name"))
    if "weight" in has:
        pieces.append(pl.concat_str(pl.lit('"weight":'), pl.col("weight").cast(pl.String)))
    if "tool_calls" in has:
        pieces.append(_copied("tool_calls"))
    if "tool_call_id" in has:
        pieces.append(_text("tool_call_id"))
    if "extra" in has:
        pieces.append(_inside(_unclashed(turns, _OWNED, keep=("content",))))
    return _objects(turns, pieces)


# --- JSON, from text to text ------------------------------------------------------------------------------------------


def _text(field: str) -> pl.Expr:
    """Give `"field":"value"`, escaped, or null."""
    encoded = pl.struct(field).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
    return pl.when(pl.col(field).is_not_null()).then(encoded)


def _copied(field: str) -> pl.Expr:
    """Give `"field":…` with the JSON text of that column, or null."""
    return pl.concat_str(pl.lit(f'"{field}":'), _compact(field))


def _array(key: str, values: pl.Expr) -> pl.Expr:
    """Give `"key":[…]` of a list of JSON texts, or null."""
    return pl.concat_str(pl.lit(f'"{key}":['), values.list.join(","), pl.lit("]"))


def _compact(field: str) -> pl.Expr:
    """Give the JSON text of a column without white space between its tokens; the tokens themselves stay as they are."""
    return pl.col(field).map_batches(compact, return_dtype=pl.String)


def _inside(objects: pl.Series) -> pl.Expr:
    """Give what stands between the braces of JSON objects; null where that is nothing."""
    inner = pl.lit(objects).str.strip_chars(" ").str.strip_prefix("{").str.strip_suffix("}").str.strip_chars(" ")
    return pl.when(inner != "").then(inner)


def _objects(frame: pl.DataFrame, pieces: Sequence[pl.Expr]) -> pl.Series:
    """Join pieces (`"key":value`, null where absent) to JSON objects, one for each row of the frame."""
    if not pieces:
        return pl.repeat("{}", frame.height, dtype=pl.String, eager=True)
    inner = pieces[0] if len(pieces) == 1 else pl.concat_str(pieces, separator=",", ignore_nulls=True)
    return frame.select(line=pl.concat_str(pl.lit("{"), inner.fill_null(""), pl.lit("}"))).to_series()


def _unclashed(frame: pl.DataFrame, owned: Mapping[str, Sequence[str]], keep: Sequence[str] = ()) -> pl.Series:
    """Give column `extra`, compact, without null values (but for `keep`) and without keys that a column writes too.

    `owned` names for each key the columns that write it. A stage may have filled a column whose key the source had with
    an odd value: the column wins, since a key written twice is read differently by different parsers.
    """
    extra = frame.select(_compact("extra")).to_series()
    keys = "|".join(owned)
    suspect = extra.str.contains(rf'"(?:{keys})"|:\s*null|\\u').fill_null(False)
    if not suspect.any():
        return extra
    columns = sorted({column for names in owned.values() for column in names})
    texts = extra.to_list()
    for at, *filled in frame.select(pl.int_range(pl.len()), *(pl.col(c).is_not_null() for c in columns)).rows():
        if not suspect[at]:
            continue
        taken = {column for column, full in zip(columns, filled, strict=True) if full}
        texts[at] = _encoded(
            {
                key: value
                for key, value in OBJECT.decode(texts[at]).items()
                if taken.isdisjoint(owned.get(key, ())) and (key in keep or bytes(value).strip() != b"null")
            }
        )
    return pl.Series("extra", texts, pl.String)


def _encoded(fields: Mapping[str, msgspec.Raw]) -> str | None:
    return msgspec.json.encode(fields).decode() if fields else None


def _by_mask(frame: pl.DataFrame, mask: pl.Series, yes: _Encode, no: _Encode) -> pl.Series:
    """Encode the rows under a mask one way, the others another way; give all in their order."""
    order = pl.concat([mask.arg_true(), (~mask).arg_true()]).arg_sort()
    return pl.concat([yes(frame.filter(mask)), no(frame.filter(~mask))]).gather(order)
