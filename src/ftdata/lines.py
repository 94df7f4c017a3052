"""Cut a stream of bytes into lines, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ftdata.records import Lines

_FEED = ord("\n")


def cut_lines(pieces: Iterator[bytes], row: int, most: Callable[[], int]) -> Iterator[Lines]:
    """Give the lines in blocks about as large as the pieces, unnumbered. They end with LF; a CR before it is cut.

    A line of more than `row` bytes stands alone, empty, as `row-too-large`; so does one that did not end
    within `most` (which may shrink while the stream is read).
    """
    held: list[bytes] = []
    size, line, skipping = 0, 1, False
    for piece in pieces:
        cut = piece.rfind(b"\n")
        if cut < 0 or skipping or size + piece.find(b"\n") > row:
            if cut < 0:
                held.append(piece)
                size += len(piece)
                if size > most():
                    skipping, held = True, []
                continue
            # The end of a line that is too large: it stands alone.
            yield Lines(0, line, b"", 1, "row-too-large")
            skipping, held, line = False, [], line + 1
            piece = piece[piece.find(b"\n") + 1 :]
            cut = piece.rfind(b"\n")
            if cut < 0:
                held, size = [piece], len(piece)
                continue
        block = b"".join([*held, memoryview(piece)[:cut]])  # one copy
        held, size = [piece[cut + 1 :]], len(piece) - cut - 1
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
        lines = Lines(0, line, block, 1)
        lines.count += int(np.count_nonzero(np.frombuffer(block, np.uint8) == _FEED))  # faster than `ends`
        line += lines.count
        yield lines
    if skipping:
        yield Lines(0, line, b"", 1, "row-too-large")
    elif any(held):
        yield Lines(0, line, b"".join(held).removesuffix(b"\r"), 1)
