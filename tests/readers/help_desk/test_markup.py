"""Jira's markups and GitHub's: what a reader sees."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftdata.readers.help_desk.markup import adf, markdown, wiki


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Plain; with a_b_c and 3*4*5, mail@x.pt!", "Plain; with a_b_c and 3*4*5, mail@x.pt!"),
        ("h2. Passos\n# um\n# dois\n** três", "Passos\n- um\n- dois\n  - três"),
        ("Isto é *muito* _bom_ e +novo+ {{x = 1}}", "Isto é muito bom e novo x = 1"),
        ("[a página|https://x.pt/a] e [https://y.pt]", "a página (https://x.pt/a) e https://y.pt"),
        ("Olá [~ana.luz] e [~accountid:55:aa]", "Olá @ana.luz e @55:aa"),
        ("{quote}velho\ntexto{quote}\nnovo", "novo"),
        ("bq. velho\nnovo", "novo"),
        ("{color:red}perigo{color} !foto.png|thumbnail! fim", "perigo  fim"),
        ("{code:python}\na = {{1}}\n*b*\n{code}\nfim", "```\na = {{1}}\n*b*\n```\nfim"),
        ("{noformat}\n[x|y]\n{noformat}", "```\n[x|y]\n```"),
        ("||nome||idade||\n|Ana|3|", "nome | idade\nAna | 3"),
        (r"um \*asterisco\*", "um *asterisco*"),
        ("uma linha\n\n\n\noutra", "uma linha\n\n\n\noutra"),
    ],
)
def test_wiki(source: str, text: str) -> None:
    assert wiki(source) == text


def node(kind: str, *content: object, **attributes: object) -> dict[str, object]:
    return {"type": kind, "content": list(content), "attrs": attributes}


def text(words: str, *marks: dict[str, object]) -> dict[str, object]:
    return {"type": "text", "text": words, "marks": list(marks)}


def test_adf() -> None:
    link = {"type": "link", "attrs": {"href": "https://x.pt/a"}}
    item = node("listItem", node("paragraph", text("um")))
    inner = node(
        "listItem",
        node("paragraph", text("dois")),
        node("bulletList", node("listItem", node("paragraph", text("três")))),
    )
    document = node(
        "doc",
        node("heading", text("Olá"), level=2),
        node(
            "paragraph",
            text("Veja "),
            text("isto", link),
            text(" e "),
            node("mention", text="@Ana"),
            {"type": "hardBreak"},
            text("fim"),
        ),
        node("blockquote", node("paragraph", text("velho"))),
        node("bulletList", item, inner),
        node("codeBlock", text("a = 1\n  b"), language="python"),
        node(
            "table",
            node(
                "tableRow",
                node("tableCell", node("paragraph", text("x"))),
                node("tableCell", node("paragraph", text("y"))),
            ),
        ),
    )
    assert adf(document) == (
        "Olá\n\nVeja isto (https://x.pt/a) e @Ana\nfim\n\n- um\n- dois\n- três\n\n```\na = 1\n  b\n```\n\nx | y"
    )
    assert adf(None) == adf([]) == adf("x") == adf({"type": "doc"}) == ""


def test_markdown() -> None:
    assert markdown("<!-- say what\nhappens -->\n# Olá\n```\n<!-- kept -->\n```\n<!-- gone -->fim") == (
        "# Olá\n```\n<!-- kept -->\n```\nfim"
    )
    assert markdown("a <!-- never closed") == "a <!-- never closed"
    assert markdown("```\n<!-- kept -->") == "```\n<!-- kept -->"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["text", "doc", "paragraph"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "attrs", "marks", "url", "href"]), inner, max_size=5
        )
    ),
    max_leaves=30,
)


@given(json_values)
def test_adf_takes_anything(value: object) -> None:
    assert isinstance(adf(value), str)


@given(st.text(alphabet="ab{}[]|*_!h1. \n#-+code:quote\\~\0", max_size=200))
def test_wiki_takes_anything(source: str) -> None:
    assert isinstance(wiki(source), str)


@given(st.lists(st.from_regex(re.compile(r"[a-zãé]{1,8}", re.ASCII), fullmatch=True), max_size=20).map(" ".join))
def test_plain_words_stay(source: str) -> None:
    assert wiki(source) == source and markdown(source) == source


@pytest.mark.parametrize("piece", ["{quote}", "{code}", "[a|", "!", "*", "||", "<!--", "```\n", "_", "[~"])
def test_hostile_markup_takes_no_time(piece: str) -> None:
    assert isinstance(wiki(piece * 20_000), str) and isinstance(markdown(piece * 20_000), str)


def test_code_keeps_its_lines() -> None:
    code = "x = 1  \n\n\n\n    y = [\n\n  ]\x01\x03"
    block = {"type": "codeBlock", "content": [{"type": "text", "text": code}]}
    words = {"type": "paragraph", "content": [{"type": "text", "text": "a\x03\0" + "0\0"}]}
    inner = code.removesuffix("\x01\x03")
    assert adf({"type": "doc", "content": [words, block, words]}) == f"a0\n\n```\n{inner}\n```\n\na0"
    assert wiki(f"*a*\n{{code}}\n{inner}\n{{code}}\nb") == f"a\n```\n{inner}\n```\nb"
