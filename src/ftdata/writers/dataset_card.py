"""The card of a dataset: which files hold which split, what the columns mean, and what nobody has said yet."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

import pyarrow as pa

_COLUMNS = {
    "messages": "the conversation, a list of messages; null for a preference row, if there are any",
    "prompt": "preference rows: the messages before the answers",
    "chosen": "preference rows: the preferred answer, a list of messages",
    "rejected": "preference rows: the other answer, a list of messages",
    "tools": "the tools that the assistant may call, a list of definitions",
    "extra": "all other keys of the training row, an object",
    "meta": "what is known about the row and is not trained on, an object",
}
_FIELDS = {
    "role": "who speaks",
    "content": "what is said; null where a message has `parts`, or only calls a tool",
    "name": "name of the speaker",
    "weight": "0: the message is not learned; 1: it is",
    "tool_calls": "the calls, a list; `arguments` is JSON text, as the provider has it",
    "tool_call_id": "the call that a tool's message answers",
    "parts": "content given as a list of parts; it stands in place of `content`",
    "extra": "all other keys of the message, an object",
}


@dataclass(frozen=True)
class Stated:
    """What the user states of a dataset, in their own words; None: nobody has said it, and the card says so."""

    title: str | None = None
    licence: str | None = None
    provenance: str | None = None
    lawful_basis: str | None = None
    personal_data: str | None = None
    contact: str | None = None


_STATED = {
    "licence": "Licence",
    "provenance": "Source of the rows, and consent of the people in them",
    "lawful_basis": "Lawful basis of using them for training",
    "personal_data": "Personal data that may be left",
    "contact": "Whom to ask",
}
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def card(
    splits: Mapping[str, Mapping[str, int]], schema: pa.Schema, unfit: Collection[str], stated: Stated | None = None
) -> str:
    """Write the card: front matter, counts, columns, what is stated and what not; no text of any row, no date.

    `splits` gives for each split the numbers `rows` and `preference`; `unfit` names the JSON columns (and
    `messages.<field>`) that are stored as text. The front matter lists no data files, although it could: `datasets`
    finds `data/<split>-NNNNN-of-NNNNN.parquet` by itself, and only then looks at their times. From a card that lists
    them it takes name and patterns for the key of its cache, and gives the old rows after a second run (5.2). The
    licence is the identifier `unknown` of Hugging Face's list until somebody states one, and `other`, with its name,
    where that is no identifier.
    """
    stated = stated or Stated()
    lines = [
        "---",
        *_licence(stated.licence),
        "---",
        "",
        f"# {_text(stated.title or 'Conversations for fine-tuning')}",
        "",
        "| split | rows | of these preference rows |",
        "|---|---|---|",
    ]
    lines += [f"| {split} | {counts['rows']} | {counts['preference']} |" for split, counts in splits.items()]
    lines += ["", "## Columns", ""]
    message: pa.StructType | None = None
    for column in schema:
        lines.append(f"- `{column.name}`: {_COLUMNS[column.name]}{_stored(column.name, column.type, unfit)}")
        message = column.type.value_type if pa.types.is_list(column.type) else message
    if message is not None:
        lines += ["", "A message:", ""]
        for field in message:
            lines.append(
                f"- `{field.name}`: {_FIELDS[field.name]}{_stored('messages.' + field.name, field.type, unfit)}"
            )
    lines += ["", "Columns and fields that are null in every row are left out.", "", "## Use", "", "```python"]
    lines += ["import datasets", "", 'rows = datasets.load_dataset("THIS FOLDER")', "```", ""]
    names = {*schema.names, *(f"messages.{field.name}" for field in message or ())}
    if names.intersection(unfit):
        lines += ["What is marked as JSON text is null or text to parse: `value and json.loads(value)`.", ""]
    said = [field.name for field in fields(stated) if field.name in _STATED and getattr(stated, field.name) is not None]
    if said:
        lines += ["## Stated by whoever made it", ""]
        lines += [f"- {_STATED[name]}: {_text(getattr(stated, name))}" for name in said]
        lines.append("")
    left = [name for name in _STATED if name not in said and name != "contact"]
    if left:
        lines += ["## Not stated", ""]
        lines += [f"- {_STATED[name]}: unknown." for name in left]
        lines += ["", "Fill these in before you share the data.", ""]
    return "\n".join(lines)


def _licence(stated: str | None) -> list[str]:
    """Give the front matter's lines for a licence."""
    if stated is None or _IDENTIFIER.fullmatch(stated):
        return [f"license: {stated or 'unknown'}"]
    return ["license: other", f"license_name: {json.dumps(stated, ensure_ascii=False)}"]


def _text(stated: str) -> str:
    """Give what was stated on one line, and as text: no mark-up of Markdown or HTML."""
    bare = " ".join(stated.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]>#|])", r"\\\1", bare)


def _stored(name: str, dtype: pa.DataType, unfit: Collection[str]) -> str:
    if isinstance(dtype, pa.JsonType):
        return " (type `Json`)"
    return " (JSON text)" if name in unfit else ""
