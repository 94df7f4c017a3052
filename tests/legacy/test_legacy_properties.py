"""Laws of old prompt/completion files: any texts, any marks, any style of JSON: the same bytes again, no text lost."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from both_ways import convert, ftdata, new_folder, reverse, said
from families import OWN_SEPARATORS, OWN_STOPS, STYLES, TOOL_SEPARATORS, TOOL_STOPS, braced, lines, shouted, table
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SEPARATORS = (*TOOL_SEPARATORS, *OWN_SEPARATORS, *OWN_STOPS)
"""Known marks of prompts: the rule lists `END` in its forms among the separators too."""
STOPS = (*TOOL_STOPS, *OWN_STOPS)
KNOWN = tuple(sorted({*SEPARATORS, *STOPS}, key=len, reverse=True))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give an empty folder."""
    with new_folder() as found:
        yield found


# --- files ------------------------------------------------------------------------------------------------------------

ODD = (
    "\x00",
    "\x01\x1f\x7f\x80\x9f",
    "\u2028\u2029\u0085\ufeff\ufffe",
    "\ud7ff\ue000\uffff\U00010000\U0010ffff",
    '\\"\\\\/\\/ \\u0041 \\n',
    "\r\n\r\t\b\f\v",
    "Name: completion, dtype: object",
    "e\u0301\u202e\u200b",
    "None",
    "null",
    '{"prompt":"x","completion":"y"}',
)
WIDE = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PIECES = st.one_of(
    WIDE, st.sampled_from(ODD), st.sampled_from(KNOWN), st.sampled_from([" ", "  ", "\n", "Agent:", "Q: "])
)
TEXTS = st.lists(PIECES, min_size=1, max_size=4).map("".join)


def solid(text: str) -> bool:
    """Whether something is left when all marks and spaces are off: else a row may rightly be taken for empty."""
    for mark in KNOWN:
        text = text.replace(mark, "")
    return bool(text.strip())


SOLID = TEXTS.filter(solid)


@dataclass(frozen=True)
class Old:
    """A file of the old layout: its rows as they are parsed, and its bytes."""

    rows: tuple[tuple[str, str], ...]
    data: bytes
    file: str = "old.jsonl"


@st.composite
def files(draw: st.DrawFn, texts: st.SearchStrategy[str] = SOLID, odd_styles: bool = True) -> Old:
    """Draw a file: texts, marks, the style of each line, other keys, line ends."""
    bare = draw(st.lists(st.tuples(texts, texts), min_size=1, max_size=7))
    if draw(st.booleans()) and len(bare) > 2:
        label = draw(st.lists(texts, min_size=1, max_size=2))
        bare = [(ask, label[n % len(label)]) for n, (ask, _) in enumerate(bare)]
    separator = draw(st.sampled_from(["", *SEPARATORS, "?", "=>"]))
    stop = draw(st.sampled_from(["", *STOPS, "}"]))
    space = draw(st.sampled_from(["", " ", "  "]))
    bared = draw(st.sets(st.integers(0, len(bare) - 1), max_size=1)) if draw(st.booleans()) else set()
    rows = [(ask, say) if n in bared else (ask + separator, space + say + stop) for n, (ask, say) in enumerate(bare)]
    names = draw(st.sampled_from([("prompt", "completion"), ("PROMPT", "COMPLETION"), ("Prompt", "Completion")]))
    turned = draw(st.booleans())
    more = draw(st.one_of(st.none(), st.tuples(st.sampled_from(["id", "customer", "é/", ""]), EXTRA)))
    styles = draw(
        st.one_of(
            st.sampled_from(STYLES).map(lambda style: [style] * len(rows)),
            st.lists(
                st.sampled_from([*STYLES, braced, shouted] if odd_styles else STYLES),
                min_size=len(rows),
                max_size=len(rows),
            ),
        )
    )
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    written = []
    for (ask, say), style in zip(rows, styles, strict=True):
        row: dict[str, Any] = {names[0]: ask, names[1]: say}
        if turned:
            row = dict(reversed(row.items()))
        if more:
            row[more[0]] = more[1]
        written.append(style(row))
    mark = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    last = end if draw(st.booleans()) else ""
    return Old(tuple(rows), mark + (end.join(written) + last).encode())


EXTRA = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2**53 + 1, 10**30, 1.5, 1.0, 1e-7, -0.0]),
    WIDE,
    st.lists(WIDE, max_size=2),
    st.dictionaries(WIDE, st.integers(), max_size=2),
)


# --- what must hold ---------------------------------------------------------------------------------------------------


