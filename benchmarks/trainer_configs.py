"""The folders that ftdata writes for local trainers, loaded by the trainers' own parsers and data loaders.

    python benchmarks/trainer_configs.py trl PYTHON [--keep]       (trl, axolotl, llama-factory, mlx-lm)

PYTHON is the interpreter of an environment that has the trainer (`INSTALL` says how). Each case of
`tests/writers/trainer_cases.py` is written, its configuration read as the trainer's command reads it, its data made
into examples by the trainer's own code (template, mask, cut), with a model of two tiny layers and a tokenizer of one
token a byte; then two steps are trained (TRL, mlx-lm). Compared: keys that the trainer does not know, rows in the file
and examples in its data set, and for each example which words are learnt of it, from the decoded labels: exactly those
that are due, arguments of tools as they were, none of them filled up or encoded twice. With `--keep` the verdicts are
kept for the test, which asks for a new run once a writer writes other bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests" / "writers"
INSTALL = {
    "trl": "torch==2.13.0 trl==1.16.0 peft",
    "axolotl": "torch==2.13.0; then axolotl==0.19.0 and what it pins, --no-deps (its full list brings CUDA)",
    "llama-factory": "torch==2.13.0; then llamafactory==0.9.5 and what it pins, --no-deps",
    "mlx-lm": "'mlx[cpu]' mlx-lm (also on Linux)",
}
# ChatML with tools, as Qwen has it: calls as JSON in a tag; generation marks around what the assistant says.
TEMPLATE = """{%- if tools %}<|im_start|>system
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' %}
{%- generation %}
{{- message.content or '' }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}' }}
{%- endfor %}
{{- '<|im_end|>' }}
{%- endgeneration %}
{%- else %}
{{- (message.content or '') + '<|im_end|>' }}
{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

Told = dict[str, Any]
"""What a trainer told of a case: `unknown` keys, `learnt` texts of each example by split, `steps` that it trained."""


# --- with the trainer -------------------------------------------------------------------------------------------------


def make_model(folder: Path) -> None:
    """Make a model of two tiny layers, with a tokenizer of one token a byte."""
    import numpy as np
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    marks = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "additional_special_tokens": ["<|im_start|>"]}
    told = PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=4096, **marks)
    told.chat_template = TEMPLATE
    told.save_pretrained(folder)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_key_value_heads": 2,
              "vocab_size": 259, "rms_norm_eps": 1e-6, "max_position_embeddings": 4096, "rope_theta": 10000.0,
              "tie_word_embeddings": False, "torch_dtype": "float32", "eos_token_id": 256}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config | shape))
    rng = np.random.default_rng(0)
    sizes = {"model.embed_tokens": (259, 16), "lm_head": (259, 16), "model.norm": (16,)}
    for layer in range(2):
        at = f"model.layers.{layer}"
        sizes |= {f"{at}.self_attn.{name}_proj": (16, 16) for name in "qkvo"}
        sizes |= {f"{at}.mlp.gate_proj": (32, 16), f"{at}.mlp.up_proj": (32, 16), f"{at}.mlp.down_proj": (16, 32)}
        sizes |= {f"{at}.input_layernorm": (16,), f"{at}.post_attention_layernorm": (16,)}
    weights = {f"{name}.weight": rng.normal(0, 0.1, size).astype("float32") for name, size in sizes.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def learnt(tokenizer: Any, tokens: Any, labels: Any) -> str:
    """Give the text of the tokens that are learnt."""
    return str(tokenizer.decode([int(token) for token, label in zip(tokens, labels, strict=True) if label != -100]))


def load_trl() -> Told:
    """Load as `trl sft --config` and `trl dpo --config` do, and train two steps."""
    from datasets import load_dataset
    from trl import DPOTrainer, SFTTrainer, get_peft_config
    from trl.scripts import dpo, sft

    verb = "dpo" if Path("dpo.yaml").is_file() else "sft"
    words = ["--config", f"{verb}.yaml", "--use_cpu", "true", "--max_steps", "2", "--per_device_train_batch_size", "1"]
    script, args, model, *_, unknown = (
        {"sft": sft, "dpo": dpo}[verb].make_parser().parse_args_and_config(words, return_remaining_strings=True)
    )
    rows = load_dataset(script.dataset_name, name=script.dataset_config)
    trainer: Any = {"sft": SFTTrainer, "dpo": DPOTrainer}[verb](
        model=model.model_name_or_path,
        args=args,
        train_dataset=rows[script.dataset_train_split],
        eval_dataset=rows[script.dataset_test_split] if args.eval_strategy != "no" else None,
        peft_config=get_peft_config(model),
    )
    tokenizer = trainer.processing_class

    def text(one: Told) -> str:
        if verb == "dpo":
            return " ".join(tokenizer.decode(one[key]) for key in ("chosen_ids", "rejected_ids"))
        return learnt(tokenizer, one["input_ids"], one["labels"])

    sides = {"train": trainer.train_dataset, "validation": trainer.eval_dataset}
    made = {side: [text(one) for one in held] for side, held in sides.items() if held is not None}
    trainer.train()
    trainer.save_model(args.output_dir)
    losses = [one["loss"] for one in trainer.state.log_history if "loss" in one]
    steps = trainer.state.global_step if all(loss == loss for loss in losses) else 0
    return {"unknown": unknown, "learnt": made, "steps": steps if Path("adapter/adapter_config.json").is_file() else 0}


def load_axolotl() -> Told:
    """Load as `axolotl train axolotl.yaml` does, up to the data set."""
    import yaml
    from axolotl.cli.args import TrainerCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets
    from axolotl.loaders import load_tokenizer
    from axolotl.utils.schemas.config import AxolotlInputConfig
    from axolotl.utils.schemas.datasets import SFTDataset

    given = yaml.safe_load(Path("axolotl.yaml").read_text(encoding="utf-8"))
    known = _fields(AxolotlInputConfig)
    unknown = [key for key in given if key not in known]
    for rows in (*given["datasets"], *given.get("test_datasets", [])):
        unknown += [f"datasets.{key}" for key in rows if key not in _fields(SFTDataset)]
    cfg = load_cfg("axolotl.yaml")
    tokenizer = load_tokenizer(cfg)
    meta = load_datasets(cfg=cfg, cli_args=TrainerCliArgs())
    sides = {"train": meta.train_dataset, "validation": meta.eval_dataset}
    made = {
        side: [learnt(tokenizer, one["input_ids"], one["labels"]) for one in held]
        for side, held in sides.items()
        if held is not None
    }
    return {"unknown": unknown, "learnt": made}


def _fields(schema: Any) -> set[str]:
    fields = schema.model_fields.items()
    return {str(word) for name, field in fields for word in (name, field.alias, field.validation_alias) if word}


def load_llama_factory() -> Told:
    """Load as `llamafactory-cli train train.yaml` does, up to the data set; bf16 is off where there is no device."""
    import types
    from dataclasses import fields

    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))  # it is imported, and used for sounds only
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.data.parser import DatasetAttr
    from llamafactory.hparams.parser import _TRAIN_ARGS, get_train_args, read_args
    from llamafactory.model import load_tokenizer

    sys.argv = ["llamafactory-cli", "train.yaml", "bf16=false", "use_cpu=true"]
    given: Any = read_args()
    known = {one.name for kind in _TRAIN_ARGS for one in fields(kind)}
    unknown = [key for key in given if key not in known]
    attributes = {one.name for one in fields(DatasetAttr)} | {"file_name", "columns", "tags"}
    for entry in json.loads(Path("dataset_info.json").read_text(encoding="utf-8")).values():
        unknown += [f"dataset_info.{key}" for key in {*entry, *entry["tags"], *entry["columns"]} - attributes]
    model, data, training, finetuning, _ = get_train_args(given)
    held = load_tokenizer(model)
    tokenizer = held["tokenizer"]
    template = get_template_and_fix_tokenizer(tokenizer, data)
    found: Any = get_dataset(template, model, data, training, stage=finetuning.stage, **held)
    names = {"train_dataset": "train", "eval_dataset": "validation"}
    made = {
        names[name]: [learnt(tokenizer, one["input_ids"], one["labels"]) for one in rows]
        for name, rows in found.items()
    }
    return {"unknown": unknown, "learnt": made}


