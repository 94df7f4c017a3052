"""The report as one HTML file that needs nothing else: no script, no request, every value escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache, partial
from importlib import resources
from typing import Any

from ftdata.batch import dumps
from ftdata.conversation import Conversation
from ftdata.report import charts
from ftdata.report.phrases import Words, words
from ftdata.report.values import Bin, Lengths, Report
from ftdata.wording import safe

_QUANTILES = {"min": "least", "median": "median", "p50": "median", "max": "most", "mean": "mean", "sum": "sum"}
_ORDER = ("min", "p5", "p25", "median", "p50", "p75", "p95", "p99", "max", "mean", "sum")
_SIZES = {"exact": "sizes_exact", "by hash": "sizes_hash", "by time": "sizes_time"}
_TONES = {"ok": "good", "warn": "warn", "error": "error", "none": "info"}
_FAULTS = {"outputs-changed": "unmeasured_changed", "outputs-unread": "unmeasured_unread"}


def as_html(report: Report, lang: str = "en") -> str:
    """Give the report as an HTML page in a language: en, es or pt-BR.

    Its policy (CSP) forbids scripts, requests and any style but its own, which it names by hash. Raises `RecipeError`
    for another language.
    """
    from markupsafe import Markup

    style = f"\n{_own('style.css')}"
    t = words(lang)
    text: str = _template().render(
        r=report,
        t=t,
        n=t.number,
        share=t.share,
        when=t.when,
        style=Markup(style),
        policy=_policy(style),
        english=partial(_english, t),
        origin=partial(origin, t),
        missing=partial(missing, t),
        bar=charts.bar,
        flow=_flow,
        defs=charts.defs,
        histogram=partial(_histogram, t),
        turns=turns,
        quantiles=quantiles,
        sizes=_SIZES,
        tones=_TONES,
        sections=sections(report),
        errors=report.level("error"),
        warnings=report.level("warn"),
        adds_up=adds_up(report),
    )
    return text.lstrip() + "\n"


def _own(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    from jinja2 import DictLoader, Environment, StrictUndefined

    return Environment(
        loader=DictLoader({"page": _own("page.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    ).get_template("page")


def _shown(value: Any) -> Any:
    """Show control, invisible and bidirectional characters of a value as escapes: they could reorder the page."""
    from markupsafe import Markup

    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def _english(t: Words, text: str) -> Any:
    """Mark what the tool says in English only, so that it is read aloud as such."""
    from markupsafe import Markup

    return text if t.lang == "en" else Markup('<span lang="en">{}</span>').format(_shown(text))


def _flow(rows: int, dropped: int, whole: int, title: str, tall: int = 18) -> Any:
    return charts.flow(rows, dropped, whole, _shown(title), tall)


def _histogram(t: Words, bins: tuple[Bin, ...], title: str) -> Any:
    def telling(one: Bin) -> str:
        if one.high is None:
            return t("histogram_last", low=one.low, rows=one.rows)
        return t("histogram_bin", low=one.low, high=one.high - 1, rows=one.rows)

    return charts.histogram(bins, title, telling, t.number)


def origin(t: Words, source: str) -> str:
    """Say where numbers come from: the ledger, the outputs, or steps by their labels."""
    named = {"ledger": "source_ledger", "outputs": "source_outputs"}
    return t(named[source]) if source in named else t("source_step", step=source)


def missing(t: Words, step: str) -> str:
    """Say why something was not measured."""
    return t(_FAULTS[step]) if step in _FAULTS else t("unmeasured_step", step=step)


def quantiles(found: Lengths) -> dict[str, str]:
    """Give the columns of a table of lengths: the keys that any measure has, and the phrase for each or the key."""
    there = {key for values in found.measures.values() for key in values}
    return {key: _QUANTILES.get(key, key) for key in _ORDER if key in there}


def adds_up(report: Report) -> bool:
    """Say whether the law holds: read = written + dropped, in rows and in records."""
    found = report.funnel
    return (found.rows, found.records) == (
        found.written + found.dropped,
        found.written_records + found.dropped_records,
    ) and report.status in ("done", "findings")


def sections(report: Report) -> list[str]:
    """List the sections of a report that has them, in the order in which they stand; each is a key of the phrases."""
    there = {
        "advice": report.advice,
        "funnel": True,
        "findings": True,
        "targets": report.targets,
        "grid": report.grid,
        "splits": report.splits,
        "privacy": report.privacy,
        "languages": report.languages,
        "duplicates": report.duplicates,
        "balance": report.balance,
        "lengths": report.lengths,
        "tokens": report.tokens,
        "quality": report.flags,
        "cost": report.cost,
        "unmeasured": report.unmeasured,
        "examples": report.examples,
        "files": True,
    }
    return [name for name, found in there.items() if found]


def turns(row: Conversation) -> list[dict[str, str]]:
    """Give what each message of a row says, as text, and a label of who says it; calls and parts as JSON.

    The answer that was not preferred comes last, and says so.
    """
    said = []
    everything = [(one, "") for one in row.messages or ()] + [(one, "rejected") for one in row.rejected or ()]
    for message, standing in everything:
        rest = [dumps(value) for value in (message.parts, message.tool_calls) if value is not None]
        text = "\n".join([*([message.content] if message.content is not None else []), *rest])
        learnt = "weight 0" if message.weight == 0 else ""
        label = " · ".join(part for part in (message.role, message.name, learnt, standing) if part)
        said.append({"role": message.role or "", "label": label or "–", "text": text})
    return said
