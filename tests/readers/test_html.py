"""HTML bodies become the text that a reader sees; plain text is left alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftdata.readers.html import is_html, plain, to_text


@pytest.mark.parametrize(
    "text",
    [
        "a<b",
        "if a<b and c>d then",
        "Hi <name>, your order <order id> is late",
        "List<String> values = new ArrayList<>();",
        "Tom &amp; Jerry",
        "1 < 2 > 0",
        "<ana@example.com> wrote",
        "<https://example.com/a>",
        "<script is not closed",
        "a <script> without its end",
        "half a tag: <b>bold</b and more",
        "quoting <blockquote lang='en'> and going on",
        "{{name}} %s {product_purchased}",
        "line one\r\nline two",
        "",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@given(st.text(alphabet=st.characters(exclude_characters="<")))
def test_a_text_without_a_tag_is_never_changed(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>One<br>two</div><div>three</div>", "One\ntwo\nthree"),
        ("<p>One</p><p>two</p>", "One\n\ntwo"),
        ("<p>One</p>\n\n<p>two</p>\n", "One\n\ntwo"),
        ("<p>a<br><br>b</p>", "a\n\nb"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>x\n  y</pre>", "x\n  y"),
        ('<a href="https://x.org/a?b=1&amp;c=2">the form</a>', "the form (https://x.org/a?b=1&c=2)"),
        ('<a href="https://x.org/">https://x.org</a>', "https://x.org"),
        ('<a href="mailto:a@x.org">a@x.org</a> <b>ok</b>', "a@x.org ok"),
        ("<p>&lt;b&gt; and &amp;lt;</p>", "<b> and &lt;"),
        ("<p>Caf&eacute;&nbsp;au lait</p>", "Café au lait"),
        ("<p>a<b & c</p>", "a<b & c"),
        ("<p>Hi <name>, <order id></p>", "Hi <name>, <order id>"),
        ("<style>p { color: red }</style><script>alert(1)</script><p>seen</p>", "seen"),
        ("<!-- hidden --><p>seen</p>", "seen"),
        ('<p>new</p><blockquote type="cite">old</blockquote>', "new"),
        ('<div>new</div><div class="gmail_quote">On Monday Ana wrote: old</div>', "new"),
        ('<p>seen</p><p style="display: none">not</p>', "seen"),
        ("first line\nsecond <b>line</b>", "first line\nsecond line"),
        ("<DIV>Upper</DIV>", "Upper"),
        ("<p>One<p>two", "One\n\ntwo"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert is_html(html)
    assert plain(html) == text


def test_entities_without_tags_are_resolved_only_where_the_column_is_html() -> None:
    assert plain("Tom &amp;amp; Jerry", sure=True) == "Tom &amp; Jerry"
    assert plain("Tom &amp;amp; Jerry") == "Tom &amp;amp; Jerry"
    assert plain("a<b", sure=True) == "a<b"


def test_a_body_that_was_cut_is_read_where_the_column_is_html() -> None:
    assert plain("<p>open <b>never closed", sure=True) == "open never closed"
    assert plain("<p>open <b>never closed") == "<p>open <b>never closed"


@given(st.text(alphabet="<>/abdiphrefsty=\"' &;!-\n", max_size=60))
def test_nothing_breaks_it(text: str) -> None:
    assert "\x00" not in to_text(text)
    assert isinstance(plain(text, sure=True), str)


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        '<a href="',
        "<b><p>",
        "<!--",
        '<a x="1" ',
        "<table><tr><td>",
        "<",
        "<b a=a",
        "</div ",
        "<b> \t",
        "&",
        "<a><p>",
    ],
)
def test_hostile_markup_takes_linear_time(piece: str) -> None:
    started = time.process_time()
    plain(piece * (500_000 // len(piece)))
    assert time.process_time() - started < 3


def test_text_that_nests_deeply_is_kept() -> None:
    assert to_text("<div>" * 5000 + "deep" + "</div>" * 5000) == "deep"
