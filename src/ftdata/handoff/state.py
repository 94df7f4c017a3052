"""What is known of a job that was handed over: one small file, written before and after each step that counts.

It lies in the run's record, private to its owner, and holds names, hashes, ids and numbers: no key, no text of a row.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ftdata import files
from ftdata.errors import InputError
from ftdata.files import Record
from ftdata.stages import Event


class State:
    """The state of one job. `facts` is what its trainer keeps: ids, folders, progress; JSON values."""

    def __init__(self, record: Record, destination: str, number: int = 1) -> None:
        self.record = record
        self.destination = destination
        self.number = number
        self.folder = record.folder / "jobs"
        self.path = self.folder / f"{destination}-{number}.json"
        self.known: dict[str, Any] = {}
        self.watch: Callable[[Event], None] | None = None
        """Who is told meanwhile how a job that runs here goes."""

    @classmethod
    def latest(cls, record: Record, destination: str) -> State:
        """Give the state of the latest job at a destination; a new one, not yet saved, where there was none."""
        numbers = [number for name, number in _jobs(record) if name == destination]
        state = cls(record, destination, max(numbers, default=1))
        if state.exists:
            state.read()
        return state

    @classmethod
    def only(cls, record: Record, destination: str | None) -> State:
        """Give the state of the latest job of a run, wherever it is.

        Raises `InputError` if there is none, or several and no destination was named.
        """
        there = sorted({name for name, _ in _jobs(record)})
        if destination is not None and destination not in there:
            listed = f" (it was given to: {', '.join(there)})" if there else ""
            raise InputError(f"{record.name}: was not given to {destination}{listed}; start with ftdata train")
        if not there:
            raise InputError(f"{record.name}: no job of this run is known; start one with ftdata train")
        if destination is None and len(there) > 1:
            raise InputError(f"{record.name}: was given to {', '.join(there)}; say which with --at")
        return cls.latest(record, destination or there[0])

    def following(self) -> State:
        """Give the state of a further job of the same run: another number, another tag."""
        return State(self.record, self.destination, self.number + 1)

    # --- what is known -----------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether something stands where the file belongs, be it none of ours."""
        return os.path.lexists(self.path)

    @property
    def begun(self) -> bool:
        """Whether a job was begun: the file is there."""
        return bool(self.known)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the trainer keeps."""
        facts: dict[str, Any] = self.known.get("facts", {})
        return facts

    @property
    def trainer(self) -> Mapping[str, Any]:
        """The trainer's table, as a recipe writes it."""
        table: dict[str, Any] = self.known.get("trainer", {})
        return table

    @property
    def tag(self) -> str:
        """The mark by which the job is found again at the vendor: of the bytes, the settings, and the job's number."""
        return str(self.known["tag"])

    def tagged(self, trainer: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
        """Give the tag that a job of these settings and bytes has."""
        judged = json.dumps([dict(sorted(hashes.items())), dict(trainer), self.number], sort_keys=True)
        return hashlib.sha256(judged.encode()).hexdigest()[:40]

    def begin(self, trainer: Mapping[str, Any], hashes: Mapping[str, str], more: Mapping[str, Any]) -> None:
        """Note, before anything leaves, what is to be handed over: settings, hashes, what was accepted."""
        tag = self.tagged(trainer, hashes)
        self.known = {"trainer": dict(trainer), "tag": tag, "hashes": dict(hashes), **more, "facts": {}}
        self._save()

    def keep(self, **facts: Any) -> None:
        """Add facts, and write them to the disk before this returns. A value of None forgets one."""
        held = {**self.facts, **facts}
        self.known["facts"] = {name: value for name, value in held.items() if value is not None}
        self._save()

    def tell(self, event: Event) -> None:
        """Tell whoever watches; nothing is kept."""
        if self.watch is not None:
            self.watch(event)

    def read(self) -> None:
        """Read the file. Raises `InputError` if it cannot be read, or is none of ours."""
        try:
            if not self.path.is_file():  # a pipe would never be read to its end
                raise ValueError
            found = json.loads(self.path.read_bytes())
            if not _ours(found):
                raise ValueError
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise InputError(f"{self.path}: cannot be read: {why}; give yourself permission") from None
        except (ValueError, RecursionError):
            raise InputError(f"{self.path}: is no state of a job that this version reads; move it away") from None
        self.known = found

    def _save(self) -> None:
        files.private_folder(self.folder)
        files.save(self.path, json.dumps(self.known, ensure_ascii=False, indent=1) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the job alone; raise `LockedError` if another process has it."""
        files.private_folder(self.record.folder)
        files.private_folder(self.folder)
        told = f"{self.path}: another process has this job in hand"
        with files.locked(self.folder / f"{self.destination}.lock", told, "wait for it"):
            yield


def _ours(found: Any) -> bool:
    """Say whether a value has the form of a state; what its trainer keeps is the trainer's to judge."""
    if not isinstance(found, dict):
        return False
    trainer, tag, hashes, facts = (found.get(name) for name in ("trainer", "tag", "hashes", "facts"))
    return (
        isinstance(trainer, dict)
        and isinstance(trainer.get("use"), str)
        and isinstance(tag, str)
        and isinstance(hashes, dict)
        and all(isinstance(one, str) for one in hashes.values())
        and isinstance(facts, dict)
    )


def _jobs(record: Record) -> list[tuple[str, int]]:
    folder = record.folder / "jobs"
    try:
        listed = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:  # what is there must not pass for nothing: a second job would be started
        raise InputError(f"{folder}: cannot be read: {os.strerror(error.errno or 0).lower()}") from None
    found: list[tuple[str, int]] = []
    for file in listed:
        name, sign, number = file.removesuffix(".json").rpartition("-")
        if sign and name and file.endswith(".json") and number.isascii() and number.isdecimal():
            found.append((name, int(number)))
    return found
