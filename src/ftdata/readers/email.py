"""Read e-mail: `.eml` files, a folder or zip of them, a Maildir, an mbox."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import xxhash
from pydantic import Field

from ftdata.errors import InputError
from ftdata.readers import mail_message as mime
from ftdata.readers.mail_body import Cut, Quotes, body_text
from ftdata.readers.messages import SAMPLE, Messages, Turn
from ftdata.readers.times import utc
from ftdata.readers.words import fold
from ftdata.source import Source
from ftdata.stages import Sniff

_FILE = re.compile(r"(?:.*/)?(?:[^/]+\.(?:emlx?|mbox|mbx)|(?:[^/]+\.mbox/)?mbox|(?:cur|new)/[^/]+)", re.IGNORECASE)
_BOXES = re.compile(r"(?:.*/)?(?:[^/]+\.(?:mbox|mbx)|(?:[^/]+\.mbox/)?mbox)", re.IGNORECASE)
_KNOWN = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|received|return-path|mime-version|delivered-to|content-type|reply-to"
    rb"|x-[\w-]+|dkim-signature|references|in-reply-to|sender|arc-[\w-]+|authentication-results|status|x400-[\w-]+"
    rb"|list-[\w-]+|user-agent|thread-[\w-]+|importance|precedence|received-spf|envelope-to|content-[\w-]+):",
    re.IGNORECASE,
)
_SENDER = re.compile(rb"^(?:from|sender):", re.IGNORECASE | re.MULTILINE)
_BOX = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*From \S.*\r?\n(?=[A-Za-z][\w-]*:)")
_REPLY = re.compile(
    r"\s*(?:re|aw|res|rv|sv|vs|ref|antw|odp|r|fwd?|wg|enc|tr|i|doorst|vb|pd|fw)"
    r"\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*",
    re.IGNORECASE,
)
_LIST = re.compile(r"\s*\[[^\]\d]{1,40}\]\s*(?=\S)")  # a list's name; with a number it is a ticket's
_PASSED_ON = re.compile(
    r"\s*(?:(?:re|aw|res|sv|antw|odp)\s*[:：]\s*)*(?:fwd?|wg|enc|tr|i|rv|doorst|vb|pd)\s*[:：]", re.IGNORECASE
)
_AUTOMATIC = re.compile(
    r"\s*(?:(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response|responder)|autoreply|out of (?:the )?office"
    r"|ooo|resposta autom[aá]tica|fora do escrit[oó]rio|aus[eê]ncia tempor[aá]ria|respuesta autom[aá]tica"
    r"|fuera de (?:la )?oficina|automatische antwort|abwesenheits(?:notiz|nachricht)|abwesend|r[eé]ponse automatique"
    r"|absence du bureau|risposta automatica|fuori (?:sede|ufficio)|automatisch antwoord|afwezigheidsbericht"
    r"|autosvar|automatiskt svar|automatisk svar|odpowied[zź] automatyczna)\b)",
    re.IGNORECASE,
)
_BOUNCER = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon)@", re.IGNORECASE)
# Gmail's labels, and the folders of mail programs, folded.
_DRAFT = frozenset({"draft", "drafts", "rascunhos", "borradores", "entwurfe", "brouillons", "bozze", "concepten"})
_BIN = frozenset(
    "trash|lixeira|lixo|reciclagem|papelera|papierkorb|corbeille|cestino|prullenbak|bin|deleted items|deleted messages"
    "|itens excluidos|itens eliminados|elementos eliminados|geloschte elemente|geloschte objekte|elements supprimes"
    "|posta eliminata|verwijderde items".split("|")
)
_WRAPPED = re.compile(rb"\s{0,9}([0-9]{1,12})[ \t]*\r?\n(?=[!-9;-~]+:)")  # Apple's .emlx: its length above the mail
_STATE = re.compile(rb"<key>flags</key>\s*<integer>([0-9]{1,18})</integer>")
_DELETED, _DRAFTED = 1 << 1, 1 << 6  # bits of these flags


class Email(Messages):
    """Read e-mail: an `.eml` file, a folder or zip of them, a Maildir, an mbox (mboxo, mboxrd).

    Each mail is a record. A thread is a conversation: the mails that `References` and `In-Reply-To` tie together, in
    the order of `Date`; with `by_subject` also those of one subject between the same people. Who is the assistant must
    be stated in `assistants`: an address, a name, or a domain (`@shop.example`). Of a mail's alternatives the plain
    text is read, the HTML where there is none; attachments are counted and left out. Quoted replies, signatures and
    disclaimers are cut (`quotes`).

    What one who is an assistant sends to assistants alone is a note among them (`with_internal`); where its answers go
    to somebody else (`Reply-To`), that is who wrote it, in a form of the shop's site or to a list of its own.

    Records left out, besides those of `Messages` and of the source: `private-note` (among assistants, or marked as
    private or confidential: `Sensitivity`), `auto-reply` (`Auto-Submitted`, `X-Autoreply`,
    `Precedence: auto_reply`, its subject; what is only generated stays if it is by an assistant, as a help desk sends
    it), `system-line` (bounces, receipts), `not-text` (invitations, encrypted mails, nothing but attachments), `draft`,
    `deleted` (both from the folder or label, too), `repeated-message` (a `Message-ID` seen before), `not-a-mail`.
    Flags: `mail-emptied` (nothing but a quote or a signature: all of it was kept), `quoted-text-left`, `mail-cut`, and
    those of `Messages`.

    `meta` holds `subject`, `time` (UTC), `author` and `attachments` of the first turn. RFC 5322, 2045-2047, 3676,
    3834, 4021.
    """

    name: ClassVar[str] = "email"
    evidence: ClassVar[str] = "F"
    pause: ClassVar[int | None] = None
    calls: ClassVar[str] = "@DOMAIN"
    problems: ClassVar[frozenset[str]] = frozenset({"not-a-mail"})

    quotes: Quotes = Field(
        "cut",
        description="quoted replies, signatures, disclaimers: `cut`, `keep`, or `auto` (only what is unmistakable)",
    )
    by_subject: bool = Field(
        False, description="take mails of one subject between the same people for one thread, where no header ties them"
    )
    with_internal: bool = Field(False, description="read what assistants send to assistants alone")

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know mails by the names of the files, and by the headers they begin with."""
        members = source.members()
        if len(members) < 2:
            found = _is_mail(source.opening(8192))
            return None if found is None else cls.known(source, found)
        named = [name for name in members if _FILE.fullmatch(name)]
        mails = [name for name in named[:20] if _is_mail(source.opening(8192, name))]
        boxed = any(_BOXES.fullmatch(name) for name in mails)  # beside a box may lie what its program keeps
        if not mails or len(mails) * 2 < len(named[:20]) or (len(named) * 2 < len(members) and not boxed):
            return None
        return cls.known(source, f"{len(named)} of {len(members)} files are of mails")

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the mails, file by file."""
        members = _files(source)
        threads = self._threads(source.again(SAMPLE if source.sampled else None), members)
        seen: set[int] = set()
        for member in members:
            for record in source.mails(member):
                mail, reason = (b"", record.problem) if record.problem else _unwrapped(record.value)
                if reason is not None:
                    yield Turn(record.number, drop=reason)
                else:
                    yield self._turn(record.number, mail, member, threads, seen)

    def _threads(self, source: Source, members: list[str | None]) -> _Threads:
        """Look through all headers: which mails are of one thread."""
        threads = _Threads()
        for member in members:
            for record in source.mails(member):
                if record.problem is None:
                    mail = _unwrapped(record.value)[0]
                    head = mime.headers(mail)
                    keys = _tied(head, mail)
                    threads.tie(keys + self._subject(head))
                    threads.gather(keys[0], _groups(head), alone=len(keys) == 1 and _is_reply(head))
        threads.settle()
        return threads

    def _subject(self, head: mime.Head) -> list[int]:
        """Give the key of a subject and the people it is between, if it counts."""
        subject = _bare(mime.header(head, "subject")) if self.by_subject else ""
        if not subject:
            return []
        between = {one.address for name in ("from", "to", "cc") for one in mime.people(head, name)}
        return [_hash("\n".join([subject, *sorted(between)]))]

    def _turn(self, number: int, mail: bytes, member: str | None, threads: _Threads, seen: set[int]) -> Turn:
        head = mime.headers(mail)
        senders = mime.people(head, "x-original-from") or mime.people(head, "from")  # the former by Google Groups
        if not senders and not head.keys() & {"subject", "date", "message-id", "to"}:
            return Turn(number, drop="not-a-mail")
        if not senders:
            return Turn(number, drop="unknown-author")
        sender = senders[0]
        own = mime.ids(head, "message-id")[:1]
        if own and (key := _hash(own[0])) in seen:
            return Turn(number, drop="repeated-message")
        if own:
            seen.add(key)
        subject = mime.header(head, "subject")
        sender, reason = self._among(head, sender)
        if reason := _left_out(head, member, sender) or self._automatic(head, sender, subject) or reason:
            return Turn(number, drop=reason)
        try:
            body = mime.body(mail)
        except RecursionError:  # the parser goes down a level with each part in a part
            return Turn(number, drop="too-deep")
        if body.calendar or body.encrypted:
            return Turn(number, drop="not-text")
        if not body.text.strip():
            return Turn(number, drop="not-text" if body.attachments else "empty-text")
        cut = self._cut(body, sender, subject)
        at = mime.sent(head)
        meta: dict[str, Any] = {"subject": subject} if subject else {}
        meta |= {"time": utc(at)} if at is not None else {}
        meta["author"] = sender.name or sender.address
        if body.attachments:
            meta["attachments"] = body.attachments
        return Turn(
            number,
            chat=threads.of((_tied(head, mail) + self._subject(head))[0]),
            author=sender.address or sender.name,
            text=cut.text.strip("\n"),
            at=None if at is None else (at, at),
            names=_names(sender),
            meta=meta,
            flag=cut.flags,
            uncut=True,
        )

    def _cut(self, body: mime.Body, sender: mime.Person, subject: str) -> Cut:
        return body_text(
            body.text,
            quotes=self.quotes,
            mail=self.quotes == "cut",
            html="always" if body.html else "never",
            author=sender.name,
            passed_on=_PASSED_ON.match(subject) is not None,
        )

    def _among(self, head: mime.Head, sender: mime.Person) -> tuple[mime.Person, str | None]:
        """Give who wrote a mail that assistants alone have sent and got, and the reason why it may not be read."""
        got = [one for name in ("to", "cc", "bcc") for one in mime.people(head, name)]
        if not all(map(self._is_ours, [sender, *got])):
            return sender, None
        for one in mime.people(head, "reply-to"):
            if not self._is_ours(one):
                return one, None
        return sender, "private-note" if got and not self.with_internal else None

    def _is_ours(self, one: mime.Person) -> bool:
        return not _folded(self._assistants).isdisjoint(name.casefold() for name in (one.address, *_names(one)))

    def _automatic(self, head: mime.Head, sender: mime.Person, subject: str) -> str | None:
        """Say whether nobody wrote this mail. A help desk marks what its agents write as generated: that is read."""
        told = mime.header(head, "auto-submitted").partition(";")[0].strip().lower()
        precedence = mime.header(head, "precedence").lower()
        replied = told in ("auto-replied", "auto-notified") or precedence in ("auto_reply", "auto-reply", "junk")
        if replied or head.keys() & {"x-autoreply", "x-autorespond"} or _AUTOMATIC.match(subject):
            return "auto-reply"
        return "auto-reply" if told not in ("", "no") and not self._is_ours(sender) else None


class _Threads:
    """Which message ids are of one thread: a forest of their hashes, eight bytes each, no text."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._groups: dict[int, int] = {}
        self._alone: list[tuple[int, int]] = []

    def tie(self, keys: list[int]) -> None:
        """Take these for one thread."""
        first = self._root(keys[0])
        self._above.setdefault(first, first)
        for key in keys[1:]:
            self._above[self._root(key)] = first

    def gather(self, key: int, groups: list[int], *, alone: bool) -> None:
        """Note that a mail is of these groups; `alone`: it is an answer, and nothing says to what."""
        for group in groups:
            if alone:
                self._alone.append((group, key))
            elif self._root(self._groups.setdefault(group, key)) != self._root(key):
                self._groups[group] = 0  # of two threads, such as the mails of a form

    def settle(self) -> None:
        """Tie the answers to nothing that is named to the one thread of their group."""
        for group, key in self._alone:
            if first := self._groups.get(group):
                self.tie([first, key])

    def of(self, key: int) -> str:
        """Give the name of the thread that a message is of."""
        return f"{self._root(key):016x}"

    def _root(self, key: int) -> int:
        root = key
        while (above := self._above.get(root, root)) != root:
            root = above
        while (above := self._above.get(key, key)) != key:
            self._above[key], key = root, above
        return root


