"""The step `fit`: what a target refuses is cured or dropped, nothing is lost in silence, and twice is once."""

from __future__ import annotations

import json
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rows

from ftdata.batch import Batch, Rows
from ftdata.readers.openai_chat import parse_line
from ftdata.targets import load, names
from ftdata.targets.gate import Gate
from ftdata.transforms.fit import Fit
from ftdata.transforms.fit.aim import aim
from ftdata.transforms.fit.cure import cure
from ftdata.transforms.fit.fixes import FIXES, fixable
from ftdata.writers.cargo import CARGO
from ftdata.writers.openai_chat import render

TARGETS = names()


def batch_of(*lines: str | dict[str, Any]) -> Batch:
    """Read rows as the reader does; those that it drops are left out."""
    made = Rows()
    for number, line in enumerate(lines, 1):
        row = parse_line((line if isinstance(line, str) else json.dumps(line)).encode())
        if row.drop is None:
            made.add(
                (number,),
                row.messages,
                rejected=row.rejected,
                answer_at=row.answer_at,
                tools=row.tools,
                extra=row.extra,
            )
    batch = made.batch()
    return batch.with_columns(row=pl.int_range(1, batch.height + 1, dtype=pl.UInt64, eager=True))


def said(role: str, content: Any = "x", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def row(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(turns), **more}


def fitted(target: str, given: dict[str, Any], lossy: bool = False) -> tuple[Any, list[str], str | None, Any]:
    """Fit one row; give it as JSON, its flags, its reason, and what is kept beside it."""
    out = Fit.model_validate({"for": target, "allow_lossy": lossy}).apply(batch_of(given))
    meta = out["meta"][0]
    return (
        json.loads(render(out)[0]),
        out["flags"][0].to_list(),
        out["drop"][0],
        None if meta is None else json.loads(meta)["fit"],
    )


U, A, S = said("user", "Hi"), said("assistant", "Yes"), said("system", "Be brief.")
CALL = {"id": "call_17", "type": "function", "function": {"name": "status", "arguments": '{"id": 1}'}}
CALLING = {"role": "assistant", "tool_calls": [CALL]}
RESULT = said("tool", '{"s": "sent"}', tool_call_id="call_17")
TOOL = {"type": "function", "function": {"name": "status", "description": "d", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
TEXT = {"type": "text", "text": "What is it?"}
PAIR = {"input": {"messages": [U]}, "preferred_output": [A], "non_preferred_output": [said("assistant", "No")]}

# target, row, row as it is fitted, flags; none of these needs leave to lose anything
CURED: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("together", row(U, said("user", "there"), A), row(said("user", "Hi\n\nthere"), A), ["changed-turns"]),
    ("nova", row(U, A, S, said("user", "and?"), A), row(U, A, said("user", "Be brief.\n\nand?"), A), []),
    ("claude", row(S, said("system", "In verse."), U, A), row(said("system", "Be brief.\n\nIn verse."), U, A), []),
    ("oci", row(S, U, A), row(said("user", "Be brief.\n\nHi"), A), ["changed-system", "changed-turns"]),
    ("openai", row(U, A, said("user", "Bye")), row(U, A), ["changed-last-turns"]),
    ("openai", row(U, A, ticket_id=7), row(U, A), ["changed-row-extra"]),
    ("openai", row({**U, "time": 3}, A), row(U, A), ["changed-message-extra"]),
    ("openai", row(said("developer", "d"), U, A), row(said("system", "d"), U, A), []),
    ("openai", row(said("Human", "Hi"), A), row(U, A), []),
    ("openai", row(U, {**A, "weight": 1.0}), row(U, {**A, "weight": 1}), []),
    ("openai", row({**U, "weight": 0}, A), row(U, A), []),
    ("claude", row(U, {**A, "weight": 1}), row(U, A), []),
    ("openai", row(said("user", ["Hi"]), A), row(said("user", [{"type": "text", "text": "Hi"}]), A), []),
    ("openai", row(U, A, parallel_tool_calls="yes"), row(U, A), ["changed-parallel-tool-calls"]),
    ("nova", row(said("user", "User: a <image>"), A), row(said("user", "User : a <image >"), A), []),
    ("openai", row(U, said("user", " "), {**A, "content": "Yes"}), row(U, A), []),
]


@pytest.mark.parametrize(("target", "given", "want", "flags"), CURED, ids=[str(i) for i in range(len(CURED))])
def test_a_row_is_cured_without_loss(
    target: str, given: dict[str, Any], want: dict[str, Any], flags: list[str]
) -> None:
    made, found, drop, _ = fitted(target, given)
    assert drop is None and made == want
    assert not [flag for flag in found if flag.startswith("lost-")]
    assert set(flags) <= set(found)


LOST: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("nova", row(said("assistant", "Welcome"), U, A), row(U, A), "first-turns"),
    ("claude", row(U, A, tools=[TOOL]), row(U, A), "tools"),
    (
        "claude",
        row(U, CALLING, RESULT, A, tools=[TOOL]),
        row(U, said("assistant", 'status({"id": 1})'), said("user", '{"s": "sent"}'), A),
        "tools",
    ),
    ("claude", row({**U, "name": "ann"}, A), row(U, A), "name"),
    ("claude", row(U, {**A, "weight": 0}, U, A), row(U, A, U, A), "weight"),
    ("cohere", row(said("user", [TEXT, IMAGE]), A), row(said("user", "What is it?"), A), "images"),
    ("oci", PAIR, row(U, A), "preference"),
    ("oci", row(U, A, U, A), row(said("user", "User: Hi\nAssistant: Yes\nUser: Hi"), A), "history"),
]


@pytest.mark.parametrize(("target", "given", "want", "what"), LOST, ids=[str(i) for i in range(len(LOST))])
def test_what_cannot_be_carried_is_lost_only_with_leave(
    target: str, given: dict[str, Any], want: dict[str, Any], what: str
) -> None:
    made, found, drop, _ = fitted(target, given, lossy=True)
    assert (made, drop) == (want, None) and f"lost-{what}" in found
    made, found, drop, _ = fitted(target, given)
    assert drop is not None and made == given and not [flag for flag in found if flag.startswith("lost-")]


def test_what_is_taken_out_without_leave_is_kept_beside_the_row() -> None:
    made, _, _, beside = fitted("nova", row({**U, "time": 3}, A, said("user", "Bye"), ticket_id=7))
    assert made == row(U, A)
    assert beside == {"row": {"ticket_id": 7}, "turns": {"0.time": 3}, "last": {"2": said("user", "Bye")}}


def test_what_is_kept_beside_joins_the_meta_that_is_there() -> None:
    batch = batch_of(row(U, A, ticket_id=7)).with_columns(meta=pl.lit('{"team": "a", "fit": {"row": {"old": 1}}}'))
    out = Fit.model_validate({"for": "openai"}).apply(batch)
    assert json.loads(out["meta"][0]) == {"team": "a", "fit": {"row": {"ticket_id": 7, "old": 1}}}


def test_ids_of_calls_are_nine_characters_and_the_answers_follow() -> None:
    first, second = {**CALL, "id": "call_18"}, {**CALL, "id": "A1b2C3d4E"}
    turns = (U, {"role": "assistant", "tool_calls": [CALL, first, second]}, RESULT)
    answers = (said("tool", "{}", tool_call_id="call_18"), said("tool", "{}", tool_call_id="A1b2C3d4E"), A)
    made, _, drop, _ = fitted("mistral", row(*turns, *answers, tools=[TOOL]))
    ids = [call["id"] for call in made["messages"][1]["tool_calls"]]
    assert drop is None and all(len(one) == 9 and one.isalnum() for one in ids) and len(set(ids)) == 3
    assert ids[2] == "A1b2C3d4E" and [turn["tool_call_id"] for turn in made["messages"][2:5]] == ids
    again, *_ = fitted("mistral", row(U, CALLING, RESULT, A, tools=[TOOL]))
    assert again["messages"][1]["tool_calls"][0]["id"] == ids[0]  # the same in any row and process


def test_the_deprecated_form_of_calls_becomes_tools() -> None:
    old = {"role": "assistant", "content": None, "function_call": {"name": "status", "arguments": "{}"}}
    given = row(U, old, said("function", "sent", name="status"), A, functions=[TOOL["function"]])
    made, flags, drop, _ = fitted("openai", given)
    call = {"id": "call_1", "type": "function", "function": {"name": "status", "arguments": "{}"}}
    assert (flags, drop) == ([], None)
    assert made["tools"] == [TOOL] and made["messages"][1]["tool_calls"] == [call]
    assert made["messages"][2] == said("tool", "sent", tool_call_id="call_1")


def test_turns_that_are_not_all_to_be_learnt_are_merged_only_with_leave() -> None:
    given = row(U, {**A, "weight": 0}, A)
    assert fitted("together", given)[2] is not None
    made, flags, drop, _ = fitted("together", row(U, A, U, {**A, "weight": 0}, A), lossy=True)
    assert drop is None and "lost-turns" in flags and made["messages"][-1]["weight"] == 0


def test_a_question_that_is_all_image_is_dropped_rather_than_emptied() -> None:
    _, _, drop, _ = fitted("cohere", row(said("user", [IMAGE]), A), lossy=True)
    assert drop is not None


def test_of_too_many_images_the_first_stay() -> None:
    shown = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,iVBORw0KGgo{n:04}"}} for n in range(33)]
    many, few = [TEXT, *shown[:24]], [*shown[24:], TEXT]
    assert fitted("gemini", row(said("user", many), A, said("user", few), A))[2] is not None
    made, flags, drop, _ = fitted("gemini", row(said("user", many), A, said("user", few), A), lossy=True)  # 30 in a row
    assert drop is None and flags == ["lost-images"]
    assert made == row(said("user", many), A, said("user", [*shown[24:30], TEXT]), A)
    assert fitted("gemini", made, lossy=True)[:3] == (made, [], None)
    emptied = row(said("user", [TEXT, *shown]), A, said("user", shown[:1]), A)  # a question that is all image
    assert fitted("gemini", emptied, lossy=True)[2] == "gemini-images-max"


def test_a_call_that_is_no_list_is_judged_not_stumbled_over() -> None:
    odd = [said("assistant", "a"), {"role": "assistant", "content": "b", "tool_calls": True}]
    pair = {**PAIR, "input": {"messages": [U, *odd]}}
    line = json.dumps(pair)
    assert cure(line, aim("claude").gate, allow_lossy=True).line


def test_a_warning_that_stays_is_a_flag() -> None:
    made, flags, drop, _ = fitted("openai", row(U, {**A, "weight": 0}))
    assert (drop, flags) == (None, ["openai-weight-none"]) and made == row(U, {**A, "weight": 0})


def test_the_note_says_what_would_be_lost_and_holds_no_text() -> None:
    out = Fit.model_validate({"for": "claude"}).apply(batch_of(row(said("user", "Qxzv"), A, tools=[TOOL])))
    assert out["drop"][0] == "claude-no-tools" and out["note"][0] == "with allow_lossy would be lost: tools"


# --- laws -------------------------------------------------------------------------------------------------------------


def broken(target: str, batch: Batch) -> list[tuple[str, str, int]]:
    """Give the rules that rows break as the writer of the target would write them: level, code, place of the row."""
    found = []
    for at, line, gate, unheld in aim(target).written(batch):
        assert not unheld, (target, unheld)
        found += [(rule.level, rule.code, at) for rule, _ in gate.explain(line).breaches]
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=6), st.sampled_from(TARGETS), st.booleans())
def test_after_the_step_the_target_takes_every_row(given_rows: list[dict[str, Any]], target: str, lossy: bool) -> None:
    batch = batch_of(*given_rows)
    if not batch.height:
        return
    step = Fit.model_validate({"for": target, "allow_lossy": lossy})
    out = step.apply(batch)
    live = out.filter(pl.col("drop").is_null())
    for level, code, at in broken(target, live):
        assert level == "warn" and code in live["flags"][at], (target, code)
    again = step.apply(live)  # fixing twice changes nothing
    assert again.drop("note").equals(live.drop("note"))
    if not lossy:
        assert not any(flag.startswith("lost-") for flags in live["flags"] for flag in flags)
    one_by_one = pl.concat([step.apply(batch[at : at + 1]) for at in range(batch.height)])
    assert one_by_one.equals(out)


