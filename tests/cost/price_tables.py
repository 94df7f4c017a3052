"""Tables of prices written in a test."""

from __future__ import annotations

from datetime import date

from ftdata.cost.price_file import read
from ftdata.cost.prices import Prices


def parse(text: str, place: str, today: date) -> Prices:
    return Prices(read(text, place, today), today)
