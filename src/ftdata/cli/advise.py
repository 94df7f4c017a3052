"""`ftdata advise`."""

from __future__ import annotations

import click


@click.command("advise")
@click.argument("target", metavar="FILE|RUN")
@click.option("--by", metavar="FIELD", help="Show the numbers for each value of this field of the source, too.")
@click.option("--few-shot", "shots", metavar="K", type=click.IntRange(1, 100), help="Print the K most useful examples.")
@click.option("--out", metavar="PATH", help="Write the examples of --few-shot to this file.")
@click.option("--for", "where", metavar="TARGET[:MODEL]", help="Reckon with this target: its cost, its last day.")
@click.option("--model", default="", help="Model to be tuned, such as gpt-4o-mini: names the tokenizer and the prices.")
@click.option("--tokenizer", metavar="NAME|DIR", help="Count with cl100k, o200k, or a folder with tokenizer.json.")
@click.option(
    "--months", type=click.FloatRange(0, min_open=True), default=12, show_default=True, help="Life planned for a model."
)
@click.option("--requests", type=click.IntRange(1), help="Requests a month, to tell whether tuning pays.")
@click.option("--rules", "own", metavar="FILE", help="Change rules and thresholds by this TOML file.")
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--overwrite", is_flag=True, help="Replace the file of --out.")
@click.option("--json", "json", is_flag=True, help="Print all signals and the advice as JSON on stdout.")
def command(
    target: str,
    by: str | None,
    shots: int | None,
    out: str | None,
    where: str | None,
    model: str,
    tokenizer: str | None,
    months: float,
    requests: int | None,
    own: str | None,
    encoding: str | None,
    overwrite: bool,
    json: bool,
) -> None:
    """Say whether to fine-tune, look up, prompt or fix first, and why.

    Measured on the rows, offline; every sentence with a number, a threshold and a source. RUN as in `ftdata show`.

    \b
    ftdata advise train.jsonl --by category
    ftdata advise train.jsonl --few-shot 8 --out prompt.txt
    ftdata advise train.jsonl --for openai:gpt-4o-mini --requests 5000

    Tokens are exact with --tokenizer, or a --model of OpenAI; else estimated.
    """
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

    from ftdata import files
    from ftdata.advice.around import Intent, around
    from ftdata.advice.few_shot import few_shot, prompt
    from ftdata.advice.measure import measure
    from ftdata.advice.page import as_data, page
    from ftdata.advice.reading import held
    from ftdata.advice.rules import load
    from ftdata.advice.verdict import understood, verdict
    from ftdata.cli.terminal import as_json, data, line
    from ftdata.tokens import chosen as counter

    if out is not None and shots is None:
        raise click.UsageError("--out is where the examples of --few-shot K go; give both")
    if json and shots is not None and out is None:
        raise click.UsageError("--json and --few-shot both want stdout; write the examples with --out")
    named, _, beside = (where or "").partition(":")
    meant = Intent(
        named or None, model or beside, Decimal(str(months)), None if requests is None else Decimal(requests)
    )
    rules = load(None if own is None else Path(own))
    examples = ""
    with held(target, encoding) as rows:
        signals = measure(rows, by, rules.limits, counter(tokenizer, meant.model))
        signals.numbers |= around(signals, meant, date.today())
        understood(rules, signals.numbers)
        advice = verdict(signals.numbers, rules, target)
        if shots is not None:
            chosen = few_shot(signals, shots)
            examples = prompt(chosen)
            if len(chosen) < shots:
                line(f"{len(chosen)} of {shots} examples: no more rows are fit to be shown", fg="yellow")
    if out is not None:
        files.save(Path(out), examples, overwrite=overwrite)
        line(f"{out}: {len(chosen)} examples")
    elif shots is not None:
        data(examples.rstrip("\n"))
    if json:
        as_json(as_data(signals, advice, rules))
        return
    for text in page(signals, advice, rules):
        (line if shots is not None and out is None else data)(text)
