"""WhatsApp chats: what opens a message and when it was sent, who said it, and what WhatsApp itself put there."""

from __future__ import annotations

import csv
import json
import random
import time
import zipfile
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata import sniff
from ftdata.batch import SCHEMA, conversations
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.messages import Turn
from ftdata.readers.whatsapp import WhatsApp
from ftdata.source import Source

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/chats/whatsapp"
PARSERS = json.loads((Path(__file__).parent / "whatsapp_parsers.json").read_text("utf-8"))
CANARY = "CANARY-7b31"
LRM = "\u200e"
ANDROID, IPHONE = "13/06/2024, 10:{:02} - ", "[13/06/24, 10:{:02}:15] "


def turns(content: str | bytes, path: Path, **fields: Any) -> list[Turn]:
    """Give the messages of a chat, each record once."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Source(path) as source:
        found = list(WhatsApp(path=path, **fields).turns(source))
        assert [n for turn in found for n in range(turn.number, turn.number + turn.lines)] == list(
            range(1, source.handed + 1)
        )
    return found


def read(path: Path, content: str | bytes | None = None, **fields: Any) -> list[Conversation]:
    """Read a chat; check on the way that every record is owned by exactly one row, and that no canary is in any."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = WhatsApp(path=path, **fields)
    with Source(path) as source:
        batches = list(reader.read(source))
        handed = source.handed
    assert all(batch.schema == SCHEMA for batch in batches)
    rows = [row for batch in batches for row in conversations(batch)]
    assert sorted(number for row in rows for number in row.origin) == list(range(1, handed + 1))
    assert CANARY not in repr(rows)
    return rows


def talks(rows: list[Conversation]) -> list[list[str]]:
    return [[f"{str(m.role)[0]}:{m.content}" for m in row.messages or ()] for row in rows if row.drop is None]


def drops(rows: list[Conversation]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        if row.drop is not None:
            counts[row.drop] += len(row.origin)
    return dict(counts)


def when(turn: Turn) -> str | None:
    if turn.at is None or turn.at[0] != turn.at[1]:
        return None
    return (datetime(1970, 1, 1) + timedelta(microseconds=turn.at[0])).isoformat()


def one(text: str, path: Path, *, head: str = ANDROID, author: str = "Ana") -> Turn:
    """Give what becomes of a text that Ana sends."""
    chat = f"{head.format(1)}Bia: Bom dia\n{head.format(2)}{author}: {text}\n{head.format(3)}Bia: Até logo\n"
    found = turns(chat, path)
    assert len(found) == 3, "a message was taken for several"
    return found[1]


# --- headers ----------------------------------------------------------------------------------------------------------


def header_formats() -> list[dict[str, str]]:
    file = SHARED / "header_formats.tsv"
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("known", header_formats() or [pytest.param({}, marks=pytest.mark.skip("no shared data"))])
def test_each_known_header_gives_its_time(known: dict[str, str], tmp_path: Path) -> None:
    (turn,) = turns(known["line"] + "\n", tmp_path / "_chat.txt", day_first=True)
    if known["kind"].startswith("message") and known["text"]:
        assert (turn.author, turn.text, turn.drop) == (known["author"], known["text"], None)
        assert when(turn) == known["expected_time"].partition(" ")[0]
    else:
        assert turn.drop or not turn.text.strip()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("13/06/18, 21:25 - ", "2018-06-13T21:25:00"),
        ("13.06.18, 21:25 - ", "2018-06-13T21:25:00"),
        ("13-06-2018 21:25 - ", "2018-06-13T21:25:00"),
        ("13/06/2018 às 21:25 - ", "2018-06-13T21:25:00"),
        ("13/06/2018 a las 9:25 p. m. - ", "2018-06-13T21:25:00"),
        ("13/6/18, 9:25 p.\u00a0m. - ", "2018-06-13T21:25:00"),
        ("6/13/18, 9:25\u202fPM - ", "2018-06-13T21:25:00"),
        ("6/13/18, 9:25_pm - ", "2018-06-13T21:25:00"),
        ("6/13/18, 12:25 AM - ", "2018-06-13T00:25:00"),
        ("6/13/18, 12:25 PM - ", "2018-06-13T12:25:00"),
        ("2018/06/13 21:25 - ", "2018-06-13T21:25:00"),
        ("2018-06-13, 21:25 - ", "2018-06-13T21:25:00"),
        ("2018/6/13 下午9:25 - ", "2018-06-13T21:25:00"),
        ("2018/6/13 上午9:25 - ", "2018-06-13T09:25:00"),
        ("13 06 2018, 21:25 - ", "2018-06-13T21:25:00"),
        ("13.6.2018 klo 21.25.15 - ", "2018-06-13T21:25:15"),
        ("[13.06.18, 21:25:15] ", "2018-06-13T21:25:15"),
        ("[13/06/18 21:25] ", "2018-06-13T21:25:00"),
        ("[13/06/2018, 9:25:15 PM] ", "2018-06-13T21:25:15"),
        ("[6/13/18, 9:25:15\u202fp.m.] ", "2018-06-13T21:25:15"),
        ("[2018. 6. 13. 오후 9:25:15] ", "2018-06-13T21:25:15"),
        (f"{LRM}[2018-06-13, 21:25:15] ", "2018-06-13T21:25:15"),
        ("[١٣\u200f/٦\u200f/٢٠١٨، ٩:٢٥:١٥ م] ", "2018-06-13T21:25:15"),
        ("13/06/2561, 21:25 - ", "2018-06-13T21:25:00"),  # Thailand
        ("1397/03/23, 21:25 - ", "2018-06-13T21:25:00"),  # Iran
    ],
)
def test_headers_of_many_countries(header: str, expected: str, tmp_path: Path) -> None:
    found = turns(f"{header}~\u202fRita Sá: a: b - c\n", tmp_path / "_chat.txt")
    assert [(t.author, t.text, when(t), t.drop, t.flag) for t in found] == [
        ("Rita Sá", "a: b - c", expected, None, None)
    ]


