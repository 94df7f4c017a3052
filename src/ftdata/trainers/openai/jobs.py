"""The job at the vendor: made once, found again by its tag, looked at, and its log."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ftdata.endpoints import Endpoint
from ftdata.errors import RefusedError, VendorError
from ftdata.handoff.state import State
from ftdata.stages import Event, Job
from ftdata.trainers.openai.request import MARK
from ftdata.trainers.openai.sending import certain, every, id_of, now, waited
from ftdata.trainers.openai.telling import asking, code, failure, refused, without_key
from ftdata.wording import inline

NAME = "openai"
_STATES = {
    "validating_files": "queued",
    "queued": "queued",
    "pending": "queued",
    "running": "running",
    "paused": "paused",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
_PAGE = 100


class Jobs:
    """The jobs of one endpoint, as far as they are this run's."""

    def __init__(self, api: Any, where: Endpoint, state: State) -> None:
        self.api, self.where, self.state = api, where, state

    # --- made once ----------------------------------------------------------------------------------------------------

    def found(self, *, thoroughly: bool) -> Any | None:
        """Look for this run's job among all of the vendor: by its tag, or by its training file, which is ours alone.

        `thoroughly` does not trust the vendor's own filter, either.
        """
        if self.where.metadata == "filter":
            hit = self._among(thoroughly, metadata={MARK: self.state.tag})
            if hit is not None or not thoroughly:
                return hit
        return self._among(thoroughly)

    def _among(self, thoroughly: bool, **query: Any) -> Any | None:
        others = _of_other_jobs(self.state)
        training = self.state.facts.get("sent", {}).get("train")
        # Who lists no jobs can be given a first one; a second one never.
        with asking(self.where, "list of jobs"), _Perhaps(not thoroughly):
            for one in every(self.api.fine_tuning.jobs.list(limit=_PAGE, **query)):
                held = getattr(one, "metadata", None)
                mark = held.get(MARK) if isinstance(held, Mapping) else None
                ours = training is not None and getattr(one, "training_file", None) == training
                if mark == self.state.tag or (mark is None and ours and id_of(one) not in others):
                    return one
        return None

    def made(self, body: Mapping[str, Any]) -> Any:
        """Make the job.

        After a try whose end nobody saw it is looked for, after a while once more, and only then made anew. Raises
        `VendorError`: the vendor refuses it, or nobody can tell whether it was made; then `train resume` looks again.
        """
        if (before := self.state.facts.get("creating")) is not None:
            if (job := self.found(thoroughly=True)) is not None:
                return job
            waited(before, self.state)
            if (job := self.found(thoroughly=True)) is not None:
                return job
        self.state.keep(creating=now())
        key = {"Idempotency-Key": f"ftdata-{self.state.tag}"}
        extra = {name: body[name] for name in ("trainingType",) if name in body}
        asked = {name: value for name, value in body.items() if name not in extra}
        try:
            api = self.api.with_options(max_retries=0)
            job = api.fine_tuning.jobs.create(**asked, extra_headers=key, extra_body=extra or None)
            id_of(job)
        except Exception as error:
            told = refused(error, self.where, "the job")
            if certain(error):
                self.state.keep(creating=None)
                raise told from None
            self.state.keep(creating=now())
            try:
                job = self.found(thoroughly=True)
            except VendorError:
                job = None
            if job is None:
                raise VendorError(
                    f"{told}; whether the job was made nobody can tell yet: ftdata train resume looks for it, and "
                    "makes it only if it is not there"
                ) from None
        return job

    # --- looked at ----------------------------------------------------------------------------------------------------

    def keep(self, job: Any) -> Job:
        """Note the job, and give it as `ftdata train` tells it."""
        said = str(getattr(job, "status", "") or "")
        status = _STATES.get(said, "running")
        detail = []
        if said not in _STATES:
            detail.append(f"{self.where.title} calls it {inline(code(said, self.where)) or 'by no word'}")
        error = getattr(job, "error", None)
        if status == "failed" and error is not None:
            detail.append(failure(error, self.where) or "the vendor says no more")
        model = getattr(job, "fine_tuned_model", None)
        if not isinstance(model, str) or not model or not model.isprintable():
            model = self._last_checkpoint(job.id) if status == "succeeded" else None
        if status == "succeeded" and model is None:
            detail.append("it names no model yet")
        trained = getattr(job, "trained_tokens", None)
        if isinstance(trained, int) and trained:
            detail.append(f"{trained:,} tokens trained")
            if self.state.facts.get("trained_tokens") != trained:
                self.state.keep(trained_tokens=trained)
        ends = getattr(job, "estimated_finish", None)
        if status in ("queued", "running") and isinstance(ends, int | float) and ends > 0:
            detail.append(f"done about {moment(ends)}")
        self.state.keep(job=job.id, creating=None, status=status, model=model)
        return Job(NAME, job.id, status, model, "; ".join(detail))

    def _last_checkpoint(self, identity: str) -> str | None:
        """Give the model of the last checkpoint: of a vendor whose jobs name no model (Nebius) it is the result."""
        named = [one.get("fine_tuned_model_checkpoint") for one in self.checkpoints(identity)]
        return next((str(one) for one in reversed(named) if one), None)

    def checkpoints(self, identity: str) -> list[dict[str, Any]]:
        """List the checkpoints of a job, in order of their steps; none of an endpoint that has none."""
        found: list[dict[str, Any]] = []
        with asking(self.where, "checkpoints"), _Perhaps(self._lacks("checkpoints")):
            found += map(plain_of, every(self.api.fine_tuning.jobs.checkpoints.list(identity, limit=_PAGE)))
        return sorted(found, key=lambda one: _placed(one.get("step_number")))

    def events(self, identity: str) -> Iterator[Event]:
        """Tell a job's log, oldest first: the vendor gives its pages newest first."""
        found: list[Any] = []
        with asking(self.where, "events"), _Perhaps(self._lacks("events")):
            found += every(self.api.fine_tuning.jobs.list_events(identity, limit=_PAGE))
        at = [_placed(getattr(one, "created_at", None)) for one in found]
        if at and at[0] >= at[-1]:
            found.reverse()
        for one in sorted(found, key=lambda one: _placed(getattr(one, "created_at", None))):
            level = getattr(one, "level", None)
            yield Event(
                moment(getattr(one, "created_at", None)),
                level if level in ("info", "warn", "error") else "info",
                without_key(str(getattr(one, "message", "") or ""), self.where),
                dict(numbers(getattr(one, "data", None))),
            )

    def _lacks(self, what: str) -> bool:
        """Whether an endpoint may not have something: it has not, or nobody knows."""
        return what in self.where.unverified or not getattr(self.where, what)

    def lives(self, model: str, days: int) -> None:
        """Ask the vendor about the model; raise `RefusedError` if it is not there, or shut down within some days."""
        try:
            day = getattr(self.api.models.retrieve(model), "shutdown_date", None)
        except Exception as error:
            if getattr(error, "status_code", None) in (404, 405, 501):
                if self.where.models and "models" not in self.where.unverified:
                    raise RefusedError(
                        f"refused (preflight): {self.where.title} knows no model {inline(model)}; ftdata train --set "
                        "model=… names another"
                    ) from None
                return
            raise refused(error, self.where, f"model {inline(model)}") from None
        try:
            last = date.fromisoformat(str(day)[:10])
        except ValueError:  # it tells of no day
            return
        until = datetime.now(UTC).date() + timedelta(days=days)
        if last <= until:
            raise RefusedError(
                f"refused (open): {self.where.title} shuts {inline(model)} down on {last.isoformat()}, and the tuned "
                f"model is to be used until {until.isoformat()}; take another model, or give --lives fewer days"
            )


