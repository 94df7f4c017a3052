"""Slack exports: threads over days, whose messages are whose, what is private, what is left out, what others read."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_reading import CANARY, SHARED, broken, drops, frame, mutated, read, same_in_any_size, sniffed, talks, write

from ftdata import flow
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers.divide import Log
from ftdata.readers.slack import Slack
from ftdata.readers.slack_text import caption, of_blocks, plain
from ftdata.recipe import Recipe
from ftdata.source import Source

REAL = SHARED / "slack"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the files of others are not here")
SECRET = f"{CANARY} words"
DAY = 1709287200  # 2024-03-01 10:00 UTC


def message(minute: float, user: str | None, text: str, **more: Any) -> dict[str, Any]:
    """A message as Slack exports it, `minute` after the first."""
    base = {"type": "message", "text": text, "ts": f"{DAY + minute * 60:.6f}", "team": "T1"}
    return base | ({} if user is None else {"user": user, "client_msg_id": f"id-{minute}"}) | more


def stamp(minute: float) -> str:
    return f"{DAY + minute * 60:.6f}"


USERS = [
    {
        "id": "U1",
        "name": "ana",
        "real_name": "Ana Luz",
        "profile": {"display_name": "Anita", "email": "ana@example.com"},
    },
    {"id": "U2", "name": "sol", "real_name": "Sol Reis", "profile": {"display_name": "", "email": "sol@example.com"}},
    {"id": "U3", "name": "bia", "real_name": "Bia Sá", "profile": {}, "deleted": True},
    {"id": "U8", "name": "moka", "real_name": "Moka", "is_bot": True, "profile": {"bot_id": "B8"}},
]
PRIVATE = {
    "finance/2024-03-01.json": [message(1, "U1", SECRET), message(2, "U2", SECRET)],
    "D0123ABCDE/2024-03-01.json": [message(1, "U1", SECRET)],
    "mpdm-ana--sol--bia-1/2024-03-01.json": [message(1, "U3", SECRET), message(2, "U2", SECRET)],
    "board/2024-03-01.json": [message(1, "U1", SECRET)],
    "lost/2024-03-01.json": [message(1, "U1", SECRET)],
}
EXPORT: dict[str, Any] = {
    "channels.json": [
        {"id": "C1", "name": "general", "is_general": True},
        {"id": "C2", "name": "help"},
        {"id": "C3", "name": "board", "is_private": True},
    ],
    "groups.json": [{"id": "G1", "name": "finance"}],
    "dms.json": [{"id": "D0123ABCDE", "members": ["U1", "U2"]}],
    "mpims.json": [{"id": "G2", "name": "mpdm-ana--sol--bia-1"}],
    "users.json": USERS,
    "integration_logs.json": [{"user_id": "U1", "app_type": SECRET}],
    "general/2024-03-01.json": [
        message(0, "U1", f"<@U1> has joined the channel {SECRET}", subtype="channel_join"),
        message(1, "U2", "Good morning"),
        message(2, "U1", "The door is shut"),
        message(3, "U3", "It does not print", thread_ts=stamp(3), reply_count=3),
        message(4, None, "", subtype="bot_message", bot_id="B1", attachments=[{"text": SECRET}]),
        message(5, None, SECRET, subtype="bot_message", bot_id="B1", username="deploy"),
        message(6, "U2", "Push &lt;hard&gt;", edited={"user": "U2", "ts": "1"}),
        message(7, "U8", SECRET),
        message(8, "U1", SECRET, bot_id="B9", bot_profile={"name": "Giphy"}),
        message(9, "USLACKBOT", SECRET),
        message(10, "USLACKBOT", SECRET, subtype="tombstone", hidden=True),
        message(11, "U1", "", files=[{"id": "F1", "name": SECRET}], upload=True),
        message(12, "U1", "and this one?", files=[{"id": "F1", "name": SECRET}], upload=True),
        message(13, "U2", "That one too"),
        message(14, "U1", SECRET, subtype="pinned_item"),
        message(15, "U1", SECRET, subtype="file_comment", comment={"comment": SECRET}),
        message(16, "U1", SECRET, subtype="ekm_access_denied"),
        message(17, "U1", SECRET, hidden=True, subtype="message_changed"),
        message(18, "U1", "", attachments=[{"is_share": True, "text": SECRET}]),
        message(19, "U1", ""),
        message(20, None, "whose is this"),
        7,
    ],
    "general/2024-03-02.json": [
        message(1500, "U2", "Is it on?", thread_ts=stamp(3), parent_user_id="U3"),
        message(1720, "U3", "Yes, it is", thread_ts=stamp(3), parent_user_id="U3"),
    ],
    "general/2024-03-04.json": [
        message(4400, "U2", "Then turn it off", thread_ts=stamp(3), subtype="thread_broadcast", root={"text": SECRET}),
        message(4500, "U1", "A new day", reactions=[{"name": "eyes"}]),
    ],
    "C2/2024-03-01.json": [  # a folder may be the channel's id
        message(1, "U9", "Who am I?", user_profile={"display_name": "Nine", "real_name": "Number Nine"}),
        message(2, "U2", "<@U9>, of course"),
        message(90, "U1", "Later"),
        message(91, "U2", "Much later"),
    ],
    **PRIVATE,
}
TALKS = [
    ["u:Who am I?", "a:@Nine, of course"],
    ["u:Later", "a:Much later"],
    ["u:The door is shut", "a:Push <hard>", "u:and this one?", "a:That one too"],
    ["u:It does not print", "a:Is it on?", "u:Yes, it is", "a:Then turn it off"],
]
DROPS = {
    None: 12,
    "private-note": 6,
    "unknown-visibility": 1,
    "bot": 5,
    "system-line": 4,
    "deleted": 1,
    "hidden": 1,
    "not-text": 1,
    "forwarded": 1,
    "empty-text": 1,
    "unknown-author": 1,
    "not-an-object": 1,
    "leading-agent": 1,
    "no-assistant": 1,
}


def zipped(files: dict[str, Any], *more: tuple[str, bytes], under: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in files.items():
            archive.writestr(under + name, value if isinstance(value, bytes) else json.dumps(value, indent=4))
        for name, content in more:
            archive.writestr(name, content)
    return packed.getvalue()


def live(rows: list[Conversation]) -> list[Conversation]:
    return [row for row in rows if row.drop is None]


@pytest.mark.covers("slack", "threads")
@pytest.mark.covers("slack", "roles")
@pytest.mark.covers("slack", "system")
@pytest.mark.covers("slack", "bots")
@pytest.mark.covers("slack", "deletions")
@pytest.mark.covers("slack", "attachments")
@pytest.mark.parametrize("shape", ["folder", "zip", "wrapped"])
def test_an_export_is_read_whole(tmp_path: Path, shape: str) -> None:
    junk = (("__MACOSX/._channels.json", b"\0\5"), ("__MACOSX/general/._2024-03-01.json", b"\0"), (".DS_Store", b"\0"))
    if shape == "folder":
        path = write(tmp_path / "export", EXPORT)
    else:
        path = write(tmp_path / "export.zip", zipped(EXPORT, *junk, under="my export/" if shape == "wrapped" else ""))
    rows = read(Slack, path, assistants=("U2",))
    assert talks(rows) == TALKS
    assert drops(rows) == DROPS
    assert CANARY not in repr(rows)


@pytest.mark.covers("slack", "edits")
def test_meta_and_flags(tmp_path: Path) -> None:
    rows = live(read(Slack, write(tmp_path / "e", EXPORT), assistants=("sol@example.com",)))
    assert [row.meta for row in rows] == [
        {"chat": "help", "time": stamp(1), "author": "Nine"},
        {"chat": "help", "time": stamp(90), "author": "Anita"},
        {"chat": "general", "time": stamp(2), "author": "Anita"},
        {"chat": "general", "time": stamp(3), "author": "Bia Sá", "thread": stamp(3)},
    ]
    assert [row.flags for row in rows] == [(), (), ("edited",), ()]
    assert [row.origin for row in rows][3][0] < rows[3].origin[-1]


@pytest.mark.parametrize("who", ["U2", "sol", "Sol Reis", "sol@example.com", "SOL REIS"])
def test_the_assistant_may_be_named_in_any_way(tmp_path: Path, who: str) -> None:
    path = write(tmp_path / "e", EXPORT)
    assert talks(read(Slack, path, me=who)) == TALKS


def test_nobody_is_guessed_to_be_the_assistant(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing in this format tells who is the assistant"):
        read(Slack, write(tmp_path / "e", EXPORT))


# --- private ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("slack", "private")
def test_private_rooms_are_read_only_if_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "e", EXPORT)
    one = read(Slack, path, assistants=("U2",), private=("finance",))
    assert drops(one)["private-note"] == 4
    assert [row.meta["chat"] for row in live(one) if row.meta].count("finance") == 1
    everything = read(Slack, path, assistants=("U2",), private=True)
    assert "private-note" not in drops(everything) and "unknown-visibility" not in drops(everything)
    assert repr(everything).count(CANARY) > repr(one).count(CANARY)
    shown = read(Slack, path, assistants=("U2",), assume_public=True)
    assert drops(shown)["private-note"] == 6 and "unknown-visibility" not in drops(shown)


def test_no_private_text_comes_near_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    extend = Log.extend
    monkeypatch.setattr(Log, "extend", lambda self, some: held.append(repr(some)) or extend(self, some))
    write(tmp_path / "export", EXPORT)
    tables = {
        "read": [{"use": "slack", "path": "export", "assistants": ["U2"]}],
        "write": [{"use": "openai-chat", "path": "out/all.jsonl", "meta": ["chat", "author"]}],
    }
    flow.run(Recipe.parse(tables, tmp_path, "recipe"))
    assert held and CANARY not in "".join(held)
    made = [path for path in tmp_path.rglob("*") if path.is_file() and "export" not in path.parts]
    assert {"all.jsonl", "run.json", "ledger.parquet"} <= {path.name for path in made}
    for path in made:
        text = str(pl.read_parquet(path).to_dicts()) if path.suffix == ".parquet" else path.read_bytes().decode()
        assert CANARY not in text, path


def test_without_the_tables_nothing_is_taken_for_public(tmp_path: Path) -> None:
    days = {name: value for name, value in EXPORT.items() if "/" in name}
    path = write(tmp_path / "e", days)
    told = sniffed(Slack, path)
    assert told is not None and told.refusal is not None and "assume_public=true" in told.refusal
    with pytest.raises(InputError, match=r"without channels\.json"):
        read(Slack, path, assistants=("U2",))
    rows = read(Slack, path, assistants=("U2",), assume_public=True)
    assert drops(rows)["private-note"] == 3  # their names tell: D... and mpdm-...
    assert ["u:Later", "a:Much later"] in talks(rows)


@pytest.mark.parametrize("yes", ["true", "True", 1, "1", "yes", "x"])
@pytest.mark.parametrize("no", ["false", 0, "0", "no", None, ""])
def test_flags_in_another_form_hide_all_the_same(tmp_path: Path, yes: Any, no: Any) -> None:
    def other(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: other(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [other(one) for one in value]
        return (yes if value else no) if isinstance(value, bool) else value

    files = {name: other(value) for name, value in EXPORT.items()}
    rows = read(Slack, write(tmp_path / "e", files), assistants=("U2",))
    assert talks(rows) == TALKS and drops(rows) == DROPS


@pytest.mark.parametrize("flag", ["is_private", "is_group", "is_im", "is_mpim"])
def test_each_flag_of_a_private_channel_shuts_it(tmp_path: Path, flag: str) -> None:
    files = {
        "channels.json": [{"id": "C1", "name": "general"}, {"id": "C7", "name": "shut", flag: True}],
        "general/2024-03-01.json": [message(1, "U1", "q"), message(2, "U2", "a")],
        "shut/2024-03-01.json": [message(1, "U1", SECRET), message(2, "U2", SECRET)],
    }
    rows = read(Slack, write(tmp_path / "e", files), assistants=("U2",))
    assert talks(rows) == [["u:q", "a:a"]] and drops(rows)["private-note"] == 2


def test_of_two_channels_of_one_name_the_private_one_counts(tmp_path: Path) -> None:
    files = {**EXPORT, "groups.json": [{"id": "G1", "name": "general"}]}
    rows = read(Slack, write(tmp_path / "e", files), assistants=("U2",))
    assert talks(rows) == TALKS[:2]


def test_days_of_another_workspace_are_not_known_by_these_tables(tmp_path: Path) -> None:
    files = {f"one/{name}": value for name, value in EXPORT.items()}
    files["other/general/2024-03-01.json"] = [message(1, "U1", SECRET), message(2, "U2", SECRET)]
    rows = read(Slack, write(tmp_path / "e", files), assistants=("U2",))
    assert talks(rows) == TALKS and drops(rows)["unknown-visibility"] == 3


@pytest.mark.parametrize("outer", ["", "acme/"])
def test_each_workspace_of_an_organization_has_its_own_tables(tmp_path: Path, outer: str) -> None:
    """A private channel of one workspace stays shut, whatever public channel of another has its name."""
    talk = [message(1, "U1", "here"), message(2, "U2", "there <@U7>")]
    secret = [message(1, "U1", SECRET), message(2, "U2", SECRET)]
    files = {
        "org_users.json": [*USERS, {"id": "U7", "name": "eva", "profile": {}}],
        "channels.json": [{"id": "C9", "name": "hush"}],
        "hush/2024-03-01.json": talk,
        "teams/one/channels.json": [{"id": "C1", "name": "help"}],
        "teams/one/groups.json": [{"id": "G1", "name": "hush"}],
        "teams/one/users.json": USERS[:1],
        "teams/one/help/2024-03-01.json": talk,
        "teams/one/hush/2024-03-01.json": secret,
        "teams/two/groups.json": [{"id": "G2", "name": "help"}],
        "teams/two/help/2024-03-01.json": secret,
        "teams/two/other/2024-03-01.json": secret,
    }
    rows = read(
        Slack, write(tmp_path / "e", {outer + name: value for name, value in files.items()}), assistants=("U2",)
    )
    assert talks(rows) == [["u:here", "a:there @eva"]] * 2 and {(row.meta or {})["chat"] for row in live(rows)} == {
        "hush",
        "help",
    }
    assert drops(rows)["private-note"] == 4 and drops(rows)["unknown-visibility"] == 2


def test_a_private_channel_is_not_named(tmp_path: Path) -> None:
    link = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "channel", "channel_id": "G1"}]}],
    }
    files = {
        "channels.json": [{"id": "C1", "name": "general"}],
        "groups.json": [{"id": "G1", "name": CANARY}],
        "general/2024-03-01.json": [
            message(1, "U1", f"is it <#G1|{CANARY}> or <#C1|general>?"),
            message(2, "U2", "", blocks=[link]),
        ],
    }
    rows = read(Slack, write(tmp_path / "e", files), assistants=("U2",))
    assert talks(rows) == [["u:is it #G1 or #general?", "a:#G1"]]


def test_an_export_of_private_rooms_only_is_refused(tmp_path: Path) -> None:
    files = {"dms.json": EXPORT["dms.json"], "users.json": USERS, **{k: v for k, v in PRIVATE.items() if k[0] == "D"}}
    path = write(tmp_path / "e", files)
    told = sniffed(Slack, path)
    assert told is not None and told.refusal is not None and "private=true" in told.refusal
    assert told.counts == {"private-note": 1}
    with pytest.raises(InputError, match="private=true"):
        read(Slack, path, assistants=("U2",))


def test_channels_may_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "e", EXPORT)
    rows = read(Slack, path, assistants=("U2",), channels=("C2",))
    assert talks(rows) == TALKS[:2] and drops(rows)["unwanted-channel"] == 26
    assert talks(read(Slack, path, assistants=("U2",), channels=("help",))) == TALKS[:2]
    with pytest.raises(InputError, match='did you mean "general"'):
        read(Slack, path, assistants=("U2",), channels=("genral",))
    with pytest.raises(InputError, match="one of these is private"):
        read(Slack, path, assistants=("U2",), channels=("finance",))
    both = read(Slack, path, assistants=("U2",), channels=("finance",), private=("finance",))
    assert len(live(both)) == 1


# --- what a message is ------------------------------------------------------------------------------------------------


def said(tmp_path: Path, *messages: Any, **fields: Any) -> list[Conversation]:
    files = {"channels.json": EXPORT["channels.json"], "users.json": USERS, "general/2024-03-01.json": list(messages)}
    return read(Slack, write(tmp_path / "one", files), **{"assistants": ("U2",), **fields})


def test_a_broadcast_and_a_repeated_reply_count_once(tmp_path: Path) -> None:
    root = message(1, "U1", "root", thread_ts=stamp(1))
    reply = message(2, "U2", "reply", thread_ts=stamp(1))
    rows = said(tmp_path, root, reply, {**reply, "subtype": "thread_broadcast"}, message(3, "U1", "aside"))
    assert talks(rows) == [["u:root", "a:reply"]]
    assert drops(rows) == {None: 2, "repeated-message": 1, "no-assistant": 1}


def test_a_root_without_the_time_of_its_thread(tmp_path: Path) -> None:
    replies = [{"user": "U2", "ts": stamp(200)}]
    rows = said(
        tmp_path,
        message(1, "U1", "old root", replies=replies, reply_count=1),
        message(2, "U1", "aside"),
        message(200, "U2", "old reply", thread_ts=stamp(1)),
    )
    assert talks(rows) == [["u:old root", "a:old reply"]]


def test_a_thread_keeps_together_where_its_root_is_gone(tmp_path: Path) -> None:
    gone = message(1, "USLACKBOT", SECRET, subtype="tombstone", hidden=True, thread_ts=stamp(1))
    rows = said(
        tmp_path, gone, message(2, "U1", "why?", thread_ts=stamp(1)), message(99, "U2", "so", thread_ts=stamp(1))
    )
    assert talks(rows) == [["u:why?", "a:so"]] and CANARY not in repr(rows)


def test_bots_answer_on_request_with_what_they_attached(tmp_path: Path) -> None:
    card = [{"pretext": "Result &amp; all", "title": "Build 7", "fields": [{"title": "state", "value": "green"}]}]
    posts = [message(1, "U1", "build?"), message(2, None, "", subtype="bot_message", bot_id="B1", attachments=card)]
    assert drops(said(tmp_path, *posts, assistants=("U1",)))["bot"] == 1
    (row,) = live(said(tmp_path, *posts, assistants=(), with_bots=True, users=("U1",), me="B1"))
    assert row.messages is not None and row.messages[1].content == "Result & all\nBuild 7\nstate: green"


def test_old_texts_of_files_are_not_what_people_said(tmp_path: Path) -> None:
    wrote = "<@U1|ana> uploaded a file: <https://files.example.com/x|x.png>"
    rows = said(
        tmp_path,
        message(1, "U1", wrote, subtype="file_share", file={"id": "F1"}),
        message(2, "U1", f"{wrote} and commented: it &lt;breaks&gt;", subtype="file_share", file={"id": "F1"}),
        message(3, "U2", "a new share", subtype="file_share", files=[{"id": "F1"}]),
    )
    assert talks(rows) == [["u:it <breaks>", "a:a new share"]] and drops(rows)["not-text"] == 1
    assert caption("I uploaded a file: <x>") == "I uploaded a file: <x>"


def test_times_that_are_none_are_told(tmp_path: Path) -> None:
    rows = said(tmp_path, message(1, "U1", "one"), message(2, "U1", "two", ts="soon"), message(3, "U2", "three"))
    assert [row.flags for row in live(rows)] == [("unparsed-time",)]
    huge = said(tmp_path, message(1, "U1", "one", ts=10**350), message(3, "U2", "three"))
    assert [row.flags for row in live(huge)] == [("unparsed-time",)]
    numbers = said(tmp_path, message(2, "U1", "one", ts=DAY + 60), message(3, "U2", "two", ts=DAY + 61.5))
    assert [row.flags for row in live(numbers)] == [()]


def test_order_is_that_of_time(tmp_path: Path) -> None:
    rows = said(tmp_path, message(3, "U1", "b"), message(4, "U2", "c"), message(2, "U2", "x"), message(1, "U1", "a"))
    assert talks(rows) == [["u:a", "a:x", "u:b", "a:c"]]


# --- texts ------------------------------------------------------------------------------------------------------------


def who(key: str) -> str:
    return {"U1": "Anita", "U2": "@sol"}.get(key, key)


def where(key: str) -> str:
    return {"C1": "general"}.get(key, key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a &lt;b&gt; &amp;&amp; c", "a <b> && c"),
        ("&amp;lt; once", "&lt; once"),
        ("&quot; &nbsp; stay", "&quot; &nbsp; stay"),
        ("<@U1> and <@U2> and <@W7> and <@U9|nine>", "@Anita and @sol and @W7 and @nine"),
        ("<#C1|named> <#C1> <#C1|> <#C9>", "#named #general #general #C9"),
        ("<!here> <!channel|@channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@help> <!subteam^S1>", "@help @S1"),
        ("<!date^1392734382^{date} at {time}|18 February 2014> ok", "18 February 2014 ok"),
        ("<https://example.com/a?x=1&amp;y=2|the &lt;manual&gt;>", "the <manual> (https://example.com/a?x=1&y=2)"),
        ("<https://example.com/a>", "https://example.com/a"),
        ("<http://example.com|example.com>", "http://example.com"),
        ("<mailto:a@example.com|a@example.com> <mailto:a@example.com|Ana>", "a@example.com Ana (a@example.com)"),
        ("<tel:+351123|call>", "call (+351123)"),
        (":wave: *bold* `a &lt; b` ```x\n&gt;```", ":wave: *bold* `a < b` ```x\n>```"),
        ("<nothing known>", "<nothing known>"),
        ("a < b", "a < b"),
    ],
)
def test_markup_is_resolved_once(text: str, expected: str) -> None:
    assert plain(text, who, where) == expected


@given(st.text())
def test_what_people_type_comes_back(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert plain(escaped, who, where) == text


BLOCKS = [
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "a &lt; "},
                    {"type": "user", "user_id": "U1"},
                    {"type": "emoji", "name": "wave"},
                    {"type": "link", "url": "https://example.com/", "text": "page"},
                    {"type": "channel", "channel_id": "C1"},
                    {"type": "broadcast", "range": "here"},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": part}]} for part in ("x", "y")
                ],
            },
        ],
    },
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "b &lt; <@U1>"},
        "fields": [{"type": "plain_text", "text": "&lt;"}],
    },
    {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Press"}}]},
    {"type": "image", "alt_text": "picture"},
    "no block",
]


def test_blocks_are_read_where_there_is_no_text(tmp_path: Path) -> None:
    expected = "a &lt; @Anita:wave:page (https://example.com/)#general@here\n1. x\n2. y\nb < @Anita\n&lt;"
    assert of_blocks(BLOCKS, who, where) == expected
    rows = said(tmp_path, message(1, "U1", "", blocks=BLOCKS), message(2, "U2", "text counts", blocks=BLOCKS))
    assert talks(rows) == [[f"u:{expected}", "a:text counts"]]


# --- slackdump --------------------------------------------------------------------------------------------------------

DUMP = {
    "channel_id": "C051D4052",
    "name": "everyone",
    "messages": [
        message(
            1, "U1", "test", replace_original=False, delete_original=False, blocks=None, metadata={"event_type": ""}
        ),
        message(
            2,
            "U1",
            "question",
            thread_ts=stamp(2),
            reply_count=1,
            slackdump_thread_replies=[message(500, "U2", "answer", thread_ts=stamp(2))],
        ),
    ],
}


def test_a_dump_of_slackdump_is_read_with_its_replies(tmp_path: Path) -> None:
    path = write(tmp_path / "C051D4052.json", DUMP)
    told = sniffed(Slack, path)
    assert told is not None and told.refusal is not None and "assume_public" in told.refusal
    rows = read(Slack, path, assistants=("U2",), assume_public=True)
    assert talks(rows) == [["u:question", "a:answer"]] and drops(rows) == {None: 2, "no-assistant": 1}
    (row,) = live(rows)
    assert row.meta == {"chat": "everyone", "time": stamp(2), "author": "U1", "thread": stamp(2)}
    own = {**DUMP, "channel_id": "D0123ABCDE", "name": ""}
    with pytest.raises(InputError, match="private=true"):
        read(Slack, write(tmp_path / "D0123ABCDE.json", own), assistants=("U2",), assume_public=True)


def test_a_day_alone_is_known(tmp_path: Path) -> None:
    path = write(tmp_path / "2024-03-01.json", EXPORT["C2/2024-03-01.json"])
    told = sniffed(Slack, path)
    assert told is not None and told.confidence > 0.9
    assert talks(read(Slack, path, assistants=("U2",), assume_public=True)) == TALKS[:2]


# --- other clothes, other readers -------------------------------------------------------------------------------------


@pytest.mark.covers("slack", "sniffed")
def test_sniff_says_what_it_is(tmp_path: Path) -> None:
    told = sniffed(Slack, write(tmp_path / "e", EXPORT))
    assert told is not None and told.confidence == 0.95
    assert told.evidence[0] == "9 days of 7 channels" and told.counts["private-note"] == 6
    assert told.refusal is not None and "Anita (U1)" in told.refusal and "assistants" in told.force
    for other in ([{"ts": 7, "text": "x"}], {"messages": [{"ts": "1", "text": "x"}]}, [{"a": 1}], "x"):
        assert sniffed(Slack, write(tmp_path / "other.json", other)) is None


@pytest.mark.covers("slack", "encodings")
def test_other_encodings(tmp_path: Path) -> None:
    whole = frame(Slack, write(tmp_path / "e", EXPORT), assistants=("U2",))[0]
    for change in ("utf-8-sig", "utf-16", "ascii"):
        files = {
            name: json.dumps(value, ensure_ascii=change == "ascii").encode(change) for name, value in EXPORT.items()
        }
        there = write(tmp_path / change, files)
        assert frame(Slack, there, assistants=("U2",))[0].equals(whole, null_equal=True)


def test_same_rows_in_batches_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same_in_any_size(Slack, write(tmp_path / "e", EXPORT), monkeypatch, assistants=("U2",))


def test_places_are_lines_of_the_day(tmp_path: Path) -> None:
    path = tmp_path / "e"
    files = {name: json.dumps(value, indent=1).encode() for name, value in EXPORT.items()}
    write(path, files)
    with Source(path) as source:
        list(Slack(path=path, assistants=("U2",)).read(source))
        number = next(first for first, name in source.spans() if name.endswith("general/2024-03-02.json")) + 1
        name, _, line = source.place(number).rpartition(":")
    lines = (path / "general/2024-03-02.json").read_text().split("\n")
    assert name.endswith("general/2024-03-02.json") and lines[int(line) - 1].strip() == "{"
    assert "Yes, it is" in "".join(lines[int(line) :][:8]) and "Is it on" not in "".join(lines[int(line) :])


def test_langchain_reads_the_same_authors_times_and_texts(tmp_path: Path) -> None:
    """Its loaders were run once on this export (see `made_with`); what differs is named here, and is all."""
    told = json.loads((Path(__file__).parent / "slack_langchain.json").read_text())
    path = write(tmp_path / "e", told["export"])
    with Source(path) as source:
        ours = list(Slack(path=path).turns(source))
    theirs = told["documents"]
    assert len(ours) == len(theirs)
    left = {}
    for turn, (user, time, text) in zip(ours, theirs, strict=True):
        if turn.drop is not None:
            left[text] = turn.drop
            continue
        assert isinstance(turn.meta, str) and json.loads(turn.meta)["time"] == time
        assert turn.author == (user or "B1")  # it does not read `bot_id`
        if turn.role == "bot":
            left[text] = "bot"
        elif turn.text != text:  # it leaves the markup
            assert turn.text == plain(text, {"U02": "sol"}.get, str) and ("<" in text or "&" in text)  # type: ignore[arg-type]
    assert left == {
        "<@U01> has joined the channel": "system-line",  # it takes joins for messages
        "deployed": "bot",
        "": "not-text",  # and files without a caption
        "This message was deleted.": "deleted",
    }
    # The chat loader merges as we do, but day by day: the answer of the next day stands alone there.
    merged = [(sender, text) for session in told["sessions"] for sender, _, text in session]
    assert merged[5] == ("U02", "Turn it off and on") and len(told["sessions"]) == 2
    rows = read(Slack, path, assistants=("U02",))
    assert talks(rows)[1] == ["u:It does not print", "a:Turn it off and on"]
    both = plain(merged[1][1], str, str)
    assert talks(rows)[0] == ["u:Where is order 7?", f"a:{both}"]


@real
def test_the_real_export() -> None:
    path = REAL / "slack_export_langchain.zip"
    told = sniffed(Slack, path)
    assert told is not None and told.counts == {"system-line": 1, "undecided": 4}
    rows = read(Slack, path, assistants=("U0500003428",))
    assert drops(rows) == {"system-line": 1, "no-user": 4}
    with Source(path) as source:
        turns = list(Slack(path=path).turns(source))
    assert [turn.text for turn in turns if turn.drop is None] == [
        "Example message",
        "Hello, world!",
        "Example in general",
        "Example random message",
    ]
    assert {turn.names for turn in turns if turn.drop is None} == {("Example User", "someUser")}


# --- damage -----------------------------------------------------------------------------------------------------------

FIELDS: list[dict[str, Any]] = [
    {"assistants": ("U2",)},
    {},
    {"assistants": ("U2",), "gap": "1m", "merge": False, "private": True, "with_bots": True},
    {"me": "Sol Reis", "assume_public": True, "channels": ("help",)},
]


def spoilt(place: Path, seeds: range) -> int:
    whole = 0
    small = {name: value for name, value in EXPORT.items() if "/" not in name or name[:2] in ("ge", "C2", "fi")}
    for seed in seeds:
        rng = random.Random(seed)
        files: dict[str, Any] = copy.deepcopy(small)
        for name in rng.sample(sorted(files), 3):
            text = json.dumps(mutated(files[name], rng, {}), indent=rng.choice([None, 1])).encode()
            files[name] = broken(text, rng) if seed % 2 else text
        path = write(place / f"{seed % 4}.zip", zipped(files)) if seed % 3 else write(place / "folder", files)
        try:
            with suppress(InputError):
                sniffed(Slack, path)
            try:
                rows = frame(Slack, path, **FIELDS[seed % 4])[0]
            except InputError:
                continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        whole += 1
        texts = str(rows.filter(pl.col("drop").is_not_null())["messages"].to_list())
        assert CANARY not in texts
    return whole


def test_damaged_exports(tmp_path: Path) -> None:
    assert spoilt(tmp_path, range(120)) > 60


@pytest.mark.long
def test_many_damaged_exports(tmp_path: Path) -> None:
    assert spoilt(tmp_path, range(1_000, 17_000)) > 8_000
