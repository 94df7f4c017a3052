"""Characters that nobody typed: lost, control, invisible and direction characters. All of it in linear time."""

from __future__ import annotations

import re

ODD = (
    r"[\x{00}-\x{08}\x{0B}\x{0E}-\x{1F}\x{7F}-\x{84}\x{86}-\x{9F}\x{AD}\x{061C}\x{115F}\x{1160}\x{180E}\x{200B}-\x{200F}"
    r"\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{FE00}-\x{FE0F}\x{FDD0}-\x{FDEF}\x{FEFF}\x{FFA0}\x{FFF9}-\x{FFFB}"
    r"\x{FFFD}-\x{FFFF}\x{E0000}-\x{E0FFF}]"
)
"""Matches every text in which one of these rules may find something."""

# --- control characters -----------------------------------------------------------------------------------------------

# C0 and C1 (ISO/IEC 6429) but tab, line feed, form feed, carriage return and next line; non-characters (Unicode 23.7).
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_C1 = re.compile("[\x80-\x9f]")
# ECMA-48: control sequences (colours, cursor), and titles of windows.
_ESCAPED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])")
_COLOUR = re.compile("\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?")  # mIRC


def controlled(text: str) -> bool:
    """Say whether a text holds a control character other than white space."""
    return _CONTROL.search(text) is not None


def of_c1(text: str) -> bool:
    """Say whether a text holds a control character of C1: its code is a byte of UTF-8, too."""
    return _C1.search(text) is not None


def without_controls(text: str) -> str:
    """Take control characters and terminal sequences out; what is C1 and means a sign in Windows-1252 becomes it."""
    text = _COLOUR.sub("", _ESCAPED.sub("", text))
    return _CONTROL.sub(_as_windows, text)


def _as_windows(match: re.Match[str]) -> str:
    code = ord(match[0])
    if not 0x80 <= code <= 0x9F:
        return ""
    try:
        return bytes([code]).decode("windows-1252")
    except UnicodeDecodeError:
        return ""


# --- direction --------------------------------------------------------------------------------------------------------

# Unicode Standard Annex 9: embeddings, overrides and isolates. Boucher and Anderson 2021, "Trojan Source"
# (CVE-2021-42574): what reorders text is an override, or a control that the end of the line leaves open.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERRIDE = re.compile("[\u202d\u202e]")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdfc\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")


def reordered(text: str) -> bool:
    """Say whether direction controls may show a text in another order than it has."""
    if not _DIRECTION.search(text):
        return False
    return _OVERRIDE.search(text) is not None or not all(map(_closed, re.split("[\n\r\u2029\x85]", text)))


def _closed(line: str) -> bool:
    """Say whether each embedding and isolate of a line is closed by its own end, in order."""
    opened: list[str] = []
    for sign in _DIRECTION.findall(line):
        if sign in "\u202c\u2069":
            if not opened or (sign == "\u2069") != (opened[-1] in "\u2066\u2067\u2068"):
                return False
            opened.pop()
        else:
            opened.append(sign)
    return not opened


def without_reordering(text: str) -> str:
    """Take the direction controls out of a text that they may reorder; the order stored is the one meant."""
    return _DIRECTION.sub("", text) if reordered(text) else text


# --- invisible characters ---------------------------------------------------------------------------------------------

_HIDDEN = (
    "\xad\u061c\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\u3164\uffa0"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff\u115f\u1160"
)
_RUN = re.compile(f"[{_HIDDEN}]+")
_MANY_VARIANTS = re.compile("([\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f")
# The scripts that need a (non-)joiner: Arabic, Syriac, Thaana, N'Ko and their like, the Indic ones, Tibetan, Myanmar,
# Khmer, Mongolian, Balinese, Javanese (Unicode 9.2, 12.1, 13.4); and those written without blanks between words.
_JOINS = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1b00-\u1b7f\ua840-\ua87f\ua980-\ua9df"
    "\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff]"
).match
_UNSPACED = re.compile("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u19e0-\u19ff\u1a20-\u1aaf\ua980-\ua9df\uaa60-\uaaff]")
_PICTURE = re.compile("[\u00a9\u00ae\u2010-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff]").match
_MONGOLIAN = re.compile("[\u1800-\u18af]").match
_HANGUL = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]").match


def hidden(text: str) -> bool:
    """Say whether a text holds characters that show nothing and that its script has no use for."""
    return without_hidden(text) != text


def without_hidden(text: str) -> str:
    """Take out what shows nothing: zero-width characters, soft hyphens, tags, fillers, marks without right-to-left.

    Kept are joiners in emoji and in the scripts that need them, zero-width spaces where Thai, Lao, Khmer, Burmese or
    Tibetan stands in the text, direction marks where a right-to-left letter does, and flags spelt in tags.
    """
    text = _MANY_VARIANTS.sub(r"\1", text)
    flags = {match.start() + 1 for match in _FLAG.finditer(text)}
    directed, unspaced = _RTL.search(text) is not None, _UNSPACED.search(text) is not None
    if not directed:
        text = _DIRECTION.sub("", text)

    def kept(match: re.Match[str]) -> str:
        start, end = match.span()
        run: str = match[0]
        if start in flags:
            return run
        before, after = text[start - 1 : start], text[end : end + 1]
        if directed and any(sign in "\u200e\u200f\u061c" for sign in run):
            return next(sign for sign in run if sign in "\u200e\u200f\u061c")
        if unspaced and not run.strip("\u200b"):
            return run
        for sign in run:
            if sign == "\u200d" and before and after and _PICTURE(before) and _PICTURE(after):
                return sign
            if sign in "\u200c\u200d" and ((before and _JOINS(before)) or (after and _JOINS(after))):
                return sign
            if sign == "\u200b" and unspaced:
                return sign
            if sign == "\u180e" and before and _MONGOLIAN(before):
                return sign
            if sign in "\u115f\u1160" and ((before and _HANGUL(before)) or (after and _HANGUL(after))):
                return sign
        return ""

    return _RUN.sub(kept, text)
