"""Exports of chat applications in JSON and CSV: Slack, Discord, Telegram."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from export_case import Case, Clock, epoch


def slack(name: str, shape: str) -> Case:
    """A workspace: channels, a thread over days, bots, files, tombstones, and channels that are private."""
    who = ["Bruno Reis"] if shape == "zip" else ["U02"]
    case = Case(name, "slack", "workspace", evidence="F", assistants=who, gap="60m")
    case.asks = True
    days: dict[tuple[str, str], list[dict[str, Any]]] = {}
    micros = 0

    def say(folder: str, moment: str, user: str | None, text: str, **more: Any) -> str:
        nonlocal micros
        micros += 7
        ts = f"{epoch(Clock(moment).now)}.{micros:06}"
        message = {"type": "message", "text": text, "ts": ts, "team": "T1", **more}
        if user is not None:
            message["user"] = user
            message["client_msg_id"] = f"id-{micros}"
        days.setdefault((folder, moment[:10]), []).append(message)
        return ts

    q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
    t1, t2, t3, t4 = case.ask(), case.answer(), case.ask(), case.answer()
    join = f"<@U01> has joined the channel {case.out('system', 'join')}"
    say("general", "2025-05-01 09:00", "U01", join, subtype="channel_join")
    say("general", "2025-05-01 09:01", "U02", case.cut("leading", "greeting"))
    say("general", "2025-05-01 09:02", "U01", q1)
    root = say("general", "2025-05-01 09:03", "U03", t1, thread_ts="", reply_count=3)
    days[("general", "2025-05-01")][-1]["thread_ts"] = root
    card = [{"fallback": case.out(None, "attachment"), "text": case.out(None, "attachment"), "id": 1}]
    say("general", "2025-05-01 09:04", None, "", subtype="bot_message", bot_id="B1", attachments=card)
    case.drop("bot")
    say(
        "general",
        "2025-05-01 09:05",
        None,
        case.out("bot", "bot-message"),
        subtype="bot_message",
        bot_id="B1",
        username="deploy",
    )
    say(
        "general",
        "2025-05-01 09:06",
        "U02",
        f"{a1} <https://example.com/a?x=1&amp;y=2|manual> a &gt; b &amp;&amp; c",
        edited={"user": "U02", "ts": "1"},
    )
    say("general", "2025-05-01 09:07", "UBOT", case.out("bot", "bot-user"), bot_id="B2", bot_profile={"name": "Moka"})
    gone = {"subtype": "tombstone", "hidden": True}
    say("general", "2025-05-01 09:08", "USLACKBOT", case.out("deleted|hidden|system", "tombstone"), **gone)
    removed: dict[str, Any] = {"subtype": "message_deleted", "hidden": True, "deleted_ts": root}
    removed["previous_message"] = {
        "type": "message",
        "user": "U01",
        "text": case.out("deleted|hidden|system", "deleted"),
    }
    say("general", "2025-05-01 09:08:30", None, "", **removed)
    say("general", "2025-05-01 09:09", "U01", f"<@U02> {q2}")
    photo = [{"id": "F1", "name": f"{case.out(None, 'file-name')}.png", "mimetype": "image/png"}]
    say("general", "2025-05-01 09:10", "U01", "", files=photo, upload=True)
    case.drop("media")
    say("general", "2025-05-01 09:11", "U02", a2, files=photo, upload=True)
    say("general", "2025-05-01 09:30", "U02", "", subtype="channel_topic", topic=case.out(None, "topic"))
    case.drop("system|media")
    for second, kind in enumerate(("channel_leave", "bot_add", "pinned_item", "channel_name", "reminder_add")):
        say("general", f"2025-05-01 09:12:0{second}", "U01", case.out("system", kind.replace("_", "-")), subtype=kind)
    case.conv(
        ("user", q1),
        ("assistant", {"has": [a1, "manual", "a > b && c"], "lacks": ["&gt;", "&amp;", "<http"]}),
        ("user", {"has": ["Bruno", q2], "lacks": ["<@U02>"]}),
        ("assistant", a2),
    )
    broadcast = {"thread_ts": root, "parent_user_id": "U03"}
    say("general", "2025-05-02 10:00", "U02", t2, **broadcast)
    say("general", "2025-05-02 10:20", "U03", t3, **broadcast)
    say("general", "2025-05-03 08:00", "U02", t4, **broadcast, subtype="thread_broadcast", root={"text": t1})
    case.conv(("user", t1), ("assistant", t2), ("user", t3), ("assistant", t4))

    q3, a3, q4, a4, q5, a5 = (case.answer() if n % 2 else case.ask() for n in range(6))
    say("general", "2025-05-02 10:05", "U01", q3)  # in the channel, while the thread goes on
    say("general", "2025-05-02 10:10", "U02", a3)
    case.conv(("user", q3), ("assistant", a3))
    say("C02", "2025-05-01 11:00", "U09", q4)  # nobody in users.json; the folder is the channel's id
    say("C02", "2025-05-01 11:02", "U02", a4)
    case.conv(("user", q4), ("assistant", a4))
    say("C02", "2025-05-01 15:00", "U03", q5)  # after a pause
    say("C02", "2025-05-01 15:02", "U02", a5)
    say("C02", "2025-05-01 15:03", "U03", case.cut("trailing", "thanks"))
    case.conv(("user", q5), ("assistant", a5))
    for folder in ("finance", "D01", "mpdm-ana--bruno--carla-1", "mystery"):  # the last stands in no table
        if shape == "asked" and folder == "finance":
            q6, a6 = case.ask(), case.answer()
            say(folder, "2025-05-01 12:00", "U01", q6)
            say(folder, "2025-05-01 12:01", "U02", a6)
            case.conv(("user", q6), ("assistant", a6))
            case.fields["private"] = ["finance"]
            continue
        for n, user in enumerate(("U01", "U02")):
            say(folder, f"2025-05-01 12:0{n}", user, case.out("private", f"private-{folder[:4]}"))

    names = {"U01": "Ana Luz", "U02": "Bruno Reis", "U03": "Carla Sá", "UBOT": "Moka"}
    case.json(
        "workspace/users.json",
        [
            {"id": key, "name": value.split()[0].lower(), "real_name": value, "deleted": False, "is_bot": key == "UBOT"}
            | {"profile": {"real_name": value, "display_name": value.split()[0], "email": "x@example.com"}}
            for key, value in names.items()
        ],
    )

    def channels(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
        topic = {"topic": {"value": ""}, "purpose": {"value": "support"}}
        return [{"id": key, "name": label, "created": 1, "members": ["U01", "U02"], **topic} for key, label in pairs]

    case.json("workspace/channels.json", channels(("C01", "general"), ("C02", "ajuda")))
    case.json("workspace/groups.json", channels(("G01", "finance")))
    case.json("workspace/mpims.json", channels(("G02", "mpdm-ana--bruno--carla-1")))
    case.json("workspace/dms.json", [{"id": "D01", "created": 1, "members": ["U01", "U02"]}])
    case.json("workspace/integration_logs.json", [{"user_id": "U02", "date": "1", "app_type": case.out(None, "log")}])
    for (folder, day), messages in days.items():
        case.json(f"workspace/{folder}/{day}.json", messages, ascii_only=True, indent=4)
    if shape == "zip":
        case.files = {path.removeprefix("workspace/"): content for path, content in case.files.items()}
        case.zipped(
            "export.zip", ("__MACOSX/._channels.json", b"\0\5\x16\7junk"), ("__MACOSX/general/._2025-05-01.json", b"\0")
        )
    return case


def _discord(
    message: int, kind: str | int, who: tuple[str, str, bool], moment: str, text: str, **more: Any
) -> dict[str, Any]:
    key, nick, bot = who
    author = {"id": key, "name": nick.lower(), "discriminator": "0000", "nickname": nick, "isBot": bot, "roles": []}
    base = {"id": f"{message}", "type": kind, "timestamp": moment, "timestampEdited": None, "callEndedTimestamp": None}
    rest: dict[str, Any] = {"attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": []}
    return {**base, "isPinned": False, "content": text, "author": author, **rest, **more}


def discord(name: str, shape: str) -> Case:
    """A channel, in one file or in parts: system messages with text, bots, times out of order and in two zones."""
    who = ["Bruno"] if shape == "parts" else ["2002"]
    case = Case(name, "discord", "discord" if shape == "parts" else "general.json", assistants=who, gap="60m")
    ana, bruno, bot = ("2001", "Ana", False), ("2002", "Bruno", False), ("2009", "Moka", True)
    q1, a1, q2, a2, q3, a3 = (case.answer() if n % 2 else case.ask() for n in range(6))
    forwarded = {"content": case.out(None, "forward"), "timestamp": "2025-01-01T00:00:00+00:00", "attachments": []}
    picture = [{"id": "1", "url": "x.png", "fileName": "x.png", "fileSizeBytes": 3}]
    first = [
        _discord(101, "GuildMemberJoin", ana, "2025-06-01T09:59:00+00:00", case.out("system", "join")),
        _discord(102, "Default", ana, "2025-06-01T10:00:00+00:00", q1),
        _discord(
            104, "Reply", bruno, "2025-06-01T12:02:00+02:00", a1, reference={"messageId": "102", "channelId": "1"}
        ),
        _discord(103, "Default", bot, "2025-06-01T10:01:00+00:00", case.out("bot", "bot")),
        _discord(105, "ChannelPinnedMessage", bruno, "2025-06-01T10:03:00+00:00", case.out("system", "pin")),
        _discord(106, "Call", ana, "2025-06-01T10:03:30+00:00", case.out("system", "call")),
        _discord(107, 46, ana, "2025-06-01T10:03:40+00:00", case.out("system", "number")),
        _discord(108, "ThreadCreated", ana, "2025-06-01T10:03:50+00:00", case.out("system", "thread")),
        _discord(109, "RecipientAdd", ana, "2025-06-01T10:03:55+00:00", case.out("system", "recipient")),
        _discord(110, "Default", ana, "2025-06-01T10:04:00+00:00", "", attachments=picture),
        _discord(111, "Default", ana, "2025-06-01T10:04:30+00:00", "", forwardedMessage=forwarded),
    ]
    case.drop("media|forwarded", 2)
    last = [
        _discord(113, "Default", bruno, "2025-06-01T10:06:00+00:00", a2, timestampEdited="2025-06-01T10:07:00+00:00"),
        _discord(112, "Default", ana, "2025-06-01T10:05:00+00:00", q2),
        _discord(114, "Default", ana, "2025-06-02T10:00:00+00:00", q3, attachments=picture),
        _discord(115, "Reply", bruno, "2025-06-02T10:01:00+00:00", a3),
        _discord(116, "Default", ana, "2025-06-02T10:02:00+00:00", case.cut("trailing", "thanks")),
    ]
    case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    case.conv(("user", q3), ("assistant", a3))
    guild = {"id": "1", "name": "Loja", "iconUrl": ""}
    channel = {
        "id": "100",
        "type": "GuildTextChat",
        "categoryId": "10",
        "category": "Text",
        "name": "ajuda",
        "topic": None,
    }
    head = {"guild": guild, "channel": channel, "dateRange": {"after": None, "before": None}}
    if shape == "parts":
        for part, messages in (("", first), (" [part 2]", last)):
            count = {"messages": messages, "messageCount": len(messages)}
            case.json(f"discord/Loja - Text - ajuda [100]{part}.json", {**head, **count}, indent=2)
        other = [_discord(201, "Default", ana, "2025-06-01T10:02:30+00:00", q4 := case.ask())]
        other.append(_discord(202, "Default", bruno, "2025-06-01T10:04:10+00:00", a4 := case.answer()))
        case.conv(("user", q4), ("assistant", a4))
        head["channel"] = {**channel, "id": "101", "name": "vendas"}
        case.json("discord/Loja - Text - vendas [101].json", {**head, "messages": other, "messageCount": 2})
    else:
        case.json("general.json", {**head, "messages": first + last, "messageCount": 16}, indent=2)
    return case


def discord_csv() -> Case:
    """The exporter's CSV: nothing tells a join from a message, and bots must be named."""
    case = Case("discord-csv", "discord", "ajuda.csv", evidence="C", assistants=["2002"], bots=["2009"], gap="60m")
    q1, a1, q2, a2 = case.ask() + "\nduas linhas", case.answer(), case.ask(), case.answer()
    rows = [
        ["2001", "ana#0000", "2025-06-01T10:00:00.0000000+00:00", q1, "", ""],
        ["2009", "moka#0000", "2025-06-01T10:01:00.0000000+00:00", case.out("bot", "bot"), "", ""],
        ["2002", "bruno#0000", "2025-06-01T10:02:00.0000000+00:00", a1, "", "👍 (1)"],
        ["2001", "ana#0000", "2025-06-01T10:03:00.0000000+00:00", "", "https://example.com/x.png", ""],
        ["2001", "ana#0000", "2025-06-03T10:03:00.0000000+00:00", q2, "", ""],
        ["2002", "bruno#0000", "2025-06-03T10:04:00.0000000+00:00", a2, "", ""],
    ]
    case.drop("media")
    case.conv(("user", q1), ("assistant", a1))
    case.conv(("user", q2), ("assistant", a2))
    case.csv("ajuda.csv", ["AuthorID", "Author", "Date", "Content", "Attachments", "Reactions"], rows, bom=True)
    return case


