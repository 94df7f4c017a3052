"""Words near a number that tell what it is: a phone, a document, or something that only looks like one.

English, Portuguese, Spanish, French, German and Italian. A word is looked up without case and accents, `R.G.` without
its full stops. What decides is the nearest word that means anything. The words are in `words`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

from ftdata.transforms.pii.words import ENDS, NUMBERED, STEMS, WORDS


@cache
def _kind(word: str) -> str:
    """Give the kind of a word: as it stands in the table, or by its beginning or end."""
    if (kind := _kinds().get(word)) is not None:
        return kind
    for size in range(9, 3, -1):
        if len(word) >= size and (kind := STEMS.get(word[:size])) is not None:
            return kind
    if word.endswith(ENDS) and not word.endswith(("microfone", "microphone", "xilofone")):
        return "label"
    return "other" if len(word) > 5 and word.endswith(NUMBERED) else ""


_WHOSE = frozenset(
    "my your his her hers our their this new meu minha seu sua dele dela nosso novo mi tu su nuestro nuevo este mon "
    "ton votre notre son nouveau mein meine meiner meinen ihre ihr unsere deine mio tuo suo nostro il le".split()
)
_LINKS = frozenset(
    "is are was it its number numbers num no nr n numero nummer me at on to my your his her our us him them the a o os "
    "as e es eh ist lautet est sera unter sous ao aos au aux al el il lo le la les los las de do da das del du of new "
    "novo nova nuevo home work office contact contato contacto para for pra pelo pela por via by com con with avec mit "
    "or ou oder y and und et em en in im am c i s um uno un one meu minha mi su seu mein meine mon mio now esse este "
    "that this please favor moi mich mir uns sie bitte dele dela if se si op naar an residencial comercial "
    "trabalho casa pessoal personal "
    "that which from desde from depuis que che qui die which works best better is've just now uso usar "
    "use using tengo tenho tem anota anote "
    "note nota ecco voici hier aqui aca here segue sigue mejor melhor best ahora agora jetzt adesso maintenant antiguo "
    "actualizado should be debe ser deve changed cambio mudou listed file to under fila anterior whose "
    "wife husband mother father son daughter brother sister friend esposa marido esposo mulher mae pai "
    "filho filha irmao "
    "irma amigo amiga mujer madre padre hijo hija hermano hermana mari femme mere pere frere soeur fils "
    "fille frau mann "
    "mutter vater moglie marito madre padre figlio figlia vrouw man adicional extra otro outro other autre altro "
    "particular direct direto direkt private privat principal atual actual cliente client customer".split()
)
_WORD = re.compile(r"((?:[^\W\d_]\.){2,}|ipv[46]|[^\W\d_]+)(?:['’]s(?![^\W\d_]))?")
_NUMBER = re.compile(r"[0-9](?:[ .\-–/()]{0,2}[0-9]){5,}|\[[A-Z]+(?:_[A-Z]+)*_[0-9]+\]")
_ALIKE = re.compile(
    r"[ ,;/|]*(?:ou|or|oder|o|y|e|and|und|et)?[ ,;/|]*(?:(?:but )?(?:agora|now|ahora|jetzt|maintenant|adesso)"
    r"(?: (?:é|eh|e|es|is|it['’]s|ist|est))?(?: (?:o|el|the))?)?[ ,:;/|(+]*",
    re.I,
)
_NEXT_ONES = re.compile(r"[,;|·][^,;|·()]*[^\W\d_][.:]? ?\+?$")
_LINE_ENDED = re.compile(r".*[.!?…] *\n", re.S)
_WHEN = frozenset(
    "when date day time quando data dia hora cuando fecha wann datum quand jour heure amount much".split()
)
_JOINED = frozenset("ou or oder o u e y and und et oppure".split())
_SAYS_NOTHING = frozenset(("", "other", "version", "unit", "answer", "add"))
_BEHIND = ("label", "answer")
_REACH_BACK, _REACH_ON = 80, 30


_OF = frozenset("of do da dos das de del des du della dello der dem den vom von van het".split())
_OWNERS = frozenset(
    "imei serial serie seriennummer iccid modelo model modele modell puk pin pedido order orden protocolo protocol "
    "ticket chamado codigo code id referencia reference ref nota fatura factura invoice contrato".split()
)
_LETTER = re.compile(
    r"(?:^|[^\w.])(?:[PTMFCWH]|[ptmfcwh](?=\s?:))\s?[.:]\s{0,2}$|(?:^|[\n|·])\s?[TMPF]\s$|\b06[ -]?nummer(?: is)?:?\s$"
)
"""One letter before a number, as in a signature (`T: …`, `M. …`, `T …`), and the Dutch word for a mobile's."""
_ON = frozenset("on in for at em no na en para auf im für fur dans sur pour".split())
_ARTICLES = frozenset("the a o os as el la le il lo die das der den dem una un une this your their".split())
_DRIVES = frozenset("driver drivers driving conducir conduccion conducao conduzir motorista condutor conduire".split())
# Words that say something only beside one of these.
_ONLY: dict[str, frozenset[str]] = {
    "social": frozenset(
        "security seguridad seguranca securite number numero no my your his her meu minha mi su".split()
    ),
    "cidadao": frozenset(("cartao", "cc")),
    "insurance": frozenset(("national", "ni")),
    "btw": frozenset(("nummer", "nr", "id")),
    "ust": frozenset(("id", "idnr", "nr", "umsatzsteuer")),
    "uid": frozenset(("nr", "vat", "mwst")),
    "fuhrerschein": frozenset(("nummer", "nr", "mein")),
}
_APART = re.compile(r"[;\n.!][^\w]*$")
_NEXT = re.compile(r"[.!?;](?: |$)|\n")


