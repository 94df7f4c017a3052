"""Cut a mail's body down to what its sender newly wrote."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from ftdata.readers.mail_body.markers import Marker, inner, is_quoted, marker, rating
from ftdata.readers.mail_body.phrases import Phrases, phrases
from ftdata.readers.mail_body.signature import only_name, sign_off

_ENDS = frozenset(": \r\xa0：")  # how a line ends that may be part of the line above a quote


class Cut(NamedTuple):
    """What is left of a body, and how many characters went.

    `left`: quotes or their headers are still in it (flag `quoted-text-left`); `emptied`: nothing was newly written, so
    all of it was kept (flag `mail-emptied`).
    """

    text: str
    quoted: int = 0
    signature: int = 0
    disclaimer: int = 0
    left: bool = False
    emptied: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that the row gets."""
        gone = self.quoted or self.signature or self.disclaimer
        told = ((bool(gone), "mail-cut"), (self.left, "quoted-text-left"), (self.emptied, "mail-emptied"))
        return tuple(flag for raised, flag in told if raised)


def new_text(
    body: str, *, sure: bool, author: str = "", passed_on: bool = False, marks: dict[int, str] | None = None
) -> Cut:
    """Give the text that a mail's sender newly wrote, without quotes, signature and disclaimer.

    `sure`: the body is known to be a mail; otherwise only unmistakable marks count. `author`: the sender's name, which
    may stand alone at the end. `passed_on`: the subject says that the mail passes on another, so a block of headers in
    it does not begin a quote. `marks`: what is known of lines beforehand (from HTML): `q` a quote, `h` the line above
    one, `b` where all that follows is a quote, `s` signature, `?` quoted, perhaps not from a mail.

    Below an answer the quote goes; above one answer too. Where answers stand between pieces of a quote, the pieces that
    they answer stay (`left`). A message that is passed on stays (`left`). A text without marks comes back as it is.
    """
    if "\n" not in body and not marks and not ("@" in body and ":" in body):
        return Cut(body, left=body[:1] == ">")
    windows = "\r" in body and "\r\n" in body  # one character is sought ten times as fast as two
    lines = (body.replace("\r\n", "\n") if windows else body).split("\n")
    known = phrases()
    if "@" in body and ":" in body and not marks:
        lines = _broken(lines, known)
    gate, close = known.above, known.heads
    found: list[int] = []
    # Every quote, and every line above one, holds one of these signs.
    if ":" in body or ">" in body or ("-" in body and "--" in body) or "#" in body or "—" in body or "：" in body:
        found = [at for at, line in enumerate(lines) if line[-1:] in _ENDS or (gate[line[:3]] and close[line[:7]])]
    if not found and not marks and not sign_off(lines, 0, len(lines), known, sure=sure, author=author):
        return Cut(body)
    mail = _Mail(lines, found, marks or {}, sure, author, passed_on)
    kinds = mail.kinds()
    if kinds is None:
        return Cut(body, left=mail.left(["n"] * len(lines)))
    if not _says_anything(lines, kinds):
        # A mail that only signs: better the signature than nothing.
        kinds = ["n" if kind == "s" else kind for kind in kinds]
        if not _says_anything(lines, kinds):
            return Cut(body, left=mail.left(["n"] * len(lines)), emptied=True)
    gone = {kind: sum(len(line) for line, own in zip(lines, kinds, strict=True) if own == kind) for kind in "qsd"}
    if not any(gone.values()):
        return Cut(body, left=mail.left(kinds))
    text = _joined(lines, kinds)
    return Cut(text.replace("\n", "\r\n") if windows else text, gone["q"], gone["s"], gone["d"], left=mail.left(kinds))


def _broken(lines: list[str], known: Phrases) -> list[str]:
    """Break the lines again that hold the line above a quote in their middle."""
    out: list[str] = []
    for line in lines:
        if "@" in line and ":" in line and (found := inner(line, known)):
            start, end = found
            out += [line[:start].rstrip(), line[start:end], *filter(None, [line[end:].strip()])]
        else:
            out.append(line)
    return out


def _says_anything(lines: list[str], kinds: list[str]) -> bool:
    return any(
        kind == "n" and line.strip() and (not is_quoted(line) or any(map(str.isalnum, line)))
        for line, kind in zip(lines, kinds, strict=True)
    )


def _joined(lines: list[str], kinds: list[str]) -> str:
    """Join what stays; where something went, one blank line stands."""
    pieces = []
    for stays, run in groupby(zip(lines, kinds, strict=True), key=lambda pair: pair[1] == "n"):
        if stays:
            piece = [line for line, _ in run]
            while piece and not piece[0].strip():
                del piece[0]
            while piece and not piece[-1].strip():
                piece.pop()
            if piece:
                pieces.append("\n".join(piece))
    return "\n\n".join(pieces).rstrip()


