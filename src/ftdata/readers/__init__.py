"""Readers: one file each; adding one is a new file and its class in `STAGES`."""

from ftdata.readers.abcd import Abcd
from ftdata.readers.chat_log import ChatLog
from ftdata.readers.chatgpt import ChatGPT
from ftdata.readers.claude import Claude
from ftdata.readers.discord import Discord
from ftdata.readers.email import Email
from ftdata.readers.help_desk import HelpDesk
from ftdata.readers.irc import Irc
from ftdata.readers.layouts import (
    Alpaca,
    AnthropicHH,
    Bedrock,
    Cohere,
    Dolly,
    Gemini,
    Glaive,
    Hermes,
    Kto,
    LlamaFactory,
    Preference,
    QuestionAnswer,
    RenderedText,
    ShareGPT,
    TrlCompletion,
)
from ftdata.readers.messenger import Messenger
from ftdata.readers.openai_chat import OpenAIChat
from ftdata.readers.prompt_completion import PromptCompletion
from ftdata.readers.signal import Signal
from ftdata.readers.slack import Slack
from ftdata.readers.teams import Teams
from ftdata.readers.telegram import Telegram
from ftdata.readers.tickets import Tickets
from ftdata.readers.whatsapp import WhatsApp
from ftdata.stages import Reader

STAGES: tuple[type[Reader], ...] = (
    Abcd,
    Alpaca,
    AnthropicHH,
    Bedrock,
    ChatGPT,
    ChatLog,
    Claude,
    Cohere,
    Discord,
    Dolly,
    Email,
    Gemini,
    Glaive,
    HelpDesk,
    Hermes,
    Irc,
    Kto,
    LlamaFactory,
    Messenger,
    OpenAIChat,
    Preference,
    PromptCompletion,
    QuestionAnswer,
    RenderedText,
    ShareGPT,
    Signal,
    Slack,
    Teams,
    Telegram,
    Tickets,
    TrlCompletion,
    WhatsApp,
)
