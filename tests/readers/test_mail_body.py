"""Bodies of e-mails: what was newly written stays, what was not goes, and nothing is lost without a flag."""

from __future__ import annotations

import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_expectations import HERE, SHARED, Mail, kept, others, own, shares

from ftdata.readers.html import marked, to_text
from ftdata.readers.mail_body import Cut, body_text, new_text

OWN = list(own())
OTHERS = list(others()) if SHARED.exists() else []
HTML = tomllib.loads((HERE / "html.toml").read_text("utf-8"))
elsewhere = pytest.mark.skipif(not OTHERS, reason="the files of others are not here")


def flags(cut: Cut) -> set[str]:
    return {name for name, raised in (("left", cut.left), ("emptied", cut.emptied)) if raised}


@pytest.mark.parametrize("mail", OWN, ids=lambda mail: mail.name)
def test_the_new_text_of_our_mails(mail: Mail) -> None:
    cut = new_text(mail.body, sure=True)
    found = kept(mail, cut.text)
    assert found["n"][0] == found["n"][1], cut.text
    assert all(found.get(letter, (0, 0))[0] == 0 for letter in "qsd"), cut.text
    assert flags(cut) == mail.flags
    gone = sum(len(line) for letter, line in mail.lines if letter in "qsd")
    assert (cut.quoted + cut.signature + cut.disclaimer > 0) == (gone > 0)


@pytest.mark.parametrize("mail", OWN, ids=lambda mail: mail.name)
def test_what_went_is_counted_under_its_kind(mail: Mail) -> None:
    cut = new_text(mail.body, sure=True)
    if not cut.emptied:
        for letter, count in (("q", cut.quoted), ("s", cut.signature), ("d", cut.disclaimer)):
            assert count == sum(len(line) for own, line in mail.lines if own == letter and line.strip()) or (
                letter == "q" and count > 0  # the blank lines between pieces of a quote count as well
            ), letter


@elsewhere
@pytest.mark.parametrize("mail", OTHERS, ids=lambda mail: mail.name)
def test_the_new_text_of_mails_of_others(mail: Mail) -> None:
    cut = new_text(mail.body, sure=True)
    found = kept(mail, cut.text)
    assert found["n"][0] == found["n"][1] and not cut.emptied
    assert all(found.get(letter, (0, 0))[0] == 0 for letter in "qsd"), cut.text


@elsewhere
def test_the_shares_that_were_promised() -> None:
    for mails in (OWN, OTHERS):
        new, gone = shares([kept(mail, new_text(mail.body, sure=True).text) for mail in mails])
        assert new >= 0.97 and gone >= 0.90


@pytest.mark.parametrize("mail", OWN + OTHERS, ids=lambda mail: mail.name)
def test_windows_line_ends_change_nothing(mail: Mail) -> None:
    plain = new_text(mail.body, sure=True)
    windows = new_text(mail.body.replace("\n", "\r\n"), sure=True)
    assert windows.text.replace("\r\n", "\n") == plain.text and flags(windows) == flags(plain)
    assert "\r\n" in windows.text or "\n" not in plain.text


@pytest.mark.parametrize("mail", OWN + OTHERS, ids=lambda mail: mail.name)
def test_the_text_is_made_of_whole_lines_in_their_order(mail: Mail) -> None:
    lines = iter([line.rstrip() for _, line in mail.lines])
    text = new_text(mail.body, sure=True).text
    assert all(any(line == wanted.rstrip() for line in lines) for wanted in text.split("\n") if wanted.strip())


@pytest.mark.parametrize("mail", OWN, ids=lambda mail: mail.name)
def test_without_the_channel_no_new_text_is_lost_either(mail: Mail) -> None:
    cut = new_text(mail.body, sure=False)
    found = kept(mail, cut.text)
    assert found["n"][0] == found["n"][1]


