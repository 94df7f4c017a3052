"""The base of readers of messages: who is the assistant, where conversations end, every record in a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ftdata.batch import conversations
from ftdata.errors import InputError
from ftdata.readers.messages import Messages, Turn
from ftdata.readers.times import instant
from ftdata.source import Source
from ftdata.stages import Sniff


class Lines(Messages):
    """Read `[minute, author, text]` lines, for these tests."""

    name: ClassVar[str] = "lines"
    told: ClassVar[dict[str, str]] = {}

    def turns(self, source: Source) -> Iterator[Turn]:
        for record in source.json_items():
            if record.problem is not None:
                yield Turn(record.number, drop=record.problem)
                continue
            minute, author, text, *more = record.value
            given = more[0] if more else {}
            yield Turn(
                record.number,
                given.pop("chat", ""),
                author,
                text,
                at=None if minute is None else instant(f"2025-01-01T{minute // 60:02}:{minute % 60:02}:00"),
                meta={"author": author},
                **given,
            )

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        return cls.known(source, "lines of arrays")


def run(folder: Path, items: list[Any], sampled: int | None = None, **fields: Any) -> list[Any]:
    path = folder / "log.json"
    path.write_text(json.dumps(items))
    reader = Lines.model_validate({"path": path, **fields})
    with Source(path, records=sampled) as source:
        rows = [row for batch in reader.read(source) for row in conversations(batch)]
        handed = source.handed
    owned = sorted(number for row in rows for number in row.origin)
    assert owned == list(range(1, handed + 1))
    return [
        row.drop or [(m.role, m.content) for m in row.messages or ()] for row in sorted(rows, key=lambda r: r.origin[0])
    ]


TALK: list[Any] = [[0, "U1", "oi"], [1, "U2", "olá"], [2, "U1", "tudo?"], [3, "U2", "tudo"]]
SAID = [("user", "oi"), ("assistant", "olá"), ("user", "tudo?"), ("assistant", "tudo")]


@pytest.mark.parametrize("fields", [{"assistants": ["U2"]}, {"me": "u2"}, {"assistants": "U2", "users": ["U1"]}])
def test_the_assistant_is_named_by_id(tmp_path: Path, fields: dict[str, Any]) -> None:
    assert run(tmp_path, TALK, **fields) == [SAID]


def test_the_assistant_is_never_guessed_and_the_authors_are_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing in this format tells who is the assistant") as caught:
        run(tmp_path, [[0, "U1", "oi", {"names": ["Ana"]}], [1, "U2", "olá"]])
    assert "Ana" in str(caught.value) and "Ana" not in caught.value.recorded


def test_another_name_of_an_author_counts_if_nobody_else_has_it(tmp_path: Path) -> None:
    items = [[0, "U1", "oi", {"names": ["Ana", "@x.example"]}], [1, "U2", "olá", {"names": ["Bia", "@y.example"]}]]
    whole = [[("user", "oi"), ("assistant", "olá")]]
    assert run(tmp_path, items, assistants=["bia"]) == whole
    assert run(tmp_path, items, assistants=["@y.example"]) == whole
    items.append([2, "U3", "eu também", {"names": ["Bia", "@y.example"]}])
    with pytest.raises(InputError, match="2 authors have a name that was stated"):
        run(tmp_path, items, assistants=["Bia"])
    assert run(tmp_path, items, assistants=["@y.example"]) == [[("user", "oi"), ("assistant", "olá\n\neu também")]]


def test_a_name_that_nobody_has_is_refused_but_not_in_a_sample(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no message is by"):
        run(tmp_path, TALK, assistants=["U2", "U9"])
    assert run(tmp_path, TALK, sampled=2, assistants=["U2", "U9"]) == [SAID[:2]]


def test_bots_are_left_out_unless_wanted(tmp_path: Path) -> None:
    items = [[0, "U1", "oi"], [1, "B", "sou um robô", {"role": "bot"}], [2, "U2", "olá"]]
    assert run(tmp_path, items, assistants=["U2"]) == [[("user", "oi"), ("assistant", "olá")], "bot"]
    assert run(tmp_path, items, assistants=["U2"], with_bots=True) == [
        [("user", "oi"), ("assistant", "sou um robô\n\nolá")]
    ]
    named = [[0, "U1", "oi"], [1, "B", "robô"], [2, "U2", "olá"]]
    assert run(tmp_path, named, assistants=["U2"], bots=["B"]) == [[("user", "oi"), ("assistant", "olá")], "bot"]


def test_a_greeting_is_kept_by_option(tmp_path: Path) -> None:
    items = [[0, "U2", "bom dia"], *TALK[:2]]
    assert run(tmp_path, items, assistants=["U2"]) == ["leading-agent", SAID[:2]]
    assert run(tmp_path, items, assistants=["U2"], greeting=True) == [[("assistant", "bom dia"), *SAID[:2]]]


def test_a_pause_divides_but_not_a_thread(tmp_path: Path) -> None:
    items = [*TALK[:2], [100, "U1", "outra"], [101, "U2", "sim"]]
    second = [("user", "outra"), ("assistant", "sim")]
    assert run(tmp_path, items, assistants=["U2"]) == [SAID[:2], second]
    assert run(tmp_path, items, assistants=["U2"], gap="2h") == [SAID[:2] + second]
    assert run(tmp_path, items, assistants=["U2"], gap=False) == [SAID[:2] + second]
    thread = [[*item, {"uncut": True, "chat": "t"}] for item in items]
    assert run(tmp_path, thread, assistants=["U2"]) == [SAID[:2] + second]


def test_what_is_dropped_is_never_looked_at(tmp_path: Path) -> None:
    items = [[0, "U1", "oi"], [1, "U1", "segredo", {"drop": "private-note"}], [2, "U2", "olá"], [3, "U2", "  "]]
    assert run(tmp_path, items, assistants=["U2"]) == [SAID[:2], "private-note", "empty-text"]


def test_a_sniff_counts_the_first_records(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps([*TALK, [4, "B", "x", {"role": "bot"}], [5, "U1", "y", {"drop": "private-note"}]]))
    with Source(path) as source:
        found = Lines.sniff(source)
        assert found is not None and source.handed == 0
    assert found.counts == {"undecided": 4, "bot": 1, "private-note": 1}
    assert found.refusal is not None and "assistants" in found.force


@pytest.mark.parametrize("gap", [True, 0, -1, "soon", ""])
def test_a_gap_must_be_a_pause(gap: Any) -> None:
    with pytest.raises(ValueError, match="gap"):
        Lines.model_validate({"path": "-", "gap": gap})


def test_where_all_is_left_out_no_name_is_to_blame(tmp_path: Path) -> None:
    items = [[0, "U1", "oi", {"drop": "private-note"}], [1, "U2", "olá", {"drop": "private-note"}]]
    assert run(tmp_path, items, assistants=["U2"]) == ["private-note", "private-note"]