@pytest.mark.parametrize("line", ["13/13/2018, 10:00 - a: m", "13/06/2018, 25:00 - a: m", "1/2/345, 10:00 - a: m", "x"])
def test_what_is_no_time_opens_nothing(line: str, tmp_path: Path) -> None:
    above = "01/01/2018, 10:00 - Ana: olá\n25/01/2018, 10:00 - Ana: olá\n"
    found = turns(f"{above}{line}\n", tmp_path / "_chat.txt")
    assert found[-1].text == f"olá\n{line}" and len(found) == 2


@given(
    st.datetimes(datetime(2012, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["%d/%m/%Y, %H:%M - ", "%d.%m.%y, %H:%M - ", "[%d/%m/%y, %H:%M:%S] ", "[%Y-%m-%d, %H:%M:%S] "]),
    st.sampled_from(["%m/%d/%y, %I:%M %p - ", "[%m/%d/%y, %I:%M:%S\u202f%p] ", "%Y/%m/%d, %H:%M - "]),
)
@settings(max_examples=60, deadline=None)
def test_two_phones_in_one_file_are_each_read_in_their_way(
    tmp_path_factory: pytest.TempPathFactory, moment: datetime, one_way: str, other_way: str
) -> None:
    """Each style is decided for itself, by a day over 12 somewhere in it."""
    sure = datetime(2024, 1, 28, 15, 0, 0)
    path = tmp_path_factory.mktemp("two") / "_chat.txt"
    lines = [f"{at:{form}}Ana: {n}" for n, form in enumerate((one_way, other_way)) for at in (moment, sure)]
    found = turns("\n".join(lines), path)
    seconds = ["%S" in form for form in (one_way, one_way, other_way, other_way)]
    assert [when(turn) for turn in found] == [
        at.replace(microsecond=0, second=at.second if kept else 0).isoformat()
        for at, kept in zip((moment, sure, moment, sure), seconds, strict=True)
    ]


# --- day or month -----------------------------------------------------------------------------------------------------


def chat(*days: str) -> str:
    return "".join(f"{day}, 10:0{n % 10} - {'Bia' if n % 2 else 'Ana'}: {n}\n" for n, day in enumerate(days))


@pytest.mark.parametrize(
    ("days", "first"),
    [
        (("02/03/24", "03/03/24", "28/04/24"), "2024-03-02"),  # a day over 12, far below
        (("02/03/24", "03/03/24", "04/28/24"), "2024-02-03"),
        (("11/02/24", "12/02/24", "01/03/24"), "2024-02-11"),  # in order only with the day first
        (("02/11/24", "02/12/24", "03/01/24"), "2024-02-11"),  # in order only with the month first
        (("02/03/24", "02/04/24", "02/05/24"), None),  # in order both ways
        (("05/05/24", "06/06/24"), "2024-05-05"),  # the same both ways
        (("02/03/24", "28/03/24", "03/28/24", "29/03/24"), "2024-03-02"),  # the larger part
    ],
)
def test_day_or_month_is_decided_over_the_whole_file(days: tuple[str, ...], first: str | None, tmp_path: Path) -> None:
    found = turns(chat(*days), tmp_path / "_chat.txt")
    assert (when(found[0]) or "None")[:10] == str(first)
    assert found[0].flag == (("ambiguous-time",) if first is None else None)


def test_what_the_file_leaves_open_can_be_stated(tmp_path: Path) -> None:
    days = chat("02/03/24", "02/04/24", "02/05/24")
    told = [[when(turn) for turn in turns(days, tmp_path / "_chat.txt", day_first=way)] for way in (True, False)]
    assert [str(times[0])[:10] for times in told] == ["2024-03-02", "2024-02-03"]
    sure = chat("02/03/24", "28/04/24")  # no setting can make a month of 28
    assert str(when(turns(sure, tmp_path / "_chat.txt", day_first=False)[0]))[:10] == "2024-03-02"


def test_ambiguous_days_are_flagged_or_refused(tmp_path: Path) -> None:
    rows = read(tmp_path / "_chat.txt", chat("02/03/24", "02/03/24", "02/04/24", "02/04/24"), assistants=("Bia",))
    assert [row.flags for row in rows] == [("ambiguous-time",)] * 2
    assert '"time"' not in str(rows[0].meta)
    close = "03/02/24, 23:00 - Ana: a\n03/02/24, 23:50 - Bia: b\n04/02/24, 00:20 - Ana: c\n04/02/24, 00:25 - Bia: d\n"
    with pytest.raises(InputError, match="day_first"):  # one talk past midnight, or two a month apart
        read(tmp_path / "_chat.txt", close, assistants=("Bia",))


# --- messages ---------------------------------------------------------------------------------------------------------


def test_authors_and_texts_with_colons_and_lines(tmp_path: Path) -> None:
    text = (
        f"{ANDROID.format(1)}João-Paulo 🤓: veja http://a.b/c: sim\n12/05/2023 é a data\n\n- um: dois\n"
        f"{ANDROID.format(2)}+351 912 345 678: é - não\n"
        f"{ANDROID.format(3)}João-Paulo 🤓:.\n"
        f"{ANDROID.format(4)}João-Paulo 🤓:sem espaço\n"
        f"{ANDROID.format(5)}Luke: \n"
        f"{ANDROID.format(6)}~ Rui: fim\n\n\n"
    )
    found = turns(text, tmp_path / "_chat.txt")
    assert [(t.author, t.text, t.lines) for t in found] == [
        ("João-Paulo 🤓", "veja http://a.b/c: sim\n12/05/2023 é a data\n\n- um: dois", 4),
        ("+351 912 345 678", "é - não", 1),
        ("João-Paulo 🤓", "", 1),
        ("João-Paulo 🤓", "sem espaço", 1),
        ("Luke", "", 1),
        ("Rui", "fim", 3),
    ]


def test_a_name_with_a_colon_can_be_stated(tmp_path: Path) -> None:
    text = f"{ANDROID.format(1)}Ana: oi\n{ANDROID.format(2)}Loja: Porto: olá: sim\n"
    rows = read(tmp_path / "_chat.txt", text, assistants=("Loja: Porto",))
    assert talks(rows) == [["u:oi", "a:olá: sim"]]


@pytest.mark.covers("whatsapp", "system")
@pytest.mark.parametrize(
    "line",
    [
        "Messages and calls are end-to-end encrypted. No one outside of this chat can read them. Tap to learn more.",
        f'Ana created group "{CANARY}: b"',
        f'Ana changed the subject from "{CANARY}: b" to "c: d"',
        f"Ana mudou o nome do grupo de “{CANARY}: b” para “c”",
        f"Ana changed the group description to {CANARY}: b",
        f"Ana added {CANARY}",
        "Missed voice call at 10:30",
        "This chat is with a business account. Tap to learn more.",
        "Ana left",
    ],
)
def test_a_line_without_author_is_the_systems(line: str, tmp_path: Path) -> None:
    text = "".join(f"{ANDROID.format(n)}{said}\n" for n, said in enumerate(("Ana: oi", line, "Bia: olá", "Ana: e?")))
    rows = read(tmp_path / "_chat.txt", text + f"{ANDROID.format(9)}Bia: sim\n", assistants=("Bia",))
    assert talks(rows) == [["u:oi", "a:olá", "u:e?", "a:sim"]] and drops(rows) == {"system-line": 1}


@pytest.mark.covers("whatsapp", "system")
@pytest.mark.parametrize(
    "text",
    [
        f"{LRM}Messages and calls are end-to-end encrypted. No one outside of this chat can read or listen to them.",
        "Messages and calls are end-to-end encrypted. No one outside of this chat can read or listen to them.",
        f"{LRM}As mensagens e as chamadas são protegidas com a criptografia de ponta a ponta.",
        "Los mensajes y las llamadas están cifrados de extremo a extremo. Nadie fuera de este chat puede leerlos.",
        "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats kann sie lesen.",
        "Les messages et les appels sont chiffrés de bout en bout. Aucun tiers ne peut les lire ou les écouter.",
        "I messaggi e le chiamate sono crittografati end-to-end. Nessuno può leggerne il contenuto.",
        "Berichten en oproepen zijn end-to-end versleuteld.",
        f"{LRM}Ana changed this group's icon",
        f"{LRM}Võtit vahetati {CANARY}",  # a language that nobody knows here
        f"{LRM}Missed voice call, {LRM}Tap to call back",
        f"{LRM}Voice call, {LRM}2 min",
        "Missed video call",
        "Ana left",
        f"Ana changed the subject to {CANARY}",
    ],
)
def test_what_an_iphone_puts_into_a_mouth_is_the_systems(text: str, tmp_path: Path) -> None:
    assert one(text, tmp_path / "_chat.txt", head=IPHONE)[5:8] == (None, "system-line", ())


@pytest.mark.covers("whatsapp", "attachments")
@pytest.mark.parametrize(
    "text",
    [
        *("<Media omitted>", "<Mídia oculta>", "<Multimedia omitido>", "<Médias omis>", "<Medien ausgeschlossen>"),
        *("<Media omessi>", "<Media weggelaten>", "<Без медиафайлов>", "<メディアなし>", "null"),
        *("image omitted", f"{LRM}imagem ocultada", f"{LRM}Bild weggelassen", f"{LRM}sticker omitted", "GIF omitted"),
        *(f"{LRM}image absente", f"{LRM}immagine omessa", f"{LRM}afbeelding weggelaten", "figurinha omitida"),
        *(f"{LRM}Contact card omitted", f"plan.pdf • {LRM}3 pages {LRM}document omitted"),
        *("IMG-20210428-WA0001.jpg (file attached)", "PTT-1.opus (arquivo anexado)", "a b.pdf (archivo adjunto)"),
        *("x.jpg (Datei angehängt)", "x.jpg (fichier joint)", "x.jpg (file allegato)", "x.jpg (bestand bijgevoegd)"),
        *(f"{LRM}<attached: 00000012-PHOTO.jpg>", "<attached: 1.jpg>", f"{LRM}<anexado: 1.jpg>", "<adjunto: 1.jpg>"),
        *(f"{LRM}<Anhang: 1.jpg>", f"{LRM}plan.pdf • {LRM}3 pages {LRM}<attached: 2-plan.pdf>"),
        *(
            "DOC-20220502-WA0006. (file attached)\nManifesto.pdf",
            "<Media omitted>\nplan.pdf",
            "Ana.vcf (file attached)",
        ),
        *("location: https://maps.google.com/?q=38.7,-9.1", "live location shared", "View once message omitted"),
        *(f"{LRM}Location: https://maps.google.com/?q=1,2", f"{LRM}POLL:\nLunch?\n{LRM}OPTION: yes (1 vote)"),
        *("POLL:\nLunch?\nOPTION: yes (1 vote)", "ENQUETE:\nAlmoço?\nOPÇÃO: sim (1 voto)"),
    ],
)
def test_media_are_no_text(text: str, tmp_path: Path) -> None:
    assert one(text, tmp_path / "_chat.txt", head=IPHONE if LRM in text else ANDROID).drop == "not-text"


@pytest.mark.covers("whatsapp", "attachments")
@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("IMG-1.jpg (file attached)\nA fatura.", "A fatura."),
        ("IMG-1.jpg (Datei angehängt)\nund\nmehr", "und\nmehr"),
        ("<Media omitted>\nis it late? yes.", "is it late? yes."),
        (f"Here is the plan {LRM}<attached: 00000012-PLAN.pdf>", "Here is the plan"),
        (f"two\nlines {LRM}image omitted", "two\nlines"),
        (f"{LRM}<attached: 1.jpg>\nbelow", "below"),
    ],
)
def test_a_caption_is_kept(text: str, caption: str, tmp_path: Path) -> None:
    assert one(text, tmp_path / "_chat.txt", head=IPHONE if LRM in text else ANDROID)[3] == caption


