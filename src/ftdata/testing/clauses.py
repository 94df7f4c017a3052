"""What holds of every stage, whatever its kind: settings, documentation, pickling, importing; and what it tells."""

from __future__ import annotations

import inspect
import pickle
import re
import tomllib
from collections.abc import Iterable
from typing import Any, NoReturn

import polars as pl

from ftdata import tomltext
from ftdata.batch import Batch
from ftdata.hooks import NAME, raised_at
from ftdata.recipe import table
from ftdata.stages import Stage
from ftdata.testing.process import Answer, elsewhere
from ftdata.testing.rows import CANARY
from ftdata.texts import Texts

IMPORT_SECONDS = 0.5
"""CPU time that importing a stage's module may take, beyond what ftdata itself imports."""
CODES = 16
"""Different reasons (or flags) that one stage may give on the rows of one check."""
LONGEST = 80
"""Characters of a reason or flag."""
HASHES = "sort sets, and hash with xxhash or hashlib, not hash()"


def fail(stage: Stage, clause: str, what: str, remedy: str, cause: BaseException | None = None) -> NoReturn:
    """Raise the one sentence: stage, clause, what happened, remedy."""
    name = getattr(type(stage), "name", type(stage).__name__)
    kind = getattr(type(stage), "kind", "stage")
    raise AssertionError(f"{kind} {name}: {clause}: {what}; {remedy}") from cause


def raised(error: BaseException) -> str:
    """Say what was raised and where, without its message."""
    return f"{type(error).__name__} at {raised_at(error)}"


def sound(stage: Stage, kind: type[Stage]) -> None:
    """Check what can be said of a stage without running it."""
    if not isinstance(stage, kind):
        raise AssertionError(
            f"{type(stage).__name__}: kind: is no {kind.__name__}; give a configured instance of such a class"
        )
    _documented(stage)
    _plain_value(stage)
    _replays(stage)
    keys = stage.reads_meta()
    if keys is not None and not (isinstance(keys, frozenset) and all(isinstance(key, str) for key in keys)):
        fail(stage, "reads_meta", f"gave {type(keys).__name__}", "return a frozenset of meta keys, or None for any")
    imported(stage, elsewhere(_nothing, stage))


def _nothing(stage: Stage) -> None:
    """Do nothing with a stage: that it arrived is the proof."""


def imported(stage: Stage, answer: Answer) -> Any:
    """Give the result of the second process, unless the stage did not get there, or slowly."""
    if answer.raised is not None:
        fail(
            stage,
            "other process",
            f"fails in a second process ({answer.raised})",
            "define it in an importable module, and keep no state outside its fields",
        )
    if answer.seconds > IMPORT_SECONDS:
        fail(
            stage,
            "import",
            f"importing {type(stage).__module__} takes {answer.seconds:.1f} s of CPU time, over {IMPORT_SECONDS} s",
            "import what is heavy inside the method that needs it, and load models in a cached function",
        )
    return answer.result


