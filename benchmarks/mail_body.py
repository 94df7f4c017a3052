"""Cutting quotes, signatures and disclaimers out of e-mail bodies, beside the two packages people use for it.

    python benchmarks/mail_body.py [PYTHON_WITH_THE_PEERS]

The peers, `mail-parser-reply` and `email-reply-parser`, are run by a Python of their own that has them
(`python -m venv peers; peers/bin/pip install mail-parser-reply email-reply-parser`). Two sets of mails, marked by hand
line by line (`tests/readers/mail_expected`): those of zapier/email-reply-parser, and our own in ten languages. Printed
of each way: the share of newly written characters that were kept, the share of quotes, signatures and disclaimers that
went, how many mails came out exactly, how many empty. `mail-parser-reply` is told the language of each mail, and
English. Then the speed where there is nothing to cut, and on a megabyte made to be slow. CPU seconds, best of five.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/readers"))

from mail_expectations import SHARED, Mail, kept, others, own, shares

from ftdata.readers.mail_body import new_text

PEERS = """
import json, sys, time
from importlib.metadata import version
bodies, languages, plain = json.load(sys.stdin)
from email_reply_parser import EmailReplyParser as Old
from mailparser_reply import EmailReplyParser as New
from mailparser_reply.constants import MAIL_LANGUAGES
told = {one: New(languages=["en"] + [one] * (one != "en")) for one in {"en", *languages} if one in MAIL_LANGUAGES}
ways = {
    "mail-parser-reply " + version("mail-parser-reply"):
        lambda body, one: told.get(one, told["en"]).parse_reply(text=body) or "",
    "email-reply-parser " + version("email-reply-parser"): lambda body, one: Old.parse_reply(body),
}
out = {}
for name, way in ways.items():
    texts = []
    for body, one in zip(bodies, languages):
        try:
            texts.append(way(body, one))
        except Exception as error:
            texts.append("")
    began = time.process_time()
    for body in plain:
        way(body, "en")
    out[name] = [texts, time.process_time() - began]
json.dump(out, sys.stdout)
"""

_WORDS = (
    "the of to and your order invoice account please thank you for we have is not can will be that this with delivery "
    "refund card payment password reset address hello dear customer support team sorry delay shipped tomorrow number"
).split()

_SLOW = {
    "On On On": "On " * 350_000,
    "On:": "On:\n" * 260_000,
    "> lines": ">\n" * 500_000,
    "From: lines": "From:\n" * 170_000,
    "wrote: lines": "wrote:\n" * 150_000,
    "addresses": "On 10:11 " + "a@" * 500_000 + " wrote:\nx",
    "heads and answers": "On 3/3/2025 10:11, a <a@b.c> wrote:\n> a\nb\n" * 24_000,
    "-- lines": "--\n" * 350_000,
}


def plain_bodies(lines: bool) -> list[str]:
    """Make bodies of tickets without anything to cut: broken into lines, or a paragraph a line."""
    rng = random.Random(1)
    bodies = []
    for _ in range(2000):
        paragraphs = []
        for _ in range(rng.randint(1, 6)):
            sentences = [
                " ".join(rng.choices(_WORDS, k=rng.randint(4, 16))).capitalize() for _ in range(rng.randint(1, 6))
            ]
            paragraphs.append(
                ("\n" if lines else " ").join(
                    f"{one}{rng.choice('.........................?????:')}" for one in sentences
                )
            )
        bodies.append("\n\n".join(paragraphs))
    return bodies


def fastest(way: Callable[[str], object], bodies: list[str]) -> float:
    """Give the CPU seconds of the best of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for body in bodies:
            way(body)
        rounds.append(time.process_time() - began)
    return min(rounds)


def _language(name: str) -> str:
    """Say in which language a mail is: its file is named after it, or its name begins with it."""
    group, _, title = name.partition("/")
    return {"zapier": "en", "more": title[:2]}.get(group, group)


def report(title: str, mails: list[Mail], ways: dict[str, list[str]]) -> None:
    """Print how well each way cut a set of mails."""
    print(f"\n{title}: {len(mails)} mails")
    for name, texts in ways.items():
        judged = [kept(mail, text) for mail, text in zip(mails, texts, strict=True)]
        new, gone = shares(judged)
        exact = sum(
            all(some == (all_ if letter == "n" else 0) for letter, (some, all_) in one.items() if letter in "nqsd")
            for one in judged
        )
        empty = sum(not text.strip() for text in texts)
        print(
            f"  {name:28} {new:7.2%} of new text kept  {gone:7.2%} of the rest gone  {exact:3} exact  {empty:2} empty"
        )


def main() -> None:
    """Run all ways."""
    peers = sys.argv[1] if len(sys.argv) > 1 else None
    sets = {"our own mails": list(own())}
    if SHARED.exists():
        sets = {"mails of zapier/email-reply-parser": list(others()), **sets}
    broken, running = plain_bodies(True), plain_bodies(False)
    bodies = [mail.body for mails in sets.values() for mail in mails]
    languages = [_language(mail.name) for mails in sets.values() for mail in mails]
    ways = {f"ftdata {version('ftdata')}": [new_text(body, sure=True).text for body in bodies]}
    seconds: dict[str, float] = {}
    if peers:
        done = subprocess.run(
            [peers, "-c", PEERS],
            input=json.dumps([bodies, languages, broken[:200]]),
            capture_output=True,
            text=True,
            check=True,
        )
        for name, (texts, spent) in json.loads(done.stdout).items():
            ways[name], seconds[name] = texts, spent
    at = 0
    for title, mails in sets.items():
        report(title, mails, {name: texts[at : at + len(mails)] for name, texts in ways.items()})
        at += len(mails)
    print("\nnothing to cut, MB/s of CPU time")
    for title, some in (("broken into lines", broken), ("a paragraph a line", running)):
        size = sum(len(body.encode()) for body in some)
        spent = fastest(lambda body: new_text(body, sure=True), some)
        print(f"  ftdata, {title:22} {size / spent / 1e6:8.1f}   ({size / len(some):.0f} bytes a body)")
    size = sum(len(body.encode()) for body in broken[:200])
    for name, spent in seconds.items():
        print(f"  {name:30} {size / spent / 1e6:8.1f}")
    print("\na megabyte made to be slow, CPU seconds")
    for title, body in _SLOW.items():
        print(f"  {title:24} {fastest(lambda one: new_text(one, sure=True), [body]):6.2f}")


if __name__ == "__main__":
    main()
