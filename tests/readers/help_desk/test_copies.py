"""What copies of a desk's tables, its other exports and its flags in other forms hide; what is refused by its name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from desk_exports import SECRET, A, Q, table
from native_reading import CANARY, drops, read, sniffed, talks, write

from ftdata.readers.help_desk import HelpDesk

TALK = [[f"u:{Q[0]}", f"a:{A[0]}"]]


def ticket(*comments: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"id": 1, "requester_id": 100, "assignee_id": 900, "subject": "S", "via": {"channel": "web"}}
    return {**told, "is_public": True, "status": "solved", "brand_id": 1, "comments": list(comments), **more}


def comment(n: int, author: int, body: str, **more: Any) -> dict[str, Any]:
    told = {"id": n, "type": "Comment", "author_id": author, "body": body, "html_body": body, "plain_body": body}
    return {
        **told,
        "public": True,
        "audit_id": n,
        "via": {"channel": "web"},
        "created_at": f"2024-01-01T00:0{n}:00Z",
        **more,
    }


ASKED, SAID = comment(1, 100, Q[0]), comment(3, 900, A[0])


def note(n: int, incoming: bool, body: str, **more: Any) -> dict[str, Any]:
    told = {"id": n, "incoming": incoming, "private": False, "source": 0, "user_id": 50 if incoming else 7}
    return {**told, "body": body, "body_html": f"<p>{body}</p>", "created_at": f"2024-01-01T00:0{n}:00Z", **more}


def desk_ticket(**more: Any) -> dict[str, Any]:
    told = {"id": 1, "display_id": 5, "requester_id": 50, "responder_id": 7, "source": 2, "subject": "S"}
    return {**told, "created_at": "2024-01-01T00:00:00Z", "deleted": False, "spam": False, **more}


# --- hidden -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "value", "reason"),
    [
        ("_fivetran_deleted", "TRUE", "deleted"),
        ("_fivetran_active", "FALSE", "history"),
        ("_ab_cdc_deleted_at", "2024-01-02", "deleted"),
        ("_sdc_deleted_at", "2024-01-02", "deleted"),
    ],
)
def test_what_a_copy_marks_as_deleted_is_left_out(mark: str, value: str, reason: str, tmp_path: Path) -> None:
    kept = "TRUE" if mark == "_fivetran_active" else ""
    header = f"id,body,created,facebook_comment,public,ticket_id,tweet,user_id,voice_comment,{mark}"
    rows = [
        (1, Q[0], "2024-01-01 00:01:00", "FALSE", "TRUE", 1, "FALSE", 100, "FALSE", kept),
        (2, SECRET, "2024-01-01 00:02:00", "FALSE", "TRUE", 1, "FALSE", 900, "FALSE", value),
        (3, A[0], "2024-01-01 00:03:00", "FALSE", "TRUE", 1, "FALSE", 900, "FALSE", kept),
    ]
    path = write(tmp_path / "ticket_comment.csv", table(header, *rows))
    found = read(HelpDesk, path, assistants=("900",))
    assert talks(found) == TALK and drops(found) == {None: 2, reason: 1}
    lines = b"".join(
        json.dumps(dict(zip(header.split(","), map(str, row), strict=True))).encode() + b"\n" for row in rows
    )
    assert talks(read(HelpDesk, write(tmp_path / "c.jsonl", lines), assistants=("900",))) == TALK


@pytest.mark.parametrize("flag", [True, 1, "1", "yes", "true", "on"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_deleted_conversation_of_freshdesk_is_left_out(flag: Any, inside: bool, tmp_path: Path) -> None:
    said = [note(2, False, SECRET, deleted=flag), note(3, False, A[0])]
    said = [{**one, "body_text": one["body"], "ticket_id": 1} for one in said]
    asked = desk_ticket(description=Q[0], description_text=Q[0])
    content = [{**asked, "conversations": said}] if inside else {"tickets.json": [asked], "conversations.json": said}
    found = read(HelpDesk, write(tmp_path / ("t.json" if inside else "t"), content))
    assert talks(found) == TALK and drops(found)["deleted"] == 1


@pytest.mark.parametrize("more", [{"via": {"channel": "side_conversation"}}, {"public": "false"}, {"public": 0}])
def test_a_side_conversation_of_zendesk_is_private(more: dict[str, Any], tmp_path: Path) -> None:
    found = read(HelpDesk, write(tmp_path / "t.json", [ticket(ASKED, comment(2, 900, SECRET, **more), SAID)]))
    assert talks(found) == TALK and drops(found)["private-note"] == 1


def test_a_ticket_that_is_a_side_conversation_is_private(tmp_path: Path) -> None:
    other = ticket(comment(1, 100, SECRET), comment(2, 900, SECRET), id=2, via={"channel": "side_conversation"})
    found = read(HelpDesk, write(tmp_path / "t.json", [ticket(ASKED, SAID), other]))
    assert talks(found) == TALK and drops(found)["private-note"] == 3


@pytest.mark.parametrize(
    "more",
    [
        {"author": {"type": "admin", "id": "f", "name": "Fin AI Agent"}},
        {"author": {"type": "admin", "id": "f", "name": "Nora", "from_ai_agent": True}},
        {"author": {"type": "admin", "id": "f", "name": "Nora", "is_ai_answer": "1"}},
    ],
)
def test_an_answer_of_intercoms_agent_is_a_bots(more: dict[str, Any], tmp_path: Path) -> None:
    parts = [
        {"id": "1", "part_type": "comment", "body": SECRET, "created_at": 1700000100, "redacted": False, **more},
        {
            "id": "2",
            "part_type": "comment",
            "body": f"<p>{A[0]}</p>",
            "created_at": 1700000200,
            "author": {"type": "admin", "id": "9", "name": "Fina"},
            "redacted": False,
        },
    ]
    source = {"type": "conversation", "body": f"<p>{Q[0]}</p>", "author": {"type": "user", "id": "u"}}
    talk = {"id": "1", "created_at": 1700000000, "source": source, "conversation_parts": {"conversation_parts": parts}}
    found = read(HelpDesk, write(tmp_path / "c.json", {"conversations": [talk]}))
    assert talks(found) == TALK and drops(found)["bot"] == 1


@pytest.mark.parametrize("flag", [True, "true", 1, "yes"])
def test_jiras_property_of_internal_comments_hides(flag: Any, tmp_path: Path) -> None:
    def said(n: int, body: str, internal: Any) -> dict[str, Any]:
        who = {"accountId": "ann", "accountType": "atlassian"}
        marks = [{"key": "other", "value": 1}, {"key": "sd.public.comment", "value": {"internal": internal}}]
        return {"id": n, "author": who, "body": body, "created": f"2024-01-01T00:0{n}:00Z", "properties": marks}

    comments = [said(1, SECRET, flag), said(2, A[0], False)]
    fields = {"summary": "S", "description": Q[0], "reporter": {"accountId": "rep"}, "comment": {"comments": comments}}
    path = write(tmp_path / "i.json", {"issues": [{"key": "SD-1", "fields": fields}]})
    found = read(HelpDesk, path, assume_public=True)
    assert talks(found) == TALK and drops(found)["private-note"] == 1


@pytest.mark.parametrize("login", ["github-actions", "dependabot", "app/some", "some[bot]"])
def test_an_app_of_github_is_a_bot_without_its_mark(login: str, tmp_path: Path) -> None:
    comments = [
        {
            "author": {"login": login},
            "authorAssociation": "MEMBER",
            "body": SECRET,
            "createdAt": "2024-01-01T00:01:00Z",
        },
        {"author": {"login": "m"}, "authorAssociation": "MEMBER", "body": A[0], "createdAt": "2024-01-01T00:02:00Z"},
    ]
    issue = {"number": 1, "title": "T", "body": Q[0], "author": {"login": "joe"}, "comments": comments}
    found = read(HelpDesk, write(tmp_path / "i.json", [issue]))
    assert talks(found) == TALK and drops(found)["bot"] == 1


# --- other exports of the same desks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("name", ["helpdesk_notes", "notes"])
def test_freshdesks_account_export(name: str, wrapped: bool, tmp_path: Path) -> None:
    notes = [
        note(1, False, SECRET, private=True, source=2),
        note(2, False, SECRET, deleted=True),
        note(3, False, A[0]),
        note(4, True, Q[1]),
        note(5, False, A[1]),
    ]
    held = {name: [{"note": one} for one in notes] if wrapped else notes}
    one = desk_ticket(description=Q[0], description_html=f"<p>{Q[0]}</p>", status_name="Closed", **held)
    gone = desk_ticket(id=2, display_id=6, description=SECRET, description_html=SECRET, deleted=1, **held)
    found = read(HelpDesk, write(tmp_path / "Tickets0.json", [{"helpdesk_ticket": one}, {"helpdesk_ticket": gone}]))
    assert talks(found) == [[f"u:{Q[0]}", f"a:{A[0]}", f"u:{Q[1]}", f"a:{A[1]}"]]
    assert drops(found) == {None: 4, "private-note": 1, "deleted": 7}
    kept = next(row.meta for row in found if row.drop is None)
    assert kept is not None and kept["ticket"] == "5"


USERS = "id,name,role,email,active,locale,suspended,organization_id,time_zone"


@pytest.mark.parametrize("form", ["csv", "jsonl", "raw"])
def test_comments_as_airbyte_and_stitch_copy_them(form: str, tmp_path: Path) -> None:
    said = [ASKED, comment(2, 900, SECRET, public=False), SAID]
    said = [{**one, "ticket_id": 1} for one in said]
    if form == "csv":
        rows = [[json.dumps(v) if isinstance(v, dict | bool) else v for v in one.values()] for one in said]
        content = table(list(said[0]), *rows)
    else:
        whole = [{"_airbyte_data": one, "_airbyte_ab_id": "x"} if form == "raw" else one for one in said]
        content = b"".join(json.dumps(one).encode() + b"\n" for one in whole)
    people = table(
        USERS, (100, "J", "end-user", "", "true", "", "", "", ""), (900, "A", "agent", "", "true", "", "", "", "")
    )
    path = write(
        tmp_path / "x", {f"ticket_comments.{'csv' if form == 'csv' else 'jsonl'}": content, "users.csv": people}
    )
    found = read(HelpDesk, path)
    assert talks(found) == TALK and drops(found)["private-note"] == 1


def test_users_beside_the_events_tell_who_is_an_agent(tmp_path: Path) -> None:
    events = [
        {
            "ticket_id": 1,
            "id": one["id"],
            "created_at": one["created_at"],
            "child_events": [{**one, "event_type": "Comment"}],
        }
        for one in (ASKED, comment(2, 900, SECRET, public=False), SAID)
    ]
    users = [{"id": 100, "name": "J", "role": "end-user"}, {"id": 900, "name": "A", "role": "agent"}]
    path = write(tmp_path / "e.json", {"ticket_events": events, "users": users})
    known = sniffed(HelpDesk, path)
    assert known is not None and known.refusal is None
    assert talks(read(HelpDesk, path)) == TALK


def test_chats_with_their_history(tmp_path: Path) -> None:
    def line(n: int, kind: str, sender: str, nick: str, text: str) -> dict[str, Any]:
        return {"type": kind, "sender_type": sender, "nick": nick, "msg": text, "timestamp": f"2024-01-01T00:00:0{n}Z"}

    history = [
        line(1, "chat.msg", "Trigger", "agent:trigger", SECRET),
        line(2, "chat.msg", "Visitor", "visitor:1", Q[0]),
        line(3, "chat.memberjoin", "Agent", "agent:9", SECRET),
        line(4, "chat.msg", "Agent", "agent:9", A[0]),
    ]
    chat = {"id": "c1", "type": "chat", "visitor": {"id": "v"}, "history": history, "timestamp": "2024-01-01T00:00:00Z"}
    found = read(HelpDesk, write(tmp_path / "c.json", {"chats": [chat], "count": 1}))
    assert talks(found) == TALK and drops(found) == {None: 3, "system-line": 2}


JIRA_PT = (
    "Resumo,Chave da item,ID da item,Tipo de item,Status,Chave do projeto,Nome do projeto,Responsável,Relator,Criado,"
    "Descrição,Resolução,Comentário,Comentário"
)
JIRA_DE = (
    "Zusammenfassung,Vorgangsschlüssel,Vorgangs-ID,Vorgangstyp,Status,Projektschlüssel,Projektname,Zugewiesene Person,"
    "Autor,Erstellt,Beschreibung,Lösung,Kommentar,Kommentar"
)


@pytest.mark.parametrize("header", [JIRA_PT, JIRA_DE])
def test_jira_in_another_language(header: str, tmp_path: Path) -> None:
    cells = ("S", "AB-1", "1", "Bug", "Done", "AB", "Abc", "ana", "rui", "14/Jul/25 3:42 PM", Q[0], "Done")
    said = (f"14/Jul/25 4:10 PM;ana;{A[0]}", f"15/Jul/25 9:00 AM;rui;{Q[1]}")
    path = write(tmp_path / "jira.csv", table(header, cells + said, bom=True))
    known = sniffed(HelpDesk, path)
    assert known is not None and "assume_public" in (known.refusal or "")
    assert talks(read(HelpDesk, path, assume_public=True)) == TALK


# --- refused by name --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"comments": [{**ASKED}], "count": 1}, "comments of one Zendesk ticket.*ticket_id"),
        (
            table("Ticket ID,Ticket subject,Ticket group,Ticket created - Date,Ticket solved - Date,Tickets", (1,) * 6),
            "Explore.*comments instead",
        ),
        (
            table(
                "id,_fivetran_synced,created_at,details,external_id,group_id,name,notes,shared_comments,shared_tickets"
            ),
            "organizations table; it holds no message; give the folder",
        ),
        (table("tag,ticket_id,_fivetran_synced", ("a", 1, "x")), "ticket tags; it holds no message; give the folder"),
        (
            [{"number": 1, "title": "T", "body": Q[0], "state": "open", "comments": 3, "user": {"login": "j"}}],
            "questions only.*comments of each issue",
        ),
    ],
)
def test_what_holds_no_conversation_is_refused_by_name(content: Any, told: str, tmp_path: Path) -> None:
    path = write(tmp_path / ("t.csv" if isinstance(content, bytes) else "t.json"), content)
    known = sniffed(HelpDesk, path)
    assert known is not None and known.confidence == 0 and re.search(told, known.refusal or "")
    # No setting helps, so none is named.
    assert not known.force and not known.fields


def test_tags_beside_messages_are_no_table_of_tags(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", table("ticket_id,tag,_fivetran_synced,role,message", (1, "a", "x", "user", Q[0])))
    assert sniffed(HelpDesk, path) is None


def test_tickets_without_any_comment_are_not_said_to_lack_a_flag(tmp_path: Path) -> None:
    found = read(HelpDesk, write(tmp_path / "t.json", [ticket()]))
    assert drops(found) == {"metadata": 1} and CANARY not in repr(found)
