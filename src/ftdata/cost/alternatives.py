"""What the tuned model is held against: the base model with examples, or with passages of a retrieval."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ftdata.cost.break_even import BreakEven, Terms, compare
from ftdata.cost.estimate import Cite, Item, cite_of
from ftdata.cost.plan import Plan, Usage
from ftdata.cost.prices import Price

Found = tuple[tuple[BreakEven, ...], tuple[Cite, ...]]


def alternatives(
    items: list[Item],
    plan: Plan,
    used: Usage,
    price: Callable[[str, str], Price | None],
    tuned: Callable[[str], Price | None],
) -> Found:
    """Compare with each alternative that the usage names tokens of; also give where the prices stand written.

    `items` is the bill; `price` finds what something costs on a model, `tuned` what it costs on the tuned one. Without
    examples and passages the alternative is the same prompt on the base model.
    """
    base = plan.base_model or plan.model
    needed = {
        "base_input": price("base-input", base),
        "base_output": price("base-output", base),
        "tuned_input": tuned("input"),
        "tuned_output": tuned("output"),
    }
    if used.cache_share:
        needed["base_cached"] = price("base-cached-input", base)
    cites = tuple(dict.fromkeys(cite_of(one) for one in needed.values() if one is not None))
    rows = [("a prompt with examples", "the examples", used.few_shot)] if used.few_shot else []
    rows += [("retrieval", "the passages", used.rag)] if used.rag else []
    rows = rows or [("the same prompt on the base model", "nothing", 0)]
    rates = {name: one.rate for name, one in needed.items() if one is not None and one.rate is not None}
    currencies = {item.currency for item in items if item.amount} | {one.currency for one in needed.values() if one}
    why = _missing(items, [name for name in needed if name not in rates])
    if not why and len(currencies) > 1:
        why = f"amounts in {' and '.join(sorted(currencies))} are not converted"
    if why:
        return tuple(BreakEven(against, unknown=why) for against, _, _ in rows), cites
    currency = next(iter(currencies))
    return tuple(
        compare(against, extra, currency, _terms(items, plan, used, rates, tokens), used.requests)
        for against, extra, tokens in rows
    ), cites


def _missing(items: list[Item], prices: list[str]) -> str:
    told = [f"price of {name.replace('_', ' ')}" for name in prices]
    told += [f"cost of {item.name}" for item in items if item.amount is None]
    return f"not known: {', '.join(told)}" if told else ""


def _terms(items: list[Item], plan: Plan, used: Usage, rates: dict[str, Decimal], extra: int) -> Terms:
    def spent(*names: str) -> Decimal:
        return sum((item.amount.base for item in items if item.amount and item.name.startswith(names)), Decimal(0))

    return Terms(
        preparation=spent("labelling", "evaluation"),
        training=spent("training", "power"),
        monthly=spent("hosting", "storage", "retraining") / plan.months,
        months=plan.months,
        prompt=Decimal(used.prompt),
        extra=Decimal(extra),
        answer=Decimal(used.answer),
        tuned_prompt=None if used.tuned_prompt is None else Decimal(used.tuned_prompt),
        base_input=rates["base_input"],
        base_cached=rates.get("base_cached", Decimal(0)),
        cache=used.cache_share,
        base_output=rates["base_output"],
        tuned_input=rates["tuned_input"],
        tuned_output=rates["tuned_output"],
    )