class _Mail:
    """A body while it is cut: its lines, each of a kind: `n`ew, `q`uoted, `s`ignature, `d`isclaimer."""

    def __init__(
        self, lines: list[str], found: list[int], marks: dict[int, str], sure: bool, author: str, passed_on: bool
    ) -> None:
        self._lines, self._found, self._marks = lines, found, marks
        self._sure, self._author, self._passed_on = sure, author, passed_on
        self._known = phrases()
        self._left = False

    def left(self, kinds: list[str]) -> bool:
        """Say whether marks of a quote are in what stays."""
        return self._left or any(kinds[at] == "n" and is_quoted(self._lines[at]) for at in self._found)

    def kinds(self) -> list[str] | None:
        """Say of each line what it is; None if all is new."""
        lines, marks = self._lines, self._marks
        heads, end, passed, replies = self._survey()
        upto = end if passed is None else passed
        quoted = bool(heads) or any(is_quoted(lines[at]) for at in self._found)
        if not (quoted or marks or replies) and upto == len(lines):
            ending = self._end(0, upto)
            return self._kept(["n"] * upto, ending) if ending else None
        kinds = ["n"] * end + ["q"] * (len(lines) - end)
        if passed is not None:
            kinds[passed:] = "n" * (len(lines) - passed)
            self._left = True
        for head in replies:
            kinds[head.start : head.end] = "q" * (head.end - head.start)
        for at, mark in marks.items():
            if mark == "s" and at < upto:
                kinds[at] = "s"
        if quoted:
            self._answers([is_quoted(line) for line in lines[:upto]], heads, kinds, upto)
        elif upto:
            self._sign(0, upto, kinds)
        return kinds if kinds.count("n") < len(lines) else None

    def _end(self, low: int, high: int) -> list[tuple[int, int, str]]:
        return sign_off(self._lines, low, high, self._known, sure=self._sure, author=self._author)

    def _kept(self, kinds: list[str], pieces: list[tuple[int, int, str]]) -> list[str]:
        for start, end, kind in pieces:
            kinds[start:end] = kind * (end - start)
        return kinds

    def _survey(self) -> tuple[list[Marker], int, int | None, list[Marker]]:
        """Find the markers: heads of quotes, where the quote below all begins, what is passed on, help-desk lines."""
        lines, marks = self._lines, self._marks
        heads: list[Marker] = []
        replies: list[Marker] = []
        said = False  # something stands above
        last = 0
        candidates = sorted({*self._found, *marks}) if marks else self._found
        for at in candidates:
            mark = marks.get(at)
            if mark == "b":
                return (heads, len(lines), at, replies) if self._passed_on else (heads, at, None, replies)
            if mark == "h":
                found = marker(lines, at, self._known)
                if found is not None and found.kind == "passed":
                    return heads, len(lines), found.start, replies
                heads.append(Marker(at, at + 1, "strong"))
                continue
            if at < last or is_quoted(lines[at]) or mark is not None:
                continue
            found = marker(lines, at, self._known)
            if found is None:
                continue
            last = found.end
            said = said or any(lines[row].strip() for row in range(found.start))
            if found.kind == "passed" or (found.kind == "below" and self._passed_on):
                return heads, len(lines), found.start, replies
            if found.kind == "below":
                if said:
                    return heads, found.start, None, replies
                self._left = True  # headers on top, of the very mail or of one passed on without a word
            elif found.kind == "reply":
                if said:
                    return heads, found.start, None, replies
                replies.append(found)
            elif (below := self._below(found.end)) is None:
                return heads, found.start, None, replies
            elif below:
                heads.append(found)
            elif found.kind == "strong":
                return heads, found.start, None, replies
            else:
                self._left = True  # perhaps a quote without marks, perhaps a sentence
        return heads, len(lines), None, replies

    def _below(self, at: int) -> bool | None:
        """Say whether a marked quote follows; None if nothing does."""
        for row in range(at, len(self._lines)):
            if self._lines[row].strip():
                return is_quoted(self._lines[row]) or self._marks.get(row) in ("q", "h")
        return None

    # --- quotes and answers ---

    def _answers(self, quoted: list[bool], heads: list[Marker], kinds: list[str], upto: int) -> None:
        """Decide which marked lines go: those that no answer follows, and all if only one does."""
        lines, marks = self._lines, self._marks
        for head in heads:
            if head.end <= upto:
                kinds[head.start : head.end] = "q" * (head.end - head.start)
        blocks = _blocks(lines, quoted, kinds, upto)
        for kind, _, high in blocks[:-1]:
            # 2011/4/7 Name <address>, without a colon
            line = lines[high - 1].strip()
            if kind == "n" and line[-1] == ">" and line[0].isdigit() and rating(f"{line}:", self._known) == 2:
                kinds[high - 1] = "q"
                heads.append(Marker(high - 1, high, "strong"))
                blocks = _blocks(lines, quoted, kinds, upto)
                break
        mail = bool(heads) or any(marks.get(at) == "q" for at in range(upto))
        mail = mail or any(self._opens_quote(low, high) for kind, low, high in blocks if kind == "q")
        # The end first: a signature below a quote is no answer to it.
        while blocks and blocks[-1][0] == "n":
            _, low, high = blocks[-1]
            if self._sign(low, high, kinds, after=blocks[-2][2] if len(blocks) > 1 else None):
                break
            blocks.pop()
        turns = [kind for kind, _, _ in blocks]
        first = turns.index("q") if "q" in turns else len(turns)
        answers = turns[first:].count("n")
        trailing = turns[-1:] == ["q"]
        # Marks that no header explains: a prompt, a patch, a citation. Only a long block at the end is a quote.
        if not mail and not (self._sure and trailing and answers == 0 and self._is_quote(blocks)):
            return
        for index, (kind, low, high) in enumerate(blocks):
            if kind == "q" and (answers < 2 or index == len(blocks) - 1):
                kinds[low:high] = "q" * (high - low)
        if trailing and len(blocks) > 1 and blocks[-2][0] == "n":
            _, low, high = blocks[-2]
            self._sign(low, high, kinds)

    def _sign(self, low: int, high: int, kinds: list[str], after: int | None = None) -> bool:
        """Mark the signature at the end of a text; say whether any text is left of it.

        `after`: the line where a quote ends above it; then a name alone is a signature, but below a question it may be
        the answer.
        """
        lines = self._lines
        self._kept(kinds, self._end(low, high))
        filled = [at for at in range(low, high) if kinds[at] == "n" and lines[at].strip()]
        if after is not None and self._sure and len(filled) == 1:
            above = lines[after - 1].strip(" >")
            if only_name(lines[filled[0]]) and above[-1:] != "?":
                kinds[filled[0]] = "s"
                return False
        return bool(filled)

    def _opens_quote(self, low: int, high: int) -> bool:
        """Say whether marked lines begin with the line above a quote (as an iPhone marks it)."""
        bare = [line.lstrip("> ") for line in self._lines[low : min(high, low + 4)]]
        return any(
            line.endswith(":") and (found := marker(bare, at, self._known)) is not None and found.kind != "passed"
            for at, line in enumerate(bare)
        )

    def _is_quote(self, blocks: list[tuple[str, int, int]]) -> bool:
        """Say whether marked lines at the end, without a header, are a quote: two lines or more, not announced."""
        lines = self._lines
        _, low, high = blocks[-1]
        if any(self._marks.get(at) == "?" for at in range(low, high)):
            return len(blocks) > 1 and not lines[blocks[-2][2] - 1].strip().endswith(":")
        above = next((lines[at].strip() for at in range(low - 1, -1, -1) if lines[at].strip()), "")
        filled = sum(1 for at in range(low, high) if lines[at].strip(" >"))
        return filled >= 2 and above != "" and not above.endswith(":")


