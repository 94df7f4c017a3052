"""Make out the bill of a job: what is trained, what runs besides, and what is easily forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np

from ftdata.cost import billing
from ftdata.cost.alternatives import alternatives
from ftdata.cost.amounts import Money, Range, told
from ftdata.cost.estimate import GIVEN, Cite, Estimate, Item, cite_of
from ftdata.cost.plan import ESTIMATE_SHARE, Counts, JobTokens, Plan
from ftdata.cost.prices import Price, Prices
from ftdata.cost.vendors import Note, vendor
from ftdata.errors import RecipeError

OUR_EPOCHS = 3
"""Taken where neither the user nor the vendor's documents say: ours, the target of OpenAI's own default."""


def estimate(rows: JobTokens, plan: Plan, prices: Prices) -> Estimate:
    """Work out what a job costs, and after how many requests it has paid for itself.

    Raises:
        RecipeError: no such vendor, or a tier that it does not have.
    """
    return _Bill(rows, plan, prices).made()


class _Bill:
    def __init__(self, rows: JobTokens, plan: Plan, prices: Prices) -> None:
        self.rows, self.plan, self.prices = rows, plan, prices
        self.vendor = vendor(plan.vendor)
        self.left_out: list[str] = []
        self.epochs, self.epochs_why = self._epochs()
        self.billed, self.billed_how = self._billed()

    def made(self) -> Estimate:
        jobs = list(self._training())
        items = [*jobs, *self._running(), *self._hidden(jobs)]
        used = self.plan.usage
        compared, cites = alternatives(items, self.plan, used, self._price, self._tuned) if used else ((), ())
        return Estimate(
            vendor=self.vendor,
            model=self.plan.model,
            rows=len(self.rows.all),
            tokens={str(side): int(self.rows.side(str(side)).sum()) for side in np.unique(self.rows.split)},
            counted=self.rows.counted,
            epochs=self.epochs,
            epochs_why=self.epochs_why,
            billed=self.billed,
            billed_how=self.billed_how,
            months=self.plan.months,
            items=tuple(items),
            left_out=tuple(self.left_out),
            rule=self._rule(),
            alternatives=compared,
            usage_cites=cites,
            notes=(*self.vendor.notes, *self._dates()),
        )

    def _dates(self) -> Iterator[Note]:
        """Give the days on which the target closes or ends, or is deprecated: a saving lasts no longer."""
        from ftdata.targets import load, names

        for event in load(self.vendor.name).events if self.vendor.name in names() else ():
            if event.kind in ("closes", "ends", "deprecates"):
                since = "since" if event.date <= self.prices.today else "from"
                url = event.source.url or event.source.title
                yield Note(text=f"{since} {event.date.isoformat()}: {event.what}", url=url)

    def _rule(self) -> Cite:
        one = self.vendor
        return Cite(one.url, one.checked, one.evidence, rule=True) if one.checked else Cite(one.url or "no source")

    # --- training -----------------------------------------------------------------------------------------------------

    def _epochs(self) -> tuple[int, str]:
        if self.plan.epochs is not None:
            return self.plan.epochs, "as given"
        count = len(self.rows.side("train"))
        if self.vendor.epochs == "cookbook":
            return billing.cookbook_epochs(
                count
            ), "OpenAI's default: 3, unless that is under 100 or over 25,000 examples"
        if self.vendor.epochs is not None:
            return self.vendor.epochs, f"default of {self.vendor.title}"
        return OUR_EPOCHS, "ours, the vendor's default is not known; --epochs"

    def _billed(self) -> tuple[Range | None, str]:
        plan, epochs = self.plan, self.epochs
        count = len(self.rows.side("train"))
        match self.vendor.rule:
            case "capped":
                context, why = self._context()
                cut = billing.cut(self.rows.side("train"), context)
                limit = f"min(tokens, {context:,}), {why}; {cut:,} rows are cut" if context else f"tokens, {why}"
                return self._three(
                    lambda train, _: billing.capped(train, epochs, context)
                ), f"{epochs} x sum of {limit}"
            case "plain" | "local":
                return self._three(lambda train, _: billing.plain(train, epochs)), f"{epochs} x sum of tokens"
            case "packed" if plan.packing:
                how = f"{epochs} x training + {plan.evals} x validation tokens"
                return self._three(lambda train, val: billing.packed(train, val, epochs, plan.evals)), how
            case "packed":
                length = plan.max_seq_length
                if length is None:
                    return None, "without packing a row counts as a whole sequence; give --max-seq-length"
                how = f"{epochs} x {count:,} rows x {length:,} + {plan.evals} x validation tokens (no packing)"
                return self._three(lambda _, val: billing.unpacked(count, length, val, epochs, plan.evals)), how
        return None, f"how {self.vendor.title} bills is not known; ask the vendor"

    def _three(self, rule: Callable[[Counts, Counts], int]) -> Range:
        """Apply a rule to the counts, and to what they may be at least and at most where they are estimates."""
        train, val = self.rows.side("train"), self.rows.side("validation")
        base = rule(train, val)
        if not self.rows.estimated:
            return Range.exact(base)
        less, more = float(1 - ESTIMATE_SHARE), float(1 + ESTIMATE_SHARE)
        low = rule(np.floor(train * less).astype(np.int64), np.floor(val * less).astype(np.int64))
        high = rule(np.ceil(train * more).astype(np.int64), np.ceil(val * more).astype(np.int64))
        return Range(Decimal(low), Decimal(base), Decimal(high))

    def _context(self) -> tuple[int | None, str]:
        if self.plan.context is not None:
            return self.plan.context, "as given"
        from ftdata.targets import load

        for limit in load(self.vendor.name).limits:
            if limit.unit == "tokens" and self._named(limit.name):
                return limit.value, f"limit of {limit.name}, {limit.source}"
        return None, "uncut: the model's limit is not known; --context"

    def _named(self, name: str) -> bool:
        model = self.plan.model.lower()
        return model == name or (model.startswith(f"{name}-") and model[len(name) + 1 :].replace("-", "").isdigit())

    def _training(self) -> Iterator[Item]:
        if self.vendor.rule == "local":
            yield from self._local()
            return
        price = self._price("training" if self.plan.method == "sft" else "training-dpo")
        item = self._item("training", self.billed, price, "tokens", self.billed_how)
        factors = self.vendor.tiers.get(self.plan.tier)
        if factors is None and (self.vendor.tiers or self.plan.tier != "regional"):
            there = ", ".join(self.vendor.tiers) or "none"
            raise RecipeError(f"tier: {self.vendor.title} has no '{self.plan.tier}' training (there are: {there})")
        if factors is not None and item.amount is not None and self.plan.tier != "regional":
            how = f"{item.how} x {factors[1]} ({self.plan.tier})"
            cites = (*item.cites, self._rule())
            item = Item(item.name, item.amount.times(Range(*factors)), item.currency, how, cites)
        yield self._with_minimum(item) if self.vendor.minimum else item

    def _with_minimum(self, item: Item) -> Item:
        least = self._price("minimum")
        if least is None or least.amount is None:
            return Item(item.name, None, item.currency, "the vendor's minimum charge is not known", item.cites)
        how = f"{item.how}; at least {told(least.amount)} {least.currency}"
        if item.amount is None or item.currency not in ("", least.currency):
            return Item(item.name, None, least.currency, how, (*item.cites, cite_of(least)))
        return Item(item.name, item.amount.at_least(least.amount), least.currency, how, (*item.cites, cite_of(least)))

    def _local(self) -> Iterator[Item]:
        speed, rate = self.plan.tokens_per_second, self._money(self.plan.gpu_rate, "gpu", "--gpu-rate")
        if self.plan.watts is None:
            self.left_out.append("power (--watts and --power-rate; a rented GPU has it in its price)")
        if self.billed is None or speed is None:
            yield Item("training", None, "", "the speed is not known; measure it on 100 rows: --tokens-per-second")
            return
        hours = billing.gpu_hours(self.billed, speed)
        how = f"{self.billed.base:,.0f} tokens / {speed:,} a second = {told(hours.base)} h"
        yield _worth("training", hours, rate, how, "GPU hour")
        if self.plan.watts is None:
            return
        power = self._money(self.plan.power_rate, "power", "--power-rate")
        used = billing.energy(hours, self.plan.watts)
        yield _worth("power", used, power, f"{told(hours.base)} h x {self.plan.watts:,} W", "kWh")

    # --- what comes with it -------------------------------------------------------------------------------------------

    def _running(self) -> Iterator[Item]:
        months, hours = self.plan.months, self.plan.hosting_hours
        if hours is None and self.vendor.hosting == "always":
            hours = billing.HOURS_A_MONTH
        if hours is not None and self.vendor.hosting != "none":
            how = f"{hours:,} h a month x {_months(months)}"
            local = self.vendor.rule == "local"
            name = "--gpu-rate" if local else "--prices"
            rate = self._money(self.plan.gpu_rate if local else None, "gpu" if local else "hosting", name)
            yield _worth("hosting", Range.exact(hours * months), rate, how, "hour")
        elif self.vendor.hosting == "asked":
            self.left_out.append("hosting (--hosting-hours a month)")
        if self.vendor.storage:
            yield self._item("storage", Range.exact(months), self._price("storage"), "months", _months(months))

    def _hidden(self, jobs: list[Item]) -> Iterator[Item]:
        plan = self.plan
        if plan.labelling_hours is None:
            self.left_out.append("labelling (--labelling-hours and --labelling-rate)")
        else:
            rate = (plan.labelling_rate, GIVEN) if plan.labelling_rate else "give --labelling-rate"
            how = f"{plan.labelling_hours:,} h of people"
            yield _worth("labelling", Range.exact(plan.labelling_hours), rate, how, "hour")
        if plan.evaluation_runs:
            yield self._evaluation(plan.evaluation_runs)
        else:
            self.left_out.append("evaluation (--evaluation-runs)")
        again = billing.trainings(plan.months, plan.retrain_months) - 1
        if plan.retrain_months is None:
            self.left_out.append("retraining (--retrain-months)")
        for job in jobs if again else ():
            amount = None if job.amount is None else job.amount.times(again)
            how = f"{again} more within {_months(plan.months)}" if amount else f"{job.name} is not known"
            yield Item(
                "retraining" if job.name == "training" else f"retraining, {job.name}",
                amount,
                job.currency,
                how,
                job.cites,
            )

    def _evaluation(self, runs: int) -> Item:
        everything, learnt = int(self.rows.side("validation").sum()), int(self.rows.learnt("validation").sum())
        if not everything:
            return Item("evaluation", None, "", "there are no validation rows to ask; give --validation")
        asked = self._item("", Range.exact((everything - learnt) * runs), self._tuned("input"), "tokens", "")
        answered = self._item("", Range.exact(learnt * runs), self._tuned("output"), "tokens", "")
        if asked.amount is None or answered.amount is None or asked.currency != answered.currency:
            return Item(
                "evaluation", None, "", "the tuned model's prices are not known", (*asked.cites, *answered.cites)
            )
        how = f"{runs} x {everything - learnt:,} tokens in and {learnt:,} out, validation"
        return Item("evaluation", asked.amount + answered.amount, asked.currency, how, (*asked.cites, *answered.cites))

    # --- prices -------------------------------------------------------------------------------------------------------

    def _price(self, what: str, model: str | None = None) -> Price | None:
        return self.prices.find(self.vendor.name, self.plan.model if model is None else model, what)

    def _tuned(self, what: str) -> Price | None:
        return self._price(what) or (self._price(f"base-{what}") if self.vendor.like_base else None)

    def _item(self, name: str, count: Range | None, price: Price | None, of: str, how: str) -> Item:
        if price is None:
            models = self.prices.models(self.vendor.name)
            there = f"; priced are: {', '.join(models)}" if models else ""
            why = f"there is no price for {self.plan.model or 'a model without a name'}{there}"
            return Item(name, None, "", f"{why}; give it with --prices" if self.vendor.rule != "unknown" else how)
        if price.rate is None:
            return Item(
                name, None, price.currency, f"{how}; the price is not known; give it with --prices", (cite_of(price),)
            )
        if count is None:
            return Item(name, None, price.currency, how, (cite_of(price),))
        by = f"{count.base:,.0f} {of} x {price.amount:,} {price.currency} / {price.unit}"
        by += f" ({price.model})" if price.model not in (self.plan.model.lower(), "*") else ""
        return Item(name, count.times(price.rate), price.currency, by, (cite_of(price),))

    def _money(self, given: Money | None, what: str, option: str) -> tuple[Money, Cite] | str:
        """Give a rate and where it stands written, or what to do to have one."""
        if given is not None:
            return given, GIVEN
        price = self._price(what)
        if price is None or price.rate is None:
            return f"the price is not known; give {option}"
        return Money(price.rate, price.currency), cite_of(price)


def _months(count: Decimal) -> str:
    return f"{count:,} {'month' if count == 1 else 'months'}"


def _worth(name: str, count: Range, rate: tuple[Money, Cite] | str, how: str, unit: str) -> Item:
    if isinstance(rate, str):
        return Item(name, None, "", f"{how}; {rate}")
    money, cite = rate
    return Item(name, count.times(money.amount), money.currency, f"{how} x {money} / {unit}", (cite,))
