"""All layouts: real files, look-alikes, round trips through the writers, damage."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_case import NAMES, READERS, SHARED, assistant, batch_of, counted, one, read, said, user, written

from ftdata import files, sniff
from ftdata.batch import conversations
from ftdata.errors import InputError
from ftdata.readers.openai_chat import OpenAIChat
from ftdata.source import Source
from ftdata.writers.hf_dataset import HfDataset
from ftdata.writers.openai_chat import render

CALL = '{"name": "f", "arguments": {"n": 1}}'
PARTS = [{"text": "q"}]
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "alpaca": [{"instruction": "q", "input": "", "output": "a"}, {"instruction": "q", "input": "x", "output": "é\n"}],
    "anthropic-hh": [{"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"}],
    "bedrock": [
        {"system": "s", "messages": [user("q"), assistant("a")]},
        {
            "schemaVersion": "bedrock-conversation-2024",
            "messages": [{"role": "user", "content": PARTS}, assistant("a")],
        },
    ],
    "cohere": [{"messages": [{"role": "User", "content": "q"}, {"role": "Chatbot", "content": "a"}]}],
    "dolly": [{"instruction": "q", "context": "c", "response": "a", "category": "open_qa"}],
    "gemini": [{"contents": [{"role": "user", "parts": PARTS}, {"role": "model", "parts": [{"text": "a"}]}]}],
    "glaive": [{"system": "SYSTEM: s", "chat": "USER: q\n\n\nASSISTANT: a <|endoftext|>\n\n\n"}],
    "hermes": [
        {
            "conversations": [
                {"from": "human", "value": "q"},
                {"from": "gpt", "value": f"<tool_call>\n{CALL}\n</tool_call>"},
                {"from": "tool", "value": "<tool_response>\n1\n</tool_response>"},
                {"from": "gpt", "value": "a"},
            ]
        },
        {"messages": [user("q"), assistant(f"<tool_call>{CALL}</tool_call>")]},
    ],
    "kto": [
        {"prompt": "q", "completion": "a", "label": True},
        {"messages": [user("q"), assistant("a")], "label": True},
    ],
    "preference": [
        {"prompt": "q", "chosen": "a", "rejected": "b"},
        {"chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]},
    ],
    "question-answer": [{"question": "q", "answer": "a"}, {"question": "q", "answer": 7}],
    "rendered-text": [{"text": "### Human: q### Assistant: a"}],
    "sharegpt": [
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        {
            "conversations": [
                {"from": "human", "value": "q"},
                {"from": "function_call", "value": CALL},
                {"from": "observation", "value": "[1]"},
                {"from": "gpt", "value": "a", "weight": 0},
            ],
            "tools": '[{"name": "f", "parameters": {}}]',
            "system": "s",
        },
    ],
    "trl-completion": [{"prompt": [user("q"), assistant("z"), user("y")], "completion": [assistant("a")]}],
}


def test_every_layout_has_examples() -> None:
    assert set(EXAMPLES) == set(NAMES) and set(NAMES) <= set(READERS)
    assert all(READERS[name].ready for name in NAMES)


# --- real files -------------------------------------------------------------------------------------------------------

REAL: dict[str, tuple[str, dict[str, int]]] = {
    "gsm8k_test_first200.jsonl": ("question-answer", {"rows": 200, "user": 200, "assistant": 200}),
    "llamafactory_alpaca_en_demo.json": ("alpaca", {"rows": 200, "user": 200, "assistant": 200}),
    "llamafactory_identity.json": ("alpaca", {"rows": 91, "user": 91, "assistant": 91}),
    "llamafactory_glaive_toolcall_en_demo.json": (
        "sharegpt",
        {"rows": 100, "user": 272, "assistant": 345, "tool": 73, "tools": 59},
    ),
    "llamafactory_dpo_en_demo.json": (
        "preference",
        {"rows": 60, "user": 109, "assistant": 109, "system": 20, "pairs": 60},
    ),
    "llamafactory_v1_dpo_demo.jsonl": (
        "preference",
        {"rows": 10, "user": 10, "assistant": 10, "system": 10, "pairs": 10},
    ),
    "llamafactory_kto_en_demo.json": ("kto", {"rows": 54, "user": 87, "assistant": 87, "undesired-answer": 46}),
    "torchtune_chat_tiny.json": ("sharegpt", {"rows": 1, "user": 2, "assistant": 2, "system": 1}),
    "torchtune_hh_rlhf_tiny.json": ("preference", {"rows": 1, "user": 1, "assistant": 1, "pairs": 1}),
    "torchtune_instruct_tiny.json": ("question-answer", {"rows": 2, "user": 2, "assistant": 2}),
    "openai_toy_chat_fine_tuning.jsonl": ("openai-chat", {"rows": 5, "user": 7, "assistant": 8, "system": 4}),
}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
@pytest.mark.parametrize("file", REAL)
def test_real_files(file: str) -> None:
    name, counts = REAL[file]
    path = SHARED / "sft" / file
    guess = sniff.best(path)
    assert guess.reader.name == name
    assert counted(batch_of(name, path, **guess.sniff.fields)) == counts


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_real_files_that_are_not_of_these_layouts() -> None:
    with pytest.raises(InputError, match="list of data sets, and none itself; no file that it names is here"):
        sniff.best(SHARED / "sft" / "llamafactory_dataset_info.json")
    ours = {*NAMES, "llama-factory"}
    for path in [*(SHARED / "legacy").iterdir(), SHARED / "sft" / "SOURCES.md"]:
        assert not [guess for guess in sniff.sniff(path) if guess.reader.name in ours], path.name
    for path in (SHARED / "tickets").rglob("*.*"):
        found = [guess for guess in sniff.sniff(path) if guess.sure]
        assert not found or found[0].reader.name not in ours, path.name


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_the_same_texts_as_datasets(tmp_path: Path) -> None:
    """An outside reader: `datasets` on the same files, and LLaMA-Factory's rules in three lines."""
    from datasets import load_dataset

    def loaded(file: str) -> list[dict[str, Any]]:
        path = str(SHARED / "sft" / file)
        return list(load_dataset("json", data_files=path, split="train", cache_dir=str(tmp_path)))

    rows = loaded("llamafactory_alpaca_en_demo.json")
    found = conversations(batch_of("alpaca", SHARED / "sft" / "llamafactory_alpaca_en_demo.json", join="\n"))
    for row, ours in zip(rows, found, strict=True):
        asked = "\n".join(text for text in (row["instruction"], row["input"]) if text)
        assert said(ours) == [("user", asked), ("assistant", row["output"])]
    rows = loaded("llamafactory_dpo_en_demo.json")
    words = {"human": "user", "gpt": "assistant", "system": "system"}
    found = conversations(batch_of("preference", SHARED / "sft" / "llamafactory_dpo_en_demo.json"))
    for row, ours in zip(rows, found, strict=True):
        asked = [(words[m["from"]], m["value"]) for m in row["conversations"]]
        assert said(ours) == [*asked, ("assistant", row["chosen"]["value"])]
        assert [m.content for m in ours.rejected or ()] == [row["rejected"]["value"]]
        assert ours.answer_at == len(asked)


