"""What the training rows of a run give an evaluation: examples for the prompt of a base, and the most common answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ftdata import rows, runs
from ftdata.batch import conversations
from ftdata.conversation import Conversation, Message
from ftdata.errors import FtdataError, InputError
from ftdata.evaluation.asking.prompts import INSTRUCT, written
from ftdata.evaluation.asking.systems import digest
from ftdata.evaluation.held_out import HeldOut
from ftdata.files import Record

_TRAIN = "train"


def run_of(what: str) -> Record | None:
    """Give the record of the RUN that is meant, or of the run that wrote the file; None where no run is known."""
    if what == "-" or what.startswith("/dev/"):
        return None
    try:
        return runs.find(what)
    except FtdataError:
        return None


def trained(record: Record) -> rows.Place:
    """Give the files with the training rows of a run.

    Raises `InputError` if it wrote no split `train`, or a file is gone.
    """
    manifest = runs.latest(record)
    mine = tuple(file for file in rows.outputs(record, manifest) if file[1] == _TRAIN)
    if not mine:
        raise InputError(f"{record.name}: the run has no split train; add a step split")
    gone = [path for path, _ in mine if not path.is_file()]
    if gone:
        raise InputError(f"{gone[0]}: was written by the run and is gone; run the recipe again")
    return rows.Place(mine, record, manifest)


def examples(record: Record, count: int, held: HeldOut) -> list[Conversation]:
    """Pick at most `count` training rows to show a base, as `ftdata advise --few-shot` does: the same ones always.

    They are unlike each other, hold nothing private, and cover the labels as far as `count` goes. A row that asks what
    a held-out row asks is never among them.

    Raises `InputError` if the run has no training rows, or none is fit to be shown.
    """
    from ftdata.advice.few_shot import few_shot
    from ftdata.advice.measure import measure
    from ftdata.advice.reading import held as spooled

    trained(record)  # or say what is wrong
    asked = {_asks(one.messages) for one in held.questions}
    with spooled(str(record.manifest)) as training:
        found = few_shot(measure(training), 2 * count)
    fit = [one for one in found if _asks((one.messages or ())[:-1]) not in asked]
    if not fit:
        raise InputError(f"{record.name}: no training row is fit to be an example; ask without --shots")
    return [one.model_copy(update={"meta": None, "extra": None}) for one in fit[:count]]


def unproven(record: Record) -> bool:
    """Say whether it is unknown that no held-out row is near a training row: the step `split` did not find it so."""
    told = [stage.summary.get("leaks") for stage in runs.latest(record).stages if stage.use == "split"]
    return not told or not isinstance(told[-1], dict) or told[-1].get("after") != 0


def most_common(record: Record) -> str | None:
    """Give the most common answer of the training rows of a run, the first of several; None: it has none."""
    counts: Counter[str] = Counter()
    try:
        training = trained(record)
    except InputError:
        return None
    for batch in rows.every(training):
        for one in conversations(rows.live(batch)):
            last = one.messages[-1] if one.messages else None
            if last is not None and last.role == "assistant" and last.content and last.content.strip():
                counts[last.content.strip()] += 1
    return counts.most_common(1)[0][0] if counts else None


def _asks(messages: Sequence[Message]) -> str:
    """Give a digest of what is asked, whatever the system message."""
    turns = [written(one) for one in messages if one.role not in INSTRUCT]
    return digest([[turn["role"], turn.get("content"), turn.get("tool_calls")] for turn in turns])
