"""Spools that outlive a crash: a finished section is taken over when nothing that decided it has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ftdata import earlier, files
from ftdata.account import DROPPED, Account
from ftdata.errors import InputError
from ftdata.manifest import InputPart
from ftdata.recipe import Recipe
from ftdata.spool import Frames, Spool
from ftdata.stages import Finding, Stage


def key(recipe: Recipe, done: list[Stage], kept_meta: frozenset[str] | None) -> str:
    """Give the key of a spool: all that decided what is in it, but for the bytes of the inputs."""
    from importlib.metadata import version

    stages: list[Stage] = [*recipe.readers, *done]
    dump = recipe.dump()
    text = json.dumps(
        {
            "format": 1,  # of the state file below
            "run": {name: value for name, value in dump["run"].items() if name != "jobs"},
            "read": dump["read"],
            "steps": dump["step"][: len(done)],
            "meta": None if kept_meta is None else sorted(kept_meta),
            "folder": str(recipe.folder.resolve()),
            "ftdata": version("ftdata"),
            "plugins": dict(recipe.plugins),
            "libraries": {name: version(name) for stage in stages for name in stage.decides_with},
            "outside": [stage.outside() for stage in stages],
            "earlier": [_hashes(recipe, path) for stage in stages for path in getattr(stage, "against", ())],
        },
        sort_keys=True,
        default=str,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _hashes(recipe: Recipe, path: Path) -> list[str]:
    try:
        return [files.sha256(file) for file in earlier.files(recipe.folder / path)]
    except InputError:
        return []  # whoever reads it will say so


def save(account: Account, spool: Spool, number: int, key_: str) -> None:
    """Note that a spool is finished, with the account up to there; the one before is not needed any more."""
    files.sync(spool.path)
    for part in [*account.parts, *account.texts]:
        files.sync(part.path)
    state = {
        "key": key_,
        "starts": spool.starts,
        "rows": spool.rows,
        "inputs": [part.model_dump() for part in account.inputs],
        "earlier": [part.model_dump() for part in account.earlier],
        "row_count": account.row_count,
        "rows_by_reader": account.rows_by_reader,
        "record_count": account.record_count,
        "events": [[part.path.name, part.rows] for part in account.parts],
        "texts": [[part.path.name, part.rows] for part in account.texts],
        "found": [[label, asdict(finding)] for label, finding in account.found],
        "summaries": account.summaries,
        "keys": {label: sorted(keys) for label, keys in account.seen_keys.items()},
    }
    work = account.record.work
    files.save(work / f"spool-{number}.json", json.dumps(state))
    for old in (f"spool-{number - 1}.json", f"spool-{number - 1}.arrow"):
        files.remove(work / old)


def take_over(account: Account, number: int, key_: str) -> Spool | None:
    """Take over the finished spool of a section and the account up to there, if key and inputs are equal."""
    work = account.record.work
    path = work / f"spool-{number}.json"
    if not path.exists():
        return None
    state = json.loads(path.read_bytes())
    if state["key"] != key_ or not _unchanged(account.recipe, state):
        return None
    spool = Spool(work / f"spool-{number}.arrow", state["starts"])
    names = [name for name, _ in [*state["events"], *state["texts"]]]
    if not all(file.exists() for file in (spool.path, *(work / name for name in names))):
        return None  # a run that had published died while it removed its work
    spool.rows = state["rows"]
    account.inputs = [InputPart(**part) for part in state["inputs"]]
    account.earlier = [InputPart(**part) for part in state["earlier"]]
    account.row_count, account.record_count = state["row_count"], state["record_count"]
    account.rows_by_reader = state["rows_by_reader"]
    account.records.set(np.arange(1, account.record_count + 1), DROPPED, "resume")
    for name, rows in state["events"]:
        part = Frames(work / name)
        part.rows = rows
        account.parts.append(part)
        for frame in part:
            gone = frame.filter(pl.col("event") == "drop")
            account.rows.set(gone["row"].to_numpy(), DROPPED, "resume")
    for name, rows in state["texts"]:
        text = Frames(work / name)
        text.rows = rows
        account.texts.append(text)
    account.found = [(label, Finding(**{**f, "where": tuple(f["where"])})) for label, f in state["found"]]
    account.summaries = state["summaries"]
    account.seen_keys = {label: set(keys) for label, keys in state["keys"].items()}
    account.resumed = [f"section {n + 1}" for n in range(number + 1)]
    return spool


def clear(account: Account, spool: Spool | None) -> None:
    """Remove all work but that which was taken over."""
    keep = {"scratch.json"}
    if spool is not None:
        keep |= {spool.path.name, spool.path.with_suffix(".json").name}
        keep |= {part.path.name for part in [*account.parts, *account.texts]}
    for old in account.record.work.iterdir():
        if old.name not in keep:
            files.remove(old)


def _unchanged(recipe: Recipe, state: dict[str, Any]) -> bool:
    """Say whether the inputs of a finished spool still hold the same bytes.

    The paths are the recipe's, which the key stands for: the state itself names no file that a person may be named in.
    """
    if len(recipe.readers) != len(state["inputs"]):
        return False  # several files to one reader, or tables that it looked things up in: read them again
    for reader, part in zip(recipe.readers, state["inputs"], strict=True):
        path = recipe.folder / reader.path
        if not path.is_file() or files.sha256(path) != part["sha256"]:
            return False
    return True
