"""A vendor that is none: OpenAI's fine-tuning protocol on a loopback port, with a memory, a log, and faults on order.

It does what the vendor's own document says and its users have met: files, uploads in parts, jobs of three methods,
events in pages, checkpoints, results, models, chat answers; Azure's base path and key header, and local servers that
can do less, by configuration. Each request and each answer is judged by the vendor's specification (`spec`): what does
not hold stands in `violations`, is answered with 400, and must fail the test (`Vendor.honest`).

`Fault(step, nth, how)` breaks the nth request of a kind, the kind being the specification's `operationId`.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import spec
import wire
from account import EVERYTHING, LOCAL, Account, Refused
from faults import DONE, Fault
from wire import Reply, Unreadable, Wire

KEY = "sk-proj-Fake0000000000000000000000000000000000000000"
_STEPS = {
    "files": ("createFile", "listFiles", "retrieveFile", "deleteFile", "downloadFile"),
    "uploads": ("createUpload", "addUploadPart", "completeUpload", "cancelUpload"),
    "jobs": ("createFineTuningJob", "listPaginatedFineTuningJobs", "retrieveFineTuningJob", "cancelFineTuningJob"),
    "pause": ("pauseFineTuningJob", "resumeFineTuningJob"),
    "events": ("listFineTuningEvents",),
    "checkpoints": ("listFineTuningJobCheckpoints",),
    "models": ("retrieveModel", "listModels"),
    "chat": ("createChatCompletion",),
}
_NEEDED = {step: need for need, steps in _STEPS.items() for step in steps}


@dataclass
class Call:
    """One request as it arrived: names of headers only, the hash of its body, what was done with it."""

    step: str
    method: str
    path: str
    query: Mapping[str, Any]
    headers: tuple[str, ...]
    sha256: str
    done: bool = False
    status: int = 0
    fault: str = ""


class Vendor(Account):
    """The vendor's side of the wire. A context manager: within it, a server listens on `base_url`.

    `victim` is the process that a fault may kill, `calls` the log, `order` what a run without a fault asks, by which a
    fault `refused` knows when to come. `style` is `openai`, `azure` (base path `/openai/v1`, header `api-key` or a
    bearer, `api-version` allowed) or `local`; `can` what it can do, of `EVERYTHING`. `echo` is how much of a wrong key
    an answer repeats (`part`, as the vendor does, or `full`), `extra` the fields of a new job that this vendor takes
    beyond the specification.

    Of the account: a job goes on by one state at every `pace`-th look (0: only by `advance`); `steps` is how long it
    trains, `fails` the error of a job that will fail, `processing` for how many looks a new file is not yet ready,
    `errors` how the error of a healthy job is told (`null`; `empty`: `{}`, as seen in the wild), `results` the result
    file as CSV (`plain`) or as the vendor has been seen to send it (`base64`), `reply` what the models say, `shutdown`
    the last day of models, `part` the largest part of an upload.
    """

    def __init__(
        self,
        *,
        style: str = "openai",
        can: frozenset[str] | None = None,
        key: str = KEY,
        echo: str = "part",
        faults: Sequence[Fault] = (),
        order: Sequence[str] = (),
        extra: frozenset[str] | None = None,
        **account: Any,
    ) -> None:
        super().__init__(can=can if can is not None else (LOCAL if style == "local" else EVERYTHING), **account)
        self.style, self.key, self.echo = style, key, echo
        self.faults = tuple(faults)
        self.order = tuple(order)
        self.extra = extra if extra is not None else frozenset({"trainingType"} if style == "azure" else ())
        self.victim = 0
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self._seen: Counter[str] = Counter()
        self._wire: Wire | None = None
        self._held: list[tuple[Call, Callable[[], Reply]]] = []

    # --- on the wire -------------------------------------------------------------------------------------------------

    @property
    def base_path(self) -> str:
        """What stands before the paths of the specification."""
        return "/openai/v1" if self.style == "azure" else "/v1"

    @property
    def base_url(self) -> str:
        """The address to give to a client."""
        assert self._wire is not None, "use it as a context manager"
        return f"http://127.0.0.1:{self._wire.port}{self.base_path}"

    def __enter__(self) -> Vendor:
        self._wire = Wire(self)
        if self._down_before(0):
            self._wire.down()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._wire is not None
        self._wire.down()

    def heal(self) -> None:
        """End all faults: from here on everything works, and somebody listens."""
        with self._lock:
            self.faults = ()
            self.stale = 0
            for call, act in self._held:
                self._finish(call, act)
            self._held.clear()
        if self._wire is not None:
            self._wire.up()

    def in_child(self) -> None:
        """Let go of all sockets in a process that was forked: the parent's alone serve."""
        if self._wire is not None:
            self._wire.forget()

    def honest(self) -> None:
        """Fail if any request or answer broke the specification."""
        assert not self.violations, "\n".join(self.violations)

    def transport(self) -> Any:
        """Give the same vendor without a socket: a transport for `httpx2.Client`."""
        import httpx2

        def serve(asked: httpx2.Request) -> httpx2.Response:
            target = asked.url.raw_path.decode()
            reply, how = self.take(asked.method, target, dict(asked.headers), asked.read())
            if how in ("refused",):
                raise httpx2.ConnectError("[Errno 111] Connection refused", request=asked)
            if how in ("cut", "lost", "half"):
                raise httpx2.RemoteProtocolError("Server disconnected without sending a response.", request=asked)
            if how in ("slow", "late"):
                raise httpx2.ReadTimeout("timed out", request=asked)
            assert reply is not None
            raw, kind = reply.raw()
            return httpx2.Response(reply.status, content=raw, headers={"content-type": kind, **reply.headers})

        return httpx2.MockTransport(serve)

    # --- what was seen -----------------------------------------------------------------------------------------------

    def steps_seen(self) -> list[str]:
        """Give the requests in their order, by the names of the specification."""
        return [call.step for call in self.calls]

    # --- one request -------------------------------------------------------------------------------------------------

    def take(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply | None, str]:
        """Answer one request; or say how the wire is to fail."""
        parts = urlsplit(target)
        path = unquote(parts.path)
        headers = {name.lower(): value for name, value in headers.items()}
        query = wire.nested(parse_qsl(parts.query, keep_blank_values=True))
        inside = path.removeprefix(self.base_path)
        found = spec.operation(method, inside) if path.startswith(self.base_path + "/") else None
        step = found.id if found is not None else f"{method} {path}"
        with self._lock:
            self.now += 1
            self._seen[step] += 1
            sent = hashlib.sha256(body).hexdigest()
            call = Call(step, method, path, query, tuple(sorted(headers)), sent)
            self.calls.append(call)
            fault = next((one for one in self.faults if one.hits(step, self._seen[step])), None)
            call.fault = fault.how if fault is not None else ""
            if self._wire is not None and self._down_before(len(self.calls)):
                self._wire.down(but=threading.get_ident())

            def act() -> Reply:
                return self._answer(call, found, query, headers, body)

            return self._broken(call, act) if fault is not None else (self._finish(call, act), "")

    def _down_before(self, index: int) -> bool:
        """Whether nobody may listen any more when the request of this number (from 0) is made."""
        if index >= len(self.order):
            return False
        step, nth = self.order[index], self.order[: index + 1].count(self.order[index])
        return any(one.how == "refused" and one.nth == nth and one.step == step for one in self.faults)

    def _finish(self, call: Call, act: Callable[[], Reply]) -> Reply:
        reply = act()
        call.done, call.status = reply.status < 400, reply.status
        return reply

    def _broken(self, call: Call, act: Callable[[], Reply]) -> tuple[Reply | None, str]:
        how = call.fault
        if how == "refused":  # it came over a connection that was open
            return None, "refused"
        if how == "late":
            self._held.append((call, act))
            return None, "late"
        if how == "kill-before":
            self._kill()
            return None, "cut"
        reply = self._finish(call, act) if how in DONE else None
        if how == "kill-after":
            self._kill()
            return None, "cut"
        if reply is not None and reply.status >= 400:  # it was refused all the same
            return reply, ""
        if how == "cut" or how == "half" or how == "lost" or how == "slow":
            return reply, how
        if how == "garbage":
            return Reply(200, b'{"id": "ftjob-', {"content-type": "application/json"}), ""
        if how == "page":
            return Reply(200, b"<html><body>Bad Gateway</body></html>", {"content-type": "text/html"}), ""
        if how == "empty":
            return Reply(200, {}), ""
        status = int(how[:3])
        call.status = status
        message = {
            500: "The server had an error while processing your request. Sorry about that!",
            503: "The engine is currently overloaded, please try again later.",
            429: "Rate limit reached for requests per min.",
        }[status]
        body = Refused(status, message, code="rate_limit_exceeded" if status == 429 else None).body
        headers = {"retry-after": "0.01", "retry-after-ms": "1"} if status == 429 else {"retry-after-ms": "1"}
        return Reply(status, body, headers), ""

    def _kill(self) -> None:
        until = time.monotonic() + 5
        while not self.victim and time.monotonic() < until:
            time.sleep(0.001)
        assert self.victim > 1
        os.kill(self.victim, signal.SIGKILL)

    def gone(self) -> None:
        """The client gave up waiting: what came late is done now."""
        with self._lock:
            ahead, self._held = self._held, []
            for call, act in ahead:
                self._finish(call, act)

    def _answer(
        self, call: Call, found: spec.Operation | None, query: dict[str, Any], headers: Mapping[str, str], body: bytes
    ) -> Reply:
        azure = self.style == "azure"
        try:
            self._authorise(headers)
            need = _NEEDED.get(call.step)
            if found is None or need is None or need not in self.can:
                raise Refused(404, f"Invalid URL ({call.method} {call.path})")
            if azure:
                query = {name: value for name, value in query.items() if name != "api-version"}
            read = wire.read(headers, body)
            with _judged(self.violations):
                form = {n: v if isinstance(v, Mapping) else v[0] for n, v in read.form.items()} if read.form else None
                asked = read.json
                if call.step == "createFineTuningJob" and isinstance(asked, dict):
                    asked = {name: value for name, value in asked.items() if name not in self.extra}
                spec.request(found, query, json=asked, form=form)
            if self.violations:
                raise Refused(400, f"not in the specification: {self.violations[-1]}")
            reply = Reply(200, getattr(self, _ROUTES[call.step])(found.values, query, read))
        except Unreadable as error:
            reply = Reply(400, Refused(400, str(error)).body)
        except Refused as error:
            reply = Reply(error.status, error.body)
        shown = reply.body.decode("utf-8", "replace") if isinstance(reply.body, bytes) else reply.body
        if not (azure and reply.status == 401) and self.errors == "null":
            with _judged(self.violations):
                spec.answer(found, reply.status, shown)
        return reply

    def _authorise(self, headers: Mapping[str, str]) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        given = given if scheme.lower() == "bearer" else ""
        if self.style == "azure":
            given = headers.get("api-key", given)
        if given == self.key:
            return
        if self.style == "azure":
            message = (
                "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key "
                "for an active subscription and use a correct regional API endpoint for your resource."
            )
            raise _AzureRefused(401, message + (f" ({given})" if self.echo == "full" else ""))
        if not given:
            raise Refused(
                401, "You didn't provide an API key. You need to provide your API key in an Authorization header."
            )
        shown = given if self.echo == "full" else given[:8] + "*" * max(len(given) - 12, 0) + given[-4:]
        message = f"Incorrect API key provided: {shown}. You can find your API key at https://example.com/api-keys."
        raise Refused(401, message, code="invalid_api_key")


class _AzureRefused(Refused):
    """Azure's own shape of an error: code and message, nothing else."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.body = {"error": {"code": str(status), "message": message}}


_ROUTES = {
    "createFile": "_create_file",
    "listFiles": "_list_files",
    "retrieveFile": "_retrieve_file",
    "deleteFile": "_delete_file",
    "downloadFile": "_download",
    "createUpload": "_create_upload",
    "addUploadPart": "_add_part",
    "completeUpload": "_complete",
    "cancelUpload": "_cancel_upload",
    "createFineTuningJob": "_create_job",
    "listPaginatedFineTuningJobs": "_list_jobs",
    "retrieveFineTuningJob": "_retrieve_job",
    "cancelFineTuningJob": "_cancel_job",
    "pauseFineTuningJob": "_pause_job",
    "resumeFineTuningJob": "_resume_job",
    "listFineTuningEvents": "_events",
    "listFineTuningJobCheckpoints": "_checkpoints",
    "retrieveModel": "_retrieve_model",
    "listModels": "_list_models",
    "createChatCompletion": "_chat",
}


class _judged:
    """Note what the specification does not allow."""

    def __init__(self, into: list[str]) -> None:
        self.into = into

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, spec.Violation):
            self.into.append(str(error))
            return True
        return False
