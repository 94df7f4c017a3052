"""Small exports of every help desk, each with what it must give; a canary stands wherever a text must not get out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from native_reading import CANARY

SECRET = f"{CANARY} segredo secreto secret"
Q = ("Não consigo entrar: a senha não chega.", "¿Dónde está el pedido 8841?", "The grinder makes a strange noise.")
A = ("Enviámos agora um novo código.", "Sale mañana con el número PT-77.", "Tighten the screw, then try again.")


def table(header: str | Sequence[str], *rows: Sequence[Any], bom: bool = False, delimiter: str = ",") -> bytes:
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    out.writerow(header.split(",") if isinstance(header, str) else header)
    out.writerows(rows)
    return (b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode()


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


@dataclass
class Desk:
    """An export: its content (see `native_reading.write`), and what it gives.

    `talks` are the conversations, `left` the records left out by reason, `records` how many there are in all; `meta`
    is of the first conversation, as far as it is told here.
    """

    name: str
    dialect: str
    file: str
    content: Any
    talks: list[list[str]]
    left: dict[str, int]
    records: int
    meta: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


TALK = [f"u:{Q[0]}", f"a:{A[0]}", f"u:{Q[1]}", f"a:{A[1]}"]


# --- Zendesk ----------------------------------------------------------------------------------------------------------


def _comment(n: int, author: int, body: str, public: Any = True, **more: Any) -> dict[str, Any]:
    told = {"id": n, "type": "Comment", "author_id": author, "body": body, "html_body": f"<p>{body}</p>"}
    if public is not None:
        told["public"] = public
    return {**told, "created_at": f"2024-07-01T08:{n:02}:00Z", **more}


def _zendesk(n: int, comments: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    told = {"id": n, "subject": "Acceso", "description": Q[0], "status": "solved", "requester_id": 7, "assignee_id": 31}
    told |= {"is_public": True, "via": {"channel": "web"}, "satisfaction_rating": {"score": "good"}, "tags": ["a", "b"]}
    return {**told, "created_at": "2024-07-01T08:00:00Z", **more, "comments": comments}


_SAID = [
    _comment(4, 31, A[1]),  # the times decide, not the places
    _comment(1, 7, Q[0]),
    _comment(2, 31, A[0]),
    _comment(3, 7, Q[1]),
    _comment(5, 31, SECRET, False),
    _comment(6, 31, SECRET, None),
    _comment(7, 31, SECRET, "perhaps"),
    _comment(8, 31, SECRET, type="SuspendedComment"),
    _comment(9, 99, f"{CANARY} of nobody"),
    _comment(10, 31, 'Request #12 "Acceso" was closed and merged into this request. Last comment: x'),
    _comment(11, 31, "  "),
    _comment(12, 7, "obrigado!"),
]
_LEFT = {"private-note": 1, "unknown-visibility": 2, "unknown-kind": 1, "unknown-author": 1}
_LEFT |= {"system-line": 1, "empty-text": 1, "trailing-user": 1}
_HIDDEN = [_zendesk(2, [_comment(1, 7, SECRET), _comment(2, 31, SECRET)], is_public=False)]
_HIDDEN += [_zendesk(3, [_comment(1, 7, SECRET), _comment(2, 31, SECRET)], status="deleted", subject=SECRET)]
_GONE = {"private-note": 4, "deleted": 3}
_ZENDESK_META = {"ticket": "1", "subject": "Acceso", "status": "solved", "csat": "good", "tags": ["a", "b"]}
_ZENDESK_META |= {"channel": "web", "customer": 7, "time": "2024-07-01T08:01:00Z"}


def _zendesk_tables() -> Desk:
    comment = "id,body,created,facebook_comment,public,ticket_id,tweet,user_id,voice_comment"
    seen = {True: "TRUE", False: "FALSE", None: "", "perhaps": "perhaps"}
    said = [one for one in _SAID if one["type"] == "Comment"]
    rows = [(1, one) for one in said] + [(2, _comment(1, 7, SECRET)), (3, _comment(1, 31, SECRET))]
    rows += [(44, _comment(1, 7, f"{CANARY} no such ticket")), (44, _comment(2, 31, SECRET, False))]

    def at(one: dict[str, Any]) -> str:
        return str(one["created_at"]).replace("T", " ")[:19]

    cells = [
        [n, one["body"], at(one), "FALSE", seen[one.get("public")], key, "FALSE", one["author_id"], "FALSE"]
        for n, (key, one) in enumerate(rows)
    ]
    ticket = "id,assignee_id,brand_id,description,is_public,requester_id,status,subject,submitter_id,ticket_form_id"
    ticket += ",via_channel"
    tickets = [[1, "", 9, Q[0], "TRUE", 7, "solved", "Acceso", 7, 1, "web"]]
    tickets += [[2, "", 9, SECRET, "FALSE", 7, "open", SECRET, 7, 1, "web"]]
    tickets += [[3, "", 9, SECRET, "TRUE", 7, "deleted", SECRET, 7, 1, "web"]]
    user = "id,chat_only,email,locale_id,moderator,name,role,shared_agent,signature,suspended"
    users = [[31, "FALSE", "m@example.com", 1, "", "Mauro", "agent", "", SECRET, ""]]
    content = {"c.csv": table(comment, *cells), "t.csv": table(ticket, *tickets), "u.csv": table(user, *users)}
    content["x.csv"] = table("tag,ticket_id", ["vip", 1])
    left = {"private-note": 3, "unknown-visibility": 2, "unknown-author": 1, "system-line": 1, "empty-text": 1}
    left |= {"trailing-user": 1, "deleted": 1, "orphan": 1}
    meta = {"ticket": "1", "subject": "Acceso", "status": "solved", "customer": "7", "time": "2024-07-01 08:01:00"}
    return Desk("zendesk-tables", "zendesk", "export", content, [TALK], left, len(rows), meta)


def _zendesk_chat() -> Desk:
    header = "chat_id,created_at,actor_id,chat_index,external_message_id,is_history_context,message,message_id"
    header += ",message_source,original_message,original_message_type,parent_message_id,type"

    def event(
        index: int, actor: str, text: str, kind: str = "ChatMessage", original: Any = None, again: str = ""
    ) -> list[Any]:
        inside = json.dumps(original) if original else ""
        return ["c.1", "2023-12-12 11:20:28.994000", actor, index, "", again, text, "", "", inside, "", "", kind]

    def spoken(text: str, source: str) -> dict[str, Any]:
        return {"author": {"type": "BUSINESS"}, "content": {"text": {"text": text}}, "source": {"type": source}}

    rows = [
        event(5, "agent:4", A[0]),  # one moment: the index orders
        event(1, "387", Q[0]),
        event(2, "__system", SECRET),
        event(2, "__trigger", SECRET),
        event(3, "agent:", SECRET),
        event(3, "agent:4", SECRET, original=spoken(SECRET, "zd:answerBot")),
        event(4, "agent:4", "", original=spoken(SECRET, "zd:answerBot")),
        event(6, "387", "", original=spoken(Q[1], "web")),
        event(7, "agent:4", A[1]),
        event(8, "agent:4", SECRET, "ChatJoin"),
        event(9, "agent:4", SECRET, "AgentWhisper"),
        event(9, "", f"{CANARY} of nobody"),
        event(0, "387", f"{CANARY} said before", again="true"),
    ]
    left = {"system-line": 3, "bot": 3, "unknown-kind": 1, "unknown-author": 1, "repeated-message": 1}
    return Desk("zendesk-chat", "zendesk", "chat.csv", table(header, *rows), [TALK], left, 13, {"ticket": "c.1"})


def _zendesk_events() -> Desk:
    def event(n: int, who: int, *children: dict[str, Any]) -> dict[str, Any]:
        told = {"id": n, "ticket_id": 5, "timestamp": 1725271200 + n, "created_at": f"2024-09-02T10:{n:02}:00Z"}
        return {**told, "updater_id": who, "event_type": "Audit", "child_events": list(children)}

    def comment(who: int, body: str, public: bool = True) -> dict[str, Any]:
        return {"event_type": "Comment", "author_id": who, "body": body, "public": public}

    events = [
        event(1, 51, {"event_type": "Create", "subject": SECRET}, comment(51, Q[0])),
        event(4, 41, comment(41, A[1])),
        event(2, 41, comment(41, SECRET, False), comment(41, A[0])),
        event(3, 51, comment(51, Q[1])),
        event(5, 41, {"event_type": "Change", "status": SECRET}, {"event_type": "Odd", "body": SECRET}),
    ]
    # Events without a comment that is kept hold nothing of their own.
    left = {"system-line": 3, "private-note": 1, "unknown-kind": 1}
    content = {"ticket_events": events, "next_page": None, "count": 5}
    return Desk(
        "zendesk-events", "zendesk", "events.json", content, [TALK], left, 13, {"ticket": "5"}, {"assistants": ["41"]}
    )


# --- Intercom ---------------------------------------------------------------------------------------------------------

_LEAD = {"type": "lead", "id": "5f19", "name": "Elisa", "email": "elisa@example.com"}
_ADMIN = {"type": "admin", "id": "4077", "name": "Gil", "email": "gil@example.com"}


def _part(n: int, kind: str, who: dict[str, Any], body: str | None, **more: Any) -> dict[str, Any]:
    part = {"id": str(n), "part_type": kind, "body": body and f"<p>{body}</p>", "created_at": 1700000000 + n * 60}
    return {**part, "author": who, "attachments": [], "redacted": False, **more}


_PARTS = [
    _part(4, "comment", _ADMIN, A[1]),
    _part(2, "comment", _ADMIN, A[0]),
    _part(3, "comment", _LEAD, Q[1]),
    _part(5, "note", _ADMIN, SECRET),
    _part(5, "note_and_reopen", _ADMIN, SECRET),
    _part(6, "assignment", _ADMIN, SECRET),
    _part(7, "brand_new_kind", _ADMIN, SECRET),
    _part(8, "comment", {"type": "bot", "id": "9", "name": "Operator"}, SECRET),
    _part(8, "comment", {"type": "admin", "id": "8", "name": "Fin"}, SECRET),
    _part(9, "comment", _ADMIN, SECRET, redacted=True),
    _part(9, "comment", {"type": "alien", "id": "8"}, f"{CANARY} of nobody"),
    _part(10, "close", _ADMIN, None),
    _part(10, "comment", _LEAD, None, attachments=[{"name": "x.png"}]),
]
_PARTS_LEFT = {"private-note": 2, "system-line": 2, "unknown-kind": 1, "bot": 2, "deleted": 1, "unknown-role": 1}
_PARTS_LEFT |= {"empty-text": 1}


def _intercom() -> list[Desk]:
    def source(body: str, who: dict[str, Any], delivered: str = "customer_initiated") -> dict[str, Any]:
        return {"type": "email", "body": f"<p>{body}</p>", "author": who, "delivered_as": delivered, "subject": "Olá"}

    def talk(n: int, opened: dict[str, Any], parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        listed = {"type": "conversation_part.list", "conversation_parts": parts}
        told = {"type": "conversation", "id": str(n), "created_at": 1700000000, "state": "closed", "source": opened}
        told |= {"conversation_rating": {"rating": 5, "remark": SECRET}, "contacts": {"contacts": [{"id": "5f19"}]}}
        return {**told, "tags": {"tags": [{"name": "vip"}]}, **more, "conversation_parts": listed}

    internal = {"ticket": {"ticket_type": {"is_internal": True}}}
    talks = [
        talk(601, source(Q[0], _LEAD), _PARTS),
        talk(602, source(SECRET, _ADMIN, "automated"), [_part(1, "comment", _LEAD, f"{CANARY} unanswered")]),
        talk(
            603,
            source(SECRET, _LEAD),
            [_part(1, "comment", _LEAD, SECRET), _part(2, "comment", _ADMIN, SECRET)],
            **internal,
        ),
    ]
    left = {**_PARTS_LEFT, "bot": 3, "no-assistant": 1, "private-note": 5}
    meta = {"ticket": "601", "subject": "Olá", "csat": 5, "tags": ["vip"], "channel": "email", "author": "Elisa"}
    documents = {"type": "conversation.list", "pages": {"page": 1}, "conversations": talks}
    ticket = {
        "type": "ticket",
        "id": "77",
        "created_at": 1700000000,
        "ticket_attributes": {"_default_title_": "Olá", "_default_description_": Q[0]},
        "ticket_type": {"name": "Suporte", "is_internal": False},
        "contacts": {"contacts": [{"id": "5f19"}]},
        "ticket_parts": {"type": "ticket_part.list", "ticket_parts": _PARTS},
    }
    hidden = {**ticket, "ticket_type": {"is_internal": True}, "ticket_parts": {"ticket_parts": _PARTS[:2]}}
    hidden["ticket_attributes"] = {"_default_description_": SECRET}
    return [
        Desk("intercom-api", "intercom", "c.json", documents, [TALK], left, 19, meta),
        Desk("intercom-lines", "intercom", "c.ndjson", lines(*talks), [TALK], left, 19, meta),
        Desk(
            "intercom-tickets",
            "intercom",
            "t.json",
            [ticket, hidden],
            [TALK],
            {**_PARTS_LEFT, "private-note": 5},
            17,
            {"ticket": "77", "subject": "Olá", "type": "Suporte"},
        ),
    ]


def _intercom_tables() -> Desk:
    header = "id,created_at,source_author_id,source_author_type,source_delivered_as,source_type,source_body,state"
    header += ",conversation_rating_value,_fivetran_active"

    def talk(n: int, body: str, active: str = "true") -> list[Any]:
        return [n, f"2020-10-28 12:00:0{n}", f"u{n}", "user", "customer_initiated", "email", body, "open", 4, active]

    talks = [talk(1, Q[0]), talk(1, SECRET, "false"), talk(2, f"{CANARY} unanswered")]
    parts = "id,author_id,author_type,conversation_id,created_at,notified_at,part_type,body,_fivetran_active"

    def part(n: int, talk_id: int, kind: str, who: str, body: str, active: str = "true") -> list[Any]:
        return [n, f"{who}1", who, talk_id, f"2020-10-28 12:01:0{n}", "", kind, body, active]

    rows = [
        part(3, 1, "comment", "admin", A[1]),
        part(1, 1, "comment", "admin", SECRET, "false"),
        part(1, 1, "comment", "admin", A[0]),
        part(2, 1, "comment", "user", Q[1]),
        part(4, 1, "note", "admin", SECRET),
        part(5, 1, "comment", "bot", SECRET),
        part(6, 9, "comment", "admin", f"{CANARY} no such conversation"),
        part(7, 9, "note", "admin", SECRET),
        part(8, 1, "close", "admin", ""),
    ]
    left = {"history": 2, "private-note": 2, "bot": 1, "orphan": 1, "system-line": 1, "no-assistant": 1}
    content = {
        "a.csv": table(header, *talks),
        "b.csv": table(parts, *rows),
        "c.csv": table("id,email,name", [1, "x", "y"]),
    }
    return Desk("intercom-tables", "intercom", "export", content, [TALK], left, 12, {"ticket": "1", "csat": "4"})


# --- Freshdesk, Help Scout, Gorgias -----------------------------------------------------------------------------------


def _freshdesk() -> list[Desk]:
    def reply(n: int, body: str, incoming: bool, source: int = 0, private: Any = False) -> dict[str, Any]:
        told = {"id": n, "body": f"<div>{body}</div>", "body_text": body, "incoming": incoming, "source": source}
        told |= {"private": private} if private is not None else {}
        return {**told, "user_id": 1 if incoming else 9, "created_at": f"2021-11-22T16:{n:02}:00Z"}

    said = [
        reply(3, A[1], False),
        reply(1, A[0], False),
        reply(2, Q[1], True),
        reply(4, SECRET, False, 2, True),
        reply(5, SECRET, False, 0, True),
        reply(5, SECRET, True, 0, True),
        reply(6, SECRET, False, 0, None),
        reply(6, SECRET, False, 2),
        reply(7, SECRET, False, 4),
        reply(7, SECRET, False, 3),
        reply(8, SECRET, False, 6),
        reply(9, SECRET, False, 77),
    ]
    ticket = {"id": 90, "subject": "Olá", "description": f"<div>{Q[0]}</div>", "description_text": Q[0], "source": 1}
    ticket |= {"status": 5, "priority": 2, "requester_id": 1, "responder_id": 9, "created_at": "2021-11-22T16:00:00Z"}
    secret = {"description": SECRET, "description_text": SECRET}
    spam, gone = {**ticket, **secret, "id": 91, "spam": True}, {**ticket, **secret, "id": 92, "deleted": True}
    left = {"private-note": 4, "unknown-visibility": 1, "system-line": 2, "forwarded": 1, "unknown-kind": 1}
    meta = {"ticket": "90", "subject": "Olá", "status": "closed", "priority": "medium", "channel": "email"}
    inside = [
        {**ticket, "conversations": said},
        {**spam, "conversations": [reply(1, SECRET, True)]},
        {**gone, "conversations": [reply(1, SECRET, False)]},
    ]
    beside = [{**one, "ticket_id": 90} for one in said] + [{**reply(1, SECRET, False), "ticket_id": 92}]
    beside.append({**reply(1, f"{CANARY} no such ticket", False), "ticket_id": 99})
    whole = {**left, "spam": 2, "deleted": 2}
    return [
        Desk("freshdesk-inside", "freshdesk", "t.json", [{"tickets": inside}], [TALK], whole, 17, meta),
        Desk("freshdesk-wrapped", "freshdesk", "t.json", {"ticket": inside[0]}, [TALK], left, 13, meta),
        Desk(
            "freshdesk-beside",
            "freshdesk",
            "export",
            {"b.json": beside, "a.json": [ticket, spam, gone]},
            [TALK],
            {**left, "spam": 1, "deleted": 2, "orphan": 1},
            17,
            meta,
        ),
    ]


def _helpscout() -> list[Desk]:
    def thread(n: int, kind: str, by: str, body: str, state: str = "published", **more: Any) -> dict[str, Any]:
        who = {"type": by, "id": 5 if by == "user" else 6, "first": by, "email": f"{by}@example.com"}
        told = {"id": n, "type": kind, "state": state, "body": f"{body}<br>", "createdBy": who}
        return {**told, "createdAt": f"2023-01-10T09:{n:02}:00Z", **more}

    threads = [
        thread(11, "phone", "user", SECRET),
        thread(10, "forwardchild", "customer", SECRET),
        thread(9, "forwardparent", "user", SECRET),
        thread(8, "message", "user", SECRET, "hidden"),
        thread(7, "message", "user", SECRET, "draft"),
        thread(7, "message", "user", SECRET, None),  # type: ignore[arg-type]
        thread(6, "lineitem", "user", SECRET),
        thread(6, "brandnew", "user", SECRET),
        thread(5, "note", "user", SECRET),
        thread(4, "message", "user", A[1]),
        thread(3, "chat", "customer", Q[1]),
        thread(2, "chat", "user", A[0]),
        thread(1, "customer", "customer", Q[0]),
    ]
    talk = {"id": 101, "number": 1, "subject": "Olá", "status": "closed", "state": "published", "type": "email"}
    talk |= {"primaryCustomer": {"id": 6}, "tags": [{"tag": "vip"}], "createdAt": "2023-01-10T09:00:00Z"}
    gone = {**talk, "id": 102, "state": "deleted", "threads": [thread(1, "customer", "customer", SECRET)]}
    left = {"private-note": 3, "forwarded": 2, "draft": 1, "unknown-visibility": 1, "system-line": 1, "unknown-kind": 1}
    left |= {"deleted": 2}
    meta = {"ticket": "101", "subject": "Olá", "status": "closed", "tags": ["vip"], "channel": "email"}
    bare = [{**talk, "threads": threads}, gone]
    embedded = {"_embedded": {"conversations": [{**talk, "_embedded": {"threads": threads}}, gone]}}
    return [
        Desk("helpscout", "helpscout", "c.json", bare, [TALK], left, 16, meta),
        Desk("helpscout-embedded", "helpscout", "c.json", embedded, [TALK], left, 16, meta),
    ]


def _gorgias() -> list[Desk]:
    def message(n: int, agent: bool, text: str, public: Any = True, **more: Any) -> dict[str, Any]:
        sender = {"id": 2 if agent else 1, "name": "Inês" if agent else "Júlio"}
        told = {"id": n, "from_agent": agent, "body_text": text, "body_html": f"<p>{text}</p>", "channel": "chat"}
        told |= {"sender": sender, "created_datetime": f"2024-06-06T10:{n:02}:00"}
        return {**told, **({} if public is None else {"public": public}), **more}

    said = [
        message(4, True, A[1], body_text=f"{A[1]}\n> {Q[1]}", stripped_text=A[1]),
        message(1, False, Q[0]),
        message(2, True, A[0]),
        message(3, False, Q[1]),
        message(5, True, SECRET, False),
        message(5, True, SECRET, None),
        message(6, True, SECRET, channel="internal-note"),
        message(7, True, SECRET, via="rule"),
        message(8, True, SECRET, deleted_datetime="2024-06-07T10:00:00"),
    ]
    left = {"private-note": 2, "unknown-visibility": 1, "auto-reply": 1, "deleted": 1}
    ticket = {"id": 5, "subject": "Olá", "status": "closed", "channel": "chat", "customer": {"id": 1}, "messages": said}
    spam = {**ticket, "id": 6, "spam": True, "messages": [message(1, True, SECRET)]}
    flat = [{**one, "ticket_id": 5} for one in said]
    return [
        Desk(
            "gorgias",
            "gorgias",
            "t.json",
            {"data": [ticket, spam]},
            [TALK],
            {**left, "spam": 2},
            12,
            {"ticket": "5", "customer": 1},
        ),
        Desk("gorgias-messages", "gorgias", "m.json", {"data": flat}, [TALK], left, 9, {"ticket": "5"}),
    ]


# --- Jira, GitHub -----------------------------------------------------------------------------------------------------


def _jira() -> list[Desk]:
    agent = {"accountId": "557058:zz9", "displayName": "Hugo", "accountType": "atlassian"}
    other = {"accountId": "557058:yy8", "displayName": "Rute", "accountType": "atlassian"}
    who = {"accountId": "qm:1", "displayName": "Carla", "accountType": "customer"}

    def comment(n: int, author: dict[str, Any], body: Any, public: Any = True, **more: Any) -> dict[str, Any]:
        told = {"id": str(n), "author": author, "body": body, "created": f"2025-03-03T10:{n:02}:00.000+0000"}
        return {**told, **({} if public is None else {"jsdPublic": public}), **more}

    document = {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": A[1]}]}]}
    comments = [
        comment(4, other, document),
        comment(2, agent, A[0]),
        comment(3, who, Q[1]),
        comment(5, agent, SECRET, False),
        comment(6, agent, SECRET, None),
        comment(7, agent, SECRET, visibility={"type": "role", "value": "Developers"}),
        comment(8, {"accountId": "9", "accountType": "app"}, SECRET),
        comment(9, {}, f"{CANARY} of nobody"),
    ]
    about = {"summary": "Olá", "description": Q[0], "reporter": who, "assignee": agent, "status": {"name": "Done"}}
    about |= {"created": "2025-03-03T10:00:00.000+0000", "comment": {"comments": comments, "total": 8}}
    left = {"private-note": 2, "unknown-visibility": 1, "bot": 1, "unknown-author": 1}
    issues = {"issues": [{"id": "1", "key": "DESK-1", "fields": about}], "total": 1}
    header = (
        "Summary,Issue key,Issue id,Issue Type,Status,Project key,Project name,Reporter,Assignee,Created,Description"
    )
    header += ",Labels,Labels,Comment,Comment,Comment,Comment"

    def row(key: str, description: str, *cells: str) -> list[str]:
        comments = [*cells, "", "", "", ""][:4]
        issue = ["Olá", key, "1", "Service Request", "Done", "SUP", "Support", "557058:aa", "557058:zz"]
        return [*issue, "14/Jul/25 3:42 PM", description, "x", "y", *comments]

    said = [f"14/Jul/25 3:45 PM;557058:zz;{A[1]}", f"14/Jul/25 3:43 PM;557058:yy;{A[0]}\nfim; ou não;\n1;2"]
    said += [f"14/Jul/25 3:44 PM;557058:aa;{Q[1]}", "14/Jul/25 3:59 PM;557058:aa;obrigado"]
    rows = [row("SUP-1", Q[0], *said), row("SUP-2", Q[2]), row("SUP-3", Q[2], f"{CANARY} of nobody")]
    talk = [TALK[0], f"{TALK[1]}\nfim; ou não;\n1;2", *TALK[2:]]
    return [
        Desk("jira-json", "jira", "s.json", issues, [TALK], left, 9, {"ticket": "DESK-1", "status": "Done"}),
        Desk(
            "jira-csv",
            "jira",
            "j.csv",
            table(header, *rows, bom=True),
            [talk],
            {"no-assistant": 2},
            3,
            {"ticket": "SUP-1", "type": "Service Request", "subject": "Olá"},
            {"assume_public": True},
            frozenset({"messages-left-out"}),
        ),
    ]


def _github() -> list[Desk]:
    def said(n: int, login: str, association: str, text: str, **more: Any) -> dict[str, Any]:
        who = {"login": login, "type": "Bot" if login == "ci" else "User"}
        told = {"id": n, "user": who, "author_association": association, "body": text}
        return {**told, "created_at": f"2024-10-01T10:{n:02}:00Z", **more}

    comments = [
        said(4, "dono", "COLLABORATOR", A[1]),
        said(2, "dona", "OWNER", A[0]),
        said(3, "ana", "NONE", Q[1]),
        said(5, "stale[bot]", "NONE", SECRET),
        said(6, "ci", "NONE", SECRET),
        said(7, "alien", "SOMETHING_NEW", f"{CANARY} of nobody"),
    ]
    opened = f"<!-- {CANARY} of the template -->\n{Q[0]}"
    issue = {
        **said(1, "ana", "NONE", opened),
        "number": 9,
        "title": "Olá",
        "state": "closed",
        "labels": [{"name": "bug"}],
    }
    issue["url"] = "https://api.github.com/repos/x/y/issues/9"
    pull = {
        **issue,
        "number": 10,
        "url": "https://api.github.com/repos/x/y/issues/10",
        "pull_request": {"url": "x"},
        "body": SECRET,
    }
    left = {"bot": 2, "unknown-role": 1}
    meta = {"subject": "Olá", "status": "closed", "tags": ["bug"], "customer": "ana"}
    beside = [{**one, "issue_url": issue["url"]} for one in comments]
    beside += [{**said(1, "dona", "OWNER", SECRET), "issue_url": pull["url"]}]
    hub = {"author": {"login": "ana", "is_bot": False}, "body": Q[0], "createdAt": "2024-10-01T10:00:00Z", "number": 9}
    hub |= {"title": "Olá", "state": "CLOSED", "comments": []}
    for one in comments:
        login = one["user"]["login"]
        told = {"author": {"login": login}, "authorAssociation": one["author_association"], "body": one["body"]}
        hub["comments"].append({**told, "createdAt": one["created_at"], "isMinimized": login == "ci"})
    return [
        Desk("github", "github-issues", "i.json", [{**issue, "comments": comments}], [TALK], left, 7, meta),
        Desk(
            "github-beside",
            "github-issues",
            "export",
            {"issues.json": [{**issue, "comments": 6}, {**pull, "comments": 1}], "comments.json": beside},
            [TALK],
            {**left, "pull-request": 2},
            9,
            meta,
        ),
        Desk(
            "github-cli",
            "github-issues",
            "i.json",
            [hub],
            [TALK],
            {"bot": 1, "hidden": 1, "unknown-role": 1},
            7,
            {"subject": "Olá"},
        ),
    ]


# --- HubSpot, ServiceNow, Zoho Desk, osTicket -------------------------------------------------------------------------


def _hubspot() -> list[Desk]:
    def message(n: int, kind: str, actor: str, text: str, way: str = "OUTGOING", **more: Any) -> dict[str, Any]:
        told = {"id": f"m{n}", "conversationsThreadId": "3", "type": kind, "createdBy": actor, "text": text}
        return {**told, "direction": way, "createdAt": f"2024-11-11T10:{n:02}:00Z", "archived": False, **more}

    said = [
        message(4, "MESSAGE", "A-9", A[1]),
        message(1, "MESSAGE", "V-1", Q[0], "INCOMING"),
        message(2, "MESSAGE", "A-9", A[0]),
        message(3, "MESSAGE", "E-ana@example.com", Q[1], "INCOMING"),
        message(5, "COMMENT", "A-9", SECRET),
        message(6, "WELCOME_MESSAGE", "S-hubspot", SECRET),
        message(6, "MESSAGE", "B-7", SECRET),
        message(7, "ASSIGNMENT", "S-hubspot", SECRET),
        message(7, "BRAND_NEW", "A-9", SECRET),
        message(8, "MESSAGE", "A-9", SECRET, archived=True),
    ]
    left = {"private-note": 1, "bot": 2, "system-line": 1, "unknown-kind": 1, "deleted": 1}
    thread = {"id": "3", "status": "CLOSED", "messages": said}
    spam = {"id": "4", "spam": True, "messages": [message(1, "MESSAGE", "V-1", SECRET)]}
    meta = {"ticket": "3", "author": "V-1"}
    return [
        Desk("hubspot", "hubspot", "t.json", {"results": [thread, spam]}, [TALK], {**left, "spam": 2}, 13, meta),
        Desk("hubspot-messages", "hubspot", "m.json", {"results": said}, [TALK], left, 10, meta),
    ]


def _servicenow() -> list[Desk]:
    def entry(n: int, who: str, text: str, kind: str = "Additional comments") -> str:
        return f"2024-08-08 08:{n:02}:00 - {who} ({kind})\n{text}\n\n"

    journal = entry(9, "Kátia Melo", SECRET, "Work notes") + entry(4, "Kátia Melo", f"{A[1]}\n\n- um\n- dois")
    journal += entry(3, "Ana", Q[1]) + entry(2, "Kátia Melo", A[0]) + entry(1, "Zé Ninguém", f"{CANARY} of nobody")
    row = {"number": "INC1", "short_description": "Olá", "description": Q[0], "state": "Closed", "caller_id": "Ana"}
    row |= {"assigned_to": "Kátia Melo", "opened_at": "2024-08-08 08:00:00", "comments": journal, "sys_id": "a1"}
    row |= {"work_notes": entry(5, "Kátia Melo", SECRET, "Work notes"), "close_notes": SECRET}
    lone = {**row, "number": "INC2", "comments": "", "work_notes": SECRET}
    talk = [*TALK[:3], f"{TALK[3]}\n\n- um\n- dois"]
    left = {"no-assistant": 1}
    meta = {"ticket": "INC1", "subject": "Olá", "status": "Closed", "customer": "Ana"}
    flags = frozenset({"messages-left-out"})
    columns = list(row)
    sheet = table(columns, *([one[key] for key in columns] for one in (row, lone)))
    told = [("comments", 4, "kmelo", A[1]), ("comments", 1, "ana", Q[0]), ("comments", 2, "kmelo", A[0])]
    told += [("comments", 3, "ana", Q[1]), ("work_notes", 5, "kmelo", SECRET), ("approval_history", 6, "kmelo", SECRET)]
    entries = [
        {"element": kind, "element_id": "a1", "name": "incident", "value": text, "sys_created_by": who}
        | {"sys_created_on": f"2024-08-08 08:{n:02}:00"}
        for kind, n, who, text in told
    ]
    return [
        Desk("servicenow-json", "servicenow", "i.json", {"records": [row, lone]}, [talk], left, 2, meta, {}, flags),
        Desk("servicenow-csv", "servicenow", "i.csv", sheet, [talk], left, 2, meta, {}, flags),
        Desk(
            "servicenow-journal",
            "servicenow",
            "j.json",
            {"result": entries},
            [TALK],
            {"private-note": 1, "unknown-kind": 1},
            6,
            {"ticket": "a1"},
            {"assistants": ["kmelo"]},
        ),
    ]


def _zoho() -> list[Desk]:
    def thread(n: int, way: str, text: str, visibility: Any = "public", **more: Any) -> dict[str, Any]:
        kind = "END_USER" if way == "in" else "AGENT"
        told = {"id": str(n), "ticketId": "77", "channel": "EMAIL", "direction": way, "status": "SUCCESS"}
        told |= {
            "plainText": text,
            "author": {"type": kind, "id": kind},
            "createdTime": f"2024-12-01T08:{n:02}:00.000Z",
        }
        return {**told, **({} if visibility is None else {"visibility": visibility}), **more}

    said = [
        thread(4, "out", A[1]),
        thread(1, "in", Q[0]),
        thread(2, "out", A[0]),
        thread(3, "in", Q[1]),
        thread(5, "out", SECRET, "private"),
        thread(6, "out", SECRET, None),
        thread(7, "out", SECRET, status="DRAFT"),
        thread(8, "out", SECRET, isForward=True),
        thread(9, "out", SECRET, author={"type": "SYSTEM"}),
    ]
    left = {"private-note": 1, "unknown-visibility": 1, "draft": 1, "forwarded": 1, "system-line": 1}
    ticket = {
        "id": "77",
        "ticketNumber": "101",
        "subject": "Olá",
        "status": "Closed",
        "channel": "Email",
        "contactId": "1",
    }
    gone = {**ticket, "id": "78", "isDeleted": True}
    note = {"id": "9", "type": "comment", "isPublic": False, "content": SECRET, "commentedTime": "2024-12-01T08:09:00Z"}
    inside = {**ticket, "conversations": [{**one, "type": "thread"} for one in said] + [note]}
    beside = [*said, {**thread(1, "in", SECRET), "ticketId": "78"}]
    meta = {"ticket": "77", "subject": "Olá", "status": "Closed", "channel": "Email", "customer": "1"}
    return [
        Desk("zoho-inside", "zoho-desk", "t.json", {"data": [inside]}, [TALK], {**left, "private-note": 2}, 11, meta),
        Desk(
            "zoho-beside",
            "zoho-desk",
            "export",
            {"tickets.json": {"data": [ticket, gone]}, "threads.json": {"data": beside}},
            [TALK],
            {**left, "deleted": 1},
            10,
            meta,
        ),
    ]


def _osticket() -> Desk:
    header = "id,pid,thread_id,staff_id,user_id,type,flags,poster,editor,source,title,body,format,ip_address,created"
    said = [("R", 4, A[1]), ("M", 1, Q[0]), ("R", 2, A[0]), ("M", 3, Q[1]), ("N", 5, SECRET), ("X", 6, SECRET)]
    rows = [
        [
            n,
            0,
            8,
            1,
            2,
            kind,
            0,
            "Mauro" if kind == "R" else "Lia",
            "",
            "",
            "",
            f"<p>{text}</p>",
            "html",
            "",
            f"2024-01-02 10:0{n}:00",
        ]
        for kind, n, text in said
    ]
    left = {"private-note": 1, "unknown-kind": 1}
    return Desk("osticket-entries", "osticket", "e.csv", table(header, *rows), [TALK], left, 6, {"ticket": "8"})


DESKS = [
    Desk(
        "zendesk-lines",
        "zendesk",
        "t.ndjson",
        lines(_zendesk(1, _SAID), *_HIDDEN),
        [TALK],
        {**_LEFT, "private-note": 4, "deleted": 3},
        19,
        _ZENDESK_META,
    ),
    Desk(
        "zendesk-api",
        "zendesk",
        "t.json",
        {
            "tickets": [_zendesk(1, _SAID, assignee_id=None)],
            "users": [{"id": 31, "role": "agent", "name": "Mauro"}, {"id": 8, "role": "end-user", "name": "Lia"}],
        },
        [TALK],
        _LEFT,
        13,
        _ZENDESK_META,
    ),
    _zendesk_tables(),
    _zendesk_chat(),
    _zendesk_events(),
    *_intercom(),
    _intercom_tables(),
    *_freshdesk(),
    *_helpscout(),
    *_gorgias(),
    *_jira(),
    *_github(),
    *_hubspot(),
    *_servicenow(),
    *_zoho(),
    _osticket(),
]
BY_NAME = {desk.name: desk for desk in DESKS}
