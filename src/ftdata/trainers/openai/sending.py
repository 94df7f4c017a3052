"""Files to the vendor: hashed while they are sent, kept in the state before and after, found again by their name.

A file's name at the vendor holds the job's tag. When a reply was lost the file is looked for by name and size before it
is sent again, and taken only if its bytes are known: they were all read and hashed here, or are fetched and hashed now.
What does not hash to what was judged is deleted there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ftdata.endpoints import Endpoint
from ftdata.errors import InputError, OutputError, VendorError
from ftdata.files import sha256
from ftdata.handoff.state import State
from ftdata.stages import Event
from ftdata.trainers.openai import request
from ftdata.trainers.openai.request import MIME, name_of, parts_of
from ftdata.trainers.openai.telling import asking, refused

_BROKEN = ("error", "failed", "deleted", "cancelled")
PROCESSING = 600.0
"""Seconds for which a file may be looked at by the vendor before a job can be made of it; ours."""


def patience() -> float:
    """Give the seconds that must pass after a try whose end nobody saw, before something is made anew.

    A vendor may work off a request late, and its lists lag behind: ours, no vendor says how long.
    `FTDATA_VENDOR_PATIENCE` says otherwise; 0: neither wait nor retry.
    """
    try:
        return max(0.0, float(os.environ.get("FTDATA_VENDOR_PATIENCE", "60")))
    except ValueError:
        return 60.0


class Hashed(io.RawIOBase):
    """A file to send that is hashed as it is read, in order; `whole` tells whether all of it was, and is as judged."""

    def __init__(self, path: Path, size: int, digest: str) -> None:
        self._stream = path.open("rb")
        self._size, self._digest = size, digest
        self._hash, self._read = hashlib.sha256(), 0

    @property
    def whole(self) -> bool:
        """Whether every byte was read, and their hash is the one that was judged."""
        return self._read == self._size and self._hash.hexdigest() == self._digest

    def read(self, size: int = -1) -> bytes:
        """Read on; no more than the file's size when it was judged."""
        left = self._size - self._stream.tell()
        block = self._stream.read(left if size is None or size < 0 else min(size, left))
        self._hash.update(block)
        self._read += len(block)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; only to the start does the hash follow."""
        if whence == os.SEEK_END:
            return self._stream.seek(self._size + offset)
        place = self._stream.seek(offset, whence)
        if place == 0:
            self._hash, self._read = hashlib.sha256(), 0
        return place

    def tell(self) -> int:
        """Say where the next byte is read."""
        return self._stream.tell()

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def seekable(self) -> bool:
        """It can be read again from the start."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()


