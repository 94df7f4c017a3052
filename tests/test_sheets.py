"""Sheets of Excel workbooks as delimited text: what openpyxl writes, read as openpyxl and calamine read it."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import MAIN, REL, TYPES, relations, sheet_of, workbook, zipped

from ftdata.errors import InputError
from ftdata.source import Source


def put(folder: Path, data: bytes, name: str = "book.xlsx") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def table(path: Path | str) -> list[list[str]]:
    with Source(path) as source:
        found = source.csv_records()
        return [list(found.fields), *(record.value or [str(record.problem)] for record in found)]


def cell(place: str, value: str, *, kind: str = "n", style: int = 0) -> str:
    return f'<c r="{place}" t="{kind}" s="{style}"><v>{value}</v></c>'


def book(sheets: list[tuple[str, str, str]], **parts: str) -> bytes:
    """Make a workbook of several sheets: name, state, XML."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{state}" r:id="r{n}"/>' for n, (name, state, _) in enumerate(sheets)
    )
    members = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", relations(("officeDocument", "/xl/workbook.xml"))),
        (
            "xl/workbook.xml",
            f'<workbook {MAIN} xmlns:r="{REL}">{parts.get("head", "")}<sheets>{listed}</sheets></workbook>',
        ),
        ("xl/_rels/workbook.xml.rels", relations(*(("worksheet", f"worksheets/{n}.xml") for n in range(len(sheets))))),
        *((f"xl/worksheets/{n}.xml", xml) for n, (_, _, xml) in enumerate(sheets)),
    ]
    return zipped(*((name, data.encode()) for name, data in members))


# --- against other readers --------------------------------------------------------------------------------------------


def written(path: Path, count: int) -> list[list[Any]]:
    openpyxl = pytest.importorskip("openpyxl")
    rng = random.Random(7)
    made: list[list[Any]] = [["id", "when", "day", "clock", "ok", "text", "score", "none", "long"]]
    for number in range(count):
        made.append(
            [
                number,
                dt.datetime(1900, 3, 1) + dt.timedelta(seconds=rng.randrange(10**10)),
                dt.date(1900, 1, 1) + dt.timedelta(rng.randrange(100_000)),
                dt.time(rng.randrange(24), rng.randrange(60), rng.randrange(60)),
                rng.random() < 0.5,
                rng.choice(['a "b", c', "ação\nlinha", " space ", "=no", "é😀", None, "0012"]),
                rng.choice([rng.randrange(10**9) / 2 ** rng.randrange(9), 5, -1.5]),
                None,
                "x" * rng.randrange(300),
            ]
        )
    made_book = openpyxl.Workbook()
    sheet = made_book.active
    for row in made:
        sheet.append(row)
        for each in sheet[sheet.max_row]:
            if isinstance(each.value, str):
                each.data_type = "s"
    made_book.save(path)
    return made


def shown(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)


