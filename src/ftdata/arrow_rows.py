"""Rows of Arrow tables as JSON text or as cells of a table, in bounded memory.

A column's type alone decides how its values are written, never the values: text, numbers, booleans and null as they
are; a date, time or timestamp as ISO 8601 (one with a zone in UTC, `Z`), a duration as ISO 8601 seconds (`PT90.5S`);
a decimal of up to 15 digits as the number, a longer one as text, for a double could not hold it; bytes as base64; a
map as an object. NaN, which JSON does not know, is null; an infinity stays a number too large (`huge-number`). Of an
image, sound or film (a struct of `bytes` and `path`, as `datasets` writes it) only the path is given.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from ftdata.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE = 1 << 20  # estimated bytes of JSON that are made at a time
_DIGITS = 15  # decimal digits that a double always keeps (IEEE 754: floor(52 log10 2))
_VALUE = 5  # estimated bytes of JSON of a number or null, with its comma
_ENDLESS = b"1e999"  # no double holds it
_BAD = b"\xff"  # a line that is no UTF-8: its record has that problem


class Writer:
    """Writes the rows of record batches of one schema; `media` counts the images, sounds and films left out.

    Raises `InputError` for a schema that cannot be written: two columns of one name, a type without a JSON form.
    """

    def __init__(self, schema: pa.Schema, name: str, row: int) -> None:
        self.name, self.schema, self._row, self.media = name, schema, row, 0
        self.fields = tuple(schema.names)
        twice = sorted({field for field in self.fields if self.fields.count(field) > 1})
        if twice:
            raise InputError(f"{name}: has two columns of one name ({twice[0][:80]!r}); rename one")
        for field in schema:
            self._known(field.type, field.name)
        self._plain = all(_is_plain(field.type) for field in schema)

    def _known(self, kind: Any, column: str) -> None:
        """Refuse types that have no one form in JSON."""
        import pyarrow.types as is_

        inner = _storage(kind)
        if is_.is_dictionary(inner) or is_.is_run_end_encoded(inner):
            if is_.is_nested(_storage(inner.value_type)) or is_.is_dictionary(_storage(inner.value_type)):
                raise InputError(f"{self.name}: the type of column {column[:80]!r} cannot be read here; cast it")
            self._known(inner.value_type, column)
        elif is_.is_union(inner) or is_.is_interval(inner):
            raise InputError(f"{self.name}: the type of column {column[:80]!r} cannot be written as JSON; cast it")
        elif is_.is_nested(inner):
            fields = [inner.field(at) for at in range(inner.num_fields)]
            names = [field.name for field in fields] if is_.is_struct(inner) else []
            if len(set(names)) < len(names):
                raise InputError(f"{self.name}: column {column[:80]!r} has two fields of one name; rename one")
            for field in fields:
                self._known(field.type, column)

    def weight(self, batch: pa.RecordBatch, most: int) -> int:
        """Estimate the bytes of JSON in a batch, without making any; beyond `most` any number over it will do."""
        total: int = batch.num_rows * sum(len(field) + 4 for field in self.fields)
        for column in batch.columns:
            if total > most:
                break
            total += _weight(column, most - total)
        return total

    def pieces(self, batch: pa.RecordBatch) -> Iterator[list[dict[str, Any] | bytes]]:
        """Give the rows of a batch piece by piece; a row that cannot be given is the bytes that stand for it."""
        if batch.num_rows == 0:
            return
        weight = self.weight(batch, self._row)
        if weight > _PIECE and batch.num_rows > 1:
            half = batch.num_rows // 2
            yield from self.pieces(batch.slice(0, half))
            yield from self.pieces(batch.slice(half))
        elif weight > self._row:
            yield [b""]  # too large
        else:
            yield self._rows(batch)

    def _rows(self, batch: pa.RecordBatch) -> list[dict[str, Any] | bytes]:
        import pyarrow as pa

        try:
            batch.validate(full=True)
            if not self._plain:
                columns = [self._prepared(column) for column in batch.columns]
                batch = pa.RecordBatch.from_arrays(columns, names=list(self.fields))
            rows: list[dict[str, Any] | bytes] = batch.to_pylist(maps_as_pydicts="lossy")
        except UnicodeDecodeError:
            pass
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                raise
        else:
            return rows
        if batch.num_rows == 1:
            return [_BAD]
        return [row for at in range(batch.num_rows) for row in self._rows(batch.take([at]))]

    def _prepared(self, array: Any) -> Any:
        """Give an array whose Python values are those of JSON; bytes in it are JSON text as it shall stand."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.types as is_

        kind = array.type
        if isinstance(kind, pa.JsonType):
            return array.storage.cast(pa.large_binary())
        if isinstance(kind, pa.BaseExtensionType):
            return self._prepared(array.storage)
        if is_.is_dictionary(kind):
            texts = array.dictionary
            if is_.is_string_view(texts.type) or is_.is_binary_view(texts.type):  # which cannot be taken from
                texts = texts.cast(pa.large_string() if is_.is_string_view(texts.type) else pa.large_binary())
            return self._prepared(texts.take(array.indices))
        if is_.is_run_end_encoded(kind):
            return self._prepared(pc.run_end_decode(array))
        if _is_plain(kind):
            return array
        if is_.is_floating(kind):
            return _without_infinity(array)
        if is_.is_struct(kind):
            return self._struct(array)
        if is_.is_map(kind):
            return self._map(array)
        if is_.is_nested(kind):
            return self._list(array)
        return _as_text(array)

    def _struct(self, array: Any) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        children = dict(zip([field.name for field in array.type], array.flatten(), strict=True))
        if is_media(array.type):
            self.media += len(array) - array.null_count
            del children["bytes"]
        made = [self._prepared(child) for child in children.values()]
        if not made:
            return array
        return pa.StructArray.from_arrays(made, names=list(children), mask=pc.is_null(array))

    def _list(self, array: Any) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        lengths = pc.fill_null(pc.list_value_length(array), 0)
        ends = pc.cumulative_sum(pc.cast(lengths, pa.int64()))
        starts = pa.concat_arrays([pa.array([0], pa.int64()), ends])
        return pa.LargeListArray.from_arrays(starts, self._prepared(array.flatten()), mask=pc.is_null(array))

    def _map(self, array: Any) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        offsets = array.offsets
        first, last = offsets[0].as_py(), offsets[-1].as_py()
        keys = self._prepared(array.keys.slice(first, last - first))
        if not (pa.types.is_string(keys.type) or pa.types.is_large_string(keys.type)):
            keys = keys.cast(pa.string())
        items = self._prepared(array.items.slice(first, last - first))
        shifted = pc.subtract(offsets, pa.scalar(first, offsets.type))
        null = pc.is_null(array)
        made = pa.MapArray.from_arrays(shifted, keys, items)
        return made if array.null_count == 0 else pc.if_else(null, pa.scalar(None, made.type), made)


