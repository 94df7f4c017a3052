"""The page: nothing but itself, every value as text, three languages, and one of them to be read in review.

`FTDATA_GOLDEN=1 pytest tests/report/test_report_page.py` writes `golden/` anew. A browser looks at the page in
`benchmarks/report_page.py`: screenshots, console, requests, axe.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import shutil
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from report_injections import INJECTIONS
from selectolax.lexbor import LexborHTMLParser

import ftdata
from ftdata import runs
from ftdata.conversation import Conversation, Message
from ftdata.errors import RecipeError
from ftdata.report import Report, as_html, as_json, as_markdown, report
from ftdata.report import values as v
from ftdata.report.phrases import LANGUAGES, words
from ftdata.report.plain import escaped
from ftdata.wording import safe

SAMPLES = Path(__file__).parents[2] / "samples"
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("page") / "samples"
    shutil.copytree(SAMPLES, folder, ignore=shutil.ignore_patterns("out"))
    ftdata.run(folder / "tickets.toml")
    told = report(runs.find(str(folder / "tickets.toml")))
    # What differs from run to run, or with the versions of libraries.
    moment = "2026-11-20T12:00:00+0000"
    steady = tuple(
        replace(one, bytes=0, sha256="0" * 64) if not one.path.endswith(".jsonl") else one for one in told.outputs
    )
    return replace(told, ftdata="0.0.0", started=moment, finished=moment, outputs=steady)


def whole(word: str = "x") -> Report:
    """Make a report with every section, and the same word in every place that holds a text."""
    count = v.Count(word, 3, 0.25)
    said = tuple(v.Said(word, word, level, word, {word: 1}, (word,) * 7) for level in ("error", "warn", "info"))  # type: ignore[arg-type]
    message = Message(role=word, content=word, name=word, weight=0, parts=[word], extra={word: word})
    measure = {word: {"min": 1.0, "median": 2.0, "p95": 4.0, "max": 4.5}}
    return Report(
        name=word,
        status="done",
        error=word,
        started=word,
        finished=word,
        ftdata=word,
        seed=7,
        plugins={word: word},
        inputs=(v.Input(word, word, 3, 4, word, word, False, (word,)), v.Input(word, word, 0, 4, None, word, True, ())),
        outputs=(v.Output(word, word, word, 3, 4, 5, word),),
        funnel=v.Funnel(9, 6, 3, 3, 4, 5, (v.Step(word, word, "reader", 6, 3, 1, 1, (count,), (count,)),), word),
        splits=v.Splits((count,), 2, 0, 0.1, (count, count), word, word),
        balance=(v.Balance(word, 9, 1, 2, 1.5, 0.5, 1, (count,), word),) * 2,
        lengths=v.Lengths(3, "characters", measure, (v.Bin(0, 10, 2), v.Bin(10, None, 1)), word, False, word),
        tokens=v.Lengths(3, "tokens", measure, (), word, True, word, 0.5),
        languages=v.Languages((count,), 1, (count,), word, word),
        duplicates=v.Duplicates((v.Copies(word, (count,), (count,), (count,)),), word),
        privacy=v.Privacy((count,), 3, True, (v.Left(word, 1, 1),), word),
        targets=(v.Target(word, word, word, 1, 1, said, word),),
        flags=((word, (count,)),),
        findings=said,
        grid=v.Grid((word, word), (v.GridRow(word, word, ("ok", "error")),), word),
        cost=(v.Cost(word, (v.CostLine(word, 1.0, None, 3.5, word, word),), word),),
        advice=v.Advice(word, word, (v.Reason(word, word, word),), word, word),
        unmeasured=(v.Unmeasured("tokens", word),),
        examples=(Conversation(row=1, id=word, split=word, messages=(message,), rejected=(message,)),),
    )


def shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Give every element with the names of its attributes, as an HTML5 parser sees the page."""
    root = LexborHTMLParser(html).root
    assert root is not None
    return [(node.tag, tuple(sorted(node.attributes))) for node in root.traverse(include_text=False)]


