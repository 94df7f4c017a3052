from __future__ import annotations

import importlib.util
import json
import random
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow.parquet
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata import flow
from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.errors import RunError
from ftdata.recipe import Recipe
from ftdata.selectors.near_dedup import NearDedup
from ftdata.similarity.bands import bands
from ftdata.similarity.shingles import hashes, jaccard, shingles, spoken, words

ROOT = Path(__file__).parents[2]
PAN = ROOT.parent / "shared/data/bench/neardup/pan_test_300pos_300neg.tsv"


def _benchmark() -> Any:
    """Load the corpus and the exact oracle of the benchmark, which share no code with ftdata."""
    spec = importlib.util.spec_from_file_location("bench_near_dedup", ROOT / "benchmarks/near_dedup.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = _benchmark()


class Held(NamedTuple):
    """The rows of a test, and what earlier runs wrote."""

    rows: Batch
    written: dict[str, Batch] = {}

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        yield from self.rows.filter(pl.col("row").is_in(list(numbers))).sort("row").iter_slices(10)

    def tick(self) -> None:
        """Nobody stops a test."""

    def earlier(self, path: Path) -> Iterator[Batch]:
        yield from self.written[str(path)].iter_slices(3)


def whole(rows: Sequence[Conversation], name: str = "f", first: int = 1) -> Batch:
    fields = [{"row": i, "id": f"{name}#{i}", "origin": (i,)} for i in range(first, first + len(rows))]
    named = [row.model_copy(update=update) for row, update in zip(rows, fields, strict=True)]
    return pl.concat([pl.DataFrame(schema=whole_schema()), *to_batches(named)])


def whole_schema() -> Any:
    return next(to_batches([Conversation()])).schema


def decide(stage: NearDedup, batch: Batch, size: int = 4096, written: dict[str, Batch] | None = None) -> pl.DataFrame:
    parts = [stage.sketch(batch.slice(at, size)) for at in range(0, batch.height, size)]
    sketches = pl.concat(parts or [stage.sketch(batch)])
    made = stage.select(sketches.lazy(), Held(batch, written or {})).collect()
    assert made.schema == {
        "row": pl.UInt64,
        "drop": pl.String,
        "note": pl.String,
        "flags": pl.List(pl.String),
        "tags": pl.String,
    }
    return made


NOTE = re.compile(r"twin row (\d+), J (\d\.\d{4})")


def dropped(stage: NearDedup, rows: Sequence[Conversation]) -> dict[int, int]:
    made = decide(stage, whole(rows)).filter(pl.col("drop").is_not_null())
    assert set(made["drop"].to_list()) <= {"near-duplicate"}
    return {row: int(NOTE.fullmatch(note)[1]) for row, note in made.select("row", "note").rows()}  # type: ignore[index]


def say(text: str, answer: str = "") -> Conversation:
    return Conversation(messages=(user(text), assistant(answer)))


def count(start: int, end: int) -> str:
    return " ".join(f"w{number}" for number in range(start, end))


# --- the shingle rule -------------------------------------------------------------------------------------------------

SPACELESS = tuple(
    "CJK,HANGZHOU,IDEOGRAPHIC,OLD CHINESE,HIRAGANA,KATAKANA,VERTICAL KANA,VERTICAL IDEO,MASU,BOPOMOFO,YI ,NUSHU,TANGUT,"
    "KHITAN,HENTAIGANA,THAI ,LAO ,KHMER,MYANMAR,TAI LE,TAI THAM,TAI VIET,NEW TAI LUE,AHOM,JAVANESE,BALINESE".split(",")
)
"""What the names of the letters of these scripts begin with; only Tangut ones may have none."""
UNSEEN = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x3164, 0xFFA0, *range(0x180B, 0x1810)}
UNSEEN |= {*range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}


@cache
def alone(char: str) -> bool:
    letter = unicodedata.category(char) in ("Lo", "Lm", "Nl")
    return 0x20000 <= ord(char) <= 0x3FFFF or (letter and unicodedata.name(char, "TANGUT").startswith(SPACELESS))


def reference(text: str) -> list[str]:
    """Follow the rule of `shingles.py` letter by letter."""
    seen = "".join(char for char in text if ord(char) not in UNSEEN and unicodedata.category(char) != "Cf")
    found: list[str] = []
    open_word, single = False, False
    for char in unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold()):
        if unicodedata.category(char)[0] == "M":
            if open_word or single:
                found[-1] += char
        elif alone(char):
            found.append(char)
            open_word, single = False, True
        elif char.isalnum() or char == "_":
            if open_word:
                found[-1] += char
            else:
                found.append(char)
            open_word, single = True, False
        else:
            open_word = single = False
    return found


