"""Fit one file to several targets: for each a run of its own, from the reader that knows the file to its writer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftdata import flow, hooks, sniff
from ftdata.errors import InputError, RunError
from ftdata.flow import Watch
from ftdata.manifest import Manifest
from ftdata.recipe import Recipe
from ftdata.source import Source
from ftdata.stages import Reader
from ftdata.targets import Profile, load
from ftdata.targets.layouts import most_common
from ftdata.targets.lines import LineFinding, check_file
from ftdata.transforms.fit.aim import fields_for, pair_layout
from ftdata.transforms.fit.draft import ASIDE

_STEP = "fit"
_SAMPLE = 200  # rows that are looked at to tell the layout


@dataclass(frozen=True)
class Fitted:
    """What came of one target: the manifest of its run, its file, and what is still wrong with that.

    `error` says why nothing was written; then the manifest is null, and so is the file.
    """

    target: str
    manifest: Manifest | None = None
    file: Path | None = None
    beside: Path | None = None
    record: Path | None = None
    findings: tuple[LineFinding, ...] = ()
    error: str | None = None
    lost: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    warned: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the outcome as values for JSON."""
        counts = {name: getattr(self, name) for name in ("lost", "changed", "warned", "dropped")}
        rows = None if self.manifest is None else {"read": self.manifest.rows, "written": self.manifest.written}
        places = {name: None if (path := getattr(self, name)) is None else str(path) for name in _PLACES}
        left = [finding.as_json() for finding in self.findings]
        return {"target": self.target, "rows": rows, **counts, **places, "findings": left, "error": self.error}


_PLACES = ("file", "beside", "record")


def fit_file(
    path: str,
    targets: Sequence[str],
    into: Path,
    stem: str,
    *,
    allow_lossy: bool = False,
    encoding: str | None = None,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> Iterator[Fitted]:
    """Write for each target the file `<stem>.<target>.jsonl` in the folder `into`; give what came of it, one by one.

    Raises:
        RecipeError: a target is not known.
        InputError: no reader knows the file, or it is no training data yet.
        OutputError: the folder cannot be written, or a file of that name is another's.
    """
    profiles = [(target, load(target)) for target in targets]
    reader = _reader(path, encoding)
    if not reader.ready:
        raise InputError(f"{path}: is read as {reader.name}, no training data yet; make it with ftdata convert")
    pairs = _pairs(reader, path, encoding)
    for target, profile in profiles:
        recipe = _recipe(path, target, profile, into, stem, reader.name, allow_lossy, encoding, pairs)
        yield _run(target, recipe, overwrite, watch)


def _reader(path: str, encoding: str | None) -> type[Reader]:
    """Give the reader that knows a file; among rows that look like OpenAI's, `most_common` knows Claude's."""
    found = sniff.best(path, encoding).reader
    if found.name == "openai-chat":
        with Source(path, encoding=encoding) as source:
            layout = most_common(source.sample(_SAMPLE))
        if layout == "claude":
            stage = hooks.find(("reader",), "bedrock").stage
            assert issubclass(stage, Reader)
            return stage
    return found


def _pairs(reader: type[Reader], path: str, encoding: str | None) -> bool:
    """Say whether most of the first rows are preference rows: some targets take these in another layout."""
    with Source(path, encoding=encoding) as source:
        first = next(iter(reader(path=Path(path), encoding=encoding).read(source)), None)
        return first is not None and first["rejected"].null_count() < first.height / 2


def _recipe(
    path: str,
    target: str,
    profile: Profile,
    into: Path,
    stem: str,
    reader: str,
    allow_lossy: bool,
    encoding: str | None,
    pairs: bool,
) -> Recipe:
    form = {} if pair_layout(profile) in (None, profile.layout) else {"form": "pair" if pairs else "single"}
    # Some targets take a file only if its name is plain.
    name = (re.sub(r"[^\w-]", "_", stem, flags=re.ASCII).lstrip("-") or "rows") + f".{profile.name}"
    paired = (pair_layout(profile) if pairs else None) or profile.layout
    fields = fields_for(profile) if paired == profile.layout else {}
    data = {
        "run": {"name": f"{name}.jsonl"},
        "read": [{"use": reader, "path": path, **({"encoding": encoding} if encoding else {})}],
        "step": [{"use": _STEP, "for": target, "allow_lossy": allow_lossy, **form}],
        "write": [{"use": paired, "path": str(into / f"{name}.jsonl"), "sidecar": [ASIDE], **fields}],
    }
    return Recipe.parse(data, Path(), name, "check --fix")


def _run(target: str, recipe: Recipe, overwrite: bool, watch: Watch | None) -> Fitted:
    try:
        manifest = flow.run(recipe, overwrite=overwrite, fresh=True, watch=watch)
    except RunError as error:
        return Fitted(target, error=str(error), **_attempted(recipe))
    record = flow.record_of(recipe)
    places = [record.absolute(out.path) for out in manifest.outputs]
    file = next((place for place in places if place.parent.name != ".meta"), None)
    beside = next((place for place in places if place.parent.name == ".meta"), None)
    left = tuple(check_file(file, [target], layout=recipe.writers[0].name)) if file is not None else ()
    return Fitted(target, manifest, file, beside, record.folder, left, **_counts(manifest))


def _attempted(recipe: Recipe) -> dict[str, Any]:
    """Give the counts of a run that wrote nothing."""
    from ftdata.manifest import load as manifest_of

    attempt = flow.record_of(recipe).attempt
    return _counts(manifest_of(attempt)) if attempt.exists() else {}


def _counts(manifest: Manifest) -> dict[str, Any]:
    """Sort the flags of the step: what was lost, what was changed, and rules that are only warnings."""
    told: dict[str, dict[str, int]] = {"lost": {}, "changed": {}, "warned": {}}
    for flag, count in sorted(manifest.flags.get(_STEP, {}).items()):
        kind, _, what = flag.partition("-")
        told[kind if kind in ("lost", "changed") else "warned"][what if kind in ("lost", "changed") else flag] = count
    dropped: dict[str, int] = {}
    for reasons in manifest.dropped.values():
        for reason, count in reasons.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return {**told, "dropped": dict(sorted(dropped.items()))}