def _tied(head: mime.Head, mail: bytes) -> list[int]:
    """Give the keys of a mail and of those it answers; one without an id is known by what it says."""
    own = mime.ids(head, "message-id")[:1]
    first = _hash(own[0]) if own else xxhash.xxh3_64_intdigest(mime.top(mail))
    return [first, *map(_hash, (*mime.ids(head, "references"), *mime.ids(head, "in-reply-to")))]


def _groups(head: mime.Head) -> list[int]:
    """Give the keys of what Gmail and Exchange take for one thread: they also put there what only looks alike."""
    told = [f"gmail {number}"] if (number := head.get("x-gm-thrid")) else []
    try:
        index = base64.b64decode(head.get("thread-index", "")[:32], validate=True)[:22]
    except (binascii.Error, ValueError):
        index = b""
    return [_hash(one) for one in [*told, *([f"exchange {index.hex()}"] if len(index) == 22 else [])]]


def _is_reply(head: mime.Head) -> bool:
    return _REPLY.match(mime.header(head, "subject")) is not None


@lru_cache(maxsize=16)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names)


def _names(one: mime.Person) -> tuple[str, ...]:
    """Give what else a person is called: by name, and by the domain of the address."""
    return tuple(filter(None, (one.name, "@" + one.address.rpartition("@")[2] if one.address else "")))


