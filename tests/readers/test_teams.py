"""Teams messages: posts with their replies, chats that are private, HTML of Teams' own, two spellings of the keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from native_reading import CANARY, SHARED, damaged, drops, frame, read, same_in_any_size, sniffed, talks, write

from ftdata import flow
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.divide import Log
from ftdata.readers.teams import Teams
from ftdata.recipe import Recipe
from ftdata.source import Source

REAL = SHARED / "teams/zulip_messages_062cc59e.json"
real = pytest.mark.skipif(not REAL.is_file(), reason="the files of others are not here")
SECRET = f"{CANARY} words"
WHO = {"Ana Luz": "a1", "Sol Reis": "b2", "Bia Sá": "c3"}
ROOM = {"ChannelIdentity": {"ChannelId": "19:room@thread.tacv2", "TeamId": "t"}, "ChatId": None}
CHAT = {"ChannelIdentity": None, "ChatId": "19:a_b@unq.gbl.spaces"}
APP = {"Application": {"Id": "p", "DisplayName": "Polly"}, "Device": None, "User": None}


def post(key: int, who: str | None, html: str, to: int | None = None, minute: float | None = None, **more: Any) -> Any:
    """A message as the tenant export writes it; `minute` after ten, by default its number."""
    at = key if minute is None else minute
    time = f"2025-08-{6 + int(at) // 1440:02}T{10 + int(at) % 1440 // 60:02}:{int(at) % 60:02}:00.16+00:00"
    user = None if who is None else {"Id": WHO[who], "DisplayName": who, "UserIdentityType": "aadUser"}
    return {
        "Id": str(key),
        "Body": {"ContentType": "html", "Content": html},
        "CreatedDateTime": time,
        "LastModifiedDateTime": time,
        "LastEditedDateTime": None,
        "DeletedDateTime": None,
        "Subject": None,
        "PolicyViolation": None,
        "ReplyToId": None if to is None else str(to),
        "From": None if user is None else {"Application": None, "Device": None, "User": user},
        "Attachments": [],
        "Mentions": [],
        "Reactions": [],
        "MessageType": "message",
        "EventDetail": None,
        **ROOM,
        **more,
    }


EVENT = {"MessageType": "unknownFutureValue", "EventDetail": {"initiator": {"user": {"displayName": SECRET}}}}
POSTS: list[Any] = [
    post(5, "Sol Reis", '<p><at id="0">Ana Luz</at>&nbsp;it is <b>shut</b></p>', 1, minute=3000),
    post(1, "Ana Luz", "<p>The door &amp; the window?</p>", Subject="Doors"),
    post(2, None, "<systemEventMessage/>", **EVENT),
    post(3, None, f"<p>{SECRET}</p>", **EVENT),
    post(6, "Ana Luz", '<p>And now?</p><attachment id="77"></attachment>', 1, minute=3201),
    post(7, "Sol Reis", f"<p>{SECRET}</p>", 1, DeletedDateTime="2025-08-07T00:00:00Z"),
    post(8, None, f"<p>{SECRET}</p>", 1, From=APP),
    post(9, "Ana Luz", f'<p><img alt="{SECRET}" src="x"></p>', 1),
    post(10, "Ana Luz", '<attachment id="1"></attachment>', 1, Attachments=[{"Name": SECRET}]),
    post(11, "Sol Reis", "<p>Open</p>", 1, minute=3202, LastEditedDateTime="2025-08-09T00:00:00Z"),
    post(12, None, f"<p>{SECRET}</p>", 1),
    post(13, "Ana Luz", "", 1),
    post(14, "Ana Luz", f"<p>{SECRET}</p>", 1, PolicyViolation={"DlpAction": "blockAccess"}),
    post(15, "Ana Luz", f"<p>{SECRET}</p>", ChannelIdentity=None),
    post(21, "Sol Reis", "<div>Three pages</div>", 20),
    post(20, "Bia Sá", "<div>How long?</div>"),
    post(30, "Bia Sá", f"<p>{SECRET}</p>", **CHAT),
    post(31, "Sol Reis", f"<p>{SECRET}</p>", **CHAT),
    "no message",
]
TALKS = [
    ["u:The door & the window?", "a:@Ana Luz it is shut", "u:And now?", "a:Open"],
    ["u:How long?", "a:Three pages"],
]
DROPS = {
    None: 6,
    "system-line": 2,
    "deleted": 1,
    "bot": 1,
    "not-text": 2,
    "unknown-author": 1,
    "empty-text": 1,
    "hidden": 1,
    "unknown-visibility": 1,
    "private-note": 2,
    "not-an-object": 1,
}


def live(rows: list[Conversation]) -> list[Conversation]:
    return [row for row in rows if row.drop is None]


@pytest.mark.covers("teams", "threads")
@pytest.mark.covers("teams", "roles")
@pytest.mark.covers("teams", "system")
@pytest.mark.covers("teams", "bots")
@pytest.mark.covers("teams", "edits")
@pytest.mark.covers("teams", "deletions")
@pytest.mark.covers("teams", "attachments")
@pytest.mark.parametrize("who", ["Sol Reis", "b2"])
def test_posts_with_their_replies(tmp_path: Path, who: str) -> None:
    rows = read(Teams, write(tmp_path / "messages.json", POSTS), assistants=(who,))
    assert talks(rows) == TALKS and drops(rows) == DROPS and CANARY not in repr(rows)
    assert [row.flags for row in live(rows)] == [("edited",), ()]
    assert live(rows)[0].meta == {
        "chat": "19:room@thread.tacv2",
        "thread": "1",
        "subject": "Doors",
        "time": "2025-08-06T10:01:00.16+00:00",
        "author": "Ana Luz",
    }


def lowered(value: Any) -> Any:
    """Spell the keys as the API does."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lowered(inner) for key, inner in value.items()}
    return [lowered(one) for one in value] if isinstance(value, list) else value


