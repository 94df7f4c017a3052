"""`ftdata check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ftdata.targets import Profile
    from ftdata.targets.lines import LineFinding
    from ftdata.transforms.fit.running import Fitted


@click.command("check")
@click.argument("file", metavar="FILE")
@click.option(
    "--for",
    "targets",
    metavar="TARGETS",
    required=True,
    help="Targets such as openai,nova (`ftdata targets` lists them), or a profile.toml.",
)
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--layout", help="Take the rows for this layout instead of deciding.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "sarif", "github")),
    default="text",
    show_default=True,
    help="How to print the findings on stdout.",
)
@click.option("--json", "json", is_flag=True, help="The same as --format json.")
@click.option("--statistics", is_flag=True, help="Print counts by code only.")
@click.option(
    "--most",
    metavar="N",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Findings to list at most; all are counted.",
)
@click.option("--fix", is_flag=True, help="Write for each target a file that it takes, and tell what is lost.")
@click.option("--allow-lossy", "lossy", is_flag=True, help="With --fix: lose what a target cannot carry, not the row.")
@click.option("--into", metavar="DIR", help="With --fix: folder to write to; default: where FILE lies.")
@click.option("--overwrite", is_flag=True, help="With --fix: replace files that ftdata did not write.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are errors.")
def command(
    file: str,
    targets: str,
    encoding: str | None,
    layout: str | None,
    form: str,
    json: bool,
    statistics: bool,
    most: int,
    fix: bool,
    lossy: bool,
    into: str | None,
    overwrite: bool,
    exit_zero: bool,
) -> None:
    """Check a training file against what targets accept; --fix mends it.

    Line by line, on the bytes that would be sent. Exit codes: 0 no errors, 1 errors (with --fix: left in a file that
    was written, or nothing could be written), 2 no such target, 3 no such file, 4 no place to write to.

    \b
    ftdata check train.jsonl --for openai,nova,together
    ftdata check train.jsonl --for nova --fix --into out
    """
    if not fix and (
        stated := [n for n, v in (("--allow-lossy", lossy), ("--into", into), ("--overwrite", overwrite)) if v]
    ):
        raise click.UsageError(f"{', '.join(stated)}: only with --fix")
    if fix and (stated := [n for n, v in (("--layout", layout), ("--statistics", statistics)) if v]):
        raise click.UsageError(f"{', '.join(stated)}: not with --fix")
    names = tuple(dict.fromkeys(name.strip() for name in targets.split(",") if name.strip()))
    if not names:
        raise click.UsageError("--for: names no target; `ftdata targets` lists them")
    form = "json" if json else form
    if fix:
        raise SystemExit(_fixed(file, names, encoding, lossy, into, overwrite, form) and not exit_zero)
    from dataclasses import replace

    from ftdata.cli.terminal import line
    from ftdata.sniff import spooled
    from ftdata.targets import load
    from ftdata.targets.lines import check_file
    from ftdata.wording import counted, inline

    profiles = [load(name) for name in names]
    with spooled(file) as path:
        found = check_file(path, names, encoding, layout)
    findings = [replace(one, file=file) for one in found]
    _print(findings, profiles, form, statistics, most)
    errors = sum(finding.level == "error" for finding in findings)
    told = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')} for {', '.join(names)}"
    # GitHub takes a line of either stream for a command if it opens with two colons, as the name of a file may.
    line(f"{'checked ' if form == 'github' else ''}{inline(file)}: {told}", fg="red" if errors else "green")
    if _first_lines(findings) and form == "text":
        line("the first lines are no JSON: `ftdata sniff FILE` says what it is, `ftdata convert FILE OUT` makes rows")
    elif form == "text" and any(finding.fixable != "no" for finding in findings):
        line("--fix writes a file for each target, with what is marked [--fix] cured")
    if errors and not exit_zero:
        raise SystemExit(1)


def _first_lines(findings: Sequence[LineFinding]) -> bool:
    """Say whether the first lines of a file are no JSON at all, as of a table or a plain text."""
    from ftdata.findings import short

    return {1, 2, 3} <= {f.line for f in findings if short(f.code, f.target) == "json" and f.column == 1}


def _print(findings: Sequence[LineFinding], profiles: list[Profile], form: str, statistics: bool, most: int) -> None:
    """Print findings on stdout."""
    from collections import Counter

    from ftdata import findings as told
    from ftdata.cli.terminal import as_json, data, line, table, width

    if form == "json":
        as_json(told.objects(findings))
    elif form == "sarif":
        from ftdata import __version__
        from ftdata.findings.sarif import sarif

        as_json(sarif(findings, (rule for profile in profiles for rule in profile.rules), __version__))
    elif form == "github":
        from ftdata.findings.github import commands

        for one in commands(findings):
            data(one)
    elif statistics:
        counts = Counter((finding.level, finding.code) for finding in findings)
        table([(f"{n:,}", level, code) for (level, code), n in counts.most_common()], right=(0,), out=data)
    else:
        from ftdata.findings.grid import LEGEND, grid

        if len(profiles) > 1:
            codes = {profile.name: [rule.code for rule in profile.rules] for profile in profiles}
            for one in grid(findings, codes, min(max(width(1), 80), 120)):
                data(one)
            data("")
            line(LEGEND)
        for one in told.lines(findings[:most]):
            data(one)
        if len(findings) > most:
            line(f"… and {len(findings) - most:,} more; --most {len(findings)} lists them, --statistics counts them")


def _fixed(
    file: str, names: tuple[str, ...], encoding: str | None, lossy: bool, into: str | None, overwrite: bool, form: str
) -> int:
    """Write a file for each target and tell what came of it; give the exit code."""
    from pathlib import Path

    from ftdata.cli.terminal import Bar, as_json
    from ftdata.sniff import spooled
    from ftdata.transforms.fit.running import fit_file

    if form not in ("text", "json"):
        raise click.UsageError(f"--format {form} tells findings, --fix what was written; use text or json")
    source = Path("stdin" if file == "-" else file)
    folder = Path(into) if into is not None else (Path() if file == "-" else source.parent)
    bar, outcomes = Bar(), list[Any]()
    with spooled(file) as path:
        made = fit_file(
            path,
            names,
            folder,
            source.name.split(".")[0] or "rows",
            allow_lossy=lossy,
            encoding=encoding,
            overwrite=overwrite,
            watch=bar,
        )
        for outcome in made:
            bar.done()
            outcomes.append(outcome)
            if form == "text":
                _tell(outcome, lossy)
    if form == "json":
        as_json([outcome.as_json() for outcome in outcomes])
    return int(any(o.error is not None or any(f.level == "error" for f in o.findings) for o in outcomes))


def _tell(outcome: Fitted, lossy: bool) -> None:
    """Print what came of one target: the report of losses."""
    from ftdata.cli.terminal import data, line
    from ftdata.wording import counted

    if outcome.manifest is not None:
        data(f"{outcome.target}: {outcome.manifest.rows:,} rows read, {outcome.manifest.written:,} written")
    else:
        data(f"{outcome.target}: nothing written: {outcome.error}")
    for title, counts in (
        ("lost", outcome.lost),
        ("changed, every word kept", outcome.changed),
        ("dropped", outcome.dropped),
        ("kept with a warning", outcome.warned),
    ):
        for what, count in counts.items():
            data(f"  {title}: {what}, {counted(count, 'row')}")
    if outcome.dropped and not lossy:
        line("  rows dropped for what a target cannot carry may be kept with --allow-lossy")
    for place, path in (("file", outcome.file), ("beside", outcome.beside), ("record", outcome.record)):
        if path is not None:
            data(f"  {place}: {_short(path)}")
    if outcome.manifest is not None:
        errors = sum(finding.level == "error" for finding in outcome.findings)
        data(f"  checked again: {errors:,} errors, {len(outcome.findings) - errors:,} warnings")
        for finding in outcome.findings[:10]:
            at = f"line {finding.line}  " if finding.line is not None else ""
            data(f"    {at}{finding.level}  {finding.code}  {finding.cause}; {finding.fix}")


def _short(path: Any) -> str:
    import os

    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
