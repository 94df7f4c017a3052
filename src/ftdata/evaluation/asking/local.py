"""Asking a transformers model on this machine: in a process of the trainer environment's own Python."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from ftdata import offline
from ftdata.errors import InputError, PluginError, RecipeError, VendorError
from ftdata.evaluation.asking.prompts import Prompt
from ftdata.evaluation.asking.store import Answer, answer
from ftdata.evaluation.asking.systems import Local, ggufs
from ftdata.wording import inline

BATCH = 8
"""Questions that a model is given at once, unless --batch says otherwise."""

_SCRIPT = Path(__file__).with_name("generate.py")
_STOP = 5.0


class Asker:
    """Asks one model with `python`, an interpreter that has torch and transformers (and peft for an adapter)."""

    def __init__(self, system: Local, most: int, python: str | None = None, batch: int = BATCH) -> None:
        found = offline.interpreter(python)
        if found is None:
            raise RecipeError(f"--python {python}: is no program; name the Python of the trainer environment")
        self.system, self.python = system, found
        self.asked: dict[str, Any] = {"model": system.model, "adapter": system.adapter, "max_tokens": most}
        self.asked |= {"batch": batch, "gguf": self._gguf()}
        self.loaded: dict[str, Any] = {}

    def _gguf(self) -> str | None:
        if Path(self.system.model, "config.json").is_file():
            return None
        there = ggufs(self.system.model)
        if len(there) > 1:
            raise InputError(f"{self.system.word}: holds {len(there)} .gguf files; leave one in the folder")
        return there[0].name if there else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how the model was asked."""
        if not self.loaded:
            return ()
        made = self.loaded.get("versions")
        with_ = ", ".join(f"{name} {version}" for name, version in made.items()) if isinstance(made, dict) else ""
        return (inline(f"loaded in {self.loaded.get('seconds')} s on {self.loaded.get('device')} with {with_}"),)

    def ask(self, prompts: Sequence[Prompt]) -> Generator[Answer | None]:
        """Give the answers in the order in which they come; None for a prompt that is too long for the model.

        Nothing is fetched: the process is told to stay offline, and gets no key of this one's environment.

        Raises:
            PluginError: the interpreter lacks a package.
            VendorError: the model cannot be loaded, failed, or the process died.
        """
        try:
            process = subprocess.Popen(
                [self.python, str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=offline.environment(),
            )
        except OSError as error:
            raise RecipeError(f"--python {self.python}: cannot be started: {os.strerror(error.errno or 0)}") from None
        assert process.stdin and process.stdout and process.stderr
        last: deque[bytes] = deque(maxlen=20)
        drain = threading.Thread(target=last.extend, args=(process.stderr,), daemon=True)
        drain.start()
        try:
            _give(
                process.stdin,
                [self.asked, *({"key": p.key, "messages": p.messages, "tools": p.tools} for p in prompts)],
            )
            yield from self._read(process, {one.key for one in prompts})
        finally:
            _end(process)
            drain.join(_STOP)
            process.stdout.close()
            process.stderr.close()

    def _read(self, process: subprocess.Popen[bytes], keys: set[str]) -> Iterator[Answer | None]:
        assert process.stdout
        for line in process.stdout:
            told = _object(line)
            found = answer(told)
            if found is not None and found.key in keys:
                yield found
            elif told.get("skipped") == "too-long" and told.get("key") in keys:
                yield None
            elif told.get("event") == "loaded":
                self.loaded = told
            elif told.get("event") == "done":
                return
            elif told.get("error") == "packages":
                raise PluginError(
                    f"{self.python}: has no package {inline(told.get('missing'))}; pip install 'ftdata[lora]' there, "
                    "or name the Python of the trainer environment (--python)"
                )
            elif told.get("error") == "failed":
                raise VendorError(f"{self.system.word}: {inline(told.get('why'))}")
            else:
                raise VendorError(f"{self.system.word}: {self.python} wrote a line that is no answer; is it Python?")
        code = process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        cure = "; was memory short? give a smaller --batch" if code == -9 else ""
        raise VendorError(f"{self.system.word}: the process of {self.python} {how} before all was answered{cure}")


def _give(stream: IO[bytes], values: Sequence[Any]) -> None:
    """Write all lines; a process that ended already is noticed by whoever reads."""
    try:
        for value in values:
            stream.write(json.dumps(value).encode() + b"\n")
        stream.close()
    except BrokenPipeError:
        pass


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    """See the process end; one that does not is killed: whoever stopped reading wants no more."""
    try:
        process.wait(0.2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
