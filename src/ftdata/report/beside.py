"""What others work out of the outputs of a run, put into the values that the report shows: targets, advice, cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ftdata import runs
from ftdata.errors import InputError
from ftdata.files import Record
from ftdata.report.values import Advice, Cost, CostLine, Grid, GridRow, Mark, Reason
from ftdata.rows import outputs

if TYPE_CHECKING:
    from ftdata.advice.verdict import Advice as Verdict
    from ftdata.cost.estimate import Estimate
    from ftdata.targets.lines import LineFinding


def grid(record: Record, targets: Sequence[str]) -> Grid:
    """Judge the training rows that a run wrote for some targets, rule by target.

    Raises `RecipeError` for a name that is no target, `InputError` if the run has no output of lines.
    """
    from ftdata.targets.lines import check_file

    paths = [path for path, split in outputs(record, runs.latest(record)) if split in (None, "train")]
    lines = [path for path in paths if path.suffix == ".jsonl"]
    if not lines:
        raise InputError(f"{record.folder}: the first writer of this run wrote no .jsonl file that targets could judge")
    found = [one for path in lines for one in check_file(path, tuple(targets))]
    return judged(found, targets)


def judged(found: Sequence[LineFinding], targets: Sequence[str]) -> Grid:
    """Make the grid of findings: a rule broken at any target is a row, and a target at which it is not broken fits.

    A row has the sentence that says what to do where it is the same for all.
    """
    told: dict[str, str] = {}
    marks: dict[tuple[str, str], Mark] = {}
    counts: Counter[str] = Counter()
    for one in found:
        rule = one.code.removeprefix(f"{one.target}-")
        told[rule] = one.fix if told.get(rule, one.fix) == one.fix else ""
        counts[rule] += 1
        if one.level == "error" or (one.target, rule) not in marks:
            marks[one.target, rule] = "error" if one.level == "error" else "warn"
    rows = (
        GridRow(rule, told[rule], tuple(marks.get((target, rule), "ok") for target in targets))
        for rule in sorted(told, key=lambda rule: (-counts[rule], rule))
    )
    return Grid(tuple(targets), tuple(rows), "outputs")


def advised(record: Record) -> Advice:
    """Work out the advice on the training rows of a run; raise `InputError` if they are gone."""
    from ftdata.advice.measure import measure
    from ftdata.advice.reading import held
    from ftdata.advice.rules import load
    from ftdata.advice.verdict import verdict

    rules = load(None)
    with held(str(record.manifest), None) as rows:
        return advice(verdict(measure(rows, None, rules.limits).numbers, rules, record.name))


def advice(found: Verdict) -> Advice:
    """Take over the advice as it is: every sentence with its source and how strong that is."""
    reasons = [
        Reason(
            one.sentence,
            str(found.sources[one.source].title) if one.source in found.sources else one.source,
            one.strength,
        )
        for one in (*found.because, *found.remarks)
    ]
    return Advice(found.said, found.confidence, tuple(reasons), found.change, found.next)


def cost(found: Estimate) -> Cost:
    """Take over an estimate: an item of the bill a line, what is unknown stays so."""
    lines = tuple(
        CostLine(
            item.name,
            None if item.amount is None else float(item.amount.low),
            None if item.amount is None else float(item.amount.base),
            None if item.amount is None else float(item.amount.high),
            item.currency,
            "; ".join([item.how, *map(str, item.cites)]),
        )
        for item in found.items
    )
    left = f"not counted: {', '.join(found.left_out)}" if found.left_out else ""
    return Cost(" ".join(filter(None, (found.vendor.title, found.model))), lines, left)
