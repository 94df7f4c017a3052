"""LoRA with TRL on a machine of one's own."""

from __future__ import annotations

from ftdata.trainers.lora.trainer import Lora

__all__ = ["Lora"]