@pytest.mark.covers("whatsapp", "deletions")
@pytest.mark.parametrize(
    "text",
    [
        *(
            "This message was deleted",
            f"{LRM}This message was deleted.",
            "You deleted this message",
            "Mensagem apagada",
        ),
        *(
            "Esta mensagem foi apagada",
            "Se eliminó este mensaje.",
            "Eliminaste este mensaje",
            "🚫 This message was deleted",
        ),
        *("Diese Nachricht wurde gelöscht.", "Ce message a été supprimé", "Questo messaggio è stato eliminato"),
        *(
            "Dit bericht is verwijderd",
            "Bu mesaj silindi",
            "Данное сообщение удалено",
            "このメッセージは削除されました",
        ),
        f"This message was deleted by admin {CANARY}",
    ],
)
def test_a_deleted_message_says_so(text: str, tmp_path: Path) -> None:
    assert one(text, tmp_path / "_chat.txt", head=IPHONE if LRM in text else ANDROID)[5:7] == (None, "deleted")


@pytest.mark.covers("whatsapp", "edits")
@pytest.mark.parametrize(
    "mark",
    ["<This message was edited>", f"{LRM}<This message was edited>", "<Se editó este mensaje.>", "<Mensagem editada>"],
)
def test_an_edited_message_loses_its_mark(mark: str, tmp_path: Path) -> None:
    turn = one(f"Fica\npara amanhã {mark}", tmp_path / "_chat.txt")
    assert (turn.text, turn.flag, turn.drop) == ("Fica\npara amanhã", "edited", None)
    rows = read(
        tmp_path / "_chat.txt", ANDROID.format(1) + f"Ana: a {mark}\n{ANDROID.format(2)}Bia: b", assistants=("Bia",)
    )
    assert talks(rows) == [["u:a", "a:b"]] and rows[0].flags == ("edited",)