def shared(texts: list[str], marks: tuple[str, ...]) -> str:
    """Give the longest known mark at the end of all texts, or nothing."""
    return max((mark for mark in marks if all(text.endswith(mark) for text in texts)), key=len, default="")


def none_has(texts: list[str], marks: tuple[str, ...]) -> bool:
    return not any(text.endswith(mark) for text in texts for mark in marks)


def tried(old: Old, folder: Path) -> list[tuple[str, str]]:
    """Convert and turn back in a clean folder; give what user and assistant say."""
    shutil.rmtree(folder / "try", ignore_errors=True)
    place = folder / "try"
    place.mkdir()
    source, chat, again = place / old.file, place / "train.jsonl", place / f"again-{old.file}"
    source.write_bytes(old.data)
    manifest = convert(source, chat, "--from", "prompt-completion")
    assert manifest["dropped"] == {} and manifest["written"] == len(old.rows)
    source.unlink()
    done = reverse(chat, again)
    assert done.code == 0, done.err
    assert again.read_bytes() == old.data
    return [(asked, told) for (_, asked), (_, told) in said(chat)]


def nothing_lost(old: Old, found: list[tuple[str, str]]) -> None:
    """Hold each row against its source: what is gone is a known mark at the end, a space at the start, no more."""
    for (prompt, completion), (asked, told) in zip(old.rows, found, strict=True):
        assert prompt.startswith(asked) and prompt[len(asked) :] in ("", *SEPARATORS)
        assert any(completion == space + told + stop for space in ("", " ") for stop in ("", *STOPS) if stop != "."), (
            completion,
            told,
        )
    prompts, completions = zip(*old.rows, strict=True)
    separator, stop = shared(list(prompts), SEPARATORS), shared(list(completions), STOPS)
    if separator or none_has(list(prompts), KNOWN):
        assert [asked for asked, _ in found] == [prompt.removesuffix(separator) for prompt in prompts]
    spaced = [completion.startswith(" ") for completion in completions]
    if (stop or none_has(list(completions), KNOWN)) and (all(spaced) or not any(spaced)):
        stop = "" if stop == "." else stop
        assert [told for _, told in found] == [text.removesuffix(stop).removeprefix(" ") for text in completions]


LAW = settings(
    max_examples=70, deadline=None, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck)
)


@LAW
@given(files())
def test_any_lines_come_back_and_lose_nothing(folder: Path, old: Old) -> None:
    nothing_lost(old, tried(old, folder))


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=12)


