"""Bytes to text: which encoding, and never a character replaced.

A byte order mark decides; then what the user said; JSON is UTF-8 and never guessed (RFC 8259, 8.1); other text is UTF-8
if the first 4 MB are, else what faust-cchardet makes of them, decoded strictly. A guess that would put other letters in
place of the right ones is worse than none: where the sister code pages of Latin letters (cp1250, iso8859-3, cp850,
mac-roman …) come into question, or where the text that a guess gives is not how people write, the user must say.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator

from ftdata.errors import InputError

SAMPLE = 4 << 20

_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What detectors call by the old ISO names is nearly always Windows text: same letters, but curly quotes and the euro.
_WESTERN = frozenset({"cp1252", "iso8859-1", "iso8859-15", "ascii"})
# From a few accents nobody can tell these from cp1252, nor from one another.
_LATIN = re.compile(r"cp(125[0478]|437|85\d|86[0135])|iso8859-(2|3|4|9|10|13|14|16)|mac|hp_roman8")
_HIGH = re.compile(r"[^\x00-\x7f]+")
# A sign within a word, a capital amid small letters, an opening quote after a letter: these stand for an accent of
# another code page (`contrase–a`, `SÆo`, `jos‚`).
_ODD = re.compile(
    r"(?<=[a-z])[^\x00-\x7f\w’\u00ad]+(?=[a-z])|(?<=[a-z])[À-ÖØ-ÞŒŠŽŸ]|(?<=[A-Z])[À-ÖØ-ÞŒŠŽ](?=[a-z])"
    r"|(?<=[a-z])[‚„‡†ˆ‰¤¡¿‹]|[¼½¾¨¸´](?=[a-z])"
)
_MIXED = re.compile(r"(?<=[a-z])[^\x00-\x7f]+(?=[a-z])")
# The signs that Windows programs put into plain text: a file with no other high bytes is theirs, in any language.
_TYPESET = frozenset("€…‘’“”•–—™")
_SIGNS = _TYPESET | frozenset("\u00a0£©«®°±²³·»¼½¾×‚„†‰‹›")
_TOLERATED = 0.25  # share of such places: em dashes without spaces, letters of two scripts in a product's name


def checked(name: str, encoding: str) -> str:
    """Give the usual name of an encoding that the user stated; an unknown one is an `InputError`."""
    try:
        info = codecs.lookup(encoding)
    except (LookupError, ValueError, TypeError):
        info = None
    if info is None or not getattr(info, "_is_text_encoding", True):
        raise InputError(f"{name}: {encoding!r} is not a known encoding; try utf-8, cp1252, utf-16")
    return info.name


def marked(head: bytes) -> tuple[str, int] | None:
    """Read a byte order mark: the encoding, and the mark's length."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    return None


def detect(sample: bytes) -> str | None:
    """Guess the encoding of bytes that are not UTF-8; None where the guess would be no better than a coin toss."""
    import cchardet

    high = set("".join(_HIGH.findall(sample.decode("cp1252", "replace"))))
    try:
        guess = (
            "cp1252"
            if high <= _SIGNS and high & _TYPESET
            else codecs.lookup(cchardet.detect(sample)["encoding"] or "").name
        )
    except LookupError:
        return None
    if guess in _WESTERN:
        guess = "cp1252"
    elif _LATIN.match(guess):
        return None
    try:
        text = codecs.getincrementaldecoder(guess)("strict").decode(sample)
    except UnicodeDecodeError:
        return None
    wrong = sum(1 for _ in (_ODD if guess == "cp1252" else _MIXED).finditer(text))
    return guess if wrong <= _TOLERATED * sum(1 for _ in _HIGH.finditer(text)) else None


def decide(name: str, sample: bytes, whole: bool, stated: str | None, json: bool) -> tuple[str, int]:
    """Decide the encoding from the first bytes: its name, and how many bytes of byte order mark to skip."""
    mark = marked(sample)
    if stated is not None:
        encoding = checked(name, stated)
        if mark and mark[0].startswith(encoding.removesuffix("-sig")):
            return mark
        return encoding.removesuffix("-sig"), 0
    if mark:
        return mark
    if json:
        return "utf-8", 0
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample, final=whole)
    except UnicodeDecodeError as error:
        guess = detect(sample)
        if guess is None:
            line = sample.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{name}: byte {error.start} (line {line}) is not UTF-8, and the encoding cannot be told; "
                "state it, for example --encoding cp1252 (Windows) or --encoding mac_roman, and look at the accents"
            ) from None
        return guess, 0
    return "utf-8", 0


def texts(name: str, read: Callable[[int], bytes], encoding: str, skip: int, size: int) -> Iterator[str]:
    """Decode a stream strictly, piece by piece; a byte that does not fit is an `InputError` with offset and line."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset, line = 0, 1
    while True:
        piece = read(size)
        final = not piece
        if skip:
            piece, offset, skip = piece[skip:], offset + skip, 0
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            at = offset - pending + error.start
            line += error.object[: error.start].count(b"\n")
            raise InputError(f"{name}: byte {at} (line {line}) is not {encoding}; {_advice(encoding, error)}") from None
        except UnicodeError:  # what the codecs utf-16 and utf-32 say of a file without a byte order mark
            told = f"{encoding}-le or {encoding}-be, if it is one of them"
            raise InputError(f"{name}: is not {encoding}: it has no byte order mark; state {told}") from None
        offset += len(piece)
        line += text.count("\n")
        if text:
            yield text
        if final:
            return


def first_texts(texts: Iterator[str], size: int) -> list[str]:
    """Take pieces of text until they hold `size` characters, or all."""
    taken: list[str] = []
    length = 0
    for text in texts:
        taken.append(text)
        length += len(text)
        if length >= size:
            break
    return taken


def _advice(encoding: str, error: UnicodeDecodeError) -> str:
    if encoding != "utf-8":
        return "state another one with --encoding"
    # What stands before the bad byte is UTF-8 and would mislead the detector.
    guess = detect(error.object[error.start :])
    return f"try --encoding {guess or 'cp1252'}"
