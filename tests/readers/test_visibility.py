"""Private notes stay private, whatever the column that marks them is called and whatever it says."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from ftdata.batch import conversations
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.guess import guess
from ftdata.readers.layout import yes_is_public
from ftdata.readers.tickets import Tickets
from ftdata.source import Source

SECRET = "SECRETNOTE"
TALK = [
    ["7", "customer", "The printer is dead again, please help."],
    ["7", "agent", "Please restart it and tell me what you see."],
    ["7", "agent", f"He breaks it every week {SECRET}, be careful."],
    ["7", "customer", "It prints one page and then it stops."],
    ["7", "agent", "Then clean the rollers with a dry cloth."],
    ["7", "customer", "It works now, thank you very much!"],
]
NOTE = 2


def read(path: Path, title: str, open_: str, private: str, **settings: Any) -> list[Conversation]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = [[*line, private if at == NOTE else open_] for at, line in enumerate(TALK)]
        csv.writer(stream).writerows([["ticket_id", "sender_type", "message", title], *rows])
    reader = Tickets(path=path, **settings)
    with Source(path, encoding=reader.encoding) as source:
        return [row for batch in reader.read(source) for row in conversations(batch)]


def live(rows: list[Conversation]) -> list[Conversation]:
    assert SECRET not in repr(rows)
    return [row for row in rows if row.drop is None]


@pytest.mark.parametrize(
    ("title", "public", "private"),
    [
        ("Note", "0", "1"),
        ("is_note", "0", "1"),
        ("is_note", "false", "true"),
        ("whisper", "no", "yes"),
        ("is_whisper", "0", "1"),
        ("isWhisper", "false", "true"),
        ("backstage", "0", "1"),
        ("intern", "nein", "ja"),
        ("Intern", "0", "1"),
        ("Sichtbarkeit", "Öffentlich", "Intern"),
        ("Öffentlich", "ja", "nein"),
        ("Öffentlich", "1", "0"),
        ("Interne Notiz", "0", "1"),
        ("Interne Notiz", "nein", "ja"),
        ("Privé", "non", "oui"),
        ("Privée", "0", "1"),
        ("Visibilité", "publique", "privée"),
        ("Visibilité", "Public", "Note privée"),
        ("note privée", "false", "true"),
        ("Publique", "oui", "non"),
        ("audience", "everyone", "agents"),
        ("audience", "public", "staff"),
        ("shown to", "all", "team"),
        ("kind", "reply", "whisper"),
        ("agent_only", "no", "yes"),
        ("staffOnly", "false", "true"),
        ("only_agents", "0", "1"),
        ("Ocultar del cliente", "no", "sí"),
        ("hide_from_customer", "0", "1"),
        ("Agent-Only", "No", "Yes"),
        ("Sólo agentes", "no", "sí"),
        ("Apenas equipe", "não", "sim"),
        ("visible_to_agents_only", "0", "1"),
    ],
)
def test_the_note_is_left_out_and_the_rest_is_read(tmp_path: Path, title: str, public: str, private: str) -> None:
    rows = read(tmp_path / "t.csv", title, public, private)
    (row,) = live(rows)
    assert [message.role for message in row.messages or ()] == ["user", "assistant", "user", "assistant"]
    assert "no-visibility-column" not in row.flags


@pytest.mark.parametrize(
    ("title", "public", "private"),
    [
        ("whisper", "", "yes"),
        ("is_whisper", "null", "true"),
        ("agent_only", "", "x"),
        ("not_public", "no", "yes"),
        ("Nicht öffentlich", "0", "1"),
    ],
)
def test_a_cell_that_does_not_say_public_is_not_public(tmp_path: Path, title: str, public: str, private: str) -> None:
    assert live(read(tmp_path / "t.csv", title, public, private)) == []


def test_an_empty_cell_can_be_stated_to_mean_public(tmp_path: Path) -> None:
    assert len(live(read(tmp_path / "t.csv", "whisper", "", "yes", public=("",)))) == 1


@pytest.mark.parametrize(
    ("title", "public", "private"),
    [
        ("kind", "msg", "internal"),
        ("event", "post", "Whisper"),
        ("audience", "customers", "agents"),
        ("Comment visibility level", "A", "B"),
        ("private", "1", "2"),
        ("agent_only", "A", "B"),
    ],
)
def test_what_is_not_clear_is_refused(tmp_path: Path, title: str, public: str, private: str) -> None:
    path = tmp_path / "t.csv"
    with pytest.raises(InputError, match=rf'"{title}".*visibility=.*public=\[') as caught:
        read(path, title, public, private)
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    with Source(path) as source:
        found = Tickets.sniff(source)
    assert found is not None and found.confidence == 0 and title in str(found.refusal)
    assert len(live(read(path, title, public, private, visibility=title, public=(public,)))) == 1


def test_a_column_that_keeps_from_customers_is_never_a_role() -> None:
    rows = [["7", text, "no"] for _, _, text in TALK]
    for title in ("agent_only", "Ocultar del cliente", "Agent-Only"):
        found = guess(["ticket_id", "message", title], rows)
        assert found.gates == (2,) and "role" not in found.picks


@pytest.mark.parametrize(
    ("title", "values"),
    [
        ("Department", ("Billing", "Sales")),
        ("Channel", ("email", "phone")),
        ("Assigned team", ("all", "support")),
        ("Note", ("4", "5")),
        ("Priority", ("high", "low")),
        ("internal_group", ("IT", "HR")),
        ("notes_count", ("0", "1")),
        ("", ("A", "B")),
    ],
)
def test_other_columns_change_nothing(tmp_path: Path, title: str, values: tuple[str, str]) -> None:
    rows = read(tmp_path / "t.csv", title, *values)
    (row,) = (row for row in rows if row.drop is None)
    assert len(row.messages or ()) == 4 and row.flags == ("no-visibility-column",)


def test_a_mark_of_a_ticket_is_no_gate() -> None:
    rows = [
        [asked[2], f"{said[2]} Thanks.", str(at)]
        for at, (asked, said) in enumerate(zip(TALK[:2], TALK[3:5], strict=True))
    ]
    found = guess(["Question", "Answer", "Note"], rows)
    assert found.shape == "ticket" and found.gates == ()


@pytest.mark.parametrize(
    ("title", "public"),
    [("Öffentlich", True), ("publique", True), ("is_note", False), ("backstage", False), ("Privé", False)],
)
def test_what_a_yes_means(title: str, public: bool) -> None:
    assert yes_is_public(title) is public
