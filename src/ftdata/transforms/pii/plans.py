"""Number plans: which digits are a phone number where, and how they are grouped there.

What `phonenumbers` (Google's libphonenumber) says, and beside it how people write.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

REGIONS: tuple[str, ...] = (
    *("BR", "PT", "ES", "US", "GB", "MX", "AR", "CO", "CL"),
    *("FR", "DE", "IT", "CH", "NL", "BE", "AU"),
)
"""The regions whose national forms are known by default: where Portuguese, Spanish and English are spoken, and around.

On the generated texts of `benchmarks/pii.py` each of them found more and none found anything wrong.
"""

_DIGITS = re.compile("[0-9]+")
# How people group digits beside what libphonenumber prints: without the trunk prefix, by three digits, by two.
_GROUPS: dict[str, frozenset[tuple[int, ...]]] = {
    "BR": frozenset({(2, 5, 4), (2, 4, 4), (2, 1, 4, 4), (3, 5, 4), (3, 4, 4), (3, 1, 4, 4), (2, 3, 3, 3), (4, 3, 4)}),
    "PT": frozenset({(3, 3, 3), (2, 3, 2, 2), (3, 2, 2, 2), (2, 3, 4)}),
    "ES": frozenset({(3, 3, 3), (3, 2, 2, 2), (2, 3, 2, 2)}),
    "MX": frozenset({(2, 4, 4), (3, 3, 4), (2, 2, 2, 2, 2), (3, 3, 2, 2)}),
    "AR": frozenset({(2, 4, 4), (3, 4, 4), (3, 3, 4), (4, 3, 3), (2, 2, 4, 4), (3, 2, 4, 4), (4, 2, 4), (3, 2, 3, 4)}),
    "US": frozenset({(3, 3, 4), (1, 3, 3, 4)}),
    "IT": frozenset({(3, 7), (3, 3, 4), (3, 3, 2, 2), (2, 8), (2, 7), (2, 4, 4), (3, 6)}),
    "GB": frozenset({(5, 6), (5, 3, 3), (3, 4, 4), (4, 3, 4), (4, 3, 3), (4, 7), (4, 4, 3)}),
}


@lru_cache(8192)
def international(digits: str) -> str:
    """Give a number with its country code as E.164: `+…` if it is valid, `~…` if only its length is; else nothing."""
    import phonenumbers

    if digits.startswith("521") and len(digits) == 13:
        digits = "52" + digits[3:]  # Mexico gave up the 1 of mobiles in 2019; people have not
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return ""
    if phonenumbers.is_valid_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return "~" + digits if phonenumbers.is_possible_number(number) else ""


@cache
def _code(region: str) -> str:
    """Give the country code of a region."""
    import phonenumbers

    return str(phonenumbers.country_code_for_region(region))


@cache
def _plan(region: str) -> tuple[str, re.Pattern[str], bool]:
    """Give the trunk prefix of a region, what its numbers look like, and whether they are also written otherwise."""
    from phonenumbers import PhoneMetadata

    plan = PhoneMetadata.metadata_for_region(region)
    looks = plan.general_desc.national_number_pattern if plan and plan.general_desc else None
    prefix = (plan.national_prefix if plan else None) or ""
    # Otherwise: with the code of a carrier (BR), with marks for mobiles (AR, MX).
    otherwise = plan is not None and plan.national_prefix_for_parsing not in (None, prefix)
    return prefix, re.compile(looks or "[0-9]+"), otherwise


def _national(digits: str, region: str) -> tuple[str, frozenset[tuple[int, ...]]] | None:
    """Give a valid number of a region as E.164 and the groups in which its digits are written there; else null."""
    import phonenumbers

    prefix, pattern, otherwise = _plan(region)
    trunk = len(prefix) if digits.startswith(prefix) else 0
    if not (otherwise or pattern.fullmatch(digits) or pattern.fullmatch(digits, trunk)):
        return None  # a cheap test before the thorough one
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    shapes = set(_GROUPS.get(region, ()))
    groups = _DIGITS.findall(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))
    shapes.add(tuple(map(len, groups)))
    if not groups[0].startswith("0"):  # where a 0 comes first at home, nobody leaves it out
        abroad = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        shapes.add(tuple(map(len, _DIGITS.findall(abroad)[1:])))
    shapes.discard((5, 4))  # a ZIP code of the United States
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), frozenset(shapes)


@lru_cache(8192)
def readings(
    digits: str, first: int, regions: tuple[str, ...]
) -> tuple[tuple[str, frozenset[tuple[int, ...]], bool], ...]:
    """Give what some digits are in each region: value, groups, whether the `first` of them are the country code."""
    found = [(reading, False) for region in regions if (reading := _national(digits, region))]
    for region in regions:
        if digits[:first] == _code(region) and (reading := _national(digits[first:], region)):
            found.append((reading, True))
    return tuple((value, shapes, coded) for (value, shapes), coded in found)


_ALIASES = {"UK": "GB", "EN": "GB", "EL": "GR", "USA": "US", "SP": "ES", "ESP": "ES", "GER": "DE", "DEU": "DE"}


def unknown_region(region: str) -> str:
    """Give the problem with a region that no number plan is known for, with the nearest code; else an empty string."""
    if region in REGIONS:
        return ""
    import difflib

    import phonenumbers

    if region in phonenumbers.SUPPORTED_REGIONS:
        return ""
    known = sorted(phonenumbers.SUPPORTED_REGIONS)
    close = _ALIASES.get(region) or next(iter(difflib.get_close_matches(region, known, 1, 0.5)), "")
    meant = f"; did you mean {close!r}?" if close else "; give two letters, such as 'BR' or 'PT'"
    return f"{region!r} is not a country code{meant}"


def forget() -> None:
    """Empty the tables of numbers looked up (for measurements)."""
    international.cache_clear()
    readings.cache_clear()