@pytest.mark.parametrize("sure", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "One line.",
        "Two lines\nof nothing special.",
        "A list:\n- one\n- two\n\nand a question: is it open on Sundays?",
        "On Monday it worked.\nOn Tuesday it did not.\nOn Wednesday I wrote:\nnothing at all",
        "I wrote to you on 3 March 2024. Your answer came on 4 March 2024: no.\nWhy?",
        "Steps:\n1. Open Settings\n2. From: choose Lisbon\n3. To: choose Porto",
        "The label says:\nFrom: ACME\nand nothing else.\nWhat is missing?",
        "Sent from my office by courier on Monday, and it has not come.\nCan you look?",
        "This message appears when I log in: error 7.\nWhat does it mean?",
        "Best\nprice I have seen so far\nbut is it in stock?",
        "a --\nb\n-- c",
        "Where is it?\n\nThanks",
        "On 3 March 2024 at 10:15 I wrote to <help@shop.example>. Eva then wrote:\nit is on its way\nIs it?",
    ],
)
def test_a_text_without_marks_comes_back_itself(text: str, sure: bool) -> None:
    cut = new_text(text, sure=sure)
    assert cut.text is text and cut[:4] == Cut(text)[:4] and not cut.emptied


@given(st.text(alphabet=st.characters(exclude_characters="\n\r>:-—–：_#*~@"), max_size=300))
def test_one_line_without_a_mark_is_never_touched(text: str) -> None:
    assert new_text(text, sure=True).text is text


_PIECES = st.sampled_from(
    [line for mail in OWN for _, line in mail.lines] + ["", ">", "> ", "--", "-- ", "From:", "x:"]
)


@given(st.lists(_PIECES, max_size=25), st.booleans())
def test_nothing_is_made_up_and_nothing_emptied_in_silence(lines: list[str], sure: bool) -> None:
    body = "\n".join(lines)
    cut = new_text(body, sure=sure)
    assert not body.strip() or cut.text.strip()
    assert not cut.emptied or cut.text is body
    assert set(cut.text.split()) <= set(body.split())
    assert cut.quoted + cut.signature + cut.disclaimer <= len(body)


def test_a_name_below_the_text_needs_to_be_known_where_nobody_said_it_is_a_mail() -> None:
    body = "It still blinks red.\n\nJoana Lima"
    assert new_text(body, sure=True).text == "It still blinks red."
    assert new_text(body, sure=False).text is body
    assert new_text(body, sure=False, author="Joana Lima").text == "It still blinks red."
    assert new_text("Which colour?\n\nBlue Velvet", sure=True).text == "Which colour?"  # the price of that


def test_a_short_postscript_stays() -> None:
    assert new_text("Open at nine?\n\nBest\nAna\n\nPS: gate 7\n", sure=True).text == "Open at nine?\n\nPS: gate 7"


def test_a_line_that_an_export_ran_together() -> None:
    body = "Thanks, it works! On Mon, Mar 3, 2025 at 10:11 AM Laura <laura@shop.example> wrote: > Try again > Laura"
    assert new_text(body, sure=True).text == "Thanks, it works!"
    assert new_text(body.replace("<laura@shop.example> ", ""), sure=True).text == body.replace(
        "<laura@shop.example> ", ""
    )


def test_a_subject_that_passes_on_keeps_the_block_of_headers() -> None:
    body = "See below.\n\nFrom: Ana <ana@shop.example>\nSent: 3 March 2025\nTo: Rui\nSubject: Price\n\nIt is 40 euro."
    assert new_text(body, sure=True).text == "See below."
    cut = new_text(body, sure=True, passed_on=True)
    assert cut.text is body and cut.left


def test_a_mail_that_only_signs_keeps_its_signature() -> None:
    cut = new_text("Kind regards\nAna\n\nOn 3/3/2025 10:11, Rui <rui@shop.example> wrote:\n> Are you there?", sure=True)
    assert cut.text == "Kind regards\nAna" and cut.quoted and not cut.emptied


