"""Hostile archives and bombs, made here: name, bytes, and what must be said of each (None: it is only data)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from ftdata.expansion import _zstd

zstd = _zstd()
MB = 1 << 20
ROWS = b"a,b\n1,2\n"


class Hostile(NamedTuple):
    name: str
    data: bytes
    told: str | None


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def named(name: str) -> bytes:
    return zipped((name, ROWS))


def link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def entry(data: bytes, at: int, form: str, value: int, *, local: int | None = None) -> bytes:
    """Change a field of the only directory entry (and of the local header)."""
    made = bytearray(data)
    place = made.rfind(b"PK\x01\x02")
    struct.pack_into(form, made, place + at, value)
    if local is not None:
        struct.pack_into(form, made, local, value)
    return bytes(made)


def ended(data: bytes, at: int, form: str, value: int) -> bytes:
    """Change a field of the end record."""
    made = bytearray(data)
    struct.pack_into(form, made, made.rfind(b"PK\x05\x06") + at, value)
    return bytes(made)


def overlapping(count: int = 200) -> bytes:
    """Make a zip whose directory points to one member many times (after Fifield, "A better zip bomb", 2019)."""
    one = zipped(("0.csv", b"a,b\n" * 100_000))
    start, end = one.rfind(b"PK\x01\x02"), one.rfind(b"PK\x05\x06")
    entries = b"".join(one[start:end].replace(b"0.csv", b"%05d" % number) for number in range(count))
    local = one[:start].replace(b"0.csv", b"00000")
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entries), len(local), 0)
    return local + entries + tail


def sparse_zip(members: int, size: int) -> bytes:
    """Make a zip of members that each stay under the limit of one, and are too much together."""
    data = b"0,1\n" * (size // 4)
    return zipped(*((f"{number}.csv", data) for number in range(members)))


def zip64_lie() -> bytes:
    """Make a member whose size of 64 bits is told to be nearly 2**63."""
    made = bytearray(zipped(("t.csv", ROWS)))
    at, end = made.rfind(b"PK\x01\x02"), made.rfind(b"PK\x05\x06")
    struct.pack_into("<L", made, at + 24, 0xFFFFFFFF)
    extra = struct.pack("<HHQ", 1, 8, (1 << 63) - 1)
    struct.pack_into("<H", made, at + 30, len(extra))
    made[end:end] = extra
    return ended(bytes(made), 12, "<L", end - at + len(extra))


def many(count: int) -> bytes:
    """Make a zip of very many empty members, quickly."""
    local, directory = bytearray(), bytearray()
    for number in range(count):
        name = b"%06d" % number
        head = struct.pack("<5H3L2H", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<3H2L", 0, 0, 0, 0, len(local)) + name
        local += b"PK\x03\x04" + head + name
    size, start = len(directory), len(local)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    place = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + size, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(local + directory) + end64 + place + end


def packed(kind: str, block: bytes, times: int) -> bytes:
    """Compress a block many times over."""
    if kind == "bz2":
        return bz2.compress(block * 4) * -(-times // 4)
    made: Any = {
        "gz": lambda: zlib.compressobj(9, wbits=31),
        "xz": lambda: lzma.LZMACompressor(preset=0),
        "zst": lambda: zstd.ZstdCompressor(),
    }[kind]()
    return b"".join(made.compress(block) for _ in range(times)) + made.flush()


def zip_bomb(block: bytes, times: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("t.csv", "w") as member:
        for _ in range(times):
            member.write(block)
    return out.getvalue()


# --- workbooks --------------------------------------------------------------------------------------------------------

TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def relations(*parts: tuple[str, str]) -> str:
    inside = "".join(
        f'<Relationship Id="r{number}" Type="{REL}/{kind}" Target="{part}"/>'
        for number, (kind, part) in enumerate(parts)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>'
    )


def workbook(sheet: str | bytes, texts: str | bytes = b"", styles: str = "") -> bytes:
    """Make a workbook of one sheet."""
    parts: list[tuple[str, str | bytes]] = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", relations(("officeDocument", "xl/workbook.xml"))),
        (
            "xl/workbook.xml",
            f'<workbook {MAIN} xmlns:r="{REL}"><sheets><sheet name="S" sheetId="1" r:id="r0"/></sheets></workbook>',
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(
                ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml"), ("styles", "s.xml")
            ),
        ),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", texts or f"<sst {MAIN}/>"),
        ("xl/s.xml", styles or f"<styleSheet {MAIN}/>"),
    ]
    return zipped(*((name, data.encode() if isinstance(data, str) else data) for name, data in parts))


def sheet_of(rows: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "' + "ha" * 50 + '">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)  # fmt: skip


# --- columnar ---------------------------------------------------------------------------------------------------------


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def arrow(batch: pa.RecordBatch, *, stream: bool = True, **options: Any) -> bytes:
    out = io.BytesIO()
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(out, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_batch(batch)
    return out.getvalue()


def lying_footer() -> bytes:
    data = bytearray(parquet(pa.table({"a": [1, 2]})))
    struct.pack_into("<L", data, len(data) - 8, 0x7FFFFFFF)
    return bytes(data)


def many_groups() -> bytes:
    """Make a footer that tells of a million row groups in a few bytes (Thrift: a list of empty structs)."""
    footer = b"\x15\x02\x19\x1c" + b"\x48\x01r\x15\x02\x00"[:0] + b"\x16\x02\x19\xfc\x80\x89\x7a" + b"\0" * 10
    return b"PAR1" + footer + struct.pack("<L", len(footer)) + b"PAR1"


def page_bomb() -> bytes:
    """Make a Parquet page that expands from a few kB to 110 MB."""
    table = pa.table({"a": pa.array(["x" * (110 * MB)], pa.large_string())})
    return parquet(table, compression="zstd", use_dictionary=False, write_statistics=False)


def dictionary_bomb() -> bytes:
    """Make one long text that stands in very many rows: a megabyte that a few bits repeat."""
    codes = pa.array([0] * 200_000, pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, ["y" * (1 * MB)])
    return parquet(pa.table({"a": column}), compression="zstd")


def list_bomb(count: int) -> bytes:
    """Make one row with a list of very many nulls, which take no bytes."""
    return parquet(pa.table({"a": pa.array([[None] * count], pa.list_(pa.int32()))}), compression="zstd")


def null_rows(count: int) -> bytes:
    return arrow(pa.RecordBatch.from_arrays([pa.nulls(count)], ["a"]))


def null_list(count: int) -> bytes:
    offsets = pa.array([0, count], pa.int32())
    return arrow(pa.RecordBatch.from_arrays([pa.ListArray.from_arrays(offsets, pa.nulls(count))], ["a"]))


def views_bomb() -> bytes:
    """Make lists that all are the same long one (list views may lie over one another)."""
    count, size = 1000, 100_000
    made = pa.ListViewArray.from_arrays(
        pa.array([0] * count, pa.int32()), pa.array([size] * count, pa.int32()), pa.array([7] * size, pa.int8())
    )
    return arrow(pa.RecordBatch.from_arrays([made], ["a"]))


def bad_offsets() -> bytes:
    """Make texts whose offsets point far outside of the data."""
    data = arrow(pa.RecordBatch.from_arrays([pa.array(["abcdefg", "hijklmn"])], ["a"]))
    return data.replace(struct.pack("<3i", 0, 7, 14), struct.pack("<3i", 0, 7, 1_000_000_000))


def huge_message() -> bytes:
    """Make an Arrow stream whose body is told to be an exabyte."""
    data = arrow(pa.RecordBatch.from_arrays([pa.array(range(1000), pa.int64())], ["a"]))
    return data.replace(struct.pack("<q", 8000), struct.pack("<q", 1 << 60))


def hostile() -> Iterator[Hostile]:
    """Make them all; some are large, so one at a time."""
    zeros, lines, pairs = b"\0" * (10 * MB), (b"x" * 99 + b"\n") * 100_000, b"question,answer\n" * 650_000
    for place, name in enumerate(
        (
            "../evil.csv",
            "/etc/evil.csv",
            "C:\\evil.csv",
            "\\\\host\\share\\evil.csv",
            "..\\evil.csv",
            "con",
            "evil.csv\0.txt",
        )
    ):
        data = named(name.replace("\0", "#")).replace(b"#", b"\0")
        yield Hostile(f"name {place}", data, None)
    yield Hostile("link", link(), None)
    yield Hostile("zip in zip", zipped(("a.zip", named("t.csv"))), "holds a zip file inside")
    yield Hostile("gzip in gzip", gzip.compress(gzip.compress(ROWS)), "holds a gzip file inside")
    yield Hostile("zstd in zip", zipped(("a.zst", zstd.compress(ROWS))), "holds a zstd file inside")
    yield Hostile("Parquet in gzip", gzip.compress(parquet(pa.table({"a": [1]}))), "holds a Parquet file inside")
    yield Hostile("Parquet in zip", zipped(("a.parquet", parquet(pa.table({"a": [1]})))), "holds a Parquet file inside")
    yield Hostile("tar in xz", lzma.compress(b"x" * 257 + b"ustar" + b"\0" * 300), "holds a tar file inside")
    for kind in ("gz", "bz2", "xz", "zst"):
        yield Hostile(f"{kind} of zeros", packed(kind, zeros, 11), "expands more than 200-fold")
        yield Hostile(
            f"{kind} of rows", packed(kind, pairs if kind == "gz" else lines, 12), "expands more than 200-fold"
        )
    late = random.Random(1).randbytes(150_000).hex().encode() + b"\n"
    yield Hostile("gz of rows, late", gzip.compress(late) + packed("gz", pairs, 11), "expands more than 200-fold")
    yield Hostile("zip of zeros", zip_bomb(zeros, 11), "expands more than 200-fold")
    yield Hostile("zip of many", sparse_zip(14, 8 * MB), "expands more than 200-fold")
    yield Hostile("overlapping", overlapping(), "lie over one another")
    yield Hostile("overlapping, large", overlapping(5000), "expands more than 200-fold|lie over one another")
    yield Hostile("encrypted", entry(named("t.csv"), 8, "<H", 1, local=6), "is encrypted")
    yield Hostile("AES", entry(named("t.csv"), 10, "<H", 99, local=8), "is encrypted")
    yield Hostile("deflate64", entry(named("t.csv"), 10, "<H", 9, local=8), "deflate64")
    yield Hostile("LZMA", zipped(("t.csv", ROWS), method=zipfile.ZIP_LZMA), "LZMA")
    twice = zipped(("t.csv", ROWS), ("u.csv", ROWS)).replace(b"u.csv", b"t.csv")
    yield Hostile("two of one name", twice, "2 members of that name")
    yield Hostile("twins of Unicode", zipped(("\u00e9.csv", ROWS), ("e\u0301.csv", ROWS)), "holds 2 files")
    yield Hostile("size too small", entry(zipped(("t.csv", ROWS * 100)), 24, "<L", 5), "not what the archive states")
    yield Hostile("size too large", entry(named("t.csv"), 24, "<L", 50), "not what the archive states")
    yield Hostile("size of a bomb", entry(named("t.csv"), 24, "<L", 0xFFFFFFF0), "expands more than 200-fold")
    yield Hostile("packed too large", entry(named("t.csv"), 20, "<L", 0x0FFFFFFF), "damaged")
    yield Hostile("wrong checksum", entry(named("t.csv"), 16, "<L", 7), "not what the archive states")
    yield Hostile("two names", entry(named("t.csv"), 46, "<B", 65), "damaged")
    yield Hostile("zip64 lie", zip64_lie(), "expands beyond the limit")
    yield Hostile("directory too long", ended(named("t.csv"), 12, "<L", 0x7FFFFFFF), "too many members")
    yield Hostile("directory elsewhere", ended(named("t.csv"), 16, "<L", 0x7FFFFFFF), "damaged")
    yield Hostile("cut zip", zipped(("t.csv", ROWS * 9999))[:-30], "damaged")
    yield Hostile("cut gzip", gzip.compress(random.Random(1).randbytes(9999))[:5000], "cut short|is not UTF-8")
    yield Hostile("huge comment", ended(named("t.csv"), 20, "<H", 65535) + b"PK" * 32767 + b"P", None)
    yield Hostile("100,000 members", many(100_001), "too many members")
    yield Hostile("many members, a lie", ended(many(90_000), 10, "<H", 7), "holds 90000 files|damaged|too many")
    large = lzma.compress(b"a,b\n" * 99, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}])
    yield Hostile("xz, huge dictionary", large, "needs more than 48 MiB")
    window = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    yield Hostile("zstd, huge window", window.compress(ROWS) + window.flush(), "needs a window of more than 32 MiB")
    yield Hostile("sheet, entities", workbook(LAUGHS + sheet_of("<row><c><v>&i;</v></c></row>")), "a document type")
    texts = LAUGHS + f"<sst {MAIN}><si><t>&i;</t></si></sst>"
    yield Hostile("shared texts, entities", workbook(sheet_of(""), texts), "a document type")
    external = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    yield Hostile(
        "sheet, outside entity", workbook(external + sheet_of("<row><c><v>&a;</v></c></row>")), "document type"
    )
    yield Hostile(
        "sheet bomb", workbook(sheet_of("<row><c><v>1</v></c></row>" * 2_000_000)), "expands more than 200-fold"
    )
    yield Hostile("shared texts bomb", workbook(sheet_of(""), f"<sst {MAIN}>{'<si/>' * 3_000_000}</sst>"), "200-fold")
    yield Hostile("sheet, deep", workbook(sheet_of("<a>" * 150_000)), "damaged")
    yield Hostile("sheet, far cell", workbook(sheet_of('<row r="1"><c r="ZZZ1"><v>1</v></c></row>')), "damaged")
    yield Hostile("sheet, far row", workbook(sheet_of('<row r="99999999"><c><v>1</v></c></row>')), "damaged")
    yield Hostile("sheet, no such text", workbook(sheet_of('<row><c t="s"><v>9</v></c></row>')), "damaged")
    yield Hostile("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "save a sheet as .xlsx")
    yield Hostile("Parquet page bomb", page_bomb(), "expands more than 200-fold|write smaller")
    yield Hostile("Parquet dictionary bomb", dictionary_bomb(), "expands more than 200-fold")
    yield Hostile("Parquet list bomb", list_bomb(30_000_000), "expands more than 200-fold")
    yield Hostile("Parquet of nulls", parquet(pa.table({"a": pa.nulls(15_000_000, pa.int32())})), "200-fold")
    yield Hostile("Parquet of nulls, fewer", parquet(pa.table({"a": pa.nulls(11_000_000, pa.int32())})), "200-fold")
    yield Hostile("Parquet of one text", parquet(pa.table({"a": ["x" * 60] * 3_000_000})), "200-fold")
    yield Hostile("Parquet, long footer", lying_footer(), "damaged")
    yield Hostile("Parquet, many groups", many_groups(), "damaged")
    yield Hostile("Parquet, cut", parquet(pa.table({"a": ["x" * 999]}))[:-9], "damaged")
    yield Hostile("Arrow of nulls", null_rows(100_000_000), "200-fold")
    yield Hostile("Arrow list of nulls", null_list(1_000_000_000), "200-fold")
    yield Hostile("Arrow views", views_bomb(), "200-fold")
    yield Hostile("Arrow, bad offsets", bad_offsets(), "damaged")
    yield Hostile("Arrow, huge message", huge_message(), "damaged")
    text = pa.RecordBatch.from_arrays([pa.array(["z" * (100 * MB)])], ["a"])
    for stream in (True, False):
        yield Hostile(f"Arrow bomb {stream}", arrow(text, stream=stream, compression="zstd"), "200-fold")
