"""`ftdata init`: a recipe for every file that a reader knows, which runs as written and holds no text of the file."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_contract import TABLE

from ftdata import drafting, flow, hooks, tomltext
from ftdata.cli import main
from ftdata.errors import InputError, OutputError, PluginError
from ftdata.expected import Step
from ftdata.manifest import Manifest
from ftdata.recipe import Recipe

SAMPLES = Path(__file__).parents[1] / "samples"
SHARED = Path(__file__).parents[2] / "shared/data"
CANARY = "Qxzv"

MESSAGES = """ticket,author_role,body,created_at,visibility
7,customer,Qxzv where is it,2025-01-01 10:00,public
7,agent,Qxzv here it is,2025-01-01 11:00,public
8,customer,Qxzv and mine,2025-01-02 11:00,public
8,agent,Qxzv gone,2025-01-02 11:30,private
"""
CHAT = '{"messages": [{"role": "user", "content": "Qxzv hi %d"}, {"role": "assistant", "content": "Qxzv ho there"}]}\n'
OLD = '{"prompt": "Qxzv is it %d ->", "completion": " Qxzv it is\\n"}\n'
LOG = """2023-08-15T09:12:33Z Ann: Qxzv is it open
2023-08-15T09:13:33Z Shop: Qxzv until nine
2023-08-16T09:13:33Z Ann: Qxzv thanks, and tomorrow
2023-08-16T09:14:33Z Shop: Qxzv closed
"""
FIXTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tickets": ("messages.csv", MESSAGES, {}),
    "openai-chat": ("chat.jsonl", "".join(CHAT % number for number in range(70)), {}),
    "prompt-completion": ("old.jsonl", "".join(OLD % number for number in range(9)), {}),
    "chat-log": ("log.txt", LOG, {"assistants": ["Shop"]}),
}


def tickets(count: int, *columns: str, answer: str = "Qxzv the {} lies in place {}") -> str:
    """Make a table of tickets that differ, with more columns of the given names."""
    things = "lamp desk chair kettle mirror carpet window ladder bucket hammer".split()
    rows = [["Ticket ID", "Question", "Answer", *columns]]
    for number in range(count):
        thing = f"{things[number % 10]} {number * 37 % 101}"
        said = answer.format(thing, number)
        rows.append(
            [str(number), f"Qxzv where is my {thing}, bought at {number}?", said, *[f"v{number % 3}"] * len(columns)]
        )
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def drafted(source: Path, name: str = "recipe.toml", **stated: Any) -> tuple[Path, str]:
    """Draft a recipe, save it in a folder beside the input, and give both."""
    path = source.parent / "recipes" / name
    path.parent.mkdir(exist_ok=True)
    text = drafting.draft(source, path, fields=stated)
    drafting.save(path, text)
    return path, text


def ran(recipe: Path) -> Manifest:
    """Run a recipe and prove that its outputs were published."""
    manifest = flow.run(recipe)
    assert manifest.status in ("done", "findings")
    assert manifest.written > 0 and manifest.outputs
    for part in manifest.outputs:
        beside = Path(part.path).parent.name == ".meta"
        listed = [path for path in recipe.parent.glob("out/**/*.jsonl") if path.name == Path(part.path).name]
        (found,) = [path for path in listed if (path.parent.name == ".meta") == beside]
        assert beside or found.read_text().count("\n") == part.lines
    return manifest


def turned_on(text: str) -> dict[str, Any]:
    """Give the recipe with every setting that is off turned on, as its header says: the # taken away."""
    lines = [line[1:] if line[:1] == "#" and line[1:2] not in ("", " ") else line for line in text.splitlines()]
    return tomllib.loads("\n".join(lines))


def uses(text: str) -> list[str]:
    return [step["use"] for step in tomllib.loads(text)["step"]]


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    sys.argv = ["ftdata", *map(str, args)]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


