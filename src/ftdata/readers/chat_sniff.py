"""Know a chat log when shown one: enough messages, by people who come back, and nothing that `tickets` reads better."""

from __future__ import annotations

import re
from dataclasses import replace

from ftdata.errors import InputError
from ftdata.readers import words as w
from ftdata.readers.chat_messages import Message, opened
from ftdata.readers.chat_plan import Plan, Stated, form_of, misread, plan_columns, plan_lines, sample
from ftdata.readers.columns import quoted, study
from ftdata.readers.dialects import recognise
from ftdata.readers.guess import guess
from ftdata.readers.layout import Refused, forced
from ftdata.source import Source
from ftdata.stages import Sniff

_LEVELS = w.word_set("error warn warning info debug trace fatal critical notice severe")
_FORMS = {"lines": "lines of text", "json": "one message an object", "table": "one message a row"}


def sniffed(source: Source, pause: int) -> Sniff | None:
    """Say whether this is a chat log, and which; `pause` is the gap in minutes where none is stated."""
    if len(source.members()) > 1 or not source.opening(4096).strip():
        return None
    form = form_of(source)
    if form == "table" and _is_tickets(source):
        return None
    try:
        found = _lines(source) if form == "lines" else _columns(source, form)
    except (Refused, InputError):
        return None
    if found is None:
        return None
    verdict = _verdict(*found, source.encoding, pause)
    encoding = source.legacy_encoding() if form == "lines" else None
    if encoding is None:
        return verdict
    return replace(verdict, confidence=0.0, force=f"{verdict.force} --encoding {encoding}", refusal=misread(encoding))


def _is_tickets(source: Source) -> bool:
    """Say whether `tickets` knows a table, and by an id of tickets that is none of its single messages."""
    header, rows = sample(source, "table", Stated())
    if recognise(header) is not None:
        return True
    found = guess(header, rows)
    if found.shape == "ticket":
        return {"question", "answer"} <= found.picks.keys()
    if found.shape is None or not {"body", "key"} <= found.picks.keys():
        return False
    key = [row[found.picks["key"].column].strip() for row in rows]
    return len(set(key)) < len(key)


def _lines(source: Source) -> tuple[Plan, int] | None:
    """Plan a log in lines; give it with the number of messages seen. None for what is no talk."""
    plan, found = plan_lines(source, Stated())
    taken = [message for message in found if message.problem is None]
    if plan is None or not _is_talk(taken) or _length(taken) * 2 < _length(found):
        return None
    return plan, len(taken)


def _is_talk(messages: list[Message]) -> bool:
    """People come back: a time table or a change log has a new "author" on each line, a program's log has levels."""
    count, people = len(messages), len({message.author for message in messages})
    most = max(2, count // 2 if count >= 12 else count - 1)
    return 2 <= people <= most and sum(_is_machine(message.author) for message in messages) * 10 <= count


def _is_machine(author: str) -> bool:
    return not _LEVELS.isdisjoint(author.lower().split()) or bool(re.search(r"[\[\]=/{}]", author))


def _length(messages: list[Message]) -> int:
    return sum(message.lines for message in messages)


def _columns(source: Source, form: str) -> tuple[Plan, int] | None:
    """Plan a table or JSON; give it with the number of messages seen. None for what is no talk."""
    header, rows = sample(source, form, Stated())
    if len(rows) < 2:
        return None
    plan = plan_columns(header, rows, form, Stated())
    columns = plan.layout.columns
    speaks = ("author" in columns or "role" in columns) and len(plan.authors) * 2 <= max(4, len(rows))
    prose = study(header, rows)[columns["body"]].free >= 0.3
    bodies = [body for row in rows if (body := row[columns["body"]].strip())]
    if sum(bool((first := opened(body)) and first.author) for body in bodies) * 2 > len(bodies):
        return None  # a table about lines of logs, such as examples of their forms
    return (plan, len(rows)) if speaks and prose and ("time" in columns or "key" in columns) else None


def _verdict(plan: Plan, count: int, encoding: str, pause: int) -> Sniff:
    layout, evidence = plan.layout, [_FORMS[plan.form]]
    fields = {} if plan.opening is not None else layout.fields
    if fields.get("author") == fields.get("role"):
        fields.pop("author", None)
    if plan.opening is not None:
        shape = "date and clock" if plan.opening.dated else "clock only"
        evidence.append(f"each opened by {shape}{' in brackets' if plan.opening.bracketed else ''}, then the author")
    evidence += layout.evidence
    evidence.append(f"{count} messages by {len(plan.authors)} authors in the sample")
    if plan.replies is not None:
        fields |= dict(zip(("id", "parent"), (layout.names[index] for index in plan.replies), strict=True))
        evidence.append(f"{quoted(fields['parent'])} names the message that each answers: every path is a conversation")
    elif "key" in fields:
        evidence.append(f"key = {quoted(fields['key'])}")
    if plan.replies is not None:
        pass
    elif "time" in layout.columns and ("key" not in fields or plan.rooms):
        evidence.append(f"cut where a user writes after a pause of {pause} minutes (gap = {pause})")
    elif "key" not in fields:
        evidence.append("neither a conversation id nor times: the whole log is one conversation")
    evidence.append(f"encoding {encoding}")
    told, force = {"form": plan.form, **fields}, forced("chat-log", fields)
    if "role" not in layout.columns:
        force += " --set 'assistants=[\"NAME\"]'" if "author" in layout.columns else " --set role=NAME"
        return Sniff(0.0, tuple(evidence), told, force, refusal=str(plan.unnamed()))
    return Sniff(0.8 if plan.form == "lines" else 0.85, tuple(evidence), told, force)
