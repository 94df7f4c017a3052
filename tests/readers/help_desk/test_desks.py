"""Every help desk's exports: the conversations, what is left out and why, and nothing private anywhere."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from desk_exports import BY_NAME, DESKS, Desk
from native_reading import CANARY, damaged, drops, frame, read, same_in_any_size, sniffed, talks, write

from ftdata.errors import InputError
from ftdata.readers.divide import Log
from ftdata.readers.help_desk import HelpDesk
from ftdata.readers.help_desk.dialect import shipped
from ftdata.sniff import best

NAMES = list(BY_NAME)


def on_disk(name: str, folder: Path) -> tuple[Desk, Path]:
    desk = BY_NAME[name]
    return desk, write(folder / desk.file, desk.content)


SHOWN = {
    "private": {"private-note", "unknown-visibility"},
    "system": {"system-line", "auto-reply", "unwanted-role"},
    "bots": {"bot"},
    "deletions": {"deleted", "draft"},
}
"""The reasons of which a desk's export must show one, for the test to prove the capability for that desk."""


def each(*capabilities: str) -> Any:
    """Run a test for every desk; it covers what the desk's export holds."""
    cases = []
    for name, desk in BY_NAME.items():
        held = [one for one in capabilities if one not in SHOWN or SHOWN[one] & desk.left.keys()]
        cases.append(pytest.param(name, id=name, marks=pytest.mark.covers(desk.dialect, *held)))
    return pytest.mark.parametrize("name", cases)


@each("roles", "threads", "private", "system", "bots", "deletions")
def test_what_comes_out_and_what_is_left_out(name: str, tmp_path: Path) -> None:
    desk, path = on_disk(name, tmp_path)
    rows = read(HelpDesk, path, **desk.fields)
    assert talks(rows) == desk.talks
    counts = drops(rows)
    kept = counts.pop(None)
    assert counts == desk.left
    assert kept + sum(counts.values()) == desk.records
    assert CANARY not in repr(rows)
    first = next(row for row in rows if row.drop is None)
    assert first.meta is not None and desk.meta.items() <= first.meta.items()
    assert set(first.flags) == desk.flags


