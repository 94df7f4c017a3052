"""A run that may leave the house, and a user who hands it over, is interrupted, and goes on.

Each act reads everything from the disk anew, as a new process would. `wired` leads the trainer's requests, whatever
host they are for, to the fake vendor's port.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from ftdata import endpoints, flow
from ftdata.handoff import launch
from ftdata.handoff.gate import CONDITIONS
from ftdata.handoff.state import State
from ftdata.recipe import Recipe
from ftdata.stages import Event, Job, Result, Trainer

MODEL = "gpt-4o-mini-2024-07-18"
WORDS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon".split()
)
ACCEPTED = {one.code: "tried on purpose" for one in CONDITIONS if one.code in ("cost", "open", "target")}


RECIPE = """
[provenance]
source = "made up"
lawful_basis = "none needed"
destinations = ["openai", "azure", "nebius", "local"]
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[step]]
use = "split"
validation = 0.2
[[write]]
use = "openai-chat"
path = "out/{split}.jsonl"
"""


def run(folder: Path) -> Path:
    """Run a small recipe: 16 training and 4 validation rows; give the recipe's file."""
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"{word}, where?"},
                {"role": "assistant", "content": f"{word}, Qxzv."},
            ]
        }
        for word in WORDS
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "job.toml").write_text(RECIPE)
    flow.run(Recipe.load(folder / "job.toml"))
    return folder / "job.toml"


class Rerouted(httpx2.BaseTransport):
    """Every request goes to one port of this machine, over a real socket; what it was for stays in its headers."""

    def __init__(self, base_url: str) -> None:
        self._to = httpx2.URL(base_url)
        self._inner = httpx2.HTTPTransport(verify=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it."""
        url = request.url.copy_with(scheme="http", host=self._to.host, port=self._to.port)
        moved = httpx2.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return self._inner.handle_request(moved)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


_CLIENT = endpoints.client


def client(base_url: str, timeout: float, where: endpoints.Endpoint, **options: Any) -> Any:
    """Give what `endpoints.client` gives, led to another port."""
    return _CLIENT(where, transport=Rerouted(base_url), **{"timeout": timeout, **options})


@contextmanager
def wired(base_url: str, timeout: float = 5.0) -> Iterator[None]:
    """Lead all requests of trainers to a port of this machine."""
    endpoints.client = functools.partial(client, base_url, timeout)
    try:
        yield
    finally:
        endpoints.client = _CLIENT


def hasten(patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Have waiting be over at once, and the cost not counted; `patch` sets an attribute."""
    from openai import _base_client

    from ftdata.trainers.openai import ordering

    patch(_base_client, "INITIAL_RETRY_DELAY", 0.001)
    patch(ordering, "_estimate", lambda *_: None)


def in_parts(patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Have files go in parts of some hundred bytes."""
    from ftdata.trainers.openai import request

    patch(request, "PLAIN", 300)
    patch(request, "PART", 450)


PRELOAD = (
    *("acting", "warmed", "openai.resources.fine_tuning", "openai.resources.files", "openai.resources.models"),
    *("openai.resources.uploads", "ftdata.trainers.openai.jobs", "ftdata.trainers.openai.ordering"),
    *("ftdata.trainers.openai.sending", "ftdata.handoff.launch", "ftdata.transforms.fit"),
)
"""What a process that is to die has imported before it begins."""


def doomed(user: User, act: str, base_url: str, parts: bool, environ: Mapping[str, str], dies: int | None) -> None:
    """Act in a process of its own that will not live to the end.

    `dies` is the write of the state at which it dies, from 1: odd ones before the write, even ones right after it (3:
    before the second). None: the vendor kills it.
    """
    os.environ.update(environ)
    hasten()
    if parts:
        in_parts()
    if dies is not None:
        real, count = State._save, itertools.count(1)

        def save(state: State) -> None:
            moment = 2 * next(count)
            if moment - 1 == dies:
                os._exit(9)
            real(state)
            if moment == dies:
                os._exit(9)

        State._save = save  # type: ignore[method-assign, assignment]
    with wired(base_url):
        getattr(user, act)()


class User:
    """Someone with a run, a preset, and a few settings."""

    def __init__(self, recipe: Path, preset: str = "openai", **settings: Any) -> None:
        self.recipe = recipe
        self.settings = {"preset": preset, "model": MODEL, "epochs": 2, **settings}
        self.destination = preset

    def start(self) -> Job:
        """`ftdata train RUN`."""
        prepared = launch.prepare(str(self.recipe), "openai", self.settings)
        return launch.start(prepared, ACCEPTED, send_to=prepared.trainer.destination)

    def found(self) -> tuple[Trainer, State]:
        """Find the job as the other commands do."""
        return launch.found(str(self.recipe), self.destination)

    def look(self) -> Job:
        """`ftdata train status RUN`."""
        trainer, state = self.found()
        return trainer.look(state)

    def resume(self) -> Job:
        """`ftdata train resume RUN`."""
        trainer, state = self.found()
        with state.locked():
            state.read()
            return trainer.resume(state)

    def cancel(self) -> Job:
        """`ftdata train cancel RUN`."""
        trainer, state = self.found()
        with state.locked():
            return trainer.cancel(state)

    def events(self) -> list[Event]:
        """`ftdata train events RUN`."""
        trainer, state = self.found()
        return list(trainer.events(state))

    def result(self, into: Path) -> Result:
        """`ftdata train result RUN`."""
        trainer, state = self.found()
        return trainer.result(state, into)

    def judged(self) -> Mapping[str, str]:
        """The hashes that the gate let through."""
        return dict(self.found()[1].known["hashes"])
