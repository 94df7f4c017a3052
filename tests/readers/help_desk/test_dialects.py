"""A dialect is one TOML file: a new desk needs no Python, and all mistakes in it are told at once."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from native_reading import CANARY, drops, read, talks, write

from ftdata.cli import main
from ftdata.errors import RecipeError
from ftdata.readers.dialects import recognise, visibility_columns
from ftdata.readers.help_desk import HelpDesk
from ftdata.readers.help_desk.dialect import parse, shipped

OWN = """
title = "Balcão"
evidence = "F"
checked = 2026-11-22
sources = ["our own export"]

[[shape]]
kind = "tickets"
title = "the talks of our own desk"
lists = ["conversas"]
keys = ["protocolo", "falas"]
messages = ["falas"]

[shape.ticket]
id = "protocolo"
drop = [{ when = { apagado = true }, reason = "deleted" }]
meta = { subject = "assunto", csat = "nota", status = { path = "estado", values = { 1 = "open", 2 = "solved" } } }

[shape.message]
author = "quem.id"
names = "quem.nome"
body = [{ path = "texto", format = "auto" }]
time = "hora"

[shape.message.kind]
path = "tipo"
values = { fala = "message", recado = "private-note", "mudou_*" = "system-line" }

[shape.message.visibility]
path = "para"
public = "cliente"
private = "equipa"

[[shape.message.role]]
path = "quem.lado"
values = { fora = "user", dentro = "assistant", "robô" = "bot" }
"""
FALA = {"tipo": "fala", "para": "cliente"}
TALK = {
    "protocolo": 17,
    "assunto": "Chave",
    "nota": 5,
    "estado": 2,
    "falas": [
        {**FALA, "quem": {"id": 1, "lado": "fora"}, "texto": "Perdi a chave.", "hora": "2024-01-02 10:00"},
        {
            **FALA,
            "quem": {"id": 2, "lado": "Dentro"},
            "texto": "<p>Fica no <b>balcão</b>.</p>",
            "hora": "2024-01-02 10:01",
        },
        {**FALA, "para": "equipa", "quem": {"lado": "dentro"}, "texto": CANARY},
        {**FALA, "tipo": "recado", "quem": {"lado": "dentro"}, "texto": CANARY},
        {**FALA, "tipo": "mudou_estado", "quem": {"lado": "dentro"}, "texto": CANARY},
        {**FALA, "tipo": "outro", "quem": {"lado": "dentro"}, "texto": CANARY},
        {**FALA, "quem": {"lado": "robô"}, "texto": CANARY},
        {**FALA, "para": None, "quem": {"lado": "dentro"}, "texto": CANARY},
    ],
}
LEFT = {"private-note": 2, "system-line": 1, "unknown-kind": 1, "bot": 1, "unknown-visibility": 1, "deleted": 2}
EXPORT = {"conversas": [TALK, {**TALK, "protocolo": 18, "apagado": True, "falas": [{**FALA, "texto": CANARY}]}]}


def test_a_desk_of_ones_own(tmp_path: Path) -> None:
    path = write(tmp_path / "data" / "export.json", EXPORT)
    (tmp_path / "balcao.toml").write_text(OWN)
    rows = read(HelpDesk, path, dialect=str(tmp_path / "balcao.toml"))
    assert talks(rows) == [["u:Perdi a chave.", "a:Fica no balcão."]]
    counts = drops(rows)
    assert counts.pop(None) == 3 and counts == LEFT
    meta = next(row.meta for row in rows if row.meta)
    assert meta["ticket"] == "17" and meta["status"] == "solved" and meta["csat"] == 5 and meta["subject"] == "Chave"


@pytest.mark.parametrize("command", ["convert", "run"])
def test_it_is_read_from_the_command_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--set dialect=./balcao.toml`; in a recipe the path is relative to the recipe, as all paths are."""
    write(tmp_path / "data" / "export.json", EXPORT)
    (tmp_path / "balcao.toml").write_text(OWN)
    (tmp_path / "r.toml").write_text(
        '[[read]]\nuse = "help-desk"\npath = "data/export.json"\ndialect = "balcao.toml"\n'
        '[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\n'
    )
    if command == "convert":
        monkeypatch.chdir(tmp_path)
        words = ["convert", "data/export.json", "out.jsonl", "--from", "help-desk", "--set", "dialect=./balcao.toml"]
    else:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        words = ["run", "../r.toml"]
    monkeypatch.setattr(sys, "argv", ["ftdata", *words])
    with pytest.raises(SystemExit) as left:
        main()
    told = capfd.readouterr()
    assert left.value.code in (0, None), told.err
    (row,) = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [turn["content"] for turn in json.loads(row)["messages"]] == ["Perdi a chave.", "Fica no balcão."]
    (record,) = (tmp_path / ".ftdata").rglob("run.json")
    inputs = json.loads(record.read_text())["inputs"]
    assert any("balcao.toml" in str(part) for part in inputs)
    assert CANARY not in told.out + told.err + row


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    wrong = OWN.replace('evidence = "F"', 'evidence = "X"').replace("checked = 2026-11-22", "")
    wrong = wrong.replace('fala = "message"', 'fala = "Message!"').replace('titles = "x"', "")
    wrong = wrong.replace('keys = ["protocolo", "falas"]', "colour = 3").replace('format = "auto"', 'format = "word"')
    wrong = wrong.replace('id = "protocolo"', "").replace('{ fora = "user"', '{ fora = "customer"')
    path = write(tmp_path / "export.json", EXPORT)
    (tmp_path / "x.toml").write_text(wrong)
    with pytest.raises(RecipeError) as caught:
        read(HelpDesk, path, dialect=str(tmp_path / "x.toml"))
    told = caught.value.problems
    assert len(told) >= 6 and all(line.startswith("x.toml: ") and "\n" not in line for line in told)
    for words in (
        "evidence: ",
        "checked: is missing",
        "shape: 1: colour: there is no such setting",
        "body: 1: format",
        "kind: values: 'Message!' is no reason",
        "role: 1: values: fora",
    ):
        assert any(words in line for line in told), (words, told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('[shape.message.visibility]\npath = "para"\npublic = "cliente"\nprivate = "equipa"\n', "", None),
        ('keys = ["protocolo", "falas"]\n', "", "nothing to recognise it by"),
        ('id = "protocolo"\n', "", "tickets need `ticket` with its `id`"),
        ('private = "equipa"', 'private = ["equipa", "Cliente"]', "cannot mean both public and private: cliente"),
        ("csat =", "time =", "time is of the first message"),
        ("csat =", "CSAT =", "is no name for meta"),
        ('kind = "tickets"', 'kind = "messages"', None),
        ('kind = "tickets"', 'kind = "users"', "users need `users`"),
        (
            'values = { fora = "user", dentro = "assistant", "robô" = "bot" }',
            'values = "sides"',
            "there is no [values.sides]",
        ),
    ],
)
def test_a_dialect_that_cannot_be_right_is_refused(old: str, new: str, told: str | None) -> None:
    assert old in OWN
    text = OWN.replace(old, new)
    if told is None:
        parse(text, "x", "x.toml")
        return
    with pytest.raises(RecipeError, match=told.replace("[", r"\[")):
        parse(text, "x", "x.toml")


