"""A small tokenizer in a folder, trained on a few words."""

from __future__ import annotations

import json
from pathlib import Path

SPECIALS = ("<|im_start|>", "<|im_end|>", "<s>")
WORDS = ("hello world, where is my order?", "it left us on Monday", "user assistant system tool", "olá pedido número")


def make_folder(place: Path, template: str | None = None) -> Path:
    """Write `tokenizer.json` and `tokenizer_config.json`; give the folder."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=340, special_tokens=list(SPECIALS), initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(WORDS * 3, trainer)
    folder = place / "model"
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    config = {"bos_token": "<s>", "eos_token": {"content": "<|im_end|>"}, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(
        json.dumps(config | ({"chat_template": template} if template else {}))
    )
    return folder
