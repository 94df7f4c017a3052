"""Random pipelines, a model of what must come of each, and the examination of what did.

The model is a few lines of plain Python over lists of rows; it shares nothing with the engine.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from law_stages import (
    CANARY,
    LOOK_FAULTS,
    LOOKS,
    PICK_FAULTS,
    PICKS,
    READER_FAULTS,
    STEP_FAULTS,
    STEPS,
    WRITER_FAULTS,
    LawLook,
    LawPick,
    LawReader,
    LawStep,
    LawWriter,
    hit,
)
from recount import lines_in, recount

from ftdata import flow
from ftdata.errors import FtdataError
from ftdata.readers.openai_chat import OpenAIChat as ChatReader
from ftdata.recipe import Options, Recipe
from ftdata.stages import Reader, Stage, Writer
from ftdata.transforms import pii
from ftdata.writers.hf_dataset import HfDataset
from ftdata.writers.openai_chat import OpenAIChat

_BAD, _BLANK = '{"messages": [', ""


@dataclass(frozen=True)
class Plan:
    """A pipeline: readers with the number of their records (for chat: a letter per line), steps, writers."""

    readers: tuple[tuple[Reader, str], ...]
    steps: tuple[Any, ...]
    writers: tuple[Writer, ...]
    on_error: str

    def recipe(self, base: Path) -> Recipe:
        return Recipe(
            base,
            "law",
            Options(on_error=self.on_error),  # type: ignore[arg-type]
            tuple(reader for reader, _ in self.readers),
            self.steps,
            self.writers,
        )


# --- drawing ----------------------------------------------------------------------------------------------------------


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a pipeline: sound in half of the cases, else with a breach of contract in one or two places."""
    broken = draw(st.sampled_from([*[""] * 8, "reader", "step", "pick", "look", "writer", "several"]))
    kinds = {"several": ("step", "pick", "writer", "reader")}.get(broken, (broken,))

    readers = []
    count = draw(st.sampled_from([1, 1, 2, 3]))
    guilty = draw(st.integers(0, count - 1)) if "reader" in kinds else None
    for number in range(count):
        suffix = draw(st.sampled_from(["jsonl", "csv"]))
        if number != guilty and draw(st.integers(0, 3)) == 0:
            lines = draw(st.text("gggbn", min_size=1, max_size=6)).rstrip("n") or "g"
            readers.append((ChatReader(path=Path(f"in/{number}/data.jsonl")), lines))
            continue
        size = draw(st.integers(1 if number == guilty or number == 0 else 0, 9))
        reader = LawReader(
            path=Path(f"in/{number}/data.{suffix}"),
            fault=draw(st.sampled_from(READER_FAULTS)) if number == guilty else "",
            at=draw(st.integers(0, 8)),
            drop=draw(st.sampled_from([0, 0, 1, 2])),
            join=draw(st.booleans()),
            backwards=draw(st.booleans()),
            cut=draw(st.integers(1, 4)),
        )
        readers.append((reader, "x" * size))

    def stage(kind: str, guilty: bool) -> Stage:
        cls, sound, faults = {
            "step": (LawStep, STEPS, STEP_FAULTS),
            "pick": (LawPick, PICKS, PICK_FAULTS),
            "look": (LawLook, LOOKS, LOOK_FAULTS),
        }[kind]
        mod = draw(st.integers(2, 4))
        act = draw(st.sampled_from(faults if guilty else sound))
        return cls(act=act, mod=mod, rem=draw(st.integers(0, mod - 1)))  # type: ignore[call-arg]

    wanted = draw(st.lists(st.sampled_from(["step", "step", "pick", "look"]), max_size=4))
    steps = [stage(kind, False) for kind in wanted]
    for kind in kinds:
        if kind in ("step", "pick", "look") and (broken != "several" or draw(st.booleans())):
            steps.insert(draw(st.integers(0, len(steps))), stage(kind, True))

    split = draw(st.booleans())
    file = "out/{split}.jsonl" if split else "out/all.jsonl"
    fault = draw(st.sampled_from(WRITER_FAULTS)) if "writer" in kinds else draw(st.sampled_from(["", "mutates"]))
    writers: list[Writer] = [LawWriter(path=Path(file), fault=fault)]
    more = draw(st.sampled_from(["", "", "chat", "hf"]))
    if more == "chat":
        writers.append(OpenAIChat(path=Path("out/b/{split}/rows.jsonl")))
    elif more == "hf":
        writers.append(HfDataset(path=Path("out/hf")))
    if draw(st.booleans()):
        writers.reverse()
    on_error = draw(st.sampled_from(["drop", "drop", "drop", "fail"]))
    return Plan(tuple(readers), tuple(steps), tuple(writers), on_error)


