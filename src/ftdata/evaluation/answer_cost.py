"""What one answer of each system costs: its tokens, or its seconds, by the dated table of prices.

    cost of an answer = tokens of the prompt x price of input + tokens of the answer x price of output
    on a machine of one's own = seconds of an answer x rate of an hour / 3600

Tokens and seconds are means over the rows that all systems answered. A price that is not known stays so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from urllib.parse import urlsplit

import numpy as np
import polars as pl

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message
from ftdata.cost.amounts import Money, told
from ftdata.cost.billing import HOURS_A_MONTH
from ftdata.cost.estimate import GIVEN, Cite, cite_of
from ftdata.cost.prices import Price, Prices
from ftdata.cost.vendors import known, vendor
from ftdata.errors import RecipeError
from ftdata.evaluation.answers import Answers
from ftdata.evaluation.asking.prompts import INSTRUCT
from ftdata.evaluation.comparison import BASE, FEW_SHOT, MAJORITY, TUNED
from ftdata.evaluation.held_out import HeldOut
from ftdata.tokens import chosen, per_row

LOCAL = "local"
"""The vendor of what runs on a machine of one's own."""

_HOSTS = {"openai": "api.openai.com", "azure": ".azure.com"}
"""Vendors by the hosts of their endpoints."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOUR = 3600
_MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True)
class Rates:
    """What costs depend on: the table of prices, which model each system is, and what else was given.

    `models` maps systems to words: `openai:gpt-4o-mini`, `local:FOLDER+ADAPTER`, `URL#MODEL`. `gpu_rate` is the price
    of an hour of one's own machine; `tokenizer` counts where no usage is known (default: that of the model, else four
    characters are a token); `shots` are the rows that the base with examples is shown before each question.
    """

    prices: Prices
    models: Mapping[str, str] = field(default_factory=dict)
    gpu_rate: Money | None = None
    tokenizer: str | None = None
    shots: tuple[Conversation, ...] | None = None


@dataclass(frozen=True)
class AnswerCost:
    """What an answer of a system takes and costs, means over `answers`. None is not known; `how` says what is missing.

    `read` and `written` are tokens, `counted` how they are known; `how` is the arithmetic.
    """

    system: str
    answers: int
    model: str = ""
    read: Decimal | None = None
    written: Decimal | None = None
    seconds: Decimal | None = None
    counted: str = ""
    amount: Decimal | None = None
    currency: str = ""
    how: str = ""
    cites: tuple[Cite, ...] = ()

    @property
    def said(self) -> str:
        """The cost in a few words; of a machine without a price its seconds."""
        if self.amount is None:
            if self.seconds is None or not self.model or named(self.model)[0] != LOCAL:
                return "unknown"
            return f"{told(self.seconds, 1)} s"
        stale = " (stale)" if any(cite.stale for cite in self.cites) else ""
        return f"{told(self.amount)} {self.currency}{stale}" if self.amount else "nothing"


@dataclass(frozen=True)
class Running:
    """What a tuned model costs a month, asked or not; `amount` is None where that is not known, `how` says what."""

    amount: Decimal | None
    currency: str = ""
    how: str = ""
    cites: tuple[Cite, ...] = ()


@dataclass(frozen=True)
class Spent:
    """What training cost, and how that is known; without a currency it is in that of the answers."""

    money: Money
    how: str
    cites: tuple[Cite, ...] = ()


def costs(held: HeldOut, systems: Sequence[Answers], rates: Rates) -> dict[str, AnswerCost]:
    """Give the cost of an answer of each system, on the rows that all of them answered.

    Of labels the most common answer is there too; it costs nothing.

    Raises:
        RecipeError: a word of `rates.models` names no model, or a system without answers; there is no such tokenizer.
    """
    there = [one.system for one in systems]
    for system in rates.models:
        if system not in there:
            listed = ", ".join(map(_called, there))
            raise RecipeError(f"--model {_called(system)}=…: there are no answers of that system (there are: {listed})")
    at = [i for i in range(len(held.questions)) if all(one.texts[i] is not None for one in systems)]
    found = {one.system: _cost(held, one, at, rates) for one in systems}
    if held.task == "labels":
        found[MAJORITY] = AnswerCost(MAJORITY, len(at), amount=Decimal(0), how="needs no model")
    return found


def _called(system: str) -> str:
    """Give what the command line calls a system."""
    return "few-shot" if system == FEW_SHOT else system


def named(word: str) -> tuple[str, str]:
    """Take a word apart: the vendor that is paid (`local` for a machine of one's own), and the model.

    Raises `RecipeError` if it names none.
    """
    address = urlsplit(word) if word.startswith(("http://", "https://")) else None
    if address is not None:
        host, model = address.hostname or "", word.partition("#")[2]
        seller = next((name for name, ends in _HOSTS.items() if host.endswith(ends)), host)
        seller = LOCAL if host in _LOOPBACK else seller
    else:
        seller, _, model = word.partition(":")
    if not seller or not model:
        raise RecipeError(f"--model: '{word}' names no model; write openai:gpt-4o-mini, local:FOLDER or URL#MODEL")
    return (vendor(seller).name if known(seller) else seller), model


def _cost(held: HeldOut, one: Answers, at: list[int], rates: Rates) -> AnswerCost:
    word = rates.models.get(one.system)
    usage = [one.usage[i] for i in at] if one.usage else []
    took = [used.seconds for used in usage if used is not None and used.seconds is not None]
    seconds = Decimal(repr(float(np.mean(took)))).quantize(_MILLIONTH) if took else None
    if word is None:
        how = f"which model this is was not said; --model {_called(one.system)}=VENDOR:MODEL"
        return AnswerCost(one.system, len(at), seconds=seconds, how=how)
    seller, model = named(word)
    if seller == LOCAL:
        return _machine(AnswerCost(one.system, len(at), word, seconds=seconds), model, rates)
    tokens = [
        (used.prompt_tokens, used.completion_tokens)
        for used in usage
        if used is not None and used.prompt_tokens is not None and used.completion_tokens is not None
    ]
    if not tokens:
        read, written, counted = _counted(held, one, at, model, rates)
        return _asked(AnswerCost(one.system, len(at), word, read, written, seconds, counted), seller, model, rates)
    counted = f"tokens as told with {len(tokens):,} of {len(at):,} answers"
    asked, said = (_mean([pair[side] for pair in tokens]) for side in (0, 1))
    return _asked(AnswerCost(one.system, len(at), word, asked, said, seconds, counted), seller, model, rates)


def _mean(values: Sequence[int]) -> Decimal:
    return Decimal(sum(values)) / len(values) if values else Decimal(0)


def _counted(
    held: HeldOut, one: Answers, at: list[int], model: str, rates: Rates
) -> tuple[Decimal | None, Decimal, str]:
    """Count what was asked and answered, where no usage tells: questions as the held-out rows hold them."""
    counter = chosen(rates.tokenizer, model.removeprefix("ft:").partition(":")[0])
    counted = f"no usage is told, so counted: {counter.told}"
    answered = counter.counts(pl.Series([one.texts[i] for i in at], dtype=pl.String))
    written = _mean([int(count) for count in answered])
    shown: list[Message] = []
    if one.system == FEW_SHOT:
        if rates.shots is None:
            return None, written, f"{counted}; the examples in its prompt are not known"
        shown = [turn for row in rates.shots for turn in row.messages or () if turn.role not in INSTRUCT]
    asked = (Conversation(messages=(*shown, *held.questions[i].messages)) for i in at)
    read = [int(count) for batch in to_batches(asked) for count in per_row(batch, counter).all]
    if any(held.questions[i].tools for i in at):
        counted += ", without tool definitions"
    return _mean(read), written, counted


# --- prices -----------------------------------------------------------------------------------------------------------


def _asked(cost: AnswerCost, seller: str, model: str, rates: Rates) -> AnswerCost:
    reading, writing = (_price(cost.system, seller, model, what, rates) for what in ("input", "output"))
    cites = tuple(dict.fromkeys(cite_of(price) for price in (reading, writing) if price is not None))
    if reading is None or writing is None or reading.rate is None or writing.rate is None:
        how = f"no price of {cost.model} is known for input and output; give it with --prices"
        return replace(cost, how=how, cites=cites)
    if cost.read is None or cost.written is None:
        return replace(cost, how=f"{cost.counted}; give the answers with their prompt_tokens", cites=cites)
    if reading.currency != writing.currency:
        how = f"amounts in {reading.currency} and {writing.currency} are not converted"
        return replace(cost, how=how, cites=cites)
    amount = cost.read * reading.rate + cost.written * writing.rate
    how = f"{_times(cost.read, reading)} in + {_times(cost.written, writing)} out"
    return replace(cost, amount=amount, currency=reading.currency, how=how, cites=cites)


def _times(count: Decimal, price: Price) -> str:
    return f"{count:,.1f} tokens x {price.amount:,} {price.currency} / {price.unit}"


def _price(system: str, seller: str, model: str, what: str, rates: Rates) -> Price | None:
    """Find a price: of a fine-tuned model the tuned price of its base, of any other that of the base."""
    base = _base(system, seller, model, rates)
    if base is None:
        return rates.prices.find(seller, model, f"base-{what}")
    like = known(seller) and vendor(seller).like_base
    return rates.prices.find(seller, base, what) or (rates.prices.find(seller, base, f"base-{what}") if like else None)


def _base(system: str, seller: str, model: str, rates: Rates) -> str | None:
    """Give the model that a fine-tuned one was made of; None for one that is not.

    OpenAI writes it into the name (`ft:gpt-4o-mini-2024-07-18:org::id`). Elsewhere a tuned model has a name of its own
    (a deployment's, an account's): then it is what the base is, at the same vendor.
    """
    if model.startswith("ft:"):
        return model.split(":")[1]
    if system != TUNED or seller == "openai":
        return None
    word = next((rates.models[name] for name in (BASE, FEW_SHOT) if name in rates.models), None)
    vendor_of_base, base = named(word) if word else ("", "")
    return base if vendor_of_base == seller else model


def _machine(cost: AnswerCost, model: str, rates: Rates) -> AnswerCost:
    if cost.seconds is None:
        return replace(cost, how="its seconds are not told; give the answers with their seconds")
    taken = f"{told(cost.seconds, 1)} s an answer"
    rate, currency, cites = _hourly(model, rates)
    if rate is None:
        return replace(cost, how=f"costs what the machine costs: {taken}; --gpu-rate gives that a price", cites=cites)
    amount = cost.seconds / _HOUR * rate
    return replace(
        cost, amount=amount, currency=currency, how=f"{taken} x {told(rate)} {currency} an hour", cites=cites
    )


def _hourly(model: str, rates: Rates) -> tuple[Decimal | None, str, tuple[Cite, ...]]:
    if rates.gpu_rate is not None:
        return rates.gpu_rate.amount, rates.gpu_rate.currency, (GIVEN,)
    price = rates.prices.find(LOCAL, model, "gpu")
    return (None, "", ()) if price is None else (price.rate, price.currency, (cite_of(price),))


def running(rates: Rates) -> Running:
    """Give what the tuned model costs a month besides its answers: hosting that is billed when idle, too, and storage.

    Only what falls due whether asked or not is counted (`hosting = "always"` and `storage` of `vendors.toml`).
    """
    word = rates.models.get(TUNED)
    seller, model = named(word) if word else ("", "")
    if not known(seller) or seller == LOCAL:
        idle = "; the hours in which the machine waits are not in it" if seller == LOCAL else ""
        return Running(Decimal(0), how=f"no hosting is counted{idle}")
    bill = vendor(seller)
    due = [("hosting", HOURS_A_MONTH)] * (bill.hosting == "always") + [("storage", Decimal(1))] * bill.storage
    amount, parts, cites, currency = Decimal(0), [], [], ""
    for what, times in due:
        price = rates.prices.find(seller, _base(TUNED, seller, model, rates) or model, what)
        if price is None or price.rate is None or currency not in ("", price.currency):
            return Running(None, how=f"the price of {what} at {bill.title} is not known; give it with --prices")
        amount, currency = amount + price.rate * times, price.currency
        parts.append(f"{what} {told(price.rate * times)} {currency} a month")
        cites.append(cite_of(price))
    asked = "; hosting by the hour is not in it" if bill.hosting == "asked" else ""
    return Running(amount, currency, f"{' + '.join(parts) or 'no hosting is billed'}{asked}", tuple(cites))


def spent_on(rates: Rates, trained_tokens: int | None = None, seconds: float | None = None) -> Spent | None:
    """Give what a job cost, by the tokens that the vendor trained, or the seconds that one's own machine took.

    None where that, the model, or its price is not known.
    """
    word = rates.models.get(TUNED)
    if word is None:
        return None
    seller, model = named(word)
    if seller == LOCAL:
        rate, currency, cites = _hourly(model, rates)
        if rate is None or seconds is None:
            return None
        amount = Decimal(repr(seconds)) / _HOUR * rate
        return Spent(Money(amount, currency), f"{seconds:,.0f} s x {told(rate)} {currency} an hour", cites)
    price = rates.prices.find(seller, _base(TUNED, seller, model, rates) or model, "training")
    if price is None or price.rate is None or price.amount is None or trained_tokens is None:
        return None
    how = f"{trained_tokens:,} trained tokens x {price.amount:,} {price.currency} / {price.unit}"
    return Spent(Money(trained_tokens * price.rate, price.currency), how, (cite_of(price),))
