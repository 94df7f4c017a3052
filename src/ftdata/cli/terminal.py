"""What people see: every value passes `safe`, data goes to stdout, all else to stderr, progress only where it helps."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import textwrap
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ftdata.wording import safe

if TYPE_CHECKING:
    from ftdata.flow import Progress


def line(text: str = "", **style: Any) -> None:
    """Print one line for people, on stderr."""
    click.secho(safe(text), err=True, color=_colour(), **style)


def data(text: str) -> None:
    """Print one line of data, on stdout."""
    click.echo(safe(text), color=False)


def as_json(value: Any) -> None:
    """Print a value as JSON on stdout, ASCII only: exact, and inert in any terminal."""
    click.echo(json.dumps(value, indent=1, default=str))


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def prose(text: str, hang: int = 4, **style: Any) -> None:
    """Print a sentence for people, on stderr; on a terminal broken between words, later lines set in by `hang`."""
    for part in _broken(safe(text), hang):
        line(part, **style)


def _broken(text: str, hang: int) -> list[str]:
    room = width() if sys.stderr.isatty() else 0
    if len(text) <= room - 1 or room - hang < 30:
        return [text]
    return textwrap.wrap(text, room - 1, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False)


def table(rows: Sequence[Sequence[Any]], right: Sequence[int] = (), out: Any = line) -> None:
    """Print rows in aligned columns; those in `right` are aligned to the right.

    On stderr that is a terminal, a last column that is too long for the line goes on below itself.
    """
    texts = [[safe(cell).replace("\n", " ") for cell in row] for row in rows]
    columns = range(max(map(len, texts), default=0))
    widths = [max((len(row[c]) for row in texts if c < len(row)), default=0) for c in columns]
    for row in texts:
        cells = [cell.rjust(widths[c]) if c in right else cell.ljust(widths[c]) for c, cell in enumerate(row)]
        made = "  ".join(cells).rstrip()
        for part in _broken(made, sum(widths[: len(row) - 1]) + 2 * (len(row) - 1)) if out is line else [made]:
            out(part)


def complain(error: Exception) -> None:
    """Print an error: a line each, `Error:` before the first; addresses, numbers and keys in it are scrubbed."""
    from ftdata.transforms.pii import scrub

    first, *rest = scrub(safe(error)).split("\n")
    line(f"Error: {first}", fg="red")
    for more in rest:
        line(f"       {more}", fg="red")


def report_bug(error: Exception) -> None:
    """Print an internal error without any data: its class, its place, and an id to report it by."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in reversed(frames[-4:]))
    number = hashlib.sha256(f"{type(error).__name__} {place}".encode()).hexdigest()[:8]
    line(f"Error: this is a bug in ftdata ({type(error).__name__} at {place}); report it as {number}", fg="red")


class Bar:
    """Progress on stderr: a live line on a terminal, one line every 30 s elsewhere, nothing with `quiet`."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.began = self.last = time.monotonic()
        self.shown = False

    def __call__(self, progress: Progress) -> None:
        """Show where the run stands."""
        now = time.monotonic()
        if self.quiet or now - self.last < (0.1 if self.live else 30):
            return
        self.last = now
        if self.live:
            self.shown = True
            click.echo("\r\x1b[2K" + safe(self._text(progress, now))[: width() - 1], nl=False, err=True)
        else:
            line(self._text(progress, now))

    def _text(self, p: Progress, now: float) -> str:
        passed = max(now - self.began, 1e-6)
        parts = [p.doing, f"{p.rows:,} rows", f"{p.dropped:,} dropped"]
        if p.bytes_total and p.bytes_read < p.bytes_total:
            share = p.bytes_read / p.bytes_total
            parts.insert(1, f"{share:4.0%}")
            parts.append(f"{p.bytes_read / passed / 1e6:,.0f} MB/s")
            if share > 0.02:
                parts.append(f"{passed / share - passed:,.0f} s left")
        return "  ".join(parts)

    def done(self) -> None:
        """Wipe the live line."""
        if self.shown:
            click.echo("\r\x1b[2K", nl=False, err=True)
            self.shown = False


def width(handle: int = 2) -> int:
    """Give the columns of the terminal on stderr (or stdout: 1), or what COLUMNS says; 100 where there is none."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated):
        return int(stated)
    try:
        return os.get_terminal_size(handle).columns
    except OSError:
        return 100
