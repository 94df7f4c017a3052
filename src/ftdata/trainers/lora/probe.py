"""Render every row as TRL will before it trains, and tell in numbers what it would learn. Run by path.

Runs with the Python of the trainer environment and imports nothing of ftdata: what that environment's tokenizer,
template and `datasets` make of the files is what is asked. Settings come as JSON on stdin, numbers go as JSON to
stdout, and no text of a row goes anywhere: of an error only its class is told.

The rules are those of TRL 1.16.0 (`SFTTrainer._prepare_dataset`, `DPOTrainer._prepare_dataset`, run and read): a
completion begins where the tokens of the prompt alone and of the whole row part; of messages the marked ones are
learnt; a row is cut behind `max_length`; one with nothing left to learn is left out without a word.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections import Counter
from typing import Any

NAMED = 5
"""Rows that are named by number, of each fault."""
MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")


class Probe:
    """What the rows of one environment's model come to."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.limit: int = asked["max_length"]
        transformers = importlib.import_module("transformers")
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(asked["model"])
        if asked.get("chat_template"):
            with open(asked["chat_template"], encoding="utf-8") as stream:
                self.tokenizer.chat_template = stream.read()
        self.swapped: str | None = None
        self.added = set(self.tokenizer.get_added_vocab().values())
        self.stops = {self.tokenizer.eos_token_id, *_stops(transformers, asked["model"])} - {None}

    def template(self) -> str:
        """Say what is to be thought of the chat template, and take TRL's version of it where TRL would.

        `none`, `marked`, `known` (TRL has one with marks for it), `unmarked`.
        """
        own = self.tokenizer.chat_template
        if isinstance(own, dict):
            own = own.get("default")
        if not own:
            return "none"
        if MARK.search(own):
            return "marked"
        known = importlib.import_module("trl.chat_template_utils")
        try:
            self.swapped = known.get_training_chat_template(self.tokenizer)
        except ValueError:
            return "unmarked"
        return "known"

    def ids(self, said: Any, row: dict[str, Any], **more: Any) -> Any:
        """Give the tokens of a text or of messages."""
        if isinstance(said, str):
            return self.tokenizer(text=said)
        tools = row.get("tools")
        given = {
            "tools": json.loads(tools) if isinstance(tools, str) else tools,
            **(row.get("chat_template_kwargs") or {}),
        }
        return self.tokenizer.apply_chat_template(
            said, tokenize=True, return_dict=True, chat_template=self.swapped, **given, **more
        )

    def answer(self, row: dict[str, Any], key: str) -> tuple[list[int], list[int], bool]:
        """Give tokens and mask of a prompt with the answer under `key`, and whether the prompt stays as it is."""
        prompt, answer = row["prompt"], row[key]
        if isinstance(prompt, str):
            end = self.tokenizer.eos_token or ""
            whole = self.ids(prompt + answer + ("" if answer.endswith(end) else end), row)["input_ids"]
            alone = self.ids(prompt, row)["input_ids"]
        else:
            alone = self.ids(prompt, row, add_generation_prompt=True)["input_ids"]
            whole = self.ids(prompt + answer, row)["input_ids"]
        parted = (at for at, (one, two) in enumerate(zip(alone, whole, strict=False)) if one != two)
        shared = next(parted, min(len(alone), len(whole)))
        return list(whole), [0] * shared + [1] * (len(whole) - shared), shared == len(alone)

    def learnt(self, row: dict[str, Any], kind: str) -> list[tuple[list[int], list[int], bool]]:
        """Give the sequences that a row makes: two for a preference, one else."""
        if kind == "preference":
            return [self.answer(row, "chosen"), self.answer(row, "rejected")]
        if kind == "completion":
            return [self.answer(row, "completion")]
        made = self.ids(row["messages"], row, return_assistant_tokens_mask=True)
        return [(list(made["input_ids"]), list(made["assistant_masks"]), True)]

    def ends(self, ids: list[int], mask: list[int]) -> str:
        """Say what the last learnt token is: `stop` (generation ends there), `mark`, or `text`; blanks do not count."""
        for token in reversed([one for one, bit in zip(ids, mask, strict=False) if bit]):
            if token in self.stops:
                return "stop"
            if token in self.added:
                return "mark"
            if self.tokenizer.decode([token]).strip():
                return "text"
        return "text"

    def split(self, rows: Any, kind: str) -> dict[str, Any]:
        """Count one file."""
        lengths: list[int] = []
        count: Counter[str] = Counter()
        named: dict[str, list[int]] = {}
        errors: Counter[str] = Counter()

        def note(what: str, at: int) -> None:
            count[what] += 1
            if len(named.setdefault(what, [])) < NAMED:
                named[what].append(at)

        for at, row in enumerate(rows, 1):
            if kind_of(row) != kind:
                note("other", at)
                continue
            if any(one.get("weight") == 0 for one in row.get("messages") or [] if one.get("role") == "assistant"):
                note("weighted", at)
            try:
                made = self.learnt(row, kind)
            except Exception as error:  # what a template raises is its own affair; its text may quote the row
                errors[type(error).__name__] += 1
                note("refused", at)
                continue
            long = zero = unlike = cut = False
            worst = "stop"
            for ids, mask, same in made:
                left = sum(mask[: self.limit])
                lengths.append(len(ids))
                count["tokens"] += min(len(ids), self.limit)
                count["trained"] += left
                long |= len(ids) > self.limit
                zero |= left == 0
                unlike |= not same
                if left == sum(mask):
                    worst = max(worst, self.ends(ids, mask), key=("stop", "mark", "text").index)
                else:
                    cut = True
            for what, holds in (("long", long), ("zero", zero), ("unlike", unlike), ("cut", cut and not zero)):
                if holds:
                    note(what, at)
            if not cut:
                note(f"end-{worst}", at)
        lengths.sort()
        part = {
            name: lengths[min(len(lengths) - 1, int(len(lengths) * share))] if lengths else 0
            for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        }
        return {"rows": len(rows), "lengths": part, "counts": dict(count), "named": named, "errors": dict(errors)}


