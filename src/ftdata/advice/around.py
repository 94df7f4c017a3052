"""What stands around the rows: where they would be trained and until when, what that costs, what is stated of them.

Nothing of it is known unless the user says so: then each of these numbers is unknown, and no rule fires on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from ftdata.advice.measure import Signals
from ftdata.advice.signals import Value
from ftdata.cost.amounts import spoken
from ftdata.cost.bill import estimate
from ftdata.cost.estimate import Estimate
from ftdata.cost.plan import JobTokens, Plan, Usage
from ftdata.cost.prices import load as prices
from ftdata.cost.vendors import known
from ftdata.targets import load, names

EXAMPLES = 8
"""Examples in the prompt that tuning is held against: what `ftdata advise --few-shot 8` prints."""
_MONTH = Decimal("30.44")
_NAMES = ("target", "planned_months", "last_day", "months_short", "tuning_cost", "paid_back", "requests")


@dataclass(frozen=True)
class Intent:
    """What the user means to do: `target` and `model` to tune, how long the model is to live, requests a month."""

    target: str | None = None
    model: str = ""
    months: Decimal = Decimal(12)
    requests: Decimal | None = None


def around(signals: Signals, meant: Intent, today: date) -> dict[str, Value]:
    """Give the numbers, by name.

    `target`; `planned_months`; `last_day` on which it takes a job, and by how many months the plan outlives that
    (`months_short`, 0 or less where it does not); `tuning_cost` as `ftdata cost` has it over those months;
    `paid_back`, the share of it that comes back, against a prompt with 8 examples of the rows' own length; `stated`,
    how many of licence, source and lawful basis a run states of its rows. Raises `RecipeError` for a name that is
    neither a target nor a vendor.
    """
    found: dict[str, Value] = dict.fromkeys(_NAMES) | {"stated": signals.evidence.held.stated}
    if meant.target is None:
        return found
    found |= {"target": meant.target, "planned_months": float(meant.months)}
    if meant.requests is not None:
        found["requests"] = float(meant.requests)
    if meant.target in names() or meant.target.endswith(".toml") or not known(meant.target):
        last = load(meant.target).last_day
        if last is not None:
            left = Decimal((last - today).days) / _MONTH
            found |= {"last_day": last.isoformat(), "months_short": round(float(meant.months - left), 1)}
    if known(meant.target):
        bill = estimate(_tokens(signals), _plan(signals, meant), prices(today))
        found["tuning_cost"] = _total(bill)
        needed = bill.alternatives[0].requests if bill.alternatives else None
        if needed is not None and meant.requests is not None:
            once = needed[1]
            found["paid_back"] = 0.0 if not once else round(float(meant.requests * meant.months / once), 4)
    return found


def _tokens(signals: Signals) -> JobTokens:
    frame = signals.evidence.frames["tokens"]
    whole, learnt = (frame[name].to_numpy().astype(np.int64) for name in ("all", "trained"))
    count = signals.evidence.count
    return JobTokens(whole, learnt, np.full(len(whole), "train"), count.told, estimated=not count.exact)


def _plan(signals: Signals, meant: Intent) -> Plan:
    """Plan the job; the model would be asked what the rows ask."""
    frame = signals.evidence.frames["tokens"]
    rows, whole, learnt = frame.height, int(frame["all"].sum()), int(frame["trained"].sum())
    usage = Usage(
        requests=meant.requests,
        prompt=(whole - learnt) // rows,
        answer=learnt // rows,
        few_shot=EXAMPLES * whole // rows,
    )
    return Plan(vendor=str(meant.target), model=meant.model, months=meant.months, usage=usage)


def _total(bill: Estimate) -> str | None:
    known = [f"{spoken(amount, currency)}{' (stale)' if bill.stale else ''}" for currency, amount in bill.known.items()]
    return None if bill.unknown or not known else " + ".join(known)
