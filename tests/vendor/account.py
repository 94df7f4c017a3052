"""What a vendor keeps for one account: files, uploads in parts, jobs that go on, models; and what it refuses."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wire import Read

NEEDS = frozenset({"files", "jobs", "chat", "models"})
EVERYTHING = NEEDS | {"uploads", "metadata", "metadata-filter", "events", "checkpoints", "pause", "suffix"}
LOCAL = NEEDS
"""What a small local server can do: files and jobs, nothing else."""


@dataclass
class Stored:
    """A file at the vendor; `polls` more looks until it is processed."""

    about: dict[str, Any]
    data: bytes
    polls: int = 0

    @property
    def sha256(self) -> str:
        """The hash of what was received."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class Work:
    """A job at the vendor: as it is told, its log (oldest first), its checkpoints, and the looks it has had."""

    about: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    polls: int = 0


class Refused(Exception):
    """A request that the vendor answers with an error."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        kind = "server_error" if status >= 500 else "invalid_request_error"
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


class Account:
    """The memory behind the protocol. What can be set says `server.Vendor`; `now` is its clock, in seconds.

    `stale` is how many listings of jobs will not yet show the newest one.
    """

    def __init__(
        self,
        *,
        can: frozenset[str] = EVERYTHING,
        pace: int = 1,
        steps: int = 45,
        fails: Mapping[str, Any] | None = None,
        processing: int = 0,
        errors: str = "null",
        results: str = "plain",
        reply: Callable[[Sequence[Mapping[str, Any]], str], str] = lambda messages, model: "yes",
        shutdown: Mapping[str, str] | None = None,
        part: int = 64 << 20,
    ) -> None:
        self.can, self.pace, self.steps, self.fails, self.processing = can, pace, steps, fails, processing
        self.errors, self.results, self.reply, self.part = errors, results, reply, part
        self.shutdown = dict(shutdown or {})
        self.models = {"gpt-4o-mini-2024-07-18", "gpt-4.1-nano-2025-04-14", "o4-mini-2025-04-16"}
        self.files: dict[str, Stored] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.parts: dict[str, tuple[str, bytes]] = {}
        self.jobs: dict[str, Work] = {}
        self.deleted: list[str] = []
        self.stale = 0
        self.now = 1_764_000_000
        self._ids = itertools.count(1)
        self._lock = threading.RLock()

    def received(self) -> dict[str, str]:
        """Give the hash of each file that clients sent, by id."""
        return {name: file.sha256 for name, file in self.files.items() if file.about["purpose"] != "fine-tune-results"}

    # --- files -------------------------------------------------------------------------------------------------------

    def _id(self, prefix: str) -> str:
        return f"{prefix}{hashlib.sha256(str(next(self._ids)).encode()).hexdigest()[:24]}"

    def _store(self, name: str, purpose: str, data: bytes) -> Stored:
        file = {
            "id": self._id("file-"),
            "object": "file",
            "bytes": len(data),
            "created_at": self.now,
            "filename": name,
            "purpose": purpose,
            "status": "uploaded" if self.processing and purpose == "fine-tune" else "processed",
        }
        stored = Stored(file, data, self.processing if purpose == "fine-tune" else 0)
        self.files[str(file["id"])] = stored
        return stored

    def _file(self, name: str) -> Stored:
        if name not in self.files:
            raise Refused(404, f"No such File object: {name}", param="id")
        return self.files[name]

    def _create_file(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        assert read.form is not None
        name, data = read.form["file"]
        if len(data) > 512 << 20:
            raise Refused(413, "File is too large", code="file_too_large")
        purpose = str(read.form["purpose"][0])
        if purpose == "fine-tune" and not name.endswith(".jsonl"):
            raise Refused(400, f"Invalid file format for Fine-Tuning API. Must be .jsonl: {name}", param="file")
        if not data:
            raise Refused(400, "File is empty.", param="file", code="empty_file")
        return self._store(name, purpose, data).about

    def _list_files(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        purpose = query.get("purpose")
        newest = [file.about for file in self.files.values() if purpose in (None, file.about["purpose"])]
        newest = newest if query.get("order") == "asc" else newest[::-1]
        return _page(newest, query, 10_000)

    def _retrieve_file(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        file = self._file(values["file_id"])
        if file.polls:
            file.polls -= 1
        if not file.polls:
            file.about["status"] = "processed"
        return file.about

    def _delete_file(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        self._file(values["file_id"])
        del self.files[values["file_id"]]
        self.deleted.append(values["file_id"])
        return {"id": values["file_id"], "object": "file", "deleted": True}

    def _download(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        return self._file(values["file_id"]).data

    # --- uploads -----------------------------------------------------------------------------------------------------

    def _create_upload(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        asked = read.json
        if asked["bytes"] > 8 << 30:
            raise Refused(400, "Upload is larger than 8 GB", param="bytes")
        about = {
            "id": self._id("upload_"),
            "object": "upload",
            "bytes": asked["bytes"],
            "created_at": self.now,
            "expires_at": self.now + 3600,
            "filename": asked["filename"],
            "purpose": asked["purpose"],
            "status": "pending",
            "file": None,
        }
        self.uploads[str(about["id"])] = about
        return about

    def _upload(self, name: str, doing: str) -> dict[str, Any]:
        if name not in self.uploads:
            raise Refused(404, f"No such Upload object: {name}", param="upload_id")
        about = self.uploads[name]
        if about["status"] == "pending" and self.now > about["expires_at"]:
            about["status"] = "expired"
        if about["status"] != "pending":
            raise Refused(400, f"Upload {name} is {about['status']}: cannot {doing}")
        return about

    def _add_part(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        about = self._upload(values["upload_id"], "add a part")
        assert read.form is not None
        data = read.form["data"][1]
        if len(data) > self.part:
            raise Refused(400, f"Part is larger than {self.part} bytes", param="data")
        name = self._id("part_")
        self.parts[name] = (about["id"], data)
        return {"id": name, "object": "upload.part", "created_at": self.now, "upload_id": about["id"]}

    def _complete(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        about = self._upload(values["upload_id"], "complete")
        asked = read.json["part_ids"]
        if any(self.parts.get(part, ("",))[0] != about["id"] for part in asked):
            raise Refused(400, "Unknown part", param="part_ids")
        data = b"".join(self.parts[part][1] for part in asked)
        if len(data) != about["bytes"]:
            raise Refused(400, f"Upload has {len(data)} bytes, not the {about['bytes']} that were announced")
        said = read.json.get("md5")
        if said is not None and hashlib.md5(data, usedforsecurity=False).hexdigest() != said:
            raise Refused(400, "md5 of the bytes received does not match", param="md5")
        for part in [name for name, (upload, _) in self.parts.items() if upload == about["id"]]:
            del self.parts[part]
        about["status"] = "completed"
        about["file"] = self._store(about["filename"], about["purpose"], data).about
        return about

    def _cancel_upload(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        about = self._upload(values["upload_id"], "cancel")
        about["status"] = "cancelled"
        return about

    # --- jobs --------------------------------------------------------------------------------------------------------

    def _create_job(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        asked = read.json
        for name in ("training_file", "validation_file"):
            given = asked.get(name)
            if given is None:
                continue
            if given not in self.files:
                raise Refused(400, f"invalid {name}: {given}", param=name, code="invalid_file")
            if self.files[given].about["purpose"] != "fine-tune":
                raise Refused(400, f"{given} was not uploaded for fine-tune", param=name, code="invalid_file")
            if self.files[given].about["status"] != "processed":
                raise Refused(400, f"{given} is not ready: it is being processed", param=name, code="file_not_ready")
        if asked["model"] not in self.models:
            raise Refused(
                400,
                f"Model {asked['model']} is not available for fine-tuning",
                param="model",
                code="model_not_available",
            )
        marks = asked.get("metadata") or {}
        if len(marks) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in marks.items()):
            raise Refused(400, "metadata: too many pairs, or one is too long", param="metadata")
        method = asked.get("method") or {"type": "supervised"}
        if method.keys() - {"type", method["type"]}:
            raise Refused(400, f"method: only {method['type']} may be given", param="method")
        kind = method["type"]
        settings = {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.8}
        chosen = {
            **settings,
            **{n: v for n, v in method.get(kind, {}).get("hyperparameters", {}).items() if v != "auto"},
        }
        used = {**method.get(kind, {}), "hyperparameters": chosen}
        about = {
            "id": self._id("ftjob-"),
            "object": "fine_tuning.job",
            "created_at": self.now,
            "error": None if self.errors == "null" else {},
            "fine_tuned_model": None,
            "finished_at": None,
            "hyperparameters": {n: chosen[n] for n in settings},
            "model": asked["model"],
            "organization_id": "org-fake",
            "result_files": [],
            "status": "validating_files",
            "trained_tokens": None,
            "training_file": asked["training_file"],
            "validation_file": asked.get("validation_file"),
            "integrations": [],
            "seed": asked.get("seed") if asked.get("seed") is not None else 42,
            "estimated_finish": None,
            "method": {"type": kind, kind: used},
        }
        if "metadata" in self.can:
            about["metadata"] = asked.get("metadata")
        work = Work(about)
        self.jobs[str(about["id"])] = work
        work.about["_suffix"] = asked.get("suffix") if "suffix" in self.can else None
        self._log(work, f"Created fine-tuning job: {about['id']}")
        self._log(work, f"Validating training file: {about['training_file']}")
        return told(work)

    def _work(self, name: str) -> Work:
        if name not in self.jobs:
            raise Refused(404, f"Could not find fine tune: {name}", param="fine_tune_id", code="fine_tune_not_found")
        return self.jobs[name]

    def _log(self, work: Work, message: str, level: str = "info", **data: float) -> None:
        event = {
            "id": self._id("ftevent-"),
            "object": "fine_tuning.job.event",
            "created_at": self.now,
            "level": level,
            "message": message,
            "type": "metrics" if data else "message",
            "data": dict(data),
        }
        work.events.append(event)

    def advance(self, name: str) -> str:
        """Take a job one state further, and give the state."""
        with self._lock:
            work, about = self.jobs[name], self.jobs[name].about
            was = about["status"]
            if was == "validating_files":
                if self.fails is not None:
                    about.update(status="failed", error=dict(self.fails), finished_at=self.now)
                    self._log(work, f"The job failed: {self.fails['message']}", "error")
                else:
                    about["status"] = "queued"
                    self._log(work, "Files validated, moving job to queued state")
            elif was == "queued":
                about.update(status="running", estimated_finish=self.now + 600)
                self._log(work, "Fine-tuning job started")
                for step in range(1, self.steps + 1):
                    self._step(work, step)
            elif was == "running":
                self._succeed(work)
            return str(about["status"])

    def _step(self, work: Work, step: int) -> None:
        loss, right = round(2.0 / step, 4), round(1 - 1 / (step + 1), 4)
        self._log(
            work,
            f"Step {step}/{self.steps}: training loss={loss}",
            step=step,
            train_loss=loss,
            total_steps=self.steps,
            train_mean_token_accuracy=right,
        )
        if step % max(self.steps // 3, 1) == 0 and len(work.checkpoints) < 3:
            checkpoint = {
                "id": self._id("ftckpt_"),
                "object": "fine_tuning.job.checkpoint",
                "created_at": self.now,
                "fine_tuned_model_checkpoint": f"{self._model(work)}:ckpt-step-{step}",
                "fine_tuning_job_id": work.about["id"],
                "step_number": step,
                "metrics": {"step": step, "train_loss": loss, "train_mean_token_accuracy": right},
            }
            work.checkpoints.append(checkpoint)
            self._log(work, f"Checkpoint created at step {step}")

    def _model(self, work: Work) -> str:
        suffix = work.about.get("_suffix") or ""
        return f"ft:{work.about['model']}:org-fake:{suffix}:{work.about['id'][-8:]}"

    def _succeed(self, work: Work) -> None:
        about = work.about
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy"])
        for event in work.events:
            data = event["data"]
            if data:
                valid = data["train_loss"] * 1.1 if data["step"] % 10 == 0 and about["validation_file"] else ""
                table.writerow([data["step"], data["train_loss"], data["train_mean_token_accuracy"], valid, ""])
        raw = text.getvalue().encode()
        raw = base64.b64encode(raw) if self.results == "base64" else raw
        result = self._store("step_metrics.csv", "fine-tune-results", raw)
        model = self._model(work)
        self.models.add(model)
        rows = self.files[about["training_file"]].data.count(b"\n") if about["training_file"] in self.files else 1
        tokens = 10 * rows * int(about["hyperparameters"]["n_epochs"])
        about.update(status="succeeded", fine_tuned_model=model, finished_at=self.now, trained_tokens=tokens)
        about.update(result_files=[result.about["id"]], estimated_finish=None)
        self._log(work, f"New fine-tuned model created: {model}")
        self._log(work, "The job has successfully completed")

    def _list_jobs(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        newest = list(reversed(self.jobs.values()))
        if self.stale > 0:
            self.stale -= 1
            newest = newest[1:]
        wanted = query.get("metadata")
        if "metadata-filter" in self.can and wanted is not None:  # who cannot filter, gives all
            if wanted == "null":
                newest = [work for work in newest if not work.about.get("metadata")]
            else:
                newest = [work for work in newest if wanted.items() <= (work.about.get("metadata") or {}).items()]
        page = _page([told(work) for work in newest], query, 20)
        return {name: page[name] for name in ("object", "data", "has_more")}

    def _retrieve_job(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        work = self._work(values["fine_tuning_job_id"])
        work.polls += 1
        if self.pace and work.polls % self.pace == 0:
            self.advance(work.about["id"])
        return told(work)

    def _cancel_job(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        work = self._work(values["fine_tuning_job_id"])
        if work.about["status"] in ("succeeded", "failed", "cancelled"):
            raise Refused(400, f"Job has already {work.about['status']}: cannot be cancelled", code="invalid_job_state")
        work.about.update(status="cancelled", finished_at=self.now, estimated_finish=None)
        self._log(work, "The job was cancelled")
        return told(work)

    def _pause_job(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        work = self._work(values["fine_tuning_job_id"])
        if work.about["status"] != "running":
            raise Refused(400, f"Job is {work.about['status']}: only a running one is paused", code="invalid_job_state")
        work.about["status"] = "paused"
        self._log(work, "The job was paused")
        return told(work)

    def _resume_job(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        work = self._work(values["fine_tuning_job_id"])
        if work.about["status"] != "paused":
            raise Refused(400, f"Job is {work.about['status']}: only a paused one goes on", code="invalid_job_state")
        work.about["status"] = "running"
        self._log(work, "The job was resumed")
        return told(work)

    def _events(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        page = _page(self._work(values["fine_tuning_job_id"]).events[::-1], query, 20)
        return {name: page[name] for name in ("object", "data", "has_more")}

    def _checkpoints(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        return _page(self._work(values["fine_tuning_job_id"]).checkpoints[::-1], query, 10)

    # --- models ------------------------------------------------------------------------------------------------------

    def _about(self, name: str) -> dict[str, Any]:
        owner = "org-fake" if name.startswith("ft:") else "system"
        about = {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": owner}
        return about | ({"shutdown_date": self.shutdown[name]} if name in self.shutdown else {})

    def _retrieve_model(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        name = values["model"]
        if name not in self.models:
            raise Refused(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
        return self._about(name)

    def _list_models(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        return {"object": "list", "data": [self._about(name) for name in sorted(self.models)]}

    def _chat(self, values: Mapping[str, str], query: Mapping[str, Any], read: Read) -> Any:
        asked = read.json
        if asked["model"] not in self.models:
            raise Refused(404, f"The model `{asked['model']}` does not exist", code="model_not_found")
        said = self.reply(asked["messages"], asked["model"])
        message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None, "annotations": []}
        before, after = sum(len(str(one)) // 4 for one in asked["messages"]), len(said) // 4 + 1
        return {
            "id": self._id("chatcmpl-"),
            "object": "chat.completion",
            "created": self.now,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": before, "completion_tokens": after, "total_tokens": before + after},
        }


def told(work: Work) -> dict[str, Any]:
    return {name: value for name, value in work.about.items() if not name.startswith("_")}


def _page(items: Sequence[dict[str, Any]], query: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """Cut a page out: `limit` of them, from behind the one with the id `after`."""
    at = 0
    if query.get("after"):
        at = next((n + 1 for n, item in enumerate(items) if item["id"] == query["after"]), -1)
        if at < 0:
            raise Refused(400, f"after: no such object: {query['after']}", param="after")
    most = int(query.get("limit", limit))
    if not 1 <= most <= max(limit, 100):
        raise Refused(400, f"limit: {most} is not allowed", param="limit")
    page = list(items[at : at + most])
    ends = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return {"object": "list", "data": page, "first_id": ends[0], "last_id": ends[1], "has_more": len(items) > at + most}