# --- sniffing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.covers(name, "sniffed")) for name in NAMES])
@pytest.mark.parametrize("array", [False, True], ids=["lines", "array"])
def test_each_layout_is_known(tmp_path: Path, name: str, array: bool) -> None:
    path = written(tmp_path, EXAMPLES[name])
    if array:
        path = tmp_path / "rows.json"
        path.write_text(json.dumps(EXAMPLES[name], indent=1))
    guess = sniff.best(path)
    assert guess.reader.name == name
    assert any(f"{len(EXAMPLES[name])} of {len(EXAMPLES[name])} rows have" in phrase for phrase in guess.sniff.evidence)
    assert guess.sniff.counts["assistant"] >= len(EXAMPLES[name])


LOOK_ALIKES: list[tuple[str, dict[str, Any]]] = [
    ("alpaca", {"instruction": "q", "input": "", "output": "a", "text": "### Instruction:\nq\n\n### Response:\na"}),
    ("question-answer", {"instruction": "q", "response": "a"}),
    ("question-answer", {"prompt": "q", "response": "a"}),
    ("question-answer", {"input_text": "q", "output_text": "a"}),
    ("question-answer", {"id": "1", "question": "q", "context": "c", "answers": {"text": ["a"], "answer_start": [0]}}),
    ("prompt-completion", {"prompt": "q", "completion": "a"}),
    ("openai-chat", {"messages": [user("q"), assistant("a")]}),
    ("openai-chat", {"messages": [user("q")], "reference_label": "billing"}),
    ("openai-chat", {"messages": [user("q"), assistant("a")], "label": "billing"}),
    ("openai-chat", {"messages": [{"role": "system", "content": "s"}, user("q"), assistant("a")], "tools": []}),
    ("openai-chat", {"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, assistant("a")]}),
    ("openai-chat", {"input": {"messages": [user("q")]}, "preferred_output": [], "non_preferred_output": []}),
    ("bedrock", {"system": "s", "messages": [user("q"), assistant("a")]}),
    ("kto", {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "kto_tag": False}),
    ("preference", {"system": "s", "question": "q", "chosen": "a", "rejected": "b"}),
    ("preference", {"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": " a", "rejected": " b"}),
    ("sharegpt", {"conversations": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}),
    ("sharegpt", {"id": "x", "items": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}),
    ("sharegpt", {"conversation": [{"system": "s", "input": "q", "output": "a"}, {"input": "q", "output": "a"}]}),
    ("question-answer", {"Question": "q", "Answer": "a", "qtype": "x"}),
    ("question-answer", {"Context": "q", "Response": "a"}),
    ("question-answer", {"problem": "q", "solution": "a", "answer": "4"}),
    ("question-answer", {"id": 0, "query": "q", "answers": f"[{CALL}]", "tools": '[{"name": "f", "parameters": {}}]'}),
    ("kto", {"prompt": "q", "completion": "a", "label": 0}),
    (
        "preference",
        {
            "prompt": "q",
            "messages": [user("q"), assistant("a")],
            "chosen": [user("q"), assistant("a")],
            "rejected": [user("q"), assistant("b")],
        },
    ),
    ("preference", {"instruction": "q", "chosen_response": "a", "rejected_response": "b"}),
    ("sharegpt", {"conversations": ["q", "a"], "source": "lima"}),
    ("sharegpt", {"id": "0", "data": ["q", "a", "q", "a"]}),
    ("sharegpt", {"messages": '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]'}),
    ("rendered-text", {"text": "<human>: q\n<bot>: a\n", "metadata": {"source": "x"}}),
    ("glaive", {"sample": "SYSTEM: s\nUSER: q\nASSISTANT: a <|endoftext|>"}),
]


@pytest.mark.parametrize(("name", "row"), LOOK_ALIKES)
def test_look_alikes(tmp_path: Path, name: str, row: dict[str, Any]) -> None:
    assert sniff.best(written(tmp_path, [row] * 3)).reader.name == name


def test_tables(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        "flags,instruction,category,intent,response\nB,where is {{Order Number}}?,ORDER,track_order,Here.\n" * 1
    )
    guess = sniff.best(table)
    assert guess.reader.name == "question-answer" and "Bitext's columns" in guess.sniff.evidence[0]
    (row,) = conversations(batch_of("question-answer", table))
    assert row.meta == {"flags": "B", "category": "ORDER", "intent": "track_order"}
    table.write_text("Instruction;Input;Output\ndo it;;done now\n")
    assert sniff.best(table).reader.name == "alpaca"
    (row,) = conversations(batch_of("alpaca", table))
    assert said(row) == [("user", "do it"), ("assistant", "done now")]
    # A help desk's table has the same columns, and its reader has private data scrubbed: that one goes first.
    table.write_text(
        "question,answer\nWhere is it now?,It is on its way to you.\nAnd who are you?,I am Ana from here.\n"
    )
    assert [guess.reader.name for guess in sniff.sniff(table)][:2] == ["tickets", "question-answer"]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("sharegpt", {"conversations": '[{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]'}),
        ("sharegpt", {"messages": json.dumps([user("q"), assistant("a")])}),
        ("hermes", {"messages": json.dumps([user("q"), assistant(f"<tool_call>{CALL}</tool_call>")])}),
        ("rendered-text", {"text": "### Human: q### Assistant: a"}),
        (
            None,
            {"contents": '[{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}]'},
        ),
        (None, {"chat": "USER: q\n\n\nASSISTANT: a", "system": "s"}),
        (None, {"prompt": json.dumps([user("q")]), "completion": json.dumps([assistant("a")])}),
    ],
)
def test_what_is_known_in_a_table_is_read_from_it(tmp_path: Path, name: str | None, cell: dict[str, str]) -> None:
    table = tmp_path / "t.csv"
    pl.DataFrame([cell] * 2).write_csv(table)
    found = [guess.reader.name for guess in sniff.sniff(table) if guess.reader.name in NAMES]
    if name is None:
        assert not {"gemini", "glaive", "trl-completion"} & set(found)
    else:
        assert found[0] == name
        rows = list(conversations(batch_of(name, table)))
        assert [row.drop for row in rows] == [None, None]
        assert (rows[0].messages or ())[0].content == "q"
        assert name != "hermes" or (rows[0].messages or ())[1].tool_calls


