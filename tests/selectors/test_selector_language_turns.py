from __future__ import annotations

import json
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support_dialogues import HERE, short_turns
from telling import OWN, decide, pairs, whole

from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.selectors.language import Language, detectors
from ftdata.selectors.language.codes import NUMBER
from ftdata.selectors.language.turns import ROW, settle

pytestmark = pytest.mark.skipif(not detectors.loads(), reason="eldc has no wheel for this machine")
LINGUA = detectors.present("lingua")

PT = "Onde está o meu pedido? Já faz duas semanas que comprei."
EN = "Your order has left our warehouse and will arrive tomorrow."
ES = "¿Dónde está mi pedido? Ya pasaron dos semanas desde la compra."


def talk(*turns: str) -> Conversation:
    return Conversation(messages=tuple((user, assistant)[at % 2](text) for at, text in enumerate(turns)))


def tags(stage: Language, *rows: Conversation | str) -> list[dict[str, Any]]:
    return [json.loads(tag) for tag in decide(stage, whole(rows))["tags"]]


def flags(stage: Language, *rows: Conversation | str) -> list[list[str]]:
    return decide(stage, whole(rows))["flags"].to_list()  # type: ignore[no-any-return]


def test_turns_shares_user_and_assistant() -> None:
    both = talk(PT, EN, "ok valeu", "You are welcome, have a nice day.")
    tools = Conversation(
        messages=(system(EN), user(ES), assistant("12345"), Message(role="tool", content=EN), assistant("👍"))
    )
    first, second, third = tags(Language(turns=True), both, tools, Conversation(messages=None))
    assert first["turns"] == ["pt", "en", "pt", "en"] and first["shares"] == {"en": 0.5, "pt": 0.5}
    assert (first["code"], first["user"], first["assistant"]) == ("pt", "pt", "en")
    assert second["turns"] == [None, "es", "unknown", None, "unknown"] and second["shares"] == {"es": 1.0}
    assert second["assistant"] == "unknown"
    assert third["turns"] == [] and third["shares"] == {} and third["code"] == "unknown"
    assert set(tags(Language(), both)[0]) == {"code", "confidence", "variant", "script"}


def test_where_the_user_says_nothing_the_assistant_is_looked_at() -> None:
    made = tags(Language(turns=True), talk("12345", EN))[0]
    assert (made["code"], made["user"], made["assistant"]) == ("en", "unknown", "en")
    assert tags(Language(), talk("12345", EN))[0]["code"] == "en"


def test_turns_change_nothing_about_the_conversation() -> None:
    rows: list[Conversation | str] = [talk(PT, EN, "ok"), talk("12345", EN), talk(ES, ES), *(t for _, t in pairs(OWN))]
    plain, by_turn = (tags(stage, *rows) for stage in (Language(), Language(turns=True)))
    assert plain == [{key: tag[key] for key in was} for was, tag in zip(plain, by_turn, strict=True)]


