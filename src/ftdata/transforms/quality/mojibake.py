"""Mojibake: UTF-8 that was read in another encoding. What is mangled `ftfy` says; repaired is only what is proven."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

_VERBOSE = re.compile(r"\[[^\]]*\]|\\.|#[^\n]*|\s+|.")
_BLANK = re.compile(r"\s|#").match
_LEFT = re.compile("[\u0370-\u1fff][À-ß]|[À-ß][\u0370-\u1fff]")
# Between eight characters that the heuristic may look at. The group makes `split` hand the middle out, too.
_PLAIN = re.compile(r"(?<=[\x00-\x7f]{8})([\x00-\x7f]{48,})(?=[\x00-\x7f]{8})")
_SPANS = 2000  # different mangled spans that are looked at in one text: more makes the time grow with its square


@cache
def suspect() -> str:
    """Give the pattern of `ftfy.badness` as the linear-time engine reads it: it matches where `is_bad` says so."""
    from ftfy.badness import BADNESS_RE

    # Written over several lines there: blanks and remarks outside of brackets mean nothing.
    return "".join(piece for piece in _VERBOSE.findall(BADNESS_RE.pattern) if piece[0] == "[" or not _BLANK(piece))


@cache
def _settings(proven: bool) -> TextFixerConfig:
    from ftfy import TextFixerConfig

    return TextFixerConfig(
        restore_byte_a0=not proven,
        replace_lossy_sequences=not proven,
        decode_inconsistent_utf8=False,
        fix_c1_controls=False,
    )


def mangled(text: str) -> bool:
    """Say whether a text holds mojibake: whether `ftfy` would decode it, or some piece of it, again."""
    return _decoded(text, False)[0] != text


def mended(text: str) -> str | None:
    """Give a text with its mojibake decoded, as often as it was encoded; None: some of it cannot be, provably.

    Every step must lead back: what was decoded, encoded again, is what stood there. Bytes that were lost (`Ã` before
    what was a no-break space, `â€` without its third) do not.
    """
    new, in_spans = _decoded(text, True)
    if mangled(new):
        return None
    # Nor is a repair whole that another, which loses something, takes further, or that leaves a lead byte in a word.
    if new != text and ((in_spans and _decoded(text, False)[0] != new) or _LEFT.search(new)):
        return None
    return new


def _decoded(text: str, proven: bool) -> tuple[str, bool]:
    """Decode each stretch of a text again; long plain ones, which are the same in all encodings, are passed over.

    Gives the text, and whether some stretch could not be decoded as a whole.
    """
    told = [(piece, False) if piece.isascii() else _stretch(piece, proven) for piece in _PLAIN.split(text)]
    return "".join(piece for piece, _ in told), any(in_spans for _, in_spans in told)


def _stretch(text: str, proven: bool) -> tuple[str, bool]:
    """Decode a whole text again, or else the spans in it that look like UTF-8, until nothing more changes."""
    from ftfy.badness import is_bad
    from ftfy.chardata import UTF8_DETECTOR_RE

    known: dict[str, str] = {}

    def piece(match: Any) -> str:
        span: str = match[0]
        if span not in known:
            if len(known) >= _SPANS:
                return span
            known[span] = _whole(span, proven) if is_bad(span) else span
        return known[span]

    in_spans = False
    while True:
        new = _whole(text, proven)
        if new == text:
            new = UTF8_DETECTOR_RE.sub(piece, text)
            in_spans = in_spans or new != text
        if new == text:
            return text, in_spans
        text = new


@lru_cache(maxsize=4)
def _bad(text: str) -> bool:
    """Say whether the heuristic doubts a text. The last are remembered: what is clean is asked of again and again."""
    from ftfy.badness import is_bad

    return bool(is_bad(text))


def _whole(text: str, proven: bool) -> str:
    from ftfy import fix_encoding_and_explain

    if not _bad(text):
        return text
    fixed, steps = fix_encoding_and_explain(text, _settings(proven))
    if not steps or fixed == text:
        return text
    plan = [(step.action, step.parameter) for step in steps]
    if plan == [("encode", "latin-1"), ("decode", "windows-1252")]:
        return text  # single C1 characters: another rule's
    if proven and not _leads_back(text, fixed, plan):
        return text
    return text if any(map(_unlikely, set(fixed) - set(text))) else str(fixed)


def _unlikely(sign: str) -> bool:
    """Say whether nobody wrote a character: no character at all, for private use, or N'Ko, which is `ß` and a sign."""
    return "\u07c0" <= sign <= "\u07ff" or unicodedata.category(sign) in ("Cn", "Co")


def _leads_back(text: str, fixed: str, plan: list[tuple[str, str]]) -> bool:
    for decoded, encoded in zip(reversed(plan[1::2]), reversed(plan[::2]), strict=False):
        if decoded[0] != "decode" or encoded[0] != "encode":
            return False
        try:
            fixed = fixed.encode(decoded[1]).decode(encoded[1])
        except UnicodeError:
            return False
    return len(plan) % 2 == 0 and fixed == text
