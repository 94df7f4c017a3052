"""`ftdata train`, and what can be asked of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ftdata.cli.cost import Amount

if TYPE_CHECKING:
    from collections.abc import Callable

    from ftdata.cost import Money
    from ftdata.handoff.launch import Launch
    from ftdata.stages import Event, Job


class Train(click.Group):
    """A group whose commands ask of a job; anything else is the run to start: `ftdata train RUN`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `start` before a run."""
        from ftdata.wording import hint

        if not args:
            ctx.fail("Missing argument 'RUN'.")
        if args[0] not in self.commands and args[0] not in ("-h", "--help"):
            near = hint(args[0], self.commands)
            if near and args[1:] and not args[1].startswith("-"):
                ctx.fail(f"{args[0]!r} is no command{near}")
            args = ["start", *args]
        return super().parse_args(ctx, args)


@click.group("train", cls=Train, subcommand_metavar="RUN [OPTIONS] | COMMAND RUN")
def command() -> None:
    """Hand a run to a trainer, if the gate lets it; watch, stop, fetch.

    \b
    ftdata train samples/story.toml --dry-run          what would be done, and what the gate says
    ftdata train samples/story.toml                    the same, done (ftdata train start --help)
    ftdata train status samples/story.toml             where the job stands

    Exit codes: 0 done, 1 the job failed, 2 usage, 3 no such run or job, 6 refused, 7 in hand elsewhere, 8 the vendor or
    the trainer failed, 130 interrupted (ftdata train resume goes on).
    """


@command.command("start")
@click.argument("run", metavar="RUN")
@click.option("--with", "use", metavar="TRAINER", help="Trainer, if not the one of the recipe's [train].")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="Setting of the trainer; repeatable.")
@click.option("--dry-run", is_flag=True, help="Show the request or configuration, the cost and the gate; do nothing.")
@click.option("--accept", metavar='CODE="REASON"', multiple=True, help="Accept that a condition does not hold.")
@click.option("--max-cost", type=Amount(), metavar="MONEY", help="What the job may cost at most, such as 5USD.")
@click.option("--lives", type=click.IntRange(1), default=90, show_default=True, help="Days the model is to be used.")
@click.option(
    "--yes-send-to", "send_to", metavar="NAME", help="Agree that the files are sent there; asks on a terminal."
)
@click.option("--measure", is_flag=True, help="Tell time and memory by a dry run of at most 100 rows (lora).")
@click.option("--again", is_flag=True, help="Start another job, though this run has one.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def start(
    run: str,
    use: str | None,
    pairs: tuple[str, ...],
    dry_run: bool,
    accept: tuple[str, ...],
    max_cost: Money | None,
    lives: int,
    send_to: str | None,
    measure: bool,
    again: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Start a job with the files that a run wrote, if all nine conditions of the gate hold.

    RUN as in `ftdata show`. What was started already is found again, never started twice. A run that is named like a
    command: ftdata train start NAME. Exit codes: ftdata train --help.
    """
    import shlex

    from ftdata.cli.terminal import as_json, line
    from ftdata.handoff import launch as launching
    from ftdata.handoff.gate import accepts
    from ftdata.sniff import settings

    if not run:
        raise click.UsageError("RUN is empty; name a recipe, an output, or a run")
    accepted = accepts(accept)
    launch = launching.prepare(run, use, settings(pairs), max_cost=max_cost, lives=lives, again=again)
    if measure:
        _measure(launch, json)
        return
    if dry_run:
        raise SystemExit(_show(launch, accepted, json))
    if not quiet:
        launch.state.watch = _told
    if send_to is None:
        send_to = _agreed(launch, accepted)
    try:
        job = launching.start(launch, accepted, send_to=send_to)
    except KeyboardInterrupt:
        if launch.state.begun:
            line(f"interrupted; go on with: ftdata train resume {shlex.quote(run)}")
        raise
    if json:
        as_json(_values(job))
    elif not quiet:
        _say(job, run)
    raise SystemExit(1 if job.status in ("failed", "cancelled") else 0)


