"""Write the reference pages from the code: `python docs/generate.py`; with `--check`, only say what is out of date."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import Any

import click
from formats import table

from ftdata import hooks
from ftdata.cli import COMMANDS, cli
from ftdata.conversation import Conversation
from ftdata.examples import Outcome, outcomes
from ftdata.provenance import Provenance
from ftdata.recipe import Options
from ftdata.stages import KINDS, Example, Stage
from ftdata.writers.cargo import CARGO
from ftdata.writers.json_lines import JsonLines

HERE = Path(__file__).parent
os.environ["FTDATA_PII_KEY"] = "an example of a key"  # that of the examples: the tokens shown hang on it
MARK = "<!-- Written by docs/generate.py from the code: do not edit. -->\n"
PURPOSE = {
    "reader": "Readers turn the numbered records of an input into conversations. Used in `[[read]]`.",
    "transform": "Transforms see one row at a time: they edit, flag, or give a reason to drop. Used in `[[step]]`.",
    "selector": "Selectors decide what depends on other rows. Used in `[[step]]`.",
    "check": "Checks only look, and judge the dataset. Used in `[[step]]`, anywhere.",
    "writer": "Writers write the rows that are left. Used in `[[write]]`.",
    "trainer": "Trainers hand a proven run to a service or a local tool.",
}


def stages() -> str:
    """Give the page of all built-in stages."""
    parts = [MARK, "# Stages\n", "`ftdata stages` lists them, plugins' too; `ftdata stages NAME` prints one.\n"]
    for kind in (base.kind for base in KINDS):
        entries = sorted((e.stage for e in hooks.builtin() if e.stage.kind == kind), key=lambda stage: stage.name)
        if not entries:
            continue
        parts += [f"## {kind.title()}s\n", PURPOSE[kind] + "\n"]
        for stage in entries:
            parts += [f"### {kind} `{stage.name}`\n", text(stage), fields(stage), *examples(stage)]
    return "\n".join(parts)


def text(thing: Any) -> str:
    """Give a docstring as Markdown: a block that is indented under `Raises:` becomes a paragraph."""
    lines = []
    for line in (inspect.getdoc(thing) or "").split("\n"):
        if line == "Raises:":
            lines += ["Raises:", ""]
        else:
            lines.append("- " + line.strip() if lines[-2:] == ["Raises:", ""] else line)
    return "\n".join(lines) + "\n"


def fields(model: Any) -> str:
    """Give the fields of a stage as a table."""
    rows = ["| field | default | meaning |", "|---|---|---|"]
    for name, info in model.model_fields.items():
        if info.is_required():
            default = "required"
        else:
            value = info.get_default(call_default_factory=True)
            default = "" if value is None or value == () else f"`{toml(value)}`"
        rows.append(f"| `{info.alias or name}` | {cell(default)} | {cell(info.description or '')} |")
    return "\n".join(rows) + "\n"


def examples(stage: type[Stage]) -> list[str]:
    """Run the examples of a step; give each as a table of its rows before and after, or of a check's findings."""
    parts = []
    for example in stage.examples:
        settings = ", ".join(f"`{name} = {toml(value)}`" for name, value in example.fields.items())
        rows, found = outcomes(stage, example)
        before = [turns(row.before) for row in rows] or [listed(example)]
        after = [outcome(row) for row in rows] or ["<br>".join(f"`{one.code}` {cell(one.message)}" for one in found)]
        lines = ["| before | after |", "|---|---|"]
        lines += [f"| {old} | {new or 'nothing to say'} |" for old, new in zip(before, after, strict=True)]
        parts += [f"Example: {example.says}" + (f" ({settings})" if settings else "") + "\n", "\n".join(lines) + "\n"]
    return parts


def listed(example: Example) -> str:
    """Give the rows that a check looks at, the first six, in one cell."""
    told = []
    for at, row in enumerate(example.rows[:6]):
        texts = [
            f"{role}: {literal(text)}" for role, text in (one if isinstance(one, tuple) else ("", one) for one in row)
        ]
        meta = f" `meta` {literal(toml(example.meta[at]))}" if example.meta else ""
        told.append(f"{at + 1}. {' / '.join(texts)}{meta}")
    more = len(example.rows) - len(told)
    return "<br>".join([*told, *([f"… and {more} more"] if more else [])])


def turns(row: Conversation) -> str:
    """Give a conversation inside a cell: one line a turn, what cannot be seen made visible; below, its meta."""
    told = [
        f"{message.role}: {literal(message.content or '')}" + (" (a call)" if message.tool_calls else "")
        for message in row.messages or ()
    ]
    told += [f"`meta` {literal(toml(row.meta))}"] if row.meta else []
    return "<br>".join(told)


