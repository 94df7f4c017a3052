"""Tell what a trainer environment has, as JSON on stdout. Run by path, with its own Python; imports no torch.

Versions come from the metadata of what is installed, the CUDA that torch was built for from torch's `version.py`, the
graphics cards from `nvidia-smi`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

NEEDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
ALSO = ("bitsandbytes", "tokenizers", "wandb", "tensorboard", "trackio")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cuda() -> str | None:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        told = (Path(spec.origin).parent / "version.py").read_text()
    except OSError:
        return None
    hit = re.search(r"^cuda\b[^=\n]*=\s*['\"]([\d.]+)['\"]", told, re.M)
    return hit[1] if hit else None


def _cards() -> list[dict[str, Any]]:
    asked = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    cards = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line.count(",") == 2]
    return [{"name": name, "mebibytes": int(memory), "capability": float(of)} for name, memory, of in cards]


def _bf16() -> bool:
    """Whether the processor computes in bfloat16 by itself."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", flags) is not None


def facts() -> dict[str, Any]:
    """Give what is there."""
    can = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return {
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in (*NEEDED, *ALSO)},
        "cuda": _cuda(),
        "cards": _cards(),
        "bf16": _bf16(),
        "threads": len(can),
        "apple": sys.platform == "darwin" and platform.machine() == "arm64",
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(facts()) + "\n")
