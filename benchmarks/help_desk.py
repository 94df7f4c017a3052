"""Reading Zendesk exports into batches, beside `json` and `csv` of the standard library.

    python benchmarks/help_desk.py [MEGABYTES]

Makes the full JSON export of an account as Zendesk writes it (a ticket a line, comments with `html_body` and `via`
inside), and the tables of tickets, comments and users; reads both, each way in a process of its own, best of three:
`json.loads` of every line and `csv.reader` over the comments (keeping nothing), and the `help-desk` reader (file to
batches: every record counted, the files hashed, roles joined, private comments left out, conversations sorted and
merged). The files are in the page cache; imports are not counted.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

WORDS = (
    "the of to and your order invoice account please thank you for we have is not can will be that this with delivery "
    "refund card payment password reset address hello dear customer support team sorry delay shipped tomorrow number "
    "não você seu pedido entrega obrigado cartão também está conta usuário conexão senha fatura endereço olá équipe"
).split()
JSON = """
import json
def read(path):
    rows = 0
    with open(path, "rb") as stream:
        for line in stream:
            rows += 1 + len(json.loads(line)["comments"])
    return rows
"""
CSV = """
import csv
def read(path):
    with open(path + "/ticket_comment.csv", encoding="utf-8", newline="") as stream:
        return sum(1 for _ in csv.reader(stream)) - 1
"""
COMMENT = "id _fivetran_synced body created facebook_comment public ticket_id tweet user_id voice_comment".split()
TICKET = (
    "id assignee_id brand_id requester_id submitter_id ticket_form_id via_channel subject status created_at is_public"
).split()
USER = "id role name email chat_only moderator suspended signature shared_agent locale_id".split()
OURS = """
from pathlib import Path
from ftdata.readers.help_desk import HelpDesk
from ftdata.source import Source
def read(path):
    with Source(path) as source:
        owned = 0
        for batch in HelpDesk(path=Path(path)).read(source):
            owned += batch["origin"].list.len().sum()
        assert source.handed == owned and all(len(i.sha256) == 64 for i in source.inputs)
    return owned
