"""Old prompt/completion files: the marks come off, the texts stay whole, and the file can be rebuilt byte for byte."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.errors import InputError
from ftdata.readers.prompt_completion import Form, PromptCompletion
from ftdata.source import Source

REAL = Path(__file__).parents[3] / "shared" / "data" / "legacy"


class Read(NamedTuple):
    """What the reader made of a file: its rows, the file rebuilt from them, what the manifest would hold."""

    rows: list[dict[str, Any]]
    rebuilt: bytes
    legacy: dict[str, Any]

    @property
    def texts(self) -> list[list[tuple[str, str]]]:
        return [[(m["role"], m["content"]) for m in row["messages"]] for row in self.rows if row["drop"] is None]

    @property
    def dropped(self) -> list[str]:
        return [row["drop"] for row in self.rows if row["drop"]]

    @property
    def flags(self) -> Counter[str]:
        return Counter(flag for row in self.rows for flag in row["flags"])

    @property
    def metas(self) -> list[Any]:
        return [row["meta"] and json.loads(row["meta"]) for row in self.rows if row["drop"] is None]


def read(path: Path, content: bytes | str, **fields: Any) -> Read:
    """Read a file; put it together again from its rows and what the manifest holds, and from nothing else."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    stage = PromptCompletion(path=path, **fields)
    with Source(path, encoding=stage.encoding) as source:
        batches = list(stage.read(source))
        assert source.unread() is None
        legacy = json.loads(json.dumps(source.legacy))
    rows = pl.concat(batches).to_dicts() if batches else []
    form = Form.load(legacy)
    pieces = [form.head]
    for row in rows:
        if row["drop"] is None:
            for before, text in form.back([(m["role"], m["content"]) for m in row["messages"]], row["meta"]):
                gap = form.between if before is None else before
                pieces += [gap, text] if len(pieces) > 1 else [text]
    return Read(rows, form.mark + form.encoded("".join([*pieces, form.tail])), legacy)


