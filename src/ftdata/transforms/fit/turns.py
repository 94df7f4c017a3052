"""Fixes of who speaks when: roles, merged and folded turns, first and last turns, empty ones."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ftdata.targets.example import calls
from ftdata.targets.words import ALIASES
from ftdata.transforms.fit.draft import Cost, Draft, Params, Talk, Turn, blank, joined

_MERGED = ("system", "developer", "user", "assistant")
_KNOWN = frozenset({"role", "content", "tool_calls", "weight", "name"})


def rename_roles(draft: Draft, params: Params) -> Cost | None:
    """Write a role as the target spells it, where the word says which one is meant."""
    done = False
    for _, turn in draft.turns():
        word = turn.get("role")
        meant = ALIASES.get(word.lower().strip()) if isinstance(word, str) else None
        if meant is not None and meant != word and word not in params.get("roles", ALIASES.values()):
            turn["role"] = meant
            done = True
    return "free" if done else None


def developer_to_system(draft: Draft, params: Params) -> Cost | None:
    """Make of a developer message a system message: the same instruction under the older name."""
    if "words" in params and "developer" in params["roles"]:
        return None
    return _recast(draft, ("developer",), "system", "free")


def fold_system(draft: Draft, _: Params) -> Cost | None:
    """Make of all system messages but those that open the row, which become one, turns of the user where they stand.

    Every word stays, and stays in its place; that it was an instruction is no longer said.
    """
    talk = draft.talk
    lead = _lead(talk)
    later = [turn for turn in talk[lead:] if turn.get("role") in ("system", "developer")]
    for turn in later:
        turn["role"] = "user"
    opening = [{**turn, "role": talk[0]["role"]} for turn in talk[:lead]]
    made = _merge(opening)
    for turn in made[1:]:  # what cannot be joined
        turn["role"] = "user"
    talk[:lead] = made
    return "changed" if later or lead > 1 else None


def system_to_user(draft: Draft, params: Params) -> Cost | None:
    """Make of every system message a turn of the user, where the target takes none."""
    if "system" in params.get("roles", ()):
        return None
    return _recast(draft, ("system", "developer"), "user", "changed")


def merge_turns(draft: Draft, _: Params) -> Cost | None:
    """Merge turns of one role that follow each other, joined by a blank line; calls are put one after another.

    Every word stays, but where one turn ended. Turns of which only one is to be learnt become one that is not learnt:
    the weight is lost, and so is all but the first of two names.
    """
    talk = draft.talk
    made = _merge(talk)
    if len(made) == len(talk):
        return None
    pairs = [pair for pair in pairwise(talk) if _mergeable(*pair)]
    lost = any(_learnt(one) != _learnt(two) or one.get("name") != two.get("name") for one, two in pairs)
    talk[:] = made
    return "lost" if lost else "changed"


def drop_empty(draft: Draft, _: Params) -> Cost | None:
    """Remove turns that hold nothing, but those of a tool, and a row's last turn of its kind."""
    talk = draft.talk
    kept = [turn for turn in talk if not (turn.get("role") in _MERGED and blank(turn))]
    if len(kept) == len(talk) or not any(turn.get("role") == "user" for turn in kept):
        return None
    if draft.taught and not any(turn.get("role") == "assistant" for turn in kept):
        return None
    talk[:] = kept
    return "free"


def drop_last(draft: Draft, _: Params) -> Cost | None:
    """Remove what follows the last answer: nothing is learnt there. It is kept beside the row."""
    talk = draft.talk
    last = max((at for at, turn in enumerate(talk) if turn.get("role") == "assistant"), default=-1)
    if draft.pair or last < 0 or last == len(talk) - 1:
        return None
    draft.keep("last", {str(at): turn for at, turn in enumerate(talk) if at > last})
    del talk[last + 1 :]
    return "changed"


