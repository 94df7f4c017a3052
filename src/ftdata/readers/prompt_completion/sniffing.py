"""What an old file looks like from its first records: evidence, fields, and why it is refused."""

from __future__ import annotations

from itertools import islice
from typing import Any

from ftdata.errors import InputError
from ftdata.readers.prompt_completion.form import places
from ftdata.readers.prompt_completion.layouts import Layout
from ftdata.readers.prompt_completion.survey import Survey
from ftdata.source import Source
from ftdata.stages import Sniff

_FIRST = 2000
_OPEN = (
    "all prompts are empty (an open-ended set), and a chat row needs a turn of the user: say what it is with "
    '--set when_empty="Continue in this voice.", or train on the plain texts locally'
)


def sniffed(source: Source) -> Sniff | None:
    """Know old data by its two keys in most records."""
    if len(source.members()) > 1:
        return None
    opening = source.opening(4096).lstrip()
    if opening[:1] in (b"{", b"["):
        values = source.sample(100)
        known = sum(isinstance(value, dict) and _has_texts(value) for value in values)
        if not known or 2 * known < len(values):
            return None
    else:
        try:
            if -1 in places(source.sample_table(1).fields):
                return None
        except InputError:
            return None
    layout = Layout(source, None, '"', whole=False)
    survey = Survey(layout, empties=True, transcripts=True)
    for found in islice(layout.records(source.again()), _FIRST):
        if found.number:
            survey.see(found)
    rows = survey.rows
    if not rows:
        return None
    shape = {"jsonl": "lines of JSON", "json": "one JSON value"}.get(layout.name, "")
    if layout.style is not None:
        delimiter = layout.style.delimiter
        shape = f"delimiter {'tab' if delimiter == chr(9) else delimiter}"
    evidence = [f"`prompt` and `completion` in {rows:,} records looked at", shape, f"task: {survey.task}"]
    for what, ends in (("prompts", survey.prompts), ("completions", survey.completions)):
        for mark, count in ends.told().items():
            if mark:
                kept = "" if mark == ends.chosen else ", kept"
                evidence.append(f"{count:,} of {ends.rows:,} {what} end in {mark!r}{kept}")
        if ends.common:
            evidence.append(f"all {what} end in the same {ends.common} characters, no known mark, kept")
    if survey.spaced:
        evidence.append(f"{survey.spaced:,} of {survey.completions.rows:,} completions begin with a space")
    if prefix := len(survey.prefix()):
        evidence.append(f"all prompts begin with the same {prefix} characters; --set prefix=system moves them")
    force = "--from prompt-completion"
    roles = survey.transcripts.roles()
    if roles and 2 * survey.transcripts.rows > survey.prompts.rows:
        table = ", ".join(f"{label} is the {role}" for label, role in roles.items())
        evidence.append(f"prompts are transcripts: {table}; --set transcript=true splits them")
    if survey.empty == rows:
        return Sniff(0.0, tuple(evidence), {}, force, _OPEN)
    return Sniff(0.97, tuple(evidence), {}, force)


def _has_texts(value: dict[str, Any]) -> bool:
    """Say whether an object has the two keys, and no messages under them (as other layouts have)."""
    at = places(tuple(value))
    values = list(value.values())
    return -1 not in at and not any(isinstance(values[place], list | dict) for place in at)
