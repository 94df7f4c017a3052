"""E-mail: what the standard library reads of a mail is what the reader reads, and nothing that is no mail is a turn."""

from __future__ import annotations

import contextlib
import email.headerregistry
import email.policy
import io
import mailbox
import time
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.errors import InputError
from ftdata.mails import cut_mails
from ftdata.readers import mail_message as mime
from ftdata.readers.email import Email
from ftdata.source import Limits, Source

SHARED = Path(__file__).parents[2] / "../shared/data/chats/email"
SHOP = "Shop Help <help@shop.example>"
ANA = "Ana Luz <ana@mail.example>"


def mail(
    key: str,
    text: str | None = "Hello.",
    *,
    sender: str = ANA,
    to: str | None = None,
    minute: int = 0,
    subject: str = "Order",
    answers: Iterable[str] = (),
    **headers: str,
) -> EmailMessage:
    made = EmailMessage(policy=email.policy.default.clone(max_line_length=70))
    made["Message-ID"] = f"<{key}@mail.example>"
    made["Date"] = format_datetime(datetime(2025, 3, 3, 10, minute, tzinfo=UTC))
    made["From"], made["To"], made["Subject"] = sender, to or (ANA if sender == SHOP else SHOP), subject
    if answers := list(answers):
        made["In-Reply-To"] = f"<{answers[-1]}@mail.example>"
        made["References"] = " ".join(f"<{one}@mail.example>" for one in answers)
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    if text is not None:
        made.set_content(text)
    return made


def folder(path: Path, mails: Iterable[EmailMessage | bytes]) -> Path:
    home = path / "mails"
    home.mkdir()
    for at, one in enumerate(mails):
        (home / f"{at:03}.eml").write_bytes(one if isinstance(one, bytes) else one.as_bytes())
    return home


def rows(path: Path, **fields: Any) -> list[dict[str, Any]]:
    reader = Email(path=path, **{"assistants": ["@shop.example"], **fields})
    with Source(path) as source:
        found = [row for batch in reader.read(source) for row in batch.to_dicts()]
        owned = sorted(number for row in found for number in row["origin"])
        assert owned == list(range(1, source.handed + 1)) and source.unread() is None
    return found


def talks(found: Iterable[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    return [[(m["role"], m["content"]) for m in row["messages"]] for row in found if row["drop"] is None]


def reasons(found: Iterable[dict[str, Any]]) -> dict[int, str]:
    return {number: row["drop"] for row in found if row["drop"] for number in row["origin"]}


# --- conversations ----------------------------------------------------------------------------------------------------


def thread() -> list[EmailMessage]:
    quote = "On Mon, 3 Mar 2025 at 10:00, Ana Luz <ana@mail.example> wrote:\n\n> Where is my order?\n"
    return [
        mail("a", "Where is my order?\n\n-- \nAna Luz\n"),
        mail("b", f"It left today.\n\nKind regards\nEva\n\n{quote}", sender=SHOP, to=ANA, minute=5, answers=["a"]),
        mail("c", "Thank you! When will it come?", minute=9, subject="Re: Order", answers=["a", "b"]),
        mail("d", "Tomorrow.", sender=SHOP, to=ANA, minute=12, subject="Re: Order", answers=["a", "b", "c"]),
        mail("x", "Do you open on Sundays?", sender="Rui <rui@mail.example>", minute=1),
        mail("y", "Yes, from ten.", sender=SHOP, minute=20, subject="Re: Order", answers=["x"]),
    ]


TALKS = [
    [
        ("user", "Where is my order?"),
        ("assistant", "It left today."),
        ("user", "Thank you! When will it come?"),
        ("assistant", "Tomorrow."),
    ],
    [("user", "Do you open on Sundays?"), ("assistant", "Yes, from ten.")],
]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [5, 3, 1, 4, 2, 0]])
@pytest.mark.covers("email", "threads")
def test_threads_by_references(tmp_path: Path, order: list[int]) -> None:
    found = rows(folder(tmp_path, [thread()[at] for at in order]))
    assert sorted(talks(found)) == sorted(TALKS)
    first = next(orjson.loads(row["meta"]) for row in found if len(row["messages"]) == 4)
    assert first == {"subject": "Order", "time": "2025-03-03T10:00:00Z", "author": "Ana Luz"}


