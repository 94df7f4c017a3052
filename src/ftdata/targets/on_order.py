"""Rules about who speaks when, and about preference rows."""

from __future__ import annotations

from collections.abc import Iterator

from ftdata.targets.example import PREFERRED, REJECTED, Example, Hit, Params, list_fault

# --- the order of turns -----------------------------------------------------------------------------------------------


def no_assistant(ex: Example, _: Params) -> Iterator[Hit]:
    """Want at least one message of the assistant in a supervised row."""
    for path, items in ex.sequences:
        if ex.form == "sft" and items and ex.sound(items) and all(item["role"] != "assistant" for item in items):
            yield Hit(path, "no message is the assistant's, so there is nothing to learn")


def last_message(ex: Example, _: Params) -> Iterator[Hit]:
    """Want a supervised row to end with the assistant."""
    for path, items in ex.sequences:
        if ex.form != "sft" or not items or not ex.sound(items):
            continue
        # A row without any answer is the business of another rule.
        if items[-1]["role"] != "assistant" and any(item["role"] == "assistant" for item in items):
            yield Hit(f"{path}[{len(items) - 1}].role", "the last message is not the assistant's")


def no_user(ex: Example, _: Params) -> Iterator[Hit]:
    """Want at least one message of the user."""
    for path, items in ex.sequences:
        if path.endswith("messages") and items and ex.sound(items) and all(item["role"] != "user" for item in items):
            yield Hit(path, "no message is the user's")


def rft_last_message(ex: Example, _: Params) -> Iterator[Hit]:
    """Want a reinforcement row to end with the user."""
    for path, items in ex.sequences:
        if ex.form == "rft" and items and ex.sound(items) and items[-1]["role"] != "user":
            yield Hit(
                f"{path}[{len(items) - 1}].role", "grader fields stand beside messages that do not end with the user"
            )


def rft_no_system(ex: Example, _: Params) -> Iterator[Hit]:
    """Refuse a system message in a reinforcement row."""
    for turn in ex.turns:
        if ex.form == "rft" and turn.role == "system":
            yield Hit(f"{turn.path}.role", "grader fields stand beside messages with one of the system")


# --- preference rows --------------------------------------------------------------------------------------------------


def dpo_input(ex: Example, _: Params) -> Iterator[Hit]:
    """Want `input` to be an object with messages."""
    if ex.form != "dpo":
        return
    if not isinstance(ex.row.get("input"), dict):
        yield Hit("input", "input is missing or no object")
    elif fault := list_fault(ex.holder, "messages"):
        yield Hit("input.messages", fault)


def dpo_side(ex: Example, _: Params) -> Iterator[Hit]:
    """Want both answers to be there, and to end with the assistant."""
    if ex.form != "dpo":
        return
    for names in (PREFERRED, REJECTED):
        side = ex.side(names) or names[0]
        if fault := list_fault(ex.row, side):
            yield Hit(side, fault)
        elif ex.sound(ex.row[side]) and ex.row[side][-1]["role"] != "assistant":
            yield Hit(f"{side}[{len(ex.row[side]) - 1}].role", "the last message of this side is not the assistant's")


def dpo_one_turn(ex: Example, params: Params) -> Iterator[Hit]:
    """Want each answer to have at most `maximum` messages."""
    for path, items in ex.sequences:
        if ex.form == "dpo" and path != "input.messages" and len(items) > params["maximum"]:
            yield Hit(path, f"this side has {len(items)} messages; {params['maximum']} is allowed")


def dpo_history(ex: Example, params: Params) -> Iterator[Hit]:
    """Want at most `user_turns` turns of the user in the input."""
    for path, items in ex.sequences:
        if ex.form == "dpo" and path == "input.messages" and ex.sound(items):
            turns = sum(item["role"] == "user" for item in items)
            if turns > params["user_turns"]:
                yield Hit(path, f"the input has {turns} user turns; training is on one turn")


def dpo_text_only(ex: Example, params: Params) -> Iterator[Hit]:
    """Refuse parts of these `types` for these `roles` in a preference row."""
    if ex.form == "dpo":
        for turn, path, part in ex.parts():
            if turn.role in params["roles"] and part["type"] in params["types"]:
                yield Hit(f"{path}.type", "a preference row takes text only")


def dpo_keys(ex: Example, _: Params) -> Iterator[Hit]:
    """Name the two spellings of the answers' keys that only the specification has."""
    for old, new in ((PREFERRED[1], PREFERRED[0]), (REJECTED[1], REJECTED[0])):
        if ex.form == "dpo" and old in ex.row:
            yield Hit(old, f"the guides name this key {new}")
