"""What a job left: the vendor's metrics, a curve of the loss, and the checkpoints with their numbers."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ftdata import files
from ftdata.stages import Job, Result
from ftdata.trainers.openai.jobs import Jobs
from ftdata.trainers.openai.telling import asking
from ftdata.wording import counted

TRAIN = ("train_loss", "training_loss", "train_mean_reward")
VALIDATION = ("valid_loss", "validation_loss", "full_valid_loss", "full_validation_loss", "valid_mean_reward")
"""How vendors name the two curves: OpenAI's result file and checkpoints, Azure's result file."""
_MOST = 200_000_000


def fetch(jobs: Jobs, job: Job, base: str, into: Path) -> Result:
    """Save what a job that succeeded left: `metrics.csv`, `metrics.svg`, `checkpoints.json`; old ones are replaced."""
    where = jobs.where
    files.private_folder(into)
    saved: dict[str, Path] = {}
    notes = []
    with asking(where, f"job {job.id}"):
        named = list(getattr(jobs.api.fine_tuning.jobs.retrieve(job.id), "result_files", None) or ())
    points: list[dict[str, float]] = []
    for identity in map(str, named):
        content = decoded(content_of(jobs, identity))
        if not metrics(content):  # a page of a proxy, or weights: whoever wants them has `train rescue`
            notes.append(f"{identity} is no table of metrics, and was not saved")
            continue
        name = "metrics.csv" if "metrics" not in saved else f"metrics-{len(saved) + 1}.csv"
        write(into / name, content)
        saved[name.removesuffix(".csv")] = into / name
        points = points or table(content)
    if not named:
        notes.append(f"{where.title} gave no file of metrics")
    checkpoints = jobs.checkpoints(job.id)
    files.save(into / "checkpoints.json", json.dumps(checkpoints, ensure_ascii=False, indent=1) + "\n")
    saved["checkpoints"] = into / "checkpoints.json"
    points = points or [_of_checkpoint(one) for one in checkpoints]
    points = points or [dict(event.numbers) for event in jobs.events(job.id) if "step" in event.numbers]
    drawn = plot(points)
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
    given = {**(checkpoint.get("metrics") or {}), "step": checkpoint.get("step_number")}
    return {name: number for name, value in given.items() if (number := _number(value)) is not None}


# --- the curve --------------------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _LEFT, _BELOW, _TOP = 640, 320, 60, 40, 28


def plot(points: Sequence[Mapping[str, float]]) -> str | None:
    """Draw the losses over the steps as an SVG that stands alone; None where there are none."""
    curves = []
    for label, names, colour in (("training", TRAIN, "#2b6cb0"), ("validation", VALIDATION, "#c05621")):
        for name in names:
            line = [(one.get("step", float(at)), one[name]) for at, one in enumerate(points, 1) if name in one]
            if line:
                curves.append((label, name, colour, sorted(line)))
                break
    if not curves:
        return None
    xs = [x for *_, line in curves for x, _ in line]
    ys = [y for *_, line in curves for _, y in line]
    left, right, low, high = min(xs), max(xs), min(0.0, *ys), max(ys)
    across, up = (right - left) or 1.0, (high - low) or 1.0

    def place(x: float, y: float) -> str:
        px = _LEFT + (x - left) / across * (_WIDTH - _LEFT - 20)
        py = _HEIGHT - _BELOW - (y - low) / up * (_HEIGHT - _BELOW - _TOP)
        return f"{px:.1f},{py:.1f}"

    what = "reward" if "reward" in curves[0][1] else "loss"
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="12"><title>{escape(f"{what} over {len(set(xs))} steps")}</title>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        *_axes(left, right, low, high, what),
    ]
    for at, (label, name, colour, line) in enumerate(curves):
        shape = " ".join(place(x, y) for x, y in _thinned(line))
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{shape}"/>')
        if len(line) == 1:
            x, y = place(*line[0]).split(",")
            drawn.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        drawn.append(f'<text x="{_LEFT + 150 * at}" y="16" fill="{colour}">{escape(f"{label} ({name})")}</text>')
    return "\n".join([*drawn, "</svg>"]) + "\n"


def _axes(left: float, right: float, low: float, high: float, what: str) -> Iterable[str]:
    floor, end = _HEIGHT - _BELOW, _WIDTH - 20
    yield f'<path d="M{_LEFT} {_TOP}V{floor}H{end}" fill="none" stroke="#888"/>'
    yield f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{high:.3g}</text>'
    yield f'<text x="{_LEFT - 6}" y="{floor}" text-anchor="end">{low:.3g}</text>'
    yield f'<text x="{_LEFT}" y="{floor + 18}">{left:g}</text>'
    yield f'<text x="{end}" y="{floor + 18}" text-anchor="end">{right:g}</text>'
    yield f'<text x="{(_LEFT + end) / 2:g}" y="{floor + 32}" text-anchor="middle">step</text>'
    yield f'<text x="14" y="{(_TOP + floor) / 2:g}" transform="rotate(-90 14 {(_TOP + floor) / 2:g})">{what}</text>'


def _thinned(line: list[tuple[float, float]], most: int = 1_000) -> list[tuple[float, float]]:
    """Give at most so many points, evenly chosen, the last one among them."""
    step = -(-len(line) // most)
    return [*line[::step], line[-1]] if step > 1 else line
