"""Near-duplicates: rows that say nearly the same as one that is kept, and what their answers make of it."""

from ftdata.selectors.near_dedup.stage import NearDedup

__all__ = ["NearDedup"]
