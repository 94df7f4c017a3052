from __future__ import annotations

import csv
import time
from pathlib import Path

import polars as pl
import pytest

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.transforms.placeholders import Placeholders

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def note(text: str) -> str | None:
    (batch,) = to_batches([Conversation(messages=(user(text),))])
    after = Placeholders().apply(batch)
    found: str | None = after["note"][0]
    assert (after["flags"][0].to_list() == ["unfilled-placeholder"]) == (found is not None)
    return found


UNFILLED = {
    "brace": [
        "{x}", "Hi {name},", "{product_purchased}.", "{order-id}", "{user.name}", "{Order Number}", "{amount:.2f}",
        "{name!r}", "#{order}", "https://a.example/?id={order_id}", "**{x}**", "“{x}”", "\n{x}\n", "{número_pedido}",
        "{nome do cliente}", "({x})", "你好 {名字}",
    ],
    "double-brace": [
        "{{x}}", "{{Order Number}}", "{{ ticket.requester.name }}", '{{name | default: "x"}}', "{{{x}}}", "{{#if x}}",
        "The {{Delivery City}} office",
    ],
    "dollar-brace": ["${x}", "R${valor}", "Total: ${order.total}"],
    "angle": [
        "Dear <name>,", "<Order ID>", "<tel_num>", "<número do pedido>", "<br><name>", "<<name>>", "<acc_num>.",
        "<b>Dear</b> <customer-name>",
    ],
    "bracket": [
        "[Your Name]", "Best, [Your Company]", "[Insert date]", "[Order Number]", "[Nome do cliente]", "[Su nombre]",
        "[Customer's Name]", "[name]", "[insira o valor]",
    ],
    "percent": ["Dear %s,", "%s", "%(name)s", "%1$s left", "You owe %d.", "search?q=%s"],
}  # fmt: skip

FINE = [
    # JSON, sets, code
    '{"a": 1}', "{}", "{ }", "{1, 2}", "{a, b}", "{x | x > 0}", "{0}", "{'x'}", '{{"a":1}}', "{a: 1}", "a{color: red}",
    "{color:red}", "if(x){y}", "function f(){return}", "ñ{x}", "{\n  x\n}", "`{x}`", '```\nprint(f"{x}")\n```',
    "```py\n{x}", "`<name>`", "<div class={x}>", "<Foo bar={baz} />", "#include <vector>", "List<String>",
    "vector<int> x",
    # LaTeX
    r"\frac{a}{b}", "x^{n}", "x_{i}", r"\text{hello world}", r"\begin{align} x \end{align}", r"\{x\}",
    # HTML, XML, addresses, signs, keys
    "<br>", "<BR/>", "<br />", "<b>bold</b>", '<a href="https://x.example">', "<p>x</p>", "<!-- hi -->",
    "<!DOCTYPE html>", "<answer>4</answer>", "<order_id>4</order_id>", "<think>hm</think>",
    "a < b > c", "x if a <b and c> d",
    "1 <2 and 3> 2", "<a@b.example>", "Ana <ana.lima@b.example>", "<https://x.example/z>", "<3", "-> <-", "<Enter>",
    "ctrl <Ctrl-C>", "&lt;name&gt;",
    # brackets
    "[EMAIL_1]", "[PHONE_2] [CPF_10]", "[text](link)", "[your name](https://x.example)", "[1]", "[x]", "[ ]", "[sic]",
    "[INFO] ok", "[2024-01-01]", "a[i]", "[name]: https://x.example",
    # per cent
    "5%", "5 %", "100%sure", "50% sure", "100 % sicher", "10 % de desconto", "100% dos", "%20s", "%d/%m/%Y", "%Y-%m-%d",
    "", " ", "مرحبا 😀",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in UNFILLED.items() for text in texts])
def test_unfilled(kind: str, text: str) -> None:
    assert note(text) == f"{kind} 1"


@pytest.mark.parametrize("text", FINE)
def test_left_alone(text: str) -> None:
    assert note(text) is None


def test_counts_by_kind_over_all_messages_of_the_row() -> None:
    rows = [
        Conversation(
            messages=(
                system("You serve {company}."),
                Message(role="user", parts=[{"type": "text", "text": "{{x}} and {y}"}, {"type": "image_url"}]),
                assistant("fine"),
                Message(role="tool", content="{z}"),
            ),
            rejected=(assistant("Dear <name>"),),
            answer_at=2,
        ),
        Conversation(messages=None),
        Conversation(messages=(user("hi"), assistant("Hello"))),
    ]
    (batch,) = to_batches(rows)
    after = Placeholders().apply(batch)
    assert after["note"].to_list() == ["double-brace 1, brace 2, angle 1", None, None]
    assert after["drop"].null_count() == 3
    dropped = Placeholders(level="drop").apply(batch)
    assert dropped["drop"].to_list() == ["unfilled-placeholder", None, None]
    assert dropped["note"].equals(after["note"])
    assert Placeholders(level="off").apply(batch).equals(batch)


def test_every_answered_ticket_of_a_public_set() -> None:
    path = SHARED / "tickets" / "kaggle_customer_support_tickets_first500.csv"
    if not path.exists():
        pytest.skip("the public ticket set is not here")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        tickets = [row for row in csv.DictReader(stream) if row["Resolution"]]
    (batch,) = to_batches(
        Conversation(messages=(user(row["Ticket Description"]), assistant(row["Resolution"]))) for row in tickets
    )
    after = Placeholders().apply(batch)
    assert after.height == 176
    assert after["flags"].list.contains("unfilled-placeholder").sum() == 176


@pytest.mark.parametrize(
    "piece", ["{", "{{", "<", "<a ", "[", "[Your ", "%", "`", "```", "\\a{", "<a x='a' ", "</ ", "${", "{aa bb cc "]
)
def test_time_grows_no_faster_than_text(piece: str) -> None:
    def seconds(size: int) -> float:
        (batch,) = to_batches([Conversation(messages=(user(piece * (size // len(piece))),))])
        start = time.process_time()
        Placeholders().apply(batch)
        return time.process_time() - start

    pl.Series(["warm"]).str.contains("x")
    assert min(seconds(500_000) for _ in range(2)) < 1
