"""ChatGPT exports: branches of a tree, what is no turn, marks of sources, links that lead nowhere or round."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_reading import CANARY, SHARED, damaged, drops, frame, read, same_in_any_size, sniffed, talks, write

from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.chatgpt import ChatGPT, without_marks
from ftdata.source import Source

REAL = SHARED / "chatgpt"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the files of others are not here")


def node(key: str, parent: str | None, role: str | None = None, *parts: Any, kind: str = "text", **more: Any) -> Any:
    """A node of a mapping; without a role it has no message."""
    message: dict[str, Any] | None = None
    if role is not None:
        content: dict[str, Any] = {"content_type": kind, "parts": list(parts)}
        message = {"id": key, "author": {"role": role, "name": None, "metadata": {}}, "content": content}
        message |= {
            "create_time": None,
            "status": "finished",
            "weight": 1.0,
            "metadata": {},
            "recipient": "all",
            **more,
        }
    return {"id": key, "message": message, "parent": parent, "children": []}


def talk(*nodes: Any, **more: Any) -> dict[str, Any]:
    mapping = {one["id"]: one for one in nodes}
    for one in nodes:
        if one["parent"] in mapping:
            mapping[one["parent"]]["children"].append(one["id"])
    head = {"title": "A title", "create_time": 1704067200.5, "mapping": mapping, "conversation_id": "c1", "id": "c1"}
    return {**head, **more}


def rows_of(place: Path, *talks: Any, **fields: Any) -> list[Conversation]:
    return read(ChatGPT, write(place / "conversations.json", list(talks)), **fields)


BRANCHED = talk(
    node("root", None),
    node("q1", "root", "user", "first question"),
    node("a1", "q1", "assistant", "an answer made before"),
    node("a2", "q1", "assistant", "the answer", metadata={"model_slug": "m-1"}),
    node("q2", "a2", "user", "a question asked before"),
    node("a3", "q2", "assistant", "its answer"),
    node("q3", "a2", "user", "the second question"),
    node("a4", "q3", "assistant", "the last answer", metadata={"model_slug": "m-2"}),
    current_node="a4",
)


# --- branches ---------------------------------------------------------------------------------------------------------


@pytest.mark.covers("chatgpt", "threads")
@pytest.mark.covers("chatgpt", "edits")
def test_other_branches_are_rows_of_their_own(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, BRANCHED)
    assert talks(rows) == [["u:first question", "a:the answer", "u:the second question", "a:the last answer"]]
    # Records: 1 the conversation, 2 root, 3 q1, 4 a1, 5 a2, 6 q2, 7 a3, 8 q3, 9 a4.
    told = {row.origin: (row.drop, row.shares) for row in rows}
    assert told == {
        (1,): ("preamble", None),
        (2,): ("empty-text", None),
        (3, 5, 8, 9): (None, None),
        (4,): ("other-branch", (3,)),
        (6, 7): ("other-branch", (3, 5)),
    }
    live = next(row for row in rows if row.drop is None)
    assert live.flags == ()
    assert live.meta == {"subject": "A title", "chat": "c1", "created_at": "2024-01-01T00:00:00Z", "model": "m-2"}


def test_all_branches_can_be_conversations(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, BRANCHED, branches="all")
    assert talks(rows) == [
        ["u:first question", "a:the answer", "u:the second question", "a:the last answer"],
        ["u:first question", "a:an answer made before"],
        ["u:first question", "a:the answer", "u:a question asked before", "a:its answer"],
    ]
    live = [row for row in rows if row.drop is None]
    assert [(row.origin, row.shares) for row in live] == [((3, 5, 8, 9), None), ((4,), (3,)), ((6, 7), (3, 5))]
    assert [(row.meta or {}).get("model") for row in live] == ["m-2", None, "m-1"]


@pytest.mark.parametrize("current", [None, "gone", 7])
def test_without_a_last_node_the_latest_branch_is_taken(tmp_path: Path, current: Any) -> None:
    def with_times(**times: float) -> dict[str, Any]:
        one = json.loads(json.dumps(BRANCHED))
        one["current_node"] = current
        for key, at in times.items():
            one["mapping"][key]["message"]["create_time"] = at
        return dict(one)

    untimed, earlier, inherited = with_times(), with_times(a4=1.0, a3=2.0), with_times(q2=5.0, a4=1.0)
    for one, last in ((untimed, "the last answer"), (earlier, "its answer"), (inherited, "its answer")):
        (row,) = (row for row in rows_of(tmp_path, one) if row.drop is None)
        assert row.messages is not None and row.messages[-1].content == last
        assert row.flags == ("branch-guessed",)


def test_a_single_branch_is_not_guessed(tmp_path: Path) -> None:
    one = talk(node("q", None, "user", "q"), node("a", "q", "assistant", "a"), node("hidden", "q", "system", "x"))
    (row,) = (row for row in rows_of(tmp_path, one) if row.drop is None)
    assert row.flags == ()


def test_the_last_node_may_have_others_below_it(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, {**BRANCHED, "current_node": "a2"})
    assert talks(rows) == [["u:first question", "a:the answer"]]
    assert drops(rows) == {None: 2, "preamble": 1, "empty-text": 1, "other-branch": 5}


@pytest.mark.parametrize(
    ("nodes", "reasons"),
    [
        ([node("a", "b", "user", "1"), node("b", "a", "assistant", "2")], {}),  # a circle
        ([node("a", "a", "user", "1"), node("b", "a", "assistant", "2")], {}),  # its own parent
        ([node("a", "gone", "user", "1"), node("b", "a", "assistant", "2")], {}),
        ([node("a", None, "user", "1"), node("b", "gone", "assistant", "2")], {"other-branch": 1, "no-user": 1}),
        ([node("a", 7, "user", "1"), node("b", ["a"], "assistant", "2")], {"other-branch": 1, "no-user": 1}),  # type: ignore[arg-type]
    ],
)
def test_links_that_lead_nowhere_or_round(tmp_path: Path, nodes: Any, reasons: dict[str, int]) -> None:
    one = talk(*(node(key["id"], None) for key in nodes), current_node="b")
    for given_node in nodes:
        one["mapping"][given_node["id"]] = given_node
    counts = drops(rows_of(tmp_path, one))
    del counts["preamble"]
    wanted: dict[Any, int] = {**reasons} if reasons else {None: 2}
    assert counts == wanted


def test_two_nodes_of_one_id_and_nodes_without_one(tmp_path: Path) -> None:
    one = talk(node("q", None, "user", "q"), node("a", "q", "assistant", "a"), current_node="a")
    one["mapping"]["twin"] = {**node("a", "q", "assistant", "twin")}
    one["mapping"]["lost"] = {"parent": "a", "message": node("x", None, "user", "nobody's")["message"]}
    one["mapping"]["none"] = {"message": {"author": {"role": "user"}, "content": {"parts": ["no ids"]}}}
    one["mapping"]["text"] = "no object"
    rows = rows_of(tmp_path, one)
    assert talks(rows) == [["u:q", "a:a"]]
    assert drops(rows) == {None: 2, "preamble": 1, "other-branch": 3, "not-an-object": 1}


def chain(length: int) -> list[Any]:
    def message(role: str) -> dict[str, Any]:
        return {"author": {"role": role}, "content": {"parts": ["x"]}}

    return [
        {
            "id": f"{n}",
            "parent": f"{n - 1}" if n else None,
            "message": message(("user", "assistant")[n % 2]),
            "children": [],
        }
        for n in range(length)
    ]


def test_a_chain_of_100_000_nodes(tmp_path: Path) -> None:
    one = talk(*chain(100_000))
    one["mapping"]["0"]["parent"] = "99999"  # and it bites its tail
    path = write(tmp_path / "conversations.json", [{**one, "current_node": "99999"}])
    whole, handed = frame(ChatGPT, path, merge=False)
    assert handed == 100_001 and whole["messages"].list.len().max() == 100_000


@pytest.mark.parametrize("branches", ["current", "all"])
def test_a_branch_at_every_node_does_not_become_the_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, branches: str
) -> None:
    monkeypatch.setattr("ftdata.readers.branches._SHARED", 50_000)
    nodes = chain(1_000)
    nodes += [node(f"b{n}", f"{n}", "assistant", "y") for n in range(0, 1_000, 2)]
    path = write(tmp_path / "conversations.json", [talk(*nodes, current_node="999")])
    whole, _ = frame(ChatGPT, path, branches=branches)
    assert 40_000 < whole["shares"].list.len().sum() <= 50_000
    assert (whole["drop"] == "other-branch").sum() > 50  # beyond the limit a branch is no row to train on


# --- what is no turn --------------------------------------------------------------------------------------------------


@pytest.mark.covers("chatgpt", "system")
@pytest.mark.covers("chatgpt", "private")
@pytest.mark.covers("chatgpt", "attachments")
@pytest.mark.covers("chatgpt", "roles")
def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    hidden = {"metadata": {"is_visually_hidden_from_conversation": True}}
    picture = {"content_type": "image_asset_pointer", "asset_pointer": CANARY}
    parts: list[tuple[str | None, str, dict[str, Any]]] = [
        ("empty-text", "", {}),
        ("hidden", "system", {"parts": [CANARY], **hidden}),
        ("hidden", "user", {"parts": [CANARY], "kind": "user_editable_context"}),
        ("hidden", "system", {"parts": [CANARY], "kind": "model_editable_context"}),
        ("hidden", "system", {"parts": [CANARY], "metadata": {"is_user_system_message": True}}),
        ("hidden", "assistant", {"parts": [CANARY], "weight": 0.0}),
        ("system-line", "system", {"parts": [CANARY]}),
        ("system-line", "developer", {"parts": [CANARY]}),
        (None, "user", {"parts": [picture, "what is this?"], "kind": "multimodal_text"}),
        ("thinking", "assistant", {"thoughts": [{"summary": CANARY, "content": CANARY}], "kind": "thoughts"}),
        ("thinking", "assistant", {"content": CANARY, "kind": "reasoning_recap"}),
        ("thinking", "assistant", {"parts": [CANARY], "channel": "analysis"}),
        ("tool-output", "assistant", {"text": CANARY, "kind": "code", "recipient": "python"}),
        ("tool-output", "tool", {"text": CANARY, "kind": "execution_output"}),
        ("tool-output", "assistant", {"parts": [CANARY], "recipient": "browser"}),
        ("tool-output", "tool", {"text": CANARY, "kind": "tether_quote"}),
        ("tool-output", "tool", {"parts": [CANARY]}),
        (None, "assistant", {"parts": ["I have looked."], "channel": "commentary"}),
        (None, "assistant", {"parts": ["It is", "a kettle."], "recipient": None}),
        ("not-text", "user", {"parts": [picture], "kind": "multimodal_text"}),
        ("not-text", "assistant", {"parts": [CANARY], "kind": "something_new"}),
        ("not-text", "assistant", {"parts": [CANARY], "kind": ["text"]}),
        ("empty-text", "assistant", {"parts": [""]}),
        ("empty-text", "assistant", {"parts": None}),
        ("unknown-role", "critic", {"parts": [CANARY]}),
        (
            None,
            "user",
            {"parts": [{"content_type": "audio_transcription", "text": "thanks"}], "kind": "multimodal_text"},
        ),
        (None, "assistant", {"parts": ["You are welcome."]}),
        ("trailing-user", "user", {"parts": [f"{CANARY} bye"]}),
    ]
    nodes = []
    for number, (_, role, about) in enumerate(parts):
        about = dict(about)
        content = {"content_type": about.pop("kind", "text")}
        content |= {key: about.pop(key) for key in ("parts", "text", "thoughts", "content") if key in about}
        nodes.append(node(f"{number}", f"{number - 1}" if number else None, role or None, **about))
        if role:
            nodes[-1]["message"]["content"] = content
    rows = rows_of(tmp_path, talk(*nodes, current_node=f"{len(nodes) - 1}"))
    assert talks(rows) == [
        ["u:what is this?", "a:I have looked.\n\nIt is\na kettle.", "u:thanks", "a:You are welcome."]
    ]
    reasons = {row.origin[0] - 2: row.drop for row in rows if row.drop and row.origin[0] > 1}
    assert reasons == {number: reason for number, (reason, _, _) in enumerate(parts) if reason}
    assert CANARY not in repr(rows)


@pytest.mark.parametrize(
    ("nodes", "kept", "reasons"),
    [
        (["assistant", "user", "assistant"], ["u:1", "a:2"], {"leading-agent": 1}),
        (["user", "user"], None, {"no-assistant": 2}),
        (["assistant", "assistant"], None, {"no-user": 2}),
        (["assistant", "user"], None, {"no-answer": 2}),
        (["user", "assistant", "assistant", "user"], ["u:0", "a:1\n\n2"], {"trailing-user": 1}),
    ],
)
def test_where_a_conversation_begins_and_ends(
    tmp_path: Path, nodes: list[str], kept: list[str] | None, reasons: dict[str, int]
) -> None:
    chained = [node(f"{n}", f"{n - 1}", role, f"{n}") for n, role in enumerate(nodes)]
    rows = rows_of(tmp_path, talk(*chained, current_node=f"{len(nodes) - 1}"))
    assert talks(rows) == ([kept] if kept else [])
    counts = drops(rows)
    assert counts.pop("preamble") == 1
    assert counts.pop(None, 0) == (len(nodes) - sum(reasons.values()) if kept else 0)
    assert counts == reasons


def test_an_answer_whose_question_was_left_out_is_flagged(tmp_path: Path) -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    nodes = [
        node("q1", None, "user", "first"),
        node("a1", "q1", "assistant", "answer"),
        node("q2", "a1", "user", picture, kind="multimodal_text"),
        node("t2", "q2", "tool", "seen"),
        node("a2", "t2", "assistant", "A cat."),
    ]
    rows = rows_of(tmp_path, talk(*nodes, current_node="a2"), talk(*nodes[:2], current_node="a1"))
    assert talks(rows) == [["u:first", "a:answer\n\nA cat."], ["u:first", "a:answer"]]
    assert [row.flags for row in rows if row.drop is None] == [("question-left-out",), ()]


def test_an_answer_that_was_cut_short_is_flagged(tmp_path: Path) -> None:
    for more in (
        {"status": "finished_partial_completion"},
        {"metadata": {"finish_details": {"type": "interrupted"}}},
        {"metadata": {"finish_details": {"type": "max_tokens"}}},
    ):
        made = talk(node("q", None, "user", "Q"), node("a", "q", "assistant", "A", **more), current_node="a")
        assert [row.flags for row in rows_of(tmp_path, made) if row.drop is None] == [("answer-cut",)]


def test_a_draft_in_a_card_is_opened(tmp_path: Path) -> None:
    text = 'Here:\n\n:::writing{variant="email" id="5" recipient="CANARY"}\nDear all,\n\nyes.\n:::\n\nShorter?'
    made = talk(node("q", None, "user", text), node("a", "q", "assistant", text), current_node="a")
    rows = rows_of(tmp_path, made)
    assert talks(rows) == [[f"u:{text}", "a:Here:\n\nDear all,\n\nyes.\n\nShorter?"]]
    assert [row.flags for row in rows if row.drop is None] == [("card-opened",)]


def test_fields_of_the_talk(tmp_path: Path) -> None:
    chained = [
        node(f"{n}", f"{n - 1}", role, f"{n}") for n, role in enumerate(["assistant", "user", "assistant", "assistant"])
    ]
    one = talk(*chained, current_node="3")
    assert talks(rows_of(tmp_path, one, greeting=True)) == [["a:0", "u:1", "a:2\n\n3"]]
    assert talks(rows_of(tmp_path, one, merge=False)) == [["u:1", "a:2", "a:3"]]
    assert talks(rows_of(tmp_path, one, merge=" | ")) == [["u:1", "a:2 | 3"]]


# --- marks of sources -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("So it is【4†source】.", "So it is."),
        ("So it is 【12:0†file.pdf】【3†L1-L5】.", "So it is."),
        ("【note】 stays, and 【4】 too", "【note】 stays, and 【4】 too"),
        ("It is supported. \ue200cite\ue202turn1view0\ue202turn1view1\ue201", "It is supported."),
        (
            'As \ue200entity\ue202["people", "Ada Lovelace", 0]\ue201 says\ue200navlist\ue202x\ue201!',
            "As Ada Lovelace says!",
        ),
        ("\ue203a span\ue204 of text", "a span of text"),
        ("\ue200entity\ue202no json\ue201x\ue200 open", "x open"),
        ('\ue200entity\ue202["a", "\\ud800"]\ue201x', "x"),
        ("See :contentReference[oaicite:0]{index=0}.", "See."),
        ("See \ue200url\ue202the page\ue202https://a.example/b\ue201.", "See the page (https://a.example/b)."),
        ("See \ue200url\ue202the page\ue202turn0search1\ue201.", "See the page."),
        ("plain", "plain"),
    ],
)
def test_marks_are_taken_out_of_answers(tmp_path: Path, text: str, expected: str) -> None:
    assert without_marks(text) == expected
    one = talk(node("q", None, "user", text), node("a", "q", "assistant", text), current_node="a")
    (row,) = (row for row in rows_of(tmp_path, one) if row.drop is None)
    assert row.messages is not None and row.messages[0].content == text  # what the user wrote stays
    assert row.messages[1].content == expected
    assert row.flags == (("citations-removed",) if text != expected else ())


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("chatgpt", "sniffed")
def test_folders_archives_and_numbered_parts(tmp_path: Path) -> None:
    beside = {"user.json": {"email": CANARY}, "chat.html": b"<html>", "message_feedback.json": []}
    one, two = [BRANCHED], [{**BRANCHED, "title": "Other"}]
    folder = write(tmp_path / "whole", {"conversations.json": one, **beside})
    parts = write(
        tmp_path / "parts", {"x/conversations-000.json": one, "x/conversations-001.json": two, "x/a.png": b""}
    )
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    for place, count in ((folder, 1), (parts, 2), (packed, 1)):
        rows = read(ChatGPT, place)
        assert len(talks(rows)) == count and CANARY not in repr(rows)
        told = sniffed(ChatGPT, place)
        assert told is not None and told.refusal is None and told.counts["user"] == 2 * count
    lone = write(tmp_path / "one.json", BRANCHED)  # a single conversation, not in a list
    assert len(talks(read(ChatGPT, lone))) == 1 and sniffed(ChatGPT, lone) is not None
    with pytest.raises(InputError, match=r"holds no conversations\.json"):
        read(ChatGPT, write(tmp_path / "none", {"a.json": {}, "b.json": {}}))


@pytest.mark.parametrize(
    "content",
    [
        [{"uuid": "1", "chat_messages": []}],
        [{"messages": [{"role": "user", "content": "a"}]}],
        [{"mapping": {"a": "b"}}],
        [],
        {},
        b"",
        b"mapping,parent,children,message\n",
    ],
)
def test_what_is_another_format_is_not_known(tmp_path: Path, content: Any) -> None:
    assert sniffed(ChatGPT, write(tmp_path / "conversations.json", content)) is None


def test_broken_conversations_are_counted(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, {"title": "no mapping"}, {"mapping": None}, {"mapping": []}, 7, None, BRANCHED)
    assert len(talks(rows)) == 1
    counts = drops(rows)
    assert counts["preamble"] == 4 and counts["not-an-object"] == 2
    text = json.dumps([BRANCHED, BRANCHED]).encode()
    rows = read(ChatGPT, write(tmp_path / "conversations.json", text[:-30]))
    assert len(talks(rows)) == 1 and drops(rows)["bad-json"] == 1


@pytest.mark.covers("chatgpt", "encodings")
def test_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    text = json.dumps([talk(node("q", None, "user", "não"), node("a", "q", "assistant", "é"))], ensure_ascii=False)
    for content in (
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.encode("utf-16"),
        json.dumps(json.loads(text)).encode(),
    ):
        assert talks(read(ChatGPT, write(path, content))) == [["u:não", "a:é"]]
        assert sniffed(ChatGPT, path) is not None


@real
def test_real_files_give_exactly_this() -> None:
    rows = read(ChatGPT, REAL / "mitkury_branch.json")
    assert drops(rows) == {None: 4, "preamble": 1, "system-line": 1, "other-branch": 1}
    (told,) = talks(rows)
    assert [turn[:20] for turn in told] == [
        "u:Hello! Can you hel",
        "a:Of course! I'd be ",
        "u:How do I write a f",
        "a:Here's how to writ",
    ]
    (other,) = (row for row in rows if row.drop == "other-branch")
    assert (other.origin, other.shares) == ((6,), (3, 4))
    assert drops(read(ChatGPT, REAL / "mitkury_branch.json", branches="all"))["trailing-user"] == 1


# langchain-community 0.4.2, ChatGPTLoader(file, 0).load() on the real file: all nodes in the order of the file, so that
# the question of another branch stands between the question and its answer.
BY_LANGCHAIN = [
    ("user", "Hello! Can you help me with a programming question?"),
    ("assistant", "Of course! I'd be happy to help with your programming question. What would you like to know?"),
    ("user", "How do I write a function in JavaScript?"),
    ("user", "Actually, can you help me with Python instead?"),
    (
        "assistant",
        "Here's how to write a function in JavaScript:\n\n```javascript\nfunction greet(name) {\n  return `Hello, ",
    ),
]


@real
def test_the_same_roles_and_texts_as_langchain_but_for_the_other_branch() -> None:
    (row,) = (row for row in read(ChatGPT, REAL / "mitkury_branch.json") if row.drop is None)
    found = [(m.role, (m.content or "")[:100]) for m in row.messages or ()]
    assert found == [(role, text[:100]) for role, text in BY_LANGCHAIN if "Python" not in text]


# --- laws -------------------------------------------------------------------------------------------------------------


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[int, str]]:
    """Nodes as the number of their parent (-1: none) and their role, parents first."""
    count = draw(st.integers(1, 12))
    return [(draw(st.integers(-1, n - 1)), draw(st.sampled_from(["user", "assistant", "tool"]))) for n in range(count)]


@settings(max_examples=60, deadline=None)
@given(trees(), st.randoms(use_true_random=False))
def test_branches_are_the_paths_from_top_to_leaf(tmp_path_factory: pytest.TempPathFactory, tree: Any, rng: Any) -> None:
    nodes = [node(f"n{at}", f"n{up}" if up >= 0 else None, role, f"t{at}") for at, (up, role) in enumerate(tree)]
    rng.shuffle(nodes)
    path = tmp_path_factory.mktemp("tree") / "conversations.json"
    write(path, [talk(*nodes, current_node=f"n{len(tree) - 1}")])
    number = {int(one["id"][1:]): at + 2 for at, one in enumerate(nodes)}

    def upwards(at: int) -> list[int]:
        return [*upwards(tree[at][0]), at] if at >= 0 else []

    leaves = set(range(len(tree))) - {up for up, _ in tree}
    wanted = {tuple(at for at in upwards(leaf) if tree[at][1] != "tool") for leaf in leaves}
    main = tuple(at for at in upwards(len(tree) - 1) if tree[at][1] != "tool")
    rows = read(ChatGPT, path)
    for row in rows:
        if row.drop != "other-branch":
            continue
        whole = {*row.origin, *(row.shares or ())}
        assert any(whole == {number[at] for at in one} for one in wanted), "a branch is a whole path to a leaf"
    others = sorted(at for row in rows if row.drop == "other-branch" for at in row.origin)
    assert others == sorted(number[at] for at, (_, role) in enumerate(tree) if role != "tool" and at not in main)
    # With all branches: each written one is a path, cut to its first question and its last answer.
    for told in talks(read(ChatGPT, path, branches="all", merge=False)):
        texts = [int(turn[3:]) for turn in told]
        assert any(" ".join(map(str, texts)) in " ".join(map(str, one)) for one in wanted)
        assert tree[texts[0]][1] == "user" and tree[texts[-1]][1] == "assistant"


@pytest.mark.parametrize("branches", ["current", "all"])
def test_rows_are_the_same_in_batches_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, branches: str
) -> None:
    path = write(tmp_path / "conversations.json", [{**BRANCHED, "id": f"{n}"} for n in range(20)])
    same_in_any_size(ChatGPT, path, monkeypatch, branches=branches)


def test_batches_hold_no_more_than_8_mb(tmp_path: Path) -> None:
    one = talk(node("q", None, "user", "q" * 1_000_000), node("a", "q", "assistant", "a" * 500_000), current_node="a")
    path = write(tmp_path / "conversations.json", [one] * 30)
    with Source(path) as source:
        found = list(ChatGPT(path=path).read(source))
    sizes = [sum(len(m["content"]) for row in batch["messages"].to_list() for m in row) for batch in found]
    assert max(sizes) < 10_000_000 and sum(sizes) == 45_000_000


def links(value: Any) -> dict[str, list[Any]]:
    keys: list[Any] = list(BRANCHED["mapping"])
    return {"parent": [*keys, "gone", None], "id": keys, "current_node": [*keys, "gone", None]}


FIELDS: list[dict[str, Any]] = [{}, {"branches": "all"}, {"branches": "all", "merge": False, "greeting": True}]


def test_damaged_exports(tmp_path: Path) -> None:
    value = [BRANCHED, {**BRANCHED, "current_node": None}]
    assert damaged(ChatGPT, tmp_path / "conversations.json", value, range(600), FIELDS, links) > 400


@pytest.mark.long
def test_many_damaged_exports(tmp_path: Path) -> None:
    value = [BRANCHED, {**BRANCHED, "current_node": None}]
    assert damaged(ChatGPT, tmp_path / "conversations.json", value, range(10_000, 60_000), FIELDS, links) > 20_000
