"""The examination finds faults: each is planted in the engine, with its own guards on and with them off.

With the guards on, the engine must not publish what is wrong; with them off, the independent recount must see it. The
same pipelines pass untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from law_plans import Plan, examine, quick
from law_stages import LawPick, LawReader, LawStep, LawWriter

from ftdata import engine, flow, ledger, selection
from ftdata.account import WRITTEN, Account, Fates
from ftdata.files import Record
from ftdata.outputs import Output
from ftdata.spool import Frames, Spool
from ftdata.writers.openai_chat import OpenAIChat

Patch = pytest.MonkeyPatch


def _reader(number: int, **settings: Any) -> tuple[LawReader, str]:
    return LawReader(path=Path(f"in/{number}/data.csv"), cut=3, **settings), "x" * 9


PLAIN = Plan(
    (_reader(0, drop=1), _reader(1, join=True)),
    (LawStep(act="drop", mod=3), LawStep(act="flag"), LawStep(act="edit", mod=5)),
    (LawWriter(path=Path("out/all.jsonl")),),
    "fail",
)
SELECTING = Plan(
    (_reader(0),),
    (LawStep(act="drop", mod=4), LawPick(act="drop", mod=3), LawPick(act="split")),
    (LawWriter(path=Path("out/{split}.jsonl")), OpenAIChat(path=Path("out/b.jsonl"))),
    "drop",
)
SKIPPING = Plan((_reader(0, fault="skips", at=8),), (), (LawWriter(path=Path("out/all.jsonl")),), "fail")
DOUBLING = Plan((_reader(0),), (), (LawWriter(path=Path("out/all.jsonl"), fault="doubles-a-line"),), "fail")
RAISING = Plan((_reader(0),), (LawStep(act="raise", mod=3),), (LawWriter(path=Path("out/all.jsonl")),), "drop")


# --- the faults -------------------------------------------------------------------------------------------------------


def step_forgets_its_drops(patch: Patch) -> None:
    settle = engine.settle
    patch.setattr(engine, "settle", lambda *given, **named: (settle(*given, **named)[0], []))


def step_loses_a_live_row(patch: Patch) -> None:
    settle = engine.settle

    def short(label: str, *given: Any, **named: Any) -> Any:
        live, events = settle(label, *given, **named)
        return (live.head(1), events) if label == "law-step" else (live, events)

    patch.setattr(engine, "settle", short)


def intake_skips_a_row(patch: Patch) -> None:
    intake = engine.intake

    def skipping(*given: Any) -> Iterator[pl.DataFrame]:
        for number, batch in enumerate(intake(*given)):
            yield batch.slice(1) if number == 1 else batch

    patch.setattr(engine, "intake", skipping)


def ledger_loses_a_line(patch: Patch) -> None:
    in_order = ledger.in_order

    def short(frames: Any) -> pl.DataFrame:
        lines = in_order(frames)
        return lines.head(lines.height - 1)

    patch.setattr(ledger, "in_order", short)


def writer_is_handed_one_row_less(patch: Patch) -> None:
    write = Output.write

    def short(self: Output, account: Account, batches: Any, tick: Any) -> Any:
        return write(self, account, (batch.slice(1) if batch.height > 1 else batch for batch in batches), tick)

    patch.setattr(Output, "write", short)


def a_batch_is_written_twice(patch: Patch) -> None:
    write = Output.write

    def twice(self: Output, account: Account, batches: Any, tick: Any) -> Any:
        return write(self, account, (copy for batch in batches for copy in (batch, batch)), tick)

    patch.setattr(Output, "write", twice)


def decisions_are_laid_one_off(patch: Patch) -> None:
    lay = selection.Decisions.lay

    def off(self: selection.Decisions, batch: pl.DataFrame, some: bool = False) -> pl.DataFrame:
        laid = lay(self, batch, some)
        return laid.with_columns(pl.col("drop").shift(1), pl.col("split").shift(1))

    patch.setattr(selection.Decisions, "lay", off)


def owned_records_are_not_checked(patch: Patch) -> None:
    patch.setattr(Fates, "missing", lambda *_: None)
    patch.setattr(Account, "hold", lambda *_: None)


def written_lines_are_not_checked(patch: Patch) -> None:
    patch.setattr(Output, "_miscounted", lambda *_: None)


def lines_are_logged_in_another_order(patch: Patch) -> None:
    events = ledger.events

    def off(batch: pl.DataFrame, stage: str, event: str, *more: Any) -> pl.DataFrame:
        lines = events(batch, stage, event, *more)
        return lines.reverse() if event == "write" else lines

    patch.setattr(ledger, "events", off)


def counts_are_off_by_one(patch: Patch) -> None:
    totals = ledger.totals

    def more(path: Path) -> dict[str, Any]:
        found = totals(path)
        for reasons in found["drop"].values():
            for reason in reasons:
                reasons[reason] += 1
        return found

    patch.setattr(ledger, "totals", more)


def the_second_output_is_not_moved(patch: Patch) -> None:
    publish = Record.publish
    patch.setattr(Record, "publish", lambda self, moves, manifest: publish(self, [*moves[:-2], moves[-1]], manifest))


def guilty_rows_vanish(patch: Patch) -> None:
    step = engine.step

    def silent(*given: Any) -> Any:
        live, events = step(*given)
        return live, [lines.filter(pl.col("reason").ne_missing("LawError")) for lines in events]

    patch.setattr(engine, "step", silent)


def spool_forgets_a_batch(patch: Patch) -> None:
    pick = Frames.pick

    def short(self: Frames, numbers: Any) -> Iterator[pl.DataFrame]:
        frames = list(pick(self, numbers))
        yield from frames[:-1] if isinstance(self, Spool) and len(frames) > 1 else frames

    patch.setattr(Frames, "pick", short)


FAULTS: dict[Callable[[Patch], None], Plan] = {
    step_forgets_its_drops: PLAIN,
    step_loses_a_live_row: PLAIN,
    intake_skips_a_row: PLAIN,
    ledger_loses_a_line: PLAIN,
    writer_is_handed_one_row_less: PLAIN,
    a_batch_is_written_twice: PLAIN,
    decisions_are_laid_one_off: SELECTING,
    owned_records_are_not_checked: SKIPPING,
    written_lines_are_not_checked: DOUBLING,
    lines_are_logged_in_another_order: PLAIN,
    counts_are_off_by_one: PLAIN,
    the_second_output_is_not_moved: SELECTING,
    guilty_rows_vanish: RAISING,
    spool_forgets_a_batch: SELECTING,
}


def without_guards(patch: Patch) -> None:
    """Switch off all that the engine itself holds against the law, at the end of a run and before."""

    def fates(self: Fates, numbers: Any, fate: int, who: str) -> None:
        held = np.zeros(max(len(self._fate), int(numbers.max(initial=0)) + 1), dtype=np.uint8)
        held[: len(self._fate)] = self._fate
        held[numbers] = WRITTEN if self.what == "row" and fate == WRITTEN else fate
        self._fate = held

    patch.setattr(Fates, "set", fates)
    patch.setattr(Fates, "missing", lambda *_: None)
    patch.setattr(Fates, "beyond", lambda *_: None)
    patch.setattr(Account, "balance", lambda *_: None)
    patch.setattr(Account, "hold", lambda *_: None)


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick():
        yield


@pytest.mark.parametrize("plan", [PLAIN, SELECTING, SKIPPING, DOUBLING, RAISING])
def test_without_a_fault_the_pipelines_pass(plan: Plan, tmp_path: Path) -> None:
    assert examine(plan, tmp_path / "run") == ("failed" if plan in (SKIPPING, DOUBLING) else "published")


@pytest.mark.parametrize("guards", [True, False], ids=["guards-on", "guards-off"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(
    fault: Callable[[Patch], None], guards: bool, tmp_path: Path, monkeypatch: Patch
) -> None:
    if not guards:
        without_guards(monkeypatch)
    fault(monkeypatch)
    with pytest.raises(AssertionError) as found:
        examine(FAULTS[fault], tmp_path / "run")
    told = str(found.value) or str(found.traceback[-1].statement)
    assert "Error at" not in told, "the fault is none that was planted, but a crash of it"
    print(f"{fault.__name__}: {told.splitlines()[0][:150]}")


@pytest.mark.parametrize("plan", [PLAIN, SELECTING, RAISING])
def test_the_guards_are_not_what_makes_a_sound_pipeline_pass(plan: Plan, tmp_path: Path, monkeypatch: Patch) -> None:
    without_guards(monkeypatch)
    assert examine(plan, tmp_path / "run") == "published"
    assert flow.record_of(plan.recipe(tmp_path / "run")).manifest.exists()
