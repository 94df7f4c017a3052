"""What a dialect says of a help desk's exports: one TOML file, no code.

A dialect has shapes: one for each file or document that the desk gives out. A shape says how it is recognised, where
its messages stand, who wrote them, who may read them, and what of the ticket goes into `meta`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from ftdata import tomltext
from ftdata.errors import RecipeError
from ftdata.readers.words import FALSE, TRUE
from ftdata.wording import hint

Level = Literal["F", "C", "D", "K"]
"""What is known of a format: `F` real files, `C` an exporter's source, `D` documents, `K` hearsay."""

_REASON = re.compile(r"[a-z]+(?:-[a-z]+)*")


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str | bool | int) else value


def _label(value: Any) -> str:
    """Give a value as it is compared: lower case, `true` and `false`, whole numbers without a point, null as ""."""
    if value.__class__ is str:
        return str(value).strip().casefold()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return "\0"


label = _label
YES, NO = "\0yes", "\0no"
"""A yes or no in a rule: whatever is there and does not say the opposite counts."""
_TRUTHS = {True: tuple(sorted(TRUE)), False: tuple(sorted(FALSE))}


def _labels(value: Any) -> Any:
    value = _several(value)
    if not isinstance(value, list | tuple):
        return value
    return tuple(label for item in value for label in (_TRUTHS[item] if isinstance(item, bool) else (_label(item),)))


def _tests(value: Any) -> Any:
    value = _several(value)
    if not isinstance(value, list | tuple):
        return value
    return tuple((YES if item else NO) if isinstance(item, bool) else _label(item) for item in value)


def _folded(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    found = {_label(key): item for key, item in value.items()}
    for truth, labels in _TRUTHS.items():
        if (told := _label(truth)) in found:
            found = dict.fromkeys(labels, found[told]) | found
    return found


def _reason(value: str) -> str:
    if not _REASON.fullmatch(value):
        raise ValueError(f"{value!r} is no reason; write small words joined by hyphens, such as private-note")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error.msg}") from None
    return value


Paths = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""Where a value stands: keys joined by dots, or a column; the first that holds something counts."""
Values = Annotated[tuple[str, ...], BeforeValidator(_labels)]
"""Values of a field, compared without case; `*` at either end of one stands for anything, `*` alone for any value.

`true` and `false` stand for all ways to write them: `yes`, `1`, `sim` ...
"""
Tests = Annotated[tuple[str, ...], BeforeValidator(_tests)]
"""Values that a rule asks for; `true` means whatever does not say no, `false` whatever does not say yes."""
Reason = Annotated[str, Field(min_length=1)]
Role = Literal["user", "assistant", "bot", "system", "private", "drop"]


class Part(BaseModel):
    """Base of the parts of a dialect."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Rule(Part):
    """What is left out: all of `when` must hold."""

    when: dict[str, Tests] = Field(description="path to the values that it must have", min_length=1)
    reason: Reason = Field(description="reason to leave it out")

    _check = field_validator("reason")(_reason)


COPIED = (
    Rule(when={"_fivetran_deleted": True}, reason="deleted"),
    Rule(when={"_ab_cdc_deleted_at": "*"}, reason="deleted"),
    Rule(when={"_sdc_deleted_at": "*"}, reason="deleted"),
    Rule(when={"_fivetran_active": False}, reason="history"),
)
"""How a copy of a desk's tables marks what was deleted there, and old versions (Fivetran, Airbyte, Stitch [D])."""


class Visibility(Part):
    """Who may read a message: what is neither `public` nor `private` is left out as `unknown-visibility`."""

    path: Paths = Field(description="where it stands; of several, one private value is enough")
    public: Values = Field(description="values that mean public")
    private: Values = Field((), description="values that mean private")

    @model_validator(mode="after")
    def _apart(self) -> Visibility:
        if both := sorted({*self.public} & {*self.private}):
            raise ValueError(f"cannot mean both public and private: {', '.join(both)}")
        return self


class Kind(Part):
    """The kinds of messages: only `message` may become a turn; a kind that is not listed is `unknown-kind`."""

    path: Paths = Field(description="where the kind stands")
    values: Annotated[dict[str, str], BeforeValidator(_folded)] = Field(
        description="kind to `message`, or to the reason to leave it out"
    )
    missing: str = Field("unknown-kind", description="what a message without a kind is: `message` or a reason")

    @field_validator("values")
    @classmethod
    def _reasons(cls, values: dict[str, str]) -> dict[str, str]:
        return {key: _reason(value) for key, value in values.items()}

    _check = field_validator("missing")(_reason)


class Who(Part):
    """What a field says of the author: its values mean a role."""

    path: Paths = Field(description="where it stands")
    values: Annotated[dict[str, Role], BeforeValidator(_folded)] = Field(description="value to role")


class Body(Part):
    """Where a text stands, and how it is written."""

    path: str = Field(description="where it stands")
    format: Literal["text", "html", "auto", "wiki", "adf", "markdown"] = Field(
        "text", description="`auto` is HTML where it has tags; `wiki` and `adf` are Jira's markups"
    )
    trimmed: bool = Field(False, description="the desk has cut quotes from it; not taken where quotes are kept")


