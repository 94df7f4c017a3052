"""What a program left in a text: tokens of chat templates, encoded files, HTML."""

from __future__ import annotations

import re

_CODE = re.compile(r"(?s:```.*?(?:```|\Z))|`[^`\n]*`")

# --- control tokens ---------------------------------------------------------------------------------------------------

TOKENS = (
    r"<\||\|>|<｜|</?s>|\[/?INST\]|<</?SYS>>|_turn>|<(?:bos|eos|pad|unk)>|</?think>"
    r"|\[(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|### (?i:instruction|input|response|human|assistant|user|system):"
)
_HEADING = re.compile(r"(?mi)^### (?:instruction|input|response|human|assistant|user|system):")
_STRUCK = re.compile(r"<s>[^<]*</s>")
_PAD = re.compile(r"(?<!>)<(?:pad|unk)>(?!<)")  # alone: a word of somebody's own ("path" in Dutch)
_THOUGHT = re.compile(r"</?think>")
_SPECIAL = re.compile(r"<\|?(?:[A-Z_]+_TOKEN)\|?>")


def tokens(text: str) -> bool:
    """Say whether a text holds a control token of a chat template, outside of code."""
    # The one place that knows them reads what templates wrote. Imported late: the readers import transforms.
    from ftdata.readers.layouts.templates import CONTROL

    bare = _CODE.sub(" ", text)
    if _HEADING.search(bare) or _SPECIAL.search(bare) or CONTROL.search(_PAD.sub(" ", _STRUCK.sub(" ", bare))):
        return True
    depth = 0
    for sign in _THOUGHT.findall(bare):
        depth += 1 if sign == "<think>" else -1
        if depth not in (0, 1):
            return True
    return depth != 0


# --- encoded files ----------------------------------------------------------------------------------------------------

BLOB = r"[A-Za-z0-9+/]{40}"
# Two lines of MIME's base64 (RFC 2045: at most 76 characters in each).
_BLOB_SIZE = 152
_BLOCK = re.compile(r"[A-Za-z0-9+/]{40,}(?:={0,2}\r?\n[A-Za-z0-9+/]{40,})*")
_LINK = re.compile(r"(?:https?|ftp)://\S*\Z")
_LOOK_BACK = 2000


def blob(text: str) -> bool:
    """Say whether a text holds a file in base64: a long run of mixed letters and digits that is no link."""
    for match in _BLOCK.finditer(text):
        run = match[0]
        if len(run) < _BLOB_SIZE or _LINK.search(text, max(0, match.start() - _LOOK_BACK), match.start()):
            continue
        run = run[:4000]
        upper, lower = sum(map(str.isupper, run)), sum(map(str.islower, run))
        digits = sum(map(str.isdigit, run))
        # Base64 of anything has all three; names written together, hashes and sequences lack one, or have few letters.
        if min(upper, lower) * 20 >= len(run) and digits * 100 >= len(run) and len(set(run)) >= 16:
            return True
    return False


# --- HTML -------------------------------------------------------------------------------------------------------------

MARKUP = r"</|<br|&nbsp;|&lt;"
_TAG = re.compile(
    r"(?i)(?:<|&lt;)/?(?:p|br|div|span|font|table|t[rdh]|li|ul|ol|a|h[1-6]|html|body|b|i|strong|em)"
    r"(?:\s[^<>]{0,120})?/?(?:>|&gt;)"
)
_TAGS = 3


def markup(text: str) -> bool:
    """Say whether HTML stands in a text, outside of code: three tags or three `&nbsp;` at least."""
    bare = _CODE.sub(" ", text)
    return len(_TAG.findall(bare)) >= _TAGS or bare.count("&nbsp;") >= _TAGS
