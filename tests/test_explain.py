"""`explain`: where a row came from, what each step did, where it ended; and no text unless asked for."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from ftdata import flow, runs
from ftdata.cli.explain import command
from ftdata.errors import InputError
from ftdata.explain import Life, explain
from ftdata.files import Record

RECIPE = """
[run]
name = "k"
[[read]]
use = "tickets"
path = "in/tickets.csv"
[[read]]
use = "openai-chat"
path = "in/chat.jsonl"
[[step]]
use = "pii"
[[step]]
use = "placeholders"
[[step]]
use = "length"
max_chars = 200
[[step]]
use = "exact-dedup"
[[step]]
use = "split"
validation = 0.2
[[write]]
use = "openai-chat"
path = "out/{split}.jsonl"
[[write]]
use = "hf-dataset"
path = "out/hf"
"""

TOKEN = "zqtoken91"
"""Stands in every text of every row."""

CSV = [
    # ticket, role, body, public: line numbers count the line feeds inside the cells
    ("1", "customer", f"{TOKEN} first line\nsecond line\nthird line", "true"),  # lines 2-4
    ("1", "agent", f"{TOKEN} note\nfor us", "false"),  # 5-6
    ("2", "customer", f"{TOKEN} second ticket", "true"),  # 7
    ("1", "agent", f"{TOKEN} Dear {{{{name}}}},\nwrite to a@example.com", "true"),  # 8-9
    ("2", "agent", f"{TOKEN} answer", "true"),  # 10
]
CHAT = [
    [("user", f"{TOKEN} one"), ("assistant", "1")],
    [("user", f"{TOKEN} two"), ("assistant", "2")],
    [("user", f"{TOKEN} one"), ("assistant", "1")],
    [("user", f"{TOKEN} long " * 30), ("assistant", "3")],
    [("user", f"{TOKEN} call b@example.com"), ("assistant", "4")],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("explain")
    (place / "in").mkdir()
    with (place / "in" / "tickets.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["ticket_id", "author_role", "body", "public"])
        writer.writerows(CSV)
    lines = [json.dumps({"messages": [{"role": r, "content": c} for r, c in turns]}) for turns in CHAT]
    lines[1:1] = ["{broken"]
    (place / "in" / "chat.jsonl").write_text("\n".join(lines) + "\n")
    (place / "recipe.toml").write_text(RECIPE)
    flow.run(place / "recipe.toml")
    return place


def record(folder: Path) -> Record:
    return runs.find(str(folder / "recipe.toml"))


def one(folder: Path, what: str, show_values: bool = False) -> Life:
    lives = explain(record(folder), what, show_values=show_values)
    assert len(lives) == 1, lives
    return lives[0]


def steps(life: Life) -> list[tuple[str, str, str | None]]:
    return [(event.stage, event.event, event.reason) for event in life.events]


def output_line(folder: Path, text: str) -> str:
    for path in sorted((folder / "out").glob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if text in line:
                return f"{path}:{number}"
    raise AssertionError(text)


def test_an_output_line(folder: Path) -> None:
    place = output_line(folder, "second ticket")
    life = one(folder, place)
    assert life.id == "tickets.csv#3"
    assert life.records == ("tickets.csv:7", "tickets.csv:10")
    writes = [event for event in life.events if event.event == "write"]
    assert [event.stage for event in writes] == ["openai-chat", "hf-dataset"]
    assert f"{record(folder).absolute(writes[0].output or '')}:{writes[0].line}" == place
    assert life.read is None and life.written == ()


def test_an_edited_row_with_quoted_line_feeds(folder: Path) -> None:
    life = one(folder, "tickets.csv#1")
    assert life.records == ("tickets.csv:2", "tickets.csv:8")
    assert steps(life)[:2] == [("pii", "edit", None), ("placeholders", "flag", "unfilled-placeholder")]
    assert life.events[0].note == "EMAIL 1"
    assert {"tag", "write"} <= {event.event for event in life.events}
    for line in (2, 3, 4, 8, 9):
        assert one(folder, f"in/tickets.csv:{line}") == life, line


def test_a_dropped_note(folder: Path) -> None:
    life = one(folder, "tickets.csv#2")
    assert life.records == ("tickets.csv:5",)
    assert steps(life) == [("tickets", "drop", "private-note")]
    assert one(folder, "tickets.csv:6") == life


def test_a_duplicate_names_its_twin(folder: Path) -> None:
    life = one(folder, "chat.jsonl#4")
    assert life.records == ("chat.jsonl:4",)
    (event,) = life.events
    assert (event.stage, event.event, event.reason) == ("exact-dedup", "drop", "duplicate")
    assert event.twin == "chat.jsonl#1"
    assert event.note is not None and TOKEN not in event.note


def test_a_record_that_could_not_be_parsed(folder: Path) -> None:
    life = one(folder, str(folder / "in" / "chat.jsonl") + ":2")
    assert life.id == "chat.jsonl#2"
    assert steps(life) == [("openai-chat", "drop", "bad-json")]


def test_a_row_dropped_for_its_length(folder: Path) -> None:
    assert steps(one(folder, "chat.jsonl#5"))[-1] == ("length", "drop", "too-long")


def test_a_row_of_parquet(folder: Path) -> None:
    path = next((folder / "out" / "hf" / "data").glob("train-*"))
    lives = [one(folder, f"{path}:{number}") for number in (1, 2)]
    for number, life in enumerate(lives, 1):
        assert ("hf-dataset", number) in [(event.stage, event.line) for event in life.events]
    assert one(folder, f"{path}:1", show_values=True).written[-1].startswith("{")


def run_command(folder: Path, *words: str) -> str:
    told = CliRunner().invoke(command, [str(folder / "recipe.toml"), *words])
    assert told.exit_code == 0, told.output
    return told.output


@pytest.mark.parametrize("what", ["tickets.csv#1", "tickets.csv#2", "chat.jsonl#1", "chat.jsonl#4", "chat.jsonl#6"])
def test_no_text_unless_asked_for(folder: Path, what: str) -> None:
    assert TOKEN not in run_command(folder, what)
    assert TOKEN not in run_command(folder, what, "--json")


def test_text_when_asked_for(folder: Path) -> None:
    told = run_command(folder, "tickets.csv#1", "--show-values")
    assert "as read:" in told and "write to a@example.com" in told
    assert "as written:" in told and "write to [EMAIL_1]" in told
    life = one(folder, "chat.jsonl#6", show_values=True)
    assert life.read is not None and life.read.messages is not None
    assert life.read.messages[0].content == f"{TOKEN} call b@example.com"
    assert json.loads(life.written[0])["messages"][0]["content"] == f"{TOKEN} call [EMAIL_1]"


def test_private_text_is_not_shown_even_then(folder: Path) -> None:
    """The reader's gate stands between a note and any screen: its row has no text to show."""
    assert TOKEN not in run_command(folder, "tickets.csv#2", "--show-values")