def test_a_thread_whose_middle_is_missing(tmp_path: Path) -> None:
    mails = [thread()[0], thread()[2], thread()[3]]
    assert talks(rows(folder(tmp_path, mails))) == [
        [("user", "Where is my order?\n\nThank you! When will it come?"), ("assistant", "Tomorrow.")]
    ]


def test_a_zip_and_a_maildir_and_an_mbox_of_the_same_mails(tmp_path: Path) -> None:
    wanted = sorted(TALKS)
    with zipfile.ZipFile(tmp_path / "mails.zip", "w") as archive:
        for at, one in enumerate(thread()):
            archive.writestr(f"a/{at}.eml", one.as_bytes())
    assert sorted(talks(rows(tmp_path / "mails.zip"))) == wanted
    home = mailbox.Maildir(str(tmp_path / "maildir"))
    box = mailbox.mbox(str(tmp_path / "box"))
    for one in thread():
        home.add(one)
        box.add(one)
    box.close()
    assert sorted(talks(rows(tmp_path / "maildir"))) == wanted
    assert sorted(talks(rows(tmp_path / "box"))) == wanted


def test_subjects_tie_only_when_asked_and_only_between_the_same_people(tmp_path: Path) -> None:
    mails = [
        mail("a", "Is it blue?", subject="Colour"),
        mail("b", "It is.", sender=SHOP, to=ANA, minute=3, subject="AW: Re: [Shop] colour"),
        mail("c", "Is it red?", sender="Rui <rui@mail.example>", minute=5, subject="Colour"),
    ]
    home = folder(tmp_path, mails)
    assert talks(rows(home)) == []
    found = rows(home, by_subject=True)
    assert talks(found) == [[("user", "Is it blue?"), ("assistant", "It is.")]]
    assert reasons(found) == {3: "no-assistant"}


@pytest.mark.parametrize("who", ["help@shop.example", "HELP@Shop.example", "Shop Help", "@shop.example"])
@pytest.mark.covers("email", "roles")
def test_the_assistant_by_address_name_or_domain(tmp_path: Path, who: str) -> None:
    assert sorted(talks(rows(folder(tmp_path, thread()), assistants=[who]))) == sorted(TALKS)


def test_the_assistant_is_never_guessed(tmp_path: Path) -> None:
    home = folder(tmp_path, thread())
    with pytest.raises(InputError, match="who is the assistant") as caught:
        rows(home, assistants=[])
    assert "Shop Help" in str(caught.value.__dict__ | {"args": caught.value.args})
    with Source(home) as source:
        sniff = Email.sniff(source)
    assert sniff is not None and sniff.counts == {"undecided": 6} and "assistants" in (sniff.refusal or "")


def test_addresses_are_never_listed_but_domains_and_names_are(tmp_path: Path) -> None:
    home = folder(tmp_path, [*thread(), mail("z", sender="sol@mail.example", minute=30)])
    for stated, told in (
        (
            (),
            '"@mail.example" (4), "@shop.example" (3); the authors are "Ana Luz", "Shop Help"',
        ),
        (("@xyz",), 'the authors are "Ana Luz", "@mail.example", "Shop Help", "@shop.example"'),
    ):
        with pytest.raises(InputError) as error:
            rows(home, assistants=stated)
        assert told in str(error.value) and "EMAIL" not in str(error.value)


def test_quotes_may_stay(tmp_path: Path) -> None:
    found = rows(folder(tmp_path, thread()), quotes="keep")
    assert "> Where is my order?" in str(talks(found)) and "Kind regards" in str(talks(found))