MIXED = st.text(
    st.sampled_from("aB_é ÀßǰŉİıfiﬁªⅣ½７ 9-.'\n\t\xad´¨¸˜€“’–\u200b\u200d\ufe0f\u0301\u0345ΣςДй한국가 हिन्दीमुंबईसুবাংলা")
    | st.sampled_from(
        "عربيمُحَמּَשלוםสวัสดีน้ำ๑ລາວខ្មែរမြန်မာ日本語ガｶﾞー々〇ㄅ㐀𠀀༄བཀྲ་ՀայქართულიአማርኛΕλ⁄①👍🏽👩❤🇧🇷\x00\x1b\x85\u2028"
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(MIXED | st.text(max_size=20) | st.text(st.characters(codec="cp1252"), max_size=30))
def test_words_follow_the_rule_letter_by_letter(text: str) -> None:
    assert words(text) == reference(text)
    again = words(" ".join(words(text)))
    assert "".join(again) == "".join(words(text))


def test_every_character_is_classed_as_the_rule_says() -> None:
    texts = (f"a{chr(code)}b" for code in range(0x20, 0x20000) if not 0xD800 <= code < 0xE000)
    assert [ascii(text) for text in texts if words(text) != reference(text)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where's my ORDER_7?", ["where", "s", "my", "order_7"]),
        ("Não, só às 3h", ["não", "só", "às", "3h"]),
        ("Gru\u0308ße STRASSE straße", ["grüsse", "strasse", "strasse"]),
        ("हिन्दी में नमस्ते", ["हिन्दी", "में", "नमस्ते"]),
        ("مُحَمَّد طلب", ["مُحَمَّد", "طلب"]),
        ("שָׁלוֹם לך", ["שָׁלוֹם", "לך"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("你好，世界 ABC", ["你", "好", "世", "界", "abc"]),
        ("ｶﾞラスを買った", ["ガ", "ラ", "ス", "を", "買", "っ", "た"]),
        ("สวัสดี ๑๒", ["ส", "วั", "ส", "ดี", "๑๒"]),
        ("한국어 주문", ["한국어", "주문"]),
        ("tele\xadphone 1\ufe0f\u20e3 ❤️👍🏽", ["telephone", "1\u20e3"]),
    ],
)
def test_words_of_many_scripts(text: str, expected: list[str]) -> None:
    assert words(text) == [unicodedata.normalize("NFKC", word) for word in expected]


def test_shingles() -> None:
    assert shingles("One two, three four FIVE six", 5) == {"one two three four five", "two three four five six"}
    assert shingles("one two", 5) == {"one two"} == shingles(" One\n\ntwo!", 5)
    assert shingles("a a a a", 2) == {"a a"}
    assert shingles("???", 5) == shingles(" ? ? ?", 5) == {"???"}
    assert shingles(" \n\u200b\ufeff", 5) == shingles("", 5) == set()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 4))
def test_hashes_and_similarity_are_those_of_the_sets(one: list[str], other: list[str], ngram: int) -> None:
    texts = [" ".join(part) for part in (one, other)]
    sets = [shingles(text, ngram) for text in texts]
    numbers = [hashes(text, ngram) for text in texts]
    assert numbers[0].tolist() == sorted(xxhash.xxh3_64_intdigest(shingle.encode()) for shingle in sets[0])
    union = sets[0] | sets[1]
    assert jaccard(*numbers) == (len(sets[0] & sets[1]) / len(union) if union else 0.0)


def test_what_counts() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": '{"order": "A7"}'}}
    rows = whole(
        [
            Conversation(
                messages=(
                    system("never"),
                    user("hello"),
                    Message(role="assistant", tool_calls=[call]),
                    Message(role="tool", content="never", tool_call_id="1"),
                    Message(role="developer", content="never"),
                    Message(role=None, content="never"),
                    assistant("done"),
                ),
                rejected=(assistant("worse"),),
                answer_at=6,
            ),
            Conversation(messages=(Message(role="user", parts=[{"type": "text", "text": "look"}, picture]),)),
            Conversation(
                messages=(Message(role="assistant", extra={"function_call": {"name": "f", "arguments": "x"}}),)
            ),
            Conversation(messages=None),
            Conversation(messages=()),
        ]
    )
    both = ("user", "assistant")
    told = [text.split() for text in spoken(rows, both, rejected=True).to_list()]
    assert told[0] == ["hello", "look_up", '{"order":', '"A7"}', "done", "worse"]
    assert told[1][0] == "look" and len(told[1]) == 2 and re.fullmatch("[0-9a-f]{16}", told[1][1])
    assert told[2:] == [["f", "x"], [], []]
    assert spoken(rows, ("user",))[0] == "hello"
    assert spoken(rows, ("assistant",))[0].split() == ["look_up", '{"order":', '"A7"}', "done"]


# --- the decisions ----------------------------------------------------------------------------------------------------


def test_keeps_the_first_and_tells_its_twin_and_the_similarity() -> None:
    rows = [
        say(count(0, 100)),
        say("something else entirely is said here"),
        say(count(0, 102)),
        say(count(0, 100)),
    ]
    made = decide(NearDedup(), whole(rows))
    # 96 runs of five words, all of them among the 98 of the longer text.
    assert made.rows() == [
        (1, None, None, [], '{"cluster": 1, "similarity": 1.0}'),
        (3, "near-duplicate", "twin row 1, J 0.9796", [], '{"cluster": 1, "similarity": 0.9796}'),
        (4, "near-duplicate", "twin row 1, J 1.0000", [], '{"cluster": 1, "similarity": 1.0}'),
    ]
    assert NearDedup().summary(made) == {
        "clusters": 1,
        "largest cluster": 3,
        "effective clusters": 1.0,
    }
    assert dropped(NearDedup(keep="last"), rows) == {1: 4, 3: 4}
    assert dropped(NearDedup(keep="longest"), rows) == {1: 3, 4: 3}


def test_at_the_threshold_goes_and_below_it_stays() -> None:
    # 16 of 20 runs shared is J = 0.8 exactly; 15 of 20 is less.
    rows = [say(count(0, 22)), say(count(0, 20) + " x y")]
    assert jaccard(*(hashes(row.messages[0].content or "", 5) for row in rows if row.messages)) == 16 / 20
    assert dropped(NearDedup(threshold=0.8), rows) == {2: 1}
    assert dropped(NearDedup(threshold=0.81), rows) == {}
    assert dropped(NearDedup(threshold=1), [rows[0], say(count(0, 22).upper() + "!")]) == {2: 1}


def test_a_chain_keeps_what_resembles_nothing_that_is_kept() -> None:
    # Each is like the next, the first not like the third: connected components would drop it.
    rows = [say(count(start, start + 100)) for start in (0, 8, 16, 24)]
    assert dropped(NearDedup(), rows) == {2: 1, 4: 3}
    assert dropped(NearDedup(keep="last"), rows) == {3: 4, 1: 2}


def test_on_question_and_answer() -> None:
    rows = [
        say(count(0, 50), count(100, 150)),
        say(count(0, 50), count(200, 250)),
        say(count(300, 350), count(100, 150)),
    ]
    assert dropped(NearDedup(), rows) == {}
    assert dropped(NearDedup(on="question"), rows) == {2: 1}
    assert dropped(NearDedup(on="answer"), rows) == {3: 1}


def test_calls_and_pictures_tell_rows_apart() -> None:
    def asked(url: str) -> Conversation:
        parts = [{"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": {"url": url}}]
        return Conversation(messages=(Message(role="user", parts=parts), assistant("a cat")))

    def called(city: str) -> Conversation:
        function = {"name": "weather", "arguments": json.dumps({"city": city})}
        calls = [{"id": city, "type": "function", "function": function}]
        return Conversation(messages=(user("how is it"), Message(role="assistant", tool_calls=calls)))

    rows = [asked("a"), asked("b"), asked("a"), called("Rome"), called("Oslo"), called("Oslo")]
    assert dropped(NearDedup(), rows) == {3: 1, 6: 5}
    assert dropped(NearDedup(on="question"), rows) == {3: 1, 6: 5}
    assert dropped(NearDedup(on="question", conflict="drop"), rows) == {3: 1, 5: 4, 6: 4}


def test_unlike_dialogues_under_one_long_system_prompt_all_stay() -> None:
    maker = bench.Maker(3)
    prompt = " ".join(maker.words(1000))
    for role in ("system", "developer", "tool"):
        rows = [
            Conversation(
                messages=(
                    Message(role=role, content=prompt),
                    user(" ".join(maker.words(15))),
                    assistant(" ".join(maker.words(25))),
                )
            )
            for _ in range(1000)
        ]
        assert decide(NearDedup(), whole(rows)).height == 0


SCRIPTS = {
    "Latin": "onde está meu pedido agora",
    "Cyrillic": "где сейчас мой новый заказ",
    "Greek": "πού είναι η παραγγελία μου",
    "Arabic": "أين طَلَبِي الجديد يا صديقي",
    "Hebrew": "איפה ההזמנה שלי עכשיו בבקשה",
    "Devanagari": "मेरा नया ऑर्डर कहाँ है",
    "Tamil": "என் ஆர்டர் இப்போது எங்கே உள்ளது",
    "Han": "订 单 在 哪 里",
    "Japanese": "ご 注 文 は か",
    "Hangul": "제 주문은 지금 어디에 있나요",
    "Thai": "คำ สั่ง ซื้อ อยู่ ไหน",
    "Armenian": "որտեղ է իմ պատվերը հիմա",
}


@pytest.mark.parametrize("keep", ["first", "last", "longest"])
def test_short_texts_of_all_scripts_are_neither_lost_nor_merged(keep: Any) -> None:
    texts = {" ".join(text.split()[:count]) for text in SCRIPTS.values() for count in range(1, 6)}
    texts |= {"?", "!!", "👍", "👎", "🙏🏽", "🇧🇷", "-", "1", "2", "10", "a", "b"}
    ordered = sorted(texts)
    silent = [say("", ""), say(" \n", "\u200b"), Conversation(messages=None), Conversation(messages=(system("x"),))] * 3
    rows = [*(say(text) for text in ordered), *silent]
    assert dropped(NearDedup(keep=keep), rows) == {}
    # The same again, in capitals, with other signs: each goes for its own twin and no other.
    again = [*rows, *(say(text.upper() + ("." if text[-1].isalnum() else ""), " ") for text in ordered), *silent]
    gone = dropped(NearDedup(keep="first"), again)
    assert gone == {len(rows) + place: place for place in range(1, len(ordered) + 1)}


@pytest.mark.skipif(not PAN.exists(), reason="the shared files are not here")
def test_paraphrases_are_no_near_duplicates() -> None:
    with PAN.open(encoding="utf-8", newline="") as lines:
        cells = [line.rstrip("\r\n").split("\t") for line in lines][1:]
    assert len(cells) == 600
    rows = [say(text) for _, one, other in cells for text in (one, other)]
    gone = dropped(NearDedup(), rows)
    sets = [bench.grams(one) & bench.grams(other) for _, one, other in cells]
    assert any(sets), "pairs share runs of words"
    false = {2 * at + 2: 2 * at + 1 for at, (label, *_) in enumerate(cells) if label == "0"}
    assert not false.items() & gone.items()
    # The file holds some sentences more than once: just these go.
    plain = [set(reference_grams(row)) for row in rows]
    truth = {(j, i) for i, j, alike in bench.exact_pairs(plain, 0.8) if alike >= 0.8}
    assert set(gone.items()) == {(j + 1, i + 1) for j, i in truth if i not in {a for a, _ in truth}}


def reference_grams(row: Conversation) -> set[str]:
    found = reference("\n".join(turn.content or "" for turn in row.messages or ()))
    return {" ".join(found[at : at + 5]) for at in range(max(1, len(found) - 4))} if found else set()


# --- against the truth ------------------------------------------------------------------------------------------------


@cache
def corpus() -> list[str]:
    """Make the texts when a test asks for them: pytest imports this file in every worker, whatever it runs."""
    return bench.corpus(6000, seed=2)  # type: ignore[no-any-return]


@cache
def grams() -> list[set[str]]:
    return [bench.grams(text) for text in corpus()]


@pytest.fixture(scope="module")
def pairs() -> list[tuple[int, int, float]]:
    return list(bench.exact_pairs(grams(), 0.3))


def halves(text: str) -> Conversation:
    cut = text.find(" ", len(text) // 2) + 1
    return Conversation(messages=(system("Be brief."), user(text[:cut]), assistant(text[cut:])))


@pytest.mark.parametrize(("threshold", "residual"), [(0.8, 0.002), (0.7, 0.005)])
def test_agrees_with_exact_jaccard_on_template_like_tickets(
    threshold: float, residual: float, pairs: list[tuple[int, int, float]]
) -> None:
    assert sum(0.3 <= alike < 0.5 for *_, alike in pairs) > 50_000
    batch = whole([halves(text) for text in corpus()], first=0)
    stage = NearDedup(threshold=threshold, conflict="drop")
    made = decide(stage, batch, size=1000).filter(pl.col("drop").is_not_null())
    seen = bench.judged(len(corpus()), pairs, threshold, set(made["row"].to_list()))
    assert seen["wrong"] == 0
    assert seen["residual_share"] <= residual
    assert seen["agree"] >= 0.9995
    assert seen["dropped"] > 500
    for row, note in made.select("row", "note").rows():
        match = NOTE.fullmatch(note)
        assert match is not None
        one, other = grams()[row], grams()[int(match[1])]
        assert match[2] == f"{len(one & other) / len(one | other):.4f}"


def test_a_whole_run_accounts_for_every_row(tmp_path: Path) -> None:
    texts = corpus()[:1500]
    talks = [[(turn.role, turn.content) for turn in halves(text).messages or ()] for text in texts]
    lines = [json.dumps({"messages": [{"role": r, "content": c} for r, c in talk]}) for talk in talks]
    (tmp_path / "old.jsonl").write_text("".join(line + "\n" for line in lines[1000:]))
    (tmp_path / "new.jsonl").write_text("".join(line + "\n" for line in lines[:1200]))
    steps: dict[str, Any] = {"use": "near-dedup", "against": ["old.jsonl"], "keep": "longest"}
    tables = {
        "read": [{"use": "openai-chat", "path": "new.jsonl"}],
        "step": [steps],
        "write": [{"use": "openai-chat", "path": "out/all.jsonl"}],
    }
    manifest = flow.run(Recipe.parse(tables, tmp_path, "recipe"))
    assert manifest.rows == 1200 and manifest.status == "done"
    ledger = pyarrow.parquet.read_table(tmp_path / "out/.ftdata/recipe/ledger.parquet").to_pylist()
    gone = {line["row"]: line for line in ledger if line["event"] == "drop"}
    kept = {line["row"] for line in ledger if line["event"] == "write"}
    assert gone and not gone.keys() & kept and len(gone) + len(kept) == 1200
    earlier = 0
    for row, line in gone.items():
        assert line["stage"] == "near-dedup"
        match = re.fullmatch(r"(?:twin row (\d+)|earlier old\.jsonl#(\d+)), J (\d\.\d{4})", line["note"])
        assert match is not None
        if match[1]:
            assert line["reason"] == "near-duplicate" and int(match[1]) in kept
            twin = int(match[1]) - 1
        else:
            assert line["reason"] == "near-duplicate-earlier"
            twin = 1000 + int(match[2]) - 1
            earlier += 1
        one, other = grams()[row - 1], grams()[twin]
        alike = len(one & other) / len(one | other)
        assert alike >= 0.8 and match[3] == f"{alike:.4f}"
    # The 200 rows that both files hold are gone, but for those that say nothing.
    assert {number for number in range(1001, 1201) if grams()[number - 1]} <= gone.keys()
    written = [json.loads(line)["messages"] for line in (tmp_path / "out/all.jsonl").read_text().splitlines()]
    assert [[turn["role"] for turn in talk] for talk in written[:1]] == [["system", "user", "assistant"]]
    assert manifest.dropped["near-dedup"]["near-duplicate-earlier"] == earlier >= 195
    assert manifest.dropped["near-dedup"]["near-duplicate"] == len(gone) - earlier > 0


# --- earlier runs -----------------------------------------------------------------------------------------------------


def test_what_earlier_runs_wrote_comes_first_and_stays() -> None:
    before = whole([say("unlike"), say(""), say(count(0, 100)), say(count(0, 100)), say(count(0, 103))], "train.jsonl")
    more = whole([say(count(500, 600))], "more.jsonl")
    rows = [say(count(0, 101)), say(count(0, 103)), say(count(500, 601)), say(count(900, 999)), say(count(900, 1000))]
    stage = NearDedup(against=(Path("a"), Path("b")), keep="longest")
    made = decide(stage, whole(rows), written={"a": before, "b": more})
    assert made.rows() == [
        (
            1,
            "near-duplicate-earlier",
            "earlier train.jsonl#3, J 0.9897",
            [],
            '{"earlier": "train.jsonl#3", "similarity": 0.9897}',
        ),
        (
            2,
            "near-duplicate-earlier",
            "earlier train.jsonl#5, J 1.0000",
            [],
            '{"earlier": "train.jsonl#5", "similarity": 1.0}',
        ),
        (
            3,
            "near-duplicate-earlier",
            "earlier more.jsonl#1, J 0.9897",
            [],
            '{"earlier": "more.jsonl#1", "similarity": 0.9897}',
        ),
        (4, "near-duplicate", "twin row 5, J 0.9896", [], '{"cluster": 5, "similarity": 0.9896}'),
        (5, None, None, [], '{"cluster": 5, "similarity": 1.0}'),
    ]
    assert stage.summary(made)["clusters"] == 1


# --- laws -------------------------------------------------------------------------------------------------------------

SMALL = st.lists(st.sampled_from("abcd"), max_size=12).map(" ".join)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(SMALL, max_size=15),
    st.lists(SMALL, max_size=4),
    st.sampled_from([0.5, 0.6, 0.8, 1.0]),
    st.sampled_from(["first", "last", "longest"]),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_every_dropped_row_has_a_kept_twin_whatever_the_batches_and_their_order(
    texts: list[str], before: list[str], threshold: float, keep: Any, size: int, chance: random.Random
) -> None:
    batch = whole([say(text) for text in texts])
    written = {"x": whole([say(text) for text in before], "x")}
    stage = NearDedup(threshold=threshold, keep=keep, ngram=2, against=(Path("x"),))
    made = decide(stage, batch, written=written)
    assert decide(stage, batch, size, written).equals(made)
    order = list(range(batch.height))
    chance.shuffle(order)
    assert decide(stage, batch[order], size, written).equals(made)

    def place(row: int) -> tuple[int, int]:
        return {"first": (0, row), "last": (0, -row), "longest": (-len(texts[row - 1]), row)}[keep]

    gone = {row: note for row, drop, note in made.select("row", "drop", "note").rows() if drop}
    for row, note in gone.items():
        where, at, told = re.fullmatch(r"(twin row |earlier x#)(\d+), J (.*)", note).groups()  # type: ignore[union-attr]
        source = texts if where == "twin row " else before
        one, other = (shingles(text, 2) for text in (texts[row - 1], source[int(at) - 1]))
        alike = len(one & other) / len(one | other)
        assert alike >= threshold and told == f"{alike:.4f}"
        if source is texts:
            assert int(at) not in gone and place(int(at)) < place(row)
    # Rows of the very same shingles cannot be missed.
    kept = [frozenset(shingles(text, 2)) for row, text in enumerate(texts, 1) if row not in gone and text]
    assert len(kept) == len(set(kept)) and not set(kept) & {frozenset(shingles(text, 2)) for text in before}


def test_no_pair_is_missed_by_chance() -> None:
    for threshold in (0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 0.99, 1.0):
        number, width = bands(threshold)
        assert number * width <= 128
        assert 1 - (1 - threshold**width) ** number >= 0.999
    assert bands(0.7) == bands(0.8) == (32, 4)


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold": 0.49},
        {"threshold": 1.01},
        {"ngram": 0},
        {"on": "meta"},
        {"seed": 1},
        {"keep": "best"},
        {"by": "x"},
        {"also": [0.4]},
        {"also": [0.7], "backend": "datasketch"},
    ],
)
def test_refuses_what_it_cannot_do(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NearDedup(**fields)


def test_sketches_are_small_and_say_nothing() -> None:
    sketch = NearDedup().sketch(whole([say(f"secret {number}") for number in range(100)]))
    assert sketch.estimated_size() <= 300 * 100
    assert all(kind.is_integer() or kind == pl.Array(pl.UInt16, 128) for kind in sketch.dtypes)


def test_no_rows_and_a_row_of_one_huge_word() -> None:
    empty = whole([say("a")]).clear()
    stage = NearDedup()
    assert stage.sketch(empty).schema == stage.sketch(whole([say("a")])).schema
    assert decide(stage, empty).height == 0
    assert set(stage.summary(decide(stage, empty)).values()) == {0}
    huge = [say("x" * 3_000_000), say("x" * 3_000_000 + "y"), say(count(0, 30_000)), say(count(0, 30_001))]
    assert dropped(stage, huge) == {4: 3}


# --- answers ----------------------------------------------------------------------------------------------------------


def ticket(order: int, answer: str) -> Conversation:
    asked = "Hello, my order {} was due last week and has still not arrived. Can you tell me where it is now?"
    asked += " This is the third time that I write to you about order {}, and nobody has told me anything as yet."
    asked += " I need it for a birthday next week, so please let me know today whether it will be here in time or not."
    return say(asked.format(order, order), answer)


ANSWERS = (
    "It is on its way and will be with you within {} days.",
    "It was lost on its way; we have sent order {} again today.",
    "The carrier could not find your house, please check the address of order {}.",
    "We are sorry, order {} was cancelled because the card was refused.",
)


@pytest.mark.parametrize("on", ["conversation", "question"])
@pytest.mark.parametrize("backend", ["native", "datasketch"])
def test_all_different_answers_survive_and_the_conflict_is_told(on: Any, backend: Any) -> None:
    rows = [ticket(10_000 + number, ANSWERS[number % 4].format(number + 2)) for number in range(8)]
    # Of the whole conversation the answers are a part, so that rows with different ones are less alike.
    stage = NearDedup(on=on, backend=backend, mask=True, threshold=0.8 if on == "question" else 0.65)
    made = decide(stage, whole(rows))
    gone = dict(made.filter(pl.col("drop").is_not_null()).select("row", "note").rows())
    assert {row: int(NOTE.fullmatch(note)[1]) for row, note in gone.items()} == {5: 1, 6: 2, 7: 3, 8: 4}  # type: ignore[index]
    told = made.filter(pl.col("flags").list.contains("conflict"))
    assert told["row"].to_list() == [2, 3, 4] and told["drop"].null_count() == 3
    for note, tags in told.select("note", "tags").rows():
        assert re.fullmatch(r"conflict row 1, J \d\.\d{4}, \d+ words differ", note)
        assert json.loads(tags)["conflict"] == {"with": 1}
    summary = stage.summary(made)
    assert summary["conflicts"] == 3 and summary["clusters"] == 4
    blind = decide(stage.model_copy(update={"conflict": "drop"}), whole(rows))
    assert blind.filter(pl.col("drop").is_not_null())["row"].to_list() == [2, 3, 4, 5, 6, 7, 8]
    assert not blind["flags"].explode().drop_nulls().len()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Sent on 3 May with LM-20418.", "Sent on 14 May with LM-99.", True),
        ("Write to [EMAIL_1] or call +351 21 000 0000.", "Write to help@example.com or call 555 0100.", True),
        ("Dear {{name}}, it costs R$ 1.234,50.", "Dear <NAME>, it costs R$ 9.", True),
        ("Yes, you can.", "No, you can not.", False),
        ("Pode devolver em 7 dias.", "Não pode devolver em 7 dias.", False),
        ("Se puede cambiar.", "No se puede cambiar.", False),
        ("We refund it.", "We replace it.", False),
        ("OK!", "ok", True),
        ("", "We refund it.", True),
        (" \n", "Anything at all", True),
    ],
)
def test_numbers_and_ids_do_not_count_in_answers_but_words_do(one: str, other: str, same: bool) -> None:
    question = "Where is my parcel and can I still send it back to you?"
    stage = NearDedup(on="question")
    for first, second in ((one, other), (other, one)):
        made = decide(stage, whole([say(question, first), say(question, second)]))
        assert made["drop"].count() == same
        assert bool(made["flags"].explode().drop_nulls().len()) is not same


