"""Messenger and Instagram exports: texts put right, threads of many files, lines that Meta wrote, what others read."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from native_reading import CANARY, SHARED, damaged, drops, frame, read, same_in_any_size, sniffed, talks, write

from ftdata.errors import InputError
from ftdata.readers.messenger import Messenger, repaired
from ftdata.source import Source

REAL = SHARED / "messenger"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the files of others are not here")
PHOTO = {"photos": [{"uri": "photos/x.jpg", "creation_timestamp": 1}]}


def as_meta(value: Any) -> bytes:
    """Write JSON as Meta does: each byte of the UTF-8 text escaped as if it were a character."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(c if c < "\x80" else "".join(f"\\u{byte:04x}" for byte in c.encode()) for c in text).encode()


def said(minute: int, who: str, text: Any = None, **more: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"sender_name": who, "timestamp_ms": 1709287200000 + 60000 * minute}
    if text is not None:
        message["content"] = text
    return {**message, "is_geoblocked_for_viewer": False, **more}


def thread(*messages: Any, **more: Any) -> dict[str, Any]:
    """A file of a thread: the messages newest first."""
    people = [{"name": "Inês Ávila"}, {"name": "João"}]
    head = {
        "participants": people,
        "messages": list(messages)[::-1],
        "title": "Inês Ávila",
        "thread_path": "inbox/ines_1",
    }
    return {**head, "is_still_participant": True, "magic_words": [], **more}


# --- texts ------------------------------------------------------------------------------------------------------------


def bent(text: str) -> str:
    return text.encode().decode("latin-1")


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("é")
@example("€ 😀 – «ação»")
def test_what_meta_bends_is_put_right(text: str) -> None:
    assert repaired(bent(text)) == (text, not text.isascii())


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("não")
@example("Ã")
@example("€")
@example("caf\xe9 \x80")
def test_what_is_put_right_can_be_put_back(text: str) -> None:
    made, changed = repaired(text)
    assert changed == (made != text)
    if changed:
        assert bent(made) == text
    else:
        # Left as it is: plain ASCII, a character that is no byte, or bytes that are no UTF-8.
        with suppress(UnicodeError):
            assert text.isascii() or text.encode("latin-1").decode() == text


@pytest.mark.covers("messenger", "system")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("João Sá deu ao grupo o nome Clientes.", "system-line"),
        ("João entrou no grupo.", "system-line"),
        ("João alterou o tema da conversa para Amor.", "system-line"),
        ("João criou uma sondagem: Sim?", "system-line"),
        ("João abandonó el grupo.", "system-line"),
        ("João ha cambiado el nombre del grupo a X.", "system-line"),
        ("João hat die Gruppe verlassen.", "system-line"),
        ("João hat das Thema zu Liebe geändert.", "system-line"),
        ("João a quitté le groupe.", "system-line"),
        ("João ha abbandonato il gruppo.", "system-line"),
        ("Ha indicado que le gusta un mensaje", "system-line"),
        ("Ha reaccionado con 👍🏽 a tu mensaje", "system-line"),
        ("Gefällt eine Nachricht", "system-line"),
        (
            "Messages and calls are secured with end-to-end encryption. Only people in this chat can read them.",
            "system-line",
        ),
        ("As mensagens e as chamadas são protegidas com encriptação ponto a ponto.", "system-line"),
        ("Los mensajes y las llamadas están protegidos con cifrado de extremo a extremo.", "system-line"),
        ("João ha enviado un archivo adjunto.", "not-text"),
        ("I sent an attachment.", None),
        ("Ich hat einen Anhang gesendet", None),
        ("Você enviou uma foto errada, quero trocar.", None),
        ("Alguém entrou no grupo.", None),
        ("Quem deixou o grupo? João saiu do grupo.", None),
        ("João, entrou no grupo?", None),
    ],
)
def test_lines_of_meta_in_other_languages(tmp_path: Path, text: str, reason: str | None) -> None:
    export = {
        "participants": [],
        "messages": [
            {"sender_name": who, "timestamp_ms": 1709287200000 + at, "content": said}
            for at, (who, said) in enumerate([("João Sá", "Olá"), ("João Sá", text), ("Loja", "Sim?")])
        ],
    }
    rows = read(Messenger, write(tmp_path / "message_1.json", export), assistants=["Loja"])
    first = "Olá" if reason else f"Olá\n\n{text}"
    assert talks(rows) == [[f"u:{first}", "a:Sim?"]] and drops(rows).get(reason, 0) > 0