def pairs(texts: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    return [[("user", asked), ("assistant", answered)] for asked, answered in texts]


def lines(rows: Sequence[Any], **how: Any) -> str:
    return "".join(json.dumps(row, **how) + "\n" for row in rows)


def marked(count: int = 20, separator: str = " ->", stop: str = " END") -> list[dict[str, str]]:
    return [{"prompt": f"ask é/{i}{separator}", "completion": f' say "{i}"{stop}'} for i in range(count)]


BARE = pairs([(f"ask é/{i}", f'say "{i}"') for i in range(20)])


# --- layouts and styles -----------------------------------------------------------------------------------------------

STYLES: dict[str, str] = {
    "default": lines(marked()),
    "utf-8": lines(marked(), ensure_ascii=False),
    "compact": lines(marked(), separators=(",", ":")),
    "compact utf-8": lines(marked(), separators=(",", ":"), ensure_ascii=False),
    "slashes": lines(marked(), separators=(",", ":"), ensure_ascii=False).replace("/", "\\/"),
    "ascii slashes": lines(marked()).replace("/", "\\/"),
    "padded": "".join("{ " + json.dumps(row)[1:-1] + " }\n" for row in marked()),
    "crlf": lines(marked()).replace("\n", "\r\n"),
    "no final newline": lines(marked()).rstrip("\n"),
    "array": json.dumps(marked()),
    "array of lines": "[\n" + ",\n".join(map(json.dumps, marked())) + "\n]\n",
    "indented": json.dumps(marked(), indent=2, ensure_ascii=False),
    "tabs": json.dumps(marked(), indent="\t"),
    "objects": "\n".join(json.dumps(row, indent=4) for row in marked()),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_no_style_of_json_costs_a_mark_of_its_own(tmp_path: Path, style: str, mark: str) -> None:
    content = (mark + STYLES[style]).encode()
    found = read(tmp_path / "old.jsonl", content)
    assert found.texts == BARE
    assert found.rebuilt == content
    assert found.legacy["counts"]["own"] == 0
    assert found.legacy["bom"] == bool(mark)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables(tmp_path: Path, quoting: Any, delimiter: str, end: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["ID", "Completion", "PROMPT"])
    for at, row in enumerate(marked()):
        writer.writerow([at, row["completion"], f"two\nlines{delimiter} {row['prompt']}"])
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        content = out.getvalue().encode(encoding)
        found = read(tmp_path / "old.csv", content)
        assert found.texts == pairs([(f"two\nlines{delimiter} ask é/{i}", f'say "{i}"') for i in range(20)])
        assert found.metas == [{"ID": str(i)} for i in range(20)]
        assert found.rebuilt == content
        assert found.legacy["counts"]["own"] == 0


def test_a_table_in_no_style_is_kept_as_it_stands(tmp_path: Path) -> None:
    content = 'prompt,completion\r\na,b,,\r\n\r\n"needless",y\r\nc,d\r\n\n\n'
    found = read(tmp_path / "old.csv", content)
    assert found.texts == pairs([("a", "b"), ("needless", "y"), ("c", "d")])
    assert found.rebuilt == content.encode()
    assert found.flags["verbatim"] == found.legacy["counts"]["verbatim"] == 2


@pytest.mark.parametrize("cell", ["None", "N/A", "nan", "null", "NA", "0"])
def test_cells_that_other_tools_take_for_empty_are_text(tmp_path: Path, cell: str) -> None:
    content = f"prompt,completion,x\n{cell},{cell},{cell}\n"
    found = read(tmp_path / "old.csv", content)
    assert (found.texts, found.metas, found.dropped) == (pairs([(cell, cell)]), [{"x": cell}], [])


def test_mixed_line_ends_and_blank_lines(tmp_path: Path) -> None:
    rows = [json.dumps(row) for row in marked()]
    content = "\n \r\n" + "".join(row + ("\r\n" if at % 3 else "\n\n \t\n") for at, row in enumerate(rows)) + "\n  "
    found = read(tmp_path / "old.jsonl", content)
    assert found.texts == BARE
    assert found.rebuilt == content.encode()
    assert set(found.dropped) == {"blank-line"}


def test_keys_in_any_case_and_order_with_others_beside(tmp_path: Path) -> None:
    content = (
        '{"Completion": "b", "PROMPT": "a", "id": 1e5, "tags": ["x", {"y": 1.50}], "none": null, "legacy": "mine"}\n'
        '{"prompt": "c", "id": "é", "completion": "d"}\n'
        '{"prompt": "e", "Prompt": "f", "completion": "g", "n": 123456789012345678901234567890}\n'
    )
    found = read(tmp_path / "old.jsonl", content)
    assert found.texts == pairs([("a", "b"), ("c", "d"), ("e", "g")])
    assert found.rebuilt == content.encode()
    first, second, third = found.metas
    assert first["legacy"] == "mine"
    assert '"id":1e5' in (found.rows[0]["meta"] or "")
    assert second["id"] == "é"
    assert (third["Prompt"], third["n"]) == ("f", 123456789012345678901234567890)


def test_a_key_named_as_ours_stays_however_late_it_comes(tmp_path: Path) -> None:
    rows: list[Any] = [{"prompt": f"p{i}", "completion": "c", f"k{i}": i} for i in range(1001)]
    rows.append({"completion": "c", "prompt": "p", "legacy": "theirs", "legacy__": 1})
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert found.rebuilt == lines(rows).encode()
    assert found.legacy["key"] == "legacy_"
    assert (found.metas[-1]["legacy"], found.metas[-1]["legacy__"]) == ("theirs", 1)


def test_labels_that_are_no_text_survive(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{i} ->", "completion": i % 2} for i in range(12)]
    content = lines(rows) + '{"prompt": "x ->", "completion": 1.0}\n{"prompt": true, "completion": " two"}\n'
    found = read(tmp_path / "old.jsonl", content)
    assert found.texts == pairs([*((f"p{i}", str(i % 2)) for i in range(12)), ("x", "1.0"), ("true", "two")])
    assert found.rebuilt == content.encode()
    assert found.legacy["counts"]["verbatim"] == 0


def test_bad_records_go_alone(tmp_path: Path) -> None:
    content = (
        b'{"prompt": "a", "completion": "b"}\n{bad\n[1]\n{"prompt": "a"}\n{"completion": "a"}\n'
        b'{"prompt": ["x"], "completion": "a"}\n\xff\n{"prompt": "a", "completion": " "}\n'
        b'{"prompt": "", "completion": "a"}\n{"prompt": null, "completion": "a"}\n{"prompt": "c", "completion": "d"}'
    )
    found = read(tmp_path / "old.jsonl", content)
    assert found.texts == pairs([("a", "b"), ("c", "d")])
    assert found.dropped == [
        *("bad-json", "not-an-object", "no-completion", "no-prompt", "not-text", "not-utf8"),
        *("empty-completion", "empty-prompt", "empty-prompt"),
    ]
    assert found.rows[1]["note"] == "column 2"
    first = read(tmp_path / "old.jsonl", b"oops\n" + content)
    assert (first.texts, first.dropped) == (found.texts, ["bad-json", *found.dropped])


@pytest.mark.parametrize(("levels", "dropped"), [(63, []), (64, ["too-deep"])])
def test_what_nests_too_deep_goes(tmp_path: Path, levels: int, dropped: list[str]) -> None:
    deep = f'{{"prompt": "a", "completion": "b", "x": {"[" * levels}{"]" * levels}}}\n'
    found = read(tmp_path / "old.jsonl", lines([{"prompt": "[[", "completion": " " + "{" * 99}]) + deep)
    assert found.dropped == dropped
    assert len(found.texts) == 2 - len(dropped)


def test_a_key_given_twice_is_flagged_and_comes_back(tmp_path: Path) -> None:
    content = '{"prompt": "a", "prompt": "b", "completion": "c"}\n'
    found = read(tmp_path / "old.jsonl", content)
    assert found.texts == pairs([("b", "c")])
    assert found.flags == {"duplicate-key": 1, "verbatim": 1}
    assert found.rebuilt == content.encode()


def test_a_table_without_the_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no columns `prompt` and `completion`"):
        read(tmp_path / "old.csv", "question,answer\na,b\n")


# --- marks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("without", "taken"), [(0, True), (2, True), (3, False)])
def test_a_known_mark_comes_off_from_98_percent_on(tmp_path: Path, without: int, taken: bool) -> None:
    rows = marked(100)
    for row in rows[:without]:
        row["prompt"], row["completion"] = row["prompt"][:-3], row["completion"][:-4]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert found.rebuilt == lines(rows).encode()
    assert (found.legacy["separator"], found.legacy["stop"]) == ((" ->", " END") if taken else ("", ""))
    last = (" ->", " END") if not taken else ("", "")
    assert found.texts[-1] == pairs([(f"ask é/99{last[0]}", f'say "99"{last[1]}')])[0]
    assert found.texts[0][0][1] == ("ask é/0" if without else "ask é/0" + last[0])
    assert found.legacy["counts"]["separators"].get(" ->") == 100 - without
    assert found.flags["no-separator"] == (without if taken else 0)
    assert found.flags["mixed-separators"] == (0 if taken else 97)


def test_marks_are_decided_on_all_rows_and_not_on_the_first(tmp_path: Path) -> None:
    rows = marked(3000) + [{"prompt": f"ask {i}", "completion": f"say {i}"} for i in range(200)]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert found.texts[0] == pairs([("ask é/0 ->", 'say "0" END')])[0]


def test_a_common_ending_that_is_no_known_mark_stays(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}.\n\nExtract.\n\n###\n", "completion": f' {{"a": [{i}]}}\n\nEND'} for i in range(9)]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert found.texts == pairs([(f"{i}.\n\nExtract.", f'{{"a": [{i}]}}') for i in range(9)])
    assert found.flags["common-prompt-suffix"] == 9


@pytest.mark.parametrize(("ending", "told"), [("?", 0), (".)", 0), ("(?)", 9)])
def test_a_common_ending_of_a_sign_or_two_says_nothing(tmp_path: Path, ending: str, told: int) -> None:
    found = read(tmp_path / "old.jsonl", lines([{"prompt": f"{i}{ending}", "completion": f" c{i}"} for i in range(9)]))
    assert found.flags["common-prompt-suffix"] == told


@pytest.mark.parametrize(("lead", "told"), [("abcd", 0), ("abcde", 9)])
def test_a_beginning_of_all_completions_is_told_and_kept(tmp_path: Path, lead: str, told: int) -> None:
    rows = [{"prompt": f"p{i}", "completion": f" {lead}{i}"} for i in range(9)]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert found.flags["constant-completion-prefix"] == told
    assert found.texts[0] == pairs([("p0", f"{lead}0")])[0]


@pytest.mark.parametrize(("marks", "told"), [(4, 0), (5, 5)])
def test_a_mark_in_few_texts_is_told_from_5_percent_on(tmp_path: Path, marks: int, told: int) -> None:
    rows = [
        {"prompt": f"p{i}" + " ->" * (i < marks), "completion": f" c{i}" + " END" * (i < marks)} for i in range(100)
    ]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert (found.flags["mixed-separators"], found.flags["mixed-stops"]) == (told, told)
    assert found.rebuilt == lines(rows).encode()


@pytest.mark.parametrize(("rows", "task"), [(6, "conditional"), (7, "classification")])
def test_under_a_third_of_the_completions_differ_in_a_classification(tmp_path: Path, rows: int, task: str) -> None:
    found = read(tmp_path / "old.jsonl", lines([{"prompt": f"p{i}", "completion": f" {i % 2}"} for i in range(rows)]))
    assert found.legacy["task"] == task


def test_a_full_stop_is_kept_and_a_line_feed_taken(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{i}?", "completion": f" c{i}.\n"} for i in range(9)]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert found.texts == pairs([(f"p{i}?", f"c{i}.") for i in range(9)])
    kept = read(tmp_path / "old.jsonl", lines([{**row, "completion": row["completion"][:-1]} for row in rows]))
    assert kept.texts == found.texts
    assert kept.legacy["stop"] == ""


def test_exactly_one_space_is_taken(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{i}", "completion": "   x" if i else "x"} for i in range(9)]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert [turns[1][1] for turns in found.texts] == ["x", *["  x"] * 8]
    assert found.metas[0] == {"legacy": {"space": False}}
    few = [{"prompt": f"p{i}", "completion": "x" if i > 3 else " x"} for i in range(8)]
    assert read(tmp_path / "old.jsonl", lines(few)).texts[0][1][1] == " x"


def test_named_marks_come_off_wherever_they_stand(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{i}" + ("##", "!", "")[i % 3], "completion": f"c{i}."} for i in range(30)]
    found = read(tmp_path / "old.jsonl", lines(rows), separator=["##", "!"], stop=".")
    assert found.texts == pairs([(f"p{i}", f"c{i}") for i in range(30)])
    assert found.rebuilt == lines(rows).encode()
    assert read(tmp_path / "old.jsonl", lines(marked()), separator=[], stop=[]).texts[0][0][1] == "ask é/0 ->"


def test_a_mark_within_a_text_is_told(tmp_path: Path) -> None:
    rows = [
        *marked(),
        {"prompt": "a -> b ->", "completion": " c END"},
        {"prompt": "d ->", "completion": " e END f END"},
    ]
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert found.texts[-2:] == pairs([("a -> b", "c"), ("d", "e END f")])
    assert found.flags == {"separator-inside": 1, "stop-inside": 1}


def test_labels_stay_bare_and_variants_apart(tmp_path: Path) -> None:
    labels = [*["billing"] * 8, *["refund"] * 6, "Billing"]
    rows = [{"prompt": f"p{i} ->", "completion": f" {label}"} for i, label in enumerate(labels)]
    rows.append({"prompt": "p0 ->", "completion": " refund"})
    alone = read(tmp_path / "old.jsonl", lines([*rows, {"prompt": "q ->", "completion": " call Ann"}]))
    assert alone.legacy["labels"] == {"billing": 8, "refund": 7, "Billing": 1, "": 1}
    found = read(tmp_path / "old.jsonl", lines(rows))
    assert [turns[1][1] for turns in found.texts] == [*labels, "refund"]
    assert found.legacy["task"] == "classification"
    assert found.legacy["labels"] == {"billing": 8, "refund": 7, "Billing": 1}
    assert (found.flags["label-variant"], found.flags["conflicting-completions"]) == (1, 2)


def test_the_manifest_holds_no_text(tmp_path: Path) -> None:
    rows = [
        {"prompt": "qxzv one two\n\nQxzv: hi", "completion": f"qxzv said this very long answer to all {i}"}
        for i in "abc"
    ]
    for content in (lines(rows), "prompt,completion\nqxzv a,qxzv b\nqxzv c,qxzv b\n", json.dumps(rows)):
        found = read(tmp_path / "old.jsonl", content)
        assert "qxzv" not in json.dumps(found.legacy).lower()


# --- prefix, transcripts, growing prompts, empty prompts --------------------------------------------------------------


def test_a_constant_prefix_moves_once_and_only_on_request(tmp_path: Path) -> None:
    rows = [{"prompt": f"Classify this text: I {w} it ->", "completion": f" {i}"} for i, w in enumerate("abcd")]
    kept = read(tmp_path / "old.jsonl", lines(rows))
    assert kept.texts[0][0] == ("user", "Classify this text: I a it")
    assert kept.flags["constant-prompt-prefix"] == 4
    moved = read(tmp_path / "old.jsonl", lines(rows), prefix="system")
    assert moved.texts[0][:2] == [("system", "Classify this text:"), ("user", "I a it")]
    assert moved.rebuilt == lines(rows).encode()
    assert "Classify" not in json.dumps(moved.legacy)


TALK = [
    {
        "prompt": f"Summary: s{i}\n\nCustomer: hi {i}\nAgent: yes?\nCustomer:  where?\nNo: {i}\nAgent:",
        "completion": f" in {i}\n",
    }
    for i in range(8)
]
SPLIT = [
    [
        ("system", f"Summary: s{i}"),
        ("user", f"hi {i}"),
        ("assistant", "yes?"),
        ("user", f"where?\nNo: {i}"),
        ("assistant", f"in {i}"),
    ]
    for i in range(8)
]


@pytest.mark.parametrize("separator", ["", "\n\n###\n\n"])
@pytest.mark.parametrize("wish", [{"transcript": True}, {"roles": {"Customer": "user", "Agent": "assistant"}}])
def test_transcripts(tmp_path: Path, separator: str, wish: dict[str, Any]) -> None:
    rows = [{**row, "prompt": row["prompt"] + separator} for row in TALK]
    found = read(tmp_path / "old.jsonl", lines(rows), **wish)
    assert found.texts == SPLIT
    assert found.rebuilt == lines(rows).encode()
    assert found.legacy["roles"] == {"Customer": "user", "Agent": "assistant"}
    odd = read(tmp_path / "old.jsonl", lines([*rows, {"prompt": "plain" + separator, "completion": " x\n"}]), **wish)
    assert odd.texts[-1] == pairs([("plain", "x")])[0]
    assert odd.flags["no-transcript"] == 1
    assert read(tmp_path / "old.jsonl", lines(rows)).texts[0][0] == ("user", TALK[0]["prompt"])


def test_the_user_is_who_speaks_before_the_assistant(tmp_path: Path) -> None:
    rows = [{"prompt": f"Summary: s{i}\nFacts: f{i}\nMe: hi {i}\nBot:", "completion": f" ho {i}"} for i in range(9)]
    found = read(tmp_path / "old.jsonl", lines(rows), transcript=True)
    assert found.texts[0] == [("system", "Summary: s0\nFacts: f0"), ("user", "hi 0"), ("assistant", "ho 0")]
    assert found.rebuilt == lines(rows).encode()


def test_transcripts_without_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name the labels"):
        read(tmp_path / "old.jsonl", lines(marked()), transcript=True)


def test_what_stands_before_a_colon_in_few_prompts_is_told_nowhere(tmp_path: Path) -> None:
    rows = [{"prompt": f"Asked by Ann {name}:\nand\nDear {name}:", "completion": " x"} for name in "ABCDEFGH"]
    path = tmp_path / "old.jsonl"
    with pytest.raises(InputError, match="name the labels"):
        read(path, lines(rows), transcript=True)
    with Source(path) as source:
        sniffed = PromptCompletion.sniff(source)
    assert sniffed is not None and not any("Ann" in phrase or "Dear" in phrase for phrase in sniffed.evidence)


@pytest.mark.parametrize("separator", ["", "\n\n###\n\n"])
@pytest.mark.parametrize("split", [False, True])
def test_growing_prompts_become_one_conversation(tmp_path: Path, separator: str, split: bool) -> None:
    rows: list[dict[str, Any]] = []
    for talk in range(3):
        so_far = ""
        for turn in range(talk + 1):
            so_far += f"Customer: q{talk}{turn}\nAgent:"
            rows.append({"prompt": so_far + separator, "completion": f" a{talk}{turn}\n", "id": len(rows)})
            so_far += f" a{talk}{turn}\n"
    content = lines(rows)
    found = read(tmp_path / "old.jsonl", content, merge=True, transcript=split)
    assert [row["origin"] for row in found.rows] == [[1], [2, 3], [4, 5, 6]]
    first, last = ("", "") if split else ("Customer: ", "\nAgent:")
    assert found.texts[2] == [
        turn for at in range(3) for turn in (("user", f"{first}q2{at}{last}"), ("assistant", f"a2{at}"))
    ]
    assert found.metas[2]["id"] == 5
    assert found.rebuilt == content.encode()
    assert found.legacy["counts"]["merged"] == 3
    assert len(read(tmp_path / "old.jsonl", content).rows) == 6


def test_a_conversation_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ftdata.readers.prompt_completion.reading.TEXT", 400)
    rows, prompt = [], "start"
    for i in range(30):
        rows.append({"prompt": prompt, "completion": f" r{i}"})
        prompt += f" r{i}\nnext {i}"
    # In two styles, so that some records are not in that of the file.
    given = "".join(
        json.dumps(row, separators=[(", ", ": "), (" ,", ":")][i % 3 == 0]) + "\n" for i, row in enumerate(rows)
    )
    found = read(tmp_path / "old.jsonl", given, merge=True)
    assert found.rebuilt == given.encode()
    assert 1 < len(found.rows) < 15
    assert found.flags["verbatim"] == 0


def test_empty_prompts_say_what_the_user_wants(tmp_path: Path) -> None:
    content = lines([{"prompt": p, "completion": f" c{i}"} for i, p in enumerate(["", None, " ->", "x ->"])])
    assert read(tmp_path / "old.jsonl", content).dropped == ["empty-prompt"] * 3
    found = read(tmp_path / "old.jsonl", content, when_empty="Go on.")
    assert [turns[0][1] for turns in found.texts] == ["Go on.", "Go on.", "Go on.", "x"]
    assert found.rebuilt == content.encode()
    assert found.legacy["counts"]["verbatim"] == 0


def test_an_open_ended_set_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_text(lines([{"prompt": "", "completion": f" c{i}"} for i in range(9)]))
    found = PromptCompletion.sniff(Source(path))
    assert found is not None
    assert found.confidence == 0
    assert "when_empty" in (found.refusal or "")


def test_sniff_tells_the_marks_with_their_counts(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_text(lines(marked()))
    found = PromptCompletion.sniff(Source(path))
    assert found is not None
    assert found.confidence > 0.9
    assert "20 of 20 prompts end in ' ->'" in found.evidence
    path.write_text(lines([{"prompt": [{"role": "user", "content": "a"}], "completion": []}]))
    assert PromptCompletion.sniff(Source(path)) is None


# --- laws -------------------------------------------------------------------------------------------------------------

WORDS = st.text(st.sampled_from('ab é/"\\\n\t\u2028\U0001f600,;->#END.: \x7f\x01'), max_size=12)
ENDS = st.sampled_from(["", " ->", "\n\n###\n\n", "\nEND", "\n", ".", " END", "\n\nEND"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {"prompt": st.tuples(WORDS, ENDS).map("".join), "completion": st.tuples(WORDS, ENDS).map("".join)},
        optional={"id": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none(), WORDS)},
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS,
    ascii_=st.booleans(),
    separators=st.sampled_from([(", ", ": "), (",", ":")]),
    slash=st.booleans(),
    indent=st.sampled_from([None, None, 2]),
    array=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    final=st.booleans(),
    wish=st.sampled_from([{}, {"merge": True}, {"prefix": "system"}, {"separator": ["b", " ->"], "stop": "\n"}]),
)
def test_every_json_file_comes_back(
    tmp_path_factory: Any,
    rows: list[dict[str, Any]],
    ascii_: bool,
    separators: tuple[str, str],
    slash: bool,
    indent: int | None,
    array: bool,
    end: str,
    final: bool,
    wish: dict[str, Any],
) -> None:
    if array:
        content = json.dumps(rows, ensure_ascii=ascii_, separators=None if indent else separators, indent=indent)
    else:
        content = end.join(json.dumps(row, ensure_ascii=ascii_, separators=separators) for row in rows)
    content = (content.replace("/", "\\/") if slash else content) + (end if final else "")
    found = read(tmp_path_factory.mktemp("law") / "old.json", content, when_empty="Go on.", **wish)
    owned = sorted(number for row in found.rows for number in row["origin"])
    assert owned == list(range(1, len(rows) + 1))
    if not found.dropped:
        assert found.rebuilt == content.encode()


@settings(max_examples=80, deadline=None)
@given(
    cells=st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_every_table_comes_back(tmp_path_factory: Any, cells: list[Any], quoting: Any, end: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=quoting, lineterminator=end)
    writer.writerows([("prompt", "note", "completion"), *cells])
    found = read(tmp_path_factory.mktemp("law") / "old.csv", out.getvalue(), when_empty="Go on.", delimiter=",")
    if not found.dropped:
        assert found.rebuilt == out.getvalue().encode()


# --- real files -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_real_files_lose_nothing(tmp_path: Path) -> None:
    plain, prepared = (
        read(tmp_path / name, (REAL / name).read_bytes())
        for name in ("dabit3_data.jsonl", "dabit3_data_prepared.jsonl")
    )
    assert plain.rebuilt == (REAL / "dabit3_data.jsonl").read_bytes()
    assert prepared.rebuilt == (REAL / "dabit3_data_prepared.jsonl").read_bytes()
    assert len(plain.texts) == 52
    assert plain.texts == prepared.texts
    for name, separator, stop in (
        ("nerre_doping_training_eng.jsonl", "\n\n###\n", "\n\nEND"),
        ("nerre_mof_fold0_val.jsonl", "\n\n###\n\n", "\n\nEND\n\n"),
    ):
        content = (REAL / name).read_bytes()
        found = read(tmp_path / name, gzip.compress(content))
        assert found.rebuilt == content
        old = [json.loads(line) for line in content.splitlines()]
        assert found.texts == pairs(
            [(r["prompt"].removesuffix(separator), r["completion"].removesuffix(stop).removeprefix(" ")) for r in old]
        )
        assert found.legacy["counts"]["own"] == 0
