"""The one call that turns a body as an export holds it, plain or HTML, into the text that counts."""

from __future__ import annotations

from typing import Literal

from ftdata.readers.html import is_html, marked, plain
from ftdata.readers.mail_body.cut import Cut, new_text

Quotes = Literal["auto", "keep", "cut"]
"""What becomes of quoted replies, signatures and disclaimers: `cut`, `keep`, or `auto`, which cuts all of them in what
is known to be a mail, and elsewhere what has unmistakable marks."""


def body_text(
    body: str,
    *,
    quotes: Quotes = "auto",
    mail: bool = False,
    html: Literal["auto", "always", "never"] = "auto",
    sure_html: bool = False,
    author: str = "",
    passed_on: bool = False,
) -> Cut:
    """Give the text of a body. `mail`: it is known to have come by e-mail (the channel of its ticket says so).

    `html` and `sure_html` as in `ftdata.readers.html.plain`; quoted blocks of HTML that stay stand behind `>`. `author`
    and `passed_on` as in `new_text`.
    """
    sure = mail or quotes == "cut"
    marks = None
    if html != "never" and ("<" in body or "&" in body):
        if html == "always" or is_html(body) or (sure_html and "<" in body and plain(body, sure=True) != body):
            body, marks = marked(body)
        elif sure_html:
            body = plain(body, sure=True)
    if quotes == "keep":
        return Cut(body)
    return new_text(body, sure=sure, author=author, passed_on=passed_on, marks=marks)
