"""Data sets on the Hugging Face hub: `hf://owner/name`, fetched only where the network is permitted.

Only data files are fetched, never a script; they lie in the hub's own cache, so that a second look costs nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from ftdata.errors import InputError

# A pydantic Path folds the two slashes into one.
_ID = re.compile(r"hf:/{1,2}(?P<id>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?(?::(?P<which>.+))?")
_TEXT = ("*.jsonl", "*.json", "*.csv", "*.tsv", "*.txt")
_FILES = ["*.parquet", "*.arrow", *_TEXT, *(f"{name}.{packed}" for name in _TEXT for packed in ("gz", "zst", "xz"))]


def is_hub(path: Path | str) -> bool:
    """Say whether a path is the id of a data set on the hub."""
    return str(path).startswith(("hf:/", "hf://"))


def fetched(path: Path | str, network: bool) -> tuple[Path, str | None]:
    """Fetch a data set: the folder that holds it, and the split or file that the id names after a colon.

    `hf://owner/name`, `hf://owner/name@revision`, `hf://owner/name:train`. Raises `InputError` for anything else; where
    the network is not permitted, before any connection is made; and where the hub does not give it.
    """
    match = _ID.fullmatch(str(path))
    if match is None:
        raise InputError(f"{path}: is no id of a data set; write hf://owner/name, or hf://owner/name@revision:split")
    shown = f"hf://{match['id']}"
    if not network:
        raise InputError(
            f"{shown}: is on the Hugging Face hub, and the network is not permitted; "
            "set network = true in [run], or --allow-network, or download it and give the folder"
        )
    import huggingface_hub

    try:
        folder = huggingface_hub.snapshot_download(
            match["id"], repo_type="dataset", revision=match["revision"], allow_patterns=_FILES
        )
    except Exception as error:  # errors of the hub, of HTTP and of the disk have no base class of their own
        told = type(error).__name__
        raise InputError(f"{shown}: could not be fetched ({told}); check the name, the token, the network") from None
    return Path(folder), match["which"]
