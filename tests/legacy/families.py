"""Old prompt/completion files as real tools wrote them, made from a seed, with the texts that went into them.

Each `Family` is the bytes of one file and what each of its rows says once the marks are off: the marks are put on here,
so what lies below them is known and not worked out. Standard library only; nothing of ftdata.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

TOOL_SEPARATORS = (
    " ->",
    "\n\n###\n\n",
    "\n\n===\n\n",
    "\n\n---\n\n",
    "\n\n===>\n\n",
    "\n\n--->\n\n",
    "\n\n### =>\n\n",
)
"""What `openai tools fine_tunes.prepare_data` put at the end of prompts (openai-python 0.28.1, validators.py)."""

OWN_SEPARATORS = ("\n\n###\n", "-->")
"""What people put there themselves, as found in published sets."""

TOOL_STOPS = ("\n", ".", " END", "***", "+++", "&&&", "$$$", "@@@", "%%%", " [END]")
OWN_STOPS = ("\n\nEND\n\n", "\n\nEND", "\nEND")

Pair = tuple[str, str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """One file: its bytes, what user and assistant say in each row that becomes chat, and the marks to report.

    `records` counts all records of the file, those that cannot become chat (`dropped`) among them. `system` is a text
    that every row says first and that may be moved to a system message.
    """

    name: str
    data: bytes
    chat: tuple[Pair, ...]
    separator: str = ""
    stop: str = ""
    space: bool = True
    dropped: int = 0
    file: str = "legacy.jsonl"
    prefix: str = ""

    @property
    def records(self) -> int:
        return len(self.chat) + self.dropped


# --- JSON as tools write it -------------------------------------------------------------------------------------------


def dumped(row: Any) -> str:
    """Python's `json.dumps`."""
    return json.dumps(row)


def dumped_utf8(row: Any) -> str:
    """`json.dumps(ensure_ascii=False)`."""
    return json.dumps(row, ensure_ascii=False)


def compact(row: Any) -> str:
    """Python's `json.dumps(separators=(",", ":"))`."""
    return json.dumps(row, separators=(",", ":"))


def compact_utf8(row: Any) -> str:
    """JavaScript's `JSON.stringify`, orjson."""
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False)


def slashed(style: Callable[[Any], str]) -> Callable[[Any], str]:
    """The same with every slash escaped."""

    def written(row: Any) -> str:
        return style(row).replace("/", "\\/")

    written.__name__ = f"{style.__name__}_slashed"
    return written


pandas = slashed(compact_utf8)
"""pandas' `to_json(orient="records", lines=True, force_ascii=False)`, which is what the old tool itself wrote."""

php = slashed(compact)
"""PHP's `json_encode`, pandas' `to_json` without `force_ascii=False`."""

STYLES = (pandas, dumped, compact, dumped_utf8, compact_utf8, php, slashed(dumped), slashed(dumped_utf8))


def braced(row: Any) -> str:
    """A style that is none of these: written by hand, with a space inside the braces."""
    return "{ " + json.dumps(row, ensure_ascii=False)[1:-1] + " }"


def shouted(row: Any) -> str:
    """Escapes with capital digits, as Java and Ruby libraries write them."""
    return re.sub(r"\\\\|\\u[0-9a-f]{4}", lambda escape: escape[0][:2] + escape[0][2:].upper(), json.dumps(row))


def lines(rows: Iterable[Row], style: Callable[[Any], str] = pandas, end: str = "\n") -> bytes:
    """One line of JSON to a row."""
    return "".join(style(row) + end for row in rows).encode()


