"""Know the exports of common help desks by their column names: what they are, whether they hold any message at all.

Most native CSV exports hold one line of metadata per ticket and no message text. The columns were read in the vendors'
documentation and in the sources of exporters (osTicket `class.export.php`, the tables of Fivetran's connectors).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ftdata.readers.words import words


@dataclass(frozen=True)
class Dialect:
    """An export that is known by its columns.

    `columns` are names that it has, `enough` how many of them must be there. `advice` says what to export instead, for
    one without messages; `visibility` names the columns of which one must tell public from private.
    """

    title: str
    columns: frozenset[str]
    enough: int
    advice: str = ""
    visibility: tuple[str, ...] = ()


def _names(text: str) -> frozenset[str]:
    return frozenset(" ".join(words(name)) for name in text.split(","))


DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        "a Zendesk view export",
        _names(
            "Summation column,Requester,Requester id,Requester external id,Requester email,Requester domain,"
            "Submitter,Assignee,Group,Tags,Via,Ticket type,Organization,Due date,Initially assigned at,Solved at,"
            "Resolution time,Satisfaction Score,Group stations,Assignee stations,Reopens,Replies,"
            "First reply time in minutes,First reply time in minutes within business hours,"
            "First resolution time in minutes,Full resolution time in minutes,Agent wait time in minutes,"
            "Requester wait time in minutes,On hold time in minutes"
        ),
        9,
        "export the tickets with their comments instead (the JSON export of the account, or the ticket comments "
        "of the API)",
    ),
    Dialect(
        "an osTicket export",
        _names(
            "Ticket Number,Date Created,Subject,From,From Email,Priority,Department,Help Topic,Source,Current Status,"
            "Last Updated,SLA Due Date,Due Date,Overdue,Answered,Assigned To,Agent Assigned,Team Assigned,Thread Count,"
            "Reopen Count,Attachment Count,Task Count"
        ),
        9,
        "export the thread entries from its database instead (ticket, poster, type, body, created)",
    ),
    Dialect(
        "a Freshdesk or Freshservice ticket export",
        _names(
            "Ticket ID,Subject,Status,Priority,Source,Type,Agent,Group,Created time,Due by Time,Resolved time,"
            "Closed time,Last update time,Initial response time,Time tracked,First response time (in hrs),"
            "Resolution time (in hrs),Agent interactions,Customer interactions,Resolution status,"
            "First response status,Association type,Every response status,Survey results,Internal agent,"
            "Internal group"
        ),
        9,
        "export the conversations of the tickets through its API instead (user_id, incoming, private, body)",
    ),
    Dialect(
        "a Help Scout export",
        _names(
            "Number,Mailbox,Inbox,Customer,Customer Email,Assigned,Assigned To,Status,Tags,Waiting Since,"
            "Closed By,Closed At,Created At,Thread Count,Threads,Conversation ID,Last Modified"
        ),
        8,
        "export the threads of the conversations through its API instead (type, body, createdBy)",
    ),
    Dialect(
        "a Jira issue export",
        _names("Summary,Issue key,Issue id,Issue Type,Status,Project key,Project name,Reporter,Assignee,Resolution"),
        7,
        "export the comments one per row, with author and public or internal, or name two text columns yourself",
    ),
    Dialect(
        "a Zendesk tickets table",
        _names(
            "assignee_id,brand_id,requester_id,submitter_id,ticket_form_id,via_channel,has_incidents,forum_topic_id,"
            "followup_ids,merged_ticket_ids,problem_id"
        ),
        6,
        "give the table of the ticket comments instead (ticket_comment: ticket_id, user_id, body, public, created)",
    ),
    Dialect(
        "a Zendesk users table",
        _names(
            "chat_only,moderator,only_private_comments,remote_photo_url,restricted_agent,role,shared_agent,suspended,"
            "ticket_restriction,two_factor_auth_enabled,signature,locale_id"
        ),
        7,
        "give the table of the ticket comments instead; this one tells who is an agent: list their ids as assistants",
    ),
    Dialect(
        "a Zendesk ticket comments table",
        _names("ticket_id,user_id,body,created,facebook_comment,tweet,voice_comment"),
        6,
        visibility=("public",),
    ),
    Dialect(
        "a table of Intercom conversation parts",
        _names("conversation_id,part_type,body,author_id,author_type,assigned_to_id,notified_at,redacted"),
        5,
        visibility=("part_type",),
    ),
    Dialect(
        "a table of Freshdesk conversations",
        _names("ticket_id,user_id,incoming,body,body_text,source,support_email,to_emails,from_email"),
        5,
        visibility=("private",),
    ),
    Dialect(
        "a table of Gorgias messages",
        _names("ticket_id,from_agent,body_text,body_html,channel,stripped_text,sender_id"),
        4,
        visibility=("public",),
    ),
)


def recognise(header: Sequence[str]) -> Dialect | None:
    """Name the export that these columns come from; None if it is not a known one."""
    present = {" ".join(words(name)) for name in header}
    best: Dialect | None = None
    share = 0.0
    for dialect in DIALECTS:
        hits = len(dialect.columns & present)
        if hits >= dialect.enough and hits / len(dialect.columns) > share:
            best, share = dialect, hits / len(dialect.columns)
    return best


def visibility_columns(dialect: Dialect | None, header: Sequence[str]) -> tuple[int, ...]:
    """Give the numbers (from 0) of the columns that tell public from private in this export."""
    told = {" ".join(words(name)) for name in dialect.visibility} if dialect else set[str]()
    return tuple(i for i, name in enumerate(header) if " ".join(words(name)) in told)


@dataclass(frozen=True)
class Dump:
    """An answer of a help desk's programming interface (JSON), known by keys that its objects have."""

    title: str
    keys: frozenset[str]
    advice: str


_AS_TABLE = "make a CSV table of its messages (ticket id, author or role, body, time, public or private)"
DUMPS: tuple[Dump, ...] = (
    Dump(
        "the ticket list of Freshdesk's or Freshservice's API",
        frozenset({"description_text", "requester_id", "fr_escalated"}),
        f"it holds the questions only; fetch the conversations of each ticket too, and {_AS_TABLE}",
    ),
    Dump("the conversations of Freshdesk's or Freshservice's API", frozenset({"body_text", "incoming"}), _AS_TABLE),
    Dump("a Zendesk JSON export", frozenset({"requester_id", "via", "brand_id"}), _AS_TABLE),
    Dump("the comments of Zendesk's API", frozenset({"plain_body", "html_body", "author_id"}), _AS_TABLE),
    Dump("conversations of Intercom's API", frozenset({"conversation_parts", "source"}), _AS_TABLE),
    Dump("conversations of Help Scout's API", frozenset({"primaryCustomer", "threads"}), _AS_TABLE),
)
"""Sources: the vendors' API references (Freshdesk, Freshservice, Zendesk, Intercom, Help Scout), read in 2026."""


def dump_of(values: Sequence[object]) -> Dump | None:
    """Find the help desk whose JSON these values are, by the keys of their first objects, one list deep."""
    for value in values[:3]:
        inner = next((v for v in value.values() if isinstance(v, list)), []) if isinstance(value, dict) else []
        for item in (value, *inner[:3]):
            if isinstance(item, dict):
                found = next((dump for dump in DUMPS if dump.keys <= item.keys()), None)
                if found is not None:
                    return found
    return None