def test_a_word_that_stands_everywhere_does_so() -> None:
    """The fixture is worth something only if no field of text was forgotten."""

    def texts(value: Any, path: str) -> list[str]:
        if isinstance(value, str):
            return [] if value in ("x", "done", "characters", "reader", "warn") or "level" in path else [path]
        if is_dataclass(value):
            return [one for field in fields(value) for one in texts(getattr(value, field.name), f"{path}.{field.name}")]
        if isinstance(value, tuple):
            return [one for at, item in enumerate(value) for one in texts(item, f"{path}[{at}]")]
        return []

    assert set(texts(whole(), "")) == {
        ".tokens.unit",
        ".grid.rows[0].marks[0]",
        ".grid.rows[0].marks[1]",
        ".unmeasured[0].section",
    }
    assert all(getattr(whole(), field.name) for field in fields(Report))


@pytest.mark.parametrize("word", INJECTIONS)
def test_sixty_injections_stay_text(word: str) -> None:
    plain = shape(as_html(whole("x"), "pt-BR"))
    html = as_html(whole(word), "pt-BR")
    assert shape(html) == plain  # not one element or attribute more, fewer or elsewhere
    assert not set(html) & set("\x00\x07\x0c\x1b\u200b\u2028\u202e")
    body = LexborHTMLParser(html).body
    assert body is not None
    shown = re.sub(r"\s+", " ", safe(word)).strip()
    assert re.sub(r"\s+", " ", body.text()).count(shown) > 40
    told = as_markdown(whole(word))
    assert told.count("<") == 1 and "://" not in told  # the comment that says what this is
    assert not re.search(r"(?<!\\)(\]\(|!?\[)", told)
    assert json.loads(as_json(whole(word)))["name"] == word


def test_there_are_sixty_of_them() -> None:
    assert len(set(INJECTIONS)) == 60


def test_injections_in_the_data_of_a_real_run_stay_text(tmp_path: Path) -> None:
    """Names of files, categories, meta, roles and texts, as a hostile export would bring them."""
    name = 'x"><img src=x onerror=alert(1)>.csv'
    lines = ["id,question,answer,category"]
    for at, word in enumerate(INJECTIONS):
        cells = [str(at), f"{word} Where is my order {at}?", f"{word} It is on its way {at}.", word]
        lines.append(",".join('"' + cell.replace('"', '""').replace("\0", "") + '"' for cell in cells))
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "r.toml").write_text(
        f"[run]\nname = 'r'\n[[read]]\nuse = 'tickets'\npath = '{name}'\nquestion = 'question'\nanswer = 'answer'\n"
        "[[step]]\nuse = 'filter'\nwhere = { category = ['x'] }\n"
        "[[write]]\nuse = 'openai-chat'\npath = 'o.jsonl'\n".replace(
            "[[step]]\nuse = 'filter'\nwhere = { category = ['x'] }\n",
            "[[step]]\nuse = 'balance'\nby = 'category'\n[[step]]\nuse = 'near-dedup'\n",
        )
    )
    ftdata.run(tmp_path / "r.toml")
    told = report(runs.find(str(tmp_path / "r.toml")), show_values=True)
    assert told.examples and told.balance[0].classes > 20
    for lang in LANGUAGES:
        tree = LexborHTMLParser(as_html(told, lang))
        assert tree.css_first("script, img, iframe, object, embed, form, base, video, audio, input, button") is None
        assert [node.attributes for node in tree.css("link")] == [{"rel": "icon", "href": "data:,"}]
        assert "onerror=alert(1)" in (tree.body.text() if tree.body else "")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_needs_nothing_and_forbids_the_rest(lang: str, found: Report) -> None:
    html = as_html(found, lang)
    tree = LexborHTMLParser(html)
    assert "<script" not in html and "http:" not in html and "https:" not in html and "javascript:" not in html
    policy = tree.css_first("meta[http-equiv=Content-Security-Policy]")
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    assert policy is not None and style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "@import" not in style[1] and set(re.findall(r"url\(([^)]*)\)", style[1])) == {"#hatch"}
    for node in tree.css("*"):
        assert not [name for name in node.attributes if name.startswith("on") or name == "style"], node.html
        for name in ("src", "href", "xlink:href", "action", "poster", "srcset"):
            value = node.attributes.get(name)
            assert value is None or value.startswith("#") or value == "data:,", node.html


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_can_be_read_by_all(lang: str, found: Report) -> None:
    tree = LexborHTMLParser(as_html(found, lang))
    assert tree.css_first("html").attributes["lang"] == lang  # type: ignore[union-attr]
    assert len(tree.css("h1")) == len(tree.css("main")) == len(tree.css("title:not(svg title)")) == 1
    levels = [int(node.tag[1]) for node in tree.css("h1, h2, h3")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(ids) == len(set(ids))
    for link in tree.css("a"):
        assert (link.attributes["href"] or "")[1:] in ids
    for table in tree.css("table"):
        assert table.css("th[scope=col]") and table.css("th[scope=row]")
    for svg in tree.css("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or (
            svg.attributes.get("role") == "img" and svg.css_first("title") is not None
        )
    for box in tree.css(".scroll"):
        assert box.attributes["tabindex"] == "0" and box.attributes["aria-label"]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_have_the_contrast_of_wcag_aa(scheme: int, found: Report) -> None:
    """4.5 for text, 3 for what is drawn (WCAG 2.2, 1.4.3 and 1.4.11)."""
    blocks = re.findall(r":root \{(.*?)\}", as_html(found), re.S)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[scheme]))

    def contrast(one: str, other: str) -> float:
        light, dark = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for ground in ("ground", "card"):
        for text in ("ink", "soft", "link", "lost", "bad", "warn"):
            assert contrast(text, ground) >= 4.5, (text, ground)
        assert contrast("fill", ground) >= 3 and contrast("tail", ground) >= 1.5
    for name in ("good", "warn", "bad"):
        assert contrast(name, f"{name}-ground") >= 4.5
    assert contrast("ink", "track") >= 4.5 and contrast("fill", "track") >= 3


