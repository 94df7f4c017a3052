"""Give an old prompt/completion file back from the chat file that was made of it, byte for byte, or not at all.

The manifest holds the form of the old file and the hash of its content, the chat file its texts, the sidecar what
single rows had of their own. The file is rebuilt beside its name and compared with that hash before it appears.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from ftdata import files, runs
from ftdata.errors import InputError, OutputError, RunError
from ftdata.files import Record
from ftdata.manifest import InputPart, Manifest, OutputPart, load
from ftdata.readers.prompt_completion import Form, PromptCompletion

_HARMLESS = {"blank-line"}
"""Reasons of the reader for records that hold nothing: what stands between two records is kept with them."""


class _Message(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    role: str
    content: str


class _Row(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    messages: list[_Message]


class _Aside(msgspec.Struct, gc=False):
    line: int
    meta: msgspec.Raw


_row = msgspec.json.Decoder(_Row).decode
_aside = msgspec.json.Decoder(_Aside).decode


class _Other(Exception):
    """What is rebuilt is not the old file."""


@dataclass(frozen=True)
class Reversed:
    """What was given back: where, how many records and bytes, their hash, the record of the run it came from."""

    path: Path
    records: int
    bytes: int
    sha256: str
    record: Record


def reverse(chat: Path | str, legacy_out: Path | str, overwrite: bool = False) -> Reversed:
    """Write the old file that a chat file was converted from; `overwrite` replaces a file that stands there.

    The content comes back as it was decompressed: `old.jsonl.gz` gives `old.jsonl`. Raises `InputError` if there is no
    record of the chat file, or it or its sidecar has changed since; `RunError` if its run cannot be reversed (it
    dropped or edited rows, its input was no prompt-completion, it read or wrote several files), or if what is rebuilt
    is not the old content; `OutputError` if the file cannot be written. Then nothing is written.
    """
    record = runs.find(str(chat))
    manifest = load(record.manifest) if record.manifest.exists() else None
    if manifest is None:
        raise InputError(f"{chat}: its run never finished; run it again, then reverse it")
    source, output = _one_of_each(chat, record, manifest)
    form = Form.load(source.legacy or {})
    place = record.absolute(output.path)
    aside = _unchanged(record, manifest, place)
    target = Path(os.path.abspath(legacy_out))
    _check(target, overwrite, {place, *([aside] if aside else [])})
    scratch = target.with_name(f".{target.name}.ftdata-scratch")
    files.make_folder(target.parent)
    files.remove(scratch)
    try:
        try:
            with files.create(scratch) as stream:
                records, count, digest = _rebuild(place, aside, form, stream)
            if digest != form.sha256:
                raise _Other(f"{count:,} bytes with another hash than the {form.size:,} that were read")
        except _Other as other:
            lost = (
                "" if _kept(manifest) else 'its run kept no meta beside the rows: convert again with sidecar = ["*"]; '
            )
            raise RunError(f"{chat}: does not give {source.name} back: {other}; {lost}nothing was written") from None
        scratch.chmod(stat.S_IMODE(place.stat().st_mode))  # as readable as the chat file
        files.sync(scratch)
        files.rename(scratch, target)
        files.sync(target.parent)
    finally:
        files.remove(scratch)
    return Reversed(target, records, count, digest, record)


def _one_of_each(chat: Path | str, record: Record, manifest: Manifest) -> tuple[InputPart, OutputPart]:
    """Give the one input and the one output of a run that can be reversed; refuse any other with the reason."""

    def refuse(why: str) -> RunError:
        return RunError(f"{chat}: cannot be reversed: its run {why}")

    inputs = [part for part in manifest.inputs if not part.lookup]
    if len(inputs) != 1:
        raise refuse(f"read {len(inputs)} files, and which row came from which is not kept; convert them one by one")
    if inputs[0].use != PromptCompletion.name or not inputs[0].legacy:
        raise refuse(f"read {inputs[0].use}, not {PromptCompletion.name}")
    outputs = [part for part in manifest.outputs if not _beside(manifest, part)]
    if len(outputs) != 1:
        raise refuse(f"wrote {len(outputs)} files; convert the old file into one")
    if outputs[0].use != "openai-chat":
        raise refuse(f"wrote {outputs[0].use}; convert to chat JSONL (--to openai-chat)")
    readers = {stage.label for stage in manifest.stages if stage.kind == "reader"}
    gone = {
        f"{stage}: {reason} {count:,}": count
        for stage, reasons in manifest.dropped.items()
        for reason, count in reasons.items()
        if not (stage in readers and reason in _HARMLESS)
    }
    edited = [f"{part.label} {part.edited:,}" for part in manifest.stages if part.edited]
    if gone or edited:
        told = [f"dropped {sum(gone.values()):,} rows ({', '.join(gone)})"] if gone else []
        told += [f"edited rows ({', '.join(edited)})"] if edited else []
        raise refuse(" and ".join(told))
    return inputs[0], outputs[0]


def _kept(manifest: Manifest) -> bool:
    """Say whether the run kept all meta beside its rows."""
    return any("*" in table.get("sidecar", ()) for table in manifest.recipe.get("write", ()))


def _beside(manifest: Manifest, part: OutputPart) -> bool:
    """Say whether an output is the sidecar of another one."""
    from ftdata.writers.openai_chat import SIDE

    path = Path(part.path)
    return path.parent.name == SIDE and any(
        Path(other.path) == path.parent.parent / path.name for other in manifest.outputs
    )


def _unchanged(record: Record, manifest: Manifest, chat: Path) -> Path | None:
    """Check that the outputs are what the run wrote; give the sidecar, if there is one."""
    aside = None
    for part in manifest.outputs:
        path = record.absolute(part.path)
        if not path.is_file():
            raise InputError(f"{path}: was written by the run and is gone; convert again")
        if files.sha256(path) != part.sha256:
            raise InputError(f"{path}: has changed since the run wrote it; convert again, or restore it")
        aside = path if path != chat else aside
    return aside


def _check(target: Path, overwrite: bool, sources: set[Path]) -> None:
    if any(target == source or (target.exists() and target.samefile(source)) for source in sources):
        raise OutputError(f"{target}: is what the old file is made of; write elsewhere")
    try:
        files.check_target(target.parent, [target], set(), True, False)
        exists = target.exists()
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {os.strerror(error.errno or 0).lower()}") from None
    if exists and not overwrite:
        raise OutputError(f"{target}: exists; move it away, or give --overwrite")


def _rebuild(chat: Path, aside: Path | None, form: Form, into: IO[bytes]) -> tuple[int, int, str]:
    """Write the old file; give its records, its bytes and their hash."""
    digest, count, records = hashlib.sha256(), 0, 0

    def put(piece: bytes) -> None:
        nonlocal count
        digest.update(piece)
        count += len(piece)
        into.write(piece)

    put(form.mark + form.encoded(form.head))
    metas = _metas(aside)
    at, meta = next(metas, (0, None))
    with chat.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            own = meta if at == number else None
            if at == number:
                at, meta = next(metas, (0, None))
            try:
                turns = [(message.role, message.content) for message in _row(line).messages]
                texts = list(form.back(turns, own))
            except (msgspec.MsgspecError, ValueError, LookupError, TypeError) as error:
                raise _Other(f"line {number} is no row of the old file ({type(error).__name__})") from None
            for before, text in texts:
                gap = (form.between if before is None else before) if records else ""
                put(form.encoded(gap + text))
                records += 1
    put(form.encoded(form.tail))
    return records, count, digest.hexdigest()


def _metas(aside: Path | None) -> Iterator[tuple[int, Any]]:
    """Give the lines that have meta of their own, with it."""
    if aside is None:
        return
    with aside.open("rb") as stream:
        for line in stream:
            held = _aside(line)
            yield held.line, str(held.meta, "utf-8")
