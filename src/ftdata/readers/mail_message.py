"""One mail as it is told by its headers and its parts: who wrote it, when, to whom, which text it holds.

The standard library takes mails apart; what it refuses or gets wrong in mails that break the rules is read here as far
as it can be: charsets that nobody knows or that do not hold, encoded words cut short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import NamedTuple

_ID = re.compile(r"<[^<>\s]+>")
_HEADER = re.compile(rb"^([!-9;-~]+):[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.MULTILINE)
_EPOCH = datetime(1970, 1, 1)
_LONG = 20_000  # characters of a header of people that are read
_DEPTH = 50  # levels of parts; nobody's mail nests deeper
_PARTS = 1000
_SIGNED = re.compile(
    r"\s*-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Z][A-Za-z]{1,20}: [^\n]*\n)*\n(.*?)\n"
    r"-----BEGIN PGP SIGNATURE-----.*",
    re.DOTALL,
)
_WINDOWS = re.compile(rb"[\x80-\x9f]")


class Person(NamedTuple):
    """A person as a mail names them."""

    name: str
    address: str


class Body(NamedTuple):
    """The text of a mail, whether it is HTML, and how many attachments it has."""

    text: str
    html: bool
    attachments: int
    calendar: bool
    encrypted: bool


Head = dict[str, str]
"""The headers of a mail by their names in lower case, each on one line; of several of one name the first."""


def top(mail: bytes) -> bytes:
    """Give the lines of a mail above the first blank one: its headers."""
    ends = [at for at in (mail.find(b"\n\n"), mail.find(b"\n\r\n")) if at >= 0]
    return mail[: min(ends) + 1] if ends else mail[: 1 << 20]


def headers(mail: bytes) -> Head:
    """Read the headers. Never fails: what is no mail has none. Bytes beyond ASCII are UTF-8, or Windows-1252."""
    found: Head = {}
    for name, value in _HEADER.findall(top(mail)):
        text = value.decode("ascii") if value.isascii() else _text(value, "")
        found.setdefault(name.decode().lower(), " ".join(text.split()))
    return found


def header(head: Head, name: str) -> str:
    """Give a header, its encoded words decoded; an empty text if it is not there."""
    return _decoded(head.get(name, ""))


def people(head: Head, name: str) -> list[Person]:
    """Give the people in a header."""
    raw = head.get(name, "")[:_LONG]
    try:
        found = getaddresses([raw] if raw else [])
    except (RecursionError, IndexError):  # brackets in brackets, without end
        return []
    return [
        Person(_decoded(shown).strip(" \"'"), address.strip().lower()) for shown, address in found if shown or address
    ]


def ids(head: Head, name: str) -> list[str]:
    """Give the message ids in a header, in order."""
    return _ID.findall(head.get(name, ""))


def sent(head: Head) -> int | None:
    """Give when a mail was sent, in microseconds since 1970, else when it arrived; None if neither is told."""
    for told in (head.get("date", ""), head.get("received", "").rpartition(";")[2].strip()):
        if told:
            try:
                moment = parsedate_to_datetime(told[:200])
                if moment.tzinfo is not None:
                    moment = (moment - (moment.utcoffset() or timedelta())).replace(tzinfo=None)
                return (moment - _EPOCH) // timedelta(microseconds=1)
            except (ValueError, TypeError, IndexError, OverflowError):
                continue
    return None


def body(mail: bytes) -> Body:
    """Give the text of a mail: of alternatives the plain one unless it is empty, of several inline texts all."""
    message = message_from_bytes(mail.replace(b"\0", b""), Message, policy=policy.compat32)
    parts, attachments, calendar, encrypted = list[tuple[str, bool]](), 0, False, False
    for part in _leaves(message):
        kind = part.get_content_type()
        if kind == "text/calendar":
            calendar = True
        elif kind in ("application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"):
            encrypted = encrypted or "signed" not in str(part.get_param("smime-type", ""))
        elif part.get_content_maintype() != "text" or _attached(part):
            attachments += 1
        elif kind in ("text/plain", "text/html", "text/enriched"):
            text = content(part)
            if text.strip():
                parts.append((text, kind == "text/html"))
        else:
            attachments += 1
    html = bool(parts) and all(one for _, one in parts)
    text = "\n".join(text for text, one in parts if one == html)
    if not html and (signed := _SIGNED.fullmatch(text)):  # RFC 9580, 7: `- ` before what begins with a dash
        text = re.sub(r"^- ", "", signed[1], flags=re.MULTILINE)
    return Body(text, html, attachments, calendar, encrypted or text.lstrip()[:27] == "-----BEGIN PGP MESSAGE-----")


def content(part: Message) -> str:
    """Give the text of a part: its transfer encoding undone, decoded, flowed lines joined."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    text = _text(payload, (part.get_content_charset() or "").strip("\"' "))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if str(part.get_param("format", "")).lower() == "flowed":
        return flowed(text, str(part.get_param("delsp", "")).lower() == "yes")
    return text


