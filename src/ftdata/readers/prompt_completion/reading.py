"""The second pass over an old file: rows, each proved against the text of its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import msgspec

from ftdata.batch import TEXT, Batch, dumps
from ftdata.jsontext import parse
from ftdata.readers.prompt_completion.form import headings, opened, places
from ftdata.readers.prompt_completion.gather import Gathered
from ftdata.readers.prompt_completion.layouts import Found, Layout
from ftdata.readers.prompt_completion.markers import cut
from ftdata.readers.prompt_completion.styles import json_style
from ftdata.readers.prompt_completion.survey import Sides, Survey, sides, variants
from ftdata.readers.prompt_completion.turns import Splitter, around, growth
from ftdata.source import Limits, Source

_LIMITS = Limits()
# Marks that say how the texts of a record follow from its turns: needed even where the record is kept as it stands,
# since the next one of its conversation begins with them.
_TEXTUAL = frozenset(
    {"turns", "joined", "headers", "split", "prefix", "separator", "space", "stop", "prompt", "completion"}
)


class Wishes(NamedTuple):
    """What the user asked for: labels with their roles, the prefix as a system message, merging, words for nothing."""

    roles: Mapping[str, str]
    system: bool
    merge: bool
    when_empty: str | None


@dataclass
class _Piece:
    """One record on its way: its texts without their marks, its other values as JSON text, what it has of its own."""

    found: Found
    prompt: str
    answer: str
    extra: dict[str, Any]
    own: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)


class Reading:
    """The second pass: rows, each proved against the text of its records."""

    def __init__(self, wishes: Wishes, survey: Survey) -> None:
        self._wishes, self._survey = wishes, survey
        self._prefix = survey.prefix() if wishes.system else ""
        self._form = survey.form(wishes.roles, self._prefix)
        self._splitter = Splitter(wishes.roles) if wishes.roles else None
        self._separators, self._stops = survey.prompts.cutter(), survey.completions.cutter()
        self._conflicts = survey.conflicts()
        self._labels = survey.labels(self._form)
        self._variants = variants(self._labels)
        self._everywhere = survey.everywhere(bool(self._prefix))
        self._mixed = survey.prompts.mixed, survey.completions.mixed
        self._out = Gathered()
        self._quickly = self._is_plain()
        self._prompt_first = places(self._form.keys)[0] == 0
        self._started = False
        self._own = self._verbatim = self._merged = 0

    def rows(self, layout: Layout, source: Source) -> Iterator[Batch]:
        """Give the rows, and tell the source the form of the file."""
        chain: list[_Piece] = []
        held = 0
        for found in layout.records(source):
            if not found.number:
                self._form.tail = found.before
                break
            if self._quickly and self._quick(found, found.number - source.first):
                if self._out.full:
                    yield self._out.batch()
                continue
            piece = self._piece(found, found.number - source.first)
            if isinstance(piece, str):
                self._out.add([found.number], [], drop=piece, note=found.note)
            elif not self._wishes.merge:
                self._single(piece)
            else:
                if chain and not (held < TEXT and self._grows(chain[-1], piece)):
                    self._give(chain)
                    chain, held = [], 0
                chain.append(piece)
                held += len(found.raw)
            if self._out.full:
                yield self._out.batch()
        if chain:
            self._give(chain)
        if len(self._out):
            yield self._out.batch()
        source.legacy = self._told()

    # --- one record ---------------------------------------------------------------------------------------------------

    def _is_plain(self) -> bool:
        """Say whether most records are nothing but two texts in the file's style, for the quick way."""
        form = self._form
        return (
            len(form.keys) == 2
            and (form.prompt, form.completion) == ("text", "text")
            and len(self._separators) < 2
            and len(self._stops) < 2
            and not (self._prefix or self._splitter or self._wishes.merge or any(self._mixed))
        )

    def _quick(self, found: Found, place: int) -> bool:
        """Give a record as a row if it is nothing but two texts with the marks of the file, and in its style."""
        form, value = self._form, found.value
        if len(value) != 2 or found.before != form.between or not self._started or self._conflicts[place]:
            return False
        one, other = value.values()
        if one.__class__ is not str or other.__class__ is not str:
            return False
        if form.style.render(form.keys, (one, other)) != found.raw:  # the keys are the same, too, then
            return False
        prompt, answer = (one, other) if self._prompt_first else (other, one)
        separator, stop = form.separator, form.stop
        if not prompt.endswith(separator) or not answer.endswith(stop):
            return False
        prompt, answer = prompt[: len(prompt) - len(separator)], answer[: len(answer) - len(stop)]
        if form.space:
            if answer[:1] != " ":
                return False
            answer = answer[1:]
        if (
            not prompt.strip()
            or not answer.strip()
            or (separator and separator in prompt)
            or (stop and stop in answer)
            or answer in self._variants
        ):
            return False
        self._out.pair(found.number, prompt, answer, self._everywhere)
        return True

    def _piece(self, found: Found, place: int) -> _Piece | str:
        """Take the marks off a record, or give the reason why it is dropped."""
        told = found.problem or sides(found)
        if isinstance(told, str):
            return told
        form, own = self._form, dict[str, Any]()
        prompt, answer, separator, stop, space = told.prompt, told.completion, "", "", False
        prompt_is = told.prompt_is
        if prompt_is == "text":
            separator = cut(prompt, self._separators)
            prompt = prompt[: len(prompt) - len(separator)]
            if not prompt.strip():
                prompt_is = "empty" if not prompt else prompt_is
        if told.completion_is == "text":
            stop = cut(answer, self._stops)
            answer = answer[: len(answer) - len(stop)]
            if form.space and answer[:1] == " ":
                answer, space = answer[1:], True
        if not answer.strip():
            return "empty-completion"
        if not prompt.strip() and (self._wishes.when_empty is None or prompt_is == "text"):
            return "empty-prompt"
        if separator != form.separator:
            own["separator"] = separator
        if told.completion_is == "text":
            if stop != form.stop:
                own["stop"] = stop
            if space != form.space:
                own["space"] = space
        if prompt_is != form.prompt:
            own["prompt"] = prompt_is
        if (told.completion_is == "json") != (form.completion == "json"):
            own["completion"] = told.completion_is if told.completion_is == "json" else "text"
        keys = tuple(found.value)
        if keys != form.keys:
            own["keys"] = list(keys)
        if not self._started:
            self._started, form.head = True, found.before
        elif found.before != form.between:
            own["before"] = found.before
        extra: dict[str, Any] = {}
        if len(keys) > 2:
            extra = self._extra(found)
        flags = self._flags(told, prompt, separator, answer, stop, place)
        return _Piece(found, prompt, answer, extra, own, flags)

    def _extra(self, found: Found) -> dict[str, Any]:
        """Give the other values of a record as JSON text, as they are written."""
        mine = places(tuple(found.value))
        raw: Mapping[str, Any] = opened(found.raw) if self._form.layout != "csv" else {}
        return {
            key: raw[key] if raw else dumps(value).encode()
            for at, (key, value) in enumerate(found.value.items())
            if at not in mine
        }

    def _flags(self, told: Sides, prompt: str, separator: str, answer: str, stop: str, place: int) -> list[str]:
        """Give the flags of a record: told as it stands, and its texts without their marks."""
        form, answered = self._form, told.completion_is == "text"
        found = {
            "no-separator": form.separator and not separator and told.prompt_is == "text",
            "separator-inside": separator and separator in prompt,
            "no-stop": form.stop and not stop and answered,
            "stop-inside": stop and stop in answer,
            "mixed-separators": self._mixed[0] and told.prompt.endswith(self._mixed[0]),
            "mixed-stops": self._mixed[1] and answer.endswith(self._mixed[1]),
            "conflicting-completions": self._conflicts[place],
            "label-variant": answer in self._variants,
        }
        return [*(flag for flag, holds in found.items() if holds), *self._everywhere]

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _single(self, piece: _Piece) -> None:
        """Give a record as a row of its own."""
        form, own = self._form, piece.own
        turns = [*self._asked(piece), ("assistant", piece.answer)]
        self._prove(piece, partial(form.record, turns, own, piece.extra))
        self._add([piece], turns, own, piece.extra)

    def _prove(self, piece: _Piece, written: Callable[[], str]) -> None:
        """Hold a record as it would be written against its text, and note how else it is: in a style of its own, or in
        none."""
        own, raw = piece.own, piece.found.raw
        if written() == raw:
            return
        if self._form.layout != "csv":
            if parse(raw.encode(), _LIMITS).duplicate:
                piece.flags.append("duplicate-key")
            style = json_style(raw)
            if style is not None:
                own["style"] = style.dump()
                if written() == raw:
                    return
        for name in [name for name in own if name != "before"]:
            if name not in _TEXTUAL:
                del own[name]
        own["verbatim"] = raw
        piece.flags.append("verbatim")
        self._verbatim += 1

    def _asked(self, piece: _Piece) -> list[tuple[str, str]]:
        """Give the turns of a prompt: one, or those of its transcript, with a system message before where asked for."""
        own, prompt = piece.own, piece.prompt
        if own.get("prompt", self._form.prompt) in ("empty", "null"):
            return [("user", self._wishes.when_empty or "")]
        turns = []
        if self._prefix:
            if prompt.startswith(self._prefix) and prompt[len(self._prefix) :].strip():
                turns.append(("system", self._prefix.rstrip()))
                prompt = prompt[len(self._prefix) :]
            else:
                own["prefix"] = False
        if self._splitter is None:
            return [*turns, ("user", prompt)]
        split = self._splitter.split(prompt)
        if split is None:
            own["split"] = False
            piece.flags.append("no-transcript")
            return [*turns, ("user", prompt)]
        # What stands before a turn for the first time is what the file is taken to have there.
        usual = [self._form.headers.setdefault(n, h) for n, h in zip(headings(split.turns), split.headers, strict=True)]
        if usual != split.headers:
            own["headers"] = split.headers
        return [*turns, *split.turns]

    def _grows(self, last: _Piece, piece: _Piece) -> bool:
        """Say whether a record goes on where the last one ended, and note how."""
        if piece.own.get("prompt", self._form.prompt) != "text" or last.own.get("prompt", self._form.prompt) != "text":
            return False
        grown = growth(self._form, last.prompt, last.answer, last.own, piece.prompt)
        if grown is None:
            return False
        last.own["joined"], rest = grown
        split = self._splitter.split(rest) if self._splitter else None
        if self._splitter and split is None:
            piece.flags.append("no-transcript")
        turns, headers = split or around(rest)
        piece.own |= {"prefix": False, "split": True, "headers": headers, "turns": len(turns)}
        piece.own["rest"] = turns
        return True

    def _give(self, chain: list[_Piece]) -> None:
        """Give the records of one conversation as one row."""
        if len(chain) == 1:
            self._single(chain[0])
            return
        turns: list[tuple[str, str]] = []
        for piece in chain:
            asked = piece.own.pop("rest", None) or self._asked(piece)
            piece.own["turns"] = len(asked)
            turns += [*asked, ("assistant", piece.answer)]
            if piece is not chain[-1] and piece.extra:
                # As text, so that no number in it is computed.
                piece.own["extra"] = _text({key: msgspec.Raw(bytes(text)) for key, text in piece.extra.items()})
        owns = [piece.own for piece in chain]
        for piece, (_, prompt, completion) in zip(chain, self._form.parted(turns, owns), strict=True):
            self._prove(piece, partial(self._form.written, prompt, completion, piece.own, piece.extra))
        self._merged += len(chain) - 1
        self._add(chain, turns, {"merged": owns}, chain[-1].extra, f"{len(chain)} records")

    def _meta(self, own: Mapping[str, Any], extra: Mapping[str, Any]) -> str | None:
        """Give the meta of a row as JSON text."""
        held = {key: msgspec.Raw(bytes(text)) for key, text in extra.items()}
        if own:
            held[self._form.key] = msgspec.Raw(_text(own).encode())
        return _text(held) if held else None

    def _add(
        self,
        chain: list[_Piece],
        turns: list[tuple[str, str]],
        own: Mapping[str, Any],
        extra: Mapping[str, Any],
        note: str | None = None,
    ) -> None:
        self._own += bool(own)
        self._out.add(
            [piece.found.number for piece in chain],
            turns,
            meta=self._meta(own, extra) if own or extra else None,
            flags=dict.fromkeys(flag for piece in chain for flag in piece.flags),
            note=note,
        )

    # --- the manifest -------------------------------------------------------------------------------------------------

    def _told(self) -> dict[str, Any]:
        """Give what the manifest keeps: the form of the file and counts; no text of any row but marks and labels."""
        from ftdata.account import scrubbed

        counts = {**self._survey.counts(), "own": self._own, "verbatim": self._verbatim, "merged": self._merged}
        told = {**self._form.dump(), "task": self._survey.task, "counts": counts}
        if self._labels:
            labels: Counter[str] = Counter()
            for label, count in self._labels.items():
                # What one row alone says is its text: such are counted together.
                labels[scrubbed(label) if count > 1 or label in self._variants else ""] += count
            told["labels"] = dict(labels)
        if self._wishes.roles:
            told["roles"] = dict(self._wishes.roles)
        return told


def _text(value: Any) -> str:
    """Give JSON text; what is raw in it stays as it is."""
    return msgspec.json.encode(value).decode()
