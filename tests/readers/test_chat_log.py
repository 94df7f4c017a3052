"""Chat logs: what becomes a message, where a conversation ends, who speaks, what is left out and what is refused."""

from __future__ import annotations

import itertools
import json
import pickle
import random
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata import flow, sniff
from ftdata.batch import SCHEMA, conversations
from ftdata.cli.sniff import command
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers import divide, stitch
from ftdata.readers.chat_log import ChatLog
from ftdata.recipe import Recipe
from ftdata.source import Source
from ftdata.stages import Sniff

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CANARY = "CANARY-51d7"


def read(path: Path, content: str | bytes, scratch: Path | None = None, **fields: Any) -> list[Conversation]:
    """Read a log; check the law on the way: every record that was handed out is owned by exactly one row."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = ChatLog(path=path, **fields)
    with Source(path, encoding=reader.encoding, scratch=scratch) as source:
        batches = list(reader.read(source))
        handed = source.handed
    assert all(batch.schema == SCHEMA for batch in batches)
    rows = [row for batch in batches for row in conversations(batch)]
    assert sorted(number for row in rows for number in row.origin) == list(range(1, handed + 1))
    for row in rows:
        assert row.drop is None or (not row.messages and row.meta is None and row.note is None)
    return rows


def talks(rows: list[Conversation]) -> list[list[str]]:
    """The conversations: `u:` and `a:` and the text of each turn."""
    return [[f"{str(m.role)[0]}:{m.content}" for m in row.messages or ()] for row in rows if row.drop is None]


def drops(rows: list[Conversation]) -> dict[str | None, int]:
    counts: dict[str | None, int] = {}
    for row in rows:
        counts[row.drop] = counts.get(row.drop, 0) + len(row.origin)
    return counts


def sniffed(path: Path, content: str | bytes) -> Sniff | None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Source(path) as source:
        return ChatLog.sniff(source)


# --- lines of text ----------------------------------------------------------------------------------------------------

OPENINGS = [
    "[2024-05-{d:02} {h:02}:03] {a}: {t}",
    "2024-05-{d:02}T{h:02}:03:22Z {a}: {t}",
    "2024-05-{d:02} {h:02}:03:22 - {a}: {t}",
    "2024-05-{d:02} {h:02}:03:22,123 {a}: {t}",
    "{h:02}:03 {a}: {t}",
    "[{h:02}:03] <{a}> {t}",
    "2024-05-{d:02} {h:02}:03 <{a}> {t}",
    "{d:02}/05/2024, {h:02}:03 - {a}: {t}",
    "[{d:02}/05/24 {h:02}:03:59] {a}: {t}",
    "{d:02}/05/2024 às {h:02}h03 - {a}: {t}",
    "{d} de maio de 2024 {h:02}:03 {a}: {t}",
    "May {d}, 2024 {h}:03 AM {a}: {t}",
    "\u200e[2024-05-{d:02} {h:02}:03] {a}: {t}",
]


@pytest.mark.parametrize("opening", OPENINGS)
def test_each_form_of_a_line_is_read(tmp_path: Path, opening: str) -> None:
    said = [("Ana Lúcia", "Olá: tudo bem?"), ("Sol", "Tudo!"), ("Ana Lúcia", "Que bom"), ("Sol", "Até")]
    lines = [opening.format(d=21, h=9 + n // 2, a=a, t=t) for n, (a, t) in enumerate(said)]
    rows = read(tmp_path / "log.txt", "\n".join(lines) + "\n", assistants=("Sol",), gap=False)
    assert talks(rows) == [["u:Olá: tudo bem?", "a:Tudo!", "u:Que bom", "a:Até"]]
    assert not rows[0].flags


LOG = """Conversa exportada

[2024-05-01 10:03] Ana: Não consigo emitir a nota
aparece um erro

de cadastro
[2024-05-01 10:04] Sol: Qual erro?
[2024-05-01 10:04] Bia saiu do grupo
[2024-05-01 10:05] Ana: "10:06 Sol: nada"
10:07 Rui: isto é citado
[2024-05-01 10:09] Sol: Corrija o CNPJ.

