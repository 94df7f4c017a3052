"""The views of the layouts of vendors: Nova's, Claude's, Gemini's, Cohere's."""

from __future__ import annotations

from typing import Any

from ftdata.targets.example import Hit, kind_of
from ftdata.targets.speech import Call, Image, Said, Speech, Text, messages_at, missing, said_at, unknown

_BLOCKS = {"tool_use": "toolUse", "tool_result": "toolResult"}


def _block(speech: Speech, said: Said, at: str, block: Any) -> None:
    """Take one block of Bedrock's, in Converse's or in Anthropic's form."""
    if not isinstance(block, dict):
        speech.faults.append(Hit(at, f"the block is {kind_of(block)}, not an object"))
        return
    kind = block.get("type")
    named = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if "text" in block:
        if isinstance(block["text"], str):
            said.texts.append(Text(f"{at}.text", block["text"]))
        else:
            speech.faults.append(Hit(f"{at}.text", f"the text is {kind_of(block['text'])}, not a string"))
    elif "image" in block or kind == "image":
        holder = block.get("image") if isinstance(block.get("image"), dict) else block
        source = holder.get("source") if isinstance(holder, dict) else None
        source = source if isinstance(source, dict) else {}
        data = source.get("bytes", source.get("data"))
        media = source.get("media_type", f"image/{holder.get('format')}" if isinstance(holder, dict) else "")
        said.images.append(Image(at, f"data:{media};base64,{data}" if isinstance(data, str) else None))
    elif "video" in block or kind == "video":
        said.videos.append(at)
    elif "toolUse" in block or named == "toolUse":
        used = block.get("toolUse", block)
        id_ = used.get("toolUseId", used.get("id")) if isinstance(used, dict) else None
        said.calls.append(Call(at, at, id_ if isinstance(id_, str) else None))
    elif "toolResult" in block or named == "toolResult":
        said.answers = Call(at, at, None)
    elif not block.keys() & {"reasoningContent", "document"} and kind not in ("thinking", "redacted_thinking"):
        speech.faults.append(Hit(at, "the block has no text and nothing else that is known"))


def _blocks(speech: Speech, said: Said, path: str, content: Any, *, string: bool) -> None:
    if isinstance(content, str) and string:
        said.texts.append(Text(path, content))
    elif not isinstance(content, list):
        wanted = "a string or an array of blocks" if string else "an array of blocks"
        speech.faults.append(Hit(path, f"the content is {missing(content)}, not {wanted}"))
    elif not content:
        speech.faults.append(Hit(path, "the array of blocks is empty"))
    else:
        for i, block in enumerate(content):
            _block(speech, said, f"{path}[{i}]", block)


_TALK_ROLES = {"system": "system", "user": "user", "assistant": "assistant"}


