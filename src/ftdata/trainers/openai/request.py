"""What is asked of the vendor: the job's request in OpenAI's form, the kind of rows, the graders of reinforcement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ftdata.endpoints import Endpoint
from ftdata.trainers.openai.tables import value

if TYPE_CHECKING:
    from ftdata.trainers.openai import OpenAITrainer

MARK = "ftdata"
"""The key of a job's metadata under which its tag stands."""
PART = 32 << 20
"""Bytes of one part of a large file; the vendor takes up to 64 MB."""
PLAIN = 64 << 20
"""Larger files go in parts, where the endpoint takes parts."""
MIME = "text/jsonl"

_TYPES = {"sft": "supervised", "dpo": "dpo", "rft": "reinforcement"}
_GRADERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "string_check": (("name", "input", "reference", "operation"), ()),
    "text_similarity": (("name", "input", "reference", "evaluation_metric"), ()),
    "python": (("name", "source"), ("image_tag",)),
    "score_model": (("name", "model", "input"), ("range", "sampling_params")),
    "label_model": (("name", "model", "input", "labels", "passing_labels"), ()),
    "multi": (("name", "graders", "calculate_output"), ()),
}
"""What each grader must have and may have. Source: OpenAI's API specification 2.3.0, Grader*; openai 3.54.0."""
_CHOICES = {
    "operation": ("eq", "ne", "like", "ilike"),
    "evaluation_metric": (
        *("cosine", "fuzzy_match", "bleu", "gleu", "meteor"),
        *("rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l"),
    ),
}
_ROW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TURNS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_LOOKED = 100


def body(made: OpenAITrainer, where: Endpoint, sent: Mapping[str, str], tag: str) -> dict[str, Any]:
    """Give the request that creates the job; `sent` are the ids of the files of each split."""
    kind = _TYPES[made.method]
    settings = {
        "n_epochs": made.epochs,
        "batch_size": made.batch_size,
        "learning_rate_multiplier": made.learning_rate_multiplier,
        "beta": made.beta,
        "reasoning_effort": made.reasoning_effort,
        "compute_multiplier": made.compute_multiplier,
        "eval_interval": made.eval_interval,
        "eval_samples": made.eval_samples,
        **value(made.hyperparameters),
    }
    given = {name: value for name, value in settings.items() if value is not None}
    inner: dict[str, Any] = {"grader": value(made.grader)} if made.method == "rft" else {}
    if given:
        inner["hyperparameters"] = given
    asked: dict[str, Any] = {
        "model": made.model,
        "training_file": sent["train"],
        "method": {"type": kind, **({kind: inner} if inner else {})},
    }
    if "validation" in sent:
        asked["validation_file"] = sent["validation"]
    for name in ("suffix", "seed"):
        if getattr(made, name) is not None:
            asked[name] = getattr(made, name)
    if made.wandb is not None:
        asked["integrations"] = [{"type": "wandb", "wandb": value(made.wandb)}]
    if where.metadata != "none":
        asked["metadata"] = {**value(made.metadata), MARK: tag}
    if made.training_type is not None:
        asked["trainingType"] = made.training_type
    return asked


def name_of(split: str, tag: str) -> str:
    """Give the name under which a file is sent: found again by it, and none of the user's."""
    return f"ftdata-{tag}-{split}.jsonl"


def parts_of(size: int, where: Endpoint) -> int:
    """Count the parts in which a file of so many bytes goes; 0: in one piece."""
    return -(-size // PART) if where.parts and size > PLAIN else 0


def shown(asked: Mapping[str, Any]) -> str:
    """Give a request as text to show."""
    return json.dumps(asked, ensure_ascii=False, indent=2)


# --- rows -------------------------------------------------------------------------------------------------------------


def kinds(path: Path) -> Iterator[tuple[int, str]]:
    """Tell of the first rows of a file for which method they are made: the line, and `sft`, `dpo` or `rft`.

    A row of preferences has `preferred_output`; one of messages that ends with the assistant is for supervised
    training, else for reinforcement. Lines that are no objects are left to the target's rules.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if number > _LOOKED:
                return
            try:
                row = _ROW.decode(line.lstrip(b"\xef\xbb\xbf"))
                if "messages" not in row:
                    if "input" in row or "preferred_output" in row:
                        yield number, "dpo"
                    continue
                turns = _TURNS.decode(bytes(row["messages"]))
            except (msgspec.DecodeError, ValueError):
                continue
            if turns:
                yield number, "sft" if bytes(turns[-1].get("role", b"")).strip() == b'"assistant"' else "rft"


def unfit(files: Mapping[str, Path], method: str) -> Iterator[str]:
    """Say which files hold rows that are not made for a method, and which a mixture."""
    told = {"sft": "supervised training", "dpo": "preferences", "rft": "reinforcement"}
    for path in files.values():
        first: dict[str, int] = {}
        for number, kind in kinds(path):
            first.setdefault(kind, number)
        if len(first) > 1:
            listed = ", ".join(f"line {number} {told[kind]}" for kind, number in first.items())
            yield f"{path.name}: mixes rows made for different methods ({listed}); write each kind to its own file"
        elif first and method not in first:
            kind = next(iter(first))
            yield f"{path.name}: its rows are made for {told[kind]}, not for method {method}; say method={kind}"


# --- graders ----------------------------------------------------------------------------------------------------------


def grader_faults(grader: Any, place: str = "grader", inner: bool = False) -> Iterator[str]:
    """Say what a grader lacks or has too much, by OpenAI's specification."""
    if not isinstance(grader, Mapping):
        yield f"{place}: must be a table"
        return
    kind = grader.get("type")
    allowed = [one for one in _GRADERS if (one != "multi" if inner else one != "label_model")]
    if kind not in allowed:
        yield f"{place}.type: must be one of {', '.join(allowed)}"
        return
    needed, more = _GRADERS[str(kind)]
    yield from (f"{place}.{key}: is missing" for key in needed if key not in grader)
    yield from (f"{place}.{key}: a grader {kind} has none" for key in grader if key not in (*needed, *more, "type"))
    for key, choices in _CHOICES.items():
        if key in grader and grader[key] not in choices:
            yield f"{place}.{key}: must be one of {', '.join(choices)}"
    for key in ("name", "reference", "source", "model", "calculate_output"):
        if key in grader and not isinstance(grader[key], str):
            yield f"{place}.{key}: must be a text"
    if kind == "multi" and "graders" in grader:
        yield from _inner(grader["graders"], f"{place}.graders")


def _inner(graders: Any, place: str) -> Iterator[str]:
    """A multi grader holds one grader, several by name (as OpenAI's guide has them), or a list of them."""
    if isinstance(graders, Mapping) and isinstance(graders.get("type"), str):
        yield from grader_faults(graders, place, inner=True)
    elif isinstance(graders, Mapping) and graders:
        for key, one in graders.items():
            yield from grader_faults(one, f"{place}.{key}", inner=True)
    elif isinstance(graders, list | tuple) and graders:
        for at, one in enumerate(graders):
            yield from grader_faults(one, f"{place}[{at}]", inner=True)
    else:
        yield f"{place}: must be a grader, or a table of graders by name"
