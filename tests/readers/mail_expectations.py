"""The mails of `mail_expected`, and how a text that was cut out of one is judged. Standard library only."""

from __future__ import annotations

import difflib
import email
import email.policy
import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "mail_expected"
SHARED = Path(__file__).parents[2] / "../shared/data/chats/email"


class Mail(NamedTuple):
    """A mail: `lines` with their letter (see the README of the folder), and what must be flagged."""

    name: str
    lines: list[tuple[str, str]]
    flags: frozenset[str]

    @property
    def body(self) -> str:
        return "\n".join(line for _, line in self.lines)


def own() -> Iterator[Mail]:
    """Give the mails of our own."""
    for path in sorted(HERE.glob("*.txt")):
        for part in path.read_text("utf-8").split("\n=== "):
            title, *lines = part.removeprefix("=== ").rstrip("\n").split("\n")
            name, *flags = title.split()
            marked = [(line[0], line[2:]) for line in lines if "|" in line]
            yield Mail(f"{path.stem}/{name}", marked, frozenset(flags))


def others() -> Iterator[Mail]:
    """Give the mails of zapier/email-reply-parser, and the text of an .eml, where they lie."""
    for name, stated in tomllib.loads((HERE / "zapier.toml").read_text("utf-8")).items():
        raw = (SHARED / name if name.endswith(".eml") else SHARED / "zapier" / name).read_bytes()
        assert hashlib.sha256(raw).hexdigest() == stated["file"], name
        text = raw.decode()
        if name.endswith(".eml"):
            part = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
            text = part.get_content() if part is not None else ""
        lines = text.replace("\r\n", "\n").split("\n")
        letters = [" "] * len(lines)
        for kind, letter in (("new", "n"), ("context", "c"), ("quote", "q"), ("signature", "s")):
            for span in stated.get(kind, ()):
                low, _, high = span.partition("-")
                letters[int(low) - 1 : int(high or low)] = letter * (int(high or low) - int(low) + 1)
        spans = [span.partition("-") for span in stated["new"]]
        new = "\n".join("\n".join(lines[int(low) - 1 : int(high or low)]) for low, _, high in spans).strip()
        assert hashlib.sha256(new.encode()).hexdigest() == stated["text"], name
        yield Mail(f"zapier/{name}", list(zip(letters, lines, strict=True)), frozenset())


def kept(mail: Mail, text: str) -> dict[str, tuple[int, int]]:
    """Say, for each letter, how many characters of its words a text kept, and of how many.

    Words are matched in order, so that it does not matter whether blank lines or spaces changed.
    """
    words = [(letter, word) for letter, line in mail.lines for word in line.split()]
    matcher = difflib.SequenceMatcher(None, [word for _, word in words], text.split(), autojunk=False)
    stays = {at for start, _, size in matcher.get_matching_blocks() for at in range(start, start + size)}
    found: dict[str, tuple[int, int]] = {}
    for at, (letter, word) in enumerate(words):
        some, all_ = found.get(letter, (0, 0))
        found[letter] = (some + len(word) * (at in stays), all_ + len(word))
    return found


def shares(judged: list[dict[str, tuple[int, int]]]) -> tuple[float, float]:
    """Give the share of new characters kept, and that of quotes, signatures and disclaimers gone."""
    new = [one["n"] for one in judged if "n" in one]
    other = [one[letter] for one in judged for letter in "qsd" if letter in one]
    return (
        sum(some for some, _ in new) / sum(all_ for _, all_ in new),
        1 - sum(some for some, _ in other) / sum(all_ for _, all_ in other),
    )
