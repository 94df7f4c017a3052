"""Compare two runs: which rows only one of them wrote, which both wrote and not alike, and which setting did it.

Rows are the same if they have the same id, `file#number of the first record`; ids count on inputs that did not change,
and `Comparison.inputs` says which did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
import xxhash

from ftdata import files, ledger
from ftdata.errors import InputError, RecipeError
from ftdata.files import Record
from ftdata.manifest import Manifest, load

What = Literal["added", "removed", "changed"]
_BLOCK = 4096


@dataclass(frozen=True)
class Change:
    """One setting that the runs do not share: `stage` is its label, `run` for the recipe's own options.

    `old` or `new` is None where one has no such setting; `field` is empty for a stage that only one of them has.
    """

    stage: str
    field: str
    old: Any
    new: Any

    def __str__(self) -> str:
        if not self.field:
            return f"{self.stage}: only in {'B' if self.old is None else 'A'}"
        return f"{self.stage}: {self.field}: {_shown(self.old)} → {_shown(self.new)}"


@dataclass(frozen=True)
class Group:
    """Rows that changed in one way: `stage` and `reason` say where (of the run that dropped them, or where the first
    of what happened to them differs), `causes` which settings that comes from, as far as the recipes tell.

    `ids` are in the order of the rows.
    """

    what: What
    stage: str
    reason: str
    ids: tuple[str, ...]
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side, A before and B after. `same` rows were written alike by both.

    `texts`: whether what was written could be compared; else only what the ledgers tell of it.
    """

    rows: tuple[int, int]
    written: tuple[int, int]
    same: int
    groups: tuple[Group, ...]
    changes: tuple[Change, ...]
    inputs: tuple[str, ...]
    versions: tuple[str, ...]
    texts: bool

    def count(self, what: What) -> int:
        """Count the rows that were added, removed or changed."""
        return sum(len(group.ids) for group in self.groups if group.what == what)


def compare(before: Record, after: Record) -> Comparison:
    """Compare two finished runs.

    Raises `InputError` if one of them never finished, `RecipeError` if both are the same record.
    """
    if before.folder.absolute() == after.folder.absolute():
        raise RecipeError(
            f"{before.folder}: both name this record, which holds the last run only; give one of the two runs another "
            "name or output"
        )
    old, new = _Run(before), _Run(after)
    changes = tuple(_changes(old.manifest, new.manifest))
    inputs = tuple(_inputs(old.manifest, new.manifest))
    versions = tuple(_versions(old.manifest, new.manifest))
    why = _Causes(old.manifest, new.manifest, changes, inputs, versions)
    old_hashes, new_hashes = old.hashes(), new.hashes()
    texts = old_hashes is not None and new_hashes is not None
    both = old.rows(old_hashes if texts else None).join(
        new.rows(new_hashes if texts else None), on="id", how="full", coalesce=True, suffix="_b"
    )
    both = both.sort(pl.coalesce("row", "row_b"), "id")
    found: dict[tuple[What, str, str], list[str]] = {}
    alike = both.select(_alike()).to_series()
    same = int((alike & both["kept"]).sum())
    for row in both.filter(~alike).iter_rows(named=True):
        verdict = _verdict(row)
        if verdict is None:
            same += bool(row["kept"] and row["kept_b"])
        else:
            found.setdefault(verdict, []).append(row["id"])
    order = {"removed": 0, "added": 1, "changed": 2}
    groups = tuple(
        Group(what, stage, reason, tuple(ids), why.of(stage))
        for (what, stage, reason), ids in sorted(
            found.items(), key=lambda item: (order[item[0][0]], -len(item[1]), item[0])
        )
    )
    return Comparison(
        (old.manifest.rows, new.manifest.rows),
        (old.manifest.written, new.manifest.written),
        same,
        groups,
        changes,
        inputs,
        versions,
        texts,
    )


def _alike() -> pl.Expr:
    """Say of which rows it is plain that both runs did alike: neither wrote them, or both did, and the very same."""
    written = [pl.col(name).fill_null(False) for name in ("kept", "kept_b")]
    equal = [pl.col(name).eq_missing(pl.col(f"{name}_b")) for name in ("origin", "split", "text")]
    done = pl.col("text").is_not_null() | pl.col("done").eq_missing(pl.col("done_b"))
    return ~(written[0] | written[1]) | pl.all_horizontal(*written, *equal, done)


