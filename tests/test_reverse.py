"""`convert --reverse`: the old file byte for byte, or the reason why not, and then nothing written."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ftdata.errors import InputError, OutputError, RunError
from ftdata.flow import run
from ftdata.recipe import Recipe
from ftdata.reverse import reverse
from ftdata.sniff import conversion

REAL = Path(__file__).parents[2] / "shared" / "data" / "legacy"
ROWS = [{"prompt": f"ask é {i} ->", "completion": f" say {i} END", "id": i} for i in range(9)]
OLD = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def converted(tmp_path: Path, content: bytes = OLD, name: str = "old.jsonl", **settings: Any) -> Path:
    """Convert an old file; give the chat file."""
    (tmp_path / name).write_bytes(content)
    chat = tmp_path / "out" / "chat.jsonl"
    run(conversion(str(tmp_path / name), str(chat), **settings))
    return chat


def recipe(tmp_path: Path, *steps: dict[str, Any], read: Any = None, write: Any = None) -> Path:
    """Run a recipe over the old file; give the chat file."""
    (tmp_path / "old.jsonl").write_bytes(OLD)
    data = {
        "read": read or [{"use": "prompt-completion", "path": "old.jsonl"}],
        "step": list(steps),
        "write": write or [{"use": "openai-chat", "path": "out/chat.jsonl", "sidecar": ["*"]}],
    }
    run(Recipe.parse(data, tmp_path, "old"))
    return tmp_path / "out" / "chat.jsonl"


def ftdata(*args: object, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ftdata", *map(str, args)]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)


CASES = {
    "lines": OLD,
    "mark, crlf, no final newline": b"\xef\xbb\xbf" + OLD.replace(b"\n", b"\r\n").removesuffix(b"\r\n"),
    "utf-16": OLD.decode().encode("utf-16"),
    "array": json.dumps(ROWS, indent=2, ensure_ascii=False).encode(),
    "one record": OLD.split(b"\n")[0],
    "blank lines": OLD.replace(b"\n", b"\n\n"),
    "no style": OLD.replace(b'"id"', b' "id" '),
    "table": b'Completion;PROMPT;n\r\n b END;"a\r\nb ->";N/A\r\n c END;"d ->";\r\n',
    "table with needless quotes": b'prompt,completion\na,"b"\n"c",d\n',
}


@pytest.mark.parametrize("case", CASES)
def test_it_comes_back_byte_for_byte(tmp_path: Path, case: str) -> None:
    chat = converted(tmp_path, CASES[case], reader="prompt-completion")
    made = reverse(chat, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CASES[case]
    assert made.bytes == len(CASES[case])
    assert {path.name for path in tmp_path.iterdir()} == {"old.jsonl", "out", "back"}


def test_a_compressed_file_comes_back_as_it_was_inside(tmp_path: Path) -> None:
    reverse(converted(tmp_path, gzip.compress(OLD), "old.jsonl.gz"), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == OLD


def test_splits_prefixes_and_growing_prompts_come_back(tmp_path: Path) -> None:
    rows = [{"prompt": "Be kind to all.\nA: hi\nB:", "completion": " ho\n", "n": 1.50}]
    rows.append({"prompt": rows[0]["prompt"] + " ho\nA: well?\nB:", "completion": " well\n", "n": 2})  # type: ignore[operator]
    rows.append({"prompt": "Be kind to all.\nA: so?\nB:", "completion": " so\n", "n": 3})
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    chat = converted(tmp_path, content, fields={"merge": True, "transcript": True, "prefix": "system"})
    assert [len(json.loads(line)["messages"]) for line in chat.read_text().splitlines()] == [5, 3]
    reverse(chat, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content


def test_meta_stays_beside_the_rows(tmp_path: Path) -> None:
    chat = converted(tmp_path)
    assert all(set(json.loads(line)) == {"messages"} for line in chat.read_text().splitlines())
    beside = [json.loads(line) for line in (chat.parent / ".meta" / chat.name).read_text().splitlines()]
    assert beside == [{"line": i + 1, "meta": {"id": i}} for i in range(9)]


def refused(error: type[Exception], match: str, chat: Path, out: Path) -> None:
    with pytest.raises(error, match=match):
        reverse(chat, out)
    assert not out.exists()
    assert not [path for path in out.parent.iterdir() if "scratch" in path.name]


def test_a_run_that_dropped_or_edited_rows_is_refused_with_the_counts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    refused(
        RunError,
        r"edited rows \(system 9\)",
        recipe(tmp_path / "a", {"use": "system", "text": "Be brief."}),
        tmp_path / "back",
    )
    bad = converted(tmp_path, OLD + b'{"prompt": "", "completion": "x"}\n{bad\n')
    refused(RunError, "dropped 2 rows .*empty-prompt 1", bad, tmp_path / "back")
    some = OLD.replace(b"say 3", b"say it all three times")
    (tmp_path / "b" / "old.jsonl").write_bytes(some)
    read = [{"use": "prompt-completion", "path": "old.jsonl"}]
    write = [{"use": "openai-chat", "path": "out/chat.jsonl", "sidecar": ["*"]}]
    run(
        Recipe.parse(
            {"read": read, "step": [{"use": "length", "max_chars": 20}], "write": write}, tmp_path / "b", "old"
        )
    )
    refused(RunError, "dropped 1 rows", tmp_path / "b" / "out" / "chat.jsonl", tmp_path / "back")


def test_other_inputs_and_several_files_are_refused(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "rows.jsonl").write_text('{"messages": [{"role": "user", "content": "a"}]}\n')
    read = [{"use": "openai-chat", "path": "rows.jsonl"}]
    refused(RunError, "read openai-chat, not", recipe(tmp_path / "a", read=read), tmp_path / "back")
    (tmp_path / "b" / "more.jsonl").write_bytes(OLD)
    read = [{"use": "prompt-completion", "path": name} for name in ("old.jsonl", "more.jsonl")]
    refused(RunError, "read 2 files", recipe(tmp_path / "b", read=read), tmp_path / "back")
    write = [{"use": "openai-chat", "path": f"out/{name}.jsonl", "sidecar": ["*"]} for name in ("chat", "copy")]
    refused(RunError, "wrote 2 files", recipe(tmp_path / "c", write=write), tmp_path / "back")
    write = [{"use": "openai-chat", "path": "out/chat.jsonl"}]
    refused(RunError, r'sidecar = \["\*"\]', recipe(tmp_path / "d", write=write), tmp_path / "back")


@pytest.mark.parametrize("which", ["chat.jsonl", ".meta/chat.jsonl"])
def test_a_file_that_changed_since_is_refused(tmp_path: Path, which: str) -> None:
    chat = converted(tmp_path)
    path = chat.parent / which
    path.write_bytes(path.read_bytes().replace(b"3", b"4"))
    refused(InputError, "has changed since", chat, tmp_path / "back")
    path.unlink()
    with pytest.raises(InputError):
        reverse(chat, tmp_path / "back")


def test_a_record_that_lies_gives_nothing(tmp_path: Path) -> None:
    """What is rebuilt is held against the hash of what was read, whatever the manifest says of its form."""
    chat = converted(tmp_path)
    path = chat.parent / ".ftdata" / "chat.jsonl" / "run.json"
    path.write_text(path.read_text().replace('" END"', '" End"', 1).replace('"stop": " END"', '"stop": " End"'))
    refused(RunError, "does not give old.jsonl back", chat, tmp_path / "back")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    chat = converted(tmp_path)
    (tmp_path / "back").write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        reverse(chat, tmp_path / "back")
    assert (tmp_path / "back").read_text() == "mine"
    reverse(chat, tmp_path / "back", overwrite=True)
    assert (tmp_path / "back").read_bytes() == OLD
    (tmp_path / "twin").hardlink_to(chat)
    for out in (chat, chat.parent / ".meta" / chat.name, tmp_path / "twin"):
        before = out.read_bytes()
        with pytest.raises(OutputError, match="is what the old file is made of"):
            reverse(chat, out, overwrite=True)
        assert out.read_bytes() == before
    reverse(chat, tmp_path / "new" / "deep" / "back")
    assert (tmp_path / "new/deep/back").read_bytes() == OLD
    with pytest.raises(OutputError, match="is a file, not a folder"):
        reverse(chat, tmp_path / "back" / "below")


def test_a_file_that_no_run_wrote_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chat.jsonl").write_text("{}")
    refused(InputError, "no run's record", tmp_path / "chat.jsonl", tmp_path / "back")


def test_on_the_command_line(tmp_path: Path) -> None:
    made = ftdata("convert", "-", "out/chat.jsonl", cwd=tmp_path, stdin=OLD)
    assert made.returncode == 0, made.stderr
    assert b'"say 3"' in (tmp_path / "out" / "chat.jsonl").read_bytes()
    back = ftdata("convert", "--reverse", "out/chat.jsonl", "back.jsonl", cwd=tmp_path)
    assert (back.returncode, back.stdout) == (0, b""), back.stderr
    assert (tmp_path / "back.jsonl").read_bytes() == OLD
    again = ftdata("convert", "--reverse", "out/chat.jsonl", "back.jsonl", cwd=tmp_path)
    assert again.returncode == 4
    piped = ftdata("convert", "--reverse", "out/chat.jsonl", "-", cwd=tmp_path)
    assert (piped.returncode, piped.stdout) == (0, OLD)
    for wrong in (["--from", "tickets"], ["--no-pii"], ["--set", "merge=true"]):
        assert ftdata("convert", "--reverse", *wrong, "out/chat.jsonl", "x", cwd=tmp_path).returncode == 2
    missing = ftdata("convert", "--reverse", "other.jsonl", "x", cwd=tmp_path)
    assert (missing.returncode, b"Traceback" in missing.stderr) == (3, False)
    (tmp_path / "bad.jsonl").write_bytes(OLD + b"{\n")
    assert ftdata("convert", "bad.jsonl", "out/bad.jsonl", cwd=tmp_path).returncode == 0
    refusal = ftdata("convert", "--reverse", "out/bad.jsonl", "x", cwd=tmp_path)
    assert (refusal.returncode, refusal.stderr.count(b"\n")) == (1, 1)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
@pytest.mark.parametrize("name", [path.name for path in sorted(REAL.glob("*.jsonl"))])
def test_real_files_come_back(tmp_path: Path, name: str) -> None:
    content = (REAL / name).read_bytes()
    reverse(converted(tmp_path, content), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
