"""The contract kit: one line in a plugin's tests proves that its stage keeps the rules that ftdata relies on.

    from ftdata.testing import check_transform

    def test_contract():
        check_transform(MaskOrders(prefix="LM-"))

Each function runs the stage on rows that are hard on purpose (`hard_rows`: null and empty contents, no messages, parts,
tool calls, preference rows, emoji, right-to-left text …), then, if given, on rows or files of your own. What does not
hold is raised as an `AssertionError` of one sentence: the stage, the clause, what happened, the remedy. ftdata runs the
same functions on all its own stages.

The stage must be defined in a module that can be imported: part of the proof happens in a second process.
"""

from __future__ import annotations

from ftdata.testing.ends import check_reader, check_writer
from ftdata.testing.rows import CANARY, hard_rows
from ftdata.testing.steps import check_check, check_selector, check_transform
from ftdata.testing.training import check_trainer

__all__ = [
    "CANARY",
    "check_check",
    "check_reader",
    "check_selector",
    "check_trainer",
    "check_transform",
    "check_writer",
    "hard_rows",
]
