"""The command line as a person meets it: convert, sniff, check, show; streams, exit codes, what a terminal shows."""

import csv
import io
import json
import os
import pty
import random
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from ftdata import Conversation, assistant, to_batches, user
from ftdata.checks.private_data import PrivateData
from ftdata.cli import main
from ftdata.wording import safe

KAGGLE = Path(__file__).parents[2] / "shared/data/tickets/kaggle_customer_support_tickets_first500.csv"
CHAT = '{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"yes"}]}\n'


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Run a command in this process; give exit code, stdout, stderr."""
    sys.argv = ["ftdata", *map(str, args)]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def ftdata(*args: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ftdata", *map(str, args)], input=stdin, capture_output=True, check=False, timeout=60
    )


def table(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)
    return path


def test_a_folder_of_many_files_is_not_listed_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for at in range(30):
        who, to = ("ana@mail.example", "s@shop.example") if at % 2 else ("s@shop.example", "ana@mail.example")
        text = f"From: {who}\nTo: {to}\nSubject: S\nDate: Mon, 4 Mar 2024 10:{at}:00 +0000\nMessage-ID: <{at}@x>\n"
        (tmp_path / f"{at:02}.eml").write_text(f"{text}References: <0@x>\n\nText {at}.\n")
    code, _, err = call(
        capsys, "convert", tmp_path, tmp_path / "o.jsonl", "--from", "email", "--set", 'assistants=["@shop.example"]'
    )
    assert code == 0 and "19.eml" in err and "20.eml" not in err and "and 10 more files: 10 records" in err


# --- the main job on a real export ------------------------------------------------------------------------------------

needs_kaggle = pytest.mark.skipif(not KAGGLE.exists(), reason="the shared data is not here")
PORTUGUESE = (
    "ID do chamado,Nome do cliente,E-mail do cliente,Idade,Gênero,Produto comprado,Data da compra,Tipo de chamado,"
    "Assunto,Descrição do chamado,Situação,Resolução,Prioridade,Canal,Primeira resposta em,Tempo até a resolução,Nota"
).split(",")


def kaggle() -> list[list[str]]:
    with KAGGLE.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def counts(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[dict[str, dict[str, int]], int, int, int]:
    code, out, err = call(capsys, "convert", *args, "--json", "-q")
    assert code == 0, err
    manifest = json.loads(out)["manifest"]
    flagged = manifest["flags"].get("placeholders", {}).get("unfilled-placeholder", 0)
    return manifest["dropped"], manifest["rows"], manifest["written"], flagged


@needs_kaggle
@pytest.mark.parametrize("kind", ["as it is", "portuguese", "shuffled", "semicolons"])
def test_convert_reads_the_kaggle_export(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = kaggle()
    if kind == "portuguese":
        rows[0] = PORTUGUESE
    if kind == "shuffled":
        order = list(range(len(rows[0])))
        random.Random(4).shuffle(order)
        rows = [[row[place] for place in order] for row in rows]
    source = tmp_path / "in.csv"
    with source.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, delimiter=";" if kind == "semicolons" else ",").writerows(rows)
    expected = {"tickets": {"no-answer": 324}}
    assert counts(capsys, source, tmp_path / "train.jsonl") == (expected, 500, 176, 176)
    assert sum(1 for _ in (tmp_path / "train.jsonl").open("rb")) == 176


@needs_kaggle
def test_convert_takes_stated_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = kaggle()
    rows[0] = [f"c{place}" for place in range(len(rows[0]))]
    rows[0][9], rows[0][11] = "q", "a"
    source = table(tmp_path / "in.csv", rows)
    stated = ("--set", "question=q", "--set", "answer=a")
    assert counts(capsys, source, tmp_path / "t.jsonl", *stated)[1:] == (500, 176, 176)


@needs_kaggle
def test_convert_refuses_a_table_without_header_and_names_the_flag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = table(tmp_path / "in.csv", kaggle()[1:])
    code, _, err = call(capsys, "convert", source, tmp_path / "t.jsonl")
    assert code == 3
    flags = re.search(r"--from tickets (?:--set \S+ ?)+", err)
    assert flags and "--set header=false" in flags[0], err
    assert not (tmp_path / "t.jsonl").exists()
    assert counts(capsys, source, tmp_path / "t.jsonl", *shlex.split(flags[0]))[1:] == (500, 176, 176)


@needs_kaggle
def test_the_converted_file_passes_the_format_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "convert", KAGGLE, tmp_path / "t.jsonl", "-q")[0] == 0
    code, out, err = call(capsys, "check", tmp_path / "t.jsonl", "--for", "openai")
    assert code == 0 and "error" not in out, out + err


# --- streams and exit codes -------------------------------------------------------------------------------------------


def test_a_pipe_carries_data_only(tmp_path: Path) -> None:
    given = b"".join((CHAT % f"question {n}").encode() for n in range(12))
    done = ftdata("convert", "-", "-", stdin=given)
    assert done.returncode == 0 and done.stdout == given and b"12 rows read" in done.stderr
    checked = ftdata("check", "-", "--for", "openai", stdin=done.stdout)
    assert checked.returncode == 0 and b"0 errors" in checked.stderr


def test_private_data_in_a_ready_file_is_counted_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "chat.jsonl"
    source.write_text("".join(CHAT % f"{n} ask ana{n}@example.com" for n in range(3)) + CHAT % "nothing")
    code, _, err = call(capsys, "convert", source, tmp_path / "kept.jsonl")
    assert code == 0 and "not scrubbed: 3 email in 3 rows; add --pii" in err
    assert (tmp_path / "kept.jsonl").read_text() == source.read_text()
    assert call(capsys, "convert", source, tmp_path / "clean.jsonl", "--pii")[0] == 0
    assert "@example.com" not in (tmp_path / "clean.jsonl").read_text()


def test_the_private_data_check_is_silent_where_there_is_none() -> None:
    batch = next(to_batches([Conversation(row=1, origin=(1,), messages=(user("Hi"), assistant("Hello")))]))
    assert PrivateData().judge(PrivateData().sketch(batch).lazy()) == []


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["convert", "nowhere.csv", "o.jsonl"], 3, "nowhere.csv"),
        (["convrt"], 2, "Did you mean 'convert'?"),
        (["convert", "{chat}", "o.jsonl", "--form", "x"], 2, "--from"),
        (["convert", "{chat}", "o.jsonl", "--from", "ticket"], 2, "did you mean 'tickets'?"),
        (["convert", "{chat}", "o.jsonl", "--to", "openai-chats"], 2, "did you mean 'openai-chat'?"),
        (["convert", "{chat}", "o.jsonl", "--set", "colour=red"], 2, "colour"),
        (["convert", "{chat}", "o.jsonl", "--set", "colour"], 2, "KEY=VALUE"),
        (["check", "{chat}", "--for", "opnai"], 2, "openai"),
        (["run", "nowhere.toml"], 3, "nowhere.toml"),
        (["show", "nothing"], 3, "nothing"),
        (["stages", "pi"], 2, "did you mean 'pii'?"),
        (["check", "{chat}", "--for", "openai"], 1, "openai-min-rows"),
    ],
)
def test_mistakes_end_in_one_line_and_the_right_code(
    args: list[str], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = tmp_path / "chat.jsonl"
    chat.write_text(CHAT % "hello")
    os.chdir(tmp_path)
    left, out, err = call(capsys, *(part.format(chat=chat) for part in args))
    assert left == code and told in out + err, (left, out, err)
    assert "Traceback" not in out + err


def test_an_output_of_somebody_else_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chat, out = tmp_path / "chat.jsonl", tmp_path / "o.jsonl"
    chat.write_text(CHAT % "hello")
    out.write_text("mine\n")
    assert call(capsys, "convert", chat, out)[0] == 4 and out.read_text() == "mine\n"
    assert call(capsys, "convert", chat, out, "--overwrite")[0] == 0
    assert call(capsys, "convert", chat, out)[0] == 0  # its own earlier version


def test_a_sample_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chat = tmp_path / "chat.jsonl"
    chat.write_text("".join(CHAT % f"question {n}" for n in range(50)))
    code, out, err = call(capsys, "convert", chat, tmp_path / "o.jsonl", "--sample", 3)
    assert code == 0 and out.count("user: question") == 3 and "3 rows read" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chat.jsonl"]


def test_sniff_says_what_an_unknown_file_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content, told in (
        ("a.json", '[{"alpha": 1, "beta": 2}]', "keys alpha, beta"),
        ("b.txt", "hello\nworld\n", "text"),
        ("c.bin", "\0\1\2\0", "binary"),
        ("d.csv", "", "empty"),
    ):
        path = tmp_path / name
        path.write_text(content)
        code, out, _ = call(capsys, "sniff", path)
        assert code == 3 and told in out, (name, out)


def test_texts_are_kept_only_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chat = tmp_path / "chat.jsonl"
    chat.write_text(CHAT % "write to ana@example.com" + CHAT % "no")
    recipe = tmp_path / "r.toml"
    tables = '[[read]]\nuse = "openai-chat"\npath = "chat.jsonl"\n[[step]]\nuse = "pii"\n'
    tables += '[[step]]\nuse = "length"\nmin_chars = 8\n[[write]]\nuse = "openai-chat"\npath = "o.jsonl"\n'
    recipe.write_text("[run]\nkeep_text = true\n" + tables)
    assert call(capsys, "run", recipe)[0] == 0
    kept = pl.read_parquet(tmp_path / ".ftdata/r/texts.parquet")
    assert kept.select("row", "stage", "event").rows() == [(1, "pii", "edit"), (2, "length", "drop")]
    assert "ana@example.com" in kept["before"][0] and "[EMAIL_1]" in kept["after"][0]
    recipe.write_text(tables)
    assert call(capsys, "run", recipe)[0] == 0
    assert not (tmp_path / ".ftdata/r/texts.parquet").exists()


# --- what reaches a terminal ------------------------------------------------------------------------------------------

EVIL = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[31mred",
    "\x9b31mred",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "\rfake line",
    "\u202egnp.exe",
    "\U000e0041\U000e0042",
    "\u200bzero",
    "\x7f\x08\x08",
    "\u2066a\u2069",
    "\udc9b",
]


def test_safe_shows_whatever_could_move_or_hide() -> None:
    for evil in EVIL:
        shown = safe(f"a{evil}b")
        assert all(letter.isprintable() for letter in shown), ascii(shown)
    assert safe("Olá, ação 👍 日本語\nnext") == "Olá, ação 👍 日本語\nnext"


@pytest.mark.parametrize("evil", ["".join(EVIL[:5]), "".join(EVIL[5:11])])
def test_nothing_from_data_steers_the_terminal(evil: str, tmp_path: Path) -> None:
    """Put hostile text in every place that is shown: file names, columns, labels, settings, errors."""
    name = evil.replace("/", "_").replace("\0", "")
    rows = [[f"question{name}", "answer", f"kind{name}"]]
    rows += [
        [f"How do I do the thing number {n} please?", f"Do it like this {n} times.", f"label{name}"] for n in range(12)
    ]
    source = table(tmp_path / f"in{name}.csv", rows)
    recipe = tmp_path / "r.toml"
    quoted = {key: json.dumps(value) for key, value in (("path", source.name), ("by", rows[0][2]))}
    recipe.write_text(
        f'[[read]]\nuse = "tickets"\npath = {quoted["path"]}\n[[step]]\nuse = "balance"\nby = {quoted["by"]}\n'
        '[[write]]\nuse = "openai-chat"\npath = "o.jsonl"\n'
    )
    commands = [
        ("sniff", source),
        ("run", recipe),
        ("show", recipe),
        ("explain", recipe, f"in{name}.csv#1"),
        ("convert", source, tmp_path / "c.jsonl", "--sample", "2"),
        ("convert", source, tmp_path / "c.jsonl", "--set", f"question={name}"),
        ("convert", tmp_path / f"none{name}", tmp_path / "c.jsonl"),
        ("check", source, "--for", f"x{name}"),
        ("stages", f"x{name}"),
        (f"x{name}",),
    ]
    for command in commands:
        shown = in_terminal(*command)
        ours = re.sub(r"\x1b\[2K|\x1b\[[0-9;]*m", "", shown.replace("\r\n", "\n").replace("\r", ""))
        bad = [letter for letter in ours if not letter.isprintable() and letter != "\n"]
        assert not bad, (command[0], ascii(bad), ascii(ours[-400:]))


def in_terminal(*args: object) -> str:
    """Run a command with a terminal as stdout and stderr; give all that it printed."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - the other process
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-m", "ftdata", *map(str, args)])
    shown = io.BytesIO()
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown.write(piece)
    os.close(terminal)
    os.waitpid(child, 0)
    return shown.getvalue().decode("utf-8", "surrogateescape")


