"""What others work out of the outputs of a run, put into the values that the report shows: targets, advice, cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ftdata import runs
from ftdata.errors import InputError
from ftdata.files import Record
from ftdata.report.values import Advice, Cost, CostLine, Grid, GridRow, Reason
from ftdata.rows import outputs
from ftdata.wording import counted

if TYPE_CHECKING:
    from ftdata.advice.verdict import Advice as Verdict
    from ftdata.cost.amounts import Range
    from ftdata.cost.estimate import Estimate
    from ftdata.targets.lines import LineFinding


def grid(record: Record, targets: Sequence[str]) -> Grid:
    """Judge the training rows that a run wrote for some targets, rule by target.

    Raises `RecipeError` for a name that is no target, `InputError` if the run has no output of lines.
    """
    from ftdata.targets import load
    from ftdata.targets.lines import check_file

    paths = [path for path, split in outputs(record, runs.latest(record)) if split in (None, "train")]
    lines = [path for path in paths if path.suffix == ".jsonl"]
    if not lines:
        raise InputError(f"{record.folder}: the first writer of this run wrote no .jsonl file that targets could judge")
    found = [one for path in lines for one in check_file(path, tuple(targets))]
    return judged(found, {name: [rule.code for rule in load(name).rules] for name in targets})


def judged(found: Sequence[LineFinding], rules: Mapping[str, Collection[str]]) -> Grid:
    """Make the grid of findings: a rule broken at any target is a row, and the cells are those of `ftdata check`.

    `rules` names the targets with the codes of their rules. A row has the sentence that says what to do where it is the
    same for all.
    """
    from ftdata.findings import short
    from ftdata.findings.grid import Tally

    told: dict[str, str] = {}
    for one in found:
        rule = short(one.code, one.target)
        told[rule] = one.fix if told.get(rule, one.fix) == one.fix else ""
    tally = Tally(found, rules)
    rows = (GridRow(rule, told[rule], tuple(tally.mark(target, rule) for target in rules)) for rule in tally.broken)
    return Grid(tuple(rules), tuple(rows), "outputs")


def advised(record: Record, named: Sequence[str] = ()) -> Advice:
    """Work out the advice on the training rows of a run; raise `InputError` if they are gone.

    Of `named` vendors (as in `costs`) the first is the target that the advice reckons with.
    """
    from datetime import date

    from ftdata.advice.around import Intent, around
    from ftdata.advice.measure import measure
    from ftdata.advice.reading import held
    from ftdata.advice.rules import load
    from ftdata.advice.verdict import verdict
    from ftdata.tokens import chosen

    target, _, model = next(iter(named), "").partition(":")
    rules = load(None)
    with held(str(record.manifest), None) as rows:
        found = measure(rows, None, rules.limits, chosen(model=model))
        told = found.numbers | around(found, Intent(target or None, model), date.today())
        return advice(verdict(told, rules, record.name))


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


def costs(record: Record, named: Sequence[str], tokenizer: str | None = None) -> tuple[Cost, ...]:
    """Work out what training on the rows of a run costs, for each `VENDOR` or `VENDOR:MODEL`, as `ftdata cost` does.

    Raises `RecipeError` for a name that is no vendor, `InputError` if the rows are gone.
    """
    from datetime import date

    from ftdata.cost import estimate, load
    from ftdata.cost.counting import of
    from ftdata.cost.plan import plan_of

    prices = load(date.today())
    found = []
    for name in named:
        vendor, _, model = name.partition(":")
        job = plan_of(vendor=vendor, model=model)
        found.append(cost(estimate(of(str(record.manifest), None, tokenizer, model), job, prices)))
    return tuple(found)


def cost(found: Estimate) -> Cost:
    """Take over an estimate: an item of the bill a line, what is unknown stays so."""
    lines = tuple(
        CostLine(
            item.name,
            *_three(item.amount),
            item.currency,
            "; ".join([item.how, *map(str, item.cites)]),
        )
        for item in found.items
    )
    lines += tuple(
        CostLine(
            "total",
            *_three(amount),
            currency,
            f"over {counted(int(found.months), 'month')}; tokens {found.counted}",
        )
        for currency, amount in found.totals.items()
    )
    left = f"not counted: {', '.join(found.left_out)}" if found.left_out else ""
    return Cost(" ".join(filter(None, (found.vendor.title, found.model))), lines, left)


def _three(amount: Range | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if amount is None else (float(amount.low), float(amount.base), float(amount.high))