class Said(NamedTuple):
    """What the nearest telling word says: its kind (empty: nothing does), and how near it stands."""

    kind: str
    between: int
    """Words between the two; 0 also for a word that comes after."""
    linked: bool
    """Whether only small words (is, at, my …) stand between."""

    @property
    def close(self) -> bool:
        """Whether the word speaks of the number itself, not of something else in the sentence."""
        return self.linked or self.between < 4


@cache
def _kinds() -> dict[str, str]:
    return {word: kind for kind, words in WORDS.items() for word in words.split()}


def _accents() -> dict[int, str]:
    letters = "áàâãäåéèêëíìîïóòôõöúùûüñçýºª"
    return {ord(char): unicodedata.normalize("NFKD", char)[0] for char in letters}


_ACCENTS = _accents()


def _fold(piece: str) -> list[str]:
    return [word.replace(".", "") for word in _WORD.findall(piece.casefold().translate(_ACCENTS))]


def _words_before(piece: str, cut: bool) -> list[str]:
    if (ended := _LINE_ENDED.match(piece)) and not _asks(ended.group()):
        cut, piece = False, piece[ended.end() :]
    for number in reversed(list(_NUMBER.finditer(piece))):
        if not _ALIKE.fullmatch(piece, number.end()):
            cut, piece = False, piece[number.end() :]
            break
        piece = piece[: number.start()]
    words = _fold(piece)
    if cut:
        del words[:1]
    return words[::-1]


def _asks(sentences: str) -> bool:
    """Say whether the last sentence asks for a phone: what stands on the line below is the answer."""
    if sentences.rstrip()[-1:] != "?":
        return False
    return any(_kind(word) == "label" for word in _fold(re.split("[.!?]", sentences.rstrip()[:-1])[-1]))


def asks(question: str) -> bool:
    """Say whether a question asks for a phone or a document, and for that alone: not for `order or phone`."""
    words = _fold(question)
    kinds = {_kind(word) for word in words}
    if "other" in kinds and bool(kinds & {"label", "call"}) and not _JOINED.isdisjoint(words):
        return False
    if not _WHEN.isdisjoint(words):
        return False
    return not kinds <= _SAYS_NOTHING


