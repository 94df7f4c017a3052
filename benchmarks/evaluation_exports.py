"""Let lm-evaluation-harness and inspect load the tasks that ftdata exports, and score given answers, for
tests/evaluation/test_evaluation_exports.py to compare with:

    python benchmarks/evaluation_exports.py OTHER/bin/python > tests/evaluation/exports.json

OTHER is an environment with lm-eval 0.4.13 and inspect-ai 0.3.285 (without ftdata). Nothing needs a network.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/evaluation"))


def main(python: str) -> None:
    """Export each task in both forms, let the other environment score them, print what it says."""
    from export_cases import TASKS, case, digest  # it stands beside the tests

    from ftdata.evaluation.exports import export

    digests: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            held, given, shots = case(task)
            for form in ("lm-eval", "inspect"):
                made = export(held, Path(folder, f"{task}_{form}"), form, shots)  # type: ignore[arg-type]
                digests.setdefault(task, {})[form] = digest(made.folder)
            Path(folder, f"{task}.json").write_text(json.dumps(given))
        quiet = {"HF_HUB_OFFLINE": "1", "INSPECT_LOG_DIR": folder, "PATH": os.environ["PATH"], "HOME": folder}
        done = subprocess.run(
            [python, __file__, "--score", folder, *TASKS], env=quiet, cwd=folder, stdout=subprocess.PIPE, check=True
        )
    told = json.loads(done.stdout.decode().splitlines()[-1])
    for task, forms in digests.items():
        for form, digested in forms.items():
            told[task][form]["files"] = digested
    print(json.dumps(told))


def score(folder: str, tasks: list[str]) -> None:
    """Score the exported tasks by their own programs; runs in the other environment."""
    told: dict[str, Any] = {name: version(name) for name in ("lm-eval", "inspect-ai")}
    for task in tasks:
        given = json.loads(Path(folder, f"{task}.json").read_text())
        told[task] = {
            "lm-eval": by_lm_eval(Path(folder, f"{task}_lm-eval"), given),
            "inspect": by_inspect(Path(folder, f"{task}_inspect"), given),
        }
    print(json.dumps(told))


def by_lm_eval(folder: Path, given: list[str]) -> dict[str, Any]:
    """Load a task through lm-eval's own TaskManager, let a model that says what is given answer, give its results."""
    from lm_eval import simple_evaluate
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    class Given(LM):
        tokenizer_name = "none"
        asked: list[Any] = []

        def generate_until(self, requests: list[Any], **_: Any) -> list[str]:
            self.asked.extend(json.loads(one.args[0]) for one in requests)
            return list(given)

        def loglikelihood(self, requests: list[Any]) -> list[Any]:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

        def chat_template(self, chat_template: Any = False) -> str:
            return "json"

        def apply_chat_template(self, chat_history: list[Any], add_generation_prompt: bool = True) -> str:
            return json.dumps(chat_history)

    model, name = Given(), folder.name.replace("-", "_")
    found = simple_evaluate(
        model=model,
        tasks=[name],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=0,
        log_samples=False,
        apply_chat_template=True,
        fewshot_as_multiturn=True,
    )
    scores = {key.partition(",")[0]: value for key, value in found["results"][name].items() if key.endswith(",none")}
    return {"scores": {key: value for key, value in scores.items() if "stderr" not in key}, "asked": model.asked[:3]}


def by_inspect(folder: Path, given: list[str]) -> dict[str, Any]:
    """Run `inspect eval` on a task with its own mock model, which says what is given, and give its results."""
    from inspect_ai import eval as run
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    asked: list[Any] = []

    def said(messages: Any, *_: Any) -> ModelOutput:
        asked.append([{"role": one.role, "content": one.content} for one in messages])
        output = ModelOutput.from_content("mockllm/model", given[len(asked) - 1])
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # or it fetches a tokenizer
        return output

    model = get_model("mockllm/model", custom_outputs=said)
    os.chdir(folder)  # it globs below the folder in which it is started
    log = run("task.py", model=model, display="none", max_samples=1, log_dir=str(folder / "logs"))[0]
    if log.status != "success" or log.results is None:
        raise SystemExit(f"{folder}: inspect says {log.status}: {log.error}")
    return {"scores": {one.name: one.metrics["mean"].value for one in log.results.scores}, "asked": asked[:3]}


if __name__ == "__main__":
    score(sys.argv[2], sys.argv[3:]) if sys.argv[1] == "--score" else main(sys.argv[1])