def test_what_is_left_of_a_quote_is_flagged(tmp_path: Path) -> None:
    only = "On Mon, 3 Mar 2025 at 10:00, Ana <ana@mail.example> wrote:\n\n> One?\n"
    mixed = f"{only.replace('One?', 'One?')}\nYes.\n\n> Two?\n\nNo.\n\n> Kind regards\n"
    home = folder(
        tmp_path,
        [
            mail("a", "One? Two?"),
            mail("b", mixed, sender=SHOP, minute=1, answers=["a"]),
            mail("c", "Three?"),
            mail("d", only, sender=SHOP, minute=2, answers=["c"]),
            mail("e", "Four?\n\nSent from my iPhone\n"),
            mail("f", "Four.", sender=SHOP, minute=3, answers=["e"]),
        ],
    )
    assert [row["flags"] for row in rows(home)] == [
        ["mail-cut", "quoted-text-left"],
        ["quoted-text-left", "mail-emptied"],
        ["mail-cut"],
    ]


# --- what is no turn --------------------------------------------------------------------------------------------------


def _with(made: EmailMessage, **kinds: Any) -> EmailMessage:
    made.add_attachment(b"%PDF canary", maintype="application", subtype="pdf", filename="CANARY.pdf")
    return made


def _report() -> bytes:
    return (
        b"From: MAILER-DAEMON@mx.example\nTo: help@shop.example\nSubject: Undelivered\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nCANARY\n--b--\n'
    )


def _invitation() -> EmailMessage:
    made = mail("i", "CANARY, join us")
    made.add_alternative("BEGIN:VCALENDAR\nEND:VCALENDAR", subtype="calendar", params={"method": "REQUEST"})
    return made


LEFT_OUT: dict[str, tuple[str, EmailMessage | bytes]] = {
    "auto-submitted": ("auto-reply", mail("1", "CANARY", Auto_Submitted="auto-replied (vacation)")),
    "generated by a stranger": ("auto-reply", mail("1", "CANARY", Auto_Submitted="auto-generated")),
    "x-autoreply": ("auto-reply", mail("1", "CANARY", X_Autoreply="yes")),
    "precedence": ("auto-reply", mail("1", "CANARY", Precedence="auto_reply")),
    "out of office": ("auto-reply", mail("1", "CANARY", subject="Out of Office: Order")),
    "abwesend": ("auto-reply", mail("1", "CANARY", subject="Automatische Antwort: Order")),
    "ausente": ("auto-reply", mail("1", "CANARY", subject="Resposta automática: férias")),
    "bounce": ("system-line", _report()),
    "daemon": ("system-line", mail("1", "CANARY", sender="Mail <MAILER-DAEMON@mx.example>")),
    "invitation": ("not-text", _invitation()),
    "only a file": ("not-text", _with(mail("1", " "))),
    "pgp": ("not-text", mail("1", "-----BEGIN PGP MESSAGE-----\n\nCANARY")),
    "draft": ("draft", mail("1", "CANARY", X_Unsent="1")),
    "gmail draft": ("draft", mail("1", "CANARY", X_Gmail_Labels="Entwürfe,Wichtig")),
    "bin": ("deleted", mail("1", "CANARY", X_Gmail_Labels="Trash")),
    "among assistants": ("private-note", mail("1", "CANARY", sender="Eva <eva@shop.example>", to=SHOP)),
    "confidential": ("private-note", mail("1", "CANARY", Sensitivity="Company-Confidential")),
    "nobody": ("unknown-author", b"To: help@shop.example\nSubject: CANARY\n\nCANARY\n"),
    "no mail": ("not-a-mail", b"CANARY\x00\xff\xfe not a mail at all"),
    "empty": ("empty-text", mail("1", "\n")),
}


@pytest.mark.parametrize("name", LEFT_OUT)
@pytest.mark.covers("email", "system", "bots")
def test_what_is_left_out(tmp_path: Path, name: str) -> None:
    reason, made = LEFT_OUT[name]
    found = rows(folder(tmp_path, [made, *thread()[4:]]))
    assert reasons(found) == {1: reason}
    assert talks(found) == TALKS[1:] and "CANARY" not in repr(found)


