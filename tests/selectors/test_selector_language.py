from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import OWN, codes, decide, pairs, right, tell, whole

import ftdata
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.errors import RecipeError
from ftdata.selectors.language import Language, detectors
from ftdata.selectors.language.codes import NUMBER
from ftdata.selectors.language.turns import ROW

SENTENCES = Path(__file__).parents[2] / "../shared/data/bench/langid/lingua_sentences_18x60.tsv"
ELDC = detectors.loads()
RUST = bool(detectors.installed("langdetect-rs"))
needs_eldc = pytest.mark.skipif(not ELDC, reason="eldc has no wheel for this machine")


# --- labels -----------------------------------------------------------------------------------------------------------


@needs_eldc
def test_short_support_texts_of_six_languages() -> None:
    rows = pairs(OWN)
    assert len(rows) >= 200 and {code for code, _ in rows} == {"en", "pt", "es", "fr", "de", "it"}
    truth = [code for code, _ in rows]
    for texts in ([text for _, text in rows], [text.upper() for _, text in rows]):
        assert right(truth, tell(Language(), *texts)) >= 0.98
    iberian = [pair for pair in rows if pair[0] in ("pt", "es")]
    assert right([c for c, _ in iberian], tell(Language(), *(t for _, t in iberian))) >= 0.98


def test_langdetect_tells_them_too() -> None:
    rows = pairs(OWN)
    assert right([code for code, _ in rows], tell(Language(backend="langdetect"), *(text for _, text in rows))) >= 0.9


@needs_eldc
@pytest.mark.skipif(not SENTENCES.exists(), reason="the shared data are not here")
def test_eighteen_languages() -> None:
    rows = pairs(SENTENCES)
    truth = [code for code, _ in rows]
    assert right(truth, tell(Language(), *(text for _, text in rows))) >= 0.984
    first = [" ".join(text.split()[:3]) for _, text in rows]
    guarded, alone = (right(truth, tell(Language(guarded=on), *first)) for on in (True, False))
    assert guarded >= 0.935 and guarded > alone + 0.01
    told = [pair for pair in zip(truth, tell(Language(), *first), strict=True) if pair[1] != "unknown"]
    assert sum(a == b for a, b in told) / len(told) >= 0.955


# --- what is looked at ------------------------------------------------------------------------------------------------

PT = "onde está o meu pedido, por favor?"
EN = "where is my order, if you please?"


