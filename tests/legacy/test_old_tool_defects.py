"""What `openai tools fine_tunes.prepare_data` damaged or never looked at, each shown not to happen here.

The old tool: openai-python 0.28.1 `openai/validators.py`, 1.109.1 `openai/lib/_validators.py`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from both_ways import convert, new_folder, reverse, said, strings
from families import lines, marked, pairs, table

import ftdata as library


@pytest.fixture
def place() -> Iterator[Path]:
    """Give an empty folder."""
    with new_folder() as found:
        yield found


def chat(place: Path, data: bytes, *args: object, file: str = "old.jsonl") -> list[tuple[str, str]]:
    """Convert a file; give what user and assistant say in each row, and see that it turns back."""
    (place / file).write_bytes(data)
    convert(place / file, place / "train.jsonl", *args)
    again = place / f"again-{file}"
    assert reverse(place / "train.jsonl", again, "--overwrite").code == 0 and again.read_bytes() == data
    return [(asked, told) for (_, asked), (_, told) in said(place / "train.jsonl")]


def run(place: Path, data: bytes, *steps: str, write: str = 'path = "out/train.jsonl"') -> library.Manifest:
    """Run a recipe: the file, these steps, chat JSONL as `out/train.jsonl` (or as `write` says)."""
    (place / "old.jsonl").write_bytes(data)
    tables = '[[read]]\nuse = "prompt-completion"\npath = "old.jsonl"\n'
    tables += "".join(f"[[step]]\n{step}\n" for step in steps)
    tables += f'[[write]]\nuse = "openai-chat"\n{write}\n'
    (place / "r.toml").write_text(tables)
    return library.run(place / "r.toml")


def ledger(place: Path) -> pl.DataFrame:
    return pl.read_parquet(place / "out/.ftdata/r/ledger.parquet")


def test_a_no_completion_becomes_the_repr_of_all(place: Path) -> None:
    """Since 1.3.7 the removal of a common start wrote the repr of the whole column into every completion.

    All answers of the file were lost: each became `0  <first> 1  <second> … Name: completion, dtype: object`.
    """
    texts = [(ask, f"Answer: {say}") for ask, say in pairs(1, 40)]
    found = chat(place, lines(marked(texts, " ->", " END")))
    assert found == texts
    assert b"dtype" not in (place / "train.jsonl").read_bytes()


def test_b_just_the_long_row_and_the_duplicate_go(place: Path) -> None:
    """Duplicates went first, long rows second, by positions found before: positions were used as labels.

    Of p0, p0, p1, p2, LONG, p3 it kept the row of 10,001 characters and lost p3.
    """
    short = pairs(2, 4)
    long = ("x" * 9_990, "y" * 11)
    texts = [short[0], short[0], short[1], short[2], long, short[3]]
    manifest = run(
        place, lines(marked(texts, " ->", " END")), 'use = "exact-dedup"', 'use = "length"\nmax_chars = 10000'
    )
    assert [(a, t) for (_, a), (_, t) in said(place / "out/train.jsonl")] == short
    assert manifest.dropped == {"exact-dedup": {"duplicate": 1}, "length": {"too-long": 1}}
    gone = ledger(place).filter(pl.col("event") == "drop").sort("row")
    assert gone.select("row", "id", "reason", "note").rows() == [
        (2, "old.jsonl#2", "duplicate", "twin row 1"),
        (5, "old.jsonl#5", "too-long", "10001 characters"),
    ]


PANDAS_EMPTY = (
    "#N/A,#N/A N/A,#NA,-1.#IND,-1.#QNAN,-NaN,-nan,1.#IND,1.#QNAN,<NA>,N/A,NA,NULL,NaN,None,n/a,nan,null".split(",")
)
"""What `pandas.read_csv` takes for an empty cell unless it is told not to."""


@pytest.mark.parametrize("file", ["old.csv", "old.tsv"])
def test_c_words_that_pandas_takes_for_empty_are_answers(file: str, place: Path) -> None:
    """A CSV cell `None`, `N/A`, `null`, `NA` or `nan` was read as empty and its row dropped: 12 of 24 were lost."""
    texts = [(f"What did cell {n} hold?", word) for n, word in enumerate(PANDAS_EMPTY)]
    texts += [(word, f"It was asked for {n}") for n, word in enumerate(PANDAS_EMPTY)]
    rows = [{"prompt": ask, "completion": say} for ask, say in texts]
    assert chat(place, table(rows, delimiter="\t" if file == "old.tsv" else ","), file=file) == texts
    marks = marked(texts, " ->", "")
    assert chat(place, table(marks, delimiter="\t" if file == "old.tsv" else ","), file=file) == texts


def test_d_no_letter_changes_its_case(place: Path) -> None:
    """A file mostly in capitals was lower-cased as a whole, ` END` too.

    The stop that the tool then printed was no longer the one that production sent.
    """
    texts = [(ask.upper(), say.upper()) for ask, say in pairs(3, 20)]
    found = chat(place, lines(marked(texts, " ->", " END")))
    assert found == texts
    manifest = json.loads((place / ".ftdata/train.jsonl/run.json").read_bytes())
    told = strings(manifest["inputs"][0]["legacy"])
    assert " END" in told and " end" not in told


@pytest.mark.parametrize(("sign", "full"), [("?", "."), (".", "!"), ("]", "}"), ("e", "e"), ("。", "。"), (" ", " ")])
def test_e_a_sign_that_all_rows_share_is_no_mark(sign: str, full: str, place: Path) -> None:
    """Any last character that all rows share was taken for a separator or a stop.

    With prompts that all end in `?` no separator was offered; with completions in `.`, `stop=["."]` was printed.
    """
    texts = [(f"{ask} {sign}", f"{say} {full}") for ask, say in pairs(4, 20)]
    assert chat(place, lines(marked(texts))) == texts
    marks = marked(texts, "\n\n###\n\n", " END")
    assert chat(place, lines(marks)) == texts


def test_f_marks_are_judged_on_the_rows_that_stay(place: Path) -> None:
    """Each optional fix used what was found before the other fixes, so rows that had gone still decided.

    Here a third of the rows goes (no answer, broken lines) and has no stop; the others carry the marks.
    """
    texts = pairs(5, 30)
    rows = marked(texts, " ->", " END")
    given = b"".join(
        lines([row]) + (lines([{"prompt": f"unanswered {n} ->", "completion": ""}]) if n % 3 == 0 else b"")
        for n, row in enumerate(rows)
    )
    (place / "old.jsonl").write_bytes(given + b'{"prompt": "cut\n' * 5)
    manifest = convert(place / "old.jsonl", place / "train.jsonl")
    assert [(asked, told) for (_, asked), (_, told) in said(place / "train.jsonl")] == texts
    assert (manifest["written"], manifest["rows"]) == (30, 45)
    assert {" ->", " END"} <= strings(manifest["inputs"][0]["legacy"])


def test_f_one_mark_uncovers_the_next_and_each_is_judged_once(place: Path) -> None:
    """Lower-casing, a removed start and an added space worked on the same column with findings of the first look.

    Here a space stands before the start that all answers share: it goes once, and only the one that was added.
    """
    texts = [(ask, f" Answer: {say}") for ask, say in pairs(6, 20)]
    assert chat(place, lines(marked(texts, " ->", "\n"))) == texts


def test_g_ids_dates_and_customers_stay_with_their_rows(place: Path) -> None:
    """All columns but two were deleted: no grouping, no way back to the ticket, no erasure of a customer."""
    texts = pairs(7, 60)
    rows = [
        {"id": 7000 + n, "date": f"2021-01-{n % 28 + 1:02}", **row, "customer": f"c{n % 9}"}
        for n, row in enumerate(marked(texts, " ->", " END"))
    ]
    write = "path = 'out/{split}.jsonl'\nmeta = ['id', 'customer']"
    run(place, lines(rows), 'use = "split"\nvalidation = 0.2\ngroup = "customer"', write=write)
    sides: dict[str, set[str]] = {}
    seen = {}
    for side in ("train", "validation"):
        for line in (place / f"out/{side}.jsonl").read_bytes().split(b"\n")[:-1]:
            row = json.loads(line)
            sides.setdefault(row["meta"]["customer"], set()).add(side)
            seen[row["meta"]["id"]] = (row["messages"][0]["content"], row["meta"]["customer"])
    assert seen == {7000 + n: (ask, f"c{n % 9}") for n, (ask, _) in enumerate(texts)}
    assert sides.keys() == {f"c{n}" for n in range(9)} and all(len(found) == 1 for found in sides.values())


def test_g_other_columns_are_no_part_of_the_training_row(place: Path) -> None:
    """What was deleted must not be trained on either: unless it is asked for, a row holds its messages only."""
    rows = [{"customer": f"secret-{n}", **row} for n, row in enumerate(marked(pairs(8, 12), " ->", " END"))]
    assert len(chat(place, lines(rows))) == 12
    assert b"secret" not in (place / "train.jsonl").read_bytes()


def test_h_near_copies_stand_on_one_side(place: Path) -> None:
    """The split was random over rows: copies and near-copies of one question stood on both sides."""
    chance = random.Random(9)
    texts = []
    for ask, say in pairs(9, 90):
        variants = [ask, ask.upper(), f"  {ask} ", ask.replace(" ", "  "), f"{ask}!!!"]
        texts += [(text, say) for text in chance.sample(variants, 3)]
    chance.shuffle(texts)
    run(
        place,
        lines(marked(texts, "\n\n###\n\n", " END")),
        'use = "exact-dedup"',
        'use = "split"\nvalidation = 0.2',
        write="path = 'out/{split}.jsonl'",
    )
    level = [
        {"".join(filter(str.isalnum, asked.lower())) for (_, asked), _ in said(place / f"out/{side}.jsonl")}
        for side in ("train", "validation")
    ]
    assert not level[0] & level[1] and min(map(len, level)) >= 9 and len(level[0] | level[1]) == 90


def test_i_one_bad_line_costs_one_row_and_is_named(place: Path) -> None:
    """One line that was no JSON had the whole file refused, without its number."""
    good = lines(marked(pairs(10, 20), " ->", " END"))
    cut = good.split(b"\n")
    cut.insert(12, b'{"prompt": "called as" tik-tak" ->", "completion": " no"}')
    manifest = run(place, b"\n".join(cut))
    assert (manifest.records, manifest.written) == (21, 20)
    assert manifest.dropped == {"prompt-completion": {"bad-json": 1}}
    gone = ledger(place).filter(pl.col("event") == "drop")
    assert gone.select("id", "origin", "reason").rows() == [("old.jsonl#13", [13], "bad-json")]


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_i_a_file_of_one_row_is_a_file(end: str, place: Path) -> None:
    """JSON lines of one row were taken for a JSON document and refused."""
    row = {"prompt": "Is anybody there?\n\n###\n\n", "completion": " Yes. END"}
    found = chat(place, (json.dumps(row) + end).encode())
    assert found == [("Is anybody there?", "Yes.")]


def test_i_utf8_is_read_as_utf8_in_any_locale(place: Path) -> None:
    """Files were read in the encoding of the system: UTF-8 was refused or garbled on Windows."""
    texts = pairs(11, 14, foreign=True)
    (place / "old.jsonl").write_bytes(lines(marked(texts, " ->", " END")))
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "ftdata", "convert", str(place / "old.jsonl"), str(place / "train.jsonl"), "-q"]
    subprocess.run(command, env=plain, check=True, timeout=60)
    assert [(asked, told) for (_, asked), (_, told) in said(place / "train.jsonl")] == texts


def labelled(place: Path, rows: list[dict[str, Any]], *args: object) -> dict[str, Any]:
    (place / "old.jsonl").write_bytes(lines(rows))
    return convert(place / "old.jsonl", place / "train.jsonl", *args)


def test_j_labels_that_differ_in_case_or_spaces_are_told_apart_and_counted(place: Path) -> None:
    """` billing`, ` Billing` and `billing ` were three classes, and nobody said so."""
    said_as = (" billing", " Billing", " billing ", " shipping")
    rows = [{"prompt": f"{ask} ->", "completion": said_as[n % 4]} for n, (ask, _) in enumerate(pairs(12, 40))]
    manifest = labelled(place, rows)
    assert {told for _, (_, told) in said(place / "train.jsonl")} == {"billing", "Billing", "billing ", "shipping"}
    told = manifest["inputs"][0]["legacy"]
    assert {"billing", "Billing", "billing ", "shipping"} <= strings(told), told
    assert manifest["flags"]["prompt-completion"]["label-variant"] == 20
    assert reverse(place / "train.jsonl", place / "again.jsonl").code == 0


def test_j_private_data_is_counted(place: Path) -> None:
    """Addresses of people went to training unseen."""
    rows = marked(
        [(f"{ask} I am ana{n}@example.com", say) for n, (ask, say) in enumerate(pairs(13, 12))], " ->", " END"
    )
    manifest = labelled(place, rows)
    (finding,) = [f for f in manifest["findings"] if f["code"] == "not-scrubbed"]
    assert "12 email in 12 rows" in finding["message"]
    assert labelled(place, rows, "--pii")["written"] == 12
    assert b"@example.com" not in (place / "train.jsonl").read_bytes()


def test_j_one_prompt_with_two_labels_is_found(place: Path) -> None:
    """The same prompt with two labels was trained on as it was; here all such rows are flagged, and told of."""
    texts = [(ask, ("yes", "no")[n % 2]) for n, (ask, _) in enumerate(pairs(14, 20))]
    texts += [(ask, "no" if say == "yes" else "yes") for ask, say in texts[:5]]
    texts += texts[10:13]  # the same label again is no conflict
    manifest = run(place, lines(marked(texts, " ->")))
    assert manifest.flags["prompt-completion"]["conflicting-completions"] == 10
    flagged = ledger(place).filter((pl.col("event") == "flag") & (pl.col("reason") == "conflicting-completions"))
    assert flagged["row"].sort().to_list() == [*range(1, 6), *range(21, 26)]
    assert "conflicting-completions" in {finding.code for finding in manifest.findings}
    assert manifest.written == 28


def test_j_one_of_two_labels_for_a_prompt_can_be_dropped(place: Path) -> None:
    """`exact-dedup` on the question keeps one of each pair and names it."""
    texts = [(ask, ("yes", "no")[n % 2]) for n, (ask, _) in enumerate(pairs(14, 20))]
    texts += [(ask, "no" if say == "yes" else "yes") for ask, say in texts[:5]]
    run(place, lines(marked(texts, " ->")), 'use = "exact-dedup"\non = "question"')
    gone = ledger(place).filter(pl.col("event") == "drop").sort("row")
    assert gone.select("row", "reason", "note").rows() == [(21 + n, "duplicate", f"twin row {1 + n}") for n in range(5)]


def test_j_near_duplicates_are_found(place: Path) -> None:
    """Only equal rows were found; one more space made another row."""
    texts = pairs(15, 20)
    near = [(f"{ask.upper()} ", f"{say}  ") for ask, say in texts[:6]]
    manifest = run(place, lines(marked(texts + near, " ->", " END")), 'use = "exact-dedup"\nnormalise = "space-case"')
    assert manifest.dropped == {"exact-dedup": {"duplicate": 6}} and manifest.written == 20


def test_j_near_duplicates_that_differ_by_a_word_are_found(place: Path) -> None:
    """The same ticket with one more word was another row; `near-dedup` names the row that it repeats."""
    words = [f"word{n}" for n in range(400)]
    chance = random.Random(18)
    texts = [(" ".join(chance.sample(words, 40)), " ".join(chance.sample(words, 40))) for _ in range(20)]
    near = [(f"{ask} please", say) for ask, say in texts[:6]]
    manifest = run(place, lines(marked(texts + near, " ->", " END")), 'use = "near-dedup"\nthreshold = 0.8')
    assert [sum(reasons.values()) for reasons in manifest.dropped.values()] == [6] and manifest.written == 20
    gone = ledger(place).filter(event="drop").sort("row")
    assert gone["row"].to_list() == [*range(21, 27)] and gone["stage"].unique().to_list() == ["near-dedup"]


def test_j_a_byte_order_mark_and_control_characters_change_nothing(place: Path) -> None:
    """A byte order mark became part of the first key; control characters went unseen."""
    texts = [(f"{ask}\x00\x07", f"\x1b[0m{say}\ufeff") for ask, say in pairs(16, 12)]
    assert chat(place, b"\xef\xbb\xbf" + lines(marked(texts, " ->", " END"))) == texts


def test_j_a_label_with_few_rows_is_found(place: Path) -> None:
    """A class of two rows was split at random like the others; `legacy` lists every label with its count."""
    texts = [(ask, "rare" if n in (3, 50) else ("yes", "no")[n % 2]) for n, (ask, _) in enumerate(pairs(17, 80))]
    manifest = labelled(place, marked(texts, " ->"))
    assert '"rare": 2' in json.dumps(manifest["inputs"][0]["legacy"])
