"""The held-out rows as a task of another program: EleutherAI's lm-evaluation-harness, or inspect of the UK's AISI.

A folder of its own with the rows (`questions.jsonl`), the code that scores (`task.py`: the very source of `scores.py`
and a few lines for the program), and for lm-eval the task's YAML, which is JSON with two tags: JSON is YAML, and no
YAML library is needed to write it. The measures are those of `ftdata eval`, so the same answers have the same scores.

Formats, as read in the programs' own source: lm-eval 0.4.13 (`lm_eval/config/task.py`, `tasks/_yaml_loader.py`),
inspect-ai 0.3.285 (`inspect_ai/dataset/_util.py`, `scorer/_scorer.py`); both MIT.
"""

from __future__ import annotations

import inspect
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ftdata import files
from ftdata.batch import dumps
from ftdata.conversation import Conversation, Message
from ftdata.errors import InputError, OutputError
from ftdata.evaluation import scores
from ftdata.evaluation.asking.prompts import INSTRUCT, most_tokens, prompt
from ftdata.evaluation.held_out import HeldOut, Question, Task

Form = Literal["lm-eval", "inspect"]

QUESTIONS, SHOTS, CODE, YAML = "questions.jsonl", "shots.jsonl", "task.py", "task.yaml"
"""The files of a folder; examples and YAML are lm-eval's."""

_MEASURES: dict[Task, dict[str, str]] = {
    "labels": {"exact_match": "exact"},
    "json": {"same_object": "same_value", "valid_json": "lambda answer, _: valid(answer)", "fields": "fields"},
    "text": {"rouge_l": "rouge_l", "f1": "f1", "exact_match": "exact"},
}
"""What the programs call the measures of each task, and what of `scores.py` gives them; the first decides."""


@dataclass(frozen=True)
class Exported:
    """What was written where; how many rows were left out, by the reason; and the command that runs it."""

    folder: Path
    rows: int
    shots: int
    left_out: dict[str, int]
    command: str

    @property
    def said(self) -> str:
        """All of it in one line."""
        left = "".join(f", {count:,} left out: {why}" for why, count in self.left_out.items())
        shown = f" and {self.shots:,} examples" if self.shots else ""
        return f"{self.rows:,} questions{shown} written to {self.folder}{left}; run: {self.command}"


def export(held: HeldOut, into: Path, form: Form, shots: Sequence[Conversation] = ()) -> Exported:
    """Write the questions with their right answers to a new folder, as a task of lm-eval or of inspect.

    The task is called as the folder, in letters, digits and `_`. `shots` are shown before each question. Questions with
    tools or with parts that are no text are left out: neither form can carry them. The files hold the texts of the
    rows, and are readable by their owner only.

    Raises:
        OutputError: the folder is there and is not empty, or cannot be written.
        InputError: no question is left.
    """
    if into.is_file() or (into.is_dir() and any(into.iterdir())):
        raise OutputError(f"{into}: exists already; name a new folder")
    name = re.sub(r"\W", "_", into.absolute().name, flags=re.ASCII)
    name = (name if name[:1].isalpha() else f"task_{name}").lower()
    fit, left = [], dict[str, int]()
    for question in held.questions:
        why = _unfit(question.messages, question.tools)
        if why is None:
            fit.append(question)
        else:
            left[why] = left.get(why, 0) + 1
    if not fit:
        raise InputError(f"{into}: none of the {len(held.questions):,} questions can be carried by a task of {form}")
    shown = [one for one in shots if _unfit(one.messages or (), one.tools) is None]
    files.make_folder(into.parent)
    files.private_folder(into)
    written = _lm_eval(held, fit, shown, name) if form == "lm-eval" else _inspect(held, fit, shown, name)
    for file, text in written:
        files.save(into / file, text)
    place = shlex.quote(str(into))
    command = f"lm_eval --tasks {name} --include_path {place} --apply_chat_template --fewshot_as_multiturn --model …"
    if form == "inspect":
        command = f"cd {place} && inspect eval {CODE} --model …"  # it takes no path that begins with a slash
    return Exported(into, len(fit), len(shown), left, command)


def _unfit(messages: Sequence[Message], tools: list[Any] | None) -> str | None:
    if tools or any(one.tool_calls or one.role in ("tool", "function") for one in messages):
        return "tools"
    return "no-text" if any(one.content is None for one in messages) else None


def _lines(values: Sequence[dict[str, Any]]) -> str:
    return "".join(dumps(value) + "\n" for value in values)


def _code(task: Task, more: str) -> str:
    """Give the source of the measures, a table of those of the task, and what the program calls."""
    named = ", ".join(f'"{name}": {function}' for name, function in _MEASURES[task].items())
    head = f"# Made by ftdata, which the measures are of: Apache-2.0.\n{inspect.getsource(scores)}"
    return f"{head}\n\nMEASURES = {{{named}}}\n{more}"