def test_who_may_read_must_be_said() -> None:
    bare = OWN[: OWN.index("[shape.message.kind]")] + OWN[OWN.index("[[shape.message.role]]") :]
    with pytest.raises(RecipeError, match="nothing says who may read a message"):
        parse(bare, "x", "x.toml")
    parse(bare.replace('time = "hora"', 'time = "hora"\nalways_public = "a public board"'), "x", "x.toml")
    with pytest.raises(RecipeError, match="is no TOML"):
        parse("title = ", "x", "x.toml")


def test_names_of_dialects(tmp_path: Path) -> None:
    path = write(tmp_path / "export.json", EXPORT)
    with pytest.raises(RecipeError, match="did you mean 'zendesk'"):
        read(HelpDesk, path, dialect="zendisk")
    with pytest.raises(RecipeError, match="dialects are freshdesk"):
        read(HelpDesk, path, dialect="q")


def test_the_shipped_ones_are_packaged_and_whole() -> None:
    known = shipped()
    assert {file.name for file in (files("ftdata.readers.help_desk") / "dialects").iterdir()} == {
        f"{name}.toml" for name in known
    }
    for name, dialect in known.items():
        assert dialect.sources and dialect.checked.year >= 2026, name
        for shape in dialect.shape:
            # What holds no conversation says what to export instead.
            assert shape.advice or shape.kind in ("messages", "tickets"), (name, shape.title)


def test_other_readers_know_them_too() -> None:
    shape = recognise(
        ["Ticket_ID", "user_id", "body", "created", "facebook_comment", "tweet", "voice_comment", "Public"]
    )
    assert shape is not None and shape.title == "a Zendesk ticket comments table"
    assert visibility_columns(shape, ["body", "Public"]) == (1,)
    assert recognise(["a", "b"]) is None and visibility_columns(None, ["public"]) == ()
