"""Claude exports: words and what is none, order by time or by links, branches, attachments."""

from __future__ import annotations

import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from native_reading import CANARY, SHARED, damaged, drops, read, same_in_any_size, sniffed, talks, write

from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.claude import Claude

REAL = SHARED / "claude"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the files of others are not here")
TOP = "00000000-0000-4000-8000-000000000000"
UNSHOWN = "```\nThis block is not supported on your current device yet.\n```"


def words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "citations": []}


def said(minute: int, sender: str, text: str, *blocks: Any, **more: Any) -> dict[str, Any]:
    """A message as the export writes it: text and, unless blocks are given, one block that says the same."""
    when = f"2024-11-02T10:{minute:02}:00.123456Z"
    content = list(blocks) or [words(text)]
    base = {"uuid": f"m{minute}", "text": text, "content": content, "sender": sender, "created_at": when}
    return {**base, "updated_at": when, "attachments": [], "files": [], **more}


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    head = {"uuid": "c1", "name": "A title", "created_at": "2024-11-02T10:00:00Z", "account": {"uuid": CANARY}}
    return {**head, "chat_messages": list(messages), **more}


def rows_of(place: Path, *chats: Any, **fields: Any) -> list[Conversation]:
    return read(Claude, write(place / "conversations.json", list(chats)), **fields)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("claude", "roles")
@pytest.mark.covers("claude", "private")
@pytest.mark.covers("claude", "system")
def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    thought = {"type": "thinking", "thinking": CANARY, "summaries": [{"summary": CANARY}]}
    call = {"type": "tool_use", "name": "repl", "input": {"code": CANARY}}
    result = {"type": "tool_result", "name": "repl", "content": [words(CANARY)]}
    messages = [
        said(1, "assistant", f"{CANARY} greets first"),
        said(2, "human", "How?"),
        said(3, "assistant", f"{CANARY}{UNSHOWN}", thought, words("I look."), call, result, words("Like this.")),
        None,
        said(5, "assistant", CANARY, thought),
        said(6, "assistant", CANARY, thought, call, result),
        said(7, "assistant", "", {"type": "image", "file": CANARY}),
        said(8, "human", "", words(""), files=[{"file_name": CANARY}]),
        said(9, "human", "", words("")),
        said(10, "system", CANARY),
        said(11, "robot", CANARY),
        said(12, "human", "And then?"),
        said(13, "assistant", "That is all."),
        said(14, "human", f"{CANARY} thanks"),
    ]
    rows = rows_of(tmp_path, chat(*messages))
    assert talks(rows) == [["u:How?", "a:I look.\n\nLike this.", "u:And then?", "a:That is all."]]
    assert drops(rows) == {
        None: 4,
        "preamble": 1,
        "leading-agent": 1,
        "not-an-object": 1,
        "thinking": 1,
        "tool-output": 1,
        "not-text": 2,
        "empty-text": 1,
        "system-line": 1,
        "unknown-role": 1,
        "trailing-user": 1,
    }
    assert next(row for row in rows if row.drop is None).meta == {
        "subject": "A title",
        "chat": "c1",
        "created_at": "2024-11-02T10:00:00Z",
    }
    assert CANARY not in repr(rows)


def test_older_exports_have_the_text_alone(tmp_path: Path) -> None:
    messages = [
        said(1, "human", "How?"),
        said(2, "assistant", f"First.\n{UNSHOWN}\nThen."),
        said(3, "assistant", UNSHOWN),
    ]
    for message in messages:
        del message["content"]
    rows = rows_of(tmp_path, chat(*messages))
    assert talks(rows) == [["u:How?", "a:First.\n\nThen."]]
    assert drops(rows)["empty-text"] == 1
    messages[0]["content"] = []  # no blocks at all
    assert talks(rows_of(tmp_path, chat(*messages))) == talks(rows)


@pytest.mark.covers("claude", "attachments")
def test_attached_texts_are_counted_or_kept(tmp_path: Path) -> None:
    pasted = [{"file_name": "", "file_type": "txt", "extracted_content": "line of a log"}, {"extracted_content": ""}]
    messages = [
        said(1, "human", "Why does it fail?", attachments=pasted),
        said(2, "assistant", "It is full."),
        said(3, "human", "", words(""), attachments=pasted),
        said(4, "assistant", "That too."),
    ]
    rows = rows_of(tmp_path, chat(*messages))
    assert talks(rows) == [["u:Why does it fail?", "a:It is full.\n\nThat too."]]
    flags = ("attachments-left-out", "question-left-out")
    assert [row.flags for row in rows if row.drop is None] == [flags]
    assert drops(rows)["not-text"] == 1
    rows = rows_of(tmp_path, chat(*messages), attachments=True)
    assert talks(rows) == [["u:Why does it fail?\n\nline of a log", "a:It is full.", "u:line of a log", "a:That too."]]
    assert [row.flags for row in rows if row.drop is None] == [()]


