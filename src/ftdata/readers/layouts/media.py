"""Pictures, sound and films that belong to a row: kept where a service can fetch them, else the row is dropped."""

from __future__ import annotations

import re
from typing import Any

from ftdata.batch import dumps
from ftdata.errors import RowError
from ftdata.readers.layouts.rows import Turn, opened
from ftdata.readers.layouts.turns import is_url

_MEDIA = ("images", "image", "videos", "video", "audios", "audio")
_MARK = re.compile("(<image>)")


def no_media(rest: dict[str, Any]) -> None:
    """Refuse a row to which pictures, sound or films belong; empty columns for them are taken away."""
    for key in _MEDIA:
        if key in rest:
            if rest[key] not in (None, "", []):
                raise RowError("media")
            del rest[key]


def pictured(turns: list[Turn], rest: dict[str, Any]) -> None:
    """Put pictures where `<image>` stands for them in the user's texts, as parts; refuse what cannot be.

    Each must be a web address, or hold the picture itself (`data:`): a path is on a disk that no service sees. There
    must be as many marks as pictures.
    """
    found = opened(next((rest[key] for key in ("images", "image") if rest.get(key)), None))
    if found:
        pictures = found if isinstance(found, list) else [found]
        marks = sum(turn[1].count("<image>") for turn in turns if turn[0] == "user" and turn[1])
        if marks != len(pictures) or not all(map(is_url, pictures)):
            raise RowError("media")
        waiting = iter(pictures)
        for place, turn in enumerate(turns):
            if turn[0] == "user" and turn[1] and "<image>" in turn[1]:
                parts: list[dict[str, Any]] = []
                for piece in _MARK.split(turn[1]):
                    if piece == "<image>":
                        parts.append({"type": "image_url", "image_url": {"url": next(waiting)}})
                    elif piece.strip():
                        parts.append({"type": "text", "text": piece})
                full = (*turn, *(None,) * (8 - len(turn)))
                turns[place] = (full[0], None, *full[2:6], dumps(parts), full[7])
        for key in ("images", "image"):
            rest.pop(key, None)
    no_media(rest)
