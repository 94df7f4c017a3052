"""Personal data and secrets: found by check digits and fixed shapes, names by columns and greetings; replaced."""

from ftdata.transforms.pii.rules import TYPES
from ftdata.transforms.pii.stage import Pii, count, scrub

__all__ = ["TYPES", "Pii", "count", "scrub"]
