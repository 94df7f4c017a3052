"""What an answer is once names and numbers are masked, so that canned replies are equal; and whether it refuses."""

from __future__ import annotations

import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, owners, said
from ftdata.transforms.quality.words import phrases

# What fills the slots of a template: addresses, placeholders of scrubbers and of help desks, words with a digit.
_SLOTS = (
    r"https?://\S+|www\.\S+|\S+@\S+|\[[A-Z][A-Z_]*\d*\]|\{\{?[^{}\n]{1,40}\}?\}|<[^<>\n]{1,40}>|"
    r"[\p{L}_-]*\p{N}[\p{L}\p{N}_-]*"
)
_GREETING = (
    r"(?i)^\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|greetings|olá|ola|oi|prezad[oa]s?|car[oa]s?|"
    r"bom dia|boa (?:tarde|noite)|hola|estimad[oa]s?|querid[oa]s?|buen[oa]s (?:días|dias|tardes|noches)|bonjour|"
    r"bonsoir|ch[eè]re?|hallo|guten (?:tag|morgen|abend)|lieber?|sehr geehrte[rs]?|ciao|gentile|buongiorno|salve)"
    r"(?:\s[^,.!:;\n]{0,40})?[,.!:;\n]"
)
_CLOSING = (
    r"(?i)\n[^\n]{0,30}\b(?:regards|sincerely|cheers|best wishes|kind wishes|yours truly|atenciosamente|att|abraços?|"
    r"cumprimentos|cordialmente|saludos|atentamente|cordialement|bien à vous|grüßen?|gruß|saluti)\b[^\n]{0,20}"
    r"(?:\n[^\n]{0,60}){0,5}$"
)
# A word that begins with a capital within a sentence, and those that follow it.
_NAME = r"([\p{Ll}\p{N},;:][ \t]+)\p{Lu}[\p{Ll}.'’][\p{L}'’.-]*(?:[ \t]+\p{Lu}[\p{Ll}.'’][\p{L}'’-]*)*"
# German writes every noun with a capital: two of these words say that a text is German.
_GERMAN = r"(?i)\b(?:der|und|nicht|ist|ihre?|ihnen|sie|wir|für|mit|beim?|eine?|einen|zum?|zur|wird)\b"

_BEGIN = 250
"""Characters in which an answer that refuses says so."""


def replies(batch: Batch) -> pl.Series:
    """Give the longest text of the assistant in each row, the first of equal ones; null where it says nothing."""
    messages = flat(batch)
    texts = said(messages)
    spoken = pl.DataFrame({"owner": owners(batch), "text": texts, "size": texts.str.len_chars()}).with_row_index("at")
    mine = spoken.filter((messages["role"] == "assistant").fill_null(False) & (pl.col("size") > 0))
    longest = mine.sort(["owner", "size", "at"], descending=[False, True, False]).unique(
        "owner", keep="first", maintain_order=True
    )
    whole = pl.Series("reply", [None], pl.String).new_from_index(0, batch.height)
    if not longest.height:
        return whole
    return whole.scatter(longest["owner"].to_numpy().astype(np.int64), longest["text"])


def masked(texts: pl.Series) -> pl.Series:
    """Give what stays of answers without greeting, signature, names, numbers, addresses, case and signs.

    Null where nothing stays. Names are words with a capital inside a sentence, but for German; where names are not told
    by capitals they stay, so that fillings of one template differ.
    """
    frame = pl.DataFrame({"text": texts.str.replace_all("\r\n", "\n", literal=True)})
    cut = pl.col("text").str.replace(_GREETING, " ").str.replace(_CLOSING, " ").str.replace_all(_SLOTS, " # ")
    frame = frame.select(text=cut)
    german = pl.col("text").str.count_matches(_GERMAN) > 1
    text = pl.when(german).then("text").otherwise(pl.col("text").str.replace_all(_NAME, "${1}#"))
    plain = text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}]+", " ").str.strip_chars(" ")
    return frame.select(pl.when(plain != "").then(plain).alias("masked")).to_series()


def refuses(texts: pl.Series) -> pl.Series:
    """Say which answers begin with a refusal, in English, Portuguese, Spanish, French, German or Italian."""
    level = texts.str.slice(0, _BEGIN).str.to_lowercase().str.replace_all("’", "'", literal=True)
    return (
        level.str.replace_all(r"\s+", " ")
        .str.contains("|".join(phrases("refusal")["begins"]))
        .fill_null(False)
        .rename("refusal")
    )
