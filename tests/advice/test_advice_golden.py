"""The datasets of known truth are the same always, hold what is said to be planted, and can be trained on."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from golden import DATASETS, Golden, expected, make
from golden_changes import CHANGES, fewer, reworded, shuffled
from golden_flaws import LABELS
from golden_talk import PLANTED, TALK

from ftdata.targets.lines import check_file

VERDICTS = "rag fine-tune few-shot prompt classifier fix-first private-first more-variety safety-first".split()
EVERY = pytest.mark.parametrize("name", DATASETS)
CHANGED = pytest.mark.parametrize("change", CHANGES)
KEYS = {"verdict", "reason", "rule", "why", "also", "silent", "holds", "signals", "sha256"}

# What a reader sees as a fact: addresses, part codes, and all that begins with a digit; not the marks of a list.
_MARK = re.compile(r"(?m)^\d+\. ")
_FACT = re.compile(r"https?://[\w./]+\w|\b[A-Z]+-?\d+\b|\d+(?:[.,/]\d+)*")


def said(row: dict[str, Any], role: str) -> str:
    return " ".join(turn["content"] or "" for turn in row["messages"] if turn["role"] == role)


def answer(row: dict[str, Any]) -> str:
    text = row["messages"][-1]["content"]
    assert isinstance(text, str)
    return text


def carrying(golden: Golden, mark: str) -> set[int]:
    return set(golden.truth.rows.get(mark, ()))


def facts(rows: list[dict[str, Any]]) -> set[int]:
    """Find the rows whose answer states what nothing before it does."""
    found = set()
    for at, row in enumerate(rows):
        before = " ".join(turn["content"] or "" for turn in row["messages"][:-1])
        if set(_FACT.findall(_MARK.sub("", answer(row)))) - set(_FACT.findall(before)):
            found.add(at)
    return found


def listed(table: str, *keys: str) -> list[str]:
    return [text for key in keys or PLANTED[table] for text in PLANTED[table][key]]


def at_first(text: str, line: str) -> bool:
    return text.casefold().startswith(line.casefold())


@EVERY
def test_the_bytes_are_always_the_same(name: str):
    assert hashlib.sha256(make(name).lines()).hexdigest() == expected()["dataset"][name]["sha256"]
    assert DATASETS[name]().lines() == make(name).lines()


@EVERY
def test_the_rows_can_be_trained(name: str, tmp_path: Path):
    file = tmp_path / "train.jsonl"
    file.write_bytes(make(name).lines())
    errors = [finding.code for finding in check_file(file, ["openai"]) if finding.level == "error"]
    assert errors == (["openai-min-rows"] if name == "tiny" else [])


@EVERY
def test_the_truth_is_what_is_expected(name: str):
    entry, truth = expected()["dataset"][name], make(name).truth
    for signal, value in entry["signals"].items():
        assert truth.signals[signal] == pytest.approx(value, abs=0.05 if signal == "effective_clusters" else 0.001)
    assert truth.signals["rows"] == len(make(name).rows)


def test_each_dataset_has_one_verdict_and_a_reason():
    assert list(expected()["dataset"]) == list(DATASETS)
    for entry in expected()["dataset"].values():
        assert KEYS - {"also"} <= entry.keys() <= KEYS
        assert entry["verdict"] in VERDICTS and set(entry["holds"]) == set(CHANGES)
        assert len(entry["why"]) > 60 and entry["rule"]
        assert entry["signals"].keys() <= expected()["signal"].keys()
        reasons = [entry["reason"], *entry.get("also", ()), *entry["silent"]]
        assert len(reasons) == len(set(reasons))
    led = {(entry["reason"], entry["verdict"]) for entry in expected()["dataset"].values()}
    assert len(led) == len(dict(led)), "one reason leads to two verdicts"


@EVERY
def test_facts_stand_where_they_were_planted(name: str):
    assert facts(make(name).rows) == carrying(make(name), "knowledge_load")


@EVERY
def test_refusals_stand_where_they_were_planted(name: str):
    lines = listed("refusals", "pt", "es", "en")
    found = {at for at, row in enumerate(make(name).rows) if any(at_first(answer(row), line) for line in lines)}
    assert found == carrying(make(name), "refusals")


@EVERY
def test_abuse_stands_where_it_was_planted(name: str):
    lines = listed("abuse", "pt", "es", "en")
    found = {at for at, row in enumerate(make(name).rows) if any(line in answer(row) for line in lines)}
    assert found == carrying(make(name), "toxic_answers")
    rude = listed("abuse", "rude_pt", "rude_es", "rude_en")
    found = {at for at, row in enumerate(make(name).rows) if any(line in said(row, "user") for line in rude)}
    assert found == carrying(make(name), "rude_customers")


@EVERY
def test_personal_data_stand_where_they_were_planted(name: str):
    numbers = "|".join(re.escape(value) for value in (*PLANTED["private"]["cpf"], *PLANTED["private"]["card"]))
    private = re.compile(rf"@example\.|{numbers}|95550-01|655 50 01|212-555-01")
    found = {at for at, row in enumerate(make(name).rows) if private.search(orjson.dumps(row).decode())}
    assert found == carrying(make(name), "pii_rows")


@EVERY
def test_canned_texts_stand_where_they_were_planted(name: str):
    forms = [re.escape(text).replace(r"\{g\}", ".{3,40}").replace(r"\{o\}", r"\d{6}") for text in listed("macros")]
    found = {at for at, row in enumerate(make(name).rows) if re.fullmatch("|".join(forms), answer(row))}
    assert found == carrying(make(name), "template_share")


def _asked(row: dict[str, Any]) -> str:
    text = re.sub(r"\d{6}", "#", said(row, "user"))
    return re.sub(r"^(Oi!|¡Hola!|Hi!) | (Obrigada!|¡Gracias!|Thanks!)$", "", text)


@pytest.mark.parametrize("name", ["drifting", "contradictory", "mixed"])
def test_questions_are_repeated_and_told_in_two_ways_as_planted(name: str):
    golden, ways = make(name), [(p["a"], p["b"]) for lang in ("pt", "es", "en") for p in PLANTED["policies"][lang]]
    split = {family for kind in ("contradictions", "volatility") for family in golden.truth.groups.get(kind, ())}
    pairs = unlike = 0
    for family in golden.truth.groups["asked"]:
        rows = [golden.rows[at] for at in family]
        assert len({_asked(row) for row in rows}) == 1
        told = [way for row in rows for two in ways for way in two if way in answer(row)]
        assert len(told) == len(rows) and (len(set(told)) == 2) == (family in split)
        switches = sum(one != other for one, other in pairwise(told))
        assert switches == 0 if family not in split else (switches == 1) == (name == "drifting")
        counts = Counter(told).values()
        pairs += len(rows) * (len(rows) - 1) // 2
        unlike += (len(rows) ** 2 - sum(count**2 for count in counts)) // 2
    if name == "drifting":
        assert len(split) / len(golden.truth.groups["asked"]) == golden.truth.signals["volatility"]
    else:
        assert unlike / pairs == golden.truth.signals["contradictions"]
    asked = Counter(_asked(row) for row in golden.rows)
    assert sum(count > 1 for count in asked.values()) == len(golden.truth.groups["asked"])


@EVERY
def test_rows_are_copies_only_where_planted(name: str):
    golden = make(name)
    texts = [re.sub(r"\W", "", f"{said(row, 'user')}|{answer(row)}") for row in golden.rows]
    if name == "duplicated":
        for family in golden.truth.groups["copies"]:
            assert len({texts[at] for at in family}) == 1
        assert len(set(texts)) == golden.truth.signals["effective_rows"]
        return
    family = {at: number for number, rows in enumerate(golden.truth.groups.get("asked", ())) for at in rows}
    first: dict[str, int] = {}
    for at, text in enumerate(texts):
        other = first.setdefault(text, at)
        assert other == at or family.get(other, -1) == family.get(at, -2), "a copy that nobody planted"


def test_labels_are_as_many_as_planted():
    counts = Counter(answer(row) for row in make("imbalanced").rows)
    assert sorted(counts.values()) == sorted(LABELS.values())
    assert all(label in said(make("imbalanced").rows[0], "system") for label in counts)


def test_languages_and_wrong_answers_are_as_planted():
    golden, heads = make("multilingual"), {"Resumo": "pt", "Resumen": "es", "Summary": "en"}
    nouns = {code: rf"\b[dn]?(?:{'|'.join(TALK[code]['nouns'])})\b" for code in ("pt", "es", "en")}
    wrong = set()
    langs: Counter[str] = Counter()
    for at, row in enumerate(golden.rows):
        lang = next(code for head, code in heads.items() if f"{head}:" in answer(row))
        asked = next(code for code, noun in nouns.items() if re.search(noun, said(row, "user"), re.I))
        langs[asked] += 1
        wrong |= {at} if lang != asked else set()
    assert dict(langs) == {"pt": 270, "es": 180, "en": 150}
    assert wrong == carrying(golden, "wrong_language")


def test_tools_are_called_where_planted():
    golden = make("tool-calling")
    called = {at for at, row in enumerate(golden.rows) if any(turn.get("tool_calls") for turn in row["messages"])}
    assert called == carrying(golden, "tool_calls")
    without = [row["messages"][:-2] + row["messages"][-1:] for row in golden.rows]
    careless = facts([{"messages": turns} for turns in without])
    assert len(careless) > 0.8 * len(golden.rows), "the trap: who overlooks the tool messages sees facts"


@EVERY
def test_the_talk_varies(name: str):
    golden = make(name)
    lengths = sorted(len(said(row, "user").split()) for row in golden.rows)
    assert lengths[-1] > 1.6 * lengths[0]
    assert all(row["created_at"] <= after["created_at"] for row, after in pairwise(golden.rows))
    if len(golden.rows) >= 50 and name != "duplicated":
        opening = Counter(" ".join(said(row, "user").split()[:8]) for row in golden.rows)
        assert opening.most_common(1)[0][1] < 0.1 * len(golden.rows)


@EVERY
@CHANGED
def test_changes_are_light_and_repeatable(name: str, change: str, tmp_path: Path):
    golden, file = make(name), tmp_path / "train.jsonl"
    before = golden.lines()
    changed = CHANGES[change](golden.rows, 7)
    assert golden.lines() == before and changed == CHANGES[change](golden.rows, 7)
    assert changed != golden.rows and (name == "tiny" or changed != CHANGES[change](golden.rows, 8))
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in changed))
    errors = {finding.code for finding in check_file(file, ["openai"]) if finding.level == "error"}
    assert errors == ({"openai-min-rows"} if name == "tiny" else set())


@EVERY
def test_removing_and_shuffling_touch_no_row(name: str):
    rows = make(name).rows
    removed = fewer(rows, 3)
    assert len(removed) == len(rows) - max(1, len(rows) // 10)
    left = iter(rows)
    assert all(any(row == kept for row in left) for kept in removed), "what stays is in the order that it had"
    moved = shuffled(rows, 3)
    assert moved != rows and sorted(map(orjson.dumps, moved)) == sorted(map(orjson.dumps, rows))


@EVERY
def test_rewording_keeps_what_is_planted(name: str):
    golden = make(name)
    rows = reworded(golden.rows, 5)
    assert facts(rows) == carrying(golden, "knowledge_load")
    moved = 0
    for row, other in zip(golden.rows, rows, strict=True):
        old, new = answer(row), answer(other)
        assert _FACT.findall(old) == _FACT.findall(new)
        assert [turn for turn in row["messages"] if turn["role"] in ("system", "tool")] == [
            turn for turn in other["messages"] if turn["role"] in ("system", "tool")
        ]
        moved += said(row, "user") != said(other, "user") or old != new
        words = set(said(row, "user").split()) ^ set(said(other, "user").split())
        assert len(words) <= 12
    assert moved > 0.4 * len(rows)
    if name == "imbalanced":
        assert [answer(row) for row in rows] == [answer(row) for row in golden.rows]