def test_nothing_is_known_in_other_things(tmp_path: Path) -> None:
    for number, text in enumerate(
        [
            *("", "[]", "{}", '{"a": 1}\n' * 3, "hello\nworld", '{"text": "plain words"}\n' * 9, "[[1]]"),
            '{"question": "q", "choices": ["a", "b"], "answer": 1}\n' * 3,
            '{"question": "q", "answers": [{"text": "worse", "score": 0}, {"text": "best", "score": 5}]}\n' * 3,
            '{"definition": "d", "inputs": "q", "targets": "a"}\n' * 3,
            '{"dialog": ["hello", "hello to you"]}\n' * 3,
            '{"data": ["x", 1]}\n' * 3,
        ]
    ):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        assert not [guess for guess in sniff.sniff(path) if guess.reader.name in {*NAMES, "llama-factory"}], text


# --- round trips ------------------------------------------------------------------------------------------------------

COLUMNS = ("messages", "rejected", "answer_at", "tools", "extra")


def compact(batch: pl.DataFrame) -> list[Any]:
    return [[getattr(row, column) for column in COLUMNS] for row in conversations(batch)]


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_through_openai_chat(tmp_path: Path, name: str) -> None:
    batch = batch_of(name, written(tmp_path, EXAMPLES[name]))
    assert batch["drop"].null_count() == batch.height
    again = tmp_path / "again.jsonl"
    again.write_text("".join(line + "\n" for line in render(batch)))
    with Source(again) as source:
        back = pl.concat(OpenAIChat(path=again).read(source))
    assert compact(back) == compact(batch)