def test_a_word_that_turns_the_meaning_is_no_small_difference() -> None:
    long = " ".join(f"step {word}" for word in "abcdefghijklmnopqrstuvwxyz")
    question = "How do I set it up?"
    for word, differs in (("gladly", False), ("not", True), ("nunca", True), ("sin", True), ("não", True)):
        rows = [say(question, f"{long} and then you are done"), say(question, f"{long} and then you are {word} done")]
        made = decide(NearDedup(on="question", ngram=2), whole(rows))
        assert (made["drop"].count() == 0) is differs, word
        if differs:
            assert made["note"].to_list()[-1] == "conflict row 1, J 1.0000, 1 word differs"


def test_a_row_that_asks_nothing_or_is_told_nothing_conflicts_with_none() -> None:
    text = count(0, 40).replace("w", "word ")
    rows = [
        Conversation(messages=(assistant(f"{text} yes of course"),)),
        Conversation(messages=(assistant(f"{text} yes of course"),)),
        Conversation(messages=(user(text),)),
        Conversation(messages=(user(text),)),
    ]
    assert dropped(NearDedup(ngram=1, threshold=0.9), rows[:2]) == {2: 1}
    assert dropped(NearDedup(on="question"), rows[2:]) == {2: 1}


def test_many_rows_of_one_question_stay_linear_and_repeats_go() -> None:
    asked = "Where is my order? I have been waiting for it for two weeks now"
    maker = bench.Maker(1)
    said = [" ".join(maker.words(12)) for _ in range(50)]
    rows = [say(asked, said[number % 50]) for number in range(1000)]
    gone = dropped(NearDedup(on="question"), rows)
    assert len(gone) == 950 and all((row - twin) % 50 == 0 for row, twin in gone.items())


