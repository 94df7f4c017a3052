"""What holds for any texts: batches of any size, a second repair, other processes, and inputs made to be slow."""

from __future__ import annotations

import pickle
import time
from functools import partial

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.transforms.quality import RULES, Quality

ALL = Quality(**{rule.field: "warn" for rule in RULES})
REPAIRING = Quality(mojibake="repair", control_character="repair", invisible="repair", bidi="repair", loop="drop")

PIECES = st.sampled_from(
    "Não|atenção |\u00c3\u00a9|\u00c3 |\u00e2\u20ac\u2122|\u00c3\u0192|\u00c2\u00a9|é|…|ß|ª|\u200b|\u200d|\u200c|م|👩"
    "|\u202e|\u2066|\u2069|\ufe0f|\U000e0041|🏴|\x1b[0m|\x85|\x93|\x80|\x99|\x00|\ufffd|\xad|thanks |N/A|<|im_end|>"
    "|```\n|no |\n|, |the |{name}|ok|ก|ש|\u200f|â|€|¬|√|Р|С|ї".split("|")
)
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)
ROWS = st.lists(
    st.lists(
        st.builds(Message, role=st.sampled_from(["user", "assistant", "system"]), content=TEXTS), min_size=1, max_size=4
    ).map(lambda turns: Conversation(messages=tuple(turns))),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_one_row_at_a_time_gives_the_same(rows: list[Conversation]) -> None:
    (batch,) = to_batches(rows)
    for stage in (ALL, REPAIRING):
        whole = stage.apply(batch)
        assert pl.concat([stage.apply(batch.slice(at, 1)) for at in range(batch.height)]).equals(whole)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_a_second_repair_finds_nothing_to_do(rows: list[Conversation]) -> None:
    (batch,) = to_batches(rows)
    once = REPAIRING.apply(batch)
    twice = REPAIRING.apply(once)
    assert twice["messages"].equals(once["messages"])
    notes = [note or "" for note in twice["note"].to_list()]
    again = REPAIRING.apply(once.with_columns(note=pl.lit(None, pl.String)))["note"]
    assert not any("repaired" in (note or "") for note in again.to_list()), notes


WORDS = st.lists(
    st.sampled_from(
        "ação NÃO você coração À às È é ñandú AÑO señor ¿qué? ¡sí! größe Übung Äpfel straße été cœur où naïf garçon "
        "€5 it’s “so” – … «da» 25 °C ½ the plan is open São João maçã pão ÓTIMO Ê ô û ü".split()
    ),
    min_size=1,
    max_size=12,
).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(WORDS, st.sampled_from(["latin-1", "sloppy-windows-1252", "mac_roman"]))
def test_what_is_repaired_is_what_was_written(text: str, encoding: str) -> None:
    pytest.importorskip("ftfy.bad_codecs")
    mangled = text.encode().decode(encoding)
    (batch,) = to_batches([Conversation(messages=(user("a"), assistant(mangled)))])
    after = Quality(mojibake="repair", control_character="off", invisible="off").apply(batch)
    done = after["messages"][0][1]["content"]
    assert done == (mangled if "mojibake" in after["flags"][0] else text) or done == mangled


def test_it_travels_to_other_processes() -> None:
    stage = pickle.loads(pickle.dumps(REPAIRING))
    (batch,) = to_batches([Conversation(messages=(user("a"), assistant("N\u00c3\u00a3o")))])
    assert stage == REPAIRING and stage.apply(batch).equals(REPAIRING.apply(batch))


ATTACKS = (
    "a~no ~the of ~Please check your inbox. ~\u00c3\u00a9~NÃO \u00c3\u00a9 ~\u00c3\u0192\u00c2\u00a9~РџСЂ~\u200d"
    "~می\u200c~\u202e\u2066~\u2066a\u2069~🏴\U000e0067~\ufe0f\ufe0e~\x1b[~\x1b]~<|~<think>~<s>~### Response:\n"
    "~aB3+~https://~<p ~&lt;p ~`~```\n~(a ~... ~1.\n~a, ~thank you so much ~as an ai ~hello hi dear "
    "~Open the settings now.\n~您好"
).split("~")


def _seconds(stage: Quality, text: str) -> float:
    (batch,) = to_batches([Conversation(messages=(user("Hi"), assistant(text)))])
    taken = []
    for _ in range(2):
        began = time.process_time()
        stage.apply(batch)
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.parametrize("unit", ATTACKS)
def test_no_input_is_slow(unit: str) -> None:
    text = unit * (200_000 // len(unit.encode()))
    half, whole = map(partial(_seconds, REPAIRING), (text[: len(text) // 2], text))
    # A fifth of a megabyte, all rules together; what grows with the square would take five times as much again.
    assert whole <= 1.0
    assert whole <= 2.3 * half + 0.05
