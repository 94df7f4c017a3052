"""Errors, sorted by who must act; each carries place, value and remedy, and the exit code of the command line.

Every class survives pickling with its arguments, so that an error raised in a worker process arrives whole.
"""

from __future__ import annotations


class FtdataError(Exception):
    """Base of all errors that ftdata raises on purpose: one line for the user, no traceback."""

    exit_code = 70

    @property
    def recorded(self) -> str:
        """The message for a run's record, where no text of the data stands."""
        return str(self)


class RecipeError(FtdataError):
    """Report mistakes in a recipe or on the command line, all of them at once; the user must act."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class InputError(FtdataError):
    """Report an input that is missing, unreadable or not what its reader takes.

    `seen` ends the message with what the data hold (names to choose from): it is shown, and never `recorded`.
    """

    exit_code = 3

    def __init__(self, problem: str, seen: str = "") -> None:
        super().__init__(problem, seen)
        self.problem, self.seen = problem, seen

    def __str__(self) -> str:
        return f"{self.problem}; {self.seen}" if self.seen else self.problem

    @property
    def recorded(self) -> str:
        """The message without `seen`."""
        return self.problem


class OutputError(FtdataError):
    """Report an output that cannot be written: folder, permission, disk."""

    exit_code = 4


class PluginError(FtdataError):
    """Report a plugin that cannot be loaded or clashes with another, or a stage that raised; its author must act."""

    exit_code = 5


class ContractError(PluginError):
    """Report a stage that broke its contract (rows lost, order, schema); never tolerated, whatever `on_error` says."""


class RunError(FtdataError):
    """Report a run that stopped: a limit, nothing left to write, rows that do not add up."""

    exit_code = 1


class RefusedError(FtdataError):
    """Report that what was asked for is not let through: a limit that the user set does not hold."""

    exit_code = 6


class LockedError(FtdataError):
    """Report that another run holds the record."""

    exit_code = 7


class VendorError(FtdataError):
    """Report a vendor or a local trainer that refused, failed or could not be reached; nothing of its answer but code
    and message is told.
    """

    exit_code = 8


class Interrupted(FtdataError):
    """Say that a signal stopped the run between two batches; what was finished can be resumed."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal
        self.exit_code = 128 + signal

    def __str__(self) -> str:
        return "interrupted; what was finished is kept, the next start goes on from there"


class RowError(Exception):
    """Raise this in a stage to drop one row with a reason of your own when the run has `on_error = "drop"`.

    `reason` is a low-cardinality code, `note` a detail in counts and numbers: never text of the row.
    """

    def __init__(self, reason: str, note: str | None = None) -> None:
        super().__init__(reason, note)
        self.reason = reason
        self.note = note
