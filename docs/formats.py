"""The table of formats: what each reader does with its export, and the test that proves it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ftdata import hooks
from ftdata.stages import Reader

TESTS = Path(__file__).parents[1] / "tests"
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


def proven() -> dict[str, set[str]]:
    """Give what the marks `@pytest.mark.covers("format", "capability", …)` of all tests say, by format."""
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for called in ast.walk(ast.parse(path.read_text())):
            if isinstance(called, ast.Call) and isinstance(called.func, ast.Attribute) and called.func.attr == "covers":
                format_, *what = [ast.literal_eval(argument) for argument in called.args]
                unknown = set(what) - CAPABILITIES.keys()
                if unknown:
                    raise SystemExit(f"{path.name}: covers({format_!r}): no such capability: {', '.join(unknown)}")
                found.setdefault(format_, set()).update(what)
    return found


def formats() -> Iterator[tuple[str, str, str]]:
    """Give each format: the reader, its name there, the level of evidence."""
    from ftdata.readers.help_desk.dialect import shipped

    readers = [entry.stage for entry in hooks.builtin() if issubclass(entry.stage, Reader)]
    for reader in sorted(readers, key=lambda reader: reader.name):
        if reader.name == "help-desk":
            for dialect in shipped():
                yield f"`help-desk`, dialect `{dialect.name}`", dialect.name, dialect.evidence
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
