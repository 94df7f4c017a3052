"""The folder of one training, and the process in it: prepared, started once, watched, stopped, found again.

data/<split>.jsonl   the judged files        sft.yaml, dpo.yaml   what TRL is given
adapter/             what TRL makes          log-N.txt            what it printed, without texts of rows
events-N.jsonl       numbers of attempt N    lock                 held by whoever trains, and by the trainer itself
job.json             whose folder this is    cancelled            that it was to end
metrics.csv, .svg    the losses by step      merged/              the model of its own, if one was asked for
cache/               of Hugging Face; removed at the end
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ftdata import files, offline
from ftdata.errors import LockedError, OutputError

HERE = Path(__file__).parent
ADAPTER = "adapter"
DATA = "data"
_GRACE = 15.0
"""Seconds that a trainer has to end after it was told to."""
_PAUSE = 0.2
_INSTANT = 0.1
"""Seconds for which a lock is waited for: who only looks whether somebody trains holds it no longer."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_TRACKED: Mapping[str, tuple[str, ...]] = {"wandb": ("WANDB_",), "trackio": ("TRACKIO_",)}


def environment(cache: Path, threads: int, report_to: str = "none") -> dict[str, str]:
    """Give the environment of a process of the trainer: offline, no key of ours, its caches in `cache`, told little."""
    place = Path(os.path.abspath(cache))  # the process may work in another folder than we do
    return {
        **offline.environment(_PROXIES if report_to == "wandb" else (), _TRACKED.get(report_to, ())),
        "HF_HOME": str(place),
        "HF_DATASETS_CACHE": str(place / "datasets"),
        # TRL warns with texts of the prompt; what it could warn of the preflight tells in numbers.
        **{"ACCELERATE_LOG_LEVEL": "error", "TRANSFORMERS_VERBOSITY": "error", "DATASETS_VERBOSITY": "error"},
        "PYTHONWARNINGS": "ignore",
        **({} if report_to == "wandb" else {"WANDB_MODE": "disabled", "WANDB_DISABLED": "true"}),
        **{"WANDB_CONSOLE": "off", "WANDB_DISABLE_CODE": "true", "WANDB_DISABLE_GIT": "true"},
        "OMP_NUM_THREADS": str(threads),
        **{"TENSORBOARD_LOGGING_DIR": str(place.parent / "tensorboard"), "TRACKIO_DIR": str(place.parent / "trackio")},
    }


