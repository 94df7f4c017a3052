"""`ftdata convert`."""

from __future__ import annotations

import click


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@click.option("--from", "reader", metavar="READER", help="Read IN as this format instead of guessing.")
@click.option("--to", "writer", metavar="WRITER", help="Write this format; default: by OUT (.jsonl, or a folder).")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="Set a field of the reader; may be repeated.")
@click.option("--encoding", help="Read IN in this encoding instead of deciding.")
@click.option("--pii/--no-pii", default=None, help="Scrub private data, or do not; default: scrub tickets and chats.")
@click.option("--max-bad", type=float, help="Fail if more records than this (a share below 1) cannot be read.")
@click.option("--max-drop", type=float, help="Fail if more rows than this (a share below 1) are dropped.")
@click.option(
    "--sample", "count", metavar="N", type=click.IntRange(1), help="Read the first N records, show them, write nothing."
)
@click.option("--jobs", metavar="N", type=click.IntRange(1, 64), help="Processes that share the work; default: 1.")
@click.option("--allow-network", "network", is_flag=True, help="Permit to fetch hf://owner/name from its hub.")
@click.option("--reverse", "back", is_flag=True, help="Give the old file OUT back that the chat file IN was made of.")
@click.option("--overwrite", is_flag=True, help="Replace an output that ftdata did not write.")
@click.option("--fresh", is_flag=True, help="Take nothing over from an interrupted run.")
@click.option("--json", "json", is_flag=True, help="Print the manifest as JSON on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def command(
    source: str,
    out: str,
    reader: str | None,
    writer: str | None,
    pairs: tuple[str, ...],
    encoding: str | None,
    pii: bool | None,
    max_bad: float | None,
    max_drop: float | None,
    count: int | None,
    jobs: int | None,
    network: bool,
    back: bool,
    overwrite: bool,
    fresh: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Convert one export to one training file; `-` is stdin/stdout.

    \b
    ftdata convert tickets.csv train.jsonl
    ftdata convert tickets.csv train.jsonl --set question=Body --set answer=Reply
    zcat old.jsonl.gz | ftdata convert - - | ftdata check - --for openai
    ftdata convert --reverse chat.jsonl old.jsonl    (byte for byte, or not at all)
    """
    if back:
        stated: dict[str, object] = {
            "--from": reader,
            "--to": writer,
            "--set": pairs,
            "--encoding": encoding,
            "--pii": pii is not None,
        }
        stated |= {"--max-bad": max_bad, "--max-drop": max_drop, "--sample": count, "--fresh": fresh}
        stated |= {"--jobs": jobs}
        stated["--allow-network"] = network
        _reverse(source, out, overwrite, json, quiet, [name for name, value in stated.items() if value])
        return
    from ftdata import sniff
    from ftdata.cli.run import outcome

    options = {"max_bad": max_bad, "max_drop": max_drop}
    options = {key: int(value) if value >= 1 else value for key, value in options.items() if value is not None}
    options |= {} if jobs is None else {"jobs": jobs}
    if json and out == "-":
        raise click.UsageError("--json and OUT - both want stdout; write to a file")
    with sniff.spooled(source, network) as path, sniff.landing(out) as target:
        recipe = sniff.conversion(
            path,
            target,
            reader=reader,
            writer=writer,
            pii=pii,
            fields=sniff.settings(pairs) | ({} if encoding is None else {"encoding": encoding}),
            options=options,
            beside=out != "-",
        )
        code = outcome(recipe, count, overwrite, fresh, quiet, json, kept=out != "-")
        if out == "-" and count is None:
            sniff.to_stdout(target)
    raise SystemExit(code)


def _reverse(chat: str, out: str, overwrite: bool, json: bool, quiet: bool, stated: list[str]) -> None:
    if stated:
        raise click.UsageError(f"--reverse takes its settings from the run's record; leave out {', '.join(stated)}")
    if json and out == "-":
        raise click.UsageError("--json and OUT - both want stdout; write to a file")
    if chat == "-":
        raise click.UsageError("--reverse finds the run's record by the chat file's name; give the file")
    from ftdata import sniff
    from ftdata.cli.terminal import as_json, line
    from ftdata.reverse import reverse

    with sniff.landing(out) as target:
        made = reverse(chat, target, overwrite)
        if out == "-":
            sniff.to_stdout(target)
    if json:
        as_json({"path": str(made.path), "records": made.records, "bytes": made.bytes, "sha256": made.sha256})
    elif not quiet:
        line(
            f"{out}: {made.records:,} records, {made.bytes:,} bytes, sha256 {made.sha256}: as they were read",
            fg="green",
        )
        line(f"record: {made.record.folder}")