@pytest.mark.parametrize(
    "text",
    [
        "it says image omitted, why?",
        "This message was deleted by mistake, I think",
        "I deleted this message",
        "see the plan (file attached)",
        "You can write <This message was edited> there",
        "look at https://maps.google.com/?q=1,2",
        "Missed voice calls are annoying",
        "Ana Lima was here",
        "Location: the old shop",
        "nullable",
        "Poll: who comes?",
        "@\u2068Rui\u2069 vens?",
        "end-to-end encrypted? Messages and calls are end-to-end encrypted.",
    ],
)
def test_what_a_person_says_is_kept(text: str, tmp_path: Path) -> None:
    turn = one(text, tmp_path / "_chat.txt")
    assert (turn.drop, turn.flag, turn.text) == (None, None, text.replace("\u2068", "").replace("\u2069", ""))


@given(st.text(st.characters(exclude_characters="\n\r\u200e\u200f", exclude_categories=["Cs", "Cc", "Cf"]), min_size=1))
@settings(max_examples=150, deadline=None)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever is said between two words of a person is a text, and is given as it stands."""
    said = f"o{text}o"
    assert one(said, tmp_path_factory.mktemp("any") / "_chat.txt").text == said


def test_a_quoted_header_of_another_phone_stays_in_its_message(tmp_path: Path) -> None:
    lines = [f"{ANDROID.format(n)}{'Bia' if n % 2 else 'Ana'}: {n}" for n in range(44)]
    lines.insert(3, "[6/14/23, 9:00:00 AM] Zoe: quoted")
    rows = read(tmp_path / "_chat.txt", "\n".join(lines), assistants=("Bia",))
    assert talks(rows)[0][2] == "u:2\n[6/14/23, 9:00:00 AM] Zoe: quoted" and rows[-1].flags == ("other-form",)
    lines[3] = "[6/14/23, 9:00:00 AM] Bia: her own"  # by one who is known here: it is hers, and a year older
    rows = read(tmp_path / "_chat.txt", "\n".join(lines), assistants=("Bia",), gap=False)
    assert talks(rows)[0][2] == "u:2" and drops(rows) == {"leading-agent": 1}


@given(st.lists(st.tuples(st.integers(-90, 200), st.sampled_from(["Ana", "Rui", "Bia"])), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_what_is_told_of_the_first_turn(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]) -> None:
    """Of the first turn, whichever it becomes, also where lines stand out of order."""
    moment, lines, told = datetime(2024, 1, 28, 15), [], {}
    for number, (minutes, author) in enumerate([*steps, (1, "Bia")], 1):
        moment += timedelta(minutes=minutes)
        lines.append(f"{moment:%d/%m/%Y, %H:%M} - {author}: {number}")
        told[str(number)] = {"author": author, "time": f"{moment:%Y-%m-%dT%H:%M:00}"}
    path = tmp_path_factory.mktemp("first") / "_chat.txt"
    for fields in ({}, {"gap": False}, {"greeting": True}):
        for row in read(path, "\n".join(lines), assistants=("Bia",), merge=False, **fields):
            if row.drop is None and row.messages:
                assert row.meta == told[str(row.messages[0].content)]


# --- the file ---------------------------------------------------------------------------------------------------------

CHAT = f"{ANDROID.format(1)}Ana: Olá, é cá?\n{ANDROID.format(2)}Bia: É sim\nàs 10h\n"
EXPECTED = [["u:Olá, é cá?", "a:É sim\nàs 10h"]]


@pytest.mark.covers("whatsapp", "encodings")
@pytest.mark.parametrize(
    "content",
    [
        CHAT.encode(),
        CHAT.encode("utf-8-sig"),
        CHAT.encode("utf-16"),
        CHAT.replace("\n", "\r\n").encode(),
        CHAT.replace("\n", "\r\n").encode("utf-16"),
        ("\n" + CHAT).encode(),
    ],
)
def test_encodings_and_line_ends(content: bytes, tmp_path: Path) -> None:
    assert talks(read(tmp_path / "_chat.txt", content, assistants=("Bia",))) == EXPECTED


def test_a_line_that_is_no_utf8_takes_its_message_with_it(tmp_path: Path) -> None:
    bad = (
        CHAT.encode()
        + f"{ANDROID.format(3)}Ana: {CANARY}\n".encode()
        + b"\xe9\xe8\n"
        + ANDROID.format(4).encode()
        + b"Bia: z"
    )
    rows = read(tmp_path / "_chat.txt", bad, assistants=("Bia",))
    assert talks(rows) == [["u:Olá, é cá?", "a:É sim\nàs 10h\n\nz"]] and drops(rows) == {"not-utf8": 2}


def test_a_zip_with_media_and_a_folder_of_chats(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Ana.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("_chat.txt", CHAT), ("00000001-PHOTO.jpg", b"\xff\xd8"), ("notes.txt", f"{CANARY}\n")):
            archive.writestr(name, content)
    rows = read(path, assistants=("Bia",))
    assert talks(rows) == EXPECTED and rows[0].meta == {
        "chat": "Ana",
        "author": "Ana",
        "time": "2024-06-13T10:01:00",
    }
    folder = tmp_path / "chats"
    folder.mkdir()
    (folder / "Conversa do WhatsApp com Ana.txt").write_text(CHAT)
    (folder / "Chat de WhatsApp con Rui.txt").write_text(CHAT.replace("Ana", "Rui"))
    (folder / "IMG-1.jpg").write_bytes(b"\xff\xd8")
    rows = read(folder, assistants=("Bia",))
    assert talks(rows) == EXPECTED * 2 and [(row.meta or {}).get("chat") for row in rows] == ["Rui", "Ana"]


@pytest.mark.covers("whatsapp", "sniffed")
def test_sniffed(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Ana.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("_chat.txt", CHAT), ("1.jpg", b"\xff\xd8"), ("2.jpg", b"\xff\xd8")):
            archive.writestr(name, content)
    guess = sniff.sniff(path)[0]
    assert guess.reader is WhatsApp and "2 other files (media) are not read" in " ".join(guess.sniff.evidence)
    assert "assistants" in guess.sniff.force and '"Ana", "Bia"' in str(guess.sniff.refusal)
    plain = tmp_path / "chat.txt"
    plain.write_text(chat("02/03/24", "02/04/24", "02/05/24"))
    guess = sniff.sniff(plain)[0]
    assert guess.reader is WhatsApp and any("day_first" in line for line in guess.sniff.evidence)
    plain.write_bytes(CHAT.encode("latin-1"))
    assert "--encoding" in str(next(g for g in sniff.sniff(plain) if g.reader is WhatsApp).sniff.refusal)


@pytest.mark.parametrize(
    "content",
    [
        "[2024-05-01 10:03] Ana: oi\n[2024-05-01 10:04] Bia: olá\n",
        "[2024-05-01, 10:03] Ana: oi\n[2024-05-01, 10:04] Bia: olá\n",
        "2024/05/01 10:00:00 - ERROR: disk\n2024/05/01 10:00:01 - INFO: up\n",
        "time\tauthor\ttext\n01/02/2024, 10:00 - x\ta\tb\n",
        "Dear all,\nwe meet on 01/02/2024 at 10:00 - Ana: bring the plan\n",
        "",
    ],
)
def test_what_is_no_whatsapp_chat_is_not_claimed(content: str, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(content)
    with Source(path) as source:
        assert WhatsApp.sniff(source) is None


@pytest.mark.covers("whatsapp", "roles")
def test_roles_are_stated_and_names_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "_chat.txt"
    assert talks(read(path, CHAT, me="Bia")) == EXPECTED
    assert talks(read(path, CHAT, assistants=("bia",), users=("Ana",))) == EXPECTED
    with pytest.raises(InputError, match='the authors are "Ana", "Bia"'):
        read(path, CHAT)
    with pytest.raises(InputError, match="no message is by"):
        read(path, CHAT, assistants=("Zoe",))


# --- the same as outside parsers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PARSERS["files"] if "signal" not in name])
@pytest.mark.parametrize("parser", ["chat-miner", "whatstk"])
def test_the_same_as_other_parsers(name: str, parser: str, tmp_path: Path) -> None:
    """Authors, times and texts; what they take for messages and we do not is each named here.

    chat-miner joins the lines of a message with a space and drops the marks of U+200E; whatstk does the latter.
    """
    ours = {
        (str(when(t)), t.author, " ".join(t.text.split()))
        for t in turns(PARSERS["files"][name]["text"], tmp_path / "_chat.txt")
        if t.drop is None
    }
    theirs = {(at, author, " ".join(text.split())) for at, author, text in PARSERS["files"][name][parser]}
    only_theirs = {
        "android.txt": {
            # a placeholder and a deletion are no text; they take both for one
            ("2024-03-06T00:01:00", "Rita Sá", "<Media omitted>"),
            ("2024-03-13T10:02:00", "Loja-Norte ☕", "This message was deleted"),
            # the line of an event: they cut it at the colon in the group's name
            ("2024-03-13T10:00:00", 'Rita Sá created group "Obras', 'casa"'),
            # the mark of an edited message is cut by us
            ("2024-03-13T10:03:00", "Rita Sá", "Fica para amanhã <This message was edited>"),
        },
        "ios.txt": {
            # the notice in the shop's mouth, a placeholder, and a caption with its file, of which we keep the words
            (
                "2024-03-05T23:58:07",
                "Shop",
                "Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, "
                "can read or listen to them.",
            ),
            ("2024-03-05T23:58:40", "Shop", "image omitted"),
            ("2024-03-13T09:05:30", "Shop", "Here is the plan <attached: 00000012-PLAN.pdf>"),
        },
    }[name]
    only_ours = {
        "android.txt": {("2024-03-13T10:03:00", "Rita Sá", "Fica para amanhã")},
        "ios.txt": {("2024-03-13T09:05:30", "Shop", "Here is the plan")},
    }[name]
    assert (theirs - ours, ours - theirs) == (only_theirs, only_ours)


@pytest.mark.skipif(not SHARED.exists(), reason="no shared data")
@pytest.mark.parametrize("name", ["ddmmyy_24hrs", "mmddyy_24hrs", "mmddyybr_24hrs", "mmddyyyy_12hrs", "yyyymmdd_24hrs"])
def test_chat_miners_own_table(name: str) -> None:
    """Its five files say the same in five styles; it joins lines with a space, and skips `John Doe:.` as we do."""
    path = SHARED / f"chatminer_test_{name}.txt"
    with Source(path) as source:
        found = [t for t in WhatsApp(path=path).turns(source) if t.drop is None and t.text]
    expected = json.loads((SHARED / "chatminer_target.json").read_text())
    assert [
        {"timestamp": when(t), "author": t.author, "message": t.text.replace("\n", " ")} for t in found
    ] == expected[::-1]


@pytest.mark.skipif(not SHARED.exists(), reason="no shared data")
def test_the_files_of_langchain() -> None:
    """The times of a file of many styles, and the encryption notice and pictures of an iPhone."""
    for name, times, left in (
        ("mixed_formats", "2023-05-05T15:48:11 2021-11-08T09:41:32 2023-01-23T03:19:00 2023-01-23T03:22:00 "
         "2021-01-24T12:41:03 2023-05-04T16:13:23 2022-07-19T23:32:00 2022-07-20T11:32:00", ["not-text", "deleted"]),
        ("ios", None, ["system-line", "not-text", "not-text", "not-text"]),
    ):  # fmt: skip
        path = SHARED / f"langchain_{name}.txt"
        with Source(path) as source:
            found = list(WhatsApp(path=path).turns(source))
        assert [t.drop for t in found if t.drop] == left
        assert times is None or [when(t) for t in found if not t.drop] == times.split()


# --- damaged ----------------------------------------------------------------------------------------------------------

PIECES = [
    *("\n", "\r\n", "\0", "\ufeff", LRM, "[", "] ", " - ", ": ", "13/06/2024, 10:00 - ", "[6/13/24, 9:00:00 AM] "),
    *("<attached: ", "<Media omitted>", "(file attached)", "\u2028", "99/99/99, 99:99 - ", "٣/٤/٢٠٢٤", "<This message"),
]
WHOLE = "".join(
    f"{(ANDROID if n % 3 else IPHONE).format(n % 60)}{'Bia' if n % 2 else 'Ana Sá'}: é {n}: sim\nmais\n"
    for n in range(40)
)


def damaged(seed: int) -> bytes:
    rng = random.Random(seed)
    data = bytearray(WHOLE.encode())
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(5)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at : at + rng.randrange(200)]
        elif what == 2:
            data[at:at] = rng.choice(PIECES).encode()
        elif what == 3:
            data[at:at] = data[at : at + rng.randrange(300)]
        else:
            data[at:at] = rng.choice(PIECES).encode() * rng.randrange(1, 50)
    return bytes(data)


def test_damaged_chats(tmp_path: Path) -> None:
    """No exception but `InputError`, no hang, every record owned once."""
    path = tmp_path / "_chat.txt"
    for seed in range(200):
        path.write_bytes(damaged(seed))
        begun = time.process_time()
        if seed % 4 == 0:
            with Source(path) as source, suppress(InputError):
                WhatsApp.sniff(source)
        with suppress(InputError):
            read(path, assistants=("Bia",), day_first=(None, True, False)[seed % 3])
        assert time.process_time() - begun < 5, seed


@pytest.mark.parametrize(
    "line", ["1/" * 50_000, "[" * 100_000, LRM * 100_000, "a" * 200_000 + ": b", "<" * 100_000, ": " * 50_000]
)
def test_a_hostile_line_takes_no_time(line: str, tmp_path: Path) -> None:
    begun = time.process_time()
    turns(f"{ANDROID.format(1)}Ana: {line}\n{line}\n{ANDROID.format(2)}{line}", tmp_path / "_chat.txt")
    assert time.process_time() - begun < 3
