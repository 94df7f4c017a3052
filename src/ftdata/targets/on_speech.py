"""Rules about who says what, on a row in whatever layout it is written (see `ftdata.targets.speech`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ftdata.targets.example import Hit, Params
from ftdata.targets.on_blocks import blocks
from ftdata.targets.speech import Said, Speech, pair_keys

# --- the row ----------------------------------------------------------------------------------------------------------


def shape(speech: Speech, _: Params) -> Iterator[Hit]:
    """Name what the layout of the row forbids: wrong types, missing keys."""
    yield from speech.faults


def no_other_keys(speech: Speech, params: Params) -> Iterator[Hit]:
    """Refuse keys that the layout does not have: of the row, where `messages` is true of what stands in it too."""
    for path in speech.extra:
        if path == "text" and "messages" not in speech.row:
            continue  # a row of one text: whether that is taken, another rule says
        if params["messages"] or "." not in path:
            yield Hit(path, "the row has a key that is not taken")
    if params["messages"]:
        for turn in speech.all():
            for path in turn.extra:
                yield Hit(path, "the message has a key that is not taken")


def key_names(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want the two texts of a prompt-completion row under these `keys`."""
    if speech.layout == "prompt-completion":
        for key, wanted in zip(pair_keys(speech.row), params["keys"], strict=True):
            if key in speech.row and key != wanted:
                yield Hit(key, f"this key is to be named {wanted}")


