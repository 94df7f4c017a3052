"""Unfilled placeholders. What only looks like one (code, LaTeX, links, tags with attributes) is blanked first, so that
each kind is one plain pattern for the linear-time engine; angle brackets are told apart by their word."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from ftdata.batch import Batch, flat, mark, owners, said
from ftdata.stages import Example, Transform

# Each line is a thing whose braces, brackets or per cent signs are its own.
_NOISE = "|".join(
    (
        r"(?s:```.*?(?:```|\z))",  # fenced code
        r"`[^`\n]*`",  # inline code
        r"\\[A-Za-z]+\*?(?:\[[^\[\]\n]*\])?(?:\{[^{}]*\})+",  # LaTeX: \frac{a}{b}
        r"[\^_]\{[^{}\n]*\}",  # LaTeX: x^{n}
        r"\\[{}<>%$\[\]]",  # an escaped sign
        r"""</?[A-Za-z][\w:.-]*(?:\s+[\w:@.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|\{[^{}<>]*\}|[^\s"'<>{}=]+))+\s*/?>""",
        r"#include\s*<[^<>\n]*>",
        r"!?\[[^\[\]\n]*\][(\[][^()\[\]\s]*[)\]]",  # Markdown: [text](link), [text][reference]
    )
)

_NAME = r"[\p{Alphabetic}_][\w.\-]*"
_WORDS = rf"{_NAME}(?: {_NAME}){{0,3}}"

_KINDS: dict[str, str] = {
    # {{x}}, {{ Order Number }}, {{name|upcase}}, {{#if x}}, {{{x}}}
    "double-brace": rf"\{{\{{[#/^&>~\-]?\s*{_NAME}(?:[ ]{_NAME}){{0,5}}\s*(?:\|[^{{}}\n]{{0,60}})?\}}\}}",
    # {x}, {Order Number}, {amount:.2f}, {name!r}, #{x}; after a letter, a digit or a bracket it is code
    "brace": rf"(?:^|[^\w{{$)\]\\])\{{{_WORDS}(?:![rsa])?(?::[.,<>^+]?\d*\.?\d*[a-zA-Z%])?\}}",
    # ${x}
    "dollar-brace": rf"\$\{{\s*{_NAME}\s*\}}",
    # %(name)s; %s, %d, %1$s, %@ between other signs than letters, digits and the parts of a date
    "percent": r"%\([A-Za-z_]\w*\)[sdif]|(?:^|[^\w%/:.\-])%(?:\d\$)?[sd@](?:[^\w%/:\-]|$)",
    # [Your Name], [Insert date], [Order Number], [Nome do cliente], [Su nombre]; not [text](link), not [EMAIL_1]
    "bracket": (
        r"(?i)\[(?:(?:(?:your|insert|enter|add|seu|sua|insira|inserir|tu|su|inserte|insertar|introduzca)\s[^\[\]\n]{1,40})"
        r"|(?:the\s)?(?:customer|client|company|agent|recipient|product|first|last|full|user|contact|order|ticket|invoice"
        r"|account|phone|tracking|case)(?:['’]s)?\s(?:name|surname|number|no\.?|id|date|address|email)"
        r"|name|date|company|nome|nombre|data|fecha|empresa"
        r"|(?:nome|nombre|n[uú]mero|data|fecha)\s(?:d[aeo]l?|de\sla)\s[^\[\]\n]{1,40})\](?:[^(\[:]|$)"
    ),
}

# The sign before is taken along: after a letter it is a type (List<T>) or a comparison.
_ANGLE = r"[\w&]?<\p{Alphabetic}[\w\-]+(?: [\p{Alphabetic}_][\w\-]+){0,3}>"
_CLOSED = r"</\s*([\p{Alphabetic}][\w\-]*)"

# The elements of HTML (WHATWG, index of elements; HTML 4.01's obsolete ones), and of SVG and MathML the usual ones.
_ELEMENTS = frozenset(
    """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br
    button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em
    embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html
    i iframe img input ins kbd label legend li link main map mark marquee math menu meta meter nav nobr noframes
    noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search
    section select slot small source span strike strong style sub summary sup svg table tbody td template textarea
    tfoot th thead time title tr track tt u ul var video wbr xmp g path circle rect line polygon polyline ellipse
    defs use image text tspan mi mo mn mrow msup msub mfrac msqrt
    """.split()
)
# Keys on a keyboard, and the tokens of chat templates.
_OTHERS = frozenset(
    """
    enter return esc escape tab ctrl control alt altgr shift del delete space spacebar backspace up down left
    right home end ins insert pgup pgdn pageup pagedown cmd command win windows option fn caps f1 f2 f3 f4 f5 f6
    f7 f8 f9 f10 f11 f12 eos bos pad unk cls sep mask think
    """.split()
)


class Placeholders(Transform):
    """Flag (or drop) conversations with a placeholder that nobody filled in, such as `{name}`.

    | kind | found | left alone |
    |---|---|---|
    | `brace` | `{x}`, `{order_id}`, `{Order Number}` | `{"a": 1}`, `{}`, `{a, b}`, `f(){x}`, `x^{2}`, `\\frac{a}{b}` |
    | `double-brace` | `{{x}}`, `{{ Order Number }}` | `{{"a": 1}}` |
    | `dollar-brace` | `${x}` | `$5` |
    | `angle` | `<name>`, `<Order ID>` | tags of HTML, `<x>…</x>`, `<a@b.c>`, `<https://…>`, `List<T>`, `<Enter>` |
    | `bracket` | `[Your Name]`, `[Order Number]` | `[text](link)`, `[1]`, `[x]`, `[EMAIL_1]` |
    | `percent` | `%s`, `%d`, `%(name)s` | `5%`, `100%sure`, `%20`, `%d/%m/%Y` |

    Searched are contents and text parts of all messages but those of tools, and the `rejected` answer; code between
    backticks is left out. The flag, or the reason, is `unfilled-placeholder`; the note counts by kind.
    """

    name: ClassVar[str] = "placeholders"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "One row for each kind; code, links and tags of HTML are left alone.",
            (
                ("Where is it?", "Dear {name}, it is on its way."),
                ("Cadê?", "Olá {{ cliente.nome }}, já saiu."),
                ("How much?", "It is ${amount} in all."),
                ("Who are you?", "I am <Agent Name>."),
                ("¿Quién es?", "Soy [Your Name], de soporte."),
                ("Which one?", "It is the %s model."),
                ("How do I do it in code?", "Write `f'{name}'`, see [the page](https://example.com)."),
            ),
        ),
    )

    level: Literal["off", "warn", "drop"] = Field("warn", description="off, warn (adds a flag) or drop")

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def apply(self, batch: Batch) -> Batch:
        """Mark the rows with placeholders, the counts by kind in the note."""
        if self.level == "off" or not batch.height:
            return batch
        found: dict[str, np.ndarray[Any, Any]] = {}
        for column in ("messages", "rejected"):
            if batch[column].null_count() == batch.height:
                continue
            messages = flat(batch, column)
            candidate = said(messages).str.contains(r"[{<\[%]").fill_null(False)
            candidate &= ~messages["role"].is_in(("tool", "function")).fill_null(False)
            if not candidate.any():
                continue
            owner = owners(batch, column).filter(candidate).to_numpy()
            for kind, counts in count(said(messages.filter(candidate))).items():
                rows = found.setdefault(kind, np.zeros(batch.height, dtype=np.int64))
                np.add.at(rows, owner, counts)
        total = sum(found.values(), np.zeros(batch.height, dtype=np.int64))
        if not total.any():
            return batch
        # In an order of its own, not that in which the rows of the batch have them.
        pieces = [
            pl.when(pl.Series(found[kind]) > 0).then(pl.format("{} {}", pl.lit(kind), pl.Series(found[kind])))
            for kind in (*_KINDS, "angle")
            if kind in found
        ]
        note = pl.select(pl.concat_str(pieces, separator=", ", ignore_nulls=True)).to_series()
        if self.level == "drop":
            return mark(batch, total > 0, drop="unfilled-placeholder", note=note)
        return mark(batch, total > 0, flag="unfilled-placeholder", note=note)


