"""The marks that old fine-tuning data carries at the ends of its texts, and how to tell them from text.

The longest common ending of a column is no mark: in published sets it holds brackets, full stops and the instruction
itself. Only an ending that is known, or named by the user, is ever taken off; any other is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

_WORDS = ("\n\nEND\n\n", "\n\nEND", "\nEND")

SEPARATORS: tuple[str, ...] = (
    *(" ->", "\n\n###\n\n", "\n\n===\n\n", "\n\n---\n\n", "\n\n===>\n\n", "\n\n--->\n\n", "\n\n### =>\n\n"),
    *("\n\n###\n", "-->"),
    *_WORDS,
)
"""Ends of prompts: those of the old tool (openai 0.28.1, `common_prompt_suffix_validator`), then those that people
wrote in published sets."""

STOPS: tuple[str, ...] = (
    *("\n", "\r\n", ".", " END", "***", "+++", "&&&", "$$$", "@@@", "%%%", " [END]"),
    *_WORDS,
)
"""Ends of completions: those of the old tool (`common_completion_suffix_validator`), then those that people wrote."""

KEPT = "."
"""A stop of the old tool that nobody can tell from the end of a sentence: counted, never taken off unasked."""

PERCENT = 98
"""Share of texts that must end in a known mark before it is taken off."""
NOTED = 5
"""Share (in percent) from which a known mark that is not taken off is reported."""
SHORTEST = 3
"""Characters that a common ending must have to be reported: less is a question mark or a full stop."""


class Endings:
    """Counts how the texts of one column begin and end.

    `named`: the marks that the user named; they are taken off wherever they stand, and no known one is looked for.
    """

    def __init__(self, known: Sequence[str], named: Sequence[str] | None) -> None:
        self.named = named is not None
        self._marks = tuple(sorted(known if named is None else named, key=len, reverse=True))
        self.counts: Counter[str] = Counter()
        self.rows = 0
        self.prefix: str | None = None
        self.suffix: str | None = None

    def see(self, text: str) -> str:
        """Count one text; give it without the longest mark that it ends in."""
        self.rows += 1
        bare = text
        if text.endswith(self._marks):
            for mark in self._marks:
                if text.endswith(mark):
                    self.counts[mark] += 1
                    bare = text[: len(text) - len(mark)]
                    break
        if self.prefix is None or self.suffix is None:
            self.prefix, self.suffix = text, bare
            return bare
        # Both only ever shrink, so that all of this is linear in what was kept first.
        if self.prefix and not text.startswith(self.prefix):
            self.prefix = _shared(self.prefix, text)
        if self.suffix and not bare.endswith(self.suffix):
            self.suffix = _shared(self.suffix[::-1], bare[::-1])[::-1]
        return bare

    @property
    def chosen(self) -> str:
        """The mark to take off: the most frequent named one, or the longest known one that enough texts end in."""
        if self.named:
            return max(self.counts, key=lambda mark: (self.counts[mark], len(mark), mark), default="")
        return next((mark for mark in self._marks if mark != KEPT and self._enough(mark)), "")

    def _enough(self, mark: str) -> bool:
        """Say whether enough texts end in a mark, those that end in a longer one with the same end among them."""
        ending = sum(count for longer, count in self.counts.items() if longer.endswith(mark))
        return self.rows > 0 and 100 * ending >= PERCENT * self.rows

    def cutter(self) -> tuple[str, ...]:
        """Give the marks to take off, the longest first."""
        return self._marks if self.named else tuple(filter(None, [self.chosen]))

    @property
    def mixed(self) -> tuple[str, ...]:
        """Known marks that stay on, because too few texts end in them, but more than by chance."""
        if self.named or self.chosen:
            return ()
        return tuple(m for m in self._marks if m != KEPT and 100 * self.counts[m] >= max(NOTED * self.rows, 1))

    @property
    def common(self) -> int:
        """Characters that all texts share at their end, marks aside; 0 where that says nothing."""
        length = len(self.suffix or "")
        return length if self.rows > 1 and length >= SHORTEST else 0

    def told(self) -> dict[str, int]:
        """Give the counts by mark, with those that end in none under an empty text."""
        rest = self.rows - sum(self.counts.values())
        return {mark: count for mark, count in [*self.counts.most_common(), ("", rest)] if count}


def cut(text: str, marks: tuple[str, ...]) -> str:
    """Give the mark, of these, that a text ends in; an empty text where it ends in none."""
    return next((mark for mark in marks if text.endswith(mark)), "") if text.endswith(marks) else ""


def _shared(one: str, other: str) -> str:
    """Give the beginning that two texts share."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return one[:low]
