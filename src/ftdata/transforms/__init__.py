"""Transforms: see one row at a time; edit texts or meta, add flags, or give a reason to drop."""

from __future__ import annotations

from ftdata.stages import Transform
from ftdata.transforms.filter import Filter
from ftdata.transforms.length import Length
from ftdata.transforms.pii import Pii
from ftdata.transforms.placeholders import Placeholders
from ftdata.transforms.quality import Quality
from ftdata.transforms.system import System
from ftdata.transforms.turns import Turns

STAGES: tuple[type[Transform], ...] = (Filter, System, Pii, Placeholders, Quality, Length, Turns)
