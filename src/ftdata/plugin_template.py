"""A new plugin package: one transform, its entry point, and tests that use the contract kit."""

from __future__ import annotations

import re
from pathlib import Path

from ftdata import files, hooks
from ftdata.errors import OutputError, RecipeError

_FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "ftdata-@name@"
version = "0.1.0"
description = "The stage @name@ for ftdata."
requires-python = ">=3.11"
dependencies = ["ftdata"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points.ftdata]
@name@ = "@module@"

[tool.setuptools]
package-dir = { "" = "src" }
py-modules = ["@module@"]

[tool.pytest.ini_options]
pythonpath = ["src"]
""",
    "README.md": """\
# ftdata-@name@

    pip install -e ".[test]"
    pytest
    ftdata stages @name@

In a recipe:

    [[step]]
    use = "@name@"
    word = "lorem"
    by = "ipsum"
""",
    "src/@module@.py": '''\
"""The stage `@name@` for ftdata."""

from typing import ClassVar

import ftdata
from pydantic import Field


class @Class@(ftdata.Transform):
    """Replace a word in every text."""

    name: ClassVar[str] = "@name@"
    word: str = Field(min_length=1, description="word to replace")
    by: str = Field("", description="what to put in its place")

    def reads_meta(self) -> frozenset[str]:
        """Name the meta keys that are read: none."""
        return frozenset()

    def apply(self, batch: ftdata.Batch) -> ftdata.Batch:
        """Give the same rows in the same order, edited or marked."""
        return ftdata.map_text(batch, lambda texts: texts.str.replace_all(self.word, self.by, literal=True))


@ftdata.hookimpl
def ftdata_stages() -> list[type[ftdata.Transform]]:
    """List the stages of this plugin."""
    return [@Class@]
''',
    "tests/test_@module@.py": '''\
"""The stage does what it says, and keeps the contract."""

import ftdata
from @module@ import @Class@
from ftdata.testing import check_transform


def test_it_keeps_the_contract() -> None:
    check_transform(@Class@(word="where", by="here"))


def test_it_replaces_the_word() -> None:
    row = ftdata.Conversation(messages=(ftdata.user("a lorem"), ftdata.assistant("no lorem")))
    [batch] = ftdata.to_batches([row])
    after = @Class@(word="lorem", by="ipsum").apply(batch)
    assert [message["content"] for message in after["messages"][0]] == ["a ipsum", "no ipsum"]
''',
}


def new(name: str, folder: Path) -> Path:
    """Write a plugin package for a stage of this name below `folder`; give the package's folder, `ftdata-<name>`.

    Raises `RecipeError` for a name that is no kebab-case word or is built in, `OutputError` if the folder exists.
    """
    name = name.removeprefix("ftdata-")
    if not hooks.NAME.fullmatch(name):
        raise RecipeError(f"{name!r}: is no name for a stage; use small letters, digits and hyphens: mask-orders")
    if any(entry.stage.name == name for entry in hooks.builtin()):
        raise RecipeError(f"{name!r}: is the name of a built-in stage; choose another")
    home = folder / f"ftdata-{name}"
    if home.exists():
        raise OutputError(f"{home}: exists already; choose another name or folder")
    words = {
        "name": name,
        "module": f"ftdata_{name.replace('-', '_')}",
        "Class": "".join(part.capitalize() for part in name.split("-")),
    }

    def filled(text: str) -> str:
        return re.sub(r"@(name|module|Class)@", lambda found: words[found[1]], text)

    for place, text in _FILES.items():
        path = home / filled(place)
        files.private_folder(path.parent)
        with files.create(path) as stream:
            stream.write(filled(text).encode())
    return home