def flowed(text: str, delete_space: bool) -> str:
    """Join the lines of a paragraph that was broken for sending: those that end with a space (RFC 3676)."""
    out: list[str] = []
    opened: str | None = None  # the marks of the paragraph that goes on
    for line in text.split("\n"):
        bare = line.lstrip(">")
        marks = line[: len(line) - len(bare)]
        bare = bare.removeprefix(" ")
        soft = bare.endswith(" ") and bare != "-- "
        rest = bare[:-1] if soft and delete_space else bare
        if opened == marks and bare != "-- ":
            out[-1] += rest
        else:
            out.append(f"{marks} {rest}" if marks and rest else marks + rest)
        opened = marks if soft else None
    return "\n".join(line if line == "-- " else line.rstrip(" ") for line in out)


def _leaves(message: Message, depth: int = 0) -> Iterator[Message]:
    """Give the parts that hold something, of alternatives the one to read; an attached mail is one part."""
    # To ask for the payload of one that is no list is to have it decoded, by whatever its charset claims to be.
    payload = message.get_payload() if message.is_multipart() else None
    if not isinstance(payload, list) or message.get_content_maintype() == "message":
        yield message
        return
    if depth > _DEPTH:
        return
    if message.get_content_type() == "multipart/alternative":
        yield from _chosen([list(_leaves(part, depth + 1)) for part in payload[:_PARTS] if isinstance(part, Message)])
        return
    for part in payload[:_PARTS]:
        assert isinstance(part, Message)
        yield from _leaves(part, depth + 1)


def _chosen(alternatives: list[list[Message]]) -> list[Message]:
    """Choose among alternatives: the first with plain text in it, else the last with any; invitations are kept."""
    calendar = [part for parts in alternatives for part in parts if part.get_content_type() == "text/calendar"]
    for kind in ("text/plain", "text/html", ""):
        for parts in alternatives:
            texts = [part for part in parts if part.get_content_type().startswith(kind or "text/")]
            if any(not _attached(part) and content(part).strip() for part in texts):
                return [*parts, *(part for part in calendar if part not in parts)]
    return alternatives[-1] if alternatives else []


def _attached(part: Message) -> bool:
    disposition = str(part.get("Content-Disposition", "")).strip().lower()
    return disposition.startswith("attachment") or part.get_filename() is not None


def _text(payload: bytes, charset: str) -> str:
    """Decode; a charset that is unknown or does not hold gives way to UTF-8, and that to Windows-1252."""
    charset = charset.lower()
    if charset in ("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii", "") and _WINDOWS.search(payload):
        charset = ""  # what calls itself so is Windows-1252, or UTF-8
    for name in (charset, "utf-8", "cp1252"):
        try:
            return _whole(payload.decode(name or "utf-8"))
        except (LookupError, UnicodeError, ValueError):
            continue
    return payload.decode("cp1252", "replace")


def _whole(text: str) -> str:
    """Give a text without halves of surrogate pairs, which some charsets of Python's own make."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _decoded(text: str) -> str:
    if "=?" not in text or len(text) > _LONG:
        return text
    try:
        return _whole(" ".join(str(make_header(decode_header(text))).split()))
    except (MessageError, LookupError, UnicodeError, ValueError, TypeError):
        return text
