from __future__ import annotations

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from ftdata.batch import to_batches
from ftdata.conversation import Conversation
from ftdata.transforms.filter import Filter


def reason(stage: Filter, meta: dict[str, Any] | None) -> str | None:
    (batch,) = to_batches([Conversation(meta=meta)])
    drop: str | None = stage.apply(batch)["drop"][0]
    return drop


@pytest.mark.parametrize(
    ("settings", "value", "expected"),
    [
        ({"where": {"k": ["solved", "closed"]}}, "solved", None),
        ({"where": {"k": ["solved", "closed"]}}, "closed ", None),
        ({"where": {"k": ["solved", "closed"]}}, "Closed", "where: k"),
        ({"where": {"k": ["solved", "closed"]}}, None, "missing: k"),
        ({"where": {"k": ["solved", "closed"]}}, "  ", "missing: k"),
        ({"where": {"k": "solved"}}, "solved", None),
        ({"where": {"k": 4}}, "4", None),
        ({"where": {"k": 4}}, "4.0", None),
        ({"where": {"k": 4}}, 4.0, None),
        ({"where": {"k": "4"}}, 4, None),
        ({"where": {"k": "007"}}, "7", "where: k"),
        ({"where": {"k": 4}}, True, "where: k"),
        ({"where": {"k": 1}}, True, "where: k"),
        ({"where": {"k": True}}, "TRUE", None),
        ({"where": {"k": True}}, True, None),
        ({"where": {"k": False}}, True, "where: k"),
        ({"where": {"k": True}}, 1, "where: k"),
        ({"where": {"k": "b"}}, ["a", "b"], None),
        ({"where": {"k": "c"}}, ["a", "b"], "where: k"),
        ({"where": {"k": "c"}}, [], "missing: k"),
        ({"where": {"k": "c"}}, {"c": "c"}, "where: k"),
        ({"where": {"k": 123456789012345678901234}}, 123456789012345678901235, "where: k"),
        ({"min": {"k": 4}}, "4", None),
        ({"min": {"k": 4}}, 4.5, None),
        ({"min": {"k": 4}}, "3.99", "min: k"),
        ({"min": {"k": 4}}, "good", "not a number: k"),
        ({"min": {"k": 4}}, True, "not a number: k"),
        ({"min": {"k": 4}}, "nan", "not a number: k"),
        ({"min": {"k": 4}}, "1_000", "not a number: k"),
        ({"min": {"k": 4}}, "", "missing: k"),
        ({"min": {"k": 0}}, 0, None),
        ({"max": {"k": 4}}, "4", None),
        ({"max": {"k": 4}}, 5, "max: k"),
        ({"after": {"k": "2026-01-01"}}, "2026-01-01", None),
        ({"after": {"k": "2026-01-01"}}, "2025-12-31T23:59:59Z", "after: k"),
        ({"after": {"k": "2026-01-01"}}, "2025-12-31T23:59:59-03:00", None),
        ({"after": {"k": "2026-01-01"}}, "2026-01-01 12:00:00 UTC", None),
        ({"after": {"k": "2026-01-01"}}, "Thu, 01 Jan 2026 00:00:00 +0000", None),
        ({"after": {"k": "2026-01-01"}}, 1767225600, None),
        ({"after": {"k": "2026-01-01"}}, 1767225599, "after: k"),
        ({"after": {"k": "2026-01-01"}}, "1767225600000", None),
        ({"after": {"k": "2026-01-01"}}, 1767225600000000, None),
        ({"after": {"k": "2026-01-01"}}, "20260101", None),
        ({"after": {"k": "2026-01-01"}}, "01/02/2026", "not a date: k"),
        ({"after": {"k": "2026-01-01"}}, 2026, "not a date: k"),
        ({"before": {"k": "2026-01-01"}}, "2026-01-01", "before: k"),
        ({"before": {"k": "2026-01-01"}}, "2025-12-31", None),
        ({"contains": {"k": ["refund", "ÄNDERUNG"]}}, "Please REFUND me", None),
        ({"contains": {"k": ["refund", "ÄNDERUNG"]}}, "eine änderung", None),
        ({"contains": {"k": "refund"}}, "hello", "contains: k"),
        ({"contains": {"k": "vip"}}, ["new", "VIP-1"], None),
    ],
)
def test_table(settings: dict[str, Any], value: Any, expected: str | None) -> None:
    assert reason(Filter(**settings), {"k": value, "other": 1}) == expected


