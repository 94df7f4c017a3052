"""Internet addresses of hosts, version 4 and 6."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import lru_cache

from ftdata.transforms.pii.nearby import said
from ftdata.transforms.pii.rule import Hit

IPV4 = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
IPV6 = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.[0-9]{1,3}){3})?"
IPV6_HINT = r":[0-9A-Fa-f]{0,4}:"

_MASK = frozenset((0, 128, 192, 224, 240, 248, 252, 254, 255))


def _names_a_host(octets: list[int]) -> bool:
    """Say whether an address is some host's: not this machine's own (127.…, 0.…), a netmask, broadcast or multicast."""
    if octets[0] in (0, 127) or octets[0] >= 224:
        return False
    return octets != [255] * 4


def ipv4(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept four octets that name a host, where no word near says version, section, phone or the like.

    Private and documentation addresses count: they name a machine in somebody's network, or stand for one. Four numbers
    below 20 that are not `10.…` are a version or a section unless a word (ip, host, server …) says otherwise.
    """
    parts = text[start:end].split(".")
    if any(len(part) > 1 and part[0] == "0" for part in parts):
        return
    octets = [int(part) for part in parts]
    if max(octets) > 255 or not _names_a_host(octets):
        return
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:].isalnum() or after[:1].isalnum() or after[:1] == "_":
        return
    if before[-1:] in (".", "-", "_", ",") and before[:-1].isalnum():
        return
    if before[-1:] == "/" and before[:-1].isalpha():
        return  # Chrome/99.0.12.4
    if after[:1] in (".", "-", ",") and after[1:].isdigit():
        return
    if after[:1] in (".", "-") and after[1:].islower():
        return  # a file: tool-1.2.3.4.tar.gz
    near = said(text, start, end)
    if near.kind in ("version", "label") and near.close:
        return
    if (
        near.kind == "ip"
        or max(octets) >= 20
        or (octets[0] == 10 and octets[1:3] != [0, 0])
        or octets[:3] == [10, 0, 0]
    ):
        yield Hit(start, end, ".".join(map(str, octets)))


def ipv6(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept what `ipaddress` reads, in full or with `::`; not `::1` (nor with a port), times, `std::string`."""
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if before.isalnum() or before in (":", "_", ".") or after[:1].isalnum() or after[:1] == "_":
        return
    if after[:1] == ":" and (after[1:].isalnum() or after[1:] == ":"):
        return
    value = text[start:end]
    if value.endswith(":") and not value.endswith("::"):
        value, end = value[:-1], end - 1
    groups = value.split(":")
    if len(groups) < 8 and (not any(map(str.isdigit, value)) or max(map(len, groups)) < 3 or value.startswith("::1:")):
        return  # a word (Add::Face), a time, this machine with a port
    if address := _host(value):
        yield Hit(start, end, address)


@lru_cache(4096)
def _host(value: str) -> str:
    """Give an IPv6 address in its short form if it is one, and some host's; else nothing."""
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return ""
    return "" if address.is_loopback or address.is_unspecified or address.is_multicast else address.compressed
