"""Passwords, tokens and codes that somebody states: `senha: …`, `api_key = …`, `your code is 123456`; and known keys.

The shapes of keys are in `shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ftdata.transforms.pii.addresses import is_template
from ftdata.transforms.pii.rule import Hit, Rule
from ftdata.transforms.pii.shapes import SHAPES, Check

__all__ = ["SECRETS", "SHAPES", "SIGN_GATE", "keyed"]

_PASSWORD = (
    r"passw(?:or)?[dt]|passphrase|passcode|pwd|senha|contrase[ñn]a|clave|palavra-passe|mot de passe|kennwort|wachtwoord"
)
_TOKEN = (
    r"(?:api|access|auth|secret|private|client|encryption|signing|account|consumer|refresh|session|bot)"
    r"[_\- ]?(?:access[_\- ]?)?(?:key|token|secret)|apikey|token|secret"
    r"|(?:chave|clave|token)[_\- ](?:de |da |del? )?(?:api|acesso|acceso)"
)
_SIGN = r"\\?[\"'\]]?\s{0,3}(?:=>|:=|[:=>→])\s{0,3}"
_VERB = r"(?: [a-zà-ú]{1,12}){0,4}(?: (?:is|was|é|es|era|est|ist|lautet):?|:) "
PASSWORD = rf"(?i)(?:{_PASSWORD})(?:{_SIGN})[^\s]"
STATED = rf"(?i)(?:(?:{_PASSWORD})(?:{_VERB}| )|pass (?:es|é|is):? )[^\s0-9]{{0,40}}[0-9]"
TOKEN = rf"(?i)(?:{_TOKEN})(?:{_SIGN})[^\s]"
PASSWORD_GATE = (
    r"(?i)(?:pass|pwd|senha|contrase|clave|kennw|wachtw)"  # fewer and shorter words: a quarter cheaper than the hint
)
PASSWORD_HINT = (
    r"(?i)passw|pass (?:es|é|is)|passphrase|passcode|pwd|senha|contrase|clave|-passe|de passe|kennwort|wachtwoord"
)
SIGN_GATE = "[:=→]"  # three times cheaper than the hint
TOKEN_HINT = r"(?i)(?:token|secret|key|acesso|acceso|api)[\"'\]\\]{0,2}\s{0,3}[:=→]"
OPTION = r"--(?:password|passwd|pass|token|api-key|secret)[ =][^\s]"

_VALUE = re.compile(r"\\?\"([^\"\n\\]{1,128})\\?\"|\\?'([^'\n\\]{1,128})\\?'|`([^`\n]{1,128})`|([^\s\"'<>`]{1,100})")
_NOT_SECRET = re.compile(
    r"(?i)\[[A-Z]+(?:_[A-Z]+)*_[0-9]+\].*"  # a placeholder of ours
    r"|https?:.*|www\..*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # a link, an address
    r"|[0-9]{1,4}[-/.][0-9]{1,2}(?:[-/.][0-9]{2,4})?(?:T.*)?|[0-9]{1,2}[:h][0-9]{2}.*"  # a date, a time
    r"|(?:R?\$|€|£)[0-9.,]*|[0-9]+(?:[.,][0-9]+)*%?"  # money, a plain number: judged apart
    r"|[0-9]{1,2}-?[a-zà-ú]+"  # 6-digit, 8characters
    r"|[\w.]+\(.*|[\[{<].*|[\w.]*(?:env|config|settings)\..*"  # code
    r"|string|password|passwd|senha|secret|token|null|none|true|false|undefined|required|optional|hidden|redacted"
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_NEXT_SETTING = re.compile(r";(?:[A-Za-z][\w ]*=|[A-Z][a-z]+$).*")  # of a connection string
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT_OR_SIGN = re.compile(r"\d|[@#$%&*!?+=^~](?!$)")


def _strong(value: str, quoted: bool, least: int) -> bool:
    """Say whether a value looks chosen, not written: digits or signs among letters, capitals inside, or quotes."""
    if len(value) < least or is_template(value) or _VARIABLE.fullmatch(value):
        return False
    if _LETTER.search(value) and _DIGIT_OR_SIGN.search(value):
        return True
    return (quoted and " " not in value) or (len(value) >= 8 and re.search("[a-z][A-Z]", value) is not None)


def _stated(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept `the password is abc123`, `senha do portal: abc123`: six characters at least, letters and digits."""
    found = _VALUE.match(text, text.rindex(" ", start, end) + 1, min(len(text), end + 80))
    if found is None:
        return
    begin = found.start(found.lastindex or 0)
    value = found.group(found.lastindex or 0).rstrip(".,;:)]}|\\")
    if len(value) >= 6 and _DIGIT.search(value) and not _NOT_SECRET.fullmatch(value) and _strong(value, False, 6):
        yield Hit(begin, begin + len(value), value)


def _assigned(least: int, numbers: bool) -> Check:
    def check(text: str, start: int, end: int) -> Iterator[Hit]:
        if start and text[start - 1].islower() and text[start].islower() and text[start] != "p":
            return  # the end of another word: autoclave
        found = _VALUE.match(text, end - 1, min(len(text), end + 130))
        if found is None:
            return
        group = found.lastindex or 0
        value, begin = found.group(group), found.start(group)
        if group == 4:
            if start and text[start - 1] in "?&":
                value = value.partition("&")[0]
            value = _NEXT_SETTING.sub("", value).rstrip(".,;:)]}|\\")
        if _NOT_SECRET.fullmatch(value):
            if not (numbers and value.isascii() and value.isdigit() and 4 <= len(value) <= 20):
                return
        elif not _strong(value, group < 4 and numbers, least):
            return
        yield Hit(begin, begin + len(value), value)

    return check


