"""Endpoints are asked greedily by the official SDK; nothing leaves but what may, and no fault loses an answer."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asked_models import Reply, Served, said, serving, wrong
from click.testing import CliRunner

from ftdata import flow
from ftdata.cli.eval import command
from ftdata.endpoints import client, endpoint
from ftdata.errors import FtdataError, RecipeError, RefusedError, VendorError
from ftdata.evaluation.asking import endpoint as asking
from ftdata.evaluation.asking.systems import Remote

pytest.importorskip("openai", reason="needs the extra openai")

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def test(tmp_path: Path) -> Path:
    """Write ten held-out rows: the right answer is the last word of the question."""
    rows = [
        {"messages": [{"role": "user", "content": f"say w{i}"}, {"role": "assistant", "content": f"w{i}"}]}
        for i in range(10)
    ]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def call(*words: object) -> dict[str, Any]:
    done = CliRunner().invoke(command, [*map(str, words), "--json"])
    if isinstance(done.exception, FtdataError):
        raise done.exception
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def base(served: Served, test: Path, *more: object) -> dict[str, Any]:
    return call(test, "--base", f"{served.url}#m", "--answers", test.parent / "a", *more)


def kept(test: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in (test.parent / "a").glob("*.jsonl") for line in path.open()]


def echo(body: dict[str, Any]) -> Reply:
    return said(body["messages"][-1]["content"].split()[-1])


def test_each_question_is_asked_once_and_greedily(test: Path):
    with serving(echo) as served:
        found = base(served, test, "--max-tokens", 7)
        again = base(served, test, "--max-tokens", 7)
    asked = found["asked"][0]
    assert (asked["new"], asked["prompt_tokens"], asked["completion_tokens"]) == (10, 110, 30)
    assert asked["seconds"] >= 0 and again["asked"][0]["cached"] == 10 and len(served.asked) == 10
    assert next(one["value"][0] for one in found["measures"] if one["name"] == "exact") == 1
    sent = sorted((body["messages"][0]["content"] for body in served.asked), key=lambda text: int(text[5:]))
    assert sent == [f"say w{i}" for i in range(10)]
    others = [{key: value for key, value in body.items() if key != "messages"} for body in served.asked]
    assert all(one == {"model": "m", "temperature": 0, "seed": 0, "max_tokens": 7} for one in others)


def test_busy_servers_are_asked_again_and_the_rest_is_kept_when_they_fail(test: Path):
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def busy(body: dict[str, Any]) -> Reply:
        with lock:
            text = body["messages"][0]["content"]
            seen[text] = seen.get(text, 0) + 1
            return wrong(429, code="rate_limit") if seen[text] < 3 else echo(body)

    with serving(busy) as served:
        assert base(served, test)["asked"][0]["new"] == 10 and len(served.asked) == 30

    def down(body: dict[str, Any]) -> Reply:
        return wrong(503) if body["messages"][0]["content"] == "say w6" else echo(body)

    with serving(down) as served:
        with pytest.raises(VendorError, match="HTTP 503"):
            base(served, test)
        before = len(kept(test)) - 10
        assert 3 <= before < 10, "what was answered is kept, and the rest is not asked in vain"
        served.reply = echo
        assert base(served, test)["asked"][0]["cached"] == before


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ((200, {}, b"<html>hello"), "no chat completion"),
        ((200, {}, b'{"choices": []}'), "no chat completion"),
        ((200, {}, b'{"choices": [{"message": {"content": 7}}]}'), "no chat completion"),
        ((200, {}, b"[" * 100_000), "no chat completion"),
        ((200, {}, b"null"), "no chat completion"),
        ((200, {"content-length": "9999"}, b'{"choices": ['), "could not be reached|no chat completion"),
        ((302, {"location": "http://127.0.0.1:1/"}, b""), "HTTP 302"),
        (wrong(401, code="invalid_api_key", message=f"Incorrect key {KEY}\x1b[2J"), r"HTTP 401 .*\[key\]"),
        (wrong(404, code="model_not_found", message="there is no model m"), "404 .*there is no model m"),
        (wrong(400, code="bad", message="cannot read say w1"), r"HTTP 400 \(bad\)$"),
        (wrong(400, code="unsupported_value", param="messages"), "HTTP 400"),
        ((500, {"retry-after-ms": "1"}, b"\xff\x00"), "HTTP 500"),
    ],
)
def test_what_is_no_answer_is_told_in_one_line(test: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply, why: str):
    monkeypatch.setenv("LOCAL_API_KEY", KEY)
    monkeypatch.setattr(asking, "TRIES", 2)
    with (
        serving(lambda body: (reply[0], dict(reply[1]), reply[2])) as served,
        pytest.raises(VendorError, match=why) as told,
    ):
        base(served, test)
    text = str(told.value)
    assert "\n" not in text and "\x1b" not in text and KEY not in text and "say w" not in text
    assert {*served.keys} == {f"Bearer {KEY}"}
    assert all(KEY not in path.read_text() for path in (test.parent / "a").iterdir())


def test_empty_answers_are_counted_by_their_reason(test: Path):
    replies: dict[str, Reply] = {
        "w0": said(None, refusal="I will not"),
        "w1": said("half", "content_filter"),
        "w2": wrong(400, code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}),
        "w3": said(None, "tool_calls", tool_calls=[{"id": "c", "type": "function", "function": {"name": "f"}}]),
        "w4": said("w4 and on and", "length"),
        "w5": said(""),
        "w6": wrong(400, code="context_length_exceeded"),
        "w7": said("\x1b]0;title\x07\ud800 \u202e"),
        "w8": said("x" * 1_000_000),
    }
    with serving(lambda body: replies.get(body["messages"][0]["content"][4:], said("w"))) as served:
        asked = base(served, test)["asked"][0]
        done = CliRunner().invoke(
            command, [str(test), "--base", f"{served.url}#m", "--answers", str(test.parent / "a")]
        )
    assert asked["empty"] == {"filtered": 2, "refused": 1, "called": 1}
    assert (asked["cut"], asked["too_long"], asked["new"]) == (1, 1, 9)
    for text in ("2 answers empty (the vendor's filter)", "1 answer cut at 64 tokens", "1 question too long"):
        assert text in done.stdout
    assert "\x1b" not in done.stdout and "base answered 9 of 10" in done.stdout


def test_settings_that_a_model_does_not_take_are_left_out_and_said(test: Path):
    def picky(body: dict[str, Any]) -> Reply:
        if "max_tokens" in body:
            return wrong(400, code="unsupported_parameter", param="max_tokens")
        if "temperature" in body:
            return wrong(400, code="unsupported_value", param="temperature")
        return echo(body)

    with serving(picky) as served:
        asked = base(served, test)["asked"][0]
    assert asked["new"] == 10 and served.asked[-1]["max_completion_tokens"] == 64
    assert asked["notes"] == [
        f"asked without {name}, which the model does not take" for name in ("max_tokens", "temperature")
    ]


def test_a_question_of_a_megabyte_arrives_whole(tmp_path: Path):
    text = "é" * 1_000_000
    row = {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "w"}]}
    (tmp_path / "test.jsonl").write_text(json.dumps(row) + "\n")
    with serving(lambda body: said("w")) as served:
        base(served, tmp_path / "test.jsonl")
    assert served.asked[0]["messages"][0]["content"] == text


# --- what leaves ------------------------------------------------------------------------------------------------------

VENDOR = "https://llm.example.com/v1"


def away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what would go to a vendor's host arrive at the server here."""
    here = endpoint(base_url=served.url)
    make: Callable[..., Any] = client
    monkeypatch.setattr(asking, "client", lambda where, **more: make(replace(here, key_env=where.key_env), **more))
    monkeypatch.setenv("LLM_EXAMPLE_COM_API_KEY", KEY)


