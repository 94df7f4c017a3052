"""Telegram exports: what is a message and whose, what is left out, chats of an account, and what others read there."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from native_reading import CANARY, SHARED, damaged, drops, frame, read, same_in_any_size, sniffed, talks, write

from ftdata.errors import InputError
from ftdata.readers.telegram import Telegram, said
from ftdata.source import Source

REAL = SHARED / "telegram"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the files of others are not here")
NOT_INCLUDED = "(File not included. Change data exporting settings to download.)"


def message(number: int, who: str, text: Any, **more: Any) -> dict[str, Any]:
    """A message as Telegram Desktop writes it; two minutes lie between one and the next."""
    name = {"11": "Ana Luz", "22": "Sol", "33": "Ana Luz", "99": "Moka"}.get(who)
    base = {
        "id": number,
        "type": "message",
        "date": "2024-03-01T10:00:00",
        "date_unixtime": f"{1709287200 + 120 * number}",
    }
    return {**base, "from": name, "from_id": f"user{who}", "text": text, "text_entities": [], **more}


def service(number: int, **more: Any) -> dict[str, Any]:
    base = {
        "id": number,
        "type": "service",
        "date": "2024-03-01T10:00:00",
        "date_unixtime": f"{1709287200 + 120 * number}",
    }
    return {**base, "actor": "Ana Luz", "actor_id": "user11", "action": "phone_call", "text": "", **more}


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"name": "Ana Luz", "type": "personal_chat", "id": 11, **more, "messages": list(messages)}


# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        (["a ", {"type": "bold", "text": "b"}, " c\n", {"type": "code", "text": "d<e"}], "a b c\nd<e"),
        (
            [{"type": "text_link", "text": "here", "href": "https://example.com/a"}, "."],
            "here (https://example.com/a).",
        ),
        ([{"type": "text_link", "text": "example.com/a", "href": "https://www.example.com/a/"}], "example.com/a"),
        ([{"type": "text_link", "text": "here"}], "here"),
        ([{"type": "link", "text": "https://example.com"}], "https://example.com"),
        (["Run ", {"type": "pre", "text": "a\n  b\n", "language": "sh"}, " now"], "Run \n```sh\na\n  b\n```\n now"),
        (["Run:\n", {"type": "pre", "text": "a", "language": ""}, "\nnow"], "Run:\n```\na\n```\nnow"),
        ([{"type": "pre", "text": "a"}, {"type": "pre", "text": "has ``` inside"}], "```\na\n```\nhas ``` inside"),
        ([{"type": "custom_emoji", "text": "😀", "document_id": "x"}, None, 7, ["x"], {"text": 7}], "😀"),
        ("", "from the entities"),
        (None, "from the entities"),
        ({"type": "bold", "text": "x"}, ""),
    ],
)
def test_a_text_is_a_string_or_pieces(text: Any, expected: str) -> None:
    assert said({"text": text, "text_entities": [{"type": "plain", "text": "from the entities"}]}) == expected


# --- topics and bots --------------------------------------------------------------------------------------------------


@pytest.mark.covers("telegram", "threads")
def test_the_topics_of_a_forum_are_conversations(tmp_path: Path) -> None:
    made = chat(
        service(1, action="topic_created", title="Bills"),
        service(2, action="topic_created", title="Parcels"),
        message(3, "11", "My bill?", reply_to_message_id=1),
        message(4, "33", "My parcel?", reply_to_message_id=2),
        message(5, "22", "Paid.", reply_to_message_id=3),
        message(6, "22", "Sent.", reply_to_message_id=2),
        message(7, "11", "Hello all."),
        message(8, "22", "Hello.", reply_to_message_id=7),
        message(9, "22", "Elsewhere.", reply_to_message_id=1, reply_to_peer_id="channel5"),
        type="private_supergroup",
    )
    found = read(Telegram, write(tmp_path / "result.json", made), assistants=["Sol"])
    assert talks(found) == [
        ["u:My bill?", "a:Paid."],
        ["u:My parcel?", "a:Sent."],
        ["u:Hello all.", "a:Hello.\n\nElsewhere."],
    ]
    assert [(row.meta or {}).get("thread") for row in found if row.drop is None] == ["Bills", "Parcels", None]


@pytest.mark.covers("telegram", "bots")
@pytest.mark.parametrize("with_bots", [False, True])
def test_only_bots_have_buttons(tmp_path: Path, with_bots: bool) -> None:
    buttons = [[{"type": "callback", "text": "Yes", "dataBase64": ""}]]
    made = chat(
        message(1, "11", "Hi."),
        message(2, "99", CANARY, inline_bot_buttons=buttons),
        message(3, "22", "Hello."),
        message(4, "11", CANARY, inline_bot_buttons=buttons, forwarded_from="News"),
        type="private_group",
    )
    found = read(Telegram, write(tmp_path / "result.json", made), assistants=["Sol"], with_bots=with_bots)
    answer = f"{CANARY}\n\nHello." if with_bots else "Hello."
    assert talks(found) == [["u:Hi.", f"a:{answer}"]] and drops(found)["forwarded"] == 1


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.covers("telegram", "system")
@pytest.mark.covers("telegram", "attachments")
@pytest.mark.covers("telegram", "edits")
@pytest.mark.covers("telegram", "bots")
def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    secret = f"{CANARY} words"
    rows = read(
        Telegram,
        write(
            tmp_path / "result.json",
            chat(
                service(1, title=secret),
                message(2, "11", "It does not open"),
                message(3, "22", secret, forwarded_from="Another"),
                message(4, "22", secret, via_bot="@wiki"),
                message(5, "11", "", photo=NOT_INCLUDED, width=1),
                message(6, "11", "", media_type="sticker", sticker_emoji="😀", file=NOT_INCLUDED),
                message(7, "11", "", poll={"question": secret, "answers": [{"text": secret}]}),
                message(8, "11", "look at the picture", photo=NOT_INCLUDED),
                message(9, "22", "Turn it left", edited="2024-03-01T11:00:00", edited_unixtime="1709290800"),
                message(10, "99", secret),
                message(11, "11", ""),
                message(12, "11", secret, **{"from": None, "from_id": None}),
                {**message(13, "11", secret), "type": "unsupported"},
                {**message(14, "11", secret), "type": "something new"},
                "no object",
                message(16, "777000", f"Login code: {secret}"),
                message(17, "22", "Did it help?", edited="1970-01-01T00:00:00"),
                message(18, "11", f"{CANARY} is cut at the end"),
            ),
        ),
        assistants=("Sol",),
        bots=("Moka",),
    )
    assert talks(rows) == [["u:It does not open\n\nlook at the picture", "a:Turn it left\n\nDid it help?"]]
    assert drops(rows) == {
        None: 4,
        "preamble": 1,
        "system-line": 2,
        "forwarded": 1,
        "bot": 3,
        "not-text": 4,
        "empty-text": 1,
        "unknown-author": 1,
        "not-an-object": 1,
        "trailing-user": 1,
    }
    talk = next(row for row in rows if row.drop is None)
    assert talk.flags == ("edited",)
    told = {"chat": "Ana Luz", "type": "personal_chat", "time": "2024-03-01T10:04:00Z", "author": "Ana Luz"}
    assert talk.meta == told
    assert CANARY not in repr(rows)


def test_an_author_whose_account_is_gone_is_known_by_id(tmp_path: Path) -> None:
    messages = chat(message(1, "44", "Hello?"), message(2, "55", "Hello!"))
    path = write(tmp_path / "result.json", messages)
    (row,) = (row for row in read(Telegram, path, assistants=("user55",)) if row.drop is None)
    assert row.meta is not None and row.meta["author"] == "user44"


@pytest.mark.parametrize(
    ("about", "flags"),
    [
        ({"edited": "2024-03-01T11:00:00"}, ("edited",)),
        ({"edited_unixtime": "1709290800"}, ("edited",)),
        ({"edited": "1970-01-01T00:00:00"}, ()),  # older versions of the exporter say this of all others
        ({"edited": "1970-01-01T00:00:00", "edited_unixtime": "0"}, ()),
        ({"edited": None}, ()),
    ],
)
def test_what_was_edited_is_flagged(tmp_path: Path, about: dict[str, Any], flags: tuple[str, ...]) -> None:
    path = write(tmp_path / "result.json", chat(message(1, "11", "How?"), message(2, "22", "So.", **about)))
    assert [row.flags for row in read(Telegram, path, me="Sol") if row.drop is None] == [flags]


def test_forwarded_words_are_kept_on_request(tmp_path: Path) -> None:
    there = message(2, "22", "Like this", forwarded_from="Another", saved_from="x")
    path = write(tmp_path / "result.json", chat(message(1, "11", "How?"), there, message(3, "22", "Clear?")))
    assert talks(read(Telegram, path, me="Sol")) == [["u:How?", "a:Clear?"]]
    assert talks(read(Telegram, path, me="Sol", with_forwarded=True)) == [["u:How?", "a:Like this\n\nClear?"]]


def test_times_are_those_since_1970_then_local_ones(tmp_path: Path) -> None:
    first, second, third = message(1, "11", "one"), message(2, "22", "two"), message(3, "22", "three")
    first["date"] = "2030-01-01T00:00:00"
    for one in (second, third):
        del one["date_unixtime"]
    second["date"], third["date"] = "2024-03-01T10:05:00", "2024-03-01T10:04:00"
    rows = read(Telegram, write(tmp_path / "result.json", chat(first, second, third)), me="Sol")
    assert talks(rows) == [["u:one", "a:three\n\ntwo"]]
    for one in (first, second, third):
        one.pop("date", None)
        one.pop("date_unixtime", None)
    rows = read(Telegram, write(tmp_path / "result.json", chat(first, second, third)), me="Sol")
    assert talks(rows) == [["u:one", "a:two\n\nthree"]]


def test_ids_of_old_exports_are_numbers(tmp_path: Path) -> None:
    messages = [message(1, "11", "one", from_id=11), message(2, "22", "two", from_id=22)]
    rows = read(Telegram, write(tmp_path / "result.json", chat(*messages)), assistants=("22",))
    assert talks(rows) == [["u:one", "a:two"]]


# --- accounts, folders, archives --------------------------------------------------------------------------------------

ACCOUNT: dict[str, Any] = {
    "about": "Here is the data you requested.",
    "personal_information": {"user_id": 22, "first_name": CANARY, "phone_number": CANARY},
    "contacts": {"about": "", "list": [{"first_name": CANARY}]},
    "chats": {
        "about": "",
        "list": [
            chat(message(1, "11", "first chat"), message(3, "22", "yes")),
            chat(message(2, "33", "same name, other person"), message(4, "22", "no"), id=33),
            chat(message(1, "22", "/start"), message(2, "88", CANARY), type="bot_chat", id=88, name="Robot"),
            chat(message(1, "22", f"{CANARY} a note to myself"), type="saved_messages", name=None),
            chat(message(1, "11", f"{CANARY} 12345"), type="verify_codes"),
        ],
    },
    "left_chats": {
        "about": "",
        "list": [chat(message(1, "11", "a group"), message(2, "22", "left"), type="private_group")],
    },
}


@pytest.mark.covers("telegram", "roles")
@pytest.mark.covers("telegram", "sniffed")
def test_a_whole_account_keeps_its_chats_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "result.json", ACCOUNT)
    rows = read(Telegram, path, me="Sol")
    assert talks(rows) == [
        ["u:first chat", "a:yes"],
        ["u:same name, other person", "a:no"],
        ["u:a group", "a:left"],
    ]
    assert drops(rows) == {None: 6, "preamble": 6, "bot": 2, "no-user": 2}
    assert [row.meta["type"] for row in rows if row.meta] == ["personal_chat", "personal_chat", "private_group"]
    assert CANARY not in repr(rows)
    told = sniffed(Telegram, path)
    assert told is not None and told.counts == {"preamble": 6, "undecided": 8, "bot": 2}
    assert told.refusal is not None and '"Sol (user22)"' in told.refusal and "--from telegram" in told.force


def test_a_name_that_two_authors_have_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "result.json", ACCOUNT)
    with pytest.raises(InputError, match="2 authors have a name that was stated; give the id") as error:
        read(Telegram, path, me="Ana Luz")
    assert "Ana" not in error.value.recorded
    assert talks(read(Telegram, path, me="user33")) == []  # they speak first, and nobody answers


def test_the_assistant_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing in this format tells who is the assistant"):
        read(Telegram, write(tmp_path / "result.json", ACCOUNT))


def test_folders_and_archives_are_read_with_media_beside(tmp_path: Path) -> None:
    small = chat(message(1, "11", "one"), message(2, "22", "two"))
    folder = write(
        tmp_path / "DataExport",
        {
            "ChatExport_1/result.json": small,
            "ChatExport_2/result.json": small,
            "ChatExport_1/photos/1.jpg": b"\xff\xd8",
        },
    )
    assert talks(read(Telegram, folder, me="Sol")) == [["u:one", "a:two"]] * 2
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("ChatExport/result.json", json.dumps(small))
        archive.writestr("ChatExport/files/a.json", "{}")
        archive.writestr("__MACOSX/ChatExport/._result.json", b"\0")
    assert talks(read(Telegram, tmp_path / "export.zip", me="Sol")) == [["u:one", "a:two"]]
    assert sniffed(Telegram, tmp_path / "export.zip") is not None
    other = write(tmp_path / "other", {"a.json": {}, "b.json": {}})
    assert sniffed(Telegram, other) is None
    with pytest.raises(InputError, match=r"holds no result\.json"):
        read(Telegram, other, me="Sol")


PAGE = b'<!DOCTYPE html>\n<html>\n<div class="page_wrap"><div class="page_body chat_page"><div class="history"></div>'


def test_the_html_export_is_recognised_and_refused(tmp_path: Path) -> None:
    for path in (
        write(tmp_path / "messages.html", PAGE),
        write(tmp_path / "export", {"messages.html": PAGE, "messages2.html": PAGE, "css/style.css": b""}),
    ):
        told = sniffed(Telegram, path)
        assert told is not None and told.refusal is not None and "JSON" in told.refusal
        with pytest.raises(InputError, match="Machine-readable JSON"):
            read(Telegram, path, me="Sol")


@pytest.mark.parametrize(
    "content",
    [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"messages": [{"type": "message", "text": "a", "ts": "1.2", "user": "U1"}]},
        {"messages": [{"sender_name": "A", "timestamp_ms": 1, "content": "x", "type": "Generic"}]},
        {"messages": []},
        [],
        {},
        b"",
        b'{"messages": ',
        b"date_unixtime,from,text\n1,a,b\n",
    ],
)
def test_what_is_another_format_is_not_known(tmp_path: Path, content: Any) -> None:
    assert sniffed(Telegram, write(tmp_path / "result.json", content)) is None


def test_broken_exports_are_counted(tmp_path: Path) -> None:
    text = json.dumps(chat(message(1, "11", "one"), message(2, "22", "two"), message(3, "11", "x"))).encode()
    rows = read(Telegram, write(tmp_path / "result.json", text[:-40]), me="Sol")
    assert talks(rows) == [["u:one", "a:two"]] and drops(rows)["bad-json"] >= 1
    assert drops(read(Telegram, write(tmp_path / "result.json", b'{"name": 1}'), me="Sol")) == {"not-an-object": 1}


# --- files of others --------------------------------------------------------------------------------------------------


@real
def test_real_files_give_exactly_this() -> None:
    rows = read(Telegram, REAL / "langchain_result.json", assistants=("user6565661032",))
    assert drops(rows) == {None: 2, "preamble": 1, "trailing-user": 2}
    assert talks(rows) == [["u:i refuse to converse with you", "a:Hi nemesis"]]
    rows = read(Telegram, REAL / "langchain_result.json", me="Jimmeny Marvelton")
    assert drops(rows) == {None: 3, "preamble": 1, "leading-agent": 1}
    for name in ("chatminer_single.json", "chatminer_batch.json"):
        rows = read(Telegram, REAL / name, me="Author 2")
        assert talks(rows) == [["u:Minimal Message", "a:Link:https://telegram.org/"]]
        assert drops(rows) == {None: 2, "preamble": 1}
    told = sniffed(Telegram, REAL / "langchain_messages.html")
    assert told is not None and told.refusal is not None


# Both parsers run on PEERS, the export below: chat-miner 0.6.0, TelegramJsonParser(file).parse_file();
# langchain-community 0.4.2, TelegramChatLoader(file).lazy_load(). Times are their own, in UTC and local.
PEERS = chat(
    service(1),
    message(2, "11", "Bom dia, não abre"),
    message(
        3,
        "22",
        [
            "Veja ",
            {"type": "text_link", "text": "aqui", "href": "https://example.com/a?b=1"},
            ", ou em ",
            {"type": "link", "text": "https://example.com"},
            ".",
        ],
    ),
    message(4, "22", "palavras de outra pessoa", forwarded_from="Outra"),
    message(5, "11", "com legenda", photo=NOT_INCLUDED),
    message(6, "11", "", file=NOT_INCLUDED, media_type="sticker", sticker_emoji="😀"),
    message(7, "22", "achado por um bot", via_bot="@wiki"),
    message(8, "22", 'Feito: "pronto"\nduas linhas', edited="2024-03-01T11:00:00", edited_unixtime="1709290800"),
    message(9, "11", "e a factura?"),
    message(10, "22", [{"type": "bold", "text": "Segue"}, " ", {"type": "code", "text": "a<b && c"}]),
)
CHAT_MINER = {
    2: ("Ana Luz", "Bom dia, não abre"),
    3: ("Sol", "Veja  aqui , ou em  https://example.com ."),
    4: ("Sol", "palavras de outra pessoa"),
    5: ("Ana Luz", "com legenda"),
    6: ("Ana Luz", ""),
    7: ("Sol", "achado por um bot"),
    8: ("Sol", 'Feito: "pronto"\nduas linhas'),
    9: ("Ana Luz", "e a factura?"),
    10: ("Sol", "Segue   a<b && c"),
}
DIFFER = {
    3: "pieces are joined with spaces that nobody wrote, and the address of a link is lost",
    4: "forwarded: the words of another",
    6: "a sticker has no text",
    7: "written by an inline bot",
    10: "spaces between pieces that nobody wrote",
}


def test_the_same_authors_times_and_texts_as_chat_miner(tmp_path: Path) -> None:
    path = write(tmp_path / "result.json", PEERS)
    with_names: dict[int, tuple[str, str]] = {}
    with Source(path) as source:
        for turn in Telegram(path=path).turns(source):
            if turn.drop is None:
                number = turn.number - 1  # the first record is what stands around the messages
                with_names[number] = (turn.names[0], turn.text)
                assert turn.at is not None and turn.at[0] == (1709287200 + 120 * number) * 10**6
    for number, (author, text) in CHAT_MINER.items():
        if number not in DIFFER:
            assert with_names[number] == (author, text)
    assert set(CHAT_MINER) - set(with_names) == {4, 6, 7}
    assert with_names[3] == ("Sol", "Veja aqui (https://example.com/a?b=1), ou em https://example.com.")
    assert with_names[10] == ("Sol", "Segue a<b && c")
    # LangChain gives the list of pieces itself as the content of 3 and 10, the service message as one without author
    # and text, local times only; all else as chat-miner.
    assert set(with_names) == {2, 3, 5, 8, 9, 10}


# --- laws -------------------------------------------------------------------------------------------------------------


def test_rows_are_the_same_in_batches_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [
        message(n, "22" if n % 3 else "11", f"text {n}", **({"via_bot": "x"} if n % 7 == 0 else {})) for n in range(90)
    ]
    path = write(tmp_path / "result.json", {"chats": {"list": [chat(*many, id=n) for n in range(9)]}})
    same_in_any_size(Telegram, path, monkeypatch, me="Sol", gap="3m")


@pytest.mark.covers("telegram", "encodings")
def test_other_encodings(tmp_path: Path) -> None:
    text = json.dumps(PEERS, ensure_ascii=False)
    whole = frame(Telegram, write(tmp_path / "result.json", text.encode()), me="Sol")[0]
    for content in (b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), json.dumps(PEERS).encode()):
        assert frame(Telegram, write(tmp_path / "result.json", content), me="Sol")[0].equals(whole, null_equal=True)


SEEDS = 500


@pytest.mark.parametrize("value", [PEERS, ACCOUNT])
def test_damaged_exports(tmp_path: Path, value: Any) -> None:
    fields: list[dict[str, Any]] = [
        {"me": "Sol"},
        {},
        {"me": "Sol", "gap": "1m", "merge": False},
        {"assistants": ["user22"]},
    ]
    assert damaged(Telegram, tmp_path / "result.json", value, range(SEEDS // 2), fields) > SEEDS // 10


@pytest.mark.long
def test_many_damaged_exports(tmp_path: Path) -> None:
    fields: list[dict[str, Any]] = [{"me": "Sol"}, {"me": "user22", "gap": "1m", "merge": False}]
    assert damaged(Telegram, tmp_path / "result.json", ACCOUNT, range(10_000, 35_000), fields) > 5_000