def _documented(stage: Stage) -> None:
    name = getattr(type(stage), "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        fail(stage, "name", f"{name!r} is no kebab-case word", 'write it as in a recipe, such as name = "mask-orders"')
    first = inspect.cleandoc(type(stage).__doc__ or "").split("\n")[0]
    if not first.endswith(".") or re.match(r"(?i)(a|an|the|this)\b", first):
        fail(
            stage,
            "docstring",
            "the first line of the class's docstring is no sentence that tells the user what it does",
            'write one that begins with a verb and ends with a period: "Mask order numbers."',
        )
    bare = [key for key, info in type(stage).model_fields.items() if not (info.description or "").strip()]
    if bare:
        fail(
            stage,
            "description",
            f"no description of the field {', '.join(bare)}",
            'give each field one: Field(…, description="…")',
        )


def _plain_value(stage: Stage) -> None:
    if not stage.model_config.get("frozen") or stage.model_config.get("extra") != "forbid":
        fail(stage, "frozen", "its settings can change, or take unknown keys", "leave model_config to the base class")
    try:
        hash(stage)
    except TypeError as error:
        fail(stage, "hashable", "a field holds a value without a hash", "use tuples, not lists, dicts or sets", error)
    try:
        copy = pickle.loads(pickle.dumps(stage))
    except Exception as error:
        remedy = "define the class at the top of a module, and keep models and handles out of its fields"
        fail(stage, "pickles", f"cannot be pickled ({raised(error)})", remedy, error)
    if copy != stage or hash(copy) != hash(stage):
        fail(stage, "pickles", "comes back from pickle as another value", "keep all that counts in the fields")


def _replays(stage: Stage) -> None:
    clause = "recipe"
    written = table(stage)
    try:
        fields = tomllib.loads(
            "".join(f"{tomltext.key(key)} = {tomltext.value(value)}\n" for key, value in written.items())
        )
    except (TypeError, ValueError) as error:
        fail(stage, clause, f"a setting has no form in TOML ({error})", "use texts, numbers, dates and tuples", error)
    fields.pop("use", None)
    try:
        again = type(stage)(**fields)
    except Exception as error:
        remedy = "let each field take what it dumps"
        fail(stage, clause, f"its own settings are refused ({type(error).__name__})", remedy, error)
    if again != stage or hash(again) != hash(stage):
        fail(stage, clause, "its settings, written as a recipe and read again, make another stage", "dump all of them")


# --- what a stage tells -----------------------------------------------------------------------------------------------


def codes(stage: Stage, clause: str, values: Iterable[str]) -> None:
    """Check that reasons or flags are short codes, and few."""
    seen = set(values)
    for value in seen:
        if not 0 < len(value) <= LONGEST or not value.isprintable():
            remedy = "make it a short code of one line, and put details into `note`"
            fail(stage, clause, f"one is empty, longer than {LONGEST} characters, or not printable", remedy)
    if len(seen) > CODES:
        remedy = "make it one of a few codes, and put numbers into `note`"
        fail(stage, clause, f"{len(seen)} different ones on one set of rows", remedy)


def speaks(stage: Stage, rows: Batch, told: pl.DataFrame) -> None:
    """Check reasons, flags, notes and tags (`told` has `row` and some of these) for their form and for text of rows."""
    if "drop" in told.columns:
        codes(stage, "reason", told["drop"].drop_nulls().to_list())
    if "flags" in told.columns:
        codes(stage, "flag", told["flags"].explode(empty_as_null=False, keep_nulls=False).to_list())
    own = {row: at for at, row in enumerate(rows["row"].to_list())}
    texts: dict[int, list[str]] | None = None
    for column in [name for name in ("drop", "note", "flags", "tags") if name in told.columns]:
        for row, value in told.select("row", column).drop_nulls().iter_rows():
            said = value if isinstance(value, str) else " ".join(value)
            if not said:
                continue
            if texts is None:
                texts = _texts(rows)
            if holds_canary(said) or any(text in said for text in texts.get(own.get(row, -1), ())):
                remedy = "tell counts and numbers only: it ends in ledgers and logs"
                fail(stage, "text", f"`{column}` holds text of the row{of_row(rows, row)}", remedy)


def holds_canary(said: str) -> bool:
    """Say whether a text holds the canary, or a good part of it."""
    return CANARY[:3].lower() in said.lower()


def of_row(rows: Batch, row: int) -> str:
    """Name a row of the kit, or of the author's own."""
    found = rows.filter(pl.col("row") == row)["id"]
    return f" {found[0]!r}" if len(found) else ""


def _texts(rows: Batch) -> dict[int, list[str]]:
    """Give the texts of each row (by position) that cannot stand in a note by chance."""
    flat = Texts(rows, tools=True, extra=True, meta=True)
    found: dict[int, list[str]] = {}
    for at, text in zip(flat.row.to_list(), flat.text.to_list(), strict=True):
        if len(text) >= 12 and " " in text.strip():
            found.setdefault(at, []).append(text)
    return found
