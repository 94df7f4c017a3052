"""Lay an adapter into its base model, and save the whole. Run by path, with the Python of the trainer environment.

Arguments: the base model, the adapter's folder, the folder to fill.
"""

from __future__ import annotations

import importlib
import sys


def merge(base: str, adapter: str, into: str) -> None:
    """Merge; the weights keep the precision of the base."""
    transformers = importlib.import_module("transformers")
    peft = importlib.import_module("peft")
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    merged = peft.PeftModel.from_pretrained(model, adapter).merge_and_unload()
    merged.save_pretrained(into)
    transformers.AutoTokenizer.from_pretrained(adapter).save_pretrained(into)


if __name__ == "__main__":
    merge(*sys.argv[1:])
