"""The inner loops, compiled (`kernel.c`), where they are built: they give what the NumPy code gives, bit for bit."""

from __future__ import annotations

import importlib
import os
from functools import cache
from types import ModuleType

VERSION = 1
"""What the loops must say of themselves: those of an older build may give other numbers."""


@cache
def kernel() -> ModuleType | None:
    """Give the compiled loops; none where no compiler was at hand, or the environment variable FTDATA_KERNEL is `off`.

    The variable is read once in a process.
    """
    if os.environ.get("FTDATA_KERNEL") == "off":
        return None
    try:
        found = importlib.import_module("ftdata.similarity._kernel")
    except ImportError:
        return None
    return found if getattr(found, "VERSION", None) == VERSION else None