def test_the_answer_of_the_api(tmp_path: Path) -> None:
    context = {"@odata.context": "https://graph.example.com/$metadata#x", "@odata.count": 3, "value": lowered(POSTS)}
    rows = read(Teams, write(tmp_path / "messages.json", context), assistants=("b2",))
    assert talks(rows) == TALKS and drops(rows) == DROPS
    lines = "\n".join(json.dumps(one) for one in lowered(POSTS)).encode()
    assert talks(read(Teams, write(tmp_path / "m.jsonl", lines), assistants=("b2",))) == TALKS
    roots = [{**lowered(POSTS[1]), "replies": lowered([POSTS[0], POSTS[4], POSTS[9]])}, lowered(POSTS[15])]
    for one in roots[0]["replies"]:
        del one["replyToId"]
    nested = read(Teams, write(tmp_path / "n.json", {"value": roots}), assistants=("b2",))
    assert talks(nested) == TALKS[:1] and drops(nested) == {None: 4, "no-assistant": 1}


@pytest.mark.covers("teams", "private")
def test_chats_are_read_only_if_asked_for(tmp_path: Path) -> None:
    own = [post(1, "Ana Luz", SECRET, **CHAT), post(2, "Sol Reis", SECRET, **CHAT), post(90, "Ana Luz", SECRET, **CHAT)]
    path = write(tmp_path / "m.json", own)
    told = sniffed(Teams, path)
    assert told is not None and told.refusal is not None and "private=true" in told.refusal
    with pytest.raises(InputError, match="private=true"):
        read(Teams, path, assistants=("b2",))
    rows = read(Teams, path, assistants=("b2",), private=True)
    assert drops(rows) == {None: 2, "no-assistant": 1}  # a chat is cut at a pause
    assert len(live(read(Teams, path, assistants=("b2",), private=(CHAT["ChatId"],)))) == 1
    with pytest.raises(InputError, match="private=true"):
        read(Teams, path, assistants=("b2",), private=("another",))
    alone = write(tmp_path / "m.json", [post(1, "Ana Luz", "a", ChannelIdentity=None), post(2, "Sol Reis", "b", 1)])
    assert drops(read(Teams, alone, assistants=("b2",), assume_public=True)) == {"no-assistant": 1, "no-user": 1}


