"""The recipe: TOML to stages, with every mistake told at once, with its place, value and remedy."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from ftdata import hooks, tomltext
from ftdata.errors import InputError, PluginError, RecipeError
from ftdata.provenance import Provenance
from ftdata.stages import Check, Reader, Selector, Stage, Trainer, Transform, Writer, heads
from ftdata.wording import hint

_STEPS = ("transform", "selector", "check")
_TABLES: Mapping[str, tuple[str, ...]] = {"read": ("reader",), "step": _STEPS, "write": ("writer",)}


class Options(BaseModel):
    """The `[run]` table: all of it optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str | None = Field(
        None, pattern=r"^\w[\w.-]*$", description="name of the run's record; default: the recipe's"
    )
    seed: int = Field(0, description="seed of every stage that has none of its own")
    on_error: Literal["fail", "drop"] = Field("fail", description="what a row on which a stage raises does to the run")
    keep_text: bool = Field(
        False, description="keep the texts of edited and dropped rows, before and after, in the record's texts.parquet"
    )
    max_bad: int | float | None = Field(
        None, description="unreadable records that are too many: a count, or a share below 1"
    )
    max_drop: int | float | dict[str, int | float] | None = Field(
        None, description='dropped rows that are too many: a count or share; by rule: { "length: too-long" = 0.1 }'
    )
    network: bool = Field(False, description="permit to fetch data sets from the Hugging Face hub (`hf://owner/name`)")
    jobs: int = Field(
        1,
        ge=1,
        le=64,
        description="processes that work on the batches; what comes out is the same whatever their number",
    )

    @field_validator("max_bad", "max_drop", mode="before")
    @classmethod
    def _limits(cls, value: Any, info: ValidationInfo) -> Any:
        by_rule = isinstance(value, Mapping) and info.field_name == "max_drop"
        for limit in value.values() if by_rule else [value]:
            number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
            if limit is not None and not (number and 0 <= limit < math.inf):
                raise ValueError(f"{limit!r} is neither a count, from 0 on, nor a share below 1")
        return value


