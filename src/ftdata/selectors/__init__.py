"""Selectors: decide what depends on other rows, from small sketches of all of them; `STAGES` says where each stands."""

from __future__ import annotations

STAGES: dict[str, str] = {
    "contradictions": "contradictions:Contradictions",
    "decontaminate": "decontaminate:Decontaminate",
    "downsample": "downsample:Downsample",
    "exact-dedup": "exact_dedup:ExactDedup",
    "language": "language:Language",
    "mix": "mix:Mix",
    "near-dedup": "near_dedup:NearDedup",
    "split": "split:Split",
}
