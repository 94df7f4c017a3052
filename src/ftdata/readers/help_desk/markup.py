"""Jira's two markups and GitHub's to plain text: what a reader sees, with code and line breaks kept.

Sources: Atlassian's "Text formatting notation" (wiki) and "Atlassian Document Format" (ADF), GitHub's Markdown.
"""

from __future__ import annotations

import re
from typing import Any

_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)", re.MULTILINE)


def markdown(text: str) -> str:
    """Give Markdown without the comments of issue templates, which nobody sees; code fences stay as they are."""
    if "<!--" not in text:
        return text
    out, at = [], 0
    while at < len(text):
        fence = _FENCE.search(text, at)
        stop = fence.start() if fence else len(text)
        last = text.rfind("-->", at, stop)  # beyond it, an open comment is none
        end = at if last < 0 else last + 3
        out.append(_COMMENT.sub("", text[at:end]) + text[end:stop])
        if fence is None:
            break
        close = re.compile(rf"^ {{0,3}}{re.escape(fence[1])}[`~]*[ \t]*$", re.MULTILINE).search(text, fence.end())
        at = close.end() if close else len(text)
        out.append(text[stop:at])
    return "".join(out).strip()


# --- wiki -------------------------------------------------------------------------------------------------------------

_VERBATIM = re.compile(r"\{(code|noformat)(?::[^}\n]*)?\}\n?(.*?)\n?\{\1\}", re.DOTALL)
_QUOTE = re.compile(r"\{quote\}.*?\{quote\}|^bq\. [^\n]*$", re.DOTALL | re.MULTILINE)
_MACRO = re.compile(r"\{(?:color|panel|section|column|anchor|expand|adf|toc|status)(?::[^}\n]*)?\}")
_HEADING = re.compile(r"^h[1-6]\. +", re.MULTILINE)
_RULE = re.compile(r"^-{4,}\s*$", re.MULTILINE)
_BULLET = re.compile(r"^([*#-]+) +", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]|\n]+)\|([^\[\]|\s]+)(?:\|[^\[\]\n]*)?\]")
_BARE = re.compile(r"\[((?:https?|ftp|mailto):[^\[\]\s|]+)\]")
_MENTION = re.compile(r"\[~(?:accountid:)?([^\[\]\n]+)\]")
_IMAGE = re.compile(r"!([^!\s|]+\.\w{2,5})(?:\|[^!\n]*)?!")
_CELLS = re.compile(r"^\|\|?(.*?)\|\|?\s*$", re.MULTILINE)
_STRONG = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_EMPHASIS = re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])")
_OTHER = re.compile(r"\{\{(.+?)\}\}|(?<![\w+])\+(?=\S)([^+\n]+?)(?<=\S)\+(?![\w+])")
_ESCAPE = re.compile(r"\\([\[\]{}*_+!|#-])")
_SIGNS = re.compile(r"[{\[*_!|+\\]|^h[1-6]\. |^bq\. |^[-#]", re.MULTILINE)
_MANY = re.compile(r"\n{3,}")


def wiki(text: str) -> str:
    """Give the text of Jira's wiki markup: code in fences, links with their target, mentions by name, no quotes."""
    text = text.replace("\r\n", "\n")
    if not _SIGNS.search(text):
        return text
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(f"```\n{match[2]}\n```")
        return f"\0{len(kept) - 1}\0"

    def escaped(match: re.Match[str]) -> str:
        kept.append(match[1])
        return f"\0{len(kept) - 1}\0"

    text = _ESCAPE.sub(escaped, _VERBATIM.sub(keep, text.replace("\0", "")))
    text = _MACRO.sub("", _QUOTE.sub("", text))
    text = _RULE.sub("", _HEADING.sub("", text))
    text = _BULLET.sub(lambda match: "  " * (len(match[1]) - 1) + "- ", text)
    text = _MENTION.sub(r"@\1", _BARE.sub(r"\1", _LINK.sub(_linked, text)))
    text = _IMAGE.sub("", text)
    text = _CELLS.sub(lambda match: re.sub(r"\s*\|\|?\s*", " | ", match[1].strip()), text)
    text = _EMPHASIS.sub(r"\1", _STRONG.sub(r"\1", text))
    text = _OTHER.sub(lambda match: match[1] or match[2], text)
    text = _MANY.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)


