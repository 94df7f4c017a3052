"""Exports of Messenger, Instagram and Microsoft Teams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from export_case import Case, Clock, epoch


def _mojibake(value: Any) -> bytes:
    """Write JSON as Meta does: each byte of the UTF-8 text escaped as if it were a character."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(c if ord(c) < 128 else "".join(f"\\u{byte:04x}" for byte in c.encode()) for c in text).encode()


def messenger(name: str, shape: str) -> Case:
    """Threads newest first, in numbered files; what Meta did to the text is undone."""
    case = Case(
        name, "messenger", "message_1.json" if shape == "single" else "inbox", assistants=["João Café"], gap="60m"
    )
    start = Clock("2024-08-01 10:00:00")

    def message(who: str, text: str | None, **more: Any) -> dict[str, Any]:
        said: dict[str, Any] = {"sender_name": who, "timestamp_ms": epoch(start.tick()) * 1000}
        if text is not None:
            said["content"] = text
        return {**said, "is_geoblocked_for_viewer": False, **more}

    def thread(who: str, moment: str) -> list[dict[str, Any]]:
        start.at(moment)
        q1, a1, q2, a2, q3, a3 = (case.answer() if at % 2 else case.ask() for at in range(6))
        photo = {"photos": [{"uri": "photos/x.jpg", "creation_timestamp": 1}]}
        said = [
            message("João Café", case.out("system", "joined"), type="Subscribe", users=[{"name": who}]),
            message(who, f"{q1} – «ação» 😀"),
            message("João Café", f"{a1} €"),
            message(who, None, **photo),
            message(who, q2, **photo),
            message("João Café", a2, reactions=[{"reaction": "❤", "actor": who}]),
            message(who, case.out("deleted", "unsent"), is_unsent=True),
            message(who, None, sticker={"uri": "stickers/y.png"}),
        ]
        case.drop("media", 2)
        case.conv(("user", f"{q1} – «ação» 😀"), ("assistant", f"{a1} €"), ("user", q2), ("assistant", a2))
        start.tick(24 * 60)
        said += [message(who, q3), message("João Café", a3)]
        case.conv(("user", q3), ("assistant", a3))
        return said[::-1]

    def page(who: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        head = {"participants": [{"name": who}, {"name": "João Café"}], "messages": messages, "title": who}
        return {**head, "is_still_participant": True, "thread_path": f"inbox/{who}", "magic_words": []}

    first = thread("Inês Ávila", "2024-08-01 10:00:00")
    if shape == "single":
        case.files["message_1.json"] = b"\xef\xbb\xbf" + _mojibake(page("Inês Ávila", first))
        return case
    second = thread("Rui", "2024-08-01 10:00:20")
    case.files["inbox/ines_11/message_1.json"] = _mojibake(page("Inês Ávila", first[:5]))
    case.files["inbox/ines_11/message_2.json"] = _mojibake(page("Inês Ávila", first[5:]))
    case.files["inbox/rui_12/message_1.json"] = _mojibake(page("Rui", second))
    if shape == "zip":
        case.files = {f"your_activity/messages/{path}": content for path, content in case.files.items()}
        case.zipped("facebook.zip", ("your_activity/messages/inbox/rui_12/photos/x.jpg", b"\xff\xd8junk"))
    return case


def teams(name: str, shape: str) -> Case:
    """A tenant export: replies before roots, system events, deleted posts, an application that posts."""
    case = Case(name, "teams", "messages.json", evidence="F", assistants=["Bruno Reis"], gap="60m")
    if shape == "chat":
        case.fields["private"] = True  # one to one and group chats are nobody's unless asked for
    posts = []
    users = {"Ana Luz": "a1", "Bruno Reis": "b2", "Carla Sá": "c3"}

    def post(key: str, moment: str, who: str | None, html: str, to: str | None = None, **more: Any) -> None:
        clock = Clock(moment)
        stamp = clock.now.isoformat() + ".16+00:00"
        source: dict[str, Any] | None = None
        if who is not None:
            source = {"Application": None, "Device": None, "User": {"Id": users.get(who), "DisplayName": who}}
        where: dict[str, Any] = {"ChannelIdentity": {"ChannelId": "19:x@thread.tacv2", "TeamId": "t"}, "ChatId": None}
        if shape == "chat":
            where = {"ChannelIdentity": None, "ChatId": "19:chat@thread.v2"}
        base: dict[str, Any] = {"Id": key, "Body": {"ContentType": "html", "Content": html}, "CreatedDateTime": stamp}
        base |= {"LastModifiedDateTime": stamp, "LastEditedDateTime": None, "DeletedDateTime": None, "Subject": ""}
        base |= {
            "ReplyToId": to,
            "From": source,
            "Attachments": [],
            "Mentions": [],
            "Reactions": [],
            "EventDetail": None,
        }
        posts.append({**base, "MessageType": "message", "Importance": "normal", **where, **more})

    q1, a1, q2, a2, q3, a3 = (case.answer() if at % 2 else case.ask() for at in range(6))
    root, second = ("1001", "1002") if shape == "channel" else (None, None)
    later = "2025-08-07" if shape == "channel" else "2025-08-06"
    app = {"Application": {"DisplayName": "Moka", "ApplicationIdentityType": "bot"}, "Device": None, "User": None}
    event = {
        "teamDisplayName": case.out(None, "event"),
        "initiator": {"user": {"displayName": case.out(None, "event")}},
    }
    kind: dict[str, Any] = {"MessageType": "unknownFutureValue", "EventDetail": event}
    post("1003", f"{later}T06:20:00", "Bruno Reis", f'<p><at id="0">Ana Luz</at>&nbsp;{a1}</p>', root)
    post("1001", "2025-08-06T06:10:00", "Ana Luz", f"<p>{q1}</p>")
    post("1000", "2025-08-06T06:00:00", None, "<systemEventMessage/>", **kind)
    case.drop("system")
    post("1004", f"{later}T06:21:00", "Ana Luz", f'<p>{q2}</p><attachment id="77"></attachment>', root)
    post(
        "1009",
        f"{later}T06:21:30",
        "Carla Sá",
        case.out("deleted", "deleted"),
        root,
        DeletedDateTime="2025-08-08T00:00:00Z",
    )
    post("1010", f"{later}T06:21:40", None, f"<p>{case.out('bot', 'application')}</p>", root, From=app)
    blocked: dict[str, Any] = {
        "PolicyViolation": {"dlpAction": "blockAccess", "verdictDetails": "none", "policyTip": None}
    }
    post("1012", f"{later}T06:21:45", "Ana Luz", f"<p>{case.out('hidden|private', 'blocked')}</p>", root, **blocked)
    image = f'<p><img alt="{case.out(None, "alt")}" src="https://example.com/x/$value" width="200"></p>'
    post("1011", f"{later}T06:21:50", "Ana Luz", image, root)
    case.drop("media")
    post("1005", f"{later}T06:22:00", "Bruno Reis", f"<p>{a2}</p>", root, LastEditedDateTime="2025-08-07T07:00:00Z")
    moment = "2025-08-06T06:11" if shape == "channel" else "2025-08-09T06:11"
    post(
        "1006",
        f"{moment}:30",
        "Bruno Reis",
        f"{a3} a < b & c",
        second,
        Body={"ContentType": "text", "Content": f"{a3} a < b & c"},
    )
    post("1002", f"{moment}:00", "Carla Sá", f"<div>{q3}</div>", Subject="Outro assunto")
    case.conv(
        ("user", q1),
        ("assistant", {"has": ["Ana Luz", a1], "lacks": ["<at", "&nbsp;"]}),
        ("user", q2),
        ("assistant", a2),
    )
    case.conv(("user", q3), ("assistant", f"{a3} a < b & c"))
    case.json("messages.json", posts, ascii_only=True)
    return case


def more_chats() -> Iterator[Case]:
    yield messenger("instagram", "single")
    yield messenger("messenger-inbox", "inbox")
    yield messenger("messenger-zip", "zip")
    yield teams("teams-channel", "channel")
    yield teams("teams-chat", "chat")
