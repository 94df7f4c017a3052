"""Parquet and Arrow files as JSON lines: what pyarrow, polars and datasets write, read as they read it."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import io
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hostile import arrow, parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.errors import InputError
from ftdata.frames import pages
from ftdata.source import Limits, Source

datasets.disable_progress_bars()


def rows(path: Path, **options: Any) -> list[Any]:
    with Source(path, **options) as source:
        found = [json.loads(line) for block in source.lines() for line in block.lines]
        assert source.handed == len(found)
        return found


def put(folder: Path, data: bytes, name: str = "in.bin") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def talks(count: int) -> pa.Table:
    rng = random.Random(3)
    turns = [
        [
            {"role": role, "content": f"{role} ação “{rng.random()}”\n", "weight": None if number % 3 else 1}
            for role in ("user", "assistant")
        ][: number % 3]
        for number in range(count)
    ]
    return pa.table(
        {
            "id": pa.array(range(count), pa.int64()),
            "messages": pa.array([None if number % 7 == 0 else turn for number, turn in enumerate(turns)]),
            "tag": pa.array([None if n % 5 == 0 else f"tag {n % 4}" for n in range(count)]).dictionary_encode(),
            "nothing": pa.nulls(count),
            "score": pa.array([rng.random() for _ in range(count)]),
            "long": pa.array([f"{n}" * (n % 40) for n in range(count)], pa.large_string()),
            "props": pa.array([[("a", n), ("b", None)] for n in range(count)], pa.map_(pa.string(), pa.int64())),
        }
    )


WRITERS = {
    "parquet": lambda t: parquet(t),
    "small groups": lambda t: parquet(t, row_group_size=97, compression="zstd", data_page_version="2.0"),
    "small pages": lambda t: parquet(t, data_page_size=200, use_dictionary=False, compression="gzip"),
    "delta": lambda t: parquet(t, use_dictionary=False, column_encoding={"long": "DELTA_BYTE_ARRAY"}),
    "brotli": lambda t: parquet(t, compression="brotli", store_schema=False),
    "feather": lambda t: feather(t, compression="lz4"),
    "feather zstd": lambda t: feather(t, compression="zstd", chunksize=100),
    "stream": lambda t: streamed(t, 100),
    "stream zstd": lambda t: streamed(t, 64, compression="zstd"),
}


def feather(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(table, out, **options)
    return out.getvalue()


def streamed(table: pa.Table, size: int, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, size)
    return out.getvalue()


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("count", [0, 1, 3000])
def test_what_pyarrow_writes(writer: str, count: int, tmp_path: Path) -> None:
    table = talks(max(count, 100)).slice(0, count)
    path = put(tmp_path, WRITERS[writer](table))
    expected = table.to_pylist(maps_as_pydicts="strict")
    assert rows(path) == expected
    with Source(path) as source:
        for _ in source.lines():
            pass
        one = source.inputs[0]
        assert (one.bytes, one.records) == (path.stat().st_size, count)
        assert source.bytes_read <= source.bytes_total == path.stat().st_size
    with Source(path) as source:
        assert [record.value for record in source.json_items()] == expected
    with Source(path, records=2) as source:
        assert sum(block.count for block in source.lines()) == min(2, count)
    with Source(path) as source:
        assert source.sample(5) == expected[:5] or not count
        assert source.handed == 0 and source.head(3) == (b'{"i' if count else b"")


@pytest.mark.parametrize("ending", ["parquet", "ipc", "ipc_stream"])
@pytest.mark.parametrize("compression", ["zstd", "uncompressed"])
def test_what_polars_writes(ending: str, compression: str, tmp_path: Path) -> None:
    frame = pl.DataFrame(pl.from_arrow(talks(2000).drop_columns(["props"]))).with_columns(
        kind=pl.Series(["a", "b", None, "a"] * 500, dtype=pl.Categorical),
        fixed=pl.Series(["x", "y"] * 1000, dtype=pl.Enum(["x", "y"])),
        empty=pl.lit(None, pl.List(pl.Struct({"a": pl.Int8}))),
    )
    path = tmp_path / "in.bin"
    getattr(frame, f"write_{ending}")(path, compression=compression)
    assert rows(path) == frame.to_dicts()


def test_standard_input(tmp_path: Path) -> None:
    data = parquet(talks(500), row_group_size=100)
    code = "from ftdata.source import Source\nprint(sum(b.count for b in Source('-').lines()), Source)"
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert done.stdout.startswith(b"500 ")


# --- values -----------------------------------------------------------------------------------------------------------

NINETY = dt.timedelta(minutes=90, milliseconds=500)
VALUES: dict[str, tuple[pa.DataType, list[Any], list[Any]]] = {
    "moment": (pa.timestamp("us"), [0, 1_700_000_000_123_456], ["1970-01-01T00:00:00", "2023-11-14T22:13:20.123456"]),
    "zone": (pa.timestamp("s", "America/Sao_Paulo"), [1_700_000_000, None], ["2023-11-14T22:13:20Z"]),
    "nanoseconds": (pa.timestamp("ns"), [1, -1], ["1970-01-01T00:00:00.000000001", "1969-12-31T23:59:59.999999999"]),
    "far": (pa.timestamp("s"), [2**62], ["146138514283-06-19T07:45:04"]),
    "date": (pa.date32(), [dt.date(2024, 2, 29), None], ["2024-02-29"]),
    "date64": (pa.date64(), [dt.date(2024, 2, 29), None], ["2024-02-29"]),
    "time": (pa.time32("ms"), [dt.time(23, 59, 58, 5000), dt.time(0, 0)], ["23:59:58.005", "00:00:00"]),
    "duration": (pa.duration("ms"), [NINETY, dt.timedelta(-1)], ["PT5400.5S", "-PT86400S"]),
    "decimal": (pa.decimal128(9, 2), [decimal.Decimal("19.90"), None], [19.9]),
    "long decimal": (pa.decimal128(38, 2), [decimal.Decimal("19.90"), None], ["19.90"]),
    "bytes": (pa.binary(), [b"\xff\0", b""], ["/wA=", ""]),
    "uuid": (pa.binary(2), [b"ab", None], ["YWI="]),
    "half": (pa.float16(), [1.5, None], [1.5]),
    "not a number": (pa.float64(), [float("nan"), 1.0], [None, 1.0]),
    "unsigned": (pa.uint64(), [2**64 - 1, 0], [2**64 - 1, 0]),
    "view": (pa.string_view(), ["a" * 99, "b", None], ["a" * 99, "b"]),
    "fixed list": (pa.list_(pa.float32(), 2), [[1, 2], None], [[1.0, 2.0]]),
    "list view": (pa.list_view(pa.date32()), [[dt.date(2024, 1, 1)], None, []], [["2024-01-01"]]),
    "map of numbers": (pa.map_(pa.int32(), pa.date32()), [[(1, dt.date(2024, 1, 1))], None], [{"1": "2024-01-01"}]),
    "JSON": (pa.json_(), ['{"a": [1, 2.50]}', None], [{"a": [1, 2.5]}]),
    "deep": (
        pa.list_(pa.struct([("at", pa.timestamp("s")), ("inner", pa.list_(pa.binary()))])),
        [[{"at": 0, "inner": [b"a", None]}, None], None, []],
        [[{"at": "1970-01-01T00:00:00", "inner": ["YQ==", None]}, None]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str, tmp_path: Path) -> None:
    kind, given_values, expected = VALUES[name]
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    array = pa.array(given_values * 3, storage).cast(kind) if storage is not kind else pa.array(given_values * 3, kind)
    expected = (expected + [None if v is None else v for v in given_values[len(expected) :]]) * 3
    table = pa.table({"a": array, "b": pa.array(range(len(array)))})
    for data in (arrow(table.to_batches()[0]), arrow(table.to_batches()[0], stream=False)):
        assert [row["a"] for row in rows(put(tmp_path, data))] == expected
    sliced = table.slice(1)
    assert [row["a"] for row in rows(put(tmp_path, arrow(sliced.to_batches()[0])))] == expected[1:]


def test_a_number_that_no_double_holds_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, parquet(pa.table({"a": [1.5, float("inf"), float("-inf")]})))
    with Source(path) as source:
        assert [record.problem for record in source.json_items()] == [None, "huge-number", "huge-number"]


def test_text_that_is_no_utf8_is_one_bad_row(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([b"good", b"b\xffd", b"also good"]), "b": pa.array([b"x", b"y", b"z"])})
    data = parquet(table.cast(pa.schema([("a", pa.binary()), ("b", pa.string())])), store_schema=False)
    # The column is said to be text by its name in the schema, as writers do that do not check.
    text = pa.schema([("a", pa.string()), ("b", pa.string())])
    out = io.BytesIO()
    unchecked = pa.Table.from_arrays(
        [table["a"].chunk(0).view(pa.string()), table["b"].chunk(0).view(pa.string())], schema=text
    )
    pq.write_table(unchecked, out, write_statistics=False)
    with Source(put(tmp_path, out.getvalue())) as source:
        assert [record.problem for record in source.json_items()] == [None, "not-utf8", None]
    assert rows(put(tmp_path, data))[0]["a"] == base64.b64encode(b"good").decode()


def test_a_row_that_is_too_large_stands_alone(tmp_path: Path) -> None:
    path = put(tmp_path, parquet(pa.table({"a": ["x", "y" * 2_000_000, "z"]})))
    with Source(path, limits=Limits(row=1_000_000)) as source:
        blocks = [(block.number, block.count, block.problem) for block in source.lines()]
    assert blocks == [(1, 1, None), (2, 1, "row-too-large"), (3, 1, None)]


def test_images_leave_their_path_and_are_counted(tmp_path: Path) -> None:
    image = {"bytes": b"\x89PNG", "path": "cat.png"}
    table = pa.table({"image": [image, None], "turns": [[{"image": image, "text": "a"}], []]})
    with Source(put(tmp_path, parquet(table))) as source:
        found = [json.loads(line) for block in source.lines() for line in block.lines]
        assert source.left_out == {"media": 2}
    assert found == [
        {"image": {"path": "cat.png"}, "turns": [{"image": {"path": "cat.png"}, "text": "a"}]},
        {"image": None, "turns": []},
    ]


def one_row(*arrays: pa.Array) -> bytes:
    return arrow(pa.RecordBatch.from_arrays(list(arrays), ["a"] * len(arrays)))


UNION = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
INTERVAL = pa.array([(1, 2, 3)], pa.month_day_nano_interval())
REFUSED = {
    "two columns of one name": (one_row(pa.array([1]), pa.array([2])), "two columns"),
    "a union": (one_row(UNION), "cannot be written as JSON"),
    "an interval": (one_row(INTERVAL), "cannot be written as JSON"),
    "old feather": (b"FEA1" + b"\0" * 100, "Feather 1 file.*newer"),
    "encrypted": (b"PARE" + b"\0" * 100, "encrypted Parquet file.*decrypt"),
    "encrypted columns": (b"PAR1" + b"\0" * 100 + b"PARE", "encrypted"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    data, told = REFUSED[name]
    with Source(put(tmp_path, data)) as source, pytest.raises(InputError, match=told):
        list(source.lines())


# --- as tables, and as delimited text ---------------------------------------------------------------------------------


def test_as_a_table(tmp_path: Path) -> None:
    table = pa.table(
        {"q": ['a "b", c', None, "d\ne"], "n": [1, None, 3], "ok": [True, False, None], "l": [[1, 2], [], None]}
    )
    with Source(put(tmp_path, parquet(table))) as source:
        found = source.csv_records()
        assert (found.fields, found.delimiter) == (("q", "n", "ok", "l"), ",")
        assert [record.value for record in found] == [
            ['a "b", c', "1", "true", "[1,2]"],
            ["", "", "false", "[]"],
            ["d\ne", "3", "", ""],
        ]
    with Source(put(tmp_path, parquet(table))) as source:
        assert [record.value for record in source.objects()] == table.to_pylist()


# --- datasets ---------------------------------------------------------------------------------------------------------


def chats(count: int) -> list[dict[str, Any]]:
    return [
        {
            "messages": [{"role": "user", "content": f"é {n}"}, {"role": "assistant", "content": None}],
            "n": n,
            "f": n / 3,
        }
        for n in range(count)
    ]


def test_what_datasets_saves(tmp_path: Path) -> None:
    made = datasets.Dataset.from_list(chats(700))
    made.save_to_disk(str(tmp_path / "saved"), num_shards=3)
    (tmp_path / "saved/cache-0123.arrow").write_bytes(b"the result of a map")
    expected = list(datasets.load_from_disk(str(tmp_path / "saved")))
    with Source(tmp_path / "saved") as source:
        assert source.members() == ()
        assert source.sample(3) == expected[:3]
        assert [record.value for record in source.objects()] == expected
        assert [(one.name, one.records) for one in source.inputs] == [
            ("saved/data-00000-of-00003.arrow", 234),
            ("saved/data-00001-of-00003.arrow", 233),
            ("saved/data-00002-of-00003.arrow", 233),
        ]
        assert source.place(235) == "saved/data-00001-of-00003.arrow:1"


def test_what_the_hub_holds(tmp_path: Path) -> None:
    home = tmp_path / "set"
    (home / "data").mkdir(parents=True)
    (home / "README.md").write_text("---\nlicense: mit\n---\n")
    made = datasets.Dataset.from_list(chats(30))
    made.select(range(10)).to_parquet(str(home / "data/train-00000-of-00002.parquet"))
    made.select(range(10, 20)).to_parquet(str(home / "data/train-00001-of-00002.parquet"))
    made.select(range(20, 25)).to_parquet(str(home / "data/validation-00000-of-00001.parquet"))
    made.select(range(25, 30)).to_parquet(str(home / "data/test-00000-of-00001.parquet"))
    theirs = datasets.load_dataset(str(home), cache_dir=str(tmp_path / "cache"))
    for which in ("train", "validation", "test"):
        assert rows(f"{home}:{which}") == list(theirs[which])  # type: ignore[arg-type]
    assert rows(f"{home}:dev") == list(theirs["validation"])  # type: ignore[arg-type]
    with Source(home) as source:
        assert sum(1 for _ in source.json_items()) == 30
        assert source.splits() == [(1, "test"), (6, "train"), (16, "train"), (26, "validation")]
        assert [number for number, _ in source.spans()] == [1, 6, 16, 26]
        assert source.unread() is None
    with Source(f"{home}:train") as source:
        assert "".join(next(iter(source.lines())).lines[0].decode()).startswith('{"messages"')
        assert source.inputs[0].name == "set/data/train-00000-of-00002.parquet"
    with pytest.raises(InputError, match=r"no file of that split or folder; it has test, train, validation"):
        Source(f"{home}:gone").head()


def test_json_and_media_columns_of_datasets(tmp_path: Path) -> None:
    features = datasets.Features({"args": datasets.Json(), "label": datasets.ClassLabel(names=["no", "yes"])})
    made = datasets.Dataset.from_dict({"args": [{"a": 1}, {"b": [None, "x"]}], "label": [1, 0]}, features=features)
    made.to_parquet(str(tmp_path / "a.parquet"))
    made.save_to_disk(str(tmp_path / "saved"))
    assert rows(tmp_path / "a.parquet") == rows(tmp_path / "saved") == list(made)


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_memory_is_bounded_by_pages_not_by_the_file(tmp_path: Path) -> None:
    """One row group of 75 MB is read page by page."""
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghij ", k=12)) for _ in range(5000)]
    table = pa.table({"text": ["".join(rng.choices(words, k=170)) for _ in range(12_000)]})
    with pq.ParquetWriter(tmp_path / "in.parquet", table.schema, compression="snappy") as writer:
        writer.write_table(pa.concat_tables([table] * 3), row_group_size=1 << 30)
    code = """
