"""Files of sound rows that `datasets.load_dataset("json")` does not load, or loads as something else.

Run: python benchmarks/late_keys.py

With datasets==5.2.0, 4.8.4 (axolotl 0.19.0 pins it) and 4.0.0 (the newest that LLaMA-Factory 0.9.5 allows).

The loader reads a file in blocks of 10 MiB and settles on the columns by the first: a key that only rows behind it have
(`tools`, a `weight`, a `name`) ends the load, an array of parts behind strings becomes a text of JSON. In one block, or
with such a row in the first, version 5.2.0 loads all of them; 4.0.0 takes no strings and arrays in one column at all.
Each case: sound rows of chat, and one row that is another, first or last.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import datasets

USER = {"role": "user", "content": "Where is my order? " * 20}
ANSWER = {"role": "assistant", "content": "It leaves today. " * 20}
PLAIN = json.dumps({"messages": [USER, ANSWER]})
CALL = {"id": "TX92Jm8Zi", "type": "function", "function": {"name": "status", "arguments": "{}"}}
OTHER: dict[str, Any] = {
    "tools": {"messages": [USER, {**ANSWER, "tool_calls": [CALL]}], "tools": [{"type": "function", "function": {}}]},
    "weight": {"messages": [USER, {**ANSWER, "weight": 1}]},
    "name": {"messages": [{**USER, "name": "Ana"}, ANSWER]},
    "key of the row": {"messages": [USER, ANSWER], "ticket": 7},
    "parts": {"messages": [{**USER, "content": [{"type": "text", "text": "Hi"}]}, ANSWER]},
}


def bare(value: Any) -> Any:
    """Give a value without the keys that are null."""
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if one is not None}
    return [bare(one) for one in value] if isinstance(value, list) else value


def loaded(lines: list[str], at: int) -> str:
    """Say what becomes of the line at a place."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        try:
            rows = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=f"{folder}/cache")
        except Exception as error:
            return type(error).__name__
        return "loads" if bare(rows[at]) == bare(json.loads(lines[at])) else "changed"


def main() -> None:
    """Load and print."""
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    print(f"datasets {datasets.__version__}")
    print(f"{'a row with':16}{'one block':26}{'first of two blocks':26}last of two blocks")
    many = [PLAIN] * (12 * (1 << 20) // len(PLAIN))
    for name, row in OTHER.items():
        odd = json.dumps(row)
        cases = (loaded([PLAIN, odd], 1), loaded([odd, *many], 0), loaded([*many, odd], len(many)))
        print(f"{name:16}{cases[0]:26}{cases[1]:26}{cases[2]}")


if __name__ == "__main__":
    main()
