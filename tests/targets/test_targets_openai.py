"""Every rule of the OpenAI profile has rows that keep it and rows that break it; the gate lets nothing through."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_rows import ANSWER, DEPRECATED, PLAIN, ROWS, USER, pair, row, said
from strategies import JSON, rows

from ftdata.errors import InputError, RecipeError
from ftdata.targets import load
from ftdata.targets.gate import Gate
from ftdata.targets.lines import LineFinding, check_file
from ftdata.targets.plain import traits, traits_of
from ftdata.targets.rules import KINDS, NEVER

PROFILE = load("openai")
GATE = Gate(PROFILE)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def judged(line: str) -> list[tuple[str, str]]:
    """Judge a line by itself: codes and paths."""
    if GATE.passes(line):
        assert GATE.explain(line).breaches == ()
        return []
    return [(rule.code, hit.path) for rule, hit in GATE.explain(line).breaches]


TABLE = {**ROWS, **DEPRECATED}


@pytest.mark.parametrize(("code", "line"), [(code, line) for code, (lines, _) in TABLE.items() for line in lines])
def test_rows_that_keep_the_rule(code: str, line: str):
    broken = [found for found, _ in judged(line)]
    assert code not in broken
    assert set(broken) <= ({"openai-deprecated"} if code in DEPRECATED else set())


@pytest.mark.parametrize(
    ("code", "line", "path"), [(code, line, path) for code, (_, lines) in ROWS.items() for line, path in lines]
)
def test_rows_that_break_it_break_it_alone(code: str, line: str, path: str):
    found = judged(line)
    assert found and found[0] == (code, path)
    assert {broken for broken, _ in found} == {code}


@pytest.mark.parametrize(
    ("code", "line", "path"), [(code, line, path) for code, (_, lines) in DEPRECATED.items() for line, path in lines]
)
def test_rows_with_deprecated_keys(code: str, line: str, path: str):
    found = judged(line)
    assert (code, path) in found
    assert {broken for broken, _ in found} == {code, "openai-deprecated"}


def test_every_rule_is_in_the_tables():
    row_rules = {rule.code for rule in PROFILE.rules if KINDS[rule.kind].of == "row"}
    # What shape is for, rows of other layouts, stands in the table of seeded rows.
    assert row_rules | {"openai-json"} == set(TABLE) | {"openai-shape"}
    assert {rule.code for rule in PROFILE.rules} - set(TABLE) - {"openai-shape", "openai-layout"} == set(FILES)


# One row of each kind that OpenAI documents.
VENDOR = [
    row(
        said("system", "Você é o suporte da Loja X."),
        said("user", "Meu pedido não chegou."),
        said("assistant", "Qual é o número?", weight=0),
        said("user", "1001"),
        said("assistant", "Sai hoje.", weight=1),
    ),
    TABLE["openai-tool-calls"][0][0],
    TABLE["openai-content-parts"][0][0],
    pair(),
    row(USER, reference_label="billing"),
]


@pytest.mark.parametrize("line", VENDOR)
def test_documented_rows_pass(line: str):
    assert judged(line) == []


# --- the gate ---------------------------------------------------------------------------------------------------------


MESSAGE_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "role": st.sampled_from(["system", "user", "assistant", "tool", "developer", "function", "bot", None, 1]),
    "content": st.sampled_from(
        ["hi", "", " ", "\u00a0", "\x1c", "\ufeff", None, 1, [], [{"type": "text", "text": "x"}]]
    ),
    "weight": st.sampled_from([0, 1, 0.0, 1.0, True, None, 2, "1"]),
    "name": st.sampled_from(["ann", None, 1]),
    "x": JSON,
}


@st.composite
def near_plain(draw: st.DrawFn) -> str:
    """Give a plain row with a few odd values, keys doubled among them (written as text, so that they can be)."""

    def message(base: dict[str, Any]) -> str:
        pairs = list(base.items())
        for _ in range(draw(st.integers(0, 2))):
            key = draw(st.sampled_from(sorted(MESSAGE_VALUES)))
            change = (key, draw(MESSAGE_VALUES[key]))
            if draw(st.booleans()):
                pairs.append(change)
            else:
                pairs = [item for item in pairs if item[0] != key] + [change]
        return "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"

    bases = [*draw(st.lists(st.sampled_from([USER, ANSWER, said("system", "s")]), max_size=4)), ANSWER]
    body = '"messages":[' + ",".join(message(base) for base in bases) + "]"
    extra = draw(st.sampled_from(["", "", ',"messages":[]', ',"x":1', ',"tools":[]', ","]))
    return "{" + body + extra + "}"


@settings(max_examples=600, deadline=None)
@given(near_plain())
def test_the_gate_never_accepts_what_the_explainer_refuses(line: str):
    if GATE.passes(line):
        assert GATE.explain(line).breaches == ()
    assert GATE.passes(line.encode()) == GATE.passes(line)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(near_plain(), st.sampled_from([PLAIN, PLAIN + PLAIN, "", PLAIN[:13] + "\n" + PLAIN[13:]]))))
def test_a_block_is_known_as_its_lines_are(lines: list[str]):
    block = "\n".join(lines).encode()
    told = traits_of(block, block.count(b"\n") + 1)
    assert told is None or told == [traits(line) for line in block.split(b"\n")]


@settings(max_examples=300, deadline=None)
@given(st.one_of(JSON, rows(), st.dictionaries(st.sampled_from(["messages", "input", "preferred_output"]), JSON)))
def test_any_json_is_judged_without_a_crash(value: Any):
    line = json.dumps(value)
    verdict = GATE.explain(line)
    assert not GATE.passes(line) or not verdict.breaches
    for _, hit in verdict.breaches:
        assert len(hit.path) < 500 and hit.cause


def test_the_gate_opens_for_plain_rows():
    assert GATE.passes(PLAIN) and GATE.passes(VENDOR[0])


def test_an_ungated_kind_shuts_the_gate(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(KINDS, "last-message", KINDS["last-message"]._replace(spares=NEVER))
    assert not Gate(PROFILE).passes(PLAIN)


def test_no_value_of_a_row_is_shown():
    secret = "c4n4ry"
    odd: list[Any] = [secret, [secret], {secret + " x": secret}]
    for key in ("role", "content", "weight", "name", "tool_calls", "tool_call_id", "function_call", secret + "@"):
        for value in odd:
            for line in (
                row(USER, {**ANSWER, key: value}),
                row(USER, ANSWER, **{key: value}),
                f'{{"{secret}" {secret}',
            ):
                for _, hit in GATE.explain(line).breaches:
                    assert secret not in hit.path + hit.cause


# --- files ------------------------------------------------------------------------------------------------------------


def lines_of(count: int, *more: str) -> bytes:
    return ("\n".join([row(said("user", f"q{i}"), ANSWER) for i in range(count)] + list(more)) + "\n").encode()


# code -> content of a file that breaks it alone, its name, line of the finding
FILES: dict[str, tuple[bytes, str, int | None]] = {
    "openai-file-suffix": (lines_of(50), "train.json", None),
    "openai-file-size": (lines_of(50), "train.jsonl", None),
    "openai-encoding": ("\n".join([PLAIN] * 50).encode("utf-16"), "train.jsonl", None),
    "openai-bom": (b"\xef\xbb\xbf" + lines_of(50), "train.jsonl", None),
    "openai-blank-line": (lines_of(49, "", PLAIN), "train.jsonl", 50),
    "openai-min-rows": (lines_of(9), "train.jsonl", None),
    "openai-few-rows": (lines_of(10), "train.jsonl", None),
    "openai-mixed-forms": (lines_of(50, pair()), "train.jsonl", None),
    "openai-image-rows": (
        lines_of(50, row(said("user", [{"type": "image_url", "image_url": {"url": "http://x"}}]), ANSWER)),
        "train.jsonl",
        None,
    ),
    "openai-split-overlap": (b"", "", None),  # two files: judged by the check inside a run
}


def checked(folder: Path, content: bytes, name: str = "train.jsonl") -> list[LineFinding]:
    (folder / name).write_bytes(content)
    return check_file(folder / name, ["openai"])


@pytest.mark.parametrize("code", [code for code in FILES if code != "openai-split-overlap"])
def test_rules_about_the_file(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content, name, line = FILES[code]
    small = {"file-size": {"maximum_bytes": 1000}, "image-rows": {"maximum": 0}}
    rule = next(rule for rule in PROFILE.rules if rule.code == code)
    changed = rule.model_copy(update={"params": small.get(rule.kind, rule.params)})
    rules = tuple(changed if old is rule else old for old in PROFILE.rules)
    monkeypatch.setattr("ftdata.targets.lines.load", lambda _: PROFILE.model_copy(update={"rules": rules}))
    found = checked(tmp_path, content, name)
    assert [(finding.code, finding.line) for finding in found] == [(code, line)]


def test_a_good_file_has_no_finding(tmp_path: Path):
    assert checked(tmp_path, lines_of(50)) == []


def test_findings_name_line_and_column(tmp_path: Path):
    broken = PLAIN.replace('"user"', "user", 1)
    found = checked(tmp_path, lines_of(60, broken, "", row(USER, {**ANSWER, "weight": 0.5})))
    assert [(f.code, f.line, f.column, f.path) for f in found] == [
        ("openai-json", 61, broken.index("user") + 1, ""),
        ("openai-blank-line", 62, None, ""),
        ("openai-weight", 63, None, "messages[1].weight"),
    ]
    assert found[2].as_json()["cause"] == "the weight is a number with a fraction, not the integer 0 or 1"
    assert found[2].file == "train.jsonl" and found[2].fix and "2026" in found[2].source
    json.dumps([finding.as_json() for finding in found])


def test_a_zipped_file_is_read_but_named(tmp_path: Path):
    codes = [finding.code for finding in checked(tmp_path, gzip.compress(lines_of(50)), "train.jsonl.gz")]
    assert codes == ["openai-file-suffix"]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_rows_is_one_finding(indent: int | None, tmp_path: Path):
    rows_of = [json.loads(line) for line in lines_of(50).splitlines()]
    found = checked(tmp_path, json.dumps(rows_of, indent=indent).encode())
    assert [(finding.code, finding.line) for finding in found] == [("openai-row-object", 1)]


BROKEN = [
    ('{"a": NaN}', "openai-json", "NaN"),
    ('{"a": "\\ud800"}', "openai-json", "surrogate"),
    ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "openai-json", "nested"),
    ('{"a": ' + "9" * 5000 + "}", "openai-json", "digits"),
    ('{"a": "b\rc"}', "openai-json", "control character"),
    (b'{"a": "caf\xe9"}', "openai-encoding", "not valid UTF-8"),
]


@pytest.mark.parametrize(("line", "code", "cause"), BROKEN)
def test_lines_that_are_no_json(line: str | bytes, code: str, cause: str, tmp_path: Path):
    raw = line if isinstance(line, bytes) else line.encode()
    found = checked(tmp_path, lines_of(50) + raw + b"\n" + lines_of(1))
    assert [(f.code, f.line) for f in found] == [(code, 51)]
    assert cause in found[0].cause


def test_a_line_beyond_the_limit_is_named(tmp_path: Path):
    long = row(said("user", "x" * (65 << 20)), ANSWER)
    found = checked(tmp_path, lines_of(50) + long.encode() + b"\n" + lines_of(1))
    assert [(f.code, f.line) for f in found] == [("openai-json", 51)]


def test_an_unknown_target_and_a_missing_file(tmp_path: Path):
    with pytest.raises(RecipeError, match="is not a target"):
        check_file(tmp_path / "x.jsonl", ["nope"])
    with pytest.raises(InputError):
        check_file(tmp_path / "x.jsonl", ["openai"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="third-party data not at hand")
def test_the_toy_file_of_openai():
    file = SHARED / "sft" / "openai_toy_chat_fine_tuning.jsonl"
    found = [(f.code, f.level, f.line) for f in check_file(file, ["openai"])]
    rows_of = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    silent = [i for i, r in enumerate(rows_of, 1) if all(m["role"] != "user" for m in r["messages"])]
    assert len(rows_of) < 10
    assert found == [("openai-no-user", "warn", line) for line in silent] + [("openai-min-rows", "error", None)]


def test_blank_lines_are_no_rows(tmp_path: Path):
    codes = [finding.code for finding in checked(tmp_path, lines_of(9, "", " "))]
    assert codes == ["openai-blank-line", "openai-blank-line", "openai-min-rows"]
