"""Archives and compressed files under limits: seventy hostile ones in one process, and what honest ones give."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hostile import ROWS, hostile, named, zipped, zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.archives import Archive
from ftdata.errors import InputError
from ftdata.records import Limits
from ftdata.sniff import describe
from ftdata.source import Source

# Files are opened, and memory is used, by the reading alone: all modules are loaded, and a file of each kind was read.
RUN = """
import csv, json, os, sys, time
from pathlib import Path
import cchardet
from ftdata.errors import InputError
from ftdata.source import Source

made = []
def watch(event, args):
    if event == "open" and args[2] is not None and args[2] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
        made.append(str(args[0]))
    elif event.startswith(("os.mkdir", "os.symlink", "os.link", "os.rename", "tempfile.mk", "shutil.")):
        made.append(event)

def kilobytes(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))

def read(path, way):
    with Source(path) as source:
        source.members()
        found = getattr(source, way)()
        if way in ("lines", "csv_records", "json_items"):
            for _ in found:
                pass

warm, folder = map(Path, sys.argv[1:])
ways = ("sample", "lines", "csv_records", "json_items")
for path in sorted(warm.iterdir()):
    for way in ways:
        read(path, way)
sys.addaudithook(watch)
for path in sorted(folder.iterdir()):
    for way in ways:
        made.clear()
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
        made.clear()
        before, start, told = kilobytes("VmRSS"), time.process_time(), None
        try:
            read(path, way)
        except InputError as error:
            told = str(error)
        seconds, grown = time.process_time() - start, kilobytes("VmHWM") - before
        print(json.dumps([path.name, way, told, seconds, grown, made]), flush=True)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="memory is measured through /proc")
def test_hostile_files(tmp_path: Path) -> None:
    """No file is created, at most 64 MiB are used, the reason is one clear line, each takes under a second of CPU."""
    from hostile import MAIN, arrow, pa, parquet, sheet_of, workbook

    folder, warm, place = tmp_path / "in", tmp_path / "warm", tmp_path / "place"
    for one in (folder, warm, place):
        one.mkdir()
    batch = pa.RecordBatch.from_arrays([pa.array(["x", "y"])], ["a"])
    (warm / "a.parquet").write_bytes(parquet(pa.table({"a": [["x"], ["y"]]})))
    (warm / "a.arrow").write_bytes(arrow(batch, compression="zstd"))
    texts = f"<sst {MAIN}><si><t>x</t></si></sst>"
    (warm / "a.xlsx").write_bytes(workbook(sheet_of('<row><c t="s"><v>0</v></c></row>' * 3), texts))
    (warm / "a.zip").write_bytes(named("a.csv"))
    wanted = {}
    for case in hostile():
        (folder / case.name).write_bytes(case.data)
        wanted[case.name] = case.told
    assert len(wanted) > 60
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    command, around = [sys.executable, "-c", RUN, warm, folder], {**os.environ, "TMPDIR": str(place)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, env=around)
    assert done.returncode == 0, done.stderr[-2000:]
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted({name for name, *_ in results}) == sorted(wanted)
    for name, way, told, seconds, kilobytes, made in results:
        assert made == [], (name, way)
        assert seconds < 1, (name, way, seconds)
        assert kilobytes <= 64 * 1024, (name, way, kilobytes)
        if wanted[name] is None:
            assert told is None, (name, way, told)
        else:
            assert told is not None and re.search(wanted[name], told), (name, way, told)
            assert told.isprintable() and len(told) < 300, (name, way)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_the_rows_of_a_bomb_are_not_worked_on(tmp_path: Path) -> None:
    """What grows fast is looked through first: of 156 MB of rows only the first megabytes are handed out."""
    case = next(case for case in hostile() if case.name == "gz of rows")
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(case.data)
    with Source(path) as source:
        with pytest.raises(InputError, match="200-fold"):
            for _ in source.csv_records():
                pass
        assert source.handed < 200_000


def test_what_only_looks_like_a_bomb_is_read(tmp_path: Path) -> None:
    """Up to 100 MB may expand as they like, and rows that differ are looked through without harm."""
    import gzip

    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"question,answer\n" * 650_000 * 5))
    with Source(path) as source:
        assert sum(block.count for block in source.lines()) == 650_000 * 5


# --- zip --------------------------------------------------------------------------------------------------------------

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
MEMBERS = st.lists(
    st.tuples(NAMES, st.binary(max_size=500)),
    max_size=8,
    unique_by=lambda member: (member[0] or "x").replace("\\", "/"),
)


