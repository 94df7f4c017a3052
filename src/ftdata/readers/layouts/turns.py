"""Messages of public layouts as messages of a row: role words, calls of tools and their answers, parts, weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ftdata.batch import dumps
from ftdata.errors import RowError
from ftdata.readers.layouts.rows import Row, Turn, from_json, json_text, opened, text_of

ROLES: Mapping[str, str] = {
    "system": "system",
    "developer": "developer",
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatbot", "chatgpt", "bing", "bard", "ai"), "assistant"),
    **dict.fromkeys(("function_call", "function-call", "tool_call", "tool-call"), "call"),
    **dict.fromkeys(("observation", "tool", "function", "ipython"), "tool"),
    **dict.fromkeys(("function_response", "function-response", "tool_response", "tool-response"), "tool"),
}
"""What the words for a speaker mean (FORMATS 4, LLaMA-Factory's tags, ShareGPT dumps, OpenAssistant), in lower case."""

_SAID = frozenset({"system", "user", "assistant"})
_WHO = ("role", "from", "author", "speaker")
_WHAT = ("content", "value", "text")
_FIELDS = frozenset({*_WHO, *_WHAT, "name", "weight", "tool_calls", "tool_call_id", "function_call"})
_WEIGHTS = ("loss_weight", "loss", "train", "training")
"""Other words for `weight`: LLaMA-Factory's second layout; axolotl's `message_field_training`, by its usual names."""


class Speech:
    """Builds the messages of one conversation; calls without an id get one, and answers the id of their call."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.besides: dict[str, Any] = {}
        self._calls = 0
        self._open: list[str] = []

    def say(self, role: str, content: str | None, **fields: Any) -> None:
        """Add a message; `parts` and `extra` are JSON text."""
        names = ("name", "weight", "tool_calls", "tool_call_id", "parts", "extra")
        self.turns.append((role, content, *(fields.get(name) for name in names)) if fields else (role, content))

    def call(self, calls: Iterable[Mapping[str, Any]], *, alone: bool = False) -> None:
        """Add calls of tools: to the assistant's message just before, unless they stand `alone` or there is none."""
        listed = [self._numbered(one) for one in calls]
        last = self.turns[-1] if self.turns else ("",)
        if last[0] == "assistant" and not alone:
            earlier = [] if len(last) < 5 or last[4] is None else from_json(last[4], "bad-tool-call")
            full = (*last, *(None,) * (8 - len(last)))
            self.turns[-1] = (*full[:4], json_text(earlier + listed), *full[5:])
        else:
            self.say("assistant", None, tool_calls=json_text(listed))

    def _numbered(self, one: Mapping[str, Any]) -> dict[str, Any]:
        self._calls += 1
        # Nine letters and digits: the one form that every target takes (Mistral takes no other).
        made = str(one.get("id") or f"call{self._calls:05d}")
        self._open.append(made)
        return {"id": made, "type": "function", "function": {"name": one["name"], "arguments": one["arguments"]}}

    def answer(self, content: str, to: str | None = None, name: str | None = None) -> None:
        """Add what a tool gave back: to the call of this id, else to the first that has no answer yet."""
        if to is None:
            to = self._open[0] if self._open else None
        if to in self._open:
            self._open.remove(to)
        self.say("tool", content, tool_call_id=to, name=name)

    def observed(self, value: Any) -> None:
        """Add one observation: where several calls wait and it is a list of as many, an answer to each."""
        if len(self._open) > 1:
            listed = value
            if isinstance(value, str) and value.lstrip()[:1] == "[":
                try:
                    listed = from_json(value, "")
                except RowError:
                    listed = None
            if isinstance(listed, list) and len(listed) == len(self._open):
                for one in listed:
                    self.answer(one if isinstance(one, str) else dumps(one))
                return
        self.answer(dumps(value) if isinstance(value, dict | list) else text_of(value))

    def beside(self, keys: Mapping[str, Any]) -> None:
        """Keep what the last message has besides."""
        if keys:
            self.besides.setdefault(str(len(self.turns)), {}).update(keys)

    def add(self, message: Any, roles: Mapping[str, str] = ROLES) -> None:
        """Add a message that is an object, whatever its layout calls speaker and text."""
        if not isinstance(message, dict):
            raise RowError("not-text")
        if len(message) == 2:  # most have a speaker and a text, and nothing else
            text = message.get("content", message.get("value"))
            who = message.get("role", message.get("from"))
            if text.__class__ is str and who.__class__ is str and (word := roles.get(who)) in _SAID:
                self.turns.append((word, text))
                return
        who = next((message[key] for key in _WHO if message.get(key) is not None), None)
        role = roles.get(who) or roles.get(who.strip().casefold()) if isinstance(who, str) else None
        if role is None:
            raise RowError("unknown-role")
        what = next((message[key] for key in _WHAT if message.get(key) is not None), None)
        self.spoken(role, what, message)

    def spoken(self, role: str, what: Any, message: Mapping[str, Any]) -> None:
        """Add a message whose role and text are known; `message` is the object with all its keys."""
        rest = {key: value for key, value in message.items() if key not in _FIELDS and value is not None}
        fields: dict[str, Any] = {}
        calls = _given_calls(message)
        if role == "call":
            self.call(calls_in(what))
        elif role == "tool":
            to, name = (
                key if isinstance(key := message.get(field), str) else None for field in ("tool_call_id", "name")
            )
            if to is None and name is None:
                self.observed(what)
            else:
                self.answer(dumps(what) if isinstance(what, dict | list) else text_of(what), to, name)
        else:
            content, parts, thoughts = said(what)
            if isinstance(message.get("name"), str):
                fields["name"] = message["name"]
            weight = next((message[key] for key in ("weight", *_WEIGHTS) if message.get(key) is not None), None)
            for key in _WEIGHTS:
                rest.pop(key, None)
            if role == "assistant" and isinstance(weight, int | float):
                if weight in (0, 1):
                    fields["weight"] = int(weight)
                else:
                    fields["extra"] = dumps({"weight": weight})
            elif weight:
                rest["weight"] = weight
            if parts is not None:
                fields["parts"] = parts
            if calls:
                self.say(role, content or None, **fields)
                self.call(calls)
            else:
                self.say(role, content, **fields)
            if thoughts:
                rest["thoughts"] = thoughts
        self.beside(rest)


# --- what a message says ----------------------------------------------------------------------------------------------

_THOUGHT = frozenset({"thinking", "reasoning", "redacted_thinking", "thought"})


def said(what: Any) -> tuple[str | None, str | None, list[Any]]:
    """Give the text of a message, or its parts (as JSON text), and the thoughts among them, which are no text."""
    if what.__class__ is str:
        return what, None, []
    if not isinstance(what, list):
        return (None if what is None else text_of(what)), None, []
    parts: list[dict[str, Any]] = []
    thoughts: list[Any] = []
    for part in what:
        if isinstance(part, str):
            parts.append({"type": "text", "text": part})
            continue
        if not isinstance(part, dict):
            raise RowError("not-text")
        kind = part.get("type", "text")
        if kind in _THOUGHT:
            thoughts.append(part)
        elif kind == "text" and isinstance(text := part.get("text", part.get("value")), str):
            parts.append({"type": "text", "text": text})
        elif kind in ("image_url", "refusal", "input_audio", "file"):
            parts.append(part)
        elif kind == "image" and (url := _url(part)) is not None:
            parts.append({"type": "image_url", "image_url": {"url": url}})
        else:
            raise RowError("media" if kind != "text" else "not-text")
    if all(part["type"] == "text" for part in parts) and len(parts) < 2:
        return (parts[0]["text"] if parts else ""), None, thoughts
    return None, dumps(parts), thoughts


def _url(part: Mapping[str, Any]) -> str | None:
    """Find the address of a picture: a web address or the picture itself; a path on some disk is none."""
    source = part.get("source")
    if isinstance(source, dict) and isinstance(source.get("data"), str) and isinstance(source.get("media_type"), str):
        return f"data:{source['media_type']};base64,{source['data']}"
    for key in ("image", "url", "value", "image_url"):
        if is_url(value := part.get(key)):
            return str(value)
    return None


def is_url(value: Any) -> bool:
    """Say whether a text is an address that a service can fetch, or holds the picture itself."""
    return isinstance(value, str) and value.startswith(("https://", "http://", "data:"))


# --- calls and tools --------------------------------------------------------------------------------------------------


def call_of(value: Any) -> dict[str, Any]:
    """Give a call as `name`, `arguments` (JSON text, as OpenAI has it) and, where there is one, `id`."""
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = {**value["function"], "id": value.get("id")}
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise RowError("bad-tool-call")
    given: Any = next((value[key] for key in ("arguments", "parameters", "args") if value.get(key) is not None), {})
    arguments = given if isinstance(given, str) else dumps(given)
    identity = value.get("id")
    return {"name": value["name"], "arguments": arguments, "id": identity if isinstance(identity, str) else None}


def calls_in(value: Any) -> list[dict[str, Any]]:
    """Give the calls that a text of JSON holds: one object, or a list of them."""
    found = opened(value, "bad-tool-call")
    listed = found if isinstance(found, list) else [found]
    if not listed:
        raise RowError("bad-tool-call")
    return [call_of(one) for one in listed]


def _given_calls(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    given: Any = message.get("tool_calls")
    if given is None and message.get("function_call") is not None:
        given = [message["function_call"]]
    return calls_in(given) if given else []


def tools_of(value: Any) -> str | None:
    """Give definitions of tools as JSON text in OpenAI's form, whatever the layout wraps them in; none: null."""
    found = opened(value, "bad-tools")
    if not found or (isinstance(found, str) and not found.strip()):
        return None
    listed = found if isinstance(found, list) else [found]
    made = []
    for one in listed:
        one = opened(one, "bad-tools")
        if isinstance(one, dict) and isinstance(one.get("function"), dict):
            made.append({"type": "function", **one})
        elif isinstance(one, dict) and isinstance(one.get("name"), str):
            made.append({"type": "function", "function": _function(one)})
        else:
            raise RowError("bad-tools")
    return json_text(made)


def _function(one: Mapping[str, Any]) -> dict[str, Any]:
    """Give the definition of a function; Anthropic's `input_schema` is what OpenAI calls `parameters`."""
    return {"parameters" if key == "input_schema" else key: value for key, value in one.items() if value is not None}


# --- the shape of a conversation --------------------------------------------------------------------------------------

_LETTERS = {"system": "s", "developer": "s", "user": "u", "assistant": "a", "tool": "t"}


def says(turn: Turn) -> bool:
    """Say whether a message says anything: a text, a call, parts."""
    text = turn[1]
    return bool(text and not text.isspace()) or (len(turn) > 2 and bool(turn[4] or turn[6]))


def checked(turns: list[Turn]) -> tuple[str, ...]:
    """Refuse a conversation that is none; give flags for what a target may refuse (the codes of the stage `turns`)."""
    word = ""
    for turn in turns:
        text = turn[1]
        letter = _LETTERS[turn[0]]
        word += letter if (text and not text.isspace()) or says(turn) else letter.upper()
    reason, flags = _judged(word)
    if reason is not None:
        raise RowError(reason)
    return flags


@lru_cache(4096)
def _judged(word: str) -> tuple[str | None, tuple[str, ...]]:
    low = word.lower()
    if not word:
        return "no-messages", ()
    if "a" not in low:
        return "no-assistant", ()
    if "u" not in low:
        return "no-user", ()
    if "a" not in word:
        return "no-answer", ()
    spoken = low.lstrip("s")
    flags = (
        ("empty-turn", any(letter in word for letter in "SUA")),
        ("last-not-assistant", low[-1] != "a"),
        ("several-system", low.count("s") > 1),
        ("first-not-user", spoken[:1] != "u"),
        ("consecutive-user", "uu" in low),
        ("consecutive-assistant", "aa" in low),
    )
    return None, tuple(code for code, raised in flags if raised)


def conversation(
    speech: Speech, rest: Mapping[str, Any], tools: str | None = None, system: str = "", flags: tuple[str, ...] = ()
) -> Row:
    """Make the row of a conversation; `system` goes before it, unless it says so itself."""
    turns = speech.turns
    if system.strip() and not (turns and turns[0][:2] == ("system", system)):
        turns.insert(0, ("system", system))
        speech.besides = {str(int(place) + 1): keys for place, keys in speech.besides.items()}
    flags = flags + checked(turns)
    return Row(turns, {**rest, "turns": speech.besides} if speech.besides else rest, tools=tools, flags=flags)


# --- two answers ------------------------------------------------------------------------------------------------------


def preferred(
    chosen: list[Turn],
    rejected: list[Turn],
    rest: Mapping[str, Any],
    tools: str | None = None,
    asked: int | None = None,
) -> Row:
    """Make the row of two conversations that begin alike; `asked` says how many of their messages are the prompt.

    Without it that is what both begin with, as TRL's `extract_prompt` has it, but for the last message of each.
    """
    if asked is None:
        shortest = min(len(chosen), len(rejected)) - 1
        asked = 0
        while asked < shortest and chosen[asked] == rejected[asked]:
            asked += 1
    if not chosen or not rejected:
        raise RowError("no-messages")
    for side, note in ((chosen, None), (rejected, "the rejected one")):
        if len(side) <= asked:
            raise RowError("no-answer", note)
        if side[asked][0] != "assistant":
            raise RowError("different-prompts")
        if not any(says(turn) for turn in side[asked:] if turn[0] == "assistant"):
            raise RowError("no-answer", note)
    if asked > 65535:
        raise RowError("row-too-large")
    flags = checked(chosen)
    if chosen == rejected:
        flags = (*flags, "equal-answers")
    return Row(chosen, rest, rejected[asked:], asked, tools, flags=flags)
