"""IRC logs: whose line it is, when it was said, and what is an event, in the forms of the programs that write them."""

from __future__ import annotations

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
from ftdata.readers.irc import Irc
from ftdata.readers.messages import Turn
from ftdata.source import Source

CANARY = "CANARY-19c4"

# As each program writes it: events around, marks of rank before nicks, a midnight. The same talk in all of them.
IRSSI = f"""--- Log opened Tue Jan 02 23:50:00 2024
23:50 -!- ana [~ana@{CANARY}] has joined #ajuda
23:50 -!- Irssi: #ajuda: Total of 2 nicks [1 ops, 0 halfops, 0 voices, 1 normal]
23:51 < ana> olá: alguém aí?
23:59 <@bia> sim, diz
--- Day changed Wed Jan 03 2024
00:01 <+ana> não imprime
00:02  * bia {CANARY} pensa
00:03 <@bia> reinicia
00:04 -ChanServ(services@x)- {CANARY}
00:05 -!- ana [~ana@x] has quit [{CANARY}]
--- Log closed Wed Jan 03 00:06:00 2024
"""
WEECHAT = f"""2024-01-02 23:50:00\t-->\tana (~ana@{CANARY}) has joined #ajuda
2024-01-02 23:50:01\t--\tTopic for #ajuda is "{CANARY}: x"
2024-01-02 23:51:00\tana\tolá: alguém aí?
2024-01-02 23:59:00\t@bia\tsim, diz
2024-01-03 00:01:00\t+ana\tnão imprime
2024-01-03 00:02:00\t *\tbia {CANARY} pensa
2024-01-03 00:03:00\t@bia\treinicia
2024-01-03 00:05:00\t<--\tana (~ana@x) has quit ({CANARY})
"""
HEXCHAT = f"""**** BEGIN LOGGING AT Tue Jan  2 23:50:00 2024

Jan 02 23:50:00 *\tana ({CANARY}) has joined
Jan 02 23:50:01 *\tNow talking on #ajuda
Jan 02 23:51:00 <ana>\tolá: alguém aí?
Jan 02 23:59:00 <bia>\tsim, diz
Jan 03 00:01:00 <ana>\tnão imprime
Jan 03 00:02:00 *\tbia {CANARY} pensa
Jan 03 00:03:00 <bia>\treinicia
**** ENDING LOGGING AT Wed Jan  3 00:06:00 2024
"""
ZNC = f"""[23:50:00] *** Joins: ana (~ana@{CANARY})
[23:50:01] *** ChanServ sets mode: +o bia
[23:51:00] <ana> olá: alguém aí?
[23:59:00] <@bia> sim, diz
[00:01:00] <ana> não imprime
[00:02:00] * bia {CANARY} pensa
[00:03:00] <bia> reinicia
[00:04:00] -NickServ- {CANARY}
[00:05:00] *** Quits: ana (~ana@x) ({CANARY})
"""
ARCHIVE = f"""=== ana [~ana@{CANARY}] has joined #ajuda
[23:51] <ana> olá: alguém aí?
[23:59] <bia> sim, diz
[00:01] <ana> não imprime
[00:02]  * bia {CANARY} pensa
[00:03] <bia> reinicia
=== ana has left #ajuda [{CANARY}]
"""
ISO = """2024-01-02T23:51:00 <ana> olá: alguém aí?
2024-01-02T23:59:00 <bia> sim, diz
2024-01-03T00:01:00 <ana> não imprime
2024-01-03T00:03:00 <bia> reinicia
"""
MIRC = f"""Session Start: Tue Jan 02 23:50:00 2024
Session Ident: #ajuda
[23:50] * ana ({CANARY}) has joined #ajuda
[23:51] <\x0304ana\x03> ol\xe1: algu\xe9m \x02a\xed\x02?
[23:59] <@bia> \x0312,1sim\x0f, diz
[00:01] <ana> n\xe3o imprime
[00:03] <@bia> reinicia
Session Close: Wed Jan 03 00:06:00 2024
"""
LOGS = {
    "irssi.log": IRSSI,
    "irc.net.#ajuda.weechatlog": WEECHAT,
    "ajuda-hexchat.log": HEXCHAT,
    "#ajuda_20240102.log": ZNC,
    "2024-01-02.txt": ARCHIVE,
    "iso.log": ISO,
    "mirc.log": MIRC,
}
TALK = ["u:olá: alguém aí?", "a:sim, diz", "u:não imprime", "a:reinicia"]


