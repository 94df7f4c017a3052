"""`ftdata plugins`."""

from __future__ import annotations

import click


@click.command("plugins")
@click.option("--check", "check", is_flag=True, help="Import each plugin and say what it offers, or what is wrong.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(check: bool, json: bool) -> None:
    """List the installed plugins, from their metadata, importing none."""
    from ftdata import hooks
    from ftdata.cli.terminal import as_json, data, line, table

    found = hooks.plugins()
    if json:
        as_json([{"name": p.name, "distribution": p.distribution, "version": p.version} for p in found])
    else:
        table([(p.name, p.distribution, p.version, p.point.value) for p in found], out=data)
        if not found:
            line("no plugins are installed")
    if check:
        entries, faults = hooks.offered()
        for entry in entries:
            line(f"{entry.origin}: {entry.stage.kind} {entry.stage.name}")
        for fault in faults:
            line(str(fault), fg="red")
        if faults:
            raise SystemExit(5)
