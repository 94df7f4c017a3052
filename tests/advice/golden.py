"""Fourteen datasets of known truth for `ftdata advise`, made from seeds: what is planted, and where.

They were made, with the verdicts in `expected.toml`, before the first rule of advice was written: a rule is held to
them, they are never fitted to a rule. `golden_changes.py` has the changes under which a verdict must hold.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import golden_behaviour as behaviour
import golden_flaws as flaws
import golden_knowledge as knowledge
from golden_rows import Golden, Truth

__all__ = ["DATASETS", "Golden", "Truth", "expected", "make"]

DATASETS: dict[str, Callable[[], Golden]] = {
    "facts-only": knowledge.facts_only,
    "style-only": behaviour.style_only,
    "contradictory": knowledge.contradictory,
    "macros": flaws.macros,
    "tiny": behaviour.tiny,
    "imbalanced": flaws.imbalanced,
    "refusal-heavy": flaws.refusal_heavy,
    "drifting": knowledge.drifting,
    "duplicated": flaws.duplicated,
    "multilingual": behaviour.multilingual,
    "pii-laden": flaws.pii_laden,
    "toxic": flaws.toxic,
    "tool-calling": behaviour.tool_calling,
    "mixed": knowledge.mixed,
}
"""Every dataset by its name."""


@cache
def make(name: str) -> Golden:
    """Make a dataset; the same one always. Its rows are not to be changed."""
    return DATASETS[name]()


@cache
def expected() -> dict[str, Any]:
    """Read what is expected: `signal.<name>` says what each signal means, `dataset.<name>` the verdict and truth."""
    return tomllib.loads((Path(__file__).parent / "expected.toml").read_text(encoding="utf-8"))