def _unwrapped(mail: bytes) -> tuple[bytes, str | None]:
    """Give a mail out of the file that Apple's Mail keeps it in, and why it is left out by what that file says."""
    if (told := _WRAPPED.match(mail)) is None:
        return mail, None
    end = told.end() + int(told[1])
    state = _STATE.search(mail, end)
    flags = int(state[1]) if state else 0
    return mail[told.end() : end], "draft" if flags & _DRAFTED else "deleted" if flags & _DELETED else None


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "replace"))


def _bare(subject: str) -> str:
    """Give a subject without `Re:` and its like, and without the name of a mailing list."""
    while (found := _REPLY.match(subject) or _LIST.match(subject)) is not None:
        subject = subject[found.end() :]
    return " ".join(fold(subject).split())


def _left_out(head: mime.Head, member: str | None, sender: mime.Person) -> str | None:
    """Say why a mail is none that somebody sent to be read."""
    labels = {fold(label.strip()) for label in mime.header(head, "x-gmail-labels").split(",")} | _places(member or "")
    status = mime.header(head, "x-status")
    flags = (member or "").rpartition(":2,")[2] if ":2," in (member or "") else ""
    if head.keys() & {"x-unsent", "x-mozilla-draft-info"} or "T" in status or "D" in flags:
        return "draft"
    if not labels.isdisjoint(_DRAFT):
        return "draft"
    if not labels.isdisjoint(_BIN) or "D" in status or "T" in flags:
        return "deleted"
    if mime.header(head, "sensitivity").strip().lower() not in ("", "normal"):
        return "private-note"
    if head.get("content-type", "").lower().startswith("multipart/report") or "x-failed-recipients" in head:
        return "system-line"
    return "system-line" if _BOUNCER.match(sender.address) else None