def table(rows: Sequence[Row], end: str = "\n", **dialect: Any) -> bytes:
    """Rows as delimited text, pandas' `to_csv(index=False)` unless said otherwise."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator=end, **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


# --- texts ------------------------------------------------------------------------------------------------------------

ASKED = (
    "How do I reset the password of my account",
    "Where is order {n}? It should have come on Monday.",
    "Why was I charged {n} twice?",
    "Please cancel the plan {n}",
    "The invoice {n} shows the wrong address!",
    "Can the lamp (model {n}) be dimmed?",
    "Is there a discount for {n} seats",
)
SAID = (
    "Open Settings, choose Security and follow step {n}.",
    "It left our house today; the number is {n}",
    "We have refunded {n} euros.",
    "Done! Your plan ends on day {n}.",
    '{{"order": {n}, "items": [{{"name": "lamp"}}]}}',
    "Yes, with dimmer {n}*",
    "See https://example.com/help/{n}/ for more",
)
FOREIGN = (
    ("Olá, não recebi o pedido nº {n}. Já são três dias à espera…", "Peço desculpa! A encomenda {n} segue amanhã."),
    ("¿Cuándo llega mi pedido {n}? ¡Es urgente!", "Mañana; el número es {n} — gracias por esperar."),
    ("注文{n}はまだ届いていません。", "申し訳ございません。本日{n}番を発送します。"),
    ("我的订单{n}在哪里？", "您的订单{n}今天发货。"),
    ("Where is it 😡👩‍👩‍👧 {n}", "On its way 🚚 {n} 🎉"),
    ("أين طلبي {n}؟", "سيصل غدًا {n}"),
    ("Zalgo t̷e̸x̶t̴ and e\u0301 against é, order {n}", "naïve café nº {n}"),
)
LABELS = ("billing", "shipping", "login")


def pairs(seed: int, count: int, foreign: bool = False) -> list[Pair]:
    """Bare texts, all different, with endings of every kind."""
    chance = random.Random(seed)
    found = []
    for number in range(1000, 1000 + count):
        if foreign:
            ask, say = FOREIGN[number % len(FOREIGN)]
        else:
            ask, say = chance.choice(ASKED), chance.choice(SAID)
            if "{n}" not in ask:
                ask += f" (case {number})" if chance.random() < 0.5 else f", number {number}"
        found.append((ask.format(n=number), say.format(n=number)))
    return found


def marked(texts: Iterable[Pair], separator: str = "", stop: str = "", space: bool = True) -> list[Row]:
    """Rows as the old tool prepared them."""
    return [{"prompt": ask + separator, "completion": " " * space + say + stop} for ask, say in texts]


def kept(texts: Iterable[Pair], stop: str) -> tuple[Pair, ...]:
    """What stays of the texts in chat: a full stop may have been the author's own, so it is not taken off."""
    return tuple((ask, say + stop if stop == "." else say) for ask, say in texts)


# --- the families -----------------------------------------------------------------------------------------------------


def by_separator() -> list[Family]:
    """Every separator, in a different style each."""
    found = []
    for number, separator in enumerate(TOOL_SEPARATORS + OWN_SEPARATORS):
        texts = pairs(number, 12)
        data = lines(marked(texts, separator, " END"), STYLES[number % len(STYLES)])
        name = f"separator {separator!r}"
        found.append(Family(name, data, kept(texts, ""), separator, " END"))
    return found


def by_stop() -> list[Family]:
    """Every stop."""
    found = []
    for number, stop in enumerate(TOOL_STOPS + OWN_STOPS):
        texts = pairs(100 + number, 12)
        separator = TOOL_SEPARATORS[number % len(TOOL_SEPARATORS)]
        data = lines(marked(texts, separator, stop), STYLES[(number + 3) % len(STYLES)])
        found.append(Family(f"stop {stop!r}", data, kept(texts, stop), separator, "" if stop == "." else stop))
    return found


def by_style() -> list[Family]:
    """Every style, and two that are none; texts with slashes, quotes and letters of many scripts."""
    found = []
    for style in (*STYLES, braced, shouted):
        texts = [
            *pairs(200, 14, foreign=True),
            ("a/b \\/ c // https://example.com/?q=1&r=<é>", '\\ "quoted" \\u00e9 \\n / \\/ é'),
            ("control \x00\x01\x1f\x7f\x80\b\f\t\r and \u2028 \u2029 \u0085 \ufeff", "\x1b[31m\u202e \U0010ffff end"),
        ]
        found.append(
            Family(
                f"style {style.__name__}",
                lines(marked(texts, "\n\n===\n\n", " [END]"), style),
                tuple(texts),
                "\n\n===\n\n",
                " [END]",
            )
        )
    return found


def classification() -> list[Family]:
    """Few labels, bare: the old tool put no stop behind them."""
    texts = [(ask, LABELS[number % 3]) for number, (ask, _) in enumerate(pairs(1, 30))]
    short = [(ask, "yes" if number % 3 else "no") for number, (ask, _) in enumerate(pairs(2, 24))]
    numbers = [(ask, str(number % 2)) for number, (ask, _) in enumerate(pairs(3, 20))]
    return [
        Family("classification", lines(marked(texts, "\n\n###\n\n")), tuple(texts), "\n\n###\n\n"),
        Family("classification ->", lines(marked(short, " ->"), dumped), tuple(short), " ->"),
        Family("labels without a space", lines(marked(texts, " ->", "", False)), tuple(texts), " ->", space=False),
        Family("labels that are digits", lines(marked(numbers, " ->")), tuple(numbers), " ->"),
    ]


