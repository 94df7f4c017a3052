"""The lora trainer around its process: hashes, one training, cancel, resume, logs. A script stands for TRL."""

from __future__ import annotations

import csv
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftdata import files, flow
from ftdata.errors import InputError, Interrupted, LockedError, OutputError, RecipeError
from ftdata.files import Record
from ftdata.handoff import launch
from ftdata.handoff.state import State
from ftdata.recipe import Recipe, table, trainer
from ftdata.stages import Event
from ftdata.trainers.lora import Lora
from ftdata.trainers.lora.job import Folder
from ftdata.trainers.lora.metrics import as_csv, curve, seconds_per_step
from ftdata.trainers.lora.metrics import table as by_step

SECRET = "the cat of Ana Souza sleeps"
MACHINE = {
    "python": "3.11.7",
    "versions": dict.fromkeys(("torch", "transformers", "trl", "peft", "accelerate", "datasets"), "1.0"),
    "cuda": None,
    "cards": [],
    "bf16": True,
    "threads": 2,
    "apple": False,
}
PROBE = {
    "kind": "completion",
    "template": "marked",
    "splits": {
        "train": {
            "rows": 32,
            "lengths": {"p50": 8, "p99": 9, "max": 9},
            "counts": {"tokens": 256, "trained": 96, "end-stop": 32},
            "named": {},
            "errors": {},
        }
    },
}
# Stands for the Python of a trainer environment: it answers the two scripts from files, and "trains" as a file says.
STUB = f"""\
#!{sys.executable} -SE
import json, os, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
words = [one for one in sys.argv[1:] if one != "-I"]
def told(name):
    with open(os.path.join(here, name)) as stream:
        return stream.read()
if words[0].endswith("environment.py"):
    print(told("machine.json"))
elif words[0].endswith("probe.py"):
    print(told("probe.json"))
else:
    assert words[:3] == ["-m", "trl.cli.main", "sft"], words
    with open(os.path.join(here, "started"), "a") as stream:
        stream.write(json.dumps([words, dict(os.environ), os.getcwd()]) + "\\n")
    exec(told("train.py"))
"""
TRAIN = """\
first = 0
if "--resume_from_checkpoint" in words:
    first = int(words[-1].rpartition("-")[2])
def checkpoint(step):
    place = f"adapter/checkpoint-{step}"
    os.makedirs(place)
    history = [{"step": n, "epoch": n / 4, "loss": 2.0 / n} for n in range(1, step + 1)]
    with open(place + "/trainer_state.json", "w") as stream:
        json.dump({"global_step": step, "log_history": history}, stream)
for step in range(first + 1, 9):
    print({"loss": str(2.0 / step), "epoch": str(step / 4), "num_tokens": str(64.0 * step)}, flush=True)
    if step % 3 == 0 or step == 8:
        checkpoint(step)
    time.sleep(PAUSE)
with open("adapter/adapter_config.json", "w") as stream:
    stream.write("{}")
with open("adapter/adapter_model.safetensors", "w") as stream:
    stream.write("w" * 10)
"""


