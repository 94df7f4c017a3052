"""`ftdata audit`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ftdata.audit import Audit, Place


class Share(click.ParamType[float]):
    """A share, as `1%` or `0.01`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        text = str(value).strip().replace(",", ".")
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share < 1:
            self.fail(f"{value!r} is no share; write 1% or 0.01", param, ctx)
        return share


@click.command("audit")
@click.argument("run", metavar="RUN")
@click.option("--at-most", "at_most", type=Share(), default="1%", show_default=True, help="The share to be shown.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, other rows.")
@click.option("--list", "listed", is_flag=True, help="Print the rows of the sample as FILE:LINE and stop.")
@click.option("--json", "json", is_flag=True, help="Print the audit as JSON on stdout and stop.")
def command(run: str, at_most: float, seed: int, listed: bool, json: bool) -> None:
    """Look at a random sample: how many rows still hold personal data?

    On a terminal it shows one row after the other: o it is fine, m it holds personal data, b back, q quit and go on
    another day. Answers are kept in the run's record, by row number only. RUN as in `ftdata show`. Exit codes: 0 the
    share is shown, 1 it is not (or not yet).
    """
    from ftdata import audit as audits
    from ftdata import runs
    from ftdata.cli.terminal import as_json, data, line

    record = runs.find(run)
    audit = audits.begin(record, at_most, seed)
    line(f"record: {record.folder}")
    sample = audit.sample()
    if json:
        places = [{"row": place.number, "file": place.file, "line": place.line} for place in sample]
        as_json({**audit.told(), "places": places, "proved": audit.proved()})
        return
    if listed or not (sys.stdin.isatty() and sys.stdout.isatty()):
        for place in sorted(sample, key=lambda place: place.number):
            data(f"{record.absolute(place.file)}:{place.line}")
        line(f"{len(sample):,} rows to look at; on a terminal `ftdata audit {run}` shows them one by one")
        if audit.looked:
            line(audit.sentence())
        return
    _page(audit, sample)
    line(audit.sentence(), bold=True, fg="green" if audit.proved() else "yellow")
    if left := len(audit.open_places()):
        line(f"{left:,} rows of the sample are left; the same command goes on with them")
    elif not audit.proved():
        line(f"more than {at_most:.2%} cannot be excluded; scrub the marked rows' kind and run again")
    for number in sorted(audit.marked):
        place = audit.place(number)
        line(f"marked: {record.absolute(place.file)}:{place.line}")
    if not audit.proved():
        raise SystemExit(1)


def _page(audit: Audit, sample: list[Place]) -> None:
    """Show the rows that are open, one at a time, and note what is answered."""
    from ftdata.audit import read
    from ftdata.cli.terminal import line

    texts = {place.number: text for place, text in read(audit, audit.open_places())}
    order = [place for place in sample if place.number in texts]
    at = 0
    while at < len(order):
        place = order[at]
        line()
        line(f"--- {at + 1:,} of {len(order):,}  {place.file}:{place.line}  ({len(audit.marked):,} marked)", bold=True)
        _show(texts[place.number])
        line("[o] fine  [m] holds personal data  [b] back  [q] quit", dim=True)
        key = _key()
        if key == "q":
            return
        if key == "b":
            at = max(0, at - 1)
            audit.answer(order[at], None)
        elif key in ("o", "m"):
            audit.answer(place, key == "m")
            at += 1


def _key() -> str:
    """Wait for one of the keys."""
    while True:
        try:
            key = click.getchar().lower()
        except (EOFError, KeyboardInterrupt):
            return "q"
        if key in ("o", "m", "b", "q"):
            return key
        if key in ("\x03", "\x04", "\x1b"):
            return "q"


def _show(text: str) -> None:
    """Print a row: its messages if it has such, else its JSON."""
    import json

    from ftdata.cli.terminal import data

    try:
        row = json.loads(text)
    except ValueError:
        row = None
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list):
        data(text)
        return
    for message in messages:
        if not isinstance(message, dict):
            data(json.dumps(message, ensure_ascii=False))
            continue
        said = message.get("content")
        told = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False) if said is not None else ""
        named = f" ({message['name']})" if message.get("name") else ""
        data(f"{message.get('role')}{named}: {told}")
        for key in sorted(message.keys() - {"role", "content", "name", "weight"}):
            if message[key] is not None:
                data(f"  {key}: {json.dumps(message[key], ensure_ascii=False)}")
    for key in row:
        if key != "messages" and row[key] is not None:
            data(f"{key}: {json.dumps(row[key], ensure_ascii=False)}")