def _stops(transformers: Any, model: str) -> set[int]:
    """Give the tokens at which generation with this model ends."""
    found: set[int] = set()
    for kind in ("GenerationConfig", "AutoConfig"):
        try:
            said = getattr(transformers, kind).from_pretrained(model).eos_token_id
        except (OSError, AttributeError):
            continue
        found |= set(said) if isinstance(said, (list, tuple)) else {said}
    return found


def kind_of(row: dict[str, Any]) -> str:
    """Say in which of TRL's forms a row is."""
    has = {name for name, value in row.items() if value is not None}
    if {"prompt", "chosen", "rejected"} <= has:
        return "preference"
    if {"prompt", "completion"} <= has:
        return "completion"
    return "messages" if "messages" in has and "prompt" not in has else "unknown"


def main() -> dict[str, Any]:
    """Answer what was asked on stdin."""
    asked = json.load(sys.stdin)
    told: dict[str, Any] = {"splits": {}, "template": "unused"}
    doing = "load"
    try:
        datasets = importlib.import_module("datasets")
        splits = datasets.load_dataset("json", data_files=asked["files"])
        kind = kind_of(splits["train"][0])
        told["kind"] = kind
        talk = kind == "messages" or (kind != "unknown" and not isinstance(splits["train"][0]["prompt"], str))
        doing = "tokenizer"
        probe = Probe(asked)
        if talk:
            doing = "template"
            told["template"] = probe.template() if kind == "messages" else _plain(probe)
        doing = "rows"
        if told["template"] not in ("none", "unmarked") and kind != "unknown":
            told["splits"] = {split: probe.split(rows, kind) for split, rows in splits.items()}
    except Exception as error:
        told["failed"] = {"doing": doing, "error": type(error).__name__}
    return told


def _plain(probe: Probe) -> str:
    return "marked" if probe.tokenizer.chat_template else "none"


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main()) + "\n")
