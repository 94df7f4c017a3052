"""HTTP/1.1 on a loopback port: bodies and forms taken apart, connections that fail as they are told to."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import unquote


class Unreadable(Exception):
    """A body that cannot be read as what it says it is."""


@dataclass
class Reply:
    """One answer. `body` is JSON, or bytes as they are."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self) -> tuple[bytes, str]:
        """Give the bytes, and what they are."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        return json.dumps(self.body).encode(), "application/json"


@dataclass(frozen=True)
class Read:
    """A body: JSON, or the fields of a form, each a text and its bytes, or a table of texts."""

    json: Any = None
    form: Mapping[str, Any] | None = None


def read(headers: Mapping[str, str], body: bytes) -> Read:
    kind = headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return Read(form=_multipart(kind, body))
    if not body:
        return Read()
    try:
        return Read(json=json.loads(body))
    except ValueError:
        raise Unreadable("We could not parse the JSON body of your request.") from None


def _multipart(kind: str, body: bytes) -> dict[str, Any]:
    """Take a form apart. Source: RFC 7578."""
    hit = re.search(r'boundary="?([^";]+)"?', kind)
    if hit is None:
        raise Unreadable("multipart: no boundary")
    mark = b"--" + hit[1].encode()
    fields: list[tuple[str, Any]] = []
    for part in body.split(mark)[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        about = head.decode("utf-8")
        name = re.search(r'\bname="([^"]*)"', about)
        file = re.search(r'\bfilename="([^"]*)"', about)
        if name is None:
            raise Unreadable("multipart: a part has no name")
        data = data[:-2]
        fields.append((name[1], (unquote(file[1]), data) if file is not None else (data.decode("utf-8"), data)))
    return {
        name: {inner: one[0] for inner, one in value.items()} if isinstance(value, dict) else value
        for name, value in nested(fields).items()
    }


def nested(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Read `metadata[k]=v` as `{"metadata": {"k": v}}`."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        hit = re.fullmatch(r"(\w+)\[([^\]]*)\]", name)
        if hit is None:
            found[name] = value
        else:
            found.setdefault(hit[1], {})[hit[2]] = value
    return found


class Taker(Protocol):
    """Whoever answers requests."""

    def take(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply | None, str]:
        """Answer one request; or say how the wire is to fail."""

    def gone(self) -> None:
        """Learn that the client gave up waiting."""


class Wire:
    """The listening socket and the connections: one thread each."""

    def __init__(self, vendor: Taker) -> None:
        self.vendor = vendor
        self.port = 0
        self.listener: socket.socket | None = None
        self.open: dict[int, socket.socket] = {}
        self.lock = threading.Lock()
        self.up()

    def up(self) -> None:
        """Listen, on the port of before if there was one."""
        if self.listener is not None:
            return
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def down(self, but: int = 0) -> None:
        """Listen no more, and end all connections; that of the thread `but` after its answer."""
        if self.listener is not None:
            _end(self.listener)
            self.listener = None
        with self.lock:
            for thread, connection in list(self.open.items()):
                if thread != but:
                    _end(connection)

    def forget(self) -> None:
        """Close the copies of all sockets without ending the connections."""
        for one in [self.listener, *self.open.values()]:
            if one is not None:
                os.close(one.detach())
        self.listener = None
        self.open = {}

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.open[threading.get_ident()] = connection
        try:
            with suppress(OSError):
                _Handler(connection, address, self)  # type: ignore[arg-type]
        finally:
            with self.lock:
                self.open.pop(threading.get_ident(), None)
            _end(connection)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()


class _Handler(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1, kept alive."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = 60
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _any(self) -> None:
        wire: Wire = self.server
        reply, how = wire.vendor.take(self.command, self.path, dict(self.headers.items()), self._body())
        if how in ("slow", "late"):
            self._wait()
            wire.vendor.gone()
        if reply is None or how in ("cut", "lost", "slow", "refused", "late"):
            # no FIN but RST: what the client sees when a server dies
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        raw, kind = reply.raw()
        self.send_response(reply.status)
        headers = {"content-type": kind, "content-length": str(len(raw)), "x-request-id": "req_fake", **reply.headers}
        last = wire.listener is None
        for name, value in (headers | ({"connection": "close"} if last else {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw[: len(raw) // 2] if how == "half" else raw)
        self.wfile.flush()
        if how == "half" or last:
            self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _any

    def _wait(self) -> None:
        """Wait until the client has gone, ten seconds at most."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            ready, _, _ = select.select([self.connection], [], [], 0.5)
            if ready:
                with suppress(OSError):
                    if self.connection.recv(1, socket.MSG_PEEK):
                        continue
                return