def test_answers_of_earlier_runs_count_too() -> None:
    asked = "Can I send back the shoes that I bought from you in the last week of May?"
    before = whole([say(asked, "Yes, gladly."), say("something else", "x")], "train.jsonl")
    rows = [say(asked, "No, never."), say(asked, "Yes, gladly!"), say(asked, "No, never!")]
    made = decide(NearDedup(on="question", against=(Path("a"),)), whole(rows), written={"a": before})
    assert made.select("row", "drop", "note").rows() == [
        (1, None, "conflict earlier train.jsonl#1, J 1.0000, 2 words differ"),
        (2, "near-duplicate-earlier", "earlier train.jsonl#1, J 1.0000"),
        (3, "near-duplicate", "twin row 1, J 1.0000"),
    ]
    assert json.loads(made["tags"][0]) == {"cluster": 1, "similarity": 1.0, "conflict": {"with": "train.jsonl#1"}}


# --- the very same question -------------------------------------------------------------------------------------------

SHORT = ("It is on its way.", "It was lost; we have sent LM-{} again.", "Please check the address.", "No idea, sorry!")


def flagged(made: pl.DataFrame) -> dict[int, int]:
    found = made.filter(pl.col("flags").list.contains("conflict")).select("row", "note", "tags").rows()
    told = {row: json.loads(tags)["conflict"]["with"] for row, _, tags in found}
    for row, note, _ in found:
        assert re.fullmatch(rf"conflict row {told[row]}, same question, J 0\.\d{{4}}, \d+ words? differs?", note), note
    return told


