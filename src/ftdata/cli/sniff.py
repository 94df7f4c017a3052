"""`ftdata sniff`."""

from __future__ import annotations

import click


@click.command("sniff")
@click.argument("source", metavar="IN")
@click.option("--encoding", help="Read IN in this encoding instead of deciding.")
@click.option("--allow-network", "network", is_flag=True, help="Permit to fetch hf://owner/name from its hub.")
@click.option("--json", "json", is_flag=True, help="Print JSON on stdout.")
def command(source: str, encoding: str | None, network: bool, json: bool) -> None:
    """Say what an input is, why, and which flags force the guess.

    Columns are shown with the evidence for each. Exit codes: 0 known, 3 unknown or refused.
    """
    from ftdata.cli.terminal import as_json, data
    from ftdata.sniff import describe, sniff, spooled

    with spooled(source, network) as path:
        guesses = sniff(path, encoding)
        holds = describe(path, encoding)
    if json:
        as_json(
            [
                {
                    "reader": guess.reader.name,
                    "confidence": guess.sniff.confidence,
                    "evidence": list(guess.sniff.evidence),
                    "fields": dict(guess.sniff.fields),
                    "force": guess.sniff.force,
                    "refusal": guess.sniff.refusal,
                    "counts": dict(guess.sniff.counts),
                }
                for guess in guesses
            ]
        )
    else:
        for guess in guesses:
            name, found = guess.reader.name, guess.sniff
            if guess.sure:
                verdict = f"{name} ({found.confidence:.0%})"
            elif found.refusal:
                verdict = f"{name}, but a setting is missing" if found.force else f"refused by {name}"
            else:
                verdict = f"perhaps {name} ({found.confidence:.0%})"
            data(f"{source}: {verdict}")
            for phrase in found.evidence:
                data(f"  {phrase}")
            for key, value in found.fields.items():
                data(f"  {key} = {value}")
            if found.refusal:
                data(f"  refused: {found.refusal}")
            if found.force:
                data(f"  force with: {found.force}")
        if not guesses:
            data(f"{source}: no reader knows this format; it holds {holds}")
    if not any(guess.sure for guess in guesses):
        raise SystemExit(3)
