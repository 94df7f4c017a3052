"""Read the native exports of help desks; each desk is a dialect, one TOML file in `dialects/`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from ftdata.batch import Batch, Rows
from ftdata.readers.help_desk.dialect import Dialect, is_file, named, of_file, shipped
from ftdata.readers.help_desk.export import PUBLIC, Export, Wanting
from ftdata.readers.help_desk.outline import recognise
from ftdata.readers.help_desk.saying import Asked
from ftdata.readers.help_desk.talks import Talks
from ftdata.readers.layout import Refused
from ftdata.readers.messages import SAMPLE, Messages, Survey, Turn
from ftdata.source import Source
from ftdata.stages import Sniff

_LEVELS = {
    "F": "real files",
    "C": "an exporter's source",
    "D": "documents of the format",
    "K": "hearsay",
}


class HelpDesk(Messages):
    """Read a help desk's own export: Zendesk, Intercom, Freshdesk, Jira and others, as JSON, tables, or a folder.

    The desk is recognised by keys and columns (`dialect` states it, or a TOML file of your own). A folder or archive
    is read as one export: messages, tickets and people are joined by id. Only what the format says to be a public
    message of a person becomes a turn. An export that cannot tell public from private is refused unless
    `assume_public`; one without messages is refused with what to export instead.

    Records left out, besides those of all readers of messages: `private-note`, `unknown-visibility`, `system-line`,
    `unknown-kind` (a kind of message that the dialect does not list), `unwanted-role`, `unknown-role`, `orphan` (its
    ticket is not there), `deleted`, `draft`, `spam`, `forwarded`, `auto-reply`, `hidden`, `history`, and `metadata` (a
    ticket's record that holds no message itself, where no conversation came of it; else the conversation owns it).
    Flags: `mail-cut`, `quoted-text-left`, `mail-emptied`, and `messages-left-out` where one record holds a whole
    conversation and some of its messages were left out.

    `meta`: `ticket`, `subject`, `status`, `priority`, `type`, `tags`, `channel`, `csat`, `reopened`, `solved_at`,
    `created_at`, `customer`, `language`, as far as the desk tells them, with `time` and `author` of the first turn.
    """

    name: ClassVar[str] = "help-desk"
    tells_roles: ClassVar[bool] = True
    pause: ClassVar[int | None] = None
    rooms: ClassVar[bool] = False

    dialect: str | None = Field(None, description="the desk: a name, or the path of your own .toml file; recognised")
    tickets_file: str | None = Field(None, description="table of the tickets, beside a file of messages")
    users_file: str | None = Field(None, description="table of the users, beside a file of messages")
    assume_public: bool = Field(False, description="take messages as public where nothing tells")
    quotes: Literal["auto", "cut", "keep"] = Field(
        "auto", description="cut quoted replies and signatures: of e-mails, of all messages, or of none"
    )
    day_first: bool | None = Field(None, description="whether 03/04 is 3 April, where the times do not tell")

    # --- reading ------------------------------------------------------------------------------------------------------

    def _dialects(self, source: Source) -> list[Dialect] | None:
        if self.dialect is None:
            return None
        if not is_file(self.dialect):
            return [named(self.dialect)]
        path = Path(self.dialect)
        if not path.is_absolute():
            path = _folder(source, self.path) / path
        return [of_file(path, b"".join(source.lookup(path.absolute()).content()))]

    def _export(self, source: Source) -> Export:
        stated = {name.strip().casefold() for name in (*self._assistants, *self.users, *self.bots)}
        asked = Asked(frozenset(stated), self.assume_public, self.quotes, self.greeting)
        more = [name for name in (self.tickets_file, self.users_file) if name is not None]
        return Export(source, self._dialects(source), asked, more)

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the messages of the export."""
        return self._export(source).turns()

    def _read(self, source: Source, turns: Iterator[Turn] | None = None) -> Iterator[Batch]:
        if not source.members() and not source.opening(64).strip():
            yield from _blank(source)
            return
        export = self._export(source)
        if export.whole_talks:
            yield from self._talks(export, source)
            return
        for batch in super()._read(source, export.turns()):
            yield export.holders.owned(batch)
        yield from export.holders.left()

    def _talks(self, export: Export, source: Source) -> Iterator[Batch]:
        talks, out = Talks(self, export), Rows()
        for number, turns in groupby(export.turns(), key=lambda turn: turn.number):
            talks.add(out, number, list(turns))
            if out.full:
                yield out.batch()
        talks.check(whole=not source.sampled)
        if len(out):
            yield out.batch()

    # --- sniffing -----------------------------------------------------------------------------------------------------

    def survey(self, source: Source) -> Survey:
        """Look at the first 500 records, besides those that are only looked up."""
        export = self._export(source.again(SAMPLE))
        counts: Counter[str] = Counter()
        for turn in export.turns():
            counts[turn.drop or turn.role or "unknown-author"] += 1
        return Survey(counts, {})

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Say which desk's export this is, what it holds, or what to export instead."""
        if not source.members() and not source.opening(4096).strip():
            return None
        files = recognise(source, list(shipped().values()))
        if not files:
            return None
        titles = list(dict.fromkeys(file.shape.title for file in files))
        dialect = files[0].dialect
        evidence = [f"{dialect.title}: {', '.join(titles)}"]
        level = max((file.shape.evidence or dialect.evidence for file in files), key="FCDK".index)
        evidence.append(f"the dialect {dialect.name} was written from {_LEVELS[level]}")
        fields: dict[str, Any] = {"dialect": dialect.name}
        try:
            export = cls(path=Path("-"), dialect=dialect.name)._export(source.again(SAMPLE))
        except Wanting as refusal:
            force = f"--from {cls.name} --set dialect={dialect.name} --set {refusal.setting}"
            # Who is the assistant is a question; that nothing is private, only the user can know.
            sure = 0.0 if refusal.setting == PUBLIC else 0.95
            return Sniff(sure, tuple(evidence), fields, force, str(refusal))
        except Refused as refusal:
            return Sniff(0.0, tuple(evidence), refusal=str(refusal))
        if level == "K":
            evidence.append("experimental: written without a real file of this format")
        lacking = export.unanswered
        if lacking is not None:
            advice = lacking.advice or "give the messages of the tickets too"
            told = f"this looks like {lacking.title}; {advice}"
            return Sniff(0.0, tuple(evidence), refusal=told)
        return cls.known(source, *evidence, fields=fields)


def _folder(source: Source, path: Path) -> Path:
    """Give the folder that the reader's path is relative to: the recipe's."""
    if source.path is None or path.is_absolute() or str(path) == "-":
        return Path()
    return Path(*source.path.parts[: len(source.path.parts) - len(path.parts)])


def _blank(source: Source) -> Iterator[Batch]:
    out = Rows()
    for record in source.json_items():
        out.add((record.number,), drop=record.problem or "empty-text")
    if len(out):
        yield out.batch()
