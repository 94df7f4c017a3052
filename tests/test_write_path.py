"""One write path, no chatter, no code in data: what no module but the one in charge may do, read from the source."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ftdata

ROOT = Path(ftdata.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

# Calls by their last name that make or change a file, whatever the object they are called on.
CHANGES = {
    *("write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "rename", "renames"),
    *("copy", "copy2", "copyfile", "copytree", "move", "mkstemp", "mkdtemp", "NamedTemporaryFile", "mkfifo"),
    *("to_parquet", "to_csv", "to_json", "save_to_disk", "savez", "tofile", "memmap", "FileIO", "OutputStream"),
    *("write_dataset", "output_stream", "FileHandler", "truncate"),
}
# Those of them that are something else on a value that is no module: `list.copy`, polars' `rename`.
ONLY_ON = {
    "copy": {"shutil"},
    "move": {"shutil"},
    "rename": {"os", "path"},
    "truncate": {"os", "stream"},
    "replace": {"os"},
}
# These take a stream or a path; a stream, and one that `files.create` gave, must be called so.
STREAMED = {"ParquetWriter", "new_file", "new_stream", "CSVWriter", "RecordBatchFileWriter"}
BANNED = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"}


def last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def literals(call: ast.Call) -> set[str]:
    """All texts among the arguments of a call."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg != "encoding")]
    return {n.value for arg in given for n in ast.walk(arg) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def opens_to_write(call: ast.Call, name: str, owner: str) -> bool:
    if owner == "os" and name == "open":
        flags = {last(n) for arg in call.args for n in ast.walk(arg) if isinstance(n, (ast.Attribute, ast.Name))}
        return "devnull" not in flags and bool(flags & {"O_CREAT", "O_WRONLY", "O_RDWR", "O_APPEND", "O_TRUNC"})
    if name in ("open", "fdopen"):
        modes = [text for text in literals(call) if 0 < len(text) <= 4 and set(text) <= set("rwaxbt+")]
        return any(set(mode) & set("wax+") for mode in modes)
    return False


def offences(tree: ast.AST) -> list[str]:
    """What a module does that only `files.py` may do: `line: call`."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = last(node.func)
        owner = last(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if opens_to_write(node, name, owner):
            found.append(f"{node.lineno}: {name} for writing")
        elif name.startswith("sink_") or (name.startswith("write_") and node.args and name in FRAME_WRITES):
            found.append(f"{node.lineno}: {name} to a path")
        elif owner in ONLY_ON[name] if name in ONLY_ON else name in CHANGES:
            found.append(f"{node.lineno}: {owner}.{name}")
        elif name in STREAMED and not last(node.args[0]).endswith(("stream", "file")):
            found.append(f"{node.lineno}: {name} on something not called a stream or file")
    return found


FRAME_WRITES = {f"write_{kind}" for kind in ("parquet", "csv", "ndjson", "json", "ipc", "ipc_stream", "avro", "excel")}


def modules(*besides: str) -> list[object]:
    """All modules but these, and but those below a folder of these."""
    chosen = [m for m in MODULES if not {str(m.relative_to(ROOT)), m.relative_to(ROOT).parts[0]} & set(besides)]
    return [pytest.param(module, id=str(module.relative_to(ROOT))) for module in chosen]


# The contract kit serves tests: it makes inputs for readers, and talks in pickles with a process of its own.
KIT = "testing"


@pytest.mark.parametrize("module", modules("files.py", KIT))
def test_only_the_write_path_writes(module: Path) -> None:
    assert not offences(ast.parse(module.read_text()))


@pytest.mark.parametrize(
    "planted",
    [
        "open(p, 'w')",
        "open(p, mode='xb')",
        "p.open('ab')",
        "p.open('r+')",
        "io.open(p, 'wt', encoding='utf-8')",
        "p.write_text('x')",
        "p.write_bytes(b'x')",
        "frame.write_parquet(p)",
        "lazy.sink_ndjson(p)",
        "os.open(p, os.O_CREAT | os.O_WRONLY)",
        "os.replace(a, b)",
        "shutil.copy(a, b)",
        "shutil.copyfile(a, b)",
        "tempfile.NamedTemporaryFile()",
        "pq.ParquetWriter(path, schema)",
        "pa.ipc.new_file(str(p), schema)",
    ],
)
def test_the_lint_sees_a_planted_write(planted: str) -> None:
    assert offences(ast.parse(planted))


@pytest.mark.parametrize(
    "harmless",
    ["open(p, 'rb')", "p.open('rb', buffering=0)", "p.open()", "frame.write_ndjson()", "values.copy()", "f.rename({})"],
)
def test_the_lint_lets_reading_pass(harmless: str) -> None:
    assert not offences(ast.parse(harmless))


@pytest.mark.parametrize("module", modules(KIT))
def test_no_code_is_read_from_data(module: Path) -> None:
    tree = ast.parse(module.read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    called = {
        f"{last(node.func.value)}.{node.func.attr}" if isinstance(node.func, ast.Attribute) else last(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert not imported & BANNED
    assert not called & {"yaml.load", "eval", "exec", "os.system", "compile", "__import__"}


@pytest.mark.parametrize("module", [m for m in modules() if "cli" not in m.id.split("/")])
def test_the_library_neither_prints_nor_leaves(module: Path) -> None:
    tree = ast.parse(module.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            assert last(node.func) != "print", f"line {node.lineno}: print"
            assert ast.unparse(node.func) not in ("sys.exit", "exit", "quit", "os._exit"), f"line {node.lineno}: exit"
        if isinstance(node, ast.Raise) and node.exc is not None:
            assert "SystemExit" not in ast.unparse(node.exc), f"line {node.lineno}: SystemExit"


WATCH = """
import os, sys
seen = []
def hook(event, args):
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        frame = sys._getframe(1)
        while frame and not frame.f_globals.get("__name__", "").startswith("ftdata"):
            frame = frame.f_back
        if frame:
            seen.append(f"{frame.f_globals['__name__']} {args[0]}")
import ftdata.flow
sys.addaudithook(hook)
ftdata.flow.run(sys.argv[1])
print(len(seen))
print("\\n".join(entry for entry in seen if entry.split()[0] != "ftdata.files"))
"""


def test_a_whole_run_opens_files_for_writing_in_one_module_only(tmp_path: Path) -> None:
    """The same seen from outside: every file that Python opens for writing during a run, and who asked for it."""
    row = '{"messages": [{"role": "user", "content": "q%d"}, {"role": "assistant", "content": "a"}]}\n'
    (tmp_path / "in.jsonl").write_text("".join(row % n for n in range(30)))
    (tmp_path / "r.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n'
        '[[step]]\nuse = "exact-dedup"\n[[step]]\nuse = "split"\nvalidation = 0.2\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/{split}.jsonl"\n[[write]]\nuse = "hf-dataset"\npath = "hf"\n'
    )
    ran = subprocess.run(
        [sys.executable, "-c", WATCH, str(tmp_path / "r.toml")],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    count, *others = ran.stdout.split("\n")
    assert int(count) >= 6, "the hook saw too little: the test is void"
    assert not [entry for entry in others if entry and not entry.endswith(os.devnull)]
