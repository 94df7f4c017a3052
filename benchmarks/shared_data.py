"""Read every file of folders of real exports: benchmarks/shared_data.py ../shared/data/{tickets,chats,legacy,sft}

Prints one line a file: what `sniff` makes of it, the records, the conversations, their turns by role, and what was
left out, by reason. A chat that does not tell who is the assistant is read with the settings in `STATED`; a folder or
an archive that is one export is read as one.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ftdata import sniff
from ftdata.batch import conversations
from ftdata.errors import FtdataError
from ftdata.source import Source
from ftdata.stages import Reader

WHOLE = ("zendesk_tables", "zendesk_chat", "intercom_tables")
"""Folders whose tables belong together; each of their files is shown too."""
STATED = json.loads(Path(__file__).with_name("shared_data.json").read_text())
"""Settings by file name: who is the assistant, as a user would state it."""


def inputs(roots: list[Path]) -> Iterator[Path]:
    for root in roots:
        yield from sorted(path for path in root.rglob("*") if path.is_file())
        yield from sorted(path for path in root.rglob("*") if path.is_dir() and path.name in WHOLE)


def line(path: Path, root: Path) -> list[str]:
    stated: dict[str, Any] = STATED.get(path.name, {})
    name = str(path.relative_to(root.parent)) + ("/" if path.is_dir() else "")
    try:
        guesses = sniff.sniff(path)
    except FtdataError as error:
        return [name, f"error: {error}", "", "", "", ""]
    if not guesses:
        return [name, "no reader knows it", "", "", "", ""]
    best = guesses[0]
    verdict = f"{best.reader.name} {best.sniff.confidence:.0%}"
    if best.sniff.refusal and not stated:
        return [name, f"{verdict}, refused", "", "", "", best.sniff.refusal[:150]]
    reader = best.reader.model_validate({"path": path, **stated})
    try:
        return [name, verdict + (" (stated)" if stated else ""), *read(reader, path)]
    except FtdataError as error:
        return [name, verdict, "", "", "", str(error)[:150]]


def read(reader: Reader, path: Path) -> list[str]:
    turns: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    live, owned = 0, 0
    with Source(path) as source:
        for batch in reader.read(source):
            for row in conversations(batch):
                owned += len(row.origin)
                if row.drop is not None:
                    gone[row.drop] += len(row.origin)
                    continue
                live += 1
                turns.update(message.role for message in row.messages or ())
                flags.update(row.flags)
        assert owned == source.handed, "a record is lost"
        records = source.handed
    told = [f"{count} {what}" for what, count in sorted(gone.items())]
    told += [f"flag {flag} {count}" for flag, count in sorted(flags.items())]
    return [str(records), str(live), " ".join(f"{n} {role}" for role, n in sorted(turns.items())), ", ".join(told)]


def main() -> None:
    print("| file | sniff | records | conversations | turns | left out |\n|---|---|---|---|---|---|")
    roots = [Path(name) for name in sys.argv[1:]]
    for path in inputs(roots):
        root = next(root for root in roots if path.is_relative_to(root))
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in line(path, root)) + " |")


if __name__ == "__main__":
    main()
