from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError
from support_dialogues import portuguese
from telling import codes, decide, whole

from ftdata.conversation import Conversation, Message, user
from ftdata.selectors.language import Language, detectors
from ftdata.selectors.language.codes import CODES, Asked, problem
from ftdata.selectors.language.scripts import SCRIPTS, scripts

ELDC = detectors.loads()
needs_eldc = pytest.mark.skipif(not ELDC, reason="eldc has no wheel for this machine")

# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"keep": ()}, "keep: is empty: every row would be dropped"),
        ({"drop": []}, "drop: is empty"),
        ({"keep": ("en",), "drop": ("pt",)}, "keep and drop: only one can be given"),
        ({"keep": ("eng",)}, "keep: 'eng' is not a language code; did you mean 'en'?"),
        ({"drop": ("jp",)}, "drop: 'jp' is not a language code; did you mean 'ja'?"),
        ({"keep": ("English",)}, "did you mean 'en'?"),
        ({"keep": ("portugueze",)}, "did you mean 'pt'?"),
        ({"keep": ("EN",)}, "did you mean 'en'?"),
        ({"keep": ("pt-br",)}, "did you mean 'pt-BR'?"),
        ({"keep": ("pt_PT",)}, "did you mean 'pt-PT'?"),
        (
            {"keep": ("es-MX",)},
            "'es-MX' names a region or script that is not told; write 'es' for all of that language",
        ),
        ({"keep": ("zh_tw",)}, "write 'zh'"),
        ({"drop": ("zh-hant",)}, "did you mean 'zh-Hant'?"),
        ({"drop": ("latn",)}, "did you mean 'Latn'?"),
        ({"keep": ("Xxxx",)}, "'Xxxx' is not a language code;"),
        ({"keep": ("xx", "en")}, "'xx' is not a language code;"),
        ({"drop": ("unknown",)}, "what happens to rows without a language is set by `unknown`"),
        (
            {"keep": ("am",), "backend": "langdetect"},
            "'am' is no language that langdetect tells; set backend = \"eldc\"",
        ),
        ({"keep": ("eng", "deu")}, "'deu' is not a language code; did you mean 'de'?"),
        ({"backend": "fasttext"}, "'eldc', 'langdetect' or 'lingua'"),
        ({"answer_language": "on"}, "'off', 'warn' or 'drop'"),
        ({"unknown": "tag"}, "'keep' or 'drop'"),
    ],
)
def test_mistakes_are_told(fields: dict[str, Any], told: str) -> None:
    if "eldc" in told and not ELDC:
        pytest.skip("eldc has no wheel for this machine")
    with pytest.raises(ValidationError) as caught:
        Language(**fields)
    assert told in str(caught.value)


def test_every_code_that_a_detector_tells_is_known() -> None:
    for backend in ("eldc", "langdetect"):
        for code in detectors.told(backend):  # type: ignore[arg-type]
            assert len(code) == 2
            assert problem(code.upper(), {code}, backend, {}) == (
                f"{code.upper()!r} is not a language code; did you mean {code!r}?"
            )
    assert {"zh", "en", "id"} <= detectors.told("langdetect") and "zh-cn" not in detectors.told("langdetect")


def test_the_numbers_of_languages_leave_room_for_a_bit() -> None:
    assert len(CODES) <= 128 and len(set(CODES)) == len(CODES) and CODES[0] == "unknown"
    assert Asked.of("unknown") is None and Asked.of("pt-Latn") == Asked("pt", None, "Latn")


# --- scripts ----------------------------------------------------------------------------------------------------------

WRITTEN = {
    "where is my order": "Latn",
    "où est passée ma commande": "Latn",
    "ВЕСЬ заказ пришёл": "Cyrl",
    "أين طلبي": "Arab",
    "πού είναι η παραγγελία μου": "Grek",
    "איפה ההזמנה שלי": "Hebr",
    "मेरा ऑर्डर कहाँ है": "Deva",
    "คำสั่งซื้อของฉันอยู่ที่ไหน": "Thai",
    "我的订单什么时候发货": "Hans",
    "我的訂單什麼時候發貨": "Hant",
    "你好": "Hani",
    "注文はいつ届きますか": "Jpan",
    "제 주문은 어디에 있나요": "Kore",
    "სად არის ჩემი შეკვეთა": "Geor",
    "որտեղ է իմ պատվերը": "Armn",
    "ትዕዛዜ የት አለ": "Ethi",
    "আমার অর্ডার কোথায়": "Beng",
    "என் ஆர்டர் எங்கே": "Taml",
    "мой iPhone сломался после обновления": "Cyrl",
    "my name is 田中 and my order is late": "Latn",
    "12345 😀 !?": "",
    "": "",
}


def test_scripts() -> None:
    import polars as pl

    names = ["", *SCRIPTS]
    assert [names[number] for number in scripts(pl.Series(list(WRITTEN)))] == list(WRITTEN.values())


