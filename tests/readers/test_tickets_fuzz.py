"""Damaged ticket exports: no exception but `InputError`, no hang, and every record owned by exactly one row."""

import random
import time
from pathlib import Path

import pytest

from ftdata.batch import SCHEMA
from ftdata.errors import InputError
from ftdata.readers.tickets import Tickets
from ftdata.source import Source

MESSAGES = (
    "ticket_id,created_at,author,role,public,body\r\n"
    + "".join(
        f"{n % 7},2025-03-{1 + n % 27:02}T10:{n % 60:02}:00Z,a{n % 5},{'agent' if n % 2 else 'customer'},"
        f'{"false" if n % 9 == 0 else "true"},"The printer ""{n}"" in room {n} prints nothing\nat all, please."\r\n'
        for n in range(40)
    )
).encode()
TICKETS = (
    "número;descrição;resposta;situação\n"
    + "".join(f'{n};"A nota {n} não é emitida.";"Atualize, opção {n}.";ok\n' for n in range(9, 49))
).encode("cp1252")
PIECES = [b'"', b'""', b",", b";", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\t", b"<b>", b"\\"]


def damaged(seed: int) -> bytes:
    """Make one damaged export: bytes changed, cut, doubled, pieces put in."""
    rng = random.Random(seed)
    data = bytearray(rng.choice((MESSAGES, TICKETS)))
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(5)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at : at + rng.randrange(200)]
        elif what == 2:
            data[at:at] = rng.choice(PIECES)
        elif what == 3:
            data[at:at] = data[at : at + rng.randrange(300)]
        else:
            data[at:at] = rng.choice(PIECES) * rng.randrange(1, 50)
    return bytes(data)


def read(path: Path) -> None:
    """Read a file whole, if it can be read, and hold the records against the rows."""
    with Source(path) as source:
        try:
            batches = list(Tickets(path=path).read(source))
        except InputError:
            return
        owned = sorted(number for batch in batches for numbers in batch["origin"].to_list() for number in numbers)
        assert owned == list(range(1, source.handed + 1))
        assert all(batch.schema == SCHEMA for batch in batches)


def check(seeds: range, folder: Path) -> None:
    path = folder / "damaged.csv"
    for seed in seeds:
        path.write_bytes(damaged(seed))
        began = time.process_time()
        try:
            read(path)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        assert time.process_time() - began < 5, seed


@pytest.mark.parametrize("part", range(4))
def test_damaged_exports(part: int, tmp_path: Path) -> None:
    check(range(part * 500, (part + 1) * 500), tmp_path)


@pytest.mark.long
def test_many_damaged_exports(tmp_path: Path) -> None:
    check(range(2_000, 52_000), tmp_path)
