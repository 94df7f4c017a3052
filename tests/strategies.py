"""Hypothesis strategies for training rows and conversations, and the reading of a row that the tests hold to.

`rows()` gives raw JSON rows of every kind; `conversation(row)` says, one value at a time and independently of the
reader, which `Conversation` such a row is; `canonical(row)` is equal for two rows exactly if they are equal as parsed
JSON where a null field equals an absent one, except `content` beside `tool_calls`.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from ftdata.conversation import Conversation, Message

# --- texts and JSON ---------------------------------------------------------------------------------------------------

NASTY = (
    "",
    " ",
    '","name":null,"',
    ',"content":null}',
    '\\","name":null',
    "\\",
    '"',
    "\\u2028 spelt out",
    "\u2028 \u2029 \u0085 \ufeff",
    "\x00\x01\x1f\x7f",
    "a\nb\r\nc\td",
    "\ud7ff\ue000\uffff\U00010000\U0010ffff",
    "</script>\u202e",
    "{}",
    "null",
    "😀👩‍👩‍👧",
    "é e\u0301",
)


def texts(max_size: int = 30) -> st.SearchStrategy[str]:
    """Texts of all Unicode planes, without surrogates, and those that writers get wrong."""
    wide = st.text(st.characters(exclude_categories=["Cs"]), max_size=max_size)
    return st.one_of(wide, st.sampled_from(NASTY), st.tuples(st.sampled_from(NASTY), wide).map("".join))


NUMBERS = st.one_of(
    st.integers(-5, 300),
    st.sampled_from([2**53 + 1, 2**63, -(2**63), 2**64, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, texts(8))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts(5), inner, max_size=3)),
    max_leaves=5,
)
"""Any JSON value; numbers that a float would corrupt among them."""


def unknown(taken: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Keys that nothing knows, with any value; often none."""
    keys = st.one_of(st.sampled_from(["ticket_id", "Content", "content ", "x", ""]), texts(6)).filter(
        lambda key: key not in taken
    )
    return st.one_of(st.just({}), st.dictionaries(keys, JSON, max_size=2))


