"""Findings as SARIF 2.1.0, which code scanners and editors read.

Source: OASIS Standard, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, sections 3.13 (log), 3.19
(tool component), 3.27 (result), 3.30 (region) and 3.49 (reporting descriptor), checked 2026-11-21. A finding about a
whole file has no region; a logical location gives the path inside the row.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from ftdata.targets import Rule
from ftdata.targets.lines import LineFinding

_LEVELS = {"error": "error", "warn": "warning"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(findings: Sequence[LineFinding], rules: Iterable[Rule], version: str) -> dict[str, Any]:
    """Give one log with one run: the rules that were broken, and a result for each finding.

    `rules` are those of the targets asked for; `version` is that of the tool.
    """
    broken = {finding.code for finding in findings}
    used = list({rule.code: rule for rule in rules if rule.code in broken}.values())
    index = {rule.code: at for at, rule in enumerate(used)}
    driver = {
        "name": "ftdata",
        "version": version,
        "semanticVersion": version,
        "rules": [_descriptor(rule) for rule in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, index) for f in findings],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _descriptor(rule: Rule) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": rule.code,
        "shortDescription": {"text": rule.what},
        "help": {"text": f"{rule.fix} ({rule.evidence}: {rule.source})"},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"evidence": rule.evidence, "checked": rule.source.checked.isoformat()},
    }
    return told | ({"helpUri": rule.source.url} if rule.source.url else {})


def _result(finding: LineFinding, index: dict[str, int]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(os.fsencode(finding.file))}}
    if finding.line is not None:
        region = {"startLine": finding.line}
        physical["region"] = region | ({"startColumn": finding.column} if finding.column is not None else {})
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "member"}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.level],
        "message": {"text": f"{finding.cause}; {finding.fix}"},
        "locations": [location],
        "properties": {"target": finding.target, "evidence": finding.evidence, "fixable": finding.fixable},
    }
    return result | ({"ruleIndex": index[finding.code]} if finding.code in index else {})
