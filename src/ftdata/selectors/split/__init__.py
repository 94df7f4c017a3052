"""Train, validation and test sides, and the rows that must go so that nothing of one side is known on another."""

from ftdata.selectors.split.stage import Split

__all__ = ["Split"]
