"""Find where a mail stops being new: the line above a quote, a block of headers, a help desk's line.

Every look is bounded: a line looks back three lines, and down over as many headers as there are kinds of them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ftdata.readers.mail_body.phrases import Phrases, fold

_LINES = 4  # a mail program breaks "On ... wrote:" over no more lines
_LENGTH = 320
_HEADERS = 14  # lines of a block of headers with its continuations
_DATE = re.compile(r"\d{1,2}[:.h]\d{2}(?!\d)|\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b")
_SENTENCE = re.compile(r"(?:\w{5,}|[>)”\"])[.!?][\"”»)]?\s+[A-ZÀ-Þ]")  # a full stop after a word too long for a month
_SENDER = re.compile(r"[^<@]{0,60}<\S+@\S+>\s*\w+(?: \w+)?\Z")
_OPENING = re.compile(r"(?<![^\s\-–—.!?])(?:On|Em|El|Am|Le|Il giorno|Op|Den|W dniu|Dnia|En) ")
_TRIES = 20
_RULE = re.compile(r"[-_=—–―*\s]{5,}\Z")


class Marker(NamedTuple):
    """Lines `start` to `end` (excluded) stand above words of others.

    `kind`: `head` (a quote may follow), `strong` (what follows is a quote, whether marked or not), `below` (all below
    is a quote), `passed` (a message that is passed on follows), `reply` (a help desk's line).
    """

    start: int
    end: int
    kind: str


def is_quoted(line: str) -> bool:
    """Say whether a line is marked as a quote."""
    return line[:1] == ">" or (line[:1] == " " and line.lstrip(" ")[:1] == ">")


def is_rule(line: str) -> bool:
    """Say whether a line is only a rule."""
    return _RULE.match(line) is not None and len(line.strip()) >= 5


def marker(lines: list[str], at: int, known: Phrases) -> Marker | None:
    """Give the marker that this line is part of; None for any other line."""
    line = lines[at].strip()
    if not line or len(line) > _LENGTH:
        return None
    first, colon = line[0], line[-1] in ":："
    if first in "-—=#*" and not colon and (found := _ruled(lines, at, line, known)):
        return found
    if (kind := label(line, known)) and (found := _headers(lines, at, kind, known)):
        return found
    if colon:
        return _attribution(lines, at, known)
    if first not in ">_|" and len(line) <= 120 and known.heads[line[:7]] and known.reply.search(fold(line)):
        return _reply(lines, at)
    return None


def _ruled(lines: list[str], at: int, line: str, known: Phrases) -> Marker | None:
    """Look at a line between dashes: `-----Original Message-----`, `##- Please type ... -##`."""
    core = line.strip("-—–_=#*> \t")
    if not core or len(line) - len(core) < 4:
        return None
    folded = fold(core).rstrip(" :")
    if folded in known.original:
        return Marker(at, at + 1, "below")
    if folded in known.forwarded:
        return Marker(at, at + 1, "passed")
    if known.reply.search(folded) or (line[:3] == "##-" and line[-3:] == "-##"):
        return _reply(lines, at)
    if rating(core + ":", known):  # Zoho: ---- On Mon, 3 Mar 2025 ... wrote ----
        return Marker(at, at + 1, "strong")
    return None


def _reply(lines: list[str], at: int) -> Marker:
    start = at
    if at and (lines[at - 1].strip() in ("--", "—") or is_rule(lines[at - 1])):
        start -= 1
    return Marker(start, at + 1, "reply")


def rating(text: str, known: Phrases) -> int:
    """Say how surely a text is the line above a quote: 0 not at all, 1 if a quote follows, 2 for sure (an address)."""
    if len(text) > _LENGTH or _SENTENCE.search(text):
        return 0
    core = fold(text).rstrip(" :：")
    addressed, date = "@" in core, _DATE.search(core)
    verb = known.verb.search(core)
    if date is None:  # Name <address> wrote:
        return 1 if addressed and verb and verb.end() == len(core) and _SENDER.match(core) else 0
    sure = 2 if addressed else 1
    opens = core.startswith(known.on)
    if addressed and core[0].isdigit() and core[-1] == ">":  # 2025-03-03 10:11 GMT+01:00 Name <address>:
        return 2
    if verb is None:
        return 1 if addressed else 0  # a language that is not known
    if verb.end() == len(core):  # On ... wrote:
        return sure if opens or addressed else 0
    if core[-1] == ")" and core[verb.end() : verb.end() + 2] == " (":  # Name <address> escreveu (date):
        return sure
    # Am ... schrieb ...:
    return sure if (opens or (addressed and core[-1] == ">")) and date.start() < verb.start() else 0


def inner(line: str, known: Phrases) -> tuple[int, int] | None:
    """Find `On ... <address> wrote:` in the middle of a line, where an export lost the line ends."""
    for verb, _ in zip(known.verb_colon.finditer(line), range(_TRIES), strict=False):
        low = max(0, verb.start() - _LENGTH + 20)
        for opening in reversed(list(_OPENING.finditer(line, low, verb.start()))):
            if line[: opening.start()].strip(" >") and rating(line[opening.start() : verb.end()], known) == 2:
                return opening.start(), verb.end()
    return None


def _attribution(lines: list[str], at: int, known: Phrases) -> Marker | None:
    """Look back from a line that ends with a colon for the beginning of `On ... wrote:`."""
    text = lines[at].strip()
    above = lines[at - 1][-100:] if at else ""
    folded = fold(text).rstrip(" :：")
    if not folded:
        return None
    if "@" not in text and folded[-1] != ")" and not _holds_verb(above, folded, known):
        return Marker(at, at + 1, "passed") if folded in known.forwarded and " " in folded else None
    first = at
    while (
        first > 0
        and at - first < _LINES - 1
        and 0 < len(above := lines[first - 1].strip()) <= _LENGTH
        and above[0] != ">"
    ):
        first -= 1
    if "@" not in text and _DATE.search(" ".join(lines[first : at + 1])) is None:
        return None
    text, bare = "", None
    for start in range(at, first - 1, -1):
        line = lines[start].strip()
        if start < at and line[-1] in ".?!" and len(line) > 4:
            break
        text = f"{line} {text}".rstrip()
        if sure := rating(text, known):
            if _DATE.search(text):
                return Marker(start, at + 1, "strong" if sure == 2 else "head")
            bare = bare or Marker(start, at + 1, "head")  # perhaps its date stands above
    return bare


def _holds_verb(above: str, folded: str, known: Phrases) -> bool:
    if not known.verbs.isdisjoint(folded.replace(">", " ").split()):
        return True
    return len(folded) < 60 and not known.verbs.isdisjoint(fold(above).split())


def label(line: str, known: Phrases) -> str | None:
    """Say which header a line begins with: from, sent, to, cc, subject; None if none."""
    end = line.find(":", 0, 31)
    return known.labels.get(fold(line[:end].strip("*_ \t\xa0"))) if end > 0 else None


def _headers(lines: list[str], at: int, first: str, known: Phrases) -> Marker | None:
    """Look for the block of headers that begins at a line with the header `first`, whichever that is."""
    seen = {first}
    sender = lines[at] if "from" in seen else ""
    row, other, blank = at + 1, 0, 0
    while row < min(len(lines), at + _HEADERS):
        line = lines[row]
        kind = label(line, known)
        if kind is not None:
            if kind in seen and kind != "cc":
                break
            seen.add(kind)
            sender = line if kind == "from" else sender
            other = blank = 0
        elif not line.strip():
            blank += 1
            if blank > 1:
                break
        else:
            other += 1
            if other > 2 or blank:
                break
        row += 1
    if "from" not in seen or len(seen) < 3:
        return None
    if "subject" not in seen and not ("sent" in seen and "to" in seen and "@" in sender):
        return None
    start = at
    above = at - 1
    while above >= 0 and at - above < 3 and not lines[above].strip():
        above -= 1
    if above >= 0 and is_rule(lines[above]):
        start = above
    return Marker(start, row, "below")
