"""A tiny model learns a task through the whole chain: run, gate, TRL, killed on the way, resumed, asked.

Training happens in the environment whose Python stands in FTDATA_TRAINER_PYTHON, else in this one; where that has no
TRL, these tests are skipped.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tiny_model import ENDLESS, MARKED, PLAIN, question

from ftdata import flow
from ftdata.errors import RefusedError
from ftdata.files import Record
from ftdata.handoff import launch
from ftdata.handoff.state import State
from ftdata.recipe import Recipe
from ftdata.stages import Event
from ftdata.trainers.lora import Lora
from ftdata.trainers.lora.environment import NEEDED

PYTHON = os.environ.get("FTDATA_TRAINER_PYTHON", sys.executable)
HERE = Path(__file__).parent
TINY = [PYTHON, str(HERE / "tiny_model.py")]
OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
HELD_OUT = 40


def lacking() -> str:
    asked = f"import importlib.util as u; print(*[n for n in {NEEDED!r} if u.find_spec(n) is None])"
    return subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True, check=False).stdout.strip()


pytestmark = pytest.mark.skipif(bool(lacking()), reason=f"the trainer environment lacks {lacking()}")


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
        for asked, answer in map(question, range(first, first + count))
    ]


def run(folder: Path, given: list[dict[str, Any]], use: str = "trl-completion") -> Path:
    """Run a recipe over these rows; give the recipe."""
    folder.mkdir(parents=True)
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    recipe = folder / "story.toml"
    recipe.write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n'
        '[[step]]\nuse = "split"\nvalidation = 0.1\n'
        f'[[write]]\nuse = "{use}"\npath = "out/{{split}}.jsonl"\n'
        '[provenance]\nsource = "made up"\nlawful_basis = "no people in it"\ndestinations = ["local"]\n'
    )
    flow.run(Recipe.load(recipe))
    return recipe


SETTINGS: dict[str, Any] = {
    "python": PYTHON,
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 5e-3,
    "max_length": 64,
    "precision": "fp32",
    "threads": 1,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, which can repeat and nothing else."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    subprocess.run([*TINY, "make", str(folder)], env=OFFLINE, capture_output=True, check=True)
    return folder


class Killer:
    """Kills the trainer with all that belongs to it, the first time that it has passed the second epoch."""

    def __init__(self) -> None:
        self.group = 0
        self.killed_at = 0.0

    def __call__(self, event: Event) -> None:
        self.group = int(event.numbers.get("pid", self.group))
        if event.numbers.get("epoch", 0) >= 2 and not self.killed_at:
            self.killed_at = event.numbers["epoch"]
            os.killpg(self.group, signal.SIGKILL)


def test_a_tiny_model_learns_though_it_is_killed_on_the_way(base: Path, tmp_path: Path) -> None:
    recipe = run(tmp_path / "job", rows(440))
    settings = {**SETTINGS, "model": str(base), "merge": True}
    ready = launch.prepare(str(recipe), "lora", settings)
    assert not ready.order.problems and not ready.refusals
    count = ready.rows["train"]
    assert 385 <= count <= 400, "25 batches of 16"
    assert f"train: the token that ends an answer is learnt in {count} of {count} rows" in ready.order.notes
    killer = Killer()
    ready.state.watch = killer

    job = launch.start(ready)
    assert (job.status, killer.killed_at > 0) == ("paused", True), job.detail
    assert "last checkpoint at step" in job.detail

    made, state = launch.found(str(recipe), None)
    with state.locked():
        job = made.resume(state)
    assert job.status == "succeeded", job.detail
    folder = recipe.parent / "out" / "lora" / "story"
    second = [event for event in made.events(state) if event.message.startswith("epoch")]
    began = [number for number, event in enumerate(second) if event.numbers.get("epoch", 9) == killer.killed_at]
    assert began, "the events of the first attempt are kept"
    numbers = [json.loads(line) for line in (folder / "events-2.jsonl").read_text().splitlines()]
    assert min(line["numbers"]["epoch"] for line in numbers if "loss" in line.get("numbers", {})) > 1, (
        "from a checkpoint"
    )

    # As many steps as one training has: 25 batches, four times.
    assert state.facts["numbers"]["steps"] == 100
    result = made.result(state, tmp_path / "result")
    table = list(csv.DictReader(result.files["metrics"].read_text().splitlines()))
    assert [int(row["step"]) for row in table] == list(range(1, 101))
    assert int(table[24]["num_tokens"]) == 8 * count, "what TRL counts in an epoch is what the preflight counted"
    assert f"train: {count} rows, {8 * count:,} tokens (p50 8, p99 8, max 8), {3 * count:,} of them learnt" in (
        ready.order.notes
    )
    assert [row["step"] for row in table if row["eval_loss"]] == ["25", "50", "75", "100"]
    assert float(table[-1]["loss"]) < 0.2 < float(table[0]["loss"])
    assert ElementTree.parse(result.files["plot"]).getroot().tag.endswith("svg")

    # What it is for: questions that nobody trained on. The base repeats them.
    asked = [question(10_000 + number) for number in range(HELD_OUT)]
    questions = tmp_path / "questions.txt"
    questions.write_text("".join(f"{one}\n" for one, _ in asked))
    assert result.tuned == f"{result.base}+{result.files['adapter']}" and result.base == f"local:{base}"
    models = [str(base), f"{base}+{result.files['adapter']}", str(result.files["merged"])]
    outs = [tmp_path / f"answers-{number}.txt" for number in range(3)]
    words = [f"{model}={out}" for model, out in zip(models, outs, strict=True)]
    subprocess.run([*TINY, "ask", str(questions), *words], env=OFFLINE, capture_output=True, check=True)
    before, tuned, merged = (out.read_text().splitlines() for out in outs)
    right = [answer for _, answer in asked]
    assert sum(map(str.__eq__, before, right)) == 0
    assert before == [one for one, _ in asked], "the base knows its own task"
    assert sum(map(str.__eq__, tuned, right)) >= 0.9 * HELD_OUT
    assert merged == tuned

    # Nothing of a row but in the data; nothing of the machine in the card.
    texts = {row["messages"][0]["content"].encode() for row in rows(440)}
    kept = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "data"]
    kept += (recipe.parent / "out" / ".ftdata").rglob("*.json")
    for path in kept:
        held = path.read_bytes()
        assert not [text for text in texts if text in held], path
    card = result.files["card"].read_text()
    assert "licence: apache-2.0" in card and f"| train | {count} |" in card and str(tmp_path) not in card
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *folder.glob("*.*"), *(folder / "data").iterdir()])
    assert not (folder / "cache").exists()


# --- what is refused before anything is trained -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tokenizers without weights, which a look at the rows does not want."""
    made: dict[str, Path] = {}
    for name, template in (("marked", MARKED), ("plain", PLAIN), ("endless", ENDLESS), ("none", None)):
        made[name] = tmp_path_factory.mktemp("models") / name
        subprocess.run([*TINY, "tokenizer", str(made[name]), template or ""], env=OFFLINE, check=True)
    return made


