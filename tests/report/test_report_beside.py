"""The grid of targets, the advice and the cost that a report takes over from those who work them out."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import ftdata
from ftdata import runs
from ftdata.cli import cli
from ftdata.errors import InputError
from ftdata.report import Extra, as_html, as_markdown, report
from ftdata.report.beside import advice, cost, grid, judged
from ftdata.report.values import Reason
from ftdata.targets.lines import LineFinding

RECIPE = """
[run]
name = "g"
[[read]]
use = "openai-chat"
path = "in.jsonl"
[[write]]
use = "openai-chat"
path = "out.jsonl"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    good = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows: list[dict[str, Any]] = [{"messages": [{"role": "user", "content": f"q{n}"}, good[1]]} for n in range(60)]
    rows.append({"messages": [good[0], {"role": "assistant", "content": "a", "weight": 2}]})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "r.toml").write_text(RECIPE)
    ftdata.run(tmp_path / "r.toml")
    return tmp_path


def said(target: str, rule: str, level: Any, fix: str = "mend it") -> LineFinding:
    return LineFinding(target, f"{target}-{rule}", level, "f", 1, None, "", "cause", fix, "spec", "source")


def test_a_rule_is_a_row_and_a_target_that_keeps_it_fits() -> None:
    found = judged(
        [
            *(said("a", "x", "warn"), said("b", "x", "error"), said("b", "x", "warn")),
            *(said("b", "y", "warn", "one"), said("c-d", "y", "error", "other")),
        ],
        {"a": ("a-x", "a-y"), "b": ("b-x", "b-y"), "c-d": ("c-d-y",)},
    )
    assert [(row.rule, row.what, row.marks) for row in found.rows] == [
        ("x", "mend it", ("warn", "error", "none")),
        ("y", "", ("ok", "warn", "error")),
    ]


def test_the_grid_of_a_run_is_what_check_says(folder: Path) -> None:
    record = runs.find(str(folder / "r.toml"))
    found = grid(record, ("openai",))
    assert [row.marks for row in found.rows] == [("error",)] and "weight" in found.rows[0].rule
    told = report(record, extra=Extra(found))
    assert 'class="pill error"' in as_html(told) and "weight" in as_markdown(told)
    assert "targets" not in [one.section for one in told.unmeasured]
    empty = report(record, extra=Extra(judged([], {"openai": (), "x": ()})))
    assert "openai, x" in as_html(empty) and "openai, x: no finding" in as_markdown(empty)


def test_the_command_asks_for_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(cli, ["report", "r.toml", "--for", "openai", "--advise", "--format", "json"])
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)
    assert told["grid"]["targets"] == ["openai"] and told["advice"]["verdict"] and told["advice"]["reasons"]


def test_the_command_says_what_it_costs_as_the_cost_command_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    bill = json.loads(CliRunner().invoke(cli, ["cost", "r.toml", "--for", "openai:gpt-4o-mini", "--json"]).stdout)
    asked = ["report", "r.toml", "--cost-for", "openai:gpt-4o-mini, azure", "--advise"]
    told = json.loads(CliRunner().invoke(cli, [*asked, "--format", "json"]).stdout)
    one, other = told["cost"]
    amounts = {line["what"]: (line["base"], line["currency"]) for line in one["lines"]}
    assert amounts["training"] == (bill["items"][0]["amount"]["base"], "USD") and amounts["training"][0] > 0
    assert amounts["total"] == (bill["total"][0]["amount"]["base"], "USD")
    assert other["target"] == "Azure OpenAI" and other["lines"][0]["base"] is None
    for form, unknown in (("html", "unknown"), ("md", "unknown")):
        page = CliRunner().invoke(cli, [*asked, "--format", form]).stdout
        assert "OpenAI gpt-4o-mini" in page and "Azure OpenAI" in page and unknown in page
    assert "cost" not in CliRunner().invoke(cli, ["report", "r.toml", "--format", "md"]).stdout.lower()


def test_a_run_without_lines_has_no_grid(folder: Path) -> None:
    (folder / "h.toml").write_text(
        RECIPE.replace('"g"', '"h"')
        .replace('"out.jsonl"', '"hf"')
        .replace('"openai-chat"\npath = "hf"', '"hf-dataset"\npath = "hf"')
    )
    ftdata.run(folder / "h.toml")
    with pytest.raises(InputError, match=r"wrote no \.jsonl file"):
        grid(runs.find(str(folder / "h.toml")), ("openai",))


class _As:
    """Any value with these attributes: the adapters read a few of those that the real ones have."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __str__(self) -> str:
        return "where it stands"


def test_an_unknown_amount_stays_unknown() -> None:
    amount = _As(low=Decimal("1.5"), base=Decimal(2), high=Decimal(3))
    items = (_As(name="training", amount=amount, currency="USD", how="tokens x rate", cites=(_As(),)),)
    items += (_As(name="hosting", amount=None, currency="USD", how="no price is known", cites=()),)
    found = cost(  # type: ignore[arg-type]
        _As(
            vendor=_As(title="Vendor"),
            model="m",
            items=items,
            left_out=("labour",),
            totals={"USD": None},
            months=Decimal(1),
            counted="exact",
        )
    )
    assert (found.target, found.note) == ("Vendor m", "not counted: labour")
    assert [(one.low, one.base, one.high) for one in found.lines] == [(1.5, 2.0, 3.0)] + [(None, None, None)] * 2
    assert found.lines[0].source == "tokens x rate; where it stands"


def test_every_sentence_of_the_advice_keeps_its_source() -> None:
    one = _As(sentence="5 % of x.", source="s", strength="vendor")
    other = _As(sentence="7 of y.", source="ours", strength="rule of thumb of ours")
    told = _As(
        said="Tune",
        confidence="high",
        because=(one,),
        remarks=(other,),
        change="z",
        next="n",
        sources={"s": _As(title="A study")},
    )
    found = advice(told)  # type: ignore[arg-type]
    assert found.reasons == (
        Reason("5 % of x.", "A study", "vendor"),
        Reason("7 of y.", "ours", "rule of thumb of ours"),
    )
    assert (found.verdict, found.confidence, found.would_change, found.next) == ("Tune", "high", "z", "n")
