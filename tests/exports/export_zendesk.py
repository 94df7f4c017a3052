"""Zendesk in all its exports: tables, the API's JSON, ticket events, chat events, and the view that holds no text."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

from export_case import Case, Clock, epoch, iso, plain

_COMMENT = "id,_fivetran_synced,body,created,facebook_comment,public,ticket_id,tweet,user_id,voice_comment".split(",")
_TICKET = (
    "id,_fivetran_synced,allow_channelback,assignee_id,created_at,description,is_public,priority,requester_id,status,"
    "subject,submitter_id,type,updated_at,url,via_channel,merged_ticket_ids,followup_ids"
).split(",")
_USER = "id,_fivetran_synced,active,created_at,email,locale,name,notes,organization_id,role,signature,suspended".split(
    ","
)


def zendesk_tables(name: str, files: tuple[str, str, str]) -> Case:
    """Tickets, comments and users as three tables: shuffled, with every trap of the join."""
    case = Case(name, "help-desk", "export", evidence="F")
    clock = Clock("2024-03-04 09:00:00")
    users = [(11, "agent", "Arminda"), (12, "admin", "Bento"), (21, "end-user", "Carla"), (22, "end-user", "Davi")]
    tickets: list[dict[str, Any]] = []
    comments: list[tuple[int, str, str, Any]] = []  # ticket, body, public, user

    def ticket(number: int, requester: int, first: str, status: str = "solved", public: str = "TRUE") -> None:
        tickets.append(
            {"id": number, "requester_id": requester, "description": first, "status": status, "is_public": public}
        )

    q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
    ticket(501, 21, q1)  # the description is the first comment: not to be given twice
    comments += [(501, q1, "TRUE", 21), (501, case.out("private", "comment"), "FALSE", 11), (501, a1, "TRUE", 11)]
    comments += [(501, q2, "TRUE", 21), (501, a2, "TRUE", 12)]
    case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))

    q3, a3 = case.ask(), case.answer()
    ticket(502, 29, q3)  # no user 29 in the table: a requester is a user all the same
    comments += [(502, q3, "TRUE", 29), (502, a3, "TRUE", 11), (502, case.cut("orphan", "unknown"), "TRUE", 99)]
    comments += [(502, case.cut("trailing", "thanks"), "TRUE", 29)]
    case.conv(("user", q3), ("assistant", a3))

    q4, a4, a5 = case.ask(), case.answer(), case.answer()
    ticket(503, 22, q4)
    comments += [(503, q4, "TRUE", 22), (503, a4, "TRUE", 11), (503, a5, "TRUE", 12)]
    comments += [(503, case.out("private", "blank-visibility"), "", 12)]
    case.conv(("user", q4), ("assistant", a4), ("assistant", a5))

    hidden = case.out("private", "private-ticket")
    ticket(504, 22, hidden, public="FALSE")
    comments += [(504, hidden, "FALSE", 22), (504, case.out("private", "private-ticket"), "FALSE", 11)]
    gone = case.out("deleted", "deleted-ticket")
    ticket(505, 21, gone, status="deleted")
    comments += [(505, gone, "TRUE", 21), (505, case.out("deleted", "deleted-ticket"), "TRUE", 11)]
    comments += [(777, case.cut("orphan", "no-ticket"), "TRUE", 21), (777, case.cut("orphan", "no-ticket"), "TRUE", 11)]

    timed = [(plain(clock.tick()), n, row) for n, row in enumerate(comments, 9001)]
    case.rng.shuffle(timed)
    case.csv(
        f"export/{files[1]}",
        _COMMENT,
        [
            [n, "2024-05-01 00:00:00.000", body, when, "FALSE", public, ticket_id, "FALSE", user, "FALSE"]
            for when, n, (ticket_id, body, public, user) in timed
        ],
    )
    fixed = {
        "_fivetran_synced": "2024-05-01",
        "assignee_id": 11,
        "created_at": "2024-03-04 09:00:00",
        "type": "problem",
    }
    case.csv(
        f"export/{files[0]}",
        _TICKET,
        [
            [{**fixed, **row, "subject": f"Assunto {row['id']}", "via_channel": "web"}.get(key, "") for key in _TICKET]
            for row in reversed(tickets)
        ],
    )
    case.csv(
        f"export/{files[2]}",
        _USER,
        [[n, "", "TRUE", "", f"{who}@example.com", "pt", who, "", "", role, "", "FALSE"] for n, role, who in users],
    )
    return case


def _zendesk_comment(n: int, author: int, body: str, public: Any, when: str) -> dict[str, Any]:
    comment = {
        "id": n,
        "type": "Comment",
        "author_id": author,
        "body": body,
        "html_body": f'<div class="zd-comment" dir="auto"><p>{body}</p></div>',
        "plain_body": body,
        "public": public,
        "attachments": [],
        "audit_id": n + 5_000,
        "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": when,
        "metadata": {"system": {}, "custom": {}},
    }
    if public is None:
        del comment["public"]
    return comment


def zendesk_json(name: str, shape: str) -> Case:
    """Tickets with inline comments: the API's JSON with its users beside, or a ticket per line with no users."""
    path = "tickets.json" if shape == "api" else "tickets.ndjson"
    case = Case(name, "help-desk", path, evidence="C")
    clock = Clock("2024-07-01 08:00:00")
    tickets = []
    for n in range(4):
        q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
        said: list[tuple[int, str, Any]] = [(700 + n, q1, True), (31, case.out("private", "comment"), False)]
        said += [(31, a1, True), (700 + n, q2, True), (31, a2, True)]
        if n == 1:
            said.append((31, case.out("private", "no-flag"), None))
        if n == 2:
            said.append((700 + n, case.cut("trailing", "thanks"), True))
        comments = [_zendesk_comment(n * 10 + at, *row, iso(clock.tick())) for at, row in enumerate(said)]
        if n == 3:
            comments.reverse()
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
        tickets.append(
            {
                "id": 4000 + n,
                "url": f"https://example.zendesk.com/api/v2/tickets/{4000 + n}.json",
                "subject": f"Assunto {n}",
                "description": q1,
                "status": "closed",
                "priority": "normal",
                "requester_id": 700 + n,
                "submitter_id": 700 + n,
                "assignee_id": 31,
                "is_public": True,
                "created_at": comments[0]["created_at"],
                "via": {"channel": "email"},
                "tags": ["tag_a"],
                "satisfaction_rating": {"score": "good"},
                "comments": comments,
            }
        )
    if shape != "api":
        case.ndjson(path, tickets)
        if shape == "gzip":
            case.path += ".gz"
            case.files = {case.path: gzip.compress(case.files[path], mtime=0)}
    else:
        users = [{"id": 700 + n, "role": "end-user", "name": f"Cliente {n}"} for n in range(4)]
        users.append({"id": 31, "role": "agent", "name": "Arminda"})
        case.json(path, {"tickets": tickets, "users": users, "next_page": None, "count": 4}, indent=2)
    return case


