"""HTML bodies to plain text: what a reader would see, line by line, without quoted mail, styles and scripts.

Text that is not HTML is left alone: only a well-formed tag with a name that HTML knows makes a text HTML, so `a<b`,
`<name>` and `List<String>` stay as they are, in plain text and between tags alike.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from ftdata.readers.words import word_set

_BLOCKS = word_set(
    "address article aside body center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 "
    "h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol optgroup option p pre section summary table "
    "tbody tfoot thead tr ul"
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre"})
_GONE = word_set(
    "style script head title template noscript iframe object embed svg math canvas audio video map select textarea "
    "button input blockquote"
)
_INLINE = word_set(
    "a abbr acronym area b base basefont bdi bdo big br caption cite code col colgroup data del dfn em font html "
    "i img ins kbd label link mark meta q rp rt ruby s samp small source span strike strong sub sup td th time "
    "tt u var wbr"
)
# Clients of the big mail programs mark what they quote with these (Gmail, Yahoo, Outlook on the web, Apple, Zendesk).
_QUOTES = re.compile(
    r"\b(?:gmail_quote|gmail_extra|yahoo_quoted|moz-cite-prefix|zmail_extra|divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION"
    r"|freshdesk_quote|quoted-text|zendesk_quoted)\b"
)
# What these marks say of the lines in them, for `marked`: `q` quoted, `h` the line above a quote, `b` all from here on
# is quoted, `s` signature. Gmail's `gmail_quote` says nothing: answers between the quotes stand in it too. Outlook on
# the web puts `x_` before the names of a mail that it quotes.
_MAIL = re.compile(
    r"\b(?P<q>yahoo_quoted|zmail_extra|freshdesk_quote|zendesk_quoted|quoted-text)"
    r"|\b(?:x_)*(?P<h>moz-cite-prefix|gmail_attr)\b|\b(?:x_)*(?P<b>divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION)\b"
    r"|\b(?P<s>gmail_signature|gmail_signature_prefix|moz-signature|ms-outlook-mobile-signature|Signature)\b"
)
# In the text under way: a mark opens with its letter between these, and closes with a full stop between them.
_OPEN, _SHUT = "\x05", "\x06"
_MARKED = re.compile(f"{_OPEN}([qhbs?.]){_SHUT}")
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
# End tags that HTML lets people leave out: an open one is closed by the next, so it does not nest.
_OPTIONAL = frozenset(
    {
        "p",
        "li",
        "dt",
        "dd",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "tfoot",
        "option",
        "optgroup",
        "html",
        "head",
        "body",
        "colgroup",
    }
)
_DEPTH = 200  # the parser's time grows with the square of the depth; nobody's mail nests deeper

_NAMES = "|".join(sorted(_BLOCKS | _GONE | _INLINE, key=len, reverse=True))
_VALUE = r"""(?:"[^"<]*"|'[^'<]*'|[^\s"'<>=`]+)"""
_BARE = r"checked|disabled|hidden|nowrap|noshade|compact|download|controls|async|defer|reversed|open"
_TAG = re.compile(
    rf"<(?:(?P<end>/)(?P<closed>{_NAMES})\s*>"
    rf"|(?P<open>{_NAMES})(?:\s+(?:[a-z_:][\w:.-]*\s*=\s*{_VALUE}|(?:{_BARE})(?=[\s/>])))*\s*/?>"
    r"|!--(?s:.*?)-->|!doctype[^<>]*>|\?xml[^<>]*>|/?[a-z]{1,3}:[a-z]+[^<>]*>)",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}\d?);", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_MANY = re.compile(r"\n{3,}")


def is_html(text: str) -> bool:
    """Say whether a text is HTML: it holds well-formed, known tags, and what they open they close.

    A plain text that quotes half a tag, or a script without its end, is none: nothing of it would be left.
    """
    if "<" not in text:
        return False
    any_tag, open_tags = False, dict[str, int]()
    for match in _TAG.finditer(_no_open_comment(text)):
        opened, closed = (match["open"] or "").lower(), (match["closed"] or "").lower()
        any_tag = any_tag or bool(opened or closed)
        name = opened or closed
        if name and name not in _VOID and name not in _OPTIONAL and not (opened and match[0].endswith("/>")):
            open_tags[name] = open_tags.get(name, 0) + (1 if opened else -1)
    return any_tag and not any(open_tags.values())


