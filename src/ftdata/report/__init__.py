"""The report of a run: its values, and the same as one offline HTML page, as Markdown and as JSON."""

from __future__ import annotations

from pathlib import Path

from ftdata import files
from ftdata.errors import OutputError
from ftdata.report.gather import Extra, report
from ftdata.report.page import as_html
from ftdata.report.phrases import words
from ftdata.report.plain import as_json, as_markdown
from ftdata.report.values import Report

__all__ = ["Extra", "Report", "as_html", "as_json", "as_markdown", "report", "save", "written"]

_OWN = b"ftdata report"
"""Stands in the first bytes of every report, whatever its form."""


def written(report: Report, kind: str = "html", lang: str = "en") -> str:
    """Give a report in the form that a name or the ending of a file means: html (also of any other), md, json."""
    words(lang)  # a language that there is not is said for JSON too
    form = kind.lower().lstrip(".")
    if form == "json":
        return as_json(report)
    return as_markdown(report, lang) if form in ("md", "markdown") else as_html(report, lang)


def save(path: Path, text: str, *, overwrite: bool = False) -> None:
    """Write a report, whole or not at all; it replaces an older report, and another file only with `overwrite`.

    Raises `OutputError` for a file that is no report, and where nothing can be written.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file, such as {path / 'report.html'}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: its folder is not there; make it, or write elsewhere")
    files.save(path, text, overwrite=overwrite or _is_report(path))


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return _OWN in stream.read(64)
