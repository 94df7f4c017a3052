"""Long tokens: told by the prefix that a vendor gives its keys, by what is assigned to a password, by their entropy."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ftdata.scanner.addresses import Span
from ftdata.scanner.blocks import alnum

_TOKEN = re.compile(rb"[A-Za-z0-9_+/=~.:\-]{20,}+")
_LONGEST = 400
_NAME, _MARKS = 80, 4
"""Characters in which a name stands before its value, and signs in them that are tried."""
_ENTROPY = 4.2
"""Bits a character from which on a mixed token of 28 and more is no word, path or hash (hexadecimal has at most 4)."""

# Prefix and the least length of the whole; vendors' own pages on their formats.
_PREFIXES: dict[bytes, int] = {
    **dict.fromkeys((b"AKIA", b"ASIA", b"ABIA", b"ACCA"), 20),
    **dict.fromkeys((b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), 36),
    **dict.fromkeys((b"glpat-", b"gldt-", b"glrt-", b"glptt-", b"glcbt-", b"glsoat-"), 24),
    **dict.fromkeys((b"xoxb-", b"xoxp-", b"xoxa-", b"xoxr-", b"xoxs-", b"xoxe-", b"xapp-"), 24),
    **dict.fromkeys((b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_"), 24),
    **dict.fromkeys((b"gsk_", b"xai-", b"pplx-"), 36),
    **dict.fromkeys((b"lin_api_", b"lin_oauth_"), 40),
    **dict.fromkeys((b"shpat_", b"shpca_", b"shppa_", b"shpss_"), 38),
    **dict.fromkeys((b"dop_v1_", b"doo_v1_", b"dor_v1_"), 64),
    **dict.fromkeys((b"hvs.", b"hvb.", b"hvr."), 28),
    **dict.fromkeys((b"rzp_live_", b"rzp_test_"), 23),
    **dict.fromkeys((b"ATATT3", b"ATCTT3"), 60),
    b"github_pat_": 60,
    b"whsec_": 30,
    b"sk-ant-": 40,
    b"sk-proj-": 40,
    b"sk-or-": 40,
    b"sk-": 30,
    b"hf_": 33,
    b"api_org_": 36,
    b"AIza": 39,
    b"GOCSPX-": 30,
    b"ya29.": 34,
    b"SG.": 40,
    b"key-": 36,
    b"npm_": 40,
    b"pypi-": 50,
    b"rubygems_": 50,
    b"dckr_pat_": 30,
    b"sq0atp-": 28,
    b"sq0csp-": 28,
    b"EAAA": 60,
    b"APP_USR-": 60,
    b"dapi": 36,
    b"PMAK-": 50,
    b"NRAK-": 24,
    b"glsa_": 40,
    b"sntrys_": 45,
    b"sntryu_": 45,
    b"HRKU-": 34,
    b"figd_": 40,
    b"ntn_": 44,
    b"secret_": 48,
    b"pat-na1-": 40,
    b"pat-eu1-": 40,
    b"sbp_": 44,
    b"sb_secret_": 34,
    b"pscale_tkn_": 40,
    b"pscale_pw_": 40,
    b"pul-": 44,
    b"xkeysib-": 60,
    b"AGE-SECRET-KEY-1": 60,
    b"bkua_": 44,
    b"eyJ": 36,
}
_FIRST = {length: frozenset(p for p in _PREFIXES if len(p) == length) for length in sorted({len(p) for p in _PREFIXES})}
_HEX = re.compile(rb"[0-9a-fA-F\-]+")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PARTS = re.compile(rb"[=:]")


def find(block: bytes) -> Iterator[Span]:
    """Find keys and tokens, private keys, passwords that are assigned."""
    for found in _TOKEN.finditer(block):
        start = found.start()
        for begin, stop in _pieces(found.group()):
            if hit := _token(block, start + begin, start + stop):
                yield hit
    at = block.find(b"PRIVATE KEY")
    while at >= 0:
        headed = b"-----BEGIN" in block[max(0, at - 50) : at] and block.find(b"-----", at, at + 30) > 0
        if headed and alnum(block, _behind(block, at)):
            yield at, at + 16, "secret", "high"
        at = block.find(b"PRIVATE KEY", at + 1)
    yield from _assigned(block)


def _behind(block: bytes, at: int) -> int:
    """Give the place of what follows the head of a private key."""
    end = block.find(b"-----", at) + 5
    while end < len(block) and block[end] in b" \x0b\r\\":
        end += 1
    return end


def _pieces(token: bytes) -> Iterator[tuple[int, int]]:
    """Give a token, and what stands behind `=` or `:` in it (`key=…`)."""
    yield 0, len(token)
    for mark in islice(_PARTS.finditer(token, 0, _NAME), _MARKS):
        if len(token) - mark.end() >= 20:
            yield mark.end(), len(token)


def _token(block: bytes, start: int, end: int) -> Span | None:
    token = block[start : min(end, start + _LONGEST)].rstrip(b".:=/-")
    if block[start - 1 : start] in (b"[", b"_") and block[end : end + 1] == b"]":
        return None
    for length, prefixes in _FIRST.items():
        long = token[:length] in prefixes and len(token) >= _PREFIXES[token[:length]]
        if long and not alnum(block, start - 1) and _mixed(token[length:]):
            return start, end, "secret", "high"
    if len(token) < 28 or b"//" in token or b"/" in token[:12] or _HEX.fullmatch(token) or _UUID.search(token):
        return None
    kinds = sum(map(any, zip(*((48 <= c < 58, 65 <= c < 91, 97 <= c < 123) for c in token), strict=True)))
    if kinds == 3 and not re.search(rb"[a-z]{6}|[A-Z][a-z]{4}|\.[a-z]{2,4}\b", token) and _entropy(token) >= _ENTROPY:
        return start, end, "secret", "low"
    return None


def _mixed(rest: bytes) -> bool:
    """Say whether what follows a prefix is no hyphenated words: a digit, and a run of ten without a sign."""
    return re.search(rb"[0-9]", rest) is not None and re.search(rb"[A-Za-z0-9]{10}", rest) is not None


def _entropy(token: bytes) -> float:
    size = len(token)
    return -sum(n / size * math.log2(n / size) for n in Counter(token).values())


_NAMED = (
    *(b"password", b"passwort", b"passwd", b"passphrase", b"pwd", b"senha", b"contrasena", b"contrase\xc3\xb1a"),
    *(b"clave", b"api_key", b"api-key", b"api key", b"apikey", b"secret", b"access_token", b"auth_token"),
)
_SIGN = re.compile(rb"[A-Za-z_\-]{0,12}[\"'\]]{0,2}\s{0,2}(?:=>|:=|[:=])\s{0,2}")
_VALUE = re.compile(rb"[\"'`]?([^\s\"'`,;<>]{4,100})")
_TEMPLATE = re.compile(rb"\[[A-Z_]+_[0-9a-f]{1,10}\].*|[\[{<$(%].*|https?:.*|[0-9.,:/\-]+|[*.xX]+|.*\(.*")


def _assigned(block: bytes) -> Iterator[Span]:
    low = block.lower()
    for name in _NAMED:
        at = low.find(name)
        while at >= 0:
            sign = _SIGN.match(block, at + len(name))
            value = _VALUE.match(block, sign.end()) if sign else None
            if value is not None and _chosen(value[1].rstrip(b".)!?]}")):
                yield value.start(1), value.end(1), "secret", "high"
            at = low.find(name, at + 1)


def _chosen(text: bytes) -> bool:
    """Say whether what is assigned is no template, link, number or word: six characters, letters and digits."""
    plain = len(text) > 5 and not _TEMPLATE.fullmatch(text)
    return plain and re.search(rb"[0-9]", text) is not None and re.search(rb"[A-Za-z]", text) is not None
