"""Exports of Intercom, Freshdesk, Freshservice and Help Scout: conversations with parts, notes and drafts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from export_case import Case, Clock, epoch, iso, plain


def _intercom_part(n: int, kind: str, who: dict[str, Any], body: str | None, when: int, **more: Any) -> dict[str, Any]:
    part = {"type": "conversation_part", "id": str(n), "part_type": kind, "body": body, "created_at": when}
    return {
        **part,
        "updated_at": when,
        "author": who,
        "attachments": [],
        "external_id": None,
        "redacted": False,
        **more,
    }


def intercom(name: str, shape: str) -> Case:
    """Conversations with a source and parts; as an array, in the API's list objects, or one a line."""
    path = "conversations.ndjson" if shape == "lines" else "conversations.json"
    case = Case(name, "help-desk", path, evidence="F")
    clock = Clock("2024-02-05 12:00:00")
    lead = {"type": "lead", "id": "5f19", "name": "Elisa", "email": "elisa@example.com"}
    user = {"type": "user", "id": "5edd", "name": "Fábio", "email": "fabio@example.com"}
    admin = {"type": "admin", "id": "4077", "name": "Gil", "email": "gil@example.com"}
    bot = {"type": "bot", "id": "99", "name": "Operator", "email": "operator@example.com"}
    fin = {"type": "bot", "id": "98", "name": "Fin", "email": "fin@example.com"}
    conversations = []
    n = 600

    def tick() -> int:
        return epoch(clock.tick())

    def conversation(
        who: dict[str, Any], body: str | None, delivered: str, parts: list[dict[str, Any]], **more: Any
    ) -> None:
        nonlocal n
        n += 1
        listed: Any = parts
        if shape == "api":
            listed = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
        source = {"type": "conversation", "id": str(n * 7), "delivered_as": delivered, "subject": "", "body": body}
        conversations.append(
            {
                "type": "conversation",
                "id": str(n),
                "created_at": epoch(clock.now) - 10_000,
                "state": "closed",
                "source": {**source, "author": who, "attachments": [], "url": None, "redacted": False},
                "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": who["id"]}]},
                "conversation_rating": {"rating": 5, "remark": ""},
                "tags": {"type": "tag.list", "tags": []},
                "conversation_parts": listed,
                **more,
            }
        )

    q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
    parts = [
        _intercom_part(1, "comment", bot, f"<p>{case.out('bot', 'operator')}</p>", tick()),
        _intercom_part(2, "assignment", admin, None, tick(), assigned_to={"type": "admin", "id": "4077"}),
        _intercom_part(3, "note", admin, f"<p>{case.out('private', 'note')}</p>", tick()),
        _intercom_part(4, "comment", admin, f"<p>{a1}</p>", tick()),
        _intercom_part(5, "comment", lead, f"<p>{q2}</p>", tick()),
        _intercom_part(6, "assignment", admin, f"<p>{case.out('private|system', 'assignment-note')}</p>", tick()),
        _intercom_part(7, "comment", fin, f"<p>{case.out('bot', 'fin')}</p>", tick()),
        _intercom_part(8, "comment", admin, f"<p>{a2}</p>", tick()),
        _intercom_part(9, "comment", admin, f"<p>{case.out('deleted|private', 'redacted')}</p>", tick(), redacted=True),
        _intercom_part(10, "close", admin, None, tick()),
    ]
    case.uncounted("system|media|private")
    parts[7], parts[3] = parts[3], parts[7]  # out of order: the time decides
    conversation(lead, f"<p>{q1}</p>", "customer_initiated", parts)
    case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))

    q3, a3, q4 = case.ask(), case.answer(), case.ask()
    picture = [{"type": "upload", "name": "foto.png", "url": "https://example.com/foto.png"}]
    conversation(
        bot,
        f"<p>{case.out('bot|system', 'automated-source')}</p>",
        "automated",
        [
            _intercom_part(21, "comment", user, f"<p>{q3}</p>", tick()),
            _intercom_part(22, "comment", user, None, tick(), attachments=picture),
            _intercom_part(23, "comment", user, f"<p>{q4}</p>", tick(), attachments=picture),
            _intercom_part(24, "comment", admin, f"<p>{a3}</p>", tick()),
        ],
    )
    case.conv(("user", q3), ("user", q4), ("assistant", a3))

    conversation(
        {**admin},
        f"<p>{case.out('bot|system|leading', 'campaign')}</p>",
        "automated",
        [
            _intercom_part(31, "comment", user, f"<p>{case.cut('one-sided', 'unanswered')}</p>", tick()),
        ],
    )
    conversation(
        user,
        f"<p>{case.out('private', 'internal-ticket')}</p>",
        "customer_initiated",
        [
            _intercom_part(41, "comment", user, f"<p>{case.out('private', 'internal-ticket')}</p>", tick()),
            _intercom_part(42, "comment", admin, f"<p>{case.out('private', 'internal-ticket')}</p>", tick()),
        ],
        ticket={
            "ticket_type": {"name": "Interno", "is_internal": True},
            "ticket_attributes": {"_default_title_": "t", "_default_description_": case.out(None, "internal-ticket")},
        },
    )
    if shape == "lines":
        case.ndjson(path, conversations)
    elif shape == "api":
        pages = {"type": "pages", "page": 1}
        case.json(path, {"type": "conversation.list", "conversations": conversations, "total_count": 4, "pages": pages})
    else:
        case.json(path, conversations, indent=1)
    return case


