"""Trainers: hand a proven run to a service or a local tool."""

from __future__ import annotations

from ftdata.stages import Trainer

STAGES: tuple[type[Trainer], ...] = ()