# --- names that are none ----------------------------------------------------------------------------------------------


def test_what_comes_through_a_pipe_is_called_stdin(tmp_path: Path) -> None:
    for content in (b"hello world\n", b"PK\x03\x04 no archive"):
        done = ftdata("convert", "-", tmp_path / "o.jsonl", stdin=content)
        assert done.returncode == 3
        assert done.stderr.startswith(b"Error: stdin: ")


def test_a_named_pipe_is_read_once_and_whole(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.pipe")
    with subprocess.Popen(["sh", "-c", 'printf "%s" "$1" > "$2"', "sh", CHAT % "Hi", tmp_path / "in.pipe"]):
        done = ftdata("convert", tmp_path / "in.pipe", tmp_path / "o.jsonl", "-q")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.jsonl").read_text() == CHAT % "Hi"


def test_an_output_may_begin_with_a_dot_or_a_hyphen(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(CHAT % "Hi")
    for name in (".hidden.jsonl", "-x.jsonl"):
        assert call(capsys, "convert", tmp_path / "in.jsonl", tmp_path / name, "-q")[0] == 0
        assert call(capsys, "verify", tmp_path / name)[0] == 0


def test_a_run_that_cannot_be_a_file_name_is_no_bug(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x" * 5000, "x" * 5000 + ".toml"):
        code, _, told = call(capsys, "show", name)
        assert (code, "is no recipe" in told) == (3, True)


def test_a_folder_that_is_not_ours_is_passed_over(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(CHAT % "Hi")
    (tmp_path / "theirs").mkdir()
    assert call(capsys, "convert", "in.jsonl", "out.jsonl", "-q")[0] == 0
    real = Path.iterdir

    def shut(path: Path) -> Iterator[Path]:
        if "theirs" in path.parts:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "iterdir", shut)  # root may read any folder
    assert call(capsys, "show", "out.jsonl")[0] == 0
    assert call(capsys, "show", "no-such-run")[0] == 3


def test_a_run_that_failed_says_why_and_is_found_by_its_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "t.csv", [["id", "question", "answer"], ["1", "What time do you open, please?", ""]])
    out = tmp_path / "out" / "train.jsonl"
    code, _, err = call(capsys, "convert", path, out)
    assert (code, out.exists()) == (1, False)
    assert "no row is left to write (dropped: no-answer 1)" in err
    code, shown, err = call(capsys, "show", out)
    assert code == 0
    assert "no-answer 1" in shown + err


def test_the_flags_for_a_table_without_header_name_columns_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[str(n), f"Where is my parcel number {n}, please?", f"It comes in {n} days."] for n in range(9)]
    code, _, err = call(capsys, "convert", table(tmp_path / "t.csv", rows), tmp_path / "x.jsonl")
    assert code == 3
    assert '--set question="#2" --set answer="#3"' in err


def test_an_archive_or_folder_of_one_file_is_guessed_like_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("a.jsonl", CHAT % "hi")
    (tmp_path / "folder").mkdir()
    rows = [[str(n), f"What time do you open on day {n}?", f"At {n} in the morning."] for n in range(5)]
    table(tmp_path / "folder" / "t.csv", [["id", "question", "answer"], *rows])
    for name, count in (("one.zip", 1), ("folder", 5)):
        assert call(capsys, "convert", tmp_path / name, tmp_path / f"{name}.jsonl")[0] == 0
        assert (tmp_path / f"{name}.jsonl").read_text().count("\n") == count


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_stdout_is_one_line_and_exit_4(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(CHAT % "hi")
    for args in (("sniff", path), ("convert", path, "-", "-q")):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "ftdata", *map(str, args)],
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
                timeout=60,
            )
        assert done.returncode == 4
        assert done.stderr.decode() == "Error: stdout cannot be written: no space left on device\n"


