"""The `llama-factory` reader: a data set as LLaMA-Factory's `dataset_info.json` describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field, field_validator

from ftdata.batch import Batch
from ftdata.errors import InputError, RowError
from ftdata.readers.layouts.alpaca import Alpaca
from ftdata.readers.layouts.gather import Value, values
from ftdata.readers.layouts.kto import Kto
from ftdata.readers.layouts.preference import Preference
from ftdata.readers.layouts.rows import Row, TrainingRows, gathered, opened
from ftdata.readers.layouts.sharegpt import ShareGPT
from ftdata.source import Source
from ftdata.stages import Sniff
from ftdata.wording import hint

INFO = "dataset_info.json"
_HUBS = ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")
# The columns and tags of LLaMA-Factory's `DatasetAttr` with what they are where an entry states none.
_ALPACA = {"prompt": "instruction", "query": "input", "response": "output"}
_CHAT = {"messages": "conversations"}
_TAGS = {"user_tag": "human", "assistant_tag": "gpt", "observation_tag": "observation", "function_tag": "function_call"}
_WORDS = {**_TAGS, "system_tag": "system"}
_MEDIA = ("images", "videos", "audios")


class LlamaFactory(TrainingRows):
    """Read a data set that a `dataset_info.json` of LLaMA-Factory describes; `path` is its folder, or that file.

    `dataset` names the entry. Its `formatting` (`alpaca`, `sharegpt` or `openai`), `columns`, `tags`, `ranking` and
    `kto_tag` are followed; the rows are then those of the readers `alpaca`, `sharegpt`, `preference` and `kto`, with a
    line break between instruction and input, as LLaMA-Factory has it. Columns that the entry does not name go to
    `meta`. Only the file (or the files of the folder) that the entry names is read.

    Raises `InputError` where no data set is named, or one that is not there, lies on a hub, or has no answers (a set
    for pre-training).

    Source: LLaMA-Factory's `parser.py` and `converter.py`.
    """

    name: ClassVar[str] = "llama-factory"

    dataset: str | None = Field(None, description="name of the data set in dataset_info.json")
    undesired: Literal["drop", "keep"] = Field("drop", description="what becomes of answers that were not wanted (KTO)")

    @field_validator("path")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        return value.parent if value.name == INFO else value

    def values(self, source: Source) -> Iterator[Value]:
        """Give the records of the data set."""
        return self._values(source, self._entry(source))

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the data set."""
        entry = self._entry(source)
        return gathered(self._values(source, entry), self._reading(source, entry))

    def _values(self, source: Source, entry: Mapping[str, Any]) -> Iterator[Value]:
        for member in self._files(source, entry):
            yield from values(source, member=member)

    def _entry(self, source: Source) -> dict[str, Any]:
        """Give the entry of the data set; refuse one that is missing."""
        entries = _entries(source)
        if not entries:
            raise InputError(f"{source.name}: holds no {INFO} of LLaMA-Factory; give its folder as the path")
        if self.dataset in entries:
            return entries[self.dataset]
        told = f"has no data set '{self.dataset}'" if self.dataset else "describes several data sets"
        meant = hint(self.dataset or "", entries, "; name one with --set dataset=NAME")
        raise InputError(f"{source.name}: {INFO} {told}{meant}", f"it has {_listed(entries)}")

    @staticmethod
    def _files(source: Source, entry: Mapping[str, Any]) -> list[str]:
        """Give the files of an entry that lie in the folder."""
        name = entry.get("file_name")
        if not isinstance(name, str):
            raise InputError(f"{source.name}: this data set lies on a hub; download it, and give its file as the path")
        members = source.members()
        found = [name] if name in members else [one for one in members if one.startswith(name.rstrip("/") + "/")]
        if not found:
            raise InputError(f"{source.name}: the file that {INFO} names for this data set is not in the folder")
        return found

    def _reading(self, source: Source, entry: Mapping[str, Any]) -> Callable[[dict[str, Any]], Row]:
        """Make the function from a record to its row."""
        chat = entry.get("formatting", "alpaca") != "alpaca"
        given = entry.get("columns")
        columns = {str(k): v for k, v in given.items() if isinstance(v, str)} if isinstance(given, dict) else None
        columns = (_CHAT if chat else _ALPACA) if columns is None else columns
        ranking, kto = bool(entry.get("ranking")), "kto_tag" in columns
        if ranking:
            columns = {"chosen": "chosen", "rejected": "rejected", **columns}
        elif not chat and "response" not in columns:
            raise InputError(
                f"{source.name}: this data set has no answers (it is for pre-training); name another with "
                "--set dataset=NAME"
            )
        inner: TrainingRows
        if ranking:
            inner = Preference(path=Path("-"), join="\n")
        elif kto:
            inner = Kto(path=Path("-"), join="\n", undesired=self.undesired)
        else:
            inner = ShareGPT(path=Path("-")) if chat else Alpaca(path=Path("-"), join="\n")
        tags = entry.get("tags")
        renamed = _Renamed({**_RENAMED, "messages": "conversations"}, columns, _Tags.of(tags) if chat else None)

        def row(value: dict[str, Any]) -> Row:
            known, rest = renamed(value)
            made = inner.row(known)
            return made._replace(rest={**(made.rest or {}), **rest}) if rest else made

        return row

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know a description of data sets, alone or in a folder; which of them to read must be said."""
        members = source.members()
        if members and INFO not in members:
            return None
        entries = _entries(source.again())
        if not entries:
            return None
        named = {name: entry["file_name"] for name, entry in entries.items() if isinstance(entry.get("file_name"), str)}
        beside = source.path.parent if source.path and not members else None
        here = [
            name
            for name, file in named.items()
            if any(one == file or one.startswith(f"{file.rstrip('/')}/") for one in members)
            or (beside is not None and (beside / file).exists())
        ]
        evidence = f"{INFO} of LLaMA-Factory: {len(entries)} data sets, the files of {len(here)} are here"
        told = "this is a list of data sets, and none itself"
        if not here:
            told += "; no file that it names is here: give a file of data as the path, or put it beside the list"
            return Sniff(0.0, (evidence,), {}, "", told)
        told += f"; name the one to read: --set dataset=NAME ({_listed(here)})"
        return Sniff(0.99, (evidence,), {}, f"--from {cls.name} --set dataset=NAME", told)


_RENAMED = {"prompt": "instruction", "query": "input", "response": "output", "kto_tag": "kto_tag"}


class _Tags(NamedTuple):
    """What an entry calls the speaker, the text, and the speakers of a conversation."""

    role: str
    content: str
    words: Mapping[str, str]

    @classmethod
    def of(cls, tags: Any) -> _Tags:
        stated = {str(k): v for k, v in tags.items() if isinstance(v, str)} if isinstance(tags, dict) else {}
        words = {stated.get(tag, word): word for tag, word in _WORDS.items()}
        return cls(stated.get("role_tag", "from"), stated.get("content_tag", "value"), words)

    def __call__(self, message: Any) -> Any:
        """Give a message under the names that ShareGPT has."""
        if not isinstance(message, dict) or self.role not in message:
            return message
        rest = {key: item for key, item in message.items() if key not in (self.role, self.content)}
        who = message[self.role]
        word = self.words.get(who, who) if isinstance(who, str) else who
        return {"from": word, "value": message.get(self.content), **rest}


class _Renamed:
    """Gives a record its columns' usual names, and what the entry does not name apart."""

    def __init__(self, usual: Mapping[str, str], columns: Mapping[str, str], tags: _Tags | None) -> None:
        self._names = {column: usual.get(key, key) for key, column in columns.items()}
        self._tags = tags

    def __call__(self, value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        known = {name: value[column] for column, name in self._names.items() if column in value}
        rest = {key: item for key, item in value.items() if key not in self._names}
        # Pictures that the entry does not name belong to the row all the same.
        known.update({key: rest.pop(key) for key in _MEDIA if key in rest and key not in known})
        if self._tags is not None:
            for key in ("conversations", "chosen", "rejected"):
                if key in known:
                    told = opened(known[key])
                    known[key] = [self._tags(one) for one in told] if isinstance(told, list) else self._tags(told)
            if not isinstance(known.get("conversations"), list):
                raise RowError("no-messages" if known.get("conversations") is None else "not-text")
        return known, rest


def _listed(names: Any) -> str:
    listed = list(names)
    return ", ".join(listed[:10]) + (f" and {len(listed) - 10} more" if len(listed) > 10 else "")


def _entries(source: Source) -> dict[str, dict[str, Any]]:
    """Give the entries of a description; none where there is no such file, or it describes something else."""
    members = source.members()
    if members and INFO not in members:
        return {}
    side = source.lookup(INFO) if members else source
    opening = side.opening(1 << 20).lstrip()
    if opening[:1] != b"{" or not any(f'"{key}"'.encode() in opening for key in ("file_name", *_HUBS)):
        return {}
    told = [record.value for record in side.json_items()]
    entries = told[0] if len(told) == 1 and isinstance(told[0], dict) else {}
    known = all(isinstance(one, dict) and not one.keys().isdisjoint(("file_name", *_HUBS)) for one in entries.values())
    return entries if known else {}
