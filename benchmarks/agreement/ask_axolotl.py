"""Ask axolotl's chat_template strategy about each row of standard input.

Runs with axolotl==0.19.0 (installed without its dependencies) and trl, transformers, datasets and torch. The strategy
of `type: chat_template` with `field_messages: messages` is asked to make tokens of the row: with a tokenizer of one
token a byte and Qwen's chat template. `nothing`: no token of the row would be learnt.
"""

from __future__ import annotations

import json
import logging
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

from axolotl.prompt_strategies.chat_template import ChatTemplatePrompter, ChatTemplateStrategy
from tiny import template, tokenizer

logging.disable(logging.ERROR)
TEMPLATE = template("qwen2_5")
TOKENIZER = tokenizer(TEMPLATE)
PROMPTER = ChatTemplatePrompter(
    TOKENIZER,
    chat_template=TEMPLATE,
    max_length=100_000,
    message_property_mappings={"role": "role", "content": "content"},
    message_field_training="train",
)
STRATEGY = ChatTemplateStrategy(
    PROMPTER, tokenizer=TOKENIZER, train_on_inputs=False, sequence_len=100_000, roles_to_train=["assistant"],
    train_on_eos="turn",
)  # fmt: skip


def verdict(line: str) -> str:
    """Say whether the row is taken, or the error that ends the program."""
    try:
        made = STRATEGY.tokenize_prompt(json.loads(line))
    except Exception as error:
        return f"crash {type(error).__name__}"
    learnt = made.get("labels", [])
    flat = [token for one in learnt for token in (one if isinstance(one, list) else [one])]
    return "taken" if any(token != -100 for token in flat) else "nothing"


shown = sys.stdout
sys.stdout = sys.stderr  # axolotl prints
for asked in sys.stdin:
    print(verdict(json.loads(asked)[1]), file=shown, flush=True)
