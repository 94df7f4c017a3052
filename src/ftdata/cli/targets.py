"""`ftdata targets`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import date, datetime

    from ftdata.targets import Profile


@click.command("targets")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--on", "day", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="As of this day; default: today.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(name: str | None, day: datetime | None, json: bool) -> None:
    """List where a file can be trained, and until when.

    Nothing is fetched: it is what the profiles say, each as of the day on which it was checked.
    """
    from datetime import date

    from ftdata.cli.terminal import as_json, data, line, table
    from ftdata.targets import load, names

    today = day.date() if day is not None else date.today()
    profiles = [load(one) for one in ((name,) if name is not None else names())]
    if json:
        told = [_values(profile, today, whole=name is not None) for profile in profiles]
        as_json(told[0] if name is not None else told)
    elif name is not None:
        _tell(profiles[0], today)
    else:
        rows: list[tuple[str, ...]] = [("target", "layout", "on " + today.isoformat(), "checked", "rules", "title")]
        for profile in profiles:
            rows.append(
                (
                    profile.name,
                    profile.layout,
                    profile.standing(today),
                    profile.checked.isoformat(),
                    _evidence(profile),
                    profile.title,
                )
            )
        table(rows, out=data)
        line("rules: known from a specification, a guide, users' reports, and not verified (warnings only)")


def _evidence(profile: Profile) -> str:
    from collections import Counter

    counts = Counter(rule.evidence for rule in profile.rules)
    return "/".join(str(counts[kind]) for kind in ("spec", "guide", "observed", "unverified"))


def _values(profile: Profile, today: date, whole: bool) -> dict[str, Any]:
    from collections import Counter

    told: dict[str, Any] = {
        "name": profile.name,
        "title": profile.title,
        "layout": profile.layout,
        "open": profile.open_on(today),
        "standing": profile.standing(today),
        "last_day": profile.last_day,
        "checked": profile.checked,
        "evidence": dict(Counter(rule.evidence for rule in profile.rules)),
    }
    return {**told, **profile.model_dump(mode="json")} if whole else told


_FIX = {"no": "", "yes": "--fix", "lossy": "--allow-lossy"}


def _tell(profile: Profile, today: date) -> None:
    from ftdata.cli.terminal import data, table
    from ftdata.transforms.fit.fixes import fixable

    data(f"{profile.name}  {profile.title}")
    data(f"layout {profile.layout}, {profile.standing(today)}, checked {profile.checked.isoformat()}")
    if profile.events:
        data("")
        for told in profile.history(today):
            data(told)
    if profile.limits:
        data("")
        rows = [(one.name, f"{one.value:,} {one.unit}", one.evidence, str(one.source)) for one in profile.limits]
        table(rows, right=(1,), out=data)
    data("")
    table(
        [(rule.code, rule.level, rule.evidence, _FIX[fixable(rule)], rule.what) for rule in profile.rules],
        out=data,
    )
