"""The card of an adapter: of what, from what, how and with what it was made. No text of a row, no path of a machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def card(
    *,
    run: str,
    model: str,
    licence: str,
    hashes: Mapping[str, str],
    rows: Mapping[str, int],
    settings: Mapping[str, Any],
    numbers: Mapping[str, Any],
    versions: Mapping[str, str | None],
    ftdata: str,
) -> str:
    """Write the card, in Markdown with the head that model hubs read."""
    head = {
        "base_model": model,
        "library_name": "peft",
        "base_model_licence": licence,
        "tags": ["lora", "trl", str(settings.get("method", "sft"))],
    }
    lines = ["---", *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()), "---", ""]
    lines += [
        f"# LoRA adapter: {run}",
        "",
        f"Base model: `{model}`, licence: {licence}. The adapter needs it to run.",
        "",
    ]
    lines += ["## Data", "", "| file | rows | sha256 |", "|---|---|---|"]
    lines += [f"| {split} | {rows[split]:,} | `{digest}` |" for split, digest in hashes.items()]
    lines += ["", "## Settings", "", "| setting | value |", "|---|---|"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in settings.items()]
    lines += ["", "## What was measured", "", "| figure | value |", "|---|---|"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in numbers.items()]
    named = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    lines += [
        "",
        "The losses by step are in `metrics.csv`. A loss says nothing of use: `ftdata eval` compares with the base.",
        "",
    ]
    lines += [f"Made with ftdata {ftdata}, {named}.", ""]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
