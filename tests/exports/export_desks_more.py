"""The other help desks, and exports that hold no message text at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from export_case import Case, Clock, iso, plain

_JIRA = (
    "Summary,Issue key,Issue id,Issue Type,Status,Project key,Project name,Priority,Reporter,Assignee,Created,Updated"
)


def jira_csv(name: str, assumed: bool) -> Case:
    """The classic CSV: names that repeat, a comment a cell, `date;author;body` with `;` and line breaks in the body."""
    fields = {"assume_public": True} if assumed else {}
    case = Case(name, "help-desk", "jira.csv", evidence="F", **fields)
    clock = Clock("2025-07-14 15:42:00")
    columns = [*_JIRA.split(","), "Description", "Labels", "Labels", "Component/s", "Comment", "Comment", "Comment"]
    columns += ["Attachment", "Custom field (Request Type)", "Parent", "Outward issue link (Blocks)"]
    rows = []

    def stamp() -> str:
        return clock.tick().strftime("%d/%b/%y %I:%M %p").lstrip("0").replace(" 0", " ")

    for n in range(3):
        who = f"557058:aa{n}"
        q1, a1, q2, a2 = case.ask(), case.answer() + "\ndepois; de novo;\n1;2;3", case.ask(), case.answer()
        created = stamp()
        comments = [f"{stamp()};557058:zz9;{a1}", f"{stamp()};{who};{q2}", f"{stamp()};557058:zz9;{a2}"]
        if n == 1:
            comments.reverse()  # the newest first
        if n == 2:
            comments[2] = ""  # narrower than the widest issue
        row = [
            f"Assunto {n}",
            f"SUP-{n + 1}",
            10_000 + n,
            "Service Request",
            "Done",
            "SUP",
            "Support",
            "Medium",
            who,
            "557058:zz9",
        ]
        rows.append([*row, created, created, q1, "eins", "zwei", "", *comments, "", "Get IT help", "", ""])
        if n < 2:
            case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
        else:
            case.conv(("user", q1), ("assistant", a1))
    if not assumed:
        case.refused = ["assume_public|assume-public|public"]
        case.conversations = []
    case.uncounted("trailing")  # a row is one record here, or each cell one
    case.csv("jira.csv", columns, rows, bom=True)
    return case


def _adf(text: str) -> dict[str, Any]:
    return {
        "version": 1,
        "type": "doc",
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


def jira_json(name: str, body: Any) -> Case:
    """The JSON of the search API, of a service desk: `jsdPublic` on each comment."""
    case = Case(name, "help-desk", "search.json", evidence="F")
    clock = Clock("2025-03-03 10:00:00")
    issues = []
    agent = {"accountId": "557058:zz9", "displayName": "Hugo", "accountType": "atlassian"}
    for n in range(3):
        who = {"accountId": f"qm:{n}", "displayName": f"Cliente {n}", "accountType": "customer"}
        q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
        said = [(agent, case.out("private", "internal"), False), (agent, a1, True), (who, q2, True), (agent, a2, True)]
        if n == 1:
            said.append((agent, case.out("private", "internal"), False))
        created = iso(clock.tick())
        comments = [
            {"id": str(n * 10 + at), "author": author, "updateAuthor": author, "body": body(text), "jsdPublic": public}
            | {"created": (moment := clock.tick().strftime("%Y-%m-%dT%H:%M:%S.000+0000")), "updated": moment}
            for at, (author, text, public) in enumerate(said)
        ]
        if n == 2:
            comments.reverse()
        about = {"summary": f"Assunto {n}", "description": body(q1), "reporter": who, "assignee": agent}
        about |= {"created": created, "status": {"name": "Done"}, "issuetype": {"name": "Service Request"}}
        listed = {"comments": comments, "total": len(comments), "maxResults": 50, "startAt": 0}
        issues.append({"id": str(10_000 + n), "key": f"DESK-{n}", "fields": {**about, "comment": listed}})
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    case.json("search.json", {"expand": "names", "startAt": 0, "maxResults": 50, "total": 3, "issues": issues})
    return case


def gorgias() -> Case:
    """Tickets with messages: who and whether public is said outright."""
    case = Case("gorgias-json", "help-desk", "tickets.json", evidence="F")
    clock = Clock("2024-06-06 10:00:00")
    tickets = []

    def message(text: str, agent: bool, public: bool = True, channel: str = "email") -> dict[str, Any]:
        body = {"body_text": text, "body_html": f"<p>{text}</p>", "stripped_text": text, "channel": channel}
        sender = {"id": 2 if agent else 1, "name": "Inês" if agent else "Júlio"}
        more = {
            "id": case.rng.randrange(10**6),
            "via": channel,
            "sender": sender,
            "created_datetime": iso(clock.tick()),
        }
        return {**more, "from_agent": agent, "public": public, **body}

    for n in range(3):
        q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
        said = [
            message(q1, False),
            message(case.out("private", "note"), True, False, "internal-note"),
            message(a1, True),
        ]
        said += [message(q2, False), message(case.out("private", "hidden"), False, False), message(a2, True)]
        if n == 1:
            said.reverse()
        who = {"id": 1, "email": "julio@example.com"}
        tickets.append({"id": n, "subject": f"S {n}", "customer": who, "status": "closed", "messages": said})
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    case.json("tickets.json", {"data": tickets, "object": "list", "meta": {"next_cursor": None}})
    return case


def github(name: str, shape: str) -> Case:
    """Issues with their comments: association says who is of the project; bots end in `[bot]`."""
    case = Case(name, "help-desk", "issues.json", evidence="K")
    clock = Clock("2024-10-01 10:00:00")
    issues = []

    def said(login: str, association: str, text: str) -> dict[str, Any]:
        who = {"login": login, "id": 1, "type": "Bot" if login.endswith("]") else "User"}
        body = {"body": text, "created_at": (when := iso(clock.tick())), "updated_at": when}
        return {"id": case.rng.randrange(10**6), "user": who, "author_association": association, **body}

    for n in range(3):
        q1, a1, q2, a2 = case.ask(), case.answer() + "\n\n```python\nprint('a  <b>')\n```", case.ask(), case.answer()
        comments = [said("stale[bot]", "NONE", case.out("bot", "stale"))]
        issue = said(f"user{n}", "NONE", q1)
        issue["created_at"] = "2024-09-30T10:00:00Z"
        comments += [said("dona", ("OWNER", "MEMBER", "COLLABORATOR")[n], a1), said(f"user{n}", "NONE", q2)]
        comments += [said("dona", "OWNER", a2), said("github-actions[bot]", "NONE", case.out("bot", "actions"))]
        issue |= {"number": n + 1, "title": f"Assunto {n}", "state": "closed", "labels": [{"name": "bug"}]}
        issues.append({**issue, "comments": comments})
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    if shape == "lines":
        case.path = "issues.ndjson"
        case.ndjson("issues.ndjson", issues)
    else:
        case.json("issues.json", issues)
    return case


def hubspot() -> Case:
    """Messages of the conversations inbox; a comment is internal there."""
    case = Case("hubspot-threads", "help-desk", "threads.json", evidence="K")
    clock = Clock("2024-11-11 10:00:00")
    threads = []

    def message(thread: int, kind: str, actor: str, text: str, way: str) -> dict[str, Any]:
        more = {"client": {"clientType": "HUBSPOT"}, "senders": [{"actorId": actor, "name": actor}], "recipients": []}
        body = {"text": text, "richText": f"<p>{text}</p>", "direction": way, "truncationStatus": "NOT_TRUNCATED"}
        base = {"id": f"m{case.rng.randrange(10**6)}", "conversationsThreadId": str(thread), "type": kind}
        return {**base, "createdAt": iso(clock.tick()), "createdBy": actor, "archived": False, **more, **body}

    for n in range(2):
        q1, a1 = case.ask(), case.answer()
        said = [
            message(n, "MESSAGE", f"V-{n}", q1, "INCOMING"),
            message(n, "COMMENT", "A-9", case.out("private", "comment"), "OUTGOING"),
            message(n, "WELCOME_MESSAGE", "S-hubspot", case.out("bot|system", "welcome"), "OUTGOING"),
            message(n, "MESSAGE", "B-7", case.out("bot|system", "bot"), "OUTGOING"),
            message(n, "ASSIGNMENT", "S-hubspot", case.out("system", "assignment"), "OUTGOING"),
            message(n, "MESSAGE", "A-9", a1, "OUTGOING"),
        ]
        threads.append({"id": str(n), "status": "CLOSED", "inboxId": "1", "messages": said})
        case.conv(("user", q1), ("assistant", a1))
    case.json("threads.json", {"results": threads})
    return case


def servicenow() -> Case:
    """Incidents with their journals as text; work notes are internal."""
    case = Case("servicenow-json", "help-desk", "incident.json", evidence="K")
    clock = Clock("2024-08-08 08:00:00")
    records = []
    for n in range(2):
        q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
        opened = plain(clock.tick())
        said = [("Kátia Melo", a1), (f"Cliente {n}", q2), ("Kátia Melo", a2)]
        journal = [f"{plain(clock.tick())} - {who} (Additional comments)\n{text}\n\n" for who, text in said]
        notes = f"{plain(clock.tick())} - Kátia Melo (Work notes)\n{case.out(None, 'work-notes')}\n\n"
        row = {"number": f"INC00{n}", "short_description": f"Assunto {n}", "description": q1, "state": "Closed"}
        row |= {"caller_id": f"Cliente {n}", "assigned_to": "Kátia Melo", "opened_at": opened, "sys_created_on": opened}
        records.append({**row, "comments": "".join(reversed(journal)), "work_notes": notes, "close_notes": ""})
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    case.uncounted("private")
    case.json("incident.json", {"records": records})
    return case


def servicenow_csv() -> Case:
    """The list export: one journal with comments and work notes in one cell."""
    case = Case("servicenow-csv", "help-desk", "incident.csv", evidence="K")
    clock = Clock("2024-08-08 08:00:00")
    rows = []
    for n in range(3):
        q1, a1 = case.ask(), case.answer()
        opened = plain(clock.tick())
        note = f"{plain(clock.tick())} - Kátia Melo (Work notes)\n{case.out(None, 'work-notes')}\n\n"
        said = f"{plain(clock.tick())} - Kátia Melo (Additional comments)\n{a1}\n\n"
        own = case.out(None, "work-notes-column")
        row = [
            f"INC00{n}",
            f"Assunto {n}",
            q1,
            f"Cliente {n}",
            "Closed",
            "3 - Moderate",
            "Support",
            "Kátia Melo",
            opened,
        ]
        rows.append([*row, said, f"{opened} - Kátia Melo (Work notes)\n{own}\n\n", said + note])
        case.conv(("user", q1), ("assistant", a1))
    header = (
        "number,short_description,description,caller_id,state,priority,assignment_group,assigned_to,opened_at,comments"
    )
    case.uncounted("private")
    case.csv("incident.csv", [*header.split(","), "work_notes", "comments_and_work_notes"], rows)
    return case


def zoho() -> Case:
    """Tickets and threads in files of their own."""
    case = Case("zoho-folder", "help-desk", "zoho", evidence="K")
    clock = Clock("2024-12-01 08:00:00")
    tickets: list[dict[str, Any]] = []
    threads: list[dict[str, Any]] = []

    def thread(ticket: str, way: str, text: str, **more: Any) -> None:
        kind = "END_USER" if way == "in" else "AGENT"
        base = {"id": f"8{len(threads)}", "ticketId": ticket, "channel": "EMAIL", "direction": way, "status": "SUCCESS"}
        said = {"visibility": "public", "content": f"<div>{text}</div>", "plainText": text, "contentType": "text/html"}
        who = {"author": {"type": kind, "name": kind, "id": kind}, "createdTime": iso(clock.tick())}
        threads.append({**base, **said, **who, **more})

    for n in range(2):
        key = f"77{n}"
        q1, a1, q2, a2 = case.ask(), case.answer(), case.ask(), case.answer()
        opened = {"createdTime": iso(clock.now), "status": "Closed", "channel": "Email"}
        tickets.append({"id": key, "ticketNumber": str(n), "subject": f"Assunto {n}", "contactId": "1", **opened})
        thread(key, "in", q1)
        thread(key, "out", case.out("private", "private-thread"), visibility="private")
        thread(key, "out", a1)
        thread(key, "in", q2)
        thread(key, "out", case.out("draft|private|hidden", "draft"), status="DRAFT")
        thread(key, "out", a2)
        case.conv(("user", q1), ("assistant", a1), ("user", q2), ("assistant", a2))
    case.rng.shuffle(threads)
    case.json("zoho/tickets.json", {"data": tickets})
    case.json("zoho/threads.json", {"data": threads})
    return case


def osticket(name: str, shape: str) -> Case:
    """osTicket's own export: a row of metadata per ticket, in the agent's language; to be refused."""
    case = Case(name, "help-desk", f"tickets.{'json' if shape == 'json' else 'csv'}", evidence="C")
    english = "Ticket Number,Date Created,Subject,From,From Email,Priority,Department,Help Topic,Source,Current Status"
    english += ",Last Updated,SLA Due Date,Due Date,Closed Date,Overdue,Merged,Linked,Answered,Agent Assigned"
    portuguese = "Número do ticket,Data de criação,Assunto,De,De E-mail,Prioridade,Departamento,Tópico de ajuda,Origem"
    portuguese += ",Estado atual,Última atualização,Data de vencimento do SLA,Data de vencimento,Data de fecho,Atrasado"
    portuguese += ",Fundido,Ligado,Respondido,Agente designado"
    columns = [*(portuguese if shape == "pt" else english).split(","), "Thread Count", "Ordernummer"]
    rows = []
    for n in range(6):
        day = f"{n + 1:02}/03/2024 10:00"
        row = [
            f"10{n}",
            day,
            f"Assunto {case.ask()}",
            "Lia",
            "lia@example.com",
            "Normal",
            "Support",
            "Geral",
            "Web",
            "Closed",
        ]
        rows.append([*row, day, "", "", day, "0", "0", "0", "1", "Mauro", "3", "C:\\dir\\"])
    if shape == "json":
        case.json("tickets.json", [dict(zip(columns, row, strict=True)) for row in rows])
    else:
        case.csv("tickets.csv", columns, rows, delimiter=";" if shape == "pt" else ",", bom=True)
    case.refused = ["text|message|thread"]
    case.sniffed = None if shape == "pt" else case.reader
    return case


def metadata(name: str, file: str, header: str, hint: str, evidence: str) -> Case:
    """An export of numbers and dates only; to be refused."""
    case = Case(name, "help-desk", file, evidence=evidence)
    columns = header.split(",")
    rows = []
    for n in range(6):
        known = {"subject": case.ask(), "status": "Closed", "id": str(n), "number": str(n), "ticket id": str(n)}
        rows.append(
            [known.get(key.lower(), f"2024-03-0{n + 1} 10:00" if "time" in key.lower() else "x") for key in columns]
        )
    case.csv(file, columns, rows)
    case.refused = [hint]
    return case


_FRESHDESK = (
    "Ticket ID,Subject,Status,Priority,Source,Type,Agent,Group,Created time,Due by Time,Resolved time,Closed time"
)
_FRESHDESK += ",Last update time,Initial response time,Agent interactions,Customer interactions,Resolution status,Tags"
_HELPSCOUT = "Number,Subject,Status,Mailbox,Customer,Customer Email,Assigned To,Tags,Created Time,Closed Time,Threads"


def more_desks() -> Iterator[Case]:
    yield jira_csv("jira-csv", True)
    yield jira_csv("jira-csv-unassumed", False)
    yield jira_json("jira-json", str)
    yield jira_json("jira-adf", _adf)
    yield gorgias()
    yield github("github-issues", "array")
    yield github("github-issues-lines", "lines")
    yield hubspot()
    yield servicenow()
    yield servicenow_csv()
    yield zoho()
    yield osticket("osticket-csv", "en")
    yield osticket("osticket-csv-pt", "pt")
    yield osticket("osticket-json", "json")
    yield metadata("freshdesk-csv", "tickets.csv", _FRESHDESK, "text|message|conversation", "K")
    yield metadata("helpscout-csv", "conversations.csv", _HELPSCOUT, "text|message|thread|conversation", "D")