# --- every file that a reader knows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [path.name for path in sorted(SAMPLES.iterdir()) if path.suffix in (".csv", ".jsonl")])
def test_samples(name: str, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / name, tmp_path)
    stated = {"question": "Description", "answer": "Queue"} if name == "queues.csv" else {}
    recipe, text = drafted(tmp_path / name, **stated)
    assert drafting.draft(tmp_path / name, recipe, fields=stated) == text
    assert not Recipe.load(recipe).warnings
    ran(recipe)


@pytest.mark.parametrize("reader", sorted(FIXTURES))
def test_every_reader(reader: str, tmp_path: Path) -> None:
    name, content, stated = FIXTURES[reader]
    (tmp_path / name).write_text(content)
    recipe, text = drafted(tmp_path / name, **stated)
    assert CANARY not in text
    table = tomllib.loads(text)["read"][0]
    assert (table["use"], table["path"]) == (reader, f"../{name}")
    assert all(table[key] == value for key, value in stated.items())
    ran(recipe)
    whole = turned_on(text)
    assert {"hf-dataset", "openai-chat"} == {writer["use"] for writer in whole["write"]}
    assert {"pii", "split", "language", "exact-dedup", "near-dedup"} <= {step["use"] for step in whole["step"]}
    Recipe.parse(whole, recipe.parent, "whole")


NATIVE: dict[str, dict[str, Any]] = {}
"""The readers of one format each, with the export on which they are held to the contract."""
for _kind, _name, _fields in TABLE:
    if _kind == "reader" and _name not in FIXTURES:
        NATIVE.setdefault(_name, _fields)


@pytest.mark.parametrize("reader", sorted(NATIVE))
def test_every_native_reader(reader: str, tmp_path: Path) -> None:
    stated = dict(NATIVE[reader])
    name, content = stated.pop("path")
    if isinstance(content, dict):
        (tmp_path / name).mkdir()
        for inner, text in content.items():
            (tmp_path / name / inner).write_text(text)
    else:
        (tmp_path / name).write_text(content)
    recipe = tmp_path / "recipes/recipe.toml"
    recipe.parent.mkdir()
    text = drafting.draft(tmp_path / name, recipe, reader=reader, fields=stated)
    drafting.save(recipe, text)
    assert CANARY not in text
    table = tomllib.loads(text)["read"][0]
    assert (table["use"], table["path"]) == (reader, f"../{name}")
    ran(recipe)


def test_no_reader_is_missing() -> None:
    assert {entry.stage.name for entry in hooks.builtin() if entry.stage.kind == "reader"} == {*FIXTURES, *NATIVE}


