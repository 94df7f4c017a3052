"""Ticket exports: what comes out, what is left out and why, what is refused."""

from __future__ import annotations

import csv
import io
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from ftdata.batch import SCHEMA, conversations
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers import stitch
from ftdata.readers.tickets import Tickets
from ftdata.source import Source

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/tickets"
KAGGLE = SHARED / "kaggle_customer_support_tickets_first500.csv"
needs_shared = pytest.mark.skipif(not KAGGLE.exists(), reason="the third-party samples are not here")

CANARY = "CANARY-93b1"


def table(rows: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue()


def read(
    path: Path, content: str | bytes | None = None, scratch: Path | None = None, **settings: Any
) -> list[Conversation]:
    """Read a file; check the law on the way: every record that was handed out is owned by exactly one row."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = Tickets(path=path, **settings)
    with Source(path, encoding=reader.encoding, scratch=scratch) as source:
        batches = list(reader.read(source))
        handed = source.handed
    assert all(batch.schema == SCHEMA for batch in batches)
    rows = [row for batch in batches for row in conversations(batch)]
    assert sorted(number for row in rows for number in row.origin) == list(range(1, handed + 1))
    for row in rows:
        assert row.drop is None or (not row.messages and row.meta is None and row.note is None)
    return rows


def turns(row: Conversation) -> list[tuple[str | None, str | None]]:
    return [(message.role, message.content) for message in row.messages or ()]


def drops(rows: list[Conversation]) -> dict[str | None, int]:
    counts: dict[str | None, int] = {}
    for row in rows:
        counts[row.drop] = counts.get(row.drop, 0) + len(row.origin)
    return counts


MESSAGES = [
    ["ticket_id", "created_at", "author_type", "message", "is_private", "status"],
    ["7", "2024-01-02 10:00", "customer", "The printer is dead again, please help.", "false", "open"],
    ["8", "2024-01-02 10:05", "customer", "I was charged twice for this order.", "false", "open"],
    ["7", "2024-01-02 10:20", "agent", "Please restart it and tell me what you see.", "false", "open"],
    ["7", "2024-01-02 10:10", "agent", f"Ask him for the serial number {CANARY}.", "true", "open"],
    ["8", "2024-01-02 11:00", "bot", "We will answer as soon as we can.", "false", "open"],
    ["8", "2024-01-02 11:30", "agent", "The second charge was returned.", "false", "solved"],
    ["7", "2024-01-02 10:30", "customer", "It works now, thank you!", "false", "solved"],
    ["7", "2024-01-02 10:25", "customer", "It prints one page.", "false", "solved"],
    ["7", "2024-01-02 10:28", "agent", "Then clean the rollers.", "false", "solved"],
    ["8", "2024-01-02 11:31", "system", "Status changed to solved.", "false", "solved"],
]


# --- a row per ticket -------------------------------------------------------------------------------------------------


def kaggle_rows() -> list[list[str]]:
    with KAGGLE.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


@needs_shared
def test_kaggle_counts_and_texts() -> None:
    rows = read(KAGGLE)
    assert drops(rows) == {None: 176, "no-answer": 324}
    header, *cells = kaggle_rows()
    ask, reply = header.index("Ticket Description"), header.index("Resolution")
    # One cell quotes whole tags (<b>, <p>): it loses them. All others are as they stand in the file.
    expected = [[("user", line[ask]), ("assistant", line[reply])] for line in cells if line[reply]]
    differs = [
        a[0][1] for a, b in zip(expected, map(turns, (r for r in rows if r.drop is None)), strict=True) if a != b
    ]
    assert len(differs) <= 2 and all("<p>" in str(text) or "</b>" in str(text) for text in differs)
    first = next(row for row in rows if row.drop is None)
    assert first.meta is not None and set(first.meta) == {*header, "csat"} - {"Ticket Description", "Resolution"}
    assert first.meta["csat"] == first.meta["Customer Satisfaction Rating"]


PORTUGUESE = [
    *(
        "ID do Chamado",
        "Nome do Cliente",
        "E-mail do Cliente",
        "Idade do Cliente",
        "Sexo do Cliente",
        "Produto Comprado",
    ),
    *(
        "Data da Compra",
        "Tipo de Chamado",
        "Assunto do Chamado",
        "Descrição do Chamado",
        "Situação do Chamado",
        "Solução",
    ),
    *("Prioridade", "Canal", "Tempo da Primeira Resposta", "Tempo até a Solução", "Avaliação de Satisfação"),
]


@needs_shared
@pytest.mark.parametrize("variant", ["portuguese", "shuffled", "short", "semicolons", "utf-16", "cp1252"])
@pytest.mark.covers("tickets", "encodings")
def test_kaggle_in_other_clothes(tmp_path: Path, variant: str) -> None:
    header, *rows = kaggle_rows()
    settings: dict[str, Any] = {}
    encoding, delimiter = "utf-8", ","
    if variant == "portuguese":
        header = PORTUGUESE
    elif variant == "shuffled":
        order = list(range(len(header)))
        random.Random(3).shuffle(order)
        header, rows = [header[i] for i in order], [[row[i] for i in order] for row in rows]
    elif variant == "short":
        header = ["q" if name == "Ticket Description" else "a" if name == "Resolution" else name for name in header]
        settings = {"question": "q", "answer": "a"}
    elif variant == "semicolons":
        delimiter = ";"
    else:
        encoding = variant
    content = table([header, *rows], delimiter).encode(encoding, errors="replace")
    assert drops(read(tmp_path / "t.csv", content, **settings)) == {None: 176, "no-answer": 324}


@needs_shared
def test_kaggle_without_headers_is_refused_with_the_flag(tmp_path: Path) -> None:
    content = table(kaggle_rows()[1:])
    with pytest.raises(InputError, match="header=false") as caught:
        read(tmp_path / "t.csv", content)
    assert "@" not in str(caught.value)
    rows = read(tmp_path / "t.csv", content, header=False, question="#10", answer="#12")
    assert drops(rows) == {None: 176, "no-answer": 324}
    assert rows[2].meta is not None and rows[2].meta["#1"] == "3"


PAIRS = [
    ["question", "answer", "Labels", "Labels", "internal notes", "subject"],
    ["How do I reset it?", "Hold the button for ten seconds.", "a", "b", f"angry {CANARY}, beware of him", "Reset"],
    ["Where is my order now?", "", "", "", f"lost by us {CANARY}, do not say", "Order"],
    ["", "It is on its way to you.", "", "", "", ""],
    ["-", "nan", "", "", "", "Only a subject"],
    ["<p>Is it <b>free</b>?</p>", "<div>Yes,<br>it is.</div>", "", "", "", "-"],
]


def test_pairs(tmp_path: Path) -> None:
    rows = read(tmp_path / "t.csv", table(PAIRS))
    assert [row.drop for row in rows] == [None, "no-answer", "no-question", "empty-text", None]
    assert rows[0].meta == {"Labels": "a", "Labels#2": "b", "subject": "Reset"}
    assert turns(rows[4]) == [("user", "Is it free?"), ("assistant", "Yes,\nit is.")]
    assert CANARY not in repr(rows)


def test_the_subject_goes_above_the_question_on_request(tmp_path: Path) -> None:
    rows = read(tmp_path / "t.csv", table(PAIRS), with_subject=True)
    assert [turns(row)[0][1] for row in rows if row.drop is None] == ["Reset\n\nHow do I reset it?", "Is it free?"]


@pytest.mark.covers("tickets", "private")
def test_private_tickets_are_left_out(tmp_path: Path) -> None:
    rows = [["question", "answer", "is_public"], ["How is it done?", f"Like this {CANARY}.", "FALSE"]]
    rows += [["And how is that done?", "Like that, in two steps.", "TRUE"], ["And this other thing?", "So.", "?"]]
    found = read(tmp_path / "t.csv", table(rows))
    assert [row.drop for row in found] == ["private-note", None, "unknown-visibility"]
    assert CANARY not in repr(found)


# --- a row per message ------------------------------------------------------------------------------------------------


@pytest.mark.covers("tickets", "roles", "threads", "system", "bots")
def test_messages_become_conversations(tmp_path: Path) -> None:
    rows = read(tmp_path / "t.csv", table(MESSAGES))
    assert drops(rows) == {None: 6, "private-note": 1, "bot": 1, "system-line": 1, "trailing-user": 1}
    seven, eight = (row for row in rows if row.drop is None)
    assert seven.origin == (1, 3, 8, 9)
    assert turns(seven) == [
        ("user", "The printer is dead again, please help."),
        ("assistant", "Please restart it and tell me what you see."),
        ("user", "It prints one page."),
        ("assistant", "Then clean the rollers."),
    ]
    assert seven.meta == {"ticket_id": "7", "created_at": "2024-01-02 10:00", "status": "open"}
    assert eight.origin == (2, 6)
    assert CANARY not in repr(rows)


def test_order_in_the_file_does_not_matter_where_there_are_times(tmp_path: Path) -> None:
    header, *rows = MESSAGES
    expected = {str(turns(row)) for row in read(tmp_path / "a.csv", table(MESSAGES)) if row.drop is None}
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        found = {str(turns(row)) for row in read(tmp_path / "b.csv", table([header, *rows])) if row.drop is None}
        assert found == expected


def test_newest_first_is_put_right_and_consecutive_turns_are_merged(tmp_path: Path) -> None:
    rows = [
        ["chamado", "data", "papel", "mensagem"],
        ["1", "03/04/2024 09:30", "atendente", "Reinicie o roteador, por favor."],
        ["1", "03/04/2024 09:10", "cliente", "Já tentei duas vezes ontem."],
        ["1", "25/03/2024 09:00", "cliente", "A internet não funciona."],
    ]
    (row,) = read(tmp_path / "t.csv", table(rows))
    assert turns(row)[0] == ("user", "A internet não funciona.\n\nJá tentei duas vezes ontem.")
    assert row.flags == ("no-visibility-column",)
    (apart,) = read(tmp_path / "t.csv", table(rows), merge=False)
    assert [role for role, _ in turns(apart)] == ["user", "user", "assistant"]


def test_a_greeting_is_left_out(tmp_path: Path) -> None:
    rows = [
        ["case_id", "sender_type", "text"],
        ["1", "agent", "Hello, how can I help you today?"],
        ["1", "customer", "My card does not work at all."],
        ["1", "agent", "Which card is it, the blue one?"],
        ["2", "agent", "Hello, is anybody there at all?"],
        ["3", "customer", "Please call me back tomorrow."],
        ["4", "agent", "Hello, how can I help you today?"],
        ["4", "customer", "I do not know any more, sorry."],
        ["", "customer", "This one has no ticket number."],
        ["1", "agent", "   "],
        ["1", "martian", "Take me to your leader, please."],
    ]
    found = read(tmp_path / "t.csv", table(rows))
    assert drops(found) == {
        None: 2,
        "leading-agent": 1,
        "no-user": 1,
        "no-assistant": 1,
        "no-answer": 2,
        "orphan": 1,
        "empty-text": 1,
        "unknown-role": 1,
    }


ZENDESK = [
    ["id", "body", "created", "facebook_comment", "public", "ticket_id", "tweet", "user_id", "voice_comment"],
    ["1", "Where is my parcel?", "2020-02-11 07:49:14", "FALSE", "TRUE", "9", "FALSE", "31", "FALSE"],
    ["2", f"lost it {CANARY}", "2020-02-11 07:50:14", "FALSE", "FALSE", "9", "FALSE", "17", "FALSE"],
    ["3", "It will come on Monday.", "2020-02-11 07:51:14", "FALSE", "TRUE", "9", "FALSE", "17", "FALSE"],
    ["4", "And who am I?", "2020-02-11 07:52:14", "FALSE", "TRUE", "9", "FALSE", "", "FALSE"],
]


def test_two_authors_are_never_told_apart_by_order(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ticket comments table.*assistants") as caught:
        read(tmp_path / "t.csv", table(ZENDESK))
    assert CANARY not in str(caught.value)
    rows = read(tmp_path / "t.csv", table(ZENDESK), assistants=(17,))
    assert drops(rows) == {None: 2, "private-note": 1, "unknown-author": 1}
    rows = read(tmp_path / "t.csv", table(ZENDESK), assistants=("17",), users=("99",))
    assert drops(rows) == {"no-user": 1, "private-note": 1, "unknown-author": 2}
    rows = read(tmp_path / "t.csv", table(ZENDESK), assistants=("17",), bots=("31",))
    assert drops(rows) == {"no-user": 1, "private-note": 1, "unknown-author": 1, "bot": 1}


def test_a_known_export_that_lost_its_visibility_column_is_refused(tmp_path: Path) -> None:
    at = ZENDESK[0].index("public")
    rows = [line[:at] + line[at + 1 :] for line in ZENDESK]
    with pytest.raises(InputError, match=r'"public" is missing.*assume_public=true'):
        read(tmp_path / "t.csv", table(rows), assistants=("17",))
    found = read(tmp_path / "t.csv", table(rows), assistants=("17",), assume_public=True)
    assert drops(found)[None] == 3 and not any(row.flags for row in found)


INTERCOM = [
    ["id", "conversation_id", "part_type", "body", "author_id", "author_type", "created_at", "redacted"],
    ["1", "5", "comment", "<p>Is the trial free?</p>", "a", "user", "1600000000", "false"],
    ["2", "5", "note", f"<p>ask sales {CANARY}</p>", "b", "admin", "1600000010", "false"],
    ["3", "5", "assignment", f"<p>to sales {CANARY}</p>", "b", "admin", "1600000020", "false"],
    ["4", "5", "comment", "<p>Yes, for 14 days.</p>", "b", "admin", "1600000030", "false"],
    ["5", "5", "comment", "<p>You can reply here.</p>", "c", "bot", "1600000040", "false"],
]


def test_notes_of_intercom_stay_private(tmp_path: Path) -> None:
    rows = read(tmp_path / "t.csv", table(INTERCOM))
    assert drops(rows) == {None: 2, "private-note": 1, "unknown-visibility": 1, "bot": 1}
    assert CANARY not in repr(rows)


def test_roles_can_be_stated(tmp_path: Path) -> None:
    rows = [["ticket", "papel", "texto"], ["1", "Morador", "A luz do corredor queimou."]]
    rows += [["1", "Zeladoria", "Trocamos a lâmpada hoje cedo."], ["1", "Portaria", "Visitante anunciado às dez."]]
    roles = {"zeladoria": "assistant", "PORTARIA": "drop"}
    reader = Tickets.model_validate({"path": "t.csv", "roles": roles})
    assert hash(reader) == hash(reader.model_copy())
    assert Tickets.model_validate(reader.model_dump()) == reader
    assert reader.model_dump()["roles"] == roles
    assert drops(read(tmp_path / "t.csv", table(rows), role="papel", roles=roles)) == {None: 2, "unwanted-role": 1}


@pytest.mark.parametrize(("title", "customer"), [("inbound", "True"), ("from_agent", "false"), ("é_cliente", "sim")])
def test_yes_and_no_can_tell_who_speaks(tmp_path: Path, title: str, customer: str) -> None:
    other = {"True": "False", "false": "true", "sim": "não"}[customer]
    rows = [
        ["ticket_id", title, "message"],
        ["1", customer, "My phone does not ring."],
        ["1", other, "Turn it up a bit."],
    ]
    (row,) = read(tmp_path / "t.csv", table(rows))
    assert turns(row) == [("user", "My phone does not ring."), ("assistant", "Turn it up a bit.")]


def test_public_values_can_be_stated(tmp_path: Path) -> None:
    rows = [["ticket_id", "role", "message", "nivel"], ["1", "customer", "My phone does not ring.", "P1"]]
    rows += [["1", "agent", "Turn it up a bit.", "P1"], ["1", "agent", f"He is deaf {CANARY}.", "P2"]]
    found = read(tmp_path / "t.csv", table(rows), visibility="nivel", public=("p1",))
    assert drops(found) == {None: 2, "private-note": 1}


def test_a_time_that_cannot_be_read_keeps_file_order(tmp_path: Path) -> None:
    rows = [list(line) for line in MESSAGES]
    rows[3][1] = "yesterday"
    flagged = [row for row in read(tmp_path / "t.csv", table(rows), time="created_at") if "unparsed-time" in row.flags]
    assert [row.origin[0] for row in flagged] == [1]


# --- what is refused --------------------------------------------------------------------------------------------------

ZENDESK_VIEW = (
    "Summation column,Id,Requester,Requester id,Requester external id,Requester email,Requester domain,"
    "Submitter,Assignee,Group,Subject,Tags,Status,Priority,Via,Ticket type,Created at,Updated at,"
    "Assigned at,Organization,Due date,Initially assigned at,Solved at,Resolution time,"
    "Satisfaction Score,Group stations,Assignee stations,Reopens,Replies,First reply time in minutes,"
    "First resolution time in minutes,Full resolution time in minutes"
).split(",")
OSTICKET = (
    "Ticket Number,Date Created,Subject,From,From Email,Priority,Department,Help Topic,Source,"
    "Current Status,Last Updated,SLA Due Date,Due Date,Overdue,Answered,Agent Assigned,Team Assigned,"
    "Thread Count,Attachment Count"
).split(",")
FRESHDESK = (
    "Ticket ID,Subject,Status,Priority,Source,Type,Agent,Group,Created time,Due by Time,Resolved time,"
    "Closed time,Last update time,Initial response time,First response time (in hrs),"
    "Resolution time (in hrs),Agent interactions,Customer interactions,Resolution status,"
    "First response status,Tags"
).split(",")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (ZENDESK_VIEW, "Zendesk view export.*comments"),
        (OSTICKET, "osTicket.*thread entries"),
        (FRESHDESK, "Freshdesk.*conversations"),
        (["Nummer", "Betreff", "Zustand"], "no message-text column.*question=NAME"),
        (["Chamado", "Assunto", "Situação"], "no message-text column.*export the messages"),
        (["Ticket ID", "Description", "Status"], '"Description" holds text, but no column of answers'),
    ],
)
def test_a_file_without_messages_says_what_to_export(tmp_path: Path, header: list[str], says: str) -> None:
    cell = "I cannot print from my laptop since the update on Monday."
    rows = [header] + [
        [cell if name in ("Subject", "Description") else str(100 + n) for name in header] for n in range(5)
    ]
    path = tmp_path / "export.csv"
    with pytest.raises(InputError, match=f"(?s){says}") as caught:
        read(path, table(rows))
    assert cell not in str(caught.value) and "\n" not in str(caught.value)
    with Source(path) as source:
        found = Tickets.sniff(source)
    assert found is not None and found.confidence == 0 and str(caught.value).endswith(str(found.refusal))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"question": "nope"}, 'question = "nope": no such column; the columns are "question", "answer"'),
        ({"question": "answer", "answer": "answer"}, "both name the column"),
        ({"shape": "message"}, "no column"),
    ],
)
def test_wrong_settings_name_the_remedy(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(tmp_path / "t.csv", table(PAIRS), **settings)


@needs_shared
@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("zendesk_tables/ticket_comment_data.csv", "Zendesk ticket comments table.*assistants"),
        ("zendesk_tables/ticket_data.csv", "Zendesk tickets table.*ticket_comment"),
        ("zendesk_tables/user_data.csv", "Zendesk users table"),
        ("zendesk_tables/ticket_tag_data.csv", "table of Zendesk ticket tags.*give the folder"),
        ("freshservice_api/ticketsResponse.json", None),
        ("freshservice_api/Conversation.md", None),
    ],
)
def test_sniff_says_what_a_file_is_not(file: str, says: str | None) -> None:
    with Source(SHARED / file) as source:
        found = Tickets.sniff(source)
    if says is None:
        assert found is None
    else:
        assert found is not None and found.confidence == 0 and re.search(says, found.refusal or "")


@needs_shared
@pytest.mark.covers("tickets", "sniffed")
def test_sniff_shows_its_guess() -> None:
    with Source(KAGGLE) as source:
        found = Tickets.sniff(source)
        assert source.handed == 0
    assert found is not None and found.confidence > 0.5 and found.refusal is None
    assert found.fields["question"] == "Ticket Description" and found.fields["answer"] == "Resolution"
    assert "--set question='Ticket Description'" in found.force
    assert drops(read(KAGGLE, **found.fields)) == {None: 176, "no-answer": 324}


# --- hostile files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\n\n\n", b"question,answer\n", b"\xef\xbb\xbfquestion,answer\n"]
)
def test_files_without_rows_give_no_rows(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path / "t.csv", content) == []


def test_ten_thousand_columns(tmp_path: Path) -> None:
    started = time.process_time()
    header = [f"c{n}" for n in range(10_000)]
    header[7000], header[9000] = "question", "answer"
    rows = [header] + [["x"] * 7000 + ["How is this done?"] + ["x"] * 1999 + ["Like this."] + ["x"] * 999] * 50
    assert drops(read(tmp_path / "t.csv", table(rows))) == {None: 50}
    assert time.process_time() - started < 5


def test_bad_records_are_one_row_each(tmp_path: Path) -> None:
    lines = [
        "question,answer",
        "How is it done?,Like this.",
        "too,many,cells",
        f'"{CANARY} unclosed, quote',
        "And how is that?,Like that.",
        f"nul \0 {CANARY},byte",
        "question,answer",
        f"{'x' * 200_000},a large cell is a cell",
    ]
    rows = read(tmp_path / "t.csv", "\n".join(lines) + "\n")
    assert drops(rows)[None] == 3
    assert len(rows) == 7 and all(len(row.origin) == 1 for row in rows)
    assert CANARY not in repr(rows)


def test_bytes_that_are_no_table_are_not_mine(tmp_path: Path) -> None:
    pick = random.Random(5)
    for number in range(20):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(pick.randbytes(2000))
        with Source(path) as source:
            assert Tickets.sniff(source) is None


def test_private_text_never_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stitch, "_FLUSH_ROWS", 20)
    monkeypatch.setattr(stitch, "MEMORY", 1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    header, *rows = MESSAGES
    many = [[f"{n}-{row[0]}", *row[1:]] for n in range(300) for row in rows]
    path = tmp_path / "t.csv"
    path.write_text(table([header, *many]))
    reader = Tickets(path=path)
    written = b""
    with Source(path, scratch=scratch) as source:
        for batch in reader.read(source):
            written += b"".join(file.read_bytes() for file in scratch.rglob("*") if file.is_file())
            assert CANARY not in repr(batch.to_dicts())
    assert b"charged twice" in written  # the files were really looked into
    assert CANARY.encode() not in written


def test_scratch_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, *rows = MESSAGES
    many = [[f"{n % 150}-{row[0]}", *row[1:]] for n in range(600) for row in rows]
    whole = read(tmp_path / "t.csv", table([header, *many]))
    monkeypatch.setattr(stitch, "_FLUSH_ROWS", 500)
    monkeypatch.setattr(stitch, "MEMORY", 1)
    assert read(tmp_path / "t.csv", scratch=tmp_path) == whole


def test_settings_replay(tmp_path: Path) -> None:
    reader = Tickets(path=tmp_path, assistants=("17", "ana@x.com"), roles={"agente": "assistant"}, quotechar="")  # type: ignore[arg-type]
    assert Tickets.model_validate_json(reader.model_dump_json()) == reader
    assert isinstance(hash(reader), int)


QUOTED = (
    "Obrigado, chegou.\n\nEm ter., 4 de mar. de 2025 às 10:11, Loja <loja@example.com> escreveu:\n> Já saiu.\n> Abraço"
)


@pytest.mark.parametrize(
    ("channel", "quotes", "kept"),
    [("E-mail", "auto", False), ("E-mail", "keep", True), ("Chat", "cut", False), ("", "auto", False)],
)
def test_what_a_mail_quotes_is_cut_and_told(tmp_path: Path, channel: str, quotes: str, kept: bool) -> None:
    path = tmp_path / "tickets.csv"
    with path.open("w", newline="") as out:
        csv.writer(out).writerows(
            [["id", "pergunta", "resposta", "canal"], ["1", QUOTED, "De nada!\n-- \nAna", channel]]
        )
    [row] = read(path, question="pergunta", answer="resposta", quotes=quotes)
    (_, asked), (_, said) = turns(row)
    assert ("Já saiu" in str(asked)) == kept and str(asked).startswith("Obrigado, chegou.")
    assert ("mail-cut" in row.flags) != kept
    assert str(said) == ("De nada!\n-- \nAna" if kept else "De nada!")


def test_a_quote_in_a_message_of_a_ticket_is_cut_and_told(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    with path.open("w", newline="") as out:
        rows = [["7", "customer", "Onde está?", "email"], ["7", "agent", "Chegou.\n" + QUOTED[18:], "email"]]
        csv.writer(out).writerows([["ticket", "role", "body", "channel"], *rows])
    [row] = read(path)
    assert [text for _, text in turns(row)] == ["Onde está?", "Chegou."]
    assert "mail-cut" in row.flags


@pytest.mark.parametrize(
    ("name", "off", "on", "reason"),
    [
        ("deleted", "false", "true", "deleted"),
        ("Is Deleted", "0", "1.0", "deleted"),
        ("deleted_at", "", "2024-01-02 10:00", "deleted"),
        ("_fivetran_deleted", "FALSE", "TRUE", "deleted"),
        ("Excluído", "não", "x", "deleted"),
        ("Status", "closed", "Deleted", "deleted"),
        ("Estado", "cerrado", "Eliminado", "deleted"),
        ("spam", "-", "yes", "spam"),
        ("Status", "—", "spam", "spam"),
    ],
)
@pytest.mark.parametrize("shape", ["ticket", "message"])
def test_deleted_and_spam_are_left_out(shape: str, name: str, off: str, on: str, reason: str, tmp_path: Path) -> None:
    secret = "CANARY-del is what nobody may learn from"
    if shape == "ticket":
        lines = [("id", "question", "answer", name), (1, "Where is my order?", "It is on its way.", off)]
        lines.append((2, secret, secret, on))
    else:
        lines = [("ticket_id", "role", "message", name), (1, "customer", "Where is my order?", off)]
        lines += [(1, "agent", secret, on), (1, "agent", "It is on its way to you.", off)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n", encoding="utf-8")
    rows = read(path.parent / "u.csv", path.read_bytes(), assume_public=True)
    assert [row.drop for row in rows if row.drop] == [reason]
    assert "CANARY-del" not in repr(rows) and any(row.drop is None for row in rows)


def test_columns_about_deletion_are_no_mark(tmp_path: Path) -> None:
    lines = ["id,question,answer,Deleted by,Deleted messages", "1,Where is my order?,It is on its way.,Amy,3"]
    rows = read(tmp_path / "t.csv", "\n".join(lines).encode(), assume_public=True)
    assert [row.drop for row in rows] == [None]