def zendesk_events() -> Case:
    """Incremental ticket events: comments among changes, both kinds of time."""
    case = Case("zendesk-events", "help-desk", "ticket_events.json", evidence="F", assistants=["41"])
    clock = Clock("2024-09-02 10:00:00")
    events = []
    n = 60_000

    def event(ticket: int, who: int, *children: dict[str, Any]) -> None:
        nonlocal n
        n += 1
        when = clock.tick()
        events.append(
            {
                "id": n,
                "ticket_id": ticket,
                "timestamp": epoch(when),
                "created_at": iso(when),
                "updater_id": who,
                "via": "Web form",
                "system": {"client": "Mozilla", "location": "Lisboa"},
                "event_type": "Audit",
                "child_events": [{"id": n * 10 + at, "via": "Web form", **child} for at, child in enumerate(children)],
            }
        )

    def comment(who: int, body: str, public: bool = True) -> dict[str, Any]:
        rest = {"type": "Comment", "html_body": f"<p>{body}</p>", "attachments": [], "trusted": True}
        return {
            "event_type": "Comment",
            "author_id": who,
            "body": body,
            "public": public,
            "comment_public": public,
            **rest,
        }

    q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
    event(81, 51, {"event_type": "Create", "status": "new", "requester_id": 51}, comment(51, q1))
    event(82, 52, {"event_type": "Create", "status": "new", "requester_id": 52}, comment(52, q2))
    event(81, 41, comment(41, case.out("private", "comment"), False), {"event_type": "Change", "priority": "high"})
    event(81, 41, comment(41, a1), {"event_type": "Change", "status": "solved", "previous_value": "open"})
    event(82, 41, {"event_type": "Change", "status": case.out(None, "change"), "previous_value": "new"})
    event(82, 41, comment(41, a2))
    case.conv(("user", q1), ("assistant", a1))
    case.conv(("user", q2), ("assistant", a2))
    case.uncounted("system")
    case.json("ticket_events.json", {"ticket_events": events, "next_page": None, "count": len(events), "end_time": 1})
    return case


_CHAT = (
    "chat_id,created_at,_fivetran_synced,actor_id,chat_index,external_message_id,filename,is_history_context,message,"
    "message_id,message_source,mime_type,original_message,original_message_type,parent_message_id,reason,size,status,"
    "status_updated_at,type,url"
).split(",")