@pytest.mark.covers("email", "private")
def test_what_assistants_say_among_themselves_is_left_out(tmp_path: Path) -> None:
    eva = "Eva <eva@shop.example>"
    aside = [
        mail("m", "CANARY what do I say?", sender=eva, to=SHOP, minute=3, answers=["a"]),
        mail("n", "CANARY say yes.", sender=SHOP, to=eva, minute=4, answers=["a", "m"], Cc="ivo@shop.example"),
    ]
    found = rows(folder(tmp_path, [*thread(), *aside]))
    assert sorted(talks(found)) == sorted(TALKS) and reasons(found) == dict.fromkeys((7, 8), "private-note")
    assert "CANARY" not in repr(found)


@pytest.mark.covers("email", "private")
def test_internal_mails_by_option(tmp_path: Path) -> None:
    mails = [*thread()[4:], mail("m", "Note.", sender=SHOP, to=SHOP, minute=30, answers=["x", "y"])]
    found = rows(folder(tmp_path, mails), with_internal=True)
    assert talks(found) == [[TALKS[1][0], ("assistant", "Yes, from ten.\n\nNote.")]]


@pytest.mark.covers("email", "roles")
@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        ("Site <www@shop.example>", {"Reply_To": "Rui <rui@mail.example>"}),
        ("\"'Rui' via Help\" <help@shop.example>", {"X_Original_From": "Rui <rui@mail.example>"}),
    ],
)
def test_who_wrote_by_way_of_the_shop_itself(tmp_path: Path, sender: str, headers: dict[str, Any]) -> None:
    made = mail("x", "Do you open on Sundays?", sender=sender, to=SHOP, **headers)
    found = rows(folder(tmp_path, [made, thread()[5]]))
    assert talks(found) == TALKS[1:] and '"Rui"' in found[0]["meta"]


