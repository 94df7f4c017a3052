"""What would be sent and asked, shown before anything is: requests, cost, notes, and why the trainer would refuse."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftdata.endpoints import Endpoint
from ftdata.errors import InputError
from ftdata.files import sha256
from ftdata.handoff.state import State
from ftdata.stages import Order
from ftdata.trainers.openai.request import MIME, body, name_of, parts_of, shown, unfit
from ftdata.trainers.openai.tables import value

if TYPE_CHECKING:
    from ftdata.cost import Estimate, JobTokens
    from ftdata.trainers.openai import OpenAITrainer

_ENTIRE = 8_000_000_000
"""Bytes that an upload in parts takes. Source: OpenAI's API specification 2.3.0, POST /uploads."""


def order(made: OpenAITrainer, where: Endpoint, files: Mapping[str, Path], state: State) -> Order:
    """Say what the trainer would do with the files of each split."""
    from ftdata.recipe import table

    hashes = {split: sha256(path) for split, path in files.items()}
    tag = state.tag if state.begun else state.tagged(table(made), hashes)
    texts = [
        (f"POST {where.base_url}/{'uploads' if parts_of(path.stat().st_size, where) else 'files'}: {split}", told)
        for split, path in files.items()
        for told in [shown(_upload(where, path, name_of(split, tag), hashes[split]))]
    ]
    asked = body(made, where, {split: f"<id of {name_of(split, tag)}>" for split in files}, tag)
    texts.append((f"POST {where.base_url}/fine_tuning/jobs", shown(asked)))
    problems = [*_problems(made, where, files), *unfit(files, made.method)]
    estimate = None
    if not where.here or where.prices is not None:
        try:
            estimate = _estimate(made, where, files)
        except InputError as error:
            problems.append(str(error))
    return Order(tuple(texts), estimate, tuple(_notes(made, where)), tuple(problems))


def _upload(where: Endpoint, path: Path, name: str, digest: str) -> dict[str, Any]:
    size = path.stat().st_size
    parts = parts_of(size, where)
    more = {"mime_type": MIME, "parts": parts} if parts else {}
    return {"filename": name, "purpose": "fine-tune", "bytes": size, **more, "sha256 (not sent)": digest}


def _problems(made: OpenAITrainer, where: Endpoint, files: Mapping[str, Path]) -> Iterator[str]:
    if made.method not in where.methods:
        yield f"{where.title} does not offer method {made.method} (it offers {', '.join(where.methods)})"
    for path in files.values():
        size = path.stat().st_size
        most = _ENTIRE if where.parts else where.plain_bytes
        if size > most:
            yield f"{path.name}: {size:,} bytes; {where.title} takes {most:,} at most; select fewer rows"
    if made.hyperparameters and not where.own_hyperparameters:
        named = ", ".join(value(made.hyperparameters))
        yield f"hyperparameters: {where.title} has none of its own ({named}); use the trainer's fields"
    if made.training_type is not None and not where.training_type:
        yield f"training_type: {where.title} has no training tiers; leave it out"
    if made.metadata and where.metadata == "none":
        yield f"metadata: {where.title} keeps none with a job; leave it out"
    if made.method == "rft" and where.name == "azure" and "validation" not in files:
        # Source: Azure documentation, reinforcement fine-tuning: training and validation files are both required.
        yield "method rft wants validation rows at Azure; add a step split to the recipe"


def _notes(made: OpenAITrainer, where: Endpoint) -> Iterator[str]:
    from ftdata.targets import load

    yield f"the files go to {where.host} as {where.destination}"
    if where.here:
        yield "it is a server on this machine; whether it hands the rows on, only its operator knows"
    elif where.key_needed and not os.environ.get(where.key_env, "").strip():
        yield f"{where.key_env} is not set; it holds the key for {where.title}"
    yield from load(made.target).history(date.today())
    if where.unverified:
        yield f"unverified of {where.title}: {', '.join(where.unverified)} (checked {where.checked.isoformat()})"
    if made.learning_rate_multiplier is not None and where.name == "nebius":
        yield "Nebius documents learning_rate (in hyperparameters), not learning_rate_multiplier; it is sent as given"
    if where.name == "azure":
        yield "a tuned model answers only once it is deployed in Azure, and hosting is billed by the hour"


# --- cost -------------------------------------------------------------------------------------------------------------


def _estimate(made: OpenAITrainer, where: Endpoint, files: Mapping[str, Path]) -> Estimate:
    from ftdata.cost import Plan, estimate, load
    from ftdata.cost.counting import of

    rows = of(str(files["train"]), None, None, made.model)
    if "validation" in files:
        rows = rows.with_validation(of(str(files["validation"]), None, None, made.model))
    if where.prices is None:
        return _unknown(made, where, rows, f"how {where.title} bills is not known; ask the vendor")
    if made.method == "rft":
        return _unknown(made, where, rows, f"{where.title} bills reinforcement by time of training, not by tokens")
    tier = (made.training_type or "").lower()
    tiers = {"global": tier.startswith("global"), "developer": tier.startswith("developer")}
    plan = Plan(
        vendor=where.prices,
        model=made.model,
        method=made.method,
        epochs=made.epochs,
        tier=next((name for name, named in tiers.items() if named and where.training_type), "regional"),
    )
    return estimate(rows, plan, load(date.today()))


def _unknown(made: OpenAITrainer, where: Endpoint, rows: JobTokens, why: str) -> Estimate:
    """Give an estimate whose cost is unknown, so that no limit on it can be kept."""
    from ftdata.cost import Estimate, Item
    from ftdata.cost.estimate import Cite
    from ftdata.cost.vendors import Vendor

    splits = sorted({str(one) for one in rows.split})
    return Estimate(
        vendor=Vendor(name=where.name, title=where.title, rule="unknown"),
        model=made.model,
        rows=len(rows.all),
        tokens={split: int(rows.side(split).sum()) for split in splits},
        counted=rows.counted,
        epochs=made.epochs or 1,
        epochs_why="as given" if made.epochs else "the vendor's default is not known",
        billed=None,
        billed_how=why,
        months=Decimal(1),
        items=(Item("training", None, "", why),),
        left_out=("hosting and storage of the tuned model",),
        rule=Cite("no source"),
    )
