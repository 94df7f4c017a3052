"""Save what an account holds before a platform closes: files, jobs, their logs, checkpoints and results, with hashes.

Everything is written below one private folder, which `manifest.json` lists with the sha256 of each file. It may be
stopped and started again: what is there with its hash is not fetched again, unless it can still change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftdata import endpoints, files
from ftdata.endpoints import Endpoint
from ftdata.errors import FtdataError, OutputError, VendorError
from ftdata.trainers.openai.jobs import plain_of, text_of
from ftdata.trainers.openai.sending import certain, every, id_of, now, patience
from ftdata.trainers.openai.telling import refused

_ENDED = ("succeeded", "failed", "cancelled")
_LISTED = 100


@dataclass
class Rescued:
    """What was saved: `fetched` anew, `kept` from before, `denied` by the vendor (with its code), and what there is."""

    folder: Path
    fetched: int = 0
    kept: int = 0
    denied: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    models: tuple[str, ...] = ()


def rescue(where: Endpoint, into: Path, watch: Callable[[str], None] = lambda said: None) -> Rescued:
    """Save an account's fine-tuning: everything that the key may read. `watch` is told what is being fetched.

    Raises:
        OutputError: the folder holds something else, or cannot be written.
        VendorError: the vendor cannot be reached, or refuses the lists; what was saved stays, and is not fetched again.
    """
    return _Rescue(endpoints.client(where, max_retries=3 if patience() else 0), where, into, watch).run()


class _Rescue:
    def __init__(self, api: Any, where: Endpoint, into: Path, watch: Callable[[str], None]) -> None:
        self.api, self.where, self.into, self.watch = api, where, into, watch
        self.done = Rescued(into)
        self.known = self._manifest()

    def run(self) -> Rescued:
        held = self._list("files", lambda: self.api.files.list())
        jobs = self._list("jobs", lambda: self.api.fine_tuning.jobs.list(limit=_LISTED))
        models = self._list("models", lambda: self.api.models.list())
        self._save("files.json", held)
        for one in held:
            self._content(one)
        for job in jobs:
            self._job(job)
        tuned = {str(one["fine_tuned_model"]) for one in jobs if one.get("fine_tuned_model")}
        tuned |= {str(one["id"]) for one in models if str(one.get("id", "")).startswith("ft:")}
        self.done.models = tuple(sorted(tuned))
        self._save("models.json", {"tuned": self.done.models, "listed": models})
        self.done.counts = {"files": len(held), "jobs": len(jobs), "models": len(tuned)}
        self._note()
        return self.done

    # --- the account --------------------------------------------------------------------------------------------------

    def _list(self, what: str, ask: Callable[[], Any]) -> list[dict[str, Any]]:
        self.watch(f"listing {what}")
        try:
            found = list(every(ask()))
            if what in ("files", "jobs"):  # each is asked for by its id
                found = [one for one in found if id_of(one)]
            return [plain_of(one) for one in found]
        except Exception as error:
            if certain(error) and getattr(error, "status_code", None) not in (401, 403):
                self.done.denied[what] = _code(error)
                return []
            raise refused(error, self.where, f"list of {what}") from None

    def _job(self, job: Mapping[str, Any]) -> None:
        """Save one job with its log and checkpoints; one that had ended when it was saved is not asked again."""
        identity = str(job["id"])
        folder = f"jobs/{_name(identity)}"
        ended = job.get("status") in _ENDED
        self._save(f"{folder}/job.json", job)
        inner = self.api.fine_tuning.jobs
        parts = {
            "events": lambda: inner.list_events(identity, limit=_LISTED),
            "checkpoints": lambda: inner.checkpoints.list(identity, limit=_LISTED),
        }
        for what, ask in parts.items():
            name = f"{folder}/{what}.json"
            if ended and self._there(name) and self.known[name].get("ended"):
                self.done.kept += 1
                continue
            before = len(self.done.denied)
            found = self._list(f"{what} of {identity}", ask)
            if len(self.done.denied) == before:
                self._save(name, found, ended=ended)
        for result in job.get("result_files") or ():
            self._content({"id": result, "purpose": "fine-tune-results", "filename": "result.csv"})

    def _content(self, one: Mapping[str, Any]) -> None:
        """Save what a file holds, and as which it was listed; the vendor does not give the content of every purpose."""
        identity = str(one["id"])
        name = f"files/{_name(identity)}{_ending(one)}"
        if self._there(name):
            self.done.kept += 1
            return
        path = self.into / name
        files.private_folder(path.parent)
        scratch = path.with_name(f".{path.name}.part")
        files.remove(scratch)
        self.watch(f"fetching {identity}")
        digest, size = hashlib.sha256(), 0
        try:
            with (
                self.api.files.with_streaming_response.content(identity) as reply,
                files.create(scratch) as stream,
            ):
                for block in reply.iter_bytes():
                    digest.update(block)
                    size += len(block)
                    stream.write(block)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {(error.strerror or '').lower()}; free some space") from None
        except FtdataError:
            raise
        except Exception as error:
            files.remove(scratch)
            if certain(error) and getattr(error, "status_code", None) != 401:
                self.done.denied[identity] = _code(error)
                return
            raise refused(error, self.where, f"content of {identity}") from None
        # OpenAI hands results out in base64: longer than listed.
        listed = one.get("bytes") if one.get("purpose") != "fine-tune-results" else None
        if isinstance(listed, int) and listed not in (0, size):
            files.remove(scratch)
            raise VendorError(f"{self.where.title}: {identity}: {size:,} of {listed:,} bytes came; start it again")
        files.sync(scratch)
        files.rename(scratch, path)
        self._listed(
            name, digest.hexdigest(), size, id=identity, purpose=one.get("purpose"), called=one.get("filename")
        )
        self.done.fetched += 1

    # --- the folder ---------------------------------------------------------------------------------------------------

    def _manifest(self) -> dict[str, dict[str, Any]]:
        path = self.into / "manifest.json"
        if not path.exists():
            if self.into.exists() and (not self.into.is_dir() or any(self.into.iterdir())):
                raise OutputError(f"{self.into}: holds something else; name a new folder")
            return {}
        try:
            found = json.loads(path.read_bytes())
            base, known = found["base_url"], found["files"]
            if not isinstance(known, dict):
                raise TypeError
        except (OSError, ValueError, KeyError, TypeError):
            raise OutputError(f"{path}: is no manifest of a rescue; name a new folder") from None
        if base != self.where.base_url:
            raise OutputError(f"{self.into}: holds what another endpoint gave; name a new folder")
        return dict(known)

    def _there(self, name: str) -> bool:
        entry, path = self.known.get(name), self.into / name
        return entry is not None and path.is_file() and files.sha256(path) == entry.get("sha256")

    def _save(self, name: str, value: Any, **more: Any) -> None:
        path = self.into / name
        text = text_of(value)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._there(name) and self.known[name]["sha256"] == digest and not more.keys() - self.known[name].keys():
            self.done.kept += 1
            return
        files.private_folder(path.parent)
        files.save(path, text)
        self._listed(name, digest, len(text.encode()), **more)
        self.done.fetched += 1

    def _listed(self, name: str, digest: str, size: int, **more: Any) -> None:
        told = {key: value for key, value in more.items() if value is not None}
        self.known[name] = {"sha256": digest, "bytes": size, **told}
        self._note()

    def _note(self) -> None:
        """Write the manifest, after each file: what is in it is whole."""
        files.private_folder(self.into)
        held = {
            "what": "the fine-tuning of an account, as its vendor gave it",
            "endpoint": self.where.name,
            "base_url": self.where.base_url,
            "at": now(),
            "denied": self.done.denied,
            "files": self.known,
        }
        files.save(self.into / "manifest.json", text_of(held))


def _name(identity: str) -> str:
    """Give an id as the name of a file: ids come from outside."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", identity)[:100]
    return plain if plain == identity else f"{plain}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _ending(one: Mapping[str, Any]) -> str:
    ending = Path(str(one.get("filename") or "")).suffix.lower()
    return ending if re.fullmatch(r"\.[a-z0-9]{1,8}", ending) else ".bin"


def _code(error: BaseException) -> str:
    return str(getattr(error, "status_code", "no answer"))
