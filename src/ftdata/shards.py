"""Data sets of several files in one folder, as the Hugging Face hub and `datasets` lay them out.

A folder is one data set if all that it holds is Parquet or Arrow files, and what stands beside these: a card, the
files that `save_to_disk` or Spark leave. Splits go by folder or file name (`train-00000-of-00002.parquet`,
`test/data-00000-of-00001.arrow`), as `datasets` reads them (docs: "Structure your repository", 5.2).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from ftdata.errors import InputError

_SHARD = (".parquet", ".arrow", ".feather", ".pq")
_BESIDE = re.compile(
    r"dataset_infos?\.json|dataset_dict\.json|state\.json|_SUCCESS|_metadata|_common_metadata|LICEN[CS]E.*"
    r"|.*\.(md|rst|gitattributes|crc)",
    re.IGNORECASE,
)
_SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
_WORD = re.compile(r"[A-Za-z]+")
_LAYOUT = re.compile(r"data|.*=.*")  # folders that say nothing: the hub's `data`, partitions such as `year=2024`


def in_order(members: Sequence[str]) -> tuple[str, ...]:
    """List the shards among a folder's files, by name; none if it holds anything else."""
    shards = [name for name in members if name.lower().endswith(_SHARD)]
    others = [name for name in members if not name.lower().endswith(_SHARD)]
    if not all(_BESIDE.fullmatch(posixpath.basename(name)) for name in others):
        return ()
    saved = {posixpath.dirname(name) for name in others if posixpath.basename(name) == "state.json"}
    # Beside a saved data set lie the results of `map`, as `cache-<hash>.arrow`: they are no part of it.
    return tuple(
        name
        for name in sorted(shards)
        if not (posixpath.dirname(name) in saved and posixpath.basename(name).startswith("cache-"))
    )


def split_of(member: str) -> str | None:
    """Give the split that a shard's folder or name tells: `train`, `validation` or `test`; None: it tells none.

    >>> split_of("data/dev-00000-of-00001.parquet"), split_of("test/data-00000-of-00001.arrow"), split_of("a.parquet")
    ('validation', 'test', None)
    """
    *folders, file = member.split("/")
    for part in (*reversed(folders), file):
        for word in _WORD.findall(part.rpartition(".")[0] if part is file else part):
            if word.lower() in _SPLITS:
                return _SPLITS[word.lower()]
    return None


def chosen(shards: Sequence[str], which: str | None, name: str) -> tuple[str, ...]:
    """Take the shards that `which` names: a split, a folder (a configuration), or both (`main/train`); None: all.

    Raises `InputError` if there are none, or if several configurations would be mixed: each holds the same rows in
    another form.
    """
    words = which.split("/") if which else []
    found = list(shards)
    for word in words:
        split = _SPLITS.get(word.lower())
        inside = [shard for shard in found if word in shard.split("/")]
        found = inside or [shard for shard in found if split is not None and split_of(shard) == split]
    kinds = sorted({folder for shard in found for folder in _configuration(shard)})
    if not found:
        splits = sorted({split for shard in shards if (split := split_of(shard))} | set(kinds))
        raise InputError(f"{name}: no file of that split or folder; it has {', '.join(splits) or 'no splits'}")
    told = {_configuration(shard) for shard in found}
    if len(told) > 1:
        raise InputError(f"{name}: holds several configurations ({', '.join(kinds[:8])}); name one: {name}:{kinds[0]}")
    return tuple(found)


def _configuration(shard: str) -> tuple[str, ...]:
    folders = shard.split("/")[:-1]
    return tuple(part for part in folders if not _LAYOUT.fullmatch(part) and part.lower() not in _SPLITS)