[2024-05-01 10:10] Ana:
[2024-05-01 10:11] Ana: Obrigada!
"""


def test_lines_below_belong_to_the_message_above(tmp_path: Path) -> None:
    rows = read(tmp_path / "log.txt", LOG, assistants=("Sol",))
    assert talks(rows) == [
        [
            "u:Não consigo emitir a nota\naparece um erro\n\nde cadastro",
            "a:Qual erro?",
            'u:"10:06 Sol: nada"\n10:07 Rui: isto é citado',
            "a:Corrija o CNPJ.",
        ]
    ]
    assert drops(rows) == {None: 9, "preamble": 2, "system-line": 1, "empty-text": 1, "trailing-user": 1}
    (whole,) = [row for row in rows if row.drop is None]
    assert whole.meta == {"time": "2024-05-01 10:03", "author": "Ana"} and whole.flags == ("other-form",)


@pytest.mark.parametrize("change", ["crlf", "bom", "utf-16", "no-end"])
def test_other_clothes_of_a_text_file(tmp_path: Path, change: str) -> None:
    expected = talks(read(tmp_path / "log.txt", LOG, assistants=("Sol",)))
    content = {
        "crlf": LOG.replace("\n", "\r\n").encode(),
        "bom": b"\xef\xbb\xbf" + LOG.encode(),
        "utf-16": LOG.encode("utf-16"),
        "no-end": LOG.rstrip("\n").encode(),
    }[change]
    assert talks(read(tmp_path / "log.txt", content, assistants=("Sol",))) == expected


def test_sniff_says_the_encoding_and_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(LOG.encode("cp1252"))
    with Source(path) as source:
        found = ChatLog.sniff(source)
    assert found is not None and found.confidence == 0 and "--encoding cp1252" in str(found.refusal)
    assert found.force.endswith("--encoding cp1252")
    with Source(path, encoding="cp1252") as source:
        found = ChatLog.sniff(source)
    assert found is not None and "assistants" in str(found.refusal)


@pytest.mark.covers("chat-log", "encodings")
def test_a_log_in_another_encoding_says_which(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--encoding cp1252"):
        read(tmp_path / "log.txt", LOG.encode("cp1252"), assistants=("Sol",))
    rows = read(tmp_path / "log.txt", LOG.encode("cp1252"), assistants=("Sol",), encoding="cp1252")
    assert talks(rows) == talks(read(tmp_path / "log.txt", LOG, assistants=("Sol",)))


def test_a_message_with_a_broken_line_is_left_out_whole(tmp_path: Path) -> None:
    log = b"10:00 Ana: oi\n10:01 Sol: bom\n\xff\xfe dia\nfim\n10:02 Ana: sim\n10:03 Sol: certo\n"
    rows = read(tmp_path / "log.txt", log, assistants=("Sol",), encoding="utf-8")
    assert talks(rows) == [["u:oi\n\nsim", "a:certo"]] and drops(rows)["not-utf8"] == 3


@pytest.mark.parametrize("name", ["שרה לוי", "\u200fعلي", "Zoë 🦊", "+55 11 91234-5678", "A:B", "~ Sol", "Sol-1"])
def test_names_of_all_kinds(tmp_path: Path, name: str) -> None:
    log = f"[2024-05-01 10:03] Ana: a\u2028b: c\n[2024-05-01 10:04] {name}: x\n"
    rows = read(tmp_path / "log.txt", log, assistants=(name.strip("\u200f"),))
    assert talks(rows) == [["u:a\u2028b: c", "a:x"]]


def test_a_stated_name_may_hold_a_colon_and_a_space(tmp_path: Path) -> None:
    log = "10:00 Ana: oi: eu\n10:01 Loja: Vendas: pois não: diga\n"
    assert talks(read(tmp_path / "log.txt", log, assistants=("Loja: Vendas",))) == [["u:oi: eu", "a:pois não: diga"]]


def test_clocks_without_a_date_pass_midnight(tmp_path: Path) -> None:
    log = "23:50 Ana: um\n23:58 Sol: dois\n00:10 Ana: três\n00:11 Sol: quatro\n09:00 Ana: cinco\n09:01 Sol: seis\n"
    expected = [["u:um", "a:dois", "u:três", "a:quatro"], ["u:cinco", "a:seis"]]
    assert talks(read(tmp_path / "log.txt", log, assistants=("Sol",))) == expected
    backwards = "".join(reversed(log.splitlines(keepends=True)))
    found = talks(read(tmp_path / "log.txt", backwards, assistants=("Sol",)))
    assert sorted(found) == sorted(expected)


def test_lines_that_hold_a_date_only_date_the_clocks_below(tmp_path: Path) -> None:
    log = "--- 01/02/2024 ---\n10:00 Ana: um\n10:01 Sol: dois\n2024-02-03\n10:02 Ana: três\n10:03 Sol: quatro\n"
    rows = read(tmp_path / "log.txt", log, assistants=("Sol",))
    assert talks(rows) == [["u:um", "a:dois"], ["u:três", "a:quatro"]] and drops(rows)["system-line"] == 2


def test_a_second_form_of_lines_opens_messages_of_those_who_are_known(tmp_path: Path) -> None:
    log = """[12/05/2024, 10:00:00] Ana: um
