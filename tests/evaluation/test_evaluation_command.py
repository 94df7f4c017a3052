"""`ftdata eval` tells a gain from luck, from a learnt format, and from what a few examples do as well."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ftdata.cli.eval import command
from ftdata.errors import FtdataError, InputError
from ftdata.evaluation.answers import answers
from ftdata.evaluation.held_out import held_out

LABELS = ("billing", "delivery", "account", "returns")


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def held(folder: Path, wanted: list[str], **more: Any) -> Path:
    """Write held-out chat rows with these right answers."""
    rows = [
        {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": answer}]} | more
        for i, answer in enumerate(wanted)
    ]
    return lines(folder / "test.jsonl", rows)


def said(folder: Path, name: str, texts: list[str]) -> Path:
    return lines(folder / f"{name}.jsonl", [{"row": i + 1, "prediction": text} for i, text in enumerate(texts)])


def run(*words: object) -> Result:
    done = CliRunner().invoke(command, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def judged(*words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json").stdout)
    return found


def mixed(wanted: list[str], right: float, draw: random.Random, wrong: Callable[[str], str]) -> list[str]:
    return [one if draw.random() < right else wrong(one) for one in wanted]


def test_random_labels_are_no_success_though_the_base_prints_none(tmp_path: Path):
    draw = random.Random(2)
    wanted = draw.choices(LABELS, (4, 2, 2, 2), k=120)
    test = held(tmp_path, wanted)
    base = said(tmp_path, "base", ["I think this is about " + one for one in wanted])
    tuned = said(tmp_path, "tuned", [draw.choices(LABELS, (6, 2, 1, 1))[0] for _ in wanted])
    found = judged(test, "--base", base, "--tuned", tuned, "--few-shot", tuned)
    by = {one["system"]: one for one in found["verdict"]["against"]}
    assert by["base"]["outcome"] == "better" and by["base"]["p"] < 1e-6, "the format was learnt"
    assert found["verdict"]["word"] == "not better"
    assert by["most common answer"]["outcome"] in ("even", "unknown", "worse")
    assert by["base with examples"]["p"] == 1
    shown = run(test, "--base", base, "--tuned", tuned, "--few-shot", tuned).stdout
    assert "not better: no gain is shown over" in shown and "most common answer" in shown


def test_a_true_gain_is_told_once_few_shot_was_tried(tmp_path: Path):
    draw = random.Random(3)
    wanted = draw.choices(LABELS, k=150)
    other = lambda one: draw.choice([label for label in LABELS if label != one])  # noqa: E731
    test = held(tmp_path, wanted)
    files = {
        name: said(tmp_path, name.replace(" ", "-"), mixed(wanted, right, draw, other))
        for name, right in (("base", 0.3), ("shots", 0.5), ("tuned", 0.95))
    }
    found = judged(test, "--base", files["base"], "--tuned", files["tuned"])
    assert found["verdict"]["word"] == "not told" and found["verdict"]["missing"] == ["base with examples"]
    found = judged(test, "--base", files["base"], "--tuned", files["tuned"], "--few-shot", files["shots"])
    assert found["verdict"]["word"] == "better" and found["task"] == "labels"
    assert run(test, "--base", files["base"], "--tuned", files["base"], "--require-better").exit_code == 1
    worse = judged(test, "--base", files["tuned"], "--tuned", files["base"])
    assert worse["verdict"]["word"] == "worse"
    table = run(test, "--tuned", files["tuned"]).stdout
    assert "right \\ given" in table and all(label in table for label in LABELS)


def test_few_rows_tell_nothing(tmp_path: Path):
    wanted = [LABELS[i % 2] for i in range(20)]
    test = held(tmp_path, wanted)
    none, all_ = said(tmp_path, "b", ["?"] * 20), said(tmp_path, "t", wanted)
    assert judged(test, "--base", none, "--tuned", all_, "--few-shot", none)["verdict"]["word"] == "not told"


def test_objects_are_compared_as_values(tmp_path: Path):
    wanted = [json.dumps({"order": i, "open": i % 2 == 0}) for i in range(40)]
    test = held(tmp_path, wanted)
    tuned = said(tmp_path, "t", [json.dumps(json.loads(one), indent=1) for one in wanted])
    base = said(tmp_path, "b", ["```json\n" + one + "\n```" for one in wanted])
    found = judged(test, "--base", base, "--tuned", tuned, "--few-shot", base)
    assert found["task"] == "json" and found["verdict"]["word"] == "better"
    means = {(one["name"], one["system"]): one["value"][0] for one in found["measures"]}
    assert means["same object", "tuned"] == means["fields", "tuned"] == 1 and means["valid JSON", "base"] == 0


def test_prose_and_slices(tmp_path: Path):
    wanted = [f"Your order {i} leaves the house today, it takes {i} days." for i in range(40)]
    rows = [
        {
            "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": one}],
            "desk": "es" if i % 4 else "pt",
        }
        for i, one in enumerate(wanted)
    ]
    test = lines(tmp_path / "test.jsonl", rows)
    tuned = said(tmp_path, "t", [one.replace("house", "depot") for one in wanted])
    base = said(tmp_path, "b", ["I do not know."] * 40)
    found = judged(test, "--base", base, "--tuned", tuned, "--few-shot", base, "--by", "desk")
    assert found["task"] == "text" and found["verdict"]["word"] == "better"
    assert [(one["value"], one["rows"]) for one in found["slices"]] == [("es", 30), ("pt", 10)]
    assert "desk es" in run(test, "--base", base, "--tuned", tuned, "--by", "desk").stdout


def test_questions_are_written_without_the_answers(tmp_path: Path):
    test = held(tmp_path, ["secret one", "secret two"])
    run(test, "--questions", tmp_path / "ask.jsonl")
    text = (tmp_path / "ask.jsonl").read_text()
    asked = [json.loads(line) for line in text.splitlines()]
    assert [one["row"] for one in asked] == [1, 2] and "secret" not in text
    assert asked[0]["messages"] == [{"role": "user", "content": "q0"}]
    done = CliRunner().invoke(command, [str(test), "--questions", str(tmp_path / "ask.jsonl")])
    assert isinstance(done.exception, FtdataError) and done.exception.exit_code == 4


def test_answers_in_every_form_find_their_question(tmp_path: Path):
    questions = held_out(str(held(tmp_path, ["a", "b", "c"]))).questions
    turn = {"role": "assistant", "content": "z"}
    forms: list[list[Any]] = [
        [{"prediction": "x"}, {"answer": "y"}, {"messages": [{"role": "user", "content": "q"}, turn]}],
        [{"row": 2, "prediction": "y"}, {"row": 3, "prediction": "z"}, {"row": 1, "prediction": "x"}],
        [{"id": one.id, "prediction": text} for one, text in zip(questions, "xyz", strict=True)],
        [
            {
                "custom_id": str(i + 1),
                "response": {"body": {"choices": [{"message": {"role": "assistant", "content": text}}]}},
            }
            for i, text in enumerate("xyz")
        ],
    ]
    for form in forms:
        assert answers("s", lines(tmp_path / "f.jsonl", form), questions).texts == ("x", "y", "z")
    (tmp_path / "f.csv").write_text("row,prediction\n3,z\n1,x\n2,y\n")
    assert answers("s", tmp_path / "f.csv", questions).texts == ("x", "y", "z")
    part = answers("s", lines(tmp_path / "f.jsonl", forms[1][:1]), questions)
    assert part.texts == (None, "y", None) and part.given == 1


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([{"prediction": "x"}], "holds 1 answers to 3 questions"),
        (
            [{"row": 1, "prediction": "x"}, {"row": 1, "prediction": "y"}],
            "line 2|:2: answers a question that was answered",
        ),
        ([{"row": 9, "prediction": "x"}], "there is no question with this row"),
        ([{"row": 1, "prediction": "x"}, {"prediction": "y"}], "names no question by row or id"),
        ([{"row": 1, "prediction": 7}], "holds no answer under"),
        ([[1]], "not-an-object"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(tmp_path: Path, records: list[Any], why: str):
    questions = held_out(str(held(tmp_path, ["a", "b", "c"]))).questions
    with pytest.raises(InputError, match=why) as told:
        answers("s", lines(tmp_path / "f.jsonl", records), questions)
    assert "f.jsonl" in str(told.value)


def test_rows_without_a_text_to_compare_with_are_counted(tmp_path: Path):
    good = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    rows = [
        good,
        {"messages": [{"role": "user", "content": "q"}]},
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [call]}]},
        {
            "input": {"messages": good["messages"][:1]},
            "preferred_output": good["messages"][1:],
            "non_preferred_output": good["messages"][1:],
        },
    ]
    found = held_out(str(lines(tmp_path / "t.jsonl", rows)))
    assert len(found.questions) == 1 and found.left_out == {"no-answer": 1, "no-text": 1, "two-answers": 1}
    with pytest.raises(InputError, match="none of its 1 rows"):
        held_out(str(lines(tmp_path / "u.jsonl", rows[1:2])))


def test_a_blind_sheet_hides_who_said_what_and_counts_the_votes(tmp_path: Path):
    wanted = [f"answer {i}" for i in range(40)]
    test = held(tmp_path, wanted)
    tuned = said(tmp_path, "t", ["=1+1 good", "the same", *[f"good {i}" for i in range(38)]])
    base = said(tmp_path, "b", ["bad", "the same", *[f"bad {i}" for i in range(38)]])
    sheet = tmp_path / "ab.csv"
    run(test, "--tuned", tuned, "--base", base, "--sheet", sheet)
    with sheet.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 39 and all("tuned" not in str(row) and "base" not in str(row) for row in rows)
    assert {"'=1+1 good"} == {cell for row in rows for cell in (row["A"], row["B"]) if "1+1" in cell}
    lefts = sum("good" in row["A"] for row in rows)
    assert 8 < lefts < 31, "neither side is one system's"
    for at, row in enumerate(rows):
        row["better"] = "" if at < 4 else "=" if at < 9 else "a" if "good" in row["A"] else "B"
    with sheet.open("w", newline="") as stream:
        made = csv.DictWriter(stream, list(rows[0]))
        made.writeheader()
        made.writerows(rows)
    found = json.loads(run("--votes", sheet, "--json").stdout)
    assert (found["one"], found["for_one"], found["for_other"], found["alike"]) == ("tuned", 30, 0, 5)
    assert found["p"] == pytest.approx(2**-29)
    assert "tuned 30, base 0, alike 5" in run("--votes", sheet).stdout
    sheet.write_text("row,better\n1,perhaps\n")
    done = CliRunner().invoke(command, ["--votes", str(sheet)])
    assert isinstance(done.exception, InputError) and "A, B, = or empty" in str(done.exception)