def intercom_tables() -> Case:
    """Conversation and part histories: several rows of one id, the active one counts."""
    case = Case("intercom-tables", "help-desk", "intercom", evidence="F")
    clock = Clock("2020-10-28 12:00:00")
    talks: list[list[Any]] = []
    parts: list[list[Any]] = []

    def talk(n: int, body: str, kind: str = "user", active: str = "true") -> None:
        when = plain(clock.tick())
        cells = [n, when, when, 4077, "admin", 5, when, "open", f"u{n}", kind, "customer_initiated", "conversation"]
        talks.append([*cells, body, when, when, active])

    def part(n: int, talk_id: int, kind: str, who: str, body: str, active: str = "true") -> None:
        when = plain(clock.tick())
        parts.append([n, when, when, f"{who}1", who, talk_id, when, when, kind, body, when, when, active])

    q1, a1, q2, a2, q3 = case.ask(), case.answer(), case.ask(), case.answer(), case.ask()
    talk(71, case.out("history", "old-source"), active="false")
    talk(71, q1)
    part(1, 71, "note", "admin", case.out("private", "note"))
    part(2, 71, "comment", "admin", case.out("history", "old-part"), active="false")
    part(2, 71, "comment", "admin", a1)
    part(3, 71, "close", "admin", "")
    part(4, 71, "comment", "bot", case.out("bot", "bot"))
    talk(72, q2)
    part(5, 72, "comment", "user", q3)
    part(6, 72, "comment", "admin", a2)
    part(7, 79, "comment", "admin", case.cut("orphan", "no-conversation"))
    case.conv(("user", q1), ("assistant", a1))
    case.conv(("user", q2), ("user", q3), ("assistant", a2))
    case.uncounted("system|media")
    header = "id,updated_at,_fivetran_synced,assignee_id,assignee_type,conversation_rating_value,created_at,state"
    header += ",source_author_id,source_author_type,source_delivered_as,source_type,source_body,_fivetran_start"
    case.csv("intercom/conversation_history_data.csv", (header + ",_fivetran_end,_fivetran_active").split(","), talks)
    header = "id,updated_at,_fivetran_synced,author_id,author_type,conversation_id,conversation_updated_at,created_at"
    header += ",part_type,body,_fivetran_start,_fivetran_end,_fivetran_active"
    case.csv("intercom/conversation_part_history_data.csv", header.split(","), parts)
    case.csv("intercom/admin_data.csv", ["id", "_fivetran_deleted", "email", "name"], [["4077", "false", "x", "Gil"]])
    return case


