"""Number plans: which digits are a phone number where, and how they are grouped there.

The data is `phonenumbers`' (Google's libphonenumber); the few steps of its `parse`, `is_valid_number` and
`format_number` that are needed here are written out, as they are faster so. A test holds the two to the same answers.
"""

from __future__ import annotations

import re
from functools import cache, cached_property, lru_cache
from itertools import product

REGIONS: tuple[str, ...] = (
    *("BR", "PT", "ES", "US", "GB", "MX", "AR", "CO", "CL"),
    *("FR", "DE", "IT", "CH", "NL", "BE", "AU"),
    *("CA", "PE", "UY", "EC", "VE", "BO", "PY", "CR", "GT", "PA", "DO", "HN", "SV", "NI", "PR", "AO", "MZ", "CV"),
    *("AT", "LU", "IE", "DK", "SE", "NO", "FI", "PL", "CZ", "HU", "RO", "GR", "TR", "UA", "RU"),
    *("NZ", "ZA", "NG", "KE", "MA", "IN", "SG", "HK", "MY", "PH", "JP", "KR", "AE", "IL"),
)
"""The regions whose national forms are known by default: where Portuguese, Spanish and English are spoken, and around.

On the generated texts of `benchmarks/pii_phones.py` and `pii_harmless.py` they found more and little that was wrong.
"""

# How people group digits beside what libphonenumber prints: without the trunk prefix, by three digits, by two.
_GROUPS: dict[str, frozenset[tuple[int, ...]]] = {
    "BR": frozenset({(2, 5, 4), (2, 4, 4), (2, 1, 4, 4), (3, 5, 4), (3, 4, 4), (3, 1, 4, 4), (2, 3, 3, 3), (4, 3, 4)}),
    "PT": frozenset({(3, 3, 3), (2, 3, 2, 2), (3, 2, 2, 2), (2, 3, 4)}),
    "ES": frozenset({(3, 3, 3), (3, 2, 2, 2), (2, 3, 2, 2)}),
    "MX": frozenset({(2, 4, 4), (3, 3, 4), (2, 2, 2, 2, 2), (3, 3, 2, 2)}),
    "AR": frozenset(
        {(2, 4, 4), (3, 4, 4), (3, 3, 4), (4, 3, 3), (2, 2, 4, 4), (3, 2, 4, 4), (4, 2, 4), (3, 2, 3, 4), (4, 2, 3, 4)}
    ),
    "US": frozenset({(3, 3, 4), (1, 3, 3, 4)}),
    "CA": frozenset({(3, 3, 4), (1, 3, 3, 4)}),
    "DO": frozenset({(3, 3, 4), (1, 3, 3, 4)}),
    "IT": frozenset({(3, 7), (3, 3, 4), (3, 3, 2, 2), (2, 8), (2, 7), (2, 4, 4), (3, 6)}),
    "GB": frozenset({(5, 6), (5, 3, 3), (3, 4, 4), (4, 3, 4), (4, 3, 3), (4, 7), (4, 4, 3)}),
    "DE": frozenset({(3, 4, 4), (4, 3, 2, 2), (4, 4, 3), (4, 3, 3), (5, 3, 2)}),
    "AT": frozenset({(4, 3, 4), (4, 3, 2, 2), (2, 3, 2, 2)}),
    "IN": frozenset({(5, 5), (3, 4, 4), (3, 8), (4, 3, 4), (4, 7), (3, 3, 4)}),
    "PE": frozenset({(3, 3, 3), (3, 3, 4), (2, 3, 4), (2, 7)}),
    "CO": frozenset({(3, 3, 4), (3, 3, 2, 2), (3, 7)}),
    "CL": frozenset({(1, 4, 4), (1, 8), (2, 3, 4)}),
    "UY": frozenset({(3, 3, 3), (4, 2, 2)}),
    "VE": frozenset({(4, 3, 4), (4, 7), (4, 3, 2, 2)}),
    "EC": frozenset({(3, 3, 4), (2, 3, 4), (3, 7)}),
    "RU": frozenset({(1, 3, 3, 2, 2), (3, 3, 2, 2), (1, 3, 7)}),
    "SE": frozenset({(3, 3, 2, 2), (3, 7), (2, 3, 3, 2), (2, 3, 2, 2)}),
    "NO": frozenset({(3, 2, 3), (2, 2, 2, 2)}),
    "DK": frozenset({(2, 2, 2, 2), (4, 4)}),
    "HU": frozenset({(2, 2, 3, 4), (4, 3, 4)}),
    "GR": frozenset({(3, 3, 4), (3, 7), (4, 6)}),
    "NG": frozenset({(4, 3, 4), (3, 4, 4), (3, 3, 4)}),
    "MY": frozenset({(3, 3, 4), (3, 7), (3, 4, 4), (2, 4, 4)}),
    "MA": frozenset({(2, 2, 2, 2, 2), (4, 6), (4, 2, 2, 2)}),
    "PL": frozenset({(3, 3, 3), (2, 3, 2, 2)}),
    "CH": frozenset({(3, 3, 2, 2)}),
    "BE": frozenset({(4, 2, 2, 2), (2, 3, 2, 2), (4, 3, 3), (3, 2, 2, 2)}),
}
_BARE = frozenset({"BR", "AR", "PE", "IN", "PH", "PY", "VE", "AU", "EC", "UY"})
"""Regions with a trunk prefix 0 that people leave out, or do not need for some numbers."""
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan"),
    "voicemail",
)


