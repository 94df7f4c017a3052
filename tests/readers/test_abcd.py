"""ABCD: pairs of speaker and text; actions stay out, the lower-cased copy is not read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ftdata.batch import conversations
from ftdata.readers.abcd import Abcd
from ftdata.source import Source
from ftdata.testing import check_reader

SHARED = Path(__file__).parents[3] / "shared/data/chats/abcd/abcd_sample.json"
TALKS = [
    {
        "convo_id": 7,
        "scenario": {"personal": {"customer_name": "CANARY"}, "flow": "returns", "subflow": "size"},
        "original": [
            ["agent", "Hi!"],
            ["customer", "wrong size"],
            ["action", "CANARY pulled up"],
            ["agent", "let me see"],
            ["agent", "a label is on its way"],
            ["customer", "thanks"],
        ],
        "delexed": [{"speaker": "agent", "text": "CANARY hi!"}],
    },
    {"convo_id": 8, "original": [["customer", "help"], ["robot", "CANARY"], "CANARY", ["agent", "yes?"]]},
    5,
]


def read(path: Path, **fields: Any) -> tuple[list[Any], dict[str, int]]:
    live, gone = [], dict[str, int]()
    with Source(path) as source:
        for batch in Abcd.model_validate({"path": path, **fields}).read(source):
            assert "CANARY" not in str(batch.rows())
            for row in conversations(batch):
                if row.drop is None:
                    live.append((row.meta, [(m.role, m.content) for m in row.messages or ()]))
                else:
                    gone[row.drop] = gone.get(row.drop, 0) + len(row.origin)
        assert sum(gone.values()) <= source.handed
    return live, gone


@pytest.mark.covers("abcd", "sniffed", "roles", "system")
@pytest.mark.parametrize("form", ["array", "splits"])
def test_actions_and_copies_stay_out(tmp_path: Path, form: str) -> None:
    path = tmp_path / "abcd.json"
    path.write_text(json.dumps(TALKS if form == "array" else {"train": TALKS[:1], "dev": [], "test": TALKS[1:2]}))
    with Source(path) as source:
        found = Abcd.sniff(source)
    assert found is not None and found.refusal is None and found.counts["system-line"] == 1
    live, gone = read(path)
    assert live == [
        (
            {"ticket": 7, "type": "returns", "subject": "size"},
            [("user", "wrong size"), ("assistant", "let me see\n\na label is on its way")],
        ),
        ({"ticket": 8}, [("user", "help"), ("assistant", "yes?")]),
    ]
    left = {"preamble": 2, "system-line": 1, "unknown-role": 1, "not-an-object": 2, "leading-agent": 1}
    left["trailing-user"] = 1
    assert gone == (left if form == "array" else {**left, "not-an-object": 1})
    check_reader(Abcd(path=path))


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_sample_that_the_authors_give() -> None:
    live, gone = read(SHARED)
    assert (len(live), gone) == (3, {"preamble": 3, "system-line": 9, "leading-agent": 3, "trailing-user": 1})
