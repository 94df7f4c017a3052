"""`ftdata curve`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("curve")
@click.argument("run", metavar="RUN")
@click.option("--into", metavar="DIR", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option("--overwrite", is_flag=True, help="Replace the files of an earlier call.")
@click.option("--json", "json", is_flag=True, help="Print the files as JSON on stdout.")
def command(run: str, into: Path, overwrite: bool, json: bool) -> None:
    """Write nested subsets of a run's training rows.

    The step `split` chooses them: `curve = [25, 50]`. Train on each, and score all on the same validation rows: if the
    gain from half to all is small, more rows will not help. RUN as in `ftdata show`. Let DIR lie outside the outputs:
    whoever loads their folder would load the subsets too. Exit codes: 0 written, 3 the run made no subsets, 4 a file
    stands there.
    """
    from dataclasses import asdict

    from ftdata import runs
    from ftdata.cli.terminal import as_json, data, line
    from ftdata.selectors.split.curve import lay_out
    from ftdata.wording import counted

    record = runs.find(run)
    line(f"record: {record.folder}")
    made = lay_out(record, into, overwrite=overwrite)
    if json:
        as_json([asdict(one) for one in made])
        return
    for one in made:
        more = f", {counted(one.lines, 'line')}" if one.lines != one.rows else ""
        data(f"{one.percent:>3} %  {counted(one.rows, 'row')}{more}  {one.path}")
