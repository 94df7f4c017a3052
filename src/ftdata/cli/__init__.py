"""The command line: each command is a call into the library. Importing this imports click and nothing heavy."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from importlib import import_module
from typing import Any

import click

from ftdata.wording import nearest

COMMANDS = (
    "run",
    "convert",
    "check",
    "targets",
    "rule",
    "tokens",
    "sniff",
    "init",
    "show",
    "explain",
    "verify",
    "audit",
    "report",
    "stats",
    "head",
    "diff",
    "cost",
    "advise",
    "curve",
    "train",
    "eval",
    "stages",
    "plugins",
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class ReaderLeft(Exception):
    """Say that whoever read our output has left; click would make of a broken pipe exit code 1: findings."""


class Commands(click.Group):
    """The built-in commands, imported when called, and those of plugins, listed from metadata."""

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        """Read the command line; `--help` prints here."""
        try:
            return super().make_context(*given, **named)
        except BrokenPipeError:
            raise ReaderLeft from None

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderLeft from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all commands."""
        return [*COMMANDS, *(name for name in _offered() if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name in COMMANDS:
            return getattr(import_module(f"ftdata.cli.{cmd_name}"), "command")  # type: ignore[no-any-return]  # noqa: B009
        points = _offered().get(cmd_name)
        return _loaded(cmd_name, points) if points else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the commands with their first lines; a plugin's is named, not imported."""
        rows = []
        for name in self.list_commands(ctx):
            if name in COMMANDS:
                command = self.get_command(ctx, name)
                rows.append((name, command.get_short_help_str(80) if command else ""))
            else:
                rows.append((name, f"(plugin {_whose(_offered()[name])})"))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the one that was meant."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS and name not in self.list_commands(ctx):
            near = nearest(name, self.list_commands(ctx))
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {near!r}?" if near else ""))
        return super().resolve_command(ctx, args)


def _offered() -> dict[str, list[Any]]:
    """Give the commands of the plugins that `FTDATA_PLUGINS` lets in, by name, importing none."""
    from importlib.metadata import entry_points

    wanted = os.environ.get("FTDATA_PLUGINS", "").strip()
    allowed = {name.strip() for name in wanted.split(",")} - {"none"}
    found: dict[str, list[Any]] = {}
    for point in sorted(entry_points(group="ftdata.commands"), key=lambda p: p.name):
        own = {other.name for other in (point.dist.entry_points if point.dist else ()) if other.group == "ftdata"}
        if not wanted or allowed & {point.name, *own}:
            found.setdefault(point.name, []).append(point)
    return found


def _whose(points: list[Any]) -> str:
    return " and ".join(point.dist.name if point.dist else point.value for point in points)


def _loaded(name: str, points: list[Any]) -> click.Command:
    """Import a plugin's command; whatever goes wrong names the plugin, and carries no data."""
    from ftdata.errors import PluginError

    if len(points) > 1:
        raise PluginError(f"plugins {_whose(points)}: both offer a command {name!r}; uninstall one of the two")
    try:
        command = points[0].load()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        raise PluginError(
            f"plugin {_whose(points)}: its command {name!r} cannot be loaded: {type(error).__name__}; repair or "
            "uninstall it, or set FTDATA_PLUGINS=none"
        ) from None
    if not isinstance(command, click.Command):
        raise PluginError(f"plugin {_whose(points)}: its command {name!r} is no click command; its author must act")
    invoke = command.invoke

    def guarded(ctx: click.Context) -> Any:
        from ftdata.errors import FtdataError
        from ftdata.hooks import raised_at

        try:
            return invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, FtdataError, BrokenPipeError):
            raise
        except Exception as error:
            raise PluginError(
                f"plugin {_whose(points)}: its command {name!r} failed: {type(error).__name__} at {raised_at(error)}"
            ) from None

    setattr(command, "invoke", guarded)  # noqa: B010 - a plain assignment to a method is refused by type checkers
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ftdata", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn raw exports into training files that a fine-tuning job accepts, with every row accounted for."""


def main() -> None:
    """Run the command line: one line per error on stderr, a documented exit code, never a traceback on bad input."""
    from ftdata.errors import FtdataError

    # numpy's linear algebra, which nothing here uses, would start a thread for each core at import: 0.06 s of CPU.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What imports make, 110,000 objects, is no garbage: to look through it at every turn takes 0.03 s, and three times
    # more as Python ends, 0.07 s.
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)
    try:
        cli(standalone_mode=False)
        code = 0
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.Abort:
        code = 130
    except click.ClickException as error:
        from ftdata.wording import safe

        click.echo(f"Error: {safe(error.format_message())}", err=True)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"Try '{error.ctx.command_path} --help' for help.", err=True)
        code = 2
    except FtdataError as error:
        from ftdata.cli.terminal import complain

        complain(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except ReaderLeft:
        # No message, and no complaint when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        from ftdata.cli.terminal import complain, report_bug

        if error.errno in _FULL:
            complain(Exception(f"stdout cannot be written: {os.strerror(error.errno).lower()}"))
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 4
        else:
            report_bug(error)
            code = 70
    except Exception as error:
        from ftdata.cli.terminal import report_bug

        report_bug(error)
        code = 70
    sys.exit(code)