def objects(*fields: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One object out of several."""
    return st.tuples(*fields).map(lambda parts: {key: value for part in parts for key, value in part.items()})


def maybe(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A key that may be missing, or null."""
    return st.one_of(st.just({}), st.just({key: None}), values.map(lambda value: {key: value}))


def always(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A key that is there."""
    return values.map(lambda value: {key: value})


# --- messages ---------------------------------------------------------------------------------------------------------

MESSAGE_KEYS = ("role", "content", "name", "weight", "tool_calls", "tool_call_id")
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "function", "developer"])
IMAGE = st.just({"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}})
PART = st.one_of(
    objects(st.just({"type": "text"}), always("text", texts()), unknown(("type", "text"))),
    objects(st.just({"type": "refusal"}), always("refusal", texts())),
    IMAGE,
)
PARTS = st.lists(PART, max_size=3)
ARGUMENTS = st.one_of(
    st.dictionaries(texts(5), JSON, max_size=3).map(json.dumps),
    st.dictionaries(texts(5), texts(), max_size=2).map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
    texts(10),
)
CALL = objects(
    always("id", texts(9)),
    st.just({"type": "function"}),
    always(
        "function", objects(always("name", texts(9)), always("arguments", ARGUMENTS), unknown(("name", "arguments")))
    ),
    unknown(("id", "type", "function")),
)
CALLS = st.lists(CALL, max_size=2)
PLAIN = objects(always("role", ROLES), always("content", texts()))
CALLING = objects(
    st.just({"role": "assistant"}),
    maybe("content", texts()),
    always("tool_calls", CALLS),
    unknown(MESSAGE_KEYS),
)
ANSWERING = objects(st.just({"role": "tool"}), always("content", texts()), always("tool_call_id", texts(9)))
LEGACY = objects(
    st.just({"role": "assistant"}),
    maybe("content", texts()),
    always("function_call", objects(always("name", texts(9)), always("arguments", ARGUMENTS))),
)
OPEN = objects(
    maybe("role", ROLES),
    maybe("content", st.one_of(texts(), PARTS)),
    maybe("name", texts(9)),
    maybe("weight", st.sampled_from([0, 1])),
    maybe("refusal", texts(9)),
    unknown((*MESSAGE_KEYS, "refusal")),
)
MISFIT = objects(
    always("role", st.one_of(ROLES, JSON)),
    maybe("content", JSON),
    maybe("name", JSON),
    maybe("weight", st.one_of(st.sampled_from([0.5, 1.0, True, "1", 2, 127, 128, -129, 10**30]), JSON)),
    maybe("tool_calls", JSON),
    maybe("tool_call_id", JSON),
    unknown(MESSAGE_KEYS),
)


def messages(max_size: int = 4) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Messages as JSON: mostly sound, some with fields that fit no schema."""
    return st.lists(st.one_of(PLAIN, PLAIN, CALLING, ANSWERING, LEGACY, OPEN, MISFIT), max_size=max_size)


TOOL = objects(
    st.just({"type": "function"}),
    always(
        "function",
        objects(always("name", texts(9)), maybe("description", texts()), maybe("parameters", JSON), unknown(("name",))),
    ),
)
TOOLS = st.lists(TOOL, max_size=2)

# --- rows -------------------------------------------------------------------------------------------------------------

ROW_KEYS = ("messages", "tools", "input", "preferred_output", "non_preferred_output")
OTHERS = objects(maybe("parallel_tool_calls", st.booleans()), unknown((*ROW_KEYS, "meta", "prompt", "completion")))
SFT = objects(always("messages", messages()), maybe("tools", TOOLS), OTHERS)
RFT = objects(
    always("messages", messages()), always("reference_label", JSON), maybe("rubric", JSON), maybe("tools", JSON)
)
PREFERENCE = objects(
    always("input", objects(always("messages", messages()), maybe("tools", TOOLS), OTHERS)),
    always("preferred_output", messages(2)),
    always("non_preferred_output", messages(2)),
    OTHERS,
)
BARE = always("messages", st.lists(PLAIN, min_size=1, max_size=5))


def rows() -> st.SearchStrategy[dict[str, Any]]:
    """Training rows of every kind, as parsed JSON."""
    return st.one_of(BARE, SFT, RFT, PREFERENCE)


def conversations() -> st.SearchStrategy[Conversation]:
    """The same, as `Conversation` values with `origin`, a split and meta."""

    def made(row: dict[str, Any], number: int, split: str | None, meta: dict[str, Any] | None) -> Conversation:
        return conversation(row).model_copy(update={"origin": (number,), "row": number, "split": split, "meta": meta})

    splits = st.sampled_from([None, "train", "validation", "test"])
    return st.builds(made, rows(), st.integers(1, 10**6), splits, st.one_of(st.none(), unknown(())))


# --- what a row is ----------------------------------------------------------------------------------------------------


def conversation(row: dict[str, Any]) -> Conversation:
    """Read a row as the layout says: what fits its column goes there, all else into `extra` under its own key."""
    if "preferred_output" in row and isinstance(row.get("input"), dict):
        given = dict(row["input"])
        rest = {k: v for k, v in row.items() if k not in ("input", "preferred_output", "non_preferred_output")}
        asked = [message(m) for m in given.pop("messages")]
        tools = given.pop("tools", None)
        if given:
            rest["input"] = given
        preferred, other = row["preferred_output"], row["non_preferred_output"]
        return Conversation(
            origin=(1,),
            messages=(*asked, *(message(m) for m in preferred)),
            answer_at=len(asked),
            rejected=tuple(message(m) for m in other),
            tools=tools,
            extra=rest or None,
        )
    rest = {k: v for k, v in row.items() if k != "messages"}
    tools = rest.pop("tools") if isinstance(rest.get("tools"), list) else None
    return Conversation(
        origin=(1,), messages=tuple(message(m) for m in row["messages"]), tools=tools, extra=rest or None
    )


def message(value: dict[str, Any]) -> Message:
    """Read one message the same way."""
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, held in value.items():
        if key in ("role", "content", "name", "tool_call_id") and isinstance(held, str):
            fields[key] = held
        elif key == "content" and isinstance(held, list):
            fields["parts"] = held
        elif key == "tool_calls" and isinstance(held, list):
            fields[key] = held
        elif key == "weight" and type(held) in (int, float) and -128 <= held <= 127 and held == int(held):
            fields[key] = int(held)
        else:
            extra[key] = held
    return Message(**fields, extra=extra or None)


def canonical(row: dict[str, Any]) -> str:
    """Give the same text for two rows exactly if they are losslessly equal; types and digits of numbers count."""
    bare = {key: value for key, value in row.items() if value is not None}
    for key in ("messages", "preferred_output", "non_preferred_output"):
        if isinstance(bare.get(key), list):
            bare[key] = [_bare_message(m) for m in bare[key]]
    if isinstance(bare.get("input"), dict):
        bare["input"] = json.loads(canonical(bare["input"]))
    return json.dumps(bare, sort_keys=True)


def _bare_message(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    calls = value.get("tool_calls") is not None
    weight = value.get("weight")
    if isinstance(weight, float) and weight.is_integer():
        value = value | {"weight": int(weight)}  # 1.0 is the whole number 1, as in JSON Schema
    return {key: held for key, held in value.items() if held is not None or (key == "content" and calls)}
