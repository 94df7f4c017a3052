"""Reading a Slack export into batches, beside the standard library's `json` and LangChain's loaders.

    python benchmarks/slack.py [MEGABYTES] [LANGCHAIN_PYTHON]

Makes the export of a workspace as Slack writes it (indented, with profiles and rich text beside each text; threads
over several days, bots, joins, files), as a folder and as a zip, and reads both, each way in a process of its own, best
of three: `json.loads` of every day's file (keeping nothing), the `slack` reader (file to batches: every record
counted, the files hashed, threads joined across days), LangChain's `SlackDirectoryLoader` and `SlackChatLoader` (zip
only; LANGCHAIN_PYTHON is a Python that has `langchain-community`, default this one). The files are in the page cache;
imports are not counted. Megabytes are those of the JSON, expanded.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

WORDS = (
    "the of to and your order invoice account please thank you for we have is not can will be that this with delivery "
    "refund card payment password reset address hello dear customer support team sorry delay shipped tomorrow number "
    "não você seu pedido entrega obrigado cartão também está conta usuário conexão senha fatura endereço olá équipe"
).split()
BLOCK = """
import json
def read(path):
    rows = 0
    for name, text in texts(path):
        rows += len(json.loads(text))
    return rows
"""
FOLDER = """
from pathlib import Path
def texts(path):
    for file in sorted(Path(path).glob("*/*.json")):
        yield file.name, file.read_bytes()
