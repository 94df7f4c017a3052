"""The rules of a conversation, as one table. Each row's roles become a short word ("suaua"), most rules a pattern."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

import msgspec
import numpy as np
import polars as pl
from pydantic import Field

from ftdata.batch import Batch, flat, lengths, mark, nest, said
from ftdata.conversation import Message
from ftdata.stages import Example, Transform

Level: TypeAlias = Literal["off", "warn", "drop"]

# A letter for each role; `c` is an assistant that calls a tool, a capital letter a message that says nothing.
_LETTERS = {"system": "s", "developer": "s", "user": "u", "assistant": "a", "tool": "t", "function": "t"}

# code: the pattern that shows the breach (None: see `_calls`), and the pattern whose match ends at the guilty turn.
_RULES: dict[str, tuple[str | None, str | None]] = {
    "no-messages": (r"^$", None),
    "no-user": (r"^[^uU]+$", None),
    "no-assistant": (r"^[^aAc]+$", None),
    "unknown-role": (r"[xX]", r"^.*?[xX]"),
    "empty-turn": (r"[A-Z]", r"^.*?[A-Z]"),
    "tool-without-call": (None, None),
    "unanswered-call": (None, None),
    "last-not-assistant": (r"[^aAc]$", r"^.*"),
    "system-not-first": (r"[^sS][sS]", r"^.*?[^sS][sS]"),
    "several-system": (r"[sS].*[sS]", r"^.*?[sS].*?[sS]"),
    "first-not-user": (r"^[sS]*[^sSuU]", r"^[sS]*[^sSuU]"),
    "consecutive-user": (r"[uU][uU]", r"^.*?[uU][uU]"),
    "consecutive-assistant": (r"[aAc][aAc]", r"^.*?[aAc][aAc]"),
}
# Top-level keys of a training row that are no field for a grader.
_PLAIN_KEYS = frozenset(("parallel_tool_calls", "functions", "function_call", "tools", "tool_choice"))


_CALL = Message(role="assistant", tool_calls=[{"id": "1", "type": "function", "function": {"name": "weather"}}])


class Turns(Transform):
    """Drop or flag conversations that break a rule of a conversation; nothing is cut or repaired.

    | code | when | default |
    |---|---|---|
    | `no-messages` | there is no message at all | drop |
    | `no-user` | no message is the user's | drop |
    | `no-assistant` | no message is the assistant's | drop |
    | `unknown-role` | a role is none of system, developer, user, assistant, tool, function | drop |
    | `empty-turn` | a message (but a tool's) holds no text but blanks, no picture, call or refusal | drop |
    | `tool-without-call` | a tool's message answers no earlier call, or one of another id | drop |
    | `unanswered-call` | a call is not answered by the tool messages right after it; one that ends the row may | drop |
    | `last-not-assistant` | the last message (the preferred side's) is not the assistant's | drop |
    | `system-not-first` | a system or developer message stands after another one | warn |
    | `several-system` | there is more than one system or developer message | warn |
    | `first-not-user` | the first message after the system's is not the user's | warn |
    | `consecutive-user` | two messages of the user follow each other | warn |
    | `consecutive-assistant` | two messages of the assistant follow each other | warn |

    What every service refuses is dropped by default; what some accept and others refuse or skip is a warning. A row
    for reinforcement (last message the user's, with fields of its own beside `messages` for a grader) needs no
    assistant. Each rule has a field of its name with its level: `consecutive_user = "drop"`. A row is dropped for the
    first rule of the table that it breaks; the note gives the number of the guilty message, counted from 1.
    """

    name: ClassVar[str] = "turns"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "One row for each rule, in the order of the table.",
            (
                (),
                (("assistant", "Hello!"),),
                (("user", "Hello?"),),
                (("user", "Hi"), ("moderator", "Be kind."), ("assistant", "Hello!")),
                ("Hi", " "),
                (("user", "Hi"), ("tool", "18 °C"), ("assistant", "It is 18 °C.")),
                (("user", "Hi"), _CALL, ("assistant", "It is 18 °C.")),
                ("Hi", "Hello!", "One more thing"),
                (("user", "Hi"), ("system", "Be brief."), ("assistant", "Hello!")),
                (("system", "Be brief."), ("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello!")),
                (("assistant", "Welcome!"), ("user", "Hi"), ("assistant", "Hello!")),
                (("user", "Hi"), ("user", "Anyone?"), ("assistant", "Hello!")),
                (("user", "Hi"), ("assistant", "Hello!"), ("assistant", "How can I help?")),
                ("Hi", "Hello!"),
            ),
        ),
    )

    no_messages: Level = Field("drop", description="there is no message at all: off, warn or drop")
    no_user: Level = Field("drop", description="no message is the user's")
    no_assistant: Level = Field("drop", description="no message is the assistant's")
    unknown_role: Level = Field("drop", description="a role that no service knows")
    empty_turn: Level = Field("drop", description="a message without text, picture, call or refusal")
    tool_without_call: Level = Field("drop", description="a tool's message that answers no earlier call")
    unanswered_call: Level = Field("drop", description="a call without its answer right after it")
    last_not_assistant: Level = Field("drop", description="the last message is not the assistant's")
    system_not_first: Level = Field("warn", description="a system message after another message")
    several_system: Level = Field("warn", description="more than one system message")
    first_not_user: Level = Field("warn", description="the first message after the system's is not the user's")
    consecutive_user: Level = Field("warn", description="two messages of the user follow each other")
    consecutive_assistant: Level = Field("warn", description="two messages of the assistant follow each other")

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def apply(self, batch: Batch) -> Batch:
        """Mark the rows that break a rule."""
        if not batch.height:
            return batch
        messages = flat(batch)
        words = _words(batch, messages)
        calls = _calls(messages, words, lengths(batch).to_numpy())
        spared = _reinforcement(batch, words)
        dropped = np.zeros(batch.height, dtype=bool)
        notes: list[pl.Expr] = []
        for code, (shows, guilty) in _RULES.items():
            level: Level = getattr(self, code.replace("-", "_"))
            if level == "off":
                continue
            mask = calls[code] > 0 if shows is None else words.str.contains(shows).to_numpy()
            if code in ("no-assistant", "last-not-assistant"):
                mask = mask & ~spared
            if not mask.any():
                continue
            turn = pl.Series(calls[code]) if shows is None else None
            if guilty is not None:
                turn = words.str.extract(f"({guilty})").str.len_bytes()
            if level == "drop":
                place = None if turn is None else pl.select(pl.format("turn {}", turn)).to_series()
                batch = mark(batch, mask & ~dropped, drop=code, note=place)
                dropped |= mask
            else:
                batch = mark(batch, mask, flag=code)
                told = pl.lit(code) if turn is None else pl.format("{} turn {}", pl.lit(code), turn)
                notes.append(pl.when(pl.Series(mask)).then(told))
        if notes:
            note = pl.select(pl.concat_str(notes, separator=", ", ignore_nulls=True)).to_series()
            batch = mark(batch, (note != "").to_numpy() & ~dropped, note=note)
        return batch


def _words(batch: Batch, messages: pl.DataFrame) -> pl.Series:
    """Give the word of each row: one letter a message, "" where there is none."""
    texts = said(messages)
    extra = messages["extra"].str
    other = extra.contains(r'"(?:function_call|refusal|audio)":\s*[^n\s]').fill_null(False)
    called = messages["tool_calls"].is_not_null() & (messages["tool_calls"] != "[]")
    called |= extra.contains(r'"function_call":\s*\{').fill_null(False)
    letter = messages["role"].replace_strict(_LETTERS, default="x", return_dtype=pl.String).fill_null("x")
    parts = messages["parts"].str
    # A part without text (a picture) says something too.
    only_text = (parts.count_matches(r'"type":\s*"') == parts.count_matches(r'"type":\s*"(?:input_|output_)?text"')) & (
        messages["parts"] != "[]"
    )
    blank = texts.fill_null("").str.strip_chars() == ""
    empty = blank & ~called.fill_null(False) & ~other & (letter != "t")
    empty &= messages["parts"].is_null() | (messages["parts"] == "[]") | only_text
    frame = pl.DataFrame({"letter": letter, "called": called.fill_null(False), "empty": empty.fill_null(False)})
    signs = frame.select(
        pl.when(pl.col("called") & (pl.col("letter") == "a"))
        .then(pl.lit("c"))
        .when("empty")
        .then(pl.col("letter").str.to_uppercase())
        .otherwise("letter")
        .alias("sign")
    ).to_series()
    counts = lengths(batch).to_numpy()
    return nest(signs, np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))).list.join("")


def _reinforcement(batch: Batch, words: pl.Series) -> np.ndarray[Any, Any]:
    """Say which rows end with the user and bring fields for a grader."""
    result = np.zeros(batch.height, dtype=bool)
    at = np.flatnonzero((batch["extra"].is_not_null() & words.str.contains(r"[uU]$")).to_numpy())
    for place, source in zip(at, batch["extra"].gather(at).to_list(), strict=True):
        fields = msgspec.json.decode(source)
        result[place] = isinstance(fields, dict) and bool(fields.keys() - _PLAIN_KEYS)
    return result


def _calls(messages: pl.DataFrame, words: pl.Series, counts: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Pair calls and answers; give for each rule the guilty turn of each row, counted from 1, or 0.

    Only rows with tools come here; ids have to be compared, which no pattern can.
    """
    lone, unanswered = np.zeros(len(words), dtype=np.int64), np.zeros(len(words), dtype=np.int64)
    starts = np.cumsum(counts) - counts
    rows = np.flatnonzero(words.str.contains("[ct]").to_numpy())
    if not len(rows):
        return {"tool-without-call": lone, "unanswered-call": unanswered}
    made_in, answered_in = messages["tool_calls"].to_list(), messages["tool_call_id"].to_list()
    for row, word in zip(rows, words.gather(rows).to_list(), strict=True):
        known, waiting, caller = set[Any](), set[Any](), 0
        for turn, sign in enumerate(word, 1):
            at = int(starts[row]) + turn - 1
            made, answered = made_in[at], answered_in[at]
            if sign == "t":
                # Deprecated function calls have no id: None stands for it.
                if not known or (answered is not None and answered not in known and known != {None}):
                    lone[row] = lone[row] or turn
                waiting.discard(answered if answered in waiting else None)
                continue
            if waiting:
                unanswered[row] = unanswered[row] or caller
            waiting, caller = (_ids(made), turn) if sign == "c" else (set(), 0)
            known |= waiting
        if waiting and caller < len(word):
            unanswered[row] = unanswered[row] or caller
    return {"tool-without-call": lone, "unanswered-call": unanswered}


def _ids(made: str | None) -> set[Any]:
    calls = None if made is None else msgspec.json.decode(made)
    ids = {call.get("id") for call in calls if isinstance(call, dict)} if isinstance(calls, list) else set()
    return {one if isinstance(one, str) else None for one in ids} or {None}
