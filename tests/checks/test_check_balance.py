"""The balance check measures how evenly rows are spread over classes."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata.batch import Batch, make_batch, to_batches
from ftdata.checks.balance import Balance
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.errors import RunError
from ftdata.stages import Finding


def by_meta(*values: Any, key: str = "category") -> Batch:
    meta = [None if value is ... else json.dumps({key: value, "other": 1}) for value in values]
    return make_batch(len(values), {"row": list(range(len(values))), "meta": meta})


def by_answers(*texts: str | None) -> Batch:
    talks = [
        Conversation(row=i, messages=(user("q"), assistant("x"), user("q"), Message(role="assistant", content=text)))
        for i, text in enumerate(texts)
    ]
    return next(to_batches(talks))


def judged(check: Balance, batch: Batch) -> dict[str, Finding]:
    return {finding.code: finding for finding in check.judge(check.sketch(batch).lazy())}


def test_spread_by_a_meta_field():
    found = judged(
        Balance(by="category", max_share=0.6), by_meta(*["billing"] * 70, *["shipping"] * 25, *["other"] * 5)
    )
    spread = found["balance-spread"].numbers
    assert spread["shares"] == {"billing": 0.7, "shipping": 0.25, "other": 0.05}
    entropy = -sum(p * math.log(p) for p in (0.7, 0.25, 0.05))
    assert spread["effective"] == round(math.exp(entropy), 2)
    assert (spread["classes"], spread["smallest"], spread["largest_share"]) == (3, 5, 0.7)
    assert found["balance-max-share"].level == "warn" and found["balance-max-share"].where == tuple(range(20))
    assert found["balance-min-count"].numbers["classes"] == 1
    assert found["balance-min-count"].where == tuple(range(95, 100))


def test_even_classes_have_one_finding():
    assert list(judged(Balance(by="category"), by_meta(*["a", "b"] * 20))) == ["balance-spread"]


def test_level():
    found = judged(Balance(by="category", level="error"), by_meta(*["a"] * 40))
    assert found["balance-max-share"].level == "error" and found["balance-spread"].level == "info"


def test_rows_without_the_field_are_counted():
    found = judged(Balance(by="category"), by_meta(*["a", "b"] * 10, None, "", ...))
    assert found["balance-spread"].numbers["without"] == 3
    assert found["balance-no-class"].numbers == {"rows": 3}


def test_values_that_are_no_text_are_classes_too():
    found = judged(Balance(by="category", min_count=1), by_meta(*[1, 2, True, ["x"]] * 5))
    assert found["balance-spread"].numbers["shares"] == {"1": 0.25, "2": 0.25, "true": 0.25, '["x"]': 0.25}


def test_a_field_that_no_row_has_is_an_error():
    with pytest.raises(RunError, match="no row has the meta key 'categoria'; keys seen: category, other"):
        judged(Balance(by="categoria"), by_meta("a", "b"))
    with pytest.raises(RunError, match="keys seen: none"):
        judged(Balance(by="categoria"), by_meta(..., ...))


@pytest.mark.parametrize("by", [None, "label"])
def test_spread_by_the_labels_of_the_assistant(by: str | None):
    found = judged(Balance(by=by), by_answers(*["billing", " billing "] * 15, *["shipping"] * 30))
    spread = found["balance-spread"].numbers
    assert (spread["classes"], spread["effective"], spread["smallest"]) == (2, 2.0, 30)
    assert "billing" not in json.dumps([[f.message, dict(f.numbers)] for f in found.values()])


@pytest.mark.parametrize("text", ["x" * 65, "two\nlines", None, " "])
def test_long_answers_are_no_labels(text: str | None):
    assert judged(Balance(), by_answers(*[text] * 30))["balance-no-labels"].level == "info"
    assert judged(Balance(by="label"), by_answers(*[text] * 30))["balance-no-labels"].level == "warn"


def test_different_answers_are_no_labels():
    answers = ["".join("abcdefghij"[int(digit)] for digit in str(i)) for i in range(50)]
    assert list(judged(Balance(), by_answers(*answers))) == ["balance-no-labels", "balance-answers"]


def test_personal_data_is_not_shown_as_a_label():
    values = ["ann@example.com"] * 20 + ["+351 912345678"] * 20 + ["x" * 50] * 20
    shares = judged(Balance(by="category"), by_meta(*values))["balance-spread"].numbers["shares"]
    assert sorted(shares) == sorted(["(class 2)", "(class 1)", "x" * 39 + "…"])


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        *((key, False) for key in ("customer", "Nome do cliente", "agentName", "author.full_name", "requester_id")),
        *((key, True) for key in ("category", "customer segment", "product_name", "user.plan", "team")),
    ],
)
def test_people_are_not_named(key: str, shown: bool):
    values = ["Ana Lima"] * 20 + ["Rui Costa"] * 10
    rows = [Conversation(messages=(user("q"), assistant("a")), meta=_under(key, value)) for value in values]
    found = judged(Balance(by=key), pl.concat(to_batches(rows)))
    assert ("Ana Lima" in str(found)) is shown
    assert list(found["balance-spread"].numbers["shares"].values()) == [0.6667, 0.3333]


def _under(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def test_many_classes_are_not_listed():
    found = judged(Balance(by="category"), by_meta(*[f"customer {i}" for i in range(100)]))
    assert "shares" not in found["balance-spread"].numbers
    assert found["balance-spread"].numbers["effective"] == 100


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=80))
def test_effective_classes_lie_between_one_and_the_number_of_classes(values: list[str]):
    spread = judged(Balance(by="category"), by_meta(*values))["balance-spread"].numbers
    counts = Counter(values)
    assert 1 <= spread["effective"] <= len(counts) + 0.01
    assert (spread["classes"], spread["smallest"]) == (len(counts), min(counts.values()))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["a", "b", None, ...]), min_size=1, max_size=40), st.integers(1, 9))
def test_batches_of_any_size_give_the_same(values: list[Any], size: int):
    check, batch = Balance(by="category"), by_meta("a", *values)
    parts = pl.concat([check.sketch(batch.slice(i, size)) for i in range(0, batch.height, size)])
    assert check.judge(parts.lazy()) == check.judge(check.sketch(batch).lazy())


def test_settings():
    with pytest.raises(ValidationError):
        Balance(max_share=0)
    assert Balance(by="category").reads_meta() == frozenset({"category"})
    assert Balance(by="label").reads_meta() == Balance().reads_meta() == frozenset()
    assert Balance(by=("a.b", "label", "c")).reads_meta() == {"a", "a.b", "c"}
    for by in ("", (), ("a", ""), ("a", "a")):
        with pytest.raises(ValidationError, match=r"names (no field|a field twice)"):
            Balance(by=by)


# --- inner keys, several fields ---------------------------------------------------------------------------------------


def talks(*rows: tuple[dict[str, Any] | None, str, str]) -> Batch:
    made = [Conversation(row=i, messages=(user(q), assistant(a)), meta=meta) for i, (meta, q, a) in enumerate(rows)]
    return pl.concat(to_batches(made))


def test_inner_keys_and_spaces():
    batch = talks(*[({"a": {"b": kind}}, "q", "r") for kind in ["x", " x", 7, "7"]])
    spread = judged(Balance(by="a.b"), batch)["balance-spread"].numbers
    assert spread["shares"] == {"x": 0.5, "7": 0.5} and spread["by"] == "a.b"


def test_the_remedy_is_a_step_that_can_be_copied():
    said = judged(Balance(by="category", max_share=0.6), by_meta(*["a"] * 30, *["b"] * 10))["balance-max-share"].message
    assert 'cap it with downsample: by = "category", most_share = 0.6' in said


@pytest.mark.parametrize(("sizes", "share"), [([30], 0.8), ([30, 10], 0.4), ([30, 29, 28], 0.3)])
def test_no_remedy_is_told_that_cannot_help(sizes: list[int], share: float):
    values = [name for name, size in zip("abc", sizes, strict=False) for _ in range(size)]
    said = judged(Balance(by="category", max_share=share), by_meta(*values))["balance-max-share"].message
    assert "downsample" not in said and "cannot have less: add rows of others, or raise max_share" in said


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=2, max_size=60))
def test_two_fields_go_together_as_scipy_says(pairs: list[tuple[str, str]]):
    chi2 = pytest.importorskip("scipy.stats").chi2_contingency
    batch = talks(*[({"one": a, "two": b}, "q", "r") for a, b in pairs], ({"one": "a"}, "q", "r"))
    check = Balance(by=("one", "two"))
    (cross,) = [f for f in check.judge(check.sketch(batch).lazy()) if f.code == "balance-cross"]
    counts = Counter(pairs)
    table = [[counts[a, b] for b in sorted({b for _, b in pairs})] for a in sorted({a for a, _ in pairs})]
    count, (r, c), expected = len(pairs), (len(table), len(table[0])), 0.0
    if min(r, c) > 1 and count > 2:
        left = max(0, chi2(table, correction=False).statistic / count - (r - 1) * (c - 1) / (count - 1))
        least = min(k - 1 - (k - 1) ** 2 / (count - 1) for k in (r, c))
        expected = min(1.0, math.sqrt(left / least)) if least > 0 else 0.0
    assert cross.numbers["cramers_v"] == pytest.approx(expected, abs=1e-4)
    assert (cross.numbers["rows"], cross.numbers["combinations"]) == (len(pairs), len(counts))
    assert cross.numbers["by"] == ["one", "two"]


def test_several_fields_are_judged_each():
    batch = talks(*[({"one": "a", "two": str(i % 2)}, f"q {i}", "r") for i in range(40)])
    found = Balance(by=("one", "two")).judge(Balance(by=("one", "two")).sketch(batch).lazy())
    assert [f.numbers["by"] for f in found if f.code == "balance-spread"] == ["one", "two"]
    assert [f.message.count("'one'") for f in found if f.code == "balance-max-share"] == [1]


# --- what each class holds --------------------------------------------------------------------------------------------


def test_lengths_by_class():
    rows = [({"k": "a"}, "x" * n, "y" * 10) for n in range(10, 20)] + [({"k": "b"}, "x" * 400, "y" * 100)] * 2
    numbers = judged(Balance(by="k"), talks(*rows))["balance-lengths"].numbers
    # Of 20 … 29 characters the least that half of the rows, and nine tenths, do not exceed.
    assert numbers["a"] == {
        "share_of_characters": round(245 / 1245, 4),
        "median": 24,
        "p90": 28,
        "median_tokens": 6,
        "p90_tokens": 7,
    }
    assert numbers["b"]["median"] == 500 and numbers["b"]["share_of_characters"] == round(1000 / 1245, 4)


def test_repeats_by_class():
    rows = [({"k": "a"}, "Where is it", f"answer {n}") for n in range(28)] + [
        ({"k": "a"}, f"q {n}", "ok") for n in range(4)
    ]
    rows += [({"k": "b"}, "Where is it", "answer 1"), ({"k": "b"}, "q 1", "ok")]
    found = judged(Balance(by="k"), talks(*rows))
    assert found["balance-repeats"].numbers["a"] == {"rows": 32, "same_question": 27, "same_answer": 3}
    assert found["balance-repeats"].numbers["b"] == {"rows": 2, "same_question": 0, "same_answer": 0}
    assert found["balance-repeated"].numbers == {"classes": 1, "share": 0.8438, "max_repeats": 0.5}
    assert found["balance-repeated"].where == tuple(range(20))
    assert "balance-repeated" not in judged(Balance(by="k", max_repeats=0.9), talks(*rows))


# --- answers ----------------------------------------------------------------------------------------------------------


def test_canned_replies():
    macro = "Hello {},\n\nyour order {} left our warehouse today and should be with you on {}.\n\nKind regards,\n{}"
    fill = [("Ann", 5521, "Monday", "Nadia"), ("Mr Brown", "LM-7", "Friday", "Tom Whitlock\nSupport")] * 20
    rows = [(None, f"q {i}", macro.format(*values)) for i, values in enumerate(fill)]
    rows += [(None, "q", "Another answer, about " + "abcdefghij"[i]) for i in range(10)]
    found = judged(Balance(), talks(*rows))
    numbers = found["balance-answers"].numbers
    assert (numbers["answers"], numbers["different"], numbers["canned"], numbers["largest"]) == (50, 11, 0.8, 0.8)
    assert found["balance-canned"].level == "warn" and found["balance-canned"].where == tuple(range(20))
    assert 'near-dedup: on = "answer"' in found["balance-canned"].message
    assert "balance-canned" not in judged(Balance(max_canned=0.8), talks(*rows))
    assert judged(Balance(times=40), talks(*rows))["balance-answers"].numbers["canned"] == 0.8
    assert judged(Balance(times=41), talks(*rows))["balance-answers"].numbers["canned"] == 0


def test_refusals():
    refusing = [
        "I'm sorry, but I can\u2019t help with that.",
        "Não podemos ajudar com isso.",
        "No puedo ayudar con eso.",
    ]
    kind = [f"It is number {'abcdefghij'[i]} on the list, and I cannot find any other." for i in range(10)] * 4
    found = judged(Balance(), talks(*[(None, "q", text) for text in [*refusing * 2, *kind]]))
    assert found["balance-refusals"].numbers["share"] == round(6 / 46, 4)
    assert found["balance-refusals"].where == tuple(range(6))
    assert "balance-refusals" not in judged(
        Balance(max_refusals=0.2), talks(*[(None, "q", t) for t in [*refusing, *kind]])
    )


def test_few_answers_are_measured_and_not_judged():
    refusal = "I cannot help with that, and there is nobody else here who would be able to do it."
    found = judged(Balance(), talks(*[(None, "q", refusal)] * 29))
    assert found["balance-answers"].numbers["refusals"] == 1.0 and "balance-refusals" not in found
    assert "balance-refusals" in judged(Balance(), talks(*[(None, "q", refusal)] * 30))


def test_labels_are_not_canned_but_may_refuse():
    refusing = by_answers(*["billing"] * 40, *["I cannot help with that"] * 10)
    assert judged(Balance(by="label"), refusing).keys() == {
        "balance-spread",
        "balance-lengths",
        "balance-refusals",
        "balance-repeats",
        "balance-repeated",
    }


def test_the_longest_text_is_the_answer():
    last = Conversation(messages=(user("q"), assistant("Please restart it."), user("ok"), assistant("Bye!")))
    other = Conversation(messages=(user("q"), assistant("Hello!"), user("ok"), assistant("Please restart it.")))
    batch = pl.concat(to_batches(row.model_copy(update={"row": at}) for at, row in enumerate((last, other))))
    assert judged(Balance(), batch)["balance-answers"].numbers["different"] == 1


def test_sketches_are_small():
    batch = talks(*[({"k": f"class {n % 9}"}, f"question {n}", f"answer {n} is long") for n in range(4096)])
    sketch = Balance(by="k").sketch(batch)
    assert sketch.drop("told").estimated_size() / sketch.height <= 46
    assert sketch.estimated_size() / sketch.height <= 63  # of which 16 for `told` in memory, 8 on disk
