"""The kinds of rule that a target profile may use: a predicate each, and the parameters that the profile must give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from ftdata.targets import on_images, on_messages, on_order, on_speech, on_tools
from ftdata.targets.example import Example, Hit, Params
from ftdata.targets.speech import Speech

PLAIN, ALTERNATING, WEIGHTLESS, WITHOUT_SYSTEM, ONE_EXCHANGE, NEVER = 1, 2, 4, 8, 16, 32
"""What a row may be known to be without an explanation (see `ftdata.targets.gate`); no row is known to be `NEVER`."""


class Kind(NamedTuple):
    """A kind of rule: its predicate (none: it judges the file or the dataset), its parameters, the rows that it spares.

    `judge` looks at rows of OpenAI's layout (`Example`), `hears` at rows of any (`Speech`). A kind never fires on a row
    that is all of `spares`, a sum of the words above, or a function that gives it for the parameters.
    """

    judge: Callable[[Example, Params], Iterator[Hit]] | None = None
    params: tuple[str, ...] = ()
    hears: Callable[[Speech, Params], Iterator[Hit]] | None = None
    spares: int | Callable[[Params], int] = PLAIN

    @property
    def of(self) -> Literal["row", "file"]:
        """What a rule of this kind judges."""
        return "file" if self.judge is None and self.hears is None else "row"


def _speakers_spare(params: Params) -> int:
    roles: Any = params["roles"]
    if not {"user", "assistant"} <= set(roles):
        return NEVER
    return PLAIN if "system" in roles else PLAIN | WITHOUT_SYSTEM


def _on_speech(
    hears: Callable[[Speech, Params], Iterator[Hit]], *params: str, spares: int | Callable[[Params], int] = PLAIN
) -> Kind:
    return Kind(None, params, hears, spares)


_TURNS = PLAIN | ALTERNATING

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
    # A row in whatever layout it is written.
    "shape": _on_speech(on_speech.shape),
    "no-other-keys": _on_speech(on_speech.no_other_keys, "messages", spares=PLAIN | WEIGHTLESS),
    "key-names": _on_speech(on_speech.key_names, "keys"),
    "schema-version": _on_speech(on_speech.schema_version, "value"),
    "speakers": _on_speech(on_speech.speakers, "words", "roles", "layout", spares=_speakers_spare),
    "first-user": _on_speech(on_speech.first_user, spares=_TURNS),
    "alternation": _on_speech(on_speech.alternation, "roles", spares=_TURNS),
    "last-assistant": _on_speech(on_speech.last_assistant),
    "system-first": _on_speech(on_speech.system_first, "running", spares=_TURNS),
    "positions": _on_speech(on_speech.positions, "odd", "even", spares=_TURNS),
    "one-exchange": _on_speech(on_speech.one_exchange, spares=PLAIN | ONE_EXCHANGE),
    "pair-layout": _on_speech(on_speech.pair_layout, "layouts"),
    "pair-input": _on_speech(on_speech.pair_input),
    "reserved-words": _on_speech(on_speech.reserved_words, "words"),  # the gate looks for the words by itself
    "uniform-content": _on_speech(on_speech.uniform_content),
    "text-present": _on_speech(on_speech.text_present, "roles"),
    "weight-null": _on_speech(on_speech.weight_null),
    "weights-ignored": _on_speech(on_speech.weights_ignored, spares=PLAIN | WEIGHTLESS),
    "no-tools": _on_speech(on_speech.no_tools, "calls"),
    "tool-id-shape": _on_speech(on_speech.tool_id_shape, "pattern"),
    "tool-complete": _on_speech(on_speech.tool_complete, "fields"),
    "tools-last-only": _on_speech(on_speech.tools_last_only),
    "images-max": _on_speech(on_speech.images_max, "maximum"),
    "videos-max": _on_speech(on_speech.videos_max, "maximum"),
    "media-where": _on_speech(on_speech.media_where, "roles"),
    "image-embedded": _on_speech(on_speech.image_embedded, "types"),
    "image-weight": _on_speech(on_speech.image_weight),
    # The file and the dataset; judged by ftdata.targets.lines and ftdata.checks.format.
    "json": Kind(),
    "blank-line": Kind(),
    "encoding": Kind(None, ("encodings",)),
    "bom": Kind(),
    "bom-required": Kind(),
    "layout": Kind(),
    "file-suffix": Kind(None, ("suffixes",)),
    "file-name": Kind(None, ("pattern",)),
    "file-size": Kind(None, ("maximum_bytes",)),
    "upload-size": Kind(None, ("maximum_bytes",)),
    "min-rows": Kind(None, ("minimum",)),
    "max-rows": Kind(None, ("maximum",)),
    "few-rows": Kind(None, ("useful",)),
    "few-pairs": Kind(None, ("useful",)),
    "mixed-forms": Kind(),
    "image-rows": Kind(None, ("maximum",)),
    "split-overlap": Kind(),
}
"""Every kind of rule that a profile may use."""

OF_THE_LAYOUT = frozenset(
    "encoding json row-object legacy-row layout shape mixed-forms messages message-object role content-missing "
    "content-type content-parts part-type dpo-input dpo-side tool-calls".split()
)
"""The kinds by which a row is a row of its layout at all: who takes the layout takes no row that breaks them."""
