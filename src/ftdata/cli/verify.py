"""`ftdata verify`."""

from __future__ import annotations

import click


@click.command("verify")
@click.argument("run", metavar="RUN")
@click.option("--json", "json", is_flag=True, help="Print the problems as JSON on stdout.")
def command(run: str, json: bool) -> None:
    """Check that the outputs are still what the run wrote.

    Hashes, files lost or added, lines against the ledger. RUN as in `ftdata show`. Exit codes: 0 whole, 1 not.
    """
    from dataclasses import asdict

    from ftdata import runs
    from ftdata.cli.terminal import as_json, data, line

    record = runs.find(run)
    problems = runs.verify(record)
    line(f"record: {record.folder}")
    if json:
        as_json([asdict(problem) for problem in problems])
    for problem in () if json else problems:
        data(f"{problem.path}  {problem.code}  {problem.message}")
    if problems:
        raise SystemExit(1)
    manifest = runs.latest(record)
    line(f"{len(manifest.outputs)} outputs, {manifest.written:,} rows: all as the run wrote them", fg="green")
