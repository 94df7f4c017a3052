"""A log in which each message names the one that it answers: each path is a conversation, each record has one owner."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.batch import conversations
from ftdata.readers import stitch
from ftdata.readers.chat_log import ChatLog
from ftdata.source import Source

TWEETS = """tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id
8,115712,False,Tue Oct 31 22:10:47 +0000 2017,please write to us,9,3
3,115712,True,Tue Oct 31 22:08:27 +0000 2017,no one is responding,8,4
4,sprint,False,Tue Oct 31 21:54:49 +0000 2017,send a private message,"3,10",7
7,115712,True,Tue Oct 31 21:45:10 +0000 2017,how do I do that,4,
9,115712,True,Tue Oct 31 22:11:45 +0000 2017,the worst service,,8
10,115713,True,Tue Oct 31 22:00:00 +0000 2017,the same here,11,4
11,sprint,False,Tue Oct 31 22:01:00 +0000 2017,sorry for that,,10
14,apple,False,Tue Oct 31 22:02:00 +0000 2017,an answer to nobody,,99
"""


def read(path: Path, **fields: Any) -> list[Any]:
    reader = ChatLog.model_validate({"path": path, **fields})
    with Source(path, first=101, scratch=path.parent) as source:
        rows = [row for batch in reader.read(source) for row in conversations(batch)]
        handed = source.handed
    assert sorted(n for row in rows for n in row.origin) == list(range(101, 101 + handed))
    return sorted(rows, key=lambda row: row.origin[0])


@pytest.mark.covers("chat-log", "threads")
def test_tweets_are_read_path_by_path(tmp_path: Path) -> None:
    path = tmp_path / "twcs.csv"
    path.write_text(TWEETS)
    with Source(path) as source:
        found = ChatLog.sniff(source)
    assert found is not None and found.confidence > 0.5 and found.refusal is None
    assert found.fields["id"] == "tweet_id" and found.fields["parent"] == "in_response_to_tweet_id"
    rows = read(path)
    live = [row for row in rows if row.drop is None]
    assert [[m.content for m in row.messages or ()] for row in live] == [
        ["how do I do that", "send a private message", "the same here", "sorry for that"],
        ["how do I do that", "send a private message", "no one is responding", "please write to us"],
    ] or [[m.content for m in row.messages or ()] for row in live] == [
        ["how do I do that", "send a private message", "no one is responding", "please write to us"],
        ["how do I do that", "send a private message", "the same here", "sorry for that"],
    ]
    assert sorted((row.origin, row.shares) for row in live) == [((101, 102), (103, 104)), ((103, 104, 106, 107), None)]
    assert sorted(str(row.drop) for row in rows if row.drop) == ["no-user", "trailing-user"]


NODES = st.lists(
    st.tuples(st.integers(-1, 30), st.sampled_from("uuaaab"), st.integers(0, 5), st.booleans()), min_size=1, max_size=14
)


def expected(nodes: list[tuple[int, str, int, bool]]) -> list[list[tuple[str, str]]]:
    """Walk the tree by the book: skip what may not be read, cut each path to first user .. last assistant."""
    count = len(nodes)

    def up(i: int) -> int | None:
        parent = nodes[i][0]
        return parent if 0 <= parent < count and parent != i else None

    def loops(i: int) -> bool:
        seen, at = {i}, up(i)
        while at is not None:
            if at in seen:
                return True
            seen.add(at)
            at = up(at)
        return False

    def quiet(i: int) -> bool:
        return nodes[i][3] or nodes[i][1] == "b"

    live = [i for i in range(count) if not quiet(i) and not loops(i)]

    def live_up(i: int) -> int | None:
        at = up(i)
        while at is not None and quiet(at):
            at = up(at)
        return at

    leaves = set(live) - {live_up(i) for i in live}
    found = set()
    for leaf in leaves:
        path: list[int] = []
        at: int | None = leaf
        while at is not None:
            path.insert(0, at)
            at = live_up(at)
        roles = ["user" if nodes[i][1] == "u" else "assistant" for i in path]
        if "user" in roles and "assistant" in roles:
            begin, end = roles.index("user"), len(roles) - 1 - roles[::-1].index("assistant")
            if begin < end:
                found.add(tuple(path[begin : end + 1]))
    # What is the beginning of another path teaches nothing of its own.
    kept = [path for path in found if not any(other[: len(path)] == path and other != path for other in found)]
    return sorted([("user" if nodes[i][1] == "u" else "assistant", f"text {i}") for i in path] for path in kept)


@pytest.mark.parametrize("memory", [None, 0])
@settings(max_examples=150, deadline=None)
@given(nodes=NODES)
def test_paths_are_those_of_the_tree(tmp_path_factory: Any, memory: int | None, nodes: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("tree")
    path = folder / "log.jsonl"
    kinds = {"u": "customer", "a": "agent", "b": "bot"}
    lines = [
        {"id": f"m{i}", "parent_id": f"t1_m{parent}" if parent >= 0 else "", "role": kinds[kind], "body": f"text {i}"}
        | {"created_at": f"2025-01-01T10:00:0{second}", "private": private}
        for i, (parent, kind, second, private) in enumerate(nodes)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    stated = {"id": "id", "parent": "parent_id", "role": "role", "body": "body", "time": "created_at", "merge": False}
    before, stitch.MEMORY = stitch.MEMORY, stitch.MEMORY if memory is None else memory
    try:
        rows = read(path, visibility="private", **stated)
    finally:
        stitch.MEMORY = before
    live = [row for row in rows if row.drop is None]
    assert sorted([(m.role, m.content) for m in row.messages or ()] for row in live) == expected(nodes)
    for row in live:
        carried = sorted([*row.origin, *(row.shares or ())])
        assert [f"text {n - 101}" for n in carried] == sorted(
            (str(m.content) for m in row.messages or ()), key=lambda text: int(text.split()[1])
        )
        assert not set(row.origin) & set(row.shares or ())
    assert not list(folder.glob("*/messages-*"))


def test_a_comb_of_a_tree_does_not_explode(tmp_path: Path) -> None:
    path = tmp_path / "comb.csv"
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["id", "reply_to", "role", "text", "time"])
        for n in range(3000):
            out.writerow(
                [f"s{n}", f"s{n - 1}" if n else "", "customer" if n % 2 == 0 else "agent", f"spine {n}", 1700000000 + n]
            )
            out.writerow([f"l{n}", f"s{n}", "agent", f"leaf {n}", 1700000000 + n])
    rows = read(path)
    assert any(row.drop == "other-branch" for row in rows)
    assert sum(len(row.messages or ()) for row in rows) < 64 * 6000 + 20_000
