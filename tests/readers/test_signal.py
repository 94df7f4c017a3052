"""Signal chats: the plain text, and the two files of signal-export."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ftdata import sniff
from ftdata.batch import conversations
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.signal import Signal
from ftdata.source import Source

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/chats/signal"
PARSERS = json.loads((Path(__file__).parent / "whatsapp_parsers.json").read_text("utf-8"))
CANARY = "CANARY-51a0"

TEXT = """[2024-02-29, 23:58] Rita: Boa noite: tudo bem?
[sic] a segunda linha

[2024-03-01, 00:01] Loja: Tudo.
[2024-03-01, 00:02] Rita:
[2024-03-01, 00:03] Rita: Obrigada
"""
MARKDOWN = """[2023-01-02 10:11:00] Ana: Chega hoje?  

[2023-01-02 10:12:00] Me: 

> CANARY-51a0 of another
> day

Chega sim.  
- às 18h: certo
(- Ana: 👍, Rui: ❤ -)

[2023-01-02 10:13:00] Ana: Vê![plan.png](./media/2023_plan.png)  

[2023-01-02 10:14:00] Ana:   ![CANARY-51a0.png](./media/x.png)  

[2023-01-02 10:15:00] Ana: (This message was deleted)

[2023-01-02 10:16:00] Me:   
(( 👋 ))

[2023-01-02 10:17:00] Ana: Incoming voice call (accepted, 2m 3s)  

[2023-01-02 10:18:00] No-Sender: CANARY-51a0  

[2023-01-02 10:19:00] Me: Até já  

