"""Held-out rows of each task, and answers to them, made by rule: for the programs that score them and for the tests."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

from pairs import pairs

from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.evaluation.held_out import HeldOut, Question, Task

TASKS: tuple[Task, ...] = ("labels", "json", "text")
_LABELS = ("billing", "7", "[1]", "returns é", "a, b", "Yes")


def case(task: Task) -> tuple[HeldOut, tuple[str, ...], tuple[Conversation, ...]]:
    """Give 60 rows, an answer to each, right in about half of them, and two examples."""
    draw = random.Random(TASKS.index(task))
    made: list[tuple[str, str]] = []
    for answer, right in pairs(60):
        if task == "labels":
            right = draw.choice(_LABELS)
            answer = draw.choice(
                [right, f" {right}\r\n", right.upper(), f"{right}.", "é" if right == "é" else "e\u0301"]
            )
        elif task == "json":
            value = {"order": draw.randrange(9), "open": draw.random() < 0.5, "lines": [1, 2.5, draw.choice("ab é")]}
            right = json.dumps(value, ensure_ascii=False)
            other = value | {"order": draw.randrange(9), "open": draw.choice([True, 1])}
            answer = draw.choice(
                [json.dumps(value, indent=1), json.dumps(other), f"```json\n{right}\n```", "{'order': 1}"]
            )
        made.append((answer, right))
    questions = tuple(
        Question(row, f"test.jsonl#{row}", _asked(row), right, slices={"desk": "a" if row % 2 else "b"})
        for row, (_, right) in enumerate(made, 1)
    )
    shots = tuple(
        Conversation(
            messages=(system("left out"), user(f"example {i} {{{{ system }}}}"), assistant(made[i][1] or "none"))
        )
        for i in range(2)
    )
    return HeldOut(questions, {}, task), tuple(answer for answer, _ in made), shots


def _asked(row: int) -> tuple[Message, ...]:
    """Questions of one turn and of three, with a system text and without, with what templates and YAML might take."""
    said = f"Row {row}: {{{{ wanted }}}} {{% raw %}} é 😀 \u0085\u2028 'x' \"y\" # no comment"
    if row % 3 == 0:
        return (user("first"), assistant("second"), user(said))
    return (
        Message(role="developer" if row % 3 == 1 else "system", content="Be brief.\nSay {{ no }} more."),
        user(said),
    )


def digest(folder: Path) -> dict[str, str]:
    """Give a digest of each file of an exported task; of its code without the measures, which are tested elsewhere."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
    texts["task.py"] = texts["task.py"].rpartition("\nMEASURES = ")[2]
    return {name: hashlib.blake2b(text.encode(), digest_size=8).hexdigest() for name, text in texts.items()}
