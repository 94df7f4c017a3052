"""Data sets of the hub and their splits: fetched only where it is permitted, each row in the split its file names."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import polars as pl
import pytest

from ftdata.cli import main


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the hub: a data set with two splits; no socket may be opened."""
    asked: list[str] = []
    data = tmp_path / "cache/data"
    data.mkdir(parents=True)
    for split, count in (("train", 3), ("test", 2)):
        rows = [
            {"messages": [{"role": "user", "content": f"{split} {n}"}, {"role": "assistant", "content": "ok"}]}
            for n in range(count)
        ]
        pl.DataFrame(rows).write_parquet(data / f"{split}-00000-of-00001.parquet")

    def download(name: str, **_: Any) -> str:
        asked.append(name)
        return str(data.parent)

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.chdir(tmp_path)
    return asked


def call(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    sys.argv = ["ftdata", *args]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out + err


RECIPE = """{run}[[read]]
use = "openai-chat"
path = "hf://shop/chats"
[[write]]
use = "openai-chat"
path = "out/{{split}}.jsonl"
"""


def test_nothing_is_fetched_without_permission(
    hub: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.toml").write_text(RECIPE.format(run=""))
    for words in (["run", "r.toml"], ["convert", "hf://shop/chats", "out.jsonl"], ["sniff", "hf://shop/chats"]):
        code, told = call(capsys, *words)
        assert code == 3 and "--allow-network" in told, told
    assert hub == []


@pytest.mark.parametrize("how", ["recipe", "flag"])
def test_rows_stand_in_the_split_that_their_file_names(
    hub: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    (tmp_path / "r.toml").write_text(RECIPE.format(run="[run]\nnetwork = true\n" if how == "recipe" else ""))
    code, told = call(capsys, "run", "r.toml", *(["--allow-network"] if how == "flag" else []))
    assert code == 0, told
    assert set(hub) == {"shop/chats"}
    for split, count in (("train", 3), ("test", 2)):
        lines = [json.loads(line) for line in (tmp_path / f"out/{split}.jsonl").read_text().splitlines()]
        assert [line["messages"][0]["content"] for line in lines] == [f"{split} {n}" for n in range(count)]
    assert call(capsys, "verify", "out/train.jsonl")[0] == 0


def test_convert_and_sniff_fetch_where_permitted(
    hub: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, told = call(capsys, "sniff", "--allow-network", "hf://shop/chats")
    assert code == 0 and "openai-chat" in told
    code, told = call(capsys, "convert", "--allow-network", "hf://shop/chats:test", "out.jsonl")
    assert code == 0, told
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