def plain(text: str, *, sure: bool = False) -> str:
    """Give the text of an HTML body; a text without HTML comes back as it is.

    `sure`: the column is known to be HTML, so tags need not be in balance (a body that was cut), and entities are
    resolved (once) even where no tag stands.
    """
    if "<" in text and (is_html(text) or (sure and _has_tag(text))):
        return to_text(text)
    if sure and "&" in text and _ENTITY.search(text):
        return unescape(text).replace("\xa0", " ")
    return text


def _has_tag(text: str) -> bool:
    return any(match["open"] or match["closed"] for match in _TAG.finditer(_no_open_comment(text)))


def to_text(html: str) -> str:
    """Give what a reader of this HTML sees: blocks are lines, paragraphs stand apart, links keep their target.

    Styles, scripts, hidden parts and quoted blocks (`blockquote`, the marks of mail programs) are left out.
    Entities are resolved once. What looks like a tag but is none (`<name>`, `a<b`) stays as text.
    """
    return _text(html, marks=False).strip()


class Marked(NamedTuple):
    """A text with its quoted blocks, each line of them after a `>`, and what the HTML says of lines.

    `marks`, by line from 0: `q` quoted in a mail, `?` quoted by somebody, `h` the line above a quote, `b` the first of
    the lines that are all quoted, `s` signature.
    """

    text: str
    marks: dict[int, str]


def marked(html: str) -> Marked:
    """Give the text as `to_text` does, but with what is quoted, and say where that stands."""
    lines: list[str] = []
    marks: dict[int, str] = {}
    opened: list[str] = []
    for line in _text(html, marks=True).split("\n"):
        pieces = _MARKED.split(line)
        for at, piece in enumerate(pieces):
            if at % 2:
                if piece != ".":
                    opened.append(piece)
                elif opened and opened.pop() in "q?" and lines and not lines[-1].strip("> "):
                    lines[-1] = ""  # the blank line below a quote is none of it
                continue
            piece = piece.strip() if len(pieces) > 1 else piece
            if not piece and (len(pieces) > 1 or not lines or not lines[-1].strip("> ")):
                continue
            depth = opened.count("q") + opened.count("?")
            if piece and opened:
                marks[len(lines)] = "s" if "s" in opened and not depth else opened[-1]
            lines.append((">" * depth + " " + piece).rstrip() if depth else piece)
    while lines and not lines[-1].strip("> "):
        lines.pop()
    return Marked("\n".join(lines), marks)


def _text(html: str, *, marks: bool) -> str:
    tamed, lines = _tame(html)
    root = LexborHTMLParser(tamed).root
    if root is None:
        return ""
    out: list[str] = []
    _walk(root, out, lines, marks)
    text = "".join(out)
    # \x00-marks: 1 = a line ends here, 2 = a paragraph ends here, 3/4 = inside <pre>; the source cannot hold them.
    text = re.sub(r"[\x01\x02\n ]*\x02[\x01\x02\n ]*", "\n\n", text)
    text = re.sub(r" *\x01[\x01 ]*", "\n", text)
    text = text.replace("\xa0", " ").replace("\x03", "\n").replace("\x04", " ")
    return _MANY.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n")))


def _no_open_comment(text: str) -> str:
    # A comment that never ends would make the scan start anew at each `<!--`: quadratic. Cut it from the last end.
    if "<!--" not in text:
        return text
    end = text.rfind("-->")
    return text[: end + 3] + text[end + 3 :].replace("<!--", "")


def _tame(html: str) -> tuple[str, bool]:
    """Escape each `<` that opens no known tag, and flatten what nests too deeply.

    Say also whether line ends are meant: they are where no tag makes lines (a plain text with a `<b>` in it).
    """
    html = re.sub(r"[\x00-\x06]", "", _no_open_comment(html))
    out: list[str] = []
    position = depth = 0
    lines = True
    skipped: dict[str, int] = {}
    for match in _TAG.finditer(html):
        out.append(html[position : match.start()].replace("<", "&lt;"))
        position = match.end()
        tag, opened = match[0], (match["open"] or "").lower()
        closed = (match["closed"] or "").lower()
        lines = lines and opened != "br" and opened not in _BLOCKS and closed not in _BLOCKS
        if opened and opened not in _VOID and opened not in _OPTIONAL:
            if depth >= _DEPTH:
                skipped[opened] = skipped.get(opened, 0) + 1
                tag = "<br>" if opened in _BLOCKS else ""
            else:
                depth += 1
        elif closed and closed not in _OPTIONAL and closed not in _VOID:
            if skipped.get(closed):
                skipped[closed] -= 1
                tag = ""
            else:
                depth = max(0, depth - 1)
        elif not opened and not closed:
            tag = ""
        out.append(tag)
    out.append(html[position:].replace("<", "&lt;"))
    return "".join(out), lines


