"""Transforms: see one row at a time; edit texts or meta, add flags, or give a reason to drop.

`STAGES` says where each one stands, so that a run imports those that it uses.
"""

from __future__ import annotations

STAGES: dict[str, str] = {
    "filter": "filter:Filter",
    "system": "system:System",
    "pii": "pii:Pii",
    "placeholders": "placeholders:Placeholders",
    "quality": "quality:Quality",
    "length": "length:Length",
    "turns": "turns:Turns",
    "fit": "fit:Fit",
}