@dataclass(frozen=True)
class Recipe:
    """A validated chain of stages. `folder` is what its relative paths are relative to."""

    folder: Path
    stem: str
    options: Options = field(default_factory=Options)
    readers: tuple[Reader, ...] = ()
    steps: tuple[Transform | Selector | Check, ...] = ()
    writers: tuple[Writer, ...] = ()
    provenance: Provenance | None = None
    trainer: Trainer | None = None
    plugins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path | str) -> Recipe:
        """Read a recipe file; raise `RecipeError` with all its mistakes."""
        path = Path(path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {(error.strerror or '').lower()}; check the name") from None
        except UnicodeDecodeError:
            raise RecipeError(f"{path}: is not UTF-8 text; a recipe is a TOML file") from None
        try:
            data = tomltext.loads(text)
        except tomltext.TOMLDecodeError as error:
            raise RecipeError(f"{path.name}: is not TOML: {error}") from None
        return cls.parse(data, path.parent, path.stem, path.name)

    @classmethod
    def parse(cls, data: Mapping[str, Any], folder: Path, stem: str, where: str = "recipe") -> Recipe:
        """Validate the tables of a recipe."""
        problems: list[str] = []
        fault: PluginError | None = None
        known = ["run", "provenance", *_TABLES, "train"]
        for key in data:
            if key not in known:
                told = f"there is no such table{hint(key, known)}; tables are {_list(known)}"
                problems.append(f"{where}: {key}: {told}")
        options = _single(Options, "run", data.get("run", {}), where, problems) or Options()
        stated = None
        if "provenance" in data:
            stated = _single(Provenance, "provenance", data["provenance"], where, problems)
        stages: dict[str, list[Stage]] = {"read": [], "step": [], "write": []}
        origins: dict[str, str] = {}
        for table, kinds in _TABLES.items():
            listed = data.get(table, [])
            if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
                problems.append(f"{where}: {table}: must be a list of tables; write [[{table}]]")
                continue
            for number, item in enumerate(listed, 1):
                place = f"{where}: {table} {number}"
                try:
                    made = _stage(kinds, item, place, _example(table), problems, origins)
                except PluginError as error:
                    problems.append(f"{place}: use: {error}")
                    fault = fault or error
                    continue
                if made is not None:
                    stages[table].append(made)
        trainer = None
        if "train" in data:
            place = f"{where}: train"
            if not isinstance(data["train"], dict):
                problems.append(f"{place}: must be a table, [train]")
            else:
                try:
                    trainer = _stage(("trainer",), data["train"], place, "lora", problems, origins)
                except PluginError as error:
                    problems.append(f"{place}: use: {error}")
                    fault = fault or error
        if not data.get("read"):
            problems.append(f"{where}: read: there is no reader; add a [[read]] table with `use` and `path`")
        if not data.get("write"):
            problems.append(f"{where}: write: there is no writer; add a [[write]] table with `use` and `path`")
        warnings = [
            f"{where}: {line}" for line in (*_order(stages["step"]), *_scrubbed(stages["step"], stages["write"]))
        ]
        problems += [f"{where}: {line}" for line in _splits(stages["step"], stages["write"])]
        problems += [f"{where}: {line}" for line in _clashes(stages["read"], stages["write"], folder)]
        problems += [f"{where}: {line}" for line in _own(stages["step"], stages["write"], folder)]
        if not problems:  # else a stage that is named may be one of those that could not be made
            known = labels([*stages["read"], *stages["step"]])
            problems += [f"{where}: run: {line}" for line in _rules(options, known)]
        if fault is not None and len(problems) == 1:
            raise PluginError(problems[0])
        if problems:
            raise RecipeError(*problems)
        steps = _resolve(stages["step"], stages["write"], options.seed)
        return cls(
            folder=folder,
            stem=stem,
            options=options,
            readers=tuple(stages["read"]),  # type: ignore[arg-type]
            steps=tuple(steps),  # type: ignore[arg-type]
            writers=tuple(stages["write"]),  # type: ignore[arg-type]
            provenance=stated,
            trainer=trainer,  # type: ignore[arg-type]
            plugins=origins,
            warnings=tuple(warnings),
        )

    @property
    def reader_labels(self) -> list[str]:
        """The readers' names in the record."""
        return labels([*self.readers, *self.steps])[: len(self.readers)]

    @property
    def step_labels(self) -> list[str]:
        """The steps' names in the record; a step called like a reader counts as the second of that name."""
        return labels([*self.readers, *self.steps])[len(self.readers) :]

    def dump(self) -> dict[str, Any]:
        """Give the recipe as the tables it can be parsed from again, every setting spelled out."""
        stated = {} if self.provenance is None else {"provenance": self.provenance.model_dump(mode="json")}
        return {
            "run": self.options.model_dump(mode="json", exclude_none=True),
            **stated,
            "read": [table(stage) for stage in self.readers],
            "step": [table(stage) for stage in self.steps],
            "write": [table(stage) for stage in self.writers],
            **({} if self.trainer is None else {"train": table(self.trainer)}),
        }


def _stage(
    kinds: Sequence[str],
    item: Mapping[str, Any],
    place: str,
    example: str,
    problems: list[str],
    origins: dict[str, str],
) -> Stage | None:
    """Make the stage of one table; None, and what is wrong in `problems`, if it does not hold.

    Raises `PluginError` for a plugin that may offer it and cannot be loaded.
    """
    fields = {key: value for key, value in item.items() if key != "use"}
    use = item.get("use")
    if not isinstance(use, str):
        problems.append(f'{place}: use: is missing; name a stage, such as use = "{example}"')
        return None
    try:
        entry = hooks.find(kinds, use)
        made = entry.stage(**fields)
    except LookupError as error:
        problems.append(f"{place}: use: {error}")
        return None
    except ValidationError as error:
        problems += [f"{place} ({use}): {line}" for line in _lines(error, entry.stage, fields)]
        return None
    if entry.origin != "ftdata":
        origins[entry.origin] = entry.version
    return made


def trainer(item: Mapping[str, Any], where: str = "train") -> Trainer:
    """Make a trainer of its table (`use`, and its fields); raise `RecipeError` with all that is wrong."""
    problems: list[str] = []
    made = _stage(("trainer",), item, where, "lora", problems, {})
    if not isinstance(made, Trainer):
        raise RecipeError(*problems)
    return made


_Made = TypeVar("_Made", bound=BaseModel)


def _single(model: type[_Made], name: str, given: Any, where: str, problems: list[str]) -> _Made | None:
    """Validate a table that stands once; None, and what is wrong in `problems`, if it does not hold."""
    if not isinstance(given, dict):
        problems.append(f"{where}: {name}: must be a table, [{name}]")
        return None
    try:
        return model(**given)
    except ValidationError as error:
        problems += [f"{where}: {name}: {line}" for line in _lines(error, model, given)]
        return None


def table(stage: Stage) -> dict[str, Any]:
    """Give a stage as its recipe table."""
    return {"use": stage.name, **stage.model_dump(mode="json", by_alias=True, exclude_none=True)}


def labels(stages: Sequence[Stage]) -> list[str]:
    """Name stages for the record: `length`, then `length#2` for the second of that name."""
    seen: Counter[str] = Counter()
    names = []
    for stage in stages:
        seen[stage.name] += 1
        names.append(stage.name if seen[stage.name] == 1 else f"{stage.name}#{seen[stage.name]}")
    return names


def _resolve(steps: Sequence[Stage], writers: Sequence[Stage], seed: int) -> list[Stage]:
    """Fill in what a stage may leave to the recipe: the seed, the meta keys to spare from scrubbing, those to judge."""
    kept = [writer.reads_meta() for writer in writers]
    written = {key for keys in kept for key in (keys or ())}
    resolved: list[Stage] = []
    for number, stage in enumerate(steps):
        update: dict[str, Any] = {}
        if "seed" in type(stage).model_fields and "seed" not in stage.model_fields_set:
            update["seed"] = seed
        if "written" in type(stage).model_fields and getattr(stage, "written", ()) is None:
            update["written"] = ("*",) if None in kept else tuple(sorted(written))
        if getattr(stage, "scrubs", False) and getattr(stage, "spare", ()) is None:
            # A later step may group by a customer's address: numbered placeholders would put all rows in one group.
            # What a writer writes is scrubbed all the same.
            later = {key for other in steps[number + 1 :] for key in (other.reads_meta() or ())}
            update["spare"] = () if None in kept else tuple(sorted(later - written))
        resolved.append(stage.model_copy(update=update) if update else stage)
    return resolved


def _order(steps: Sequence[Stage]) -> list[str]:
    """Warn of an order that is seldom meant."""
    names = [stage.name for stage in steps]
    lines = []
    for first, then, why in (
        ("split", "exact-dedup", "copies of one row may stand on both sides; put the split after it"),
        ("split", "near-dedup", "near-copies of one row may stand on both sides; put the split after it"),
        ("split", "downsample", "the sides may lose their shares and a side all rows; put the split after it"),
        ("split", "mix", "the sides may lose their shares and a side all rows; put the split after it"),
        ("split", "decontaminate", "a side may lose its rows and its share; put the split after it"),
        ("near-dedup", "pii", "names and numbers keep copies apart; put pii before it"),
        ("exact-dedup", "pii", "names and numbers keep copies apart; put pii before it"),
    ):
        if first in names and then in names and names.index(first) < names.index(then):
            lines.append(f"warning: step {names.index(first) + 1} ({first}) stands before {then}: {why}")
    if not any(getattr(stage, "scrubs", False) or stage.name == "private-data" for stage in steps):
        lines.append("warning: no pii step stands before the writers: nothing is scrubbed")
    return lines


def _scrubbed(steps: Sequence[Stage], writers: Sequence[Stage]) -> list[str]:
    """Warn of groups by a key that is scrubbed before, because it is written: all addresses would be one group."""
    kept = [writer.reads_meta() for writer in writers]
    first = next((at for at, stage in enumerate(steps) if getattr(stage, "scrubs", False)), len(steps))
    lines = []
    for number, stage in enumerate(steps[first + 1 :], first + 2):
        for setting, key in _keys(stage):
            if key.split(".")[0] in (other.name for other in steps):  # a tag, such as language.code
                continue
            if None in kept or any(not written.isdisjoint(heads((key,))) for written in kept if written):
                lines.append(
                    f"warning: step {number} ({stage.name}): {setting}: {key!r} is written by a writer, and so step "
                    f"{first + 1} scrubs it: all addresses in it become one value; leave it out of `meta` and `sidecar`"
                )
    return lines


def _keys(stage: Stage) -> list[tuple[str, str]]:
    """Give the meta keys by which a stage puts rows together, with the setting that names each."""
    given = [(setting, getattr(stage, setting, None)) for setting in ("group", "by", "stratify")]
    listed = [(setting, (keys,) if isinstance(keys, str) else keys) for setting, keys in given]
    return [(setting, key) for setting, keys in listed if isinstance(keys, tuple) for key in keys if key != "label"]


def _splits(steps: Sequence[Stage], writers: Sequence[Stage]) -> list[str]:
    if not any(stage.name == "split" and stage.kind == "selector" for stage in steps):
        return []
    return [
        f"write {number} ({writer.name}): path: '{writer.path}' would put all splits into one file; "
        "write {split} into the name, such as '" + str(writer.path.with_name("{split}" + writer.path.suffix)) + "'"
        for number, writer in enumerate(writers, 1)
        if isinstance(writer, Writer) and not writer.folder and "{split}" not in str(writer.path)
    ]


def _rules(options: Options, known: Sequence[str]) -> list[str]:
    """Tell of limits for stages that are not there: they would never stop anything."""
    named = options.max_drop if isinstance(options.max_drop, Mapping) else {}
    there = f"; stages are {_list(known)}"
    return [
        f"max_drop: {rule!r}: there is no stage {label!r}{hint(label, known, there)}"
        for rule, label in ((rule, rule.partition(": ")[0]) for rule in named)
        if label not in known
    ]


def _places(stage: Stage, folder: Path) -> list[Path]:
    """Give the files or folders that a reader or writer touches."""
    if isinstance(stage, Writer) and not stage.folder:
        names = [stage.file_for(split) for split in ("train", "validation", "test")]
        names += [aside for name in names if (aside := stage.sidecar_for(name)) is not None]
        paths = [stage.root / name for name in names]
    else:
        paths = [] if str(stage.path) == "-" else [stage.path]  # type: ignore[attr-defined]
    return [Path(os.path.realpath(folder / path)) for path in dict.fromkeys(paths)]


def _own(steps: Sequence[Stage], writers: Sequence[Stage], folder: Path) -> list[str]:
    """Tell of `against` or `earlier` that names what this recipe writes: a second run would look at itself."""
    lines = []
    for number, stage in enumerate(steps, 1):
        setting = "earlier" if "earlier" in type(stage).model_fields else "against"
        for path in getattr(stage, setting, ()):
            mine = Path(os.path.realpath(folder / path))
            for place, writer in enumerate(writers, 1):
                if any(mine == own or mine in own.parents or own in mine.parents for own in _places(writer, folder)):
                    told = "name what an earlier run wrote, and write elsewhere"
                    lines.append(
                        f"step {number} ({stage.name}): {setting}: '{path}' is what write {place} writes; {told}"
                    )
    return lines


def _clashes(readers: Sequence[Stage], writers: Sequence[Stage], folder: Path) -> list[str]:
    """Tell of outputs that would replace one another, or an input."""

    taken = [(f"what read {number} reads", False, _places(stage, folder)) for number, stage in enumerate(readers, 1)]
    lines = []
    for number, stage in enumerate(writers, 1):
        whole = isinstance(stage, Writer) and stage.folder
        own = _places(stage, folder)
        for what, folder_too, others in taken:
            if any(
                mine == other or (whole and mine in other.parents) or (folder_too and other in mine.parents)
                for mine in own
                for other in others
            ):
                path = stage.path  # type: ignore[attr-defined]
                verb = "is" if set(own) & set(others) else "overlaps"
                lines.append(f"write {number} ({stage.name}): path: '{path}' {verb} {what}; choose another")
                break
        taken.append((f"what write {number} writes", whole, own))
    return lines


_PLAINLY = {
    "tuple_type": 'must be a list, such as ["a", "b"]',
    "path_type": "must be a path, as text",
    "string_type": "must be text, in quotes",
    "bool_type": "must be true or false",
    "too_short": "must name one or more",
}


_TYPES = ("function-", "constrained-", "literal[", "tuple[")  # how pydantic calls the types of a field in a place


def _lines(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any]) -> list[str]:
    """Say each pydantic error as `field: value: what is wrong; remedy`."""
    known = [info.alias or name for name, info in model.model_fields.items()]
    lines = []
    ways: dict[str, list[str]] = {}  # what each of several types that a field may have says
    for part in error.errors(include_url=False, include_context=True):
        steps = [str(step) for step in part["loc"]]
        place = ".".join(step for step in steps if not step.startswith(_TYPES))
        top = str(part["loc"][0]) if part["loc"] else ""
        if part["type"] == "extra_forbidden":
            lines.append(f"{place}: there is no such field{hint(top, known)}; fields are {_list(known)}")
        elif part["type"] == "missing":
            about = model.model_fields.get(top)
            told = f" ({about.description})" if about is not None and about.description else ""
            lines.append(f"{place}: is missing; add it{told}")
        else:
            message = _PLAINLY.get(part["type"], part["msg"]).removeprefix("Value error, ")
            value = given.get(top)
            shown = f"{value!r}: " if value is not None and repr(value) not in message else ""
            told = message[:1].lower() + message[1:]
            if place and place != ".".join(steps) and len(steps) == 2:
                ways.setdefault(f"{place}: {shown}", []).append(told)
                continue
            lines.append(f"{place}: {shown}{told}" if place else message)
    lines += [before + ", or ".join(dict.fromkeys(told)) for before, told in ways.items()]
    return list(dict.fromkeys(lines))


def _list(words: Sequence[str]) -> str:
    return ", ".join(words)


def _example(table: str) -> str:
    return {"read": "tickets", "step": "pii", "write": "openai-chat"}[table]
