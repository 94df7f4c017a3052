"""Run one generated export through ftdata's command line, and look at all that came of it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from export_case import Case

from ftdata.cli import main

CLASSES = {
    "private": {"private-note", "unknown-visibility", "private-channel", "private", "internal"},
    "bot": {"bot"},
    "system": {"system-line", "unwanted-role"},
    "deleted": {"deleted"},
    "media": {"not-text", "empty-text", "blank-line"},
    "orphan": {"orphan", "unknown-author", "unknown-role"},
    "branch": {"other-branch"},
    "hidden": {"hidden"},
    "tool": {"thinking", "tool-output", "tool-call"},
    "leading": {"leading-agent"},
    "trailing": {"trailing-user"},
    "one-sided": {"no-assistant", "no-user", "no-answer"},
    "forwarded": {"forwarded"},
    "draft": {"draft"},
    "history": {"history"},
    "repeated": {"repeated-message"},
    "auto": {"auto-reply"},
    "null": {"not-an-object"},
}
"""Reasons that say the same of a record, as far as the documents go."""
AROUND = {"preamble", "metadata", "no-text", "not-a-message", "lookup"}
"""Reasons of records that are no message: what stands around a list of them. Nobody says how many these are."""
_CLASS = {reason: name for name, reasons in CLASSES.items() for reason in reasons}
QUESTION = 3
"""Exit code of an input that is refused: it is not clear, or holds no conversation."""


@dataclass
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass
class Outcome:
    """What a run left behind."""

    told: Told
    conversations: list[list[list[str]]] = field(default_factory=list)
    run: dict[str, Any] = field(default_factory=dict)
    records: Counter[str] = field(default_factory=Counter)
    times: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def call(capfd: pytest.CaptureFixture[str], *words: object) -> Told:
    """Run a command in this process."""
    capfd.readouterr()
    sys.argv = ["ftdata", *map(str, words)]
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capfd.readouterr()
    return Told(int(left.value.code or 0), out, err)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def together(found: Sequence[tuple[Case, Path]], home: Path) -> Path:
    """Write one recipe that reads many cases, one after the other."""
    reads = []
    for case, folder in found:
        fields = {"use": case.reader, "path": str((folder / case.path).relative_to(home)), **case.fields}
        reads += ["[[read]]", *(f"{key} = {_toml(value)}" for key, value in fields.items())]
    path = home / "recipe.toml"
    write = '[[write]]\nuse = "openai-chat"\npath = "out/train.jsonl"\nsidecar = ["*"]\n'
    path.write_text("\n".join(['[run]\nname = "k"', *reads, write]))
    return path


def settings(case: Case) -> list[str]:
    """Give the settings of a case as words of the command line."""
    return [word for key, value in case.fields.items() for word in ("--set", f"{key}={_toml(value)}")]


def recipe(case: Case, home: Path, steps: tuple[str, ...] = (), **changed: Any) -> Path:
    """Write the recipe that reads a case; `changed` fields replace its own, None takes one away."""
    fields = {"use": case.reader, "path": case.path, **case.fields, **changed}
    lines = [
        '[run]\nname = "k"\n[[read]]',
        *(f"{key} = {_toml(value)}" for key, value in fields.items() if value is not None),
    ]
    lines += [f'[[step]]\nuse = "{step}"' for step in steps]
    lines.append('[[write]]\nuse = "openai-chat"\npath = "out/train.jsonl"\nsidecar = ["*"]\n')
    path = home / "recipe.toml"
    path.write_text("\n".join(lines))
    return path


def outcome(told: Told, home: Path, name: str = "k") -> Outcome:
    """Read all that a run left, and recount it from its files alone."""
    found = Outcome(told)
    record = home / "out" / ".ftdata" / name
    if told.code not in (0, 1) or not (record / "run.json").exists():
        return found
    found.run = json.loads((record / "run.json").read_bytes())
    for line in (home / "out" / "train.jsonl").read_bytes().split(b"\n")[:-1]:
        row = json.loads(line)
        found.conversations.append([[turn["role"], turn["content"]] for turn in row["messages"]])
    beside = home / "out" / ".meta" / "train.jsonl"
    if beside.exists():
        metas = [json.loads(line)["meta"] for line in beside.read_bytes().split(b"\n")[:-1]]
        found.times = [str(meta.get("time")) for meta in metas]
    events = pyarrow.parquet.read_table(record / "ledger.parquet").to_pylist()
    seen: Counter[int] = Counter()
    written = dropped = 0
    for event in events:
        if event["event"] not in ("drop", "write"):
            continue
        seen.update(event["origin"])
        if event["event"] == "drop":
            found.records[event["reason"]] += len(event["origin"])
            dropped += 1
        else:
            written += 1
    run = found.run
    for what, left, right in (
        ("records are owned once, from 1 on", sorted(seen.elements()), list(range(1, run["records"] + 1))),
        (
            "rows = written + dropped",
            run["rows"],
            run["written"] + sum(sum(of.values()) for of in run["dropped"].values()),
        ),
        ("records = written + dropped", run["records"], run["written_records"] + run["dropped_records"]),
        ("rows dropped", dropped, sum(sum(of.values()) for of in run["dropped"].values())),
        ("rows written", written, run["written"]),
        ("records dropped", sum(found.records.values()), run["dropped_records"]),
        ("lines written", len(found.conversations), run["written"]),
        ("records of the inputs", sum(part["records"] or 0 for part in run["inputs"]), run["records"]),
    ):
        if left != right:
            found.problems.append(f"{what}: {left} against {right}")
    return found


def same(found: list[list[list[str]]], expected: list[list[list[Any]]]) -> list[str]:
    """Compare conversations, whatever order they stand in; say what differs."""
    rest = list(found)
    missing = []
    for talk in expected:
        match = next((got for got in rest if _fits(got, talk)), None)
        if match is None:
            missing.append(talk)
        else:
            rest.remove(match)
    return [f"missing: {talk}" for talk in missing] + [f"not expected: {talk}" for talk in rest]


def _fits(got: list[list[str]], talk: list[list[Any]]) -> bool:
    if [role for role, _ in got] != [role for role, _ in talk]:
        return False
    for (_, text), (_, wanted) in zip(got, talk, strict=True):
        if isinstance(wanted, str):
            if text != wanted:
                return False
        elif not all(piece in text for piece in wanted["has"]) or any(
            piece in text for piece in wanted.get("lacks", ())
        ):
            return False
    return True


def miscounted(records: Counter[str], left: dict[str, int | None]) -> list[str]:
    """Compare the records left out with what a case expects, by class; alternatives are counted together."""
    groups: list[tuple[set[str], int | None]] = []
    for names, count in left.items():
        classes, total = set(names.split("|")), count
        for other in [group for group in groups if group[0] & classes]:
            groups.remove(other)
            total = None if total is None or other[1] is None else total + other[1]
            classes |= other[0]
        groups.append((classes, total))
    got: Counter[str] = Counter()
    for reason, count in records.items():
        if reason in AROUND:
            continue
        got[_CLASS.get(reason, f"{reason} (a word of its own)")] += count
    wrong = []
    for classes, total in groups:
        number = sum(got.pop(name, 0) for name in classes)
        if total is not None and number != total:
            wrong.append(f"{'|'.join(sorted(classes))}: {number} records, not {total}")
    return wrong + [f"{name}: {count} records, not 0" for name, count in got.items()]


def _content(path: Path) -> bytes:
    """Give a file's bytes, and those of its columns where they are compressed or coded."""
    raw = path.read_bytes()
    try:
        if raw[:4] == b"PAR1":
            return raw + repr(pyarrow.parquet.read_table(path).to_pylist()).encode()
        if raw[:6] == b"ARROW1":
            return raw + repr(pa.ipc.open_file(path).read_all().to_pylist()).encode()
    except (pa.ArrowInvalid, OSError):
        pass  # half-written: its raw bytes are all there is
    return raw


def leaks(case: Case, home: Path, *said: str, public: bool = True) -> list[str]:
    """List the canaries that stand in a file beside or below `home` but the inputs, in a name, or in what was said.

    `public` false: look for those only that must not even be in a scratch file.
    """
    wanted = [canary for canary in case.canaries if public or canary.startswith("CANARY")]
    inputs = {home / name for name in case.files} | {home / "expected.json"}
    found = [f"{canary} was said: {text[:300]!r}" for text in said for canary in wanted if canary in text]
    for path in sorted(home.parent.rglob("*")):
        if path in inputs or any(path in other.parents for other in inputs):
            continue
        content = str(path.relative_to(home.parent)).encode() + (_content(path) if path.is_file() else b"")
        found += [f"{canary} in {path.relative_to(home.parent)}" for canary in wanted if canary.encode() in content]
    return found
