"""Whether questions may leave this machine: what the gate asks before a trainer holds for an evaluation, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ftdata import runs, scanner, targets
from ftdata.batch import dumps
from ftdata.endpoints import HERE, Endpoint
from ftdata.errors import RecipeError, RefusedError
from ftdata.evaluation.asking.prompts import Prompt
from ftdata.evaluation.asking.systems import Remote
from ftdata.files import Record
from ftdata.handoff import gate
from ftdata.handoff.gate import CONDITIONS, Handoff, Refusal
from ftdata.wording import counted, inline

CONCERN = ("bytes", "private-data", "provenance")
"""The conditions of the gate that concern what is sent; the others are about training."""


@dataclass(frozen=True)
class Consent:
    """What the user said beforehand: destinations that may be sent to, conditions accepted with a reason each.

    `ask` puts the question to a person on a terminal; None where there is none.
    """

    destinations: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[str], bool] | None = None


def accepts(words: Sequence[str]) -> dict[str, str]:
    """Read what is accepted, `code=reason` each. Raises `RecipeError`, also for a condition that is not judged here."""
    found = gate.accepts(words)
    strange = [code for code in found if code not in CONCERN]
    if strange:
        raise RecipeError(*(f"--accept {code}: is not judged here ({', '.join(CONCERN)} are)" for code in strange))
    return found


def let_out(
    system: Remote, prompts: Sequence[Prompt], record: Record | None, consent: Consent
) -> dict[str, Any] | None:
    """Judge what would be sent, and have the user agree; to a server on this machine anything may go.

    Gives what is to be kept of it: to whom, how much, what was accepted and why; None where nothing leaves.

    For a run: its outputs are what it wrote, and its `[provenance]` names the destination. Always: the second scanner
    finds nothing of high confidence in the very messages, examples with them.

    Raises `RefusedError` with every reason that was not accepted, or if nobody agreed.
    """
    where, model = system.where, system.model
    if where.destination == HERE:
        return None
    found = list(_refusals(where, prompts, record))
    against = [one for one in found if one.code not in consent.accepted]
    if against:
        told = "\n".join(f"refused ({one.code}): {one.why}" for one in against)
        raise RefusedError(f'{told}\nnothing was sent; --accept CODE="reason" accepts one of these codes')
    characters = sum(one.characters for one in prompts)
    leaving = (
        f"{counted(len(prompts), 'held-out question')} ({characters:,} characters) to {where.title} ({where.host}), "
        f"model {inline(model)}"
    )
    if where.destination not in consent.destinations:
        if consent.ask is None:
            raise RefusedError(f"nothing was sent; --yes-send-to {where.destination} would send {leaving}")
        if not consent.ask(f"Send {leaving}?"):
            raise RefusedError(f"nothing was sent to {where.title}")
    return {
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "destination": where.destination,
        "model": model,
        "questions": len(prompts),
        "characters": characters,
        "accepted": {code: consent.accepted[code] for code in dict.fromkeys(one.code for one in found)},
    }


def _refusals(where: Endpoint, prompts: Sequence[Prompt], record: Record | None) -> Iterator[Refusal]:
    if record is None:
        yield Refusal("provenance", "no run is known of these rows, so nobody has stated where they come from")
    else:
        given = Handoff(record, runs.latest(record), {}, targets.load(where.target), where.destination)
        for one in CONDITIONS:
            if one.code in ("bytes", "provenance"):
                yield from (Refusal(one.code, why) for why in one.judge(given))
    report = scanner.scan(dumps([one.messages, one.tools]) for one in prompts)
    for kind, count in report.of("high").items():
        yield Refusal("private-data", f"{counted(count, kind)} left in the questions; add or widen the step pii")