def outcome(row: Outcome) -> str:
    """Say what became of a row: its reason, its flags, side and tags, its texts where they were edited."""
    note = f" ({row.note})" if row.note else ""
    if row.drop is not None:
        return f"dropped: `{row.drop}`{note}"
    told = [f"flag `{flag}`" for flag in row.after.flags if flag not in row.before.flags]
    told += [f"split `{row.after.split}`"] if row.after.split != row.before.split else []
    old = row.before.meta or {}
    tags = {key: value for key, value in (row.after.meta or {}).items() if old.get(key) != value}
    told += [f"`meta` {literal(toml(tags))}"] if tags else []
    told += [turns(row.after.model_copy(update={"meta": None}))] if row.after.messages != row.before.messages else []
    return "<br>".join(told or ["kept as it is"]) + (note if told else "")


def literal(value: str) -> str:
    """Show a text as it is: no Markdown, no HTML, line breaks and unseen characters written out."""
    plain = value.replace("\\", "\\\\").replace("\n", "⏎")
    plain = "".join(sign if sign.isprintable() else f"U+{ord(sign):04X}" for sign in plain)
    for sign, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("`", "\\`"), ("*", "\\*")):
        plain = plain.replace(sign, shown)
    return plain.replace("[", "\\[").replace("_", "\\_")


def toml(value: Any) -> str:
    """Give a default as it would stand in a recipe."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, int) and value >= 10_000:
        return f"{value:_}"
    return str(value)


def cell(value: str) -> str:
    """Keep a text inside its cell of a table."""
    return value.replace("|", "\\|").replace("\n", " ")


def commands() -> str:
    """Give the page of all commands and their options."""
    parts = [MARK, "# Commands\n", "Data goes to stdout, all else to stderr; `-` is stdin or stdout.\n"]
    context = click.Context(cli, info_name="ftdata")
    found = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found.append(("##", f"ftdata {name}", command))
        inside = command.commands.items() if isinstance(command, click.Group) else ()
        found += [("###", f"ftdata {name} {inner}", under) for inner, under in inside]
    for level, name, command in found:
        inner = click.Context(command, info_name=name.split()[-1], parent=context)
        usage = " ".join([name, *command.collect_usage_pieces(inner)])
        body = inspect.cleandoc(command.help or "")
        if "\b" in body:
            body, _, example = body.partition("\b\n")
            block, _, rest = example.partition("\n\n")
            body = f"{body}```text\n{block}\n```\n" + (f"\n{rest}\n" if rest else "")
        parts += [f"{level} `{usage}`\n", body.rstrip() + "\n", options(command, inner)]
    return "\n".join(parts).rstrip() + "\n"


def options(command: click.Command, context: click.Context) -> str:
    """Give the options of a command as a table."""
    rows = ["| option | meaning |", "|---|---|"]
    for option in command.get_params(context):
        record = option.get_help_record(context)
        if isinstance(option, click.Option) and record is not None and "--help" not in option.opts:
            rows.append(f"| `{cell(record[0])}` | {cell(record[1])} |")
    return "\n".join(rows) + "\n" if len(rows) > 2 else ""


def held() -> str:
    """Give which layouts hold what a row may carry; what no layout is without is left out."""
    writers = [entry.stage for entry in hooks.builtin() if issubclass(entry.stage, JsonLines) and entry.stage.name]
    layouts = {stage.name: stage.carries for stage in sorted(writers, key=lambda stage: stage.name)}
    lines = [f"| | {' | '.join(f'`{name}`' for name in layouts)} |", "|---" * (len(layouts) + 1) + "|"]
    for word, meaning in CARGO.items():
        marks = ["✓" if word in carries else "·" for carries in layouts.values()]
        lines += [f"| `{word}`: {cell(meaning)} | {' | '.join(marks)} |"] if len(set(marks)) > 1 else []
    return "\n" + "\n".join(lines) + "\n\n"


def run_table() -> str:
    """Give the fields of the `[run]` table."""
    return fields(Options)


def provenance_table() -> str:
    """Give the fields of the `[provenance]` table."""
    return fields(Provenance)


def pages() -> dict[Path, str]:
    """Give every generated page, and those with a generated part."""
    recipe, exports, targets = HERE / "recipe.md", HERE / "exports.md", HERE / "targets.md"
    return {
        HERE / "stages.md": stages().rstrip() + "\n",
        HERE / "commands.md": commands(),
        recipe: filled(recipe, "run", run_table(), "provenance", provenance_table()),
        exports: filled(exports, "formats", table()),
        targets: filled(targets, "cargo", held()),
    }


def filled(page: Path, *named: str) -> str:
    """Give a page with its generated parts in place, each behind its name."""
    text = page.read_text()
    for name, part in zip(named[::2], named[1::2], strict=True):
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        text = before + start + part + end + after
    return text


def main() -> int:
    """Write the pages, or compare them."""
    stale = [path for path, page in pages().items() if not path.exists() or path.read_text() != page]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.name} is out of date; run: python docs/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages()[path])
        print(f"{path.name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
