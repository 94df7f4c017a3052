"""Times as exports write them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ftdata.readers.times import Days, instant


def moment(text: str, *, month_first: bool = False) -> str | None:
    found = instant(text)
    return None if found is None else str(datetime(1970, 1, 1) + timedelta(microseconds=found[month_first]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-02-11 07:49:14", "2020-02-11 07:49:14"),
        ("2020-02-11T07:49:14Z", "2020-02-11 07:49:14"),
        ("2020-02-11T07:49:14.5+02:00", "2020-02-11 05:49:14.500000"),
        ("2020-02-11", "2020-02-11 00:00:00"),
        ("2020/2/1 7:05", "2020-02-01 07:05:00"),
        ("20250311 101502", "2025-03-11 10:15:02"),
        ("1700000000", "2023-11-14 22:13:20"),
        ("1700000000123", "2023-11-14 22:13:20.123000"),
        ("1700000000.25", "2023-11-14 22:13:20.250000"),
        ("Tue Oct 31 22:10:47 +0000 2017", "2017-10-31 22:10:47"),
        ("Tue, 31 Oct 2017 22:10:47 -0300", "2017-11-01 01:10:47"),
        ("14/Jul/25 3:42 PM", "2025-07-14 15:42:00"),
        ("14/Jul/25 12:01 AM", "2025-07-14 00:01:00"),
        ("6/21/2025 16:14", "2025-06-21 16:14:00"),
        ("21/06/2025 16:14", "2025-06-21 16:14:00"),
        ("31-12-2023, 10:20 p. m.", "2023-12-31 22:20:00"),
        ("5 de março de 2024 às 14h30", "2024-03-05 14:30:00"),
        ("3 de ene. de 2024", "2024-01-03 00:00:00"),
        ("Jan 5, 2024, 3:42\u202fPM", "2024-01-05 15:42:00"),
        ("", None),
        ("soon", None),
        ("2024-13-01", None),
        ("32/01/2024", None),
        ("12345", None),
        ("9" * 5000, None),
    ],
)
def test_times(text: str, expected: str | None) -> None:
    assert moment(text) == expected


def test_day_and_month_are_both_read() -> None:
    assert moment("03/04/2024") == "2024-04-03 00:00:00"
    assert moment("03/04/2024", month_first=True) == "2024-03-04 00:00:00"


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["03/04/2024", "25/04/2024"], "day"),
        (["03/04/2024", "04/25/2024"], "month"),
        (["03/04/2024"], None),
        (["25/04/2024", "04/25/2024"], None),
        (["2024-04-03"], "day"),
    ],
)
def test_the_column_decides(cells: list[str], first: str | None) -> None:
    days = Days()
    for cell in cells:
        days.see(cell)
    assert days.first == first