def test_rows_without_the_key_or_any_meta() -> None:
    stage = Filter(where={"k": "a"})
    assert reason(stage, None) == "missing: k"
    assert reason(stage, {}) == "missing: k"
    assert reason(stage, {"K": "a"}) == "missing: k"


def test_paths_and_keys_with_dots() -> None:
    assert reason(Filter(where={"a.b": "x"}), {"a": {"b": "x"}}) is None
    assert reason(Filter(where={"a.b": "x"}), {"a.b": "x"}) is None
    assert reason(Filter(where={"a.b.c": "x"}), {"a.b": {"c": "x"}}) is None
    assert reason(Filter(where={"a.b": "x"}), {"a": "x"}) == "missing: a.b"
    assert Filter(where={"a.b": "x"}).reads_meta() == {"a", "a.b"}


def test_all_tests_must_pass_and_missing_comes_first() -> None:
    stage = Filter(where={"status": "solved"}, min={"csat": 4})
    assert reason(stage, {"status": "solved", "csat": 5}) is None
    assert reason(stage, {"status": "open", "csat": 5}) == "where: status"
    assert reason(stage, {"status": "solved", "csat": 1}) == "min: csat"
    assert reason(stage, {"status": "open"}) == "missing: csat"


def test_natural_in_toml() -> None:
    table = tomllib.loads(
        'where = { status = ["solved"], address.city = "Rio" }\nafter.created = 2026-01-01\n'
        "before = { created = 2026-02-01T00:00:00Z }"
    )
    stage = Filter(**table)
    assert stage.model_dump(mode="json")["where"] == {"status": ["solved"], "address.city": ["Rio"]}
    assert stage.model_dump(mode="json")["after"] == {"created": "2026-01-01"}
    meta = {"status": "solved", "address": {"city": "Rio"}, "created": "2026-01-31 23:59:59"}
    assert reason(stage, meta) is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "tests nothing"),
        ({"where": {"k": []}}, "k: must be one or several"),
        ({"where": {"k": [None]}}, "k: must be one or several"),
        ({"where": {"k": " "}}, "k: a blank value counts as missing"),
        ({"where": ["k"]}, "must be a table"),
        ({"min": {"k": "4"}}, "'4' is not a number; write it without quotes"),
        ({"max": {"k": True}}, "True is not a number"),
        ({"min": {"k": float("inf")}}, "inf is not a number"),
        ({"after": {"k": "01/02/2026"}}, "'01/02/2026' is not a date; write it as 2026-01-31"),
        ({"contains": {"k": 4}}, "k: must be one or several texts"),
        ({"when": {"k": 4}}, "Extra inputs"),
    ],
)
def test_mistakes_are_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=r"(?s).*") as caught:
        Filter(**settings)
    assert told in str(caught.value)


def test_a_key_that_no_row_has_is_told_with_the_keys_seen() -> None:
    stage = Filter(where={"statuz": "solved"})
    told = stage.verify({"missing: statuz": 3}, 3, ["status", "csat"])
    assert told is not None
    assert "'statuz'" in told and "did you mean 'status'?" in told and "Keys seen: csat, status" in told
    assert "blank in every row" in (Filter(where={"a": "x"}).verify({"missing: a": 2}, 2, ["a"]) or "")
    nested = Filter(where={"a.b": "x"})
    assert "no row has the meta key 'a.b'" in (nested.verify({"missing: a.b": 2}, 2, ["a"]) or "")
    assert nested.verify({"missing: a.b": 1}, 2, ["a"]) is None
    assert stage.verify({"missing: statuz": 2, "where: statuz": 1}, 3, ["statuz"]) is None
    assert stage.verify({}, 0, []) is None
    # The second key is missing everywhere too, but the first was blamed in one row.
    both = Filter(where={"a": "x", "b": "x"})
    assert "'b'" in (both.verify({"missing: a": 1, "missing: b": 2}, 3, ["a"]) or "")
    # The keys are a sample: a row that was judged had the key, whether it was seen or not.
    assert both.verify({"missing: a": 1, "where: b": 2}, 3, ["a"]) is None
    assert both.verify({"missing: a": 1, "missing: b": 2}, 3, ["a", "b"]) is None


def test_a_long_key_makes_a_short_reason() -> None:
    key = "How satisfied were you with the way in which our team handled your request today?"
    given = reason(Filter(min={key: 4}), {"x": 1})
    assert given is not None and len(given) <= 80
    assert "no row has" in (Filter(min={key: 4}).verify({given: 1}, 1, ["x"]) or "")