class Sending:
    """The files of one job on their way to one endpoint."""

    def __init__(self, api: Any, where: Endpoint, state: State) -> None:
        self.api, self.where, self.state = api, where, state

    def all(self, files: Mapping[str, Path], hashes: Mapping[str, str]) -> dict[str, str]:
        """Send the files that are not there yet; give the id of each. Raises `OutputError`, `VendorError`."""
        for split, path in files.items():
            try:
                same = sha256(path) == hashes.get(split)
            except OSError as error:
                raise InputError(f"{path}: cannot be read: {(error.strerror or '').lower()}; run it again") from None
            if not same:
                raise OutputError(f"{path}: is not the file that was judged; run ftdata verify, and start again")
        for split, path in files.items():
            if split not in self._held("sent"):
                identity = self._one(split, path, hashes[split])
                self._noted(split, None, sent={**self._held("sent"), split: identity})
        sent = {split: str(self._held("sent")[split]) for split in files}
        for split, identity in sent.items():
            self._settled(identity, split)
        return sent

    def _held(self, fact: str) -> dict[str, Any]:
        held: dict[str, Any] = self.state.facts.get(fact, {})
        return dict(held)

    def _one(self, split: str, path: Path, digest: str) -> str:
        name, size = name_of(split, self.state.tag), path.stat().st_size
        before: dict[str, Any] = self._held("sending").get(split, {})
        if (found := self._found(name, size, digest, before)) is not None:
            return found
        if upload := before.get("upload"):  # what was half sent must not be completed by a late request
            with contextlib.suppress(Exception):
                self.api.uploads.cancel(upload)
        self._noted(split, {"name": name, "bytes": size})
        made = None
        if parts_of(size, self.where):
            made = self._in_parts(split, path, name, size, digest)
        if made is None:
            made = self._in_one(split, path, name, size, digest)
        identity = id_of(made)
        received = getattr(made, "bytes", None)
        if isinstance(received, int) and received != size:
            self._gone(identity, split)
            raise VendorError(f"{self.where.title}: {name}: {received:,} of {size:,} bytes arrived; start again")
        self.state.tell(Event(now(), "info", f"sent {split}: {size:,} bytes", {"bytes": size}))
        return identity

    def _noted(self, split: str, note: dict[str, Any] | None, **more: Any) -> None:
        """Note that a file is on its way, or is so no more; with `more` facts, all in one write."""
        held = {**self._held("sending"), split: None if note is None else {**note, "at": now()}}
        self.state.keep(sending={one: value for one, value in held.items() if value is not None} or None, **more)

    # --- one piece, or parts ------------------------------------------------------------------------------------------

    def _in_one(self, split: str, path: Path, name: str, size: int, digest: str) -> Any:
        with Hashed(path, size, digest) as stream:
            try:
                made = self.api.with_options(max_retries=0).files.create(file=(name, stream, MIME), purpose="fine-tune")
                id_of(made)
            except Exception as error:
                raise self._broken(error, split, {"name": name, "bytes": size, "whole": stream.whole}) from None
            if not stream.whole:
                self._gone(id_of(made), split)
                raise _changed(path)
            return made

    def _in_parts(self, split: str, path: Path, name: str, size: int, digest: str) -> Any:
        """Send in parts; None where an endpoint, of which it is not known, takes none."""
        try:
            made = self.api.with_options(max_retries=0).uploads.create(
                bytes=size, filename=name, mime_type=MIME, purpose="fine-tune"
            )
            upload = id_of(made)
        except Exception as error:
            if getattr(error, "status_code", None) in (404, 405, 501) and "parts" in self.where.unverified:
                return None
            raise self._broken(error, split, None) from None
        note = {"name": name, "bytes": size, "upload": upload}
        self._noted(split, note)
        hashed, parts = hashlib.sha256(), list[str]()
        with path.open("rb") as stream:
            left = size
            while block := stream.read(min(request.PART, left)):
                left -= len(block)
                hashed.update(block)
                with asking(self.where, f"{split}, part {len(parts) + 1}; ftdata train resume sends it again"):
                    parts.append(id_of(self.api.uploads.parts.create(upload, data=block)))
        if hashed.hexdigest() != digest:
            with contextlib.suppress(Exception):
                self.api.uploads.cancel(upload)
            self._noted(split, None)
            raise _changed(path)
        self._noted(split, {**note, "whole": True})
        try:
            done = self.api.with_options(max_retries=0).uploads.complete(upload, part_ids=parts)
            id_of(done.file)
        except Exception as error:
            raise self._broken(error, split, {**note, "whole": True}) from None
        return done.file

    def _broken(self, error: Exception, split: str, note: dict[str, Any] | None) -> Exception:
        """Note how an upload ended that did not end well: refused, nothing is there; else nobody knows."""
        told = refused(error, self.where, f"upload of {split}")
        if certain(error) or note is None:
            self._noted(split, None)
            return told
        self._noted(split, note)
        return self._open(told)

    def _open(self, told: VendorError) -> VendorError:
        return VendorError(f"{told}; ftdata train resume goes on")

    def _gone(self, identity: str, split: str) -> None:
        """Delete what must not stay there."""
        try:
            self.api.files.delete(identity)
        except Exception:
            raise OutputError(
                f"{identity}: holds other bytes than were judged, and could not be deleted at {self.where.title}; "
                "delete it there"
            ) from None
        finally:
            self._noted(split, None)

    # --- found again --------------------------------------------------------------------------------------------------

    def _found(self, name: str, size: int, digest: str, before: Mapping[str, Any]) -> str | None:
        """Look for a file that an earlier try left; if there was one, once more after a while."""
        for again in (False, True) if before else (False,):
            if again:
                waited(before.get("at"), self.state)
            for one in self._listed(name):
                if getattr(one, "bytes", size) == size and (before.get("whole") or self._holds(one.id, digest)):
                    return str(one.id)
                if before:  # half a file, or one that nobody can vouch for; no job was made of it yet
                    with contextlib.suppress(Exception):
                        self.api.files.delete(one.id)
        return None

    def _listed(self, name: str) -> list[Any]:
        found = []
        try:
            for one in every(self.api.files.list(purpose="fine-tune")):
                if getattr(one, "filename", None) == name and getattr(one, "status", None) not in _BROKEN:
                    id_of(one)
                    found.append(one)
        except Exception as error:
            if getattr(error, "status_code", None) in (404, 405, 501):
                return []  # it lists no files
            raise refused(error, self.where, "list of files") from None
        return found

    def _holds(self, identity: str, digest: str) -> bool:
        """Whether the vendor's file has the hash that was judged; False also if it does not give its content."""
        hashed = hashlib.sha256()
        try:
            with self.api.files.with_streaming_response.content(identity) as reply:
                for block in reply.iter_bytes():
                    hashed.update(block)
        except Exception as error:
            if not certain(error):
                raise refused(error, self.where, f"content of {identity}") from None
            return False
        return hashed.hexdigest() == digest

    def _settled(self, identity: str, split: str) -> None:
        """Wait until the vendor has looked at a file, where no job can be made of it before (Azure)."""
        end = time.monotonic() + PROCESSING
        while True:
            try:
                status = getattr(self.api.files.retrieve(identity), "status", None)
            except Exception as error:
                if getattr(error, "status_code", None) in (404, 405, 501):
                    return  # it tells nothing of files; the job will
                raise self._open(refused(error, self.where, f"file {split}")) from None
            if status in _BROKEN:
                held = {one: value for one, value in self._held("sent").items() if one != split}
                self.state.keep(sent=held or None)
                raise VendorError(f"{self.where.title}: {split}: the file was not taken ({status}); ftdata check it")
            if status in (None, "processed") or (status == "uploaded" and not self.where.processes):
                return
            if time.monotonic() > end:
                raise self._open(VendorError(f"{self.where.title}: {split}: the file is still looked at"))
            time.sleep(min(2.0, patience() / 30))


