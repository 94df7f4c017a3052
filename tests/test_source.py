"""The one read path: encodings, compression under limits, lines, delimited text, JSON, counting and hashing."""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import itertools
import json
import lzma
import os
import random
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.errors import InputError
from ftdata.expansion import _zstd
from ftdata.source import PROBLEMS, Limits, Source

zstd = _zstd()
SHARED = Path(__file__).resolve().parents[2] / "shared/data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party files are not here")


def make(folder: Path, data: bytes | str, name: str = "in.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def table(path: Path, **options: Any) -> tuple[tuple[str, ...], list[list[str] | str | None]]:
    """Fields, and cells or problem of each record; the bookkeeping is checked on the way."""
    with Source(path, first=7) as source:
        found = source.csv_records(**options)
        records = list(found)
        assert [r.number for r in records] == list(range(7, 7 + len(records)))
        assert source.handed == len(records) == source.inputs[0].records
        assert all((r.value is None) != (r.problem is None) for r in records)
        assert all(r.problem is None or r.problem in PROBLEMS for r in records)
        assert source.inputs[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert source.inputs[0].bytes == path.stat().st_size
        return found.fields, [r.value or r.problem for r in records]


def lines(path: Path, **options: Any) -> list[bytes]:
    with Source(path, **options) as source:
        blocks = list(source.lines())
        found = [line for block in blocks for line in block.lines]
        at = source.first
        for block in blocks:
            assert block.number == at
            at += len(block.lines)
        assert source.handed == len(found)
        assert source.inputs[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        return found


# --- delimited text ---------------------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize("path", sorted((SHARED / "broken/csv-spectrum/csvs").glob("*.csv")), ids=lambda p: p.name)
def test_csv_spectrum_equals_its_json(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    if "crlf" in path.name and b"\r\n" not in data:
        data = data.replace(b"\n", b"\r\n")
    want = json.loads((path.parent.parent / "json" / f"{path.stem}.json").read_text())
    fields, rows = table(make(tmp_path, data))
    got = [dict(zip(fields, row, strict=True)) for row in rows if isinstance(row, list)]
    assert len(got) == len(rows)
    if "crlf" not in path.name:
        assert got == want
    else:
        norm = [{k: v.replace("\r\n", "\n") for k, v in row.items()} for row in want]
        assert [{k: v.replace("\r\n", "\n") for k, v in row.items()} for row in got] == norm


KIT = {
    "bad.csv": ["ragged-row", "ragged-row", ["0", "mixed types.... uh oh", "17"]],
    "bad_skip_lines.csv": ["ragged-row", "ragged-row", ["0", "mixed types.... uh oh", "17"]],
    "blanks.csv": [["", "NA", "N/A", "NONE", "NULL", "."]],
    "dummy_col_shuffled_ragged.csv": [["2", "3", "1", "4"]],
    "mac_newlines.csv": [["1", "2", "3"], ["Once upon\ra time", "5", "6"]],
    "no_header_row.csv": [],
    "null_byte.csv": ["nul-byte"],
    "optional_quote_characters.csv": [["1", "2", "3"]],
    "sniff_limit.csv": [["1", "2", "3"]],
    "test_empty_columns_long_row.csv": [["", "", ""]],
    "test_empty_columns_short_row.csv": ["ragged-row"],
    "test_extra_header.csv": ["ragged-row"],
    "test_header_newline.csv": [["d", "e", "f"]],
    "test_locale.csv": [["1,7", "200.000.000", ""]],
    "test_utf16_big.csv": [["1", "2", "3"], ["4", "5", "ʤ"]],
    "test_utf16_little.csv": [["1", "2", "3"], ["4", "5", "ʤ"]],
    "test_utf8_bom.csv": [["1", "2", "3"], ["4", "5", "ʤ"]],
}


@needs_shared
@pytest.mark.parametrize("name", KIT)
def test_csvkit_examples(name: str) -> None:
    fields, rows = table(SHARED / "broken/csvkit" / name)
    assert rows == KIT[name]
    assert not fields[0].startswith("\ufeff")


@needs_shared
def test_latin1_is_not_guessed_from_one_letter_but_read_on_request() -> None:
    path = SHARED / "broken/csvkit/test_latin1.csv"
    with pytest.raises(InputError, match=r"byte 16 \(line 3\) is not UTF-8.*--encoding"):
        table(path)
    with Source(path, encoding="latin-1") as source:
        assert [r.value for r in source.csv_records()] == [["1", "2", "3"], ["4", "5", "©"]]


CASES: list[tuple[str, str, list[Any]]] = [
    ("plain", "a,b\n1,2\n", [["1", "2"]]),
    ("no end of line", "a,b\n1,2", [["1", "2"]]),
    ("header only", "a,b\n", []),
    ("empty", "", []),
    ("only a mark", "\ufeff", []),
    ("mark inside stays", "a,b\n\ufeff1,2\n", [["\ufeff1", "2"]]),
    ("blank lines", "\n\na,b\n\n1,2\n\n\n3,4\n", [["1", "2"], ["3", "4"]]),
    ("mixed line ends", "a,b\r\n1,2\n3,4\r5,6\r\n", [["1", "2"], ["3", "4"], ["5", "6"]]),
    ("leading zeros", "a,b\n007,08\n", [["007", "08"]]),
    ("semicolon", "a;b;c\n1,5;2;3\n", [["1,5", "2", "3"]]),
    ("tab", "a\tb\n1, 2\t3\n", [["1, 2", "3"]]),
    ("pipe", "a|b\n1|2\n", [["1", "2"]]),
    ("excel states it", "sep=;\na;b\n1;2\n", [["1", "2"]]),
    ("one column", "text\nhello, you\n", ["ragged-row"]),
    ("repeated header", "a,b\n1,2\na,b\n3,4\n", [["1", "2"], "repeated-header", ["3", "4"]]),
    ("too few, too many", "a,b,c\n1,2\n1,2,3,4\n1,2,3\n", ["ragged-row", "ragged-row", ["1", "2", "3"]]),
    ("empty extra cells", "a,b\n1,2,,\n", [["1", "2"]]),
    ("text after a quote", 'a,b\n"1"x,2\n3,4\n', ["bad-quote", ["3", "4"]]),
    ("quote inside a cell", 'a,b\n5" pipe,2\n', [['5" pipe', "2"]]),
    ("unclosed to the end", 'a,b\n1,"2\n3,4\n5,6\n', ["unclosed-quote", ["3", "4"], ["5", "6"]]),
    ("unclosed to a quote", 'a,b\n1,"2\n3,"x"\n5,6\n', ["unclosed-quote", ["3", "x"], ["5", "6"]]),
    ("unclosed on its second line", 'a,b\n"1\n1","2\n3,4\n', ["unclosed-quote", ["3", "4"]]),
    ("two unclosed", 'a,b\n1,"2\n3,"4\n5,6\n', ["unclosed-quote", "unclosed-quote", ["5", "6"]]),
    ("NUL", "a,b\n1,\x002\n3,4\n", ["nul-byte", ["3", "4"]]),
    ("quoted newlines", 'a,b\n"x\ny","\r\n"\n3,4\n', [["x\ny", "\r\n"], ["3", "4"]]),
    ("separators of other standards", "a,b\n1\u2028,2\x0b\x85\n", [["1\u2028", "2\x0b\x85"]]),
]


@pytest.mark.parametrize(("text", "want"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_delimited_cases(text: str, want: list[Any], tmp_path: Path) -> None:
    assert table(make(tmp_path, text))[1] == want


def test_lines_are_physical_and_place_names_them(tmp_path: Path) -> None:
    path = make(tmp_path, '\n"a\n",b\n1,"x\ny"\n\n2,z\n')
    with Source(path, first=11) as source:
        assert [(r.number, r.line) for r in source.csv_records()] == [(11, 4), (12, 7)]
        assert source.place(11) == "in.csv:4"
        assert source.place(12) == "in.csv:7"
        assert source.place(13) == "in.csv, record 3"


def test_duplicate_headers_and_no_header(tmp_path: Path) -> None:
    path = make(tmp_path, "a,a,b\n1,2,3\n")
    assert table(path) == (("a", "a", "b"), [["1", "2", "3"]])
    assert table(path, header=False) == (("1", "2", "3"), [["a", "a", "b"], ["1", "2", "3"]])
    assert table(path, delimiter=";") == (("a,a,b",), [["1,2,3"]])


def test_quoting_can_be_turned_off(tmp_path: Path) -> None:
    path = make(tmp_path, 'a\tb\n"1\t2\n3"\t"\n', "in.tsv")
    assert table(path, quotechar=None)[1] == [['"1', "2"], ['3"', '"']]


@pytest.mark.parametrize("header", ['"a,b\n1,2\n', '"a"b,c\n1,2\n', "a\0,b\n1,2\n"])
def test_a_broken_header_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="header cannot be read"):
        table(make(tmp_path, header))


def test_large_cells_and_blocks_do_not_matter(tmp_path: Path) -> None:
    cell = "x" * 200_000
    rows = [[str(n), f"{cell[: n * 997 % 200_000]}\n{n}"] for n in range(200)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([["a", "b"], *rows])
    assert table(make(tmp_path, text.getvalue()))[1] == rows


def test_an_unclosed_quote_in_a_large_file_is_one_record(tmp_path: Path) -> None:
    body = [f"{n},{'y' * 100}" for n in range(60_000)]
    body[1000] = '1000,"never closed'
    with Source(make(tmp_path, "a,b\n" + "\n".join(body))) as source:
        records = list(source.csv_records())
    assert len(records) == 60_000
    assert [(r.number, r.line, r.problem) for r in records if r.problem] == [(1001, 1002, "unclosed-quote")]
    assert records[-1].value == ["59999", "y" * 100]


def test_a_line_beyond_the_limit_is_one_record(tmp_path: Path) -> None:
    limits = Limits(row=3_000_000)
    for end in ("\n", "\r\n", "\r"):
        path = make(tmp_path, f"a,b{end}1,2{end}3,{'x' * 9_000_000}{end}5,6{end}")
        with Source(path, limits=limits) as source:
            got = [(r.number, r.line, r.problem) for r in source.csv_records()]
        assert got == [(1, 2, None), (2, 3, "row-too-large"), (3, 4, None)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab",;\n\r\t é𝄞\u2028'), max_size=6), min_size=2, max_size=2), max_size=8
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 40),
)
def test_whatever_is_written_as_csv_is_read_back(rows: list[list[str]], end: str, size: int) -> None:
    from ftdata.delimited import Dialect, cut_rows

    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    whole = text.getvalue()
    pieces = (whole[at : at + size] for at in range(0, len(whole), size))
    got = [cells for block in cut_rows(pieces, Dialect(",", '"'), 1 << 20) for cells in block.cells]
    assert got == rows


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from('a1",\n\r '), max_size=40), st.integers(1, 12))
def test_rows_equal_the_strict_csv_module_or_are_named(text: str, size: int) -> None:
    """The oracle: csv.reader(strict=True). Where it reads the whole text, so do we; where it fails, some row is bad."""
    from ftdata.delimited import Dialect, cut_rows

    def ours(step: int) -> list[Any]:
        pieces = (text[at : at + step] for at in range(0, len(text), step))
        return [
            (line, cells, problem)
            for block in cut_rows(pieces, Dialect(",", '"'), 1 << 20)
            for line, cells, problem in zip(
                block.lines, block.cells, block.problems or [None] * len(block.cells), strict=True
            )
        ]

    got = ours(size)
    assert got == ours(10**6)
    try:
        want = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        assert any(problem for _, _, problem in got)
    else:
        assert [cells for _, cells, _ in got] == want


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "want"),
    [
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"\n\na\n\n", [b"", b"", b"a", b""]),
        (b"a\rb\n", [b"a\rb"]),
        (b"a\r", [b"a"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", [b"a", b"\xef\xbb\xbfb"]),
        (b"\xff\n\xc3\n", [b"\xff", b"\xc3"]),
        ("é\u2028\x85\n".encode(), ["é\u2028\x85".encode()]),
        ("\ufeff{é}\r\n{𝄞}\n".encode("utf-16-le"), ["{é}".encode(), "{𝄞}".encode()]),
        ("\ufeff{é}\r\n{𝄞}\n".encode("utf-16-be"), ["{é}".encode(), "{𝄞}".encode()]),
        ("\ufeffé\n".encode("utf-32-le"), ["é".encode()]),
    ],
)
def test_lines(data: bytes, want: list[bytes], tmp_path: Path) -> None:
    assert lines(make(tmp_path, data, "in.jsonl")) == want


def test_lines_of_every_length_over_many_blocks(tmp_path: Path) -> None:
    rng = random.Random(1)
    want = [bytes([97 + n % 26]) * rng.choice((0, 1, 80, 5_000, 1_500_000)) for n in range(60)]
    assert lines(make(tmp_path, b"\n".join(want) + b"\n", "in.jsonl")) == want


def test_a_line_too_large_stands_alone(tmp_path: Path) -> None:
    for last in (b"", b"\n", b"\nend", b"\nend\n\nx\n"):
        path = make(tmp_path, b"a\n" + b"x" * 5_000_000 + last)
        with Source(path, limits=Limits(row=2_000_000)) as source:
            got = [
                (b.number + i, b.line + i, line, b.problem) for b in source.lines() for i, line in enumerate(b.lines)
            ]
        tail = {b"\nend": [b"end"], b"\nend\n\nx\n": [b"end", b"", b"x"]}.get(last, [])
        assert got == [
            (1, 1, b"a", None),
            (2, 2, b"", "row-too-large"),
            *((3 + i, 3 + i, line, None) for i, line in enumerate(tail)),
        ]


def test_records_stop_at_the_given_count(tmp_path: Path) -> None:
    path = make(tmp_path, "a,b\n1,2\n3,4\n5,6\n")
    for count in range(5):
        with Source(path, records=count) as source:
            assert len(list(source.csv_records())) == source.handed == min(count, 3)
        with Source(path, records=count) as source:
            assert sum(len(block.lines) for block in source.lines()) == source.handed == count


# --- encodings --------------------------------------------------------------------------------------------------------

SPANISH = "pregunta,respuesta\n" + "¿Dónde está mi pedido?,Está en camino: “mañana” llegará\n" * 20


def test_encoding_is_detected_said_and_strict(tmp_path: Path) -> None:
    path = make(tmp_path, SPANISH.encode("cp1252"))
    with Source(path) as source:
        rows = [r.value for r in source.csv_records()]
        assert source.encoding == source.inputs[0].encoding == "cp1252"
    assert rows[0] == ["¿Dónde está mi pedido?", "Está en camino: “mañana” llegará"]


ACCENTS = {
    "mac_roman": ["não", "Olá, não consigo entrar na minha conta", "ação e atenção, você já está", "mañana"],
    "cp850": ["não", "¿Cómo cambio mi contraseña?", "José; São Paulo", "Grüße aus München"],
    "cp1252": ["à tarde, às 10h", "mañana", "naïve résumé"],
    "cp1250": ["Dzień dobry, nie mogę się zalogować na swoje konto"],
}


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in ACCENTS.items() for text in texts])
def test_an_encoding_is_asked_for_rather_than_letters_changed(encoding: str, text: str, tmp_path: Path) -> None:
    path = make(tmp_path, ("question,answer\n" + f'"{text}","{text} thanks"\n' * 12).encode(encoding))
    read, refused = {text}, "line 2 --encoding"
    try:
        with Source(path) as source:
            read = {record.value[0] for record in source.csv_records()}
    except InputError as error:
        refused = str(error)
    assert read == {text}
    assert "line 2" in refused
    assert "--encoding" in refused
    with Source(path, encoding=encoding) as source:
        assert {record.value[0] for record in source.csv_records()} == {text}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Olá, não consigo entrar. It’s a “test” – ação"),
        ("cp1252", "Where is it — I can’t find “it” • £5"),
        ("cp1251", "Здравствуйте, не могу войти в свой iPhone"),
        ("koi8-r", "Здравствуйте, не могу войти в свой аккаунт"),
        ("shift_jis", "こんにちは、アカウントにログインできません"),
        ("gb18030", "你好，我无法登录我的帐户，请帮忙，谢谢你们的支持"),
    ],
)
def test_an_encoding_that_can_be_told_is_told(encoding: str, text: str, tmp_path: Path) -> None:
    path = make(tmp_path, ("question,answer\n" + f'"{text}",ok\n' * 12).encode(encoding))
    with Source(path) as source:
        assert {record.value[0] for record in source.csv_records()} == {text}


