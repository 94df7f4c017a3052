"""Columns are guessed from names and values; what is not clear is not guessed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from ftdata.readers.columns import find, looks_like_data, names
from ftdata.readers.guess import guess
from ftdata.readers.words import outcome, words

# Thirty header sets in three languages, by someone who had not seen the code. The first score was 24 of 30 sets and 120
# of 134 columns; what that taught was added as words and shapes of the languages, never for one set.
SETS = json.loads((Path(__file__).parent / "header_sets.json").read_text(encoding="utf-8"))

LONG = [
    "The printer on the second floor does not answer any more, please help.",
    "I was charged twice for the same order this month, what happened?",
    "How do I change the address of my account? The form refuses it.",
]
ANSWERS = [
    "Please restart the print server, then send the job again.",
    "We have returned the second charge, it takes three days to show.",
    "The form wants a postal code; add yours and save once more.",
]


@pytest.mark.parametrize("given", SETS, ids=[case["name"] for case in SETS])
def test_header_sets(given: dict[str, Any]) -> None:
    found = guess(given["header"], given["rows"])
    picks = {name: pick.name for name, pick in found.picks.items()}
    assert found.problem is None
    assert found.shape == given["shape"]
    assert {name: picks.get(name) for name in given["expect"]} == given["expect"]
    gates = {given["header"][i] for i in found.gates}
    assert gates == ({given["expect"]["visibility"]} if "visibility" in given["expect"] else set())


@pytest.mark.parametrize("given", SETS, ids=[case["name"] for case in SETS])
def test_the_order_of_the_columns_does_not_matter(given: dict[str, Any]) -> None:
    order = list(range(len(given["header"])))
    random.Random(7).shuffle(order)
    found = guess([given["header"][i] for i in order], [[row[i] for i in order] for row in given["rows"]])
    picks = {name: pick.name for name, pick in found.picks.items()}
    assert {name: picks.get(name) for name in given["expect"]} == given["expect"]


@pytest.mark.parametrize("given", SETS, ids=[case["name"] for case in SETS])
def test_headers_are_headers_and_data_is_data(given: dict[str, Any]) -> None:
    assert not looks_like_data(given["header"], given["rows"])
    assert looks_like_data(given["rows"][0], given["rows"][1:])


@pytest.mark.parametrize(
    ("header", "result"),
    [
        ("dataDeCriação", ("data", "de", "criacao")),
        ("TicketID", ("ticket", "id")),
        ("MENSAGENS_do_Cliente", ("mensagem", "do", "cliente")),
        ("Nº do chamado", ("no", "do", "chamado")),
        ("Soluciones", ("solucion",)),
        ("resoluções", ("resolucao",)),
        ("created-at", ("created", "at")),
        ("status", ("status",)),
    ],
)
def test_words(header: str, result: tuple[str, ...]) -> None:
    assert words(header) == result


def test_equal_headers_get_names_of_their_own() -> None:
    assert names(["Labels", "Labels", "", "Labels#2", "Labels"]) == ("Labels", "Labels#3", "#3", "Labels#2", "Labels#4")


@pytest.mark.parametrize(
    ("reference", "index"),
    [
        ("Body", 0),
        ("body", 0),
        ("Data de criação", 1),
        ("data_de_criacao", 1),
        ("#3", 2),
        ("#4", None),
        ("#0", None),
        ("no", None),
    ],
)
def test_find(reference: str, index: int | None) -> None:
    assert find(reference, ["Body", "Data de criação", "x"]) == index


def test_two_columns_of_answers_are_not_chosen_between() -> None:
    rows = [[q, a, a + " Indeed."] for q, a in zip(LONG, ANSWERS, strict=True)]
    found = guess(["Question", "Answer A", "Answer B"], rows)
    assert found.problem is not None and "answer = " in found.problem


def test_a_name_is_not_enough() -> None:
    header = ["Question", "First response", "Resolution", "Answer count"]
    rows = [[q, "2024-01-02 10:00", a, "3"] for q, a in zip(LONG, ANSWERS, strict=True)]
    found = guess(header, rows)
    assert found.picks["answer"].name == "Resolution"


def test_the_guess_is_explained() -> None:
    found = guess(["Pergunta", "Resposta"], [list(pair) for pair in zip(LONG, ANSWERS, strict=True)])
    lines = found.explain()
    assert lines[0].startswith('question = "Pergunta" (name: pergunta, 100% free text')
    assert not any(text in line for line in lines for text in (*LONG, *ANSWERS))


@pytest.mark.parametrize("title", ["public", "is_internal", "Nota interna?", "Privado", "Visibilidade", "Interno"])
def test_visibility_columns_are_gates(title: str) -> None:
    header = ["ticket_id", "role", "message", title]
    rows = [["1", "customer", LONG[0], "true"], ["1", "agent", ANSWERS[0], "false"]]
    assert guess(header, rows).gates == (3,)


def test_an_empty_visibility_column_is_a_gate_all_the_same() -> None:
    rows = [["1", "customer", LONG[0], ""], ["1", "agent", ANSWERS[0], ""]]
    assert guess(["ticket_id", "role", "message", "public"], rows).gates == (3,)


def test_values_alone_make_a_gate() -> None:
    rows = [["1", "customer", LONG[0], "comment"], ["1", "agent", ANSWERS[0], "note"]]
    assert guess(["ticket_id", "role", "message", "event"], rows).gates == (3,)


@pytest.mark.parametrize("title", ["external_id", "internal_notes_count", "Nº de notas internas", "public profile url"])
def test_other_columns_are_no_gates(title: str) -> None:
    rows = [["1", "customer", LONG[0], "0"], ["1", "agent", ANSWERS[0], "1"]]
    assert guess(["ticket_id", "role", "message", title], rows).gates == ()


def test_internal_notes_as_text_are_named() -> None:
    rows = [[q, a, "do not tell the customer that we lost it"] for q, a in zip(LONG, ANSWERS, strict=True)]
    found = guess(["Question", "Answer", "Internal notes"], rows)
    assert found.internal == (2,)
    assert {pick.name for pick in found.picks.values()} == {"Question", "Answer"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Customer Satisfaction Rating", "csat"),
        ("Satisfaction Score", "csat"),
        ("CSAT", "csat"),
        ("nota", "csat"),
        ("Nota de satisfação", "csat"),
        ("Satisfaction comment", None),
        ("Nota fiscal", None),
        ("Reopens", "reopened"),
        ("Reaberturas", "reopened"),
        ("Solved at", "solved_at"),
        ("Resolved time", "solved_at"),
        ("Resolution time", None),
        ("Data de resolução", "solved_at"),
        ("Fecha de cierre", "solved_at"),
        ("Resolution time (in hrs)", None),
        ("First resolution time in minutes", None),
        ("Status", None),
        ("Resolution", None),
    ],
)
def test_how_a_ticket_ended_has_one_name(name: str, told: str | None) -> None:
    assert outcome(name) == told
