"""Fixes of keys and contents: extra keys, names, weights, parts, images, refusals, reserved words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ftdata.targets.example import calls
from ftdata.transforms.fit.draft import PREFERRED, REJECTED, Cost, Draft, Params, Turn, joined

ROW = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_SIDES = frozenset({"input", PREFERRED, REJECTED, "preferred_completion", "non_preferred_completion"})
MESSAGE = frozenset({"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"})


def shelve_row_keys(draft: Draft, params: Params) -> Cost | None:
    """Take keys out of the row that the target does not know; they are kept beside it."""
    spared = ROW | _listed(params)
    done = _shelve(draft, draft.row, spared | (_SIDES if draft.pair else frozenset()), "row")
    if draft.pair and draft.holder is not draft.row:
        done |= _shelve(draft, draft.holder, spared, "input")
    return "changed" if done else None


def shelve_message_keys(draft: Draft, params: Params) -> Cost | None:
    """Take keys out of messages that the target does not know; they are kept beside the row, by message."""
    keys, done = params.get("keys"), False
    if not params.get("messages", True):
        return None
    for at, turn in draft.turns():
        known = MESSAGE
        if isinstance(keys, dict) and isinstance(turn.get("role"), str) and turn["role"] in keys:
            known = frozenset(keys[turn["role"]]) | {"name", "weight", "role", "content"}
        elif not isinstance(keys, dict):
            known = MESSAGE | _listed(params)
        done |= _shelve(draft, turn, known, "turns", at)
    return "changed" if done else None


def drop_names(draft: Draft, params: Params) -> Cost | None:
    """Take the names of speakers out of the row; one that is no string is kept beside it."""
    if _spared(params, "name"):
        return None
    found = [(at, turn.pop("name")) for at, turn in draft.turns() if "name" in turn and turn.get("role") != "function"]
    odd = {f"{at}.name": name for at, name in found if not isinstance(name, str)}
    if odd:
        draft.keep("turns", odd)
    return ("changed" if len(odd) == len(found) else "lost") if found else None


def drop_odd_names(draft: Draft, _: Params) -> Cost | None:
    """Take names that are no strings out of the row; they are kept beside it."""
    found = {f"{at}.name": turn for at, turn in draft.turns() if not isinstance(turn.get("name", ""), str)}
    draft.keep("turns", {at: turn.pop("name") for at, turn in found.items()}) if found else None
    return "changed" if found else None


def drop_weights(draft: Draft, params: Params) -> Cost | None:
    """Take all weights out; free if all answers are to be learnt anyway: without weights, they are."""
    if _spared(params, "weight"):
        return None
    turns = [turn for _, turn in draft.turns() if "weight" in turn]
    lost = any(turn["weight"] == 0 and turn.get("role") == "assistant" for turn in turns)
    for turn in turns:
        del turn["weight"]
    return ("lost" if lost else "free") if turns else None


def drop_idle_weights(draft: Draft, params: Params) -> Cost | None:
    """Take weights from turns of a role that has none: what is not the assistant's is never learnt."""
    roles = params.get("roles", ("assistant",))
    turns = [turn for _, turn in draft.turns() if "weight" in turn and turn.get("role") not in roles]
    for turn in turns:
        del turn["weight"]
    return "free" if turns else None


def whole_weights(draft: Draft, _: Params) -> Cost | None:
    """Write a weight of 0.0, 1.0, false, true, "0" or "1" as the whole number that it is."""
    done = False
    for _at, turn in draft.turns():
        value = turn.get("weight")
        if isinstance(value, bool | float | str) and str(value).lower() in _WHOLE:
            turn["weight"] = _WHOLE[str(value).lower()]
            done = True
    return "free" if done else None


_WHOLE = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}


def join_parts(draft: Draft, _: Params) -> Cost | None:
    """Write a content of text parts alone as one string, the texts joined by line breaks."""
    done = False
    for _at, turn in draft.turns():
        content = turn.get("content")
        if isinstance(content, list) and content and all(map(_is_text, content)):
            turn["content"] = "\n".join(part["text"] for part in content)
            done = True
    return "free" if done else None


def plain_parts(draft: Draft, _: Params) -> Cost | None:
    """Take out what text and image parts have beside text and address, and parts that are neither: it is lost."""
    done = False
    for _at, turn in draft.turns():
        content = turn.get("content")
        kept = [plain for part in content if (plain := _plain(part))] if isinstance(content, list) else []
        if kept and kept != content:
            turn["content"] = kept
            done = True
    return "lost" if done else None


def _plain(part: Any) -> Any:
    if _is_text(part):
        return {"type": "text", "text": part["text"]}
    holder = part.get("image_url") if isinstance(part, dict) and part.get("type") == "image_url" else None
    if isinstance(holder, dict) and isinstance(holder.get("url"), str):
        return {"type": "image_url", "image_url": {"url": holder["url"]}}
    return part if _is_refusal(part) else None


def align_parts(draft: Draft, _: Params) -> Cost | None:
    """Write every content as an array of parts, where one is: a string becomes a text part."""
    told = [turn for _, turn in draft.turns() if isinstance(turn.get("content"), str)]
    if not any(isinstance(turn.get("content"), list) for _, turn in draft.turns()):
        return None
    for turn in told:
        turn["content"] = [{"type": "text", "text": turn["content"]}]
    return "free" if told else None