def zendesk_chat() -> Case:
    """Chat events in a table: the actor says who, a JSON cell says that it was a bot."""
    case = Case("zendesk-chat", "help-desk", "ticket_chat_event_data.csv", evidence="F")
    clock = Clock("2023-12-12 11:00:00", 7)
    rows = []

    def event(chat: str, index: int, actor: str, kind: str, message: str = "", original: Any = None) -> None:
        cells = {
            "chat_id": chat,
            "created_at": clock.tick().strftime("%Y-%m-%d %H:%M:%S.%f"),
            "actor_id": actor,
            "chat_index": index,
            "message": message,
            "original_message": json.dumps(original, ensure_ascii=False) if original else "",
            "type": kind,
        }
        rows.append([cells.get(key, "") for key in _CHAT])

    def original(text: str, kind: str, source: str) -> dict[str, Any]:
        return {
            "author": {"avatar_url": "url", "display_name": "Company", "type": kind},
            "content": {"text": {"actions": [], "text": text}},
            "id": "658d847c",
            "source": {"type": source},
        }

    q1, q2, a1, q3, a2 = case.ask(), case.ask(), case.answer(), case.ask(), case.answer()
    join = case.out("system", "join")
    event("43.95.TyA", 1, "387066542", "ChatJoin", join)
    event("43.95.TyB", 1, "387066599", "ChatMessage", q2)
    event(
        "43.95.TyA", 2, "agent:", "ChatMessage", "", original(case.out("bot", "answer-bot"), "BUSINESS", "zd:answerBot")
    )
    event("43.95.TyA", 3, "387066542", "ChatMessage", q1)
    event("43.95.TyA", 4, "__trigger", "ChatMessage", case.out("bot|system", "trigger"))
    event("43.95.TyA", 5, "__system", "ChatMessage", case.out("bot|system", "system"))
    bot = case.out("bot", "answer-bot")
    event("43.95.TyA", 6, "agent:403969141094", "ChatMessage", bot, original(bot, "BUSINESS", "zd:answerBot"))
    event("43.95.TyA", 7, "agent:403969141094", "ChatMessage", a1)
    event("43.95.TyB", 2, "agent:403969141095", "ChatDepartmentTransfer", case.out("system", "transfer"))
    event("43.95.TyB", 4, "agent:403969141095", "ChatMessage", a2)
    event("43.95.TyB", 3, "387066599", "ChatMessage", q3)  # the index, not the line, says where it stands
    rows[-1][1], rows[-2][1] = rows[-2][1], rows[-1][1]
    event("43.95.TyA", 8, "387066542", "ChatEmailChanged", case.out("system", "email-changed"))
    case.conv(("user", q1), ("assistant", a1))
    case.conv(("user", q2), ("user", q3), ("assistant", a2))
    case.csv("ticket_chat_event_data.csv", _CHAT, rows)
    return case


def zendesk_view() -> Case:
    """The CSV of a view: one row of metadata per ticket, to be refused by name."""
    case = Case("zendesk-view", "help-desk", "export-2024-03-04.csv", evidence="C")
    header = (
        "Summation column,Id,Requester,Requester id,Requester external id,Requester email,Requester domain,Submitter"
    )
    header += ",Assignee,Group,Subject,Tags,Status,Priority,Via,Ticket type,Created at,Updated at,Assigned at"
    header += ",Organization,Due date,Initially assigned at,Solved at,Resolution time,Satisfaction Score,Group stations"
    header += ",Assignee stations,Reopens,Replies,First reply time in minutes,Region [list]"
    columns = header.split(",")
    rows = []
    for n in range(6):
        cells = {"Summation column": 1, "Id": 300 + n, "Requester": f"Cliente {n}", "Subject": case.ask(), "Tags": "-"}
        cells |= {"Status": "Solved", "Assignee": "Arminda", "Created at": f"2024-03-0{n + 1} 10:00", "Via": "Mail"}
        rows.append([cells.get(key, "") for key in columns])
    case.csv("export-2024-03-04.csv", columns, rows)
    case.refused = ["zendesk", "comment"]
    return case


def zendesk() -> Iterator[Case]:
    yield zendesk_tables("zendesk-tables", ("ticket_data.csv", "ticket_comment_data.csv", "user_data.csv"))
    yield zendesk_tables("zendesk-tables-short", ("ticket.csv", "ticket_comment.csv", "user.csv"))
    packed = zendesk_tables("zendesk-tables-zip", ("tickets.csv", "ticket_comments.csv", "users.csv"))
    packed.zipped("export.zip")
    yield packed
    yield zendesk_json("zendesk-json", "api")
    yield zendesk_json("zendesk-ndjson", "lines")
    yield zendesk_json("zendesk-gzip", "gzip")
    yield zendesk_events()
    yield zendesk_chat()
    yield zendesk_view()
