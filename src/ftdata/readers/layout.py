"""Settle the layout of a table of messages: what the user stated, what is guessed, what is refused with its remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ftdata.errors import InputError
from ftdata.readers import words as w
from ftdata.readers.columns import find, looks_like_data, names, quoted, study
from ftdata.readers.dialects import recognise, visibility_columns, visibility_names
from ftdata.readers.guess import FIELDS, Guess, guess
from ftdata.readers.html import is_html


class Refused(Exception):
    """What is wrong with the input, and what to do; `seen` ends it with what the data hold, for a terminal only."""

    def __init__(self, problem: str, seen: str = "") -> None:
        super().__init__(problem, seen)
        self.problem, self.seen = problem, seen

    def __str__(self) -> str:
        return f"{self.problem}; {self.seen}" if self.seen else self.problem

    def of(self, name: str) -> InputError:
        """Give the error to raise for the input of this name."""
        return InputError(f"{name}: {self.problem}", self.seen)


@dataclass(frozen=True)
class Layout:
    """What each column of a table is. Column numbers count from 0."""

    shape: str
    names: tuple[str, ...]
    columns: Mapping[str, int]
    gates: tuple[int, ...] = ()
    internal: tuple[int, ...] = ()
    html: frozenset[int] = frozenset()
    evidence: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """The settings of a reader that state this layout: the name of the column of each field."""
        found = {field: self.names[index] for field, index in self.columns.items()}
        return found | ({"visibility": self.names[self.gates[0]]} if self.gates else {})


def settle(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    stated: Mapping[str, str],
    *,
    has_header: bool | None = None,
    shape: str | None = None,
    authors_known: bool = False,
    assume_public: bool = False,
) -> Layout:
    """Decide what each column is; raise `Refused` where that is not clear.

    `stated` maps fields to the columns that the user named; `has_header`: None where nobody said; `authors_known`: the
    user said which authors are assistants.
    """
    named = names(header) if has_header is not False else tuple(f"#{i}" for i in range(1, len(header) + 1))
    if has_header is None and looks_like_data(header, rows):
        asks, answers = _wordiest([header, *rows])
        raise Refused(
            "the first row looks like data, not like column names; if there is no header, say so and give the columns "
            "by number, such as those with the most words: "
            f'--from tickets --set header=false --set question="{asks}" --set answer="{answers}" '
            "(if it is one: --set header=true)"
        )
    given = resolve(stated, named)
    titles = header if has_header is not False else [""] * len(header)
    dialect = recognise(titles)
    found = guess(titles, rows, given, shape, visibility_columns(dialect, titles))
    sort = f"this looks like {dialect.title}; " if dialect else ""
    advice = dialect.advice if dialect and dialect.advice else _GENERIC
    if (
        dialect
        and dialect.advice
        and not given.keys() & {"question", "answer", "body"}
        and not _prose(found, titles, rows)
    ):
        raise Refused(f"no messages with their answers in this file; {sort}{advice}")
    if found.shape is None or not _has_text(found):
        half = _half(titles, rows, given) or "no message-text column in this file"
        raise Refused(f"{half}; {sort}{advice}")
    if found.problem:
        raise Refused(found.problem)
    columns = {name: pick.column for name, pick in found.picks.items() if name in FIELDS and name != "visibility"}
    flags: tuple[str, ...] = ()
    evidence = [f"one row per {found.shape}", *found.explain()]
    if dialect:
        evidence.append(f"columns of {dialect.title}")
    if found.shape == "message":
        if "role" not in columns and not ("author" in columns and authors_known):
            raise Refused(sort + _no_roles(columns, named))
        if not found.gates:
            telling = visibility_names(dialect)
            if dialect and telling and not assume_public:
                raise Refused(
                    f"this looks like {dialect.title}, but its column {quoted(telling[0])} is missing, so "
                    "private notes cannot be told from replies; export it again with that column, or, if every row was "
                    "visible to the customer, say so: --set assume_public=true"
                )
            if found.doubt is not None and not assume_public:
                name = quoted(named[found.doubt])
                raise Refused(
                    f"the column {name} seems to say which messages are private, but not all that it says is known; "
                    f"name it and the values that mean public: --set visibility={_shell(named[found.doubt])} "
                    "--set 'public=[\"VALUE\"]' (if every row was visible to the customer: --set assume_public=true)"
                )
            flags = () if assume_public else ("no-visibility-column",)
            evidence.append("no visibility column: every message is taken as public (no-visibility-column)")
    elif dialect and dialect.title == "a Jira issue export" and not assume_public and not found.gates:
        raise Refused(
            "a Jira issue export does not say which comments are internal; if the columns you named hold none, say so: "
            "--set assume_public=true"
        )
    for index in found.internal:
        evidence.append(f"{quoted(named[index])} holds internal notes: left out")
    html = frozenset(i for i in columns.values() if _is_html([row[i] for row in rows]))
    internal = tuple(i for i in found.internal if i not in columns.values())
    return Layout(found.shape, named, columns, found.gates, internal, html, tuple(evidence), flags)


_GENERIC = (
    "export the messages of the tickets (comments, replies), or name the columns: --from tickets --set "
    "question=NAME --set answer=NAME for one row per ticket, --set body=NAME --set key=NAME --set role=NAME for "
    "one row per message"
)


def forced(reader: str, fields: Mapping[str, str]) -> str:
    """Give the flags of the command line that state what was guessed: `--from tickets --set body=Text`."""
    return " ".join([f"--from {reader}", *(f"--set {name}={_shell(column)}" for name, column in fields.items())])


def _shell(text: str) -> str:
    return text if re.fullmatch(r"[\w.-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def _wordiest(rows: Sequence[Sequence[str]]) -> tuple[str, str]:
    """Name the two columns whose cells hold the most words, in their order in the table."""
    means = []
    for number, column in enumerate(zip(*rows, strict=False), 1):
        words = [len(cell.split()) for cell in column if cell.strip()]
        means.append((sum(words) / len(words) if words else 0.0, number))
    best = sorted(number for _, number in sorted(means, key=lambda m: (-m[0], m[1]))[:2])
    return (f"#{best[0]}", f"#{best[1]}") if len(best) == 2 else ("#N", "#N")


def resolve(stated: Mapping[str, str], named: Sequence[str]) -> dict[str, int]:
    """Find the columns that the user named for fields; raise `Refused` for one that is not there or named twice."""
    given: dict[str, int] = {}
    for field, reference in stated.items():
        index = find(reference, named)
        if index is None:
            shown = ", ".join(quoted(name) for name in named[:30]) + (" ..." if len(named) > 30 else "")
            raise Refused(f"{field} = {quoted(reference)}: no such column", f"the columns are {shown}")
        for other, taken in given.items():
            if taken == index:
                raise Refused(f"{field} and {other} both name the column {quoted(named[index])}; each needs its own")
        given[field] = index
    return given


def _has_text(found: Guess) -> bool:
    needed = ("question", "answer") if found.shape == "ticket" else ("body", "key")
    return all(name in found.picks for name in needed)


def _prose(found: Guess, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the texts that were found are prose indeed, so that an export known for none holds some after all."""
    columns = study(header, rows)
    texts = ("question", "answer") if found.shape == "ticket" else ("body",)
    return found.shape is not None and all(
        name in found.picks and columns[found.picks[name].column].prose for name in texts
    )


