"""Asks a system all held-out questions that it has not answered yet, and gives its answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ftdata import files
from ftdata.conversation import Conversation
from ftdata.errors import RecipeError
from ftdata.evaluation.answers import Answers, Usage
from ftdata.evaluation.asking import endpoint, local, prompts
from ftdata.evaluation.asking.prompts import Prompt
from ftdata.evaluation.asking.sending import Consent, let_out
from ftdata.evaluation.asking.store import EMPTY, Answer, Store
from ftdata.evaluation.asking.systems import Remote, System, digest
from ftdata.evaluation.held_out import HeldOut
from ftdata.files import Record
from ftdata.wording import counted

FORM = 1
"""The way in which prompts are written and answers read; another number, and all are asked anew."""


@dataclass(frozen=True)
class Setting:
    """How models are asked. `most`: tokens of an answer (None: from the right answers); `python`, `batch`: of local
    models; `tell` hears after each answer how many of how many there are."""

    folder: Path
    most: int | None = None
    python: str | None = None
    batch: int = local.BATCH
    consent: Consent = field(default_factory=Consent)
    tell: Callable[[str, int, int], None] = lambda name, done, all: None


@dataclass(frozen=True)
class Asked:
    """What asking a system came to: its answers, how many are new, and of all how many are empty, cut, left out."""

    system: str
    word: str
    answers: Answers
    questions: int
    new: int
    empty: dict[str, int]
    cut: int
    too_long: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float | None
    examples: int = 0
    most: int = 0
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Tell it."""
        kept = self.answers.given - self.new
        what = f"{self.system}: {self.word}"
        if self.examples:
            what += f", with {counted(self.examples, 'example')}"
        what += f": {counted(self.questions, 'question')}, {self.new:,} asked, {kept:,} from the cache"
        pace = "" if self.seconds is None else f", {self.seconds:.2f} s an answer"
        yield f"{what}; {self.prompt_tokens:,} tokens read, {self.completion_tokens:,} written{pace}"
        for reason, count in self.empty.items():
            yield f"{self.system}: {counted(count, 'answer')} empty ({_EMPTY[reason]})"
        if self.cut:
            yield f"{self.system}: {counted(self.cut, 'answer')} cut at {self.most:,} tokens (--max-tokens)"
        if self.too_long:
            yield f"{self.system}: {counted(self.too_long, 'question')} too long for the model, not asked"
        for note in self.notes:
            yield f"{self.system}: {note}"

    def as_json(self) -> dict[str, Any]:
        """Give it as values, without the answers."""
        names = ("system", "word", "questions", "new", "examples", "empty", "cut", "too_long")
        counts = ("prompt_tokens", "completion_tokens", "seconds", "notes")
        held = {name: getattr(self, name) for name in (*names, *counts)}
        return held | {"cached": self.answers.given - self.new, "max_tokens": self.most, "temperature": 0}


def folder(path: Path) -> Path:
    """Give the folder for answers, made where it is new, and then private.

    Raises `RecipeError` for one in a run's record, which holds no texts.
    """
    if ".ftdata" in Path(os.path.abspath(path)).parts:
        raise RecipeError(f"--answers {path}: a run's record holds no texts; name a folder of your own")
    if not path.is_dir():
        files.private_folder(path)
    return path


_EMPTY = {
    "filtered": "the vendor's filter",
    "refused": "the model refused",
    "called": "the model called a tool",
}


def ask(
    system: System,
    parts: Mapping[str, Sequence[Conversation]],
    held: HeldOut,
    setting: Setting,
    record: Record | None = None,
) -> list[Asked]:
    """Ask a system the questions that the folder holds no answer to: once for each of `parts`, in one go.

    A part is the name under which it is told of, and the examples that it is shown before each question. Answers are
    kept as they come: whatever stops this, the next start goes on from there. A question, model, adapter or setting
    that changed is asked anew.

    Raises:
        RefusedError: the questions may not leave (`sending.py`).
        LockedError: another process asks the same model.
        PluginError, RecipeError: a package or the interpreter is missing.
        VendorError: the model failed or refused; what it answered before is kept.
    """
    most = prompts.most_tokens(held) if setting.most is None else setting.most
    asked = {name: [prompts.prompt(one, shown) for one in held.questions] for name, shown in parts.items()}
    wanted = {one.key: one for all_ in asked.values() for one in all_}
    store = Store(setting.folder, _name(system, most))
    there, left = _known(store, wanted)
    fresh: set[str] = set()
    notes: tuple[str, ...] = ()
    if left:
        asker = _asker(system, most, setting)
        sent = let_out(system, left, record, setting.consent) if isinstance(system, Remote) else None
        with store.adding() as add:
            there, left = _known(store, wanted)
            if sent is not None:
                store.note(sent)
            done = len(there)
            with closing(asker.ask(left)) as given:
                for one in given:
                    done += 1
                    if one is not None:
                        add(one)
                        there[one.key] = one
                        fresh.add(one.key)
                    setting.tell(" and ".join(parts), done, len(wanted))
        notes = asker.notes
    return [
        replace(_asked(name, system.word, mine, there, fresh), examples=len(parts[name]), most=most, notes=notes)
        for name, mine in asked.items()
    ]


def _known(store: Store, wanted: Mapping[str, Prompt]) -> tuple[dict[str, Answer], list[Prompt]]:
    """Give the answers that are kept, and the prompts that have none."""
    there = {key: one for key, one in store.read().items() if key in wanted}
    return there, [one for key, one in wanted.items() if key not in there]


def _asker(system: System, most: int, setting: Setting) -> endpoint.Asker | local.Asker:
    if isinstance(system, Remote):
        return endpoint.Asker(system, most)
    return local.Asker(system, most, setting.python, setting.batch)


def _name(system: System, most: int) -> str:
    """Give the name of a system's file: readable, and its own for each model, setting and form of prompt."""
    kind = "remote" if isinstance(system, Remote) else "local"
    setting = {"max_tokens": most, "temperature": 0, "form": FORM}
    return f"{system.slug}-{digest(kind, system.identity, setting)}"


def _asked(name: str, word: str, asked: list[Prompt], there: Mapping[str, Answer], fresh: set[str]) -> Asked:
    found = [there.get(one.key) for one in asked]
    given = [one for one in found if one is not None]
    usage = tuple(
        None if one is None else Usage(one.prompt_tokens, one.completion_tokens, one.seconds) for one in found
    )
    paces = [one.seconds for one in given if one.seconds is not None]
    counts = {reason: sum(one.finish == reason for one in given) for reason in EMPTY}
    return Asked(
        name,
        word,
        Answers(name, tuple(None if one is None else one.text for one in found), usage),
        questions=len(asked),
        new=sum(one.key in fresh for one in asked),
        empty={reason: count for reason, count in counts.items() if count},
        cut=sum(one.finish == "length" for one in given),
        too_long=len(found) - len(given),
        prompt_tokens=sum(one.prompt_tokens or 0 for one in given),
        completion_tokens=sum(one.completion_tokens or 0 for one in given),
        seconds=sum(paces) / len(paces) if paces else None,
    )
