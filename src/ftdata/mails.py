"""Cut a stream of bytes into mails: an mbox into each of its own, anything else is one mail.

An mbox has a line `From <sender> <date>` above each mail, and a blank line above that but for the first (RFC 4155). A
line of a mail that begins so stands there as `>From ` (mboxo, mboxrd); one `>` is taken off again. A line `From ...`
without a year is text that somebody forgot to mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_ABOVE = re.compile(rb"From (?:\S+|\S.{0,200}?) .*\b(?:19|20)\d\d\b")
_MARKED = re.compile(rb"^>(>*From )", re.MULTILINE)
_KEEP = 4096  # bytes of a mail beyond the limit that are held, to find where the next begins


def cut_mails(pieces: Iterable[bytes], most: int) -> Iterator[tuple[int, bytes | None, str | None]]:
    """Give each mail with the line it begins on (its headers, not the line above) and what is wrong with it.

    A mail of more than `most` bytes comes without text, as `row-too-large`. A stream without a mail gives nothing.
    """
    held, line, scan = bytearray(), 1, 0
    boxed: bool | None = None
    large = started = False
    for piece in pieces:
        if not started:
            piece = (bytes(held) + piece).removeprefix(b"\xef\xbb\xbf")
            bare = piece.lstrip(b"\r\n")
            held = bytearray()
            if len(bare) < 5:
                held += piece
                continue
            line += piece[: len(piece) - len(bare)].count(b"\n")
            started, boxed, piece = True, bare.startswith(b"From "), bare
        held += piece
        while boxed and (at := _next(held, scan)) is not None:
            yield _one(bytes(held[:at]), line, large or at > most, boxed)
            line += held.count(b"\n", 0, at)
            del held[:at]
            scan, large = 0, False
        scan = max(0, len(held) - _KEEP)
        if large or len(held) > most:
            large = True
            over = len(held) - _KEEP
            if over > 0:
                line += held.count(b"\n", 0, over)
                del held[:over]
                scan = 0
    if started and (large or held.strip()):
        yield _one(bytes(held), line, large, bool(boxed))


def _next(held: bytearray, scan: int) -> int | None:
    """Find where the next mail of an mbox begins; None if that has not come yet."""
    at = held.find(b"\nFrom ", scan)
    while at >= 0:
        end = held.find(b"\n", at + 1)
        if end < 0:
            return None
        blank = held[at - 1 : at] == b"\n" or held[at - 2 : at] == b"\n\r"
        if blank and at > 0 and _ABOVE.match(held, at + 1, min(end, at + 500)):
            return at + 1
        at = held.find(b"\nFrom ", at + 1)
    return None


def _one(mail: bytes, line: int, large: bool, boxed: bool) -> tuple[int, bytes | None, str | None]:
    if large:
        return line, None, "row-too-large"
    if boxed and mail.startswith(b"From "):
        mail, line = mail.partition(b"\n")[2], line + 1
        if b">From " in mail:
            mail = _MARKED.sub(rb"\1", mail)
        mail = mail.removesuffix(b"\n").removesuffix(b"\r")  # the blank line above the next belongs to the box
    return line, mail, None