class Folder:
    """The folder of one training."""

    def __init__(self, path: Path) -> None:
        self.path = path = Path(os.path.abspath(path))  # the process works in it, and is told of places in it
        self.adapter = path / ADAPTER
        self.cache = path / "cache"
        self.mark = path / "job.json"
        self.stopped = path / "cancelled"
        self.lock = path / "lock"

    # --- before it starts ---------------------------------------------------------------------------------------------

    def claim(self, tag: str) -> None:
        """Make it, and mark it; raise `OutputError` if something else lies there."""
        if self.mark.exists():
            if self.tag != tag:
                raise OutputError(f"{self.path}: is the folder of another job; name another with --set folder=DIR")
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise OutputError(f"{self.path}: exists, and is not of this job; move it away, or --set folder=DIR")
        files.private_folder(self.path)
        files.save(self.mark, json.dumps({"tag": tag}) + "\n")
        if not self.lock.exists():
            files.save(self.lock, "")

    @property
    def tag(self) -> str:
        """The tag of the job whose folder it is."""
        try:
            return str(json.loads(self.mark.read_bytes())["tag"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def fill(self, sources: Mapping[str, Path], hashes: Mapping[str, str]) -> None:
        """Copy the judged files; raise `OutputError` if the bytes copied are not those that were judged."""
        data = self.path / DATA
        files.remove(data)
        files.private_folder(data)
        for split, source in sources.items():
            digest = hashlib.sha256()
            with source.open("rb") as stream, files.create(data / f"{split}.jsonl") as out:
                while block := stream.read(1 << 20):
                    digest.update(block)
                    out.write(block)
            if digest.hexdigest() != hashes[split]:
                files.remove(data)
                raise OutputError(f"{source}: changed after it was judged; nothing was trained; run ftdata train again")

    def check(self, hashes: Mapping[str, str]) -> None:
        """Raise `OutputError` if the files that lie here are not those that were judged."""
        for split, digest in hashes.items():
            path = self.path / DATA / f"{split}.jsonl"
            if not path.is_file() or files.sha256(path) != digest:
                raise OutputError(f"{path}: is not what was judged; start another job with --again")

    # --- the process --------------------------------------------------------------------------------------------------

    @contextmanager
    def held(self, patience: float = _INSTANT) -> Iterator[int]:
        """Hold the folder alone; raise `LockedError` while somebody trains in it. Gives the lock's handle."""
        until = time.monotonic() + patience
        handle = os.open(self.lock, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise LockedError(f"{self.path}: a training runs here; ftdata train status tells") from None
                    time.sleep(_INSTANT / 10)
            yield handle
        finally:
            os.close(handle)  # a trainer that was started holds its own copy of it

    @property
    def busy(self) -> bool:
        """Whether somebody trains in it."""
        if not self.lock.exists():
            return False
        try:
            with self.held(patience=0):
                return False
        except LockedError:
            return True

    def run(
        self, command: list[str], env: Mapping[str, str], lock: int, whole: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start the trainer under the supervisor, in a session of its own, as the next attempt."""
        number = len(self.attempts) + 1
        files.private_folder(self.cache)
        with (
            files.create(self.path / f"log-{number}.txt") as log,
            files.create(self.path / f"events-{number}.jsonl") as events,
        ):
            fds = (log.fileno(), events.fileno(), lock)
            how = "whole" if whole else "safe"
            return subprocess.Popen(
                [sys.executable, "-I", str(HERE / "supervise.py"), *map(str, fds), how, *command],
                cwd=self.path,
                env=dict(env),
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                umask=0o077,
            )

    def wait(self, tell: Callable[[dict[str, Any]], None], child: subprocess.Popen[bytes] | None) -> None:
        """Wait for the end of the attempt that runs, telling each event as it comes."""
        told = 0
        while True:
            over = child.poll() is not None if child is not None else not self.busy
            found = self.events(len(self.attempts))
            for event in found[told:]:
                tell(event)
            told = len(found)
            if over:
                return
            time.sleep(_PAUSE)

    def stop(self) -> None:
        """End the trainer with all that belongs to it: ask, wait, and then not ask."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            until, asked = time.monotonic() + _GRACE, False
            while self.busy and time.monotonic() < until:
                if not asked and self.pid is not None:  # one that has just been started says its number in a moment
                    self.signal(self.pid, number)
                    asked = True
                time.sleep(_PAUSE)

    def end_child(self, child: subprocess.Popen[bytes] | None) -> None:
        """End what was started from here, with all that belongs to it; None: what somebody else started."""
        if child is None:
            self.stop()
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.signal(child.pid, number)
            try:
                child.wait(_GRACE)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):  # asked twice: at once
                continue
            return

    @staticmethod
    def signal(group: int, number: int) -> None:
        """Give a signal to a whole process group; one that is gone hears nothing."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)

    @property
    def pid(self) -> int | None:
        """The process group of the last attempt, once it has one, and until it ended: then it may be anybody's."""
        told = {event.get("what"): event for event in self.events(len(self.attempts))}
        return int(told["began"]["pid"]) if "began" in told and "ended" not in told else None

    # --- what it left -------------------------------------------------------------------------------------------------

    @property
    def attempts(self) -> list[Path]:
        """The events of each attempt, the first one first."""
        found = [path for path in self.path.glob("events-*.jsonl") if path.stem[7:].isdecimal()]
        return sorted(found, key=lambda path: int(path.stem[7:]))

    def events(self, number: int) -> list[dict[str, Any]]:
        """Give the events of an attempt; a line that is still being written is left for later."""
        path = self.path / f"events-{number}.jsonl"
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except OSError:
            return []
        return [json.loads(line) for line in lines]

    @property
    def end(self) -> dict[str, Any] | None:
        """How the last attempt ended; None: it runs, or its end was seen by nobody."""
        found = [event for event in self.events(len(self.attempts)) if event.get("what") == "ended"]
        return found[-1] if found else None

    def checkpoints(self) -> list[tuple[int, Path]]:
        """List the checkpoints that are whole, by step. TRL writes `trainer_state.json` last."""
        found = []
        for path in self.adapter.glob("checkpoint-*"):
            step = path.name.partition("-")[2]
            if step.isdecimal() and history(path) is not None:
                found.append((int(step), path))
        return sorted(found)

    def clear(self) -> None:
        """Remove what only the training needed."""
        files.remove(self.cache)


def scratch(folder: Path, what: str) -> Path:
    """Give a place for this process alone; what dead ones left in theirs, which may hold rows, is removed."""
    for path in folder.glob(f".{what}-*"):
        try:
            os.kill(int(path.name.rpartition("-")[2]), 0)
        except ProcessLookupError:
            files.remove(path)
        except (ValueError, OverflowError, PermissionError):  # not ours, or of a process that lives
            continue
    return folder / f".{what}-{os.getpid()}"


def history(checkpoint: Path) -> list[dict[str, Any]] | None:
    """Give what a checkpoint knows of the training so far, in steps; None: it is not whole."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_bytes())
        found: list[dict[str, Any]] = state["log_history"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found