def conditional() -> list[Family]:
    """Long answers; an instruction in front of every prompt, and behind it; JSON to be extracted."""
    texts = pairs(4, 25)
    before = "Extract the order as JSON from this text: "
    behind = ".\n\nExtract doping information from this sentence."
    extract = [(f"{ask}{behind}", json.dumps([{"order": say, "items": [{}]}])) for ask, say in texts]
    bracket = [(ask + "?", json.dumps({"a": {"b": [number]}}, indent=1)) for number, (ask, _) in enumerate(texts)]
    told = [(before + ask, say) for ask, say in texts]
    formed = [(ask, f"Answer: {say}") for ask, say in texts]
    return [
        Family("conditional", lines(marked(texts, " ->", " END")), tuple(texts), " ->", " END"),
        Family(
            "instruction behind",
            lines(marked(extract, "\n\n###\n", "\n\nEND\n\n"), dumped),
            tuple(extract),
            "\n\n###\n",
            "\n\nEND\n\n",
        ),
        Family("brackets and question marks", lines(marked(bracket)), tuple(bracket)),
        Family(
            "instruction before",
            lines(marked(told, "\n\n---\n\n", "***")),
            tuple(told),
            "\n\n---\n\n",
            "***",
            prefix=before,
        ),
        Family("constant start of answers", lines(marked(formed, " ->", "\n")), tuple(formed), " ->", "\n"),
        Family("no marks at all", lines(marked(texts, space=False)), tuple(texts), space=False),
    ]


def talks(seed: int, count: int, turns: int) -> list[list[Pair]]:
    """Conversations of several questions and answers."""
    texts = pairs(seed, count * turns)
    return [texts[start : start + turns] for start in range(0, len(texts), turns)]


def transcript(talk: Sequence[Pair], customer: str = "Customer", agent: str = "Agent") -> Pair:
    """The talk up to its last answer as a prompt, with the label of the one who must answer at its end."""
    told = "".join(f"{customer}: {ask}\n{agent}: {say}\n" for ask, say in talk[:-1])
    return f"{told}{customer}: {talk[-1][0]}\n{agent}:", talk[-1][1]


def transcripts() -> list[Family]:
    """Conversations inside prompts; unless asked to, nobody splits them."""
    texts = [transcript(talk) for talk in talks(5, 12, 3)]
    foreign = [transcript(talk, "Cliente", "Atendente") for talk in talks(6, 12, 2)]
    summary = [
        (f"Summary: the customer asks about {number}.\n\nSpecific information: none.\n\n###\n\n{prompt}", say)
        for number, (prompt, say) in enumerate(texts)
    ]
    return [
        Family("transcripts", lines(marked(texts, "", "\n"), dumped), tuple(texts), "", "\n"),
        Family("transcripts in Portuguese", lines(marked(foreign, "", "\n")), tuple(foreign), "", "\n"),
        Family("transcripts with a summary", lines(marked(summary, "", "\n")), tuple(summary), "", "\n"),
    ]


def growing_rows(seed: int = 7, count: int = 8, turns: int = 3) -> list[list[Row]]:
    """For each talk the rows in which prompt and completion of one are the beginning of the next one's prompt."""
    found = []
    for talk in talks(seed, count, turns):
        held, rows = "", []
        for ask, say in talk:
            held += f"Customer: {ask}\nAgent:"
            rows.append({"prompt": held, "completion": f" {say}\n"})
            held += f" {say}\n"
        found.append(rows)
    return found


def growing() -> list[Family]:
    """The same history again and again, longer each time."""
    rows = [row for talk in growing_rows() for row in talk]
    chat = tuple((row["prompt"], row["completion"][1:-1]) for row in rows)
    return [Family("growing prompts", lines(rows), chat, "", "\n")]