def test_what_openpyxl_writes(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    expected = [[shown(value) for value in row] for row in written(path, 400)]
    assert table(path) == expected
    with Source(path) as source:
        assert source.sample(3) == expected[:3]
        assert source.members() == () and source.left_out == {}
        assert [record.value for record in source.objects()][5] == dict(zip(expected[0], expected[6], strict=True))
        assert (source.inputs[0].name, source.inputs[0].bytes) == ("book.xlsx", path.stat().st_size)


def test_as_calamine_reads_it(tmp_path: Path) -> None:
    calamine = pytest.importorskip("python_calamine")
    path = tmp_path / "book.xlsx"
    written(path, 300)
    theirs = calamine.load_workbook(str(path)).get_sheet_by_index(0).to_python()
    ours = table(path)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        for one, value in zip(mine, other, strict=True):
            if isinstance(value, float):
                assert float(one) == value
            else:
                assert one == shown(value)


# --- cells ------------------------------------------------------------------------------------------------------------

STYLES = f"""<styleSheet {MAIN}><numFmts count="5">
<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm"/><numFmt numFmtId="165" formatCode="[h]:mm:ss"/>
<numFmt numFmtId="166" formatCode="0.00 &quot;days&quot;"/><numFmt numFmtId="167" formatCode="[Red]#,##0"/>
<numFmt numFmtId="168" formatCode="[$-416]d/m/yy;@"/></numFmts><cellXfs>
<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/>
<xf numFmtId="168"/><xf numFmtId="22"/></cellXfs></styleSheet>"""
CELLS = {
    "number": (cell("A2", "0.30000000000000004"), "0.30000000000000004"),
    "whole": (cell("A2", "42"), "42"),
    "true": (cell("A2", "1", kind="b"), "true"),
    "false": (cell("A2", "0", kind="b"), "false"),
    "error": (cell("A2", "#N/A", kind="e"), "#N/A"),
    "shared": (cell("A2", "1", kind="s"), "ação <b> & more"),
    "runs without the reading aid": (cell("A2", "2", kind="s"), "東京 rich"),
    "escapes": (cell("A2", "3", kind="s"), "a\rb_x000D_ _xD83D_"),
    "inline": ('<c r="A2" t="inlineStr"><is><r><t>one </t></r><r><t>two</t></r></is></c>', "one two"),
    "formula": ('<c r="A2" t="str"><f>A1&amp;"x"</f><v>cached</v></c>', "cached"),
    "formula of a number": ('<c r="A2"><f>1+1</f><v>2</v></c>', "2"),
    "date": (cell("A2", "45322", style=1), "2024-01-31"),
    "moment": (cell("A2", "45322.520833333336", style=2), "2024-01-31T12:30:00"),
    "milliseconds": (cell("A2", "45322.00000289352", style=7), "2024-01-31T00:00:00.250"),
    "elapsed": (cell("A2", "1.25", style=3), "PT108000S"),
    "words in a format are no date": (cell("A2", "3.5", style=4), "3.5"),
    "a colour is no date": (cell("A2", "1234", style=5), "1234"),
    "a locale before a date": (cell("A2", "45322", style=6), "2024-01-31"),
    "clock": (cell("A2", "0.5", style=2), "12:00:00"),
    "the first days of 1900": (cell("A2", "59", style=1), "1900-02-28"),
    "after the day that never was": (cell("A2", "61", style=1), "1900-03-01"),
    "no date at all": (cell("A2", "99999999", style=1), "99999999"),
    "below zero": (cell("A2", "-1", style=1), "-1"),
    "ISO date": (cell("A2", "2024-01-31T00:00:00", kind="d"), "2024-01-31T00:00:00"),
}  # fmt: skip
TEXTS = (
    f"<sst {MAIN}><si><t>head</t></si><si><t>ação &lt;b&gt; &amp; more</t></si>"
    "<si><r><t>東京</t></r><r><t xml:space='preserve'> rich</t></r><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si>"
    "<si><t>a_x000D_b_x005F_x000D_ _xD83D_</t></si></sst>"
)


@pytest.mark.parametrize("name", CELLS)
def test_cells(name: str, tmp_path: Path) -> None:
    xml, expected = CELLS[name]
    rows = f'<row r="1">{cell("A1", "0", kind="s")}{cell("B1", "1", kind="b")}</row><row r="2">{xml}</row>'
    found = table(put(tmp_path, workbook(sheet_of(rows), TEXTS, STYLES)))
    assert found == [["head", "true"], [expected, ""]]


def test_a_calendar_from_1904(tmp_path: Path) -> None:
    sheet = sheet_of(f"<row>{cell('A1', '43860', kind='d')}</row><row>{cell('A2', '1')}</row>")
    data = book([("S", "visible", sheet)], head='<workbookPr date1904="1"/>')
    assert table(put(tmp_path, data)) == [["43860"], ["1"]]


def test_gaps_merged_cells_and_formulas_without_a_value(tmp_path: Path) -> None:
    rows = (
        f'<row r="3">{cell("A3", "1")}{cell("B3", "2")}{cell("C3", "3")}</row>'
        f'<row r="4">{cell("C4", "4")}</row><row r="5"><c r="A5" s="3"/></row>'
        f'<row r="9">{cell("A9", "5")}<c r="B9"><f>A1</f></c>{cell("E9", "6")}</row><row><c><v>7</v></c></row>'
    )
    xml = sheet_of(rows).replace("</worksheet>", '<mergeCells><mergeCell ref="A4:C4"/></mergeCells></worksheet>')
    path = put(tmp_path, book([("S", "visible", xml)]))
    with Source(path) as source:
        found = source.csv_records()
        assert found.fields == ("1", "2", "3")
        records = list(found)
        assert [(r.line, r.value, r.problem) for r in records] == [
            (4, ["", "", "4"], None),
            (9, None, "ragged-row"),
            (10, ["7", "", ""], None),
        ]
        assert source.left_out == {"uncomputed": 1}
        assert source.place(1) == "book.xlsx:4"


def test_the_first_visible_sheet_that_is_not_empty_or_the_one_named(tmp_path: Path) -> None:
    row = "<row><c><v>{}</v></c><c><v>0</v></c></row>"
    sheets = [
        ("Secret", "veryHidden", sheet_of(row.format(1))),
        ("Empty", "visible", sheet_of('<row><c s="1"/></row>')),
        ("Data", "visible", sheet_of(row.format(2))),
        ("More: data", "visible", sheet_of(row.format(3))),
    ]
    path = put(tmp_path, book(sheets))
    assert table(path) == [["2", "0"]]
    assert table(f"{path}:More: data") == [["3", "0"]]
    assert table(f"{path}:Secret") == [["1", "0"]]
    with Source(f"{path}:Data") as source:
        list(source.csv_records())
        assert (source.inputs[0].name, source.inputs[0].path) == ("book.xlsx:Data", path)
    with pytest.raises(InputError, match=r"has no sheet of that name .*; it has Secret, Empty, Data, More: data"):
        table(f"{path}:data")
    with pytest.raises(InputError, match="holds no visible sheet with anything in it"):
        table(put(tmp_path, book(sheets[:2])))


def test_prefixed_names_and_other_paths(tmp_path: Path) -> None:
    """Some writers put a prefix before each name, and the parts elsewhere."""
    sheet = (
        '<x:worksheet xmlns:x="u"><x:sheetData><x:row><x:c t="s"><x:v>0</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    texts = '<x:sst xmlns:x="u"><x:si><x:t>hello</x:t></x:si></x:sst>'
    assert table(put(tmp_path, workbook(sheet, texts))) == [["hello"]]


def office(part: str) -> bytes:
    return zipped(("[Content_Types].xml", b"x"), ("_rels/.rels", relations(("officeDocument", part)).encode()))


BACKWARDS = '<row r="2"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>'
REFUSED = {
    "binary workbook": (office("xl/workbook.bin"), r"a binary workbook \(\.xlsb\); save the sheet"),
    "document": (office("word/document.xml"), "an Office file without sheets"),
    "no sheet behind the name": (book([("S", "visible", "")]).replace(b"sheets/0.xml", b"sheets/1.xml"), "damaged"),
    "no XML": (workbook("not XML"), "damaged"),
    "cut XML": (workbook(sheet_of("<row>")[:-3]), "damaged"),
    "rows backwards": (workbook(sheet_of(BACKWARDS)), "damaged"),
    "cells backwards": (workbook(sheet_of(f"<row>{cell('B1', '1')}{cell('A1', '1')}</row>")), "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    data, told = REFUSED[name]
    with pytest.raises(InputError, match=told):
        table(put(tmp_path, data))


def test_open_document(tmp_path: Path) -> None:
    data = zipped(("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", b"<x/>"))
    with pytest.raises(InputError, match=r"an OpenDocument file; save the sheet as \.xlsx or CSV"):
        table(put(tmp_path, data, "book.ods"))


def test_memory_is_bounded(tmp_path: Path) -> None:
    """40 MB of shared texts in 20,000 rows take less memory than they are."""
    rng = random.Random(9)
    words = ["".join(rng.choices("abcdefgh", k=7)) for _ in range(1000)]
    text = " ".join(rng.choices(words, k=300_000))
    starts = (8 * rng.randrange(300_000 - 250) for _ in range(20_000))
    texts = [f"<si><t>{n} {text[start : start + 8 * 250 - 1]}</t></si>" for n, start in enumerate(starts)]
    rows = [f'<row><c t="s"><v>{n}</v></c><c><v>{n}</v></c></row>' for n in range(20_000)]
    small, path = (
        put(tmp_path, workbook(sheet_of("".join(rows[:size])), f"<sst {MAIN}>{''.join(texts)}</sst>"), f"{size}.xlsx")
        for size, texts in ((2, texts[:2]), (20_000, texts))
    )
    # One like it is read before: what is loaded then, code of libraries above all, is none of the sheet's.
    code = """
import sys
from ftdata.source import Source
def kilobytes(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))
for _ in Source(sys.argv[1]).csv_records():
    pass
before = kilobytes("VmRSS")
print(sum(1 for _ in Source(sys.argv[2]).csv_records()), kilobytes("VmHWM") - before)
"""
    done = subprocess.run([sys.executable, "-c", code, small, path], capture_output=True, text=True, check=True)
    count, grown = map(int, done.stdout.split())
    assert count == 19_999
    assert grown < 40 * 1024
