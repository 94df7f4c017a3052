"""The tags of rows as JSON text, made for all rows at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from ftdata.batch import nest
from ftdata.selectors.language.codes import CODES
from ftdata.selectors.language.scripts import SCRIPTS
from ftdata.selectors.language.turns import SILENT
from ftdata.selectors.language.variants import VARIANTS


def named(column: str, names: Sequence[str]) -> pl.Expr:
    """Give the names of a column of numbers."""
    return pl.col(column).replace_strict(range(len(names)), names, return_dtype=pl.String)


def tags(judged: pl.DataFrame, by_turn: bool) -> pl.Expr:
    """Make the tags; what is not told is left out, but for turns: these are `unknown`, or null where none is told."""
    parts = [
        pl.format('"code":"{}"', named("code", CODES)),
        pl.when(pl.col("code") > 0).then(pl.format('"confidence":"{}"', "confidence")),
        pl.when(pl.col("variant") > 0).then(pl.format('"variant":"{}"', named("variant", ("", *VARIANTS)))),
        pl.when(pl.col("script") > 0).then(pl.format('"script":"{}"', named("script", ("", *SCRIPTS)))),
    ]
    if by_turn:
        user = pl.when("user").then("code").otherwise(0).cast(pl.UInt8)
        parts += [
            pl.format('"user":"{}"', user.replace_strict(range(len(CODES)), CODES, return_dtype=pl.String)),
            pl.format('"assistant":"{}"', named("assistant", CODES)),
            pl.lit(_turns(judged["turns"])),
            pl.lit(_shares(judged["turns"])),
        ]
    return pl.concat_str([pl.lit("{"), pl.concat_str(parts, separator=",", ignore_nulls=True), pl.lit("}")])


def without_turns(tagged: pl.Series) -> pl.Series:
    """Cut tags off before what is told of turns: few are different then."""
    return tagged.str.replace(r',"user":.*$', "}")


def _turns(turns: pl.Series) -> pl.Series:
    every = turns.explode(empty_as_null=False, keep_nulls=False)
    names = np.full(SILENT + 1, "null", dtype=object)
    names[: len(CODES)] = [f'"{code}"' for code in CODES]
    ends = np.concatenate(([0], np.cumsum(turns.list.len().to_numpy(), dtype=np.int64)))
    told = nest(pl.Series(names, dtype=pl.String).gather(every.cast(pl.UInt32)), ends)
    return pl.select(pl.format('"turns":[{}]', told.list.join(","))).to_series()


def _shares(turns: pl.Series) -> pl.Series:
    owner = np.repeat(np.arange(len(turns)), turns.list.len().to_numpy())
    every = pl.DataFrame({"row": owner, "code": turns.explode(empty_as_null=False, keep_nulls=False)})
    counted = (
        every.filter((pl.col("code") > 0) & (pl.col("code") < SILENT))
        .group_by("row", "code")
        .len()
        .with_columns((pl.col("len") / pl.col("len").sum().over("row")).round(2).alias("share"))
        .sort("row", "len", "code", descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(pl.format('"{}":{}', named("code", CODES), "share"))
    )
    shares = pl.Series(["{}"]).new_from_index(0, len(turns))
    if counted.height:
        text = pl.select(pl.concat_str([pl.lit("{"), counted["code"].list.join(","), pl.lit("}")])).to_series()
        shares = shares.scatter(counted["row"].to_numpy(), text)
    return pl.select(pl.concat_str([pl.lit('"shares":'), shares])).to_series()
