"""The hf-dataset writer: a folder that datasets, pyarrow and polars read as the written rows and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.errors import OutputError
from ftdata.writers import hf_dataset
from ftdata.writers.hf_dataset import HfDataset

WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"properties": {"city": {"type": "string"}}}},
}
CHARGE = {
    "type": "function",
    "function": {"name": "charge", "strict": True, "parameters": {"properties": {"n": {"default": None}}}},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Olhão", "n": 2.50}'}}
REFUND = {
    "id": "c2",
    "type": "function",
    "function": {"name": "charge", "arguments": '{"n": {"cents": 100}}', "x": [1, "a"]},
}


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Datasets without a network, its cache in a folder of the test."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    datasets.disable_progress_bars()
    return tmp_path / "cache"


def write(conversations: Iterable[Conversation], folder: Path, **fields: Any) -> HfDataset:
    folder.mkdir(parents=True)
    writer = HfDataset(path=folder, **fields)
    writer.write(to_batches(conversations), folder)
    return writer


def names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def load(folder: Path, cache: Path) -> dict[str, list[dict[str, Any]]]:
    import datasets

    found = datasets.load_dataset(str(folder), cache_dir=str(cache))
    return {split: list(rows) for split, rows in found.items()}


def expected(conversation: Conversation, meta: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a row is, as lists and objects, with every column and field."""

    def turns(messages: Iterable[Message]) -> list[dict[str, Any]]:
        return [{**m.model_dump(), "extra": None if m.extra == {"content": None} else m.extra} for m in messages]

    c = conversation
    paired = c.rejected is not None or c.answer_at is not None
    given = c.messages or ()
    named = {key: c.meta[key] for key in meta if c.meta and c.meta.get(key) is not None}
    return {
        "messages": None if paired or c.messages is None else turns(given),
        "prompt": turns(given[: c.answer_at]) if paired and c.messages is not None else None,
        "chosen": turns(given[c.answer_at :]) if c.answer_at is not None else None,
        "rejected": None if c.rejected is None else turns(c.rejected),
        "tools": c.tools,
        "extra": c.extra,
        "meta": named or None,
    }