def waited(since: Any, state: State) -> None:
    """Wait until our patience has passed since a try whose end nobody saw."""
    try:
        passed = (datetime.now(UTC) - datetime.fromisoformat(str(since))).total_seconds()
    except (TypeError, ValueError):
        passed = 0.0
    left = patience() - max(0.0, passed)
    if left > 0:
        state.tell(Event(now(), "info", f"waiting {left:.0f} s: a request of before may still be worked off"))
        time.sleep(left)


def certain(error: BaseException) -> bool:
    """Whether an error tells that nothing was made: the vendor refused, for good or for now.

    No answer, an answer that cannot be read, 408 (too slow), 409 (busy with another such request), 425, 429 (too many
    requests; a gateway may say so of one that got through) and 5xx leave it open.
    """
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and 300 <= status < 500 and status not in (408, 409, 425, 429)


def id_of(item: Any) -> str:
    """Give the id in an answer; raise `ValueError` for an answer that has none, such as the page of a proxy."""
    found = getattr(item, "id", None)
    if not isinstance(found, str) or not found or not found.isprintable():
        raise ValueError("no id")
    return found


def every(page: Any) -> Iterator[Any]:
    """Give the items of all pages, each once; a server whose pages go round in circles is left.

    Raises `ValueError` for an answer that is no list: it must not pass for one with nothing in it.
    """
    seen: set[str] = set()
    for one in page.iter_pages():
        if not isinstance(getattr(one, "data", None), list):
            raise ValueError("no list")
        fresh = [item for item in one.data if getattr(item, "id", None) not in seen]
        if not fresh:
            return
        seen.update(str(getattr(item, "id", None)) for item in fresh)
        yield from fresh


def _changed(path: Path) -> OutputError:
    return OutputError(f"{path}: changed while it was sent; what was sent is deleted there; start again")


def now() -> str:
    """Give the time as the state keeps it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