def test_a_sample_too_small_to_split_is_shown_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "chat.jsonl").write_text("".join(CHAT % f"question {n}" for n in range(50)))
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[[read]]\nuse = "openai-chat"\npath = "chat.jsonl"\n[[step]]\nuse = "split"\nvalidation = 0.1\ntest = 0.1\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n'
    )
    code, out, err = call(capsys, "run", recipe, "--sample", 2)
    assert code == 0 and out.count("user: question") == 2 and "would be empty" in err


def test_convert_says_what_it_cannot_keep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.jsonl").write_text('{"prompt": "a ->", "completion": " b END", "id": 7}\n' * 3)
    for out, warned in (("out/a.jsonl", False), ("-", True), ("out/hf", True)):
        code, _, err = call(capsys, "convert", "old.jsonl", out)
        assert code == 0 and ("other columns are not kept" in err) == warned
        assert "stdout.jsonl  " not in err or ".meta" not in err
    assert json.loads(Path("out/.meta/a.jsonl").read_text().splitlines()[0]) == {"line": 1, "meta": {"id": 7}}


def test_names_that_are_no_text_are_read_and_never_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = os.fsdecode(b"caf\xe9.jsonl")
    Path(odd).write_text(CHAT % "hi")
    code, _, err = call(capsys, "convert", odd, "out/a.jsonl")
    assert code == 0 and "caf\\xe9.jsonl" in err
    assert json.loads((tmp_path / "out/.ftdata/a.jsonl/run.json").read_text())["inputs"][0]["name"] == "caf\\xe9.jsonl"
    code, _, err = call(capsys, "convert", "out/a.jsonl", "out/" + odd)
    assert code == 4 and "choose another" in err
    for command in (("verify", odd), ("sniff", "no" + odd), ("run", odd + ".toml"), ("explain", odd, "1")):
        code, _, err = call(capsys, *command)
        assert code in (2, 3) and err.startswith("Error: ") and "bug" not in err, (command, err)
