"""The kinds of rule that a target profile may use: a predicate each, and the parameters that the profile must give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from ftdata.targets import on_blocks, on_calls, on_images, on_messages, on_order, on_speech, on_tools
from ftdata.targets.example import Example, Hit, Params
from ftdata.targets.speech import PAIR_KEYS, Speech
from ftdata.targets.words import WORDS

PLAIN, ALTERNATING, WEIGHTLESS, WITHOUT_SYSTEM, ONE_EXCHANGE, PROMPT_KEYS, INPUT_KEYS, NEVER = (
    1 << n for n in range(8)
)
"""What a row may be known to be without an explanation (see `ftdata.targets.plain`); no row is known to be `NEVER`.

`PROMPT_KEYS`: if it is a pair of texts, then under prompt and completion; `INPUT_KEYS`: under input and output.
"""

UNPAIRED = PROMPT_KEYS | INPUT_KEYS
"""Both, as of a row that is no pair of texts."""

SCHEMA = "bedrock-conversation-2024"
"""The schema that plain rows of Nova name."""


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
    roles = set(params["roles"])
    words = {word for word, role in WORDS.get(params["layout"], {}).items() if role in roles}
    if not {"user", "assistant"} <= roles or not words <= set(params["words"]):
        return NEVER
    return PLAIN if "system" in roles else PLAIN | WITHOUT_SYSTEM


def _keys_spare(params: Params) -> int:
    named = {PAIR_KEYS[0]: PROMPT_KEYS, PAIR_KEYS[1]: INPUT_KEYS}
    return PLAIN | named.get(tuple(params["keys"]), NEVER)


def _schema_spares(params: Params) -> int:
    return PLAIN if params["value"] == SCHEMA else NEVER


def _on_speech(
    hears: Callable[[Speech, Params], Iterator[Hit]], *params: str, spares: int | Callable[[Params], int] = PLAIN
) -> Kind:
    return Kind(None, params, hears, spares)


_TURNS = PLAIN | ALTERNATING

KINDS: dict[str, Kind] = {
    "row-object": Kind(on_messages.row_object),
    "legacy-row": Kind(on_messages.legacy_row),
    "messages": Kind(on_messages.messages),
    "messages-or-text": Kind(on_messages.messages_or_text),
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
    "rft-no-system": Kind(on_order.rft_no_system),
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
    "key-names": _on_speech(on_speech.key_names, "keys", spares=_keys_spare),
    "schema-version": _on_speech(on_speech.schema_version, "value", spares=_schema_spares),
    "speakers": _on_speech(on_speech.speakers, "words", "roles", "layout", spares=_speakers_spare),
    "first-user": _on_speech(on_speech.first_user, spares=_TURNS),
    "alternation": _on_speech(on_speech.alternation, "roles", spares=_TURNS),
    "last-assistant": _on_speech(on_speech.last_assistant),
    "system-first": _on_speech(on_speech.system_first, "running", spares=_TURNS),
    "one-system": _on_speech(on_speech.one_system, spares=_TURNS),
    "lone-answer": _on_speech(on_speech.lone_answer),
    "positions": _on_speech(on_speech.positions, "odd", "even", spares=_TURNS),
    "one-exchange": _on_speech(on_speech.one_exchange, spares=PLAIN | ONE_EXCHANGE),
    "pair-layout": _on_speech(on_speech.pair_layout, "layouts"),
    "pair-input": _on_speech(on_speech.pair_input),
    "both-answers": _on_speech(on_speech.both_answers),
    "uniform-sides": _on_speech(on_speech.uniform_sides),
    "reserved-words": _on_speech(on_speech.reserved_words, "words"),  # the gate looks for the words by itself
    "uniform-content": _on_speech(on_speech.uniform_content),
    "content-string": _on_speech(on_speech.content_string),
    "content-or-calls": _on_speech(on_speech.content_or_calls),
    "text-not-empty": _on_speech(on_speech.text_not_empty),
    "text-present": _on_speech(on_speech.text_present, "roles"),
    "weight-null": _on_speech(on_speech.weight_null),
    "weights-ignored": _on_speech(on_speech.weights_ignored, spares=PLAIN | WEIGHTLESS),
    "no-tools": _on_speech(on_speech.no_tools, "calls"),
    "tool-id-shape": _on_speech(on_speech.tool_id_shape, "pattern"),
    "tool-complete": _on_speech(on_speech.tool_complete, "fields"),
    "tools-last-only": _on_speech(on_speech.tools_last_only),
    "tool-turns": _on_speech(on_calls.tool_turns),
    "function-name": _on_speech(on_calls.function_name, "pattern"),
    "tools-array": _on_speech(on_calls.tools_array),
    "tools-text": _on_speech(on_calls.tools_text),
    "images-per-turn": _on_speech(on_speech.images_per_turn, "maximum"),
    "images-max": _on_speech(on_speech.images_max, "maximum"),
    "videos-max": _on_speech(on_speech.videos_max, "maximum"),
    "media-where": _on_speech(on_speech.media_where, "roles"),
    "media-bucket": _on_speech(on_blocks.media_bucket),
    "media-format": _on_speech(on_blocks.media_format, "parts"),
    "one-medium": _on_speech(on_blocks.one_medium),
    "reasoning-where": _on_speech(on_blocks.reasoning_where, "roles"),
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
