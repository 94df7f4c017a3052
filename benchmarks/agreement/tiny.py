"""A tokenizer that needs no download: one token a byte, and the marks of Qwen's chat template, which TRL ships."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any


def template(name: str) -> str:
    """Give the text of a chat template that TRL ships."""
    found = importlib.util.find_spec("trl")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent.joinpath("chat_templates", f"{name}.jinja").read_text()


def tokenizer(chat_template: str) -> Any:
    """Make the tokenizer with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    told = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    told.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    told.chat_template = chat_template
    return told
