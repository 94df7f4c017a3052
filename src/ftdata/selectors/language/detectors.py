"""Detectors, and the text that they are shown. Each answer depends on its text alone: no state, no order, no chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, lengths, nest, said
from ftdata.errors import RunError
from ftdata.selectors.language.codes import plain

Backend: TypeAlias = Literal["eldc", "langdetect"]

SHORT = 10
"""Letters under which a text is short: there a detector is right in 80 to 88 of 100 texts, above in over 92."""
LEAST = 3
"""Letters under which nothing is told: `ok`, `no` and `hi` are words of many languages."""
MARGIN = 0.12
"""How far below the top score of eldc a language may lie and still be thought of (measured, see `Language`)."""
TIE = 0.02
"""Scores of eldc that lie no further apart are equal: the same gap that eldc's own `reliable` asks for."""
WEAK = 0.6
"""Score of eldc under which a short text is no language at all: names of products, codes, keys struck at random."""
CERTAIN = 0.99
"""Probability from which langdetect counts as sure: below it, it is right in about half of three-word texts."""
_READ = 20_000
"""Characters that are looked at; eldc itself reads 1,000 bytes, langdetect 10,000 characters."""

# What is no language. Nothing here swallows a neighbouring word of a script that is written without spaces.
# One after the other: as one pattern they take five times as long.
_NOISE = (
    r"(?s:```.*?(?:```|\z))",  # fenced code
    r"`[^`\n]*`",
    r"(?i:(?:https?|ftp)://|www\.)[!-~]+",
    r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",  # e-mail
    r"@[\p{Latin}\p{Cyrillic}\p{Greek}0-9_.-]+",  # mention
    r"\{\{[^{}\n]{0,80}\}\}|\{[A-Za-z_][^{}\n]{0,60}\}|%\([A-Za-z0-9_]+\)s",  # {{name}}, {name}
    r"\[[A-Z][A-Z0-9]*(?:[_ ][A-Z0-9]+)*\]",  # [EMAIL_1], [ORDER ID]
    r"</?[A-Za-z][^<>\n]{0,200}>|&#?[A-Za-z0-9]{1,10};",  # tags, <name>, &nbsp;
    r"[\p{Latin}0-9_]*[0-9_][\p{Latin}0-9_]*",  # order numbers, versions, identifiers
    r"\p{Cc}",  # eldc stops reading at a NUL
)
# A sign of these scripts says about as much as a short word.
_SIGN = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"


def texts(batch: Batch) -> pl.Series:
    """Give what is looked at in each row: the user's turns, else the assistant's, without what is no language."""
    messages = flat(batch)
    spoken = said(messages)
    offsets = np.concatenate(([0], np.cumsum(lengths(batch).to_numpy(), dtype=np.int64)))

    def of(role: str) -> pl.Series:
        mine = pl.select(pl.when((messages["role"] == role).fill_null(False)).then(spoken).alias(role)).to_series()
        joined = nest(mine, offsets).list.drop_nulls().list.join("\n").str.head(_READ)
        return pl.select(pl.when(joined.str.strip_chars() != "").then(joined)).to_series()

    whole = pl.select(pl.coalesce(of("user"), of("assistant"), pl.lit("", pl.String)).alias("text")).to_series()
    for noise in _NOISE:
        whole = whole.str.replace_all(noise, " ")
    return whole


class Seen(NamedTuple):
    """What a detector makes of one text.

    `code` is null where nothing can be told. `near` and `scores` name the languages that are thought of, best first,
    where eldc is not sure; else null.
    """

    code: str | None
    sure: bool = False
    near: list[str] | None = None
    scores: list[float] | None = None


NOTHING = Seen(None)
Detector: TypeAlias = Callable[[str, bool], Seen]


