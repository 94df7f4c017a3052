"""Plugins: found by their metadata, imported only when asked for, and harmless when they are broken.

The broken ones lie as pip would lay them: a module, and a dist-info folder that names its entry points. The worked ones
are installed from a copy of their folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "plugins"
CANARY = "Qxzv"
TURNS = '[{"role": "user", "content": "Qxzv where is LM-20418?"}, {"role": "assistant", "content": "Qxzv here"}]'
ROW = f'{{"messages": {TURNS}}}'
MARK = "from pathlib import Path\nPath(__file__).with_suffix('.imported').write_text('x')\n"
STAGE = """\
from typing import ClassVar
import ftdata

class Own(ftdata.Transform):
    "Do nothing."
    name: ClassVar[str] = "{name}"
    def apply(self, batch):
        {body}

@ftdata.hookimpl
def ftdata_stages():
    return [Own]
"""
GOOD = STAGE.replace("{body}", "return batch")
BROKEN = {
    "import-error": "import there_is_no_such_module\n" + GOOD,
    "syntax-error": "def ftdata_stages(:\n",
    "no-hook": "ftdata_version = 1\n",
    "misspelt-hook": GOOD.replace("ftdata_stages", "ftdata_stage"),
    "hook-raises": GOOD.replace("return [Own]", f"raise RuntimeError('{CANARY}')"),
    "returns-nothing": GOOD.replace("return [Own]", "return None"),
    "built-in": GOOD.replace("{name}", "length"),
    "writes-a-file": GOOD,
}
MORE = {
    "empty-list": GOOD.replace("return [Own]", "return []"),
    "no-class": GOOD.replace("return [Own]", "return [Own(), 7]"),
    "no-name": GOOD.replace('name: ClassVar[str] = "{name}"', "pass"),
    "odd-name": GOOD.replace("{name}", "Odd Name"),
    "wants-arguments": GOOD.replace("ftdata_stages()", "ftdata_stages(config)"),
    "leaves": "import sys\nsys.exit(0)\n",
    "prints": "print('hello')\n" + GOOD,
}


def install(site: Path, name: str, source: str = "", group: str = "ftdata", entry: str | None = None) -> None:
    """Lay a plugin as pip does: `name` is that of its entry point and of its module; its distribution is `x-` name."""
    module = name.replace("-", "_") + "_module"
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(MARK + source.replace("{name}", name))
    info = site / f"x_{module}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: x-{name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry or name} = {module}{':command' * (group != 'ftdata')}\n")


def imported(site: Path) -> set[str]:
    return {path.stem.removesuffix("_module").replace("_", "-") for path in site.glob("*.imported")}


def ftdata(
    *words: str, cwd: Path, site: Path | None = None, only: str | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "FTDATA_PLUGINS")}
    given = {"PYTHONPATH": str(site) if site else None, "FTDATA_PLUGINS": only}
    env = {**kept, **{key: value for key, value in given.items() if value is not None}}
    command = [sys.executable, "-m", "ftdata", *words]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "bug in ftdata" not in done.stderr
    return done


def recipe(folder: Path, *steps: str, options: str = "") -> Path:
    """Write an input of two rows, and a recipe with these steps."""
    (folder / "in.jsonl").write_text(f"{ROW}\n{ROW.replace('here', 'there')}\n")
    tables = "".join(f"[[step]]\n{step}\n" for step in steps)
    path = folder / "recipe.toml"
    path.write_text(
        f'[run]\n{options}\n[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n{tables}'
        '[[write]]\nuse = "openai-chat"\npath = "out/rows.jsonl"\n'
    )
    return path


def untold(folder: Path) -> bool:
    """Whether no file but the input holds a text of the rows."""
    return not any(
        CANARY.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "in.jsonl"
    )


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    for name, source in BROKEN.items():
        install(site, name, source)
    return site


def test_broken_plugins_leave_all_else_alone(site: Path, tmp_path: Path) -> None:
    recipe(tmp_path, 'use = "length"\nmin_chars = 1')
    helped = ftdata("--help", cwd=tmp_path, site=site)
    assert helped.returncode == 0 and "explain" in helped.stdout
    listed = ftdata("plugins", cwd=tmp_path, site=site)
    assert listed.returncode == 0
    assert {line.split()[0] for line in listed.stdout.splitlines()} == set(BROKEN)
    ran = ftdata("run", "recipe.toml", cwd=tmp_path, site=site)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "rows.jsonl").read_text().count("\n") == 2
    assert imported(site) == set()
    manifest = json.loads((tmp_path / "out" / ".ftdata" / "recipe" / "run.json").read_text())
    assert manifest["plugins"] == {}


@pytest.mark.parametrize("name", [name for name in BROKEN if name not in ("built-in", "writes-a-file")])
def test_a_broken_plugin_is_named_when_it_is_asked_for(name: str, site: Path, tmp_path: Path) -> None:
    recipe(tmp_path, f'use = "{name}"')
    ran = ftdata("run", "recipe.toml", cwd=tmp_path, site=site, only=name)
    assert ran.returncode == 5
    assert f"plugin {name} (x-{name} 1.2): " in ran.stderr
    assert CANARY not in ran.stderr
    assert not (tmp_path / "out").exists()
    assert imported(site) <= {name}


def test_a_plugin_is_imported_when_it_is_asked_for(site: Path, tmp_path: Path) -> None:
    recipe(tmp_path, 'use = "writes-a-file"')
    ran = ftdata("run", "recipe.toml", cwd=tmp_path, site=site)
    assert ran.returncode == 0, ran.stderr
    assert "writes-a-file" in imported(site)
    manifest = json.loads((tmp_path / "out" / ".ftdata" / "recipe" / "run.json").read_text())
    assert manifest["plugins"] == {"writes-a-file": "1.2"}


def test_check_names_every_fault_and_stages_lists_what_is_sound(site: Path, tmp_path: Path) -> None:
    for name, source in MORE.items():
        install(site, name, source)
    checked = ftdata("plugins", "check", cwd=tmp_path, site=site)
    assert checked.returncode == 5
    sound = {"writes-a-file", "prints"}
    assert {line.split()[0] for line in checked.stdout.splitlines()} == sound
    faults = [line for line in checked.stderr.splitlines() if line.startswith("plugin ")]
    assert {line.split()[1] for line in faults} == {*BROKEN, *MORE} - sound
    told = {line.split()[1]: line for line in faults}
    assert "there is no module 'there_is_no_such_module'" in told["import-error"]
    assert "import_error_module.py:3" in told["import-error"]
    assert "syntax_error_module.py:3" in told["syntax-error"]
    assert "'ftdata_stage' looks like a misspelling" in told["misspelt-hook"]
    assert "'length' is built in and cannot be replaced" in told["built-in"]
    assert CANARY not in checked.stderr
    listed = ftdata("stages", "--json", cwd=tmp_path, site=site)
    assert listed.returncode == 0
    assert {entry["from"] for entry in json.loads(listed.stdout)} == {"ftdata", *sound}
    assert all(f"plugin {name} " in listed.stderr for name in told)


def test_two_plugins_with_one_name_are_refused_both_named(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "one", GOOD.replace("{name}", "calm"))
    install(site, "two", GOOD.replace("{name}", "calm"))
    recipe(tmp_path, 'use = "calm"')
    ran = ftdata("run", "recipe.toml", cwd=tmp_path, site=site)
    assert ran.returncode == 5
    assert "plugins one (x-one 1.2) and two (x-two 1.2): both offer a transform 'calm'" in ran.stderr
    assert not (tmp_path / "out").exists()
    assert ftdata("run", "recipe.toml", cwd=tmp_path, site=site, only="two").returncode == 0
    shut = ftdata("run", "recipe.toml", "--check", cwd=tmp_path, site=site, only="none")
    assert shut.returncode == 2
    assert "there is no transform or selector or check 'calm'" in shut.stderr
    assert ftdata("plugins", cwd=tmp_path, site=site, only="none").stdout == ""


def test_one_name_in_two_kinds_is_no_clash(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "one", GOOD.replace("{name}", "calm"))
    install(site, "two", GOOD.replace("{name}", "calm").replace("Transform", "Check"))
    assert ftdata("plugins", "check", cwd=tmp_path, site=site).returncode == 0


def test_commands_of_plugins_are_listed_without_import(tmp_path: Path) -> None:
    site = tmp_path / "site"
    greet = "import click\n@click.command()\ndef command():\n    click.echo('hello')\n"
    install(site, "greet", greet, "ftdata.commands")
    install(site, "sour", "import there_is_no_such_module\n", "ftdata.commands")
    install(site, "plain", "command = 7\n", "ftdata.commands")
    install(site, "fake", greet, "ftdata.commands", entry="verify")
    helped = ftdata("--help", cwd=tmp_path, site=site)
    assert ["greet", "(plugin", "x-greet)"] in [line.split() for line in helped.stdout.splitlines()]
    assert imported(site) == set()
    assert ftdata("greet", cwd=tmp_path, site=site).stdout == "hello\n"
    for name in ("sour", "plain"):
        broken = ftdata(name, cwd=tmp_path, site=site)
        assert broken.returncode == 5
        assert f"plugin x-{name}: its command {name!r}" in broken.stderr
    assert ftdata("verify", "--help", cwd=tmp_path, site=site).returncode == 0
    assert "fake" not in imported(site)
    assert "greet" not in ftdata("--help", cwd=tmp_path, site=site, only="none").stdout
    only = ftdata("--help", cwd=tmp_path, site=site, only="greet").stdout
    assert "greet" in only and "sour" not in only


@pytest.mark.parametrize("option", ["", 'on_error = "drop"'])
def test_a_scrubber_that_raises_lets_nothing_pass(option: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    body = f"raise ValueError('{CANARY} ' + batch['messages'][0][0]['content'])"
    install(site, "guard", STAGE.replace("{body}", body))
    recipe(tmp_path, 'use = "guard"', options=option)
    ran = ftdata("run", "recipe.toml", cwd=tmp_path, site=site)
    assert ran.returncode == (1 if option else 5)
    assert not (tmp_path / "out" / "rows.jsonl").exists()
    assert CANARY not in ran.stderr
    shutil.rmtree(site)
    assert untold(tmp_path)


def test_a_scrubber_that_breaks_its_contract_lets_nothing_pass(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "guard", STAGE.replace("{body}", "return batch.head(1)"))
    recipe(tmp_path, 'use = "guard"', options='on_error = "drop"')
    ran = ftdata("run", "recipe.toml", cwd=tmp_path, site=site)
    assert ran.returncode == 5
    assert not (tmp_path / "out" / "rows.jsonl").exists()


def built(name: str, tmp_path: Path) -> Path:
    """Install a worked plugin from a copy, as pip does in the end, without an index to fetch build tools from."""
    copy, site = tmp_path / "copy", tmp_path / "site"
    shutil.copytree(PLUGINS / name, copy, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    setup = ["-W", "ignore", "-c", "import setuptools; setuptools.setup()", "-q"]
    steps = ["install_lib", "-d", str(site), "install_egg_info", "-d", str(site)]
    done = subprocess.run([sys.executable, *setup, *steps], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site


def lines_of_code(name: str) -> int:
    (module,) = (PLUGINS / name / "src").glob("*.py")
    return len([line for line in module.read_text().splitlines() if line.strip()])


def test_the_worked_transform_installs_and_runs(tmp_path: Path) -> None:
    assert lines_of_code("ftdata-mask-orders") <= 20
    site = built("ftdata-mask-orders", tmp_path)
    listed = ftdata("stages", cwd=tmp_path, site=site).stdout.splitlines()
    assert ["transform", "mask-orders", "mask-orders"] in [line.split()[:3] for line in listed]
    recipe(tmp_path, 'use = "mask-orders"\nprefix = "LM-"')
    ran = ftdata("run", "recipe.toml", cwd=tmp_path, site=site)
    assert ran.returncode == 0, ran.stderr
    written = (tmp_path / "out" / "rows.jsonl").read_text()
    assert "where is [ORDER]?" in written and "LM-" not in written


def test_the_worked_reader_is_found_by_sniff_convert_and_init(tmp_path: Path) -> None:
    assert lines_of_code("ftdata-faq-text") <= 70
    site = built("ftdata-faq-text", tmp_path)
    (tmp_path / "faq.txt").write_text("Help\n\nQ: Where?\nA: Here,\nat ann@example.com.\nQ: When?\n")
    checked = ftdata("plugins", "check", cwd=tmp_path, site=site)
    assert checked.returncode == 0 and "faq-text" in checked.stdout
    sniffed = ftdata("sniff", "faq.txt", cwd=tmp_path, site=site)
    assert sniffed.returncode == 0, sniffed.stdout
    assert "faq-text (90%)" in sniffed.stdout and "2 lines begin with Q:, 1 with A:" in sniffed.stdout
    assert ftdata("sniff", "faq.txt", cwd=tmp_path, site=site, only="none").returncode == 3
    converted = ftdata("convert", "faq.txt", "rows.jsonl", "--json", "-q", cwd=tmp_path, site=site)
    assert converted.returncode == 0, converted.stderr
    manifest = json.loads(converted.stdout)["manifest"]
    assert (manifest["records"], manifest["rows"], manifest["written"]) == (6, 4, 1)
    assert manifest["dropped"] == {"faq-text": {"outside": 2, "no-answer": 1}}
    assert manifest["plugins"] == {"faq-text": "1.0.0"}
    (line,) = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert [turn["content"] for turn in json.loads(line)["messages"]] == ["Where?", "Here,\nat [EMAIL_1]."]
    drafted = ftdata("init", "faq.txt", cwd=tmp_path, site=site)
    assert drafted.returncode == 0, drafted.stderr
    ran = ftdata("run", "faq.toml", cwd=tmp_path, site=site)
    assert ran.returncode == 1, "one row is too few, and so a finding"
    assert (tmp_path / "out" / "faq" / "train.jsonl").read_text() == f"{line}\n"


def run_tests(folder: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["ftdata-mask-orders", "ftdata-faq-text"])
def test_the_tests_of_the_worked_plugins_pass(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(PLUGINS / name, copy)
    done = run_tests(copy, tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_new_plugin_passes_its_own_tests(tmp_path: Path) -> None:
    made = ftdata("plugins", "new", "calm-down", "--into", "mine", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout == "mine/ftdata-calm-down\n"
    folder = tmp_path / "mine" / "ftdata-calm-down"
    done = run_tests(folder, tmp_path)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    source = folder / "src" / "ftdata_calm_down.py"
    source.write_text(
        source.read_text().replace("return ftdata.map_text(batch,", "return ftdata.map_text(batch[::-1],")
    )
    done = run_tests(folder, tmp_path)
    assert done.returncode == 1
    assert "transform calm-down: contract: " in done.stdout


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [("Calm Down", 2, "is no name for a stage"), ("pii", 2, "is the name of a built-in stage"), ("calm", 4, "exists")],
)
def test_new_refuses(name: str, code: int, told: str, tmp_path: Path) -> None:
    (tmp_path / "ftdata-calm").mkdir()
    refused = ftdata("plugins", "new", name, cwd=tmp_path)
    assert refused.returncode == code
    assert told in refused.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["ftdata-calm"]