def text_of(value: Any) -> bytes:
    """Write a value as JSON text."""
    return orjson.dumps(value, default=_fragment, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def line_of(row: dict[str, Any] | bytes, most: int) -> bytes | None:
    """Write a row as one line of JSON, without its end; None: it is too large."""
    if isinstance(row, bytes):
        return row or None
    try:
        line = text_of(row)
    except (TypeError, ValueError, RecursionError):  # a nesting beyond orjson's 254 levels
        return _BAD
    return line if len(line) <= most else None


def cells_of(row: dict[str, Any]) -> list[str]:
    """Write a row as cells: text as it is, null empty, anything else as its JSON text."""
    return [v if isinstance(v, str) else "" if v is None else text_of(v).decode() for v in row.values()]


def is_media(kind: Any) -> bool:
    """Say whether a struct is one in which `datasets` keeps an image, a sound or a film."""
    names = {field.name: field.type for field in kind}
    return set(names) == {"bytes", "path"} and "binary" in str(names["bytes"])


def _fragment(value: Any) -> Any:
    if not isinstance(value, bytes):
        raise TypeError
    if value.strip(b"-") != _ENDLESS:
        try:
            orjson.loads(value)
        except ValueError:
            return value.decode()  # a column said to hold JSON that does not
    return orjson.Fragment(value)


def _storage(kind: Any) -> Any:
    import pyarrow as pa

    return _storage(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else kind


def _is_plain(kind: Any) -> bool:
    """Say whether the Python values of a type are those of JSON."""
    import pyarrow as pa
    import pyarrow.types as is_

    if isinstance(kind, pa.BaseExtensionType):
        return False
    if is_.is_struct(kind):
        return not is_media(kind) and all(_is_plain(field.type) for field in kind)
    if is_.is_list(kind) or is_.is_large_list(kind):
        return _is_plain(kind.value_type)
    texts = is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind)
    return bool(texts or is_.is_integer(kind) or is_.is_boolean(kind) or is_.is_null(kind))


def _without_infinity(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    array = array.cast(pa.float64())
    endless = pc.is_inf(array)
    if not pc.any(endless).as_py():
        return array
    texts = [None if v is None or v != v else str(v).encode().replace(b"inf", _ENDLESS) for v in array.to_pylist()]
    return pa.array(texts, pa.large_binary())


def _as_text(array: Any) -> Any:
    """Write an array of a type that JSON does not know as text, or as bytes that are numbers."""
    import pyarrow as pa
    import pyarrow.types as is_

    kind = array.type
    if is_.is_decimal(kind):
        texts = array.cast(pa.string())
        exact = kind.precision <= _DIGITS and kind.scale >= 0
        return texts.cast(pa.large_binary()) if exact else texts
    if is_.is_timestamp(kind) or is_.is_date(kind):
        return pa.array(_moments(array), pa.string())
    if is_.is_time(kind) or is_.is_duration(kind):
        unit = 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
        size = pa.int64() if kind.bit_width == 64 else pa.int32()
        form = _clock if is_.is_time(kind) else _duration
        return pa.array([None if v is None else form(v, unit) for v in array.view(size).to_pylist()], pa.string())
    values = (base64.b64encode(v).decode() if v is not None else None for v in array.to_pylist())
    return pa.array(values, pa.string())


def _moments(array: Any) -> list[str | None]:
    """Write dates and timestamps: a fraction only where there is one, in UTC where there is a zone."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_date(kind):
        unit, size, zone = ("D", pa.int32(), "") if kind.bit_width == 32 else ("ms", pa.int64(), "")
    else:
        unit, size, zone = kind.unit, pa.int64(), "Z" if kind.tz else ""
    null = pc.is_null(array).to_pylist()
    numbers = np.array(pc.fill_null(array.view(size), 0).to_pylist(), dtype=np.int64)
    texts = np.datetime_as_string(numbers.astype(f"datetime64[{unit}]")).tolist()
    if pa.types.is_date(kind):
        texts = [text.partition("T")[0] for text in texts]
    else:
        texts = [text[: -len(text.partition(".")[2]) - 1] if _whole(text) else text for text in texts]
    return [None if gone else text + zone for text, gone in zip(texts, null, strict=True)]


def _whole(text: str) -> bool:
    fraction = text.partition(".")[2]
    return bool(fraction) and not fraction.strip("0")


def _clock(value: int, unit: int) -> str:
    seconds, rest = divmod(value, unit)
    fraction = f".{rest:0{len(str(unit)) - 1}}" if rest else ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def _duration(value: int, unit: int) -> str:
    seconds, rest = divmod(abs(value), unit)
    fraction = f".{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else ""
    return f"{'-' if value < 0 else ''}PT{seconds}{fraction}S"


def _weight(array: Any, most: int) -> int:
    """Estimate the bytes of JSON in an array; stops beyond `most`, before it would look into that many values."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as is_

    kind, count = array.type, len(array)
    if isinstance(kind, pa.BaseExtensionType):
        return _weight(array.storage, most)
    if is_.is_string_view(kind) or is_.is_binary_view(kind):
        array, kind = _view_lengths(array), None
        return count * 3 + int(pc.sum(array).as_py() or 0)
    if is_.is_fixed_size_binary(kind):
        return count * int(kind.byte_width + 3)
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_binary(kind) or is_.is_large_binary(kind):
        return count * 3 + int(pc.sum(pc.binary_length(array)).as_py() or 0)
    if is_.is_dictionary(kind):
        return count * 3 + _coded(array)
    if is_.is_run_end_encoded(kind):
        longest = max((_weight(array.values.slice(at, 1), most) for at in range(len(array.values))), default=0)
        return count * longest
    if is_.is_struct(kind):
        total: int = count * sum(len(field.name) + 4 for field in kind)
        for child in array.flatten():
            if total > most:
                return total
            total += _weight(child, most - total)
        return total
    if not is_.is_nested(kind):
        return count * _VALUE
    if is_.is_map(kind):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        held = last - first
        parts = [array.keys.slice(first, held), array.items.slice(first, held)]
    else:
        held = pc.sum(pc.cast(pc.list_value_length(array), pa.int64())).as_py() or 0
        parts = []
    total = 2 * count + held
    if total > most:
        return total
    parts = parts or [array.flatten()]
    return total + sum(_weight(part, most - total) for part in parts)


def _coded(array: Any) -> int:
    """Say how many bytes the texts take that a dictionary stands for."""
    import pyarrow.compute as pc
    import pyarrow.types as is_

    kind = array.type.value_type
    if is_.is_string_view(kind) or is_.is_binary_view(kind):
        return int(pc.sum(_view_lengths(array.dictionary).take(array.indices)).as_py() or 0)
    if not (is_.is_string(kind) or is_.is_large_string(kind) or is_.is_binary(kind) or is_.is_large_binary(kind)):
        return len(array) * _VALUE * 4
    return int(pc.sum(pc.binary_length(array.dictionary).take(array.indices)).as_py() or 0)


def _view_lengths(array: Any) -> Any:
    """Give the lengths of texts of the view layout: the first four bytes of each 16 (Arrow columnar format 1.4)."""
    import numpy as np
    import pyarrow as pa

    buffer = array.buffers()[1]
    views = np.frombuffer(buffer, dtype=np.int32).reshape(-1, 4)[array.offset : array.offset + len(array), 0]
    return pa.array(views.astype(np.int64).tolist(), pa.int64())