def test_a_folder_of_a_tenant(tmp_path: Path) -> None:
    shut = {"ChannelIdentity": {"ChannelId": "19:shut@thread.tacv2", "TeamId": "t"}}
    files = {
        "teams/t/channels_t.json": [
            {"Id": "19:room@thread.tacv2", "DisplayName": "social", "MembershipType": "standard"},
            {"Id": "19:shut@thread.tacv2", "DisplayName": "board", "MembershipType": "private"},
        ],
        "teams/t/messages_t.json": [
            *POSTS,
            post(40, "Bia Sá", SECRET, **shut),
            post(41, "Sol Reis", SECRET, 40, **shut),
        ],
        "teams/t/teamInstalledApps_t.json": [{"Id": "1", "DisplayName": "Polly"}],
        "users/a1/messages_a1.json": [post(31, "Sol Reis", SECRET, **CHAT), post(30, "Bia Sá", "one", **CHAT)],
        "users/usersList.json": [{"Id": "a1", "DisplayName": "Ana Luz"}],
    }
    path = write(tmp_path / "export", files)
    rows = read(Teams, path, assistants=("b2",))
    assert talks(rows) == TALKS and drops(rows) == {**DROPS, "private-note": 6}
    assert live(rows)[0].meta is not None and live(rows)[0].meta["chat"] == "social"  # type: ignore[index]
    told = sniffed(Teams, path)
    assert told is not None and told.counts["private-note"] == 6
    board = read(Teams, path, assistants=("b2",), private=("board",))
    assert drops(board)["private-note"] == 4 and len(live(board)) == 3
    # Two people export one chat: what stands in both folders counts once.
    everything = read(Teams, path, assistants=("b2",), private=True)
    assert drops(everything)["repeated-message"] == 1


@pytest.mark.parametrize("name", ["channels.json", "Channels_t.json", "allChannels.json", "channels-t.json"])
@pytest.mark.parametrize("kind", ["private", "shared"])
def test_a_table_of_channels_may_be_an_answer_of_the_api(tmp_path: Path, name: str, kind: str) -> None:
    told = {"id": "19:shut@thread.tacv2", "displayName": "board", "membershipType": kind}
    room = {"id": "19:room@thread.tacv2", "displayName": "social", "membershipType": "standard"}
    shut = {"ChannelIdentity": {"ChannelId": "19:shut@thread.tacv2", "TeamId": "t"}}
    files = {
        f"t/{name}": {"@odata.context": "x", "value": [room, told]},
        "t/messages.json": [*POSTS, post(40, "Bia Sá", SECRET, **shut), post(41, "Sol Reis", SECRET, 40, **shut)],
    }
    rows = read(Teams, write(tmp_path / "export", files), assistants=("b2",))
    assert talks(rows) == TALKS and drops(rows)["private-note"] == DROPS["private-note"] + 2
    assert (live(rows)[0].meta or {})["chat"] == "social"


def test_no_private_text_comes_near_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    extend = Log.extend
    monkeypatch.setattr(Log, "extend", lambda self, some: held.append(repr(some)) or extend(self, some))
    write(tmp_path / "export.json", POSTS)
    tables = {
        "read": [{"use": "teams", "path": "export.json", "assistants": ["b2"]}],
        "write": [{"use": "openai-chat", "path": "out/all.jsonl", "meta": ["chat", "author", "subject"]}],
    }
    flow.run(Recipe.parse(tables, tmp_path, "recipe"))
    assert held and CANARY not in "".join(held)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "export.json":
            text = str(pl.read_parquet(path).to_dicts()) if path.suffix == ".parquet" else path.read_bytes().decode()
            assert CANARY not in text, path


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<p><at id="0">Ana</at>&nbsp;<at id="1">Luz</at></p>', "@Ana @Luz"),
        ('<p>yes <emoji id="yes" alt="\U0001f44d" title="Yes"></emoji></p>', "yes \U0001f44d"),
        ("<p><customemoji id='x' alt='shipit'></customemoji>!</p>", "shipit!"),
        ('<p>a</p><codeblock class="Python"><code>x = 1<br>y &lt; 2</code></codeblock>', "a\n\nx = 1\ny < 2"),
        ("<p>one<br>two</p>\n<ul>\n<li>x</li><li>y</li></ul>", "one\ntwo\n\n- x\n- y"),
        ('<a href="https://example.com/a">here</a>', "here (https://example.com/a)"),
        (f'<blockquote itemscope itemtype="http://schema.skype.com/Reply"><p>{CANARY}</p></blockquote><p>so</p>', "so"),
        ("plain &amp;lt; once", "plain &lt; once"),
        ("a<b and <name>", "a<b and <name>"),
    ],
)
def test_html_of_teams(tmp_path: Path, html: str, expected: str) -> None:
    rows = read(Teams, write(tmp_path / "m.json", [post(1, "Ana Luz", html), post(2, "Sol Reis", "x", 1)]), me="b2")
    assert talks(rows) == [[f"u:{expected}", "a:x"]]