def look(batch: Batch, backend: Backend) -> pl.DataFrame:
    """Give each row's `code`, `sure`, `short`, `near`, `scores`."""
    shown = texts(batch)
    letters = shown.str.count_matches(r"[\p{L}\p{M}]") + 3 * shown.str.count_matches(_SIGN)
    short = (letters < SHORT).to_list()
    detect = _eldc() if backend == "eldc" else _langdetect()
    seen = [
        NOTHING if count < LEAST else detect(text, brief)
        for text, count, brief in zip(shown.to_list(), letters.to_list(), short, strict=True)
    ]
    code, sure, near, scores = zip(*seen, strict=True) if seen else ((), (), (), ())
    return pl.DataFrame(
        [
            pl.Series("code", code, pl.String),
            pl.Series("sure", sure, pl.Boolean),
            pl.Series("short", short, pl.Boolean),
            pl.Series("near", near, pl.List(pl.String)),
            pl.Series("scores", scores, pl.List(pl.Float32)),
        ]
    )


# --- backends ---------------------------------------------------------------------------------------------------------


def installed(*names: str) -> tuple[str, ...]:
    """Give those of some distributions that are installed."""
    return tuple(name for name in names if _version(name) is not None)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def choose(wanted: Backend | None) -> Backend:
    """Give the backend: the one that is wanted, else eldc where it can be loaded; raise `RunError` if it cannot be."""
    if wanted == "langdetect" or (wanted is None and not loads()):
        return "langdetect"
    if not loads():
        raise RunError(
            'language: eldc is installed but cannot be loaded; install it anew, or set backend = "langdetect"'
        )
    return "eldc"


def present() -> bool:
    """Say whether eldc is installed; it is not loaded."""
    return find_spec("eldc") is not None


def loads() -> bool:
    """Say whether eldc can be loaded."""
    try:
        import_module("eldc")  # by its name: there is not a wheel for every machine, nor for every type checker's
    except ImportError:
        return False
    return True


def named(backend: Backend) -> str:
    """Name a backend with the version of the library that does the work."""
    library = "langdetect-rs" if backend == "langdetect" and _rust() else backend
    return f"{library} {_version(library)}"


@cache
def told(backend: Backend) -> frozenset[str]:
    """Give the codes that a backend tells."""
    if backend == "eldc":
        return frozenset(import_module("eldc").LANGUAGES if loads() else ())
    return frozenset(plain(path.name) for path in _profiles())


@cache
def _eldc() -> Detector:
    eldc = import_module("eldc")
    eldc.init()
    detector = eldc.instance()  # settings of its own: nothing that other code sets in eldc is seen here
    detector.set_scores(eldc.MAX_SCORES)
    details = detector.detect_details

    def detect(text: str, short: bool) -> Seen:
        result = details(text)
        if result.reliable:
            return Seen(result.language, True)
        scores: dict[str, float] = result.scores
        if not scores:
            return NOTHING
        ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
        top = ranked[0][1]
        if short and top < WEAK:
            return NOTHING
        near = [pair for pair in ranked if pair[1] >= top - MARGIN]
        return Seen(near[0][0], False, [code for code, _ in near], [score for _, score in near])

    return detect


def _rust() -> Any:
    try:
        return import_module("langdetect_rs")
    except ImportError:
        return None


def _profiles() -> Sequence[Path]:
    folder = Path(import_module("langdetect").PROFILES_DIRECTORY)
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


@cache
def _langdetect() -> Detector:
    """Make langdetect repeatable: a seed of the factory's own, and profiles in the order of their names.

    The order of the folder, which langdetect takes, decides the last bits of its sums.
    """
    library = _rust() or import_module("langdetect")
    factory = library.DetectorFactory()
    factory.load_json_profile([path.read_text("utf-8") for path in _profiles()])
    factory.set_seed(0)

    def detect(text: str, short: bool) -> Seen:
        detector = factory.create()
        detector.append(text)
        try:
            ranked = detector.get_probabilities()
        except library.LangDetectException:
            return NOTHING  # no letter that any profile holds
        best: dict[str, float] = {}
        for guess in ranked:
            best[plain(guess.lang)] = best.get(plain(guess.lang), 0.0) + guess.prob
        code = min(best, key=lambda code: (-best[code], code), default=None)
        if code is None or (short and best[code] < CERTAIN):
            return NOTHING
        return Seen(code, not short and best[code] >= CERTAIN)

    return detect
