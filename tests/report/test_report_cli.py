"""`ftdata report`, `stats` and `head` as a user calls them."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import ftdata
from ftdata.cli import cli
from ftdata.errors import FtdataError, InputError, OutputError, RecipeError

SAMPLES = Path(__file__).parents[2] / "samples"
HOSTILE = "\x1b]52;c;eA==\x07 \x1b[31mred \u202eevil \u200b"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cli") / "samples"
    shutil.copytree(SAMPLES, place, ignore=shutil.ignore_patterns("out"))
    ftdata.run(place / "tickets.toml")
    rows = [
        {
            "messages": [
                {"role": "user", "content": HOSTILE},
                {"role": "assistant", "content": "line\none", "weight": 0},
            ]
        },
        {"messages": [{"role": f"{HOSTILE}\nuser", "content": "x"}, {"role": "assistant", "content": "y"}]},
        {
            "input": {"messages": [{"role": "user", "content": "which?"}]},
            "preferred_output": [{"role": "assistant", "content": "good"}],
            "non_preferred_output": [{"role": "assistant", "content": "bad"}],
        },
    ]
    (place / "odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "broken\n")
    return place


@pytest.fixture
def call(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(folder)
    return lambda *line: CliRunner().invoke(cli, list(line), catch_exceptions=True)


def wrong(result: Result, kind: type[FtdataError], says: str) -> None:
    assert isinstance(result.exception, kind), result.exception
    assert re.search(says, str(result.exception)) and "\n" not in str(result.exception)


# --- report -----------------------------------------------------------------------------------------------------------


def test_a_report_is_written_in_the_form_that_the_name_says(call: Callable[..., Result], tmp_path: Path) -> None:
    begins = {
        "r.html": "<!doctype html>",
        "r.md": "<!-- ftdata report -->",
        "r.json": '{\n "format": "ftdata report 1"',
    }
    for name, start in begins.items():
        out = tmp_path / name
        done = call("report", "tickets.toml", "-o", str(out))
        assert done.exit_code == 0 and done.stdout == ""
        assert out.read_text().startswith(start)
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert call("report", "tickets", "--format", "md").stdout == (tmp_path / "r.md").read_text()
    assert json.loads(call("report", "tickets", "--format", "json").stdout)["name"] == "tickets"
    assert '<html lang="pt-BR">' in call("report", "tickets", "--lang", "pt-br").stdout


def test_a_report_replaces_a_report_and_nothing_else(call: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    assert call("report", "tickets", "-o", str(out)).exit_code == 0
    assert call("report", "tickets", "-o", str(out), "--lang", "es").exit_code == 0
    assert 'lang="es"' in out.read_text()
    for name in ("r.md", "r.json"):
        for _ in range(2):
            assert call("report", "tickets", "-o", str(tmp_path / name)).exit_code == 0
    other = tmp_path / "notes.md"
    other.write_text("my notes")
    wrong(call("report", "tickets", "-o", str(other)), OutputError, "exists already.*--overwrite")
    assert other.read_text() == "my notes"
    assert call("report", "tickets", "-o", str(other), "--overwrite").exit_code == 0
    wrong(call("report", "tickets", "-o", str(tmp_path)), OutputError, "is a folder")
    wrong(call("report", "tickets", "-o", str(tmp_path / "no" / "r.html")), OutputError, "its folder is not there")


def test_what_there_is_not_is_said(call: Callable[..., Result]) -> None:
    wrong(call("report", "nothing"), InputError, "runs near here: .*tickets")
    for form in ("html", "md", "json"):
        wrong(call("report", "tickets", "--lang", "de", "--format", form), RecipeError, "no language of the report")


def test_values_are_shown_on_request_only(call: Callable[..., Result]) -> None:
    text = "My card was charged twice"
    for form in ("html", "md", "json"):
        assert text not in call("report", "tickets", "--format", form).stdout
        assert text in call("report", "tickets", "--format", form, "--show-values").stdout


# --- stats ------------------------------------------------------------------------------------------------------------


def test_stats_of_an_input_of_a_run_and_of_a_folder(call: Callable[..., Result]) -> None:
    told = call("stats", "tickets").stdout
    assert told.splitlines()[0] == "tickets: 49 rows, 120 messages, 13,564 characters"
    assert re.search(r"train +39 +79\.6%", told) and re.search(r"assistant +60 +8,973 +66\.2%|assistant +60", told)
    rest = "\n".join(told.splitlines()[1:])
    folder = call("stats", "out/tickets/hf").stdout
    assert folder.splitlines()[0].endswith("49 rows, 120 messages, 13,564 characters")
    assert folder.splitlines()[-11:] == rest.splitlines()[-11:]  # the bins
    raw = call("stats", "tickets.csv")
    assert raw.stdout.startswith("tickets.csv: 54 rows") and "43 records hold no row:" in raw.stderr
    assert "private-note 11" in raw.stderr


def test_stats_show_no_text_and_no_escape(call: Callable[..., Result]) -> None:
    done = call("stats", "odd.jsonl")
    assert "odd.jsonl: 3 rows" in done.stdout and "1 records hold no row" in done.stderr
    assert "which?" not in done.output
    for sign in HOSTILE.replace(" ", ""):
        assert (ord(sign) > 32 and ord(sign) < 127) or sign not in done.output
    told = json.loads(call("stats", "odd.jsonl", "--json").stdout)
    assert (told["rows"], told["unread"][0]["count"]) == (3, 1)
    assert {one["name"]: one["count"] for one in told["holding"]} == {"preference": 1, "weight 0": 1}


# --- head -------------------------------------------------------------------------------------------------------------


def test_head_shows_who_speaks_in_words(call: Callable[..., Result]) -> None:
    told = call("head", "odd.jsonl").stdout.splitlines()
    assert told[0] == "odd.jsonl#1  (row 1)"
    assert told[1] == "user" and told[3:6] == ["assistant · weight 0", "  line", "  one"]
    assert told[-6:] == ["user", "  which?", "assistant", "  good", "assistant · rejected", "  bad"]
    for line in told:
        assert not set(line) & set("\x1b\x07\u202e\u200b")
    assert "  \\x1b]52;c;eA==\\x07 \\x1b[31mred \\u202eevil \\u200b" in told


def test_head_takes_a_number_of_rows_or_one(call: Callable[..., Result]) -> None:
    rows = json.loads(call("head", "odd.jsonl", "--json").stdout)
    assert [row["row"] for row in rows] == [1, 2, 3]
    for number in (1, 2, 3):
        assert json.loads(call("head", "odd.jsonl", "--row", str(number), "--json").stdout) == [rows[number - 1]]
    assert json.loads(call("head", "odd.jsonl", "-n", "2", "--json").stdout) == rows[:2]
    wrong(call("head", "odd.jsonl", "--row", "4"), InputError, "holds 3 rows; there is no row 4")


def test_head_goes_on_from_file_to_file(call: Callable[..., Result]) -> None:
    rows = json.loads(call("head", "tickets", "-n", "99", "--json").stdout)
    assert [row["row"] for row in rows] == list(range(1, 50))
    assert [row["split"] for row in rows] == ["train"] * 39 + ["validation"] * 5 + ["test"] * 5
    assert rows[39]["id"] == "validation.jsonl#1"
    assert json.loads(call("head", "tickets", "--row", "41", "--json").stdout) == [rows[40]]


def test_colours_come_beside_words_and_can_be_turned_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    plain = CliRunner().invoke(cli, ["head", "chat.jsonl", "-n", "2"]).stdout
    coloured = CliRunner().invoke(cli, ["head", "chat.jsonl", "-n", "2"], color=True).stdout
    assert "\x1b[36m\x1b[1muser\x1b[0m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert CliRunner().invoke(cli, ["head", "chat.jsonl", "-n", "2"], color=True).stdout == plain


def test_a_text_is_wrapped_on_a_terminal_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from ftdata.cli.head import _wrapped

    text = "word " * 60 + "\n\n" + "x" * 300
    assert _wrapped(text) == text.split("\n")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    lines = _wrapped(text)
    assert max(map(len, lines)) <= 37 and "" in lines
    assert "".join(lines).replace(" ", "") == text.replace("\n", "").replace(" ", "")
    assert not [line for line in lines if line != line.strip()]