def shared() -> Iterator[Path]:
    for path in sorted(SHARED.rglob("*")):
        if path.is_file() and "JSONTestSuite" not in path.parts:
            yield path


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_every_real_file_is_refused_or_gives_a_recipe_that_runs(tmp_path: Path) -> None:
    known = set()
    for number, source in enumerate(shared()):
        recipe = tmp_path / str(number) / "recipe.toml"
        recipe.parent.mkdir()
        try:
            drafting.save(recipe, drafting.draft(source, recipe))
        except InputError:
            continue
        known.add(source.name)
        ran(recipe)
    assert {
        "kaggle_customer_support_tickets_first500.csv",
        "llamafactory_kto_en_demo.json",
        "dabit3_data.jsonl",
    } <= known


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_exports_are_scrubbed_and_training_data_counted(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(tickets(60, "Status", "Category", "Customer Email"))
    _, text = drafted(tmp_path / "export.csv")
    steps = uses(text)
    assert {"pii", "placeholders", "turns", "near-dedup", "lengths", "balance", "split", "format", "size"} <= set(steps)
    assert steps.index("pii") < steps.index("exact-dedup") < steps.index("split")
    assert turned_on(text)["step"][0] == {"use": "filter", "where": {"Status": ["VALUE", "ANOTHER VALUE"]}}
    assert {"use": "balance", "by": "Category"} in tomllib.loads(text)["step"]
    assert tomllib.loads(text)["read"][0] | {"path": ""} == {
        **{"use": "tickets", "path": "", "shape": "ticket", "question": "Question", "answer": "Answer"},
        "key": "Ticket ID",
    }
    (tmp_path / "chat.jsonl").write_text(FIXTURES["openai-chat"][1])
    steps = uses(drafted(tmp_path / "chat.jsonl", "chat.toml")[1])
    assert {"private-data", "format", "exact-dedup"} <= set(steps) and "pii" not in steps


def test_customers_that_come_again_are_offered_as_groups(tmp_path: Path) -> None:
    rows = tickets(60, "Customer").replace("v0", "ann").splitlines()
    rows[1:] = [row.rpartition(",")[0] + f",c{number % 40}" for number, row in enumerate(rows[1:])]
    (tmp_path / "export.csv").write_text("\n".join(rows))
    (split,) = [step for step in turned_on(drafted(tmp_path / "export.csv")[1])["step"] if step["use"] == "split"]
    assert split["group"] == "Customer"


def test_few_rows_are_not_split(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(tickets(49))
    text = drafted(tmp_path / "export.csv")[1]
    assert "split" not in uses(text) and "# Off: 49 rows are few" in text
    (tmp_path / "more.csv").write_text(tickets(50))
    assert "split" in uses(drafted(tmp_path / "more.csv", "more.toml")[1])


def test_one_side_of_a_split_is_not_split_again(tmp_path: Path) -> None:
    (tmp_path / "my-train.jsonl").write_text(FIXTURES["openai-chat"][1])
    text = drafted(tmp_path / "my-train.jsonl")[1]
    assert "split" not in uses(text) and "the name of the input says train" in text


def test_one_question_cannot_be_split(tmp_path: Path) -> None:
    chats = [(CHAT % 1).replace("ho there", f"ho {number}") for number in range(60)]
    (tmp_path / "chat.jsonl").write_text("".join(chats))
    recipe, text = drafted(tmp_path / "chat.jsonl")
    assert "split" not in uses(text) and "# Off: validation would be empty: 60 rows with 1 different question" in text
    ran(recipe)


def test_answers_by_template_are_not_thrown_away(tmp_path: Path) -> None:
    same = "Qxzv " + " ".join(f"word{number}" for number in range(200)) + " {} {}"
    (tmp_path / "export.csv").write_text(tickets(60, answer=same))
    recipe, text = drafted(tmp_path / "export.csv")
    assert "near-dedup" not in uses(text) and "# Off: it would drop most rows that are left" in text
    ran(recipe)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Step("length", "", {"max_chars": 1}), "it would drop all 60 rows that are left (too-long 60)"),
        (Step("balance", "", {"by": "colour"}), "by: no row has the meta key 'colour'; keys seen: "),
    ],
)
def test_a_step_that_cannot_run_is_off(step: Step, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafting, "expected", lambda *_: [Step("pii", ""), step, Step("size", "")])
    (tmp_path / "export.csv").write_text(tickets(60))
    recipe, text = drafted(tmp_path / "export.csv")
    assert uses(text) == ["pii", "size"] and f"# Off: {told}" in text
    ran(recipe)


def test_scrubbing_is_never_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise PluginError("pii: no memory")

    monkeypatch.setattr("ftdata.transforms.pii.Pii.apply", fails)
    (tmp_path / "export.csv").write_text(tickets(60))
    with pytest.raises(PluginError, match=r"^pii: "):
        drafted(tmp_path / "export.csv")


def test_the_output_never_covers_the_input(tmp_path: Path) -> None:
    source = tmp_path / "out" / "chat" / "chat.jsonl"
    source.parent.mkdir(parents=True)
    source.write_text(FIXTURES["openai-chat"][1])
    recipe = tmp_path / "chat.toml"
    drafting.save(recipe, drafting.draft(source, recipe))
    assert tomllib.loads(recipe.read_text())["write"][0]["path"] == "out/chat-new/{split}.jsonl"
    ran(recipe)


