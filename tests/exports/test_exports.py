"""Every generated export: the conversations, the records left out and why, the law, and nothing private anywhere.

The exports and what they must give are written by `generate.py`, from the documents of the formats alone.
"""

from __future__ import annotations

import csv
import errno
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from export_case import Case
from generate import cases
from judge import QUESTION, call, leaks, miscounted, outcome, recipe, same, settings, together

from ftdata import FtdataError, Source, hooks
from ftdata.batch import Batch
from ftdata.readers import stitch
from ftdata.writers.openai_chat import OpenAIChat

CASES = {case.name: case for case in cases()}
READ = [name for name, case in CASES.items() if not case.refused]
REFUSED = [name for name, case in CASES.items() if case.refused]
ASKING = [name for name in READ if CASES[name].asks and name != "discord-csv"]
HEADERS = Path(__file__).parents[2] / "../shared/data/chats/whatsapp/header_formats.tsv"
ONE_EACH = list({(CASES[name].reader, name.split("-")[0]): name for name in READ}.values())


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever is spooled for a moment lie where the canaries are sought."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def on_disk(name: str, folder: Path) -> tuple[Case, Path]:
    case = CASES[name]
    return case, case.write(folder)


@pytest.mark.parametrize("name", READ)
def test_conversations_and_records(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case, home = on_disk(name, tmp_path)
    told = call(capfd, "run", recipe(case, home))
    assert told.code in (0, 1), f"{told.err}{told.out}"
    found = outcome(told, home)
    wrong = same(found.conversations, case.conversations)
    wrong += found.problems + miscounted(found.records, case.left) + leaks(case, home, told.out, told.err)
    if case.times and sorted(time[:16] for time in found.times) != sorted(case.times):
        wrong.append(f"times {found.times}, not {case.times}")
    wrong += [f"flag {flag} is not raised" for flag in case.flags if flag not in str(found.run.get("flags"))]
    assert not wrong, "\n".join([*wrong, f"reasons: {dict(found.records)}, flags: {found.run.get('flags')}"])


@pytest.mark.parametrize("name", READ)
def test_nothing_left_out_stands_in_the_rows(name: str, tmp_path: Path) -> None:
    """Not in `meta`, a note, a flag, an id: a writer may write all of these."""
    case, home = on_disk(name, tmp_path)
    stage = hooks.find(("reader",), case.reader).stage
    fields: dict[str, Any] = {"path": home / case.path, **case.fields}
    with Source(home / case.path) as source:
        for batch in stage.model_validate(fields).read(source):  # type: ignore[attr-defined]
            rows = repr(batch.to_dicts())
            assert [canary for canary in case.canaries if canary in rows] == []


def test_all_exports_in_one_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every reader after the other: numbers go on, and none knows of another."""
    written = [(CASES[name], CASES[name].write(tmp_path)) for name in READ]
    told = call(capfd, "run", together(written, tmp_path))
    found = outcome(told, tmp_path)
    assert told.code in (0, 1) and not found.problems, f"{told.err}{found.problems}"
    assert not same(found.conversations, [talk for case, _ in written for talk in case.conversations])
    by_input = {(part["name"], part["lookup"]) for part in found.run["inputs"]}
    assert len(by_input) == len(found.run["inputs"])


@pytest.mark.parametrize("name", ONE_EACH)
def test_converted_by_what_sniff_says(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing but the settings of the case is said: the reader is found, and gives the same."""
    case, home = on_disk(name, tmp_path)
    told = call(capfd, "convert", home / case.path, home / "out" / "train.jsonl", "--no-pii", *settings(case))
    assert told.code in (0, 1), told.err
    found = outcome(told, home, "train.jsonl")
    assert not same(found.conversations, case.conversations) + found.problems + leaks(case, home, told.out, told.err)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An export without message text, or that cannot tell internal from public: told, with the cure."""
    case, home = on_disk(name, tmp_path)
    told = call(capfd, "run", recipe(case, home))
    assert told.code == QUESTION, f"{told.err}{told.out}"
    assert not (home / "out" / "train.jsonl").exists()
    assert "Traceback" not in told.err
    for words in case.refused:
        assert any(word in told.err.lower() for word in words.split("|")), told.err
    assert leaks(case, home, told.out, told.err) == []


@pytest.mark.parametrize("name", ASKING)
def test_who_is_the_assistant_is_never_guessed(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case, home = on_disk(name, tmp_path)
    told = call(capfd, "run", recipe(case, home, assistants=None))
    assert told.code == QUESTION, f"{told.err}{told.out}"
    assert "assistant" in told.err.lower() and "Traceback" not in told.err
    assert not (home / "out" / "train.jsonl").exists()
    assert leaks(case, home, told.out, told.err) == []


@pytest.mark.parametrize("name", ASKING)
def test_an_assistant_who_never_writes_is_told(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A name that is nobody's gives no rows: an error, never a file of somebody else's turns."""
    case, home = on_disk(name, tmp_path)
    told = call(capfd, "run", recipe(case, home, assistants=["Nobody At All"]))
    assert told.code not in (0, 1), told.err
    assert "Traceback" not in told.err and leaks(case, home, told.out, told.err) == []


@pytest.mark.parametrize("name", ["slack-folder", "discord-json", "whatsapp-ios-us", "signal", "telegram-chat"])
def test_a_greeting_is_kept_on_request(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case, home = on_disk(name, tmp_path)
    told = call(capfd, "run", recipe(case, home, greeting=True))
    found = outcome(told, home)
    assert told.code in (0, 1) and not found.problems, told.err
    assert found.records["leading-agent"] == 0
    opened = [talk for talk in found.conversations if talk[0][0] == "assistant"]
    assert len(opened) == sum("DROPPED" in canary and "greeting" in canary for canary in case.canaries)
    assert len(found.conversations) == len(case.conversations)


@pytest.mark.parametrize("name", ["whatsapp-ios-us", "telegram-chat", "messenger-inbox"])
def test_me_is_the_assistant(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case, home = on_disk(name, tmp_path)
    me = {"telegram-chat": "Bruno Reis"}.get(name, case.fields["assistants"][0])
    told = call(capfd, "run", recipe(case, home, assistants=None, me=me))
    found = outcome(told, home)
    assert told.code in (0, 1), told.err
    assert not same(found.conversations, case.conversations) + found.problems


def test_whoever_is_neither_is_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With `users` given too, a third person is nobody. A mark before a name in no address book is not of it."""
    case, home = on_disk("whatsapp-ios-us", tmp_path)
    told = call(capfd, "run", recipe(case, home, users=["Ana"]))
    found = outcome(told, home)
    assert told.code in (0, 1) and not found.problems, told.err
    assert found.records["unknown-author"] == 1
    talks = [case.conversations[0], [list(turn) for turn in case.conversations[1]]]
    talks[1][0][1] = talks[1][0][1].split("\n\n")[0]
    assert not same(found.conversations, talks)


@pytest.mark.parametrize("name", ["teams-chat", "discord-json"])
def test_an_export_of_private_talks_only_names_the_setting(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is read, and the error is not about names of which it has seen none."""
    case, home = on_disk(name, tmp_path)
    export = home / case.path
    export.write_text(export.read_text().replace('"GuildTextChat"', '"DirectTextChat"'))
    told = call(capfd, "run", recipe(case, home, private=None))
    assert told.code not in (0, 1) and "private = true" in told.err.replace("private=true", "private = true"), told.err
    assert not (home / "out" / "train.jsonl").exists()
    found = outcome(call(capfd, "run", recipe(case, home, private=True)), home)
    assert not same(found.conversations, case.conversations)


@pytest.mark.parametrize("name", ONE_EACH)
def test_a_failing_run_leaves_nothing_private(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills while rows are written: looked at while scratch files and spool are there, and afterwards."""
    case, home = on_disk(name, tmp_path)
    path = recipe(case, home, steps=("exact-dedup",))
    inside: list[str] = []

    def full(self: OpenAIChat, batches: Iterator[Batch], into: Path) -> None:
        inside.extend(leaks(case, home, public=False))
        next(batches)
        inside.extend(leaks(case, home, public=False))
        raise OSError(errno.ENOSPC, "No space left on device")

    held = stitch.Stitch.batches

    def looked(self: stitch.Stitch, *given: Any, **named: Any) -> Iterator[Batch]:
        for batch in held(self, *given, **named):
            inside.extend(leaks(case, home, public=False))
            yield batch

    monkeypatch.setattr(stitch, "MEMORY", 0)
    monkeypatch.setattr(stitch, "_FLUSH_ROWS", 2)
    monkeypatch.setattr(stitch.Stitch, "batches", looked)
    monkeypatch.setattr(OpenAIChat, "write", full)
    told = call(capfd, "run", path)
    assert told.code not in (0, 1, QUESTION), told.err
    assert "Traceback" not in told.err
    assert inside == []
    assert leaks(case, home, told.out, told.err) == []


@pytest.mark.parametrize("name", ONE_EACH)
def test_a_limit_that_stops_a_run_says_nothing_private(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case, home = on_disk(name, tmp_path)
    path = recipe(case, home)
    path.write_text(path.read_text().replace('name = "k"', 'name = "k"\nmax_drop = 0'))
    told = call(capfd, "run", path)
    if any(case.left.values()):
        assert told.code != 0, told.err
    assert "Traceback" not in told.err
    assert leaks(case, home, told.out, told.err) == []
    assert "CANARY" not in call(capfd, "show", path).out


def test_the_exports_are_the_same_every_time(tmp_path: Path) -> None:
    for first, second in zip(cases(), cases(), strict=True):
        assert first.files == second.files and first.expected() == second.expected()
    for case in CASES.values():
        assert len(set(case.canaries)) == len(case.canaries)


@pytest.mark.skipif(not HEADERS.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("at", range(8))
def test_each_known_header_gives_its_time(at: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A line of the collected headers as a file of its own, with an answer under the same header."""
    with HEADERS.open(encoding="utf-8", newline="") as table:
        rows = [
            row for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE) if row["kind"] == "message"
        ]
    row = rows[at] if at < len(rows) else pytest.skip("no such row")
    head, found_author, _ = row["line"].partition(f"{row['author']}: ")
    assert found_author
    case = Case("header", "whatsapp", "chat.txt", assistants=["Zoé"], day_first=True)
    case.text("chat.txt", f"{row['line']}\n{head.removesuffix('~ ')}Zoé: {(answer := case.answer())}\n")
    case.conv(("user", row["text"]), ("assistant", answer))
    home = case.write(tmp_path)
    told = call(capfd, "run", recipe(case, home))
    assert told.code in (0, 1), told.err
    found = outcome(told, home)
    assert not same(found.conversations, case.conversations)
    assert found.times == [row["expected_time"].split(" ")[0]]


def test_ambiguous_days_are_said_to_be(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No day over 12 in the whole file: refused with the setting that decides, or read with a flag; decided if told."""
    case, home = on_disk("whatsapp-decided", tmp_path)
    chat = home / case.path
    chat.write_text("".join(line + "\n" for line in chat.read_text().split("\n") if "28/04" not in line))
    told = call(capfd, "run", recipe(case, home))
    assert told.code == QUESTION or "ambiguous" in f"{outcome(told, home).run.get('flags')}", told.err
    if told.code == QUESTION:
        assert "day_first" in told.err
    for first, talks in ((True, case.conversations[:3]), (False, case.conversations[:3])):
        told = call(capfd, "run", recipe(case, home, day_first=first))
        found = outcome(told, home)
        assert not same(found.conversations, talks) and "ambiguous" not in f"{found.run.get('flags')}"


@pytest.mark.parametrize("name", ["slack-folder", "slack-zip"])
def test_order_of_turns_does_not_hang_on_files(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without `merge`, turns stay apart, and none is lost."""
    case, home = on_disk(name, tmp_path)
    told = call(capfd, "run", recipe(case, home, merge=False))
    found = outcome(told, home)
    assert told.code in (0, 1) and not found.problems, told.err
    assert not same(found.conversations, case.conversations)  # no role writes twice in a row here


_HIDES = {"private", "isBot", "is_bot", "redacted", "is_internal", "deleted", "is_unsent"}
_SHOWS = {"public", "is_public", "jsdPublic", "isPublic"}


def _restated(value: Any, hides: Any, shows: Any) -> int:
    """Write flags that hide a message in another form; give how many there were. `shows` of `...`: the key is gone."""
    if isinstance(value, list):
        return sum(_restated(item, hides, shows) for item in value)
    if not isinstance(value, dict):
        return 0
    count = 0
    for key in list(value):
        if key in _HIDES and value[key] is True:
            value[key] = hides
        elif key in _SHOWS and value[key] is False:
            value[key] = shows
            if shows is ...:
                del value[key]
        else:
            count += _restated(value[key], hides, shows)
            continue
        count += 1
    return count


@pytest.mark.parametrize(("hides", "shows"), [("true", "false"), (1, 0), ("1", "0"), ("yes", None), ("True", ...)])
@pytest.mark.parametrize(
    "name", ["zendesk-json", "intercom-api", "freshdesk-json", "jira-json", "gorgias-json", "discord-json"]
)
def test_a_flag_in_another_form_hides_all_the_same(name: str, hides: Any, shows: Any, tmp_path: Path) -> None:
    """Exports pass through databases and spreadsheets, which write `true` in ways of their own."""
    case, home = on_disk(name, tmp_path)
    path = home / case.path
    value = json.loads(path.read_bytes())
    assert _restated(value, hides, shows)
    path.write_text(json.dumps(value))
    stage: Any = hooks.find(("reader",), case.reader).stage
    try:
        with Source(path) as source:
            batches = list(stage.model_validate({"path": path, **case.fields}).read(source))
    except FtdataError:
        return  # refused: nothing tells public from private
    rows = repr([batch.to_dicts() for batch in batches])
    assert [canary for canary in case.canaries if canary.startswith("CANARY") and canary in rows] == []