def load_mlx_lm() -> Told:
    """Load as `mlx_lm.lora -c lora.yaml` does; then train it, and see which rows its batches reach."""
    import types

    import yaml
    from mlx_lm import lora
    from mlx_lm.tuner.datasets import CacheDataset, load_dataset
    from mlx_lm.tuner.trainer import iterate_batches
    from mlx_lm.utils import load

    given = yaml.load(Path("lora.yaml").read_text(encoding="utf-8"), lora.yaml_loader)
    unknown = [key for key in given if key not in lora.CONFIG_DEFAULTS]
    unknown += [key for key in given["lora_parameters"] if key not in ("keys", "rank", "scale", "dropout")]
    args = types.SimpleNamespace(**{**lora.CONFIG_DEFAULTS, **given})
    _, tokenizer = load(args.model)
    sides = dict(zip(("train", "validation"), load_dataset(args, tokenizer), strict=False))
    made: dict[str, list[str]] = {}
    for side, rows in sides.items():
        if len(rows):
            size = args.batch_size
            reached = list(iterate_batches(CacheDataset(rows), size, args.max_seq_length, loop=False))
            made[side] = [
                str(tokenizer.decode(tokens[first:last].tolist()))
                for batch, bounds in reached
                for tokens, (first, last) in zip(batch, bounds.tolist(), strict=True)
            ]
    sys.argv = ["mlx_lm.lora", "-c", "lora.yaml"]
    lora.main()
    return {
        "unknown": unknown,
        "learnt": made,
        "steps": args.iters if Path("adapter/adapters.safetensors").is_file() else 0,
        "passes": args.iters * args.batch_size / len(sides["train"]),
    }


