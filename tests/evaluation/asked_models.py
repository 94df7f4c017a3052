"""Models to be asked in tests: a server of OpenAI's protocol on this machine, and a program in a Python's place."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Reply = tuple[int, dict[str, str], bytes]


def said(text: str | None, finish: str = "stop", **message: Any) -> Reply:
    """Give the reply of a chat completion."""
    usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text} | message}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return 200, {}, json.dumps(body).encode()


def wrong(status: int, **error: Any) -> Reply:
    """Give the reply of an error; it may be tried again at once."""
    return status, {"retry-after-ms": "1"}, json.dumps({"error": {"message": "no", **error}}).encode()


class Served:
    """A server: `asked` holds the body of each request, `keys` the header with the key."""

    def __init__(self, reply: Callable[[dict[str, Any]], Reply]) -> None:
        self.reply = reply
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.url = ""


@contextmanager
def serving(reply: Callable[[dict[str, Any]], Reply]) -> Iterator[Served]:
    """Serve on this machine until the end of the block."""
    held = Served(reply)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            held.keys.append(self.headers["authorization"])
            held.asked.append(body)
            status, headers, data = held.reply(body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", headers.pop("content-length", str(len(data))))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


PROGRAM = """#!{python} -SE
import json, os, signal, sys, time
out = sys.stdout
def say(**told):
    out.write(json.dumps(told) + "\\n")
    out.flush()
def tell(one, text):
    say(key=one["key"], prediction=text, finish="stop", prompt_tokens=5, completion_tokens=2, seconds=0.5)
with open({log!r}, "a") as log:
    log.write(json.dumps(dict(os.environ)) + "\\n")
asked, *questions = [json.loads(line) for line in sys.stdin]
with open({log!r}, "a") as log:
    for one in [asked, *questions]:
        log.write(json.dumps(one) + "\\n")
{body}
"""


def program(folder: Path, body: str) -> Path:
    """Write a program that stands in for a Python with a model; what it was given stands in `log`, a line each."""
    path = folder / "python"
    path.write_text(PROGRAM.format(python=sys.executable, log=str(folder / "log"), body=body))
    path.chmod(0o700)
    return path


def log(folder: Path) -> list[dict[str, Any]]:
    """Give what the program was given: its environment, what to load, then the questions; over all starts."""
    path = folder / "log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