@pytest.mark.covers("messenger", "bots")
def test_the_model_of_meta_is_a_bot(tmp_path: Path) -> None:
    said = [("Ana", "Hi."), ("Meta AI", CANARY), ("Sol", "Hello.")]
    export = {
        "messages": [
            {"sender_name": who, "timestamp_ms": 1709287200000 + at, "content": text}
            for at, (who, text) in enumerate(said)
        ]
    }
    rows = read(Messenger, write(tmp_path / "message_1.json", export), assistants=["Sol"])
    assert talks(rows) == [["u:Hi.", "a:Hello."]] and drops(rows)["bot"] == 1


@pytest.mark.parametrize("value", [None, 7, ["é"], {}, True])
def test_what_is_no_text_has_none(value: Any) -> None:
    assert repaired(value) == ("", False)


@pytest.mark.covers("messenger", "encodings")
def test_a_mixed_file_is_put_right_text_by_text(tmp_path: Path) -> None:
    path = tmp_path / "message_1.json"
    messages = [said(1, bent("Inês"), bent("não abre")), said(2, "João", "já está – veja"), said(3, "João", "sim")]
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(thread(*messages), ensure_ascii=False).encode())
    (row,) = (row for row in read(Messenger, path, me="João") if row.drop is None)
    assert [m.content for m in row.messages or ()] == ["não abre", "já está – veja\n\nsim"]
    assert row.flags == ("mojibake-repaired",)
    path.write_bytes(json.dumps(thread(*messages[1:], said(0, "Inês", "olá"))).encode("utf-16"))
    (row,) = (row for row in read(Messenger, path, me="João") if row.drop is None)
    assert row.flags == ()


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.covers("messenger", "system")
@pytest.mark.covers("messenger", "deletions")
@pytest.mark.covers("messenger", "attachments")
def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    messages = [
        said(0, "João", f"{CANARY} joined", type="Subscribe", users=[{"name": "x"}]),
        said(1, "Inês Ávila", "Olá – não chegou 😀"),
        said(2, "João", "João sent an attachment.", share={"link": f"https://{CANARY}"}),
        said(3, "João", "Amanhã: €5 de volta", reactions=[{"reaction": "❤", "actor": CANARY}]),
        said(4, "Inês Ávila", None, **PHOTO),
        said(5, "Inês Ávila", None, sticker={"uri": "x"}),
        said(6, "Inês Ávila", "Reacted ❤️ to your message "),
        said(7, "João", "João named the group Ajuda.", type="Generic"),
        said(8, "Inês Ávila", f"{CANARY} unsent", is_unsent=True),
        said(9, "Inês Ávila", f"{CANARY} taken down", is_taken_down=True),
        said(10, "Inês Ávila", "Inês called you.", type="Call", call_duration=0),
        said(11, "Inês Ávila", f"{CANARY} paid", type="Payment"),
        said(12, "Inês Ávila", "Vejam https://example.com/y", type="Share", share={"link": "https://example.com/y"}),
        said(13, "João", "Já vi", **PHOTO),
        said(14, "Inês Ávila"),
        said(15, "", CANARY),
        "no object",
        said(17, "Inês Ávila", f"{CANARY} at the end"),
    ]
    rows = read(Messenger, write(tmp_path / "message_1.json", as_meta(thread(*messages))), me="João")
    assert talks(rows) == [
        ["u:Olá – não chegou 😀", "a:Amanhã: €5 de volta", "u:Vejam https://example.com/y", "a:Já vi"]
    ]
    assert drops(rows) == {
        None: 4,
        "preamble": 1,
        "system-line": 5,
        "not-text": 3,
        "deleted": 2,
        "empty-text": 1,
        "unknown-author": 1,
        "not-an-object": 1,
        "trailing-user": 1,
    }
    talk = next(row for row in rows if row.drop is None)
    assert talk.meta == {"chat": "Inês Ávila, João", "time": "2024-03-01T10:01:00Z", "author": "Inês Ávila"}
    assert CANARY not in repr(rows)