"""
TIMED = """
import resource, sys, time
def cpu():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
before, start = cpu(), time.perf_counter()
rows = read(sys.argv[1])
print([rows, cpu() - before, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024])
"""


def text(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.choice((9, 20, 40, 80))))


def ticket(rng: random.Random, number: int) -> dict[str, Any]:
    start = datetime(2023, 1, 1, tzinfo=UTC).timestamp() + number * 60
    customer, agent = 10_000 + rng.randrange(5000), 100 + rng.randrange(30)
    comments = []
    for at in range(rng.choice((2, 3, 4, 6, 9))):
        body, who = text(rng), agent if at % 2 else customer
        comments.append(
            {
                "id": number * 10 + at,
                "type": "Comment",
                "author_id": who,
                "body": body,
                "html_body": f'<div class="zd-comment" dir="auto"><p dir="auto">{body}</p></div>',
                "plain_body": body,
                "public": not (who == agent and rng.random() < 0.15),
                "attachments": [],
                "audit_id": number * 10 + at + 500_000,
                "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
                "created_at": f"{datetime.fromtimestamp(start + at * 900, UTC):%Y-%m-%dT%H:%M:%SZ}",
                "metadata": {"system": {"client": "Mozilla/5.0", "location": "Lisboa"}, "custom": {}},
            }
        )
    return {
        "id": number,
        "url": f"https://example.zendesk.com/api/v2/tickets/{number}.json",
        "subject": text(rng)[:60],
        "raw_subject": "",
        "description": comments[0]["body"],
        "status": rng.choice(("solved", "closed", "open")),
        "priority": "normal",
        "requester_id": customer,
        "submitter_id": customer,
        "assignee_id": agent,
        "is_public": True,
        "created_at": comments[0]["created_at"],
        "via": {"channel": rng.choice(("web", "email"))},
        "tags": ["shipping", "vip"],
        "custom_fields": [{"id": 360000 + n, "value": None} for n in range(6)],
        "satisfaction_rating": {"score": "good"},
        "comments": comments,
    }


def lines(folder: Path, size: int) -> tuple[Path, int, int]:
    """Write the JSON export; give its path, records and bytes."""
    rng, path = random.Random(0), folder / "tickets.ndjson"
    held = rows = 0
    with path.open("wb") as stream:
        while held < size:
            one = ticket(rng, rows + 1)
            line = json.dumps(one, ensure_ascii=False).encode() + b"\n"
            stream.write(line)
            held += len(line)
            rows += 1 + len(one["comments"])
    return path, rows, held


def tables(folder: Path, size: int) -> tuple[Path, int, int]:
    """Write the three tables; give their folder, the comments and the bytes of these."""
    rng, home = random.Random(1), folder / "tables"
    home.mkdir()
    comments, rows, number = home / "ticket_comment.csv", 0, 0
    with comments.open("w", encoding="utf-8", newline="") as said, (home / "ticket.csv").open("w", newline="") as about:
        messages, tickets = csv.writer(said), csv.writer(about)
        messages.writerow(COMMENT)
        tickets.writerow(TICKET)
        while said.tell() < size:
            number += 1
            one = ticket(rng, number)
            tickets.writerow([{**one, "via_channel": one["via"]["channel"]}.get(key, "") for key in TICKET])
            for comment in one["comments"]:
                when = comment["created_at"].replace("T", " ").removesuffix("Z")
                cells = dict(zip(COMMENT, [comment["id"], when, comment["body"], when], strict=False))
                cells |= {
                    "public": str(comment["public"]).upper(),
                    "ticket_id": number,
                    "user_id": comment["author_id"],
                }
                messages.writerow([cells.get(key, "FALSE") for key in COMMENT])
                rows += 1
    with (home / "user.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(USER)
        table.writerows([n, "agent", f"Agent {n}", "", "", "", "", "", "", ""] for n in range(100, 130))
        table.writerows([n, "end-user", f"Customer {n}", "", "", "", "", "", "", ""] for n in range(10_000, 15_000))
    return home, rows, comments.stat().st_size


def main() -> int:
    size = int((float(sys.argv[1]) if len(sys.argv) > 1 else 100) * 1e6)
    with tempfile.TemporaryDirectory() as scratch:
        document, records, first = lines(Path(scratch), size)
        home, comments, second = tables(Path(scratch), size)
        told = ", ".join(f"{name} {version(name)}" for name in ("ftdata", "orjson", "polars"))
        print(f"{told}; Python {sys.version.split()[0]}, {os.cpu_count()} cores")
        print(f"JSON lines: {first / 1e6:.0f} MB, {records:,} records; comments: {second / 1e6:.0f} MB, {comments:,}")
        print(f"{'':28}{'records':>10}{'CPU s':>9}{'wall s':>9}{'MB/s':>9}{'peak MiB':>10}")
        for name, path, held, code in (
            ("json.loads, lines", document, first, JSON),
            ("ftdata help-desk, lines", document, first, OURS),
            ("csv.reader, comments", home, second, CSV),
            ("ftdata help-desk, tables", home, second, OURS),
        ):
            runs = []
            for _ in range(3):
                done = subprocess.run(
                    [sys.executable, "-c", code + TIMED, str(path)], capture_output=True, text=True, check=False
                )
                if done.returncode:
                    sys.exit(f"{name} failed: {done.stderr}")
                runs.append(json.loads(done.stdout.splitlines()[-1]))
            rows, cpu, wall, peak = (min(run[at] for run in runs) for at in range(4))
            print(f"{name:28}{rows:>10,}{cpu:>9.2f}{wall:>9.2f}{held / wall / 1e6:>9.1f}{peak:>10.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
