"""Detectors of languages. Each answer depends on its text alone: no state, no order, no chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from ftdata.errors import RunError
from ftdata.selectors.language.codes import NUMBER, plain

Backend: TypeAlias = Literal["eldc", "langdetect", "lingua"]

SHORT = 10
"""Letters under which a text is short: there a detector is right in 80 to 88 of 100 texts, above in over 92."""
LEAST = 3
"""Letters under which nothing is told: `ok`, `no` and `hi` are words of many languages."""
MARGIN = 0.12
"""How far below the top score of eldc a language may lie and still be thought of (measured, see `Language`)."""
TIE = 0.02 / MARGIN
"""Distances that lie no further apart are equal: for eldc the same gap that its own `reliable` asks for."""
WEAK = 0.6
"""Score of eldc under which a short text is no language at all: names of products, codes, keys struck at random."""
CERTAIN = 0.99
"""Probability from which langdetect counts as sure: below it, it is right in about half of three-word texts."""
_HALF = 0.5
"""Lingua is sure where no other language has half the confidence of the first, thinks of those that have 0.3 of it."""
_THIRD = 0.3
_FAINT = 0.2
"""Confidence of lingua under which a short text is no language at all."""


class Seen(NamedTuple):
    """What a detector makes of one text.

    `code` is the number of a language in `CODES`, 0 where nothing can be told. `near` are the languages that are
    thought of, best first, each with its distance from the best (0 to 1: the margin), where eldc or lingua is not sure;
    else None.
    """

    code: int
    sure: bool = False
    near: tuple[tuple[int, float], ...] | None = None


NOTHING = Seen(0)
Detector: TypeAlias = Callable[[str, bool], Seen]
"""Tell the language of a text; the second argument says whether it is short."""


def detect(texts: Iterable[str], letters: Iterable[int], backend: Backend) -> list[Seen]:
    """Tell the language of each text; of equal texts only one is looked at. `letters` are how many each has."""
    tell = {"eldc": _eldc, "langdetect": _langdetect, "lingua": _lingua}[backend]()
    known: dict[str, Seen] = {}
    found: list[Seen] = []
    for text, count in zip(texts, letters, strict=True):
        if count < LEAST:
            found.append(NOTHING)
            continue
        seen = known.get(text)
        if seen is None:
            seen = known[text] = tell(text, count < SHORT)
        found.append(seen)
    return found


# --- backends ---------------------------------------------------------------------------------------------------------

_DISTRIBUTION = {"lingua": "lingua-language-detector"}


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
    if wanted in ("langdetect", "lingua"):
        return wanted
    if not loads():
        if wanted is None:
            return "langdetect"
        raise RunError(
            'language: eldc is installed but cannot be loaded; install it anew, or set backend = "langdetect"'
        )
    return "eldc"


def present(backend: Backend) -> bool:
    """Say whether the library of a backend is installed; it is not loaded."""
    return find_spec(backend) is not None


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
    return f"{library} {_version(_DISTRIBUTION.get(library, library))}"


@cache
def told(backend: Backend) -> frozenset[str]:
    """Give the codes that a backend tells."""
    if backend == "eldc":
        return frozenset(import_module("eldc").LANGUAGES if loads() else ())
    if backend == "lingua":
        return frozenset(plain(language.iso_code_639_1.name.lower()) for language in _every())
    return frozenset(plain(path.name) for path in _profiles())


@cache
def _eldc() -> Detector:
    eldc = import_module("eldc")
    eldc.init()
    # Settings of their own: nothing that other code sets in eldc is seen here. Most texts need no scores, which cost
    # more than telling the language.
    quick, thorough = eldc.instance(), eldc.instance()
    quick.set_scores(1)
    thorough.set_scores(eldc.MAX_SCORES)
    look, weigh = quick.detect_details, thorough.detect_details
    sure = {code: Seen(NUMBER[code], True) for code in eldc.LANGUAGES}

    def tell(text: str, short: bool) -> Seen:
        first = look(text)
        if first.reliable:
            return sure[first.language]
        scores: dict[str, float] = weigh(text).scores
        if not scores:
            return NOTHING
        top = max(scores.values())
        if short and top < WEAK:
            return NOTHING
        near = [(top - score, code) for code, score in scores.items() if score >= top - MARGIN]
        return _ranked((distance / MARGIN, code) for distance, code in near)

    return tell


def _ranked(near: Iterable[tuple[float, str]]) -> Seen:
    ranked = tuple((NUMBER[code], distance) for distance, code in sorted(near))
    return Seen(ranked[0][0], False, ranked)


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

    def tell(text: str, short: bool) -> Seen:
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
        return Seen(NUMBER[code], not short and best[code] >= CERTAIN)

    return tell


def _every() -> Sequence[Any]:
    return sorted(import_module("lingua").Language.all(), key=lambda language: str(language.iso_code_639_1.name))


@cache
def _lingua() -> Detector:
    detector = import_module("lingua").LanguageDetectorBuilder.from_languages(*_every()).build()

    def tell(text: str, short: bool) -> Seen:
        best: dict[str, float] = {}
        for guess in detector.compute_language_confidence_values(text):
            code = plain(guess.language.iso_code_639_1.name.lower())
            best[code] = max(best.get(code, 0.0), guess.value)
        top = max(best.values())
        if top <= 0 or (short and top < _FAINT):
            return NOTHING
        near = [(1 - value / top, code) for code, value in best.items() if value >= _THIRD * top]
        if not short and all(distance > 1 - _HALF for distance, _ in near if distance):
            return Seen(NUMBER[min(near)[1]], True)
        return _ranked((distance / (1 - _THIRD), code) for distance, code in near)

    return tell
