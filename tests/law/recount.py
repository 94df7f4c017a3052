"""Recount a run from its files alone: records from the inputs, lines from the outputs, fates from the ledger.

    python recount.py .ftdata/NAME

An independent witness: standard library and pyarrow, nothing of ftdata. It prints whatever does not add up, and exits
with 1 if anything does not.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet

Fate = tuple[str, str, str | None]
"""`drop` or `write`, the stage, the reason."""


@dataclass
class Recount:
    """What the files say: what is wrong, each record's fate, and the records behind each output line."""

    problems: list[str] = field(default_factory=list)
    fates: dict[int, Fate] = field(default_factory=dict)
    lines: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    flags: Counter[tuple[str, str]] = field(default_factory=Counter)

    def need(self, true: bool, problem: str) -> None:
        if not true:
            self.problems.append(problem)


def records_in(path: Path) -> int:
    """Count the records of an input: rows of a CSV below its header, else lines."""
    data = path.read_bytes()
    if path.suffix == ".csv":
        return sum(1 for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if row) - 1
    return data.count(b"\n") + (not data.endswith(b"\n") and data != b"")


def lines_in(path: Path) -> int:
    """Count the training rows of an output; a card or note holds none."""
    if path.suffix == ".parquet":
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    return path.read_bytes().count(b"\n") if path.suffix == ".jsonl" else 0


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recount(folder: Path) -> Recount:
    """Recount the run whose record is `folder`."""
    found = Recount()
    run = json.loads((folder / "run.json").read_bytes())
    with pyarrow.parquet.ParquetFile(folder / "ledger.parquet") as ledger:
        events = ledger.read().to_pylist()
    base = folder.parent.parent
    found.need(run["ledger_sha256"] == digest(folder / "ledger.parquet"), "the ledger has another sha256")
    _inputs(found, run, base)
    rows = _fates(found, run, events)
    _counts(found, run, events, rows)
    _outputs(found, run, base, events)
    return found


def _inputs(found: Recount, run: dict[str, Any], base: Path) -> None:
    total = 0
    for part in run["inputs"]:
        path = base / run["folder"] / part["path"]
        found.need(part["sha256"] == digest(path), f"{part['name']}: another sha256")
        found.need(part["bytes"] == path.stat().st_size, f"{part['name']}: another size")
        if part["lookup"]:
            continue
        count = records_in(path)
        found.need(part["records"] == count, f"{part['name']}: {part['records']} records, the file holds {count}")
        found.need(part["first"] == total + 1, f"{part['name']}: first record {part['first']}, not {total + 1}")
        total += count
    found.need(run["records"] == total, f"{run['records']} records, the inputs hold {total}")