@pytest.mark.covers("claude", "system")
def test_thoughts_and_artifacts_in_the_text(tmp_path: Path) -> None:
    artifact = '<antArtifact identifier="a" type="text/markdown" title="A">\n# Plan\n\n1. x\n</antArtifact>'
    messages = [
        said(1, "human", "Use <antThinking>this</antThinking>?"),
        said(2, "assistant", f"Here.\n\n<antThinking>{CANARY}\n{CANARY}</antThinking>\n\n{artifact}\n\nDone."),
        said(3, "assistant", f"<antThinking>{CANARY}"),
        said(4, "human", "And the mark?"),
        said(5, "assistant", "It is `<antThinking>`, in code."),
        said(6, "human", "By voice", {"type": "voice_note", "title": "-", "text": "Is it late?"}),
        said(7, "assistant", "No."),
    ]
    rows = rows_of(tmp_path, chat(*messages))
    assert talks(rows) == [
        [
            "u:Use <antThinking>this</antThinking>?",
            "a:Here.\n\n# Plan\n\n1. x\n\nDone.",
            "u:And the mark?",
            "a:It is `<antThinking>`, in code.",
            "u:Is it late?",
            "a:No.",
        ]
    ]
    assert [row.flags for row in rows if row.drop is None] == [("thinking-removed", "card-opened")]
    assert drops(rows)["thinking"] == 1 and CANARY not in repr(rows)


# --- order and branches -----------------------------------------------------------------------------------------------


def test_messages_go_by_time_then_as_they_stand(tmp_path: Path) -> None:
    one, two, three, four = (said(n, ("assistant", "human")[n % 2], f"n{n}") for n in (1, 2, 3, 4))
    rows = rows_of(tmp_path, chat(three, one, None, four, two))
    assert talks(rows) == [["u:n1", "a:n2", "u:n3", "a:n4"]]
    assert [row.origin for row in rows if row.drop is None] == [(2, 3, 5, 6)]
    two["created_at"] = one["created_at"]
    assert talks(rows_of(tmp_path, chat(one, two))) == [["u:n1", "a:n2"]]
    one["created_at"] = "one day"  # a time that is none: the order of the file
    assert talks(rows_of(tmp_path, chat(one, two))) == [["u:n1", "a:n2"]]


BRANCHED = [
    said(1, "human", "first", parent_message_uuid=TOP),
    said(2, "assistant", "made before", parent_message_uuid="m1"),
    said(3, "assistant", "made again", parent_message_uuid="m1"),
    said(4, "human", "second", parent_message_uuid="m3"),
    said(5, "assistant", "the end", parent_message_uuid="m4"),
    said(0, "human", "an edited opening", parent_message_uuid=TOP),
]


@pytest.mark.covers("claude", "threads")
@pytest.mark.covers("claude", "edits")
def test_messages_that_name_the_one_they_answer_are_a_tree(tmp_path: Path) -> None:
    for order in itertools.islice(itertools.permutations(range(6)), 0, 720, 97):
        rows = rows_of(tmp_path, chat(*(BRANCHED[at] for at in order)))
        assert talks(rows) == [["u:first", "a:made again", "u:second", "a:the end"]]
        assert drops(rows) == {None: 4, "preamble": 1, "other-branch": 2}
        assert [row.flags for row in rows if row.drop is None] == [("branch-guessed",)]
    rows = rows_of(tmp_path, chat(*BRANCHED, current_leaf_message_uuid="m2"))
    assert talks(rows) == [["u:first", "a:made before"]]
    assert [row.flags for row in rows if row.drop is None] == [()]
    other = [(row.origin, row.shares) for row in rows if row.drop == "other-branch"]
    assert other == [((4, 5, 6), (2,)), ((7,), None)]
    rows = rows_of(tmp_path, chat(*BRANCHED), branches="all")
    assert talks(rows) == [["u:first", "a:made again", "u:second", "a:the end"], ["u:first", "a:made before"]]
    told = sniffed(Claude, tmp_path / "conversations.json")
    assert told is not None and any("experimental" in one for one in told.evidence)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("claude", "sniffed")