def filled(row: dict[str, Any]) -> dict[str, Any]:
    """Give the same of a loaded row: JSON text parsed, columns and fields that were left out added as null."""

    def opened(value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    whole = dict.fromkeys(("messages", "prompt", "chosen", "rejected", "tools", "extra", "meta")) | row
    for column in ("messages", "prompt", "chosen", "rejected"):
        if whole[column] is not None:
            whole[column] = [
                dict.fromkeys(Message.model_fields)
                | message
                | {key: opened(message.get(key)) for key in ("tool_calls", "parts", "extra")}
                for message in whole[column]
            ]
    return whole | {key: opened(whole[key]) for key in ("tools", "extra", "meta")}


SUPPORT = [
    Conversation(
        messages=(system("Be brief."), user("Hi"), assistant("Hello")), split="train", meta={"status": "open"}
    ),
    Conversation(
        messages=(user("Weather?"), Message(role="assistant", tool_calls=[CALL], extra={"content": None})),
        tools=[WEATHER],
        extra={"parallel_tool_calls": False},
        split="validation",
    ),
    Conversation(
        messages=(
            user("Refund"),
            assistant("", tool_calls=[REFUND]),
            Message(role="tool", content="ok", tool_call_id="c2"),
        ),
        tools=[CHARGE, WEATHER],
        meta={"status": None, "n": 2**70},
    ),
    Conversation(messages=(), split="train"),
    Conversation(messages=None, extra={"x": [1, {"a": None}]}, split="test"),
]


# --- what is loaded ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", ["json", "text"])
def test_datasets_loads_the_written_rows_and_nothing_else(tmp_path: Path, offline: Path, nested: Any) -> None:
    write(SUPPORT, tmp_path / "hf", nested=nested, meta=("status",))
    loaded = load(tmp_path / "hf", offline)
    wanted: dict[str, list[Any]] = {}
    for conversation in SUPPORT:
        wanted.setdefault(conversation.split or "train", []).append(expected(conversation, ("status",)))
    assert {split: [filled(row) for row in rows] for split, rows in loaded.items()} == wanted
    assert set(loaded["train"][0]) == {"messages", "tools", "extra", "meta"}
    assert set(loaded["train"][0]["messages"][0]) == {"role", "content", "tool_calls", "tool_call_id"}


def test_tools_and_arguments_come_back_as_lists_of_the_same_shape(tmp_path: Path, offline: Path) -> None:
    write(SUPPORT, tmp_path / "hf")
    loaded = load(tmp_path / "hf", offline)
    assert loaded["validation"][0]["tools"] == [WEATHER]
    assert loaded["train"][1]["tools"] == [CHARGE, WEATHER]
    assert loaded["train"][1]["messages"][1]["tool_calls"] == [REFUND]
    arguments = loaded["validation"][0]["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert arguments == CALL["function"]["arguments"]  # type: ignore[index]


def test_parts_and_other_keys_come_back_as_they_were(tmp_path: Path, offline: Path) -> None:
    parts = [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    call = {"name": "f", "arguments": "{}"}
    row = Conversation(
        messages=(Message(role="user", parts=parts), assistant("", extra={"function_call": call})), extra={"label": "x"}
    )
    write([row], tmp_path / "hf")
    (loaded,) = load(tmp_path / "hf", offline)["train"]
    assert loaded["messages"] == [
        {"role": "user", "content": None, "parts": parts, "extra": None},
        {"role": "assistant", "content": "", "parts": None, "extra": {"function_call": call}},
    ]
    assert loaded["extra"] == {"label": "x"}


def test_preference_rows_have_the_columns_that_trl_takes(tmp_path: Path, offline: Path) -> None:
    pair = Conversation(messages=(user("Cold?"), assistant("10 °C")), answer_at=1, rejected=(assistant("No"),))
    write([pair], tmp_path / "hf")
    (row,) = load(tmp_path / "hf", offline)["train"]
    assert row == {
        "prompt": [{"role": "user", "content": "Cold?"}],
        "chosen": [{"role": "assistant", "content": "10 °C"}],
        "rejected": [{"role": "assistant", "content": "No"}],
    }


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(strategies.conversations(), min_size=1, max_size=25), nested=st.sampled_from(["json", "text"]))
def test_generated_rows_load_equal(
    tmp_path_factory: pytest.TempPathFactory, offline: Path, rows: list[Conversation], nested: Any
) -> None:
    folder = tmp_path_factory.mktemp("hf") / "out"
    keys = tuple(sorted({key for row in rows for key in row.meta or () if "." not in key}))[:2]
    write(rows, folder, nested=nested, meta=keys)
    loaded = load(folder, folder.parent / "cache")
    for split in {row.split or "train" for row in rows}:
        wanted = [expected(row, keys) for row in rows if (row.split or "train") == split]
        assert [filled(row) for row in loaded.pop(split)] == wanted
    assert not loaded


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(strategies.conversations(), min_size=1, max_size=40))
def test_polars_and_pyarrow_agree(tmp_path_factory: pytest.TempPathFactory, rows: list[Conversation]) -> None:
    folder = tmp_path_factory.mktemp("hf") / "out"
    writer = write(rows, folder)
    seen = 0
    for name in names(folder):
        if name == "README.md":
            assert writer.lines(folder / name) is None and writer.split_of(Path(name)) is None
            continue
        split = writer.split_of(Path(name))
        wanted = [expected(row) for row in rows if (row.split or "train") == split]
        arrow = [filled(row) for row in pq.read_table(folder / name).to_pylist()]
        other = [filled(row) for row in pl.read_parquet(folder / name).to_dicts()]
        assert arrow == wanted == other
        assert writer.lines(folder / name) == len(wanted)
        seen += len(wanted)
    assert seen == len(rows)


# --- what the JSON type of datasets cannot hold -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        (0.5, True),
        (3.14159, True),
        ("gpt-4.1 1e5 12345678901234567890", True),
        (2**63, True),
        ([[[]]] * 200, True),
        (2**64, False),
        (0.12345678901234567, False),
        (5e-324, False),
        ("\ud800", False),
    ],
)
def test_a_field_that_would_not_come_back_equal_is_text(tmp_path: Path, offline: Path, value: Any, typed: bool) -> None:
    text = json.dumps([{"v": value}])
    batch = next(to_batches([Conversation(messages=(user("x"),))])).with_columns(tools=pl.lit(text))
    folder = tmp_path / "hf"
    folder.mkdir()
    HfDataset(path=folder).write(iter([batch]), folder)
    (row,) = load(folder, offline)["train"]
    assert row["tools"] == ([{"v": value}] if typed else text)
    assert ("(JSON text)" in (folder / "README.md").read_text()) is not typed
    assert ("(type `Json`)" in (folder / "README.md").read_text()) is typed


