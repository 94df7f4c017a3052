"""The kinds of rule that a target profile may use: a predicate each, and the parameters that the profile must give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ftdata.targets import on_images, on_messages, on_order, on_tools
from ftdata.targets.example import Example, Hit, Params


class Kind(NamedTuple):
    """A kind of rule: its predicate (None: it judges the file or the dataset), its parameters, and whether it is gated.

    A gated kind never fires on a *plain* row, as the gates define it (see `ftdata.targets.gate`).
    """

    judge: Callable[[Example, Params], Iterator[Hit]] | None
    params: tuple[str, ...] = ()
    gated: bool = True


KINDS: dict[str, Kind] = {
    "row-object": Kind(on_messages.row_object),
    "legacy-row": Kind(on_messages.legacy_row),
    "messages": Kind(on_messages.messages),
    "message-object": Kind(on_messages.message_object),
    "top-level-keys": Kind(on_messages.top_level_keys, ("keys",)),
    "role": Kind(on_messages.role, ("roles", "aliases")),
    "developer-role": Kind(on_messages.developer_role, ("roles", "forms")),
    "message-keys": Kind(on_messages.message_keys, ("keys",)),
    "content-missing": Kind(on_messages.content_missing, ("optional_with_calls", "nullable")),
    "content-type": Kind(on_messages.content_type),
    "content-empty": Kind(on_messages.content_empty, ("roles",)),
    "content-parts": Kind(on_messages.content_parts),
    "part-type": Kind(on_messages.part_type, ("parts",)),
    "part-unverified": Kind(on_messages.part_unverified, ("parts",)),
    "refusal-alone": Kind(on_messages.refusal_alone),
    "name": Kind(on_messages.name, ("required",)),
    "weight": Kind(on_messages.weight, ("values",)),
    "weight-role": Kind(on_messages.weight_role, ("roles",)),
    "weight-none": Kind(on_messages.weight_none),
    "tool-calls": Kind(on_tools.tool_calls),
    "arguments-string": Kind(on_tools.arguments_string),
    "arguments-json": Kind(on_tools.arguments_json),
    "tool-call-id": Kind(on_tools.tool_call_id),
    "tool-answer": Kind(on_tools.tool_answer),
    "function-call": Kind(on_tools.function_call),
    "tools": Kind(on_tools.tools),
    "parallel-tool-calls": Kind(on_tools.parallel_tool_calls),
    "functions": Kind(on_tools.functions, ("minimum", "maximum")),
    "deprecated": Kind(on_tools.deprecated, ("row", "roles", "message")),
    "image-count": Kind(on_images.image_count, ("maximum",)),
    "image-type": Kind(on_images.image_type, ("types",)),
    "image-size": Kind(on_images.image_size, ("maximum_bytes",)),
    "no-assistant": Kind(on_order.no_assistant),
    "last-message": Kind(on_order.last_message),
    "no-user": Kind(on_order.no_user),
    "rft-last-message": Kind(on_order.rft_last_message),
    "dpo-input": Kind(on_order.dpo_input),
    "dpo-side": Kind(on_order.dpo_side),
    "dpo-one-turn": Kind(on_order.dpo_one_turn, ("maximum",)),
    "dpo-history": Kind(on_order.dpo_history, ("user_turns",)),
    "dpo-text-only": Kind(on_order.dpo_text_only, ("roles", "types")),
    "dpo-keys": Kind(on_order.dpo_keys),
    # The file and the dataset; judged by ftdata.checks.format.
    "json": Kind(None),
    "blank-line": Kind(None),
    "encoding": Kind(None, ("encodings",)),
    "bom": Kind(None),
    "file-suffix": Kind(None, ("suffixes",)),
    "file-size": Kind(None, ("maximum_bytes",)),
    "min-rows": Kind(None, ("minimum",)),
    "few-rows": Kind(None, ("useful",)),
    "mixed-forms": Kind(None),
    "image-rows": Kind(None, ("maximum",)),
    "split-overlap": Kind(None),
}
"""Every kind of rule that a profile may use."""
