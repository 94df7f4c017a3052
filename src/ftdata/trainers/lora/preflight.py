"""Ask the trainer environment what it would make of the rows, and say what stands against training on them.

The asking is done by two scripts that run with that environment's Python: `environment.py` (what is installed) and
`probe.py` (what each row comes to). Only numbers come back.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftdata import files, offline
from ftdata.errors import VendorError
from ftdata.trainers.lora.environment import NEEDED
from ftdata.trainers.lora.job import HERE, environment
from ftdata.trainers.lora.settings import Settings
from ftdata.wording import counted, inline

INSTALL = "pip install 'ftdata[lora]'"
_LICENCE = re.compile(r"^licen[sc]e(?:_name)?:\s*[\"']?([^\s\"'#][^\"'#\n]*)", re.M)
_FORMS = {
    "messages": "messages",
    "completion": "a prompt and its completion",
    "preference": "a prompt with a better and a worse answer",
}


@dataclass(frozen=True)
class Preflight:
    """What was found: the environment, what the probe counted, what is against it, what is worth knowing."""

    machine: Mapping[str, Any] | None = None
    probe: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The form of the rows."""
        return str(self.probe.get("kind", "unknown"))


def interpreter(given: Settings) -> str:
    """Give the Python of the trainer environment. Raises `VendorError` if there is none of that name."""
    found = offline.interpreter(given.python)
    if found is None:
        raise VendorError(f"{inline(given.python)}: is no Python that can be run; name one with --set python=PATH")
    return found


def machine(given: Settings) -> dict[str, Any]:
    """Tell what the trainer environment has. Raises `VendorError` for one that does not answer, or lacks a library."""
    python = interpreter(given)
    told = _ask([python, str(HERE / "environment.py")], None, Path(os.devnull), 1, 60)
    if told is None:
        raise VendorError(f"{inline(python)}: does not answer as a Python does; name one with --set python=PATH")
    lacks = [name for name in NEEDED if not told["versions"].get(name)]
    if lacks:
        raise VendorError(
            f"{inline(python)}: lacks {', '.join(lacks)}; {INSTALL} there (torch first, in the build that fits the "
            "machine), or name an environment that has them with --set python=PATH"
        )
    return told


def preflight(given: Settings, handed: Mapping[str, Path], scratch: Path) -> Preflight:
    """Look at the environment, the model and every row. `scratch` is a folder to make and remove."""
    try:
        found = machine(given)
    except VendorError as error:
        return Preflight(problems=(str(error),))
    problems = [*_machine(given, found), *_model(given)]
    where = home(given.model)
    if where is None:
        return Preflight(found, problems=tuple(problems))
    asked = {
        "model": given.model,
        "files": {split: str(path.absolute()) for split, path in handed.items()},
        "max_length": given.max_length,
        "chat_template": given.chat_template,
    }
    files.private_folder(scratch)
    try:
        told = _ask([interpreter(given), str(HERE / "probe.py")], json.dumps(asked), scratch, 1, None)
    finally:
        files.remove(scratch)
    if told is None:
        return Preflight(found, problems=(*problems, "the probe of the rows ended without an answer"))
    return Preflight(found, told, (*problems, *_against(given, told)), (*_worth(given, told),))


def home(model: str) -> Path | None:
    """Give the folder that holds a model: itself, or its place in the cache of the hub; None: it is not here."""
    where = Path(model)
    if where.is_absolute():  # as the hand-off gives a folder that is there; all else is a name
        return where if (where / "config.json").is_file() else None
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model):
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json")
    return Path(found).parent if isinstance(found, str) else None


def licence(given: Settings) -> str | None:
    """Give the licence of the base: as stated, or what its own card or configuration says."""
    if given.base_licence:
        return given.base_licence
    where = home(given.model)
    if where is None:
        return None
    try:
        card = (where / "README.md").read_text(encoding="utf-8", errors="replace")
        head = card.split("\n---", 1)[0] if card.startswith("---") else ""
        hit = _LICENCE.search(head)
        if hit:
            return hit[1].strip()
    except OSError:
        pass
    try:
        said = json.loads((where / "config.json").read_bytes()).get("license")
    except (OSError, ValueError, AttributeError):
        return None
    return said if isinstance(said, str) and said else None


# --- what is against it -----------------------------------------------------------------------------------------------


def _machine(given: Settings, found: Mapping[str, Any]) -> Iterator[str]:
    if given.device == "cuda" and not given.on_cuda(found):
        yield "device: cuda: this machine has no graphics card that torch there can use; say device = cpu"
    if given.quantize == "4bit":
        if not given.on_cuda(found):
            yield "quantize: 4bit: wants a graphics card and a torch built for CUDA; say quantize = none"
        elif not found["versions"].get("bitsandbytes"):
            yield "quantize: 4bit: wants bitsandbytes; pip install bitsandbytes in the trainer environment"
    if given.report_to != "none" and not found["versions"].get(given.report_to):
        yield f"report_to: {given.report_to}: is not installed in the trainer environment; pip install it there"


def _model(given: Settings) -> Iterator[str]:
    if home(given.model) is None:
        path = Path(given.model)
        if not path.is_absolute() or not path.exists():
            yield f"{inline(given.model)}: no such model on this machine; nothing is fetched; name a folder"
        elif list(path.glob("*.gguf")):
            yield f"{inline(given.model)}: holds a model in GGUF only; load it once with transformers and save it"
        else:
            yield f"{inline(given.model)}: is no folder of a transformers model: it holds no config.json"
    elif licence(given) is None:
        yield f"{inline(given.model)}: its files state no licence; note it with --set base_licence=NAME"
    if given.chat_template is not None and not Path(given.chat_template).is_file():
        yield f"chat_template: {inline(given.chat_template)}: no such file"


