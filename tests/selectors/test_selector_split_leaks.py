"""Nothing of one side is known on another: held against Python sets, which share only the shingle rule."""

from __future__ import annotations

import functools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_selector_split import decide, many, talk, whole

from ftdata import flow
from ftdata.conversation import Conversation, assistant, user
from ftdata.errors import InputError, RunError
from ftdata.recipe import Recipe
from ftdata.selectors.split import Split, sides, stage
from ftdata.similarity.shingles import shingles, words

RANK = {"train": 0, "validation": 1, "test": 2}
WORDS = [f"word{number}" for number in range(60)]


def said(row: Conversation, on: str) -> str:
    roles = {"conversation": ("user", "assistant"), "question": ("user",), "answer": ("assistant",)}[on]
    return "\n".join(message.content or "" for message in row.messages or () if message.role in roles)


def alike(one: Conversation, other: Conversation, on: str, ngram: int) -> float:
    a, b = shingles(said(one, on), ngram), shingles(said(other, on), ngram)
    return len(a & b) / (len(a | b) or 1)


def groups(made: Split) -> tuple[str, ...]:
    return (made.group,) if isinstance(made.group, str) else made.group or ()


def known(made: Split, one: Conversation, other: Conversation) -> bool:
    """Say whether one row gives the other away, by any rule of the stage."""
    if any(one.meta and other.meta and one.meta.get(key) == other.meta.get(key) is not None for key in groups(made)):
        return True
    if made.threshold == "off":
        return False
    return any(alike(one, other, on, made.ngram) >= made.threshold for on in made.on)


def proven(made: Split, rows: Sequence[Conversation], found: pl.DataFrame) -> Counter[str]:
    """Assert that no kept pair across sides knows of each other, and that each dropped row knew of a kept one."""
    side, drop = found["split"].to_list(), found["drop"].to_list()
    asked = [words(said(row, "question")) for row in rows]
    counts: Counter[str] = Counter()
    kept = [at for at, reason in enumerate(drop) if reason is None]
    for place, one in enumerate(kept):
        for other in kept[:place]:
            if side[one] != side[other]:
                counts["pairs"] += 1
                assert not known(made, rows[one], rows[other]), (one, other, side[one], side[other])
                assert asked[one] != asked[other]
    for at, reason in enumerate(drop):
        if reason is not None:
            counts["leaks"] += 1
            guards = [other for other in kept if RANK[side[other]] > RANK[side[at]]]
            assert any(known(made, rows[at], rows[other]) or asked[at] == asked[other] for other in guards)
    return counts


def like(chance: random.Random, given: list[str]) -> list[str]:
    """Give words with one changed, added or taken away, now and then several."""
    made = list(given)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(made))
        made[at : at + chance.randint(0, 1)] = chance.choices(WORDS, k=chance.randint(0, 1))
        made = made or ["nothing"]
    return made


def corpus(chance: random.Random, count: int) -> list[Conversation]:
    texts: list[tuple[list[str], list[str]]] = []
    for _ in range(count):
        if texts and chance.random() < 0.4:
            asked, answered = chance.choice(texts)
            asked = like(chance, asked) if chance.random() < 0.7 else asked
            answered = like(chance, answered) if chance.random() < 0.5 else answered
        else:
            asked = chance.choices(WORDS, k=chance.choice((2, 5, 8, 30, 40)))
            answered = chance.choices(WORDS, k=chance.choice((1, 6, 20)))
        texts.append((asked, answered))
    rows = []
    for asked, answered in texts:
        meta = {"customer": chance.randrange(count), "ticket": chance.choice((None, chance.randrange(count)))}
        meta |= {"category": chance.choice("abb"), "at": f"2025-01-{chance.randint(1, 28):02}"}
        question = " ".join(asked)
        question = chance.choice((question, question.upper(), question.replace(" ", "  ") + "!"))
        rows.append(Conversation(messages=(user(question), assistant(" ".join(answered))), meta=meta))
    return rows


