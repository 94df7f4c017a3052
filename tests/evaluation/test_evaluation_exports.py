"""The held-out rows as tasks of lm-eval and inspect: what is written, and what the two programs made of it.

`exports.json` keeps what they said, by the command in benchmarks/evaluation_exports.py.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import stat
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from export_cases import TASKS, case, digest

from ftdata.conversation import Message, user
from ftdata.errors import InputError, OutputError
from ftdata.evaluation.answers import Answers
from ftdata.evaluation.asking.prompts import prompt
from ftdata.evaluation.comparison import MEASURES, TUNED, compare
from ftdata.evaluation.exports import Exported, Form, export
from ftdata.evaluation.held_out import HeldOut, Question, Task
from ftdata.files import below

ORACLE: dict[str, Any] = json.loads(Path(__file__).with_name("exports.json").read_text())
FORMS: tuple[Form, ...] = get_args(Form)
NAMES = {"accuracy": "exact_match", "exact": "exact_match"}


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"exported_{path.parent.name}", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def ours(task: Task) -> dict[str, float]:
    held, given, _ = case(task)
    found = compare(held, [Answers(TUNED, given)])
    values = [one for one in found.measures if one.system == TUNED]
    return {NAMES.get(one.name, one.name.replace(" ", "_").replace("-", "_").lower()): one.value.mean for one in values}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.mark.parametrize("task", TASKS)
def test_both_programs_score_as_eval_does(task: Task):
    mine = ours(task)
    assert len(mine) == len(MEASURES[task]) and 0.2 < next(iter(mine.values())) < 0.8
    for form in FORMS:
        assert ORACLE[task][form]["scores"] == pytest.approx(mine, abs=1e-9), form


@pytest.mark.parametrize("task", TASKS)
def test_both_programs_ask_as_eval_does(task: Task):
    held, _, shots = case(task)
    for at, question in enumerate(held.questions[:3]):
        asked = [
            {"role": {"developer": "system"}.get(one["role"], one["role"]), "content": one["content"]}
            for one in prompt(question, shots).messages
        ]
        assert ORACLE[task]["inspect"]["asked"][at] == asked
        by_lm_eval = ORACLE[task]["lm-eval"]["asked"][at]
        if len([one for one in question.messages if one.role != "system"]) < 3:
            assert by_lm_eval == asked
        else:  # it asks one text: the speakers are named in it
            assert by_lm_eval[:-1] == asked[: 2 * len(shots)]
            assert by_lm_eval[-1]["content"].startswith("User: first\n\nAssistant: second\n\nUser: Row 3")


@pytest.mark.parametrize("task", TASKS)
def test_what_is_written_is_what_the_programs_were_given(task: Task, tmp_path: Path):
    """The YAML is one that PyYAML reads, the code runs by itself, and gives the scores that the programs gave."""
    held, given, shots = case(task)
    made = export(held, tmp_path / "Our Tickets-2", "lm-eval", shots)
    assert made.rows == 60 and made.shots == 2 and "--tasks our_tickets_2 " in made.said and not made.left_out
    assert [path.name for path in below(made.folder)] == ["questions.jsonl", "shots.jsonl", "task.py", "task.yaml"]

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: ("function", loader.construct_scalar(node)))
    config = yaml.load((made.folder / "task.yaml").read_text(), Loader)
    assert config["task"] == "our_tickets_2" and config["process_results"] == ("function", "task.measured")
    code = module(made.folder / "task.py")
    rows = lines(made.folder / "questions.jsonl")
    assert [row["wanted"] for row in rows] == held.wanted
    found = [code.measured(row, [answer]) for row, answer in zip(rows, given, strict=True)]
    for one in config["metric_list"]:
        mean = sum(scores[one["metric"]] for scores in found) / len(found)
        assert mean == pytest.approx(ORACLE[task]["lm-eval"]["scores"][one["metric"]])
    assert config["num_fewshot"] == len(lines(made.folder / "shots.jsonl")) == 2
    bare = export(held, tmp_path / "3", "lm-eval")
    assert not (bare.folder / "shots.jsonl").exists() and "--tasks task_3 " in bare.command


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task", TASKS)
def test_the_programs_were_asked_with_what_is_written_today(task: Task, form: Form, tmp_path: Path):
    """Whoever changes what is exported lets the programs load it again (benchmarks/evaluation_exports.py)."""
    held, _, shots = case(task)
    assert digest(export(held, tmp_path / f"{task}_{form}", form, shots).folder) == ORACLE[task][form]["files"]


@pytest.mark.parametrize("form", FORMS)
def test_texts_are_for_their_owner_alone(form: Form, tmp_path: Path):
    held, _, shots = case("text")
    made = export(held, tmp_path / "new" / "out", form, shots)
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in below(made.folder)} == {0o600}
    for wanted in held.wanted:
        assert wanted not in made.said
    with pytest.raises(OutputError, match="exists already; name a new folder"):
        export(held, made.folder, form)
    file = made.folder / "task.py"
    with pytest.raises(OutputError, match="exists already"):
        export(held, file, form)


@pytest.mark.parametrize("form", FORMS)
def test_the_command_can_be_pasted_wherever_the_folder_lies(form: Form, tmp_path: Path):
    held, _, _ = case("text")
    made = export(held, tmp_path / "My Tasks" / "9 Lives", form)
    words = shlex.split(made.command)
    assert str(made.folder) in words
    if form == "lm-eval":
        assert words[words.index("--tasks") + 1] == "task_9_lives"


@pytest.mark.parametrize("form", FORMS)
def test_what_cannot_be_carried_is_counted(form: Form, tmp_path: Path):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    questions = (
        Question(1, "t#1", (user("plain"),), "a"),
        Question(2, "t#2", (user("tools"),), "a", tools=[{"type": "function"}]),
        Question(3, "t#3", (user("called"), Message(role="assistant", tool_calls=[call])), "a"),
        Question(4, "t#4", (Message(role="user", parts=[{"type": "image_url"}]),), "a"),
    )
    made = export(HeldOut(questions, {}, "text"), tmp_path / "out", form)
    assert made == Exported(made.folder, 1, 0, {"tools": 2, "no-text": 1}, made.command)
    assert "2 left out: tools, 1 left out: no-text" in made.said
    with pytest.raises(InputError, match="none of the 3 questions"):
        export(HeldOut(questions[1:], {}, "text"), tmp_path / "none", form)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task", TASKS)
def test_the_programs_themselves_load_and_score_it(
    task: Task, form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip({"lm-eval": "lm_eval", "inspect": "inspect_ai"}[form])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    programs = module(Path(__file__).parents[2] / "benchmarks" / "evaluation_exports.py")
    held, given, shots = case(task)
    made = export(held, tmp_path / f"{task}_{form}", form, shots)
    score = programs.by_lm_eval if form == "lm-eval" else programs.by_inspect
    found = score(made.folder, list(given))
    os.chdir(tmp_path)
    assert found["scores"] == pytest.approx(ours(task), abs=1e-9)
    assert found["asked"] == ORACLE[task][form]["asked"]
