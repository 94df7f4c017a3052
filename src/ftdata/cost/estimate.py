"""What a job costs: each item with its arithmetic and where its price stands written; unknown stays unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ftdata.cost.amounts import Money, Range, told, total
from ftdata.cost.break_even import BreakEven
from ftdata.cost.price_file import EVIDENCE
from ftdata.cost.prices import Price
from ftdata.cost.vendors import Note, Vendor


@dataclass(frozen=True)
class Cite:
    """Where a price stands written, or with `rule` how the vendor bills; without a date it is no vendor's."""

    url: str
    date: date | None = None
    evidence: str = "own"
    note: str = ""
    stale: bool = False
    rule: bool = False

    def __str__(self) -> str:
        if self.date is None:
            return self.url
        dated = f"{'rule, checked' if self.rule else 'table'} {self.date.isoformat()}{', stale' if self.stale else ''}"
        return f"{self.url} ({dated}) {EVIDENCE[self.evidence]}{'; ' * bool(self.note)}{self.note}"


GIVEN = Cite("as given")
"""A figure of the user's own, given with an option."""


def cite_of(price: Price) -> Cite:
    """Say where a price stands written."""
    return Cite(price.url, price.date, price.evidence, price.note, price.stale)


@dataclass(frozen=True)
class Item:
    """One line of a bill; an `amount` of None is unknown, and `how` says what is missing."""

    name: str
    amount: Range | None
    currency: str
    how: str
    cites: tuple[Cite, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """What a job costs, and when it pays.

    `billed` are the tokens that the vendor bills (None: its rule is not known, or lacks a number); `items` are added up
    over `months`; `left_out` names what was not counted and how to have it counted, `notes` what else a user should
    know of the bill.
    """

    vendor: Vendor
    model: str
    rows: int
    tokens: dict[str, int]
    counted: str
    epochs: int
    epochs_why: str
    billed: Range | None
    billed_how: str
    months: Decimal
    items: tuple[Item, ...]
    left_out: tuple[str, ...]
    rule: Cite
    alternatives: tuple[BreakEven, ...] = ()
    usage_cites: tuple[Cite, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def totals(self) -> dict[str, Range | None]:
        """Add the items up by currency; None where one of them is unknown. Currencies are never converted."""
        return dict.fromkeys(self.known or [""]) if self.unknown else dict(self.known)

    @property
    def known(self) -> dict[str, Range]:
        """Add the items up by currency as far as they are known."""
        currencies = sorted({item.currency for item in self.items if item.amount is not None})
        return {one: total(i.amount for i in self.items if i.amount and i.currency == one) for one in currencies}

    @property
    def unknown(self) -> tuple[str, ...]:
        """Name the items whose amount is not known, with what is missing."""
        return tuple(f"{item.name}: {item.how}" for item in self.items if item.amount is None)

    @property
    def cites(self) -> tuple[Cite, ...]:
        """List where the figures stand written, each once, in the order of the items."""
        found = [self.rule, *(cite for item in self.items for cite in item.cites), *self.usage_cites]
        return tuple(dict.fromkeys(found))

    @property
    def stale(self) -> tuple[Cite, ...]:
        """List the sources of the known items' prices that were read too long ago."""
        known = [cite for item in self.items if item.amount is not None for cite in item.cites]
        return tuple(dict.fromkeys(cite for cite in known if cite.stale))


def refusals(found: Estimate, limit: Money) -> tuple[str, ...]:
    """Say why a limit on the cost is not kept: something unknown, a stale price, another currency, too much.

    The most that the estimate may be counts, over all its items. No sentence: the limit is kept.
    """
    why = [f"{one}; what is unknown keeps no limit" for one in found.unknown]
    why += [f"the price is stale: {cite}; read it again and give it with --prices" for cite in found.stale]
    for currency, amount in found.totals.items():
        if amount is None:
            continue
        if limit.currency and currency != limit.currency:
            why.append(f"the estimate is in {currency}, the limit in {limit.currency}; nothing is converted")
        elif amount.high > limit.amount:
            why.append(f"the estimate of up to {told(amount.high)} {currency} is above the limit of {limit}")
    if len(found.totals) > 1 and not limit.currency:
        why.append("the estimate is in several currencies; name that of the limit and leave out the others")
    return tuple(why)
