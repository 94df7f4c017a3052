"""Damaged exports of every family: errors of ftdata only, no hang, and every record owned by exactly one row.

The suite tries a few hundred inputs of each family; a long run takes a number and a family:

    FTDATA_FUZZ=50000 pytest tests/exports/test_fuzz.py -k slack
"""

from __future__ import annotations

import copy
import gzip
import io
import json
import os
import random
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from export_case import Case
from generate import cases

from ftdata import FtdataError, Source, hooks
from ftdata.batch import SCHEMA
from ftdata.hooks import raised_at

COUNT = int(os.environ.get("FTDATA_FUZZ", "0"))
"""Inputs per family; 0: those of the suite."""
SUITE = 120
LIMIT = 5.0
"""Seconds that one damaged input may take."""
FAMILIES: dict[str, list[Case]] = {}
for _case in cases():
    FAMILIES.setdefault(_case.reader, []).append(_case)
_PIECES = [
    *(
        b'"',
        b'""',
        b",",
        b";",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\t",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
    ),
    *(b": ", b"<b>", b"\\", b"\\u", b"\\ud800", b"\xe2\x80\xa8", b"\xe2\x80\x8e", b"null", b"NaN", b"1e999", b"99:99"),
    *(b"\nFrom x\n", b"\n> ", b"[23:59] <", b"13/13/13, 25:61 - ", b"<@U", b"=?utf-8?B?", b"--=_b\n", b"&#xD800;"),
]
_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 10**30, -(10**20), 1e308, float("nan"), "", " ", "\0", "x", "null", "\ud800"),
    *([], {}, [None], [[]], {"": None}, {"text": {"text": []}}, "2024-13-45T99:99:99Z", "9" * 400, 2**63, 1 / 3),
]


# --- damage -----------------------------------------------------------------------------------------------------------


def bytes_damaged(rng: random.Random, content: bytes) -> bytes:
    """Change, cut, double or put in bytes; take brackets away."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 12))):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(7)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at : at + rng.randrange(300)]
        elif what == 2:
            data[at:at] = rng.choice(_PIECES)
        elif what == 3:
            data[at:at] = data[at : at + rng.randrange(500)]
        elif what == 4:
            data[at:at] = rng.choice(_PIECES) * rng.randrange(1, 60)
        elif what == 5:
            brackets = [n for n in range(at, min(len(data), at + 400)) if data[n] in b"{}[]\"'()<>"]
            for n in reversed(brackets[: rng.randrange(1, 4)]):
                del data[n]
        elif rng.random() < 0.2:
            del data[at:]
    return bytes(data)


def _holders(value: Any) -> list[Any]:
    """List all objects and lists of a tree that hold something."""
    found, waiting = [], [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict | list) and holder:
            found.append(holder)
            waiting.extend(holder.values() if isinstance(holder, dict) else holder)
    return found


def tree_damaged(rng: random.Random, value: Any) -> Any:
    """Swap types in a JSON tree: null where objects were, numbers for texts, keys gone, items twice, depth."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        holders = _holders(value)
        if not holders:
            return copy.deepcopy(rng.choice(_VALUES))
        holder = rng.choice(holders)
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
        what = rng.randrange(6)
        if what <= 2:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
        elif what == 3:
            del holder[key]
        elif what == 4:
            other = rng.choice(holders)
            copied = json.dumps(other)
            holder[key] = json.loads(copied) if len(copied) < 20_000 else None
        else:
            deep: Any = holder[key] if not isinstance(holder[key], dict | list) else "x"
            for _ in range(rng.choice((3, 50, 400))):
                deep = [deep] if rng.random() < 0.5 else {"text": deep}
            holder[key] = deep
        if not holder:
            if isinstance(holder, dict):
                holder["x"] = 1
            else:
                holder.append(None)
    return value