[12/05/2024, 10:01:00] Sol: dois
13/05/2024, 11:00 - Ana: três
13/05/2024, 11:00 - Ana saiu
13/05/2024, 11:01 - Sol: quatro
[13/05/2024, 11:02:00] Ana: cinco
[13/05/2024, 11:03:00] Sol: seis
13/05/2024, 11:04 - Rui: isto é citado
"""
    first, second = read(tmp_path / "log.txt", log, assistants=("Sol",))[-2:]
    assert talks([first, second]) == [
        ["u:um", "a:dois"],
        ["u:três", "a:quatro", "u:cinco", "a:seis\n13/05/2024, 11:04 - Rui: isto é citado"],
    ]
    assert not first.flags and second.flags == ("other-form",)
    early = log.replace("Sol: dois", "Bia: dois")  # who is stated is known before he came
    assert talks(read(tmp_path / "log.txt", early, assistants=("Sol",), gap=False))[0][1] == "a:quatro"


def test_a_date_in_a_log_of_clocks_leaves_their_times(tmp_path: Path) -> None:
    log = "10:00 Ana: um\n10:01 Sol: dois\n01/02/2024 12:30 Ana: três\n12:31 Sol: quatro\n"
    rows = read(tmp_path / "log.txt", log, assistants=("Sol",))
    assert talks(rows) == [["u:um", "a:dois"], ["u:três", "a:quatro"]] and not rows[0].flags


@pytest.mark.parametrize(
    "event",
    [
        'Ana mudou o assunto de "a" para "b: c"',
        "Ana changed the subject to a: b",
        "Bia mudou o assunto de «a: b» para c",
        "Bia änderte den Betreff in „a: b“",
        "Bia set the subject to “a: b”",
    ],
)
@pytest.mark.covers("chat-log", "system")
def test_the_line_of_an_event_has_no_author(tmp_path: Path, event: str) -> None:
    log = f"10:00 Ana: um\n10:01 Sol: dois\n10:02 {event}\n10:03 Ana: três\n10:04 Sol: quatro\n"
    rows = read(tmp_path / "log.txt", log, assistants=("Sol",))
    assert talks(rows) == [["u:um", "a:dois", "u:três", "a:quatro"]] and drops(rows) == {None: 4, "system-line": 1}


@pytest.mark.parametrize("name", ["Ana Lima", "Ana de Lima", "Ana (2)", 'Ana "Nina" Lima', "ana lima"])
def test_a_longer_name_is_no_event(tmp_path: Path, name: str) -> None:
    log = f"10:00 {name[:3]}: um\n10:01 Sol: dois\n10:02 {name}: três\n10:03 Sol: quatro\n"
    rows = read(tmp_path / "log.txt", log, assistants=("Sol",))
    assert talks(rows) == [["u:um", "a:dois", "u:três", "a:quatro"]]


# --- tables and JSON --------------------------------------------------------------------------------------------------

MESSAGES = [
    ("c1", "2024-05-01 10:00", "Ana", "Where is my parcel, please?"),
    ("c2", "2024-05-01 10:01", "Rui", "The door does not open at all."),
    ("c1", "2024-05-01 10:02", "Sol", "It will come on Monday."),
    ("c2", "2024-05-01 10:03", "Sol", "Turn the key twice."),
    ("c1", "2024-05-04 10:02", "Ana", "It is not here, and it is Tuesday."),
    ("c1", "2024-05-04 10:03", "Sol", "We send another one today."),
]
EXPECTED = [
    [f"u:{MESSAGES[0][3]}", f"a:{MESSAGES[2][3]}", f"u:{MESSAGES[4][3]}", f"a:{MESSAGES[5][3]}"],
    [f"u:{MESSAGES[1][3]}", f"a:{MESSAGES[3][3]}"],
]
TITLES = [
    ("conversation_id", "created_at", "author", "message"),
    ("conversa", "data", "autor", "texto"),
    ("id de la conversación", "fecha", "remitente", "mensaje"),
    ("session", "timestamp", "from", "content"),
    ("chat id", "date", "sender", "body"),
    ("ticket", "time", "author", "text"),
]


def as_table(titles: tuple[str, ...], rows: list[tuple[str, ...]], by: str = ",") -> str:
    cells = [[f'"{cell}"' if by in cell or '"' in cell else cell for cell in row] for row in [titles, *rows]]
    return "".join(by.join(row) + "\n" for row in cells)


def as_json(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[dict[str, str]]:
    return [dict(zip(titles, row, strict=True)) for row in rows]


@pytest.mark.parametrize("titles", TITLES)
@pytest.mark.parametrize("form", ["csv", "tsv", "semicolon", "jsonl", "array", "pretty"])
def test_tables_and_objects_say_the_same(tmp_path: Path, titles: tuple[str, ...], form: str) -> None:
    objects = as_json(titles, MESSAGES)
    name, content = {
        "csv": ("log.csv", as_table(titles, MESSAGES)),
        "tsv": ("log.tsv", as_table(titles, MESSAGES, "\t")),
        "semicolon": ("log.csv", as_table(titles, MESSAGES, ";")),
        "jsonl": ("log.jsonl", "".join(json.dumps(value) + "\n" for value in objects)),
        "array": ("log.json", json.dumps(objects)),
        "pretty": ("log.json", json.dumps(objects, indent=2)),
    }[form]
    rows = read(tmp_path / name, content, assistants=("Sol",))
    assert talks(rows) == EXPECTED
    assert all(row.flags == ("no-visibility-column",) for row in rows)
    assert rows[0].meta == dict(zip((titles[0], *titles[1:3]), MESSAGES[0][:3], strict=True))


def test_what_is_guessed_can_be_stated(tmp_path: Path) -> None:
    rows = [(key, time, who, text) for key, time, who, text in MESSAGES]
    stated = {"key": "a", "time": "b", "author": "c", "body": "d", "assistants": ("Sol",)}
    assert talks(read(tmp_path / "log.csv", as_table(("a", "b", "c", "d"), rows), **stated)) == EXPECTED
    headless = as_table(("a", "b", "c", "d"), rows).partition("\n")[2]
    numbers = {"key": "#1", "time": "#2", "author": "#3", "body": "#4", "assistants": ("Sol",)}
    assert talks(read(tmp_path / "log.csv", headless, header=False, **numbers)) == EXPECTED
    with pytest.raises(InputError, match="header=false"):
        read(tmp_path / "log.csv", headless, assistants=("Sol",))
    with pytest.raises(InputError, match='key = "nope": no such column; the columns are "a", "b"'):
        read(tmp_path / "log.csv", as_table(("a", "b", "c", "d"), rows), key="nope", assistants=("Sol",))


def test_an_id_of_single_messages_is_no_conversation(tmp_path: Path) -> None:
    rows = [(str(n), *row[1:]) for n, row in enumerate(MESSAGES)]
    found = read(tmp_path / "log.csv", as_table(("id", "time", "author", "text"), rows), assistants=("Sol",))
    assert [len(talk) for talk in talks(found)] == [2, 2]  # one log, cut at the pause of three days


def test_values_that_stand_once_are_no_conversation_whatever_their_name(tmp_path: Path) -> None:
    rows = [(f"m{n}", *row[1:]) for n, row in enumerate(MESSAGES)]
    found = read(tmp_path / "log.csv", as_table(TITLES[4], rows), assistants=("Sol",))
    assert [len(talk) for talk in talks(found)] == [2, 2]


def test_nested_keys_and_numbers(tmp_path: Path) -> None:
    objects = [
        {
            "id": 1,
            "user": {"name": "Ana", "id": 7},
            "text": "How do I pay by card?",
            "ts": 1714557600.0001,
            "n": 10**30,
        },
        {"id": 2, "user": {"name": "Sol", "id": 9}, "text": "At the till, any time.", "ts": 1714557660, "x": [10**30]},
        {"id": 3, "user": {"name": "Ana", "id": 7}, "text": ["no", "text"], "ts": 1714557660},
        {"id": 4, "user": {"name": "Ana", "id": 7}, "text": None, "ts": 1714557661},
    ]
    content = "".join(json.dumps(value) + "\n" for value in objects) + '\nnot json\n7\n{"id": 5, "id": 6}\n'
    rows = read(tmp_path / "log.jsonl", content, author="user.id", assistants=(9,))
    assert talks(rows) == [["u:How do I pay by card?", "a:At the till, any time."]]
    reasons = {"not-text": 1, "empty-text": 2 - 1, "blank-line": 1, "bad-json": 1, "not-an-object": 1}
    found = drops(rows)
    assert {reason: found[reason] for reason in reasons} == reasons and found["unknown-author"] == 1
    assert (
        rows[-1].drop is None
        and rows[-1].meta is not None
        and rows[-1].meta["user.name"] == "Ana"
        and rows[-1].meta["n"] == 10**30
    )


# --- where a conversation ends ----------------------------------------------------------------------------------------


NAMES = {"a": "Sol", "u": "Ana", "v": "Rui"}


def timed(*turns: tuple[int, str]) -> str:
    """A log of (minute, `u`, `v` or `a`: two users and the assistant), each message saying its number."""
    start = datetime(2024, 5, 14, 9)
    return "".join(
        f"{start + timedelta(minutes=minute):%Y-%m-%d %H:%M} {NAMES[who]}: {n}\n"
        for n, (minute, who) in enumerate(turns)
    )


@pytest.mark.parametrize(
    ("turns", "gap", "expected"),
    [
        ([(0, "u"), (1, "a"), (61, "u"), (62, "a")], None, [["u:0", "a:1", "u:2", "a:3"]]),
        ([(0, "u"), (1, "a"), (62, "u"), (63, "a")], None, [["u:0", "a:1"], ["u:2", "a:3"]]),
        ([(0, "u"), (1, "a"), (62, "u"), (63, "a")], False, [["u:0", "a:1", "u:2", "a:3"]]),
        ([(0, "u"), (1, "a"), (32, "u"), (33, "a")], "30m", [["u:0", "a:1"], ["u:2", "a:3"]]),
        ([(0, "u"), (1, "a"), (32, "u"), (33, "a")], 31, [["u:0", "a:1", "u:2", "a:3"]]),
        ([(0, "u"), (1, "a"), (92, "u"), (93, "a")], "1h30m", [["u:0", "a:1"], ["u:2", "a:3"]]),
        # An answer that comes late belongs to its question.
        ([(0, "u"), (600, "a"), (601, "u"), (602, "a")], None, [["u:0", "a:1", "u:2", "a:3"]]),
        # So does what the assistant adds late.
        ([(0, "u"), (1, "a"), (300, "a"), (301, "u"), (302, "a")], None, [["u:0", "a:1\n\n2", "u:3", "a:4"]]),
        ([(0, "u"), (300, "u"), (301, "a"), (900, "u"), (901, "a")], None, [["u:0\n\n1", "a:2"], ["u:3", "a:4"]]),
    ],
)
def test_pauses_cut_after_an_answer_and_before_a_question(
    tmp_path: Path, turns: list[tuple[int, str]], gap: Any, expected: list[list[str]]
) -> None:
    rows = read(tmp_path / "log.txt", timed(*turns), assistants=("Sol",), gap=gap)
    assert talks(rows) == expected and drops(rows) == {None: len(turns)}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from("uva")), min_size=1, max_size=30),
    st.integers(1, 120),
    st.randoms(use_true_random=False),
)
def test_cuts_follow_the_rule_in_any_file_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]], gap: int, rng: random.Random
) -> None:
    minutes = list(itertools.accumulate(step + 1 for step, _ in steps))
    turns = [(minute, who) for minute, (_, who) in zip(minutes, steps, strict=True)]
    # The rule, told once more in the plainest way.
    parts: list[list[int]] = [[0]]
    for n in range(1, len(turns)):
        long = turns[n][0] - turns[n - 1][0] > gap
        before = next((who for _, who in reversed(turns[:n]) if who != "a"), None)
        after = next((who for _, who in turns[n:] if who != "a"), None)
        other = before is not None and after is not None and before != after
        cut = long and turns[n - 1][1] == "a" and (turns[n][1] != "a" or other)
        parts.append([n]) if cut else parts[-1].append(n)
    expected = []
    for part in parts:
        asks = [n for n in part if turns[n][1] != "a"]
        replies = [n for n in part if turns[n][1] == "a"]
        if asks and replies and replies[-1] > asks[0]:
            whole = [n for n in part if asks[0] <= n <= replies[-1]]
            expected.append([f"{'a' if turns[n][1] == 'a' else 'u'}:{n}" for n in whole])
    lines = timed(*turns).splitlines()
    rng.shuffle(lines)
    path = tmp_path_factory.getbasetemp() / "shuffled.txt"
    if any(who == "a" for _, who in turns):
        rows = read(path, "\n".join(lines), assistants=("Sol",), gap=gap, merge=False)
        assert sorted(talks(rows)) == sorted(expected)


def test_what_the_assistant_adds_for_another_user_is_no_part(tmp_path: Path) -> None:
    rows = read(
        tmp_path / "log.txt", timed((0, "u"), (1, "a"), (300, "a"), (301, "v"), (302, "a")), assistants=("Sol",)
    )
    assert talks(rows) == [["u:0", "a:1"], ["u:3", "a:4"]] and drops(rows) == {None: 4, "leading-agent": 1}
    assert not any(row.flags for row in rows)
    (row,) = read(tmp_path / "log.txt", timed((0, "u"), (1, "a"), (2, "v"), (3, "a")), assistants=("Sol",))
    assert row.flags == ("several-users",)


def test_a_column_and_a_pause_cut_together(tmp_path: Path) -> None:
    content = as_table(TITLES[0], MESSAGES)
    assert len(talks(read(tmp_path / "log.csv", content, assistants=("Sol",)))) == 2
    assert len(talks(read(tmp_path / "log.csv", content, assistants=("Sol",), gap="1h"))) == 3
    rooms = as_table(("channel", *TITLES[0][1:]), MESSAGES)
    assert len(talks(read(tmp_path / "log.csv", rooms, assistants=("Sol",)))) == 3  # a channel has no end of its own


def test_without_times_and_ids_the_log_is_one_and_says_so(tmp_path: Path) -> None:
    rows = read(tmp_path / "log.csv", as_table(("author", "text"), [row[2:] for row in MESSAGES]), assistants=("Sol",))
    assert len(talks(rows)) == 1 and "one-conversation" in rows[0].flags


def test_a_log_newest_first_is_turned_round(tmp_path: Path) -> None:
    log = [f"2024-05-01 10:0{n // 4} {'Sol' if n % 2 else 'Ana'}: {n}" for n in range(12)]
    rows = read(tmp_path / "log.txt", "\n".join(reversed(log)), assistants=("Sol",))
    assert talks(rows) == [[f"{'a' if n % 2 else 'u'}:{n}" for n in range(12)]]


def test_a_message_without_a_time_stays_behind_the_one_above(tmp_path: Path) -> None:
    rows = [list(row) for row in MESSAGES]
    rows[2][1] = ""
    found = read(tmp_path / "log.csv", as_table(TITLES[0], [tuple(r) for r in rows]), assistants=("Sol",))
    assert talks(found) == EXPECTED
    assert [("unparsed-time" in row.flags) for row in found] == [True, False]


def test_a_missing_time_does_not_turn_a_log_round(tmp_path: Path) -> None:
    rows = [(f"2024-05-01 10:0{n}" if n != 3 else "", NAMES["ua"[n % 2]], f"It is number {n} now.") for n in range(8)]
    for turned in (rows, rows[::-1]):
        (row,) = read(tmp_path / "log.csv", as_table(("time", "author", "text"), turned), assistants=("Sol",))
        assert talks([row]) == [[f"{'ua'[n % 2]}:It is number {n} now." for n in range(8)]]
        assert "unparsed-time" in row.flags


@pytest.mark.parametrize(("days", "first"), [(("02", "05"), None), (("02", "25"), "day")])
def test_day_or_month_first(tmp_path: Path, days: tuple[str, str], first: str | None) -> None:
    log = "".join(
        f"{day}/03/2024 {clock} {who}: {who} {clock}\n"
        for day, times in zip(days, (("23:50 Ana", "23:58 Sol"), ("00:10 Ana", "00:11 Sol")), strict=True)
        for clock, who in (time.split() for time in times)
    )
    if first:
        assert len(talks(read(tmp_path / "log.txt", log, assistants=("Sol",), gap="10d"))) == 2
        return
    # 3 days by one reading, 3 months by the other.
    assert len(talks(read(tmp_path / "log.txt", log, assistants=("Sol",)))) == 2
    with pytest.raises(InputError, match="day_first=true"):
        read(tmp_path / "log.txt", log, assistants=("Sol",), gap="30d")
    assert len(talks(read(tmp_path / "log.txt", log, assistants=("Sol",), gap="30d", day_first=True))) == 1
    assert len(talks(read(tmp_path / "log.txt", log, assistants=("Sol",), gap="30d", day_first=False))) == 2


@pytest.mark.parametrize("gap", ["soon", "", True, -5, 0, "0m", "5 weeks"])
def test_a_gap_that_is_none_is_refused(gap: Any) -> None:
    with pytest.raises(ValueError, match="must be minutes"):
        ChatLog(path="log.txt", gap=gap)


# --- who speaks -------------------------------------------------------------------------------------------------------


def test_nobody_is_taken_for_the_assistant(tmp_path: Path) -> None:
    for name, content in (("a.txt", LOG), ("b.csv", as_table(TITLES[0], MESSAGES))):
        with pytest.raises(InputError, match=r"who is the assistant.*assistants=.*\"Ana\".*\"Sol\"") as caught:
            read(tmp_path / name, content)
        assert "\n" not in str(caught.value)
    many = "".join(f"10:{n:02} P{n % 14}: hello\n" for n in range(60))
    with pytest.raises(InputError, match=r'"P9" and 4 more$'):
        read(tmp_path / "log.txt", many)


@pytest.mark.parametrize(
    ("authors", "stated", "says"),
    [
        (("Ana", "Sol"), ("Sool",), 'no message is by "Sool"; did you mean "Sol"'),
        (("Ana", "Sol"), ("Xyz",), 'no message is by "Xyz"; the authors are "Ana", "Sol"'),
        (("SOL", "sol"), ("Sol",), '"Sol" may be "SOL", "sol"'),
    ],
)
def test_a_name_that_nobody_has_is_an_error(
    tmp_path: Path, authors: tuple[str, ...], stated: tuple[str, ...], says: str
) -> None:
    log = "".join(f"10:0{n} {authors[n % 2]}: hello\n" for n in range(6))
    with pytest.raises(InputError, match=re.escape(says)):
        read(tmp_path / "log.txt", log, assistants=stated)


def test_names_match_exactly_first(tmp_path: Path) -> None:
    log = "10:00 sol: a\n10:01 Sol: b\n"
    assert talks(read(tmp_path / "log.txt", log, assistants=("Sol",))) == [["u:a", "a:b"]]
    assert talks(read(tmp_path / "log.txt", log.replace("sol", "Ana"), assistants=("SOL",))) == [["u:a", "a:b"]]


def test_a_look_at_the_beginning_may_not_meet_all_names(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("10:00 Ana: a\n10:01 Rui: b\n10:02 Sol: c\n")
    with Source(path, records=2) as source:
        assert [row for batch in ChatLog(path=path, assistants=("Sol",)).read(source) for row in conversations(batch)]


@pytest.mark.covers("chat-log", "roles", "bots")
def test_roles_users_and_bots(tmp_path: Path) -> None:
    log = "".join(
        f"10:0{n} {who}: {who} {n}\n" for n, who in enumerate(["Ana", "Robot", "Sol", "Rui", "Lia", "Sistema"])
    )
    rows = read(tmp_path / "log.txt", log, assistants=("Sol",), users=("Ana",), bots=("rui", "Absent"))
    assert drops(rows) == {None: 2, "bot": 2, "unknown-author": 1, "system-line": 1}
    rows = read(
        tmp_path / "log.txt", log, roles={"Ana": "user", "Sol": "assistant", "Rui": "drop", "Robot": "assistant"}
    )
    assert drops(rows) == {None: 3, "unwanted-role": 1, "unknown-role": 1, "system-line": 1}


def test_authors_that_are_roles_by_name_need_no_names(tmp_path: Path) -> None:
    log = LOG.replace("Ana:", "Cliente:").replace("Sol:", "Atendente:")
    assert len(talks(read(tmp_path / "log.txt", log))[0]) == 4
    rows = [(*row[:2], "customer" if row[2] != "Sol" else "agent", row[3]) for row in MESSAGES]
    assert talks(read(tmp_path / "log.csv", as_table(TITLES[0], rows))) == EXPECTED


def test_greeting_thanks_and_merging(tmp_path: Path) -> None:
    log = timed((0, "a"), (1, "u"), (2, "u"), (3, "a"), (4, "a"), (5, "u"))
    rows = read(tmp_path / "log.txt", log, assistants=("Sol",))
    assert talks(rows) == [["u:1\n\n2", "a:3\n\n4"]]
    assert drops(rows) == {None: 4, "leading-agent": 1, "trailing-user": 1}
    assert talks(read(tmp_path / "log.txt", log, assistants=("Sol",), merge="\n")) == [["u:1\n2", "a:3\n4"]]
    assert talks(read(tmp_path / "log.txt", log, assistants=("Sol",), merge=False)) == [["u:1", "u:2", "a:3", "a:4"]]


# --- privacy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.covers("chat-log", "private")
def test_a_private_message_is_nowhere(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divide, "MEMORY", 0)
    monkeypatch.setattr(stitch, "MEMORY", 0)
    titles = (*TITLES[0], "is_private")
    rows = [(*row, "false") for row in MESSAGES]
    rows[3:3] = [("c1", "2024-05-01 10:02", "Sol", f"a liar {CANARY}", "true"), ("c1", "", "Sol", CANARY, "perhaps")]
    objects: list[dict[str, Any]] = [{**o, "is_private": o["is_private"] == "true"} for o in as_json(titles, rows)]
    objects[4]["is_private"] = None
    content = as_table(titles, rows) if form == "csv" else "".join(json.dumps(o) + "\n" for o in objects)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = tmp_path / f"log.{form}"
    path.write_text(content)
    seen: list[bytes] = []
    with Source(path, scratch=scratch) as source:
        found = []
        for batch in ChatLog(path=path, assistants=("Sol",)).read(source):
            seen += [file.read_bytes() for file in scratch.rglob("*") if file.is_file()]
            found += list(conversations(batch))
    assert seen and not any(CANARY.encode() in content for content in seen)
    assert talks(found) == EXPECTED and drops(found) == {None: 6, "private-note": 1, "unknown-visibility": 1}
    assert CANARY not in repr(found) and not list(scratch.iterdir())


@pytest.mark.parametrize(
    "note",
    [
        "10:02 Sol (whisper to agents): {}",
        "10:02 [internal] Sol: {}",
        "10:02 Atendente (nota interna): {}",
        "10:02 Sol (nota: interna): {}",
        "10:02 <Sol (internal only)> {}",
        "10:02 Sol: [nota interna] {}",
        "10:02 Ana: [internal - do not send] {}",
        "10:02 Sol: *(private note)* {}",
        "10:02 Sol: [#12] [internal] {}",
        "10:02 Sol:\n\n[nota interna]\n{}",
        "[10:02] Rui (nota interna): {}",
        "2024-05-01 10:02 - Rui: [nota interna] {}",
    ],
)
@pytest.mark.parametrize("fields", [{}, {"users": ("Ana",)}])
def test_brackets_that_say_private_hide_a_line(tmp_path: Path, note: str, fields: dict[str, Any]) -> None:
    lines = ["10:00 Ana: um", "10:01 Sol: dois", note.format(CANARY), CANARY, "10:03 Ana: três", "10:04 Sol: quatro"]
    rows = read(tmp_path / "log.txt", "\n".join(lines) + "\n", assistants=("Sol",), **fields)
    assert talks(rows) == [["u:um", "a:dois", "u:três", "a:quatro"]]
    assert drops(rows) == {None: 4, "private-note": 2 + note.count("\n")} and CANARY not in repr(rows)


def test_notes_by_roles_leave_the_roles_known(tmp_path: Path) -> None:
    log = f"10:00 Cliente: um\n10:01 Atendente (nota interna): {CANARY}\n10:02 Atendente: dois\n"
    rows = read(tmp_path / "log.txt", log)
    assert talks(rows) == [["u:um", "a:dois"]] and drops(rows) == {None: 2, "private-note": 1}


@pytest.mark.parametrize("name", ["Marina (Suporte)", "Marina (Staff)", "[TI] Marina", "Marina (interno)"])
def test_brackets_that_say_nothing_private_change_nothing(tmp_path: Path, name: str) -> None:
    log = f"10:00 Ana (loja 2): (nota fiscal) [1] um\n10:01 {name}: (sim) [dois]\n"
    rows = read(tmp_path / "log.txt", log, assistants=(name,))
    assert talks(rows) == [["u:(nota fiscal) [1] um", "a:(sim) [dois]"]]
    if "interno" not in name:
        rows = read(tmp_path / "log.txt", log.replace("Ana (loja 2)", "Sol"), assistants=("Sol",))
        assert "private-note" not in drops(rows)


def test_a_note_stays_a_note_whoever_wrote_it(tmp_path: Path) -> None:
    rows = [(*row[:3], "agent" if row[2] == "Sol" else "customer", row[3]) for row in MESSAGES]
    rows.append(("c1", "2024-05-04 10:02", "Sol", "internal note", f"he is a liar {CANARY}"))
    content = as_table((*TITLES[0][:3], "role", "message"), rows)
    for fields in ({}, {"assistants": ("Sol",)}, {"assistants": ("sol",)}):
        found = read(tmp_path / "log.csv", content, **fields)
        assert drops(found) == {None: 6, "private-note": 1} and CANARY not in repr(found)


def test_a_key_that_turns_up_late_still_hides(tmp_path: Path) -> None:
    objects: list[dict[str, Any]] = [
        {"session": n // 2, "author": "Sol" if n % 2 else "Ana", "text": f"Say {n} once more, please."}
        for n in range(1200)
    ]
    objects[1001] |= {"internal": True, "internal_note": CANARY}
    objects[1003] |= {"text": "Look here, it is said.", "internal_comment": f"he is a liar and a thief {CANARY}"}
    content = "".join(json.dumps(value) + "\n" for value in objects)
    rows = read(tmp_path / "log.jsonl", content, assistants=("Sol",))
    assert drops(rows) == {None: 1198, "no-assistant": 1, "private-note": 1}
    assert CANARY not in repr(rows)


def test_sparse_flags_need_a_word(tmp_path: Path) -> None:
    objects: list[dict[str, Any]] = [dict(o) for o in as_json(TITLES[0], MESSAGES)]
    objects[2]["private"] = True
    content = json.dumps(objects)
    assert drops(read(tmp_path / "log.json", content, assistants=("Sol",))) == {
        "private-note": 1,
        "unknown-visibility": 5,
    }
    rows = read(tmp_path / "log.json", content, assistants=("Sol",), assume_public=True)
    assert drops(rows) == {None: 5, "private-note": 1} and not any(row.flags for row in rows)


# --- size -------------------------------------------------------------------------------------------------------------


def test_what_goes_to_disk_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    lines = [
        f"[2024-05-{1 + n // 100:02} {n // 5 % 24:02}:{n % 60:02}] {rng.choice(['Ana', 'Rui', 'Sol'])}: {n}\nmore"
        for n in range(900)
    ]
    content = "\n".join(lines)
    expected = read(tmp_path / "log.txt", content, assistants=("Sol",))
    monkeypatch.setattr(divide, "MEMORY", 0)
    monkeypatch.setattr(divide, "_FLUSH_ROWS", 70)
    monkeypatch.setattr(stitch, "MEMORY", 0)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = read(tmp_path / "log.txt", content, scratch, assistants=("Sol",))
    assert sorted(found, key=lambda row: row.origin) == sorted(expected, key=lambda row: row.origin)
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("content", ["", "\n", "\n\n \n", "{", "[]", "[1, 2]", "{}\n", "\ufeff"])
def test_nothing_to_read(tmp_path: Path, content: str) -> None:
    for name in ("log.txt", "log.json", "log.csv"):
        try:
            rows = read(tmp_path / name, content, assistants=("Sol",))
        except InputError:
            continue
        assert not talks(rows)


def test_one_line_of_a_megabyte(tmp_path: Path) -> None:
    long = "x: " * 350_000
    rows = read(tmp_path / "log.txt", f"10:00 Ana: {long}\n10:01 Sol: y", assistants=("Sol",))
    assert talks(rows) == [[f"u:{long}", "a:y"]]
    for line in (" " * 1_000_000, "1" * 1_000_000, "10:00 " * 200_000, "maio " * 200_000):
        with pytest.raises(InputError, match="no line of the form"):
            read(tmp_path / "log.txt", line + "z", assistants=("Sol",))


# --- sniffing ---------------------------------------------------------------------------------------------------------


def test_sniff_asks_who_is_the_assistant(tmp_path: Path) -> None:
    objects = "".join(json.dumps(value) + "\n" for value in as_json(("id", *TITLES[0][1:]), MESSAGES))
    table = as_table(("time", "author", "text"), [row[1:] for row in MESSAGES])
    for name, content in (("a.txt", LOG), ("b.jsonl", objects), ("c.csv", table)):
        found = sniffed(tmp_path / name, content)
        assert found is not None and found.confidence == 0 and found.refusal is not None
        assert '"Ana"' in found.refusal and "assistants" in found.refusal
        assert not any("Ana" in phrase for phrase in found.evidence)
        assert any(re.search(r"messages by [23] authors", phrase) for phrase in found.evidence)
        assert any("60 minutes" in phrase for phrase in found.evidence)
        assert sniff.best(tmp_path / name, fields={"assistants"}).reader is ChatLog
        with pytest.raises(InputError, match="who is the assistant"):
            sniff.best(tmp_path / name)


@pytest.mark.covers("chat-log", "sniffed")
def test_sniff_is_sure_where_roles_are_told(tmp_path: Path) -> None:
    log = LOG.replace("Ana:", "Cliente:").replace("Sol:", "Atendente:")
    found = sniffed(tmp_path / "a.txt", log)
    assert found is not None and found.confidence >= 0.5 and found.refusal is None
    objects = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"What is {n} and {n}?", "session": n // 4}
               for n in range(12)]  # fmt: skip
    found = sniffed(tmp_path / "b.jsonl", "".join(json.dumps(value) + "\n" for value in objects))
    assert found is not None and found.confidence >= 0.5 and found.fields["key"] == "session"
    assert sniff.best(tmp_path / "b.jsonl").reader is ChatLog


NOT_A_CHAT = {
    "log.txt": "2024-05-01 10:03:22 ERROR main: no connection\n2024-05-01 10:03:23 INFO main: retry\n" * 20,
    "python.log": "2024-05-01 10:03:22,123 - app - INFO - start: now\n2024-05-01 10:03:22,124 - app - INFO - go: on\n"
    * 9,
    "syslog.txt": "2024-05-01T10:03:22Z sshd[12]: closed by peer\n2024-05-01T10:03:25Z cron[13]: session opened\n" * 9,
    "agenda.txt": "09:00 Opening: room 1\n10:00 Talk on bees: room 2\n11:00 Coffee: hall\n12:00 Lunch: hall\n",
    "prose.txt": "Dear all: this is a letter.\nAt 10:00 we meet: be there.\nP.S.: bring bread.\n" * 5,
    "mail.eml": "From: a@example.org\nDate: Wed, 1 May 2024 10:03:22 +0000\nSubject: hi\n\nOh: you\n",
    "config.json": json.dumps({"name": "x", "author": "Ana", "text": "hello there you all", "time": "2024-05-01"}),
    "list.json": json.dumps([{"title": f"t{n}", "text": f"a review of book {n} that I read"} for n in range(9)]),
    "prices.csv": "date,item,price\n2024-05-01,bread,1.20\n2024-05-02,milk,0.90\n",
    "tickets.csv": "ticket_id,created_at,role,body\n1,2024-05-01,customer,Where is my parcel now?\n"
    "1,2024-05-02,agent,It will come on Monday.\n",
    "chats.jsonl": '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}\n' * 3,
    "empty.txt": "",
    "code.py": "def f(x: int) -> int:\n    return x\n" * 5,
}


@pytest.mark.parametrize("name", NOT_A_CHAT)
def test_what_is_no_chat_is_not_claimed(tmp_path: Path, name: str) -> None:
    assert sniffed(tmp_path / name, NOT_A_CHAT[name]) is None


def test_no_file_of_another_reader_changes_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [path for path in SAMPLES.iterdir() if path.suffix in (".csv", ".jsonl")]
    if SHARED.exists():
        files += [path for path in SHARED.rglob("*") if path.is_file() and path.stat().st_size < 3_000_000]
    for path in files:
        try:
            guesses = sniff.sniff(path)
        except InputError:
            continue
        mine = [guess.sniff for guess in guesses if guess.reader is ChatLog]
        others = [guess.sniff for guess in guesses if guess.reader is not ChatLog]
        # A reader of the very format goes before.
        best = max(other.confidence for other in [*others, Sniff(0, ())])
        assert not mine or best == 0 or best > mine[0].confidence, path.name
        assert not mine or mine[0].confidence < sniff.SURE or path.parent.name not in ("email", "broken"), path.name


@pytest.mark.skipif(not SHARED.exists(), reason="the third-party samples are not here")
@pytest.mark.parametrize(
    ("file", "assistant", "counts"),
    [
        ("whatsapp/langchain_ios.txt", "Jungle Jane", {None: 12}),
        ("signal/chatminer_signal.txt", "John Doe", {None: 3}),
        ("whatsapp/chatminer_test_ddmmyy_24hrs.txt", "Jahn Doe", {None: 4, "system-line": 2, "no-assistant": 5}),
    ],
)
def test_public_logs_that_fit_are_read(
    tmp_path: Path, file: str, assistant: str, counts: dict[str | None, int]
) -> None:
    rows = read(tmp_path / "log.txt", (SHARED / "chats" / file).read_bytes(), assistants=(assistant,))
    assert drops(rows) == counts


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("two.txt", LOG, "two.txt: chat-log, but a setting is missing"),
        ("roles.txt", LOG.replace("Ana:", "Cliente:").replace("Sol:", "Atendente:"), "roles.txt: chat-log (80%)"),
        ("prices.csv", NOT_A_CHAT["prices.csv"], "prices.csv: refused by tickets"),
        ("prose.txt", NOT_A_CHAT["prose.txt"], "prose.txt: no reader knows this format; it holds text"),
    ],
)
def test_sniff_says_honestly_what_an_input_is(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content)
    shown = CliRunner().invoke(command, [str(tmp_path / name)])
    first = shown.stdout.splitlines()[0]
    assert first.endswith(told) and shown.exit_code == (0 if "%" in first else 3)
    assert ("""force with: --from chat-log --set 'assistants=["NAME"]'""" in shown.stdout) == (name == "two.txt")


# --- what a record of a failed run says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "who is the assistant"),
        ({"assistants": ["Sool"]}, 'no message is by "Sool"'),
        ({"assistants": ["nobody"]}, 'no message is by "nobody"'),
        ({"assistants": ["ana maria"]}, "2 authors have this name"),
        ({"use": "tickets", "body": "nope"}, 'body = "nope": no such column'),
        ({"body": "nope"}, 'body = "nope": no such column'),
    ],
)
def test_a_record_holds_no_name_of_the_data(tmp_path: Path, fields: dict[str, Any], says: str) -> None:
    """A terminal shows the names to choose from. The table without header has a name for a column."""
    log = LOG.replace("Ana", "Ana Maria").replace("[2024-05-01 10:11] Ana Maria", "[2024-05-01 10:11] ANA MARIA")
    name, content = ("log.csv", "Ana Maria,Sol\n") if "body" in fields else ("log.txt", log)
    (tmp_path / name).write_text(content)
    read = {"use": "chat-log", "path": name, **fields}
    tables = {"read": [read], "write": [{"use": "openai-chat", "path": "out.jsonl"}]}
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        flow.run(Recipe.parse(tables, tmp_path, "recipe"))
    error = str(json.loads((tmp_path / ".ftdata/recipe/attempt.json").read_text())["error"])
    assert "Sol" in str(caught.value) or "Ana Maria" in str(caught.value)
    assert says in error and "\n" not in str(caught.value)
    assert not re.search(r"Sol\b|Ana Maria|ANA MARIA", error)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_me_is_the_assistant_and_a_greeting_may_stay(tmp_path: Path) -> None:
    log = "[2025-01-01 10:00] Sol: bom dia\n[2025-01-01 10:01] Ana: oi\n[2025-01-01 10:02] Sol: pois não\n"
    assert talks(read(tmp_path / "log.txt", log, me="sol")) == talks(
        read(tmp_path / "log.txt", log, assistants=["Sol"])
    )
    [row] = read(tmp_path / "log.txt", log, me="Sol", greeting=True)
    assert [(m.role, m.content) for m in row.messages or ()] == [
        ("assistant", "bom dia"),
        ("user", "oi"),
        ("assistant", "pois não"),
    ]


def test_a_table_of_examples_of_lines_is_no_log(tmp_path: Path) -> None:
    rows = "".join(
        f"[2025-01-0{n}, 10:0{n}] {who}: what was said today\t2025-01-0{n}T10:0{n}:00\t{who}\twhat was said today\n"
        for n, who in enumerate(["Ana", "Bia", "Ana", "Bia"], 1)
    )
    assert sniffed(tmp_path / "forms.tsv", "line\texpected_time\tauthor\ttext\n" + rows) is None