def _verdict(row: Mapping[str, Any]) -> tuple[What, str, str] | None:
    """Say what became of a row that one of the runs wrote, and at which stage; None if both did alike, or neither."""
    if row["kept"] and not row["kept_b"]:
        return ("removed", row["stage_b"], row["reason_b"]) if row["row_b"] else ("removed", "", "not read by B")
    if row["kept_b"] and not row["kept"]:
        return ("added", row["stage"], row["reason"]) if row["row"] else ("added", "", "not read by A")
    if not row["kept"]:
        return None
    if row["origin"] != row["origin_b"]:
        return "changed", "", "made of other records"
    if row["split"] != row["split_b"]:
        sides = f"{row['split'] or 'no split'} → {row['split_b'] or 'no split'}"
        return "changed", "split", sides
    mine, other = set(row["done"] or ()), set(row["done_b"] or ())
    if row["text"] == row["text_b"] and (row["text"] is not None or mine == other):
        return None
    for event in [*(row["done"] or ()), *(row["done_b"] or ())]:
        if (event in mine) != (event in other):
            return "changed", event.split("\0")[0], "other text"
    return "changed", "", "other text"


class _Run:
    """One run: its manifest, and the end of each of its rows."""

    def __init__(self, record: Record) -> None:
        if not record.manifest.exists():
            raise InputError(f"{record.folder}: holds no finished run to compare; run the recipe first")
        self.record, self.manifest = record, load(record.manifest)
        writers = [stage.label for stage in self.manifest.stages if stage.kind == "writer"]
        if not writers:
            raise InputError(f"{record.manifest}: names no writer, so no row of it was written; run the recipe again")
        self.writer = writers[0]

    def rows(self, hashes: pl.DataFrame | None) -> pl.DataFrame:
        """Give one line a row: whether it was written, on which side, as which text; else by which stage it went."""
        lines = ledger.scan(self.record.ledger)
        event = pl.col("event")
        splits = {out.path: out.split for out in self.manifest.outputs}
        ends = lines.filter(
            (event == "drop") | ((event == "write") & (pl.col("stage") == self.writer) & pl.col("reason").is_null())
        ).select(
            "row",
            "id",
            origin=pl.col("origin").cast(pl.List(pl.Int64)),
            kept=event == "write",
            stage=pl.col("stage"),
            reason=pl.col("reason").fill_null(""),
            split=pl.col("output").replace_strict(splits, default=None, return_dtype=pl.String),
        )
        done = (
            lines.filter(event.is_in(["edit", "flag"]))
            .group_by("row", maintain_order=True)
            .agg(
                done=pl.concat_str(
                    pl.col("stage"),
                    pl.lit("\0"),
                    event,
                    pl.lit("\0"),
                    pl.col("reason").fill_null(""),
                    pl.lit("\0"),
                    # The numbers of twins are another matter: the run before gives rows other numbers.
                    pl.col("note").fill_null("").str.replace_all(r"\brow \d+", "row"),
                )
            )
        )
        frame = ends.unique("row", keep="first").join(done, on="row", how="left").collect()
        if hashes is None:
            return frame.with_columns(pl.lit(None, dtype=pl.List(pl.UInt64)).alias("text"))
        # A row may have several lines; they stand in one file.
        of_row = lines.filter((event == "write") & (pl.col("stage") == self.writer)).select("row", "output", "line")
        told = of_row.collect().join(hashes, on=["output", "line"], how="left").sort("row", "line")
        return frame.join(told.group_by("row").agg("text"), on="row", how="left")

    def hashes(self) -> pl.DataFrame | None:
        """Hash each line that the first writer wrote; None if a file is gone, or is not as it was written."""
        own = ledger.scan(self.record.ledger).filter((pl.col("stage") == self.writer) & (pl.col("event") == "write"))
        paths = sorted(own.select("output").unique().collect()["output"].to_list())
        sums = {out.path: out.sha256 for out in self.manifest.outputs}
        parts = [pl.DataFrame(schema={"output": pl.String, "line": pl.UInt64, "text": pl.UInt64})]
        for path in paths:
            place = self.record.absolute(path)
            if not place.is_file() or files.sha256(place) != sums.get(path):
                return None
            found = list(map(xxhash.xxh3_64_intdigest, _texts(place)))
            text = pl.Series("text", found, pl.UInt64)
            numbers = pl.Series("line", range(1, len(found) + 1), pl.UInt64)
            parts.append(pl.DataFrame([pl.Series("output", [path] * len(found), pl.String), numbers, text]))
        return pl.concat(parts)


