"""Draft a recipe for an input: what `sniff` found, stated; the steps one would expect, tried on its first records.

The draft runs as written: a step that would stop the trial, or leave no row, is commented out with the reason. It holds
names of columns and counts, never a text of the input.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ftdata import files, flow, hooks, tomltext
from ftdata.conversation import Conversation
from ftdata.errors import ContractError, InputError, OutputError, PluginError, RecipeError, RunError
from ftdata.expected import Step, expected
from ftdata.manifest import Manifest
from ftdata.recipe import Recipe
from ftdata.sniff import best
from ftdata.source import Source, is_stdin
from ftdata.stages import Reader, Sniff
from ftdata.wording import counted

TRIED = 2000
"""Records that the draft is tried on: for most exports all, for the others enough that a split is decided by hashes."""
_COLUMN = 32
_WIDTH = 120
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def recipe_for(source: Path | str) -> Path:
    """Give the name that the recipe of an input gets: that of the input, without its endings, in the current folder."""
    path = Path(os.path.abspath(source))
    if path.is_dir():
        return Path(f"{path.name}.toml")
    bare = Path(path.name.removesuffix(path.suffix)) if path.suffix.lower() in _PACKED else path
    return Path(f"{bare.stem}.toml")


def draft(
    source: Path | str, recipe: Path | str, *, reader: str | None = None, fields: Mapping[str, Any] | None = None
) -> str:
    """Give the text of a recipe for an input, to be saved as `recipe`; nothing is written.

    `reader` names the reader instead of guessing, `fields` are settings of it that the user states. Raises `InputError`
    for an input that no reader knows, that its reader refuses (the message says what to state), or of which no record
    becomes a row; `RecipeError` for settings that the reader does not take.
    """
    source, recipe, stated = Path(source), Path(recipe), dict(fields or {})
    if is_stdin(source) or source.is_fifo():
        raise RecipeError(f"{source}: a recipe names its input, and a pipe has no name; save it to a file first")
    for key in {"use", "path"} & stated.keys():
        raise RecipeError(f"--set {key}: is not for --set; name the reader with --from, and the input as FILE")
    stage, found = _known(source, reader, stated)
    return _Draft(source, recipe, stage, found, stated).text()


def save(recipe: Path | str, text: str, *, overwrite: bool = False, source: Path | str | None = None) -> None:
    """Write a recipe; raise `OutputError` if a file stands there, unless `overwrite`, and always if it is `source`."""
    recipe = Path(recipe)
    if source is not None and os.path.realpath(source) == os.path.realpath(recipe):
        raise OutputError(f"{recipe}: is the input itself; name another file with -o")
    files.save(recipe, text, overwrite=overwrite)


def _known(source: Path, name: str | None, stated: Mapping[str, Any]) -> tuple[type[Reader], Sniff]:
    encoding = stated.get("encoding")
    if name is None:
        guess = best(source, encoding, set(stated) - {"encoding"})
        return guess.reader, guess.sniff
    try:
        stage = hooks.find(("reader",), name).stage
    except LookupError as error:
        raise RecipeError(f"--from: {error}") from None
    assert issubclass(stage, Reader)
    with Source(source, encoding=encoding) as opened:
        return stage, stage.sniff(opened) or Sniff(0.0, ())


class _Draft:
    """The parts of one recipe, settled one after the other: the reader, the steps, the text."""

    def __init__(
        self, source: Path, recipe: Path, reader: type[Reader], found: Sniff, stated: Mapping[str, Any]
    ) -> None:
        self.source, self.reader, self.found, self.stated = source, reader, found, stated
        self.folder = recipe.parent
        if not self.folder.is_dir():
            raise OutputError(f"{self.folder}: there is no such folder; make it first")
        self.name = re.sub(r"[^\w.-]", "_", recipe.stem).lstrip(".-") or "recipe"
        inside, home = os.path.realpath(source), os.path.realpath(self.folder)
        self.path = Path(os.path.relpath(inside, home)).as_posix()
        if any("\ud800" <= letter <= "\udfff" for letter in self.path):
            raise InputError(
                f"{source.name!a}: the path to it is no UTF-8 text, so that no recipe can hold it; rename it"
            )
        self.out = f"out/{self.name}"
        while Path(inside).is_relative_to(Path(home, self.out)):
            self.out += "-new"
        known = {k: v for k, v in found.fields.items() if k in reader.model_fields and v is not None}
        self.fields = known | dict(stated)
        self.steps: list[Step] = []
        rows = self._read()
        self.steps = expected(rows, self.reader.ready, source.name)
        self.trial = self._settle()

    # --- the trial ----------------------------------------------------------------------------------------------------

    def _try(self) -> tuple[Manifest, list[Conversation]]:
        data = {
            "run": {"name": self.name},
            "read": [{"use": self.reader.name, "path": self.path, **self.fields}],
            "step": [{"use": step.use, **step.fields} for step in self.steps if step.off is None],
            "write": [{"use": "openai-chat", "path": f"{self.out}/{{split}}.jsonl"}],
        }
        return flow.sample(Recipe.parse(data, self.folder, self.name, "init"), TRIED)

    def _read(self) -> list[Conversation]:
        """Read without any step; if the reader does not take its own guess once that is stated, leave it to guess."""
        try:
            manifest, rows = self._try()
        except (InputError, RecipeError):
            if self.fields == dict(self.stated):
                raise
            self.fields = dict(self.stated)
            manifest, rows = self._try()
        if not rows:
            told = _reasons(manifest.dropped.get(self.reader.name, {})) or "it holds no record"
            raise InputError(f"{self.source}: the reader {self.reader.name} gives no row of it: {told}")
        return rows

    def _settle(self) -> Manifest:
        """Try the steps, and comment out one after the other that stops the run or leaves no row."""
        while True:
            on = [step for step in self.steps if step.off is None]
            try:
                manifest, _ = self._try()
            except ContractError:
                raise
            except (RunError, PluginError) as error:
                culprit = next((step for step in on if str(error).startswith(f"{step.use}:")), None)
                if culprit is None or culprit.use == "pii":  # a draft that does not scrub is no draft
                    raise
                culprit.off = str(error).splitlines()[0].removeprefix(f"{culprit.use}: ")
                continue
            small = {f.stage: f.message for f in manifest.findings if f.code == "sample-too-small"}
            left = manifest.rows - sum(manifest.dropped.get(self.reader.name, {}).values())
            for step in on:
                gone = manifest.dropped.get(step.use, {})
                before, left = left, left - sum(gone.values())
                if step.use in small:
                    step.off = small[step.use].removeprefix(f"{step.use}: ")
                elif not left:
                    step.off = f"it would drop all {counted(before, 'row')} that are left ({_reasons(gone)})"
                elif left < step.leaves * before:
                    step.off = (
                        f"it would drop most rows that are left, {before - left:,} of {before:,}; look at them first"
                    )
                if step.off is not None:
                    break
            else:
                return manifest

    # --- the text -----------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """Give the recipe."""
        return "\n".join([*self._head(), *self._tables()]) + "\n"

    def _head(self) -> Iterable[str]:
        from ftdata.transforms.pii import scrub

        def said(text: str) -> str:
            return _prose(scrub(text))

        yield _prose("A draft by `ftdata init`, to be read and changed.")
        yield "#"
        if self.found.evidence:
            sure = f", {self.found.confidence:.0%} sure" if self.found.confidence else ""
            yield _prose(f"What was found, read by `{self.reader.name}`{sure}:")
            for phrase in self.found.evidence:
                yield said(f"  {phrase}")
        if self.stated:
            yield said(f"Stated, not guessed: {', '.join(self.stated)}")
        trial = self.trial
        yield _prose(f"Tried on {'all' if trial.records < TRIED else 'the first'} {counted(trial.records, 'record')}:")
        yield _prose(f"  {counted(trial.rows, 'row')} read, {trial.written:,} would be written")
        for part in trial.stages:  # in the order of the recipe
            if part.dropped:
                told = _reasons(trial.dropped[part.label])
                yield said(f"  {part.label} would drop {part.dropped:,}: {told}")
        yield "#"
        yield _prose("Lines that begin with # and no blank are settings that are off: take the # away to turn them on.")
        yield _prose("`ftdata stages NAME` lists all settings of a stage; NAME is the word after `use`.")
        yield _prose("Paths are relative to the folder of this file.")
        yield ""

    def _tables(self) -> Iterable[str]:
        yield "[run]"
        yield _line("name", self.name, "the record of each run lies in .ftdata/NAME beside the outputs")
        yield _line("max_bad", 0.01, "stop if more records than this share cannot be read", off=True)
        yield ""
        yield "[[read]]"
        yield _line("use", self.reader.name, _first(self.reader))
        yield _line("path", self.path)
        for key, value in self.fields.items():
            yield _line(key, value, self.reader.model_fields[key].description or "")
        yield ""
        for step in self.steps:
            yield from self._step(step)
        yield "[[write]]"
        yield _line("use", "openai-chat", "one JSON object a line: {split} becomes train, validation or test")
        yield _line("path", f"{self.out}/{{split}}.jsonl")
        if self.reader.beside:
            yield _line("sidecar", list(self.reader.beside), "other columns, kept in .meta/ beside the data")
        yield ""
        yield "#[[write]]"
        yield _line("use", "hf-dataset", "Parquet files and a card, for datasets.load_dataset", off=True)
        yield _line("path", f"{self.out}/hf", off=True)

    def _step(self, step: Step) -> Iterable[str]:
        off = step.off is not None
        if step.off:
            yield _prose(f"Off: {step.off}")
        yield "#[[step]]" if off else "[[step]]"
        yield _line("use", step.use, step.remark, off)
        for key, value in step.fields.items():
            yield _line(key, value, off=off)
        for key, (value, remark) in step.more.items():
            yield _line(key, value, remark, off=True)
        yield ""


# --- lines ------------------------------------------------------------------------------------------------------------


def _prose(text: str) -> str:
    return f"# {tomltext.comment(text)}"


def _line(key: str, value: Any, remark: str = "", off: bool = False) -> str:
    """Give a setting with its remark beside it, or above it where that would be too wide."""
    line = f"{'#' if off else ''}{tomltext.key(key)} = {tomltext.value(value)}"
    if not remark:
        return line
    whole = f"{line.ljust(_COLUMN)} {_prose(remark)}"
    return whole if len(whole) <= _WIDTH else f"{_prose(remark)}\n{line}"


def _first(stage: type[Reader]) -> str:
    """Give the first line of a stage's docstring, begun in lower case and without its period."""
    line = (stage.__doc__ or "").strip().split("\n")[0].rstrip(".")
    return line[:1].lower() + line[1:]


def _reasons(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(dropped.items(), key=lambda r: (-r[1], r[0])))
