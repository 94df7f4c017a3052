"""Third-party files: the seed tables do not join, and nothing is loosened to see output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from native_reading import SHARED, drops, read, sniffed

from ftdata.errors import InputError
from ftdata.readers.help_desk import HelpDesk

TICKETS = SHARED.parent / "tickets"
pytestmark = pytest.mark.skipif(not TICKETS.is_dir(), reason="the third-party samples are not here")


@pytest.mark.parametrize(
    ("file", "fields", "counts"),
    [
        ("zendesk_tables", {}, {"orphan": 20}),
        ("zendesk_tables/ticket_comment_data.csv", {"users_file": "user_data.csv"}, {"unknown-author": 20}),
        ("zendesk_tables/ticket_comment_data.csv", {"assistants": ("413068955393",)}, None),
        ("zendesk_chat", {}, {"bot": 9, "system-line": 3}),
        ("zendesk_chat/ticket_chat_event_data.csv", {}, {"bot": 9, "system-line": 3}),
        ("intercom_tables", {}, {"system-line": 8, "history": 7, "no-assistant": 2, "private-note": 1}),
        ("intercom_tables/conversation_part_history_data.csv", {}, {"system-line": 8, "private-note": 1}),
        ("freshservice_api", {}, {"spam": 2}),
        ("freshservice_api/ticketsResponse.json", {}, {"spam": 1}),
        ("freshservice_api/updateTicket200.json", {}, {"spam": 1}),
    ],
)
def test_what_they_hold(file: str, fields: dict[str, Any], counts: dict[str, int] | None) -> None:
    found = drops(read(HelpDesk, TICKETS / file, **fields))
    assert None not in found
    assert counts is None or found == counts


@pytest.mark.parametrize(
    ("file", "dialect", "refusal"),
    [
        ("zendesk_tables", "zendesk", None),
        ("zendesk_tables/ticket_comment_data.csv", "zendesk", "assistants"),
        ("zendesk_tables/ticket_data.csv", "zendesk", "ticket_comment"),
        ("zendesk_tables/user_data.csv", "zendesk", "comments"),
        ("zendesk_chat", "zendesk", None),
        ("intercom_tables", "intercom", None),
        ("intercom_tables/conversation_history_data.csv", "intercom", "conversation parts"),
        ("freshservice_api/ticketsResponse.json", "freshdesk", "conversations of each ticket"),
        ("freshservice_api/updateTicket200.json", "freshdesk", "conversations of each ticket"),
        ("zendesk_tables/audit_log_data.csv", "zendesk", "a Zendesk audit log; it holds no message; give the folder"),
        ("zendesk_tables/organization_data.csv", "zendesk", "organizations table; it holds no message; give"),
        ("zendesk_tables/ticket_tag_data.csv", "zendesk", "ticket tags; it holds no message; give the folder"),
        ("zendesk_tables/ticket_field_history_data.csv", "zendesk", "field history; it holds no message; give the"),
        ("zendesk_chat/ticket_chat_data.csv", "zendesk", "chats; it holds no message; give the folder"),
        ("intercom_tables/admin_data.csv", "intercom", "admins; it holds no message; give the folder"),
        ("intercom_tables/contact_history_data.csv", "intercom", "contacts; it holds no message; give the folder"),
        ("intercom_tables/conversation_tag_history_data.csv", "intercom", "tags; it holds no message; give the folder"),
    ],
)
def test_they_are_known(file: str, dialect: str, refusal: str | None) -> None:
    found = sniffed(HelpDesk, TICKETS / file)
    assert found is not None and any(f"the dialect {dialect} " in phrase for phrase in found.evidence)
    assert found.refusal is None if refusal is None else refusal in (found.refusal or "")
    # Where no setting helps, none is told.
    assert bool(found.fields) == bool(found.force)
    assert bool(found.fields) == (refusal in (None, "assistants"))


@pytest.mark.parametrize(
    "file",
    [
        "freshservice_api/timeEntries200.json",
        "freshservice_api/Conversation.md",
        "kaggle_customer_support_tickets_first500.csv",
        "SOURCES.md",
    ],
)
def test_others_are_not_claimed(file: str) -> None:
    assert sniffed(HelpDesk, TICKETS / file) is None
    with pytest.raises(InputError, match="no dialect knows"):
        read(HelpDesk, Path(TICKETS / file))
