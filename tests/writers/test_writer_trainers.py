"""Folders for local trainers: data by split, a configuration that says what is there, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from layout_talks import canonical, talks

from ftdata import files, flow, runs
from ftdata.batch import Batch, conversations, to_batches
from ftdata.conversation import Conversation
from ftdata.errors import RecipeError
from ftdata.readers.layouts.llama_factory import LlamaFactory as LlamaFactoryReader
from ftdata.recipe import Recipe
from ftdata.source import Source
from ftdata.writers.axolotl import Axolotl
from ftdata.writers.json_lines import NotCarried
from ftdata.writers.llama_factory import LlamaFactory
from ftdata.writers.mlx_lm import MlxLm
from ftdata.writers.trainer_folder import TrainerFolder
from ftdata.writers.trl import Trl

KINDS: list[tuple[type[TrainerFolder], dict[str, Any]]] = [
    (Trl, {}),
    (Trl, {"rows": "completion", "turns": "expand"}),
    (Trl, {"rows": "preference"}),
    (Axolotl, {}),
    (Axolotl, {"turns": "last"}),
    (LlamaFactory, {"template": "qwen"}),
    (MlxLm, {}),
    (MlxLm, {"turns": "last"}),
]
IDS = [f"{kind.name} {' '.join(fields.values())}".strip() for kind, fields in KINDS]


def split(rows: list[Conversation], *sides: str) -> list[Conversation]:
    return [row.model_copy(update={"split": sides[at % len(sides)]}) for at, row in enumerate(rows)]


def write(writer: TrainerFolder, rows: list[Conversation], into: Path, size: int = 100) -> dict[str, bytes]:
    into.mkdir(parents=True)
    whole = pl.concat(to_batches(rows))

    def batches() -> Iterator[Batch]:
        for at in range(0, whole.height, size):
            yield whole[at : at + size]

    writer.write(batches(), into)
    return {path.relative_to(into).as_posix(): path.read_bytes() for path in files.below(into)}


def config(found: dict[str, bytes]) -> dict[str, Any]:
    (name,) = [name for name in found if name.endswith(".yaml")]
    loaded = yaml.safe_load(found[name])
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(("kind", "fields"), KINDS, ids=IDS)
def test_a_folder_holds_the_data_and_a_configuration_that_names_it(
    kind: type[TrainerFolder], fields: dict[str, Any], tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    writer = kind(path=Path("set"), model='a "model": é # no comment', **fields)
    rows = split(talks(30, writer.carries), "train", "validation", "train")
    found = write(writer, rows, tmp_path / "a")
    assert found == write(writer, rows, tmp_path / "b", 1), "the same bytes whatever the batches"
    assert yaml.safe_load(next(text for name, text in found.items() if name.endswith(".yaml"))) == config(found)
    assert writer.model in config(found).values()
    counts = {writer.split_of(Path(name)): writer.lines(tmp_path / "a" / name) for name in found}
    due: dict[str | None, int] = {None: 0}
    for row in rows:
        (batch,) = to_batches([row])
        told = writer.spread(batch)
        due[row.split] = due.get(row.split, 0) + (1 if told is None else int(told[0]))
    assert {side: count or 0 for side, count in counts.items()} == due
    for name in found:
        if name.endswith(".jsonl"):
            assert b"weight" not in found[name]
            loaded = datasets.load_dataset(
                "json", data_files=str(tmp_path / "a" / name), split="train", cache_dir=str(tmp_path / "cache")
            )
            assert len(loaded) == counts[writer.split_of(Path(name))]


def test_trl(tmp_path: Path) -> None:
    rows = talks(9, Trl(path=Path("x")).carries)
    alone = config(write(Trl(path=Path("set")), rows, tmp_path / "a"))
    assert alone["eval_strategy"] == "no" and "dataset_test_split" not in alone
    assert alone["assistant_only_loss"] is True and alone["gradient_checkpointing"] is False
    assert alone["report_to"] == "none" and alone["packing"] is False and alone["use_peft"] is True
    both = split(rows, "train", "validation")
    held_out = config(write(Trl(path=Path("set"), max_length=64, rank=4), both, tmp_path / "b"))
    assert held_out["dataset_test_split"] == "validation" and held_out["eval_strategy"] == "epoch"
    assert (held_out["max_length"], held_out["lora_r"], held_out["lora_alpha"]) == (64, 4, 8)
    completion = Trl(path=Path("set"), rows="completion", turns="expand")
    assert config(write(completion, rows, tmp_path / "c"))["completion_only_loss"] is True
    preference = Trl(path=Path("set"), rows="preference")
    assert "dpo.yaml" in write(preference, talks(9, preference.carries), tmp_path / "d")
    with pytest.raises(ValueError, match="has no weights"):
        Trl(path=Path("set"), turns="last")


def test_trl_finds_the_splits_in_its_folder(tmp_path: Path) -> None:
    """As `trl` does it: `load_dataset` of the folder that the configuration names."""
    datasets = pytest.importorskip("datasets")
    rows = split(talks(12, Trl(path=Path("x")).carries), "train", "validation", "test", "train")
    made = config(write(Trl(path=Path("set")), rows, tmp_path / "set"))
    found = datasets.load_dataset(str(tmp_path / "set" / made["dataset_name"]), cache_dir=str(tmp_path / "cache"))
    assert {side: len(found[side]) for side in found} == {"train": 6, "validation": 3, "test": 3}


def test_axolotl_says_what_is_trained(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]
    said += [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "weight": 1}]
    found = write(Axolotl(path=Path("set")), [Conversation.model_validate({"messages": said})], tmp_path / "a")
    (line,) = found["data/train.jsonl"].splitlines()
    assert [one.get("train") for one in json.loads(line)["messages"]] == [None, False, None, True]
    (rows,) = config(found)["datasets"]
    assert rows["type"] == "chat_template" and rows["message_field_training"] == "train"
    assert rows["path"] == "data/train.jsonl" and rows["roles_to_train"] == ["assistant"]
    assert config(found)["val_set_size"] == 0


def test_llama_factory_describes_what_is_there(tmp_path: Path) -> None:
    writer = LlamaFactory(path=Path("out/my set"))
    rows = split(talks(40, writer.carries), "train", "validation")
    bare = [row for row in talks(9, frozenset({"single-answer"})) if row.tools is None]
    rows += [row.model_copy(update={"split": "test"}) for row in bare]
    found = write(writer, rows, tmp_path / "a")
    info, made = json.loads(found["dataset_info.json"]), config(found)
    assert list(info) == ["my_set_test", "my_set_train", "my_set_validation"]
    assert info[made["dataset"]]["columns"] == {"messages": "conversations", "system": "system", "tools": "tools"}
    assert info["my_set_test"]["columns"] == {"messages": "conversations"}, "no column that no row has"
    assert made["eval_dataset"] == "my_set_validation" and info[made["dataset"]]["formatting"] == "sharegpt"
    reader = LlamaFactoryReader(path=tmp_path / "a", dataset="my_set_train")
    with Source(tmp_path / "a") as source:
        back = [talk for batch in reader.read(source) for talk in conversations(batch)]
    assert [canonical(one) for one in back] == [canonical(one) for one in rows if one.split == "train"]


def test_mlx_lm_has_its_own_names(tmp_path: Path) -> None:
    rows = split(talks(30, MlxLm(path=Path("x")).carries | {"many-answers"}), "train", "validation", "test")
    found = write(MlxLm(path=Path("set"), epochs=2), rows, tmp_path / "a")
    assert sorted(found) == ["lora.yaml", "test.jsonl", "train.jsonl", "valid.jsonl"]
    made = config(found)
    lines = found["train.jsonl"].count(b"\n")
    assert made["mask_prompt"] is True and made["iters"] == -(-lines * 2 // made["batch_size"])
    assert all(json.loads(line)["messages"][-1]["role"] == "assistant" for line in found["valid.jsonl"].splitlines())


def test_the_refusal_names_the_folder_writer(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]
    rows = [Conversation.model_validate({"id": "x#1", "messages": said})]
    with pytest.raises(NotCarried, match=r"writer trl: row x#1: not-carried: .*weight"):
        write(Trl(path=Path("set")), rows, tmp_path / "a")


@pytest.mark.parametrize("name", ["trl", "axolotl", "llama-factory", "mlx-lm"])
def test_a_run_publishes_it(name: str, tmp_path: Path) -> None:
    lines = [
        json.dumps({"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}"}]})
        for n in range(12)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    tables = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "step": [{"use": "split", "validation": 0.25}],
        "write": [{"use": name, "path": "out/set"}],
    }
    manifest = flow.run(Recipe.parse(tables, tmp_path, "job"))
    assert {out.split: out.lines for out in manifest.outputs if out.split} == {"train": 9, "validation": 3}
    assert runs.verify(flow.record_of(Recipe.parse(tables, tmp_path, "job"))) == []
    again = flow.run(Recipe.parse(tables, tmp_path, "job"))
    assert [out.sha256 for out in again.outputs] == [out.sha256 for out in manifest.outputs]
    with pytest.raises(RecipeError):
        Recipe.parse({**tables, "write": [{"use": name, "path": "out/set", "epochs": 0}]}, tmp_path, "job")
