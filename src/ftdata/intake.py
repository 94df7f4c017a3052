"""What an input is: its files, opened one after the other; their bytes, their text as UTF-8, their hashes.

The parts: `streams` (bytes under limits), `decoding` (encodings), `shards` (data sets of several files), `numbering`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from ftdata import decoding
from ftdata.errors import InputError
from ftdata.hub import fetched, is_hub
from ftdata.numbering import Numbering, Span
from ftdata.records import Input, Limits
from ftdata.shards import chosen, split_of
from ftdata.streams import BLOCK, Bytes, Store, Stream, Tap, close, named

_WIDE_ROW = 16 << 20


class Part(Span):
    """One file of an input, while it is read."""

    def __init__(self, name: str, path: Path, first: int) -> None:
        super().__init__(name, first)
        self.path, self.encoding = path, "utf-8"
        self.member: str | None = None
        self.tap: Tap | None = None
        self.stream: Stream | None = None
        self.split: str | None = None
        self.digest: tuple[int, str] | None = None


class _Looked:
    """A stream whose first four bytes were looked at."""

    def __init__(self, inner: Stream) -> None:
        self._inner, self.head = inner, b""
        while len(self.head) < 4 and (piece := inner.read(4 - len(self.head))):
            self.head += piece
        self._held = self.head

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def wide(self) -> bool:
        return self._inner.wide

    def read(self, size: int = BLOCK) -> bytes:
        if self._held:
            held, self._held = self._held[:size], self._held[size:]
            return held + self._inner.read(size - len(held)) if len(held) < size else held
        return self._inner.read(size)


class Begun(NamedTuple):
    """A file that is open to be read; `skip` are the bytes of its byte order mark, `row` those that a row may take."""

    part: Part
    stream: Stream
    read: Callable[[int], bytes]
    encoding: str
    skip: int
    row: int

    def most(self) -> int:
        """Say how many bytes an unfinished record may take, now: few, once the stream expands suspiciously."""
        return min(_WIDE_ROW, self.row) if self.stream.wide else self.row

    def texts(self) -> Iterator[str]:
        """Give the text, decoded."""
        return decoding.texts(self.part.name, self.read, self.encoding, self.skip, BLOCK)

    def pieces(self) -> Iterator[bytes]:
        """Give the text as UTF-8; what is UTF-8 already is not decoded."""
        if self.encoding != "utf-8":
            for text in self.texts():
                yield text.encode()
            return
        skip = self.skip
        while piece := self.read(BLOCK):
            yield piece[skip:]
            skip = 0


class Intake:
    """One input of a run: a file, a folder, a zip archive, or standard input; see `ftdata.source.Source`."""

    def __init__(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        first: int = 1,
        encoding: str | None = None,
        limits: Limits | None = None,
        scratch: Path | None = None,
        records: int | None = None,
        network: bool = False,
    ) -> None:
        place, member = fetched(path, network) if is_hub(path) else named(path)
        self.path: Path | None = None if str(path) == "-" else place
        shown = place.name or str(place)
        if is_hub(path):
            shown = re.sub("^hf:/+([^@:]+).*", r"hf://\1", str(path))
        shown += f":{member}" if member is not None else ""
        self.name = name or ("stdin" if is_stdin(path) else _shown(shown))
        self.scratch = scratch
        self.limits = limits or Limits()
        self.bytes_read = 0
        self._stated = None if encoding is None else decoding.checked(self.name, encoding)
        self.encoding = self._stated or "utf-8"
        self.legacy: dict[str, Any] | None = None
        self._store = Store(place, self.name, scratch, self.limits, links=is_hub(path))
        self._which = member if member is not None and self._store.shards() else None
        self._member: str | None = None if self._which is not None else member
        self._numbering = Numbering[Part](first, records)
        self._lookups: list[Self] = []
        self._digests: dict[Path, tuple[int, str]] = {}  # of an archive: its members have one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        self._store.close()
        for side in self._lookups:
            side.close()

    def _twin(self, member: str | None = None) -> Self:
        """Make a second reader of the same bytes, whose records nobody counts."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._numbering, twin._lookups = Numbering(), []
        twin._member = member or self._member
        return twin

    def again(self, records: int | None = None) -> Self:
        """Make a second reader of the same bytes, whose records nobody counts: for a look through the whole input.

        `records`: how many it hands out at most, for a look at the beginning.
        """
        twin = self._twin()
        twin._numbering.most = records
        return twin

    # --- looking at it ------------------------------------------------------------------------------------------------

    def content(self) -> Iterator[bytes]:
        """Give all decompressed bytes as they stand, byte order mark included, uncounted."""
        stream = self._store.open(self._chosen(None))
        while piece := stream.read(BLOCK):
            yield piece

    def text(self, *, json: bool) -> Iterator[bytes]:
        """Give all text as UTF-8 without byte order mark, uncounted; `json`: its encoding is not guessed."""
        twin = self._twin()
        first, *rest = twin._each(None)
        begun = twin._begin(first, json)
        self.encoding = begun.encoding
        others = (twin._begin(one, json).pieces() for one in rest)
        return itertools.chain(begun.pieces(), itertools.chain.from_iterable(others))

    @property
    def bytes_total(self) -> int:
        """Bytes on disk."""
        return self._store.size

    @property
    def sampled(self) -> bool:
        """Whether only the first records are read: what is not met in them may yet come."""
        return self._numbering.most is not None

    def legacy_encoding(self) -> str | None:
        """Name the encoding that text which is no UTF-8 seems to have, where none was stated; else None.

        For lines of text, which are taken for UTF-8 unless it is stated: each line with an accent would be lost.
        """
        if self._stated is not None:
            return None
        head = self.head(decoding.SAMPLE)
        encoding, _ = decoding.decide(self.name, head, len(head) < decoding.SAMPLE, None, False)
        return None if encoding.startswith("utf") else encoding

    def members(self) -> tuple[str, ...]:
        """List the files in a folder or zip archive by name, else none; hidden files and links are left out.

        The names are data of the archive's maker: nothing is written under them. There are none where the path itself
        names one, nor in a folder that is one data set: its files are read one after the other, as one input.
        """
        return () if self._member is not None or self._store.shards() else self._store.members()

    def head(self, size: int = 65536, member: str | None = None) -> bytes:
        """Give the decompressed first bytes, byte order mark included; no record is counted."""
        stream = self._store.open(self._chosen(member))
        pieces, length = [], 0
        while length < size and (piece := stream.read(min(BLOCK, size - length))):
            pieces.append(piece)
            length += len(piece)
        close(stream)
        return b"".join(pieces)

    def opening(self, size: int = 65536, member: str | None = None) -> bytes:
        """Give the first bytes as UTF-8 without byte order mark, as `lines` would; bytes that are not UTF-8 stay."""
        head = self.head(size, member)
        encoding, skip = decoding.decide(self.name, head, False, self._stated, True)
        if encoding == "utf-8":
            return head[skip:]
        return head[skip : len(head) - len(head) % 4].decode(encoding, "ignore").encode()

    # --- its files ----------------------------------------------------------------------------------------------------

    def _chosen(self, member: str | None) -> str | None:
        member = member or self._member
        if member is not None:
            return member
        if self._store.shards():
            return self._each(None)[0]
        names = self._store.members()
        if not names:
            if self._store.folder or self._store.listed:
                raise InputError(f"{self.name}: holds no file to read")
            return None
        if len(names) > 1:
            some = ", ".join(_shown(name) for name in names[:5]) + (", …" if len(names) > 5 else "")
            raise InputError(f"{self.name}: holds {len(names)} files ({some}); give one file as the path")
        return names[0]

    def _each(self, member: str | None) -> tuple[str | None, ...]:
        """List what to read for a member: if none is named, and the input is one data set, all files of that."""
        if member is not None or self._member is not None or not self._store.shards():
            return (member,)
        return chosen(self._store.shards(), self._which, self.name)

    def splits(self) -> list[tuple[int, str | None]]:
        """List the number of the first record of each file read so far, and the split that the file's name tells."""
        return [(part.first, part.split) for part in self._numbering.spans]

    @property
    def left_out(self) -> dict[str, int]:
        """Count what was left out of values: `media` (images, sounds), `uncomputed` (formulas without a value)."""
        found = {}
        for what in ("media", "uncomputed"):
            count = sum(getattr(part.stream, what, 0) for part in self._numbering.spans)
            if count:
                found[what] = count
        return found

    def lookup(self, path: Path | str) -> Self:
        """Open a side table: a member of this folder or archive, or a file beside this one.

        It is hashed and listed among `inputs`, and its records are outside the equation.
        """
        wanted = str(path)
        if wanted in self._store.members():
            side = self._twin(wanted)
            side.name = f"{self.name}:{_shown(wanted)}"
        else:
            beside = self.path if self._store.folder else self.path.parent if self.path else Path()
            assert beside is not None
            side = type(self)(beside / wanted, limits=self.limits, scratch=self.scratch)
        self._lookups.append(side)
        return side

    @property
    def inputs(self) -> list[Input]:
        """List the files read, with their hashes; complete when the reader has drained the source."""
        parts = self._numbering.spans or ([] if self._store.members() else [self._part(None)])
        listed = [self._input(part) for part in parts]
        for side in self._lookups:
            listed += [Input(i.name, i.path, i.bytes, i.sha256, i.encoding, 0, 0) for i in side.inputs]
        return listed

    def _input(self, part: Part) -> Input:
        if part.digest is None:
            part.digest = self._digests.get(part.path)
        if part.digest is None:
            tap = part.tap
            if tap is None or not tap.ended:
                # Not read to its end, or not in order (a zip archive): hash the file on its own.
                folder = self._store.folder
                store = Store(part.path, part.name, None, self.limits) if folder else self._store
                tap = Tap(store.raw())
                while tap.read():
                    pass
                if folder:
                    store.close()
            part.digest = self._digests[part.path] = (tap.count, tap.sha256)
        return Input(part.name, part.path, *part.digest, part.encoding, part.first, part.records, self.legacy)

    def unread(self) -> str | None:
        """Name a file that the reader began and did not read to its end, or never began; None if there is none."""
        parts = self._numbering.spans
        begun = {part.member for part in parts}
        if not parts or not begun.issuperset(self._each(None) if self._store.shards() else ()):
            return self.name
        return next((part.name for part in parts if not part.drained), None)

    def spans(self) -> list[tuple[int, str]]:
        """List the number of the first record of each file read so far, and the file's name."""
        return [(part.first, part.name) for part in self._numbering.spans] or [(self._numbering.first, self.name)]

    # --- opening them -------------------------------------------------------------------------------------------------

    def _part(self, member: str | None) -> Part:
        path = self.path if self.path is not None else Path("-")
        name = self.name
        if member is not None and self._member is None:
            name = name.removesuffix(f":{self._which}")
            name = f"{name}{'/' if self._store.folder else ':'}{_shown(member)}"
        if member is not None and self._store.folder:
            path = path / member
        part = Part(name, path, self._numbering.next)
        part.member = member
        part.split = split_of(member) if member is not None and self._store.shards() else None
        return part

    def _begin(self, member: str | None, as_json: bool) -> Begun:
        """Open an input, or a member of it, to read it; `as_json`: its encoding is not guessed."""
        member = self._chosen(member)
        part = self._part(member)

        def tap(raw: Bytes) -> Bytes:
            part.tap = Tap(raw, self._progress)
            return part.tap

        if not as_json:
            sample = self.head(decoding.SAMPLE, member)
            stream = part.stream = self._store.open(member, tap, table=True)
        else:
            stream = part.stream = _Looked(self._store.open(member, tap))
            sample = stream.head
        whole = len(sample) < decoding.SAMPLE
        encoding, skip = decoding.decide(self.name, sample, whole, self._stated, as_json)
        self.encoding = part.encoding = encoding
        self._numbering.spans.append(part)
        read = stream.read if part.tap is not None else self._counted(stream)
        return Begun(part, stream, read, encoding, skip, self.limits.row)

    def _progress(self, count: int) -> None:
        self.bytes_read += count

    def _counted(self, stream: Stream) -> Callable[[int], bytes]:
        """Count what is read of a stream that is not tapped."""
        total = self.bytes_total

        def read(size: int) -> bytes:
            piece = stream.read(size)
            self.bytes_read = min(self.bytes_read + len(piece), total)
            return piece

        return read


def is_stdin(path: Path | str) -> bool:
    """Say whether a path means standard input: `-`, or the nameless file that holds what came through it."""
    return str(path) == "-" or str(path).startswith("/dev/fd/")


def _shown(name: str) -> str:
    """Give a file name with its control and invisible characters made visible."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in name)
