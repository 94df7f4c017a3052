"""Reading chat JSONL into batches with line-exact errors, beside a bare parse and the readers people use.

    python benchmarks/read_jsonl.py [MEGABYTES]

Makes rows of three messages, about 800 bytes each, half of them plain ASCII, and reads the same file four ways, each in
a process of its own, best of three: `orjson.loads` on every line (keeping nothing), the `openai-chat` reader (every row
counted, the file hashed, batches kept one at a time), `polars.read_ndjson` with the schema given,
`datasets.load_dataset("json")` offline with an empty cache. The file is in the page cache; imports are not counted.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ENGLISH = (
    "the of to and your order invoice account please thank you for we have is not can will be that this with delivery "
    "refund card payment password reset address hello dear customer support team sorry delay shipped tomorrow number"
).split()
PORTUGUESE = (
    "o a de que e não você seu pedido entrega obrigado cartão também está conta usuário conexão senha para com uma por "
    "fatura endereço olá cliente equipe suporte desculpe atraso enviado amanhã número reembolso pagamento ainda foi"
).split()

WAYS = {
    "orjson.loads": """
import orjson
def read(path):
    rows = 0
    with open(path, "rb") as file:
        for line in file:
            orjson.loads(line)
            rows += 1
    return rows
""",
    "ftdata openai-chat": """
from pathlib import Path
from ftdata.readers.openai_chat import OpenAIChat
from ftdata.source import Source
def read(path):
    rows = 0
    with Source(path) as source:
        for batch in OpenAIChat(path=Path(path)).read(source):
            rows += batch.height
            assert batch["drop"].null_count() == batch.height
        assert source.handed == rows and len(source.inputs[0].sha256) == 64
    return rows
""",
    "polars.read_ndjson": """
import polars as pl
message = pl.Struct({"role": pl.String, "content": pl.String, "name": pl.String, "weight": pl.Int8})
schema = {"messages": pl.List(message)}
def read(path):
    return pl.read_ndjson(path, schema=schema).height
""",
    "datasets.load_dataset": """
import os, tempfile
cache = tempfile.mkdtemp(dir=os.environ["CACHE"])
os.environ.update(HF_HOME=cache, HF_DATASETS_OFFLINE="1", HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
import datasets
def read(path):
    return datasets.load_dataset("json", data_files=path, split="train", cache_dir=cache).num_rows
""",
}
TIMED = """
import json, resource, sys, time
open(sys.argv[1], "rb").read(1 << 20)
def cpu():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
before, start = cpu(), time.perf_counter()
rows = read(sys.argv[1])
print(json.dumps([rows, cpu() - before, time.perf_counter() - start,
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def generate(path: Path, size: int) -> int:
    rng = random.Random(0)
    pools = [
        [" ".join(rng.choices(words, k=n)) for n in (11, 12, 13, 38, 40, 42) for _ in range(200)]
        for words in (ENGLISH, PORTUGUESE)
    ]
    rows = 0
    with path.open("wb") as out:
        while out.tell() < size:
            pool = pools[rows % 2]  # half the conversations are plain ASCII, half are not
            system, user, answer = rng.choice(pool[:600]), rng.choice(pool[600:]), rng.choice(pool[600:])
            messages = [
                {"role": "system", "content": f"You are the help desk. {system}"},
                {"role": "user", "content": f'Ticket {rows}: "{user}"\n{rng.choice(pool[:600])}?'},
                {"role": "assistant", "content": f"{answer}.\n\n{rng.choice(pool[:600])}."},
            ]
            out.write(json.dumps({"messages": messages}, ensure_ascii=False).encode() + b"\n")
            rows += 1
    return rows


def main() -> int:
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        rows = generate(path, int(size * 1e6))
        held = path.stat().st_size
        print(
            f"{held / 1e6:.0f} MB, {rows:,} rows of {held / rows:.0f} bytes, {os.cpu_count()} cores, Python",
            sys.version.split()[0],
        )
        print(", ".join(f"{name} {version(name)}" for name in ("ftdata", "msgspec", "orjson", "polars", "datasets")))
        print(f"{'':24}{'rows':>10}{'CPU s':>9}{'wall s':>9}{'peak MiB':>10}")
        best = {}
        for name, code in WAYS.items():
            runs = []
            for _ in range(3):
                done = subprocess.run(
                    [sys.executable, "-c", code + TIMED, str(path)],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, "CACHE": folder},
                )
                runs.append(json.loads(done.stdout.splitlines()[-1]))
            assert all(run[0] == rows for run in runs), (name, runs)
            best[name] = (min(run[1] for run in runs), min(run[2] for run in runs))
            print(f"{name:24}{rows:>10,}{best[name][0]:>9.2f}{best[name][1]:>9.2f}{max(run[3] for run in runs):>10.0f}")
    bare, ours, polars, hub = (best[name] for name in WAYS)
    verdicts = (
        (f"CPU {ours[0] / bare[0]:.2f} x a bare orjson.loads pass (at most 2.5)", ours[0] <= 2.5 * bare[0]),
        (f"polars.read_ndjson takes {polars[0] / ours[0]:.2f} x our CPU (at least 1.8)", polars[0] >= 1.8 * ours[0]),
        (f"datasets.load_dataset takes {hub[1] / ours[1]:.2f} x our wall time (at least 1)", hub[1] >= ours[1]),
    )
    for text, good in verdicts:
        print("ok  " if good else "MISS", text)
    return 0 if all(good for _, good in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
