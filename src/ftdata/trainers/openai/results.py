"""What a job left: the vendor's metrics, a curve of the loss, and the checkpoints with their numbers."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ftdata import files
from ftdata.stages import Job, Result
from ftdata.trainers.curves import Curve, plot
from ftdata.trainers.openai.jobs import Jobs, text_of
from ftdata.trainers.openai.telling import asking
from ftdata.wording import counted

TRAIN = ("train_loss", "training_loss", "train_mean_reward")
VALIDATION = ("valid_loss", "validation_loss", "full_valid_loss", "full_validation_loss", "valid_mean_reward")
"""How vendors name the two curves: OpenAI's result file and checkpoints, Azure's result file."""
_MOST = 200_000_000


def fetch(jobs: Jobs, job: Job, base: str, into: Path) -> Result:
    """Save what a job that succeeded left: `metrics.csv`, `metrics.svg`, `checkpoints.json`; old ones are replaced."""
    where = jobs.where
    if not into.is_dir():  # one that is there keeps its permissions
        files.private_folder(into)
    saved: dict[str, Path] = {}
    notes = []
    with asking(where, f"job {job.id}"):
        named = list(getattr(jobs.api.fine_tuning.jobs.retrieve(job.id), "result_files", None) or ())
    steps: list[dict[str, float]] = []
    for identity in map(str, named):
        content = decoded(content_of(jobs, identity))
        if not metrics(content):  # a page of a proxy, or weights: whoever wants them has `train rescue`
            notes.append(f"{identity} is no table of metrics, and was not saved")
            continue
        name = "metrics.csv" if "metrics" not in saved else f"metrics-{len(saved) + 1}.csv"
        write(into / name, content)
        saved[name.removesuffix(".csv")] = into / name
        steps = steps or table(content)
    if not named:
        notes.append(f"{where.title} gave no file of metrics")
    checkpoints = jobs.checkpoints(job.id)
    files.save(into / "checkpoints.json", text_of(checkpoints))
    saved["checkpoints"] = into / "checkpoints.json"
    drawn = curve(steps) or curve([_of_checkpoint(one) for one in checkpoints])
    drawn = drawn or curve([event.numbers for event in jobs.events(job.id) if "step" in event.numbers])
    if drawn is not None:
        files.save(into / "metrics.svg", drawn)
        saved["plot"] = into / "metrics.svg"
    else:
        notes.append("there are no losses to draw")
    if len(checkpoints) > 1:
        notes.append(f"{counted(len(checkpoints), 'checkpoint')}: each can be asked by its name (checkpoints.json)")
    if where.name == "azure":
        notes.append("deploy the model in Azure before it is asked: eval wants the name of the deployment")
    tuned = where.system(job.model) if job.model is not None else ""
    if job.model is None:
        notes.append(f"{where.title} names no model; look for it there")
    return Result(job, where.system(base), tuned, saved, tuple(notes))


def content_of(jobs: Jobs, identity: str) -> bytes:
    """Give what a file at the vendor holds."""
    with asking(jobs.where, f"content of {identity}"):
        found: bytes = jobs.api.files.content(identity).content
    return found


def decoded(content: bytes) -> bytes:
    """Give a result file as the CSV that it is: OpenAI hands it out in base64."""
    head = content[:200].lstrip(b"\xef\xbb\xbf")
    if b"," in head:
        return content
    try:
        plain = base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return content
    return plain if b"," in plain[:200] else content


def metrics(content: bytes) -> bool:
    """Whether a result file is a table whose first line names the steps."""
    head = content[:10_000].lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0].lower()
    return b"," in head and b"step" in head and not head.lstrip().startswith((b"<", b"{", b"["))


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    scratch = path.with_name(f".{path.name}.tmp")
    files.remove(scratch)
    with files.create(scratch) as stream:
        stream.write(content)
    files.sync(scratch)
    files.rename(scratch, path)
    files.sync(path.parent)


def table(content: bytes) -> list[dict[str, float]]:
    """Read the numbers of a result file, line by line; what is no number is left out."""
    if len(content) > _MOST:
        return []
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    found = []
    try:
        for row in rows:
            numbers = {str(name).strip(): _number(value) for name, value in row.items()}
            found.append({name: value for name, value in numbers.items() if value is not None})
    except csv.Error:
        return []
    return found


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number != -1.0 else None  # OpenAI writes -1 for what was not measured


def _of_checkpoint(checkpoint: Mapping[str, Any]) -> dict[str, float]:
    told = checkpoint.get("metrics")
    given = {**(told if isinstance(told, Mapping) else {}), "step": checkpoint.get("step_number")}
    return {name: number for name, value in given.items() if (number := _number(value)) is not None}


def curve(points: Sequence[Mapping[str, float]]) -> str | None:
    """Draw the losses, or what else a vendor tells of each step; None where there are none."""
    drawn = []
    for label, names in (("training", TRAIN), ("validation", VALIDATION)):
        name = next((one for one in names if any(one in point for point in points)), None)
        if name is not None:
            line = [(one.get("step", float(at)), one[name]) for at, one in enumerate(points, 1) if name in one]
            drawn.append(Curve(f"{label} ({name})", line))
    return plot(drawn, "reward" if any("reward" in one.label for one in drawn) else "loss")