# --- lm-eval ----------------------------------------------------------------------------------------------------------

_LM_EVAL = '''

def data(**_):
    """Read the rows beside this file, for lm-eval."""
    from pathlib import Path

    from datasets import Dataset, DatasetDict

    splits = {}
    for split, name in (("test", "questions.jsonl"), ("shots", "shots.jsonl")):
        path = Path(__file__).with_name(name)
        if path.exists():
            lines = path.read_text(encoding="utf-8").split("\\n")
            splits[split] = Dataset.from_list([json.loads(line) for line in lines if line])
    return DatasetDict(splits)


def measured(doc, results):
    """Score the answer to a row, for lm-eval."""
    return {name: score(results[0], doc["wanted"]) for name, score in MEASURES.items()}
'''


def _lm_eval(
    held: HeldOut, fit: Sequence[Question], shots: Sequence[Conversation], name: str
) -> Iterator[tuple[str, str]]:
    """Give the files of a task of lm-eval.

    It knows a system text, examples, and one text that is asked: a question of several turns becomes one text with the
    speakers named, all others are asked word by word (`--apply_chat_template` makes messages of them again).
    """
    yield QUESTIONS, _lines([_asked(one.messages, one.wanted) | {"row": one.row, "id": one.id} for one in fit])
    if shots:
        rows = [_asked((one.messages or ())[:-1], (one.messages or ())[-1].content or "") for one in shots]
        yield SHOTS, _lines(rows)
    config = {
        "task": name,
        "custom_dataset": "!function task.data",
        "test_split": "test",
        "output_type": "generate_until",
        "description": "{{system}}",
        "doc_to_text": "question",
        "doc_to_target": "wanted",
        "target_delimiter": "\n",
        "fewshot_delimiter": "\n\n",
        "num_fewshot": len(shots),
        **({"fewshot_split": "shots", "fewshot_config": {"sampler": "first_n"}} if shots else {}),
        "generation_kwargs": {"until": [], "do_sample": False, "temperature": 0.0, "max_gen_toks": most_tokens(held)},
        "process_results": "!function task.measured",
        "metric_list": [
            {"metric": measure, "aggregation": "mean", "higher_is_better": True} for measure in _MEASURES[held.task]
        ],
        "metadata": {"version": 1.0},
    }
    yield YAML, re.sub(r'"(!function [\w.]+)"', r"\1", json.dumps(config, indent=1)) + "\n"
    yield CODE, _code(held.task, _LM_EVAL)


def _asked(messages: Sequence[Message], wanted: str) -> dict[str, Any]:
    lead = [one.content or "" for one in messages if one.role in INSTRUCT]
    turns = [one for one in messages if one.role not in INSTRUCT]
    text = "\n\n".join(
        one.content or "" if len(turns) == 1 else f"{(one.role or 'user').capitalize()}: {one.content}" for one in turns
    )
    return {"system": "\n".join(lead), "question": text, "wanted": wanted}


# --- inspect ----------------------------------------------------------------------------------------------------------

_INSPECT = '''

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Score, mean, scorer, stderr
from inspect_ai.solver import generate


def _scorer(name):
    @scorer(metrics=[mean(), stderr()], name=name)
    def measured():
        async def score(state, target):
            answer = state.output.completion
            return Score(value=MEASURES[name](answer, target.text), answer=answer)

        return score

    return measured()


@task(name="{name}")
def held_out():
    """Ask the held-out rows beside this file, and score the answers as ftdata does."""
    return Task(
        dataset=json_dataset(str(Path(__file__).with_name("questions.jsonl")), name="{name}"),
        solver=generate(),
        scorer=[_scorer(name) for name in MEASURES],
        config=GenerateConfig(temperature=0.0, max_tokens={most}),
    )
'''


def _inspect(
    held: HeldOut, fit: Sequence[Question], shots: Sequence[Conversation], name: str
) -> Iterator[tuple[str, str]]:
    """Give the files of a task of inspect: rows as its samples, messages as they are asked by `ftdata eval`."""
    rows = []
    for one in fit:
        asked = [
            {"role": _ROLES.get(m["role"], m["role"]), "content": m["content"]} for m in prompt(one, shots).messages
        ]
        rows.append({"id": one.row, "input": asked, "target": one.wanted, "metadata": {"id": one.id, **one.slices}})
    yield QUESTIONS, _lines(rows)
    more = _INSPECT.replace("{name}", name).replace("{most}", str(most_tokens(held)))
    yield CODE, _code(held.task, more)


_ROLES = {"developer": "system"}
