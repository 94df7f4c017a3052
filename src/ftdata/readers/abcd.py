"""Read ABCD (Action-Based Conversations Dataset): chats of customers and agents with the agents' actions between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ftdata.nested import Holder
from ftdata.readers.messages import Messages, Turn
from ftdata.source import Source
from ftdata.stages import Sniff

_ROLES = {"customer": "user", "agent": "assistant"}
_META = {"flow": "type", "subflow": "subject"}
_SPLITS = ("train", "dev", "test")


class Abcd(Messages):
    """Read ABCD: an array of conversations, or an object with one for each split (`train`, `dev`, `test`).

    What is said stands in `original`, as pairs of speaker and text; `delexed` holds the same once more, in lower case,
    and is not read. Lines of the speaker `action` tell what the agent did in other programs: `system-line`. A
    conversation begins with the customer's first words (the agent greets first: `greeting` keeps that).

    Records left out, besides those of the base and of the source: `preamble` (what stands around a conversation: its
    scenario holds names and orders, and is no `meta`), `system-line`, `unknown-role`, `not-an-object`.
    `meta`: `ticket` (the conversation's id), `type` and `subject` (its flow and subflow).

    Source: the data's own file `abcd_sample.json` and its description, Chen et al. 2021, arXiv:2104.00783.
    """

    name: ClassVar[str] = "abcd"
    tells_roles: ClassVar[bool] = True
    pause: ClassVar[int | None] = None
    rooms: ClassVar[bool] = False

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know the data by the keys of its conversations."""
        if len(source.members()) > 1:
            return None
        opening = source.opening()
        if opening.lstrip()[:1] not in (b"[", b"{") or b'"original"' not in opening or b'"convo_id"' not in opening:
            return None
        return cls.known(source, "conversations with convo_id and original (ABCD)")

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give each line of each conversation."""
        paths = [f"{split}[].original" for split in _SPLITS]
        if source.opening().lstrip()[:1] == b"{":
            yield from self._streamed(source, *paths)
            return
        for whole in source.json_parts("original"):
            number, holder = whole.record.number, whole.record.value
            yield Turn(number, drop=whole.record.problem or "preamble")
            meta = {} if holder is None else _meta(holder, number)
            yield from (_turn(part.number, part.value, number, meta) for part in whole.parts)

    def _streamed(self, source: Source, *paths: str) -> Iterator[Turn]:
        chat, meta = 0, dict[str, Any]()
        for record in source.json_within(*paths):
            if isinstance(record.value, Holder):
                chat, meta = record.number, _meta(record.value.value, record.number)
                yield Turn(record.number, drop="preamble")
            elif record.problem:
                yield Turn(record.number, drop=record.problem)
            else:
                yield _turn(record.number, record.value, chat, meta)


def _meta(holder: Any, number: int) -> dict[str, Any]:
    scenario = holder.get("scenario")
    told = {_META[key]: scenario[key] for key in _META if isinstance(scenario, dict) and key in scenario}
    return {"ticket": holder.get("convo_id", number), **told}


def _turn(number: int, value: Any, chat: int, meta: dict[str, Any]) -> Turn:
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)):
        return Turn(number, drop="not-an-object")
    speaker, text = value
    role = _ROLES.get(speaker)
    if role is None:
        return Turn(number, drop="system-line" if speaker == "action" else "unknown-role")
    return Turn(number, str(chat), speaker, text, role=role, meta=meta, uncut=True)
