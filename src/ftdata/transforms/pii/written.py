"""A few groups of digits as one number: how it is written, and what touches it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ftdata.transforms.pii.nearby import said

EXTENSION = re.compile(
    r"[,;]? ?(?:(?:x|ext|extn|extension|extensi[oó]n|ramal|anexo|interno|int|poste|dw|durchwahl|toestel|tst)\.?|"
    r"(?:r|p)\.)[ :.]{0,2}[0-9]{1,6}(?![0-9A-Za-z])|,? ?#[0-9]{1,5}(?![0-9A-Za-z])",
    re.I,
)
_GLUE = frozenset("_#$€£¥@\\+*~^<%&")
_JOINTS = frozenset("-.,–/':=")
_DOCUMENTS = {(3, 3, 3, 2), (2, 3, 3, 4, 2), (2, 3, 3, 1), (1, 3, 3, 1)}


class Candidate:
    """A few groups of digits of a run, as one number."""

    def __init__(self, text: str, start: int, end: int, groups: Sequence[str], joints: Sequence[str]) -> None:
        self.text, self.start, self.end = text, start, end
        self.digits = "".join(groups)
        self.sizes = tuple(map(len, groups))
        self.groups, self.joints = groups, joints
        self.value = ""
        self.plus = "+" in text[start : start + 3]
        self.area = "(" in text[start:end] and ")" in text[start:end]

    def dated(self) -> bool:
        """Say whether it begins or ends as a date, or is a span of years."""
        sizes, groups = self.sizes, self.groups
        for at in range(len(sizes) - 2):
            one, two, three = groups[at : at + 3]
            if sizes[at] == 4 and one[:2] in ("19", "20") and sizes[at + 1] <= 2 >= sizes[at + 2]:
                return int(two) <= 12 and int(three) <= 31
            if sizes[at + 2] == 4 and three[:2] in ("19", "20") and sizes[at] <= 2 >= sizes[at + 1]:
                return min(int(one), int(two)) <= 12 and max(int(one), int(two)) <= 31
        if sizes == (2, 2, 2, 2) and self.joints[0] == self.joints[2] != self.joints[1]:
            return "-" in self.joints[1]  # from 10.30 - 11.45
        if len(sizes) == 2 and sizes == (4, 4):
            return all(group[:2] in ("19", "20") for group in groups)
        return (
            len(sizes) == 1
            and sizes[0] in (8, 12, 14)
            and re.match("(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])", self.digits) is not None
        )

    def drawn(self) -> bool:
        """Say whether it is five numbers of a lottery: pairs that rise, none above 60."""
        numbers = [int(group) for group in self.groups]
        return self.sizes == (2, 2, 2, 2, 2) and numbers[-1] <= 60 and all(a < b for a, b in pairwise(numbers))

    def free(self) -> bool:
        """Say whether nothing is glued to it: it is no piece of a code, a path, a price, a decimal."""
        text = self.text
        before, after = text[max(0, self.start - 2) : self.start], text[self.end : self.end + 2]
        last = before[-1:]
        if self.plus:
            if last.isdigit() or (last in ("+", "_") and before[:-1].isdigit()):
                return False
        elif (
            last.isalnum()
            or last in _GLUE
            or (last == "-" and "." in self.joints)
            or (last in _JOINTS and before[:-1].isdigit())
        ):
            return False
        elif last in ("-", "–", ".", "/", "=") and before[:-1].isalpha():
            # -: ABC-415-555-0132; a path or a parameter only counts where it names a phone: wa.me/…, phone=…
            return last in ("/", "=", ".") and said(text, self.start, self.end).kind == "label"
        if after[:1].isalnum() or after[:1] in _GLUE or after[:1] in ("=", "°"):
            return EXTENSION.match(text, self.end) is not None
        if after[:1] in ("-", "/", ":", ",", "–"):
            return not after[1:].isdigit() and (after[:1] in (",", ":", "–") or not after[1:].isalpha())
        if after[:1] == ".":
            if after[1:].islower() and not self.plus:  # a file, or the space after a full stop was left out
                return said(text, self.start, self.end).kind == "label"
            return not after[1:].isdigit()
        return not (after[:1] == " " and after[1:] in ("€", "$", "%", "£"))

    def written(self) -> bool:
        """Say whether it is written as some phone is, be it of an unknown plan: groups of two to eight digits."""
        if len(self.sizes) > 6 or not 7 <= len(self.digits) <= 13 or len(set(self.digits)) == 1:
            return False
        if (self.sizes in _DOCUMENTS and len(set(self.joints)) > 1) or self.sizes == (3, 2, 4) or self.sizes == (5, 3):
            return False
        if len(self.sizes) > 1 and (max(self.sizes) > 8 or min(self.sizes[1:]) < 2):
            return self.sizes[0] <= 4 and self.sizes[1:2] == (1,) and min(self.sizes[2:], default=0) >= 3
        return sum("/" in joint for joint in self.joints) <= 1