def drop_first(draft: Draft, _: Params) -> Cost | None:
    """Remove answers before anything was asked: they would be learnt, and are lost."""
    talk = draft.talk
    lead = _lead(talk)
    end = next((at for at, turn in enumerate(talk) if at >= lead and turn.get("role") == "user"), None)
    if end is None or end == lead:
        return None
    del talk[lead:end]
    return "lost"


def keep_preferred(draft: Draft, _: Params) -> Cost | None:
    """Make of a preference row a supervised one: the answer that was not preferred is lost."""
    if not draft.pair:
        return None
    row, given = draft.row, draft.row.get("input")
    answer = row.get("preferred_output")
    if not isinstance(given, dict) or not isinstance(answer, list) or not answer:
        return None
    others = {k: v for k, v in row.items() if k not in ("input", "preferred_output", "non_preferred_output")}
    asked = given.get("messages")
    draft.row = {**given, "messages": [*(asked if isinstance(asked, list) else []), *answer], **others}
    return "lost"


def tell_history(draft: Draft, _: Params) -> Cost | None:
    """Make of all that was said before the last answer one turn of the user; the earlier answers are not learnt.

    Every turn stands on lines of its own, opened by `User: ` or `Assistant: `.
    """
    talk = draft.talk
    lead = _lead(talk)
    told = talk[lead:-1]
    if draft.pair or len(told) < 2 or talk[-1].get("role") != "assistant" or talk[-1].get("weight") == 0:
        return None
    if any(str(turn.get("role")) not in _LABELS or not isinstance(turn.get("content"), str) for turn in told):
        return None
    text = "\n".join(f"{_LABELS[turn['role']]}: {turn['content']}" for turn in told)
    talk[lead:-1] = [{"role": "user", "content": text}]
    return "lost"


_LABELS = {"user": "User", "assistant": "Assistant"}


def _recast(draft: Draft, roles: tuple[str, ...], role: str, cost: Cost) -> Cost | None:
    hits = [turn for _, turn in draft.turns() if turn.get("role") in roles]
    for turn in hits:
        turn["role"] = role
    return cost if hits else None


def _lead(talk: Talk) -> int:
    """Count the system messages that open a talk."""
    return next((at for at, turn in enumerate(talk) if turn.get("role") not in ("system", "developer")), len(talk))


def _learnt(turn: Turn) -> bool:
    return bool(turn.get("weight") != 0)


def _mergeable(one: Turn, two: Turn) -> bool:
    if one.get("role") != two.get("role") or one.get("role") not in _MERGED:
        return False
    # A refusal stands alone in its message; keys that nobody knows cannot be joined, unless they are equal.
    if any("refusal" in turn or "function_call" in turn for turn in (one, two)) or _refuses(one) or _refuses(two):
        return False
    if not all(isinstance(turn.get("tool_calls") or [], list) for turn in (one, two)):
        return False
    return all(one.get(key) == two.get(key) for key in (one.keys() & two.keys()) - _KNOWN)


def _refuses(turn: Turn) -> bool:
    content = turn.get("content")
    return isinstance(content, list) and any(isinstance(p, dict) and p.get("type") == "refusal" for p in content)


def _merge(talk: Talk) -> Talk:
    made = Talk()
    for turn in talk:
        if made and _mergeable(made[-1], turn) and not (calls(made[-1]) and not calls(turn) and not blank(turn)):
            made[-1] = _joined(made[-1], turn)
        else:
            made.append(turn)
    return made


def _joined(one: Turn, two: Turn) -> Turn:
    whole: dict[str, Any] = {**two, **one}
    content = joined(one.get("content"), two.get("content"))
    calls = [*(one.get("tool_calls") or ()), *(two.get("tool_calls") or ())]
    if content is not None or "content" in whole:
        whole["content"] = content
    if calls:
        whole["tool_calls"] = calls
    if "weight" in one or "weight" in two:
        # What must not be learnt is not taught for the sake of what may.
        whole["weight"] = 0 if 0 in (one.get("weight"), two.get("weight")) else 1
    return whole