@needs_eldc
def test_keep_and_drop_by_script() -> None:
    texts = list(WRITTEN)
    kept = decide(Language(keep=("Cyrl", "zh-Hant")), whole(texts))
    live = [text for text, drop in zip(texts, kept["drop"], strict=True) if drop is None]
    # What has no letters, or may be in either way of writing Chinese, follows `unknown`.
    assert live == [text for text, script in WRITTEN.items() if script in ("Cyrl", "Hant", "Hani", "")]
    sure = decide(Language(keep=("Cyrl", "zh-Hant"), unknown="drop"), whole(texts))
    live = [text for text, drop in zip(texts, sure["drop"], strict=True) if drop is None]
    assert live == [text for text, script in WRITTEN.items() if script in ("Cyrl", "Hant")]
    assert set(sure["drop"].drop_nulls()) == {"not-kept", "unknown"}
    gone = decide(Language(drop=("Hani",)), whole(texts))
    assert [text for text, drop in zip(texts, gone["drop"], strict=True) if drop == "unwanted"] == [
        text for text, script in WRITTEN.items() if script in ("Hans", "Hant", "Hani")
    ]


# --- variants ---------------------------------------------------------------------------------------------------------

UNCLEAR = "Boa tarde, o pedido 12 chegou incompleto. Obrigado."
BRAZIL, PORTUGAL = (
    Conversation(messages=tuple(Message(role=role, content=text) for role, text in portuguese(variant, 1)[0]))
    for variant in ("pt-BR", "pt-PT")
)


@needs_eldc
@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"keep": ("pt",)}, [None, None, None, "not-kept", None]),
        ({"keep": ("pt-BR",)}, [None, "not-kept", None, "not-kept", None]),
        ({"keep": ("pt-PT", "en")}, ["not-kept", None, None, None, None]),
        ({"keep": ("pt-BR",), "unknown": "drop"}, [None, "not-kept", "unknown", "not-kept", "unknown"]),
        ({"keep": ("pt",), "unknown": "drop"}, [None, None, None, "not-kept", "unknown"]),
        ({"keep": ("pt", "pt-BR"), "unknown": "drop"}, [None, None, None, "not-kept", "unknown"]),
        ({"drop": ("pt-PT",)}, [None, "unwanted", None, None, None]),
        ({"drop": ("pt-PT",), "unknown": "drop"}, [None, "unwanted", "unknown", None, "unknown"]),
        ({"drop": ("pt", "en")}, ["unwanted", "unwanted", "unwanted", "unwanted", None]),
    ],
)
def test_keep_and_drop_by_variant(fields: dict[str, Any], reasons: list[str | None]) -> None:
    rows: list[Conversation | str] = [BRAZIL, PORTUGAL, UNCLEAR, "where is my order", "12345"]
    made = decide(Language(**fields), whole(rows))
    assert made["drop"].to_list() == reasons and codes(made) == ["pt", "pt", "pt", "en", "unknown"]
    if fields.get("keep") == ("pt-BR",):
        assert made["note"][1] == "pt-PT" and (reasons[2] is None or made["note"][2] == "pt")


@needs_eldc
def test_the_variant_is_a_tag_of_portuguese_alone() -> None:
    spanish = Conversation(
        messages=(user("El celular no funciona, vos tenés la factura del ónibus y del trem, usuario"),)
    )
    made = decide(Language(), whole([BRAZIL, PORTUGAL, UNCLEAR, spanish]))
    assert ['"variant":"pt-BR"' in tag for tag in made["tags"]] == [True, False, False, False]
    assert ['"variant":"pt-PT"' in tag for tag in made["tags"]] == [False, True, False, False]
    assert Language().summary(made)["variants"] == {"pt-BR": 1, "pt-PT": 1}


@needs_eldc
@pytest.mark.parametrize("variant", ["pt-BR", "pt-PT"])
def test_nine_of_ten_conversations_of_a_hundred_words_are_told(variant: str) -> None:
    made = list(portuguese(variant, 240))
    rows = [Conversation(messages=tuple(Message(role=role, content=text) for role, text in turns)) for turns in made]
    tags = decide(Language(), whole(rows))["tags"]
    other = {"pt-BR": "pt-PT", "pt-PT": "pt-BR"}[variant]
    assert tags.str.contains(f'"variant":"{variant}"').mean() >= 0.97  # type: ignore[operator]
    assert tags.str.contains(f'"variant":"{other}"').mean() <= 0.01  # type: ignore[operator]
    # Without accents, as many write, and in capitals.
    bare = [
        Conversation(messages=tuple(Message(role=role, content=_bare(text)) for role, text in turns)) for turns in made
    ]
    assert decide(Language(), whole(bare))["tags"].str.contains(f'"variant":"{variant}"').mean() >= 0.9  # type: ignore[operator]


def _bare(text: str) -> str:
    import unicodedata

    kept = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return kept.upper() if random.Random(text).random() < 0.5 else kept


@needs_eldc
def test_one_slip_or_a_cue_said_often_does_not_decide() -> None:
    rows: list[Conversation | str] = [
        "Obrigado pela resposta, o pedido chegou e está tudo certo com a encomenda, agradeço a atenção de todos.",
        "A tela e o ecrã do meu aparelho estão com problema, obrigado pela atenção e fico a aguardar, estou esperando.",
        "celular " * 3 + "e o pedido chegou ontem, " + "telemóvel " * 9,
    ]
    assert not decide(Language(), whole(rows))["tags"].str.contains("variant").any()
    most: list[Conversation | str] = [
        "O celular chegou com a tela quebrada, entrei em contato e disseram que a encomenda vinha com outro ecrã.",
        "O telemóvel chegou com o ecrã partido, contactei a equipa e disseram que o celular estava no armazém.",
    ]
    told = decide(Language(), whole(most))["tags"].str.extract('"variant":"([^"]+)"')
    assert told.to_list() == ["pt-BR", "pt-PT"]
