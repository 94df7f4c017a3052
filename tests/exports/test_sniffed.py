"""`ftdata sniff`: each generated export by its name, and nothing that is no data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from generate import cases
from judge import QUESTION, call

from ftdata.sniff import SURE

CASES = {case.name: case for case in cases()}
SHARED = Path(__file__).parents[2] / "../shared/data"
_IMITATIONS = {
    "dataset_info.json": json.dumps(
        {
            "alpaca": {"file_name": "alpaca.json"},
            "chat": {"file_name": "chat.json", "formatting": "sharegpt", "columns": {"messages": "conversations"}},
            "hub": {"hf_hub_url": "someone/some-set", "ranking": True, "columns": {"prompt": "instruction"}},
        },
        indent=2,
    ),
    "timeEntries.json": json.dumps(
        {
            "time_entries": [
                {"id": n, "task_id": 45, "parent_type": "Ticket", "time_spent": "10:15", "note": "Spent time on task"}
                | {"agent_id": 7, "created_at": "2021-10-15T12:31:42Z", "billable": True}
                for n in range(3)
            ]
        },
        indent=1,
    ),
    "Conversation.md": "# Conversation\n\n## Properties\n\nName | Type | Description | Notes\n"
    "------------ | ------------- | ------------- | -------------\n"
    "**body** | **String** | Content in HTML | [optional] [default to undefined]\n"
    "**incoming** | **Boolean** | Set to true if a user wrote it: else false | [optional]\n\n"
    "```js\nlet a: string = await api.reply(12);\n```\n",
    "header_formats.tsv": "line\texpected_time\tauthor\ttext\tkind\tsource\n"
    "3/6/18, 1:55 p.m. - a: m\t2018-06-03T13:55:00\ta\tm\tmessage\ttests\n"
    "13.06.18 21.25.15: a: m\t2018-06-13T21:25:15\ta\tm\tmessage\ttests of a parser\n"
    "[05.05.23, 15:48:11] James: Hi here\t2023-05-05T15:48:11\tJames\tHi here\tmessage\ttests\n",
    "SOURCES.md": "# Sources\n\n| file | source | licence |\n|---|---|---|\n| a.json | github:x/y @ 1 | MIT |\n",
    "target.json": json.dumps([{"author": "John Doe", "message": "."}, {"author": "Jane", "message": "hi"}]),
    "package.json": json.dumps({"name": "x", "version": "1.0.0", "scripts": {"test": "node ."}, "dependencies": {}}),
    "notes.txt": "Shopping\n\nmilk: two\nbread: one\n10:30 dentist\n",
}
_REAL = (
    "sft/llamafactory_dataset_info.json",
    "tickets/freshservice_api/timeEntries200.json",
    "tickets/freshservice_api/Conversation.md",
    "chats/whatsapp/header_formats.tsv",
    "chats/whatsapp/chatminer_target.json",
    "chats/SOURCES.md",
    "tickets/SOURCES.md",
)


@pytest.mark.parametrize("name", CASES)
def test_an_export_is_known(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The right reader first; one that needs to be told who is the assistant says so, and is first all the same."""
    case = CASES[name]
    home = case.write(tmp_path)
    told = call(capfd, "sniff", home / case.path, "--json")
    assert told.code in (0, QUESTION), told.err
    guesses = json.loads(told.out)
    if case.refused:
        assert all(guess["confidence"] < SURE for guess in guesses), guesses
        if case.sniffed is not None:
            said = " ".join(guess["refusal"] or "" for guess in guesses).lower()
            assert any(word in said for word in case.refused[0].split("|")), guesses
    else:
        assert guesses and guesses[0]["reader"] in str(case.sniffed).split("|"), [
            (g["reader"], g["confidence"]) for g in guesses
        ]
        if "assume_public" in case.fields:
            assert told.code == QUESTION and "assume_public" in str(guesses[0]), guesses[0]
        elif case.asks:
            assert "assistants" in guesses[0]["force"] and (told.code == QUESTION or "private" in case.fields)
        else:
            assert guesses[0]["confidence"] >= SURE and told.code == 0, guesses[0]
        if len(guesses) > 1:
            assert guesses[0]["confidence"] > guesses[1]["confidence"] or guesses[1]["confidence"] < SURE
    leaked = [canary for canary in case.canaries if canary in told.out + told.err]
    assert not leaked and "Traceback" not in told.err
    spoken = call(capfd, "sniff", home / case.path)
    assert not [canary for canary in case.canaries if canary in spoken.out + spoken.err]
    if case.evidence == "K" and not case.refused:
        assert "experimental" in spoken.out.lower(), spoken.out


def _not_known(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = call(capfd, "sniff", path, "--json")
    assert told.code == QUESTION, told.out
    guesses = json.loads(told.out or "[]")
    assert all(guess["confidence"] < SURE for guess in guesses), guesses
    assert not any("assistants" in guess["force"] for guess in guesses), guesses


@pytest.mark.parametrize("name", _IMITATIONS)
def test_what_is_no_data_set_is_not_claimed(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_text(_IMITATIONS[name])
    _not_known(path, capfd)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("name", _REAL)
def test_real_files_that_are_no_data_set_are_not_claimed(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    _not_known(SHARED / name, capfd)