def damaged(rng: random.Random, name: str, content: bytes) -> bytes:
    """Damage one file as what it is: an archive inside or outside, a JSON tree, or bytes."""
    if name.endswith(".zip") and rng.random() < 0.7:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = {member: packed.read(member) for member in packed.namelist()}
        chosen = rng.choice(list(members))
        members[chosen] = damaged(rng, chosen, members[chosen])
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for member, inside in members.items():
                archive.writestr(member, inside)
        return out.getvalue()
    if name.endswith(".gz") and rng.random() < 0.7:
        return gzip.compress(damaged(rng, name.removesuffix(".gz"), gzip.decompress(content)), 1)
    if name.endswith((".json", ".ndjson")) and content[:1] != b"\0" and rng.random() < 0.6:
        text = content.decode("utf-8-sig")
        if name.endswith(".json"):
            value = tree_damaged(rng, json.loads(text))
            return json.dumps(value, ensure_ascii=rng.random() < 0.9 or _lonely(value)).encode()
        values = tree_damaged(rng, [json.loads(line) for line in text.split("\n") if line])
        if isinstance(values, list):
            return "\n".join(json.dumps(value) for value in values).encode()
    return bytes_damaged(rng, content)


def _lonely(value: Any) -> bool:
    return "\\ud800" in json.dumps(value)


# --- reading ----------------------------------------------------------------------------------------------------------


class Hung(BaseException):
    """Raised from the alarm; no `except Exception` may swallow it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read(stage: Any, path: Path, fields: dict[str, Any], scratch: Path) -> bool:
    """Sniff and read an input whole, and hold its records against its rows; say whether it was read, not refused."""
    try:
        with Source(path) as source:
            stage.sniff(source)
            assert source.handed == 0, "sniff took records"
    except FtdataError:
        pass
    try:
        with Source(path, scratch=scratch) as source:
            batches = list(stage.model_validate({"path": path, **fields}).read(source))
            handed = source.handed
    except FtdataError as error:
        if "\n" in str(error) or "Traceback" in str(error):
            raise AssertionError("an error of more than one line") from error
        return False
    owned = sorted(number for batch in batches for numbers in batch["origin"].to_list() for number in numbers)
    assert owned == list(range(1, handed + 1)), f"{handed} records handed out, {len(owned)} owned"
    for batch in batches:
        assert batch.schema == SCHEMA, "another schema"
        dropped = batch.filter(batch["drop"].is_not_null())
        assert not dropped["messages"].list.len().sum(), "a dropped row holds messages"
    return True


def _varied(rng: random.Random, fields: dict[str, Any]) -> dict[str, Any]:
    extra: list[Callable[[], dict[str, Any]]] = [dict, dict, dict, lambda: {"merge": False}]
    return {**fields, **rng.choice(extra)()}


def try_family(family: str, seeds: range, folder: Path) -> tuple[int, dict[str, list[int]]]:
    """Try damaged inputs; give the number of those that were read, and the seeds of what went wrong, by kind."""
    stage = hooks.find(("reader",), family).stage
    homes = {case.name: case.write(folder) for case in FAMILIES[family]}
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    whole = 0
    wrong: dict[str, list[int]] = {}
    for seed in seeds:
        rng = random.Random(f"{family} {seed}")
        case = rng.choice(FAMILIES[family])
        home = homes[case.name]
        chosen = rng.sample(sorted(case.files), min(len(case.files), rng.choice((1, 1, 2))))
        for name in chosen:
            (home / name).write_bytes(damaged(rng, name, case.files[name]))
        began = time.process_time()
        what = None
        try:
            with within(LIMIT * 2):
                whole += read(stage, home / case.path, _varied(rng, case.fields), scratch)
        except Hung:
            what = f"over {LIMIT * 2} s, and stopped"
        except Exception as error:
            what = f"{type(error).__name__} at {raised_at(error)}: {str(error)[:200]}"
        if what is None and time.process_time() - began > LIMIT:
            what = f"over {LIMIT} s"
        if what is not None:
            wrong.setdefault(f"{case.name}: {what}", []).append(seed)
        for name in chosen:
            (home / name).write_bytes(case.files[name])
    return whole, wrong


@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_exports(family: str, tmp_path: Path) -> None:
    count = COUNT or SUITE
    whole, wrong = try_family(family, range(count), tmp_path)
    assert not wrong, "\n".join(
        f"{what} (seeds {', '.join(map(str, seeds[:5]))}; {len(seeds)})" for what, seeds in wrong.items()
    )
    assert whole > count // 5, f"only {whole} of {count} were read: the damage hides the reader"
