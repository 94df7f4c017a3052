"""Say what an input is, why, and how to read it; and make the two-table recipe of `convert` from that."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ftdata import hooks, tomltext
from ftdata.errors import InputError, RecipeError
from ftdata.hub import fetched, is_hub
from ftdata.recipe import Recipe
from ftdata.sheets import visible_sheets
from ftdata.source import Source, is_stdin
from ftdata.stages import Reader, Sniff

SURE = 0.5
"""Confidence from which a guess is taken without being asked for."""
_FIRST = "openai-chat"
"""The reader that is asked before all others are imported: what it knows for certain is the most common input."""


@dataclass(frozen=True)
class Guess:
    """What one reader makes of an input."""

    reader: type[Reader]
    sniff: Sniff

    @property
    def sure(self) -> bool:
        """Whether the input can be read by it as it is."""
        return self.sniff.confidence >= SURE and self.sniff.refusal is None


def sniff(path: Path | str, encoding: str | None = None) -> list[Guess]:
    """Ask every reader about an input; the most confident first. Raises `InputError` if it cannot be opened.

    Readers of plugins are imported, and asked, only if no built-in one is sure.
    """
    guesses: list[Guess] = []
    refused: InputError | None = None
    for readers in (_built_in, _plugged_in):
        with Source(path, encoding=encoding) as source:
            for reader in readers():
                try:
                    verdict = reader.sniff(source.again())
                except InputError as error:
                    refused = refused or error
                    continue
                if verdict is not None:
                    guesses.append(Guess(reader, verdict))
        if any(guess.sure for guess in guesses):
            break
    if not guesses and refused is not None:
        raise refused
    return sorted(guesses, key=lambda guess: (-guess.sniff.confidence, guess.reader.name))


def _certain(path: Path | str, encoding: str | None) -> Guess | None:
    """Ask the one reader that can be certain."""
    reader = hooks.find(("reader",), _FIRST).stage
    assert issubclass(reader, Reader)
    with Source(path, encoding=encoding) as source:
        try:
            verdict = reader.sniff(source)
        except InputError:
            return None
    return Guess(reader, verdict) if verdict is not None and verdict.certain else None


def describe(path: Path | str, encoding: str | None = None) -> str:
    """Say what an input holds, whether or not a reader knows it: `JSON array, 1 item with the keys tickets`."""
    with Source(path, encoding=encoding) as source:
        members = source.members()
        if members:
            some = ", ".join(members[:5]) + (", …" if len(members) > 5 else "")
            one = f"{path}{'/' if Path(path).is_dir() else ':'}{members[0]}"
            return f"{len(members)} files ({some}); give one as the path, such as {one}"
        opening = source.opening().lstrip()
        if not opening:
            return "an empty file"
        if opening[:1] in b"{[":
            values = source.sample(100)
            kinds = sorted({type(value).__name__ for value in values})
            if kinds != ["dict"]:
                return f"JSON without objects ({', '.join(kinds) or 'nothing readable'})"
            keys = list(dict.fromkeys(key for value in values for key in value))
            return f"JSON, {len(values)} objects seen, with the keys {', '.join(keys[:12])}"
        if b"\0" in opening[:4096]:
            return "a binary file"
        try:
            table = source.sample_table(50)
            rows = sum(1 for record in table if record.problem is None)
        except InputError:
            table, rows = None, 0
        if table is not None and len(table.fields) > 1 and rows:
            told = f"delimited by {table.delimiter!r}, {len(table.fields)} columns: {', '.join(table.fields[:12])}"
            return told + _other_sheets(path)
        return "text" + _other_sheets(path)


def _other_sheets(path: Path | str) -> str:
    """Say which sheets a workbook has besides the first: only that is read."""
    names = visible_sheets(Path(path)) if str(path).lower().endswith((".xlsx", ".xlsm")) else []
    if len(names) < 2:
        return ""
    return f" (one sheet of {len(names)}: {', '.join(names[:8])}; another is read as {path}:{names[1]})"


def _built_in() -> list[type[Reader]]:
    return [entry.stage for entry in hooks.builtin(("reader",)) if issubclass(entry.stage, Reader)]


def _plugged_in() -> list[type[Reader]]:
    return [entry.stage for entry in hooks.offered()[0] if issubclass(entry.stage, Reader)]


def best(path: Path | str, encoding: str | None = None, fields: Collection[str] = ()) -> Guess:
    """Give the guess to go by; raise `InputError` with the evidence if none is sure, or two are equally so.

    `fields` are settings that the user stated: a reader that refused the input for want of just these takes it.
    """
    certain = _certain(path, encoding)
    if certain is not None:
        return certain
    guesses = sniff(path, encoding)
    name = "stdin" if is_stdin(path) else path
    if guesses and guesses[0].sniff.refusal:
        # It knows the input better than those that would read it: what it misses must be said, or it takes it.
        wanting = [guess for guess in guesses if guess.sniff.refusal and set(fields) <= set(guess.reader.model_fields)]
        if fields and wanting:
            return wanting[0]
        raise InputError(f"{name}: {guesses[0].sniff.refusal}")
    sure = [guess for guess in guesses if guess.sure]
    if not sure:
        holds = describe(path, encoding)
        raise InputError(f"{name}: no reader knows this format; it holds {holds}; name one with --from ({_names()})")
    if len(sure) > 1 and sure[0].sniff.confidence == sure[1].sniff.confidence:
        both = f"{sure[0].reader.name} and {sure[1].reader.name}"
        raise InputError(f"{name}: {both} both know it; choose one with --from")
    return sure[0]


def _names() -> str:
    return ", ".join(reader.name for reader in [*_built_in(), *_plugged_in()])


def settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` settings; the value is TOML where it is valid TOML, else text.

    >>> settings(["question=Body", "header=false", "assistants=[\\"17\\"]"])
    {'question': 'Body', 'header': False, 'assistants': ['17']}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise RecipeError(f"--set {pair}: must be KEY=VALUE, such as --set question=Body")
        try:
            value = tomltext.loads(f"value = {text}")["value"]
        except tomltext.TOMLDecodeError:
            value = text
        found[key] = value
    return found


def conversion(
    source: str,
    out: str,
    *,
    reader: str | None = None,
    writer: str | None = None,
    pii: bool | None = None,
    fields: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    beside: bool = True,
) -> Recipe:
    """Make the recipe of `convert`: the reader that knows the input, `pii` for tickets and chats, one writer.

    `pii`: True adds the step, False leaves it out, None decides: a layout that is training data already is not changed,
    but what looks private in it is counted. `beside`: whether a file may stand beside the output, for what a reader
    says must be kept with it; where none can, a warning says what is lost.
    """
    encoding = (fields or {}).get("encoding")
    settled = dict(fields or {})
    if reader is None:
        guess = best(source, encoding, set(settled) - {"encoding"})
        found = guess.reader
    else:
        try:
            stage = hooks.find(("reader",), reader).stage
        except LookupError as error:
            raise RecipeError(f"--from: {error}") from None
        assert issubclass(stage, Reader)
        found = stage
    writer = writer or ("hf-dataset" if out != "-" and not Path(out).suffix else "openai-chat")
    scrub = not found.ready if pii is None else pii
    aside = {"sidecar": list(found.beside)} if found.beside and beside and writer == "openai-chat" else {}
    target = Path(out)
    steps = [{"use": "pii"}] if scrub else [{"use": "private-data"}] if pii is None else []
    if not found.ready:
        steps.append({"use": "placeholders"})
    data = {
        "run": {"name": re.sub(r"[^\w.-]", "_", target.name).lstrip(".-") or "convert", **(options or {})},
        "read": [{"use": found.name, "path": source, **settled}],
        "step": steps,
        "write": [{"use": writer, "path": out, **aside}],
    }
    recipe = Recipe.parse(data, Path(), target.stem or "convert", "convert")
    if found.beside and not aside:
        lost = (
            "warning: other columns are not kept, and the input cannot be given back; write to a .jsonl file for both"
        )
        recipe = replace(recipe, warnings=(*recipe.warnings, f"convert: {lost}"))
    return recipe


@contextmanager
def spooled(source: str, network: bool = False) -> Iterator[str]:
    """Give a path that can be opened more than once: for `-` or a pipe, a file that has no name any more.

    With `network` a data set of the Hugging Face hub (`hf://owner/name`) is fetched, and its folder given.
    """
    if network and is_hub(source):
        folder, which = fetched(source, network)
        yield str(folder) if which is None else f"{folder}:{which}"
        return
    if source != "-" and not _is_pipe(source):
        yield source
        return
    with (
        tempfile.TemporaryFile() as held,
        nullcontext(sys.stdin.buffer) if source == "-" else open(source, "rb") as pipe,
    ):
        shutil.copyfileobj(pipe, held, 1 << 20)
        held.seek(0)
        yield f"/dev/fd/{held.fileno()}"


def _is_pipe(source: str) -> bool:
    try:
        return Path(source).is_fifo()
    except (OSError, ValueError):
        return False  # the source will say what is wrong with the name


@contextmanager
def landing(out: str) -> Iterator[str]:
    """Give the path to write to: for `-`, a file in a private folder that is gone afterwards."""
    if out != "-":
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        yield str(Path(place) / "stdout.jsonl")


def to_stdout(path: str) -> None:
    """Copy a finished output to stdout."""
    with open(path, "rb") as stream:
        shutil.copyfileobj(stream, sys.stdout.buffer, 1 << 20)
    sys.stdout.buffer.flush()
