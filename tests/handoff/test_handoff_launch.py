"""`ftdata train` with a trainer of a plugin: what is shown, what the gate refuses, one job per run, and its state."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

import ftdata
from ftdata import flow, hooks, runs
from ftdata.errors import InputError, LockedError, RecipeError, RefusedError, VendorError
from ftdata.handoff import launch
from ftdata.handoff.gate import Passed
from ftdata.handoff.state import State
from ftdata.recipe import Recipe
from ftdata.stages import Event, Job, Order, Result
from ftdata.testing import check_trainer

VENDOR: dict[str, list[dict[str, Any]]] = {"jobs": []}


class Acme(ftdata.Trainer):
    """Hand the files to Acme."""

    name: ClassVar[str] = "acme"
    takes: ClassVar[tuple[str, ...]] = ("trl-completion", "openai-chat")
    places: ClassVar[tuple[str, ...]] = ("notes",)
    names: ClassVar[tuple[str, ...]] = ("model",)

    model: str = Field(description="model to tune")
    fail: str = Field("", description="where to fail: before or after the job is made")
    near: bool = Field(False, description="whether nothing leaves")
    notes: Path | None = Field(None, description="file of notes")

    @property
    def destination(self) -> str:
        return "local" if self.near else "acme"

    @property
    def target(self) -> str:
        return "trl"

    def order(self, files: Mapping[str, Path], state: State) -> Order:
        problems = () if self.model != "none" else ("there is no model none",)
        body = json.dumps({"model": self.model, "files": sorted(files)})
        return Order((("POST /jobs", body),), None, ("a note",), problems)

    def start(self, given: Passed, state: State) -> Job:
        state.keep(asked=True)
        if self.fail == "before":
            raise VendorError("acme: cannot be reached; go on with ftdata train resume")
        mine = [job for job in VENDOR["jobs"] if job["tag"] == state.tag]
        if not mine:
            sent = {split: path.read_bytes() for split, path in given.handoff.files.items()}
            VENDOR["jobs"].append({"tag": state.tag, "sent": sent, "status": "running"})
        state.keep(id=f"job-{len(VENDOR['jobs'])}" if not mine else state.facts.get("id", "job-found"))
        state.tell(Event("2026-11-22T00:00:00+00:00", "info", "begun", {"loss": 1.5}))
        return Job(self.name, state.facts["id"], "running")

    def look(self, state: State) -> Job:
        mine = [job for job in VENDOR["jobs"] if job["tag"] == state.tag]
        return Job(self.name, str(state.facts.get("id", "")), mine[0]["status"] if mine else "starting")

    def events(self, state: State) -> Iterator[Event]:
        yield Event("2026-11-22T00:00:00+00:00", "info", "begun \x1b[31m", {"loss": 1.5})

    def cancel(self, state: State) -> Job:
        VENDOR["jobs"][0]["status"] = "cancelled"
        return self.look(state)

    def resume(self, state: State) -> Job:
        return self.look(state)

    def result(self, state: State, into: Path) -> Result:
        return Result(self.look(state), "acme:base", "acme:tuned")


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer the trainer as a plugin would; the vendor begins empty."""
    VENDOR["jobs"].clear()
    real = hooks.find

    def find(kinds: Any, name: str) -> hooks.Entry:
        return hooks.Entry(Acme, "acme", "1.0") if name == "acme" else real(kinds, name)

    monkeypatch.setattr(hooks, "find", find)


