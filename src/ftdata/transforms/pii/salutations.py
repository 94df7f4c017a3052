"""Greetings, signatures and introductions, in English, Portuguese, Spanish, German, French, Italian: whom they name.

One pattern for each, written so that Rust's engine (which finds the texts) and Python's (which takes the name out of
the few that match) read it alike. Precision first: a name is capitalised, and something must end it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from ftdata.transforms.pii.name_words import NOBODY, PARTICLES, TITLES, WORDS, fold

_UP, _LETTER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪĮİĶĻŁŃŅŇŌŐŘŚŞŠŢŤŪŮŰŲŹŻŽ", "A-Za-zÀ-ÖØ-öø-ÿĀ-ž"
_W = rf"[{_UP}](?:[{_LETTER}]{{1,24}}|['’][{_UP}][{_LETTER}]{{1,24}})(?:[-'’][{_UP}][{_LETTER}]{{1,24}})?"
_SMALL = r"(?:d[aeo]s?|del|della|di|du|la|van|von|der|den|de la|e|y) "
_TITLE = (
    r"(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Dra|Sr|Sra|Srta|Prof|Profa|Mme|Mlle|Sig)\.?|Dona|Doña|Herr|Frau|Monsieur|Madame"
    r"|Signora?|Señora?|Senhora?|Doutora?|Don|Seu|(?:Lic|Licda|Ing|Arq|Abg|Eng|Adv|Ma)\.) "
)
# In small letters only those that nothing but a name follows: `la señora Teresa`, not `seu Boleto`.
_SPOKEN = r"(?:se[ñn]or(?:a|ita)?|senhor(?:a|ita)?|sra?\.|srta\.|mrs?\.|do[ñn]a) "
_NAME = rf"{_W}(?: {_SMALL}{_W}| {_W}| [{_UP}]\.){{0,4}}"
_FULL = rf"{_W}(?: {_SMALL}{_W}| {_W}| [{_UP}]\.){{1,4}}"
_START = r"(?m:^)[> \t\"*_¡¿]{0,4}"
_END = r"[ \t]*(?:[,.!;|)*]|[-–—:]|(?m:$)|\r?\n)"

_GREET = (
    r"(?i:hi|hello|hey|hiya|greetings|dear|good (?:morning|afternoon|evening|day)|ol[áa]|oi|oie|opa|bom dia|boa tarde"
    r"|boa noite|prezad[oa]|car[oa]|querid[oa]|hola|buenos d[ií]as|buen d[ií]a|buenas(?: tardes| noches)?|estimad[oa]"
    r"|hallo|guten (?:tag|morgen|abend)|moin|servus|lieber?|sehr geehrter?|bonjour|bonsoir|ch[eè]re?|salut|ciao"
    r"|buongiorno|buonasera|gentile|salve)(?: (?i:dear|there|again|de novo|novamente))?,? "
)
_THANK = (
    r"(?i:thanks|thank you|thank you so much|thanks a lot|thx|"
    r"(?:muito )?obrigad[oa]|valeu|(?:muchas )?gracias|merci|grazie),? "
)
_CLOSE = (
    r"(?i:(?:best|kind|kindest|warm|warmest|many) (?:regards|wishes|thanks)|regards|best|sincerely|yours (?:sincerely"
    r"|truly|faithfully)|sincerely yours|cheers|thanks|thanks again|thank you|thanks in advance|all the best|take care"
    r"|respectfully|cordially|att\.?|atenciosamente|atte\.?|cordialmente|abra[çc]os?|abs|um abra[çc]o"
    r"|(?:un )?abrazos?|besos?|beijos?|bjs|obrigad[oa]"
    r"|muito obrigad[oa]|desde j[áa] obrigad[oa]|grat[oa]|sauda[çc][õo]es|cumprimentos|com os melhores cumprimentos"
    r"|saludos|saludos cordiales|un saludo|un cordial saludo|cordiales saludos|atentamente|gracias|muchas gracias"
    r"|mit freundlichen gr(?:ü|ue)(?:ß|ss)en|(?:viele|liebe|beste|herzliche) gr(?:ü|ue)(?:ß|ss)e|mfg|vg|lg|gru(?:ß|ss)"
    r"|cordialement|bien (?:à vous|cordialement)|sinc[èe]rement|cordiali saluti|distinti saluti|saluti)"
)
_SELF = (
    r"(?i:my (?:full |first |last )?name(?:'s|’s| is)|this is|i am called|they call me|you can call me"
    r"|(?:o )?meu nome(?: completo)? [ée]|me chamo|aqui (?:[ée]|quem fala [ée]) (?:o |a )?|quem fala [ée] (?:o |a )?"
    r"|sou (?:o|a)|(?:mi|el) nombre(?: completo)? es|me llamo|le (?:habla|atiende|saluda)|te (?:habla|atiende|saluda)"
    r"|ich hei(?:ß|ss)e|mein name ist|hier spricht|je m['’]appelle|mi chiamo|il mio nome è)[:,]? ?"
)
_GOES_ON = r" (?i:from|here|speaking|with|and|at|da|do|de|e|del|y|aus|dal|und|et|i|my|eu)(?:[^{letter}]|$)".replace(
    "{letter}", _LETTER
)
_WEAK = rf"(?:[,.!;)]|(?m:$)|\r?\n|{_GOES_ON})"
_BYE = (
    r"(?i:(?:(?:best|kind|kindest|warm|warmest) )?regards|att|atenciosamente|um abra[çc]o|abra[çc]os?|abs|beijos?|bjs"
    r"|cumprimentos|(?:un )?(?:cordial )?saludo|saludos(?: cordiales)?|(?:un )?abrazo|besos?|cordialement|mfg"
    r"|viele gr(?:ü|ue)(?:ß|ss)e)"
)
_FOR = r"(?i:a nombre de|em nome de|in the name of|under the name(?: of)?|au nom de|auf den namen|a nome di|titular)"
_HEADER = r"(?m:^)[> \t*_]{0,4}(?i:from|to|cc|de|para|von|an|da|a|à)[*_]?: ?"
_TOLD = (
    r"(?i:my (?:full )?name is|meu nome(?: completo)? (?:é|e|eh)|me chamo|mi nombre(?: completo)? es|me llamo"
    r"|ich hei(?:ß|ss)e|mein name ist|je m['’]appelle|mi chiamo|il mio nome è)"
)
_THEN = r" (?i:from|here|and|e|y|und|et|aqui|quero|quiero|preciso|necesito|i)(?: |$)"
_ONE = r"[a-zß-öø-ÿ]{3,20}"
_LOW = rf"{_ONE}(?: {_ONE}| d[aeo]){{0,4}}?"
# What is said of a name instead of the name: `my name is wrong`.
_OTHERWISE = frozenset(
    fold(word)
    for word in (
        "not wrong misspelled misspelt incorrect incorrectly spelled spelt still listed being missing different under "
        "mal esta está errado errada incorrecto incorrecta incorreto com sem con sin igual diferente outro otro muito "
        "muy pas nicht falsch sbagliato same correct correto correcto changed bye tchau adios aguardo espero urgente "
        "asap sent enviado irrelevant unimportant legion complicado dificil comum difficult hard assim asi"
    ).split()
)
_LABEL = (
    r"(?i:(?:full |first |last |my |your |customer |client |contact |account holder |agent )?name|nome(?: completo"
    r"| do (?:cliente|titular|comprador))?|nombre(?: completo| del cliente)?|nom|vorname|nachname|titular|solicitante"
    r"|requester|atendente|cognome)[ \t]?[:=][ \t]?"
)

_SHAPES: tuple[str, ...] = (
    rf"{_START}{_GREET}(?:{_TITLE}){{0,2}}({_NAME}){_END}",
    rf"{_START}{_GREET}(?:{_TITLE}){{0,2}}({_W}) (?:I|I['’]m|thanks?|how|hope|tudo|como|gracias|aqui)[^{_LETTER}]",
    rf"(?:^|[\n.!?] ?){_THANK}(?:{_TITLE})?({_NAME})(?:[.!,]|(?m:$)|\r?\n)",
    rf"{_START}{_CLOSE}[ \t]?[,.!:\-–—]{{0,2}}[ \t]*\r?\n[ \t\r\n]{{0,4}}"
    rf"(?:[-–—~*_]{{0,2}} ?(?:{_TITLE})?({_NAME}){_END}|({_ONE})[. \t\r\n]*$)",
    rf"(?:{_START}{_CLOSE}|[.!?…] {_BYE})[ \t]?[,.\-–—][ \t]*[-–—]?(?:{_TITLE})?({_NAME})"
    r"[.! \t]*(?:[^\w.!,;:?\s]{1,4}[ \t]*)?(?:(?m:$)|\r?\n)"
    rf"|[.!?)] ?[–—-]{{1,2}} ?({_W})[. \t]*$",
    rf"(?:^|[^{_LETTER}])(?:{_SELF}(?:{_TITLE})?({_NAME}){_WEAK}|{_TOLD} ({_LOW})(?:[,.!;)\n]|(?m:$)|{_THEN}))",
    rf"(?:^|[^{_LETTER}.])(?:{_TITLE}|{_SPOKEN})({_NAME})",
    rf"{_START}[-*• ]{{0,3}}{_LABEL}(?:{_TITLE})?({_NAME})[ \t]*(?:(?m:$)|\r?\n|[,;|])"
    rf"|{_FOR}[: ] ?(?:{_TITLE})?({_FULL})"
    rf"|(?:{_HEADER}\"?({_NAME})|(?:[AP]M )?({_FULL}))[\"']? ?<(?:mailto:)?(?:[^<>\s@]{{1,64}}@|\[EMAIL_)",
)
"""Each names somebody in its last group; in small letters the second group of some."""
_SMALL_IN = (3, 5)
_PATTERNS = tuple(re.compile(shape) for shape in _SHAPES)
CAPITAL = rf"(?:^|[^.!?\s] )[{_UP}][{_LETTER}]|(?m:^)[{_UP}][{_LETTER}]+ [{_UP}]"
"""What a text holds in which somebody may be named: a capital where no sentence begins, or two words with capitals."""


def found(texts: pl.Series) -> Iterator[tuple[int, list[list[str]]]]:
    """Give the texts in which somebody is greeted, signs or tells the name, and the names as lists of words."""
    text = pl.col("text")
    marks = (
        texts.rename("text")
        .to_frame()
        .select(text.str.contains(shape).alias(str(at)) for at, shape in enumerate(_SHAPES))
    )
    where = marks.select(pl.any_horizontal(pl.all())).to_series().arg_true()
    which = marks[where.to_list()].rows() if len(where) else []
    for at, held, mine in zip(where.to_list(), texts.gather(where).to_list(), which, strict=True):
        names = [
            name
            for place, (pattern, marked) in enumerate(zip(_PATTERNS, mine, strict=True))
            if marked
            for match in pattern.finditer(held)
            if (name := _named(match, place))
        ]
        if names:
            yield at, names


def _named(match: re.Match[str], place: int) -> list[str]:
    name = match[match.lastindex or 1]
    return _raised(name) if match.lastindex == 2 and place in _SMALL_IN else _words(name)


def _words(name: str) -> list[str]:
    """Give the words of a name, without titles before and small words behind."""
    words = name.replace(".", "").split(" ")
    while words and fold(words[0]) in TITLES:
        words.pop(0)
    while words and (fold(words[-1]) in PARTICLES or len(words[-1]) < 2):
        words.pop()
    return words


def _raised(name: str) -> list[str]:
    """Give the words of a name in small letters with capitals; none if they say something else."""
    words = name.split(" ")
    if any((low := fold(word)) in _OTHERWISE or low in NOBODY for word in words) or fold(words[-1]) in PARTICLES:
        return []
    return words if len(words) == 1 and fold(name) in WORDS else [word.capitalize() for word in words]


_KEY = re.compile(
    r"(?i)^(?:(?:first|last|full|given|family|sur|middle|display|customer|client|user|contact|agent|requester|recipient"
    r"|sender|holder|cardholder|buyer|guest|patient|employee|account[_\- ]?holder)[_\- ]?name|surname"
    r"|nome[_\- ]?completo"
    r"|nome|sobrenome|nombre|nombres|apellidos?|nombre[_\- ]?completo|nome[_\- ]?(?:do[_\- ]?)?cliente|vorname|nachname"
    r"|pr[eé]nom|cognome|titular)$"
)


def under_keys(keys: Sequence[str | None]) -> list[int]:
    """Give the texts that stand under the key of a JSON object which says that they name somebody."""
    telling = {key: _KEY.match(key) is not None for key in set(keys) if key is not None}
    return [at for at, key in enumerate(keys) if key is not None and telling[key]]
