"""Read a pause as people write it: `45`, `45m`, `1h30m`, `2d`."""

from __future__ import annotations

import re
from typing import Any

_DURATION = re.compile(r"(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*(?:(\d+)\s*s)?")


def micros(value: Any) -> int:
    """Read a pause (minutes as a number, or a duration) in microseconds; 0 if it is none."""
    if isinstance(value, int | float):
        return int(value * 60_000_000) if 0 < value < 10**7 else 0
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"\d{1,7}", text):
        return int(text) * 60_000_000
    match = _DURATION.fullmatch(text) if len(text) < 40 else None
    if match is None:
        return 0
    units = (86_400, 3_600, 60, 1)
    seconds = sum(int(part) * unit for part, unit in zip(match.groups(), units, strict=True) if part)
    return seconds * 1_000_000 if seconds < 10**9 else 0