_Template = tuple[tuple[str | int, ...], ...]
_GROUP = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_PART = re.compile(r"(\\d|\[[^\]]*\]|\(\?:[^()]*\)|[0-9])(?:\{([0-9]+)(?:,([0-9]+))?\}|(\?))?")


def _template(form: str) -> _Template:
    """Give a format (`0\\1 \\2-\\3`) as groups, each of digits and numbers of captured parts."""
    pieces = [re.findall(r"\\\d|[0-9]", piece) for piece in re.findall(r"(?:\\\d|[0-9])+", form)]
    return tuple(tuple(int(part[1]) if part[0] == "\\" else part for part in piece) for piece in pieces)


def _fill(template: _Template, sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sum(1 if isinstance(part, str) else sizes[part - 1] for part in group) for group in template)


def _sizes(group: str) -> range:
    """Give how many digits a captured part of a format's pattern can have."""
    low = high = 0
    for part, least, most, maybe in _PART.findall(group):
        width = 1 if not part.startswith("(?:") else 2  # an alternation of one or two digits
        low += int(least) if least else 0 if maybe else 1
        high += (int(most or least) if least else 1) * width
    return range(low, high + 1)


def _key(form: object) -> tuple[str, str]:
    leading = form.leading_digits_pattern  # type: ignore[attr-defined]
    return form.pattern, leading[-1] if leading else ""  # type: ignore[attr-defined]


class _Plan:
    """The plan of a region."""

    def __init__(self, region: str, code: int = 0) -> None:
        from phonenumbers import PhoneMetadata

        nowhere, at = PhoneMetadata.metadata_for_nongeo_region, PhoneMetadata.metadata_for_region
        plan = nowhere(code) if code else at(region)
        if plan is None:  # pragma no cover: regions are validated
            raise LookupError(region)
        self._of, self.code, self.region = plan, str(plan.country_code), region
        self._parsed = plan.national_prefix_for_parsing
        # Written so that the group counts of libphonenumber's own rule hold.
        self._rule = plan.national_prefix_transform_rule
        self.lengths = frozenset(plan.general_desc.possible_length or () if plan.general_desc else ())
        longest = max(self.lengths, default=0)
        self.spans = self.lengths | (
            frozenset(range(min(self.lengths, default=0), longest + (5 if self._rule else 3)))
            if self._parsed
            else frozenset()
        )
        self.longest, self.shortest = longest, min(self.lengths, default=0)
        self.extra = _GROUPS.get(region, frozenset())

    @cached_property
    def _valid(self) -> re.Pattern[str]:
        some = [kind for name in _KINDS if (kind := getattr(self._of, name)) and kind.national_number_pattern]
        general = self._of.general_desc
        ahead = f"(?={general.national_number_pattern}$)" if general and general.national_number_pattern else ""
        return re.compile(ahead + "(?:" + "|".join(f"(?:{kind.national_number_pattern})" for kind in some) + ")")

    @cached_property
    def _mobile(self) -> re.Pattern[str]:
        mobile = self._of.mobile
        return re.compile((mobile and mobile.national_number_pattern) or "(?!)")

    @cached_property
    def _prefix(self) -> re.Pattern[str]:
        return re.compile(self._parsed or "(?!)")

    @cached_property
    def _formats(self) -> list[tuple[re.Pattern[str] | None, re.Pattern[str], _Template, _Template]]:
        if not self._of.number_format and (main := _of_code(self.code)[0]) is not self:
            return main._formats  # of the countries under +1 only the first has them
        abroad = {_key(form): form.format for form in self._of.intl_number_format}
        out = []
        for form in self._of.number_format:
            pattern, at_home = form.pattern or "", form.format or ""
            if rule := form.national_prefix_formatting_rule:
                first = at_home.index("\\")
                at_home = at_home[:first] + rule.replace("\\1", at_home[first : first + 2]) + at_home[first + 2 :]
            leading = form.leading_digits_pattern
            out.append(
                (
                    re.compile(leading[-1]) if leading else None,
                    re.compile(pattern),
                    _template(at_home),
                    _template(abroad.get(_key(form)) or form.format or ""),
                )
            )
        return out

    @cached_property
    def written(self) -> frozenset[tuple[int, ...]]:
        """All the groups in which some number of the region is written at home: a cheap test before the true one."""
        shapes = set(self.extra)
        for _, pattern, at_home, abroad in self._formats:
            for sizes in product(*(_sizes(group) for group in _GROUP.findall(pattern.pattern))):
                shapes.add(_fill(at_home, sizes))
                shapes.add(_fill(abroad, sizes))
        return frozenset(shapes)

    def national(self, digits: str) -> str:
        """Give the significant digits of a number as it is dialled at home; an empty string if it is none."""
        if len(digits) not in self.spans:
            return ""
        if self._parsed and (trunk := self._prefix.match(digits)) and trunk.end():
            if self._rule and trunk.lastindex == self._prefix.groups:
                rest = trunk.expand(self._rule) + digits[trunk.end() :]
            else:
                rest = digits[trunk.end() :]
            if self.is_valid(rest):
                return rest
        return digits if self.is_valid(digits) else ""

    def is_valid(self, significant: str) -> bool:
        """Say whether the significant digits (no trunk prefix) are given out."""
        return len(significant) in self.lengths and self._valid.fullmatch(significant) is not None

    def is_mobile(self, significant: str) -> bool:
        """Say whether a valid number is a mobile phone's."""
        return self._mobile.fullmatch(significant) is not None

    def at_home(self, digits: str, significant: str) -> frozenset[tuple[int, ...]]:
        """Give the groups in which digits are written: none where the 0 that nobody leaves out there is missing."""
        if len(digits) == len(significant) and self._of.national_prefix == "0" and self.region not in _BARE:
            return frozenset()
        return self.shapes(significant)

    def shapes(self, significant: str) -> frozenset[tuple[int, ...]]:
        """Give the groups in which a number is written: at home, and from abroad without the country's code."""
        shapes = set(self.extra)
        for leading, pattern, at_home, abroad in self._formats:
            if (leading is None or leading.match(significant)) and (found := pattern.fullmatch(significant)):
                sizes = tuple(stop - start for start, stop in found.regs[1:])
                shapes.add(_fill(at_home, sizes))
                if not (at_home[0] == ("0",) or at_home[0][0] == "0" or found.group()[0] == "0"):
                    shapes.add(_fill(abroad, sizes))  # where a 0 comes first at home, nobody leaves it out
                break
        shapes.discard((5, 4))  # a ZIP code of the United States
        return frozenset(shapes)


