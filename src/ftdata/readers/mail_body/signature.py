"""Find signatures, the lines of mail programs and mailing lists, and disclaimers at the end of a text."""

from __future__ import annotations

import re

from ftdata.readers.mail_body.markers import is_rule
from ftdata.readers.mail_body.phrases import Phrases, fold

_TAIL = 80  # lines at the end of a text that are looked at
_AFTER = 15  # lines below a closing or a delimiter, at most
_LOOK = 3000  # characters of a paragraph
_WIDE = 90  # characters of a line of a signature
_CONTACT = re.compile(r"\d{3}|@|\||://|www\.|\b(?:Tel|Fax|Fon|Cel|Mob|HRB|VAT|CNPJ|NIF)\b")
_POSTSCRIPT = re.compile(r"P\.?\s?S\.?[\s:.\-–)]|P\.\s?D\.|NB[:.]|N\.B\.", re.IGNORECASE)
_LIST = re.compile(r"mailing list|listinfo|groups?\.google|unsubscribe|\S+@lists?\.|list archives", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[.'’\-])*\Z")
_PARTICLES = frozenset("de da do das dos del della di du des la le van von der den ten ter zu y e i".split())
_NO_NAMES = frozenset(
    "yes no ok okay thanks thank hello hi dear sim nao ola obrigado obrigada si hola gracias ja nein hallo danke oui "
    "non bonjour merci ciao grazie bedankt hej tack tak dzieki please sorry done none never always both".split()
)


def sign_off(
    lines: list[str], low: int, high: int, known: Phrases, *, sure: bool, author: str
) -> list[tuple[int, int, str]]:
    """Find what ends the text in `lines[low:high]`: pieces from a line to a line, `s` signature or `d` disclaimer.

    The last piece comes first. `sure`: this is a mail, so a closing formula with what is below it, or a name alone at
    its end, is its sender's; `author`: how the sender is called.
    """
    pieces: list[tuple[int, int, str]] = []
    ends = None
    while len(pieces) < 8:
        while high > low and not lines[high - 1].strip():
            high -= 1
        if ends is None:
            ends = _ends(lines, low, high, known)
        found = None
        if ends:
            first = max(low, high - _TAIL)
            found = (
                _disclaimer(lines, first, high, ends, known)
                or ((high - 1, high, "s") if ends.get(high - 1) == "device" else None)
                or _footer(lines, first, high, ends)
                or (_closing(lines, first, high, ends) if sure else None)
            )
        found = found or _name(lines, low, high, sure, author)
        if found is None:
            break
        pieces.append(found)
        if found[1] < high:  # a postscript stays
            break
        high = found[0]
    return pieces


def _ends(lines: list[str], low: int, high: int, known: Phrases) -> dict[int, str]:
    """Say of the last lines which are a part of an end: delimiter, rule, notice, about, device, or a formula."""
    gate, close, first = known.below, known.ends, max(low, high - _TAIL)
    tail = lines if first == 0 and high == len(lines) else lines[first:high]
    worth = [at for at, line in enumerate(tail, first) if gate[line[:3]] and close[line[:7]]]
    return {at: kind for at in worth if (kind := _end(lines[at], lines, at, low, known))} if worth else {}


def _end(line: str, lines: list[str], at: int, low: int, known: Phrases) -> str | None:
    line = line.strip(" \t\r")
    if line in ("--", "—", "––", "- --"):
        return "delimiter"
    if line[:1] in "_-=—" and is_rule(line):
        return "rule"
    bare = line.strip("*_-–—~•\t ")
    if not known.ends[bare[:7]]:
        return None
    folded = fold(bare[:70])
    if len(bare) <= 50 and (kind := _formula(bare, folded, known)):
        return kind
    if not folded.startswith(known.longer):
        return None
    if folded.startswith(known.notice):
        return "notice"
    if folded.startswith(known.about):
        return "about"
    return "device" if len(bare) <= 160 and _is_device(fold(bare), lines, at, low, known) else None


def _is_device(folded: str, lines: list[str], at: int, low: int, known: Phrases) -> bool:
    """Say whether a line is a mail program's (`Sent from my iPhone`), not a sentence that begins so."""
    bare = folded.split("<")[0].split("(")[0].split("http")[0].strip()
    words = len(bare.split())
    device = any(name in bare for name in known.devices)
    alone = at <= low or not lines[at - 1].strip()
    return words <= 10 and "," not in bare and (device or (alone and bare[-1:] != "."))


def _disclaimer(
    lines: list[str], first: int, high: int, ends: dict[int, str], known: Phrases
) -> tuple[int, int, str] | None:
    """Find the paragraphs at the end of which the first is a disclaimer, and the rest does not gainsay it."""
    if not any(kind in ("notice", "about") for kind in ends.values()):
        return None
    found = None
    end = high
    for row in range(high - 1, first - 1, -1):
        if not lines[row].strip():
            end = row
        elif ends.get(row) == "notice" or (ends.get(row) == "about" and _stems(lines, row, end, known) >= 2):
            found = end = row
        elif (row == first or not lines[row - 1].strip()) and (found is not None or not _stems(lines, row, end, known)):
            break  # a paragraph that is none, and does not go on with one above: what is above it does not end the mail
    return None if found is None else (found, high, "d")


def _stems(lines: list[str], row: int, end: int, known: Phrases) -> int:
    text = fold(" ".join(lines[row:end])[:_LOOK])
    return sum(stem in text for stem in known.stems)


def _footer(lines: list[str], first: int, high: int, ends: dict[int, str]) -> tuple[int, int, str] | None:
    """Find the line `-- ` of a signature, or the rule above the footer of a mailing list."""
    for row in range(high - 1, max(first, high - _AFTER - 5) - 1, -1):
        kind = ends.get(row)
        if kind not in ("delimiter", "rule"):
            continue
        below = [text for text in lines[row + 1 : high] if text.strip()]
        if kind == "delimiter":
            standard = lines[row].rstrip("\r") == "-- "
            if len(below) <= _AFTER and all(len(text) <= _WIDE for text in below) and (below or standard):
                return row, high, "s"
            return (row, high, "s") if standard and len(below) <= _AFTER + 5 else None
        if below and len(below) <= 8 and any(_LIST.search(text[:_LOOK]) for text in below):
            return row, high, "s"
    return None


def _closing(lines: list[str], first: int, high: int, ends: dict[int, str]) -> tuple[int, int, str] | None:
    """Find the formula and the name below it; a postscript below them stays."""
    found: tuple[int, int, str] | None = None
    filled = 0
    for row in range(high - 1, first - 1, -1):
        if not lines[row].strip():
            continue
        filled += 1
        if filled > _AFTER + 3:
            break
        if (kind := ends.get(row)) in ("closing", "thanks", "named"):
            end = _block(lines, row, high, kind)
            if end is not None and _begins(lines, row, first):
                found = row, end, "s"
    return found


def _formula(bare: str, folded: str, known: Phrases) -> str | None:
    """Say whether a line is a closing (`closing`), one that needs a name (`thanks`), or has it (`named`)."""
    folded = folded.rstrip(" ,.!;:…")
    if folded in known.closing:
        return "closing"
    if folded in known.thanks:
        return "thanks"
    head, comma, name = bare.partition(",")
    if comma and fold(head).strip() in known.closing and only_name(name):
        return "named"
    words = bare.split()
    if len(words) > 7 or not words[-1][0].isupper():
        return None
    for size in range(max(1, len(words) - 3), len(words)):
        formula, name = " ".join(words[:size]), " ".join(words[size:])
        if (size > 1 or len(words) == 2) and fold(formula) in known.closing and only_name(name):
            return "named"
    return None


def _begins(lines: list[str], row: int, first: int) -> bool:
    """Say whether a closing may begin here: not in the middle of a sentence that was broken into lines."""
    above = lines[row - 1].strip() if row > first else ""
    return not above or above[-1] in ".!?:;,)…”\"'»😊🙂" or len(above) < 45 or len(lines[row].split()) > 1


def _block(lines: list[str], row: int, high: int, kind: str) -> int | None:
    """Give where the name block below a closing ends; None if what follows is no name block."""
    paragraph, count, named = 0, 0, kind == "named"
    for at in range(row + 1, high):
        line = lines[at].strip()
        if not line:
            paragraph += 1
            continue
        count += 1
        if _POSTSCRIPT.match(line):
            return at
        if count > _AFTER or len(line) > 2 * _WIDE:
            return None
        if _is_prose(line):
            if count == 1 or (paragraph == 0 and not named):
                return None
            # Somebody who writes on below the name: only the name goes.
            return _paragraph(lines, row, at) if named and not lines[at - 1].strip() else None
        named = named or only_name(line)
        if count == 1 and kind == "thanks" and not (only_name(line) or _starts_closing(line)):
            return None
    return None if kind == "thanks" and not count else high


def _starts_closing(line: str) -> bool:
    return line[-1:] == ","


def _paragraph(lines: list[str], row: int, at: int) -> int:
    while at - 1 > row and not lines[at - 1].strip():
        at -= 1
    return at


def _is_prose(line: str) -> bool:
    """Say whether a line is a sentence, not a part of a name block."""
    words = line.split()
    if _CONTACT.search(line):
        return len(words) >= 16
    return len(words) >= 11 or (len(words) >= 5 and line[-1] in ".?!:") or line[-1] == "?"


def only_name(text: str) -> bool:
    """Say whether a text may be the name of a person or a team."""
    words = text.strip(" ,.-–—*_~").split()
    if not 1 <= len(words) <= 4 or fold(words[0]) in _NO_NAMES:
        return False
    capital = [word for word in words if word.lower() not in _PARTICLES]
    return bool(capital) and all(_NAME.match(word) and word[0].isupper() for word in capital)


def _name(lines: list[str], low: int, high: int, sure: bool, author: str) -> tuple[int, int, str] | None:
    """Find a name alone at the end: after a dash, or the sender's, or (in a mail) below the end of a sentence."""
    if high - low < 2 or len(lines[high - 1]) > 60:
        return None
    line = lines[high - 1].strip()
    dashed = line[0] in "-–—~" and line[1:2] != "-"
    if not (dashed or sure or author) or line[-1] in "?!:;" or not only_name(line):
        return None
    above = high - 2
    while above >= low and not lines[above].strip():
        above -= 1
    if above < low:
        return None
    apart, previous = above < high - 2, lines[above].strip()
    ended = previous[-1] in ".?!)"
    if dashed and apart and previous[0] not in "-–—*•~" and (line[1:2] != " " or ended):
        return high - 1, high, "s"
    called = {fold(word) for word in re.findall(r"\w+", author)}
    own = bool(called) and all(fold(word.strip(".,")) in called for word in line.strip(" ,.-").split())
    if own and (apart or ended):
        return high - 1, high, "s"
    alone = sure and apart and ended and len(line.split()) <= 3 and not line.isupper()  # `END` is no name
    return (high - 1, high, "s") if alone else None
