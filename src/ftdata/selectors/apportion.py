"""How many rows each of several parts gets, so that any number of rows is shared out in proportion."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from math import gcd


def dealt(weights: Sequence[int], total: int) -> list[int]:
    """Say how many of the first `total` rows fall to each part, dealt one by one in proportion to whole weights.

    Each part has its exact share rounded up or down, whatever `total` is, and never gets fewer when it grows: samples
    are nested. (Largest remainders do not promise that: the Alabama paradox. Balinski and Young 1975, The Quota Method
    of Apportionment.) The n-th row of a part may not come before its share passes n - 1 and must come before it passes
    n; of those that may, the most urgent is dealt (Steiner and Yeomans 1993, Level Schedules for Mixed-Model,
    Just-in-Time Processes); ties go to the part that is named first.
    """
    common = gcd(*weights) or 1
    parts = [weight // common for weight in weights]
    whole = sum(parts)
    rounds, rest = divmod(total, whole) if whole else (0, 0)
    counts = [rounds * part for part in parts]
    waiting = [(1, place, 1) for place, part in enumerate(parts) if part]  # from when on, which part, its how manieth
    heapq.heapify(waiting)
    ready: list[tuple[int, int, int]] = []  # until when, which part, its how manieth
    for turn in range(1, rest + 1):
        while waiting and waiting[0][0] <= turn:
            _, place, number = heapq.heappop(waiting)
            heapq.heappush(ready, (-(-number * whole // parts[place]), place, number))
        _, place, number = heapq.heappop(ready)
        counts[place] += 1
        heapq.heappush(waiting, (number * whole // parts[place] + 1, place, number + 1))
    return counts