def test_the_command_prints_the_life(folder: Path) -> None:
    told = CliRunner().invoke(command, [str(folder / "recipe.toml"), "chat.jsonl#4"])
    assert told.stderr == f"record: {record(folder).folder}\n"
    twin = one(folder, "chat.jsonl#1").row
    assert told.stdout.splitlines() == [
        f"chat.jsonl#4  (row {one(folder, 'chat.jsonl#4').row})",
        "  from     chat.jsonl:4",
        f"  drop      exact-dedup  duplicate  (twin row {twin} = chat.jsonl#1)",
    ]


@pytest.mark.parametrize("what", ["nothing#1", "tickets.csv#99", "tickets.csv:1", "no-such-file:1", "", "#", ":"])
def test_what_is_no_row_is_said_with_an_example(folder: Path, what: str) -> None:
    with pytest.raises(InputError, match=r"no row of this run; give an id such as tickets\.csv#1, or FILE:LINE"):
        explain(record(folder), what)


def test_a_changed_input_is_said(folder: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    chat = moved / "in" / "chat.jsonl"
    chat.write_text(json.dumps({"messages": []}) + "\n" + chat.read_text())
    life = one(moved, "chat.jsonl#1", show_values=True)
    assert life.records == ("chat.jsonl#1 (the input is gone or has changed)",)
    assert life.read is None
    assert [event.event for event in life.events][-1] == "write"
    with pytest.raises(InputError, match=r"chat\.jsonl: has changed since the run"):
        explain(record(moved), f"{chat}:3")
    chat.unlink()
    assert "is gone" in one(moved, "chat.jsonl#1").records[0]
    with pytest.raises(InputError):
        explain(record(moved), f"{chat}:3")
    tickets = moved / "in" / "tickets.csv"
    tickets.write_text("a,b\n1,2\n")
    assert "is gone or has changed" in one(moved, "tickets.csv#1").records[0]


def test_nothing_to_explain(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished run"):
        explain(Record(tmp_path, "k"), "x#1")


def test_two_readers_of_equal_names(tmp_path: Path) -> None:
    for place, word in (("a", "alpha"), ("b", "beta")):
        (tmp_path / place).mkdir()
        turns = [[{"role": "user", "content": f"{word} {n}"}, {"role": "assistant", "content": "x"}] for n in range(3)]
        rows = [{"messages": each} for each in turns]
        (tmp_path / place / "chat.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "recipe.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "a/chat.jsonl"\n[[read]]\nuse = "openai-chat"\npath = "b/chat.jsonl"\n'
        '[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\n'
    )
    flow.run(tmp_path / "recipe.toml")
    for what, records, word in (
        ("a/chat.jsonl#2", ("a/chat.jsonl:2",), "alpha 1"),
        ("b/chat.jsonl#2", ("b/chat.jsonl:2",), "beta 1"),
        ("b/chat.jsonl:3", ("b/chat.jsonl:3",), "beta 2"),
        (f"{tmp_path}/out.jsonl:5", ("b/chat.jsonl:2",), "beta 1"),
    ):
        life = one(tmp_path, what, show_values=True)
        assert life.records == records
        assert life.read is not None and life.read.messages is not None
        assert life.read.messages[0].content == word
        assert word in life.written[0]


def test_an_id_is_never_that_of_another_input_and_an_archive_is_named_once(tmp_path: Path) -> None:
    row = (
        json.dumps({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}) + "\n"
    )
    (tmp_path / "a.jsonl").write_text(row * 3)
    (tmp_path / "b.jsonl").write_text(row * 3)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("in.jsonl", row * 3)
    made = flow.Recipe.parse(
        {
            "read": [{"use": "openai-chat", "path": name} for name in ("a.jsonl", "b.jsonl", "c.zip")],
            "write": [{"use": "openai-chat", "path": "out.jsonl"}],
        },
        tmp_path,
        "k",
    )
    flow.run(made)
    record = Record(tmp_path, "k")
    for what in ("a.jsonl#4", "b.jsonl#0", "a.jsonl#\u00b2", f"a.jsonl#{10**30}", "out.jsonl:\u00b2"):
        with pytest.raises(InputError, match="no row of this run"):
            explain(record, what)
    for what in ("c.zip:in.jsonl#2", "c.zip:in.jsonl:2"):
        [life] = explain(record, what)
        assert (life.id, life.records) == ("c.zip:in.jsonl#2", ("c.zip:in.jsonl:2",))


def test_what_came_through_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    row = (
        json.dumps({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}) + "\n"
    )
    (tmp_path / "k.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "-"\n[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\n'
    )
    command = [sys.executable, "-m", "ftdata", "run", "-q", str(tmp_path / "k.toml")]
    subprocess.run(command, input=row.encode(), check=True, timeout=60)
    reader, writer = os.pipe()  # nothing ever comes
    try:
        command = [sys.executable, "-m", "ftdata", "explain", str(tmp_path / "out.jsonl"), "stdin#1"]
        told = subprocess.run(command, stdin=reader, capture_output=True, check=True, timeout=60).stdout.decode()
    finally:
        os.close(reader)
        os.close(writer)
    assert "stdin#1 (the input is gone or has changed)" in told


def test_what_was_only_looked_up_is_no_origin(tmp_path: Path) -> None:
    def line(question: str) -> str:
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "so"}]
        return json.dumps({"messages": turns}) + "\n"

    (tmp_path / "eval.jsonl").write_text(line("what is asked there") * 3)
    (tmp_path / "in.jsonl").write_text(line("what is asked here") + line("and what else"))
    (tmp_path / "k.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "decontaminate"\nagainst = ["eval.jsonl"]\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/all.jsonl"\n'
    )
    flow.run(tmp_path / "k.toml")
    found = runs.find(str(tmp_path / "k.toml"))
    [life] = explain(found, "in.jsonl#1")
    assert life.records == ("in.jsonl:1",)
    for what in ("eval.jsonl#2", "eval.jsonl:2"):
        with pytest.raises(InputError, match="no row of this run"):
            explain(found, what)


