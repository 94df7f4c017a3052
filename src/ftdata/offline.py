"""Another Python on this machine, that works offline: which one it is, and what of our environment it gets."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable

_NAMED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HF_HOME")
_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "NCCL_", "HIP_", "ROCM_", "PYTORCH_", "OMP_", "MKL_", "KMP_", "BNB_")


def interpreter(python: str | None) -> str | None:
    """Give the whole path of a Python, by default of the one that runs this; None: there is none of that name.

    The path is not resolved further: a virtual environment is known by its link.
    """
    found = sys.executable if python is None else shutil.which(python)
    return None if found is None else os.path.abspath(found)


def environment(named: Iterable[str] = (), prefixes: Iterable[str] = ()) -> dict[str, str]:
    """Give the environment of a process that runs with another Python: offline, no telemetry, no key of ours.

    What may pass is listed: variables of the system and of the devices, those that are `named`, those that begin with
    one of `prefixes`. What lies in the user's cache of the hub can be read: a model that is named is looked up there.
    """
    names, starts = {*_NAMED, *named}, (*_PREFIXES, *prefixes)
    return {
        **{key: value for key, value in os.environ.items() if key in names or key.startswith(starts)},
        "HF_HUB_CACHE": _hub(),
        **dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1"),
        **dict.fromkeys(("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"), "1"),
        **dict.fromkeys(("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS"), "1"),
        **dict.fromkeys(("PYTHONUNBUFFERED", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE"), "1"),
        "TOKENIZERS_PARALLELISM": "false",
    }


def _hub() -> str:
    """Give the user's cache of the hub, wherever the environment puts it."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return os.path.abspath(HF_HUB_CACHE)