def _blocks(lines: list[str], quoted: list[bool], kinds: list[str], upto: int) -> list[tuple[str, int, int]]:
    """Cut the lines into blocks of new (`n`) and marked (`q`) lines; headers and blank lines between belong to none.

    A piece of a quoted line that a mail program broke off, without its mark, counts as marked.
    """
    blocks: list[tuple[str, int, int]] = []
    for at in range(upto):
        if kinds[at] != "n" or not lines[at].strip():
            continue
        kind = "q" if quoted[at] else "n"
        if blocks and blocks[-1][0] == kind:
            blocks[-1] = (kind, blocks[-1][1], at + 1)
        else:
            blocks.append((kind, at, at + 1))
    for index in range(1, len(blocks) - 1):
        kind, low, high = blocks[index]
        before, after = blocks[index - 1], blocks[index + 1]
        if kind == "q" or high - low != 1 or before[2] != low or after[1] != high:
            continue
        line, above = lines[low].strip(), lines[low - 1]
        link = line[:5] in ("(http", "<http") or ("http" in above and " " not in line)
        if link or (len(above) >= 60 and len(line) <= 40):
            blocks[index] = ("q", low, high)
    merged: list[tuple[str, int, int]] = []
    for kind, low, high in blocks:
        if merged and merged[-1][0] == kind:
            merged[-1] = (kind, merged[-1][1], high)
        else:
            merged.append((kind, low, high))
    return merged
