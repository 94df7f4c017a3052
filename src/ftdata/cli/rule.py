"""`ftdata rule`."""

from __future__ import annotations

import click


@click.command("rule")
@click.argument("code")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(code: str, json: bool) -> None:
    """Explain a rule of a target: what it wants, and how it is known.

    \b
    ftdata rule openai-last-message
    """
    from ftdata.cli.terminal import as_json, data, table
    from ftdata.findings.explained import explained

    rule = explained(code)
    if json:
        as_json(rule.as_json())
        return
    data(f"{rule.code}  ({rule.level}, target {rule.target})")
    data("")
    table([(f"{name}:", value) for name, value in rule.told()], out=data)
    if rule.wrong is not None:
        data("")
        data("breaks it:")
        data(f"  {rule.wrong}")
        data("after --fix:" if rule.right is not None else "after --fix: the row is dropped, or stays as it is")
        if rule.right is not None:
            data(f"  {rule.right}")
    elif rule.file_only:
        data("")
        data("It is a rule about the whole file, so no single row shows it.")
