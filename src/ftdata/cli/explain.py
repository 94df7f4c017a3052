"""`ftdata explain`."""

from __future__ import annotations

import click


@click.command("explain")
@click.argument("run", metavar="RUN")
@click.argument("what", metavar="ID|FILE:LINE")
@click.option(
    "--show-values",
    is_flag=True,
    help="Show the texts too: as they were read and as they were written, and how conflicting answers differ.",
)
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(run: str, what: str, show_values: bool, json: bool) -> None:
    """Tell the life of a row: its records, each step, its end.

    RUN as in `ftdata show`. The row: an id such as `tickets.csv#42`, or FILE:LINE of an input or of an output.
    """
    from dataclasses import asdict

    from ftdata import runs
    from ftdata.cli.run import show_conversations
    from ftdata.cli.terminal import as_json, data, line
    from ftdata.explain import explain

    record = runs.find(run)
    lives = explain(record, what, show_values=show_values)
    line(f"record: {record.folder}")
    if json:
        as_json([{**asdict(life), "read": life.read and life.read.model_dump(mode="json")} for life in lives])
        return
    for life in lives:
        data(f"{life.id}  (row {life.row})")
        data(f"  from     {', '.join(life.records)}")
        for event in life.events:
            told = [event.event.ljust(8), event.stage]
            if event.reason:
                told.append(event.reason)
            if event.note:
                told.append(f"({event.note}" + (f" = {event.twin})" if event.twin else ")"))
            if event.output:
                told.append(f"{event.output}:{event.line}")
            data("  " + "  ".join(told))
        if life.read is not None:
            data("  as read:")
            show_conversations([life.read])
        for difference in life.differs:
            other = f"row {difference.row} = {difference.id}"
            data(f"  {difference.stage}: answer differs from {other}, J {difference.similarity:.4f} (- there, + here)")
            for sign, text in difference.words:
                data(f"    {sign} {text}")
        for text in life.written:
            data(f"  as written: {text}")
