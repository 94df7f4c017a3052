"""Readers: one file each; adding one is a new file and its class in `STAGES`."""

from ftdata.readers.chat_log import ChatLog
from ftdata.readers.openai_chat import OpenAIChat
from ftdata.readers.prompt_completion import PromptCompletion
from ftdata.readers.tickets import Tickets
from ftdata.stages import Reader

STAGES: tuple[type[Reader], ...] = (ChatLog, OpenAIChat, PromptCompletion, Tickets)
