"""One export to be read: its files, what must come out of them, and what must never. Standard library only."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_ASKED = (
    "Bom dia, a encomenda {n} não chegou a Évora; onde está?",
    "Olá! Paguei a fatura {n} duas vezes. Como peço a devolução?",
    "A impressora da sala {n} não imprime nada desde ontem.",
    "¿Por qué no puedo entrar con el código {n}? Ya probé tres veces.",
    "Hola, el pedido {n} llegó roto y falta una pieza.",
    "¿Cuándo abre la tienda de la calle {n}? Mañana es festivo.",
    "Hi, the coffee grinder from order {n} makes a strange noise.",
    "Could you please change the address of parcel {n} to Leeds?",
    "My invoice {n} shows the wrong VAT number, what can I do?",
)
_ANSWERED = (
    "A encomenda {n} saiu hoje de manhã; chega amanhã até às 18h.",
    "Já devolvemos o valor da fatura {n}, demora três dias úteis.",
    "Reinicie o equipamento {n} e diga-me se a luz fica verde.",
    "El código {n} estaba bloqueado; ya lo hemos activado de nuevo.",
    "Lo sentimos mucho: enviamos hoy otra pieza con el número {n}.",
    "Abrimos de 10 a 14; el aviso {n} está en la puerta.",
    "Please tighten screw {n} below the burr, then try again.",
    "Done: parcel {n} now goes to the new address.",
    "We corrected the number and sent invoice {n} again.",
)


class Case:
    """An export that is being written down, message by message, together with what it must give.

    `left` counts the records that must be left out, by class of reason (see `CLASSES` in the test); None where the
    documents do not say how many records that is. A class may be alternatives: `bot|system`.
    """

    def __init__(self, name: str, reader: str, path: str, *, evidence: str = "F", **fields: Any) -> None:
        self.name, self.reader, self.path, self.evidence, self.fields = name, reader, path, evidence, fields
        self.files: dict[str, bytes] = {}
        self.conversations: list[list[list[Any]]] = []
        self.left: dict[str, int | None] = {}
        self.canaries: list[str] = []
        self.flags: list[str] = []
        self.times: list[str] = []
        self.refused: list[str] = []
        self.asks = bool(fields.get("assistants"))
        self.sniffed: str | None = reader
        self.rng = random.Random(f"export {name}")
        self._used: set[int] = set()
        self._turn = 0

    # --- texts

    def _number(self) -> int:
        while (n := self.rng.randrange(100_000, 999_999)) in self._used:
            pass
        self._used.add(n)
        return n

    def ask(self) -> str:
        """Give a user's text that stands nowhere else."""
        self._turn += 1
        return _ASKED[self._turn % len(_ASKED)].format(n=self._number())

    def answer(self) -> str:
        """Give an agent's text that stands nowhere else."""
        self._turn += 1
        return _ANSWERED[self._turn % len(_ANSWERED)].format(n=self._number())

    def out(self, reason: str | None, position: str, text: str = "do not train on this") -> str:
        """Give a private text: it must never reach the disk. Counts a record left out for `reason` (None: none)."""
        return self._planted("CANARY", reason, position, text)

    def cut(self, reason: str | None, position: str, text: str = "left out later") -> str:
        """Give a public text that must be in no output, though stitching may hold it."""
        return self._planted("DROPPED", reason, position, text)

    def _planted(self, kind: str, reason: str | None, position: str, text: str) -> str:
        canary = f"{kind}-{self.name}-{position}-{len(self.canaries) + 1}Z"
        self.canaries.append(canary)
        if reason is not None:
            self.drop(reason)
        return f"{canary} {text} {self._number()}"

    def drop(self, reason: str, count: int = 1) -> None:
        self.left[reason] = (self.left.get(reason) or 0) + count

    def uncounted(self, *reasons: str) -> None:
        for reason in reasons:
            self.left[reason] = None

    # --- what must come out

    def conv(self, *turns: tuple[str, Any]) -> None:
        """Expect a conversation of these turns; consecutive ones of one role become one.

        A text may be a dict: `has` and `lacks` list pieces, where the documents leave the exact text open.
        """
        folded: list[list[Any]] = []
        for role, text in turns:
            if folded and folded[-1][0] == role and isinstance(text, str) and isinstance(folded[-1][1], str):
                folded[-1][1] += f"\n\n{text}"
            else:
                folded.append([role, text])
        self.conversations.append(folded)

    # --- files

    def json(self, path: str, value: Any, *, ascii_only: bool = False, indent: int | None = None) -> None:
        self.files[path] = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()

    def ndjson(self, path: str, values: Iterable[Any]) -> None:
        self.files[path] = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()

    def csv(
        self,
        path: str,
        header: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        delimiter: str = ",",
        bom: bool = False,
    ) -> None:
        text = io.StringIO()
        table = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
        table.writerow(header)
        table.writerows(rows)
        self.files[path] = (b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode()

    def text(self, path: str, text: str) -> None:
        self.files[path] = text.encode()

    def zipped(self, path: str, *more: tuple[str, bytes]) -> None:
        """Put all files so far (and more) into one zip, and take that for the export."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in [*self.files.items(), *more]:
                archive.writestr(zipfile.ZipInfo(name, (2025, 5, 9, 10, 0, 0)), content)
        self.files = {path: packed.getvalue()}
        self.path = path

    # --- on disk

    def expected(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "read": {"use": self.reader, "path": self.path, **self.fields},
            "evidence": self.evidence,
            "conversations": self.conversations,
            "left_out": self.left,
            "flags": self.flags,
            "times_of_first_turns": self.times,
            "refused": self.refused,
            "asks_who_is_the_assistant": self.asks,
            "sniffed": self.sniffed,
            "canaries": self.canaries,
        }

    def write(self, folder: Path) -> Path:
        """Write the export and `expected.json` beside it, in a folder of the case's name; give that folder."""
        home = folder / self.name
        for name, content in self.files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        home.mkdir(parents=True, exist_ok=True)
        (home / "expected.json").write_text(json.dumps(self.expected(), ensure_ascii=False, indent=1) + "\n")
        return home


class Clock:
    """A time that goes on by a minute whenever it is asked."""

    def __init__(self, start: str, step: int = 60) -> None:
        self.now, self.step = datetime.fromisoformat(start), step

    def tick(self, minutes: float | None = None) -> datetime:
        self.now += timedelta(seconds=self.step if minutes is None else minutes * 60)
        return self.now

    def at(self, moment: str) -> datetime:
        self.now = datetime.fromisoformat(moment)
        return self.now


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def epoch(moment: datetime) -> int:
    """Seconds since 1970, the moment taken as UTC."""
    return int((moment - datetime(1970, 1, 1)).total_seconds())
