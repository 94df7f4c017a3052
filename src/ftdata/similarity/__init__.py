"""Which rows say nearly the same? What is compared, how it is sketched, and the search for twins.

    what a row says ─► shingles ─► sketch (of fixed size) ─► candidates that share a band ─► exact Jaccard ─► twins

Used by every stage that asks this question: near-dedup, split, decontaminate, the checks of diversity and conflicts.
"""

from ftdata.similarity.shingles import spoken
from ftdata.similarity.sketch import SKETCH, sketch
from ftdata.similarity.twins import Twins, twins

__all__ = ["SKETCH", "Twins", "sketch", "spoken", "twins"]