def read(path: Path, content: str | bytes | None = None, **fields: Any) -> list[Conversation]:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Source(path) as source:
        rows = [row for batch in Irc(path=path, **fields).read(source) for row in conversations(batch)]
        handed = source.handed
    assert sorted(number for row in rows for number in row.origin) == list(range(1, handed + 1))
    assert CANARY not in repr(rows)
    return rows


def turns(path: Path, content: str) -> list[Turn]:
    path.write_text(content, "utf-8")
    with Source(path) as source:
        return list(Irc(path=path).turns(source))


def talks(rows: list[Conversation]) -> list[list[str]]:
    return [[f"{str(m.role)[0]}:{m.content}" for m in row.messages or ()] for row in rows if row.drop is None]


@pytest.mark.covers("irc", "system")
@pytest.mark.covers("irc", "roles")
@pytest.mark.parametrize("name", LOGS)
def test_the_same_talk_in_each_programs_log(name: str, tmp_path: Path) -> None:
    rows = read(tmp_path / name, LOGS[name], assistants=("bia",))
    assert talks(rows) == [TALK]
    assert {row.drop for row in rows if row.drop} <= {"system-line"}
    (meta,) = (row.meta for row in rows if row.drop is None)
    assert (meta or {})["time"] == "2024-01-02T23:51:00" and (meta or {})["author"] == "ana"
    times = [
        datetime(1970, 1, 1) + timedelta(microseconds=turn.at[0])
        for turn in turns(tmp_path / name, LOGS[name])
        if turn.drop is None and turn.at is not None
    ]
    assert [f"{at:%d %H:%M}" for at in times] == ["02 23:51", "02 23:59", "03 00:01", "03 00:03"]