def one_of(chance: random.Random, seed: int) -> Split:
    fields: dict[str, Any] = {
        "validation": chance.choice((0.2, 0.35)),
        "test": chance.choice((0.0, 0.25)),
        "seed": seed,
    }
    fields["group"] = chance.choice((None, "customer", ("customer", "ticket")))
    fields["threshold"] = chance.choice((0.5, 0.7, 0.8, 0.8, 1.0))
    fields["on"] = chance.choice((("conversation", "question"), "conversation", "question", "answer"))
    fields["ngram"] = chance.choice((1, 3, 5))
    fields |= chance.choice(({}, {"stratify": "category"}, {"time": "at"}))
    return Split(**fields)


def splits(monkeypatch: pytest.MonkeyPatch, seeds: range) -> Counter[str]:
    told: Counter[str] = Counter()
    for seed in seeds:
        chance = random.Random(seed)
        made, rows = one_of(chance, seed), corpus(chance, chance.randint(6, 24))
        monkeypatch.setattr(stage, "EXACT", chance.choice((0, 200)))  # both ways of choosing sides
        try:
            found = decide(made, whole(rows), chance.choice((1, 7, 4096)))
        except RunError as error:
            sound = "would be empty" in str(error) or "no row has the meta key 'ticket'" in str(error)
            told["refused" if sound else "broken"] += 1
            continue
        told["split"] += 1
        told += proven(made, rows, found)
    return told


def test_no_pair_across_sides_is_near_or_of_one_group_in_random_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    told = splits(monkeypatch, range(240))
    assert told["split"] > 140 and not told["broken"] and told["leaks"] > 200 and told["pairs"] > 3000


