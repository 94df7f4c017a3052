"""CPU times that a busy machine and a big process do not change: what the tests on attacks measure with."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

MOST = 2.3
"""t(2n) / t(n) that is still linear."""


def cpu(call: Callable[[], object]) -> float:
    """Give the CPU seconds that a call takes, without garbage collections: these take what all else in memory takes."""
    gc.collect(0)
    gc.disable()
    try:
        start = time.process_time()
        call()
        return time.process_time() - start
    finally:
        gc.enable()


def growth(took: Callable[[int], float], size: int) -> float:
    """Give t(2n) / t(n), each the least of up to six: noise only ever adds. Stops where that is linear."""
    single, double = took(size), took(2 * size)
    for _ in range(5):
        if double <= MOST * single:
            break
        single, double = min(single, took(size)), min(double, took(2 * size))
    return double / single
