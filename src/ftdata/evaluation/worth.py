"""Was it worth it: one paragraph, from the verdict, the costs of an answer, and what training cost.

The verdict comes first: where the tuned model is not shown to be better, nothing in the paragraph speaks for it. Where
it is, its answers are held against those of the base with examples: cheaper, they pay for training after so many
requests (the formula of `ftdata.cost.break_even`, with the cost of an answer as it was measured in place of tokens and
prices); dearer, one more right answer has a price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Literal

import numpy as np

from ftdata.cost.amounts import told
from ftdata.cost.break_even import BreakEven, Terms
from ftdata.cost.break_even import compare as paid_back
from ftdata.cost.estimate import Cite
from ftdata.evaluation.answer_cost import AnswerCost, Running, Spent
from ftdata.evaluation.comparison import BASE, FEW_SHOT, MAJORITY, MEASURES, TUNED, Comparison
from ftdata.evaluation.sentences import Sentence, sentence
from ftdata.evaluation.verdict import ALPHA, LEAST_APART, LEAST_ROWS, Against

Word = Literal["pays", "at a price", "price unknown", "no", "not told"]

MOST_ROWS = 100_000
"""More rows than these are not told as a number."""

_OPTIONS = {BASE: "--base", FEW_SHOT: "--few-shot"}
_NO_HOSTING = Running(Decimal(0), how="no hosting is counted")


@dataclass(frozen=True)
class Worth:
    """The paragraph, and the values that it was made of.

    `word` is `pays` (better, cheaper an answer, training paid for after `break_even`), `at a price` (better, not
    cheaper), `price unknown` (better), `no` (no gain shown, or worse), or `not told` (the data do not tell yet).
    `more_rows`: held-out rows that would show a gain if all goes on as seen; None: none would, or it is shown.
    """

    word: Word
    said: str
    sentences: tuple[Sentence, ...]
    costs: Mapping[str, AnswerCost]
    spent: Spent | None = None
    break_even: BreakEven | None = None
    more_rows: int | None = None

    @property
    def paragraph(self) -> str:
        """All of it, as one text."""
        return " ".join(("Was it worth it?", self.said, *map(str, self.sentences)))


def worth(
    found: Comparison,
    costs: Mapping[str, AnswerCost] | None = None,
    spent: Spent | None = None,
    running: Running = _NO_HOSTING,
    months: Decimal = Decimal(1),
) -> Worth:
    """Say whether the tuned model was worth it.

    `costs` are those of `answer_cost.costs`, `spent` what training cost (None: not known), `running` what the tuned
    model costs a month, counted over `months`.
    """
    return _Told(found, dict(costs or {}), spent, running, months).made()


def wanted_rows(one: Against, rows: int) -> int | None:
    """Give the rows at which a gain would be shown if all goes on as on these `rows`; None: there is none to show.

    Of a yes-or-no measure: at least 30 rows that only one of the two has right, and McNemar's p below 0.05, both kinds
    of rows as frequent as seen. Of a share: an interval that leaves out 0, its width falling with the root of the rows.
    """
    if one.only_tuned is None or one.only_other is None:
        mean, low, _ = one.difference
        return max(LEAST_ROWS, ceil(rows * ((mean - low) / mean) ** 2)) if mean > 0 else None
    if one.only_tuned <= one.only_other:
        return None
    from scipy.stats import binom

    apart = one.only_tuned + one.only_other
    most = LEAST_APART + ceil(MOST_ROWS * apart / rows)
    counts = np.arange(LEAST_APART, most)
    right = np.rint(counts * one.only_tuned / apart)
    # The exact test of a share of one half is twice its smaller tail: the numbers of `statistics.mcnemar`, at once.
    shown = np.flatnonzero(2 * binom.cdf(counts - right, counts, 0.5) < ALPHA)
    return max(LEAST_ROWS, ceil(int(counts[shown[0]]) * rows / apart)) if len(shown) else rows + MOST_ROWS + 1


class _Told:
    def __init__(
        self, found: Comparison, costs: dict[str, AnswerCost], spent: Spent | None, running: Running, months: Decimal
    ) -> None:
        self.found, self.costs, self.spent, self.running, self.months = found, costs, spent, running, months
        self.name, _, self.binary = MEASURES[found.task][0]
        self.means = {one.system: one.value for one in found.measures if one.name == self.name}
        self.against = {one.system: one for one in found.verdict.against}
        self.open = [one for one in found.verdict.against if one.outcome != "better"]

    def made(self) -> Worth:
        if self.found.verdict.word == "better":
            return self._better()
        more = self._more_rows()
        if all(one.outcome == "unknown" for one in self.open):
            return self._worth("not told", "Not told yet.", self._missing(more), more=more)
        said = "No, it is worse." if self.found.verdict.word == "worse" else "No."
        return self._worth("no", said, (*self._not_better(), *self._stopping(), self._changes(more)), more=more)

    def _worth(
        self,
        word: Word,
        said: str,
        sentences: tuple[Sentence, ...],
        even: BreakEven | None = None,
        more: int | None = None,
    ) -> Worth:
        return Worth(word, said, sentences, self.costs, self.spent, even, more)

    # --- better -------------------------------------------------------------------------------------------------------

    def _better(self) -> Worth:
        one = self.against[FEW_SHOT]  # without it the verdict is never "better"
        gain = sentence("gain", **self._beside(one))
        apart = self._apart(FEW_SHOT)
        if isinstance(apart, str):
            unknown = sentence("cost-unknown", **self._known(), why=apart)
            return self._worth(
                "price unknown", "It is better; whether that is worth its price is not known.", (gain, unknown)
            )
        saved, currency = apart
        if not saved:
            same = sentence("same", **self._priced(FEW_SHOT))
            return self._worth("at a price", "It is better, and an answer costs the same.", (gain, same))
        more = "less" if saved > 0 else "more"
        fields = {**self._priced(FEW_SHOT), "apart": f"{told(abs(saved))} {currency}", "more": more}
        first = (gain, sentence("costs", **fields))
        return self._cheaper(first, saved, currency) if saved > 0 else self._dearer(first, one, -saved, currency)

    def _cheaper(self, first: tuple[Sentence, ...], saved: Decimal, currency: str) -> Worth:
        even = self._paid_back(saved, currency)
        ends = sentence("ends", **self._priced(FEW_SHOT))
        if even.requests is None:
            earns = sentence("earns", thousand=f"{told(1000 * saved)} {currency}", why=even.unknown)
            said = "It is better and an answer is cheaper; when that has paid for training is not known."
            return self._worth("price unknown", said, (*first, earns, ends), even)
        low, requests, high = (f"{value:,}" if value is not None else "never" for value in even.requests)
        over = f" x {self.months:,} {'month' if self.months == 1 else 'months'}" if self.running.amount else ""
        paid = sentence(
            "paid-back",
            spent=self._spent(),
            spent_how=self.spent.how if self.spent else "",
            running=f"{self.running.how}{over}",
            requests=requests,
            low=low,
            high=high,
        )
        said = f"Yes, after {requests} requests." if even.requests[1] else "Yes, from the first request."
        return self._worth("pays", said, (*first, paid, ends), even)

    def _paid_back(self, saved: Decimal, currency: str) -> BreakEven:
        """Apply the formula of `cost`; an answer stands for the one token that has a price, on either side."""
        none = Decimal(0)
        costs = (self.costs[FEW_SHOT].amount or none, self.costs[TUNED].amount or none)
        if self.spent is None or self.running.amount is None:
            why = "what training cost is not known; give it with --spent" if self.spent is None else self.running.how
            return BreakEven(against=FEW_SHOT, currency=currency, saving=saved, unknown=why)
        others = {self.spent.money.currency, self.running.currency if self.running.amount else ""} - {"", currency}
        if others:
            why = f"amounts in {' and '.join(sorted({currency, *others}))} are not converted"
            return BreakEven(against=FEW_SHOT, currency=currency, saving=saved, unknown=why)
        terms = Terms(
            preparation=none,
            training=self.spent.money.amount,
            monthly=self.running.amount,
            months=self.months,
            prompt=Decimal(1),
            extra=none,
            answer=none,
            tuned_prompt=None,
            base_input=costs[0],
            base_cached=none,
            cache=none,
            base_output=none,
            tuned_input=costs[1],
            tuned_output=none,
        )
        return paid_back(FEW_SHOT, "the examples", currency, terms)

    def _dearer(self, first: tuple[Sentence, ...], one: Against, extra: Decimal, currency: str) -> Worth:
        step, what = (1, "one more right answer") if self.binary else (100, f"0.01 more of {self.name}")
        prices = [
            f"{told(extra / Decimal(repr(float(gain))) / step)} {currency}" if gain > 0 else "any price"
            for gain in (one.difference.mean, one.difference.high, one.difference.low)
        ]
        spent = self._spent() if self.spent is not None else "the cost"
        fields = {**self._priced(FEW_SHOT), "apart": f"{told(-extra)} {currency}"}
        sentences = (
            *first,
            sentence("right-answer", one=what, price=prices[0], best=prices[1], worst=prices[2], spent=spent),
            sentence("dearer", **fields),
        )
        return self._worth("at a price", f"It is better at a price: {what} costs {prices[0]}.", sentences)

    # --- not better ---------------------------------------------------------------------------------------------------

    def _not_better(self) -> Iterator[Sentence]:
        for one in self.open:
            if one.system == MAJORITY and self.found.confusion is not None:
                yield self._chance(one, len(self.found.confusion.labels))
            else:
                yield sentence("worse" if one.outcome == "worse" else "no-gain", **self._beside(one))
        base = self.against.get(BASE)
        if base is not None and base.outcome == "better":
            yield sentence("form", **self._beside(base))

    def _chance(self, one: Against, labels: int) -> Sentence:
        _, low, high = self.means[TUNED]
        beside = "no better than either is shown" if low <= 1 / labels else "no better than the label is shown"
        fields = {"labels": f"{labels:,}", "guess": _share(1 / labels), "least": _share(low), "most": _share(high)}
        return sentence(
            "chance", **self._beside(one), **fields, beside="worse than the label" if one.outcome == "worse" else beside
        )

    def _stopping(self) -> Iterator[Sentence]:
        """Say what an answer by the cheapest of those that were not beaten costs less, and what is lost."""
        priced = {one.system: apart for one in self.open if not isinstance(apart := self._apart(one.system), str)}
        if not priced:
            why = next((apart for one in self.open if isinstance(apart := self._apart(one.system), str)), "")
            yield sentence("stopping-unknown", **self._known(), why=why)
        else:
            system, (saved, currency) = min(priced.items(), key=lambda item: item[1][0])
            low = self._points(self.against[system].difference.low)
            fields = {**self._priced(system), "apart": f"{told(abs(saved))} {currency}", "low": low}
            yield sentence("stopping" if saved < 0 else "no-saving", **fields)
        if self.running.amount:
            monthly = f"{told(self.running.amount)} {self.running.currency}"
            yield sentence("stopping-monthly", spent=monthly, running=self.running.how)
        if self.spent is not None:
            yield sentence("unearned", spent=self._spent(), spent_how=self.spent.how)

    # --- not told, and what would change it ---------------------------------------------------------------------------

    def _missing(self, more: int | None) -> tuple[Sentence, ...]:
        rows = self.found.rows
        found = [] if self.against else [sentence("alone" if TUNED in self.means else "no-tuned", none=0)]
        if rows < LEAST_ROWS:
            found.append(sentence("few-rows", rows=f"{rows:,}", limit=LEAST_ROWS))
        for one in self.open if rows >= LEAST_ROWS else ():
            apart = (one.only_tuned or 0) + (one.only_other or 0)
            fields = {"apart": f"{apart:,}", "rows": f"{rows:,}", "limit": LEAST_APART}
            found.append(sentence("few-apart", **{**self._beside(one), **fields}))
        found += [self._changes(more)] if self.open else []
        missing = self.found.verdict.missing if self.against else ()
        found += [sentence("untried", system=name, none=0, option=_OPTIONS[name]) for name in missing]
        return tuple(found)

    def _more_rows(self) -> int | None:
        wanted = [wanted_rows(one, self.found.rows) for one in self.open]
        known = [count for count in wanted if count is not None]
        return max(0, max(known) - self.found.rows) if known and len(known) == len(wanted) else None

    def _changes(self, more: int | None) -> Sentence:
        rows = f"{self.found.rows:,}"
        if more is None:
            return sentence("no-rows", rows=rows)
        count = f"about {more:,}" if more <= MOST_ROWS else f"more than {MOST_ROWS:,}"
        wanted = f"McNemar p < {ALPHA} and {LEAST_APART} rows apart" if self.binary else "an interval without 0"
        return sentence("more-rows", rows=rows, more=count, wanted=f"wanted: {wanted}")

    # --- fields -------------------------------------------------------------------------------------------------------

    def _beside(self, one: Against) -> dict[str, object]:
        mean, low, high = one.difference
        return {
            "system": one.system,
            "tuned": self._score(TUNED),
            "other": self._score(one.system),
            "gain": f"{self._points(mean)} ({self._points(low, bare=True)} to {self._points(high, bare=True)})",
            "test": self._test(one),
        }

    def _score(self, system: str) -> str:
        mean = self.means[system].mean
        return f"is right in {_share(mean)}" if self.binary else f"has {self.name} {mean:.3f}"

    def _points(self, value: float, bare: bool = False) -> str:
        return f"{100 * value:+.1f}{'' if bare else ' points'}" if self.binary else f"{value:+.3f}"

    def _test(self, one: Against) -> str:
        told_by = f"{self.found.rows:,} rows, bootstrap interval at 95 %"
        if one.p is None or one.only_tuned is None or one.only_other is None:
            return told_by
        apart = one.only_tuned + one.only_other
        return f"{told_by}; McNemar p = {one.p:.2g}, limit {ALPHA}; {apart:,} rows apart, limit {LEAST_APART}"

    def _apart(self, other: str) -> tuple[Decimal, str] | str:
        """Give what an answer costs less by the tuned model than by another, and the currency; or why it is unknown."""
        amounts, currencies = [], set()
        for name in (other, TUNED):
            cost = self.costs.get(name)
            if cost is None or cost.amount is None:
                return f"{name}: {cost.how if cost is not None else 'no costs were asked for'}"
            amounts.append(cost.amount)
            currencies |= {cost.currency} if cost.amount else set()
        if len(currencies) > 1:
            return f"amounts in {' and '.join(sorted(currencies))} are not converted"
        return amounts[0] - amounts[1], next(iter(currencies), "")

    def _priced(self, other: str) -> dict[str, object]:
        mine = [self.costs[name] for name in (TUNED, other)]
        known = (*(cost.counted or cost.how for cost in mine), *(_dated(cite) for cost in mine for cite in cost.cites))
        sources = "; ".join(dict.fromkeys(known))
        return {"system": other, "cost": _amount(mine[0]), "other_cost": _amount(mine[1]), "sources": sources}

    def _known(self) -> dict[str, object]:
        models = [name for name in self.means if name != MAJORITY]
        known = [name for name in models if name in self.costs and self.costs[name].amount is not None]
        return {"known": len(known), "of": len(models)}

    def _spent(self) -> str:
        """Give what training cost; without a currency of its own it is in that of the answers."""
        if self.spent is None:
            return "an unknown amount"
        currency = self.spent.money.currency or next((one.currency for one in self.costs.values() if one.currency), "")
        return f"{told(self.spent.money.amount)} {currency}".rstrip()


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _amount(cost: AnswerCost) -> str:
    return f"{told(cost.amount)} {cost.currency}" if cost.amount else "nothing"


def _dated(cite: Cite) -> str:
    return f"prices of {cite.date.isoformat()}{', stale' if cite.stale else ''}" if cite.date is not None else cite.url
