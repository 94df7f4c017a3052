"""Ask `datasets.load_dataset("json")` about each row of standard input, in a file behind a sound row of its layout.

Runs with datasets==5.2.0. `taken`: the file loads, with one row a line, and the row has the values that stand in the
line (a key that is null may be missing, and the other way round). `changed`: it loads with other values.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import datasets

datasets.disable_progress_bars()
datasets.logging.set_verbosity(logging.CRITICAL)


def bare(value: Any) -> Any:
    """Give a value without the keys that are null."""
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if one is not None}
    return [bare(one) for one in value] if isinstance(value, list) else value


def verdict(folder: str, good: str, line: str) -> str:
    """Say whether the two lines load, and the second as it stands."""
    path = Path(folder, "rows.jsonl")
    path.write_text(f"{good}\n{line}\n", encoding="utf-8")
    try:
        made = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=f"{folder}/cache")
        loaded = list(made)
    except Exception as error:
        return f"crash {type(error).__name__}"
    if len(loaded) != 2:
        return f"{len(loaded)} rows"
    same = json.dumps(bare(loaded[1]), sort_keys=True) == json.dumps(bare(json.loads(line)), sort_keys=True)
    return "taken" if same else "changed"


with tempfile.TemporaryDirectory() as folder:
    for asked in sys.stdin:
        _, line, good = json.loads(asked)
        print(verdict(folder, good, line), flush=True)
