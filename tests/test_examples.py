"""Every step is documented by example; what is shown is what the step does, and shows something."""

from __future__ import annotations

from typing import Any

import pytest

from ftdata import hooks
from ftdata.examples import outcomes
from ftdata.stages import Stage
from ftdata.transforms.pii import TYPES, Pii
from ftdata.transforms.quality import Quality
from ftdata.transforms.turns import Turns

STEPS = [entry.stage for entry in hooks.builtin(("transform", "selector", "check"))]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTDATA_PII_KEY", "an example of a key")


@pytest.mark.parametrize("stage", STEPS, ids=lambda stage: stage.name)
def test_every_step_shows_what_it_does(stage: type[Stage]) -> None:
    shown = [outcomes(stage, example) for example in stage.examples]
    assert all(example.says.strip() for example in stage.examples)
    assert any(findings or any(row.drop or row.after != row.before for row in rows) for rows, findings in shown)


def _told(stage: type[Stage]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for example in stage.examples:
        for row in outcomes(stage, example)[0]:
            for code in (row.drop, *row.after.flags):
                found.setdefault(code, row)
            for counted in (row.note or "").split(", "):
                found.setdefault(counted.rpartition(" ")[0], row)
    return found


def test_every_rule_has_an_example() -> None:
    codes = {name.replace("_", "-") for name in Quality.model_fields}
    assert codes <= {code.removesuffix(" repaired") for code in _told(Quality) if code}
    assert {name.replace("_", "-") for name in Turns.model_fields} <= _told(Turns).keys()
    assert {type.upper().replace("-", "_") for type in TYPES} <= _told(Pii).keys()