@pytest.mark.parametrize("name", ["alpaca", "hermes", "preference", "sharegpt", "trl-completion"])
def test_round_trip_through_a_dataset(tmp_path: Path, name: str) -> None:
    """What is written for `datasets` is a layout of its own: TRL's, which these readers take."""
    batch = batch_of(name, written(tmp_path, EXAMPLES[name]))
    into = files.private_folder(tmp_path / "into")
    HfDataset(path=tmp_path / "hf", nested="text").write(iter([batch]), into)
    (parquet,) = (into / "data").iterdir()
    rows = [
        {key: value for key, value in row.items() if value is not None and key != "extra"}
        for row in pl.read_parquet(parquet).iter_rows(named=True)
    ]
    for row in rows:
        for key in ("messages", "prompt", "chosen", "rejected"):
            for message in row.get(key, ()):
                for inner in ("tool_calls", "parts"):
                    if message.get(inner):
                        message[inner] = json.loads(message[inner])
    if name != "preference":
        rows = [{"conversations": row.pop("messages"), **row} for row in rows]
    back = batch_of("preference" if name == "preference" else "sharegpt", written(tmp_path, rows, "back.jsonl"))
    assert compact(back) == compact(batch)


# --- damage -----------------------------------------------------------------------------------------------------------

DAMAGE: list[Any] = [
    None,
    7,
    1.5,
    True,
    "",
    "x",
    [],
    {},
    [None],
    [7],
    ["x"],
    [{}],
    {"a": None},
    "[",
    '[{"name": 1}]',
    10**40,
]


def mutated(rng: random.Random, value: Any, depth: int = 0) -> Any:
    """One part of a value replaced, taken away or doubled."""
    if rng.random() < 0.25 or not isinstance(value, dict | list) or not value:
        return rng.choice(DAMAGE)
    if isinstance(value, dict):
        key = rng.choice(sorted(value))
        made = dict(value)
        if rng.random() < 0.2:
            del made[key]
        else:
            made[key] = mutated(rng, value[key], depth + 1)
        if rng.random() < 0.1:
            made[rng.choice(["system", "tools", "label", "images", "history", "weight", "prompt", "rejected"])] = (
                rng.choice(DAMAGE)
            )
        return made
    at = rng.randrange(len(value))
    if rng.random() < 0.2:
        return value[:at] + value[at:] * 2
    return [*value[:at], mutated(rng, value[at], depth + 1), *value[at + 1 :]]