@pytest.mark.covers("email", "threads")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"X_GM_THRID": "1790001"}, {"X_GM_THRID": "1790001"}),
        (
            {"Thread_Index": "AdpuHq1p2xvY2b0pQnG3zV3o0z0f2Q=="},
            {"Thread_Index": "AdpuHq1p2xvY2b0pQnG3zV3o0z0f2QABzEf2"},
        ),
    ],
)
def test_an_answer_that_names_nothing_goes_by_what_the_program_took_for_a_thread(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    mails = [
        mail("x", "Do you open on Sundays?", sender="Rui <rui@mail.example>", **first),
        mail("y", "Yes, from ten.", sender=SHOP, minute=20, subject="AW: Order", **second),
    ]
    (tmp_path / "one").mkdir()
    assert talks(rows(folder(tmp_path / "one", mails))) == TALKS[1:]
    other = mail("z", "Other.", sender="Zoe <zoe@mail.example>", **first)  # looks alike: it is not known which is meant
    assert talks(rows(folder(tmp_path, [*mails, other]))) == []


@pytest.mark.covers("email", "deletions")
def test_folders_of_drafts_and_of_the_bin(tmp_path: Path) -> None:
    made = [mail(f"{at}", "CANARY", minute=50 + at).as_bytes() for at in range(5)]
    with zipfile.ZipFile(tmp_path / "mails.zip", "w") as archive:
        for at, one in enumerate(thread()):
            archive.writestr(f"Inbox/{at}.eml", one.as_bytes())
        places = (".Trash/cur/1", "Account/Gelöschte Elemente/1.eml", "Drafts/1.eml", "INBOX.Rascunhos/new/1")
        for place, text in zip(places, made, strict=False):
            archive.writestr(place, text)
        archive.writestr("[Gmail].mbox/Drafts.mbox/mbox", b"From a@b Mon Mar 03 10:00:00 2025\n" + made[4])
    found = rows(tmp_path / "mails.zip")
    assert sorted(talks(found)) == sorted(TALKS) and "CANARY" not in repr(found)
    assert sorted(reasons(found).values()) == ["deleted", "deleted", "draft", "draft", "draft"]


@pytest.mark.covers("email", "sniffed")
def test_what_a_takeout_and_apples_mail_keep_beside_their_boxes(tmp_path: Path) -> None:
    box = b"".join(b"From a@b Mon Mar 03 10:00:00 2025\n" + one.as_bytes() + b"\n" for one in thread())
    places = {
        "takeout": "Takeout/Mail/All mail Including Spam and Trash.mbox",
        "apple": "Help.mbox/mbox",
        "box": "mbox",
    }
    for name, place in places.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(place, box)
            for beside in ("archive_browser.html", "table_of_contents", "Filters.json", "Blocked.json"):
                archive.writestr(beside, "[]")
        assert sorted(talks(rows(tmp_path / name))) == sorted(TALKS)
        with Source(tmp_path / name) as source:
            assert (verdict := Email.sniff(source)) is not None and verdict.confidence > 0.9


@pytest.mark.covers("email", "sniffed")
def test_files_of_apples_mail(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mails.zip", "w") as archive:
        for at, (one, flags) in enumerate([*((one, 1) for one in thread()), (mail("p"), 3), (mail("q"), 1 << 6)]):
            text = one.as_bytes()
            state = f"<plist><dict><key>flags</key>\n<integer>{flags}</integer></dict></plist>".encode()
            archive.writestr(f"Messages/{at}.emlx", b"%d      \n%b%b" % (len(text), text, state))
    found = rows(tmp_path / "mails.zip")
    assert sorted(talks(found)) == sorted(TALKS) and reasons(found) == {7: "deleted", 8: "draft"}
    assert "plist" not in repr(found)


def test_what_a_help_desk_generated_is_its_agents_answer(tmp_path: Path) -> None:
    mails = [thread()[4], mail("y", "Yes.", sender=SHOP, minute=9, answers=["x"], Auto_Submitted="auto-generated")]
    assert talks(rows(folder(tmp_path, mails))) == [[("user", "Do you open on Sundays?"), ("assistant", "Yes.")]]


def test_a_mail_kept_in_two_boxes_counts_once(tmp_path: Path) -> None:
    again = mail("b", "It left today.\n\nRead by the list.", sender=SHOP, minute=6, answers=["a"])
    found = rows(folder(tmp_path, [*thread(), again]))
    assert sorted(talks(found)) == sorted(TALKS) and reasons(found) == {7: "repeated-message"}


@pytest.mark.covers("email", "attachments")
def test_attachments_are_counted_and_left_out(tmp_path: Path) -> None:
    asked = _with(mail("a", "See the file."))
    asked.add_attachment(b"\x78\x9f\x3e\x22CANARY", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    asked.add_attachment("CANARY of a log", filename="log.txt")
    asked.add_attachment(mail("z", "CANARY passed on"))
    found = rows(folder(tmp_path, [asked, mail("b", "Seen.", sender=SHOP, minute=1, answers=["a"])]))
    assert talks(found) == [[("user", "See the file."), ("assistant", "Seen.")]]
    assert orjson.loads(found[0]["meta"])["attachments"] == 4 and "CANARY" not in repr(found)


# --- texts, held against the standard library -------------------------------------------------------------------------


def test_a_signed_text_is_read_without_its_signature(tmp_path: Path) -> None:
    signed = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nDo you open\n- - on Sundays?\n\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEB\n-----END PGP SIGNATURE-----\n"
    )
    found = rows(folder(tmp_path, [mail("x", signed), thread()[5]]))
    assert talks(found) == [[("user", "Do you open\n- on Sundays?"), ("assistant", "Yes, from ten.")]]


def _html_only() -> EmailMessage:
    made = mail("h", None)
    made.set_content("<p>Caf&eacute; <b>now</b></p><p>or never</p>", subtype="html")
    return made


def _empty_plain() -> EmailMessage:
    made = mail("h", " \n")
    made.add_alternative("<p>Only here</p>", subtype="html")
    return made


@pytest.mark.parametrize(("made", "text"), [(_html_only(), "Café now\n\nor never"), (_empty_plain(), "Only here")])
def test_html_where_there_is_no_plain_text(tmp_path: Path, made: EmailMessage, text: str) -> None:
    found = rows(folder(tmp_path, [made, mail("b", "Yes.", sender=SHOP, minute=1, answers=["h"])]))
    assert talks(found)[0][0] == ("user", text)


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "iso-2022-jp", "koi8-r"])
@pytest.mark.parametrize("coding", ["base64", "quoted-printable", "8bit"])
@pytest.mark.covers("email", "encodings")
def test_charsets_and_codings(charset: str, coding: str) -> None:
    text = {"iso-2022-jp": "こんにちは\n", "koi8-r": "Привет, мир\n"}.get(charset, "Olá, não é só isto: 12 €\n")
    text = text.replace("€", "eur") if charset == "iso-8859-1" else text
    made = mail("a", None)
    made.set_content(text, charset=charset, cte=coding)
    body = email.message_from_bytes(made.as_bytes(), policy=email.policy.default).get_body()
    assert body is not None and mime.body(made.as_bytes()).text == body.get_content() == text


