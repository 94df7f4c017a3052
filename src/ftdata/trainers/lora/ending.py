"""What is made of a training that ended well: the table of its losses, their plot, the card, the merged model."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftdata import __version__, files
from ftdata.trainers.lora import metrics
from ftdata.trainers.lora.card import card
from ftdata.trainers.lora.job import HERE, Folder, environment, history
from ftdata.trainers.lora.preflight import interpreter, licence
from ftdata.trainers.lora.settings import Settings
from ftdata.wording import inline

if TYPE_CHECKING:
    from ftdata.handoff.state import State

MERGED = "merged"


def finish(given: Settings, folder: Folder, state: State, end: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Write them into the job's folder; give the figures, and what went wrong (empty: nothing). May be done twice."""
    done = folder.checkpoints()
    steps, known = (done[-1][0], history(done[-1][1])) if done else (None, None)
    events = folder.events(len(folder.attempts))
    table = metrics.with_end(metrics.table(known or []), events)
    files.save(folder.path / "metrics.csv", metrics.as_csv(table))
    drawn = metrics.curve(table)
    if drawn is not None:
        files.save(folder.path / "metrics.svg", drawn)
    numbers = _numbers(given, folder, state, end, table)
    numbers = numbers if steps is None else {"steps": steps, **numbers}
    told = card(
        run=state.record.name,
        model=Path(given.model).name if Path(given.model).is_absolute() else given.model,
        licence=licence(given) or "not stated",
        hashes=state.known["hashes"],
        rows=state.facts["rows"],
        settings=_told(given),
        numbers=numbers,
        versions=state.facts["versions"],
        ftdata=__version__,
    )
    files.save(folder.adapter / "README.md", told)
    fault = ""
    if given.merge and not (folder.path / MERGED / "config.json").is_file():
        fault = _merge(given, folder, state.facts["threads"])
    folder.clear()
    return numbers, fault


def _numbers(
    given: Settings, folder: Folder, state: State, end: Mapping[str, Any], table: list[dict[str, float]]
) -> dict[str, Any]:
    every = [event for number in range(len(folder.attempts)) for event in folder.events(number + 1)]
    speed = metrics.seconds_per_step(folder.events(len(folder.attempts)), given.every(state.facts["rows"]["train"]))
    weights = folder.adapter / "adapter_model.safetensors"
    last = {name: row[name] for row in table for name in ("loss", "eval_loss") if name in row}
    found = {
        "seconds": round(sum(event["seconds"] for event in every if event["what"] == "ended"), 1),
        "seconds per step": None if speed is None else round(speed, 3),
        "last loss": last.get("loss"),
        "last loss, held out": last.get("eval_loss"),
        "peak memory, bytes": end["peak"],
        "peak memory of the card, bytes": metrics.cuda_peak(every),
        "adapter, bytes": weights.stat().st_size if weights.exists() else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _told(given: Settings) -> dict[str, Any]:
    kept = given.model_dump(exclude={"model", "python", "folder", "base_licence", "whole_log"}, exclude_none=True)
    kept |= {
        "learning_rate": given.rate,
        "alpha": given.alpha or 2 * given.rank,
        "target_modules": ", ".join(given.target_modules),
    }
    if given.chat_template is not None:
        kept["chat_template"] = Path(given.chat_template).name
    if given.method == "sft":
        kept.pop("beta")
    return kept


def _merge(given: Settings, folder: Folder, threads: int) -> str:
    into = folder.path / MERGED
    files.remove(into)
    scratch = folder.path / f".{MERGED}"
    files.remove(scratch)
    command = [interpreter(given), str(HERE / "merge.py"), given.model, str(folder.adapter), str(scratch)]
    ran = subprocess.run(
        command, env=environment(folder.cache, threads), capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    if ran.returncode == 0:
        files.rename(scratch, into)
        return ""
    files.remove(scratch)
    last = ran.stderr.decode(errors="replace").strip().rpartition("\n")[2].partition(":")[0]
    return f"the adapter is there, but could not be merged ({inline(last[:80])}); it works without"
