"""The llama-factory reader: dataset_info.json followed as LLaMA-Factory follows it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from layout_case import READERS, SHARED, batch_of, counted, said

from ftdata import sniff
from ftdata.batch import conversations
from ftdata.errors import InputError
from ftdata.source import Source

ALPACA = [{"instruction": "q", "input": "x", "output": "a", "system": "other", "n": 1}]
TALK = [{"who": "U", "says": "q"}, {"who": "A", "says": "a"}]
SETS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "plain": ({}, ALPACA),
    "columns": (
        {"columns": {"prompt": "f", "response": "g", "system": "s"}},
        [{"f": "q", "g": "a", "s": "S", "input": "z"}],
    ),
    "ranked": (
        {"ranking": True, "columns": {"prompt": "p", "chosen": "c", "rejected": "r"}},
        [{"p": "q", "c": "a", "r": "b"}],
    ),
    "tags": (
        {
            "formatting": "sharegpt",
            "columns": {"messages": "talk", "tools": "t"},
            "tags": {"role_tag": "who", "content_tag": "says", "user_tag": "U", "assistant_tag": "A"},
        },
        [{"talk": TALK, "t": '[{"name": "f"}]', "id": 7, "conversations": "not this"}],
    ),
    "ranked-talk": (
        {
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {"messages": "talk", "chosen": "c", "rejected": "r"},
            "tags": {"role_tag": "who", "content_tag": "says", "user_tag": "U", "assistant_tag": "A"},
        },
        [{"talk": TALK[:1], "c": TALK[1], "r": {"who": "A", "says": "b"}}],
    ),
    "kto": (
        {"columns": {"prompt": "p", "response": "r", "kto_tag": "ok"}},
        [{"p": "q", "r": "a", "ok": True}, {"p": "q", "r": "b", "ok": False}],
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    info = {name: {"file_name": f"{name}.json", **entry} for name, (entry, _) in SETS.items()}
    info["wiki"] = {"file_name": "plain.json", "columns": {"prompt": "text"}}
    info["far"] = {"hf_hub_url": "someone/something"}
    info["lost"] = {"file_name": "lost.json"}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info, indent=1))
    for name, (_, rows) in SETS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    return tmp_path


@pytest.mark.covers("llama-factory", "roles")
def test_entries(folder: Path) -> None:
    def rows(name: str) -> list[Any]:
        return list(conversations(batch_of("llama-factory", folder, dataset=name)))

    (plain,) = rows("plain")
    assert said(plain) == [("user", "q\nx"), ("assistant", "a")] and plain.meta == {"system": "other", "n": 1}
    (named,) = rows("columns")
    assert said(named) == [("system", "S"), ("user", "q"), ("assistant", "a")] and named.meta == {"input": "z"}
    (tagged,) = rows("tags")
    assert said(tagged) == [("user", "q"), ("assistant", "a")]
    assert tagged.meta == {"id": 7, "conversations": "not this"} and tagged.tools[0]["function"] == {"name": "f"}
    for name in ("ranked", "ranked-talk"):
        (pair,) = rows(name)
        assert said(pair) == [("user", "q"), ("assistant", "a")] and pair.rejected[0].content == "b"
    assert [row.drop for row in rows("kto")] == [None, "undesired-answer"]
    kept = list(conversations(batch_of("llama-factory", folder, dataset="kto", undesired="keep")))
    assert [row.meta for row in kept] == [{"label": True}, {"label": False}]


def test_the_file_itself_is_a_path_too(folder: Path) -> None:
    reader = READERS["llama-factory"](path=folder / "dataset_info.json", dataset="plain")
    assert reader.path == folder
    with Source(reader.path) as source:
        assert sum(batch.height for batch in reader.read(source)) == source.handed == 1
        assert source.unread() is None
        names = {part.name.rpartition("/")[2].rpartition(":")[2]: part.records for part in source.inputs}
    assert names == {"plain.json": 1, "dataset_info.json": 0}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, "describes several data sets; name one with --set dataset=NAME"),
        ("plane", "has no data set 'plane'; did you mean 'plain'"),
        ("wiki", "has no answers"),
        ("far", "lies on a hub; download it"),
        ("lost", "is not in the folder"),
    ],
)
def test_refusals(folder: Path, name: str | None, told: str) -> None:
    with pytest.raises(InputError, match=told):
        batch_of("llama-factory", folder, dataset=name)


def test_a_folder_without_a_description(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "dataset_info.json").write_text('{"citation": "", "features": {}, "splits": {}}')  # another tool's
    with pytest.raises(InputError, match=r"holds no dataset_info\.json of LLaMA-Factory"):
        batch_of("llama-factory", tmp_path, dataset="x")
    assert not [guess for guess in sniff.sniff(tmp_path) if guess.reader.name == "llama-factory"]


@pytest.mark.covers("llama-factory", "sniffed")
def test_sniff(folder: Path) -> None:
    for path in (folder, folder / "dataset_info.json"):
        (first, *_) = sniff.sniff(path)
        assert first.reader.name == "llama-factory"
        assert first.sniff.evidence == ("dataset_info.json of LLaMA-Factory: 9 data sets, the files of 7 are here",)
        assert sniff.best(path, fields=["dataset"]).reader.name == "llama-factory"
        with pytest.raises(InputError, match="--set dataset=NAME"):
            sniff.best(path)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_the_real_description(tmp_path: Path) -> None:
    shutil.copy(SHARED / "sft" / "llamafactory_dataset_info.json", tmp_path / "dataset_info.json")
    want = {
        "identity": {"rows": 91, "user": 91, "assistant": 91},
        "alpaca_en_demo": {"rows": 200, "user": 200, "assistant": 200},
        "glaive_toolcall_en_demo": {"rows": 100, "user": 272, "assistant": 345, "tool": 73, "tools": 59},
        "dpo_en_demo": {"rows": 60, "user": 109, "assistant": 109, "system": 20, "pairs": 60},
        "kto_en_demo": {"rows": 54, "user": 87, "assistant": 87, "undesired-answer": 46},
    }
    for name, counts in want.items():
        shutil.copy(SHARED / "sft" / f"llamafactory_{name}.json", tmp_path / f"{name}.json")
        assert counted(batch_of("llama-factory", tmp_path, dataset=name)) == counts
