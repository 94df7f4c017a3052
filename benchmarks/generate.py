"""Generate large inputs for the benchmarks: seeded, so that the same size gives the same bytes.

python benchmarks/generate.py chat 1000000 chat.jsonl       # three-message conversations, about 750 bytes each
python benchmarks/generate.py messages 1000 messages.csv    # megabytes of one-row-per-message CSV, sorted by time
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

_WORDS = (
    "the order my account please when how invoice payment refund delivery parcel late broken screen update settings "
    "login reset help thank you we have sent new one today tomorrow within days team support ticket number address "
    "change plan cancel subscription month card charged twice app error message shows after install device warranty "
    "return label printer store o pedido não chegou ainda quando será entregue obrigado por favor ajuda conta boleto "
    "nota fiscal el pedido no llegó todavía gracias factura cuenta tarjeta devolución envío mañana"
).split()


def sentences(rng: random.Random, count: int = 4000) -> list[str]:
    """Make a pool of sentences of 5 to 17 words, one in fifty of them about a password."""
    pool = []
    for number in range(count):
        words = rng.choices(_WORDS, k=rng.randint(5, 17))
        if number % 50 == 0:
            words[2] = rng.choice(("password", "senha", "contraseña"))
        pool.append(" ".join(words).capitalize() + rng.choice(".?!"))
    return pool


def private(rng: random.Random) -> str:
    """Make a sentence that holds something private."""
    kind = rng.randrange(3)
    if kind == 0:
        return f"Write to user{rng.randrange(10**6)}@example.com please."
    if kind == 1:
        return "My card is 4111 1111 1111 1111."
    return "CPF 529.982.247-25."


def chat(rows: int, path: Path, seed: int = 1) -> None:
    """Write `rows` conversations of three messages, about 750 bytes each; one in eight holds private data."""
    rng = random.Random(seed)
    pool = sentences(rng)
    with path.open("w", encoding="utf-8") as out:
        for number in range(rows):
            asked = f"#{number} " + " ".join(rng.choices(pool, k=4))
            if rng.random() < 0.125:
                asked += " " + private(rng)
            row = {
                "messages": [
                    {"role": "system", "content": "You are the support of Example Shop. Answer briefly and politely."},
                    {"role": "user", "content": asked},
                    {"role": "assistant", "content": " ".join(rng.choices(pool, k=4))},
                ]
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def messages(megabytes: int, path: Path, seed: int = 1) -> None:
    """Write a CSV of one row per message, sorted by time: the messages of a ticket lie far apart."""
    rng = random.Random(seed)
    pool = sentences(rng)
    open_tickets: list[tuple[int, int]] = []
    ticket, written, second = 0, 0, 0
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write("ticket_id,created_at,author,role,public,body,category\n")
        while written < megabytes * 1_000_000:
            second += 1
            when = f"2025-{1 + second // 2_592_000 % 12:02}-{1 + second // 86_400 % 28:02}T"
            when += f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}Z"
            if len(open_tickets) < 20_000 or rng.random() < 0.25:
                ticket += 1
                open_tickets.append((ticket, 0))
                number, turn = ticket, 0
                open_tickets[-1] = (ticket, 1)
            else:
                at = rng.randrange(len(open_tickets))
                number, turn = open_tickets[at]
                if turn >= 3:
                    open_tickets[at] = open_tickets[-1]
                    open_tickets.pop()
                else:
                    open_tickets[at] = (number, turn + 1)
            role = "agent" if turn % 2 else "customer"
            public = "false" if rng.random() < 0.03 else "true"
            body = " ".join(rng.choices(pool, k=5)).replace('"', "'")
            line = f'{number},{when},{role}-{number % 97},{role},{public},"{body}",c{number % 7}\n'
            out.write(line)
            written += len(line.encode())


if __name__ == "__main__":
    kind, size, target = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    {"chat": chat, "messages": messages}[kind](size, target)
    print(f"{target}: {target.stat().st_size:,} bytes")
