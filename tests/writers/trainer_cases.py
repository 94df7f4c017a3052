"""Folders for local trainers to be loaded by the trainers themselves: the cases, and what each of them is to learn.

Every text holds a word of its own: A1 what is to be learnt, U1 what is not, R1 the answer that was not preferred. Which
of these words stand in what a trainer learns can be looked up by whoever has the trainer.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ftdata import files
from ftdata.batch import to_batches
from ftdata.conversation import Conversation
from ftdata.writers.axolotl import Axolotl
from ftdata.writers.llama_factory import LlamaFactory
from ftdata.writers.mlx_lm import MlxLm
from ftdata.writers.trainer_folder import TrainerFolder
from ftdata.writers.trl import Trl

ODD = 'ünï 東 & "b" ${x} #1'
"""Part of a path that is no plain word; the model of every case lies there."""
ARGUMENTS = '{"nr": 1.0, "só": "não"}'


class Case(NamedTuple):
    """A folder to be written: its name, the writer, the rows, and the words to be learnt of each line, by split."""

    name: str
    writer: TrainerFolder
    rows: list[Conversation]
    due: dict[str, list[list[str]]]


def cases(trainer: str) -> list[Case]:
    """Give the cases of a trainer."""
    return [_case(trainer, *made) for made in _PLANS[trainer]]


def write(case: Case, into: Path) -> dict[str, bytes]:
    """Write the folder of a case, and give its files."""
    files.make_folder(into)
    case.writer.write(iter([pl.concat(to_batches(case.rows))]), into)
    return {path.relative_to(into).as_posix(): path.read_bytes() for path in sorted(files.below(into))}


def digest(found: dict[str, bytes]) -> str:
    """Give what tells the files of a folder from all others."""
    whole = hashlib.sha256()
    for name, held in sorted(found.items()):
        whole.update(f"{name}\0{len(held)}\0".encode() + held)
    return whole.hexdigest()


_WRITERS: dict[str, type[TrainerFolder]] = {
    "trl": Trl,
    "axolotl": Axolotl,
    "llama-factory": LlamaFactory,
    "mlx-lm": MlxLm,
}
_EXTRA: dict[str, dict[str, Any]] = {"llama-factory": {"template": "qwen"}}


def _case(trainer: str, name: str, kinds: str, sides: str, fields: dict[str, Any]) -> Case:
    """Make a case: a letter for each row says what it holds, another on which side it stands."""
    writer = _WRITERS[trainer](
        path=Path(f"{name} set ç"), model=f"models/{ODD}", epochs=1, **_EXTRA.get(trainer, {}), **fields
    )
    rows: list[Conversation] = []
    due: dict[str, list[list[str]]] = {"train": [], "validation": []}
    for number, kind in enumerate(kinds):
        side = {"t": "train", "v": "validation"}[sides[number % len(sides)]]
        made, learnt = _row(kind, number)
        rows.append(Conversation.model_validate({**made, "split": side}))
        if not learnt:
            continue
        whole = [word for words in learnt for word in words]
        due[side] += {"whole": [whole], "last": learnt[-1:], "expand": learnt}[writer.turns]
    return Case(name, writer, rows, {side: lines for side, lines in due.items() if lines})


def _row(kind: str, n: int) -> tuple[dict[str, Any], list[list[str]]]:
    """Give a row and, answer by answer, the words to be learnt of it."""
    asked = {"role": "user", "content": f"U{n}a  where\u2028is\tmy \\ {{order}}? 😀"}
    said = {"role": "assistant", "content": f"A{n}a it\u00a0left\r\nus: “here”"}
    if kind == "q":  # one question, one answer
        return {"messages": [asked, said]}, [[f"A{n}a"]]
    told = {"role": "system", "content": f"U{n}s be brief\n"}
    again = [{"role": "user", "content": f"U{n}b ça va?"}, {"role": "assistant", "content": f"A{n}b ÇA VA"}]
    if kind == "s":  # a system's word, two questions
        return {"messages": [told, asked, said, *again]}, [[f"A{n}a"], [f"A{n}b"]]
    if kind == "w":  # the first answer is not to be learnt
        unlearnt = {"role": "assistant", "content": f"U{n}x no", "weight": 0}
        return {"messages": [asked, unlearnt, again[0], {**again[1], "weight": 1}]}, [[f"A{n}b"]]
    if kind == "p":  # a pair
        refused = {"role": "assistant", "content": f"R{n}a no"}
        return {"messages": [told, asked, said], "answer_at": 2, "rejected": [refused]}, [[f"A{n}a", f"R{n}a"]]
    if kind == "x":  # two questions, one answer: LLaMA-Factory leaves the row out
        return {"messages": [asked, {"role": "user", "content": f"U{n}x?"}, said]}, []
    # t, u: a call of a tool, its answer, an answer; of u the call has other arguments, the tool another shape
    given = ARGUMENTS if kind == "t" else f'{{"city": "A{n}z", "deep": {{"k": [1, null]}}}}'
    call = {"id": f"call_{n}", "type": "function", "function": {"name": f"look_A{n}c", "arguments": given}}
    parameters: dict[str, Any] = {"type": "object", "properties": {"nr": {"type": "number"}}}
    if kind == "u":
        parameters = {"type": "object", "properties": {"city": {"type": "string", "enum": ["x"]}}, "required": ["city"]}
    tool = {"name": f"look_A{n}c", "description": f"U{n}d look", "parameters": parameters}
    return {
        "messages": [
            asked,
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"call_{n}", "content": f'{{"got": "U{n}t"}}'},
            said,
        ],
        "tools": [{"type": "function", "function": tool}],
    }, [[f"A{n}c", *([f"A{n}z"] if kind == "u" else [])], [f"A{n}a"]]


_CHAT: list[tuple[str, str, str, dict[str, Any]]] = [
    ("plain", "qsqsqsq", "t", {}),
    ("held out", "qsqsqsqsq", "ttv", {}),
    ("tools", "tuqstu", "ttv", {}),
    ("one row", "s", "t", {}),
    ("settings", "qqqqqqqq", "ttv", {"max_length": 512, "rank": 4}),
]
_PLANS: dict[str, list[tuple[str, str, str, dict[str, Any]]]] = {
    "trl": [
        *_CHAT,
        ("completion", "qswtuq", "ttv", {"rows": "completion", "turns": "expand"}),
        ("last", "qswtuq", "ttv", {"rows": "completion", "turns": "last"}),
        ("preference", "pppppp", "ttv", {"rows": "preference"}),
        ("pairs alone", "ppp", "t", {"rows": "preference"}),
    ],
    "axolotl": [
        *_CHAT,
        ("weights", "qswqwt", "ttv", {}),
        ("expand", "qswtuq", "ttv", {"turns": "expand"}),
        ("last", "qswtuq", "ttv", {"turns": "last"}),
    ],
    "llama-factory": [*_CHAT, ("out of turn", "qxqxqx", "ttv", {})],
    "mlx-lm": [
        *_CHAT,
        ("weights", "qswqwt", "ttv", {}),
        ("last", "qswtuq", "ttv", {"turns": "last"}),
    ],
}
