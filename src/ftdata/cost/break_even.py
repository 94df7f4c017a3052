"""After how many requests a tuned model has paid for itself, against a longer prompt on the base model.

    N* = (preparation + training + running(T)) / saving of one request
    saving = (prompt + extra) x p_in' + answer x p_out - (tuned prompt x p_in_ft + answer x p_out_ft)
    p_in' = p_in x (1 - cache) + p_cached x cache

`extra` is what the base model needs besides: examples, or passages of a retrieval. A cache is reckoned with for the
base model alone, whose prompt is the long one. Where nothing is saved the answer is "never", not a negative number.
Least and most come from changing each input alone by 30 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil, inf
from typing import TypeVar

_T = TypeVar("_T", int, Decimal)

SHARE = Decimal("0.3")
"""By how much the sensitivity changes each input."""


@dataclass(frozen=True)
class Terms:
    """The inputs of a comparison: money in one currency, `monthly` a month, prices a token, tokens a request."""

    preparation: Decimal
    training: Decimal
    monthly: Decimal
    months: Decimal
    prompt: Decimal
    extra: Decimal
    answer: Decimal
    tuned_prompt: Decimal | None  # None: the same as `prompt`, and changed with it
    base_input: Decimal
    base_cached: Decimal
    cache: Decimal
    base_output: Decimal
    tuned_input: Decimal
    tuned_output: Decimal


INPUTS: Mapping[str, str] = {
    "preparation": "cost of preparation",
    "training": "cost of training",
    "monthly": "monthly cost of hosting, storage and retraining",
    "prompt": "tokens of the prompt",
    "extra": "tokens of {extra}",
    "answer": "tokens of the answer",
    "tuned_prompt": "tokens of the tuned model's prompt",
    "base_input": "base price of input",
    "base_cached": "base price of cached input",
    "cache": "share read from the cache",
    "base_output": "base price of output",
    "tuned_input": "tuned price of input",
    "tuned_output": "tuned price of output",
}
"""What each input is called."""


@dataclass(frozen=True)
class Effect:
    """What becomes of the break-even when one input is 30 % less, and 30 % more; None: never."""

    input: str
    less: int | None
    more: int | None

    @property
    def spread(self) -> float:
        """How far apart the two are; without bound where only one of them is never."""
        less, more = _number(self.less), _number(self.more)
        return 0.0 if less == more else abs(less - more)


@dataclass(frozen=True)
class BreakEven:
    """Whether and when tuning pays against one alternative.

    `requests` and `months` are least, base and most, None in them meaning never; both are None where `unknown` says
    what is not known, and `months` also where nobody said how many requests a month there are.
    """

    against: str
    currency: str = ""
    saving: Decimal | None = None
    requests: tuple[int | None, int | None, int | None] | None = None
    months: tuple[Decimal | None, Decimal | None, Decimal | None] | None = None
    effects: tuple[Effect, ...] = ()
    unknown: str = ""

    @property
    def never(self) -> bool:
        """Whether the tuned model saves nothing."""
        return self.requests is not None and self.requests[1] is None


def saving(terms: Terms) -> Decimal:
    """Give what one request costs less on the tuned model; below 0 where it costs more."""
    price = terms.base_input * (1 - terms.cache) + terms.base_cached * terms.cache
    tuned = terms.prompt if terms.tuned_prompt is None else terms.tuned_prompt
    base = (terms.prompt + terms.extra) * price + terms.answer * terms.base_output
    return base - (tuned * terms.tuned_input + terms.answer * terms.tuned_output)


def requests(terms: Terms) -> int | None:
    """Give the requests after which preparation, training and running are paid for; None: never."""
    each = saving(terms)
    if each <= 0:
        return None
    return ceil((terms.preparation + terms.training + terms.monthly * terms.months) / each)


def months(terms: Terms, a_month: Decimal) -> Decimal | None:
    """Give the months after which the tuned model is paid for at so many requests a month; None: never."""
    left = saving(terms) * a_month - terms.monthly
    return (terms.preparation + terms.training) / left if left > 0 else None


def compare(against: str, extra: str, currency: str, terms: Terms, a_month: Decimal | None = None) -> BreakEven:
    """Hold the tuned model against an alternative; `extra` names what that needs in its prompt."""
    effects, found, times = [], [requests(terms)], [months(terms, a_month) if a_month else None]
    for name, less, more in _varied(terms):
        effects.append(Effect(INPUTS[name].format(extra=extra), requests(less), requests(more)))
        found += [effects[-1].less, effects[-1].more]
        times += [months(less, a_month), months(more, a_month)] if a_month else []
    return BreakEven(
        against=against,
        currency=currency,
        saving=saving(terms),
        requests=(_least(found), found[0], _most(found)),
        months=(_least(times), times[0], _most(times)) if a_month else None,
        effects=tuple(sorted(effects, key=lambda effect: (-effect.spread, effect.input))),
    )


def _varied(terms: Terms) -> Iterator[tuple[str, Terms, Terms]]:
    """Give the terms with each input that is not 0 made 30 % less and 30 % more; a share stays at most 1."""
    for name in INPUTS:
        value = getattr(terms, name)
        if value:
            more = value * (1 + SHARE)
            yield (
                name,
                replace(terms, **{name: value * (1 - SHARE)}),
                replace(terms, **{name: min(more, Decimal(1)) if name == "cache" else more}),
            )


def _number(value: Decimal | int | None) -> float:
    return inf if value is None else float(value)


def _least(values: list[_T | None]) -> _T | None:
    return min(values, key=_number)


def _most(values: list[_T | None]) -> _T | None:
    return max(values, key=_number)