def _linked(match: re.Match[str]) -> str:
    label, target = match[1].strip(), match[2].removeprefix("mailto:")
    return label if target in (label, f"https://{label}", f"http://{label}") else f"{label} ({target})"


# --- ADF --------------------------------------------------------------------------------------------------------------

_BLOCKS = frozenset(
    "paragraph heading blockquote codeBlock bulletList orderedList taskList decisionList panel table rule mediaSingle "
    "mediaGroup expand nestedExpand layoutSection layoutColumn".split()
)
_ITEMS = frozenset({"listItem", "taskItem", "decisionItem"})
_DEPTH = 50
_SIGN = re.compile(r"[\0-\x03]")  # what marks lines (1), blocks (2) and code (3) while a document is read


def adf(value: Any) -> str:
    """Give the text of an Atlassian document: blocks are lines, links keep their target, quotes are left out."""
    if not isinstance(value, dict):
        return ""
    out: list[str] = []
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[1])
        return f"\0{len(kept) - 1}\0"

    _node(value, out, 0)
    text = re.sub(r"\x03([^\x03]*)\x03", keep, "".join(out).replace("\0", ""))
    text = re.sub(r"[ \t]*\x02[\x02\x01\s]*", "\n\n", text)
    text = re.sub(r"[ \t]*\x01[\x01 ]*", "\n", text)
    text = _MANY.sub("\n\n", text).strip()
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)


def _node(node: Any, out: list[str], depth: int) -> None:
    if not isinstance(node, dict) or depth > _DEPTH:
        return
    kind, attributes = str(node.get("type")), node.get("attrs")
    attributes = attributes if isinstance(attributes, dict) else {}
    content = node.get("content")
    children = content if isinstance(content, list) else []
    if kind == "text":
        out.append(_marked(node))
    elif kind == "hardBreak":
        out.append("\n")
    elif kind in ("mention", "emoji", "status", "date", "inlineCard", "blockCard"):
        told = next((attributes[key] for key in ("text", "shortName", "url", "timestamp") if attributes.get(key)), "")
        out.append(_SIGN.sub("", told) if isinstance(told, str) else "")
    elif kind == "codeBlock":
        inner = _SIGN.sub("", "".join(child.get("text") or "" for child in children if _is_text(child)))
        out.append(f"\x02\x03```\n{inner}\n```\x03\x02")
    elif kind == "blockquote":
        out.append("\x02")
    elif kind in _ITEMS:
        out.append("\x01- ")
        inner_out: list[str] = []
        for child in children:
            _node(child, inner_out, depth + 1)
        out.append("".join(inner_out).strip("\x01\x02").replace("\x02", "\x01"))
        out.append("\x01")
    elif kind == "tableRow":
        cells = []
        for child in children:
            cell: list[str] = []
            _node(child, cell, depth + 1)
            cells.append(" ".join("".join(cell).replace("\x01", " ").replace("\x02", " ").split()))
        out.append("\x01" + " | ".join(cells) + "\x01")
    else:
        edge = "\x02" if kind in _BLOCKS else ""
        out.append(edge)
        for child in children:
            _node(child, out, depth + 1)
        out.append(edge)


def _is_text(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("text"), str)


def _marked(node: dict[str, Any]) -> str:
    text = node.get("text")
    if not isinstance(text, str):
        return ""
    text = _SIGN.sub("", text)
    marks = node.get("marks")
    for mark in marks if isinstance(marks, list) else []:
        if isinstance(mark, dict) and mark.get("type") == "link" and isinstance(mark.get("attrs"), dict):
            target = mark["attrs"].get("href")
            if isinstance(target, str) and target.removeprefix("mailto:").rstrip("/") not in text:
                return f"{text} ({_SIGN.sub('', target.removeprefix('mailto:'))})"
    return text
