"""The gate before a trainer: nine conditions, all of which hold, or nothing leaves.

Each condition looks at the bytes as they lie there now, or at what the run's record says of them, and tells every
reason against. There is no way around but to accept a condition by its code, with a reason, one by one; what was
accepted, by whom and when, is kept.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ftdata import files, runs, scanner
from ftdata.cost.amounts import Money
from ftdata.cost.estimate import Estimate
from ftdata.cost.estimate import refusals as over
from ftdata.errors import InputError, RecipeError, RefusedError
from ftdata.files import Record
from ftdata.manifest import Manifest, OutputPart
from ftdata.targets import Profile
from ftdata.targets.lines import check_file
from ftdata.wording import counted, hint

SENT = ("train", "validation")
"""The splits that a trainer gets; what is held out for a test stays."""
MOST_DROPPED = 0.5
"""Share of rows dropped from which a run looks like an accident; a recipe's own `max_drop` is heard first."""
_NAMED = 5


@dataclass(frozen=True)
class Handoff:
    """What is to be handed over, to whom, and under which bounds.

    `destination` is the vendor's name, or `local`: then nothing leaves the machine. `estimate` is what
    the job costs (None: it costs nothing), `lives` for how many days the tuned model is to be used, `preflight` what
    the trainer itself found wrong.
    """

    record: Record
    manifest: Manifest
    files: Mapping[str, Path]
    profile: Profile
    destination: str
    estimate: Estimate | None = None
    max_cost: Money | None = None
    lives: int = 90
    today: date = field(default_factory=date.today)
    preflight: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, run: str, profile: Profile, destination: str, takes: Sequence[str] | None = None, **more: Any
    ) -> Handoff:
        """Find a run and those of its outputs that one of the writers in `takes` wrote (default: the target's layout).

        The first of them that the run has is taken. Raises `InputError` if there is no such run, or none of its outputs
        is of these writers.
        """
        record = runs.find(run)
        manifest = runs.latest(record)
        takes = takes or (profile.layout,)
        rows = [out for out in manifest.outputs if out.rows and (out.split or "train") in SENT]
        use = next((name for name in takes for out in rows if out.use == name), "")
        fitting = [out for out in rows if out.use == use]
        first = next((_patterns(out) for out in fitting if out.split in (None, "train")), frozenset())
        mine = {out.split or "train": record.absolute(out.path) for out in fitting if _patterns(out) & first}
        if "train" not in mine:
            wrote = ", ".join(sorted({out.use for out in manifest.outputs})) or "nothing"
            raise InputError(
                f"{run}: the run wrote no training rows that {profile.name} takes (it wrote {wrote}); "
                f"add a writer {' or '.join(takes)}"
            )
        return cls(record, manifest, mine, profile, destination, **more)


def _patterns(out: OutputPart) -> frozenset[str]:
    """Give the paths with `{split}` that a writer may have been given to write this file: outputs of one share one."""
    if out.split is None:
        return frozenset((out.path,))
    at = [hit.span() for hit in re.finditer(re.escape(out.split), out.path)]
    return frozenset(f"{out.path[:start]}{{split}}{out.path[end:]}" for start, end in at)


class Condition(NamedTuple):
    """One condition: its code, what it asks, and what tells the reasons against."""

    code: str
    asks: str
    judge: Callable[[Handoff], Iterable[str]]


class Refusal(NamedTuple):
    """One reason against, under the code of its condition."""

    code: str
    why: str


class Accepted(NamedTuple):
    """A condition that was not held and accepted all the same."""

    code: str
    reason: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Passed:
    """What came through: the files with the hash of the bytes that were judged, and what was accepted."""

    handoff: Handoff
    hashes: Mapping[str, str]
    accepted: tuple[Accepted, ...]
    by: str
    at: str


# --- the conditions ---------------------------------------------------------------------------------------------------


def _bytes(given: Handoff) -> Iterator[str]:
    """The run is done, and the outputs are, byte for byte and row for row, what it wrote."""
    if given.manifest.status != "done":
        yield f"the run ended as {given.manifest.status}, not done; mend its findings and run it again"
    for problem in runs.verify(given.record):
        yield f"{problem.path}: {problem.message}"


def _target(given: Handoff) -> Iterator[str]:
    for split, path in given.files.items():
        found = [one for one in check_file(path, [given.profile]) if one.level == "error"]
        if split != "train":  # how few rows a validation file may have no vendor says
            found = [one for one in found if not one.code.endswith("-min-rows")]
        for one in found[:_NAMED]:
            place = f"{path.name}:{one.line}" if one.line is not None else path.name
            yield f"{place}: {one.code}: {one.cause}"
        if len(found) > _NAMED:
            more = counted(len(found) - _NAMED, "more error")
            yield f"{path.name}: {more}; ftdata check {path.name} --for {given.profile.name} names them"


def _private(given: Handoff) -> Iterator[str]:
    for path in given.files.values():
        report = scanner.scan_file(path)
        for kind, count in report.of("high").items():
            line = next((hit.line for hit in report.hits if (hit.type, hit.confidence) == (kind, "high")), None)
            yield f"{path.name}: {counted(count, kind)} left (first: line {line}); add or widen the step pii"