def dialogues() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Put the short turns of each language into conversations, four in each beside one longer turn of both."""
    rng = random.Random(0)
    for code, turns in short_turns().items():
        if code == "none":
            continue
        for at in range(0, len(turns["short"]), 4):
            talk_ = [("user", rng.choice(turns["user"])), ("assistant", rng.choice(turns["agent"]))]
            talk_ += [(("user", "assistant")[i % 2], text) for i, text in enumerate(turns["short"][at : at + 4])]
            yield code, talk_


def test_short_turns_in_conversations() -> None:
    made = list(dialogues())
    rows = [Conversation(messages=tuple(Message(role=r, content=t) for r, t in turns)) for _, turns in made]
    told = [tag["turns"][2:] for tag in tags(Language(turns=True), *rows)]
    every = [(code, got) for (code, _), turns in zip(made, told, strict=True) for got in turns]
    assert len(every) == 440 and all(len(t) <= 20 for turns in short_turns().values() for t in turns["short"])
    unknown = sum(got == "unknown" for _, got in every)
    wrong = sum(got not in (code, "unknown") for code, got in every)
    assert wrong <= 0.01 * len(every) and unknown <= 0.05 * len(every)
    assert not any(tag for tag in flags(Language(turns=True), *rows))


def test_short_turns_alone_and_in_strange_company() -> None:
    turns = [(code, text) for code, kinds in short_turns().items() if code != "none" for text in kinds["short"]]
    alone = [tag["code"] for tag in tags(Language(), *(text for _, text in turns))]
    wrong = sum(got not in (code, "unknown") for (code, _), got in zip(turns, alone, strict=True))
    assert wrong <= 0.03 * len(turns) and alone.count("unknown") <= 0.1 * len(turns)
    # A short turn that is of another language stays so: the conversation only decides between what it may be.
    guests = [(code, text) for code, text in turns if code in ("de", "pl", "tr", "ru", "fr")]
    made = tags(Language(turns=True), *(talk(PT, text, PT) for _, text in guests))
    swallowed = sum(tag["turns"][1] == "pt" for tag in made)
    assert swallowed <= 0.02 * len(guests)
    nothing = tags(Language(turns=True), *(talk(PT, text, PT) for text in short_turns()["none"]["short"]))
    assert {tag["turns"][1] for tag in nothing} == {"unknown"}


def test_open_turns_are_settled_by_the_conversation_then_by_the_corpus() -> None:
    stage = Language(turns=True)
    assert tags(stage, talk(PT, "pedido"))[0]["turns"] == ["pt", "pt"]
    assert tags(stage, talk(ES, "pedido"))[0]["turns"] == ["es", "es"]
    assert tags(stage, talk(EN, "pedido"))[0]["turns"] == ["en", "unknown"]
    corpus = [talk(PT, EN)] * 4
    assert tags(stage, *corpus, talk(EN, "pedido"))[-1]["turns"] == ["en", "pt"]
    assert tags(stage, *corpus, talk("pedido", "pedido"))[-1] | {"script": 0} == {
        "code": "pt",
        "confidence": "low",
        "script": 0,
        "user": "pt",
        "assistant": "pt",
        "turns": ["pt", "pt"],
        "shares": {"pt": 1.0},
    }


def test_what_is_settled_of_the_conversation_decides_on_its_turns() -> None:
    pt, es, ca = (NUMBER[code] for code in ("pt", "es", "ca"))

    def entries(turn: int, short: bool, *near: tuple[int, int]) -> list[int]:
        return [turn << 16 | short << 15 | code << 8 | distance for code, distance in near]

    open_ = [*entries(ROW, False, (ca, 0), (es, 100), (pt, 120)), *entries(3, False, (pt, 0), (es, 100), (ca, 110))]
    assert settle(open_, {es, pt}) == {ROW: es, 3: es}
    assert settle(open_, {pt}) == {ROW: pt, 3: pt} and settle(open_, set()) == {ROW: ca, 3: ca}
    assert settle(entries(0, False, (pt, 0), (es, 100)), {es, pt}, ca) == {0: pt}
    tied = entries(2, True, (pt, 0), (es, 30))
    assert settle(tied, {es, pt}) == {2: 0} and settle(tied, {es}) == {2: es} and settle(tied, set(), es) == {2: es}


def test_mixed_language() -> None:
    rows = [talk(PT, EN), talk(PT, PT, ES), talk(PT, "perfeito", "thanks"), talk(EN, EN), talk("12345", "👍")]
    assert flags(Language(turns=True), *rows) == [["mixed-language"], ["mixed-language"], [], [], []]


def test_answer_language() -> None:
    rows = [
        talk(PT, EN),
        talk(PT, PT),
        talk(PT, "ok thanks"),  # too short to be held against it
        talk(EN, EN, PT, PT),  # the user changed, and the assistant with him
        talk(EN, EN, PT, EN),
        Conversation(messages=(assistant(EN), user(PT), assistant(PT))),  # a greeting answers nothing
        talk("12345", EN),
    ]
    wanted = [True, False, False, False, True, False, False]
    warned = flags(Language(answer_language="warn"), *rows)
    assert [told == ["answer-language"] for told in warned] == wanted
    dropped = decide(Language(answer_language="drop"), whole(rows))
    assert [drop == "answer-language" for drop in dropped["drop"]] == wanted
    assert dropped["note"][0] == "en to pt" and dropped["note"][1:4].null_count() == 3
    assert "turns" not in tags(Language(answer_language="drop"), rows[0])[0]
    both = flags(Language(answer_language="warn", turns=True), *rows)
    assert both[0] == ["answer-language", "mixed-language"] and both[3] == ["mixed-language"]
    order = decide(Language(answer_language="drop", keep=("es",)), whole(rows))
    assert order["drop"][0] == "not-kept"


def test_sketches_of_turns_are_small_and_say_nothing() -> None:
    rows = [Conversation(messages=tuple(Message(role=r, content=t) for r, t in turns)) for _, turns in dialogues()]
    stage = Language(turns=True, answer_language="warn")
    sketch = stage.sketch(whole(rows))
    assert sketch.estimated_size() <= 60 * len(rows)
    assert not {str(kind) for kind in sketch.dtypes} & {"String", "Binary", "Object"}
    assert stage.sketch(whole(rows).clear()).schema == sketch.schema
    assert stage.select(stage.sketch(whole(rows).clear()).lazy(), None).collect().height == 0  # type: ignore[arg-type]
    again: Language = pickle.loads(pickle.dumps(stage))
    assert again == stage and again.sketch(whole(rows)).equals(sketch)


TEXTS = st.sampled_from([PT, EN, ES, "pedido", "ok", "obrigado", "merci", "12345", "", "谢谢", "tak", "perfecto", "no"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(TEXTS, max_size=5), min_size=1, max_size=25),
    st.sampled_from([1, 7]),
    st.randoms(use_true_random=False),
    st.sampled_from(
        [
            Language(turns=True),
            Language(answer_language="drop", keep=("en", "pt-BR")),
            Language(turns=True, backend="langdetect", answer_language="warn"),
        ]
    ),
)
def test_decisions_on_turns_do_not_depend_on_batches_or_their_order(
    rows: list[list[str]], size: int, chance: random.Random, stage: Language
) -> None:
    batch = whole([talk(*turns) for turns in rows])
    order = list(range(batch.height))
    chance.shuffle(order)
    assert decide(stage, batch[order], size).equals(decide(stage, batch))


def test_nothing_changes_from_process_to_process() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_selector_language_turns as t; "
        "rows = [t.talk(*(text for _, text in turns)) for _, turns in t.dialogues()]; "
        "print(t.json.dumps(t.tags(t.Language(turns=True, backend=sys.argv[2]), *rows)))"
    )
    for backend in ("eldc", "langdetect"):
        told = {
            subprocess.run(
                [sys.executable, "-c", code, str(HERE), backend],
                capture_output=True,
                check=True,
                env={"PYTHONHASHSEED": seed},
            ).stdout
            for seed in ("0", "7")
        }
        assert len(told) == 1 and len(json.loads(told.pop())) == 110


def test_lingua_is_named_with_its_extra_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "present", lambda backend: backend != "lingua")
    with pytest.raises(
        ValidationError, match=r"'lingua' is not installed here; install it with: pip install 'ftdata\[l"
    ):
        Language(backend="lingua")


@pytest.mark.skipif(not LINGUA, reason="lingua is not installed")
def test_lingua_gives_the_same_fields() -> None:
    stage = Language(backend="lingua", turns=True)
    first, second = tags(stage, talk(PT, EN, "muito obrigado"), talk("12345"))
    assert first["turns"] == ["pt", "en", "pt"] and second["code"] == "unknown"
    sketch = stage.sketch(whole([talk(PT, EN)]))
    assert sketch.schema == Language(turns=True).sketch(whole([talk(PT, EN)])).schema
    assert isinstance(sketch, pl.DataFrame) and {"no", "hr"} <= detectors.told("lingua")
    assert not {"nb", "nn", "bs"} & detectors.told("lingua")
    assert Language(backend="lingua").summary(decide(stage, whole([talk(PT)])))["backend"].startswith("lingua 2")