def _places(member: str) -> set[str]:
    """Name the folders that a mail lies in, of a Maildir (`.Drafts`) and of mail programs (`Drafts.mbox`)."""
    path, _, name = member.rpartition("/")
    box = name if _BOXES.fullmatch(member) or "." not in name else ""
    return {fold(part.strip()) for part in re.split("[/.]", f"{path}/{box}")}


def _is_mail(head: bytes) -> str | None:
    """Say what a file is that begins so: an mbox, a mail; None if neither."""
    if (length := _WRAPPED.match(head)) is not None:
        head = head[length.end() :]
    if (box := _BOX.match(head)) is not None and _headers(head[box.end() :]):
        return "an mbox"
    return "the headers of a mail" if _headers(head) else None


def _headers(head: bytes) -> bool:
    """Say whether a file begins with three known headers of mails or more, one of which says who wrote it."""
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    top = re.split(rb"\r?\n\r?\n", lines, maxsplit=1)[0]
    known = 0
    for line in re.split(rb"\r?\n", top):
        if line[:1] in (b" ", b"\t"):
            continue
        if not re.match(rb"[!-9;-~]+:", line):
            break
        known += _KNOWN.match(line) is not None
    return known >= 3 and _SENDER.search(top) is not None


def _files(source: Source) -> list[str | None]:
    """List the files with mails, by name; [None] for a plain file, or a folder or archive of one."""
    names = source.members()
    if len(names) < 2:
        return [None]
    found = sorted(name for name in names if _FILE.fullmatch(name))
    if not found:
        found = sorted(
            name for name in names if "." not in name.rpartition("/")[2] and _is_mail(source.opening(8192, name))
        )
    if not found:
        raise InputError(f"{source.name}: holds no mail (.eml, .emlx, .mbox, or the folders of a Maildir)")
    return [*found]