def test_a_long_file_is_tried_on_its_first_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafting, "TRIED", 55)
    (tmp_path / "chat.jsonl").write_text(FIXTURES["openai-chat"][1])
    recipe, text = drafted(tmp_path / "chat.jsonl")
    assert "# Tried on the first 55 records:\n#   55 rows read, 55 would be written\n" in text
    assert ran(recipe).written == 70


# --- text of others in it ---------------------------------------------------------------------------------------------

HOSTILE = [
    "Answer \"quoted\" \\ 'both'",
    "Answer\nsecond = line",
    "Answer\r\n[[step]]",
    "Answer # no comment",
    "Answer {split}",
    "Answer \u202eright to left\u2066",
    "Answer\x7f\x1b[31m\t\u2028\u0085",
    "Resposta é 🙂 = \u200b",
    "Answer ''' \"\"\"",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_column_names(name: str, tmp_path: Path) -> None:
    out = io.StringIO()
    status = name.replace("Answer", "Status").replace("Resposta", "Status")
    rows = [[str(n), f"Qxzv who is number {n} of the list?", f"Qxzv it is {n} or so", "ab"[n % 2]] for n in range(60)]
    csv.writer(out).writerows([["Ticket ID", "Question", name, status], *rows])
    (tmp_path / "export.csv").write_text(out.getvalue(), newline="")
    recipe, text = drafted(tmp_path / "export.csv", answer=name)
    assert tomllib.loads(text)["read"][0]["answer"] == name
    assert turned_on(text)["step"][0] == {"use": "filter", "where": {status.strip(): ["VALUE", "ANOTHER VALUE"]}}
    assert all(line.isprintable() for line in text.split("\n"))
    ran(recipe)


SCALARS = st.one_of(st.text(), st.booleans(), st.integers(), st.floats(), st.dates(), st.sampled_from(HOSTILE))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)


@given(st.text(), VALUES, st.text())
def test_what_is_written_as_toml_is_read_again(key: str, value: Any, remark: str) -> None:
    line = f"{tomltext.key(key)} = {tomltext.value(value)} # {tomltext.comment(remark)}"
    assert line.isprintable()

    def same(left: Any, right: Any) -> bool:
        if isinstance(left, float) and math.isnan(left):
            return math.isnan(right)
        if isinstance(left, list):
            return len(left) == len(right) and all(map(same, left, right))
        if isinstance(left, Mapping):
            return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
        return type(left) is type(right) and left == right

    assert same({key: value}, tomllib.loads(line))


def test_what_toml_cannot_hold() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        tomltext.value("\ud800")
    with pytest.raises(TypeError, match="NoneType"):
        tomltext.value(None)
    assert tomltext.value({"a": [1, "x"], "b c": date(2026, 1, 31)}) == '{ a = [1, "x"], "b c" = 2026-01-31 }'


def test_a_file_name_that_toml_cannot_hold(tmp_path: Path) -> None:
    source = tmp_path / "chat\udcff.jsonl"
    try:
        source.write_text(FIXTURES["openai-chat"][1])
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(InputError, match="rename it"):
        drafted(source)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export.csv").write_text(tickets(60))
    code, out, err = call(capsys, "init", "export.csv")
    assert (code, out) == (0, "export.toml\n") and "ftdata run export.toml --sample 5" in err
    text = (tmp_path / "export.toml").read_text()
    assert call(capsys, "init", "export.csv", "-o", "-") == (0, text, "")
    assert call(capsys, "run", "export.toml", "--check")[0] == 0
    assert call(capsys, "run", "export.toml", "-q")[0] in (0, 1)
    assert (tmp_path / "out" / "export" / "train.jsonl").exists()
    (tmp_path / "export.toml").write_text("mine")
    code, out, err = call(capsys, "init", "export.csv")
    assert (code, out) == (4, "") and "export.toml: exists already" in err
    assert (tmp_path / "export.toml").read_text() == "mine"
    assert call(capsys, "init", "export.csv", "--overwrite")[0] == 0
    assert (tmp_path / "export.toml").read_text() == text


