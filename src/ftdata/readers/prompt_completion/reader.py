"""The `prompt-completion` reader: the stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from ftdata.batch import ROWS, Batch, make_batch
from ftdata.errors import InputError
from ftdata.readers.prompt_completion.layouts import Layout
from ftdata.readers.prompt_completion.reading import Reading, Wishes
from ftdata.readers.prompt_completion.survey import Survey
from ftdata.source import Source
from ftdata.stages import Reader, Sniff


def _marks(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _pairs(value: Any) -> Any:
    return tuple((str(key), item) for key, item in value.items()) if isinstance(value, Mapping) else value


Marks = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_marks)]
Roles = Annotated[
    tuple[tuple[str, Literal["user", "assistant", "system"]], ...],
    BeforeValidator(_pairs),
    PlainSerializer(lambda pairs: dict(pairs), return_type=dict),
]


class PromptCompletion(Reader):
    """Read old prompt/completion data (JSONL, JSON, CSV, TSV) without damage, and so that it can be given back.

    One row per record: the prompt is the user's turn, the completion the assistant's. What the old tool added is taken
    off, decided on all rows: a known separator that at least 98 % of the prompts end in, a known stop likewise (`.` is
    kept), the one space before the completion where most begin with one. A row that lacks a mark keeps its text. The
    keys are `prompt` and `completion` in any case; all other keys go to `meta` under their own names, and what a row
    has of its own (another ending, another way of writing) to `meta.legacy`, so that `convert --reverse` gives the file
    back byte for byte. The form of the file is in the manifest, `inputs[].legacy`.

    A record is dropped as `no-prompt`, `no-completion` (its key is missing), `not-text` (a list or object),
    `empty-prompt` (see `when_empty`), `empty-completion`, `not-an-object`, `blank-line`, or with the problem of its
    text (`bad-json`, `not-utf8`, `ragged-row`, …). Flags: `no-separator`, `no-stop` (a row that lacks the mark of the
    others), `separator-inside`, `stop-inside`, `conflicting-completions`, `label-variant`, `no-transcript`,
    `duplicate-key`, `verbatim` (in no known way of writing: kept as it stands), and those that are told as findings.

    Source of the marks and of their thresholds: openai 0.28.1, `validators.py`; published sets.
    """

    name: ClassVar[str] = "prompt-completion"
    ready: ClassVar[bool] = True
    beside: ClassVar[tuple[str, ...]] = ("*",)
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object", "no-prompt", "no-completion", "not-text"})
    warns: ClassVar[Mapping[str, str]] = {
        "mixed-separators": "prompts end in a known separator, but under 98 % of all in the same one: none was taken "
        "off; name those to take off with `separator`",
        "mixed-stops": "completions end in a known stop, but under 98 % of all in the same one: none was taken off; "
        "name those to take off with `stop`",
        "common-prompt-suffix": "all prompts end in the same text, which is no known separator: it was kept; if it is "
        "one, name it with `separator`",
        "common-completion-suffix": "all completions end in the same text, which is no known stop: it was kept; if it "
        "is one, name it with `stop`",
        "constant-prompt-prefix": 'all prompts begin with the same words: they were kept; `prefix = "system"` moves '
        "them to a system message",
        "constant-completion-prefix": "all completions begin with the same words: they were kept",
        "separator-inside": "the separator that was taken off occurs within prompts as well: an application that cuts "
        "there would cut these",
        "stop-inside": "the stop that was taken off occurs within completions as well: the old model would have ended "
        "there",
        "conflicting-completions": "the same prompt has different completions: look at them before training",
        "label-variant": "labels differ from a more frequent one in case or white space only: they were kept apart",
    }

    separator: Marks | None = Field(
        None,
        description="ends of prompts to take off wherever they stand; default: the known one that 98 % of the prompts "
        "end in; an empty list keeps all",
    )
    stop: Marks | None = Field(None, description="ends of completions to take off, likewise")
    prefix: Literal["keep", "system"] = Field(
        "keep", description="what becomes of words (over 12 characters) with which all prompts begin"
    )
    transcript: bool = Field(
        False, description="split prompts at their labels: the one they end with is the assistant's"
    )
    roles: Roles = Field((), description="split prompts at these labels: user, assistant or system")
    merge: bool = Field(
        False,
        description="make one conversation of neighbouring records (up to 8 MB of them) of which each prompt begins "
        "with the one before and its completion",
    )
    when_empty: str | None = Field(None, min_length=1, description="what the user says where the prompt is empty")
    delimiter: str | None = Field(None, description="character between cells; guessed", min_length=1, max_length=1)
    quotechar: str | None = Field('"', description="character around cells; an empty text turns quoting off")

    @field_validator("quotechar")
    @classmethod
    def _quote(cls, value: str | None) -> str | None:
        if value is not None and len(value) > 1:
            raise ValueError('must be one character, or "" for none')
        return value

    @field_validator("roles")
    @classmethod
    def _both(cls, value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        if value and not {"user", "assistant"} <= {role for _, role in value}:
            raise ValueError('must name a label of the user and one of the assistant: { Customer = "user", … }')
        return value

    def reads_meta(self) -> frozenset[str]:
        """A reader reads no meta."""
        return frozenset()

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the source twice: first to look at all rows, uncounted, then to give them."""
        layout = Layout(source, self.delimiter, self.quotechar or None)
        survey = Survey(
            layout,
            self.separator,
            self.stop,
            empties=self.when_empty is not None,
            transcripts=self.transcript and not self.roles,
        )
        for found in layout.records(source.again()):
            if found.number:
                survey.see(found)
                if found.number % ROWS == 0:
                    yield make_batch(0, {})  # whoever wants to stop the run need not wait for the end of the file
        roles: dict[str, str] = dict(self.roles)
        if self.transcript and not roles:
            roles = survey.transcripts.roles()
            if not roles and survey.rows:
                raise InputError(
                    f"{source.name}: no prompt ends with a label such as `Agent:` after a line with another one; "
                    'name the labels: roles = { Customer = "user", Agent = "assistant" }'
                )
        wishes = Wishes(roles, self.prefix == "system", self.merge, self.when_empty)
        yield from Reading(wishes, survey).rows(layout, source)

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know old data by its two keys; show the marks of its first records."""
        from ftdata.readers.prompt_completion.sniffing import sniffed

        return sniffed(source)
