"""The card of a dataset: what its maker states, and plainly what nobody has said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.writers.hf_dataset import HfDataset

ROWS = [Conversation(messages=(user("a"), assistant("b")))]


def card(folder: Path, **fields: Any) -> tuple[dict[str, Any], str]:
    folder.mkdir(exist_ok=True)
    HfDataset(path=folder, **fields).write(to_batches(ROWS), folder)
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(front), body


def test_what_is_not_stated_is_said_to_be_unknown(tmp_path: Path) -> None:
    front, body = card(tmp_path / "a")
    assert front == {"license": "unknown"}
    for what in ("Licence", "consent of the people in them", "Lawful basis", "Personal data that may be left"):
        assert any(what in line and line.endswith(": unknown.") for line in body.splitlines()), what
    assert "Stated by" not in body and "Whom to ask" not in body


def test_what_is_stated_stands_there(tmp_path: Path) -> None:
    front, body = card(
        tmp_path / "a",
        title="Support of a shop",
        licence="cc-by-4.0",
        provenance="tickets of 2025,\nno consent asked",
        lawful_basis="legitimate interest",
        personal_data="first names",
        contact="data@example.com",
    )
    assert front == {"license": "cc-by-4.0"} and "# Support of a shop" in body
    assert "- Source of the rows, and consent of the people in them: tickets of 2025, no consent asked" in body
    assert "- Lawful basis of using them for training: legitimate interest" in body
    assert "Whom to ask: data@example.com" in body and "unknown" not in body and "Not stated" not in body


@pytest.mark.parametrize("licence", ["ours: all rights # reserved", "---", "a\nb: c", "É", "<script>"])
def test_words_cannot_break_the_card(licence: str, tmp_path: Path) -> None:
    front, body = card(tmp_path / "a", licence=licence, provenance="<img src=x> | [a](b)\n# no")
    assert front == {"license": "other", "license_name": licence}
    assert "<img" not in body and "<script" not in body and "\n# no" not in body
    assert "- Lawful basis of using them for training: unknown." in body