def test_how_answers_differ_is_shown_on_request(tmp_path: Path) -> None:
    answers = (
        "It is on its way, due in 3 days.",
        "7: It was LOST on its way; we have sent LM-2 again.",
        "",
        "So it is.",
    )
    asked = ("Hi, where is my order LM-{}?",) * 3 + ("What else is new with you today?",)
    talks = [[("user", q.format(at)), ("assistant", a)] for at, (q, a) in enumerate(zip(asked, answers, strict=True))]
    lines = [json.dumps({"messages": [{"role": r, "content": c} for r, c in talk]}) for talk in talks]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    steps = '[[step]]\nuse = "near-dedup"\n[[step]]\nuse = "contradictions"\nlevel = "drop"\nkeep = "last"\nngram = 3\n'
    reader, writer = (
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n',
        '[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\n',
    )
    (tmp_path / "recipe.toml").write_text(reader + steps + writer)
    flow.run(tmp_path / "recipe.toml")
    life = one(tmp_path, "in.jsonl#2", show_values=True)
    words = (("-", "is"), ("+", "was lost"), ("-", "due in"), ("+", "we have sent"), ("-", "days"), ("+", "again"))
    conflict = life.differs[0]
    assert (conflict.stage, conflict.row, conflict.id, conflict.words) == ("near-dedup", 1, "in.jsonl#1", words)
    assert f"J {conflict.similarity:.4f}," in (life.events[0].note or "")
    assert [each.stage for each in life.differs] == ["near-dedup", "contradictions"]
    [dropped] = one(tmp_path, "in.jsonl#1", show_values=True).differs
    assert (dropped.stage, dropped.row, dropped.similarity) == ("contradictions", 2, 1.0)
    assert [text for _, text in dropped.words] == ["was lost", "is", "we have sent", "due in", "again", "days"]
    told = run_command(tmp_path, "in.jsonl#2", "--show-values")
    head = f"  near-dedup: answer differs from row 1 = in.jsonl#1, J {conflict.similarity:.4f} (- there, + here)"
    assert f"{head}\n    - is\n    + was lost\n" in told
    _, _, listed = run_command(tmp_path, "in.jsonl#2", "--show-values", "--json").partition("\n")
    assert json.loads(listed)[0]["differs"][0]["words"] == [list(pair) for pair in words]
    for what in ("in.jsonl#1", "in.jsonl#2"):
        assert one(tmp_path, what).differs == ()
        assert "lost" not in run_command(tmp_path, what) + run_command(tmp_path, what, "--json")
    assert one(tmp_path, "in.jsonl#4", show_values=True).differs == ()
    (tmp_path / "in.jsonl").write_text("{}\n")
    assert one(tmp_path, "in.jsonl#2", show_values=True).differs == ()
