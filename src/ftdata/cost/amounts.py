"""Money as it is given: an exact amount in one currency, never converted, and how far it may lie off."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from ftdata.errors import RecipeError

_MONEY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Z]{3})?")


class Money(NamedTuple):
    """An amount in a currency (its three capital letters); the currency is empty where none was named."""

    amount: Decimal
    currency: str = ""

    def __str__(self) -> str:
        return f"{told(self.amount)} {self.currency}".rstrip()


def money(text: str) -> Money:
    """Read `50`, `50 EUR` or `2.10EUR`.

    Raises:
        RecipeError: it is no amount of 0 or more with, at most, a currency of three capital letters behind it.
    """
    found = _MONEY.fullmatch(text.strip())
    if found is None:
        raise RecipeError(f"'{text}' is no amount of money; write it as 50 or 2.10 EUR")
    return Money(Decimal(found[1]), found[2] or "")


@dataclass(frozen=True)
class Range:
    """A value of 0 or more with the least and the most that it may be; all three are equal where it is exact."""

    low: Decimal
    base: Decimal
    high: Decimal

    @classmethod
    def exact(cls, value: Decimal | int) -> Range:
        """Make a range of one value."""
        return cls(Decimal(value), Decimal(value), Decimal(value))

    @classmethod
    def around(cls, value: Decimal | int, share: Decimal) -> Range:
        """Make a range that lies off by at most this share of the value, to both sides."""
        return cls(value * (1 - share), Decimal(value), value * (1 + share))

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.base + other.base, self.high + other.high)

    def times(self, factor: Range | Decimal | int) -> Range:
        """Multiply; as nothing is negative, the least comes of the least."""
        by = factor if isinstance(factor, Range) else Range.exact(factor)
        return Range(self.low * by.low, self.base * by.base, self.high * by.high)

    def at_least(self, floor: Decimal) -> Range:
        """Lift what lies below a floor up to it."""
        return Range(max(self.low, floor), max(self.base, floor), max(self.high, floor))

    @property
    def spread(self) -> bool:
        """Whether there is more than one value."""
        return self.low != self.high


def total(ranges: Iterable[Range]) -> Range:
    """Add ranges up."""
    made = Range.exact(0)
    for one in ranges:
        made += one
    return made


def told(amount: Decimal, digits: int = 2) -> str:
    """Give an amount with so many decimals, or as many more as show its first two digits."""
    if amount and abs(amount) < 1:
        digits = max(digits, 1 - amount.adjusted())
    return f"{amount:,.{min(digits, 9)}f}"


def spoken(amount: Range, currency: str) -> str:
    """Give a range of money as `4.61 USD (3.23-5.99)`; an exact one without the brackets."""
    text = f"{told(amount.base)} {currency}"
    return f"{text} ({told(amount.low)}-{told(amount.high)})" if amount.spread else text
