"""`ftdata stats`."""

from __future__ import annotations

from collections.abc import Sequence

import click


@click.command("stats")
@click.argument("what", metavar="RUN|FILE")
@click.option("--tokenizer", metavar="NAME|DIR", help="Count with cl100k, o200k, or a folder with tokenizer.json.")
@click.option("--model", default="", help="Model to be trained, such as gpt-4o-mini: names the tokenizer.")
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(what: str, tokenizer: str | None, model: str, encoding: str | None, json: bool) -> None:
    """Count what stands in a file or run: rows, roles, lengths, languages.

    FILE in any layout that `ftdata sniff` knows, or a folder of data files; of a RUN (as in `ftdata show`) what its
    first writer wrote. Tokens are estimated unless --tokenizer or --model names what counts them. No text of any row is
    shown.
    """
    from dataclasses import asdict

    from ftdata.cli.terminal import as_json, data, line, table
    from ftdata.report.measure import statistics
    from ftdata.sniff import spooled
    from ftdata.wording import inline

    with spooled(what) as path:
        found = statistics(path, encoding, tokenizer, model)
    if json:
        as_json(asdict(found))
        return
    data(f"{inline(what)}: {found.rows:,} rows, {found.messages:,} messages, {found.characters:,} characters")
    data(f"  {found.tokens:,} tokens ({found.counted})")
    if found.copies:
        data(f"  copies of an earlier row: {found.copies:,}")
    if found.systems:
        data(f"  different system prompts: {found.systems:,}")
    spoken = {one.name: one for one in found.spoken}
    rows: list[tuple[str, ...]] = [
        (one.name, f"{one.count:,}", f"{spoken[one.name].count:,}", _share(spoken[one.name].share))
        for one in found.roles[:20]
    ]
    _titled("roles", ("", "messages", "characters", "share"), rows)
    for title, counts in (("splits", found.splits), ("languages", found.languages), ("rows with", found.holding)):
        _titled(title, ("", "rows", "share"), [(one.name, f"{one.count:,}", _share(one.share)) for one in counts[:20]])
    if found.lengths is not None:
        names = ("min", "p5", "median", "p95", "max", "mean")
        rows = [
            (name.replace("_", " "), *(f"{values[key]:,}" for key in names))
            for name, values in found.lengths.measures.items()
        ]
        _titled("lengths of a row", ("", *names), rows)
        most = max(one.rows for one in found.lengths.bins)
        drawn = [
            (
                f"  {one.low:,}{'+' if one.high is None else f'–{one.high - 1:,}'}",
                f"{one.rows:,}",
                "█" * max(1, round(32 * one.rows / most)) if one.rows else "",
            )
            for one in found.lengths.bins
        ]
        data("")
        table([("characters", "rows", ""), *drawn], right=(1,), out=data)
    if found.unread:
        line(f"{sum(one.count for one in found.unread):,} records hold no row:", fg="yellow")
        for one in found.unread[:20]:
            line(f"  {one.name} {one.count:,}")


def _titled(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from ftdata.cli.terminal import data, table

    if rows:
        data("")
        table([(title, *heads[1:]), *(("  " + row[0], *row[1:]) for row in rows)], right=range(1, len(heads)), out=data)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
