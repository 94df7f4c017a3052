"""The one write path: no other module opens a file for writing.

Every output is written under a scratch name in its own folder (0600) and fsynced; then the finished manifest is written
as `publish.json` (the intent: every scratch name, final name, sha256) and fsynced; then all renames (a folder: old one
aside, new one in, old one removed); then `publish.json` becomes `run.json`. So the *set* of outputs is old, new, or
completed by the next start, wherever a crash falls.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from ftdata.errors import LockedError, OutputError

_BLOCK = 1 << 20


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what the system says about `path` into one line for the user, with the remedy."""
    try:
        yield
    except OSError as error:
        cure = {
            errno.ENOSPC: "free some space on that disk, or write elsewhere",
            errno.EDQUOT: "your quota on that disk is used up; free some space, or write elsewhere",
            errno.EACCES: "give yourself write permission there, or write elsewhere",
            errno.EPERM: "give yourself write permission there, or write elsewhere",
            errno.EROFS: "that file system is read-only; write elsewhere",
            errno.ENAMETOOLONG: "choose a shorter name",
            errno.ENOTDIR: "a part of that path is a file, not a folder; choose another path",
            errno.EEXIST: "something stands there already; remove it, or write elsewhere",
        }.get(error.errno or 0, "write elsewhere")
        raise OutputError(f"{path}: cannot be written: {os.strerror(error.errno or 0).lower()}; {cure}") from error