@pytest.mark.parametrize("fields", [{}, {"on": "question"}, {"backend": "datasketch"}, {"mask": True}])
def test_short_tickets_of_one_template_conflict_by_default(fields: dict[str, Any]) -> None:
    orders = ("LM-20418", "7", "[ORDER_1]", "LM-3", "A7F-3B-C", "45.000", "20420", "1")
    rows = [
        say(f"Hi, where is my order {order}? It should have arrived yesterday.", SHORT[at % 4].format(at))
        for at, order in enumerate(orders)
    ]
    stage = NearDedup(**fields)
    made = decide(stage, whole(rows))
    if fields == {"mask": True}:  # J of the conversations with the same answer is 1
        assert made.filter(pl.col("drop").is_not_null())["row"].to_list() == [5, 6, 7, 8]
        assert flagged(made) == {2: 1, 3: 1, 4: 1}
        return
    assert made["drop"].null_count() == made.height
    assert flagged(made) == dict.fromkeys((2, 3, 4, 6, 7, 8), 1)
    assert stage.summary(made) == {"clusters": 0, "conflicts": 6}
    one, other = (shingles("\n".join(turn.content or "" for turn in rows[at].messages or ()), 5) for at in (0, 1))
    if not fields:
        assert f"J {len(one & other) / len(one | other):.4f}, " in made["note"][0]
    assert flagged(decide(stage.model_copy(update={"keep": "last"}), whole(rows))) == {
        7: 8,
        6: 8,
        5: 8,
        3: 8,
        2: 8,
        1: 8,
    }
    blind = stage.model_copy(update={"conflict": "drop"})
    assert decide(blind, whole(rows)).height == 0 and "asked" not in blind.sketch(whole(rows)).columns


