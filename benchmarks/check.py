"""Check a training file: rows per second of `ftdata check` beside a pydantic model, Together's checker, the cookbook's.

Run: python benchmarks/check.py [--rows 100000] [--runs 5] [--together /path/to/python-with-together==1.5.35]

CPU time of the whole call on one file that is sound (Together's checker and the cookbook's loop stop at, or only count,
what is wrong), each program in turn, `--runs` times; median (least to most). Ours reads through `ftdata.source`, which
also settles the encoding; the others read lines. For pydantic a second file has one fault in a hundred rows, and the
faults that both find must be the same: line and path.

Peers: pydantic 2.14 (a model of the same rules, in this file); together 1.5.35 (`together.utils.files.check_file`);
the loop "format error checks" of OpenAI's cookbook notebook, commit b774cbf1, written again here.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from ftdata.targets.lines import check_file

WORDS = "the order was sent on Monday and it will be with you in a day or two thank you for the question".split()
TOGETHER = """
import sys, time
from together.utils.files import check_file
started = time.process_time()
assert check_file(sys.argv[1])["is_check_passed"]
print(time.process_time() - started)
"""


def made(path: Path, rows: int, broken: bool) -> None:
    """Write rows of one to three exchanges, half of them with a system message; one of a hundred broken if so asked."""
    rng = random.Random(7)

    def say() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(5, 30)))

    with path.open("w") as out:
        for number in range(rows):
            messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}] if number % 2 else []
            for _ in range(rng.choice((1, 1, 2, 3))):
                messages += [{"role": "user", "content": say()}, {"role": "assistant", "content": say()}]
            if broken and number % 100 == 50:
                faults: list[dict[str, Any]] = [{"role": "bot"}, {"content": 5}, {"weight": 0.5}, {"content": None}]
                messages[-1].update(faults[number // 100 % 4])
            out.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


# --- the peers --------------------------------------------------------------------------------------------------------


class Message(pydantic.BaseModel):
    """A message."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    role: Literal["system", "user", "assistant"]
    content: Annotated[str, pydantic.Field(pattern=r"\S")]
    weight: Literal[0, 1] | None = None


class Row(pydantic.BaseModel):
    """A row, which must end with the assistant and have a turn of the user."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    messages: Annotated[list[Message], pydantic.Field(min_length=1)]

    @pydantic.model_validator(mode="after")
    def _order(self) -> Row:
        if self.messages[-1].role != "assistant" or not any(message.role == "user" for message in self.messages):
            raise ValueError("order")
        return self


def by_pydantic(path: Path) -> list[tuple[int, str]]:
    """Validate each line; give line and path of each error."""
    found = []
    validate = Row.__pydantic_validator__.validate_json
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                validate(line)
            except pydantic.ValidationError as error:
                for fault in error.errors():
                    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
                    found.append((number, where.removeprefix(".")))
    return found


def by_ftdata(path: Path) -> list[tuple[int, str]]:
    """Check the file; give line and path of each error of a line."""
    found = check_file(path, ["openai"])
    return [(finding.line, finding.path) for finding in found if finding.line is not None and finding.level == "error"]


def by_cookbook(path: Path) -> dict[str, int]:
    """Count format errors by kind, as the notebook does."""
    errors: dict[str, int] = defaultdict(int)
    with path.open(encoding="utf-8") as lines:
        dataset = [json.loads(line) for line in lines]
    for row in dataset:
        if not isinstance(row, dict):
            errors["data_type"] += 1
            continue
        messages = row.get("messages", None)
        if not messages:
            errors["missing_messages_list"] += 1
            continue
        for message in messages:
            if "role" not in message or "content" not in message:
                errors["message_missing_key"] += 1
            if any(key not in ("role", "content", "name", "function_call", "weight") for key in message):
                errors["message_unrecognized_key"] += 1
            if message.get("role", None) not in ("system", "user", "assistant", "function"):
                errors["unrecognized_role"] += 1
            content, call = message.get("content", None), message.get("function_call", None)
            if (not content and not call) or not isinstance(content, str):
                errors["missing_content"] += 1
        if not any(message.get("role", None) == "assistant" for message in messages):
            errors["example_missing_assistant_message"] += 1
    return errors


# --- measuring --------------------------------------------------------------------------------------------------------


def timed(run: Callable[[Path], Any]) -> Callable[[Path], float]:
    """Give CPU seconds of a run."""

    def measured(path: Path) -> float:
        started = time.process_time()
        run(path)
        return time.process_time() - started

    return measured


def together(python: str) -> Callable[[Path], float]:
    """Run Together's checker by its own interpreter; the imports are not counted."""

    def measured(path: Path) -> float:
        done = subprocess.run([python, "-c", TOGETHER, str(path)], capture_output=True, text=True, check=True)
        return float(done.stdout.split()[-1])

    return measured


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--together", default=None)
    given = options.parse_args()
    programs: dict[str, Callable[[Path], float]] = {
        "ftdata, for openai": timed(by_ftdata),
        "ftdata, for six targets": timed(
            lambda path: check_file(path, "openai azure mistral together fireworks claude".split())
        ),
        f"pydantic {version('pydantic')}, a line at a time": timed(by_pydantic),
        "cookbook, format error checks": timed(by_cookbook),
    }
    if given.together:
        programs["together 1.5.35, check_file"] = together(given.together)
    with tempfile.TemporaryDirectory() as folder:
        sound, broken = Path(folder, "sound.jsonl"), Path(folder, "broken.jsonl")
        made(sound, given.rows, broken=False)
        made(broken, given.rows, broken=True)
        ours, theirs = by_ftdata(broken), by_pydantic(broken)
        print(f"faults in {broken.name}: {len(ours):,} by ftdata, {len(theirs):,} by pydantic, equal: {ours == theirs}")
        assert by_ftdata(sound) == by_pydantic(sound) == [] and not by_cookbook(sound)
        times: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(given.runs):
            for name, run in programs.items():
                times[name].append(run(sound))
        print(f"{given.rows:,} rows, {sound.stat().st_size / 1e6:.1f} MB; CPU seconds, median of {given.runs}")
        ours_took = statistics.median(times["ftdata, for openai"])
        for name, took in times.items():
            middle = statistics.median(took)
            print(f"{name:36} {middle:6.3f} ({min(took):.3f} to {max(took):.3f})  {middle / ours_took:5.1f}x")


if __name__ == "__main__":
    main()