_HOSTILE = {
    "on": "On " * 350_000,
    "on lines": "On\n" * 350_000,
    "on colon": "On:\n" * 260_000,
    "colons": ":\n" * 500_000,
    "marks": ">\n" * 500_000,
    "headers": "From:\n" * 170_000,
    "header pairs": "From: a\nTo: b\n" * 75_000,
    "wrote": "wrote:\n" * 150_000,
    "addresses": "On 10:11 " + "a@" * 500_000 + " wrote:\nx",
    "wrote in line": "On 10:11 <a@b.c> wrote" * 45_000 + ":",
    "heads": "On 3/3/2025 10:11 a <a@b.c> said\nx:\n" * 27_000,
    "answers": "On 3/3/2025 10:11, a <a@b.c> wrote:\n> a\nb\n" * 24_000,
    "delimiters": "--\n" * 350_000,
    "rules": "_____\n" * 170_000,
    "closings": "Best,\n" * 170_000,
    "disclaimers": "This e-mail is confidential\n\n" * 36_000,
    "blank": "\n" * 1_000_000,
    "a long line": "This e-mail " * 90_000 + "\nx",
    "dashes": "-" * 1_000_000 + "\nx",
    "spaces": " " * 1_000_000 + "\nx:",
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_half_a_megabyte_made_to_be_slow_takes_no_time(name: str) -> None:
    body = _HOSTILE[name][: 1 << 19]
    began = time.process_time()
    new_text(body, sure=True)
    assert time.process_time() - began < 1.0


# --- HTML -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HTML)
def test_html(name: str) -> None:
    case = HTML[name]
    cut = body_text(case["html"], mail=True)
    assert cut.text.split() == case["new"].split()
    assert (cut.left, cut.emptied) == (case.get("left", False), case.get("emptied", False))
    assert not any(word in cut.text for word in case["gone"])
    assert cut.emptied or not case["gone"] or cut.quoted or cut.signature


def test_what_html_quotes_can_be_kept() -> None:
    html = "<p>See:</p><blockquote><p>one</p><blockquote>two</blockquote></blockquote><p>Right?</p>"
    assert body_text(html, quotes="keep") == Cut("See:\n\n> one\n>\n>> two\n\nRight?")
    assert to_text(html) == "See:\n\nRight?"  # as before, where nobody asks


@given(
    st.lists(st.sampled_from(["<blockquote>", "</blockquote>", "<p>", "</p>", "a", "b c", "<br>", "<hr>"]), max_size=30)
)
def test_marks_of_html_stand_on_lines_that_are_there(pieces: list[str]) -> None:
    text, marks = marked("".join(pieces))
    lines = text.split("\n")
    assert all(at < len(lines) and lines[at].strip("> ") for at in marks)
    assert all(lines[at].startswith(">") for at, mark in marks.items() if mark in "q?")


def test_the_marks_under_way_cannot_be_forged() -> None:
    assert marked("<p>a\x05q\x06b</p><p>c</p>") == ("aqb\n\nc", {})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"quotes": "keep", "mail": True},
            "Yes.\n\nRegards\nAna\n\nOn 3/3/2025 10:11, Rui <r@x.example> wrote:\n> ok?",
        ),
        ({"quotes": "cut"}, "Yes."),
        ({"mail": True}, "Yes."),
        ({}, "Yes.\n\nRegards\nAna"),
    ],
)
def test_one_call_for_readers_of_tickets(settings: dict[str, object], text: str) -> None:
    body = "Yes.\n\nRegards\nAna\n\nOn 3/3/2025 10:11, Rui <r@x.example> wrote:\n> ok?"
    assert body_text(body, **settings).text == text  # type: ignore[arg-type]


def test_flags() -> None:
    assert Cut("a").flags == ()
    assert Cut("a", quoted=3).flags == ("mail-cut",)
    assert Cut("a", signature=1, left=True).flags == ("mail-cut", "quoted-text-left")
    assert Cut("a", left=True, emptied=True).flags == ("quoted-text-left", "mail-emptied")
