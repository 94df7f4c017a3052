"""`ftdata init`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("source", metavar="FILE")
@click.option(
    "-o", "--out", metavar="RECIPE", help="Recipe to write; `-` is stdout; default: <FILE's name>.toml, here."
)
@click.option("--from", "reader", metavar="READER", help="Read FILE as this format instead of guessing.")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="Set a field of the reader; may be repeated.")
@click.option("--overwrite", is_flag=True, help="Replace a recipe that stands there.")
def command(source: str, out: str | None, reader: str | None, pairs: tuple[str, ...], overwrite: bool) -> None:
    """Draft a commented recipe for an export or training file.

    The columns found are stated, and the steps tried on the first records. Exit codes: 0 drafted, 3 FILE is unknown or
    refused, 4 RECIPE exists.
    """
    from ftdata import drafting
    from ftdata.cli.terminal import data, line
    from ftdata.sniff import settings

    recipe = drafting.recipe_for(source) if out in (None, "-") else Path(str(out))
    text = drafting.draft(source, recipe, reader=reader, fields=settings(pairs))
    if out == "-":
        data(text.rstrip("\n"))
        return
    drafting.save(recipe, text, overwrite=overwrite, source=source)
    data(str(recipe))
    line(f"read it, then look at a few rows: ftdata run {recipe} --sample 5")
