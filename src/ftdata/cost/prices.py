"""The dated table of prices: what a value is, where it stands written, and on which day it was read.

`prices.toml` is the table that comes along; a file of the user's own is laid over it, value by value. Nothing is
fetched and nothing is converted. A value that nobody could source is written `"unknown"`, and stays so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path

from ftdata.cost.price_file import FACTORS, Block, read
from ftdata.errors import InputError

STALE_DAYS = 60
"""A price that was read longer ago than this is stale: said wherever it is used, and no basis for a limit."""

_DATED = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")
_BILLIONS = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)b(?![a-z])")


@dataclass(frozen=True)
class Price:
    """One value of the table: `amount` is per `unit` (None: unknown), `rate` per single token, hour, month or job."""

    vendor: str
    model: str
    what: str
    amount: Decimal | None
    currency: str
    unit: str
    url: str
    date: date
    evidence: str
    note: str
    stale: bool

    @property
    def rate(self) -> Decimal | None:
        """The amount per single token, hour, month, job or kWh."""
        return None if self.amount is None else self.amount / FACTORS[self.unit]


class Prices:
    """The prices of a day: blocks laid over each other, the later ones first; `today` decides what is stale."""

    def __init__(self, blocks: Sequence[Block], today: date) -> None:
        self.today = today
        self._blocks = tuple(blocks)

    def find(self, vendor: str, model: str, what: str) -> Price | None:
        """Give the price of something (`training`, `input`, …) for a model; None where the table has no line for it.

        A model is found by its name, without the date at its end; else, where the vendor prices by size, by the
        billions of parameters that its name tells (`llama-3.1-8b`: 8; of `8x7b` nothing is concluded). A line for
        the model `*` holds for every model of the vendor.
        """
        for named in (_same_name, _same_size, _any_model):
            for block in reversed(self._blocks):
                if block.vendor == vendor and what in block.amounts and named(block, model.lower()):
                    return self._price(block, what)
        return None

    def models(self, vendor: str) -> tuple[str, ...]:
        """List the models of a vendor of which the table tells a training price, known or not."""
        found = [b.model for b in self._blocks if b.vendor == vendor and "training" in b.amounts and b.model != "*"]
        return tuple(dict.fromkeys(found))

    def _price(self, block: Block, what: str) -> Price:
        return Price(
            vendor=block.vendor,
            model=block.model,
            what=what,
            amount=block.amounts[what],
            currency=block.currency,
            unit=block.unit,
            url=block.url,
            date=block.date,
            evidence=block.evidence,
            note=block.note,
            stale=(self.today - block.date).days > STALE_DAYS,
        )


def load(today: date, *overrides: Path | str) -> Prices:
    """Load the table that comes along, with files of prices laid over it, the last one on top.

    Raises:
        InputError: a file is not there or not readable.
        RecipeError: every fault of a file at once, each with its line.
    """
    own = resources.files(__package__ or "ftdata.cost") / "prices.toml"
    # A clock that is behind must not make the table that comes along a faulty one.
    blocks = list(read(own.read_text(encoding="utf-8"), "prices.toml", date.max))
    for path in overrides:
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            why = (error.strerror or "").lower() if isinstance(error, OSError) else "is not UTF-8"
            raise InputError(f"{path}: cannot be read: {why}; name a file of prices (TOML)") from None
        blocks += read(text, str(path), today)
    return Prices(blocks, today)


def _same_name(block: Block, model: str) -> bool:
    return block.model in (model, _DATED.sub("", model))


def _same_size(block: Block, model: str) -> bool:
    billions = _billions(model)
    return block.up_to is not None and billions is not None and block.above < billions <= block.up_to


def _any_model(block: Block, model: str) -> bool:
    return block.model == "*"


def _billions(model: str) -> Decimal | None:
    """Give the size that a model's name tells: of several (`30b-a3b`) the largest, of a mixture (`8x7b`) none."""
    if re.search(r"\dx\d", model):
        return None
    return max((Decimal(found) for found in _BILLIONS.findall(model)), default=None)
