"""E-mail addresses, and user names and passwords inside URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ftdata.transforms.pii.rule import Hit

EMAIL = r"[\w.%+&'\-]+(?:@|%40)[\w\-]+(?:\.[\w\-]+)+"
_IMAGE = re.compile(r"[1-9](?:\.[0-9])?x(?:~\w+)?\.(?:png|jpe?g|gif|webp|svg|avif|pdf)$", re.I)
_LEADING = ".%+&'-"


def _domain(domain: str) -> str:
    """Cut a domain behind its last label that can be a top-level domain; empty if nothing is left of it."""
    labels = domain.split(".")
    while len(labels) > 1:
        last = labels[-1]
        if len(last) > 1 and (last.isalpha() or last.lower().startswith("xn--")):
            return ".".join(labels)
        letters = re.match(r"[^\W\d_]{2,}(?=[-_])", last)
        if letters:
            return ".".join([*labels[:-1], letters.group()])
        labels.pop()
    return ""


def emails(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept `local@domain.tld` (also `%40` for `@`): letters of any script, a top-level domain that is letters.

    Not accepted: package versions (`foo@1.2.3`), pictures (`icon@2x.png`), the user `git` of a clone address.
    """
    whole = text[start:end]
    at = whole.find("@")
    sign = 1
    if at < 0:
        at, sign = whole.find("%40"), 3
    local, domain = whole[:at], whole[at + sign :]
    if "&" in local:
        local = local[local.rfind("&") + 1 :]
    local = local.lstrip(_LEADING)
    kept = _domain(domain)
    if not local or local[-1:] == "." or not kept or _IMAGE.match(domain):
        return
    begin, stop = start + at - len(local), start + at + sign + len(kept)
    if local.lower() == "git" and (text[stop : stop + 1] == ":" or text[max(0, begin - 2) : begin] == "//"):
        return
    yield Hit(begin, stop, f"{local}@{kept}".casefold())


# Written out so that no program collects it: ana [at] example [dot] com, ana arroba exemplo ponto com.
SPELT = (
    r"(?i)[\w.%+\-]+(?: ?[\[({<] ?(?:at|arroba|@|a) ?[\])}>] ?| (?:at|arroba) | @ ?|@ )"
    r"[\w\-]+(?:(?:\.| ?[\[({<] ?(?:dot|ponto|punto|point|punkt|\.) ?[\])}>] ?| (?:dot|ponto|punto|point"
    r"|punkt) )[\w\-]+){1,4}"
)
SPELT_HINT = (
    r"(?i) @ ?[a-z0-9]|@ [a-z0-9]|arroba|[\[({<] ?(?:at|@|a) ?[\])}>]"
    r"| at [^ ]+ ?[\[({<]? ?(?:dot|point|punkt|ponto|punto)"
)
_AT = re.compile(r"(?i) ?[\[({<] ?(?:at|arroba|@|a) ?[\])}>] ?| (?:at|arroba) | @ ?|@ ")
_DOT = re.compile(r"(?i) ?[\[({<] ?(?:dot|ponto|punto|point|punkt|\.) ?[\])}>] ?| (?:dot|ponto|punto|point|punkt) ")
_MAIL = re.compile(
    r"(?i)mail|correo|correio|contact|contat|write|escrev|escrib|courriel|adres|cuenta|conta\b|account|login"
)
_TOP = frozenset(
    "com org net edu gov io co info biz br pt es mx ar cl pe uy de fr it nl be ch at uk us ca au eu in app tv".split()
)


def spelt(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept `name [at] host [dot] com` with a known top-level domain.

    Without brackets only if the points are words or the sign is arroba, and a word for mail stands near or the name
    is no word: `shop at example dot com` is none.
    """
    whole = text[start:end]
    at = _AT.search(whole)
    if at is None:
        return
    local, rest = whole[: at.start()], whole[at.end() :]
    host = _DOT.sub(".", rest)
    labels = host.lower().split(".")
    while len(labels) > 1 and labels[-1] not in _TOP:
        labels.pop()  # words behind it
    if len(labels) < 2 or "" in labels or not local.strip(_LEADING):
        return
    if at.group().strip() != "@" and not at.group().strip().isalpha():
        if at.group().strip("[](){}<> ").lower() == "a" and not _DOT.search(rest):
            return
    else:
        plain = local.isalpha() and not _MAIL.search(text, max(0, start - 50), start)
        if plain or (at.group().strip().lower() == "at" and not _DOT.search(rest)):
            return
    stop = start + at.end()
    for number, label in enumerate(labels):
        if number:
            joint = _DOT.match(text, stop) or re.compile(r"\.").match(text, stop)
            if joint is None:
                return
            stop = joint.end()
        stop += len(label)
    begin = start + len(local) - len(local.lstrip(_LEADING))
    yield Hit(begin, stop, f"{local.lstrip(_LEADING)}@{'.'.join(labels)}".casefold())


URL_CREDENTIALS = r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#:\"'`<>\[\]]*:[^\s/?#,;\"'`<>\[\]]+@"
_TEMPLATE = re.compile(r"\$?\{+[^{}]*\}+|\$\(?\w+\)?|%[sd]|%\(\w+\)s|[*•.xX]{3,}")


def is_template(value: str) -> bool:
    """Say whether a value only stands for one: `${PASSWORD}`, `{{token}}`, `%s`, `****`."""
    return _TEMPLATE.fullmatch(value) is not None


def url_credentials(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept what stands between `scheme://` and `@` when it holds a colon: user and password; the host stays."""
    begin = text.index("://", start) + 3
    password = text[text.index(":", begin) + 1 : end - 1]
    if not is_template(password):
        yield Hit(begin, end - 1, text[begin : end - 1])
