"""Outputs that cannot be written: one line, exit code 4, before the input is read, in under a second."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest

from ftdata import cli, flow
from ftdata.batch import Batch
from ftdata.errors import OutputError
from ftdata.recipe import Recipe
from ftdata.stages import Transform

OLD = b"written by somebody else\n"


def _file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(OLD)


def _socket(path: Path) -> None:
    place = os.getcwd()
    os.chdir(path.parent)  # the name of a socket is short
    socket.socket(socket.AF_UNIX).bind(path.name)
    os.chdir(place)


def _nothing(_: Path) -> None:
    pass


Setting = Callable[[Path], None]
# what: (path of the writer, what stands in the way, word of the message)
CASES: dict[str, tuple[str, Setting, str]] = {
    "a folder": ("a.jsonl", lambda at: (at / "a.jsonl").mkdir(), "is a folder already"),
    "a full folder": ("a.jsonl", lambda at: _file(at / "a.jsonl/b"), "is a folder already"),
    "a link": ("a.jsonl", lambda at: (_file(at / "b"), (at / "a.jsonl").symlink_to("b")), "is a link"),  # type: ignore[func-returns-value]
    "a broken link": ("a.jsonl", lambda at: (at / "a.jsonl").symlink_to("none"), "is a link"),
    "a link to itself": ("a.jsonl", lambda at: (at / "a.jsonl").symlink_to("a.jsonl"), "is a link"),
    "a pipe": ("a.jsonl", lambda at: os.mkfifo(at / "a.jsonl"), "device or pipe"),
    "a socket": ("a.jsonl", lambda at: _socket(at / "a.jsonl"), "device or pipe"),
    "a device": ("/dev/null", _nothing, "device or pipe"),
    "a file of another program": ("a.jsonl", lambda at: _file(at / "a.jsonl"), "exists and was not written"),
    "one split's file": ("{split}.jsonl", lambda at: _file(at / "test.jsonl"), "exists and was not written"),
    "one split's folder": ("{split}.jsonl", lambda at: (at / "test.jsonl").mkdir(), "is a folder already"),
    "a file for a folder": ("hf:out", lambda at: _file(at / "out"), "is a file"),
    "a link for a folder": ("hf:out", lambda at: ((at / "b").mkdir(), (at / "out").symlink_to("b")), "is a link"),  # type: ignore[func-returns-value]
    "a folder of another program": (
        "hf:out",
        lambda at: _file(at / "out/data/x.parquet"),
        "exists and was not written",
    ),
    "the parent is a file": ("sub/a.jsonl", lambda at: _file(at / "sub"), "not a folder"),
    "the grandparent is a file": ("sub/sub/a.jsonl", lambda at: _file(at / "sub"), "not a folder"),
    "the parent is a pipe": ("sub/a.jsonl", lambda at: os.mkfifo(at / "sub"), "not a folder"),
    "the parent is a broken link": ("sub/a.jsonl", lambda at: (at / "sub").symlink_to("none"), "is a broken link"),
    "the parent is a link to itself": ("sub/a.jsonl", lambda at: (at / "sub").symlink_to("sub"), "link"),
    "a split's folder is a file": ("out/{split}/a.jsonl", lambda at: _file(at / "out/train"), "not a folder"),
    "the name is too long": (f"{'n' * 240}.jsonl", _nothing, "too long"),
    "the folder's name is too long": (f"{'n' * 300}/a.jsonl", _nothing, "too long"),
    "a folder output's name is too long": (f"hf:{'n' * 300}", _nothing, "too long"),
    "the path is too long": ("/".join(["n" * 200] * 25) + "/a.jsonl", _nothing, "too long"),
    "a file system of the kernel": ("/proc/a.jsonl", _nothing, "cannot be written"),
    "another one": ("/sys/a.jsonl", _nothing, "cannot be written"),
    "the record's home is a file": ("a.jsonl", lambda at: _file(at / ".ftdata"), "cannot be written"),
    "the record's home is a broken link": (
        "a.jsonl",
        lambda at: (at / ".ftdata").symlink_to("none"),
        "cannot be written",
    ),
    "the record is a file": ("a.jsonl", lambda at: _file(at / ".ftdata/recipe"), "cannot be written"),
    "the lock is a folder": (
        "a.jsonl",
        lambda at: (at / ".ftdata/recipe/lock").mkdir(parents=True),
        "cannot be written",
    ),
}


def _recipe(folder: Path, output: str, name: str = "recipe") -> Path:
    kind, _, path = output.rpartition(":")
    path_ = folder / f"{name}.toml"
    path_.write_text(
        f"""[[read]]
use = "openai-chat"
path = "no-such-input.jsonl"

[[write]]
use = "{"hf-dataset" if kind == "hf" else "openai-chat"}"
path = "{path}"
"""
    )
    return path_


def _main(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["ftdata", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


@pytest.mark.parametrize("case", CASES)
def test_an_output_that_cannot_be_written(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output, setting, told = CASES[case]
    setting(tmp_path)
    recipe = _recipe(tmp_path, output)
    before = sorted(path for path in tmp_path.rglob("*") if ".ftdata" not in path.parts)
    began = time.monotonic()
    assert _main("run", "-q", str(recipe), monkeypatch=monkeypatch) == 4
    assert time.monotonic() - began < 1
    shown = capsys.readouterr()
    assert shown.out == "" and "Traceback" not in shown.err
    assert shown.err.startswith("Error: ") and shown.err.count("\n") == 1
    assert told in shown.err
    assert sorted(path for path in tmp_path.rglob("*") if ".ftdata" not in path.parts) == before
    assert all(path.read_bytes() == OLD for path in before if path.is_file() and path != recipe)


def test_a_run_whose_name_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = _recipe(tmp_path, "a.jsonl")
    recipe.write_text(f'[run]\nname = "{"n" * 300}"\n' + recipe.read_text())
    assert _main("run", "-q", str(recipe), monkeypatch=monkeypatch) == 4
    assert "too long" in capsys.readouterr().err


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("shut", [False, True], ids=["may-not-write", "may-not-enter"])
@pytest.mark.parametrize("output", ["a.jsonl", "sub/a.jsonl", "hf:out"])
def test_a_folder_that_the_user_may_not_write_to(tmp_path: Path, output: str, shut: bool) -> None:
    recipe = Recipe.load(_recipe(tmp_path, output))
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    if shut:
        tmp_path.chmod(0o700)
    child = os.fork()
    if not child:
        code = 70
        try:
            os.setuid(65534)
            flow.run(recipe)
        except OutputError as error:
            code = error.exit_code if "cannot be written" in str(error) else 71
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    (tmp_path / "no-such-input.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n')
    flow.run(_recipe(tmp_path, "new/newer/a.jsonl"))
    assert (tmp_path / "new/newer/a.jsonl").read_text().count("\n") == 1


class Side(Transform):
    """Put every row on a side of its own name."""

    name: ClassVar[str] = "side"

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(pl.lit("dev").alias("split"))


def test_the_file_of_a_split_that_no_one_foresaw_is_not_replaced(tmp_path: Path) -> None:
    _file(tmp_path / "dev.jsonl")
    (tmp_path / "no-such-input.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n')
    recipe = replace(Recipe.load(_recipe(tmp_path, "{split}.jsonl")), steps=(Side(),))
    with pytest.raises(OutputError, match="exists and was not written"):
        flow.run(recipe)
    assert (tmp_path / "dev.jsonl").read_bytes() == OLD
    flow.run(recipe, overwrite=True)
    assert (tmp_path / "dev.jsonl").read_bytes() != OLD
