"""Judge the raw lines of a file for one or more targets, with everything wrong in one pass."""

from __future__ import annotations

import codecs
import functools
import itertools
import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ftdata import decoding
from ftdata.errors import RecipeError
from ftdata.lines import cut_lines
from ftdata.records import Lines
from ftdata.source import Source, is_one_value, is_stdin
from ftdata.targets import Profile, Rule, load
from ftdata.targets.gate import Gate, Line
from ftdata.targets.layouts import most_common
from ftdata.targets.plain import traits, traits_of
from ftdata.targets.rules import WITHOUT_SYSTEM
from ftdata.targets.skim import skim
from ftdata.targets.views import LAYOUTS

FORMS = {"sft": "supervised", "dpo": "preference", "rft": "reinforcement"}
"""The training methods whose rows a file may hold, by the form of a row."""

ARRAY = "json-array"
"""Stands among the layouts of a target that takes a file which is one array of rows."""

_SAMPLE = 200  # rows that are looked at to tell the layout
_CHAT = "openai-chat"


@dataclass(frozen=True, slots=True)
class LineFinding:
    """One breach in a file: enough to print `file:line  CODE  path  cause  fix`, and to say where the rule stands.

    `line` counts from 1 and is null for what concerns the whole file; `column` counts characters from 1 and is set for
    a line that is no JSON; `path` is the place inside the row (`messages[2].weight`), empty for the row itself;
    `fixable` says whether the step `fit` cures it: no, yes, or lossy.
    """

    target: str
    code: str
    level: Literal["error", "warn"]
    file: str
    line: int | None
    column: int | None
    path: str
    cause: str
    fix: str
    evidence: str
    source: str
    fixable: Literal["no", "yes", "lossy"] = "no"

    def as_json(self) -> dict[str, Any]:
        """Give the finding as values for JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Tally:
    gate: Gate
    forms: dict[str, list[int]] = field(default_factory=dict)  # form -> how many rows, line of the first
    images: int = 0
    foreign: int | None = None  # the first line that is not in the layout of the target


def check_file(
    path: Path | str, targets: Sequence[str | Profile], encoding: str | None = None, layout: str | None = None
) -> list[LineFinding]:
    """Judge the raw lines of a file for one or more targets: everything wrong with it, in one pass.

    The findings of lines come in line order, then those of the whole file. `encoding` and `layout` override those
    found. Rows in another layout than the target's are judged by what they say (who speaks, in which order, with which
    words, images and tools), and that the layout is another is one finding of the file.

    Raises:
        RecipeError: a target or layout is not known.
        InputError: the file is missing or unreadable.
    """
    if layout is not None and layout not in LAYOUTS:
        raise RecipeError(f"layout: '{layout}' is not known (there are: {', '.join(LAYOUTS)})")
    profiles = [target if isinstance(target, Profile) else load(target) for target in targets]
    return list(_check(Path(path), profiles, encoding, layout))


def _check(path: Path, profiles: list[Profile], encoding: str | None, layout: str | None) -> Iterator[LineFinding]:
    with Source(path, encoding=encoding) as source:
        marked = source.head(3).startswith(codecs.BOM_UTF8)
        whole = is_one_value(source.opening())
        if layout is None:
            layout = most_common(source.sample(_SAMPLE)) if profiles else _CHAT
        tallies = [_Tally(Gate(profile, layout)) for profile in profiles]
        rows: int | None = 0
        if whole:
            rows = None  # a whole array or object: to judge it by lines would name each of them
            for tally in tallies:
                cause = "the file is one JSON array or object, not one object per line"
                if ARRAY not in tally.gate.profile.also:
                    yield from _file_finding(tally.gate.profile, "row-object", source, cause, 1)
            if taken := [tally for tally in tallies if ARRAY in tally.gate.profile.also]:
                for item in source.again().json_texts():
                    if item.problem is None:
                        yield from _judged(taken, source, item.line, item.value, layout, 0)
        for block in _blocks(source, path, encoding):
            if rows is None:
                continue
            seen = skim(block.block, layout) if not block.problem else None
            if seen is not None and _all_pass(tallies, block, seen.traits):
                rows += block.count
                continue
            known = traits_of(block.block, block.count) if layout == _CHAT and not block.problem else None
            if known is not None and _all_pass(tallies, block, functools.reduce(operator.and_, known)):
                rows += block.count
                continue
            for at, text in enumerate(block.lines):
                line = block.line + at
                if not block.problem and text.strip():
                    rows += 1
                    told = known[at] if known is not None else traits(text, layout)
                    yield from _judged(tallies, source, line, text, layout, told)
                    continue
                rows += bool(block.problem)
                kind, cause = ("json", "the line is too long to be read") if block.problem else _BLANK
                for tally in tallies:
                    yield from _file_finding(tally.gate.profile, kind, source, cause, line)
        size = source.bytes_total
        for tally in tallies:
            yield from _whole_file(tally, source, path, rows, size, marked)


def _blocks(source: Source, path: Path, encoding: str | None) -> Iterator[Lines]:
    """Give the lines in blocks. Nobody asks for the hash of a file that is only checked: UTF-8 is read without it."""
    if path.is_file():
        head = source.head(decoding.SAMPLE)
        found, skip = decoding.decide(source.name, head, len(head) < decoding.SAMPLE, encoding, True)
        if found == "utf-8":
            source.encoding = found
            pieces = source.content()
            first = next(pieces, b"")[skip:]
            return cut_lines(itertools.chain((first,), pieces), source.limits.row, lambda: source.limits.row)
    return source.lines()


_BLANK = ("blank-line", "the line is blank")


def _all_pass(tallies: list[_Tally], block: Lines, least: int) -> bool:
    """Say whether every line of a block, known to be so much, passes for every target; if so, count them."""
    for tally in tallies:
        foreign = tally.foreign is None and not _own(tally.gate.profile, tally.gate.layout, least, None)
        if foreign or not tally.gate.takes(least, block.block):
            return False
    for tally in tallies:
        tally.forms.setdefault("sft", [0, block.line])[0] += block.count
    return True


def _judged(
    tallies: list[_Tally], source: Source, line: int, text: bytes, layout: str, known: int
) -> Iterator[LineFinding]:
    """Judge one line for all targets: what none of them can refuse is not even parsed."""
    parsed: Line | None = None
    for tally in tallies:
        form = "sft"
        if not tally.gate.takes(known, text):
            parsed = parsed or Line(text, layout)
            verdict = tally.gate.explain(parsed)
            form = verdict.form
            tally.images += verdict.images
            for rule, hit in verdict.breaches:
                yield _line_finding(tally.gate.profile, rule, source, hit.cause, line, hit.path, verdict.column)
        if tally.foreign is None and not _own(tally.gate.profile, layout, known, parsed):
            tally.foreign = line
        forms = tally.forms.get(form)
        if forms is None:
            tally.forms[form] = [1, line]
        else:
            forms[0] += 1


def _own(profile: Profile, layout: str, known: int, parsed: Line | None) -> bool:
    """Say whether a line is in a layout that the target takes."""
    if layout == profile.layout or layout in profile.also:
        return True
    if profile.layout != "claude" or layout != _CHAT:
        return False
    if parsed is None:
        return bool(known & WITHOUT_SYSTEM)
    # Without a system message, Claude's rows and plain chat rows are the same.
    return not parsed.speech.preference and all(
        turn.role in ("user", "assistant") and not turn.images for turn in parsed.speech.turns
    )


def _whole_file(
    tally: _Tally, source: Source, path: Path, rows: int | None, size: int, marked: bool
) -> Iterator[LineFinding]:
    profile = tally.gate.profile
    suffixes, names = profile.rule("file-suffix"), profile.rule("file-name")
    named = not is_stdin(path)
    if named and suffixes is not None and path.suffix.lower() not in suffixes.params["suffixes"]:
        yield from _file_finding(profile, "file-suffix", source, f"the file is named {path.suffix or 'without suffix'}")
    if named and names is not None and not re.fullmatch(names.params["pattern"], path.name):
        yield from _file_finding(profile, "file-name", source, "the name of the file has another character")
    if marked:
        yield from _file_finding(profile, "bom", source, "the file opens with a byte order mark")
    elif rows != 0:
        yield from _file_finding(profile, "bom-required", source, "the file does not open with a byte order mark")
    encodings = profile.rule("encoding")
    if encodings is not None and source.encoding.lower().replace("_", "-") not in encodings.params["encodings"]:
        yield from _file_finding(profile, "encoding", source, f"the file is read as {source.encoding}, not as UTF-8")
    if tally.foreign is not None:
        taken = " or ".join(one for one in (profile.layout, *profile.also) if one != ARRAY)
        cause = f"rows are in the layout {tally.gate.layout}; the target takes {taken} (first: line {tally.foreign})"
        yield from _file_finding(profile, "layout", source, cause)
    pairs = tally.forms.get("dpo", (0,))[0]
    for rule, cause, _ in file_faults(profile, rows, size, tally.images, pairs):
        yield _line_finding(profile, rule, source, cause)
    forms = {form: count for form, count in tally.forms.items() if form in FORMS}
    if len(forms) > 1:
        listed = ", ".join(f"{count:,} {FORMS[form]} (first: line {line})" for form, (count, line) in forms.items())
        yield from _file_finding(profile, "mixed-forms", source, f"the file mixes rows: {listed}")


def _file_finding(
    profile: Profile, kind: str, source: Source, cause: str, line: int | None = None
) -> Iterator[LineFinding]:
    rule = profile.rule(kind)
    if rule is not None:
        yield _line_finding(profile, rule, source, cause, line)


def _line_finding(
    profile: Profile,
    rule: Rule,
    source: Source,
    cause: str,
    line: int | None = None,
    path: str = "",
    column: int | None = None,
) -> LineFinding:
    from ftdata.transforms.fit.fixes import fixable  # the fixes know what they cure; and they look at targets

    return LineFinding(
        target=profile.name,
        code=rule.code,
        level=rule.level,
        file=source.name,
        line=line,
        column=column,
        path=path,
        cause=cause,
        fix=rule.fix,
        evidence=rule.evidence,
        source=str(rule.source),
        fixable=fixable(rule),
    )


def file_faults(
    profile: Profile, rows: int | None, size: int, with_images: int, pairs: int = 0
) -> Iterator[tuple[Rule, str, dict[str, int]]]:
    """Give the rules about a whole file that its numbers break, each with the cause and the numbers behind it.

    `size` is in bytes; `with_images` counts the rows that show an image, `pairs` those with two answers; `rows` is null
    where they cannot be counted.
    """
    least, useful, most = profile.rule("min-rows"), profile.rule("few-rows"), profile.rule("max-rows")
    if rows is not None and least is not None and rows < least.params["minimum"]:
        minimum = least.params["minimum"]
        yield least, f"{rows:,} of the {minimum:,} rows that are needed", {"rows": rows, "minimum": minimum}
    elif rows is not None and useful is not None and rows < useful.params["useful"]:
        enough = useful.params["useful"]
        yield useful, f"{rows:,} of the {enough:,} rows to start with", {"rows": rows, "useful": enough}
    if rows is not None and most is not None and rows > most.params["maximum"]:
        yield most, f"{rows:,} rows", {"rows": rows, "maximum": most.params["maximum"]}
    advised = profile.rule("few-pairs")
    if advised is not None and 0 < pairs < advised.params["useful"]:
        enough = advised.params["useful"]
        yield advised, f"{pairs:,} of the {enough:,} pairs that are advised", {"pairs": pairs, "useful": enough}
    shown = profile.rule("image-rows")
    for kind in ("file-size", "upload-size"):
        biggest = profile.rule(kind)
        if biggest is not None and size > biggest.params["maximum_bytes"]:
            yield biggest, f"bytes: {size:,}", {"bytes": size, "maximum": biggest.params["maximum_bytes"]}
    if shown is not None and with_images > shown.params["maximum"]:
        numbers = {"rows": with_images, "maximum": shown.params["maximum"]}
        yield shown, f"rows with images: {with_images:,}", numbers