def mixed() -> list[Family]:
    """Marks on too few rows to be taken off, on just enough, and on all but the odd one."""
    texts = pairs(8, 100)
    found = []
    for without, name in ((20, "mixed 80/20"), (3, "marked 97 %"), (2, "marked 98 %"), (1, "marked 99 %")):
        step = 100 // without
        bare = set(range(step - 1, 100, step)[:without])
        rows = [
            {"prompt": ask + (" =>" if number in bare else "\n\n###\n\n"), "completion": f" {say} END"}
            for number, (ask, say) in enumerate(texts)
        ]
        enough = without <= 2
        chat = tuple(
            (ask + (" =>" if number in bare else "" if enough else "\n\n###\n\n"), say)
            for number, (ask, say) in enumerate(texts)
        )
        found.append(Family(name, lines(rows), chat, "\n\n###\n\n" if enough else "", " END"))
    many = pairs(9, 200)
    rows = marked(many, " ->", " END")
    held = list(many)
    rows[17]["prompt"] = many[17][0]
    rows[40]["prompt"] = f"{many[40][0]} -> "
    held[40] = (f"{many[40][0]} -> ", many[40][1])
    rows[99]["completion"] = f" {many[99][1]}"
    rows[150]["completion"] = f" {many[150][1]} end"
    held[150] = (many[150][0], f"{many[150][1]} end")
    rows[180]["completion"] = f"{many[180][1]} END"
    rows[199]["completion"] = f"  {many[199][1]} END"
    held[199] = (many[199][0], f" {many[199][1]}")
    found.append(Family("rows that deviate", lines(rows, dumped), tuple(held), " ->", " END"))
    return found


def inside() -> list[Family]:
    """Marks in the middle of texts, at their ends twice, and spaces that are the author's."""
    texts = pairs(10, 12)
    texts[3] = ("first\n\n###\n\nsecond", "one END two END")
    texts[4] = ("ends with it\n\n###\n\n", "and so END END")
    texts[5] = ("\n\n###\n\n begins with it ", "  spaces  ")
    texts[6] = ("trailing space ", "trailing line\n")
    arrows = [*pairs(11, 10), ("a -> b -> c", "x -> y"), ("a ->", "b ->"), ("-", ">")]
    ends = [(ask, say + "\n" * (number % 2)) for number, (ask, say) in enumerate(pairs(18, 12))]
    stars = [*pairs(12, 10), ("Make it **bold**", "**bold**"), ("rule", "* * *")]
    return [
        Family("marks inside", lines(marked(texts, "\n\n###\n\n", " END")), tuple(texts), "\n\n###\n\n", " END"),
        Family("arrows inside", lines(marked(arrows, " ->", "\n")), tuple(arrows), " ->", "\n"),
        Family("a shorter mark that all share", lines(marked(ends, " ->", "\nEND")), tuple(ends), " ->", "\nEND"),
        Family("stars inside", lines(marked(stars, "-->", "***")), tuple(stars), "-->", "***"),
    ]


def scripts() -> list[Family]:
    """Texts in many scripts, line separators inside them."""
    texts = pairs(13, 21, foreign=True)
    odd = [(f"line\u2028separator {ask}\u2029", f"next\u0085line \x0b\x0c {say}") for ask, say in pairs(14, 9)]
    return [
        Family("scripts", lines(marked(texts, " ->", " END")), tuple(texts), " ->", " END"),
        Family("scripts in ASCII", lines(marked(texts, " ->", " END"), compact), tuple(texts), " ->", " END"),
        Family("line separators", lines(marked(odd, "\n\n---\n\n", "+++")), tuple(odd), "\n\n---\n\n", "+++"),
    ]


def columns() -> list[Family]:
    """Other columns, other keys, another order."""
    texts = pairs(15, 12)
    rows = marked(texts, " ->", " END")
    more = [
        {
            "id": 10**17 + number,
            "date": f"2021-03-{number + 1:02}",
            **row,
            "customer": f"c{number % 4}",
            "score": (1.0, 1e-7, 2.50, -0.0)[number % 4],
            "open": (True, None)[number % 2],
            "tags": [{"a": [number]}, "é/"],
        }
        for number, row in enumerate(rows)
    ]
    some = [{**row, "note": f"only here {number}"} if number % 3 == 0 else row for number, row in enumerate(rows)]
    loud = [{"PROMPT": row["prompt"], "COMPLETION": row["completion"]} for row in rows]
    title = [{"Prompt": row["prompt"], "Completion": row["completion"], "Id": 1} for row in rows]
    turned = [{"completion": row["completion"], "prompt": row["prompt"]} for row in rows]
    both = [row if number % 2 else turned[number] for number, row in enumerate(rows)]
    given: tuple[tuple[str, list[Row]], ...] = (
        ("extra columns", more),
        ("an extra column here and there", some),
        ("upper-case keys", loud),
        ("capitalised keys", title),
        ("completion first", turned),
        ("either order", both),
    )
    return [
        Family(name, lines(each, STYLES[number % 5]), tuple(texts), " ->", " END")
        for number, (name, each) in enumerate(given)
    ]


