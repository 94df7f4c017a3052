"""DiscordChatExporter's files: messages and notices, parts and threads, what is private, the CSV that tells less."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from native_reading import CANARY, SHARED, damaged, drops, frame, read, same_in_any_size, sniffed, talks, write

from ftdata import flow
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.discord import Discord
from ftdata.readers.divide import Log
from ftdata.recipe import Recipe
from ftdata.source import Source

REAL = SHARED / "discord/zulip_fixture_general.json"
real = pytest.mark.skipif(not REAL.is_file(), reason="the files of others are not here")
SECRET = f"{CANARY} words"
WHO = {"11": ("ana", "Ana Luz"), "22": ("sol", "Sol"), "33": ("bia", ""), "99": ("moka", "Moka")}


def message(number: int, who: str, text: str, kind: Any = "Default", at: str = "", **more: Any) -> dict[str, Any]:
    """A message as the exporter writes it, `number` minutes after ten."""
    name, nick = WHO[who]
    author = {"id": who, "name": name, "discriminator": "0000", "nickname": nick, "color": None, "isBot": who == "99"}
    return {
        "id": str(100 + number),
        "type": kind,
        "timestamp": at or f"2025-03-01T{10 + number // 60:02}:{number % 60:02}:00.123+00:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": text,
        "author": {**author, "roles": [], "avatarUrl": "x.png"},
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        **more,
    }


def channel(
    *messages: Any, key: str = "7", name: str = "help", kind: Any = "GuildTextChat", **more: Any
) -> dict[str, Any]:
    return {
        "guild": {"id": "1", "name": "Shop", "iconUrl": "x.png"},
        "channel": {"id": key, "type": kind, "categoryId": "3", "category": "Text", "name": name, "topic": SECRET},
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2025-06-01T10:00:00+00:00",
        **more,
        "messages": list(messages),
        "messageCount": len(messages),
    }


def live(rows: list[Conversation]) -> list[Conversation]:
    return [row for row in rows if row.drop is None]


FILE = [{"id": "1", "url": "x.png", "fileName": f"{CANARY}.png", "fileSizeBytes": 3}]
HELP = channel(
    message(0, "11", f"Joined the server. {SECRET}", "GuildMemberJoin"),
    message(1, "11", "The door is shut"),
    message(2, "99", SECRET),
    message(4, "22", "Push it", "Reply", reference={"messageId": "101"}, timestampEdited="2025-03-01T10:09:00+00:00"),
    message(3, "33", "Mine too", 0),  # older versions write types as numbers; the file is out of order
    message(5, "22", "Pinned a message.", "ChannelPinnedMessage"),
    message(6, "11", SECRET, "Call"),
    message(7, "11", SECRET, 46),
    message(8, "11", "", attachments=FILE),
    message(9, "11", "", stickers=[{"id": "1", "name": SECRET}]),
    message(10, "11", "", embeds=[{"title": SECRET, "description": SECRET}]),
    message(11, "11", "", forwardedMessage={"content": SECRET, "timestamp": "2025-01-01T00:00:00+00:00"}),
    message(12, "11", ""),
    message(13, "99", SECRET, "20", interaction={"id": "1", "name": "stats", "user": {"id": "11"}}),
    message(14, "11", "and this?", 19, attachments=FILE),
    message(15, "22", "That too"),
    "no message",
    {**message(16, "11", SECRET), "author": None},
    message(200, "11", "Hours later"),
    message(201, "22", "Much later"),
    message(202, "11", "thanks"),
)


@pytest.mark.covers("discord", "roles")
@pytest.mark.covers("discord", "system")
@pytest.mark.covers("discord", "bots")
@pytest.mark.covers("discord", "edits")
@pytest.mark.covers("discord", "attachments")
@pytest.mark.parametrize("who", ["22", "Sol", "sol"])
def test_what_is_said_and_what_is_left_out(tmp_path: Path, who: str) -> None:
    rows = read(Discord, write(tmp_path / "help.json", HELP), assistants=(who,))
    assert talks(rows) == [
        ["u:The door is shut\n\nMine too", "a:Push it", "u:and this?", "a:That too"],
        ["u:Hours later", "a:Much later"],
    ]
    assert drops(rows) == {
        None: 7,
        "preamble": 1,
        "system-line": 4,
        "bot": 2,
        "not-text": 3,
        "forwarded": 1,
        "empty-text": 1,
        "not-an-object": 1,
        "unknown-author": 1,
        "trailing-user": 1,
    }
    assert CANARY not in repr(rows)
    assert [row.flags for row in live(rows)] == [("edited", "several-users"), ()]
    assert live(rows)[1].meta == {"chat": "help", "time": "2025-03-01T13:20:00.123+00:00", "author": "Ana Luz"}


@pytest.mark.parametrize(("yes", "no"), [("true", "false"), (1, 0), ("1", "0"), ("yes", None)])
def test_bots_marked_in_another_form(tmp_path: Path, yes: Any, no: Any) -> None:
    files = [message(n, who, "text") for n, who in enumerate(("11", "99", "22"))]
    for one in files:
        one["author"]["isBot"] = yes if one["author"]["isBot"] else no
    rows = read(Discord, write(tmp_path / "a.json", channel(*files)), me="22")
    assert drops(rows) == {None: 2, "preamble": 1, "bot": 1}


def test_zones_of_times_are_heeded(tmp_path: Path) -> None:
    late = message(1, "22", "second", at="2025-03-01T12:01:00+02:00")
    rows = read(Discord, write(tmp_path / "a.json", channel(late, message(0, "11", "first"))), me="Sol")
    assert talks(rows) == [["u:first", "a:second"]]


@pytest.mark.covers("discord", "threads")
def test_parts_are_one_channel_and_a_thread_is_one_conversation(tmp_path: Path) -> None:
    thread = channel(
        message(50, "22", "Is it on?"),
        message(51, "11", "", 21),
        message(52, "11", "Yes", at="2025-03-09T10:00:00+00:00"),
        message(53, "22", "Turn it off", at="2025-03-19T10:00:00+00:00"),
        key="140",
        name="It does not print",
        kind="GuildPublicThread",
    )
    files = {
        "Shop - Text - help [7].json": channel(message(30, "11", "a"), message(40, "11", "It does not print")),
        "Shop - Text - help [7] [part 2].json": channel(message(41, "22", "b")),
        "Shop - help - It does not print [140].json": thread,
        "Shop - Text - other [8].json": channel(message(30, "11", "c"), message(31, "22", "d"), key="8", name="other"),
        "notes.json": {"not": "an export"},
    }
    for path in (write(tmp_path / "all", files), write(tmp_path / "all.zip", zipped(files))):
        rows = read(Discord, path, assistants=("22",))
        assert sorted(talks(rows)) == [
            ["u:It does not print", "a:Is it on?", "u:Yes", "a:Turn it off"],
            ["u:a", "a:b"],
            ["u:c", "a:d"],
        ]
        assert drops(rows) == {None: 8, "preamble": 4, "system-line": 1}
    (talk,) = (row for row in live(rows) if row.meta and "thread" in row.meta)
    assert talk.meta is not None and talk.meta["thread"] == "It does not print"


def zipped(files: dict[str, Any]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, value in files.items():
            archive.writestr(name, json.dumps(value))
    return packed.getvalue()


# --- private ----------------------------------------------------------------------------------------------------------

SHUT = [
    {"kind": "DirectTextChat"},
    {"kind": "DirectGroupTextChat"},
    {"kind": "DirectMessage", "guild": None},
    {"kind": "GuildPrivateThread"},
    {"kind": 1},
    {"kind": "", "guild": {"id": "0", "name": "Direct Messages"}},
]


@pytest.mark.covers("discord", "private")
@pytest.mark.parametrize("more", SHUT)
def test_direct_messages_are_read_only_if_asked_for(tmp_path: Path, more: dict[str, Any]) -> None:
    own = channel(message(1, "11", SECRET), message(2, "22", SECRET), key="9", name="Ana Luz", **more)
    files = {"a.json": HELP, "b.json": own}
    path = write(tmp_path / "all", files)
    rows = read(Discord, path, assistants=("22",))
    assert drops(rows)["private-note"] == 2 and CANARY not in repr(rows)
    assert len(live(read(Discord, path, assistants=("22",), private=("Ana Luz",)))) == 3
    alone = write(tmp_path / "own.json", own)
    told = sniffed(Discord, alone)
    assert told is not None and told.refusal is not None and "private=true" in told.refusal
    with pytest.raises(InputError, match="private=true"):
        read(Discord, alone, assistants=("22",))
    assert len(live(read(Discord, alone, assistants=("22",), private=True))) == 1


def test_a_root_does_not_go_into_a_thread_that_is_private(tmp_path: Path) -> None:
    own = channel(message(41, "22", SECRET), key="140", name="x", kind="GuildPrivateThread")
    files = {"a.json": channel(message(40, "11", "It does not print"), message(42, "22", "b")), "b.json": own}
    assert talks(read(Discord, write(tmp_path / "all", files), assistants=("22",))) == [["u:It does not print", "a:b"]]


def test_no_private_text_comes_near_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    extend = Log.extend
    monkeypatch.setattr(Log, "extend", lambda self, some: held.append(repr(some)) or extend(self, some))
    own = channel(message(1, "11", SECRET), message(2, "22", SECRET), key="9", kind="DirectTextChat")
    write(tmp_path / "export", {"a.json": HELP, "b.json": own})
    tables = {
        "read": [{"use": "discord", "path": "export", "assistants": ["22"]}],
        "write": [{"use": "openai-chat", "path": "out/all.jsonl", "meta": ["chat", "author"]}],
    }
    flow.run(Recipe.parse(tables, tmp_path, "recipe"))
    assert held and CANARY not in "".join(held)
    for path in tmp_path.rglob("*"):
        if path.is_file() and "export" not in path.parts:
            text = str(pl.read_parquet(path).to_dicts()) if path.suffix == ".parquet" else path.read_bytes().decode()
            assert CANARY not in text, path


# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@33> <@!22> <@&5> <@77>", "@bia @Sol @5 @77"),
        ("<#7> <#8>", "#help #8"),
        ("<:wave:123> <a:dance:456>", ":wave: :dance:"),
        ("<t:1700000000> <t:1700000000:R>", "2023-11-14 22:13 UTC 2023-11-14 22:13 UTC"),
        ("</ban user:123>", "/ban user"),
        ("a < b <3 <name> <t:x> &lt;", "a < b <3 <name> <t:x> &lt;"),
        ("<t:999999999999>", "<t:999999999999>"),
        ("**bold** `code`", "**bold** `code`"),
    ],
)
def test_raw_markup_is_resolved(tmp_path: Path, text: str, expected: str) -> None:
    known = [{"id": "33", "name": "bia", "isBot": False}]
    asked = message(2, "11", text, mentions=known)
    rows = read(
        Discord, write(tmp_path / "a.json", channel(message(1, "22", "hi"), asked, message(3, "22", "x"))), me="22"
    )
    assert talks(rows) == [[f"u:{expected}", "a:x"]]


# --- CSV --------------------------------------------------------------------------------------------------------------


def table(*rows: tuple[str, ...], header: str = "AuthorID,Author,Date,Content,Attachments,Reactions") -> bytes:
    text = io.StringIO()
    wrote = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    wrote.writerows(rows)
    return f"{header}\r\n{text.getvalue()}".encode()


ROWS = [
    ("11", "ana#0001", "2025-03-01T10:00:00.0000000+00:00", "two\nlines", "", ""),
    ("11", "ana#0001", "2025-03-01T10:01:00.0000000+00:00", "Joined the server.", "", ""),
    ("22", "sol#0002", "2025-03-01T10:02:00.0000000+00:00", "an answer", "", "x (1)"),
    ("99", "moka#0000", "2025-03-01T10:03:00.0000000+00:00", SECRET, "", ""),
    ("11", "ana#0001", "2025-03-01T10:04:00.0000000+00:00", "", "https://example.com/x.png", ""),
    ("11", "ana#0001", "2025-03-01T10:05:00.0000000+00:00", "Pinned a message. Or did I?", "", ""),
    ("22", "sol#0002", "2025-03-01T10:06:00.0000000+00:00", "You did", "", ""),
]


def test_a_csv_tells_less_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "Shop - Text - help [7].csv", table(*ROWS))
    rows = read(Discord, path, assistants=("sol",), bots=("moka",))
    assert talks(rows) == [["u:two\nlines", "a:an answer", "u:Pinned a message. Or did I?", "a:You did"]]
    assert drops(rows) == {None: 4, "system-line": 1, "bot": 1, "not-text": 1}
    (row,) = live(rows)
    assert row.flags == ("no-message-type",) and "no-message-type" in Discord.warns
    told = sniffed(Discord, path)
    assert told is not None and told.evidence[0] == "CSV of DiscordChatExporter" and told.counts["undecided"] == 5
    own = write(tmp_path / "Direct Messages - Ana [9].csv", table(*ROWS))
    with pytest.raises(InputError, match="private=true"):
        read(Discord, own, assistants=("sol",))


def test_dates_of_a_csv_follow_its_locale(tmp_path: Path) -> None:
    days = ["03-Sep-21 09:21 PM", "04-Sep-21 09:20 AM", "04-Sep-21 09:21 AM"]
    american = ["9/3/2021 9:21 PM", "9/13/2021 9:20 AM", "9/13/2021 9:21 AM"]
    british = ["03/09/2021 21:21", "13/09/2021 09:20", "13/09/2021 09:21"]
    for dates in (days, american, british):
        rows = [("1" * 2, "ana", dates[2], "last", "", ""), ("22", "sol", dates[0], "x", "", "")]
        rows += [("11", "ana", dates[1], "first", "", ""), ("22", "sol", dates[2], "end", "", "")]
        path = write(tmp_path / "a.csv", table(*rows))
        assert talks(read(Discord, path, me="sol", gap=False)) == [["u:first\n\nlast", "a:end"]]
    unclear = [("11", "ana", "3/4/2021 9:00", "a", "", ""), ("22", "sol", "3/4/2021 9:01", "b", "", "")]
    unclear += [("11", "ana", "4/4/2021 9:00", "c", "", ""), ("22", "sol", "4/4/2021 9:01", "d", "", "")]
    path = write(tmp_path / "a.csv", table(*unclear, header="AuthorID,Author,Date,Content,Attachments"))
    assert len(live(read(Discord, path, me="sol", day_first=True))) == 2


# --- other clothes ----------------------------------------------------------------------------------------------------


@pytest.mark.covers("discord", "sniffed")
def test_sniff_knows_it(tmp_path: Path) -> None:
    told = sniffed(Discord, write(tmp_path / "a.json", HELP))
    assert told is not None and told.evidence[0] == "JSON of DiscordChatExporter" and told.counts["bot"] == 2
    assert told.refusal is not None and "Ana Luz (11)" in told.refusal
    for other in ({"messages": []}, {"channel": "x", "messages": []}, [1], {"guild": 1}):
        assert sniffed(Discord, write(tmp_path / "b.json", other)) is None
    assert (
        sniffed(Discord, write(tmp_path / "b.csv", b"Author,Date,Content,Attachments,Subject\r\na,b,c,d,e\r\n")) is None
    )


@pytest.mark.covers("discord", "encodings")
def test_other_encodings(tmp_path: Path) -> None:
    text = json.dumps(HELP, ensure_ascii=False)
    whole = frame(Discord, write(tmp_path / "a.json", text.encode()), me="22")[0]
    for content in (text.encode("utf-8-sig"), text.encode("utf-16"), json.dumps(HELP, indent=2).encode()):
        assert frame(Discord, write(tmp_path / "a.json", content), me="22")[0].equals(whole, null_equal=True)


def test_same_rows_in_batches_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same_in_any_size(Discord, write(tmp_path / "a.json", HELP), monkeypatch, me="22")


def test_the_keys_of_old_versions(tmp_path: Path) -> None:
    """Without nicknames, roles, stickers, times of edits: versions before 2.30."""
    old = [{**message(n, "22" if n % 2 else "11", f"text {n}"), "author": {"id": who, "name": name, "isBot": False}}
           for n, (who, name) in enumerate([("11", "ana"), ("22", "sol")])]  # fmt: skip
    for one in old:
        for key in ("stickers", "mentions", "timestampEdited", "callEndedTimestamp", "isPinned"):
            del one[key]
    assert talks(read(Discord, write(tmp_path / "a.json", channel(*old)), me="sol")) == [["u:text 0", "a:text 1"]]


@real
def test_the_real_file() -> None:
    """Every field that the exporter gives of a message that is kept stands in the turn."""
    rows = read(Discord, REAL, assistants=("Bob Jones",))
    assert drops(rows) == {None: 2, "preamble": 1, "system-line": 2, "bot": 1, "trailing-user": 2}
    told = {one["id"]: one for one in json.loads(REAL.read_text())["messages"]}
    with Source(REAL) as source:
        turns = list(Discord(path=REAL).turns(source))
    kept = [one for one in told.values() if one["type"] in ("Default", "Reply") and not one["author"]["isBot"]]
    assert len(turns) == 1 + len(told)
    said = [turn for turn in turns if turn.drop is None and turn.role is None]
    assert [turn.author for turn in said] == [one["author"]["id"] for one in kept]
    assert [turn.names[:2] for turn in said] == [(one["author"]["nickname"], one["author"]["name"]) for one in kept]
    assert [turn.meta["time"] for turn in said if turn.meta] == [one["timestamp"] for one in kept]
    changed = {"Hello <@user002>, check <#101> and @everyone": "Hello @Bob Jones, check #101 and @everyone"}
    assert [turn.text for turn in said] == [changed.get(one["content"], one["content"]) for one in kept]


SEEDS = 200
FIELDS: list[dict[str, Any]] = [
    {"me": "Sol"},
    {},
    {"me": "22", "gap": "1m", "merge": False, "private": True},
    {"me": "sol", "with_bots": True, "bots": ("33",)},
]


def test_damaged_exports(tmp_path: Path) -> None:
    assert damaged(Discord, tmp_path / "a.json", HELP, range(SEEDS), FIELDS) > SEEDS // 4


@pytest.mark.long
def test_many_damaged_exports(tmp_path: Path) -> None:
    assert damaged(Discord, tmp_path / "a.json", HELP, range(10_000, 27_000), FIELDS) > 4_000
