"""Writers: from batches to files, under a scratch folder that the engine publishes; `STAGES` says where each stands."""

from __future__ import annotations

STAGES: dict[str, str] = {"openai-chat": "openai_chat:OpenAIChat", "hf-dataset": "hf_dataset:HfDataset"}