def test_answers_of_earlier_runs_count_for_the_same_question_too() -> None:
    told = (("5", ""), ("6", "On its way."), ("9", "Nobody knows."))
    before = whole([say(f"Where is my order {order} now?", answer) for order, answer in told], "old.jsonl")
    rows = [say("Where is my order 77 now?", "Lost."), say("where is my order 8 now", "On its way!")]
    made = decide(NearDedup(against=(Path("a"),)), whole(rows), written={"a": before})
    note = "conflict earlier old.jsonl#2, same question, J 0.0000, 3 words differ"
    assert made.rows() == [(1, None, note, ["conflict"], '{"conflict": {"with": "old.jsonl#2"}}')]


@pytest.mark.parametrize(
    "asked",
    [
        "123",
        "LM-2 LM-3",
        "hi",
        "Hello, good morning!",
        "thank you so much",
        "Oi, bom dia",
        "ok 5, gracias",
        "???",
        "",
        "👍",
    ],
)
def test_what_asks_nothing_makes_no_conflict(asked: str) -> None:
    rows = [say(asked, answer) for answer in SHORT]
    assert flagged(decide(NearDedup(), whole(rows))) == {}


def test_signs_and_spaces_of_a_long_question_do_not_count() -> None:
    asked = "why does nobody write to me about my new order LM-{} or call me back to tell me where it is"
    forms = (
        asked,
        asked.capitalize() + "?",
        asked.replace(" ", "  ") + " !",
        "«" + asked.upper().replace(" ", ", ") + "...»",
    )
    rows = [say(form.format(at * 77), SHORT[at].format(1)) for at, form in enumerate(forms)]
    assert flagged(decide(NearDedup(), whole(rows))) == {2: 1, 3: 1, 4: 1}