import sys
from ftdata.source import Source
def kilobytes(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))
source = Source(sys.argv[1])
source.head()
before = kilobytes("VmRSS")
print(sum(len(block.block) for block in source.lines()), kilobytes("VmHWM") - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "in.parquet"], capture_output=True, text=True, check=True
    )
    size, grown = map(int, done.stdout.split())
    assert size > 70_000_000
    assert grown < 48 * 1024


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["NONE", "zstd"]), st.sampled_from(["1.0", "2.0"]), st.booleans())
def test_page_headers_say_what_the_footer_says(seed: int, compression: str, version: str, coded: bool) -> None:
    rng = random.Random(seed)
    table = talks(rng.randint(1, 3000))
    data = parquet(
        table,
        compression=compression,
        data_page_version=version,
        use_dictionary=coded,
        data_page_size=rng.randint(100, 100_000),
        row_group_size=rng.randint(10, 3000),
        write_page_checksum=rng.random() < 0.5,
    )
    meta = pq.ParquetFile(io.BytesIO(data)).metadata
    for group in range(meta.num_row_groups):
        for number in range(meta.num_columns):
            chunk = meta.row_group(group).column(number)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            found = list(pages(io.BytesIO(data), start, chunk.total_compressed_size))
            assert sum(page.values for page in found if not page.dictionary) == chunk.num_values
            assert any(page.dictionary for page in found) == chunk.has_dictionary_page


@pytest.mark.parametrize("kind", ["parquet", "small pages", "feather", "feather zstd", "stream", "stream zstd"])
def test_damage_is_told_in_one_line(kind: str, tmp_path: Path) -> None:
    """Bytes changed anywhere give an error, other values, or bad rows: never another exception, never a crash."""
    data = WRITERS[kind](talks(60))
    rng, told = random.Random(kind), []
    for _ in range(60):
        made = bytearray(data)
        for _ in range(rng.choice([1, 1, 4])):
            made[rng.randrange(len(made))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        if rng.random() < 0.2:
            del made[rng.randrange(len(made)) :]
        path = put(tmp_path, bytes(made))
        try:
            with Source(path) as source:
                for _ in source.lines():
                    pass
        except InputError as error:
            told.append(str(error))
    assert told and all(one.isprintable() for one in told)
