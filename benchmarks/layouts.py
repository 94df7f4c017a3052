"""Read each training layout: MB/s of CPU time, best of three, beside `json.loads` of the same lines.

Run: python benchmarks/layouts.py [megabytes]
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ftdata import hooks
from ftdata.source import Source
from ftdata.stages import Reader

END = "<|endoftext|>"
WORDS = "the order was sent on Monday, and it will be with you in a day or two: thank you for the question".split()


def say(rng: random.Random, least: int = 10, most: int = 120) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most))) + rng.choice([".", "\n\n1. “yes”", ' "no"'])


def talk(rng: random.Random, who: str, what: str, names: tuple[str, str]) -> list[dict[str, str]]:
    return [{who: names[place % 2], what: say(rng)} for place in range(2 * rng.randint(1, 4))]


def transcript(rng: random.Random) -> tuple[str, str]:
    asked = "".join(f"\n\n{name}: {say(rng)}" for name in ("Human", "Assistant", "Human"))
    return f"{asked}\n\nAssistant: {say(rng)}", f"{asked}\n\nAssistant: {say(rng)}"


def chatml(rng: random.Random) -> str:
    turns = talk(rng, "role", "content", ("user", "assistant"))
    return "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in turns)


def call(rng: random.Random) -> list[dict[str, str]]:
    tagged = f'<tool_call>\n{{"name": "find", "arguments": {{"words": {json.dumps(say(rng))}}}}}\n</tool_call>'
    return [
        {"from": "human", "value": say(rng)},
        {"from": "gpt", "value": tagged},
        {"from": "tool", "value": f"<tool_response>{json.dumps({'found': say(rng)})}</tool_response>"},
        {"from": "gpt", "value": say(rng)},
    ]


ROWS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "alpaca": lambda r: {"instruction": say(r, 5, 30), "input": "", "output": say(r)},
    "anthropic-hh": lambda r: dict(zip(("chosen", "rejected"), transcript(r), strict=True)),
    "bedrock": lambda r: {"system": "Be brief.", "messages": talk(r, "role", "content", ("user", "assistant"))},
    "cohere": lambda r: {"messages": talk(r, "role", "content", ("User", "Chatbot"))},
    "dolly": lambda r: {"instruction": say(r), "context": say(r), "response": say(r), "category": "open_qa"},
    "gemini": lambda r: {
        "contents": [
            {"role": t["role"], "parts": [{"text": t["text"]}]} for t in talk(r, "role", "text", ("user", "model"))
        ]
    },
    "glaive": lambda r: {
        "system": "SYSTEM: Be brief.",
        "chat": f"USER: {say(r)}\n\n\nASSISTANT: {say(r)} <|endoftext|>",
    },
    "hermes": lambda r: {"conversations": call(r)},
    "kto": lambda r: {"prompt": say(r), "completion": say(r), "label": True},
    "openai-chat": lambda r: {"messages": talk(r, "role", "content", ("user", "assistant"))},
    "preference": lambda r: {"prompt": say(r), "chosen": say(r), "rejected": say(r)},
    "question-answer": lambda r: {"question": say(r), "answer": say(r)},
    "rendered-text": lambda r: {"text": chatml(r)},
    "sharegpt": lambda r: {"id": str(r.random()), "conversations": talk(r, "from", "value", ("human", "gpt"))},
    "trl-completion": lambda r: {
        "prompt": [{"role": "user", "content": say(r)}],
        "completion": [{"role": "assistant", "content": say(r)}],
    },
}


def ours(reader: type[Reader], path: Path) -> int:
    with Source(path) as source:
        rows = sum(int(batch["drop"].is_null().sum()) for batch in reader(path=path).read(source))
        assert rows == source.handed
    return rows


def parsed(path: Path) -> None:
    with path.open() as stream:
        for line in stream:
            json.loads(line)


def timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main(megabytes: float) -> None:
    readers = {entry.stage.name: entry.stage for entry in hooks.builtin() if issubclass(entry.stage, Reader)}
    print(f"{'layout':16} {'MB':>6} {'rows':>8} {'MB/s':>7} {'json.loads':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in ROWS.items():
            rng, path, size = random.Random(7), Path(folder) / f"{name}.jsonl", 0
            with path.open("w") as stream:
                while size < megabytes * 1e6:
                    size += stream.write(json.dumps(make(rng), ensure_ascii=False) + "\n")
            spent = min(timed(lambda: ours(readers[name], path)) for _ in range(3))  # noqa: B023
            plain = min(timed(lambda: parsed(path)) for _ in range(3))  # noqa: B023
            rows = ours(readers[name], path)
            size = path.stat().st_size
            print(f"{name:16} {size / 1e6:6.1f} {rows:8,} {size / 1e6 / spent:7.0f} {size / 1e6 / plain:11.0f}")
            path.unlink()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