def count(texts: pl.Series) -> dict[str, np.ndarray[Any, Any]]:
    """Count the placeholders of each kind in each text; kinds that occur in none are left out."""
    bare = texts.str.replace_all(_NOISE, " ")
    found: dict[str, np.ndarray[Any, Any]] = {}
    for kind, pattern in _KINDS.items():
        found[kind] = bare.str.count_matches(pattern).fill_null(0).to_numpy()
    found["angle"] = _angles(bare)
    return {kind: counts for kind, counts in found.items() if counts.any()}


def _angles(texts: pl.Series) -> np.ndarray[Any, Any]:
    counts = np.zeros(len(texts), dtype=np.int64)
    at = np.flatnonzero(texts.str.contains(_ANGLE).fill_null(False).to_numpy())
    some = texts.gather(at)
    names = some.str.extract_all(_ANGLE)
    closed = some.str.extract_all(_CLOSED).list.eval(pl.element().str.strip_chars("</ \t\r\n").str.to_lowercase())
    for place, words, ends in zip(at, names.to_list(), closed.to_list(), strict=True):
        counts[place] = sum(_unfilled(word[1:-1].casefold(), ends) for word in words if word[0] == "<")
    return counts


def _unfilled(word: str, closed: list[str]) -> bool:
    """Say whether the word of `<word>` names something to fill in: no element, key or token, and nowhere closed."""
    if word in _ELEMENTS or word in _OTHERS or word.split("-")[0] in ("ctrl", "alt", "shift", "cmd"):
        return False
    return word not in closed
