from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from ftdata.batch import to_batches
from ftdata.checks.private_data import PrivateData
from ftdata.conversation import Conversation, assistant, user
from ftdata.examples import outcomes
from ftdata.stages import Finding
from ftdata.transforms.pii import Pii


def judged(*texts: str, meta: dict[str, Any] | None = None, **fields: Any) -> list[Finding]:
    (batch,) = to_batches([Conversation(messages=(user(text), assistant("ok")), meta=meta) for text in texts])
    check = PrivateData(**fields)
    parts = pl.concat([check.sketch(batch.slice(at, 1)) for at in range(batch.height)])
    whole = check.judge(check.sketch(batch).lazy())
    assert check.judge(parts.lazy()) == whole
    return whole


@pytest.mark.parametrize("scanner", ["first", "second", "both"])
def test_counts_by_type(scanner: str) -> None:
    (finding,) = judged("ana@corp.io a@corp.io", "4111 1111 1111 1111", "hello", scanner=scanner, level="error")
    assert finding.level == "error" and finding.code == "not-scrubbed"
    assert finding.numbers == {"email": {"values": 2, "rows": 1}, "card": {"values": 1, "rows": 1}}


@pytest.mark.parametrize("scanner", ["first", "second", "both"])
def test_nothing_is_said_of_scrubbed_rows(scanner: str) -> None:
    (batch,) = to_batches([Conversation(messages=(user("ana@corp.io, 529.982.247-25, +55 11 98765-4321"),))])
    check = PrivateData(scanner=scanner)
    assert check.judge(check.sketch(Pii().apply(batch)).lazy()) == []


def test_the_second_scanner_is_only_heard_where_it_is_sure_and_knows_no_names() -> None:
    assert judged("Hi Anna,", "ana@example.com", scanner="second") == []
    assert judged("Hi Anna,", scanner="first") != []


def test_meta_counts_as_far_as_it_is_written() -> None:
    meta = {"customer": "ana@corp.io", "cc": "b@corp.io"}
    for scanner in ("first", "second"):
        assert judged("x", meta=meta, scanner=scanner) == []
        assert judged("x", meta=meta, scanner=scanner, written=("cc",))[0].numbers["email"]["values"] == 1
        assert judged("x", meta=meta, scanner=scanner, written=("*",))[0].numbers["email"]["values"] == 2


@pytest.mark.parametrize("example", PrivateData.examples, ids=lambda example: example.says[:30])
def test_examples(example: Any) -> None:
    _, findings = outcomes(PrivateData, example)
    assert [finding.code for finding in findings] == ["not-scrubbed"]