@pytest.mark.parametrize(("size", "found"), [(512, {2: 1}), (513, {})])
def test_a_question_that_is_long_is_left_to_its_similarity(size: int, found: dict[int, int]) -> None:
    asked = "where is my order LM-5 now "
    asked += "x" * (size - len(asked))
    rows = [say(asked.replace("-5", f"-{at}"), SHORT[at - 1].format(1)) for at in (1, 2)]
    assert flagged(decide(NearDedup(), whole(rows))) == found


def test_only_the_very_same_question_counts() -> None:
    def talk(*turns: str, prompt: str = "") -> Conversation:
        said = (user(text) if at % 2 == 0 else assistant(text) for at, text in enumerate(turns))
        return Conversation(messages=((system(prompt),) if prompt else ()) + tuple(said))

    last = "And what shall I do now?"
    rows = [
        talk("My printer does not print", "Is it on?", last, "Switch it on."),
        talk("My phone does not ring", "Is it on?", last, "Charge it."),
        talk("What does it say about order 5?", "That it is lost.", prompt="Order 5 is lost"),
        talk("What does it say about order 6?", "That it is sent.", prompt="Order 6 was sent"),
        talk("What does it say about order 7?", "Nothing at all.", prompt="Order 7 was sent"),
        talk("How much is it for zone 3?", "It costs 9 euros."),
        talk("How much is it for zone 4?", "It costs 12 euros."),
        talk("How much is it for zone 5?", ""),
        talk("How much is it for zone 6?"),
        talk("How much is it for zone 7?", "It is free."),
        talk("my printer does NOT print...", "Is it on", last, "Throw it away."),
    ]
    assert flagged(decide(NearDedup(), whole(rows))) == {5: 4, 10: 6, 11: 1}


WORDS = st.lists(
    st.sampled_from("where is my new order cadê não será größe the invoice of may ¿dónde заказ 订单".split()),
    min_size=3,
    max_size=20,
)
FILLED = ("LM-20418", "7", "[ORDER_1]", "maria.b@example.com", "1.234,50", "A7F-3B-C", "10:30", "x9_y-2")
STYLE = st.tuples(st.sampled_from([" ", "  ", "\n", ", "]), st.sampled_from(["", "?", " !"]))
TURN = st.tuples(
    st.integers(0, 3),
    st.lists(st.sampled_from(FILLED), min_size=3, max_size=3),
    st.sampled_from([str.lower, str.title, str.upper]),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(WORDS, STYLE), min_size=4, max_size=4),
    st.lists(st.integers(0, 20), min_size=3, max_size=3),
    st.lists(TURN, max_size=10),
    st.sampled_from(["first", "last"]),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_conflicts_are_those_of_a_plain_search(
    templates: list[Any], places: list[int], turns: list[Any], keep: Any, size: int, chance: random.Random
) -> None:
    rows, keys = [], []
    for which, fills, case, answer in turns:
        template, (space, end) = templates[which]
        text = [case(word) if word != "größe" else word for word in template]
        for place, fill in zip(sorted(places, reverse=True), fills, strict=True):
            text.insert(place % (len(text) + 1), fill)
        rows.append(say(space.join(text) + end, ("", *SHORT)[answer].format(len(rows))))
        marked = ["0" if word in FILLED else word.lower() for word in text]
        keys.append(tuple(word for at, word in enumerate(marked) if word != "0" or marked[at - 1 : at] != ["0"]))
    stage = NearDedup(threshold=1, keep=keep)
    batch = whole(rows)
    made = decide(stage, batch)
    assert decide(stage, batch, size).equals(made)
    order = list(range(batch.height))
    chance.shuffle(order)
    assert decide(stage, batch[order], size).equals(made)
    gone = set(made.filter(pl.col("drop").is_not_null())["row"].to_list())
    first: dict[Any, int] = {}
    expected = {}
    for row in range(1, len(rows) + 1) if keep == "first" else range(len(rows), 0, -1):
        key, answer = keys[row - 1], turns[row - 1][-1]
        if row not in gone and answer:
            lead = first.setdefault(key, row)
            if answer != turns[lead - 1][-1]:
                expected[row] = lead
    assert flagged(made) == expected


