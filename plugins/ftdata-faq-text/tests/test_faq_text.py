"""The reader finds the questions, accounts for every line, and keeps the contract."""

from pathlib import Path

import pytest
from ftdata_faq_text import FaqText

import ftdata
from ftdata.batch import conversations
from ftdata.testing import check_reader

FAQ = """\
Returns

Q: How long do I have
to send something back?
A: Thirty days from the day it arrived.

Opened boxes are fine.
Q: Who pays?
Q:
A: Nobody asked.
Q: And then?
A: Wait.
A: A second line of it.
"""


def rows(path: Path, content: bytes | str, **fields: str) -> list[ftdata.Conversation]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with ftdata.Source(path) as source:
        return [row for batch in FaqText(path=path, **fields).read(source) for row in conversations(batch)]


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "faq.txt"
    path.write_text(FAQ)
    check_reader(FaqText(path=path))


def test_questions_and_answers(tmp_path: Path) -> None:
    found = rows(tmp_path / "faq.txt", FAQ)
    assert [(row.origin, row.drop) for row in found] == [
        ((1,), "outside"),
        ((2,), "outside"),
        ((3, 4, 5, 6, 7), None),
        ((8,), "no-answer"),
        ((9, 10), "no-question"),
        ((11, 12, 13), None),
    ]
    first, second = [row.messages for row in found if row.drop is None]
    assert first == (
        ftdata.user("How long do I have\nto send something back?"),
        ftdata.assistant("Thirty days from the day it arrived.\n\nOpened boxes are fine."),
    )
    assert second[1] == ftdata.assistant("Wait.\nA second line of it.")


def test_other_marks_and_bad_bytes(tmp_path: Path) -> None:
    found = rows(tmp_path / "faq.txt", b"P: 1\nR: 2\nP: \xff\nR: 4\n", question="P:", answer="R:")
    assert [(row.origin, row.drop) for row in found] == [((1, 2), None), ((3, 4), "not-utf8")]


@pytest.mark.parametrize(
    ("content", "known"), [(FAQ, True), ("Q: a\nA: b", True), ("Q: a\nQ: b\nQ: c\nA: d", False), ("plain", False)]
)
def test_sniff(content: str, known: bool, tmp_path: Path) -> None:
    (tmp_path / "any.txt").write_text(content)
    with ftdata.Source(tmp_path / "any.txt") as source:
        assert (FaqText.sniff(source) is not None) == known
