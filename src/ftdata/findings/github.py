"""Findings as annotations that GitHub shows beside the lines of a change.

Source: GitHub documentation, "Workflow commands for GitHub Actions", setting a warning or error message (checked
2026-11-21): `::error file=…,line=…,col=…,title=…::message`, where the message escapes `%`, CR and LF, a property also
`:` and `,`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ftdata.targets.lines import LineFinding

_COMMANDS = {"error": "error", "warn": "warning"}


def commands(findings: Sequence[LineFinding]) -> list[str]:
    """Give a workflow command for each finding."""
    return [_annotation(finding) for finding in findings]


def _annotation(finding: LineFinding) -> str:
    fields = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.code}
    told = ",".join(f"{key}={_property(str(value))}" for key, value in fields.items() if value is not None)
    at = f"{finding.path}: " if finding.path else ""
    return f"::{_COMMANDS[finding.level]} {told}::{_message(f'{at}{finding.cause}; {finding.fix}')}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