class Case:
    """A run's files, a model folder, a stub, and the job's state."""

    def __init__(self, folder: Path, pause: float = 0.01, **settings: Any) -> None:
        self.folder = folder
        (folder / "out").mkdir()
        self.stub = folder / "python"
        self.stub.write_text(STUB)
        self.stub.chmod(0o755)
        self.put(MACHINE, PROBE, TRAIN.replace("PAUSE", str(pause)))
        self.model = folder / "model"
        self.model.mkdir()
        (self.model / "config.json").write_text("{}")
        (self.model / "README.md").write_text("---\nlicense: mit\n---\n")
        row = {"prompt": [{"role": "user", "content": SECRET}], "completion": [{"role": "assistant", "content": "yes"}]}
        self.files = {"train": folder / "out" / "train.jsonl"}
        self.files["train"].write_text((json.dumps(row) + "\n") * 32)
        self.trainer = Lora(model=str(self.model), python=str(self.stub), epochs=2, **settings)
        self.state = State.latest(Record(folder / "out", "job"), "local")
        self.events: list[Event] = []
        self.state.watch = self.events.append
        self.place = folder / "out" / "lora" / "job"

    def put(self, machine: Any = None, probe: Any = None, train: str | None = None) -> None:
        for name, value in (("machine.json", machine), ("probe.json", probe)):
            if value is not None:
                (self.folder / name).write_text(json.dumps(value))
        if train is not None:
            (self.folder / "train.py").write_text(train)

    def passed(self) -> Any:
        hashes = {split: files.sha256(path) for split, path in self.files.items()}
        if not self.state.begun:
            self.state.begin(table(self.trainer), hashes, {})
        return SimpleNamespace(handoff=SimpleNamespace(files=self.files), hashes=self.state.known["hashes"])

    def start(self) -> Any:
        return self.trainer.start(self.passed(), self.state)

    def elsewhere(self) -> State:
        """The same state, as another process has it."""
        return State.latest(Record(self.folder / "out", "job"), "local")

    @property
    def started(self) -> list[Any]:
        path = self.folder / "started"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def background(self) -> threading.Thread:
        thread = threading.Thread(target=self.start)
        self.passed()
        thread.start()
        self.until(lambda: any(event.numbers.get("epoch") for event in self.events))
        return thread

    def until(self, holds: Any) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, "nothing happened"
            time.sleep(0.01)


def gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture
def slow(tmp_path: Path) -> Case:
    return Case(tmp_path, pause=0.4)


# --- before -----------------------------------------------------------------------------------------------------------


def test_an_order_shows_config_and_command_and_starts_nothing(case: Case) -> None:
    order = case.trainer.order(case.files, case.state)
    (name, config), (_, command) = order.texts
    assert name == str(case.place / "sft.yaml") and not order.problems
    assert "completion_only_loss: true" in config and "gradient_checkpointing: false" in config
    assert 'report_to: "none"' in config and "use_cpu: true" in config and "bf16: true" in config
    assert command == f"cd {case.place} && {case.stub} -m trl.cli.main sft --config sft.yaml"
    assert "licence of the base: mit" in order.notes and order.estimate is None
    assert not case.place.exists() and not case.started
    assert not list((case.folder / "out").glob(".ftdata/job/jobs/.probe*"))


def test_the_config_that_is_shown_is_the_one_that_is_used(case: Case) -> None:
    shown = dict(case.trainer.order(case.files, case.state).texts)[str(case.place / "sft.yaml")]
    case.start()
    assert (case.place / "sft.yaml").read_text() == shown


def test_a_config_is_yaml_and_typed(case: Case) -> None:
    yaml = pytest.importorskip("yaml")
    read = yaml.safe_load(case.trainer.config({"train": 32, "validation": 4}, MACHINE, "messages"))
    assert read["assistant_only_loss"] is True and read["dataset_test_split"] == "validation"
    assert read["lora_alpha"] == 32 and read["learning_rate"] == 0.0002 and read["packing"] is False
    some = replace_with(case.trainer, target_modules="q_proj, v_proj").config({"train": 32}, MACHINE, "completion")
    assert yaml.safe_load(some)["lora_target_modules"] == ["q_proj", "v_proj"]
    dpo = yaml.safe_load(replace_with(case.trainer, method="dpo").config({"train": 32}, MACHINE, "preference"))
    assert dpo["beta"] == 0.1 and float(dpo["learning_rate"]) == 0.000005 and "packing" not in dpo
    card = {"name": "H", "mebibytes": 1000, "capability": 9.0}
    cuda = yaml.safe_load(
        replace_with(case.trainer, quantize="4bit").config(
            {"train": 32}, {**MACHINE, "cuda": "13.0", "cards": [card]}, "completion"
        )
    )
    assert cuda["load_in_4bit"] is True and cuda["dtype"] == "bfloat16" and "use_cpu" not in cuda


def replace_with(made: Lora, **fields: Any) -> Lora:
    return Lora(**{**made.model_dump(exclude_none=True), **fields})