"""  # noqa: W291 - as signal-export writes it


def message(minute: int, sender: str, body: str, **more: Any) -> str:
    plain: dict[str, Any] = {
        "quote": "",
        "sticker": None,
        "reactions": [],
        "attachments": [],
        "deleted": False,
        "call": False,
    }
    date = f"2023-01-02T10:{minute:02}:00"
    return json.dumps({"date": date, "sender": sender, "body": body, **plain, "missed": False, **more}) + "\n"


OBJECTS = (
    message(11, "Ana", "Chega hoje?  ")
    + message(12, "Me", "Chega sim.  ", quote=f"\n\n> {CANARY}\n\n", reactions=[["Ana", "👍"]])
    + message(13, "Ana", "Vê  ", attachments=[{"name": "plan.png", "path": "media/plan.png"}])
    + message(14, "Ana", "  ", attachments=[{"name": CANARY, "path": "media/x.png"}])
    + message(15, "Ana", f"{CANARY}  ", deleted=True)
    + message(17, "Ana", "Missed voice call  ", call=True)
    + message(18, "No-Sender", f"{CANARY}  ")
    + "\n"
    + message(19, "Me", "Até já  ")
)


PIECES = [b"", b"\n", b"\xff", b"[2024-01-01, 10:00] ", b": ", b"> "]


def read(path: Path, content: str | None = None, **fields: Any) -> list[Conversation]:
    if content is not None:
        path.write_text(content, "utf-8")
    with Source(path) as source:
        rows = [row for batch in Signal(path=path, **fields).read(source) for row in conversations(batch)]
        handed = source.handed
    assert sorted(number for row in rows for number in row.origin) == list(range(1, handed + 1))
    assert CANARY not in repr(rows)
    return rows


def talks(rows: list[Conversation]) -> list[list[str]]:
    return [[f"{str(m.role)[0]}:{m.content}" for m in row.messages or ()] for row in rows if row.drop is None]


def drops(rows: list[Conversation]) -> dict[str, int]:
    told = [(row.drop, len(row.origin)) for row in rows if row.drop is not None]
    return {reason: sum(n for other, n in told if other == reason) for reason, _ in told}


@pytest.mark.covers("signal", "roles")
def test_the_plain_text(tmp_path: Path) -> None:
    rows = read(tmp_path / "signal.txt", TEXT, assistants=("Loja",))
    assert talks(rows) == [["u:Boa noite: tudo bem?\n[sic] a segunda linha", "a:Tudo."]]
    assert drops(rows) == {"empty-text": 1, "trailing-user": 1}
    assert next(row.meta for row in rows if row.drop is None) == {"time": "2024-02-29T23:58", "author": "Rita"}


@pytest.mark.covers("signal", "attachments")
@pytest.mark.covers("signal", "deletions")
@pytest.mark.covers("signal", "system")
def test_the_markdown_of_signal_export(tmp_path: Path) -> None:
    rows = read(tmp_path / "chat.md", MARKDOWN, me="Me")
    assert talks(rows) == [["u:Chega hoje?", "a:Chega sim.\n- às 18h: certo", "u:Vê", "a:Até já"]]
    # a message and the empty line below it
    assert drops(rows) == {"not-text": 5, "deleted": 2, "system-line": 2, "unknown-author": 2}


def test_the_objects_of_signal_export(tmp_path: Path) -> None:
    rows = read(tmp_path / "data.json", OBJECTS, me="Me")
    assert talks(rows) == [["u:Chega hoje?", "a:Chega sim.", "u:Vê", "a:Até já"]]
    assert drops(rows) == {"not-text": 1, "deleted": 1, "system-line": 1, "unknown-author": 1, "blank-line": 1}


@pytest.mark.covers("signal", "sniffed")
def test_a_folder_of_chats_is_sniffed_and_read(tmp_path: Path) -> None:
    for name in ("Ana", "Rui"):
        (tmp_path / "out" / name / "media").mkdir(parents=True)
        (tmp_path / "out" / name / "chat.md").write_text(MARKDOWN.replace("Ana:", f"{name}:"))
        (tmp_path / "out" / name / "index.html").write_text("<html>")
    (tmp_path / "out" / "Rui" / "data.json").write_text(OBJECTS.replace('"Ana"', '"Rui"'))
    guess = sniff.sniff(tmp_path / "out")[0]
    assert guess.reader is Signal and "2 chats" in guess.sniff.evidence
    rows = read(tmp_path / "out", me="Me")
    assert [row.meta["chat"] for row in rows if row.drop is None and row.meta] == ["Ana", "Rui"]
    assert [talk[0] for talk in talks(rows)] == ["u:Chega hoje?"] * 2
    for name, content in (("chat.md", MARKDOWN), ("data.json", OBJECTS), ("x.txt", TEXT)):
        (tmp_path / name).write_text(content)
        assert sniff.sniff(tmp_path / name)[0].reader is Signal, name


@pytest.mark.parametrize(
    "content",
    [
        "[2024-05-01 10:03] Ana: oi\n[2024-05-01 10:04] Bia: olá\n",
        "[2024-05-01 10:03:00] INFO: up\n[2024-05-01 10:04:00] INFO: down\n",
        '{"body": "x", "sender": "y"}\n',
        "",
    ],
)
def test_what_is_not_signals_is_not_claimed(content: str, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(content)
    with Source(path) as source:
        assert Signal.sniff(source) is None


@pytest.mark.covers("signal", "encodings")
def test_encodings(tmp_path: Path) -> None:
    expected = talks(read(tmp_path / "a.txt", TEXT, assistants=("Loja",)))
    for n, content in enumerate((TEXT.encode("utf-8-sig"), TEXT.encode("utf-16"), TEXT.replace("\n", "\r\n").encode())):
        (tmp_path / f"{n}.txt").write_bytes(content)
        assert talks(read(tmp_path / f"{n}.txt", assistants=("Loja",))) == expected


def test_the_same_as_chat_miner(tmp_path: Path) -> None:
    """It joins the lines of a message with a space; nothing else differs."""
    path = tmp_path / "signal.txt"
    path.write_text(PARSERS["files"]["signal.txt"]["text"])
    files = [path, *sorted(SHARED.glob("*.txt"))]
    known = [
        PARSERS["files"]["signal.txt"]["chat-miner"],
        # chatminer_signal.txt, as its own test expects it
        [["2019-12-24T12:23:00", "Jane Doe", "Hello John!"], ["2020-01-17T21:49:00", "John Doe", "Hello Jane!"]],
    ]
    for file, expected in zip(files, known, strict=False):
        with Source(file) as source:
            found = [t for t in Signal(path=file).turns(source) if t.drop is None]
        times = [datetime(1970, 1, 1) + timedelta(microseconds=t.at[0]) for t in found if t.at is not None]
        assert [
            [at.isoformat(), t.author, t.text.replace("\n", " ")] for at, t in zip(times, found, strict=True)
        ] == expected


def test_damaged_chats(tmp_path: Path) -> None:
    for seed in range(150):
        rng = random.Random(seed)
        name, content = rng.choice([("a.txt", TEXT), ("chat.md", MARKDOWN), ("data.json", OBJECTS)])
        data = bytearray((content * 4).encode())
        for _ in range(rng.randint(1, 10)):
            at = rng.randrange(len(data))
            if rng.random() < 0.5:
                data[at] = rng.randrange(256)
            else:
                data[at : at + rng.randrange(60)] = rng.choice(
                    [b"", b"\n", b"\xff", b"[2024-01-01, 10:00] ", b": ", b"> "]
                )
        path = tmp_path / name
        path.write_bytes(bytes(data))
        with Source(path) as source, suppress(InputError):
            Signal.sniff(source)
        with Source(path) as source, suppress(InputError):
            batches = list(Signal(path=path, assistants=("Me", "Loja")).read(source))
            owned = sorted(n for batch in batches for numbers in batch["origin"].to_list() for n in numbers)
            assert owned == list(range(1, source.handed + 1))