"""
ZIP = """
import zipfile
def texts(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if "/" in name:
                yield name, archive.read(name)
"""
OURS = """
from pathlib import Path
from ftdata.readers.slack import Slack
from ftdata.source import Source
def read(path):
    with Source(path) as source:
        owned = 0
        for batch in Slack(path=Path(path), assistants=("U0000", "U0001", "U0002")).read(source):
            owned += batch["origin"].list.len().sum()
        assert source.handed == owned and all(len(i.sha256) == 64 for i in source.inputs)
    return owned
"""
LANGCHAIN = """
from langchain_community.document_loaders import SlackDirectoryLoader
def read(path):
    return sum(1 for _ in SlackDirectoryLoader(path).lazy_load())
"""
SESSIONS = """
from langchain_community.chat_loaders.slack import SlackChatLoader
def read(path):
    return sum(len(m.additional_kwargs["events"]) for s in SlackChatLoader(path).lazy_load() for m in s["messages"])
"""
TIMED = """
import json, resource, sys, time
def cpu():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
before, start = cpu(), time.perf_counter()
rows = read(sys.argv[1])
print(json.dumps([rows, cpu() - before, time.perf_counter() - start,
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def message(rng: random.Random, user: str, at: float, number: int) -> dict[str, Any]:
    text = " ".join(rng.choices(WORDS, k=rng.choice((4, 9, 15, 30, 60))))
    if number % 7 == 0:
        text += f" <@U{rng.randrange(40):04}> &lt;see&gt; <https://example.com/{number}|the page>"
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    name = f"user{user[1:]}"
    more: dict[str, Any] = {}
    if number % 7 == 3:
        more["reactions"] = [{"name": "eyes", "users": [user, "U0001"], "count": 2}]
    if number % 29 == 5:
        more["edited"] = {"user": user, "ts": f"{at + 60:.6f}"}
    if number % 13 == 7:  # a link unfurled
        url = f"https://example.com/articles/{number}"
        about = " ".join(rng.choices(WORDS, k=30))
        more["attachments"] = [
            {"id": 1, "fallback": about, "title": about[:60], "title_link": url, "text": about, "from_url": url,
             "original_url": url, "service_name": "Example", "image_url": f"{url}.png", "image_width": 640}
        ]  # fmt: skip
    if number % 23 == 11:
        place = f"https://files.example.com/files-pri/T0534672TWT-F{number:08}/picture"
        more["files"] = [
            {"id": f"F{number:08}", "name": "picture.png", "title": "picture.png", "mimetype": "image/png",
             "filetype": "png", "mode": "hosted", "size": 239922, "is_public": True, "user": user,
             **{key: f"{place}_{key}.png" for key in ("url_private", "url_private_download", "permalink", "thumb_64",
                "thumb_80", "thumb_160", "thumb_360", "thumb_480", "thumb_720", "thumb_960", "thumb_1024")},
             **{f"thumb_{size}_{side}": 100 for size in (360, 480, 720, 960, 1024) for side in "wh"}}
        ]  # fmt: skip
        more["upload"] = True
    return {
        "client_msg_id": f"{number:08x}-2e71-4ac7-a6e8-b8ad8c344f58",
        "type": "message",
        "text": text,
        "user": user,
        "ts": f"{at:.6f}",
        "blocks": [{"type": "rich_text", "block_id": f"b{number % 997}", "elements": [rich]}],
        "team": "T0534672TWT",
        "user_team": "T0534672TWT",
        "source_team": "T0534672TWT",
        "user_profile": {
            "avatar_hash": "6ddef8ec0cab",
            "image_72": "https://avatars.example.com/2023-03-27/abcd1234_6ddef8ec0cab_72.png",
            "first_name": name.title(),
            "real_name": f"{name.title()} Example",
            "display_name": name,
            "team": "T0534672TWT",
            "name": name,
            "is_restricted": False,
            "is_ultra_restricted": False,
        },
        **more,
    }


def written(value: Any) -> bytes:
    return json.dumps(value, indent=4).replace("/", "\\/").encode()


def generate(folder: Path, size: int) -> tuple[int, int, int]:
    """Write the export under `folder/export` and as `folder/export.zip`; give its messages, files and bytes."""
    rng = random.Random(0)
    home = folder / "export"
    channels = [{"id": f"C{n:04}", "name": f"channel-{n}", "members": [], "created": 1} for n in range(20)]
    users = [
        {"id": f"U{n:04}", "name": f"user{n:04}", "real_name": f"User {n}", "is_bot": n > 35, "profile": {}}
        for n in range(40)
    ]
    files = {"channels.json": written(channels), "users.json": written(users)}
    rows = held = day = 0
    while held < size:
        start = datetime(2023, 1, 1, tzinfo=UTC).timestamp() + day * 86_400
        for channel in channels:
            said: list[dict[str, Any]] = []
            at, root = start, ""
            for _ in range(rng.randrange(20, 60)):
                at += rng.choice((20, 60, 300, 5000)) + rng.random()
                one = message(rng, f"U{rng.choice((0, 1, 2, rng.randrange(40))):04}", at, rows + len(said))
                if rng.random() < 0.3:
                    one["thread_ts"] = root = root or one["ts"]
                elif rng.random() < 0.05:
                    root = ""
                if rng.random() < 0.03:
                    one = {"type": "message", "subtype": "channel_join", "ts": one["ts"], "user": one["user"],
                           "text": f"<@{one['user']}> has joined the channel"}  # fmt: skip
                said.append(one)
            content = written(said)
            files[f"{channel['name']}/{datetime.fromtimestamp(start, UTC):%Y-%m-%d}.json"] = content
            rows += len(said)
            held += len(content)
            if held >= size:
                break
        day += 1
    with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            archive.writestr(name, content)
    return rows, len(files), held


def main() -> int:
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 100
    other = sys.argv[2] if len(sys.argv) > 2 else sys.executable
    found = subprocess.run([other, "-c", "import langchain_community; print(langchain_community.__version__)"],
                           capture_output=True, text=True)  # fmt: skip
    peer = found.stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        rows, files, held = generate(Path(folder), int(size * 1e6))
        packed = Path(folder, "export.zip").stat().st_size
        print(
            f"{held / 1e6:.0f} MB of JSON ({packed / 1e6:.1f} MB zipped), {rows:,} messages in {files:,} files, "
            f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
        )
        print(", ".join(f"{name} {version(name)}" for name in ("ftdata", "orjson", "polars")), end="")
        print(f", langchain-community {peer}" if peer else "; no langchain-community: not compared")
        ways: dict[str, tuple[str, str, str]] = {
            "json.loads, folder": (sys.executable, "export", FOLDER + BLOCK),
            "ftdata slack, folder": (sys.executable, "export", OURS),
            "json.loads, zip": (sys.executable, "export.zip", ZIP + BLOCK),
            "ftdata slack, zip": (sys.executable, "export.zip", OURS),
        }
        if peer:
            ways["SlackDirectoryLoader, zip"] = (other, "export.zip", LANGCHAIN)
            ways["SlackChatLoader, zip"] = (other, "export.zip", SESSIONS)
        print(f"{'':28}{'messages':>10}{'CPU s':>9}{'wall s':>9}{'MB/s':>9}{'peak MiB':>10}")
        best: dict[str, tuple[float, float]] = {}
        for name, (python, file, code) in ways.items():
            runs = []
            for _ in range(3):
                done = subprocess.run(
                    [python, "-c", code + TIMED, str(Path(folder, file))], capture_output=True, text=True, check=False
                )
                if done.returncode:
                    print(f"{name:28} failed: {done.stderr.strip().splitlines()[-1:]}")
                    break
                runs.append(json.loads(done.stdout.splitlines()[-1]))
            if not runs:
                continue
            cpu, wall = min(run[1] for run in runs), min(run[2] for run in runs)
            best[name] = cpu, wall
            print(
                f"{name:28}{runs[0][0]:>10,}{cpu:>9.2f}{wall:>9.2f}{held / 1e6 / wall:>9.1f}"
                f"{max(run[3] for run in runs):>10.0f}"
            )
            assert not name.startswith("ftdata") or runs[0][0] == rows, name
    missed = 0
    for name in [name for name in best if name.startswith("Slack")]:
        times = best[name][0] / best["ftdata slack, zip"][0], best[name][1] / best["ftdata slack, zip"][1]
        missed += min(times) < 1
        print(
            "ok  " if min(times) >= 1 else "MISS", f"{name} takes {times[0]:.2f} x our CPU, {times[1]:.2f} x our wall"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
