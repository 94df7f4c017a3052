"""Stitching: order, merging, ends; the same bytes in memory and through partition files."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.batch import SCHEMA, conversations
from ftdata.readers import stitch as module
from ftdata.readers.stitch import Rules, Stitch

Given = tuple[str, str, int | None]  # key, role, time


def run(messages: list[Given], scratch: Path | None = None, rules: Rules | None = None, **more: Any) -> pl.DataFrame:
    stitch = Stitch(rules or Rules(), scratch, **more)
    for record, (key, role, time) in enumerate(messages, 1):
        when = None if time is None else (time, time)
        stitch.add(record, key, role, f"t{record}", time=when, meta=f'{{"r":{record}}}')
    found = list(stitch.batches(True))
    assert all(batch.schema == SCHEMA and batch.height <= 4096 for batch in found)
    return pl.concat(found) if found else pl.DataFrame(schema=SCHEMA)


def oracle(messages: list[Given]) -> dict[tuple[int, ...], tuple[str | None, list[tuple[str, str]]]]:
    """Do the same with plain lists: owned records -> reason, turns."""
    tickets: dict[str, list[tuple[int, str, int | None]]] = {}
    for record, (key, role, time) in enumerate(messages, 1):
        tickets.setdefault(key, []).append((record, role, time))
    rows: dict[tuple[int, ...], tuple[str | None, list[tuple[str, str]]]] = {}
    for talk in tickets.values():
        if all(time is not None for _, _, time in talk):
            talk = sorted(talk, key=lambda one: (one[2], one[0]))
        roles = [role for _, role, _ in talk]
        everything = tuple(sorted(record for record, _, _ in talk))
        if "assistant" not in roles or "user" not in roles:
            rows[everything] = ("no-user" if "user" not in roles else "no-assistant", [])
            continue
        begin = roles.index("user")
        end = len(roles) - 1 - roles[::-1].index("assistant")
        if end < begin:
            rows[everything] = ("no-answer", [])
            continue
        for record, _, _ in talk[:begin]:
            rows[(record,)] = ("leading-agent", [])
        for record, _, _ in talk[end + 1 :]:
            rows[(record,)] = ("trailing-user", [])
        turns: list[tuple[str, str]] = []
        for record, role, _ in talk[begin : end + 1]:
            if turns and turns[-1][0] == role:
                turns[-1] = (role, f"{turns[-1][1]}\n\nt{record}")
            else:
                turns.append((role, f"t{record}"))
        rows[tuple(sorted(record for record, _, _ in talk[begin : end + 1]))] = (None, turns)
    return rows


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["user", "assistant"]),
        st.one_of(st.integers(0, 9), st.sampled_from([None, 1, 2, 3])),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_equals_plain_lists(messages: list[Given]) -> None:
    frame = run(messages)
    found = {row.origin: (row.drop, [(m.role, m.content) for m in row.messages or ()]) for row in conversations(frame)}
    assert found == oracle(messages)
    firsts = [row.origin[0] for row in conversations(frame)]
    assert firsts == sorted(firsts)
    assert sorted(n for row in conversations(frame) for n in row.origin) == list(range(1, len(messages) + 1))


def many(seed: int, count: int) -> list[Given]:
    pick = random.Random(seed)
    return [
        (str(pick.randrange(count // 5)), pick.choice(["user", "assistant"]), pick.randrange(10**6) if i % 97 else None)
        for i in range(count)
    ]


@pytest.mark.parametrize("parts", [1, 7, 64])
def test_partition_files_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    messages = many(1, 20_000)
    whole = run(messages)
    monkeypatch.setattr(module, "_FLUSH_ROWS", 1500)
    parted = run(messages, tmp_path, memory=1, parts=parts)
    assert parted.equals(whole)
    assert not list(tmp_path.iterdir())  # the scratch files are gone


def test_scratch_files_are_private_and_go_when_the_reader_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FLUSH_ROWS", 10)
    stitch = Stitch(Rules(), tmp_path, memory=1)
    for record in range(100):
        stitch.add(record, str(record), "user", "text")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and all(file.stat().st_mode & 0o077 == 0 for file in files)
    stitch.close()
    assert not list(tmp_path.iterdir())


def test_turns_may_stay_apart() -> None:
    frame = run([("a", "user", 1), ("a", "user", 2), ("a", "assistant", 3)], rules=Rules(join=None))
    assert [[m.role for m in row.messages or ()] for row in conversations(frame)] == [["user", "user", "assistant"]]


def test_a_missing_time_keeps_file_order_and_is_flagged() -> None:
    (row,) = conversations(run([("a", "user", 5), ("a", "assistant", None), ("a", "assistant", 1)]))
    assert [m.content for m in row.messages or ()] == ["t1", "t2\n\nt3"]
    assert row.flags == ("unparsed-time",)


@pytest.mark.parametrize(
    ("day_first", "order", "flags"), [(True, "ba", ()), (False, "ab", ()), (None, "ab", ("ambiguous-time",))]
)
def test_day_or_month(day_first: bool | None, order: str, flags: tuple[str, ...]) -> None:
    stitch = Stitch(Rules())
    stitch.add(1, "k", "user", "a", time=(20, 10))
    stitch.add(2, "k", "user", "b", time=(10, 20))
    stitch.add(3, "k", "assistant", "c", time=(30, 30))
    (row,) = conversations(next(iter(stitch.batches(day_first))))
    assert (row.messages or ())[0].content == "\n\n".join(order)
    assert row.flags == flags


def test_meta_and_title_come_from_the_first_turn() -> None:
    stitch = Stitch(Rules())
    stitch.add(1, "k", "assistant", "b", time=(3, 3), meta='{"n":1}', title="no")
    stitch.add(2, "k", "user", "a", time=(2, 2), meta='{"n":2}', title="Printer")
    (row,) = conversations(next(iter(stitch.batches())))
    assert row.meta == {"n": 2}
    assert [m.content for m in row.messages or ()] == ["Printer\n\na", "b"]


def test_batches_hold_at_most_eight_megabytes(tmp_path: Path) -> None:
    stitch = Stitch(Rules(), tmp_path, memory=1 << 20)
    for record in range(1, 61):
        stitch.add(record, str((record + 1) // 2), "user" if record % 2 else "assistant", "x" * 500_000)
    heights = [batch.height for batch in stitch.batches()]
    assert sum(heights) == 30 and max(heights) <= 8


def test_a_message_that_the_export_holds_twice_is_said_once() -> None:
    """The same role, words and time in one conversation are one message; the same words later are not."""
    stitch = Stitch(Rules())
    told = [("user", "Hi", 1), ("assistant", "Yes?", 2), ("user", "Hi", 3), ("assistant", "Yes?", 4)]
    for record, (role, text, time) in enumerate([*told, *told[:2], ("user", "Hi", None)], 1):
        stitch.add(record, "a" if time else "b", role, text, time=None if time is None else (time, time))
    rows = pl.concat(stitch.batches(True))
    spoken = [[m.content for m in c.messages or ()] for c in conversations(rows) if c.drop is None]
    assert spoken == [["Hi", "Yes?", "Hi", "Yes?"]]
    assert sorted(rows.select("origin", "drop").rows(), key=lambda row: row[0]) == [
        ([1, 2, 3, 4], None),
        ([5], "repeated-message"),
        ([6], "repeated-message"),
        ([7], "no-assistant"),
    ]
