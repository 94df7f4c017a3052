"""Support conversations written for the tests of languages: Portuguese of both sides, and short turns by language."""

from __future__ import annotations

import random
from pathlib import Path

HERE = Path(__file__).parent
PORTUGUESE = {"pt-BR": "portuguese_brazil.txt", "pt-PT": "portuguese_portugal.txt"}


def _sections(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    section = ""
    for line in (HERE / name).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            found.setdefault(section, []).append(line)
    return found


def portuguese(variant: str, count: int = 240) -> list[list[tuple[str, str]]]:
    """Put conversations of 100 words or more together, as turns (role, text): 40 cases with ever other parts."""
    parts = {name: [line.split(" | ") for line in lines] for name, lines in _sections(PORTUGUESE[variant]).items()}
    rng = random.Random(0)

    def spoken(section: str, turns: list[str]) -> list[tuple[str, str]]:
        roles = ("assistant", "user") if section == "question" else ("user", "assistant")
        return [(roles[at % 2], text) for at, text in enumerate(turns)]

    made = []
    for number in range(count):
        turns = spoken("opening", rng.choice(parts["opening"])) + spoken("case", parts["case"][number % 40])
        ending = spoken("ending", rng.choice(parts["ending"]))
        questions = rng.sample(parts["question"], 5)
        while sum(len(text.split()) for _, text in turns + ending) < 100:
            turns += spoken("question", questions.pop())
        made.append(turns + ending)
    return made


def short_turns() -> dict[str, dict[str, list[str]]]:
    """Give, by language (`none`: no language), the `short` turns, and longer ones of a `user` and an `agent`."""
    return {
        code: {kind: turns.split(" | ") for kind, _, turns in (line.partition(": ") for line in lines)}
        for code, lines in _sections("short_turns.txt").items()
    }
