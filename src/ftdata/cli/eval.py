"""`ftdata eval`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ftdata.cli.cost import Amount, Number, Rate

if TYPE_CHECKING:
    from decimal import Decimal

    from ftdata.cost import Money
    from ftdata.evaluation.answer_cost import Rates, Spent
    from ftdata.evaluation.exports import Form
    from ftdata.evaluation.held_out import HeldOut


@click.command("eval")
@click.argument("what", metavar="[RUN|FILE]", required=False)
@click.option("--tuned", metavar="FILE|SYSTEM", help="The tuned model: its answers, or the model itself.")
@click.option("--base", metavar="FILE|SYSTEM", help="The base model, as it is asked today.")
@click.option("--few-shot", metavar="FILE|SYSTEM", help="The base model with examples in its prompt.")
@click.option("--shots", metavar="N", type=click.IntRange(1, 100), help="Ask the base with N training rows, too.")
@click.option("--beside", metavar="NAME=FILE|SYSTEM", multiple=True, help="A further system.")
@click.option("--trained", is_flag=True, help="Take base and tuned model from the run's job (ftdata train).")
@click.option("--at", metavar="NAME", help="Where that job is, if the run has jobs at several places.")
@click.option("--answers", "folder", metavar="DIR", help="Where the answers of asked models are kept: they hold texts.")
@click.option("--max-tokens", "most", type=click.IntRange(1), help="Tokens of an answer.  [default: by the right ones]")
@click.option("--python", metavar="PATH", help="Python that asks local models.  [default: the job's, else this one]")
@click.option(
    "--batch", type=click.IntRange(1), default=8, show_default=True, help="Questions a local model gets at once."
)
@click.option("--yes-send-to", "send_to", metavar="NAME", multiple=True, help="Agree that questions are sent there.")
@click.option(
    "--accept", metavar='CODE="REASON"', multiple=True, help="Accept that a condition of sending is not held."
)
@click.option("--split", help="Split of the run to compare on.  [default: test, else validation]")
@click.option(
    "--by", metavar="FIELD", multiple=True, help="Field of meta, or key beside messages, to tell rows apart by."
)
@click.option("--common", metavar="ANSWER", help="For labels: the most common answer.  [default: of the training rows]")
@click.option("--chrf", is_flag=True, help="Measure chrF too (needs the extra eval).")
@click.option("--questions", metavar="OUT", help="Write what is to be asked to a new file, and compare nothing.")
@click.option("--sheet", metavar="OUT.csv", help="Write a blind sheet of the tuned and the base model's answers.")
@click.option(
    "--export",
    nargs=2,
    type=(click.Choice(["lm-eval", "inspect"]), str),
    metavar="FORM DIR",
    help="Write the questions as a task of lm-eval or inspect to a new folder, and compare nothing.",
)
@click.option("--votes", metavar="FILE.csv", help="Count the votes of such a sheet; names no answers.")
@click.option("--model", "models", metavar="NAME=SYSTEM", multiple=True, help="Which model a FILE is of, for a price.")
@click.option("--spent", type=Amount(), metavar="MONEY", help="What training cost.  [default: by the run's job]")
@click.option("--gpu-rate", type=Rate(), help="Price of an hour of your own machine, such as 2.10EUR.")
@click.option("--prices", multiple=True, metavar="FILE", help="Lay a file of prices (TOML) over the table; repeatable.")
@click.option("--months", type=Number(), default="1", show_default=True, help="Months of hosting to be paid back, too.")
@click.option("--tokenizer", help="Count with cl100k, o200k or a folder, where an answer does not tell its tokens.")
@click.option("--from", "reader", metavar="READER", help="Read FILE as this format instead of guessing.")
@click.option("--require-better", is_flag=True, help="Exit with 1 unless the verdict is: better.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(
    what: str | None,
    tuned: str | None,
    base: str | None,
    few_shot: str | None,
    shots: int | None,
    beside: tuple[str, ...],
    trained: bool,
    at: str | None,
    folder: str | None,
    most: int | None,
    python: str | None,
    batch: int,
    send_to: tuple[str, ...],
    accept: tuple[str, ...],
    split: str | None,
    by: tuple[str, ...],
    common: str | None,
    chrf: bool,
    questions: str | None,
    sheet: str | None,
    export: tuple[Form, str] | None,
    votes: str | None,
    models: tuple[str, ...],
    spent: Money | None,
    gpu_rate: Money | None,
    prices: tuple[str, ...],
    months: Decimal,
    tokenizer: str | None,
    reader: str | None,
    require_better: bool,
    json: bool,
) -> None:
    """Compare a tuned model with its base on held-out rows.

    \b
    ftdata eval samples/tickets.toml --trained --shots 4 --answers answers/
    ftdata eval samples/tickets.toml --questions out/ask.jsonl
    ftdata eval samples/tickets.toml --base base.jsonl --few-shot shots.jsonl --tuned tuned.jsonl

    A SYSTEM is asked: openai:MODEL, azure:DEPLOYMENT, nebius:MODEL, URL#MODEL, local:FOLDER or local:FOLDER+ADAPTER. A
    FILE holds JSON lines with row (or id) and prediction. A tuned model is called better only if it beats the base, the
    base with examples in its prompt, and for labels the most common answer. Exit codes: 0 done, 1 not better
    (--require-better), 2 usage, 3 an input is missing or does not fit, 6 sending refused, 7 asked elsewhere, 8 a model
    failed.
    """
    from pathlib import Path

    from ftdata.cli.terminal import as_json, data, line, table
    from ftdata.evaluation.asking.ask import Asked, Setting
    from ftdata.evaluation.asking.ask import folder as private
    from ftdata.evaluation.asking.examples import most_common, run_of
    from ftdata.evaluation.asking.line_up import gathered, line_up, of_job
    from ftdata.evaluation.asking.sending import Consent, accepts
    from ftdata.evaluation.comparison import BASE, TUNED, compare
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
    if export is not None:
        from ftdata.evaluation.asking.examples import examples
        from ftdata.evaluation.exports import export as task

        record = run_of(what)
        if shots and record is None:
            raise click.UsageError("--shots: the examples are training rows of a run; name the run")
        line(task(held, Path(export[1]), export[0], examples(record, shots, held) if shots and record else ()).said)
        return
    if trained:
        if base is not None or tuned is not None:
            raise click.UsageError("--trained names base and tuned model; leave out --base and --tuned")
        if folder is None:
            raise click.UsageError("--trained asks models; say where their answers are kept (--answers DIR)")
        base, tuned, used = of_job(what, at, private(Path(folder)) / "trained")
        python = python or used
    named = line_up(tuned, base, few_shot, shots, beside)
    if not named:
        raise click.UsageError("name a system (--trained, --tuned, --base …), or write the questions (--questions OUT)")
    if sheet is not None and not {TUNED, BASE} <= {one.name for one in named}:
        raise click.UsageError("--sheet wants the answers of both: --tuned and --base")
    setting = None
    if folder is not None:
        consent = Consent(send_to, accepts(accept), _agreed if _person() else None)
        setting = Setting(private(Path(folder)), most, python, batch, consent, _Told())
    record = run_of(what)
    got = gathered(named, held, setting, record)
    asked = [one for one in got if isinstance(one, Asked)]
    systems = [one.answers if isinstance(one, Asked) else one for one in got]
    if sheet is not None:
        by_name = {one.system: one for one in systems}
        count = write(held, by_name[TUNED], by_name[BASE], Path(sheet))
        line(f"{count:,} pairs of answers in {sheet}; fill in the column better (A, B or =), then: ftdata eval --votes")
        return
    if common is None and record is not None and held.task == "labels":
        common = most_common(record)
    found = compare(held, systems, common, chrf)
    told = None
    if TUNED in found.answered:
        from datetime import date

        from ftdata.cost import load
        from ftdata.evaluation.answer_cost import Rates, Spent, costs, running
        from ftdata.evaluation.worth import worth

        words = {one.name: one.word for one in named if one.model is not None} | _models(models)
        rates = Rates(load(date.today(), *prices), words, gpu_rate, tokenizer)
        paid = Spent(spent, "as given") if spent is not None else _spent(what, at, rates) if trained else None
        told = worth(found, costs(held, systems, rates), paid, running(rates), months)
    if json:
        as_json(values(found, told) | {"asked": [one.as_json() for one in asked]})
    else:
        for one in asked:
            for text in one.lines():
                data(text)
        for part in page(found, told):
            if isinstance(part, str):
                data(part)
            else:
                table(part, right=range(1, len(part[0])), out=data)
    raise SystemExit(1 if require_better and found.verdict.word != "better" else 0)


def _models(given: tuple[str, ...]) -> dict[str, str]:
    """Read NAME=SYSTEM; a word may hold further signs."""
    from ftdata.evaluation.comparison import FEW_SHOT

    found = dict(one.partition("=")[::2] for one in given)
    if not all(name and word for name, word in found.items()):
        raise click.UsageError("--model wants NAME=SYSTEM, such as tuned=openai:ft:gpt-4o-mini-2024-07-18:org::id")
    return {FEW_SHOT if name == "few-shot" else name: word for name, word in found.items()}


def _spent(run: str, at: str | None, rates: Rates) -> Spent | None:
    """Give what the run's job cost, as far as its state tells."""
    from ftdata.evaluation.answer_cost import spent_on
    from ftdata.handoff.launch import found

    _, state = found(run, at)
    numbers = state.facts.get("numbers") or {}
    return spent_on(rates, state.facts.get("trained_tokens"), numbers.get("seconds"))


def _person() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stderr.isatty()


def _agreed(question: str) -> bool:
    from ftdata.cli.train import confirmed

    return confirmed(question)


class _Told:
    """Progress of asking: a live line on a terminal, one line every 30 s elsewhere."""

    def __init__(self) -> None:
        import sys
        import time

        self.clock = time.monotonic
        self.live = sys.stderr.isatty()
        self.last = self.clock()

    def __call__(self, name: str, done: int, all: int) -> None:
        from ftdata.cli.terminal import line
        from ftdata.wording import safe

        if self.live:
            click.echo(f"\r\x1b[2K{safe(name)}: {done:,} of {all:,}" if done < all else "\r\x1b[2K", nl=False, err=True)
        elif self.clock() - self.last >= 30:
            self.last = self.clock()
            line(f"{name}: {done:,} of {all:,}")


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