@pytest.mark.parametrize(
    ("text", "is_notice"),
    [
        ("Reacted 😂 to your message", True),
        ("Inês reacted ❤ to your message", True),
        ("Liked a message", True),
        ("Reagiu com ❤️ à sua mensagem", True),
        ("Reaccionó con 👍 a tu mensaje", True),
        ("I reacted badly to your message", False),
        ("You set the nickname for João to Jó.", True),
        ("Inês changed the theme to Love.", True),
        ("Inês Ávila added Rui to the group.", True),
        ("Inês left the group.", True),
        ("Inês left the group because it was dull", False),
        ("Ana left the group.", False),  # said of somebody else
        ("You created a poll: where to?", True),
        ('Inês voted for "here" in the poll.', True),
        ("This poll is no longer available.", True),
        ("The video chat ended.", True),
        ("The call ended and I was sad", False),
        ("You called the wrong number.", False),
        ("You pinned a message. I saw it.", False),
        ("You are now connected on Messenger", True),
        ("a" * 500, False),
    ],
)
def test_lines_that_meta_wrote(tmp_path: Path, text: str, is_notice: bool) -> None:
    messages = thread(said(1, "João", "hello"), said(2, "Inês Ávila", text))
    counts = drops(read(Messenger, write(tmp_path / "message_1.json", as_meta(messages)), me="João", greeting=True))
    assert ("system-line" in counts) == is_notice


# --- threads, inboxes, encrypted chats --------------------------------------------------------------------------------


@pytest.mark.covers("messenger", "threads")
@pytest.mark.covers("messenger", "sniffed")
@pytest.mark.covers("messenger", "roles")
def test_the_files_of_a_thread_are_one(tmp_path: Path) -> None:
    minutes = [said(n, ("Inês Ávila", "João")[n % 2], f"n{n}") for n in range(24)]
    parts = {
        f"inbox/ines_1/message_{n + 1}.json": as_meta(thread(*minutes[22 - 2 * n : 24 - 2 * n])) for n in range(12)
    }
    other = {
        "inbox/rui_2/message_1.json": as_meta(thread(*(said(n, ("Rui", "João")[n % 2], f"r{n}") for n in range(2))))
    }
    junk = {"inbox/ines_1/photos/a.json": b"{}", "autofill_information.json": b"{}", "inbox/ines_1/message_1.html": b""}
    folder = write(tmp_path / "messages", {**parts, **other, **junk})
    rows = read(Messenger, folder, me="João")
    assert talks(rows) == [[f"{'ua'[n % 2]}:n{n}" for n in range(24)], ["u:r0", "a:r1"]]
    assert [row.meta["chat"] for row in rows if row.meta] == ["ines_1", "rui_2"]
    told = sniffed(Messenger, folder)
    assert told is not None and told.counts == {"preamble": 13, "undecided": 26}
    assert told.refusal is not None and '"João"' in told.refusal


def test_numbers_in_names_are_numbers(tmp_path: Path) -> None:
    names = [f"inbox/a_1/message_{n}.json" for n in range(1, 13)]
    folder = write(tmp_path / "x", {name: {"messages": []} for name in names} | {"inbox/a_1/photo.json": {}})
    with Source(folder) as source:
        list(Messenger(path=folder, me="A").turns(source))
        assert [name for _, name in source.spans()] == [f"x/{name}" for name in names]


def test_encrypted_chats_have_other_keys(tmp_path: Path) -> None:
    def sealed(minute: int, who: str, text: str, **more: Any) -> dict[str, Any]:
        base = {"isUnsent": False, "media": [], "reactions": [], "senderName": who, "text": text, "type": "text"}
        return {**base, "timestamp": 1709287200000 + 60000 * minute, **more}

    messages = [
        sealed(1, "Inês", "não abre"),
        sealed(2, "João", "", media=[{"uri": "x"}], type="media"),
        sealed(3, "João", "já vi"),
        sealed(4, "João", CANARY, isUnsent=True),
        sealed(5, "João", CANARY, type="placeholder"),
    ]
    content = {"participants": ["Inês", "João"], "threadName": "Inês_12", "messages": messages[::-1]}
    one = write(tmp_path / "Inês_12.json", content)
    folder = write(tmp_path / "messages", {"Inês_12.json": content, "Rui_13.json": content, "media/about.json": b"{}"})
    for path, count in ((one, 1), (folder, 2)):
        rows = read(Messenger, path, me="João")
        assert talks(rows) == [["u:não abre", "a:já vi"]] * count
        assert drops(rows) == {
            None: 2 * count,
            "preamble": count,
            "not-text": count,
            "deleted": count,
            "system-line": count,
        }
        assert sniffed(Messenger, path) is not None
        assert next(row for row in rows if row.meta).meta == {
            "chat": "Inês_12",
            "time": "2024-03-01T10:01:00Z",
            "author": "Inês",
        }


