"""Readers of training layouts, public sets' and services': one record is one row. Adding one is a new file here."""

from ftdata.readers.layouts.alpaca import Alpaca
from ftdata.readers.layouts.anthropic_hh import AnthropicHH
from ftdata.readers.layouts.bedrock import Bedrock
from ftdata.readers.layouts.cohere import Cohere
from ftdata.readers.layouts.dolly import Dolly
from ftdata.readers.layouts.gemini import Gemini
from ftdata.readers.layouts.glaive import Glaive
from ftdata.readers.layouts.hermes import Hermes
from ftdata.readers.layouts.kto import Kto
from ftdata.readers.layouts.llama_factory import LlamaFactory
from ftdata.readers.layouts.preference import Preference
from ftdata.readers.layouts.question_answer import QuestionAnswer
from ftdata.readers.layouts.rendered_text import RenderedText
from ftdata.readers.layouts.sharegpt import ShareGPT
from ftdata.readers.layouts.trl_completion import TrlCompletion

__all__ = [
    "Alpaca",
    "AnthropicHH",
    "Bedrock",
    "Cohere",
    "Dolly",
    "Gemini",
    "Glaive",
    "Hermes",
    "Kto",
    "LlamaFactory",
    "Preference",
    "QuestionAnswer",
    "RenderedText",
    "ShareGPT",
    "TrlCompletion",
]