def _against(given: Settings, told: Mapping[str, Any]) -> Iterator[str]:
    failed = told.get("failed")
    if failed:
        what = {
            "load": "datasets cannot read the files as one table",
            "tokenizer": "the tokenizer of the model cannot be loaded",
            "template": "the chat template cannot be used",
            "rows": "the rows cannot be rendered",
        }[failed["doing"]]
        yield f"{what} ({failed['error']})"
        return
    kind = told["kind"]
    if kind == "unknown":
        yield "the rows are in none of TRL's forms (messages; prompt and completion; prompt, chosen and rejected)"
        return
    if (given.method == "dpo") != (kind == "preference"):
        fits = "sft" if given.method == "dpo" else "dpo"
        yield f"method: {given.method}: does not learn from rows of {_FORMS[kind]}; say method = {fits}"
        return
    if told["template"] == "none":
        yield "the model has no chat template; name one with --set chat_template=FILE, or write rows of plain text"
        return
    if told["template"] == "unmarked":
        yield (
            "the chat template does not mark what the assistant says ({% generation %}), and TRL has none like it "
            'that does: nothing would be learnt; write the rows with trl-completion, turns = "expand", or name a '
            "template with marks (--set chat_template=FILE)"
        )
        return
    for split, part in told["splits"].items():
        yield from _rows(given, split, part)


def _rows(given: Settings, split: str, part: Mapping[str, Any]) -> Iterator[str]:
    count = part["counts"]
    if count.get("other"):
        yield f"{split}: {counted(count['other'], 'row')} in another form than the first ({_lines(part, 'other')})"
    if count.get("refused"):
        classes = ", ".join(part["errors"])
        yield (
            f"{split}: the chat template refuses {counted(count['refused'], 'row')} ({_lines(part, 'refused')}; "
            f"{classes}); roles that it knows, in an order that it knows, or another template"
        )
    if count.get("weighted"):
        yield (
            f"{split}: {counted(count['weighted'], 'row')} with an answer of weight 0 ({_lines(part, 'weighted')}), "
            'which TRL would learn all the same; write the rows with trl-completion, turns = "expand"'
        )
    if count.get("zero"):
        yield (
            f"{split}: {counted(count['zero'], 'row')} with nothing to learn within max_length = {given.max_length} "
            f"({_lines(part, 'zero')}; the longest has {part['lengths']['max']:,} tokens), which TRL leaves out "
            "without a word; raise max_length, or shorten or drop these rows"
        )
    whole = sum(count.get(f"end-{how}", 0) for how in ("stop", "mark", "text"))
    if split == "train" and whole and count.get("end-text", 0) == whole:
        yield (
            "the token that ends an answer is not learnt in any row: the model would not know when to stop; name a "
            "template that closes answers within its marks (--set chat_template=FILE)"
        )


def _worth(given: Settings, told: Mapping[str, Any]) -> Iterator[str]:
    for split, part in told.get("splits", {}).items():
        count, lengths = part["counts"], part["lengths"]
        yield (
            f"{split}: {part['rows']:,} rows, {count.get('tokens', 0):,} tokens (p50 {lengths['p50']:,}, p99 "
            f"{lengths['p99']:,}, max {lengths['max']:,}), {count.get('trained', 0):,} of them learnt"
        )
        if count.get("long"):
            yield (
                f"{split}: {counted(count['long'], 'row')} longer than max_length = {given.max_length} "
                f"({_lines(part, 'long')}); {count.get('cut', 0):,} of them lose the end of the answer"
            )
        if count.get("unlike"):
            yield (
                f"{split}: in {counted(count['unlike'], 'row')} the template renders the prompt otherwise when the "
                "answer follows: what is learnt begins where they part"
            )
        ended, whole = count.get("end-stop", 0), sum(count.get(f"end-{how}", 0) for how in ("stop", "mark", "text"))
        if whole:
            ended += count.get("end-mark", 0)
            yield f"{split}: the token that ends an answer is learnt in {ended:,} of {whole:,} rows"
        if count.get("end-mark"):
            yield f"{split}: in {count['end-mark']:,} rows it is one at which generation does not stop by itself"
    if told.get("template") == "known":
        yield "the chat template has no marks; TRL learns with its own version of it, which has"
    if given.report_to == "wandb":
        yield "report_to: wandb: losses and settings (no rows) go to the servers of wandb"
    if given.packing and given.method == "sft":
        yield "packing: rows of one sequence are kept apart by position only where the attention of the model heeds it"


def _lines(part: Mapping[str, Any], what: str) -> str:
    named = part["named"].get(what, [])
    more = ", …" if part["counts"][what] > len(named) else ""
    return f"{'row' if len(named) == 1 else 'rows'} {', '.join(map(str, named))}{more}"


def _ask(command: list[str], said: str | None, cache: Path, threads: int, limit: float | None) -> dict[str, Any] | None:
    try:
        ran = subprocess.run(
            command,
            input=said or "",
            env=environment(cache, threads),
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        told: dict[str, Any] = json.loads(ran.stdout.strip().rpartition("\n")[2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return told
