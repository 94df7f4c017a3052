"""What is shown of the findings of a file: a grid of rules and targets, plain lines, JSON, SARIF, annotations.

Pure functions over `LineFinding` values: nothing here reads a file or prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ftdata.targets.lines import LineFinding
from ftdata.wording import inline

FORMATS = ("text", "json", "sarif", "github")
"""The forms in which `ftdata check` tells its findings."""


def short(code: str, target: str) -> str:
    """Give the name of a rule without its target: `openai-last-message` is `last-message`, as for every other."""
    return code.removeprefix(f"{target}-")


def place(finding: LineFinding) -> str:
    """Say where a finding stands: `file:line`, with the column of a line that is no JSON; for the file its name."""
    parts = [inline(finding.file), *(str(n) for n in (finding.line, finding.column) if n is not None)]
    return ":".join(parts)


def lines(findings: Sequence[LineFinding]) -> list[str]:
    """Give one line for each finding: `file:line  level  CODE  path  cause; fix`."""
    return [f"{place(f)}  {f.level}  {f.code}  {f.path or '-'}  {f.cause}; {f.fix}{_able(f)}" for f in findings]


def _able(finding: LineFinding) -> str:
    return {"yes": " [--fix]", "lossy": " [--fix --allow-lossy]"}.get(finding.fixable, "")


def objects(findings: Sequence[LineFinding]) -> list[dict[str, Any]]:
    """Give the findings as values for JSON."""
    return [finding.as_json() for finding in findings]
