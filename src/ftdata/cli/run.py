"""`ftdata run`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click


def outcome(
    recipe: Any, count: int | None, overwrite: bool, fresh: bool, quiet: bool, json: bool, kept: bool = True
) -> int:
    """Run (or sample) a recipe and print what came of it; give the exit code.

    `kept`: whether the outputs stay where they were written, rather than going to stdout.
    """
    from ftdata import flow
    from ftdata.cli.summary import summarise
    from ftdata.cli.terminal import Bar, as_json, line

    for warning in recipe.warnings:
        if not quiet:
            line(warning, fg="yellow")
    bar = Bar(quiet)
    try:
        if count is not None:
            manifest, rows = flow.sample(recipe, count, bar)
        else:
            manifest, rows = flow.run(recipe, overwrite=overwrite, fresh=fresh, watch=bar), []
    finally:
        bar.done()
    record = None if count is not None else flow.record_of(recipe)
    if json:
        as_json({"manifest": manifest.model_dump(mode="json"), "sample": [row.model_dump(mode="json") for row in rows]})
    elif not quiet:
        summarise(manifest, record if kept else None)
        if count is None and record is not None and kept:
            line(f"record: {record.folder}")
    if count is not None and not json:
        show_conversations(rows)
        line("a sample: nothing was written")
    return 1 if manifest.status == "findings" and count is None else 0  # a sample is too small to be judged


def show_conversations(rows: Any) -> None:
    """Print conversations to read."""
    from ftdata.batch import dumps
    from ftdata.cli.terminal import data

    for row in rows:
        data("  ".join([f"--- {row.id}", *([f"[{row.split}]"] if row.split else []), *row.flags]))
        for message in row.messages or ():
            told = message.content if message.content is not None else dumps(message.parts or message.tool_calls or "")
            data(f"{message.role}: {told}")


@click.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--sample", "count", metavar="N", type=click.IntRange(1), help="Read the first N records, show them, write nothing."
)
@click.option("--overwrite", is_flag=True, help="Replace outputs that this recipe did not write.")
@click.option("--fresh", is_flag=True, help="Take nothing over from an interrupted run.")
@click.option(
    "--jobs", metavar="N", type=click.IntRange(1, 64), help="Processes that share the work, whatever the recipe says."
)
@click.option("--allow-network", "network", is_flag=True, help="Permit to fetch hf://owner/name from its hub.")
@click.option("--check", "only_check", is_flag=True, help="Check the recipe and stop.")
@click.option("--json", "json", is_flag=True, help="Print the manifest as JSON on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def command(
    recipe: Path,
    count: int | None,
    overwrite: bool,
    fresh: bool,
    jobs: int | None,
    network: bool,
    only_check: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Run a recipe; publish all of its outputs, or none.

    Exit codes: 0 done, 1 findings or a limit, 2 recipe, 3 input, 4 output, 5 plugin, 7 locked, 130 interrupted.
    """
    from ftdata.recipe import Recipe

    loaded = Recipe.load(recipe)
    stated: dict[str, object] = {"network": True} if network else {}
    stated |= {"jobs": jobs} if jobs is not None else {}
    if stated:
        loaded = replace(loaded, options=loaded.options.model_copy(update=stated))
    if only_check:
        from ftdata.cli.terminal import line

        for warning in loaded.warnings:
            line(warning, fg="yellow")
        counts = f"{len(loaded.readers)} readers, {len(loaded.steps)} steps, {len(loaded.writers)} writers"
        line(f"{recipe}: {counts}: valid")
        return
    raise SystemExit(outcome(loaded, count, overwrite, fresh, quiet, json))
