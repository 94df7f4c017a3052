"""Judge the raw lines of a file for one or more targets, with everything wrong in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ftdata.source import Source, is_one_value, is_stdin
from ftdata.targets import Profile, Rule, load
from ftdata.targets.gate import Gate

FORMS = {"sft": "supervised", "dpo": "preference", "rft": "reinforcement"}
"""The training methods whose rows a file may hold, by the form of a row."""


@dataclass(frozen=True, slots=True)
class LineFinding:
    """One breach in a file: enough to print `file:line  CODE  path  cause  fix`, and to say where the rule stands.

    `line` counts from 1 and is null for what concerns the whole file; `column` counts characters from 1 and is set for
    a line that is no JSON; `path` is the place inside the row (`messages[2].weight`), empty for the row itself.
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

    def as_json(self) -> dict[str, Any]:
        """Give the finding as values for JSON."""
        return asdict(self)


class _Tally(NamedTuple):
    gate: Gate
    forms: dict[str, list[int]]  # form -> how many rows, line of the first
    images: list[int]


def check_file(path: Path | str, targets: Sequence[str], encoding: str | None = None) -> list[LineFinding]:
    """Judge the raw lines of a file for one or more targets: everything wrong with it, in one pass.

    The findings of lines come in line order, then those of the whole file. `encoding` overrides the one found.

    Raises:
        RecipeError: a target is not known.
        InputError: the file is missing or unreadable.
    """
    gates = [Gate(load(target)) for target in targets]
    return list(_check(Path(path), gates, encoding))


def _check(path: Path, gates: list[Gate], encoding: str | None) -> Iterator[LineFinding]:
    with Source(path, encoding=encoding) as source:
        marked = source.head(3).startswith(b"\xef\xbb\xbf")
        tallies = [_Tally(gate, {}, [0]) for gate in gates]
        rows: int | None = 0
        if is_one_value(source.opening()):
            rows = None  # a whole array or object: to judge it by lines would name each of them
            for tally in tallies:
                cause = "the file is one JSON array or object, not one object per line"
                yield from _file_finding(tally.gate.profile, "row-object", source, cause, 1)
        for block in source.lines():
            if rows is None:
                continue
            for line, text in enumerate(block.lines, start=block.line):
                blank = not block.problem and not text.strip()
                rows += not blank
                for tally in tallies:
                    profile = tally.gate.profile
                    if blank:
                        yield from _file_finding(profile, "blank-line", source, "the line is blank", line)
                    elif block.problem:
                        yield from _file_finding(profile, "json", source, "the line is too long to be read", line)
                    else:
                        yield from _judged(tally, source, line, text)
        size = sum(file.bytes for file in source.inputs)
        for tally in tallies:
            yield from _whole_file(tally, source, path, rows, size, marked)


def _judged(tally: _Tally, source: Source, line: int, text: bytes) -> Iterator[LineFinding]:
    gate, form = tally.gate, "sft"
    if not gate.passes(text):
        verdict = gate.explain(text)
        form = verdict.form
        tally.images[0] += verdict.images
        for rule, hit in verdict.breaches:
            yield _line_finding(gate.profile, rule, source, hit.cause, line, hit.path, verdict.column)
    tally.forms.setdefault(form, [0, line])[0] += 1


def _whole_file(
    tally: _Tally, source: Source, path: Path, rows: int | None, size: int, marked: bool
) -> Iterator[LineFinding]:
    profile = tally.gate.profile
    suffixes = profile.rule("file-suffix")
    if not is_stdin(path) and suffixes is not None and path.suffix.lower() not in suffixes.params["suffixes"]:
        yield from _file_finding(profile, "file-suffix", source, f"the file is named {path.suffix or 'without suffix'}")
    if marked:
        yield from _file_finding(profile, "bom", source, "the file opens with a byte order mark")
    encodings = profile.rule("encoding")
    if encodings is not None and source.encoding.lower().replace("_", "-") not in encodings.params["encodings"]:
        yield from _file_finding(profile, "encoding", source, f"the file is read as {source.encoding}, not as UTF-8")
    for rule, cause, _ in file_faults(profile, rows, size, tally.images[0]):
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
    )


def file_faults(
    profile: Profile, rows: int | None, size: int, with_images: int
) -> Iterator[tuple[Rule, str, dict[str, int]]]:
    """Give the rules about a whole file that its numbers break, each with the cause and the numbers behind it.

    `size` is in bytes; `with_images` counts the rows that show an image; `rows` is null where they cannot be counted.
    """
    least, useful = profile.rule("min-rows"), profile.rule("few-rows")
    if rows is not None and least is not None and rows < least.params["minimum"]:
        minimum = least.params["minimum"]
        yield least, f"{rows:,} of the {minimum:,} rows that are needed", {"rows": rows, "minimum": minimum}
    elif rows is not None and useful is not None and rows < useful.params["useful"]:
        enough = useful.params["useful"]
        yield useful, f"{rows:,} of the {enough:,} rows to start with", {"rows": rows, "useful": enough}
    biggest, shown = profile.rule("file-size"), profile.rule("image-rows")
    if biggest is not None and size > biggest.params["maximum_bytes"]:
        yield biggest, f"bytes: {size:,}", {"bytes": size, "maximum": biggest.params["maximum_bytes"]}
    if shown is not None and with_images > shown.params["maximum"]:
        numbers = {"rows": with_images, "maximum": shown.params["maximum"]}
        yield shown, f"rows with images: {with_images:,}", numbers
