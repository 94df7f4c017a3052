"""`ftdata tokens` as a person meets it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from token_folder import make_folder

from ftdata.cli import main
from ftdata.tokens import Template

exact = pytest.mark.skipif(importlib.util.find_spec("toktok") is None, reason="needs toktok-rs")
ROWS = (
    {"messages": [{"role": "user", "content": "hello \x1b[31m"}, {"role": "assistant", "content": "hi \x1b]0;t\x07"}]},
    {
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "no", "weight": 0},
            {"role": "user", "content": "w"},
            {"role": "assistant", "content": "yes"},
        ]
    },
    {"messages": [{"role": "user", "content": "secret"}, {"role": "assistant", "content": "never", "weight": 0}]},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (*ROWS[:2], "no row", ROWS[2])))
    return path


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Run a command in this process; give exit code, stdout, stderr."""
    sys.argv = ["ftdata", "tokens", *map(str, args)]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def test_the_whole_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, file)
    assert code == 1
    assert "secret" not in out + err and "hello" not in out + err
    assert out.splitlines()[0].split() == ["tokens", "of", "min", "p5", "p50", "p95", "p99", "max", "sum"]
    assert "estimated" in err and "tokens-nothing-learnt" in err and "(rows 4)" in err
    code, out, _ = call(capsys, file, "--json", "--max-length", 12)
    findings = {finding["code"]: finding for finding in json.loads(out)}
    assert code == 1 and findings["tokens-truncated"]["numbers"]["max_length"] == 12


@exact
def test_a_model_at_a_target(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = call(capsys, file, "--model", "gpt-4o-mini", "--for", "openai")
    assert "limit: 65,536 tokens (gpt-4o-mini at openai, guide" in err and "o200k: toktok-rs" in err
    _, _, err = call(capsys, file, "--model", "gpt-9", "--for", "openai")
    assert "limit: unknown for gpt-9 at openai" in err
    _, _, err = call(capsys, file, "--for", "openai")
    assert "limit: unknown at openai without --model" in err


def test_one_row_shows_what_is_learnt_in_brackets(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, file, "--row", 2)
    assert code == 0
    assert out == "user: q\nassistant: no\nuser: w\nassistant: [yes]\n"
    assert "train.jsonl#2: " in err and "by the messages" in err
    code, out, _ = call(capsys, file, "--row", 1)
    assert "\x1b" not in out and "hello \\x1b[31m" in out and "[hi \\x1b]0;t\\x07]" in out, "no row steers the terminal"
    code, _, err = call(capsys, file, "--row", 4)
    assert code == 1 and "nothing of this row is learnt" in err
    code, out, _ = call(capsys, file, "--row", 2, "--turns", "last", "--json")
    shown = json.loads(out)
    assert [shown["text"][first:last] for first, last in shown["spans"]] == ["yes"]


def test_what_a_target_learns_of_a_row(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = call(capsys, file, "--row", 2, "--for", "trl")
    assert "assistant: [no]" in out and "TRL 1.16" in err
    _, out, err = call(capsys, file, "--row", 2, "--for", "openai")
    assert "assistant: no" in out and "openai: a weight must be" in err
    assert "not known here" in call(capsys, file, "--row", 2, "--for", "nebius")[2]


def test_a_row_by_a_template(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jinja2")
    code, out, err = call(capsys, file, "--row", 2, "--template", "chatml")
    assert code == 0
    assert out.count("[") == 2 and "[no<|im_end|>]" in out and "[yes<|im_end|>]" in out
    assert "1 answer has weight 0: assistant-only loss goes by the marks" in err
    plain = tmp_path / "plain.jinja"
    plain.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    code, out, err = call(capsys, file, "--row", 2, "--template", plain)
    assert (code, out) == (1, "qnowyes\n")
    assert "no {% generation %} marks" in err and "TRL raises" in err


def test_a_row_by_the_template_of_a_tokenizer(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path, Template.named("chatml").source)
    code, out, _ = call(capsys, file, "--row", 2, "--tokenizer", folder, "--json")
    shown = json.loads(out)
    assert code == 0 and shown["by"] == "template model"
    assert 0 < shown["trained"] < shown["tokens"]
    code, out, err = call(capsys, file, "--row", 2, "--tokenizer", folder, "--max-length", shown["tokens"] - 3)
    assert code == 0 and "3 tokens stand after" in err
    code, out, _ = call(capsys, file, "--tokenizer", folder, "--json")
    spread, *others = json.loads(out)
    assert spread["numbers"]["tokenizer"] == "folder" and spread["numbers"]["rows"] == 3
    assert others == [], "a template's marks do not look at weights"


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("--row", 9), 3, "there is no row 9; the last one is 4"),
        (("--row", 3), 3, "there is no row 3; that record could not be read"),
        (("--template", "chatml"), 2, "--template is for one row"),
        (("--for", "opnai"), 2, "did you mean 'openai'"),
        (("--tokenizer", "cl200k"), 2, "name cl100k or o200k"),
        (("--from", "nonsense"), 2, "--from"),
    ],
)
def test_mistakes(
    file: Path, args: tuple[object, ...], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    got, out, err = call(capsys, file, *args)
    assert (got, out) == (code, "") and told in err
    assert "bug" not in err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, tmp_path / "none.jsonl")[0] == 3
