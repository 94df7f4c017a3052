"""Read help-desk exports: delimited text with one row per ticket, or one row per message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, field_validator

from ftdata.batch import Batch, Rows
from ftdata.errors import InputError
from ftdata.readers import words as w
from ftdata.readers.divide import flagged
from ftdata.readers.gate import Ids, Roles, privacy, speaker, withdrawn
from ftdata.readers.layout import Layout, Refused, forced, settle
from ftdata.readers.mail_body import Cut, Quotes, body_text
from ftdata.readers.stitch import Rules, Stitch
from ftdata.readers.times import Days, instant
from ftdata.source import Record, Source
from ftdata.stages import Reader, Sniff

_COLUMNS = ("question", "answer", "key", "author", "role", "body", "time", "visibility", "subject")


class Tickets(Reader):
    """Read a help-desk export (CSV, TSV): one row per ticket, or one row per message.

    Columns are guessed from their names (English, Portuguese, Spanish) and their values, and each can be stated: by
    name, by `#<number>` from 1, the second of two equal names as `Labels#2`. What is not clear is refused with the
    setting that decides. Times order the messages of a ticket, then the file does; times without a zone stay without
    one.

    Records left out, each a row without text: `private-note`, `unknown-visibility`, `deleted` and `spam` (a column of
    that name, or the status, says so), `bot`, `system-line`, `unwanted-role`, `unknown-role`, `unknown-author`,
    `orphan` (no ticket id), `empty-text`, `no-answer`, `no-question`, `leading-agent`, `trailing-user`,
    `no-assistant`, `no-user`, `repeated-message` (a message that the export holds twice), besides those of the source
    (`ragged-row`, `unclosed-quote` ...).
    Flags: `no-visibility-column`, `unparsed-time`, `ambiguous-time`, `mail-cut` (a quoted reply, signature or
    disclaimer was cut), `quoted-text-left`, `mail-emptied` (nothing was newly written, so all was kept).

    `meta` holds the other columns under their names, with the ticket id, the time and the author of the first turn;
    never a column of internal notes; `csat`, `reopened` and `solved_at` under these names too, whatever the columns are
    called. Raises `InputError` for a file without message text.
    """

    name: ClassVar[str] = "tickets"
    warns: ClassVar[Mapping[str, str]] = {
        "no-visibility-column": "no column says which messages are private: all were taken as public; name it with "
        "`visibility`, or state `assume_public = true`",
    }

    shape: Literal["ticket", "message"] | None = Field(
        None, description="one row per `ticket` or per `message`; guessed"
    )
    question: str | None = Field(None, description="column of the customer's text (a row per ticket)")
    answer: str | None = Field(None, description="column of the answer (a row per ticket)")
    key: str | None = Field(None, description="column of the ticket id")
    body: str | None = Field(None, description="column of the message text (a row per message)")
    author: str | None = Field(None, description="column of the author's id or name")
    role: str | None = Field(None, description="column that says customer or agent")
    time: str | None = Field(None, description="column of the time")
    visibility: str | None = Field(None, description="column that says public or private")
    subject: str | None = Field(None, description="column of the subject; it goes to `meta` unless `with_subject`")
    with_subject: bool = Field(False, description="put the subject above the first question")
    roles: Roles = Field(
        (), description="what the values of the role column mean: user, assistant, bot, system, private or drop"
    )
    assistants: Ids = Field((), description="authors (id or name) who are assistants; all others are users")
    users: Ids = Field((), description="authors who are users; if given with `assistants`, all others are dropped")
    bots: Ids = Field((), description="authors who are bots; dropped")
    public: Ids = Field((), description="values of the visibility column that mean public; all others are private")
    assume_public: bool = Field(False, description="take every row as public where no column tells")
    merge: str | Literal[False] = Field(
        "\n\n", description="text between consecutive turns of one role, which become one; false keeps them apart"
    )
    greeting: bool = Field(False, description="keep what the assistant says before the user's first message")
    day_first: bool | None = Field(None, description="whether 03/04 is 3 April; decided over the whole column")
    quotes: Quotes = Field(
        "auto",
        description="quoted replies, signatures and disclaimers: cut those of e-mails, `cut` all, or `keep` them",
    )
    html: Literal["auto", "always", "never"] = Field("auto", description="turn HTML bodies to text")
    blanks: tuple[str, ...] = Field(
        ("-", "--", "null", "NULL", "nan", "NaN", "None", "N/A", "n/a", "#N/A"),
        description="cells that mean empty, besides empty ones",
    )
    header: bool | None = Field(
        None, description="whether the first row holds the names; refused if it looks like data"
    )
    delimiter: str | None = Field(None, description="character between cells; guessed", min_length=1, max_length=1)
    quotechar: str | None = Field('"', description="character around cells; an empty text turns quoting off")

    @field_validator("quotechar")
    @classmethod
    def _quote(cls, value: str | None) -> str | None:
        if value is not None and len(value) > 1:
            raise ValueError('must be one character, or "" for none')
        return value

    def reads_meta(self) -> frozenset[str]:
        """A reader reads no meta."""
        return frozenset()

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the table."""
        dialect: dict[str, Any] = {
            "delimiter": self.delimiter,
            "quotechar": self.quotechar or None,
            "header": self.header is not False,
        }
        sample = source.sample_table(**dialect)
        rows = [record.value for record in sample if record.problem is None]
        table = source.csv_records(**dialect)
        if not table.fields:
            # An empty file: nothing to settle, but what it handed out must still be owned.
            yield from _Lost(table).batches()
            return
        try:
            layout = self._layout(table.fields, rows)
        except Refused as refusal:
            raise refusal.of(source.name) from None
        if layout.shape == "ticket":
            yield from self._per_ticket(table, layout)
        else:
            yield from self._per_message(table, layout, source)

    def _layout(self, fields: tuple[str, ...], rows: list[list[str]]) -> Layout:
        stated = {name: value for name in _COLUMNS if (value := getattr(self, name)) is not None}
        return settle(
            fields,
            rows,
            stated,
            has_header=self._has_header(fields, stated),
            shape=self.shape,
            authors_known=bool(self.assistants),
            assume_public=self.assume_public,
        )

    def _has_header(self, fields: tuple[str, ...], stated: Mapping[str, str]) -> bool | None:
        """A column that was stated by a name which stands in the first row shows that it is a header."""
        if self.header is None and any(not re.fullmatch(r"#\d+", name) and name in fields for name in stated.values()):
            return True
        return self.header

    # --- a row per ticket ---

    def _per_ticket(self, table: Any, layout: Layout) -> Iterator[Batch]:
        question, answer = layout.columns["question"], layout.columns["answer"]
        ask, reply = (self._body(column, layout) for column in (question, answer))
        heading, hidden = self._heading(layout), privacy(layout, self.public)
        gone = withdrawn(layout, self.blanks)
        meta = _Meta(layout, {question, answer, *layout.gates})
        out = Rows()
        for number, _, cells, problem in table:
            if problem is not None:
                out.add((number,), drop=problem)
            elif reason := hidden(cells) or gone(cells):
                out.add((number,), drop=reason)
            else:
                cut, said = ask(cells), reply(cells)
                asked = cut.text
                if not asked or not said.text:
                    neither = not asked and not said.text
                    out.add((number,), drop="empty-text" if neither else "no-answer" if asked else "no-question")
                else:
                    if title := heading(cells):
                        asked = f"{title}\n\n{asked}"
                    flags = dict.fromkeys((*layout.flags, *cut.flags, *said.flags))
                    out.add((number,), (("user", asked), ("assistant", said.text)), meta=meta(cells), flags=flags)
            if out.full:
                yield out.batch()
        if len(out):
            yield out.batch()

    # --- a row per message ---

    def _per_message(self, table: Any, layout: Layout, source: Source) -> Iterator[Batch]:
        columns = layout.columns
        body, key, at = columns["body"], columns["key"], columns.get("time")
        text, heading = self._body(body, layout), self._heading(layout)
        hidden, gone = privacy(layout, self.public), withdrawn(layout, self.blanks)
        who = speaker(layout, roles=self.roles, assistants=self.assistants, users=self.users, bots=self.bots)
        meta = _Meta(layout, {body, *layout.gates, *([columns["role"]] if "role" in columns else [])})
        merge = None if self.merge is False else self.merge
        rules = Rules(merge, at is not None, layout.flags, self.greeting)
        stitch, days, out = Stitch(rules, source.scratch), Days(), Rows()
        marks: dict[str, list[int]] = {}
        try:
            for number, _, cells, problem in table:
                reason = problem or hidden(cells) or gone(cells)
                if reason is None:
                    role = who(cells)
                    ticket = cells[key].strip()
                    if role not in ("user", "assistant"):
                        reason = role
                    elif not ticket:
                        reason = "orphan"
                    elif not (said := text(cells)).text:
                        reason = "empty-text"
                    else:
                        when = cells[at] if at is not None else ""
                        days.see(when)
                        for flag in said.flags:
                            marks.setdefault(flag, []).append(number)
                        stitch.add(
                            number,
                            ticket,
                            role,
                            said.text,
                            time=instant(when) if when else None,
                            meta=meta(cells),
                            title=heading(cells),
                        )
                if reason is not None:
                    out.add((number,), drop=reason)
                    if out.full:
                        yield out.batch()
            if len(out):
                yield out.batch()
            for batch in stitch.batches(days.day_first(self.day_first)):
                yield flagged(batch, marks)
        finally:
            stitch.close()

    def _body(self, column: int, layout: Layout) -> Callable[[list[str]], Cut]:
        """Make the function from a row to the text of a cell: without HTML, and without what an e-mail quotes."""
        blanks, sure_html = frozenset(self.blanks), column in layout.html
        channel = next((index for index, name in enumerate(layout.names) if w.is_channel(name)), None)

        def text(cells: list[str]) -> Cut:
            cell = cells[column]
            if not (stripped := cell.strip()) or stripped in blanks:
                return Cut("")
            mail = channel is not None and w.is_mail(cells[channel])
            return body_text(cell, quotes=self.quotes, mail=mail, html=self.html, sure_html=sure_html)

        return text

    def _heading(self, layout: Layout) -> Callable[[list[str]], str | None]:
        """Make the function from a row to the subject that goes above the first question; None where none does."""
        column = layout.columns.get("subject") if self.with_subject else None
        if column is None:
            return lambda cells: None
        index, blanks = column, frozenset(self.blanks)

        def heading(cells: list[str]) -> str | None:
            title = cells[index].strip()
            return title if title and title not in blanks else None

        return heading

    # --- sniffing ---

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Say whether this is a ticket table, which column is what, or what to export instead."""
        if len(source.members()) > 1:
            return None
        head = source.head(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        if not head:
            return None
        if head[:1] == b"{" or re.match(rb"\[\s*[\[{\"\]]", head):
            return None  # objects: another reader says what they are
        suffix = source.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
        named = suffix in ("csv", "tsv", "tab")
        try:
            table = source.sample_table()
        except InputError:
            if named:
                raise
            return None
        records: list[Record] = list(table)
        rows = [record.value for record in records if record.problem is None]
        if len(table.fields) < 2 or (not named and len(rows) < max(2, 0.8 * len(records))):
            return None
        delimiter = {"\t": "tab"}.get(table.delimiter, table.delimiter)
        shown = (f"delimiter {delimiter}", f"{len(table.fields)} columns", f"encoding {source.encoding}")
        try:
            layout = settle(table.fields, rows, {})
        except Refused as refusal:
            return Sniff(0.0, shown, refusal=str(refusal))
        fields = {"shape": layout.shape, **layout.fields}
        return Sniff(0.9, (*layout.evidence, *shown), fields, forced(cls.name, layout.fields))


class _Meta:
    """The columns of a row that became no text, as JSON text under their names; outcomes under their own name too."""

    def __init__(self, layout: Layout, used: set[int]) -> None:
        self._kept = [
            (name, index)
            for index, name in enumerate(layout.names)
            if index not in used and index not in layout.internal
        ]
        own = {name for name, _ in self._kept}
        found = {told: index for name, index in reversed(self._kept) if (told := w.outcome(name)) and told not in own}
        self._kept += sorted(found.items())

    def __call__(self, cells: list[str]) -> str:
        return orjson.dumps({name: cells[index] for name, index in self._kept}).decode()


class _Lost:
    """The rows of a table that has no columns: every record dropped."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def batches(self) -> Iterator[Batch]:
        out = Rows()
        for number, _, _, problem in self._table:
            out.add((number,), drop=problem or "empty-text")
            if out.full:
                yield out.batch()
        if len(out):
            yield out.batch()
