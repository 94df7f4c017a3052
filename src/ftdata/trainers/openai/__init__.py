"""OpenAI's fine-tuning protocol, through the official SDK: one trainer for whoever answers it.

A run makes at most one job, whatever fails: the job carries a tag, requests that make something are never repeated
blindly, and what was sent, asked and answered is kept in the state before and after each step. Nothing of the SDK is
imported before something is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from ftdata import endpoints
from ftdata.endpoints import Endpoint
from ftdata.errors import FtdataError, InputError, VendorError
from ftdata.handoff.state import State
from ftdata.stages import Event, Job, Order, Result, Trainer
from ftdata.trainers.openai.tables import Table, value

if TYPE_CHECKING:
    from ftdata.handoff.gate import Passed
    from ftdata.trainers.openai.jobs import Jobs

_RFT = ("reasoning_effort", "compute_multiplier", "eval_interval", "eval_samples", "grader")
_ONLY = {"beta": "dpo", **dict.fromkeys(_RFT, "rft")}
"""Settings of one method alone."""
_LIVES = 90
_SECRET = re.compile(r"(?i)^(.*_)?(api_?key|key|token|secret|password|credentials?)$")


class OpenAITrainer(Trainer):
    """Fine-tune at whoever speaks OpenAI's protocol: OpenAI, Azure, Nebius, a server on this machine, any base_url.

    The files that the writer `openai-chat` wrote are uploaded (large ones in parts) and one job is made of them; `train
    status | events | cancel | resume | result` tell of it. The key stands in an environment variable, never in a
    recipe. Presets say what each endpoint offers; what is not known of one is tried, and told.
    """

    name: ClassVar[str] = "openai"
    takes: ClassVar[tuple[str, ...]] = ("openai-chat",)

    preset: str = Field("openai", description="who answers: openai, azure, nebius or local")
    base_url: str | None = Field(None, description="address, ending in /v1; for azure the name of the resource will do")
    key_env: str | None = Field(None, description="environment variable that holds the key; default: the preset's")
    rules: str | None = Field(None, description="target by whose rules the files are judged; default: the preset's")
    model: str = Field(min_length=1, max_length=200, description="model to tune, as the vendor writes it")
    method: Literal["sft", "dpo", "rft"] = Field("sft", description="supervised, on preferences, by reinforcement")
    epochs: int | None = Field(None, ge=1, le=50, description="passes over the rows; default: the vendor's")
    batch_size: int | None = Field(None, ge=1, le=256, description="rows of a step; default: the vendor's")
    learning_rate_multiplier: float | None = Field(None, gt=0, description="factor on the vendor's learning rate")
    beta: float | None = Field(None, gt=0, le=2, description="weight of the reference model (dpo)")
    reasoning_effort: Literal["default", "low", "medium", "high"] | None = Field(None, description="of the model (rft)")
    compute_multiplier: float | None = Field(None, gt=0.00001, le=10, description="compute for exploring (rft)")
    eval_interval: int | None = Field(None, ge=1, description="steps between evaluations (rft)")
    eval_samples: int | None = Field(None, ge=1, description="samples of an evaluation (rft)")
    grader: Table = Field(None, description="table that says how answers are graded (rft)")
    hyperparameters: Table = Field(
        None, description="table of further ones by the endpoint's own names, such as lora_r (Nebius, local)"
    )
    suffix: str | None = Field(None, min_length=1, max_length=64, description="part of the tuned model's name")
    seed: int | None = Field(None, ge=0, le=2_147_483_647, description="seed of the job")
    metadata: Table = Field(None, description="table of up to 15 texts to keep with the job")
    wandb: Table = Field(None, description="table (project, name, entity, tags): metrics go there, too")
    training_type: str | None = Field(
        None, pattern=r"^[A-Za-z]{1,40}$", description="training tier, such as globalStandard (Azure)"
    )

    @field_validator("grader")
    @classmethod
    def _graded(cls, grader: str | None) -> str | None:
        from ftdata.trainers.openai.request import grader_faults

        faults = list(grader_faults(value(grader))) if grader is not None else []
        if faults:
            raise ValueError("; ".join(faults))
        return grader

    @field_validator("metadata")
    @classmethod
    def _labelled(cls, given: str | None) -> str | None:
        pairs = value(given)
        if not all(isinstance(said, str) and len(said) <= 512 and len(key) <= 64 for key, said in pairs.items()):
            raise ValueError("takes texts of up to 512 letters, under names of up to 64")
        if len(pairs) > 15:
            raise ValueError("takes up to 15 texts")
        if "ftdata" in pairs:
            raise ValueError("ftdata: is the job's tag; choose another name")
        return given

    @field_validator("wandb")
    @classmethod
    def _logged(cls, given: str | None) -> str | None:
        table = value(given)
        if given is not None and ("project" not in table or table.keys() - {"project", "name", "entity", "tags"}):
            raise ValueError("must hold project, and may hold name, entity, tags; keys are set at the vendor")
        return given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, method in _ONLY.items():
            if getattr(self, name) is not None and self.method != method:
                raise ValueError(f"{name}: is for method {method}, not {self.method}")
        if self.method == "rft" and self.grader is None:
            raise ValueError("grader: is missing; method rft needs a table that says how answers are graded")
        if any(_SECRET.match(name) for name in (*value(self.hyperparameters), *value(self.metadata))):
            raise ValueError("hyperparameters, metadata: hold a key or password; those are never a setting")
        try:
            endpoints.endpoint(self.preset, self.base_url, self.key_env)
        except FtdataError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def where(self) -> Endpoint:
        """Who answers."""
        return endpoints.endpoint(self.preset, self.base_url, self.key_env)

    @property
    def destination(self) -> str:
        """The preset's name; `local` for a server on this machine; else the host."""
        return self.where.destination

    @property
    def target(self) -> str:
        """The endpoint's target, unless `rules` names another."""
        return self.rules or self.where.target

    # --- before anything is sent --------------------------------------------------------------------------------------

    def order(self, files: Mapping[str, Path], state: State) -> Order:
        """Say what would be sent and asked. Sends nothing, needs neither key nor SDK."""
        from ftdata.trainers.openai.ordering import order

        return order(self, self.where, files, state)

    # --- the job ------------------------------------------------------------------------------------------------------

    def start(self, given: Passed, state: State) -> Job:
        """Send the files and make the job; what `state` shows to be done is not done again.

        Raises:
            RefusedError: the vendor does not have the model, or shuts it down within its planned life.
            OutputError: the bytes are not those that were judged; what was sent of them is deleted there.
            VendorError: the vendor refuses, or cannot be reached; what was done is kept, `train resume` goes on.
        """
        if "job" in state.facts:
            return self.look(state)
        kept = {split: state.record.relative(path) for split, path in given.handoff.files.items()}
        state.keep(paths=kept, lives=given.handoff.lives)
        return self._go_on(state, dict(given.handoff.files), given.hashes)

    def _go_on(self, state: State, files: Mapping[str, Path], hashes: Mapping[str, str]) -> Job:
        from ftdata.trainers.openai.request import body
        from ftdata.trainers.openai.sending import Sending

        jobs = self._jobs(state)
        before = state.facts.keys() & {"sent", "sending", "creating"}
        if not before and (job := jobs.found(thoroughly=False)) is not None:
            return jobs.keep(job)
        if "creating" not in state.facts:
            jobs.lives(self.model, int(state.facts.get("lives", _LIVES)))
        sent = Sending(jobs.api, self.where, state).all(files, hashes)
        return jobs.keep(jobs.made(body(self, self.where, sent, state.tag)))

    def look(self, state: State) -> Job:
        """Ask where the job stands. One whose start nobody saw the end of is looked for, never made."""
        from ftdata.trainers.openai.telling import asking

        jobs = self._jobs(state)
        if (identity := state.facts.get("job")) is None:
            job = jobs.found(thoroughly=True)
            if job is None:
                return Job(self.name, "", "starting", None, "not known to be made; go on with ftdata train resume")
            return jobs.keep(job)
        with asking(self.where, f"job {identity}"):
            job = jobs.api.fine_tuning.jobs.retrieve(identity)
            if getattr(job, "id", None) != identity:
                raise VendorError(f"{self.where.title}: job {identity}: the answer is about something else")
        return jobs.keep(job)

    def events(self, state: State) -> Iterator[Event]:
        """Tell the job's log, oldest first; the vendor's words, without anything that looks like a key."""
        identity = self._identity(state)
        yield from self._jobs(state).events(identity)

    def cancel(self, state: State) -> Job:
        """Stop the job; one that has ended is told as it ended."""
        from ftdata.trainers.openai.telling import refused

        identity = self._identity(state)
        jobs = self._jobs(state)
        try:
            job = jobs.api.fine_tuning.jobs.cancel(identity)
            if getattr(job, "id", None) != identity:
                return self.look(state)
        except Exception as error:
            now = self.look(state)
            if now.ended:
                return now
            raise refused(error, self.where, f"cancelling {identity}") from None
        return jobs.keep(job)

    def resume(self, state: State) -> Job:
        """Finish a start that broke off, or have a paused job go on; any other job is told as it is."""
        from ftdata.trainers.openai.telling import asking

        if "job" not in state.facts:
            paths: Mapping[str, str] = state.facts.get("paths") or state.known.get("files") or {}
            if not paths:
                raise InputError(f"{state.path}: does not tell which files go there; start with ftdata train")
            files = {split: state.record.absolute(path) for split, path in paths.items()}
            return self._go_on(state, files, state.known["hashes"])
        now = self.look(state)
        if now.status != "paused":
            return now
        jobs = self._jobs(state)
        with asking(self.where, f"resuming {now.id}"):
            job = jobs.api.fine_tuning.jobs.resume(now.id)
        return jobs.keep(job) if getattr(job, "id", None) == now.id else self.look(state)

    def result(self, state: State, into: Path) -> Result:
        """Fetch metrics, their curve and the checkpoints. Raises `InputError` unless the job succeeded."""
        from ftdata.trainers.openai.results import fetch

        job = self.look(state)
        if job.status != "succeeded":
            told = f": {job.detail}" if job.detail else ""
            raise InputError(f"{job.id or 'the job'}: is {job.status}, and left no result{told}")
        return fetch(self._jobs(state), job, self.model, into)

    # --- the endpoint -------------------------------------------------------------------------------------------------

    def _jobs(self, state: State) -> Jobs:
        from ftdata.trainers.openai.jobs import Jobs
        from ftdata.trainers.openai.sending import patience

        retries = 2 if patience() else 0
        return Jobs(endpoints.client(self.where, max_retries=retries), self.where, state)

    def _identity(self, state: State) -> str:
        """Give the id of the job; raise `VendorError` while nobody knows of one."""
        identity = state.facts.get("job") or self.look(state).id
        if not identity:
            raise VendorError(f"{self.where.title}: no job of this run is known yet; go on with ftdata train resume")
        return str(identity)


__all__ = ["OpenAITrainer"]
