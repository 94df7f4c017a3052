"""Read questions and answers from plain text: a worked example of an ftdata reader."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import Field

import ftdata


@dataclass
class Entry:
    """One question with its answer, while its lines come in."""

    lines: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    problem: str | None = None

    def add_to(self, rows: ftdata.Rows) -> None:
        """Add the entry as a row; one that cannot be used keeps its lines, and the reason instead of texts."""
        question, answer = "\n".join(self.asked).strip(), "\n".join(self.said).strip()
        problem = self.problem or ("no-question" if not question else "no-answer" if not answer else None)
        if problem:
            rows.add(self.lines, drop=problem)
        else:
            rows.add(self.lines, [("user", question), ("assistant", answer)])


class FaqText(ftdata.Reader):
    """Read questions and answers from plain text: lines that begin with `Q:` and `A:`, and the lines below them.

    Dropped: `no-question`, `no-answer`, `outside` (a line before the first question), `not-utf8`.
    """

    name: ClassVar[str] = "faq-text"
    question: str = Field("Q:", min_length=1, description="what the first line of a question begins with")
    answer: str = Field("A:", min_length=1, description="what the first line of an answer begins with")

    def reads_meta(self) -> frozenset[str]:
        """Read none: a reader makes it."""
        return frozenset()

    def read(self, source: ftdata.Source) -> Iterator[ftdata.Batch]:
        """Give a row for each question; each line is a record, and belongs to one row."""
        rows, entry = ftdata.Rows(), None
        for block in source.lines():
            for number, line in enumerate(block.lines, block.number):
                text = line.decode(errors="replace")
                problem = block.problem or (None if text.encode() == line else "not-utf8")
                if text.startswith(self.question):
                    if entry:
                        entry.add_to(rows)
                    entry, text = Entry(), text.removeprefix(self.question).lstrip()
                if entry is None:
                    rows.add([number], drop=problem or "outside")
                else:
                    entry.lines.append(number)
                    answers = text.startswith(self.answer)
                    side = entry.said if entry.said or answers else entry.asked
                    side.append(text.removeprefix(self.answer).lstrip() if answers else text)
                    entry.problem = entry.problem or problem
                if rows.full:
                    yield rows.batch()
        if entry:
            entry.add_to(rows)
        yield rows.batch()

    @classmethod
    def sniff(cls, source: ftdata.Source) -> ftdata.Sniff | None:
        """Know the format by its first lines: as many answers as questions, more or less."""
        if len(source.members()) > 1:
            return None
        lines = source.opening().split(b"\n")
        asked, said = (sum(line.startswith(mark) for line in lines) for mark in (b"Q:", b"A:"))
        if not asked or not asked / 2 <= said <= asked * 2:
            return None
        return ftdata.Sniff(0.9, (f"{asked} lines begin with Q:, {said} with A:",), force="--from faq-text")


@ftdata.hookimpl
def ftdata_stages() -> list[type[ftdata.Reader]]:
    """List the stages of this plugin."""
    return [FaqText]
