"""What each rule finds and leaves alone: the marked texts of `blocks/`, its examples, and texts that others marked."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from blocks import batch, conversation, load

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.examples import outcomes
from ftdata.transforms.quality import RULES, Quality

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
OFF = {rule.field: "off" for rule in RULES}
CODES = [rule.code for rule in RULES]


def only(code: str, level: str = "warn") -> Quality:
    return Quality(**{**OFF, code.replace("-", "_"): level})


@pytest.mark.parametrize("code", CODES)
def test_marked_texts(code: str) -> None:
    marked = load(code)
    assert len(marked["flag"]) >= 15 and len(marked["fine"]) >= 15
    for kind, entries in marked.items():
        after = only(code).apply(batch(entries))
        wrong = [
            entry
            for entry, flags in zip(entries, after["flags"].to_list(), strict=True)
            if (code in flags) != (kind == "flag")
        ]
        assert wrong == [], kind


def test_no_rule_that_is_on_finds_anything_in_good_answers() -> None:
    good = load("common")["fine"]
    after = Quality().apply(batch(good))
    found = {str(entry): flags for entry, flags in zip(good, after["flags"].to_list(), strict=True) if flags}
    assert found == {}


def test_the_fields_are_the_rules() -> None:
    fields = Quality.model_fields
    assert list(fields) == [rule.field for rule in RULES]
    assert {name: field.default for name, field in fields.items()} == {rule.field: rule.default for rule in RULES}
    for rule in RULES:
        if rule.mend is None:
            with pytest.raises(ValueError, match=rule.field):
                Quality(**{rule.field: "repair"})


@pytest.mark.parametrize("code", CODES)
def test_its_example_shows_it(code: str) -> None:
    rule = next(rule for rule in RULES if rule.code == code)
    told, _ = outcomes(Quality, rule.example)
    marked = [code in outcome.after.flags or outcome.before.messages != outcome.after.messages for outcome in told]
    assert marked[0]


# --- levels, notes, repairs -------------------------------------------------------------------------------------------


def rows(*texts: str) -> list[Conversation]:
    return [Conversation(messages=(user("How?"), assistant(text))) for text in texts]


def test_the_first_rule_that_drops_gives_the_reason_and_the_note_counts_all() -> None:
    (given,) = to_batches(rows("aten\u00c3\u00a7\u00c3\u00a3o <|im_end|>", "All is well.", "Press <|im_end|> now."))
    after = Quality(mojibake="drop", control_token="drop").apply(given)
    assert after["drop"].to_list() == ["mojibake", None, "control-token"]
    assert after["note"].to_list() == ["mojibake 1, control-token 1", None, "control-token 1"]
    assert after["flags"].to_list() == [[], [], []]
    assert Quality(**OFF).apply(given).equals(given)


def test_a_repair_covers_every_text_of_a_row() -> None:
    bad = "N\u00c3\u00a3o"
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"a": bad})}}]
    (given,) = to_batches(
        [
            Conversation(
                messages=(
                    system(bad),
                    Message(role="user", name=bad, parts=[{"type": "text", "text": bad}]),
                    Message(role="assistant", tool_calls=calls),
                    Message(role="tool", content=bad, tool_call_id="1"),
                    assistant(bad),
                ),
                rejected=(assistant(bad),),
                answer_at=4,
            )
        ]
    )
    after = only("mojibake", "repair").apply(given)
    assert "\u00c3" not in str(after.to_dicts()) and str(after.to_dicts()).count("Não") == 7
    assert after["note"].to_list() == ["mojibake repaired 7"]
    assert after["flags"].to_list() == [[]]


def test_a_row_that_cannot_be_repaired_wholly_stays_as_it_is_and_is_flagged() -> None:
    (given,) = to_batches(
        [
            Conversation(
                messages=(user("R\u00c3\u00a9gion"), assistant("com aten\u00c3\u00a7\u00c3\u00a3o \u00c3 s 10h"))
            )
        ]
    )
    after = only("mojibake", "repair").apply(given)
    assert after["messages"].equals(given["messages"])
    assert after["flags"].to_list() == [["mojibake"]]


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("mojibake", "N\u00c3\u0192\u00c2\u00a3o", "Não"),
        ("mojibake", "it\u00e2\u20ac\u2122s \u00e2\u201a\u00ac5", "it’s €5"),
        ("control-character", "\x1b[1;31mred\x1b[0m \x9310\x94\x00", "red “10”"),
        ("control-character", "a\tb\r\nc", "a\tb\r\nc"),
        ("invisible", "\ufeffexam\u200bple\xad.com", "example.com"),
        ("invisible", "👩\u200d💻 می\u200cخواهم", "👩\u200d💻 می\u200cخواهم"),
        ("invisible", "tag\U000e0041\U000e007f", "tag"),
        ("bidi", "\u202einvoice", "invoice"),
        ("bidi", "\u2067שלום\u2069", "\u2067שלום\u2069"),
    ],
)
def test_repairs(code: str, before: str, after: str) -> None:
    (given,) = to_batches(rows(before))
    done = only(code, "repair").apply(given)
    assert done["messages"][0][1]["content"] == after
    assert done["flags"].to_list() == [[]]


def test_what_the_assistant_does_not_learn_from_is_not_judged() -> None:
    (given,) = to_batches(
        [
            Conversation(messages=(user("How?"), Message(role="assistant", content="N/A", weight=0), assistant("So."))),
            Conversation(messages=(user("N/A"), assistant("What do you mean?"))),
            Conversation(messages=(user("a"), assistant("b")), rejected=(assistant("N/A"),), answer_at=1),
        ]
    )
    assert Quality().apply(given)["flags"].to_list() == [[], [], []]


# --- texts that others marked -----------------------------------------------------------------------------------------


def _marked_by_ftfy(name: str) -> list[dict[str, str]]:
    path = SHARED / "broken" / "mojibake" / f"ftfy_{name}.json"
    if not path.exists():
        pytest.skip("the shared data is not here")
    return [case for case in json.loads(path.read_text("utf-8")) if case["expect"] == "pass"]


def test_mojibake_in_the_wild_is_found_and_never_repaired_to_anything_but_what_was_written() -> None:
    cases = _marked_by_ftfy("in-the-wild")
    (given,) = to_batches(rows(*(case["original"] for case in cases)))
    found = only("mojibake").apply(given)["flags"].to_list()
    # What is left: not mojibake (ligatures, entities, single C1 characters), and one past hope.
    assert sum(map(bool, found)) >= 65
    stage = Quality(**{**OFF, "mojibake": "repair", "control_character": "repair"})
    done = stage.apply(given)
    repaired = 0
    for case, row, flags in zip(cases, done["messages"].to_list(), done["flags"].to_list(), strict=True):
        text = row[1]["content"].replace("\x85", "…")  # to Unicode a line break: it stays
        if not flags and text != case["original"]:
            repaired += 1
            assert text == case.get("fixed-encoding", case["fixed"])
    assert repaired >= 48


def test_what_only_looks_like_mojibake_is_left_alone() -> None:
    cases = [case for case in _marked_by_ftfy("negative") if case["label"].startswith(("Negative", "Sort of"))]
    (given,) = to_batches(rows(*(case["original"] for case in cases)))
    assert only("mojibake").apply(given)["flags"].to_list() == [[]] * len(cases)


def test_naughty_strings_are_no_answers_of_another_kind() -> None:
    path = SHARED / "broken" / "blns" / "blns.json"
    if not path.exists():
        pytest.skip("the shared data is not here")
    texts = [text for text in json.loads(path.read_text("utf-8")) if text]
    for given in to_batches(rows(*texts)):
        found = {flag for flags in Quality().apply(given)["flags"].to_list() for flag in flags}
        damage = {"control-character", "invisible", "bidi", "unfilled-placeholder", "replacement-character"}
        assert found <= damage | {"empty-answer"}


def test_sentences_of_eighteen_languages_have_nothing_but_what_they_have() -> None:
    path = SHARED / "bench" / "langid" / "lingua_sentences_18x60.tsv"
    if not path.exists():
        pytest.skip("the shared data is not here")
    texts = [line.split("\t")[-1] for line in path.read_text("utf-8").splitlines()]
    for given in to_batches(rows(*texts)):
        for text, flags in zip(texts, Quality().apply(given)["flags"].to_list(), strict=True):
            controls = any(unicodedata.category(sign) == "Cc" for sign in text)
            assert flags == (["control-character"] if controls else [])


def test_blocks_are_read_as_conversations() -> None:
    assert [m.role for m in conversation(["s: a", "b", "c"]).messages or ()] == ["system", "user", "assistant"]
