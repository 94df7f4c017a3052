"""`ftdata eval`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ftdata.evaluation.held_out import HeldOut


@click.command("eval")
@click.argument("what", metavar="[RUN|FILE]", required=False)
@click.option("--tuned", metavar="FILE", help="Answers of the tuned model.")
@click.option("--base", metavar="FILE", help="Answers of the base model, as it is asked today.")
@click.option("--few-shot", metavar="FILE", help="Answers of the base model with examples in its prompt.")
@click.option("--beside", metavar="NAME=FILE", multiple=True, help="Answers of a further system.")
@click.option("--split", help="Split of the run to compare on.  [default: test, else validation]")
@click.option(
    "--by", metavar="FIELD", multiple=True, help="Field of meta, or key beside messages, to tell rows apart by."
)
@click.option("--common", metavar="ANSWER", help="For labels: the most common answer of the training rows.")
@click.option("--chrf", is_flag=True, help="Measure chrF too (needs the extra eval).")
@click.option("--questions", metavar="OUT", help="Write what is to be asked to a new file, and compare nothing.")
@click.option("--sheet", metavar="OUT.csv", help="Write a blind sheet of the tuned and the base model's answers.")
@click.option("--votes", metavar="FILE.csv", help="Count the votes of such a sheet; names no answers.")
@click.option("--from", "reader", metavar="READER", help="Read FILE as this format instead of guessing.")
@click.option("--require-better", is_flag=True, help="Exit with 1 unless the verdict is: better.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(
    what: str | None,
    tuned: str | None,
    base: str | None,
    few_shot: str | None,
    beside: tuple[str, ...],
    split: str | None,
    by: tuple[str, ...],
    common: str | None,
    chrf: bool,
    questions: str | None,
    sheet: str | None,
    votes: str | None,
    reader: str | None,
    require_better: bool,
    json: bool,
) -> None:
    """Compare a tuned model with its base on held-out rows.

    \b
    ftdata eval samples/tickets.toml --questions out/ask.jsonl
    ftdata eval samples/tickets.toml --base base.jsonl --few-shot shots.jsonl --tuned tuned.jsonl

    Each file of answers holds JSON lines with row (or id) and prediction. A tuned model is called better only if it
    beats the base, the base with examples in its prompt, and for labels the most common answer. Exit codes: 0 done, 1
    not better (--require-better), 2 usage, 3 an input is missing or does not fit.
    """
    from pathlib import Path

    from ftdata.cli.terminal import as_json, data, line, table
    from ftdata.evaluation.answers import answers
    from ftdata.evaluation.comparison import BASE, FEW_SHOT, MAJORITY, TUNED, compare
    from ftdata.evaluation.held_out import held_out
    from ftdata.evaluation.page import as_json as values
    from ftdata.evaluation.page import page
    from ftdata.evaluation.sheet import write

    if votes is not None:
        _count(votes, json)
        return
    if what is None:
        raise click.UsageError("Missing argument 'RUN|FILE': what the systems were asked.")
    held = held_out(what, split, by, reader)
    if questions is not None:
        _write(held, questions)
        line(f"{len(held.questions):,} questions written to {questions}: answer each with row and prediction")
        return
    named = [(TUNED, tuned), (BASE, base), (FEW_SHOT, few_shot)]
    for one in beside:
        name, sign, file = one.partition("=")
        if not sign or not name or name in (TUNED, BASE, FEW_SHOT, MAJORITY) or name in dict(named):
            raise click.UsageError(f"--beside {one}: wants NAME=FILE, a name of its own")
        named.append((name, file))
    systems = [answers(name, file, held.questions) for name, file in named if file is not None]
    if not systems:
        raise click.UsageError("name a file of answers (--tuned, --base …), or write the questions (--questions OUT)")
    if sheet is not None:
        by_name = {one.system: one for one in systems}
        if TUNED not in by_name or BASE not in by_name:
            raise click.UsageError("--sheet wants the answers of both: --tuned and --base")
        count = write(held, by_name[TUNED], by_name[BASE], Path(sheet))
        line(f"{count:,} pairs of answers in {sheet}; fill in the column better (A, B or =), then: ftdata eval --votes")
        return
    found = compare(held, systems, common, chrf)
    if json:
        as_json(values(found))
    else:
        for part in page(found):
            if isinstance(part, str):
                data(part)
            else:
                table(part, right=range(1, len(part[0])), out=data)
    raise SystemExit(1 if require_better and found.verdict.word != "better" else 0)


def _count(path: str, json: bool) -> None:
    from dataclasses import asdict
    from pathlib import Path

    from ftdata.cli.terminal import as_json, data
    from ftdata.evaluation.sheet import votes

    found = votes(Path(path))
    if json:
        as_json(asdict(found))
        return
    data(f"{found.one} {found.for_one:,}, {found.other} {found.for_other:,}, alike {found.alike:,} (p = {found.p:.2g})")


def _write(held: HeldOut, path: str) -> None:
    from pathlib import Path

    from ftdata import files
    from ftdata.batch import dumps
    from ftdata.errors import OutputError
    from ftdata.evaluation.held_out import numbered

    if Path(path).exists():
        raise OutputError(f"{path}: exists already; name a new file")
    files.save(Path(path), "".join(dumps(one) + "\n" for one in numbered(held.questions)))