def counted(**counts: int) -> dict[str, Any]:
    part = PROBE["splits"]["train"]  # type: ignore[index]
    given = {name.replace("_", "-"): count for name, count in counts.items()}
    named = {name: [3, 9] for name in given}
    errors = {"TemplateError": counts["refused"]} if "refused" in counts else {}
    changed = {**part, "counts": {**part["counts"], **given}, "named": named, "errors": errors}
    return {**PROBE, "splits": {"train": changed}}


@pytest.mark.parametrize(
    ("probe", "says"),
    [
        (counted(zero=2), "train: 2 rows with nothing to learn within max_length = 2048 (rows 3, 9; the longest"),
        (counted(refused=7), "train: the chat template refuses 7 rows (rows 3, 9, …; TemplateError)"),
        (counted(weighted=2), "with an answer of weight 0 (rows 3, 9), which TRL would learn all the same"),
        (counted(other=2), "train: 2 rows in another form than the first"),
        (counted(end_stop=0, end_text=32), "the token that ends an answer is not learnt in any row"),
        ({**PROBE, "template": "unmarked", "splits": {}}, "does not mark what the assistant says ({% generation %})"),
        ({**PROBE, "template": "none", "splits": {}}, "the model has no chat template"),
        (
            {**PROBE, "kind": "preference"},
            "method: sft: does not learn from rows of a prompt with a better",
        ),
        ({**PROBE, "kind": "unknown", "splits": {}}, "in none of TRL's forms"),
        (
            {"failed": {"doing": "load", "error": "DatasetGenerationError"}},
            "datasets cannot read the files as one table",
        ),
    ],
)
def test_what_would_not_be_learnt_is_a_problem(case: Case, probe: dict[str, Any], says: str) -> None:
    case.put(probe=probe)
    problems = case.trainer.order(case.files, case.state).problems
    assert len(problems) == 1 and says in problems[0]


def test_long_rows_are_told(case: Case) -> None:
    case.put(probe=counted(long=2, cut=1))
    order = case.trainer.order(case.files, case.state)
    assert not order.problems
    assert any("2 rows longer than max_length = 2048 (rows 3, 9); 1 of them lose" in note for note in order.notes)


def test_the_environment_and_the_model_are_looked_at(case: Case) -> None:
    def problems(**fields: Any) -> str:
        return "\n".join(replace_with(case.trainer, **fields).order(case.files, case.state).problems)

    assert "wants a graphics card" in problems(quantize="4bit")
    assert "no graphics card that torch there can use" in problems(device="cuda")
    assert "wandb: is not installed" in problems(report_to="wandb")
    assert "is no Python that can be run" in problems(python="/nowhere/python")
    assert "does not answer as a Python does" in problems(python="/bin/false")
    assert "no such model on this machine; nothing is fetched" in problems(model="acme/none-of-it")
    assert "no such file" in problems(chat_template="nowhere.jinja")
    (case.model / "README.md").unlink()
    assert "state no licence; note it with --set base_licence=NAME" in problems()
    assert problems(base_licence="mit") == ""
    (case.model / "config.json").rename(case.model / "model.gguf")
    assert "GGUF only" in problems()
    case.put(machine={**MACHINE, "versions": {**MACHINE["versions"], "trl": None}})  # type: ignore[dict-item]
    assert "lacks trl; pip install 'ftdata[lora]' there (torch first" in problems()


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(RecipeError, match="rank"):
        trainer({"use": "lora", "model": "m", "rank": 0})
    with pytest.raises(RecipeError, match="modle"):
        trainer({"use": "lora", "modle": "m"})


# --- the process ------------------------------------------------------------------------------------------------------


