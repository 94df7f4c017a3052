"""`ftdata report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("run", metavar="RUN")
@click.option("-o", "--output", "out", metavar="FILE", type=click.Path(path_type=Path), help="Write to FILE.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "md", "json"]),
    help="html (one file that needs nothing else), md or json; by default as FILE ends, else html.",
)
@click.option("--lang", metavar="LANG", default="en", show_default=True, help="Language: en, es or pt-BR.")
@click.option("--for", "targets", metavar="TARGETS", help="Judge the training rows for these targets, rule by target.")
@click.option(
    "--cost-for", "vendors", metavar="VENDORS", help="Say what training costs there, such as openai:gpt-4o-mini,azure."
)
@click.option("--advise", is_flag=True, help="Say, too, whether to fine-tune at all.")
@click.option("--show-values", is_flag=True, help="Show some conversations too; else no text of any row.")
@click.option("--overwrite", is_flag=True, help="Replace a FILE that is no report.")
def command(
    run: str,
    out: Path | None,
    kind: str | None,
    lang: str,
    targets: str | None,
    vendors: str | None,
    advise: bool,
    show_values: bool,
    overwrite: bool,
) -> None:
    """Report on a run: what was read, dropped, found, written.

    One page to share: from records to rows with the reasons, split and leaks, personal data, languages, duplicates,
    balance, lengths, targets, findings. RUN as in `ftdata show`. Without -o it goes to stdout.
    """
    from ftdata import runs
    from ftdata.cli.terminal import line
    from ftdata.errors import RunError
    from ftdata.hooks import raised_at
    from ftdata.report import Extra, report, save, written
    from ftdata.report.beside import advised, costs, grid

    record = runs.find(run)
    line(f"record: {record.folder}")
    names, whose = _listed(targets), _listed(vendors)
    extra = Extra(
        grid(record, names) if names else None, costs(record, whose), advised(record, whose) if advise else None
    )
    try:
        found = report(record, show_values=show_values, extra=extra)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # numbers of checks and stages have no schema
        raise RunError(
            f"{record.manifest}: what its stages told is not as this version writes it ({type(error).__name__} at "
            f"{raised_at(error)}); run the recipe again, or use the version that wrote it"
        ) from None
    text = written(found, kind or (out.suffix if out else ""), lang)
    if out is None:
        click.echo(text, nl=False)
        return
    save(out, text, overwrite=overwrite)
    line(f"wrote {out}: {len(text.encode()):,} bytes", fg="green")


def _listed(names: str | None) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))