# --- other thresholds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"on": "question", "keep": "longest"}, {"conflict": "drop", "mask": True}])
def test_other_thresholds_tell_what_a_run_with_each_would_do(fields: dict[str, Any]) -> None:
    rows = [halves(text) for text in corpus()[:600]]
    rows += [ticket(at, ANSWERS[at % 4].format(at)) for at in range(20)]
    rows += [say(f"Where is my order {at} now?", SHORT[at % 4].format(at)) for at in range(20)]
    batch, before = whole(rows), {"a": whole([halves(text) for text in corpus()[550:700]], "old")}
    others = (0.6, 0.75, 0.95)
    plain = NearDedup(against=(Path("a"),), **fields)
    stage = plain.model_copy(update={"also": others})
    made = stage.select(stage.sketch(batch).lazy(), Held(batch, before)).collect()
    once = decide(plain, batch, written=before)
    assert made.drop("told").equals(once)
    told = stage.summary(made)
    assert plain.summary(once) == {key: value for key, value in told.items() if not key.startswith("at ")}
    seen = set()
    for threshold in others:
        again = decide(plain.model_copy(update={"threshold": threshold}), batch, written=before)
        gone = again["drop"].count()
        conflicts = again["flags"].list.contains("conflict").sum()
        assert told[f"at {threshold:g}"] == {"drop": gone, "keep": len(rows) - gone, "conflicts": conflicts}
        seen.add(gone)
    assert len(seen) > 1


def test_other_thresholds_are_told_where_nothing_is_decided() -> None:
    stage = NearDedup(also=(0.5,))
    batch = whole([say("one thing"), say("another")])
    made = stage.select(stage.sketch(batch).lazy(), Held(batch)).collect()
    assert stage.summary(made) == {"clusters": 0, "at 0.5": {"drop": 0, "keep": 2, "conflicts": 0}}
    empty = stage.select(stage.sketch(batch.clear()).lazy(), Held(batch.clear())).collect()
    assert stage.summary(empty) == {"clusters": 0}


# --- which one stays --------------------------------------------------------------------------------------------------


def test_keeps_the_newest_or_the_best() -> None:
    def row(meta: dict[str, Any]) -> Conversation:
        return say(count(0, 50)).model_copy(update={"meta": meta})

    times: list[Any] = ["2024-01-31", "31/12/2024 10:00", 1735000000, None, "soon", "2024-12-31T09:59:59Z"]
    rows = [row({"at": {"created": value}}) for value in times]
    assert set(dropped(NearDedup(keep="newest", by="at.created"), rows).values()) == {2}
    scores: list[Any] = [3, "4.5", None, "good", True, 4.5, float("1e30")]
    rows = [row({"csat": value}) for value in scores]
    assert set(dropped(NearDedup(keep="best", by="csat"), rows).values()) == {7}
    assert set(dropped(NearDedup(keep="best", by="csat"), rows[:-1]).values()) == {2}
    assert set(dropped(NearDedup(keep="best", by="csat", order="low"), rows).values()) == {1}
    assert NearDedup(keep="newest", by="at.created").reads_meta() == {"at", "at.created"}
    rows = [row({"csat": 1}), say(count(0, 50)), row({"csat": 2})]
    assert dropped(NearDedup(keep="best", by="csat"), rows) == {1: 3, 2: 3}


@pytest.mark.parametrize(
    ("fields", "metas", "told"),
    [
        ({"keep": "best", "by": "cst"}, [{"csat": 5}, None], "no row has the meta key 'cst'; keys seen: csat; did you"),
        ({"keep": "newest", "by": "x"}, [None, {"x": None}], "by: no row has the meta key 'x'; keys seen: none"),
        ({"keep": "best", "by": "n"}, [{"n": "good"}, {"m": 1}], "of the meta key 'n' can be read as a number"),
        ({"keep": "newest", "by": "at.on"}, [{"at": {"on": "soon"}}] * 2, "'at.on' can be read as a time; write them"),
    ],
)
def test_a_key_that_no_row_has_does_not_mean_first(fields: dict[str, Any], metas: list[Any], told: str) -> None:
    rows = [say(count(0, 50)).model_copy(update={"meta": meta}) for meta in metas]
    with pytest.raises(RunError, match=re.escape(told)):
        decide(NearDedup(**fields), whole(rows), size=1)
    assert decide(NearDedup(**fields), whole(rows).clear()).height == 0


# --- backends ---------------------------------------------------------------------------------------------------------


def test_both_backends_drop_the_same_rows() -> None:
    batch = whole([halves(text) for text in corpus()[:1500]], first=0)
    for conflict in ("keep", "drop"):
        gone = []
        for backend in ("native", "datasketch"):
            stage = NearDedup(backend=backend, conflict=conflict)  # type: ignore[arg-type]
            made = decide(stage, batch, size=1000)
            gone.append(set(made.filter(pl.col("drop").is_not_null())["row"].to_list()))
        assert len(gone[0]) > 80 and len(gone[0] ^ gone[1]) <= 1  # 99.9 % of 1,500