def test_plain_bodies_are_no_html(tmp_path: Path) -> None:
    body = {"ContentType": "text", "Content": "a &amp; <b>c</b>"}
    rows = read(
        Teams, write(tmp_path / "m.json", [post(1, "Ana Luz", "", Body=body), post(2, "Sol Reis", "x", 1)]), me="b2"
    )
    assert talks(rows) == [["u:a &amp; <b>c</b>", "a:x"]]


@pytest.mark.covers("teams", "sniffed")
def test_sniff_knows_it(tmp_path: Path) -> None:
    told = sniffed(Teams, write(tmp_path / "m.json", POSTS))
    assert told is not None and told.confidence == 0.95 and told.counts["deleted"] == 1
    assert told.refusal is not None and "Sol Reis (b2)" in told.refusal
    for other in ([{"Id": "1", "CreatedDateTime": "x", "Body": "text"}], {"value": []}, [{"id": 1, "body": "x"}], [1]):
        assert sniffed(Teams, write(tmp_path / "n.json", other)) is None


@pytest.mark.covers("teams", "encodings")
def test_other_encodings(tmp_path: Path) -> None:
    text = json.dumps(POSTS, ensure_ascii=False)
    whole = frame(Teams, write(tmp_path / "m.json", text.encode()), me="b2")[0]
    for content in (text.encode("utf-8-sig"), text.encode("utf-16"), json.dumps(POSTS, indent=2).encode()):
        assert frame(Teams, write(tmp_path / "m.json", content), me="b2")[0].equals(whole, null_equal=True)


def test_same_rows_in_batches_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same_in_any_size(Teams, write(tmp_path / "m.json", POSTS), monkeypatch, me="b2")


@real
def test_the_real_file() -> None:
    rows = read(Teams, REAL, assistants=("pieter kwok",))
    assert drops(rows) == {"system-line": 1, "not-text": 1, "no-answer": 2}  # the answer comes before the question
    talk = live(read(Teams, REAL, assistants=("King Hamlet",)))
    assert len(talk) == 1 and talk[0].messages is not None
    assert [str(one.role) for one in talk[0].messages] == ["user", "assistant"]
    assert talk[0].messages[0].content == "what a creature"
    with Source(REAL) as source:
        turns = list(Teams(path=REAL).turns(source))
    told = json.loads(REAL.read_text())
    assert [(turn.author, turn.names[0]) for turn in turns if turn.drop is None] == [
        (one["From"]["User"]["Id"], one["From"]["User"]["DisplayName"]) for one in (told[0], told[2])
    ]


SEEDS = 200
FIELDS: list[dict[str, Any]] = [
    {"me": "b2"},
    {},
    {"me": "Sol Reis", "gap": "1m", "merge": False, "private": True},
    {"me": "b2", "with_bots": True, "assume_public": True},
]


def test_damaged_exports(tmp_path: Path) -> None:
    assert damaged(Teams, tmp_path / "m.json", POSTS, range(SEEDS // 2), FIELDS) > SEEDS // 8
    context = {"@odata.context": "x", "value": lowered(POSTS)}
    assert damaged(Teams, tmp_path / "m.json", context, range(SEEDS // 2), FIELDS) > SEEDS // 8


@pytest.mark.long
def test_many_damaged_exports(tmp_path: Path) -> None:
    assert damaged(Teams, tmp_path / "m.json", POSTS, range(10_000, 27_000), FIELDS) > 4_000