def schema_version(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want the row to name its schema: `schemaVersion` is `value`."""
    if speech.layout == "nova" and speech.row.get("schemaVersion") != params["value"]:
        yield Hit("schemaVersion", f"schemaVersion is missing or not {params['value']}")


_SYSTEM = ("system", "developer")


# --- who speaks, and in which order -----------------------------------------------------------------------------------


def speakers(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want the role words of the target in its own `layout` (`words`), its kinds of speakers in any (`roles`)."""
    own = speech.layout == params["layout"]
    for turn in speech.all():
        if turn.role_path == turn.path:  # the place says who speaks, not a word
            if turn.role not in params["roles"]:
                yield Hit(turn.path, f"a turn of the role {turn.role} is not taken")
        elif turn.word is None:
            yield Hit(turn.role_path, "the role is missing")
        elif not isinstance(turn.word, str) or turn.role is None:
            yield Hit(turn.role_path, "the role is not a known one")
        elif own and turn.word not in params["words"]:
            yield Hit(turn.role_path, f"the role of {turn.role} messages is written otherwise, or not taken here")
        elif turn.role not in params["roles"]:
            yield Hit(turn.role_path, f"a message of the role {turn.role} is not taken")


def _heard(turns: list[Said]) -> bool:
    """Say whether every role is known: only then is the order worth judging."""
    return bool(turns) and all(turn.role is not None for turn in turns)


def first_user(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want the user to speak first, after the system."""
    talk = speech.talk()
    if _heard(talk) and talk[0].role != "user":
        yield Hit(talk[0].role_path, "the first turn is not the user's")


def alternation(speech: Speech, params: Params) -> Iterator[Hit]:
    """Refuse two turns of one of these `roles` running."""
    before = None
    for turn in speech.turns:
        if turn.role is not None and turn.role == before and turn.role in params["roles"]:
            yield Hit(turn.role_path, f"two turns of the {turn.role} follow each other")
        before = turn.role


def last_assistant(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want a row to end with the assistant, unless its answers stand beside."""
    if speech.preference or not _heard(speech.turns):
        return
    if speech.turns[-1].role != "assistant":
        yield Hit(speech.turns[-1].role_path, "the last turn is not the assistant's")


def system_first(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want at most one system message, before all others; two `running` are this rule's business where that is true."""
    for before, turn in pairwise(speech.turns):
        if turn.role in _SYSTEM and (params["running"] or before.role not in _SYSTEM):
            yield Hit(turn.role_path, "a system message stands behind another message")


def one_system(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want at most one system message, wherever it stands."""
    told = [turn for turn in speech.turns if turn.role in _SYSTEM]
    for turn in told if speech.row.get("system_prompt") is not None else told[1:]:
        yield Hit(turn.role_path, "there is another system message (or a system_prompt)")


def lone_answer(speech: Speech, _: Params) -> Iterator[Hit]:
    """Refuse a row whose one turn is the assistant's."""
    talk = speech.talk()
    if len(talk) == 1 and talk[0].role == "assistant" and not speech.preference:
        yield Hit(talk[0].role_path, "the one turn is the assistant's")


def positions(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want these roles on `odd` and `even` positions, counted from 1 without the system, and an even number of turns.

    The first turn that is out of place is named; in preference training the answers stand beside, so the number is odd.
    """
    talk = speech.talk()
    if not talk and speech.turns:
        yield Hit(speech.turns[0].role_path, "nobody speaks but the system")
    if not _heard(talk):
        return
    for _side, answers in speech.sides:
        for turn in answers:
            if turn.role is not None and turn.role not in params["even"]:
                yield Hit(turn.role_path, f"the answer is a turn of the {turn.role}")
                return
    for at, turn in enumerate(talk, start=1):
        if turn.role not in params["odd" if at % 2 else "even"]:
            yield Hit(turn.role_path, f"a turn of the {turn.role} stands on position {at}")
            return
    if (len(talk) % 2 == 1) != speech.preference:
        yield Hit(talk[-1].role_path, f"the row has {len(talk)} turns, so the last one has no counterpart")


def one_exchange(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want one turn of the user and one of the assistant: what a prompt and a completion can hold."""
    for role in ("user", "assistant"):
        said = [turn for turn in speech.turns if turn.role == role]
        if len(said) > 1:
            yield Hit(said[1].path, f"the row has {len(said)} turns of the {role}; one is taken")


def pair_layout(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want preference rows in one of these `layouts`."""
    if speech.preference and speech.layout not in params["layouts"]:
        yield Hit("", "the preference row is written otherwise than the target takes it")


def pair_input(speech: Speech, _: Params) -> Iterator[Hit]:
    """Refuse a preference row whose input ends with the assistant."""
    if speech.preference and _heard(speech.turns) and speech.turns[-1].role == "assistant":
        yield Hit(speech.turns[-1].role_path, "the input ends with the assistant")


def both_answers(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want a preference row of ShareGPT's layout to have both answers."""
    for key in ("chosen", "rejected"):
        if speech.layout == "sharegpt" and speech.preference and speech.row.get(key) is None:
            yield Hit(key, "the row has one of its two answers")


def uniform_sides(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want the prompt and the answers beside it to be all strings, or all arrays of messages."""
    keys = ("prompt", "completion", "chosen", "rejected")
    found = [(key, type(speech.row[key])) for key in keys if isinstance(speech.row.get(key), str | list)]
    for key, kind in found:
        if kind is not found[0][1]:
            yield Hit(key, f"{found[0][0]} is {_FORM[found[0][1]]}, and this is {_FORM[kind]}")
            return


_FORM: dict[type, str] = {str: "a string", list: "an array of messages"}


# --- what is said -----------------------------------------------------------------------------------------------------


def reserved_words(speech: Speech, params: Params) -> Iterator[Hit]:
    """Refuse texts that hold one of these `words`, as they are written."""
    for turn in speech.all():
        for path, text in turn.texts:
            if found := [word for word in params["words"] if word in text]:
                yield Hit(path, "the text holds " + ", ".join(found))


def uniform_content(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want the contents of a row to be all strings, or all arrays of parts."""
    kinds = [(turn, turn.parts) for turn in speech.turns if turn.parts is not None]
    for turn, parts in kinds:
        if parts != kinds[0][1]:
            yield Hit(f"{turn.path}.content", "strings and arrays of parts stand in one row")
            return


def text_present(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want content (it may be empty) in every message of these `roles` of a chat row, calls or not."""
    for turn in speech.all() if speech.layout == "openai-chat" else ():
        if turn.role in params["roles"] and not turn.texts and not turn.images and turn.message.get("content") is None:
            yield Hit(f"{turn.path}.content", "the content is missing or null")


def content_string(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want contents to be strings, not arrays of parts; the first is named."""
    for turn in speech.all():
        if turn.parts:
            yield Hit(f"{turn.path}.content", "the content is an array of parts, not a string")
            return


def content_or_calls(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want a turn of the assistant to have a content or calls: not both, and not neither."""
    for turn in speech.all() if speech.layout == "openai-chat" else ():
        content, calls = turn.message.get("content"), turn.message.get("tool_calls")
        if turn.role == "assistant" and not turn.message.get("function_call"):
            if content and calls:
                yield Hit(f"{turn.path}.content", "there are a content and calls beside it")
            elif content == "" and not calls:
                yield Hit(f"{turn.path}.content", "the content is empty, and there is no call")


def text_not_empty(speech: Speech, _: Params) -> Iterator[Hit]:
    """Refuse a turn that has texts, all of them empty, and nothing beside them."""
    for turn in speech.all():
        beside = turn.images or turn.videos or turn.calls or turn.answers is not None
        if turn.texts and not beside and turn.role not in _SYSTEM and not any(one.text for one in turn.texts):
            yield Hit(turn.texts[0].path, "the text is empty")


def weight_null(speech: Speech, _: Params) -> Iterator[Hit]:
    """Refuse a weight that is null."""
    for turn in speech.all():
        if "weight" in turn.message and turn.message["weight"] is None:
            yield Hit(f"{turn.path}.weight", "the weight is null, not the integer 0 or 1")


def weights_ignored(speech: Speech, _: Params) -> Iterator[Hit]:
    """Name messages with a weight of 0, which the target trains on nevertheless."""
    for turn in speech.all():
        weight = turn.message.get("weight")
        if turn.role == "assistant" and type(weight) is int and weight == 0:
            yield Hit(f"{turn.path}.weight", "the weight 0 is not heeded: the message is trained on")


# --- tools ------------------------------------------------------------------------------------------------------------


def no_tools(speech: Speech, params: Params) -> Iterator[Hit]:
    """Refuse keys of the row that are about tools; where `calls` is true, calls and the answers to them as well."""
    for path in speech.about_tools:
        if params["calls"] or "." not in path:
            yield Hit(path, "tools are not taken")
    for turn in speech.all() if params["calls"] else ():
        for call in turn.calls:
            yield Hit(call.path, "calls of tools are not taken")
        if turn.answers is not None:
            yield Hit(turn.answers.path, "answers of tools are not taken")


def tool_id_shape(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want ids of calls, and those that answers name, to have this `pattern`."""
    pattern = re.compile(params["pattern"])
    for turn in speech.all():
        for call in (*turn.calls, *((turn.answers,) if turn.answers is not None else ())):
            if call.id is not None and not pattern.fullmatch(call.id):
                yield Hit(call.id_path, f"the id of the call does not have the form {params['pattern']}")


def tool_complete(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want each tool to have these `fields`."""
    for path, function in speech.tools:
        for field in params["fields"]:
            if function.get(field) is None:
                yield Hit(f"{path}.{field}", f"the tool has no {field}")


def tools_last_only(speech: Speech, _: Params) -> Iterator[Hit]:
    """Name rows with tools whose earlier answers are not trained on."""
    spoken = [turn for turn in speech.turns if turn.role == "assistant"]
    if speech.about_tools and len(spoken) > 1:
        yield Hit(speech.about_tools[0], "a row with tools: only its last turn is trained on")


# --- images -----------------------------------------------------------------------------------------------------------


def _too_many(speech: Speech, count: int, maximum: int, name: str) -> Iterator[Hit]:
    if count > maximum:
        yield Hit(speech.turns[-1].path.split("[")[0], f"the row has {count} {name}; {maximum} are allowed")


def images_max(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want at most `maximum` images in a row."""
    yield from _too_many(speech, sum(len(turn.images) for turn in speech.all()), params["maximum"], "images")


def images_per_turn(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want at most `maximum` images in a turn."""
    for turn in speech.all():
        if len(turn.images) > params["maximum"]:
            yield Hit(turn.path, f"the turn has {len(turn.images)} images; {params['maximum']} are allowed")


def videos_max(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want at most `maximum` videos in a row."""
    yield from _too_many(speech, sum(len(turn.videos) for turn in speech.all()), params["maximum"], "videos")


def media_where(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want images and videos in turns of these `roles` only."""
    for turn in speech.all():
        if turn.role is not None and turn.role not in params["roles"]:
            for path in [image.path for image in turn.images] + turn.videos:
                yield Hit(path, f"a turn of the {turn.role} has an image or a video")
    for role, _at, found in blocks(speech):
        for path, block in found if role not in params["roles"] else ():
            if block.get("document") is not None:
                yield Hit(path, "a turn of another than " + " or ".join(params["roles"]) + " has a document")


def image_embedded(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want images inside the row, as base64 of one of these media `types`."""
    heads = tuple(f"data:{kind};base64," for kind in params["types"])
    for turn in speech.all():
        for path, url in turn.images:
            if url is None or not url.startswith(heads):
                yield Hit(path, "the image is not held in the row as base64 of: " + ", ".join(params["types"]))


def image_weight(speech: Speech, _: Params) -> Iterator[Hit]:
    """Refuse a weight other than 0 on a message with images."""
    for turn in speech.all():
        if turn.images and turn.message.get("weight") not in (None, 0):
            yield Hit(f"{turn.path}.weight", "a message with images has a weight other than 0")