@pytest.mark.parametrize("charset", ["x-unknown", "unknown-8bit", "us-ascii", "default", ""])
def test_a_charset_that_does_not_hold(charset: str) -> None:
    head = f"From: {ANA}\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n".encode()
    assert mime.body(head + "não".encode()).text == "não"
    assert mime.body(head + "não “só”".encode("cp1252")).text == "não “só”"


def test_what_calls_itself_latin_1_is_windows_1252() -> None:
    """As browsers and mail programs read it; the standard library gives control characters."""
    head = b"From: a@b.c\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n"
    assert mime.body(head + b"\x93ok\x94").text == "“ok”"
    oracle = email.message_from_bytes(head + b"\x93ok\x94", policy=email.policy.default).get_body()
    assert oracle is not None and oracle.get_content() == "\x93ok\x94"


def test_flowed_lines_are_joined() -> None:
    text = "One paragraph that \nwas broken.\n> A quote that \n> was too.\n>> deeper\n From here.\n-- \nAna \n"
    joined = "One paragraph that was broken.\n> A quote that was too.\n>> deeper\nFrom here.\n-- \nAna"
    assert mime.flowed(text, False).rstrip("\n") == joined
    assert mime.flowed("日本 \n語", True) == "日本語"


def test_headers_that_break_the_rules() -> None:
    raw = (
        b"From: =?utf-8?B?w6E=?= =?utf-8?Q?_b=2C_c?= <A@Mail.Example>\r\nSubject: =?utf-8?B?broken\r\n"
        b"Date: yesterday\r\nReceived: from x by y;\r\n Mon, 3 Mar 2025 10:00:00 +0100\r\nTo: \xe9@x.example\r\n\r\nHi"
    )
    head = mime.headers(raw)
    assert mime.people(head, "from") == [mime.Person("á b, c", "a@mail.example")]
    assert mime.header(head, "subject") == "=?utf-8?B?broken"
    assert mime.sent(head) == 1_740_992_400_000_000
    assert mime.people(head, "to")[0].address == "é@x.example"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Type: text/plain; charset*=utf\0-8'en'x",
        b"Content-Type: text/plain; charset*0*=a'b'c; charset*1=\xff",
        b"Content-Type: text/plain; name*=utf\0'en'%ff",
        b"Content-Type: text/plain; charset=utf\0-8",
        b"Content-Type: text/plain; charset=idna",
        b"Content-Type: text/plain; charset=punycode",
        b"Content-Type: text/plain; charset=undefined",
        b"Content-Type: text/plain; charset=unicode_escape",
        b"Content-Type: multipart/mixed; boundary*0*=\0'a'%ff",
        b"Subject: =?unicode_escape?q?=5Cud800?=",
        b"Subject: =?utf\xe2\x80\xa6-8?q?x?=",
        b"Subject: =?undefined?q?x?=",
    ],
)
def test_charsets_that_are_none(tmp_path: Path, headers: bytes) -> None:
    raw = b"Message-ID: <x@mail.example>\nFrom: Rui <rui@mail.example>\nTo: help@shop.example\n" + headers
    found = rows(folder(tmp_path, [raw + b"\n\nOl\xe9 \\ud800 \xf0\x9f\x98\x80\n", thread()[5]]))
    assert talks(found) or reasons(found)