def test_a_training_is_done_once_and_leaves_its_numbers(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    job = case.start()
    assert job.status == "succeeded" and job.id == "lora/job"
    assert job.model == f"local:{case.model}+{case.place / 'adapter'}"
    told = [event.message for event in case.events]
    assert told[0] == "the trainer was started" and told[-1] == "the trainer ended" and len(told) == 10
    assert told[1] == "epoch 0.25 of 2: loss 2"
    assert case.start() == job == case.trainer.look(case.elsewhere()) and len(case.started) == 1
    _, environment, where = case.started[0]
    assert where == str(case.place)
    assert {"HF_HUB_OFFLINE", "HF_HOME", "OMP_NUM_THREADS"} <= set(environment)
    assert not {"OPENAI_API_KEY", "PYTHONPATH"} & set(environment)

    result = case.trainer.result(case.state, case.folder / "got")
    rows = list(csv.DictReader(result.files["metrics"].read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == [2.0 / step for step in range(1, 9)]
    assert set(result.files) == {"metrics", "plot", "card", "adapter", "checkpoint 3", "checkpoint 6", "checkpoint 8"}
    assert case.state.facts["numbers"]["steps"] == 8
    assert "`ftdata eval`" in result.files["card"].read_text()


CACHING = """\
for name in ("HF_HOME", "HF_DATASETS_CACHE", "TENSORBOARD_LOGGING_DIR", "TRACKIO_DIR"):
    os.makedirs(os.environ[name], exist_ok=True)
    open(os.path.join(os.environ[name], "left"), "w").close()
"""


def test_a_run_that_is_named_from_here_touches_its_own_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by relative paths, in a folder other than the recipe's; trained, measured, and told of."""
    (tmp_path / "stub").mkdir()
    case = Case(tmp_path / "stub")
    case.put(train=CACHING + TRAIN.replace("PAUSE", "0"))
    (tmp_path / "desk").mkdir()
    row = {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]}
    (tmp_path / "desk" / "in.jsonl").write_text((json.dumps(row) + "\n") * 12)
    (tmp_path / "desk" / "story.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/train.jsonl"\n'
        '[provenance]\nsource = "made up"\nlawful_basis = "no people in it"\ndestinations = ["local"]\n'
        '[train]\nuse = "lora"\nmodel = "../stub/model"\npython = "../stub/python"\n'
    )
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    flow.run(Recipe.load("../desk/story.toml"))

    def lie() -> set[str]:
        return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.parent.name != "stub"}

    before = lie() | {"desk/out/.ftdata/story/jobs"}
    ready = launch.prepare("../desk/story.toml")
    assert ready.order == launch.prepare("../desk/story.toml").order and lie() == before, "only looked"
    made = ready.trainer
    assert isinstance(made, Lora)
    made.measure(ready.handoff.files, ready.state)
    assert lie() == before
    assert launch.start(ready, {"leaks": "of a test"}).status == "succeeded"
    new = {path for path in lie() - before if not path.startswith(("desk/out/lora", "desk/out/.ftdata/story/jobs"))}
    assert new == set()
    folder = tmp_path / "desk" / "out" / "lora" / "story"
    assert {"tensorboard", "trackio", "adapter"} < {path.name for path in folder.iterdir()}
    assert not (folder / "cache").exists(), "caches of Hugging Face are removed"
    for _, environment, where in case.started:
        places = [environment[name] for name in ("HF_HOME", "TENSORBOARD_LOGGING_DIR", "TRACKIO_DIR")]
        assert all(str(Path(place).parent) == where for place in places), "also while it measures"


def test_a_name_is_no_folder_that_happens_to_lie_here(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer works in another folder: what it would not find there must not be found here."""
    monkeypatch.chdir(case.folder)
    monkeypatch.setenv("HF_HUB_CACHE", str(case.folder / "hub"))
    problems = replace_with(case.trainer, model="model").order(case.files, case.state).problems
    assert len(problems) == 1 and "model: no such model on this machine" in problems[0]
    command = dict(replace_with(case.trainer, python="./python").order(case.files, case.state).texts)["command"]
    assert f"&& {case.stub} -m trl" in command


def test_who_read_the_state_before_the_training_tells_its_end(case: Case) -> None:
    case.passed()
    case.state.keep(folder="lora/job", status="starting")
    early = case.elsewhere()
    case.start()
    assert case.trainer.look(early).status == "succeeded"
    assert case.elsewhere().facts["rows"] == {"train": 32}, "what the trainer kept stays"


def test_a_folder_of_another_job_is_not_gone_on_with(case: Case) -> None:
    case.start()
    other = State(case.state.record, "local", 2)
    made = replace_with(case.trainer, folder=str(case.place))
    other.begin(table(made), {split: files.sha256(path) for split, path in case.files.items()}, {})
    given: Any = SimpleNamespace(handoff=SimpleNamespace(files=case.files), hashes=other.known["hashes"])
    with pytest.raises(OutputError, match="is the folder of another job; name another"):
        made.start(given, other)
    assert len(case.started) == 1


def test_a_job_that_was_cancelled_before_it_began_does_not_begin(case: Case) -> None:
    passed = case.passed()
    case.trainer.place(case.state).claim(case.state.tag)
    assert case.trainer.cancel(case.elsewhere()).status == "cancelled"
    assert case.trainer.start(passed, case.state).status == "cancelled" and not case.started


def test_a_start_that_broke_off_before_the_first_attempt_goes_on(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "run", lambda *_: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            case.start()
    assert case.trainer.look(case.elsewhere()).status == "paused"
    assert case.start().status == "succeeded" and len(case.started) == 1


def test_who_looks_whether_it_runs_does_not_stop_who_starts(case: Case) -> None:
    case.passed()
    folder = case.trainer.place(case.state)
    folder.claim(case.state.tag)
    with folder.held():
        assert folder.busy
    held = threading.Event()

    def look() -> None:
        with folder.held():
            held.set()
            time.sleep(0.03)

    thread = threading.Thread(target=look)
    thread.start()
    assert held.wait(5)
    with folder.held():
        thread.join()


def test_a_number_of_a_process_that_ended_is_nobody_s(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who prepares the next attempt holds the folder; the number of the one before may be a stranger's by now."""
    monkeypatch.setattr("ftdata.trainers.lora.job._GRACE", 0.3)
    case.start()
    folder = case.trainer.place(case.state)
    events = case.place / "events-1.jsonl"
    with subprocess.Popen(["sleep", "30"], start_new_session=True) as stranger:
        try:
            lines = [json.loads(line) for line in events.read_text().splitlines()]
            told = [{**line, "pid": stranger.pid} if line["what"] == "began" else line for line in lines]
            events.write_text("".join(json.dumps(line) + "\n" for line in told))
            with folder.held():
                folder.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_what_a_killed_look_or_dry_run_left_is_removed(case: Case) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = [case.state.folder / f".{what}-{dead.pid}" for what in ("probe", "measure")]
    for path in left:
        path.mkdir(parents=True)
        (path / "rows.arrow").write_text(SECRET)
    mine = case.state.folder / f".probe-{os.getppid()}"
    mine.mkdir()
    case.trainer.order(case.files, case.state)
    case.trainer.measure(case.files, case.state)
    assert list(case.state.folder.iterdir()) == [mine], "that of a process that lives stays"


def test_a_loss_that_is_no_number_is_told(case: Case) -> None:
    case.put(train=TRAIN.replace("PAUSE", "0").replace('"loss": 2.0 / n', '"loss": float("nan") if n > 4 else 2.0 / n'))
    assert case.start().status == "succeeded"
    rows = list(csv.DictReader((case.place / "metrics.csv").read_text().splitlines()))
    assert [row["loss"] for row in rows][3:5] == ["0.5", "nan"]


def test_rows_that_a_library_prints_are_not_kept(case: Case) -> None:
    printed = (
        f"print({{'messages': {SECRET!r}, 'weight': 1}})\nprint({{'version': '1.2.3', 'asked': {SECRET!r}}})\n"
        "print({'age': 41})\n"
        f"print('ImportError: ' + {SECRET!r})\n"
        "print('  File \"/home/ana/souza.py\", line 3, in pay')\n"
    )
    case.put(train=printed + TRAIN.replace("PAUSE", "0"))
    assert case.start().status == "succeeded"
    log = (case.place / "log-1.txt").read_text()
    assert SECRET not in log and "souza" not in log and "weight" not in log and "age" not in log
    assert "'loss': '2.0'" in log
    assert not [event for event in case.events if {"weight", "age", "version"} & event.numbers.keys()]


def test_files_that_changed_after_the_gate_are_refused(case: Case) -> None:
    passed = case.passed()
    with case.files["train"].open("a") as stream:
        stream.write("\n")
    with pytest.raises(OutputError, match="changed after it was judged"):
        case.trainer.start(passed, case.state)
    assert not case.started and not (case.place / "data").exists()


def test_files_that_changed_before_it_goes_on_are_refused(slow: Case) -> None:
    thread = slow.background()
    slow.trainer.cancel(slow.elsewhere())
    thread.join()
    (slow.place / "cancelled").unlink()
    state = slow.elsewhere()
    state.keep(status="paused")
    copy = slow.place / "data" / "train.jsonl"
    copy.write_text(copy.read_text() + "\n")
    with pytest.raises(OutputError, match="is not what was judged"):
        slow.trainer.resume(state)
    assert len(slow.started) == 1


def test_a_folder_of_something_else_is_left_alone(case: Case) -> None:
    case.place.mkdir(parents=True)
    (case.place / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not of this job"):
        case.start()
    assert (case.place / "thesis.txt").read_text() == "mine" and not case.started


def test_a_training_that_runs_is_not_started_again(slow: Case) -> None:
    thread = slow.background()
    other = slow.elsewhere()
    assert slow.trainer.look(other).status == "running"
    assert "of 2" in slow.trainer.look(other).detail
    job = slow.trainer.start(slow.passed(), other)  # waits for the one that runs
    thread.join()
    assert job.status == "succeeded" and len(slow.started) == 1


def test_cancel_ends_it_and_all_that_belongs_to_it(slow: Case) -> None:
    slow.put(train="import subprocess\nsubprocess.Popen(['sleep', '60'])\n" + TRAIN.replace("PAUSE", "0.4"))
    thread = slow.background()
    group = next(int(event.numbers["pid"]) for event in slow.events if "pid" in event.numbers)
    assert slow.trainer.cancel(slow.elsewhere()).status == "cancelled"
    thread.join()
    slow.until(lambda: gone(group))
    state = slow.elsewhere()
    assert slow.trainer.look(state).status == "cancelled" == slow.trainer.cancel(state).status
    with pytest.raises(InputError, match="was cancelled"):
        slow.trainer.resume(state)
    with pytest.raises(InputError, match="there is no result yet"):
        slow.trainer.result(state, slow.folder / "got")


def test_a_killed_training_goes_on_from_its_last_whole_checkpoint(slow: Case) -> None:
    def kill(event: Event) -> None:
        if event.numbers.get("epoch") == 1.0:
            os.killpg(int(slow.events[0].numbers["pid"]), signal.SIGKILL)
        slow.events.append(event)

    slow.state.watch = kill
    job = slow.start()
    assert job.status == "paused" and "last checkpoint at step 3" in job.detail
    torn = slow.place / "adapter" / "checkpoint-4"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_step": 4, "log_hi')
    slow.put(train=TRAIN.replace("PAUSE", "0"))
    slow.state.watch = None
    assert slow.start().status == "succeeded", "the next start goes on"
    assert slow.started[1][0][-2:] == ["--resume_from_checkpoint", "adapter/checkpoint-3"]
    assert slow.state.facts["numbers"]["steps"] == 8
    assert len([event for event in slow.trainer.events(slow.state) if event.message.startswith("epoch")]) == 4 + 5


def test_ctrl_c_stops_the_trainer_and_leaves_what_can_go_on(slow: Case) -> None:
    def press(event: Event) -> None:
        if event.numbers.get("epoch") == 1.0:
            raise KeyboardInterrupt
        slow.events.append(event)

    slow.state.watch = press
    with pytest.raises(Interrupted) as caught:
        slow.start()
    assert caught.value.exit_code == 130
    slow.until(lambda: gone(int(slow.events[0].numbers["pid"])))
    assert slow.trainer.look(slow.elsewhere()).status == "paused"


def test_a_training_whose_ftdata_was_killed_is_found_again(slow: Case) -> None:
    slow.passed()
    code = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from types import SimpleNamespace
        from ftdata.files import Record
        from ftdata.handoff.state import State
        from ftdata.recipe import trainer
        state = State.latest(Record(Path({str(slow.folder / "out")!r}), "job"), "local")
        state.watch = lambda event: print(event.message, flush=True)
        files = {{"train": Path({str(slow.files["train"])!r})}}
        given = SimpleNamespace(handoff=SimpleNamespace(files=files), hashes=state.known["hashes"])
        trainer(state.trainer).start(given, state)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    next(line for line in child.stdout if line.startswith("epoch"))
    child.kill()
    child.wait()
    child.stdout.close()
    state = slow.elsewhere()
    assert slow.trainer.look(state).status == "running"
    slow.until(lambda: slow.trainer.look(state).status != "running")
    assert slow.trainer.look(state).status == "succeeded" and len(slow.started) == 1


def test_a_failure_names_its_class_and_no_row(case: Case) -> None:
    case.put(train=f"print('about', {SECRET!r})\nraise ValueError({SECRET!r})\n")
    job = case.start()
    assert job.status == "failed" and "exit 1, ValueError" in job.detail and "log-1.txt" in job.detail
    log = (case.place / "log-1.txt").read_text()
    assert "ValueError\n" in log and "File" in log and "lines are not kept" in log
    kept = [path for path in case.place.rglob("*") if path.is_file() and path.parent.name != "data"]
    kept.append(case.state.path)
    assert not [path for path in kept if SECRET in path.read_text()]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)
    case.put(train="raise ImportError('no libfoo')\n")
    assert case.trainer.resume(case.state).status == "failed"
    assert "ImportError: no libfoo" in (case.place / "log-2.txt").read_text()
    case.put(train=TRAIN.replace("PAUSE", "0"))
    assert case.trainer.resume(case.state).status == "succeeded"


def test_a_whole_log_is_kept_on_request(tmp_path: Path) -> None:
    case = Case(tmp_path, whole_log=True)
    case.put(train=f"print({SECRET!r})\n" + TRAIN.replace("PAUSE", "0"))
    assert case.start().status == "succeeded"
    assert SECRET in (case.place / "log-1.txt").read_text()


def test_a_dry_run_measures_and_leaves_nothing(case: Case) -> None:
    case.put(train=TRAIN.replace("PAUSE", "0.05"))
    found = case.trainer.measure(case.files, case.state)
    assert found.rows == 32 and found.steps == 8
    assert 0.04 < found.seconds_per_step < 0.5 and found.peak > 1e6
    assert found.tokens_per_second is not None and 64 / 0.5 < found.tokens_per_second < 64 / 0.04
    assert found.seconds == pytest.approx(found.loading + 8 * found.seconds_per_step)
    assert not case.place.exists() and not list(case.state.folder.iterdir())
    assert "measure.yaml" in case.started[0][0]


def test_only_one_holds_the_folder(slow: Case) -> None:
    thread = slow.background()
    with pytest.raises(LockedError), slow.trainer.place(slow.state).held():
        pass
    slow.trainer.cancel(slow.elsewhere())
    thread.join()


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_the_table_joins_training_and_evaluation_by_step() -> None:
    rows = by_step(
        [
            {"step": 2, "epoch": 0.5, "loss": 1.5, "grad_norm": 1.0},
            {"step": 4, "epoch": 1.0, "loss": 1.0},
            {"step": 4, "epoch": 1.0, "eval_loss": 1.25, "eval_runtime": 3.0},
            {"step": 4, "train_runtime": 9.0},
        ]
    )
    told = list(csv.DictReader(as_csv(rows).splitlines()))
    assert [row["loss"] for row in told] == ["1.5", "1"] and [row["eval_loss"] for row in told] == ["", "1.25"]
    drawn = curve(rows)
    assert drawn is not None and drawn.count("<polyline") == 2 and drawn.count("<circle") == 1
    assert curve(by_step([{"step": 1, "loss": float("nan")}])) is None is curve([])


def test_seconds_per_step_leave_the_first_out() -> None:
    at = [f"2026-01-01T00:00:{second:02d}.000+00:00" for second in (0, 30, 34, 38)]
    events = [
        {"at": at[0], "what": "began"},
        *({"at": one, "what": "numbers", "numbers": {"loss": 1.0}} for one in at[1:]),
    ]
    assert seconds_per_step(events, 2) == 2.0
    assert seconds_per_step(events[:2], 2) is None