@pytest.mark.parametrize(
    "content",
    [
        {"messages": [{"role": "user", "content": "a"}]},
        {"messages": [{"type": "message", "date_unixtime": "1709287200", "from": "A", "text": "b"}]},
        {"messages": []},
        [{"sender_name": "A", "timestamp_ms": 1, "content": "x"}],
        b"",
        b"sender_name,timestamp_ms\nA,1\n",
    ],
)
def test_what_is_another_format_is_not_known(tmp_path: Path, content: Any) -> None:
    assert sniffed(Messenger, write(tmp_path / "message_1.json", content)) is None


def test_a_folder_without_messages_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"a.json": {}, "b.json": {}})
    assert sniffed(Messenger, folder) is None
    with pytest.raises(InputError, match=r"holds no message_1\.json"):
        read(Messenger, folder, me="João")
    with pytest.raises(InputError, match="who is the assistant"):
        read(Messenger, write(tmp_path / "message_1.json", thread(said(1, "A", "x"))))


# --- files of others --------------------------------------------------------------------------------------------------


@real
def test_real_files_give_exactly_this() -> None:
    path = REAL / "langchain_facebook_chat.json"
    rows = read(Messenger, path, me="User 2")
    assert drops(rows) == {None: 10, "preamble": 1, "not-text": 1}
    assert [len(talk) for talk in talks(rows)] == [6, 2]  # four hours lie between the second and the third message
    (whole,) = talks(read(Messenger, path, me="User 2", gap=False))
    assert len(whole) == 8 and whole[0].startswith("u:Hi! Im interested") and whole[-1] == "a:Bye!"
    rows = read(Messenger, REAL / "chatminer_instagram.json", me="John Doe")
    assert talks(rows) == [["u:Hello John!", "a:Hello Jane!"]]
    assert drops(rows) == {None: 2, "preamble": 1}


# chat-miner 0.6.0, FacebookMessengerParser(file).parse_file() on the real file and on PEERS; langchain-community 0.4.2,
# SingleFileFacebookMessengerChatLoader(file).lazy_load(). Both keep the order of the file or turn it round.
REAL_BY_CHAT_MINER = [
    ("2023-02-05 11:46:11.851000", "User 2", "Bye!"),
    ("2023-02-05 11:43:55.669000", "User 1", "Oh no worries! Bye"),
    ("2023-02-05 11:24:37.579000", "User 2", "No Im sorry it was my mistake, the blue one is not for sale"),
    ("2023-02-05 11:05:40.251000", "User 1", "I thought you were selling the blue one!"),
    ("2023-02-05 11:05:09.305000", "User 1", "Im not interested in this bag. Im interested in the blue one!"),
    ("2023-02-05 11:04:28.468000", "User 2", "Here is $129"),
    ("2023-02-05 11:04:05.152000", "User 2", "Online is at least $100"),
    ("2023-02-05 10:59:59.696000", "User 1", "How much do you want?"),
    ("2023-02-05 06:17:56.645000", "User 2", "Goodmorning! $50 is too low."),
    (
        "2023-02-04 22:17:02.673000",
        "User 1",
        "Hi! Im interested in your bag. Im offering $50. Let me know if you are interested. Thanks!",
    ),
]
PEERS = thread(
    said(1, "Inês Ávila", "Olá – o pedido não chegou 😀"),
    said(2, "João", "João sent an attachment.", share={"link": "https://example.com/x"}),
    said(3, "João", "Chega amanhã, €5 de volta"),
    said(4, "Inês Ávila", None, **PHOTO),
    said(5, "Inês Ávila", "Reacted ❤ to your message"),
    said(6, "João", "João named the group Ajuda.", type="Generic"),
    said(7, "Inês Ávila", "segredo apagado", is_unsent=True),
    said(8, "Inês Ávila", "Inês called you.", type="Call", call_duration=0),
    said(9, "Inês Ávila", "Veja https://example.com/y", type="Share", share={"link": "https://example.com/y"}),
    said(10, "João", 'Já vi: "tudo certo"'),
)
PEERS_BY_CHAT_MINER = [
    ("2024-03-01 10:10:00", "João", 'Já vi: "tudo certo"'),
    ("2024-03-01 10:09:00", "Inês Ávila", "Veja https://example.com/y"),
    ("2024-03-01 10:08:00", "Inês Ávila", "Inês called you."),  # a call
    ("2024-03-01 10:07:00", "Inês Ávila", "segredo apagado"),  # taken back
    ("2024-03-01 10:06:00", "João", "João named the group Ajuda."),  # written by Meta
    ("2024-03-01 10:05:00", "Inês Ávila", "Reacted ❤ to your message"),  # written by Meta; its Instagram parser agrees
    ("2024-03-01 10:03:00", "João", "Chega amanhã, €5 de volta"),
    ("2024-03-01 10:02:00", "João", "João sent an attachment."),  # written by Meta
    ("2024-03-01 10:01:00", "Inês Ávila", "Olá – o pedido não chegou 😀"),
]
NOT_WRITTEN_BY_PEOPLE = {"10:08", "10:07", "10:06", "10:05", "10:02"}


