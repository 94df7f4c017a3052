"""Agreement with the checkers of others, row by row: the same verdict, or a difference that is listed with its reason.

Run: python benchmarks/agree.py CHECKER PYTHON [FOLDER] [--keep]     (CHECKER: see `CHECKERS`)
     python benchmarks/agree.py rows

PYTHON is the interpreter of an environment of its own that has the checker (`CHECKERS` says what to install), FOLDER a
checkout where a checker is no package. The rows are those that the tests of targets keep; the answers are compared with
ours, and with `--keep` they are kept for the tests, which ask the same without any of the checkers. `rows` writes the
rows anew: then every checker is to be asked again.

What was found (22 November 2026; 1,044 rows; every difference stands with its reason in
`tests/targets/agreement/reasons.toml`, and what the checkers were right in became rules):

    checker                        taken   alike   otherwise   unexplained
    together 1.5.35                  103   1,037           7             0
    mistral-finetune, common 1.3.4   170     977          67             0
    amzn-nova-forge 1.4.10            55   1,034          10             0
    trl 1.16.0                       380   1,006          38             0
    axolotl 0.19.0                   498     877         167             0
    llamafactory 0.9.5                44   1,044           0             0
    datasets 5.2.0, 4.8.4, 4.0.0   1,033, 1,033, 895 load as they stand: all that are sound for who loads by them
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "targets"), str(HERE / "agreement")]

from agreed import KEPT, TAKEN, differences, reasons, rows, unexplained  # noqa: E402
from seeded import GOOD  # noqa: E402


class Checker(NamedTuple):
    """A checker: the target that it speaks for, what to install, and where it comes from."""

    target: str
    package: str
    source: str


CHECKERS = {
    "together": Checker("together", "together==1.5.35", "PyPI; together/utils/files.py: check_file"),
    "mistral": Checker(
        "mistral",
        "mistral_common==1.3.4",
        "github.com/mistralai/mistral-finetune, finetune/data/tokenize.py at 20704b220d6f08ce1213387f593282f4f60e3fa1",
    ),
    "nova": Checker(
        "nova", "amzn-nova-forge==1.4.10 (no deps), pydantic, boto3, filetype", "PyPI; dataset/dataset_validator"
    ),
    "trl": Checker("trl", "trl==1.16.0, torch==2.13.0", "PyPI; SFTTrainer and DPOTrainer: _prepare_dataset"),
    "axolotl": Checker(
        "axolotl", "axolotl==0.19.0 (no deps), trl==1.16.0, torch==2.13.0", "PyPI; prompt_strategies/chat_template.py"
    ),
    "llama_factory": Checker(
        "llama-factory", "llamafactory==0.9.5 (no deps), peft (no deps), transformers, datasets, torch==2.13.0",
        "PyPI; data/converter.py: SharegptDatasetConverter",
    ),
    "datasets": Checker("trl", "datasets==5.2.0", "PyPI; load_dataset('json')"),
    "datasets_4_8": Checker("axolotl", "datasets==4.8.4", "PyPI; load_dataset('json'); the version that axolotl pins"),
    "datasets_4": Checker("llama-factory", "datasets==4.0.0", "PyPI; load_dataset('json'); newest of LLaMA-Factory"),
}  # fmt: skip


def ask(name: str, python: str, *folder: str) -> list[str]:
    """Ask a checker about every row."""
    script = HERE / "agreement" / f"ask_{name.partition('_4')[0]}.py"
    asked = "".join(json.dumps([layout, line, json.dumps(GOOD[layout])]) + "\n" for layout, line in rows())
    run = [python, str(script), *folder]
    seeded = {**os.environ, "PYTHONHASHSEED": "0"}  # TRL looks at the first key of a set
    return subprocess.run(run, input=asked, capture_output=True, text=True, check=True, env=seeded).stdout.splitlines()


def keep(name: str, told: list[str]) -> None:
    """Keep the verdicts of a checker: by verdict, the numbers of the rows."""
    by: dict[str, list[int]] = {}
    for number, verdict in enumerate(told, start=1):
        by.setdefault(verdict, []).append(number)
    head = {**CHECKERS[name]._asdict(), "asked": date.today().isoformat()}
    lines = [f"{json.dumps(verdict)}: {json.dumps(by[verdict])}" for verdict in sorted(by)]
    text = json.dumps(head, indent=1).removesuffix("\n}") + ',\n "verdicts": {\n  ' + ",\n  ".join(lines) + "\n }\n}\n"
    (KEPT / f"{name}.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Write the rows; or ask, compare and print."""
    words = [word for word in sys.argv[1:] if word != "--keep"]
    if words == ["rows"]:
        from rows import rows as made

        lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in made()]
        (KEPT / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{len(lines)} rows")
        return
    name, python, *folder = words
    told, asked = ask(name, python, *folder), rows()
    if "--keep" in sys.argv:
        keep(name, told)
    if name.startswith("datasets"):  # a loader is no checker: what it takes may still be refused
        bad = Counter(verdict for verdict in told if verdict != TAKEN)
        print(f"{len(told)} rows: {told.count(TAKEN)} loaded as they stand; not: {dict(bad)}")
        return
    found = differences(CHECKERS[name].target, asked, told)
    loose = unexplained(found, reasons(name))
    for line in loose:
        print(line)
    print(
        f"{name}: {len(told)} rows, {told.count(TAKEN)} of them taken: {len(told) - len(found)} judged alike, "
        f"{len(found)} otherwise, {len(loose)} of them unexplained"
    )
    raise SystemExit(bool(loose))


if __name__ == "__main__":
    main()
