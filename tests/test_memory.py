"""Memory is bounded by batch and spool, not by the size of the input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import sys
from pathlib import Path
from ftdata.flow import run
from ftdata.recipe import Recipe
source, folder, selects = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "select"
steps = [{"use": "pii"}, {"use": "length", "max_chars": 100000}]
steps += [{"use": "exact-dedup"}, {"use": "split", "validation": 0.1}] if selects else []
run(Recipe.parse({"read": [{"use": "openai-chat", "path": source}], "step": steps,
                  "write": [{"use": "openai-chat", "path": str(folder / "{split}.jsonl")}]}, folder, "memory"))
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


TURNS = [("system", "Be brief."), ("user", "%s"), ("assistant", "%s")]
ROW = json.dumps({"messages": [{"role": role, "content": content} for role, content in TURNS]}) + "\n"


def generate(path: Path, megabytes: int) -> None:
    """Write rows of about 750 bytes, each of them another one; one in eight holds an address."""
    filler = "the parcel has not come yet and nobody answers the phone at the store in the old town " * 4
    with path.open("w") as out:
        number = 0
        while out.tell() < megabytes * 1_000_000:
            lines = []
            for _ in range(2000):
                number += 1
                address = f"user{number}@example.com" if number % 8 == 0 else ""
                lines.append(ROW % (f"{number} {filler}{address}", f"{number} {filler[:200]}"))
            out.write("".join(lines))


def peak(source: Path, folder: Path, kind: str) -> float:
    """Run in a fresh process; give its largest resident size in MiB.

    It is read inside the process: what `wait4` tells of a child counts the memory of the parent that spawned it, too.
    """
    folder.mkdir()
    command = [sys.executable, "-c", RUN, str(source), str(folder), kind]
    return int(subprocess.run(command, check=True, capture_output=True).stdout) / 1024


def test_the_peak_does_not_grow_with_the_file(tmp_path: Path) -> None:
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    generate(small, 50)
    generate(large, 500)
    peaks = peak(small, tmp_path / "a", "stream"), peak(large, tmp_path / "b", "stream")
    print(f"peak of 50 MB: {peaks[0]:.0f} MiB, of 500 MB: {peaks[1]:.0f} MiB")
    assert peaks[1] - peaks[0] <= 32
    assert max(peaks) <= 512


@pytest.mark.long
def test_selectors_keep_their_promise_on_500_mb(tmp_path: Path) -> None:
    large = tmp_path / "large.jsonl"
    generate(large, 500)
    assert peak(large, tmp_path / "c", "select") <= 640