def said(text: str, start: int, end: int) -> Said:
    """Say what a number is by the words before it, or by a phone word or a unit right behind it (`… is my mobile`).

    Looked at are 80 characters before and 30 behind on the same line. Another number (or the placeholder of one) takes
    the words before it for itself, unless the two make a list; a sentence that ends its line says nothing of the next.
    """
    begin = max(0, start - _REACH_BACK)
    cut = begin > 0 and text[begin].isalpha() and text[begin - 1].isalpha()
    return _said(text[begin:start], cut, text[end : end + _REACH_ON])


@lru_cache(8192)
def _said(before: str, cut: bool, behind: str) -> Said:
    follows, *another = _NUMBER.split(behind, maxsplit=1)
    if another and (own := _NEXT_ONES.search(follows)):
        follows = follows[: own.start()]  # 8871234, Tel. 0176 555123: the word is the next number's
    after = _fold(_NEXT.split(follows, maxsplit=1)[0])[:5]
    counted = bool(after) and _kind(after[0]) == "unit"
    words = _words_before(before, cut)
    linked = True
    apart, listed = _APART.search(before) is not None, before.rstrip().endswith((",", "|", "·"))
    for place, word in enumerate(words):
        kind = _meant(_kind(word), words, place)
        if kind == "other" and place and _owned(words, place):
            continue
        if kind in ("label", "call") and word != "area" and (owner := _owner(words, place)):
            return Said(owner, place, linked)
        if kind and kind not in ("unit", "answer") and (linked or not counted):
            if (kind == "call" and apart) or (kind == "other" and (apart or listed) and not place):
                return Said(kind, place + 4, False)
            return Said(kind, place, linked)
        linked = linked and word in _LINKS
    if counted:
        return Said("unit", 0, True)
    if _LETTER.search(before) is not None:
        return Said("call", 0, True)
    numbered = bool(words) and _kind(words[0]) == "number"  # the number 9123 4567 keeps calling me
    for place, word in enumerate(after):
        kind = _meant(_kind(word), after, place)
        if (kind in _BEHIND and place < 4) or (kind == "call" and (numbered or word in ("number", "numero"))):
            return Said("call", 0, True)
    return Said("", 0, False)


def _meant(kind: str, words: list[str], place: int) -> str:
    """Give what a word means among its neighbours: `number` is a phone beside `my`, `add` a call behind `me`."""
    if kind == "number":
        return "" if _WHOSE.isdisjoint(words[max(0, place - 1) : place + 2]) else "call"
    if words[place] == "fiscal" and words[place + 1 : place + 2] in (["nota"], ["cupom"], ["notas"]):
        return "other"
    if words[place] == "free" and words[place + 1 : place + 2] == ["toll"]:
        return "label"
    if words[place] == "area" and {"codigo", "code"} & set(words[place + 1 : place + 3]):
        return "label"
    if kind == "license" or words[place] in _ONLY:
        around = words[max(0, place - 3) : place + 4]
        if _ONLY.get(words[place], _DRIVES).isdisjoint(around):
            return "other" if kind == "license" else ""
    if words[place] in ("cc", "ci") and place:
        return ""
    if kind == "add":
        return "call" if place and words[place - 1] in ("me", "us") else ""
    return kind


def _owned(words: list[str], place: int) -> bool:
    """Say whether a word only says whose the phone is: the phone on my account, … (never right before the number)."""
    at = place + 1
    while at < min(len(words), place + 4) and (words[at] in _WHOSE or words[at] in _ARTICLES):
        at += 1
    on = at < len(words) and (words[at] in _ON or words[at] in _OF)
    return on and at + 1 < len(words) and _kind(words[at + 1]) == "label"


def _owner(words: list[str], place: int) -> str:
    """Give the kind of what belongs to a phone or a call: the IMEI of the phone, the protocol of the call."""
    at = place + 1
    while at < min(len(words), place + 4) and (words[at] in _OF or words[at] in _LINKS):
        at += 1
    if _OF.isdisjoint(words[place + 1 : at]):
        return ""
    kind = _kind(words[at]) if at < len(words) else ""
    return kind if kind == "other" and words[at] in _OWNERS else ""