def forms() -> list[Family]:
    """Tables, arrays, names that promise another form, line ends, byte order marks, few rows."""
    texts = [
        *pairs(16, 10),
        ('a "quoted" word, and a comma', 'so\nit "is",'),
        ("tab\there; semicolon", " 'single' "),
        *pairs(17, 7, foreign=True),
    ]
    rows = marked(texts, "\n\n###\n\n", " END")
    flat = marked(texts, " ->", " END")
    ids = [{"id": str(number), **row, "customer": f"c{number}"} for number, row in enumerate(rows)]
    chat = tuple(texts)
    long, short = ("\n\n###\n\n", " END"), (" ->", " END")
    return [
        Family("csv", table(rows), chat, *long, file="legacy.csv"),
        Family("csv of csv.writer", table(rows, "\r\n"), chat, *long, file="legacy.csv"),
        Family("csv with columns", table(ids), chat, *long, file="legacy.csv"),
        Family("tsv", table(flat, delimiter="\t"), chat, *short, file="legacy.tsv"),
        Family("json array", json.dumps(rows).encode(), chat, *long, file="legacy.json"),
        Family("json array, indented", json.dumps(rows, indent=2).encode() + b"\n", chat, *long, file="legacy.json"),
        Family("json array of pandas", pandas(rows).encode(), chat, *long, file="legacy.json"),
        Family("json array named jsonl", compact_utf8(rows).encode(), chat, *long),
        Family("jsonl named json", lines(rows), chat, *long, file="legacy.json"),
        Family("crlf", lines(rows, end="\r\n"), chat, *long),
        Family("crlf, last line open", lines(rows, dumped, "\r\n")[:-2], chat, *long),
        Family("byte order mark", b"\xef\xbb\xbf" + lines(rows), chat, *long),
        Family("no final newline", lines(rows)[:-1], chat, *long),
        Family("one row", lines(rows[:1]), chat[:1], *long),
        Family("one row, no newline", lines(rows[3:4], dumped)[:-1], chat[3:4], *long),
        Family("two styles", lines(rows[:6], dumped) + lines(rows[6:], pandas), chat, *long),
        Family("one line by hand", lines(rows[:6]) + lines(rows[6:7], braced) + lines(rows[7:]), chat, *long),
        Family("one style each", b"".join(lines([r], STYLES[n % 8]) for n, r in enumerate(rows)), chat, *long),
    ]


def families() -> list[Family]:
    """All families whose every row becomes chat."""
    made = (
        by_separator,
        by_stop,
        by_style,
        classification,
        conditional,
        transcripts,
        growing,
        mixed,
        inside,
        scripts,
        columns,
        forms,
    )
    return [family for make in made for family in make()]


def unfit() -> list[Family]:
    """Files with rows that cannot be chat: no prompt, no answer, no row at all."""
    texts = pairs(20, 20)
    rows = marked(texts, " ->", " END")
    open_ended = [{"prompt": "", "completion": f" {say}"} for _, say in texts]
    some: list[Row] = [{"prompt": "", "completion": r["completion"]} if n % 5 == 0 else r for n, r in enumerate(rows)]
    silent: list[Row] = [{**r, "completion": ("", None)[n % 2]} if n % 5 == 0 else r for n, r in enumerate(rows)]
    four = tuple(pair for n, pair in enumerate(texts) if n % 5)
    broken = lines(rows[:7]) + b'{"prompt":"cut off ->","completion":" no\n' + lines(rows[7:])
    blank = lines(rows[:7]) + b"\n" + lines(rows[7:])
    return [
        Family("open-ended", lines(open_ended), (), dropped=20),
        Family("some prompts empty", lines(some), four, " ->", " END", dropped=4),
        Family("some completions empty", lines(silent), four, " ->", " END", dropped=4),
        Family("one line cut off", broken, tuple(texts), " ->", " END", dropped=1),
        Family("a blank line", blank, tuple(texts), " ->", " END", dropped=1),
    ]
