"""The folders for local trainers, as the trainers loaded them: other bytes want to be loaded again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from layout_talks import talks
from trainer_cases import Case, cases, digest, write

from ftdata.batch import to_batches
from ftdata.conversation import Conversation
from ftdata.writers.llama_factory import LlamaFactory
from ftdata.writers.mlx_lm import MlxLm
from ftdata.writers.trl import Trl

KEPT = json.loads(Path(__file__).with_name("trainer_configs.json").read_text(encoding="utf-8"))
ALL = [(trainer, case) for trainer in KEPT for case in cases(trainer)]


def talk(*turns: tuple[str, str]) -> Conversation:
    return Conversation.model_validate({"messages": [{"role": role, "content": said} for role, said in turns]})


@pytest.mark.parametrize(("trainer", "case"), ALL, ids=[f"{trainer}: {case.name}" for trainer, case in ALL])
def test_what_is_written_is_what_the_trainer_loaded(trainer: str, case: Case, tmp_path: Path) -> None:
    loaded = KEPT[trainer]["cases"][case.name]
    found = write(case, tmp_path / "set")
    again = f"python benchmarks/trainer_configs.py {trainer} PYTHON --keep, with {KEPT[trainer]['install']}"
    assert digest(found) == loaded["sha256"], f"the folder is another than the one that was loaded: run {again}"
    lines = {case.writer.split_of(Path(name)): held.count(b"\n") for name, held in found.items() if ".jsonl" in name}
    assert lines == loaded["rows"]
    assert loaded["steps"] if trainer in ("trl", "mlx-lm") else loaded["steps"] is None


def test_all_four_trainers_were_asked() -> None:
    assert {trainer: set(told["cases"]) for trainer, told in KEPT.items()} == {
        trainer: {case.name for case in cases(trainer)} for trainer in ("axolotl", "llama-factory", "mlx-lm", "trl")
    }


@pytest.mark.parametrize("trainer", ["trl", "mlx-lm"])
def test_arguments_are_objects_with_all_their_digits(trainer: str, tmp_path: Path) -> None:
    """Chat templates write them by `tojson`: a text would be written in quotes."""
    (case,) = (case for case in cases(trainer) if case.name == "tools")
    found = write(case, tmp_path / "set")
    text = b"".join(held for name, held in found.items() if name.endswith(".jsonl")).decode()
    assert '"arguments":{"nr":1.0,"só":"não"}' in text and '"deep":{"k":[1,null]}' in text
    assert '"arguments":"' not in text and '"content":"{\\"got\\": ' in text, "a tool's answer stays a text"


def test_both_answers_of_a_pair_have_them(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    pair = {"messages": [{"role": "user", "content": "q"}, said], "answer_at": 1, "rejected": [said]}
    rows = to_batches([Conversation.model_validate(pair)])
    (tmp_path / "set").mkdir()
    Trl(path=Path("set"), rows="preference").write(iter(rows), tmp_path / "set")
    (line,) = (tmp_path / "set/data/train.jsonl").read_text().splitlines()
    held = json.loads(line)
    assert [held[side][0]["tool_calls"][0]["function"]["arguments"] for side in ("chosen", "rejected")] == [
        {"a": 1}
    ] * 2


def test_trl_is_given_no_key_that_dpo_does_not_know() -> None:
    """`trl` hands such a key to accelerate, which stops at it."""
    made = yaml.safe_load(Trl(path=Path("set"), rows="preference").configs({})["dpo.yaml"])
    assert "packing" not in made and "packing" in yaml.safe_load(Trl(path=Path("set")).configs({})["sft.yaml"])


@pytest.mark.parametrize("rows", [*range(1, 40), 997])
@pytest.mark.parametrize("held_out", [0, 1, 6, 8])
@pytest.mark.parametrize("epochs", [1, 3])
def test_mlx_lm_sees_every_row_as_often_as_asked(rows: int, held_out: int, epochs: int) -> None:
    """It never reads the rows of a batch that is not full, nor uses gradients of an accumulation that is not."""
    lines = {"train.jsonl": rows} | ({"valid.jsonl": held_out} if held_out else {})
    made = yaml.safe_load(MlxLm(path=Path("set"), epochs=epochs).configs(lines)["lora.yaml"])
    assert rows % made["batch_size"] == 0 and held_out % made["batch_size"] == 0 and 1 <= made["batch_size"] <= 4
    assert made["iters"] * made["batch_size"] == rows * epochs
    assert made["iters"] % made["grad_accumulation_steps"] == 0
    assert made["batch_size"] * made["grad_accumulation_steps"] <= 4
    assert made["num_layers"] == -1 and made["val_batches"] == -1


def test_llama_factory_is_told_how_many_rows_it_will_leave_out(tmp_path: Path) -> None:
    (case,) = (case for case in cases("llama-factory") if case.name == "out of turn")
    head = write(case, tmp_path / "a")["train.yaml"].decode().split("\nmodel_name")[0]
    assert "do not take turns: 2 of train, 1 of validation." in head
    good = [talk(("user", "a"), ("assistant", "b")), talk(("system", "s"), ("user", "a"), ("assistant", "b"))]
    (tmp_path / "b").mkdir()
    LlamaFactory(path=Path("set")).write(iter(to_batches(good)), tmp_path / "b")
    assert "leave out" not in (tmp_path / "b/train.yaml").read_text()


def test_llama_factory_has_no_turn_for_an_empty_text_beside_a_call(tmp_path: Path) -> None:
    (case,) = (case for case in cases("llama-factory") if case.name == "tools")
    found = write(case, tmp_path / "a")["data/train.jsonl"]
    speakers = [[turn["from"] for turn in json.loads(line)["conversations"]] for line in found.splitlines()]
    assert ["human", "function_call", "observation", "gpt"] in speakers
    assert "leave out" not in (tmp_path / "a/train.yaml").read_text()


def test_the_rows_it_will_leave_out_are_those_whose_lines_do_not_alternate(tmp_path: Path) -> None:
    """By the rule of its converter, on the lines as written: several calls are one turn, and so are their answers."""
    writer = LlamaFactory(path=Path("set"))
    (tmp_path / "set").mkdir()
    writer.write(iter(to_batches(talks(400, writer.carries))), tmp_path / "set")
    sides, left_out = (("human", "observation"), ("gpt", "function_call")), 0
    for line in (tmp_path / "set/data/train.jsonl").read_bytes().splitlines():
        turns = [turn["from"] for turn in json.loads(line)["conversations"]]
        left_out += len(turns) % 2 or any(speaker not in sides[at % 2] for at, speaker in enumerate(turns))
    head = (tmp_path / "set/train.yaml").read_text(encoding="utf-8")
    assert 0 < left_out < 400 and f"take turns: {left_out} of train." in head