# --- files ------------------------------------------------------------------------------------------------------------


def test_names_count_the_files_of_each_split(tmp_path: Path, offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hf_dataset, "SHARD_ROWS", 5)
    monkeypatch.setattr(hf_dataset, "GROUP_ROWS", 3)
    rows = [Conversation(messages=(user(str(n)),), split="test" if n % 4 == 0 else None) for n in range(24)]

    def batches() -> Iterator[pl.DataFrame]:
        for start in range(0, 24, 2):
            yield from to_batches(rows[start : start + 2])

    folder = tmp_path / "hf"
    folder.mkdir()
    writer = HfDataset(path=folder)
    writer.write(batches(), folder)
    found = names(folder)
    assert found == [
        "README.md",
        *(f"data/test-{n:05d}-of-00002.parquet" for n in range(2)),
        *(f"data/train-{n:05d}-of-00004.parquet" for n in range(4)),
    ]
    for split in ("train", "test"):
        texts = [
            row["messages"][0]["content"]
            for name in found
            if writer.split_of(Path(name)) == split
            for row in pq.read_table(folder / name).to_pylist()
        ]
        assert texts == [str(n) for n in range(24) if (n % 4 == 0) == (split == "test")]
        assert [row["messages"][0]["content"] for row in load(folder, offline)[split]] == texts
    assert pq.ParquetFile(folder / "data/train-00000-of-00004.parquet").num_row_groups > 1


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        write(SUPPORT, folder)
    first, second = ({name: (folder / name).read_bytes() for name in names(folder)} for folder in folders)
    assert first == second


def test_the_card_counts_and_tells_no_text(tmp_path: Path) -> None:
    canary = "canary 4711"
    pair = Conversation(messages=(user(canary), assistant(canary)), answer_at=1, rejected=(), split="test")
    write([*SUPPORT, pair, pair], tmp_path / "hf")
    card = (tmp_path / "hf/README.md").read_text()
    assert "| train | 3 | 0 |" in card and "| test | 3 | 2 |" in card and "| validation | 1 | 0 |" in card
    assert canary not in card and "Licence: unknown" in card
    assert "`name`" not in card and "`weight`" not in card


def test_a_split_that_datasets_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="split 'a/b'"):
        write([Conversation(messages=(user("x"),), split="a/b")], tmp_path / "hf")


def test_the_writer_needs_datasets_only_for_doubtful_numbers(tmp_path: Path) -> None:
    """Importing datasets takes a second."""
    code = (
        "import sys; from pathlib import Path; from ftdata.batch import to_batches; "
        "from ftdata.conversation import Conversation, user; from ftdata.writers.hf_dataset import HfDataset; "
        "folder = Path(sys.argv[1]); rows = [Conversation(messages=(user('1.5'),), tools=[{'a': 1}])]; "
        "HfDataset(path=folder).write(to_batches(rows), folder); assert 'datasets' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env={**os.environ})
    assert names(tmp_path) == ["README.md", "data/train-00000-of-00001.parquet"]
