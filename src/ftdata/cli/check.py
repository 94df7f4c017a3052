"""`ftdata check`."""

from __future__ import annotations

import click


@click.command("check")
@click.argument("file", metavar="FILE")
@click.option("--for", "targets", metavar="TARGET", required=True, help="Target such as openai; several with commas.")
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--statistics", is_flag=True, help="Print counts by code only.")
@click.option(
    "--most",
    metavar="N",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Findings to list at most; all are counted.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are errors.")
@click.option("--json", "json", is_flag=True, help="Print all findings as JSON on stdout.")
def command(
    file: str, targets: str, encoding: str | None, statistics: bool, most: int, exit_zero: bool, json: bool
) -> None:
    """Check a training file against what a target accepts.

    Line by line, on the bytes that would be sent. Exit codes: 0 no errors, 1 errors, 2 no such target, 3 no such file.
    """
    from collections import Counter
    from dataclasses import asdict

    from ftdata.cli.terminal import as_json, data, line, table
    from ftdata.sniff import spooled
    from ftdata.targets.lines import check_file

    with spooled(file) as path:
        findings = check_file(path, tuple(name.strip() for name in targets.split(",")), encoding)
    counts = Counter((finding.level, finding.code) for finding in findings)
    if json:
        as_json([{**asdict(finding), "file": file} for finding in findings])
    elif statistics:
        table([(f"{n:,}", level, code) for (level, code), n in counts.most_common()], right=(0,), out=data)
    else:
        for finding in findings[:most]:
            where = f"{file}:{finding.line}" if finding.line else file
            data(f"{where}  {finding.level}  {finding.code}  {finding.path or ''}  {finding.cause}; {finding.fix}")
        if len(findings) > most:
            line(f"… and {len(findings) - most:,} more; --most {len(findings)} lists them, --statistics counts them")
    errors = sum(n for (level, _), n in counts.items() if level == "error")
    warnings = sum(n for (level, _), n in counts.items() if level == "warn")
    line(f"{file}: {errors:,} errors, {warnings:,} warnings for {targets}", fg="red" if errors else "green")
    if errors and not exit_zero:
        raise SystemExit(1)
