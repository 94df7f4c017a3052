"""Rows with one fault each: the code, line and path for every target; every rule of every profile fires on some row."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_rows import DEPRECATED, ROWS
from seeded import GOOD, SEEDED, Seeded
from strategies import JSON

from ftdata.targets import Profile, load, names
from ftdata.targets.gate import Gate, Line
from ftdata.targets.lines import LineFinding, check_file
from ftdata.targets.rules import KINDS

TARGETS = names()
MODELS = Path(__file__).resolve().parents[3] / "shared" / "TARGETS.md"


def judged(folder: Path, *rows: str, targets: tuple[str, ...] = TARGETS, **options: Any) -> list[LineFinding]:
    path = folder / "rows.jsonl"
    path.write_text("".join(row + "\n" for row in rows))
    return check_file(path, targets, **options)


def test_there_are_sixty():
    assert len(SEEDED) >= 60 and len({one.name for one in SEEDED}) == len(SEEDED)
    assert {one.layout for one in SEEDED} == set(GOOD)


@pytest.mark.parametrize("one", SEEDED, ids=lambda one: one.name)
def test_each_fault_is_found_where_it_is(one: Seeded, tmp_path: Path):
    good = json.dumps(GOOD[one.layout])
    found: dict[str, list[tuple[str, str]]] = {}
    for finding in judged(tmp_path, good, good, good, one.line, good, good):
        if finding.line == 4:
            found.setdefault(finding.target, []).append((finding.code, finding.path))
    several = {target for target, told in found.items() if len(told) > 1}
    assert several == one.several
    assert {target: told[0] for target, told in found.items() if target not in several} == one.found


def test_a_stated_layout_overrides_the_one_found(tmp_path: Path):
    good = json.dumps(GOOD["openai-chat"])
    codes = {f.code for f in judged(tmp_path, good, targets=("cohere",), layout="cohere") if f.line == 1}
    assert codes == {"cohere-role"}


def test_an_array_is_taken_where_the_target_takes_one(tmp_path: Path):
    path = tmp_path / "rows.json"
    unanswered = next(one.line for one in SEEDED if one.name == "sharegpt-unanswered")
    path.write_text(f"[\n{json.dumps(GOOD['sharegpt'])},\n{unanswered}\n]\n")
    found = [(f.target, f.code, f.line) for f in check_file(path, ["llama-factory", "nova"])]
    assert ("llama-factory", "llama-factory-positions", 3) in found
    assert [one for one in found if one[0] == "nova"] == [("nova", "nova-row-object", 1)]


# --- every rule of every profile fires, and spares the documented row -------------------------------------------------

_PAIR = {"input": {"messages": [GOOD["openai-chat"]["messages"][0]]}}
_NOVA_PAIR = {
    **GOOD["nova"],
    "messages": [
        GOOD["nova"]["messages"][0],
        {
            "role": "assistant",
            "candidates": [
                {"content": [{"text": "Hello"}], "preferenceLabel": "preferred"},
                {"content": [{"text": "No."}], "preferenceLabel": "non-preferred"},
            ],
        },
    ],
}
# What each target documents, beside the sound row of its layout: rows that nothing may be said of.
DOCUMENTED: dict[str, list[dict[str, Any]]] = {
    "nova": [GOOD["nova"], _NOVA_PAIR],
    "trl": [GOOD["openai-chat"], GOOD["prompt-completion"], GOOD["preference"]],
    "together": [GOOD["openai-chat"], GOOD["prompt-completion"]],
    "watsonx": [{"input": "Hi", "output": "Hello"}],
}


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_target_documents_passes(target: str, tmp_path: Path):
    for row in DOCUMENTED.get(target, [GOOD[load(target).layout]]):
        found = judged(tmp_path, *[json.dumps(row)] * 1200, targets=(target,))
        assert [f.code for f in found] == ([f"{target}-bom-required"] if target == "azure" else [])


def lines_of(layout: str, count: int) -> str:
    return (json.dumps(GOOD[layout]) + "\n") * count


def smaller(profile: Profile, kind: str, **params: Any) -> Profile:
    """Give the profile with a limit that a small file breaks."""
    rules = [r.model_copy(update={"params": params}) if r.kind == kind else r for r in profile.rules]
    return profile.model_copy(update={"rules": tuple(rules)})


SMALL: dict[str, dict[str, Any]] = {
    "file-size": {"maximum_bytes": 100},
    "upload-size": {"maximum_bytes": 100},
    "max-rows": {"maximum": 3},
    "image-rows": {"maximum": 0},
    "min-rows": {"minimum": 300},
    "few-rows": {"useful": 300},
    "few-pairs": {"useful": 300},
}
_PICTURE: dict[str, str] = {
    "openai-chat": next(one.line for one in SEEDED if one.name == "image-by-address"),
    "gemini": json.dumps(
        {
            "contents": [
                {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
                GOOD["gemini"]["contents"][1],
            ]
        }
    ),
}


def broken_file(profile: Profile, kind: str) -> tuple[str, bytes]:
    """Give the name and the content of a file that breaks a rule about files."""
    layout, count = profile.layout, 200
    text, name = lines_of(layout, count), "rows.jsonl"
    if kind == "min-rows" or kind == "few-rows":
        text = lines_of(layout, 200)
    elif kind == "layout":
        text = lines_of("cohere" if layout != "cohere" else "nova", count)
    elif kind == "blank-line":
        text += "\n" + lines_of(layout, 1)
    elif kind == "json":
        text += "{\n"
    elif kind == "file-suffix":
        name = "rows.txt"
    elif kind == "file-name":
        name = "rows of May.jsonl"
    elif kind == "mixed-forms":
        side = [GOOD["openai-chat"]["messages"][1]]
        text += json.dumps({**_PAIR, "preferred_output": side, "non_preferred_output": side}) + "\n"
    elif kind == "few-pairs":
        text = (json.dumps(_NOVA_PAIR) + "\n") * 200
    elif kind == "image-rows":
        text += _PICTURE[layout] + "\n"
    return name, text.encode("utf-16" if kind == "encoding" else "utf-8-sig" if kind == "bom" else "utf-8")


FILE_RULES = [
    (target, rule.kind)
    for target in TARGETS
    for rule in load(target).rules
    if KINDS[rule.kind].of == "file" and rule.kind != "split-overlap"  # two files: judged inside a run
]


@pytest.mark.parametrize(("target", "kind"), FILE_RULES)
def test_rules_about_the_file_fire(target: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    profile = load(target)
    if kind in SMALL:
        profile = smaller(profile, kind, **SMALL[kind])
    monkeypatch.setattr("ftdata.targets.lines.load", lambda _: profile)
    rule = profile.rule(kind)
    name, content = broken_file(profile, kind)
    (tmp_path / name).write_bytes(content)
    found = {f.code: f for f in check_file(tmp_path / name, [target])}
    assert rule is not None and rule.code in found
    assert found[rule.code].level == rule.level


@cache
def fired(target: str) -> frozenset[str]:
    """Give the codes of rules that some row of the tables breaks."""
    codes = {one.found[target][0] for one in SEEDED if target in one.found}
    layouts = {"openai-chat", *load(target).also, load(target).layout}
    lines = [(line, "openai-chat") for _, bad in [*ROWS.values(), *DEPRECATED.values()] for line, _ in bad]
    lines += [(one.line, one.layout) for one in SEEDED if one.layout in layouts] + MORE
    for line, layout in lines:
        codes |= {rule.code for rule, _ in Gate(load(target), layout).explain(line).breaches}
    return frozenset(codes)


_VIDEO = {"video": {"format": "mp4", "source": {"bytes": "AAAA"}}}
_IMAGE = {"image": {"format": "png", "source": {"bytes": "AAAA"}}}
_LARGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 14_100_000}}
_S3 = {"s3Location": {"uri": "s3://bucket/a"}}
_MEDIA = [{"image": {"format": "tiff", "source": _S3}}, {"video": {"format": "mp4", "source": _S3}}]
_THOUGHT = {"reasoningContent": {"reasoningText": {"text": "It is late."}}}
_ODD_NAME = {"type": "function", "function": {"name": "a b", "arguments": "{}"}}
MORE = [
    (json.dumps({**GOOD["nova"], "messages": [{"role": "user", "content": content}]}), "nova")
    for content in (_MEDIA, [_THOUGHT])
]
MORE += [
    (json.dumps(row), layout)
    for layout, row in (
        ("openai-chat", {"messages": [{"role": "assistant", "tool_calls": [_ODD_NAME]}]}),
        ("openai-chat", {"messages": [{"role": "system", "content": "s"}, *_PAIR["input"]["messages"]], "answer": "x"}),
        ("preference", {"prompt": "Hi", "chosen": [GOOD["openai-chat"]["messages"][1]], "rejected": "No."}),
        ("prompt-completion", {"prompt": "Hi", "completion": [GOOD["openai-chat"]["messages"][1]]}),
        ("sharegpt", {**GOOD["sharegpt"], "tools": []}),
        ("sharegpt", {**GOOD["sharegpt"], "chosen": {"from": "gpt", "value": "Hello"}}),
    )
]
MORE += [
    (json.dumps({**GOOD["nova"], "messages": [{"role": "user", "content": [media] * 31}]}), "nova")
    for media in (_VIDEO, _IMAGE)
] + [(json.dumps({"messages": [{"role": "user", "content": [_LARGE]}]}), "openai-chat")]


@pytest.mark.parametrize("target", TARGETS)
def test_every_rule_about_rows_fires(target: str):
    wanted = {rule.code for rule in load(target).rules if KINDS[rule.kind].of == "row"}
    assert wanted - fired(target) == set()


# --- the gate serves every target -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_gate_lets_through_no_rule_refuses(target: str):
    gate = Gate(load(target), "openai-chat")
    system, (user, answer) = {"role": "system", "content": "s"}, GOOD["openai-chat"]["messages"]
    taken = 0
    for turns in (
        [user, answer],
        [system, user, answer],
        [user, user, answer],
        [user, answer, user, answer],
        [user, {**answer, "weight": 0}, user, {**answer, "weight": 1}],
        [user, {**answer, "weight": 0}],
        [user, {"role": "assistant", "content": "It says User: here"}],
        [answer, user, answer],
        [user, system, answer],
        [system, system, user, answer],
        [user, answer, user],
    ):
        line = json.dumps({"messages": turns})
        hidden = line.replace("User:", "\\u0055ser:")
        for text in (line, line.encode(), hidden):
            if gate.passes(text):
                taken += 1
                assert gate.explain(text).breaches == ()
    assert taken >= 3  # the gate is open for the first at least


# --- any JSON in any layout -------------------------------------------------------------------------------------------

SECRET = "c4n4ry"


@st.composite
def bent(draw: st.DrawFn) -> tuple[str, Any]:
    """Give a sound row of a layout in which a value somewhere is another."""
    layout = draw(st.sampled_from(sorted(GOOD)))
    row = json.loads(json.dumps(GOOD[layout]))
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = row
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = draw(st.sampled_from(keys)) if keys else None
            if key is None or not isinstance(holder[key], dict | list) or draw(st.booleans()):
                break
            holder = holder[key]
        if key is not None:
            holder[key] = draw(st.one_of(JSON, st.just(SECRET), st.just([SECRET]), st.just({SECRET + " @": SECRET})))
    return layout, row


GATES = {layout: [Gate(load(target), layout) for target in TARGETS] for layout in GOOD}


@settings(max_examples=300, deadline=None)
@given(st.one_of(bent(), st.tuples(st.sampled_from(sorted(GOOD)), JSON)))
def test_any_row_is_judged_without_a_crash_and_nothing_of_it_is_shown(case: tuple[str, Any]):
    layout, value = case
    line = Line(json.dumps(value), layout)
    for gate in GATES[layout]:
        for rule, hit in gate.explain(line).breaches:
            assert hit.cause and len(hit.path) < 500, rule.code
            assert SECRET not in hit.path + hit.cause
