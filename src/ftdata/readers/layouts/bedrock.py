"""The `bedrock` reader: Converse rows (Nova), and rows for Claude with their own `system`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ftdata.batch import dumps
from ftdata.errors import RowError
from ftdata.readers.layouts.rows import Row, TrainingRows
from ftdata.readers.layouts.turns import Speech, conversation, preferred, tools_of

_PREFERRED, _OTHER = "preferred", "non-preferred"


class Bedrock(TrainingRows):
    """Read Bedrock's rows: `messages` whose `content` are blocks, `system`, `toolConfig`; Claude's rows as well.

    A block is `{"text": …}` or `{"type": "text", "text": …}`; texts of one message are joined by a line break; pictures
    held in the row make them parts. `toolUse` (`tool_use`) becomes a call, `toolResult` (`tool_result`) the tool's
    answer, with their own ids; `toolConfig` or `tools` the tools. `system`, a text or a list of blocks, is the system
    message. A last message with `candidates` makes a preference row. Thoughts go to `meta.turns` under the message's
    number, all other keys of the row, `schemaVersion` among them, to `meta`.

    A record is dropped as `media` (documents, films, pictures in a bucket), `no-messages`, `no-assistant`, `no-user`,
    `no-answer`, `unknown-role`, `not-text`, `bad-tool-call`, `bad-tools`, or with the problem of its record. Flags as
    in `sharegpt`.

    Source: AWS documentation of the `bedrock-conversation-2024` schema and of Claude's fine-tuning rows.
    """

    name: ClassVar[str] = "bedrock"
    evidence: ClassVar[str] = "D"
    keys: ClassVar[tuple[str, ...]] = ("messages", "schemaVersion")
    shape: ClassVar[str] = "`messages` of blocks, or a `system` beside them, as Bedrock has them"
    surely: ClassVar[float] = 0.985

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its schema, by blocks without a `type`, or by a `system` beside messages of two roles."""
        messages = value.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
            return False
        if value.get("schemaVersion") == "bedrock-conversation-2024":
            return True
        if {str(one.get("role")) for one in messages} - {"user", "assistant"}:
            return False
        blocks = [
            block
            for one in messages
            if isinstance(one.get("content"), list)
            for block in one["content"]
            if isinstance(block, dict)
        ]
        if any(not block.keys().isdisjoint(("toolUse", "toolResult")) for block in blocks):
            return True
        if any(block.get("type") in ("tool_use", "tool_result") for block in blocks):
            return True
        if blocks and all("text" in block and "type" not in block for block in blocks):
            return True
        return isinstance(value.get("system"), str | list) and "tools" not in value

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        messages = rest.pop("messages", None)
        if not isinstance(messages, list) or not messages:
            raise RowError("no-messages")
        speech = Speech()
        candidates: Any = None
        for place, message in enumerate(messages):
            if not isinstance(message, dict):
                raise RowError("not-text")
            if message.get("role") not in ("user", "assistant"):
                raise RowError("unknown-role")
            if "candidates" in message and place + 1 == len(messages):
                candidates = message["candidates"]
                break
            _take(speech, message["role"], message.get("content"))
            speech.beside({key: item for key, item in message.items() if key not in ("role", "content")})
        system = _texts(rest.pop("system", None))
        tools = _tools(rest)
        if candidates is None:
            return conversation(speech, rest, tools, system)
        prompt = [("system", system), *speech.turns] if system.strip() else speech.turns
        better, worse = (_candidate(candidates, label) for label in (_PREFERRED, _OTHER))
        return preferred([*prompt, *better], [*prompt, *worse], rest, tools, len(prompt))


def _candidate(candidates: Any, label: str) -> list[tuple[Any, ...]]:
    listed = [one for one in candidates if isinstance(one, dict)] if isinstance(candidates, list) else []
    found = [one for one in listed if one.get("preferenceLabel") == label]
    if len(found) != 1:
        raise RowError("no-answer", None if label == _PREFERRED else "the rejected one")
    speech = Speech()
    _take(speech, "assistant", found[0].get("content"))
    return speech.turns


