"""The public JSON test suite (nst/JSONTestSuite): inside a row, and as files of their own."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ftdata.errors import InputError
from ftdata.readers.openai_chat import OpenAIChat
from ftdata.source import Source

SUITE = Path(__file__).resolve().parents[3] / "shared/data/broken/JSONTestSuite"
FILES = sorted(SUITE.glob("*.json")) if SUITE.is_dir() else []
pytestmark = pytest.mark.skipif(not FILES, reason="the third-party files are not here")

GOOD = b'{"messages": [{"role": "user", "content": "a"}], "x": 1}'
# What is a fault in a file of its own is none where it stands in a row: white space, an empty array's comma, and so on.
FINE_INSIDE: frozenset[str] = frozenset()


def rows_of(path: Path) -> list[dict[str, object]]:
    start = time.process_time()
    with Source(path) as source:
        rows = [row for batch in OpenAIChat(path=path).read(source) for row in batch.iter_rows(named=True)]
        assert [n for row in rows for n in row["origin"]] == list(range(1, source.handed + 1))
    assert time.process_time() - start < 5
    return rows


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.stem)
def test_as_the_value_of_a_key(file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    inside = b'{"messages": [{"role": "user", "content": "a"}], "x": ' + data + b"}"
    # The last end of line of a file is no part of its value; one inside the value breaks the row in two.
    inside = inside.replace(data, data.rstrip(b"\n"))
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join([GOOD, inside, GOOD]) + b"\n")
    rows = rows_of(path)
    broken = inside.count(b"\n")
    assert len(rows) == 3 + broken
    assert rows[0]["drop"] is None
    assert rows[-1]["drop"] is None
    middle = rows[1:-1]
    kind = file.name[0]
    if kind == "y" and not broken:
        assert middle[0]["drop"] is None
        assert json.loads(str(middle[0]["extra"]))["x"] == json.loads(data) if json.loads(data) is not None else True
    elif kind == "n":
        assert all(row["drop"] for row in middle)
        assert all(row["messages"] is None and row["extra"] is None for row in middle)


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.stem)
def test_as_a_file_of_its_own(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_bytes(file.read_bytes())
    try:
        rows = rows_of(path)
    except InputError:
        return
    assert all(row["drop"] for row in rows)  # none of them is a conversation
    with Source(path) as source:
        values = list(source.json_items())
    if file.name[0] == "n":
        blank = not file.read_bytes().strip(b" \t\r\n\xef\xbb\xbf")
        assert blank or any(record.problem for record in values)
    elif file.name[0] == "y":
        value = json.loads(file.read_bytes())
        got = [record.value for record in values]
        assert got == (value if isinstance(value, list) else [value])
