"""Chat templates, stock ones and small ones of ours, are judged as TRL judged them: none is trained on nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from small_templates import ROWS, SMALL

from ftdata.conversation import Conversation, Message
from ftdata.tokens import Template, rendered
from ftdata.tokens.template import Refused

pytest.importorskip("jinja2")

KEPT = json.loads(Path(__file__).with_name("stock_templates.json").read_text(encoding="utf-8"))
TOLD: dict[str, dict[str, Any]] = KEPT["templates"]
TALKS = [Conversation(messages=tuple(Message(role=role, content=said) for role, said in row)) for row in ROWS]
OTHERWISE = {
    # TRL looks for the mark in the text, ftdata in the parsed template.
    "comment": "TRL takes it for marked, and stops at the first row, of which nothing is learnt",
    "raw": "TRL takes it for marked, and stops at the first row, of which nothing is learnt",
    "plus sign": "it is marked, and TRL does not see it: it refuses the template",
}


def told_of(name: str) -> dict[str, Any]:
    found = TOLD.get(hashlib.sha256(SMALL[name].encode()).hexdigest())
    assert found is not None, f"{name} was not asked: run benchmarks/chat_templates.py with --keep"
    return found


def learnt(source: str, talk: Conversation) -> str | None:
    try:
        shown = rendered(talk, Template(source, "small"))
    except Refused:
        return None
    return "".join(shown.text[first:last] for first, last in shown.spans)


@pytest.mark.parametrize("name", SMALL)
def test_a_template_is_marked_if_trl_takes_it(name: str) -> None:
    told, marked = told_of(name), Template(SMALL[name], "small").marked
    assert marked == told["marked"]
    assert (marked == (told["trl"] == "as it is")) == (name not in OTHERWISE)
    assert told["trl"] != "swapped"


@pytest.mark.parametrize("name", SMALL)
def test_what_is_learnt_of_a_row_is_what_trl_learns(name: str) -> None:
    """Where TRL ends with an error, nothing is learnt here either, so that the check `tokens` names the row."""
    told = told_of(name)
    if told["trl"] != "as it is":
        assert told["learnt"] == []
        return
    for talk, row in zip(TALKS, told["learnt"], strict=True):
        found = learnt(SMALL[name], talk)
        assert found == row["text"] if "text" in row else not found


def test_none_is_trained_on_nothing() -> None:
    stock = [one for one in TOLD.values() if not one["names"][0].startswith("ours: ")]
    assert sum(len(one["names"]) for one in stock) == KEPT["stock"] > 200
    assert Counter(one["trl"] for one in stock) == {"as it is": 36, "swapped": 31, "refused (ValueError)": 118}
    for one in TOLD.values():
        assert all(row != 0 and row != {"text": ""} for row in one["learnt"]), one["names"]
    for one in stock:
        assert one["marked"] == (one["trl"] == "as it is"), "what ftdata said of it then"
        assert bool(one["learnt"]) == (not one["trl"].startswith("refused")), one["names"]


def test_the_named_templates_are_marked_up_to_their_end() -> None:
    """What is given to a model whose own template TRL refuses."""
    for name in ("chatml", "llama-3"):
        template = Template.named(name)
        assert template.marked
        assert all(found and found.endswith("|>") for found in (learnt(template.source, talk) for talk in TALKS[:3]))
