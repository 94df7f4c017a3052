"""The systems that are to be compared, as the command line names them: files of answers, and models to be asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ftdata.conversation import Conversation
from ftdata.errors import InputError, RecipeError
from ftdata.evaluation.answers import Answers, answers
from ftdata.evaluation.asking.ask import Asked, Setting, ask
from ftdata.evaluation.asking.examples import examples, unproven
from ftdata.evaluation.asking.systems import System, system
from ftdata.evaluation.comparison import BASE, FEW_SHOT, MAJORITY, TUNED
from ftdata.evaluation.held_out import HeldOut
from ftdata.files import Record

SHOTS = 4
"""Examples that a base is shown, unless --shots says otherwise."""


@dataclass(frozen=True)
class Named:
    """One system: its name in what is told, the word that was given, the model if it is one, examples it is shown."""

    name: str
    word: str
    model: System | None
    shots: int = 0


def line_up(
    tuned: str | None, base: str | None, few_shot: str | None, shots: int | None, beside: Iterable[str] = ()
) -> list[Named]:
    """Read what each system is: a FILE of answers, or the word of a model. Asks nothing yet.

    With `shots` the base is asked a second time, with that many examples; a model given as `few_shot` is asked with
    examples too (4, unless `shots` says otherwise). `beside` are words NAME=FILE or NAME=SYSTEM.

    Raises:
        RecipeError: a word is no system, a name is taken, `shots` has no model to be shown to.
        InputError: a local model is not there.
    """
    found = [Named(name, word, system(word)) for name, word in ((TUNED, tuned), (BASE, base)) if word is not None]
    shown = few_shot if few_shot is not None else base if shots is not None else None
    if shots is not None and shown is None:
        raise RecipeError("--shots: which model is shown the examples? name the base (--base SYSTEM, or --trained)")
    if shown is not None:
        model = system(shown)
        if shots is not None and model is None:
            raise RecipeError(f"--shots: {shown} holds answers, and cannot be asked again; name a model as the base")
        found.append(Named(FEW_SHOT, shown, model, 0 if model is None else SHOTS if shots is None else shots))
    for one in beside:
        name, sign, word = one.partition("=")
        if not sign or not name or name in (TUNED, BASE, FEW_SHOT, MAJORITY) or name in (had.name for had in found):
            raise RecipeError(f"--beside {one}: wants NAME=FILE or NAME=SYSTEM, a name of its own")
        found.append(Named(name, word, system(word)))
    return found


def gathered(
    named: Iterable[Named], held: HeldOut, setting: Setting | None, record: Record | None
) -> list[Answers | Asked]:
    """Read the files, then ask the models; in the order in which they were named.

    Raises:
        RecipeError: a model is to be asked and there is no setting: no folder for its answers.
        InputError: a file does not fit, or examples are wanted and no run is known that they could come from.
        Others: see `ask`.
    """
    named = list(named)
    read = {one.name: answers(one.name, one.word, held.questions) for one in named if one.model is None}
    models = [one for one in named if one.model is not None]
    if models and setting is None:
        raise RecipeError(f"{models[0].word}: is a model to be asked; say where its answers are kept (--answers DIR)")
    shown: list[Conversation] = []
    notes: tuple[str, ...] = ()
    most = max((one.shots for one in models), default=0)
    if most:
        if record is None:
            raise InputError("--shots: the examples are training rows of a run; name the run, not a file of its own")
        shown = examples(record, most, held)
        if len(shown) < most:
            notes += (f"{len(shown)} examples of {most}: no more training rows are fit to be shown",)
        if unproven(record):
            notes += ("the run has not shown that no held-out row is near a training row, so near one of the examples",)
    asked: dict[str, Asked] = {}
    for model in dict.fromkeys(one.model for one in models):  # one that is asked with and without examples: in one go
        assert model is not None and setting is not None
        parts = {one.name: shown[: one.shots] for one in models if one.model == model}
        for got in ask(model, parts, held, setting, record):
            asked[got.system] = replace(got, notes=(*(notes if parts[got.system] else ()), *got.notes))
    return [asked[one.name] if one.name in asked else read[one.name] for one in named]


def of_job(run: str, at: str | None, into: Path) -> tuple[str, str, str | None]:
    """Give base and tuned model of the job of a run, and the Python that it was trained with (None: unknown).

    What else the job left is fetched into a folder. Raises `InputError` if there is no job, or it has not ended well.
    """
    from ftdata.handoff.launch import found

    trainer, state = found(run, at)
    result = trainer.result(state, into)
    python = getattr(trainer, "python", None)
    return result.base, result.tuned, None if python is None else str(python)
