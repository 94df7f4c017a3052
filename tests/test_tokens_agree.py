"""Four commands count tokens; of one file they say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from ftdata.cli import advise, cost, stats, tokens

ROWS = [
    {
        "messages": [
            {"role": "system", "content": "Answer shortly."},
            {"role": "user", "content": f"Where is my order {n}? " + "I wait. " * n},
            {"role": "assistant", "content": "It left us on Monday. " + "Sorry! " * (n % 7)},
        ]
    }
    for n in range(40)
]


def told(command: object, *options: str) -> dict[str, object]:
    done = CliRunner().invoke(command, [*options, "--json"])  # type: ignore[arg-type]
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    return found[0] if isinstance(found, list) else found


@pytest.mark.parametrize("named", [(), ("--tokenizer", "cl100k"), ("--model", "gpt-4o-mini")])
def test_the_commands_count_one_file_alike(tmp_path: Path, named: tuple[str, ...]):
    file = tmp_path / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    spread = told(tokens.command, str(file), *named)["numbers"]
    whole = spread["tokens"]  # type: ignore[index]
    assert told(stats.command, str(file), *named)["tokens"] == whole
    assert told(advise.command, str(file), *named)["signals"]["tokens"] == whole  # type: ignore[index]
    assert told(cost.command, str(file), "--for", "openai", *named)["tokens"]["train"] == whole  # type: ignore[index]
    page = CliRunner().invoke(stats.command, [str(file), *named]).stdout
    assert f"{whole:,} tokens" in page and ("estimated" in page) == (not named)
    page = CliRunner().invoke(advise.command, [str(file), *named]).stdout
    assert re.search(r"estimated, 4|exact, (cl100k|o200k)", page)
