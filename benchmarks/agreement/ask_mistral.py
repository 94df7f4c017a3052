"""Ask mistral-finetune's validation of data about each row of standard input: `ask_mistral.py CHECKOUT`.

Runs with mistral_common==1.3.4 in its own environment; CHECKOUT is the folder of mistralai/mistral-finetune (of it only
`finetune/data/tokenize.py` and `exceptions.py` are read), whose `utils/validate_data.py` does the same two steps: build
the sample, which validates it, and tokenize it. What that program does not catch would end it: `crash`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

sys.path.insert(0, sys.argv[1])

from mistral_common.protocol.instruct.validator import MistralRequestValidatorV3
from mistral_common.tokens.tokenizers import sentencepiece
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

# The checkout is written for a later mistral_common, which in two places has one more argument (continue: no).
sys.modules["mistral_common.tokens.tokenizers.instruct"] = sentencepiece


class _Validator(MistralRequestValidatorV3):  # type: ignore[misc, type-arg]
    def validate_messages(self, messages: list[Any], _: bool = False) -> None:
        super().validate_messages(messages)


sys.modules[MistralRequestValidatorV3.__module__].MistralRequestValidatorV3 = _Validator  # type: ignore[attr-defined]

from finetune.data.tokenize import build_instruct_sample, tokenize  # noqa: E402

TOKENIZER = MistralTokenizer.v3().instruct_tokenizer
encode = TOKENIZER.encode_assistant_message
TOKENIZER.encode_assistant_message = lambda message, is_before_last_user_message, continue_message: encode(
    message, is_before_last_user_message
)
FORMAT = ("ConversationFormatError", "UnrecognizedRoleError", "MessageFormatError", "ToolCallFormatError")
CAUGHT = (*FORMAT, "FunctionFormatError", "TokenizerException")


def verdict(line: str) -> str:
    """Say whether the row is taken, or the error by which it is refused."""
    try:
        tokenize(build_instruct_sample(json.loads(line)), TOKENIZER)
    except Exception as error:
        name = type(error).__name__
        return name if name in CAUGHT or name.startswith("Invalid") else f"crash {name}"
    return "taken"


for asked in sys.stdin:
    print(verdict(json.loads(asked)[1]), flush=True)