@pytest.mark.covers("irc", "sniffed")
@pytest.mark.parametrize("name", LOGS)
def test_sniffed(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(LOGS[name])
    guess = sniff.sniff(tmp_path / name)[0]
    assert guess.reader is Irc and "assistants" in guess.sniff.force and '"ana", "bia"' in str(guess.sniff.refusal)


@pytest.mark.parametrize(
    "content",
    [
        "[2024-05-01 10:03] Ana: oi\n[2024-05-01 10:04] Bia: olá\n",
        "2024-01-02 10:11:12\tdisk\n2024-01-02 10:11:13\tmemory\n",
        "<p>one</p>\n<p>two</p>\n",
        "* a list\n* of things\n* and more\n",
        "a,b\n1,2\n",
        "",
    ],
)
def test_what_is_no_log_is_not_claimed(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(content)
    with Source(path) as source:
        assert Irc.sniff(source) is None


def test_a_person_keeps_the_first_nick(tmp_path: Path) -> None:
    log = (
        "[10:00] <rui> olá\n=== rui is now known as rui_fora\n[10:01] <rui_fora> outra vez\n"
        "[10:02] -!- bia is now known as bia2\n[10:03] <@bia2> sim\n=== rui_fora is now known as rui\n"
        "[10:04] <rui> vês?\n[10:05] <bia2> vejo\n"
    )
    for name in ("bia", "bia2"):
        rows = read(tmp_path / "2024-05-17.log", log, assistants=(name,))
        assert talks(rows) == [["u:olá\n\noutra vez", "a:sim", "u:vês?", "a:vejo"]]
        assert [row.flags for row in rows if row.drop is None] == [()]  # one person, not several


def test_a_nick_that_somebody_else_takes_is_somebody_else(tmp_path: Path) -> None:
    log = (
        "[10:00] <rui> olá\n[10:00] -!- rui is now known as eva\n[10:01] -!- eva [e@x] has quit [bye]\n"
        "[10:02] -!- eva [e@y] has joined #a\n[10:03] <eva> bom dia\n[10:04] <bia> sim\n"
    )
    rows = read(tmp_path / "2024-05-17.log", log, assistants=("bia",))
    assert [row.flags for row in rows if row.drop is None] == [("several-users",)]


def test_wrapped_lines_and_codes(tmp_path: Path) -> None:
    log = "[10:00] <[ana]> \x02um\x02: <b>\n    dois\n[10:01] não é hora\n\n[10:02] <bia> \x0304,02três\x03 \x1fx\x1f\n"
    rows = read(tmp_path / "2024-05-17.log", log, assistants=("bia",))
    assert talks(rows) == [["u:um: <b>\n    dois\n[10:01] não é hora", "a:três x"]]


def test_clocks_without_any_date_count_on_past_midnight(tmp_path: Path) -> None:
    log = "23:58 <ana> a\n00:02 <bia> b\n09:30 <ana> c\n09:31 <bia> d\n"
    rows = read(tmp_path / "channel.log", log, assistants=("bia",))
    assert talks(rows) == [["u:a", "a:b"], ["u:c", "a:d"]]
    assert [row.meta for row in rows] == [{"chat": "channel", "author": "ana"}] * 2  # no time is invented


def test_a_year_ends(tmp_path: Path) -> None:
    log = (
        "**** BEGIN LOGGING AT Sun Dec 31 23:50:00 2023\n\nDec 31 23:59:00 <ana>\ta\nJan 01 00:01:00 <bia>\tb\n"
        "Jan 01 00:02:00 <ana>\tc\nJan 01 00:03:00 <bia>\td\n"
    )
    found = [turn for turn in turns(tmp_path / "x.log", log) if turn.drop is None]
    assert [str((turn.meta or {})["time"])[:10] for turn in found] == ["2023-12-31", *["2024-01-01"] * 3]  # type: ignore[index]
    assert talks(read(tmp_path / "x.log", log, assistants=("bia",))) == [["u:a", "a:b", "u:c", "a:d"]]


def test_a_folder_of_days_is_one_chat_for_each_channel(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "#a_20240102.log").write_text("[23:58] <ana> a\n[23:59] <rui> a2\n")
    (folder / "#a_20240103.log").write_text("[00:01] <bia> b\n[00:02] <bia> b2\n")
    (folder / "#c_20240103.log").write_text("[00:01] <ana> c\n[00:02] <bia> d\n")
    (folder / "notes.txt").write_text(f"{CANARY}\n")
    rows = read(folder, assistants=("bia",))
    assert talks(rows) == [["u:a\n\na2", "a:b\n\nb2"], ["u:c", "a:d"]]
    assert [(row.meta or {})["chat"] for row in rows] == ["#a", "#c"] and rows[0].flags == ("several-users",)
    assert sniff.sniff(folder)[0].reader is Irc


@pytest.mark.covers("irc", "bots")
def test_bots_are_stated(tmp_path: Path) -> None:
    log = f"[10:00] <ana> a\n[10:01] <ubottu> {CANARY}\n[10:02] <bia> b\n"
    rows = read(tmp_path / "2024-05-17.log", log, assistants=("bia",), bots=("ubottu",))
    assert talks(rows) == [["u:a", "a:b"]] and [row.drop for row in rows if row.drop] == ["bot"]


@pytest.mark.covers("irc", "encodings")
def test_encodings(tmp_path: Path) -> None:
    for content in (ISO.encode("utf-8-sig"), ISO.encode("utf-16"), ISO.replace("\n", "\r\n").encode()):
        assert talks(read(tmp_path / "x.log", content, assistants=("bia",))) == [TALK]
    latin = b"[10:00] <ana> ol\xe1\n[10:01] <ana> a\n[10:02] <bia> b\n"
    rows = read(tmp_path / "2024-05-17.log", latin, assistants=("bia",))
    assert talks(rows) == [["u:a", "a:b"]] and [row.drop for row in rows if row.drop] == ["not-utf8"]


PIECES = [
    b"",
    b"\n",
    b"\xff",
    b"[10:00] ",
    b"<",
    b"> ",
    b"\t",
    b"=== ",
    b"--- Day changed ",
    b"\x03",
    b" is now known as ",
]


def test_damaged_logs(tmp_path: Path) -> None:
    for seed in range(210):
        rng = random.Random(seed)
        name = rng.choice(list(LOGS))
        data = bytearray((LOGS[name] * 4).encode())
        for _ in range(rng.randint(1, 10)):
            at = rng.randrange(len(data))
            if rng.random() < 0.4:
                data[at] = rng.randrange(256)
            else:
                data[at : at + rng.randrange(60)] = rng.choice(PIECES) * rng.randrange(1, 9)
        path = tmp_path / name
        path.write_bytes(bytes(data))
        if seed % 4 == 0:
            with Source(path) as source, suppress(InputError):
                Irc.sniff(source)
        with Source(path) as source, suppress(InputError):
            batches = list(Irc(path=path, assistants=("bia",)).read(source))
            owned = sorted(n for batch in batches for numbers in batch["origin"].to_list() for n in numbers)
            assert owned == list(range(1, source.handed + 1))
