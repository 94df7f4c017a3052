"""The trainer `lora`: hands judged files to TRL in the environment that the user names, and keeps hold of the process.

Thin on purpose: what learns is `trl sft` or `trl dpo`; here is what they are given, a look at every row beforehand, and
what is left when they are done.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ftdata import files
from ftdata.errors import InputError, Interrupted, LockedError
from ftdata.stages import Event, Job, Order, Result
from ftdata.trainers.lora.ending import MERGED, finish
from ftdata.trainers.lora.job import DATA, Folder, environment, scratch
from ftdata.trainers.lora.measure import Measured, measure
from ftdata.trainers.lora.preflight import interpreter, licence, machine, preflight
from ftdata.trainers.lora.settings import TEMPLATE, Settings, kind, lines
from ftdata.wording import inline

if TYPE_CHECKING:
    from ftdata.handoff.gate import Passed
    from ftdata.handoff.state import State


_ENDED = ("succeeded", "failed", "cancelled")


class Lora(Settings):
    """Train a LoRA adapter with TRL on this machine; nothing leaves it.

    Takes rows of messages, of a prompt and a completion, or of preferences (`method = "dpo"`), renders each as TRL will
    before anything starts, and refuses what would not be learnt. `quantize = "4bit"` is QLoRA. The environment that has
    torch and trl may be another than ftdata's own: `python` names its interpreter.

    What is left, in the folder of the job: the adapter with its card, the losses as a table and a plot, the last
    checkpoints, the configuration, a log without texts of rows.

    Source: TRL 1.16.0, `trl sft`, `trl dpo`, run and read; as of 2026-11-22.
    """

    name: ClassVar[str] = "lora"
    takes: ClassVar[tuple[str, ...]] = ("trl-completion", "openai-chat", "prompt-completion", "preference", "trl")

    @property
    def destination(self) -> str:
        """Nothing leaves the machine."""
        return "local"

    @property
    def target(self) -> str:
        """The files are judged by TRL's rules."""
        return "trl"

    # --- before -------------------------------------------------------------------------------------------------------

    def order(self, files: Mapping[str, Path], state: State) -> Order:
        """Look at the environment, the model and every row; give TRL's configuration, the command, what is against it.

        Starts a process of the trainer environment that renders the rows and ends; torch is imported there, not here.
        """
        found = preflight(self, files, scratch(state.folder, "probe"))
        if found.machine is None:
            return Order((), problems=found.problems)
        rows = {split: lines(path) for split, path in files.items()}
        where = self.place(state)
        texts = (
            (f"{where.path / self._config}", self.config(rows, found.machine, found.kind)),
            ("command", f"cd {shlex.quote(str(where.path))} && {shlex.join(self._command())}"),
        )
        notes = [
            f"{_device(self, found.machine)}, {'bf16' if self.in_bf16(found.machine) else 'fp32'}, "
            f"torch {found.machine['versions']['torch']}, trl {found.machine['versions']['trl']}",
            f"licence of the base: {licence(self) or 'not stated'}",
            *found.notes,
        ]
        if not self.packing:
            steps = self.steps(rows["train"])
            notes.append(f"{steps:,} steps; their time and memory a dry run of at most 100 rows tells (--measure)")
        return Order(texts, notes=tuple(map(inline, notes)), problems=tuple(map(inline, found.problems)))

    def measure(self, files: Mapping[str, Path], state: State) -> Measured:
        """Train for a few steps on at most 100 rows, elsewhere, and tell what time and memory the whole will take."""
        return measure(self, files, state)

    @property
    def _config(self) -> str:
        return f"{self.method}.yaml"

    def _command(self, *more: str) -> list[str]:
        return [interpreter(self), "-m", "trl.cli.main", self.method, "--config", self._config, *more]

    def place(self, state: State) -> Folder:
        """Give the folder of the job: the one that was named, or `lora/<run>` beside the outputs of the run."""
        kept = state.facts.get("folder")
        number = "" if state.number == 1 else f"-{state.number}"
        made = Path(self.folder) if self.folder else state.record.base / "lora" / f"{state.record.name}{number}"
        return Folder(made if kept is None else state.record.absolute(kept))

    # --- the job ------------------------------------------------------------------------------------------------------

    def start(self, given: Passed, state: State) -> Job:
        """Train, and come back when it is done. What runs already is waited for; what was interrupted goes on.

        Raises `OutputError` for files that are not those that were judged, or a folder that is of something else;
        `VendorError` for an environment that lacks something; `Interrupted` on Ctrl-C, with the training stopped and
        ready to go on.
        """
        folder = self.place(state)
        if "rows" not in state.facts or not folder.attempts:
            folder.claim(state.tag)
            state.keep(folder=state.record.relative(folder.path), status="starting")
            with folder.held() as lock:
                if folder.stopped.exists():
                    return self._settle(folder, state)
                self._prepare(given, folder, state)
                if not folder.attempts:
                    return self._train(folder, state, lock)
        return self.resume(state)

    def _prepare(self, given: Passed, folder: Folder, state: State) -> None:
        found = machine(self)
        folder.fill(given.handoff.files, given.hashes)
        paths = {split: folder.path / DATA / f"{split}.jsonl" for split in given.hashes}
        rows = {split: lines(path) for split, path in paths.items()}
        if self.chat_template is not None:
            files.save(folder.path / TEMPLATE, Path(self.chat_template).read_text(encoding="utf-8"))
        files.save(folder.path / self._config, self.config(rows, found, kind(paths["train"])))
        state.keep(rows=rows, versions=found["versions"], threads=self.threads or found["threads"])

    def _train(self, folder: Folder, state: State, lock: int, checkpoint: Path | None = None) -> Job:
        more = [] if checkpoint is None else ["--resume_from_checkpoint", str(checkpoint.relative_to(folder.path))]
        env = environment(folder.cache, state.facts["threads"], self.report_to)
        child = folder.run(self._command(*more), env, lock, self.whole_log)
        state.keep(status="running")
        return self._follow(folder, state, child)

    def _follow(self, folder: Folder, state: State, child: subprocess.Popen[bytes] | None) -> Job:
        """Watch an attempt to its end; the caller holds the folder, or the one who trains does."""

        def tell(raw: Mapping[str, Any]) -> None:
            state.tell(self._event(raw))

        try:
            folder.wait(tell, child)
        except (KeyboardInterrupt, Interrupted):
            folder.end_child(child)
            self._settle(folder, state)
            raise Interrupted(signal.SIGINT) from None
        return self._settle(folder, state)

    def look(self, state: State) -> Job:
        """Tell where the training stands; one that ended while nobody watched is brought to its end now."""
        folder = self.place(state)
        status = state.facts.get("status")
        if status in _ENDED or status is None or not folder.lock.exists():
            return self._job(state, status or "starting")
        try:
            return self._over(folder, state)
        except LockedError:
            return self._job(state, "running", detail=self._stands(folder))

    def events(self, state: State) -> Iterator[Event]:
        """Tell the numbers of all attempts, oldest first."""
        folder = self.place(state)
        for number in range(1, len(folder.attempts) + 1):
            yield from map(self._event, folder.events(number))

    def cancel(self, state: State) -> Job:
        """End the training, whoever waits for it. One that ended already stays as it is."""
        job = self.look(state)
        if job.ended:
            return job
        folder = self.place(state)
        if not folder.lock.exists():
            raise InputError(f"{state.record.name}: the training has no folder yet; nothing is there to cancel")
        files.save(folder.stopped, "")
        folder.stop()
        try:
            return self._over(folder, state)
        except LockedError:  # who waits for it brings it to its end
            return self._job(state, "cancelled")

    def resume(self, state: State) -> Job:
        """Go on from the last whole checkpoint; one that runs is waited for, one that is done stays.

        Raises `InputError` if it was cancelled, or was never begun; `OutputError` if the files changed since.
        """
        folder = self.place(state)
        if state.facts.get("folder") is None or not folder.lock.exists():
            raise InputError(f"{state.record.name}: no training was begun; ftdata train starts it")
        if folder.busy:  # it runs, or its processes are about to be gone
            job = self._follow(folder, state, None)
            if job.status != "paused":
                return job
        job = self.look(state)
        if job.status == "succeeded":
            return job
        if job.status == "cancelled":
            raise InputError(f"{state.record.name}: the training was cancelled; start another with --again")
        with folder.held() as lock:
            if not folder.attempts:
                raise InputError(f"{state.record.name}: the training was not begun yet; ftdata train starts it")
            folder.check(state.known["hashes"])
            done = folder.checkpoints()
            return self._train(folder, state, lock, done[-1][1] if done else None)

    def result(self, state: State, into: Path) -> Result:
        """Put the losses, their plot and the card into a folder; adapter and checkpoints stay where they are.

        Raises `InputError` before its end.
        """
        job = self.look(state)
        folder = self.place(state)
        if job.status != "succeeded" or job.model is None:
            raise InputError(f"{state.record.name}: the training is {job.status}; there is no result yet")
        if not into.is_dir():
            files.private_folder(into)
        given: dict[str, Path] = {}
        for what, source in (
            ("metrics", folder.path / "metrics.csv"),
            ("plot", folder.path / "metrics.svg"),
            ("card", folder.adapter / "README.md"),
        ):
            if not source.exists():  # no plot where no loss was told
                continue
            given[what] = into / source.name
            if not (given[what].exists() and given[what].samefile(source)):
                files.save(given[what], source.read_text(encoding="utf-8"))
        given["adapter"] = folder.adapter
        if (folder.path / MERGED).is_dir():
            given["merged"] = folder.path / MERGED
        given |= {f"checkpoint {step}": path for step, path in folder.checkpoints()}
        numbers = state.facts.get("numbers", {})
        notes = tuple(f"{name}: {value}" for name, value in numbers.items())
        return Result(job, f"local:{self.model}", job.model, given, notes)

    # --- its end ------------------------------------------------------------------------------------------------------

    def _over(self, folder: Folder, state: State) -> Job:
        """Settle what nobody trains any more; raise `LockedError` if somebody does."""
        with folder.held():
            state.read()  # who trained it kept facts since, and may have settled it
            status = state.facts.get("status")
            return self._job(state, status) if status in _ENDED else self._settle(folder, state)

    def _settle(self, folder: Folder, state: State) -> Job:
        """Bring an attempt that is over to its end: keep what it left, or say how it failed. May be done twice."""
        end = folder.end
        if end is not None and end["code"] == 0 and (folder.adapter / "adapter_config.json").is_file():
            return self._keep(folder, state, end)
        if folder.stopped.exists():
            status, detail = "cancelled", self._stands(folder)
        elif not folder.attempts:
            status, detail = "paused", "nothing was trained yet; ftdata train starts it"
        elif end is None or end["stopped"]:
            status, detail = "paused", f"interrupted {self._stands(folder)}; ftdata train resume goes on"
        else:
            status, detail = "failed", self._fault(folder, end)
        folder.clear()
        state.keep(status=status, detail=detail)
        return self._job(state, status, detail=detail)

    def _keep(self, folder: Folder, state: State, end: Mapping[str, Any]) -> Job:
        numbers, fault = finish(self, folder, state, end)
        status = "failed" if fault else "succeeded"
        state.keep(status=status, detail=fault, numbers=numbers)
        return self._job(state, status, detail=fault)

    # --- telling ------------------------------------------------------------------------------------------------------

    def _job(self, state: State, status: str, detail: str | None = None) -> Job:
        folder = self.place(state)
        model = f"local:{self.model}+{folder.adapter}" if status == "succeeded" else None
        told = state.facts.get("detail", "") if detail is None else detail
        return Job(self.name, state.record.relative(folder.path), status, model, told)

    def _stands(self, folder: Folder) -> str:
        """Say how far it is: in epochs, which is what TRL tells on the way."""
        found = [event["numbers"] for event in folder.events(len(folder.attempts)) if event["what"] == "numbers"]
        done = folder.checkpoints()
        saved = f", last checkpoint at step {done[-1][0]}" if done else ", no checkpoint yet"
        return (
            f"at epoch {found[-1]['epoch']:g} of {self.epochs}{saved}" if found and "epoch" in found[-1] else saved[2:]
        )

    def _fault(self, folder: Folder, end: Mapping[str, Any]) -> str:
        log = folder.path / f"log-{len(folder.attempts)}.txt"
        why = f"exit {end['code']}"
        if end["code"] in (-9, 137) or "SIGKILL" in end["error"]:
            why = "killed; memory may have run out: a smaller batch_size, or gradient_checkpointing = true"
        elif end["error"]:
            why += f", {end['error']}"
        return f"trl {self.method} ended with {why}; see {log}; ftdata train resume goes on from the last checkpoint"

    def _event(self, raw: Mapping[str, Any]) -> Event:
        what = raw["what"]
        if what == "numbers":
            numbers = raw["numbers"]
            shown = [
                f"{name} {numbers[name]:.4g}" for name in ("loss", "eval_loss", "learning_rate") if name in numbers
            ]
            far = f"epoch {numbers['epoch']:.3g} of {self.epochs}" if "epoch" in numbers else "end"
            return Event(raw["at"], "info", ": ".join([far, ", ".join(shown)]) if shown else far, numbers)
        if what == "began":
            return Event(raw["at"], "info", "the trainer was started", {"pid": float(raw["pid"])})
        level = "info" if raw["code"] == 0 else "error"
        told = "the trainer ended" if raw["code"] == 0 else f"the trainer ended with exit {raw['code']} {raw['error']}"
        return Event(raw["at"], level, told.strip(), {"seconds": raw["seconds"], "peak_bytes": float(raw["peak"])})


def _device(given: Settings, found: Mapping[str, Any]) -> str:
    if not given.on_cuda(found):
        return f"on the processor, {given.threads or found['threads']} threads"
    return ", ".join(f"{card['name']} ({card['mebibytes']:,} MiB)" for card in found["cards"])