def made(folder: Path, **train: Any) -> Path:
    """Run a small recipe with a table [train]; give its file."""
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu".split()
    rows = [
        {"messages": [{"role": "user", "content": f"{word}?"}, {"role": "assistant", "content": f"{word}, Qxzv."}]}
        for word in words
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {"use": "acme", "model": "small", **train}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (folder / "job.toml").write_text(
        '[provenance]\nsource = "made up"\nlawful_basis = "none needed"\ndestinations = ["acme", "local"]\n'
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n'
        '[[step]]\nuse = "split"\nvalidation = 0.25\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n'
        "[train]\n" + "\n".join(lines) + "\n"
    )
    flow.run(Recipe.load(folder / "job.toml"))
    return folder / "job.toml"


def begin(recipe: Path, **more: Any) -> Job:
    prepared = launch.prepare(str(recipe), **more)
    return launch.start(prepared, send_to="acme")


def test_what_is_prepared_sends_nothing_and_leaves_no_trace(tmp_path: Path):
    recipe = made(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    prepared = launch.prepare(str(recipe))
    assert prepared.order.texts == (("POST /jobs", '{"model": "small", "files": ["train", "validation"]}'),)
    assert prepared.rows == {"train": 9, "validation": 3} and prepared.refusals == [] and prepared.leaves
    assert list(launch.told(prepared)) == ["9 train + 3 validation rows of job", "no cost"]
    assert VENDOR["jobs"] == [] and before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


def test_what_is_sent_is_what_the_manifest_says_and_the_manifest_tells_of_it(tmp_path: Path):
    recipe = made(tmp_path)
    job = begin(recipe)
    record = runs.find(str(recipe))
    written = {out.split: out.sha256 for out in runs.latest(record).outputs}
    [sent] = VENDOR["jobs"]
    assert {split: hashlib.sha256(data).hexdigest() for split, data in sent["sent"].items()} == written
    [noted] = runs.latest(record).handoffs
    assert (noted.trainer, noted.destination, noted.tag, noted.hashes) == ("acme", "acme", sent["tag"], written)
    assert runs.verify(record) == [] and job == Job("acme", "job-1", "running")
    state = (record.folder / "jobs/acme-1.json").read_text()
    assert "Qxzv" not in state and (record.folder / "jobs/acme-1.json").stat().st_mode & 0o777 == 0o600


def test_nothing_is_sent_without_agreement_or_past_a_condition(tmp_path: Path):
    recipe = made(tmp_path, model="none")
    prepared = launch.prepare(str(recipe))
    with pytest.raises(RefusedError, match=r"refused \(preflight\): there is no model none"):
        launch.start(prepared, send_to="acme")
    with pytest.raises(RefusedError, match="--yes-send-to acme"):
        launch.start(prepared, {"preflight": "tried on purpose"})
    with pytest.raises(RefusedError, match="--yes-send-to acme"):
        launch.start(prepared, {"preflight": "tried on purpose"}, send_to="openai")
    assert VENDOR["jobs"] == []
    launch.start(prepared, {"preflight": "tried on purpose"}, send_to="acme")
    [noted] = runs.latest(runs.find(str(recipe))).handoffs
    assert noted.accepted == {"preflight": "tried on purpose"} and noted.by and noted.at
    assert len(VENDOR["jobs"]) == 1


def test_a_job_on_this_machine_needs_no_agreement(tmp_path: Path):
    recipe = made(tmp_path, near=True)
    assert launch.start(launch.prepare(str(recipe))).status == "running"


def test_starting_twice_makes_one_job_and_another_needs_to_be_asked_for(tmp_path: Path):
    recipe = made(tmp_path)
    first = begin(recipe)
    assert begin(recipe).id == first.id and len(VENDOR["jobs"]) == 1
    with pytest.raises(RefusedError, match="other settings or bytes; --again starts another"):
        begin(recipe, settings={"model": "large"})
    assert len(VENDOR["jobs"]) == 1
    begin(recipe, settings={"model": "large"}, again=True)
    begin(recipe, again=True)
    assert len({job["tag"] for job in VENDOR["jobs"]}) == 3
    assert State.only(runs.find(str(recipe)), None).number == 3
    assert [part.number for part in runs.latest(runs.find(str(recipe))).handoffs] == [1, 2, 3]


def test_a_start_that_failed_goes_on_from_its_state(tmp_path: Path):
    recipe = made(tmp_path, fail="before")
    with pytest.raises(VendorError) as told:
        begin(recipe)
    assert told.value.exit_code == 8
    made_by, state = launch.found(str(recipe))
    assert isinstance(made_by, Acme) and state.facts == {"asked": True} and made_by.look(state).status == "starting"


def test_a_run_made_anew_is_another_job(tmp_path: Path):
    recipe = made(tmp_path)
    begin(recipe)
    text = (tmp_path / "in.jsonl").read_text()
    (tmp_path / "in.jsonl").write_text(text.replace("mu?", "nu?"))
    flow.run(Recipe.load(recipe))
    with pytest.raises(RefusedError, match="--again"):
        begin(recipe)


def test_settings_come_from_the_recipe_as_it_stands_and_from_the_command(tmp_path: Path):
    recipe = made(tmp_path)
    assert launch.prepare(str(recipe)).trainer == Acme(model="small")
    recipe.write_text(recipe.read_text().replace('"small"', '"middle"'))
    assert launch.prepare(str(recipe)).trainer == Acme(model="middle")
    assert launch.prepare(str(tmp_path / "out/train.jsonl")).trainer == Acme(model="small")
    assert launch.prepare(str(recipe), settings={"model": "large"}).trainer == Acme(model="large")
    with pytest.raises(RecipeError, match="modle: there is no such field; did you mean 'model'"):
        launch.prepare(str(recipe), settings={"modle": "large"})
    with pytest.raises(RecipeError, match="there is no trainer 'acmee'"):
        launch.prepare(str(recipe), "acmee")
    bare = recipe.with_name("bare.toml")
    bare.write_text(recipe.read_text().partition("[train]")[0].replace("out/", "bare/"))
    flow.run(Recipe.load(bare))
    with pytest.raises(RecipeError, match="names no trainer; add a table"):
        launch.prepare(str(bare))
    with pytest.raises(InputError, match="no job of this run is known"):
        launch.found(str(bare))


def test_paths_are_meant_from_where_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recipe = made(tmp_path, notes="a.txt")
    (tmp_path / "small").mkdir()
    away = tmp_path / "away"
    (away / "large").mkdir(parents=True)
    monkeypatch.chdir(away)
    for run in (recipe, tmp_path / "out/train.jsonl"):
        found = launch.prepare(str(run)).trainer
        assert found == Acme(model=str(tmp_path / "small"), notes=tmp_path / "a.txt")
    found = launch.prepare(str(recipe), settings={"model": "large", "notes": "b.txt"}).trainer
    assert found == Acme(model=str(away / "large"), notes=away / "b.txt")
    assert launch.prepare(str(recipe), settings={"model": "org/model"}).trainer.model == "org/model"


def test_a_run_that_wrote_nothing_the_trainer_takes_says_which_writer_to_add(tmp_path: Path):
    recipe = made(tmp_path)
    other = recipe.with_name("other.toml")
    other.write_text(
        recipe.read_text().replace('openai-chat"\npath = "out/{split}.jsonl', 'sharegpt"\npath = "o/{split}.jsonl')
    )
    flow.run(Recipe.load(other))
    with pytest.raises(InputError, match="add a writer trl-completion or openai-chat"):
        launch.prepare(str(other))


def test_two_at_once_on_one_job(tmp_path: Path):
    recipe = made(tmp_path)
    prepared = launch.prepare(str(recipe))
    with prepared.state.locked(), pytest.raises(LockedError):
        launch.start(prepared, send_to="acme")
    assert VENDOR["jobs"] == []


def test_a_state_that_is_none_of_ours_is_said(tmp_path: Path):
    recipe = made(tmp_path)
    begin(recipe)
    path = runs.find(str(recipe)).folder / "jobs/acme-1.json"
    path.write_text("[1")
    with pytest.raises(ftdata.FtdataError, match="is no state of a job"):
        launch.found(str(recipe))


PLUGIN = """
import sys
sys.path.insert(0, {here!r})
from test_handoff_launch import Acme
import ftdata

@ftdata.hookimpl
def ftdata_stages():
    return [Acme]
"""


def test_the_command_shows_refuses_and_asks_of_a_job(tmp_path: Path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "acme_module.py").write_text(PLUGIN.format(here=str(Path(__file__).parent)))
    info = site / "x_acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: x-acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ftdata]\nacme = acme_module\n")
    made(tmp_path)

    def ftdata_(*words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(site)}
        command = [sys.executable, "-m", "ftdata", "train", *words]
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, stdin=subprocess.DEVNULL)

    shown = ftdata_("job.toml", "--dry-run")
    assert shown.returncode == 0 and '{"model": "small", "files": ["train", "validation"]}' in shown.stdout
    assert "nothing was sent or started" in shown.stderr
    refused = ftdata_("--dry-run", "job.toml", "--set", "model=none", "--accept", "leaks=why not")
    assert refused.returncode == 6 and "would be refused (preflight): there is no model none" in refused.stderr
    silent = ftdata_("job.toml")
    assert silent.returncode == 6 and "nobody agreed" in silent.stderr
    begun = ftdata_("job.toml", "--yes-send-to", "acme")
    assert (begun.returncode, begun.stdout) == (0, "job-1  running\n") and "begun" in begun.stderr
    assert ftdata_("status", "job.toml", "--json").stdout.count('"id": "job-1"') == 1
    told = ftdata_("events", "job.toml")
    assert told.stdout == "2026-11-22T00:00:00+00:00  begun \\x1b[31m\n"
    for word in ("status", "events", "cancel", "resume"):
        wrong = ftdata_(word, "job.toml", "--at", "elsewhere")
        assert wrong.returncode == 3 and "was not given to elsewhere (it was given to: acme)" in wrong.stderr