_WORDS = st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    subject=_WORDS,
    name=_WORDS,
    lines=st.lists(_WORDS, max_size=6),
    coding=st.sampled_from(["base64", "quoted-printable"]),
)
def test_a_mail_says_what_the_standard_library_says(subject: str, name: str, lines: list[str], coding: str) -> None:
    made = EmailMessage(policy=email.policy.default)
    try:
        made["Subject"] = subject
        made["From"] = email.headerregistry.Address(name.strip(), "ana", "mail.example")
        made["Date"] = "Mon, 03 Mar 2025 10:00:00 -0300"
        made.set_content("\n".join(lines) + "\n", charset="utf-8", cte=coding)
        raw = made.as_bytes()
    except Exception:
        return  # the library refuses to write it
    oracle = email.message_from_bytes(raw, policy=email.policy.default)
    head = mime.headers(raw)
    assert mime.header(head, "subject") == " ".join(str(oracle["Subject"]).split())
    assert mime.people(head, "from")[0].address == oracle["From"].addresses[0].addr_spec
    assert mime.sent(head) == int(oracle["Date"].datetime.timestamp()) * 1_000_000
    body = oracle.get_body()
    assert body is not None
    text = mime.body(raw).text
    assert not body.get_content().strip() or text == body.get_content().replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.skipif(not SHARED.exists(), reason="the files of others are not here")
def test_a_mail_of_others() -> None:
    raw = (SHARED / "fake-email-attachment.eml").read_bytes()
    oracle = email.message_from_bytes(raw, policy=email.policy.default)
    head = mime.headers(raw)
    body = oracle.get_body(("plain",))
    assert body is not None and mime.body(raw)[:3] == (body.get_content(), False, 1)
    assert mime.people(head, "from") == [
        (oracle["From"].addresses[0].display_name, oracle["From"].addresses[0].addr_spec)
    ]
    assert mime.sent(head) == int(oracle["Date"].datetime.timestamp()) * 1_000_000


# --- mbox -------------------------------------------------------------------------------------------------------------

_BODY_LINES = st.lists(
    st.sampled_from(
        ["Hi", "", "From here on", "From x@y.example Mon Mar  3 10:00:00 2025", ">From me", ">>From", "> a", "é"]
    ),
    max_size=8,
)


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    stream = io.BytesIO(data)
    return iter(lambda: stream.read(size), b"")


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(_BODY_LINES, min_size=1, max_size=4), size=st.sampled_from([1, 7, 64, 4096]))
def test_an_mbox_gives_back_its_mails(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[list[str]], size: int
) -> None:
    path = tmp_path_factory.mktemp("box") / "box"
    box = mailbox.mbox(str(path))
    for at, lines in enumerate(bodies):
        box.add(f"From: a{at}@x.example\nSubject: {at}\n\n".encode() + "\n".join([*lines, "end"]).encode() + b"\n")
    box.close()
    found = [found for _, found, _ in cut_mails(_pieces(path.read_bytes(), size), 1 << 20)]
    oracle = mailbox.mbox(str(path))
    assert len(found) == len(oracle) == len(bodies)
    for at, lines in enumerate(bodies):
        assert found[at] is not None
        # The standard library marks `From ` and not `>From `, and never takes the mark off (mboxo).
        wanted = "\n".join(line.removeprefix(">") if line.startswith(">From ") else line for line in lines)
        told = found[at].split(b"\n\n", 1)[1].decode()  # type: ignore[union-attr]
        assert told.rstrip("\n") == ("\n".join([*wanted.split("\n"), "end"]) if lines else "end")


def test_lines_of_mails_in_an_mbox(tmp_path: Path) -> None:
    above = b"From a Mon Mar  3 10:00:00 2025\n"
    box = b"\n%bSubject: 1\n\nx\n\nFrom the start\n%bit was so\n\n%bSubject: 2\n" % (above, above, above)
    assert list(cut_mails([box], 1 << 20)) == [
        (3, b"Subject: 1\n\nx\n\nFrom the start\n" + above + b"it was so\n", None),
        (12, b"Subject: 2", None),
    ]


