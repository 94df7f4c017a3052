"""Public sets of tickets and tweets, each a table of its own shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from export_case import Case, Clock


def twcs() -> Case:
    """Tweets newest first, a tree of answers; a conversation per path from root to leaf."""
    case = Case("twcs", "chat-log", "twcs.csv", evidence="F")
    clock = Clock("2017-10-31 22:10:47")
    rows: list[list[Any]] = []

    def tweet(n: int, who: str, text: str, answers: str, to: int | str) -> None:
        inbound = "True" if who.isdigit() else "False"
        rows.append([n, who, inbound, clock.tick().strftime("%a %b %d %H:%M:%S +0000 %Y"), text, answers, to])

    q1, a1, a2, q2, a3 = case.ask(), case.answer() + " /AB", case.answer() + " ^JK", case.ask(), case.answer()
    q3, a4 = "@LojaAjuda " + case.ask(), "@115713 " + case.answer()
    tweet(1, "115712", q1, "2,3", "")
    tweet(6, "115713", q3, "7", "")
    tweet(2, "LojaAjuda", a1, "", 1)
    tweet(3, "LojaAjuda", a2, "4", 1)
    tweet(7, "LojaAjuda", a4, "", 6)
    tweet(4, "115712", q2, "5", 3)
    tweet(5, "LojaAjuda", a3, "", 4)
    tweet(8, "115799", case.cut("one-sided", "unanswered"), "", "")
    case.conv(("user", q1), ("assistant", a1))
    case.conv(("user", q1), ("assistant", a2), ("user", q2), ("assistant", a3))
    case.conv(("user", q3), ("assistant", a4))
    rows.reverse()
    header = "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id"
    case.csv("twcs.csv", header.split(","), rows)
    return case


def bitext() -> Case:
    """Instructions and responses, with fields that nobody filled."""
    case = Case("bitext", "tickets", "bitext.csv", evidence="D")
    rows = []
    for n in range(8):
        q, a = f"{case.ask()} {{{{Order Number}}}}", f"{case.answer()} {{{{Customer Support Hours}}}}"
        rows.append(["BQZ", q, "ORDER", "cancel_order" if n % 2 else "track_order", a])
        case.conv(("user", q), ("assistant", a))
    case.sniffed = "tickets|question-answer"
    case.csv("bitext.csv", ["flags", "instruction", "category", "intent", "response"], rows)
    return case


def multilingual() -> Case:
    """Subject, body and answer in a row, with queues, languages and tags."""
    case = Case("multilingual-tickets", "tickets", "tickets.csv", evidence="F")
    rows = []
    for n in range(8):
        q, a = f"{case.ask()}\nObrigado, <name>", case.answer()
        rows.append(
            [n, f"Assunto {n}", q, a, "Incident", "Billing", "high", "pt", "IT", "a", "", "", "", "", "", "", "", ""]
        )
        case.conv(("user", q), ("assistant", a))
    tags = [f"tag_{n}" for n in range(1, 10)]
    header = ["id", "subject", "body", "answer", "type", "queue", "priority", "language", "business_type", *tags]
    case.csv("tickets.csv", header, rows)
    return case


def kaggle() -> Case:
    """One row per ticket, most without a resolution."""
    case = Case("kaggle-tickets", "tickets", "customer_support_tickets.csv", evidence="F")
    header = "Ticket ID,Customer Name,Customer Email,Customer Age,Customer Gender,Product Purchased,Date of Purchase"
    header += ",Ticket Type,Ticket Subject,Ticket Description,Ticket Status,Resolution,Ticket Priority,Ticket Channel"
    header += ",First Response Time,Time to Resolution,Customer Satisfaction Rating"
    rows = []
    for n in range(9):
        solved = n % 3 == 0
        q = case.ask() + "\n\nThe {product_purchased} is new." if solved else case.cut("one-sided", "unsolved")
        a = case.answer() if solved else ""
        row = [n, f"Ana {n}", f"ana{n}@example.com", 33, "Other", "GoPro Hero", "2021-03-22", "Refund", "Data loss", q]
        rows.append(
            [*row, "Closed" if solved else "Open", a, "Low", "Email", "2023-06-01 12:15:36", "", 3.0 if solved else ""]
        )
        if solved:
            case.conv(("user", q), ("assistant", a))
    case.csv("customer_support_tickets.csv", header.split(","), rows)
    return case


def sets() -> Iterator[Case]:
    yield twcs()
    yield bitext()
    yield multilingual()
    yield kaggle()