@settings(max_examples=150, deadline=None)
@given(MEMBERS, st.sampled_from(METHODS), st.binary(max_size=40), st.binary(max_size=40), st.booleans())
def test_archives_are_read_as_the_standard_library_reads_them(
    members: list[tuple[str, bytes]], method: int, before: bytes, comment: bytes, wide: bool
) -> None:
    out = io.BytesIO()
    out.write(before)  # as in an archive that unpacks itself
    with zipfile.ZipFile(out, "a" if before else "w", method) as archive:
        archive.comment = comment.replace(b"PK", b"..")
        for name, data in members:
            with archive.open(zipfile.ZipInfo(name or "x"), "w", force_zip64=wide) as stream:
                stream.write(data)
    with zipfile.ZipFile(out) as theirs:
        expected = {info.orig_filename: theirs.read(info) for info in theirs.infolist() if not info.is_dir()}
        ours = Archive(out, "in.zip", Limits())
        assert sorted(ours.names()) == sorted(expected)
        for name, data in expected.items():
            stream, found = ours.open(name), b""
            while piece := stream.read(100):
                found += piece
            assert found == data


def test_a_member_is_named_in_the_path(tmp_path: Path) -> None:
    (tmp_path / "in.zip").write_bytes(zipped(("a.csv", b"x,y\n1,2\n"), ("d/b:c.csv", ROWS)))
    for name, cells in (("a.csv", ["1", "2"]), ("d/b:c.csv", ["1", "2"])):
        with Source(f"{tmp_path}/in.zip:{name}") as source:
            assert source.members() == ()
            assert [record.value for record in source.csv_records()] == [cells]
            assert source.inputs[0].name == f"in.zip:{name}"
            assert source.inputs[0].path == tmp_path / "in.zip"
    with (
        Source(f"{tmp_path}/in.zip:gone.csv") as source,
        pytest.raises(InputError, match=r"^in\.zip:gone\.csv: no such member; it holds a\.csv, d/b:c\.csv$"),
    ):
        source.head()
    (tmp_path / "nested.zip").write_bytes(zipped(("in.zip", named("t.csv"))))
    for path in ("nested.zip", "nested.zip:in.zip"):
        with (
            Source(f"{tmp_path}/{path}") as source,
            pytest.raises(InputError, match=r"^nested\.zip:in\.zip: holds a zip"),
        ):
            source.head()
    (tmp_path / "in.zip:a.csv").write_bytes(b"z\n9\n8\n")
    with Source(tmp_path / "in.zip:a.csv") as source:
        assert source.head(1) == b"z"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.csv").write_bytes(ROWS)
    (tmp_path / "folder/b.zip").write_bytes(named("t.csv"))
    with Source(f"{tmp_path}/folder:a.csv") as source:
        assert len(list(source.csv_records())) == 1
    with Source(tmp_path / "folder") as source, pytest.raises(InputError, match="zip archive in a folder"):
        source.head(member="b.zip")


def test_the_folders_of_a_maildir_are_not_hidden(tmp_path: Path) -> None:
    names = [".Sent/cur/1", "cur/2", ".a/.b/new/3", ".git/config", "x/.hidden/4", ".c/5"]
    (tmp_path / "in.zip").write_bytes(zipped(*((name, b"x") for name in names)))
    for name in (*names, ".Sent/new/6"):
        (tmp_path / "box" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "box" / name).write_bytes(b"x")
    with Source(tmp_path / "in.zip") as zipped_box, Source(tmp_path / "box") as box:
        assert zipped_box.members() == (".Sent/cur/1", "cur/2")
        assert box.members() == (".Sent/cur/1", ".Sent/new/6", "cur/2")


def test_what_is_said_of_an_input_that_no_reader_knows(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Report", "2024"])
    book.active.append(["Sum", 3])
    book.active.title = "Overview"
    for name, state in (("Data", "visible"), ("Secret", "hidden")):
        book.create_sheet(name).sheet_state = state
    book.save(tmp_path / "book.xlsx")
    told = describe(tmp_path / "book.xlsx")
    assert f"Overview, Data; another is read as {tmp_path}/book.xlsx:Data" in told and "Secret" not in told
    (tmp_path / "in.zip").write_bytes(zipped(("a.txt", b"x"), ("b.txt", b"y")))
    assert (
        describe(tmp_path / "in.zip")
        == f"2 files (a.txt, b.txt); give one as the path, such as {tmp_path}/in.zip:a.txt"
    )


def test_a_member_that_is_not_looked_at_does_no_harm(tmp_path: Path) -> None:
    """An encrypted file beside the chat, or two of one name, are told when they are asked for, and not before."""
    data = bytearray(zipped(("a.csv", ROWS), ("photo.jpg", b"x" * 99)))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<H", data, at + 8, 1)
    (tmp_path / "in.zip").write_bytes(data)
    with Source(tmp_path / "in.zip") as source:
        assert source.members() == ("a.csv", "photo.jpg")
        assert source.head(member="a.csv") == ROWS
        with pytest.raises(InputError, match=r"in\.zip:photo\.jpg: is encrypted"):
            source.head(member="photo.jpg")


# --- Zstandard --------------------------------------------------------------------------------------------------------


def test_frames_that_follow_one_another_and_skippable_ones(tmp_path: Path) -> None:
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<L", 5) + b"note!"
    (tmp_path / "a.zst").write_bytes(zstd.compress(b"a,b\n1,") + skippable + zstd.compress(b"2\n"))
    with Source(tmp_path / "a.zst") as source:
        assert [record.value for record in source.csv_records()] == [["1", "2"]]