@pytest.mark.parametrize("backend", ["eldc", "langdetect"])
def test_the_users_turns_are_looked_at_else_the_assistants(backend: Any) -> None:
    if backend == "eldc" and not ELDC:
        pytest.skip("eldc has no wheel for this machine")
    parts = [{"type": "text", "text": PT}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    rows = [
        Conversation(messages=(system(EN), user(PT), assistant(EN))),
        Conversation(messages=(system(EN), assistant(PT), assistant(PT))),
        Conversation(messages=(user(""), user(" \n"), assistant(PT))),
        Conversation(messages=(Message(role="user", parts=parts), assistant(EN))),
        Conversation(messages=(user("oi"), assistant(EN), user(PT))),
        Conversation(messages=(Message(role="moderator", content=EN), Message(content=EN), user(PT))),
    ]
    assert tell(Language(backend=backend), *rows) == ["pt"] * 6
    silent = [Conversation(messages=None), Conversation(messages=()), Conversation(messages=(system(EN),))]
    assert tell(Language(backend=backend), *silent) == ["unknown"] * 3


NO_LANGUAGE = """
12345;?!…;😀👍;+55 11 91234-5678;LM-20418;ok;No;a;[EMAIL_1];{{Order Number}};{customer_name};<customer name>
https://example.com/where/is/my/order?please=now;www.example.com/the-order;@the_customer @service.team;where_is_my_order
where.is.my@order.example.com;`where is my order`;```where is the order, unclosed;<p><br/></p>
"""


@pytest.mark.parametrize(
    "text", ["", " ", "\x00\x1b", "&nbsp;", "```\nwhere is my order\n```", *re.split("[;\n]", NO_LANGUAGE.strip())]
)
@pytest.mark.parametrize("backend", ["eldc", "langdetect"])
def test_no_language_in(text: str, backend: Any) -> None:
    if backend == "eldc" and not ELDC:
        pytest.skip("eldc has no wheel for this machine")
    assert tell(Language(backend=backend), text) == ["unknown"]


@needs_eldc
def test_short_texts_that_may_be_of_two_languages_are_unknown() -> None:
    # `pedido` is Spanish and Portuguese, `tak` Polish, Czech, Danish and more.
    assert tell(Language(), "pedido", "tak", "internet", "asdf", "paypal") == ["unknown"] * 5
    assert tell(Language(), "obrigado", "gracias", "danke", "谢谢", "ありがとう") == ["pt", "es", "de", "zh", "ja"]
    corpus = [text for code, text in pairs(OWN) if code in ("en", "pt")]
    assert tell(Language(), *corpus, "pedido")[-1] == "pt"
    assert tell(Language(guarded=False), *corpus, "pedido")[-1] == "unknown"


@needs_eldc
def test_what_is_no_language_does_not_decide() -> None:
    noise = "the order of the customer and the service team"
    links = " ".join(f"https://example.com/{word}/the-order-of-the-customer" for word in noise.split())
    for strange in (f"```\n{noise}\n```", links, "\x00", "the@order.com @the.customer {{Order Number}} <the order>"):
        assert tell(Language(), f"{strange} {PT}") == ["pt"]
    # Nothing beside a sign of a script without spaces is lost.
    assert tell(Language(), "订单12345已经发货了吗https://example.com/a谢谢") == ["zh"]


@needs_eldc
def test_long_texts_are_told_by_their_beginning() -> None:
    assert tell(Language(), f"{PT} " * 2000 + EN * 4000) == ["pt"]


# --- the second pass --------------------------------------------------------------------------------------------------


def sketched(*rows: tuple[str | None, bool, bool, dict[str, float] | None]) -> pl.LazyFrame:
    """Make sketches by hand: code, sure, short, candidates with their distance from the best in parts of the margin."""

    def opened(short: bool, near: dict[str, float] | None) -> list[int]:
        return [
            ROW << 16 | short << 15 | NUMBER[code] << 8 | round(250 * distance)
            for code, distance in (near or {}).items()
        ]

    return pl.DataFrame(
        {
            "row": range(1, len(rows) + 1),
            "code": [NUMBER[code or "unknown"] for code, *_ in rows],
            "sure": [sure for _, sure, *_ in rows],
            "script": 1,
            "variant": 0,
            "open": [opened(short, near) for _, _, short, near in rows],
        },
        schema_overrides={"row": pl.UInt64, "code": pl.UInt8, "script": pl.UInt8, "variant": pl.UInt8}
        | {"open": pl.List(pl.UInt32)},
    ).lazy()


def test_only_what_is_unsure_and_foreign_moves_and_only_to_a_near_language() -> None:
    many = [("en", True, False, None)] * 600 + [("pt", True, False, None)] * 400 + [("cy", True, False, None)] * 2
    odd = [
        ("ca", False, False, {"ca": 0, "es": 0.1, "pt": 0.9}),  # es is not of the corpus: pt
        ("ca", False, False, {"ca": 0, "cy": 0.1}),  # cy has two texts only: it stays
        ("ca", True, False, None),  # a rare language that is sure stays
        ("es", False, True, {"es": 0, "pt": 0.1, "en": 0.2}),  # short, two of the corpus are equal: unknown
        ("es", False, True, {"es": 0, "pt": 0.1, "en": 0.4}),
        ("en", False, False, {"en": 0, "pt": 0.1}),  # of the corpus itself
        ("fr", False, True, {"fr": 0, "it": 0.1}),  # none of the corpus: two equal ones, short
        (None, False, True, None),
    ]
    made = Language().select(sketched(*many, *odd), None).collect().sort("row")[-8:]  # type: ignore[arg-type]
    assert codes(made) == ["pt", "ca", "ca", "unknown", "pt", "en", "unknown", "unknown"]
    told = [json.loads(tag).get("confidence") for tag in made["tags"]]
    assert told == ["corpus", "low", "high", None, "corpus", "low", None, None]
    assert made["note"].to_list() == ["ca by its text alone", *[None] * 3, "es by its text alone", *[None] * 3]
    # In a small file two texts may be slips of the detector, though they are a large share.
    small = Language().select(sketched(*many[:20], *many[-2:], odd[1]), None)  # type: ignore[arg-type]
    assert codes(small.collect().sort("row")[-1:]) == ["ca"]
    third = Language().select(sketched(*many[:20], *many[-2:], many[-1], odd[1]), None)  # type: ignore[arg-type]
    assert codes(third.collect().sort("row")[-1:]) == ["cy"]
    free = Language(guarded=False).select(sketched(*many, *odd), None).collect().sort("row")[-8:]  # type: ignore[arg-type]
    assert codes(free) == ["ca", "ca", "ca", "unknown", "unknown", "en", "unknown", "unknown"]


@needs_eldc
def test_candidates_lie_within_the_margin_of_the_top() -> None:
    texts = ["qual prazo", "bom dia", "privet", "where is my order", "pedido", "tak"]
    seen = detectors.detect(texts, [9] * len(texts), "eldc")
    assert seen[3].sure and seen[3].near is None
    near = [one.near for one in seen if not one.sure and one.near]
    assert len(near) >= 3
    for one, pairs_ in zip([one for one in seen if one.near], near, strict=True):
        distances = [distance for _, distance in pairs_]
        assert pairs_[0] == (one.code, 0) and distances == sorted(distances) and distances[-1] <= 1.0001


@needs_eldc
def test_rare_languages_keep_their_label_beside_many_rows_of_others() -> None:
    own = [text for code, text in pairs(OWN) if code in ("en", "pt", "fr", "de")]
    rare = [(code, text) for code, text in pairs(OWN) if code in ("es", "it")][::8]
    alone = tell(Language(guarded=False), *(text for _, text in rare))
    assert tell(Language(), *own * 20, *(text for _, text in rare))[-len(rare) :] == alone


# --- keep, drop, tag --------------------------------------------------------------------------------------------------

MIXED = [EN, PT, "wo ist meine bestellung geblieben", "12345", "où est passée ma commande"]


def reasons(stage: Language) -> list[str | None]:
    return decide(stage, whole(MIXED))["drop"].to_list()


def test_keep_drop_and_unknown() -> None:
    made = decide(Language(), whole(MIXED))
    assert codes(made) == ["en", "pt", "de", "unknown", "fr"]
    assert made["drop"].null_count() == made["note"].null_count() == 5
    assert reasons(Language(keep=("en", "pt"))) == [None, None, "not-kept", None, "not-kept"]
    assert reasons(Language(drop=("en", "fr"))) == ["unwanted", None, None, None, "unwanted"]
    assert reasons(Language(unknown="drop")) == [None, None, None, "unknown", None]
    kept = decide(Language(keep=("en",), unknown="drop"), whole(MIXED))
    assert kept["drop"].to_list() == [None, "not-kept", "not-kept", "unknown", "not-kept"]
    assert kept["note"].to_list() == [None, "pt", "de", None, "fr"]
    assert codes(kept) == ["en", "pt", "de", "unknown", "fr"]
    assert Language(keep="en") == Language(keep=("en",))  # type: ignore[arg-type]


def test_a_run_tags_drops_and_tells(tmp_path: Path) -> None:
    lines = [{"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "x"}]} for text in MIXED]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "language"\ndrop = ["fr"]\n'
        '[[step]]\nuse = "filter"\nwhere = { "language.code" = ["en", "pt", "unknown"] }\n'
        '[[write]]\nuse = "openai-chat"\npath = "out.jsonl"\nmeta = ["language"]\n'
    )
    manifest = ftdata.run(recipe)
    assert manifest.dropped == {"language": {"unwanted": 1}, "filter": {"where: language.code": 1}}
    (stage,) = [part for part in manifest.stages if part.label == "language"]
    assert stage.summary["languages"] == {"de": 1, "en": 1, "fr": 1, "pt": 1} and stage.summary["unknown"] == 1
    assert stage.summary["backend"].startswith("eldc " if ELDC else "langdetect")
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert len(written) == 3 and '"language"' in json.dumps(written[0]) and '"unknown"' in json.dumps(written[2])
    recipe.write_text(recipe.read_text().replace('drop = ["fr"]', 'keep = ["eng", "pt"]'))
    with pytest.raises(RecipeError) as caught:
        ftdata.run(recipe)
    expected = "r.toml: step 1 (language): keep: 'eng' is not a language code; did you mean 'en'?"
    assert str(caught.value).splitlines()[0].endswith(expected)


# --- laws -------------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from([*(text for _, text in pairs(OWN)[::9]), "pedido", "bom dia", "ok", "12345", "tak", "😀", ""])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=40),
    st.sampled_from([1, 7]),
    st.randoms(use_true_random=False),
    st.sampled_from([Language(), Language(keep=("en", "pt")), Language(backend="langdetect", unknown="drop")]),
)
def test_decisions_do_not_depend_on_batches_or_their_order(
    texts: list[str], size: int, chance: random.Random, stage: Language
) -> None:
    batch = whole(texts)
    order = list(range(batch.height))
    chance.shuffle(order)
    assert decide(stage, batch[order], size).equals(decide(stage, batch))


def test_sketches_are_small_and_say_nothing() -> None:
    batch = whole([text for _, text in pairs(OWN)])
    for stage in (Language(), Language(backend="langdetect")):
        sketch = stage.sketch(batch)
        assert sketch.estimated_size() <= 45 * batch.height
        assert stage.sketch(batch.clear()).schema == sketch.schema
        assert stage.select(stage.sketch(batch.clear()).lazy(), None).collect().height == 0  # type: ignore[arg-type]


def test_the_summary_counts_twenty_languages_and_passes_over_what_has_no_tag() -> None:
    tags = [f'{{"code":"{chr(97 + n)}a","confidence":"high"}}' for n in range(25) for _ in range(30 - n)]
    told = Language().summary(pl.DataFrame({"tags": [*tags, None, '{"code":"unknown"}']}))
    assert len(told["languages"]) == 21 and told["languages"]["other"] == sum(30 - n for n in range(20, 25))
    assert told["unknown"] == 1 and next(iter(told["languages"])) == "aa"