def nova(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    if "system" in row:
        said = Said("system", "system", "system", "system", {})
        _blocks(speech, said, "system", row["system"], string=False)
        speech.turns.append(said)
    listed = messages_at(speech, "messages", row.get("messages"), "messages" not in row)
    for at, (path, message) in enumerate(listed):
        said = said_at(path, message, _TALK_ROLES)
        said.extra = unknown(path, message, frozenset({"role", "content", "candidates"}))
        if "candidates" in message and at + 1 == len(listed):
            _candidates(speech, f"{path}.candidates", message["candidates"])
            continue
        _blocks(speech, said, f"{path}.content", message.get("content"), string=False)
        speech.turns.append(said)
    if row.get("toolConfig") is not None:
        speech.about_tools.append("toolConfig")
    speech.extra = unknown("", row, frozenset({"schemaVersion", "system", "messages", "toolConfig"}))


def _candidates(speech: Speech, path: str, value: Any) -> None:
    speech.preference = True
    listed = messages_at(speech, path, value, missing=False)
    for label in ("preferred", "non-preferred"):
        found = [one for one in listed if one[1].get("preferenceLabel") == label]
        if len(found) != 1 and listed:
            speech.faults.append(Hit(path, f"there are {len(found)} candidates labelled {label}, not one"))
        for at, candidate in found[:1]:
            said = Said(at, "assistant", "assistant", at, candidate)
            _blocks(speech, said, f"{at}.content", candidate.get("content"), string=False)
            speech.sides.append((at, [said]))


def claude(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    if "system" in row:
        said = Said("system", "system", "system", "system", {})
        _blocks(speech, said, "system", row["system"], string=True)
        speech.turns.append(said)
    for path, message in messages_at(speech, "messages", row.get("messages"), "messages" not in row):
        said = said_at(path, message, _TALK_ROLES)
        said.extra = unknown(path, message, frozenset({"role", "content"}))
        _blocks(speech, said, f"{path}.content", message.get("content"), string=True)
        speech.turns.append(said)
    speech.about_tools += [key for key in ("tools", "toolConfig") if row.get(key) is not None]
    speech.extra = unknown("", row, frozenset({"system", "messages", "tools", "toolConfig"}))


_GEMINI_ROLES = {"user": "user", "model": "assistant", "function": "tool", "tool": "tool", "system": "system"}
_SNAKE = {"system_instruction": "systemInstruction", "inline_data": "inlineData", "file_data": "fileData"}
_SNAKE |= {"function_call": "functionCall", "function_response": "functionResponse"}


def gemini(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    told = row.get("systemInstruction", row.get("system_instruction"))
    if told is not None:
        key = "systemInstruction" if "systemInstruction" in row else "system_instruction"
        said = Said(key, "system", "system", key, {})
        if isinstance(told, dict):
            _parts(speech, said, f"{key}.parts", told.get("parts"))
        else:
            speech.faults.append(Hit(key, f"{key} is {kind_of(told)}, not an object with parts"))
        speech.turns.append(said)
    for path, message in messages_at(speech, "contents", row.get("contents"), "contents" not in row):
        said = said_at(path, message, _GEMINI_ROLES)
        said.extra = unknown(path, message, frozenset({"role", "parts"}))
        _parts(speech, said, f"{path}.parts", message.get("parts"))
        if said.answers is not None:
            said.role = "tool"
        speech.turns.append(said)
    speech.about_tools += [key for key in ("tools", "toolConfig", "tool_config") if row.get(key) is not None]
    known = {"systemInstruction", "system_instruction", "contents", "tools", "toolConfig", "tool_config"}
    speech.extra = unknown("", row, frozenset(known))


def _parts(speech: Speech, said: Said, path: str, value: Any) -> None:
    for at, given in messages_at(speech, path, value, missing=False):
        part = {_SNAKE.get(key, key): item for key, item in given.items()}
        if "text" in part:
            if isinstance(part["text"], str):
                said.texts.append(Text(f"{at}.text", part["text"]))
            else:
                speech.faults.append(Hit(f"{at}.text", f"the text is {kind_of(part['text'])}, not a string"))
        elif "functionCall" in part:
            said.calls.append(Call(at, at, None))
        elif "functionResponse" in part:
            said.answers = Call(at, at, None)
        elif "inlineData" in part or "fileData" in part:
            found = part.get("inlineData", part.get("fileData"))
            found = found if isinstance(found, dict) else {}
            media, data = found.get("mimeType", found.get("mime_type")), found.get("data")
            if isinstance(media, str) and media.startswith("video/"):
                said.videos.append(at)
            else:
                said.images.append(Image(at, f"data:{media};base64,{data}" if isinstance(data, str) else None))
        elif not given:
            speech.faults.append(Hit(at, "the part is empty"))


_COHERE_ROLES = {"system": "system", "user": "user", "chatbot": "assistant", "assistant": "assistant", "tool": "tool"}


def cohere(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    for path, message in messages_at(speech, "messages", row.get("messages"), "messages" not in row):
        word = message.get("role")
        role = _COHERE_ROLES.get(word.lower()) if isinstance(word, str) else None
        said = Said(path, word, role, f"{path}.role", message)
        said.extra = unknown(path, message, frozenset({"role", "content"}))
        content = message.get("content")
        if isinstance(content, str):
            said.texts.append(Text(f"{path}.content", content))
        else:
            speech.faults.append(Hit(f"{path}.content", f"the content is {missing(content)}, not a string"))
        speech.turns.append(said)
    speech.about_tools += [key for key in ("tools",) if row.get(key) is not None]
    speech.extra = unknown("", row, frozenset({"messages", "tools"}))
