"""The card of a dataset: which files hold which split, what the columns mean, and what nobody has said yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

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


def card(splits: Mapping[str, Mapping[str, int]], schema: pa.Schema, unfit: Collection[str]) -> str:
    """Write the card: front matter, counts, columns; no text of any row, no date.

    `splits` gives for each split the numbers `rows` and `preference`; `unfit` names the JSON columns (and
    `messages.<field>`) that are stored as text. The front matter lists no data files, although it could: `datasets`
    finds `data/<split>-NNNNN-of-NNNNN.parquet` by itself, and only then looks at their times. From a card that lists
    them it takes name and patterns for the key of its cache, and gives the old rows after a second run (5.2). The
    licence is the identifier `unknown` of Hugging Face's list until somebody states one.
    """
    lines = [
        "---",
        "license: unknown",
        "---",
        "",
        "# Conversations for fine-tuning",
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
    lines += ["## Not stated", ""]
    lines += [
        "- Licence: unknown.",
        "- Source of the rows, and consent of the people in them: unknown.",
        "- Personal data that may be left: unknown.",
        "",
        "Fill these in before you share the data.",
        "",
    ]
    return "\n".join(lines)


def _stored(name: str, dtype: pa.DataType, unfit: Collection[str]) -> str:
    if isinstance(dtype, pa.JsonType):
        return " (type `Json`)"
    return " (JSON text)" if name in unfit else ""