def telegram(name: str, shape: str) -> Case:
    """One chat, or a whole account: texts in pieces, service messages, stickers, forwards."""
    case = Case(name, "telegram", "result.json", evidence="F", assistants=["user2002"], bots=["user2009"], gap="60m")
    n = 0

    def message(clock: Clock, who: int | None, text: Any, kind: str = "message", **more: Any) -> dict[str, Any]:
        nonlocal n
        n += 1
        when = clock.tick()
        names = {2001: "Ana Luz", 2002: "Bruno Reis", 2009: "Moka", 2003: "Ana Luz"}
        said: dict[str, Any] = {"id": n, "type": kind, "date": when.isoformat(), "date_unixtime": str(epoch(when))}
        if kind == "service":
            said |= {"actor": names.get(who or 0), "actor_id": f"user{who}"}
        else:
            said |= {"from": names.get(who or 0), "from_id": f"user{who}"}
        return {**said, "text": text, "text_entities": [], **more}

    def chat(start: str, who: int) -> list[dict[str, Any]]:
        clock = Clock(start)
        q1, a1, q2, a2, q3, a3 = (case.answer() if at % 2 else case.ask() for at in range(6))
        pieces: list[Any] = [q1[:9], {"type": "bold", "text": q1[9:15]}, q1[15:]]
        photo: dict[str, Any] = {
            "photo": "(File not included. Change data exporting settings to download.)",
            "width": 3,
            "height": 4,
        }
        said = [
            message(clock, who, "", "service", action="create_group", title=case.out("system|media", "service")),
            message(clock, who, pieces),
            message(clock, 2009, case.out("bot", "bot")),
            message(clock, 2002, a1, edited="2025-04-01T20:00:00", edited_unixtime="1743537600"),
            message(clock, 2002, case.out("forwarded", "forward"), forwarded_from="Outra Pessoa"),
            message(clock, who, case.out("bot", "inline-bot"), via_bot="@gif"),
            message(clock, who, "", **photo),
            message(clock, who, "", file="(File not included.)", media_type="sticker", sticker_emoji="😀"),
            message(clock, who, q2, **photo),
            message(clock, who, "", "service", action="phone_call", duration_seconds=9, note=case.out(None, "service")),
            message(clock, 2002, [{"type": "link", "text": a2}], reply_to_message_id=n),
        ]
        case.drop("media", 2)
        case.drop("system|media")
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
        clock.tick(600)
        late = [message(clock, who, q3), message(clock, 2002, a3), message(clock, who, case.cut("trailing", "thanks"))]
        for row in late:
            del row["date"]  # older exporters: the other time only
        case.conv(("user", q3), ("assistant", a3))
        return said + late

    head = {"name": "Ana Luz", "type": "personal_chat", "id": 2001}
    if shape == "single":
        case.json("result.json", {**head, "messages": chat("2025-04-01 10:00:00", 2001)}, indent=1)
        return case
    listed = [{**head, "messages": chat("2025-04-01 10:00:00", 2001)}]
    # the same hours, another person of the same name
    listed.append({**head, "id": 2003, "messages": chat("2025-04-01 10:00:30", 2003)})
    own = Clock("2025-04-02 10:00:00")
    notes = [message(own, 2002, case.cut("one-sided|leading", "saved")) for _ in range(2)]
    listed.append({"type": "saved_messages", "id": 2002, "messages": notes})
    case.json(
        "result.json",
        {
            "about": "Here is the data you requested.",
            "personal_information": {"user_id": 2002, "first_name": "Bruno", "phone_number": case.out(None, "phone")},
            "contacts": {"about": "", "list": [{"first_name": case.out(None, "contact"), "phone_number": "1"}]},
            "chats": {"about": "This page lists all chats from this export.", "list": listed},
        },
        indent=1,
    )
    return case


def chats() -> Iterator[Case]:
    yield slack("slack-folder", "folder")
    yield slack("slack-zip", "zip")
    yield slack("slack-private-asked", "asked")
    yield discord("discord-json", "one")
    yield discord("discord-parts", "parts")
    yield discord_csv()
    yield telegram("telegram-chat", "single")
    yield telegram("telegram-account", "account")
