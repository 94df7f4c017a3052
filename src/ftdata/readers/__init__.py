"""Readers: one file each; adding one is a new file and its class in `STAGES`."""

from ftdata.readers.openai_chat import OpenAIChat
from ftdata.readers.tickets import Tickets
from ftdata.stages import Reader

STAGES: tuple[type[Reader], ...] = (OpenAIChat, Tickets)
