"""`ftdata show`."""

from __future__ import annotations

import click


@click.command("show")
@click.argument("run", metavar="RUN")
@click.option("--json", "json", is_flag=True, help="Print the manifest as JSON on stdout.")
def command(run: str, json: bool) -> None:
    """Show the table of a run.

    RUN is a recipe, an output file or folder, a `run.json`, or the name of a run.
    """
    from ftdata import runs
    from ftdata.cli.summary import summarise
    from ftdata.cli.terminal import as_json, line

    record = runs.find(run)
    manifest = runs.latest(record)
    if json:
        as_json(manifest.model_dump(mode="json"))
        return
    line(f"record: {record.folder}  ({manifest.finished})")
    summarise(manifest, record)
    later = runs.attempt(record)
    if later is not None:
        line(f"a later run published nothing: {later.status}: {later.error} ({later.finished})", fg="yellow")
