"""Asking a model behind an endpoint, through the official SDK: greedily, a few at once, answers as they come."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from ftdata.endpoints import Endpoint, client, secret
from ftdata.errors import VendorError
from ftdata.evaluation.asking.prompts import Prompt
from ftdata.evaluation.asking.store import Answer, count
from ftdata.evaluation.asking.systems import Remote
from ftdata.wording import inline

AT_ONCE = 4
"""Questions under way at once."""
TRIES = 6
"""Times that a question is tried, with the SDK's own backoff: asking changes nothing at the vendor's."""
PATIENCE = 180.0
"""Seconds that one try may take."""
SEED = 0

_MAX = ("max_completion_tokens", "max_tokens")
_TOLD = 200
_CODE = re.compile(r"[\w.-]{1,60}")
_TOO_LONG = ("context_length_exceeded", "string_above_max_length")
_FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")


class Asker:
    """Asks one model, with the settings that it takes."""

    def __init__(self, system: Remote, most: int) -> None:
        self.where = system.where
        self.client = client(self.where, max_retries=TRIES - 1, timeout=PATIENCE)
        # OpenAI's own reasoning models take only the first; what others have is the second, older name.
        limit = _MAX[0] if self.where.name in ("openai", "azure") else _MAX[1]
        self.settings: dict[str, Any] = {"model": system.model, "temperature": 0, "seed": SEED, limit: most}
        self.dropped: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how the model was asked."""
        return tuple(f"asked without {one}, which the model does not take" for one in self.dropped)

    def ask(self, prompts: Sequence[Prompt]) -> Generator[Answer | None]:
        """Give the answers in the order in which they come; None for a prompt that is too long for the model.

        Raises `VendorError` if the endpoint refuses, fails or cannot be reached. Those under way are waited for and
        given first.
        """
        left = iter(prompts)
        open_: set[Future[Answer | None]] = set()
        fault: BaseException | None = None
        with ThreadPoolExecutor(AT_ONCE, "ask") as pool:
            while True:
                while fault is None and len(open_) < AT_ONCE and (one := next(left, None)) is not None:
                    open_.add(pool.submit(self._one, one))
                if not open_:
                    break
                done, open_ = wait(open_, return_when=FIRST_COMPLETED)
                for future in done:
                    error = future.exception()
                    if error is None:
                        yield future.result()
                    else:
                        fault = fault or error
        if fault is not None:
            raise fault

    def _one(self, prompt: Prompt) -> Answer | None:
        import openai  # type: ignore[import-not-found, unused-ignore]

        more = {"tools": prompt.tools} if prompt.tools else {}
        while True:
            began = time.monotonic()
            settings = dict(self.settings)
            try:
                found = self.client.chat.completions.create(messages=prompt.messages, **settings, **more)
            except openai.APIStatusError as error:
                codes = _codes(error)
                if error.status_code == 413 or (error.status_code in (400, 422) and codes & set(_TOO_LONG)):
                    return None
                if error.status_code == 400 and codes & set(_FILTERED):
                    return Answer(prompt.key, "", "filtered", seconds=_since(began))
                if error.status_code == 400 and self._without(error, settings):
                    continue
                raise VendorError(_status(self.where, error, codes)) from None
            except openai.APITimeoutError:
                raise VendorError(f"{self.where.title}: no answer within {PATIENCE:.0f} s, {TRIES} times") from None
            except openai.APIConnectionError as error:
                cause = type(error.__cause__ or error).__name__
                raise VendorError(f"{self.where.title}: {self.where.host} could not be reached ({cause})") from None
            except (openai.OpenAIError, ValueError, RecursionError):
                raise VendorError(_unread(self.where)) from None
            return _answer(self.where, prompt.key, found, _since(began))

    def _without(self, error: Any, asked: dict[str, Any]) -> bool:
        """Leave out a setting that the model says it does not take; say whether the question may be put again."""
        if str(error.code) not in ("unsupported_parameter", "unsupported_value"):
            return False
        name = str(error.param)
        if name not in asked or name not in ("temperature", "seed", *_MAX):
            return False
        if name in _MAX:
            other = _MAX[1 - _MAX.index(name)]
            if other in self.dropped:
                return False
            value = asked[name]
            self.settings = {**{key: held for key, held in self.settings.items() if key != name}, other: value}
        else:
            self.settings = {key: held for key, held in self.settings.items() if key != name}
        if name not in self.dropped:
            self.dropped.append(name)
        return True


def _answer(where: Endpoint, key: str, found: Any, seconds: float) -> Answer:
    """Read a chat completion; the SDK checks none of it."""
    choices = getattr(found, "choices", None)
    first = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(first, "message", None)
    if message is None:
        raise VendorError(_unread(where))
    text, finish = getattr(message, "content", None), str(getattr(first, "finish_reason", None))
    usage = getattr(found, "usage", None)
    read, wrote = (count(getattr(usage, name, None)) for name in ("prompt_tokens", "completion_tokens"))
    if finish == "content_filter":
        return Answer(key, "", "filtered", read, wrote, seconds)
    if isinstance(text, str) and text:
        ended = "length" if finish == "length" else "stop"
        return Answer(key, text.encode("utf-8", "replace").decode(), ended, read, wrote, seconds)
    if text not in (None, ""):
        raise VendorError(_unread(where))
    refused, called = getattr(message, "refusal", None), getattr(message, "tool_calls", None)
    ended = "refused" if refused else "called" if called else "length" if finish == "length" else "stop"
    return Answer(key, "", ended, read, wrote, seconds)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _unread(where: Endpoint) -> str:
    return f"{where.title}: what {where.host} answered is no chat completion; is the base_url right, with its /v1?"


def _codes(error: Any) -> set[str]:
    """Give the codes of an error: the vendor's own, its type, and Azure's inner one."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("innererror")
    told = [error.code, body.get("code"), error.type, inner.get("code") if isinstance(inner, dict) else None]
    return {one for one in told if isinstance(one, str) and _CODE.fullmatch(one)}


def _status(where: Endpoint, error: Any, codes: set[str]) -> str:
    """Tell an error. What a vendor says of a question that it could not read may quote it: then only the code."""
    told = f"{where.title}: HTTP {error.status_code}"
    if codes:
        told += f" ({', '.join(sorted(codes))})"
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message")
    if isinstance(message, str) and error.status_code in (401, 402, 403, 404, 429):
        key = secret(where)
        message = message if key is None else message.replace(key, "[key]")
        told += f": {inline(message[:_TOLD])}"
    return told
