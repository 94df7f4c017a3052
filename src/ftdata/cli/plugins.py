"""`ftdata plugins`, `ftdata plugins check`, `ftdata plugins new`."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("plugins", invoke_without_command=True)
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
@click.pass_context
def command(context: click.Context, json: bool) -> None:
    """List the installed plugins, from their metadata, importing none."""
    if context.invoked_subcommand is not None:
        return
    from ftdata import hooks
    from ftdata.cli.terminal import as_json, data, line, table

    found = hooks.plugins()
    if json:
        as_json([{"name": p.name, "distribution": p.distribution, "version": p.version} for p in found])
        return
    table([(p.name, p.distribution, p.version, p.point.value) for p in found], out=data)
    if not found:
        line("no plugins are installed, or FTDATA_PLUGINS shuts them out")


@command.command("check")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def check(json: bool) -> None:
    """Import each plugin and say what it offers, or what is wrong.

    Exit codes: 0 all is well, 5 a plugin cannot be loaded, or two offer the same stage.
    """
    from ftdata import hooks
    from ftdata.cli.terminal import as_json, data, line, table

    entries, faults = hooks.offered()
    if json:
        offers = [
            {"plugin": entry.origin, "version": entry.version, "kind": entry.stage.kind, "name": entry.stage.name}
            for entry in entries
        ]
        as_json({"offers": offers, "faults": [str(fault) for fault in faults]})
    else:
        table([(e.origin, e.version, e.stage.kind, e.stage.name) for e in entries], out=data)
        if not entries and not faults:
            line("no plugins are installed, or FTDATA_PLUGINS shuts them out")
    for fault in faults:
        line(str(fault), fg="red")
    if faults:
        raise SystemExit(5)


@command.command("new")
@click.argument("name")
@click.option(
    "--into", type=click.Path(path_type=Path), default=Path(), help="Folder to write the package into; here by default."
)
def new(name: str, into: Path) -> None:
    """Write a small plugin package, with tests, to start from."""
    from ftdata import plugin_template
    from ftdata.cli.terminal import data, line

    data(str(plugin_template.new(name, into)))
    line('next: pip install -e ".[test]" in that folder, and pytest')
