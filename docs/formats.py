"""The table of formats: what each reader does with its export, and the test that proves it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftdata import hooks
from ftdata.stages import Reader

TESTS = Path(__file__).parents[1] / "tests/readers"
CAPABILITIES = {
    "sniffed": "sniffed",
    "roles": "roles",
    "threads": "threads",
    "private": "private",
    "system": "system",
    "bots": "bots",
    "edits": "edited",
    "deletions": "deleted",
    "attachments": "attachments",
    "encodings": "encodings",
}


class _Marks:
    """Gathers what the marks of the collected tests say, by format."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        for mark in item.iter_markers("covers"):
            name, *what = mark.args
            if unknown := set(what) - CAPABILITIES.keys():
                raise SystemExit(f"{item.nodeid}: covers({name!r}): no such capability: {', '.join(sorted(unknown))}")
            self.found.setdefault(name, set()).update(what)


def proven() -> dict[str, set[str]]:
    """Give what the marks `@pytest.mark.covers("format", "capability", …)` of the readers' tests say, by format."""
    marks = _Marks()
    with contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "-n", "0", str(TESTS)], plugins=[marks])
    if code:
        raise SystemExit(f"the tests of the readers cannot be collected (pytest: {code})")
    return marks.found


def formats() -> Iterator[tuple[str, str, str]]:
    """Give each format: the reader, its name there, the level of evidence."""
    from ftdata.readers.help_desk.dialect import shipped

    readers = [entry.stage for entry in hooks.builtin() if issubclass(entry.stage, Reader)]
    for reader in sorted(readers, key=lambda reader: reader.name):
        if reader.name == "help-desk":
            for dialect, known in shipped().items():
                yield f"`help-desk`, dialect `{dialect}`", dialect, known.evidence
        else:
            yield f"`{reader.name}`", reader.name, getattr(reader, "evidence", "")


def table() -> str:
    """Give the table as Markdown."""
    marks = proven()
    known = {name for _, name, _ in formats()}
    if lost := sorted(marks.keys() - known):
        raise SystemExit(f"tests cover formats that no reader reads: {', '.join(lost)}")
    rows = [
        "| format | " + " | ".join(CAPABILITIES.values()) + " | evidence |",
        "|---|" + "---|" * (len(CAPABILITIES) + 1),
    ]
    for shown, name, evidence in formats():
        cells = ["yes" if one in marks.get(name, ()) else "·" for one in CAPABILITIES]
        if any(cell == "yes" for cell in cells):
            rows.append(f"| {shown} | " + " | ".join(cells) + f" | {evidence or '·'} |")
    return "\n".join(rows) + "\n"
