"""Shared by all tests. Its presence puts this folder on the path, so that tests can import `strategies`."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of the code; where time is the matter, a test measures it itself.
settings.register_profile("ftdata", deadline=None)
settings.load_profile("ftdata")
# Hundreds of tests start ftdata in a process of its own: told not to keep bytecode, each would compile all of it anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_finish() -> None:
    """Leave what pytest has collected out of garbage collections: half a million objects that stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """Give a folder in memory, where there is one: for small files that are synced thousands of times."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 256 << 20:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="ftdata-", dir=memory) as place:
        yield Path(place)
