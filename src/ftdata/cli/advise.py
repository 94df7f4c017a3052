"""`ftdata advise`."""

from __future__ import annotations

import click


@click.command("advise")
@click.argument("target", metavar="FILE|RUN")
@click.option("--by", metavar="FIELD", help="Show the numbers for each value of this field of the source, too.")
@click.option("--few-shot", "shots", metavar="K", type=click.IntRange(1, 100), help="Print the K most useful examples.")
@click.option("--out", metavar="PATH", help="Write the examples of --few-shot to this file.")
@click.option("--rules", "own", metavar="FILE", help="Change rules and thresholds by this TOML file.")
@click.option("--encoding", help="Read FILE in this encoding instead of deciding.")
@click.option("--overwrite", is_flag=True, help="Replace the file of --out.")
@click.option("--json", "json", is_flag=True, help="Print all signals and the advice as JSON on stdout.")
def command(
    target: str,
    by: str | None,
    shots: int | None,
    out: str | None,
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
    """
    from pathlib import Path

    from ftdata.advice.few_shot import few_shot, prompt
    from ftdata.advice.measure import measure
    from ftdata.advice.page import as_data, page
    from ftdata.advice.reading import held
    from ftdata.advice.rules import load
    from ftdata.advice.verdict import understood, verdict
    from ftdata.cli.terminal import as_json, data, line

    if out is not None and shots is None:
        raise click.UsageError("--out is where the examples of --few-shot K go; give both")
    if json and shots is not None and out is None:
        raise click.UsageError("--json and --few-shot both want stdout; write the examples with --out")
    rules = load(None if own is None else Path(own))
    examples = ""
    with held(target, encoding) as rows:
        signals = measure(rows, by, rules.limits)
        understood(rules, signals.numbers)
        advice = verdict(signals.numbers, rules, target)
        if shots is not None:
            chosen = few_shot(signals, shots)
            examples = prompt(chosen)
            if len(chosen) < shots:
                line(f"{len(chosen)} of {shots} examples: no more rows are fit to be shown", fg="yellow")
    if out is not None:
        _write(Path(out), examples, overwrite)
        line(f"{out}: {len(chosen)} examples")
    elif shots is not None:
        data(examples.rstrip("\n"))
    if json:
        as_json(as_data(signals, advice, rules))
        return
    for text in page(signals, advice, rules):
        (line if shots is not None and out is None else data)(text)


def _write(path: object, text: str, overwrite: bool) -> None:
    from pathlib import Path

    from ftdata import files
    from ftdata.errors import OutputError

    assert isinstance(path, Path)
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: exists already; move it away, or give --overwrite")
    files.save(path, text)