LOADERS: dict[str, tuple[str, Callable[[], Told]]] = {
    "trl": ("trl", load_trl),
    "axolotl": ("axolotl", load_axolotl),
    "llama-factory": ("llamafactory", load_llama_factory),
    "mlx-lm": ("mlx-lm", load_mlx_lm),
}


def inside(trainer: str, folder: Path) -> None:
    """Load every case that lies in a folder, and write what was told into `told.json` beside it."""
    from importlib.metadata import version

    (folder / "models").mkdir()
    package, load = LOADERS[trainer]
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != HERE]
    told: Told = {"version": version(package), "cases": {}}
    names = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    for name, (place, model) in names.items():
        os.chdir(folder / place)
        Path(model).mkdir(parents=True)
        make_model(Path(model))
        try:
            told["cases"][name] = load()
        except (Exception, SystemExit) as error:
            told["cases"][name] = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


# --- with ftdata ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Write the cases, have them loaded, compare and print."""
    sys.path.insert(0, str(TESTS))
    from trainer_cases import ARGUMENTS, cases, digest, write

    trainer, python = sys.argv[1:3]
    found, kept = cases(trainer), {}
    with tempfile.TemporaryDirectory(prefix="trainer-") as scratch:
        folder = Path(scratch)
        digests = {case.name: digest(write(case, folder / case.writer.path)) for case in found}
        lines = {
            case.name: {
                case.writer.split_of(path): path.read_bytes().count(b"\n")
                for path in sorted((folder / case.writer.path).rglob("*.jsonl"))
            }
            for case in found
        }
        places = {case.name: [str(case.writer.path), case.writer.model] for case in found}
        (folder / "cases.json").write_text(json.dumps(places), encoding="utf-8")
        offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "home"), "AXOLOTL_DO_NOT_TRACK": "1",
                   "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"}  # fmt: skip
        done = subprocess.run(
            [python, str(HERE / "trainer_configs.py"), "--inside", trainer, str(folder)],
            env={**os.environ, **offline}, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            sys.exit(done.stdout[-1000:] + done.stderr[-3000:])
        told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    bad = 0
    print(f"{trainer} {told['version']}")
    print(f"  {'case':<14}{'unknown keys':<14}{'rows = examples':<32}{'learnt as due':<15}steps trained")
    for case in found:
        one = told["cases"][case.name]
        faults = [one["error"]] if "error" in one else list(_faults(one, case.due, ARGUMENTS))
        bad += bool(faults)
        made = {side: len(texts) for side, texts in one.get("learnt", {}).items()}
        told_rows = ", ".join(f"{side} {count} = {made.get(side)}" for side, count in lines[case.name].items())
        print(f"  {case.name:<14}{', '.join(one.get('unknown', [])) or '-':<14}{told_rows:<32}", end="")
        print(f"{'no' if faults else 'yes':<15}{one.get('steps', '-')}", *(f"\n    {fault}" for fault in faults))
        kept[case.name] = {"sha256": digests[case.name], "rows": lines[case.name], "steps": one.get("steps")}
    if bad:
        sys.exit(f"{bad} of {len(found)} cases are not loaded as they should be")
    if "--keep" in sys.argv:
        held = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
        held[trainer] = {"version": told["version"], "install": INSTALL[trainer], "cases": kept}
        KEPT.write_text(json.dumps(dict(sorted(held.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


KEPT = TESTS / "trainer_configs.json"


def _faults(told: Told, due: dict[str, list[list[str]]], arguments: str) -> list[str]:
    """Say what a trainer makes of a case that it should not."""
    faults = [f"unknown key: {key}" for key in told["unknown"]]
    if told.get("steps", 1) == 0:
        faults.append("no step was trained, or the loss is no number")
    if told.get("passes", 1) != 1:
        faults.append(f"the rows are seen {told['passes']} times, not once")
    for side, lines in due.items():
        texts = told["learnt"].get(side, [])
        words = sorted(sorted(set(re.findall(r"[AUR]\d+[a-z]", text))) for text in texts)
        if words != sorted(sorted(set(line)) for line in lines):
            faults.append(f"{side}: learnt are {words}, due are {sorted(lines)}")
        for text in texts:
            if re.search(r"look_A\d+c", text) and not _whole(text, arguments):
                faults.append(f"{side}: the arguments are not what they were: {text[:120]!r}")
    return faults


def _whole(text: str, arguments: str) -> bool:
    """Say whether the calls in a text have the arguments that they had."""
    for found in re.finditer(r'"arguments": ', text):
        with contextlib.suppress(ValueError):
            held, _ = json.JSONDecoder().raw_decode(text, found.end())
            if held != json.loads(arguments) and not (isinstance(held, dict) and held.keys() == {"city", "deep"}):
                return False
    return '\\"' not in text


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
