"""What `lengths` says of the writers' `turns` is what the writers make of the rows."""

from __future__ import annotations

from typing import get_args

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ftdata.batch import conversations, to_batches
from ftdata.checks.lengths import Lengths
from ftdata.conversation import Conversation, Message
from ftdata.writers import learned

TURNS = st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text("aé ", max_size=6))


@given(st.lists(st.lists(TURNS, max_size=6), min_size=1, max_size=5))
def test_the_cost_of_each_way_to_write_the_turns(talks: list[list[tuple[str, str]]]) -> None:
    rows = [
        Conversation(row=n, id=f"x#{n}", origin=(n,), messages=tuple(Message(role=r, content=t) for r, t in talk))
        for n, talk in enumerate(talks, 1)
    ]
    batch = pl.concat(to_batches(rows))
    found = {finding.code: finding for finding in Lengths().judge(Lengths().sketch(batch).lazy())}
    several = any(sum(role == "assistant" for role, _ in talk) > 1 for talk in talks)
    assert ("lengths-turns" in found) == several
    for how in get_args(learned.Turns) if several else ():
        written = learned.unfold(batch, how)
        messages = [m for row in conversations(written) for m in row.messages or ()]
        assert found["lengths-turns"].numbers[how] == {
            "lines": written.height,
            "characters": sum(len(m.content or "") for m in messages),
            "learnt": sum(len(m.content or "") for m in messages if m.role == "assistant" and m.weight != 0),
        }