def create(path: Path) -> IO[bytes]:
    """Create a file for writing, readable by its owner only (0600); one that exists already is an error."""
    with _writing(path):
        return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb", _BLOCK)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are not there."""
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter (0700), and those above it as usual."""
    with _writing(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    return path


def sha256(path: Path) -> str:
    """Give the sha256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Make a file, or the entries of a folder, last through a power cut."""
    with _writing(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def rename(old: Path, new: Path) -> None:
    """Rename, replacing a file that stands there."""
    with _writing(new):
        os.replace(old, new)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it; nothing there is fine."""
    with _writing(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def save(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write a small file whole or not at all; raise `OutputError` if one stands there, unless `overwrite`."""
    if not overwrite and os.path.lexists(path):
        raise OutputError(f"{path}: exists already; name another, or replace it with --overwrite")
    scratch = path.with_name(f".{path.name}.tmp")
    remove(scratch)
    with _writing(path), create(scratch) as stream:
        stream.write(text.encode())
    sync(scratch)
    rename(scratch, path)
    sync(path.parent)


@contextmanager
def locked(path: Path, told: str, remedy: str) -> Iterator[None]:
    """Hold a lock file alone; raise `LockedError` of what is `told`, the holder and the remedy if another has it.

    The lock is the system's own (flock): a holder that died holds nothing.
    """
    with _writing(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="ignore").strip() or "another process"
            raise LockedError(f"{told} ({holder}); {remedy}") from None
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise OutputError(f"{path}: cannot be locked: {why}; write to a disk that locks files") from None
        os.ftruncate(handle, 0)
        since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        os.pwrite(handle, f"pid {os.getpid()} on {socket.gethostname()} since {since}".encode(), 0)
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Move:
    """One step of publishing: what lies under a scratch name goes to its final name.

    `files` maps the names inside a folder to their sha256; for a single file it has the one entry `""`. A move without
    `scratch` removes an output of the run before that the new run does not write.
    """

    final: str
    scratch: str | None = None
    files: dict[str, str] = field(default_factory=dict)

    def holds(self, place: Path) -> bool:
        """Say whether just these bytes lie at `place`."""
        names = {""} if place.is_file() else {str(p.relative_to(place)) for p in below(place)}
        return names == set(self.files) and all(
            sha256(place / name if name else place) == digest for name, digest in self.files.items()
        )


def below(folder: Path) -> list[Path]:
    """List all files below a folder, in name order."""
    return sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []


def check_target(root: Path, finals: Iterable[Path], known: set[str], overwrite: bool, folder: bool) -> None:
    """Refuse, before anything is read, an output that could not be published.

    `known` holds the sha256 of all files that earlier runs of this record published; only those are replaced unasked.
    """
    above = root
    while not above.exists():
        if above.is_symlink():
            raise OutputError(f"{above}: is a broken link; remove it, or write elsewhere")
        above = above.parent
    if not above.is_dir():
        raise OutputError(f"{above}: is a file, not a folder; write elsewhere")
    if not os.access(above, os.W_OK | os.X_OK):
        raise OutputError(f"{above}: cannot be written; give yourself permission there, or write elsewhere")
    for final in finals:
        if len(os.fsencode(final.name)) > 200:
            raise OutputError(f"{final}: the name is too long; choose one of at most 200 bytes")
        if any("\ud800" <= letter <= "\udfff" for letter in str(final)):
            raise OutputError(f"{final}: the name is no UTF-8 text, and could not stand in the record; choose another")
        if final.is_symlink():
            raise OutputError(f"{final}: is a link; remove it, or name the file that it points to")
        if not final.exists():
            continue
        if folder != final.is_dir() or not (final.is_dir() or final.is_file()):
            kind = "folder" if final.is_dir() else "file" if final.is_file() else "device or pipe"
            raise OutputError(f"{final}: is a {kind} already; remove it, or write elsewhere")
        if overwrite:
            continue
        for file in below(final) if folder else [final]:
            if sha256(file) not in known:
                raise OutputError(
                    f"{file}: exists and was not written by an earlier run of this recipe (or was changed since); "
                    "move it away, or give --overwrite"
                )


class Record:
    """The folder `.ftdata/<name>` that holds a run's manifest, ledger and unfinished work; private to its owner.

    Paths in it are relative to `base`, the folder that holds `.ftdata`, so that outputs and record move together.
    """

    def __init__(self, base: Path, name: str) -> None:
        self.base = base
        self.name = name
        self.folder = base / ".ftdata" / name
        self.work = self.folder / "work"
        self.manifest = self.folder / "run.json"
        self.intent = self.folder / "publish.json"
        self.attempt = self.folder / "attempt.json"
        self.ledger = self.folder / "ledger.parquet"
        self.texts = self.folder / "texts.parquet"

    def relative(self, path: Path) -> str:
        """Give a path as the record writes it."""
        return os.path.relpath(path, self.base)

    def absolute(self, path: str) -> Path:
        """Give the path that the record means."""
        return Path(os.path.normpath(self.base / path))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the record alone; raise `LockedError`, naming the holder, if another run has it."""
        private_folder(self.base / ".ftdata")
        private_folder(self.folder)
        ignore = self.base / ".ftdata" / ".gitignore"
        if not ignore.exists():
            save(ignore, "*\n")
        remedy = "wait for it, or give this run another name with [run] name"
        with locked(self.folder / "lock", f"{self.folder}: another run holds this record", remedy):
            yield

    # --- scratch ------------------------------------------------------------------------------------------------------

    def open_scratch(self, folders: Iterable[Path]) -> None:
        """Make the scratch folders of the writers, after noting their names, so that a crash leaves nothing unknown."""
        folders = list(folders)
        private_folder(self.work)
        save(self.work / "scratch.json", json.dumps([self.relative(folder) for folder in folders]))
        for folder in folders:
            remove(folder)
            make_folder(folder.parent)
            private_folder(folder)

    def clear_scratch(self) -> None:
        """Remove the scratch folders of a run that ended, or died; finished spools stay.

        While an intent stands they are the new outputs themselves: a publishing that failed half-way keeps them for
        the next start.
        """
        if self.intent.exists():
            return
        note = self.work / "scratch.json"
        if note.exists():
            for name in json.loads(note.read_text()):
                remove(self.absolute(name))
            remove(note)
        for stray in self.folder.glob(".*"):  # a half-written record file
            remove(stray)

    # --- publishing ---------------------------------------------------------------------------------------------------

    def publish(self, moves: list[Move], manifest: dict[str, Any]) -> None:
        """Make all outputs visible: intent, renames, record; a crash in between is completed by `recover`."""
        text = json.dumps({**manifest, "publish": [asdict(move) for move in moves]}, ensure_ascii=False, indent=1)
        for move in moves:
            if move.scratch is not None:
                place = self.absolute(move.scratch)
                for file in [place] if place.is_file() else below(place):
                    sync(file)
                for folder in [] if place.is_file() else [place, *(p for p in place.rglob("*") if p.is_dir())]:
                    sync(folder)
                sync(place.parent)
        save(self.intent, text + "\n")
        self._finish(moves)

    def _finish(self, moves: list[Move]) -> None:
        folders = {self.folder}
        for move in moves:
            final = self.absolute(move.final)
            folders.add(final.parent)
            if move.scratch is None:
                remove(final)
                continue
            scratch = self.absolute(move.scratch)
            aside = _aside(final)
            if scratch.exists():
                if self.folder not in final.parents:
                    _open_up(scratch)
                make_folder(final.parent)  # a folder with `{split}` in its name may not be there
                if scratch.is_dir() and final.exists():
                    remove(aside)
                    rename(final, aside)
                rename(scratch, final)
            remove(aside)
        for folder in folders:
            sync(folder)
        remove(self.attempt)
        rename(self.intent, self.manifest)
        sync(self.folder)
        self.clear_scratch()

    def recover(self) -> bool:
        """Finish what an interrupted run had fully written, or remove its scratch files; True if it was finished."""
        finished = False
        if self.intent.exists():
            moves = [Move(**move) for move in json.loads(self.intent.read_text())["publish"]]
            if all(self.ready(move) for move in moves):
                self._finish(moves)
                finished = True
            else:
                for move in moves:
                    final = self.absolute(move.final)
                    aside = _aside(final)
                    if aside.exists() and not final.exists():
                        rename(aside, final)  # the new folder is lost; the old one is not
                remove(self.intent)
        self.clear_scratch()
        return finished

    def ready(self, move: Move) -> bool:
        """Say whether the bytes that a move promises lie under its scratch name or its final name."""
        if move.scratch is None:
            return True
        scratch = self.absolute(move.scratch)
        return move.holds(scratch) if scratch.exists() else move.holds(self.absolute(move.final))


def _aside(final: Path) -> Path:
    """Give the name under which an old folder waits while the new one takes its place."""
    return final.with_name(f".{final.name}.ftdata-old")


def _open_up(place: Path) -> None:
    """Give an output the permissions that any new file of this user gets; scratch files are private."""
    mask = os.umask(0)
    os.umask(mask)
    for path in [place, *(place.rglob("*") if place.is_dir() else ())]:
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