def _leaks(given: Handoff) -> Iterator[str]:
    if len(given.files) < 2:
        return
    told = [stage.summary.get("leaks") for stage in given.manifest.stages if stage.use == "split"]
    if not told:
        yield "nobody looked whether rows of the validation file are near those of the training file; add a step split"
    elif not isinstance(told[-1], Mapping) or told[-1].get("after") != 0:
        yield "rows of the validation file are near rows of the training file; run the step split again"


def _drops(given: Handoff) -> Iterator[str]:
    limit = given.manifest.recipe.get("run", {}).get("max_drop")
    if limit is None and given.manifest.dropped_rows > MOST_DROPPED * given.manifest.rows:
        share = given.manifest.dropped_rows / given.manifest.rows
        yield f"{share:.0%} of the rows were dropped; look why (ftdata show), or state [run] max_drop in the recipe"


def _provenance(given: Handoff) -> Iterator[str]:
    stated = given.manifest.recipe.get("provenance")
    if not isinstance(stated, Mapping):
        yield "nobody has stated where the rows come from; add a table [provenance] to the recipe"
        return
    allowed = stated.get("destinations", [])
    if given.destination not in allowed:
        listed = ", ".join(map(str, allowed)) or "none"
        yield f"[provenance] destinations does not name {given.destination} (it names: {listed})"


def _cost(given: Handoff) -> Iterator[str]:
    if given.estimate is None:
        return
    if given.max_cost is None:
        yield "no limit was given for what the job may cost; give one (--max-cost)"
    else:
        for why in over(given.estimate, given.max_cost):
            yield why.replace("and give it with --prices", 'at the vendor, then --accept cost="REASON"')


def _open(given: Handoff) -> Iterator[str]:
    if not given.profile.open_on(given.today):
        standing = given.profile.standing(given.today)
        yield f"{given.profile.title}: {standing} (ftdata targets says who takes the file today)"
    last = given.today + timedelta(days=min(given.lives, (date.max - given.today).days))
    for event in given.profile.events:
        if event.kind == "ends" and given.today < event.date <= last:
            yield f"from {event.date.isoformat()}: {event.what}; the model is to be used until {last.isoformat()}"


def _preflight(given: Handoff) -> Iterator[str]:
    yield from given.preflight


CONDITIONS: tuple[Condition, ...] = (
    Condition("bytes", "the outputs are what the run wrote", _bytes),
    Condition("target", "the target's rules find no error in them", _target),
    Condition("private-data", "the second scanner finds nothing of high confidence", _private),
    Condition("leaks", "no validation row is near a training row", _leaks),
    Condition("drops", "not more was dropped than was allowed", _drops),
    Condition("provenance", "it is stated where the rows come from, and that they may go there", _provenance),
    Condition("cost", "the job costs no more than it may", _cost),
    Condition("open", "the target takes jobs today, and the model will live", _open),
    Condition("preflight", "the trainer's own check finds nothing", _preflight),
)
"""All of them, in the order in which they are told. Source of the list: the project's promises, section 4."""

_ACCEPT = re.compile(r"\s*([a-z-]+)\s*=\s*(.*\S)\s*", re.S)


def refusals(given: Handoff) -> list[Refusal]:
    """Tell every reason against, condition by condition; none, and the run may go."""
    return [Refusal(one.code, why) for one in CONDITIONS for why in one.judge(given)]


def accepts(words: Iterable[str]) -> dict[str, str]:
    """Read what is accepted: `code=reason`, a word of the command line each.

    Raises `RecipeError` for a code that there is not, one given twice, a reason that is missing.
    """
    known = [one.code for one in CONDITIONS]
    found: dict[str, str] = {}
    faults = []
    for word in words:
        hit = _ACCEPT.fullmatch(word)
        code = word.partition("=")[0].strip()
        if code not in known:
            faults.append(
                f"--accept {code}: there is no such condition{hint(code, known)} (there are: {', '.join(known)})"
            )
        elif hit is None:
            faults.append(f'--accept {code}: wants a reason, such as {code}="synthetic data, no real people"')
        elif code in found:
            faults.append(f"--accept {code}: is given twice")
        else:
            found[code] = hit[2]
    if faults:
        raise RecipeError(*faults)
    return found


def let_through(given: Handoff, accepted: Mapping[str, str]) -> Passed:
    """Judge; give what may leave, or raise `RefusedError` with every reason that nobody accepted.

    The hashes are those of the files after they were judged: whoever sends them compares them with what was sent.
    """
    found = refusals(given)
    against = [one for one in found if one.code not in accepted]
    if against:
        told = "\n".join(f"refused ({one.code}): {one.why}" for one in against)
        raise RefusedError(f'{told}\nnothing was sent; --accept CODE="reason" accepts one of these codes')
    hashes = {split: files.sha256(path) for split, path in given.files.items()}
    written = {given.record.absolute(out.path): out.sha256 for out in given.manifest.outputs}
    moved = [split for split, path in given.files.items() if hashes[split] != written.get(path)]
    if moved and "bytes" not in accepted:
        raise RefusedError(f"refused (bytes): {', '.join(moved)}: changed while it was judged; nothing was sent")
    kept = tuple(
        Accepted(code, reason, why)
        for code, reason in accepted.items()
        if (why := tuple(one.why for one in found if one.code == code))
    )
    return Passed(given, hashes, kept, _who(), datetime.now().astimezone().isoformat(timespec="seconds"))


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this number
        return "unknown"
