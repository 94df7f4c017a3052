"""Conversations inside prompts: transcripts with labels, and prompts that repeat the whole history so far."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from ftdata.readers.prompt_completion.form import Form, Own

_LABEL = r"[^\W\d_][^:\n]{0,39}?"
_LINE = re.compile(rf"(?:\A|(?<=\n))[ \t]*({_LABEL})[ \t]*:")
_LAST = re.compile(rf"(?:\A|(?<=\n))[ \t]*({_LABEL})[ \t]*:\s*\Z")
_SENTENCE = re.compile(r"\n\s*|[:.!?]\s+")
_MOST = 1000


class Split(NamedTuple):
    """A prompt as turns (role, text), with what stands before each of them and after the last."""

    turns: list[tuple[str, str]]
    headers: list[str]


class Labels:
    """Finds the labels of transcripts: the one that most prompts end with is the assistant's.

    Both are in more than half of the prompts that end with any label: what stands before a colon in a few is their
    text, which is not to be told.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._last: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._with: Counter[str] = Counter()

    def see(self, prompt: str) -> None:
        """Count the labels of one prompt, its separator taken off."""
        last = _LAST.search(prompt[-100:])
        if last is None:
            return
        self.rows += 1
        self._count(self._last, last[1])
        # The other side speaks more than once, and just before this one: a summary's labels do not.
        labels = _LINE.findall(prompt)
        for label, following in zip(labels, [*labels[1:], ""], strict=True):
            if label != last[1]:
                self._count(self._others, label, 2 if following == last[1] else 1)
        for label in dict.fromkeys(labels):
            self._count(self._with, label)

    def _count(self, counter: Counter[str], label: str, weight: int = 1) -> None:
        if label in counter or len(counter) < _MOST:
            counter[label] += weight

    def roles(self) -> dict[str, str]:
        """Give the two labels with their roles; empty where there are none."""
        for assistant, count in self._last.most_common(1):
            for user, _ in self._others.most_common():
                if user != assistant and 2 * min(count, self._with[user]) > self.rows:
                    return {user: "user", assistant: "assistant"}
        return {}


class Splitter:
    """Splits a prompt at its labels; `roles` says whose they are."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        self._roles = dict(roles)
        names = "|".join(map(re.escape, sorted(roles, key=len, reverse=True)))
        self._label = re.compile(rf"(?:\A|(?<=\n))[ \t]*({names})[ \t]*:")

    def split(self, prompt: str) -> Split | None:
        """Split a prompt that ends with an assistant's label; None where it is no such transcript.

        What stands before the first label becomes a system message. No text is changed: the white space around it, and
        the labels, are the `headers`.
        """
        found = list(self._label.finditer(prompt))
        if not found or self._roles[found[-1][1]] != "assistant" or prompt[found[-1].end() :].strip():
            return None
        turns: list[tuple[str, str]] = []
        headers: list[str] = []
        before = ""
        spans = [("system", "", 0, found[0].start())]
        ends = [match.start() for match in found[1:]]
        for match, end in zip(found, ends, strict=False):
            spans.append((self._roles[match[1]], match[0], match.end(), end))
        for role, label, start, end in spans:
            text = prompt[start:end]
            content = text.strip()
            if not content:
                if role != "system" or label:
                    return None
                before = text
                continue
            at = text.index(content)
            turns.append((role, content))
            headers.append(before + label + text[:at])
            before = text[at + len(content) :]
        if not any(role == "user" for role, _ in turns):
            return None
        return Split(turns, [*headers, before + found[-1][0] + prompt[found[-1].end() :]])


def around(text: str) -> Split:
    """Take a text as one turn of the user, with the white space around it."""
    content = text.strip()
    start = text.index(content)
    return Split([("user", content)], [text[:start], text[start + len(content) :]])


def growth(form: Form, prompt: str, answer: str, own: Own, following: str) -> tuple[str, str] | None:
    """Say how a prompt goes on from a record before it, and with what: prompt and completion are how it begins.

    `whole`: with the separator between the two; `bare`: without it; `text`: without the stop either. None: it does not,
    or adds nothing.
    """
    for how in ("whole", "bare", "text"):
        begins = form.joined(prompt, answer, {**own, "joined": how})
        if len(following) > len(begins) and following.startswith(begins) and following[len(begins) :].strip():
            return how, following[len(begins) :]
    return None


def word_prefix(prefix: str, least: int) -> str:
    """Cut a shared beginning back to the end of a sentence or line, or of a word if that leaves too little."""
    ends = [match.end() for match in _SENTENCE.finditer(prefix)] or [0]
    if ends[-1] > least:
        return prefix[: ends[-1]]
    return prefix[: max((at + 1 for at, letter in enumerate(prefix) if letter.isspace()), default=0)]
