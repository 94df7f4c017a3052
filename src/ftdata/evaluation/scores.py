"""Measures of an answer beside the right one, each from 0 to 1, 1 the best; each with its source."""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"\w+")
_MISSING = object()


def exact(answer: str, wanted: str) -> float:
    """Say whether two answers are the same text, but for white space around them and Unicode's composition (NFC)."""
    return float(_plain(answer) == _plain(wanted))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip().replace("\r\n", "\n"))


def f1(answer: str, wanted: str) -> float:
    """Give the F1 of the words of two texts, each counted as often as it stands there.

    Source: the evaluation script of SQuAD 2.0: small letters, without ASCII punctuation and English articles, parted by
    white space; two texts without a word are equal.
    """
    ours, theirs = _squad(answer), _squad(wanted)
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(ours), shared / len(theirs)
    return 2 * precision * recall / (precision + recall)


def _squad(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def rouge_l(answer: str, wanted: str) -> float:
    """Give ROUGE-L: the F1 of the longest common subsequence of words.

    Source: Lin 2004; as in the package rouge-score, but that words are runs of letters and digits of any script: its
    own words are a-z and 0-9 only, which tears `ação` to pieces.
    """
    ours, theirs = _WORD.findall(answer.lower()), _WORD.findall(wanted.lower())
    if not ours or not theirs:
        return 0.0
    shared = _subsequence(ours, theirs)
    return 2 * shared / (len(ours) + len(theirs))


def _subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Give the length of the longest common subsequence: one bit for each word of `one` (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    every = (1 << len(one)) - 1
    open_ = every
    for word in other:
        hits = open_ & places.get(word, 0)
        open_ = (open_ + hits | open_ - hits) & every
    return len(one) - open_.bit_count()


def parsed(text: str) -> Any:
    """Give the JSON value that a text is; `ValueError` if it is none. A fence of Markdown is not taken off."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


def is_object(text: str) -> bool:
    """Say whether a text is a JSON object."""
    try:
        return isinstance(parsed(text), dict)
    except (ValueError, RecursionError):
        return False


def valid(answer: str) -> float:
    """Say whether an answer is JSON at all."""
    try:
        parsed(answer)
    except (ValueError, RecursionError):
        return 0.0
    return 1.0


def same_value(answer: str, wanted: str) -> float:
    """Say whether two answers are the same JSON value: the order of keys and the white space do not count."""
    try:
        return float(_typed(parsed(answer)) == _typed(parsed(wanted)))
    except (ValueError, RecursionError):
        return 0.0


def _typed(value: Any) -> Any:
    """Tell true from 1, which Python takes for equal."""
    if isinstance(value, dict):
        return {key: _typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    return (isinstance(value, bool), value)


def fields(answer: str, wanted: str) -> float:
    """Give the share of the leaves of the right object that the answer has, with the same value, at the same path.

    Leaves that only the answer has count as wrong ones: shared / (all paths of either). 0 if the answer is no JSON.
    """
    try:
        ours, theirs = dict(_leaves(parsed(answer), ())), dict(_leaves(parsed(wanted), ()))
    except (ValueError, RecursionError):
        return 0.0
    paths = ours.keys() | theirs.keys()
    right = sum(_typed(ours.get(path, _MISSING)) == _typed(theirs.get(path, _MISSING)) for path in paths)
    return right / len(paths) if paths else 1.0


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for at, inner in enumerate(value):
            yield from _leaves(inner, (*path, at))
    else:
        yield path, value


def chrf(answer: str, wanted: str) -> float:
    """Give chrF (characters in runs of 1 to 6, recall twice as heavy), by the package sacrebleu; from 0 to 1.

    Source: Popović 2015; needs the extra `eval`.
    """
    from sacrebleu import sentence_chrf

    return float(sentence_chrf(answer, [wanted]).score) / 100
