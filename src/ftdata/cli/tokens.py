"""`ftdata tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ftdata.checks.tokens import Tokens
    from ftdata.stages import Finding
    from ftdata.tokens.preview import Preview


@click.command("tokens")
@click.argument("file", metavar="FILE")
@click.option("--tokenizer", metavar="NAME|DIR", help="cl100k, o200k, or a folder with tokenizer.json.")
@click.option("--model", help="Model to be trained, such as gpt-4o-mini-2024-07-18: names the tokenizer and the limit.")
@click.option(
    "--for", "target", metavar="TARGET", help="Target such as openai: what it learns, and its limit for --model."
)
@click.option("--max-length", metavar="N", type=click.IntRange(1), help="Tokens after which a row is cut.")
@click.option(
    "--turns",
    type=click.Choice(["whole", "last", "expand"]),
    default="whole",
    show_default=True,
    help="Which answers are learnt, as writers take it.",
)
@click.option("--row", "number", metavar="N", type=click.IntRange(1), help="Show one row, and what of it is learnt.")
@click.option("--template", metavar="PATH|NAME", help="With --row: a chat template (Jinja), or chatml, llama-3.")
@click.option("--from", "reader", metavar="READER", help="Read FILE as this format instead of guessing.")
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(
    file: str,
    tokenizer: str | None,
    model: str | None,
    target: str | None,
    max_length: int | None,
    turns: str,
    number: int | None,
    template: str | None,
    reader: str | None,
    encoding: str | None,
    json: bool,
) -> None:
    """Count the tokens of a file's rows, or show what of one row is learnt.

    \b
    ftdata tokens train.jsonl --model gpt-4o-mini --for openai
    ftdata tokens train.jsonl --row 3 --tokenizer models/qwen --template chatml

    --row shows the text of that row: [in brackets] what is learnt, on a terminal in colour. Exit codes: 0 done, 1 a row
    of which nothing is learnt, 2 usage, 3 no such file or row.
    """
    from dataclasses import asdict

    from pydantic import ValidationError

    from ftdata import rows
    from ftdata.checks.tokens import Tokens
    from ftdata.cli.terminal import as_json
    from ftdata.errors import RecipeError
    from ftdata.sniff import spooled
    from ftdata.tokens.preview import judged, preview, row_of
    from ftdata.tokens.template import Template

    if template is not None and number is None:
        raise click.UsageError("--template is for one row; name it with --row N")
    given = {"tokenizer": tokenizer, "model": model, "for": target, "max_length": max_length, "turns": turns}
    try:
        check = Tokens.model_validate(given)
    except ValidationError as error:
        raise RecipeError(
            *(f"--{str(fault['msg']).removeprefix('Value error, ')}" for fault in error.errors())
        ) from None
    if number is not None:
        with spooled(file) as path:
            row = row_of(rows.every(rows.place(path), encoding, reader), number, file)
        count = check.counter()
        chosen = None if template is None else Template.named(template, getattr(count, "folder", None))
        shown = preview(row, count, chosen, check.limit()[0], check.turns, target)
        if json:
            as_json(asdict(shown))
        else:
            _show(shown)
        raise SystemExit(0 if shown.kept else 1)
    with spooled(file) as path:
        findings = judged(map(rows.live, rows.every(rows.place(path), encoding, reader)), check)
    if json:
        as_json([asdict(finding) for finding in findings])
    else:
        _tell(file, findings, check)
    raise SystemExit(1 if any(finding.level == "error" for finding in findings) else 0)


def _show(shown: Preview) -> None:
    import os
    import sys

    from ftdata.cli.terminal import line
    from ftdata.wording import safe

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    pieces, at = [], 0
    for first, last in shown.spans:
        learnt = safe(shown.text[first:last])
        pieces += [safe(shown.text[at:first]), click.style(learnt, fg="green", bold=True) if colour else f"[{learnt}]"]
        at = last
    click.echo("".join([*pieces, safe(shown.text[at:])]).rstrip("\n"), color=colour)
    share = f"{shown.trained / shown.tokens:.0%}" if shown.tokens else "none"
    line(f"{shown.id}: {shown.tokens:,} tokens, {shown.trained:,} of them learnt ({share}), by {shown.by}")
    for note in shown.notes:
        line(f"  {note}", fg="yellow")
    if not shown.kept:
        line("  nothing of this row is learnt", fg="red")


def _tell(file: str, findings: list[Finding], check: Tokens) -> None:
    from ftdata.cli.terminal import data, line, prose, table
    from ftdata.wording import inline

    if not findings:
        line(f"{inline(file)}: holds no rows", fg="yellow")
        return
    spread, *others = findings
    numbers = spread.numbers
    names = ("min", "p5", "p50", "p95", "p99", "max", "sum")
    rows = [("tokens", "of", *names)]
    for split, held in [("all rows", numbers), *numbers.get("splits", {}).items()]:
        rows += [
            (split, "learnt" if part == "trained" else part, *(f"{held[part][name]:,}" for name in names))
            for part in ("all", "trained", "system", "user", "assistant", "tool", "other")
            if part in held
        ]
    table(rows, right=range(2, 9), out=data)
    prose(f"{inline(file)}: {spread.message}")
    limit, source = check.limit()
    if limit is not None:
        line(f"limit: {limit:,} tokens ({source})")
    elif check.target is not None:
        whose = f"for {check.model} at {check.target}" if check.model else f"at {check.target} without --model"
        line(f"limit: unknown {whose}", fg="yellow")
    for finding in others:
        shown = ", ".join(map(str, finding.where[:10])) + (", …" if len(finding.where) > 10 else "")
        prose(
            f"{finding.level}  {finding.code}  {finding.message} (rows {shown})",
            fg="red" if finding.level == "error" else "yellow",
        )