@cache
def _plan(region: str) -> _Plan:
    return _Plan(region)


@cache
def _of_code(code: str) -> tuple[_Plan, ...]:
    """Give the plans under a country code, the main one first; none if nobody has it."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    return tuple(_Plan("001", int(code)) if region == "001" else _plan(region) for region in regions)


@lru_cache(8192)
def international(digits: str) -> str:
    """Give a number with its country code as E.164: `+…` if it is valid, `~…` if only its length is; else nothing."""
    if digits.startswith("521") and len(digits) == 13:
        digits = "52" + digits[3:]  # Mexico gave up the 1 of mobiles in 2019; people have not
    for size in (1, 2, 3):
        code, rest = digits[:size], digits[size:]
        if plans := _of_code(code):
            main = plans[0]
            if (stripped := main.national(rest)) or any(plan.is_valid(stripped := rest) for plan in plans[1:]):
                return f"+{code}{stripped}"
            trunk = main._of.national_prefix or ""
            if trunk and rest.startswith(trunk) and any(plan.is_valid(rest[len(trunk) :]) for plan in plans[1:]):
                return f"+{code}{rest[len(trunk) :]}"
            possible = main.shortest <= len(rest) <= main.longest + (rest[:1] == "0")
            return "~" + digits if possible else ""
    return ""


Reading = tuple[str, frozenset[tuple[int, ...]], bool, bool]


@lru_cache(8192)
def readings(
    digits: str, sizes: tuple[int, ...], area: bool, any_shape: bool, regions: tuple[str, ...]
) -> tuple[Reading, ...]:
    """Give what some digits, in groups of `sizes`, are in each region: value, groups, if with country code, if mobile.

    Without `any_shape` only where some number is written in such groups. The code is the first group, before others or
    in brackets (`area`).
    """
    found: list[Reading] = []
    for plan in _of_length(len(digits), regions):
        if (any_shape or sizes in plan.written) and (significant := plan.national(digits)):
            found.append(
                (f"+{plan.code}{significant}", plan.at_home(digits, significant), False, plan.is_mobile(significant))
            )
    if len(sizes) > 2 or (area and len(sizes) == 2):
        for plan in _of_length(len(digits) - sizes[0], regions):
            if digits[: sizes[0]] == plan.code and (significant := plan.national(digits[sizes[0] :])):
                found.append((f"+{plan.code}{significant}", plan.shapes(significant), True, False))
    return tuple(found)


@lru_cache(512)
def _of_length(length: int, regions: tuple[str, ...]) -> tuple[_Plan, ...]:
    return tuple(plan for region in regions if length in (plan := _plan(region)).spans)


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
