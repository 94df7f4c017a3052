"""A row as a chat template renders it, and which part of that is learnt.

The environment is the one that the library transformers renders in (its `utils/chat_template_utils.py`): an immutable
sandbox with `raise_exception`, `strftime_now`, `tojson` that leaves signs as they are, loop controls, and the block
`{% generation %}` around what a model is to learn.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module, resources
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ftdata.batch import Batch, conversations
from ftdata.conversation import Conversation, Message
from ftdata.errors import RecipeError

SPECIALS = ("bos_token", "eos_token", "unk_token", "pad_token")
DAY = datetime(2026, 1, 1)
"""What a template is told the date is: the same rows give the same tokens on every day."""


class Refused(RecipeError):
    """Say that a chat template does not take a row."""


class Rendered(NamedTuple):
    """What a template makes of a row: the text, and the spans of it that are learnt (first character, last + 1)."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def learnt(self, offsets: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Say of each token, given by its first character and the one after its last, whether a span holds part of it.

        As transformers does: a token that a span shares with its surroundings is learnt.
        """
        found = np.zeros(len(offsets), bool)
        if not len(offsets):
            return found
        for first, last in self.spans:
            found |= (offsets[:, 0] < last) & (offsets[:, 1] > first)
        return found


class Talk(NamedTuple):
    """A row as a template takes it: its sequences of messages (a preference row has two), and what both begin with."""

    sequences: list[list[dict[str, Any]]]
    question: list[dict[str, Any]] | None
    tools: list[Any] | None


@dataclass(frozen=True)
class Template:
    """A chat template: its source, the name to call it by, the special tokens that it may write.

    `marked` says whether it has generation marks. Without them a trainer that is to learn the assistant's part only
    learns nothing, or refuses (TRL raises).
    """

    source: str
    name: str
    specials: Mapping[str, str] = field(default_factory=dict)

    @property
    def marked(self) -> bool:
        """Whether the template says what is learnt."""
        return bool(self._compiled().marked(self.source))

    @classmethod
    def named(cls, name: str, folder: Path | None = None) -> Template:
        """Give the template of a file, or one that is known by name; `folder` of a tokenizer gives special tokens.

        Raises `RecipeError` if there is neither.
        """
        specials = _config(folder)[1] if folder is not None else {}
        known = _known()
        if name in known:
            return cls(known[name], name, specials)
        path = Path(name)
        if not path.is_file():
            told = ", ".join(sorted(known))
            raise RecipeError(f"template: '{name}' is no file and no known template; name a file, or one of {told}")
        try:
            return cls(path.read_text(encoding="utf-8"), path.name, specials)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"template: {name} cannot be read ({type(error).__name__}); name a text file") from None

    @classmethod
    def of(cls, folder: Path) -> Template | None:
        """Give the chat template that lies beside a tokenizer; None if there is none.

        `chat_template.jinja`, else `chat_template` of `tokenizer_config.json` (of several the one named `default`).
        """
        source, specials = _config(folder)
        return None if source is None else cls(source, folder.name, specials)

    def render(
        self, messages: Sequence[Mapping[str, Any]], tools: list[Any] | None = None, now: datetime = DAY
    ) -> Rendered:
        """Render messages; raise `Refused` where the template does not take them, without any text of theirs."""
        sandbox = self._compiled()
        given = {
            **self.specials,
            "messages": list(messages),
            "tools": tools,
            "documents": None,
            "add_generation_prompt": False,
            "strftime_now": now.strftime,
        }
        try:
            return Rendered(*sandbox.render(self.source, given))
        except Exception as error:  # whatever a template may do to its row
            raise Refused(f"template {self.name}: does not take the row: {self._why(error)}") from None

    def _compiled(self) -> ModuleType:
        sandbox = _sandbox()
        try:
            sandbox.compiled(self.source)
        except Exception as error:
            line = getattr(error, "lineno", None)
            place = f", line {line}" if line else ""
            raise RecipeError(f"template {self.name}{place}: is no Jinja template ({type(error).__name__})") from None
        return sandbox

    def _why(self, error: Exception) -> str:
        # The words of a template's own `raise_exception` are shown if they stand in it: others may quote the row.
        told = str(error)
        return told if told and told in self.source else type(error).__name__


def _sandbox() -> ModuleType:
    try:
        return import_module("ftdata.tokens.sandbox")
    except ImportError:
        raise RecipeError("template: to render one needs jinja2; pip install jinja2") from None


@cache
def _known() -> dict[str, str]:
    """Give the templates that come with ftdata, by name."""
    table = tomllib.loads((resources.files("ftdata.tokens") / "templates.toml").read_text(encoding="utf-8"))
    return {name: str(entry["template"]) for name, entry in table.items()}


@cache
def _config(folder: Path) -> tuple[str | None, dict[str, str]]:
    """Read the chat template and the special tokens that lie beside a tokenizer."""
    config: Any = {}
    file = folder / "tokenizer_config.json"
    try:
        if file.is_file():
            config = json.loads(file.read_bytes())
        own = folder / "chat_template.jinja"
        source: Any = own.read_text(encoding="utf-8") if own.is_file() else None
    except (OSError, ValueError) as error:
        raise RecipeError(f"tokenizer: {file} cannot be read ({type(error).__name__}); repair it") from None
    config = config if isinstance(config, dict) else {}
    source = source if source is not None else config.get("chat_template")
    if isinstance(source, list):  # several: [{"name": …, "template": …}]
        named = {one.get("name"): one.get("template") for one in source if isinstance(one, dict)}
        source = named.get("default")
    specials = {}
    for name in SPECIALS:
        token = config.get(name)
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str):
            specials[name] = token
    return source if isinstance(source, str) else None, specials


def rendered(row: Conversation, template: Template | str, now: datetime = DAY) -> Rendered:
    """Render a row by a chat template (a `Template`, the name of one, or its file), with the spans that are learnt.

    Of a preference row the question with the preferred answer. Raises `Refused` where the template does not take the
    row, `RecipeError` if there is no such template.
    """
    made = template if isinstance(template, Template) else Template.named(template)
    talk = _talk(row)
    return made.render(talk.sequences[0], talk.tools, now)


def talks(batch: Batch) -> Iterator[Talk]:
    """Give the rows of a batch as templates take them."""
    return map(_talk, conversations(batch))


def _talk(row: Conversation) -> Talk:
    messages = [_message(message) for message in row.messages or ()]
    if row.rejected is None and row.answer_at is None:
        return Talk([messages], None, row.tools)
    at = row.answer_at if row.answer_at is not None else len(messages)
    question, sequences = messages[:at], [messages]
    if row.rejected is not None:
        sequences.append([*question, *(_message(message) for message in row.rejected)])
    return Talk(sequences, question, row.tools)


def _message(message: Message) -> dict[str, Any]:
    """Give a message as it stands in a training file; text alone in `parts` as the text that it is."""
    given: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.parts is not None:
        texts = [part.get("text") if isinstance(part, dict) else part for part in message.parts]
        plain = all(isinstance(text, str) for text in texts)
        given["content"] = "\n".join(map(str, texts)) if plain else message.parts
    for key in ("name", "tool_calls", "tool_call_id"):
        if (value := getattr(message, key)) is not None:
            given[key] = value
    return given | (message.extra or {})
