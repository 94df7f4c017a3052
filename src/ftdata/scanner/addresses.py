"""Addresses, from their sign outwards: `@` in mail and URLs, the colons and dots of hosts."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Literal

from ftdata.scanner.blocks import after, alnum, before

Span = tuple[int, int, str, Literal["high", "low"]]

_LOCAL = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+'-&") | frozenset(range(128, 256))
_HOST = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") | frozenset(range(128, 256))
_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]{2,}")
_RESERVED = (b"example.com", b"example.org", b"example.net")  # RFC 2606
_NEVER = (b".invalid", b".test", b".example", b".localhost")
_SURROGATE = re.compile(rb"[a-z]{4,12}\.[a-z]{6,12}[0-9]{2}")
_PICTURES = (b"png", b"jpg", b"jpeg", b"gif", b"webp", b"svg")


def find(block: bytes) -> Iterator[Span]:
    """Find e-mail addresses, user and password in URLs, addresses of hosts."""
    for sign in (b"@", b"%40"):
        at = block.find(sign)
        while at >= 0:
            if hit := _around(block, at, len(sign)):
                yield hit
            at = block.find(sign, at + 1)
    yield from _four(block)
    yield from _six(block)


def _around(block: bytes, at: int, width: int) -> Span | None:
    start = at
    while start > 0 and block[start - 1] in _LOCAL and at - start < 80:
        start -= 1
    end = at + width
    while end < len(block) and block[end] in _HOST and end - at < 255:
        end += 1
    local, host = block[start:at], block[at + width : end]
    if url := _user(block, start, at):
        return url
    amp = local.rfind(b"&")
    local = local[amp + 1 :].lstrip(b".+'-")
    labels = host.rstrip(b".-_").split(b".")
    while len(labels) > 1 and not _LETTERS.match(labels[-1]):
        labels.pop()
    if not local or len(labels) < 2 or b"" in labels or local[-1:] == b".":
        return None
    if labels[-1].lower() in _PICTURES and labels[0][:1].isdigit():
        return None  # icon@2x.png
    ending = block[at + width + len(b".".join(labels)) :][:1]
    if local.lower() == b"git" and (ending == b":" or block[max(0, start - 2) : start] == b"//"):
        return None
    host = b".".join(labels).lower()
    if host in _RESERVED and _SURROGATE.fullmatch(local):
        return None
    sure: Literal["high", "low"] = "low" if host.endswith((*_RESERVED, *_NEVER)) else "high"
    return at - len(local), end, "email", sure


def _user(block: bytes, start: int, at: int) -> Span | None:
    """Give what stands between `scheme://` and `@` if it is a user and a password."""
    scheme = block.rfind(b"://", max(0, at - 200), at)
    if scheme < 0:
        return None
    between = block[scheme + 3 : at]
    _, colon, password = between.partition(b":")
    if not colon or not password or any(sign in between for sign in b"/ \n\x0b\"'<>?#[") or not between.isascii():
        return None
    template = password[:1] in (b"$", b"{", b"<", b"%") or not password.strip(b"*.xX")
    return None if template else (scheme + 3, at, "url-credentials", "high")


_QUAD = re.compile(rb"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_VERSION = re.compile(
    rb"(?:versions?|vers\xc3\xa3o|versao|versi\xc3\xb3n|version|release|firmware|build|driver|section|se\xc3\xa7\xc3\xa3o|v)\W{0,4}$"
)
_HOSTWORD = re.compile(rb"\bips?\b|host|server|servidor|address|endere|direcci|ping|login|gateway|firewall|proxy")


def _four(block: bytes) -> Iterator[Span]:
    at = block.find(b".")
    for found in _QUAD.finditer(block) if at >= 0 else ():
        start, end = found.span()
        parts = found.group().split(b".")
        numbers = [int(part) for part in parts]
        if max(numbers) > 255 or any(len(part) > 1 and part[:1] == b"0" for part in parts):
            continue
        if numbers[0] in (0, 127) or numbers[0] >= 224 or _documented(numbers):
            continue
        if alnum(block, start - 1) or alnum(block, end) or block[end : end + 1] == b"_":
            continue
        if block[start - 1 : start] in (b".", b"-", b"_", b",", b"/") and alnum(block, start - 2):
            continue
        if block[end : end + 1] in (b".", b"-", b",") and alnum(block, end + 1):
            continue
        told = before(block, start)
        if _VERSION.search(told):
            continue
        sure = _HOSTWORD.search(told) is not None or (max(numbers) >= 20 and numbers[0] > 9)
        yield start, end, "ip", "high" if sure else "low"


def _documented(numbers: list[int]) -> bool:
    return tuple(numbers[:3]) in ((192, 0, 2), (198, 51, 100), (203, 0, 113))  # RFC 5737


_COLONS = re.compile(rb":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*")
_HEX = frozenset(b"0123456789abcdefABCDEF:")


def _six(block: bytes) -> Iterator[Span]:
    for found in _COLONS.finditer(block):
        start, end = found.span()
        while start > 0 and block[start - 1] in _HEX and found.start() - start < 40:
            start -= 1
        text = block[start:end]
        if text.count(b":") < 3 and b"::" not in text:
            continue
        if alnum(block, start - 1) or alnum(block, end) or block[start - 1 : start] in (b":", b"_"):
            continue
        if text[-1:] == b":" and text[-2:] != b"::":
            text = text[:-1]
        groups = [group for group in text.split(b":") if group]
        if len(groups) < 3 or max(map(len, groups)) < 3:
            continue
        try:
            packed = socket.inet_pton(socket.AF_INET6, text.decode())
        except OSError:
            continue
        if packed[:4] != b"\x20\x01\x0d\xb8" and packed[0] != 255:  # RFC 3849: documentation; multicast
            told = _HOSTWORD.search(before(block, start) + after(block, end)) is not None
            yield start, end, "ip", "high" if told or len(groups) > 3 else "low"