def test_a_stated_encoding_that_wants_a_byte_order_mark_says_so(tmp_path: Path) -> None:
    path = make(tmp_path, b"a,b\n1,2\n3,4\n55,66\n")
    with Source(path, encoding="utf-16") as source, pytest.raises(InputError, match="is not utf-16: it has no"):
        list(source.csv_records())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "utf-8"])
def test_a_stated_encoding_is_used(encoding: str, tmp_path: Path) -> None:
    path = make(tmp_path, SPANISH.encode(encoding))
    with Source(path, encoding=encoding) as source:
        table_ = source.csv_records()
        assert table_.fields == ("pregunta", "respuesta")
        assert len(list(table_)) == 20


def test_a_byte_that_does_not_fit_is_named_with_offset_line_and_remedy(tmp_path: Path) -> None:
    good = "a,b\n" + f"{'é' * 300},2\n" * 10_000
    path = make(tmp_path, good.encode() + "ação,não\n".encode("cp1252") * 50)
    with pytest.raises(InputError) as caught:
        table(path)
    at = len(good.encode()) + 1
    assert f"byte {at} (line 10002) is not utf-8; try --encoding cp1252" in str(caught.value)
    with pytest.raises(InputError, match=r"byte 1 \(line 1\) is not ascii"):
        Source(make(tmp_path, "aé\n".encode()), encoding="ascii").csv_records()
    with pytest.raises(InputError, match="not a known encoding"):
        Source(path, encoding="klingon")
    with pytest.raises(InputError, match="not a known encoding"):
        Source(path, encoding="rot13")


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[]", []),
        (' [ 1 , "a,]" ,\n{"x": [1, {}]}, [] ]\n', [(1, 1), (1, "a,]"), (2, {"x": [1, {}]}), (2, [])]),
        ('{\n  "a": 1\n}\n', [(1, {"a": 1})]),
        ('{"a": 1}\n{\n"b": 2}\n', [(1, {"a": 1}), (2, {"b": 2})]),
        ('"x"', [(1, "x")]),
        ("", []),
        (" \n", []),
        ("[1,]", [(1, 1), (1, "!bad-json")]),
        ("[,1]", [(1, "!bad-json"), (1, 1)]),
        ('[1,{"a":', [(1, 1), (1, "!bad-json")]),
        ("[1] x", [(1, 1), (1, "!bad-json")]),
        ('[{"a": "unclosed\n},\n{"b": 2}]', [(1, "!bad-json"), (3, {"b": 2})]),
        ("[1 000, 1]", [(1, "!bad-json"), (1, 1)]),
        ("[NaN, 1]", [(1, "!bad-json"), (1, 1)]),
        ("[1e400, 2]", [(1, "!huge-number"), (1, 2)]),
        ("garbage\n[1]", [(1, "!bad-json"), (2, [1])]),
        ("[" * 200, [(1, "!bad-json")]),
        ("[" + "[" * 70 + "]" * 70 + ", 1]", [(1, "!too-deep"), (1, 1)]),
        (r'["\ud800", "\ud834\udd1e"]', [(1, "!lone-surrogate"), (1, "𝄞")]),
        ("[" + "9" * 401 + ", " + "9" * 400 + "]", [(1, "!huge-number"), (1, int("9" * 400))]),
    ],
)
def test_json_items(text: str, want: list[tuple[int, Any]], tmp_path: Path) -> None:
    with Source(make(tmp_path, text, "in.json"), first=5) as source:
        records = list(source.json_items())
        assert [(r.line, f"!{r.problem}" if r.problem else r.value) for r in records] == want
        assert [r.number for r in records] == list(range(5, 5 + len(want)))
        assert source.handed == len(want)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=6,
    ),
    st.sampled_from([None, 1, "\t"]),
    st.integers(1, 30),
)
def test_any_json_array_is_cut_into_its_items(value: list[Any], indent: Any, size: int) -> None:
    from ftdata.jsonitems import Items
    from ftdata.jsontext import on_one_line

    whole = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    items = Items(Limits())
    cut = [item for at in range(0, len(whole), size) for item in list(items.feed(whole[at : at + size]))]
    cut += list(items.feed(b"", final=True))
    assert [json.loads(item.text or b"!") for item in cut] == value
    assert [json.loads(on_one_line(item.text or b"!")) for item in cut] == value