@settings(LAW, max_examples=25)
@given(
    st.lists(st.tuples(CELLS, CELLS).filter(lambda pair: solid(pair[0]) and solid(pair[1])), min_size=1, max_size=6),
    st.sampled_from(["", *TOOL_SEPARATORS]),
    st.sampled_from(["", *TOOL_STOPS]),
    st.sampled_from([",", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_comes_back(
    folder: Path, bare: list[tuple[str, str]], separator: str, stop: str, delimiter: str, end: str
) -> None:
    rows = [{"prompt": ask + separator, "completion": f" {say}{stop}"} for ask, say in bare]
    data = table(rows, end, delimiter=delimiter)
    old = Old(
        tuple((row["prompt"], row["completion"]) for row in rows), data, "old.csv" if delimiter == "," else "old.tsv"
    )
    nothing_lost(old, tried(old, folder))


@settings(LAW, max_examples=40)
@given(files(st.one_of(TEXTS, st.sampled_from(["", " ", "\n", *KNOWN]))))
def test_rows_without_words_come_back_or_the_file_is_refused(folder: Path, old: Old) -> None:
    """Empty texts may be dropped; then nothing is turned back, and what stays has lost no text."""
    shutil.rmtree(folder / "try", ignore_errors=True)
    place = folder / "try"
    place.mkdir()
    (place / "old.jsonl").write_bytes(old.data)
    done = ftdata("convert", place / "old.jsonl", place / "train.jsonl", "--json", "-q", "--from", "prompt-completion")
    if done.code != 0:
        assert not (place / "train.jsonl").exists()
        return
    manifest = json.loads(done.out)["manifest"]
    back = reverse(place / "train.jsonl", place / "again.jsonl")
    if manifest["dropped"]:
        assert back.code != 0 and not (place / "again.jsonl").exists()
        assert manifest["dropped_records"] + manifest["written_records"] == len(old.rows)
    else:
        assert back.code == 0 and (place / "again.jsonl").read_bytes() == old.data


# --- what may be asked for --------------------------------------------------------------------------------------------

WORDS = st.one_of(
    st.sampled_from(["Where is my order?", "Sent.", "é 日本 👍", "a: b", "Note: this", "two\nlines", "x"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=6),
)
LABELS = (("Customer", "Agent"), ("Q", "A"), ("Cliente", "Atendente"), ("Human", "AI"))
BEFORE = "Be polite and answer in one line.\n\n"


@st.composite
def talks(draw: st.DrawFn) -> Old:
    """Draw transcripts inside prompts: several labels and ways of spacing, some with the history so far again."""
    customer, agent = draw(
        st.sampled_from([("Customer", "Agent"), ("Q", "A"), ("Cliente", "Atendente"), ("Human", "AI")])
    )
    spaces = draw(st.lists(st.sampled_from([": ", ":", ":\n", " : ", ":  "]), min_size=1, max_size=2))
    gaps = draw(st.lists(st.sampled_from(["\n", "\n", "\n\n", " \n", "\n "]), min_size=1, max_size=2))
    separator = draw(st.sampled_from(["", "", "\n\n###\n\n", " ->"]))
    stop = draw(st.sampled_from(["", "\n", " END"]))
    first = draw(st.sampled_from(["", "", BEFORE, "Summary: none\n\n"]))
    rows: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(1, 4))):
        told, grows = first, draw(st.booleans())
        exact = draw(st.booleans())
        for turn, (ask, say) in enumerate(draw(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3))):
            space, gap = spaces[turn % len(spaces)], gaps[turn % len(gaps)]
            prompt = f"{told}{customer}{space}{ask}{gap}{agent}:"
            if grows or not turn:
                rows.append((prompt + separator, f" {say}{stop}"))
            told = prompt + separator + f" {say}{stop}" if exact else f"{prompt} {say}{gap}"
        if not grows:
            rows[-1] = (prompt + separator, f" {say}{stop}")
    if draw(st.booleans()):
        rows.append((draw(WORDS), draw(WORDS)))
    return Old(tuple(rows), lines(({"prompt": p, "completion": c} for p, c in rows), draw(st.sampled_from(STYLES))))


NO_WORDS = r"(?:\s|->|###|END|(?:Customer|Agent|Q|A|Cliente|Atendente|Human|AI)\s*:)*"
"""What may stand between two turns: labels, marks, white space."""

ASKED = st.sets(st.sampled_from(["split", "merge=true", "prefix=system"]), min_size=1)


@settings(LAW, max_examples=50)
@given(talks(), ASKED)
def test_talks_come_back_whatever_is_asked_for(folder: Path, old: Old, asked: set[str]) -> None:
    """Split, merged, moved to the system message: the bytes come back, and no word is lost or said twice."""
    shutil.rmtree(folder / "try", ignore_errors=True)
    place = folder / "try"
    place.mkdir()
    (place / "old.jsonl").write_bytes(old.data)
    customer, agent = next(
        pair for pair in LABELS if f"{pair[0]}" in old.rows[0][0] and f"{pair[1]}:" in old.rows[0][0]
    )
    split = f'roles={{ {customer} = "user", {agent} = "assistant" }}'
    chosen = [part for setting in sorted(asked) for part in ("--set", split if setting == "split" else setting)]
    done = ftdata("convert", place / "old.jsonl", place / "train.jsonl", "--json", "-q", *chosen)
    assert done.code == 0, done.err
    manifest = json.loads(done.out)["manifest"]
    assert manifest["written_records"] == len(old.rows)
    (place / "old.jsonl").unlink()
    back = reverse(place / "train.jsonl", place / "again.jsonl")
    assert back.code == 0, back.err
    assert (place / "again.jsonl").read_bytes() == old.data
    written = said(place / "train.jsonl")
    ledger = pl.read_parquet(place / ".ftdata/train.jsonl/ledger.parquet").filter(event="write").sort("line")
    for turns, origin in zip(written, ledger["origin"].to_list(), strict=True):
        *before, (prompt, completion) = [old.rows[number - 1] for number in origin]
        assert not before or "merge=true" in asked
        words = NO_WORDS.join(["", *(re.escape(text) for _, text in turns), ""])
        assert re.fullmatch(words, prompt + completion)
        answers = [text for role, text in turns if role == "assistant"]
        for (earlier, answer), following in pairwise([*before, (prompt, completion)]):
            assert following[0].startswith(bare(earlier)) and bare(answer).strip() in map(bare, map(str.strip, answers))


def bare(text: str) -> str:
    """Take every known mark off the end of a text, and the white space there."""
    while any(text.rstrip().endswith(mark.strip() or "\n") for mark in KNOWN if mark != "."):
        text = text.rstrip()
        text = text[: -max(len(mark.strip()) for mark in KNOWN if text.endswith(mark.strip()))]
    return text.rstrip()
