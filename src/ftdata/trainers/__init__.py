"""Trainers: hand a proven run to a service or a local tool; `STAGES` says where each one stands."""

from __future__ import annotations

STAGES: dict[str, str] = {"lora": "lora:Lora", "openai": "openai:OpenAITrainer"}
