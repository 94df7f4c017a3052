"""Folders that are one data set, and data sets on the hub: only with permission, and through a stand-in here."""

from __future__ import annotations

import socket
import sys
import types
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ftdata.errors import InputError
from ftdata.shards import chosen, in_order, split_of
from ftdata.source import Source


@pytest.mark.parametrize(
    ("members", "shards"),
    [
        (["data/train-00000-of-00001.parquet", "README.md"], ["data/train-00000-of-00001.parquet"]),
        (["b.parquet", "a.parquet", "LICENSE", "_SUCCESS"], ["a.parquet", "b.parquet"]),
        (["state.json", "dataset_info.json", "data-0.arrow", "cache-1.arrow"], ["data-0.arrow"]),
        (["dataset_dict.json", "test/data-0.arrow", "test/state.json"], ["test/data-0.arrow"]),
        (["a.parquet", "b.jsonl"], []),
        (["a.parquet", "photo.jpg"], []),
        (["channels.json", "users.json"], []),
        ([], []),
    ],
)
def test_what_is_one_data_set(members: list[str], shards: list[str]) -> None:
    assert list(in_order(members)) == shards


@pytest.mark.parametrize(
    ("member", "split"),
    [
        ("data/train-00000-of-00002.parquet", "train"),
        ("my_dataset_test.parquet", "test"),
        ("validation/0000.parquet", "validation"),
        ("default/partial-train/0000.parquet", "train"),
        ("contest.parquet", None),
        ("trained.parquet", None),
        ("data-00000-of-00001.arrow", None),
    ],
)
def test_splits_by_name(member: str, split: str | None) -> None:
    assert split_of(member) == split


def test_configurations_are_not_mixed() -> None:
    shards = ["main/test-0.parquet", "main/train-0.parquet", "socratic/test-0.parquet", "socratic/train-0.parquet"]
    with pytest.raises(InputError, match=r"several configurations \(main, socratic\); name one: set:main"):
        chosen(shards, None, "set")
    assert chosen(shards, "main", "set") == tuple(shards[:2])
    assert chosen(shards, "socratic/train", "set") == ("socratic/train-0.parquet",)
    years = ["year=2023/0.parquet", "year=2024/0.parquet"]
    assert chosen(years, None, "set") == tuple(years)


def folder(place: Path) -> Path:
    (place / "data").mkdir(parents=True)
    for name, values in (("test-00000-of-00001", ["a"]), ("train-00000-of-00001", ["b", "c"])):
        pq.write_table(pa.table({"text": values}), place / f"data/{name}.parquet")
    return place


def texts(source: Source) -> list[str]:
    return [record.value["text"] for record in source.objects()]


def test_delimited_text_of_several_shards(tmp_path: Path) -> None:
    place = folder(tmp_path / "set")
    with Source(place) as source:
        assert [record.value for record in source.csv_records()] == [["a"], ["b"], ["c"]]
    pq.write_table(pa.table({"other": ["d"]}), place / "data/zz.parquet")
    with Source(place) as source, pytest.raises(InputError, match="different columns"):
        list(source.csv_records())


WAYS = {
    "lines": lambda s: [record for block in s.lines() for record in block.lines],
    "csv_records": lambda s: list(s.csv_records()),
    "json_items": lambda s: list(s.json_items()),
    "json_texts": lambda s: list(s.json_texts()),
    "json_blocks": lambda s: [item for _, block in s.json_blocks(Text) for item in block],
    "json_parts": lambda s: list(s.json_parts("none")),
    "objects": lambda s: list(s.objects()),
    "text": lambda s: b"".join(s.text(json=True)).splitlines(),
}


class Text(msgspec.Struct):
    text: str


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_reading_takes_all_shards(way: str, tmp_path: Path) -> None:
    with Source(folder(tmp_path / "set")) as source:
        assert len(WAYS[way](source)) == 3
        assert way == "text" or (source.handed == 3 and source.unread() is None)


def test_a_shard_that_nobody_read_is_told(tmp_path: Path) -> None:
    with Source(folder(tmp_path / "set")) as source:
        assert len(list(source.json_items("data/test-00000-of-00001.parquet"))) == 1
        assert source.unread() == "set"


# --- the hub ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize("path", ["hf://owner/name", "hf:/owner/name", Path("hf://owner/name@main:train")])
def test_without_permission_nothing_is_asked(path: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        InputError, match=r"hf://owner/name: is on the .* hub, and the network is not permitted; set network"
    ):
        Source(path)


@pytest.mark.parametrize("path", ["hf://name", "hf://../../etc/passwd", "hf://a/b/c", "hf:///a/b", "hf://a/b c"])
def test_what_is_no_id(path: str) -> None:
    with pytest.raises(InputError, match="is no id of a data set"):
        Source(path, network=True)


@pytest.mark.usefixtures("no_sockets")
def test_with_permission_only_data_files_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    # The hub's cache holds links to its blobs.
    real, cache = folder(tmp_path / "blobs"), tmp_path / "snapshot"
    (cache / "data").mkdir(parents=True)
    for file in (real / "data").iterdir():
        (cache / "data" / file.name).symlink_to(file)

    def snapshot_download(repo: str, **options: Any) -> str:
        asked.append({"repo": repo, **options})
        return str(cache)

    stand_in = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", stand_in)  # type: ignore[arg-type]
    with Source("hf://owner/name@v1.0:train", network=True) as source:
        assert texts(source) == ["b", "c"]
    with Source(Path("hf://owner/name"), network=True) as source:
        assert texts(source) == ["a", "b", "c"]
        assert source.name == "hf://owner/name"
        assert [one.name for one in source.inputs] == [
            "hf://owner/name/data/test-00000-of-00001.parquet",
            "hf://owner/name/data/train-00000-of-00001.parquet",
        ]
        assert all(len(one.sha256) == 64 and one.bytes > 100 for one in source.inputs)
    assert [(one["repo"], one["repo_type"], one["revision"]) for one in asked] == [
        ("owner/name", "dataset", "v1.0"),
        ("owner/name", "dataset", None),
    ]
    assert not any(pattern.endswith((".py", "*")) for one in asked for pattern in one["allow_patterns"])
    # The same folder without the hub's word: links are not followed.
    with Source(cache) as source, pytest.raises(InputError, match="holds no file"):
        source.head()


def test_what_the_hub_refuses_is_told_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot_download(*_: Any, **__: Any) -> str:
        raise RuntimeError("401: token hf_secret")

    stand_in = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", stand_in)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="could not be fetched") as error:
        Source("hf://owner/name", network=True)
    assert "hf_secret" not in str(error.value)