@pytest.mark.parametrize("name", NAMES)
def test_damaged_rows(tmp_path: Path, name: str) -> None:
    rng = random.Random(name)
    rows = [mutated(rng, rng.choice(EXAMPLES[name])) for _ in range(150)]
    for row in list(rows):
        rows.append(mutated(rng, row))
    lines = [json.dumps(row) for row in rows]
    lines += [line[: rng.randrange(len(line))] + rng.choice(["", "\\", '"', "\x00"]) for line in lines[:60]]
    good = json.dumps(EXAMPLES[name][0])
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([good, *lines]) + "\n")
    batch = batch_of(name, path, first=100)
    assert batch["drop"][0] is None
    dropped = batch.filter(pl.col("drop").is_not_null())
    assert dropped["messages"].list.len().sum() == 0
    assert dropped["drop"].n_unique() < 40
    list(render(batch.filter(pl.col("drop").is_null())))
    list(conversations(batch))
    path.write_text("[" + ",".join([good, *(line for line in lines if _is_json(line))]) + "]")
    sniff.sniff(path)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_damaged_rows_long(tmp_path: Path, name: str) -> None:
    rng = random.Random(f"long {name}")
    path = written(tmp_path, [mutated(rng, mutated(rng, rng.choice(EXAMPLES[name]))) for _ in range(50_000)])
    batch_of(name, path)


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = '{"instruction": "q", "output": "a"}'
    lines = [good, "", "7", '{"instruction": "q"', '{"instruction": "q", "output": "b", "output": "a"}']
    lines += ['{"instruction": "\\ud800", "output": "a"}', '{"instruction": "q", "output": 1e999}', "[" * 99 + "]" * 99]
    lines += [
        '{"instruction": "q", "output": "a", "n": 123456789012345678901234}',
        '{"instruction": "q", "output": NaN}',
    ]
    path.write_text("\n".join(lines) + "\n")
    found = list(conversations(batch_of("alpaca", path)))
    reasons = [None, "blank-line", "not-an-object", "bad-json", None, "lone-surrogate", "huge-number", "too-deep", None]
    assert [row.drop for row in found] == [*reasons, "bad-json"]
    assert found[3].note == "column 20"
    assert found[4].flags == ("duplicate-key",) and said(found[4])[1] == ("assistant", "a")
    assert found[8].meta == {"n": 123456789012345678901234}


TEXTS = st.text(alphabet=st.characters(codec="utf-8"), min_size=1).filter(lambda text: bool(text.strip()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), st.booleans())
def test_texts_are_not_changed(
    tmp_path_factory: pytest.TempPathFactory, talk: list[tuple[str, str]], array: bool
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    words = [word for asked, answer in talk for word in (("human", asked), ("gpt", answer))]
    rows = {
        "sharegpt": {"conversations": [{"from": who, "value": text} for who, text in words], "id": "“7”"},
        "alpaca": {"instruction": talk[-1][0], "output": talk[-1][1], "history": [list(pair) for pair in talk[:-1]]},
        "gemini": {
            "contents": [{"role": {"gpt": "model"}.get(who, "user"), "parts": [{"text": text}]} for who, text in words]
        },
    }
    want = [(role, text) for asked, answer in talk for role, text in (("user", asked), ("assistant", answer))]
    for name, row in rows.items():
        path = folder / "rows.json"
        path.write_text(json.dumps([row] if array else row))
        (found,) = conversations(batch_of(name, path))
        assert said(found) == want
        if name == "sharegpt":
            assert found.meta == {"id": "“7”"}


def test_large_files_come_in_batches(tmp_path: Path) -> None:
    path = written(tmp_path, ({"question": f"q{n}", "answer": "a" * (n % 7 * 900 + 1), "n": n} for n in range(9000)))
    with Source(path) as source:
        batches = list(READERS["question-answer"](path=path).read(source))
    assert len(batches) > 2
    rows = [row for batch in batches for row in conversations(batch)]
    assert [row.meta for row in rows] == [{"n": n} for n in range(9000)]
    assert one("question-answer", tmp_path, {"question": "q", "answer": "a"}).meta is None
    assert read("question-answer", tmp_path) == []
