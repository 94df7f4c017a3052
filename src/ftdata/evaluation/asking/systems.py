"""The word by which a model to be asked is named."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftdata import files
from ftdata.errors import InputError, RecipeError
from ftdata.wording import hint

if TYPE_CHECKING:
    from ftdata.endpoints import Endpoint

LOCAL = "local"
VENDORS = ("openai", "azure", "nebius")
"""Endpoints that go by a name of their own; any other is `URL#MODEL`."""

AZURE = "AZURE_OPENAI_ENDPOINT"
"""Where `azure:DEPLOYMENT` finds its resource."""

_URL = re.compile(r"https?://\S+", re.I)
_WORD = re.compile(r"([a-z][a-z0-9-]+):(?!//)(.+)", re.S)
_BARE = re.compile(rf"({'|'.join((*VENDORS, LOCAL))}):\s*")
_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_WHOLE = 64 << 20
"""Files of a model up to this size are known by their bytes; larger ones by size, time and both ends."""
_END = 1 << 20


@dataclass(frozen=True)
class Remote:
    """A model behind an endpoint that speaks OpenAI's protocol."""

    word: str
    where: Endpoint
    model: str

    @property
    def identity(self) -> Any:
        """What tells this model from others; what a vendor serves under one name may change unseen."""
        return [self.where.base_url, self.model]

    @property
    def slug(self) -> str:
        """The model's name, fit for a file."""
        return _slug(f"{self.where.name} {self.model}")


@dataclass(frozen=True)
class Local:
    """A transformers model in a folder (or, as a name, in the cache of this machine), with or without an adapter."""

    word: str
    model: str
    adapter: str | None = None

    @property
    def identity(self) -> Any:
        """What tells this model from others: the files, wherever they lie."""
        return [_files(self.model), None if self.adapter is None else _files(self.adapter)]

    @property
    def slug(self) -> str:
        """The names of the folders, fit for a file."""
        return _slug(" ".join([LOCAL, *(Path(part).absolute().name for part in (self.model, self.adapter) if part)]))


System = Remote | Local


def system(word: str) -> System | None:
    """Read `openai:MODEL`, `azure:DEPLOYMENT`, `nebius:MODEL`, `local:FOLDER`, `local:FOLDER+ADAPTER` or `URL#MODEL`.

    None: the word is no such thing, but the name of a file. In a `+` an adapter begins if there are folders of both
    names; of several the last is taken.

    Raises:
        RecipeError: a URL without a model, a model without a name, a vendor that there is not.
        InputError: a local model that is not there, or a folder that holds none.
    """
    if not word.strip():
        raise RecipeError(f"{word!r}: is empty; name a file of answers, or a model to be asked")
    if os.path.exists(word):
        return None
    if _URL.match(word):
        url, sign, model = word.partition("#")
        place = _at(url)  # first: whoever wrote a password into the address does not see it again
        if not sign or not model.strip():
            raise RecipeError(f"{word}: names no model; write URL#MODEL")
        return Remote(word, place, model)
    if _BARE.fullmatch(word):
        raise RecipeError(f"{word}: names no model; write {word.strip()}{'FOLDER' if word[0] == 'l' else 'MODEL'}")
    hit = _WORD.fullmatch(word)
    if hit is None:
        return None
    where, name = hit[1], hit[2]
    if where == LOCAL:
        return _local(word, name)
    if where not in VENDORS:
        if "/" in where or Path(word).suffix in (".jsonl", ".json", ".csv"):
            return None
        near = hint(where, (*VENDORS, LOCAL))
        raise RecipeError(f"{word}: is no file, and no model of {', '.join(VENDORS)}, local or URL#MODEL{near}")
    return Remote(word, _azure(word) if where == "azure" else _preset(where), name)


def _preset(name: str, base_url: str | None = None) -> Endpoint:
    from ftdata.endpoints import endpoint

    return endpoint(name, base_url)


def _at(url: str) -> Endpoint:
    """Give the endpoint at a URL: a vendor's own host goes by the vendor's name, and wants the vendor's key."""
    found = _preset("openai", url)
    if found.here or found.name == "openai":
        return found
    for name in VENDORS[1:]:
        try:
            return _preset(name, url)
        except RecipeError:  # not a host of theirs
            continue
    return found


def _azure(word: str) -> Endpoint:
    """Give the resource that the environment names, as Azure's own tools read it."""
    stated = os.environ.get(AZURE, "").strip()
    if not stated:
        raise RecipeError(
            f"{word}: which resource? set {AZURE}, or write https://RESOURCE.openai.azure.com/openai/v1#DEPLOYMENT"
        )
    return _preset("azure", re.sub(r"^(https?://[^/]+)/*$", r"\1/openai/v1", stated))


def _local(word: str, name: str) -> Local:
    model, adapter = name, None
    for at in (at for at in range(len(name) - 1, 0, -1) if name[at] == "+"):
        before, after = name[:at], name[at + 1 :]
        if after and Path(after).is_dir() and (Path(before).is_dir() or _NAME.fullmatch(before)):
            model, adapter = before, after
            break
    if Path(model).is_dir():
        if not (Path(model, "config.json").is_file() or ggufs(model)):
            raise InputError(f"{word}: {model} holds neither config.json nor one .gguf file; name a model's folder")
    elif _NAME.fullmatch(model) is None:
        raise InputError(f"{word}: there is no folder {model}; write local:FOLDER or local:FOLDER+ADAPTER")
    if adapter is not None and not Path(adapter, "adapter_config.json").is_file():
        raise InputError(f"{word}: {adapter} holds no adapter_config.json; name the folder of a LoRA adapter")
    return Local(word, model, adapter)


def ggufs(folder: str) -> list[Path]:
    """List the GGUF files in a folder."""
    return sorted(Path(folder).glob("*.gguf"))


def digest(*values: Any) -> str:
    """Give a short digest of JSON values."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[-60:].strip("-")


def _files(folder: str) -> Any:
    """Tell a model's files by their bytes: those in the folder itself, not what lies below."""
    if not Path(folder).is_dir():
        return folder
    found = sorted(path for path in Path(folder).iterdir() if path.is_file() and not path.name.startswith("."))
    return [[path.name, _file(path)] for path in found]


def _file(path: Path) -> Any:
    """Give a hash of a small file; of a large one size, time, and a hash of its first and last MB."""
    held = path.stat()
    if held.st_size <= _WHOLE:
        return files.sha256(path)
    with path.open("rb") as stream:
        ends = hashlib.sha256(stream.read(_END))
        stream.seek(-_END, 2)
        ends.update(stream.read())
    return [held.st_size, held.st_mtime_ns, ends.hexdigest()]
