"""Every step is documented by example; what is shown is what the step does, and shows something."""

from __future__ import annotations

from typing import Any

import pytest

from ftdata import hooks
from ftdata.examples import outcomes
from ftdata.stages import Example, Stage
from ftdata.transforms.pii import TYPES, Pii
from ftdata.transforms.quality import Quality
from ftdata.transforms.turns import Turns

STEPS = [entry.stage for entry in hooks.builtin(("transform", "selector", "check"))]
EXAMPLES = [(stage, example) for stage in STEPS for example in stage.examples]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTDATA_PII_KEY", "an example of a key")


@pytest.mark.parametrize("stage", STEPS, ids=lambda stage: stage.name)
def test_every_step_has_an_example(stage: type[Stage]) -> None:
    assert stage.examples


@pytest.mark.parametrize(("stage", "example"), EXAMPLES, ids=lambda one: getattr(one, "name", None))
def test_every_example_shows_something(stage: type[Stage], example: Example) -> None:
    rows, findings = outcomes(stage, example)
    changed = [row for row in rows if row.drop or row.after != row.before]
    assert changed or findings
    assert example.says.strip()


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
