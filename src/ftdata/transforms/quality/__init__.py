"""Quality of texts and answers: a table of rules, each off, a warning, a reason to drop, some a repair."""

from ftdata.transforms.quality.rules import RULES
from ftdata.transforms.quality.stage import Quality

__all__ = ["RULES", "Quality"]
