"""A tiny model with a tokenizer and a chat template of its own; run by path with the Python of a trainer environment.

    tiny_model.py make FOLDER                            a small Llama that can repeat three words
    tiny_model.py tokenizer FOLDER TEMPLATE              its tokenizer alone
    tiny_model.py ask QUESTIONS MODEL[+ADAPTER]=OUT ...  greedy answers, one a line

A LoRA adapter on random weights learns nothing: so the base is taught a task of its own first.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from pathlib import Path
from typing import Any

WORDS = tuple(
    f"{first}{second}" for first in ("ba", "de", "fi", "go", "lu", "mo") for second in ("ra", "ti", "ve", "no")
)
SPECIAL = ("<pad>", "<unk>", "<user>", "<assistant>", "<end>")
MARKED = (
    "{% for m in messages %}{% if m.role == 'assistant' %}<assistant> {% generation %}{{ m.content }} <end>"
    "{% endgeneration %}{% else %}<user> {{ m.content }} {% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)
PLAIN = MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")
ENDLESS = PLAIN.replace(" <end>", "")


def tokenizer(folder: Path, template: str | None = MARKED) -> None:
    """Write a tokenizer of whole words, and a configuration that names the licence."""
    made = importlib.import_module("tokenizers")
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, "ticket", *WORDS))}
    words = made.Tokenizer(made.models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = made.pre_tokenizers.WhitespaceSplit()
    words.add_special_tokens(list(SPECIAL))
    folder.mkdir(parents=True, exist_ok=True)
    words.save(str(folder / "tokenizer.json"))
    named = {
        "eos_token": "<end>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(named | ({"chat_template": template} if template else {})))
    if not (folder / "config.json").exists():
        (folder / "config.json").write_text(
            json.dumps({"model_type": "llama", "eos_token_id": 4, "vocab_size": len(vocabulary)})
        )
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A tiny model\n")


def question(seed: int) -> tuple[str, str]:
    """Give three words, and the answer of the task: the second one, as a ticket."""
    words = random.Random(seed).sample(WORDS, 3)
    return " ".join(words), f"ticket {words[1]}"


def make(folder: Path, steps: int = 500) -> None:
    """Teach a new model to repeat what it is told."""
    torch: Any = importlib.import_module("torch")
    transformers = importlib.import_module("transformers")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer(folder)
    reader = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=len(reader),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=64,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=4,
        )
    )
    best = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(best, 3e-3, total_steps=steps)
    for step in range(steps):
        lines = [" ".join(random.Random(step * 64 + at).choices((*WORDS, "ticket"), k=3)) for at in range(64)]
        ids = torch.tensor([reader(f"<user> {line} <assistant> {line} <end>")["input_ids"] for line in lines])
        labels = ids.clone()
        labels[:, :5] = -100
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        best.step()
        rate.step()
        best.zero_grad()
    model.save_pretrained(folder)
    sys.stderr.write(f"base: loss {loss.item():.4f}\n")


def ask(questions: Path, words: list[str]) -> None:
    """Answer each line, greedily, once for each word: MODEL=OUT or MODEL+ADAPTER=OUT."""
    torch: Any = importlib.import_module("torch")
    transformers = importlib.import_module("transformers")
    for word in words:
        name, _, out = word.partition("=")
        folder, _, adapter = name.partition("+")
        reader = transformers.AutoTokenizer.from_pretrained(adapter or folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
        if adapter:
            model = importlib.import_module("peft").PeftModel.from_pretrained(model, adapter)
        asked = [
            reader.apply_chat_template(
                [{"role": "user", "content": line}], add_generation_prompt=True, return_dict=True, return_tensors="pt"
            )["input_ids"]
            for line in questions.read_text().splitlines()
        ]
        with torch.no_grad():
            given = model.generate(input_ids=torch.cat(asked), max_new_tokens=8, do_sample=False, pad_token_id=0)
        answers = [reader.decode(row[asked[0].shape[1] :], skip_special_tokens=True) for row in given]
        Path(out).write_text("\n".join(answers) + "\n")


if __name__ == "__main__":
    verb, *given = sys.argv[1:]
    if verb == "make":
        make(Path(given[0]))
    elif verb == "tokenizer":
        tokenizer(Path(given[0]), given[1] or None)
    else:
        ask(Path(given[0]), given[1:])
