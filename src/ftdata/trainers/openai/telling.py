"""What is told of a vendor's answers: codes and plain words, never a key, never text of a row.

A vendor's message may quote what it was sent: OpenAI's answer 401 holds a part of the key, a complaint about a file a
line of it. So no message is shown as it is. Of a message only those words pass that stand in `_WORDS`, a list of what
vendors say of files, jobs and accounts; whatever else stands there becomes `…`. Codes, types and names of parameters
pass if they look like such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ftdata.endpoints import Endpoint, secret
from ftdata.errors import FtdataError, VendorError
from ftdata.wording import safe

_WORDS = frozenset(
    """
    a about access account active additional after again all allowed already also an and any api are array as assistant
    at available balance batch be because been before below between billing but by bytes can cancel canceled cancelled
    cannot chat check checkpoint checkpoints code column complete completed completion completions contact contain
    contained contains content correct could create created credentials current currently data dataset deleted denied
    deployment deprecated did disabled do does done due each empty enabled endpoint enough epoch epochs error errors
    every example examples exceed exceeded exceeds exist exists expected expired failed failure few field fields file
    files fine fine-tune fine-tuned fine-tuning finished first for format found from function generic grader has have
    hit however id if in incorrect insufficient internal invalid is issue it its job jobs json jsonl key keys large last
    later least length less limit limits line lines long longer many max maximum may message messages method min minimum
    missing model models moderation more most multiple must name need needs new no not null number object occurred of on
    one only operation or organization other our out output over overloaded page parameter part parts pass paused
    pending per permission permissions permitted please policies policy preferred present processed project prompt
    properties property provide provided purpose quota rate reach reached read reason received reinforcement rejected
    removed request requests require required requires resource response result results retry role roles row rows
    running safety server service should shutdown size small some still string succeeded succeeding successfully suffix
    supervised support supported supports system team than that the them then there this time timeout to token tokens
    too tool tools training tried try type unable unauthorized unavailable under unexpected unknown unsupported until up
    upload uploaded uploads usage use used user using valid validate validation value values was weight were when which
    while will with without you your
    """.split()
)
_COUNTED = frozenset("line lines row rows example examples step epoch epochs least most minimum maximum than".split())
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,63}")
_KEYLIKE = re.compile(
    r"(?:sk|pk|rk|hf|sess|gsk|xai|org|proj)[-_][A-Za-z0-9_*.-]{6,}|AKIA[0-9A-Z]{12,}|eyJ[A-Za-z0-9_.-]{16,}"
    r"|\S*\*{3,}\S*|(?i:bearer)\s+\S+"
)
_WINDOW = 6


def without_key(text: str, where: Endpoint) -> str:
    """Give a text without the endpoint's key, any part of it, and whatever looks like a key; safe to show."""
    key = secret(where)
    kept = _KEYLIKE.sub("…", text)
    if key is not None:
        windows = {key[at : at + _WINDOW] for at in range(max(1, len(key) - _WINDOW + 1))}
        kept = re.sub(r"\S+", lambda hit: "…" if any(one in hit[0] for one in windows) else hit[0], kept)
    return safe(kept)


def plain(message: Any) -> str:
    """Give the plain words of a vendor's message, at most 200 letters; the rest of it as `…`."""
    if not isinstance(message, str):
        return ""
    told: list[str] = []
    for piece in re.findall(r"[A-Za-z][A-Za-z'-]*|\d+|[.,]|[^\sA-Za-z\d.,]+", message[:2_000]):
        if piece in ".,":
            if told and told[-1] not in (".", ",", "…"):
                told.append(piece)
            continue
        counted = piece.isdecimal() and len(piece) <= 6 and told and told[-1].lower() in _COUNTED
        shown = piece if counted or piece.lower() in _WORDS else "…"
        if not (shown == "…" and told and told[-1] == "…"):
            told.append(shown)
    text = re.sub(r" ([.,])", r"\1", " ".join(told))[:200].strip(" .,…")
    return text if len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 else ""


def code(value: Any, where: Endpoint) -> str:
    """Give a code, a type or the name of a parameter if it looks like one; else nothing."""
    text = value if isinstance(value, str) else ""
    return text if _CODE.fullmatch(text) and without_key(text, where) == text else ""


def failure(error: Any, where: Endpoint) -> str:
    """Tell an error that a job or an answer holds: its code, the parameter, and the plain words of its message."""
    parts = [code(getattr(error, "code", None), where)]
    param = code(getattr(error, "param", None), where)
    parts += [f"param {param}"] if param else []
    parts += [plain(getattr(error, "message", None))]
    return ": ".join(one for one in parts if one)


def refused(error: Exception, where: Endpoint, doing: str) -> VendorError:
    """Give the one line for what went wrong while asking a vendor; an error that is one of ours stays as it is."""
    if isinstance(error, VendorError):
        return error
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        if 300 <= status < 400:
            return VendorError(f"{where.title}: {doing}: answered {status}, a redirect, which is not followed")
        kind = code(getattr(error, "type", None), where)
        own = {"": None, **{one: None for one in (kind, failure(error, where)) if one}}
        parts = ", ".join([str(status), *(one for one in own if one)])
        cure = {
            401: f"; is the key in {where.key_env} right?",
            403: f"; may the key in {where.key_env} do this?",
            404: "",
            429: "; wait, and try again",
        }.get(status, "; try again later" if status >= 500 else "")
        return VendorError(f"{where.title}: {doing}: answered {parts}{cure}")
    kind = type(error).__name__
    if "Timeout" in kind:
        return VendorError(f"{where.title}: {doing}: no answer in time; try again later")
    if "Connection" in kind or "Protocol" in kind or "Read" in kind or "Write" in kind:
        return VendorError(f"{where.title}: {doing}: the connection to {where.host} failed; try again later")
    return VendorError(f"{where.title}: {doing}: the answer is none of OpenAI's protocol ({kind})")


@contextmanager
def asking(where: Endpoint, doing: str) -> Iterator[None]:
    """Turn whatever the SDK raises into a `VendorError` that holds neither key nor text of the data."""
    try:
        yield
    except FtdataError:
        raise
    except Exception as error:
        raise refused(error, where, doing) from None