def _fates(found: Recount, run: dict[str, Any], events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Give each row one fate: dropped once, or written once by every writer; each record one owner."""
    writers = [stage["label"] for stage in run["stages"] if stage["kind"] == "writer"]
    ends: dict[int, list[dict[str, Any]]] = {}
    for event in events:
        if event["event"] in ("drop", "write"):
            ends.setdefault(event["row"], []).append(event)
    found.need(sorted(ends) == list(range(1, run["rows"] + 1)), f"{run['rows']} rows, {len(ends)} have an end")
    rows: dict[int, dict[str, Any]] = {}
    owners: Counter[int] = Counter()
    ids: Counter[str] = Counter()
    for row, own in sorted(ends.items()):
        last = own[0]
        kinds = [event["event"] for event in own]
        if kinds == ["drop"]:
            found.need(bool(last["reason"]), f"row {row}: dropped without a reason")
        else:
            stages = sorted(event["stage"] for event in own)
            found.need(set(kinds) == {"write"} and stages == sorted(writers), f"row {row}: ends as {kinds} in {stages}")
        same = all(event["id"] == last["id"] and event["origin"] == last["origin"] for event in own)
        found.need(same, f"row {row}: its events differ in id or records")
        rows[row] = last
        owners.update(last["origin"])
        ids[last["id"]] += 1
        for record in last["origin"]:
            found.fates[record] = (last["event"], last["stage"], last["reason"])
        inputs = [part for part in run["inputs"] if not part["lookup"] and part["first"] <= last["origin"][0]]
        named = f"{inputs[-1]['name']}#{last['origin'][0] - inputs[-1]['first'] + 1}" if inputs else None
        found.need(named == last["id"], f"row {row}: its id is not {named}")
    found.need(max(ids.values(), default=1) == 1, "an id is given twice")
    want = range(1, run["records"] + 1)
    found.need(sorted(owners) == list(want), f"{run['records']} records, the rows own {len(owners)}")
    found.need(max(owners.values(), default=1) == 1, "a record has two owners")
    gone = {row for row, own in ends.items() if own[0]["event"] == "drop"}
    for event in events:
        if event["event"] not in ("drop", "write"):
            found.need(event["row"] in rows, f"row {event['row']}: an event of a row that was never read")
            found.need(event["reason"] != "" and event["stage"] not in writers, f"row {event['row']}: an odd event")
    found.need(not gone & {row for row, own in ends.items() if len(own) > 1}, "a dropped row was written too")
    return rows


def _counts(found: Recount, run: dict[str, Any], events: list[dict[str, Any]], rows: dict[int, dict[str, Any]]) -> None:
    """Compare the manifest's counts, by stage and reason, with the events themselves."""
    dropped: dict[str, Counter[str]] = {}
    flags: dict[str, Counter[str]] = {}
    edits: Counter[str] = Counter()
    for event in events:
        if event["event"] == "drop":
            dropped.setdefault(event["stage"], Counter())[event["reason"]] += 1
        elif event["event"] == "flag":
            flags.setdefault(event["stage"], Counter())[event["reason"]] += 1
            found.flags[event["stage"], event["reason"]] += 1
        elif event["event"] == "edit":
            edits[event["stage"]] += 1
    found.need({k: dict(v) for k, v in dropped.items()} == run["dropped"], "dropped: not the ledger's counts")
    found.need({k: dict(v) for k, v in flags.items()} == run["flags"], "flags: not the ledger's counts")
    written = [row for row in rows.values() if row["event"] == "write"]
    gone = sum(len(row["origin"]) for row in rows.values() if row["event"] == "drop")
    found.need(run["written"] == len(written), f"{run['written']} rows written, the ledger has {len(written)}")
    owned = sum(len(row["origin"]) for row in written)
    found.need(run["written_records"] == owned, f"{run['written_records']} records written, the ledger has {owned}")
    found.need(run["dropped_records"] == gone, f"{run['dropped_records']} records dropped, the ledger has {gone}")
    total = run["written"] + sum(sum(reasons.values()) for reasons in run["dropped"].values())
    found.need(run["rows"] == total, f"{run['rows']} rows read, {total} written and dropped")
    both = run["written_records"] + run["dropped_records"]
    found.need(run["records"] == both, "records: read is not written + dropped")
    live = run["rows"]
    files = iter([part for part in run["inputs"] if not part["lookup"]])  # one for each reader
    gone_by = {label: sum(counts.values()) for label, counts in dropped.items()}
    reading = True
    for stage in run["stages"]:
        if reading and stage["kind"] != "reader":
            reading = False
            live -= sum(gone_by.get(s["label"], 0) for s in run["stages"] if s["kind"] == "reader")
        due = live
        if stage["kind"] == "reader":
            file = next(files)
            due = sum(0 <= row["origin"][0] - file["first"] < file["records"] for row in rows.values())
        found.need(stage["rows"] == due, f"{stage['label']}: {stage['rows']} rows in, by the ledger {due}")
        if stage["kind"] == "writer":
            continue
        found.need(stage["dropped"] == gone_by.get(stage["label"], 0), f"{stage['label']}: another count of drops")
        found.need(stage["edited"] == edits[stage["label"]], f"{stage['label']}: another count of edits")
        told = sum(flags.get(stage["label"], Counter()).values())
        found.need(stage["flagged"] == told, f"{stage['label']}: another count of flags")
        if stage["kind"] != "reader":
            live -= gone_by.get(stage["label"], 0)


def _outputs(found: Recount, run: dict[str, Any], base: Path, events: list[dict[str, Any]]) -> None:
    """Hold the ledger's lines against the files: each line of each output is one row, in reading order."""
    for event in events:
        if event["event"] == "write":
            lines = found.lines.setdefault(event["output"], {})
            found.need(event["line"] not in lines, f"{event['output']}:{event['line']}: two rows in one line")
            lines[event["line"]] = event["origin"]
    last: dict[str, tuple[int, int]] = {}
    for event in sorted((e for e in events if e["event"] == "write"), key=lambda e: (e["output"], e["line"])):
        before = last.get(event["output"], (0, 0))
        found.need(before[1] < event["row"], f"{event['output']}:{event['line']}: not in reading order")
        last[event["output"]] = (event["line"], event["row"])
    for part in run["outputs"]:
        path = base / part["path"]
        if not path.is_file():
            found.problems.append(f"{part['path']}: is not there")
            continue
        count = lines_in(path)
        found.need(part["sha256"] == digest(path), f"{part['path']}: another sha256")
        found.need(part["lines"] == count, f"{part['path']}: {part['lines']} lines, the file holds {count}")
        numbers = sorted(found.lines.get(part["path"], {}))
        whole = numbers == list(range(1, count + 1))
        found.need(whole, f"{part['path']}: {count} lines, the ledger has {len(numbers)}")
    known = {part["path"] for part in run["outputs"]}
    found.need(set(found.lines) <= known, "the ledger names an output that the manifest does not")


def main() -> int:
    """Print what does not add up."""
    found = recount(Path(sys.argv[1]))
    for problem in found.problems:
        print(problem)
    if not found.problems:
        print(f"adds up: {len(found.fates)} records, {sum(map(len, found.lines.values()))} lines")
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