class Saying(Part):
    """A message: where its text, author, time and role stand, and what keeps it out."""

    ticket: Paths = Field((), description="the ticket's id, where messages stand in a list of their own")
    author: Paths = Field((), description="the author's id")
    names: Paths = Field((), description="what else the author is called: name, e-mail address")
    body: tuple[Body, ...] = Field(description="the text, in order of preference", min_length=1)
    time: Paths = Field((), description="ISO text, or seconds or milliseconds since 1970")
    sequence: Paths = Field((), description="a number that orders messages of one moment")
    kind: Kind | None = Field(None, description="the kinds of messages")
    visibility: Visibility | None = Field(None, description="who may read it")
    always_public: str | None = Field(None, description="why no field says who may read it")
    drop: tuple[Rule, ...] = Field((), description="what else is left out")
    role: tuple[Who, ...] = Field((), description="what says who speaks; the first that knows decides")
    others: Literal["user", "assistant"] | None = Field(None, description="who is meant where no value tells the role")
    channel: Paths = Field((), description="by which channel it came; default: the ticket's")

    @model_validator(mode="after")
    def _gated(self) -> Saying:
        if self.visibility is None and self.kind is None and self.always_public is None:
            raise ValueError(
                "nothing says who may read a message: give `visibility`, or `kind` with those that are private, or "
                "`always_public` with the reason why none is private"
            )
        return self


class Noted(Part):
    """A value for `meta`, with what its codes mean."""

    path: Paths
    values: Annotated[dict[str, str], BeforeValidator(_folded)] = {}


def _noted(value: Any) -> Any:
    return {"path": value} if isinstance(value, str | list | tuple) else value


class Ticket(Part):
    """What is known of a ticket."""

    id: Paths = Field((), description="its id, by which messages name it")
    requester: Paths = Field((), description="id of who asked: a user")
    assignee: Paths = Field((), description="ids of who answers: assistants")
    drop: tuple[Rule, ...] = Field((), description="tickets that are never read, with the reason")
    channel: Paths = Field((), description="by which channel it came")
    mail: Values = Field((), description="the channels that are e-mail: quotes and signatures are cut there")
    meta: dict[str, Annotated[Noted, BeforeValidator(_noted)]] = Field({}, description="name in `meta` to path")

    @field_validator("meta")
    @classmethod
    def _names(cls, meta: dict[str, Noted]) -> dict[str, Noted]:
        for name in meta:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"{name!r} is no name for meta; write small letters, such as solved_at")
            if name in ("time", "author"):
                raise ValueError(f"{name} is of the first message; it needs no path here")
        return meta


class Users(Part):
    """A list of people, by which authors are known."""

    id: Paths = Field(description="the person's id")
    names: Paths = Field((), description="name and e-mail address")
    role: tuple[Who, ...] = Field(description="what says who is an agent")


class Entries(Part):
    """Messages that stand as text inside a cell of the ticket: `pattern` opens each, its text follows."""

    path: Paths = Field(description="the cells, of the first of these that is filled; all of a column that repeats")
    pattern: str = Field(description="regular expression with the groups time, author, kind")

    @field_validator("pattern")
    @classmethod
    def _groups(cls, pattern: str) -> str:
        found = set(re.compile(_pattern(pattern)).groupindex)
        if found - {"time", "author", "kind"}:
            raise ValueError("its groups may be time, author and kind")
        return pattern


