"""Write the rows of a task that a small model can learn, or of one that nobody can, from a public table of tickets.

    python benchmarks/learns/rows.py extraction out/learns/extraction.jsonl
    python benchmarks/learns/rows.py types out/learns/types.jsonl

`extraction`: a ticket as a mail, header and body, and as answer a JSON object of five keys: four are copied from the
header, the date of purchase is rewritten (`22 Mar 2021` to `2021-03-22`). None of them is private; name and address
stand in the header, for the step `pii` to take them out.

`types`: subject and body, and as answer the type of the ticket. The types of this table were drawn at random
(`--independence` tests that), so there is nothing to learn but the look of an answer. No instruction names the types,
as in many tuning files: the untuned model cannot know what is asked of it.

The table is not part of this repository: a sample of Kaggle's "Customer Support Ticket Dataset" (suraj520), 500 rows
with made-up names and addresses, from github.com/andkuster/customer-support-ticket. `--table` says where it lies.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from ftdata import files

HERE = Path(__file__).resolve().parent
TABLE = HERE.parents[2] / "shared/data/tickets/kaggle_customer_support_tickets_first500.csv"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""As in the header of a mail (RFC 5322, 3.3); not strftime's, which follow the machine's language."""
INSTRUCTION = (
    "Read the ticket. Answer only with a JSON object of the keys product, purchased (YYYY-MM-DD), subject, channel, "
    "priority."
)
MENTION = "{product_purchased}"


class Ticket(NamedTuple):
    """What the tasks use of a row of the table."""

    number: str
    name: str
    email: str
    product: str
    purchased: datetime.date
    type: str
    subject: str
    text: str
    channel: str
    priority: str


def tickets(table: Path) -> list[Ticket]:
    """Read the table; the product's name takes the place of the macro that was left in the texts."""
    with table.open(encoding="utf-8", newline="") as file:
        return [
            Ticket(
                number=row["Ticket ID"],
                name=row["Customer Name"],
                email=row["Customer Email"],
                product=row["Product Purchased"],
                purchased=datetime.date.fromisoformat(row["Date of Purchase"]),
                type=row["Ticket Type"],
                subject=row["Ticket Subject"],
                text=row["Ticket Description"].replace(MENTION, row["Product Purchased"]).strip(),
                channel=row["Ticket Channel"],
                priority=row["Ticket Priority"],
            )
            for row in csv.DictReader(file)
        ]


def extraction(one: Ticket) -> list[dict[str, str]]:
    """Give the ticket as a mail, and what its header says as JSON."""
    day = one.purchased
    header = {
        "From": f"{one.name} <{one.email}>",
        "Subject": one.subject,
        "Product": one.product,
        "Bought": f"{day.day} {MONTHS[day.month - 1]} {day.year}",
        "Via": one.channel,
        "Urgency": one.priority,
    }
    wanted = {
        "product": one.product,
        "purchased": day.isoformat(),
        "subject": one.subject,
        "channel": one.channel,
        "priority": one.priority,
    }
    asked = "\n".join(f"{key}: {value}" for key, value in header.items()) + f"\n\n{one.text}"
    return [said("system", INSTRUCTION), said("user", asked), said("assistant", json.dumps(wanted))]


def types(one: Ticket) -> list[dict[str, str]]:
    """Give subject and text, and the type that the table says."""
    return [said("user", f"{one.subject}\n\n{one.text}"), said("assistant", one.type)]


def said(role: str, content: str) -> dict[str, str]:
    """Give one message."""
    return {"role": role, "content": content}


TASKS = {"extraction": extraction, "types": types}
ROWS = 335
"""Tickets to take, from the first on, so that the split of the recipe leaves exactly 240 of them to train on."""


def row(task: str, one: Ticket) -> dict[str, Any]:
    """Give a row for the reader `openai-chat`: messages, and what steps need beside them."""
    beside = {"ticket": one.number, "customer": one.name, "email": one.email, "type": one.type}
    return {"messages": TASKS[task](one), **beside}


def independence(data: list[Ticket], draws: int = 10_000, seed: int = 0) -> str:
    """Test by permutation whether the type has to do with any other column (chi-squared of the two)."""
    rng = random.Random(seed)
    labels = [one.type for one in data]
    told = []
    for name in ("subject", "product", "channel", "priority"):
        values = [getattr(one, name) for one in data]
        found = chi_squared(labels, values)
        drawn = list(labels)
        above = 0
        for _ in range(draws):
            rng.shuffle(drawn)
            above += chi_squared(drawn, values) >= found
        told.append(f"{name} p = {(above + 1) / (draws + 1):.2f}")
    return ", ".join(told)


def chi_squared(left: list[str], right: list[str]) -> float:
    """Give Pearson's statistic of two columns, less the number of rows and divided by it, which orders alike."""
    one, other = Counter(left), Counter(right)
    return sum(n * n / (one[a] * other[b]) for (a, b), n in Counter(zip(left, right, strict=True)).items())


def main() -> None:
    """Write the rows of one task."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("task", choices=TASKS)
    options.add_argument("out", type=Path, help="JSONL file to write")
    options.add_argument("--table", type=Path, default=TABLE)
    options.add_argument("--rows", type=int, default=ROWS, help="tickets to take, from the first on; 0: all")
    options.add_argument("--independence", action="store_true", help="test whether the types depend on anything")
    given = options.parse_args()
    if not given.table.is_file():
        print(f"skipped: {given.table} is not there; --table FILE names it")
        return
    data = tickets(given.table)
    taken = data[: given.rows or len(data)]
    lines = [json.dumps(row(given.task, one), ensure_ascii=False) + "\n" for one in taken]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    files.save(given.out, "".join(lines))
    print(f"{given.out}: {len(lines)} rows")
    if given.independence:
        print(f"type and {independence(data)}")


if __name__ == "__main__":
    main()
