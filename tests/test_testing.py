"""The contract kit finds what it says it finds: one broken stage for each clause, and sound ones that it lets pass."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, ClassVar

import broken_stages as broken
import polars as pl
import pytest
from broken_import import Heavy

from ftdata.batch import SCHEMA, Batch, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.stages import Transform
from ftdata.testing import (
    CANARY,
    check_check,
    check_reader,
    check_selector,
    check_transform,
    check_writer,
    hard_rows,
)

LINES = "what is this\n\nwhy is that\n" + "and so on\n" * 5


def caught(check: Any, *arguments: Any) -> str:
    with pytest.raises(AssertionError) as found:
        check(*arguments)
    return str(found.value)


def assert_one_sentence(message: str, stage: Any, clause: str) -> None:
    assert message.startswith(f"{stage.kind} {stage.name}: {clause}: "), message
    assert "; " in message, "no remedy"
    assert "\n" not in message


class Local(Transform):
    """Do nothing wrong, in a module that loads in no time; see also the one inside a function."""

    name: ClassVar[str] = "local"

    def apply(self, batch: Batch) -> Batch:
        return batch


TRANSFORMS = [
    ("name", broken.Misnamed),
    ("docstring", broken.Undocumented),
    ("docstring", broken.NoSentence),
    ("description", broken.Undescribed),
    ("frozen", broken.Thawed),
    ("frozen", broken.Lax),
    ("hashable", broken.Listed),
    ("pickles", broken.Handle),
    ("recipe", broken.Untoml),
    ("recipe", broken.Refusing),
    ("recipe", functools.partial(broken.Forgetful, size=None)),
    ("reads_meta", broken.Meta),
    ("import", Heavy),
    ("contract", broken.NoFrame),
    ("contract", broken.Retyped),
    ("contract", broken.Losing),
    ("contract", broken.Reordering),
    ("contract", broken.Renaming),
    ("contract", broken.Owning),
    ("contract", broken.Sharing),
    ("contract", broken.Unflagging),
    ("raises", broken.Raising),
    ("raises", broken.Contents),
    ("JSON", broken.Unjson),
    ("empty batch", broken.Crowded),
    ("input", broken.Writing),
    ("batch size", broken.Neighbours),
    ("batch size", broken.Averaging),
    ("batch size", broken.Chancy),
    ("repeatable", broken.Counting),
    ("other process", broken.Hashing),
    ("reason", broken.ManyReasons),
    ("reason", broken.LongReason),
    ("flag", broken.ManyFlags),
    ("text", broken.Quoting),
    ("text", broken.QuotingPart),
    ("text", broken.QuotingMeta),
]
SELECTORS = [
    ("sketch", broken.NoRow),
    ("sketch", broken.Changeable),
    ("sketch", broken.Sketchless),
    ("select", broken.Stranger),
    ("select", broken.Twice),
    ("select", broken.Inventing),
    ("select", broken.Eager),
    ("order", broken.Arriving),
    ("batch size", broken.Batched),
    ("text", broken.Blabbing),
    ("JSON", broken.Tagging),
    ("empty batch", broken.Needy),
    ("other process", broken.HashingChooser),
]
CHECKS = [
    ("text", broken.Telling),
    ("text", broken.TellingNumbers),
    ("findings", broken.NotANumber),
    ("findings", broken.NoFinding),
    ("findings", broken.Level),
    ("findings", broken.Pointing),
    ("batch size", broken.PerBatch),
    ("order", broken.ByArrival),
    ("empty batch", broken.Dividing),
]
READERS = [
    ("records", broken.Skipping),
    ("records", broken.Repeating),
    ("records", broken.SelfNumbering),
    ("batch", broken.OneBatch),
    ("batch", broken.FrameOnly),
    ("text", broken.QuotingReason),
    ("text", broken.Keeping),
    ("raises", broken.Fragile),
    ("sniff", broken.CountingSniff),
    ("sniff", broken.CrashingSniff),
    ("sniff", broken.QuotingSniff),
    ("sniff", broken.SureSniff),
]
WRITERS = [
    ("batches", broken.Impatient),
    ("lines", broken.Dropping),
    ("lines", broken.Mixing),
    ("leftovers", broken.Littering),
    ("leftovers", broken.EmptyFolder),
    ("outside", broken.Straying),
    ("outside", broken.Spilling),
    ("repeatable", broken.Stamping),
    ("other process", broken.HashOrdered),
    ("meta", broken.Leaking),
    ("raises", broken.Choosy),
    ("empty batch", broken.NeedsRows),
]


@pytest.mark.parametrize(("clause", "make"), TRANSFORMS)
def test_a_broken_transform_is_caught(clause: str, make: Any) -> None:
    stage = make()
    assert_one_sentence(caught(check_transform, stage), stage, clause)


@pytest.mark.parametrize(("clause", "make"), SELECTORS)
def test_a_broken_selector_is_caught(clause: str, make: Any) -> None:
    assert_one_sentence(caught(check_selector, make()), make(), clause)


@pytest.mark.parametrize(("clause", "make"), CHECKS)
def test_a_broken_check_is_caught(clause: str, make: Any) -> None:
    assert_one_sentence(caught(check_check, make()), make(), clause)


@pytest.mark.parametrize(("clause", "make"), READERS)
def test_a_broken_reader_is_caught(clause: str, make: Any, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text(LINES)
    assert_one_sentence(caught(check_reader, make(path=path)), make(path=path), clause)


@pytest.mark.parametrize(("clause", "make"), WRITERS)
def test_a_broken_writer_is_caught(clause: str, make: Any) -> None:
    stage = make(path="out/{split}.txt")
    assert_one_sentence(caught(check_writer, stage), stage, clause)


def test_a_sound_stage_of_each_kind_passes(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text(LINES)
    check_transform(broken.Sound())
    check_transform(broken.Polite())
    check_selector(broken.Chooser())
    check_selector(broken.Reading())
    check_check(broken.Judge())
    check_reader(broken.LineReader(path=path))
    check_reader(broken.Picky(path=path), path, path)
    check_writer(broken.CountWriter(path="out/{split}.txt"))
    check_writer(broken.CountWriter(path="all.txt"))


def test_a_stage_of_another_kind_is_refused() -> None:
    assert caught(check_transform, broken.Judge()).startswith("Judge: kind: ")


def test_a_stage_inside_a_function_is_told_to_move() -> None:
    class Inner(Local):
        """Do nothing wrong."""

    assert ": pickles: " in caught(check_transform, Inner())


def test_a_stage_in_a_test_module_passes() -> None:
    check_transform(Local())


def test_the_rows_of_the_author_are_checked_too() -> None:
    check_transform(broken.QuotingOwn())
    row = Conversation(row=9, id="mine#1", origin=(1,), messages=(user("where is my invoice 77"), assistant("here")))
    message = caught(check_transform, broken.QuotingOwn(), pl.concat(to_batches([row])))
    assert_one_sentence(message, broken.QuotingOwn(), "text")
    assert "'mine#1'" in message


def test_a_message_names_the_row() -> None:
    assert "'null-messages#" in caught(check_transform, broken.Raising())


def test_a_reader_needs_a_file_that_is_there(tmp_path: Path) -> None:
    reader = broken.LineReader(path=tmp_path / "none.txt")
    assert_one_sentence(caught(check_reader, reader), reader, "records")
    (tmp_path / "none.txt").write_text("")
    assert_one_sentence(caught(check_reader, reader), reader, "records")


def test_the_hard_rows_hold_what_they_promise() -> None:
    rows = hard_rows()
    assert rows.schema == SCHEMA
    assert rows["row"].is_sorted() and (rows["row"].diff().drop_nulls() > 1).any()
    assert rows["drop"].null_count() == rows.height
    assert rows["origin"].explode().is_unique().all()
    assert set(rows["split"].to_list()) == {None, "train", "validation", "test"}
    for column in ("messages", "rejected", "answer_at", "tools", "extra", "meta", "shares"):
        assert 0 < rows[column].null_count() < rows.height, column
    lone = [row for row in rows.iter_rows(named=True) if CANARY not in str(row["messages"])]
    assert {row["id"].split("#")[0] for row in lone} == {"no-messages", "null-messages", "empty-content"}