def wrap_parts(draft: Draft, _: Params) -> Cost | None:
    """Write a part that is a bare string as a text part."""
    done = False
    for _at, turn in draft.turns():
        content = turn.get("content")
        parts: list[Any] = content if isinstance(content, list) else []
        for i, part in enumerate(parts):
            if isinstance(part, str):
                parts[i] = {"type": "text", "text": part}
                done = True
    return "free" if done else None


def spell_null(draft: Draft, _: Params) -> Cost | None:
    """Write the content beside a call that is null or absent as an empty string."""
    turns = [turn for _, turn in draft.turns() if turn.get("content") is None and calls(turn)]
    for turn in turns:
        turn["content"] = ""
    return "free" if turns else None


def drop_images(draft: Draft, params: Params) -> Cost | None:
    """Take images and all other parts without text out of the row: all, or those of the roles that take none."""
    roles, done = params.get("roles"), False
    if params.get("maximum"):  # some may stay: `drop_surplus_images`
        return None
    for _at, turn in draft.turns():
        content = turn.get("content")
        if not isinstance(content, list) or _stays(turn, params, roles):
            continue
        kept = [part for part in content if _is_text(part) or _is_refusal(part)]
        if content and not kept:  # without them the turn says nothing, and the row teaches nonsense
            return None
        if len(kept) < len(content):
            turn["content"] = kept
            done = True
    return "lost" if done else None


def drop_surplus_images(draft: Draft, params: Params) -> Cost | None:
    """Take the images of the row behind the first so many that it may have out of it."""
    left, edited = params.get("maximum", 0), list[tuple[Turn, list[Any]]]()
    for _at, turn in draft.turns():
        content, kept = turn.get("content"), list[Any]()
        for part in content if isinstance(content, list) else ():
            shown = isinstance(part, dict) and part.get("type") == "image_url"
            if not shown or left > 0:
                kept.append(part)
            left -= shown
        if isinstance(content, list) and len(kept) < len(content):
            edited.append((turn, kept))
    if not all(kept for _, kept in edited):  # a turn would say nothing any more
        return None
    for turn, kept in edited:
        turn["content"] = kept
    return "lost" if edited else None


def _stays(turn: Turn, params: Params, roles: Any) -> bool:
    """Say whether the images of a turn may stay: a rule names the roles that take images, or that take none."""
    if roles is None:
        return False
    named = turn.get("role") in roles
    return not named if "types" in params else named


def drop_odd_parts(draft: Draft, params: Params) -> Cost | None:
    """Take parts out of messages whose role takes none of their type: they are lost."""
    allowed: Mapping[str, Any] = params.get("parts", {})
    done = False
    for _at, turn in draft.turns():
        content = turn.get("content")
        known = allowed.get(str(turn.get("role")))
        if isinstance(content, list) and known is not None:
            kept = [part for part in content if not isinstance(part, dict) or part.get("type") in known]
            if content and not kept:
                return None
            if len(kept) < len(content):
                turn["content"] = kept
                done = True
    return "lost" if done else None


def refusal_to_text(draft: Draft, _: Params) -> Cost | None:
    """Write a refusal as the plain text of the answer: every word stays, that it refuses is no longer said apart."""
    done = False
    for _at, turn in draft.turns():
        if isinstance(told := turn.get("refusal"), str):
            turn["content"] = joined(turn.get("content"), told)
        done |= turn.pop("refusal", None) is not None
        content = turn.get("content")
        parts: list[Any] = content if isinstance(content, list) else []
        for i, part in enumerate(parts):
            if _is_refusal(part):
                parts[i] = {"type": "text", "text": part["refusal"]}
                done = True
    return "changed" if done else None


def break_words(draft: Draft, params: Params) -> Cost | None:
    """Put a space before the last character of each reserved word: `User :`, `<image >`."""
    words = [word for word in params.get("words", ()) if len(word) > 1]
    if not words:
        return None
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))
    done = False

    def broken(text: str) -> str:
        return pattern.sub(lambda hit: f"{hit[0][:-1]} {hit[0][-1]}", text)

    def rewritten(holder: Any, key: Any) -> None:
        nonlocal done
        if isinstance(holder.get(key), str) and (new := broken(holder[key])) != holder[key]:
            holder[key], done = new, True

    for _at, turn in draft.turns():
        rewritten(turn, "content")
        content = turn.get("content")
        for part in content if isinstance(content, list) else ():
            for key in ("text", "refusal"):
                rewritten(part if isinstance(part, dict) else {}, key)
    return "changed" if done else None


def _spared(params: Params, key: str) -> bool:
    """Say whether the rule that is cured lets a key of messages be."""
    return not params.get("messages", True) or key in _listed(params)


def _listed(params: Params) -> frozenset[str]:
    keys = params.get("keys", ())
    lists = keys.values() if isinstance(keys, dict) else (keys,)
    return frozenset(key for names in lists for key in names)


def _shelve(draft: Draft, holder: dict[str, Any], known: frozenset[str], shelf: str, at: str | None = None) -> bool:
    odd = {key: holder.pop(key) for key in list(holder) if key not in known}
    if odd:
        draft.keep(shelf, odd if at is None else {f"{at}.{key}": value for key, value in odd.items()})
    return bool(odd)


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _is_refusal(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "refusal" and isinstance(part.get("refusal"), str)