def told(path: Path) -> list[tuple[str, str, str]]:
    """The authors, times and texts of a file as it stands, times as chat-miner writes them."""
    with Source(path) as source:
        turns = [turn for turn in Messenger(path=path).turns(source) if turn.drop is None]
    times = [datetime(1970, 1, 1) + timedelta(microseconds=turn.at[0]) for turn in turns if turn.at]
    return [(str(time), turn.author, turn.text) for time, turn in zip(times, turns, strict=True)]


@real
def test_the_same_authors_times_and_texts_as_chat_miner_in_a_real_file() -> None:
    assert told(REAL / "langchain_facebook_chat.json") == REAL_BY_CHAT_MINER
    assert told(REAL / "chatminer_instagram.json") == [
        ("2020-01-17 20:49:00", "John Doe", "Hello Jane!"),
        ("2019-12-24 11:23:00", "Jane Doe", "Hello John!"),
    ]


def test_the_same_authors_times_and_texts_as_chat_miner(tmp_path: Path) -> None:
    found = told(write(tmp_path / "message_1.json", as_meta(PEERS)))
    assert found == [one for one in PEERS_BY_CHAT_MINER if one[0][11:16] not in NOT_WRITTEN_BY_PEOPLE]
    # LangChain gives the same messages as chat-miner, oldest first, without times, its texts as Meta bent them:
    assert bent(found[-1][2]) == "OlÃ¡ â\x80\x93 o pedido nÃ£o chegou ð\x9f\x98\x80"


# --- laws -------------------------------------------------------------------------------------------------------------


def test_rows_are_the_same_in_batches_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = [said(3 * n, ("Inês Ávila", "João")[n % 2], f"é {n}", **({"is_unsent": n % 5 == 0})) for n in range(90)]
    folder = write(tmp_path / "inbox", {f"t{n}/message_1.json": as_meta(thread(*minutes)) for n in range(6)})
    same_in_any_size(Messenger, folder, monkeypatch, me="João", gap="5m")


def test_a_scratch_folder_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "message_1.json", as_meta(PEERS))
    whole = frame(Messenger, path, me="João")[0]
    monkeypatch.setattr("ftdata.readers.divide.MEMORY", 0)
    monkeypatch.setattr("ftdata.readers.stitch.MEMORY", 0)
    assert frame(Messenger, path, scratch=tmp_path / "scratch", me="João")[0].equals(whole, null_equal=True)


FIELDS: list[dict[str, Any]] = [
    {"me": "João"},
    {},
    {"me": "João", "gap": "1m", "merge": False},
    {"assistants": ["Rui"]},
]


def test_damaged_exports(tmp_path: Path) -> None:
    value = json.loads(as_meta(PEERS))
    assert damaged(Messenger, tmp_path / "message_1.json", value, range(400), FIELDS) > 60


@pytest.mark.long
def test_many_damaged_exports(tmp_path: Path) -> None:
    value = json.loads(as_meta(PEERS))
    assert damaged(Messenger, tmp_path / "message_1.json", value, range(10_000, 35_000), FIELDS[::2]) > 5_000