def _measure(launch: Launch, json: bool) -> None:
    from dataclasses import asdict

    from ftdata.cli.terminal import as_json, data
    from ftdata.errors import RecipeError
    from ftdata.trainers.lora.trainer import Lora

    if not isinstance(launch.trainer, Lora):
        raise click.UsageError("--measure is a dry run on this machine: for the trainer lora")
    if launch.order.problems:
        raise RecipeError(*launch.order.problems)
    found = launch.trainer.measure(launch.handoff.files, launch.state)
    if json:
        as_json(asdict(found))
        return
    for text in found.told():
        data(text)


def _agreed(launch: Launch, accepted: dict[str, str]) -> str | None:
    """Ask once on a terminal, naming who gets what for how much; nobody is asked about what is refused anyway."""
    import sys

    from ftdata.cli.terminal import prose
    from ftdata.errors import RefusedError
    from ftdata.handoff.launch import told

    refused = [one for one in launch.refusals if one.code not in accepted]
    if not launch.leaves or refused or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    for text in (
        f"to {launch.trainer.destination}: {launch.handoff.profile.title}",
        *told(launch),
        *launch.order.notes,
    ):
        prose(f"  {text}")
    if confirmed(f"Send it to {launch.trainer.destination}?"):
        return launch.trainer.destination
    raise RefusedError(f"nothing was sent to {launch.trainer.destination}")


def confirmed(question: str) -> bool:
    """Put a question to a person on the terminal; no answer is no. Ctrl-C and the end of input raise `click.Abort`."""
    import signal

    from ftdata.wording import safe

    # polars leaves a handler behind with which the system restarts a read: Ctrl-C would wait for the next line.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return click.confirm(safe(question), default=False, err=True)


def _show(launch: Launch, accepted: dict[str, str], json: bool) -> int:
    from ftdata.cli.terminal import as_json, data, line, prose
    from ftdata.cost.page import as_json as values
    from ftdata.cost.page import page
    from ftdata.handoff.launch import told

    refused = launch.refusals
    against = [one for one in refused if one.code not in accepted]
    order = launch.order
    if json:
        as_json(
            {
                "destination": launch.trainer.destination,
                "rows": launch.rows,
                "order": dict(order.texts),
                "notes": list(order.notes),
                "estimate": None if order.estimate is None else values(order.estimate),
                "refused": [{"code": one.code, "why": one.why} for one in against],
                "accepted": accepted,
            }
        )
        return 6 if against else 0
    for title, text in order.texts:
        data(f"--- {title}")
        for part in text.rstrip("\n").split("\n"):
            data(part)
    if order.estimate is not None:
        data("---")
        for part in page(order.estimate, launch.handoff.record.name):
            data(part)
    prose(f"to {launch.trainer.destination}: {'; '.join(told(launch))}")
    for note in order.notes:
        prose(f"note: {note}")
    for one in refused:
        word = "accepted" if one.code in accepted else "would be refused"
        prose(f"{word} ({one.code}): {one.why}", fg="yellow" if one.code in accepted else "red")
    if not against:
        line("the gate would let it through; nothing was sent or started", fg="green")
    return 6 if against else 0