def test_a_list_an_object_around_it_folders_and_archives(tmp_path: Path) -> None:
    one = chat(said(1, "human", "How?"), said(2, "assistant", "So."))
    wrapped: dict[str, Any] = {"exported_at": "2024", "conversations": [one, one]}
    folder = write(
        tmp_path / "data", {"conversations.json": [one, one], "users.json": [{"email": CANARY}], "projects.json": []}
    )
    packed = tmp_path / "data.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("conversations.json", json.dumps([one, one]))
        archive.writestr("users.json", json.dumps([{"email": CANARY}]))
    for path in (write(tmp_path / "wrapped.json", wrapped), write(tmp_path / "list.json", [one, one]), folder, packed):
        rows = read(Claude, path)
        assert talks(rows) == [["u:How?", "a:So."]] * 2
        assert drops(rows) == {None: 4, "preamble": 2} and CANARY not in repr(rows)
        told = sniffed(Claude, path)
        assert told is not None and told.counts == {"preamble": 2, "user": 2, "assistant": 2}
    assert talks(read(Claude, write(tmp_path / "one.json", one))) == [["u:How?", "a:So."]]
    with pytest.raises(InputError, match=r"holds no conversations\.json"):
        read(Claude, write(tmp_path / "none", {"a.json": {}, "b.json": {}}))


@pytest.mark.parametrize(
    "content",
    [
        [{"mapping": {}, "current_node": "x"}],
        [{"messages": [{"role": "user", "content": "a"}]}],
        {"conversations": [{"from": "human", "value": "a"}]},
        [],
        {},
        b"",
        b"uuid,chat_messages,sender\n",
    ],
)
def test_what_is_another_format_is_not_known(tmp_path: Path, content: Any) -> None:
    assert sniffed(Claude, write(tmp_path / "conversations.json", content)) is None


@pytest.mark.covers("claude", "encodings")
def test_other_encodings_and_broken_ends(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    text = json.dumps([chat(said(1, "human", "não"), said(2, "assistant", "é"))] * 2, ensure_ascii=False)
    for content in (
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.encode("utf-16"),
        json.dumps(json.loads(text)).encode(),
    ):
        assert talks(read(Claude, write(path, content))) == [["u:não", "a:é"]] * 2
    rows = read(Claude, write(path, text.encode()[:-20]))
    assert talks(rows) == [["u:não", "a:é"]] and drops(rows)["bad-json"] == 1


@real
def test_real_files_give_exactly_this() -> None:
    rows = read(Claude, REAL / "botknows_claude_export.json")
    assert drops(rows) == {None: 4, "preamble": 1}
    (told,) = talks(rows)
    assert [turn[:2] for turn in told] == ["u:", "a:", "u:", "a:"]
    source = json.loads((REAL / "botknows_claude_export.json").read_text())["conversations"][0]
    assert [turn[2:] for turn in told] == [message["text"] for message in source["chat_messages"]]
    assert next(row for row in rows if row.drop is None).meta == {
        "subject": "Database Design Discussion",
        "chat": "conv-claude-001",
        "created_at": "2024-01-02T10:00:00Z",
    }


# --- laws -------------------------------------------------------------------------------------------------------------


def test_rows_are_the_same_in_batches_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "conversations.json", [chat(*BRANCHED, None, uuid=f"{n}") for n in range(20)])
    same_in_any_size(Claude, path, monkeypatch, branches="all")


def links(value: Any) -> dict[str, list[Any]]:
    keys: list[Any] = [f"m{n}" for n in range(6)]
    return {"parent_message_uuid": [*keys, TOP, None], "uuid": keys, "current_leaf_message_uuid": [*keys, "gone"]}


FIELDS: list[dict[str, Any]] = [{}, {"branches": "all"}, {"branches": "all", "attachments": True, "merge": False}]
VALUES = [
    {"conversations": [chat(*BRANCHED, current_leaf_message_uuid="m2")]},
    [
        chat(*BRANCHED),
        chat(said(1, "human", "How?", attachments=[{"extracted_content": "x"}]), None, said(2, "assistant", "So.")),
    ],
]


@pytest.mark.parametrize("value", VALUES)
def test_damaged_exports(tmp_path: Path, value: Any) -> None:
    assert damaged(Claude, tmp_path / "conversations.json", value, range(250), FIELDS, links) > 150


@pytest.mark.long
@pytest.mark.parametrize("value", VALUES)
def test_many_damaged_exports(tmp_path: Path, value: Any) -> None:
    assert damaged(Claude, tmp_path / "conversations.json", value, range(10_000, 35_000), FIELDS, links) > 10_000
