"""Damaged chat logs: no exception but `InputError`, no hang, and every record owned by exactly one row."""

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ftdata.batch import SCHEMA
from ftdata.errors import InputError
from ftdata.readers.chat_log import ChatLog
from ftdata.source import Source

TABLE = (
    "conversation_id,created_at,author,is_private,body\r\n"
    + "".join(
        f"{n % 7},{1 + n % 12:02}/{1 + n % 9:02}/2025 10:{n % 60:02},{'Sol' if n % 2 else 'Ana'},"
        f'{"true" if n % 9 == 0 else "false"},"The printer ""{n}"" in room {n} prints nothing\nat all, please."\r\n'
        for n in range(40)
    )
).encode()
OBJECTS = "".join(
    f'{{"session": {n % 5}, "from": {{"name": "{"Sol" if n % 2 else "Ana"}"}}, "text": "O número {n} não abre.", '
    f'"ts": {1_700_000_000 + n * 900}}}\n'
    for n in range(40)
).encode()
LINES = (
    "Conversa\n\n"
    + "".join(
        f"[2025-03-{1 + n // 20:02} {n % 24:02}:{n % 60:02}] {'Sol' if n % 2 else 'Ana Lúcia'}: É a {n}: sim\nmais\n"
        for n in range(40)
    )
).encode()
CLOCKS = "".join(f"{n // 3 % 24:02}:{n % 60:02} <{'Sol' if n % 2 else 'Ana'}> {n}\n" for n in range(90)).encode()
PIECES = [
    *(b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\t", b"{", b"}", b"[", b"]", b":"),
    *(b": ", b"\n10:00 ", b"\n[2025-01-01 10:00] ", b"<", b">", b"\xe2\x80\xa8", b"\xe2\x80\x8f", b"null", b"99:99"),
]
FIELDS = [
    {},
    {"assistants": ("Sol",)},
    {"assistants": ("Sol",), "gap": "10m"},
    {"assistants": ("sol",), "merge": False},
]


def damaged(seed: int) -> tuple[str, bytes]:
    """Make one damaged log: bytes changed, cut, doubled, pieces put in."""
    rng = random.Random(seed)
    name, content = rng.choice([("log.csv", TABLE), ("log.jsonl", OBJECTS), ("log.txt", LINES), ("log", CLOCKS)])
    data = bytearray(content)
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
    return name, bytes(data)


def read(path: Path, seed: int) -> bool:
    """Read a log whole, if it can be read, and hold the records against the rows; say whether it was."""
    with Source(path) as source:
        with suppress(InputError):
            ChatLog.sniff(source)
        try:
            batches = list(ChatLog.model_validate({"path": path, **FIELDS[seed % len(FIELDS)]}).read(source))
        except InputError:
            return False
        owned = sorted(number for batch in batches for numbers in batch["origin"].to_list() for number in numbers)
        assert owned == list(range(1, source.handed + 1))
        assert all(batch.schema == SCHEMA for batch in batches)
        return True


def check(seeds: range, folder: Path) -> int:
    whole = 0
    for seed in seeds:
        name, content = damaged(seed)
        path = folder / name
        path.write_bytes(content)
        began = time.process_time()
        try:
            whole += read(path, seed // 4)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        assert time.process_time() - began < 5, seed
    return whole


@pytest.mark.parametrize("part", range(4))
def test_damaged_logs(part: int, tmp_path: Path) -> None:
    assert check(range(part * 150, (part + 1) * 150), tmp_path) > 50  # most are read, not refused


@pytest.mark.long
def test_many_damaged_logs(tmp_path: Path) -> None:
    assert check(range(2_000, 22_000), tmp_path) > 5_000
