"""What a row carries beside plain talk: one vocabulary for what layouts hold, refuse, and lose when a row is fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, lengths, owners, paired
from ftdata.writers.learned import answers
from ftdata.writers.meta import OBJECT

CARGO: Mapping[str, str] = {
    "no-messages": "a row without any message",
    "unknown-role": "a message without a role, or with a word that is none",
    "system": "a system message before all others",
    "later-system": "a system message that is not the first",
    "developer": "a developer message",
    "tool-turns": "calls of tools and their answers",
    "odd-call": "a call or a tool's answer with other keys, without an id, or with arguments that are no JSON object",
    "call-order": "tools' answers that do not follow their calls in order",
    "tool-text": "a tool's answer that is no JSON object",
    "tools": "definitions of tools",
    "odd-tool": "a definition of a tool that is more than name, description and parameters",
    "parallel-tool-calls": "the key parallel_tool_calls",
    "function-call": "functions in the deprecated form (function_call, functions, role function)",
    "name": "the name of a speaker",
    "weight": "an answer of weight 0, which is not learnt",
    "odd-weight": "a weight that is neither 0 nor 1, or not on an answer",
    "images": "pictures",
    "image-links": "pictures at an address, not in the row",
    "parts": "content as a list of texts",
    "odd-parts": "parts of content that are neither text nor picture, or have further keys",
    "refusal": "a refusal",
    "null-content": "a message that says nothing, not even an empty text",
    "message-extra": "further keys of a message",
    "row-extra": "further keys of the row",
    "preference": "a second answer, which was not preferred",
    "odd-preference": "a preference row without a prompt, or of which a side does not begin with the assistant",
    "long-preference": "a preference row with several messages on a side",
    "single-answer": "a row without a second answer",
    "many-answers": "more than one answer to learn",
    "no-answer": "a row that does not end with an answer to learn",
    "talk": "anything but one question and the answer to it",
}
"""Each word with what it means; the order is that in which they are told."""
TALK = frozenset({"single-answer", "many-answers", "no-answer", "talk"})
"""What every layout of whole conversations holds."""

Masks: TypeAlias = dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]

_ROLES = ["system", "developer", "user", "assistant", "tool", "function"]
_LEGACY = frozenset({"function_call", "functions"})
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()


def cargo(batch: Batch, words: frozenset[str] = frozenset(CARGO)) -> Masks:
    """Give, of these words, those for what some row carries, each with a mask of the rows.

    A weight of 1 on the assistant's message is what all layouts take it for without one, and a null equals an absent
    key: neither is cargo.
    """
    found: Masks = {}

    def see(word: str, rows: np.ndarray[Any, Any]) -> None:
        if word in words and rows.any():
            found[word] = found[word] | rows if word in found else rows

    if not words or not batch.height:
        return found
    pairs = paired(batch)
    see("preference", pairs)
    see("single-answer", ~pairs)
    see("no-messages", lengths(batch).to_numpy() == 0)
    _in_messages(batch, "messages", words, see)
    if pairs.any():
        _in_messages(batch, "rejected", words, see)
        see("odd-preference", pairs & ~_whole_pairs(batch))
        sides = lengths(batch).to_numpy().astype(np.int64) - batch["answer_at"].fill_null(0).to_numpy()
        see("long-preference", pairs & ((sides > 1) | (lengths(batch, "rejected").to_numpy() > 1)))
    if "many-answers" in words:
        see("many-answers", np.bincount(owners(batch).to_numpy()[answers(batch)], minlength=batch.height) > 1)
    if "no-answer" in words:
        last = pl.col("messages").list.last().struct
        learnt = (last.field("role") == "assistant") & (last.field("weight").fill_null(1) != 0)
        see("no-answer", ~batch.select(learnt.fill_null(False)).to_series().to_numpy() & ~pairs)
    if "talk" in words:
        see("talk", ~_one_pair(batch))
    _in_rows(batch, words, see)
    return found


_See: TypeAlias = Callable[[str, "np.ndarray[Any, Any]"], None]


def _in_rows(batch: Batch, words: frozenset[str], see: _See) -> None:
    """Look at the columns `tools` and `extra`."""
    tools, extra = batch["tools"], batch["extra"]
    if tools.null_count() < batch.height:
        see("tools", tools.is_not_null().to_numpy())
        if "odd-tool" in words:
            see("odd-tool", _where(batch.height, tools, lambda text: not all(map(_is_tool, _ANY.decode(text)))))
    if extra.null_count() == batch.height:
        return
    keys = _keys(extra)
    for word, rows in (
        ("parallel-tool-calls", [at for at, own in keys if "parallel_tool_calls" in own]),
        ("function-call", [at for at, own in keys if not _LEGACY.isdisjoint(own)]),
        ("row-extra", [at for at, own in keys if set(own) - _LEGACY - {"parallel_tool_calls"}]),
    ):
        see(word, mask_of(batch.height, rows))


def _in_messages(batch: Batch, column: str, words: frozenset[str], see: _See) -> None:
    """Look at the messages of a column."""
    turns, owner = flat(batch, column), owners(batch, column).to_numpy()
    if not turns.height:
        return
    role = turns["role"]

    nowhere = np.zeros(batch.height, bool)

    def rows(mask: pl.Series | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if not mask.any():  # methods of polars cost 60 microseconds each: most of what is asked stands in no message
            return nowhere
        chosen = mask.fill_null(False).to_numpy() if isinstance(mask, pl.Series) else mask
        return np.bincount(owner[chosen], minlength=batch.height) > 0

    def mine(name: str) -> pl.Series:
        held = role == name
        return held.fill_null(False) if held.null_count() else held

    first = np.concatenate(([True], owner[1:] != owner[:-1])) if column == "messages" else np.zeros(len(owner), bool)
    told = mine("system").to_numpy()
    see("system", rows(told & first))
    see("later-system", rows(told & ~first))
    see("developer", rows(role == "developer"))
    see("function-call", rows(role == "function"))
    see("unknown-role", rows(~role.is_in(_ROLES).fill_null(False)))
    weight, answer = turns["weight"], mine("assistant")
    if weight.null_count() < turns.height:
        see("weight", rows(answer & (weight == 0)))
        see("odd-weight", rows(weight.is_not_null() & ~(answer & weight.is_in([0, 1]))))
    if turns["name"].null_count() < turns.height:
        see("name", rows(turns["name"].is_not_null() & ~mine("tool")))
    calls, answered = turns["tool_calls"], turns["tool_call_id"]
    tooled = calls.is_not_null() | answered.is_not_null() | mine("tool")
    if turns["content"].null_count():
        see("null-content", rows(turns["content"].is_null() & turns["parts"].is_null() & calls.is_null()))
    if tooled.any():
        see("tool-turns", rows(tooled))
        held = np.unique(owner[tooled.to_numpy()])
        if not words.isdisjoint(("odd-call", "call-order", "tool-text", "name")):
            ends = np.searchsorted(owner, [held, held + 1])
            listed = turns.select("role", "content", "name", "tool_calls", "tool_call_id").rows()
            judged = [(int(at), _tool_talk(listed[a:b])) for at, a, b in zip(held, *ends, strict=True)]
            for word in ("odd-call", "call-order", "tool-text", "name"):
                see(word, mask_of(batch.height, [at for at, told in judged if word in told]))
    if turns["parts"].null_count() < turns.height:
        kinds = [(int(owner[at]), _kinds(text)) for at, text in enumerate(turns["parts"]) if text is not None]
        for word in ("images", "image-links", "parts", "odd-parts", "refusal"):
            see(word, mask_of(batch.height, [at for at, told in kinds if word in told]))
    if turns["extra"].null_count() < turns.height:
        keys = _keys(turns["extra"])
        see("function-call", mask_of(batch.height, [int(owner[at]) for at, own in keys if "function_call" in own]))
        see("refusal", mask_of(batch.height, [int(owner[at]) for at, own in keys if "refusal" in own]))
        others = [int(owner[at]) for at, own in keys if set(own) - {"function_call", "refusal"}]
        see("message-extra", mask_of(batch.height, others))


def mask_of(height: int, rows: list[int]) -> np.ndarray[Any, Any]:
    """Give the mask of these rows."""
    mask = np.zeros(height, bool)
    mask[rows] = True
    return mask


def _where(height: int, texts: pl.Series, odd: Callable[[str], bool]) -> np.ndarray[Any, Any]:
    return mask_of(height, [at for at, text in enumerate(texts) if text is not None and odd(text)])


def _keys(texts: pl.Series) -> list[tuple[int, frozenset[str]]]:
    """Give the keys that are not null of each object, with its place; those of `input`, of preference rows, as well."""
    found = []
    for at, text in enumerate(texts):
        if text is not None and (own := frozenset(_filled(text))):
            found.append((at, own))
    return found


def _filled(text: str | msgspec.Raw) -> Iterator[str]:
    for key, value in OBJECT.decode(text).items():
        bare = bytes(value).strip()
        if key == "input" and bare.startswith(b"{"):
            yield from _filled(msgspec.Raw(bare))
        elif bare != b"null":
            yield key


def _whole_pairs(batch: Batch) -> np.ndarray[Any, Any]:
    """Say of each row whether it has a prompt and two sides, each of which the assistant begins."""
    frame = batch.select(
        at=pl.col("answer_at").cast(pl.Int64),
        better=pl.col("messages").list.get(pl.col("answer_at").fill_null(0), null_on_oob=True).struct.field("role"),
        worse=pl.col("rejected").list.get(0, null_on_oob=True).struct.field("role"),
    )
    whole = (frame["at"] > 0) & (frame["better"] == "assistant") & (frame["worse"] == "assistant")
    return np.asarray(whole.fill_null(False).to_numpy())


def _one_pair(batch: Batch) -> np.ndarray[Any, Any]:
    """Say of each row whether it is one question and one answer, but for a system message before them."""
    roles = batch.select(
        pl.col("messages").list.eval(pl.element().struct.field("role").fill_null("?")).list.join(" ")
    ).to_series()
    return np.asarray(roles.str.strip_prefix("system ").eq("user assistant").fill_null(False).to_numpy())


# --- one value --------------------------------------------------------------------------------------------------------


def _is_tool(one: Any) -> bool:
    function = one.get("function") if isinstance(one, dict) else None
    return (
        isinstance(function, dict)
        and one.keys() == {"type", "function"}
        and one["type"] == "function"
        and isinstance(function.get("name"), str)
        and isinstance(function.get("description", ""), str)
        and isinstance(function.get("parameters", {}), dict)
        and function.keys() <= {"name", "description", "parameters"}
    )


def _kinds(text: str) -> set[str]:
    """Say what a list of parts is: words of `CARGO`."""
    kinds: set[str] = set()
    parts = _ANY.decode(text)
    for part in parts if isinstance(parts, list) else [parts]:
        if not isinstance(part, dict):
            kinds.add("odd-parts")
            continue
        kind = part.get("type")
        address = part.get("image_url") if kind == "image_url" else None
        if kind == "image_url" and isinstance(address, dict) and isinstance(url := address.get("url"), str):
            kinds.add("images")
            if not is_inline(url):
                kinds.add("image-links")
            if part.keys() != {"type", "image_url"} or address.keys() != {"url"}:
                kinds.add("odd-parts")
        elif kind == "refusal":
            kinds.add("refusal")
        elif kind != "text" or part.keys() != {"type", "text"} or not isinstance(part["text"], str):
            kinds.add("odd-parts")
    return kinds if "images" in kinds else kinds | {"parts"}


def is_inline(url: str) -> bool:
    """Say whether an address is the picture itself: `data:image/png;base64,…`."""
    kind, marked, data = url.partition(";base64,")
    return bool(marked and data) and kind.startswith("data:image/")


def calls_of(text: str) -> list[tuple[str, str, str]] | None:
    """Give the calls of a message as id, name and arguments (the text of a JSON object); None: they are out of form."""
    found = []
    listed = _ANY.decode(text)
    for call in listed if isinstance(listed, list) else [listed]:
        if not isinstance(call, dict) or call.keys() != {"id", "type", "function"} or call["type"] != "function":
            return None
        function = call["function"]
        if not isinstance(function, dict):
            return None
        if function.keys() != {"name", "arguments"} or not all(isinstance(item, str) for item in function.values()):
            return None
        if not isinstance(call["id"], str) or not call["id"] or object_in(function["arguments"]) is None:
            return None
        found.append((call["id"], function["name"], function["arguments"]))
    return found or None


def object_in(text: str) -> str | None:
    """Give a text that is a JSON object on one line; None: it is none."""
    if text.lstrip()[:1] != "{":
        return None
    try:
        _ANY.decode(text)
        return msgspec.json.format(text, indent=-1)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _tool_talk(turns: list[tuple[Any, ...]]) -> set[str]:
    """Say what is out of order in the calls and answers of one row: words of `CARGO`."""
    told: set[str] = set()
    waiting: list[tuple[str, str]] = []
    seen: set[str] = set()
    for role, content, name, calls, answered in turns:
        if calls is not None:
            listed = calls_of(calls) if role == "assistant" else None
            if listed is None:
                return told | {"odd-call", "call-order"}
            if not seen.isdisjoint(key for key, _, _ in listed) or len({key for key, _, _ in listed}) < len(listed):
                told.add("call-order")
            seen.update(key for key, _, _ in listed)
            waiting += [(key, called) for key, called, _ in listed]
        if role == "tool":
            if answered is None or content is None:
                told.add("odd-call")
            if not waiting or waiting[0][0] != answered:
                told.add("call-order")
            called = next((called for key, called in waiting if key == answered), None)
            waiting = [one for one in waiting if one[0] != answered]
            if name is not None and name != called:
                told.add("name")
            if content is None or object_in(content) is None:
                told.add("tool-text")
        elif answered is not None:
            told.add("odd-call")
    return told