# --- the model --------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    records: list[int]
    key: int
    text: str
    batch: tuple[int, int]
    number: int = 0
    split: str = "train"
    flags: set[str] = field(default_factory=set)
    end: tuple[str, str] | None = None


@dataclass
class Expected:
    """What must come of a pipeline. `fails`: why it must fail; `may_fail`: it depends on how rows are batched."""

    fails: str = ""
    may_fail: bool = False
    rows: list[Row] = field(default_factory=list)
    flags: Counter[tuple[str, str]] = field(default_factory=Counter)
    error_found: bool = False


def _labels(stages: tuple[Stage, ...]) -> list[str]:
    names = [stage.name for stage in stages]
    return [n if n not in names[:i] else f"{n}#{names[:i].count(n) + 1}" for i, n in enumerate(names)]


def expect(plan: Plan) -> Expected:
    """Work out what must come of a pipeline."""
    told = Expected()
    first = 1
    for number, ((reader, lines), label) in enumerate(
        zip(plan.readers, _labels(tuple(r for r, _ in plan.readers)), strict=True)
    ):
        if isinstance(reader, LawReader):
            if reader.fault:
                told.fails = f"reader {reader.fault}"
                return told
            for place, (own, key, drop) in enumerate(reader.entries(first, len(lines))):
                flags = {"fifth"} if key % 5 == 0 else set()
                end = None if drop is None else (label, drop)
                told.rows.append(Row(own, key, f"q{key}", (number, place // reader.cut), flags=flags, end=end))
                if flags and drop is None:
                    told.flags[label, "fifth"] += 1
        else:
            for key, line in enumerate(lines, first):
                end = {"b": (label, "bad-json"), "n": (label, "blank-line")}.get(line)
                told.rows.append(Row([key], key, f"q{key}", (number, -1), end=end))
        first += len(lines)
    for number, row in enumerate(told.rows, 1):
        row.number = number
    for stage, label in zip(plan.steps, _labels(plan.steps), strict=True):
        live = [row for row in told.rows if row.end is None]
        hits = [row for row in live if hit(row.key, stage.mod, stage.rem)]
        fault = _stage(told, stage, label, live, hits, plan.on_error == "drop")
        if fault:
            told.fails = f"{label}: {fault}"
            return told
    live = [row for row in told.rows if row.end is None]
    fault = next((w.fault for w in plan.writers if isinstance(w, LawWriter) and w.fault not in ("", "mutates")), "")
    told.fails = "no row is left" if not live else f"writer {fault}" if fault else ""
    return told


def _stage(told: Expected, stage: Any, label: str, live: list[Row], hits: list[Row], tolerant: bool) -> str:
    act = stage.act

    def end(reason: str) -> None:
        for row in hits:
            row.end = (label, reason)

    def flag(flag: str, rows: list[Row]) -> None:
        told.flags[label, flag] += sum(flag not in row.flags for row in rows)
        for row in rows:
            row.flags.add(flag)

    if isinstance(stage, LawLook):
        told.error_found |= act == "error"
        if act == "raise-in-sketch":
            return act if hits else ""
        return act if act in ("raise", "none", "strings", "sketch-nothing") or (act in LOOK_FAULTS and live) else ""
    if act in ("raise", "mutate-then-raise", "raise-in-sketch", "row-error") and not (
        isinstance(stage, LawPick) and act == "raise"
    ):
        if hits and not tolerant:
            return act
        end("law-odd" if act == "row-error" else "LawError")
    elif isinstance(stage, LawStep):
        if act == "drop":
            end("law-drop")
        elif act == "flag":
            flag("law-flag", hits)
        elif act == "edit":
            for row in hits:
                row.text += "!"
        elif act == "unflag":
            return act if any(row.flags for row in live) else ""
        elif act in ("reverse", "reverse-in-place", "exchange"):
            sizes = Counter(row.batch for row in live)
            told.may_fail |= any(size > 1 for batch, size in sizes.items() if batch[1] < 0)
            return act if any(size > 1 for batch, size in sizes.items() if batch[1] >= 0) else ""
        elif act in STEP_FAULTS:
            return act if live else ""
    elif act == "drop":
        end("law-out")
    elif act == "flag":
        flag("law-seen", hits)
    elif act == "taken":
        flag("law-taken", live[::2])
    elif act == "split":
        for row in live:
            row.split = ("train", "validation", "test")[row.key % 3]
    elif act == "dead":
        return act if live and live[-1].number != len(live) else ""
    elif act in PICK_FAULTS:
        return act if live or act in ("foreign", "raise", "none", "no-row", "column") else ""
    return ""


# --- the examination --------------------------------------------------------------------------------------------------


@contextmanager
def quick() -> Iterator[None]:
    """Remember what scrubbing gave and what is installed: the same few names are asked for in thousands of runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pii, "scrub", lru_cache(maxsize=10_000)(pii.scrub))
        patch.setattr(metadata, "version", lru_cache(maxsize=100)(metadata.version))
        yield


def lay_inputs(plan: Plan, base: Path) -> None:
    """Write the input files of a plan."""
    first = 1
    for reader, lines in plan.readers:
        path = base / reader.path
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = range(first, first + len(lines))
        if path.suffix == ".csv":
            cells = ['"two\r\nlines, ""quoted"""' if n % 3 else "x" for n in numbers]
            text = "k,said\r\n" + "".join(f"{n},{cell}\r\n" for n, cell in zip(numbers, cells, strict=True))
        elif isinstance(reader, LawReader):
            text = "\n".join(f"line {n}" for n in numbers) + ("\n" if lines and first % 2 else "")
        else:
            row = '{{"messages": [{{"role": "user", "content": "q{0}"}}, {{"role": "assistant", "content": "a{0}"}}]}}'
            made = [{"g": row.format(n), "b": _BAD, "n": _BLANK}[kind] for n, kind in zip(numbers, lines, strict=True)]
            text = "\n".join(made) + ("\n" if first % 2 else "")
        path.write_bytes(text.encode())
        first += len(lines)


def _files(base: Path) -> dict[str, bytes]:
    """Give all files outside of the record."""
    return {
        str(path.relative_to(base)): path.read_bytes()
        for path in sorted(base.rglob("*"))
        if path.is_file() and ".ftdata" not in path.relative_to(base).parts
    }


def examine(plan: Plan, base: Path) -> str:
    """Run a pipeline in an empty folder and hold what came of it against the model; give `published` or `failed`."""
    told = expect(plan)
    shutil.rmtree(base, ignore_errors=True)
    lay_inputs(plan, base)
    old = base / "out" / "all.jsonl"
    old.parent.mkdir()
    old.write_bytes(b"an older output\n")
    before = _files(base)
    recipe = plan.recipe(base)
    record = flow.record_of(recipe).folder
    failed = None
    try:
        manifest = flow.run(recipe, overwrite=True)
    except FtdataError as error:
        failed = repr(error)
    if failed is not None:
        assert told.fails or told.may_fail, f"failed without need: {failed}"
        assert CANARY not in failed
        assert _files(base) == before, "a run that failed left or changed files"
        strays = [path for path in record.rglob("*") if path.name.startswith(".") or "scratch" in path.name]
        assert not strays and not (record / "run.json").exists(), "a run that failed left a record or scratch files"
        attempt = (record / "attempt.json").read_text()
        assert json.loads(attempt)["status"] == "failed" and CANARY not in attempt
        return "failed"
    assert not told.fails, f"published, and should have failed: {told.fails}"
    assert manifest.status == ("findings" if told.error_found else "done")
    _compare(told, plan, base, record)
    return "published"


def _compare(told: Expected, plan: Plan, base: Path, record: Path) -> None:
    found = recount(record)
    assert not found.problems, found.problems
    want = {n: ("write", "") if row.end is None else ("drop", row.end) for row in told.rows for n in row.records}
    fates = {n: (end, "" if end == "write" else (stage, reason)) for n, (end, stage, reason) in found.fates.items()}
    assert fates == want
    assert found.flags == +told.flags
    root = record.parent.parent
    places: dict[str, list[Row]] = {}
    for writer in plan.writers:
        for row in told.rows:
            if row.end is None:
                if isinstance(writer, HfDataset):
                    name = f"out/hf/data/{row.split}-00000-of-00001.parquet"
                else:
                    name = str(writer.path).replace("{split}", row.split)
                places.setdefault(name, []).append(row)
    outputs = {str((root / name).resolve().relative_to(base.resolve())): lines for name, lines in found.lines.items()}
    assert set(outputs) == set(places)
    for name, rows in places.items():
        assert [outputs[name][n + 1] for n in range(len(rows))] == [row.records for row in rows], name
        assert lines_in(base / name) == len(rows)
        if name.endswith(".jsonl"):
            said = [json.loads(line)["messages"][0]["content"] for line in (base / name).read_text().splitlines()]
            assert said == [row.text for row in rows], name
    after = {name for name in _files(base) if name.startswith("out/") and not name.startswith("out/hf/")}
    assert after <= {*places, "out/all.jsonl"}
    assert sorted(path.name for path in record.iterdir()) == ["ledger.parquet", "lock", "run.json"]
    assert CANARY.encode() not in (record / "run.json").read_bytes() + (record / "ledger.parquet").read_bytes()
