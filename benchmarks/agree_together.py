"""Agreement with Together's file checker, row by row: the same verdict, or a difference that is listed with its reason.

Run: python benchmarks/agree_together.py /path/to/python-with-together==1.5.35

The rows are those of the tests of targets (sound, broken and odd ones) and every order of up to four turns. Each is a
file of its own, because their checker stops at the first fault.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests" / "targets"
sys.path.insert(0, str(TESTS))

from rule_rows import DEPRECATED, ROWS  # noqa: E402
from seeded import GOOD, SEEDED  # noqa: E402

from ftdata.targets.lines import check_file  # noqa: E402

THEIRS = """
import json, sys
from together.utils.files import check_file
for line in sys.stdin:
    with open(sys.argv[1], "w") as out:
        out.write(json.loads(line) + "\\n")
    try:
        print(json.dumps(check_file(sys.argv[1])["is_check_passed"]))
    except Exception:
        print("false")
"""
REASONS = {"together-weight": "true is no integer: their checker is written in Python, where it is one"}


def rows() -> list[str]:
    """Give the rows; those of layouts that Together does not read too."""
    found = [line for good, bad in [*ROWS.values(), *DEPRECATED.values()] for line in [*good, *(one for one, _ in bad)]]
    found += [one.line for one in SEEDED] + [json.dumps(row) for row in GOOD.values()]
    turns = [{"role": role, "content": "Hi"} for role in ("system", "user", "assistant")]
    for count in range(1, 5):
        found += [json.dumps({"messages": order}) for order in itertools.product(turns, repeat=count)]
    for weight, at in itertools.product((0, 1, True, 2, "1", 0.0, None), range(3)):
        said = [{**turn, "weight": weight} if i == at else turn for i, turn in enumerate(turns)]
        found.append(json.dumps({"messages": said}))
    return [row for row in dict.fromkeys(found) if "\n" not in row and len(row) < 20_000]


def main() -> None:
    """Compare and print."""
    made, agreed, unexplained = rows(), Counter[bool](), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "one.jsonl")
        asked = "".join(json.dumps(row) + "\n" for row in made)
        run = [sys.argv[1], "-c", THEIRS, str(path)]
        told = subprocess.run(run, input=asked, capture_output=True, text=True, check=True).stdout.splitlines()
        for row, verdict in zip(made, told, strict=True):
            path.write_text(row + "\n")
            errors = [finding.code for finding in check_file(path, ["together"]) if finding.level == "error"]
            same = (verdict == "true") == (not errors)
            agreed[same] += 1
            if not same:
                reason = next((REASONS[code] for code in errors if code in REASONS), None)
                unexplained += reason is None
                print(f"theirs {verdict}, ours {errors or 'sound'}: {reason or 'NOT EXPLAINED'}: {row[:120]}")
    print(f"{len(made)} rows: {agreed[True]} judged alike, {agreed[False]} not, {unexplained} of them unexplained")
    raise SystemExit(bool(unexplained))


if __name__ == "__main__":
    main()