class _Perhaps:
    """Let go, where it may be so, that an endpoint does not have what was asked for."""

    def __init__(self, lets: bool) -> None:
        self.lets = lets

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        return self.lets and getattr(error, "status_code", None) in (404, 405, 501)


def moment(seconds: Any) -> str:
    """Give seconds since 1970 as ISO 8601; nothing for none."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def numbers(data: Any) -> Iterator[tuple[str, float]]:
    """Give the numbers of an event or a checkpoint."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                yield str(name)[:64], float(value)


def _placed(value: Any) -> float:
    """Give the number by which something is ordered; what a vendor gives in its place comes first."""
    return float(value) if isinstance(value, int | float) else 0.0


def text_of(values: Any) -> str:
    """Give values as JSON text to keep; what is no Unicode text in them stays escaped."""
    text = json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()


def plain_of(item: Any) -> dict[str, Any]:
    """Give an answer's object as plain values, whatever further fields it has."""
    # The SDK's warning of a value that is not of its type quotes the value.
    plain = hasattr(item, "to_dict")
    found: dict[str, Any] = item.to_dict(mode="json", warnings=False) if plain else dict(item)
    return found


def _of_other_jobs(state: State) -> set[str]:
    """Name the jobs that other states of this run hold: a server may give equal bytes one id, job after job."""
    found: set[str] = set()
    for path in state.folder.glob(f"{state.destination}-*.json"):
        if path == state.path:
            continue
        try:
            held = json.loads(path.read_bytes())["facts"].get("job")
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            continue
        found.add(str(held))
    return found