def _texts(path: Path) -> Iterator[bytes]:
    """Give the rows of an output as bytes that are equal where the rows are."""
    if path.suffix != ".parquet":
        with path.open("rb") as stream:
            for line in stream:
                yield line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
        return
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as table:
        for part in table.iter_batches(_BLOCK):
            for row in part.to_pylist():
                yield repr(row).encode("utf-8", "surrogatepass")


# --- what differs between the recipes ---------------------------------------------------------------------------------


def _stages(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Give the settings of each stage by its label (of readers and writers: their place among their kind)."""
    found: dict[str, dict[str, Any]] = {"run": dict(manifest.recipe.get("run", {}))}
    kinds = {"read": ("reader",), "write": ("writer",), "step": ("transform", "selector", "check")}
    for kind in ("read", "step", "write"):
        labels = [stage.label for stage in manifest.stages if stage.kind in kinds[kind]]
        for label, fields in zip(labels, manifest.recipe.get(kind, []), strict=False):
            # A reader and a writer may share a label.
            found[f"[[write]] {label}" if kind == "write" else label] = dict(fields)
    return found


def _changes(old: Manifest, new: Manifest) -> Iterator[Change]:
    mine, other = _stages(old), _stages(new)
    for label in [*mine, *(label for label in other if label not in mine)]:
        if label not in other:
            yield Change(label, "", mine[label], None)
        elif label not in mine:
            yield Change(label, "", None, other[label])
        else:
            a, b = mine[label], other[label]
            for name in [*a, *(name for name in b if name not in a)]:
                # Two runs cannot have one output: where they write says nothing of the rows.
                elsewhere = name in ("name", "jobs") or (name == "path" and label.startswith("[[write]]"))
                if a.get(name) != b.get(name) and not elsewhere:
                    yield Change(label, name, a.get(name), b.get(name))
    here, there = ([label for label in run if label in other and label in mine] for run in (mine, other))
    for label, place in zip(here, there, strict=True):
        if label != place:
            yield Change(label, "place", here.index(label), there.index(label))
            break


def _inputs(old: Manifest, new: Manifest) -> Iterator[str]:
    mine, other = ({part.name: part.sha256 for part in run.inputs} for run in (old, new))
    for name in [*mine, *(name for name in other if name not in mine)]:
        if name not in other or name not in mine:
            yield f"{name}: read by {'A' if name in mine else 'B'} only"
        elif mine[name] != other[name]:
            yield f"{name}: holds other bytes"


def _versions(old: Manifest, new: Manifest) -> Iterator[str]:
    mine, other = ({"ftdata": run.ftdata, **run.plugins} for run in (old, new))
    for name in sorted({*mine, *other}):
        if mine.get(name) != other.get(name):
            yield f"{name}: {mine.get(name, 'not used')} → {other.get(name, 'not used')}"


class _Causes:
    """Say which settings a change at a stage comes from: its own; else those of stages before it, else the inputs."""

    def __init__(
        self,
        old: Manifest,
        new: Manifest,
        changes: tuple[Change, ...],
        inputs: tuple[str, ...],
        versions: tuple[str, ...],
    ) -> None:
        self.changes, self.inputs, self.versions = changes, inputs, versions
        self.orders = [[stage.label for stage in run.stages if stage.kind != "writer"] for run in (old, new)]

    def of(self, stage: str) -> tuple[str, ...]:
        own = tuple(str(change) for change in self.changes if change.stage == stage)
        if own:
            return own
        before = {
            label
            for order in self.orders
            for label in (order[: order.index(stage)] if stage in order else order if not stage else [])
        }
        earlier = tuple(f"before it, {change}" for change in self.changes if change.stage in before | {"run"})
        return earlier or self.inputs or self.versions or ("no setting, input or version differs",)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    text = str(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else f"{text[:57]}…"
