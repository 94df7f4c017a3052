"""How the vendors bill: `vendors.toml`, read and checked."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ftdata.errors import RecipeError
from ftdata.wording import hint


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Note(_Value):
    """What a user should know of a vendor's bill, and where it stands written."""

    text: str
    url: str


class Vendor(_Value):
    """How one vendor bills a job: the rule (see `ftdata.cost.billing`), its defaults, and where it stands written."""

    name: str
    title: str
    also: tuple[str, ...] = Field((), description="other names under which `--for` takes it")
    rule: Literal["capped", "plain", "packed", "local", "unknown"]
    formula: str = "unknown"
    epochs: int | Literal["cookbook"] | None = Field(None, description="default; none: not known of this vendor")
    hosting: Literal["none", "always", "asked"] = "none"
    storage: bool = Field(False, description="whether a tuned model costs something every month")
    minimum: bool = Field(False, description="whether a job has a least price")
    like_base: bool = Field(False, description="whether the tuned model's tokens cost what the base model's cost")
    tiers: dict[str, tuple[Decimal, Decimal, Decimal]] = Field(
        default_factory=dict, description="factor on the rate: least, taken, most"
    )
    evidence: str = "unknown"
    url: str = ""
    checked: date | None = None
    notes: tuple[Note, ...] = ()


@cache
def vendors() -> tuple[Vendor, ...]:
    """List the vendors whose bill is known, or known to be unknown."""
    text = (resources.files(__package__ or "ftdata.cost") / "vendors.toml").read_text(encoding="utf-8")
    return tuple(Vendor.model_validate(entry) for entry in tomllib.loads(text, parse_float=Decimal)["vendor"])


def known(name: str) -> bool:
    """Say whether there is a vendor of this name, or of this other name."""
    return any(name in (one.name, *one.also) for one in vendors())


def vendor(name: str) -> Vendor:
    """Give a vendor by its name or one of its other names.

    Raises:
        RecipeError: there is none; the message lists those there are.
    """
    for one in vendors():
        if name in (one.name, *one.also):
            return one
    words = [word for one in vendors() for word in (one.name, *one.also)]
    there = f"{hint(name, words)} (there are: {', '.join(words)})"
    raise RecipeError(f"for: '{name}' is no vendor whose bill is known{there}")