def _hidden(attributes: dict[str, str | None]) -> bool:
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return "hidden" in attributes or "display:none" in style or "mso-hide:all" in style


def _quoted(attributes: dict[str, str | None]) -> bool:
    return bool(_QUOTES.search(_named(attributes))) or (attributes.get("type") or "") == "cite"


def _named(attributes: dict[str, str | None]) -> str:
    return f"{attributes.get('class') or ''} {attributes.get('id') or ''}"


def _mark(tag: str, attributes: dict[str, str | None]) -> str | None:
    """Say what an element's name says of the lines in it, for `marked`."""
    names = _named(attributes)
    if tag == "blockquote":
        return "q" if attributes.get("type") == "cite" or _QUOTES.search(names) else "?"
    found = _MAIL.search(names) if names != " " else None
    return found.lastgroup if found else None


def _link(target: str | None, start: int, out: list[str]) -> str:
    label = _SPACES.sub(" ", "".join(out[start:])).strip("\x01\x02 ")
    target = (target or "").strip()
    shown = target.removeprefix("mailto:").removeprefix("tel:")
    if not target or target.startswith(("#", "javascript:", "data:", "cid:")) or shown.rstrip("/") in label:
        return ""
    bare = re.sub(r"^https?://(?:www\.)?", "", shown).rstrip("/")
    if bare and bare == re.sub(r"^https?://(?:www\.)?", "", label).rstrip("/"):
        return ""
    return f" ({shown})" if label else shown


def _walk(root: Any, out: list[str], lines: bool, marks: bool) -> None:
    # An explicit stack: how deeply a body nests is the data's choice.
    stack: list[tuple[str, Any, int]] = [("enter", root, 0)]
    pre = 0
    while stack:
        step, node, mark = stack.pop()
        if step == "shut":
            out.append(f"\x01{_OPEN}.{_SHUT}\x01")
            continue
        if step == "leave":
            tag = node.tag
            if tag == "a":
                out.append(_link(node.attributes.get("href"), mark, out))
            elif tag == "pre":
                pre -= 1
            if tag in _BLOCKS:
                out.append("\x02" if tag in _PARAGRAPHS else "\x01")
            continue
        if node.next is not None and node is not root:
            stack.append(("enter", node.next, 0))
        if node.is_text_node:
            text = node.text_content or ""
            if pre:
                text = text.replace("\r\n", "\n").replace("\t", "    ").translate({10: 3, 32: 4})
            else:
                text = _SPACES.sub(" ", text.replace("\r\n", "\n").replace("\n", "\x03") if lines else text)
                if out and out[-1][-1:] in (" ", "\x01", "\x02", ""):
                    text = text.lstrip(" ") if out[-1] else text
            if text:
                out.append(text)
            continue
        if node.is_comment_node:
            continue
        tag = node.tag
        attributes = node.attributes if node.is_element_node else {}
        if (tag in _GONE and not (marks and tag == "blockquote")) or _hidden(attributes):
            continue
        if marks:
            if (said := _mark(tag, attributes)) is not None:
                out.append(f"\x01{_OPEN}{said}{_SHUT}\x01")
                if said != "b":  # what follows it is quoted, not only what is in it
                    stack.append(("shut", node, 0))
        elif _quoted(attributes):
            continue
        if tag == "br":
            out.append("\x03")
        elif tag == "hr":
            out.append("\x01")
        elif tag in _BLOCKS:
            out.append("\x02" if tag in _PARAGRAPHS else "\x01")
            if tag == "li":
                out.append("- ")
            elif tag == "pre":
                pre += 1
        elif tag in ("td", "th") and node.prev is not None:
            out.append(" ")
        stack.append(("leave", node, len(out)))
        if node.first_child is not None:
            stack.append(("enter", node.first_child, 0))