def ran(folder: Path, destinations: str, planted: bool) -> Path:
    """Run a recipe whose test split holds an address, or none."""
    rows = [
        {"messages": [{"role": "user", "content": f"say w{i}{' to ann.lee@acme-mail.com' * planted}"},
                      {"role": "assistant", "content": f"w{i}"}]}
        for i in range(60)
    ]  # fmt: skip
    folder.mkdir()
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "r.toml").write_text(
        f'[provenance]\nsource = "made"\nlawful_basis = "none needed"\ndestinations = {destinations}\n'
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "split"\nvalidation = 0.1\ntest = 0.1\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n'
    )
    flow.run(folder / "r.toml")
    return folder / "r.toml"


def test_bytes_leave_in_the_one_allowed_case_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    allowed = ('["llm.example.com"]', '["local"]')
    runs = {
        (named, planted): ran(tmp_path / f"{named}-{planted}", allowed[named], bool(planted))
        for named, planted in itertools.product((0, 1), (0, 1))
    }
    agree = ("--yes-send-to", "llm.example.com")
    count = 0
    with serving(echo) as served:
        away(served, monkeypatch)

        def go(run: Path, *more: str) -> str:
            nonlocal count
            count += 1
            served.asked.clear()
            try:
                call(run, "--base", f"{VENDOR}#m", "--answers", tmp_path / f"a{count}", *more)
            except RefusedError as error:
                assert not served.asked
                return str(error)
            assert len(served.asked) == 6 and {*served.keys} == {f"Bearer {KEY}"}
            return ""

        for tampered in (False, True):
            if tampered:
                for run in runs.values():
                    with (run.parent / "out" / "train.jsonl").open("a") as stream:
                        stream.write("{}\n")
            for (named, planted), run in runs.items():
                wrong_ones = [
                    code for code, off in (("bytes", tampered), ("provenance", named), ("private-data", planted)) if off
                ]
                told = go(run, *agree)
                assert [code for code in ("bytes", "provenance", "private-data") if f"({code})" in told] == wrong_ones
                assert "ann.lee" not in told
                accepted = [word for code in wrong_ones for word in ("--accept", f"{code}=a reason")]
                if wrong_ones:
                    assert go(run, *agree, *accepted[:-2]) != "", "all but one are not enough"
                assert go(run, *agree, *accepted) == ""
                note = json.loads(next((tmp_path / f"a{count}").glob("*.sent.json")).read_text())
                assert note[0]["accepted"] == dict.fromkeys(wrong_ones, "a reason") and note[0]["questions"] == 6
                told = go(run, *accepted)
                assert "--yes-send-to llm.example.com would send 6 held-out questions (" in told
                assert go(run, "--yes-send-to", "openai", *accepted) != ""


