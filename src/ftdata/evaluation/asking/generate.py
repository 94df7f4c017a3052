"""Answers questions with a transformers model. Run by its path, with the Python of a trainer environment.

Reads JSON lines on standard input until its end: first what to load, then a question each (`key`, `messages`, `tools`).
Writes JSON lines on standard output: `{"event": "loaded", …}`, an answer each, `{"event": "done"}`, or `{"error": …}`.
Nothing of ftdata is imported: that environment need not have it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DO_NOT_TRACK": "1"}


class Failed(Exception):
    """What went wrong, in words that hold no text of a question."""


def main() -> None:
    """Answer all questions."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [one for one in sys.path if os.path.abspath(one or ".") != here]  # its neighbours are no packages
    os.environ.update(OFFLINE, TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")
    out = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is none of the answers

    def say(**told: Any) -> None:
        line = json.dumps(told).encode() + b"\n"
        while line:
            line = line[os.write(out, line) :]

    try:
        asked, *questions = [json.loads(line) for line in sys.stdin.buffer]
        model = Model(asked)
        say(event="loaded", seconds=round(model.seconds, 2), device=model.device, versions=model.versions)
        for answer in model.answers(questions):
            say(**answer)
        say(event="done")
    except ImportError as error:
        say(error="packages", missing=str(error.name or error)[:200])
    except Failed as error:
        say(error="failed", why=" ".join(str(error).split())[:500])


class Model:
    """A model with its tokenizer, loaded from a folder; greedy."""

    def __init__(self, asked: dict[str, Any]) -> None:
        began = time.monotonic()
        self.torch: Any = importlib.import_module("torch")
        self.library: Any = importlib.import_module("transformers")
        peft: Any = importlib.import_module("peft") if asked.get("adapter") else None
        self.versions = {one.__name__: one.__version__ for one in (self.torch, self.library, peft) if one is not None}
        self.library.logging.set_verbosity_error()
        self.most, self.batch = asked["max_tokens"], asked["batch"]
        self.torch.manual_seed(0)
        cuda = self.torch.cuda.is_available()
        self.device = "cuda" if cuda else "cpu"
        kind = self.torch.float32
        if cuda:
            kind = self.torch.bfloat16 if self.torch.cuda.is_bf16_supported() else self.torch.float16
        numbers = tuple(int(part) for part in self.library.__version__.split(".")[:2] if part.isdigit())
        options = {"local_files_only": True, "dtype" if numbers >= (4, 56) else "torch_dtype": kind}
        gguf = {"gguf_file": asked["gguf"]} if asked.get("gguf") else {}
        worded = asked.get("adapter")
        if not worded or not os.path.exists(os.path.join(worded, "tokenizer_config.json")):
            worded = None
        try:
            self.words = self.library.AutoTokenizer.from_pretrained(
                worded or asked["model"], local_files_only=True, **({} if worded else gguf)
            )
            model = self.library.AutoModelForCausalLM.from_pretrained(asked["model"], **options, **gguf)
            if peft is not None:
                if len(self.words) > model.get_input_embeddings().weight.shape[0]:
                    model.resize_token_embeddings(len(self.words))
                model = peft.PeftModel.from_pretrained(model, asked["adapter"])
        except ImportError:
            raise
        except Exception as error:
            raise Failed(f"the model cannot be loaded: {type(error).__name__}: {error}") from None
        with contextlib.suppress(ValueError):  # quantized: it lies where it was loaded
            model = model.to(self.device)
        self.model = model.eval()
        if not getattr(self.words, "chat_template", None):
            raise Failed("the model has no chat template; put its chat_template.jinja into the folder")
        ends = [self.words.eos_token_id, getattr(model.generation_config, "eos_token_id", None)]
        self.ends = sorted(
            {one for end in ends for one in (end if isinstance(end, list) else [end]) if one is not None}
        )
        self.pad = self.words.pad_token_id
        if self.pad is None:
            self.pad = self.ends[0] if self.ends else 0
        text = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
        self.room = getattr(text, "max_position_embeddings", None) or 1 << 62
        self.seconds = time.monotonic() - began

    def answers(self, questions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Answer the questions, the shortest first, some at a time: those of one batch are about as long."""
        ready = []
        for one in questions:
            tokens = self.tokens(one)
            if len(tokens) + self.most > self.room:
                yield {"key": one["key"], "skipped": "too-long"}
            else:
                ready.append((len(tokens), one["key"], tokens))
        ready.sort()
        for start in range(0, len(ready), self.batch):
            part = ready[start : start + self.batch]
            began = time.monotonic()
            said = self.generate([tokens for _, _, tokens in part])
            share = (time.monotonic() - began) / len(part)
            for (length, key, _), tokens in zip(part, said):  # noqa: B905 - of Python 3.9, too
                ended = next((at for at, token in enumerate(tokens) if token in self.ends), None)
                text = self.words.decode(tokens if ended is None else tokens[:ended], skip_special_tokens=True)
                yield {
                    "key": key,
                    "prediction": text,
                    "finish": "length" if ended is None else "stop",
                    "prompt_tokens": length,
                    "completion_tokens": len(tokens) if ended is None else ended + 1,
                    "seconds": round(share, 4),
                }

    def tokens(self, one: dict[str, Any]) -> list[int]:
        """Render a question with the model's own template."""
        messages = [plain(message) for message in one["messages"]]
        try:
            text = self.words.apply_chat_template(
                messages, tools=one.get("tools") or None, add_generation_prompt=True, tokenize=False
            )
        except Exception as error:
            raise Failed(f"the chat template does not take a question: {type(error).__name__}") from None
        ids: list[int] = self.words(text, add_special_tokens=False)["input_ids"]
        return ids

    def generate(self, asked: list[list[int]]) -> list[list[int]]:
        """Continue token lists, padded on the left to one length; give what was added."""
        torch = self.torch
        width = max(map(len, asked))
        ids = torch.tensor([[self.pad] * (width - len(one)) + one for one in asked], device=self.model.device)
        mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in asked], device=self.model.device)
        greedy = self.library.GenerationConfig(
            do_sample=False, max_new_tokens=self.most, eos_token_id=self.ends or None, pad_token_id=self.pad
        )
        try:
            with torch.inference_mode():
                made = self.model.generate(input_ids=ids, attention_mask=mask, generation_config=greedy)
        except Exception as error:
            if "OutOfMemory" in type(error).__name__:
                raise Failed(f"out of memory with {len(asked)} questions at once; give a smaller --batch") from None
            raise Failed(f"the model failed: {type(error).__name__}") from None
        added: list[list[int]] = made[:, width:].tolist()
        return added


def plain(message: dict[str, Any]) -> dict[str, Any]:
    """Give a message as templates take it: parts of text as one text, arguments of calls as objects."""
    message = dict(message)
    content = message.get("content")
    if isinstance(content, list):
        if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content):
            raise Failed("a question holds parts that are no text (an image, a sound); ask an endpoint instead")
        message["content"] = "\n".join(part["text"] for part in content)
    message.setdefault("content", "")
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [called(one) for one in calls]
    return message


def called(call: Any) -> Any:
    """Give a call with its arguments as an object."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}
    except ValueError:
        return call


if __name__ == "__main__":
    main()
