"""The manifest: what a run read, decided and wrote, in counts, hashes and names; no text of any row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ftdata import files
from ftdata.errors import RunError
from ftdata.files import Move, Record

Status = Literal["done", "findings", "failed", "interrupted"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class InputPart(_Part):
    """One file that was read: `first` and `records` say which record numbers are its own."""

    path: str
    name: str
    bytes: int
    sha256: str
    encoding: str | None = None
    first: int
    records: int
    use: str
    lookup: bool = False
    legacy: dict[str, Any] | None = None
    notes: list[str] = []


class OutputPart(_Part):
    """One file that was written."""

    path: str
    use: str
    split: str | None = None
    rows: int
    lines: int
    bytes: int
    sha256: str


class StagePart(_Part):
    """One stage: its label, how many rows came in (of a reader: how many it gave), and what became of them."""

    label: str
    use: str
    kind: str
    rows: int
    dropped: int = 0
    edited: int = 0
    flagged: int = 0
    summary: dict[str, Any] = {}


class FindingPart(_Part):
    """What a check said."""

    stage: str
    code: str
    level: Literal["error", "warn", "info"]
    message: str
    numbers: dict[str, Any] = {}
    where: list[str] = []


class HandoffPart(_Part):
    """One hand-over of the outputs to a trainer: to whom, what, and which conditions were accepted, by whom, and why.

    `accepted` gives the reason that the user stated for each condition that did not hold.
    """

    trainer: str
    destination: str
    number: int
    tag: str
    hashes: dict[str, str]
    accepted: dict[str, str] = {}
    by: str
    at: str


class Manifest(_Part):
    """The record of one run. `rows`: read = written + dropped; `records`: the same for the source's own records."""

    ftdata: str
    name: str
    status: Status
    error: str | None = None
    recipe: dict[str, Any]
    folder: str = Field(description="the recipe's folder, to which its paths are relative; relative to the record")
    plugins: dict[str, str] = {}
    inputs: list[InputPart] = []
    records: int = 0
    rows: int = 0
    written: int = 0
    dropped: dict[str, dict[str, int]] = {}
    written_records: int = 0
    dropped_records: int = 0
    flags: dict[str, dict[str, int]] = {}
    stages: list[StagePart] = []
    findings: list[FindingPart] = []
    outputs: list[OutputPart] = []
    limits: dict[str, Any] = {}
    resumed: list[str] = []
    seed: int = 0
    ledger_sha256: str | None = None
    started: str = ""
    finished: str = ""
    publish: list[dict[str, Any]] = []
    handoffs: list[HandoffPart] = []

    @field_validator("recipe")
    @classmethod
    def _tables(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        for kind in ("read", "step", "write"):
            entries = recipe.get(kind, [])
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise ValueError(f"{kind}: is no list of tables")
        if not isinstance(recipe.get("run", {}), dict):
            raise ValueError("run: is no table")
        return recipe

    @property
    def dropped_rows(self) -> int:
        """Rows that were dropped, over all stages and reasons."""
        return sum(count for reasons in self.dropped.values() for count in reasons.values())


def load(path: Path) -> Manifest:
    """Read a manifest file; raise `RunError` if it is not one."""
    try:
        if path.exists() and not path.is_file():
            raise OSError
        return Manifest.model_validate(json.loads(path.read_bytes()))
    except (ValueError, OSError, RecursionError) as error:
        told = f"is not a manifest that this version reads ({type(error).__name__})"
        raise RunError(f"{path}: {told}; run the recipe again, or use the version that wrote it") from None


def note(record: Record, part: HandoffPart) -> None:
    """Add a hand-over to the manifest that the outputs belong to; one that it lists already is not added again."""
    with record.locked():
        manifest = load(record.manifest)
        if part.tag not in {other.tag for other in manifest.handoffs}:
            manifest.handoffs.append(part)
            text = json.dumps(manifest.model_dump(mode="json", exclude_defaults=False), ensure_ascii=False, indent=1)
            files.save(record.manifest, text + "\n")


def known_hashes(record: Record) -> set[str]:
    """Give the sha256 of every file that earlier runs of a record published, or were about to."""
    known: set[str] = set()
    for path in (record.manifest, record.intent):
        if path.exists():
            for move in load(path).publish:
                known.update(Move(**move).files.values())
    return known