def test_a_file_without_a_run_needs_a_word_on_where_it_comes_from(test: Path, monkeypatch: pytest.MonkeyPatch):
    with serving(echo) as served:
        away(served, monkeypatch)
        words = (test, "--base", f"{VENDOR}#m", "--answers", test.parent / "a", "--yes-send-to", "llm.example.com")
        with pytest.raises(RefusedError, match=r"refused \(provenance\): no run is known"):
            call(*words)
        assert not served.asked
        assert call(*words, "--accept", "provenance=made by hand")["asked"][0]["new"] == 10
        assert call(*words)["asked"][0]["cached"] == 10, "what is in the cache is not sent again, and asks for no leave"


def test_a_key_that_is_missing_is_named_before_anything_is_judged(test: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LLM_EXAMPLE_COM_API_KEY", raising=False)
    with pytest.raises(VendorError, match="LLM_EXAMPLE_COM_API_KEY"):
        call(test, "--base", f"{VENDOR}#m", "--answers", test.parent / "a")


def test_vendors_take_the_newer_name_of_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asker = asking.Asker(Remote("openai:m", endpoint(), "m"), 5)
    assert asker.settings == {"model": "m", "temperature": 0, "seed": 0, "max_completion_tokens": 5}


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("", "is empty"),
        ("openai:", "names no model; write openai:MODEL"),
        ("local: ", "names no model; write local:FOLDER"),
        ("https://llm.example.com/v1", "names no model; write URL#MODEL"),
        ("https://llm.example.com/v1# ", "names no model; write URL#MODEL"),
        ("https://ann:hunter2@llm.example.com/v1", "holds a user name or password"),
    ],
)
def test_a_word_that_names_no_model_is_told_without_its_password(test: Path, word: str, why: str):
    with pytest.raises(RecipeError, match=why) as told:
        call(test, "--base", word, "--answers", test.parent / "a")
    assert "hunter2" not in str(told.value)
