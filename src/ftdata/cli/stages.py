"""`ftdata stages`."""

from __future__ import annotations

import click


@click.command("stages")
@click.argument("name", required=False)
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(name: str | None, json: bool) -> None:
    """List all stages, or tell the fields of one."""
    import inspect

    from ftdata import hooks
    from ftdata.cli.terminal import as_json, data, line, table
    from ftdata.errors import RecipeError
    from ftdata.stages import KINDS

    entries, faults = hooks.offered()
    everything = [*hooks.builtin(), *entries]
    order = [kind.kind for kind in KINDS]
    everything.sort(key=lambda e: (order.index(e.stage.kind), e.origin != "ftdata", e.stage.name))
    if name is not None:
        chosen = [entry for entry in everything if entry.stage.name == name]
        if not chosen:
            try:
                hooks.find(order, name)
            except LookupError as error:
                raise RecipeError(str(error)) from None
        everything = chosen
    if json:
        as_json(
            [
                {
                    "kind": entry.stage.kind,
                    "name": entry.stage.name,
                    "from": entry.origin,
                    "purpose": _purpose(entry.stage),
                    "fields": entry.stage.model_json_schema(by_alias=True) if name else list(entry.stage.model_fields),
                }
                for entry in everything
            ]
        )
    elif name is None:
        table([(e.stage.kind, e.stage.name, e.origin, _purpose(e.stage)) for e in everything], out=data)
    else:
        for entry in everything:
            data(f"{entry.stage.kind} {entry.stage.name}  (from {entry.origin} {entry.version})")
            data(inspect.getdoc(entry.stage) or "")
            data("")
            table(
                [
                    (info.alias or field, _default(info), info.description or "")
                    for field, info in entry.stage.model_fields.items()
                ],
                out=data,
            )
            data("")
    for fault in faults:
        line(f"warning: {fault}", fg="yellow")


def _purpose(stage: type) -> str:
    import inspect

    return (inspect.getdoc(stage) or "").split("\n")[0]


def _default(info: object) -> str:
    if info.is_required():  # type: ignore[attr-defined]
        return "(required)"
    value = info.get_default(call_default_factory=True)  # type: ignore[attr-defined]
    return "" if value is None else repr(value)