def freshdesk(name: str, shape: str) -> Case:
    """Tickets with conversations inside, or beside them in a file of their own."""
    path = "freshdesk" if shape == "folder" else "tickets.json"
    case = Case(name, "help-desk", path, evidence="F")
    clock = Clock("2021-11-22 16:00:00")
    tickets = []
    beside = []
    n = 7000

    def reply(body: str, incoming: bool, source: int = 0, **more: Any) -> dict[str, Any]:
        nonlocal n
        n += 1
        said = {"id": n, "body": f"<div>{body}</div>", "body_text": body, "incoming": incoming, "private": False}
        said |= {"source": source, "user_id": 1 if incoming else 9, "attachments": [], "created_at": iso(clock.tick())}
        return {key: value for key, value in {**said, **more}.items() if value is not None}

    for at in range(3):
        q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
        start = iso(clock.tick())
        said = [
            reply(case.out("private", "note"), False, 2, private=True),
            reply(case.out("system", "meta"), False, 4),
            reply(a1, False),
            reply(case.out("private", "private-reply"), False, 0, private=True),
            reply(q2, True),
            reply(case.out("private", "private-incoming"), True, 2, private=True),
            reply(case.out("forwarded|system", "forward"), False, 6),
            reply(a2, False),
        ]
        if at == 1:
            said.append(reply(case.out("private", "no-flag"), False, private=None))
            said.append(reply(case.out("system", "status"), False, 3))
        if at == 2:
            said.reverse()
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
        ticket = {
            "id": 90 + at,
            "subject": f"Assunto {at}",
            "description": f"<div>{q1}</div>",
            "description_text": q1,
            "source": 1,
            "status": 5,
            "priority": 2,
            "requester_id": 1,
            "responder_id": 9,
            "created_at": start,
            "updated_at": iso(clock.now),
            "tags": ["Hardware"],
            "custom_fields": {"choice": "x"},
        }
        beside += [{**row, "ticket_id": 90 + at} for row in said]
        tickets.append(ticket if shape == "folder" else {**ticket, "conversations": said})
    if shape == "folder":
        case.json("freshdesk/tickets.json", tickets)
        case.rng.shuffle(beside)
        case.json("freshdesk/conversations.json", beside)
    else:
        gone = dict(tickets[0], id=99, deleted=True, description_text=case.out("deleted", "deleted-ticket"))
        gone["description"] = case.out(None, "deleted-ticket")
        gone["conversations"] = [reply(case.out("deleted", "deleted-ticket"), False)]
        tickets.append(gone)
        case.json(path, [{"tickets": tickets}] if shape == "nested" else tickets, indent=1)
    return case


def helpscout(name: str, shape: str) -> Case:
    """Conversations with threads: newest first, drafts, notes, line items and forwards among them."""
    case = Case(name, "help-desk", "conversations.json", evidence="D")
    clock = Clock("2023-01-10 09:00:00")
    talks: list[dict[str, Any]] = []

    def thread(kind: str, body: str, by: str, state: str = "published") -> dict[str, Any]:
        who = {"type": by, "id": 5 if by == "user" else 6, "email": f"{by}@example.com"}
        return {
            "id": case.rng.randrange(10**6),
            "type": kind,
            "state": state,
            "body": f"{body}<br>",
            "createdBy": who,
            "createdAt": iso(clock.tick()),
        }

    def talk(threads: list[dict[str, Any]], state: str = "published") -> None:
        threads = threads[::-1]
        holds = {"_embedded": {"threads": threads}} if shape == "embedded" else {"threads": threads}
        number = len(talks) + 1
        who = {"id": 6, "type": "customer", "email": "customer@example.com"}
        talks.append(
            {"id": 100 + number, "number": number, "subject": f"Assunto {number}", "status": "closed", "state": state}
            | {"type": "email", "primaryCustomer": who, "createdAt": iso(clock.now), "tags": []}
            | holds
        )

    q1, a1, q2, a2, q3, a3 = (case.ask() if n % 2 == 0 else case.answer() for n in range(6))
    talk(
        [
            thread("customer", q1, "customer"),
            thread("note", case.out("private", "note"), "user"),
            thread("lineitem", case.out("private|system", "lineitem"), "user"),
            thread("message", a1, "user"),
            thread("message", case.out("draft|private|hidden", "draft"), "user", "draft"),
            thread("customer", q2, "customer"),
            thread("forwardparent", case.out("forwarded|private|system", "forward"), "user"),
            thread("forwardchild", case.out("forwarded|private|system", "forward"), "customer"),
            thread("message", case.out("draft|private|hidden", "hidden"), "user", "hidden"),
            thread("message", a2, "user"),
        ]
    )
    case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    talk([thread("chat", q3, "customer"), thread("chat", a3, "user")])
    case.conv(("user", q3), ("assistant", a3))
    for state in ("deleted", "draft"):
        mark = "deleted" if state == "deleted" else "draft|private|hidden"
        case.drop(mark)  # the conversation's own record
        talk(
            [
                thread(kind, case.out(mark, f"{state}-talk"), by)
                for kind, by in (("customer", "customer"), ("message", "user"))
            ],
            state,
        )
    if shape == "embedded":
        case.json("conversations.json", {"_embedded": {"conversations": talks}, "page": {"size": 25, "number": 1}})
    else:
        case.json("conversations.json", talks)
    return case


def desks() -> Iterator[Case]:
    yield intercom("intercom-json", "array")
    yield intercom("intercom-api", "api")
    yield intercom("intercom-ndjson", "lines")
    yield intercom_tables()
    yield freshdesk("freshdesk-json", "array")
    yield freshdesk("freshservice-json", "nested")
    yield freshdesk("freshdesk-folder", "folder")
    yield helpscout("helpscout-json", "plain")
    yield helpscout("helpscout-embedded", "embedded")
