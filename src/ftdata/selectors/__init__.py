"""Selectors: decide what depends on other rows, from small sketches of all of them."""

from __future__ import annotations

from ftdata.selectors.contradictions import Contradictions
from ftdata.selectors.decontaminate import Decontaminate
from ftdata.selectors.downsample import Downsample
from ftdata.selectors.exact_dedup import ExactDedup
from ftdata.selectors.language import Language
from ftdata.selectors.mix import Mix
from ftdata.selectors.near_dedup import NearDedup
from ftdata.selectors.split import Split
from ftdata.stages import Selector

STAGES: tuple[type[Selector], ...] = (
    Contradictions,
    Decontaminate,
    Downsample,
    ExactDedup,
    Language,
    Mix,
    NearDedup,
    Split,
)