@each("private")
def test_private_text_does_not_reach_what_may_reach_the_disk(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, path = on_disk(name, tmp_path)
    held: list[Any] = []
    add = Log.add

    def seen(self: Log, *given: Any, **named: Any) -> None:
        held.append((given, named))
        add(self, *given, **named)

    monkeypatch.setattr(Log, "add", seen)
    frame(HelpDesk, path, **desk.fields)
    kept = [one for one in held if CANARY in repr(one)]
    # What is left out later, for no privacy's sake, may pass there.
    assert all("unanswered" in repr(one) for one in kept)


@each("sniffed")
def test_a_desk_is_known(name: str, tmp_path: Path) -> None:
    desk, path = on_disk(name, tmp_path)
    found = sniffed(HelpDesk, path)
    assert found is not None and found.fields == {"dialect": desk.dialect}
    assert CANARY not in repr(found)
    if "assume_public" in desk.fields:
        assert found.confidence == 0 and found.refusal is not None and "assume_public" in found.refusal
        assert found.force.endswith("--set assume_public=true")
    elif "assistants" in desk.fields:
        assert found.confidence > 0.9 and found.refusal is not None and "assistants" in found.force
    else:
        assert found.refusal is None and found.confidence > 0.9
        counts = dict(found.counts)
        assert counts["user"] >= 2 and counts["assistant"] >= 2
        assert best(path).reader is HelpDesk
    level = shipped()[desk.dialect].evidence
    assert ("experimental" in repr(found)) == (level == "K" or name == "osticket-entries") or found.refusal


@pytest.mark.parametrize("name", NAMES)
def test_batches_of_any_size_are_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, path = on_disk(name, tmp_path)
    same_in_any_size(HelpDesk, path, monkeypatch, **desk.fields)


@pytest.mark.parametrize("name", NAMES)
def test_the_dialect_may_be_stated(name: str, tmp_path: Path) -> None:
    desk, path = on_disk(name, tmp_path)
    assert talks(read(HelpDesk, path, dialect=desk.dialect, **desk.fields)) == desk.talks
    other = "gorgias" if desk.dialect != "gorgias" else "zendesk"
    with pytest.raises(InputError):
        read(HelpDesk, path, dialect=other, **desk.fields)


@pytest.mark.parametrize("name", [name for name in NAMES if "unknown-visibility" in BY_NAME[name].left])
def test_public_is_assumed_only_where_nothing_tells(name: str, tmp_path: Path) -> None:
    desk, path = on_disk(name, tmp_path)
    rows = read(HelpDesk, path, **desk.fields, assume_public=True)
    counts = drops(rows)
    odd = 1 if desk.dialect == "zendesk" else 0  # `perhaps` is told, and not understood
    assert counts.get("unknown-visibility", 0) == odd
    assert counts["private-note"] == desk.left["private-note"]


def test_a_missing_visibility_is_refused(tmp_path: Path) -> None:
    for name, key in (("zendesk-lines", "public"), ("gorgias", "public"), ("zoho-beside", "visibility")):
        desk = BY_NAME[name]
        text = (
            desk.content
            if isinstance(desk.content, bytes)
            else json.dumps(desk.content.get("threads.json", desk.content)).encode()
        )
        path = tmp_path / f"{name}.json"
        path.write_bytes(text.replace(f'"{key}"'.encode(), b'"other"'))
        with pytest.raises(InputError, match=f'"{key}" is missing.*assume_public=true'):
            read(HelpDesk, path)
        found = sniffed(HelpDesk, path)
        assert found is not None and found.confidence == 0 and "assume_public" in (found.refusal or "")
        assert read(HelpDesk, path, assume_public=True)


def test_what_the_user_states_counts_first(tmp_path: Path) -> None:
    _, path = on_disk("gorgias", tmp_path)
    turned = talks(read(HelpDesk, path, assistants=("júlio",), users=("2",)))
    assert [turn[0] for turn in turned[0]] == ["u", "a"]
    with pytest.raises(InputError, match="Nobody"):
        read(HelpDesk, path, assistants=("Nobody",))
    _, path = on_disk("jira-csv", tmp_path)
    turned = talks(
        read(HelpDesk, path, assume_public=True, assistants=("557058:AA",), users=("557058:zz", "557058:yy"))
    )
    assert turned[0][0].startswith("u:Enviámos")
    with pytest.raises(InputError, match="Nobody"):
        read(HelpDesk, path, assume_public=True, assistants=("Nobody",))


@pytest.mark.covers("intercom", "bots")
def test_bots_are_kept_on_request(tmp_path: Path) -> None:
    content = [
        {
            "id": "1",
            "created_at": 1700000000,
            "source": {"body": "Olá?", "author": {"type": "user", "id": "1"}, "delivered_as": "customer_initiated"},
            "conversation_parts": [
                {"part_type": "comment", "body": "Sou um robô.", "created_at": 1700000100, "author": {"type": "bot"}}
            ],
        }
    ]
    path = write(tmp_path / "c.json", content)
    assert talks(read(HelpDesk, path)) == []
    assert talks(read(HelpDesk, path, with_bots=True)) == [["u:Olá?", "a:Sou um robô."]]


def test_a_greeting_is_kept_on_request(tmp_path: Path) -> None:
    said = [
        {"from_agent": True, "public": True, "body_text": "Bom dia!", "created_datetime": "2024-01-01T10:00:00"},
        {"from_agent": False, "public": True, "body_text": "Olá", "created_datetime": "2024-01-01T10:01:00"},
        {"from_agent": True, "public": True, "body_text": "Diga", "created_datetime": "2024-01-01T10:02:00"},
    ]
    path = write(tmp_path / "t.json", [{"id": 1, "subject": "S", "messages": said}])
    assert talks(read(HelpDesk, path)) == [["u:Olá", "a:Diga"]]
    rows = read(HelpDesk, path, greeting=True)
    assert talks(rows) == [["a:Bom dia!", "u:Olá", "a:Diga"]]
    assert rows[0].meta is not None and rows[0].meta["subject"] == "S"


def test_side_tables_may_be_named(tmp_path: Path) -> None:
    desk, path = on_disk("zendesk-tables", tmp_path)
    with pytest.raises(InputError, match="users_file"):
        read(HelpDesk, path / "c.csv")
    rows = read(HelpDesk, path / "c.csv", users_file="u.csv", tickets_file="t.csv")
    assert talks(rows) == desk.talks and drops(rows)["orphan"] == 1
    rows = read(HelpDesk, path / "c.csv", users_file="u.csv", assistants=("31",))
    assert "orphan" not in drops(rows)
    with pytest.raises(InputError, match=r"x\.csv: is no table"):
        read(HelpDesk, path / "c.csv", users_file="x.csv")


@pytest.mark.covers("zendesk", "encodings")
def test_compressed_and_other_encodings(tmp_path: Path) -> None:
    import gzip
    import zipfile

    desk, path = on_disk("zendesk-lines", tmp_path)
    packed = tmp_path / "t.ndjson.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert talks(read(HelpDesk, packed)) == desk.talks
    wide = tmp_path / "wide.ndjson"
    wide.write_text(path.read_text("utf-8"), "utf-16")
    assert talks(read(HelpDesk, wide)) == desk.talks
    desk, path = on_disk("zendesk-tables", tmp_path)
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for file in path.iterdir():
            out.write(file, f"dump/{file.name}")
        out.writestr("README.md", "# a dump")
    assert talks(read(HelpDesk, archive)) == desk.talks
    assert best(archive).reader is HelpDesk


@pytest.mark.covers("intercom", "attachments")
def test_a_message_of_files_alone_is_no_turn(tmp_path: Path) -> None:
    _, path = on_disk("intercom-api", tmp_path)
    assert drops(read(HelpDesk, path))["empty-text"] == 1


@pytest.mark.parametrize("quotes", ["auto", "cut", "keep"])
@pytest.mark.parametrize("channel", ["email", "web"])
def test_quotes_are_cut_from_mails(tmp_path: Path, quotes: str, channel: str) -> None:
    answer = (
        "Enviámos hoje.\n\nEm ter., 2 de jan. de 2024 às 10:00, Lia <lia@example.com> escreveu:\n> Onde está?\n> Lia"
    )
    said = [
        {"author_id": 7, "body": "Onde está?", "public": True, "created_at": "2024-01-02T10:00:00Z"},
        {"author_id": 3, "body": answer, "public": True, "created_at": "2024-01-02T11:00:00Z"},
    ]
    ticket = {
        "id": 1,
        "subject": "S",
        "requester_id": 7,
        "assignee_id": 3,
        "via": {"channel": channel},
        "comments": said,
    }
    rows = read(HelpDesk, write(tmp_path / "t.json", [ticket]), quotes=quotes)
    cut = quotes == "cut" or (quotes == "auto" and channel == "email")
    assert talks(rows) == [["u:Onde está?", "a:Enviámos hoje." if cut else f"a:{answer}"]]
    assert ("mail-cut" in rows[0].flags) == cut


def test_desks_own_trimming_is_not_used_where_quotes_are_kept(tmp_path: Path) -> None:
    _, path = on_disk("gorgias", tmp_path)
    assert talks(read(HelpDesk, path, quotes="keep"))[0][3].endswith("\n> ¿Dónde está el pedido 8841?")


def test_ambiguous_days_are_decided_by_the_whole_file(tmp_path: Path) -> None:
    def journal(n: int, *days: str) -> dict[str, Any]:
        said = [
            f"{day} 10:00:00 - {who} (Additional comments)\n{who} {n}\n"
            for day, who in zip(days, ("K", "A", "K"), strict=True)
        ]
        row = {"number": f"INC{n}", "short_description": "s", "description": "d", "caller_id": "A", "assigned_to": "K"}
        return {**row, "opened_at": "01/01/2024 10:00:00", "comments": "\n".join(said), "work_notes": "", "state": "x"}

    open_ = journal(1, "03/04/2024", "02/05/2024", "01/06/2024")
    path = write(tmp_path / "i.json", {"records": [open_]})
    rows = read(HelpDesk, path)
    assert rows[0].flags == ("ambiguous-time",)
    for first in (True, False):
        rows = read(HelpDesk, path, day_first=first)
        assert "ambiguous-time" not in rows[0].flags
    decided = write(tmp_path / "j.json", {"records": [open_, journal(2, "03/04/2024", "25/05/2024", "28/06/2024")]})
    rows = read(HelpDesk, decided)
    assert all("ambiguous-time" not in row.flags for row in rows)
    assert [turn[2:] for turn in talks(rows)[0]] == ["d", "K 1", "A 1", "K 1"]


# --- what is no export ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"[]",
        b"{}",
        b"[1, 2]",
        b"\xef\xbb\xbf",
        b"a,b\n1,2\n",
        b'{"time_entries": [{"id": 1, "note": "x"}]}',
    ],
)
def test_what_is_no_export_is_not_known(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert sniffed(HelpDesk, path) is None
    if content.strip(b"\xef\xbb\xbf \n"):
        with pytest.raises(InputError, match="no dialect knows"):
            read(HelpDesk, path)
    else:
        assert read(HelpDesk, path) == []


def test_questions_alone_are_said_to_be(tmp_path: Path) -> None:
    ticket = dict(BY_NAME["freshdesk-wrapped"].content["ticket"])
    del ticket["conversations"]
    path = write(tmp_path / "t.json", {"tickets": [ticket]})
    found = sniffed(HelpDesk, path)
    assert found is not None and found.confidence == 0 and "conversations of each ticket" in (found.refusal or "")
    assert drops(read(HelpDesk, path)) == {"no-assistant": 1}


def test_damaged_records_are_one_row_each(tmp_path: Path) -> None:
    good = BY_NAME["zendesk-lines"].content
    path = tmp_path / "t.ndjson"
    path.write_bytes(good + b'{"id": 9, oops}\n[1]\n"x"\n' + b'{"comments": 7}\n{"comments": [7, null]}\n')
    rows = read(HelpDesk, path)
    counts = drops(rows)
    assert talks(rows) == BY_NAME["zendesk-lines"].talks
    assert counts["bad-json"] == 1 and counts["not-an-object"] == 4 and counts["metadata"] == 2


@pytest.mark.parametrize("name", NAMES)
def test_damage_raises_nothing(name: str, tmp_path: Path) -> None:
    desk = BY_NAME[name]
    if isinstance(desk.content, bytes):
        values: Any = None
        if desk.file.endswith("ndjson"):
            values = [json.loads(line) for line in desk.content.splitlines()]
    else:
        values = desk.content
    if isinstance(values, dict) and any("." in key for key in values):
        values = next((inner for inner in values.values() if not isinstance(inner, bytes)), None)
    fields = [desk.fields, {**desk.fields, "assume_public": True, "dialect": desk.dialect}]
    if values is not None:
        assert damaged(HelpDesk, tmp_path / "x.json", values, range(60), fields) >= 0
        return
    rng = random.Random(name)
    raw = desk.content if isinstance(desk.content, bytes) else next(iter(desk.content.values()))
    for seed in range(40):
        data = bytearray(raw)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            data[at : at + rng.choice((0, 1, 40))] = rng.choice(
                (b"", b'"', b",", b"\n", b"\r\n", b"\xff", b"{", b"TRUE")
            )
        path = tmp_path / f"{seed}.csv"
        path.write_bytes(bytes(data))
        try:
            sniffed(HelpDesk, path)
            frame(HelpDesk, path, **fields[seed % 2])
        except InputError:
            continue


def test_each_desk_has_a_fixture() -> None:
    assert {desk.dialect for desk in DESKS} == set(shipped())
