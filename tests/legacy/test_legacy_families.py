"""Old prompt/completion files of every kind: bare texts in the chat rows, and the very bytes again by `--reverse`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from both_ways import convert, ftdata, new_folder, refused, reverse, said, strings
from families import Family, families, growing_rows, lines, marked, pairs, talks, transcript, unfit

FITS = {family.name: family for family in families()}
UNFIT = {family.name: family for family in unfit()}


every = pytest.mark.parametrize("name", FITS, ids=lambda name: ascii(name).replace("\\", ""))


@pytest.fixture
def place() -> Iterator[Path]:
    """Give an empty folder."""
    with new_folder() as found:
        yield found


def laid(family: Family, place: Path) -> Path:
    path = place / family.file
    path.write_bytes(family.data)
    return path


def legacy(manifest: dict[str, Any]) -> dict[str, Any]:
    (part,) = manifest["inputs"]
    assert part["use"] == "prompt-completion"
    assert part["legacy"], "the marks must be in the manifest"
    return dict(part["legacy"])


# --- there and back ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """A family that was converted: its manifest as it was printed, its chat file; the source is gone."""

    manifest: dict[str, Any]
    chat: Path


@pytest.fixture(scope="module")
def made() -> Iterator[Callable[[str], Made]]:
    """Convert each family once."""
    with new_folder() as home:
        found: dict[str, Made] = {}

        def make(name: str) -> Made:
            if name not in found:
                place = home / str(len(found))
                place.mkdir()
                source = laid(FITS[name], place)
                found[name] = Made(convert(source, place / "out/train.jsonl"), place / "out/train.jsonl")
                source.unlink()
            return found[name]

        yield make


@every
def test_chat_rows_hold_the_bare_texts(name: str, made: Callable[[str], Made]) -> None:
    family, manifest = FITS[name], made(name).manifest
    assert said(made(name).chat) == [(("user", ask), ("assistant", say)) for ask, say in family.chat]
    assert (manifest["records"], manifest["rows"], manifest["written"]) == (family.records,) * 3
    assert manifest["dropped"] == {}


@every
def test_the_marks_stand_in_the_manifest(name: str, made: Callable[[str], Made]) -> None:
    family, chat = FITS[name], made(name).chat
    told = legacy(json.loads((chat.parent / ".ftdata/train.jsonl/run.json").read_bytes()))
    assert (told["separator"], told["stop"], told["space"]) == (family.separator, family.stop, family.space)


@every
def test_reverse_gives_the_very_bytes_without_the_source(name: str, made: Callable[[str], Made], place: Path) -> None:
    done = reverse(made(name).chat, place / FITS[name].file)
    assert done.code == 0, done.err
    assert (place / FITS[name].file).read_bytes() == FITS[name].data


def test_many_rows_over_several_batches(place: Path) -> None:
    texts = pairs(30, 9001, foreign=True)
    texts[5000] = ("x" * 9_000_000, "larger than a batch")
    (place / "many.jsonl").write_bytes(lines(marked(texts, " ->", " END")))
    convert(place / "many.jsonl", place / "train.jsonl")
    assert said(place / "train.jsonl") == [(("user", ask), ("assistant", say)) for ask, say in texts]
    assert reverse(place / "train.jsonl", place / "again.jsonl").code == 0
    assert (place / "again.jsonl").read_bytes() == (place / "many.jsonl").read_bytes()


def test_the_record_of_a_run_holds_no_text(place: Path) -> None:
    """Neither manifest nor ledger may carry what rows say; the marks and the labels are no texts of rows."""
    texts = [(f"{ask} canary-{n}", f"canary-{n} {say}") for n, (ask, say) in enumerate(pairs(31, 40))]
    (place / "in.jsonl").write_bytes(lines(marked(texts, " ->", " END")))
    convert(place / "in.jsonl", place / "train.jsonl")
    held = [path for path in (place / ".ftdata").rglob("*") if path.is_file()]
    assert held and not [path.name for path in held if b"canary" in path.read_bytes()]


# --- the real before and after ----------------------------------------------------------------------------------------

SHARED = Path(__file__).parents[2] / "../shared/data/legacy"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")


@needs_shared
def test_the_prepared_file_holds_the_texts_of_the_file_before(place: Path) -> None:
    """`dabit3_data_prepared.jsonl` is what the old tool made of `dabit3_data.jsonl`."""
    before = [json.loads(line) for line in (SHARED / "dabit3_data.jsonl").read_bytes().split(b"\n") if line]
    convert(SHARED / "dabit3_data_prepared.jsonl", place / "train.jsonl")
    found = said(place / "train.jsonl")
    assert found == [(("user", row["prompt"]), ("assistant", row["completion"])) for row in before] and len(found) == 52


@needs_shared
@pytest.mark.parametrize("name", sorted(path.name for path in SHARED.glob("*.jsonl")) if SHARED.exists() else [])
def test_published_files_reverse_byte_for_byte(name: str, place: Path) -> None:
    manifest = convert(SHARED / name, place / "train.jsonl")
    assert manifest["dropped"] == {}
    assert reverse(place / "train.jsonl", place / name).code == 0
    assert (place / name).read_bytes() == (SHARED / name).read_bytes()


@needs_shared
@pytest.mark.parametrize(
    ("name", "separator", "stop"),
    [
        ("nerre_doping_training_eng.jsonl", "\n\n###\n", "\n\nEND"),
        ("nerre_mof_fold0_val.jsonl", None, "\n\nEND\n\n"),
    ],
)
def test_no_bracket_full_stop_or_instruction_is_cut(name: str, separator: str | None, stop: str, place: Path) -> None:
    """The longest common ends of these files hold `]}]`, `'.` and a whole instruction: only the marks may go."""
    rows = [json.loads(line) for line in (SHARED / name).read_bytes().split(b"\n") if line]
    convert(SHARED / name, place / "train.jsonl")
    for row, ((_, asked), (_, told)) in zip(rows, said(place / "train.jsonl"), strict=True):
        if separator is not None:
            assert asked + separator == row["prompt"]
        assert row["prompt"].startswith(asked) and row["prompt"][len(asked) :].strip() in ("", "###")
        assert row["completion"].endswith(stop)
        assert row["completion"].removesuffix(stop).removeprefix(" ") == told


# --- what cannot be turned back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in UNFIT if name not in ("open-ended", "a blank line")])
def test_a_run_that_dropped_rows_is_not_turned_back(name: str, place: Path) -> None:
    family = UNFIT[name]
    manifest = convert(laid(family, place), place / "out/train.jsonl")
    assert said(place / "out/train.jsonl") == [(("user", ask), ("assistant", say)) for ask, say in family.chat]
    counts = manifest["dropped"]["prompt-completion"]
    assert sum(counts.values()) == family.dropped and len(counts) == 1
    (reason,) = counts
    told = refused(place / "out/train.jsonl", place / "again.jsonl")
    assert reason in told or f"{family.dropped} " in told, (reason, told)


def test_a_blank_line_holds_nothing_and_comes_back(place: Path) -> None:
    family = UNFIT["a blank line"]
    manifest = convert(laid(family, place), place / "out/train.jsonl")
    assert manifest["dropped"] == {"prompt-completion": {"blank-line": 1}}
    assert said(place / "out/train.jsonl") == [(("user", ask), ("assistant", say)) for ask, say in family.chat]
    assert reverse(place / "out/train.jsonl", place / "again.jsonl").code == 0
    assert (place / "again.jsonl").read_bytes() == family.data


def test_an_open_ended_file_is_refused_with_the_reason(place: Path) -> None:
    """Without a question there is no user turn: chat cannot hold it, and the message says so."""
    done = ftdata("convert", laid(UNFIT["open-ended"], place), place / "out/train.jsonl")
    assert done.code != 0
    assert "prompt" in done.err and "empty" in done.err, done.err
    assert not (place / "out/train.jsonl").exists()


def test_a_run_that_edited_rows_is_not_turned_back(place: Path) -> None:
    texts = [(ask, f"{say} Write to ana{n}@example.com") for n, (ask, say) in enumerate(pairs(32, 12))]
    (place / "in.jsonl").write_bytes(lines(marked(texts, " ->", " END")))
    convert(place / "in.jsonl", place / "train.jsonl", "--pii")
    assert "edit" in refused(place / "train.jsonl", place / "again.jsonl")
    assert not (place / "again.jsonl").exists()


def test_what_no_run_left_a_record_of_is_not_turned_back(place: Path) -> None:
    (place / "in.jsonl").write_bytes(lines(marked(pairs(33, 12), " ->", " END")))
    convert(place / "in.jsonl", place / "out/train.jsonl")
    (place / "train.jsonl").write_bytes((place / "out/train.jsonl").read_bytes())
    refused(place / "train.jsonl", place / "again.jsonl")
    shutil.rmtree(place / "out/.ftdata")
    refused(place / "out/train.jsonl", place / "again.jsonl")
    refused(place / "nowhere.jsonl", place / "again.jsonl")


def test_chat_that_was_never_legacy_is_not_turned_back(place: Path) -> None:
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    (place / "chat.jsonl").write_text(json.dumps(row) + "\n")
    convert(place / "chat.jsonl", place / "train.jsonl")
    assert "prompt-completion" in refused(place / "train.jsonl", place / "again.jsonl")


def test_chat_that_was_changed_since_gives_no_false_original(place: Path) -> None:
    """A changed file is refused: what came of it would not be what was read."""
    (place / "in.jsonl").write_bytes(lines(marked(pairs(34, 12), " ->", " END")))
    convert(place / "in.jsonl", place / "train.jsonl")
    written = (place / "train.jsonl").read_bytes()
    for changed in (written[: written.index(b"\n") + 1], written + written, written.replace(b"1003", b"1004")):
        (place / "train.jsonl").write_bytes(changed)
        refused(place / "train.jsonl", place / "again.jsonl")


def test_a_file_of_somebody_else_is_not_replaced(place: Path) -> None:
    (place / "in.jsonl").write_bytes(lines(marked(pairs(35, 12), " ->", " END")))
    convert(place / "in.jsonl", place / "train.jsonl")
    (place / "again.jsonl").write_text("mine\n")
    assert reverse(place / "train.jsonl", place / "again.jsonl").code == 4
    assert (place / "again.jsonl").read_text() == "mine\n"


# --- on request -------------------------------------------------------------------------------------------------------

SPLIT = ("--set", "transcript=true")
MERGE = ("--set", "merge=true")
MOVE = ("--set", "prefix=system")


def back_or_refused(place: Path, given: bytes) -> None:
    """A run with options either gives the very bytes or says why not; it never gives others."""
    done = reverse(place / "train.jsonl", place / "again.jsonl")
    if done.code == 0:
        assert (place / "again.jsonl").read_bytes() == given
    else:
        assert done.err.startswith("Error: ") and not (place / "again.jsonl").exists()


@pytest.mark.parametrize(
    ("customer", "agent"), [("Customer", "Agent"), ("Cliente", "Atendente"), ("User", "Bot"), ("Human", "AI")]
)
def test_transcripts_become_turns(customer: str, agent: str, place: Path) -> None:
    held = talks(36, 12, 3)
    given = lines(marked([transcript(talk, customer, agent) for talk in held], "", "\n"))
    (place / "in.jsonl").write_bytes(given)
    manifest = convert(place / "in.jsonl", place / "train.jsonl", *SPLIT)
    expected = [tuple(turn for ask, say in talk for turn in (("user", ask), ("assistant", say))) for talk in held]
    assert said(place / "train.jsonl") == expected
    assert {customer, agent} <= strings(legacy(manifest))  # the label table, for approval
    back_or_refused(place, given)


def test_texts_that_only_look_like_transcripts_keep_their_words(place: Path) -> None:
    """Whatever is split, no word of a prompt may be lost."""
    texts = pairs(37, 12)
    texts[2] = ("Error: disk full\nError: disk full\nHint: free space", "Delete files.")
    texts[3] = ("Customer: one\nwith a second line\nand: a colon\nAgent: two\nCustomer: three\nAgent:", "four")
    texts[4] = ("Agent: I begin\nCustomer: and I end", "so")
    given = lines(marked(texts, "", "\n"))
    (place / "in.jsonl").write_bytes(given)
    convert(place / "in.jsonl", place / "train.jsonl", *SPLIT)
    for (ask, say), turns in zip(texts, said(place / "train.jsonl"), strict=True):
        words = re.sub(r"(?m)^(Customer|Agent):", "", ask) if len(turns) > 2 else ask
        assert " ".join(text for _, text in turns[:-1]).split() == words.split()
        assert turns[-1] == ("assistant", say)
    back_or_refused(place, given)


def test_growing_prompts_become_one_conversation(place: Path) -> None:
    rows = growing_rows(38, 8, 3)
    alone = marked(pairs(39, 2), "\nAgent:", "\n")
    given = lines([row for talk in rows for row in talk] + alone)
    (place / "in.jsonl").write_bytes(given)
    manifest = convert(place / "in.jsonl", place / "train.jsonl", *MERGE, *SPLIT)
    assert (manifest["records"], manifest["written"], manifest["written_records"]) == (26, 10, 26)
    found = said(place / "train.jsonl")
    for talk, turns in zip(talks(38, 8, 3), found[:8], strict=True):
        assert turns == tuple(turn for ask, say in talk for turn in (("user", ask), ("assistant", say)))
    back_or_refused(place, given)


def test_a_constant_start_of_prompts_becomes_the_system_message(place: Path) -> None:
    family = FITS["instruction before"]
    (place / "in.jsonl").write_bytes(family.data)
    convert(place / "in.jsonl", place / "train.jsonl", *MOVE)
    for (ask, say), turns in zip(family.chat, said(place / "train.jsonl"), strict=True):
        (first, told), (second, asked), (third, answer) = turns
        assert (first, second, third, answer) == ("system", "user", "assistant", say)
        assert told.strip() == family.prefix.strip()
        assert ask.removeprefix(family.prefix).strip() == asked.strip()
    done = reverse(place / "train.jsonl", place / "again.jsonl")
    assert done.code == 0 and (place / "again.jsonl").read_bytes() == family.data


def test_a_mark_that_the_user_names_is_taken_off(place: Path) -> None:
    texts = pairs(40, 12)
    given = lines(marked(texts, "\nQ>>", " <eot>"))
    (place / "in.jsonl").write_bytes(given)
    convert(place / "in.jsonl", place / "kept.jsonl")
    assert said(place / "kept.jsonl")[0] == (("user", f"{texts[0][0]}\nQ>>"), ("assistant", f"{texts[0][1]} <eot>"))
    named = ("--set", r'separator=["\nQ>>"]', "--set", 'stop=[" <eot>"]')
    manifest = convert(place / "in.jsonl", place / "train.jsonl", *named)
    assert said(place / "train.jsonl") == [(("user", ask), ("assistant", say)) for ask, say in texts]
    assert {"\nQ>>", " <eot>"} <= strings(legacy(manifest))
    assert reverse(place / "train.jsonl", place / "again.jsonl").code == 0
    assert (place / "again.jsonl").read_bytes() == given


def test_a_common_end_that_is_no_known_mark_is_reported(place: Path) -> None:
    """The old tool took any shared end for a separator; ftdata names it and leaves it where it is."""
    (place / "in.jsonl").write_bytes(lines(marked(pairs(41, 12), "\n\n[ask]", "\n[done]")))
    manifest = convert(place / "in.jsonl", place / "train.jsonl")
    assert {"common-prompt-suffix", "common-completion-suffix"} <= {f["code"] for f in manifest["findings"]}
    assert said(place / "train.jsonl")[0][0][1].endswith("\n\n[ask]")
    assert said(place / "train.jsonl")[0][1][1].endswith("\n[done]")
