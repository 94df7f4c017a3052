"""What a selector tells its summary stands at one row, whatever the order, and is laid on none."""

from __future__ import annotations

import polars as pl

from ftdata.selectors.telling import heard, tell

SCHEMA = {"row": pl.UInt64(), "drop": pl.String()}


def test_the_lowest_row_carries_it_whatever_the_order():
    made = pl.DataFrame({"row": [7, 3, 9], "drop": ["a", "b", "c"]}, schema=SCHEMA)
    for decided in (made, made.reverse()):
        told = tell(decided, 1, {"kept": 3})
        assert told.rows() == [(3, "b", '{"kept": 3}'), (7, "a", None), (9, "c", None)]
        assert heard(told.reverse()) == {"kept": 3}


def test_where_nothing_is_decided_a_live_row_carries_it():
    told = tell(pl.DataFrame(schema=SCHEMA), 5, {"kept": {"a": 1}})
    assert told.rows() == [(5, None, '{"kept": {"a": 1}}')]
    assert heard(told) == {"kept": {"a": 1}}


def test_nothing_is_heard_where_nothing_was_told():
    assert heard(pl.DataFrame(schema=SCHEMA)) == {} == heard(tell(pl.DataFrame(schema=SCHEMA), 5, {}).clear())
