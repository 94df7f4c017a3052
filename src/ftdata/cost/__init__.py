"""What fine-tuning costs, by each vendor's own rule, and after how many requests it has paid for itself.

`estimate(rows, plan, prices)` is a pure function: `rows` are tokens that somebody counted (`counting.py`, or a table of
one's own), `plan` says what is to be done (`plan.py`), `prices` is the dated table (`prices.py`). The rules are data
(`vendors.toml`) and small functions (`billing.py`). Money keeps its currency; a price that nobody could source stays
unknown, and what follows from it does too.
"""

from __future__ import annotations

from ftdata.cost.amounts import Money, Range, money
from ftdata.cost.bill import estimate
from ftdata.cost.break_even import BreakEven
from ftdata.cost.estimate import Estimate, Item, refusals
from ftdata.cost.plan import JobTokens, Plan, Usage
from ftdata.cost.prices import Prices, load

__all__ = [
    "BreakEven",
    "Estimate",
    "Item",
    "JobTokens",
    "Money",
    "Plan",
    "Prices",
    "Range",
    "Usage",
    "estimate",
    "load",
    "money",
    "refusals",
]