def test_paths_are_relative_to_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data", "elsewhere", "deep/recipes"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "recipes")
    (tmp_path / "data" / "chat.jsonl").write_text(FIXTURES["openai-chat"][1])
    monkeypatch.chdir(tmp_path / "elsewhere")
    for place in ("../link/chat.toml", "../deep/chat.toml", "chat.toml"):
        drafting.save(place, drafting.draft("../data/chat.jsonl", place))
        assert not Path(tomllib.loads(Path(place).read_text())["read"][0]["path"]).is_absolute()
        ran(Path(place))


def test_an_unknown_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "what.json").write_text('[{"colour": "Qxzv", "size": 3}]')
    code, out, err = call(capsys, "init", tmp_path / "what.json", "-o", tmp_path / "r.toml")
    assert (code, out) == (3, "")
    assert "it holds JSON, 1 objects seen, with the keys colour, size" in err and CANARY not in err
    assert not (tmp_path / "r.toml").exists()


def test_a_refused_file_says_what_to_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "comments.csv"
    source.write_text(MESSAGES.replace("author_role", "user_id").replace("customer", "41").replace("agent", "17"))
    to = ("-o", tmp_path / "r.toml")
    code, _, err = call(capsys, "init", source, *to)
    assert code == 3 and "--set 'assistants=" in err
    assert call(capsys, "init", source, *to, "--set", 'assistants=["17"]')[0] == 0
    text = (tmp_path / "r.toml").read_text()
    assert tomllib.loads(text)["read"][0]["assistants"] == ["17"]
    assert "# Stated, not guessed: assistants" in text
    ran(tmp_path / "r.toml")


def test_a_file_of_which_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(tickets(5, answer=""))
    with pytest.raises(InputError, match="gives no row of it: no-answer 5"):
        drafted(tmp_path / "export.csv", question="Question", answer="Answer")


def test_what_cannot_be_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chat = tmp_path / "chat.jsonl"
    chat.write_text(CHAT % 1)
    assert call(capsys, "init", "-")[0] == 2
    assert call(capsys, "init", chat, "-o", "-", "--set", "path=x")[0] == 2
    assert call(capsys, "init", chat, "-o", "-", "--set", "colour=x")[0] == 2
    assert call(capsys, "init", chat, "-o", "-", "--from", "openai-chatt")[0] == 2
    assert call(capsys, "init", tmp_path / "none.csv", "-o", "-")[0] == 3
    assert call(capsys, "init", chat, "-o", tmp_path / "no" / "r.toml")[0] == 4
    code, _, err = call(capsys, "init", chat, "-o", chat, "--overwrite")
    assert code == 4 and "is the input itself" in err and chat.read_text() == CHAT % 1


def test_the_name_of_the_recipe(tmp_path: Path) -> None:
    names = {"a.csv": "a.toml", "a.b.jsonl.gz": "a.b.toml", "a.zip": "a.toml", "plain": "plain.toml"}
    assert {name: drafting.recipe_for(tmp_path / name).name for name in names} == names
    (tmp_path / "2024.01").mkdir()
    assert drafting.recipe_for(tmp_path / "2024.01") == Path("2024.01.toml")


def test_a_recipe_is_only_written_where_nothing_stands(tmp_path: Path) -> None:
    (tmp_path / "r.toml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="exists already"):
        drafting.save(tmp_path / "r.toml", "x")
    assert json.loads(json.dumps([path.name for path in tmp_path.iterdir()])) == ["r.toml"]