def _half(header: Sequence[str], rows: Sequence[Sequence[str]], given: Mapping[str, int]) -> str:
    """Say which half of a conversation is there, if one is; an empty text if there is no message text at all."""
    forced = guess(header, rows, given, "ticket")
    have = [name for name in ("question", "answer") if name in forced.picks]
    if len(have) != 1:
        body = guess(header, rows, given, "message").picks
        if "body" in body:
            missing = "ticket id" if "key" not in body else "author or role"
            return f"the column {quoted(body['body'].name)} holds messages, but no column of a {missing} was found"
        return ""
    lacking = "answer" if have[0] == "question" else "question"
    return f"the column {quoted(forced.picks[have[0]].name)} holds text, but no column of {lacking}s was found"


def _no_roles(columns: Mapping[str, int], named: Sequence[str]) -> str:
    if "author" in columns:
        return (
            f"the column {quoted(named[columns['author']])} tells who wrote each message, but nothing tells who is the "
            'assistant; name the agents by their id or name: --from tickets --set \'assistants=["ID", "ID"]\''
        )
    return (
        "no column tells who wrote each message; name one: --from tickets --set role=NAME (customer, agent, ...), or "
        "--set author=NAME --set 'assistants=[\"ID\"]'"
    )


def _is_html(cells: Sequence[str]) -> bool:
    """Say whether a column holds HTML: at least a fifth of its cells (plain text quotes a tag in one of a hundred)."""
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(is_html(cell) for cell in filled) * 5 >= len(filled)


# --- what a yes or no means, by the name of its column ----------------------------------------------------------------

_PRIVATE_WORDS = w.word_set(
    "private privado privada internal interno interna confidential confidencial hidden oculto oculta note nota "
    "anotacao anotacion notiz whisper whispered susurro sussurro backstage intern interne interner vertraulich privat "
    "prive privee confidentiel confidentielle isprivate isinternal iswhisper"
)
_NOT = w.word_set("not non no nao nicht kein keine sem sin")
_INCOMING = frozenset({"inbound", "incoming", "entrante", "entrada", "recebido", "recebida", "recibido", "recibida"})
_OUTGOING = frozenset({"outbound", "outgoing", "saliente", "saida", "salida", "enviado", "enviada"})


def yes_is_public(name: str) -> bool | None:
    """Say what a yes means in a visibility column: public (True), private (False); None if the name does not tell."""
    said = set(w.words(name))
    if w.restricts(said):
        return False
    if said & _NOT:  # `not public`, `no visible`: nothing is read rather than the reverse
        return None
    private, public = bool(said & _PRIVATE_WORDS), bool(said & (w.VISIBILITY - _PRIVATE_WORDS))
    return None if private == public else public


def yes_is_role(name: str) -> str | None:
    """Say what a yes means in a role column: `user` or `assistant`; None if the name does not tell."""
    said = set(w.words(name))
    user, agent = bool(said & (_INCOMING | w.CUSTOMER)), bool(said & (_OUTGOING | w.STAFF))
    return None if user == agent else "user" if user else "assistant"
