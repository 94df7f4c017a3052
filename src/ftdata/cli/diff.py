"""`ftdata diff`."""

from __future__ import annotations

import click


@click.command("diff")
@click.argument("before", metavar="RUN_A")
@click.argument("after", metavar="RUN_B")
@click.option(
    "--most", metavar="N", type=click.IntRange(0), default=0, help="List the ids of N rows of each group; 0, none."
)
@click.option("--json", "json", is_flag=True, help="Print all of it as JSON on stdout.")
def command(before: str, after: str, most: int, json: bool) -> None:
    """Compare two runs: which rows differ, and by which setting.

    RUN as in `ftdata show`. Rows are the same if their id is, `tickets.csv#42`. Both runs must have left a record: give
    them different names or outputs. No text of any row is shown: `ftdata explain RUN ID` tells more.
    """
    from dataclasses import asdict

    from ftdata import runs
    from ftdata.cli.terminal import as_json, data, line
    from ftdata.comparison import compare

    records = [runs.find(run) for run in (before, after)]
    for name, record in zip("AB", records, strict=True):
        line(f"{name}: {record.folder}")
    found = compare(*records)
    if json:
        as_json(asdict(found))
        return
    data(f"rows read     {found.rows[0]:,} → {found.rows[1]:,}")
    data(f"rows written  {found.written[0]:,} → {found.written[1]:,}")
    told = [f"{found.count(what):,} {what}" for what in ("removed", "added", "changed")]
    data(f"              {', '.join(told)}, {found.same:,} the same")
    for title, lines in (
        ("settings", [str(change) for change in found.changes]),
        ("inputs", found.inputs),
        ("versions", found.versions),
    ):
        if lines:
            data(f"\n{title}")
            for text in lines:
                data(f"  {text}")
    for group in found.groups:
        where = f"{group.stage}: {group.reason}" if group.stage and group.reason else group.stage or group.reason
        run = {"removed": "B", "added": "A"}.get(group.what)
        data(f"\n{len(group.ids):,} {group.what}  {f'dropped by {run} at ' if run and group.stage else ''}{where}")
        for cause in group.causes:
            data(f"  because of {cause}")
        for name in group.ids[:most]:
            data(f"    {name}")
        if most and len(group.ids) > most:
            data(f"    and {len(group.ids) - most:,} more")
    if not found.texts:
        line("outputs have changed or are gone: what was written could not be compared, only the ledgers", fg="yellow")