def test_the_kit_takes_this_trainer_and_sees_what_one_does_wrong(monkeypatch: pytest.MonkeyPatch):
    check_trainer(Acme(model="small"))
    VENDOR["jobs"].clear()

    def twice(self: Acme, given: Passed, state: State) -> Job:
        VENDOR["jobs"].append({"tag": state.tag, "status": "running"})
        state.keep(id=f"job-{len(VENDOR['jobs'])}")
        return Job("acme", state.facts["id"], "running")

    def quoting(self: Acme, files: Mapping[str, Path], state: State) -> Order:
        return Order((("rows", files["train"].read_text()),))

    def keeping(self: Acme, files: Mapping[str, Path], state: State) -> Order:
        state.begin({}, {}, {})
        return Order((("rows", "none"),))

    for method, wrong, clause in (
        ("start", twice, "start: a second start makes another job"),
        ("order", quoting, "order: text of the rows stands in it"),
        ("order", keeping, "order: changes the state or a file"),
        ("cancel", Acme.look, "cancel: leaves the job running"),
        ("events", lambda self, state: iter([1]), "events: gave int"),
    ):
        with monkeypatch.context() as patch:
            VENDOR["jobs"].clear()
            patch.setattr(Acme, method, wrong)
            with pytest.raises(AssertionError, match=clause):
                check_trainer(Acme(model="small"))