CODE = (
    (
        r"(?i)(?:(?:verification|security|confirmation|login|sms|2fa|mfa|one[- ]time|authentication) "
        r"(?:code|passcode|pin)"
        r"|one[- ]time password|otp|c[oó]digo (?:de )?(?:verifica[cç][aãi][oó]n?|confirma[cç][aãi][oó]n?"
        r"|seguran[cç]a|seguridad|acesso|acceso|sms)"
        r"|code de (?:v[eé]rification|confirmation|s[eé]curit[eé])|(?:best[aä]tigungs|sicherheits)code"
        r"|codice di (?:verifica|sicurezza)"
        r"|cvv2?|cvc2?|(?:my|your|meu|seu|mi|tu|su) pin"
    )
    + r")(?:[ ]{0,2}(?:is|was|é|es|est|ist|era|:|=|#|-|n[ºo°]\.?|do cart[aã]o|de la tarjeta)){0,3}"
    r"[ ]{0,2}(?:G-)?[0-9]{3,4}[ \-]?[0-9]{0,4}"
)
CODE_HINT = (
    r"(?i)(?:code|passcode|password|pin|otp|verifica[cç][aãi][oó]n?|confirma[cç][aãi][oó]n?|seguran[cç]a"
    r"|seguridad|acesso|acceso|sms"
    r"|v[eé]rification|confirmation|s[eé]curit[eé]|verifica|sicurezza|cvv2?|cvc2?|cart[aã]o"
    r"|tarjeta)[^0-9a-z]{0,4}(?:is|was|é|es|est|ist|era|n[ºo°]\.?)?[^0-9a-z]{0,4}(?:G-)?[0-9]{3}"
)
CODE_GATE = r"(?i)code|c[oó]dig|codice|otp|cvv|cvc|one[- ]time| pin"
_CODE = re.compile(r"[0-9]{3,4}[ \-]?[0-9]{0,4}$")


def _one_time(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept the three to eight digits that a code of verification, a CVV or somebody's PIN is said to be."""
    while end > start and not text[end - 1].isdigit():
        end -= 1
    found = _CODE.search(text, start, end)
    if found is None or (text[start : start + 1].isalpha() and start and text[start - 1].isalnum()):
        return
    digits = re.sub("[^0-9]", "", found.group())
    behind = text[end : end + 2]
    if (
        not 3 <= len(digits) <= 8
        or behind[:1].isalnum()
        or (behind[:1] in ("-", ".", ",", "/", ":") and behind[1:].isdigit())
    ):
        return
    short = len(digits) < 4 or (len(digits) == 4 and digits[:2] in ("19", "20"))
    if short and text[start : start + 2].lower() != "cv":
        return
    yield Hit(found.start(), end, digits)


KEYED = (
    rf"^(?:[\w\-]{{0,30}}[_\-])?(?i:{_PASSWORD}|pass|{_TOKEN})$"
    r"|^[\w\-]{0,30}[a-z0-9](?:Pass(?:word|wd|phrase)?|Pwd|Senha|Contrase[ñn]a|Token|Secret|(?:Api|Access|Secret)Key)$"
    r"|^\w{0,12}pass(?:word|wd)$"
)
"""A key of a JSON object under which a secret stands: alone, behind `_` or `-`, or as the last word in camel case."""
_KEYED = re.compile(KEYED)
_KEYED_PASSWORD = re.compile(rf"(?i)(?:{_PASSWORD}|pass)$")


@lru_cache(1024)
def _key_kind(key: str) -> str:
    if len(key) > 60 or not _KEYED.search(key):
        return ""
    return "password" if _KEYED_PASSWORD.search(key) else "token"


def keyed(key: str, value: str) -> bool:
    """Say whether the text under a key of a JSON object (`"password": "…"`) is a secret."""
    kind = _key_kind(key)
    if not kind or len(value) > 400:
        return False
    password = kind == "password"
    if value.isascii() and value.isdigit():
        return password and 4 <= len(value) <= 20
    return not _NOT_SECRET.fullmatch(value) and " " not in value and _strong(value, password, 4 if password else 12)


SECRETS: tuple[Rule, ...] = (
    *(
        Rule("secret", shape, check, literals=literals, hint="" if literals else shape)
        for _, literals, shape, check in SHAPES
    ),
    Rule("secret", PASSWORD, _assigned(4, numbers=True), hint=PASSWORD_HINT, gate=PASSWORD_GATE),
    Rule("secret", STATED, _stated, hint=PASSWORD_HINT, gate=PASSWORD_GATE),
    Rule("secret", TOKEN, _assigned(12, numbers=False), hint=TOKEN_HINT, gate=SIGN_GATE),
    Rule("secret", CODE, _one_time, hint=CODE_HINT, gate=CODE_GATE),
    Rule("secret", OPTION, _assigned(4, numbers=True), hint="--(?:pass|token|api-key|secret)"),
)
"""All rules of the type `secret`, in the order in which they win where they overlap."""