def test_a_large_array_streams_in_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "in.json").open("w") as out:
        out.write("[\n")
        for n in range(20_000):
            out.write(f'{"," if n else ""}{{"n": {n}, "t": "{"x" * 150}"}}\n')
        out.write("]")
    import tracemalloc

    tracemalloc.start()
    with Source(tmp_path / "in.json") as source:
        assert sum(r.value["n"] for r in source.json_items()) == sum(range(20_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20


# --- compressed, archives, folders, standard input --------------------------------------------------------------------


TEXT = "a,b\n" + "1,ação\n" * 5_000
PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd.compress}


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed_streams_are_known_by_their_first_bytes(kind: str, tmp_path: Path) -> None:
    data = PACKERS[kind](TEXT.encode())
    assert len(table(make(tmp_path, data, "no-suffix"))[1]) == 5_000
    two = data + PACKERS[kind](b"2,x\n")
    assert table(make(tmp_path, two, "two"))[1][-1] == ["2", "x"]
    with pytest.raises(InputError, match="cut short"):
        table(make(tmp_path, data[: len(data) // 2], "half"))
    broken = bytearray(data)
    broken[len(data) // 2] ^= 0xFF
    with pytest.raises(InputError, match=r"damaged|not utf-8|not UTF-8"):
        table(make(tmp_path, bytes(broken), "broken"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_zip_with_one_file_is_read(method: int, tmp_path: Path) -> None:
    path = make(
        tmp_path, zipped(("__MACOSX/x", b"y"), ("d/", b""), ("d/t.csv", TEXT.encode()), method=method), "in.zip"
    )
    with Source(path) as source:
        assert source.members() == ("d/t.csv",)
        assert source.head(3) == b"a,b"
        assert len(list(source.csv_records())) == 5_000
        only = source.inputs[0]
    assert (only.name, only.records, only.sha256) == (
        "in.zip:d/t.csv",
        5_000,
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def test_a_zip_with_several_files_is_read_by_member(tmp_path: Path) -> None:
    path = make(
        tmp_path, zipped(("a.csv", b"x,y\n1,2\n3,4\n"), ("b.csv", b"x,y\n5,6\n"), ("u.csv", b"id,n\n9,z\n")), "in.zip"
    )
    with Source(path, first=1) as source:
        with pytest.raises(InputError, match=r"holds 3 files \(a\.csv, b\.csv, u\.csv\)"):
            source.csv_records()
        numbers = [r.number for m in ("a.csv", "b.csv") for r in source.csv_records(member=m)]
        side = source.lookup("u.csv")
        assert [r.value for r in side.csv_records()] == [["9", "z"]]
        assert numbers == [1, 2, 3]
        assert source.handed == 3
        assert [(i.name, i.first, i.records) for i in source.inputs] == [
            ("in.zip:a.csv", 1, 2),
            ("in.zip:b.csv", 3, 1),
            ("in.zip:u.csv", 0, 0),
        ]
        assert source.spans() == [(1, "in.zip:a.csv"), (3, "in.zip:b.csv")]
        assert source.place(3) == "in.zip:b.csv:2"


def test_a_folder_and_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    make(tmp_path / "export", "x,y\n1,2\n", "[table] São.csv")
    make(tmp_path / "export", "hidden", ".secret")
    make(tmp_path, "id,n\n9,z\n", "users.csv")
    with Source(tmp_path / "export") as source:
        assert source.members() == ("[table] São.csv",)
        assert [r.value for r in source.csv_records()] == [["1", "2"]]
        assert source.inputs[0].sha256 == hashlib.sha256(b"x,y\n1,2\n").hexdigest()
    with Source(tmp_path / "users.csv") as source:
        assert [r.value for r in source.lookup("export/[table] São.csv").csv_records()] == [["1", "2"]]
        assert [i.name for i in source.inputs] == ["users.csv", "[table] São.csv"]


def encrypted() -> bytes:
    data = bytearray(zipped(("t.csv", b"a,b\n1,2\n")))
    data[6] |= 1
    at = data.rfind(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


HOSTILE_NAMES = [
    "../evil.csv",
    "/etc/evil.csv",
    "..\\evil.csv",
    "C:\\evil.csv",
    "\\\\host\\share\\evil.csv",
    "a/../../evil.csv",
    "con",
    "evil.csv\x00.txt",
    "e\u0301vil.csv",
    "\x1b]52;evil.csv",
    "a" * 5000,
    " ",
    "-",
    "~/evil.csv",
    "evil\n.csv",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_member_names_are_only_names(name: str, tmp_path: Path) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    path = make(inner, zipped((name, b"a,b\n1,2\n")), "in.zip")
    before = sorted(tmp_path.rglob("*"))
    with Source(path) as source:
        assert [r.value for r in source.csv_records()] == [["1", "2"]]
        assert "\x1b" not in source.inputs[0].name and "\n" not in source.inputs[0].name
    assert sorted(tmp_path.rglob("*")) == before


def symlinked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def huge_directory() -> bytes:
    data = bytearray(zipped(("t.csv", b"a,b\n")))
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", 400_000_000)
    return bytes(data)


def twice() -> bytes:
    return zipped(("t.csv", b"a"), ("u.csv", b"b")).replace(b"u.csv", b"t.csv")


REFUSED = {
    "encrypted": (encrypted(), "encrypted"),
    "two of one name": (twice(), "2 members of that name"),
    "lzma inside": (zipped(("t.csv", b"a"), method=zipfile.ZIP_LZMA), r"compressed in a way.*\(LZMA\)"),
    "zip in zip": (zipped(("t.zip", zipped(("t.csv", b"a")))), "zip file inside"),
    "gzip in zip": (zipped(("t.gz", gzip.compress(b"a"))), "gzip file inside"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"a")), "gzip file inside"),
    "zip in gzip": (gzip.compress(zipped(("t.csv", b"a"))), "zip file inside"),
    "empty zip": (zipped(), "no file to read"),
    "cut zip": (zipped(("t.csv", b"a" * 1000))[:60], "damaged"),
    "huge directory": (huge_directory(), "too many members"),
    "document": (zipped(("[Content_Types].xml", b"x"), ("word/a.xml", b"x")), "Office file without sheets; save"),
    "parquet": (b"PAR1" + b"x" * 100, "Parquet file is damaged"),
    "zstd": (b"\x28\xb5\x2f\xfd1234", "damaged"),
    "lz4": (b"\x04\x22\x4d\x181234", "lz4 -d"),
    "tar": (b"x" * 257 + b"ustar" + b"x" * 300, "tar file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_remedy(name: str, tmp_path: Path) -> None:
    data, message = REFUSED[name]
    path = make(tmp_path, data, "in.bin")
    for read in (lambda s: list(s.csv_records()), lambda s: list(s.lines()), lambda s: s.sample(), lambda s: s.head()):
        with Source(path) as source, pytest.raises(InputError, match=message):
            read(source)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_a_zip_is_text(tmp_path: Path) -> None:
    with Source(make(tmp_path, symlinked(), "in.zip")) as source:
        assert [block.lines for block in source.lines()] == [[b"/etc/passwd"]]


ZEROS = b"\0" * (10 << 20)
LINED = (b"x" * 99 + b"\n") * 100_000


def inflating(packer: Any, piece: bytes) -> bytes:
    return b"".join(packer.compress(piece) for _ in range(30)) + bytes(packer.flush())


def inflating_member() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("t.csv", "w") as member:
        for _ in range(30):
            member.write(ZEROS)
    return out.getvalue()


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: inflating(zlib.compressobj(9, wbits=31), ZEROS),
    "bzip2": lambda: bz2.compress(b"a" * (45 << 20)) * 8,
    "xz": lambda: inflating(lzma.LZMACompressor(preset=0), ZEROS),
    "zip": inflating_member,
    "gzip of lines": lambda: inflating(zlib.compressobj(9, wbits=31), LINED),
}


BOMB = """
import resource, sys, time
from ftdata.source import Source
from ftdata.errors import InputError
import csv, cchardet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
try:
    for kind in sys.argv[2:]:
        with Source(sys.argv[1]) as source:
            for block in getattr(source, kind)():
                pass
    print("read it all")
except InputError as error:
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print("expands" in str(error), time.process_time() - start, grown)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_stop_early_in_little_memory(name: str, tmp_path: Path) -> None:
    path = make(tmp_path, BOMBS[name](), "bomb")
    for way in ("lines", "csv_records", *(["json_items"] if name != "gzip of lines" else [])):
        done = subprocess.run([sys.executable, "-c", BOMB, path, way], capture_output=True, text=True, check=True)
        told, seconds, kilobytes = done.stdout.split()
        assert told == "True", (way, done.stdout)
        assert float(seconds) < 1, way
        assert int(kilobytes) < 64 * 1024, way


def test_expansion_limit(tmp_path: Path) -> None:
    path = make(tmp_path, gzip.compress(os.urandom(3_000_000)))
    with pytest.raises(InputError, match="beyond the limit of 2,000,000"):
        list(Source(path, limits=Limits(expanded=2_000_000)).lines())


@pytest.mark.parametrize("rows", [3, 200_000])
def test_standard_input_is_sniffed_hashed_and_read(rows: int, tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f"{n},{'x' * 30}\n" for n in range(rows))
    code = (
        "import sys; from pathlib import Path; from ftdata.source import Source\n"
        "s = Source('-', scratch=Path(sys.argv[1]))\n"
        "print(s.head(3), len(s.sample(2)), sum(1 for _ in s.csv_records()), end=' ')\n"
        "print(s.inputs[0].sha256, s.inputs[0].bytes, s.name)\n"
        "print(list(Path(sys.argv[1]).iterdir()))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], input=text.encode(), capture_output=True, check=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert done.stdout.decode() == f"b'a,b' 2 {rows} {digest} {len(text)} stdin\n[]\n"


def test_files_do_not_pile_up(tmp_path: Path) -> None:
    for n in range(300):
        make(tmp_path, f"a,b\n{n},2\n", f"{n:03}.csv")
    with Source(tmp_path) as source:
        found = [r.value[0] for m in source.members() for r in source.csv_records(member=m)]
        assert found == [str(n) for n in range(300)]
        assert len(os.listdir("/proc/self/fd")) < 100 if os.path.isdir("/proc/self/fd") else True
        assert len(source.inputs) == 300


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv: No such file"):
        Source(tmp_path / "gone.csv")
    with pytest.raises(InputError):
        Source("a\0b")


# --- previews ---------------------------------------------------------------------------------------------------------


def test_previews_count_nothing(tmp_path: Path) -> None:
    path = make(tmp_path, "a;b\n1;2\n3;4\n")
    with Source(path) as source:
        assert source.sample(2) == [["a", "b"], ["1", "2"]]
        preview = source.sample_table(1)
        assert (preview.fields, [r.value for r in preview]) == (("a", "b"), [["1", "2"]])
        assert source.head(2) == b"a;"
        assert source.handed == 0
        assert [r.number for r in source.csv_records()] == [1, 2]
        assert [i.records for i in source.inputs] == [2]
        assert source.bytes_read == source.bytes_total == path.stat().st_size
    assert Source(make(tmp_path, '{"a":1}\n{"a":\n{"a":2}\n', "x.jsonl")).sample() == [{"a": 1}, {"a": 2}]
    assert Source(make(tmp_path, '[{"a":1},\n{"a":2}]', "x.json")).sample(1) == [{"a": 1}]
    assert Source(make(tmp_path, "Hi, all\nBye\n", "x.txt")).sample(1) == ["Hi, all"]


# --- fuzz -------------------------------------------------------------------------------------------------------------

SEEDS = [
    b'id,body,x\n1,"Hello\nthere",a\n2,"say ""hi""",b\r\n3,,\n4,"last",c\n',
    '\ufeffa;b\n1;ação\n2;"x\r\ny"\n'.encode(),
    "a\tb\n1\t“2”\n".encode("utf-16"),
    gzip.compress(b"a,b\n1,2\n3,4\n"),
    zipped(("t.csv", b"a,b\n1,2\n3,4\n")),
]


def mutated(seeds: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    tokens = [
        b'"',
        b'""',
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\\",
    ]
    for _ in range(count):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data) + 1)
            match rng.randrange(5):
                case 0:
                    data[at:at] = rng.choice(tokens)
                case 1:
                    del data[at : at + rng.randint(1, 5)]
                case 2 if at < len(data):
                    data[at] = rng.randrange(256)
                case 3:
                    data[at:at] = data[at : at + rng.randint(1, 20)]
                case 4:
                    del data[at:]
        yield bytes(data)


def test_fuzz_of_delimited_text(tmp_path: Path) -> None:
    path, refused, start = tmp_path / "in.csv", 0, time.process_time()
    for data in mutated(SEEDS, 2_000, 5):
        path.write_bytes(data)
        try:
            with Source(path, first=3) as source:
                source.sample(5)
                records = list(source.csv_records())
                assert [r.number for r in records] == list(range(3, 3 + len(records)))
                assert all(a.line < b.line for a, b in itertools.pairwise(records))
                assert source.handed == len(records) == source.inputs[0].records
                assert all((r.value is None) == (r.problem in PROBLEMS) for r in records)
        except InputError:
            refused += 1
    assert 0 < refused < 1_500
    assert time.process_time() - start < 60
