"""Tell what all rows of a block are known to be by its bytes alone, without parsing one of them.

Most files are written by a program: every row has its keys in one order, with one spacing. A block of such lines is
nothing but these pieces, and the texts between them:

    {"messages": [ {"role": "user", "content": " text "}, {"role": "assistant", "content": " text "}]} LF {"messages": …

That is proved by comparing and counting. The heads of messages are found by their first bytes and compared whole, with
what stands before each: the end of a message, and at times that of a row. What lies between these pieces are the texts.
If the quotes of the block that no backslash escapes are exactly those of the pieces, its control characters exactly
the line feeds, every backslash begins an escape, and the bytes are UTF-8, then each text is a string of JSON. A block
that is written otherwise is not refused: the decoders of `ftdata.targets.plain` are asked about it.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from ftdata.targets.rules import ALTERNATING, ONE_EXCHANGE, PLAIN, UNPAIRED, WEIGHTLESS, WITHOUT_SYSTEM
from ftdata.targets.words import WORDS

_Array = np.ndarray[Any, Any]
_BEFORE, _AFTER = 24, 40  # the bytes around the brace of a message that are compared
_QUOTE, _BRACE, _SLASH, _SPACE, _NUMBERED = b'"{\\ u'
_SYSTEM, _USER, _ASSISTANT = range(3)


class Known(NamedTuple):
    """How many rows a block has, and what every one of them is known to be (see `ftdata.targets.plain`)."""

    rows: int
    traits: int


class _Style:
    """The pieces that rows of a layout are made of, with one spacing; as numbers of eight bytes where compared so."""

    def __init__(self, rows: str, who: str, what: str, words: tuple[str, ...], space: str) -> None:
        self.opening = f'{{"{rows}":{space}['.encode()
        self.heads = [f'{{"{who}":{space}"{word}",{space}"{what}":{space}"'.encode() for word in words]
        self.between = f'"}},{space}'.encode()
        self.ending = b'"}]}'
        self.turn = self.ending + b"\n" + self.opening
        self.lengths = np.array([len(head) for head in self.heads])
        self.first, self.new = _number(self.heads[0][1:3]), _number(self.turn[-8:])
        self.user, self.assistant = (_number(head[8:16]) for head in self.heads[1:])
        around = [
            before[-_BEFORE:].rjust(_BEFORE, b"\0") + head.ljust(_AFTER, b"\0")
            for before in (self.between, self.turn)
            for head in self.heads
        ]
        self.pieces = np.frombuffer(b"".join(around), "<u8").reshape(len(around), -1)
        masks = b"".join(around).translate(bytes([0] + [255] * 255))
        self.masks = np.frombuffer(masks, "<u8").reshape(len(around), -1)


def _number(piece: bytes) -> Any:
    return np.frombuffer(piece, f"<u{len(piece)}")[0]


# The key of the rows, those of who speaks and of what is said. Their words name the system, the user, the assistant.
_KEYS = {
    "openai-chat": ("messages", "role", "content"),
    "cohere": ("messages", "role", "content"),
    "sharegpt": ("conversations", "from", "value"),
}
_STYLES = {
    layout: [_Style(*keys, tuple(WORDS[layout]), space) for space in (" ", "")] for layout, keys in _KEYS.items()
}


def skim(block: bytes, layout: str) -> Known | None:
    """Tell how many rows a block of lines has, and what all are known to be; None if it is written in another way."""
    for style in _STYLES.get(layout, ()):
        if block.startswith(style.opening) and block.endswith(style.ending):
            return _skimmed(block, style)
    return None


def _skimmed(block: bytes, style: _Style) -> Known | None:
    data = np.frombuffer(block, np.uint8)
    at = _braces(data)
    at = at[: np.searchsorted(at, len(block) - 8)]
    at = at[np.ndarray((len(block) - 2,), "<u2", block, 1, (1,))[at] == style.first]
    if len(at) < 3 or at[0] != len(style.opening):
        return None
    # The first message and the last one stand too near to the ends for the comparison of the others.
    inner = at[1:-1]
    windows = np.ndarray((len(block) - _BEFORE - _AFTER,), f"V{_BEFORE + _AFTER}", block, 0, (1,))
    if inner[0] < _BEFORE or inner[-1] - _BEFORE >= len(windows):
        return None
    around = windows[inner - _BEFORE].view("<u8").reshape(len(inner), -1)
    new = around[:, _BEFORE // 8 - 1] == style.new
    role = np.ascontiguousarray(around[:, _BEFORE // 8 + 1])
    speakers = (role == style.user) * np.uint8(_USER) + (role == style.assistant) * np.uint8(_ASSISTANT)
    kinds = (speakers + new * np.uint8(3)).astype(np.intp)
    around ^= style.pieces.take(kinds, axis=0)
    around &= style.masks.take(kinds, axis=0)
    opens, closes = _speaker(block, int(at[0]), style), _speaker(block, int(at[-1]), style)
    if around.any() or opens is None or closes is None:
        return None
    before = style.turn if block.endswith(style.turn, 0, at[-1]) else style.between
    if not block.endswith(before, 0, at[-1]):
        return None
    speakers = np.concatenate(([opens], speakers, [closes]))
    new = np.concatenate(([True], new, [before is style.turn]))
    starts = at + style.lengths[speakers]
    ends = at - np.where(new, len(style.turn), len(style.between))
    ends = np.append(ends[1:], len(block) - len(style.ending))
    firsts = np.flatnonzero(new)
    quotes, feeds = 8 * len(at) + 2 * len(firsts), len(firsts) - 1
    if not (ends > starts).all() or not _are_texts(block, data, starts, ends, quotes, feeds):
        return None
    return Known(len(firsts), _traits(speakers, new, firsts))


_PLACES, _LAST = np.uint64(0x0001020304050607), np.uint64(56)


def _braces(data: _Array) -> _Array:
    """Give the places of opening braces, looked for in eight bytes at a time: two so near are not told apart."""
    whole = len(data) & ~7
    eights = (data[:whole] == _BRACE).view("<u8")
    found = np.flatnonzero(eights != 0)
    rest = np.flatnonzero(data[whole:] == _BRACE) + whole
    return np.concatenate((found * 8 + ((eights[found] * _PLACES >> _LAST).view("<i8") & 7), rest))


def _speaker(block: bytes, at: int, style: _Style) -> int | None:
    return next((number for number, head in enumerate(style.heads) if block.startswith(head, at)), None)


# --- texts ------------------------------------------------------------------------------------------------------------

# Something behind white space; characters by number are only read where no white space is (U+0000 to U+002F, U+0080 …).
_SAYS = re.compile(rb'(?: |\\[nrt])*+(?:[^ \\]|\\["\\/bf]|\\u(?!00[0-289aA]|16|20|30))')
_ESCAPED = np.zeros(256, bool)
_ESCAPED[list(b'"\\/bfnrtu')] = True
_NO_DIGIT = 16
_DIGITS = np.full(256, _NO_DIGIT, np.uint8)
for _digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
    _DIGITS[list(_digits)] = range(_NO_DIGIT)


def _are_texts(block: bytes, data: _Array, starts: _Array, ends: _Array, quotes: int, feeds: int) -> bool:
    """Say whether what lies between the places are strings of JSON that are not blank.

    `quotes` and `feeds` are those of the pieces around them; a piece has no backslash.
    """
    first = data[starts]
    for text in np.flatnonzero((first == _SPACE) | (first == _SLASH)):
        if _SAYS.match(block, starts[text], ends[text]) is None:
            return False
    if b"\\" in block:
        slashes = np.flatnonzero(data == _SLASH)
        place = np.arange(len(slashes))
        begins = np.diff(slashes, prepend=-2) != 1
        # Of some that follow each other, the first escapes the second.
        escapes = slashes[(place - np.maximum.accumulate(np.where(begins, place, 0))) % 2 == 0]
        escaped = data[escapes + 1]
        last = ends[data[ends - 1] == _SLASH] - 1  # one that escapes the quote that is to end the text
        if (
            not _ESCAPED[escaped].all()
            or (np.searchsorted(escapes, last, "right") > np.searchsorted(escapes, last)).any()
        ):
            return False
        if not _are_characters(data, escapes[escaped == _NUMBERED]):
            return False
        quotes += int(np.count_nonzero(escaped == _QUOTE))
    if np.count_nonzero(data == _QUOTE) != quotes or np.count_nonzero(data < _SPACE) != feeds:
        return False
    if not block.isascii():
        try:
            block.decode()
        except UnicodeDecodeError:
            return False
    return True


def _are_characters(data: _Array, at: _Array) -> bool:
    """Say whether four hexadecimal digits stand behind each of these `\\u`, and halves of a pair only in pairs."""
    if not len(at):
        return True
    if at[-1] + 5 >= len(data):
        return False
    digits = [_DIGITS[data[at + offset]] for offset in range(2, 6)]
    if any((digit == _NO_DIGIT).any() for digit in digits):
        return False
    half, second = digits[0] == 0xD, digits[1]
    return np.array_equal(at[half & (second >= 0x8) & (second < 0xC)] + 6, at[half & (second >= 0xC)])


# --- who speaks -------------------------------------------------------------------------------------------------------

# By who spoke before (three: nobody, the row begins) and who speaks: the system opens, the user speaks after it, after
# an answer or first, an answer follows the user.
_IN_TURN = np.zeros((4, 3), bool)
_IN_TURN[[3, 3, _SYSTEM, _ASSISTANT, _USER], [_SYSTEM, _USER, _USER, _USER, _ASSISTANT]] = True


def _traits(speakers: _Array, new: _Array, firsts: _Array) -> int:
    """Tell what every row is by who speaks in it; `new`: whether the message opens a row, `firsts`: which ones do."""
    if not (speakers[firsts[1:] - 1] == _ASSISTANT).all() or speakers[-1] != _ASSISTANT:
        return 0
    counts = np.bincount(speakers, minlength=3)
    known = PLAIN | UNPAIRED | WEIGHTLESS | (WITHOUT_SYSTEM if not counts[_SYSTEM] else 0)
    before = np.concatenate((speakers[:1], speakers[:-1]))
    before[new] = 3
    if _IN_TURN.ravel().take(before * 3 + speakers).all():
        return known | ALTERNATING | (ONE_EXCHANGE if counts[_USER] == len(firsts) else 0)
    heard = np.add.reduceat(speakers == _USER, firsts, dtype=np.int64)
    return known if heard.all() else 0
