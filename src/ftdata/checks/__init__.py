"""The checks that come with ftdata: they look at a dataset and judge it."""

from __future__ import annotations

from ftdata.checks.balance import Balance
from ftdata.checks.diversity import Diversity
from ftdata.checks.format import Format
from ftdata.checks.lengths import Lengths
from ftdata.checks.private_data import PrivateData
from ftdata.checks.size import Size
from ftdata.stages import Check

STAGES: tuple[type[Check], ...] = (Balance, Diversity, Format, Lengths, PrivateData, Size)