class Shape(Part):
    """One file or document that a desk gives out."""

    kind: Literal["tickets", "messages", "users", "metadata"] = Field(
        description="what its records are; `metadata` holds no message and is refused"
    )
    title: str = Field(description="what it is, as a user would say it: `a Zendesk ticket comments table`")
    evidence: Level | None = Field(None, description="what is known of it; default: the dialect's level")
    lists: tuple[str, ...] = Field((), description="keys under which a document holds the list, besides a bare array")
    wraps: tuple[str, ...] = Field((), description="keys under which a document holds one object")
    keys: tuple[str, ...] = Field((), description="keys by which it is recognised, all of them; `a|b`: one of these")
    lacks: tuple[str, ...] = Field((), description="keys that it has not")
    columns: tuple[str, ...] = Field((), description="columns by which a table is recognised, in any language")
    enough: int = Field(0, description="how many of `columns` must be there", ge=0)
    messages: tuple[str, ...] = Field((), description="lists of messages inside a ticket")
    entries: Entries | None = Field(None, description="messages inside cells of the ticket")
    ticket: Ticket = Field(Ticket(), description="what is known of the ticket")
    first: Saying | None = Field(None, description="the ticket's own text, where it is the first message")
    message: Saying | None = Field(None, description="the messages")
    users: Users | None = Field(None, description="the people")
    beside: bool = Field(False, description="the messages stand in a file of their own")
    holder: Reason = Field("metadata", description="reason for a record that holds no message which is kept")
    advice: str = Field("", description="what to export instead, or besides")

    _check = field_validator("holder")(_reason)

    @model_validator(mode="after")
    def _whole(self) -> Shape:
        wrong = []
        if not self.keys and not self.columns:
            wrong.append("nothing to recognise it by: give `keys` (JSON) or `columns` with `enough` (a table)")
        if bool(self.columns) != bool(self.enough) or self.enough > len(self.columns):
            wrong.append("`enough` must say how many of `columns` must be there")
        needs = {"tickets": "ticket", "messages": "message", "users": "users", "metadata": "advice"}[self.kind]
        if not getattr(self, needs) or (needs == "ticket" and not self.ticket.id):
            wrong.append(f"{self.kind} need `{needs}`" + (" with its `id`" if needs == "ticket" else ""))
        if (self.messages or self.entries) and self.message is None:
            wrong.append("there are messages inside, but no `message` says how to read them")
        if self.kind == "messages" and self.message is not None and not self.message.ticket and not self.messages:
            wrong.append("`message.ticket` must say to which ticket a message belongs")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Dialect(Part):
    """The exports of one help desk."""

    name: str = Field("", description="its name; that of the file")
    title: str = Field(description="the help desk's name")
    evidence: Level = Field(description="what is known of its exports")
    sources: tuple[str, ...] = Field(description="where that was read", min_length=1)
    checked: date = Field(description="when")
    shape: tuple[Shape, ...] = Field(description="its files and documents", min_length=1)
    boilerplate: tuple[str, ...] = Field((), description="texts of the desk itself, in any shape (regular expressions)")

    @field_validator("boilerplate")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_pattern, patterns))


# --- loading ----------------------------------------------------------------------------------------------------------


def parse(text: str, name: str, place: str) -> Dialect:
    """Read a dialect from TOML; raise `RecipeError` with all its mistakes, each with its place."""
    try:
        data = tomltext.loads(text)
    except tomltext.TOMLDecodeError as error:
        raise RecipeError(f"{place}: is no TOML: {error}") from None
    named_values = data.pop("values", {})
    wrong: list[str] = []
    shapes = data.get("shape", [])
    for number, shape in enumerate(shapes if isinstance(shapes, list) else [], 1):
        _fill_in(shape, named_values if isinstance(named_values, dict) else {}, f"shape: {number}", wrong)
    try:
        dialect = Dialect.model_validate({**data, "name": name})
    except ValidationError as error:
        wrong += _lines(error)
    if wrong:
        raise RecipeError(*(f"{place}: {line}" for line in wrong))
    return dialect


def _fill_in(part: Any, named_values: Mapping[str, Any], where: str, wrong: list[str]) -> None:
    """Put in the values that are only named: `values = "kinds"` stands for the table `[values.kinds]`."""
    if isinstance(part, list):
        for number, item in enumerate(part, 1):
            _fill_in(item, named_values, f"{where}: {number}", wrong)
    elif isinstance(part, dict):
        for key, item in part.items():
            if key == "values" and isinstance(item, str):
                if item not in named_values:
                    known = f"named are {', '.join(named_values)}" if named_values else "no values are named"
                    wrong.append(f"{where}: values: there is no [values.{item}]; {known}")
                part[key] = named_values.get(item, {})
            else:
                _fill_in(item, named_values, f"{where}: {key}", wrong)


def _lines(error: ValidationError) -> Iterator[str]:
    found = error.errors(include_url=False, include_input=False)
    for one in found:
        if one["type"] == "too_short" and any(len(other["loc"]) > len(one["loc"]) for other in found):
            continue  # its items are there, but wrong
        steps = [str(step + 1) if isinstance(step, int) else step for step in one["loc"]]
        told = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            told = "there is no such setting"
        elif one["type"] == "missing":
            told = "is missing"
        yield f"{': '.join(steps)}: {told}" if steps else told


@cache
def shipped() -> Mapping[str, Dialect]:
    """Give all dialects that come with ftdata, by name."""
    found = {}
    for entry in sorted((files("ftdata.readers.help_desk") / "dialects").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            name = entry.name.removesuffix(".toml")
            found[name] = parse(entry.read_text("utf-8"), name, entry.name)
    return found


def named(name: str) -> Dialect:
    """Give the dialect of this name; raise `RecipeError` for one that there is not."""
    known = shipped()
    if name in known:
        return known[name]
    told = hint(name, known, f"; dialects are {', '.join(known)}")
    raise RecipeError(f"dialect: there is no {name!r}{told} (a file of your own: its path, ending in .toml)")


def is_file(name: str) -> bool:
    """Say whether a `dialect` setting is the path of a user's own file."""
    return name.endswith(".toml") or "/" in name or "\\" in name


def of_file(path: Path, content: bytes) -> Dialect:
    """Read a user's own dialect; its name is that of the file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecipeError(f"{path.name}: is no UTF-8") from None
    return parse(text, path.stem, path.name)
