"""`ftdata train` before wrong words, broken states, files that are gone, and an impatient person."""

from __future__ import annotations

import json
import os
import pty
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from test_handoff_launch import VENDOR, begin, made, plugin

from ftdata import runs
from ftdata.cli.train import command
from ftdata.errors import FtdataError, RefusedError
from ftdata.handoff import launch

__all__ = ["plugin"]  # a fixture, for every test here


def call(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def told(*words: object) -> tuple[int, str]:
    """Give exit code and message of what ends in an error; it must be one that was raised on purpose."""
    done = call(*words)
    if isinstance(done.exception, FtdataError):
        return done.exception.exit_code, str(done.exception)
    assert isinstance(done.exception, SystemExit), repr(done.exception)
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "Missing argument 'RUN'"),
        ([""], "RUN is empty"),
        (["cancle", "job.toml"], "'cancle' is no command; did you mean 'cancel'?"),
        (["RUN", "--with", ""], "there is no trainer ''"),
        (["RUN", "--accept", "leaks"], "wants a reason"),
        (["RUN", "--max-cost", "garbage"], "is no amount of money"),
    ],
)
def test_wrong_words_are_told_in_words(words: list[str], why: str, tmp_path: Path):
    recipe = made(tmp_path)
    code, text = told(*(str(recipe) if word == "RUN" else word for word in words))
    assert code == 2 and why in text and VENDOR["jobs"] == []


def test_a_plan_beyond_the_calendar_is_no_bug(tmp_path: Path):
    done = call(made(tmp_path), "--dry-run", "--lives", 10**12, "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["refused"] == []


@pytest.mark.parametrize("kind", ["gone", "folder", "pipe", "broken link"])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_file_that_cannot_be_read_is_named_and_never_waited_for(kind: str, split: str, tmp_path: Path):
    recipe = made(tmp_path)
    path = tmp_path / f"out/{split}.jsonl"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "broken link":
        path.symlink_to("nowhere")
    for more in ([], ["--dry-run"], ["--dry-run", "--json"], ["--accept", "bytes=tried"]):
        code, text = told(recipe, *more)
        assert code == 3 and str(path) in text and "run the recipe again" in text and "\n" not in text
    assert VENDOR["jobs"] == []


STATES: dict[str, Any] = {
    "empty": "",
    "cut": '{"trainer": {"use": "acme"',
    "deep": "[" * 100_000,
    "types": {"trainer": 1, "tag": 2, "hashes": 3, "facts": 4},
    "no use": {"trainer": {}, "tag": "x", "hashes": {}, "facts": {}},
    "list": {"trainer": {"use": ["acme"]}, "tag": "x", "hashes": {}, "facts": {}},
    "hashes": {"trainer": {"use": "acme", "model": "m"}, "tag": "x", "hashes": {"train": 3}, "facts": {}},
    "plugin": {"trainer": {"use": "gone"}, "tag": "x", "hashes": {}, "facts": {}},
    "future": {"trainer": {"use": "acme", "model": "m", "later": 1}, "tag": "x", "hashes": {}, "facts": {}},
}


@pytest.mark.parametrize("name", [*STATES, "pipe", "folder", "broken link"])
def test_a_broken_state_is_told_and_no_second_job_is_made(name: str, tmp_path: Path):
    recipe = made(tmp_path)
    begin(recipe)
    path = runs.find(str(recipe)).folder / "jobs/acme-1.json"
    path.unlink()
    if name == "pipe":
        os.mkfifo(path)
    elif name == "folder":
        path.mkdir()
    elif name == "broken link":
        path.symlink_to("nowhere")
    else:
        path.write_text(STATES[name] if isinstance(STATES[name], str) else json.dumps(STATES[name]))
    for word in ("status", "events", "cancel", "resume"):
        code, text = told(word, recipe)
        assert code == 3 and str(path) in text and "\n" not in text, "1 would say that the job failed"
        assert ("move it away" in text) != ("that wrote it" in text)
    assert told(recipe, "--yes-send-to", "acme")[0] in (3, 6)
    assert len(VENDOR["jobs"]) == 1


def test_a_run_with_a_space_can_be_pasted_from_what_is_told(tmp_path: Path):
    folder = tmp_path / "my runs"
    folder.mkdir()
    done = call(made(folder), "--yes-send-to", "acme")
    assert done.exit_code == 0 and f"ftdata train status '{folder}/job.toml'" in done.stderr


def test_who_says_no_is_not_asked_to_say_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from ftdata.cli import train

    prepared = launch.prepare(str(made(tmp_path)))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(train, "confirmed", lambda question: False)
    with pytest.raises(RefusedError, match=r"^nothing was sent to acme$"):
        train._agreed(prepared, {})


ASK = """
import polars, sys
polars.DataFrame({"a": [1]}).lazy().select(polars.col("a").sum()).collect()
import ftdata.cli.train as train, click
try:
    train.confirmed("Send it?")
except click.Abort:
    sys.exit(130)
"""


def test_ctrl_c_ends_the_question_at_once():
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.alarm(20)  # else a question that nothing ends would hold the tests
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(terminal, 1000)
    ended, status = 0, 0
    for tick in range(150):
        if tick % 30 == 0:  # one that comes just before the question is read is lost to any program: press again
            os.write(terminal, b"\x03")
        time.sleep(0.1)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
    os.close(terminal)
    assert ended and os.waitstatus_to_exitcode(status) == 130
