"""Writers: from batches to files, under a scratch folder that the engine publishes."""

from __future__ import annotations

from ftdata.stages import Writer
from ftdata.writers.hf_dataset import HfDataset
from ftdata.writers.openai_chat import OpenAIChat

STAGES: tuple[type[Writer], ...] = (OpenAIChat, HfDataset)
