"""The documentation is true: its blocks run, its tables validate, its pages are current, nothing is left unnamed.

In Markdown, ```` ```bash run ```` is run (in a copy of the samples, the blocks of a page one after the other) and each
line of a ```` ```text shown ```` behind it stands in its output; ```` ```bash setup ```` is for `.ci/run`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import ftdata
from ftdata import hooks
from ftdata.cli import COMMANDS, cli
from ftdata.recipe import Recipe
from ftdata.stages import KINDS
from ftdata.targets import parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))
SOURCE = Path(ftdata.__file__).parent
BUILTIN = [entry.stage for entry in hooks.builtin()]


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Give the fenced blocks of a page: what stands behind the fence, and the text."""
    for found in re.finditer(r"^```(\S[^\n]*)\n(.*?)^```$", page.read_text(), re.M | re.S):
        yield found[1].strip(), found[2]


def named(pages: list[Path], *infos: str) -> list[object]:
    return [pytest.param(page, id=page.name) for page in pages if any(info in infos for info, _ in blocks(page))]


def environment(*first: Path) -> dict[str, str]:
    """The commands of this environment first, no network, no plugins but those meant."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(map(str, first))}


@pytest.mark.parametrize("page", named(PAGES, "bash run"))
def test_the_blocks_of_a_page_run_and_give_what_is_shown(page: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "samples", tmp_path / "samples", ignore=shutil.ignore_patterns("out"))
    (tmp_path / "out").mkdir()
    given = ""
    for info, text in blocks(page):
        if info == "bash run":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=tmp_path,
                env=environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            given = done.stdout + done.stderr
            assert done.returncode == 0, f"{text}\n{given}"
            assert "Traceback" not in given
        elif info == "text shown":
            lines = {line.strip() for line in given.split("\n")}
            missing = [line for line in text.split("\n") if line.strip() not in lines]
            assert not missing, given


def test_the_table_in_the_readme_is_that_of_the_first_command(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "samples", tmp_path / "samples", ignore=shutil.ignore_patterns("out"))
    command = [sys.executable, "-m", "ftdata", "run", "samples/tickets.toml"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
    [shown] = [text for info, text in blocks(ROOT / "README.md") if info == "text" and text.startswith("stage ")]
    assert not {line for line in shown.split("\n") if line != "…"} - set(done.stderr.split("\n"))


@pytest.mark.parametrize("page", named(PAGES, "toml", "toml recipe", "toml target"))
def test_tables_in_pages_are_valid(page: Path, tmp_path: Path) -> None:
    for info, text in blocks(page):
        if not info.startswith("toml") or info == "toml plugin":
            continue
        data = tomllib.loads(text)
        if info == "toml target":
            assert parse(text, page.name).rules
        if info == "toml recipe":
            Recipe.parse(data, tmp_path, "recipe")
        for table, kinds in (("read", {"reader"}), ("step", {"transform", "selector", "check"}), ("write", {"writer"})):
            for entry in data.get(table, []):
                fitting = [stage for stage in BUILTIN if stage.kind in kinds and stage.name == entry["use"]]
                if page.name != "plugins.md":
                    [stage] = fitting
                    stage(**{key: value for key, value in entry.items() if key != "use"})


@pytest.mark.parametrize("page", named(PAGES, "python example"))
def test_examples_print_what_they_say(page: Path) -> None:
    for info, text in blocks(page):
        if info == "python example":
            done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
            assert done.stdout.splitlines() == [line[2:] for line in text.splitlines() if line.startswith("# ")]


def installed(folder: Path, project: str, version: str, name: str, module: str, code: str) -> None:
    """Lay a plugin out as pip lays it out: the module, and a dist-info folder that names its entry point."""
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{project.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[ftdata]\n{name} = {module}\n")


def test_the_plugin_of_the_page_works(tmp_path: Path) -> None:
    parts = {info: text for info, text in blocks(ROOT / "docs" / "plugins.md") if info.endswith(" plugin")}
    assert sum(bool(line.strip()) for line in parts["python plugin"].splitlines()) <= 22
    project = tomllib.loads(parts["toml plugin"])["project"]
    [(name, module)] = project["entry-points"]["ftdata"].items()
    installed(tmp_path, project["name"], project["version"], name, module, parts["python plugin"])
    rows = '{"messages": [{"role": "user", "content": "WHERE IS MY ORDER?"}, {"role": "assistant", "content": "OK"}]}\n'
    (tmp_path / "in.jsonl").write_text(rows)
    (tmp_path / "r.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "calm-down"\nlongest = 12\n'
        '[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\n'
    )
    for words in (["run", "r.toml"], ["plugins", "check"], ["stages", "calm-down"]):
        command = [sys.executable, "-m", "ftdata", *words]
        subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=True)
    assert '"where is my order?"' in (tmp_path / "out.jsonl").read_text()
    [contract] = [text for info, text in blocks(ROOT / "docs" / "plugins.md") if "check_transform" in text]
    code = f"{contract}\ntest_contract()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_reader_of_the_page_works(tmp_path: Path) -> None:
    [code] = [text for info, text in blocks(ROOT / "docs" / "exports.md") if info == "python plugin"]
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 25
    installed(tmp_path, "ftdata-parley", "1.0", "parley", "parley", code)
    said = [("Ana", "bom dia", False), ("Sol", "CANARY", True), ("Sol", "olá", False), ("Sol", "CANARY", None)]
    lines = [
        {"room": "7", "who": who, "said": text, "at": f"2025-01-01T10:00:0{n}", "internal": internal}
        for n, (who, text, internal) in enumerate(said)
    ]
    (tmp_path / "dump.jsonl").write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines) + "[7\n"
    )
    for words, code_ in (
        (["sniff", "dump.jsonl"], 3),
        (["convert", "dump.jsonl", "out.jsonl", "--set", 'assistants=["Sol"]'], 0),
        (["plugins", "check"], 0),
    ):
        command = [sys.executable, "-m", "ftdata", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert done.returncode == code_, done.stdout + done.stderr
        assert "Traceback" not in done.stderr and "CANARY" not in done.stdout + done.stderr
        if words[0] == "sniff":
            assert "parley" in done.stdout.split("\n")[0] and "2 private-note" in done.stdout
    assert [json.loads(line)["messages"] for line in (tmp_path / "out.jsonl").read_text().splitlines()] == [
        [{"role": "user", "content": "bom dia"}, {"role": "assistant", "content": "olá"}]
    ]


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_named(command: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    assert f"ftdata {command}" in "".join(page.read_text() for page in PAGES if page.name != "commands.md")
    told = (ROOT / "docs" / "commands.md").read_text()
    section = told[told.index(f"## `ftdata {command} ") :].split("\n## ")[0]
    for option in found.params:
        assert option.opts[-1] in section if isinstance(option, click.Option) else True, option.name
    first = found.get_short_help_str(1000)
    assert len(first) <= 70, f"{len(first)} characters are cut in the list of commands"


@pytest.mark.parametrize("stage", BUILTIN, ids=lambda stage: f"{stage.kind}-{stage.name}")
def test_every_stage_is_documented(stage: type) -> None:
    assert f"`{stage.name}`" in (ROOT / "README.md").read_text().partition("## What there is")[2]
    assert f"### {stage.kind} `{stage.name}`" in (ROOT / "docs" / "stages.md").read_text()
    for name, field in stage.model_fields.items():
        assert field.description, f"{stage.__name__}.{name} has no description"


def test_every_exit_code_is_in_the_readme() -> None:
    from ftdata import errors

    rows = re.findall(r"^\| ([\d, ]+) \|", (ROOT / "README.md").read_text(), re.M)
    told = {int(code) for row in rows for code in row.split(",")}
    codes = {getattr(value, "exit_code", None) for value in vars(errors).values()}
    assert {code for code in codes if isinstance(code, int)} | {0, 130, 143} <= told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"https?:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_kind_stands_on_the_page_for_plugins() -> None:
    told = (ROOT / "docs" / "plugins.md").read_text()
    assert all(f"| `{kind.__name__}` |" in told for kind in KINDS)


@pytest.mark.parametrize("module", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_is_public_says_what_it_is(module: Path) -> None:
    tree = ast.parse(module.read_text())
    assert ast.get_docstring(tree), "the module"
    scopes: list[ast.Module | ast.ClassDef] = [tree]
    scopes += [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    for scope in scopes:
        for node in scope.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                overloaded = any("overload" in ast.unparse(d) for d in node.decorator_list)
                assert overloaded or ast.get_docstring(node), f"line {node.lineno}: {node.name}"