def _asking(name: str, about: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command that asks of the job of a run; the function gets its trainer and its state."""

    def wrap(function: Callable[..., None]) -> click.Command:
        at = click.option("--at", metavar="NAME", help="Where the job is, if the run has jobs at several places.")
        json = click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
        return command.command(name, help=about)(click.argument("run", metavar="RUN")(at(json(function))))

    return wrap


@_asking("status", "Tell where the job of a run stands.")
def status(run: str, at: str | None, json: bool) -> None:
    """Tell where the job of a run stands."""
    from ftdata.handoff.launch import found

    made, state = found(run, at)
    _end(made.look(state), run, json)


@_asking("events", "Tell the log of the job of a run, oldest first.")
def events(run: str, at: str | None, json: bool) -> None:
    """Tell the log of the job of a run."""
    from dataclasses import asdict

    from ftdata.cli.terminal import as_json, data
    from ftdata.handoff.launch import found

    made, state = found(run, at)
    if json:
        as_json([asdict(event) for event in made.events(state)])
        return
    for event in made.events(state):
        data(_line(event))


@_asking("cancel", "Stop the job of a run.")
def cancel(run: str, at: str | None, json: bool) -> None:
    """Stop the job of a run."""
    from contextlib import nullcontext

    from ftdata.handoff.launch import HERE, found

    made, state = found(run, at)
    # A job on this machine is held by the process that runs it.
    with nullcontext() if made.destination == HERE else state.locked():
        job = made.cancel(state)
    _end(job, run, json, cancelled=0)


@_asking("resume", "Go on with a job that was interrupted or paused, or whose start nobody saw the end of.")
def resume(run: str, at: str | None, json: bool) -> None:
    """Go on with the job of a run."""
    from ftdata.handoff.launch import found

    made, state = found(run, at)
    state.watch = None if json else _told
    with state.locked():
        state.read()
        job = made.resume(state)
    _end(job, run, json)


@command.command("result")
@click.argument("run", metavar="RUN")
@click.option("--into", metavar="DIR", required=True, help="Folder to write to: metrics, their plot, checkpoints.")
@click.option("--at", metavar="NAME", help="Where the job is, if the run has jobs at several places.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def result(run: str, into: str, at: str | None, json: bool) -> None:
    """Fetch what the job of a run left, and name the model."""
    import shlex
    from pathlib import Path

    from ftdata.cli.terminal import as_json, data, line, prose
    from ftdata.handoff.launch import found

    made, state = found(run, at)
    got = made.result(state, Path(into))
    if json:
        files = {name: str(path) for name, path in got.files.items()}
        as_json({**_values(got.job), "base": got.base, "tuned": got.tuned, "files": files, "notes": list(got.notes)})
        return
    data(f"base   {got.base}")
    data(f"tuned  {got.tuned}")
    for name, path in got.files.items():
        data(f"{name}  {path}")
    for note in got.notes:
        prose(note)
    line(f"compare them: ftdata eval {shlex.quote(run)} --trained --shots 4 --answers DIR", fg="green")


@command.command("rescue")
@click.argument("folder", metavar="DIR")
@click.option("--from", "preset", default="openai", show_default=True, help="Who: openai, azure, nebius or local.")
@click.option("--base-url", metavar="URL", help="Address of the account, where the preset has none.")
@click.option("--key-env", metavar="NAME", help="Environment variable that holds the key.  [default: the preset's]")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def rescue(folder: str, preset: str, base_url: str | None, key_env: str | None, json: bool) -> None:
    """Save all of an account's fine-tuning before it closes: files, jobs, results.

    Into a private folder with a manifest of hashes; started again, it fetches what is missing. The files hold the rows
    that were trained on. Exit codes: 0 done, 2 usage, 4 the folder holds something else, 8 the vendor failed.
    """
    from dataclasses import asdict
    from pathlib import Path

    from ftdata import endpoints
    from ftdata.cli.terminal import as_json, data, line
    from ftdata.trainers.openai.rescue import rescue as save

    done = save(endpoints.endpoint(preset, base_url, key_env), Path(folder), lambda said: line(said))
    if json:
        as_json(asdict(done))
        return
    data(f"{done.folder}: {', '.join(f'{count:,} {what}' for what, count in done.counts.items())}")
    data(f"{done.fetched:,} fetched, {done.kept:,} there already, {len(done.denied):,} denied")
    for name, why in done.denied.items():
        line(f"denied: {name}: {why}", fg="yellow")
    for model in done.models:
        data(f"model  {model}")


def _values(job: Job) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(job)


def _end(job: Job, run: str, json: bool, cancelled: int = 1) -> None:
    from ftdata.cli.terminal import as_json

    if json:
        as_json(_values(job))
    else:
        _say(job, run)
    raise SystemExit({"failed": 1, "cancelled": cancelled}.get(job.status, 0))


def _say(job: Job, run: str) -> None:
    import shlex

    from ftdata.cli.terminal import data, line, prose

    named = shlex.quote(run)
    data("  ".join(part for part in (job.id or "-", job.status, job.model or "") if part))
    if job.detail:
        prose(job.detail, fg="red" if job.status == "failed" else None)
    if job.status == "succeeded":
        line(f"next: ftdata train result {named} --into DIR, ftdata eval {named} --trained --answers DIR", fg="green")
    elif not job.ended:
        line(f"watch it: ftdata train status {named}")


def _told(event: Event) -> None:
    from ftdata.cli.terminal import line

    line(_line(event), fg={"error": "red", "warn": "yellow"}.get(event.level))


def _line(event: Event) -> str:
    level = "" if event.level == "info" else event.level
    return "  ".join(part for part in (event.at, level, event.message) if part)