def test_a_mail_that_is_too_large_is_one_record(tmp_path: Path) -> None:
    path = tmp_path / "box"
    above = b"From a Mon Mar  3 10:00:00 2025\n"
    path.write_bytes(b"\n".join(above + one.as_bytes() for one in (mail("a", "x\n" * 20_000), *thread()[4:])))
    reader = Email(path=path, assistants=("@shop.example",))
    with Source(path, limits=Limits(row=10_000)) as source:
        found = [row for batch in reader.read(source) for row in batch.to_dicts()]
    assert reasons(found) == {1: "row-too-large"} and talks(found) == TALKS[1:]


def test_an_empty_box() -> None:
    assert list(cut_mails([b"\n", b"\n"], 1 << 20)) == list(cut_mails([], 1 << 20)) == []


# --- sniffing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (b"From: a@b.c\nTo: d@e.f\nSubject: x\n\nText", True),
        (b"Return-Path: <a@b.c>\r\nReceived: by x\r\n\tfor y\r\nFrom: a@b.c\r\nSubject: x\r\n\r\nText", True),
        (b"From a@b.c Mon Mar  3 10:00:00 2025\nFrom: a@b.c\nTo: d@e.f\nSubject: x\n\nText", True),
        (b"From: Lisbon\nTo: Porto\nWeight: 20 kg\n", False),
        (b"From where I stand\nnothing is clear: why?\n", False),
        (b"date,from,to,subject\n1,a,b,c\n", False),
        (b'{"From": "a", "To": "b"}\n', False),
    ],
)
@pytest.mark.covers("email", "sniffed")
def test_sniffing(tmp_path: Path, head: bytes, known: bool) -> None:
    path = tmp_path / "thing"
    path.write_bytes(head)
    with Source(path) as source:
        assert (Email.sniff(source) is not None) == known


def _nested(depth: int) -> bytes:
    inner = b"Content-Type: text/plain\n\nHi"
    for at in range(depth):
        inner = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n%b\n--b%d--\n' % (at, at, inner, at)
    return b"From: ana@mail.example\nTo: x\nSubject: y\n" + inner


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (_nested(3000), "too-deep"),
        (b"From: " + b"(" * 100_000 + b"\nSubject: x\n\nHi", "unknown-author"),
        (b"From: ana@mail.example\nSubject: " + b"=?utf-8?Q?=C3?= " * 50_000 + b"\n\nHi", "no-assistant"),
        (
            b"From: ana@mail.example\nDate: " + b"1 " * 50_000 + b"\nReferences: " + b"<a@b> " * 50_000 + b"\n\nHi",
            "no-assistant",
        ),
        (b"From: ana@mail.example\nContent-Type: text/plain;" + b" charset=x;" * 20_000 + b"\n\nHi", "no-assistant"),
    ],
    ids=["nested", "brackets", "words", "long", "params"],
)
def test_hostile_mails(tmp_path: Path, made: bytes, reason: str) -> None:
    began = time.process_time()
    found = rows(folder(tmp_path, [made, *thread()[4:]]))
    assert reasons(found) == {1: reason} and talks(found) == TALKS[1:]
    assert time.process_time() - began < 5


def test_a_folder_without_mails_is_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match="holds no mail"):
        rows(tmp_path)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_is_in_a_file_every_record_is_owned(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Mutated mails: no failure but one that says what is wrong, and the records add up."""
    raw = bytearray(b"\n".join(b"From a Mon Mar  3 10:00:00 2025\n" + one.as_bytes() for one in thread()))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(
            st.sampled_from([b"", b"\n", b"\x00", b"=?", b"boundary=", b"\xff", b"From ", b">", b"multipart/", b";"])
        )
        raw[at : at + data.draw(st.integers(0, 30))] = piece
        raw = raw or bytearray(b"x")
    path = tmp_path_factory.mktemp("fuzz") / "box.mbox"
    path.write_bytes(bytes(raw))
    with contextlib.suppress(InputError):
        rows(path)
