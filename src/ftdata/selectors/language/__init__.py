"""The language of each conversation, told by a detector and checked against the languages of the whole corpus."""

from ftdata.selectors.language.stage import Language

__all__ = ["Language"]
