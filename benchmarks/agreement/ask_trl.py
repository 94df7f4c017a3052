"""Ask TRL about each row of standard input: what its trainers make of it before they train.

Runs with trl==1.16.0 and what it needs (transformers, datasets, torch). A row with chosen or rejected is prepared as
DPOTrainer prepares it, every other as SFTTrainer does, with `assistant_only_loss` unless it is a prompt and a
completion or a text (what ftdata writes into a config): by the methods of the trainers themselves, with a tokenizer of
one token a byte and Qwen's chat template for training. The row is handed over as it stands in the file, so what a
loader of files makes of it is not in question here (see `ask_datasets.py`). `nothing`: nothing would be learnt.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from types import SimpleNamespace
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

from datasets import IterableDataset
from tiny import template, tokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.data_utils import is_conversational

logging.disable(logging.WARNING)
TOKENIZER = tokenizer(template("qwen2_5_training"))
SFT = {
    told: SFTConfig(output_dir="unused", report_to="none", use_cpu=True, assistant_only_loss=told) for told in (0, 1)
}
DPO = DPOConfig(output_dir="unused", report_to="none", use_cpu=True)


def prepared(row: dict[str, Any]) -> dict[str, Any]:
    """Prepare a row as the trainer does that it is for."""
    rows = IterableDataset.from_generator(lambda: iter([row]))
    paired = bool({"chosen", "rejected"} & row.keys())
    self: Any = SimpleNamespace(
        _tokenizer=TOKENIZER,
        chat_template=None,
        completion_only_loss="prompt" in row,
        _is_vlm=False,
        padding_free=False,
    )
    if paired:
        made = DPOTrainer._prepare_dataset(self, rows, TOKENIZER, DPO, "train")
    else:
        only = not {"prompt", "text"} & row.keys()
        if only and not is_conversational(row):
            raise ValueError("assistant_only_loss, and the rows as they stand are no conversations")  # as its __init__
        args = SFT[only]
        made = SFTTrainer._prepare_dataset(self, rows, TOKENIZER, args, False, None, "train")
    return next(iter(made))


def verdict(line: str) -> str:
    """Say whether the row is taken, or the error that ends the preparation."""
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            return "no object"
        made = prepared(row)
    except Exception as error:
        return f"crash {type(error).__name__}"
    learnt = made["labels"] if "labels" in made else [*made["chosen_ids"], *made["rejected_ids"]]
    return "taken" if any(token != -100 for token in learnt) else "nothing"


for asked in sys.stdin:
    print(verdict(json.loads(asked)[1]), flush=True)
