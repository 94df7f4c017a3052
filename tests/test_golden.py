"""The sample recipes, whole: their outputs, ledgers and manifests stand in `tests/golden/`, to be read in review.

`FTDATA_GOLDEN=1 pytest tests/test_golden.py` writes them anew; `git diff tests/golden` then shows what changed.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pytest

import ftdata
from ftdata.manifest import Manifest

SAMPLES = Path(__file__).parents[1] / "samples"
GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.toml"))
LOADED = [name for name in NAMES if "hf-dataset" in (SAMPLES / f"{name}.toml").read_text()]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Manifest]]:
    """Run every sample recipe in a copy of the folder; give the folder and the manifest of each."""
    place = tmp_path_factory.mktemp("samples") / "samples"
    shutil.copytree(SAMPLES, place, ignore=shutil.ignore_patterns("out"))
    return {name: (place / "out" / name, ftdata.run(place / f"{name}.toml")) for name in NAMES}


def steady(manifest: Manifest) -> dict[str, Any]:
    """Give a manifest without what differs from run to run or between versions of the libraries."""
    left = {"ftdata", "started", "finished", "ledger_sha256", "publish", "handoffs"}
    kept = manifest.model_dump(mode="json", exclude=left)
    for part in kept["inputs"]:
        del part["path"]
    for part in kept["outputs"]:
        if part["path"].endswith(".parquet"):
            del part["sha256"], part["bytes"]
    return kept


def ledger(record: Path) -> str:
    """Give the ledger as text: id, numbers of the records, stage, event, reason, note, place in an output."""
    lines = []
    for e in pl.read_parquet(record / "ledger.parquet").iter_rows(named=True):
        records = ",".join(map(str, e["origin"]))
        told = [e["id"], records, e["stage"], e["event"], e["reason"] or "", e["note"] or ""]
        lines.append("\t".join([*told, f"{e['output']}:{e['line']}" if e["output"] else ""]).rstrip())
    return "\n".join(lines) + "\n"


def first(out: Path) -> Path:
    """Give the folder of the first writer's files."""
    return out / "openai" if (out / "openai").exists() else out


def outputs(name: str, ran: dict[str, tuple[Path, Manifest]]) -> dict[str, str]:
    """Give all that is held in `tests/golden/<name>`."""
    out, manifest = ran[name]
    found = {path.name: path.read_text() for path in sorted(first(out).glob("*.jsonl"))}
    if name in LOADED:
        found["card.md"] = (out / "hf" / "README.md").read_text()
    found["ledger.tsv"] = ledger(first(out) / ".ftdata" / name)
    found["manifest.json"] = json.dumps(steady(manifest), indent=1, ensure_ascii=False) + "\n"
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_gives_what_it_gave(name: str, ran: dict[str, tuple[Path, Manifest]]) -> None:
    found = outputs(name, ran)
    folder = GOLDEN / name
    if os.environ.get("FTDATA_GOLDEN"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file, text in found.items():
            (folder / file).write_text(text)
    assert sorted(found) == sorted(path.name for path in folder.iterdir())
    for file, text in found.items():
        assert text.split("\n") == (folder / file).read_text().split("\n"), f"{name}/{file}"


@pytest.mark.parametrize("name", LOADED)
@pytest.mark.parametrize("writer", ["openai", "hf"])
def test_a_folder_loads_as_the_rows_that_were_written(
    name: str, writer: str, ran: dict[str, tuple[Path, Manifest]], offline: Path
) -> None:
    out, _ = ran[name]
    loaded = datasets.load_dataset(str(out / writer), cache_dir=str(offline))
    files = sorted((out / "openai").glob("*.jsonl"))
    assert sorted(loaded) == [path.stem for path in files]
    for path in files:
        written = [json.loads(line) for line in path.read_text().splitlines()]
        assert [plain(row) for row in loaded[path.stem]] == [plain(row) for row in written]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    return tmp_path / "cache"


def plain(value: Any) -> Any:
    """Take two rows for equal whatever the layout: no nulls, `parts` and `extra` in the places they came from."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {**value, **(value.get("extra") or {}), "content": value.get("content") or value.get("parts")}
    return {key: plain(item) for key, item in value.items() if item is not None and key not in ("extra", "parts")}


def test_a_folder_loads_as_the_rows_of_the_last_run(tmp_path: Path, offline: Path) -> None:
    """`datasets` keeps a cache: after a second run it must not give the rows of the first."""
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[write]]\nuse = "hf-dataset"\npath = "hf"\n'
        '[[write]]\nuse = "openai-chat"\npath = "chat/train.jsonl"\n'
    )
    for count in (3, 5):
        row = '{"messages": [{"role": "user", "content": "%d"}, {"role": "assistant", "content": "a"}]}\n'
        (tmp_path / "in.jsonl").write_text("".join(row % n for n in range(count)))
        ftdata.run(recipe)
        for folder in ("hf", "chat"):
            loaded = datasets.load_dataset(str(tmp_path / folder), cache_dir=str(offline))
            assert [row["messages"][0]["content"] for row in loaded["train"]] == [str(n) for n in range(count)]


def test_what_is_private_in_the_samples_is_in_no_output(ran: dict[str, tuple[Path, Manifest]]) -> None:
    """Every address, card, account, CPF and CNPJ of the samples, and words of every private note and bot line."""
    secrets = [
        *("tom.kettering@example.com", "ines.caldeira@example.org", "4111 1111 1111 1111", "padaria@"),
        *("Customer was rude on the phone", "carrier account manager", "I'm Moka", "Status changed from open"),
        *("print@example.org", "111.444.777-35"),
    ]
    inputs = [path for path in SAMPLES.iterdir() if path.suffix in (".csv", ".jsonl")]
    read = "".join(path.read_text(encoding="latin-1") for path in inputs)
    for out, _ in ran.values():
        for path in (p for p in out.rglob("*") if p.is_file()):
            data = path.read_bytes()
            for secret in secrets:
                assert secret in read
                assert secret.encode() not in data, path
            if path.suffix != ".md":
                assert b"@example." not in data, path


@pytest.mark.parametrize(
    ("name", "records", "rows", "written", "dropped"),
    [
        (
            "tickets",
            173,
            97,
            49,
            {
                "tickets": {
                    "private-note": 11,
                    "bot": 4,
                    "system-line": 5,
                    "ragged-row": 1,
                    "leading-agent": 1,
                    "trailing-user": 11,
                    "no-assistant": 7,
                    "repeated-message": 3,
                },
                "filter": {"where: status": 2},
                "placeholders": {"unfilled-placeholder": 1},
                "exact-dedup": {"duplicate": 2},
            },
        ),
        ("chamados", 60, 60, 51, {"tickets": {"no-answer": 6}, "exact-dedup": {"duplicate": 3}}),
        (
            "chat",
            24,
            24,
            21,
            {"openai-chat": {"bad-json": 1}, "turns": {"last-not-assistant": 1}, "exact-dedup": {"duplicate": 1}},
        ),
    ],
)
def test_the_warts_of_a_sample_are_counted_one_by_one(
    name: str, records: int, rows: int, written: int, dropped: dict[str, Any], ran: dict[str, tuple[Path, Manifest]]
) -> None:
    """Counted by hand in the files: each wart that was put there ends under its own reason."""
    manifest = ran[name][1]
    assert (manifest.records, manifest.rows, manifest.written, manifest.dropped) == (records, rows, written, dropped)
    assert manifest.status == "done"