# --- languages --------------------------------------------------------------------------------------------------------


def test_every_language_has_every_phrase_with_the_same_gaps() -> None:
    tables = [words(lang).phrases for lang in LANGUAGES]
    for table in tables[1:]:
        assert list(table) == list(tables[0])
        for key, phrase in table.items():
            assert sorted(re.findall(r"\{(\w+)\}", phrase)) == sorted(re.findall(r"\{(\w+)\}", tables[0][key])), key
            assert phrase.strip() == phrase and phrase


def test_every_phrase_is_used() -> None:
    folder = Path(ftdata.__file__).parent / "report"
    source = "".join((folder / name).read_text() for name in ("page.html", "page.py", "plain.py", "phrases.py"))
    built = ("m_", "status_", "level_", "mark_")
    for key in words("en").phrases:
        assert f'"{key}"' in source or key.startswith(built) or key in ("sum",), key


@pytest.mark.parametrize(
    ("lang", "number", "large", "share", "tiny", "whole"),
    [
        ("en", "1,234", "12,345.6", "12.3%", "< 0.1%", "100%"),
        ("es", "1234", "12.345,6", "12,3\u00a0%", "< 0,1\u00a0%", "100\u00a0%"),
        ("pt-BR", "1.234", "12.345,6", "12,3%", "< 0,1%", "100%"),
    ],
)
def test_numbers_are_written_as_in_the_language(
    lang: str, number: str, large: str, share: str, tiny: str, whole: str
) -> None:
    t = words(lang)
    assert (t.number(1234), t.number(12345.6), t.share(0.1234)) == (number, large, share)
    assert (t.share(0.0001), t.share(1), t.share(0), t.share(None)) == (tiny, whole, whole.replace("100", "0"), "–")


def test_a_language_that_there_is_not_is_refused() -> None:
    assert words("PT_br").lang == words("pt").lang == "pt-BR"
    with pytest.raises(RecipeError, match="there are: en, es, pt-BR"):
        words("de")


def test_markdown_escapes_what_would_be_markup() -> None:
    assert escaped("a|b *c* _d_ `e` [f](g) <h> #12 @i x@example.com") == (
        "a\\|b \\*c\\* \\_d\\_ \\`e\\` \\[f\\](g) &lt;h&gt; \\#12 &#64;i x&#64;example.com"
    )
    assert escaped("- a\n\n# b") == "\\- a \\# b" and escaped("exact-dedup") == "exact-dedup"
    assert escaped("https://x.example www.x.example") == "https&#58;//x.example www&#46;x.example"


# --- to be read in review ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tickets.html", "tickets.md", "tickets.json", "tickets.pt-BR.md", "tickets.es.md"])
def test_a_sample_gives_the_report_that_it_gave(name: str, found: Report) -> None:
    lang = name.split(".")[1] if name.count(".") == 2 else "en"
    forms = {"html": as_html, "md": as_markdown}
    form = forms.get(name.rpartition(".")[2])
    told = as_json(found) if form is None else form(found, lang)
    if os.environ.get("FTDATA_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(told)
    assert told.split("\n") == (GOLDEN / name).read_text().split("\n")
