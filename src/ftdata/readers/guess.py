"""Guess which column of a ticket export is what, from its name and from its values, and say why.

A guess that is not clear is not made: `Guess.problem` then says which setting decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ftdata.readers import words as w
from ftdata.readers.columns import Column, quoted, study

FIELDS = ("question", "answer", "key", "author", "role", "body", "time", "visibility", "subject")
_CLOSE = 0.08  # two candidates nearer than this cannot be told apart
_LEAST = 0.5


@dataclass(frozen=True)
class Pick:
    """A column chosen for a field: why, and which others came near."""

    column: int
    name: str
    why: tuple[str, ...]
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guess:
    """What each column is. `shape` is `ticket` (a row per ticket), `message` (a row per message) or None."""

    shape: str | None
    picks: Mapping[str, Pick] = field(default_factory=dict)
    gates: tuple[int, ...] = ()
    """Columns that say public or private; a row must pass all of them."""
    internal: tuple[int, ...] = ()
    """Columns that hold internal notes as text: never read, not even into `meta`."""
    problem: str | None = None
    doubt: int | None = None
    """A column that seems to say public or private (a row per message), and says more than is known."""

    def explain(self) -> tuple[str, ...]:
        """Give one line a field: the column, why, and what else came near."""
        lines = []
        for name, pick in self.picks.items():
            other = f"; also possible: {', '.join(map(quoted, pick.alternatives))}" if pick.alternatives else ""
            lines.append(f"{name} = {quoted(pick.name)} ({', '.join(pick.why)}{other})")
        return tuple(lines)


# --- scores: 0 (cannot be) to about 1.2, with the reasons -------------------------------------------------------------

Score = tuple[float, tuple[str, ...]]
_NO: Score = (0.0, ())


def _says(column: Column, *sets: frozenset[str]) -> str:
    hits = [word for word in column.words if any(word in chosen for chosen in sets)]
    return "name: " + " ".join(hits)


def _prose(column: Column) -> str:
    if not column.filled:
        return "no values in the sample"
    return f"{column.free:.0%} free text, {column.mean_words:.0f} words on average"


def _textual(column: Column) -> float:
    """How much the values look like messages: below 0 they cannot be."""
    if not column.filled:
        return 0.0
    if column.times > 0.5 or column.emails > 0.5 or column.numbers > 0.5 or column.yes_no > 0.6:
        return -1.0
    if column.speakers > 0.8 and column.distinct <= 6:
        return -1.0
    if column.prose:
        return 0.2 + min(0.1, column.mean_words / 200)
    return 0.0 if column.distinct > 0.5 * column.filled else -0.3


def _barred(column: Column) -> bool:
    """Whether the name says that this is *about* a text rather than a text (`first response time`, `message id`)."""
    after = [word for word in column.words if word in w.NOT_TEXT or word in w.ID]
    if not after:
        return False
    # "texto da nota", "resposta por e-mail": prose outweighs a weak word.
    return not (column.prose and column.mean_words >= 6)


def _is_internal(column: Column) -> bool:
    return column.has(w.VISIBILITY) and column.yes_no < 0.6 and column.visibilities < 0.6 and not column.has(w.TIME)


def _speech(column: Column, own: frozenset[str], side: frozenset[str], other: frozenset[str]) -> Score:
    """Score a column as the text of one side: by its own words (question, answer), or by message + side."""
    textual = _textual(column)
    if textual < 0 or _barred(column) or _is_internal(column):
        return _NO
    mine, message = column.has(own), column.has(w.TEXT)
    if mine and column.has(side) and not column.has(other):
        score = 0.95
    elif mine and not (column.has(other) and column.has(w.TEXT)):
        score = 0.85
    elif message and column.has(side) and not column.has(other):
        score = 0.9
    elif column.has(side) and column.prose and column.mean_words >= 4 and not column.has(other, w.PERSON):
        score = 0.55
    else:
        return _NO
    reasons = [_says(column, own, side, w.TEXT), _prose(column)]
    if column.words[:1] in (("last",), ("ultima",), ("ultimo",)):
        score -= 0.1
    if column.has(w.SUBJECT) or column.has(frozenset({"short", "breve", "curta", "corta", "brief", "resumida"})):
        score -= 0.3
    if column.has(frozenset({"html", "raw"})):
        score -= 0.05
    return score + textual - (0.25 if column.filled and not column.prose else 0.0), tuple(reasons)


def _question(column: Column) -> Score:
    score = _speech(column, w.ASK - {"topic"}, w.CUSTOMER, w.STAFF | w.REPLY)
    if score == _NO and column.has(w.TEXT) and not column.has(w.REPLY | w.STAFF) and not _barred(column):
        textual = _textual(column)
        if textual > 0 and not _is_internal(column):
            return 0.6 + textual, (_says(column, w.TEXT), _prose(column))
    return score


def _answer(column: Column) -> Score:
    return _speech(column, w.REPLY, w.STAFF, w.ASK - w.CASE | (w.CUSTOMER - {"user"}))


def _body(column: Column) -> Score:
    textual = _textual(column)
    if textual < 0 or _barred(column) or _is_internal(column):
        return _NO
    if column.has(w.TEXT):
        bonus = 0.05 if column.has(frozenset({"plain", "text", "texto", "txt", "clean"})) else 0.0
        bonus -= 0.1 if column.has(frozenset({"html", "raw", "original"})) and len(column.words) > 1 else 0.0
        return 0.85 + textual + bonus, (_says(column, w.TEXT), _prose(column))
    if column.has(w.ASK | w.REPLY) and column.prose:
        return 0.5 + textual, (_says(column, w.ASK, w.REPLY), _prose(column))
    return _NO


def _key(column: Column) -> Score:
    if not column.coded:
        return _NO
    if column.has(w.TEXT) or column.spaced > 0.5 or column.has(w.NOT_TEXT - {"code", "codigo", "number", "id"} - w.ID):
        return _NO
    case, number = column.has(w.CASE), column.has(w.ID)
    if number and not case and "pedido" in column.words:  # Portugal's word for a request, Brazil's for an order
        return 0.6, (_says(column, frozenset({"pedido"}), w.ID),)
    if not case and column.has(w.CUSTOMER | w.STAFF | w.PERSON):
        return _NO
    again = column.filled > 1 and column.distinct < column.filled
    bonus = 0.05 if again else 0.0
    why = [_says(column, w.CASE, w.ID), "values repeat" if again else "each value once"]
    if case and number:
        return 1.0 + bonus, tuple(why)
    if case and len(column.words) <= 3 and not column.has(w.STAFF | w.VISIBILITY | w.ROLE):
        # "Chamado", "Protocolo": a number or a code, not a category.
        coded = column.numbers > 0.5 or column.distinct > 0.2 * column.filled
        return (0.85 + bonus, tuple(why)) if coded and column.filled else _NO
    if number and len(column.words) <= 2 and column.distinct > 0.2 * column.filled:
        return 0.55 + bonus, tuple(why)
    return _NO


_DIRECTION = frozenset({"inbound", "incoming", "entrante", "outbound", "outgoing", "saliente"})


def _role(column: Column) -> Score:
    if column.prose or not column.filled or w.restricts(column.words) or column.has(_AUDIENCE):
        return _NO
    named = column.has(w.ROLE) or (column.has(w.PERSON | w.CUSTOMER | w.STAFF))
    if column.yes_no > 0.9 and (column.has(_DIRECTION) or column.has(w.CUSTOMER | w.STAFF)) and not column.has(w.TIME):
        return 0.9, (_says(column, _DIRECTION, w.CUSTOMER, w.STAFF), "yes or no")
    if column.speakers >= 0.7 and column.distinct <= 20:
        bonus = (0.2 if named else 0.0) + (0.1 if column.both_sides else 0.0)
        bonus -= 0.3 if not column.both_sides and not named else 0.0
        return 0.65 + bonus, (_says(column, w.ROLE, w.PERSON), f"{column.speakers:.0%} role words")
    if column.has(w.ROLE, w.PERSON | w.CUSTOMER | w.STAFF | w.TEXT) and column.distinct <= 8 < 2 * column.filled:
        return 0.5, (_says(column, w.ROLE, w.PERSON), "few different values")
    return _NO


def _author(column: Column) -> Score:
    if column.prose or (column.times > 0.5 and column.numbers < 0.5) or column.yes_no > 0.9 or column.speakers > 0.7:
        return _NO
    if column.has(w.ROLE) and not column.has(w.ID) and not column.has(frozenset({"name", "nome", "nombre"})):
        return _NO
    person = column.has(w.PERSON - {"by", "por"}) or column.words[-1:] in (("by",), ("por",)) or column.words == ("de",)
    if person:
        score = 1.0
    elif column.has(frozenset({"user", "usuario"})):
        score = 0.75
    elif column.has(frozenset({"name", "nome", "nombre"})) and len(column.words) == 1:
        score = 0.6
    else:
        return _NO
    if column.has(w.CASE) or column.has(w.LATER) or column.has(frozenset({"organization", "org", "ip", "agent"})):
        score -= 0.3
    if column.emails > 0.5:
        score -= 0.02
    if column.has(w.ID):
        score += 0.02
    return score, (_says(column, w.PERSON, w.CUSTOMER, w.ID), f"{column.distinct} different values in {column.filled}")


def _time(column: Column) -> Score:
    named = column.has(w.TIME)
    # A column that is called a time is one even if many cells are no date: their rows are flagged, not put in order.
    if column.times < (0.3 if named else 0.7):
        return _NO
    if not named and column.numbers > 0.5:
        return _NO
    score = (0.9 if named else 0.6) + (0.1 if column.has(w.TEXT) else 0.0)
    if column.has(w.LATER):
        score -= 0.3
    if column.has(
        frozenset({"sent", "enviado", "enviada", "envio", "created", "criado", "criada", "creado", "creada", "posted"})
    ):
        score += 0.09
    if column.has(w.CASE) or column.has(
        frozenset({"opened", "aberto", "abertura", "apertura", "birth", "nascimento", "first", "primera"})
    ):
        score -= 0.15
    return score, (_says(column, w.TIME), f"{column.times:.0%} dates")


_AMOUNT = w.word_set("count qtd quantidade cantidad num number total numero qty amount quantity nr qtde")
_OTHER = w.word_set("url link uri name nome nombre email phone profile perfil") | (w.ID - _AMOUNT)


_NOTE = w.word_set("note nota anotacao anotacion notiz")
_AUDIENCE = w.word_set("audience audiencia")
_SEEN = w.word_set("visibility visibilidade visibilidad visibilite sichtbarkeit")
_EVERYONE = w.word_set("everyone everybody all todo public publico publica publique tous alle offentlich")


def _visibility(column: Column) -> Score:
    counted = column.has(_AMOUNT) or column.words[:1] in (("n",), ("no",), ("nro",), ("n0",))
    # "Internal comments" with numbers counts them; "Internal comment" with 0 and 1 says whether this is one.
    several = any(word in w.TEXT and f"{word}s" in w.fold(column.name) for word in column.words)
    if column.numbers > 0.5 and several:
        return _NO
    if counted or (column.prose and column.visibilities < 0.6) or (column.numbers > 0.5 and column.yes_no < 0.95):
        return _NO
    if w.restricts(column.words) and (not column.filled or column.yes_no > 0.6 or column.visibilities > 0.6):
        return 0.95, ("name: " + " ".join(column.words), "yes or no")
    if column.has(w.VISIBILITY) and not column.has(_OTHER):
        if column.yes_no > 0.6 or column.visibilities > 0.6:
            return 1.0, (
                _says(column, w.VISIBILITY),
                "yes or no" if column.yes_no > 0.6 else "public and private words",
            )
        if set(column.words) <= w.VISIBILITY | w.TEXT | {"is", "e", "es", "eh"}:
            return 0.8, (_says(column, w.VISIBILITY),)
    if column.has(_NOTE) and column.yes_no > 0.6:
        return 0.9, (_says(column, _NOTE), "yes or no")
    if column.private and column.public and not column.both_sides and column.distinct <= 20:
        return 0.7, (f"{column.visibilities:.0%} public and private words",)
    # `everyone` and `agents`: who may read, not who speaks.
    if _readers(column) and all(w.visible(label) is not None or _is_staff(label) for label in column.labels):
        return 0.7, ("all or staff only",)
    return _NO


def _is_staff(label: str) -> bool:
    return w.speaker(label) == "assistant"


def _readers(column: Column) -> bool:
    """Whether the values say who may read: everyone, or the staff only."""
    return (
        not _EVERYONE.isdisjoint(column.labels)
        and any(map(_is_staff, column.labels))
        and not any(w.speaker(label) == "user" for label in column.labels)
        and not column.has(w.STAFF)
    )


def _is_mark(column: Column) -> bool:
    """Whether this is called a note and holds 0 and 1: of a message, that it is one; of a ticket, a mark perhaps."""
    return column.has(_NOTE) and not column.has(w.VISIBILITY) and column.numbers >= 0.5


def _is_doubtful(column: Column) -> bool:
    """Whether a column that is no gate may tell public from private all the same."""
    if not column.labels or column.prose or column.times > 0.5 or _visibility(column)[0] >= _LEAST:
        return False
    if any(w.visible(label) is False and not _is_staff(label) for label in column.labels) or _readers(column):
        return True
    if column.has(_AUDIENCE):
        return any(w.visible(label) is not None or w.speaker(label) for label in column.labels)
    if column.has(_AMOUNT) or any(f"{word}s" in w.fold(column.name) for word in column.words if word in w.TEXT):
        return False
    own = column.has(w.VISIBILITY) and set(column.words) <= w.VISIBILITY | {"is", "e", "es"}
    return own or w.restricts(column.words) or column.has(_SEEN)


def _subject(column: Column) -> Score:
    if column.times > 0.5 or column.emails > 0.5 or column.numbers > 0.5 or column.has(w.ID):
        return _NO
    brief = frozenset({"short", "breve", "curta", "corta", "brief", "resumida"})
    if column.has(brief, w.ASK):
        return 0.8, (_says(column, brief, w.ASK), f"{column.mean_words:.0f} words on average")
    if column.has(w.SUBJECT) and not column.has(w.STAFF) and not column.has(frozenset({"resolution", "job"})):
        short = 0.2 if column.mean_words <= 15 else 0.0
        return 0.7 + short, (_says(column, w.SUBJECT), f"{column.mean_words:.0f} words on average")
    return _NO


_SCORES = {
    "question": _question,
    "answer": _answer,
    "key": _key,
    "author": _author,
    "role": _role,
    "body": _body,
    "time": _time,
    "visibility": _visibility,
    "subject": _subject,
}


# --- the decision -----------------------------------------------------------------------------------------------------


def guess(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    given: Mapping[str, int] | None = None,
    shape: str | None = None,
    forced: Sequence[int] = (),
) -> Guess:
    """Guess the columns. `given` maps fields to column numbers (from 0) that are settled; `shape` settles the shape;
    `forced` are columns that are known to say public or private."""
    columns = study(header, rows)
    named = [column.name for column in columns]
    given = dict(given or {})
    taken = set(given.values())
    ranked: dict[str, list[tuple[float, Column, tuple[str, ...]]]] = {}
    for name, score in _SCORES.items():
        scored = [(*score(column), column) for column in columns if column.index not in taken]
        found = [(value, column, why) for value, why, column in scored if value >= _LEAST]
        ranked[name] = sorted(found, key=lambda one: (-one[0], one[1].index))
    gates = tuple(column.index for _, column, _ in ranked["visibility"])
    if "visibility" in given:
        gates = (given["visibility"],)
    gates = tuple(dict.fromkeys((*gates, *(i for i in forced if i not in taken))))
    internal = tuple(c.index for c in columns if c.index not in taken and _is_internal(c) and c.prose)
    shape = shape or _shape(ranked, given, columns)
    if shape is None:
        return Guess(None, {}, gates, internal)
    if shape == "ticket":
        gates = tuple(i for i in gates if i == given.get("visibility") or i in forced or not _is_mark(columns[i]))
    picks, problem = _choose(shape, ranked, given, named, gates)
    told = {pick.column for name, pick in picks.items() if name in ("role", "author", "key", "body")} | set(internal)
    doubts = [c.index for c in columns if c.index not in told | taken and _is_doubtful(c)]
    doubt = doubts[0] if doubts and shape == "message" and not gates else None
    return Guess(shape, picks, gates, internal, problem, doubt)


def _shape(
    ranked: Mapping[str, list[tuple[float, Column, tuple[str, ...]]]], given: Mapping[str, int], columns: list[Column]
) -> str | None:
    if "question" in given or "answer" in given:
        return "ticket"
    if "body" in given or "role" in given:
        return "message"

    def top(name: str) -> float:
        return ranked[name][0][0] if ranked[name] else 0.0

    keys = [column for _, column, _ in ranked["key"]]
    if "key" in given:
        keys.insert(0, columns[given["key"]])
    repeats = bool(keys) and keys[0].filled > 1 and keys[0].distinct < keys[0].filled
    speaking = top("role") >= 0.65 or "author" in given or top("author") >= 0.7
    pair = _pair(ranked)
    if pair and not (repeats and speaking and top("body") > 0.9):
        return "ticket"
    if top("body") and keys and (speaking or repeats):
        return "message"
    return None


def _pair(ranked: Mapping[str, list[tuple[float, Column, tuple[str, ...]]]]) -> bool:
    return any(q.index != a.index for _, q, _ in ranked["question"] for _, a, _ in ranked["answer"])


def _choose(
    shape: str,
    ranked: Mapping[str, list[tuple[float, Column, tuple[str, ...]]]],
    given: Mapping[str, int],
    named: Sequence[str],
    gates: tuple[int, ...],
) -> tuple[dict[str, Pick], str | None]:
    needed = ("answer", "question") if shape == "ticket" else ("role", "body", "key", "author", "time")
    used = set(given.values()) | set(gates)
    picks = {name: Pick(index, named[index], ("given",)) for name, index in given.items()}
    problem = None
    for name in (*needed, *(("key",) if shape == "ticket" else ()), "subject"):
        if name in picks:
            continue
        found = [one for one in ranked[name] if one[1].index not in used]
        if not found:
            continue
        score, column, why = found[0]
        near = [other for other in found[1:] if score - other[0] < 0.2]
        tied = [other for other in near if score - other[0] < _CLOSE]
        if tied and name in ("question", "answer", "body", "role") and problem is None:
            several = ", ".join(quoted(one.name) for _, one, _ in [found[0], *tied])
            problem = (
                f"{len(tied) + 1} columns could be the {name}: {several}; say which: {name} = {quoted(column.name)}"
            )
        picks[name] = Pick(column.index, column.name, why, tuple(other.name for _, other, _ in near))
        used.add(column.index)
    if gates and "visibility" not in picks:
        why = next((one[2] for one in ranked["visibility"] if one[1].index == gates[0]), ("known export",))
        picks["visibility"] = Pick(gates[0], named[gates[0]], why, tuple(named[i] for i in gates[1:]))
    return {name: picks[name] for name in FIELDS if name in picks}, problem
