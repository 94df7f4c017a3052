"""The report as Markdown, to paste into an issue or keep beside a data card, and as JSON, for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from functools import partial
from typing import Any

from ftdata.report.page import _SIZES, adds_up, missing, origin, quantiles, turns
from ftdata.report.phrases import Words, words
from ftdata.report.values import Count, Lengths, Report, Said
from ftdata.wording import safe

FORMAT = "ftdata report 1"
"""Names the keys of the JSON: another number, other keys."""
_MARK = re.compile(r"([\\`*_\[\]#|~$]|^[-+=](?= |[-=])|^\d+(?=[.)] ))")

_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "&#64;"), ("://", "&#58;//"))


def as_json(report: Report) -> str:
    """Give the report as JSON: the fields of `Report` as keys, always all of them; ASCII, so inert in a terminal."""
    told = {name.name: getattr(report, name.name) for name in fields(report) if name.name != "examples"}
    plain = asdict(Report(**told))
    plain["examples"] = [row.model_dump(mode="json") for row in report.examples]
    return json.dumps({"format": FORMAT, **plain}, indent=1) + "\n"


def escaped(value: Any) -> str:
    """Write a value so that Markdown shows it as it is, on one line: no mark-up, no HTML, no link."""
    text = _MARK.sub(r"\\\1", " ".join(safe(value).split()))
    for sign, entity in _ENTITIES:
        text = text.replace(sign, entity)
    return re.sub(r"(?i)\bwww\.", lambda hit: f"{hit[0][:-1]}&#46;", text)


def as_markdown(report: Report, lang: str = "en") -> str:
    """Give the report as Markdown (GitHub's tables) in a language: en, es or pt-BR."""
    return "\n\n".join(_Markdown(report, words(lang)).parts()) + "\n"


class _Markdown:
    def __init__(self, report: Report, t: Words) -> None:
        self.r, self.t = report, t

    def parts(self) -> Iterator[str]:
        r, t = self.r, self.t
        yield "<!-- ftdata report -->\n# " + escaped(t("title", name=r.name))
        when = t("run_of", when=t.when(r.finished))
        yield f"{escaped(when)} · **{escaped(t(f'status_{r.status}'))}**" + (f": {escaped(r.error)}" if r.error else "")
        yield escaped(t("with_text" if r.examples else "no_text"))
        yield from self._advice()
        yield from self._funnel()
        yield from self._findings()
        yield from self._targets()
        yield from self._splits()
        yield from self._privacy()
        yield from self._languages()
        yield from self._duplicates()
        yield from self._balance()
        yield from self._lengths(r.lengths, "lengths")
        yield from self._lengths(r.tokens, "tokens")
        yield from self._flags()
        yield from self._cost()
        yield from self._rest()

    def _title(self, key: str, more: str = "") -> str:
        return f"## {escaped(self.t(key) + more)}"

    def _table(self, heads: Sequence[str], rows: Iterable[Sequence[str]], right: int = 1) -> str:
        """Write a table; `heads` are phrases, and the columns from `right` on hold numbers."""
        shown = [escaped(self.t.phrases.get(head, head)) for head in heads]
        rule = ["---:" if at >= right else "---" for at in range(len(heads))]
        lines = [shown, rule, *(list(row) for row in rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _counts(self, head: str, counts: Sequence[Count], what: str = "rows") -> str:
        rows = ([escaped(one.name), self.t.number(one.count), self.t.share(one.share)] for one in counts)
        return self._table((head, what, "share"), rows)

    def _from(self, source: str) -> str:
        return f"*{escaped(self.t('source', source=origin(self.t, source)))}*"

    def _listed(self, counts: Sequence[Count]) -> str:
        return ", ".join(f"{escaped(one.name)} {self.t.number(one.count)}" for one in counts) or "–"

    def _advice(self) -> Iterator[str]:
        advice = self.r.advice
        if advice is None:
            return
        yield self._title("advice")
        yield f"**{escaped(advice.verdict)}** ({escaped(self.t('confidence', word=advice.confidence))})"
        told = [f"{escaped(one.sentence)} ({escaped(one.source)}; {escaped(one.confidence)})" for one in advice.reasons]
        if advice.would_change:
            told.append(f"{escaped(self.t('would_change'))}: {escaped(advice.would_change)}")
        if advice.next:
            told.append(f"{escaped(self.t('next'))}: {escaped(advice.next)}")
        yield "\n".join(f"- {line}" for line in told)

    def _funnel(self) -> Iterator[str]:
        t, found = self.t, self.r.funnel
        yield self._title("funnel")
        lead = t("funnel_lead", records=found.records, rows=found.rows, written=found.written, dropped=found.dropped)
        law = t("funnel_law", records=found.records, written=found.written_records, dropped=found.dropped_records)
        yield escaped(f"{lead} {law if adds_up(self.r) else t('funnel_not')}")
        rows = (
            [
                escaped(step.label),
                self._listed(step.reasons),
                t.number(step.rows),
                t.number(step.dropped),
                t.number(step.rows - step.dropped),
                t.number(step.edited),
            ]
            for step in found.steps
        )
        yield self._table(("step", "reasons", "rows_in", "dropped", "rows_out", "edited"), rows, 2)
        yield self._from(found.source)

    def _findings(self) -> Iterator[str]:
        yield self._title("findings")
        order = ("error", "warn", "info")
        ranked = sorted(self.r.findings, key=lambda one: order.index(one.level))
        yield "\n".join(map(self._said, ranked)) or escaped(self.t("findings_none"))

    def _said(self, one: Said) -> str:
        where = ""
        if one.where:
            more = f" {self.t('and_more', count=len(one.where) - 5)}" if len(one.where) > 5 else ""
            where = ", " + escaped(f"{self.t('at', where=', '.join(one.where[:5]))}{more}")
        level = escaped(self.t(f"level_{one.level}"))
        return f"- **{level}** {escaped(one.message)} ({escaped(one.code)}, {escaped(one.stage)}{where})"

    def _targets(self) -> Iterator[str]:
        t = self.t
        if self.r.targets:
            yield self._title("targets")
            rows = (
                [escaped(one.title), escaped(one.checked or "–"), t.number(one.errors), t.number(one.warnings)]
                for one in self.r.targets
            )
            yield self._table(("targets", t("rules_checked", date="").strip(), "errors", "warnings"), rows, 2)
        grid = self.r.grid
        if grid is not None:
            yield self._title("grid")
            told = (
                [
                    f"{escaped(row.what)} ({escaped(row.rule)})".removeprefix(" "),
                    *(escaped(t(f"mark_{mark}")) for mark in row.marks),
                ]
                for row in grid.rows
            )
            fits = f"{escaped(', '.join(grid.targets))}: {escaped(t('target_ok'))}"
            yield self._table(("rule", *grid.targets), told, 99) if grid.rows else fits
            yield self._from(grid.source)

    def _splits(self) -> Iterator[str]:
        t, found = self.t, self.r.splits
        if found is None:
            return
        yield self._title("splits")
        if found.before is None:
            told = t("leaks_unknown")
        elif not found.before:
            told = t("leaks_none")
        else:
            told = t("leaks_some", before=found.before, rate=t.share(found.rate), after=found.after)
        sizes = " " + escaped(t(_SIZES[found.sizes])) if found.sizes in _SIZES else ""
        kinds = f" ({self._listed(found.kinds)})" if found.kinds else ""
        yield escaped(told) + kinds + sizes
        yield self._counts("split", found.rows)
        yield self._from(found.source)

    def _privacy(self) -> Iterator[str]:
        t, found = self.t, self.r.privacy
        if found is None:
            return
        yield self._title("privacy")
        if not found.scrubbed:
            yield escaped(t("privacy_off"))
        elif found.replaced:
            values = sum(one.count for one in found.replaced)
            yield escaped(t("privacy_lead", values=values, rows=found.rows))
            yield self._counts("type", found.replaced, "values")
        else:
            yield escaped(t("privacy_nothing"))
        if found.left is None:
            yield escaped(t("privacy_unchecked"))
        else:
            yield escaped(t("privacy_left" if found.left else "privacy_left_none"))
            if found.left:
                rows = ([escaped(one.type), t.number(one.values), t.number(one.rows)] for one in found.left)
                yield self._table(("type", "values", "rows"), rows)
        yield self._from(found.source)

    def _languages(self) -> Iterator[str]:
        t, found = self.t, self.r.languages
        if found is None:
            return
        yield self._title("languages")
        yield self._counts("language", found.rows)
        told = [f"{escaped(t('unknown'))}: {t.number(found.unknown)}"] if found.unknown else []
        told += [f"{escaped(t('variants'))}: {self._listed(found.variants)}"] if found.variants else []
        told += [escaped(t("detected_by", backend=found.backend))] if found.backend else []
        yield " · ".join([*told, self._from(found.source)])

    def _duplicates(self) -> Iterator[str]:
        found = self.r.duplicates
        if found is None:
            return
        yield self._title("duplicates")
        rows = (
            [escaped(one.label), self._listed(one.dropped), self._listed(one.flagged + one.numbers)]
            for one in found.stages
        )
        yield self._table(("step", "dropped", "flagged"), rows, 99)
        yield self._from(found.source)

    def _balance(self) -> Iterator[str]:
        t = self.t
        for found in self.r.balance:
            yield self._title("balance", f": {found.by}")
            told = t(
                "balance_lead",
                classes=found.classes,
                by=found.by,
                effective=t.number(found.effective, 2),
                largest=t.share(found.largest_share),
                smallest=found.smallest,
            )
            yield escaped(told + (f" {t('balance_without', without=found.without)}" if found.without else ""))
            if found.shares:
                yield self._counts("class", found.shares)
            yield self._from(found.source)

    def _lengths(self, found: Lengths | None, key: str) -> Iterator[str]:
        t = self.t
        if found is None:
            return
        yield self._title(key)
        whole = found.measures.get("all_characters")
        if whole is not None:
            yield escaped(t("lengths_lead", median=whole["median"], p95=whole["p95"], max=whole["max"]))
        whole = found.measures.get("all")
        if whole is not None:
            learnt = "" if found.trained_share is None else " " + t("trained_share", share=t.share(found.trained_share))
            yield escaped(t("tokens_lead", median=whole["p50"], p95=whole["p95"], max=whole["max"]) + learnt)
        if found.counted_by:
            yield escaped(found.counted_by)
        if found.estimated:
            yield escaped(t("estimated"))
        rows = (
            [escaped(t.known("m_", name)), *(t.number(values.get(key)) for key in quantiles(found))]
            for name, values in found.measures.items()
        )
        yield self._table(("measure", *quantiles(found).values()), rows)
        if found.bins:
            ranges = (
                [f"{t.number(one.low)}{'+' if one.high is None else f'–{t.number(one.high - 1)}'}", t.number(one.rows)]
                for one in found.bins
            )
            yield self._table(("characters", "rows"), ranges)
        yield self._from(found.source)

    def _flags(self) -> Iterator[str]:
        if self.r.flags:
            yield self._title("quality")
            rows = (
                [escaped(stage), escaped(one.name), self.t.number(one.count), self.t.share(one.share)]
                for stage, flags in self.r.flags
                for one in flags
            )
            yield self._table(("step", "flag", "rows", "share"), rows, 2)

    def _cost(self) -> Iterator[str]:
        t = self.t
        if self.r.cost:
            yield self._title("cost")
        for cost in self.r.cost:
            rows = (
                [
                    escaped(one.what),
                    *(
                        escaped(t("unknown") if amount is None else f"{t.number(amount, 2)} {one.currency}")
                        for amount in (one.low, one.base, one.high)
                    ),
                    escaped(one.source),
                ]
                for one in cost.lines
            )
            yield self._table((cost.target, "low", "base", "high", t("source", source="").strip(" :")), rows)
            if cost.note:
                yield escaped(cost.note)

    def _rest(self) -> Iterator[str]:
        r, t = self.r, self.t
        if r.unmeasured:
            yield self._title("unmeasured")
            yield escaped(t("unmeasured_lead"))
            tell = partial(missing, t)
            yield "\n".join(f"- {escaped(t(one.section))}: {escaped(tell(one.step))}" for one in r.unmeasured)
        if r.examples:
            yield self._title("examples")
            for row in r.examples:
                said = [f"- **{escaped(turn['label'])}**: {escaped(turn['text'])}" for turn in turns(row)]
                yield "\n".join([f"{escaped(row.id)}\n", *said])
        yield self._title("files")
        read = (
            [
                escaped(one.name),
                escaped(one.use),
                escaped(one.encoding or "–"),
                t("looked_up") if one.lookup else t.number(one.records),
                t.number(one.bytes),
            ]
            for one in r.inputs
        )
        yield self._table(("inputs", "reader", "encoding", "records", "bytes"), read, 3)
        written = (
            [escaped(one.path), escaped(one.use), escaped(one.split or "–"), t.number(one.rows), t.number(one.bytes)]
            for one in r.outputs
        )
        yield self._table(("outputs_", "writer", "split", "rows", "bytes"), written, 3)
        plugins = "".join(f" · {escaped(name)} {escaped(version)}" for name, version in sorted(r.plugins.items()))
        yield escaped(f"{t('made_by', version=r.ftdata)} · {t('seed', seed=r.seed)}") + plugins
