"""Ask LLaMA-Factory's data converter about each row of standard input.

Runs with llamafactory==0.9.5 (installed without its dependencies) and transformers, datasets and torch. The converter
of the sharegpt formatting is asked, with the columns and tags that ftdata writes into `dataset_info.json`, as the
program asks it: the row as it is read from the file, `ranking` for a row with chosen. A row that the converter leaves
out with a warning is `skipped`; what it does not catch ends the program: `crash`.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import types
from types import SimpleNamespace
from typing import Any

# The package's __init__ and that of its data folder import everything; the converter needs two modules.
found = importlib.util.find_spec("llamafactory")
for name, path in (("llamafactory", ""), ("llamafactory.data", "/data"), ("llamafactory.extras", "/extras")):
    package = types.ModuleType(name)
    package.__path__ = [str(found.submodule_search_locations[0]) + path]  # type: ignore[union-attr, index]
    sys.modules[name] = package
said: list[str] = []
spoken = types.ModuleType("llamafactory.extras.logging")
spoken.get_logger = lambda _: SimpleNamespace(warning_rank0=said.append, warning_rank0_once=said.append)  # type: ignore[attr-defined]
sys.modules["llamafactory.extras.logging"] = spoken
sys.modules["llamafactory.extras"].logging = spoken  # type: ignore[attr-defined]

from llamafactory.data.converter import SharegptDatasetConverter  # noqa: E402
from llamafactory.data.parser import DatasetAttr  # noqa: E402

logging.disable(logging.WARNING)
TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


def verdict(line: str) -> str:
    """Say whether the row is taken, skipped, or ends the program."""
    said.clear()
    try:
        row = json.loads(line)
        attr = DatasetAttr("file", dataset_name="rows.jsonl")
        columns = {key: key for key in ("system", "tools", "images", "chosen", "rejected") if row.get(key) is not None}
        attr.join(
            {
                "formatting": "sharegpt",
                "ranking": "chosen" in row or "rejected" in row,
                "columns": {"messages": "conversations", **columns},
                "tags": TAGS,
            }
        )
        made: dict[str, Any] = SharegptDatasetConverter(attr, SimpleNamespace(media_dir="."))(row)
    except Exception as error:
        return f"crash {type(error).__name__}"
    if any("abnormal" in one or "Invalid" in one for one in said) or not made["_prompt"]:
        return "skipped"
    texts = [
        *made["_prompt"],
        *made["_response"],
        {"content": made["_system"] or ""},
        {"content": made["_tools"] or ""},
    ]
    # The templates join what the converter hands on, so a value that is no text ends the program a step later.
    return "taken" if all(isinstance(one["content"], str) for one in texts) else "no text"


for asked in sys.stdin:
    print(verdict(json.loads(asked)[1]), flush=True)