def _take(speech: Speech, role: str, content: Any) -> None:
    """Take the blocks of one message."""
    if isinstance(content, str):
        speech.say(role, content)
        return
    if not isinstance(content, list):
        raise RowError("not-text")
    said: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[Any] = []
    answered = False
    for given in content:
        if not isinstance(given, dict):
            raise RowError("not-text")
        kind = given.get("type")
        block = {_NAMES[kind]: given} if kind in _NAMES else given
        if isinstance(block.get("text"), str):
            said.append({"type": "text", "text": block["text"]})
        elif isinstance(used := block.get("toolUse"), dict) and isinstance(used.get("name"), str):
            calls.append(
                {
                    "name": used["name"],
                    "arguments": dumps(used.get("input") or {}),
                    "id": used.get("toolUseId", used.get("id")),
                }
            )
        elif isinstance(result := block.get("toolResult"), dict):
            to = result.get("toolUseId", result.get("tool_use_id"))
            speech.answer(_result(result.get("content")), to if isinstance(to, str) else None)
            answered = True
        elif "reasoningContent" in block:
            thoughts.append(given)
        else:
            said.append({"type": "image_url", "image_url": {"url": _picture(block)}})
    if said or not (calls or answered):
        if any(part["type"] != "text" for part in said):
            speech.say(role, None, parts=dumps(said))
        else:
            speech.say(role, "\n".join(part["text"] for part in said))
    if calls and role != "assistant":
        raise RowError("bad-tool-call")
    if calls:
        speech.call(calls, alone=not said)
    if thoughts:
        speech.beside({"thoughts": thoughts})


# Anthropic's types of blocks by Converse's keys.
_NAMES = {
    "tool_use": "toolUse",
    "tool_result": "toolResult",
    "thinking": "reasoningContent",
    "redacted_thinking": "reasoningContent",
    "image": "image",
}


def _picture(block: Mapping[str, Any]) -> str:
    image = block.get("image")
    source = image.get("source") if isinstance(image, dict) else None
    if isinstance(image, dict) and isinstance(source, dict):
        if isinstance(source.get("bytes"), str) and isinstance(image.get("format"), str):
            return f"data:image/{image['format']};base64,{source['bytes']}"
        if isinstance(source.get("data"), str) and isinstance(source.get("media_type"), str):
            return f"data:{source['media_type']};base64,{source['data']}"
        if isinstance(url := source.get("url"), str) and url.startswith("https://"):
            return url
    raise RowError("media" if not block.keys().isdisjoint(("image", "video", "document", "audio")) else "not-text")


def _result(content: Any) -> str:
    """Give what a tool gave back: texts joined by line breaks, anything else as JSON."""
    if content is None or isinstance(content, str):
        return content or ""
    listed = content if isinstance(content, list) else [content]
    if all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in listed):
        return "\n".join(one["text"] for one in listed)
    values = [one["json"] if isinstance(one, dict) and one.keys() == {"json"} else one for one in listed]
    return dumps(values[0] if len(values) == 1 else values)


def _texts(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in value):
        return "\n".join(one["text"] for one in value)
    raise RowError("not-text")


def _tools(rest: dict[str, Any]) -> str | None:
    config = rest.get("toolConfig")
    if not isinstance(config, dict):
        return tools_of(rest.pop("tools", None))
    del rest["toolConfig"]
    listed = []
    given = config.get("tools") or []
    if not isinstance(given, list):
        raise RowError("bad-tools")
    for one in given:
        spec = one.get("toolSpec") if isinstance(one, dict) else None
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
            raise RowError("bad-tools")
        schema = spec.get("inputSchema")
        function = {key: item for key, item in spec.items() if key != "inputSchema"}
        if schema is not None:
            function["parameters"] = schema.get("json", schema) if isinstance(schema, dict) else schema
        listed.append(function)
    if len(config) > 1:
        rest["toolConfig"] = {key: item for key, item in config.items() if key != "tools"}
    return tools_of(listed)
