"""`ftdata head`."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ftdata.conversation import Conversation


@click.command("head")
@click.argument("what", metavar="RUN|FILE")
@click.option("-n", "count", metavar="N", type=click.IntRange(1), default=5, show_default=True, help="Rows to show.")
@click.option("--row", metavar="N", type=click.IntRange(1), help="Show only the row with this number, from 1.")
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--json", "json", is_flag=True, help="Print the rows as JSON on stdout.")
def command(what: str, count: int, row: int | None, encoding: str | None, json: bool) -> None:
    """Show the first conversations of a file or run.

    FILE in any layout that `ftdata sniff` knows, or a folder of data files; of a RUN (as in `ftdata show`) what its
    first writer wrote. Rows that cannot be read are counted and left out.
    """
    from ftdata.cli.terminal import as_json, data
    from ftdata.rows import first
    from ftdata.sniff import spooled

    with spooled(what) as path:
        rows = first(path, count, row, encoding)
    if json:
        as_json([one.model_dump(mode="json") for one in rows])
        return
    for place, one in enumerate(rows):
        if place:
            data("")
        show(one)


_COLOURS = {"system": "magenta", "developer": "magenta", "user": "cyan", "assistant": "green", "tool": "yellow"}


def show(row: Conversation) -> None:
    """Print one conversation: who speaks in words and colour, what is said set in below, wrapped on a terminal."""
    from ftdata.cli.terminal import data
    from ftdata.report.page import turns

    told = [row.id, f"(row {row.row})", *([f"[{row.split}]"] if row.split else []), *row.flags]
    _styled("  ".join(told), bold=True, underline=True)
    for turn in turns(row):
        _styled(turn["label"], fg=_COLOURS.get(turn["role"]), bold=True)
        for text in _wrapped(turn["text"]):
            data(f"  {text}")


def _styled(text: str, **style: Any) -> None:
    from ftdata.wording import safe

    click.secho(safe(text).replace("\n", " "), color=False if os.environ.get("NO_COLOR") else None, **style)


def _wrapped(text: str) -> list[str]:
    """Break a text between words where stdout is a terminal; its own line breaks stay, and so does a piped text."""
    from ftdata.cli.terminal import width
    from ftdata.wording import safe

    lines = safe(text).split("\n")
    if not sys.stdout.isatty():
        return lines
    room = max(20, min(width(1), 100) - 3)
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, room, replace_whitespace=False, expand_tabs=False) or [""]
    ]
