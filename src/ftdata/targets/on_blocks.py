"""Rules about the blocks of a row in Bedrock's Converse layout: media and reasoning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ftdata.targets.example import Hit, Params, items_of
from ftdata.targets.speech import Speech

_MEDIA = ("image", "video", "document")


def blocks(speech: Speech) -> Iterator[tuple[str, str, list[tuple[str, dict[str, Any]]]]]:
    """Give the role and the path of each message of a Nova row, and its blocks with their paths."""
    if speech.layout != "nova":
        return
    for i, message in enumerate(items_of(speech.row.get("messages"))):
        if isinstance(message, dict):
            at = f"messages[{i}].content"
            listed = items_of(message.get("content"))
            found = [(f"{at}[{j}]", block) for j, block in enumerate(listed) if isinstance(block, dict)]
            yield str(message.get("role")), at, found


def media_bucket(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want media to lie in a bucket, named by `source.s3Location.uri`."""
    for _role, _at, found in blocks(speech):
        for path, block in found:
            for kind in _MEDIA:
                if block.get(kind) is not None and not _in_bucket(block[kind]):
                    yield Hit(f"{path}.{kind}.source", "there is no s3Location with a uri that begins with s3://")


def _in_bucket(medium: Any) -> bool:
    source = medium.get("source") if isinstance(medium, dict) else None
    place = source.get("s3Location") if isinstance(source, dict) else None
    uri = place.get("uri") if isinstance(place, dict) else None
    return isinstance(uri, str) and uri.startswith("s3://")


def one_medium(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want a turn to have media of one kind: images, a video, or a document."""
    for _role, at, found in blocks(speech):
        kinds = [kind for kind in _MEDIA if any(block.get(kind) is not None for _, block in found)]
        if len(kinds) > 1:
            yield Hit(at, "the turn has media of more than one kind: " + ", ".join(kinds))


def reasoning_where(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want reasoning in turns of these `roles` only."""
    for role, _at, found in blocks(speech):
        for path, block in found if role not in params["roles"] else ():
            if block.get("reasoningContent") is not None:
                yield Hit(path, "a turn of another than " + " or ".join(params["roles"]) + " has reasoning")


def media_format(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want media of one of these formats (`parts`: kind of medium to formats), whatever the case."""
    for _role, _at, found in blocks(speech):
        for path, block in found:
            for kind in _MEDIA:
                medium = block.get(kind)
                form = medium.get("format") if isinstance(medium, dict) else None
                if medium is not None and str(form).lower() not in params["parts"].get(kind, ()):
                    yield Hit(f"{path}.{kind}.format", f"the {kind} is in none of the formats that are taken")