@settings(max_examples=25, deadline=None)
@given(rows(), st.sampled_from(TARGETS), st.integers(0, 9999))
def test_the_order_of_the_rules_in_a_profile_does_not_matter(given_row: dict[str, Any], target: str, seed: int) -> None:
    batch = batch_of(given_row)
    if not batch.height:
        return
    goal = aim(target)
    rules = list(goal.gate.profile.rules)
    random.Random(seed).shuffle(rules)
    other = Gate(goal.gate.profile.model_copy(update={"rules": tuple(rules)}), goal.gate.layout)
    (line,) = render(batch)
    one, two = (cure(line, gate, goal.carries, goal.kept, True) for gate in (goal.gate, other))
    assert (one.line, one.aside, one.fixes, one.flags) == (two.line, two.aside, two.fixes, two.flags)
    assert (one.drop is None) == (two.drop is None)


def test_every_fix_names_kinds_and_cargo_that_exist() -> None:
    from ftdata.targets.rules import KINDS

    for fix in FIXES:
        assert fix.kinds <= KINDS.keys() and fix.sheds <= CARGO.keys(), fix.name
        assert fix.kinds | fix.sheds and (fix.run.__doc__ or "").strip(), fix.name
    assert len({fix.name for fix in FIXES}) == len(FIXES)


def test_what_can_be_fixed_is_told_by_what_the_fixes_cost() -> None:
    rules = {rule.code: fixable(rule) for name in ("nova", "azure", "together") for rule in load(name).rules}
    assert (rules["nova-no-tools"], rules["azure-min-rows"], rules["azure-bom-required"]) == ("lossy", "no", "yes")
    assert (rules["nova-images-max"], rules["together-alternation"]) == ("lossy", "yes")


def test_plain_rows_pass_untouched() -> None:
    batch = batch_of(*[row(U, A)] * 5)
    for target in TARGETS:
        assert Fit.model_validate({"for": target}).apply(batch).equals(batch), (target, load(target).layout)