@pytest.mark.long
def test_ten_thousand_random_splits_do_not_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest -m long tests/selectors/test_selector_split_leaks.py: some minutes."""
    seed, told = 10_000, Counter[str]()
    while told["split"] < 10_000:
        told += splits(monkeypatch, range(seed, seed + 500))
        seed += 500
    assert not told["broken"]


# --- planted leaks ----------------------------------------------------------------------------------------------------

TEXT = "my parcel number {} was due on monday and has not come yet the page says it is still on the way to the depot"


@functools.cache
def sentence(number: int, count: int = 30) -> str:
    chance = random.Random(number)
    return " ".join(f"{chance.choice(WORDS)}{chance.randrange(1000)}" for _ in range(count))


CHANGES = {
    "copy": lambda text: text,
    "case": str.upper,
    "space": lambda text: text.replace(" ", " \n "),
    "punctuation": lambda text: text.replace(" ", ", ") + "!?",
    "full width": lambda text: text.replace("w", "ｗ"),
    "a word changed": lambda text: text.rsplit(" ", 1)[0] + " other",
    "a word added": lambda text: "well " + text,
    "a number changed": lambda text: text.replace("word", "w 7 ", 1),
}


@functools.cache
def unplanted(group: str | None) -> tuple[list[Conversation], pl.DataFrame]:
    """Give rows of which none is like another, and how they are split."""
    rows = [
        Conversation(messages=(user(sentence(n)), assistant(sentence(-n, 20))), meta={"customer": n})
        for n in range(600)
    ]
    return rows, decide(Split(validation=0.2, test=0.1, group=group), whole(rows))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("group", [None, "customer"])
def test_planted_leaks_are_found_every_one(change: str, group: str | None) -> None:
    rows, found = unplanted(group)
    assert found["drop"].null_count() == 600
    planted = [
        row.model_copy(
            update={
                "messages": (user(CHANGES[change](sentence(n))), assistant(sentence(-n, 20))),
                "meta": {"customer": 1000 + n},
            }
        )
        for n, row in enumerate(rows)
    ]
    both = decide(Split(validation=0.2, test=0.1, group=group), whole([*rows, *planted]))
    apart = [at for at in range(600) if both["split"][at] != both["split"][at + 600]]
    same_key = group is None and change in ("copy", "case", "space", "punctuation")
    assert not apart if same_key else len(apart) > 150
    assert both["split"].to_list()[:600] == found["split"].to_list()
    for at in apart:
        loser = min(at, at + 600, key=lambda row: RANK[both["split"][row]])
        other = at + 600 if loser == at else at
        assert both["drop"][loser] == "leak" and both["drop"][other] is None
        assert both["note"][loser].startswith(f"twin row {other + 1}")
    assert both["drop"].null_count() == 1200 - len(apart)


def test_what_is_compared_is_what_on_names() -> None:
    question, answer = sentence(1, 40), sentence(2, 40)
    other_question, other_answer = sentence(3, 40), sentence(4, 40)
    pairs = {
        "conversation": ((question, answer), (question + " x", answer)),
        "question": ((question, answer), (question + " x", other_answer)),
        "answer": ((question, answer), (other_question, answer + " x")),
    }
    noise = [(sentence(n, 12), sentence(-n, 12)) for n in range(10, 30)]
    for kind, pair in pairs.items():
        rows = [Conversation(messages=(user(q), assistant(a))) for q, a in (*pair, *noise)]
        for on in ("conversation", "question", "answer"):
            leaks = 0
            for seed in range(20):
                found = decide(Split(validation=0.4, seed=seed, on=on), whole(rows))
                apart = found["split"][0] != found["split"][1]
                assert found["drop"].null_count() == len(rows) - (apart and alike(rows[0], rows[1], on, 5) >= 0.8)
                leaks += len(rows) - found["drop"].null_count()
            assert bool(leaks) == (kind == on or kind == "conversation")


def test_a_row_of_train_stays_where_only_a_row_that_went_knew_of_it() -> None:
    # a in test is near b in validation, which is near c in train; c is not near a.
    base = sentence(5, 40)
    chain = [base, base + " one two three", base + " one two three four five six"]
    rows = [Conversation(messages=(user(text),)) for text in chain]
    assert alike(rows[0], rows[1], "question", 5) >= 0.9 > 0.89 > alike(rows[0], rows[2], "question", 5)
    order = ["test", "validation", "train"]
    noise = [talk(f"question {n}") for n in range(30)]
    seen = False
    for seed in range(2000):
        made = Split(validation=0.3, test=0.3, seed=seed, threshold="off")
        if decide(made, whole([*rows, *noise]))["split"].to_list()[:3] == order:
            seen = True
            got = decide(made.model_copy(update={"threshold": 0.9}), whole([*rows, *noise]))
            assert got["drop"].to_list()[:3] == [None, "leak", None]
            assert got["note"].to_list()[1] == f"twin row 1, J {alike(rows[0], rows[1], 'question', 5):.4f}"
            break
    assert seen


# --- old rows ---------------------------------------------------------------------------------------------------------

STABLE: list[dict[str, Any]] = [
    {},
    {"group": "customer"},
    {"group": ("customer", "ticket")},
    {"stratify": "category"},
    {"stratify": "category", "group": ("ticket", "customer")},
    {"time": "at", "validation_from": "2025-01-20", "test_from": "2025-01-25", "group": "customer"},
]


@pytest.mark.parametrize("fields", STABLE, ids=str)
def test_an_old_row_never_changes_side_when_rows_are_added(fields: dict[str, Any]) -> None:
    made = Split(**{"validation": 0.2, "test": 0.1, **fields})
    appended = "stratify" in fields or isinstance(fields.get("group"), tuple)
    chance = random.Random(3)
    rows = corpus(chance, 600)
    every = decide(made, whole(rows))
    assert every["drop"].null_count() < 600
    for count in (205, 431):
        some = list(range(count)) if appended else sorted(chance.sample(range(600), count))
        part = decide(made, whole([rows[at] for at in some]))
        assert part["split"].to_list() == [every["split"][at] for at in some]


def test_a_row_that_links_two_groups_on_different_sides_goes_itself() -> None:
    rows = [talk(f"question {n}", customer=f"c{n}", ticket=f"t{n}") for n in range(300)]
    made = Split(validation=0.3, test=0.3, group=("customer", "ticket"), threshold="off")
    before = decide(made, whole(rows))["split"].to_list()
    side = {name: before.index(name) for name in RANK}
    other = before.index("test", side["test"] + 1)
    links = [("train", "test", side["test"]), ("validation", "test", side["test"]), ("train", "validation", 0)]
    new = [talk(f"new {n}", customer=f"c{side[a]}", ticket=f"t{side[b]}") for n, (a, b, _) in enumerate(links)]
    new.append(talk("fits", customer=f"c{side['test']}", ticket=f"t{other}"))
    after = decide(made, whole([*rows, *new]))
    assert after["split"].to_list()[:300] == before and after["drop"].null_count() == 301
    for at, (less, guarded, _) in enumerate(links, 300):
        assert after.row(at) == (at + 1, less, "leak", f"group of row {side[guarded] + 1}")
    assert after.row(303) == (304, "test", None, None)


def test_rows_that_share_any_key_stand_together_under_200_rows() -> None:
    rows = [talk(f"question {n}", customer=n // 2, ticket=(n + 1) // 2 % 25) for n in range(40)]
    rows += [talk(f"other {n}", customer=100 + n) for n in range(60)]
    for seed in range(5):
        found = decide(Split(validation=0.3, group=("customer", "ticket"), seed=seed, threshold="off"), whole(rows))
        assert len(set(found["split"].to_list()[:40])) == 1, "all are linked by way of others"
        assert found["drop"].null_count() == 100
        assert found["split"].to_list().count("validation") == 30


def test_the_same_value_of_two_keys_is_two_values() -> None:
    rows = [talk(f"question {n}", **{("customer", "ticket")[n % 2]: n // 2}) for n in range(600)]
    found = decide(Split(validation=0.3, group=("customer", "ticket"), threshold="off"), whole(rows))
    assert found["drop"].null_count() == 600
    assert 100 < sum(found["split"][at] != found["split"][at + 1] for at in range(0, 600, 2)) < 160


# --- labels -----------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from("aaaaaaabbbc"), min_size=1, max_size=400),
    st.sampled_from([(0.1, 0.0), (0.1, 0.1), (0.2, 0.05), (0.0, 0.3), (0.33, 0.33), (0.02, 0.45), (0.6, 0.3)]),
    st.integers(0, 2**32),
)
def test_labels_are_in_proportion_at_every_moment(labels: list[str], shares: tuple[float, float], seed: int) -> None:
    chance = random.Random(seed)
    whole_shares = (1 - sum(shares), *shares)
    tallies: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for label in labels:
        wish = chance.choices(range(3), whole_shares)[0]
        tallies[label][sides.balanced(tallies[label], wish, whole_shares)] += 1
        count = sum(tallies[label])
        for side, share in enumerate(whole_shares):
            assert abs(tallies[label][side] - share * count) <= 1 + 1e-6
            assert share or not tallies[label][side]


def test_rare_labels_stand_on_every_side_in_proportion() -> None:
    rows = [talk(f"question {n}", category="rare" if n % 50 == 7 else f"c{n % 3}") for n in range(2000)]
    for seed in range(5):
        found = decide(Split(validation=0.1, test=0.1, stratify="category", seed=seed, threshold="off"), whole(rows))
        for label in ("rare", "c0", "c1", "c2"):
            own = [at for at, row in enumerate(rows) if row.meta and row.meta["category"] == label]
            counts = Counter(found["split"][at] for at in own)
            for side, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
                assert abs(counts[side] - share * len(own)) <= 1
    plain = decide(Split(validation=0.1, test=0.1, threshold="off"), whole(rows))["split"].to_list()
    agree = sum(one == other for one, other in zip(plain, found["split"].to_list(), strict=True))
    assert agree > 1300, "the hash decides where the label lets it"


def test_labels_are_shared_out_exactly_under_200_rows() -> None:
    for count, share in ((100, 0.1), (150, 0.2), (37, 0.25)):
        rows = [talk(f"question {n}", category="abbccc"[n % 6]) for n in range(count)]
        found = decide(Split(validation=share, stratify="category", threshold="off"), whole(rows))
        validation = [at for at, side in enumerate(found["split"]) if side == "validation"]
        assert len(validation) == int(share * count + 0.5)
        for label in "abc":
            own = [at for at in range(count) if "abbccc"[at % 6] == label]
            assert abs(len(set(own) & set(validation)) - share * len(own)) <= 1


def test_groups_keep_their_side_whatever_their_labels() -> None:
    rows = [talk(f"question {n}", customer=n % 150, category="ab"[n % 4 == 0]) for n in range(900)]
    found = decide(Split(validation=0.2, stratify="category", group="customer", threshold="off"), whole(rows))
    assert all(len({found["split"][at] for at in range(who, 900, 150)}) == 1 for who in range(150))
    for label in (True, False):
        own = [at for at in range(900) if (at % 4 == 0) == label]
        assert abs(sum(found["split"][at] == "validation" for at in own) - 0.2 * len(own)) < 0.06 * len(own)


# --- time -------------------------------------------------------------------------------------------------------------


def dated(count: int, form: str = "2025-{month:02}-{day:02}") -> list[Conversation]:
    return [
        talk(f"question {n}", at=form.format(month=n % 12 + 1, day=n // 12 % 28 + 1), customer=n // 4)
        for n in range(count)
    ]


def test_the_newest_rows_are_the_evaluation() -> None:
    rows = dated(336)
    for fields in (
        {"validation": 0.25, "test": 0.25},
        {"validation_from": "2025-07-01", "test_from": "2025-10-01"},
    ):
        found = decide(Split(time="at", threshold="off", **fields), whole(rows))
        months = defaultdict(set)
        for row, side in zip(rows, found["split"], strict=True):
            months[int(str((row.meta or {})["at"])[5:7])].add(side)
        expected = {month: {"test" if month > 9 else "validation" if month > 6 else "train"} for month in range(1, 13)}
        assert months == expected
        assert Split(time="at").summary(found)["sizes"] == "by time"
    only = decide(Split(time="at", test_from="2025-10-01", threshold="off"), whole(rows))
    assert set(only["split"]) == {"train", "test"}, "a date alone splits one side off, whatever the shares"


def test_groups_that_straddle_a_cut_leak_from_the_older_side() -> None:
    rows = dated(336)
    made = Split(time="at", validation_from="2025-07-01", test_from="2025-10-01", group="customer", threshold="off")
    found = decide(made, whole(rows))
    for who in range(84):
        part = found.slice(who * 4, 4)
        newest = max(part["split"].to_list(), key=RANK.__getitem__)
        assert part["drop"].to_list() == [None if side == newest else "leak" for side in part["split"].to_list()]
    assert made.summary(found)["leaks by kind"] == {"group": 336 - found["drop"].null_count()}


def test_rows_without_a_time_are_train_and_flagged() -> None:
    rows = [
        *dated(240),
        talk("no time"),
        talk("none", at=""),
        talk("odd", at="tomorrow"),
        talk("seconds", at=1767225600),
    ]
    found = decide(Split(time="at", threshold="off"), whole(rows))
    assert found["flags"].to_list()[240:] == [["no-time"]] * 3 + [None]
    assert found["split"].to_list()[240:] == ["train"] * 3 + ["validation"]
    with pytest.raises(RunError, match=r"no value of the meta key 'at' \(time\) can be read as a time"):
        decide(Split(time="at"), whole([talk(f"q{n}", at="soon") for n in range(9)]))
    with pytest.raises(RunError, match=r"no row has the meta key 'att' \(time\); did you mean 'at'\? Keys seen: at"):
        decide(Split(time="att"), whole(rows))


def test_days_and_months_are_told_by_the_whole_column() -> None:
    for form, told in (("{day:02}/{month:02}/2025", None), ("{month:02}/{day:02}/2025", None)):
        found = decide(Split(time="at", validation_from="2025-07-01", threshold="off"), whole(dated(336, form)), size=7)
        plain = decide(Split(time="at", validation_from="2025-07-01", threshold="off"), whole(dated(336)))
        assert found["split"].to_list() == plain["split"].to_list(), told
    unclear = whole(dated(120, "{day:02}/{month:02}/2025"))
    with pytest.raises(RunError, match="can be read in two ways; say which: day_first = true"):
        decide(Split(time="at", validation_from="2025-07-01"), unclear)
    day = decide(Split(time="at", validation_from="2025-07-01", day_first=True, threshold="off"), unclear)
    assert day["split"].to_list() == plain["split"].to_list()[:120]
    month = decide(Split(time="at", validation_from="2025-07-01", day_first=False, threshold="off"), unclear)
    assert month["split"].to_list().count("validation") == 48


# --- what was split before --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [120, 900])
@pytest.mark.parametrize("fields", [{}, {"group": "customer"}, {"group": ("customer", "ticket")}, {"stratify": "kind"}])
def test_rows_of_an_earlier_run_keep_their_side(count: int, fields: dict[str, Any]) -> None:
    rows = [talk(f"question {n}", customer=n // 2, ticket=n // 3, kind="ab"[n % 2]) for n in range(count)]
    old = decide(Split(validation=0.2, test=0.1, threshold="off", **fields), whole(rows))
    live = old.filter(pl.col("drop").is_null())
    written = {
        f"{side}.jsonl": [talk(f"QUESTION  {row - 1}?") for row in live.filter(split=side)["row"]] for side in RANK
    }
    made = Split(validation=0.4, test=0.05, seed=9, threshold="off", earlier=("out",), **fields)
    new = decide(made, whole([*rows[::-1], *(talk(f"new {n}", customer=n) for n in range(40))]), written=written)
    sides_now = new["split"].to_list()[:count][::-1]
    for row, side in live.select("row", "split").rows():
        assert sides_now[row - 1] == side and new["drop"][count - row] is None
        assert new["note"][count - row] == "side of an earlier run"
    assert made.summary(new)["sides of an earlier run"] == live.height
    if "group" in fields:
        for n in range(40):
            assert new["split"][count + n] == max((old["split"][2 * n], old["split"][2 * n + 1]), key=RANK.__getitem__)


def test_an_earlier_row_on_two_sides_is_of_the_more_guarded_one() -> None:
    rows = many(300)
    found = decide(
        Split(earlier=("x",), threshold="off"),
        whole(rows),
        written={"a/validation.jsonl": rows[:9], "data/train-00000-of-00001.parquet": rows[5:20], "all.jsonl": rows},
    )
    assert found["split"].to_list()[:20] == ["validation"] * 9 + ["train"] * 11
    with pytest.raises(InputError, match=r"split: earlier: x: no file name tells a side"):
        decide(Split(earlier=("x",)), whole(rows), written={"all.jsonl": rows})


# --- the whole --------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_decisions_do_not_depend_on_batches_or_their_order(seed: int, chance: random.Random) -> None:
    made, rows = one_of(random.Random(seed), seed), corpus(random.Random(seed), 20)
    batch = whole(rows)
    order = list(range(batch.height))
    chance.shuffle(order)

    def tell(part: pl.DataFrame, size: int) -> list[Any] | str:
        try:
            return decide(made, part, size).rows()
        except RunError as error:
            return str(error)

    assert tell(batch[order], chance.choice((1, 3))) == tell(batch, 4096)


def test_a_run_tells_the_leaks_and_keeps_the_sides_of_the_run_before(tmp_path: Path) -> None:
    def line(number: int, tail: str = "") -> str:
        turns = [{"role": "user", "content": sentence(number) + tail}, {"role": "assistant", "content": "so"}]
        return json.dumps({"messages": turns}) + "\n"

    rows = [line(n) for n in range(120)] + [line(n, " please") for n in range(120)]
    (tmp_path / "in.jsonl").write_text("".join(rows))

    def run(out: str, **fields: Any) -> Any:
        tables = {
            "read": [{"use": "openai-chat", "path": "in.jsonl"}],
            "step": [{"use": "split", "validation": 0.2, "test": 0.2, **fields}],
            "write": [{"use": "openai-chat", "path": f"{out}/{{split}}.jsonl"}],
        }
        return flow.run(Recipe.parse(tables, tmp_path, out))

    one = run("one")
    [told] = [part.summary for part in one.stages if part.label == "split"]
    gone = one.dropped["split"]["leak"]
    assert 40 < gone < 90 and told["leaks"] == {"before": gone, "after": 0}
    assert told["leaks by kind"] == {"near-duplicate": gone}
    assert told["leak rate"] == f"{gone / 2.4:.2f} % before, 0 % after"
    held = {side: (tmp_path / f"one/{side}.jsonl").read_text().splitlines() for side in RANK}
    two = run("two", earlier=["one"], seed=5, validation=0.01, test=0.3)
    for side in ("test", "validation"):  # what was published stays, whatever is near it now
        assert set(held[side]) <= set((tmp_path / f"two/{side}.jsonl").read_text().splitlines())
    assert [part.use for part in two.inputs if part.lookup] == ["earlier"] * 3