def long(words: int) -> dict[str, Any]:
    asked = " ".join(question(7)[0].split()[:1] * words)
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "ticket"}]}


def test_a_template_without_marks_is_refused_and_nothing_is_trained(folders: dict[str, Path], tmp_path: Path) -> None:
    recipe = run(tmp_path / "job", rows(30), "openai-chat")
    ready = launch.prepare(str(recipe), "lora", {**SETTINGS, "model": str(folders["plain"])})
    assert len(ready.order.problems) == 1
    assert "does not mark what the assistant says" in ready.order.problems[0]
    assert 'trl-completion, turns = "expand"' in ready.order.problems[0]
    with pytest.raises(RefusedError, match="preflight"):
        launch.start(ready)
    assert not (recipe.parent / "out" / "lora").exists()
    # A template with marks, given beside the model, is the remedy that it names.
    template = tmp_path / "marked.txt"
    template.write_text(MARKED)
    settings = {**SETTINGS, "model": str(folders["plain"]), "chat_template": str(template)}
    again = launch.prepare(str(recipe), "lora", settings)
    assert not again.order.problems and not again.refusals
    count = again.rows["train"]
    counted = f"train: {count} rows, {8 * count} tokens (p50 8, p99 8, max 8), {3 * count} of them learnt"
    assert counted in again.order.notes


class Preflight:
    """What the order says of rows in a file, with a tokenizer."""

    def __init__(self, place: Path, model: Path, given: list[dict[str, Any]], **settings: Any) -> None:
        path = place / "train.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in given))
        made = Lora(**{**SETTINGS, "model": str(model), **settings})
        order = made.order({"train": path}, State.latest(Record(place, "job"), "local"))
        self.problems, self.notes = order.problems, "\n".join(order.notes)


def test_no_row_is_passed_over(folders: dict[str, Path], tmp_path: Path) -> None:
    """One whose answer is cut away, one that loses its end, one whose answer was not to be learnt."""
    given = [*rows(20), long(70), *rows(3), long(61)]
    given[3]["messages"][1]["weight"] = 0
    seen = Preflight(tmp_path, folders["marked"], given)
    # <user>, 70 words, <assistant>, and `ticket <end>` to learn are 74 tokens; behind 61 words the 64th is `ticket`.
    weight, zero = seen.problems
    assert "1 row with an answer of weight 0 (row 4)" in weight
    assert "1 row with nothing to learn within max_length = 64 (row 21; the longest has 74 tokens)" in zero
    assert "2 rows longer than max_length = 64 (rows 21, 25); 1 of them lose the end of the answer" in seen.notes
    assert f"25 rows, {23 * 8 + 2 * 64} tokens (p50 8, p99 74, max 74), {23 * 3 + 1} of them learnt" in seen.notes
    assert "the token that ends an answer is learnt in 23 of 23 rows" in seen.notes


def test_completions_need_no_marks_and_an_end_is_missed(folders: dict[str, Path], tmp_path: Path) -> None:
    talk = [{"prompt": row["messages"][:1], "completion": row["messages"][1:]} for row in rows(5)]
    seen = Preflight(tmp_path, folders["plain"], talk)
    assert not seen.problems and "40 tokens (p50 8, p99 8, max 8), 15 of them learnt" in seen.notes
    assert "would not know when to stop" in Preflight(tmp_path, folders["endless"], talk).problems[0]


def test_preferences_are_for_dpo(folders: dict[str, Path], tmp_path: Path) -> None:
    worse = [{"role": "assistant", "content": "bara"}]
    given = [{"prompt": row["messages"][:1], "chosen": row["messages"][1:], "rejected": worse} for row in rows(5)]
    seen = Preflight(tmp_path, folders["plain"], given, method="dpo")
    assert not seen.problems and "75 tokens (p50 8, p99 8, max 8), 25 of them learnt" in seen.notes
